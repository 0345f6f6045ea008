//! What a message centre has for its ESMEs: messages of handsets, and receipts, until they are taken.

use std::collections::BTreeMap;

use crate::limits;
use crate::protocol::smpp::message::ShortMessage;
use crate::time::Time;

/// One message for an ESME.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    /// The caller's name for it; a receipt has none.
    pub(super) id: Option<u64>,
    pub(super) message: ShortMessage,
    /// When it is given up.
    pub(super) until: Time,
    /// It was sent and waits for its response.
    pub(super) is_sent: bool,
}

/// All of them, by ESME and age.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    waiting: BTreeMap<(String, u64), Delivery>,
    due: BTreeMap<(Time, u64), String>,
    serial: u64,
    octets: usize,
}

impl Deliveries {
    /// Keeps a message for an ESME; false when there is no room.
    #[must_use]
    pub(super) fn put(&mut self, system_id: &str, delivery: Delivery) -> bool {
        let cost = cost(system_id, &delivery);
        if self.waiting.len() >= limits::SMPP_DELIVERIES_WAITING
            || self.octets.saturating_add(cost) > limits::SMPP_OCTETS_KEPT
        {
            return false;
        }
        self.octets = self.octets.saturating_add(cost);
        self.serial = self.serial.saturating_add(1);
        self.due
            .insert((delivery.until, self.serial), system_id.to_owned());
        self.waiting
            .insert((system_id.to_owned(), self.serial), delivery);
        true
    }

    /// The oldest message for an ESME that is not under way; it counts as sent then.
    pub(super) fn send(&mut self, system_id: &str) -> Option<(u64, &ShortMessage)> {
        let from = (system_id.to_owned(), 0);
        let mut own = self.waiting.range_mut(from..);
        let (key, delivery) = own
            .by_ref()
            .take_while(|(key, _)| key.0 == system_id)
            .find(|(_, delivery)| !delivery.is_sent)?;
        delivery.is_sent = true;
        Some((key.1, &delivery.message))
    }

    /// A message was not taken this time.
    pub(super) fn again(&mut self, system_id: &str, serial: u64) {
        if let Some(delivery) = self.waiting.get_mut(&(system_id.to_owned(), serial)) {
            delivery.is_sent = false;
        }
    }

    /// A message was taken, or refused for good; gives the caller's name for it.
    pub(super) fn end(&mut self, system_id: &str, serial: u64) -> Option<u64> {
        let delivery = self.waiting.remove(&(system_id.to_owned(), serial))?;
        self.due.remove(&(delivery.until, serial));
        self.octets = self.octets.saturating_sub(cost(system_id, &delivery));
        delivery.id
    }

    /// Takes a message that has waited long enough: the caller's name for it, if it has one.
    pub(super) fn take_due(&mut self, now: Time) -> Option<Option<u64>> {
        let ((until, serial), system_id) = self.due.first_key_value()?;
        if *until > now {
            return None;
        }
        let (serial, system_id) = (*serial, system_id.clone());
        Some(self.end(&system_id, serial))
    }

    /// When the next one is given up.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// Messages that wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}

fn cost(system_id: &str, delivery: &Delivery) -> usize {
    delivery
        .message
        .cost()
        .saturating_add(system_id.len().saturating_mul(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(id: u64) -> Delivery {
        Delivery {
            id: Some(id),
            message: ShortMessage::default(),
            until: Time::from_secs(id + 1),
            is_sent: false,
        }
    }

    #[test]
    fn messages_of_an_esme_go_in_order_and_end_once() {
        let mut all = Deliveries::default();
        for id in 0..3 {
            assert!(all.put("b", delivery(id)));
            assert!(all.put("a", delivery(10 + id)));
        }
        let (first, _) = all.send("b").unwrap();
        let (second, _) = all.send("b").unwrap();
        all.again("b", first);
        assert_eq!(all.send("b").map(|it| it.0), Some(first));
        assert_eq!(all.end("b", first), Some(0));
        assert_eq!(all.end("b", first), None);
        assert_eq!(all.take_due(Time::from_secs(2)), Some(Some(1)));
        assert_eq!(all.take_due(Time::from_secs(2)), None);
        assert_eq!(all.end("b", second), None);
        assert_eq!(all.len(), 4);
    }

    #[test]
    fn the_bound_holds() {
        let mut all = Deliveries::default();
        for _ in 0..limits::SMPP_DELIVERIES_WAITING {
            assert!(all.put("a", delivery(1)));
        }
        assert!(!all.put("a", delivery(1)));
    }
}
