//! Where events go: the ring that readers look into, the event log, the figures.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::log::{EventLog, LogSettings};
use super::metrics::Tallies;
use super::ring::{Entry, Page, Ring};
use crate::event::{Event, Fact};
use crate::limits;

/// How much is kept, and where it is written.
#[derive(Debug)]
pub struct JournalSettings {
    /// Events kept for readers.
    pub ring_entries: usize,
    /// Octets of protocol messages kept with them.
    pub ring_octets: usize,
    /// The event log and what of events is logged.
    pub log: LogSettings,
}

impl Default for JournalSettings {
    fn default() -> Self {
        Self {
            ring_entries: limits::EVENTS_KEPT,
            ring_octets: limits::EVENT_OCTETS_KEPT,
            log: LogSettings::default(),
        }
    }
}

/// The events of one process; several nodes may share one. Clones are the same journal.
#[derive(Clone, Debug)]
pub struct Journal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    ring: Mutex<Ring>,
    /// The number of the latest event that readers were told of.
    latest: watch::Sender<u64>,
    log: EventLog,
    tallies: Tallies,
    /// What a node lacks at present, by who it is.
    lacks: Mutex<BTreeMap<String, String>>,
}

impl Journal {
    /// An empty journal.
    ///
    /// # Errors
    /// When the event log cannot be opened.
    pub fn start(settings: &JournalSettings) -> std::io::Result<Self> {
        Ok(Self(Arc::new(Inner {
            ring: Mutex::new(Ring::new(settings.ring_entries, settings.ring_octets)),
            latest: watch::Sender::new(0),
            log: EventLog::start(&settings.log)?,
            tallies: Tallies::default(),
            lacks: Mutex::default(),
        })))
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event. Never waits; [`Journal::announce`] wakes the readers.
    pub fn push(&self, event: Event) {
        self.0.tallies.count(&event.fact);
        self.note(&event.fact);
        let mut ring = self.ring();
        let entry = ring.push(event);
        // Inside the lock, so that the log has the events in the order of their numbers.
        self.0.log.write(entry);
    }

    /// Keeps in mind what a node lacks; most events say nothing of it.
    fn note(&self, fact: &Fact) {
        let Fact::Smsc {
            address,
            state,
            why,
        } = fact
        else {
            return;
        };
        let mut lacks = self.0.lacks.lock().unwrap_or_else(PoisonError::into_inner);
        if state == "up" {
            lacks.remove(address);
        } else {
            let why = why.as_deref().unwrap_or("no reason given");
            let words = format!("the message centre {address} is {state}: {why}");
            lacks.insert(address.clone(), words);
        }
    }

    /// What the nodes lack at present, in sentences: they do what is possible without it.
    #[must_use]
    pub fn lacks(&self) -> Vec<String> {
        let lacks = self.0.lacks.lock().unwrap_or_else(PoisonError::into_inner);
        lacks.values().cloned().collect()
    }

    /// Tells the readers what was added.
    pub fn announce(&self) {
        let last = self.last();
        self.0.latest.send_if_modified(|latest| {
            let news = last > *latest;
            *latest = last.max(*latest);
            news
        });
    }

    /// The number of the latest event: the cursor of whoever wants only what comes.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.ring().last()
    }

    /// At most `count` events after the cursor.
    #[must_use]
    pub fn after(&self, cursor: u64, count: usize) -> Page {
        self.ring().after(cursor, count)
    }

    /// All events that are kept, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        let entries = self.ring().all();
        entries.iter().map(|entry| entry.event.clone()).collect()
    }

    /// The same with their numbers.
    #[must_use]
    pub fn entries(&self) -> Vec<Arc<Entry>> {
        self.ring().all()
    }

    /// The event of that number, while it is kept.
    #[must_use]
    pub fn entry(&self, seq: u64) -> Option<Arc<Entry>> {
        let mut page = self.after(seq.checked_sub(1)?, 1);
        page.entries.pop().filter(|entry| entry.seq == seq)
    }

    /// Changes whenever events were added.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.0.latest.subscribe()
    }

    /// Events that went from the ring for want of room, and events the log could not take.
    #[must_use]
    pub fn dropped(&self) -> (u64, u64) {
        (self.ring().dropped(), self.0.log.dropped())
    }

    /// Waits until the event log has written all it was given.
    pub fn flush(&self) {
        self.0.log.flush();
    }

    pub(super) fn tallies(&self) -> &Tallies {
        &self.0.tallies
    }
}
