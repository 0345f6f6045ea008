//! What comes in at the doors: HTTP, PAP, REGISTER, INVITE and requests that are for nobody here.

use std::time::Duration;

use super::initiator::{read, status, take_back, tell};
use super::lab::{ALICE, IMEI, Lab, UUID, config, pap_body, to};
use crate::codec::pap::{MessageState, Operation};
use crate::codec::sip::Name;
use crate::gateway::config::{Authentication, Bounds};
use crate::world::RecordKind;

const MULTIPART: &str = "multipart/related; boundary=b";

#[test]
fn r2_16_a_submission_is_saved_before_it_is_answered() {
    let mut lab = Lab::registered();
    assert_eq!(lab.push("p1", &[UUID], ""), 1001);
    let save = lab.order.iter().position(|kind| *kind == "save");
    let respond = lab.order.iter().position(|kind| *kind == "respond");
    let send = lab.order.iter().position(|kind| *kind == "send");
    assert!(save < respond && respond < send, "{:?}", lab.order);
}

#[test]
fn what_is_wrong_with_http_is_answered_in_http() {
    let mut lab = Lab::registered();
    let body = pap_body("p1", &[UUID], "", "");
    assert_eq!(lab.http("GET", "/pap", MULTIPART, "").status, 405);
    assert_eq!(lab.http("POST", "/none", MULTIPART, &body).status, 404);
    assert_eq!(lab.http("POST", "/pap", "text/plain", &body).status, 415);
    let large = "x".repeat(crate::limits::HTTP_BODY_OCTETS + 1);
    assert_eq!(lab.http("POST", "/pap", MULTIPART, &large).status, 413);
    for (method, content_type) in [("GET", MULTIPART), ("POST", "text/plain")] {
        let answer = lab.http(method, "/pap", content_type, &body);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(text.ends_with(".\n"), "{} {text}", answer.status);
    }
}

#[test]
fn what_is_wrong_with_pap_is_answered_in_pap() {
    let mut lab = Lab::registered();
    let broken = lab.http("POST", "/pap", "application/xml", "no xml");
    assert!(matches!(read(&broken).operation, Operation::BadMessage(bad) if bad.code == 2000));
    let bare = "<push-message push-id=\"p1\"><address address-value=\"x\"/></push-message>";
    let bare = tell(&mut lab, "2.0", bare).operation;
    assert!(matches!(bare, Operation::PushResponse(answer) if answer.code == 2000));
    assert_eq!(lab.events("pap.refused").len(), 2);
}

#[test]
fn a_push_id_is_taken_once_and_only_by_its_initiator() {
    let mut lab = Lab::registered();
    assert_eq!(lab.push("p1", &[UUID], ""), 1001);
    assert_eq!(lab.push("p1", &[UUID], ""), 2007);
    let pushes = lab
        .records
        .keys()
        .filter(|key| key.kind == RecordKind::Push);
    assert_eq!(pushes.count(), 1);
}

#[test]
fn a_gateway_with_too_much_to_do_says_when_to_come_back() {
    let mut lab = Lab::with(crate::gateway::Config {
        bounds: Bounds {
            pushes: 1,
            ..Bounds::default()
        },
        ..config()
    });
    assert_eq!(lab.push("p1", &[UUID], ""), 1001);
    let busy = lab.http("POST", "/pap", MULTIPART, &pap_body("p2", &[UUID], "", ""));
    assert_eq!(busy.status, 503);
    assert!(busy.headers.iter().any(|(name, _)| name == "retry-after"));
}

#[test]
fn an_initiator_shows_its_name_where_names_are_wanted() {
    let mut config = config();
    config.policy.initiators = vec![("pi".to_owned(), "secret".to_owned())];
    let mut lab = Lab::with(config);
    let nobody = lab.http("POST", "/pap", MULTIPART, &pap_body("p1", &[UUID], "", ""));
    assert_eq!(nobody.status, 401);
    let pui = "/api/v1/identities/sip:alice@example.com";
    for (method, target) in [
        ("GET", "/api/v1/pushes"),
        ("POST", "/api/v1/pushes"),
        ("GET", "/api/v1/pushes/p1"),
        ("DELETE", "/api/v1/pushes/p1"),
        ("GET", "/api/v1/identities"),
        ("GET", pui),
        ("PUT", pui),
    ] {
        for name in [None, Some("pi:wrong")] {
            let answer = lab.http_of("127.0.0.1", name, (method, target), "", "{}");
            assert_eq!(answer.status, 401, "{method} {target}");
        }
    }
    let known = lab.http_of("198.51.100.1", Some("pi:secret"), ("PUT", pui), "", "{}");
    assert_eq!(known.status, 200);
}

