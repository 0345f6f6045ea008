//! The pieces that a value is made of, as they stand in the octets, and the strings among them.
//!
//! **Source:** WAP-192 section 5.8.4 (global tokens).

use std::borrow::Cow;

use super::charset::{self, Charset};
use super::value::Value;
use crate::codec::cursor::Cursor;
use crate::codec::xml::is_letter;
use crate::codec::{Class, DecodeError};

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

/// A piece that was read, and the place of a number in it that is not in its shortest form.
pub(super) struct Taken<'a> {
    pub(super) piece: Piece<'a>,
    pub(super) long_at: Option<usize>,
}

/// Whether the octet begins a piece of a value; in text, what is a value token in an attribute is a tag.
pub(super) const fn is_piece(octet: u8, attribute: bool) -> bool {
    match octet {
        ENTITY | STR_I | 0x40..=0x42 | 0x80..=STR_T | 0xC0..=OPAQUE => true,
        SWITCH_PAGE | 0x85..=0xBF | 0xC5.. => attribute,
        _ => false,
    }
}

/// The string table and the charset of all strings.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Strings<'a> {
    pub(super) table: &'a [u8],
    pub(super) charset: Charset,
}

impl<'a> Strings<'a> {
    /// The next piece, its strings not yet looked at.
    #[inline]
    pub(super) fn piece(self, cursor: &mut Cursor<'a>) -> Result<Taken<'a>, DecodeError> {
        let at = cursor.offset();
        let mut long_at = None;
        let piece = match cursor.octet("a piece of a value")? {
            SWITCH_PAGE => Piece::Page(cursor.octet("a code page")?),
            ENTITY => {
                let number = number(cursor, &mut long_at)?;
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
                octets: self.entry(cursor, &mut long_at)?,
                at: None,
            },
            OPAQUE => {
                let at = cursor.offset();
                let count = number(cursor, &mut long_at)?;
                let mut inside = cursor.container(count, at, "as many octets")?;
                Piece::Opaque(inside.rest())
            }
            0x40..=0x42 => {
                self.string(cursor)?;
                Piece::Extension
            }
            0x80..=0x82 => {
                number(cursor, &mut long_at)?;
                Piece::Extension
            }
            0xC0..=0xC2 => Piece::Extension,
            token @ 0x85.. if token != 0xC4 => Piece::Token(token),
            _ => return Err(cursor.fault_at(at, Class::BadValue, "a piece of a value")),
        };
        Ok(Taken { piece, long_at })
    }

    /// The inline string that is next, token and all, when it is printable ASCII in a charset that has it as one octet a
    /// character. Nearly every string is; else nothing is taken, and the string is to be read as a piece.
    #[inline]
    pub(super) fn plain(self, cursor: &mut Cursor<'a>) -> Option<&'a str> {
        let [STR_I, rest @ ..] = cursor.ahead() else {
            return None;
        };
        let count = charset::plain(rest);
        if self.charset.width() != 1 || rest.get(count) != Some(&0) {
            return None;
        }
        let text = core::str::from_utf8(rest.get(..count)?).ok()?;
        // The token before it and the 00 behind it go too.
        let taken = cursor.take(count.saturating_add(2), Class::TextUnterminated, "a string");
        taken.ok().map(|_| text)
    }

    /// The value that is next when it is but one plain string, or few opaque octets.
    #[inline]
    pub(super) fn alone(self, cursor: &mut Cursor<'a>, attribute: bool) -> Option<Value<'a>> {
        let value = match cursor.ahead() {
            [OPAQUE, count @ ..0x80, rest @ ..] => {
                let octets = rest.get(..usize::from(*count))?;
                let at = cursor.offset().saturating_add(2);
                cursor
                    .take(octets.len().saturating_add(2), Class::BadLength, "")
                    .ok()?;
                Value::Opaque(octets, at)
            }
            _ => Value::Text(Cow::Borrowed(self.plain(cursor)?)),
        };
        let is_whole = cursor
            .peek()
            .is_some_and(|octet| !is_piece(octet, attribute));
        is_whole.then_some(value)
    }

    /// A string that stands here, without its end.
    fn string(self, cursor: &mut Cursor<'a>) -> Result<&'a [u8], DecodeError> {
        let expected = "the end of a string";
        let count = self
            .charset
            .end(cursor.ahead())
            .ok_or_else(|| cursor.fault_at(cursor.offset(), Class::TextUnterminated, expected))?;
        let octets = cursor.take(count, Class::TextUnterminated, expected)?;
        cursor.take(self.charset.width(), Class::TextUnterminated, expected)?;
        Ok(octets)
    }

    /// A string of the table by its offset, which stands here.
    pub(super) fn entry(
        self,
        cursor: &mut Cursor<'a>,
        long_at: &mut Option<usize>,
    ) -> Result<&'a [u8], DecodeError> {
        let at = cursor.offset();
        let index = number(cursor, long_at)?;
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

/// A number; its place too, when it is not in its shortest form.
#[inline]
fn number(cursor: &mut Cursor<'_>, long_at: &mut Option<usize>) -> Result<u32, DecodeError> {
    let at = cursor.offset();
    let number = cursor.uintvar_any()?;
    if !number.minimal {
        *long_at = Some(at);
    }
    Ok(number.value)
}
