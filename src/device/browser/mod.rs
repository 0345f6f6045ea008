//! A browser with web applications as one machine: pages register, a timer asks, the message centre shows.
//!
//! **Source:** CN103902616A figures 2, 3, 6; requirements R0.2, R0.3, R0.20, R0.24, R0.51, scenarios S0.1 and S0.3. What
//! its user does is given beforehand. The requests are those of the JavaScript modules.

mod subscriber;

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use bytes::Bytes;
use serde_json::{Value, json};

use super::message_center::{Done, MessageCentre, Modules};
use super::web_poller::{Packet, WebPoller};
use crate::event::{Event, Fact};
use crate::machine::Machine;
use crate::random::Random;
use crate::time::Time;
use crate::world::{Errand, FetchError, FetchId, HttpRequest, HttpResponse, Input, Output};

use subscriber::{Heard, Subscriber};

/// When a page that could not make itself known tries again.
const AGAIN: Duration = Duration::from_secs(5);

/// What a browser is told before it starts.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its name in events.
    pub name: String,
    /// The URL that its requests begin with: `http://ppg.example.com/api/v1`.
    pub base: String,
    /// The account of its user.
    pub account: Option<String>,
    /// Applications whose pages register a handler.
    pub handled: Vec<String>,
    /// Applications that are registered at the gateway although no handler is there.
    pub unhandled: Vec<String>,
    /// Which modules its message centre has.
    pub modules: Modules,
    /// How often it asks, unless the gateway advises otherwise.
    pub interval: Duration,
    /// By how many per cent it varies that.
    pub jitter: u8,
    /// Where its push service is, when messages come by pushes and no page asks.
    pub push_service: Option<SocketAddr>,
}

/// What its user does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Opens the home page.
    Open,
    /// Clicks the icon of an application.
    Click(String),
    /// Closes the browser and opens it again, with the same profile.
    Restart,
}

/// What a request was for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    Client,
    App,
    Key,
    Poll,
    Told,
}

/// A browser.
#[derive(Debug)]
pub struct Browser {
    config: Config,
    random: Random,
    centre: MessageCentre,
    poller: WebPoller,
    /// Its identification code and token, once it has them.
    client: Option<(String, String)>,
    subscriber: Option<Subscriber>,
    deeds: VecDeque<(Time, Deed)>,
    asked: BTreeMap<FetchId, Asked>,
    next: u64,
}

impl Browser {
    /// A browser whose user does these things, in the order of their instants.
    #[must_use]
    pub fn new(config: Config, deeds: Vec<(Time, Deed)>, mut random: Random) -> Self {
        let poller = WebPoller::new(config.interval, config.jitter);
        Self {
            centre: MessageCentre::new(config.modules),
            poller,
            subscriber: config
                .push_service
                .map(|service| Subscriber::new(service, &mut random)),
            config,
            random,
            client: None,
            deeds: deeds.into(),
            asked: BTreeMap::new(),
            next: 0,
        }
    }

    /// Its message centre.
    #[must_use]
    pub const fn centre(&self) -> &MessageCentre {
        &self.centre
    }

    fn does(&mut self, now: Time, deed: Deed, out: &mut Vec<Output>) {
        match deed {
            Deed::Open => self.open(now, out),
            Deed::Click(app) => {
                let mut done = Vec::new();
                let cleared = self.centre.click(&app, &mut done);
                self.tell(now, done, out);
                if let Some(upto) = cleared {
                    let path = format!("/apps/{app}/clear");
                    let body = json!({ "upto": upto });
                    self.ask_own(Asked::Told, ("POST", &path), &body, out);
                }
            }
            Deed::Restart => {
                self.poller.stop();
                self.asked.clear();
                let done = self.centre.restart();
                self.tell(now, done, out);
                self.open(now, out);
            }
        }
    }

    /// The home page opens: its applications register, and the pull process begins.
    fn open(&mut self, now: Time, out: &mut Vec<Output>) {
        if self.client.is_none() {
            let url = format!("{}/clients", self.config.base);
            let body = json!({ "account": self.config.account, "agent": self.config.name });
            self.fetch(Asked::Client, ("POST", url), Vec::new(), &body, out);
            return;
        }
        for app in self.config.handled.clone() {
            let done = self.centre.register(&app);
            self.tell(now, done, out);
            self.register(&app, out);
        }
        for app in self.config.unhandled.clone() {
            self.register(&app, out);
        }
        match &mut self.subscriber {
            None => self.poller.start(now, &mut self.random),
            Some(subscriber) if subscriber.is_new() => {
                let key = ("GET", "/subscription");
                self.ask_own(Asked::Key, key, &Value::Null, out);
            }
            Some(subscriber) => subscriber.connect(out),
        }
    }

    /// The push service says something.
    fn heard(&mut self, now: Time, text: &str, out: &mut Vec<Output>) {
        let Some(subscriber) = &mut self.subscriber else {
            return;
        };
        match subscriber.heard(text, out) {
            Heard::Subscribed(subscription) => {
                let told = ("PUT", "/subscription");
                self.ask_own(Asked::Told, told, &subscription, out);
            }
            Heard::Pushed(text) => {
                let Ok(packet) = serde_json::from_slice::<Packet>(&text) else {
                    return;
                };
                let done = self.centre.route(packet.messages);
                self.tell(now, done, out);
            }
            Heard::Nothing => {}
        }
    }

    fn register(&mut self, app: &str, out: &mut Vec<Output>) {
        let path = format!("/apps/{app}");
        let body = json!({ "title": app });
        self.ask_own(Asked::App, ("PUT", &path), &body, out);
    }

