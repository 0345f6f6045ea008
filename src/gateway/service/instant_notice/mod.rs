//! Instant notification: what is new for an account reaches the devices that its user is not looking at.
//!
//! **Source:** requirements R1.*; services.md section 7. [`InstantNotices`] keeps registrations, knows who is logged in
//! where, judges whether a client is running, and decides what each device is told. Monitors report to it by [`NewInfo`]
//! alone. Not here: mailboxes themselves (`gateway::mailboxes`), bearers (`gateway::noticing`), the messages' store.
//!
//! ```text
//! NewInfo ──▶ stored ──▶ switch on? ──▶ targets ──▶ running? ──yes──▶ Direct
//!                           │ no: stored only           └──no──▶ burst? ──▶ Notify(channel)
//! ```

pub mod app_state;
mod arriving;
mod asker;
pub mod coalescing;
pub mod cursor;
mod deed;
mod hook;
pub mod new_info;
pub mod notice;
pub mod openings;
pub mod platform;
mod preferring;
mod record;
mod registering;
pub mod registrations;
mod route;
pub mod settings;
mod tapping;
mod target;
mod webhook;
pub mod wording;

use std::collections::BTreeMap;

use coalescing::{Bursts, Place};
use openings::Openings;
use registrations::{Preference, Registrations};
use serde::de::DeserializeOwned;

use super::super::api::problem;
use super::super::message::Messages;
use super::super::snapshot::BadRecord;
use crate::event::{Event, Fact};
use crate::random::Random;
use crate::time::Time;
use crate::world::{HttpRequest, HttpResponse, Output};

pub use app_state::{Live, State};
pub use asker::{Asker, Outcome, Proof};
pub use cursor::Cursor;
pub use deed::Deed;
pub use new_info::NewInfo;
pub use notice::{Form, Intent, Notice};
pub use platform::Channel;
pub use registrations::Registration;
pub use route::Route;
pub use settings::{Imap, Source, Watched};
pub use target::Targets;

/// What a monitor does for an account (R1.8, R1.20).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Monitoring {
    /// Nothing: nobody is logged in.
    Idle,
    /// It watches.
    Watching,
    /// It should watch, and cannot now.
    Degraded,
}

impl Monitoring {
    /// The word for it, as in events.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Watching => "watching",
            Self::Degraded => "degraded",
        }
    }
}

/// An account and an application of it.
type Of = (String, String);

/// The service.
#[derive(Debug)]
pub struct InstantNotices {
    watched: BTreeMap<String, Watched>,
    random: Random,
    registrations: Registrations,
    preferences: BTreeMap<Of, Preference>,
    cursors: BTreeMap<Of, Cursor>,
    /// What each monitor does; one that is not here is idle.
    monitors: BTreeMap<Of, Monitoring>,
    bursts: Bursts,
    openings: Openings,
    /// Wrong passwords of late, by account.
    failures: registering::Failures,
    replays: webhook::Replays,
    deeds: Vec<Deed>,
}

/// What the service works on.
pub struct Desk<'a> {
    /// Now.
    pub now: Time,
    /// All messages.
    pub messages: &'a mut Messages,
    /// What is known of devices at this moment.
    pub live: &'a dyn Fn(&Place) -> Live,
    /// What is to be done, records first.
    pub out: &'a mut Vec<Output>,
}

impl Desk<'_> {
    fn report(&mut self, fact: Fact) {
        let t = self.now;
        self.out.push(Output::Report(Event { t, fact }));
    }
}

impl InstantNotices {
    /// The service for these applications.
    #[must_use]
    pub fn new(watched: BTreeMap<String, Watched>, random: Random) -> Self {
        Self {
            watched,
            random,
            registrations: Registrations::default(),
            preferences: BTreeMap::new(),
            cursors: BTreeMap::new(),
            monitors: BTreeMap::new(),
            bursts: Bursts::default(),
            openings: Openings::default(),
            failures: registering::Failures::default(),
            replays: webhook::Replays::default(),
            deeds: Vec::new(),
        }
    }

    /// The applications that are watched, by name.
    #[must_use]
    pub const fn watched(&self) -> &BTreeMap<String, Watched> {
        &self.watched
    }

    /// What is to be done since it was last asked.
    pub fn take_deeds(&mut self) -> Vec<Deed> {
        core::mem::take(&mut self.deeds)
    }

