//! The start line, the header rows and the body of a message as offsets into its octets.
//!
//! Source: RFC 3261 sections 7, 18.3 and 25.1; limits: [`crate::limits`]. Nothing is copied and, with an index that was
//! used before, nothing allocated; values are looked at only when they are asked for (`read.rs`).

use memchr::memchr2;

use super::method::Method;
use super::name::Name;
use crate::codec::lexeme::{BLANK, DIGIT, TOKEN, before, is, number, short, skip};
use crate::codec::{Class, DecodeError};
use crate::limits::{SIP_HEADER_ROWS, SIP_MESSAGE_OCTETS};

/// One message as it lies in its octets; the values are read through it.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    pub(super) octets: &'a [u8],
    pub(super) index: &'a Index,
}

/// Where everything stands in one message; use it again for the next one.
#[derive(Clone, Debug)]
pub struct Index {
    pub(super) start: Start,
    pub(super) rows: Vec<Row>,
    /// The first row of each name.
    pub(super) first: [u16; Name::COUNT],
    /// One bit for each name that stands in more than one row.
    pub(super) repeated: u128,
    pub(super) body_at: u16,
    pub(super) body_end: u16,
}

/// A range of octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) at: u16,
    pub(super) end: u16,
}

/// The start line.
#[derive(Clone, Copy, Debug)]
pub(super) enum Start {
    Request {
        method: Method,
        name: Range,
        uri: Range,
        version: Range,
    },
    Response {
        status: u16,
        reason: Range,
    },
}

/// One header row; folds are still in its value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) name: Name,
    pub(super) name_at: u16,
    pub(super) name_end: u16,
    pub(super) value_at: u16,
    pub(super) value_end: u16,
}

/// What else is asked of a message than its grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rules {
    /// Content-Length may be absent, and octets after the body are ignored.
    Datagram,
    /// Content-Length must be there, and the body may still be missing: only the head is looked at.
    StreamHead,
    /// Whatever allows an answer: faults of the Request-URI's spelling and of Content-Length are passed over.
    Answerable,
}

pub(super) const NO_ROW: u16 = u16::MAX;

impl Default for Index {
    fn default() -> Self {
        Self {
            start: Start::Response {
                status: 0,
                reason: Range::default(),
            },
            rows: Vec::with_capacity(16),
            first: [NO_ROW; Name::COUNT],
            repeated: 0,
            body_at: 0,
            body_end: 0,
        }
    }
}

impl Index {
    /// An empty index.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn clear(&mut self) {
        self.rows.clear();
        self.first = [NO_ROW; Name::COUNT];
        self.repeated = 0;
    }

    #[inline]
    fn push(&mut self, row: Row) {
        if row.name != Name::Other {
            let number = short(self.rows.len());
            if let Some(first) = self.first.get_mut(row.name as usize) {
                if *first == NO_ROW {
                    *first = number;
                } else {
                    self.repeated |= 1_u128.wrapping_shl(row.name as u32);
                }
            }
        }
        self.rows.push(row);
    }

    pub(super) fn first(&self, name: Name) -> Option<&Row> {
        let number = *self.first.get(name as usize)?;
        self.rows.get(usize::from(number))
    }

    pub(super) const fn is_repeated(&self, name: Name) -> bool {
        self.repeated & 1_u128.wrapping_shl(name as u32) != 0
    }

    /// Octets of the head, from the first octet given.
    pub(super) fn head_len(&self) -> usize {
        usize::from(self.body_at)
    }
}

impl<'a> Frame<'a> {
    /// Finds every part of the message at the start of a datagram.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the start line, a row's shape or Content-Length is outside the rules.
    pub fn decode(octets: &'a [u8], index: &'a mut Index) -> Result<Self, DecodeError> {
        fill(octets, index, Rules::Datagram)?;
        Ok(Self { octets, index })
    }
}

