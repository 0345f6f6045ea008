//! Registration information: which contacts an address of record has, as the `reg` event package tells it.
//!
//! **Source:** RFC 3680 section 5, RFC 5628 (GRUUs). Elements and attributes that are not known are kept and written again.
//! Not here: subscriptions (`protocol::sip`).

use serde::{Deserialize, Serialize};

use super::format::{Decoded, FieldFault, Format};
use super::xml::{self, Attribute, Element, Phrase, Taken};
use super::{DecodeError, Span};

/// Registration information for people and programs.
pub const FORMAT: Format = Format {
    name: NAME,
    clause: CLAUSE,
    decode: |octets, _| {
        Reginfo::decode(octets)
            .map(|reginfo| Decoded::strict(serde_json::to_value(reginfo).unwrap_or_default()))
    },
    spans: |octets, _| Reginfo::spans(octets),
    encode: |fields| {
        let octets = Reginfo::deserialize(fields)
            .map_err(FieldFault::new)?
            .encode();
        Reginfo::decode(&octets).map_err(|fault| {
            FieldFault::new(format_args!(
                "the document would be refused: expected {}",
                fault.expected
            ))
        })?;
        Ok(octets)
    },
};

/// The media type.
pub const TYPE: &str = "application/reginfo+xml";
/// The namespace.
pub const REGINFO: &str = "urn:ietf:params:xml:ns:reginfo";
/// The namespace of GRUUs in it.
pub const GRUU: &str = "urn:ietf:params:xml:ns:gruuinfo";

const NAME: &str = "reginfo";
const CLAUSE: &str = "RFC 3680 5";

/// What a notification says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reginfo {
    /// Grows by one with each notification of a subscription, from 0.
    pub version: u32,
    /// Whether it is all there is.
    pub state: Extent,
    /// Addresses of record.
    #[serde(default)]
    pub registrations: Vec<Registration>,
    /// Attributes that are not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Attribute>,
    /// Elements that are not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Element>,
}

/// Whether a notification says all or what changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Extent {
    /// All; what is not in it is not.
    Full,
    /// What changed since the version before.
    Partial,
}

/// One address of record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Its URI.
    pub aor: String,
    /// Names it in later notifications.
    pub id: String,
    /// Whether it has contacts.
    pub state: State,
    /// Its contacts.
    #[serde(default)]
    pub contacts: Vec<Contact>,
    /// Attributes that are not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Attribute>,
    /// Elements that are not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Element>,
}

/// The state of an address of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It never had a contact.
    Init,
    /// It has one.
    Active,
    /// It has none any more.
    Terminated,
}

/// One binding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// Names it in later notifications.
    pub id: String,
    /// Whether it is bound.
    pub state: ContactState,
    /// What last happened to it.
    pub event: Event,
    /// Where requests go.
    pub uri: String,
    /// The name with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<Phrase>,
    /// Parameters of the Contact row, as they were registered: `+sip.instance`, `reg-id` ...
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<Param>,
    /// The GRUU that is the same in every registration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pub_gruu: Option<String>,
    /// The GRUU that hides the address of record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temp_gruu: Option<TempGruu>,
    /// Seconds since it was bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_registered: Option<u64>,
    /// Seconds until it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
    /// Seconds after which to register again, when it ended for a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// Its preference, as it was registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// The Call-ID of its last REGISTER.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callid: Option<String>,
    /// The number of its last REGISTER.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cseq: Option<u32>,
    /// Attributes that are not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Attribute>,
    /// Elements that are not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Element>,
}

/// Whether a contact is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContactState {
    /// It is.
    Active,
    /// It was.
    Terminated,
}

/// What last happened to a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// A REGISTER bound it.
    Registered,
    /// Something other than a REGISTER bound it.
    Created,
    /// A REGISTER prolonged it.
    Refreshed,
    /// The registrar wants it renewed earlier.
    Shortened,
    /// It ended by its time.
    Expired,
    /// The registrar ended it; the device may register at once.
    Deactivated,
    /// The registrar ended it; the device may register after a time.
    Probation,
    /// The device ended it.
    Unregistered,
    /// The registrar ended it; the device must not register again.
    Rejected,
}

/// A parameter of a Contact row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Its value as it was registered, quotes included; empty when it has none.
    #[serde(default)]
    pub value: String,
}

/// A temporary GRUU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TempGruu {
    /// The newest one.
    pub uri: String,
    /// The number of the REGISTER since which they are valid.
    pub first_cseq: u32,
}

