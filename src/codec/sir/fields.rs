//! SIRs and SIA content as JSON, for people and programs at the command line; reads back what it writes.

use core::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{App, Ask, DeviceId, Named, Placed, SIA_APPLICATION, SiaContent, Sir};
use crate::codec::format::FieldFault;
use crate::codec::sia::{AppId, BearerAddress, Contact, End, ProvUrl, Sia};

/// The schema's name and version.
pub const SCHEMA: &str = "sirgate.sir/1";

/// The fields of a SIR; what was computed from them (`ppg`, `named`) is there to be read only.
#[must_use]
pub fn fields_of(sir: &Sir) -> Value {
    let fields = SirFields {
        client: sir.client.clone(),
        server: sir.server.clone(),
        other_server: sir.other_server.clone(),
        ppg: Some(sir.ppg().to_owned()),
        id: sir.id.clone(),
        pui: sir.pui.clone(),
        application: sir.application.clone(),
        targeted: sir.targeted,
        header: PlacedFields::of(&sir.header),
        value: PlacedFields::of(&sir.value),
        body: PlacedFields::of(&sir.body),
        named: Some(named(sir)),
        sia: match &sir.sia {
            SiaContent::Empty => None,
            SiaContent::Binary(sia) => Some(SiaFields::of(sia)),
        },
    };
    serde_json::to_value(fields).unwrap_or_default()
}

/// The SIR of such fields.
///
/// # Errors
/// A missing client or server, an unknown field, a malformed identifier, address or question.
pub fn sir_of(fields: &Value) -> Result<Sir, FieldFault> {
    let fields = SirFields::deserialize(fields).map_err(FieldFault::new)?;
    let mut sir = Sir::new(&fields.client, &fields.server);
    sir.other_server = fields.other_server;
    sir.id = fields.id;
    sir.pui = fields.pui;
    sir.application = fields.application;
    sir.targeted = fields.targeted;
    sir.header = fields.header.read()?;
    sir.value = fields.value.read()?;
    sir.body = fields.body.read()?;
    if let Some(sia) = fields.sia {
        sir.sia = SiaContent::Binary(sia.read()?);
    }
    Ok(sir)
}

/// The fields of SIA content; what was computed for each contact is there to be read only.
#[must_use]
pub fn fields_of_sia(sia: &Sia) -> Value {
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

fn named(sir: &Sir) -> Value {
    match sir.devices() {
        Named::Nobody => "nobody".into(),
        Named::Conflict => "conflict".into(),
        Named::These(devices) => devices.into_iter().map(DeviceId::as_str).collect(),
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SirFields {
    client: String,
    server: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    other_server: Option<String>,
    #[serde(default)]
    ppg: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pui: Option<String>,
    #[serde(default = "application")]
    application: String,
    #[serde(default)]
    targeted: bool,
    #[serde(default, skip_serializing_if = "PlacedFields::is_empty")]
    header: PlacedFields,
    #[serde(default, skip_serializing_if = "PlacedFields::is_empty")]
    value: PlacedFields,
    #[serde(default, skip_serializing_if = "PlacedFields::is_empty")]
    body: PlacedFields,
    #[serde(default)]
    named: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sia: Option<SiaFields>,
}

fn application() -> String {
    SIA_APPLICATION.to_owned()
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PlacedFields {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    devices: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ask: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    apps: Vec<App>,
}

impl PlacedFields {
    fn of(placed: &Placed) -> Self {
        Self {
            devices: placed.devices.iter().map(ToString::to_string).collect(),
            ask: placed
                .ask
                .into_iter()
                .flat_map(Ask::tokens)
                .map(str::to_owned)
                .collect(),
            apps: placed.apps.clone(),
        }
    }

    const fn is_empty(&self) -> bool {
        self.devices.is_empty() && self.ask.is_empty() && self.apps.is_empty()
    }

    fn read(self) -> Result<Placed, FieldFault> {
        let devices = self
            .devices
            .iter()
            .map(|text| {
                DeviceId::decode(text)
                    .map_err(|fault| FieldFault::new(format_args!("device {text:?}: {fault}")))
            })
            .collect::<Result<_, _>>()?;
        let ask: Ask = self.ask.join(",").parse().map_err(FieldFault::new)?;
        Ok(Placed {
            devices,
            ask: (!ask.is_empty()).then_some(ask),
            apps: self.apps,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SiaFields {
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    cpi_tags: Vec<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    trailing: String,
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

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum UrlFields {
    Url(String),
    Digest(String),
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
    fn of(sia: &Sia) -> Self {
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
                    cpi_tag: reached.cpi_tag.map(|tag| hex(&tag)),
                    usable: (!reached.is_usable()).then_some(false),
                    tls: reached.is_tls().then_some(true),
                    ..ContactFields::of(reached.contact)
                })
                .collect(),
            protocols: sia.protocols.clone(),
            prov_url: match (sia.prov_url.url(), sia.prov_url.digest()) {
                (Some(url), _) => Some(UrlFields::Url(url.to_owned())),
                (None, Some(digest)) => Some(UrlFields::Digest(hex(digest))),
                (None, None) => None,
            },
            cpi_tags: sia.cpi_tags.iter().map(|tag| hex(tag)).collect(),
            trailing: hex(&sia.trailing),
            last_field: Some(LastField::of(sia.end)),
            bare_app_ids: sia.bare_app_ids,
        }
    }

    fn read(self) -> Result<Sia, FieldFault> {
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
        sia.prov_url = match self.prov_url {
            None => ProvUrl::none(),
            Some(UrlFields::Url(url)) => ProvUrl::of_url(&url)
                .ok_or_else(|| FieldFault::new("prov_url: ASCII of five characters or more"))?,
            Some(UrlFields::Digest(digits)) => ProvUrl::of_octets(&octets(&digits)?)
                .ok_or_else(|| FieldFault::new("prov_url: a digest of one to four octets"))?,
        };
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
        let is_ip = matches!(octets.len(), 4 | 16);
        Self {
            bearer: contact.bearer,
            port: contact.port,
            address: is_ip.then(|| contact.address.to_string()),
            address_hex: (!is_ip).then(|| hex(octets)),
            protocol: None,
            cpi_tag: None,
            usable: None,
            tls: None,
        }
    }

    fn read(self) -> Result<Contact, FieldFault> {
        let address = match (self.address, self.address_hex) {
            (Some(text), None) => text
                .parse::<Ipv4Addr>()
                .map(BearerAddress::from)
                .or_else(|_| text.parse::<Ipv6Addr>().map(BearerAddress::from))
                .map_err(|_| FieldFault::new(format_args!("address: {text:?} is no IP address")))?,
            (None, Some(digits)) => BearerAddress::new(&octets(&digits)?)
                .ok_or_else(|| FieldFault::new("address_hex: at most 63 octets"))?,
            _ => return Err(FieldFault::new("contact: either address or address_hex")),
        };
        Ok(Contact {
            bearer: self.bearer,
            port: self.port,
            address,
        })
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

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn octets(digits: &str) -> Result<Vec<u8>, FieldFault> {
    let fault = || FieldFault::new(format_args!("{digits:?} is not hexadecimal octets"));
    if !digits.len().is_multiple_of(2) || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(fault());
    }
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| {
            core::str::from_utf8(pair)
                .ok()
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
                .ok_or_else(fault)
        })
        .collect()
}
