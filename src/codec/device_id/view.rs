//! An identifier over borrowed text, for readers that compare it and keep nothing.
//!
//! **Source:** as the module around it.

use super::{Canonical, DeviceId, Kind, Warning, address, check_octets, read};
use crate::codec::DecodeError;
use crate::codec::lexeme::uuid;

/// A [`DeviceId`] whose text is borrowed. Reading a UUID, IMEI, ESN or MAC address allocates nothing;
/// the canonical value of an address, a URN or a digest is text or octets of its own.
#[derive(Clone, Debug)]
pub struct View<'a> {
    text: &'a str,
    canonical: Canonical,
    warning: Option<Warning>,
}

impl<'a> View<'a> {
    /// Reads an identifier in any of its forms.
    ///
    /// # Errors
    /// Those of [`DeviceId::decode`].
    pub fn decode(text: &'a str) -> Result<Self, DecodeError> {
        // The usual spelling of the usual kind holds nothing that would have to be looked for.
        if let Some(uuid) = text.strip_prefix("urn:uuid:").map(str::as_bytes)
            && let Some(uuid) = uuid::read(uuid)
        {
            return Ok(Self {
                text,
                canonical: Canonical::Uuid(uuid),
                warning: None,
            });
        }
        check_octets(text)?;
        let (canonical, warning) = read(text)?;
        Ok(Self {
            text,
            canonical,
            warning,
        })
    }

    /// The text as it was written.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.text
    }

    /// The value that counts in comparisons.
    #[must_use]
    pub const fn canonical(&self) -> &Canonical {
        &self.canonical
    }

    /// What kind of identifier this is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.canonical.kind()
    }

    /// What is odd about it, if anything.
    #[must_use]
    pub const fn warning(&self) -> Option<Warning> {
        self.warning
    }

    /// Whether it names the device that `id` names, as [`DeviceId::matches`] does.
    #[must_use]
    pub fn names(&self, id: &DeviceId) -> bool {
        self.canonical == id.canonical
            && address::further_parameters_agree(&self.canonical, self.text, &id.text)
    }

    /// The same with a text of its own.
    #[must_use]
    pub fn into_owned(self) -> DeviceId {
        DeviceId {
            text: self.text.into(),
            canonical: self.canonical,
            warning: self.warning,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: [&str; 7] = [
        "urn:uuid:F81D4FAE-7dec-11d0-a765-00a0c91e6bf6",
        "urn:gsma:imei:35293811-000000-7",
        "00:24:be:80:4f:f1",
        "esn:80A1B2C3",
        "sip:alice@example.com;gr=abc;x=1",
        "sip:alice@example.com;gr=abc;x=2",
        "urn:epc:id:sgtin:0614141.112345.400",
    ];

    #[test]
    fn a_view_says_and_matches_what_the_owned_identifier_does() {
        for text in IDS {
            let (view, id) = (View::decode(text).unwrap(), DeviceId::decode(text).unwrap());
            assert_eq!(
                (view.as_str(), view.canonical(), view.kind(), view.warning()),
                (id.as_str(), id.canonical(), id.kind(), id.warning())
            );
            for other in IDS {
                let other = DeviceId::decode(other).unwrap();
                assert_eq!(view.names(&other), id.matches(&other), "{text} {other}");
            }
            assert_eq!(view.into_owned(), id);
        }
    }

    #[test]
    fn a_view_refuses_what_the_owned_identifier_refuses() {
        for text in ["", "x", "urn:uuid:f81d4fae", "a<b", "sip:", "imei:12"] {
            assert_eq!(
                View::decode(text).unwrap_err(),
                DeviceId::decode(text).unwrap_err()
            );
        }
    }
}
