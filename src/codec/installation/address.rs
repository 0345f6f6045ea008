//! Where a package is: at a URL, or in a store under the digest of its octets.

use core::fmt;

use crate::codec::hex;

/// Octets of an address.
const OCTETS: usize = 2_048;
/// Octets of the ending that tells a format.
const ENDING_OCTETS: usize = 16;
const STORE: &str = "store:sha256:";

/// SHA-256 of octets, written in 64 lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of such a text; capitals are taken.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.bytes().all(|octet| octet.is_ascii_hexdigit()) {
            return None;
        }
        let octets = hex::octets(text)?;
        octets.try_into().ok().map(Self)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// Where a package is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// `http:` or `https:`.
    Url(String),
    /// `store:sha256:…`: in the store of the gateway.
    Store(Digest),
}

impl Address {
    /// The address of a text. A URL has a host and neither user information, fragment, blanks nor control characters.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        if let Some(digest) = text.strip_prefix(STORE) {
            return Digest::decode(digest).map(Self::Store);
        }
        if text.len() > OCTETS || !text.bytes().all(|octet| octet.is_ascii_graphic()) {
            return None;
        }
        let (scheme, rest) = text.split_once("://")?;
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return None;
        }
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let is_plain = |octet: u8| !matches!(octet, b'@' | b'\\' | b'"' | b'<' | b'>');
        let is_fit = !authority.is_empty()
            && !authority.starts_with(':')
            && authority.bytes().all(is_plain)
            && !rest.contains(['#', '\\', '"', '<', '>']);
        is_fit.then(|| Self::Url(text.to_owned()))
    }

    /// The URL, when it is one.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Url(url) => Some(url),
            Self::Store(_) => None,
        }
    }

    /// The ending of the file that a URL names, in lower case: of `/a/market.APK?x` it is `apk`.
    #[must_use]
    pub fn ending(&self) -> Option<String> {
        let path = self.url()?.split_once("://")?.1;
        let path = path.split('?').next()?.split_once('/')?.1;
        let (_, ending) = path.rsplit('/').next()?.rsplit_once('.')?;
        let is_fit = (1..=ENDING_OCTETS).contains(&ending.len())
            && ending.bytes().all(|octet| octet.is_ascii_alphanumeric());
        is_fit.then(|| ending.to_ascii_lowercase())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => f.write_str(url),
            Self::Store(digest) => write!(f, "{STORE}{digest}"),
        }
    }
}
