//! A message on its way in: what is to be done after each PDU of it.
//!
//! **Source:** WAP-224 sections 7.14.3 and 7.14.4.

use bytes::Bytes;

use crate::codec::wtp::segment::{Reassembly, Taken};
use crate::codec::wtp::{Kind, Pdu};

/// Octets that a kept segment costs besides its own.
const SEGMENT_COST: usize = 64;

/// A message on its way in.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    reassembly: Reassembly,
    /// Octets that the segments cost.
    cost: usize,
    /// Whether a pause before a negative acknowledgement runs.
    pub(super) asking: bool,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Wait for more.
    Wait,
    /// Acknowledge the group that ends with this segment, and wait for more.
    Acknowledge(u8),
    /// Wait a little for what was overtaken, then ask.
    AskLater,
    /// Give up: it is too large.
    TooLarge,
    /// Give the message to the user.
    Whole {
        /// The message.
        message: Bytes,
        /// Its last segment, when it came in segments.
        last: Option<u8>,
    },
}

impl Incoming {
    /// Octets that are kept.
    pub(super) const fn cost(&self) -> usize {
        self.cost
    }

    /// Whether anything came.
    pub(super) const fn has_begun(&self) -> bool {
        self.cost > 0
    }

    /// The segments to ask for.
    pub(super) fn missing(&self) -> Vec<u8> {
        self.reassembly.missing()
    }

    /// Takes a PDU with a part of the message; `None` for one that has none, or has the number of the first one's.
    pub(super) fn take(&mut self, pdu: &Pdu<'_>) -> Option<Step> {
        let (psn, place) = (pdu.psn()?, pdu.place()?);
        let is_first = matches!(pdu.kind, Kind::Invoke { .. } | Kind::Result { .. });
        if is_first != (psn == 0) {
            return None;
        }
        if is_first && place.ends_message() && !self.has_begun() {
            return Some(Step::Whole {
                message: Bytes::copy_from_slice(pdu.data),
                last: None,
            });
        }
        let taken = self.reassembly.take(psn, place, pdu.data);
        if matches!(taken, Taken::Held | Taken::Group(_) | Taken::Missing(_)) {
            self.cost = self
                .cost
                .saturating_add(pdu.data.len())
                .saturating_add(SEGMENT_COST);
        }
        Some(match taken {
            Taken::Held if self.asking => Step::AskLater,
            Taken::Held | Taken::Conflict => Step::Wait,
            Taken::Again { acknowledge } => match acknowledge {
                Some(end) if place.rid => Step::Acknowledge(end),
                None if place.rid && (place.gtr || place.ttr) => Step::AskLater,
                _ => Step::Wait,
            },
            Taken::Group(end) => Step::Acknowledge(end),
            Taken::Missing(_) => Step::AskLater,
            Taken::TooLarge => Step::TooLarge,
            Taken::Whole { last, message } => {
                *self = Self::default();
                Step::Whole {
                    message: message.into(),
                    last: Some(last),
                }
            }
        })
    }
}
