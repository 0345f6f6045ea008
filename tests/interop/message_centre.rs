//! The message centre in Chromium: messages of web applications polled, routed, stored, shown, cleared, restored.

use serde_json::{Value, json};

use crate::browser::{Browser, Driver};
use crate::lab::{self, Process};
use crate::{Ports, lab::folder};

const ALICE: &str = "[webapp]\ninterval_ms = 1000\n[[identity]]\npui = \"sip:alice@example.com\"\n\
                     [[identity.device]]\nname = \"C1\"\nid = [\"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"]\n";

/// What stands on the icons, by application.
const BADGES: &str = "return Object.fromEntries([...document.querySelectorAll('.icon')]\
                      .map((it) => [it.dataset.app, it.querySelector('.badge')?.textContent ?? '']))";

struct Site {
    ports: Ports,
    folder: tempfile::TempDir,
    _gateway: Process,
}

impl Site {
    fn new() -> Self {
        let (folder, ports) = (folder(), Ports::free());
        let gateway = ports.serve(folder.path(), ALICE);
        Self {
            ports,
            folder,
            _gateway: gateway,
        }
    }

    fn page(&self, query: &str) -> String {
        format!("{}/web/?account=alice&{query}", self.ports.api())
    }

    fn publish(&self, app: &str, title: &str) {
        let body = json!({ "to": "sip:alice@example.com", "title": title, "summary": "s" });
        let url = format!("{}/api/v1/apps/{app}/messages", self.ports.api());
        let headers = [("content-type", "application/json")];
        let answer = lab::http(&url, "POST", &headers, body.to_string().as_bytes());
        let (status, body) = answer.expect("the gateway answers");
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(&body));
    }

    /// How many events of that name the gateway told.
    fn told(&self, name: &str) -> usize {
        let url = format!(
            "{}/api/v1/events?since=0&follow=false&match={name}",
            self.ports.api()
        );
        let (_, body) = lab::http(&url, "GET", &[], b"").expect("the gateway answers");
        let text = String::from_utf8(body).expect("text");
        text.lines().filter(|line| line.contains(name)).count()
    }
}

/// How many facts of that name the page has.
fn facts(browser: &Browser<'_>, name: &str) -> u64 {
    let script = format!("return sirgate.facts.filter((it) => it.ev === '{name}').length");
    browser.run(&script).as_u64().expect("a number")
}

fn waits_for_rows(browser: &Browser<'_>, count: u64) {
    let rows = "return (await sirgate.centre.store.load()).length";
    browser.until("rows", rows, |it| it.as_u64() == Some(count));
}

#[test]
fn s0_1_messages_are_shown_cleared_and_survive_a_crash_of_the_browser() {
    let site = Site::new();
    let driver = Driver::start();
    let profile = site.folder.path().join("profile");
    std::fs::create_dir(&profile).expect("a folder");
    let page = site.page("transport=poll&apps=mail,news&interval=2");

    let browser = driver.browser(&profile);
    browser.open(&page);
    for (app, title) in [("mail", "1"), ("mail", "2"), ("news", "3"), ("game", "4")] {
        site.publish(app, title);
    }
    waits_for_rows(&browser, 3);
    let badges = browser.run(BADGES);
    assert_eq!(
        (&badges["mail"], &badges["news"]),
        (&json!("2"), &json!("1"))
    );
    assert_eq!(badges["game"], "");
    assert_eq!(facts(&browser, "mc.route"), 3);
    assert_eq!(facts(&browser, "mc.store"), 3);
    assert_eq!(facts(&browser, "mc.drop"), 0);
    assert_eq!(site.told("web.app"), 2);
    browser.picture("message-centre");

    browser.click("[data-app=mail]");
    waits_for_rows(&browser, 1);
    assert_eq!(facts(&browser, "mc.clear"), 1);
    assert_eq!(browser.errors(), [] as [String; 0]);
    browser.kill();

    let browser = driver.browser(&profile);
    browser.open(&page);
    let badges = browser.run(BADGES);
    assert_eq!(
        (&badges["mail"], &badges["news"]),
        (&json!(""), &json!("1"))
    );
    // What was stored is shown before the gateway is asked.
    let first = browser.run("return sirgate.facts.map((it) => it.ev).filter((it) => /^(mc.restore|poll.req)$/.test(it))");
    assert_eq!(first[0], "mc.restore");
    assert_eq!(site.told("web.client"), 1, "the browser is the same client");
    // Two registered, one was cleared, two registered again.
    assert_eq!(site.told("web.app"), 5);
}

