//! What tells one application from every other: an identification code or a serial number.

use core::fmt;

/// Octets of an identification code.
const OCTETS: usize = 128;
/// Digits of a serial number.
const DIGITS: usize = 32;

/// The identification code of an application: `org.example.market` (R3.34), or `sn:10086` (R3.35).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppId(String);

impl AppId {
    /// The code of a text: letters, digits, `.`, `_` and `-`, beginning with a letter or a digit; or `sn:` and digits.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let is_fit = match text.strip_prefix("sn:") {
            Some(number) => {
                (1..=DIGITS).contains(&number.len())
                    && number.bytes().all(|octet| octet.is_ascii_digit())
            }
            None => {
                let is_plain = |octet: u8| {
                    octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'_' | b'-')
                };
                (1..=OCTETS).contains(&text.len())
                    && text.bytes().all(is_plain)
                    && text.starts_with(|first: char| first.is_ascii_alphanumeric())
            }
        };
        is_fit.then(|| Self(text.to_owned()))
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
