//! What is to be submitted: submissions in order, each with its parts, until it is accepted, refused, or nobody knows.
//!
//! Every submission that is taken ends exactly once. Not here: links, sequence numbers, pace ([`super`]).

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{Outcome, Refusal, Submission};
use crate::codec::smpp::Command;
use crate::limits;
use crate::protocol::smpp::message::{Envelope, ShortMessage};

/// One part of one submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Name {
    /// The submission, by our number for it: older ones have lower ones.
    pub(super) serial: u64,
    /// The part.
    pub(super) part: u8,
}

/// A part on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Going {
    /// The caller's name for its submission.
    pub(super) id: u64,
    /// Header and payload.
    pub(super) part: Bytes,
    /// The PDU that holds it.
    pub(super) pdu: Bytes,
}

/// A submission that has ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Finished {
    pub(super) serial: u64,
    pub(super) id: u64,
    pub(super) outcome: Outcome,
    pub(super) envelope: Envelope,
    /// Whether receipts follow.
    pub(super) wants_receipts: bool,
}

/// All submissions that have not ended.
#[derive(Debug, Default)]
pub(super) struct Queue {
    jobs: BTreeMap<u64, Job>,
    ready: BTreeSet<Name>,
    octets: usize,
    serial: u64,
}

#[derive(Debug)]
struct Job {
    id: u64,
    message: ShortMessage,
    command: Command,
    tries: u8,
    parts: Vec<Part>,
    cost: usize,
}

#[derive(Debug)]
struct Part {
    octets: Bytes,
    stand: Stand,
    /// How often it was sent and nobody said what became of it.
    lost: u8,
}

/// Where a part stands.
///
/// ```text
///           sent            response OK
///   +-------+  +------+  +----------+
///   | Ready |->| Sent |->| Accepted |
///   +-------+  +------+  +----------+
///       ^         |
///       +---------+ throttled; or no response and tries are left
/// ```
#[derive(Debug, PartialEq, Eq)]
enum Stand {
    Ready,
    Sent,
    Accepted(String),
}

impl Queue {
    /// Takes a submission; gives our number for it.
    pub(super) fn take(&mut self, submission: Submission, tries: u8) -> Result<u64, Refusal> {
        let count = u8::try_from(submission.parts.len()).unwrap_or(0);
        let command = submission.command();
        let is_sendable = |part: &Bytes| submission.message.encode(command, 1, part).is_ok();
        if count == 0 || !submission.parts.iter().all(is_sendable) {
            return Err(Refusal::Unsendable);
        }
        let cost = cost(&submission);
        if self.jobs.len() >= limits::SMPP_SUBMISSIONS_WAITING
            || self.octets.saturating_add(cost) > limits::SMPP_OCTETS_WAITING
        {
            return Err(Refusal::Full);
        }
        self.octets = self.octets.saturating_add(cost);
        self.serial = self.serial.saturating_add(1);
        let serial = self.serial;
        self.ready
            .extend((0..count).map(|part| Name { serial, part }));
        let part = |octets| Part {
            octets,
            stand: Stand::Ready,
            lost: 0,
        };
        let job = Job {
            id: submission.id,
            command,
            message: submission.message,
            tries: if submission.may_repeat { tries } else { 1 },
            parts: submission.parts.into_iter().map(part).collect(),
            cost,
        };
        self.jobs.insert(serial, job);
        Ok(serial)
    }

    /// Submissions that have not ended.
    pub(super) fn len(&self) -> usize {
        self.jobs.len()
    }

    /// The part that is to go next.
    pub(super) fn first(&self) -> Option<Name> {
        self.ready.first().copied()
    }

    /// The PDU of a part; it counts as sent then.
    pub(super) fn send(&mut self, name: Name, sequence: u32) -> Option<Going> {
        self.ready.remove(&name);
        let job = self.jobs.get_mut(&name.serial)?;
        let part = job.parts.get_mut(usize::from(name.part))?;
        part.stand = Stand::Sent;
        let pdu = job.message.encode(job.command, sequence, &part.octets);
        Some(Going {
            id: job.id,
            part: part.octets.clone(),
            pdu: pdu.ok()?,
        })
    }

    /// The caller's name for the submission of a part.
    pub(super) fn id_of(&self, name: Name) -> Option<u64> {
        self.jobs.get(&name.serial).map(|job| job.id)
    }

