//! The service by its requests: registering, asking, publishing, clearing; who is refused.

mod apart;
mod asking;
mod bridge;
mod hostile;
mod lossy;
mod states;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::world::{FetchId, RecordKey, RecordKind, RequestId};

const ALICE: &str = "sip:alice@example.com";
const BOB: &str = "sip:bob@example.com";

/// The service with its store of messages and its records.
struct Bench {
    web: WebMessages,
    messages: Messages,
    records: BTreeMap<RecordKey, Vec<u8>>,
    now: Time,
    next: u64,
    /// Answers that came later, by their requests.
    late: BTreeMap<RequestId, HttpResponse>,
    facts: Vec<Fact>,
    /// Requests to push services that were not answered yet.
    posted: BTreeMap<FetchId, HttpRequest>,
    /// The account that the driver verified, for the next requests.
    verified: Option<String>,
    is_believed: bool,
    initiator: Option<String>,
}

/// A client as a test knows it.
struct Browser {
    id: String,
    token: String,
}

impl Browser {
    fn path(&self, rest: &str) -> String {
        format!("/api/v1/clients/{}{rest}", self.id)
    }
}

impl Bench {
    fn new() -> Self {
        Self::with(Settings::default())
    }

    fn with(settings: Settings) -> Self {
        Self {
            web: WebMessages::new(settings, Random::from_number(1)),
            messages: Messages::default(),
            records: BTreeMap::new(),
            now: Time::from_secs(1_000),
            next: 0,
            late: BTreeMap::new(),
            facts: Vec::new(),
            posted: BTreeMap::new(),
            verified: None,
            is_believed: true,
            initiator: Some("site".to_owned()),
        }
    }

    /// The gateway dies and starts again from its records.
    fn restart(&mut self) {
        self.messages = Messages::default();
        self.posted.clear();
        self.web = WebMessages::new(*self.web.settings(), Random::from_number(self.next));
        for (key, body) in &self.records {
            match key.kind {
                RecordKind::Message => {
                    super::super::super::message::read(body, &mut self.messages).unwrap();
                }
                RecordKind::ServerKey => self.web.restore_key(body).unwrap(),
                _ => self.web.restore(self.now, body).unwrap(),
            }
        }
    }

    fn wait(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
        let mut out = Vec::new();
        let mut desk = Desk {
            now: self.now,
            messages: &mut self.messages,
            out: &mut out,
        };
        self.web.expire(&mut desk);
        self.take(out);
        self.post();
    }

    /// What goes to push services now.
    fn post(&mut self) {
        let mut out = Vec::new();
        let mut desk = Desk {
            now: self.now,
            messages: &mut self.messages,
            out: &mut out,
        };
        let next = &mut self.next;
        self.web.push_out(&mut desk, || {
            *next += 1;
            FetchId(*next)
        });
        self.take(out);
    }

