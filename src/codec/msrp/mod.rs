//! MSRP requests and responses.
//!
//! **Source:** RFC 4975 sections 5, 7, 9 (grammar); the octets of a message read here come out again from `encode` as
//! they were. Not here: what a session does with them (`protocol::msrp`), relays (RFC 4976).

use core::fmt::{Display, Write as _};
use std::borrow::Cow;

use bytes::{Bytes, BytesMut};

use crate::codec::{Class, DecodeError};

mod decode;
pub mod format;
mod framer;
mod headers;
mod range;
pub mod sir;
#[cfg(test)]
mod tests;
mod uri;

pub use framer::{Fault, Framer};
pub use headers::{Headers, Path};
pub use range::ByteRange;
pub use uri::{MsrpUri, PORT, is_equal};

const FORMAT: &str = "msrp";

/// One MSRP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

/// A request: one chunk of a message, or a report about one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The transaction identifier; it also marks the end of the message.
    pub tid: String,
    /// What is asked for.
    pub method: Method,
    /// The URIs to the receiver; at least one.
    pub to_path: Path,
    /// The URIs back to the sender, last hop first; at least one.
    pub from_path: Path,
    /// The headers after those, in order; a Content-Type is the last.
    pub headers: Headers,
    /// The body; there is one, which may be empty, exactly when there is a Content-Type.
    pub body: Option<Bytes>,
    /// What follows.
    pub flag: Flag,
}

/// A response to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The transaction identifier of the request.
    pub tid: String,
    /// The status code: 200, 413 ...
    pub status: u16,
    /// The code in words.
    pub reason: Option<Cow<'static, str>>,
    /// The URI of the hop it goes to.
    pub to_path: Path,
    /// The URI of the hop it comes from.
    pub from_path: Path,
    /// The headers after those, in order; usually none.
    pub headers: Headers,
    /// Always the last.
    pub flag: Flag,
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    /// Take this chunk.
    Send,
    /// This became of your message.
    Report,
    /// Something else; answered with 501.
    Other(String),
}

impl Method {
    /// The name on the wire.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Send => "SEND",
            Self::Report => "REPORT",
            Self::Other(name) => name,
        }
    }
}

/// The last character of a message: what follows this chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// `$`: nothing, the message is complete.
    Last,
    /// `+`: more chunks.
    More,
    /// `#`: nothing, the sender gave the message up.
    Abort,
}

impl Flag {
    const fn octet(self) -> u8 {
        match self {
            Self::Last => b'$',
            Self::More => b'+',
            Self::Abort => b'#',
        }
    }

    const fn of(octet: u8) -> Option<Self> {
        match octet {
            b'$' => Some(Self::Last),
            b'+' => Some(Self::More),
            b'#' => Some(Self::Abort),
            _ => None,
        }
    }
}

/// When a request is answered with a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailureReport {
    /// Always.
    #[default]
    Yes,
    /// When it fails.
    Partial,
    /// Never.
    No,
}

/// The `Status` header of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// 200 when the octets arrived.
    pub code: u16,
    /// The code in words.
    pub text: Option<String>,
}

impl Message {
    /// Reads one whole message: from `MSRP` to the end-line and its line end.
    ///
    /// # Errors
    ///
    /// Octets outside the grammar; the offset counts from the start of the message.
    pub fn decode(octets: &Bytes) -> Result<Self, DecodeError> {
        decode::message(octets)
    }

