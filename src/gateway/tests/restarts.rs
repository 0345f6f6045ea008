//! What survives a restart, and what is told to the initiator.

use std::time::Duration;

use bytes::Bytes;

use super::lab::{ALICE, Lab, UUID, config};
use crate::codec::device_id::DeviceId;
use crate::codec::pap::{Document, Operation, ResultNotificationResponse, Version};
use crate::gateway::config::Bounds;
use crate::world::{FetchError, HttpResponse, RecordKind};

fn accepted() -> HttpResponse {
    let answer = ResultNotificationResponse {
        push_id: "p1".to_owned(),
        address: "a".to_owned(),
        code: 1000,
        desc: None,
    };
    let operation = Operation::ResultNotificationResponse(answer);
    HttpResponse {
        status: 200,
        headers: Vec::new(),
        body: Bytes::from(Document::new(Version::V2_0, true, operation).encode()),
    }
}

fn delivered(lab: &mut Lab) {
    lab.push("p1", &[UUID], "");
    let session = lab.session(1, "");
    let contents = lab.contents(&session);
    lab.confirm(&session, &contents[0], 200);
    assert_eq!(lab.outcome("p1", "C1").as_deref(), Some("delivered"));
}

fn owed(lab: &Lab) -> usize {
    lab.records
        .values()
        .filter(|record| record.key.kind == RecordKind::Owed && record.live)
        .count()
}

#[test]
fn a_push_that_was_accepted_is_delivered_after_a_restart() {
    let mut lab = Lab::registered();
    lab.push(
        "p1",
        &[ALICE],
        "X-Sirgate-Device: C1\nX-Sirgate-Place: header\n",
    );
    lab.sirs();
    let mut lab = lab.restarted(config());
    let sirs = lab.sirs();
    assert_eq!(sirs.len(), 1);
    assert_eq!(sirs[0].dev, 1);
    let session = lab.session(1, "");
    let contents = lab.contents(&session);
    assert!(contents[0].2.contains("hello"));
    lab.confirm(&session, &contents[0], 200);
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
}

#[test]
fn a_push_that_waits_for_its_device_waits_after_a_restart() {
    let mut lab = Lab::new();
    lab.push("p1", &[UUID], "");
    let mut lab = lab.restarted(config());
    assert!(lab.sirs().is_empty());
    lab.register(1);
    assert_eq!(lab.sirs().len(), 1);
}

#[test]
fn a_push_whose_time_passed_during_a_restart_ends() {
    let mut lab = Lab::new();
    lab.push("p1", &[UUID], "");
    lab.now = lab.now + Duration::from_secs(3601);
    let mut lab = lab.restarted(config());
    assert_eq!(lab.end("p1"), Some(("expired".to_owned(), 4000)));
    assert_eq!(lab.fetches.len(), 1);
}

#[test]
fn an_ended_push_is_history_at_once_and_remembered_over_a_restart() {
    let mut lab = Lab::registered();
    delivered(&mut lab);
    let body = |lab: &Lab| {
        let mut records = lab.records.values();
        let record = records
            .find(|record| record.key.kind == RecordKind::Push)
            .unwrap();
        let text = crate::gateway::snapshot::shown(&record.body).to_string();
        (record.live, text)
    };
    let (live, text) = body(&lab);
    assert!(!live && !text.contains("hello"), "{text}");
    let mut lab = lab.restarted(config());
    assert_eq!(lab.push("p1", &[UUID], ""), 2007);
    assert_eq!(lab.get("/api/v1/pushes/p1")["state"], "delivered");
    lab.wait(Duration::from_secs(3602));
    let (live, text) = body(&lab);
    assert!(
        !live && text.contains("\"outcome\":\"delivered\""),
        "{text}"
    );
    assert_eq!(lab.push("p1", &[UUID], ""), 1001);
}

#[test]
fn a_result_is_told_until_it_is_answered_in_pap() {
    let mut lab = Lab::registered();
    delivered(&mut lab);
    let (id, request) = lab.fetches.remove(0);
    assert_eq!(request.target, super::lab::NOTIFY);
    assert_eq!(owed(&lab), 1);
    lab.fetched(id, Err(FetchError::Unreachable));
    assert_eq!(owed(&lab), 1);
    lab.wait(Duration::from_secs(2));
    let (id, _) = lab.fetches.remove(0);
    let page = HttpResponse {
        status: 200,
        headers: Vec::new(),
        body: Bytes::from_static(b"<html>"),
    };
    lab.fetched(id, Ok(page));
    assert_eq!(owed(&lab), 1);
    lab.wait(Duration::from_secs(3));
    let (id, _) = lab.fetches.remove(0);
    lab.fetched(id, Ok(accepted()));
    assert_eq!(owed(&lab), 0);
    lab.wait(Duration::from_secs(900));
    assert!(lab.fetches.is_empty());
    let results: Vec<_> = lab
        .events("pap.notify")
        .iter()
        .map(|notify| notify["result"].clone())
        .collect();
    assert_eq!(
        results,
        ["sent", "failed", "sent", "failed", "sent", "accepted"]
    );
}

#[test]
fn an_owed_result_is_told_after_a_restart_and_never_again_once_answered() {
    let mut lab = Lab::registered();
    delivered(&mut lab);
    let mut lab = lab.restarted(config());
    assert_eq!(lab.fetches.len(), 1);
    let (id, _) = lab.fetches.remove(0);
    lab.fetched(id, Ok(accepted()));
    let lab = lab.restarted(config());
    assert!(lab.fetches.is_empty());
}

