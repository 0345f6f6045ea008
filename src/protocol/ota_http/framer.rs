//! Cuts the octets of a connection into messages of HTTP/1.1, wherever they were cut before.
//!
//! **Source:** RFC 9112 sections 2, 6 and 7. Trailers are left out.

use bytes::{Buf, Bytes, BytesMut};

use crate::codec::ota_http::{Framing, Head, Start, chunk_octets};
use crate::codec::{Class, DecodeError};
use crate::limits;

/// Octets of the line that announces a chunk, or of one trailer.
const LINE_OCTETS: usize = 1_024;
/// Trailers of one body.
const TRAILERS: usize = 32;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Whole {
    pub(super) start: First,
    /// Names in lower case.
    pub(super) rows: Vec<(String, String)>,
    pub(super) body: Bytes,
    /// The connection ends after it.
    pub(super) is_last: bool,
}

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum First {
    Request { method: String, target: String },
    Response { status: u16 },
}

/// What is read of one side of a connection.
#[derive(Debug)]
pub(super) struct Framer {
    is_request: bool,
    /// Octets of the largest body.
    most: usize,
    buffer: BytesMut,
    /// Octets of the buffer in which no end of a head is.
    scanned: usize,
    open: Option<Open>,
}

/// A message whose body is not whole.
#[derive(Debug)]
struct Open {
    whole: Whole,
    body: BytesMut,
    left: Left,
}

/// What is missing of a body.
#[derive(Debug)]
enum Left {
    Octets(usize),
    /// The line that announces a chunk.
    Chunk,
    /// The line end after a chunk.
    ChunkEnd,
    /// Rows after the last chunk: how many came.
    Trailers(usize),
    UntilEnd,
}

const fn fault(class: Class, expected: &'static str) -> DecodeError {
    DecodeError {
        format: "ota-http",
        offset: 0,
        class,
        expected,
    }
}

impl Framer {
    /// For the side that sends requests, or that sends responses; bodies have at most `most` octets.
    pub(super) fn new(is_request: bool, most: usize) -> Self {
        Self {
            is_request,
            most,
            buffer: BytesMut::new(),
            scanned: 0,
            open: None,
        }
    }

    /// Takes octets over.
    pub(super) fn push(&mut self, octets: &[u8]) {
        self.buffer.extend_from_slice(octets);
    }

    /// Octets that wait.
    pub(super) fn waiting(&self) -> usize {
        self.buffer.len()
    }

    /// True when nothing of a message is there.
    pub(super) fn is_empty(&self) -> bool {
        self.buffer.is_empty() && self.open.is_none()
    }

    /// True once, when the sender of a request waits for leave to send its body.
    pub(super) fn asks_leave(&mut self) -> bool {
        let Some(open) = self.open.as_mut().filter(|open| open.body.is_empty()) else {
            return false;
        };
        let rows = &mut open.whole.rows;
        let found = rows.iter().position(|(name, value)| {
            name == "expect" && value.eq_ignore_ascii_case("100-continue")
        });
        found.is_some_and(|at| {
            rows.remove(at);
            true
        })
    }

    /// The next whole message.
    pub(super) fn next(&mut self) -> Result<Option<Whole>, DecodeError> {
        loop {
            let Some(open) = &mut self.open else {
                match self.head()? {
                    Some(whole) => return Ok(Some(whole)),
                    None if self.open.is_none() => return Ok(None),
                    None => continue,
                }
            };
            if !open.take(&mut self.buffer, self.most)? {
                return Ok(None);
            }
            return Ok(self.open.take().map(Open::close));
        }
    }

    /// The connection ended: what that makes whole.
    pub(super) fn ended(&mut self) -> Option<Whole> {
        let open = self.open.take()?;
        matches!(open.left, Left::UntilEnd).then(|| open.close())
    }

