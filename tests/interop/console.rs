//! The console in Chromium: every page, a push from the composer to its end, faults, ladders that are known to break.

use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::browser::{Browser, Driver};
use crate::lab::{self, Process};

/// A demo of its own, and where it is.
struct Site {
    folder: TempDir,
    base: String,
    demo: Option<Process>,
}

impl Site {
    fn new() -> Self {
        let port = lab::free_port();
        let mut site = Self {
            folder: tempfile::tempdir().expect("a folder"),
            base: format!("http://127.0.0.1:{port}"),
            demo: None,
        };
        site.start();
        site
    }

    fn start(&mut self) {
        let port = self.base.rsplit(':').next().expect("a port");
        let arguments = ["demo", "--port", port];
        self.demo = Some(Process::start(self.folder.path(), &arguments, "console"));
    }

    /// A browser with an empty profile.
    fn browser<'a>(&self, driver: &'a Driver) -> Browser<'a> {
        let profile = self.folder.path().join("profile");
        std::fs::create_dir(&profile).expect("a folder");
        let browser = driver.browser(&profile);
        browser.size(1_400, 900);
        browser
    }

    fn page(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Pushes from the command line, and waits for the end; the push-id.
    fn push(&self, more: &[&str]) -> String {
        let mut arguments = vec!["push", "alice", "hello", "--json", "--api", &self.base];
        arguments.extend_from_slice(more);
        let output = lab::run(self.folder.path(), &arguments);
        assert!(output.status.success(), "{}", lab::stderr(&output));
        let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let id = answer["push_id"].as_str().or_else(|| answer["id"].as_str());
        id.unwrap_or_else(|| panic!("{answer}")).to_owned()
    }
}

/// Controls that say nothing to those who do not see them.
fn nameless(browser: &Browser<'_>) -> Vec<String> {
    let controls = browser.controls();
    assert!(controls.len() > 8, "the frame alone has more");
    let silent = |role: &str, name: &str| {
        name.is_empty() || matches!(role, "" | "generic" | "none" | "presentation")
    };
    let all = controls.into_iter();
    all.filter(|(_, role, name)| silent(role, name))
        .map(|it| format!("{it:?}"))
        .collect()
}

/// What the page asked for elsewhere than where it is from.
const ABROAD: &str = "return performance.getEntriesByType('resource').map((it) => it.name).filter((it) => !it.startsWith(location.origin))";

fn script(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/interop");
    std::fs::read_to_string(folder.join(name)).expect("the script")
}

/// Texts that do not stand out, controls without names, requests elsewhere, errors: a page has none of them.
fn judge(browser: &Browser<'_>, name: &str, scheme: &str, contrast: &str) {
    let judged = browser.run(contrast);
    assert_eq!(judged["faults"], json!([]), "{name} {scheme}");
    assert!(judged["looked"].as_u64() > Some(15), "{name}: {judged}");
    let title = browser.run("return [document.title, document.querySelectorAll('h1').length]");
    assert_eq!(title[1], 1, "{name}: {title}");
    assert!(
        title[0]
            .as_str()
            .is_some_and(|it| it.ends_with(" · sirgate")),
        "{title}"
    );
    browser.picture(&format!("console-{name}-{scheme}"));
    if scheme == "light" {
        assert_eq!(nameless(browser), [] as [String; 0], "{name}");
    }
    assert_eq!(browser.run(ABROAD), json!([]), "{name}");
    assert_eq!(browser.errors(), [] as [String; 0], "{name} {scheme}");
}

