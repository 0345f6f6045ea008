//! A push service between browsers and application servers, without sockets.

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::codec::web_push::encryption::{KeyPair, Subscriber, decrypt, encrypt};
use crate::codec::web_push::{of_text, to_text, vapid};
use crate::world::{HttpRequest, HttpResponse, Record, RecordKey};

const ORIGIN: &str = "http://127.0.0.1:8080";
const CHANNEL: &str = "d9b74644-4f97-46aa-b8fa-9393985cd6cd";
const START: u64 = 1_767_261_600;

/// A service, what it wrote, and what is durable.
struct Bench {
    service: PushService,
    now: Time,
    out: Vec<Output>,
    records: Vec<Record>,
    states: Vec<(String, String)>,
    closed: Vec<LinkId>,
}

impl Bench {
    fn new() -> Self {
        Self::with(Config::at(ORIGIN))
    }

    fn with(config: Config) -> Self {
        Self {
            service: PushService::new(config, Random::from_number(7)),
            now: Time::from_secs(START),
            out: Vec::new(),
            records: Vec::new(),
            states: Vec::new(),
            closed: Vec::new(),
        }
    }

    /// A program that died and came back with what was durable.
    fn restarted(self) -> Self {
        let mut again = Self::new();
        again.now = self.now;
        let mut records = self.records;
        records.sort_by_key(|record| record.key.kind != crate::world::RecordKind::PushAgent);
        for record in &records {
            again.service.restore(record).unwrap();
        }
        again.records = records;
        again
    }

    /// Performs what was asked for; gives the messages to a link.
    fn perform(&mut self, to: LinkId) -> Vec<Value> {
        let mut messages = Vec::new();
        for output in self.out.drain(..) {
            match output {
                Output::Message { link, text } if link == to => {
                    messages.push(serde_json::from_str(&text).unwrap());
                }
                Output::Close { link } => self.closed.push(link),
                Output::Save(record) => {
                    self.records.retain(|old| old.key != record.key);
                    self.records.push(record);
                }
                Output::Forget(key) | Output::Erase(key) => {
                    self.records.retain(|old| old.key != key)
                }
                Output::Report(Event {
                    fact: Fact::WpMsg { msg, state, .. },
                    ..
                }) => self.states.push((msg, state)),
                _ => {}
            }
        }
        messages
    }

    fn say(&mut self, link: u64, message: &Value) -> Vec<Value> {
        let link = LinkId(link);
        self.service
            .message(self.now, link, &message.to_string(), &mut self.out);
        self.perform(link)
    }

    fn open(&mut self, link: u64) {
        self.service.opened(self.now, LinkId(link));
    }

    fn close(&mut self, link: u64) {
        self.service.closed(self.now, LinkId(link), &mut self.out);
        self.perform(LinkId(link));
    }

    /// A browser comes, with the number it has; gives its number, and what waited for it.
    fn hello(&mut self, link: u64, agent: Option<&str>) -> (String, Vec<Value>) {
        self.open(link);
        let hello = json!({"messageType": "hello", "uaid": agent, "use_webpush": true});
        let mut told = self.say(link, &hello);
        let answer = told.remove(0);
        assert_eq!(answer["status"], 200, "{answer}");
        (answer["uaid"].as_str().unwrap().to_owned(), told)
    }

    /// It subscribes; gives the path of the resource.
    fn register(&mut self, link: u64, key: Option<&KeyPair>) -> String {
        let key = key.map(|keys| to_text(keys.public()));
        let register = json!({"messageType": "register", "channelID": CHANNEL, "key": key});
        let told = self.say(link, &register);
        assert_eq!((&told[0]["status"], told.len()), (&json!(200), 1));
        let endpoint = told[0]["pushEndpoint"].as_str().unwrap();
        endpoint.strip_prefix(ORIGIN).unwrap().to_owned()
    }

