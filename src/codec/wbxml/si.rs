//! Service Indication: a notice with a link, what it replaces, when it expires, how it is shown.
//!
//! **Source:** WAP-167, tokens in section 8.3, reception in section 6.2 as SIN 103 corrects it.

use std::borrow::Cow;

use serde_json::{Value as Json, json};

use super::element::Element;
use super::fields::{self, INSTANT, Shape};
use super::language::{AttributeRule, Attributes, Child, ElementRule, Language, Model, start};
use super::source::Sink;
use super::value::{Name, Value, append};
use super::{Document, Stamp, reader};
use crate::codec::format::{FieldFault, Format};
use crate::codec::object::Object;
use crate::time::Time;

/// The tokens and rules of SI 1.0.
pub static LANGUAGE: Language = Language {
    name: "si",
    format: "wbxml-si",
    xml_format: "si-xml",
    clause: "WAP-167 8.3",
    version: 0x02,
    public_number: 0x05,
    public_id: "-//WAPFORUM//DTD SI 1.0//EN",
    system_id: "http://www.wapforum.org/DTD/si.dtd",
    elements: &[
        ElementRule {
            name: "si",
            token: 0x05,
            content: Model::Sequence(&[once(INDICATION, true), once(INFO, false)]),
            attributes: Attributes::NONE,
        },
        ElementRule {
            name: "indication",
            token: INDICATION,
            content: Model::Text,
            attributes: Attributes::of(&[&HREF, &SI_ID, &CREATED, &EXPIRES, &ACTION]),
        },
        ElementRule {
            name: "info",
            token: INFO,
            content: Model::Sequence(&[Child {
                token: ITEM,
                required: true,
                many: true,
            }]),
            attributes: Attributes::NONE,
        },
        ElementRule {
            name: "item",
            token: ITEM,
            content: Model::Text,
            attributes: Attributes::of(&[&CLASS]),
        },
    ],
    starts: &[
        start(0x05, &ACTION, "signal-none"),
        start(0x06, &ACTION, "signal-low"),
        start(0x07, &ACTION, "signal-medium"),
        start(0x08, &ACTION, "signal-high"),
        start(0x09, &ACTION, "delete"),
        start(0x0A, &CREATED, ""),
        start(0x0B, &HREF, ""),
        start(0x0C, &HREF, "http://"),
        start(0x0D, &HREF, "http://www."),
        start(0x0E, &HREF, "https://"),
        start(0x0F, &HREF, "https://www."),
        start(0x10, &EXPIRES, ""),
        start(0x11, &SI_ID, ""),
        start(0x12, &CLASS, ""),
    ],
    values: &[
        (0x85, ".com/"),
        (0x86, ".edu/"),
        (0x87, ".net/"),
        (0x88, ".org/"),
    ],
};

const INDICATION: u8 = 0x06;
const INFO: u8 = 0x07;
const ITEM: u8 = 0x08;

static HREF: AttributeRule = AttributeRule::text(0, "href");
static SI_ID: AttributeRule = AttributeRule::text(1, "si-id");
static CREATED: AttributeRule = AttributeRule::date(2, "created");
static EXPIRES: AttributeRule = AttributeRule::date(3, "si-expires");
static ACTION: AttributeRule = AttributeRule::words(4, "action", ACTION_WORDS);
static CLASS: AttributeRule = AttributeRule::text(5, "class").required("the attribute class");

const fn once(token: u8, required: bool) -> Child {
    Child {
        token,
        required,
        many: false,
    }
}

const ACTION_WORDS: &[&str] = &[
    "signal-medium",
    "signal-none",
    "signal-low",
    "signal-high",
    "delete",
];

const ACTIONS: &[(&str, Action)] = &[
    ("signal-medium", Action::SignalMedium),
    ("signal-none", Action::SignalNone),
    ("signal-low", Action::SignalLow),
    ("signal-high", Action::SignalHigh),
    ("delete", Action::Delete),
];

