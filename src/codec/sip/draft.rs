//! A message being composed.
//!
//! Source: RFC 3261 sections 7, 8.1.1 and 8.2.6; status phrases from section 21 and the documents that register the
//! others. What is put into a header cannot end it: CR, LF and NUL are dropped. What cannot be sent any more within the
//! limits is left out, and [`Draft::is_overfull`] says so.

use crate::codec::decimal::put_number;
use std::fmt::{Display, Write as _};
use std::io::Write as _;

use bytes::Bytes;

use super::frame::Index;
use super::message::Message;
use super::method::Method;
use super::name::Name;
use crate::codec::lexeme::{TOKEN, is, skip};
use crate::limits::{SIP_HEADER_ROWS, SIP_MESSAGE_OCTETS};

/// A request or response to be sent. A request has no Via yet: the endpoint puts it in.
#[derive(Clone, Debug)]
pub struct Draft {
    start: Vec<u8>,
    /// Header rows as they will be sent.
    rows: Vec<u8>,
    row_count: usize,
    /// One bit for each known name that is there.
    present: u128,
    body: Vec<u8>,
    method: Option<Method>,
    status: Option<u16>,
    is_overfull: bool,
    /// Values are written here first; one room for all of them.
    text: String,
}

/// Octets kept free for what is added at the end: Via, Max-Forwards, Content-Length.
const RESERVE_OCTETS: usize = 1_024;
/// Rows kept free for the same.
const RESERVE_ROWS: usize = 4;

impl Draft {
    /// A request without any header. Blanks and line ends in the URI are dropped.
    #[must_use]
    pub fn request(method: Method, uri: &str) -> Self {
        Self::request_named(method.name(), uri)
    }

    /// As [`Draft::request`], for methods that are not listed.
    #[must_use]
    pub fn request_named(method: &str, uri: &str) -> Self {
        let mut start =
            Vec::with_capacity(method.len().saturating_add(uri.len()).saturating_add(16));
        extend_kept(&mut start, method.as_bytes(), |octet| is(octet, TOKEN));
        if start.is_empty() {
            // A request line has a method, and this one is refused everywhere.
            start.extend_from_slice(b"UNKNOWN");
        }
        let method = Method::from_octets(&start);
        start.push(b' ');
        let before_uri = start.len();
        let stays = |octet| octet > b' ' && octet != 0x7f;
        extend_kept(&mut start, uri.as_bytes(), stays);
        if start.len() == before_uri {
            start.extend_from_slice(b"sip:invalid.invalid");
        }
        start.extend_from_slice(b" SIP/2.0\r\n");
        Self::new(start, Some(method), None)
    }

    /// A response with the usual phrase: Via, From, To, Call-ID and CSeq are the request's, the tag is added to To when
    /// it has none.
    #[must_use]
    pub fn response(request: &Message, status: u16, to_tag: Option<&str>) -> Self {
        Self::response_with_reason(request, status, reason_phrase(status), to_tag)
    }

    /// As [`Draft::response`], with a phrase of one's own.
    #[must_use]
    pub fn response_with_reason(
        request: &Message,
        status: u16,
        reason: &str,
        to_tag: Option<&str>,
    ) -> Self {
        let mut draft = Self::response_alone(status, reason);
        for via in request.rows(Name::Via) {
            draft.push(Name::Via.text(), via);
        }
        if let Some(from) = request.header(Name::From) {
            draft.push(Name::From.text(), from);
        }
        if let Some(to) = request.header(Name::To) {
            let lacks_tag = || !request.to().is_ok_and(|to| to.tag().is_some());
            match to_tag {
                Some(tag) if lacks_tag() => {
                    draft.push(Name::To.text(), &[to, b";tag=", tag.as_bytes()].concat());
                }
                _ => draft.push(Name::To.text(), to),
            }
        }
        for name in [Name::CallId, Name::CSeq] {
            if let Some(value) = request.header(name) {
                draft.push(name.text(), value);
            }
        }
        if status == 100
            && let Some(timestamp) = request.header(Name::Timestamp)
        {
            draft.push(Name::Timestamp.text(), timestamp);
        }
        draft
    }

