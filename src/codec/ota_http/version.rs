//! Versions of the protocol: `1.0`, and `1.*` for any minor one.
//!
//! **Source:** WAP-235 section 7.5.

use core::fmt;

/// A version, or all of one major number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// What differs between versions that do not understand each other.
    pub major: u16,
    /// `None` for any. 1.12 is later than 1.3.
    pub minor: Option<u16>,
}

impl Version {
    /// The version of WAP-235.
    pub const ONE: Self = Self {
        major: 1,
        minor: Some(0),
    };

    /// Whether this covers a version that is fully said.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        self.major == other.major && (self.minor.is_none() || self.minor == other.minor)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.minor {
            Some(minor) => write!(f, "{}.{minor}", self.major),
            None => write!(f, "{}.*", self.major),
        }
    }
}

/// The versions of a header's value, most preferred first; `None` when it is no list of at least one.
#[must_use]
pub fn versions(value: &str) -> Option<Vec<Version>> {
    value.split(',').map(|text| version(text.trim())).collect()
}

/// The value of such a list.
#[must_use]
pub fn versions_text(versions: &[Version]) -> String {
    let texts: Vec<String> = versions.iter().map(ToString::to_string).collect();
    texts.join(",")
}

/// The first of `offered` that one of `known` covers or that covers one of `known`, as a full version.
#[must_use]
pub fn choose(offered: &[Version], known: &[Version]) -> Option<Version> {
    offered.iter().find_map(|offer| match offer.minor {
        Some(_) => known.iter().any(|own| own.covers(*offer)).then_some(*offer),
        None => known
            .iter()
            .filter(|own| own.minor.is_some() && offer.covers(**own))
            .max_by_key(|own| own.minor)
            .copied(),
    })
}

fn version(text: &str) -> Option<Version> {
    let (major, minor) = text.split_once('.')?;
    let minor = match minor {
        "*" => None,
        digits => Some(number(digits)?),
    };
    Some(Version {
        major: number(major)?,
        minor,
    })
}

fn number(digits: &str) -> Option<u16> {
    let is_number = !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}
