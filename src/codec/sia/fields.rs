//! SIA content as JSON, under the names of the vector files; reads back what it writes.

use core::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AppId, BearerAddress, CLAUSE, Contact, End, ProvUrl, Sia};
use crate::codec::format::{Decoded, FieldFault, Format};
use crate::codec::hex;

/// SIA content for people and programs at the command line.
pub const FORMAT: Format = Format {
    name: "sia",
    clause: CLAUSE,
    decode: |octets, lenient| {
        if lenient {
            let (sia, deviations) = Sia::decode_lenient(octets)?;
            let fields = fields_of(&sia);
            Ok(Decoded { fields, deviations })
        } else {
            Ok(Decoded::strict(fields_of(&Sia::decode(octets)?)))
        }
    },
    spans: Sia::spans,
    // The fields of a whole SIR are taken too.
    encode: |fields| Ok(sia_of(fields.get("sia").unwrap_or(fields))?.encode()),
};

/// The fields of SIA content; what was computed for each contact is there to be read only.
#[must_use]
pub fn fields_of(sia: &Sia) -> Value {
    serde_json::to_value(SiaFields::of(sia)).unwrap_or_default()
}

/// The SIA content of such fields.
///
/// # Errors
/// An unknown field, a malformed address, tag or URL.
pub fn sia_of(fields: &Value) -> Result<Sia, FieldFault> {
    SiaFields::deserialize(fields)
        .map_err(FieldFault::new)?
        .read()
}

fn octets(digits: &str) -> Result<Vec<u8>, FieldFault> {
    hex::octets(digits)
        .ok_or_else(|| FieldFault::new(format_args!("{digits:?} is not hexadecimal octets")))
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::codec) struct SiaFields {
    version: u8,
    #[serde(default)]
    app_ids: Vec<AppField>,
    #[serde(default)]
    wsp_contacts: Vec<ContactFields>,
    #[serde(default)]
    contacts: Vec<ContactFields>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    protocols: Vec<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prov_url: Option<UrlFields>,
    #[serde(default)]
    cpi_tags: Vec<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    trailing: String,
    /// How many octets a device leaves aside; to be read only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ignored_trailing: Option<usize>,
    /// What a device has to do, where the content alone decides it; to be read only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_field: Option<LastField>,
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    bare_app_ids: bool,
}

/// `"*"`, an assigned number, or a URI.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum AppField {
    Code(u32),
    Text(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ContactFields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bearer: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address_text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address_hex: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    protocol: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cpi_tag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    usable: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tls: Option<bool>,
}

/// The URL in full, or the first octets of its digest; `of` has that digest computed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UrlFields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha1_prefix: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    of: Option<String>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LastField {
    Version,
    AppIds,
    WspContacts,
    Contacts,
    Protocols,
    ProvUrl,
    CpiTags,
}

impl SiaFields {
    pub(in crate::codec) fn of(sia: &Sia) -> Self {
        Self {
            version: sia.version,
            app_ids: sia
                .app_ids
                .iter()
                .map(|app_id| match app_id {
                    AppId::Any => AppField::Text("*".to_owned()),
                    AppId::Code(code) => AppField::Code(*code),
                    AppId::Uri(uri) => AppField::Text(uri.clone()),
                })
                .collect(),
            wsp_contacts: sia.wsp_contacts.iter().map(ContactFields::of).collect(),
            contacts: sia
                .reached()
                .map(|reached| ContactFields {
                    protocol: Some(reached.protocol),
                    cpi_tag: reached.cpi_tag.map(|tag| hex::digits(&tag)),
                    usable: (!reached.is_usable()).then_some(false),
                    tls: reached.is_tls().then_some(true),
                    ..ContactFields::of(reached.contact)
                })
                .collect(),
            protocols: sia.protocols.clone(),
            prov_url: UrlFields::of(&sia.prov_url),
            cpi_tags: sia.cpi_tags.iter().map(|tag| hex::digits(tag)).collect(),
            trailing: hex::digits(&sia.trailing),
            ignored_trailing: (!sia.trailing.is_empty()).then_some(sia.trailing.len()),
            action: (!sia.has_contact()).then(|| "ignore: no contact point".to_owned()),
            last_field: Some(LastField::of(sia.end)),
            bare_app_ids: sia.bare_app_ids,
        }
    }

