//! Devices that are woken by USSD: the SIR goes in a dialogue, as everywhere else.

use core::time::Duration;

use super::super::bearers::{connect, with_bearers};
use super::super::centre::{bound, pdu, submitted};
use super::super::lab::*;
use super::super::ussd::{one_string, send};
use super::register;
use crate::codec::smpp::{Body, Command, Pdu};
use crate::codec::wsp::sir::sir_of;
use crate::event::Bearer;
use crate::world::LinkId;

const USSD: &str = "pn-provider=sirgate;pn-param=ussd;pn-prid=%2B15550103";

/// A lab whose first device registered to be woken by USSD and fell asleep.
fn asleep(bearers: &[Bearer]) -> (Lab, LinkId) {
    let mut lab = Lab::with(with_bearers(bearers));
    let link = bound(&mut lab);
    assert_eq!(register(&mut lab, USSD, 3600).status(), Some(200));
    pass(&mut lab, link, 30);
    lab.octets.clear();
    (lab, link)
}

/// Lets time pass while the message centre shows that it is there.
fn pass(lab: &mut Lab, link: LinkId, secs: u64) {
    for _ in 0..secs {
        lab.wait(Duration::from_secs(1));
        pdu(lab, link, Pdu::new(Command::ENQUIRE_LINK, 1, Body::Empty));
    }
}

/// A push whose SIR takes more than one string.
fn push(lab: &mut Lab, push: &str) -> u16 {
    let application = "a".repeat(150);
    let headers = format!("X-Wap-Application-Id: x-wap-application:{application}\n");
    lab.push(push, &[UUID], &headers)
}

/// The mobile answers each string; gives what they hold.
fn whole(lab: &mut Lab, link: LinkId) -> Vec<u8> {
    let mut datagram = Vec::new();
    while let Some((payload, session)) = one_string(lab, link) {
        datagram.extend(payload);
        send(lab, link, Some((18, Some(session))), &[]);
    }
    datagram
}

#[test]
fn r2_58_a_sleeping_device_is_woken_in_a_dialogue_and_the_sir_follows_its_registration() {
    let (mut lab, link) = asleep(&[Bearer::Sip]);
    assert_eq!(push(&mut lab, "p1"), 1001);
    let datagram = whole(&mut lab, link);
    assert!(sir_of(&datagram).is_ok());
    assert!(lab.sirs().is_empty(), "the SIR is held");
    register(&mut lab, USSD, 3600);
    let sirs = lab.sirs();
    assert_eq!(sirs.len(), 1);
    lab.answer(&sirs[0], 200, "");
    connect(&mut lab);
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
}

#[test]
fn r2_58_a_device_that_registers_before_the_last_string_gets_no_further_one() {
    let (mut lab, link) = asleep(&[Bearer::Sip]);
    push(&mut lab, "p1");
    let (_, session) = one_string(&mut lab, link).expect("a string");
    register(&mut lab, USSD, 3600);
    assert_eq!(lab.sirs().len(), 1);
    send(&mut lab, link, Some((18, Some(session))), &[]);
    assert_eq!(one_string(&mut lab, link), None);
}

#[test]
fn r2_58_a_device_that_answers_no_string_is_woken_anew_later() {
    let (mut lab, link) = asleep(&[Bearer::Sip]);
    push(&mut lab, "p1");
    let (_, lost) = one_string(&mut lab, link).expect("a string");
    pass(&mut lab, link, 20);
    assert_eq!(lab.events("sir.answer")[0]["status"], 480);
    pass(&mut lab, link, 10);
    let (_, session) = one_string(&mut lab, link).expect("it is woken again");
    assert_ne!(lost[0], session[0], "in a dialogue of its own");
    send(&mut lab, link, Some((18, Some(session))), &[]);
    let rest = whole(&mut lab, link);
    assert!(!rest.is_empty());
}

#[test]
fn r2_58_a_mobile_that_has_a_dialogue_is_not_woken_in_another_one() {
    let (mut lab, link) = asleep(&[Bearer::Ussd]);
    pass(&mut lab, link, 3600 - 30 - 125);
    push(&mut lab, "p1");
    let (_, first) = one_string(&mut lab, link).expect("its SIR goes by USSD itself");
    pass(&mut lab, link, 10);
    assert_eq!(one_string(&mut lab, link), None, "although it is to renew");
    send(&mut lab, link, Some((18, Some(first))), &[]);
    let (_, second) = one_string(&mut lab, link).expect("the next string of the same");
    assert_eq!(first[0], second[0]);
}

#[test]
fn r2_58_a_device_is_woken_in_a_dialogue_to_renew_its_registration() {
    let (mut lab, link) = asleep(&[Bearer::Sip]);
    pass(&mut lab, link, 3600 - 30 - 121);
    assert!(submitted(&mut lab, link).is_empty());
    pass(&mut lab, link, 1);
    let datagram = whole(&mut lab, link);
    assert!(sir_of(&datagram).is_ok());
    register(&mut lab, USSD, 3600);
}

#[test]
fn r2_58_a_push_that_is_taken_back_ends_the_dialogue_that_was_to_wake_its_device() {
    let (mut lab, link) = asleep(&[Bearer::Sip]);
    push(&mut lab, "p1");
    let (_, session) = one_string(&mut lab, link).expect("a string");
    lab.http("DELETE", "/api/v1/pushes/p1", "", "");
    send(&mut lab, link, Some((18, Some(session))), &[]);
    assert_eq!(one_string(&mut lab, link), None);
    push(&mut lab, "p2");
    let (_, other) = one_string(&mut lab, link).expect("the next push wakes it anew");
    assert_ne!(session[0], other[0]);
}
