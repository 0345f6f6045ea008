//! Messages for closed pages: what a push service gets, what its answers do, who is refused.

use super::*;
use crate::codec::web_push::demand::Demand;
use crate::codec::web_push::encryption::{KeyPair, decrypt};
use crate::codec::web_push::vapid::Vapid;
use crate::codec::web_push::{public_key, to_text};
use crate::world::FetchError;

const SERVICE: &str = "http://127.0.0.1:9000";
const AUTH: [u8; 16] = [7; 16];

/// The browser behind a client: its keys, and where it is reached.
struct Subscriber {
    keys: KeyPair,
    endpoint: String,
}

impl Subscriber {
    fn new(number: u8) -> Self {
        Self {
            keys: KeyPair::of(&[number; 32]).unwrap(),
            endpoint: format!("{SERVICE}/wpush/v2/secret{number}"),
        }
    }

    fn json(&self) -> Value {
        json!({
            "endpoint": self.endpoint,
            "expirationTime": null,
            "keys": { "p256dh": to_text(self.keys.public()), "auth": to_text(&AUTH) },
        })
    }

    fn open(&self, request: &HttpRequest) -> Value {
        let text = decrypt(&self.keys, &AUTH, &request.body).unwrap();
        serde_json::from_slice(&text).unwrap()
    }
}

impl Bench {
    fn subscribe(&mut self, browser: &Browser, body: &Value) -> HttpResponse {
        let path = browser.path("/subscription");
        self.ask("PUT", &path, &browser.token, &body.to_string())
    }

    /// A client of alice with the application `mail`, reached by pushes.
    fn subscribed(&mut self) -> (Browser, Subscriber) {
        let browser = self.browser(Some("alice"));
        self.register(&browser, "mail", "");
        let subscriber = Subscriber::new(1);
        assert_eq!(self.subscribe(&browser, &subscriber.json()).status, 201);
        (browser, subscriber)
    }

    /// The one request that waits for its answer.
    fn the_push(&self) -> (FetchId, HttpRequest) {
        assert_eq!(self.posted.len(), 1, "{:?}", self.posted.keys());
        let (id, request) = self.posted.first_key_value().unwrap();
        (*id, request.clone())
    }

    fn service_says(&mut self, answer: &Result<HttpResponse, FetchError>) {
        let (id, _) = self.the_push();
        self.posted.remove(&id);
        let mut out = Vec::new();
        let mut desk = Desk {
            now: self.now,
            messages: &mut self.messages,
            out: &mut out,
        };
        assert!(self.web.pushed(&mut desk, id, answer));
        self.take(out);
        self.post();
    }

    fn service_answers(&mut self, status: u16, headers: &[(&str, &str)]) {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        self.service_says(&Ok(HttpResponse {
            status,
            headers: headers.iter().map(own).collect(),
            body: bytes::Bytes::new(),
        }));
    }

    /// What became of pushes, in order.
    fn fates(&self) -> Vec<&str> {
        let fates = self.facts.iter().filter_map(|fact| match fact {
            Fact::WpOut { state, .. } => Some(state.as_str()),
            _ => None,
        });
        fates.collect()
    }
}