#[test]
fn every_page_names_its_controls_stands_out_and_stays_at_home() {
    let site = Site::new();
    let driver = Driver::start();
    let browser = site.browser(&driver);
    let push = site.push(&["--plan", "fanout+id", "--only", "C1"]);
    browser.open(&site.page(&format!("/p/{push}")));
    let message = "return document.querySelector('.row[data-line=sip]')?.dataset.seq";
    let message = browser.until("a message", message, Value::is_string);
    let pages = [
        ("overview", "/".to_owned()),
        ("push", format!("/p/{push}")),
        (
            "message",
            format!("/m/{}", message.as_str().expect("its number")),
        ),
        ("identities", "/i".to_owned()),
        ("identity", "/i/sip%3Aalice%40example.com".to_owned()),
        ("compose", "/compose".to_owned()),
        ("live", "/live".to_owned()),
        ("devices", "/d".to_owned()),
        ("device", "/d/C1".to_owned()),
        ("faults", "/faults".to_owned()),
        ("status", "/status".to_owned()),
    ];
    let contrast = script("contrast.js");
    for scheme in ["light", "dark"] {
        browser.prefer(scheme);
        for (name, path) in &pages {
            browser.open(&site.page(path));
            browser.until(
                "live",
                "return document.querySelector('.state').dataset.state",
                |it| it == "live",
            );
            if *name == "push" {
                browser.until(
                    "rows",
                    "return document.querySelectorAll('.row').length",
                    |it| it.as_u64() > Some(3),
                );
                browser.click(".row[data-line=sip]");
                browser.until(
                    "fields",
                    "return document.querySelectorAll('.octet').length",
                    |it| it.as_u64() > Some(100),
                );
            }
            judge(&browser, name, scheme, &contrast);
        }
    }
}

/// From a row of the ladder into its message: fields mark octets, octets mark fields.
fn into_octets(browser: &Browser<'_>) {
    browser.until(
        "the SIR",
        "return document.querySelectorAll('.row[data-line=sip]').length",
        |it| it.as_u64() > Some(2),
    );
    browser.click(".row[data-line=sip]");
    let paths = "return [...document.querySelectorAll('[data-path]')].map((it) => it.dataset.path)";
    let paths = browser.until("its fields", paths, |it| {
        it.as_array().is_some_and(|it| it.len() > 10)
    });
    assert!(
        paths.to_string().contains("sia."),
        "the body is read, too: {paths}"
    );
    let both_ways = "
        const field = document.querySelector('[data-path^=\"sia.\"]');
        field.focus();
        const marked = [...document.querySelectorAll('.octet.is-marked')].map((it) => it.textContent).join('');
        const octet = document.querySelector('.octet[data-field=\"0\"]');
        octet.dispatchEvent(new MouseEvent('mouseover', { bubbles: true }));
        return [marked, document.querySelector('li.is-marked').dataset.path];";
    let marked = browser.run(both_ways);
    assert!(
        marked[0].as_str().is_some_and(|it| !it.is_empty()),
        "{marked}"
    );
    assert_eq!(marked[1], "sip.start");
}

#[test]
fn a_push_goes_from_the_composer_to_its_end_and_into_its_octets() {
    let site = Site::new();
    let driver = Driver::start();
    let browser = site.browser(&driver);
    browser.open(&site.page("/compose"));
    browser.click("input[name=devices][value=C1]");
    browser.click("select[name=plan] option[value='fanout+id']");
    let plan = "return [...document.querySelectorAll('.plans tbody tr')].map((row) => row.innerText.replaceAll('\\t', ' '))";
    let rows = browser.until("the plan", plan, |it| {
        it[0]
            .as_str()
            .is_some_and(|row| row.contains("named in it"))
    });
    assert!(
        rows[1].as_str().expect("a row").contains("not wanted"),
        "{rows}"
    );
    let line = "return document.querySelector('.command code').textContent";
    let line = browser.run(line);
    assert!(
        line.as_str().is_some_and(|it| it
            .starts_with("sirgate push sip:alice@example.com hello --only C1 --plan fanout+id")),
        "{line}"
    );
    let octets = browser.run("return document.querySelectorAll('sg-inspector .octet').length");
    assert!(
        octets.as_u64() > Some(200),
        "the octets of the SIR are shown before it is sent: {octets}"
    );

    browser.click("form.compose button.main");
    let outcome = "return document.querySelector('.outcome')?.textContent";
    browser.until("the end", outcome, |it| {
        it.as_str().is_some_and(|it| it.starts_with("✓ delivered"))
    });
    let devices = "return [...document.querySelectorAll('.devices tbody tr')].map((row) => row.innerText.replaceAll('\\t', ' '))";
    let devices = browser.until("devices", devices, |it| {
        it[2]
            .as_str()
            .is_some_and(|row| row.contains("skip mismatch"))
    });
    let row = devices[0].as_str().expect("a row");
    assert!(
        row.contains("connect match") && row.contains("5 octets") && row.contains("delivered"),
        "{devices}"
    );

    into_octets(&browser);
    assert_eq!(browser.errors(), [] as [String; 0]);
}

