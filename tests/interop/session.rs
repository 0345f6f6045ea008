//! A user logs in on a page of the gateway in Chromium: sessions, what pages of others cannot do, notes.

use std::net::TcpListener;

use serde_json::json;
use sirgate::driver::clock::Clock;
use sirgate::driver::identity::Identity;
use sirgate::driver::observe::{Journal, JournalSettings};
use sirgate::driver::piggyback::Settings;
use sirgate::driver::{Setup, start};
use sirgate::gateway::service::session;
use sirgate::gateway::{Config, Gateway};
use sirgate::random::Random;

use crate::browser::Driver;
use crate::lab::folder;

/// A gateway with the users alice and bob, until the test ends; where.
fn gateway() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async move {
            let journal = Journal::start(&JournalSettings::default()).expect("a journal");
            let mut setup = Setup::new(Clock::start(), journal);
            setup.http.push(listener);
            setup.identity = Identity {
                sessions: true,
                ..Identity::default()
            };
            setup.riding = Some(Settings::default());
            let user = |name: &str| (format!("sip:{name}@example.com"), format!("{name}'s"));
            let config = Config {
                login: Some(session::Settings {
                    users: ["alice", "bob"].map(user).to_vec(),
                    ..session::Settings::default()
                }),
                ..Config::default()
            };
            let gateway = Gateway::new(config, Random::from_number(1));
            let mut handle = start(gateway, setup).expect("it starts");
            let _ = handle.ended().await;
        });
    });
    format!("http://{address}")
}

/// Fills a form and sends it.
fn filled(form: &str, rows: &[(&str, &str)]) -> String {
    let set = rows
        .iter()
        .map(|(name, value)| format!("it.{name}.value = {};", json!(value)));
    let set: String = set.collect();
    format!("const it = document.querySelector('form.{form}'); {set} it.requestSubmit()")
}

const SAID: &str = "return document.querySelector('.answer').textContent";

#[test]
fn a_user_logs_in_writes_to_another_and_no_script_sees_the_session() {
    let (driver, profile, url) = (Driver::start(), folder(), gateway());
    let browser = driver.browser(profile.path());
    browser.open(&format!("{url}/web/notes.html"));
    browser.run(&filled(
        "login",
        &[("account", "alice"), ("password", "wrong")],
    ));
    browser.until("the refusal", SAID, |it| {
        it.as_str()
            .is_some_and(|text| text.contains("another password"))
    });
    browser.run(&filled(
        "login",
        &[("account", "alice"), ("password", "alice's")],
    ));
    browser.until("the login", SAID, |it| {
        it == "Logged in as sip:alice@example.com."
    });
    let cookies = browser.run("return document.cookie");
    let cookies = cookies.as_str().expect("a text");
    assert!(cookies.starts_with("sirgate-csrf=") && !cookies.contains("sirgate="));
    // What does not show the page's own proof changes nothing, although the browser sends the session along.
    let bare = "return (await fetch('/api/v1/apps/site/messages', { method: 'POST', body: '{\"to\":\"alice\",\"title\":\"x\"}' })).status";
    assert_eq!(browser.run(bare), 403);
    // To herself, so that it rides along on the next answer.
    browser.run(&filled("write", &[("to", "alice"), ("title", "lunch")]));
    browser.until("the sending", SAID, |it| it == "Sent as number 1.");
    browser.run("await (await fetch('/livez')).text()");
    let notes = "return [...document.querySelectorAll('.note')].map((it) => it.textContent)";
    browser.until("the note", notes, |it| *it == json!(["lunch"]));
    browser.picture("site-session");
    browser.run("document.querySelector('.logout').click()");
    browser.until("the end", SAID, |it| it == "Logged out.");
    assert_eq!(browser.run("return document.cookie"), "");
}
