//! A message on its way out: whole in one PDU, or in groups of segments.
//!
//! **Source:** WAP-224 sections 7.14.2 to 7.14.4.

use core::num::NonZeroUsize;

use bytes::Bytes;

use crate::codec::wtp::segment::{Segment, Segments};
use crate::codec::wtp::{Invoke, Place};

use super::settings::Settings;

/// How often the peer may ask for segments of one group; what it asks beyond that is left to the timer.
const ASKED_MAX: u8 = 16;

/// What carries the message.
#[derive(Clone, Copy, Debug)]
pub(super) enum Carrier {
    /// An invocation.
    Invoke(Invoke),
    /// A result.
    Result,
}

/// A message on its way out.
#[derive(Debug)]
pub(super) struct Outgoing {
    message: Bytes,
    carrier: Carrier,
    octets: NonZeroUsize,
    group: NonZeroUsize,
    /// The first segment of the group that waits for its acknowledgement.
    first: u8,
    asked: u8,
}

/// What an acknowledgement meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acknowledged {
    /// It was for something else.
    Nothing,
    /// The next group may go.
    Group,
    /// All of it arrived.
    Message,
}

impl Outgoing {
    /// `None` when the message needs more segments than can be numbered.
    pub(super) fn new(message: Bytes, carrier: Carrier, settings: &Settings) -> Option<Self> {
        let outgoing = Self {
            message,
            carrier,
            octets: settings.segment_octets(),
            group: settings.group,
            first: 0,
            asked: 0,
        };
        outgoing.segments().is_some().then_some(outgoing)
    }

    fn segments(&self) -> Option<Segments<'_>> {
        Segments::new(&self.message, self.octets, self.group)
    }

    /// Octets that are kept.
    pub(super) fn len(&self) -> usize {
        self.message.len()
    }

    pub(super) fn is_segmented(&self) -> bool {
        self.segments().is_some_and(|all| all.count() > 1)
    }

    /// The PDUs of the group that is due.
    pub(super) fn group(&self, tid: u16) -> Vec<Vec<u8>> {
        let Some(all) = self.segments() else {
            return Vec::new();
        };
        all.group(self.first)
            .map(|segment| self.pdu(tid, &segment, false))
            .collect()
    }

    /// The PDU that ends the group, once more.
    pub(super) fn end_again(&self, tid: u16) -> Option<Vec<u8>> {
        let end = self.end()?;
        Some(self.pdu(tid, &end, true))
    }

    /// The PDUs that the peer misses.
    pub(super) fn missing(&mut self, tid: u16, missing: &[u8]) -> Vec<Vec<u8>> {
        self.asked = self.asked.saturating_add(1);
        let (Some(all), Some(end), true) = (self.segments(), self.end(), self.asked <= ASKED_MAX)
        else {
            return Vec::new();
        };
        // Earlier groups have arrived, later ones were not sent.
        let wanted: Vec<u8> = missing
            .iter()
            .copied()
            .filter(|psn| (self.first..=end.psn).contains(psn))
            .collect();
        if wanted.is_empty() && !missing.is_empty() {
            return Vec::new();
        }
        all.again(&wanted, self.first)
            .take(self.group.get())
            .map(|segment| self.pdu(tid, &segment, true))
            .collect()
    }

    /// Takes an acknowledgement of a segment; without a number it is that of a whole message.
    pub(super) fn acknowledged(&mut self, psn: Option<u8>) -> Acknowledged {
        let Some(end) = self.end() else {
            return Acknowledged::Nothing;
        };
        match psn {
            Some(psn) if psn != end.psn => Acknowledged::Nothing,
            _ if end.place.ttr => Acknowledged::Message,
            None => Acknowledged::Nothing,
            Some(psn) => {
                self.first = psn.saturating_add(1);
                self.asked = 0;
                Acknowledged::Group
            }
        }
    }

    fn end(&self) -> Option<Segment<'_>> {
        self.segments()?.group(self.first).last()
    }

    fn pdu(&self, tid: u16, segment: &Segment<'_>, rid: bool) -> Vec<u8> {
        let segment = Segment {
            place: Place {
                rid,
                ..segment.place
            },
            ..*segment
        };
        match self.carrier {
            Carrier::Invoke(invoke) => segment.invoke(tid, invoke).encode(),
            Carrier::Result => segment.result(tid).encode(),
        }
    }
}
