//! Requests, responses and single headers as JSON, under the names of the vector files; reads back what it writes.
//!
//! `rows` keeps every header with its spelling and order; a typed field that says something else than its row
//! replaces it.

use serde_json::{Map, Value, json};

use super::message::{Reader, line_spans};
use super::rows::{REQUEST, RESPONSE, Rows, Typed, auth_fields, pairs, read};
use super::{
    Authentication, CPI_HEADERS, Message, NAME, PushStatus, Start, default_of, fault, header,
    versions,
};
use crate::codec::format::{Decoded, Deviation, FieldFault, Format};
use crate::codec::{Class, DecodeError, Span, hex};

/// Requests of a gateway.
pub const REQUEST_FORMAT: Format = Format {
    name: "ota-http-request",
    clause: "WAP-235 7.2",
    decode: |octets, lenient| decode(octets, true, lenient),
    spans: |octets, lenient| spans(octets, true, lenient),
    encode: encode_request,
};

/// Responses of a terminal.
pub const RESPONSE_FORMAT: Format = Format {
    name: "ota-http-response",
    clause: "WAP-235 7.2",
    decode: |octets, lenient| decode(octets, false, lenient),
    spans: |octets, lenient| spans(octets, false, lenient),
    encode: encode_response,
};

/// One header row without its line end.
pub const HEADER_FORMAT: Format = Format {
    name: "ota-http-header",
    clause: "WAP-235 7.2",
    decode: decode_header,
    spans: |octets, _| header_spans(octets),
    encode: encode_header,
};

/// The version header alone.
pub const VERSION_FORMAT: Format = Format {
    name: "ota-version",
    clause: "WAP-235 7.5",
    decode: |octets, _| decode_version(octets).map(Decoded::strict),
    spans: |octets, _| header_spans(octets),
    encode: encode_version,
};

fn decode(octets: &[u8], is_request: bool, lenient: bool) -> Result<Decoded, DecodeError> {
    let mut reader = Reader::new(octets, 0, lenient);
    let message = reader.message(is_request)?;
    let mut deviations = message.deviations.clone();
    let mut fields = Map::new();
    let head_end = reader.lines.last().map_or(0, |(at, _)| *at);
    match message.start {
        Start::Request {
            method,
            uri,
            version,
        } => {
            fields.insert("method".into(), method.into());
            fields.insert("uri".into(), uri.into());
            fields.insert("version".into(), version.into());
            read(&message, &REQUEST, lenient, &mut fields, &mut deviations)?;
            if method == "POST" {
                push_type(&message, head_end, lenient, &mut deviations)?;
            }
        }
        Start::Response {
            version,
            status,
            reason,
        } => {
            fields.insert("version".into(), version.into());
            fields.insert("http".into(), status.into());
            fields.insert("reason".into(), reason.into());
            if (200..=299).contains(&status) && message.row(header::STATUS).is_none() {
                return Err(fault(head_end, Class::MissingHeader, header::STATUS));
            }
            read(&message, &RESPONSE, lenient, &mut fields, &mut deviations)?;
            outcome(&message, &mut fields);
        }
    }
    fields.insert("rows".into(), pairs(&message.rows));
    if message.carries_push() {
        let inner = Reader::new(message.body, message.body_at, lenient).message(false)?;
        deviations.extend_from_slice(&inner.deviations);
        fields.insert("inner".into(), inner_fields(&inner));
    } else if !message.body.is_empty() {
        fields.insert("body_hex".into(), hex::digits(message.body).into());
    }
    Ok(Decoded {
        fields: fields.into(),
        deviations,
    })
}

/// A push is posted as a whole response; shipped terminals take the outer headers for the push's when it is not.
fn push_type(
    message: &Message<'_>,
    head_end: usize,
    lenient: bool,
    deviations: &mut Vec<Deviation>,
) -> Result<(), DecodeError> {
    let expected = "the type application/http";
    match message.row("Content-Type") {
        None => Err(fault(head_end, Class::MissingHeader, "Content-Type")),
        Some(row) if !message.carries_push() => {
            if !lenient {
                return Err(fault(row.value_at, Class::BadValue, expected));
            }
            deviations.push(Deviation {
                at: row.value_at,
                what: expected,
            });
            Ok(())
        }
        Some(_) => Ok(()),
    }
}

