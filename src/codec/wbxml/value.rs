//! Names and values as they stand in a document: nothing is copied until text is asked for.
//!
//! **Source:** WAP-192 section 5.8.4 (global tokens).

use core::fmt;
use std::borrow::Cow;

use super::charset::Charset;
use super::language::Language;
use super::stamp::Stamp;
use crate::codec::cursor::Cursor;
use crate::codec::xml::is_letter;
use crate::codec::{Class, DecodeError};

/// The name of an element or an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name<'a> {
    /// One of the document type.
    Known(&'static str),
    /// Another, in words.
    Other(Cow<'a, str>),
    /// A token that the document type does not define.
    Token {
        /// Its code page.
        page: u8,
        /// The token without flags.
        token: u8,
    },
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(name) => f.write_str(name),
            Self::Other(name) => f.write_str(name),
            Self::Token { page: 0, token } => write!(f, "#{token:02X}"),
            Self::Token { page, token } => write!(f, "#{page:02X}:{token:02X}"),
        }
    }
}

/// The value of an attribute, or a run of text.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    /// As WBXML writes it.
    Encoded(Encoded<'a>),
    /// As XML writes it, its references resolved.
    Plain(Cow<'a, str>),
}

/// A value in WBXML: the beginning that its start token says, and pieces.
#[derive(Clone, Copy, Debug)]
pub struct Encoded<'a> {
    pub(super) prefix: &'static str,
    pub(super) octets: &'a [u8],
    pub(super) whole: Whole<'a>,
    /// The code page before the first piece; of no meaning in text.
    pub(super) page: u8,
    pub(super) strings: Strings<'a>,
    pub(super) language: &'static Language,
}

/// What the pieces of a value are together, noted while they are read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Whole<'a> {
    /// One text, which can be borrowed.
    Text(&'a str),
    /// Text that has to be put together.
    Texts,
    /// Opaque octets, and their place in the document.
    Opaque(&'a [u8], usize),
    /// Something else.
    Mixed,
}

impl<'a> Whole<'a> {
    /// The same with a text behind it; `None` is one that cannot be borrowed.
    pub(super) fn text(self, next: Option<&'a str>) -> Self {
        match (self, next) {
            (Self::Text(""), Some(next)) => Self::Text(next),
            (Self::Text(_) | Self::Texts, _) => Self::Texts,
            (Self::Opaque(..) | Self::Mixed, _) => Self::Mixed,
        }
    }

    /// The same with opaque octets behind it.
    pub(super) fn opaque(self, octets: &'a [u8], at: usize) -> Self {
        match self {
            Self::Text("") => Self::Opaque(octets, at),
            _ => Self::Mixed,
        }
    }
}

/// The string table and the charset of all strings.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Strings<'a> {
    pub(super) table: &'a [u8],
    pub(super) charset: Charset,
}

/// A piece of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// Octets that are no text.
    Opaque(Cow<'a, [u8]>),
    /// A token that the document type does not define, with what belongs to it, as it was sent.
    Raw {
        /// The code page it was read in.
        page: u8,
        /// Its octets.
        octets: Cow<'a, [u8]>,
    },
}

impl<'a> Value<'a> {
    /// The pieces in order.
    pub fn parts(&self) -> impl Iterator<Item = Part<'a>> {
        let (encoded, plain) = match self {
            Self::Encoded(encoded) => (Some(encoded.parts()), None),
            Self::Plain(text) => (None, Some(Part::Text(text.clone()))),
        };
        encoded.into_iter().flatten().chain(plain)
    }

    /// The text of it; borrowed when it is one piece.
    #[must_use]
    pub fn text(&self) -> Cow<'a, str> {
        match self {
            Self::Plain(text) => text.clone(),
            Self::Encoded(encoded) => encoded.text(),
        }
    }

    /// The instant it says; else the octets before the fault, counted in the document, when that is known.
    pub(super) fn stamp(&self) -> Result<Stamp, Option<usize>> {
        if let Self::Encoded(Encoded {
            whole: Whole::Opaque(octets, at),
            ..
        }) = self
        {
            return Stamp::of_octets(octets).map_err(|fault| Some(at.saturating_add(fault)));
        }
        self.text().parse().map_err(|_| None)
    }

    /// Whether all of it is text.
    pub(super) const fn is_text(&self) -> bool {
        match self {
            Self::Plain(_) => true,
            Self::Encoded(encoded) => matches!(encoded.whole, Whole::Text(_) | Whole::Texts),
        }
    }
}

impl<'a> Encoded<'a> {
    fn parts(&self) -> Parts<'a> {
        Parts {
            cursor: Cursor::new(self.language.format, self.octets),
            prefix: Some(self.prefix).filter(|prefix| !prefix.is_empty()),
            page: self.page,
            strings: self.strings,
            language: self.language,
        }
    }

    fn text(&self) -> Cow<'a, str> {
        if let Whole::Text(text) = self.whole {
            return Cow::Borrowed(text);
        }
        let mut parts = self.parts().filter_map(|part| match part {
            Part::Text(text) => Some(text),
            _ => None,
        });
        let Some(first) = parts.next() else {
            return Cow::Borrowed("");
        };
        let Some(second) = parts.next() else {
            return first;
        };
        // One allocation: pieces are hardly longer than what stands for them, save table references and tokens.
        let mut text = String::with_capacity(
            self.octets
                .len()
                .saturating_add(self.prefix.len())
                .saturating_add(8),
        );
        text.push_str(&first);
        text.push_str(&second);
        parts.for_each(|part| text.push_str(&part));
        Cow::Owned(text)
    }
}

