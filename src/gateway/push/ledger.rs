//! All pushes in memory: those in progress, and a bounded number of ended ones that can still be asked for.

use core::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use foldhash::quality::FixedState;

use super::submission::{Phase, Push, PushNo, key};
use crate::codec::pap::Priority;
use crate::gateway::registry::{DeviceKey, IdentityNo};
use crate::time::Time;

/// All pushes in memory.
#[derive(Debug, Default)]
pub struct Ledger {
    pushes: BTreeMap<PushNo, Push>,
    by_key: HashMap<String, PushNo, FixedState>,
    /// Initiators choose push-ids without knowing each other, so one push-id may stand for several.
    by_id: HashMap<String, Vec<PushNo>, FixedState>,
    by_sir: HashMap<String, PushNo, FixedState>,
    /// What waits for a device: push and group.
    waiting: HashMap<DeviceKey, BTreeSet<(PushNo, usize)>, FixedState>,
    /// The same by identity: each push that waits for any of its devices, and at how many places.
    of_identity: HashMap<IdentityNo, HashMap<PushNo, u32, FixedState>, FixedState>,
    /// Ended pushes, oldest first.
    ended: BTreeSet<(Time, PushNo)>,
    /// How many of each initiator are in progress.
    open: HashMap<String, usize, FixedState>,
    /// Identities for which something began or ceased to wait.
    changed: Vec<IdentityNo>,
    next: u64,
    content_octets: usize,
}

impl Ledger {
    /// Enters a push; ended ones too, after a restart.
    pub fn enter(&mut self, push: Push) -> PushNo {
        let no = PushNo(self.next);
        self.next = self.next.saturating_add(1);
        self.by_key.insert(push.key(), no);
        self.by_id.entry(push.push_id.clone()).or_default().push(no);
        match push.phase {
            Phase::Ended(at) => {
                self.ended.insert((at, no));
            }
            Phase::Waiting | Phase::Running => {
                self.by_sir.insert(push.sir.clone(), no);
                match self.open.get_mut(&push.initiator) {
                    Some(open) => *open = open.saturating_add(1),
                    None => {
                        self.open.insert(push.initiator.clone(), 1);
                    }
                }
                self.content_octets = self.content_octets.saturating_add(push.content.body.len());
            }
        }
        self.pushes.insert(no, push);
        no
    }

    /// Moves a push that ended to the history: its content and its correlator are dropped.
    pub fn archive(&mut self, no: PushNo, now: Time) {
        let Some(push) = self.pushes.get_mut(&no) else {
            return;
        };
        let octets = push.content.body.len();
        push.content.body = bytes::Bytes::new();
        push.content.headers = Vec::new();
        self.content_octets = self.content_octets.saturating_sub(octets);
        self.by_sir.remove(&push.sir);
        if let Some(open) = self.open.get_mut(&push.initiator) {
            *open = open.saturating_sub(1);
            if *open == 0 {
                self.open.remove(&push.initiator);
            }
        }
        self.ended.insert((now, no));
    }

    /// Takes out the oldest ended push when there are too many, or when it is too old.
    pub fn forget(&mut self, most: usize, older_than: Time) -> Option<Push> {
        let (at, no) = self.ended.first().copied()?;
        if self.ended.len() <= most && at >= older_than {
            return None;
        }
        self.ended.pop_first();
        self.take_out(no)
    }

    /// When the oldest ended push ended.
    #[must_use]
    pub fn oldest_ended(&self) -> Option<Time> {
        self.ended.first().map(|(at, _)| *at)
    }

    fn take_out(&mut self, no: PushNo) -> Option<Push> {
        let push = self.pushes.remove(&no)?;
        self.by_key.remove(&push.key());
        if let Some(same) = self.by_id.get_mut(&push.push_id) {
            same.retain(|other| *other != no);
            if same.is_empty() {
                self.by_id.remove(&push.push_id);
            }
        }
        Some(push)
    }

    /// A push.
    #[must_use]
    pub fn get(&self, no: PushNo) -> Option<&Push> {
        self.pushes.get(&no)
    }

    /// A push, to change it.
    pub fn get_mut(&mut self, no: PushNo) -> Option<&mut Push> {
        self.pushes.get_mut(&no)
    }