    fn poll(&mut self, now: Time, out: &mut Vec<Output>) {
        let Some(cursor) = self.poller.send(now) else {
            return;
        };
        let Some((id, token)) = &self.client else {
            return;
        };
        let url = format!("{}/clients/{id}/messages", self.config.base);
        let headers = vec![
            ("authorization".to_owned(), format!("Bearer {token}")),
            ("if-none-match".to_owned(), format!("\"{cursor}\"")),
        ];
        self.fetch(Asked::Poll, ("GET", url), headers, &Value::Null, out);
    }

    fn answered(
        &mut self,
        now: Time,
        asked: &Asked,
        answer: &Result<HttpResponse, FetchError>,
        out: &mut Vec<Output>,
    ) {
        match asked {
            Asked::Client => {
                let made = answer.as_ref().ok().filter(|answer| answer.status == 201);
                let made = made.and_then(|answer| serde_json::from_slice(&answer.body).ok());
                self.client = made.as_ref().and_then(credentials);
                if self.client.is_some() {
                    self.open(now, out);
                } else {
                    self.deeds.push_front((now + AGAIN, Deed::Open));
                }
            }
            Asked::Key => {
                let shown = answer.as_ref().ok().filter(|answer| answer.status == 200);
                let shown: Option<Value> =
                    shown.and_then(|answer| serde_json::from_slice(&answer.body).ok());
                let key = shown.as_ref().and_then(|shown| shown.get("key")?.as_str());
                if let (Some(subscriber), Some(key)) = (&mut self.subscriber, key) {
                    subscriber.subscribe(key, out);
                }
            }
            Asked::Poll => self.received(now, answer, out),
            Asked::App | Asked::Told => {}
        }
    }

    fn received(
        &mut self,
        now: Time,
        answer: &Result<HttpResponse, FetchError>,
        out: &mut Vec<Output>,
    ) {
        let packet = match self.poller.receive(now, &mut self.random, answer) {
            Ok(packet) => packet,
            Err(failure) => {
                let fact = Fact::Refused {
                    from: self.config.base.clone(),
                    why: format!("{}: {failure}", self.config.name),
                };
                return out.push(Output::Report(Event { t: now, fact }));
            }
        };
        let has_messages = !packet.messages.is_empty();
        let mut done = self.centre.route(packet.messages);
        for cleared in &packet.cleared {
            self.centre.clear(&cleared.appid, cleared.upto, &mut done);
        }
        self.tell(now, done, out);
        if has_messages {
            let body = json!({ "upto": packet.cursor });
            self.ask_own(Asked::Told, ("POST", "/ack"), &body, out);
        }
    }

    fn tell(&self, now: Time, done: Vec<Done>, out: &mut Vec<Output>) {
        let dev = &self.config.name;
        for one in done {
            let dev = dev.clone();
            let fact = match one {
                Done::Stored { app, seq } => Fact::McStore {
                    dev,
                    app,
                    message: seq,
                },
                Done::Routed { app, seq } => Fact::McRoute {
                    dev,
                    app,
                    message: seq,
                },
                Done::Dropped { app } => Fact::McDrop { dev, app },
                Done::Cleared { app, n } => Fact::McClear { dev, app, n },
                Done::Badge { app, n } => Fact::BadgeSet { dev, app, n },
            };
            out.push(Output::Report(Event { t: now, fact }));
        }
    }

    fn ask_own(
        &mut self,
        asked: Asked,
        (method, path): (&str, &str),
        body: &Value,
        out: &mut Vec<Output>,
    ) {
        let Some((id, token)) = &self.client else {
            return;
        };
        let url = format!("{}/clients/{id}{path}", self.config.base);
        let headers = vec![("authorization".to_owned(), format!("Bearer {token}"))];
        self.fetch(asked, (method, url), headers, body, out);
    }

    fn fetch(
        &mut self,
        asked: Asked,
        (method, target): (&str, String),
        headers: Vec<(String, String)>,
        body: &Value,
        out: &mut Vec<Output>,
    ) {
        let id = FetchId(self.next);
        self.next = self.next.saturating_add(1);
        self.asked.insert(id, asked);
        let body = match body {
            Value::Null => Bytes::new(),
            body => Bytes::from(body.to_string()),
        };
        out.push(Output::Fetch {
            id,
            errand: Errand::Device,
            request: HttpRequest {
                method: method.to_owned(),
                target,
                headers,
                body,
            },
        });
    }
}

/// Identification code and token of the answer that made a client.
fn credentials(made: &Value) -> Option<(String, String)> {
    let text = |name: &str| Some(made.get(name)?.as_str()?.to_owned());
    Some((text("client")?, text("token")?))
}

impl Machine for Browser {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Response { id, response } => {
                if let Some(asked) = self.asked.remove(&id) {
                    self.answered(now, &asked, &response, out);
                }
            }
            Input::Opened { .. } => {
                if let Some(subscriber) = &self.subscriber {
                    subscriber.opened(out);
                }
            }
            Input::Message { text, .. } => self.heard(now, &text, out),
            _ => {}
        }
    }

    fn expire(&mut self, now: Time, out: &mut Vec<Output>) {
        while self.deeds.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, deed)) = self.deeds.pop_front() {
                self.does(now, deed, out);
            }
        }
        self.poll(now, out);
    }

    fn deadline(&self) -> Option<Time> {
        let deed = self.deeds.front().map(|(at, _)| *at);
        deed.into_iter().chain(self.poller.deadline()).min()
    }
}

#[cfg(test)]
mod tests;
