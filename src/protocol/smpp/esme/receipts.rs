//! Which receipts are awaited, and what they make of a message of several parts.
//!
//! A receipt may come before the response that names its message; it is kept a while for that. Message centres are
//! known that name a message in hexadecimal in the response and in decimal in the receipt, or the other way round.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use foldhash::quality::FixedState;

use super::{Ids, Out};
use crate::limits;
use crate::protocol::smpp::message::Envelope;
use crate::protocol::smpp::receipt::{Receipt, State};
use crate::time::Time;

/// How long the names of a message are kept after its receipts did not come, so that it can be taken back.
const KEPT: Duration = Duration::from_secs(86_400);

/// The receipts of all messages.
#[derive(Debug)]
pub(super) struct Receipts {
    ids: Ids,
    patience: Duration,
    /// How long a receipt waits for the response that names its message.
    early_patience: Duration,
    awaited: BTreeMap<u64, Awaited>,
    due: BTreeSet<(Time, u64)>,
    parts: HashMap<Box<str>, (u64, u8), FixedState>,
    /// Messages by the caller's name for them.
    by_id: HashMap<u64, u64, FixedState>,
    early: VecDeque<(Time, Receipt)>,
    serial: u64,
}

/// One message.
#[derive(Debug)]
struct Awaited {
    id: u64,
    due: Time,
    envelope: Envelope,
    /// Of each part the name to look under, and what became of it.
    parts: Vec<(Box<str>, Option<State>)>,
    /// Of each part its name as the message centre said it.
    names: Vec<String>,
    is_settled: bool,
}

impl Receipts {
    pub(super) fn new(ids: Ids, patience: Duration, early_patience: Duration) -> Self {
        Self {
            ids,
            patience,
            early_patience,
            awaited: BTreeMap::new(),
            due: BTreeSet::new(),
            parts: HashMap::with_hasher(FixedState::default()),
            by_id: HashMap::with_hasher(FixedState::default()),
            early: VecDeque::new(),
            serial: 0,
        }
    }

    /// Receipts for a message of these parts are to come; those that came already are told.
    pub(super) fn expect(
        &mut self,
        now: Time,
        id: u64,
        (envelope, message_ids): (Envelope, &[String]),
        out: &mut Vec<Out>,
    ) {
        let count = message_ids.len();
        while !self.awaited.is_empty()
            && self.parts.len().saturating_add(count) > limits::SMPP_RECEIPTS_AWAITED
        {
            self.drop_first(out);
        }
        self.serial = self.serial.saturating_add(1);
        let names: Vec<Box<str>> = message_ids
            .iter()
            .map(|it| self.ids.of_response(it))
            .collect();
        for (part, name) in (0..=u8::MAX).zip(&names) {
            self.parts.insert(name.clone(), (self.serial, part));
        }
        let awaited = Awaited {
            id,
            due: now + self.patience,
            envelope,
            parts: names.into_iter().map(|name| (name, None)).collect(),
            names: message_ids.to_vec(),
            is_settled: false,
        };
        self.by_id.insert(id, self.serial);
        self.due.insert((awaited.due, self.serial));
        self.awaited.insert(self.serial, awaited);
        for (at, receipt) in core::mem::take(&mut self.early) {
            if let Some(receipt) = self.matched(receipt, out) {
                self.early.push_back((at, receipt));
            }
        }
    }

    /// A receipt came.
    pub(super) fn take(&mut self, now: Time, receipt: Receipt, out: &mut Vec<Out>) {
        if let Some(receipt) = self.matched(receipt, out) {
            if self.early.len() >= limits::SMPP_RECEIPTS_EARLY
                && let Some((_, receipt)) = self.early.pop_front()
            {
                out.push(Out::Stray(receipt));
            }
            self.early.push_back((now + self.early_patience, receipt));
        }
    }

    /// The names of the parts of which nothing final is known; their receipts settle nothing any more.
    pub(super) fn take_back(&mut self, id: u64) -> Option<(Envelope, Vec<String>)> {
        let awaited = self.awaited.get_mut(self.by_id.get(&id)?)?;
        awaited.is_settled = true;
        let states = awaited.parts.iter().map(|(_, state)| state);
        let open = awaited.names.iter().zip(states);
        let open = open.filter(|(_, state)| state.is_none());
        let names = open.map(|(name, _)| name.clone()).collect();
        Some((awaited.envelope.clone(), names))
    }

