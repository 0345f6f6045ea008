//! Structured damage to valid messages of every format, so that deep states are reached: what the codecs promise holds
//! for whatever comes of it.
//!
//! The input is a plan, not a message: which vector, which named mutations, what is repeated, spliced or inserted. Its
//! octets are spent as choices by `arbitrary`.

use std::sync::OnceLock;

use arbitrary::Unstructured;
use serde_json::Value;

use crate::codec::corrupt::{MUTATIONS, Place};
use crate::codec::format::Format;
use crate::codec::vector::{self, Vector, covered};
use crate::codec::{Class, FORMATS};

/// A valid message of a format.
#[derive(Clone, Debug)]
pub struct Seed {
    /// Its format.
    pub format: &'static Format,
    /// Its octets.
    pub octets: Vec<u8>,
}

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../testdata/", $name)))),*]
    };
}

/// The files of vectors under `testdata`, with what they hold.
pub const VECTOR_FILES: &[(&str, &str)] = files!(
    "download/dd.json",
    "installation/information.json",
    "message_summary/message-summary.json",
    "msrp/vectors.json",
    "ota_http/vectors.json",
    "pap/vectors-addresses.json",
    "pap/vectors-bodies.json",
    "pap/vectors-documents.json",
    "presence/pidf.json",
    "reginfo/reginfo.json",
    "sia/vectors.json",
    "sip/vectors.json",
    "sir/vectors.json",
    "smpp/pdus.json",
    "sms/sck.json",
    "sms/tpdu.json",
    "sms/user_data.json",
    "ussd/mobile.json",
    "ussd/udcp.json",
    "wbxml/co.json",
    "wbxml/emn.json",
    "wbxml/si.json",
    "wbxml/sl.json",
    "wbxml/xml.json",
    "apns/answer.json",
    "apns/payload.json",
    "fcm/answer.json",
    "fcm/message.json",
    "fcm/token.json",
    "jwt/tokens.json",
    "web_push/records.json",
    "web_push/socket.json",
    "web_push/vapid.json",
    "wsp/content_types.json",
    "wsp/datagrams.json",
    "wsp/headers.json",
    "wsp/primitives.json",
    "wtp/sessions.json",
);

/// Octets a generated message may have.
const OCTETS_MAX: usize = 65_535;
/// Changes of one message.
const CHANGES_MAX: u8 = 5;
/// Copies of one field.
const COPIES_MAX: usize = 512;
/// Fields that are computed and not written: `targeted` is told by a Request-URI that a SIR alone has not; a length that
/// was longer than it need be is written shorter.
const READ_ONLY: &[(&str, &str)] = &[
    ("sir", "targeted"),
    ("uintvar", "octets"),
    ("value-length", "octets"),
];

/// Every valid vector, once.
pub fn seeds() -> &'static [Seed] {
    static SEEDS: OnceLock<Vec<Seed>> = OnceLock::new();
    SEEDS.get_or_init(|| {
        VECTOR_FILES
            .iter()
            .filter_map(|(_, text)| serde_json::from_str::<Vec<Vector>>(text).ok())
            .flatten()
            .filter(|vector| vector.valid)
            .filter_map(|vector| {
                Some(Seed {
                    format: vector::format(&vector.kind)?,
                    octets: vector.octets().ok()?,
                })
            })
            .collect()
    })
}

/// A message made by the plan that the octets are.
pub fn formats(octets: &[u8]) {
    let mut plan = Unstructured::new(octets);
    if let Ok((format, octets)) = generated(&mut plan) {
        promises(format, &octets);
    }
}

/// What must hold for any octets: strict and lenient readings agree, spans have no gap, what is read is written, and what
/// is written is read as the same.
pub fn promises(format: &Format, octets: &[u8]) {
    let name = format.name;
    let strict = (format.decode)(octets, false);
    let lenient = (format.decode)(octets, true);
    for (reading, is_lenient) in [(&strict, false), (&lenient, true)] {
        let spans = (format.spans)(octets, is_lenient);
        let end = covered(&spans);
        assert!(end.is_ok(), "{name}: spans with a gap at {end:?}");
        let end = end.unwrap_or(0);
        match reading {
            Ok(_) => assert_eq!(end, octets.len(), "{name}: spans that end early"),
            Err(fault) => assert!(
                end <= octets.len() && fault.offset <= octets.len(),
                "{name}: a fault or a span outside the input"
            ),
        }
    }
    if let Ok(strict) = &strict {
        let agrees = lenient.as_ref().is_ok_and(|lenient| lenient == strict);
        assert!(agrees, "{name}: a lenient reading that is another");
        assert!(strict.deviations.is_empty(), "{name}: a strict deviation");
    }
    let is_lenient = strict.is_err();
    if let Ok(read) = strict.or(lenient) {
        read_back(format, octets.len(), &read.fields, is_lenient);
    }
}

