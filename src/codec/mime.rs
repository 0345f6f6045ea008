//! Media types and multipart bodies.
//!
//! Source: RFC 2045 section 5, RFC 2046 section 5.1. Bare LF ends a line too, as initiators in the field write it.
//! Not here: transfer encodings other than identity.

use std::borrow::Cow;

use memchr::memmem;

use super::{Class, DecodeError};
use crate::limits;

/// A media type with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType<'a> {
    /// `type/subtype` in lower case.
    pub essence: Cow<'a, str>,
    /// Names as written and values without their quotes.
    pub parameters: Vec<(&'a str, Cow<'a, str>)>,
}

/// One part of a multipart body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// Names and values; a folded value keeps its line breaks.
    pub headers: Vec<(&'a str, &'a str)>,
    /// The octets of the part.
    pub body: &'a [u8],
    /// Where the part's body begins in the whole.
    pub at: usize,
}

impl<'a> MediaType<'a> {
    /// Reads `type/subtype; name=value; name="value"`.
    ///
    /// # Errors
    /// When there is no type and subtype, or a parameter without a value.
    pub fn decode(text: &'a str) -> Result<Self, DecodeError> {
        let end = memchr::memchr(b';', text.as_bytes()).unwrap_or(text.len());
        let (essence, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        let essence = lower(trimmed(essence));
        let is_type =
            split_at(&essence, b'/').is_some_and(|(kind, sub)| is_token(kind) && is_token(sub));
        if !is_type {
            return Err(fault(0, "a media type"));
        }
        Ok(Self {
            essence,
            parameters: parameters(rest, end)?,
        })
    }

    /// Whether this is `essence`, which is written in lower case.
    #[must_use]
    pub fn is(&self, essence: &str) -> bool {
        self.essence == essence
    }

    /// The value of a parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_ref())
    }
}

impl<'a> Part<'a> {
    /// A part to be composed.
    #[must_use]
    pub const fn new(headers: Vec<(&'a str, &'a str)>, body: &'a [u8]) -> Self {
        Self {
            headers,
            body,
            at: 0,
        }
    }

    /// The first header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }

    /// The `Content-Type`, or its default.
    #[must_use]
    pub fn content_type(&self) -> &'a str {
        self.header("Content-Type").unwrap_or("text/plain")
    }
}

/// What stands before and behind the first octet of that kind.
fn split_at(text: &str, octet: u8) -> Option<(&str, &str)> {
    let at = memchr::memchr(octet, text.as_bytes())?;
    let (before, behind) = text.split_at_checked(at)?;
    Some((before, behind.get(1..)?))
}

/// The text without white space around it. Mostly there is none, or one space, and the end is ASCII.
fn trimmed(text: &str) -> &str {
    let text = text.strip_prefix(' ').unwrap_or(text);
    match text.as_bytes() {
        [b'!'..=b'~'] | [b'!'..=b'~', .., b'!'..=b'~'] => text,
        _ => text.trim(),
    }
}

/// The text in lower case, which it mostly is already.
fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|octet| octet.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// Parameters that follow a value: `;name=value` with blanks and quotes, and names without a value.
///
/// # Errors
/// A quoted string that does not end, or an empty name.
pub fn parameters(text: &str, base: usize) -> Result<Vec<(&str, Cow<'_, str>)>, DecodeError> {
    let mut out = Vec::new();
    let mut rest = if text.starts_with(';') {
        out.reserve(2);
        text
    } else {
        text.trim_start()
    };
    let at = |rest: &str| base.saturating_add(text.len().saturating_sub(rest.len()));
    while let Some(tail) = rest.strip_prefix(';') {
        let tail = left(tail);
        if tail.is_empty() {
            // A closing semicolon is common and harmless.
            return Ok(out);
        }
        let end = memchr::memchr2(b'=', b';', tail.as_bytes()).unwrap_or(tail.len());
        let (name, after) = tail.split_at_checked(end).unwrap_or((tail, ""));
        let name = trimmed(name);
        if !is_token(name) {
            return Err(fault(at(tail), "the name of a parameter"));
        }
        let Some(value) = after.strip_prefix('=') else {
            out.push((name, Cow::Borrowed("")));
            rest = after;
            continue;
        };
        let value = left(value);
        let (value, after) = if let Some(inner) = value.strip_prefix('"') {
            unquote(inner).ok_or_else(|| fault(at(value), "a closing quote"))?
        } else {
            let end = memchr::memchr(b';', value.as_bytes()).unwrap_or(value.len());
            let (value, after) = value.split_at_checked(end).unwrap_or((value, ""));
            (Cow::Borrowed(trimmed(value)), after)
        };
        out.push((name, value));
        rest = left(after);
    }
    if rest.is_empty() {
        Ok(out)
    } else {
        Err(fault(at(rest), "a semicolon"))
    }
}

