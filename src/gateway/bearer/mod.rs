//! Sending SIRs: one at a time to each device, each known by its transaction until it is answered.
//!
//! **Source:** RFC 3428 section 8 (one pending MESSAGE for each target); R2.119 (request-sending unit).

use std::collections::{HashMap, VecDeque};

use foldhash::quality::FixedState;

use crate::event::Mode;
use crate::gateway::push::plan::Devices;
use crate::gateway::push::submission::PushNo;
use crate::gateway::registry::{DeviceKey, IdentityNo};
use crate::protocol::sip::endpoint::Target;

pub mod sip;

use sip::Form;

/// Whereto a SIR goes: between us and each of these at most one is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// One device.
    Device(DeviceKey),
    /// The core, which forks it to all devices of an identity.
    Core(IdentityNo),
    /// The core, by the device's GRUU.
    Through(DeviceKey),
}

/// One SIR to send, or under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The push it is for.
    pub push: PushNo,
    /// The identity's place in the push.
    pub group: usize,
    /// Whereto.
    pub lane: Lane,
    /// How it travels.
    pub mode: Mode,
    /// Devices whose identifiers are in it.
    pub named: Devices,
    /// How it is written.
    pub form: Form,
    /// Which flow of the device it takes, from 0.
    pub flow: usize,
    /// A header that answers a challenge: name and value.
    pub authorization: Option<(&'static str, String)>,
}

/// SIRs under way and waiting, by transaction `T`.
#[derive(Debug)]
pub struct Jobs<T> {
    open: HashMap<T, Job, FixedState>,
    lanes: HashMap<Lane, Queue<T>, FixedState>,
    most: usize,
}

/// A lane that is taken.
#[derive(Debug)]
struct Queue<T> {
    /// What is under way, and where it went.
    under_way: Option<(T, Target)>,
    waiting: VecDeque<Job>,
}

impl Lane {
    /// The device it leads to, when it leads to one.
    #[must_use]
    pub const fn device(self) -> Option<DeviceKey> {
        match self {
            Self::Device(key) | Self::Through(key) => Some(key),
            Self::Core(_) => None,
        }
    }
}

impl<T: Copy + Eq + core::hash::Hash> Jobs<T> {
    /// Nothing under way; at most so many wait in each lane.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            open: HashMap::default(),
            lanes: HashMap::default(),
            most,
        }
    }

    /// Takes a place: the job comes back when its lane is free and it is to be sent now, else it waits. `Err` when too
    /// many wait already.
    ///
    /// # Errors
    /// With the job, when its lane is full.
    pub fn admit(&mut self, job: Job) -> Result<Option<Job>, Job> {
        match self.lanes.get_mut(&job.lane) {
            None => {
                let queue = Queue {
                    under_way: None,
                    waiting: VecDeque::new(),
                };
                self.lanes.insert(job.lane, queue);
                Ok(Some(job))
            }
            Some(queue) if queue.waiting.len() >= self.most => Err(job),
            Some(queue) => {
                queue.waiting.push_back(job);
                Ok(None)
            }
        }
    }

    /// Notes that the job is under way in that transaction, to there.
    pub fn sent(&mut self, transaction: T, job: Job, target: Target) {
        if let Some(queue) = self.lanes.get_mut(&job.lane) {
            queue.under_way = Some((transaction, target));
        }
        self.open.insert(transaction, job);
    }

    /// Where the job that is under way in a lane went.
    #[must_use]
    pub fn target(&self, lane: Lane) -> Option<Target> {
        let (_, target) = self.lanes.get(&lane)?.under_way?;
        Some(target)
    }

    /// Gives up the job that is under way in a lane, and its transaction; the lane stays taken until [`Self::next`].
    pub fn abandon(&mut self, lane: Lane) -> Option<(T, Job)> {
        let (transaction, _) = self.lanes.get_mut(&lane)?.under_way.take()?;
        Some((transaction, self.open.remove(&transaction)?))
    }

    /// The job of a transaction that ended; its lane stays taken until [`Self::next`].
    pub fn answered(&mut self, transaction: T) -> Option<Job> {
        let job = self.open.remove(&transaction)?;
        if let Some(queue) = self.lanes.get_mut(&job.lane) {
            queue.under_way = None;
        }
        Some(job)
    }

    /// The job of a transaction.
    #[must_use]
    pub fn get(&self, transaction: T) -> Option<&Job> {
        self.open.get(&transaction)
    }

    /// Frees a lane, or hands out the next job for it.
    pub fn next(&mut self, lane: Lane) -> Option<Job> {
        let next = self.lanes.get_mut(&lane)?.waiting.pop_front();
        if next.is_none() {
            self.lanes.remove(&lane);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(push: u64) -> Job {
        Job {
            push: PushNo(push),
            group: 0,
            lane: Lane::Core(IdentityNo::FIRST),
            mode: Mode::Fanout,
            named: Devices::NONE,
            form: Form::default(),
            flow: 0,
            authorization: None,
        }
    }

    fn target() -> Target {
        Target::Address {
            transport: crate::world::Transport::Udp,
            peer: "192.0.2.11:5060".parse().unwrap(),
        }
    }

    #[test]
    fn what_is_under_way_can_be_given_up_and_its_lane_stays_taken() {
        let mut jobs: Jobs<u8> = Jobs::new(1);
        let first = jobs.admit(job(1)).unwrap().unwrap();
        let lane = first.lane;
        assert_eq!(jobs.target(lane), None);
        jobs.sent(1, first, target());
        assert_eq!(jobs.target(lane), Some(target()));
        assert_eq!(jobs.abandon(lane), Some((1, job(1))));
        assert_eq!(jobs.answered(1), None, "its answer comes too late");
        assert_eq!(jobs.abandon(lane), None);
        assert_eq!(jobs.admit(job(2)), Ok(None));
        assert_eq!(jobs.next(lane), Some(job(2)));
    }

    #[test]
    fn a_lane_carries_one_sir_at_a_time_and_queues_a_bounded_number() {
        let mut jobs: Jobs<u8> = Jobs::new(1);
        let first = jobs.admit(job(1)).unwrap().unwrap();
        jobs.sent(1, first, target());
        assert_eq!(jobs.admit(job(2)), Ok(None));
        assert_eq!(jobs.admit(job(3)), Err(job(3)));
        let answered = jobs.answered(1).unwrap();
        assert_eq!(jobs.next(answered.lane), Some(job(2)));
        assert_eq!(jobs.next(answered.lane), None);
        assert!(jobs.admit(job(4)).unwrap().is_some());
    }
}
