//! SIA bodies in words: one line a field.

use core::fmt::{self, Write as _};
use core::net::{Ipv4Addr, Ipv6Addr};

use super::octets::Protocol;
use super::{AppId, BearerAddress, Contact, ProvUrl, Sia, application_uri, bearer_name};

/// Octets as hexadecimal digits.
pub(super) struct Octets<'a>(pub(super) &'a [u8]);

impl fmt::Display for Octets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("x-wap-application:*"),
            Self::Code(code) => match application_uri(*code) {
                Some(uri) => f.write_str(uri),
                None => write!(f, "application {code:X}h"),
            },
            Self::Uri(uri) => f.write_str(uri),
        }
    }
}

impl fmt::Display for BearerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let octets = self.octets();
        if let Ok(octets) = <[u8; 4]>::try_from(octets) {
            return write!(f, "{}", Ipv4Addr::from(octets));
        }
        if let Ok(octets) = <[u8; 16]>::try_from(octets) {
            return write!(f, "{}", Ipv6Addr::from(octets));
        }
        if octets.is_empty() {
            return f.write_str("none");
        }
        match core::str::from_utf8(octets) {
            Ok(text) if octets.iter().all(u8::is_ascii_graphic) => write!(f, "\"{text}\""),
            _ => write!(f, "{}", Octets(octets)),
        }
    }
}

impl fmt::Display for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)?;
        if let Some(port) = self.port {
            write!(f, " port {port}")?;
        }
        if let Some(bearer) = self.bearer {
            write!(f, " on {}", bearer_name(bearer))?;
        }
        Ok(())
    }
}

impl fmt::Display for ProvUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.url(), self.digest()) {
            (Some(url), _) => f.write_str(url),
            (None, Some(digest)) => write!(f, "digest {}", Octets(digest)),
            (None, None) => f.write_str("none"),
        }
    }
}

/// One line a field, empty ones left out.
impl fmt::Display for Sia {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "sia version {}", self.version)?;
        if self.bare_app_ids {
            writeln!(f, "applications without field number")?;
        }
        for app_id in &self.app_ids {
            writeln!(f, "application {app_id}")?;
        }
        for contact in &self.wsp_contacts {
            writeln!(f, "wsp {contact}")?;
        }
        for reached in self.reached() {
            write!(
                f,
                "contact {}, {}",
                reached.contact,
                Protocol(reached.protocol)
            )?;
            if let Some(tag) = reached.cpi_tag {
                write!(f, " {}", Octets(&tag))?;
            }
            if reached.is_tls() {
                f.write_str(", TLS")?;
            }
            if !reached.is_usable() {
                f.write_str(", unusable")?;
            }
            f.write_char('\n')?;
        }
        if self.prov_url != ProvUrl::none() {
            writeln!(f, "provisioning {}", self.prov_url)?;
        }
        if !self.trailing.is_empty() {
            writeln!(f, "trailing {}", Octets(&self.trailing))?;
        }
        if !self.has_contact() {
            writeln!(f, "nobody to contact")?;
        }
        writeln!(f, "last field {:?}", self.end)
    }
}
