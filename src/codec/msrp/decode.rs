//! Reading one whole message.
//!
//! **Source:** RFC 4975 section 9.

use std::borrow::Cow;

use bytes::Bytes;

use super::{
    ByteRange, Flag, Headers, Message, Method, MsrpUri, Path, Request, Response, Status, all, cut,
    fault, find, is_identifier, reason,
};
use crate::codec::{Class, DecodeError};

/// The lines of a message's head with their offsets.
struct Lines<'a> {
    head: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    const fn is_over(&self) -> bool {
        self.at >= self.head.len()
    }

    fn next(&mut self) -> Option<(&'a [u8], usize)> {
        let rest = self.head.get(self.at..).filter(|rest| !rest.is_empty())?;
        let at = self.at;
        let end = find(rest, b"\r\n").unwrap_or(rest.len());
        self.at = at.saturating_add(end).saturating_add(2);
        rest.get(..end).map(|line| (line, at))
    }
}

pub(super) fn message(octets: &Bytes) -> Result<Message, DecodeError> {
    let start_end = find(octets, b"\r\n")
        .ok_or_else(|| fault(octets.len(), Class::Truncated, "the end of the start line"))?;
    let start = start_line(octets.get(..start_end).unwrap_or_default())?;
    let (end_line_at, flag) = end_line(octets, start.tid)?;
    if let Some(at) = early_end_line(octets, start_end, start.tid, end_line_at) {
        let expected = "the end after the first end-line";
        return Err(fault(at, Class::BadValue, expected));
    }
    let before = octets.get(..end_line_at).unwrap_or_default();
    let (head, body) = match find(before, b"\r\n\r\n") {
        // The line end before the end-line is no part of the body.
        Some(end) => {
            let from = end.saturating_add(4);
            let to = end_line_at.saturating_sub(2);
            if from > to {
                return Err(fault(
                    end_line_at,
                    Class::Truncated,
                    "a body and a line end",
                ));
            }
            let head = before.get(..end.saturating_add(2)).unwrap_or_default();
            (head, Some((octets.slice(from..to), from)))
        }
        None => (before, None),
    };
    let mut lines = Lines {
        head,
        at: start_end.saturating_add(2),
    };
    let to_path = path(lines.next(), "To-Path", lines.at)?;
    let from_path = path(lines.next(), "From-Path", lines.at)?;
    let headers = headers(&mut lines, body.as_ref().map(|(_, at)| *at))?;
    let tid = start.tid.to_owned();
    Ok(match start.kind {
        Kind::Request(method) => Message::Request(Request {
            tid,
            method,
            to_path,
            from_path,
            headers,
            body: body.map(|(body, _)| body),
            flag,
        }),
        Kind::Response(status, words) => {
            if let Some((_, at)) = body {
                return Err(fault(at, Class::BadValue, "no body in a response"));
            }
            Message::Response(Response {
                tid,
                status,
                reason: words.map(|words| known_reason(status, words)),
                to_path,
                from_path,
                headers,
                flag,
            })
        }
    })
}

/// The start line in pieces.
pub(super) struct Start<'a> {
    pub(super) tid: &'a str,
    kind: Kind<'a>,
}

impl Start<'_> {
    /// The method, of a request.
    pub(super) fn method(&self) -> Option<Method> {
        match &self.kind {
            Kind::Request(method) => Some(method.clone()),
            Kind::Response(..) => None,
        }
    }
}

/// The words of a response; the usual ones cost nothing to keep.
fn known_reason(status: u16, words: &str) -> Cow<'static, str> {
    match reason(status) {
        Some(known) if known == words => Cow::Borrowed(known),
        _ => Cow::Owned(words.to_owned()),
    }
}

enum Kind<'a> {
    Request(Method),
    Response(u16, Option<&'a str>),
}

pub(super) fn start_line(line: &[u8]) -> Result<Start<'_>, DecodeError> {
    let bad = |at, expected| Err(fault(at, Class::BadValue, expected));
    let Ok(text) = core::str::from_utf8(line) else {
        return bad(0, "a start line in UTF-8");
    };
    if !all(text, |b| !is_control(b)) {
        let at = text.bytes().position(is_control).unwrap_or_default();
        return bad(at, "a start line without control characters");
    }
    let Some(rest) = text.strip_prefix("MSRP ") else {
        return bad(0, "MSRP");
    };
    let Some((tid, rest)) = cut(rest, b' ').filter(|(tid, _)| is_identifier(tid)) else {
        return bad(5, "a transaction identifier");
    };
    let at = tid.len().saturating_add(6);
    let (word, reason) = match cut(rest, b' ') {
        Some((word, reason)) => (word, Some(reason)),
        None => (rest, None),
    };
    let kind = if let Some(status) = status_code(word) {
        Kind::Response(status, reason)
    } else if word.is_empty() || reason.is_some() || !word.bytes().all(|b| b.is_ascii_uppercase()) {
        return bad(at, "a method or a status code");
    } else {
        Kind::Request(match word {
            "SEND" => Method::Send,
            "REPORT" => Method::Report,
            other => Method::Other(other.to_owned()),
        })
    };
    Ok(Start { tid, kind })
}

/// Where the end-line begins, and its flag; it must be the end of the octets.
fn end_line(octets: &[u8], tid: &str) -> Result<(usize, Flag), DecodeError> {
    let absent = || fault(octets.len(), Class::Truncated, "the end-line");
    let size = tid.len().saturating_add(10);
    let at = octets.len().checked_sub(size).ok_or_else(absent)?;
    let line = octets.get(at..).unwrap_or_default();
    let flag = line
        .strip_prefix(b"-------")
        .and_then(|rest| rest.strip_prefix(tid.as_bytes()))
        .and_then(|rest| match rest {
            [flag, b'\r', b'\n'] => Flag::of(*flag),
            _ => None,
        });
    let preceded = at
        .checked_sub(2)
        .and_then(|before| octets.get(before..at))
        .is_some_and(|before| before == b"\r\n");
    match flag {
        Some(flag) if preceded => Ok((at, flag)),
        _ => Err(absent()),
    }
}

