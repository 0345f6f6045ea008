//! What a SIR asks the device to return or to send.

use core::fmt;
use core::ops::BitOr;
use core::str::FromStr;

use super::UnknownName;

/// A set of questions; the tokens are those of `X-Sirgate-Ask`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ask(u8);

impl Ask {
    /// No question.
    pub const NONE: Self = Self(0);
    /// Return what the device can do.
    pub const CAPABILITY: Self = Self(1);
    /// Return what the user prefers.
    pub const PREFERENCE: Self = Self(1 << 1);
    /// Return security information.
    pub const SECURITY: Self = Self(1 << 2);
    /// Return subscriptions.
    pub const SUBSCRIPTION: Self = Self(1 << 3);
    /// Return why the device does not connect.
    pub const REFUSAL: Self = Self(1 << 4);
    /// Send a registration message.
    pub const SEND_REGISTRATION: Self = Self(1 << 5);
    /// Send a capability message.
    pub const SEND_CAPABILITY: Self = Self(1 << 6);

    /// Every question with its token, in the order in which they are written.
    pub const TOKENS: [(Self, &'static str); 7] = [
        (Self::CAPABILITY, "capability"),
        (Self::PREFERENCE, "preference"),
        (Self::SECURITY, "security"),
        (Self::SUBSCRIPTION, "subscription"),
        (Self::REFUSAL, "refusal"),
        (Self::SEND_REGISTRATION, "send-registration"),
        (Self::SEND_CAPABILITY, "send-capability"),
    ];

    /// Whether every question of `other` is asked.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether nothing is asked.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Every question that is asked, one by one.
    pub fn iter(self) -> impl Iterator<Item = Self> {
        Self::TOKENS
            .into_iter()
            .map(|(question, _)| question)
            .filter(move |question| self.contains(*question))
    }

    /// The tokens in order.
    pub fn tokens(self) -> impl Iterator<Item = &'static str> {
        Self::TOKENS
            .into_iter()
            .filter(move |(question, _)| self.contains(*question))
            .map(|(_, token)| token)
    }

    /// The questions of a list; tokens of later versions are passed over. `None` when none is left.
    pub(super) fn of_list(text: &str, separator: char) -> Option<Self> {
        let ask = text
            .split(separator)
            .filter_map(|token| Self::of_token(token.trim()))
            .fold(Self::NONE, |all, question| all | question);
        (!ask.is_empty()).then_some(ask)
    }

    fn of_token(token: &str) -> Option<Self> {
        Self::TOKENS
            .into_iter()
            .find(|(_, own)| own.eq_ignore_ascii_case(token))
            .map(|(question, _)| question)
    }
}

impl BitOr for Ask {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The tokens, separated as in a header.
impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, token) in self.tokens().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            write!(f, "{comma}{token}")?;
        }
        Ok(())
    }
}

impl FromStr for Ask {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        text.split(',')
            .map(str::trim)
            .filter(|token| !token.is_empty())
            .try_fold(Self::NONE, |all, token| {
                Self::of_token(token)
                    .map(|question| all | question)
                    .ok_or_else(|| UnknownName::new(token, "a question"))
            })
    }
}

impl serde::Serialize for Ask {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u8(self.0)
        }
    }
}

impl<'de> serde::Deserialize<'de> for Ask {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            let set = Self(<u8 as serde::Deserialize>::deserialize(deserializer)?);
            let known = Self::TOKENS.iter().fold(0, |all, (one, _)| all | one.0);
            let is_known = set.0 & !known == 0;
            let odd = || serde::de::Error::custom("a set with members that are none");
            return is_known.then_some(set).ok_or_else(odd);
        }
        <String as serde::Deserialize>::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
