//! A recording of our own page in Chromium, and the report of what rides along on it.

use std::path::Path;

use serde_json::{Value, json};

use crate::browser::Driver;
use crate::lab::{self, Process, folder};

/// A HAR file of what the browser's log says of requests: instants, heads and their sizes.
fn har(log: &[Value]) -> Value {
    let of = |method: &'static str, id: Value| {
        let mut found = log.iter();
        found.find(move |it| it["method"] == method && it["params"]["requestId"] == id)
    };
    let rows = |headers: &Value| -> Vec<Value> {
        let all = headers.as_object().into_iter().flatten();
        all.map(|(name, value)| json!({ "name": name, "value": value }))
            .collect()
    };
    // What a head of HTTP/1.1 takes: its first line, its rows, and an empty line.
    let size = |first: usize, headers: &Value| {
        let all = headers.as_object().into_iter().flatten();
        let rows = all.map(|(name, value)| name.len() + value.as_str().unwrap_or("").len() + 4);
        first + 2 + rows.sum::<usize>() + 2
    };
    let begun = log
        .iter()
        .filter(|it| it["method"] == "Network.requestWillBeSent");
    let entries = begun.filter_map(|it| {
        let about = &it["params"];
        let id = about["requestId"].clone();
        let sent = &of("Network.requestWillBeSentExtraInfo", id.clone())?["params"]["headers"];
        let got = &of("Network.responseReceivedExtraInfo", id.clone())?["params"];
        let end = of("Network.loadingFinished", id)?["params"]["timestamp"].as_f64()?;
        let method = about["request"]["method"].as_str()?;
        let url = about["request"]["url"].as_str()?;
        let path = url.splitn(4, '/').nth(3)?;
        let wall = about["wallTime"].as_f64()?;
        let first = format!("{method} /{path} HTTP/1.1").len();
        Some(json!({
            "startedDateTime": instant(wall),
            "time": ((end - about["timestamp"].as_f64()?) * 1e6).round() / 1e3,
            "_resourceType": about["type"].as_str()?.to_ascii_lowercase(),
            "request": {
                "method": method, "url": url, "httpVersion": "HTTP/1.1", "cookies": [], "queryString": [],
                "headers": rows(sent), "headersSize": size(first, sent), "bodySize": 0,
            },
            "response": {
                "status": got["statusCode"], "statusText": "", "httpVersion": "HTTP/1.1", "cookies": [], "redirectURL": "",
                "headers": rows(&got["headers"]), "headersSize": size("HTTP/1.1 200 OK".len(), &got["headers"]), "bodySize": -1,
                "content": { "size": 0, "mimeType": "" },
            },
            "cache": {},
            "timings": { "send": 0, "wait": 0, "receive": 0 },
        }))
    });
    let creator = json!({ "name": "sirgate tests/interop", "version": "1" });
    let entries: Vec<Value> = entries.collect();
    json!({ "log": { "version": "1.2", "creator": creator, "entries": entries } })
}

/// Seconds since 1970 as HAR writes them.
fn instant(seconds: f64) -> String {
    let since = std::time::Duration::from_secs_f64(seconds);
    let whole = sirgate::time::Time::from_secs(since.as_secs()).to_string();
    format!(
        "{}.{:03}Z",
        whole.trim_end_matches('Z'),
        since.subsec_millis()
    )
}

fn publish(api: &str, title: &str) {
    let body = format!(r#"{{"to":"alice","title":"{title}"}}"#);
    let json = [("content-type", "application/json")];
    let url = format!("{api}/api/v1/apps/site/messages");
    let answered = lab::http(&url, "POST", &json, body.as_bytes());
    assert_eq!(answered.map(|(status, _)| status), Some(201));
}

/// Uses the page of notes behind a proxy, and records it.
fn record(folder: &Path, pauses: &[u64]) -> Value {
    let gateway = Process::start(folder, &["demo", "--port", "0"], "stop:");
    let api = gateway.url();
    let proxy = Process::start(
        folder,
        &[
            "proxy",
            "--upstream",
            &api,
            "--gateway",
            &api,
            "--as",
            "alice",
            "--patience",
            "10s",
        ],
        "stop:",
    );
    let ready = proxy
        .banner
        .last()
        .and_then(|row| row.split_whitespace().nth(1));
    let at = ready.expect("its URL").trim_end_matches('/').to_owned();
    let (driver, profile) = (Driver::start(), lab::folder());
    let browser = driver.browser(profile.path());
    browser.open(&format!("{at}/web/notes.html"));
    for (turn, pause) in pauses.iter().enumerate() {
        std::thread::sleep(std::time::Duration::from_millis(*pause));
        if turn % 4 == 1 {
            publish(&api, &format!("message {turn}"));
        }
        let button = if turn % 3 == 0 {
            "[data-ask='../api/v1']"
        } else {
            "[data-ask='../livez']"
        };
        browser.run("document.querySelector('.answer').textContent = ''");
        browser.click(button);
        browser.until(
            "the answer",
            "return document.querySelector('.answer').textContent",
            |it| it != "",
        );
    }
    har(&browser.network())
}

#[test]
fn r4_49_a_recording_of_our_own_page_gives_the_table() {
    let folder = folder();
    // A person who looks, reads, and looks again; SIRGATE_RECORD=FILE makes the sample of testdata, which is longer.
    let kept = std::env::var_os("SIRGATE_RECORD");
    let slow = if kept.is_some() { 6 } else { 1 };
    let pauses: Vec<u64> = [200, 900, 300, 2_500, 400, 700, 1_800, 250, 1_200, 300]
        .map(|it| it * slow)
        .to_vec();
    let recording = record(folder.path(), &pauses);
    let text = serde_json::to_string_pretty(&recording).expect("JSON");
    if let Some(file) = kept {
        std::fs::write(file, &text).expect("written");
    }
    lab::write(folder.path(), "notes.har", &text);
    let output = lab::run(
        folder.path(),
        &["report", "piggyback", "--trace", "notes.har", "--json"],
    );
    assert!(output.status.success(), "{}", lab::stderr(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["requests"], pauses.len(), "{report}");
    assert_eq!(report["messages"], "stamps", "{report}");
    for name in ["poll_from", "idle_from", "message_from"] {
        assert_eq!(report["octets"][name], "trace", "{report}");
    }
    let variants = report["variants"].as_array().expect("a list");
    let alone = variants
        .iter()
        .find(|it| it["variant"] == "piggyback" && it["fallback_s"].is_null());
    let alone = alone.expect("piggyback only");
    assert_eq!(alone["requests_per_hour"], 0.0);
    let poll = variants
        .iter()
        .find(|it| it["every_s"] == 10.0)
        .expect("a poll");
    assert_eq!(poll["requests_per_hour"], 360.0);
}
