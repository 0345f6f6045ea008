//! WSP as fields with names, for people and programs, and back.
//!
//! **Source:** WAP-230 section 8. What the fields cannot say about the octets (a long form of a small number, a
//! well-known header named in text) stands beside them as `octets` and counts as long as it says the same.

mod content;
mod pdu;
mod primitive;
mod row;
mod session;

use serde_json::Value as Json;

use super::header::Headers;
use super::media::ContentType;
use super::pdu::Datagram;
use super::rigour::Rigour;
use super::spans::Spans;
use crate::codec::cursor::Cursor;
use crate::codec::format::{Decoded, FieldFault, Format};
use crate::codec::object::Object;
use crate::codec::{Class, DecodeError, Span};

pub(in crate::codec) use pdu::{fields_of_pdu, pdu_octets};
pub use primitive::{
    INTEGER_VALUE, Q_VALUE, QUOTED_STRING, TEXT_STRING, UINTVAR, VALUE_LENGTH, VERSION_VALUE,
};

/// A media type with its parameters, without field number.
pub const CONTENT_TYPE: Format = Format {
    name: "content-type",
    clause: "WAP-230 8.4.2.24",
    decode: decode_content_type,
    spans: spans_of_content_type,
    encode: |fields| {
        content::content_type_octets(Object::of(fields, "a PDU")?, "media", "params", "octets")
    },
};

/// A header block.
pub const HEADERS: Format = Format {
    name: "headers",
    clause: "WAP-230 8.4",
    decode: decode_headers,
    spans: spans_of_headers,
    encode: row::headers_octets,
};

/// A datagram of the connectionless service.
pub const FORMAT: Format = Format {
    name: "wsp-connectionless",
    clause: "WAP-230 8.2.4.1",
    decode: decode_datagram,
    spans: spans_of_datagram,
    encode: encode_datagram,
};

fn decode_content_type(octets: &[u8], lenient: bool) -> Result<Decoded, DecodeError> {
    let mut rigour = Rigour::of(lenient);
    let mut cursor = Cursor::new("wsp", octets);
    let content_type = ContentType::read(&mut cursor, &mut rigour)?;
    ended(&cursor)?;
    Ok(Decoded {
        fields: content::fields_of_content_type(&content_type),
        deviations: rigour.deviations(),
    })
}

fn spans_of_content_type(octets: &[u8], lenient: bool) -> Vec<Span> {
    let mut spans = Spans::new("");
    let mut cursor = Cursor::new("wsp", octets);
    if let Ok(content_type) = ContentType::read(&mut cursor, &mut Rigour::of(lenient)) {
        spans.content_type(&content_type);
    }
    spans.done()
}

fn decode_headers(octets: &[u8], lenient: bool) -> Result<Decoded, DecodeError> {
    let mut rigour = Rigour::of(lenient);
    let headers = Headers::decode(octets, &mut rigour)?;
    Ok(Decoded {
        fields: row::fields_of_headers(&headers, row::Flags::Named),
        deviations: rigour.deviations(),
    })
}

fn spans_of_headers(octets: &[u8], lenient: bool) -> Vec<Span> {
    let mut spans = Spans::new("");
    spans.headers_up_to_fault(Cursor::new("wsp", octets), &mut Rigour::of(lenient));
    spans.done()
}

fn decode_datagram(octets: &[u8], lenient: bool) -> Result<Decoded, DecodeError> {
    let mut rigour = Rigour::of(lenient);
    let datagram = Datagram::read(octets, &mut rigour)?;
    let mut fields = fields_of_pdu(&datagram.pdu);
    fields.insert("tid".to_owned(), datagram.tid.into());
    Ok(Decoded {
        fields: Json::Object(fields),
        deviations: rigour.deviations(),
    })
}

fn spans_of_datagram(octets: &[u8], lenient: bool) -> Vec<Span> {
    let mut spans = Spans::new("");
    spans.datagram(octets, &mut Rigour::of(lenient));
    spans.done()
}

fn encode_datagram(fields: &Json) -> Result<Vec<u8>, FieldFault> {
    let object = Object::of(fields, "a PDU")?;
    let mut out = vec![object.number::<u8>("tid")?.unwrap_or(0)];
    out.extend(pdu_octets(object)?);
    Ok(out)
}

fn ended(cursor: &Cursor<'_>) -> Result<(), DecodeError> {
    if cursor.is_empty() {
        Ok(())
    } else {
        Err(cursor.fault_at(cursor.offset(), Class::BadLength, "the end of the value"))
    }
}
