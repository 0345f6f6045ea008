//! The Wireless Transaction Protocol: requests and results over datagrams that get lost, doubled and overtaken.
//!
//! **Source:** WAP-224 sections 7 and 9 with SIN 002. Here: both ends, classes 0 to 2, retransmission, user
//! acknowledgement, hold-on, verification of transaction ids, aborts, segments in groups with selective
//! retransmission, several PDUs in one datagram. Not here: extended segmentation (7.15), the Error and Option items.
//!
//! Who owns a socket keeps one [`Endpoint`] for it, gives it every datagram, calls [`Endpoint::expire`] at
//! [`Endpoint::deadline`], and after each turn [`Endpoint::flush`]: until then PDUs gather, so that those for one peer
//! go in one datagram. It is no `Machine`, because [`Endpoint::invoke`] must say which transaction it began.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;

use crate::codec::Class;
use crate::codec::wsp::Rigour;
use crate::codec::wtp::{self as codec, Invoke, Kind, Pdu, TID_DIRECTION};
use crate::limits;
use crate::random::Random;
use crate::time::Time;
use crate::timers::Timers;

mod effect;
mod event;
mod incoming;
mod initiator;
mod outgoing;
mod peer;
mod responder;
mod settings;
mod tid;
mod transaction;

#[cfg(test)]
mod tests;

pub use event::{Abort, Event, Key, Load, Out, reason};
pub use settings::{Intervals, Settings, Timing};

use effect::{Effect, Turn, abort_of};
use outgoing::{Carrier, Outgoing};
use peer::Peers;
use tid::Verdict;
use transaction::Transaction;

/// The transactions of one socket.
#[derive(Debug)]
pub struct Endpoint {
    settings: Settings,
    transactions: BTreeMap<Key, Transaction>,
    timers: Timers<Key>,
    peers: Peers,
    octets: usize,
    /// PDUs that wait for [`Endpoint::flush`].
    unsent: Vec<(SocketAddr, Vec<u8>)>,
}

impl Endpoint {
    /// An endpoint without transactions.
    #[must_use]
    pub fn new(settings: Settings, random: Random) -> Self {
        Self {
            peers: Peers::new(&settings, random),
            settings,
            transactions: BTreeMap::new(),
            timers: Timers::default(),
            octets: 0,
            unsent: Vec::new(),
        }
    }

    /// What it holds.
    #[must_use]
    pub fn load(&self) -> Load {
        Load {
            transactions: self.transactions.len(),
            peers: self.peers.len(),
            octets: self.octets,
        }
    }

    /// Takes a datagram.
    pub fn receive(&mut self, now: Time, peer: SocketAddr, octets: &[u8], out: &mut Vec<Out>) {
        self.peers.wake(now);
        let Ok(parts) = codec::separate(octets, &mut Rigour::Settled) else {
            return;
        };
        for part in parts.into_iter().take(limits::WTP_PDUS) {
            match Pdu::decode(part, &mut Rigour::Settled) {
                Ok(pdu) => self.take(now, peer, &pdu, out),
                Err(fault) => self.take_fault(now, peer, part, fault.class, out),
            }
        }
    }

    fn take(&mut self, now: Time, peer: SocketAddr, pdu: &Pdu<'_>, out: &mut Vec<Out>) {
        let tid = pdu.tid ^ TID_DIRECTION;
        let key = Key { peer, tid };
        if let Some(transaction) = self.transactions.get(&key) {
            if transaction.gathers() && !self.has_room(peer, pdu.data.len()) {
                let why = Abort::Provider(reason::CAPTEMPEXCEEDED);
                self.step(now, key, out, |it, turn| it.overflow(why, turn));
            } else {
                self.step(now, key, out, |it, turn| it.receive(pdu, turn));
            }
            return;
        }
        match pdu.kind {
            Kind::Invoke { .. } | Kind::SegmentedInvoke { .. } if !key.is_ours() => {
                self.begin(now, key, pdu, out);
            }
            Kind::Ack { tve_tok: true, .. } if key.is_ours() => {
                let why = Abort::Provider(reason::INVALIDTID);
                self.unsent.push((peer, abort_of(tid, why)));
            }
            _ => {}
        }
    }

    /// A PDU that cannot be read ends its transaction; one that would begin a transaction is refused.
    fn take_fault(
        &mut self,
        now: Time,
        peer: SocketAddr,
        octets: &[u8],
        class: Class,
        out: &mut Vec<Out>,
    ) {
        let &[head, high, low, ..] = octets else {
            return;
        };
        let tid = u16::from_be_bytes([high, low]) ^ TID_DIRECTION;
        let key = Key { peer, tid };
        let why = if class == Class::WtpVersion {
            reason::WTPVERSIONONE
        } else {
            reason::PROTOERR
        };
        if self.transactions.contains_key(&key) {
            self.step(now, key, out, Transaction::fault);
        } else if head >> 3 & 0x0F == INVOKE && !key.is_ours() {
            let abort = abort_of(tid, Abort::Provider(why));
            self.unsent.push((peer, abort));
        }
    }