    /// A message without a body, or the start of one with.
    fn head(&mut self) -> Result<Option<Whole>, DecodeError> {
        // Empty lines before a start line are passed over (RFC 9112 section 2.2).
        while let [b'\r', b'\n', ..] | [b'\n', ..] = self.buffer.as_ref() {
            self.buffer.advance(1);
            self.scanned = 0;
        }
        let Some(octets) = Head::octets(&self.buffer, self.scanned) else {
            if self.buffer.len() > limits::HTTP_HEAD_OCTETS {
                return Err(fault(Class::TooLarge, "a head within the bound"));
            }
            self.scanned = self.buffer.len();
            return Ok(None);
        };
        self.scanned = 0;
        let octets = self.buffer.split_to(octets.min(self.buffer.len()));
        let head = Head::decode(&octets, self.is_request)?;
        let framing = head.framing()?;
        let whole = Whole {
            start: match head.start {
                Start::Request { method, uri, .. } => First::Request {
                    method: method.to_owned(),
                    target: uri.to_owned(),
                },
                Start::Response { status, .. } => First::Response { status },
            },
            rows: head
                .rows
                .iter()
                .map(|row| {
                    (
                        row.name.to_ascii_lowercase(),
                        row.value.clone().into_owned(),
                    )
                })
                .collect(),
            body: Bytes::new(),
            is_last: head.is_last() || framing == Framing::UntilEnd,
        };
        let left = match framing {
            Framing::None | Framing::Octets(0) => return Ok(Some(whole)),
            Framing::Octets(octets) if octets > self.most => {
                return Err(fault(Class::TooLarge, "a body within the bound"));
            }
            Framing::Octets(octets) => Left::Octets(octets),
            Framing::Chunked => Left::Chunk,
            Framing::UntilEnd => Left::UntilEnd,
        };
        self.open = Some(Open {
            whole,
            body: BytesMut::new(),
            left,
        });
        Ok(None)
    }
}

impl Open {
    fn close(mut self) -> Whole {
        self.whole.body = self.body.freeze();
        self.whole
    }

    /// Takes what there is of the body; true when it is whole.
    fn take(&mut self, buffer: &mut BytesMut, most: usize) -> Result<bool, DecodeError> {
        loop {
            match &mut self.left {
                Left::Octets(left) => {
                    let is_chunk = self.whole.rows.iter().any(|(name, _)| name == CODING);
                    let taken = (*left).min(buffer.len());
                    let rest = left.saturating_sub(taken);
                    self.body.unsplit(buffer.split_to(taken));
                    if rest > 0 {
                        self.left = Left::Octets(rest);
                        return Ok(false);
                    }
                    if !is_chunk {
                        return Ok(true);
                    }
                    self.left = Left::ChunkEnd;
                }
                Left::Chunk => {
                    let Some(line) = line(buffer)? else {
                        return Ok(false);
                    };
                    let octets = chunk_octets(&line)?;
                    if self.body.len().saturating_add(octets) > most {
                        return Err(fault(Class::TooLarge, "a body within the bound"));
                    }
                    self.left = match octets {
                        0 => Left::Trailers(0),
                        octets => Left::Octets(octets),
                    };
                }
                Left::ChunkEnd => match line(buffer)? {
                    None => return Ok(false),
                    Some(line) if line.is_empty() => self.left = Left::Chunk,
                    Some(_) => return Err(fault(Class::BadLength, "the end of the chunk")),
                },
                Left::Trailers(TRAILERS..) => {
                    return Err(fault(Class::TooLarge, "fewer trailers"));
                }
                Left::Trailers(count) => match line(buffer)? {
                    None => return Ok(false),
                    Some(line) if line.is_empty() => return Ok(true),
                    Some(_) => self.left = Left::Trailers(count.saturating_add(1)),
                },
                Left::UntilEnd => {
                    if self.body.len().saturating_add(buffer.len()) > most {
                        return Err(fault(Class::TooLarge, "a body within the bound"));
                    }
                    self.body.unsplit(buffer.split());
                    return Ok(false);
                }
            }
        }
    }
}

/// The row that tells of chunks; a head with it and a length was refused.
const CODING: &str = "transfer-encoding";

/// Takes a line without its end.
fn line(buffer: &mut BytesMut) -> Result<Option<BytesMut>, DecodeError> {
    let Some(end) = memchr::memchr(b'\n', buffer) else {
        return if buffer.len() > LINE_OCTETS {
            Err(fault(Class::TooLarge, "a line within the bound"))
        } else {
            Ok(None)
        };
    };
    let mut line = buffer.split_to(end);
    buffer.advance(1);
    if line.last() == Some(&b'\r') {
        line.truncate(line.len().saturating_sub(1));
    }
    Ok(Some(line))
}