/// The text without white space before it.
fn left(text: &str) -> &str {
    let text = text.strip_prefix(' ').unwrap_or(text);
    match text.as_bytes() {
        [] | [b'!'..=b'~', ..] => text,
        _ => text.trim_start(),
    }
}

/// The text up to the closing quote, its pairs undone, and what follows the quote.
fn unquote(inner: &str) -> Option<(Cow<'_, str>, &str)> {
    // Pairs are rare.
    let end = memchr::memchr2(b'"', b'\\', inner.as_bytes())?;
    let (text, rest) = inner.split_at_checked(end)?;
    if let Some(rest) = rest.strip_prefix('"') {
        return Some((Cow::Borrowed(text), rest));
    }
    let mut escaped = false;
    let mut pairs = false;
    for (at, c) in inner.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => {
                escaped = true;
                pairs = true;
            }
            '"' => {
                let (text, rest) = inner.split_at_checked(at)?;
                let text = if pairs {
                    Cow::Owned(without_pairs(text))
                } else {
                    Cow::Borrowed(text)
                };
                return Some((text, rest.strip_prefix('"')?));
            }
            _ => {}
        }
    }
    None
}

fn without_pairs(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    out
}

/// The parts of a multipart body.
///
/// # Errors
/// No boundary, no closing delimiter, a header line without a colon, too many parts.
pub fn parts<'a>(content_type: &str, body: &'a [u8]) -> Result<Vec<Part<'a>>, DecodeError> {
    parts_of(&MediaType::decode(content_type)?, body)
}

/// The same of a content type that was read.
///
/// # Errors
/// As [`parts`].
pub fn parts_of<'a>(media: &MediaType<'_>, body: &'a [u8]) -> Result<Vec<Part<'a>>, DecodeError> {
    let boundary = media
        .parameter("boundary")
        .filter(|boundary| (1..=70).contains(&boundary.len()) && !boundary.ends_with(' '))
        .ok_or_else(|| fault(0, "a boundary of 1 to 70 characters"))?;
    let text = ["--", boundary].concat();
    let delimiter = memmem::Finder::new(text.as_bytes());
    let mut out = Vec::with_capacity(USUAL_PARTS);
    let Some(mut open) = next_delimiter(body, &delimiter, 0) else {
        return Err(fault(0, "the first delimiter"));
    };
    while !open.last {
        let Some(close) = next_delimiter(body, &delimiter, open.end) else {
            return Err(fault(body.len(), "the closing delimiter"));
        };
        if out.len() >= limits::MIME_PARTS {
            return Err(DecodeError {
                class: Class::TooLarge,
                ..fault(open.end, "fewer parts")
            });
        }
        let octets = body.get(open.end..close.start).unwrap_or_default();
        out.push(part(octets, open.end)?);
        open = close;
    }
    Ok(out)
}