#[test]
fn an_application_without_a_routine_is_dropped_and_kept_where_that_is_wanted() {
    let driver = Driver::start();
    for (unknown, dropped, rows) in [("drop", 1, 1), ("keep", 0, 2)] {
        let site = Site::new();
        let profile = site.folder.path().join(unknown);
        std::fs::create_dir(&profile).expect("a folder");
        let browser = driver.browser(&profile);
        browser.open(&site.page(&format!(
            "transport=poll&apps=mail&interval=1&unknown={unknown}"
        )));
        // Registered at the gateway, but no routine here.
        browser.run("await sirgate.centre.client.send('apps/game', 'PUT', {})");
        site.publish("game", "whose?");
        site.publish("mail", "mine");
        waits_for_rows(&browser, rows);
        browser.until(
            "routed",
            "return sirgate.facts.filter((it) => it.ev === 'mc.route').length",
            |it| *it == 1,
        );
        assert_eq!(facts(&browser, "mc.drop"), dropped);
        if unknown == "keep" {
            browser.run("await sirgate.centre.register('game', () => {})");
            browser.until("the badge", BADGES, |it| it["game"] == "1");
        }
    }
}

#[test]
fn every_transport_brings_the_same() {
    let driver = Driver::start();
    for transport in ["poll", "long", "sse", "ws"] {
        let site = Site::new();
        let profile = site.folder.path().join(transport);
        std::fs::create_dir(&profile).expect("a folder");
        let browser = driver.browser(&profile);
        browser.open(&site.page(&format!("transport={transport}&apps=mail,news&interval=1")));
        for (app, title) in [("mail", "1"), ("news", "2"), ("mail", "3")] {
            site.publish(app, title);
        }
        let badges = browser.until("the badges", BADGES, |it| it["mail"] == "2");
        assert_eq!(badges["news"], "1", "{transport}");
        assert_eq!(facts(&browser, "mc.route"), 3, "{transport}");
        browser.click("[data-app=mail]");
        waits_for_rows(&browser, 1);
        assert_eq!(browser.errors(), [] as [String; 0], "{transport}");
    }
}

#[test]
fn r0_23_eight_tabs_make_one_request_a_period() {
    let site = Site::new();
    let driver = Driver::start();
    let profile = site.folder.path().join("tabs");
    std::fs::create_dir(&profile).expect("a folder");
    let browser = driver.browser(&profile);
    let page = site.page("transport=poll&apps=mail&interval=1");
    browser.open(&page);
    let first = browser.front();
    for _ in 0..7 {
        browser.tab();
        browser.open(&page);
        assert_eq!(facts(&browser, "mc.lead"), 0, "another tab leads");
        assert_eq!(facts(&browser, "poll.req"), 0);
    }
    // A message that the leader fetches is shown in the tab in front.
    site.publish("mail", "1");
    browser.until("the badge", BADGES, |it| it["mail"] == "1");
    assert_eq!(facts(&browser, "mc.route"), 1);
    assert_eq!(site.told("web.client"), 1);
    browser.switch(&first);
    assert_eq!(facts(&browser, "mc.lead"), 1);
    let asked: Value =
        browser.run("return sirgate.facts.filter((it) => it.ev === 'poll.req').length");
    assert_eq!(
        asked.as_u64().map(usize::try_from),
        Some(Ok(site.told("poll.req")))
    );
}

#[test]
fn r0_11_r0_22_the_timer_keeps_its_period_and_follows_advice() {
    let site = Site::new();
    let driver = Driver::start();
    let profile = site.folder.path().join("clock");
    std::fs::create_dir(&profile).expect("a folder");
    let browser = driver.browser(&profile);
    browser.open(&site.page("transport=poll&apps=mail"));
    // An hour on a clock of our own, against answers of our own.
    let script = "
        const { Puller, Facts } = await import('/web/message-centre.js');
        const hour = async (advice) => {
            let now = 0, asked = [], timers = new Map(), next = 1;
            const clock = {
                setTimeout: (what, ms) => (timers.set(next, { what, at: now + ms }), next++),
                clearTimeout: (timer) => timers.delete(timer),
            };
            const fetch = async () => {
                asked.push(now / 1000);
                return new Response(null, { status: 204, headers: advice ? { 'sirgate-poll': advice } : {} });
            };
            const puller = new Puller({ fetch, after: async () => 0, take: async () => {}, facts: new Facts(), clock });
            puller.start();
            while (timers.size > 0) {
                const [timer, { what, at }] = [...timers].sort((a, b) => a[1].at - b[1].at)[0];
                if (at > 3600_000) break;
                timers.delete(timer);
                now = at;
                await what();
            }
            puller.stop();
            return asked;
        };
        return { usual: await hour(null), advised: await hour('interval=120, jitter=10') };";
    let asked = browser.run(script);
    let times = |name: &str| -> Vec<f64> {
        let times = asked[name].as_array().expect("a list").iter();
        times.filter_map(Value::as_f64).collect()
    };
    let usual = times("usual");
    assert!((59..=62).contains(&usual.len()), "{}", usual.len());
    assert!(
        usual[0] <= 6.0,
        "the first comes within the window of the jitter"
    );
    for pair in times("advised").windows(2) {
        let pause = pair[1] - pair[0];
        assert!((108.0..=132.0).contains(&pause), "{pause}");
    }
}
