//! Push services of others, simulated: they issue tokens to devices, take notifications for them or refuse, and remember
//! what each device was shown.
//!
//! What the service of each vendor speaks is in `apns` and `fcm`; here are the devices, the refusals on demand and the
//! simulator's own doors, under `/sim/`. Everything is bounded: devices, notifications of a device, octets of all.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use serde_json::{Value, json};

use crate::event::{Event, Fact};
use crate::random::Random;
use crate::time::Time;
use crate::world::{HttpResponse, Output, RequestId};

pub mod apns;
mod door;
pub mod fcm;
#[cfg(test)]
mod tests;

/// Devices of one service.
const DEVICES: usize = 65_536;
/// Notifications that a device remembers.
const NOTES: usize = 16;
/// Octets of what all devices remember; beyond that a notification is counted, and its payload forgotten.
const OCTETS: usize = 64 << 20;
/// Refusals on demand.
const DEMANDS: usize = 256;

/// A notification that reached a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The service's name for it.
    pub id: String,
    /// When.
    pub at: Time,
    /// Notifications with the same replace each other.
    pub collapse: Option<String>,
    /// What came, as JSON; `None` when too much is remembered already.
    pub payload: Option<Bytes>,
}

/// A device with an application on it.
#[derive(Clone, Debug)]
pub struct Handset {
    /// Its name for people.
    pub name: String,
    /// The application.
    pub app: String,
    /// Since when the application is gone from it.
    pub gone: Option<Time>,
    /// How many notifications came.
    pub received: u64,
    notes: VecDeque<Note>,
}

/// A refusal on demand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// The service's word for it.
    pub reason: String,
    /// Tokens that begin so; empty: all.
    pub to: String,
    /// The first so many alone.
    pub first: Option<u64>,
    /// Each so-manieth alone.
    pub every: Option<u64>,
    /// `retry-after`, in seconds.
    pub retry_after: Option<u64>,
    met: u64,
}

impl Demand {
    /// Meets a notification for that token; true when it is to be refused.
    fn meets(&mut self, token: &str) -> bool {
        if !token.starts_with(&self.to) {
            return false;
        }
        self.met = self.met.saturating_add(1);
        let is_early = self.first.is_none_or(|first| self.met <= first);
        let is_turn = self
            .every
            .is_none_or(|every| self.met.is_multiple_of(every));
        is_early && is_turn
    }
}

/// The devices of a service, and what is refused to them on demand.
#[derive(Debug)]
pub struct Handsets {
    /// The vendor's word: `apns`, `fcm`.
    by: &'static str,
    all: BTreeMap<String, Handset>,
    octets: usize,
    demands: Vec<Demand>,
    random: Random,
    issue: fn(&mut Random) -> String,
    is_reason: fn(&str) -> bool,
}

impl Handsets {
    fn new(
        by: &'static str,
        random: Random,
        issue: fn(&mut Random) -> String,
        is_reason: fn(&str) -> bool,
    ) -> Self {
        Self {
            by,
            all: BTreeMap::new(),
            octets: 0,
            demands: Vec::new(),
            random,
            issue,
            is_reason,
        }
    }

    /// A device registers, and gets a token; `None` when there are too many.
    pub fn register(
        &mut self,
        now: Time,
        name: &str,
        app: &str,
        out: &mut Vec<Output>,
    ) -> Option<String> {
        let token = (self.issue)(&mut self.random);
        self.appear(now, &token, name, app, out).then_some(token)
    }

    /// A device is there with a token of its own; false when there are too many.
    fn appear(
        &mut self,
        now: Time,
        token: &str,
        name: &str,
        app: &str,
        out: &mut Vec<Output>,
    ) -> bool {
        if self.all.len() >= DEVICES {
            return false;
        }
        let handset = Handset {
            name: name.to_owned(),
            app: app.to_owned(),
            gone: None,
            received: 0,
            notes: VecDeque::new(),
        };
        self.all.insert(token.to_owned(), handset);
        let fact = Fact::NoteToken {
            dev: name.to_owned(),
            by: self.by.to_owned(),
            app: app.to_owned(),
        };
        out.push(Output::Report(Event { t: now, fact }));
        true
    }

