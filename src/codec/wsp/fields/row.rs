//! Header blocks as rows of one field each.

use serde_json::{Map, Value as Json, json};

use crate::codec::cursor::{Cursor, put_text_string};
use crate::codec::format::FieldFault;
use crate::codec::hex;
use crate::codec::wsp::assigned::{self, Kind};
use crate::codec::wsp::compose::{VERSION_NEWEST, put_named, put_shift, put_value};
use crate::codec::wsp::header::{DEFAULT_PAGE, Entry, Field, Headers, Name};
use crate::codec::wsp::media::unnamed;
use crate::codec::wsp::rigour::Rigour;
use crate::codec::wsp::value::{Form, Value, put_octets};

/// How Push-Flag is shown; both ways are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flags {
    /// Each flag by name.
    Named,
    /// As a number.
    Number,
}

/// The octets of a row as they stood, beside what it says.
const OCTETS: &str = "octets";
const SHIFT: &str = "shift";

pub(super) fn fields_of_headers(headers: &Headers<'_>, flags: Flags) -> Json {
    let mut page = DEFAULT_PAGE;
    headers
        .entries()
        .map(|entry| {
            let mut row = row_of(&entry, flags);
            let octets = match entry {
                Entry::Shift { octets, .. } => octets,
                Entry::Field(field) => field.octets,
            };
            if row_octets(&row, page).ok().as_deref() != Some(octets) {
                row.insert(OCTETS.to_owned(), hex::digits(octets).into());
            }
            if let Entry::Shift { page: next, .. } = entry {
                page = next;
            }
            Json::Object(row)
        })
        .collect()
}

/// The octets of a block of rows.
pub(super) fn headers_octets(rows: &Json) -> Result<Vec<u8>, FieldFault> {
    let rows = rows
        .as_array()
        .ok_or_else(|| FieldFault::new("headers: a list of rows is needed"))?;
    let mut out = Vec::new();
    let mut page = DEFAULT_PAGE;
    for row in rows {
        let wrong = || FieldFault::new("headers: an object is expected");
        let row = row.as_object().ok_or_else(wrong)?;
        match kept_octets(row, page) {
            Some(octets) => out.extend(octets),
            None => out.extend(row_octets(row, page)?),
        }
        if let Some(next) = shift(row)? {
            page = next;
        }
    }
    Ok(out)
}

/// The octets that stand beside the row, when they still say what it does.
fn kept_octets(row: &Map<String, Json>, page: u8) -> Option<Vec<u8>> {
    let octets = hex::octets(row.get(OCTETS)?.as_str()?)?;
    if row.len() < 2 {
        return None;
    }
    let mut cursor = Cursor::new("wsp", &octets);
    let entry = Entry::read(&mut cursor, page, &mut Rigour::Settled).ok()?;
    let mut said = row.clone();
    said.remove(OCTETS);
    let same = row_of(&entry, Flags::Named) == said || row_of(&entry, Flags::Number) == said;
    (cursor.is_empty() && same).then_some(octets)
}

fn row_of(entry: &Entry<'_>, flags: Flags) -> Map<String, Json> {
    let (name, value) = match entry {
        Entry::Shift { page, .. } => (SHIFT.to_owned(), Json::from(*page)),
        Entry::Field(field) => (field.label(), value_of(field, flags)),
    };
    Map::from_iter([(name, value)])
}

fn value_of(field: &Field<'_>, flags: Flags) -> Json {
    let value = &field.value;
    match (field.known().filter(|_| field.fits()), field.name) {
        (Some(known), _) => match (known.kind, value.form, value.integer()) {
            (Kind::Flags, Form::Short(bits), _) if flags == Flags::Named && bits < 8 => json!({
                "authenticated": bits & 1 != 0,
                "trusted": bits & 2 != 0,
                "last": bits & 4 != 0,
            }),
            (Kind::Accepted, Form::Short(0), _) => "*".into(),
            (Kind::Integer | Kind::Flags | Kind::Application | Kind::Accepted, _, Some(number)) => {
                number.into()
            }
            _ => field.to_string().into(),
        },
        (None, Name::Text(_)) if value.text().is_some() => field.to_string().into(),
        (None, Name::Number(_)) if field.known().is_none() => match value.form {
            Form::Short(number) => number.into(),
            Form::Octets(octets) => hex::digits(octets).into(),
            Form::Text(_) => raw(value),
        },
        _ => raw(value),
    }
}

