//! The bindings of all addresses of record, and the ways to find them: by address, flow, identifier, epoch and time.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use foldhash::quality::FixedState;

use crate::codec::device_id::DeviceId;
use crate::limits;
use crate::protocol::sip::endpoint::Flow;
use crate::time::Time;
use crate::timers::Timers;

use super::binding::{Binding, Change, NO_FLOW, Removal};

type Map<K, V> = HashMap<K, V, FixedState>;

/// Bindings by address of record. Addresses have numbers, so that the other maps need no copies of their text.
#[derive(Default)]
pub(super) struct Table {
    numbers: Map<String, u64>,
    entries: BTreeMap<u64, Entry>,
    next_number: u64,
    bindings: usize,
    /// When the first binding of an address ends.
    timers: Timers<u64>,
    flows: Map<Flow, BTreeSet<u64>>,
    owners: Map<DeviceId, u64>,
    epochs: Map<u64, u64>,
    /// Addresses without a binding, in the order in which they lost the last one.
    empty: BTreeMap<u64, u64>,
    next_turn: u64,
}

/// One address of record.
#[derive(Default)]
struct Entry {
    aor: String,
    /// In the order in which they are used.
    bindings: Vec<Binding>,
    /// The `gr` values of devices seen here, the latest last.
    seen: Vec<String>,
    /// Its turn to be forgotten, while it has no binding.
    turn: Option<u64>,
}

impl Table {
    pub(super) fn number(&self, aor: &str) -> Option<u64> {
        self.numbers.get(aor).copied()
    }