impl Reginfo {
    /// Reads a document.
    ///
    /// # Errors
    /// XML that is broken or forbidden, another root, a required attribute or element that is missing, a value outside
    /// its domain; the offset is that of the element.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let root = xml::read(NAME, octets)?;
        if !root.is(REGINFO, "reginfo") {
            return Err(root.fault(NAME, "the element reginfo"));
        }
        let mut taken = Taken::of(NAME, root);
        let version = taken
            .number("version", "a version number")?
            .ok_or_else(|| taken.fault("the attribute version"))?;
        let state = taken.word("state", "full or partial")?;
        let registrations = taken
            .all(REGINFO, "registration")
            .into_iter()
            .map(registration)
            .collect::<Result<_, _>>()?;
        let (attributes, others) = taken.others();
        Ok(Self {
            version,
            state,
            registrations,
            attributes,
            others,
        })
    }

    /// Where each part stands, up to the first fault of XML.
    #[must_use]
    pub fn spans(octets: &[u8]) -> Vec<Span> {
        xml::spans(NAME, CLAUSE, octets)
    }

    /// The document: known elements in the order of the schema, then the others.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let root = Element::new(REGINFO, "reginfo")
            .attribute("version", &self.version.to_string())
            .attribute("state", &name_of(self.state))
            .with_attributes(&self.attributes)
            .children(self.registrations.iter().map(registration_element))
            .children(self.others.iter().cloned());
        xml::write(&root, &[(GRUU, "gr"), (REGINFO, "ri")])
    }
}

impl Contact {
    /// The device's instance: the URN of `+sip.instance`.
    #[must_use]
    pub fn instance(&self) -> Option<&str> {
        let param = self
            .params
            .iter()
            .find(|param| param.name.eq_ignore_ascii_case("+sip.instance"))?;
        let text = param.value.trim().trim_matches('"');
        Some(text.trim_start_matches('<').trim_end_matches('>')).filter(|urn| !urn.is_empty())
    }
}

fn registration(element: Element) -> Result<Registration, DecodeError> {
    let mut taken = Taken::of(NAME, element);
    let aor = taken.required("aor", "the attribute aor")?;
    let id = taken.required("id", "the attribute id")?;
    let state = taken.word("state", "init, active or terminated")?;
    let contacts = taken
        .all(REGINFO, "contact")
        .into_iter()
        .map(contact)
        .collect::<Result<_, _>>()?;
    let (attributes, others) = taken.others();
    Ok(Registration {
        aor,
        id,
        state,
        contacts,
        attributes,
        others,
    })
}

fn contact(element: Element) -> Result<Contact, DecodeError> {
    let mut taken = Taken::of(NAME, element);
    let id = taken.required("id", "the attribute id")?;
    let state = taken.word("state", "active or terminated")?;
    let event = taken.word("event", "an event of contacts")?;
    let uri = taken
        .one_text(REGINFO, "uri", "one uri")?
        .filter(|uri| !uri.is_empty())
        .ok_or_else(|| taken.fault("the element uri"))?;
    let display_name = taken.one(REGINFO, "display-name");
    let display_name = display_name.as_ref().map(Phrase::of);
    let params = taken
        .all(REGINFO, "unknown-param")
        .into_iter()
        .map(|element| {
            let value = element.own_text();
            let name = Taken::of(NAME, element).required("name", "the attribute name")?;
            Ok(Param { name, value })
        })
        .collect::<Result<_, DecodeError>>()?;
    let pub_gruu = match taken.one(GRUU, "pub-gruu") {
        Some(element) => Some(Taken::of(NAME, element).required("uri", "the attribute uri")?),
        None => None,
    };
    let temp_gruu = match taken.one(GRUU, "temp-gruu") {
        Some(element) => Some(temp_gruu(element)?),
        None => None,
    };
    let duration_registered = taken.number("duration-registered", "seconds")?;
    let expires = taken.number("expires", "seconds")?;
    let retry_after = taken.number("retry-after", "seconds")?;
    let (q, callid) = (taken.value("q"), taken.value("callid"));
    let cseq = taken.number("cseq", "a sequence number")?;
    let (attributes, others) = taken.others();
    Ok(Contact {
        id,
        state,
        event,
        uri,
        display_name,
        params,
        pub_gruu,
        temp_gruu,
        duration_registered,
        expires,
        retry_after,
        q,
        callid,
        cseq,
        attributes,
        others,
    })
}

fn temp_gruu(element: Element) -> Result<TempGruu, DecodeError> {
    let mut taken = Taken::of(NAME, element);
    Ok(TempGruu {
        uri: taken.required("uri", "the attribute uri")?,
        first_cseq: taken
            .number("first-cseq", "a sequence number")?
            .ok_or_else(|| taken.fault("the attribute first-cseq"))?,
    })
}

fn registration_element(registration: &Registration) -> Element {
    Element::new(REGINFO, "registration")
        .attribute("aor", &registration.aor)
        .attribute("id", &registration.id)
        .attribute("state", &name_of(registration.state))
        .with_attributes(&registration.attributes)
        .children(registration.contacts.iter().map(contact_element))
        .children(registration.others.iter().cloned())
}

