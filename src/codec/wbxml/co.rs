//! Cache Operation: objects and services that a cache is to take for invalid.
//!
//! **Source:** WAP-175, tokens in section 9.3, meaning in section 6. Not here: resolving relative addresses.

use std::borrow::Cow;

use serde_json::{Value as Json, json};

use super::element::Element;
use super::fields::{self, Shape};
use super::language::{AttributeRule, Attributes, ElementRule, Language, Model, start};
use super::source::Sink;
use super::value::{Name, Value};
use super::{Document, reader};
use crate::codec::format::{FieldFault, Format};
use crate::codec::object::Object;

/// The tokens and rules of CO 1.0.
pub static LANGUAGE: Language = Language {
    name: "co",
    format: "wbxml-co",
    xml_format: "co-xml",
    clause: "WAP-175 9.3",
    version: 0x02,
    public_number: 0x07,
    public_id: "-//WAPFORUM//DTD CO 1.0//EN",
    system_id: "http://www.wapforum.org/DTD/co_1.0.dtd",
    elements: &[
        ElementRule {
            name: "co",
            token: 0x05,
            content: Model::AnyOf(&[0x06, 0x07]),
            attributes: Attributes::NONE,
        },
        ElementRule {
            name: OBJECT,
            token: 0x06,
            content: Model::Empty,
            attributes: Attributes::of(&[&URI]),
        },
        ElementRule {
            name: SERVICE,
            token: 0x07,
            content: Model::Empty,
            attributes: Attributes::of(&[&URI]),
        },
    ],
    starts: &[
        start(0x05, &URI, ""),
        start(0x06, &URI, "http://"),
        start(0x07, &URI, "http://www."),
        start(0x08, &URI, "https://"),
        start(0x09, &URI, "https://www."),
    ],
    values: &[
        (0x85, ".com/"),
        (0x86, ".edu/"),
        (0x87, ".net/"),
        (0x88, ".org/"),
    ],
};

static URI: AttributeRule = AttributeRule::text(0, "uri").required("the attribute uri");

const OBJECT: &str = "invalidate-object";
const SERVICE: &str = "invalidate-service";

/// CO in WBXML.
pub const FORMAT: Format = Format {
    name: "wbxml-co",
    clause: "WAP-175, WAP-192",
    decode: |octets, lenient| fields::decode(&SHAPE, octets, lenient),
    spans: |octets, lenient| reader::spans(&LANGUAGE, octets, lenient),
    encode: |value| fields::encode(&SHAPE, value),
};

/// CO as XML.
pub const XML_FORMAT: Format = Format {
    name: "co-xml",
    clause: "WAP-175 8",
    decode: |octets, lenient| fields::decode_xml(&SHAPE, octets, lenient),
    spans: |octets, lenient| fields::xml_spans(&SHAPE, octets, lenient),
    encode: |value| fields::encode_xml(&SHAPE, value),
};

const SHAPE: Shape = Shape {
    language: &LANGUAGE,
    fields: |root| Co::of_element(root).fields(),
    element: |fields| Co::of_fields(fields).map(Document::into_element),
};

/// A cache operation: what is invalid, in order, at least one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Co<'a>(pub Vec<Invalid<'a>>);

/// What a cache is to take for invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invalid<'a> {
    /// The object of that address.
    Object(Cow<'a, str>),
    /// All objects at and below that address.
    Service(Cow<'a, str>),
}

impl Invalid<'_> {
    /// The address.
    #[must_use]
    pub fn uri(&self) -> &str {
        match self {
            Self::Object(uri) | Self::Service(uri) => uri,
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Object(_) => OBJECT,
            Self::Service(_) => SERVICE,
        }
    }

    /// Whether the cached object of that absolute address is meant; ours must be absolute too. A service covers whole
    /// path segments: `/abc/ef` covers `/abc/ef/gh` and not `/abc/efz`. The query of a service is ignored.
    #[must_use]
    pub fn covers(&self, cached: &str) -> bool {
        match self {
            Self::Object(uri) => *uri == cached,
            Self::Service(uri) => {
                let Some((scheme, authority, path)) = split(uri) else {
                    return false;
                };
                let Some((other_scheme, other_authority, other_path)) = split(cached) else {
                    return false;
                };
                let path = path.trim_end_matches('/');
                let below = other_path.strip_prefix(path);
                scheme.eq_ignore_ascii_case(other_scheme)
                    && authority.eq_ignore_ascii_case(other_authority)
                    && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
        }
    }
}

/// Scheme, authority and path of an absolute address.
fn split(uri: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = uri.split_once("://")?;
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let rest = rest.get(..end)?;
    let path = rest.find('/').unwrap_or(rest.len());
    Some((scheme, rest.get(..path)?, rest.get(path..)?))
}

impl<'a> Sink<'a> for Co<'a> {
    fn attribute(&mut self, of: &'static str, name: Name<'a>, value: Value<'a>) {
        match (of, name) {
            (OBJECT, Name::Known("uri")) => self.0.push(Invalid::Object(value.text())),
            (SERVICE, Name::Known("uri")) => self.0.push(Invalid::Service(value.text())),
            _ => {}
        }
    }
}

impl<'a> Document<'a> for Co<'a> {
    const LANGUAGE: &'static Language = &LANGUAGE;

    fn into_element(self) -> Element<'a> {
        let elements = self.0.into_iter().map(|invalid| {
            let name = invalid.name();
            let (Invalid::Object(uri) | Invalid::Service(uri)) = invalid;
            Element::new(name).with("uri", Some(uri))
        });
        elements.fold(Element::new("co"), Element::with_element)
    }
}

impl<'a> Co<'a> {
    fn fields(&self) -> Json {
        let one = |invalid: &Invalid<'_>| json!({ invalid.name(): invalid.uri() });
        self.0.iter().map(one).collect()
    }

    fn of_fields(fields: &'a Json) -> Result<Self, FieldFault> {
        let list = fields::part(fields, "co")?;
        let list = list.as_array().filter(|list| !list.is_empty());
        let list = list.ok_or_else(|| FieldFault::new("co: a list of at least one is wanted"))?;
        let one = |value: &'a Json| {
            let object = Object::of(value, "co")?.only("co.", &[OBJECT, SERVICE])?;
            match (object.text(OBJECT)?, object.text(SERVICE)?) {
                (Some(uri), None) => Ok(Invalid::Object(uri.into())),
                (None, Some(uri)) => Ok(Invalid::Service(uri.into())),
                _ => Err(object.fault(OBJECT, "this or invalidate-service is wanted")),
            }
        };
        list.iter().map(one).collect::<Result<_, _>>().map(Self)
    }
}