    fn ask(
        &mut self,
        method: &str,
        path: &str,
        rows: &[(&str, &str)],
        body: &[u8],
    ) -> HttpResponse {
        let request = HttpRequest {
            method: method.to_owned(),
            target: path.to_owned(),
            headers: rows
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body: Bytes::copy_from_slice(body),
        };
        let route = Route::of(path).unwrap();
        self.service
            .request(self.now, route, &request, &mut self.out)
    }

    fn push(&mut self, path: &str, rows: &[(&str, &str)], body: &[u8]) -> HttpResponse {
        self.ask("POST", path, rows, body)
    }

    /// A push without content that is kept for a minute; gives its path.
    fn taken(&mut self, path: &str) -> String {
        let answer = self.push(path, &[("ttl", "60")], b"");
        assert_eq!(answer.status, 201, "{answer:?}");
        location(&answer)
    }

    fn ends(&self) -> Vec<&str> {
        let ends = self.states.iter().map(|(_, state)| state.as_str());
        ends.filter(|state| !matches!(*state, "taken" | "sent" | "acked"))
            .collect()
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
        self.service.expire(self.now, &mut self.out);
        self.perform(LinkId(u64::MAX));
    }
}

fn location(answer: &HttpResponse) -> String {
    let mut rows = answer.headers.iter();
    let (_, location) = rows.find(|(name, _)| name == "location").unwrap();
    location.strip_prefix(ORIGIN).unwrap().to_owned()
}

fn ack(version: &Value, code: u16) -> Value {
    json!({"messageType": "ack", "updates": [{"channelID": CHANNEL, "version": version, "code": code}]})
}

fn browser_keys() -> KeyPair {
    KeyPair::of(&[11; 32]).unwrap()
}

fn content(text: &[u8]) -> Vec<u8> {
    let subscriber = Subscriber {
        public: *browser_keys().public(),
        auth: [5; 16],
    };
    let sender = KeyPair::of(&[12; 32]).unwrap();
    encrypt(&subscriber, &sender, &[6; 16], text).unwrap()
}

const WITH_CONTENT: &[(&str, &str)] = &[("ttl", "60"), ("content-encoding", "aes128gcm")];

#[test]
fn a_push_reaches_the_browser_and_is_over_when_it_is_acknowledged() {
    let mut bench = Bench::new();
    bench.hello(1, None);
    let path = bench.register(1, None);
    let answer = bench.push(&path, WITH_CONTENT, &content(b"hello"));
    assert_eq!(answer.status, 201);
    let saved = |output: &Output| matches!(output, Output::Save(_));
    let sent = |output: &Output| matches!(output, Output::Message { .. });
    let save = bench.out.iter().position(saved).unwrap();
    assert!(save < bench.out.iter().position(sent).unwrap());
    let told = bench.perform(LinkId(1));
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["headers"]["encoding"], "aes128gcm");
    let octets = of_text(told[0]["data"].as_str().unwrap()).unwrap();
    let opened = decrypt(&browser_keys(), &[5; 16], &octets);
    assert_eq!(opened.as_deref(), Ok(&b"hello"[..]));
    assert_eq!(bench.records.len(), 2);
    assert!(bench.say(1, &ack(&told[0]["version"], 100)).is_empty());
    assert_eq!(bench.ends(), ["done"]);
    assert_eq!(bench.records.len(), 1, "the subscription alone is kept");
    bench.close(1);
}

#[test]
fn a_push_for_a_browser_that_is_away_waits_for_it_and_survives_a_restart() {
    let mut bench = Bench::new();
    let (agent, _) = bench.hello(1, None);
    let key = KeyPair::of(&[1; 32]).unwrap();
    let path = bench.register(1, Some(&key));
    bench.close(1);
    let end = Time::from_secs(START + 3_600);
    let token = vapid::sign(&key, ORIGIN, end, None);
    let rows = [&[("authorization", &*token)], WITH_CONTENT].concat();
    let answer = bench.push(&path, &rows, &content(b"later"));
    assert_eq!(answer.status, 201);
    bench.perform(LinkId(1));
    let mut bench = bench.restarted();
    bench.pass(59);
    let (again, waiting) = bench.hello(2, Some(&agent));
    assert_eq!(again, agent);
    assert_eq!(waiting.len(), 1);
    let path_of_it = format!("/wpush/m/{}", waiting[0]["version"].as_str().unwrap());
    assert_eq!(path_of_it, location(&answer));
    assert_eq!(
        bench.push(&path, WITH_CONTENT, &content(b"no")).status,
        401,
        "the key is known still"
    );
    bench.pass(1);
    assert_eq!(bench.ends(), ["expired"]);
    assert_eq!(bench.records.len(), 1);
}

