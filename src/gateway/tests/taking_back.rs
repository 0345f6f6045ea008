//! Short messages that are taken back, given to another bearer, or found again after a restart.

use core::time::Duration;

use super::bearers::*;
use super::centre::*;
use super::initiator::take_back;
use super::lab::*;
use crate::codec::smpp::{Body, Command, Pdu, State as Told, Text};
use crate::event::Bearer;
use crate::machine::Machine;
use crate::protocol::smpp::State;
use crate::world::{CloseReason, Input, LinkId};

/// The commands that the message centre was sent since the last look.
fn commands(lab: &mut Lab, link: LinkId) -> Vec<Vec<u8>> {
    let sent = core::mem::take(&mut lab.octets).into_iter();
    let sent = sent.filter(|(own, _)| *own == link);
    sent.map(|(_, octets)| octets.to_vec()).collect()
}

fn taken_back(lab: &mut Lab, link: LinkId) -> Vec<String> {
    let name = |octets: &Vec<u8>| match Pdu::decode(octets).unwrap().body {
        Body::Cancel(cancel) => Some(cancel.message_id.as_str().unwrap().to_owned()),
        _ => None,
    };
    commands(lab, link).iter().filter_map(name).collect()
}

fn cancel(lab: &mut Lab, push: &str) {
    take_back(lab, push, &[]);
    assert_eq!(lab.end(push), Some(("cancelled".to_owned(), 1000)));
}

fn broken(lab: &mut Lab, link: LinkId) {
    lab.input(Input::Closed {
        link,
        why: CloseReason::Peer,
    });
}

#[test]
fn r2_54_short_messages_of_a_push_that_is_cancelled_are_taken_back() {
    let mut lab = lab(&[Bearer::Sms]);
    let link = bound(&mut lab);
    lab.push("p1", &[UUID], "");
    let parts = submitted(&mut lab, link);
    let names = accept(&mut lab, link, &parts);
    cancel(&mut lab, "p1");
    assert_eq!(taken_back(&mut lab, link), names);
}

#[test]
fn r2_54_what_waits_for_the_window_is_not_sent_once_the_push_is_cancelled() {
    let mut lab = lab(&[Bearer::Sms]);
    let link = bound(&mut lab);
    for number in 0..6 {
        lab.push(&format!("p{number}"), &[UUID], "");
    }
    let sent = submitted(&mut lab, link);
    cancel(&mut lab, "p5");
    let names = accept(&mut lab, link, &sent);
    let rest = submitted(&mut lab, link);
    let each = sent.len() + rest.len();
    assert_eq!(each % 5, 0, "five pushes, and nothing of the sixth");
    assert!(!names.is_empty());
}

#[test]
fn r2_61_short_messages_are_taken_back_when_another_bearer_delivers() {
    let mut lab = lab(&[Bearer::Sms, Bearer::Http]);
    let link = bound(&mut lab);
    lab.push("p1", &[UUID], "");
    let parts = submitted(&mut lab, link);
    let names = accept(&mut lab, link, &parts);
    pass(&mut lab, link, 61);
    let (id, _) = posted(&mut lab);
    answer_http(&mut lab, id, "400");
    assert!(taken_back(&mut lab, link).is_empty(), "it may help still");
    connect(&mut lab);
    assert!(told(&mut lab, "p1").starts_with("delivered by http"));
    assert_eq!(taken_back(&mut lab, link), names);
}

#[test]
fn r2_54_short_messages_that_brought_the_device_are_not_taken_back() {
    let mut lab = lab(&[Bearer::Sms]);
    let link = bound(&mut lab);
    lab.push("p1", &[UUID], "");
    let parts = submitted(&mut lab, link);
    accept(&mut lab, link, &parts);
    connect(&mut lab);
    assert_eq!(told(&mut lab, "p1"), "delivered");
    assert!(taken_back(&mut lab, link).is_empty());
}

#[test]
fn r2_54_short_messages_are_valid_until_the_push_is_over() {
    let mut lab = lab(&[Bearer::Sms]);
    let link = bound(&mut lab);
    let before = lab.now + Duration::from_secs(7_200);
    let attributes = format!(" deliver-before-timestamp=\"{before}\"");
    lab.post(&pap_body("p1", &[UUID], &attributes, ""));
    let parts = submitted(&mut lab, link);
    let Body::Message(message) = Pdu::decode(&parts[0].1).unwrap().body else {
        panic!("a submit_sm");
    };
    let digits: String = before
        .to_string()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    let validity = format!("{}000+", &digits[2..]);
    assert_eq!(message.validity_period.as_str(), Some(validity.as_str()));
    let names = accept(&mut lab, link, &parts);
    pass(&mut lab, link, 7_201);
    assert_eq!(lab.end("p1").unwrap().0, "expired");
    assert!(!names.is_empty());
}

