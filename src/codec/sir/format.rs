//! A SIR in a SIP request, and its text form, as named fields for people and programs at the command line.
//!
//! **Source:** profile, E.1 and E.2. Deviations are those of binary content.

use bytes::Bytes;

use super::body::Form as BodyForm;
use super::fields::{fields_of, sir_of};
use super::{Class, DecodeError, Received, SIA_TYPE, Sir, TEXT_TYPE};
use crate::codec::Span;
use crate::codec::format::{Decoded, Deviation, Format};
use crate::codec::mime;
use crate::codec::rows::Gapless;
use crate::codec::sia::Sia;
use crate::codec::sip::{self, Draft, Message, Method};
use crate::codec::uri::Uri;

const PROFILE: &str = "profile E.2";

/// A SIP request that carries a SIR.
pub const FORMAT: Format = Format {
    name: "sir",
    clause: "profile E.1",
    decode: decode_sip,
    spans: sip_spans,
    encode: |fields| Ok(message(&sir_of(fields)?).octets().to_vec()),
};

/// The text fields of a SIR alone.
pub const FORMAT_TEXT: Format = Format {
    name: "sir-text",
    clause: PROFILE,
    decode: decode_text,
    spans: |octets, _| {
        let mut spans = Gapless::new("text.line", PROFILE);
        if decode_text(octets, false).is_ok() {
            text_spans(&mut spans, octets, 0);
            spans.fill(octets.len());
        }
        spans.finish(0)
    },
    encode: |fields| Ok(sir_of(fields)?.encode_text().body),
};

fn decode_sip(octets: &[u8], lenient: bool) -> Result<Decoded, DecodeError> {
    let message = Message::decode(Bytes::copy_from_slice(octets))?;
    // A request without any content may be one of many things, and is left to the format of SIP.
    if message.content_type().is_none() {
        let end = octets.len();
        return Err(super::fault(Class::MissingHeader, end, "a Content-Type"));
    }
    let sir = Sir::from_sip(&message)?;
    let deviations = body_deviations(&message);
    match deviations.first() {
        Some(first) if !lenient => Err(strict_fault(&message, *first)),
        _ => Ok(Decoded {
            fields: fields_of(&sir),
            deviations,
        }),
    }
}

fn decode_text(octets: &[u8], _lenient: bool) -> Result<Decoded, DecodeError> {
    let sir = Sir::decode(&Received {
        to: "",
        from: "",
        reply_to: None,
        header: &|_| Vec::new(),
        content_type: TEXT_TYPE,
        body: octets,
    })?;
    Ok(Decoded::strict(fields_of(&sir)))
}

/// A SIR as a request of its own, for a look at it; tag, branch and Call-ID are the same every time.
#[must_use]
pub fn message(sir: &Sir) -> Message {
    let wrapped = sir.encode();
    let host = Uri::decode(sir.server.as_bytes()).map_or("invalid.invalid", |uri| uri.host());
    let number = sir.id.as_deref().unwrap_or("0");
    let draft = Draft::request(Method::Message, &sir.client)
        .header("Max-Forwards", 70)
        .header("From", format_args!("<{}>;tag=sir", wrapped.from))
        .header("To", format_args!("<{}>", wrapped.to))
        .header("Call-ID", format_args!("sir-{number}@{host}"))
        .header("CSeq", "1 MESSAGE");
    let via = format!("SIP/2.0/UDP {host};branch=z9hG4bKsir{number};rport");
    wrapped.onto(draft).finish_with_via(&via)
}

/// The rows of the message, and the fields of its body instead of the body.
fn sip_spans(octets: &[u8], lenient: bool) -> Vec<Span> {
    let rows = sip::FORMAT.spans;
    let mut spans = Gapless::new("mime.delimiter", "RFC 2046 5.1");
    let rows = rows(octets, true);
    let end = rows
        .last()
        .map_or(0, |last| last.at.saturating_add(last.len));
    let message = Message::decode(Bytes::copy_from_slice(octets)).ok();
    for row in rows {
        let body = octets.get(row.at..row.at.saturating_add(row.len));
        if row.path == "sip.body"
            && let (Some(message), Some(body)) = (&message, body)
        {
            let content_type = message.content_type().unwrap_or(SIA_TYPE);
            body_spans(&mut spans, content_type, body, row.at, lenient);
        } else {
            spans.push(row);
        }
    }
    spans.finish(end)
}

fn body_spans(out: &mut Gapless, content_type: &str, body: &[u8], base: usize, lenient: bool) {
    let starts_as_text = body
        .first()
        .is_some_and(|octet| matches!(octet, 0x20..=0x7E));
    match BodyForm::of(content_type) {
        Some(BodyForm::Multipart) => {
            for part in mime::parts(content_type, body).unwrap_or_default() {
                let at = base.saturating_add(part.at);
                let kind = part.content_type();
                // Parts in parts are not SIRs.
                if BodyForm::of(kind) != Some(BodyForm::Multipart) {
                    body_spans(out, kind, part.body, at, lenient);
                }
            }
        }
        Some(BodyForm::Content) if !starts_as_text => {
            for span in Sia::spans(body, lenient) {
                let at = span.at.saturating_add(base);
                out.push(Span { at, ..span });
            }
        }
        Some(BodyForm::Content | BodyForm::Text) => text_spans(out, body, base),
        None => {
            let path = "mime.part".to_owned();
            out.put(
                base,
                body.len(),
                path,
                content_type.as_bytes(),
                "RFC 2046 5.1",
            );
        }
    }
}

/// One field a line.
fn text_spans(out: &mut Gapless, octets: &[u8], base: usize) {
    let mut at = base;
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        let equals = memchr::memchr(b'=', line);
        if let Some((name, value)) = equals.and_then(|equals| line.split_at_checked(equals)) {
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            let value = value.get(1..).unwrap_or_default();
            out.put(at, line.len(), format!("text.{name}"), value, PROFILE);
        }
        at = at.saturating_add(line.len());
    }
}

/// The binary content of a message and where it begins.
fn content(message: &Message) -> Option<(&[u8], usize)> {
    let body = message.body();
    let base = body
        .as_ptr()
        .addr()
        .saturating_sub(message.octets().as_ptr().addr());
    let content_type = message.content_type()?;
    let is_binary = |body: &[u8]| {
        body.first()
            .is_some_and(|octet| !matches!(octet, 0x20..=0x7E))
    };
    match BodyForm::of(content_type)? {
        BodyForm::Content => is_binary(body).then_some((body, base)),
        BodyForm::Text => None,
        BodyForm::Multipart => mime::parts(content_type, body)
            .ok()?
            .into_iter()
            .find(|part| {
                BodyForm::of(part.content_type()) == Some(BodyForm::Content) && is_binary(part.body)
            })
            .map(|part| (part.body, base.saturating_add(part.at))),
    }
}

fn body_deviations(message: &Message) -> Vec<Deviation> {
    let Some((body, base)) = content(message) else {
        return Vec::new();
    };
    let deviations = Sia::decode_lenient(body).map_or_else(|_| Vec::new(), |(_, odd)| odd);
    deviations
        .into_iter()
        .map(|odd| Deviation {
            at: odd.at.saturating_add(base),
            ..odd
        })
        .collect()
}

/// The fault that a strict reading of the content finds where a lenient one deviates.
fn strict_fault(message: &Message, first: Deviation) -> DecodeError {
    content(message)
        .and_then(|(body, base)| Sia::decode(body).err().map(|fault| fault.within(base)))
        .unwrap_or_else(|| super::fault(Class::BadValue, first.at, first.what))
}

#[cfg(test)]
mod tests;
