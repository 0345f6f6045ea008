//! Email Notification: a mailbox has something new.
//!
//! **Source:** EMN 1.0; the tokens as two decoders in use read them, the document itself was not at hand.

use std::borrow::Cow;

use serde_json::{Value as Json, json};

use super::element::Element;
use super::fields::{self, INSTANT, Shape};
use super::language::{AttributeRule, Attributes, ElementRule, Language, Model, start};
use super::source::Sink;
use super::value::{Name, Value};
use super::{Document, Stamp, reader};
use crate::codec::format::{FieldFault, Format};
use crate::codec::object::Object;

/// The tokens and rules of EMN 1.0.
pub static LANGUAGE: Language = Language {
    name: "emn",
    format: "wbxml-emn",
    xml_format: "emn-xml",
    clause: "EMN 1.0",
    version: 0x03,
    public_number: 0x0D,
    public_id: "-//WAPFORUM//DTD EMN 1.0//EN",
    system_id: "http://www.wapforum.org/DTD/emn.dtd",
    elements: &[ElementRule {
        name: "emn",
        token: 0x05,
        content: Model::Empty,
        attributes: Attributes::of(&[&MAILBOX, &TIMESTAMP]),
    }],
    starts: &[
        start(0x05, &TIMESTAMP, ""),
        start(0x06, &MAILBOX, ""),
        start(0x07, &MAILBOX, "mailat:"),
        start(0x08, &MAILBOX, "pop://"),
        start(0x09, &MAILBOX, "imap://"),
        start(0x0A, &MAILBOX, "http://"),
        start(0x0B, &MAILBOX, "http://www."),
        start(0x0C, &MAILBOX, "https://"),
        start(0x0D, &MAILBOX, "https://www."),
    ],
    values: &[
        (0x85, ".com"),
        (0x86, ".edu"),
        (0x87, ".net"),
        (0x88, ".org"),
    ],
};

static MAILBOX: AttributeRule = AttributeRule::text(0, "mailbox").required("the attribute mailbox");
static TIMESTAMP: AttributeRule = AttributeRule::date(1, "timestamp");

/// EMN in WBXML.
pub const FORMAT: Format = Format {
    name: "wbxml-emn",
    clause: "EMN 1.0, WAP-192",
    decode: |octets, lenient| fields::decode(&SHAPE, octets, lenient),
    spans: |octets, lenient| reader::spans(&LANGUAGE, octets, lenient),
    encode: |value| fields::encode(&SHAPE, value),
};

/// EMN as XML.
pub const XML_FORMAT: Format = Format {
    name: "emn-xml",
    clause: "EMN 1.0",
    decode: |octets, lenient| fields::decode_xml(&SHAPE, octets, lenient),
    spans: |octets, lenient| fields::xml_spans(&SHAPE, octets, lenient),
    encode: |value| fields::encode_xml(&SHAPE, value),
};

const SHAPE: Shape = Shape {
    language: &LANGUAGE,
    fields: |root| Emn::of_element(root).fields(),
    element: |fields| Emn::of_fields(fields).map(Document::into_element),
};

/// An email notification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Emn<'a> {
    /// The mailbox: `mailat:joe@example.com`, `imap://...`.
    pub mailbox: Cow<'a, str>,
    /// When it was so.
    pub timestamp: Option<Stamp>,
}

impl<'a> Sink<'a> for Emn<'a> {
    fn attribute(&mut self, _: &'static str, name: Name<'a>, value: Value<'a>) {
        match name {
            Name::Known("mailbox") => self.mailbox = value.text(),
            Name::Known("timestamp") => self.timestamp = value.instant(),
            _ => {}
        }
    }
}

impl<'a> Document<'a> for Emn<'a> {
    const LANGUAGE: &'static Language = &LANGUAGE;

    fn into_element(self) -> Element<'a> {
        let timestamp = self.timestamp.map(|stamp| stamp.to_string().into());
        Element::new("emn")
            .with("mailbox", Some(self.mailbox))
            .with("timestamp", timestamp)
    }
}

impl<'a> Emn<'a> {
    fn fields(&self) -> Json {
        let timestamp = self.timestamp.map(|stamp| stamp.to_string());
        json!({ "mailbox": self.mailbox, "timestamp": timestamp })
    }

    fn of_fields(fields: &'a Json) -> Result<Self, FieldFault> {
        let whole = fields::part(fields, "emn")?;
        let emn = Object::of(whole, "emn")?.only("emn.", &["mailbox", "timestamp"])?;
        let mailbox = emn.text("mailbox")?;
        Ok(Self {
            mailbox: mailbox
                .ok_or_else(|| emn.fault("mailbox", "is missing"))?
                .into(),
            timestamp: emn.parsed("timestamp", INSTANT)?,
        })
    }
}