#[test]
fn r2_61_a_way_to_the_message_centre_that_breaks_keeps_no_sir_waiting() {
    let mut lab = lab(&[Bearer::Sms, Bearer::Http]);
    let link = bound(&mut lab);
    lab.push("p1", &[UUID], "");
    assert!(lab.fetches.is_empty());
    broken(&mut lab, link);
    let (id, _) = posted(&mut lab);
    answer_http(&mut lab, id, "400");
    lab.push("p2", &[UUID], "");
    let (id, _) = posted(&mut lab);
    answer_http(&mut lab, id, "400");
    let why = lab.events("sir.next");
    let why: Vec<&str> = why.iter().map(|it| it["why"].as_str().unwrap()).collect();
    assert_eq!(why.len(), 2);
    assert_eq!(why[1], "the message centre is out of reach");
}

#[test]
fn r2_54_a_sir_with_no_other_bearer_goes_as_soon_as_the_message_centre_is_in_reach() {
    let mut lab = lab(&[Bearer::Sms]);
    let link = bound(&mut lab);
    broken(&mut lab, link);
    lab.push("p1", &[UUID], "");
    assert!(submitted(&mut lab, link).is_empty());
    let mut waited = 0;
    while lab.connects.is_empty() {
        lab.wait(Duration::from_millis(100));
        waited += 1;
        assert!(waited < 100);
    }
    let link = bound_anew(&mut lab);
    assert!(!submitted(&mut lab, link).is_empty());
}

#[test]
fn the_gateway_takes_leave_of_the_message_centre() {
    let mut lab = lab(&[Bearer::Sms]);
    let link = bound(&mut lab);
    lab.push("p1", &[UUID], "");
    let parts = submitted(&mut lab, link);
    accept(&mut lab, link, &parts);
    let mut out = Vec::new();
    lab.gateway.stop(lab.now, &mut out);
    lab.take(out);
    let sent = commands(&mut lab, link);
    let last = Pdu::decode(sent.last().expect("a PDU")).unwrap();
    assert_eq!(last.command, Command::UNBIND);
    assert!(!lab.gateway.has_stopped());
    let sequence = last.sequence;
    pdu(
        &mut lab,
        link,
        Pdu::new(Command::UNBIND_RESP, sequence, Body::Empty),
    );
    assert!(lab.gateway.has_stopped());
    assert_eq!(lab.closed, [link]);
}

#[test]
fn r2_54_after_a_restart_the_message_centre_is_asked_and_gets_no_second_sir() {
    let mut lab = lab(&[Bearer::Sms]);
    let link = bound(&mut lab);
    lab.push("p1", &[UUID], "");
    let parts = submitted(&mut lab, link);
    let names = accept(&mut lab, link, &parts);
    let mut lab = lab.restarted(with_bearers(&[Bearer::Sms]));
    lab.wait(Duration::ZERO);
    let link = bound_anew(&mut lab);
    let sent = commands(&mut lab, link);
    let asked = |octets: &Vec<u8>| {
        let read = Pdu::decode(octets).unwrap();
        match read.body {
            Body::Query(id, _) => Some((read.sequence, id.as_str().unwrap().to_owned())),
            Body::Message(_) | Body::Data(_) => panic!("it has the SIR"),
            _ => None,
        }
    };
    let asked: Vec<(u32, String)> = sent.iter().filter_map(asked).collect();
    let of: Vec<&String> = asked.iter().map(|(_, name)| name).collect();
    assert_eq!(of, names.iter().collect::<Vec<_>>());
    for (sequence, name) in &asked {
        let told = Told {
            message_id: Text(name.as_bytes()),
            message_state: State::Delivered.number(),
            ..Told::default()
        };
        let body = Body::QueryResponse(told);
        pdu(
            &mut lab,
            link,
            Pdu::new(Command::QUERY_SM_RESP, *sequence, body),
        );
    }
    let answers = lab.events("sir.answer");
    assert_eq!(answers.last().unwrap()["status"], 200);
    connect(&mut lab);
    assert_eq!(told(&mut lab, "p1"), "delivered");
}