/// A value by its form alone.
fn raw(value: &Value<'_>) -> Json {
    match value.form {
        Form::Short(number) => json!({ "short": number }),
        Form::Text(text) => match core::str::from_utf8(text) {
            Ok(text) => json!({ "text": text }),
            Err(_) => json!({ "text_hex": hex::digits(text) }),
        },
        Form::Octets(octets) => json!({ "hex": hex::digits(octets) }),
    }
}

fn shift(row: &Map<String, Json>) -> Result<Option<u8>, FieldFault> {
    match row.get(SHIFT).and_then(Json::as_u64) {
        None => Ok(None),
        Some(page) => u8::try_from(page)
            .ok()
            .filter(|page| *page > 0)
            .map(Some)
            .ok_or_else(|| FieldFault::new(format_args!("shift: {page} is no code page"))),
    }
}

fn row_octets(row: &Map<String, Json>, page: u8) -> Result<Vec<u8>, FieldFault> {
    let mut out = Vec::new();
    if let Some(page) = shift(row)? {
        put_shift(&mut out, page);
        return Ok(out);
    }
    let (name, value) = row
        .iter()
        .find(|(name, _)| name.as_str() != OCTETS || row.len() == 1)
        .ok_or_else(|| FieldFault::new("headers: a row without a field"))?;
    let fault = || FieldFault::new(format_args!("{name}: {value} is no value of it"));
    let known = assigned::field_named(name, VERSION_NEWEST).filter(|_| page == DEFAULT_PAGE);
    let number = match known {
        Some(known) => Some(known.number),
        None => unnamed(name)
            .and_then(|number| u8::try_from(number).ok())
            .filter(|number| *number < 0x80),
    };
    let Some(number) = number else {
        let text = value.as_str().ok_or_else(fault)?;
        put_named(&mut out, name, text).ok_or_else(fault)?;
        return Ok(out);
    };
    out.push(0x80 | number);
    if let Some(object) = value.as_object().filter(|object| object.len() == 1) {
        return put_raw(out, object).ok_or_else(fault);
    }
    match known {
        Some(known) => {
            let text = text_of(known.kind, value).ok_or_else(fault)?;
            put_value(&mut out, known.kind, &text, VERSION_NEWEST).ok_or_else(fault)?;
        }
        None => match value {
            Json::String(hex) => {
                put_octets(&mut out, &hex::octets(hex).ok_or_else(fault)?);
            }
            _ => out.push(0x80 | short(value).ok_or_else(fault)?),
        },
    }
    Ok(out)
}

fn text_of(kind: Kind, value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Object(flags) if kind == Kind::Flags => {
            let bit = |name: &str, bit: u8| {
                let set = flags.get(name).and_then(Json::as_bool).unwrap_or_default();
                if set { bit } else { 0 }
            };
            let bits = bit("authenticated", 1) | bit("trusted", 2) | bit("last", 4);
            Some(bits.to_string())
        }
        _ => None,
    }
}

fn short(value: &Json) -> Option<u8> {
    u8::try_from(value.as_u64()?)
        .ok()
        .filter(|number| *number < 0x80)
}

fn put_raw(mut out: Vec<u8>, object: &Map<String, Json>) -> Option<Vec<u8>> {
    let (form, value) = object.iter().next()?;
    let hex = || hex::octets(value.as_str()?);
    match form.as_str() {
        "short" => out.push(0x80 | short(value)?),
        "text" => put_text_string(&mut out, value.as_str()?.as_bytes()),
        "text_hex" => put_text_string(&mut out, &hex()?),
        "hex" => put_octets(&mut out, &hex()?),
        _ => return None,
    }
    Some(out)
}