#[test]
fn the_overview_is_live_can_be_held_and_survives_a_restart() {
    let mut site = Site::new();
    let driver = Driver::start();
    let browser = site.browser(&driver);
    browser.open(&site.page("/"));
    let lines = "return [...document.querySelectorAll('[data-push]')].map((it) => it.dataset.push)";
    let first = site.push(&["--only", "C1"]);
    browser.until("its line", lines, |it| *it == json!([first]));
    browser.click("sg-live button");
    let second = site.push(&["--only", "C2"]);
    browser.until("events wait", "return sirgate.model.waiting", |it| {
        it.as_u64() > Some(10)
    });
    assert_eq!(browser.run(lines), json!([first]));
    browser.click("sg-live button");
    browser.until("both lines, latest first", lines, |it| {
        *it == json!([second, first])
    });
    let states = "return [...document.querySelectorAll('[data-push] td:last-child')].map((it) => it.textContent)";
    browser.until("their ends", states, |it| {
        let all = it
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        all.filter(|state| state.starts_with("✓ delivered")).count() == 2
    });

    // The gateway counts from 1 again: the page says so, and goes on.
    site.demo = None;
    let broken = "return document.querySelector('.state').dataset.state";
    browser.until("it is missed", broken, |it| it == "broken");
    site.start();
    let third = site.push(&["--only", "C1"]);
    browser.until("the line after the restart", lines, |it| {
        it[0] == third.as_str()
    });
    let gap = browser.run("return document.querySelector('.gap').textContent");
    assert_eq!(gap, "△ the gateway was started anew");
}

#[test]
fn a_fault_that_is_set_in_its_page_hits_and_stands_above_all_pages() {
    let site = Site::new();
    let driver = Driver::start();
    let browser = site.browser(&driver);
    browser.open(&site.page("/faults"));
    browser.click("select[name=kind] option[value=sir]");
    browser.run("const first = document.querySelector('input[name=first]'); first.value = '1'; first.dispatchEvent(new Event('input', { bubbles: true }))");
    let line = browser.run("return document.querySelector('.command code').textContent");
    assert!(
        line.as_str()
            .is_some_and(|it| it.starts_with("sirgate fault add drop --kind sir --first 1")),
        "{line}"
    );
    browser.click("form button.main");
    let strip = "return document.querySelector('sg-strip').textContent";
    browser.until("the strip", strip, |it| {
        it.as_str().is_some_and(|it| it.contains("1 fault active"))
    });
    site.push(&["--only", "C1", "--timeout", "25s"]);
    browser.until("its hit", strip, |it| {
        it.as_str().is_some_and(|it| it.contains("(1 hits)"))
    });
    browser.click("nav a[href='/status']");
    browser.until(
        "the other page",
        "return document.documentElement.dataset.page",
        |it| it == "/status",
    );
    browser.picture("console-strip");
    browser.click("sg-strip button");
    browser.accept();
    browser.until("nothing is active", strip, |it| it == "");
    assert_eq!(browser.errors(), [] as [String; 0]);
}

