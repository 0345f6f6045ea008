//! What a framed message says: headers as text, and the well-known ones as values.
//!
//! Source: RFC 3261 sections 7.3, 8.1.1, 16.3 and 20. Every value is decoded when it is asked for and may be refused
//! alone; offsets in errors count from the first octet of the message.

use std::borrow::Cow;

use super::frame::{Frame, Range, Row, Start, error};
use super::method::Method;
use super::name::Name;
use crate::codec::lexeme::{Fault, ascii, fault_of};
use crate::codec::uri::Uri;
use crate::codec::{Class, DecodeError};

mod addresses;
mod checks;
mod elements;
mod values;

pub(super) use elements::Elements;
pub use values::CSeq;

impl<'a> Frame<'a> {
    /// The method of a request.
    #[must_use]
    pub const fn method(&self) -> Option<Method> {
        match self.index.start {
            Start::Request { method, .. } => Some(method),
            Start::Response { .. } => None,
        }
    }

    /// The method's name as written; empty for responses.
    #[must_use]
    pub fn method_text(&self) -> &'a str {
        match self.index.start {
            Start::Request { name, .. } => ascii(self.slice(name)),
            Start::Response { .. } => "",
        }
    }

    /// The status of a response.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self.index.start {
            Start::Request { .. } => None,
            Start::Response { status, .. } => Some(status),
        }
    }

    /// The reason phrase; empty for requests. Octets that are not UTF-8 become U+FFFD.
    #[must_use]
    pub fn reason(&self) -> Cow<'a, str> {
        match self.index.start {
            Start::Request { .. } => Cow::Borrowed(""),
            Start::Response { reason, .. } => String::from_utf8_lossy(self.slice(reason)),
        }
    }

    /// False for a request of another version than 2.0, which is answered 505.
    #[must_use]
    pub fn is_version_2(&self) -> bool {
        match self.index.start {
            Start::Request { version, .. } => self.slice(version).eq_ignore_ascii_case(b"SIP/2.0"),
            Start::Response { .. } => true,
        }
    }

    /// The Request-URI.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when it is outside the grammar, or the message a response.
    #[inline]
    pub fn request_uri(&self) -> Result<Uri<'a>, DecodeError> {
        let Start::Request { uri, .. } = self.index.start else {
            return Err(error(0, Class::BadValue, "a request"));
        };
        let text = self.slice(uri);
        Uri::parse(text)
            .map(Uri::spelt)
            .map_err(|fault| fault.within(text.len(), "sip").within(usize::from(uri.at)))
    }

    /// The Request-URI as written, whether or not it is one; empty for responses.
    #[must_use]
    pub fn request_uri_text(&self) -> &'a [u8] {
        match self.index.start {
            Start::Request { uri, .. } => self.slice(uri),
            Start::Response { .. } => &[],
        }
    }

    /// The value of the first row of that name, without blanks at its ends; folds are still in it.
    #[must_use]
    pub fn header(&self, name: Name) -> Option<&'a [u8]> {
        self.index.first(name).map(|row| self.value(row))
    }

    /// As [`Frame::header`], when it is UTF-8.
    #[must_use]
    pub fn text(&self, name: Name) -> Option<&'a str> {
        core::str::from_utf8(self.header(name)?).ok()
    }

    /// As [`Frame::text`], with each fold as one space.
    #[must_use]
    pub fn unfolded(&self, name: Name) -> Option<Cow<'a, str>> {
        let text = self.text(name)?;
        if !text.contains('\r') {
            return Some(Cow::Borrowed(text));
        }
        let lines: Vec<&str> = text
            .split("\r\n")
            .map(|line| line.trim_matches([' ', '\t']))
            .collect();
        Some(Cow::Owned(lines.join(" ")))
    }

    /// The value of the first row of that name in any case, known or not.
    #[must_use]
    pub fn extension(&self, name: &str) -> Option<&'a [u8]> {
        match Name::from_octets(name.as_bytes()) {
            Name::Other => self
                .headers()
                .find(|(_, have, _)| have.eq_ignore_ascii_case(name.as_bytes()))
                .map(|(_, _, value)| value),
            known => self.header(known),
        }
    }

    /// The values of all rows of that name.
    pub fn rows(&self, name: Name) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let frame = *self;
        frame.rows_of(name).map(move |row| frame.value(row))
    }

    /// The elements of a list header over all its rows; commas in quotes, angle brackets and comments do not count.
    pub fn list(&self, name: Name) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.rows(name)
            .flat_map(Elements::new)
            .filter(|element| !element.is_empty())
    }

    /// Every row in order: what it is, its name as written, its value.
    pub fn headers(&self) -> impl Iterator<Item = (Name, &'a [u8], &'a [u8])> + use<'a> {
        let frame = *self;
        frame.index.rows.iter().map(move |row| {
            let name = Range {
                at: row.name_at,
                end: row.name_end,
            };
            (row.name, frame.slice(name), frame.value(row))
        })
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.slice(Range {
            at: self.index.body_at,
            end: self.index.body_end,
        })
    }

    /// True when a second row of that name follows the first.
    #[must_use]
    pub const fn is_repeated(&self, name: Name) -> bool {
        self.index.is_repeated(name)
    }

    #[inline]
    fn rows_of(&self, name: Name) -> impl Iterator<Item = &'a Row> + use<'a> {
        let first = self
            .index
            .first
            .get(name as usize)
            .map_or(0, |&first| usize::from(first));
        self.index
            .rows
            .get(first..)
            .unwrap_or_default()
            .iter()
            .filter(move |row| row.name == name)
    }

    #[inline]
    fn required(&self, name: Name) -> Result<&'a Row, DecodeError> {
        self.index
            .first(name)
            .ok_or_else(|| error(self.index.head_len(), Class::MissingHeader, name.text()))
    }

    #[inline]
    fn value(&self, row: &Row) -> &'a [u8] {
        self.slice(Range {
            at: row.value_at,
            end: row.value_end,
        })
    }

    #[inline]
    pub(super) fn slice(&self, range: Range) -> &'a [u8] {
        self.octets
            .get(usize::from(range.at)..usize::from(range.end))
            .unwrap_or_default()
    }
}

/// The error of a fault inside a row's value.
#[cold]
fn refused(row: &Row, value: &[u8], fault: nom::Err<Fault>) -> DecodeError {
    fault_of(fault)
        .within(value.len(), "sip")
        .within(usize::from(row.value_at))
}