/// Where an end-line stands before the one at `last`: on a stream the message would end there.
fn early_end_line(octets: &[u8], from: usize, tid: &str, last: usize) -> Option<usize> {
    let before = octets.get(from..last)?;
    memchr::memchr_iter(b'\r', before).find_map(|at| {
        let at = from.saturating_add(at).saturating_add(2);
        let line = octets.get(at.checked_sub(2)?..)?;
        let rest = line.strip_prefix(b"\r\n-------")?;
        let is_end = match rest.strip_prefix(tid.as_bytes())? {
            [flag, b'\r', b'\n', ..] => Flag::of(*flag).is_some(),
            _ => false,
        };
        (is_end && at < last).then_some(at)
    })
}

fn path(line: Option<(&[u8], usize)>, name: &'static str, end: usize) -> Result<Path, DecodeError> {
    let Some((line, at)) = line else {
        return Err(fault(end, Class::MissingHeader, name));
    };
    let (found, value, value_at) = header(line, at)?;
    if !found.eq_ignore_ascii_case(name) {
        return Err(fault(at, Class::MissingHeader, name));
    }
    let mut here = value_at;
    for uri in value.split(' ') {
        MsrpUri::decode(uri).map_err(|error| error.within(here))?;
        here = here.saturating_add(uri.len()).saturating_add(1);
    }
    Ok(value.into())
}

/// A header line in pieces: name, value, offset of the value.
fn header(line: &[u8], at: usize) -> Result<(&str, &str, usize), DecodeError> {
    let text = core::str::from_utf8(line).map_err(|error| {
        fault(
            at.saturating_add(error.valid_up_to()),
            Class::BadValue,
            "a header in UTF-8",
        )
    })?;
    // A name has no colon, so the first one ends it.
    let (name, value) = cut(text, b':')
        .and_then(|(name, rest)| Some((name, rest.strip_prefix(' ')?)))
        .filter(|(name, _)| is_name(name))
        .ok_or_else(|| fault(at, Class::BadValue, "a header NAME: value"))?;
    let value_at = at.saturating_add(name.len()).saturating_add(2);
    if all(value, |b| !is_control(b)) {
        return Ok((name, value, value_at));
    }
    let bad = value.bytes().position(is_control).unwrap_or_default();
    Err(fault(
        value_at.saturating_add(bad),
        Class::BadValue,
        "a value without control characters",
    ))
}

const fn is_control(octet: u8) -> bool {
    octet.is_ascii_control() && octet != b'\t'
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && all(name, |b| {
            b.is_ascii_alphanumeric()
                || matches!(b, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
        })
}

/// The headers after the paths; `body_at` tells that a body follows, and where.
fn headers(lines: &mut Lines<'_>, body_at: Option<usize>) -> Result<Headers, DecodeError> {
    let mut headers = if lines.is_over() {
        Headers::default()
    } else {
        Headers::with_room()
    };
    let mut content_type_at = None;
    while let Some((line, at)) = lines.next() {
        let (name, value, value_at) = header(line, at)?;
        if let Some(at) = content_type_at {
            return Err(fault(
                at,
                Class::BadValue,
                "Content-Type as the last header",
            ));
        }
        let known = KNOWN.iter().find(|known| known.eq_ignore_ascii_case(name));
        if let Some(known) = known {
            if headers.value(known).is_some() {
                return Err(fault(at, Class::Repeated, "this header once"));
            }
            check(known, value, value_at)?;
            if *known == "Content-Type" {
                content_type_at = Some(at);
            }
        }
        headers.push(name, value);
    }
    match (content_type_at, body_at) {
        (None, Some(at)) => Err(fault(at, Class::MissingHeader, "Content-Type")),
        (Some(at), None) => Err(fault(at, Class::BadValue, "a body after Content-Type")),
        _ => Ok(headers),
    }
}

/// Headers that may stand once.
const KNOWN: [&str; 8] = [
    "To-Path",
    "From-Path",
    "Message-ID",
    "Byte-Range",
    "Success-Report",
    "Failure-Report",
    "Status",
    "Content-Type",
];

fn check(name: &str, value: &str, at: usize) -> Result<(), DecodeError> {
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(value));
    let (fits, expected) = match name {
        "To-Path" | "From-Path" => return Err(fault(at, Class::Repeated, "this path once")),
        "Message-ID" => (is_identifier(value), "a message identifier"),
        "Byte-Range" => (value.parse::<ByteRange>().is_ok(), "START-END/TOTAL"),
        "Success-Report" => (is(&["yes", "no"]), "yes or no"),
        "Failure-Report" => (is(&["yes", "no", "partial"]), "yes, no or partial"),
        "Status" => (status(value).is_some(), "000 and a status code"),
        _ => (value.contains('/'), "a media type"),
    };
    if fits {
        Ok(())
    } else {
        Err(fault(at, Class::BadValue, expected))
    }
}

/// The value of a `Status` header of namespace 000.
pub(super) fn status(value: &str) -> Option<Status> {
    let rest = value.strip_prefix("000 ")?;
    let (code, text) = match rest.split_once(' ') {
        Some((code, text)) => (code, Some(text.to_owned())),
        None => (rest, None),
    };
    Some(Status {
        code: status_code(code)?,
        text,
    })
}

fn status_code(word: &str) -> Option<u16> {
    let digits = word.len() == 3 && word.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| word.parse().ok()).flatten()
}
