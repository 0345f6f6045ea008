//! The items of PAP that a gateway conforms to, each by what an initiator sees.
//!
//! **Source:** WAP-247 (static conformance requirements), items PAP-VAL-S, PAP-OPS-S, PAP-SEM-S;
//! those about versions have a file of their own.

use std::time::Duration;

use super::initiator::*;
use super::lab::{ALICE, IMEI, Lab, NOTIFY, UUID, config, to};
use crate::codec::pap::{
    self, Capabilities, DeliveryMethod, MessageState, Operation, Version, compose,
};
use crate::gateway::profile::Capability;

#[test]
fn pap_val_s_001_a_document_is_held_against_its_dtd() {
    let mut lab = Lab::registered();
    for (from, to) in [
        ("<address ", "<addresses "),
        (" push-id=\"p1\"", ""),
        ("</push-message>", "<address/></push-message>"),
    ] {
        let body = PLAIN.body().replace(from, to);
        assert_eq!(lab.post(&body), 2000, "{to}");
    }
    assert_eq!(PLAIN.code(&mut lab), 1001);
}

#[test]
fn pap_val_s_002_content_must_have_a_type_and_be_what_is_transformed() {
    let mut lab = Lab::registered();
    let typeless = Written {
        content_type: "nothing",
        ..PLAIN
    };
    assert_eq!(typeless.code(&mut lab), 2000);
    let broken = Written {
        content_type: "text/vnd.wap.si",
        content: "<si>",
        capabilities: Some("<x><Push-Accept>application/vnd.wap.sic</Push-Accept></x>"),
        ..PLAIN
    };
    assert_eq!(broken.code(&mut lab), 3006);
    assert_eq!(
        Written {
            content: SI,
            ..broken
        }
        .code(&mut lab),
        1001
    );
}

#[test]
fn pap_val_s_003_addresses_are_checked() {
    let mut lab = Lab::registered();
    for address in [
        "WAPPUSH=x/TYPE=PLMN@ppg.example.com",
        "x",
        "WAPPUSH=%/TYPE=USER@a",
    ] {
        let body = PLAIN.body().replace(&to(UUID), address);
        assert_eq!(lab.post(&body), 2002, "{address}");
    }
    let stranger = Written {
        addresses: &["sip:nobody@example.com"],
        ..PLAIN
    };
    assert_eq!(stranger.code(&mut lab), 2002);
}

#[test]
fn pap_ops_s_001_a_submission_is_accepted_under_its_push_id() {
    let mut lab = Lab::registered();
    let answer = PLAIN.answer(&mut lab);
    assert_eq!((answer.code, answer.push_id.as_str()), (1001, "p1"));
    assert_eq!(answer.sender_name.as_deref(), Some("ppg.example.com"));
    assert_eq!(answer.reply_time, Some(lab.now));
    assert_eq!(PLAIN.code(&mut lab), 2007);
}

#[test]
fn pap_ops_s_002_a_result_is_told_where_one_was_wanted() {
    let mut lab = Lab::registered();
    PLAIN.code(&mut lab);
    delivered(&mut lab);
    let told = results(&lab);
    let [(_, result)] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!((result.push_id.as_str(), result.code), ("p1", 1000));
    assert_eq!(result.state, MessageState::Delivered);
    assert_eq!(result.address, to(UUID));
    // A push that was refused has none, nor has one that names nobody.
    let mut lab = Lab::registered();
    Written {
        addresses: &["x"],
        ..PLAIN
    }
    .code(&mut lab);
    let url = format!(" ppg-notify-requested-to=\"{NOTIFY}\"");
    lab.post(&PLAIN.body().replace(&url, ""));
    delivered(&mut lab);
    assert!(lab.end("p1").is_some());
    assert!(lab.fetches.is_empty());
}

#[test]
fn pap_ops_s_003_a_push_can_be_cancelled() {
    let mut lab = Lab::registered();
    PLAIN.code(&mut lab);
    let codes = |lab: &mut Lab, push_id: &str| {
        let results = take_back(lab, push_id, &[]);
        results.iter().map(|it| it.code).collect::<Vec<u16>>()
    };
    assert_eq!(codes(&mut lab, "p1"), [1000]);
    assert_eq!(results(&lab)[0].1.state, MessageState::Cancelled);
    assert_eq!(codes(&mut lab, "p1"), [3003]);
    assert_eq!(codes(&mut lab, "p9"), [2004]);
}

