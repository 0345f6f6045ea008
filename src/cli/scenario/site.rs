//! Scenarios about messages that ride along (S4.*): the real layer, the real gateway and its store, in virtual time.
//!
//! **Source:** requirements section 5.5. A site of one user answers his requests; beside it stand what a page of the
//! snippet keeps, and a page that polls. No socket is opened, and time passes as the scenario says.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::http::request::Parts;
use hyper::{Request, Response};
use serde_json::{Value, json};
use tower_service::Service;

use crate::codec::site_message::{ASKS, Stamp, UNREAD};
use crate::driver::piggyback::{Piggyback, Settings, UnreadSource};
use crate::event::{Event, Fact};
use crate::gateway::{Config, Gateway};
use crate::machine::Machine;
use crate::random::Random;
use crate::sim::stage::START;
use crate::time::Time;
use crate::world::{HttpRequest, HttpResponse, Input, Output, RecordKind, RequestId};

/// The user of the site.
pub(super) const ALICE: &str = "sip:alice@example.com";
/// Who asks the gateway: programs on the same machine.
const SELF: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9);

/// The gateway, what it told, and what it wrote.
struct Inner {
    gateway: Gateway,
    now: Time,
    events: Vec<Event>,
    written: usize,
    asked: u64,
}

/// A gateway in virtual time.
#[derive(Clone)]
pub(super) struct Store(Arc<Mutex<Inner>>);

