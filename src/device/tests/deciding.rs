//! What a device makes of a SIR, and how it answers.

use std::sync::Arc;

use super::bench::*;
use crate::codec::device_id::DeviceId;
use crate::codec::sip::{Draft, Method, Name};
use crate::codec::sir::{App, Ask, Placement};
use crate::device::behaviour::{Behaviour, Millis, Trust, User};
use crate::device::config::{Challenge, Config, Credentials, Profile};
use crate::device::decision::{Own, Preference};
use crate::machine::Machine;
use crate::protocol::sip::authentication::{Client, Next};
use crate::random::Random;
use crate::time::HttpDate;

fn behaviour(name: &str) -> Behaviour {
    Behaviour::named(name).unwrap()
}

/// A device whose preference excludes the application.
fn unwilling() -> Config {
    let mut config = config(Behaviour::default());
    config.profile = Arc::new(Profile {
        own: Own {
            preference: Preference {
                exclude: vec![DCD.into()],
                ..Preference::default()
            },
            ..Own::default()
        },
        ..Profile::default()
    });
    config
}

#[test]
fn r2_72_r2_75_a_sir_naming_the_device_connects() {
    let mut bench = Bench::registered(Behaviour::default());
    bench.send(&naming(&[C1]));
    assert_eq!(bench.status(), 200);
    let invite = bench.request(Method::Invite);
    assert_eq!(
        bench.story(),
        [
            "sir.rx 1",
            "sir.decide connect match",
            "sess.req sip:push@ppg.example.com"
        ]
    );
    assert_eq!(
        invite.text(Name::Contact),
        Some(&*format!("<sip:alice@example.com;gr={C1}>;+sip.message"))
    );
    assert_eq!(invite.text(Name::XSirgateSir), Some("0001"));
    assert_eq!(invite.text(Name::InReplyTo), Some("sir-1@ppg.example.com"));
    assert_eq!(
        invite.text(Name::PPreferredIdentity),
        Some("<sip:alice@example.com>")
    );
    invite.check_request().unwrap();
}

#[test]
fn r2_76_a_sir_naming_another_device_is_answered_200_in_a_fan_out_and_nothing_else() {
    let mut bench = Bench::registered(Behaviour::default());
    bench.send(&naming(&[C2]));
    assert_eq!(bench.status(), 200);
    assert!(bench.sent.is_empty());
    assert_eq!(bench.story(), ["sir.rx 1", "sir.decide skip mismatch"]);
}

#[test]
fn a_targeted_mismatch_is_answered_480_with_the_reason() {
    let mut bench = Bench::registered(Behaviour::default());
    bench.send(&targeted(&[C2]));
    let answer = bench.next();
    assert_eq!(answer.status(), Some(480));
    assert_eq!(
        answer.text(Name::Reason),
        Some("SIP;cause=480;text=\"mismatch\"")
    );
    assert_eq!(
        answer.text(Name::Warning),
        Some("399 alice.example.com \"sirgate refusal mismatch\"")
    );
}

#[test]
fn r2_77_a_connected_device_skips() {
    let mut bench = Bench::registered(Behaviour::default());
    bench.send(&naming(&[C1]));
    bench.next();
    let invite = bench.next();
    bench.accept(&invite);
    let mut second = naming(&[C2]);
    second.id = Some("0002".into());
    bench.send(&second);
    assert_eq!(bench.status(), 200);
    assert_eq!(bench.count("sess.req"), 1);
    assert_eq!(bench.story().last().unwrap(), "sir.decide skip already");
}

#[test]
fn r2_37_contradicting_placements_are_a_reported_conflict() {
    let mut bench = Bench::registered(Behaviour::default());
    let mut sir = naming(&[C1]);
    sir.body.devices = vec![DeviceId::decode(C2).unwrap()];
    bench.send(&sir);
    assert_eq!(bench.status(), 200);
    assert_eq!(
        bench.story(),
        ["sir.rx 2", "sir.decide skip mismatch conflict"]
    );
}

#[test]
fn r2_73_a_sir_without_identifiers_is_decided_by_own_information() {
    let mut bench = Bench::registered(Behaviour::default());
    bench.send(&sir());
    assert_eq!(bench.status(), 200);
    assert_eq!(bench.story()[1], "sir.decide connect none");
}

