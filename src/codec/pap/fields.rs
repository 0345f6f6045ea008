//! PAP as named fields: client addresses, control entities and whole HTTP bodies, as vectors and the command line see them.
//!
//! A control entity is shown with the attributes and elements of its XML under their own names; what a higher minor
//! version added stays. Not here: what a gateway answers.

use core::fmt::Write as _;
use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::address::ClientAddress;
use super::version::Offers;
use super::write::Writer;
use super::xml::{self, Attr, Node};
use super::{Operation, Version, check, dtd, fault, submission, version_of};
use crate::codec::format::{Decoded, Deviation, FieldFault, Format};
use crate::codec::mime::{self, Part};
use crate::codec::xml::is_name;
use crate::codec::{Class, DecodeError, Span, hex};
use crate::limits;

/// Client addresses.
pub const ADDRESS_FORMAT: Format = Format {
    name: "client-address",
    clause: "WAP-249 6.1",
    decode: decode_address,
    spans: address_spans,
    encode: encode_address,
};

/// Control entities.
pub const XML_FORMAT: Format = Format {
    name: "pap-xml",
    clause: "WAP-247 8",
    decode: |octets, _| decode_xml(octets).map(Decoded::strict),
    spans: |octets, _| xml::spans(octets),
    encode: encode_xml,
};

/// HTTP bodies: a control entity, alone or in front of content and capabilities.
pub const BODY_FORMAT: Format = Format {
    name: "pap-http-body",
    clause: "WAP-247 7",
    decode: |octets, _| decode_body(octets).map(Decoded::strict),
    spans: |octets, _| body_spans(octets),
    encode: encode_body,
};

const XML: &str = "application/xml";

fn decode_address(octets: &[u8], lenient: bool) -> Result<Decoded, DecodeError> {
    let text = core::str::from_utf8(octets).map_err(|error| DecodeError {
        format: ADDRESS_FORMAT.name,
        offset: error.valid_up_to(),
        class: Class::AddressError,
        expected: "text",
    })?;
    match ClientAddress::decode(text) {
        Ok(address) => Ok(Decoded::strict(address_fields(&address))),
        Err(_) if lenient && is_bare(text) => Ok(Decoded {
            fields: json!({ "address": text, "type": null, "value": text, "ppg": null }),
            deviations: vec![Deviation {
                at: 0,
                what: "WAPPUSH=, not a bare identifier",
            }],
        }),
        Err(error) => Err(error),
    }
}

/// An identifier alone, as some initiators in the field write it.
fn is_bare(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn address_fields(address: &ClientAddress) -> Value {
    let mut fields = json!({
        "address": address.as_str(),
        "type": address.kind.name(),
        "value": address.kind.value(),
        "ppg": address.host,
    });
    if !address.qualifiers.is_empty() {
        let qualifiers = address.qualifiers.iter();
        let qualifiers: Map<String, Value> = qualifiers
            .map(|(name, value)| (name.clone(), value.as_str().into()))
            .collect();
        insert(&mut fields, "qualifiers", qualifiers.into());
    }
    fields
}

fn encode_address(fields: &Value) -> Result<Vec<u8>, FieldFault> {
    if let Some(octets) = address_as_written(fields) {
        return Ok(octets);
    }
    let text = |name: &str| {
        let value = fields.get(name).and_then(Value::as_str);
        value.ok_or_else(|| FieldFault::new(format_args!("{name}: text is wanted")))
    };
    let (kind, value, ppg) = (text("type")?, text("value")?, text("ppg")?);
    let numeric = ["PLMN", "IPv4", "IPv6", "MAN"];
    let mut out = String::from("WAPPUSH=");
    if numeric.iter().any(|known| known.eq_ignore_ascii_case(kind)) {
        out.push_str(value);
    } else {
        out.push_str(&super::address::escaped(value));
    }
    for (name, value) in fields
        .get("qualifiers")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let value = value.as_str().unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = write!(out, "/{name}={value}");
    }
    let _ = write!(out, "/TYPE={kind}@{ppg}");
    ClientAddress::decode(&out)
        .map_err(|error| FieldFault::new(format_args!("{out}: expected {}", error.expected)))?;
    Ok(out.into_bytes())
}