#[test]
fn a_message_is_encrypted_to_its_browser_and_signed_with_the_key_that_it_subscribed_with() {
    let mut bench = Bench::new();
    let (browser, subscriber) = bench.subscribed();
    let path = browser.path("/subscription");
    let shown = body_of(&bench.ask("GET", &path, &browser.token, ""));
    assert_eq!(shown["endpoint"], json!(subscriber.endpoint));
    let message = json!({
        "title": "Hello", "summary": "text", "topic": "in box", "urgency": "high", "ttl": 600,
        "data": { "n": 1 },
    });
    bench.publish("mail", message);

    let (_, request) = bench.the_push();
    assert_eq!(request.target, subscriber.endpoint);
    assert_eq!(request.header("content-encoding"), Some("aes128gcm"));
    let demand = Demand::of(|name| request.header(name)).unwrap();
    assert_eq!(demand.ttl.as_secs(), 600);
    assert_eq!(demand.urgency.name(), "high");
    assert_eq!(demand.topic.unwrap().len(), 32);
    let shows = request.header("authorization").unwrap();
    let vapid = Vapid::decode(shows.as_bytes()).unwrap();
    assert_eq!(vapid.check(bench.now, &[SERVICE]), Ok(()));
    assert_eq!(Some(vapid.key), public_key(shown["key"].as_str().unwrap()));
    let packet = subscriber.open(&request);
    assert_eq!(packet["cursor"], 1);
    assert_eq!(packet["messages"][0]["title"], "Hello");
    assert_eq!(packet["messages"][0]["data"]["n"], 1);
    bench.service_answers(201, &[]);
    assert_eq!(bench.fates(), ["sent", "taken"]);
    assert!(bench.posted.is_empty());
}

