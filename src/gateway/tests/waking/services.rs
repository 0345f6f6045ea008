//! Push services of others: asked over HTTP to wake a device, once for all that waits for it.

use core::time::Duration;

use super::super::bearers::{connect, told, with_bearers};
use super::super::lab::*;
use super::register;
use crate::codec::sip::{Method, Name};
use crate::event::Bearer;
use crate::gateway::bearer::push_service::{Door, PushService};
use crate::gateway::config::Config;
use crate::world::{Errand, FetchError, FetchId, HttpRequest};

const ACME: &str = "pn-provider=acme;pn-param=app;pn-prid=device%3A1";

/// One push service that takes requests at its door, one of Web Push.
fn with_services(bearers: &[Bearer]) -> Config {
    let service = |provider: &str, door| PushService {
        provider: provider.to_owned(),
        door,
        token: None,
    };
    Config {
        wake: vec![
            service("acme", Door::Url("http://push.example.com/wake".to_owned())),
            service("web", Door::Resource("https://web.example.com/".to_owned())),
        ],
        ..with_bearers(bearers)
    }
}

fn asleep(bearers: &[Bearer]) -> Lab {
    let mut lab = Lab::with(with_services(bearers));
    assert_eq!(register(&mut lab, ACME, 3600).status(), Some(200));
    lab.wait(Duration::from_secs(60));
    lab
}

fn asked(lab: &mut Lab) -> (FetchId, HttpRequest) {
    assert_eq!(lab.fetches.len(), 1, "{:?}", lab.fetches);
    lab.fetches.remove(0)
}

#[test]
fn a_push_service_is_asked_to_wake_the_device_and_the_sir_follows_its_registration() {
    let mut lab = asleep(&[Bearer::Sip]);
    assert_eq!(lab.push("p1", &[UUID], ""), 1001);
    let (id, request) = asked(&mut lab);
    assert_eq!(request.target, "http://push.example.com/wake");
    let told: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    let wanted = serde_json::json!({"provider": "acme", "param": "app", "prid": "device:1"});
    assert_eq!(told, wanted);
    assert_eq!(
        lab.events("wake"),
        [serde_json::json!({"ev": "wake", "dev": "C1", "by": "acme", "push": "p1"})]
    );
    assert!(lab.events("sir.tx").is_empty(), "no SIR has left");
    lab.respond(id, 200, &[]);
    lab.wait(Duration::from_secs(5));
    register(&mut lab, ACME, 3600);
    let sirs = lab.sirs();
    assert_eq!(sirs.len(), 1);
    lab.answer(&sirs[0], 200, "");
    connect(&mut lab);
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
}