#[test]
fn pap_ops_s_004_the_status_of_a_push_can_be_asked_for() {
    let mut lab = Lab::registered();
    assert_eq!(status(&mut lab, ""), [(MessageState::Unknown, 2004)]);
    PLAIN.code(&mut lab);
    assert_eq!(status(&mut lab, ""), [(MessageState::Pending, 1000)]);
    let other = format!("<address address-value=\"{}\"/>", to("x"));
    assert_eq!(status(&mut lab, &other), [(MessageState::Unknown, 2003)]);
    delivered(&mut lab);
    assert_eq!(status(&mut lab, ""), [(MessageState::Delivered, 1000)]);
}

/// Asks what a client takes: the code, and the capabilities beside it.
fn ccq(lab: &mut Lab, address: &str, attributes: &str) -> (u16, Option<Capabilities>) {
    let inside = format!(
        "<ccq-message query-id=\"q1\"{attributes}><address address-value=\"{address}\"/></ccq-message>"
    );
    let text = document("2.0", "", &inside);
    let response = lab.http("POST", "/pap", "application/xml", &text);
    let content_type = response.headers[0].1.clone();
    let (document, _, beside) = pap::submission(&content_type, &response.body).unwrap();
    let Operation::CcqResponse(answer) = document.operation else {
        panic!("{text}")
    };
    assert_eq!(answer.query_id.as_deref(), Some("q1"));
    assert_eq!(answer.address, address);
    let read = |entity: pap::Content<'_>| Capabilities::decode(&entity.body).unwrap();
    (answer.code, beside.map(read))
}

#[test]
fn pap_ops_s_005_the_capabilities_of_a_client_can_be_asked_for() {
    let mut config = config();
    config.identities[0].devices[0].profile.capability = Capability {
        accept: Some(vec!["text/plain".to_owned()]),
        applications: Some(vec!["x-wap-application:wml.ua".to_owned()]),
        octets_max: Some(1400),
    };
    config.identities[0].devices[1].profile.capability.accept = Some(vec!["image/png".to_owned()]);
    let mut lab = Lab::with(config);
    let (code, known) = ccq(&mut lab, &to(UUID), "");
    let known = known.unwrap();
    assert_eq!((code, known.octets_max), (1000, Some(1400)));
    assert_eq!(known.accept, Some(vec!["text/plain".to_owned()]));
    // An identity takes what any of its devices takes.
    let (_, all) = ccq(&mut lab, &to(ALICE), "");
    let both = ["text/plain", "image/png"].map(str::to_owned);
    assert_eq!(all.unwrap().accept, Some(both.to_vec()));
    let other = " app-id=\"x-wap-application:mms.ua\"";
    assert_eq!(ccq(&mut lab, &to(UUID), other), (3008, None));
    assert_eq!(ccq(&mut lab, &to(IMEI), other).0, 1000);
    let third = to(super::lab::MAC);
    assert_eq!(ccq(&mut lab, &third, ""), (3008, None));
    assert_eq!(ccq(&mut lab, &to("x"), "").0, 2002);
}

#[test]
fn pap_sem_s_001_a_push_may_have_several_addresses() {
    let mut lab = Lab::registered();
    let both = Written {
        addresses: &[UUID, IMEI],
        ..PLAIN
    };
    assert_eq!(both.code(&mut lab), 1001);
    delivered(&mut lab);
    let told = results(&lab);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].1.address, to(UUID));
    let wrong = Written {
        push_id: "p2",
        addresses: &[UUID, "x"],
        ..PLAIN
    };
    assert_eq!(wrong.code(&mut lab), 2002);
}

#[test]
fn pap_sem_s_002_an_answer_may_have_several_addresses() {
    let mut lab = Lab::registered();
    Written {
        addresses: &[UUID, IMEI],
        ..PLAIN
    }
    .code(&mut lab);
    assert_eq!(status(&mut lab, "").len(), 2);
    let one = format!("<address address-value=\"{}\"/>", to(IMEI));
    assert_eq!(status(&mut lab, &one).len(), 1);
    let results = take_back(&mut lab, "p1", &[]);
    assert_eq!(results[0].addresses, [to(UUID), to(IMEI)]);
}