/// Fills the index.
pub(super) fn fill(octets: &[u8], index: &mut Index, rules: Rules) -> Result<(), DecodeError> {
    index.clear();
    let bounded = octets.get(..SIP_MESSAGE_OCTETS).unwrap_or(octets);
    if octets.len() > SIP_MESSAGE_OCTETS && rules != Rules::StreamHead {
        return Err(error(
            SIP_MESSAGE_OCTETS,
            Class::TooLarge,
            "the end of the message",
        ));
    }
    let mut text = bounded;
    while let [b'\r', b'\n', rest @ ..] = text {
        text = rest;
    }
    let cursor = Cursor { whole: bounded };
    let rest = start_line(cursor, text, index, rules)?;
    let body = rows(cursor, rest, index)?;
    index.body_at = cursor.offset(body);
    index.body_end = short(bounded.len());
    content_length(cursor, body, index, rules)
}

/// Turns suffixes of the input into offsets.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    whole: &'a [u8],
}

impl Cursor<'_> {
    #[inline]
    fn offset(self, rest: &[u8]) -> u16 {
        short(self.whole.len().wrapping_sub(rest.len()))
    }

    fn fault(self, rest: &[u8], expected: &'static str) -> DecodeError {
        let class = if rest.is_empty() {
            Class::Truncated
        } else {
            Class::BadValue
        };
        error(usize::from(self.offset(rest)), class, expected)
    }

    #[inline]
    fn range(self, from: &[u8], to: &[u8]) -> Range {
        Range {
            at: self.offset(from),
            end: self.offset(to),
        }
    }
}

pub(super) const fn error(offset: usize, class: Class, expected: &'static str) -> DecodeError {
    DecodeError {
        format: "sip",
        offset,
        class,
        expected,
    }
}

fn start_line<'a>(
    cursor: Cursor<'_>,
    line: &'a [u8],
    index: &mut Index,
    rules: Rules,
) -> Result<&'a [u8], DecodeError> {
    let (line, rest) = match memchr2(b'\r', b'\n', line).and_then(|at| line.split_at_checked(at)) {
        Some((content, [b'\r', b'\n', rest @ ..])) => (content, rest),
        Some((_, [])) | None => return Err(cursor.fault(&[], "a line end after the start line")),
        Some((_, fault)) => return Err(cursor.fault(fault, "CR LF")),
    };
    // Suffixes of the line are counted from its own end.
    let cursor = Cursor {
        whole: cursor
            .whole
            .get(..cursor.whole.len().wrapping_sub(rest.len()).wrapping_sub(2))
            .unwrap_or_default(),
    };
    index.start = if line
        .get(..4)
        .is_some_and(|head| head.eq_ignore_ascii_case(b"SIP/"))
    {
        status_line(cursor, line)?
    } else {
        request_line(cursor, line, rules)?
    };
    if matches!(rest, [b' ' | b'\t', ..]) {
        return Err(error(
            cursor.whole.len().saturating_add(2),
            Class::BadValue,
            "a header, for a start line is not folded",
        ));
    }
    Ok(rest)
}

fn status_line(cursor: Cursor<'_>, line: &[u8]) -> Result<Start, DecodeError> {
    let after_version = version(cursor, line)?;
    if !line
        .get(4..)
        .is_some_and(|number| number.starts_with(b"2.0 "))
    {
        return Err(cursor.fault(line.get(4..).unwrap_or_default(), "version 2.0"));
    }
    let [b' ', a, b, c, rest @ ..] = after_version else {
        return Err(cursor.fault(after_version, "a space and a status"));
    };
    let status = [*a, *b, *c];
    let status = number(&status)
        .and_then(|status| u16::try_from(status).ok())
        .filter(|status| (100..=699).contains(status))
        .ok_or_else(|| cursor.fault(after_version, "a status from 100 to 699"))?;
    let [b' ', reason @ ..] = rest else {
        return Err(cursor.fault(rest, "a space after the status"));
    };
    Ok(Start::Response {
        status,
        reason: cursor.range(reason, &[]),
    })
}