/// The address as it was written, when that says what the other fields say.
fn address_as_written(fields: &Value) -> Option<Vec<u8>> {
    let text = fields.get("address")?.as_str()?;
    let says = decode_address(text.as_bytes(), true).ok()?.fields;
    let given = fields.as_object()?;
    let same = given
        .iter()
        .all(|(key, value)| says.get(key) == Some(value));
    same.then(|| text.as_bytes().to_vec())
}

fn address_spans(octets: &[u8], lenient: bool) -> Vec<Span> {
    let Ok(read) = decode_address(octets, lenient) else {
        return Vec::new();
    };
    let text = core::str::from_utf8(octets).unwrap_or_default();
    let (specifier, _) = text.rsplit_once('@').unwrap_or((text, ""));
    let mut spans = Vec::new();
    let mut at = 0_usize;
    let mut put = |len: usize, path: &str, value: &str| {
        if len > 0 {
            spans.push(Span {
                at,
                len,
                path: format!("address.{path}"),
                value: value.to_owned(),
                clause: ADDRESS_FORMAT.clause,
            });
            at = at.saturating_add(len);
        }
    };
    let field = |name: &str| {
        read.fields
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    for piece in specifier.split_inclusive('/') {
        let keyword = piece.find('=').map_or(0, |at| at.saturating_add(1));
        let name = piece.get(..keyword).unwrap_or_default();
        let rest = piece.get(keyword..).unwrap_or_default();
        let slash = usize::from(rest.ends_with('/'));
        let value = rest.trim_end_matches('/');
        put(keyword, "keyword", name);
        match name.to_ascii_uppercase().as_str() {
            "WAPPUSH=" | "" if !value.is_empty() => put(value.len(), "value", field("value")),
            "TYPE=" => put(value.len(), "type", field("type")),
            _ => put(value.len(), "qualifiers", value),
        }
        put(slash, "separator", "/");
    }
    if specifier.len() < text.len() {
        put(1, "separator", "@");
        put(field("ppg").len(), "ppg", field("ppg"));
    }
    spans
}

fn decode_xml(octets: &[u8]) -> Result<Value, DecodeError> {
    let (mut tree, result) = xml::read(octets);
    result.and_then(|()| check(&tree))?;
    let version = version_of(&tree).unwrap_or(Version::V1_0);
    let root = tree.root.as_mut();
    let root = root.ok_or_else(|| fault(0, Class::XmlInvalid, "the element pap"))?;
    let shown = object_of(root);
    dtd::check(root, version)?;
    let operation = Operation::read(root)?;
    let mut fields = json!({
        "version": version.to_string(),
        "operation": operation.name(),
    });
    let supported = tree.doctype.and_then(|doctype| doctype.supported);
    if let Some((list, _)) = supported {
        insert(&mut fields, "supported", list.into());
    }
    for (name, value) in shown {
        insert(&mut fields, &name, value);
    }
    Ok(fields)
}

/// Attributes and elements by name; addresses are texts.
fn object_of(node: &Node<'_>) -> Map<String, Value> {
    let mut fields = Map::new();
    for attribute in &node.attributes {
        fields.insert(attribute.name.to_owned(), (&*attribute.value).into());
    }
    for child in &node.children {
        let value = match child.attributes.as_slice() {
            [only] if child.name == "address" && only.name == "address-value" => {
                (&*only.value).into()
            }
            _ => Value::Object(object_of(child)),
        };
        let one = dtd::children(node.name).any(|(name, many)| name == child.name && !many);
        if one && child.name != "address" {
            fields.insert(child.name.to_owned(), value);
        } else if let Value::Array(list) = fields
            .entry(child.name)
            .or_insert_with(|| Value::Array(Vec::new()))
        {
            list.push(value);
        }
    }
    fields
}

fn encode_xml(fields: &Value) -> Result<Vec<u8>, FieldFault> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let version = text("version").unwrap_or("2.0");
    let version: Version = version
        .parse()
        .map_err(|_| FieldFault::new("version: MAJOR.MINOR is wanted"))?;
    let supported = text("supported");
    if supported.is_some_and(|list| Offers::decode(list).is_err()) {
        return Err(FieldFault::new("supported: a list of versions is wanted"));
    }
    let mut inside = fields.as_object().cloned().unwrap_or_default();
    for own in ["version", "operation", "supported"] {
        inside.remove(own);
    }
    let inside = Value::Object(inside);
    let root = node_of("pap", &inside, 1)?;
    let mut checked = root.clone();
    let wrong = |error: DecodeError| {
        FieldFault::new(format_args!(
            "pap: {}, expected {}",
            error.class.name(),
            error.expected
        ))
    };
    dtd::check(&mut checked, version).map_err(wrong)?;
    Operation::read(&checked).map_err(wrong)?;
    let mut out = Writer::new();
    super::prolog(&mut out, version, supported);
    write(&root, &mut out);
    Ok(out.finish())
}