/// What follows from a response: to be read only.
fn outcome(message: &Message<'_>, fields: &mut Map<String, Value>) {
    if let Some(status) = message.value(header::STATUS).and_then(PushStatus::decode) {
        if let Some(again) = status.retry_unchanged() {
            fields.insert("retry_unchanged".into(), again.into());
        }
        match status.pap() {
            Some(("delivered", _)) => {
                let pap = json!({"message-state": "delivered", "delivery-method": "confirmed"});
                fields.insert("pap".into(), pap);
            }
            Some((state, code)) => {
                fields.insert("pap".into(), json!({"message-state": state, "code": code}));
            }
            None => {}
        }
    }
    let rows = message.rows.iter();
    let cpi: Vec<_> = rows.filter(|row| default_of(row.name).is_some()).collect();
    if cpi.is_empty() {
        return;
    }
    let values: String = cpi.iter().map(|row| row.value.as_ref()).collect();
    fields.insert("cpi_tag_input".into(), values.into());
    let mut named = Map::new();
    for row in cpi {
        let usual = CPI_HEADERS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(row.name));
        named
            .entry(usual.map_or(row.name, |(name, _)| *name))
            .or_insert_with(|| row.value.as_ref().into());
    }
    fields.insert("cpi".into(), named.into());
}

fn inner_fields(inner: &Message<'_>) -> Value {
    let (version, status, reason) = match inner.start {
        Start::Response {
            version,
            status,
            reason,
        } => (version, status, reason),
        Start::Request { version, .. } => (version, 0, ""),
    };
    // The first of each name, whatever letters later ones are written in.
    let mut headers = Map::new();
    for row in &inner.rows {
        let is_known = |name: &String| name.eq_ignore_ascii_case(row.name);
        if !headers.keys().any(is_known) {
            headers.insert(row.name.to_owned(), row.value.as_ref().into());
        }
    }
    json!({
        "version": version,
        "status": status,
        "reason": reason,
        "headers": headers,
        "rows": pairs(&inner.rows),
        "body_hex": hex::digits(inner.body),
    })
}

fn spans(octets: &[u8], is_request: bool, lenient: bool) -> Vec<Span> {
    let mut reader = Reader::new(octets, 0, lenient);
    let message = reader.message(is_request);
    let mut spans = line_spans(octets, 0, &reader.lines, NAME);
    let Ok(message) = message else { return spans };
    if !message.carries_push() {
        spans.extend(body_span(&message, "ota-http.body"));
        return spans;
    }
    let base = message.body_at;
    let mut reader = Reader::new(message.body, base, lenient);
    let inner = reader.message(false);
    spans.extend(line_spans(
        message.body,
        base,
        &reader.lines,
        "ota-http.push",
    ));
    if let Ok(inner) = inner {
        spans.extend(body_span(&inner, "ota-http.push.body"));
    }
    spans
}

fn body_span(message: &Message<'_>, path: &str) -> Option<Span> {
    (!message.body.is_empty()).then(|| Span {
        at: message.body_at,
        len: message.body.len(),
        path: path.to_owned(),
        value: format!("{} octets", message.body.len()),
        clause: "RFC 9112 6",
    })
}

fn text<'a>(fields: &'a Value, key: &str, otherwise: &'a str) -> &'a str {
    fields.get(key).and_then(Value::as_str).unwrap_or(otherwise)
}

fn body_of(fields: &Value) -> Result<Vec<u8>, FieldFault> {
    hex::octets(text(fields, "body_hex", ""))
        .ok_or_else(|| FieldFault::new("body_hex: octets in hexadecimal"))
}

fn encode_request(fields: &Value) -> Result<Vec<u8>, FieldFault> {
    let method = text(fields, "method", "");
    if method.is_empty() {
        return Err(FieldFault::new("method: OPTIONS or POST"));
    }
    let mut rows = Rows::of(fields)?;
    let body = whole_body(fields, &mut rows)?;
    rows.apply(&REQUEST, fields)?;
    let uri = text(fields, "uri", super::PATH);
    let version = text(fields, "version", "HTTP/1.1");
    checked(rows, &format!("{method} {uri} {version}"), &body, true)
}