    /// A response without any header.
    pub(super) fn response_alone(status: u16, reason: &str) -> Self {
        let status = status.clamp(100, 699);
        let mut start = Vec::with_capacity(reason.len().saturating_add(14));
        start.extend_from_slice(b"SIP/2.0 ");
        put_number(&mut start, u64::from(status));
        start.push(b' ');
        extend_kept(&mut start, reason.as_bytes(), |octet| !ends_a_row(octet));
        start.extend_from_slice(b"\r\n");
        Self::new(start, None, Some(status))
    }

    fn new(start: Vec<u8>, method: Option<Method>, status: Option<u16>) -> Self {
        Self {
            start,
            rows: Vec::with_capacity(512),
            row_count: 0,
            present: 0,
            body: Vec::new(),
            method,
            status,
            is_overfull: false,
            text: String::new(),
        }
    }

    /// Adds a row at the end. CR, LF and NUL in the value are dropped; a name that is no token adds nothing.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Display) -> Self {
        let mut text = core::mem::take(&mut self.text);
        text.clear();
        if write!(text, "{value}").is_ok() {
            self.push(name, text.as_bytes());
        }
        self.text = text;
        self
    }

    /// As [`Draft::header`], for values that need not be text.
    #[must_use]
    pub fn header_octets(mut self, name: &str, value: &[u8]) -> Self {
        self.push(name, value);
        self
    }

    /// Makes room for so many octets of further rows, so that they need not be moved as they grow.
    #[must_use]
    pub fn with_room(mut self, octets: usize) -> Self {
        self.rows.reserve(octets.min(SIP_MESSAGE_OCTETS));
        self
    }

    /// Sets the body and its Content-Type.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: &[u8]) -> Self {
        self.push(Name::ContentType.text(), content_type.as_bytes());
        self.body_octets(body)
    }

    /// Sets the body alone; its Content-Type is among the headers already, or it has none.
    #[must_use]
    pub fn body_octets(mut self, body: &[u8]) -> Self {
        if self.len().saturating_add(body.len()) > SIP_MESSAGE_OCTETS {
            self.is_overfull = true;
        } else {
            self.body = body.to_vec();
        }
        self
    }

    /// The method, when it is a request.
    #[must_use]
    pub const fn method(&self) -> Option<Method> {
        self.method
    }

    /// The status, when it is a response.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        self.status
    }

    /// True when a row of that name was added.
    #[must_use]
    pub const fn has(&self, name: Name) -> bool {
        self.present & 1_u128.wrapping_shl(name as u32) != 0
    }

    /// Octets when finished, the room for a long Via included.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.start
            .len()
            .saturating_add(self.rows.len())
            .saturating_add(self.body.len())
            .saturating_add(RESERVE_OCTETS)
    }

    /// Never true: a draft has a start line.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.start.is_empty()
    }

    /// True when something was left out because the message would have passed the limits.
    #[must_use]
    pub const fn is_overfull(&self) -> bool {
        self.is_overfull
    }

    /// The octets of [`Draft::finish`], for who needs nothing else.
    #[must_use]
    pub fn octets(self) -> Bytes {
        self.compose(None)
    }

    /// The message, with its Content-Length.
    #[must_use]
    pub fn finish(self) -> Message {
        decoded(self.compose(None))
    }

    /// The request with this Via on top, Content-Length, and Max-Forwards 70 if none was given.
    #[must_use]
    pub fn finish_with_via(self, via: &str) -> Message {
        decoded(self.octets_with_via(via))
    }

    /// The octets of [`Draft::finish_with_via`], for who needs nothing else.
    #[must_use]
    pub fn octets_with_via(mut self, via: &str) -> Bytes {
        if !self.has(Name::MaxForwards) {
            self.write(Name::MaxForwards.text(), b"70");
        }
        let via = via.as_bytes();
        self.compose(Some(via.get(..RESERVE_OCTETS / 2).unwrap_or(via)))
    }

    /// The parts in order, each copied once.
    fn compose(self, via: Option<&[u8]>) -> Bytes {
        let via_len = via.map_or(0, <[u8]>::len);
        let len = self.len().saturating_sub(RESERVE_OCTETS);
        let mut octets = Vec::with_capacity(len.saturating_add(via_len).saturating_add(48));
        octets.extend_from_slice(&self.start);
        if let Some(via) = via {
            octets.extend_from_slice(b"Via: ");
            extend_kept(&mut octets, via, |octet| !ends_a_row(octet));
            octets.extend_from_slice(b"\r\n");
        }
        octets.extend_from_slice(&self.rows);
        // Writing to a Vec cannot fail.
        let _ = write!(octets, "Content-Length: {}\r\n\r\n", self.body.len());
        octets.extend_from_slice(&self.body);
        octets.into()
    }

    fn push(&mut self, name: &str, value: &[u8]) {
        let is_token = !name.is_empty() && skip(name.as_bytes(), TOKEN).is_empty();
        let known = Name::from_octets(name.as_bytes());
        if !is_token || known == Name::ContentLength {
            return;
        }
        let grown = self
            .len()
            .saturating_add(name.len())
            .saturating_add(value.len())
            .saturating_add(": \r\n".len());
        if grown > SIP_MESSAGE_OCTETS
            || self.row_count.saturating_add(RESERVE_ROWS) > SIP_HEADER_ROWS
        {
            self.is_overfull = true;
            return;
        }
        if known != Name::Other {
            self.present |= 1_u128.wrapping_shl(known as u32);
        }
        self.write(name, value);
    }

    fn write(&mut self, name: &str, value: &[u8]) {
        self.row_count = self.row_count.saturating_add(1);
        self.rows.extend_from_slice(name.as_bytes());
        self.rows.extend_from_slice(b": ");
        extend_kept(&mut self.rows, value, |octet| !ends_a_row(octet));
        self.rows.extend_from_slice(b"\r\n");
    }
}