fn write(node: &Node<'_>, out: &mut Writer) {
    out.open(node.name);
    for attribute in &node.attributes {
        out.attribute(attribute.name, &*attribute.value);
    }
    node.children.iter().for_each(|child| write(child, out));
    out.close(node.name);
}

/// The element of such fields, all in the order of the document type, what it does not know at the end.
fn node_of<'a>(name: &'a str, fields: &'a Value, depth: usize) -> Result<Node<'a>, FieldFault> {
    if depth > limits::PAP_DEPTH {
        return Err(FieldFault::new(format_args!("{name}: nested too deeply")));
    }
    let mut node = Node {
        name,
        ..Node::default()
    };
    if !is_name(name) {
        return Err(FieldFault::new(format_args!("{name}: is no name of XML")));
    }
    let object = match fields {
        Value::Object(object) => object,
        Value::String(text) if name == "address" => {
            node.attributes
                .push(attribute("address-value", text.as_str()));
            return Ok(node);
        }
        _ => return Err(FieldFault::new(format_args!("{name}: an object is wanted"))),
    };
    let known = dtd::attributes(name).chain(dtd::children(name).map(|(name, _)| name));
    let known: Vec<&str> = known.collect();
    let others = object.keys().map(String::as_str);
    let others = others.filter(|key| !known.contains(key));
    let order: Vec<&str> = known.iter().copied().chain(others).collect();
    for key in order {
        match object.get(key) {
            None | Some(Value::Null) => {}
            Some(Value::Array(list)) => {
                for value in list {
                    let child = node_of(key, value, depth.saturating_add(1))?;
                    node.children.push(child);
                }
            }
            Some(value @ Value::Object(_)) => {
                let child = node_of(key, value, depth.saturating_add(1))?;
                node.children.push(child);
            }
            Some(value @ Value::String(_)) if key == "address" => {
                let child = node_of(key, value, depth)?;
                node.children.push(child);
            }
            Some(Value::String(text)) => node.attributes.push(attribute(key, text.as_str())),
            Some(plain) => node.attributes.push(attribute(key, plain.to_string())),
        }
    }
    if let Some(odd) = node.attributes.iter().find(|attr| !is_name(attr.name)) {
        let name = odd.name;
        return Err(FieldFault::new(format_args!("{name}: is no name of XML")));
    }
    Ok(node)
}

fn attribute<'a>(name: &'a str, value: impl Into<Cow<'a, str>>) -> Attr<'a> {
    Attr {
        name,
        value: value.into(),
        at: 0,
    }
}

fn insert(fields: &mut Value, name: &str, value: Value) {
    if let Some(map) = fields.as_object_mut() {
        map.insert(name.to_owned(), value);
    }
}

