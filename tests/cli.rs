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
        &["device", "ls"],
        &["push"],
        &["sir", "encode"],
        &["sir", "decode"],
        &["sir", "match"],
        &["sir", "check"],
        &["sir", "corrupt"],
        &["sir", "diff"],
        &["scenario", "run"],
        &["trace", "show"],
        &["trace", "ls"],
        &["wait"],
        &["load", "pap"],
        &["load", "sip"],
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

/// Runs and expects that exit code; what it said on both ways comes back.
fn expect(folder: &std::path::Path, code: i32, arguments: &[&str]) -> String {
    let output = lab::run(folder, arguments);
    let said = format!("{}{}", lab::stdout(&output), lab::stderr(&output));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    said
}

#[test]
fn r2_95_a_device_with_a_session_returns_what_it_is_asked_and_a_plan_of_no_effect_is_told() {
    let folder = lab::folder();
    let demo = demo(folder.path());
    let api = demo.url();
    let at = folder.path();
    expect(
        at,
        0,
        &["push", "alice", "hello", "--only", "C1", "--api", &api],
    );
    let said = expect(
        at,
        0,
        &[
            "push",
            "alice",
            "again",
            "--only",
            "C1",
            "--api",
            &api,
            "--ask",
            "capability,preference",
            "--plan",
            "fanout+id",
            "--place",
            "body",
            "--push-id",
            "second",
        ],
    );
    assert!(said.contains("plan direct"), "{said}");
    assert!(said.contains("returned capability, preference"), "{said}");
    assert!(
        said.contains("so --plan and --place had no effect"),
        "{said}"
    );
    let drawn = expect(at, 0, &["trace", "show", "second", "--api", &api]);
    assert!(drawn.contains("information: capability"), "{drawn}");
    assert!(
        !drawn.contains("MESSAGE") && !drawn.contains("INVITE"),
        "{drawn}"
    );
}

#[test]
fn a_ladder_folds_chunks_and_survives_in_the_event_log_after_a_restart() {
    let folder = lab::folder();
    let at = folder.path();
    lab::write(at, "big.txt", &"0123456789abcdef\n".repeat(2_000));
    let start = || {
        let arguments = [
            "demo",
            "--port",
            "0",
            "--store",
            "d.db",
            "--events",
            "events.jsonl",
        ];
        Process::start(at, &arguments, "next:")
    };
    let first = start();
    let api = first.url();
    expect(
        at,
        0,
        &[
            "push",
            "alice",
            "@big.txt",
            "--only",
            "C1",
            "--push-id",
            "big",
            "--api",
            &api,
        ],
    );
    let drawn = expect(at, 0, &["trace", "show", "big", "--api", &api]);
    assert!(drawn.contains("34000 octets, "), "{drawn}");
    let sends = |drawn: &str| drawn.matches("SEND").count();
    assert_eq!(
        sends(&drawn),
        2,
        "the device's first and one for the content: {drawn}"
    );
    first.interrupt(130);
    let second = start();
    let api = second.url();
    let said = expect(at, 1, &["trace", "show", "big", "--api", &api]);
    assert!(
        said.contains("push big is known (delivered)")
            && said.contains("trace show big --events FILE"),
        "{said}"
    );
    let said = expect(at, 1, &["trace", "show", "none", "--api", &api]);
    assert!(said.contains("there is no push none"), "{said}");
    let logged = expect(at, 0, &["trace", "show", "--events", "events.jsonl"]);
    assert!(
        logged.contains("34000 octets, ") && sends(&logged) == 2,
        "{logged}"
    );
}

#[test]
fn interrupted_nodes_end_with_130_and_terminated_ones_with_0() {
    let folder = lab::folder();
    let at = folder.path();
    demo(at).interrupt(130);
    demo(at).terminate(0);
    let free = lab::free_port();
    lab::write(
        at,
        "lab.toml",
        &format!(
            "[listen]\nhttp = \"127.0.0.1:0\"\nmsrp = \"127.0.0.1:0\"\nsip = [\"udp:127.0.0.1:{free}\"]\n\
             [store]\nkind = \"none\"\n[[identity]]\npui = \"sip:alice@example.com\"\n\
             [[identity.device]]\nname = \"C1\"\nid = [\"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"]\n"
        ),
    );
    let serve = Process::start(at, &["serve", "--config", "lab.toml"], "ready");
    Process::start(at, &["device", "run", "--config", "lab.toml"], "registered").interrupt(130);
    serve.interrupt(130);
}

