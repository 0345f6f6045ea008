//! A sender of APNs that others wrote: @parse/node-apn of npm, against the simulated service over HTTP/2 and TLS.
//!
//! The crates that speak APNs bring cryptography of their own to be built from C, or know two addresses alone.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::lab::{self, Process};

const TOPIC: &str = "com.example.mail";

/// The service with two devices; their tokens.
fn service(at: &Path, port: u16, more: &[&str]) -> (Process, Vec<String>) {
    let listen = format!("127.0.0.1:{port}");
    let (first, second) = (format!("one:{TOPIC}"), format!("two:{TOPIC}"));
    let own = [
        "sim",
        "apns",
        "--listen",
        &listen,
        "--key-out",
        "AuthKey.p8",
        "--cert-out",
        "apns.pem",
        "--device",
        &first,
        "--device",
        &second,
        "--events",
        "events.ndjson",
    ];
    let service = Process::start(at, &[&own[..], more].concat(), "ready");
    let lines = service.banner.iter();
    let tokens = lines.filter(|line| line.starts_with("token"));
    let tokens = tokens.map(|line| line.split_whitespace().next_back().unwrap().to_owned());
    let tokens = tokens.collect();
    (service, tokens)
}

/// What the sender says came of a notification for each token.
fn sent(at: &Path, port: u16, tokens: &[&str]) -> Vec<Value> {
    let output = Command::new("node")
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/interop/apns.js"
        ))
        .args([&port.to_string(), "apns.pem", "AuthKey.p8", TOPIC])
        .args(tokens)
        .current_dir(at)
        .env(
            "NODE_PATH",
            concat!(env!("CARGO_TARGET_TMPDIR"), "/npm/node_modules"),
        )
        .output()
        .expect("node runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("npm: {said}{}", String::from_utf8_lossy(&output.stderr));
    let lines = said.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn requests(at: &Path) -> Vec<Value> {
    let log = std::fs::read_to_string(at.join("events.ndjson")).unwrap_or_default();
    let events = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let requests = events.filter(|event: &Value| event["ev"] == "note.req");
    requests.map(|event| event["status"].clone()).collect()
}

#[test]
fn a_sender_of_others_delivers_and_learns_which_tokens_are_gone_or_none() {
    let folder = lab::folder();
    let (at, port) = (folder.path(), lab::free_port());
    let gone = ["--refuse", "Unregistered", "--to"];
    let (_service, tokens) = service(at, port, &[]);
    let nobody = "ab".repeat(32);
    let results = sent(at, port, &[&tokens[0], &nobody, &tokens[1]]);
    let refused = json!([{"status": 400, "reason": "BadDeviceToken"}]);
    assert_eq!(
        results,
        [
            json!({"sent": 1, "failed": []}),
            json!({"sent": 0, "failed": refused}),
            json!({"sent": 1, "failed": []}),
        ]
    );
    let other = lab::free_port();
    let folder = lab::folder();
    let at = folder.path();
    let (_service, tokens) = service(at, other, &[&gone[..], &[""]].concat());
    let results = sent(at, other, &[&tokens[0]]);
    let refused = json!([{"status": 410, "reason": "Unregistered"}]);
    assert_eq!(results, [json!({"sent": 0, "failed": refused})]);
}

#[test]
fn a_sender_of_others_makes_its_token_anew_when_that_is_refused_as_expired() {
    let folder = lab::folder();
    let (at, port) = (folder.path(), lab::free_port());
    let refuse = ["--refuse", "ExpiredProviderToken", "--first", "1"];
    let (_service, tokens) = service(at, port, &refuse);
    let results = sent(at, port, &[&tokens[0]]);
    assert_eq!(results, [json!({"sent": 1, "failed": []})]);
    assert_eq!(requests(at), [json!(403), json!(200)]);
}