    /// Takes a record back.
    ///
    /// # Errors
    /// When it is not one of ours, or there is no room.
    pub fn restore(&mut self, body: &[u8]) -> Result<(), BadRecord> {
        match record::read(body)? {
            record::Kept::Registration(registration) => {
                let entered = self.registrations.enter(registration);
                entered.map_err(|registrations::Full| BadRecord::Full)?;
            }
            record::Kept::Preference {
                account,
                app,
                preference,
            } => {
                self.preferences.insert((account, app), preference);
            }
            record::Kept::Cursor {
                account,
                app,
                cursor,
            } => {
                self.cursors.insert((account, app), cursor);
            }
            record::Kept::Opening(opening) => {
                self.openings.enter(opening);
            }
        }
        Ok(())
    }

    /// Goes on after a restart: whoever was logged in is watched again (R1.6).
    pub fn resume(&mut self, desk: &mut Desk<'_>) {
        let logged_in = self.registrations.all().filter(|of| of.login.is_some());
        let mut of: Vec<Of> = logged_in
            .map(|of| (of.place.account.clone(), of.place.app.clone()))
            .collect();
        of.dedup();
        for (account, app) in of {
            self.begin(desk, &account, &app, None);
        }
    }

    /// What an account's monitor does.
    #[must_use]
    pub fn monitoring(&self, account: &str, app: &str) -> Monitoring {
        let of = (account.to_owned(), app.to_owned());
        self.monitors.get(&of).copied().unwrap_or(Monitoring::Idle)
    }

    /// A monitor came to do something else.
    pub fn monitor(
        &mut self,
        desk: &mut Desk<'_>,
        (account, app): (&str, &str),
        state: Monitoring,
        why: Option<&str>,
    ) {
        if self.monitoring(account, app) == state {
            return;
        }
        let of = (account.to_owned(), app.to_owned());
        match state {
            Monitoring::Idle => self.monitors.remove(&of),
            state => self.monitors.insert(of, state),
        };
        desk.report(Fact::MonState {
            account: account.to_owned(),
            app: app.to_owned(),
            state: state.word().to_owned(),
            why: why.map(str::to_owned),
        });
    }

    /// How far the mailbox of an account was read.
    #[must_use]
    pub fn cursor(&self, account: &str, app: &str) -> Option<Cursor> {
        let of = (account.to_owned(), app.to_owned());
        self.cursors.get(&of).copied()
    }

    /// A mailbox was read so far.
    pub fn keep_cursor(
        &mut self,
        (account, app): (&str, &str),
        cursor: Cursor,
        out: &mut Vec<Output>,
    ) {
        let of = (account.to_owned(), app.to_owned());
        if self.cursors.insert(of, cursor) != Some(cursor) {
            out.push(Output::Save(record::cursor(account, app, cursor)));
        }
    }

    /// When something is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let due = [self.bursts.deadline(), self.openings.deadline()];
        due.into_iter().flatten().min()
    }

    /// Begins to watch an account, where that is not done already.
    fn begin(&mut self, desk: &mut Desk<'_>, account: &str, app: &str, password: Option<String>) {
        let Some(watched) = self.watched.get(app) else {
            return;
        };
        if self.monitoring(account, app) == Monitoring::Watching {
            return;
        }
        // A mailbox is watched once its server let us in; everything else at once.
        if !matches!(watched.source, Source::Imap(_)) {
            self.monitor(desk, (account, app), Monitoring::Watching, None);
        }
        self.deeds.push(Deed::Watch {
            account: account.to_owned(),
            app: app.to_owned(),
            password,
        });
    }

    /// Watches an account no more when nobody is logged in (R1.15).
    fn end(&mut self, desk: &mut Desk<'_>, account: &str, app: &str) {
        if !self.registrations.logged_in(account, app).is_empty() {
            return;
        }
        self.monitor(desk, (account, app), Monitoring::Idle, None);
        self.deeds.push(Deed::Unwatch {
            account: account.to_owned(),
            app: app.to_owned(),
        });
    }
}

/// A body in JSON. 400 for what is no JSON or has another shape.
fn read<T: DeserializeOwned>(request: &HttpRequest, what: &str) -> Result<T, HttpResponse> {
    serde_json::from_slice(&request.body).map_err(|error| problem(400, what, &error.to_string()))
}

fn answer(status: u16, body: &serde_json::Value) -> HttpResponse {
    HttpResponse {
        status,
        headers: vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("cache-control".to_owned(), "no-store".to_owned()),
        ],
        body: bytes::Bytes::from(body.to_string()),
    }
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
