//! Devices that ask for their pushes without a session.

use super::bench::*;
use crate::codec::sip::{Draft, Message, Method, Name};
use crate::codec::sir::{Ask, Placement};
use crate::device::behaviour::{Behaviour, Connect};

fn asking(connect: Connect) -> Bench {
    let behaviour = Behaviour {
        connect,
        ..Behaviour::default()
    };
    let mut bench = Bench::registered(behaviour);
    bench.send(&naming(&[C1]).with_ask(Placement::HEADER, Ask::CAPABILITY));
    assert_eq!(bench.status(), 200);
    bench
}

/// Content for the device, in a NOTIFY of the subscription that this SUBSCRIBE asked for, or in a MESSAGE.
fn content(subscribe: Option<&Message>, push: &str, state: &str) -> Message {
    let method = if subscribe.is_some() {
        Method::Notify
    } else {
        Method::Message
    };
    let to = subscribe.map_or_else(
        || "<sip:alice@example.com>".to_owned(),
        |subscribe| subscribe.text(Name::From).unwrap().to_owned(),
    );
    let call_id = subscribe.map_or("page-1", |subscribe| subscribe.call_id().unwrap());
    Draft::request(method, "sip:alice@192.0.2.11:5060;ob")
        .header("From", "<sip:push@ppg.example.com>;tag=g1")
        .header("To", to)
        .header("Call-ID", call_id)
        .header("CSeq", format_args!("{} {}", push.len(), method.name()))
        .header("Event", "sirgate-push")
        .header("Subscription-State", state)
        .header("X-Sirgate-Push", push)
        .body("text/plain", b"hello")
        .finish_with_via(&format!(
            "SIP/2.0/UDP {GATEWAY};branch=z9hG4bKn{push};rport"
        ))
}

#[test]
fn a_device_that_asks_by_register_names_the_sir_and_takes_content_in_a_message() {
    let mut bench = asking(Connect::Register);
    let register = bench.request(Method::Register);
    assert_eq!(register.text(Name::XSirgateSir), Some("0001"));
    assert!(register.header(Name::InReplyTo).is_some());
    bench.grant(&register, 3_600);
    let told = bench.request(Method::Message);
    assert!(text(&told).contains("\"kind\":\"capability\""));
    bench.answer(&told, 200);
    bench.receive(&content(None, "p1", "-"));
    assert_eq!(bench.status(), 200);
    assert_eq!(bench.count("sess.up"), 0);
    assert_eq!(bench.story().last().unwrap(), "push.rx p1 5 sip");
    bench.wait_ms(3_500_000);
    let refresh = bench.request(Method::Register);
    assert_eq!(
        refresh.text(Name::XSirgateSir),
        None,
        "a refresh asks for nothing"
    );
}

#[test]
fn a_device_that_subscribes_takes_content_in_notifies_until_the_last() {
    let mut bench = asking(Connect::Subscribe);
    let subscribe = bench.request(Method::Subscribe);
    assert_eq!(subscribe.text(Name::Event), Some("sirgate-push"));
    assert_eq!(subscribe.text(Name::XSirgateSir), Some("0001"));
    // A NOTIFY overtakes the answer.
    bench.receive(&content(Some(&subscribe), "p1", "active;expires=60"));
    assert_eq!(bench.status(), 200);
    let told = bench.request(Method::Message);
    bench.answer(&told, 200);
    bench.answer(&subscribe, 200);
    bench.receive(&content(
        Some(&subscribe),
        "p22",
        "terminated;reason=noresource",
    ));
    assert_eq!(bench.status(), 200);
    bench.receive(&content(Some(&subscribe), "p333", "active"));
    assert_eq!(bench.status(), 481);
    assert_eq!(bench.count("push.rx"), 2);
    assert_eq!(bench.count("info.tx"), 1);
}

#[test]
fn a_subscription_that_is_refused_leaves_the_sir_open() {
    let mut bench = asking(Connect::Subscribe);
    let subscribe = bench.request(Method::Subscribe);
    bench.answer(&subscribe, 489);
    bench.send(&naming(&[C1]));
    assert_eq!(bench.status(), 200);
    bench.request(Method::Subscribe);
}