    /// Tells the receipt with its message, or gives it back when nobody awaits it.
    fn matched(&mut self, receipt: Receipt, out: &mut Vec<Out>) -> Option<Receipt> {
        let name = self.ids.of_receipt(&receipt.message_id);
        let found = self.parts.get(&name).copied();
        let Some((serial, part)) = found else {
            return Some(receipt);
        };
        let Some(awaited) = self.awaited.get_mut(&serial) else {
            return Some(receipt);
        };
        let (id, state) = (awaited.id, receipt.state);
        out.push(Out::Receipt { id, part, receipt });
        if let Some((_, known)) = awaited.parts.get_mut(usize::from(part))
            && state.is_final()
        {
            *known = Some(state);
        }
        awaited.settle(state, out);
        if awaited.parts.iter().all(|(_, state)| state.is_some()) {
            self.forget(serial);
        }
        None
    }

    /// Gives up what has waited long enough.
    pub(super) fn expire(&mut self, now: Time, out: &mut Vec<Out>) {
        while let Some((due, serial)) = self.due.first().copied()
            && due <= now
        {
            self.lapse(serial, out);
        }
        while self.early.front().is_some_and(|(due, _)| *due <= now) {
            if let Some((_, receipt)) = self.early.pop_front() {
                out.push(Out::Stray(receipt));
            }
        }
    }

    /// When the next waits no longer.
    pub(super) fn deadline(&self) -> Option<Time> {
        let early = self.early.front().map(|(due, _)| *due);
        self.first_due().into_iter().chain(early).min()
    }

    /// Parts whose receipts are awaited.
    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    fn first_due(&self) -> Option<Time> {
        self.due.first().map(|(due, _)| *due)
    }

    /// A message waited long enough for its receipts; it is kept on for a while to be taken back.
    fn lapse(&mut self, serial: u64, out: &mut Vec<Out>) {
        let Some(awaited) = self.awaited.get_mut(&serial) else {
            return;
        };
        if awaited.is_settled {
            return self.forget(serial);
        }
        awaited.is_settled = true;
        out.push(Out::Settled {
            id: awaited.id,
            state: State::Unknown,
        });
        self.due.remove(&(awaited.due, serial));
        awaited.due = awaited.due + KEPT;
        self.due.insert((awaited.due, serial));
    }

    /// The oldest message gives way.
    fn drop_first(&mut self, out: &mut Vec<Out>) {
        let Some((&serial, awaited)) = self.awaited.first_key_value() else {
            return;
        };
        if !awaited.is_settled {
            out.push(Out::Settled {
                id: awaited.id,
                state: State::Unknown,
            });
        }
        self.forget(serial);
    }

    fn forget(&mut self, serial: u64) {
        let Some(awaited) = self.awaited.remove(&serial) else {
            return;
        };
        self.due.remove(&(awaited.due, serial));
        if self.by_id.get(&awaited.id) == Some(&serial) {
            self.by_id.remove(&awaited.id);
        }
        for (name, _) in awaited.parts {
            // A message centre that used the name again meant another message by it.
            if self.parts.get(&name).is_some_and(|(it, _)| *it == serial) {
                self.parts.remove(&name);
            }
        }
    }
}

impl Awaited {
    /// The first part that was not delivered settles the message, else the last that was.
    fn settle(&mut self, state: State, out: &mut Vec<Out>) {
        let is_whole = self.parts.iter().all(|(_, state)| state.is_some());
        let is_lost = state.is_final() && state != State::Delivered;
        if !self.is_settled && (is_lost || is_whole) {
            self.is_settled = true;
            out.push(Out::Settled { id: self.id, state });
        }
    }
}

impl Ids {
    /// The name to look under, of a name in a response.
    fn of_response(self, id: &str) -> Box<str> {
        match self {
            Self::HexadecimalInResponse => decimal(id),
            _ => plain(id),
        }
    }

    /// The same of a name in a receipt.
    fn of_receipt(self, id: &str) -> Box<str> {
        match self {
            Self::HexadecimalInReceipt => decimal(id),
            _ => plain(id),
        }
    }
}

/// The name without what message centres add to or leave out of it.
fn plain(id: &str) -> Box<str> {
    let id = id.trim();
    let bare = id.trim_start_matches('0');
    if bare.is_empty() { id } else { bare }
        .to_ascii_lowercase()
        .into()
}

