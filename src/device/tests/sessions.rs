//! Sessions: opened, refused, moved, used, ended.

use std::sync::Arc;

use super::bench::*;
use crate::codec::msrp;
use crate::codec::sip::{Draft, Method, Name};
use crate::device::behaviour::{Behaviour, ContactKind};

fn connected(behaviour: Behaviour) -> (Bench, crate::codec::sip::Message) {
    let mut bench = Bench::registered(behaviour);
    bench.send(&naming(&[C1]));
    bench.next();
    let invite = bench.next();
    bench.accept(&invite);
    (bench, invite)
}

fn invited() -> (Bench, crate::codec::sip::Message) {
    let mut bench = Bench::registered(Behaviour::default());
    bench.send(&naming(&[C1]));
    bench.next();
    let invite = bench.request(Method::Invite);
    (bench, invite)
}

#[test]
fn r2_90_r2_94_a_session_is_opened_and_content_received_and_confirmed() {
    let (mut bench, _) = connected(Behaviour::default());
    assert_eq!(bench.link.unwrap().1, at("192.0.2.5:2855"));
    bench.push("p1", b"hello");
    let Some(msrp::Message::Response(answer)) = bench.chunks.pop_front() else {
        panic!("the chunk was not answered");
    };
    assert_eq!(answer.status, 200);
    let report = bench.chunk();
    assert_eq!(report.method, msrp::Method::Report);
    assert_eq!(
        bench.story(),
        [
            "sir.rx 1",
            "sir.decide connect match",
            "sess.req sip:push@ppg.example.com",
            "sess.up sip:push@ppg.example.com",
            "push.rx p1 5 new"
        ]
    );
    assert_eq!(bench.device.sessions_up(), 1);
}

#[test]
fn r2_116_without_questions_nothing_is_returned() {
    let (bench, _) = connected(Behaviour::default());
    assert!(bench.chunks.is_empty());
    assert!(bench.sent.is_empty());
}

#[test]
fn content_that_comes_again_is_confirmed_and_dropped() {
    let (mut bench, _) = connected(Behaviour::default());
    bench.push("p1", b"hello");
    bench.push("p1", b"hello");
    bench.push("p2", b"again");
    assert_eq!(
        bench.story()[4..],
        [
            "push.rx p1 5 new",
            "push.rx p1 5 existing repeated",
            "push.rx p2 5 existing"
        ]
    );
}

#[test]
fn the_gateway_ends_a_session() {
    let (mut bench, invite) = connected(Behaviour::default());
    bench.bye(&invite);
    assert_eq!(bench.status(), 200);
    assert_eq!(bench.story().last().unwrap(), "sess.down bye");
    assert_eq!(bench.closed.len(), 1);
    assert_eq!(bench.device.sessions_up(), 0);
}

#[test]
fn an_idle_session_is_ended_by_the_device_when_it_is_told_to() {
    let brief = Behaviour {
        hang_up_after_ms: Some(2_000),
        ..Behaviour::default()
    };
    let (mut bench, _) = connected(brief);
    bench.wait_ms(1_500);
    bench.push("p1", b"hello");
    bench.wait_ms(1_500);
    assert!(bench.sent.is_empty());
    bench.wait_ms(500);
    let bye = bench.request(Method::Bye);
    assert_eq!(
        bye.request_uri().unwrap().as_str(),
        "sip:push@192.0.2.5:5060"
    );
    assert_eq!(bye.cseq().unwrap().number, 2);
    assert_eq!(bench.story().last().unwrap(), "sess.down idle");
}

#[test]
fn a_lost_link_ends_the_session_and_the_sir_may_come_again() {
    let (mut bench, _) = connected(Behaviour::default());
    bench.lose_link();
    bench.request(Method::Bye);
    assert_eq!(bench.story().last().unwrap(), "sess.down the link was lost");
    bench.send(&naming(&[C1]));
    assert_eq!(bench.status(), 200);
    assert_eq!(bench.count("sess.req"), 2);
}

#[test]
fn a_device_can_cut_its_link_between_two_chunks() {
    let cutting = Behaviour {
        cut_after_chunks: Some(1),
        ..Behaviour::default()
    };
    let (mut bench, _) = connected(cutting);
    bench.push("p1", b"hello");
    assert_eq!(bench.closed.len(), 1);
    assert_eq!(bench.story().last().unwrap(), "sess.down cut");
}