    /// A peer begins a transaction.
    fn begin(&mut self, now: Time, key: Key, pdu: &Pdu<'_>, out: &mut Vec<Out>) {
        let tid = key.tid ^ TID_DIRECTION;
        if self.transactions.len() >= limits::WTP_TRANSACTIONS {
            return;
        }
        let Some(peer) = self.peers.of(key.peer) else {
            return;
        };
        if peer.transactions >= limits::WTP_TRANSACTIONS_PER_PEER {
            return;
        }
        let invoke = match pdu.kind {
            Kind::Invoke { invoke, .. } => Some(invoke),
            _ => None,
        };
        let is_unreliable = invoke.is_some_and(|invoke| invoke.class == 0);
        if invoke.is_some_and(|invoke| invoke.tid_new) && !is_unreliable {
            peer.tids.forget();
            peer.is_trusted = false;
        }
        let verdict = peer.judge(tid);
        // Nobody can be asked about an unreliable one, and a segment of something known is only late.
        if verdict == Verdict::Seen && (is_unreliable || invoke.is_none()) {
            return;
        }
        if verdict == Verdict::New {
            peer.tids.accept(tid);
        }
        if !self.has_room(key.peer, pdu.data.len()) {
            let why = Abort::Provider(reason::CAPTEMPEXCEEDED);
            self.unsent.push((key.peer, abort_of(key.tid, why)));
            return;
        }
        let transaction = Transaction::responder(verdict != Verdict::New);
        self.insert(key, transaction);
        self.step(now, key, out, |it, turn| it.receive(pdu, turn));
    }

    fn has_room(&self, peer: SocketAddr, octets: usize) -> bool {
        let of_peer = self.peers.octets(peer).saturating_add(octets);
        of_peer <= limits::WTP_OCTETS_PER_PEER
            && self.octets.saturating_add(octets) <= limits::WTP_OCTETS
    }

    /// Begins a transaction (TR-Invoke.req): with user acknowledgement the peer's user itself must answer.
    ///
    /// # Errors
    /// CAPTEMPEXCEEDED when too much is under way already, MESSAGETOOLARGE when the message needs too many segments or,
    /// of class 0, more than one datagram.
    pub fn invoke(
        &mut self,
        now: Time,
        peer: SocketAddr,
        class: u8,
        user_acknowledgement: bool,
        message: Bytes,
    ) -> Result<Key, Abort> {
        self.peers.wake(now);
        let full = Abort::Provider(reason::CAPTEMPEXCEEDED);
        if self.transactions.len() >= limits::WTP_TRANSACTIONS
            || !self.has_room(peer, message.len())
        {
            return Err(full);
        }
        let record = self.peers.of(peer).ok_or(full)?;
        if record.transactions >= limits::WTP_TRANSACTIONS_PER_PEER {
            return Err(full);
        }
        let invoke = Invoke {
            tid_new: class != 0 && record.asks_for_new(),
            up: user_acknowledgement,
            class: class.min(2),
        };
        let settings = if class == 0 {
            // Nobody acknowledges groups of class 0: it goes in one datagram.
            &Settings {
                segments: false,
                ..self.settings.clone()
            }
        } else {
            &self.settings
        };
        let outgoing = Outgoing::new(message, Carrier::Invoke(invoke), settings)
            .filter(|outgoing| class != 0 || !outgoing.is_segmented())
            .ok_or(Abort::Provider(reason::MESSAGETOOLARGE))?;
        let key = loop {
            let tid = record.next_tid();
            let key = Key { peer, tid };
            if !self.transactions.contains_key(&key) {
                break key;
            }
        };
        let may_go = record.enqueue(key, invoke.tid_new);
        self.insert(key, Transaction::initiator(invoke, outgoing));
        if may_go {
            self.step(now, key, &mut Vec::new(), Transaction::begin);
        }
        Ok(key)
    }

    /// The user has taken an invocation or a result (TR-Invoke.res, TR-Result.res). `info` of at most 255 octets goes in
    /// the last acknowledgement of the transaction.
    pub fn respond(&mut self, now: Time, key: Key, info: Bytes, out: &mut Vec<Out>) {
        self.step(now, key, out, |it, turn| it.respond(info, turn));
    }

    /// The user has a result (TR-Result.req).
    pub fn result(&mut self, now: Time, key: Key, message: Bytes, out: &mut Vec<Out>) {
        self.step(now, key, out, |it, turn| it.result(message, turn));
    }

    /// The user ends a transaction (TR-Abort.req); nothing more is heard of it.
    pub fn abort(&mut self, now: Time, key: Key, reason: u8, out: &mut Vec<Out>) {
        let why = Abort::User(reason);
        self.step(now, key, out, |it, turn| it.abort(why, turn));
    }

