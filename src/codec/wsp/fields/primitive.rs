//! The basic values of WSP, each as a format of its own.

use serde_json::{Map, Value as Json, json};

use super::ended;
use crate::codec::cursor::{Cursor, put_text_string, put_uintvar, put_value_length};
use crate::codec::format::{Decoded, FieldFault, Format};
use crate::codec::hex;
use crate::codec::object::Object;
use crate::codec::wsp::rigour::Rigour;
use crate::codec::wsp::value::{
    Form, Quality, Value, Version, put_integer, put_quality, put_quoted, unquoted,
};
use crate::codec::{Class, DecodeError, Span};

macro_rules! primitive {
    ($name:literal, $clause:literal, $read:expr, $write:expr) => {
        Format {
            name: $name,
            clause: $clause,
            decode: |octets, lenient| {
                let mut rigour = Rigour::of(lenient);
                let mut cursor = Cursor::new("wsp", octets);
                let fields = $read(&mut cursor, &mut rigour)?;
                ended(&cursor)?;
                Ok(Decoded {
                    fields,
                    deviations: rigour.deviations(),
                })
            },
            spans: |octets, lenient| {
                let mut cursor = Cursor::new("wsp", octets);
                match $read(&mut cursor, &mut Rigour::of(lenient)) {
                    Ok(fields) if cursor.is_empty() => vec![Span {
                        at: 0,
                        len: octets.len(),
                        path: $name.to_owned(),
                        value: said(&fields),
                        clause: $clause,
                    }],
                    _ => Vec::new(),
                }
            },
            encode: |fields| $write(Object::of(fields, "a value")?),
        }
    };
}

/// A number of variable length.
pub const UINTVAR: Format = primitive!("uintvar", "WAP-230 8.1.2", read_uintvar, write_uintvar);
/// A Short-integer or Long-integer.
pub const INTEGER_VALUE: Format = primitive!(
    "integer-value",
    "WAP-230 8.4.2.1",
    read_integer,
    write_integer
);
/// A Text-string.
pub const TEXT_STRING: Format = primitive!("text-string", "WAP-230 8.4.2.1", read_text, write_text);
/// A Quoted-string.
pub const QUOTED_STRING: Format = primitive!(
    "quoted-string",
    "WAP-230 8.4.2.1",
    read_quoted,
    write_quoted
);
/// A Q-value.
pub const Q_VALUE: Format = primitive!("q-value", "WAP-230 8.4.2.3", read_quality, write_quality);
/// A Version-value.
pub const VERSION_VALUE: Format = primitive!(
    "version-value",
    "WAP-230 8.4.2.3",
    read_version,
    write_version
);
/// A Value-length.
pub const VALUE_LENGTH: Format =
    primitive!("value-length", "WAP-230 8.4.2.2", read_length, write_length);

type Fields = Result<Json, DecodeError>;
type Octets = Result<Vec<u8>, FieldFault>;

/// The values without their names.
fn said(fields: &Json) -> String {
    let values: Vec<String> = fields
        .as_object()
        .into_iter()
        .flat_map(Map::values)
        .map(|value| match value {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        })
        .collect();
    values.join(" ")
}

fn missing(name: &str) -> FieldFault {
    FieldFault::new(format_args!("{name} is missing"))
}

fn read_uintvar(cursor: &mut Cursor<'_>, rigour: &mut Rigour) -> Fields {
    let at = cursor.offset();
    let value = rigour.uintvar(cursor)?;
    Ok(json!({ "value": value, "octets": cursor.offset().saturating_sub(at) }))
}

fn write_uintvar(object: Object<'_>) -> Octets {
    let mut out = Vec::new();
    put_uintvar(&mut out, object.needed::<u32>("value")?);
    Ok(out)
}

fn read_integer(cursor: &mut Cursor<'_>, rigour: &mut Rigour) -> Fields {
    const EXPECTED: &str = "an Integer-value of at most 64 bits";
    let at = cursor.offset();
    if cursor.peek() == Some(31) {
        return Err(cursor.fault_at(at, Class::BadValue, EXPECTED));
    }
    let value = Value::read(cursor, rigour)?;
    let number = value
        .integer()
        .ok_or_else(|| cursor.fault_at(at, Class::BadValue, EXPECTED))?;
    Ok(json!({ "value": number }))
}

fn write_integer(object: Object<'_>) -> Octets {
    let mut out = Vec::new();
    put_integer(
        &mut out,
        object.number("value")?.ok_or_else(|| missing("value"))?,
    );
    Ok(out)
}

fn fields_of_text(text: &[u8]) -> Json {
    let mut fields = Map::new();
    if let Ok(text) = core::str::from_utf8(text) {
        fields.insert("value".to_owned(), text.into());
    }
    if !text.is_ascii() {
        fields.insert("value_hex".to_owned(), hex::digits(text).into());
    }
    Json::Object(fields)
}