fn decoded(octets: Bytes) -> Message {
    // What a draft holds is within the grammar and the limits, so the second arm is never taken.
    Message::decode(octets.clone()).unwrap_or_else(|_| Message::from_parts(octets, Index::new()))
}

/// Appends the octets that are to be kept; mostly that is all of them, and then they are copied as one.
#[inline]
fn extend_kept(to: &mut Vec<u8>, octets: &[u8], keep: impl Fn(u8) -> bool) {
    if octets.iter().fold(true, |all, &octet| all & keep(octet)) {
        to.extend_from_slice(octets);
    } else {
        to.extend(octets.iter().copied().filter(|&octet| keep(octet)));
    }
}

const fn ends_a_row(octet: u8) -> bool {
    matches!(octet, b'\r' | b'\n' | 0)
}

/// The usual phrase of a status; that of its class when it has none.
#[must_use]
pub const fn reason_phrase(status: u16) -> &'static str {
    match status {
        300..400 => redirection_phrase(status),
        400..500 => client_phrase(status),
        500..600 => server_phrase(status),
        100 => "Trying",
        180 => "Ringing",
        181 => "Call Is Being Forwarded",
        182 => "Queued",
        183 => "Session Progress",
        199 => "Early Dialog Terminated",
        202 => "Accepted",
        204 => "No Notification",
        200 | 201 | 203 | 205..300 => "OK",
        600.. => global_phrase(status),
        _ => "Progress",
    }
}

const fn global_phrase(status: u16) -> &'static str {
    match status {
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        606 => "Not Acceptable",
        607 => "Unwanted",
        608 => "Rejected",
        _ => "Global Failure",
    }
}

const fn redirection_phrase(status: u16) -> &'static str {
    match status {
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        305 => "Use Proxy",
        380 => "Alternative Service",
        _ => "Redirection",
    }
}

const fn client_phrase(status: u16) -> &'static str {
    match status {
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        410 => "Gone",
        412 => "Conditional Request Failed",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Unsupported URI Scheme",
        420 => "Bad Extension",
        421 => "Extension Required",
        422 => "Session Interval Too Small",
        423 => "Interval Too Brief",
        424 => "Bad Location Information",
        428 => "Use Identity Header",
        429 => "Provide Referrer Identity",
        430 => "Flow Failed",
        433 => "Anonymity Disallowed",
        439 => "First Hop Lacks Outbound Support",
        440 => "Max-Breadth Exceeded",
        469 => "Bad Info Package",
        470 => "Consent Needed",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        484 => "Address Incomplete",
        485 => "Ambiguous",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        489 => "Bad Event",
        491 => "Request Pending",
        493 => "Undecipherable",
        494 => "Security Agreement Required",
        _ => "Bad Request",
    }
}

