//! Any input that may be a SIR, taken apart for people: its form, its fields, and where each field stands.

use core::fmt::Write as _;

use bytes::Bytes;
use serde_json::{Value, json};

use super::body::Form as BodyForm;
use super::fields::{SCHEMA, fields_of, sir_of};
use super::{DecodeError, DeviceId, Named, Received, SIA_TYPE, Sir, TEXT_TYPE, UnknownName};
use crate::codec::Span;
use crate::codec::format::{Deviation, FieldFault};
use crate::codec::mime;
use crate::codec::sia::{self, Sia};
use crate::codec::sip::{Draft, Message, Method};
use crate::codec::uri::Uri;

/// What the octets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// SIA content.
    Sia,
    /// Text fields.
    Text,
    /// A SIP request.
    Sip,
}

/// An input taken apart.
#[derive(Clone, Debug)]
pub struct Annotated {
    /// What it is.
    pub form: Form,
    /// How many octets it has.
    pub len: usize,
    /// What it says.
    pub fields: Value,
    /// What only a lenient reading accepts.
    pub deviations: Vec<Deviation>,
    /// Where each field stands.
    pub spans: Vec<Span>,
}

/// What a SIR is to a device with these identifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matching {
    /// `match`, `mismatch`, `conflict` or `unnamed`.
    pub verdict: &'static str,
    /// The own identifiers that are named, as written by the device.
    pub by: Vec<DeviceId>,
    /// Every device that is named.
    pub named: Vec<DeviceId>,
}

const PROFILE: &str = "profile E.2";

impl Form {
    const NAMES: [(Self, &'static str); 3] =
        [(Self::Sia, "sia"), (Self::Text, "text"), (Self::Sip, "sip")];

    /// The name at the command line and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sia => "sia",
            Self::Text => "text",
            Self::Sip => "sip",
        }
    }

    /// The form that the first octets tell.
    #[must_use]
    pub fn guess(octets: &[u8]) -> Self {
        let line = octets.split(|octet| *octet == b'\r').next();
        let is_start_line =
            line.is_some_and(|line| line.ends_with(b" SIP/2.0")) || octets.starts_with(b"SIP/2.0 ");
        if is_start_line {
            Self::Sip
        } else if octets
            .first()
            .is_some_and(|octet| matches!(octet, 0x20..=0x7E))
        {
            Self::Text
        } else {
            Self::Sia
        }
    }
}

impl core::str::FromStr for Form {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::NAMES
            .into_iter()
            .find(|(_, name)| name.eq_ignore_ascii_case(text))
            .map(|(form, _)| form)
            .ok_or_else(|| UnknownName::new(text, "a form"))
    }
}

/// Takes an input apart; `None` as form means that its first octets tell.
///
/// # Errors
/// The first fault; [`spans`] shows what stands before it.
pub fn annotate(
    octets: &[u8],
    form: Option<Form>,
    lenient: bool,
) -> Result<Annotated, DecodeError> {
    let form = form.unwrap_or_else(|| Form::guess(octets));
    let mut deviations = Vec::new();
    let fields = match form {
        Form::Sia if lenient => {
            let (sia, odd) = Sia::decode_lenient(octets)?;
            deviations = odd;
            sia::fields::fields_of(&sia)
        }
        Form::Sia => sia::fields::fields_of(&Sia::decode(octets)?),
        Form::Text => {
            let sir = Sir::decode(&Received {
                to: "",
                from: "",
                reply_to: None,
                header: &|_| Vec::new(),
                content_type: TEXT_TYPE,
                body: octets,
            })?;
            fields_of(&sir)
        }
        Form::Sip => {
            let message = Message::decode(Bytes::copy_from_slice(octets))?;
            let sir = Sir::from_sip(&message)?;
            deviations = body_deviations(&message);
            if let Some(first) = deviations.first().filter(|_| !lenient) {
                return Err(strict_fault(&message, *first));
            }
            fields_of(&sir)
        }
    };
    Ok(Annotated {
        form,
        len: octets.len(),
        fields,
        deviations,
        spans: spans(octets, form, lenient),
    })
}