#[test]
fn a_browser_that_never_acknowledges_gets_a_push_four_times_and_no_more() {
    let mut bench = Bench::new();
    let (agent, _) = bench.hello(1, None);
    let path = bench.register(1, None);
    bench.taken(&path);
    assert_eq!(bench.perform(LinkId(1)).len(), 1);
    for link in 2..5 {
        bench.close(link - 1);
        assert_eq!(bench.hello(link, Some(&agent)).1.len(), 1, "{link}");
    }
    bench.close(4);
    assert!(bench.hello(5, Some(&agent)).1.is_empty());
    assert_eq!(bench.ends(), ["given-up"]);
}

#[test]
fn a_push_replaces_one_of_its_topic_to_the_same_subscription() {
    let mut bench = Bench::new();
    let (agent, _) = bench.hello(1, None);
    let path = bench.register(1, None);
    bench.close(1);
    for topic in ["a", "b", "a"] {
        let answer = bench.push(&path, &[("ttl", "60"), ("topic", topic)], b"");
        assert_eq!(answer.status, 201);
    }
    bench.perform(LinkId(1));
    let (_, waiting) = bench.hello(2, Some(&agent));
    let topics: Vec<&Value> = waiting.iter().map(|push| &push["topic"]).collect();
    assert_eq!(topics, ["b", "a"]);
    assert_eq!(bench.ends(), ["replaced"]);
}

#[test]
fn a_push_without_time_is_for_now_or_never() {
    let mut bench = Bench::new();
    let (agent, _) = bench.hello(1, None);
    let path = bench.register(1, None);
    assert_eq!(bench.push(&path, &[("ttl", "0")], b"").status, 201);
    assert_eq!(bench.perform(LinkId(1)).len(), 1);
    assert_eq!(bench.records.len(), 1, "it is not kept");
    bench.close(1);
    assert_eq!(bench.push(&path, &[("ttl", "0")], b"").status, 201);
    assert!(bench.hello(2, Some(&agent)).1.is_empty());
    bench.perform(LinkId(2));
    assert_eq!(bench.ends(), ["expired", "expired"]);
}

#[test]
fn a_push_is_taken_back_by_its_own_url_once() {
    let mut bench = Bench::new();
    let (agent, _) = bench.hello(1, None);
    let path = bench.register(1, None);
    bench.close(1);
    let push = bench.taken(&path);
    bench.perform(LinkId(1));
    assert_eq!(bench.ask("DELETE", &push, &[], b"").status, 204);
    let erased = |output: &Output| matches!(output, Output::Erase(_));
    assert!(bench.out.iter().any(erased), "no crash brings it back");
    assert_eq!(bench.ask("DELETE", &push, &[], b"").status, 404);
    bench.perform(LinkId(1));
    assert_eq!(bench.records.len(), 1);
    assert!(bench.hello(2, Some(&agent)).1.is_empty());
}

#[test]
fn nobody_acknowledges_the_pushes_of_others() {
    let mut bench = Bench::new();
    bench.hello(1, None);
    let path = bench.register(1, None);
    bench.taken(&path);
    let told = bench.perform(LinkId(1));
    bench.hello(2, None);
    bench.say(2, &ack(&told[0]["version"], 100));
    assert!(bench.ends().is_empty());
    // Whoever calls itself by a number nobody has gets one of its own.
    let (other, waiting) = bench.hello(3, Some("ffffffffffffffffffffffffffffffff"));
    assert_ne!(other, "ffffffffffffffffffffffffffffffff");
    assert!(waiting.is_empty());
}