#[test]
fn r2_49_r2_91_the_gateway_named_in_the_sir_is_asked() {
    let mut bench = Bench::registered(Behaviour::default());
    let mut sir = naming(&[C1]);
    sir.other_server = Some("sip:push@ppg2.example.com".into());
    bench.send(&sir);
    assert_eq!(bench.status(), 200);
    let (peer, invite) = bench.sent.pop_front().unwrap();
    assert_eq!(peer, at(GATEWAY_2));
    assert_eq!(invite.request_uri().unwrap().host(), "ppg2.example.com");
    assert_eq!(
        bench.story().last().unwrap(),
        "sess.req sip:push@ppg2.example.com"
    );
}

#[test]
fn a_redirection_is_followed_once() {
    let (mut bench, invite) = invited();
    let moved = |request: &crate::codec::sip::Message| {
        Draft::response(request, 302, Some("g1"))
            .header("Contact", "<sip:push@ppg2.example.com>")
            .finish()
    };
    bench.receive(&moved(&invite));
    bench.request(Method::Ack);
    let (peer, second) = bench.sent.pop_front().unwrap();
    assert_eq!(peer, at(GATEWAY_2));
    assert_eq!(second.call_id(), invite.call_id());
    assert_eq!(second.cseq().unwrap().number, 2);
    bench.receive(&moved(&second));
    bench.request(Method::Ack);
    assert!(bench.sent.is_empty());
    assert_eq!(bench.count("sess.req"), 2);
    assert_eq!(bench.count("refused"), 1);
}

#[test]
fn a_gateway_that_asks_for_patience_is_asked_again() {
    let (mut bench, invite) = invited();
    let busy = Draft::response(&invite, 503, Some("g1")).header("Retry-After", 5);
    bench.receive(&busy.finish());
    bench.request(Method::Ack);
    bench.wait_ms(4_900);
    assert!(bench.sent.is_empty());
    bench.wait_ms(100);
    bench.request(Method::Invite);
}

#[test]
fn a_refused_session_leaves_the_sir_open() {
    let (mut bench, invite) = invited();
    bench.answer(&invite, 410);
    bench.request(Method::Ack);
    assert_eq!(bench.count("refused"), 1);
    bench.send(&naming(&[C1]));
    assert_eq!(bench.status(), 200);
    bench.request(Method::Invite);
}

#[test]
fn an_unusable_answer_is_acknowledged_and_ended() {
    let (mut bench, invite) = invited();
    let ok = Draft::response(&invite, 200, Some("g1"))
        .header("Contact", "<sip:push@192.0.2.5:5060>")
        .body("application/sdp", b"v=0\r\n");
    bench.receive(&ok.finish());
    bench.request(Method::Ack);
    let bye = bench.request(Method::Bye);
    assert!(bye.text(Name::Reason).unwrap().contains("cause=488"));
}

#[test]
fn a_repeated_200_is_acknowledged_again() {
    let (mut bench, invite) = invited();
    bench.accept_only(&invite);
    bench.accept_only(&invite);
    assert_eq!(bench.count("sess.up"), 1);
}

#[test]
fn content_may_come_as_a_page_and_counts_once_with_the_session() {
    let (mut bench, _) = connected(Behaviour::default());
    let page = |number: u32, kind: &str| {
        Draft::request(Method::Message, "sip:alice@192.0.2.11:5060;ob")
            .header("From", "<sip:push@ppg.example.com>;tag=p8")
            .header("To", "<sip:alice@example.com>")
            .header("Call-ID", format_args!("push-{number}"))
            .header("CSeq", "1 MESSAGE")
            .header("X-Sirgate-Push", "p1")
            .body(kind, b"hello")
            .finish_with_via(&format!("SIP/2.0/UDP {GATEWAY};branch=z9hG4bKg{number}"))
    };
    bench.receive(&page(1, "text/plain"));
    assert_eq!(bench.status(), 200);
    bench.push("p1", b"hello");
    assert_eq!(
        bench.story()[4..],
        ["push.rx p1 5 sip", "push.rx p1 5 new repeated"]
    );
}

#[test]
fn content_of_a_type_that_is_not_taken_is_refused() {
    let mut config = config(Behaviour::default());
    let mut profile = (*config.profile).clone();
    profile.accept = vec!["text/*".into()];
    config.profile = Arc::new(profile);
    let mut bench = Bench::registered_as(config);
    let page = Draft::request(Method::Message, "sip:alice@192.0.2.11:5060;ob")
        .header("From", "<sip:push@ppg.example.com>;tag=p8")
        .header("To", "<sip:alice@example.com>")
        .header("Call-ID", "push-1")
        .header("CSeq", "1 MESSAGE")
        .header("X-Sirgate-Push", "p1")
        .body("image/png", b"png")
        .finish_with_via(&format!("SIP/2.0/UDP {GATEWAY};branch=z9hG4bKg1"));
    bench.receive(&page);
    let answer = bench.next();
    assert_eq!(answer.status(), Some(415));
    assert_eq!(answer.text(Name::Accept), Some("text/*"));
    assert_eq!(bench.count("push.rx"), 0);
}