#[test]
fn pap_sem_s_003_nothing_is_sent_before_deliver_after() {
    let mut lab = Lab::registered();
    let at = lab.now + Duration::from_secs(60);
    let attributes = format!(" deliver-after-timestamp=\"{at}\"");
    assert_eq!(
        Written {
            attributes: &attributes,
            ..PLAIN
        }
        .code(&mut lab),
        1001
    );
    lab.wait(Duration::from_secs(59));
    assert!(lab.sirs().is_empty());
    lab.wait(Duration::from_secs(1));
    assert_eq!(lab.sirs().len(), 1);
}

#[test]
fn pap_sem_s_004_nothing_is_sent_after_deliver_before() {
    let mut lab = Lab::new();
    let at = lab.now + Duration::from_secs(60);
    let attributes = format!(" deliver-before-timestamp=\"{at}\"");
    assert_eq!(
        Written {
            attributes: &attributes,
            ..PLAIN
        }
        .code(&mut lab),
        1001
    );
    lab.wait(Duration::from_secs(60));
    lab.register(1);
    assert!(lab.sirs().is_empty());
    assert_eq!(results(&lab)[0].1.state, MessageState::Expired);
    let late = Written {
        push_id: "p2",
        attributes: &attributes,
        ..PLAIN
    };
    assert_eq!(late.code(&mut lab), 2001);
}

#[test]
fn pap_sem_s_005_a_quality_that_cannot_be_had_is_refused() {
    let mut lab = Lab::registered();
    for (quality, code) in [
        ("network=\"GSM\" network-required=\"true\"", 3009),
        ("bearer=\"SMS\" bearer-required=\"true\"", 3010),
        ("bearer=\"SMS\"", 1001),
    ] {
        let quality = format!("<quality-of-service {quality}/>");
        let push = Written {
            quality: &quality,
            ..PLAIN
        };
        assert_eq!(push.code(&mut lab), code, "{quality}");
    }
}

/// How a push of that method was delivered, when the device confirms or not.
fn method(asked: &str, confirms: bool) -> Option<(MessageState, DeliveryMethod)> {
    let mut lab = Lab::registered();
    let quality = format!("<quality-of-service delivery-method=\"{asked}\"/>");
    Written {
        quality: &quality,
        ..PLAIN
    }
    .code(&mut lab);
    let (session, contents) = opened(&mut lab);
    match confirms {
        true => lab.confirm(&session, &contents[0], 200),
        false => only_answered(&mut lab, &session, &contents[0]),
    }
    let told = results(&lab);
    let result = &told.first()?.1;
    Some((result.state, result.quality.as_ref()?.delivery_method))
}

#[test]
fn pap_sem_s_006_the_delivery_method_is_kept_and_told() {
    let confirmed = Some((MessageState::Delivered, DeliveryMethod::Confirmed));
    for asked in ["confirmed", "preferconfirmed", "notspecified"] {
        assert_eq!(method(asked, true), confirmed, "{asked}");
        // Without the report nothing is confirmed.
        assert_eq!(method(asked, false), None, "{asked}");
    }
    let unconfirmed = Some((MessageState::Delivered, DeliveryMethod::Unconfirmed));
    assert_eq!(method("unconfirmed", false), unconfirmed);
}

#[test]
fn pap_sem_s_007_what_is_urgent_goes_first() {
    let mut lab = Lab::registered();
    for (push_id, priority) in [
        ("p1", "low"),
        ("p2", "medium"),
        ("p3", "high"),
        ("p4", "high"),
    ] {
        let quality = format!("<quality-of-service priority=\"{priority}\"/>");
        Written {
            push_id,
            quality: &quality,
            ..PLAIN
        }
        .code(&mut lab);
    }
    let (_, contents) = opened(&mut lab);
    let push = |text: &str| {
        let named = text
            .lines()
            .find_map(|line| line.strip_prefix("X-Sirgate-Push: "));
        named.unwrap_or_default().to_owned()
    };
    let order: Vec<String> = contents.iter().map(|it| push(&it.2)).collect();
    assert_eq!(order, ["p3", "p4", "p2", "p1"]);
}

