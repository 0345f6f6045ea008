//! PDUs as fields.

use serde_json::{Map, Value as Json};

use super::content::{content_type_octets, put_fields};
use super::row::{Flags, fields_of_headers, headers_octets};
use super::session::{address_octets, capability_octets, fields_of_addresses, put_capabilities};
use crate::codec::cursor::put_uintvar;
use crate::codec::format::FieldFault;
use crate::codec::hex;
use crate::codec::object::Object;
use crate::codec::wsp::assigned::{http_status, pdu_name, pdu_number, reply_status};
use crate::codec::wsp::header::Headers;
use crate::codec::wsp::media::unnamed;
use crate::codec::wsp::multipart::{Multipart, put_entity};
use crate::codec::wsp::pdu::{Content, Pdu};
use crate::codec::wsp::rigour::Rigour;

const TYPE: &str = "content_type";
const TYPE_PARAMS: &str = "content_type_params";
const TYPE_OCTETS: &str = "content_type_octets";
const PERMANENT: u8 = 0x80;
const REUSE: u8 = 0x40;

type Fields = Map<String, Json>;

/// What a PDU says.
pub(in crate::codec) fn fields_of_pdu(pdu: &Pdu<'_>) -> Fields {
    let mut fields = Fields::new();
    let number = pdu.number();
    let name = pdu_name(number).map_or_else(|| format!("0x{number:02X}"), str::to_owned);
    put(&mut fields, "pdu", name);
    match pdu {
        Pdu::Connect {
            version,
            capabilities,
            headers,
        } => {
            put(
                &mut fields,
                "version",
                format!("{}.{}", version >> 4, version & 0x0F),
            );
            put_capabilities(&mut fields, capabilities);
            put_headers(&mut fields, headers);
        }
        Pdu::ConnectReply {
            session_id,
            capabilities,
            headers,
        }
        | Pdu::Resume {
            session_id,
            capabilities,
            headers,
        } => {
            put(&mut fields, "session_id", *session_id);
            if number == 0x02 || !capabilities.octets().is_empty() {
                put_capabilities(&mut fields, capabilities);
            }
            put_headers(&mut fields, headers);
        }
        Pdu::Redirect { flags, addresses } => {
            put(&mut fields, "flags", *flags);
            put(&mut fields, "permanent", flags & PERMANENT != 0);
            put(&mut fields, "reuse_security_session", flags & REUSE != 0);
            put(&mut fields, "addresses", fields_of_addresses(addresses));
        }
        Pdu::Disconnect { session_id } | Pdu::Suspend { session_id } => {
            put(&mut fields, "session_id", *session_id);
        }
        Pdu::Push(content) | Pdu::ConfirmedPush(content) => put_content(&mut fields, content),
        _ => put_method(&mut fields, pdu),
    }
    fields
}

fn put_method(fields: &mut Fields, pdu: &Pdu<'_>) {
    match pdu {
        Pdu::Reply {
            status,
            content,
            body,
        } => {
            put(fields, "status", *status);
            if let Some(code) = http_status(*status) {
                put(fields, "http_status", code);
            }
            match content {
                Some(content) => put_content(fields, content),
                None => put(fields, "body_hex", hex::digits(body)),
            }
        }
        Pdu::Get { uri, headers, .. } => {
            put_uri(fields, uri);
            put_headers(fields, headers);
        }
        Pdu::Post { uri, content, .. } => {
            put_uri(fields, uri);
            put_content(fields, content);
        }
        Pdu::DataFragment { headers, body } => {
            put_headers(fields, headers);
            put(fields, "body_hex", hex::digits(body));
        }
        _ => {}
    }
}

fn put(fields: &mut Fields, name: &str, value: impl Into<Json>) {
    fields.insert(name.to_owned(), value.into());
}

fn put_headers(fields: &mut Fields, headers: &Headers<'_>) {
    put(fields, "headers", fields_of_headers(headers, Flags::Number));
}

fn put_uri(fields: &mut Fields, uri: &[u8]) {
    match core::str::from_utf8(uri) {
        Ok(uri) => put(fields, "uri", uri),
        Err(_) => put(fields, "uri_hex", hex::digits(uri)),
    }
}

fn put_content(fields: &mut Fields, content: &Content<'_>) {
    put_fields(
        fields,
        &content.content_type,
        TYPE,
        TYPE_PARAMS,
        TYPE_OCTETS,
    );
    put_headers(fields, &content.headers);
    put(fields, "body_hex", hex::digits(content.body));
    let is_multipart = content
        .content_type
        .name()
        .is_some_and(|name| name.starts_with("application/vnd.wap.multipart."));
    if is_multipart
        && let Ok(multipart) = Multipart::read(content.body, content.body_at, &mut Rigour::Settled)
    {
        put(fields, "part_count", multipart.count);
        let parts: Vec<Json> = multipart.entities.iter().map(fields_of_entity).collect();
        put(fields, "parts", parts);
    }
}

fn fields_of_entity(entity: &crate::codec::wsp::multipart::Entity<'_>) -> Json {
    let mut fields = Fields::new();
    put_fields(
        &mut fields,
        &entity.content_type,
        TYPE,
        TYPE_PARAMS,
        TYPE_OCTETS,
    );
    put_headers(&mut fields, &entity.headers);
    let is_text = entity
        .content_type
        .name()
        .is_some_and(|name| name.starts_with("text/"));
    match core::str::from_utf8(entity.body) {
        Ok(text) if is_text => put(&mut fields, "data", text),
        _ => put(&mut fields, "data_hex", hex::digits(entity.body)),
    }
    Json::Object(fields)
}

