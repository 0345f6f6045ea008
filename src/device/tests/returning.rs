//! What a device returns and sends when a SIR asks for it, and the applications it starts.

use serde_json::{Value, json};

use super::bench::*;
use crate::codec::sip::{Method, Name};
use crate::codec::sir::{App, Ask, Placement, Sir};
use crate::device::behaviour::{Activate, Behaviour, ReturnBy};

fn asking(ask: Ask) -> Sir {
    naming(&[C1]).with_ask(Placement::HEADER, ask)
}

/// Follows the SIR to a bound session.
fn follow(behaviour: Behaviour, sir: &Sir) -> Bench {
    let mut bench = Bench::registered(behaviour);
    bench.send(sir);
    bench.next();
    let invite = bench.next();
    bench.accept(&invite);
    bench
}

fn bodies(bench: &mut Bench) -> Vec<Value> {
    let mut bodies = Vec::new();
    while !bench.chunks.is_empty() {
        let chunk = bench.chunk();
        assert_eq!(chunk.content_type(), Some(INFORMATION));
        bodies.push(serde_json::from_slice(chunk.body.as_ref().unwrap()).unwrap());
        bench.answer_chunk(&chunk, 200);
    }
    bodies
}

#[test]
fn r2_95_to_r2_98_what_is_asked_for_is_returned_after_the_session_is_up() {
    let ask = Ask::CAPABILITY | Ask::PREFERENCE | Ask::SECURITY | Ask::SUBSCRIPTION;
    let mut bench = follow(Behaviour::default(), &asking(ask));
    assert_eq!(
        bodies(&mut bench),
        [
            json!({"sir": "0001", "device": C1, "kind": "capability", "screen": "240x320"}),
            json!({"sir": "0001", "device": C1, "kind": "preference", "deliver": "always"}),
            json!({"sir": "0001", "device": C1, "kind": "security", "algorithms": ["SHA-256"]}),
            json!({"sir": "0001", "device": C1, "kind": "subscription", "services": [DCD]}),
        ]
    );
    assert_eq!(
        bench.story()[3..],
        [
            "sess.up sip:push@ppg.example.com",
            "info.tx capability new",
            "info.tx preference new",
            "info.tx security new",
            "info.tx subscription new"
        ]
    );
}

#[test]
fn r2_100_exactly_the_asked_kinds_are_returned_in_all_31_subsets() {
    let kinds = [
        (Ask::CAPABILITY, "capability"),
        (Ask::PREFERENCE, "preference"),
        (Ask::SECURITY, "security"),
        (Ask::SUBSCRIPTION, "subscription"),
        (Ask::REFUSAL, "refusal"),
    ];
    for subset in 1_u8..32 {
        let chosen = || {
            kinds
                .iter()
                .enumerate()
                .filter(move |(bit, _)| subset & (1 << bit) != 0)
                .map(|(_, kind)| kind)
        };
        let ask = chosen().fold(Ask::NONE, |all, (ask, _)| all | *ask);
        let mut bench = follow(Behaviour::default(), &asking(ask));
        let returned: Vec<String> = bodies(&mut bench)
            .iter()
            .map(|body| body["kind"].as_str().unwrap().to_owned())
            .collect();
        // A device that connects has nothing to refuse.
        let expected: Vec<&str> = chosen()
            .map(|(_, kind)| *kind)
            .filter(|kind| *kind != "refusal")
            .collect();
        assert_eq!(returned, expected, "subset {subset:05b}");
    }
}

#[test]
fn r2_88_r2_99_a_refusal_that_was_asked_for_is_returned_without_a_session() {
    let mut bench = Bench::registered(Behaviour::named("refuse").unwrap());
    bench.send(&asking(Ask::REFUSAL));
    assert_eq!(bench.status(), 200);
    let refusal = bench.request(Method::Message);
    assert_eq!(
        refusal.request_uri().unwrap().as_str(),
        "sip:push@ppg.example.com"
    );
    assert_eq!(refusal.content_type(), Some(INFORMATION));
    assert_eq!(refusal.text(Name::InReplyTo), Some("sir-1@ppg.example.com"));
    assert_eq!(refusal.text(Name::XSirgateSir), Some("0001"));
    assert_eq!(
        refusal.text(Name::XSirgateDevice),
        Some(&*format!("<{C1}>"))
    );
    assert_eq!(
        serde_json::from_slice::<Value>(refusal.body()).unwrap(),
        json!({"sir": "0001", "device": C1, "kind": "refusal", "reason": "user"})
    );
    assert_eq!(bench.count("sess.req"), 0);
    bench.answer(&refusal, 200);
    assert!(bench.sent.is_empty());
}

#[test]
fn r2_89_no_refusal_is_sent_when_it_was_not_asked_for() {
    let mut bench = Bench::registered(Behaviour::named("refuse").unwrap());
    bench.send(&naming(&[C1]));
    assert_eq!(bench.status(), 200);
    assert!(bench.sent.is_empty());
    assert_eq!(bench.count("info.tx"), 0);
}

#[test]
fn r2_92_r2_93_the_refusal_goes_to_the_gateway_named_in_the_sir() {
    let mut bench = Bench::registered(Behaviour::named("refuse").unwrap());
    let mut sir = asking(Ask::REFUSAL);
    sir.other_server = Some("sip:push@ppg2.example.com".into());
    bench.send(&sir);
    bench.next();
    assert_eq!(bench.sent.pop_front().unwrap().0, at(GATEWAY_2));
}

