//! What somebody stumbles over who has README.md and the program: each contradiction is told, each silence broken.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "test")]

mod lab;

use lab::Process;

/// Runs and expects that exit code; what it said on both ways comes back.
fn expect(folder: &std::path::Path, code: i32, arguments: &[&str]) -> String {
    let output = lab::run(folder, arguments);
    let said = format!("{}{}", lab::stdout(&output), lab::stderr(&output));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    said
}

#[test]
fn legacy_for_some_devices_only_is_a_contradiction_that_is_refused() {
    let folder = lab::folder();
    let at = folder.path();
    let demo = Process::start(at, &["demo", "--port", "0"], "next:");
    let api = demo.url();
    let legacy = ["push", "alice", "x", "--plan", "legacy", "--api", &api];
    for chosen in [
        &["--only", "C1"][..],
        &["--device", "urn:dev:mac:0024befffe804ff1"],
    ] {
        let said = expect(at, 2, &[&legacy[..], chosen].concat());
        assert!(said.contains("--plan legacy wakes every device"), "{said}");
    }
    let said = expect(at, 0, &legacy);
    assert!(said.contains("delivered to 3 of 3"), "{said}");
    // All have a session now: nobody is woken, and legacy is what happens all the same.
    let said = expect(at, 0, &legacy);
    assert!(said.contains("plan legacy"), "{said}");
    assert!(!said.contains("no effect"), "{said}");
}

/// A gateway with one device that is reached by short message alone.
fn by_short_message(folder: &std::path::Path, centre: &str) {
    lab::write(
        folder,
        "sms.toml",
        &format!(
            "[listen]\nhttp = \"127.0.0.1:0\"\nmsrp = \"127.0.0.1:0\"\nsip = [\"udp:127.0.0.1:{}\"]\n\
             [smsc]\naddress = \"{centre}\"\n[store]\nkind = \"none\"\n\
             [[identity]]\npui = \"sip:bob@example.com\"\n[[identity.device]]\nname = \"C1\"\n\
             id = [\"urn:gsma:imei:35209900-176148-1\"]\nbearers = [\"sms\"]\nmsisdn = \"+15550103\"\n",
            lab::free_port()
        ),
    );
}

/// What `/readyz` says the node lacks, and its status.
fn lacks(api: &str) -> (u16, String) {
    let (status, body) = lab::http(&format!("{api}/readyz"), "GET", &[], b"").expect("an answer");
    let said: serde_json::Value = serde_json::from_slice(&body).unwrap();
    (status, said["lacks"].to_string())
}

#[test]
fn a_message_centre_that_is_down_or_throttles_is_seen_in_table_ladder_and_readyz() {
    let folder = lab::folder();
    let at = folder.path();
    let centre = format!("127.0.0.1:{}", lab::free_port());
    by_short_message(at, &centre);
    let serve = Process::start(at, &["serve", "--config", "sms.toml"], "ready");
    let pap = serve.url();
    let api = pap.trim_end_matches("/pap");
    let wait = |what: &str| expect(at, 0, &["wait", what, "--since", "0", "--api", api]);
    wait("smsc state=down");
    let (status, said) = lacks(api);
    assert_eq!(
        status, 200,
        "what needs no message centre is served: {said}"
    );
    assert!(
        said.contains(&format!("{centre} is down: no connection")),
        "{said}"
    );
    let push = ["push", "bob", "hello", "--api", api, "--timeout", "1s"];
    let said = expect(at, 4, &[&push[..], &["--push-id", "p1"]].concat());
    assert!(!said.contains("SIR sent"), "nothing was: {said}");
    assert!(
        said.contains("the message centre is out of reach"),
        "{said}"
    );
    let radio = format!("127.0.0.1:{}", lab::free_port());
    let sim = ["sim", "smsc", "--listen", &centre, "--radio", &radio];
    let throttles = [&sim[..], &["--refuse", "ESME_RTHROTTLED"]].concat();
    let _centre = Process::start(at, &throttles, "ready");
    wait("smsc state=slow");
    let (_, said) = lacks(api);
    assert!(said.contains("is slow: ESME_RTHROTTLED"), "{said}");
    // What comes now waits behind what was refused.
    let said = expect(at, 4, &[&push[..], &["--push-id", "p2"]].concat());
    assert!(said.contains("refused the SIR: ESME_RTHROTTLED"), "{said}");
    let drawn = expect(at, 0, &["trace", "show", "p1", "--api", api]);
    let head = drawn.lines().next().unwrap_or_default();
    assert!(
        head.contains("SMSC"),
        "the message centre has a lane:\n{drawn}"
    );
    let row = drawn.lines().find(|line| line.contains("submit_sm_resp"));
    let row = row.unwrap_or_else(|| panic!("no answer of the message centre:\n{drawn}"));
    assert!(row.contains("ESME_RTHROTTLED"), "{drawn}");
}