#[test]
fn devices_at_a_dead_registrar_say_so_and_give_up_with_4() {
    let folder = lab::folder();
    let at = folder.path();
    let example = lab::stdout(&lab::run(at, &["config", "example"]));
    lab::write(
        at,
        "lab.toml",
        &example.replace("transport = \"udp\"", "transport = \"tcp\""),
    );
    let gateway = format!("127.0.0.1:{}", lab::free_port());
    let said = expect(
        at,
        4,
        &[
            "device",
            "run",
            "--config",
            "lab.toml",
            "--gateway",
            &gateway,
            "--timeout",
            "2s",
        ],
    );
    for part in [
        "REGISTER of C1: no answer, tried again in",
        &format!("0 of 3 devices registered at {gateway} within 2s"),
    ] {
        assert!(said.contains(part), "{part} is missing: {said}");
    }
}

#[test]
fn a_plain_sia_says_what_has_no_place_in_it_and_what_has() {
    let folder = lab::folder();
    let id = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
    let arguments = [
        "sir",
        "encode",
        "--as",
        "sia",
        "--device",
        id,
        "--ask",
        "capability",
    ];
    let said = expect(folder.path(), 2, &arguments);
    assert!(
        said.contains("a plain SIA has no place for --device and --ask"),
        "{said}"
    );
    assert!(said.contains("leave out --as sia"), "{said}");
    let said = expect(folder.path(), 2, &["sir", "encode", "--as", "sia", "--hex"]);
    assert!(said.contains("sir encode --from - --as sia"), "{said}");
}

#[test]
fn uris_of_options_are_checked_before_anything_is_done() {
    let folder = lab::folder();
    for (arguments, word) in [
        (&["sir", "encode", "--client", "alice"][..], "--client"),
        (&["sir", "encode", "--server", "http://ppg/"], "--server"),
        (&["sir", "encode", "--ppg", "sip:"], "--ppg"),
        (&["sir", "encode", "--app", "no uri"], "--app"),
        (&["push", "alice", "x", "--ppg", "ppg2"], "--ppg"),
        (
            &["push", "alice", "x", "--application-id", "wml ua"],
            "--application-id",
        ),
        (&["push", "alice", "x", "--api", "127.0.0.1:8642"], "--api"),
    ] {
        let said = expect(folder.path(), 2, arguments);
        assert!(
            said.contains(word) && said.contains("write it as in"),
            "{arguments:?}: {said}"
        );
    }
}

/// Configuration files with one gap each: text, line of the gap, code, words of the mending.
const GAPS: &[(&str, u32, &str, &str)] = &[
    (
        "[listen]\nhttp = \"127.0.0.1:2855\"\nmsrp = \"127.0.0.1:2855\"",
        3,
        "SG-C018",
        "give msrp a port of its own",
    ),
    (
        "[listen]\nsip = [\"udp:127.0.0.1:5060\", \"udp:0.0.0.0:5060\"]",
        2,
        "SG-C018",
        "port of its own",
    ),
    (
        "[registration]\nmin_expires_s = 600\nmax_expires_s = 60",
        2,
        "SG-C017",
        "min_expires_s = 60 or less",
    ),
    (
        "[registration]\ndefault_expires_s = 9000",
        2,
        "SG-C017",
        "default_expires_s = 7200",
    ),
    (
        "[gateway]\nplace = []",
        2,
        "SG-C004",
        "\"header\", \"value\", \"body\"",
    ),
    (
        "[smsc]\nsystem_id = \"the gateway of the lab\"",
        2,
        "SG-C004",
        "at most 15 characters",
    ),
    ("[gateway]\ndomain = \"\"", 2, "SG-C004", "example.com"),
    ("[gateway]\nhost = \"a b\"", 2, "SG-C004", "ppg.example.com"),
    (
        "[gateway]\nrelay = \"127.0.0.1:8652\"",
        2,
        "SG-C004",
        "http://127.0.0.1:8652/pap",
    ),
    (
        "[gateway]\nrelay_notify = \"http://a/\"",
        2,
        "SG-C016",
        "give both, or neither",
    ),
    (
        "[policy]\nppgs = [\"ppg2\"]",
        2,
        "SG-C004",
        "sip:push@ppg2.example.com",
    ),
    (
        "[[identity]]\npui = \"alice\"",
        2,
        "SG-C004",
        "sip:alice@example.com",
    ),
    (
        "[[identity]]\npui = \"sip:a@b\"\n[[identity]]\npui = \"sip:a@b\"",
        4,
        "SG-C013",
        "under one [[identity]]",
    ),
    (
        "[[identity]]\npui = \"sip:a@b\"\naliases = [\"5550100\"]",
        3,
        "SG-C004",
        "tel:+15550100",
    ),
    (
        "[[fleet]]\npui = \"sip:a@b\"\ncount = 2",
        2,
        "SG-C013",
        "write {n}",
    ),
];

