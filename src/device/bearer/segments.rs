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
    fn is_full(&self) -> bool {
        self.0.octets() > limits::HANDSET_OCTETS_WAITING
            || self.0.len() > limits::HANDSET_MESSAGES_OPEN
    }

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
        while self.is_full() && self.0.drop_oldest(&mut lost) {}
        match outcome {
            Outcome::Whole(datagram) => Part::Whole(datagram),
            Outcome::Waiting { .. } | Outcome::Duplicate | Outcome::Restarted => Part::Kept,
            Outcome::Refused => Part::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::sms::{Ports, Reference, segments};

    fn parts(number: u16) -> Vec<Vec<u8>> {
        segments(&[7; 200], Ports::PUSH, Reference::Sixteen(number)).unwrap()
    }

    #[test]
    fn the_oldest_message_gives_way_at_the_bound_and_no_other() {
        let mut it = Segments::default();
        let take = |it: &mut Segments, number: u16, part: usize| {
            let from = format!("+1555{number}");
            let parts = parts(number);
            let data = UserData::decode(&parts[part]).unwrap();
            it.take(Time::EPOCH, from.as_bytes(), &data)
        };
        let count = u16::try_from(limits::HANDSET_MESSAGES_OPEN).unwrap();
        for number in 0..=count {
            assert_eq!(take(&mut it, number, 0), Part::Kept);
        }
        assert_eq!(it.0.len(), limits::HANDSET_MESSAGES_OPEN);
        assert_eq!(take(&mut it, 0, 1), Part::Kept, "it was given up");
        for number in 2..=count {
            assert_eq!(take(&mut it, number, 1), Part::Whole(vec![7; 200]));
        }
    }
}
