//! The letters of XML: what may stand in a document, in a name, and what is white space.
//!
//! **Source:** XML 1.0 sections 2.2 (characters), 2.3 (white space, names) and 2.11 (line ends). Names are taken in the
//! letters and digits that Unicode calls so, which the ranges of section 2.3 mostly are.

use std::borrow::Cow;

/// A character that may stand in a document.
pub(in crate::codec) const fn is_letter(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// ASCII that may stand in a document.
pub(super) const fn is_plain(octet: u8) -> bool {
    matches!(octet, b'\t' | b'\n' | b'\r' | b' '..=0x7f)
}

/// White space.
pub(in crate::codec) const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

/// A name that may stand in a tag.
pub(in crate::codec) fn is_name(text: &str) -> bool {
    // Most names are words with hyphens.
    let plain = |octet: u8| octet.is_ascii_alphabetic() || octet == b'-';
    if text.bytes().all(plain) {
        return !text.is_empty() && !text.starts_with('-');
    }
    let mut letters = text.chars();
    let starts = letters
        .next()
        .is_some_and(|c| c.is_alphabetic() || matches!(c, '_' | ':'));
    starts && letters.all(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '-' | '.' | '\u{b7}'))
}

/// Line ends as one LF each.
pub(super) fn line_ends(text: &str) -> Cow<'_, str> {
    if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n").into()
    } else {
        text.into()
    }
}