/// Writes the parts between delimiters; the caller made sure that no part holds the boundary.
#[must_use]
pub fn compose(boundary: &str, parts: &[Part<'_>]) -> Vec<u8> {
    let bodies: usize = parts.iter().map(|part| part.body.len()).sum();
    let mut out = Vec::with_capacity(bodies.saturating_add(512));
    let mut put = |texts: &[&[u8]]| texts.iter().for_each(|text| out.extend_from_slice(text));
    for part in parts {
        put(&[b"--", boundary.as_bytes(), b"\r\n"]);
        for (name, value) in &part.headers {
            put(&[name.as_bytes(), b": ", value.as_bytes(), b"\r\n"]);
        }
        put(&[b"\r\n", part.body, b"\r\n"]);
    }
    put(&[b"--", boundary.as_bytes(), b"--\r\n"]);
    out
}

/// The first of `prefix`1, `prefix`2 ... that no body holds.
#[must_use]
pub fn boundary(prefix: &str, bodies: &[&[u8]]) -> String {
    (1_u64..)
        .map(|number| format!("{prefix}{number}"))
        .find(|boundary| {
            bodies
                .iter()
                .all(|body| memmem::find(body, boundary.as_bytes()).is_none())
        })
        .unwrap_or_default()
}

/// Room made at once for the parts of a body, and for the headers of a part.
const USUAL_PARTS: usize = 3;

/// A delimiter line: where the line break before it begins, where the line after it begins, whether it is the last.
struct Delimiter {
    start: usize,
    end: usize,
    last: bool,
}

fn next_delimiter(body: &[u8], delimiter: &memmem::Finder<'_>, from: usize) -> Option<Delimiter> {
    let mut search = from;
    loop {
        let found = delimiter.find(body.get(search..)?)?.checked_add(search)?;
        search = found.checked_add(delimiter.needle().len())?;
        let before = body.get(..found)?;
        let at_line_start = before.is_empty() || before.ends_with(b"\n");
        let (last, tail) = match body.get(search..)?.strip_prefix(b"--") {
            Some(tail) => (true, tail),
            None => (false, body.get(search..)?),
        };
        let line_end = memchr::memchr(b'\n', tail);
        let line = tail.get(..line_end.unwrap_or(tail.len()))?;
        let only_blanks = line
            .iter()
            .all(|octet| matches!(octet, b' ' | b'\t' | b'\r'));
        // Only the closing delimiter may end without a line break.
        if at_line_start && only_blanks && (last || line_end.is_some()) {
            let start = match before {
                [head @ .., b'\r', b'\n'] | [head @ .., b'\n'] => head.len().max(from),
                _ => found,
            };
            let end = body
                .len()
                .checked_sub(tail.len())?
                .checked_add(line_end.map_or(tail.len(), |at| at.saturating_add(1)))?;
            return Some(Delimiter { start, end, last });
        }
    }
}

/// Header lines up to an empty one, then the body.
fn part(octets: &[u8], base: usize) -> Result<Part<'_>, DecodeError> {
    let mut headers = Vec::with_capacity(USUAL_PARTS);
    let mut at = 0_usize;
    loop {
        let rest = octets.get(at..).unwrap_or_default();
        let (field, next) = field(rest);
        if next == 0 || field.is_empty() {
            return Ok(Part {
                headers,
                body: rest.get(next..).unwrap_or_default(),
                at: base.saturating_add(at).saturating_add(next),
            });
        }
        let offset = base.saturating_add(at);
        let text =
            core::str::from_utf8(field).map_err(|_| fault(offset, "a header line in UTF-8"))?;
        // Only the end of a name may have blanks.
        let (name, value) = split_at(text, b':')
            .map(|(name, value)| (name.trim_end(), value))
            .filter(|(name, _)| is_token(name))
            .ok_or_else(|| fault(offset, "a header name and a colon"))?;
        headers.push((name, trimmed(value)));
        at = at.saturating_add(next);
    }
}