fn request_line(cursor: Cursor<'_>, line: &[u8], rules: Rules) -> Result<Start, DecodeError> {
    let after_method = skip(line, TOKEN);
    let [b' ', uri @ ..] = after_method else {
        return Err(cursor.fault(after_method, "a method and one space"));
    };
    if after_method.len() == line.len() {
        return Err(cursor.fault(line, "a method"));
    }
    let name = cursor.range(line, after_method);
    let method = Method::from_octets(
        line.get(..line.len().wrapping_sub(after_method.len()))
            .unwrap_or_default(),
    );
    let space = match rules {
        // Blanks in the URI are what is to be answered: the version is what follows the last one.
        Rules::Answerable => {
            let line_end = trim_end(uri);
            return answerable(cursor, uri, line_end, method, name);
        }
        _ => memchr::memchr(b' ', uri),
    };
    let Some((uri_text, version_with_space)) = space.and_then(|at| uri.split_at_checked(at)) else {
        return Err(cursor.fault(&[], "a space and the version"));
    };
    if uri_text.is_empty() {
        return Err(cursor.fault(uri, "a Request-URI"));
    }
    let version_text = version_with_space.get(1..).unwrap_or_default();
    let rest = version(cursor, version_text)?;
    if !rest.is_empty() {
        return Err(cursor.fault(rest, "the end of the start line"));
    }
    Ok(Start::Request {
        method,
        name,
        uri: cursor.range(uri, version_with_space),
        version: cursor.range(version_text, &[]),
    })
}

fn trim_end(mut text: &[u8]) -> &[u8] {
    while let [head @ .., b' ' | b'\t'] = text {
        text = head;
    }
    text
}

/// A request line whose method is good and whose rest need only be near enough to say so.
fn answerable(
    cursor: Cursor<'_>,
    uri: &[u8],
    trimmed: &[u8],
    method: Method,
    name: Range,
) -> Result<Start, DecodeError> {
    let surplus = uri.len().wrapping_sub(trimmed.len());
    let split = memchr::memrchr(b' ', trimmed).and_then(|at| trimmed.split_at_checked(at));
    let Some((_, version)) = split else {
        return Err(cursor.fault(&[], "a space and the version"));
    };
    let end = cursor.whole.len().wrapping_sub(surplus);
    let version_at = end.wrapping_sub(version.len());
    Ok(Start::Request {
        method,
        name,
        uri: Range {
            at: cursor.offset(uri),
            end: short(version_at),
        },
        version: Range {
            at: short(version_at.wrapping_add(1)),
            end: short(end),
        },
    })
}

/// `SIP/` and two numbers; which numbers is the reader's business (505).
fn version<'a>(cursor: Cursor<'_>, text: &'a [u8]) -> Result<&'a [u8], DecodeError> {
    if let [b'S', b'I', b'P', b'/', b'2', b'.', b'0', rest @ ..] = text
        && !rest.first().is_some_and(u8::is_ascii_digit)
    {
        return Ok(rest);
    }
    let number = match text.split_at_checked(4) {
        Some((head, number)) if head.eq_ignore_ascii_case(b"SIP/") => number,
        _ => return Err(cursor.fault(text, "SIP/2.0")),
    };
    let after_major = skip(number, DIGIT);
    let [b'.', minor @ ..] = after_major else {
        return Err(cursor.fault(after_major, "a dot in the version"));
    };
    let rest = skip(minor, DIGIT);
    if after_major.len() == number.len() || rest.len() == minor.len() {
        return Err(cursor.fault(rest, "digits of the version"));
    }
    Ok(rest)
}

/// Header rows up to the empty line; what follows it.
fn rows<'a>(
    cursor: Cursor<'_>,
    mut rest: &'a [u8],
    index: &mut Index,
) -> Result<&'a [u8], DecodeError> {
    loop {
        if let [b'\r', b'\n', body @ ..] = rest {
            return Ok(body);
        }
        if index.rows.len() >= SIP_HEADER_ROWS {
            return Err(error(
                usize::from(cursor.offset(rest)),
                Class::TooLarge,
                "an empty line, after so many header rows",
            ));
        }
        rest = row(cursor, rest, index)?;
    }
}

/// One header row with its folds; what follows its line end.
#[inline]
fn row<'a>(cursor: Cursor<'_>, line: &'a [u8], index: &mut Index) -> Result<&'a [u8], DecodeError> {
    // The end is looked for first, so that finding the next row does not wait for this one's name.
    let (end, rest) = line_end(cursor, line)?;
    let (name, after_name, value) = match Name::usual(line) {
        Some((name, len)) => {
            let after_name = line.get(len..).unwrap_or_default();
            (name, after_name, after_name.get(1..).unwrap_or_default())
        }
        None => any_name(cursor, line)?,
    };
    let value = match value {
        [b' ', rest @ ..] => rest,
        _ => value,
    };
    let mut row = Row {
        name,
        name_at: cursor.offset(line),
        name_end: cursor.offset(after_name),
        value_at: cursor.offset(value),
        value_end: short(cursor.whole.len().wrapping_sub(end)),
    };
    trim(cursor.whole, &mut row);
    index.push(row);
    Ok(rest)
}