#[test]
fn a_result_nobody_takes_is_given_up_at_last() {
    let mut config = config();
    config.notification.tries = 2;
    let mut lab = Lab::with(config);
    lab.register(1);
    delivered(&mut lab);
    for _ in 0..2 {
        let (id, _) = lab.fetches.remove(0);
        lab.fetched(id, Err(FetchError::TimedOut));
        lab.wait(Duration::from_secs(10));
    }
    assert!(lab.fetches.is_empty());
    assert_eq!(owed(&lab), 0);
    assert_eq!(
        lab.events("pap.notify").last().unwrap()["result"],
        "given-up"
    );
}

#[test]
fn what_was_learned_of_a_device_survives() {
    let mut lab = Lab::registered();
    let change = r#"{"devices":[{"name":"C2","presence":"closed"}]}"#;
    lab.http(
        "PUT",
        "/api/v1/identities/sip:alice@example.com",
        "application/json",
        change,
    );
    let mut lab = lab.restarted(config());
    let shown = lab.get("/api/v1/identities/sip:alice@example.com");
    assert_eq!(shown["devices"][1]["presence"], "closed");
    assert_eq!(shown["devices"][0]["registered"], true);
    // The instance it registered with is known again.
    let ids = shown["devices"][0]["ids"].as_array().unwrap();
    assert_eq!(ids.len(), 2);
}

#[test]
fn a_record_that_cannot_be_read_is_reported_and_left_alone() {
    let mut lab = Lab::registered();
    lab.push("p1", &[UUID], "");
    for record in lab.records.values_mut() {
        if record.key.kind == RecordKind::Push {
            record.body = br#"{"v":99}"#.to_vec();
        }
    }
    let mut lab = lab.restarted(config());
    assert!(lab.sirs().is_empty());
    assert_eq!(lab.events("refused").len(), 1);
}

#[test]
fn ended_pushes_are_remembered_in_a_bounded_number_and_time() {
    let mut lab = Lab::with(crate::gateway::Config {
        bounds: Bounds {
            ended: 1,
            ended_kept: Duration::from_secs(60),
            ..Bounds::default()
        },
        ..config()
    });
    for push in ["p1", "p2"] {
        lab.push(push, &[UUID], "");
        lab.http("DELETE", &format!("/api/v1/pushes/{push}"), "", "");
    }
    assert_eq!(lab.http("GET", "/api/v1/pushes/p1", "", "").status, 404);
    assert_eq!(lab.http("GET", "/api/v1/pushes/p2", "", "").status, 200);
    lab.wait(Duration::from_secs(62));
    assert_eq!(lab.http("GET", "/api/v1/pushes/p2", "", "").status, 404);
}

#[test]
fn a_death_between_the_records_of_an_end_loses_no_result_and_tells_none_twice() {
    let mut lab = Lab::registered();
    lab.push("p1", &[UUID], "");
    let before = lab.records.clone();
    let session = lab.session(1, "");
    let contents = lab.contents(&session);
    lab.confirm(&session, &contents[0], 200);
    assert_eq!(owed(&lab), 1);
    // The result was saved, the end of the push was not.
    for (key, record) in before {
        if key.kind == RecordKind::Push {
            lab.records.insert(key, record);
        }
    }
    let mut lab = lab.restarted(config());
    assert!(lab.fetches.is_empty());
    let session = lab.session(1, "");
    let contents = lab.contents(&session);
    lab.confirm(&session, &contents[0], 200);
    assert_eq!(lab.fetches.len(), 1);
    assert_eq!(owed(&lab), 1);
}

#[test]
fn content_that_is_no_text_survives() {
    let mut lab = Lab::registered();
    let body = format!(
        "{{\"push_id\":\"p1\",\"to\":\"{ALICE}\",\"devices\":[\"C1\"],\"content_base64\":\"/w==\",\
         \"content_type\":\"image/png\",\"headers\":{{\"X-Wap-Content-URI\":\"http://pi.example.com/1\"}}}}"
    );
    let accepted = lab.http("POST", "/api/v1/pushes", "application/json", &body);
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let mut lab = lab.restarted(config());
    lab.sirs();
    let no = lab.gateway.ledger().by_id("p1").unwrap();
    let content = lab.gateway.ledger().get(no).unwrap().content.clone();
    assert_eq!(&content.body[..], b"\xff");
    assert_eq!(content.content_type, "image/png");
    assert_eq!(content.headers.len(), 1);
}

#[test]
fn a_push_whose_addresses_all_end_in_the_turn_that_accepts_it_stays_ended() {
    let mut config = config();
    let mut bob = config.identities[0].clone();
    bob.pui = "sip:bob@example.com".to_owned();
    bob.aliases.clear();
    bob.devices.truncate(1);
    bob.devices[0].name = "D1".to_owned();
    bob.devices[0].ids = vec![DeviceId::decode("urn:gsma:imei:35209900-176148-1").unwrap()];
    config.identities.push(bob);
    for identity in &mut config.identities {
        for device in &mut identity.devices {
            device.profile.subscriptions = Some(vec!["x-wap-application:loc.ua".to_owned()]);
        }
    }
    let mut lab = Lab::with(config.clone());
    let code = lab.push("p1", &[ALICE, "sip:bob@example.com"], "");
    assert_eq!(code, 1001);
    assert!(lab.end("p1").is_some());
    let live = |lab: &Lab| {
        let records = lab.records.values();
        let pushes = records.filter(|record| record.key.kind == RecordKind::Push);
        pushes.filter(|record| record.live).count()
    };
    assert_eq!(live(&lab), 0);
    // What hindered it is gone: it is over all the same.
    for identity in &mut config.identities {
        for device in &mut identity.devices {
            device.profile.subscriptions = None;
        }
    }
    let mut lab = lab.restarted(config);
    lab.register(1);
    assert!(lab.sirs().is_empty());
    assert_eq!(live(&lab), 0);
}
