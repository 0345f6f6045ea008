//! Email Notification: a mailbox has something new.
//!
//! **Source:** EMN 1.0; the tokens as two decoders in use read them, the document itself was not at hand.

use std::borrow::Cow;

use serde_json::{Value as Json, json};

use super::element::Element;
use super::fields::{self, INSTANT, Shape};
use super::language::{ElementRule, Language, Model, date, required, start};
use super::reader::{Event, Reader, Source};
use super::value::Name;
use super::{Document, Stamp};
use crate::codec::DecodeError;
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
        attributes: &[
            required("mailbox", "the attribute mailbox"),
            date("timestamp"),
        ],
    }],
    starts: &[
        start(0x05, "timestamp", ""),
        start(0x06, "mailbox", ""),
        start(0x07, "mailbox", "mailat:"),
        start(0x08, "mailbox", "pop://"),
        start(0x09, "mailbox", "imap://"),
        start(0x0A, "mailbox", "http://"),
        start(0x0B, "mailbox", "http://www."),
        start(0x0C, "mailbox", "https://"),
        start(0x0D, "mailbox", "https://www."),
    ],
    values: &[
        (0x85, ".com"),
        (0x86, ".edu"),
        (0x87, ".net"),
        (0x88, ".org"),
    ],
};

/// EMN in WBXML.
pub const FORMAT: Format = Format {
    name: "wbxml-emn",
    clause: "EMN 1.0, WAP-192",
    decode: |octets, lenient| fields::decode(&SHAPE, octets, lenient),
    spans: |octets, lenient| Reader::spans(&LANGUAGE, octets, lenient),
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
    fields: |source| Emn::read(source).map(|emn| emn.fields()),
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

impl<'a> Document<'a> for Emn<'a> {
    const LANGUAGE: &'static Language = &LANGUAGE;

    fn read(source: &mut impl Source<'a>) -> Result<Self, DecodeError> {
        let mut emn = Self::default();
        while let Some(event) = source.next()? {
            match event {
                Event::Attribute(Name::Known("mailbox"), value) => emn.mailbox = value.text(),
                Event::Attribute(Name::Known("timestamp"), value) => {
                    emn.timestamp = value.stamp().ok();
                }
                _ => {}
            }
        }
        Ok(emn)
    }

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