    /// The push an initiator submitted under that push-id.
    #[must_use]
    pub fn of(&self, initiator: &str, push_id: &str) -> Option<PushNo> {
        self.by_key.get(key(initiator, push_id).as_str()).copied()
    }

    /// The latest push of that push-id, whoever submitted it.
    #[must_use]
    pub fn by_id(&self, push_id: &str) -> Option<PushNo> {
        self.by_id.get(push_id)?.last().copied()
    }

    /// Every push of that push-id, whoever submitted it, in the order of acceptance.
    #[must_use]
    pub fn all_by_id(&self, push_id: &str) -> &[PushNo] {
        self.by_id.get(push_id).map_or(&[], Vec::as_slice)
    }

    /// The push a SIR's correlator stands for.
    #[must_use]
    pub fn by_sir(&self, correlator: &str) -> Option<PushNo> {
        self.by_sir.get(correlator).copied()
    }

    /// Every push, in the order of acceptance.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = (PushNo, &Push)> {
        self.pushes.iter().map(|(no, push)| (*no, push))
    }

    /// How many are in progress.
    #[must_use]
    pub fn live(&self) -> usize {
        self.pushes.len().saturating_sub(self.ended.len())
    }

    /// Octets of content kept for them.
    #[must_use]
    pub const fn content_octets(&self) -> usize {
        self.content_octets
    }

    /// Notes that a push waits for a device.
    pub fn wait_for(&mut self, device: DeviceKey, no: PushNo, group: usize) {
        if self.waiting.entry(device).or_default().insert((no, group)) {
            let of = self.of_identity.entry(device.identity).or_default();
            let places = of.entry(no).or_default();
            *places = places.saturating_add(1);
        }
        self.changed.push(device.identity);
    }

    /// Notes that a push no longer waits for a device.
    pub fn done_with(&mut self, device: DeviceKey, no: PushNo, group: usize) {
        self.changed.push(device.identity);
        let Some(waiting) = self.waiting.get_mut(&device) else {
            return;
        };
        if !waiting.remove(&(no, group)) {
            return;
        }
        if waiting.is_empty() {
            self.waiting.remove(&device);
        }
        let Some(of) = self.of_identity.get_mut(&device.identity) else {
            return;
        };
        if let Some(places) = of.get_mut(&no) {
            *places = places.saturating_sub(1);
            if *places == 0 {
                of.remove(&no);
            }
        }
        if of.is_empty() {
            self.of_identity.remove(&device.identity);
        }
    }

    /// How many pushes wait for any device of an identity.
    #[must_use]
    pub fn waiting_pushes(&self, identity: IdentityNo) -> u32 {
        let of = self.of_identity.get(&identity);
        of.map_or(0, |of| u32::try_from(of.len()).unwrap_or(u32::MAX))
    }

    /// Identities for which something began or ceased to wait since the last look; any may come twice.
    pub fn take_changed(&mut self) -> Vec<IdentityNo> {
        core::mem::take(&mut self.changed)
    }

    /// Nobody wants to know what changed.
    pub fn forget_changed(&mut self) {
        self.changed.clear();
    }

    /// What waits for a device, the most urgent first, and of the same urgency the oldest.
    #[must_use]
    pub fn waiting_for(&self, device: DeviceKey) -> Vec<(PushNo, usize)> {
        let waiting = self.waiting.get(&device).into_iter().flatten();
        let mut waiting: Vec<(PushNo, usize)> = waiting.copied().collect();
        waiting.sort_by_key(|(no, _)| Reverse(self.priority(*no)));
        waiting
    }

    /// The place of the most urgent push of a queue, the first of those that are as urgent.
    pub fn most_urgent(&self, queue: impl Iterator<Item = PushNo>) -> Option<usize> {
        let urgency = |(at, no): &(usize, PushNo)| (self.priority(*no), Reverse(*at));
        queue.enumerate().max_by_key(urgency).map(|(at, _)| at)
    }

    fn priority(&self, no: PushNo) -> Priority {
        self.get(no).map_or_else(Priority::default, Push::priority)
    }

    /// How many pushes of that initiator are in progress.
    #[must_use]
    pub fn open_of(&self, initiator: &str) -> usize {
        self.open.get(initiator).copied().unwrap_or_default()
    }

    /// True when anything waits for a device.
    #[must_use]
    pub fn is_awaited(&self, device: DeviceKey) -> bool {
        self.waiting.contains_key(&device)
    }
}