#[test]
fn a_subscription_is_unknown_before_it_is_made_and_gone_when_it_is_over() {
    let mut bench = Bench::new();
    bench.hello(1, None);
    assert_eq!(
        bench.push("/wpush/v2/none", &[("ttl", "1")], b"").status,
        404
    );
    let path = bench.register(1, None);
    assert_eq!(bench.register(1, None), path, "made once");
    bench.taken(&path);
    bench.perform(LinkId(1));
    let over = json!({"messageType": "unregister", "channelID": CHANNEL, "code": 200});
    let told = bench.say(1, &over);
    assert_eq!(told[0]["status"], 200);
    assert_eq!(bench.ends(), ["unsubscribed"]);
    assert_eq!(bench.push(&path, &[("ttl", "1")], b"").status, 410);
    bench.close(1);
    let mut bench = bench.restarted();
    assert_eq!(bench.push(&path, &[("ttl", "1")], b"").status, 410);
}

#[test]
fn a_restricted_subscription_takes_pushes_of_its_own_application_server_alone() {
    let mut bench = Bench::new();
    bench.hello(1, None);
    let (own, other) = (
        KeyPair::of(&[1; 32]).unwrap(),
        KeyPair::of(&[2; 32]).unwrap(),
    );
    let path = bench.register(1, Some(&own));
    let end = |seconds: u64| Time::from_secs(START + seconds);
    let mut status = |keys: &KeyPair, audience: &str, end: Time| {
        let token = vapid::sign(keys, audience, end, Some("mailto:a@example.com"));
        let rows = [("ttl", "60"), ("authorization", &token)];
        bench.push(&path, &rows, b"").status
    };
    assert_eq!(status(&own, ORIGIN, end(3_600)), 201);
    assert_eq!(status(&other, ORIGIN, end(3_600)), 403, "another key");
    let elsewhere = "https://push.example.net";
    assert_eq!(status(&own, elsewhere, end(3_600)), 403, "another service");
    assert_eq!(
        status(&own, ORIGIN, Time::from_secs(START - 61)),
        403,
        "over"
    );
    assert_eq!(status(&own, ORIGIN, end(90_000)), 403, "longer than a day");
    let token = vapid::sign(&own, ORIGIN, end(3_600), None);
    let key = token.rsplit_once("k=").unwrap().1.to_owned();
    let forged = vapid::sign(&other, ORIGIN, end(3_600), None);
    let forged = format!("{}k={key}", forged.rsplit_once("k=").unwrap().0);
    let rows = [("ttl", "60"), ("authorization", &*forged)];
    assert_eq!(
        bench.push(&path, &rows, b"").status,
        403,
        "its key, and no signature of it"
    );
    let rows = [("ttl", "60"), ("authorization", "Basic YTpi")];
    assert_eq!(bench.push(&path, &rows, b"").status, 403);
    let answer = bench.push(&path, &[("ttl", "60")], b"");
    assert_eq!(answer.status, 401);
    let challenge = ("www-authenticate".to_owned(), "vapid".to_owned());
    assert!(answer.headers.contains(&challenge));
}

#[test]
fn what_no_browser_could_open_and_what_is_not_demanded_well_is_400() {
    let mut bench = Bench::new();
    bench.hello(1, None);
    let path = bench.register(1, None);
    let good = content(b"x");
    let coded = ("content-encoding", "aes128gcm");
    let ttl = ("ttl", "60");
    let long = "t".repeat(33);
    for (rows, body) in [
        (&[coded][..], &good[..]),
        (&[("ttl", "-1"), coded], &good),
        (&[ttl, coded, ("topic", &long)], &good),
        (&[ttl, coded, ("urgency", "soon")], &good),
        (&[ttl], &good),
        (&[ttl, ("content-encoding", "aesgcm")], &good),
        (&[ttl, ("content-encoding", "gzip")], &good),
        (&[ttl, coded], b"not encrypted"),
        (&[ttl, coded], &good[..90]),
        (&[ttl, coded], b""),
    ] {
        let answer = bench.push(&path, rows, body);
        assert_eq!(answer.status, 400, "{rows:?} {answer:?}");
    }
    assert_eq!(bench.push(&path, &[ttl, coded], &good).status, 201);
    assert_eq!(bench.ask("GET", &path, &[], b"").status, 405);
}

