//! A value of a header field or parameter, as its first octet delimits it.
//!
//! **Source:** WAP-230 sections 8.4.1.2 (delimiting) and 8.4.2.1 to 8.4.2.3 (basic values).

use core::fmt::{self, Write as _};

use super::rigour::Rigour;
use crate::codec::cursor::{Cursor, put_text_string, put_uintvar, put_value_length};
use crate::codec::lexeme::eight;
use crate::codec::{Class, DecodeError};
use crate::time::Time;

/// A value: what its first octet makes of it, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a> {
    /// Octets before it.
    pub at: usize,
    /// All its octets, with length, quote and end.
    pub octets: &'a [u8],
    /// What it holds.
    pub form: Form<'a>,
}

/// The three ways to delimit a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form<'a> {
    /// One octet 80 to FF: a Short-integer of 0 to 127.
    Short(u8),
    /// Text without its quote octet and final 00.
    Text(&'a [u8]),
    /// Octets behind a length: a Long-integer or what the field says.
    Octets(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The next value of `cursor`.
    ///
    /// # Errors
    /// Truncated, a length past the end, text without end.
    pub fn read(cursor: &mut Cursor<'a>, rigour: &mut Rigour) -> Result<Self, DecodeError> {
        let start = *cursor;
        let at = cursor.offset();
        let form = match cursor.peek() {
            None => return Err(cursor.fault_at(at, Class::Truncated, "a value")),
            Some(short @ 0x80..) => {
                cursor.octet("a value")?;
                Form::Short(short & 0x7F)
            }
            Some(0x20..=0x7F) => Form::Text(text(cursor, rigour)?),
            Some(count) => {
                cursor.octet("a value")?;
                let count = match count {
                    31 => rigour.uintvar(cursor)?,
                    short => u32::from(short),
                };
                let expected = "a value of that length";
                Form::Octets(cursor.container(count, at, expected)?.rest())
            }
        };
        Ok(Self {
            at,
            octets: start.until(cursor),
            form,
        })
    }

    /// The number of an Integer-value of at most 64 bits; `None` for anything else.
    #[must_use]
    pub fn integer(&self) -> Option<u64> {
        match self.form {
            Form::Short(number) => Some(u64::from(number)),
            Form::Octets(octets) => long(octets),
            Form::Text(_) => None,
        }
    }

    /// The instant of a Date-value.
    #[must_use]
    pub fn date(&self) -> Option<Time> {
        match self.form {
            Form::Octets(octets) => long(octets).filter(|secs| *secs <= DATE_MAX),
            _ => None,
        }
        .map(Time::from_secs)
    }

    /// The text of a Text-string.
    #[must_use]
    pub const fn text(&self) -> Option<&'a [u8]> {
        match self.form {
            Form::Text(text) => Some(text),
            // The empty text is a 00 alone, which a length of 0 looks like.
            Form::Octets([]) => Some(&[]),
            _ => None,
        }
    }

    /// A cursor over the octets behind the length.
    #[must_use]
    pub fn inside(&self) -> Option<Cursor<'a>> {
        match self.form {
            Form::Octets(octets) => {
                let head = self.octets.len().saturating_sub(octets.len());
                Some(Cursor::within("wsp", octets, self.at.saturating_add(head)))
            }
            _ => None,
        }
    }
}

/// The last second of the year 9999, beyond which a date has no text.
const DATE_MAX: u64 = 253_402_300_799;

/// A text up to its 00; shipped senders end the last one with the container.
fn text<'a>(cursor: &mut Cursor<'a>, rigour: &mut Rigour) -> Result<&'a [u8], DecodeError> {
    let at = cursor.offset();
    match cursor.text_string() {
        Err(fault) if fault.class == Class::TextUnterminated => {
            rigour.deviate(cursor, at, fault.class, fault.expected)?;
            Ok(unquoted(cursor.rest()))
        }
        other => other,
    }
}

/// A text without the quote octet in front of a character above 7F.
#[must_use]
pub(super) fn unquoted(text: &[u8]) -> &[u8] {
    match text {
        [0x7F, quoted @ ..] if quoted.first().is_some_and(|octet| *octet >= 0x80) => quoted,
        plain => plain,
    }
}

/// A Long-integer's number, when it has an octet and fits 64 bits.
fn long(octets: &[u8]) -> Option<u64> {
    if octets.is_empty() || octets.len() > 30 {
        return None;
    }
    octets.iter().try_fold(0_u64, |sum, octet| {
        sum.checked_mul(256)?.checked_add(u64::from(*octet))
    })
}

/// A Version-value's Short-integer in words: `1.4`, or `2` without a minor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(pub u8);

impl Version {
    /// The major number, 1 to 7 by the letter.
    #[must_use]
    pub const fn major(self) -> u8 {
        self.0 >> 4 & 0x07
    }

    /// The minor number, 0 to 14.
    #[must_use]
    pub const fn minor(self) -> Option<u8> {
        match self.0 & 0x0F {
            15 => None,
            minor => Some(minor),
        }
    }

    /// The Short-integer of `major` or `major.minor`.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        let (major, minor) = match text.split_once('.') {
            Some((major, minor)) => (major, minor.parse::<u8>().ok().filter(|minor| *minor < 15)?),
            None => (text, 15),
        };
        let major = major
            .parse::<u8>()
            .ok()
            .filter(|major| (1..=7).contains(major))?;
        let version = Self(major << 4 | minor);
        (version.to_string() == text).then_some(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.minor() {
            Some(minor) => write!(f, "{}.{minor}", self.major()),
            None => write!(f, "{}", self.major()),
        }
    }
}

/// A Q-value in words: `0.7` from 71, `0.333` from 433.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quality(pub u32);