#[test]
fn r2_73_a_sir_for_another_identity_is_not_followed() {
    let mut bench = Bench::registered(Behaviour::default());
    let mut sir = naming(&[C1]);
    sir.pui = Some("sip:bob@example.com".into());
    bench.send(&sir);
    assert_eq!(bench.status(), 200);
    assert_eq!(bench.story()[1], "sir.decide skip mismatch");
}

#[test]
fn r2_74_a_legacy_device_connects_whoever_is_named() {
    let mut bench = Bench::registered(behaviour("legacy"));
    bench.send(&naming(&[C2]));
    assert_eq!(bench.status(), 200);
    bench.request(Method::Invite);
    assert_eq!(bench.story()[1], "sir.decide connect none");
}

#[test]
fn r2_78_an_unsigned_sir_is_refused_where_trust_is_required() {
    let strict = Behaviour {
        require: Trust::Asserted,
        ..Behaviour::default()
    };
    let mut bench = Bench::registered(strict);
    bench.send(&targeted(&[C1]));
    assert_eq!(bench.status(), 403);
    assert_eq!(bench.story()[1], "sir.decide skip security");
}

#[test]
fn r2_78_a_sir_from_where_the_device_is_registered_has_the_trust_of_the_flow() {
    let flow = Behaviour {
        require: Trust::Flow,
        ..Behaviour::default()
    };
    let mut bench = Bench::registered(flow.clone());
    bench.send(&naming(&[C1]));
    assert_eq!(bench.story()[1], "sir.decide connect match");
    let mut config = config(flow);
    config.register = false;
    let mut stranger = Bench::new(config);
    stranger.run();
    stranger.send(&naming(&[C1]));
    assert_eq!(stranger.story()[1], "sir.decide skip security");
}

#[test]
fn r2_78_a_sender_that_answers_the_challenge_is_trusted() {
    let strict = Behaviour {
        require: Trust::Asserted,
        ..Behaviour::default()
    };
    let mut config = config(strict);
    config.challenge = Some(Challenge {
        realm: "devices".into(),
        gateway: Credentials {
            user: "ppg".into(),
            password: "secret".into(),
        },
    });
    let mut bench = Bench::registered_as(config);
    bench.send(&naming(&[C1]));
    let challenge = bench.next();
    assert_eq!(challenge.status(), Some(401));
    assert_eq!(bench.count("sir."), 0);
    let mut gateway = Client::new("ppg", "secret");
    let mut random = Random::from_number(1);
    assert_eq!(gateway.challenged(&challenge, &mut random), Next::Retry);
    let uri = "sip:alice@192.0.2.11:5060;ob";
    let rows = gateway.authorize(Method::Message, uri, &[]);
    let answered = bench.message(&naming(&[C1]), |draft| {
        rows.iter()
            .fold(draft, |draft, (name, value)| draft.header(name, value))
    });
    bench.receive(&answered);
    assert_eq!(bench.status(), 200);
    assert_eq!(bench.story()[1], "sir.decide connect match");
}

#[test]
fn r2_86_a_sir_whose_asserted_sender_is_another_is_not_followed() {
    let mut bench = Bench::registered(Behaviour::default());
    let message = bench.message(&targeted(&[C1]), |draft| {
        draft.header("P-Asserted-Identity", "<sip:push@evil.example.net>")
    });
    bench.receive(&message);
    assert_eq!(bench.status(), 403);
    assert_eq!(bench.count("sess.req"), 0);
}

#[test]
fn r2_79_a_preference_against_the_application_is_kept() {
    let mut bench = Bench::registered_as(unwilling());
    let apps = [App::new(DCD)];
    bench.send(&targeted(&[C1]).with_apps(Placement::HEADER, &apps));
    assert_eq!(bench.status(), 480);
    assert_eq!(bench.story()[1], "sir.decide skip pref");
}