/// The content type that a body of its own shows: the boundary is in its first line.
fn content_type(octets: &[u8]) -> Option<(String, String)> {
    let line = octets.split(|octet| *octet == b'\n').next()?;
    let line = core::str::from_utf8(line).ok()?.trim_end();
    let boundary = line.strip_prefix("--")?;
    let plain = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
    let is_boundary = (1..=70).contains(&boundary.len()) && boundary.bytes().all(plain);
    let content_type = format!("multipart/related; boundary=\"{boundary}\"; type=\"{XML}\"");
    is_boundary.then(|| (boundary.to_owned(), content_type))
}

fn decode_body(octets: &[u8]) -> Result<Value, DecodeError> {
    let Some((boundary, content_type)) = content_type(octets) else {
        submission(XML, octets).map_err(|refusal| refusal.error)?;
        return Ok(json!({ "parts": [XML], "control": decode_xml(octets)? }));
    };
    let (document, content, capabilities) =
        submission(&content_type, octets).map_err(|refusal| refusal.error)?;
    let parts = mime::parts(&content_type, octets)?;
    let mut fields = json!({
        "boundary": boundary,
        "parts": parts.iter().map(Part::content_type).collect::<Vec<_>>(),
        "operation": document.operation.name(),
        "entities": parts.iter().map(entity_fields).collect::<Vec<_>>(),
    });
    if let Some(content) = content {
        insert(
            &mut fields,
            "content_hex",
            hex::digits(&content.body).into(),
        );
    }
    if let Some(capabilities) = capabilities {
        let digits = hex::digits(&capabilities.body);
        insert(&mut fields, "capabilities_hex", digits.into());
    }
    Ok(fields)
}

fn entity_fields(part: &Part<'_>) -> Value {
    let headers: Vec<Value> = part
        .headers
        .iter()
        .map(|(name, value)| json!([name, value]))
        .collect();
    match core::str::from_utf8(part.body) {
        Ok(text) => json!({ "headers": headers, "text": text }),
        Err(_) => json!({ "headers": headers, "hex": hex::digits(part.body) }),
    }
}

fn encode_body(fields: &Value) -> Result<Vec<u8>, FieldFault> {
    let Some(entities) = fields.get("entities").and_then(Value::as_array) else {
        let control = fields.get("control");
        return encode_xml(control.ok_or_else(|| FieldFault::new("entities: a list is wanted"))?);
    };
    let bodies: Vec<Vec<u8>> = entities.iter().map(entity_body).collect::<Result<_, _>>()?;
    let mut parts = Vec::new();
    for (entity, body) in entities.iter().zip(&bodies) {
        parts.push(Part::new(entity_headers(entity)?, body));
    }
    let boundary = match fields.get("boundary").and_then(Value::as_str) {
        Some(boundary) => boundary.to_owned(),
        None => mime::boundary("pap", &bodies.iter().map(Vec::as_slice).collect::<Vec<_>>()),
    };
    let out = mime::compose(&boundary, &parts);
    decode_body(&out)
        .map_err(|error| FieldFault::new(format_args!("entities: {error}")))
        .map(|_| out)
}

fn entity_body(entity: &Value) -> Result<Vec<u8>, FieldFault> {
    let text = entity.get("text").and_then(Value::as_str);
    let digits = entity.get("hex").and_then(Value::as_str);
    match (text, digits) {
        (Some(text), _) => Ok(text.as_bytes().to_vec()),
        (None, digits) => digits
            .and_then(hex::octets)
            .ok_or_else(|| FieldFault::new("entities: text or hex is wanted in each")),
    }
}

fn entity_headers(entity: &Value) -> Result<Vec<(&str, &str)>, FieldFault> {
    let wrong = || FieldFault::new("entities.headers: pairs of name and value are wanted");
    let list = entity.get("headers").and_then(Value::as_array);
    list.ok_or_else(wrong)?
        .iter()
        .map(|pair| match pair.as_array().map(Vec::as_slice) {
            Some([Value::String(name), Value::String(value)]) => {
                Ok((name.as_str(), value.as_str()))
            }
            _ => Err(wrong()),
        })
        .collect()
}

