//! The HTTP around it: start line, header rows and a body of known length.
//!
//! **Source:** RFC 9112 sections 2 to 6. A lenient reading takes line ends without CR and folded rows, as WAP
//! terminals write them.

use super::{PUSH_TYPE, fault};
use crate::codec::format::{Deviation, Tolerance};
use crate::codec::{Class, DecodeError, Span};
use crate::limits;

/// A request or a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Its first line.
    pub start: Start<'a>,
    /// Its rows, in order.
    pub rows: Vec<Row<'a>>,
    /// Its body.
    pub body: &'a [u8],
    /// Octets before the body, from the start of the outermost input.
    pub body_at: usize,
    /// What a lenient reading forgave.
    pub(super) deviations: Vec<Deviation>,
}

/// The first line of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start<'a> {
    /// A request.
    Request {
        /// `OPTIONS` or `POST`, or something that a terminal refuses.
        method: &'a str,
        /// The resource.
        uri: &'a str,
        /// `HTTP/1.1`
        version: &'a str,
    },
    /// A response.
    Response {
        /// `HTTP/1.1`
        version: &'a str,
        /// Three digits.
        status: u16,
        /// Words about them.
        reason: &'a str,
    },
}

/// A header row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Its name as written.
    pub name: &'a str,
    /// Its value without blanks at its ends; a folded one on one line.
    pub value: std::borrow::Cow<'a, str>,
    /// What stands after the colon, blanks included; of a folded one, its first line.
    pub raw: &'a str,
    /// Octets before the name.
    pub at: usize,
    /// Octets before the value.
    pub value_at: usize,
}

impl<'a> Message<'a> {
    /// Reads a message that must be a request or a response.
    ///
    /// # Errors
    /// A head outside the grammar or above its bounds, a body of another length than the head says.
    pub fn decode(octets: &'a [u8], is_request: bool) -> Result<Self, DecodeError> {
        Reader::new(octets, 0, false).message(is_request)
    }

    /// The same as receivers must: what is forgiven is not told.
    ///
    /// # Errors
    /// As [`Message::decode`].
    pub fn decode_lenient(octets: &'a [u8], is_request: bool) -> Result<Self, DecodeError> {
        Reader::new(octets, 0, true).message(is_request)
    }

    /// The value of the first row of that name.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.row(name).map(|row| row.value.as_ref())
    }

    /// The first row of that name.
    #[must_use]
    pub fn row(&self, name: &str) -> Option<&Row<'a>> {
        self.rows
            .iter()
            .find(|row| row.name.eq_ignore_ascii_case(name))
    }

    /// The message that a push is in: a whole response as the body.
    ///
    /// # Errors
    /// As [`Message::decode`]; `None` when the body is something else.
    pub fn inner(&self) -> Option<Result<Self, DecodeError>> {
        self.carries_push()
            .then(|| Reader::new(self.body, self.body_at, false).message(false))
    }

    /// Whether the body is a push.
    pub(super) fn carries_push(&self) -> bool {
        self.value("Content-Type").is_some_and(|value| {
            let essence = value.split(';').next().unwrap_or_default();
            essence.trim().eq_ignore_ascii_case(PUSH_TYPE)
        })
    }
}

/// One pass over a message.
pub(super) struct Reader<'a> {
    octets: &'a [u8],
    /// Octets of the outermost input before these.
    base: usize,
    at: usize,
    tolerance: Tolerance,
    /// Start line, rows and the empty line, each with its end.
    pub(super) lines: Vec<(usize, usize)>,
}

