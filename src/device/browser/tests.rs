//! The browser's requests, answer by answer.

use super::*;

fn config() -> Config {
    Config {
        name: "B1".to_owned(),
        base: "http://gw/api/v1".to_owned(),
        account: Some("alice".to_owned()),
        handled: vec!["mail".to_owned(), "news".to_owned()],
        unhandled: vec!["game".to_owned()],
        modules: Modules::default(),
        interval: Duration::from_secs(60),
        jitter: 10,
        push_service: None,
    }
}

/// A browser, and what it asked for.
struct Bench {
    browser: Browser,
    now: Time,
    asked: Vec<(FetchId, String)>,
    facts: Vec<Fact>,
}

impl Bench {
    fn new(deeds: Vec<(Time, Deed)>) -> Self {
        Self {
            browser: Browser::new(config(), deeds, Random::from_number(1)),
            now: Time::EPOCH,
            asked: Vec::new(),
            facts: Vec::new(),
        }
    }

    fn take(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Fetch { id, request, .. } => {
                    let line = format!("{} {}", request.method, request.target);
                    let body = String::from_utf8(request.body.to_vec()).unwrap();
                    self.asked
                        .push((id, format!("{line} {body}").trim().to_owned()));
                }
                Output::Report(event) => self.facts.push(event.fact),
                other => panic!("{other:?}"),
            }
        }
    }

    fn until(&mut self, end: Time) {
        while let Some(due) = self.browser.deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            let mut out = Vec::new();
            self.browser.expire(self.now, &mut out);
            self.take(out);
            if !self.asked.is_empty() {
                return;
            }
        }
    }

    fn answer(&mut self, status: u16, body: &str) -> String {
        let (id, line) = self.asked.remove(0);
        let response = Ok(HttpResponse {
            status,
            headers: Vec::new(),
            body: Bytes::from(body.to_owned()),
        });
        let mut out = Vec::new();
        let input = Input::Response { id, response };
        self.browser.handle(self.now, input, &mut out);
        self.take(out);
        line
    }

    /// The home page is open, registered and asks for the first time.
    fn opened(deeds: &[(Time, Deed)]) -> Self {
        let mut all = vec![(Time::EPOCH, Deed::Open)];
        all.extend_from_slice(deeds);
        let mut bench = Self::new(all);
        bench.until(Time::EPOCH);
        bench.answer(201, r#"{"client":"c1","token":"t1"}"#);
        for _ in 0..3 {
            bench.answer(201, "");
        }
        bench
    }
}

#[test]
fn r0_2_r0_3_opening_the_page_alone_registers_its_applications() {
    let mut bench = Bench::new(vec![(Time::EPOCH, Deed::Open)]);
    bench.until(Time::EPOCH);
    let made = bench.answer(201, r#"{"client":"c1","token":"t1"}"#);
    assert_eq!(
        made,
        r#"POST http://gw/api/v1/clients {"account":"alice","agent":"B1"}"#
    );
    let lines: Vec<&str> = bench.asked.iter().map(|(_, line)| line.as_str()).collect();
    let wanted = [
        r#"PUT http://gw/api/v1/clients/c1/apps/mail {"title":"mail"}"#,
        r#"PUT http://gw/api/v1/clients/c1/apps/news {"title":"news"}"#,
        r#"PUT http://gw/api/v1/clients/c1/apps/game {"title":"game"}"#,
    ];
    assert_eq!(lines, wanted);
}

#[test]
fn r0_20_messages_of_a_packet_go_to_the_centre_and_are_acknowledged() {
    let mut bench = Bench::opened(&[]);
    bench.until(Time::from_secs(10));
    let packet = r#"{"cursor":9,"messages":[{"seq":7,"appid":"mail"},{"seq":9,"appid":"game"}]}"#;
    let asked = bench.answer(200, packet);
    assert_eq!(asked, "GET http://gw/api/v1/clients/c1/messages");
    let routed =
        |fact: &&Fact| matches!(fact, Fact::McRoute { app, message: 7, .. } if app == "mail");
    assert_eq!(bench.facts.iter().filter(routed).count(), 1);
    let dropped = |fact: &&Fact| matches!(fact, Fact::McDrop { app, .. } if app == "game");
    assert_eq!(bench.facts.iter().filter(dropped).count(), 1);
    let ack = bench.answer(204, "");
    assert_eq!(ack, r#"POST http://gw/api/v1/clients/c1/ack {"upto":9}"#);
}

#[test]
fn r0_34_a_click_is_told_to_the_gateway_with_the_last_message_it_clears() {
    let click = (Time::from_secs(20), Deed::Click("mail".to_owned()));
    let mut bench = Bench::opened(&[click]);
    bench.until(Time::from_secs(10));
    bench.answer(200, r#"{"cursor":7,"messages":[{"seq":7,"appid":"mail"}]}"#);
    bench.answer(204, "");
    bench.until(Time::from_secs(20));
    let told = bench.answer(204, "");
    assert_eq!(
        told,
        r#"POST http://gw/api/v1/clients/c1/apps/mail/clear {"upto":7}"#
    );
    assert_eq!(bench.browser.centre().rows(), 0);
}

#[test]
fn r0_36_after_a_restart_the_stored_messages_are_shown_before_anything_is_asked() {
    let restart = (Time::from_secs(20), Deed::Restart);
    let mut bench = Bench::opened(&[restart]);
    bench.until(Time::from_secs(10));
    bench.answer(200, r#"{"cursor":7,"messages":[{"seq":7,"appid":"mail"}]}"#);
    bench.answer(204, "");
    bench.facts.clear();
    bench.until(Time::from_secs(20));
    assert!(matches!(&bench.facts[0], Fact::BadgeSet { app, n: 1, .. } if app == "mail"));
    // The same client, not a new one.
    assert!(
        bench.asked[0]
            .1
            .starts_with("PUT http://gw/api/v1/clients/c1/apps/mail")
    );
}

#[test]
fn a_page_that_could_not_make_itself_known_tries_again() {
    let mut bench = Bench::new(vec![(Time::EPOCH, Deed::Open)]);
    bench.until(Time::EPOCH);
    bench.answer(503, "");
    bench.until(Time::from_secs(5));
    assert!(
        bench
            .answer(201, "{}")
            .starts_with("POST http://gw/api/v1/clients")
    );
}

#[test]
fn s0_3_a_hundred_browsers_that_open_together_do_not_ask_together() {
    let mut seconds: BTreeMap<u64, usize> = BTreeMap::new();
    for number in 0..100 {
        let deeds = vec![(Time::EPOCH, Deed::Open)];
        let mut bench = Bench::new(Vec::new());
        bench.browser = Browser::new(config(), deeds, Random::from_number(number));
        bench.until(Time::EPOCH);
        bench.answer(201, r#"{"client":"c1","token":"t1"}"#);
        for _ in 0..3 {
            bench.answer(201, "");
        }
        loop {
            bench.until(Time::from_secs(600));
            if bench.asked.is_empty() {
                break;
            }
            assert!(bench.answer(304, "").starts_with("GET "));
            *seconds.entry(bench.now.secs()).or_default() += 1;
        }
    }
    let all: usize = seconds.values().sum();
    assert!((900..=1_100).contains(&all), "{all}");
    let most = seconds.values().max().unwrap();
    assert!(*most * 20 <= all, "{most} of {all} in one second");
}