#[test]
fn r2_81_r2_85_the_user_is_asked_and_says_yes() {
    let mut bench = Bench::registered(behaviour("prompt"));
    bench.send(&targeted(&[C1]));
    assert_eq!(bench.status(), 202);
    assert_eq!(bench.story(), ["sir.rx 1", "prompt sir"]);
    bench.wait_ms(1_000);
    assert_eq!(bench.story()[2], "sir.decide connect match");
    bench.request(Method::Invite);
}

#[test]
fn r2_81_the_user_says_no_at_once() {
    let mut bench = Bench::registered(behaviour("refuse"));
    bench.send(&targeted(&[C1]));
    let answer = bench.next();
    assert_eq!(answer.status(), Some(603));
    assert_eq!(
        answer.text(Name::Reason),
        Some("SIP;cause=603;text=\"user\"")
    );
    assert_eq!(
        bench.story(),
        ["sir.rx 1", "prompt sir", "sir.decide skip user"]
    );
}

#[test]
fn a_user_who_takes_time_to_say_no_returns_the_refusal_later() {
    let slow = Behaviour {
        answer_after_ms: Millis::Exact(500),
        ..behaviour("refuse")
    };
    let mut bench = Bench::registered(slow);
    bench.send(&targeted(&[C1]).with_ask(Placement::HEADER, Ask::REFUSAL));
    assert_eq!(bench.status(), 202);
    bench.wait_ms(500);
    let refusal = bench.request(Method::Message);
    assert!(text(&refusal).contains("\"reason\":\"user\""));
    assert_eq!(
        bench.story()[2..],
        ["sir.decide refuse user", "info.tx refusal sip"]
    );
}

#[test]
fn a_question_can_be_answered_in_the_users_place_and_lapses_with_its_sir() {
    let waiting = Behaviour {
        user: User::Wait,
        ..behaviour("prompt")
    };
    let mut bench = Bench::registered(waiting);
    bench.send(&naming(&[C1]));
    assert_eq!(bench.status(), 202);
    let mut out = Vec::new();
    assert!(bench.device.answer_prompt(bench.now, true, &mut out));
    assert!(!bench.device.answer_prompt(bench.now, true, &mut out));
    assert_eq!(out.len(), 3);

    let mut second = naming(&[C1]);
    second.id = Some("0002".into());
    second.server = "sip:push@ppg2.example.com".into();
    let message = bench.message(&second, |draft| draft.header("Expires", 60));
    bench.receive(&message);
    bench.wait_ms(61_000);
    assert_eq!(bench.story().last().unwrap(), "sir.decide skip user");
}

#[test]
fn r2_87_a_gateway_outside_the_list_is_not_asked() {
    let strict = Behaviour {
        ppgs: Some(vec!["other.example.com".into()]),
        ..Behaviour::default()
    };
    let mut bench = Bench::registered(strict);
    bench.send(&targeted(&[C1]));
    assert_eq!(bench.status(), 403);
    assert_eq!(bench.story()[1], "sir.decide skip ppg");
}

#[test]
fn a_silent_device_hears_and_says_nothing() {
    let mut bench = Bench::registered(behaviour("silent"));
    bench.send(&naming(&[C1]));
    bench.wait_ms(10_000);
    assert!(bench.sent.is_empty());
    assert_eq!(bench.story(), ["sir.rx 1"]);
}

#[test]
fn a_slow_device_answers_after_its_delay() {
    let slow = Behaviour {
        delay_ms: Millis::Exact(1_000),
        ..Behaviour::default()
    };
    let mut bench = Bench::registered(slow);
    bench.send(&naming(&[C1]));
    bench.wait_ms(999);
    assert!(bench.sent.is_empty());
    bench.wait_ms(1);
    assert_eq!(bench.status(), 200);
    bench.request(Method::Invite);
}

#[test]
fn an_overridden_answer_replaces_the_status() {
    let busy = Behaviour {
        answer: Some(486),
        ..Behaviour::default()
    };
    let mut bench = Bench::registered(busy);
    bench.send(&naming(&[C2]));
    assert_eq!(bench.status(), 486);
}

#[test]
fn a_repeated_sir_is_answered_as_before_and_not_judged_again() {
    let mut bench = Bench::registered(Behaviour::default());
    bench.send(&targeted(&[C2]));
    assert_eq!(bench.status(), 480);
    bench.send(&targeted(&[C2]));
    let again = bench.next();
    assert_eq!(again.status(), Some(480));
    assert!(again.header(Name::Warning).is_some());
    assert_eq!(bench.count("sir."), 2);
}