fn read_back(format: &Format, octets: usize, fields: &Value, is_lenient: bool) {
    let name = format.name;
    let written = (format.encode)(fields);
    assert!(written.is_ok(), "{name}: not written: {written:?} {fields}");
    let written = written.unwrap_or_default();
    let again = (format.decode)(&written, is_lenient);
    // What is written may be longer than what was read, by escapes and names in full, and too long then.
    let is_longer = written.len() > octets;
    if is_longer
        && again
            .as_ref()
            .is_err_and(|fault| fault.class == Class::TooLarge)
    {
        return;
    }
    assert!(again.is_ok(), "{name}: not read again: {again:?} {fields}");
    let again = again.map(|again| again.fields).unwrap_or_default();
    assert_eq!(
        kept(format, &again),
        kept(format, fields),
        "{name}: changed by writing"
    );
    let twice = (format.encode)(&again).unwrap_or_default();
    assert!(twice == written, "{name}: written differently");
}

fn kept(format: &Format, fields: &Value) -> Value {
    let mut fields = fields.clone();
    for (_, key) in READ_ONLY.iter().filter(|(name, _)| *name == format.name) {
        if let Some(fields) = fields.as_object_mut() {
            fields.remove(*key);
        }
    }
    if format.name.starts_with("ota-http") {
        without_length(&mut fields);
    }
    fields
}

/// A message inside another may be longer by the line ends that a lenient reading forgives: its length follows from it.
fn without_length(message: &mut Value) {
    let is_other = |name: &str| !name.eq_ignore_ascii_case("Content-Length");
    if let Some(rows) = message.get_mut("rows").and_then(Value::as_array_mut) {
        rows.retain(|row| row.get(0).and_then(Value::as_str).is_none_or(is_other));
    }
    if let Some(headers) = message.get_mut("headers").and_then(Value::as_object_mut) {
        headers.retain(|name, _| is_other(name));
    }
    if let Some(inner) = message.get_mut("inner") {
        without_length(inner);
    }
}

fn generated(plan: &mut Unstructured<'_>) -> arbitrary::Result<(&'static Format, Vec<u8>)> {
    let seed = plan.choose(seeds())?;
    let mut octets = seed.octets.clone();
    for _ in 0..plan.int_in_range(0..=CHANGES_MAX)? {
        octets = changed(seed.format, &octets, plan)?;
        octets.truncate(OCTETS_MAX);
    }
    let is_own = !plan.ratio(1_u8, 16)?;
    let format = if is_own {
        seed.format
    } else {
        plan.choose(FORMATS)?
    };
    Ok((format, octets))
}

fn changed(
    format: &Format,
    octets: &[u8],
    plan: &mut Unstructured<'_>,
) -> arbitrary::Result<Vec<u8>> {
    let at = plan.int_in_range(0..=octets.len())?;
    let (head, tail) = octets.split_at(at);
    Ok(match plan.int_in_range(0..=7_u8)? {
        0..=3 => {
            let mutation = plan.choose(MUTATIONS)?;
            let place = if plan.arbitrary()? {
                Place::Any
            } else {
                Place::Octet(at)
            };
            let mut chance =
                |below: u32| plan.int_in_range(0..=below.saturating_sub(1)).unwrap_or(0);
            let damaged = mutation.apply(format, octets, place, &mut chance);
            damaged.map_or_else(|| octets.to_vec(), |damaged| damaged.octets)
        }
        4 => {
            let spans = (format.spans)(octets, true);
            let Some(span) = spans.iter().find(|span| span.at >= at) else {
                return Ok(octets.to_vec());
            };
            let (head, tail) = octets.split_at(span.at);
            let field = tail.get(..span.len).unwrap_or_default();
            let copies = plan.int_in_range(1..=COPIES_MAX)?;
            [head, &field.repeat(copies), tail].concat()
        }
        5 => {
            let other = &plan.choose(seeds())?.octets;
            let from = plan.int_in_range(0..=other.len())?;
            [head, other.get(from..).unwrap_or_default()].concat()
        }
        6 => {
            let len = plan.int_in_range(0..=16_usize)?.min(plan.len());
            [head, plan.bytes(len)?, tail].concat()
        }
        _ => {
            let len = plan.int_in_range(0..=4_usize)?.min(plan.len());
            let tail = tail.get(len..).unwrap_or_default();
            [head, plan.bytes(len)?, tail].concat()
        }
    })
}