#[test]
fn a_test_double_can_say_a_wrong_gruu() {
    let wrong = Behaviour {
        contact: ContactKind::WrongGruu,
        ..Behaviour::default()
    };
    let mut bench = Bench::registered(wrong);
    bench.send(&naming(&[C1]));
    bench.next();
    let invite = bench.request(Method::Invite);
    assert!(
        invite
            .text(Name::Contact)
            .unwrap()
            .contains("gr=urn:uuid:00000000-")
    );
}

#[test]
fn an_answer_with_a_host_of_no_known_address_is_sought_at_the_gateway() {
    let (mut bench, invite) = invited();
    let offer = crate::codec::sdp::Sdp::decode(invite.body()).unwrap();
    let answer = offer.answer(9, "msrp.example.com", "p1s9", 2855).unwrap();
    let ok = Draft::response(&invite, 200, Some("g1"))
        .header("Contact", "<sip:push@192.0.2.5:5060>")
        .body("application/sdp", &answer.encode());
    bench.receive(&ok.finish());
    assert_eq!(bench.link.unwrap().1, at("192.0.2.5:2855"));
}

/// The next request that is no refresh of the registration.
fn in_session(bench: &mut Bench) -> crate::codec::sip::Message {
    loop {
        let request = bench.next();
        if request.method() != Some(Method::Register) {
            return request;
        }
        bench.grant(&request, 3_600);
    }
}

#[test]
fn a_session_that_lasts_is_refreshed_and_one_that_is_forgotten_ends() {
    let (mut bench, invite) = connected(Behaviour::default());
    assert_eq!(invite.text(Name::SessionExpires), Some("1800"));
    bench.wait_ms(900_000);
    let update = in_session(&mut bench);
    assert_eq!(update.method(), Some(Method::Update));
    assert_eq!(
        update.text(Name::SessionExpires),
        Some("1800;refresher=uac")
    );
    let ok = Draft::response(&update, 200, None).header("Session-Expires", "1800;refresher=uac");
    bench.receive(&ok.finish());
    bench.wait_ms(900_000);
    let update = in_session(&mut bench);
    assert_eq!(update.method(), Some(Method::Update));
    bench.receive(&Draft::response(&update, 481, None).finish());
    assert_eq!(bench.device.sessions_up(), 0);
    assert_eq!(in_session(&mut bench).method(), Some(Method::Bye));
}

#[test]
fn a_session_that_the_gateway_is_to_refresh_ends_when_it_does_not() {
    let (mut bench, invite) = invited();
    let ok = Draft::response(&invite, 422, Some("g0")).header("Min-SE", "3600");
    bench.receive(&ok.finish());
    bench.request(Method::Ack);
    let invite = bench.request(Method::Invite);
    assert_eq!(invite.text(Name::SessionExpires), Some("3600"));
    assert_eq!(invite.text(Name::MinSe), Some("3600"));
    bench.accept(&invite);
    let update = |number: u32| {
        Draft::request(Method::Update, "sip:alice@192.0.2.11:5060;ob")
            .header("From", "<sip:push@ppg.example.com>;tag=g1")
            .header("To", invite.text(Name::From).unwrap())
            .header("Call-ID", invite.call_id().unwrap())
            .header("CSeq", format_args!("{number} UPDATE"))
            .header("Contact", "<sip:push@192.0.2.5:5060>")
            .header("Supported", "timer")
            .header("Session-Expires", "120;refresher=uac")
            .finish_with_via(&format!(
                "SIP/2.0/UDP {GATEWAY};branch=z9hG4bKu{number};rport"
            ))
    };
    for number in 1..=2 {
        bench.receive(&update(number));
        let answer = bench.next();
        assert_eq!(answer.status(), Some(200), "{}", text(&answer));
        assert_eq!(answer.text(Name::SessionExpires), Some("120;refresher=uac"));
        bench.wait_ms(80_000);
        assert_eq!(bench.device.sessions_up(), 1);
    }
    bench.wait_ms(10_000);
    assert_eq!(bench.device.sessions_up(), 0);
    assert_eq!(bench.story().last().unwrap(), "sess.down not refreshed");
}
