//! Messages out of a stream.
//!
//! **Source:** RFC 4975 section 7.1 (end-line). A message has no length: it ends where its own transaction identifier
//! stands after seven hyphens at the start of a line, with a flag and a line end.

use bytes::{Bytes, BytesMut};

use super::decode::start_line;
use super::{Flag, Message, Request, fault, find};
use crate::codec::{Class, DecodeError};
use crate::limits;

/// Takes octets of one stream and gives messages.
#[derive(Debug, Default)]
pub struct Framer {
    octets: BytesMut,
    /// What is known of the message at the front.
    front: Option<Front>,
    is_lost: bool,
}

/// The message at the front of the stream, whose end was not seen yet.
#[derive(Debug)]
struct Front {
    /// Line end, hyphens, transaction identifier.
    mark: Vec<u8>,
    /// Octets that hold no start of the mark.
    searched: usize,
    /// Where the body begins.
    body_at: Option<usize>,
    /// Its chunk is too large: its octets are dropped until it ends.
    is_skipped: bool,
}

/// Octets that are no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct Fault {
    /// What and where, counted from the start of the message.
    pub error: DecodeError,
    /// The response to send, when the fault is inside a request whose paths can be read: 413 to a chunk that is too
    /// large, 400 else.
    pub answer: Option<Bytes>,
    /// True when no further message can be found: close the stream.
    pub is_lost: bool,
}

impl Framer {
    /// A framer at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Octets came; call [`Framer::next`] until it gives `None` before the next.
    pub fn push(&mut self, octets: &[u8]) {
        if !self.is_lost {
            self.octets.extend_from_slice(octets);
        }
    }

    /// Octets that wait for the rest of their message.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.octets.len()
    }

    /// The next message; `None` until more octets come.
    #[expect(
        clippy::should_implement_trait,
        reason = "None means not yet, not the end"
    )]
    pub fn next(&mut self) -> Option<Result<Message, Fault>> {
        if self.is_lost {
            return None;
        }
        match self.cut() {
            Ok(octets) => {
                octets.map(|octets| Message::decode(&octets).map_err(|e| refused(&octets, e)))
            }
            Err(fault) => {
                if fault.is_lost {
                    self.is_lost = true;
                    self.octets = BytesMut::new();
                }
                Some(Err(fault))
            }
        }
    }

    /// The octets of the next whole message.
    fn cut(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            let mut front = match self.front.take() {
                Some(front) => front,
                None => match self.start().map_err(lost)? {
                    Some(front) => front,
                    None => return Ok(None),
                },
            };
            let end = self.search(&mut front);
            if front.is_skipped {
                self.drop_to(end.unwrap_or(front.searched));
                front.searched = 0;
                if end.is_none() {
                    self.front = Some(front);
                    return Ok(None);
                }
                continue;
            }
            if let Err(error) = check_size(&front, end.unwrap_or(self.octets.len())) {
                return Err(self.refuse_chunk(front, error));
            }
            let Some(end) = end else {
                self.front = Some(front);
                return Ok(None);
            };
            return Ok(Some(self.octets.split_to(end).freeze()));
        }
    }

    fn drop_to(&mut self, end: usize) {
        let _ = self.octets.split_to(end.min(self.octets.len()));
    }

    /// A chunk that is too large is refused, and dropped as it comes; the end of headers that do not end is not to be
    /// found.
    fn refuse_chunk(&mut self, mut front: Front, error: DecodeError) -> Fault {
        let Some(body_at) = front.body_at else {
            return lost(error);
        };
        let head = self.octets.get(..body_at).unwrap_or_default();
        let fault = Fault {
            error,
            answer: answer_to(head, 413),
            is_lost: false,
        };
        // What was searched may hold the end of it.
        front.searched = body_at;
        front.is_skipped = true;
        self.front = Some(front);
        fault
    }

    /// The start line, when all of it is there.
    fn start(&mut self) -> Result<Option<Front>, DecodeError> {
        if self.octets.is_empty() {
            return Ok(None);
        }
        let Some(end) = find(&self.octets, b"\r\n") else {
            // No start line worth waiting for is longer, or begins otherwise.
            let known = self.octets.len().min(5);
            if self.octets.get(..known) != b"MSRP ".get(..known) {
                return Err(fault(0, Class::BadValue, "MSRP"));
            }
            if self.octets.len() > START_LINE_OCTETS {
                return Err(fault(
                    START_LINE_OCTETS,
                    Class::TooLarge,
                    "the end of the start line",
                ));
            }
            return Ok(None);
        };
        let line = self.octets.get(..end).unwrap_or_default();
        let start = start_line(line)?;
        let mark = [b"\r\n-------", start.tid.as_bytes()].concat();
        Ok(Some(Front {
            mark,
            searched: end,
            body_at: None,
            is_skipped: false,
        }))
    }

    /// Where the message ends, when its end-line is there.
    fn search(&self, front: &mut Front) -> Option<usize> {
        // The mark and what must follow it: flag and line end.
        let whole = front.mark.len().saturating_add(3);
        loop {
            let rest = self.octets.get(front.searched..)?;
            if front.body_at.is_none() {
                front.body_at = body_at(&self.octets, front.searched);
            }
            let Some(found) = find(rest, &front.mark) else {
                // The mark may have begun; so may the empty line before the body.
                let keep = front.mark.len().saturating_add(3);
                let searched = self.octets.len().saturating_sub(keep);
                front.searched = front.searched.max(searched);
                return None;
            };
            let at = front.searched.saturating_add(found);
            let end = at.saturating_add(whole);
            let Some(line) = self.octets.get(at..end) else {
                front.searched = at;
                return None;
            };
            match line {
                [.., flag, b'\r', b'\n'] if Flag::of(*flag).is_some() => return Some(end),
                // Not the end-line but a line of the body that looks like it.
                _ => front.searched = at.saturating_add(2),
            }
        }
    }
}