#[test]
fn an_initiator_sees_and_takes_back_only_its_own_pushes() {
    let mut config = config();
    let names = ["one", "two"].map(|name| (name.to_owned(), "x".to_owned()));
    config.policy.initiators = names.to_vec();
    let mut lab = Lab::with(config);
    let mut ask = |name: &str, method: &str, target: &str, body: &str| {
        let target = format!("/api/v1/pushes{target}");
        lab.http_of("127.0.0.1", Some(name), (method, &target), "", body)
    };
    let body = format!("{{\"push_id\":\"p1\",\"to\":\"{ALICE}\",\"content\":\"hi\"}}");
    assert_eq!(ask("one:x", "POST", "", &body).status, 202);
    assert_eq!(ask("two:x", "GET", "/p1", "").status, 404);
    assert_eq!(ask("two:x", "DELETE", "/p1", "").status, 404);
    let all = ask("two:x", "GET", "", "");
    assert!(String::from_utf8_lossy(&all.body).contains("\"pushes\":[]"));
    // Push-ids are of their initiators: the same one names another push.
    assert_eq!(ask("two:x", "POST", "", &body).status, 202);
    assert_eq!(ask("one:x", "DELETE", "/p1", "").status, 200);
    let other = ask("two:x", "GET", "/p1", "");
    assert!(String::from_utf8_lossy(&other.body).contains("\"state\":\"pending\""));
}

#[test]
fn without_names_hosts_are_initiators_and_who_sits_at_the_gateway_sees_all() {
    let mut lab = Lab::registered();
    lab.push("p1", &[UUID], "");
    let of = |lab: &mut Lab, host: &str| {
        let get = ("GET", "/api/v1/pushes/p1");
        lab.http_of(host, None, get, "", "").status
    };
    assert_eq!(of(&mut lab, "198.51.100.1"), 200);
    assert_eq!(of(&mut lab, "198.51.100.2"), 404);
    assert_eq!(of(&mut lab, "127.0.0.1"), 200);
}

#[test]
fn a_push_is_not_sent_before_its_time() {
    let mut lab = Lab::registered();
    let after = (lab.now + Duration::from_secs(60)).to_string();
    let body = pap_body(
        "p1",
        &[UUID],
        &format!(" deliver-after-timestamp=\"{after}\""),
        "",
    );
    assert_eq!(lab.post(&body), 1001);
    lab.wait(Duration::from_secs(59));
    assert!(lab.sirs().is_empty());
    lab.wait(Duration::from_secs(2));
    assert_eq!(lab.sirs().len(), 1);
}

#[test]
fn a_push_whose_time_to_wait_for_has_passed_is_sent_and_lives_as_long_as_any() {
    let mut lab = Lab::registered();
    let after = " deliver-after-timestamp=\"2001-02-28T06:45:00Z\"";
    assert_eq!(lab.post(&pap_body("p1", &[UUID], after, "")), 1001);
    assert_eq!(lab.sirs().len(), 1);
    assert_eq!(lab.end("p1"), None);
}

#[test]
fn a_push_is_over_at_its_time() {
    let mut lab = Lab::new();
    let before = (lab.now + Duration::from_secs(60)).to_string();
    let attributes = format!(" deliver-before-timestamp=\"{before}\"");
    assert_eq!(lab.post(&pap_body("p1", &[UUID], &attributes, "")), 1001);
    lab.wait(Duration::from_secs(61));
    assert_eq!(lab.end("p1"), Some(("expired".to_owned(), 4000)));
    assert_eq!(lab.post(&pap_body("p2", &[UUID], &attributes, "")), 2001);
}