fn decimal(id: &str) -> Box<str> {
    match u64::from_str_radix(id.trim(), 16) {
        Ok(number) => number.to_string().into(),
        Err(_) => plain(id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_secs(1);

    fn receipt(id: &str, state: State) -> Receipt {
        Receipt::new(id, state, NOW, NOW, 0)
    }

    fn settled(out: &[Out]) -> Vec<(u64, State)> {
        let one = |out: &Out| match out {
            Out::Settled { id, state } => Some((*id, *state)),
            _ => None,
        };
        out.iter().filter_map(one).collect()
    }

    const EARLY: Duration = Duration::from_secs(30);

    fn receipts(ids: Ids) -> Receipts {
        Receipts::new(ids, Duration::from_secs(60), EARLY)
    }

    #[test]
    fn a_message_is_delivered_with_its_last_part() {
        let (mut it, mut out) = (receipts(Ids::Same), Vec::new());
        it.expect(
            NOW,
            9,
            (Envelope::default(), &["A1".to_owned(), "a2".to_owned()]),
            &mut out,
        );
        it.take(NOW, receipt("a2", State::Enroute), &mut out);
        it.take(NOW, receipt("A2", State::Delivered), &mut out);
        assert_eq!(settled(&out), []);
        it.take(NOW, receipt("00a1", State::Delivered), &mut out);
        assert_eq!(settled(&out), [(9, State::Delivered)]);
        assert_eq!((it.len(), it.deadline()), (0, None));
    }

    #[test]
    fn one_part_that_fails_settles_a_message_once() {
        let (mut it, mut out) = (receipts(Ids::Same), Vec::new());
        it.expect(
            NOW,
            9,
            (Envelope::default(), &["1".to_owned(), "2".to_owned()]),
            &mut out,
        );
        it.take(NOW, receipt("1", State::Expired), &mut out);
        it.take(NOW, receipt("2", State::Undeliverable), &mut out);
        it.expire(Time::FAR, &mut out);
        assert_eq!(settled(&out), [(9, State::Expired)]);
    }

    #[test]
    fn a_receipt_before_the_response_finds_its_message() {
        let (mut it, mut out) = (receipts(Ids::Same), Vec::new());
        it.take(NOW, receipt("7", State::Delivered), &mut out);
        it.take(NOW, receipt("8", State::Delivered), &mut out);
        assert_eq!(out, []);
        it.expect(NOW, 3, (Envelope::default(), &["7".to_owned()]), &mut out);
        assert_eq!(settled(&out), [(3, State::Delivered)]);
        it.expire(NOW + EARLY, &mut out);
        assert!(matches!(out.last(), Some(Out::Stray(receipt)) if receipt.message_id == "8"));
    }

    #[test]
    fn names_in_hexadecimal_match_those_in_decimal() {
        for (ids, response, in_receipt) in [
            (Ids::HexadecimalInResponse, "1F", "31"),
            (Ids::HexadecimalInReceipt, "31", "1f"),
        ] {
            let (mut it, mut out) = (receipts(ids), Vec::new());
            it.expect(
                NOW,
                1,
                (Envelope::default(), &[response.to_owned()]),
                &mut out,
            );
            it.take(NOW, receipt(in_receipt, State::Delivered), &mut out);
            assert_eq!(settled(&out), [(1, State::Delivered)]);
        }
    }

    #[test]
    fn the_oldest_gives_way_at_the_bound_and_nothing_waits_for_ever() {
        let (mut it, mut out) = (receipts(Ids::Same), Vec::new());
        let count = u64::try_from(limits::SMPP_RECEIPTS_AWAITED).unwrap();
        for id in 0..=count {
            it.expect(
                NOW,
                id,
                (Envelope::default(), &[format!("{id}x")]),
                &mut out,
            );
        }
        assert_eq!(settled(&out), [(0, State::Unknown)]);
        assert_eq!(it.len(), limits::SMPP_RECEIPTS_AWAITED);
        it.expire(Time::FAR, &mut out);
        assert_eq!(it.len(), 0);
        for id in 0..=limits::SMPP_RECEIPTS_EARLY {
            it.take(NOW, receipt(&format!("{id}y"), State::Delivered), &mut out);
        }
        assert_eq!(it.early.len(), limits::SMPP_RECEIPTS_EARLY);
    }
}
