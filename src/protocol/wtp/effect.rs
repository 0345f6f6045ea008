//! What a transaction asks for, and the acknowledgements and aborts that both ends write alike.
//!
//! **Source:** WAP-224 sections 7.4 (information in the last acknowledgement), 7.14.3 (segment numbers), 8.4.

use std::time::Duration;

use crate::codec::wtp::{Item, Items, Kind, Pdu};

use super::settings::Settings;
use super::{Abort, Event};

/// What a transaction asks for.
#[derive(Debug)]
pub(super) enum Effect {
    /// Send a PDU.
    Send(Vec<u8>),
    /// Start the timer, or start it anew.
    Start(Duration),
    /// Tell the user.
    Up(Event),
    /// The responder was asked to verify our id, for the first time.
    Challenged,
    /// The peer knows our transaction.
    Accepted,
    /// The initiator has verified its id.
    Verified,
    /// Forget the transaction.
    End,
}

/// One step of a transaction.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub(super) settings: &'a Settings,
    /// The transaction as our PDUs name it.
    pub(super) tid: u16,
    pub(super) effects: Vec<Effect>,
}

/// Items of an acknowledgement.
const INFO: u8 = 1;
const PSN: u8 = 3;

impl Turn<'_> {
    pub(super) fn start(&mut self, interval: Duration) {
        self.effects.push(Effect::Start(interval));
    }

    pub(super) fn up(&mut self, event: Event) {
        self.effects.push(Effect::Up(event));
    }

    pub(super) fn end(&mut self) {
        self.effects.push(Effect::End);
    }

    pub(super) fn send(&mut self, pdus: impl IntoIterator<Item = Vec<u8>>) {
        self.effects.extend(pdus.into_iter().map(Effect::Send));
    }

    /// Acknowledges the last message of a transaction, which is kept for a while to repeat that.
    pub(super) fn finish(&mut self, psn: Option<u8>, info: &[u8]) {
        self.acknowledge(psn, info, false);
        self.start(self.settings.timing.wait);
    }

    /// Acknowledges, with the number of the last segment and the user's information where there are any.
    pub(super) fn acknowledge(&mut self, psn: Option<u8>, info: &[u8], rid: bool) {
        let mut items = Vec::new();
        if let Some(psn) = psn {
            let _ = Item::put(&mut items, PSN, &[psn], false, !info.is_empty());
        }
        if !info.is_empty() {
            let _ = Item::put(&mut items, INFO, info, false, false);
        }
        let kind = Kind::Ack {
            tve_tok: false,
            rid,
        };
        let pdu = Pdu {
            items: Items::of(&items),
            ..Pdu::new(self.tid, kind, &[])
        };
        self.send([pdu.encode()]);
    }

    /// Asks for the verification of an id, or gives it.
    pub(super) fn verify(&mut self, rid: bool) {
        let kind = Kind::Ack { tve_tok: true, rid };
        self.send([Pdu::new(self.tid, kind, &[]).encode()]);
    }

    /// Asks for segments.
    pub(super) fn ask(&mut self, missing: &[u8]) {
        // None would mean the whole group.
        if missing.is_empty() {
            return;
        }
        let kind = Kind::Nack {
            rid: false,
            missing,
        };
        self.send([Pdu::new(self.tid, kind, &[]).encode()]);
    }

    /// Tells the peer that the transaction is over.
    pub(super) fn send_abort(&mut self, why: Abort) {
        self.send([abort_of(self.tid, why)]);
    }

    /// The transaction fails here: the peer and the user learn why.
    pub(super) fn fail(&mut self, why: Abort) {
        self.send_abort(why);
        self.give_up(why);
    }

    /// The transaction fails here, and no peer is there to learn of it.
    pub(super) fn give_up(&mut self, why: Abort) {
        self.up(Event::Aborted {
            why,
            by_peer: false,
        });
        self.end();
    }

    /// The peer ended the transaction.
    pub(super) fn aborted(&mut self, why: Abort) {
        self.up(Event::Aborted { why, by_peer: true });
        self.end();
    }
}

/// The PDU that ends a transaction.
pub(super) fn abort_of(tid: u16, why: Abort) -> Vec<u8> {
    let (by_user, reason) = match why {
        Abort::User(reason) => (true, reason),
        Abort::Provider(reason) => (false, reason),
    };
    Pdu::new(tid, Kind::Abort { by_user, reason }, &[]).encode()
}

/// The number of the segment that is acknowledged.
pub(super) fn psn_of(pdu: &Pdu<'_>) -> Option<u8> {
    pdu.items.iter().find_map(|item| item.psn())
}

/// The user's information in an acknowledgement; empty without one.
pub(super) fn info_of<'a>(pdu: &Pdu<'a>) -> &'a [u8] {
    pdu.items
        .iter()
        .find(|item| item.identity == INFO)
        .map_or(&[], |item| item.content)
}
