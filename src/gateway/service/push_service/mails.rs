//! Pushes that wait for browsers: by number, by name, and bounded in count and octets.

use core::time::Duration;
use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use foldhash::quality::RandomState;
use uuid::Uuid;

use crate::codec::web_push::demand::Urgency;
use crate::limits;
use crate::time::Time;

/// A push that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mail {
    /// The browser it is for.
    pub(super) agent: String,
    /// What the browser calls the subscription.
    pub(super) channel: Uuid,
    /// The resource of the subscription.
    pub(super) resource: String,
    /// Its name, which nobody else can guess.
    pub(super) version: String,
    /// What it replaces.
    pub(super) topic: Option<String>,
    /// How urgent it is.
    pub(super) urgency: Urgency,
    /// Seconds for which it is kept.
    pub(super) ttl: u64,
    /// When it was taken.
    pub(super) taken: Time,
    /// Its content, encrypted; may be empty.
    pub(super) content: Bytes,
    /// How often it was sent, since the start of the program.
    pub(super) tries: u32,
}

impl Mail {
    /// False for a push that is delivered now or never.
    pub(super) const fn is_kept(&self) -> bool {
        self.ttl > 0
    }

    /// When its time is over.
    pub(super) fn until(&self) -> Time {
        self.taken + Duration::from_secs(self.ttl)
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Mails {
    all: BTreeMap<u64, Mail>,
    names: HashMap<String, u64, RandomState>,
    octets: usize,
    next: u64,
}

impl Mails {
    /// True when content of so many octets finds no room.
    pub(super) fn is_full(&self, octets: usize) -> bool {
        self.all.len() >= limits::WEB_PUSHES
            || self.octets.saturating_add(octets) > limits::WEB_PUSH_OCTETS_KEPT
    }

    /// Takes a push in and gives its number.
    pub(super) fn enter(&mut self, mail: Mail) -> u64 {
        let no = self.next;
        self.restore(no, mail);
        no
    }

    /// Takes a push back under the number it had.
    pub(super) fn restore(&mut self, no: u64, mail: Mail) {
        self.next = self.next.max(no.saturating_add(1));
        self.octets = self.octets.saturating_add(mail.content.len());
        self.names.insert(mail.version.clone(), no);
        self.all.insert(no, mail);
    }

    pub(super) fn get_mut(&mut self, no: u64) -> Option<&mut Mail> {
        self.all.get_mut(&no)
    }

    pub(super) fn get(&self, no: u64) -> Option<&Mail> {
        self.all.get(&no)
    }

    /// The number of a push by its name.
    pub(super) fn named(&self, version: &str) -> Option<u64> {
        self.names.get(version).copied()
    }

    pub(super) fn remove(&mut self, no: u64) -> Option<Mail> {
        let mail = self.all.remove(&no)?;
        self.names.remove(&mail.version);
        self.octets = self.octets.saturating_sub(mail.content.len());
        Some(mail)
    }
}
