//! Sending SIRs: one at a time to each device on each bearer, each known by its leg until it is answered.
//!
//! **Source:** RFC 3428 section 8 (one pending MESSAGE for each target); R2.61, R2.119 (request-sending unit).

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

use foldhash::quality::FixedState;

use crate::codec::sir::write_questions;
use crate::event::{Bearer, Mode};
use crate::gateway::push::plan::Devices;
use crate::gateway::push::submission::{Content, Push, PushNo};
use crate::gateway::registry::{DeviceKey, IdentityNo};
use crate::gateway::sessions::SessionNo;
use crate::protocol::sip::endpoint::{ClientId, Target};
use crate::world::FetchId;

pub mod apns;
pub mod choice;
pub mod fcm;
pub mod http;
pub mod outstanding;
pub mod push_service;
pub mod sip;
pub mod smpp;
pub mod terminal;
pub mod ussd;
pub mod vendor;
pub mod wake;
pub mod wsp;

use choice::Bearers;
use sip::Form;

/// What is under way for a SIR: its answer comes back under this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Leg {
    /// A request of SIP.
    Sip(ClientId),
    /// A request of HTTP.
    Http(FetchId),
    /// A message in a session for another service, by the session's number for it.
    Service(SessionNo, u64),
    /// A submission to the message centre, by our number.
    Short(u64),
    /// A request to a push service, which wakes the device.
    PushService(FetchId),
    /// Nothing: the device was woken, and its registration is awaited.
    Bucket(u64),
    /// A notification of a vendor's push service.
    Vendor(FetchId),
    /// The dialogue of USSD with a device.
    Dialogue(DeviceKey),
}

/// Whereto a SIR goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// One device.
    Device(DeviceKey),
    /// The core, which forks it to all devices of an identity.
    Core(IdentityNo),
    /// The core, by the device's GRUU.
    Through(DeviceKey),
}

/// The way a SIR takes: on each narrow one at most one SIR is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Road {
    /// Whereto.
    pub lane: Lane,
    /// What carries it.
    pub bearer: Bearer,
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
    /// What carries it.
    pub bearer: Bearer,
    /// Bearers that are not to be tried for it any more.
    pub tried: Bearers,
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

/// The rows of a content that goes without a session: what names it among ours, what is asked where no SIR asked it, what
/// its initiator said.
#[must_use]
pub fn content_rows<'a>(
    push: &'a Push,
    content: &'a Content,
    asks: bool,
) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
    let own = [
        ("X-Wap-Application-Id", content.application.as_str()),
        ("X-Sirgate-Push", push.push_id.as_str()),
        ("X-Sirgate-Sir", push.sir.as_str()),
    ];
    let own = own
        .into_iter()
        .map(|(name, value)| (name.into(), value.into()));
    let questions = asks.then(|| write_questions(push.options.ask, &push.options.apps));
    let questions = questions
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.into(), value.into()));
    let given = content.headers.iter();
    let given = given.map(|(name, value)| (name.into(), value.into()));
    own.chain(questions).chain(given).collect()
}

/// SIRs under way and waiting, by leg `T`.
#[derive(Debug)]
pub struct Jobs<T> {
    open: HashMap<T, Job, FixedState>,
    roads: HashMap<Road, Queue<T>, FixedState>,
    most: usize,
}

/// A road that is taken.
#[derive(Debug)]
struct Queue<T> {
    /// What is under way, and where it went on SIP.
    under_way: Option<(T, Option<Target>)>,
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

impl Job {
    /// True where a device takes one at a time: a MESSAGE or OPTIONS (RFC 3428 section 8), a push over HTTP (WAP-235
    /// section 7.4.4: one request unless the terminal says more), a USSD dialogue.
    #[must_use]
    pub const fn bearer_is_narrow(&self) -> bool {
        matches!(
            self.bearer,
            Bearer::Sip | Bearer::Signalling | Bearer::Http | Bearer::Ussd
        )
    }