fn contact_element(contact: &Contact) -> Element {
    let text = |number: Option<u64>| number.map(|number| number.to_string());
    let element = Element::new(REGINFO, "contact")
        .attribute("id", &contact.id)
        .attribute("state", &name_of(contact.state))
        .attribute("event", &name_of(contact.event))
        .attribute_if(
            "duration-registered",
            text(contact.duration_registered).as_deref(),
        )
        .attribute_if("expires", text(contact.expires).as_deref())
        .attribute_if("retry-after", text(contact.retry_after).as_deref())
        .attribute_if("q", contact.q.as_deref())
        .attribute_if("callid", contact.callid.as_deref())
        .attribute_if("cseq", text(contact.cseq.map(u64::from)).as_deref())
        .with_attributes(&contact.attributes);
    let name = contact.display_name.as_ref();
    let name = name.map(|name| name.element(REGINFO, "display-name"));
    let params = contact.params.iter().map(|param| {
        Element::new(REGINFO, "unknown-param")
            .attribute("name", &param.name)
            .text(&param.value)
    });
    let pub_gruu = contact
        .pub_gruu
        .as_ref()
        .map(|uri| Element::new(GRUU, "pub-gruu").attribute("uri", uri));
    let temp_gruu = contact.temp_gruu.as_ref().map(|gruu| {
        Element::new(GRUU, "temp-gruu")
            .attribute("uri", &gruu.uri)
            .attribute("first-cseq", &gruu.first_cseq.to_string())
    });
    element
        .child(Element::new(REGINFO, "uri").text(&contact.uri))
        .children(name)
        .children(params)
        .children(pub_gruu)
        .children(temp_gruu)
        .children(contact.others.iter().cloned())
}

/// The word of a value.
fn name_of<T: Serialize>(value: T) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn contact(number: u32) -> Contact {
        Contact {
            id: format!("c{number}"),
            state: ContactState::Active,
            event: Event::Registered,
            uri: "sip:alice@192.0.2.5:5060".into(),
            display_name: None,
            params: Vec::new(),
            pub_gruu: None,
            temp_gruu: None,
            duration_registered: None,
            expires: Some(3600),
            retry_after: None,
            q: None,
            callid: None,
            cseq: Some(number),
            attributes: Vec::new(),
            others: Vec::new(),
        }
    }

    #[test]
    fn an_instance_is_read_without_quotes_and_brackets() {
        let mut contact = contact(1);
        assert_eq!(contact.instance(), None);
        contact.params.push(Param {
            name: "+sip.instance".into(),
            value: "\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\"".into(),
        });
        assert_eq!(
            contact.instance(),
            Some("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6")
        );
    }

    fn any_contact() -> impl Strategy<Value = Contact> {
        let param = ("[a-z+.]{1,8}", "[!-~]{0,8}").prop_map(|(name, value)| Param { name, value });
        let event = prop_oneof![
            Just(Event::Registered),
            Just(Event::Expired),
            Just(Event::Probation)
        ];
        let temp = ("sip:[a-z]{3}@h;gr", any::<u32>())
            .prop_map(|(uri, first_cseq)| TempGruu { uri, first_cseq });
        (
            any::<u32>(),
            event,
            proptest::collection::vec(param, 0..3),
            proptest::option::of(temp),
            proptest::option::of("sip:a@h;gr=[a-z]{3}"),
            proptest::option::of(any::<u64>()),
        )
            .prop_map(
                |(number, event, params, temp_gruu, pub_gruu, retry_after)| Contact {
                    event,
                    params,
                    temp_gruu,
                    pub_gruu,
                    retry_after,
                    display_name: Some(Phrase {
                        text: "A & B".into(),
                        lang: Some("en".into()),
                    }),
                    others: vec![Element::new("urn:x", "later").attribute("a", "\n")],
                    ..contact(number)
                },
            )
    }

    proptest! {
        #[test]
        fn registrations_read_back_as_written(
            contacts in proptest::collection::vec(any_contact(), 0..4),
            version in any::<u32>(),
        ) {
            let reginfo = Reginfo {
                version,
                state: Extent::Partial,
                registrations: vec![Registration {
                    aor: "sip:alice@example.com".into(),
                    id: "a".into(),
                    state: State::Active,
                    contacts,
                    attributes: Vec::new(),
                    others: Vec::new(),
                }],
                attributes: Vec::new(),
                others: Vec::new(),
            };
            let octets = reginfo.encode();
            prop_assert_eq!(Reginfo::decode(&octets), Ok(reginfo));
            let fields = (FORMAT.decode)(&octets, false).unwrap().fields;
            prop_assert_eq!((FORMAT.encode)(&fields), Ok(octets));
        }
    }
}