/// The header of a row in any spelling, what follows its name, and what follows the colon.
fn any_name<'a>(
    cursor: Cursor<'_>,
    line: &'a [u8],
) -> Result<(Name, &'a [u8], &'a [u8]), DecodeError> {
    let after_name = skip(line, TOKEN);
    let value = match after_name {
        [b':', value @ ..] => value,
        [b' ' | b'\t', ..] => match skip_spaces(after_name) {
            [b':', value @ ..] => value,
            fault => return Err(cursor.fault(fault, "a colon after the header's name")),
        },
        fault => return Err(cursor.fault(fault, "a header's name and a colon")),
    };
    let name = before(line, after_name);
    if name.is_empty() {
        return Err(cursor.fault(line, "a header's name"));
    }
    Ok((Name::from_octets(name), after_name, value))
}

/// How many octets of the input are left where the value ends, and what follows the line end.
#[inline]
fn line_end<'a>(cursor: Cursor<'_>, line: &'a [u8]) -> Result<(usize, &'a [u8]), DecodeError> {
    let mut text = line;
    loop {
        let at = memchr2(b'\r', b'\n', text)
            .ok_or_else(|| cursor.fault(&[], "a line end after the header"))?;
        let line_end = text.get(at..).unwrap_or_default();
        match line_end {
            [b'\r', b'\n', b' ' | b'\t', folded @ ..] => text = folded,
            [b'\r', b'\n', rest @ ..] => return Ok((line_end.len(), rest)),
            [b'\r'] => return Err(cursor.fault(&[], "LF after CR")),
            fault => return Err(cursor.fault(fault, "CR LF")),
        }
    }
}

/// Takes blanks and folds from both ends of a value; most values have none.
#[inline]
fn trim(whole: &[u8], row: &mut Row) {
    while row.value_at < row.value_end
        && whole
            .get(usize::from(row.value_at))
            .is_some_and(|&octet| is(octet, BLANK))
    {
        row.value_at = row.value_at.wrapping_add(1);
    }
    while row.value_end > row.value_at
        && whole
            .get(usize::from(row.value_end.wrapping_sub(1)))
            .is_some_and(|&octet| is(octet, BLANK))
    {
        row.value_end = row.value_end.wrapping_sub(1);
    }
}

fn skip_spaces(text: &[u8]) -> &[u8] {
    let blanks = text
        .iter()
        .position(|&octet| octet != b' ' && octet != b'\t')
        .unwrap_or(text.len());
    text.get(blanks..).unwrap_or_default()
}

/// RFC 3261 section 18.3: what Content-Length says about the octets after the head.
fn content_length(
    cursor: Cursor<'_>,
    body: &[u8],
    index: &mut Index,
    rules: Rules,
) -> Result<(), DecodeError> {
    let Some(row) = index.first(Name::ContentLength).copied() else {
        return match rules {
            Rules::StreamHead => Err(error(
                index.head_len(),
                Class::MissingHeader,
                "Content-Length",
            )),
            Rules::Datagram | Rules::Answerable => Ok(()),
        };
    };
    if rules == Rules::Answerable {
        return Ok(());
    }
    let at = usize::from(row.value_at);
    if index.is_repeated(Name::ContentLength) {
        return Err(error(at, Class::Repeated, "one Content-Length"));
    }
    let value = cursor
        .whole
        .get(at..usize::from(row.value_end))
        .unwrap_or_default();
    let Some(declared) = number(value) else {
        return Err(error(at, Class::BadValue, "a number of octets"));
    };
    let declared = usize::try_from(declared).unwrap_or(usize::MAX);
    let end = index.head_len().saturating_add(declared);
    match rules {
        Rules::Datagram if declared > body.len() => Err(error(
            at,
            Class::BadLength,
            "no more than the octets that follow",
        )),
        Rules::StreamHead if end > SIP_MESSAGE_OCTETS => {
            Err(error(at, Class::TooLarge, "a shorter message"))
        }
        _ => {
            index.body_end = short(end);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