#[test]
fn an_initiator_can_ask_and_take_back() {
    let mut lab = Lab::registered();
    lab.push("p1", &[UUID, IMEI], "");
    let pending = (MessageState::Pending, 1000);
    assert_eq!(status(&mut lab, ""), [pending, pending]);
    assert_eq!(cancel(&mut lab, "p1", &[UUID]), [(to(UUID), 1000)]);
    assert_eq!(lab.outcome("p1", "C1").as_deref(), Some("cancelled"));
    assert_eq!(lab.outcome("p1", "C2"), None);
    assert_eq!(take_back(&mut lab, "p9", &[])[0].code, 2004);
    assert_eq!(lab.invite(1, "").status(), Some(480));
}

/// Takes a push back for these addresses; each with the code of its result.
fn cancel(lab: &mut Lab, push_id: &str, addresses: &[&str]) -> Vec<(String, u16)> {
    let results = take_back(lab, push_id, addresses);
    let each = results.into_iter().flat_map(|result| {
        let code = result.code;
        result.addresses.into_iter().map(move |a| (a, code))
    });
    each.collect()
}

#[test]
fn an_address_whose_devices_another_one_wants_cannot_be_taken_back_alone() {
    let mut lab = Lab::registered();
    lab.push("p1", &[UUID, ALICE], "");
    assert_eq!(cancel(&mut lab, "p1", &[UUID]), [(to(UUID), 2008)]);
    assert_eq!(cancel(&mut lab, "p1", &[ALICE]), [(to(ALICE), 2008)]);
    for device in ["C1", "C2", "C3"] {
        assert_eq!(lab.outcome("p1", device), None, "{device}");
    }
    let both = cancel(&mut lab, "p1", &[UUID, ALICE]);
    assert_eq!(both, [(to(UUID), 1000), (to(ALICE), 1000)]);
    assert_eq!(lab.end("p1"), Some(("cancelled".to_owned(), 1000)));
    assert_eq!(cancel(&mut lab, "p1", &[UUID]), [(to(UUID), 3003)]);
}

#[test]
fn an_address_is_taken_back_when_what_covers_it_goes_too() {
    let mut lab = Lab::registered();
    lab.push("p1", &[UUID, ALICE, IMEI], "");
    // C2 is wanted by an address that stays, so all its devices stay, and those of C1 with them.
    let some = cancel(&mut lab, "p1", &[UUID, ALICE]);
    assert_eq!(some, [(to(UUID), 2008), (to(ALICE), 2008)]);
    assert_eq!(lab.outcome("p1", "C1"), None);
}

#[test]
fn a_push_taken_back_for_one_address_waits_for_its_time_for_the_others() {
    let mut lab = Lab::registered();
    let after = (lab.now + Duration::from_secs(60)).to_string();
    let attributes = format!(" deliver-after-timestamp=\"{after}\"");
    let body = pap_body("p1", &[UUID, IMEI], &attributes, "");
    assert_eq!(lab.post(&body), 1001);
    assert_eq!(cancel(&mut lab, "p1", &[UUID]), [(to(UUID), 1000)]);
    lab.register(2);
    assert_eq!(lab.invite(2, "").status(), Some(480));
    lab.wait(Duration::from_secs(59));
    assert!(lab.sirs().is_empty());
    lab.wait(Duration::from_secs(2));
    assert_eq!(lab.sirs().len(), 1);
}

#[test]
fn a_push_may_take_the_place_of_one_that_is_pending() {
    let mut lab = Lab::registered();
    lab.push("p1", &[UUID], "");
    let body = pap_body("p2", &[UUID], " replace-push-id=\"p1\"", "");
    assert_eq!(lab.post(&body), 1001);
    assert_eq!(lab.outcome("p1", "C1").as_deref(), Some("cancelled"));
    let session = lab.session(1, "");
    assert_eq!(lab.contents(&session).len(), 1);
    let nothing = pap_body(
        "p3",
        &[UUID],
        " replace-push-id=\"p1\" replace-method=\"pending-only\"",
        "",
    );
    assert_eq!(lab.post(&nothing), 2008);
}