impl Store {
    pub(super) fn new(seed: u64) -> Self {
        let config = Config {
            identities: vec![crate::gateway::config::Identity {
                pui: ALICE.to_owned(),
                ..Default::default()
            }],
            ..Config::default()
        };
        Self(Arc::new(Mutex::new(Inner {
            gateway: Gateway::new(config, Random::from_number(seed)),
            now: START,
            events: Vec::new(),
            written: 0,
            asked: 0,
        })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets time pass.
    pub(super) fn pass(&self, time: Duration) {
        let mut inner = self.inner();
        inner.now = inner.now + time;
        let (now, mut out) = (inner.now, Vec::new());
        if inner.gateway.deadline().is_some_and(|due| due <= now) {
            inner.gateway.expire(now, &mut out);
        }
        inner.take(out);
    }

    /// One request to the gateway, as its API has them.
    pub(super) fn ask(&self, method: &str, path: &str, body: &Value) -> Option<HttpResponse> {
        let mut inner = self.inner();
        let id = RequestId(inner.asked);
        inner.asked = inner.asked.saturating_add(1);
        let request = HttpRequest {
            method: method.to_owned(),
            target: format!("/api/v1/{path}"),
            headers: Vec::new(),
            body: match body {
                Value::Null => Bytes::new(),
                body => Bytes::from(body.to_string()),
            },
        };
        let input = Input::Request {
            id,
            peer: SELF,
            request,
        };
        let (now, mut out) = (inner.now, Vec::new());
        inner.gateway.handle(now, input, &mut out);
        inner.take(out)
    }

    /// A message for alice; its number.
    pub(super) fn publish(&self, title: &str) -> u64 {
        let body = json!({ "to": ALICE, "title": title, "summary": title });
        let answer = self.ask("POST", "apps/site/messages", &body);
        let answer = answer.and_then(|answer| read(&answer));
        let seq = answer.and_then(|answer| answer.get("seq")?.as_u64());
        seq.unwrap_or_default()
    }

    /// Alice opened or deleted a message.
    pub(super) fn change(&self, seq: u64, state: &str) {
        let path = format!("accounts/{ALICE}/messages/{seq}");
        self.ask("PUT", &path, &json!({ "state": state }));
    }

    /// How many messages of alice are in that state.
    pub(super) fn count(&self, state: &str) -> usize {
        let path = format!("accounts/{ALICE}/messages?state={state}");
        let answer = self.ask("GET", &path, &Value::Null);
        let answer = answer.and_then(|answer| read(&answer));
        answer.map_or(0, |it| it["messages"].as_array().map_or(0, Vec::len))
    }

    /// How many records of messages were written or forgotten so far.
    pub(super) fn written(&self) -> usize {
        self.inner().written
    }

    /// What happened.
    pub(super) fn events(&self) -> Vec<Event> {
        self.inner().events.clone()
    }

    /// Forgets what happened so far: the scenario begins here.
    pub(super) fn mark(&self) {
        self.inner().events.clear();
    }
}

impl Inner {
    /// Performs what the gateway asks for, and gives its answer.
    fn take(&mut self, out: Vec<Output>) -> Option<HttpResponse> {
        let mut answer = None;
        for output in out {
            match output {
                Output::Report(event) => self.events.push(event),
                Output::Save(record) if record.key.kind == RecordKind::Message => {
                    self.written = self.written.saturating_add(1);
                }
                Output::Forget(key) if key.kind == RecordKind::Message => {
                    self.written = self.written.saturating_add(1);
                }
                Output::Respond { response, .. } => answer = Some(response),
                _ => {}
            }
        }
        answer
    }
}

fn read(answer: &HttpResponse) -> Option<Value> {
    serde_json::from_slice(&answer.body).ok()
}

impl UnreadSource for Store {
    async fn peek(&self, user: &str) -> Option<Stamp> {
        let path = format!("accounts/{user}/unread?levels=2");
        let answer = self.ask("GET", &path, &Value::Null)?;
        serde_json::from_slice(&answer.body).ok()
    }

    async fn offered(&self, user: &str, upto: u64) {
        let path = format!("accounts/{user}/offered");
        self.ask("POST", &path, &json!({ "upto": upto }));
    }

    fn attached(&self, user: &str, stamp: &Stamp) {
        let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        let mut inner = self.inner();
        let fact = Fact::PbAttach {
            account: user.to_owned(),
            new: count(stamp.new),
            offered: count(stamp.old.unwrap_or_default()),
            summaries: stamp.items.len(),
        };
        let event = Event { t: inner.now, fact };
        inner.events.push(event);
    }
}

/// A site that says how it is, whatever it is asked.
#[derive(Clone, Default)]
struct Business {
    asked: usize,
}

impl Service<Request<()>> for Business {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        self.asked = self.asked.saturating_add(1);
        ready(Ok(Response::new(Full::new(Bytes::from_static(BODY)))))
    }
}

const BODY: &[u8] = br#"{"is":"fine"}"#;

/// A page of alice's with the snippet in it.
pub(super) struct Page {
    layer: Piggyback<Store>,
    runtime: tokio::runtime::Runtime,
    /// Requests it made, all for business of its own.
    pub(super) requests: usize,
    /// Octets of the headers that this cost, both ways.
    pub(super) octets: usize,
    seen: u64,
    rev: u64,
    /// The numbers of the messages it has shown.
    pub(super) shown: Vec<u64>,
}

impl Page {
    /// A page of a site with the layer; `None` when the system gives no runtime.
    pub(super) fn open(store: &Store, settings: Settings) -> Option<Self> {
        let user = |_: &Parts| Some(ALICE.to_owned());
        let runtime = tokio::runtime::Builder::new_current_thread().build().ok()?;
        Some(Self {
            layer: Piggyback::new(store.clone(), user).with(settings),
            runtime,
            requests: 0,
            octets: 0,
            seen: 0,
            rev: 0,
            shown: Vec::new(),
        })
    }

    /// One request for business of its own; what rode along on the response.
    pub(super) fn ask(&mut self) -> Option<Stamp> {
        self.requests = self.requests.saturating_add(1);
        let question = format!("1;seen={}", self.seen);
        self.octets = self.octets.saturating_add(ASKS.len() + question.len() + 4);
        let request = Request::get("/profile").header(ASKS, question);
        let request = request.body(()).ok()?;
        let mut site = self.layer.around(Business::default());
        let Ok(response) = self.runtime.block_on(site.call(request));
        let row = response.headers().get(UNREAD)?;
        self.octets = self.octets.saturating_add(UNREAD.len() + row.len() + 4);
        let stamp = Stamp::from_header(row.to_str().ok()?).ok()?;
        // As the snippet does: what is not newer is out of a cache.
        if stamp.rev > self.rev {
            let fresh = stamp
                .items
                .iter()
                .filter(|item| item.new && item.seq > self.seen);
            self.shown.extend(fresh.map(|item| item.seq));
            (self.rev, self.seen) = (stamp.rev, stamp.seq);
        }
        Some(stamp)
    }
}
