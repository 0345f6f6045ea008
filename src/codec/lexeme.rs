//! What the parsers of text formats share: classes of octets, runs of them, and the small error that nom carries.
//!
//! Source: RFC 3261 section 25.1 (the classes). One table of 256 entries answers for every class, so a run costs one
//! load and one test an octet.

use nom::IResult;
use nom::error::{ErrorKind, ParseError};

use super::{Class, DecodeError};

pub(crate) mod eight;
pub(crate) mod uuid;

/// What a parser leaves and what it found.
pub(crate) type Step<'a, O> = IResult<&'a [u8], O, Fault>;

/// Where a parser stopped, as octets left before the end, and what should have stood there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Octets from the fault to the end of the input.
    pub(crate) left: usize,
    /// A noun phrase.
    pub(crate) expected: &'static str,
}

impl Fault {
    /// The fault at the start of `rest`, as nom wants it.
    #[cold]
    #[inline(never)]
    pub(crate) fn at(rest: &[u8], expected: &'static str) -> nom::Err<Self> {
        nom::Err::Failure(Self {
            left: rest.len(),
            expected,
        })
    }

    /// The error for an input of `len` octets.
    pub(crate) const fn within(self, len: usize, format: &'static str) -> DecodeError {
        DecodeError {
            format,
            offset: len.saturating_sub(self.left),
            class: if self.left == 0 {
                Class::Truncated
            } else {
                Class::BadValue
            },
            expected: self.expected,
        }
    }
}

impl ParseError<&[u8]> for Fault {
    fn from_error_kind(input: &[u8], _: ErrorKind) -> Self {
        Self {
            left: input.len(),
            expected: "text of the grammar",
        }
    }

    fn append(_: &[u8], _: ErrorKind, other: Self) -> Self {
        other
    }
}

/// The fault inside nom's wrapping; `Incomplete` does not occur with complete parsers.
#[expect(clippy::needless_pass_by_value, reason = "made to stand in map_err")]
pub(crate) fn fault_of(error: nom::Err<Fault>) -> Fault {
    match error {
        nom::Err::Error(fault) | nom::Err::Failure(fault) => fault,
        nom::Err::Incomplete(_) => Fault {
            left: 0,
            expected: "more octets",
        },
    }
}

/// RFC 3261 `token`.
pub(crate) const TOKEN: u16 = 1;
/// What stands unescaped in the user part of a URI or, colon apart, in a password.
pub(crate) const USER: u16 = 1 << 1;
/// Letters, digits, dot, hyphen and the underscore of the field's host names.
pub(crate) const HOST: u16 = 1 << 2;
/// What stands unescaped in a URI parameter.
pub(crate) const URI_PARAM: u16 = 1 << 3;
/// What stands unescaped in the headers of a URI.
pub(crate) const URI_HEADER: u16 = 1 << 4;
/// An unquoted value of a header parameter: token or host, IPv6 literals included.
pub(crate) const VALUE: u16 = 1 << 5;
/// RFC 3261 `word`, and the `@` of a Call-ID.
pub(crate) const WORD: u16 = 1 << 6;
/// Decimal digits.
pub(crate) const DIGIT: u16 = 1 << 7;
/// Hexadecimal digits.
pub(crate) const HEX: u16 = 1 << 8;
/// Space, tab, and CR and LF: the latter two only stand in folds once a message is framed.
pub(crate) const BLANK: u16 = 1 << 9;
/// After the first letter of a URI scheme.
pub(crate) const SCHEME: u16 = 1 << 10;
/// Printable ASCII without space, quotes and angle brackets: any URI.
pub(crate) const VISIBLE: u16 = 1 << 11;
/// An IPv6 address as text.
pub(crate) const IPV6: u16 = 1 << 12;
/// Letters, digits and the marks `-_.!~*'()`.
pub(crate) const UNRESERVED: u16 = 1 << 13;
/// Letters.
pub(crate) const ALPHA: u16 = 1 << 14;

/// True when `octet` is in one of the classes.
#[expect(
    clippy::indexing_slicing,
    reason = "an octet cannot exceed a table of 256 entries"
)]
#[inline]
pub(crate) const fn is(octet: u8, classes: u16) -> bool {
    CLASSES[octet as usize] & classes != 0
}

/// A part of a text as offsets; half the size of a slice, and what holds several of them is moved often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    at: u16,
    /// 0 when there is no such part: a part never ends where the text begins.
    end: u16,
}

impl Part {
    /// No part.
    pub(crate) const NONE: Self = Self { at: 0, end: 0 };

    /// The part from the start of the suffix `from` to the start of the suffix `to` of a text of at most 65,535 octets.
    #[inline]
    pub(crate) const fn between(text: &[u8], from: &[u8], to: &[u8]) -> Self {
        Self {
            at: short(text.len().wrapping_sub(from.len())),
            end: short(text.len().wrapping_sub(to.len())),
        }
    }

