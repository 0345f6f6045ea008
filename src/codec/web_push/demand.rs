//! What the sender of a push wants of the service: how long it is kept, what it replaces, how urgent it is.
//!
//! **Source:** RFC 8030 sections 5.2 (TTL), 5.3 (Urgency) and 5.4 (Topic).

use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// Octets of a topic.
pub const TOPIC_OCTETS: usize = 32;

/// How urgent a push is; the least first.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Urgency {
    /// For a device with power and without cost: an advertisement.
    VeryLow,
    /// For a device with power or without cost: a change of something followed.
    Low,
    /// For a device with neither: a message of a person.
    #[default]
    Normal,
    /// For a device at the end of its battery: a call.
    High,
}

impl Urgency {
    const ALL: [Self; 4] = [Self::VeryLow, Self::Low, Self::Normal, Self::High];

    /// The word in the header.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::VeryLow => "very-low",
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }

    /// The urgency of a word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|own| own.name() == name)
    }
}

impl fmt::Display for Urgency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a push wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// How long it is kept for a browser that is not there; zero means it is delivered now or never.
    pub ttl: Duration,
    /// How urgent it is.
    pub urgency: Urgency,
    /// What it replaces: an undelivered push of the same topic to the same subscription.
    pub topic: Option<String>,
}

/// Why headers say no demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DemandFault {
    /// No TTL.
    #[error("the header TTL is missing")]
    NoTtl,
    /// No number.
    #[error("the value of TTL is no number of seconds")]
    BadTtl,
    /// None of the four words.
    #[error("the value of Urgency is none of very-low, low, normal, high")]
    BadUrgency,
    /// Too long, or other characters.
    #[error("the value of Topic is not 1 to 32 characters of the URL-safe alphabet of base64")]
    BadTopic,
}

impl Demand {
    /// Reads the demand out of headers, which are asked for by name in lower case. More seconds than 32 bits hold are as
    /// many as these hold.
    ///
    /// # Errors
    /// Names the header that is wrong.
    pub fn of<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Result<Self, DemandFault> {
        let ttl = header("ttl").ok_or(DemandFault::NoTtl)?.trim();
        let is_number = !ttl.is_empty() && ttl.bytes().all(|octet| octet.is_ascii_digit());
        if !is_number {
            return Err(DemandFault::BadTtl);
        }
        let seconds = ttl.parse::<u32>().unwrap_or(u32::MAX);
        let urgency = match header("urgency") {
            None => Urgency::default(),
            Some(word) => Urgency::from_name(word.trim()).ok_or(DemandFault::BadUrgency)?,
        };
        let topic = match header("topic") {
            None => None,
            Some(topic) if is_topic(topic.trim()) => Some(topic.trim().to_owned()),
            Some(_) => return Err(DemandFault::BadTopic),
        };
        Ok(Self {
            ttl: Duration::from_secs(u64::from(seconds)),
            urgency,
            topic,
        })
    }
}

fn is_topic(text: &str) -> bool {
    let in_alphabet = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
    (1..=TOPIC_OCTETS).contains(&text.len()) && text.bytes().all(in_alphabet)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &[(&str, &str)]) -> Result<Demand, DemandFault> {
        Demand::of(|name| rows.iter().find(|row| row.0 == name).map(|row| row.1))
    }

    #[test]
    fn a_demand_without_urgency_is_normal() {
        let demand = of(&[("ttl", "60")]).unwrap();
        assert_eq!(demand.ttl, Duration::from_secs(60));
        assert_eq!((demand.urgency, demand.topic), (Urgency::Normal, None));
        let urgent = of(&[("ttl", "0"), ("urgency", "high"), ("topic", "a-_9")]).unwrap();
        assert_eq!(urgent.topic.as_deref(), Some("a-_9"));
        assert!(urgent.urgency > Urgency::VeryLow);
    }

    #[test]
    fn a_ttl_must_be_there_and_a_number_of_any_size() {
        assert_eq!(of(&[]), Err(DemandFault::NoTtl));
        for bad in ["", "-1", "+1", "1.5", "1 day", "0x10"] {
            assert_eq!(of(&[("ttl", bad)]), Err(DemandFault::BadTtl), "{bad}");
        }
        let longest = of(&[("ttl", "99999999999999999999999")]).unwrap();
        assert_eq!(longest.ttl.as_secs(), u64::from(u32::MAX));
    }

    #[test]
    fn a_topic_has_32_characters_of_the_alphabet_and_no_more() {
        let of_topic = |topic: &str| of(&[("ttl", "0"), ("topic", topic)]).map(|_| ());
        assert_eq!(of_topic(&"t".repeat(32)), Ok(()));
        for bad in [&*"t".repeat(33), "", "a b", "a=", "ä"] {
            assert_eq!(of_topic(bad), Err(DemandFault::BadTopic), "{bad}");
        }
    }

    #[test]
    fn an_urgency_is_one_of_four_words() {
        for bad in ["HIGH", "low,normal", "", "urgent"] {
            let demand = of(&[("ttl", "0"), ("urgency", bad)]);
            assert_eq!(demand, Err(DemandFault::BadUrgency), "{bad}");
        }
    }
}