/// SI in WBXML.
pub const FORMAT: Format = Format {
    name: "wbxml-si",
    clause: "WAP-167, WAP-192",
    decode: |octets, lenient| fields::decode(&SHAPE, octets, lenient),
    spans: |octets, lenient| reader::spans(&LANGUAGE, octets, lenient),
    encode: |value| fields::encode(&SHAPE, value),
};

/// SI as XML.
pub const XML_FORMAT: Format = Format {
    name: "si-xml",
    clause: "WAP-167 7",
    decode: |octets, lenient| fields::decode_xml(&SHAPE, octets, lenient),
    spans: |octets, lenient| fields::xml_spans(&SHAPE, octets, lenient),
    encode: |value| fields::encode_xml(&SHAPE, value),
};

const SHAPE: Shape = Shape {
    language: &LANGUAGE,
    fields: |root| Si::of_element(root).fields(),
    element: |fields| Si::of_fields(fields).map(Document::into_element),
};

/// A service indication.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Si<'a> {
    /// Where the service is; none in a mere notice.
    pub href: Option<Cow<'a, str>>,
    /// Its identity when it was said; see [`Si::id`].
    pub si_id: Option<Cow<'a, str>>,
    /// When it was made.
    pub created: Option<Stamp>,
    /// When it expires.
    pub expires: Option<Stamp>,
    /// How it is to be shown.
    pub action: Action,
    /// The notice.
    pub text: Cow<'a, str>,
    /// Further information, when the element is there.
    pub info: Option<Vec<Item<'a>>>,
}

/// A piece of further information.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item<'a> {
    /// What it is.
    pub class: Cow<'a, str>,
    /// What it says.
    pub value: Cow<'a, str>,
}

/// How an SI is to be shown, in the order in which several are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// At once, may be intrusive.
    SignalHigh,
    /// As soon as it is not intrusive.
    #[default]
    SignalMedium,
    /// Later, when it is asked for.
    SignalLow,
    /// Never; the further information may be used.
    SignalNone,
    /// Never, and what has the same identity is deleted.
    Delete,
}

/// What a receiver does with an SI that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reception {
    /// Nothing.
    Discard(Reason),
    /// It deletes the stored ones of that identity, and this one.
    Delete,
    /// It keeps and shows it; the stored ones of that identity, if any, go.
    Present {
        /// Whether a stored one goes.
        replaces: bool,
    },
    /// It never shows it, and may use its further information; the stored ones of that identity, if any, go.
    Silent {
        /// Whether a stored one goes.
        replaces: bool,
    },
}

/// Why an SI is discarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It has expired.
    Expired,
    /// One of the same identity is stored that is as new or newer.
    Older,
    /// It is to delete and does not say what.
    DeleteWithoutId,
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

impl<'a> Sink<'a> for Si<'a> {
    fn open(&mut self, name: Name<'a>) {
        match name {
            Name::Known("info") => {
                self.info.get_or_insert_default();
            }
            Name::Known("item") => self.info.get_or_insert_default().push(Item::default()),
            _ => {}
        }
    }

    fn attribute(&mut self, _: &'static str, name: Name<'a>, value: Value<'a>) {
        let Name::Known(name) = name else {
            return;
        };
        match name {
            "href" => self.href = Some(value.text()),
            "si-id" => self.si_id = Some(value.text()),
            "created" => self.created = value.instant(),
            "si-expires" => self.expires = value.instant(),
            "action" => self.action = Action::of(&value.text()),
            "class" => {
                if let Some(item) = self.item() {
                    item.class = value.text();
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, of: &'static str, value: Value<'a>) {
        match of {
            "indication" => append(&mut self.text, value.text()),
            "item" => {
                if let Some(item) = self.item() {
                    append(&mut item.value, value.text());
                }
            }
            _ => {}
        }
    }
}

impl<'a> Document<'a> for Si<'a> {
    const LANGUAGE: &'static Language = &LANGUAGE;

    fn into_element(self) -> Element<'a> {
        let action = (self.action != Action::default()).then(|| self.action.word().into());
        let indication = Element::new("indication")
            .with("action", action)
            .with("href", self.href)
            .with("si-id", self.si_id)
            .with(
                "created",
                self.created.map(|stamp| stamp.to_string().into()),
            )
            .with(
                "si-expires",
                self.expires.map(|stamp| stamp.to_string().into()),
            )
            .with_text(self.text);
        let si = Element::new("si").with_element(indication);
        let Some(info) = self.info else {
            return si;
        };
        let items = info.into_iter().map(|item| {
            Element::new("item")
                .with("class", Some(item.class))
                .with_text(item.value)
        });
        si.with_element(items.fold(Element::new("info"), Element::with_element))
    }
}

