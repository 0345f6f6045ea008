//! A Push Initiator made of curl.

use std::process::Command;

use crate::{Ports, TRIO, devices, lab};

#[test]
fn a_push_submitted_by_curl_is_accepted_delivered_and_reported() {
    let folder = lab::folder();
    let ports = Ports::free();
    let _gateway = ports.serve(folder.path(), TRIO);
    let _devices = devices(folder.path());
    let (notify, results) = lab::initiator();
    let headers = [("X-Sirgate-Device", "<C1>")];
    let (content_type, body) = lab::submission(
        "curl-1@pi.example",
        "sip:alice@example.com",
        Some(&notify),
        &headers,
        "hello",
    );
    let file = folder.path().join("push.txt");
    std::fs::write(&file, body).unwrap();
    let output = Command::new("curl")
        .args([
            "-sS",
            "-w",
            "\n%{http_code}",
            "-H",
            &format!("Content-Type: {content_type}"),
            "--data-binary",
        ])
        .arg(format!("@{}", file.display()))
        .arg(format!("{}/pap", ports.api()))
        .output()
        .expect("curl runs");
    let answer = lab::stdout(&output);
    println!("{answer}");
    assert!(
        answer.ends_with("\n202"),
        "{answer}{}",
        lab::stderr(&output)
    );
    assert!(
        answer.contains("push-response") && answer.contains("code=\"1001\""),
        "{answer}"
    );
    lab::eventually(
        "the initiator is told",
        std::time::Duration::from_secs(10),
        || {
            results
                .lock()
                .unwrap()
                .get("curl-1@pi.example")
                .is_some_and(|told| told == &["delivered"])
        },
    );
}
