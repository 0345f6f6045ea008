//! Messages put together from their chunks, in whatever order these come.
//!
//! **Source:** RFC 4975 section 7.3.1: where chunks overlap, the octets that came last count. Memory is bounded: octets
//! of a message, messages begun, pieces that wait for what lies before them.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::Recent;
use crate::codec::msrp::{Flag, Headers, Request};
use crate::limits;

/// The messages that come in.
#[derive(Debug)]
pub(super) struct Receiver {
    octets_max: usize,
    open: BTreeMap<String, Incoming>,
    /// Messages that are complete or were refused: further chunks of them are of no use.
    complete: Recent,
    refused: Recent,
}

/// What became of a chunk.
pub(super) enum Taken {
    /// More is to come, or it was known already.
    Part,
    /// With this chunk the message is whole.
    Whole(Whole),
    /// It was not taken, for that code.
    Refused(u16),
}

/// A message that is complete.
pub(super) struct Whole {
    pub(super) content_type: String,
    pub(super) headers: Headers,
    pub(super) body: Bytes,
    pub(super) success_report: bool,
}

/// A message of which some chunks came.
#[derive(Debug, Default)]
struct Incoming {
    /// The octets from the first on.
    head: Vec<u8>,
    /// Octets behind a gap, by the number of octets before them; none overlap.
    pieces: BTreeMap<usize, Bytes>,
    /// The octets of the whole message, once known.
    total: Option<usize>,
    headers: Headers,
    success_report: bool,
}

impl Receiver {
    pub(super) fn new(octets_max: usize) -> Self {
        Self {
            octets_max,
            open: BTreeMap::new(),
            complete: Recent::default(),
            refused: Recent::default(),
        }
    }

    /// Forgets what is not complete.
    pub(super) fn clear(&mut self) {
        self.open.clear();
    }

    /// Takes a chunk that has a body.
    pub(super) fn take(&mut self, request: &Request) -> Taken {
        let Some(message_id) = request.message_id() else {
            return Taken::Refused(400);
        };
        if self.complete.contains(message_id) {
            return Taken::Part;
        }
        if self.refused.contains(message_id) {
            return Taken::Refused(413);
        }
        if request.flag == Flag::Abort {
            self.open.remove(message_id);
            return Taken::Part;
        }
        let begun = self.open.remove_entry(message_id);
        if begun.is_none() && self.open.len() >= limits::MSRP_MESSAGES_OPEN {
            return Taken::Refused(413);
        }
        let is_new = begun.is_none();
        let (name, mut incoming) =
            begun.unwrap_or_else(|| (message_id.to_owned(), Incoming::default()));
        match incoming.put(request, self.octets_max) {
            Ok(false) => {
                self.open.insert(name, incoming);
                Taken::Part
            }
            Ok(true) => {
                self.complete.push(name);
                incoming.finish(request)
            }
            Err(code) => {
                if code == 413 {
                    self.refused.push(name);
                } else if !is_new {
                    self.open.insert(name, incoming);
                }
                Taken::Refused(code)
            }
        }
    }
}

impl Incoming {
    /// The message, complete with this chunk.
    fn finish(self, request: &Request) -> Taken {
        Taken::Whole(Whole {
            content_type: request.content_type().unwrap_or_default().to_owned(),
            headers: self.headers,
            body: self.head.into(),
            success_report: self.success_report,
        })
    }

    /// Puts a chunk in its place; true when the message is complete.
    fn put(&mut self, request: &Request, octets_max: usize) -> Result<bool, u16> {
        let body = request.body.clone().unwrap_or_default();
        let range = request.byte_range();
        let first = range.map_or(1, |range| range.start);
        let before = usize::try_from(first.saturating_sub(1)).map_err(|_| 413_u16)?;
        let after = before.saturating_add(body.len());
        let told = match range.and_then(|range| range.total) {
            Some(total) => Some(usize::try_from(total).map_err(|_| 413_u16)?),
            None => (request.flag == Flag::Last).then_some(after),
        };
        if after > octets_max || told.is_some_and(|total| total > octets_max) {
            return Err(413);
        }
        let end = range.and_then(|range| range.end);
        let promised = end.and_then(|end| usize::try_from(end).ok());
        if promised.is_some_and(|promised| after > promised) {
            return Err(400);
        }
        let total = self.total.or(told);
        let known = self.end().max(after);
        if told.is_some_and(|told| total != Some(told)) || total.is_some_and(|total| known > total)
        {
            return Err(400);
        }
        self.total = total;
        self.success_report |= request.success_report();
        if before == 0 {
            self.headers = further(request);
        }
        self.lay(before, &body)?;
        Ok(total == Some(self.head.len()))
    }

    /// Where the known octets end.
    fn end(&self) -> usize {
        let behind = self.pieces.last_key_value();
        behind.map_or(self.head.len(), |(at, piece)| {
            at.saturating_add(piece.len())
        })
    }

    fn lay(&mut self, before: usize, body: &Bytes) -> Result<(), u16> {
        let after = before.saturating_add(body.len());
        self.cut(before, after);
        if before > self.head.len() {
            if self.pieces.len() >= limits::MSRP_PIECES {
                return Err(413);
            }
            if !body.is_empty() {
                // A copy, so that a few octets do not keep the whole buffer of the link alive.
                self.pieces.insert(before, Bytes::copy_from_slice(body));
            }
            return Ok(());
        }
        let overlap = self.head.len().saturating_sub(before).min(body.len());
        let (over, new) = body.split_at_checked(overlap).unwrap_or((body, &[]));
        let known = before.saturating_add(overlap);
        if let Some(place) = self.head.get_mut(before..known) {
            place.copy_from_slice(over);
        }
        self.head.extend_from_slice(new);
        while let Some(piece) = self.pieces.remove(&self.head.len()) {
            self.head.extend_from_slice(&piece);
        }
        Ok(())
    }

    /// Takes the octets from `from` to `to` out of the pieces.
    fn cut(&mut self, from: usize, to: usize) {
        let begin_inside: Vec<usize> = self
            .pieces
            .range(..to)
            .filter(|(at, piece)| at.saturating_add(piece.len()) > from)
            .map(|(at, _)| *at)
            .collect();
        for at in begin_inside {
            let Some(mut piece) = self.pieces.remove(&at) else {
                continue;
            };
            let end = at.saturating_add(piece.len());
            if end > to {
                let tail = piece.split_off(to.saturating_sub(at));
                self.pieces.insert(to, tail);
            }
            if at < from {
                piece.truncate(from.saturating_sub(at));
                self.pieces.insert(at, piece);
            }
        }
    }
}

/// The headers of a chunk that MSRP itself does not use.
fn further(request: &Request) -> Headers {
    let own = |name: &str| {
        super::sending::OWN
            .iter()
            .any(|own| own.eq_ignore_ascii_case(name))
    };
    let headers = request.headers.iter();
    headers.filter(|(name, _)| !own(name)).collect()
}
