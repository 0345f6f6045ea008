//! The four document types as named fields: what vectors, `sir decode` and `sir encode` see.
//!
//! Octets that are not what our writer would choose for their meaning (other tokens, a string table, parts that the type
//! does not know) are shown as `as_sent`; as long as no field differs from what they say, writing gives them back.

use serde_json::{Map, Value as Json, json};

use super::charset::Charset;
use super::element::Element;
use super::header::version_name;
use super::language::Language;
use super::reader::Reader;
use super::value::Name;
use super::writer::{self, Head};
use super::xml::{self, XmlReader};
use crate::codec::format::{Decoded, FieldFault};
use crate::codec::{DecodeError, Span, hex};

/// A document type with its fields.
pub(super) struct Shape {
    pub(super) language: &'static Language,
    /// The fields of a document.
    pub(super) fields: fn(&Element<'_>) -> Json,
    /// The document of such fields.
    pub(super) element: fn(&Json) -> Result<Element<'_>, FieldFault>,
}

const AS_SENT: &str = "as_sent";

pub(super) fn decode(shape: &Shape, octets: &[u8], lenient: bool) -> Result<Decoded, DecodeError> {
    let language = shape.language;
    let mut reader = Reader::new(language, octets, lenient);
    let root = Element::read(language, &mut reader)?;
    let header = reader.header();
    let mut fields = Map::new();
    fields.insert(language.name.into(), (shape.fields)(&root));
    fields.insert("wbxml_version".into(), version_name(header.version).into());
    fields.insert("public_id".into(), header.public_id.into());
    fields.insert("charset".into(), header.charset.number().into());
    let mut unknown = Vec::new();
    list_unknown(&root, &root.name.to_string(), &mut unknown);
    if !unknown.is_empty() {
        fields.insert("unknown".into(), unknown.into());
    }
    let mut fields = Json::Object(fields);
    if encode(shape, &fields).as_deref() != Ok(octets)
        && let Some(fields) = fields.as_object_mut()
    {
        fields.insert(AS_SENT.into(), hex::digits(octets).into());
    }
    Ok(Decoded {
        fields,
        deviations: reader.deviations(),
    })
}

pub(super) fn decode_xml(
    shape: &Shape,
    octets: &[u8],
    lenient: bool,
) -> Result<Decoded, DecodeError> {
    let mut reader = XmlReader::new(shape.language, octets, lenient)?;
    let root = Element::read(shape.language, &mut reader)?;
    let mut fields = Map::new();
    fields.insert(shape.language.name.into(), (shape.fields)(&root));
    let mut unknown = Vec::new();
    list_unknown(&root, &root.name.to_string(), &mut unknown);
    let deviations = reader.deviations();
    // Layout is no part of a document, but what was passed over is.
    if !unknown.is_empty() || !deviations.is_empty() {
        fields.insert(AS_SENT.into(), hex::digits(octets).into());
    }
    if !unknown.is_empty() {
        fields.insert("unknown".into(), unknown.into());
    }
    Ok(Decoded {
        fields: fields.into(),
        deviations,
    })
}

pub(super) fn encode(shape: &Shape, fields: &Json) -> Result<Vec<u8>, FieldFault> {
    if let Some(octets) = sent(shape, fields, decode)? {
        return Ok(octets);
    }
    let root = (shape.element)(fields)?;
    let mut head = Head::of(shape.language);
    if let Some(version) = fields
        .get("wbxml_version")
        .filter(|version| !version.is_null())
    {
        let known = (0..=3).find(|known| version == &json!(version_name(*known)));
        head.version =
            known.ok_or_else(|| FieldFault::new("wbxml_version: \"1.0\" to \"1.3\" are known"))?;
    }
    if let Some(charset) = fields.get("charset").filter(|charset| !charset.is_null()) {
        let number = charset
            .as_u64()
            .and_then(|number| u32::try_from(number).ok());
        let number = number.ok_or_else(|| FieldFault::new("charset: a MIBEnum number"))?;
        head.charset = Charset::of(number);
    }
    writer::write(shape.language, &root, head)
}

pub(super) fn encode_xml(shape: &Shape, fields: &Json) -> Result<Vec<u8>, FieldFault> {
    if let Some(octets) = sent(shape, fields, decode_xml)? {
        return Ok(octets);
    }
    xml::write(shape.language, &(shape.element)(fields)?)
}

/// The octets of `as_sent`, when they still say what the fields say.
fn sent(
    shape: &Shape,
    fields: &Json,
    read: fn(&Shape, &[u8], bool) -> Result<Decoded, DecodeError>,
) -> Result<Option<Vec<u8>>, FieldFault> {
    let Some(text) = fields.get(AS_SENT) else {
        return Ok(None);
    };
    let octets = text
        .as_str()
        .and_then(hex::octets)
        .ok_or_else(|| FieldFault::new("as_sent: pairs of hexadecimal digits"))?;
    let says = read(shape, &octets, true).ok().map(|read| read.fields);
    let same = says.as_ref().is_some_and(|says| {
        let given = fields.as_object().into_iter().flatten();
        given
            .filter(|(key, _)| *key != AS_SENT)
            .all(|(key, value)| says.get(key) == Some(value))
    });
    let whole = fields.get(shape.language.name).is_some();
    Ok(Some(octets).filter(|_| same && whole))
}

/// What stands where in XML: one span an element, an attribute, a run of text.
pub(super) fn xml_spans(shape: &Shape, octets: &[u8], lenient: bool) -> Vec<Span> {
    let Ok(reader) = XmlReader::new(shape.language, octets, lenient) else {
        return Vec::new();
    };
    reader.spans()
}

fn list_unknown(element: &Element<'_>, path: &str, out: &mut Vec<Json>) {
    if !matches!(element.name, Name::Known(_)) {
        out.push(path.into());
    }
    for (name, _) in &element.attributes {
        if !matches!(name, Name::Known(_)) {
            out.push(format!("{path}.{name}").into());
        }
    }
    for inner in element.elements() {
        list_unknown(inner, &format!("{path}.{}", inner.name), out);
    }
}

/// An instant as fields show it.
pub(super) const INSTANT: &str = "an instant as 1999-04-30T06:40:00Z";

/// The field of that name, which must be there.
pub(super) fn part<'v>(fields: &'v Json, name: &str) -> Result<&'v Json, FieldFault> {
    fields
        .get(name)
        .ok_or_else(|| FieldFault::new(format_args!("{name}: is missing")))
}