fn encode_response(fields: &Value) -> Result<Vec<u8>, FieldFault> {
    let http = fields.get("http").and_then(Value::as_u64).unwrap_or(204);
    let mut rows = Rows::of(fields)?;
    rows.apply(&RESPONSE, fields)?;
    rows.apply_cpi(fields)?;
    let reason = text(fields, "reason", "No Content");
    let version = text(fields, "version", "HTTP/1.1");
    let body = whole_body(fields, &mut rows)?;
    checked(rows, &format!("{version} {http} {reason}"), &body, false)
}

/// The body: the message inside where there is one.
fn whole_body(fields: &Value, rows: &mut Rows) -> Result<Vec<u8>, FieldFault> {
    let Some(inner) = fields.get("inner").filter(|inner| !inner.is_null()) else {
        return body_of(fields);
    };
    if rows.value("Content-Type").is_none() {
        rows.set("Content-Type", super::PUSH_TYPE.to_owned())?;
    }
    encode_inner(inner)
}

fn encode_inner(inner: &Value) -> Result<Vec<u8>, FieldFault> {
    let mut rows = Rows::of(inner)?;
    for (name, value) in inner
        .get("headers")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        if let Some(value) = value.as_str()
            && rows.value(name) != Some(value)
        {
            rows.set(name, value.to_owned())?;
        }
    }
    let status = inner.get("status").and_then(Value::as_u64).unwrap_or(200);
    let (version, reason) = (
        text(inner, "version", "HTTP/1.1"),
        text(inner, "reason", "OK"),
    );
    checked(
        rows,
        &format!("{version} {status} {reason}"),
        &body_of(inner)?,
        false,
    )
}

/// The message, when a reader finds the same start and body in it.
fn checked(rows: Rows, start: &str, body: &[u8], is_request: bool) -> Result<Vec<u8>, FieldFault> {
    let octets = rows.message(start, body)?;
    match Reader::new(&octets, 0, false).message(is_request) {
        Ok(message) if message.body == body => Ok(octets),
        Ok(_) => Err(FieldFault::new("body: a message of this status has none")),
        Err(error) => Err(FieldFault::new(format_args!(
            "the message would be refused: expected {}",
            error.expected
        ))),
    }
}

/// Name and value of a header row, the value with its offset.
fn header_row(octets: &[u8]) -> Result<(&str, &str, usize), DecodeError> {
    let expected = "a header in visible text";
    let text = core::str::from_utf8(octets)
        .map_err(|error| fault(error.valid_up_to(), Class::BadValue, expected))?;
    if let Some(odd) = text
        .bytes()
        .position(|octet| octet.is_ascii_control() && octet != b'\t')
    {
        return Err(fault(odd, Class::BadValue, expected));
    }
    let (name, value) = text
        .split_once(':')
        .filter(|(name, _)| super::message::is_token(name))
        .ok_or_else(|| fault(0, Class::BadValue, "the name of a header and a colon"))?;
    let value = value.trim_matches([' ', '\t']);
    let at = value.as_ptr().addr().saturating_sub(text.as_ptr().addr());
    Ok((name, value, at))
}

fn header_spans(octets: &[u8]) -> Vec<Span> {
    let Ok((name, value, at)) = header_row(octets) else {
        return Vec::new();
    };
    let at = if value.is_empty() { octets.len() } else { at };
    let span = |at: usize, end: usize, path: &str, value: &str| Span {
        at,
        len: end.saturating_sub(at),
        path: format!("{NAME}.{path}"),
        value: value.to_owned(),
        clause: "WAP-235 7.2",
    };
    let mut spans = vec![span(0, at, "name", name)];
    if !value.is_empty() {
        spans.push(span(at, octets.len(), "value", value));
    }
    spans
}

/// Typed fields of a header; credentials and challenges are flat.
fn typed_fields(name: &str, value: &str, lenient: bool) -> Option<Map<String, Value>> {
    let is_auth = [header::AUTHORIZATION, header::AUTHENTICATE]
        .iter()
        .any(|own| own.eq_ignore_ascii_case(name));
    let mut fields = Map::new();
    if is_auth
        || ["Authorization", "WWW-Authenticate"]
            .iter()
            .any(|own| own.eq_ignore_ascii_case(name))
    {
        let read = Authentication::decode(value, is_auth).ok()?;
        if let Value::Object(parts) = auth_fields(&read) {
            fields = parts;
        }
        return Some(fields);
    }
    let typed = RESPONSE.iter().chain(&REQUEST);
    for Typed {
        key, header, read, ..
    } in typed
    {
        if header.eq_ignore_ascii_case(name) && *key != "versions" {
            match read(value, lenient) {
                Some(value) => {
                    fields.insert((*key).into(), value);
                }
                None if lenient => {}
                None => return None,
            }
        }
    }
    Some(fields)
}

