//! A SIP message as named fields, for people and programs at the command line.
//!
//! **Source:** RFC 3261 section 7. A strict reading also asks what a server asks first: the headers that every message
//! has, once each and well-formed; a lenient one lists what of that is not kept. Blanks around colons are not fields.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::Message;
use super::frame::Start;
use crate::codec::format::{Decoded, Deviation, FieldFault, Format};
use crate::codec::rows::{self, Gapless};
use crate::codec::{DecodeError, Span};
use crate::limits;

const CLAUSE: &str = "RFC 3261 7";

/// SIP requests and responses.
pub const FORMAT: Format = Format {
    name: "sip",
    clause: CLAUSE,
    decode,
    spans,
    encode,
};

fn decode(octets: &[u8], lenient: bool) -> Result<Decoded, DecodeError> {
    let message = Message::decode(Bytes::copy_from_slice(octets))?;
    let checked = match message.status() {
        None => message.check_request(),
        Some(_) => message.check_response(),
    };
    let deviations = match checked {
        Ok(()) => Vec::new(),
        Err(fault) if lenient => vec![Deviation {
            at: fault.offset,
            what: fault.expected,
        }],
        Err(fault) => return Err(fault),
    };
    Ok(Decoded {
        fields: fields(&message),
        deviations,
    })
}

fn fields(message: &Message) -> Value {
    let mut fields = Map::new();
    let octets: &[u8] = message.octets();
    if let Start::Request { version, .. } = message.frame().index.start {
        fields.insert("method".into(), message.method_text().into());
        rows::put(&mut fields, "uri", message.request_uri_text());
        let version = octets
            .get(usize::from(version.at)..usize::from(version.end))
            .unwrap_or_default();
        if version != b"SIP/2.0" {
            rows::put(&mut fields, "version", version);
        }
    } else {
        fields.insert("status".into(), json!(message.status()));
        if let Start::Response { reason, .. } = message.frame().index.start {
            let reason = octets
                .get(usize::from(reason.at)..usize::from(reason.end))
                .unwrap_or_default();
            rows::put(&mut fields, "reason", reason);
        }
    }
    let headers = message.headers().map(|(_, name, value)| (name, value));
    fields.insert("headers".into(), rows::headers(headers));
    let body = message.body();
    if !body.is_empty() {
        rows::put(&mut fields, "body", body);
    }
    let (_, end) = ends(message);
    let further = octets.get(end..).unwrap_or_default();
    if !further.is_empty() {
        rows::put(&mut fields, "further", further);
    }
    Value::Object(fields)
}

/// Where the body begins and where it ends.
fn ends(message: &Message) -> (usize, usize) {
    let index = message.frame().index;
    (index.head_len(), usize::from(index.body_end))
}

fn encode(fields: &Value) -> Result<Vec<u8>, FieldFault> {
    let mut out = Vec::new();
    let text = |key: &str| -> Result<Option<Vec<u8>>, FieldFault> { rows::take(fields, key) };
    if let Some(method) = text("method")? {
        let uri = text("uri")?.ok_or_else(|| FieldFault::new("uri: a request needs one"))?;
        let version = text("version")?.unwrap_or_else(|| b"SIP/2.0".to_vec());
        out.extend([method, uri, version].join(&b' '));
    } else {
        let status = fields
            .get("status")
            .and_then(Value::as_u64)
            .filter(|status| (100..700).contains(status))
            .ok_or_else(|| FieldFault::new("method or status: one of them"))?;
        out.extend(format!("SIP/2.0 {status} ").bytes());
        out.extend(text("reason")?.unwrap_or_default());
    }
    out.extend(b"\r\n");
    for (name, value) in rows::headers_of(fields)? {
        out.extend(name.bytes());
        out.extend(b": ");
        out.extend(value);
        out.extend(b"\r\n");
    }
    out.extend(b"\r\n");
    out.extend(text("body")?.unwrap_or_default());
    out.extend(text("further")?.unwrap_or_default());
    // What the rules of SIP do not allow is made by damaging octets, not by writing them.
    match decode(&out, true) {
        Ok(_) => Ok(out),
        Err(fault) => Err(FieldFault::new(format_args!("no SIP message: {fault}"))),
    }
}

