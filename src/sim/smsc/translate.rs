//! Between SMPP and the radio: a short message as frames, and a frame as a short message.

use crate::codec::radio::{About, Domain, Frame, OCTETS_CODING, UssdString};
use crate::codec::smpp::{UDHI, tag};
use crate::codec::sms::alphabet::{Alphabet, fill_bits, unpack};
use crate::codec::sms::timestamp::Timestamp;
use crate::codec::sms::tpdu::{From, Tpdu};
use crate::codec::sms::write::{Load, deliver};
use crate::codec::sms::{Reference, UserData, segments};
use crate::protocol::smpp::{Address, ServiceOp, ShortMessage, Ussd};
use crate::time::Time;

/// The data_coding of octets.
const OCTETS: u8 = 4;
/// Types of bearers in the optional parameters: circuit-switched and packet data.
const CIRCUIT: u32 = 2;
const PACKET: u32 = 3;

/// The frames of a message; their references are set when they are sent.
pub(super) fn frames(now: Time, message: &ShortMessage) -> Result<Vec<Vec<u8>>, String> {
    let domain = match message.tlvs().number(tag::DEST_BEARER_TYPE) {
        Some(CIRCUIT) => Some(Domain::Circuit),
        Some(PACKET) => Some(Domain::Packet),
        _ => None,
    };
    let framed = |about, payload: &[u8]| {
        let frame = Frame {
            domain,
            ..Frame::request(about, 0, payload)
        };
        frame.encode()
    };
    if message.ussd().is_some() {
        return Ok(vec![framed(About::SupplementaryServices, &string(message))]);
    }
    let tpdus = tpdus(now, message)?;
    Ok(tpdus
        .iter()
        .map(|tpdu| framed(About::ShortMessages, tpdu))
        .collect())
}

/// The string of a message.
pub(super) fn string(message: &ShortMessage) -> Vec<u8> {
    let coding = match message.data_coding {
        OCTETS => OCTETS_CODING,
        coding => coding,
    };
    let octets = &message.octets;
    UssdString { coding, octets }.encode()
}

/// Whether a message ends a dialogue that its handset began.
pub(super) fn ends_dialogue(message: &ShortMessage) -> bool {
    let operation = message.ussd().map(|ussd| ussd.operation);
    matches!(
        operation,
        Some(ServiceOp::ProcessEnd | ServiceOp::ProcessOctetsEnd)
    )
}

fn tpdus(now: Time, message: &ShortMessage) -> Result<Vec<Vec<u8>>, String> {
    let stamp = now.to_string().replace('Z', "+00:00");
    let stamp: Timestamp = stamp
        .parse()
        .map_err(|_| "a time out of range".to_owned())?;
    let from = message.source.to_string();
    let tpdu = |load: &Load<'_>| deliver(&from, &stamp, load).map_err(|fault| fault.to_string());
    let user_data = message.user_data().map_err(|error| error.to_string())?;
    let header_octets = user_data
        .header
        .map_or(0, |header| header.octets().len().saturating_add(1));
    // Ports that stand in optional parameters alone have to get into the header.
    if let (0, (Some(ports), None)) = (header_octets, message.place()) {
        let parts = segments(&message.octets, ports, Reference::Eight(0));
        let parts = parts.map_err(|error| error.to_string())?;
        return parts.iter().map(|part| tpdu(&Load::octets(part))).collect();
    }
    let load = Load {
        protocol: message.protocol_id,
        coding: message.data_coding,
        header_octets,
        octets: &message.octets,
    };
    Ok(vec![tpdu(&load)?])
}

/// The message that a frame of the handset with that number is.
pub(super) fn message(number: &str, frame: &Frame<'_>) -> Result<ShortMessage, String> {
    let source = Address::of(&format!("+{number}"));
    if frame.about == About::SupplementaryServices {
        let string = UssdString::decode(frame.payload);
        let message = ShortMessage {
            source,
            data_coding: coding_up(string.coding),
            octets: bytes::Bytes::copy_from_slice(string.octets),
            ..ShortMessage::default()
        };
        let operation = ServiceOp::Process;
        let session = None;
        return Ok(message.with_ussd(Ussd { operation, session }));
    }
    let tpdu = Tpdu::decode(frame.payload, From::Mobile).map_err(|error| error.to_string())?;
    let Tpdu::Submit(submit) = tpdu else {
        return Err("no SUBMIT".to_owned());
    };
    let UserData { header, payload } = submit.text.user_data;
    let mut octets = Vec::new();
    if let Some(header) = header {
        let length = header.octets().len();
        octets.push(u8::try_from(length).unwrap_or(u8::MAX));
        octets.extend_from_slice(header.octets());
    }
    if submit.text.alphabet == Alphabet::Gsm7 {
        let septets = octets.len().saturating_mul(8).div_ceil(7);
        let count = usize::from(submit.text.length).saturating_sub(septets);
        octets.extend(unpack(payload, fill_bits(octets.len()), count));
    } else {
        octets.extend_from_slice(payload);
    }
    Ok(ShortMessage {
        source,
        destination: Address::of(&submit.destination.to_string()),
        esm_class: if header.is_some() { UDHI } else { 0 },
        protocol_id: submit.protocol,
        data_coding: match submit.text.alphabet {
            Alphabet::Octets => OCTETS,
            _ => submit.data_coding,
        },
        octets: octets.into(),
        ..ShortMessage::default()
    })
}

/// The data_coding of a string.
pub(super) const fn coding_up(coding: u8) -> u8 {
    if coding == OCTETS_CODING {
        OCTETS
    } else {
        coding
    }
}
