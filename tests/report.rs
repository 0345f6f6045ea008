//! `sirgate report piggyback` over recordings: exact figures.
#![expect(clippy::unwrap_used, reason = "test")]

mod lab;

use std::path::Path;

use serde_json::{Value, json};

/// A recording of requests of scripts at these seconds, an hour long.
fn recording(requests: &[f64]) -> String {
    let entry = |second: f64| {
        let whole = second.floor();
        let (minute, rest) = (
            (whole / 60.0).floor(),
            second - (whole / 60.0).floor() * 60.0,
        );
        json!({
            "startedDateTime": format!("2026-11-22T05:{minute:02}:{rest:06.3}Z"),
            "time": 0, "_resourceType": "fetch",
            "request": { "headers": [], "headersSize": -1 }, "response": { "headers": [], "headersSize": -1 },
        })
    };
    let mut entries: Vec<Value> = requests.iter().map(|second| entry(*second)).collect();
    // The page ends an hour after it began.
    entries.push(json!({
        "startedDateTime": "2026-11-22T05:00:00Z", "time": 3_600_000, "_resourceType": "document",
        "request": { "headers": [], "headersSize": 100 }, "response": { "headers": [], "headersSize": 100 },
    }));
    json!({ "log": { "entries": entries } }).to_string()
}

fn report(folder: &Path, more: &[&str]) -> Value {
    let arguments = [&["report", "piggyback", "--json", "--trace"], more].concat();
    let output = lab::run(folder, &arguments);
    assert!(output.status.success(), "{}", lab::stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Requests and octets an hour, mean delay and that of 95 of 100 messages.
fn row(report: &Value, wanted: &Value) -> [f64; 4] {
    let wanted = wanted.as_object().unwrap();
    let variants = report["variants"].as_array().unwrap().iter();
    let is_it = |variant: &&Value| {
        wanted.iter().all(|(name, value)| variant[name] == *value)
            && variant.get("fallback_s").is_some() == wanted.contains_key("fallback_s")
    };
    let found = variants.clone().find(is_it).unwrap();
    [
        "requests_per_hour",
        "octets_per_hour",
        "mean_delay_s",
        "delay_95_s",
    ]
    .map(|name| found[name].as_f64().unwrap())
}

#[test]
fn s4_4_r4_49_an_hour_of_119_requests_and_6_messages_costs_no_request_more() {
    let folder = lab::folder();
    // A request every thirty seconds, and none in the last one.
    let requests: Vec<f64> = (1..=119).map(|number| f64::from(number) * 30.0).collect();
    lab::write(folder.path(), "hour.har", &recording(&requests));
    lab::write(
        folder.path(),
        "messages.txt",
        "# six\n100\n700\n1300\n1915\n2026-11-22T05:41:45Z\n3095.5\n",
    );
    let report = report(folder.path(), &["hour.har", "--messages", "messages.txt"]);
    assert_eq!(report["requests"], 119);
    assert_eq!(report["messages_per_hour"], 6.0);
    assert_eq!(report["octets"]["poll_from"], "default");
    let poll = |every: f64| row(&report, &json!({ "variant": "poll", "every_s": every }));
    // 870 octets a poll, and 42 for each of six messages.
    assert_eq!(poll(5.0), [720.0, 626_652.0, 2.5, 4.8]);
    assert_eq!(poll(10.0), [360.0, 313_452.0, 5.0, 9.5]);
    assert_eq!(poll(30.0), [120.0, 104_652.0, 15.0, 28.5]);
    assert_eq!(poll(60.0), [60.0, 52_452.0, 30.0, 57.0]);
    // 914 to open, 76 a message, 14 every fifteen seconds.
    assert_eq!(
        row(&report, &json!({ "variant": "sse" })),
        [1.0, 4_730.0, 0.0, 0.0]
    );
    // 61 for each of 119 requests. Delays: 20, 20, 20, 5, 15, 24.5.
    let alone = row(&report, &json!({ "variant": "piggyback" }));
    assert_eq!(alone, [0.0, 7_511.0, 17.4, 24.5]);
    // The hour goes round: from 3570 to 30 there are sixty silent seconds, and the fallback asks once within them.
    let half = row(
        &report,
        &json!({ "variant": "piggyback", "fallback_s": 30.0 }),
    );
    assert_eq!(half, [1.0, 8_381.0, 17.4, 24.5]);
    let whole = row(
        &report,
        &json!({ "variant": "piggyback", "fallback_s": 60.0 }),
    );
    assert_eq!(whole, [0.0, 7_511.0, 17.4, 24.5]);
}

#[test]
fn r4_48_r4_49_a_quiet_user_hears_late_unless_the_page_asks_in_silence() {
    let folder = lab::folder();
    lab::write(
        folder.path(),
        "quiet.har",
        &recording(&[0.0, 600.0, 1_800.0]),
    );
    let report = report(folder.path(), &["quiet.har"]);
    assert_eq!(report["messages"], "anywhere");
    // Gaps of 10, 20 and 30 minutes: their squares by twice the hour; 5 of 100 messages are later than 27 minutes.
    let alone = row(&report, &json!({ "variant": "piggyback" }));
    assert_eq!(alone, [0.0, 435.0, 700.0, 1_620.0]);
    let asked = row(
        &report,
        &json!({ "variant": "piggyback", "fallback_s": 60.0 }),
    );
    assert_eq!(asked, [57.0, 435.0 + 57.0 * 870.0, 30.0, 57.0]);
}

#[test]
fn r4_49_the_sample_gives_the_figures_of_its_own_octets() {
    let folder = lab::folder();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/har/notes.har");
    let report = report(folder.path(), &[sample.to_str().unwrap()]);
    // Chromium used the page of notes behind the proxy; three messages came meanwhile.
    assert_eq!(report["requests"], 10);
    assert_eq!(report["messages"], "stamps");
    assert_eq!(report["seconds"], 57.7);
    assert_eq!(report["octets"]["poll"], 613.7);
    assert_eq!(report["octets"]["idle"], 155.9);
    assert_eq!(report["octets"]["message"], 63.1);
    let alone = row(&report, &json!({ "variant": "piggyback" }));
    assert_eq!(alone, [0.0, 108_992.2, 2.3, 3.1]);
    let poll = row(&report, &json!({ "variant": "poll", "every_s": 10.0 }));
    assert_eq!(poll, [360.0, 232_743.3, 5.0, 9.5]);
}

#[test]
fn what_is_no_recording_is_said() {
    let folder = lab::folder();
    lab::write(folder.path(), "none.har", "{}");
    lab::write(folder.path(), "empty.har", r#"{"log":{"entries":[]}}"#);
    lab::write(folder.path(), "one.har", &recording(&[1.0]));
    lab::write(folder.path(), "bad.txt", "1\nsoon\n");
    for (arguments, said) in [
        (&["missing.har"][..], "cannot be read"),
        (&["none.har"], "is no HAR file"),
        (&["empty.har"], "no requests of scripts"),
        (
            &["one.har", "--messages", "bad.txt"],
            "bad.txt:2: \"soon\" is no instant",
        ),
    ] {
        let all = [&["report", "piggyback", "--trace"], arguments].concat();
        let output = lab::run(folder.path(), &all);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            lab::stderr(&output).contains(said),
            "{}",
            lab::stderr(&output)
        );
    }
}