/// A line without its end.
struct Line<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(octets: &'a [u8], base: usize, lenient: bool) -> Self {
        Self {
            octets,
            base,
            at: 0,
            tolerance: Tolerance::of(lenient),
            lines: Vec::new(),
        }
    }

    /// The start line and the rows; what follows is the body.
    pub(super) fn head(
        &mut self,
        is_request: bool,
    ) -> Result<(Start<'a>, Vec<Row<'a>>), DecodeError> {
        let line = self.line("a start line")?;
        let start = if is_request {
            request_line(&line)?
        } else {
            status_line(&line)?
        };
        Ok((start, self.rows()?))
    }

    pub(super) fn message(&mut self, is_request: bool) -> Result<Message<'a>, DecodeError> {
        let (start, rows) = self.head(is_request)?;
        let body_at = self.base.saturating_add(self.at);
        let rest = self.octets.get(self.at..).unwrap_or_default();
        let body = body(&start, &rows, rest, body_at)?;
        Ok(Message {
            start,
            rows,
            body,
            body_at,
            deviations: self.tolerance.take_deviations(),
        })
    }

    /// The rows up to the empty line, which is passed.
    fn rows(&mut self) -> Result<Vec<Row<'a>>, DecodeError> {
        let mut rows: Vec<Row<'a>> = Vec::new();
        loop {
            let line = self.line("a row or the empty line")?;
            if line.text.is_empty() {
                return Ok(rows);
            }
            if rows.len() >= limits::HTTP_HEADER_ROWS {
                return Err(fault(line.at, Class::TooLarge, "fewer rows"));
            }
            if line.text.starts_with([' ', '\t']) {
                self.deviate(line.at, "a row that is not folded")?;
                let last = rows
                    .last_mut()
                    .ok_or_else(|| fault(line.at, Class::BadValue, "a row"))?;
                let more = line.text.trim_matches([' ', '\t']);
                if !last.value.is_empty() && !more.is_empty() {
                    last.value.to_mut().push(' ');
                }
                last.value.to_mut().push_str(more);
                continue;
            }
            rows.push(row(&line)?);
        }
    }

    fn line(&mut self, expected: &'static str) -> Result<Line<'a>, DecodeError> {
        let at = self.base.saturating_add(self.at);
        let rest = self.octets.get(self.at..).unwrap_or_default();
        let room = limits::HTTP_HEAD_OCTETS.saturating_sub(self.at);
        let Some(end) = memchr::memchr(b'\n', rest.get(..room).unwrap_or(rest)) else {
            let class = if rest.len() > room {
                Class::TooLarge
            } else {
                Class::Truncated
            };
            let end = at.saturating_add(rest.len().min(room));
            return Err(fault(end, class, expected));
        };
        let line = rest.get(..end).unwrap_or_default();
        let line = match line.strip_suffix(b"\r") {
            Some(line) => line,
            None => {
                self.deviate(at.saturating_add(end), "CR LF at the end of the line")?;
                line
            }
        };
        let is_odd = |octet: &u8| matches!(octet, 0..=0x08 | 0x0A..=0x1F | 0x7F);
        let odd = line.iter().position(is_odd);
        let text = core::str::from_utf8(line).map_err(|error| error.valid_up_to());
        match (odd, text) {
            (None, Ok(text)) => {
                let len = end.saturating_add(1);
                self.lines.push((at, len));
                self.at = self.at.saturating_add(len);
                Ok(Line { text, at })
            }
            (Some(odd), _) | (None, Err(odd)) => Err(fault(
                at.saturating_add(odd),
                Class::BadValue,
                "text without control characters",
            )),
        }
    }

    fn deviate(&mut self, at: usize, what: &'static str) -> Result<(), DecodeError> {
        self.tolerance.deviate(fault(at, Class::BadValue, what))
    }
}

/// The spans of the lines that were read: the start line under `path.start`, rows under their names.
pub(super) fn line_spans(
    octets: &[u8],
    base: usize,
    lines: &[(usize, usize)],
    path: &str,
) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for (number, (at, len)) in lines.iter().enumerate() {
        let from = at.saturating_sub(base);
        let line = octets
            .get(from..from.saturating_add(*len))
            .unwrap_or_default();
        let text = String::from_utf8_lossy(line);
        let is_folded = text.starts_with([' ', '\t']);
        let text = text.trim();
        // A folded line is part of the row before it.
        if let Some(row) = spans.last_mut().filter(|_| is_folded && number > 1) {
            row.len = row.len.saturating_add(*len);
            if !row.value.is_empty() && !text.is_empty() {
                row.value.push(' ');
            }
            row.value.push_str(text);
            continue;
        }
        let (name, value) = match (number, text.split_once(':')) {
            (0, _) => ("start", text),
            (_, None) if text.is_empty() => ("end", "empty line"),
            (_, None) => ("folded", text),
            (_, Some((name, value))) => (name.trim(), value.trim()),
        };
        let clause = match name {
            "start" => "RFC 9112 3",
            "end" => "RFC 9112 2.1",
            name if name
                .get(..6)
                .is_some_and(|x| x.eq_ignore_ascii_case("X-Wap-")) =>
            {
                "WAP-235 7"
            }
            _ => "RFC 9110 5",
        };
        spans.push(Span {
            at: *at,
            len: *len,
            path: format!("{path}.{name}"),
            value: value.to_owned(),
            clause,
        });
    }
    spans
}

