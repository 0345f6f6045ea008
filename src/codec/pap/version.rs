//! Versions of PAP: the public identifier, the list of supported versions, and what to answer a stranger in.
//!
//! **Source:** WAP-247 section 9.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// A version of PAP; a later one is greater (2.10 > 2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version {
    /// Before the dot.
    pub major: u16,
    /// After the dot.
    pub minor: u16,
}

/// What this codec speaks, most preferred first, as the `wap-pap-ver` instruction says it.
pub const SUPPORTED: &str = "2.0,2.1,1.0";

/// The public identifier that initiators of PAP 1.0 write without a version, as those of Kannel do.
pub(super) const UNNUMBERED: &str = "-//WAPFORUM//DTD PAP//EN";

impl Version {
    /// The version every gateway must be able to answer in.
    pub const V1_0: Self = Self { major: 1, minor: 0 };
    /// The version of WAP-247.
    pub const V2_0: Self = Self { major: 2, minor: 0 };
    /// The version of the OMA documents; read as 2.0 with unknown elements and attributes passed over.
    pub const V2_1: Self = Self { major: 2, minor: 1 };
    /// The versions of [`SUPPORTED`].
    const OURS: [Self; 3] = [Self::V2_0, Self::V2_1, Self::V1_0];

    /// True for the versions of [`SUPPORTED`].
    #[must_use]
    pub fn is_supported(self) -> bool {
        Self::OURS.contains(&self)
    }

    /// The version of a public identifier `-//WAPFORUM//DTD PAP 2.0//EN`.
    pub(super) fn of_public(identifier: &str) -> Option<Self> {
        identifier
            .strip_prefix("-//WAPFORUM//DTD PAP ")?
            .strip_suffix("//EN")?
            .parse()
            .ok()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The text is no `MAJOR.MINOR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a version is written MAJOR.MINOR")]
pub struct NotAVersion;

impl FromStr for Version {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let (major, minor) = text.split_once('.').ok_or(NotAVersion)?;
        Ok(Self {
            major: number(major)?,
            minor: number(minor)?,
        })
    }
}

/// A number of any length; what does not fit is the greatest there is, which no version of ours is.
fn number(digits: &str) -> Result<u16, NotAVersion> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(NotAVersion);
    }
    Ok(digits.parse().unwrap_or(u16::MAX))
}

/// One item of a list of supported versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Offer {
    major: u16,
    /// `None` for `*`.
    minor: Option<u16>,
}

impl FromStr for Offer {
    type Err = NotAVersion;

    fn from_str(item: &str) -> Result<Self, NotAVersion> {
        let item = item.trim_matches(' ');
        match item.strip_suffix(".*") {
            Some(major) => Ok(Self {
                major: number(major)?,
                minor: None,
            }),
            None => item.parse().map(|Version { major, minor }| Self {
                major,
                minor: Some(minor),
            }),
        }
    }
}

/// The versions a peer says it supports, most preferred first: a list that was checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Offers<'a>(&'a str);

impl<'a> Offers<'a> {
    pub(super) fn decode(list: &'a str) -> Result<Self, NotAVersion> {
        let mut items = list.split(',').map(str::parse::<Offer>);
        items.try_for_each(|item| item.map(drop))?;
        Ok(Self(list))
    }

    fn iter(self) -> impl Iterator<Item = Offer> {
        self.0.split(',').filter_map(|item| item.parse().ok())
    }

    /// The version both sides speak that the peer likes best.
    pub(super) fn common(self) -> Option<Version> {
        self.iter().find_map(|offer| {
            Version::OURS.into_iter().find(|ours| {
                ours.major == offer.major && offer.minor.is_none_or(|minor| minor == ours.minor)
            })
        })
    }

    /// True when the peer is known to speak more than PAP 1.0.
    pub(super) fn exceed_1_0(self) -> bool {
        self.iter()
            .any(|offer| offer.major > 1 || offer.minor.is_some_and(|minor| minor > 0))
    }
}
