//! A datagram in the user data of short messages: cut into segments, and put together from them.
//!
//! **Source:** WAP-259 section 6.3.2, 3GPP TS 23.040 sections 9.2.3.24.1 and 9.2.3.24.8. Segments of one message have
//! originator, reference, total and ports in common; they may come in any order, repeated, or not at all.

use core::time::Duration;
use std::collections::BTreeMap;

use super::udh::{self, Concatenation, Ports, Reference};
use crate::limits;
use crate::time::Time;

/// Octets of user data in one short message.
pub const USER_DATA_OCTETS: usize = 140;

/// A datagram that does not fit 255 segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a datagram of {octets} octets does not fit 255 short messages")]
pub struct TooLong {
    /// Its octets.
    pub octets: usize,
}

/// The user data of the short messages that carry a datagram: one without concatenation if it fits.
///
/// # Errors
/// More than 255 of them are needed.
pub fn segments(
    datagram: &[u8],
    ports: Ports,
    reference: Reference,
) -> Result<Vec<Vec<u8>>, TooLong> {
    let alone = header(ports, None);
    if alone.len().saturating_add(datagram.len()) <= USER_DATA_OCTETS {
        return Ok(vec![[&alone, datagram].concat()]);
    }
    let too_long = TooLong {
        octets: datagram.len(),
    };
    let place = |total, sequence| Concatenation {
        reference,
        total,
        sequence,
    };
    let room = USER_DATA_OCTETS.saturating_sub(header(ports, Some(place(1, 1))).len());
    let total = u8::try_from(datagram.len().div_ceil(room)).map_err(|_| too_long)?;
    Ok((1..=total)
        .zip(datagram.chunks(room))
        .map(|(sequence, part)| [&header(ports, Some(place(total, sequence))), part].concat())
        .collect())
}

/// The header with its length: ports, then concatenation.
fn header(ports: Ports, concatenation: Option<Concatenation>) -> Vec<u8> {
    let mut out = vec![6];
    udh::put_ports(&mut out, ports);
    if let Some(concatenation) = concatenation {
        udh::put_concatenation(&mut out, concatenation);
    }
    let length = u8::try_from(out.len().saturating_sub(1)).unwrap_or(u8::MAX);
    if let Some(first) = out.first_mut() {
        *first = length;
    }
    out
}

/// Messages of which segments are missing.
#[derive(Debug)]
pub struct Reassembler {
    patience: Duration,
    senders: BTreeMap<Box<[u8]>, Vec<Open>>,
    due: BTreeMap<(Time, u64), Box<[u8]>>,
    serial: u64,
    octets: usize,
}

/// What became of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was the last one missing: the datagram.
    Whole(Vec<u8>),
    /// Others are missing.
    Waiting {
        /// Segments that are there.
        have: usize,
        /// Segments of the message.
        total: u8,
    },
    /// It was there already.
    Duplicate,
    /// Another one was there in its place: the older message is dropped and this one begins anew.
    Restarted,
    /// A bound was reached, or it counts beyond its total: it is not kept.
    Refused,
}

/// A message that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Who sent it.
    pub from: Box<[u8]>,
    /// Its ports, if said.
    pub ports: Option<Ports>,
    /// Its reference.
    pub reference: Reference,
    /// Segments that had come.
    pub have: usize,
    /// Segments of the message.
    pub total: u8,
}

/// One message.
#[derive(Debug)]
struct Open {
    ports: Option<Ports>,
    reference: Reference,
    total: u8,
    due: (Time, u64),
    parts: Vec<Part>,
    octets: Vec<u8>,
}

/// Where a segment's octets stand among those that came.
#[derive(Clone, Copy, Debug)]
struct Part {
    sequence: u8,
    from: usize,
    to: usize,
}

impl Reassembler {
    /// Nothing waits yet; a message waits so long for its segments after the first of them came.
    #[must_use]
    pub const fn new(patience: Duration) -> Self {
        Self {
            patience,
            senders: BTreeMap::new(),
            due: BTreeMap::new(),
            serial: 0,
            octets: 0,
        }
    }

