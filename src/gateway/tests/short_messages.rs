//! SIRs in short messages, with a message centre played by hand.

use core::time::Duration;

use super::bearers::*;
use super::centre::*;
use super::lab::*;
use crate::codec::smpp::{Body, Command, Pdu, Status, tag};
use crate::codec::wsp::sir::sir_of;
use crate::event::Bearer;
use crate::protocol::smpp::State;

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
    let parts = submitted(&mut lab, link);
    accept(&mut lab, link, &parts);
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
fn r2_57_the_packet_domain_is_a_datagram_where_the_device_takes_one() {
    let mut lab = lab(&[Bearer::Ps]);
    lab.push("p1", &[UUID], "");
    assert_eq!(lab.wsp.len(), 1);
    assert_eq!(bearers_of(&mut lab), ["ps"]);
}

#[test]
fn r2_56_r2_57_domains_are_a_parameter_of_data_sm() {
    for (bearer, domain, name) in [(Bearer::Cs, 2, "cs"), (Bearer::Ps, 3, "ps")] {
        let mut config = with_bearers(&[bearer]);
        if bearer == Bearer::Ps {
            // Else it takes a datagram.
            config.identities[0].devices[0].profile.addresses.wsp = None;
        }
        let mut lab = Lab::with(config);
        lab.register(1);
        let link = bound(&mut lab);
        lab.push("p1", &[UUID], "");
        let (_, octets) = submitted(&mut lab, link).remove(0);
        let read = Pdu::decode(&octets).unwrap();
        assert_eq!(read.command, Command::DATA_SM);
        assert_eq!(read.tlvs.number(tag::DEST_BEARER_TYPE), Some(domain));
        assert!(read.tlvs.number(tag::QOS_TIME_TO_LIVE).is_some());
        assert!(read.tlvs.octets(tag::MESSAGE_PAYLOAD).is_some());
        assert_eq!(bearers_of(&mut lab), [name]);
    }
}