/// The text of `value`, or of `value_hex` where that is given.
fn text_of(object: Object<'_>) -> Octets {
    let text = match object.octets("value_hex")? {
        Some(octets) => octets,
        None => object
            .text("value")?
            .ok_or_else(|| missing("value"))?
            .as_bytes()
            .to_vec(),
    };
    if text.contains(&0) {
        return Err(FieldFault::new("value: a text has no 00"));
    }
    Ok(text)
}

fn read_text(cursor: &mut Cursor<'_>, rigour: &mut Rigour) -> Fields {
    let at = cursor.offset();
    if cursor.peek().is_some_and(|first| first >= 0x80) {
        rigour.deviate(cursor, at, Class::BadValue, "7F before such a character")?;
    }
    match cursor.text_string() {
        Ok(text) => Ok(fields_of_text(text)),
        Err(fault) => {
            rigour.deviate(cursor, at, fault.class, fault.expected)?;
            Ok(fields_of_text(unquoted(cursor.rest())))
        }
    }
}

fn write_text(object: Object<'_>) -> Octets {
    let mut out = Vec::new();
    put_text_string(&mut out, &text_of(object)?);
    Ok(out)
}

fn read_quoted(cursor: &mut Cursor<'_>, _: &mut Rigour) -> Fields {
    let at = cursor.offset();
    if cursor.octet("a quotation mark")? != b'"' {
        return Err(cursor.fault_at(at, Class::BadValue, "a quotation mark"));
    }
    let start = *cursor;
    cursor.text_string()?;
    let octets = start.until(cursor);
    Ok(fields_of_text(octets.strip_suffix(&[0]).unwrap_or(octets)))
}

fn write_quoted(object: Object<'_>) -> Octets {
    let mut out = Vec::new();
    put_quoted(&mut out, &text_of(object)?);
    Ok(out)
}

fn read_quality(cursor: &mut Cursor<'_>, rigour: &mut Rigour) -> Fields {
    let at = cursor.offset();
    let quality = Quality(rigour.uintvar(cursor)?);
    if quality.thousandths().is_none() {
        return Err(cursor.fault_at(at, Class::BadValue, "a quality from 1 to 1099"));
    }
    Ok(json!({ "q": quality.to_string() }))
}

fn write_quality(object: Object<'_>) -> Octets {
    let text = object.text("q")?.ok_or_else(|| missing("q"))?;
    let quality = Quality::of_text(text).ok_or_else(|| {
        FieldFault::new(format_args!(
            "q: {text} is no quality below 1 of three digits"
        ))
    })?;
    let mut out = Vec::new();
    put_quality(&mut out, quality);
    Ok(out)
}

fn read_version(cursor: &mut Cursor<'_>, rigour: &mut Rigour) -> Fields {
    const EXPECTED: &str = "a Version-value";
    let at = cursor.offset();
    match Value::read(cursor, rigour)?.form {
        Form::Short(octet) if octet >= 0x10 => {
            let version = Version(octet);
            let mut fields = Map::from_iter([("major".to_owned(), version.major().into())]);
            if let Some(minor) = version.minor() {
                fields.insert("minor".to_owned(), minor.into());
            }
            Ok(Json::Object(fields))
        }
        Form::Text(text) => Ok(json!({ "text": String::from_utf8_lossy(text) })),
        _ => Err(cursor.fault_at(at, Class::BadValue, EXPECTED)),
    }
}

fn write_version(object: Object<'_>) -> Octets {
    let mut out = Vec::new();
    if let Some(text) = object.text("text")? {
        put_text_string(&mut out, text.as_bytes());
        return Ok(out);
    }
    let major = object.up_to("major", 7)?.ok_or_else(|| missing("major"))?;
    let text = match object.up_to("minor", 14)? {
        Some(minor) => format!("{major}.{minor}"),
        None => major.to_string(),
    };
    let version = Version::of_text(&text)
        .ok_or_else(|| FieldFault::new(format_args!("major: {text} is no version")))?;
    out.push(0x80 | version.0);
    Ok(out)
}

fn read_length(cursor: &mut Cursor<'_>, rigour: &mut Rigour) -> Fields {
    let at = cursor.offset();
    let length = match cursor.octet("a Value-length")? {
        octet @ 0..=30 => u32::from(octet),
        31 => rigour.uintvar(cursor)?,
        _ => return Err(cursor.fault_at(at, Class::BadValue, "a Value-length")),
    };
    Ok(json!({ "length": length }))
}

fn write_length(object: Object<'_>) -> Octets {
    let mut out = Vec::new();
    put_value_length(&mut out, object.needed::<u32>("length")?);
    Ok(out)
}
