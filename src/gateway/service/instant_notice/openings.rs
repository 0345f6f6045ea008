//! What a tap proves: tokens of notices, each good for one opening (R1.46, R1.50).

use core::time::Duration;
use std::collections::{BTreeSet, HashMap};

use foldhash::quality::FixedState;

use super::coalescing::Place;
use crate::limits;
use crate::time::Time;

/// How long a notice can be opened.
pub const LIFETIME: Duration = Duration::from_secs(7 * 86_400);

/// One notice that can be opened, or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// SHA-256 of its token.
    pub digest: [u8; 32],
    /// The device that was told.
    pub place: Place,
    /// The message.
    pub seq: u64,
    /// It was opened.
    pub is_opened: bool,
    /// When it is forgotten.
    pub until: Time,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Openings {
    by_digest: HashMap<[u8; 32], Opening, FixedState>,
    by_time: BTreeSet<(Time, [u8; 32])>,
}

impl Openings {
    /// Enters one; what gives way to it for want of room is returned.
    pub fn enter(&mut self, opening: Opening) -> Option<Opening> {
        let known = self.by_digest.contains_key(&opening.digest);
        let is_full = !known && self.by_digest.len() >= limits::NOTICE_OPENINGS;
        let gone = if is_full { self.pop() } else { None };
        self.by_time.insert((opening.until, opening.digest));
        self.by_digest.insert(opening.digest, opening);
        gone
    }

    /// The one of a token.
    pub fn get_mut(&mut self, digest: &[u8; 32]) -> Option<&mut Opening> {
        self.by_digest.get_mut(digest)
    }

    /// Takes out one whose time is over.
    pub fn take_due(&mut self, now: Time) -> Option<Opening> {
        let (until, _) = self.by_time.first()?;
        if *until > now {
            return None;
        }
        self.pop()
    }

    /// When the next one is forgotten.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.by_time.first().map(|(until, _)| *until)
    }

    fn pop(&mut self) -> Option<Opening> {
        let (_, digest) = self.by_time.pop_first()?;
        self.by_digest.remove(&digest)
    }
}
