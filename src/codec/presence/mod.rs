//! Presence documents: who can be reached, with what, and how busy.
//!
//! **Source:** RFC 3863 (PIDF), RFC 4479 (data model: person and device), RFC 4480 (RPID: activities, user-input, class).
//! What is not known here (moods, places, RFC 5196 capabilities and anything later) is kept as it came and written
//! again. Not here: partial documents (RFC 5262) and watcher information.

use serde::{Deserialize, Serialize};

use super::xml::{Attribute, Element, Phrase};
use super::{DecodeError, Span};
use crate::codec::format::{Decoded, FieldFault, Format};

mod read;
mod write;

#[cfg(test)]
mod tests;

/// PIDF for people and programs.
pub const FORMAT: Format = Format {
    name: "pidf",
    clause: CLAUSE,
    decode: |octets, _| {
        Presence::decode(octets)
            .map(|presence| Decoded::strict(serde_json::to_value(presence).unwrap_or_default()))
    },
    spans: |octets, _| Presence::spans(octets),
    encode: |fields| {
        let presence = Presence::deserialize(fields).map_err(FieldFault::new)?;
        presence.check()?;
        Ok(presence.encode())
    },
};

/// The media type.
pub const TYPE: &str = "application/pidf+xml";

const NAME: &str = "pidf";
const CLAUSE: &str = "RFC 3863 4.1";

/// The namespace of PIDF.
pub const PIDF: &str = "urn:ietf:params:xml:ns:pidf";
/// The namespace of the data model.
pub const DATA_MODEL: &str = "urn:ietf:params:xml:ns:pidf:data-model";
/// The namespace of RPID.
pub const RPID: &str = "urn:ietf:params:xml:ns:pidf:rpid";
/// The namespace of capabilities (RFC 5196).
pub const CAPS: &str = "urn:ietf:params:xml:ns:pidf:caps";

/// Presence of one presentity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Presence {
    /// The presentity's URI: `pres:` or `sip:`.
    pub entity: String,
    /// Services, each with its address.
    pub tuples: Vec<Tuple>,
    /// The person, once for each view of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub persons: Vec<Person>,
    /// The devices.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<Device>,
    /// Texts about all of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Phrase>,
    /// Attributes that are not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Attribute>,
    /// Elements that are not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Element>,
}

/// One way to reach the presentity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tuple {
    /// Tells it from the others of the document.
    pub id: String,
    /// Whether messages are taken; a status may leave it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basic: Option<Basic>,
    /// Further values of the status.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub status_others: Vec<Element>,
    /// Attributes of the status that are not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub status_attributes: Vec<Attribute>,
    /// Where to reach it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// Preference among contacts, 0 to 1 in thousandths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u16>,
    /// Attributes of the contact that are not known; written only with a contact.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contact_attributes: Vec<Attribute>,
    /// The device that offers it: the `deviceID` of one of [`Presence::devices`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub device_ids: Vec<String>,
    /// The presentity's own name for this sort of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// When somebody last used it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_input: Option<UserInput>,
    /// Texts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Phrase>,
    /// When the status changed, as RFC 3339 writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// Attributes that are not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Attribute>,
    /// Elements that are not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Element>,
}

/// The person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Person {
    /// Tells it from the others of the document.
    pub id: String,
    /// What they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activities: Option<Activities>,
    /// The presentity's own name for this view.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// When they last used anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_input: Option<UserInput>,
    /// Texts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Phrase>,
    /// When this changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// Attributes that are not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Attribute>,
    /// Elements that are not known: mood, place-type and so on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Element>,
}

/// A device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Device {
    /// Tells it from the others of the document.
    pub id: String,
    /// The device's URN: what sirgate knows it by.
    pub device_id: String,
    /// The presentity's own name for this sort of device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// When somebody last used it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_input: Option<UserInput>,
    /// Texts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Phrase>,
    /// When this changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// Attributes that are not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Attribute>,
    /// Elements that are not known: capabilities and so on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Element>,
}

/// Whether messages are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basic {
    /// They are.
    Open,
    /// They are not.
    Closed,
}

/// What a person does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Activities {
    /// Names of RPID: `meeting`, `on-the-phone`, `sleeping` ...
    pub names: Vec<String>,
    /// From when on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Attributes that are not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Attribute>,
    /// Notes and activities of other namespaces.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Element>,
}

/// When something was last used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserInput {
    /// True for `active`, false for `idle`.
    pub active: bool,
    /// Seconds without use after which it is idle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_threshold: Option<u32>,
    /// The last use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_input: Option<String>,
    /// Attributes that are not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Attribute>,
}

impl Presence {
    /// Reads a document.
    ///
    /// # Errors
    /// XML that is broken or forbidden, another root, a required attribute or element that is missing, a value outside
    /// its domain; the offset is that of the element.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        read::presence(super::xml::read(NAME, octets)?)
    }

    /// Where each part stands, up to the first fault of XML.
    #[must_use]
    pub fn spans(octets: &[u8]) -> Vec<Span> {
        super::xml::spans(NAME, CLAUSE, octets)
    }

    /// The document: known elements in the order of the schemas, then the others.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        write::presence(self)
    }

    /// Whether a service of that device takes messages; `None` when none of them tells.
    #[must_use]
    pub fn device_is_open(&self, device_id: &str) -> Option<bool> {
        let mut told = self
            .tuples
            .iter()
            .filter(|tuple| tuple.device_ids.iter().any(|own| own == device_id))
            .filter(|tuple| tuple.is_understood())
            .filter_map(|tuple| tuple.basic)
            .peekable();
        told.peek()?;
        Some(told.any(|basic| basic == Basic::Open))
    }

    /// What an encoder must not write because a decoder would refuse it.
    fn check(&self) -> Result<(), FieldFault> {
        read::presence(super::xml::read(NAME, &self.encode()).map_err(FieldFault::new)?)
            .map(|_| ())
            .map_err(|fault| {
                FieldFault::new(format_args!(
                    "the document would be refused: expected {}",
                    fault.expected
                ))
            })
    }
}

impl Tuple {
    /// False when the tuple has an element that must be understood and is not (RFC 3863 section 4.2): then the tuple
    /// says nothing.
    #[must_use]
    pub fn is_understood(&self) -> bool {
        let demands = |element: &Element| {
            matches!(element.value_in(PIDF, "mustUnderstand"), Some("1" | "true"))
        };
        !self.others.iter().chain(&self.status_others).any(demands)
    }
}
