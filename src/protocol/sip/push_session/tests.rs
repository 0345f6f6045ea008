//! A caller and a callee, message by message.

use std::time::Duration;

use super::*;
use crate::protocol::sip::endpoint::Failure;
use crate::time::Time;

const NOW: Time = Time::from_secs(1_000);
const VIA: &str = "SIP/2.0/TCP 192.0.2.11:5060;branch=z9hG4bKx";

fn call() -> (Caller, Message) {
    let (caller, draft) = Caller::invite(&Invite {
        uri: "sip:push@ppg.example.com",
        to: "<sip:push@ppg.example.com>",
        from: "<sip:alice@example.com>",
        tag: "d1d",
        call_id: "d1-push-1@192.0.2.11",
        number: 7,
        contact: "<sip:alice@example.com;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>",
        routes: &["<sip:edge.example.com;lr>".to_owned()],
        headers: &[("In-Reply-To", "sir-0001@ppg.example.com")],
        sdp: b"v=0\r\noffer",
    });
    (caller, draft.finish_with_via(VIA))
}

fn accept(invite: &Message) -> (Callee, Message) {
    let accept = Accept {
        tag: "p9",
        contact: "<sip:push@192.0.2.5:5060;transport=tcp>",
        headers: &[("Supported", "gruu, outbound")],
        sdp: b"v=0\r\nanswer",
    };
    Callee::accept(NOW, invite, &accept).unwrap()
}

fn sent(draft: Draft) -> Message {
    draft.finish_with_via(VIA)
}

/// Both ends with the session up.
fn session() -> (Caller, Callee) {
    let (mut caller, invite) = call();
    let (mut callee, ok) = accept(&invite);
    let Some(CallerEvent::Up { ack, .. }) = caller.on_response(&ok) else {
        panic!("not up")
    };
    assert!(matches!(callee.on_ack(&sent(ack)), Some(CalleeEvent::Up)));
    (caller, callee)
}

fn status(within: &Within) -> Option<u16> {
    match within {
        Within::Answer(message) | Within::Over(message) => message.status(),
        Within::Other => None,
    }
}

#[test]
fn a_call_that_is_accepted_is_up_at_both_ends() {
    let (mut caller, invite) = call();
    assert_eq!(
        invite.request_uri().unwrap().as_str(),
        "sip:push@ppg.example.com"
    );
    assert_eq!(
        invite.text(crate::codec::sip::Name::Route),
        Some("<sip:edge.example.com;lr>")
    );
    assert_eq!(invite.body(), b"v=0\r\noffer");
    let (mut callee, ok) = accept(&invite);
    assert_eq!(ok.content_type(), Some("application/sdp"));
    assert!(!callee.is_up());
    let Some(CallerEvent::Up { sdp, ack }) = caller.on_response(&ok) else {
        panic!("not up")
    };
    assert_eq!(sdp, "v=0\r\nanswer");
    let ack = sent(ack);
    assert_eq!(ack.cseq().unwrap().number, 7);
    assert_eq!(
        ack.request_uri().unwrap().as_str(),
        "sip:push@192.0.2.5:5060;transport=tcp"
    );
    assert!(matches!(callee.on_ack(&ack), Some(CalleeEvent::Up)));
    assert!(caller.is_up() && callee.is_up());
    assert_eq!(callee.deadline(), None);
}

