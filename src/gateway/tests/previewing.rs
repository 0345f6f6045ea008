//! What would come of a submission, beside what comes of it.

use super::lab::{ALICE, Lab};
use serde_json::{Value, json};

fn preview(lab: &mut Lab, body: &Value) -> Value {
    let answer = lab.http(
        "POST",
        "/api/v1/plan",
        "application/json",
        &body.to_string(),
    );
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_slice(&answer.body).unwrap()
}

#[test]
fn a_preview_says_who_gets_what_and_sends_nothing() {
    let mut lab = Lab::registered();
    let body = json!({"to": ALICE, "devices": ["C1"], "content": "hi", "plan": "fanout+id"});
    let shown = preview(&mut lab, &body);
    let of = &shown["identities"][0];
    assert_eq!(
        (&of["pui"], &of["mode"]),
        (&json!(ALICE), &json!("fanout+id"))
    );
    let column = |name: &str| -> Vec<Value> {
        let devices = of["devices"].as_array().unwrap();
        devices.iter().map(|device| device[name].clone()).collect()
    };
    assert_eq!(column("gets"), ["sir", "sir", "sir"]);
    assert_eq!(column("named"), [true, false, false]);
    assert_eq!(column("wanted"), [true, false, false]);
    assert!(lab.sirs().is_empty());
    assert_eq!(lab.get("/api/v1/pushes")["pushes"], json!([]));
    assert!(lab.events("pap.rx").is_empty() && lab.events("plan").is_empty());
}

#[test]
fn the_octets_of_a_preview_are_those_that_leave_but_for_what_chance_adds() {
    let mut lab = Lab::registered();
    let body = json!({"to": ALICE, "devices": ["C1"], "content": "hi", "place": "header"});
    let shown = preview(&mut lab, &body);
    let sirs = shown["identities"][0]["sirs"].as_array().unwrap().clone();
    assert_eq!(sirs.len(), 1);
    assert_eq!(sirs[0]["read"]["form"], "sir", "{sirs:?}");
    let octets = crate::codec::hex::octets(sirs[0]["hex"].as_str().unwrap()).unwrap();
    let accepted = lab.http(
        "POST",
        "/api/v1/pushes",
        "application/json",
        &body.to_string(),
    );
    assert_eq!(accepted.status, 202);
    let sent = lab.sirs().remove(0).message;
    let rows = |text: &str| -> Vec<String> {
        let by_chance = ["Via", "From", "Call-ID", "X-Sirgate-Sir", "Max-Forwards"];
        text.split("\r\n")
            .filter(|row| !by_chance.iter().any(|name| row.starts_with(name)))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(
        rows(&String::from_utf8_lossy(&octets)),
        rows(&String::from_utf8_lossy(sent.octets()))
    );
}

#[test]
fn what_would_be_refused_is_refused_in_the_preview() {
    let mut lab = Lab::registered();
    let ask =
        |lab: &mut Lab, method: &str, body: &str| lab.http(method, "/api/v1/plan", "", body).status;
    assert_eq!(ask(&mut lab, "POST", "{\"to\":\"sip:x@y\"}"), 404);
    assert_eq!(ask(&mut lab, "POST", "no json"), 422);
    assert_eq!(ask(&mut lab, "GET", ""), 405);
    let excluded = r#"{"devices":[{"name":"C1","preference":{"deliver":"never"}}]}"#;
    let path = "/api/v1/identities/sip%3Aalice%40example.com";
    assert_eq!(lab.http("PUT", path, "", excluded).status, 200);
    let shown = preview(&mut lab, &json!({"to": ALICE, "devices": ["C1"]}));
    let devices = &shown["identities"][0]["devices"];
    assert_eq!(
        (&devices[0]["gets"], &devices[0]["why"]),
        (&json!("nothing"), &json!("preference"))
    );
}
