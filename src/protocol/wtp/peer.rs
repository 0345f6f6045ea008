//! What is remembered of each peer: the ids it used, the ids we used, how much is under way.
//!
//! **Source:** WAP-224 sections 7.8.2.2 (when an unknown initiator is verified) and 7.8.3.2 (TIDnew).

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use crate::limits;
use crate::random::Random;
use crate::time::Time;
use crate::timers::Timers;

use super::tid::{TIDS, Tids, Verdict};
use super::{Key, Settings};

/// Verifications in a row after which we say that our ids begin anew.
const CHALLENGES_MAX: u8 = 2;

/// One peer.
#[derive(Debug)]
pub(super) struct Peer {
    /// The ids it used.
    pub(super) tids: Tids,
    /// Whether the first of its ids may be taken as it comes.
    pub(super) is_trusted: bool,
    /// Transactions with it.
    pub(super) transactions: usize,
    /// Octets they keep.
    octets: usize,
    next_tid: u16,
    /// Of our last transactions, how many it wanted verified.
    challenges: u8,
    /// Ours that counts anew: the others wait until the peer knows it.
    alone: Option<Key>,
    waiting: VecDeque<Key>,
}

impl Peer {
    /// What an id of the peer's is.
    pub(super) fn judge(&self, tid: u16) -> Verdict {
        match self.tids.test(tid) {
            Verdict::Doubtful if self.tids.is_empty() && self.is_trusted => Verdict::New,
            verdict => verdict,
        }
    }

    /// The next id of ours.
    pub(super) fn next_tid(&mut self) -> u16 {
        let tid = self.next_tid;
        self.next_tid = tid.wrapping_add(1) & (TIDS - 1);
        tid
    }

    /// Whether the next transaction should say that ids begin anew.
    pub(super) const fn asks_for_new(&self) -> bool {
        self.challenges >= CHALLENGES_MAX && self.alone.is_none()
    }

    /// Puts a transaction of ours in line; true when it may be sent now.
    pub(super) fn enqueue(&mut self, key: Key, is_new: bool) -> bool {
        if self.alone.is_some() {
            self.waiting.push_back(key);
            return false;
        }
        if is_new {
            self.alone = Some(key);
            self.challenges = 0;
        }
        true
    }

    /// The transactions that waited for this one.
    pub(super) fn release(&mut self, key: Key) -> Vec<Key> {
        if self.alone != Some(key) {
            return Vec::new();
        }
        self.alone = None;
        self.waiting.drain(..).collect()
    }

    pub(super) const fn challenged(&mut self) {
        self.challenges = self.challenges.saturating_add(1);
    }

    pub(super) const fn unchallenged(&mut self) {
        self.challenges = 0;
    }
}

/// The peers of an endpoint.
#[derive(Debug)]
pub(super) struct Peers {
    by_address: BTreeMap<SocketAddr, Peer>,
    /// When those without transactions are forgotten.
    idle: Timers<SocketAddr>,
    random: Random,
    packet_lifetime: Duration,
    memory: Duration,
    verifies_strangers: bool,
    /// Until then an unknown peer may be one that was forgotten; `None` before the first turn.
    doubt_until: Option<Time>,
    now: Time,
}

impl Peers {
    pub(super) fn new(settings: &Settings, random: Random) -> Self {
        Self {
            by_address: BTreeMap::new(),
            idle: Timers::default(),
            random,
            packet_lifetime: settings.packet_lifetime,
            memory: settings.memory.max(settings.packet_lifetime),
            verifies_strangers: settings.verifies_strangers,
            doubt_until: None,
            now: Time::EPOCH,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_address.len()
    }

    /// A turn begins.
    pub(super) fn wake(&mut self, now: Time) {
        self.now = now;
        // Who was known before the start was forgotten with it.
        self.doubt_until
            .get_or_insert_with(|| now + self.packet_lifetime);
    }

    /// The peer of an address; `None` when it is unknown and every other one has transactions.
    pub(super) fn of(&mut self, address: SocketAddr) -> Option<&mut Peer> {
        if !self.by_address.contains_key(&address) {
            if self.by_address.len() >= limits::WTP_PEERS {
                let oldest = self.idle.take_due(Time::FAR)?;
                self.by_address.remove(&oldest);
                self.doubt_until = Some(self.now + self.packet_lifetime);
            }
            let in_doubt = self.doubt_until.is_none_or(|until| self.now < until);
            let next_tid = u16::try_from(self.random.below(u64::from(TIDS))).unwrap_or_default();
            let peer = Peer {
                tids: Tids::default(),
                is_trusted: !self.verifies_strangers && !in_doubt,
                transactions: 0,
                octets: 0,
                next_tid,
                challenges: 0,
                alone: None,
                waiting: VecDeque::new(),
            };
            self.by_address.insert(address, peer);
            self.idle.set(address, self.now + self.memory);
        }
        self.by_address.get_mut(&address)
    }

    /// The peer of an address that is remembered.
    pub(super) fn known(&mut self, address: SocketAddr) -> Option<&mut Peer> {
        self.by_address.get_mut(&address)
    }

    /// Octets that the transactions with a peer keep.
    pub(super) fn octets(&self, address: SocketAddr) -> usize {
        self.by_address.get(&address).map_or(0, |peer| peer.octets)
    }

    /// A transaction began.
    pub(super) fn began(&mut self, address: SocketAddr, cost: usize) {
        if let Some(peer) = self.by_address.get_mut(&address) {
            peer.transactions = peer.transactions.saturating_add(1);
            peer.octets = peer.octets.saturating_add(cost);
            self.idle.cancel(address);
        }
    }

    /// A transaction keeps more or less than before.
    pub(super) fn cost(&mut self, address: SocketAddr, before: usize, after: usize) {
        if let Some(peer) = self.by_address.get_mut(&address) {
            peer.octets = peer.octets.saturating_sub(before).saturating_add(after);
        }
    }

    /// A transaction ended.
    pub(super) fn ended(&mut self, now: Time, key: Key) {
        let Some(peer) = self.by_address.get_mut(&key.peer) else {
            return;
        };
        peer.transactions = peer.transactions.saturating_sub(1);
        peer.waiting.retain(|waiting| *waiting != key);
        if peer.transactions == 0 {
            self.idle.set(key.peer, now + self.memory);
        }
    }

    /// Forgets the peers that were silent long enough.
    pub(super) fn expire(&mut self, now: Time) {
        while let Some(address) = self.idle.take_due(now) {
            self.by_address.remove(&address);
        }
    }

    /// When [`Peers::expire`] must be called next.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.idle.next()
    }
}