#[test]
fn what_a_push_service_took_stays_until_the_page_says_that_it_has_it() {
    let mut bench = Bench::new();
    let (browser, _) = bench.subscribed();
    bench.publish_titled("mail", "1");
    bench.service_answers(201, &[]);
    assert_eq!(told(&bench.poll(&browser, 0)), pairs(&[("mail", "1")]));
    let path = browser.path("/ack");
    let acked = bench.ask("POST", &path, &browser.token, r#"{"upto":1}"#);
    assert_eq!(acked.status, 204);
    assert_eq!(bench.web.take_acked().len(), 1);
    assert_eq!(bench.poll(&browser, 1).status, 204);
}

#[test]
fn one_push_of_a_client_is_under_way_at_a_time_and_they_come_in_order() {
    let mut bench = Bench::new();
    let (_, subscriber) = bench.subscribed();
    for title in ["1", "2", "3"] {
        bench.publish_titled("mail", title);
    }
    for title in ["1", "2", "3"] {
        let (_, request) = bench.the_push();
        let packet = subscriber.open(&request);
        assert_eq!(packet["messages"][0]["title"], title);
        bench.service_answers(201, &[]);
    }
    assert!(bench.posted.is_empty());
}

#[test]
fn who_listens_is_told_directly_and_what_is_not_for_it_is_not_pushed() {
    let mut bench = Bench::new();
    let (browser, _) = bench.subscribed();
    bench.publish_titled("news", "not registered");
    assert!(bench.posted.is_empty());
    let id = bench.wait_for(&browser, "after=0&wait=25");
    bench.publish_titled("mail", "1");
    assert!(bench.posted.is_empty());
    assert_eq!(told(&bench.late[&id]), pairs(&[("mail", "1")]));
}

#[test]
fn a_subscription_that_is_gone_ends_and_the_message_is_asked_for() {
    for status in [404, 410] {
        let mut bench = Bench::new();
        let (browser, _) = bench.subscribed();
        bench.publish_titled("mail", "1");
        bench.service_answers(status, &[]);
        assert_eq!(bench.fates(), ["sent", "gone"]);
        bench.publish_titled("mail", "2");
        assert!(bench.posted.is_empty());
        let both = pairs(&[("mail", "1"), ("mail", "2")]);
        assert_eq!(told(&bench.poll(&browser, 0)), both);
        let path = browser.path("/subscription");
        let shown = body_of(&bench.ask("GET", &path, &browser.token, ""));
        assert_eq!(shown["endpoint"], Value::Null);
    }
}

#[test]
fn a_push_service_that_wants_time_gets_it_and_no_more_than_five_tries() {
    let mut bench = Bench::new();
    let (_, subscriber) = bench.subscribed();
    bench.publish_titled("mail", "1");
    bench.service_answers(429, &[("retry-after", "120")]);
    bench.publish_titled("mail", "2");
    bench.wait(119);
    assert!(bench.posted.is_empty());
    bench.wait(2);
    let (_, request) = bench.the_push();
    assert_eq!(subscriber.open(&request)["messages"][0]["title"], "1");
    for answer in [503, 500, 502] {
        bench.service_answers(answer, &[]);
        assert!(bench.posted.is_empty());
        bench.wait(601);
    }
    bench.service_says(&Err(FetchError::TimedOut));
    bench.wait(86_400);
    assert!(bench.posted.is_empty());
    assert_eq!(bench.fates().last(), Some(&"given-up"));
    // The next message begins with the first that was not pushed.
    bench.publish_titled("mail", "3");
    for title in ["1", "2", "3"] {
        let (_, request) = bench.the_push();
        assert_eq!(subscriber.open(&request)["messages"][0]["title"], title);
        bench.service_answers(201, &[]);
    }
}

#[test]
fn what_is_too_large_for_a_push_is_asked_for_by_the_browser() {
    let mut bench = Bench::new();
    let (_, subscriber) = bench.subscribed();
    bench.publish(
        "mail",
        json!({ "title": "1", "summary": "x".repeat(5_000) }),
    );
    let (_, request) = bench.the_push();
    let packet = subscriber.open(&request);
    assert_eq!(
        (&packet["messages"], &packet["more"]),
        (&json!([]), &json!(true))
    );
    bench.service_answers(201, &[]);

    bench.publish(
        "mail",
        json!({ "title": "2", "summary": "x".repeat(2_000) }),
    );
    let (_, request) = bench.the_push();
    assert!(request.body.len() > 2_000);
    bench.service_answers(413, &[]);
    let (_, request) = bench.the_push();
    assert!(request.body.len() < 300);
    assert_eq!(subscriber.open(&request)["more"], true);
    bench.service_answers(413, &[]);
    let fates = ["sent", "taken", "sent", "too-large", "sent", "refused"];
    assert_eq!(bench.fates(), fates);
}

#[test]
fn a_redirect_is_not_followed_and_ten_refusals_end_the_subscription() {
    let mut bench = Bench::new();
    let (browser, subscriber) = bench.subscribed();
    for number in 0..10 {
        bench.publish_titled("mail", &number.to_string());
        let (_, request) = bench.the_push();
        assert_eq!(request.target, subscriber.endpoint);
        bench.service_answers(307, &[("location", "http://10.0.0.1/")]);
    }
    bench.publish_titled("mail", "more");
    assert!(bench.posted.is_empty());
    assert_eq!(told(&bench.poll(&browser, 0)).len(), 11);
}

#[test]
fn hostile_subscriptions_are_refused_with_a_sentence() {
    let mut bench = Bench::new();
    let browser = bench.browser(Some("alice"));
    let good = Subscriber::new(1).json();
    let with = |path: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(path).unwrap() = value;
        body
    };
    let mut off_curve = *Subscriber::new(1).keys.public();
    off_curve[64] ^= 1;
    for (body, status, why) in [
        (
            with("/endpoint", json!("https://push.example.com/x")),
            403,
            "was not told to call",
        ),
        (
            with("/endpoint", json!("http://192.168.0.1/x")),
            403,
            "private address",
        ),
        (
            with("/endpoint", json!("http://a:b@127.0.0.1/x")),
            422,
            "password",
        ),
        (with("/endpoint", json!("x")), 422, "no URL"),
        (
            with("/keys/p256dh", json!(to_text(&off_curve))),
            422,
            "no point of P-256",
        ),
        (with("/keys/p256dh", json!("AAAA")), 422, "p256dh"),
        (with("/keys/auth", json!("AAAA")), 422, "auth"),
        (json!({ "endpoint": "http://127.0.0.1/x" }), 422, "keys"),
    ] {
        let answer = bench.subscribe(&browser, &body);
        let said = body_of(&answer)["detail"].as_str().unwrap().to_owned();
        assert_eq!(answer.status, status, "{said}");
        assert!(said.contains(why), "{said}");
    }
    bench.publish_titled("mail", "1");
    assert!(bench.posted.is_empty());
    let other = bench.browser(Some("bob"));
    let path = browser.path("/subscription");
    for (method, token, status) in [
        ("PUT", "", 401),
        ("PUT", other.token.as_str(), 403),
        ("GET", other.token.as_str(), 403),
        ("DELETE", browser.token.as_str(), 404),
        ("POST", browser.token.as_str(), 405),
    ] {
        let answer = bench.ask(method, &path, token, &good.to_string());
        assert_eq!(answer.status, status, "{method}");
    }
}

