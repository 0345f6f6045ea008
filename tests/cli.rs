//! The program as its users meet it: two commands from nothing, exit codes that tell the truth, errors that help.
#![expect(clippy::disallowed_methods, reason = "test")]

mod lab;

use std::time::{Duration, Instant};

use lab::Process;

fn demo(folder: &std::path::Path) -> Process {
    Process::start(folder, &["demo", "--port", "0"], "next:")
}

#[test]
fn demo_and_push_deliver_within_two_seconds_from_an_empty_folder() {
    let folder = lab::folder();
    let demo = demo(folder.path());
    let api = demo.url();
    let begin = Instant::now();
    let output = lab::run(
        folder.path(),
        &["push", "alice", "hello", "--only", "C1", "--api", &api],
    );
    let took = begin.elapsed();
    let (said, wrong) = (lab::stdout(&output), lab::stderr(&output));
    assert_eq!(output.status.code(), Some(0), "{said}{wrong}");
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(said.contains("delivered to 1 of 1 wanted device"), "{said}");
    for name in ["C1", "C2", "C3"] {
        assert!(
            said.lines().any(|line| line.trim_start().starts_with(name)),
            "{name} has an outcome: {said}"
        );
    }
    let ladder = lab::run(folder.path(), &["trace", "show", "--api", &api]);
    let drawn = lab::stdout(&ladder);
    for word in ["PI", "PPG", "C1", "MESSAGE", "INVITE", "SEND", "connect"] {
        assert!(drawn.contains(word), "{word} is missing:\n{drawn}");
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "the demo wrote a file"
    );
}

#[test]
fn two_demos_run_at_the_same_time() {
    let folder = lab::folder();
    let (one, two) = (demo(folder.path()), demo(folder.path()));
    assert_ne!(one.url(), two.url());
    for demo in [&one, &two] {
        let output = lab::run(
            folder.path(),
            &["push", "alice", "hello", "--api", &demo.url(), "--json"],
        );
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}{}",
            lab::stdout(&output),
            lab::stderr(&output)
        );
    }
}

#[test]
fn every_plan_and_placement_delivers_over_real_sockets() {
    let folder = lab::folder();
    let demo = demo(folder.path());
    let api = demo.url();
    for plan in ["auto", "targeted", "fanout+id"] {
        for place in ["header", "value", "body", "header,value,body"] {
            let arguments = [
                "push", "alice", "hello", "--only", "C1", "--plan", plan, "--place", place,
                "--api", &api,
            ];
            let output = lab::run(folder.path(), &arguments);
            assert_eq!(
                output.status.code(),
                Some(0),
                "{plan} {place}: {}{}",
                lab::stdout(&output),
                lab::stderr(&output)
            );
        }
    }
}

#[test]
fn a_gateway_that_is_not_there_ends_with_4() {
    let folder = lab::folder();
    let api = format!("http://127.0.0.1:{}", lab::free_port());
    for arguments in [
        &["push", "alice", "hello"][..],
        &["trace", "ls"],
        &["wait", "push.rx"],
    ] {
        let mut all = arguments.to_vec();
        all.extend(["--api", &api]);
        let output = lab::run(folder.path(), &all);
        assert_eq!(
            output.status.code(),
            Some(4),
            "{all:?}: {}",
            lab::stderr(&output)
        );
        assert!(
            lab::stderr(&output).contains("is the gateway running"),
            "{}",
            lab::stderr(&output)
        );
    }
}