#[test]
fn pap_sem_s_008_progress_notes_come_when_they_are_wanted() {
    let mut lab = Lab::registered();
    assert!(PLAIN.answer(&mut lab).progress.is_empty());
    let at = lab.now + Duration::from_secs(60);
    let attributes = format!(" progress-notes-requested=\"true\" deliver-after-timestamp=\"{at}\"");
    let stages = |push: Written<'_>, lab: &mut Lab| -> Vec<String> {
        let notes = push.answer(lab).progress;
        assert!(notes.iter().all(|note| note.time == Some(lab.now)));
        notes.into_iter().map(|note| note.stage).collect()
    };
    let push = Written {
        push_id: "p2",
        attributes: &attributes,
        ..PLAIN
    };
    assert_eq!(stages(push, &mut lab), ["received", "accepted", "waiting"]);
    assert_eq!(stages(push, &mut lab), ["received", "refused"]);
}

#[test]
fn pap_sem_s_009_a_capabilities_entity_counts() {
    let mut lab = Lab::registered();
    let capabilities = |accept: &str, octets| Capabilities {
        accept: Some(vec![accept.to_owned()]),
        octets_max: octets,
        ..Capabilities::default()
    };
    let code = |lab: &mut Lab, push_id: &str, known: &Capabilities| {
        let profile = String::from_utf8(known.encode()).unwrap();
        let push = Written {
            push_id,
            content_type: "text/vnd.wap.si",
            content: SI,
            capabilities: Some(&profile),
            ..PLAIN
        };
        push.code(lab)
    };
    assert_eq!(code(&mut lab, "p1", &capabilities("image/*", None)), 2005);
    assert_eq!(code(&mut lab, "p1", &capabilities("*/*", Some(10))), 2005);
    let elsewhere = Capabilities {
        applications: Some(vec!["x-mine:app".to_owned()]),
        ..Capabilities::default()
    };
    assert_eq!(code(&mut lab, "p1", &elsewhere), 2005);
    let named_by_number = Capabilities {
        applications: Some(vec!["2".to_owned()]),
        ..capabilities("text/vnd.wap.si", Some(1400))
    };
    assert_eq!(code(&mut lab, "p1", &named_by_number), 1001);
    // Text is made binary for a client that takes only that.
    assert_eq!(
        code(
            &mut lab,
            "p2",
            &capabilities("application/vnd.wap.sic", None)
        ),
        1001
    );
    let shown = lab.get("/api/v1/pushes/p2");
    assert_eq!(shown["content_type"], "application/vnd.wap.sic");
    let no_profile = Written {
        push_id: "p3",
        capabilities: Some("none"),
        ..PLAIN
    };
    assert_eq!(no_profile.code(&mut lab), 2000);
    let body = Written {
        push_id: "p3",
        capabilities: Some("<x/>"),
        ..PLAIN
    }
    .body();
    let (first, last) = body.rsplit_once("Content-Type: application/xml").unwrap();
    let other = format!("{first}Content-Type: text/plain{last}");
    assert_eq!(lab.post(&other), 3004);
}

#[test]
fn pap_sem_s_016_a_submission_takes_the_place_of_another() {
    let mut lab = Lab::registered();
    PLAIN.code(&mut lab);
    let replacing = |push_id, method: &str, old: &str, lab: &mut Lab| {
        let attributes = format!(" replace-push-id=\"{old}\" replace-method=\"{method}\"");
        Written {
            push_id,
            attributes: &attributes,
            ..PLAIN
        }
        .code(lab)
    };
    assert_eq!(replacing("p2", "pending-only", "p9", &mut lab), 2004);
    assert_eq!(replacing("p2", "pending-only", "p1", &mut lab), 1001);
    let (_, old) = results(&lab).remove(0);
    assert_eq!(
        (old.push_id.as_str(), old.state),
        ("p1", MessageState::Cancelled)
    );
    assert_eq!(replacing("p3", "pending-only", "p1", &mut lab), 2008);
    assert_eq!(replacing("p3", "all", "p1", &mut lab), 1001);
    assert_eq!(replacing("p4", "all", "p9", &mut lab), 1001);
}

#[test]
fn a_capability_entity_survives_composition() {
    let known = Capabilities {
        requests_max: Some(2),
        ..Capabilities::default()
    };
    let answer = Operation::CcqResponse(pap::CcqResponse {
        code: 1000,
        ..Default::default()
    });
    let document = pap::Document::new(Version::V2_0, true, answer);
    let headers = [("Content-Type", "application/xml")];
    let (content_type, body) = compose(&document, &headers, Some(&known.encode()));
    let (_, _, beside) = pap::submission(&content_type, &body).unwrap();
    assert_eq!(Capabilities::decode(&beside.unwrap().body), Ok(known));
}
