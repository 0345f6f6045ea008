//! Where each field of a document stands and what it says, for who asks for it; who does not pays nothing.

use core::fmt;

use super::charset::Charset;
use super::language::Language;
use super::piece::Piece;
use crate::codec::Span;

/// What a reading notes beside what it tells.
pub trait Notes {
    /// Whether nothing is noted.
    const SILENT: bool;

    /// An element or attribute begins; what is noted belongs to it.
    fn enter(&mut self, _name: impl fmt::Display) {}

    /// It ends.
    fn leave(&mut self) {}

    /// What stands from octet `place.0` to before `place.1`; without a field it is the element or attribute itself.
    fn note(
        &mut self,
        _place: (usize, usize),
        _field: &'static str,
        _clause: &'static str,
        _says: impl fmt::Display,
    ) {
    }
}

/// Notes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Notes for Silent {
    const SILENT: bool = true;
}

/// Notes everything.
#[derive(Debug, Default)]
pub(super) struct Spans {
    pub(super) noted: Vec<Span>,
    /// The names of the open elements and of the attribute.
    path: Vec<String>,
}

impl Notes for Spans {
    const SILENT: bool = false;

    fn enter(&mut self, name: impl fmt::Display) {
        self.path.push(name.to_string());
    }

    fn leave(&mut self) {
        self.path.pop();
    }

    fn note(
        &mut self,
        (at, end): (usize, usize),
        field: &'static str,
        clause: &'static str,
        says: impl fmt::Display,
    ) {
        let path = match (self.path.is_empty(), field.is_empty()) {
            (true, _) => format!("wbxml.{field}"),
            (false, true) => self.path.join("."),
            (false, false) => format!("{}.{field}", self.path.join(".")),
        };
        self.noted.push(Span {
            at,
            len: end.saturating_sub(at),
            path,
            value: says.to_string(),
            clause,
        });
    }
}

/// A piece in words.
pub(super) struct Told<'r, 'a> {
    pub(super) piece: &'r Piece<'a>,
    pub(super) charset: Charset,
    pub(super) language: &'static Language,
}

impl fmt::Display for Told<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.piece {
            Piece::Text { octets, .. } => Text(octets, self.charset).fmt(f),
            Piece::Letter(letter) => write!(f, "character {}: {letter:?}", u32::from(*letter)),
            Piece::Opaque(octets) => match super::Stamp::of_octets(octets) {
                Ok(stamp) => write!(f, "opaque: {stamp}"),
                Err(_) => write!(f, "opaque, {} octets", octets.len()),
            },
            Piece::Token(token) => match self.language.value(*token) {
                Some(text) => write!(f, "token {token:02X}: {text:?}"),
                None => write!(f, "token {token:02X}"),
            },
            Piece::Extension => f.write_str("an extension token"),
            Piece::Page(page) => write!(f, "SWITCH_PAGE {page}"),
        }
    }
}

/// Octets of a charset as text in quotes, so that its end is seen.
pub(super) struct Text<'a>(pub(super) &'a [u8], pub(super) Charset);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.1.text(self.0), f)
    }
}