#[test]
fn content_of_4096_octets_is_taken_and_one_octet_more_is_413() {
    let mut bench = Bench::new();
    bench.hello(1, None);
    let path = bench.register(1, None);
    let most = content(&[7; 3993]);
    assert_eq!(bench.push(&path, WITH_CONTENT, &most).status, 201);
    let more = [&most[..], b"x"].concat();
    assert_eq!(bench.push(&path, WITH_CONTENT, &more).status, 413);
}

#[test]
fn a_flood_to_one_subscription_is_429_and_ends() {
    let mut config = Config::at(ORIGIN);
    config.burst = 3;
    let mut bench = Bench::with(config);
    bench.hello(1, None);
    let path = bench.register(1, None);
    for _ in 0..3 {
        bench.taken(&path);
    }
    let answer = bench.push(&path, &[("ttl", "60")], b"");
    assert_eq!(answer.status, 429);
    let pause = ("retry-after".to_owned(), "1".to_owned());
    assert!(answer.headers.contains(&pause), "{answer:?}");
    bench.pass(1);
    bench.taken(&path);
}

#[test]
fn so_many_pushes_wait_for_a_browser_as_the_limit_says_and_no_more() {
    let mut config = Config::at(ORIGIN);
    config.burst = u32::MAX;
    let mut bench = Bench::with(config);
    let (agent, _) = bench.hello(1, None);
    let path = bench.register(1, None);
    bench.close(1);
    for _ in 0..limits::WEB_PUSHES_PER_AGENT {
        bench.taken(&path);
    }
    assert_eq!(bench.push(&path, &[("ttl", "60")], b"").status, 429);
    let (_, waiting) = bench.hello(2, Some(&agent));
    assert_eq!(waiting.len(), limits::WEB_PUSHES_PER_AGENT);
}

#[test]
fn a_browser_that_acknowledges_nothing_goes_on_getting_pushes() {
    for ttl in ["0", "60"] {
        let mut config = Config::at(ORIGIN);
        config.burst = u32::MAX;
        let mut bench = Bench::with(config);
        bench.hello(1, None);
        let path = bench.register(1, None);
        for n in 0..limits::WEB_PUSHES_PER_AGENT * 2 {
            let answer = bench.push(&path, &[("ttl", ttl)], b"");
            assert_eq!(answer.status, 201, "{n}");
            assert_eq!(bench.perform(LinkId(1)).len(), 1, "{n}");
        }
        assert_eq!(bench.ends().len(), limits::WEB_PUSHES_PER_AGENT);
    }
}

#[test]
fn a_push_that_replaces_another_needs_no_room() {
    let mut config = Config::at(ORIGIN);
    config.burst = u32::MAX;
    let mut bench = Bench::with(config);
    bench.hello(1, None);
    let path = bench.register(1, None);
    bench.close(1);
    let topical = [("ttl", "60"), ("topic", "t")];
    assert_eq!(bench.push(&path, &topical, b"").status, 201);
    for _ in 1..limits::WEB_PUSHES_PER_AGENT {
        bench.taken(&path);
    }
    assert_eq!(bench.push(&path, &[("ttl", "60")], b"").status, 429);
    assert_eq!(bench.push(&path, &topical, b"").status, 201);
}

#[test]
fn a_content_coding_is_named_in_any_case() {
    let mut bench = Bench::new();
    bench.hello(1, None);
    let path = bench.register(1, None);
    let rows = [("ttl", "60"), ("content-encoding", "AES128GCM")];
    assert_eq!(bench.push(&path, &rows, &content(b"x")).status, 201);
}