#[test]
fn every_gap_of_a_configuration_is_found_with_its_line_and_its_mending() {
    let folder = lab::folder();
    for (text, line, code, mending) in GAPS {
        lab::write(folder.path(), "lab.toml", text);
        let said = expect(folder.path(), 2, &["config", "check", "lab.toml"]);
        assert_eq!(said.matches("error[").count(), 1, "{text}\n{said}");
        for part in [code, &*format!("lab.toml:{line}:"), mending] {
            assert!(said.contains(part), "{text}: {part} is missing\n{said}");
        }
    }
}

#[test]
fn wait_for_an_event_that_does_not_exist_says_which_do() {
    let folder = lab::folder();
    let said = expect(folder.path(), 2, &["wait", "push.recieved dev=C1"]);
    assert!(said.contains("there is no event 'push.recieved'"), "{said}");
    assert!(
        said.contains("sir.decide") && said.contains("push.rx"),
        "{said}"
    );
}

#[test]
fn initiators_that_are_named_show_who_they_are_and_are_told_how_when_they_do_not() {
    let folder = lab::folder();
    let at = folder.path();
    lab::write(at, "shop.secret", "open: sesame\n");
    lab::write(at, "wrong.secret", "shut\n");
    let lab_file = format!(
        "[listen]\nhttp = \"127.0.0.1:0\"\nmsrp = \"127.0.0.1:0\"\nsip = [\"udp:127.0.0.1:{}\"]\n\
         [store]\nkind = \"none\"\n[[policy.initiator]]\nname = \"shop\"\npassword_file = \"shop.secret\"\n\
         [[identity]]\npui = \"sip:alice@example.com\"\n[[identity.device]]\nname = \"C1\"\n\
         id = [\"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"]\n",
        lab::free_port()
    );
    lab::write(at, "lab.toml", &lab_file);
    let serve = Process::start(at, &["serve", "--config", "lab.toml"], "ready");
    let _devices = Process::start(at, &["device", "run", "--config", "lab.toml"], "registered");
    let pap = serve.url();
    let api = pap.trim_end_matches("/pap");
    let push = ["push", "alice", "hello", "--push-id", "p1", "--api", api];
    let known = ["--user", "shop", "--password-file", "shop.secret"];
    let with = |command: &[&str], who: &[&str]| lab::run(at, &[command, who].concat());
    for who in [
        &[][..],
        &["--user", "shop", "--password-file", "wrong.secret"],
    ] {
        let output = with(&push, who);
        let said = lab::stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains("401") && said.contains("--password-file FILE"),
            "{said}"
        );
    }
    let output = with(&push, &["--user", "shop"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(lab::stderr(&output).contains("SIRGATE_PASSWORD_FILE"));
    let output = with(&push, &known);
    assert_eq!(output.status.code(), Some(0), "{}", lab::stderr(&output));
    let commands: [&[&str]; 3] = [
        &["trace", "show", "p1", "--api", api],
        &["trace", "ls", "--api", api],
        &["wait", "push.end push=p1", "--since", "0", "--api", api],
    ];
    for command in commands {
        assert_eq!(with(command, &[]).status.code(), Some(2), "{command:?}");
        let output = with(command, &known);
        assert_eq!(output.status.code(), Some(0), "{command:?}");
        assert!(lab::stdout(&output).contains("p1"), "{command:?}");
    }
    let ready = with(&["wait", "--ready", "--api", api], &[]);
    assert_eq!(ready.status.code(), Some(0));
}

#[test]
fn devices_that_register_or_subscribe_for_their_pushes_get_them_without_a_session() {
    let folder = lab::folder();
    let at = folder.path();
    let mut file = format!(
        "[listen]\nhttp = \"127.0.0.1:0\"\nmsrp = \"127.0.0.1:0\"\nsip = [\"udp:127.0.0.1:{}\"]\n\
         [store]\nkind = \"none\"\n[[identity]]\npui = \"sip:alice@example.com\"\n",
        lab::free_port()
    );
    for (n, connect) in ["invite", "register", "subscribe"].iter().enumerate() {
        file.push_str(&format!(
            "[[identity.device]]\nname = \"C{n}\"\nconnect = \"{connect}\"\n\
             id = [\"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf{n}\"]\n"
        ));
    }
    lab::write(at, "lab.toml", &file);
    let serve = Process::start(at, &["serve", "--config", "lab.toml"], "ready");
    let _devices = Process::start(at, &["device", "run", "--config", "lab.toml"], "registered");
    let pap = serve.url();
    let api = pap.trim_end_matches("/pap");
    let push = ["push", "alice", "hello", "--push-id", "p1", "--api", api];
    let output = lab::run(at, &[&push[..], &["--ask", "capability"]].concat());
    let said = lab::stdout(&output);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{said}{}",
        lab::stderr(&output)
    );
    assert!(said.contains("delivered to 3 of 3"), "{said}");
    let output = lab::run(at, &["trace", "show", "p1", "--all", "--api", api]);
    let ladder = lab::stdout(&output);
    for word in ["INVITE", "REGISTER", "SUBSCRIBE", "NOTIFY"] {
        assert!(ladder.contains(word), "{word} is missing:\n{ladder}");
    }
}

