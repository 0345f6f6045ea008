//! A device that registers, refreshes, is challenged, loses its flow.

use std::sync::Arc;

use super::bench::*;
use crate::codec::sip::{Draft, Method, Name};
use crate::device::Device;
use crate::device::behaviour::Behaviour;
use crate::device::config::Credentials;
use crate::machine::Machine;
use crate::random::Random;
use crate::time::Time;
use crate::world::{Input, Output, Transport};

#[test]
fn a_device_registers_as_soon_as_it_is_told_the_time() {
    let mut bench = Bench::new(config(Behaviour::default()));
    assert_eq!(bench.device.deadline(), Some(Time::EPOCH));
    bench.run();
    let register = bench.request(Method::Register);
    assert!(!bench.device.is_registered());
    bench.grant(&register, 3_600);
    assert!(bench.device.is_registered());
}

#[test]
fn a_registration_is_refreshed_before_it_ends() {
    let mut bench = Bench::registered(Behaviour::default());
    bench.wait_ms(3_300_000);
    let refresh = bench.request(Method::Register);
    assert_eq!(refresh.cseq().unwrap().number, 2);
}

#[test]
fn a_challenge_is_answered_and_later_requests_say_who_they_are_at_once() {
    let mut config = config(Behaviour::default());
    config.credentials = Some(Credentials {
        user: "alice".into(),
        password: "secret".into(),
    });
    let mut bench = Bench::new(config);
    bench.run();
    let first = bench.request(Method::Register);
    assert!(first.header(Name::Authorization).is_none());
    let challenge = Draft::response(&first, 401, Some("r1")).header(
        "WWW-Authenticate",
        "Digest realm=\"example.com\", nonce=\"n1\", algorithm=SHA-256, qop=\"auth\"",
    );
    bench.receive(&challenge.finish());
    let second = bench.request(Method::Register);
    let row = second.text(Name::Authorization).unwrap();
    assert!(
        row.contains("username=\"alice\"") && row.contains("nc=00000001"),
        "{row}"
    );
    assert_eq!(second.cseq().unwrap().number, 2);
    bench.grant(&second, 3_600);
    bench.send(&naming(&[C1]));
    assert_eq!(bench.status(), 200);
    let invite = bench.request(Method::Invite);
    assert!(
        invite
            .text(Name::Authorization)
            .unwrap()
            .contains("nc=00000002")
    );
}

#[test]
fn without_an_answer_it_tries_again_after_a_while() {
    let mut bench = Bench::new(config(Behaviour::default()));
    bench.run();
    bench.wait_ms(31_900);
    bench.sent.clear();
    bench.wait_ms(40_000);
    let again = bench.request(Method::Register);
    assert_eq!(again.cseq().unwrap().number, 2);
}

#[test]
fn a_lost_link_means_a_new_registration_on_a_new_link() {
    let mut config = config(Behaviour::default());
    config.transport = Transport::Tcp;
    let mut device = Device::new(config, Random::from_number(3));
    let now = Time::from_secs(1_000);
    let mut out = Vec::new();
    device.expire(now, &mut out);
    let mut links = connects(&out);
    let link = links.pop().unwrap();
    let register = out.iter().find_map(|output| match output {
        Output::Octets { octets, .. } => crate::codec::sip::Message::decode(octets.clone()).ok(),
        _ => None,
    });
    device.handle(
        now,
        Input::Opened {
            link,
            listener: None,
            transport: Transport::Tcp,
            local: at("192.0.2.11:40000"),
            peer: at(GATEWAY),
        },
        &mut out,
    );
    let register = register.unwrap();
    let contact = register.text(Name::Contact).unwrap();
    assert!(contact.contains(";transport=tcp;ob>"), "{contact}");
    let ok = Draft::response(&register, 200, Some("r1"))
        .header("Contact", format_args!("{contact};expires=600"))
        .finish();
    let octets = ok.octets().clone();
    device.handle(now, Input::Octets { link, octets }, &mut out);
    assert!(device.is_registered());
    let why = crate::world::CloseReason::Broken;
    out.clear();
    device.handle(now, Input::Closed { link, why }, &mut out);
    assert!(!device.is_registered());
    let due = device.deadline().unwrap();
    assert!((15..=31).contains(&due.since(now).as_secs()), "{due}");
    device.expire(due, &mut out);
    assert!(connects(&out).iter().all(|new| *new != link));
    assert_eq!(connects(&out).len(), 1);
}