    /// Takes a segment that came from an originator; what is given up for it goes to `lost`.
    pub fn take(
        &mut self,
        now: Time,
        from: &[u8],
        ports: Option<Ports>,
        place: Concatenation,
        payload: &[u8],
        lost: &mut Vec<Lost>,
    ) -> Outcome {
        if !place.is_sensible()
            || payload.len() > limits::SMS_SEGMENT_OCTETS
            || from.len() > limits::SMS_ADDRESS_OCTETS
        {
            return Outcome::Refused;
        }
        if place.total == 1 {
            return Outcome::Whole(payload.to_vec());
        }
        let found = self.find(from, ports, place);
        let known = found.and_then(|open| open.part(place.sequence));
        let (instead, began) = match (found, known) {
            (_, Some(there)) if there == payload => return Outcome::Duplicate,
            (Some(open), Some(_)) => (Some(open.due), Outcome::Restarted),
            (Some(_), None) => return self.add(from, ports, place, payload),
            (None, _) => {
                let waiting = Outcome::Waiting {
                    have: 1,
                    total: place.total,
                };
                (self.oldest_of_too_many(from), waiting)
            }
        };
        if !self.has_room(from, payload, instead) {
            return Outcome::Refused;
        }
        if let Some(due) = instead {
            self.due.remove(&due);
            self.drop_open(from, due, lost);
        }
        self.begin(now, from, ports, place, payload);
        began
    }

    /// Gives up every message that has waited long enough.
    pub fn expire(&mut self, now: Time, lost: &mut Vec<Lost>) {
        while let Some(entry) = self.due.first_entry() {
            if entry.key().0 > now {
                return;
            }
            let (due, from) = entry.remove_entry();
            self.drop_open(&from, due, lost);
        }
    }

    /// Gives up the message that has waited longest; false when none waits.
    pub fn drop_oldest(&mut self, lost: &mut Vec<Lost>) -> bool {
        let Some((due, from)) = self.due.pop_first() else {
            return false;
        };
        self.drop_open(&from, due, lost);
        true
    }

