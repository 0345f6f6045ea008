//! The content of a Session Initiation Request: which applications push wants to reach, and where to connect.
//!
//! Source: WAP-235 section 8.4, AddressType of WAP-230 section 8.2.2.3. Versions 0 and 1 and, their further octets
//! untouched, every higher one. Trailing unused fields may be left out; [`Sia::end`] keeps where a body ended.

use core::net::{Ipv4Addr, Ipv6Addr};

use sha1::{Digest, Sha1};

use super::DecodeError;
use super::format::Deviation;

pub mod fields;
mod names;
mod octets;
mod text;
mod view;

pub use fields::FORMAT;
pub use names::{application_code, application_uri, bearer_name};
pub use view::{Address, Addresses, Application, View};

use super::Span;

/// The clause of the layout.
pub const CLAUSE: &str = "WAP-235 8.4";

/// The content of an SIR, `application/vnd.wap.sia`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sia {
    /// 0, 1, or a later version whose further octets are in [`Sia::trailing`].
    pub version: u8,
    /// The push applications that the session is for.
    pub app_ids: Vec<AppId>,
    /// Contact points of the OTA-WSP variant.
    pub wsp_contacts: Vec<Contact>,
    /// Contact points of other protocols (since version 1).
    pub contacts: Vec<Contact>,
    /// Protocol options as sent; [`Sia::reached`] tells which belongs to which contact.
    pub protocols: Vec<u32>,
    /// Which provisioning the contacts belong to.
    pub prov_url: ProvUrl,
    /// CPI tags as sent.
    pub cpi_tags: Vec<[u8; 4]>,
    /// Octets after the last known field.
    pub trailing: Vec<u8>,
    /// The last field that is written even when it is empty.
    pub end: End,
    /// Application ids without their field number, as some shipped terminals read them.
    pub bare_app_ids: bool,
}

/// A push application.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AppId {
    /// Every application.
    Any,
    /// Its assigned number, from 1.
    Code(u32),
    /// Its URI.
    Uri(String),
}

/// A contact point: an AddressType record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The bearer's number, if said.
    pub bearer: Option<u8>,
    /// The port, if said.
    pub port: Option<u16>,
    /// The address on that bearer.
    pub address: BearerAddress,
}

/// At most 63 octets in the bearer's own form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BearerAddress(Vec<u8>);

/// Provisioning URL: nothing, the first octets of its SHA-1, or the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProvUrl(Vec<u8>);

/// The last field of a body; what is not used and comes later may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// Nothing but the version.
    Version,
    /// The application list.
    Applications,
    /// The WSP contact points; the end of version 0.
    WspContacts,
    /// The other contact points.
    Contacts,
    /// The protocol options.
    Protocols,
    /// The provisioning URL.
    ProvUrl,
    /// The CPI tags; the end of version 1.
    CpiTags,
}

/// A contact point of [`Sia::contacts`] with what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached<'a> {
    /// The contact point.
    pub contact: &'a Contact,
    /// Its protocol option.
    pub protocol: u32,
    /// Its CPI tag, when the protocol has one and it was sent.
    pub cpi_tag: Option<[u8; 4]>,
}

impl Sia {
    /// A body of the current version with all its fields.
    #[must_use]
    pub const fn new(app_ids: Vec<AppId>, contacts: Vec<Contact>, protocols: Vec<u32>) -> Self {
        Self {
            version: 1,
            app_ids,
            wsp_contacts: Vec::new(),
            contacts,
            protocols,
            prov_url: ProvUrl(Vec::new()),
            cpi_tags: Vec::new(),
            trailing: Vec::new(),
            end: End::CpiTags,
            bare_app_ids: false,
        }
    }

    /// Reads a body by the letter of the standard.
    ///
    /// # Errors
    /// The first fault in field order.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        octets::Reader::new(octets, false, false)
            .read()
            .map(|read| read.sia)
    }

    /// Reads a body as shipped senders write it, and lists what the letter forbids: application ids without field
    /// number, uintvars with leading zeros, octets after the last field of version 0 or 1.
    ///
    /// # Errors
    /// The first fault that no reading allows.
    pub fn decode_lenient(octets: &[u8]) -> Result<(Self, Vec<Deviation>), DecodeError> {
        octets::Reader::new(octets, true, false)
            .read()
            .map(|read| (read.sia, read.deviations))
    }

    /// Where each field stands and what it says, up to the first fault.
    #[must_use]
    pub fn spans(octets: &[u8], lenient: bool) -> Vec<Span> {
        let mut reader = octets::Reader::new(octets, lenient, true);
        // The fault itself is told by `decode`; what was read before it stays worth showing.
        let _ = reader.read_fields();
        reader.spans()
    }

    /// The octets. Fields after WSP contacts do not exist in version 0 and are left out there.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        octets::write(self)
    }

    /// The contact points that are not WSP, each with its protocol and tag by the pairing rules.
    pub fn reached(&self) -> impl Iterator<Item = Reached<'_>> {
        let protocol_of = |at: usize| {
            let same_count = self.protocols.len() == self.contacts.len();
            let own = if same_count { at } else { 0 };
            self.protocols.get(own).copied().unwrap_or(PROTOCOL_HTTP)
        };
        let tagged = (0..self.contacts.len())
            .filter(|at| protocol_of(*at) == PROTOCOL_HTTP_CPI)
            .count();
        let mut tags_used = 0_usize;
        self.contacts.iter().enumerate().map(move |(at, contact)| {
            let protocol = protocol_of(at);
            let cpi_tag = if protocol == PROTOCOL_HTTP_CPI {
                let own = if tagged == self.cpi_tags.len() {
                    tags_used
                } else {
                    0
                };
                tags_used = tags_used.saturating_add(1);
                self.cpi_tags.get(own).copied()
            } else {
                None
            };
            Reached {
                contact,
                protocol,
                cpi_tag,
            }
        })
    }

    /// Whether there is anybody to contact.
    #[must_use]
    pub fn has_contact(&self) -> bool {
        !self.wsp_contacts.is_empty() || self.reached().any(|reached| reached.is_usable())
    }
}