    pub(super) fn bindings(&self, aor: &str) -> &[Binding] {
        self.number(aor)
            .and_then(|number| self.entries.get(&number))
            .map_or(&[], |entry| &entry.bindings)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Binding> {
        let mut entries: Vec<&Entry> = self.entries.values().collect();
        entries.sort_by(|one, two| one.aor.cmp(&two.aor));
        entries.into_iter().flat_map(|entry| &entry.bindings)
    }

    pub(super) const fn len(&self) -> usize {
        self.bindings
    }

    /// When the next binding ends.
    pub(super) fn next(&self) -> Option<Time> {
        self.timers.next()
    }

    /// An address of which a binding has ended.
    pub(super) fn take_due(&mut self, now: Time) -> Option<u64> {
        self.timers.take_due(now)
    }

    /// The addresses with a binding on the flow.
    pub(super) fn on(&self, flow: Flow) -> Vec<u64> {
        let numbers = self.flows.get(&flow).into_iter().flatten();
        numbers.copied().collect()
    }

    /// The address whose device registered this identifier.
    pub(super) fn owner(&self, id: &DeviceId) -> Option<u64> {
        self.owners.get(id).copied()
    }

    /// The bindings of the device that an epoch belongs to.
    pub(super) fn of_epoch(&self, epoch: u64) -> Vec<&Binding> {
        let entry = self
            .epochs
            .get(&epoch)
            .and_then(|number| self.entries.get(number));
        let bindings = entry.map_or(&[][..], |entry| &entry.bindings);
        let device = bindings.iter().find(|binding| binding.epoch == epoch);
        let of_device = |binding: &&Binding| {
            device.is_some_and(|device| device.gr.is_some() && device.gr == binding.gr)
        };
        bindings.iter().filter(of_device).collect()
    }

    /// True when a device of this `gr` value was seen at the address.
    pub(super) fn remembers(&self, aor: &str, gr: &str) -> bool {
        self.number(aor)
            .and_then(|number| self.entries.get(&number))
            .is_some_and(|entry| entry.seen.iter().any(|seen| seen == gr))
    }

    /// Remembers a device of the address.
    pub(super) fn remember(&mut self, aor: &str, gr: &str) {
        let number = self.number_or_new(aor);
        if let Some(entry) = self.entries.get_mut(&number) {
            entry.see(gr);
        }
        self.settle(number);
    }

    /// Takes a binding back.
    pub(super) fn insert(&mut self, binding: Binding) {
        let mut bindings = self.bindings(&binding.aor).to_vec();
        bindings.retain(|known| known.serial != binding.serial);
        let aor = binding.aor.clone();
        bindings.push(binding);
        self.replace(&aor, bindings);
    }

    /// Gives an address these bindings and says what changed.
    pub(super) fn replace(&mut self, aor: &str, mut after: Vec<Binding>) -> Vec<Change> {
        after.sort_by_cached_key(Binding::rank);
        let number = self.number_or_new(aor);
        self.unlink(number);
        let Some(entry) = self.entries.get_mut(&number) else {
            return Vec::new();
        };
        let before = core::mem::replace(&mut entry.bindings, after);
        let mut changes = Vec::new();
        for binding in &entry.bindings {
            match before.iter().find(|known| known.serial == binding.serial) {
                None => changes.push(Change::Created(binding.clone())),
                Some(known) if known != binding => changes.push(Change::Refreshed(binding.clone())),
                Some(_) => {}
            }
        }
        let left: BTreeSet<u64> = entry
            .bindings
            .iter()
            .map(|binding| binding.serial)
            .collect();
        let removed = before
            .into_iter()
            .filter(|known| !left.contains(&known.serial));
        changes.extend(removed.map(|known| Change::Removed(known, Removal::Unregistered)));
        self.link(number);
        changes
    }

    /// Removes bindings of an address and says which.
    pub(super) fn remove(
        &mut self,
        number: u64,
        gone: impl Fn(&Binding) -> bool,
        why: Removal,
    ) -> Vec<Change> {
        self.unlink(number);
        let Some(entry) = self.entries.get_mut(&number) else {
            return Vec::new();
        };
        let removed: Vec<Change> = entry
            .bindings
            .extract_if(.., |binding| gone(binding))
            .map(|binding| Change::Removed(binding, why))
            .collect();
        self.link(number);
        removed
    }

    /// What is left on a flow that is gone has no flow.
    pub(super) fn disconnect(&mut self, number: u64, flow: Flow) {
        let left = self.entries.get_mut(&number).into_iter();
        for binding in left.flat_map(|entry| &mut entry.bindings) {
            if binding.flow == flow {
                binding.flow = NO_FLOW;
            }
        }
        self.flows.remove(&flow);
    }

    /// Entries of all maps that only bindings may have.
    #[cfg(test)]
    pub(super) fn traces(&self) -> usize {
        self.flows.len() + self.owners.len() + self.epochs.len() + self.timers.len()
    }

    fn number_or_new(&mut self, aor: &str) -> u64 {
        if let Some(number) = self.number(aor) {
            return number;
        }
        let number = self.next_number;
        self.next_number = number.saturating_add(1);
        self.numbers.insert(aor.to_owned(), number);
        let entry = Entry {
            aor: aor.to_owned(),
            ..Entry::default()
        };
        self.entries.insert(number, entry);
        number
    }

    /// Takes the bindings of an address out of every map.
    fn unlink(&mut self, number: u64) {
        let Some(entry) = self.entries.get(&number) else {
            return;
        };
        self.bindings = self.bindings.saturating_sub(entry.bindings.len());
        for binding in &entry.bindings {
            if let Some(on_flow) = self.flows.get_mut(&binding.flow) {
                on_flow.remove(&number);
                if on_flow.is_empty() {
                    self.flows.remove(&binding.flow);
                }
            }
            for alias in binding.alias_ids() {
                self.owners.remove(&alias);
            }
            self.epochs.remove(&binding.epoch);
        }
        self.timers.cancel(number);
    }

    /// Puts the bindings of an address into every map.
    fn link(&mut self, number: u64) {
        let Some(entry) = self.entries.get_mut(&number) else {
            return;
        };
        self.bindings = self.bindings.saturating_add(entry.bindings.len());
        for binding in &entry.bindings {
            if binding.flow != NO_FLOW {
                self.flows.entry(binding.flow).or_default().insert(number);
            }
            for alias in binding.alias_ids() {
                self.owners.insert(alias, number);
            }
            if binding.gr.is_some() {
                self.epochs.insert(binding.epoch, number);
            }
        }
        let grs: Vec<String> = entry.bindings.iter().filter_map(|b| b.gr.clone()).collect();
        grs.iter().for_each(|gr| entry.see(gr));
        if let Some(first) = entry.bindings.iter().map(|b| b.expires_at).min() {
            self.timers.set(number, first);
        }
        self.settle(number);
    }

    /// Keeps the list of addresses without a binding, and its bound.
    fn settle(&mut self, number: u64) {
        let Some(entry) = self.entries.get_mut(&number) else {
            return;
        };
        if let Some(turn) = entry.turn.take() {
            self.empty.remove(&turn);
        }
        if !entry.bindings.is_empty() {
            return;
        }
        if entry.seen.is_empty() {
            return self.forget(number);
        }
        entry.turn = Some(self.next_turn);
        self.empty.insert(self.next_turn, number);
        self.next_turn = self.next_turn.saturating_add(1);
        if self.empty.len() > limits::AORS_REMEMBERED
            && let Some((_, oldest)) = self.empty.pop_first()
        {
            self.forget(oldest);
        }
    }

    fn forget(&mut self, number: u64) {
        if let Some(entry) = self.entries.remove(&number) {
            self.numbers.remove(&entry.aor);
        }
    }
}

impl Entry {
    /// Remembers a device as the latest; the one not seen longest gives way.
    fn see(&mut self, gr: &str) {
        self.seen.retain(|seen| seen != gr);
        self.seen.push(gr.to_owned());
        let excess = self.seen.len().saturating_sub(limits::INSTANCES_REMEMBERED);
        self.seen.drain(..excess);
    }
}

impl Binding {
    fn alias_ids(&self) -> impl Iterator<Item = DeviceId> {
        self.aliases
            .iter()
            .filter_map(|text| DeviceId::decode(text).ok())
    }
}