#[test]
fn a_device_that_no_bearer_can_reach_is_told_by_config_check_and_by_a_push_to_it() {
    let folder = lab::folder();
    let at = folder.path();
    lab::write(
        at,
        "lab.toml",
        &format!(
            "[listen]\nhttp = \"127.0.0.1:0\"\nmsrp = \"127.0.0.1:0\"\nsip = [\"udp:127.0.0.1:{}\"]\n\
             [store]\nkind = \"none\"\n[[identity]]\npui = \"sip:bob@example.com\"\n\
             [[identity.device]]\nname = \"C1\"\nid = [\"urn:gsma:imei:35209900-176148-1\"]\n\
             bearers = [\"sms\", \"wsp\"]\nmsisdn = \"+15550103\"\n",
            lab::free_port()
        ),
    );
    let said = expect(at, 0, &["config", "check", "lab.toml"]);
    for part in [
        "warning[SG-C020]: no bearer can reach \"C1\"",
        "lab.toml:12:11",
        "sms: the gateway has no message centre",
        "[smsc] address = ",
        "wsp: the device has no WSP address",
        "wsp = \"127.0.0.1:2948\" for the device",
    ] {
        assert!(said.contains(part), "{part} is missing: {said}");
    }
    let serve = Process::start(at, &["serve", "--config", "lab.toml"], "ready");
    let pap = serve.url();
    let api = pap.trim_end_matches("/pap");
    let said = expect(at, 1, &["push", "bob", "hello", "--api", api]);
    let why =
        "no bearer: sms: the gateway has no message centre; wsp: the device has no WSP address";
    assert!(said.contains(why), "{said}");
}

#[test]
fn a_message_centre_that_is_played_says_what_it_takes_and_gives() {
    let folder = lab::folder();
    let at = folder.path();
    let centre = format!("127.0.0.1:{}", lab::free_port());
    let radio = format!("127.0.0.1:{}", lab::free_port());
    by_short_message(at, &centre);
    let sim = ["sim", "smsc", "--listen", &centre, "--radio", &radio];
    let log = [&sim[..], &["--events", "smsc.jsonl"]].concat();
    let smsc = Process::start(at, &log, "ready");
    let serve = Process::start(at, &["serve", "--config", "sms.toml"], "ready");
    let run = ["device", "run", "--config", "sms.toml"];
    let phone = ["--msisdn", "+15550103", "--radio", &radio];
    let _phone = Process::start(at, &[&run[..], &phone].concat(), "registered");
    let pap = serve.url();
    let api = pap.trim_end_matches("/pap");
    expect(at, 0, &["push", "bob", "hello", "--api", api]);
    let parts = [
        "sirgate -> SMSC  bound",
        "+15550103 -> SMSC  attached, at 127.0.0.1:",
        "sirgate -> SMSC  submit_sm for 15550103, taken as",
        "15550103  a frame of",
        "took a frame of",
        "delivered, as its receipt says",
    ];
    let said = || smsc.said();
    lab::eventually("it says all", std::time::Duration::from_secs(60), || {
        parts.iter().all(|part| said().contains(part))
    });
    let events = std::fs::read_to_string(at.join("smsc.jsonl")).unwrap();
    assert!(events.contains("submit_sm for 15550103"), "{events}");
}