    fn take(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Save(record) => {
                    self.records.insert(record.key, record.body);
                }
                Output::Forget(key) | Output::Erase(key) => {
                    self.records.remove(&key);
                }
                Output::Respond { id, response } => {
                    assert!(self.late.insert(id, response).is_none(), "answered twice");
                }
                Output::Report(event) => self.facts.push(event.fact),
                Output::Fetch { id, request, .. } => {
                    self.posted.insert(id, request);
                }
                other => panic!("not of this service: {other:?}"),
            }
        }
    }

    /// One request; `None` when it waits, under the number that comes with it.
    fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> (RequestId, Option<HttpResponse>) {
        let id = RequestId(self.next);
        self.next += 1;
        let request = HttpRequest {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body: bytes::Bytes::copy_from_slice(body),
        };
        let path = target.split('?').next().unwrap();
        let route = match Route::of(method, path).expect("a path of the service") {
            Ok(route) => route,
            Err(response) => return (id, Some(response)),
        };
        let mut out = Vec::new();
        let mut resolve = |name: &str| match name {
            "alice" | ALICE => Some(ALICE.to_owned()),
            "bob" | BOB => Some(BOB.to_owned()),
            _ => None,
        };
        let refused = || problem(401, "not an initiator", "");
        let asker = Asker {
            id,
            request: &request,
            verified: self.verified.clone(),
            is_believed: self.is_believed,
            initiator: self.initiator.clone().ok_or_else(refused),
            resolve: &mut resolve,
        };
        let mut desk = Desk {
            now: self.now,
            messages: &mut self.messages,
            out: &mut out,
        };
        let answered = self.web.answer(&mut desk, &route, asker);
        self.take(out);
        self.post();
        (id, answered)
    }

    fn ask(&mut self, method: &str, target: &str, token: &str, body: &str) -> HttpResponse {
        let authorization = format!("Bearer {token}");
        let headers = match token {
            "" => Vec::new(),
            _ => vec![("authorization", authorization.as_str())],
        };
        let (_, answered) = self.send(method, target, &headers, body.as_bytes());
        answered.expect("an answer at once")
    }

    fn browser(&mut self, account: Option<&str>) -> Browser {
        let body = json!({ "account": account }).to_string();
        let response = self.ask("POST", "/api/v1/clients", "", &body);
        assert_eq!(response.status, 201);
        let made = body_of(&response);
        Browser {
            id: made["client"].as_str().unwrap().to_owned(),
            token: made["token"].as_str().unwrap().to_owned(),
        }
    }

    fn register(&mut self, browser: &Browser, app: &str, body: &str) -> HttpResponse {
        let path = browser.path(&format!("/apps/{app}"));
        self.ask("PUT", &path, &browser.token, body)
    }

    fn publish(&mut self, app: &str, mut body: Value) -> HttpResponse {
        if body.get("to").is_none() {
            body["to"] = json!("alice");
        }
        let path = format!("/api/v1/apps/{app}/messages");
        self.ask("POST", &path, "", &body.to_string())
    }

    fn publish_titled(&mut self, app: &str, title: &str) -> u64 {
        let response = self.publish(app, json!({ "title": title }));
        assert_eq!(response.status, 201);
        body_of(&response)["seq"].as_u64().unwrap()
    }

    fn poll(&mut self, browser: &Browser, after: u64) -> HttpResponse {
        let path = browser.path(&format!("/messages?after={after}"));
        self.ask("GET", &path, &browser.token, "")
    }

    /// A question that waits; its number.
    fn wait_for(&mut self, browser: &Browser, query: &str) -> RequestId {
        let authorization = format!("Bearer {}", browser.token);
        let path = browser.path(&format!("/messages?{query}"));
        let headers = [("authorization", authorization.as_str())];
        let (id, answered) = self.send("GET", &path, &headers, b"");
        assert_eq!(answered, None);
        id
    }

    fn clear(&mut self, browser: &Browser, app: &str, upto: u64) -> HttpResponse {
        let path = browser.path(&format!("/apps/{app}/clear"));
        let body = json!({ "upto": upto }).to_string();
        self.ask("POST", &path, &browser.token, &body)
    }
}

fn body_of(response: &HttpResponse) -> Value {
    serde_json::from_slice(&response.body).unwrap()
}

fn header<'a>(response: &'a HttpResponse, name: &str) -> &'a str {
    let found = response.headers.iter().find(|(known, _)| known == name);
    found.map_or("", |(_, value)| value)
}

/// Applications and titles of a packet, in order.
fn told(response: &HttpResponse) -> Vec<(String, String)> {
    assert_eq!(response.status, 200);
    let body = body_of(response);
    let messages = body["messages"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let told = messages.iter();
    told.map(|one| (text(&one["appid"]), text(&one["title"])))
        .collect()
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(app, title): &(&str, &str)| ((*app).to_owned(), (*title).to_owned());
    of.iter().map(own).collect()
}