    /// The octets of the message.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Request(request) => request.encode(),
            Self::Response(response) => response.encode(),
        }
    }

    /// The transaction identifier.
    #[must_use]
    pub fn tid(&self) -> &str {
        match self {
            Self::Request(request) => &request.tid,
            Self::Response(response) => &response.tid,
        }
    }

    /// The URIs to the receiver.
    #[must_use]
    pub const fn to_path(&self) -> &Path {
        match self {
            Self::Request(request) => &request.to_path,
            Self::Response(response) => &response.to_path,
        }
    }

    /// The session it is for: the session part of the first To-Path URI. What binds a link to a session.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        MsrpUri::decode(self.to_path().first()?).ok()?.session_id
    }

    /// The start line, for logs and ladders.
    #[must_use]
    pub fn start_line(&self) -> String {
        match self {
            Self::Request(request) => format!("MSRP {} {}", request.tid, request.method.name()),
            Self::Response(Response {
                tid,
                status,
                reason,
                ..
            }) => match reason {
                Some(reason) => format!("MSRP {tid} {status:03} {reason}"),
                None => format!("MSRP {tid} {status:03}"),
            },
        }
    }
}

impl Request {
    /// A request without further headers and body.
    #[must_use]
    pub fn new(
        method: Method,
        tid: &str,
        to_path: impl Into<Path>,
        from_path: impl Into<Path>,
    ) -> Self {
        Self {
            tid: tid.to_owned(),
            method,
            to_path: to_path.into(),
            from_path: from_path.into(),
            headers: Headers::with_room(),
            body: None,
            flag: Flag::Last,
        }
    }

    /// The request with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Display) -> Self {
        self.headers.push(name, value);
        self
    }

    /// The request with a body; nothing may be added to its headers afterwards.
    #[must_use]
    pub fn content(mut self, content_type: &str, body: Bytes) -> Self {
        self.body = Some(body);
        self.header("Content-Type", content_type)
    }

    /// The value of the first header of that name, in any case.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.headers.value(name)
    }

    /// `Message-ID`: which message this is a chunk of or a report about.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.value("Message-ID")
    }

    /// `Byte-Range`: which part of the message.
    #[must_use]
    pub fn byte_range(&self) -> Option<ByteRange> {
        self.value("Byte-Range")?.parse().ok()
    }

    /// `Success-Report`: true when a report is wanted once the whole message is in.
    #[must_use]
    pub fn success_report(&self) -> bool {
        self.value("Success-Report")
            .is_some_and(|value| value.eq_ignore_ascii_case("yes"))
    }

    /// `Failure-Report`: when this request wants a response.
    #[must_use]
    pub fn failure_report(&self) -> FailureReport {
        match self.value("Failure-Report") {
            Some(value) if value.eq_ignore_ascii_case("no") => FailureReport::No,
            Some(value) if value.eq_ignore_ascii_case("partial") => FailureReport::Partial,
            _ => FailureReport::Yes,
        }
    }

    /// `Status` of a report.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        decode::status(self.value("Status")?)
    }

    /// `Content-Type`.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.value("Content-Type")
    }

    /// The response to this request, to the hop it came from.
    #[must_use]
    pub fn answer(&self, status: u16) -> Response {
        Response {
            tid: self.tid.clone(),
            status,
            reason: reason(status).map(Cow::Borrowed),
            to_path: self.from_path.hop(),
            from_path: self.to_path.hop(),
            headers: Headers::default(),
            flag: Flag::Last,
        }
    }

    /// The octets of the request. Line ends inside a value are left out; a body that holds the end-line would be cut
    /// there by the receiver: [`tid_fits`] tells beforehand.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let body = self.body.as_ref().map_or(0, Bytes::len);
        let mut out = BytesMut::with_capacity(body.saturating_add(512));
        start(&mut out, &self.tid);
        put(&mut out, self.method.name());
        head(&mut out, &self.to_path, &self.from_path, &self.headers);
        if let Some(body) = &self.body {
            out.extend_from_slice(b"\r\n");
            out.extend_from_slice(body);
            out.extend_from_slice(b"\r\n");
        }
        end_line(&mut out, &self.tid, self.flag);
        out.freeze()
    }
}

