//! Events over HTTP: the stream, the wait, the ladder, the log.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sirgate::driver::observe::log::{EventSink, LogSettings};
use sirgate::driver::observe::{Journal, JournalSettings};
use sirgate::event::{Event, Fact, Via};
use sirgate::time::Time;

use crate::client::{Connection, get, post};
use crate::node::{run, stop, usual};

fn cursor(got: &crate::client::Got) -> u64 {
    got.json()["cursor"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn act_then_wait_never_misses_and_never_sees_what_was_before() {
    let (handle, addresses) = run(usual());
    let http = addresses.http[0];
    let mut since = 0;
    for round in 0..200 {
        // The same event happens before and after; only the later one counts.
        assert_eq!(post(http, "/event", "C1").await.status, 200);
        since = cursor(&get(http, "/readyz").await).max(since);
        let target = format!("/api/v1/events/wait?match=msg.tx+dev%3DC1&since={since}&timeout=10s");
        let acting = tokio::spawn(async move { post(http, "/event", "C1").await.status });
        let got = get(http, &target).await;
        assert_eq!(got.status, 200, "round {round}");
        let events = got.json()["events"].as_array().unwrap().clone();
        assert_eq!(events.len(), 1);
        assert_eq!(events[0]["seq"].as_u64(), Some(since + 1), "round {round}");
        assert_eq!(acting.await.unwrap(), 200);
        since = cursor(&got);
    }
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_and_ladders_are_for_readers_that_the_judge_lets_in() {
    let mut setup = usual();
    setup.readers = sirgate::driver::Readers::only(|shown| shown.is_some());
    let (handle, addresses) = run(setup);
    let http = addresses.http[0];
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(get(http, path).await.status, 200, "{path}");
    }
    for path in [
        "/api/v1/events?follow=false",
        "/api/v1/events/wait?match=msg.tx&timeout=1ms",
        "/api/v1/pushes/p1/ladder",
    ] {
        assert_eq!(get(http, path).await.status, 401, "{path}");
    }
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_without_a_cursor_sees_only_what_comes() {
    let (handle, addresses) = run(usual());
    let http = addresses.http[0];
    post(http, "/event", "C1").await;
    let got = get(http, "/api/v1/events/wait?match=msg.tx&timeout=50ms").await;
    assert_eq!(got.status, 408);
    assert_eq!(
        (cursor(&got), got.json()["events"].as_array().unwrap().len()),
        (1, 0)
    );
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_for_several_gives_what_it_found_when_time_is_over() {
    let (handle, addresses) = run(usual());
    let http = addresses.http[0];
    for dev in ["C1", "C2", "C1"] {
        post(http, "/event", dev).await;
    }
    let wait = |count: u64| {
        let target =
            format!("/api/v1/events/wait?match=msg.tx+dev%3DC1&count={count}&since=0&timeout=50ms");
        async move { get(http, &target).await }
    };
    let got = wait(2).await;
    assert_eq!((got.status, cursor(&got)), (200, 3));
    let got = wait(3).await;
    assert_eq!(got.status, 408);
    assert_eq!(got.json()["events"].as_array().unwrap().len(), 2);
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_makes_no_sense_is_refused() {
    let (handle, addresses) = run(usual());
    for query in [
        "match=",
        "match=push.rx+C1",
        "match=%zz",
        "count=many",
        "timeout=soon",
        "since=-1",
        "since=99",
    ] {
        let got = get(addresses.http[0], &format!("/api/v1/events/wait?{query}")).await;
        assert_eq!(got.status, 400, "{query}");
        assert_eq!(got.json()["schema"], "sirgate.error/1");
    }
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_too_late_is_told_what_is_missing() {
    let mut setup = usual();
    setup.journal = Journal::start(&JournalSettings {
        ring_entries: 50,
        ..JournalSettings::default()
    })
    .unwrap();
    let (handle, addresses) = run(setup);
    let http = addresses.http[0];
    assert_eq!(post(http, "/events", "").await.status, 200);
    let got = get(http, "/api/v1/events/wait?match=msg.tx&since=0").await;
    let json = got.json();
    assert_eq!(json["missed"], 150);
    assert_eq!(json["events"][0]["seq"], 151);
    let stream = get_stream(http, "/api/v1/events?since=0&follow=false", "*/*").await;
    assert!(
        stream.contains("{\"missed\":150,\"schema\":\"sirgate.gap/1\"}\n"),
        "{stream}"
    );
    assert_eq!(stream.matches("\"ev\":\"msg.tx\"").count(), 50);
    let metrics = get(http, "/metrics").await.body;
    assert!(metrics.contains("sirgate_dropped_total{queue=\"events-ring\"} 150"));
    stop(handle).await;
}

/// The whole answer, up to the end of the connection.
async fn get_stream(address: std::net::SocketAddr, target: &str, accept: &str) -> String {
    let mut connection = Connection::to(address).await;
    connection
        .send(
            format!(
                "GET {target} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
            )
            .as_bytes(),
        )
        .await;
    connection.read_all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_gives_lines_or_server_sent_events() {
    let (handle, addresses) = run(usual());
    let http = addresses.http[0];
    for dev in ["C1", "C2"] {
        post(http, "/event", dev).await;
    }
    let target = "/api/v1/events?since=0&follow=false&match=msg.tx+dev%3DC2";
    let lines = get_stream(http, target, "*/*").await;
    assert!(
        lines.contains("content-type: application/x-ndjson"),
        "{lines}"
    );
    assert!(
        lines.contains("\"seq\":2,\"ev\":\"msg.tx\",\"dev\":\"C2\""),
        "{lines}"
    );
    assert!(!lines.contains("C1"));
    let sse = get_stream(http, target, "text/event-stream").await;
    assert!(sse.contains("content-type: text/event-stream"), "{sse}");
    assert!(sse.contains("id: 2\ndata: {\"t\":"), "{sse}");
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_goes_on_and_resumes_where_it_was_left() {
    let (handle, addresses) = run(usual());
    let http = addresses.http[0];
    for dev in ["C1", "C2"] {
        post(http, "/event", dev).await;
    }
    let mut stream = Connection::to(http).await;
    stream
        .send(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nLast-Event-ID: 1\r\n\r\n")
        .await;
    let text = stream.until("id: 2\n").await;
    assert!(!text.contains("id: 1\n"), "{text}");
    post(http, "/event", "C3").await;
    stream.until("id: 3\n").await;
    stop(handle).await;
    assert!(
        stream.read_all().await.contains("C3"),
        "a stop ends the stream"
    );
}

fn content(number: u64, dev: &str) -> Event {
    Event {
        t: Time::from_micros(number),
        fact: Fact::PushTx {
            push: "k7q4".to_owned(),
            dev: dev.to_owned(),
            via: Via::New,
            octets: 5,
        },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_drawn_in_every_format() {
    let setup = usual();
    let journal = setup.journal.clone();
    let (handle, addresses) = run(setup);
    let http = addresses.http[0];
    journal.push(content(1, "C1"));
    let draw = |format: &str| {
        let target = format!("/api/v1/pushes/k7q4/ladder{format}");
        async move { get(http, &target).await }
    };
    assert!(draw("").await.body.contains("C1"));
    assert!(
        draw("?format=mermaid")
            .await
            .body
            .starts_with("sequenceDiagram")
    );
    assert!(draw("?format=csv").await.body.starts_with("t_us,"));
    let json = draw("?format=json").await.json();
    assert_eq!(json["events"][0]["ev"], "push.tx");
    assert_eq!(draw("?format=png").await.status, 400);
    assert_eq!(get(http, "/api/v1/pushes/none/ladder").await.status, 404);
    stop(handle).await;
}

#[test]
fn the_event_log_has_every_event_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let settings = JournalSettings {
        ring_entries: 10,
        log: LogSettings {
            events: EventSink::File(path.clone()),
            reveal: false,
        },
        ..JournalSettings::default()
    };
    let journal = Journal::start(&settings).unwrap();
    for number in 0..1_000 {
        journal.push(content(number, "C1"));
    }
    journal.flush();
    let text = std::fs::read_to_string(&path).unwrap();
    let numbers: Vec<u64> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["seq"].as_u64())
        .map(Option::unwrap)
        .collect();
    assert_eq!(numbers, (1..=1_000).collect::<Vec<_>>());
    drop(journal);
    // A second run writes on at the end of the file.
    let journal = Journal::start(&settings).unwrap();
    journal.push(content(1, "C1"));
    drop(journal);
    assert_eq!(
        std::fs::read_to_string(&path).unwrap().lines().count(),
        1_001
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_several_nodes_share_one_journal() {
    let one = usual();
    let mut two = usual();
    two.journal = one.journal.clone();
    let (one, here) = run(one);
    let (two, there) = run(two);
    let waiting = tokio::spawn(async move {
        get(
            here.http[0],
            "/api/v1/events/wait?match=msg.tx&since=0&timeout=10s",
        )
        .await
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    post(there.http[0], "/event", "C9").await;
    assert_eq!(waiting.await.unwrap().json()["events"][0]["dev"], "C9");
    stop(one).await;
    stop(two).await;
}

/// Where the program's log goes in the test below.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(octets)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Facts whose every text names somebody or something private.
fn private_facts() -> Vec<Fact> {
    let who = || "sip:secret-alice@example.com".to_owned();
    vec![
        Fact::PapRx {
            push: "k7q4@secret-pi.example".to_owned(),
            pui: who(),
            app: None,
        },
        Fact::PapRefused {
            push: None,
            code: 2002,
            why: format!("no device of <{}>", who()),
        },
        Fact::Plan {
            push: "k7q4".to_owned(),
            mode: None,
            wanted: vec!["urn:gsma:imei:90420156-025763-0".to_owned()],
            excluded: vec![(who(), "pref".to_owned())],
            ids: vec!["90420156-025763-0".to_owned()],
        },
        Fact::PushEnd {
            push: "k7q4".to_owned(),
            address: "WAPPUSH=+491701234567/TYPE=PLMN@secret-ppg.example".to_owned(),
            state: "delivered".to_owned(),
            code: 1000,
            desc: "told +49-170-1234567".to_owned(),
        },
        Fact::InfoRx {
            dev: who(),
            kind: "capability".to_owned(),
            via: Via::Sip,
            info: serde_json::json!({ "owner": "secret content" }),
        },
        Fact::Wire {
            from: "PI".to_owned(),
            to: "PPG".to_owned(),
            line: "sip".to_owned(),
            what: "MESSAGE with secret content".to_owned(),
            push: None,
            octets: bytes::Bytes::from_static(b"secret content"),
        },
        Fact::Refused {
            from: "127.0.0.1:5060".to_owned(),
            why: format!("{} is unknown", who()),
        },
    ]
}

#[test]
fn the_log_names_nobody_unless_asked_to() {
    let paper = Paper::default();
    let writer = paper.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .without_time()
        .init();
    let tell = |reveal: bool| {
        let log = LogSettings {
            events: EventSink::None,
            reveal,
        };
        let journal = Journal::start(&JournalSettings {
            log,
            ..JournalSettings::default()
        })
        .unwrap();
        for fact in private_facts() {
            journal.push(Event {
                t: Time::EPOCH,
                fact,
            });
        }
        journal.flush();
        let text = core::mem::take(&mut *paper.0.lock().unwrap());
        // Other tests of this process write to the same paper.
        let text = String::from_utf8(text).unwrap();
        let lines = text.lines().filter(|line| line.contains("sirgate::event"));
        lines.collect::<Vec<_>>().join("\n")
    };
    let text = tell(false);
    for name in [
        "pap.rx",
        "pap.refused",
        "plan",
        "push.end",
        "info.rx",
        "wire",
        "refused",
    ] {
        assert!(text.contains(name), "{name} is not in\n{text}");
    }
    for private in ["secret", "1234567", "90420156"] {
        assert!(!text.contains(private), "{private} is in\n{text}");
    }
    assert!(text.contains("127.0.0.1:5060"), "{text}");
    let text = tell(true);
    assert!(text.contains("sip:secret-alice@example.com"), "{text}");
}