#[test]
fn a_device_whose_radio_is_dead_or_whose_number_is_another_says_so() {
    let folder = lab::folder();
    let at = folder.path();
    let centre = format!("127.0.0.1:{}", lab::free_port());
    by_short_message(at, &centre);
    let _serve = Process::start(at, &["serve", "--config", "sms.toml"], "ready");
    let dead = format!("127.0.0.1:{}", lab::free_port());
    let run = ["device", "run", "--config", "sms.toml", "--events", "-"];
    let phone = ["--msisdn", "+15550199", "--radio", &dead];
    let phone = Process::start(at, &[&run[..], &phone].concat(), "registered");
    let why =
        format!("the radio at {dead} does not know its number +15550199: no answer; trying on");
    // Two streams of one program: what stands in one may be read before what stands in the other.
    let told = [
        "--msisdn is +15550199, but the file has msisdn = \"+15550103\" for C1".to_owned(),
        format!("the radio at {dead} does not know"),
    ];
    lab::eventually("it says so", std::time::Duration::from_secs(60), || {
        phone.said().contains(&why) && told.iter().all(|told| phone.wrong().contains(told))
    });
}

#[test]
fn a_misspelt_field_is_not_waited_for_and_an_unknown_device_is_told_the_known_ones() {
    let folder = lab::folder();
    let at = folder.path();
    let said = expect(at, 2, &["wait", "push.end stat=delivered"]);
    assert!(
        said.contains("'push.end' has no field 'stat'; did you mean 'state'?"),
        "{said}"
    );
    let demo = Process::start(at, &["demo", "--port", "0"], "next:");
    let api = demo.url();
    let said = expect(
        at,
        1,
        &["push", "alice", "x", "--only", "C9", "--api", &api],
    );
    assert!(
        said.contains("sip:alice@example.com has the devices C1, C2, C3"),
        "{said}"
    );
    let said = expect(at, 1, &["push", "sip:eve@example.com", "x", "--api", &api]);
    assert!(
        said.contains("known identities: sip:alice@example.com"),
        "{said}"
    );
}

#[test]
fn the_identities_and_devices_of_a_gateway_are_listed() {
    let folder = lab::folder();
    let at = folder.path();
    let demo = Process::start(at, &["demo", "--port", "0"], "next:");
    let api = demo.url();
    let said = expect(at, 0, &["device", "ls", "--api", &api]);
    let rows: Vec<Vec<&str>> = said
        .lines()
        .map(|row| row.split_whitespace().collect())
        .collect();
    assert_eq!(rows[0], ["sip:alice@example.com"], "{said}");
    assert_eq!(
        rows[1],
        [
            "C1",
            "phone",
            "registered",
            "sip",
            "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
        ],
        "{said}"
    );
    expect(
        at,
        0,
        &["push", "alice", "x", "--only", "C2", "--api", &api],
    );
    let connected = ["device", "ls", "--connected", "--json", "--api", &api];
    let said = expect(at, 0, &connected);
    let known: serde_json::Value = serde_json::from_str(&said).unwrap();
    let devices = known["identities"][0]["devices"].as_array().unwrap();
    let names: Vec<&str> = devices
        .iter()
        .filter_map(|it| it["name"].as_str())
        .collect();
    assert_eq!(names, ["C2"], "{said}");
    let said = expect(
        at,
        0,
        &[
            "device",
            "ls",
            "--pui",
            "sip:eve@example.com",
            "--api",
            &api,
        ],
    );
    assert_eq!(said, "");
}

#[test]
fn the_top_of_the_api_names_what_there_is() {
    let folder = lab::folder();
    let demo = Process::start(folder.path(), &["demo", "--port", "0"], "next:");
    let api = demo.url();
    for path in ["/", "/api/v1", "/api/v1/"] {
        let (status, body) = lab::http(&format!("{api}{path}"), "GET", &[], b"").unwrap();
        let text = String::from_utf8(body).unwrap();
        assert_eq!(status, 200, "{path}: {text}");
        for route in ["/pap", "/api/v1/pushes/{id}/ladder", "/readyz"] {
            assert!(text.contains(route), "{route} is missing: {text}");
        }
    }
    let json = [("accept", "application/json")];
    let (_, body) = lab::http(&format!("{api}/api/v1"), "GET", &json, b"").unwrap();
    let index: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let routes = index["routes"].as_array().unwrap();
    // What is read and has no name in its path is there.
    for route in routes {
        let (methods, path) = (
            route["methods"].as_str().unwrap(),
            route["path"].as_str().unwrap(),
        );
        if methods.starts_with("GET") && !path.contains('{') {
            let query = if path.ends_with("events") {
                "?follow=false"
            } else {
                "?timeout=1ms"
            };
            let (status, _) = lab::http(&format!("{api}{path}{query}"), "GET", &[], b"").unwrap();
            assert!([200, 403, 408].contains(&status), "{path}: {status}");
        }
    }
}