/// The pieces of a value that has been read once without a fault.
struct Parts<'a> {
    cursor: Cursor<'a>,
    prefix: Option<&'static str>,
    page: u8,
    strings: Strings<'a>,
    language: &'static Language,
}

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        if let Some(prefix) = self.prefix.take() {
            return Some(Part::Text(Cow::Borrowed(prefix)));
        }
        while !self.cursor.is_empty() {
            let start = self.cursor;
            let piece = self.strings.piece(&mut self.cursor).ok()?;
            let raw = |parts: &Self| Part::Raw {
                page: parts.page,
                octets: Cow::Borrowed(start.until(&parts.cursor)),
            };
            return Some(match piece {
                Piece::Page(page) => {
                    self.page = page;
                    continue;
                }
                Piece::Text { octets, .. } => Part::Text(self.strings.charset.text(octets)),
                Piece::Letter(letter) => Part::Text(Cow::Owned(letter.into())),
                Piece::Opaque(octets) => Part::Opaque(Cow::Borrowed(octets)),
                Piece::Extension => raw(self),
                Piece::Token(token) => match self.language.value(token) {
                    Some(text) if self.page == 0 => Part::Text(Cow::Borrowed(text)),
                    _ => raw(self),
                },
            });
        }
        None
    }
}

pub(super) const SWITCH_PAGE: u8 = 0x00;
pub(super) const END: u8 = 0x01;
pub(super) const ENTITY: u8 = 0x02;
pub(super) const STR_I: u8 = 0x03;
pub(super) const LITERAL: u8 = 0x04;
pub(super) const PI: u8 = 0x43;
pub(super) const STR_T: u8 = 0x83;
pub(super) const OPAQUE: u8 = 0xC3;

/// What stands next in a value.
pub(super) enum Piece<'a> {
    /// A string: its octets, and their place in the document unless they are of the string table.
    Text {
        octets: &'a [u8],
        at: Option<usize>,
    },
    /// A character by its number.
    Letter(char),
    Opaque(&'a [u8]),
    /// An attribute value token.
    Token(u8),
    /// A token that each document type may give a meaning, and these do not.
    Extension,
    Page(u8),
}

impl<'a> Strings<'a> {
    /// The next piece, its strings not yet looked at.
    pub(super) fn piece(self, cursor: &mut Cursor<'a>) -> Result<Piece<'a>, DecodeError> {
        let at = cursor.offset();
        Ok(match cursor.octet("a piece of a value")? {
            SWITCH_PAGE => Piece::Page(cursor.octet("a code page")?),
            ENTITY => {
                let number = cursor.uintvar_any()?.value;
                let letter = char::from_u32(number).filter(|letter| is_letter(*letter));
                let expected = "the number of a character that XML allows";
                Piece::Letter(letter.ok_or_else(|| cursor.fault_at(at, Class::BadValue, expected))?)
            }
            STR_I => {
                let at = cursor.offset();
                Piece::Text {
                    octets: self.string(cursor)?,
                    at: Some(at),
                }
            }
            STR_T => Piece::Text {
                octets: self.entry(cursor)?,
                at: None,
            },
            OPAQUE => {
                let at = cursor.offset();
                let count = cursor.uintvar_any()?.value;
                let mut inside = cursor.container(count, at, "as many octets")?;
                Piece::Opaque(inside.rest())
            }
            0x40..=0x42 => {
                self.string(cursor)?;
                Piece::Extension
            }
            0x80..=0x82 => {
                cursor.uintvar_any()?;
                Piece::Extension
            }
            0xC0..=0xC2 => Piece::Extension,
            token @ 0x85.. if token != 0xC4 => Piece::Token(token),
            _ => return Err(cursor.fault_at(at, Class::BadValue, "a piece of a value")),
        })
    }

    /// A string that stands here, without its end.
    fn string(self, cursor: &mut Cursor<'a>) -> Result<&'a [u8], DecodeError> {
        let expected = "the end of a string";
        let count = self
            .charset
            .end(cursor.clone().rest())
            .ok_or_else(|| cursor.fault_at(cursor.offset(), Class::TextUnterminated, expected))?;
        let octets = cursor.take(count, Class::TextUnterminated, expected)?;
        cursor.take(self.charset.width(), Class::TextUnterminated, expected)?;
        Ok(octets)
    }

    /// A string of the table by its offset, which stands here.
    pub(super) fn entry(self, cursor: &mut Cursor<'a>) -> Result<&'a [u8], DecodeError> {
        let at = cursor.offset();
        let index = cursor.uintvar_any()?.value;
        self.at(index).ok_or_else(|| {
            cursor.fault_at(at, Class::BadLength, "the offset of a string in the table")
        })
    }

    /// The string of the table at that offset.
    pub(super) fn at(self, index: u32) -> Option<&'a [u8]> {
        let rest = self.table.get(usize::try_from(index).ok()?..)?;
        rest.get(..self.charset.end(rest)?)
    }
}