impl Quality {
    /// The highest Q-value: 0.999.
    pub const MAX: u32 = 1_099;

    /// Thousandths.
    #[must_use]
    pub const fn thousandths(self) -> Option<u32> {
        match self.0 {
            1..=100 => Some(self.0.saturating_sub(1).saturating_mul(10)),
            101..=Self::MAX => Some(self.0.saturating_sub(100)),
            _ => None,
        }
    }

    /// The Q-value of `0.7` or `0.333`; `None` for 1, which is never sent, and anything else.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        let Some(digits) = text.strip_prefix("0.") else {
            return (text == "0").then_some(Self(1));
        };
        let is_number =
            (1..=3).contains(&digits.len()) && digits.bytes().all(|d| d.is_ascii_digit());
        let scale = 10_u32.checked_pow(u32::try_from(3_usize.checked_sub(digits.len())?).ok()?)?;
        let thousandths = digits
            .parse::<u32>()
            .ok()
            .filter(|_| is_number)?
            .checked_mul(scale)?;
        Some(Self(if thousandths.is_multiple_of(10) {
            thousandths.checked_div(10)?.checked_add(1)?
        } else {
            thousandths.checked_add(100)?
        }))
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thousandths = self.thousandths().unwrap_or(0);
        if thousandths == 0 {
            return f.write_char('0');
        }
        let text = format!("{thousandths:03}");
        write!(f, "0.{}", text.trim_end_matches('0'))
    }
}

/// Appends an Integer-value of 64 bits in its shortest form.
pub(super) fn put_integer(out: &mut Vec<u8>, number: u64) {
    match u8::try_from(number) {
        Ok(short @ 0..=0x7F) => out.push(0x80 | short),
        _ => put_long(out, number),
    }
}

/// Appends a Long-integer in its shortest form.
pub(super) fn put_long(out: &mut Vec<u8>, number: u64) {
    let octets = number.to_be_bytes();
    let zeros = octets
        .iter()
        .take(7)
        .take_while(|octet| **octet == 0)
        .count();
    let significant = octets.get(zeros..).unwrap_or_default();
    out.push(u8::try_from(significant.len()).unwrap_or(8));
    out.extend_from_slice(significant);
}

/// Appends octets behind their Value-length.
pub(super) fn put_octets(out: &mut Vec<u8>, octets: &[u8]) {
    put_value_length(out, u32::try_from(octets.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(octets);
}

/// Appends a Quoted-string.
pub(super) fn put_quoted(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    out.extend(text.iter().filter(|octet| **octet != 0));
    out.push(0);
}

/// Appends a Text-value: nothing, a token, or else a Quoted-string.
pub(super) fn put_text_value(out: &mut Vec<u8>, text: &[u8]) {
    if text.is_empty() {
        out.push(0);
    } else if is_token(text) {
        put_text_string(out, text);
    } else {
        put_quoted(out, text);
    }
}

/// Appends a Q-value.
pub(super) fn put_quality(out: &mut Vec<u8>, quality: Quality) {
    put_uintvar(out, quality.0);
}

/// Whether the octets are a token of RFC 2616.
#[must_use]
pub(super) fn is_token(octets: &[u8]) -> bool {
    // Names are in letters, digits and hyphens, which are told eight at a time.
    eight::are_plain(octets)
        || !octets.is_empty()
            && octets
                .iter()
                .all(|octet| TOKEN.get(usize::from(*octet)).is_some_and(|is| *is))
}

/// Which octets a token may have: visible ones that do not separate.
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut octet = b'!';
    while octet <= b'~' {
        #[expect(
            clippy::indexing_slicing,
            reason = "an octet cannot exceed a table of 256 entries"
        )]
        {
            table[octet as usize] = !matches!(
                octet,
                b'(' | b')'
                    | b'<'
                    | b'>'
                    | b'@'
                    | b','
                    | b';'
                    | b':'
                    | b'\\'
                    | b'"'
                    | b'/'
                    | b'['
                    | b']'
                    | b'?'
                    | b'='
                    | b'{'
                    | b'}'
            );
        }
        octet = octet.wrapping_add(1);
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quality_reads_back_as_written() {
        for (number, text) in [
            (1, "0"),
            (71, "0.7"),
            (100, "0.99"),
            (433, "0.333"),
            (11, "0.1"),
        ] {
            assert_eq!(Quality(number).to_string(), text);
            assert_eq!(Quality::of_text(text).unwrap().0, number);
        }
        assert!(Quality::of_text("1").is_none());
        assert!(Quality::of_text("0.+1").is_none());
        assert!(Quality(1_100).thousandths().is_none());
    }

    #[test]
    fn a_version_reads_back_as_written() {
        for (octet, text) in [(0x14, "1.4"), (0x7E, "7.14"), (0x2F, "2")] {
            assert_eq!(Version(octet).to_string(), text);
            assert_eq!(Version::of_text(text).unwrap().0, octet);
        }
        for text in ["0.1", "8", "1.15", "1.04", "+1.2"] {
            assert!(Version::of_text(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_value_is_delimited_by_its_first_octet() {
        let octets = [0x83, 0x02, 1, 2, b'a', 0, 0x1F, 1, 9, 0x00];
        let mut cursor = Cursor::new("wsp", &octets);
        let mut next = || Value::read(&mut cursor, &mut Rigour::Strict).unwrap();
        assert_eq!(next().form, Form::Short(3));
        assert_eq!(next().integer(), Some(0x0102));
        assert_eq!(next().text(), Some(&b"a"[..]));
        let quoted = next();
        assert_eq!((quoted.form, quoted.at), (Form::Octets(&[9]), 6));
        assert_eq!(quoted.inside().unwrap().offset(), 8);
        assert_eq!(next().text(), Some(&b""[..]));
    }
}
