//! Datagrams that came by radio in parts, and are put together here; the memory for that is bounded.
//!
//! **Source:** WAP-259 section 6.3.2.

use core::time::Duration;

use crate::codec::sms::segment::{Lost, Outcome};
use crate::codec::sms::{Reassembler, UserData};
use crate::device::Device;
use crate::limits;
use crate::time::Time;

/// How long the first part of a datagram waits for the last.
const PATIENCE: Duration = Duration::from_secs(300);

/// Parts that wait for others.
#[derive(Debug)]
pub(in crate::device) struct Segments(Reassembler);

/// What became of a part.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// It was the last one missing, or all there is.
    Whole(Vec<u8>),
    /// Others are missing.
    Kept,
    /// It counts beyond its total, or is too large.
    Refused,
}

impl Default for Segments {
    fn default() -> Self {
        Self(Reassembler::new(PATIENCE))
    }
}

impl Device {
    /// Gives up parts of datagrams that have waited long enough.
    pub(in crate::device) fn give_up_segments(&mut self, now: Time) {
        if let Some(doors) = self.doors.as_deref_mut() {
            doors.segments.0.expire(now, &mut Vec::new());
        }
    }

    /// When parts are given up.
    pub(in crate::device) fn segments_deadline(&self) -> Option<Time> {
        self.doors.as_deref()?.segments.0.deadline()
    }

    /// Octets of parts that wait.
    #[cfg(test)]
    pub(in crate::device) fn segment_octets(&self) -> usize {
        self.doors
            .as_deref()
            .map_or(0, |doors| doors.segments.0.octets())
    }
}

impl Segments {
    /// Takes user data that came from an originator.
    pub(super) fn take(&mut self, now: Time, from: &[u8], user_data: &UserData<'_>) -> Part {
        let Some(place) = user_data.concatenation() else {
            return Part::Whole(user_data.payload.to_vec());
        };
        // What was given up for it is nobody's loss here: its sender repeats it or not.
        let mut lost: Vec<Lost> = Vec::new();
        let ports = user_data.ports();
        let outcome = self
            .0
            .take(now, from, ports, place, user_data.payload, &mut lost);
        let is_full = self.0.octets() > limits::HANDSET_OCTETS_WAITING
            || self.0.len() > limits::HANDSET_MESSAGES_OPEN;
        if is_full {
            *self = Self::default();
        }
        match outcome {
            Outcome::Whole(datagram) => Part::Whole(datagram),
            Outcome::Waiting { .. } | Outcome::Duplicate | Outcome::Restarted => Part::Kept,
            Outcome::Refused => Part::Refused,
        }
    }
}
