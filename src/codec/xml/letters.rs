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

/// Whether a text is nothing but white space.
pub(in crate::codec) fn is_blank_text(text: &str) -> bool {
    // Indentation is mostly spaces, which are seen eight at a time.
    let (words, rest) = text.as_bytes().as_chunks();
    let all_blank = |octets: &[u8]| octets.iter().all(|octet| is_blank(*octet));
    words
        .iter()
        .all(|word| *word == [b' '; 8] || all_blank(word))
        && all_blank(rest)
}

/// What most names are made of: ASCII letters and hyphens.
const USUAL: u8 = 1;
/// What stands in the value of an attribute for itself.
const ITSELF: u8 = 2;

/// By octet, which of these it is.
const KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut rest: &mut [u8] = &mut kinds;
    let mut octet = 0_u8;
    while let [slot, others @ ..] = rest {
        if octet.is_ascii_alphabetic() || octet == b'-' {
            *slot |= USUAL;
        }
        if !matches!(octet, b'"' | b'\'' | b'<' | b'&' | b'\t' | b'\n' | b'\r') {
            *slot |= ITSELF;
        }
        octet = octet.wrapping_add(1);
        rest = others;
    }
    kinds
};

/// Octets of that kind at the front.
fn run(octets: &[u8], kind: u8) -> usize {
    let is_other = |octet: &u8| {
        let kinds = KINDS.get(usize::from(*octet));
        kinds.is_none_or(|kinds| kinds & kind == 0)
    };
    octets.iter().position(is_other).unwrap_or(octets.len())
}

/// Octets of the usual name that begins a text: ASCII letters with hyphens behind the first. None when it begins otherwise.
pub(super) fn usual_name(text: &str) -> usize {
    if text.starts_with('-') {
        return 0;
    }
    run(text.as_bytes(), USUAL)
}

/// Octets at the front that stand in a value for themselves: no quote, no markup, no white space but spaces.
pub(super) fn itself(octets: &[u8]) -> usize {
    run(octets, ITSELF)
}

/// A name that may stand in a tag.
pub(in crate::codec) fn is_name(text: &str) -> bool {
    if usual_name(text) == text.len() {
        return !text.is_empty();
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