fn decode_header(octets: &[u8], lenient: bool) -> Result<Decoded, DecodeError> {
    let (name, value, at) = header_row(octets)?;
    let expected = "a value of that header";
    let strict = typed_fields(name, value, false);
    let mut deviations = Vec::new();
    if strict.is_none() {
        if !lenient {
            return Err(fault(at, Class::BadValue, expected));
        }
        deviations.push(Deviation { at, what: expected });
    }
    let mut fields = strict
        .or_else(|| typed_fields(name, value, lenient))
        .unwrap_or_default();
    fields.insert("name".into(), name.into());
    fields.insert("line".into(), String::from_utf8_lossy(octets).into());
    Ok(Decoded {
        fields: fields.into(),
        deviations,
    })
}

fn encode_header(fields: &Value) -> Result<Vec<u8>, FieldFault> {
    // The line as it was stands while it says what the fields say.
    let line = text(fields, "line", "").as_bytes();
    if decode_header(line, true).is_ok_and(|read| &read.fields == fields) {
        return Ok(line.to_vec());
    }
    let name = text(fields, "name", "");
    let typed = RESPONSE
        .iter()
        .chain(&REQUEST)
        .filter(|own| own.header.eq_ignore_ascii_case(name));
    for own in typed {
        let part = fields.get(own.key).or_else(|| {
            let is_flat = fields.get("scheme").or_else(|| fields.get("auth_status"));
            is_flat.map(|_| fields)
        });
        if let Some(part) = part {
            let part = without(part, &["name", "line"]);
            let value = (own.write)(&part)
                .ok_or_else(|| FieldFault::new(format_args!("{}: no value of it", own.key)))?;
            let octets = format!("{}: {value}", own.header).into_bytes();
            header_row(&octets).map_err(FieldFault::new)?;
            return Ok(octets);
        }
    }
    Err(FieldFault::new(
        "name: a header of this protocol with its fields",
    ))
}

fn without(fields: &Value, names: &[&str]) -> Value {
    let mut fields = fields.clone();
    if let Some(object) = fields.as_object_mut() {
        for name in names {
            object.remove(*name);
        }
    }
    fields
}

fn decode_version(octets: &[u8]) -> Result<Value, DecodeError> {
    let (name, value, at) = header_row(octets)?;
    if !name.eq_ignore_ascii_case(header::VERSION) {
        return Err(fault(0, Class::BadValue, header::VERSION));
    }
    let versions =
        versions(value).ok_or_else(|| fault(at, Class::BadValue, "versions like 1.0 or 1.*"))?;
    let pairs: Vec<Value> = versions
        .iter()
        .map(|version| match version.minor {
            Some(minor) => json!([version.major, minor]),
            None => json!([version.major, "*"]),
        })
        .collect();
    Ok(json!({"versions": pairs, "line": String::from_utf8_lossy(octets)}))
}

fn encode_version(fields: &Value) -> Result<Vec<u8>, FieldFault> {
    let line = text(fields, "line", "").as_bytes();
    if decode_version(line).is_ok_and(|read| &read == fields) {
        return Ok(line.to_vec());
    }
    let pairs = fields.get("versions").and_then(Value::as_array);
    let texts: Option<Vec<String>> = pairs
        .into_iter()
        .flatten()
        .map(|pair| {
            let minor = pair.get(1)?;
            let minor = minor
                .as_str()
                .map_or_else(|| minor.to_string(), str::to_owned);
            Some(format!("{}.{minor}", pair.get(0)?))
        })
        .collect();
    let octets = format!(
        "{}: {}",
        header::VERSION,
        texts.unwrap_or_default().join(",")
    );
    decode_version(octets.as_bytes())
        .map_err(|_| FieldFault::new("versions: pairs like [1, 0] and [1, \"*\"]"))?;
    Ok(octets.into_bytes())
}