    /// The part that `slice`, a slice of the text, is.
    #[inline]
    pub(crate) fn of(text: &[u8], slice: &[u8]) -> Self {
        let at = slice.as_ptr().addr().wrapping_sub(text.as_ptr().addr());
        Self {
            at: short(at),
            end: short(at.wrapping_add(slice.len())),
        }
    }

    /// True when there is no such part.
    #[inline]
    pub(crate) const fn is_none(self) -> bool {
        self.end == 0
    }

    /// The octets.
    #[inline]
    pub(crate) fn octets(self, text: &[u8]) -> Option<&[u8]> {
        if self.is_none() {
            return None;
        }
        text.get(usize::from(self.at)..usize::from(self.end))
    }

    /// The octets as text; a parser has found them to be ASCII.
    #[inline]
    pub(crate) fn text(self, text: &[u8]) -> Option<&str> {
        self.octets(text).map(ascii)
    }
}

/// Octets of which several parts are wanted as text: it is looked at once whether they are.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a> {
    octets: &'a [u8],
    text: Option<&'a str>,
}

impl<'a> Text<'a> {
    #[inline]
    pub(crate) fn new(octets: &'a [u8]) -> Self {
        Self {
            octets,
            text: core::str::from_utf8(octets).ok(),
        }
    }

    /// Octets of which perhaps no part is wanted: they are looked at part by part.
    #[inline]
    pub(crate) const fn unread(octets: &'a [u8]) -> Self {
        Self { octets, text: None }
    }

    /// The octets.
    #[inline]
    pub(crate) const fn octets(self) -> &'a [u8] {
        self.octets
    }

    /// All of it, which a parser has found to be ASCII.
    #[inline]
    pub(crate) fn whole(self) -> &'a str {
        self.text.unwrap_or_else(|| ascii(self.octets))
    }

    /// A part, which a parser has found to be ASCII whatever else is in the octets.
    #[inline]
    pub(crate) fn part(self, part: Part) -> Option<&'a str> {
        if part.is_none() {
            return None;
        }
        match self.text {
            Some(text) => text.get(usize::from(part.at)..usize::from(part.end)),
            None => part.text(self.octets),
        }
    }
}

/// An offset in a text that is known to have at most 65,535 octets.
#[expect(
    clippy::cast_possible_truncation,
    reason = "texts are cut or refused at 65,535 octets before any offset is taken"
)]
#[inline]
pub(crate) const fn short(offset: usize) -> u16 {
    offset as u16
}

/// What follows the run of octets of these classes at the start.
#[inline]
pub(crate) fn skip(input: &[u8], classes: u16) -> &[u8] {
    let mut rest = input;
    // Eight at a time: the loop's own steps weigh as much as the look-ups.
    while let Some((eight, after)) = rest.split_first_chunk::<8>() {
        if let Some(len) = eight.iter().position(|&octet| !is(octet, classes)) {
            return rest.get(len..).unwrap_or_default();
        }
        rest = after;
    }
    while let [first, after @ ..] = rest {
        if !is(*first, classes) {
            break;
        }
        rest = after;
    }
    rest
}

/// What follows the blanks at the start; mostly there are none.
#[inline(always)]
pub(crate) fn skip_blanks(input: &[u8]) -> &[u8] {
    match input {
        [b'\t'..=b' ', ..] => skip(input, BLANK),
        _ => input,
    }
}

/// The part of `input` that precedes its suffix `rest`.
#[inline]
pub(crate) fn before<'a>(input: &'a [u8], rest: &[u8]) -> &'a [u8] {
    input
        .get(..input.len().saturating_sub(rest.len()))
        .unwrap_or_default()
}

/// Without blanks at either end.
#[inline]
pub(crate) fn trim(input: &[u8]) -> &[u8] {
    let mut rest = skip(input, BLANK);
    while let [head @ .., last] = rest {
        if !is(*last, BLANK) {
            break;
        }
        rest = head;
    }
    rest
}

/// Text of octets that a parser has found to be ASCII.
#[inline]
pub(crate) fn ascii(octets: &[u8]) -> &str {
    core::str::from_utf8(octets).unwrap_or_default()
}

/// Digits as a number; `None` when empty, not digits, or above `u32`.
#[inline]
pub(crate) fn number(digits: &[u8]) -> Option<u32> {
    let mut sum = 0_u64;
    for &digit in digits {
        let value = digit.wrapping_sub(b'0');
        if value > 9 {
            return None;
        }
        sum = sum.wrapping_mul(10).wrapping_add(u64::from(value));
    }
    match digits.len() {
        0 => None,
        1..=19 => u32::try_from(sum).ok(),
        _ => long_number(digits),
    }
}

