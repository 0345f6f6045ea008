//! A message centre played by hand: it binds, takes short messages, and reports on them.

use core::time::Duration;

use bytes::Bytes;

use super::lab::*;
use crate::codec::smpp::{Body, Command, Pdu, Text, Tlvs, put_number, put_octets, tag};
use crate::codec::sms::UserData;
use crate::protocol::smpp::{Receipt, State};
use crate::world::{Input, LinkId, Transport};

/// The link to the message centre, bound; what it is sent next begins with sequence 2.
pub(super) fn bound(lab: &mut Lab) -> LinkId {
    lab.wait(Duration::ZERO);
    bound_anew(lab)
}

/// The same for the link that was asked for last.
pub(super) fn bound_anew(lab: &mut Lab) -> LinkId {
    let link = lab.connects.pop().expect("a link to the message centre");
    lab.input(Input::Opened {
        link,
        listener: None,
        transport: Transport::Tcp,
        local: "192.0.2.5:40000".parse().unwrap(),
        peer: "192.0.2.9:2775".parse().unwrap(),
    });
    lab.octets.clear();
    let body = Body::BindResponse(Text(b"smsc"));
    pdu(lab, link, Pdu::new(Command::BIND_TRANSCEIVER_RESP, 1, body));
    link
}

pub(super) fn pdu(lab: &mut Lab, link: LinkId, pdu: Pdu<'_>) {
    let octets = Bytes::from(pdu.encode().unwrap());
    lab.input(Input::Octets { link, octets });
}

/// What was submitted since the last look: sequence and whole PDU.
pub(super) fn submitted(lab: &mut Lab, link: LinkId) -> Vec<(u32, Vec<u8>)> {
    let all: Vec<u8> = core::mem::take(&mut lab.octets)
        .into_iter()
        .filter(|(own, _)| *own == link)
        .flat_map(|(_, octets)| octets.to_vec())
        .collect();
    let mut rest = all.as_slice();
    let mut found = Vec::new();
    while let [a, b, c, d, ..] = rest {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let (first, more) = rest.split_at(length);
        rest = more;
        let read = Pdu::decode(first).unwrap();
        if matches!(read.command, Command::SUBMIT_SM | Command::DATA_SM) {
            found.push((read.sequence, first.to_vec()));
        }
    }
    found
}

/// The message centre takes what was submitted, each part under a name of its own.
pub(super) fn accept(lab: &mut Lab, link: LinkId, parts: &[(u32, Vec<u8>)]) -> Vec<String> {
    let mut names = Vec::new();
    for (sequence, _) in parts {
        let name = format!("m{sequence}");
        let body = Body::MessageResponse(Text(name.as_bytes()));
        let taken = Pdu::new(Command::SUBMIT_SM_RESP, *sequence, body);
        pdu(lab, link, taken);
        names.push(name);
    }
    names
}

/// Lets time pass while the message centre shows that it is there.
pub(super) fn pass(lab: &mut Lab, link: LinkId, secs: u64) {
    for _ in 0..secs {
        lab.wait(Duration::from_secs(1));
        pdu(lab, link, Pdu::new(Command::ENQUIRE_LINK, 1, Body::Empty));
    }
}

/// The message centre takes what was submitted, and reports that on each part.
pub(super) fn report(lab: &mut Lab, link: LinkId, parts: &[(u32, Vec<u8>)], state: State) {
    let names = accept(lab, link, parts);
    for ((sequence, octets), id) in parts.iter().zip(&names) {
        let Body::Message(sent) = Pdu::decode(octets).unwrap().body else {
            panic!("a submit_sm");
        };
        let receipt = Receipt::new(id, state, lab.now, lab.now, 0);
        let (number, _) = match state {
            State::Delivered => (2, "DELIVRD"),
            _ => (5, "UNDELIV"),
        };
        let mut tlvs = Vec::new();
        put_octets(
            &mut tlvs,
            tag::RECEIPTED_MESSAGE_ID,
            format!("{}\0", receipt.message_id).as_bytes(),
        );
        put_number(&mut tlvs, tag::MESSAGE_STATE, number);
        let message = crate::codec::smpp::Message {
            source: sent.destination,
            destination: sent.source,
            esm_class: 0x04,
            ..crate::codec::smpp::Message::default()
        };
        let deliver = Pdu {
            tlvs: Tlvs::decode(&tlvs).unwrap(),
            ..Pdu::new(Command::DELIVER_SM, *sequence, Body::Message(message))
        };
        pdu(lab, link, deliver);
    }
}

pub(super) fn datagram(parts: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut datagram = Vec::new();
    for (_, octets) in parts {
        let Body::Message(message) = Pdu::decode(octets).unwrap().body else {
            panic!("a submit_sm");
        };
        let data = UserData::decode(message.short_message).unwrap();
        datagram.extend_from_slice(data.payload);
    }
    datagram
}
