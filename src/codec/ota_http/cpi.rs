//! Capabilities and preferences of a terminal, and the tag that stands for them.
//!
//! **Source:** WAP-235 sections 7.2.5 and 7.3, SIN 101 (base64). The tag is the terminal's; a gateway only compares it.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

/// Names of capability headers with what holds in their absence.
pub const CPI_HEADERS: [(&str, &str); 7] = [
    (
        "X-Wap-Push-Accept",
        "application/vnd.wap.sia, text/vnd.wap.si",
    ),
    ("X-Wap-Push-Accept-Charset", "UTF-8"),
    ("X-Wap-Push-Accept-Encoding", "identity"),
    ("X-Wap-Push-Accept-Language", "*"),
    ("X-Wap-Push-Accept-AppID", "*"),
    ("X-Wap-Push-MaxMsgSize", "1400"),
    ("X-Wap-Push-Accept-MaxPushReq", "1"),
];

/// A name that some terminals use for X-Wap-Push-MaxMsgSize.
const OTHER_SIZE: &str = "X-Wap-Push-MsgSize";

/// What a capability header is worth in its absence; `None` for a name that is none of them.
#[must_use]
pub fn default_of(name: &str) -> Option<&'static str> {
    let name = if name.eq_ignore_ascii_case(OTHER_SIZE) {
        "X-Wap-Push-MaxMsgSize"
    } else {
        name
    };
    CPI_HEADERS
        .iter()
        .find(|(own, _)| own.eq_ignore_ascii_case(name))
        .map(|(_, default)| *default)
}

/// Four octets that change when capabilities do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CpiTag(pub [u8; 4]);

impl CpiTag {
    /// The tag of values, in the order in which the terminal puts them.
    #[must_use]
    pub fn of_values<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hash = Sha1::new();
        for value in values {
            hash.update(value.as_bytes());
        }
        let mut tag = [0; 4];
        for (own, octet) in tag.iter_mut().zip(hash.finalize().iter()) {
            *own = *octet;
        }
        Self(tag)
    }

    /// A tag in base64.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        STANDARD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The same, or what terminals of before SIN 101 send: the octets themselves, or up to eight hexadecimal digits.
    #[must_use]
    pub fn decode_lenient(text: &str) -> Option<Self> {
        if let Some(tag) = Self::decode(text) {
            return Some(tag);
        }
        if let Ok(octets) = text.as_bytes().try_into() {
            return Some(Self(octets));
        }
        let is_number =
            (1..=8).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        let number = u32::from_str_radix(text, 16).ok().filter(|_| is_number)?;
        Some(Self(number.to_be_bytes()))
    }
}

impl fmt::Display for CpiTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}