impl<'a> Si<'a> {
    /// Its identity: the one said, else the address.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.si_id.as_deref().or(self.href.as_deref())
    }

    /// What a receiver does with this SI, which came, given the stored ones and the time, if the receiver knows it.
    ///
    /// One that has expired is discarded. One that is not newer than a stored one of its identity is discarded, a newer
    /// one takes that one's place; both only when the two say when they were made. Then the action decides.
    #[must_use]
    pub fn receive<'s>(
        &self,
        stored: impl IntoIterator<Item = &'s Si<'s>>,
        now: Option<Time>,
    ) -> Reception {
        let past = |expires: Stamp| now.is_some_and(|now| expires <= Stamp::from(now));
        if self.expires.is_some_and(past) {
            return Reception::Discard(Reason::Expired);
        }
        let mut replaces = false;
        for other in stored {
            if self.id().is_none() || other.id() != self.id() {
                continue;
            }
            match (self.created, other.created) {
                (Some(own), Some(others)) if own <= others => {
                    return Reception::Discard(Reason::Older);
                }
                (Some(_), Some(_)) => replaces = true,
                _ => {}
            }
        }
        match self.action {
            Action::Delete if self.si_id.is_none() => Reception::Discard(Reason::DeleteWithoutId),
            Action::Delete => Reception::Delete,
            Action::SignalNone => Reception::Silent { replaces },
            _ => Reception::Present { replaces },
        }
    }

    /// The item that came last.
    fn item(&mut self) -> Option<&mut Item<'a>> {
        self.info.as_mut()?.last_mut()
    }

    fn fields(&self) -> Json {
        let mut fields = json!({
            "href": self.href,
            "si-id": self.si_id,
            "created": self.created.map(|stamp| stamp.to_string()),
            "si-expires": self.expires.map(|stamp| stamp.to_string()),
            "action": self.action.word(),
            "text": self.text,
        });
        if let (Some(info), Some(map)) = (&self.info, fields.as_object_mut()) {
            let item = |item: &Item<'_>| json!({"class": item.class, "value": item.value});
            map.insert("info".into(), info.iter().map(item).collect());
        }
        fields
    }

    fn of_fields(fields: &'a Json) -> Result<Self, FieldFault> {
        const FIELDS: &[&str] = &[
            "href",
            "si-id",
            "created",
            "si-expires",
            "action",
            "text",
            "info",
        ];
        let whole = fields::part(fields, "si")?;
        let si = Object::of(whole, "si")?.only("si.", FIELDS)?;
        let item = |value: &'a Json| {
            let item = Object::of(value, "si.info")?.only("si.info.", &["class", "value"])?;
            let class = item.text("class")?;
            Ok(Item {
                class: class
                    .ok_or_else(|| item.fault("class", "is missing"))?
                    .into(),
                value: item.text("value")?.unwrap_or_default().into(),
            })
        };
        let info: Vec<Item<'a>> = si
            .list("info")?
            .iter()
            .map(item)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            href: si.text("href")?.map(Cow::Borrowed),
            si_id: si.text("si-id")?.map(Cow::Borrowed),
            created: si.parsed("created", INSTANT)?,
            expires: si.parsed("si-expires", INSTANT)?,
            action: si.word("action", ACTIONS, Action::default())?,
            text: si.text("text")?.unwrap_or_default().into(),
            info: (!info.is_empty()).then_some(info),
        })
    }
}
