//! The elements of a list header: what commas cut, outside quotes, angle brackets and comments.
//!
//! **Source:** RFC 3261 sections 7.3.1 and 25.1.

use memchr::{memchr, memchr3};

use crate::codec::lexeme::trim;

/// The elements of one row of a list header.
pub(in crate::codec::sip) struct Elements<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Elements<'a> {
    pub(in crate::codec::sip) const fn new(value: &'a [u8]) -> Self {
        Self { rest: Some(value) }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.rest?;
        let end = comma(text);
        self.rest = end.and_then(|end| text.get(end.saturating_add(1)..));
        Some(trim(text.get(..end.unwrap_or(text.len())).unwrap_or(text)))
    }
}

/// The first comma outside quotes, angle brackets and comments.
fn comma(text: &[u8]) -> Option<usize> {
    // Most rows have one element, and most elements nothing that could hide a comma.
    let first = memchr(b',', text)?;
    let before = text.get(..first).unwrap_or_default();
    if memchr3(b'"', b'<', b'(', before).is_none() {
        return Some(first);
    }
    let (mut is_quoted, mut is_bracketed, mut depth) = (false, false, 0_usize);
    let mut octets = text.iter().enumerate();
    while let Some((at, octet)) = octets.next() {
        match octet {
            b'\\' if is_quoted || depth > 0 => {
                octets.next();
            }
            b'"' if depth == 0 && !is_bracketed => is_quoted = !is_quoted,
            _ if is_quoted => {}
            b'<' if depth == 0 => is_bracketed = true,
            b'>' if depth == 0 => is_bracketed = false,
            _ if is_bracketed => {}
            b'(' => depth = depth.saturating_add(1),
            b')' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => return Some(at),
            _ => {}
        }
    }
    None
}