fn request_line<'a>(line: &Line<'a>) -> Result<Start<'a>, DecodeError> {
    let mut parts = line.text.split(' ');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(method), Some(uri), Some(version), None)
            if is_token(method) && !uri.is_empty() && is_version(version) =>
        {
            Ok(Start::Request {
                method,
                uri,
                version,
            })
        }
        _ => Err(fault(
            line.at,
            Class::BadValue,
            "a method, a resource and HTTP/1.1",
        )),
    }
}

fn status_line<'a>(line: &Line<'a>) -> Result<Start<'a>, DecodeError> {
    let mut parts = line.text.splitn(3, ' ');
    let (version, status) = (parts.next(), parts.next());
    let reason = parts.next().unwrap_or_default();
    let code = status
        .filter(|digits| digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .filter(|code| *code >= 100);
    match (version.filter(|version| is_version(version)), code) {
        (Some(version), Some(status)) => Ok(Start::Response {
            version,
            status,
            reason,
        }),
        _ => Err(fault(
            line.at,
            Class::BadValue,
            "HTTP/1.1 and a status of three digits",
        )),
    }
}

fn row<'a>(line: &Line<'a>) -> Result<Row<'a>, DecodeError> {
    let expected = "the name of a header and a colon";
    let (name, value) = line
        .text
        .split_once(':')
        .filter(|(name, _)| is_token(name))
        .ok_or_else(|| fault(line.at, Class::BadValue, expected))?;
    let raw = value;
    let value = value.trim_matches([' ', '\t']);
    let start = line.text.as_ptr().addr();
    let within = value.as_ptr().addr().saturating_sub(start);
    Ok(Row {
        name,
        value: value.into(),
        raw,
        at: line.at,
        value_at: line.at.saturating_add(within),
    })
}

/// The octets of the body that the head announces, with the place of the number.
pub(super) fn length_of(rows: &[Row<'_>]) -> Result<Option<(usize, usize)>, DecodeError> {
    let is_length = |row: &&Row<'_>| row.name.eq_ignore_ascii_case("Content-Length");
    let mut lengths = rows.iter().filter(is_length);
    match (lengths.next(), lengths.next()) {
        (Some(row), None) => {
            let digits = row.value.as_ref();
            let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            let length: Option<usize> = digits.parse().ok().filter(|_| is_number);
            let length =
                length.ok_or_else(|| fault(row.value_at, Class::BadValue, "a number of octets"))?;
            Ok(Some((length, row.value_at)))
        }
        (_, Some(second)) => Err(fault(second.at, Class::Repeated, "one Content-Length")),
        (None, None) => Ok(None),
    }
}

/// The body that the head announces; nothing may follow it.
fn body<'a>(
    start: &Start<'_>,
    rows: &[Row<'_>],
    rest: &'a [u8],
    at: usize,
) -> Result<&'a [u8], DecodeError> {
    let is_coding = |row: &&Row<'_>| row.name.eq_ignore_ascii_case("Transfer-Encoding");
    if let Some(row) = rows.iter().find(is_coding) {
        return Err(fault(row.value_at, Class::BadValue, "a Content-Length"));
    }
    let length = length_of(rows)?;
    let has_none = match start {
        Start::Request { .. } => length.is_none(),
        Start::Response { status, .. } => matches!(status, 100..=199 | 204 | 304),
    };
    let length = match length {
        _ if has_none => 0,
        Some((length, at)) if length > rest.len() => {
            return Err(fault(at, Class::BadLength, "a body of that length"));
        }
        Some((length, _)) => length,
        None => rest.len(),
    };
    if length > limits::HTTP_BODY_OCTETS {
        return Err(fault(at, Class::TooLarge, "a body within the bound"));
    }
    match rest.split_at_checked(length) {
        Some((body, [])) => Ok(body),
        _ => Err(fault(
            at.saturating_add(length),
            Class::BadLength,
            "the end after the body",
        )),
    }
}

fn is_version(text: &str) -> bool {
    matches!(text, "HTTP/1.1" | "HTTP/1.0")
}

/// A token of HTTP.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet))
}