/// Where each field stands, up to the first fault.
#[must_use]
pub fn spans(octets: &[u8], form: Form, lenient: bool) -> Vec<Span> {
    match form {
        Form::Sia => Sia::spans(octets, lenient),
        Form::Text => text_spans(octets, 0),
        Form::Sip => sip_spans(octets, lenient),
    }
}

/// The JSON of a refused input.
#[must_use]
pub fn refused(error: &DecodeError) -> Value {
    json!({
        "schema": SCHEMA,
        "error": {
            "format": error.format,
            "offset": error.offset,
            "class": error.class.name(),
            "expected": error.expected,
        },
    })
}

impl Annotated {
    /// The JSON of the schema.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let spans: Vec<Value> = self.spans.iter().map(span_json).collect();
        let deviations: Vec<Value> = self
            .deviations
            .iter()
            .map(|odd| json!({"at": odd.at, "expected": odd.what}))
            .collect();
        json!({
            "schema": SCHEMA,
            "form": self.form.name(),
            "octets": self.len,
            "fields": self.fields,
            "deviations": deviations,
            "spans": spans,
        })
    }

    /// One line about the whole, and a row for each field with its octets.
    #[must_use]
    pub fn to_text(&self, octets: &[u8]) -> String {
        let kind = match self.form {
            Form::Sia => "sia",
            Form::Text => "sir as text",
            Form::Sip => "sip message",
        };
        let mut out = format!("{kind}, {} octets, ", self.len);
        match self.deviations.len() {
            0 => out.push_str("no deviation\n"),
            count => {
                let plural = if count == 1 { "" } else { "s" };
                // Writing to a String cannot fail.
                let _ = writeln!(out, "{count} deviation{plural}");
            }
        }
        let mut in_sia = false;
        for span in &self.spans {
            let is_sia = span.path.starts_with("sia.");
            if is_sia && !in_sia {
                let head = format!("  sia, version {}", span.value);
                let _ = writeln!(out, "{head:<88} {}", span.clause);
            }
            in_sia = is_sia;
            if is_sia {
                out.push_str(&sia::rows(octets, core::slice::from_ref(span), 0));
            } else {
                let name = span.path.rsplit('.').next().unwrap_or_default();
                let row = format!("  {:04x}  {name:<20} {}", span.at, span.value);
                let _ = writeln!(out, "{}", row.trim_end());
            }
        }
        for odd in &self.deviations {
            let _ = writeln!(out, "  {:04x}  deviation: expected {}", odd.at, odd.what);
        }
        out
    }
}

/// The octets of such fields: SIA content, text fields, or a MESSAGE with the rows every request needs.
///
/// # Errors
/// As [`sir_of`] and [`sia::fields::sia_of`].
pub fn compose(fields: &Value, form: Form) -> Result<Vec<u8>, FieldFault> {
    match form {
        Form::Sia => Ok(sia::fields::sia_of(fields.get("sia").unwrap_or(fields))?.encode()),
        Form::Text => Ok(sir_of(fields)?.encode_text().body),
        Form::Sip => Ok(message(&sir_of(fields)?).octets().to_vec()),
    }
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

/// Which of a device's identifiers a SIR names.
#[must_use]
pub fn matching(sir: &Sir, own: &[DeviceId]) -> Matching {
    let (verdict, named) = match sir.devices() {
        Named::Nobody => ("unnamed", Vec::new()),
        Named::Conflict => {
            let all = [&sir.header, &sir.value, &sir.body];
            let all = all.into_iter().flat_map(|placed| placed.devices.clone());
            ("conflict", all.collect())
        }
        Named::These(devices) => ("mismatch", devices.into_iter().cloned().collect()),
    };
    let by: Vec<DeviceId> = own
        .iter()
        .filter(|id| named.iter().any(|device: &DeviceId| device.matches(id)))
        .cloned()
        .collect();
    let verdict = if verdict == "mismatch" && !by.is_empty() {
        "match"
    } else {
        verdict
    };
    Matching { verdict, by, named }
}

impl Matching {
    /// The JSON of the schema.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "schema": SCHEMA,
            "verdict": self.verdict,
            "by": self.by,
            "named": self.named,
        })
    }
}

