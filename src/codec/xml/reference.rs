//! What a reference and the value of an attribute say.
//!
//! **Source:** XML 1.0 sections 3.3.3 (values), 4.1 (references) and 4.6 (the five names). Nothing is ever expanded: any
//! other entity is refused, whether it is declared or not.

use std::borrow::Cow;

use super::letters::is_letter;
use super::malformed;
use crate::codec::{Class, DecodeError};

/// The character of the reference `name`, which stands at `at`.
pub(super) fn character(format: &'static str, name: &str, at: usize) -> Result<char, DecodeError> {
    let digits = match name {
        "amp" => return Ok('&'),
        "lt" => return Ok('<'),
        "gt" => return Ok('>'),
        "quot" => return Ok('"'),
        "apos" => return Ok('\''),
        _ => name.strip_prefix('#').ok_or(DecodeError {
            format,
            offset: at,
            class: Class::XmlForbidden,
            expected: "no entity but the five of XML itself",
        })?,
    };
    let code = match digits.strip_prefix('x') {
        Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16),
        None if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse(),
        _ => return Err(malformed(format, at, "a character reference")),
    };
    code.ok()
        .and_then(char::from_u32)
        .filter(|c| is_letter(*c))
        .ok_or_else(|| malformed(format, at, "a reference to a character that XML allows"))
}

/// The value of an attribute, whose first character stands at `base`: references resolved, white space turned to spaces.
pub(super) fn value<'a>(
    format: &'static str,
    raw: &'a str,
    base: usize,
) -> Result<Cow<'a, str>, DecodeError> {
    let stays = |octet| !matches!(octet, b'<' | b'&' | b'\t' | b'\n' | b'\r');
    if raw.bytes().fold(true, |all, octet| all & stays(octet)) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(next) = rest.chars().next() {
        let at = base.saturating_add(raw.len().saturating_sub(rest.len()));
        let (taken, letter) = match next {
            '<' => return Err(malformed(format, at, "&lt; for < in a value")),
            '&' => {
                let name = rest.get(1..).and_then(|tail| tail.split_once(';'));
                let (name, _) =
                    name.ok_or_else(|| malformed(format, at, "&amp; for & in a value"))?;
                (name.len().saturating_add(2), character(format, name, at)?)
            }
            // One line end is one space, even when it is written with two characters.
            '\r' if rest.starts_with("\r\n") => (2, ' '),
            '\t' | '\n' | '\r' => (1, ' '),
            other => (other.len_utf8(), other),
        };
        value.push(letter);
        rest = rest.get(taken..).unwrap_or_default();
    }
    Ok(value.into())
}
