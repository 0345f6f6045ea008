//! The head of a message on a connection, and how its body is marked off.
//!
//! **Source:** RFC 9112 sections 2.1, 6 and 7.1. A whole message in one piece is [`super::Message`].

use super::fault;
use super::message::{Reader, Row, Start, length_of};
use crate::codec::{Class, DecodeError};
use crate::limits;

/// What stands before a body, read leniently as receivers must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// The first line.
    pub start: Start<'a>,
    /// The rows, in order.
    pub rows: Vec<Row<'a>>,
}

/// How a body is marked off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is none.
    None,
    /// So many octets.
    Octets(usize),
    /// In chunks, each with its length.
    Chunked,
    /// By the end of the connection.
    UntilEnd,
}

impl<'a> Head<'a> {
    /// Reads a head with its empty line.
    ///
    /// # Errors
    /// A head outside the grammar or above its bounds.
    pub fn decode(octets: &'a [u8], is_request: bool) -> Result<Self, DecodeError> {
        let (start, rows) = Reader::new(octets, 0, true).head(is_request)?;
        Ok(Self { start, rows })
    }

    /// The octets of the head at the start of those that came, its empty line included; `None` when its end has not
    /// come. `from` is how many of them were looked at before.
    #[must_use]
    pub fn octets(came: &[u8], from: usize) -> Option<usize> {
        // The end may have begun in what was looked at.
        let mut at = from.saturating_sub(3);
        loop {
            let rest = came.get(at..)?;
            let line = at
                .saturating_add(memchr::memchr(b'\n', rest)?)
                .saturating_add(1);
            let after = came.get(line..)?;
            let empty = match after {
                [b'\n', ..] => Some(1),
                [b'\r', b'\n', ..] => Some(2),
                _ => None,
            };
            if let Some(empty) = empty {
                return Some(line.saturating_add(empty));
            }
            at = line;
        }
    }

    /// The value of the first row of that name.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        let mut rows = self.rows.iter();
        let found = rows.find(|row| row.name.eq_ignore_ascii_case(name));
        found.map(|row| row.value.as_ref())
    }

    /// How the body is marked off.
    ///
    /// # Errors
    /// Two lengths, a length beside chunks, a coding that is none of ours, a number that is none.
    pub fn framing(&self) -> Result<Framing, DecodeError> {
        let length = length_of(&self.rows)?;
        let is_coding = |row: &&Row<'_>| row.name.eq_ignore_ascii_case("Transfer-Encoding");
        let mut codings = self.rows.iter().filter(is_coding);
        let coding = (codings.next(), codings.next());
        if let (Some(row), second) = coding {
            // Whoever reads the length finds another end than whoever reads the chunks.
            let is_ours = row.value.eq_ignore_ascii_case("chunked");
            if !is_ours || length.is_some() || second.is_some() {
                return Err(fault(row.at, Class::BadValue, "chunks, or a length"));
            }
        }
        let has_none = match self.start {
            Start::Request { .. } => length.is_none() && coding.0.is_none(),
            Start::Response { status, .. } => matches!(status, 100..=199 | 204 | 304),
        };
        Ok(match length {
            _ if has_none => Framing::None,
            _ if coding.0.is_some() => Framing::Chunked,
            Some((length, _)) => Framing::Octets(length),
            None => Framing::UntilEnd,
        })
    }

    /// Whether the connection ends after this message.
    #[must_use]
    pub fn is_last(&self) -> bool {
        let version = match self.start {
            Start::Request { version, .. } | Start::Response { version, .. } => version,
        };
        let says = |word: &str| {
            let is_connection = |row: &&Row<'_>| row.name.eq_ignore_ascii_case("Connection");
            let rows = self.rows.iter().filter(is_connection);
            let mut words = rows.flat_map(|row| row.value.split(','));
            words.any(|own| own.trim().eq_ignore_ascii_case(word))
        };
        says("close") || (version == "HTTP/1.0" && !says("keep-alive"))
    }
}

/// The octets of the chunk that a line announces, without its end.
///
/// # Errors
/// No hexadecimal number before extensions, or one above the bound of a body.
pub fn chunk_octets(line: &[u8]) -> Result<usize, DecodeError> {
    let digits = line.split(|octet| *octet == b';').next();
    let text = digits.and_then(|digits| core::str::from_utf8(digits).ok());
    let text = text.unwrap_or_default().trim();
    let is_number = (1..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    if !is_number {
        return Err(fault(0, Class::BadValue, "the length of a chunk"));
    }
    usize::from_str_radix(text, 16)
        .ok()
        .filter(|octets| *octets <= limits::HTTP_BODY_OCTETS)
        .ok_or_else(|| fault(0, Class::TooLarge, "a chunk within the bound"))
}
