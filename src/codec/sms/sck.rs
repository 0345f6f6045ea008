//! The text header of phase 1: ports and segments in hexadecimal digits in front of a text.
//!
//! **Source:** WAP-259 section 6.3.3. `//SCK` has ports of two digits, `//SCKL` of four; a missing source port is the
//! destination port.

use serde_json::{Map, Value, json};

use super::udh::{Concatenation, Ports, Reference};
use crate::codec::format::{Decoded, FieldFault, Format};
use crate::codec::object::Object;
use crate::codec::reader::{Digits, Place, Reader};
use crate::codec::{Class, DecodeError, hex};

const PLACE: Place = Place {
    path: "sck.",
    clause: "WAP-259 6.3.3",
};

/// A text with its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sck<'a> {
    /// Whether ports have four digits.
    pub long: bool,
    /// The ports.
    pub ports: Ports,
    /// Whether the source port is left out.
    pub source_implied: bool,
    /// The place among segments, of which two digits are the reference.
    pub concatenation: Option<Concatenation>,
    /// What follows.
    pub text: &'a [u8],
}

/// Text with ports.
pub const FORMAT_SCK: Format = Format {
    name: "sck",
    clause: PLACE.clause,
    decode: |octets, lenient| {
        let mut reader = Reader::new("sck", PLACE, octets, lenient);
        let sck = Sck::read(&mut reader)?;
        Ok(Decoded {
            fields: fields_of(&sck),
            deviations: reader.deviations(),
        })
    },
    spans: |octets, lenient| {
        let mut reader = Reader::new("sck", PLACE, octets, lenient).annotating();
        // The fault itself is told by `decode`; what was read before it stays worth showing.
        let _ = Sck::read(&mut reader);
        reader.spans()
    },
    encode,
};

impl<'a> Sck<'a> {
    /// Reads a text with its header.
    ///
    /// # Errors
    /// The first fault in order.
    pub fn decode(octets: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read(&mut Reader::new("sck", PLACE, octets, true))
    }

    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let at = reader.at();
        let mark = reader.cursor.take(5, Class::Truncated, "//SCK or //SCKL")?;
        if mark != b"//SCK" {
            return Err(reader.fault(at, Class::BadValue, "//SCK or //SCKL"));
        }
        let long = reader.cursor.peek() == Some(b'L');
        if long {
            reader.cursor.octet("//SCKL")?;
        }
        reader.note(at, "mark", if long { "//SCKL" } else { "//SCK" });
        let digits = if long { 4 } else { 2 };
        let destination = number(reader, "dst_port", digits)?;
        let mut sck = Self {
            long,
            ports: Ports {
                destination,
                source: destination,
            },
            source_implied: true,
            concatenation: None,
            text: &[],
        };
        if !ends(reader) {
            sck.ports.source = number(reader, "src_port", digits)?;
            sck.source_implied = false;
        }
        if !ends(reader) {
            sck.concatenation = Some(concatenation(reader)?);
        }
        let at = reader.at();
        if reader.cursor.octet("a space after the header")? != b' ' {
            return Err(reader.fault(at, Class::BadValue, "a space after the header"));
        }
        reader.note(at, "space", "end of the header");
        let at = reader.at();
        sck.text = reader.cursor.rest();
        match core::str::from_utf8(sck.text) {
            Ok(text) => reader.note(at, "text", format_args!("{text:?}")),
            Err(_) => reader.note(at, "text", Digits(sck.text)),
        }
        Ok(sck)
    }

    /// The octets; short ports above 255 are written with four digits.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Ports {
            destination,
            source,
        } = self.ports;
        let long = self.long || destination > 255 || source > 255;
        let mut head = if long {
            format!("//SCKL{destination:04X}")
        } else {
            format!("//SCK{destination:02X}")
        };
        if !self.source_implied || source != destination || self.concatenation.is_some() {
            head += &if long {
                format!("{source:04X}")
            } else {
                format!("{source:02X}")
            };
        }
        if let Some(it) = self.concatenation {
            let reference = it.reference.number() & 0xFF;
            head += &format!("{reference:02X}{:02X}{:02X}", it.total, it.sequence);
        }
        [head.as_bytes(), b" ", self.text].concat()
    }
}

fn ends(reader: &Reader<'_>) -> bool {
    matches!(reader.cursor.peek(), Some(b' ') | None)
}

fn number(reader: &mut Reader<'_>, path: &'static str, digits: usize) -> Result<u16, DecodeError> {
    let at = reader.at();
    let octets = reader
        .cursor
        .take(digits, Class::Truncated, "hexadecimal digits")?;
    let mut number = 0_u16;
    for (offset, octet) in octets.iter().enumerate() {
        let at = at.saturating_add(offset);
        let digit = char::from(*octet)
            .to_digit(16)
            .and_then(|digit| u16::try_from(digit).ok())
            .ok_or_else(|| reader.fault(at, Class::BadValue, "hexadecimal digits"))?;
        number = number << 4 | digit;
    }
    reader.note(at, path, number);
    Ok(number)
}

fn concatenation(reader: &mut Reader<'_>) -> Result<Concatenation, DecodeError> {
    let octet = |number: u16| number.to_le_bytes()[0];
    let reference = number(reader, "ref", 2).map(octet)?;
    let total = number(reader, "total", 2).map(octet)?;
    let at = reader.at();
    let sequence = number(reader, "seq", 2).map(octet)?;
    let concatenation = Concatenation {
        reference: Reference::Eight(reference),
        total,
        sequence,
    };
    if !concatenation.is_sensible() {
        reader.deviate(at, Class::BadValue, "a sequence number from 1 to the total")?;
    }
    Ok(concatenation)
}

fn fields_of(sck: &Sck<'_>) -> Value {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("long", sck.long.into());
    put("dst_port", sck.ports.destination.into());
    put("src_port", sck.ports.source.into());
    if sck.source_implied {
        put("src_port_implied", true.into());
    }
    if let Some(it) = sck.concatenation {
        put("ref", it.reference.number().into());
        put("total", it.total.into());
        put("seq", it.sequence.into());
    }
    match core::str::from_utf8(sck.text) {
        Ok(text) => put("text", text.into()),
        Err(_) => put("text_hex", hex::digits(sck.text).into()),
    };
    json!(fields)
}

fn encode(value: &Value) -> Result<Vec<u8>, FieldFault> {
    let fields = Object::of(value, "a text with ports")?;
    let destination = fields.needed("dst_port")?;
    let source: Option<u16> = fields.number("src_port")?;
    let concatenation = match fields.number("total")? {
        None => None,
        Some(total) => Some(Concatenation {
            reference: Reference::Eight(fields.needed("ref")?),
            total,
            sequence: fields.needed("seq")?,
        }),
    };
    let octets = fields.octets("text_hex")?;
    let text = fields.text("text")?.unwrap_or_default().as_bytes();
    let long = match fields.get("long") {
        Some(_) => fields.flag("long")?,
        None => true,
    };
    let sck = Sck {
        long,
        ports: Ports {
            destination,
            source: source.unwrap_or(destination),
        },
        source_implied: source.is_none() || fields.flag("src_port_implied")?,
        concatenation,
        text: octets.as_deref().unwrap_or(text),
    };
    Ok(sck.encode())
}
