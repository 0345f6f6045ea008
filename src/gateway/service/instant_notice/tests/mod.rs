//! The service inside its gateway, by requests: registering, logging in, being told, opening; who is refused.

mod hostile;
mod opening;
mod registering;
mod telling;

use core::time::Duration;
use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::{Value, json};

use super::*;
use crate::gateway::Gateway;
use crate::gateway::config::{Config, DeviceProfile, Identity};
use crate::machine::Machine;
use crate::world::{Input, RecordKey, RequestId};

const ALICE: &str = "sip:alice@example.com";
const PASSWORD: &str = "wonderland";
const SECRET: &str = "hook-secret";

/// A gateway that watches `mail` by a hook and `chat` by a webhook, and its records.
struct Bench {
    config: Config,
    gateway: Gateway,
    records: BTreeMap<RecordKey, crate::world::Record>,
    now: Time,
    next: u64,
    facts: Vec<Fact>,
    /// Everything that left but answers to requests: what a device or a push server could see.
    left: Vec<String>,
    mails: u32,
}

fn config(change: impl FnOnce(&mut Watched)) -> Config {
    let secret = SECRET.to_owned();
    let mut mail = Watched::new(Source::Hook {
        secret: secret.clone(),
    });
    mail.passwords = BTreeMap::from([(ALICE.to_owned(), PASSWORD.to_owned())]);
    let mut chat = Watched {
        passwords: mail.passwords.clone(),
        ..Watched::new(Source::Webhook {
            secret,
            window: Duration::from_secs(300),
        })
    };
    chat.form = Form::Bare;
    change(&mut mail);
    let device = |name: &str| DeviceProfile {
        name: name.to_owned(),
        kind: "mobile".to_owned(),
        ..DeviceProfile::default()
    };
    Config {
        identities: vec![Identity {
            pui: ALICE.to_owned(),
            aliases: Vec::new(),
            devices: ["T1", "T2", "T3"].map(device).to_vec(),
        }],
        monitors: BTreeMap::from([("mail".to_owned(), mail), ("chat".to_owned(), chat)]),
        ..Config::default()
    }
}

impl Bench {
    fn new() -> Self {
        Self::with(|_| ())
    }

    fn with(change: impl FnOnce(&mut Watched)) -> Self {
        let config = config(change);
        Self {
            gateway: Gateway::new(config.clone(), Random::from_number(1)),
            config,
            records: BTreeMap::new(),
            now: Time::from_secs(1_000_000),
            next: 0,
            facts: Vec::new(),
            left: Vec::new(),
            mails: 0,
        }
    }

    /// The gateway dies and starts again from its records.
    fn restart(&mut self) {
        self.gateway = Gateway::new(self.config.clone(), Random::from_number(7));
        let records = self.records.values().cloned().collect();
        let mut out = Vec::new();
        self.gateway.restore(self.now, records, &mut out);
        self.take(out);
    }

    fn wait(&mut self, pause: Duration) {
        let end = self.now + pause;
        while let Some(due) = self.gateway.deadline().filter(|due| *due <= end) {
            self.now = due.max(self.now);
            let mut out = Vec::new();
            self.gateway.expire(self.now, &mut out);
            self.take(out);
        }
        self.now = end;
    }

    fn take(&mut self, out: Vec<Output>) -> Option<HttpResponse> {
        let mut answered = None;
        for output in out {
            match output {
                Output::Save(record) => {
                    self.records.insert(record.key.clone(), record);
                }
                Output::Forget(key) => {
                    self.records.remove(&key);
                }
                Output::Respond { response, .. } => answered = Some(response),
                Output::Report(event) => self.facts.push(event.fact),
                other => self.left.push(format!("{other:?}")),
            }
        }
        answered
    }

    fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> HttpResponse {
        let id = RequestId(self.next);
        self.next += 1;
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let request = HttpRequest {
            method: method.to_owned(),
            target: format!("/api/v1/{path}"),
            headers: headers.iter().map(own).collect(),
            body: bytes::Bytes::from(body.to_owned()),
        };
        let peer = SocketAddr::from(([127, 0, 0, 1], 4_000));
        let mut out = Vec::new();
        let input = Input::Request { id, peer, request };
        self.gateway.handle(self.now, input, &mut out);
        self.take(out).expect("an answer at once")
    }