    /// The way it takes.
    #[must_use]
    pub const fn road(&self) -> Road {
        Road {
            lane: self.lane,
            bearer: self.bearer,
        }
    }
}

impl<T: Copy + Eq + core::hash::Hash> Jobs<T> {
    /// Nothing under way; at most so many wait on each road.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            open: HashMap::default(),
            roads: HashMap::default(),
            most,
        }
    }

    /// Takes a place: the job comes back when its road is free and it is to be sent now, else it waits. `Err` when too
    /// many wait already.
    ///
    /// # Errors
    /// With the job, when its road is full.
    pub fn admit(&mut self, job: Job) -> Result<Option<Job>, Job> {
        match self.roads.get_mut(&job.road()) {
            None => {
                let queue = Queue {
                    under_way: None,
                    waiting: VecDeque::new(),
                };
                self.roads.insert(job.road(), queue);
                Ok(Some(job))
            }
            Some(queue) if queue.waiting.len() >= self.most => Err(job),
            Some(queue) => {
                queue.waiting.push_back(job);
                Ok(None)
            }
        }
    }

    /// Notes that the job is under way on that leg, on SIP to there.
    pub fn sent(&mut self, leg: T, job: Job, target: Option<Target>) {
        if let Some(queue) = self.roads.get_mut(&job.road()) {
            queue.under_way = Some((leg, target));
        }
        self.open.insert(leg, job);
    }

    /// Where the job that is under way on a road went.
    #[must_use]
    pub fn target(&self, road: Road) -> Option<Target> {
        let (_, target) = self.roads.get(&road)?.under_way?;
        target
    }

    /// The leg of what is under way on a road.
    #[must_use]
    pub fn leg(&self, road: Road) -> Option<T> {
        let (leg, _) = self.roads.get(&road)?.under_way?;
        Some(leg)
    }

    /// Gives up the job that is under way on a road, and its leg; the road stays taken until [`Self::next`].
    pub fn abandon(&mut self, road: Road) -> Option<(T, Job)> {
        let (leg, _) = self.roads.get_mut(&road)?.under_way.take()?;
        Some((leg, self.open.remove(&leg)?))
    }

    /// The job of a leg that ended; its road stays taken until [`Self::next`].
    pub fn answered(&mut self, leg: T) -> Option<Job> {
        let job = self.open.remove(&leg)?;
        if let Some(queue) = self.roads.get_mut(&job.road()) {
            queue.under_way = None;
        }
        Some(job)
    }

    /// What came on a leg holds for every bearer of the device: none other is tried for its job.
    pub fn bind(&mut self, leg: T) {
        if let Some(job) = self.open.get_mut(&leg) {
            job.tried = Bearers::ALL;
        }
    }

    /// The job of a leg.
    #[must_use]
    pub fn get(&self, leg: T) -> Option<&Job> {
        self.open.get(&leg)
    }

    /// What waits on a road, which waits no more.
    pub fn take_waiting(&mut self, road: Road) -> VecDeque<Job> {
        let queue = self.roads.get_mut(&road);
        queue.map_or_else(VecDeque::new, |queue| core::mem::take(&mut queue.waiting))
    }

    /// Frees a road, or hands out the next job for it.
    pub fn next(&mut self, road: Road) -> Option<Job> {
        let next = self.roads.get_mut(&road)?.waiting.pop_front();
        if next.is_none() {
            self.roads.remove(&road);
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
            bearer: Bearer::Sip,
            tried: Bearers::NONE,
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
    fn what_is_under_way_can_be_given_up_and_its_road_stays_taken() {
        let mut jobs: Jobs<u8> = Jobs::new(1);
        let first = jobs.admit(job(1)).unwrap().unwrap();
        let road = first.road();
        assert_eq!(jobs.target(road), None);
        jobs.sent(1, first, Some(target()));
        assert_eq!(jobs.target(road), Some(target()));
        assert_eq!(jobs.abandon(road), Some((1, job(1))));
        assert_eq!(jobs.answered(1), None, "its answer comes too late");
        assert_eq!(jobs.abandon(road), None);
        assert_eq!(jobs.admit(job(2)), Ok(None));
        assert_eq!(jobs.next(road), Some(job(2)));
    }

    #[test]
    fn a_sir_that_waits_on_one_bearer_keeps_none_from_another() {
        let mut jobs: Jobs<u8> = Jobs::new(1);
        let first = jobs.admit(job(1)).unwrap().unwrap();
        jobs.sent(1, first, Some(target()));
        let other = Job {
            bearer: Bearer::Sms,
            ..job(2)
        };
        assert_eq!(jobs.admit(other.clone()), Ok(Some(other)));
    }

    #[test]
    fn a_road_carries_one_sir_at_a_time_and_queues_a_bounded_number() {
        let mut jobs: Jobs<u8> = Jobs::new(1);
        let first = jobs.admit(job(1)).unwrap().unwrap();
        jobs.sent(1, first, Some(target()));
        assert_eq!(jobs.admit(job(2)), Ok(None));
        assert_eq!(jobs.admit(job(3)), Err(job(3)));
        let answered = jobs.answered(1).unwrap();
        assert_eq!(jobs.next(answered.road()), Some(job(2)));
        assert_eq!(jobs.next(answered.road()), None);
        assert!(jobs.admit(job(4)).unwrap().is_some());
    }
}