    pub(in crate::codec) fn read(self) -> Result<Sia, FieldFault> {
        let contacts = |contacts: Vec<ContactFields>| {
            contacts
                .into_iter()
                .map(ContactFields::read)
                .collect::<Result<Vec<_>, _>>()
        };
        let app_ids = self
            .app_ids
            .into_iter()
            .map(|app_id| match app_id {
                AppField::Code(0) => AppId::Any,
                AppField::Code(code) => AppId::Code(code),
                AppField::Text(text) if text == "*" => AppId::Any,
                AppField::Text(uri) => AppId::Uri(uri),
            })
            .collect();
        let mut sia = Sia::new(app_ids, contacts(self.contacts)?, self.protocols);
        sia.version = self.version;
        sia.wsp_contacts = contacts(self.wsp_contacts)?;
        if let Some(prov_url) = self.prov_url {
            sia.prov_url = prov_url.read()?;
        }
        for tag in &self.cpi_tags {
            sia.cpi_tags.push(
                octets(tag)?
                    .try_into()
                    .map_err(|_| FieldFault::new("cpi_tags: four octets in hexadecimal"))?,
            );
        }
        sia.trailing = octets(&self.trailing)?;
        sia.bare_app_ids = self.bare_app_ids;
        sia.end = self.last_field.map_or(
            if self.version == 0 {
                End::WspContacts
            } else {
                End::CpiTags
            },
            LastField::end,
        );
        Ok(sia)
    }
}

impl ContactFields {
    fn of(contact: &Contact) -> Self {
        let octets = contact.address.octets();
        // Without a bearer nothing says what kind of address it is.
        let is_ip = contact.bearer.is_some() && matches!(octets.len(), 4 | 16);
        let text = core::str::from_utf8(octets)
            .ok()
            .filter(|text| octets.len() > 4 && text.bytes().all(|octet| octet.is_ascii_graphic()))
            .filter(|_| !is_ip);
        Self {
            bearer: contact.bearer,
            port: contact.port,
            address: is_ip.then(|| contact.address.to_string()),
            address_text: text.map(str::to_owned),
            address_hex: (!is_ip && text.is_none()).then(|| hex::digits(octets)),
            protocol: None,
            cpi_tag: None,
            usable: None,
            tls: None,
        }
    }

    fn read(self) -> Result<Contact, FieldFault> {
        let short = |octets: &[u8]| {
            BearerAddress::new(octets).ok_or_else(|| FieldFault::new("address: at most 63 octets"))
        };
        let address = match (self.address, self.address_text, self.address_hex) {
            (Some(text), None, None) => text
                .parse::<Ipv4Addr>()
                .map(BearerAddress::from)
                .or_else(|_| text.parse::<Ipv6Addr>().map(BearerAddress::from))
                .map_err(|_| FieldFault::new(format_args!("address: {text:?} is no IP address")))?,
            (None, Some(text), None) => short(text.as_bytes())?,
            (None, None, Some(digits)) => short(&octets(&digits)?)?,
            _ => {
                return Err(FieldFault::new(
                    "contact: one of address, address_text and address_hex",
                ));
            }
        };
        Ok(Contact {
            bearer: self.bearer,
            port: self.port,
            address,
        })
    }
}

impl UrlFields {
    fn of(prov_url: &ProvUrl) -> Option<Self> {
        let text = prov_url.url().map(str::to_owned);
        let sha1_prefix = prov_url.digest().map(hex::digits);
        (text.is_some() || sha1_prefix.is_some()).then_some(Self {
            text,
            sha1_prefix,
            of: None,
        })
    }

    fn read(self) -> Result<ProvUrl, FieldFault> {
        match (self.text, self.sha1_prefix, self.of) {
            (Some(text), None, None) => ProvUrl::of_url(&text)
                .ok_or_else(|| FieldFault::new("prov_url: ASCII of five characters or more")),
            (None, Some(digits), of) => {
                let read = ProvUrl::of_octets(&octets(&digits)?)
                    .ok_or_else(|| FieldFault::new("prov_url: a digest of one to four octets"))?;
                match of {
                    Some(url) if !read.names(&url) => Err(FieldFault::new(format_args!(
                        "prov_url: {digits} is not the digest of {url}"
                    ))),
                    _ => Ok(read),
                }
            }
            (None, None, Some(url)) => Ok(ProvUrl::of_digest(&url, ProvUrl::DIGEST_MAX)),
            _ => Err(FieldFault::new("prov_url: either text or sha1_prefix")),
        }
    }
}

impl LastField {
    const fn of(end: End) -> Self {
        match end {
            End::Version => Self::Version,
            End::Applications => Self::AppIds,
            End::WspContacts => Self::WspContacts,
            End::Contacts => Self::Contacts,
            End::Protocols => Self::Protocols,
            End::ProvUrl => Self::ProvUrl,
            End::CpiTags => Self::CpiTags,
        }
    }

    const fn end(self) -> End {
        match self {
            Self::Version => End::Version,
            Self::AppIds => End::Applications,
            Self::WspContacts => End::WspContacts,
            Self::Contacts => End::Contacts,
            Self::Protocols => End::Protocols,
            Self::ProvUrl => End::ProvUrl,
            Self::CpiTags => End::CpiTags,
        }
    }
}