#[test]
fn a_sir_whose_time_is_over_is_not_followed() {
    let mut bench = Bench::registered(Behaviour::default());
    let date = HttpDate(bench.now - core::time::Duration::from_secs(700));
    let message = bench.message(&targeted(&[C1]), |draft| {
        draft.header("Expires", 600).header("Date", date)
    });
    bench.receive(&message);
    assert_eq!(bench.status(), 200);
    assert_eq!(bench.story()[1], "sir.decide skip expired");
}

#[test]
fn a_caller_that_prefers_another_instance_gets_480() {
    let mut bench = Bench::registered(Behaviour::default());
    let message = bench.message(&sir(), |draft| {
        draft.header(
            "Accept-Contact",
            "*;+sip.instance=\"<urn:uuid:0f2a6c54-9b1d-4c3e-8a77-5d1f6e0b9c21>\";require;explicit",
        )
    });
    bench.receive(&message);
    assert_eq!(bench.status(), 480);
    assert_eq!(bench.story()[1], "sir.decide skip mismatch");
}

#[test]
fn a_caller_that_wants_a_push_device_reaches_it() {
    let mut bench = Bench::registered(Behaviour::default());
    let message = bench.message(&naming(&[C1]), |draft| {
        draft.header(
            "Accept-Contact",
            "*;+g.oma.pusheventapp=\"push.sia\";require",
        )
    });
    bench.receive(&message);
    assert_eq!(bench.story()[1], "sir.decide connect match");
}

#[test]
fn bodies_of_other_types_are_refused_with_what_is_taken() {
    let mut bench = Bench::registered(Behaviour::default());
    let message = bench.message(&sir(), |draft| {
        draft.body("image/png", b"png").header("X-Other", "1")
    });
    bench.receive(&message);
    let answer = bench.next();
    // Two Content-Type rows make the request itself broken, which is refused as well.
    assert!(
        matches!(answer.status(), Some(400 | 415)),
        "{}",
        text(&answer)
    );
    assert_eq!(bench.count("sir."), 0);
}

#[test]
fn a_broken_sir_is_refused_and_reported() {
    let mut bench = Bench::registered(Behaviour::default());
    let message = bench.message(&sir(), |draft| draft);
    let broken = text(&message).replace(
        "Content-Length: 0\r\n\r\n",
        "Content-Length: 3\r\n\r\n\x01\x09\x02",
    );
    let broken = crate::codec::sip::Message::decode(broken.into()).unwrap();
    bench.receive(&broken);
    assert_eq!(bench.status(), 400);
    assert_eq!(bench.count("refused"), 1);
    assert_eq!(bench.count("sir.decide"), 0);
}

#[test]
fn requests_of_other_kinds_are_answered_in_the_protocol() {
    let mut bench = Bench::registered(Behaviour::default());
    for (method, status) in [
        (Method::Options, 200),
        (Method::Invite, 488),
        (Method::Notify, 481),
        (Method::Bye, 481),
        (Method::Refer, 405),
    ] {
        let request = Draft::request(method, "sip:alice@192.0.2.11:5060;ob")
            .header("From", "<sip:bob@example.com>;tag=b1")
            .header("To", "<sip:alice@example.com>")
            .header("Call-ID", format_args!("x-{}", method.name()))
            .header("CSeq", format_args!("1 {}", method.name()))
            .finish_with_via(&format!(
                "SIP/2.0/UDP {GATEWAY};branch=z9hG4bKx{}",
                method.name()
            ));
        bench.receive(&request);
        assert_eq!(bench.status(), status, "{}", method.name());
    }
}

#[test]
fn nothing_is_due_for_long_while_nothing_happens() {
    let mut bench = Bench::registered(Behaviour::default());
    // The transaction of the REGISTER lasts for a while.
    bench.wait_ms(6_000);
    let due = bench.device.deadline().unwrap();
    assert!(due.since(bench.now).as_secs() >= 17, "{due}");
}