/// One header field with its continuation lines, without the last line break, and its length with it.
fn field(octets: &[u8]) -> (&[u8], usize) {
    let mut end = 0_usize;
    loop {
        let rest = octets.get(end..).unwrap_or_default();
        let Some(line) = memchr::memchr(b'\n', rest) else {
            return (octets, octets.len());
        };
        let next = end.saturating_add(line).saturating_add(1);
        let head = octets.get(..next.saturating_sub(1)).unwrap_or_default();
        let head = head.strip_suffix(b"\r").unwrap_or(head);
        let folded = matches!(octets.get(next), Some(b' ' | b'\t'));
        if head.is_empty() || !folded {
            return (head, next);
        }
        end = next;
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_octet)
}

const fn is_token_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric()
        || matches!(octet, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'{'..=b'~')
}

const fn fault(offset: usize, expected: &'static str) -> DecodeError {
    DecodeError {
        format: "mime",
        offset,
        class: Class::MimeBad,
        expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/mixed; boundary=b1";

    #[test]
    fn a_media_type_reads_its_parameters_quoted_or_not() {
        let media =
            MediaType::decode("Multipart/Related; Boundary=\"a\\\"b\"; type=text/xml ;x").unwrap();
        assert!(media.is("multipart/related"));
        assert_eq!(media.parameter("boundary"), Some("a\"b"));
        assert_eq!(media.parameter("TYPE"), Some("text/xml"));
        assert_eq!(media.parameter("x"), Some(""));
        assert!(MediaType::decode("text").is_err());
        assert_eq!(MediaType::decode("a/b;c=\"d").unwrap_err().offset, 6);
        assert!(MediaType::decode("a/b;").is_ok());
    }

    #[test]
    fn parts_read_back_as_composed() {
        let one = Part::new(vec![("Content-Type", "a/b")], b"\x00\x01\r\n--b");
        let two = Part::new(vec![], b"");
        let body = compose("b1", &[one.clone(), two]);
        let read = parts(TYPE, &body).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].headers, one.headers);
        assert_eq!(read[0].body, one.body);
        assert_eq!(&body[read[0].at..][..2], b"\x00\x01");
        assert_eq!(read[1].content_type(), "text/plain");
        assert_eq!(read[1].body, b"");
    }

    #[test]
    fn preamble_epilogue_bare_lf_and_folding_are_accepted() {
        let body = b"before\n--b1 \nX-A: one\n two\n\nbody\n--b1--\nafter";
        let read = parts(TYPE, body).unwrap();
        assert_eq!(read[0].header("x-a"), Some("one\n two"));
        assert_eq!(read[0].body, b"body");
    }

    #[test]
    fn a_delimiter_inside_a_line_is_content() {
        let body = b"--b1\r\n\r\nx --b1\r\n--b12\r\n--b1--";
        assert_eq!(parts(TYPE, body).unwrap()[0].body, b"x --b1\r\n--b12");
    }

    #[test]
    fn a_broken_body_is_refused_with_its_offset() {
        assert_eq!(parts("multipart/mixed", b"").unwrap_err().offset, 0);
        assert_eq!(parts(TYPE, b"nothing").unwrap_err().offset, 0);
        assert_eq!(parts(TYPE, b"--b1\r\n\r\nx").unwrap_err().offset, 9);
        let error = parts(TYPE, b"--b1\r\nno colon\r\n\r\nx\r\n--b1--").unwrap_err();
        assert_eq!((error.offset, error.class), (6, Class::MimeBad));
    }

    #[test]
    fn as_many_parts_as_the_bound_are_read_and_one_more_is_not() {
        let part = Part::new(vec![], b"x");
        let at_bound = compose("b1", &vec![part.clone(); limits::MIME_PARTS]);
        assert_eq!(parts(TYPE, &at_bound).unwrap().len(), limits::MIME_PARTS);
        let above = compose("b1", &vec![part; limits::MIME_PARTS + 1]);
        assert_eq!(parts(TYPE, &above).unwrap_err().class, Class::TooLarge);
    }

    #[test]
    fn a_boundary_is_chosen_that_no_body_holds() {
        assert_eq!(boundary("sir-b", &[b"a", b"x sir-b1 y"]), "sir-b2");
    }
}