fn body_spans(octets: &[u8]) -> Vec<Span> {
    let Some((_, content_type)) = content_type(octets) else {
        return xml::spans(octets);
    };
    let parts = mime::parts(&content_type, octets).unwrap_or_default();
    let mut spans: Vec<Span> = Vec::new();
    let mut end = 0_usize;
    let mut put = |to: usize, path: String, value: &str| {
        if to > end {
            spans.push(Span {
                at: end,
                len: to.saturating_sub(end),
                path,
                value: value.to_owned(),
                clause: BODY_FORMAT.clause,
            });
            end = to;
        }
    };
    for (number, part) in parts.iter().enumerate() {
        let headers = part.headers.iter();
        let headers: Vec<String> = headers
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        put(
            part.at,
            format!("entities[{number}].headers"),
            &headers.join(", "),
        );
        let shown = format!("{} octets", part.body.len());
        let to = part.at.saturating_add(part.body.len());
        put(to, format!("entities[{number}].body"), &shown);
    }
    if !parts.is_empty() {
        put(octets.len(), "delimiter".to_owned(), "the last");
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_identifier_is_an_address_to_a_lenient_reader_only() {
        assert!(decode_address(b"2AB7AC7E", false).is_err());
        let read = decode_address(b"2AB7AC7E", true).unwrap();
        assert_eq!(
            (read.deviations.len(), &read.fields["value"]),
            (1, &json!("2AB7AC7E"))
        );
        assert_eq!(encode_address(&read.fields).unwrap(), b"2AB7AC7E");
        assert!(decode_address(b"a@b", true).is_err());
    }

    #[test]
    fn an_address_is_composed_of_its_fields_and_escaped() {
        let fields = json!({"type": "USER", "value": "sip:a@b 1", "ppg": "ppg.example", "qualifiers": {"LAB": "7"}});
        let text = encode_address(&fields).unwrap();
        let wanted = "WAPPUSH=sip%3Aa%40b%201/LAB=7/TYPE=USER@ppg.example";
        assert_eq!(String::from_utf8(text).unwrap(), wanted);
        for wrong in [
            json!({"type": "PLMN", "value": "1555", "ppg": "x"}),
            json!({"type": "MAN", "value": "1", "ppg": "x"}),
            json!({"type": "USER", "value": "a", "ppg": "x_y"}),
            json!({"type": "USER", "value": "a"}),
        ] {
            assert!(encode_address(&wrong).is_err(), "{wrong}");
        }
        // What is changed wins over what was written.
        let mut fields = decode_address(wanted.as_bytes(), false).unwrap().fields;
        fields["value"] = "b".into();
        assert_eq!(
            encode_address(&fields).unwrap(),
            b"WAPPUSH=b/LAB=7/TYPE=USER@ppg.example"
        );
    }

    #[test]
    fn what_a_higher_minor_version_added_stays() {
        let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 2.1//EN\" \"http://www.wapforum.org/DTD/pap_2.1.dtd\">\n<pap><push-message push-id=\"a\" new=\"b\"><address address-value=\"x\"/><fresh y=\"z\"/></push-message></pap>";
        let fields = decode_xml(text.as_bytes()).unwrap();
        assert_eq!(fields["push-message"]["fresh"], json!([{"y": "z"}]));
        assert_eq!(
            String::from_utf8(encode_xml(&fields).unwrap()).unwrap(),
            text
        );
    }

    #[test]
    fn fields_that_are_no_document_are_refused() {
        for wrong in [
            json!({}),
            json!({"push-message": {"push-id": "a"}}),
            json!({"push-message": {"push-id": "a", "address": ["x"], "new": "b"}}),
            json!({"version": "1.0", "push-message": {"push-id": "a", "address": ["x"], "replace-push-id": "b"}}),
            json!({"cancel-message": {"push-id": "a"}, "supported": "x"}),
            json!({"cancel-message": {"push-id": "a", "a b": "c"}, "version": "2.1"}),
            json!({"cancel-message": 7}),
        ] {
            assert!(encode_xml(&wrong).is_err(), "{wrong}");
        }
        let right = json!({"version": "1.0", "badmessage-response": {"code": 3002}});
        assert!(encode_xml(&right).is_ok());
    }
}
