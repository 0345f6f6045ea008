//! Names and values as a document says them: borrowed from its octets as long as they are one piece.
//!
//! **Source:** WAP-192 section 5.8.4 (global tokens).

use core::fmt;
use std::borrow::Cow;

use super::language::Language;
use super::piece::{Piece, Strings};
use super::stamp::Stamp;
use crate::codec::cursor::Cursor;

/// The name of an element or an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name<'a> {
    /// One of the document type.
    Known(&'static str),
    /// Another, in words.
    Other(&'a str),
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
    /// Text.
    Text(Cow<'a, str>),
    /// An instant, in an opaque value of an attribute that holds one.
    Moment(Stamp),
    /// Octets that are no text, and their place in the document.
    Opaque(&'a [u8], usize),
    /// Pieces that are not all text.
    Mixed(Box<Mixed<'a>>),
}

/// A value in WBXML: the beginning that its start token says, and pieces. They have been read once without a fault.
#[derive(Clone, Copy, Debug)]
pub struct Mixed<'a> {
    pub(super) prefix: &'static str,
    pub(super) octets: &'a [u8],
    /// The code page before the first piece; of no meaning in text.
    pub(super) page: u8,
    pub(super) strings: Strings<'a>,
    pub(super) language: &'static Language,
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
    /// The text of it, without what is none.
    #[must_use]
    pub fn text(self) -> Cow<'a, str> {
        match self {
            Self::Text(text) => text,
            Self::Moment(stamp) => stamp.to_string().into(),
            Self::Opaque(..) => Cow::Borrowed(""),
            Self::Mixed(mixed) => mixed.text().into(),
        }
    }

    /// The instant it says.
    #[must_use]
    pub fn instant(&self) -> Option<Stamp> {
        match self {
            Self::Text(text) => text.parse().ok(),
            Self::Moment(stamp) => Some(*stamp),
            Self::Opaque(octets, _) => Stamp::of_octets(octets).ok(),
            Self::Mixed(mixed) => mixed.text().parse().ok(),
        }
    }

    /// The pieces in order, those of text as one where they touch.
    pub(super) fn parts(self) -> Vec<Part<'a>> {
        match self {
            Self::Opaque(octets, _) => vec![Part::Opaque(Cow::Borrowed(octets))],
            Self::Mixed(mixed) => merged(mixed.parts()),
            text => merged(core::iter::once(Part::Text(text.text()))),
        }
    }

    /// Whether all of it is text.
    pub(super) const fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }
}

impl<'a> Mixed<'a> {
    fn text(self) -> String {
        let texts = self.parts().filter_map(|part| match part {
            Part::Text(text) => Some(text),
            _ => None,
        });
        texts.collect()
    }

    fn parts(self) -> impl Iterator<Item = Part<'a>> {
        let prefix = Some(self.prefix).filter(|prefix| !prefix.is_empty());
        let prefix = prefix.map(|prefix| Part::Text(Cow::Borrowed(prefix)));
        prefix.into_iter().chain(Parts {
            cursor: Cursor::new(self.language.format, self.octets),
            value: self,
        })
    }
}

/// The pieces of a value, behind its prefix.
struct Parts<'a> {
    cursor: Cursor<'a>,
    value: Mixed<'a>,
}

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        while !self.cursor.is_empty() {
            let start = self.cursor;
            let Mixed {
                page,
                strings,
                language,
                ..
            } = self.value;
            let piece = strings.piece(&mut self.cursor).ok()?.piece;
            let raw = |cursor: &Cursor<'a>| Part::Raw {
                page,
                octets: Cow::Borrowed(start.until(cursor)),
            };
            return Some(match piece {
                Piece::Page(page) => {
                    self.value.page = page;
                    continue;
                }
                Piece::Text { octets, .. } => Part::Text(strings.charset.text(octets)),
                Piece::Letter(letter) => Part::Text(Cow::Owned(letter.into())),
                Piece::Opaque(octets) => Part::Opaque(Cow::Borrowed(octets)),
                Piece::Extension => raw(&self.cursor),
                Piece::Token(token) => match language.value(token) {
                    Some(text) if page == 0 => Part::Text(Cow::Borrowed(text)),
                    _ => raw(&self.cursor),
                },
            });
        }
        None
    }
}

/// Parts without empty texts, and with texts that touch made one.
fn merged<'a>(parts: impl Iterator<Item = Part<'a>>) -> Vec<Part<'a>> {
    let mut all: Vec<Part<'a>> = Vec::new();
    for part in parts {
        match (all.last_mut(), part) {
            (_, Part::Text(text)) if text.is_empty() => {}
            (Some(Part::Text(sum)), Part::Text(text)) => append(sum, text),
            (_, part) => all.push(part),
        }
    }
    all
}

/// Puts text behind text, without a copy when there was none.
pub(super) fn append<'a>(sum: &mut Cow<'a, str>, text: Cow<'a, str>) {
    if sum.is_empty() {
        *sum = text;
    } else {
        sum.to_mut().push_str(&text);
    }
}

/// The pieces of a value put together while they are read.
#[derive(Debug)]
pub(super) struct Sum<'a> {
    /// The first text.
    first: &'a str,
    /// It and what came behind it, once there is more; never empty then.
    text: String,
    kind: Kind<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Kind<'a> {
    Text,
    Opaque(&'a [u8], usize),
    Mixed,
}

/// Room made at once for what follows the first two texts of a value; addresses are three or four.
const ROOM: usize = 32;

impl<'a> Sum<'a> {
    /// Nothing yet but what the start token says.
    pub(super) const fn new(prefix: &'static str) -> Self {
        Self {
            first: prefix,
            text: String::new(),
            kind: Kind::Text,
        }
    }

    fn is_empty(&self) -> bool {
        self.first.is_empty() && self.text.is_empty()
    }

    /// A text that can be borrowed follows.
    #[inline]
    pub(super) fn borrow(&mut self, text: &'a str) {
        if self.is_empty() {
            self.first = text;
            self.kind = self.kind.with_text();
        } else {
            self.copy(text);
        }
    }

    /// A text follows.
    pub(super) fn copy(&mut self, text: &str) {
        if self.text.is_empty() {
            let length = self.first.len().saturating_add(text.len());
            self.text = String::with_capacity(length.saturating_add(ROOM));
            self.text.push_str(self.first);
        }
        self.text.push_str(text);
        self.kind = self.kind.with_text();
    }

    /// Octets follow that are no text; their place is `at`.
    pub(super) fn opaque(&mut self, octets: &'a [u8], at: usize) {
        self.kind = match self.kind {
            Kind::Text if self.is_empty() => Kind::Opaque(octets, at),
            _ => Kind::Mixed,
        };
    }

    /// Something follows that is neither.
    pub(super) const fn other(&mut self) {
        self.kind = Kind::Mixed;
    }

    /// The value; `mixed` is it as it stands.
    #[inline]
    pub(super) fn value(self, mixed: impl FnOnce() -> Mixed<'a>) -> Value<'a> {
        match self.kind {
            Kind::Text if self.text.is_empty() => Value::Text(Cow::Borrowed(self.first)),
            Kind::Text => Value::Text(Cow::Owned(self.text)),
            Kind::Opaque(octets, at) => Value::Opaque(octets, at),
            Kind::Mixed => Value::Mixed(Box::new(mixed())),
        }
    }
}

impl Kind<'_> {
    /// The same with a text behind it.
    const fn with_text(self) -> Self {
        match self {
            Self::Text => Self::Text,
            Self::Opaque(..) | Self::Mixed => Self::Mixed,
        }
    }
}