/// As [`number`], for more digits than 64 bits surely hold.
#[cold]
fn long_number(digits: &[u8]) -> Option<u32> {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    match digits.get(zeros..) {
        Some(rest) if rest.len() < digits.len() => match rest {
            [] => Some(0),
            rest => number(rest),
        },
        _ => None,
    }
}

/// The value of one hexadecimal digit.
pub(crate) const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(digit.wrapping_sub(b'a').wrapping_add(10)),
        b'A'..=b'F' => Some(digit.wrapping_sub(b'A').wrapping_add(10)),
        _ => None,
    }
}

const CLASSES: [u16; 256] = classes();

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "runs at compile time, below 256"
)]
const fn classes() -> [u16; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        table[at] = classes_of(at as u8);
        at += 1;
    }
    table
}

const fn classes_of(octet: u8) -> u16 {
    let mut of = 0;
    if octet.is_ascii_alphabetic() {
        of |= ALPHA;
    }
    if octet.is_ascii_alphanumeric() {
        of |= TOKEN | USER | HOST | URI_PARAM | URI_HEADER | VALUE | WORD | SCHEME | UNRESERVED;
    }
    if octet.is_ascii_digit() {
        of |= DIGIT;
    }
    if octet.is_ascii_hexdigit() {
        of |= HEX | IPV6;
    }
    if octet.is_ascii_graphic() && !matches!(octet, b'<' | b'>' | b'"') {
        of |= VISIBLE;
    }
    of | match octet {
        b' ' | b'\t' | b'\r' | b'\n' => BLANK,
        b'-' | b'.' => {
            TOKEN | USER | HOST | URI_PARAM | URI_HEADER | VALUE | WORD | SCHEME | UNRESERVED
        }
        b'_' => TOKEN | USER | HOST | URI_PARAM | URI_HEADER | VALUE | WORD | UNRESERVED,
        b'!' | b'~' | b'*' | b'\'' => {
            TOKEN | USER | URI_PARAM | URI_HEADER | VALUE | WORD | UNRESERVED
        }
        b'(' | b')' => USER | URI_PARAM | URI_HEADER | WORD | UNRESERVED,
        b'%' | b'`' => TOKEN | VALUE | WORD,
        b'+' => TOKEN | USER | URI_PARAM | URI_HEADER | VALUE | WORD | SCHEME,
        b'&' => USER | URI_PARAM | URI_HEADER,
        b'$' => USER | URI_PARAM | URI_HEADER,
        b'=' => USER | URI_HEADER,
        b',' | b';' => USER,
        b'/' => USER | URI_PARAM | URI_HEADER | WORD,
        b'?' => USER | URI_HEADER | WORD,
        b'[' | b']' => URI_PARAM | URI_HEADER | VALUE | WORD,
        b':' => URI_PARAM | URI_HEADER | VALUE | WORD | IPV6,
        b'<' | b'>' | b'"' | b'\\' | b'{' | b'}' | b'@' => WORD,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_what_the_grammar_says() {
        let token: Vec<u8> = (0..=255).filter(|&octet| is(octet, TOKEN)).collect();
        let marks: Vec<u8> = token
            .into_iter()
            .filter(|octet| !octet.is_ascii_alphanumeric())
            .collect();
        assert_eq!(marks, b"!%'*+-._`~");
    }

    #[test]
    fn a_run_ends_at_the_same_octet_wherever_it_lies() {
        for classes in [
            TOKEN, USER, HOST, URI_PARAM, VALUE, WORD, SCHEME, DIGIT, VISIBLE, BLANK,
        ] {
            let inside = if classes == BLANK { b' ' } else { b'7' };
            for octet in 0..=255 {
                for (len, at) in (1..20).flat_map(|len| (0..len).map(move |at| (len, at))) {
                    let mut text = vec![inside; len];
                    text[at] = octet;
                    let end = if is(octet, classes) { len } else { at };
                    let rest = skip(&text, classes);
                    assert_eq!(len - rest.len(), end, "{octet} at {at} of {len}");
                    assert!(core::ptr::eq(rest, &text[end..]));
                }
            }
        }
    }

    #[test]
    fn numbers_stop_at_32_bits() {
        assert_eq!(number(b"0004294967295"), Some(u32::MAX));
        assert_eq!(number(b"4294967296"), None);
        assert_eq!(number(b"000000000000000000000007"), Some(7));
        assert_eq!(number(b"00000000000000000000"), Some(0));
        assert_eq!(number(b"18446744073709551617"), None);
        assert_eq!(number(b"-1"), None);
        assert_eq!(number(b""), None);
    }

    #[test]
    fn trimming_takes_blanks_and_folds() {
        assert_eq!(trim(b" \r\n a b\t "), b"a b");
        assert_eq!(trim(b" \t"), b"");
    }
}