impl Response {
    /// The octets of the response.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(256);
        start(&mut out, &self.tid);
        // Writing to memory cannot fail.
        let _ = write!(out, "{:03}", self.status);
        if let Some(reason) = &self.reason {
            out.extend_from_slice(b" ");
            put(&mut out, reason);
        }
        head(&mut out, &self.to_path, &self.from_path, &self.headers);
        end_line(&mut out, &self.tid, self.flag);
        out.freeze()
    }
}

/// True when a body can travel under this transaction identifier: it does not hold the end-line.
#[must_use]
pub fn tid_fits(tid: &str, body: &[u8]) -> bool {
    let hyphens = b"-------";
    let is_too_short = body.len() < hyphens.len().saturating_add(tid.len());
    is_too_short || memchr::memmem::find(body, &[hyphens, tid.as_bytes()].concat()).is_none()
}

/// True for 4 to 32 characters that may be a transaction identifier or a message identifier.
#[must_use]
pub fn is_identifier(text: &str) -> bool {
    let mut octets = text.bytes();
    (4..=32).contains(&text.len())
        && octets.next().is_some_and(|b| b.is_ascii_alphanumeric())
        && octets.all(|b| b.is_ascii_alphanumeric() || b".-+%=".contains(&b))
}

/// The words for a status code (RFC 4975 section 10).
#[must_use]
pub const fn reason(status: u16) -> Option<&'static str> {
    Some(match status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        408 => "Request Timeout",
        413 => "Message Too Large",
        415 => "Unsupported Media Type",
        423 => "Parameter Out Of Bounds",
        481 => "Session Does Not Exist",
        501 => "Not Implemented",
        506 => "Session Already Bound",
        _ => return None,
    })
}

fn start(out: &mut BytesMut, tid: &str) {
    out.extend_from_slice(b"MSRP ");
    put(out, tid);
    out.extend_from_slice(b" ");
}

/// The paths and headers; begins with the end of the start line.
fn head(out: &mut BytesMut, to: &Path, from: &Path, headers: &Headers) {
    out.extend_from_slice(b"\r\nTo-Path: ");
    put(out, to.as_str());
    out.extend_from_slice(b"\r\nFrom-Path: ");
    put(out, from.as_str());
    out.extend_from_slice(b"\r\n");
    for (name, value) in headers.iter() {
        put(out, name);
        out.extend_from_slice(b": ");
        put(out, value);
        out.extend_from_slice(b"\r\n");
    }
}

fn end_line(out: &mut BytesMut, tid: &str, flag: Flag) {
    out.extend_from_slice(b"-------");
    put(out, tid);
    out.extend_from_slice(&[flag.octet(), b'\r', b'\n']);
}

/// Text without line ends: a value must not become a line of its own.
fn put(out: &mut BytesMut, text: &str) {
    if memchr::memchr2(b'\r', b'\n', text.as_bytes()).is_none() {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    for piece in text.split(['\r', '\n']) {
        out.extend_from_slice(piece.as_bytes());
    }
}

/// True when every octet is of a class. All are looked at, which takes less time than to stop at the first that is not.
#[inline]
fn all(text: &str, is: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(true, |all, octet| all & is(octet))
}

/// What stands before and after the first such octet, which is ASCII.
#[inline]
fn cut(text: &str, octet: u8) -> Option<(&str, &str)> {
    let at = memchr::memchr(octet, text.as_bytes())?;
    Some((text.get(..at)?, text.get(at.saturating_add(1)..)?))
}

/// Where `mark`, which begins with CR, stands first. CRs are rare and heads are short: looking for them takes less time
/// than to prepare a search for the whole mark.
#[inline]
fn find(octets: &[u8], mark: &[u8]) -> Option<usize> {
    let stands = |at: &usize| octets.get(*at..).is_some_and(|rest| rest.starts_with(mark));
    memchr::memchr_iter(b'\r', octets).find(stands)
}

const fn fault(at: usize, class: Class, expected: &'static str) -> DecodeError {
    DecodeError {
        format: FORMAT,
        offset: at,
        class,
        expected,
    }
}
