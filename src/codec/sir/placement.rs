//! Where in a SIR something is said.

use core::fmt;
use core::ops::BitOr;
use core::str::FromStr;

/// A set of placements: header field, value of the client address, message body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Placement(u8);

/// A name that is none of a set's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not the name of {kind}")]
pub struct UnknownName {
    name: String,
    kind: &'static str,
}

impl UnknownName {
    pub(super) fn new(name: &str, kind: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            kind,
        }
    }
}

impl Placement {
    /// Nowhere.
    pub const NONE: Self = Self(0);
    /// A header field of its own.
    pub const HEADER: Self = Self(1);
    /// A parameter of the client address.
    pub const VALUE: Self = Self(1 << 1);
    /// A text field of the body.
    pub const BODY: Self = Self(1 << 2);

    /// Every placement with its name.
    pub const NAMES: [(Self, &'static str); 3] = [
        (Self::HEADER, "header"),
        (Self::VALUE, "value"),
        (Self::BODY, "body"),
    ];

    /// The seven combinations that say something somewhere.
    pub const COMBINATIONS: [Self; 7] = [
        Self(1),
        Self(2),
        Self(3),
        Self(4),
        Self(5),
        Self(6),
        Self(7),
    ];

    /// Whether every placement of `other` is in.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether it is nowhere.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl BitOr for Placement {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The names separated by commas, `none` for nowhere.
impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        let names = Self::NAMES
            .into_iter()
            .filter(|(place, _)| self.contains(*place));
        for (number, (_, name)) in names.enumerate() {
            let comma = if number == 0 { "" } else { "," };
            write!(f, "{comma}{name}")?;
        }
        Ok(())
    }
}

impl FromStr for Placement {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        if text.trim().eq_ignore_ascii_case("none") {
            return Ok(Self::NONE);
        }
        text.split([',', '+'])
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .try_fold(Self::NONE, |all, name| {
                Self::NAMES
                    .into_iter()
                    .find(|(_, own)| own.eq_ignore_ascii_case(name))
                    .map(|(place, _)| all | place)
                    .ok_or_else(|| UnknownName::new(name, "a placement"))
            })
    }
}

impl serde::Serialize for Placement {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u8(self.0)
        }
    }
}

impl<'de> serde::Deserialize<'de> for Placement {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            let set = Self(<u8 as serde::Deserialize>::deserialize(deserializer)?);
            let known = Self::NAMES.iter().fold(0, |all, (one, _)| all | one.0);
            let is_known = set.0 & !known == 0;
            let odd = || serde::de::Error::custom("a set with members that are none");
            return is_known.then_some(set).ok_or_else(odd);
        }
        <String as serde::Deserialize>::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
