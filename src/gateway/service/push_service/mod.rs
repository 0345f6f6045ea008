//! A push service for browsers: whom they register with, and where application servers leave their pushes.
//!
//! **Source:** RFC 8030 sections 5 to 7 towards application servers, RFC 8292 for who they are, and the WebSocket protocol
//! of Firefox towards browsers (`codec::web_push::autopush`). Not here: delivery to browsers by HTTP/2, receipts, and sets
//! of subscriptions (RFC 8030 sections 5.1, 6.1), which no browser uses.
//!
//! ```text
//!  browser ── hello ──▶ known by its number ── register ──▶ a resource, a URL nobody can guess
//!  application server ── POST to it ──▶ stored ── 201 ──▶ sent while the browser is there, and each time it comes back
//!                                          │ acknowledged, replaced, cancelled, its time over, sent too often ──▶ gone
//! ```

mod browsers;
mod mails;
mod record;
mod web;

#[cfg(test)]
mod tests;

use core::time::Duration;
use std::collections::HashMap;

use foldhash::quality::RandomState;

use crate::event::{Event, Fact};
use crate::limits;
use crate::random::Random;
use crate::time::Time;
use crate::timers::Timers;
use crate::world::{LinkId, Output};

pub use web::Route;

use browsers::{Agent, Channel, Link};
use mails::Mails;

/// Where browsers come to.
pub const SOCKET_PATH: &str = "/push/";

/// How the service is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The origin of push resources, without a slash at its end: `http://127.0.0.1:8080`.
    pub origin: String,
    /// Further origins that tokens of application servers may be made out to.
    pub audiences: Vec<String>,
    /// The longest time a push is kept.
    pub ttl_max: Duration,
    /// How often a push is sent again to a browser that comes back and did not acknowledge it.
    pub redeliveries: u32,
    /// Pushes that one subscription takes at once, before it is full.
    pub burst: u32,
    /// How long a full subscription takes to be ready for one push more.
    pub pause: Duration,
}

impl Config {
    /// What a service at an origin does unless it is told otherwise.
    #[must_use]
    pub fn at(origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            audiences: Vec::new(),
            ttl_max: Duration::from_secs(28 * 86_400),
            redeliveries: 3,
            burst: 100,
            pause: Duration::from_millis(500),
        }
    }
}

/// A push service.
#[derive(Debug)]
pub struct PushService {
    config: Config,
    random: Random,
    /// Browsers by their numbers.
    agents: HashMap<String, Agent, RandomState>,
    /// Subscriptions by the last part of their resource.
    channels: HashMap<String, Channel, RandomState>,
    /// Resources of subscriptions that are over.
    gone: HashMap<String, (), RandomState>,
    mails: Mails,
    links: HashMap<LinkId, Link, RandomState>,
    timers: Timers<Timer>,
}

/// What may be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Timer {
    /// A browser should have said hello by now.
    Silent(LinkId),
    /// The time of a push is over.
    Over(u64),
}

impl PushService {
    /// A service that knows nobody.
    #[must_use]
    pub fn new(config: Config, random: Random) -> Self {
        Self {
            config,
            random,
            agents: HashMap::default(),
            channels: HashMap::default(),
            gone: HashMap::default(),
            mails: Mails::default(),
            links: HashMap::default(),
            timers: Timers::default(),
        }
    }

    /// True for a link of ours.
    #[must_use]
    pub fn has(&self, link: LinkId) -> bool {
        self.links.contains_key(&link)
    }

    /// Does what is due.
    pub fn expire(&mut self, now: Time, out: &mut Vec<Output>) {
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::Silent(link) => self.refuse(now, link, "no hello in time", out),
                Timer::Over(no) => self.end(now, no, "expired", out),
            }
        }
    }

    /// When something is due next.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.timers.next()
    }

    /// A push is over: nothing of it is left.
    fn end(&mut self, now: Time, no: u64, state: &str, out: &mut Vec<Output>) {
        self.timers.cancel(Timer::Over(no));
        let Some(mail) = self.mails.remove(no) else {
            return;
        };
        if let Some(agent) = self.agents.get_mut(&mail.agent) {
            agent.mails.remove(&no);
        }
        if mail.is_kept() {
            let key = record::mail_key(no);
            // Who took it back is answered when it cannot come again; others may get it twice after a crash.
            out.push(match state {
                "cancelled" => Output::Erase(key),
                _ => Output::Forget(key),
            });
        }
        let fact = Fact::WpMsg {
            sub: short(&mail.resource),
            msg: short(&mail.version),
            state: state.to_owned(),
            code: None,
            attempt: mail.tries,
        };
        report(now, fact, out);
    }

    /// Closes the link of a browser that breaks the rules.
    fn refuse(&mut self, now: Time, link: LinkId, why: &str, out: &mut Vec<Output>) {
        let fact = Fact::Refused {
            from: "browser".to_owned(),
            why: why.to_owned(),
        };
        report(now, fact, out);
        self.closed(now, link, out);
        out.push(Output::Close { link });
    }
}

fn report(now: Time, fact: Fact, out: &mut Vec<Output>) {
    out.push(Output::Report(Event { t: now, fact }));
}

/// What stands for a name that is a secret: its beginning.
fn short(secret: &str) -> String {
    secret.chars().take(limits::SECRET_SHOWN).collect()
}