#[test]
fn the_json_twin_submits_shows_and_cancels() {
    let mut lab = Lab::registered();
    let body = format!(
        "{{\"push_id\":\"p1\",\"to\":\"{ALICE}\",\"devices\":[\"C1\"],\"content\":\"hi\"}}"
    );
    let accepted = lab.http("POST", "/api/v1/pushes", "application/json", &body);
    assert_eq!(accepted.status, 202);
    assert_eq!(lab.sirs().len(), 1);
    let shown = lab.get("/api/v1/pushes/p1");
    assert_eq!(shown["state"], "pending");
    assert_eq!(shown["devices"][0]["dev"], "C1");
    assert_eq!(shown["devices"][0]["mode"], "targeted");
    assert_eq!(
        lab.get("/api/v1/pushes?state=pending")["pushes"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(lab.http("DELETE", "/api/v1/pushes/p1", "", "").status, 200);
    assert_eq!(lab.http("DELETE", "/api/v1/pushes/p1", "", "").status, 409);
    assert_eq!(lab.get("/api/v1/pushes/p1")["state"], "cancelled");
    let refused = lab.http(
        "POST",
        "/api/v1/pushes",
        "application/json",
        "{\"to\":\"sip:x@y\"}",
    );
    assert_eq!(refused.status, 404);
    assert_eq!(lab.http("GET", "/api/v1/pushes/none", "", "").status, 404);
    assert_eq!(lab.http("PATCH", "/api/v1/pushes", "", "").status, 405);
}

#[test]
fn r2_4_to_r2_9_what_is_put_into_the_registry_is_planned_with() {
    let mut lab = Lab::registered();
    let change = r#"{"devices":[{"name":"C2","subscriptions":["x-wap-application:mms.ua"],"foreground":"mail"},
        {"name":"C3","preference":{"deliver":"never"}}]}"#;
    let path = "/api/v1/identities/sip%3Aalice%40example.com";
    let answer = lab.http("PUT", path, "application/json", change);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(lab.get(path)["devices"][1]["foreground"], "mail");
    lab.push("p1", &[ALICE], "");
    let plan = &lab.events("plan")[0];
    assert_eq!(plan["wanted"], serde_json::json!(["C1"]));
    assert_eq!(
        plan["excluded"],
        serde_json::json!([["C2", "subscription"], ["C3", "preference"]])
    );
    // Who is left out ends at once; the push goes on for the device that gets it.
    assert!(lab.events("push.end").is_empty());
    assert_eq!(lab.get("/api/v1/pushes/p1")["state"], "pending");
    let theft = format!("{{\"devices\":[{{\"name\":\"C1\",\"ids\":[\"{IMEI}\"]}}]}}");
    assert_eq!(
        lab.http("PUT", path, "application/json", &theft).status,
        409
    );
    assert_eq!(
        lab.http("PUT", path, "application/json", "{\"x\":1}")
            .status,
        422
    );
    assert_eq!(
        lab.get("/api/v1/identities")["identities"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn an_unknown_device_is_learned_when_it_registers() {
    let mut lab = Lab::new();
    let headers = format!(
        "To: <{ALICE}>\nContact: <sip:alice@192.0.2.12>;+sip.instance=\"<urn:uuid:00000000-0000-4000-8000-00000000000f>\"\n"
    );
    let answer = lab.request(2, "REGISTER", "sip:example.com", &headers, "");
    assert_eq!(answer.status(), Some(200));
    let shown = lab.get("/api/v1/identities/sip:alice@example.com");
    assert_eq!(shown["devices"][3]["name"], "alice-1");
    assert_eq!(shown["devices"][3]["registered"], true);
    assert!(
        lab.records
            .keys()
            .any(|key| key.kind == RecordKind::Binding)
    );
    assert!(
        lab.records
            .keys()
            .any(|key| key.kind == RecordKind::Identity)
    );
    lab.wait(Duration::from_secs(3601));
    let shown = lab.get("/api/v1/identities/sip:alice@example.com");
    assert_eq!(shown["devices"][3]["registered"], false);
    assert!(
        !lab.records
            .keys()
            .any(|key| key.kind == RecordKind::Binding)
    );
}

#[test]
fn an_identifier_of_another_identity_is_not_taken() {
    let mut lab = Lab::new();
    let headers = format!(
        "To: <sip:bob@example.com>\nX-Sirgate-Device: <{IMEI}>\nContact: <sip:bob@192.0.2.12>\n"
    );
    let answer = lab.request(2, "REGISTER", "sip:example.com", &headers, "");
    assert_eq!(answer.status(), Some(403));
}

#[test]
fn credentials_are_asked_for_where_there_are_any() {
    let mut config = config();
    config.authentication = Some(Authentication {
        realm: "example.com".to_owned(),
        users: vec![("alice".to_owned(), "secret".to_owned())],
    });
    let mut lab = Lab::with(config);
    let headers = format!("To: <{ALICE}>\nContact: <sip:alice@192.0.2.11>\n");
    let answer = lab.request(1, "REGISTER", "sip:example.com", &headers, "");
    assert_eq!(answer.status(), Some(401));
    assert!(answer.header(Name::WwwAuthenticate).is_some());
    assert_eq!(lab.invite(1, "").status(), Some(401));
}

#[test]
fn the_answers_to_an_invite() {
    let mut lab = Lab::registered();
    // Nothing is pending.
    assert_eq!(lab.invite(1, "").status(), Some(480));
    // The push it is for is over.
    assert_eq!(
        lab.invite(1, "In-Reply-To: nothing.x@ppg.example.com\n")
            .status(),
        Some(410)
    );
    lab.push("p1", &[UUID], "");
    // Not the device's identity.
    assert_eq!(
        lab.invite(1, "P-Preferred-Identity: <sip:bob@example.com>\n")
            .status(),
        Some(403)
    );
    // Not meant.
    assert_eq!(lab.invite(2, "").status(), Some(480));
    // A device nobody knows.
    assert_eq!(lab.invite(4, "").status(), Some(403));
    // No such service.
    let headers = "To: <sip:other@ppg.example.com>\nContact: <sip:alice@192.0.2.11>\n";
    let answer = lab.request(1, "INVITE", "sip:other@ppg.example.com", headers, "");
    assert_eq!(answer.status(), Some(404));
    // No MSRP in the offer.
    let headers = "To: <sip:push@ppg.example.com>\nContact: <sip:alice@192.0.2.11>\n";
    let answer = lab.request(1, "INVITE", "sip:push@ppg.example.com", headers, "");
    assert_eq!(answer.status(), Some(488));
    let accepted = lab.invite(1, "");
    assert_eq!(accepted.status(), Some(200));
    assert!(String::from_utf8_lossy(accepted.body()).contains("a=setup:passive"));
}

#[test]
fn r2_49_a_session_for_another_gateway_is_sent_there() {
    let mut lab = Lab::registered();
    lab.push(
        "p1",
        &[UUID],
        "X-Sirgate-Ppg: <sip:push@ppg2.example.com>\n",
    );
    let sirs = lab.sirs();
    assert_eq!(
        sirs[0].message.text(Name::ReplyTo),
        Some("<sip:push@ppg2.example.com>")
    );
    let correlator = sirs[0].message.text(Name::XSirgateSir).unwrap();
    let answer = lab.invite(1, &format!("X-Sirgate-Sir: {correlator}\n"));
    assert_eq!(answer.status(), Some(302));
    assert_eq!(
        answer.text(Name::Contact),
        Some("<sip:push@ppg2.example.com>")
    );
}

#[test]
fn requests_for_devices_are_not_passed_on() {
    let mut lab = Lab::new();
    lab.register(1);
    let headers = format!("To: <{ALICE}>\n");
    for (uri, status) in [
        (ALICE, 405),
        ("sip:bob@example.com", 404),
        ("sip:alice@elsewhere.example", 404),
    ] {
        let answer = lab.request(2, "MESSAGE", uri, &headers, "");
        assert_eq!(answer.status(), Some(status), "{uri}");
    }
    let options = lab.request(2, "OPTIONS", "sip:push@ppg.example.com", &headers, "");
    assert_eq!(options.status(), Some(200));
    let subscribe = lab.request(2, "SUBSCRIBE", "sip:push@ppg.example.com", &headers, "");
    assert_eq!(subscribe.status(), Some(489));
    let needy = format!("{headers}Require: 100rel\n");
    let answer = lab.request(2, "OPTIONS", "sip:push@ppg.example.com", &needy, "");
    assert_eq!(answer.status(), Some(420));
    assert_eq!(answer.text(Name::Unsupported), Some("100rel"));
}

#[test]
fn information_of_a_stranger_or_in_no_json_is_refused() {
    let mut lab = Lab::registered();
    let headers =
        "To: <sip:push@ppg.example.com>\nContent-Type: application/vnd.sirgate.info+json\n";
    let uri = "sip:push@ppg.example.com";
    assert_eq!(
        lab.request(4, "MESSAGE", uri, headers, "{}").status(),
        Some(403)
    );
    assert_eq!(
        lab.request(1, "MESSAGE", uri, headers, "{").status(),
        Some(400)
    );
    let text = "To: <sip:push@ppg.example.com>\nContent-Type: text/plain\n";
    assert_eq!(
        lab.request(1, "MESSAGE", uri, text, "hi").status(),
        Some(415)
    );
}

#[test]
fn wire_events_come_only_when_they_are_wanted() {
    let mut lab = Lab::registered();
    lab.push("p1", &[UUID], "");
    assert!(lab.events("wire").is_empty());
    let mut config = config();
    config.report_wire = true;
    let mut lab = Lab::with(config);
    lab.register(1);
    lab.push("p1", &[UUID], "");
    let rungs: Vec<(String, String, String)> = lab
        .events("wire")
        .iter()
        .map(|wire| {
            let text = |name: &str| wire[name].as_str().unwrap().to_owned();
            let what = text("what");
            let words: Vec<&str> = what.split(' ').collect();
            let word = if words[0].starts_with("SIP/") || words[0].starts_with("HTTP/") {
                words[1]
            } else {
                words[0]
            };
            (text("from"), text("to"), word.to_owned())
        })
        .collect();
    let expected = [
        ("192.0.2.11:5060", "PPG", "REGISTER"),
        ("PPG", "C1", "200"),
        ("PI", "PPG", "POST"),
        ("PPG", "PI", "202"),
        ("PPG", "C1", "MESSAGE"),
    ];
    let expected: Vec<_> = expected
        .map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()))
        .to_vec();
    assert_eq!(rungs, expected);
}

#[test]
fn content_beyond_the_bound_of_all_is_refused_until_some_ended() {
    let mut lab = Lab::with(crate::gateway::Config {
        bounds: Bounds {
            content_octets: 9,
            ..Bounds::default()
        },
        ..config()
    });
    assert_eq!(lab.push("p1", &[UUID], ""), 1001);
    let body = pap_body("p2", &[UUID], "", "");
    assert_eq!(lab.http("POST", "/pap", MULTIPART, &body).status, 503);
    lab.http("DELETE", "/api/v1/pushes/p1", "", "");
    assert_eq!(lab.post(&body), 1001);
}

#[test]
fn policy_refuses_content_that_is_too_large_and_too_many_submissions() {
    let mut config = config();
    config.policy.content_octets_max = Some(4);
    config.policy.pushes_per_minute = Some(1);
    let mut lab = Lab::with(config);
    assert_eq!(lab.push("p1", &[UUID], ""), 2001);
    let small = pap_body("p2", &[UUID], "", "").replace("hello", "hi");
    assert_eq!(lab.post(&small), 1001);
    let next = small.replace("p2", "p3");
    assert_eq!(lab.http("POST", "/pap", MULTIPART, &next).status, 503);
    lab.wait(Duration::from_secs(60));
    assert_eq!(lab.post(&next), 1001);
}

#[test]
fn a_gruu_of_a_device_that_is_not_here_is_unavailable() {
    let mut lab = Lab::new();
    lab.register(1);
    let headers = format!("To: <{ALICE}>\n");
    let uri = format!("{ALICE};gr={UUID}");
    let answer = lab.request(1, "OPTIONS", &uri, &headers, "");
    assert_eq!(answer.status(), Some(480));
}