fn span_json(span: &Span) -> Value {
    let number = span
        .value
        .parse::<u64>()
        .ok()
        .filter(|number| number.to_string() == span.value);
    let value = number.map_or_else(|| Value::from(span.value.as_str()), Value::from);
    json!({
        "at": span.at,
        "len": span.len,
        "path": span.path,
        "value": value,
        "clause": span.clause,
    })
}

/// Start line, header rows, and the body by its form.
fn sip_spans(octets: &[u8], lenient: bool) -> Vec<Span> {
    let Ok(message) = Message::decode(Bytes::copy_from_slice(octets)) else {
        return Vec::new();
    };
    let start = message.octets().as_ptr().addr();
    let at = |part: &[u8]| part.as_ptr().addr().saturating_sub(start);
    let line = octets
        .split(|octet| *octet == b'\r')
        .next()
        .unwrap_or_default();
    let mut spans = vec![span(0, line, "sip.start", line, "RFC 3261 7.1")];
    for (_, name, value) in message.headers() {
        let first = at(name);
        let end = at(value).saturating_add(value.len());
        let row = octets.get(first..end).unwrap_or_default();
        let text = String::from_utf8_lossy(name);
        let is_ours = text
            .get(..9)
            .is_some_and(|head| head.eq_ignore_ascii_case("X-Sirgate"));
        let clause = if is_ours {
            "profile E.1"
        } else {
            "RFC 3261 7.3"
        };
        spans.push(span(first, row, &format!("sip.{text}"), value, clause));
    }
    let body = message.body();
    if !body.is_empty() {
        let content_type = message.content_type().unwrap_or(SIA_TYPE);
        body_spans(&mut spans, content_type, body, at(body), lenient);
    }
    spans
}

fn body_spans(out: &mut Vec<Span>, content_type: &str, body: &[u8], base: usize, lenient: bool) {
    match BodyForm::of(content_type) {
        Some(BodyForm::Multipart) => {
            for part in mime::parts(content_type, body).unwrap_or_default() {
                let at = base.saturating_add(part.at);
                let kind = part.content_type();
                out.push(span(
                    at,
                    part.body,
                    "mime.part",
                    kind.as_bytes(),
                    "RFC 2046 5.1",
                ));
                // Parts in parts are not SIRs.
                if BodyForm::of(kind) != Some(BodyForm::Multipart) {
                    body_spans(out, kind, part.body, at, lenient);
                }
            }
        }
        Some(BodyForm::Content)
            if !body
                .first()
                .is_some_and(|octet| matches!(octet, 0x20..=0x7E)) =>
        {
            out.extend(Sia::spans(body, lenient).into_iter().map(|span| Span {
                at: span.at.saturating_add(base),
                ..span
            }));
        }
        Some(BodyForm::Content | BodyForm::Text) => out.extend(text_spans(body, base)),
        None => {}
    }
}

/// One field a line.
fn text_spans(octets: &[u8], base: usize) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut at = base;
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        let field = line.strip_suffix(b"\n").unwrap_or(line);
        let field = field.strip_suffix(b"\r").unwrap_or(field);
        let equals = memchr::memchr(b'=', field);
        if let Some((name, value)) = equals.and_then(|equals| field.split_at_checked(equals)) {
            let path = format!(
                "text.{}",
                String::from_utf8_lossy(name).to_ascii_lowercase()
            );
            let value = value.get(1..).unwrap_or_default();
            spans.push(span(at, field, &path, value, PROFILE));
        }
        at = at.saturating_add(line.len());
    }
    spans
}

fn span(at: usize, octets: &[u8], path: &str, value: &[u8], clause: &'static str) -> Span {
    let value = String::from_utf8_lossy(value);
    Span {
        at,
        len: octets.len(),
        path: path.to_owned(),
        // A folded value is one line.
        value: value.split_whitespace().collect::<Vec<_>>().join(" "),
        clause,
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
        .unwrap_or_else(|| super::fault(super::Class::BadValue, first.at, first.what))
}

#[cfg(test)]
mod tests;