#[test]
fn ota_http_002_a_device_that_is_reached_by_http_alone_gets_content_on_a_connection_to_it() {
    let folder = lab::folder();
    let at = folder.path();
    let door = format!("127.0.0.1:{}", lab::free_port());
    let file = format!(
        "[listen]\nhttp = \"127.0.0.1:0\"\nmsrp = \"127.0.0.1:0\"\nsip = [\"udp:127.0.0.1:{}\"]\n\
         [ota_http]\nprov_url = \"ppg.example.com/lab\"\n\
         [store]\nkind = \"none\"\n[[identity]]\npui = \"sip:alice@example.com\"\n\
         [[identity.device]]\nname = \"C1\"\nbearers = [\"http\"]\nhttp = \"http://{door}\"\n\
         id = [\"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"]\n",
        lab::free_port()
    );
    lab::write(at, "lab.toml", &file);
    let serve = Process::start(at, &["serve", "--config", "lab.toml"], "ready");
    let pap = serve.url();
    let api = pap.trim_end_matches("/pap");
    // Nobody hears where it would register: it has its door and no more.
    let nowhere = format!("127.0.0.1:{}", lab::free_port());
    let run = ["device", "run", "--config", "lab.toml", "--timeout", "300s"];
    let door = ["--http", &door, "--prov-url", "ppg.example.com/lab"];
    let device = [&run[..], &door, &["--gateway", &nowhere]].concat();
    let _device = Process::start(at, &device, "devices register at");
    let push = ["push", "alice", "hello", "--push-id", "p1", "--api", api];
    let output = lab::run(at, &push);
    let said = lab::stdout(&output);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{said}{}",
        lab::stderr(&output)
    );
    assert!(said.contains("delivered to 1 of 1"), "{said}");
    // Neither a SIR nor a session was needed.
    assert!(said.contains("0 SIR"), "{said}");
}

#[test]
fn a_fault_is_added_to_a_running_gateway_hits_and_is_taken_out() {
    let folder = lab::folder();
    let demo = demo(folder.path());
    let api = demo.url();
    let run = |arguments: &[&str]| {
        let output = lab::run(folder.path(), &[arguments, &["--api", &api]].concat());
        let code = output.status.code();
        (code, lab::stdout(&output), lab::stderr(&output))
    };
    let (code, said, wrong) = run(&[
        "fault", "add", "drop", "--kind", "sir", "--dir", "out", "--first", "1", "--ttl", "60s",
    ]);
    assert_eq!(code, Some(0), "{said}{wrong}");
    assert!(
        said.starts_with("f1  drop") && said.contains("(sirgate fault rm f1)"),
        "{said}"
    );
    // UDP repeats what was lost, so the push arrives all the same.
    let (code, said, wrong) = run(&["push", "alice", "hello", "--only", "C1"]);
    assert_eq!(code, Some(0), "{said}{wrong}");
    let (code, said, _) = run(&[
        "wait",
        "fault.hit rule=f1 fault=drop what=MESSAGE dev=C1",
        "--since",
        "0",
        "--timeout",
        "10s",
    ]);
    assert_eq!(code, Some(0), "{said}");
    let (_, drawn, _) = run(&["trace", "show"]);
    assert!(drawn.contains("fault f1: drop MESSAGE to C1"), "{drawn}");
    let (_, said, _) = run(&["fault", "ls", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(listed["rules"][0]["hit"], 1, "{said}");
    let (code, said, _) = run(&["fault", "preset", "lossy-2g"]);
    assert_eq!((code, said.lines().count()), (Some(0), 5), "{said}");
    assert_eq!(run(&["fault", "rm", "f1"]).0, Some(0));
    assert_eq!(run(&["fault", "rm", "f1"]).0, Some(1));
    assert_eq!(run(&["fault", "reset"]).1, "5 removed\n");
    let (code, _, wrong) = run(&["fault", "add", "drop", "--bearer", "pigeon"]);
    assert!(code == Some(2) && wrong.contains("pigeon"), "{wrong}");
}
