//! `sirgate load` against a real gateway: what it counts is what happened.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "test")]

mod lab;

use lab::Process;
use serde_json::Value;

/// A gateway of a hundred pushes in progress, with a device that takes datagrams.
struct Gateway {
    folder: tempfile::TempDir,
    http: u16,
    sip: u16,
    wsp: u16,
    process: Process,
}

impl Gateway {
    fn start(more: &str) -> Self {
        let folder = lab::folder();
        let [http, sip, msrp, own, wsp] = [(); 5].map(|()| lab::free_port());
        let config = format!(
            "[gateway]\nplan = \"legacy\"\n{more}[listen]\nhttp = \"127.0.0.1:{http}\"\nsip = [\"udp:127.0.0.1:{sip}\"]\n\
             msrp = \"127.0.0.1:{msrp}\"\nwsp = \"127.0.0.1:{own}\"\n[[identity]]\npui = \"sip:wsp1@example.com\"\n\
             [[identity.device]]\nname = \"C1\"\nkind = \"phone\"\nid = [\"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"]\n\
             bearers = [\"wsp\"]\nwsp = \"127.0.0.1:{wsp}\"\n"
        );
        lab::write(folder.path(), "lab.toml", &config);
        let process = Process::start(folder.path(), &["serve", "--config", "lab.toml"], "ready");
        Self {
            folder,
            http,
            sip,
            wsp,
            process,
        }
    }

    /// The report of a run and its exit code.
    fn load(&self, arguments: &[&str]) -> (Vec<Value>, Option<i32>) {
        let pid = self.process.id().to_string();
        let arguments = [&["load"], arguments, &["--json", "--pid", &pid]].concat();
        let output = lab::run(self.folder.path(), &arguments);
        let said = lab::stdout(&output);
        println!("{arguments:?}: {said}{}", lab::stderr(&output));
        let lines = said.lines().map(|line| serde_json::from_str(line).unwrap());
        (lines.collect(), output.status.code())
    }

    fn pap(&self, arguments: &[&str]) -> (Value, Option<i32>) {
        let to = format!("http://127.0.0.1:{}/pap", self.http);
        let address = "WAPPUSH=sip%3Awsp{n}%40example.com/TYPE=USER@ppg.example.com";
        let common = [
            "pap",
            "--to",
            &to,
            "--address",
            address,
            "--in-flight",
            "16",
        ];
        let (mut reports, code) = self.load(&[&common, arguments].concat());
        (reports.pop().unwrap(), code)
    }
}

#[test]
fn load_counts_every_push_and_its_datagram() {
    let gateway = Gateway::start("");
    let device = format!("127.0.0.1:{}", gateway.wsp);
    for how in [
        &["--pushes", "500"][..],
        &["--pushes", "200", "--rate", "1000"],
    ] {
        let pushes: u64 = how.get(1).unwrap().parse().unwrap();
        let (report, code) = gateway.pap(&[&["--datagrams", &device], how].concat());
        assert_eq!(code, Some(0));
        for (key, count) in [
            ("accepted", pushes),
            ("datagrams", pushes),
            ("unmatched", 0),
            ("broken", 0),
        ] {
            assert_eq!(report[key], count, "{key}");
        }
        assert_eq!(report["answer"]["count"], pushes);
        assert_eq!(report["datagram"]["count"], pushes);
        assert!(report["process"]["us_each"].as_f64().unwrap() > 0.0);
    }
    let url = format!("http://127.0.0.1:{}/metrics", gateway.http);
    let (_, metrics) = lab::http(&url, "GET", &[], b"").unwrap();
    let metrics = String::from_utf8(metrics).unwrap();
    assert!(
        metrics.contains("sirgate_pushes_total{outcome=\"delivered\"} 700"),
        "{metrics}"
    );
}

#[test]
fn load_tells_what_was_not_accepted() {
    let gateway = Gateway::start("");
    let (report, code) = gateway.pap(&["--pushes", "20", "--addresses", "2"]);
    // There is a wsp1, and no wsp2.
    assert_eq!((report["accepted"].as_u64(), code), (Some(10), Some(1)));
    let answers = report["answers"].as_array().unwrap();
    assert!(
        answers
            .iter()
            .any(|it| it["code"] == 2002 && it["count"] == 10),
        "{answers:?}"
    );
}

#[test]
fn load_needs_somebody_who_answers_and_is_at_home() {
    let folder = lab::folder();
    let closed = format!("http://127.0.0.1:{}/pap", lab::free_port());
    let output = lab::run(folder.path(), &["load", "pap", "--to", &closed]);
    assert_eq!(output.status.code(), Some(4));
    let strange = ["load", "pap", "--to", "http://198.51.100.7/pap"];
    let output = lab::run(folder.path(), &strange);
    assert_eq!(output.status.code(), Some(2));
    assert!(lab::stderr(&output).contains("--allow-target 198.51.100.7"));
}

#[test]
fn devices_of_load_register_and_refuse_what_they_are_sent() {
    let gateway = Gateway::start("");
    let sip = format!("127.0.0.1:{}", gateway.sip);
    let load = [
        "sip",
        "--to",
        &sip,
        "--devices",
        "6",
        "--registers",
        "60",
        "--in-flight",
        "4",
        "--patience",
        "60s",
    ];
    let (reports, code) = gateway.load(&load);
    let [report] = &reports[..] else {
        panic!("{reports:?}");
    };
    assert_eq!((report["good"].as_u64(), code), (Some(60), Some(0)));
    let url = format!("http://127.0.0.1:{}/metrics", gateway.http);
    let (_, metrics) = lab::http(&url, "GET", &[], b"").unwrap();
    let metrics = String::from_utf8(metrics).unwrap();
    assert!(
        metrics.contains("sirgate_events_total{ev=\"reg\"} 60"),
        "{metrics}"
    );
}

#[test]
fn load_of_browsers_counts_who_heard_and_what_a_client_costs() {
    let gateway = Gateway::start("");
    let to = format!("http://127.0.0.1:{}", gateway.http);
    for (transport, name) in [
        ("long", "long poll"),
        ("sse", "server-sent events"),
        ("ws", "WebSocket"),
    ] {
        let account = "sip:wsp1@example.com";
        let common = ["web", "--to", &to, "--account", account, "--clients", "50"];
        let how = ["--transport", transport, "--idle", "0s"];
        let (mut reports, code) = gateway.load(&[&common[..], &how].concat());
        let report = reports.pop().unwrap();
        assert_eq!(code, Some(0), "{transport}");
        assert_eq!(report["transport"], name);
        assert_eq!(report["heard"]["count"], 50, "{transport}");
        assert!(report["octets_each"].is_u64());
    }
    let common = ["web", "--to", &to, "--account", "sip:wsp1@example.com"];
    let how = ["--clients", "20", "--transport", "poll", "--idle", "1s"];
    let (mut reports, code) = gateway.load(&[&common[..], &how].concat());
    let report = reports.pop().unwrap();
    assert_eq!(code, Some(0));
    assert!(report["heard"]["count"].as_u64().unwrap() >= 20);
    let metrics = format!("http://127.0.0.1:{}/metrics", gateway.http);
    let (_, metrics) = lab::http(&metrics, "GET", &[], b"").unwrap();
    let metrics = String::from_utf8(metrics).unwrap();
    let polls = metrics.lines().find(|line| line.contains("poll.rsp"));
    assert!(polls.is_some(), "{metrics}");
}