#[test]
fn what_the_planner_knows_of_a_device_is_changed_in_the_page_of_its_identity() {
    let site = Site::new();
    let driver = Driver::start();
    let browser = site.browser(&driver);
    browser.open(&site.page("/i/sip%3Aalice%40example.com"));
    browser.click("section[aria-label='Device C3'] select[name=deliver] option[value=never]");
    browser.click("section[aria-label='Device C3'] form button");
    browser.until(
        "it is changed",
        "return document.querySelector('main > p[role=status]').textContent",
        |it| it == "✓ C3 is changed",
    );
    browser.open(&site.page("/compose"));
    let plan = "return [...document.querySelectorAll('.plans tbody tr')].at(-1)?.innerText";
    browser.until("the plan leaves it out", plan, |it| {
        it.as_str()
            .is_some_and(|it| it.contains("nothing: preference"))
    });
    browser.open(&site.page("/i"));
    let row = browser.run("return [...document.querySelectorAll('tbody tr')].at(-1).innerText");
    assert!(row.as_str().is_some_and(|it| it.contains("never")), "{row}");
}

#[test]
fn ladders_that_are_known_to_break_do_not() {
    let site = Site::new();
    let driver = Driver::start();
    let browser = site.browser(&driver);
    browser.open(&site.page("/status"));
    let seen = browser.run(&script("ladders.js"));
    assert_eq!(seen["none"], json!({ "rows": 0, "says": true }));
    assert_eq!(seen["oneLane"], json!({ "rows": 3, "lanes": 1 }));
    assert_eq!(seen["manyLanes"]["lanes"], 200);
    assert!(seen["manyLanes"]["rows"].as_u64() <= Some(60), "{seen}");
    for place in ["manyLanes", "toSelf"] {
        assert!(
            seen[place]["off"].as_f64() < Some(1.0),
            "arrows end on lanes: {seen}"
        );
    }
    assert_eq!(seen["toSelf"]["spoken"], "0.0000 s, C1 to C1, sip OPTIONS");
    assert_eq!(
        seen["equalTimes"],
        json!({ "seqs": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "times": 1 })
    );
    assert_eq!(
        seen["shrinks"],
        json!({ "atEnd": 1000, "afterFilter": [400, 800], "afterNothing": [], "top": 0 })
    );
    let trimmed = &seen["trimmed"];
    assert_eq!(
        (&trimmed["kept"], &trimmed["first"]),
        (&json!(800), &json!(1201))
    );
    assert!(
        trimmed["before"].is_number() && trimmed["before"] == trimmed["after"],
        "{trimmed}"
    );
    assert_eq!(
        seen["keys"],
        json!({ "inspected": [2, 99, 1], "compared": [[2, 100]], "active": 1, "selected": 1 })
    );
    assert_eq!(seen["table"], json!({ "cells": 6, "heads": 6 }));
    assert_eq!(browser.errors(), [] as [String; 0]);
}

#[test]
fn a_stream_goes_on_where_it_broke_and_tells_what_is_missing() {
    let site = Site::new();
    let driver = Driver::start();
    let browser = site.browser(&driver);
    browser.open(&site.page("/status"));
    let seen = browser.run(&script("stream.js"));
    let told = json!([
        7,
        "12 the gateway keeps no more",
        20,
        "0 the gateway was started anew"
    ]);
    assert_eq!(seen["told"], told);
    // After the last whole event; then from the beginning, when the gateway counts anew.
    assert_eq!(seen["asked"], json!(["3", "20", "0"]));
}

/// Prints the figures of docs/performance.md.
#[test]
fn a_ladder_of_fifty_thousand_messages_has_few_rows() {
    let site = Site::new();
    let driver = Driver::start();
    let browser = site.browser(&driver);
    browser.open(&site.page("/status"));
    let measured = browser.run(&script("measure.js"));
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load {} milliseconds {measured}", load.trim());
    assert_eq!(measured["kept"], 50_000);
    assert!(measured["rows"].as_u64() <= Some(60), "{measured}");
}
