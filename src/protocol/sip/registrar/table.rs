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

/// A binding that an address is to have.
#[expect(
    clippy::large_enum_variant,
    reason = "short-lived, one at a time; a box would cost an allocation with every REGISTER"
)]
pub(super) enum After {
    /// The one at that place of those it has.
    Kept(usize),
    /// This one, instead of the one of its number if there is one.
    Made(Binding),
}

/// What a binding was before.
#[expect(
    clippy::large_enum_variant,
    reason = "short-lived, one at a time; a box would cost an allocation with every REGISTER"
)]
enum Was {
    /// The same.
    Same,
    /// This.
    Other(Binding),
    /// Not there.
    Nothing,
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
            see(&mut entry.seen, gr);
        }
        self.settle(number);
    }

    /// Takes a binding back.
    pub(super) fn insert(&mut self, binding: Binding) {
        let aor = binding.aor.clone();
        let before = self.lend(&aor);
        let others = before.iter().enumerate();
        let mut after: Vec<After> = others
            .filter(|(_, known)| known.serial != binding.serial)
            .map(|(at, _)| After::Kept(at))
            .collect();
        after.push(After::Made(binding));
        self.replace(&aor, before, after);
    }

    /// The bindings of an address, taken out until [`Table::replace`] or [`Table::give_back`].
    pub(super) fn lend(&mut self, aor: &str) -> Vec<Binding> {
        self.number(aor)
            .and_then(|number| self.entries.get_mut(&number))
            .map_or_else(Vec::new, |entry| core::mem::take(&mut entry.bindings))
    }

    /// Ends a loan without a change.
    pub(super) fn give_back(&mut self, aor: &str, bindings: Vec<Binding>) {
        let number = self.number(aor);
        if let Some(entry) = number.and_then(|number| self.entries.get_mut(&number)) {
            entry.bindings = bindings;
        }
    }

    /// Ends a loan: gives the address these bindings and says what changed.
    pub(super) fn replace(
        &mut self,
        aor: &str,
        before: Vec<Binding>,
        after: Vec<After>,
    ) -> Vec<Change> {
        let number = self.number_or_new(aor);
        self.bindings = self.bindings.saturating_sub(before.len());
        let (mut rows, gone) = compared(before, after);
        rows.sort_by_key(|(one, _)| one.rank());
        self.bindings = self.bindings.saturating_add(rows.len());
        // Most REGISTERs refresh what is there: then every map stays as it is.
        let moves = rows.iter().any(|(binding, was)| !was.is_found_as(binding));
        if moves || !gone.is_empty() {
            let known = rows.iter().filter_map(|(binding, was)| was.of(binding));
            for binding in known.chain(&gone) {
                self.unlink(number, binding);
            }
            for (binding, _) in &rows {
                self.link(number, binding);
            }
        }
        let mut changes = Vec::with_capacity(1);
        for (binding, was) in &rows {
            match was {
                Was::Same => {}
                Was::Other(_) => changes.push(Change::Refreshed(binding.clone())),
                Was::Nothing => changes.push(Change::Created(binding.clone())),
            }
        }
        let removed = gone.into_iter();
        changes.extend(removed.map(|known| Change::Removed(known, Removal::Unregistered)));
        self.keep(
            number,
            rows.into_iter().map(|(binding, _)| binding).collect(),
        );
        changes
    }

    /// Removes bindings of an address and says which.
    pub(super) fn remove(
        &mut self,
        number: u64,
        gone: impl Fn(&Binding) -> bool,
        why: Removal,
    ) -> Vec<Change> {
        let Some(entry) = self.entries.get_mut(&number) else {
            return Vec::new();
        };
        let mut bindings = core::mem::take(&mut entry.bindings);
        for binding in &bindings {
            self.unlink(number, binding);
        }
        let removed: Vec<Change> = bindings
            .extract_if(.., |binding| gone(binding))
            .map(|binding| Change::Removed(binding, why))
            .collect();
        for binding in &bindings {
            self.link(number, binding);
        }
        self.bindings = self.bindings.saturating_sub(removed.len());
        self.keep(number, bindings);
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

    /// Takes a binding of an address out of every map.
    fn unlink(&mut self, number: u64, binding: &Binding) {
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

    /// Puts a binding of an address into every map.
    fn link(&mut self, number: u64, binding: &Binding) {
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

    /// Gives an address its bindings, which every map has already.
    fn keep(&mut self, number: u64, bindings: Vec<Binding>) {
        let Some(entry) = self.entries.get_mut(&number) else {
            return;
        };
        for gr in bindings.iter().filter_map(|binding| binding.gr.as_deref()) {
            see(&mut entry.seen, gr);
        }
        match bindings.iter().map(|binding| binding.expires_at).min() {
            Some(first) => self.timers.set(number, first),
            None => self.timers.cancel(number),
        }
        entry.bindings = bindings;
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

/// Remembers a device as the latest; the one not seen longest gives way.
fn see(seen: &mut Vec<String>, gr: &str) {
    match seen.iter().position(|known| known == gr) {
        Some(at) => seen.get_mut(at..).unwrap_or_default().rotate_left(1),
        None => seen.push(gr.to_owned()),
    }
    let excess = seen.len().saturating_sub(limits::INSTANCES_REMEMBERED);
    seen.drain(..excess);
}

/// What an address has after a REGISTER, beside what it had; and what it has no more.
fn compared(before: Vec<Binding>, after: Vec<After>) -> (Vec<(Binding, Was)>, Vec<Binding>) {
    let mut before: Vec<Option<Binding>> = before.into_iter().map(Some).collect();
    let mut rows = Vec::with_capacity(after.len());
    for planned in after {
        rows.extend(match planned {
            After::Kept(at) => {
                let kept = before.get_mut(at).and_then(Option::take);
                kept.map(|binding| (binding, Was::Same))
            }
            After::Made(binding) => Some((binding, Was::Nothing)),
        });
    }
    for (binding, was) in &mut rows {
        let same = |known: &&mut Option<Binding>| {
            known
                .as_ref()
                .is_some_and(|known| known.serial == binding.serial)
        };
        let known = before.iter_mut().find(same).and_then(Option::take);
        if let Some(known) = known {
            *was = if known == *binding {
                Was::Same
            } else {
                Was::Other(known)
            };
        }
    }
    (rows, before.into_iter().flatten().collect())
}

impl Was {
    /// The binding as it was, when there was one.
    const fn of<'a>(&'a self, binding: &'a Binding) -> Option<&'a Binding> {
        match self {
            Self::Same => Some(binding),
            Self::Other(known) => Some(known),
            Self::Nothing => None,
        }
    }

    /// True when every map leads to the binding as it did before.
    fn is_found_as(&self, binding: &Binding) -> bool {
        self.of(binding).is_some_and(|known| {
            known.flow == binding.flow
                && known.epoch == binding.epoch
                && known.gr.is_some() == binding.gr.is_some()
                && known.aliases == binding.aliases
        })
    }
}

impl Binding {
    fn alias_ids(&self) -> impl Iterator<Item = DeviceId> {
        self.aliases
            .iter()
            .filter_map(|text| DeviceId::decode(text).ok())
    }
}