/// Octets of a start line: an identifier, a code and some words.
const START_LINE_OCTETS: usize = 1_024;

fn body_at(octets: &[u8], from: usize) -> Option<usize> {
    let found = find(octets.get(from..)?, b"\r\n\r\n")?;
    Some(from.saturating_add(found).saturating_add(4))
}

/// Keeps head and body within their limits, for a message that ends at `end` or is known up to there.
fn check_size(front: &Front, end: usize) -> Result<(), DecodeError> {
    let tail = front.mark.len().saturating_add(3);
    let body_at = front.body_at.filter(|at| *at <= end);
    // The mark begins with the line end of the last header.
    let bare = end.saturating_sub(tail).saturating_add(2);
    let head = body_at.unwrap_or(bare);
    if head > limits::MSRP_HEAD_OCTETS {
        return Err(fault(
            limits::MSRP_HEAD_OCTETS,
            Class::TooLarge,
            "the end of the headers",
        ));
    }
    let body_end = head
        .saturating_add(limits::MSRP_CHUNK_OCTETS)
        .saturating_add(tail);
    if body_at.is_some() && end > body_end {
        return Err(fault(body_end, Class::TooLarge, "the end of the chunk"));
    }
    Ok(())
}

/// Nothing more can be read of the stream.
const fn lost(error: DecodeError) -> Fault {
    Fault {
        error,
        answer: None,
        is_lost: true,
    }
}

/// A message whose end is known but which is none: a request with paths is answered with 400.
fn refused(octets: &Bytes, error: DecodeError) -> Fault {
    Fault {
        error,
        answer: answer_to(octets, 400),
        is_lost: false,
    }
}

fn answer_to(octets: &[u8], status: u16) -> Option<Bytes> {
    let mut lines = octets.split(|b| *b == b'\n');
    let mut line = || lines.next().and_then(|line| line.strip_suffix(b"\r"));
    let start = start_line(line()?).ok()?;
    let path = |line: &[u8], name: &str| {
        let text = core::str::from_utf8(line).ok()?;
        let uri = text
            .strip_prefix(name)?
            .strip_prefix(": ")?
            .split(' ')
            .next()?;
        super::MsrpUri::decode(uri).ok()?;
        Some(super::Path::from(uri))
    };
    let to = path(line()?, "To-Path")?;
    let from = path(line()?, "From-Path")?;
    let request = Request::new(start.method()?, start.tid, to, from);
    match request.method {
        // Reports are never answered.
        super::Method::Report => None,
        _ => Some(request.answer(status).encode()),
    }
}
