//! Dialogues of USSD, and what mobiles return in strings and short messages, with a message centre played by hand.

use super::bearers::*;
use super::centre::*;
use super::lab::*;
use crate::codec::smpp::{
    Body, Command, Message, Party, Pdu, Status, Text, Tlvs, UDHI, put_number, put_octets, tag,
};
use crate::codec::sms::{Ports, Reference, segments};
use crate::codec::ussd::{NetworkString, strings};
use crate::codec::wsp::sir::sir_of;
use crate::event::Bearer;
use crate::protocol::smpp::State;
use crate::world::LinkId;

const NUMBER: &str = "15550103";
/// From the push port of a device to the gateway.
const UP: Ports = Ports {
    destination: 9200,
    source: 2948,
};

/// The string of a submission, and its place in a dialogue: number, string and whether it is the last.
fn string(octets: &[u8]) -> (Vec<u8>, [u8; 2]) {
    let read = Pdu::decode(octets).unwrap();
    let Body::Message(message) = read.body else {
        panic!("a submit_sm");
    };
    assert_eq!(message.service_type, Text(b"USSD"));
    assert_eq!(read.tlvs.octets(tag::USSD_SERVICE_OP), Some(&[2][..]));
    let session = read.tlvs.octets(tag::ITS_SESSION_INFO).unwrap();
    let string = NetworkString::decode(message.short_message).unwrap();
    let payload = string.user_data.payload.to_vec();
    (payload, session.try_into().unwrap())
}

/// The mobile sends a message, a part of a dialogue when an operation is given.
pub(super) fn send(
    lab: &mut Lab,
    link: LinkId,
    ussd: Option<(u8, Option<[u8; 2]>)>,
    octets: &[u8],
) {
    let mut tlvs = Vec::new();
    if let Some((operation, session)) = ussd {
        put_number(&mut tlvs, tag::USSD_SERVICE_OP, operation.into());
        if let Some(session) = session {
            put_octets(&mut tlvs, tag::ITS_SESSION_INFO, &session);
        }
    }
    let message = Message {
        service_type: if ussd.is_some() {
            Text(b"USSD")
        } else {
            Text(b"")
        },
        source: Party {
            ton: 1,
            npi: 1,
            address: Text(NUMBER.as_bytes()),
        },
        esm_class: if ussd.is_some() { 0 } else { UDHI },
        data_coding: 4,
        short_message: octets,
        ..Message::default()
    };
    let deliver = Pdu {
        tlvs: Tlvs::decode(&tlvs).unwrap(),
        ..Pdu::new(Command::DELIVER_SM, 9, Body::Message(message))
    };
    pdu(lab, link, deliver);
}

/// The one string that was submitted since the last look.
pub(super) fn one_string(lab: &mut Lab, link: LinkId) -> Option<(Vec<u8>, [u8; 2])> {
    let mut parts = submitted(lab, link);
    assert!(parts.len() <= 1, "one string at a time");
    accept(lab, link, &parts);
    let (_, octets) = parts.pop()?;
    Some(string(&octets))
}

/// What the gateway acknowledged since the last look.
fn acknowledged(lab: &mut Lab) -> usize {
    let is_ok = |octets: &[u8]| {
        let read = Pdu::decode(octets).unwrap();
        read.command == Command::DELIVER_SM_RESP && read.status == Status::OK
    };
    let octets = core::mem::take(&mut lab.octets);
    octets.iter().filter(|(_, octets)| is_ok(octets)).count()
}