/// The octets of a PDU from its type on.
pub(in crate::codec) fn pdu_octets(object: Object<'_>) -> Result<Vec<u8>, FieldFault> {
    let name = object
        .text("pdu")?
        .ok_or_else(|| FieldFault::new("pdu is missing"))?;
    let number = pdu_number(name)
        .or_else(|| u8::try_from(unnamed(name)?).ok())
        .ok_or_else(|| FieldFault::new(format_args!("pdu: {name} is no PDU")))?;
    let mut out = vec![number];
    match number {
        0x01 => {
            out.push(version(object)?);
            put_session(&mut out, object)?;
        }
        0x02 => {
            put_uintvar(&mut out, object.needed::<u32>("session_id")?);
            put_session(&mut out, object)?;
        }
        0x03 => {
            let bit = |name, bit| Ok(if object.flag(name)? { bit } else { 0 });
            let flags = bit("permanent", PERMANENT)? | bit("reuse_security_session", REUSE)?;
            out.push(object.number::<u8>("flags")?.unwrap_or(flags));
            out.extend(address_octets(object.list("addresses")?)?);
        }
        0x04 => {
            out.push(status(object)?);
            if object.get(TYPE).is_some() {
                put_content_octets(&mut out, object, None)?;
            } else {
                out.push(0);
                out.extend(body(object)?);
            }
        }
        0x05 | 0x08 => put_uintvar(&mut out, object.needed::<u32>("session_id")?),
        0x06 | 0x07 => put_content_octets(&mut out, object, None)?,
        0x09 => {
            put_uintvar(&mut out, object.needed::<u32>("session_id")?);
            let capabilities = capability_octets(object)?;
            put_counted(&mut out, &capabilities);
            out.extend(rows(object)?);
        }
        0x40..=0x44 | 0x50..=0x5F => {
            put_counted(&mut out, &uri(object)?);
            out.extend(rows(object)?);
        }
        0x60..=0x61 | 0x70..=0x7F => {
            let uri = uri(object)?;
            put_len(&mut out, uri.len());
            put_content_octets(&mut out, object, Some(&uri))?;
        }
        0x80 => {
            put_counted(&mut out, &rows(object)?);
            out.extend(body(object)?);
        }
        _ => return Err(FieldFault::new(format_args!("pdu: {name} is no PDU"))),
    }
    Ok(out)
}

fn version(object: Object<'_>) -> Result<u8, FieldFault> {
    let text = object.text("version")?.unwrap_or("1.0");
    let nibble = |digits: &str| digits.parse::<u8>().ok().filter(|number| *number < 16);
    text.split_once('.')
        .and_then(|(major, minor)| Some((nibble(major)?, nibble(minor)?)))
        .map(|(major, minor)| major << 4 | minor)
        .ok_or_else(|| FieldFault::new(format_args!("version: {text} is none")))
}

fn status(object: Object<'_>) -> Result<u8, FieldFault> {
    if let Some(status) = object.number::<u8>("status")? {
        return Ok(status);
    }
    object
        .up_to("http_status", 999)?
        .and_then(|code| u16::try_from(code).ok())
        .map(reply_status)
        .ok_or_else(|| FieldFault::new("status is missing"))
}

fn uri(object: Object<'_>) -> Result<Vec<u8>, FieldFault> {
    match object.octets("uri_hex")? {
        Some(octets) => Ok(octets),
        None => Ok(object.text("uri")?.unwrap_or_default().as_bytes().to_vec()),
    }
}

fn rows(object: Object<'_>) -> Result<Vec<u8>, FieldFault> {
    object.get("headers").map_or(Ok(Vec::new()), headers_octets)
}

fn put_len(out: &mut Vec<u8>, len: usize) {
    put_uintvar(out, u32::try_from(len).unwrap_or(u32::MAX));
}

fn put_counted(out: &mut Vec<u8>, octets: &[u8]) {
    put_len(out, octets.len());
    out.extend_from_slice(octets);
}

fn put_session(out: &mut Vec<u8>, object: Object<'_>) -> Result<(), FieldFault> {
    let (capabilities, headers) = (capability_octets(object)?, rows(object)?);
    put_len(out, capabilities.len());
    put_len(out, headers.len());
    out.extend(capabilities);
    out.extend(headers);
    Ok(())
}

/// Length of the headers, what stands between it and them, media type, headers, body.
fn put_content_octets(
    out: &mut Vec<u8>,
    object: Object<'_>,
    between: Option<&[u8]>,
) -> Result<(), FieldFault> {
    let content_type = content_type_octets(object, TYPE, TYPE_PARAMS, TYPE_OCTETS)?;
    let headers = rows(object)?;
    put_len(out, content_type.len().saturating_add(headers.len()));
    out.extend_from_slice(between.unwrap_or_default());
    out.extend(content_type);
    out.extend(headers);
    out.extend(body(object)?);
    Ok(())
}

/// `body_hex`, or else the multipart body of `parts`.
fn body(object: Object<'_>) -> Result<Vec<u8>, FieldFault> {
    if let Some(octets) = object.octets("body_hex")? {
        return Ok(octets);
    }
    let parts = object.list("parts")?;
    let mut out = Vec::new();
    if parts.is_empty() {
        return Ok(out);
    }
    let count = match object.get("part_count") {
        Some(_) => object.needed::<u32>("part_count")?,
        None => u32::try_from(parts.len()).unwrap_or(u32::MAX),
    };
    put_uintvar(&mut out, count);
    for part in parts {
        let part = Object::of(part, "a part")?;
        let content_type = content_type_octets(part, TYPE, TYPE_PARAMS, TYPE_OCTETS)?;
        let body = match part.octets("data_hex")? {
            Some(octets) => octets,
            None => part.text("data")?.unwrap_or_default().as_bytes().to_vec(),
        };
        put_entity(&mut out, &content_type, &rows(part)?, &body);
    }
    Ok(out)
}
