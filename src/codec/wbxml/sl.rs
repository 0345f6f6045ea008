//! Service Loading: an address that is to be loaded, with or without asking.
//!
//! **Source:** WAP-168, tokens in section 9.3, several pending ones in section 6.2.

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

/// The tokens and rules of SL 1.0.
pub static LANGUAGE: Language = Language {
    name: "sl",
    format: "wbxml-sl",
    xml_format: "sl-xml",
    clause: "WAP-168 9.3",
    version: 0x02,
    public_number: 0x06,
    public_id: "-//WAPFORUM//DTD SL 1.0//EN",
    system_id: "http://www.wapforum.org/DTD/sl.dtd",
    elements: &[ElementRule {
        name: "sl",
        token: 0x05,
        content: Model::Empty,
        attributes: Attributes::of(&[&HREF, &ACTION]),
    }],
    starts: &[
        start(0x05, &ACTION, "execute-low"),
        start(0x06, &ACTION, "execute-high"),
        start(0x07, &ACTION, "cache"),
        start(0x08, &HREF, ""),
        start(0x09, &HREF, "http://"),
        start(0x0A, &HREF, "http://www."),
        start(0x0B, &HREF, "https://"),
        start(0x0C, &HREF, "https://www."),
    ],
    values: &[
        (0x85, ".com/"),
        (0x86, ".edu/"),
        (0x87, ".net/"),
        (0x88, ".org/"),
    ],
};

static HREF: AttributeRule = AttributeRule::text(0, "href").required("the attribute href");
static ACTION: AttributeRule =
    AttributeRule::words(1, "action", &["execute-low", "execute-high", "cache"]);

const ACTIONS: &[(&str, Action)] = &[
    ("execute-low", Action::ExecuteLow),
    ("execute-high", Action::ExecuteHigh),
    ("cache", Action::Cache),
];

/// SL in WBXML.
pub const FORMAT: Format = Format {
    name: "wbxml-sl",
    clause: "WAP-168, WAP-192",
    decode: |octets, lenient| fields::decode(&SHAPE, octets, lenient),
    spans: |octets, lenient| reader::spans(&LANGUAGE, octets, lenient),
    encode: |value| fields::encode(&SHAPE, value),
};

/// SL as XML.
pub const XML_FORMAT: Format = Format {
    name: "sl-xml",
    clause: "WAP-168 8",
    decode: |octets, lenient| fields::decode_xml(&SHAPE, octets, lenient),
    spans: |octets, lenient| fields::xml_spans(&SHAPE, octets, lenient),
    encode: |value| fields::encode_xml(&SHAPE, value),
};

const SHAPE: Shape = Shape {
    language: &LANGUAGE,
    fields: |root| Sl::of_element(root).fields(),
    element: |fields| Sl::of_fields(fields).map(Document::into_element),
};

/// A service loading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sl<'a> {
    /// What is to be loaded.
    pub href: Cow<'a, str>,
    /// How.
    pub action: Action,
}

/// How a service is loaded, in the order in which several pending ones are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// And run, may be intrusive.
    ExecuteHigh,
    /// And run, without intrusion.
    #[default]
    ExecuteLow,
    /// Into the cache only; without one it is discarded.
    Cache,
}

impl Action {
    /// The word of the attribute.
    #[must_use]
    pub fn word(self) -> &'static str {
        let found = ACTIONS.iter().find(|(_, action)| *action == self);
        found.map_or("", |(word, _)| word)
    }

    fn of(word: &str) -> Self {
        let found = ACTIONS.iter().find(|(known, _)| *known == word);
        found.map_or_else(Self::default, |(_, action)| *action)
    }
}

impl<'a> Sink<'a> for Sl<'a> {
    fn attribute(&mut self, _: &'static str, name: Name<'a>, value: Value<'a>) {
        match name {
            Name::Known("href") => self.href = value.text(),
            Name::Known("action") => self.action = Action::of(&value.text()),
            _ => {}
        }
    }
}

impl<'a> Document<'a> for Sl<'a> {
    const LANGUAGE: &'static Language = &LANGUAGE;

    fn into_element(self) -> Element<'a> {
        let action = (self.action != Action::default()).then(|| self.action.word().into());
        Element::new("sl")
            .with("action", action)
            .with("href", Some(self.href))
    }
}

impl<'a> Sl<'a> {
    /// Puts pending ones, which are in the order they came, into the order in which they are served: of those with the
    /// same address the most urgent stays.
    pub fn queue(pending: &mut Vec<Self>) {
        // Sorting is stable, so the most urgent and earliest of an address comes first.
        pending.sort_by_key(|sl| sl.action);
        let mut kept: Vec<Self> = Vec::with_capacity(pending.len());
        for sl in pending.drain(..) {
            if kept.iter().all(|known| known.href != sl.href) {
                kept.push(sl);
            }
        }
        *pending = kept;
    }

    fn fields(&self) -> Json {
        json!({ "href": self.href, "action": self.action.word() })
    }

    fn of_fields(fields: &'a Json) -> Result<Self, FieldFault> {
        let sl = Object::of(fields::part(fields, "sl")?, "sl")?.only("sl.", &["href", "action"])?;
        let href = sl.text("href")?;
        Ok(Self {
            href: href.ok_or_else(|| sl.fault("href", "is missing"))?.into(),
            action: sl.word("action", ACTIONS, Action::default())?,
        })
    }
}
