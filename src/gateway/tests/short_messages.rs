//! SIRs in short messages and USSD strings, with a message centre played by hand.

use core::time::Duration;

use bytes::Bytes;

use super::bearers::*;
use super::lab::*;
use crate::codec::smpp::{Body, Command, Pdu, Status, Text, Tlvs, put_number, put_octets, tag};
use crate::codec::sms::UserData;
use crate::codec::wsp::sir::sir_of;
use crate::event::Bearer;
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

/// The message centre takes what was submitted, and reports that on each part.
pub(super) fn report(lab: &mut Lab, link: LinkId, parts: &[(u32, Vec<u8>)], state: State) {
    for (sequence, _) in parts {
        let name = format!("m{sequence}");
        let body = Body::MessageResponse(Text(name.as_bytes()));
        pdu(
            lab,
            link,
            Pdu::new(Command::SUBMIT_SM_RESP, *sequence, body),
        );
    }
    for (sequence, octets) in parts {
        let Body::Message(sent) = Pdu::decode(octets).unwrap().body else {
            panic!("a submit_sm");
        };
        let id = format!("m{sequence}");
        let receipt = Receipt::new(&id, state, lab.now, lab.now, 0);
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

#[test]
fn r2_54_a_short_message_is_under_way_until_its_receipt() {
    let mut lab = lab(&[Bearer::Sms, Bearer::Http]);
    let link = bound(&mut lab);
    lab.push("p1", &[UUID], "");
    let parts = submitted(&mut lab, link);
    assert!(sir_of(&datagram(&parts)).is_ok());
    report(&mut lab, link, &parts, State::Delivered);
    let answers = lab.events("sir.answer");
    assert_eq!(
        (answers[0]["bearer"].as_str(), answers[0]["status"].as_u64()),
        (Some("sms"), Some(200))
    );
    connect(&mut lab);
    assert_eq!(told(&mut lab, "p1"), "delivered");
}

#[test]
fn r2_54_a_receipt_that_says_undeliverable_hands_over_to_the_next_bearer() {
    let mut lab = lab(&[Bearer::Sms, Bearer::Http]);
    let link = bound(&mut lab);
    lab.push("p1", &[UUID], "");
    let parts = submitted(&mut lab, link);
    report(&mut lab, link, &parts, State::Undeliverable);
    let (id, _) = posted(&mut lab);
    answer_http(&mut lab, id, "400");
    connect(&mut lab);
    assert_eq!(
        told(&mut lab, "p1"),
        "delivered by http; sms: the short message could not be delivered"
    );
}

#[test]
fn r2_54_without_a_receipt_in_time_the_next_bearer_is_tried() {
    let mut lab = lab(&[Bearer::Sms, Bearer::Http]);
    let link = bound(&mut lab);
    lab.push("p1", &[UUID], "");
    for (sequence, _) in submitted(&mut lab, link) {
        let body = Body::MessageResponse(Text(b"m"));
        pdu(
            &mut lab,
            link,
            Pdu::new(Command::SUBMIT_SM_RESP, sequence, body),
        );
    }
    lab.wait(Duration::from_secs(200));
    posted(&mut lab);
}

#[test]
fn r2_54_a_message_centre_that_refuses_hands_over_to_the_next_bearer() {
    let mut lab = lab(&[Bearer::Sms, Bearer::Http]);
    let link = bound(&mut lab);
    lab.push("p1", &[UUID], "");
    let (sequence, _) = submitted(&mut lab, link)[0];
    let refusal = Pdu {
        status: Status::INVALID_DESTINATION,
        ..Pdu::new(Command::SUBMIT_SM_RESP, sequence, Body::Empty)
    };
    pdu(&mut lab, link, refusal);
    posted(&mut lab);
}

#[test]
fn r2_54_a_short_message_without_receipt_keeps_no_other_push_waiting() {
    let mut lab = lab(&[Bearer::Sms]);
    let link = bound(&mut lab);
    lab.push("p1", &[UUID], "");
    assert!(!submitted(&mut lab, link).is_empty());
    lab.push("p2", &[UUID], "");
    assert!(!submitted(&mut lab, link).is_empty());
}

#[test]
fn r2_56_a_short_message_of_the_circuit_domain_says_so() {
    let mut lab = lab(&[Bearer::Cs]);
    let link = bound(&mut lab);
    lab.push("p1", &[UUID], "");
    let (_, octets) = submitted(&mut lab, link).remove(0);
    let read = Pdu::decode(&octets).unwrap();
    assert_eq!(read.tlvs.octets(tag::DEST_BEARER_TYPE), Some(&[2][..]));
    assert_eq!(bearers_of(&mut lab), ["cs"]);
}

#[test]
fn r2_57_the_packet_domain_is_a_datagram_where_the_device_takes_one_else_a_short_message() {
    let mut lab = lab(&[Bearer::Ps]);
    lab.push("p1", &[UUID], "");
    assert_eq!(lab.wsp.len(), 1);
    assert_eq!(bearers_of(&mut lab), ["ps"]);
    let mut config = with_bearers(&[Bearer::Ps]);
    config.identities[0].devices[0].profile.addresses.wsp = None;
    let mut lab = Lab::with(config);
    lab.register(1);
    let link = bound(&mut lab);
    lab.push("p2", &[UUID], "");
    let (_, octets) = submitted(&mut lab, link).remove(0);
    let read = Pdu::decode(&octets).unwrap();
    assert_eq!(read.tlvs.octets(tag::DEST_BEARER_TYPE), Some(&[3][..]));
}