#[test]
fn an_unknown_identity_is_offered_the_nearest_and_ends_with_2() {
    let folder = lab::folder();
    let demo = demo(folder.path());
    let output = lab::run(
        folder.path(),
        &["push", "alcie", "hello", "--api", &demo.url()],
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(
        lab::stderr(&output).contains("did you mean alice?"),
        "{}",
        lab::stderr(&output)
    );
}

#[test]
fn an_unknown_device_is_refused_by_name_and_ends_with_1() {
    let folder = lab::folder();
    let demo = demo(folder.path());
    let output = lab::run(
        folder.path(),
        &[
            "push",
            "alice",
            "hello",
            "--only",
            "C9",
            "--api",
            &demo.url(),
        ],
    );
    assert_eq!(output.status.code(), Some(1), "{}", lab::stdout(&output));
    assert!(
        lab::stderr(&output).contains("C9"),
        "{}",
        lab::stderr(&output)
    );
}

#[test]
fn wait_that_is_in_vain_ends_with_1_and_one_that_comes_true_with_0() {
    let folder = lab::folder();
    let demo = demo(folder.path());
    let api = demo.url();
    let output = lab::run(
        folder.path(),
        &[
            "wait",
            "push.rx dev=C1",
            "--timeout",
            "200ms",
            "--api",
            &api,
        ],
    );
    assert_eq!(output.status.code(), Some(1), "{}", lab::stderr(&output));
    lab::run(
        folder.path(),
        &["push", "alice", "hello", "--only", "C1", "--api", &api],
    );
    let output = lab::run(
        folder.path(),
        &[
            "wait",
            "push.rx dev=C1",
            "--since",
            "0",
            "--api",
            &api,
            "--json",
        ],
    );
    assert_eq!(output.status.code(), Some(0), "{}", lab::stderr(&output));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(answer["cursor"].as_u64().unwrap() > 0);
    assert_eq!(answer["events"][0]["dev"], "C1");
}

#[test]
fn a_configuration_reports_every_fault_with_its_line_and_ends_with_2() {
    let folder = lab::folder();
    lab::write(
        folder.path(),
        "lab.toml",
        "[gateway]\nplam = \"auto\"\nretries = \"three\"\n",
    );
    let output = lab::run(folder.path(), &["config", "check", "lab.toml"]);
    assert_eq!(output.status.code(), Some(2));
    let said = lab::stderr(&output);
    for part in [
        "lab.toml:2:1",
        "did you mean \"plan\"?",
        "lab.toml:3:",
        "SG-C002",
        "SG-C003",
    ] {
        assert!(said.contains(part), "{part} is missing:\n{said}");
    }
}

#[test]
fn the_example_configuration_is_good() {
    let folder = lab::folder();
    let example = lab::run(folder.path(), &["config", "example"]);
    lab::write(folder.path(), "lab.toml", &lab::stdout(&example));
    let output = lab::run(folder.path(), &["config", "check", "lab.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", lab::stderr(&output));
}

#[test]
fn a_sir_is_written_read_and_matched() {
    let folder = lab::folder();
    let id = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
    let encoded = lab::run(
        folder.path(),
        &["sir", "encode", "--device", id, "--place", "value,body"],
    );
    assert_eq!(encoded.status.code(), Some(0), "{}", lab::stderr(&encoded));
    std::fs::write(folder.path().join("sir.sip"), &encoded.stdout).unwrap();
    let decoded = lab::run(
        folder.path(),
        &["sir", "decode", "--in", "sir.sip", "--json"],
    );
    assert!(
        lab::stdout(&decoded).contains(id),
        "{}{}",
        lab::stdout(&decoded),
        lab::stderr(&decoded)
    );
    let mine = lab::run(
        folder.path(),
        &["sir", "match", "--in", "sir.sip", "--device", id],
    );
    assert_eq!(mine.status.code(), Some(0), "{}", lab::stdout(&mine));
    let other = lab::run(
        folder.path(),
        &[
            "sir",
            "match",
            "--in",
            "sir.sip",
            "--device",
            "urn:gsma:imei:90420156-025763-0",
        ],
    );
    assert_eq!(other.status.code(), Some(1), "{}", lab::stdout(&other));
}

#[test]
fn octets_that_are_no_sir_are_refused_with_their_offset() {
    let folder = lab::folder();
    let output = lab::run(
        folder.path(),
        &["sir", "decode", "--hex", "0009b282", "--as", "sia"],
    );
    assert_eq!(output.status.code(), Some(1), "{}", lab::stdout(&output));
    let said = lab::stderr(&output);
    assert!(
        said.contains("sia at octet 1") && said.contains("--lenient"),
        "{said}"
    );
}

#[test]
fn sirgate_without_arguments_says_what_to_do_next() {
    let folder = lab::folder();
    let output = lab::run(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(0));
    let said = lab::stdout(&output);
    assert!(
        said.contains("sirgate demo") && said.contains("sirgate push alice"),
        "{said}"
    );
    assert!(said.lines().count() <= 12, "{} lines", said.lines().count());
}

#[test]
fn every_command_has_help_with_an_example() {
    let folder = lab::folder();
    for command in [
        &["demo"][..],
        &["serve"],
        &["device", "run"],
        &["push"],
        &["sir", "encode"],
        &["sir", "decode"],
        &["sir", "match"],
        &["scenario", "run"],
        &["trace", "show"],
        &["trace", "ls"],
        &["wait"],
        &["config", "example"],
        &["config", "check"],
    ] {
        let mut all = command.to_vec();
        all.push("--help");
        let output = lab::run(folder.path(), &all);
        assert_eq!(output.status.code(), Some(0));
        assert!(
            lab::stdout(&output).contains("Example"),
            "{command:?} has no example"
        );
    }
}