const fn server_phrase(status: u16) -> &'static str {
    match status {
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        505 => "Version Not Supported",
        513 => "Message Too Large",
        555 => "Push Notification Service Not Supported",
        580 => "Precondition Failure",
        _ => "Server Internal Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Message {
        Message::decode(Bytes::from(text.replace('\n', "\r\n"))).unwrap()
    }

    #[test]
    fn a_request_is_composed_in_order() {
        let message = Draft::request(Method::Message, "sip:alice@example.com")
            .header("From", "<sip:push@ppg.example.com>;tag=p1")
            .header("X-Sirgate-Sir", 17)
            .body("text/plain", b"hi")
            .finish_with_via("SIP/2.0/UDP 192.0.2.5;branch=z9hG4bK1");
        let expected = "MESSAGE sip:alice@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.5;branch=z9hG4bK1\r\n\
            From: <sip:push@ppg.example.com>;tag=p1\r\nX-Sirgate-Sir: 17\r\nContent-Type: text/plain\r\n\
            Max-Forwards: 70\r\nContent-Length: 2\r\n\r\nhi";
        assert_eq!(message.octets(), expected.as_bytes());
    }

    #[test]
    fn a_value_cannot_end_its_row() {
        let message = Draft::request(Method::Options, "sip:a@h\r\nEvil: 1")
            .header("Subject", "x\r\nEvil: 1\0")
            .header("Bad Name", "x")
            .finish();
        assert_eq!(message.header(Name::Subject), Some(&b"xEvil: 1"[..]));
        assert_eq!(message.extension("Evil"), None);
        assert_eq!(message.headers().count(), 2);
        assert_eq!(message.request_uri_text(), b"sip:a@hEvil:1");
    }

    #[test]
    fn a_response_takes_what_identifies_the_request() {
        let request = message(
            "MESSAGE sip:a@h SIP/2.0\nv: SIP/2.0/UDP one\nVia: SIP/2.0/UDP two,\n SIP/2.0/UDP three\nf: <sip:b@h>;tag=1\nTo: sip:a@h\ni: x\nCSeq: 7 MESSAGE\nContact: <sip:b@h>\n\n",
        );
        let response = Draft::response(&request, 200, Some("t1")).finish();
        let expected = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP one\r\nVia: SIP/2.0/UDP two, SIP/2.0/UDP three\r\n\
            From: <sip:b@h>;tag=1\r\nTo: sip:a@h;tag=t1\r\nCall-ID: x\r\nCSeq: 7 MESSAGE\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(response.octets(), expected.as_bytes());
        assert_eq!(response.to().unwrap().tag(), Some("t1"));
    }

    #[test]
    fn a_tag_that_is_there_stays() {
        let request = message("BYE sip:a@h SIP/2.0\nTo: <sip:a@h>;tag=old\n\n");
        let response = Draft::response(&request, 481, Some("new")).finish();
        assert_eq!(response.to().unwrap().tag(), Some("old"));
        assert_eq!(response.reason(), "Call/Transaction Does Not Exist");
    }

    #[test]
    fn what_passes_the_limits_is_left_out_and_said() {
        let draft = Draft::request(Method::Message, "sip:a@h").body("x/y", &vec![b'x'; 65_000]);
        assert!(draft.is_overfull());
        assert!(draft.finish().body().is_empty());
        let mut draft = Draft::request(Method::Message, "sip:a@h");
        for _ in 0..=SIP_HEADER_ROWS {
            draft = draft.header("X", "y");
        }
        assert!(draft.is_overfull());
        let message = draft.finish_with_via("SIP/2.0/UDP h");
        assert_eq!(message.method(), Some(Method::Message));
    }

    #[test]
    fn a_draft_reads_back_as_it_was_written() {
        let message = Draft::request_named("NEWMETHOD", "unknown:scheme")
            .header_octets("X-Octets", b"\xff\xfe")
            .body("application/vnd.wap.sia", &[1, 0, 0xff])
            .finish();
        let again = Message::decode(message.octets().clone()).unwrap();
        assert_eq!(again.octets(), message.octets());
        assert_eq!(again.method_text(), "NEWMETHOD");
        assert_eq!(again.extension("x-octets"), Some(&b"\xff\xfe"[..]));
        assert_eq!(again.body(), [1, 0, 0xff]);
    }
}