/// Information of a mobile that fits no single message.
fn information() -> String {
    let types = ["text/plain"; 20].map(|it| format!("{it:?}")).join(",");
    format!(r#"{{"kind":"capability","accept":[{types}]}}"#)
}

#[test]
fn r2_58_the_strings_of_a_sir_go_one_after_the_other() {
    let mut lab = lab(&[Bearer::Ussd]);
    let link = bound(&mut lab);
    lab.push("p1", &[UUID], "");
    let (mut datagram, mut session) = one_string(&mut lab, link).expect("a string");
    let mut count = 1;
    loop {
        assert!(lab.events("sir.answer").is_empty());
        send(&mut lab, link, Some((18, Some(session))), &[]);
        let Some((payload, next)) = one_string(&mut lab, link) else {
            break;
        };
        assert_eq!(next[0], session[0], "it is one dialogue");
        assert_eq!(next[1] >> 1, (session[1] >> 1) + 1);
        datagram.extend(payload);
        session = next;
        count += 1;
    }
    assert!(count > 1);
    assert_eq!(session[1] & 1, 1, "the last one ends it");
    assert!(sir_of(&datagram).is_ok());
    assert_eq!(lab.events("sir.answer")[0]["status"], 200);
}

#[test]
fn r2_58_a_dialogue_that_is_lost_hands_over_and_its_late_answer_counts_for_no_other_sir() {
    let mut lab = lab(&[Bearer::Ussd, Bearer::Http]);
    let link = bound(&mut lab);
    lab.push("p1", &[UUID], "");
    let (_, lost) = one_string(&mut lab, link).expect("a string");
    lab.push("p2", &[UUID], "");
    assert_eq!(
        one_string(&mut lab, link),
        None,
        "the mobile has one dialogue"
    );
    pass(&mut lab, link, 61);
    let (id, _) = posted(&mut lab);
    answer_http(&mut lab, id, "400");
    let (_, second) = one_string(&mut lab, link).expect("the next SIR");
    assert_ne!(lost[0], second[0]);
    let answers = lab.events("sir.answer").len();
    send(&mut lab, link, Some((18, Some(lost))), &[]);
    assert_eq!(one_string(&mut lab, link), None);
    assert_eq!(lab.events("sir.answer").len(), answers);
    send(&mut lab, link, Some((18, Some(second))), &[]);
    assert!(one_string(&mut lab, link).is_some());
    connect(&mut lab);
    assert_eq!(
        told(&mut lab, "p1"),
        "delivered by http; ussd: no answer to the string with the SIR"
    );
}

#[test]
fn r2_58_a_string_that_does_not_reach_the_mobile_hands_over() {
    let mut lab = lab(&[Bearer::Ussd, Bearer::Http]);
    let link = bound(&mut lab);
    lab.push("p1", &[UUID], "");
    let parts = submitted(&mut lab, link);
    report(&mut lab, link, &parts, State::Undeliverable);
    posted(&mut lab);
}

#[test]
fn r2_58_a_message_centre_that_numbers_no_dialogues_is_served_too() {
    let mut lab = lab(&[Bearer::Ussd]);
    let link = bound(&mut lab);
    lab.push("p1", &[UUID], "");
    while one_string(&mut lab, link).is_some() {
        send(&mut lab, link, Some((18, None)), &[]);
    }
    assert_eq!(lab.events("sir.answer")[0]["status"], 200);
}

#[test]
fn r2_108_information_comes_in_the_answer_and_in_a_dialogue_of_the_mobile_which_is_ended() {
    let mut lab = lab(&[Bearer::Ussd]);
    let link = bound(&mut lab);
    lab.push("p1", &[UUID], "");
    let mut session = None;
    while let Some((_, next)) = one_string(&mut lab, link) {
        session = Some(next);
        if next[1] & 1 == 1 {
            break;
        }
        send(&mut lab, link, Some((18, session)), &[]);
    }
    let told = information();
    let parts = strings(told.as_bytes(), UP, Reference::Sixteen(5), 133).unwrap();
    let [first, rest @ ..] = parts.as_slice() else {
        panic!("parts");
    };
    assert!(!rest.is_empty());
    send(&mut lab, link, Some((18, session)), first);
    assert_eq!(lab.events("sir.answer")[0]["status"], 200);
    lab.octets.clear();
    for part in rest {
        assert!(lab.events("info.rx").is_empty());
        send(&mut lab, link, Some((1, Some([77, 0]))), part);
        let (_, octets) = submitted(&mut lab, link).remove(0);
        let end = Pdu::decode(&octets).unwrap();
        assert_eq!(end.tlvs.octets(tag::USSD_SERVICE_OP), Some(&[17][..]));
        assert_eq!(end.tlvs.octets(tag::ITS_SESSION_INFO), Some(&[77, 1][..]));
    }
    let told = lab.events("info.rx");
    assert_eq!(
        (told[0]["dev"].as_str(), told[0]["via"].as_str()),
        (Some("C1"), Some("ussd"))
    );
}

#[test]
fn r2_106_information_in_several_short_messages_is_put_together_and_each_is_acknowledged() {
    let mut lab = lab(&[Bearer::Sms]);
    let link = bound(&mut lab);
    lab.push("p1", &[UUID], "");
    lab.octets.clear();
    let told = information();
    let parts = segments(told.as_bytes(), UP, Reference::Sixteen(5)).unwrap();
    assert!(parts.len() > 1);
    for part in parts.iter().rev() {
        assert!(lab.events("info.rx").is_empty());
        send(&mut lab, link, None, part);
        assert_eq!(acknowledged(&mut lab), 1);
    }
    let told = lab.events("info.rx");
    assert_eq!(
        (told[0]["kind"].as_str(), told[0]["via"].as_str()),
        (Some("capability"), Some("sms"))
    );
}

#[test]
fn r2_106_parts_without_the_others_are_given_up_and_begin_nothing_later() {
    let mut lab = lab(&[Bearer::Sms]);
    let link = bound(&mut lab);
    let told = information();
    let parts = segments(told.as_bytes(), UP, Reference::Sixteen(5)).unwrap();
    send(&mut lab, link, None, &parts[0]);
    pass(&mut lab, link, 301);
    let refused = lab.events("refused");
    let why = refused.last().map(|event| event["why"].as_str().unwrap());
    assert_eq!(why, Some("1 of 3 parts of a message came"));
    for part in &parts[1..] {
        send(&mut lab, link, None, part);
    }
    assert!(acknowledged(&mut lab) >= 2);
    assert!(lab.events("info.rx").is_empty());
}

#[test]
fn r2_106_information_of_a_device_that_no_sir_asked_is_not_taken() {
    let mut lab = Lab::with(with_bearers(&[Bearer::Sms]));
    let link = bound(&mut lab);
    let told = br#"{"kind":"capability","accept":["text/plain"]}"#;
    let part = segments(told, UP, Reference::Sixteen(5)).unwrap().remove(0);
    lab.push("p1", &[UUID], "");
    send(&mut lab, link, None, &part);
    assert!(lab.events("info.rx").is_empty());
    let refused = lab.events("refused");
    assert_eq!(
        refused.last().unwrap()["why"],
        "information that was not asked for"
    );
    lab.push("p2", &[UUID], "X-Sirgate-Ask: capability\n");
    send(&mut lab, link, None, &part);
    assert_eq!(lab.events("info.rx").len(), 1);
}