impl Reached<'_> {
    /// Whether the protocol is known; of an unknown one the contact point must be left alone.
    #[must_use]
    pub const fn is_usable(&self) -> bool {
        matches!(self.protocol, PROTOCOL_HTTP | PROTOCOL_HTTP_CPI)
    }

    /// Whether the registered port of secure push over HTTP is meant.
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        matches!(self.contact.port, Some(4036))
    }
}

impl AppId {
    /// The application of a URI: its number when it is well known, as senders must write it.
    #[must_use]
    pub fn of_uri(uri: &str) -> Self {
        match application_code(uri) {
            Some(0) => Self::Any,
            Some(code) => Self::Code(code),
            None => Self::Uri(uri.to_owned()),
        }
    }
}

impl Contact {
    /// A contact point with all its fields.
    #[must_use]
    pub const fn new(bearer: u8, port: u16, address: BearerAddress) -> Self {
        Self {
            bearer: Some(bearer),
            port: Some(port),
            address,
        }
    }
}

impl BearerAddress {
    /// Octets of the longest one.
    pub const OCTETS_MAX: usize = 63;

    /// The octets as an address, when they fit.
    #[must_use]
    pub fn new(octets: &[u8]) -> Option<Self> {
        (octets.len() <= Self::OCTETS_MAX).then(|| Self(octets.to_vec()))
    }

    /// The octets.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.0
    }
}

impl From<Ipv4Addr> for BearerAddress {
    fn from(address: Ipv4Addr) -> Self {
        Self(address.octets().to_vec())
    }
}

impl From<Ipv6Addr> for BearerAddress {
    fn from(address: Ipv6Addr) -> Self {
        Self(address.octets().to_vec())
    }
}

impl ProvUrl {
    /// Any provisioning whose URL is empty.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// The URL in full; `None` when it is not ASCII or so short that it would be taken for a digest.
    #[must_use]
    pub fn of_url(url: &str) -> Option<Self> {
        (url.is_ascii() && url.len() > Self::DIGEST_MAX).then(|| Self(url.as_bytes().to_vec()))
    }

    /// The first one to four octets of the URL's digest.
    #[must_use]
    pub fn of_digest(url: &str, octets: usize) -> Self {
        Self(
            Sha1::digest(url.as_bytes())
                .iter()
                .take(octets.clamp(1, Self::DIGEST_MAX))
                .copied()
                .collect(),
        )
    }

    /// A digest of one to four octets as it was sent.
    #[must_use]
    pub fn of_octets(digest: &[u8]) -> Option<Self> {
        (1..=Self::DIGEST_MAX)
            .contains(&digest.len())
            .then(|| Self(digest.to_vec()))
    }

    /// The URL, when it is there in full.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        core::str::from_utf8(&self.0)
            .ok()
            .filter(|url| url.len() > Self::DIGEST_MAX)
    }

    /// The first octets of the digest, when those were sent.
    #[must_use]
    pub fn digest(&self) -> Option<&[u8]> {
        (1..=Self::DIGEST_MAX)
            .contains(&self.0.len())
            .then_some(self.0.as_slice())
    }

    /// Whether `url` is meant.
    #[must_use]
    pub fn names(&self, url: &str) -> bool {
        match self.digest() {
            Some(digest) => Sha1::digest(url.as_bytes()).starts_with(digest),
            None => self.0 == url.as_bytes(),
        }
    }

    /// Octets of the longest digest; anything longer is text.
    pub const DIGEST_MAX: usize = 4;
}

/// OTA-HTTP without a CPI tag.
pub const PROTOCOL_HTTP: u32 = 0;
/// OTA-HTTP with a CPI tag.
pub const PROTOCOL_HTTP_CPI: u32 = 1;
/// OTA-HTTP inside TLS at another port than the registered one, which alone says so: private to this profile, so that
/// a terminal of WAP leaves such a contact point alone.
pub const PROTOCOL_HTTPS: u32 = 257;

#[cfg(test)]
mod tests;
