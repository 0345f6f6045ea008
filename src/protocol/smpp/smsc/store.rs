//! The messages that a message centre has, by its names for them.
//!
//! The content of a message is handed up when it is taken; what is kept is what its receipt, queries and cancels need.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::limits;
use crate::protocol::smpp::message::ShortMessage;
use crate::protocol::smpp::receipt::{Receipt, State};
use crate::time::Time;

/// One message.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    /// Who submitted it.
    pub(super) system_id: String,
    /// It, without its content.
    pub(super) envelope: ShortMessage,
    pub(super) state: State,
    pub(super) error: u8,
    pub(super) submitted: Time,
    /// When it reached a final state.
    pub(super) done: Option<Time>,
    pub(super) has_receipt: bool,
    /// What becomes of it unless somebody says otherwise.
    pub(super) fate: (State, u8),
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Store {
    kept: BTreeMap<u64, Kept>,
    /// Those of them that are done, oldest first.
    done: BTreeSet<u64>,
    number: u64,
    octets: usize,
}

impl Store {
    /// Keeps a message; `None` when there is no room.
    pub(super) fn put(
        &mut self,
        now: Time,
        system_id: &str,
        message: &ShortMessage,
        has_receipt: bool,
        fate: (State, u8),
    ) -> Option<u64> {
        let kept = Kept {
            system_id: system_id.to_owned(),
            envelope: ShortMessage {
                octets: Bytes::new(),
                tlvs: Bytes::new(),
                ..message.clone()
            },
            state: State::Enroute,
            error: 0,
            submitted: now,
            done: None,
            has_receipt,
            fate,
        };
        let cost = kept.cost();
        while self.kept.len() >= limits::SMPP_MESSAGES_KEPT
            || self.octets.saturating_add(cost) > limits::SMPP_OCTETS_KEPT
        {
            let oldest = self.done.pop_first()?;
            let gone = self.kept.remove(&oldest);
            self.octets = self
                .octets
                .saturating_sub(gone.map_or(0, |kept| kept.cost()));
        }
        self.octets = self.octets.saturating_add(cost);
        self.number = self.number.saturating_add(1);
        self.kept.insert(self.number, kept);
        Some(self.number)
    }

    /// The message of a number.
    pub(super) fn get(&self, number: u64) -> Option<&Kept> {
        self.kept.get(&number)
    }

    /// Messages that are kept.
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// A message reaches its final state; gives who is to be told with which receipt, if anybody.
    pub(super) fn settle(
        &mut self,
        now: Time,
        number: u64,
        state: State,
        error: u8,
    ) -> Option<Settled> {
        let kept = self.kept.get_mut(&number)?;
        if kept.done.is_some() {
            return None;
        }
        (kept.state, kept.error, kept.done) = (state, error, Some(now));
        self.done.insert(number);
        let is_wanted = match kept.envelope.registered_delivery & 3 {
            1 => true,
            2 => state != State::Delivered,
            3 => state == State::Delivered,
            _ => false,
        };
        let receipt = Receipt::new(&name(number), state, kept.submitted, now, error.into());
        Some(Settled {
            system_id: kept.system_id.clone(),
            receipt: (is_wanted && kept.has_receipt).then(|| receipt.message(&kept.envelope)),
        })
    }

    /// The messages that can still be cancelled, of one ESME between two addresses.
    pub(super) fn between(&self, system_id: &str, from: &str, to: &str) -> Vec<u64> {
        let is_it = |kept: &Kept| {
            kept.done.is_none()
                && kept.system_id == system_id
                && kept.envelope.source.text == from
                && kept.envelope.destination.text == to
        };
        let found = self.kept.iter().filter(|(_, kept)| is_it(kept));
        found.map(|(number, _)| *number).collect()
    }
}

/// A message that has reached its final state.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) system_id: String,
    pub(super) receipt: Option<ShortMessage>,
}

impl Kept {
    fn cost(&self) -> usize {
        size_of::<Self>()
            .saturating_add(self.system_id.len())
            .saturating_add(self.envelope.cost())
    }
}

/// The name of a message.
pub(super) fn name(number: u64) -> String {
    format!("{number:08x}")
}

/// The number of a name.
pub(super) fn number(name: &str) -> Option<u64> {
    u64::from_str_radix(name, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_are_done_give_way_and_others_do_not() {
        let mut store = Store::default();
        let message = ShortMessage::default();
        let fate = (State::Delivered, 0);
        let put = |store: &mut Store| store.put(Time::EPOCH, "e", &message, true, fate);
        for _ in 0..limits::SMPP_MESSAGES_KEPT {
            assert!(put(&mut store).is_some());
        }
        assert_eq!(put(&mut store), None);
        store.settle(Time::EPOCH, 7, State::Delivered, 0);
        assert!(put(&mut store).is_some());
        assert!(store.get(7).is_none());
        assert_eq!(store.len(), limits::SMPP_MESSAGES_KEPT);
    }
}