/// A row each: start line, headers, the empty line, body.
#[must_use]
pub fn spans(octets: &[u8], _lenient: bool) -> Vec<Span> {
    let mut spans = Gapless::new("sip.further", CLAUSE);
    let message = match Message::decode(Bytes::copy_from_slice(octets)) {
        Ok(message) => message,
        Err(fault) => return lines_before(octets, fault.offset),
    };
    let whole: &[u8] = message.octets();
    let start = whole.as_ptr().addr();
    let (head, end) = ends(&message);
    let names: Vec<usize> = message
        .headers()
        .map(|(_, name, _)| name.as_ptr().addr().saturating_sub(start))
        .collect();
    let blank = head.saturating_sub(2);
    let line_end = names.first().copied().unwrap_or(blank);
    let line = octets.get(..line_end).unwrap_or_default();
    spans.put(0, line_end, "sip.start".into(), line, "RFC 3261 7.1");
    for (number, (_, name, value)) in message.headers().enumerate() {
        let at = names.get(number).copied().unwrap_or(blank);
        let next = names
            .get(number.saturating_add(1))
            .copied()
            .unwrap_or(blank);
        let name = String::from_utf8_lossy(name);
        let clause = if is_ours(&name) {
            "profile E.1"
        } else {
            "RFC 3261 7.3"
        };
        let len = next.saturating_sub(at);
        spans.put(at, len, format!("sip.{name}"), value, clause);
    }
    let body = end.saturating_sub(head);
    spans.put(blank, 2, "sip.blank".into(), b"end of the header", CLAUSE);
    if body > 0 {
        let value = format!("{body} octets");
        let clause = "RFC 3261 7.4";
        spans.put(head, body, "sip.body".into(), value.as_bytes(), clause);
    }
    spans.finish(octets.len())
}

fn is_ours(name: &str) -> bool {
    name.get(..9)
        .is_some_and(|head| head.eq_ignore_ascii_case("X-Sirgate"))
}

/// The whole lines before a fault.
fn lines_before(octets: &[u8], fault: usize) -> Vec<Span> {
    let mut spans = Gapless::new("sip.line", CLAUSE);
    let mut at = 0_usize;
    let lines = octets.split_inclusive(|octet| *octet == b'\n');
    for line in lines.take(limits::SIP_HEADER_ROWS) {
        let end = at.saturating_add(line.len());
        if end > fault {
            break;
        }
        spans.put(at, line.len(), "sip.line".into(), line, CLAUSE);
        at = end;
    }
    spans.finish(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &[u8] = b"OPTIONS sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.5;branch=z9hG4bKo\r\n\
        From: <sip:a@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\n\
        Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi";

    #[test]
    fn a_message_reads_back_as_the_same_octets() {
        let read = decode(OPTIONS, false).unwrap();
        assert_eq!(read.fields["method"], "OPTIONS");
        assert_eq!(read.fields["body"], "hi");
        assert_eq!(
            read.fields["headers"][5],
            json!({"Content-Type": "text/plain"})
        );
        assert_eq!(encode(&read.fields).unwrap(), OPTIONS);
        let spans = spans(OPTIONS, false);
        assert_eq!(spans.last().unwrap().value, "2 octets");
        assert_eq!(
            spans.iter().map(|span| span.len).sum::<usize>(),
            OPTIONS.len()
        );
    }

    #[test]
    fn a_missing_header_is_refused_strictly_and_listed_leniently() {
        let text = String::from_utf8(OPTIONS.to_vec()).unwrap();
        let short = text.replace("Call-ID: o\r\n", "");
        assert!(decode(short.as_bytes(), false).is_err());
        assert_eq!(decode(short.as_bytes(), true).unwrap().deviations.len(), 1);
    }

    #[test]
    fn fields_that_make_no_message_are_refused() {
        for fields in [
            json!({}),
            json!({"method": "OPTIONS"}),
            json!({"status": 99}),
            json!({"method": "A B", "uri": "sip:a@b"}),
            json!({"method": "OPTIONS", "uri": "sip:a@b\r\nVia: x"}),
        ] {
            assert!(encode(&fields).is_err(), "{fields}");
        }
    }

    #[test]
    fn lines_before_a_fault_are_shown() {
        let octets = b"OPTIONS sip:b@example.com SIP/2.0\r\nVia: x\r\nno colon\r\n\r\n";
        assert_eq!(spans(octets, false).len(), 2);
    }

    #[test]
    fn no_more_lines_are_shown_than_a_message_may_have_rows() {
        let octets = format!("{}no start line\r\n\r\n", "\r\n".repeat(30_000));
        assert!(decode(octets.as_bytes(), true).is_err());
        assert_eq!(
            spans(octets.as_bytes(), true).len(),
            limits::SIP_HEADER_ROWS
        );
    }
}