    /// The message centre has a part.
    pub(super) fn accepted(&mut self, name: Name, message_id: String) -> Option<Finished> {
        let job = self.jobs.get_mut(&name.serial)?;
        let part = job.parts.get_mut(usize::from(name.part))?;
        if matches!(part.stand, Stand::Accepted(_)) {
            return None;
        }
        part.stand = Stand::Accepted(message_id);
        self.ready.remove(&name);
        let ids = job.parts.iter().map(|part| match &part.stand {
            Stand::Accepted(id) => Some(id.clone()),
            _ => None,
        });
        let message_ids = ids.collect::<Option<Vec<_>>>()?;
        self.end(name.serial, Outcome::Accepted { message_ids })
    }

    /// A part was not taken this time and goes again.
    pub(super) fn again(&mut self, name: Name) {
        if let Some(part) = self.part(name)
            && part.stand == Stand::Sent
        {
            part.stand = Stand::Ready;
            self.ready.insert(name);
        }
    }

    /// A part was sent and nobody says what became of it: it goes again if it may.
    pub(super) fn lost(&mut self, name: Name) -> Option<Finished> {
        let tries = self.jobs.get(&name.serial)?.tries;
        let part = self.part(name)?;
        if part.stand != Stand::Sent {
            return None;
        }
        part.lost = part.lost.saturating_add(1);
        if part.lost >= tries {
            return self.end(name.serial, Outcome::Unknown);
        }
        self.again(name);
        None
    }

    /// The message centre refused a part; one that was sent before without an answer may have been taken then.
    pub(super) fn refused(&mut self, name: Name, why: Refusal) -> Option<Finished> {
        let part = self.part(name)?;
        let outcome = match part {
            Part {
                stand: Stand::Accepted(_),
                ..
            } => return None,
            part if part.lost > 0 => Outcome::Unknown,
            _ => Outcome::Refused { why },
        };
        self.end(name.serial, outcome)
    }

    /// Ends a submission early: refused when a part of it surely was not taken, else nobody knows.
    pub(super) fn give_up(&mut self, serial: u64, why: Refusal) -> Option<Finished> {
        let surely = |part: &Part| part.stand == Stand::Ready && part.lost == 0;
        let is_sure = self.jobs.get(&serial)?.parts.iter().any(surely);
        let outcome = if is_sure {
            Outcome::Refused { why }
        } else {
            Outcome::Unknown
        };
        self.end(serial, outcome)
    }

    /// Our number for the submission that the caller calls `id`.
    pub(super) fn serial_of(&self, id: u64) -> Option<u64> {
        let mut jobs = self.jobs.iter();
        jobs.find(|(_, job)| job.id == id)
            .map(|(serial, _)| *serial)
    }

    /// What names the parts that the message centre has of a submission.
    pub(super) fn accepted_of(&self, serial: u64) -> (Envelope, Vec<String>) {
        let Some(job) = self.jobs.get(&serial) else {
            return (Envelope::default(), Vec::new());
        };
        let ids = job.parts.iter().filter_map(|part| match &part.stand {
            Stand::Accepted(id) => Some(id.clone()),
            _ => None,
        });
        (job.message.envelope(), ids.collect())
    }

    /// The submissions of which a part waits to go.
    pub(super) fn unsent(&self) -> Vec<u64> {
        let serials: BTreeSet<u64> = self.ready.iter().map(|name| name.serial).collect();
        serials.into_iter().collect()
    }

    /// The caller's names for all submissions.
    pub(super) fn ids(&self) -> Vec<u64> {
        self.jobs.values().map(|job| job.id).collect()
    }

    /// All submissions.
    pub(super) fn all(&self) -> Vec<u64> {
        self.jobs.keys().copied().collect()
    }

    fn part(&mut self, name: Name) -> Option<&mut Part> {
        let job = self.jobs.get_mut(&name.serial)?;
        job.parts.get_mut(usize::from(name.part))
    }

    fn end(&mut self, serial: u64, outcome: Outcome) -> Option<Finished> {
        let job = self.jobs.remove(&serial)?;
        for part in (0..=u8::MAX).take(job.parts.len()) {
            self.ready.remove(&Name { serial, part });
        }
        self.octets = self.octets.saturating_sub(job.cost);
        Some(Finished {
            serial,
            id: job.id,
            outcome,
            envelope: job.message.envelope(),
            wants_receipts: job.message.registered_delivery & 0x13 != 0,
        })
    }
}

/// What a submission takes up.
fn cost(submission: &Submission) -> usize {
    let part = |octets: &Bytes| octets.len().saturating_add(size_of::<Part>());
    submission
        .parts
        .iter()
        .map(part)
        .fold(size_of::<Job>(), usize::saturating_add)
        .saturating_add(submission.message.cost())
}