    fn ask(&mut self, method: &str, path: &str, token: &str, body: &Value) -> HttpResponse {
        let authorization = format!("Bearer {token}");
        let headers = match token {
            "" => Vec::new(),
            _ => vec![("authorization", authorization.as_str())],
        };
        self.send(method, path, &headers, &body.to_string())
    }

    fn register(&mut self, device: &str, platform: &str) -> HttpResponse {
        let body = json!({ "account": "alice", "device": device, "platform": platform });
        self.ask("POST", "registrations", "", &body)
    }

    fn login(&mut self, device: &str, password: &str) -> HttpResponse {
        let body = json!({ "account": "alice", "device": device, "password": password });
        self.ask("POST", "login", "", &body)
    }

    /// Registers a device and logs in on it; the login's token.
    fn enter(&mut self, device: &str, platform: &str) -> String {
        assert_eq!(self.register(device, platform).status, 201);
        let login = self.login(device, PASSWORD);
        assert_eq!(login.status, 200);
        self.now = self.now + Duration::from_millis(1);
        body_of(&login)["token"].as_str().unwrap().to_owned()
    }

    fn says(&mut self, device: &str, token: &str, state: &str) {
        let path = format!("devices/{device}/appstate");
        let body = json!({ "app": "mail", "state": state });
        assert_eq!(self.ask("PUT", &path, token, &body).status, 204);
    }

    /// The mail server reports its next mail.
    fn mail(&mut self) -> HttpResponse {
        self.mails += 1;
        let uid = self.mails;
        self.deliver(uid)
    }

    fn deliver(&mut self, uid: u32) -> HttpResponse {
        let body = json!({
            "user": "alice", "event": "messageNew", "folder": "INBOX", "unseen": 1,
            "imap-uidvalidity": 7, "imap-uid": uid, "from": "Bob <bob@example.com>",
            "subject": "Plans", "snippet": "the treasure lies below the oak",
        });
        self.ask("PUT", &format!("hooks/mail/{SECRET}"), "", &body)
    }

    fn count(&self, is: impl Fn(&Fact) -> bool) -> usize {
        self.facts.iter().filter(|fact| is(fact)).count()
    }

    fn news(&self) -> usize {
        self.count(|fact| matches!(fact, Fact::MonNew { .. }))
    }

    /// Devices that were told, in order.
    fn told(&self) -> Vec<&str> {
        let dev = |fact: &'_ Fact| match fact {
            Fact::NoteTx { dev, .. } => Some(dev.clone()),
            _ => None,
        };
        let told = self.facts.iter().filter(move |fact| dev(fact).is_some());
        told.map(|fact| match fact {
            Fact::NoteTx { dev, .. } => dev.as_str(),
            _ => "",
        })
        .collect()
    }

    fn direct(&self) -> usize {
        self.count(|fact| matches!(fact, Fact::DirectTx { .. }))
    }

    fn state(&mut self, app: &str) -> String {
        let monitors = body_of(&self.ask("GET", "monitors", "", &Value::Null));
        let monitors = monitors["monitors"].as_array().unwrap().clone();
        let own = monitors.iter().find(|monitor| monitor["app"] == app);
        own.map_or("idle", |own| own["state"].as_str().unwrap())
            .to_owned()
    }

    /// The pushes that were made of notices.
    fn pushed(&self) -> Vec<String> {
        let all = self.gateway.ledger().all();
        all.map(|(_, push)| String::from_utf8_lossy(&push.content.body).into_owned())
            .collect()
    }

    /// The token in the latest notice.
    fn tapped(&self) -> String {
        let pushed = self.pushed();
        let (_, rest) = pushed.last().unwrap().split_once("/open/").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }
}

fn body_of(response: &HttpResponse) -> Value {
    serde_json::from_slice(&response.body).unwrap()
}

#[test]
fn r1_51_monitors_judgement_and_notices_meet_in_three_interfaces() {
    // What is new comes in by one type, whether a client runs is judged by one function, and what is to be told goes
    // out by one type: each can be used without the others.
    let info = NewInfo {
        account: ALICE.to_owned(),
        source: "mail".to_owned(),
        id: "1".to_owned(),
        ..NewInfo::default()
    };
    let watched = config(|_| ()).monitors;
    let service = InstantNotices::new(watched, Random::from_number(1));
    assert_eq!(service.draft(&info).app, "mail");
    let beat = app_state::judge(Time::EPOCH, None, Duration::from_secs(60), Live::default());
    assert_eq!(beat.0, State::Stopped);
    assert_eq!(Channel::of("sip"), Some(Channel::Sip));
}
