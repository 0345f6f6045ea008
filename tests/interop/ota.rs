//! A gateway made of curl at the HTTP door of a handset (OTA-HTTP).

use std::process::Command;

use sirgate::codec::device_id::DeviceId;
use sirgate::codec::ota_http::{PUSH_TYPE, sir};
use sirgate::codec::sir::{Placement, Sir};

use crate::{Ports, device, lab, loopback};

const OWN: &str = "urn:dev:mac:0024befffe804ff1";
const OTHER: &str = "urn:dev:mac:0024befffe804ff2";

/// The answer as curl shows it; the names of headers are in lower case there.
fn curl(url: &str, more: &[&str]) -> String {
    let output = Command::new("curl")
        .args(["-sS", "-i", "--max-time", "20", "-H", "Host;"])
        .args(["-H", "X-Wap-Push-OTA-Version: 1.0"])
        .args(more)
        .arg(format!("http://{url}/wappush"))
        .output()
        .expect("curl runs");
    let answer = lab::stdout(&output);
    println!("{more:?}\n{answer}{}", lab::stderr(&output));
    assert!(output.status.success(), "{}", lab::stderr(&output));
    answer.replace('\r', "")
}

/// The value of a header.
fn header<'a>(answer: &'a str, name: &str) -> &'a str {
    let start = format!("{name}: ");
    let value = answer.lines().find_map(|line| line.strip_prefix(&start));
    value.unwrap_or_else(|| panic!("no {name} in {answer}"))
}

#[test]
fn curl_registers_a_terminal_and_posts_sirs_that_it_takes_or_declines() {
    let folder = lab::folder();
    let ports = Ports::free();
    let door = loopback(lab::free_port());
    let events = folder.path().join("device.jsonl");
    let identity = format!(
        "[[identity]]\npui = \"sip:alice@example.com\"\n[[identity.device]]\nname = \"C1\"\nid = [\"{OWN}\"]\n\
         bearers = [\"http\"]\nhttp = \"http://{door}\"\n"
    );
    let _gateway = ports.serve(folder.path(), &identity);
    let doors = ["--http", &door, "--events", events.to_str().expect("text")];
    let _device = device(folder.path(), "C1", &doors);

    // WAP-235 section 7.3: who is there, what it can, and the tag of that.
    let answer = curl(&door, &["-X", "OPTIONS"]);
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    assert!(
        header(&answer, "x-wap-push-status").starts_with("501"),
        "{answer}"
    );
    assert!(header(&answer, "x-wap-terminal-id").ends_with("alice@example.com"));
    assert!(header(&answer, "x-wap-push-accept").contains("application/vnd.wap.sia"));
    let tag = header(&answer, "x-wap-cpitag").to_owned();
    let known = curl(
        &door,
        &["-X", "OPTIONS", "-H", &format!("X-Wap-CPITag: {tag}")],
    );
    assert!(
        header(&known, "x-wap-push-status").starts_with("500"),
        "{known}"
    );
    assert!(!known.contains("x-wap-push-accept:"), "{known}");

    for (number, (id, decision)) in [(OWN, "connect"), (OTHER, "skip")].into_iter().enumerate() {
        let sir = Sir::new("sip:alice@example.com", "sip:push@ppg.example.com").with_devices(
            Placement::VALUE,
            &[DeviceId::decode(id).expect("an identifier")],
        );
        let file = folder.path().join("push.bin");
        std::fs::write(&file, sir::push_of(&sir.encode())).expect("written");
        let body = format!("@{}", file.display());
        let kind = format!("Content-Type: {PUSH_TYPE}");
        let answer = curl(&door, &["--data-binary", &body, "-H", &kind]);
        assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
        let status = header(&answer, "x-wap-push-status").to_owned();
        println!("{decision}: {status}");
        let text = std::fs::read_to_string(&events).expect("events");
        let decided: Vec<&str> = text
            .lines()
            .filter(|line| line.contains("\"sir.decide\""))
            .collect();
        assert_eq!(decided.len(), number + 1, "{text}");
        assert!(
            decided[number].contains(&format!("\"{decision}\"")),
            "{text}"
        );
    }
    // A body that is no push although it is called one.
    let kind = format!("Content-Type: {PUSH_TYPE}");
    let bad = curl(&door, &["--data-binary", "nothing", "-H", &kind]);
    assert!(header(&bad, "x-wap-push-status").starts_with('2'), "{bad}");
    let wrong = curl(&door, &["-X", "DELETE"]);
    assert!(wrong.starts_with("HTTP/1.1 405"), "{wrong}");
}