/// Which bearers failed with that status since the start.
fn failed(lab: &mut Lab, status: u16) -> Vec<String> {
    let answers = lab.events("sir.answer");
    let these = answers.iter().filter(|answer| answer["status"] == status);
    these
        .map(|answer| answer["bearer"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn what_is_held_on_one_road_is_given_up_in_time_whatever_comes_of_the_other() {
    let mut lab = asleep(&[Bearer::Sip, Bearer::Signalling]);
    lab.push("p1", &[UUID], "");
    let (id, _) = asked(&mut lab);
    lab.respond(id, 503, &[]);
    let (id, _) = asked(&mut lab);
    lab.respond(id, 201, &[]);
    lab.wait(Duration::from_secs(5));
    // The next one fails on its first road, and waits for the other.
    lab.push("p2", &[UUID], "");
    let (id, _) = asked(&mut lab);
    lab.respond(id, 503, &[]);
    assert!(lab.fetches.is_empty());
    lab.wait(Duration::from_secs(15));
    assert_eq!(failed(&mut lab, 480), ["signalling", "signalling"]);
}

#[test]
fn a_device_that_is_woken_anew_for_the_next_bearer_has_time_for_that() {
    let mut lab = asleep(&[Bearer::Sip, Bearer::Signalling]);
    lab.push("p1", &[UUID], "");
    let (id, _) = asked(&mut lab);
    lab.respond(id, 201, &[]);
    lab.wait(Duration::from_secs(20));
    assert_eq!(failed(&mut lab, 480), ["sip"]);
    let (id, _) = asked(&mut lab);
    lab.respond(id, 201, &[]);
    lab.wait(Duration::from_secs(10));
    assert_eq!(failed(&mut lab, 480), ["sip"]);
    register(&mut lab, ACME, 3600);
    assert_eq!(lab.sent(Method::Options).len(), 1);
}

#[test]
fn a_push_service_is_asked_beside_terminals_not_after_them() {
    let mut lab = asleep(&[Bearer::Sip]);
    lab.push("p1", &[UUID], "");
    assert_eq!(lab.errand, Some(Errand::Wake));
}

#[test]
fn a_device_that_is_faster_than_its_push_service_gets_its_sir_once() {
    let mut lab = asleep(&[Bearer::Sip]);
    lab.push("p1", &[UUID], "");
    let (id, _) = asked(&mut lab);
    register(&mut lab, ACME, 3600);
    let sirs = lab.sirs();
    lab.respond(id, 200, &[]);
    lab.answer(&sirs[0], 200, "");
    lab.wait(Duration::from_secs(1));
    assert!(lab.sirs().is_empty() && lab.fetches.is_empty());
    connect(&mut lab);
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
}

#[test]
fn several_pushes_for_a_device_that_sleeps_wake_it_once() {
    let mut lab = asleep(&[Bearer::Sip]);
    for push in ["p1", "p2", "p3"] {
        lab.push(push, &[UUID], "");
    }
    let (id, _) = asked(&mut lab);
    lab.respond(id, 202, &[]);
    register(&mut lab, ACME, 3600);
    for _ in 0..3 {
        let sirs = lab.sirs();
        assert_eq!(sirs.len(), 1, "one after another");
        lab.answer(&sirs[0], 200, "");
    }
    assert!(lab.fetches.is_empty());
    let session = lab.session(1, "");
    for _ in 0..3 {
        for content in lab.contents(&session) {
            lab.confirm(&session, &content, 200);
        }
    }
    for push in ["p1", "p2", "p3"] {
        assert_eq!(
            lab.end(push),
            Some(("delivered".to_owned(), 1000)),
            "{push}"
        );
    }
}

#[test]
fn a_device_that_stays_asleep_is_not_woken_for_each_push_that_waits() {
    let mut lab = asleep(&[Bearer::Sip]);
    for push in ["p1", "p2", "p3", "p4"] {
        lab.push(push, &[UUID], "");
    }
    let mut tries = Vec::new();
    while tries.len() < 4 {
        let (id, _) = asked(&mut lab);
        tries.push(lab.now);
        lab.respond(id, 200, &[]);
        for _ in 0..600 {
            lab.wait(Duration::from_secs(1));
            if !lab.fetches.is_empty() {
                break;
            }
        }
    }
    let pauses: Vec<_> = tries.windows(2).map(|two| two[1].since(two[0])).collect();
    assert!(pauses.is_sorted(), "ever longer: {pauses:?}");
    // The device is back: all that waits goes at once, whatever pause was to be made.
    lab.fetches.clear();
    register(&mut lab, ACME, 3600);
    for _ in 0..4 {
        let sirs = lab.sirs();
        lab.answer(&sirs[0], 200, "");
    }
}

#[test]
fn a_push_ends_when_its_time_is_over_although_the_device_is_being_woken() {
    let mut lab = asleep(&[Bearer::Sip]);
    let before = "2026-01-01T10:01:10Z";
    let attributes = format!(" deliver-before-timestamp=\"{before}\"");
    let body = pap_body("p1", &[UUID], &attributes, "");
    assert_eq!(lab.post(&body), 1001);
    lab.push("p2", &[UUID], "");
    let (id, _) = asked(&mut lab);
    lab.respond(id, 200, &[]);
    lab.wait(Duration::from_secs(12));
    assert_eq!(
        lab.end("p1").map(|(state, _)| state),
        Some("expired".to_owned())
    );
    register(&mut lab, ACME, 3600);
    let sirs = lab.sirs();
    assert_eq!(sirs.len(), 1, "the other one goes");
    lab.answer(&sirs[0], 200, "");
    connect(&mut lab);
    assert_eq!(lab.end("p2"), Some(("delivered".to_owned(), 1000)));
}

#[test]
fn a_push_to_a_device_that_never_wakes_expires() {
    let mut lab = asleep(&[Bearer::Sip]);
    let body = pap_body(
        "p1",
        &[UUID],
        " deliver-before-timestamp=\"2026-01-01T10:30:00Z\"",
        "",
    );
    lab.post(&body);
    for _ in 0..1_800 {
        lab.wait(Duration::from_secs(1));
        for (id, _) in core::mem::take(&mut lab.fetches) {
            if lab.end("p1").is_none() {
                lab.respond(id, 200, &[]);
            }
        }
    }
    assert_eq!(
        lab.end("p1").map(|(state, _)| state),
        Some("expired".to_owned())
    );
    let wakes = lab.events("wake").len();
    assert!((3..30).contains(&wakes), "{wakes}");
}

#[test]
fn a_device_that_its_push_service_does_not_know_is_reached_by_its_next_bearer() {
    let mut lab = asleep(&[Bearer::Sip, Bearer::Wsp]);
    lab.push("p1", &[UUID], "");
    let (id, _) = asked(&mut lab);
    lab.respond(id, 410, &[]);
    assert_eq!(lab.wsp.len(), 1);
    connect(&mut lab);
    assert_eq!(
        told(&mut lab, "p1"),
        "delivered by wsp; sip: the push service does not know the device"
    );
}

#[test]
fn a_push_service_that_wants_a_pause_gets_it() {
    let mut lab = asleep(&[Bearer::Sip]);
    lab.push("p1", &[UUID], "");
    let (id, _) = asked(&mut lab);
    lab.respond(id, 429, &[("retry-after", "60")]);
    lab.wait(Duration::from_secs(59));
    assert!(lab.fetches.is_empty());
    lab.wait(Duration::from_secs(10));
    asked(&mut lab);
}

#[test]
fn a_push_service_that_cannot_be_reached_is_asked_again() {
    let mut lab = asleep(&[Bearer::Sip]);
    lab.push("p1", &[UUID], "");
    for error in [
        FetchError::Unreachable,
        FetchError::TimedOut,
        FetchError::Broken,
    ] {
        let (id, _) = asked(&mut lab);
        let response = Err(error);
        lab.fetched(id, response);
        assert_eq!(lab.end("p1"), None);
        while lab.fetches.is_empty() {
            lab.wait(Duration::from_secs(1));
        }
    }
    let (id, _) = asked(&mut lab);
    lab.respond(id, 200, &[]);
    register(&mut lab, ACME, 3600);
    assert_eq!(lab.sirs().len(), 1);
}

#[test]
fn a_gateway_that_starts_again_wakes_the_device_again() {
    let mut lab = asleep(&[Bearer::Sip]);
    lab.push("p1", &[UUID], "");
    asked(&mut lab);
    let mut lab = lab.restarted(with_services(&[Bearer::Sip]));
    let (id, _) = asked(&mut lab);
    lab.respond(id, 200, &[]);
    register(&mut lab, ACME, 3600);
    let sirs = lab.sirs();
    lab.answer(&sirs[0], 200, "");
    connect(&mut lab);
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
}

#[test]
fn services_are_refused_by_555_only_to_who_wants_to_be_woken() {
    let mut lab = Lab::with(with_services(&[Bearer::Sip]));
    let other = "pn-provider=apns;pn-param=x;pn-prid=y";
    let elsewhere = "pn-provider=web;pn-prid=https%3A%2F%2Fevil.example%2F";
    for params in [other, elsewhere, "pn-provider=acme;pn-param=app"] {
        assert_eq!(
            register(&mut lab, params, 3600).status(),
            Some(555),
            "{params}"
        );
        assert_eq!(
            register(&mut lab, params, 0).status(),
            Some(200),
            "{params}"
        );
    }
    let there = "pn-provider=web;pn-prid=https%3A%2F%2Fweb.example.com%2Fp%2F1";
    let ok = register(&mut lab, there, 3600);
    assert_eq!(ok.status(), Some(200));
    assert_eq!(ok.text(Name::FeatureCaps), Some("*;+sip.pns=\"web\""));
    let plain = register(&mut lab, "ob", 3600);
    assert_eq!(plain.text(Name::FeatureCaps), None, "it did not ask");
    let all = register(&mut lab, "pn-provider", 3600);
    let all: Vec<_> = all.list(Name::FeatureCaps).map(<[u8]>::to_vec).collect();
    assert_eq!(all.len(), 3);
}