#[test]
fn the_route_recorded_in_the_invite_is_taken_back() {
    let (mut caller, invite) = call();
    let text = String::from_utf8(invite.octets().to_vec()).unwrap();
    let recorded = "\r\nRecord-Route: <sip:p2.example.com;lr>, <sip:p1.example.com;lr>\r\nFrom";
    let invite = Message::decode(text.replace("\r\nFrom", recorded).into()).unwrap();
    let (mut callee, ok) = accept(&invite);
    let Some(CallerEvent::Up { ack, .. }) = caller.on_response(&ok) else {
        panic!("not up")
    };
    let ack = sent(ack);
    let routes = |message: &Message| -> Vec<String> {
        let routes = message.list(crate::codec::sip::Name::Route);
        routes
            .map(|route| String::from_utf8_lossy(route).into_owned())
            .collect()
    };
    assert_eq!(
        routes(&ack),
        ["<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"]
    );
    assert_eq!(caller.dialog().unwrap().next_hop(), "sip:p1.example.com;lr");
    callee.on_ack(&ack);
    let bye = sent(callee.hang_up(200, "delivered").unwrap());
    assert_eq!(
        routes(&bye),
        ["<sip:p2.example.com;lr>", "<sip:p1.example.com;lr>"]
    );
}

#[test]
fn a_2xx_is_repeated_from_t1_to_t2_and_given_up_after_32_seconds() {
    let (_, invite) = call();
    let (mut callee, ok) = accept(&invite);
    let (mut instants, mut end) = (Vec::new(), None);
    while let Some(at) = callee.deadline() {
        while let Some(event) = callee.expire(at) {
            match event {
                CalleeEvent::Resend(again) => {
                    assert_eq!(again.octets(), ok.octets());
                    instants.push(at.since(NOW).as_millis());
                }
                CalleeEvent::GaveUp(bye) => end = Some((at.since(NOW), sent(bye))),
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(
        instants,
        [
            500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500
        ]
    );
    let (at, bye) = end.unwrap();
    assert_eq!(at, Duration::from_secs(32));
    assert_eq!(bye.method(), Some(Method::Bye));
    assert!(callee.is_over());
}

#[test]
fn an_ack_ends_the_repetition_and_only_the_right_one_does() {
    let (mut caller, invite) = call();
    let (mut callee, ok) = accept(&invite);
    let Some(CallerEvent::Up { ack, .. }) = caller.on_response(&ok) else {
        panic!("not up")
    };
    let text = String::from_utf8(sent(ack).octets().to_vec()).unwrap();
    for wrong in [
        text.replace("CSeq: 7", "CSeq: 8"),
        text.replace("tag=p9", "tag=p8"),
        text.replace("tag=d1d", "tag=d1e"),
        text.replace("d1-push-1", "d1-push-2"),
    ] {
        let wrong = Message::decode(wrong.into()).unwrap();
        assert!(callee.on_ack(&wrong).is_none());
    }
    assert!(callee.deadline().is_some());
    let right = Message::decode(text.into()).unwrap();
    assert!(callee.on_ack(&right).is_some());
    assert!(callee.on_ack(&right).is_none());
    assert_eq!(callee.deadline(), None);
}

#[test]
fn every_repeated_2xx_is_acknowledged_again() {
    let (mut caller, invite) = call();
    let (_, ok) = accept(&invite);
    caller.on_response(&ok);
    let Some(CallerEvent::Again { ack }) = caller.on_response(&ok) else {
        panic!("not again")
    };
    assert_eq!(sent(ack).cseq().unwrap().number, 7);
    // Even after the session has ended: its first ACK may have been lost.
    let HangUp::Bye(_) = caller.hang_up(200, "done") else {
        panic!("no BYE")
    };
    assert!(matches!(
        caller.on_response(&ok),
        Some(CallerEvent::Again { .. })
    ));
}

#[test]
fn a_second_answerer_is_acknowledged_and_sent_away() {
    let (mut caller, invite) = call();
    let (_, ok) = accept(&invite);
    caller.on_response(&ok);
    let text = String::from_utf8(ok.octets().to_vec()).unwrap();
    let other = Message::decode(text.replace("tag=p9", "tag=q1").into()).unwrap();
    let Some(CallerEvent::Unwanted { ack, bye }) = caller.on_response(&other) else {
        panic!("not unwanted")
    };
    assert_eq!(sent(ack).to().unwrap().tag(), Some("q1"));
    assert_eq!(sent(bye).to().unwrap().tag(), Some("q1"));
    assert!(caller.is_up());
}

#[test]
fn the_caller_hangs_up() {
    let (mut caller, mut callee) = session();
    let HangUp::Bye(bye) = caller.hang_up(200, "delivered") else {
        panic!("no BYE")
    };
    let bye = sent(bye);
    assert_eq!(bye.cseq().unwrap().number, 8);
    assert_eq!(
        bye.extension("Reason"),
        Some(&b"SIP;cause=200;text=\"delivered\""[..])
    );
    let within = callee.on_request(&bye);
    assert!(matches!(within, Within::Over(_)));
    assert_eq!(status(&within), Some(200));
    assert!(caller.is_over() && callee.is_over());
    assert!(matches!(caller.hang_up(200, ""), HangUp::Nothing));
}

#[test]
fn the_callee_hangs_up() {
    let (mut caller, mut callee) = session();
    let bye = sent(callee.hang_up(200, "delivered").unwrap());
    assert_eq!(bye.cseq().unwrap().number, 1);
    assert_eq!(status(&caller.on_request(&bye)), Some(200));
    assert!(caller.is_over() && callee.is_over());
    assert!(callee.hang_up(200, "").is_none());
}

#[test]
fn byes_that_cross_are_both_answered_200() {
    let (mut caller, mut callee) = session();
    let HangUp::Bye(one) = caller.hang_up(200, "a") else {
        panic!("no BYE")
    };
    let other = callee.hang_up(200, "b").unwrap();
    assert_eq!(status(&callee.on_request(&sent(one))), Some(200));
    assert_eq!(status(&caller.on_request(&sent(other))), Some(200));
}

#[test]
fn after_the_end_anything_but_a_bye_is_answered_481() {
    let (mut caller, mut callee) = session();
    let mut dialog = caller.dialog().unwrap().clone();
    let HangUp::Bye(bye) = caller.hang_up(200, "a") else {
        panic!("no BYE")
    };
    callee.on_request(&sent(bye));
    let _ = dialog.request(Method::Info);
    let info = sent(dialog.request(Method::Info));
    assert_eq!(status(&callee.on_request(&info)), Some(481));
}

#[test]
fn a_request_of_another_dialog_is_answered_481_and_one_out_of_order_500() {
    let (caller, mut callee) = session();
    let mut dialog = caller.dialog().unwrap().clone();
    let info = sent(dialog.request(Method::Info));
    assert!(matches!(callee.on_request(&info), Within::Other));
    assert_eq!(status(&callee.on_request(&info)), Some(500));
    let text = String::from_utf8(info.octets().to_vec()).unwrap();
    let foreign = Message::decode(text.replace("tag=d1d", "tag=zz").into()).unwrap();
    assert_eq!(status(&callee.on_request(&foreign)), Some(481));
}

#[test]
fn a_callee_that_wants_to_leave_waits_for_the_ack() {
    let (mut caller, invite) = call();
    let (mut callee, ok) = accept(&invite);
    assert!(callee.hang_up(200, "cancelled").is_none());
    let Some(CallerEvent::Up { ack, .. }) = caller.on_response(&ok) else {
        panic!("not up")
    };
    let Some(CalleeEvent::Bye(bye)) = callee.on_ack(&sent(ack)) else {
        panic!("no BYE")
    };
    assert!(
        sent(bye)
            .extension("Reason")
            .unwrap()
            .ends_with(b"\"cancelled\"")
    );
    assert!(callee.is_over());
}

#[test]
fn a_bye_before_the_ack_ends_the_session_too() {
    let (mut caller, invite) = call();
    let (mut callee, ok) = accept(&invite);
    caller.on_response(&ok);
    let HangUp::Bye(bye) = caller.hang_up(200, "a") else {
        panic!("no BYE")
    };
    assert_eq!(status(&callee.on_request(&sent(bye))), Some(200));
    assert_eq!(callee.deadline(), None);
}

fn refuse(status: u16, headers: &[(&str, &str)]) -> Refusal {
    let (mut caller, invite) = call();
    let mut draft = Draft::response(&invite, status, Some("p9"));
    for (name, value) in headers {
        draft = draft.header(name, value);
    }
    let Some(CallerEvent::Refused(refusal)) = caller.on_response(&draft.finish()) else {
        panic!("not refused")
    };
    assert!(caller.is_over());
    refusal
}

#[test]
fn a_refusal_says_why_and_when_to_come_again() {
    let headers = [
        ("Warning", "399 ppg.example.com \"already connected\""),
        ("Retry-After", "120 (busy);duration=60"),
    ];
    let refusal = refuse(486, &headers);
    assert_eq!(refusal.status, 486);
    assert_eq!(refusal.why, headers[0].1);
    assert_eq!(refusal.retry_after, Some(120));
    assert_eq!(refuse(410, &[]).why, "Gone");
    assert_eq!(
        refuse(401, &[("WWW-Authenticate", "Digest realm=\"x\"")]).status,
        401
    );
}

#[test]
fn a_redirection_names_the_other_gateway() {
    let contact = "<sip:push@ppg2.example.com>;q=1.0, <sip:push@ppg3.example.com>";
    let refusal = refuse(302, &[("Contact", contact)]);
    assert_eq!(
        refusal.contacts,
        ["sip:push@ppg2.example.com", "sip:push@ppg3.example.com"]
    );
}

#[test]
fn a_call_that_nobody_answers_is_refused_408() {
    let (mut caller, _) = call();
    let Some(CallerEvent::Refused(refusal)) = caller.on_failed(Failure::Timeout) else {
        panic!("not refused")
    };
    assert_eq!((refusal.status, refusal.given_up), (408, false));
    assert!(caller.on_failed(Failure::Timeout).is_none());
}

#[test]
fn a_call_given_up_before_its_answer_is_cancelled() {
    let (mut caller, invite) = call();
    assert!(matches!(caller.hang_up(487, ""), HangUp::Cancel));
    let terminated = Draft::response(&invite, 487, Some("p9")).finish();
    let Some(CallerEvent::Refused(refusal)) = caller.on_response(&terminated) else {
        panic!("not refused")
    };
    assert!(refusal.given_up);
}

#[test]
fn an_answer_that_crosses_the_cancel_is_acknowledged_and_ended() {
    let (mut caller, invite) = call();
    assert!(matches!(caller.hang_up(487, ""), HangUp::Cancel));
    let (mut callee, ok) = accept(&invite);
    let Some(CallerEvent::Unwanted { ack, bye }) = caller.on_response(&ok) else {
        panic!("not unwanted")
    };
    assert!(matches!(callee.on_ack(&sent(ack)), Some(CalleeEvent::Up)));
    assert_eq!(status(&callee.on_request(&sent(bye))), Some(200));
    assert!(caller.is_over());
    assert!(matches!(
        caller.on_response(&ok),
        Some(CallerEvent::Again { .. })
    ));
}

#[test]
fn an_invite_without_contact_cannot_be_accepted() {
    let (_, invite) = call();
    let text = String::from_utf8(invite.octets().to_vec()).unwrap();
    let invite = Message::decode(text.replace("\r\nContact:", "\r\nX-Contact:").into()).unwrap();
    let accept = Accept {
        tag: "p9",
        contact: "<sip:push@192.0.2.5>",
        headers: &[],
        sdp: b"",
    };
    assert!(Callee::accept(NOW, &invite, &accept).is_err());
}

#[test]
fn an_answer_without_contact_is_no_session() {
    let (mut caller, invite) = call();
    let ok = Draft::response(&invite, 200, Some("p9")).finish();
    let Some(CallerEvent::Refused(refusal)) = caller.on_response(&ok) else {
        panic!("not refused")
    };
    assert_eq!(refusal.status, 400);
    assert!(caller.on_response(&ok).is_none());
}