    /// When the next message is given up.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.due.first_key_value().map(|(due, _)| due.0)
    }

    /// Messages that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.due.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    /// Octets that the messages which wait take up: their segments, and what is kept about each segment and message.
    #[must_use]
    pub const fn octets(&self) -> usize {
        self.octets
    }

    fn find(&self, from: &[u8], ports: Option<Ports>, place: Concatenation) -> Option<&Open> {
        self.senders
            .get(from)?
            .iter()
            .find(|open| open.is(ports, place))
    }

    /// A further segment of a message that waits.
    fn add(
        &mut self,
        from: &[u8],
        ports: Option<Ports>,
        place: Concatenation,
        payload: &[u8],
    ) -> Outcome {
        let cost = part_cost(payload);
        if self.octets.saturating_add(cost) > limits::SMS_OCTETS_WAITING {
            return Outcome::Refused;
        }
        let Some(opens) = self.senders.get_mut(from) else {
            return Outcome::Refused;
        };
        let Some(at) = opens.iter().position(|open| open.is(ports, place)) else {
            return Outcome::Refused;
        };
        let Some(open) = opens.get_mut(at) else {
            return Outcome::Refused;
        };
        open.put(place.sequence, payload);
        self.octets = self.octets.saturating_add(cost);
        if open.parts.len() < usize::from(open.total) {
            return Outcome::Waiting {
                have: open.parts.len(),
                total: open.total,
            };
        }
        let whole = opens.swap_remove(at);
        if opens.is_empty() {
            self.senders.remove(from);
        }
        self.due.remove(&whole.due);
        self.octets = self.octets.saturating_sub(whole.cost(from));
        Outcome::Whole(whole.whole())
    }

    /// The message that gives way to a further one of its sender, who has as many as one may have.
    fn oldest_of_too_many(&self, from: &[u8]) -> Option<(Time, u64)> {
        let opens = self.senders.get(from)?;
        if opens.len() < limits::SMS_MESSAGES_OPEN_PER_SENDER {
            return None;
        }
        opens.iter().map(|open| open.due).min()
    }

    /// Whether a message that begins with this segment can be kept once `instead`, of the same sender, is given up.
    fn has_room(&self, from: &[u8], payload: &[u8], instead: Option<(Time, u64)>) -> bool {
        let freed = instead.and_then(|due| {
            let opens = self.senders.get(from)?;
            opens.iter().find(|open| open.due == due)
        });
        let count = self.due.len().saturating_sub(usize::from(freed.is_some()));
        let octets = self
            .octets
            .saturating_sub(freed.map_or(0, |open| open.cost(from)))
            .saturating_add(message_cost(from))
            .saturating_add(part_cost(payload));
        count < limits::SMS_MESSAGES_OPEN && octets <= limits::SMS_OCTETS_WAITING
    }

    #[expect(clippy::arithmetic_side_effects, reason = "a time saturates")]
    /// A message of which nothing has come.
    fn begin(
        &mut self,
        now: Time,
        from: &[u8],
        ports: Option<Ports>,
        place: Concatenation,
        payload: &[u8],
    ) {
        self.serial = self.serial.saturating_add(1);
        let mut open = Open {
            ports,
            reference: place.reference,
            total: place.total,
            due: (now + self.patience, self.serial),
            parts: Vec::with_capacity(usize::from(place.total.min(4))),
            octets: Vec::with_capacity(
                usize::from(place.total.min(4)).saturating_mul(payload.len()),
            ),
        };
        open.put(place.sequence, payload);
        self.octets = self.octets.saturating_add(open.cost(from));
        self.due.insert(open.due, from.into());
        match self.senders.get_mut(from) {
            Some(opens) => opens.push(open),
            None => {
                self.senders.insert(from.into(), vec![open]);
            }
        }
    }

    fn drop_open(&mut self, from: &[u8], due: (Time, u64), lost: &mut Vec<Lost>) {
        let Some(opens) = self.senders.get_mut(from) else {
            return;
        };
        if let Some(at) = opens.iter().position(|open| open.due == due) {
            let open = opens.swap_remove(at);
            self.octets = self.octets.saturating_sub(open.cost(from));
            lost.push(Lost {
                from: from.into(),
                ports: open.ports,
                reference: open.reference,
                have: open.parts.len(),
                total: open.total,
            });
        }
        if opens.is_empty() {
            self.senders.remove(from);
        }
    }
}

/// What a segment takes up: a sender of empty ones would otherwise hold memory for nothing.
const fn part_cost(payload: &[u8]) -> usize {
    payload.len().saturating_add(size_of::<Part>())
}

/// What a message takes up beside its segments; its sender stands in both tables.
const fn message_cost(from: &[u8]) -> usize {
    size_of::<Open>().saturating_add(from.len().saturating_mul(2))
}

impl Open {
    /// What it takes up, kept for the sender `from`.
    const fn cost(&self, from: &[u8]) -> usize {
        self.parts
            .len()
            .saturating_mul(size_of::<Part>())
            .saturating_add(self.octets.len())
            .saturating_add(message_cost(from))
    }

    fn is(&self, ports: Option<Ports>, place: Concatenation) -> bool {
        self.reference == place.reference && self.total == place.total && self.ports == ports
    }

    fn part(&self, sequence: u8) -> Option<&[u8]> {
        let part = self.parts.iter().find(|part| part.sequence == sequence)?;
        self.octets.get(part.from..part.to)
    }

    fn put(&mut self, sequence: u8, payload: &[u8]) {
        let from = self.octets.len();
        self.octets.extend_from_slice(payload);
        self.parts.push(Part {
            sequence,
            from,
            to: self.octets.len(),
        });
    }

    /// The datagram; segments that came in order are it already.
    fn whole(mut self) -> Vec<u8> {
        if self.parts.is_sorted_by_key(|part| part.sequence) {
            return self.octets;
        }
        self.parts.sort_unstable_by_key(|part| part.sequence);
        let mut out = Vec::with_capacity(self.octets.len());
        for part in &self.parts {
            out.extend_from_slice(self.octets.get(part.from..part.to).unwrap_or_default());
        }
        out
    }
}