    /// The device of a token.
    #[must_use]
    pub fn get(&self, token: &str) -> Option<&Handset> {
        self.all.get(token)
    }

    /// The application is taken from a device; false when nobody has that token.
    pub fn remove(&mut self, now: Time, token: &str) -> bool {
        let Some(handset) = self.all.get_mut(token) else {
            return false;
        };
        handset.gone.get_or_insert(now);
        true
    }

    /// Refuses from now on; false when the service knows no such word, or too many are there.
    pub fn demand(&mut self, demand: Demand) -> bool {
        let is_fit = (self.is_reason)(&demand.reason) && self.demands.len() < DEMANDS;
        if is_fit {
            self.demands.push(demand);
        }
        is_fit
    }

    /// The refusal that is demanded for a notification.
    fn refusal(&mut self, token: &str) -> Option<(String, Option<u64>)> {
        let mut found = None;
        for demand in &mut self.demands {
            if demand.meets(token) && found.is_none() {
                found = Some((demand.reason.clone(), demand.retry_after));
            }
        }
        found
    }

    /// A notification reaches its device.
    fn deliver(&mut self, token: &str, note: Note, out: &mut Vec<Output>) {
        let room = OCTETS.saturating_sub(self.octets);
        let Some(handset) = self.all.get_mut(token) else {
            return;
        };
        let octets = note.payload.as_ref().map_or(0, Bytes::len);
        let fact = Fact::NoteGiven {
            dev: handset.name.clone(),
            by: self.by.to_owned(),
            note: note.id.clone(),
            octets: u64::try_from(octets).unwrap_or(u64::MAX),
        };
        out.push(Output::Report(Event { t: note.at, fact }));
        handset.received = handset.received.saturating_add(1);
        let replaced = note.collapse.as_ref().and_then(|collapse| {
            let mut notes = handset.notes.iter();
            notes.position(|own| own.collapse.as_ref() == Some(collapse))
        });
        let is_full = handset.notes.len() >= NOTES;
        let old = replaced.or_else(|| is_full.then_some(0));
        let old = old.and_then(|at| handset.notes.remove(at)?.payload);
        self.octets = self.octets.saturating_sub(old.map_or(0, |old| old.len()));
        let payload = note.payload.filter(|payload| payload.len() <= room);
        let kept = payload.as_ref().map_or(0, Bytes::len);
        self.octets = self.octets.saturating_add(kept);
        handset.notes.push_back(Note { payload, ..note });
    }

    fn view(&self, token: &str) -> Option<Value> {
        let handset = self.all.get(token)?;
        let notes = handset.notes.iter().map(|note| {
            let payload = note.payload.as_ref();
            let payload: Option<Value> =
                payload.and_then(|payload| serde_json::from_slice(payload).ok());
            json!({
                "id": note.id, "at": note.at.to_string(), "collapse": note.collapse, "payload": payload,
            })
        });
        let notes: Vec<Value> = notes.collect();
        Some(json!({
            "token": token, "name": handset.name, "app": handset.app,
            "gone": handset.gone.map(|at| at.to_string()), "received": handset.received, "notes": notes,
        }))
    }

    /// Tells what became of a notification.
    fn tell(&self, now: Time, token: &str, note: &str, became: (u16, Option<&str>)) -> Output {
        let (status, reason) = became;
        let name = self.all.get(token).map(|handset| handset.name.clone());
        let fact = Fact::NoteReq {
            dev: name.unwrap_or_else(|| token.chars().take(8).collect()),
            by: self.by.to_owned(),
            note: note.to_owned(),
            status,
            reason: reason.map(str::to_owned),
        };
        Output::Report(Event { t: now, fact })
    }
}

fn respond(
    id: RequestId,
    status: u16,
    rows: &[(&str, String)],
    body: impl Into<Bytes>,
    out: &mut Vec<Output>,
) {
    let body = body.into();
    let mut headers: Vec<(String, String)> = rows
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    if !body.is_empty() {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    let response = HttpResponse {
        status,
        headers,
        body,
    };
    out.push(Output::Respond { id, response });
}
