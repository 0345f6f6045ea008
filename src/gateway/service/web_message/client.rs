//! One browser client: who it is, what it registered, how far it got.

use std::collections::BTreeMap;

use super::super::super::message::{Cleared, Message, State};
use super::{Filter, Subscription};
use crate::time::Time;

/// One browser client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its identification code (R0.6).
    pub id: String,
    /// SHA-256 of the token it shows; the token itself is not kept.
    pub digest: [u8; 32],
    /// The account whose user sits before it, by canonical name (R0.5).
    pub account: Option<String>,
    /// What it says it is.
    pub agent: Option<String>,
    /// How often another user came before it: part of every number that it sees.
    pub login: u32,
    /// Its applications, by their identification codes.
    pub apps: BTreeMap<String, App>,
    /// Up to which number it has stored what it got.
    pub acked: u64,
    /// When it was last here; since the start where it was not.
    pub seen: Time,
    /// Where it is reached while no page of it is open.
    pub subscription: Option<Subscription>,
}

/// An application as a client registered it (R0.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct App {
    /// Its name for people.
    pub title: Option<String>,
    /// Its icon.
    pub icon: Option<String>,
    /// Where it opens.
    pub url: Option<String>,
    /// Which of its messages are wanted (R0.43).
    pub filter: Filter,
    /// Up to which number its messages were cleared in this client.
    pub cleared: u64,
    /// From where on its messages were asked for; `None` before they were.
    pub since: Option<u64>,
}

/// Bits of the numbers that a client sees which are those of the sequence; those above count logins.
const SEQ_BITS: u32 = 32;
/// Logins that are told apart: together 53 bits, which scripts count exactly.
const LOGINS: u32 = 1 << 21;

impl Client {
    /// A number of its account's sequence as the client sees it. Sequences of two accounts look alike; with the login in
    /// it, a number that the client has from one is none of the other's, and numbers grow for it whoever sits before it.
    #[must_use]
    pub const fn shown(&self, seq: u64) -> u64 {
        ((self.login as u64) << SEQ_BITS) | seq
    }

    /// The number of the sequence that a client means; `None` for one that it had before its last login. 0 is the
    /// beginning of each.
    #[must_use]
    pub const fn meant(&self, number: u64) -> Option<u64> {
        if number == 0 {
            return Some(0);
        }
        if number >> SEQ_BITS != self.login as u64 {
            return None;
        }
        Some(number & ((1 << SEQ_BITS) - 1))
    }

    /// Another user, or none, sits before it: everything it counted belongs to another sequence.
    pub(super) fn log_in(&mut self, account: Option<String>) {
        self.account = account;
        self.login = self.login.wrapping_add(1) % LOGINS;
        self.acked = 0;
        for app in self.apps.values_mut() {
            app.cleared = 0;
            app.since = None;
        }
    }

    /// Asks for everything after a number; true when that is news.
    pub(super) fn asks(&mut self, after: u64) -> bool {
        let mut is_new = false;
        for app in self.apps.values_mut() {
            if app.since.is_none_or(|since| since > after) {
                app.since = Some(after);
                is_new = true;
            }
        }
        is_new
    }

    /// True when it has a message that is for it, or its user cleared it; `None` when it is not for this client.
    #[must_use]
    pub fn has(&self, message: &Message) -> Option<bool> {
        let app = self.apps.get(&message.draft.app)?;
        let is_for_it = self.is_meant(message) && app.filter.wants(message);
        is_for_it.then(|| message.seq <= self.acked.max(app.cleared))
    }

    fn is_meant(&self, message: &Message) -> bool {
        let only = message.draft.client.as_ref();
        only.is_none_or(|only| *only == self.id)
    }

    /// The account its messages are kept under: its user's, or one of its own.
    #[must_use]
    pub fn mailbox(&self) -> String {
        match &self.account {
            Some(account) => account.clone(),
            None => mailbox_of(&self.id),
        }
    }

    /// True when the message is for this client: of an application it registered (R0.9), wanted, not over.
    #[must_use]
    pub fn wants(&self, message: &Message) -> bool {
        self.is_meant(message)
            && message.state.is_unread()
            && self
                .apps
                .get(&message.draft.app)
                .is_some_and(|app| message.seq > app.cleared && app.filter.wants(message))
    }

    /// True when a message that its cursor is past was given to it: it asked for the application's messages from further
    /// back, wanted it, and nobody took it away before.
    #[must_use]
    pub fn was_given(&self, message: &Message) -> bool {
        let app = self.apps.get(&message.draft.app);
        let was_asked = |app: &App| app.since.is_some_and(|since| message.seq > since);
        self.is_meant(message)
            && message.state != State::Deleted
            && app.is_some_and(|app| was_asked(app) && app.filter.wants(message))
    }

    /// True when it did not clear so much itself.
    #[must_use]
    pub fn hears_of(&self, cleared: &Cleared) -> bool {
        let app = self.apps.get(&cleared.app);
        app.is_some_and(|app| app.cleared < cleared.upto)
    }
}

/// The account of a client without a user.
#[must_use]
pub(super) fn mailbox_of(client: &str) -> String {
    format!("client:{client}")
}
