//! The `gr` value that a registrar gives a device.
//!
//! Source: RFC 7255 section 5 and RFC 8465 section 5 (an IMEI or MEID must not show), RFC 9562 version 5.

use uuid::Uuid;

use super::{Canonical, DeviceId};

/// The `gr` value of a device: the URN itself for a UUID, else a UUID named by the identifier inside `secret`.
///
/// `secret` is a UUID that only the domain knows; the same identifier gives the same value in every spelling.
#[must_use]
pub fn gr_of(id: &DeviceId, secret: Uuid) -> String {
    match id.canonical() {
        uuid @ Canonical::Uuid(_) => uuid.to_string(),
        other => format!(
            "urn:uuid:{}",
            Uuid::new_v5(&secret, gr_name(other).as_bytes())
        ),
    }
}

/// The name that goes into the digest: the bare digits of equipment, else the canonical text.
#[must_use]
pub fn gr_name(id: &Canonical) -> String {
    match id {
        Canonical::Imei(digits) => format!("{digits:014}"),
        Canonical::Meid(bits) => format!("{bits:014X}"),
        Canonical::Mac(octets) => octets.iter().map(|octet| format!("{octet:02x}")).collect(),
        other => other.to_string(),
    }
}