#[test]
fn serve_says_which_store_it_opened_and_what_it_took_up_and_a_push_says_how_many_are_there() {
    let folder = lab::folder();
    let at = folder.path();
    let text = format!(
        "[listen]\nhttp = \"127.0.0.1:0\"\nmsrp = \"127.0.0.1:0\"\nsip = [\"udp:127.0.0.1:{}\"]\n\
         [store]\npath = \"lab.db\"\n[[identity]]\npui = \"sip:bob@example.com\"\n\
         [[identity.device]]\nname = \"C1\"\nid = [\"urn:gsma:imei:35209900-176148-1\"]\n",
        lab::free_port()
    );
    lab::write(at, "lab.toml", &text);
    let start = || Process::start(at, &["serve", "--config", "lab.toml"], "ready");
    let serve = start();
    let banner = serve.banner.join("\n");
    assert!(
        banner.contains("lab.db   0 unfinished pushes taken up"),
        "{banner}"
    );
    let pap = serve.url();
    let api = pap.trim_end_matches("/pap");
    let said = expect(
        at,
        4,
        &["push", "bob", "x", "--api", api, "--timeout", "1s"],
    );
    assert!(
        said.contains("(1 device, 0 registered, 1 wanted)"),
        "{said}"
    );
    assert!(
        said.contains("not ended yet; delivered to 0 of 1 wanted device"),
        "{said}"
    );
    serve.terminate(0);
    let banner = start().banner.join("\n");
    assert!(
        banner.contains("lab.db   1 unfinished push taken up"),
        "{banner}"
    );
}

#[test]
fn a_refused_push_is_told_its_reason_and_no_help_of_something_else() {
    let folder = lab::folder();
    let at = folder.path();
    let demo = Process::start(at, &["demo", "--port", "0"], "next:");
    let api = demo.url();
    let push = ["push", "alice", "x", "--push-id", "twice", "--api", &api];
    expect(at, 0, &push);
    let said = expect(at, 1, &push);
    assert!(
        said.contains("2007") && said.contains("used before"),
        "{said}"
    );
    assert!(!said.contains("help:"), "{said}");
}

#[test]
fn octets_that_are_none_and_formats_that_are_others_are_told() {
    let folder = lab::folder();
    let at = folder.path();
    for empty in [&["sir", "decode", ""][..], &["sir", "decode", "--hex", " "]] {
        let said = expect(at, 2, empty);
        assert!(said.contains("there are no octets"), "{empty:?}: {said}");
    }
    let said = expect(at, 2, &["sir", "decode", "0205", "--as", "wbxml"]);
    assert!(said.contains("--as si, sl, co or emn"), "{said}");
    let said = expect(at, 2, &["sir", "decode", "0205", "--as", "smmp"]);
    assert!(said.contains("did you mean smpp?"), "{said}");
    let good = "0102b2820008c4000fc3c000020901000000";
    let cut = "0102b2820009c4000fc3c000020901000000";
    let said = expect(at, 1, &["sir", "diff", "--as", "sia", good, cut]);
    assert!(said.contains("the second message: sia at octet"), "{said}");
    let said = expect(at, 1, &["sir", "diff", "--as", "sia", cut, good]);
    assert!(said.contains("the first message: sia at octet"), "{said}");
}

#[test]
fn a_reader_that_goes_away_ends_a_command_as_it_ends_any_tool() {
    let folder = lab::folder();
    let program = env!("CARGO_BIN_EXE_sirgate");
    // The first line is read before there is a second one, and then nobody reads.
    let line = format!("{{ {program} scenario run; echo $? > code; }} | head -n 1");
    let shell = std::process::Command::new("sh")
        .args(["-c", &line])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(lab::stderr(&shell), "");
    let code = || std::fs::read_to_string(folder.path().join("code")).unwrap_or_default();
    lab::eventually("it ended", std::time::Duration::from_secs(60), || {
        code().trim() == "141"
    });
}