#[test]
fn a_browser_is_pushed_to_for_one_client_only() {
    let mut bench = Bench::new();
    let (_, subscriber) = bench.subscribed();
    let bob = bench.browser(Some("bob"));
    bench.register(&bob, "mail", "");
    assert_eq!(bench.subscribe(&bob, &subscriber.json()).status, 201);
    bench.publish_titled("mail", "for alice");
    assert!(bench.posted.is_empty());
    bench.publish("mail", json!({ "to": "bob", "title": "for bob" }));
    let (_, request) = bench.the_push();
    assert_eq!(subscriber.open(&request)["messages"][0]["title"], "for bob");
    // Who knows the place without the keys takes it from nobody.
    let thief = bench.browser(Some("alice"));
    let mut theirs = Subscriber::new(2).json();
    theirs["endpoint"] = json!(subscriber.endpoint);
    assert_eq!(bench.subscribe(&thief, &theirs).status, 201);
    bench.service_answers(201, &[]);
    bench.publish("mail", json!({ "to": "bob", "title": "again" }));
    let (_, request) = bench.the_push();
    assert_eq!(subscriber.open(&request)["messages"][0]["title"], "again");
}

#[test]
fn key_subscription_and_what_was_not_pushed_survive_a_restart() {
    let mut bench = Bench::new();
    let (browser, subscriber) = bench.subscribed();
    bench.publish_titled("mail", "1");
    bench.service_answers(201, &[]);
    bench.publish_titled("mail", "2");
    let path = browser.path("/subscription");
    let before = bench.ask("GET", &path, &browser.token, "");
    bench.restart();
    bench.post();
    let (_, request) = bench.the_push();
    assert_eq!(subscriber.open(&request)["messages"][0]["title"], "2");
    let after = bench.ask("GET", &path, &browser.token, "");
    assert_eq!(body_of(&before), body_of(&after));
    bench.service_answers(201, &[]);
    assert!(bench.posted.is_empty());
}

#[test]
fn another_user_of_a_client_gets_none_of_what_was_under_way() {
    let mut bench = Bench::new();
    let (browser, subscriber) = bench.subscribed();
    bench.publish_titled("mail", "for alice");
    let (early, _) = bench.the_push();
    let login = json!({ "account": "bob" }).to_string();
    let path = browser.path("");
    assert_eq!(bench.ask("PUT", &path, &browser.token, &login).status, 200);
    bench.posted.remove(&early);
    bench.publish_titled("mail", "for alice too");
    assert!(bench.posted.is_empty());
    bench.publish("mail", json!({ "to": "bob", "title": "for bob" }));
    let (_, request) = bench.the_push();
    assert_eq!(subscriber.open(&request)["messages"][0]["title"], "for bob");
}

#[test]
fn nothing_of_a_message_or_of_its_place_is_in_the_log() {
    let mut bench = Bench::new();
    let (_, subscriber) = bench.subscribed();
    bench.publish("mail", json!({ "title": "very private", "topic": "love" }));
    let (_, request) = bench.the_push();
    let outside = format!("{request:?}");
    assert!(!outside.contains("very private") && !outside.contains("love"));
    bench.service_answers(410, &[]);
    let log = format!("{:?}", bench.facts);
    for secret in ["very private", "love", "secret1", &subscriber.endpoint] {
        assert!(!log.contains(secret), "{log}");
    }
}