fn connects(out: &[Output]) -> Vec<crate::world::LinkId> {
    out.iter()
        .filter_map(|output| match output {
            Output::Connect { link, .. } => Some(*link),
            _ => None,
        })
        .collect()
}

#[test]
fn a_device_that_does_not_register_still_takes_sirs() {
    let mut config = config(Behaviour::default());
    config.register = false;
    let mut bench = Bench::new(config);
    bench.run();
    assert!(bench.sent.is_empty());
    bench.send(&naming(&[C1]));
    assert_eq!(bench.status(), 200);
    let invite = bench.request(Method::Invite);
    assert_eq!(invite.text(Name::XSirgateDevice), Some(&*format!("<{C1}>")));
}

#[test]
fn a_session_asked_for_by_the_configuration_is_opened_after_the_registration() {
    let mut config = config(Behaviour::default());
    config.connect = Some("sip:push@ppg.example.com".into());
    let mut bench = Bench::registered_as(config);
    let invite = bench.request(Method::Invite);
    bench.accept(&invite);
    bench.push("p1", b"hello");
    assert_eq!(
        bench.story(),
        [
            "sess.req sip:push@ppg.example.com",
            "sess.up sip:push@ppg.example.com",
            "push.rx p1 5 existing"
        ]
    );
}

#[test]
fn every_protocol_message_is_reported_when_that_is_wanted() {
    let mut config = config(Behaviour::default());
    config.report_wire = true;
    let bench = Bench::registered_as(config);
    assert_eq!(
        bench.story(),
        [
            "wire C1 PPG sip REGISTER sip:example.com SIP/2.0",
            "wire PPG C1 sip SIP/2.0 200 OK"
        ]
    );
}

#[test]
fn a_service_route_leads_requests_through_the_registrar() {
    let mut config = config(Behaviour::default());
    config.ppg_addresses = Arc::new([("ppg.example.com".to_owned(), at(GATEWAY_2))]);
    let mut bench = Bench::new(config);
    bench.run();
    let register = bench.request(Method::Register);
    let ok = Draft::response(&register, 200, Some("r1"))
        .header("Contact", register.text(Name::Contact).unwrap())
        .header("Service-Route", "<sip:edge.example.com;lr>");
    bench.receive(&ok.finish());
    bench.send(&naming(&[C1]));
    bench.next();
    let (peer, invite) = bench.sent.pop_front().unwrap();
    assert_eq!(peer, at(GATEWAY));
    assert_eq!(invite.text(Name::Route), Some("<sip:edge.example.com;lr>"));
}

#[test]
fn a_device_that_stops_takes_its_registration_back() {
    let mut bench = Bench::registered(Behaviour::default());
    assert!(!bench.device.has_stopped());
    bench.stop();
    let farewell = bench.request(Method::Register);
    assert_eq!(farewell.expires(), Some(0));
    assert!(!bench.device.has_stopped(), "it waits for the answer");
    bench.grant(&farewell, 0);
    assert!(bench.device.has_stopped() && !bench.device.is_registered());
    bench.wait_ms(7_200_000);
    assert!(bench.sent.is_empty(), "nothing is begun any more");
}

#[test]
fn a_device_that_nobody_lets_go_stops_all_the_same() {
    let mut bench = Bench::registered(Behaviour::default());
    bench.stop();
    bench.wait_ms(4_000);
    assert!(bench.device.has_stopped());
    let mut fresh = Bench::new(config(Behaviour::default()));
    fresh.stop();
    assert!(fresh.device.has_stopped() && fresh.sent.is_empty());
}