    /// Runs every timer due at `now`.
    pub fn expire(&mut self, now: Time, out: &mut Vec<Out>) {
        while let Some(key) = self.timers.take_due(now) {
            self.step(now, key, out, Transaction::due);
        }
        self.peers.expire(now);
    }

    /// When [`Endpoint::expire`] must be called next.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let peers = self.peers.deadline();
        match self.timers.next() {
            Some(at) => Some(peers.map_or(at, |peers| at.min(peers))),
            None => peers,
        }
    }

    /// Sends what has gathered.
    pub fn flush(&mut self, out: &mut Vec<Out>) {
        let mut batch: Vec<Vec<u8>> = Vec::new();
        let mut open: Option<SocketAddr> = None;
        // The octet that says that there are several.
        let mut octets = 1_usize;
        for (peer, pdu) in core::mem::take(&mut self.unsent) {
            let more = pdu.len().saturating_add(2);
            let fits = octets.saturating_add(more) <= self.settings.datagram_octets;
            if open != Some(peer) || !fits || !self.settings.concatenates {
                put(&mut batch, open, out);
                octets = 1;
            }
            open = Some(peer);
            octets = octets.saturating_add(more);
            batch.push(pdu);
        }
        put(&mut batch, open, out);
    }

    fn insert(&mut self, key: Key, transaction: Transaction) {
        let cost = transaction.cost();
        self.octets = self.octets.saturating_add(cost);
        self.peers.began(key.peer, cost);
        self.transactions.insert(key, transaction);
    }

    /// Lets a transaction take a step and does what it asks for.
    fn step(
        &mut self,
        now: Time,
        key: Key,
        out: &mut Vec<Out>,
        act: impl FnOnce(&mut Transaction, &mut Turn<'_>),
    ) {
        let Some(transaction) = self.transactions.get_mut(&key) else {
            return;
        };
        let mut turn = Turn {
            settings: &self.settings,
            tid: key.tid,
            effects: Vec::new(),
        };
        let before = transaction.cost();
        act(transaction, &mut turn);
        let effects = turn.effects;
        let ends = effects.iter().any(|it| matches!(it, Effect::End));
        let after = if ends { 0 } else { transaction.cost() };
        self.octets = self.octets.saturating_sub(before).saturating_add(after);
        self.peers.cost(key.peer, before, after);
        for effect in effects {
            self.perform(now, key, effect, out);
        }
        if ends {
            self.transactions.remove(&key);
            self.timers.cancel(key);
            self.peers.ended(now, key);
            self.release(now, key, out);
        }
    }

    fn perform(&mut self, now: Time, key: Key, effect: Effect, out: &mut Vec<Out>) {
        match effect {
            Effect::Send(pdu) => self.unsent.push((key.peer, pdu)),
            Effect::Start(interval) => self.timers.set(key, now + interval),
            Effect::Up(event) => out.push(Out::Event { key, event }),
            Effect::Challenged => {
                if let Some(peer) = self.peers.known(key.peer) {
                    peer.challenged();
                }
            }
            Effect::Accepted => {
                let unchallenged = self
                    .transactions
                    .get(&key)
                    .is_some_and(Transaction::is_unchallenged);
                if let Some(peer) = self.peers.known(key.peer).filter(|_| unchallenged) {
                    peer.unchallenged();
                }
                self.release(now, key, out);
            }
            Effect::Verified => {
                if let Some(peer) = self.peers.known(key.peer) {
                    peer.is_trusted = true;
                    peer.tids.accept(key.tid ^ TID_DIRECTION);
                }
            }
            Effect::End => {}
        }
    }

    /// Sends what waited for a transaction that counts anew.
    fn release(&mut self, now: Time, key: Key, out: &mut Vec<Out>) {
        let waiting = self
            .peers
            .known(key.peer)
            .map_or_else(Vec::new, |peer| peer.release(key));
        for key in waiting {
            self.step(now, key, out, Transaction::begin);
        }
    }
}

/// The type of the PDU that begins a transaction.
const INVOKE: u8 = 1;

/// Sends one datagram with the PDUs of a batch.
fn put(batch: &mut Vec<Vec<u8>>, peer: Option<SocketAddr>, out: &mut Vec<Out>) {
    let pdus = core::mem::take(batch);
    let Some(peer) = peer else {
        return;
    };
    let octets = match <[Vec<u8>; 1]>::try_from(pdus) {
        Ok([alone]) => alone,
        Err(pdus) if pdus.is_empty() => return,
        Err(pdus) => match codec::concatenate(&pdus) {
            Some(octets) => octets,
            None => return,
        },
    };
    out.push(Out::Datagram {
        peer,
        octets: octets.into(),
    });
}
