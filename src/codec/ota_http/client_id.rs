//! Client identifiers: who a terminal says it is.
//!
//! **Source:** WAP-196 (first character and forms). A form that is not known is opaque.

use core::fmt;
use core::net::Ipv4Addr;

/// Who a terminal says it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientId {
    /// Its kind: `imsi`, `msisdn`, `nai`, `ipv4` ... or `opaque`.
    pub kind: &'static str,
    /// What follows the characters that tell the kind; an IPv4 address with dots; of an opaque one, all of it.
    pub value: String,
}

/// What an identifier begins with, by kind; longer beginnings first.
const KINDS: [(&str, &str); 12] = [
    ("operator", "00"),
    ("nai", "01"),
    ("wap-push-address", "02"),
    ("iccid", "1"),
    ("min", "2"),
    ("esn", "3"),
    ("msisdn", "4"),
    ("imsi", "5"),
    (IPV4, "6"),
    ("ipv6", "7"),
    ("itsi", "8"),
    ("man", "9"),
];
const IPV4: &str = "ipv4";
const OPAQUE: &str = "opaque";

impl ClientId {
    /// Reads an identifier; whatever has no known form is opaque. `None` when it is empty or has characters that no
    /// identifier has.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        if text.is_empty() || !text.bytes().all(|octet| matches!(octet, 0x20..=0x7E)) {
            return None;
        }
        let opaque = || Self {
            kind: OPAQUE,
            value: text.to_owned(),
        };
        let known = KINDS
            .into_iter()
            .find_map(|(kind, start)| Some((kind, text.strip_prefix(start)?)));
        Some(match known {
            Some((IPV4, digits)) => {
                ipv4(digits).map_or_else(opaque, |value| Self { kind: IPV4, value })
            }
            Some((kind, value)) if is_of_kind(kind, value) => Self {
                kind,
                value: value.to_owned(),
            },
            _ => opaque(),
        })
    }

    /// An identifier of a kind by its name; `None` when there is no such kind or the value is none of it.
    #[must_use]
    pub fn new(kind: &str, value: &str) -> Option<Self> {
        let kind = KINDS
            .into_iter()
            .map(|(kind, _)| kind)
            .chain([OPAQUE])
            .find(|own| *own == kind)?;
        let id = Self {
            kind,
            value: value.to_owned(),
        };
        (Self::decode(&id.to_string())? == id).then_some(id)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind == IPV4
            && let Ok(address) = self.value.parse::<Ipv4Addr>()
        {
            f.write_str("6")?;
            return address
                .octets()
                .iter()
                .try_for_each(|octet| write!(f, "{octet:03}"));
        }
        let start = KINDS
            .iter()
            .find(|(kind, _)| *kind == self.kind)
            .map_or("", |(_, start)| *start);
        write!(f, "{start}{}", self.value)
    }
}

fn is_of_kind(kind: &str, value: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    match kind {
        "iccid" | "min" | "imsi" | "itsi" => digits(value),
        "msisdn" => digits(value.strip_prefix('+').unwrap_or(value)),
        "esn" => {
            (8..=12).contains(&value.len()) && value.bytes().all(|octet| octet.is_ascii_hexdigit())
        }
        "ipv6" => value.parse::<core::net::Ipv6Addr>().is_ok(),
        _ => !value.is_empty(),
    }
}

/// Twelve digits, three for each octet, with dots.
fn ipv4(digits: &str) -> Option<String> {
    if digits.len() != 12 || !digits.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    let octets: Option<Vec<String>> = digits
        .as_bytes()
        .chunks(3)
        .map(|three| {
            let number: u8 = core::str::from_utf8(three).ok()?.parse().ok()?;
            Some(number.to_string())
        })
        .collect();
    Some(octets?.join("."))
}