#[test]
fn a_browser_that_breaks_the_rules_is_cut_off() {
    for message in [
        json!([]),
        json!({"messageType": "register", "channelID": CHANNEL}),
        json!({"messageType": "hello", "uaid": 7}),
    ] {
        let mut bench = Bench::new();
        bench.open(1);
        assert!(bench.say(1, &message).is_empty());
        assert_eq!(bench.closed, [LinkId(1)], "{message}");
        assert!(!bench.service.has(LinkId(1)));
    }
    let mut bench = Bench::new();
    bench.open(1);
    bench.pass(30);
    assert_eq!(bench.closed, [LinkId(1)], "silent");
    bench.hello(2, None);
    for _ in 0..2_000 {
        bench.say(2, &json!({}));
    }
    assert_eq!(bench.closed, [LinkId(1), LinkId(2)], "too many messages");
}

#[test]
fn a_browser_is_cut_off_for_many_octets_as_for_many_messages() {
    let mut bench = Bench::new();
    bench.hello(1, None);
    let text = "x".repeat(limits::PUSH_SOCKET_OCTETS - 100);
    let large = json!({"messageType": "urgency", "of": text});
    for _ in 0..15 {
        bench.say(1, &large);
    }
    assert!(bench.closed.is_empty());
    bench.say(1, &large);
    assert_eq!(bench.closed, [LinkId(1)]);
}

#[test]
fn a_browser_that_comes_a_second_time_ends_its_first_connection() {
    let mut bench = Bench::new();
    let (agent, _) = bench.hello(1, None);
    let path = bench.register(1, None);
    bench.hello(2, Some(&agent));
    assert_eq!(bench.closed, [LinkId(1)]);
    bench.taken(&path);
    assert_eq!(bench.perform(LinkId(2)).len(), 1);
}

#[test]
fn a_ping_is_answered_and_what_is_not_known_is_let_pass() {
    let mut bench = Bench::new();
    bench.hello(1, None);
    assert_eq!(bench.say(1, &json!({})), [json!({})]);
    let follow = json!({"messageType": "broadcast_subscribe", "broadcasts": {"a": "b"}});
    assert!(bench.say(1, &follow).is_empty());
    assert!(bench.say(1, &json!({"messageType": "urgency"})).is_empty());
    assert!(bench.closed.is_empty());
}

#[test]
fn a_browser_has_so_many_subscriptions_as_the_limit_and_no_more() {
    let mut bench = Bench::new();
    bench.hello(1, None);
    let mut register = |number: usize| {
        let channel = format!("00000000-0000-4000-8000-{number:012}");
        let register = json!({"messageType": "register", "channelID": channel});
        bench.say(1, &register)[0]["status"].clone()
    };
    for number in 0..limits::PUSH_CHANNELS_PER_AGENT {
        assert_eq!(register(number), 200);
    }
    assert_eq!(register(limits::PUSH_CHANNELS_PER_AGENT), 503);
}

#[test]
fn a_record_that_cannot_be_read_is_refused() {
    let mut bench = Bench::new();
    let record = |kind, id: &str, body: &str| Record {
        key: RecordKey {
            kind,
            id: id.to_owned(),
        },
        pui: None,
        live: true,
        due: None,
        body: body.as_bytes().to_vec(),
    };
    use crate::world::RecordKind::{PushAgent, WebPush};
    for (kind, id, body) in [
        (PushAgent, "a", "{"),
        (PushAgent, "a", r#"{"v":2,"channels":[],"gone":[]}"#),
        (WebPush, "x", "{}"),
        (
            WebPush,
            "1",
            r#"{"v":1,"agent":"a","channel":"d9b74644-4f97-46aa-b8fa-9393985cd6cd","resource":"r","version":"v","urgency":"normal","ttl":1,"taken":0,"content":""}"#,
        ),
    ] {
        assert!(
            bench.service.restore(&record(kind, id, body)).is_err(),
            "{body}"
        );
    }
}