#[test]
fn r2_101_the_registration_message_is_sent_with_a_fresh_register() {
    let mut bench = follow(Behaviour::default(), &asking(Ask::SEND_REGISTRATION));
    let sent = bodies(&mut bench);
    assert_eq!(sent[0]["kind"], "registration");
    assert_eq!(sent[0]["instance"], C1);
    bench.run();
    bench.request(Method::Register);
    assert_eq!(bench.count("msg.tx registration"), 1);
}

#[test]
fn r2_102_the_capability_message_is_one_of_its_own() {
    let mut bench = follow(
        Behaviour::default(),
        &asking(Ask::CAPABILITY | Ask::SEND_CAPABILITY),
    );
    let sent = bodies(&mut bench);
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[1]["kind"], "capability");
    assert_eq!(sent[1]["message"], true);
    assert_eq!(bench.count("msg.tx capability"), 1);
    assert_eq!(bench.count("info.tx capability"), 1);
}

#[test]
fn r2_104_information_may_be_returned_by_sip() {
    let by_sip = Behaviour {
        return_by: ReturnBy::Sip,
        ..Behaviour::default()
    };
    let mut bench = follow(by_sip, &asking(Ask::CAPABILITY));
    assert!(bench.chunks.is_empty());
    let message = bench.request(Method::Message);
    assert_eq!(message.content_type(), Some(INFORMATION));
    assert_eq!(bench.count("info.tx capability sip"), 1);
}

#[test]
fn r2_109_to_r2_112_the_named_application_is_activated_registers_and_answers() {
    let apps = [App::named(DCD, "DCD")];
    let sir = asking(Ask::CAPABILITY).with_apps(Placement::HEADER, &apps);
    let mut bench = follow(Behaviour::default(), &sir);
    assert_eq!(
        bench.story()[3..],
        [
            "sess.up sip:push@ppg.example.com",
            "app.act x-oma-application:dcd.ua after",
            "app.reg x-oma-application:dcd.ua",
            "info.tx capability new"
        ]
    );
    assert_eq!(bodies(&mut bench)[0]["channels"], 4);
}

#[test]
fn r2_113_an_application_may_be_activated_before_the_connection() {
    let before = Behaviour {
        activate: Activate::Before,
        ..Behaviour::default()
    };
    let mut bench = Bench::registered(before);
    bench.send(&naming(&[C1]).with_apps(Placement::HEADER, &[App::new(DCD)]));
    assert_eq!(
        bench.story()[1..4],
        [
            "app.act x-oma-application:dcd.ua before",
            "app.reg x-oma-application:dcd.ua",
            "sir.decide connect match"
        ]
    );
}

#[test]
fn r2_115_a_refused_sir_activates_only_before_the_connection() {
    for (activate, activations) in [(Activate::After, 0), (Activate::Before, 1)] {
        let refusing = Behaviour {
            activate,
            ..Behaviour::named("refuse").unwrap()
        };
        let mut bench = Bench::registered(refusing);
        bench.send(&naming(&[C1]).with_apps(Placement::HEADER, &[App::new(DCD)]));
        assert_eq!(bench.count("app.act"), activations, "{activate:?}");
    }
}

#[test]
fn an_application_that_is_not_installed_is_not_activated() {
    let sir = naming(&[C1]).with_apps(Placement::HEADER, &[App::new("x-oma-application:other")]);
    let bench = follow(Behaviour::default(), &sir);
    assert_eq!(bench.count("app."), 0);
}

#[test]
fn a_connected_device_answers_questions_in_the_session_it_has() {
    let mut bench = follow(Behaviour::default(), &naming(&[C1]));
    let mut second = asking(Ask::PREFERENCE);
    second.id = Some("0002".into());
    bench.send(&second);
    assert_eq!(bench.status(), 200);
    let sent = bodies(&mut bench);
    assert_eq!(sent[0]["sir"], "0002");
    assert_eq!(bench.count("info.tx preference existing"), 1);
    assert_eq!(bench.count("sess.req"), 1);
}

#[test]
fn a_device_returns_only_what_it_is_willing_to() {
    let shy = Behaviour {
        replies: Some(vec!["preference".into()]),
        ..Behaviour::default()
    };
    let mut bench = follow(shy, &asking(Ask::CAPABILITY | Ask::PREFERENCE));
    let sent = bodies(&mut bench);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["kind"], "preference");
}

#[test]
fn s2_8_a_fan_out_refusal_by_own_information_is_told_and_a_mismatch_is_not() {
    let never = Behaviour {
        checks: crate::device::behaviour::Checks {
            capability: false,
            ..Default::default()
        },
        ..Behaviour::default()
    };
    let mut config = config(never);
    let mut profile = (*config.profile).clone();
    profile.own.preference.never = true;
    config.profile = std::sync::Arc::new(profile);
    let mut bench = Bench::registered_as(config);
    bench.send(&sir().with_ask(Placement::HEADER, Ask::REFUSAL));
    assert_eq!(bench.status(), 200);
    bench.request(Method::Message);
    let mut other = naming(&[C2]).with_ask(Placement::HEADER, Ask::REFUSAL);
    other.id = Some("0002".into());
    bench.send(&other);
    assert_eq!(bench.status(), 200);
    assert!(bench.sent.is_empty());
    assert_eq!(bench.count("sir.decide skip"), 2);
}
