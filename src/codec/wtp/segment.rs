//! Messages in segments: cut by the sender, put together by the receiver in any order, with the numbers of those that
//! are missing.
//!
//! **Source:** WAP-224 sections 7.14 (segmentation, packet groups) and 8.3.5, 8.3.6. When to ask again is a machine's.

use std::collections::BTreeMap;

use core::num::NonZeroUsize;

use super::{Invoke, Kind, Pdu, Place};
use crate::limits;

/// Segments of a message: their numbers have one octet.
pub const SEGMENTS_MAX: usize = 256;

/// A message cut into segments.
#[derive(Clone, Copy, Debug)]
pub struct Segments<'a> {
    message: &'a [u8],
    octets: NonZeroUsize,
    group: NonZeroUsize,
    count: usize,
}

/// One segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Its number.
    pub psn: u8,
    /// The last of a group, the last of the message.
    pub place: Place,
    /// Its octets.
    pub octets: &'a [u8],
}

impl<'a> Segments<'a> {
    /// Cuts `message` into segments of `octets` octets, `group` of which go before an acknowledgement is awaited; `None`
    /// when that makes more than [`SEGMENTS_MAX`].
    #[must_use]
    pub fn new(message: &'a [u8], octets: NonZeroUsize, group: NonZeroUsize) -> Option<Self> {
        let count = message.len().div_ceil(octets.get()).max(1);
        (count <= SEGMENTS_MAX).then_some(Self {
            message,
            octets,
            group,
            count,
        })
    }

    /// How many there are, at least one.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// The segment of a number.
    #[must_use]
    pub fn get(&self, psn: u8) -> Option<Segment<'a>> {
        let at = usize::from(psn);
        let octets = self.message.chunks(self.octets.get()).nth(at);
        let octets = octets.or_else(|| (at == 0).then_some(&[][..]))?;
        let next = at.saturating_add(1);
        let ttr = next == self.count;
        let ends_group = next.is_multiple_of(self.group.get());
        Some(Segment {
            psn,
            place: Place {
                gtr: if ttr { self.count == 1 } else { ends_group },
                ttr,
                rid: false,
            },
            octets,
        })
    }

    /// The segments of the group that begins with `psn`.
    pub fn group(&self, psn: u8) -> impl Iterator<Item = Segment<'a>> + use<'a> {
        let all = *self;
        let mut next = Some(psn);
        core::iter::from_fn(move || {
            let segment = all.get(next?)?;
            let ends = segment.place.gtr || segment.place.ttr;
            next = if ends {
                None
            } else {
                segment.psn.checked_add(1)
            };
            Some(segment)
        })
    }

    /// Those of the numbers that exist, for a sender that was told they are missing; none means the group of `psn`.
    pub fn again<'m>(
        &self,
        missing: &'m [u8],
        psn: u8,
    ) -> impl Iterator<Item = Segment<'a>> + use<'a, 'm> {
        let all = *self;
        let listed = missing.iter().filter_map(move |psn| all.get(*psn));
        let group = missing.is_empty().then(|| all.group(psn));
        listed
            .chain(group.into_iter().flatten())
            .map(|segment| Segment {
                place: Place {
                    rid: true,
                    ..segment.place
                },
                ..segment
            })
    }
}

impl<'a> Segment<'a> {
    /// The PDU of a segment of an invocation.
    #[must_use]
    pub const fn invoke(&self, tid: u16, invoke: Invoke) -> Pdu<'a> {
        let place = self.place;
        let kind = match self.psn {
            0 => Kind::Invoke { place, invoke },
            psn => Kind::SegmentedInvoke { place, psn },
        };
        Pdu::new(tid, kind, self.octets)
    }

    /// The PDU of a segment of a result.
    #[must_use]
    pub const fn result(&self, tid: u16) -> Pdu<'a> {
        let place = self.place;
        let kind = match self.psn {
            0 => Kind::Result { place },
            psn => Kind::SegmentedResult { place, psn },
        };
        Pdu::new(tid, kind, self.octets)
    }
}

/// A message that is put together.
#[derive(Clone, Debug, Default)]
pub struct Reassembly {
    segments: BTreeMap<u8, Vec<u8>>,
    octets: usize,
    /// The highest number that ends a group or the message, of those that came.
    end: Option<u8>,
    last: Option<u8>,
}

/// What came of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is kept; the group is not at its end.
    Held,
    /// It came before; the acknowledgement of this number, if any, was lost.
    Again {
        /// The last segment before which none is missing, when it ends a group.
        acknowledge: Option<u8>,
    },
    /// Every segment up to this end of a group is there: it is to be acknowledged.
    Group(u8),
    /// The end of a group came and these before it did not: they are to be asked for.
    Missing(Vec<u8>),
    /// The message; its last segment's number is to be acknowledged.
    Whole {
        /// The last segment's number.
        last: u8,
        /// The message.
        message: Vec<u8>,
    },
    /// It contradicts what came before and is left out.
    Conflict,
    /// The message would pass [`limits::WTP_MESSAGE_OCTETS`] and is left out.
    TooLarge,
}

impl Reassembly {
    /// A message of which nothing came.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a segment.
    pub fn take(&mut self, psn: u8, place: Place, octets: &[u8]) -> Taken {
        if let Some(own) = self.segments.get(&psn) {
            let same = own == octets && (self.last == Some(psn)) == place.ttr;
            return match same {
                true => Taken::Again {
                    acknowledge: self.end.filter(|end| self.missing_before(*end).is_empty()),
                },
                false => Taken::Conflict,
            };
        }
        let beyond = self.last.is_some_and(|last| psn > last || place.ttr);
        let highest = self.segments.last_key_value().map(|(psn, _)| *psn);
        if beyond || (place.ttr && highest.is_some_and(|highest| highest > psn)) {
            return Taken::Conflict;
        }
        let sum = self.octets.saturating_add(octets.len());
        if sum > limits::WTP_MESSAGE_OCTETS {
            return Taken::TooLarge;
        }
        self.octets = sum;
        self.segments.insert(psn, octets.to_vec());
        if place.ttr {
            self.last = Some(psn);
        }
        if place.ttr || place.gtr {
            self.end = self.end.max(Some(psn));
        }
        self.outcome(psn, place)
    }

    fn outcome(&mut self, psn: u8, place: Place) -> Taken {
        let Some(end) = self.end else {
            return Taken::Held;
        };
        let missing = self.missing_before(end);
        if missing.is_empty() {
            // Of a later group there may be segments already; its own end answers for it.
            return match self.last {
                Some(last) if last == end => Taken::Whole {
                    last,
                    message: self.segments.values().flatten().copied().collect(),
                },
                _ if psn <= end => Taken::Group(end),
                _ => Taken::Held,
            };
        }
        if place.gtr || place.ttr {
            Taken::Missing(missing)
        } else {
            Taken::Held
        }
    }

    fn missing_before(&self, end: u8) -> Vec<u8> {
        (0..=end)
            .filter(|psn| !self.segments.contains_key(psn))
            .collect()
    }

    /// The numbers that are missing before the last end of a group that came.
    #[must_use]
    pub fn missing(&self) -> Vec<u8> {
        self.end
            .map_or_else(Vec::new, |end| self.missing_before(end))
    }
}
