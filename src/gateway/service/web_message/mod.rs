//! Messages for web applications: browser clients register their applications and ask what is new for all of them.
//!
//! **Source:** requirements R0.4 to R0.9, R0.13 to R0.17, R0.21, R0.22, R0.42, R0.43, R0.50. [`WebMessages`] answers the
//! requests of clients and those who publish to them; messages themselves are in [`Messages`]. Not here: who a user is
//! and who may publish (`on_web`), streams (the driver asks on their behalf), and what a page does with a message.

mod account;
mod asker;
mod client;
mod clients;
mod endpoint;
mod filter;
mod packet;
mod poll;
mod publish;
mod pushing;
mod question;
mod record;
mod route;
mod sender;
mod subscription;

use core::time::Duration;

use serde::de::DeserializeOwned;

use super::super::api::problem;
use super::super::message::Messages;
use crate::event::{Event, Fact};
use crate::random::Random;
use crate::time::Time;
use crate::world::{HttpRequest, HttpResponse, Output};

pub use asker::Asker;
pub use client::{App, Client};
pub use clients::Clients;
pub use endpoint::{Allowed, Endpoints};
pub use filter::Filter;
pub use poll::Acked;
pub use publish::Publication;
pub use route::Route;
pub use subscription::Subscription;

/// Whose messages a click clears (R0.42).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadScope {
    /// Those of the client that was clicked in.
    #[default]
    Client,
    /// Those of its whole account: its other clients clear theirs too.
    Account,
}

/// How the service behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How often clients are to ask (R0.22).
    pub interval: Duration,
    /// By how many per cent, up or down, each is to vary that.
    pub jitter: u8,
    /// How long a question may wait for its answer where its asker does not say, and hint for clients that do.
    pub long_poll: Duration,
    /// Whose messages a click clears.
    pub read_scope: ReadScope,
    /// Believe the account that a client names itself; where it is not said, clients on the same machine are believed.
    pub trust_body: Option<bool>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(60),
            jitter: 10,
            long_poll: Duration::from_secs(25),
            read_scope: ReadScope::Client,
            trust_body: None,
        }
    }
}

/// The service.
#[derive(Debug)]
pub struct WebMessages {
    settings: Settings,
    random: Random,
    clients: Clients,
    waits: poll::Waits,
    /// Which push services may be called, as whom, and what is under way to them.
    endpoints: Endpoints,
    sender: sender::Sender,
    outbox: pushing::Outbox,
    /// What was acknowledged since it was last asked.
    acked: Vec<Acked>,
}

/// What a request is answered with, and on.
#[derive(Debug)]
pub struct Desk<'a> {
    /// When it came.
    pub now: Time,
    /// All messages.
    pub messages: &'a mut Messages,
    /// What is to be done, records first.
    pub out: &'a mut Vec<Output>,
}

impl Desk<'_> {
    /// Tells what happened.
    fn report(&mut self, fact: Fact) {
        let t = self.now;
        self.out.push(Output::Report(Event { t, fact }));
    }

    /// Makes durable what changed in the store.
    pub fn save(&mut self) {
        self.messages.save(self.out);
    }
}

impl WebMessages {
    /// The service without clients.
    #[must_use]
    pub fn new(settings: Settings, random: Random) -> Self {
        Self {
            settings,
            random,
            clients: Clients::default(),
            waits: poll::Waits::default(),
            endpoints: Endpoints::default(),
            sender: sender::Sender::default(),
            outbox: pushing::Outbox::default(),
            acked: Vec::new(),
        }
    }

    /// Which push services it may call, and how they reach its operator (`mailto:` or `https:`).
    #[must_use]
    pub fn reaching(mut self, endpoints: Endpoints, contact: Option<String>) -> Self {
        self.endpoints = endpoints;
        self.sender = sender::Sender::new(contact);
        self
    }

    /// How it behaves.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Its clients.
    #[must_use]
    pub const fn clients(&self) -> &Clients {
        &self.clients
    }

    /// Takes a client back from its record.
    ///
    /// # Errors
    /// When the record is not one of ours, or there is no room.
    pub fn restore(
        &mut self,
        now: Time,
        body: &[u8],
    ) -> Result<(), super::super::snapshot::BadRecord> {
        let client = record::read(now, body)?;
        let full = super::super::snapshot::BadRecord::Full;
        let pushed_to = client.subscription.is_some().then(|| client.id.clone());
        self.clients.enter(client).ok_or(full)?;
        // What was not pushed before the restart is pushed after it.
        pushed_to.iter().for_each(|id| self.outbox.note(id));
        Ok(())
    }

    /// Takes the key back that push services know us by.
    ///
    /// # Errors
    /// When the record is not one of ours.
    pub fn restore_key(&mut self, body: &[u8]) -> Result<(), super::super::snapshot::BadRecord> {
        self.sender.restore(body)
    }
}

/// A body in JSON. 400 for what is no JSON, 422 for what has another shape.
fn read<T: DeserializeOwned>(request: &HttpRequest, what: &str) -> Result<T, HttpResponse> {
    serde_json::from_slice(&request.body).map_err(|error| {
        let status = if error.is_data() { 422 } else { 400 };
        problem(status, what, &error.to_string())
    })
}

/// The value of a parameter in the query, as it stands there.
fn parameter<'a>(target: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = target.split_once('?')?;
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

const fn empty(status: u16) -> HttpResponse {
    HttpResponse {
        status,
        headers: Vec::new(),
        body: bytes::Bytes::new(),
    }
}

#[cfg(test)]
mod tests;
