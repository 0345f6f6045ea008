//! The order of outputs: what follows a record waits until the record is durable.
//!
//! Pure: outputs go in, those that may be performed come out, and the changes for the next transaction are handed over.
//! While a commit is under way further outputs gather; all their records then share the next transaction. A commit that
//! failed is as one that is still under way: what waits for it waits for the next try, answers to clients too, so that
//! nobody is told that a push was not accepted which is accepted later.

use std::collections::{BTreeMap, HashMap, VecDeque};

use bytes::Bytes;
use foldhash::fast::RandomState;

use crate::driver::store::Change;
use crate::limits::OUTPUTS_HELD;
use crate::world::{HttpResponse, Output, RecordKey};

/// Seconds a client is asked to wait while no record can be stored.
pub(super) const RETRY_AFTER: u32 = 5;

/// Outputs between the node and the world.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// The commit under way, when there is one.
    flight: Option<Flight>,
    /// Outputs behind that commit or behind a record of the next one; the first is a `Save` or an `Erase` once nothing
    /// flies.
    held: VecDeque<Output>,
    /// Records to drop with the next transaction.
    forgets: Vec<Change>,
    /// What a failed commit left over; the newest change of each record.
    unsaved: BTreeMap<RecordKey, Change>,
    /// Outputs behind the failed commit.
    waiting: Vec<Output>,
    /// Set while the record of a failed commit holds back what follows it.
    is_blocked: bool,
    /// Set when the last commit failed and a later one has not yet succeeded.
    failing: bool,
    /// Set when a failing store should be tried again.
    retry: bool,
}

#[derive(Debug)]
struct Flight {
    /// Whether a `Save` or an `Erase` is in it; outputs wait only for those.
    gates: bool,
    /// Outputs to perform when it has landed.
    after: Vec<Output>,
}

impl Order {
    /// Takes one output of the node; what may be performed at once goes to `go`.
    pub(super) fn push(&mut self, output: Output, go: &mut Vec<Output>) {
        if self.is_gated() {
            self.held.push_back(output);
            return;
        }
        match output {
            Output::Save(_) | Output::Erase(_) => self.held.push_back(output),
            Output::Forget(key) => self.forgets.push(Change::Forget(key)),
            other => go.push(other),
        }
    }

    fn is_gated(&self) -> bool {
        self.is_blocked
            || !self.held.is_empty()
            || self.flight.as_ref().is_some_and(|flight| flight.gates)
    }

    /// True when so much waits that the node should get no more inputs.
    pub(super) fn is_full(&self) -> bool {
        let behind = self.waiting.len().saturating_add(self.unsaved.len());
        self.held.len().saturating_add(behind) >= OUTPUTS_HELD
    }

    /// How many outputs wait.
    pub(super) fn len(&self) -> usize {
        let flying = self.flight.as_ref().map_or(0, |flight| flight.after.len());
        let waiting = self.waiting.len().saturating_add(flying);
        self.held.len().saturating_add(waiting)
    }

    /// True while a commit is under way.
    pub(super) const fn is_flying(&self) -> bool {
        self.flight.is_some()
    }

    /// True when nothing waits, flies or is left over.
    pub(super) fn is_idle(&self) -> bool {
        self.flight.is_none()
            && self.held.is_empty()
            && self.forgets.is_empty()
            && self.unsaved.is_empty()
            && !self.is_blocked
    }

    /// True from a failed commit to the next that succeeds.
    pub(super) const fn is_failing(&self) -> bool {
        self.failing
    }

    /// After a failed commit: lets the next [`Order::launch`] try again. Until then records only gather, so that a
    /// store without room is not asked anew by every input.
    pub(super) const fn retry(&mut self) {
        self.retry = self.failing;
    }

    /// The changes of the next transaction, when one is due and none is under way.
    pub(super) fn launch(&mut self) -> Option<Vec<Change>> {
        if self.flight.is_some() || self.is_idle() || (self.failing && !self.retry) {
            return None;
        }
        self.retry = false;
        let mut changes: Vec<Change> = core::mem::take(&mut self.unsaved).into_values().collect();
        changes.append(&mut self.forgets);
        let mut flight = Flight {
            gates: self.is_gated(),
            after: core::mem::take(&mut self.waiting),
        };
        flight.after.reserve(self.held.len());
        self.is_blocked = false;
        for output in self.held.drain(..) {
            match output {
                Output::Save(record) => changes.push(Change::Save(record)),
                Output::Forget(key) | Output::Erase(key) => changes.push(Change::Forget(key)),
                other => flight.after.push(other),
            }
        }
        self.flight = Some(flight);
        Some(latest(changes))
    }

    /// The commit under way succeeded: what waited for it may go.
    pub(super) fn landed(&mut self, go: &mut Vec<Output>) {
        self.failing = false;
        if let Some(flight) = self.flight.take() {
            go.extend(flight.after);
        }
        self.release(go);
    }

    /// The commit under way failed and nothing of it is stored: the changes, and what waits for them, stay for another
    /// try.
    pub(super) fn failed(&mut self, changes: Vec<Change>, go: &mut Vec<Output>) {
        self.failing = true;
        for change in changes {
            self.unsaved.insert(change.key().clone(), change);
        }
        if let Some(flight) = self.flight.take() {
            self.waiting = flight.after;
            self.is_blocked = flight.gates;
        }
        if !self.is_blocked {
            self.release(go);
        }
    }

    /// Lets what gathered during a commit go, up to its first record.
    fn release(&mut self, go: &mut Vec<Output>) {
        while let Some(output) = self.held.pop_front() {
            match output {
                Output::Save(_) | Output::Erase(_) => {
                    self.held.push_front(output);
                    return;
                }
                Output::Forget(key) => self.forgets.push(Change::Forget(key)),
                other => go.push(other),
            }
        }
    }
}

/// The last change of each record, in the place of its first: a push that ends in the turn that accepted it is written
/// once.
fn latest(changes: Vec<Change>) -> Vec<Change> {
    let mut firsts: HashMap<&RecordKey, usize, RandomState> =
        HashMap::with_capacity_and_hasher(changes.len(), RandomState::default());
    let places: Vec<usize> = changes
        .iter()
        .map(|change| {
            let free = firsts.len();
            *firsts.entry(change.key()).or_insert(free)
        })
        .collect();
    if firsts.len() == changes.len() {
        return changes;
    }
    let mut kept: Vec<Option<Change>> = Vec::new();
    kept.resize_with(firsts.len(), || None);
    for (place, change) in places.into_iter().zip(changes) {
        if let Some(slot) = kept.get_mut(place) {
            *slot = Some(change);
        }
    }
    kept.into_iter().flatten().collect()
}

/// The answer to a request that the node does not get, because no record can be stored now.
pub(super) fn unavailable() -> HttpResponse {
    HttpResponse {
        status: 503,
        headers: vec![
            ("content-type".to_owned(), "application/problem+json".to_owned()),
            ("retry-after".to_owned(), RETRY_AFTER.to_string()),
        ],
        body: Bytes::from_static(
            br#"{"schema":"sirgate.error/1","title":"Service Unavailable","status":503,"detail":"no record can be stored now; nothing was accepted"}"#,
        ),
    }
}

#[cfg(test)]
mod tests;
