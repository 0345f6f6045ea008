//! Device identifiers: what names one handset of an identity.
//!
//! Source: RFC 5627 (GRUU), 9562 (UUID), 7254 (IMEI), 8464 (MEID), 9039 (MAC), 8141 (URN), 6920 (fingerprint), 3966
//! (tel), 3261 section 19.1.4 (SIP URI). ESN and the bare and `mac:`, `imei:`, `fp:` forms are the profile's own.
//!
//! A [`DeviceId`] keeps the text as it was written and compares by its [`Canonical`] value.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::codec::{Class, DecodeError};
use crate::limits;

mod address;
mod equipment;
mod fingerprint;
mod mac;
mod obfuscated;
mod urn;
mod view;

pub use equipment::{
    digits_of_bcd, esn_decimal, imei_bcd, imei_check_digit, meid_check_digit, pseudo_esn,
};
pub use obfuscated::{gr_name, gr_of};
pub use view::View;

/// One device identifier: the text as written and its canonical value. Equality, order and hash are canonical.
#[derive(Clone, Debug)]
pub struct DeviceId {
    text: Box<str>,
    canonical: Canonical,
    warning: Option<Warning>,
}

/// The value that two spellings of one identifier share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Canonical {
    /// A public GRUU: the canonical address without `gr`, and the canonical `gr` value.
    PublicGruu {
        /// The address of record with everything that counts in a comparison.
        aor: String,
        /// The `gr` value, in canonical form.
        gr: String,
    },
    /// A temporary GRUU: only the registrar that minted it knows the device.
    TemporaryGruu(String),
    /// 128 bits.
    Uuid(Uuid),
    /// The 14 digits of type allocation code and serial number.
    Imei(u64),
    /// The 56 bits of a MEID.
    Meid(u64),
    /// The 32 bits of an ESN.
    Esn(u32),
    /// A 48-bit address.
    Mac([u8; 6]),
    /// A 64-bit address that holds no 48-bit one.
    Eui64([u8; 8]),
    /// An EPC URN of an RFID tag.
    Rfid(String),
    /// A digest by its algorithm's registered name.
    Fingerprint {
        /// `sha-256` ...
        algorithm: String,
        /// The digest's octets.
        digest: Vec<u8>,
    },
    /// A `sip:` or `sips:` URI that is no GRUU.
    Sip(String),
    /// A telephone number without its visual separators.
    Tel(String),
    /// A URN of another namespace.
    Urn(String),
    /// A URI of another scheme whose comparison is known.
    Uri(String),
    /// A URI of an unknown scheme: compared octet by octet.
    Extension(String),
}

/// The kinds of identifier, by what they name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A GRUU with a value in `gr`.
    PublicGruu,
    /// A GRUU whose `gr` is a flag.
    TemporaryGruu,
    /// A UUID.
    Uuid,
    /// An IMEI or IMEISV.
    Imei,
    /// A MEID.
    Meid,
    /// An ESN.
    Esn,
    /// A MAC address of 48 or 64 bits.
    Mac,
    /// An RFID tag.
    Rfid,
    /// A fingerprint of a key or certificate.
    Fingerprint,
    /// A SIP or SIPS URI.
    Sip,
    /// A telephone number.
    Tel,
    /// A URN of any other namespace.
    Urn,
    /// A URI of any other known scheme.
    Uri,
    /// A URI of an unknown scheme.
    Extension,
}

/// What is odd about an identifier that is accepted all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// The 15th digit is neither the spare 0 nor the check digit.
    CheckDigit {
        /// The digit as written.
        found: char,
        /// The check digit of the other ones.
        expected: char,
    },
}

impl DeviceId {
    /// Reads an identifier in any of its forms; an unknown URI scheme is carried as it is.
    ///
    /// # Errors
    /// When a known form is malformed, or the text is neither a URI nor a known bare form.
    pub fn decode(text: &str) -> Result<Self, DecodeError> {
        View::decode(text).map(View::into_owned)
    }

    /// As [`DeviceId::decode`], and what would be a warning is refused.
    ///
    /// # Errors
    /// As [`DeviceId::decode`], and for a check digit that does not fit.
    pub fn decode_strict(text: &str) -> Result<Self, DecodeError> {
        let id = Self::decode(text)?;
        match id.warning {
            None => Ok(id),
            Some(Warning::CheckDigit { .. }) => Err(bad(
                // The odd digit is the last one before any parameter.
                text.split(';').next().map_or(0, |head| {
                    head.rfind(|c: char| c.is_ascii_hexdigit()).unwrap_or(0)
                }),
                "the spare 0 or the check digit",
            )),
        }
    }

    /// The identifier of a UUID, written as a URN.
    #[must_use]
    pub fn of_uuid(uuid: Uuid) -> Self {
        let canonical = Canonical::Uuid(uuid);
        Self {
            text: canonical.to_string().into(),
            canonical,
            warning: None,
        }
    }

    /// The text as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The value that counts in comparisons; its `Display` is the canonical text.
    #[must_use]
    pub const fn canonical(&self) -> &Canonical {
        &self.canonical
    }

    /// What kind of identifier this is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.canonical.kind()
    }

    /// Whether both name the same device by the rules of their kind.
    ///
    /// Stricter than `==` in one point: of two SIP URIs the further parameters that stand in both must agree too
    /// (RFC 3261 section 19.1.4); that rule is not transitive and so cannot be part of `==`.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.canonical == other.canonical
            && address::further_parameters_agree(&self.canonical, &self.text, &other.text)
    }

    /// What is odd about it, if anything.
    #[must_use]
    pub const fn warning(&self) -> Option<Warning> {
        self.warning
    }

    /// The `gr` value of a public GRUU as an identifier of its own, when it is a URN.
    #[must_use]
    pub fn gr(&self) -> Option<Self> {
        match &self.canonical {
            Canonical::PublicGruu { gr, .. } => Self::decode(gr).ok(),
            _ => None,
        }
    }
}

impl Canonical {
    /// What kind of identifier this is the value of.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::PublicGruu { .. } => Kind::PublicGruu,
            Self::TemporaryGruu(_) => Kind::TemporaryGruu,
            Self::Uuid(_) => Kind::Uuid,
            Self::Imei(_) => Kind::Imei,
            Self::Meid(_) => Kind::Meid,
            Self::Esn(_) => Kind::Esn,
            Self::Mac(_) | Self::Eui64(_) => Kind::Mac,
            Self::Rfid(_) => Kind::Rfid,
            Self::Fingerprint { .. } => Kind::Fingerprint,
            Self::Sip(_) => Kind::Sip,
            Self::Tel(_) => Kind::Tel,
            Self::Urn(_) => Kind::Urn,
            Self::Uri(_) => Kind::Uri,
            Self::Extension(_) => Kind::Extension,
        }
    }
}

impl Kind {
    /// The name in JSON and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PublicGruu => "gruu",
            Self::TemporaryGruu => "temp-gruu",
            Self::Uuid => "uuid",
            Self::Imei => "imei",
            Self::Meid => "meid",
            Self::Esn => "esn",
            Self::Mac => "mac",
            Self::Rfid => "rfid",
            Self::Fingerprint => "fingerprint",
            Self::Sip => "sip",
            Self::Tel => "tel",
            Self::Urn => "urn",
            Self::Uri => "uri",
            Self::Extension => "extension",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::CheckDigit { found, expected } = self;
        write!(f, "digit 15 is {found}, the check digit is {expected}")
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Canonical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PublicGruu { aor, gr } => address::write_gruu(f, aor, Some(gr)),
            Self::TemporaryGruu(aor) => address::write_gruu(f, aor, None),
            Self::Uuid(uuid) => write!(f, "urn:uuid:{uuid}"),
            Self::Imei(digits) => {
                let (tac, snr) = equipment::split_imei(*digits);
                write!(f, "urn:gsma:imei:{tac:08}-{snr:06}-0")
            }
            Self::Meid(bits) => {
                let (manufacturer, serial) = equipment::split_meid(*bits);
                write!(f, "urn:3gpp2:meid:{manufacturer:08X}-{serial:06X}")
            }
            Self::Esn(bits) => write!(f, "esn:{bits:08X}"),
            Self::Mac([a, b, c, d, e, g]) => write!(
                f,
                "urn:dev:mac:{a:02x}{b:02x}{c:02x}fffe{d:02x}{e:02x}{g:02x}"
            ),
            Self::Eui64(octets) => {
                f.write_str("urn:dev:mac:")?;
                octets.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
            }
            Self::Fingerprint { algorithm, digest } => fingerprint::write(f, algorithm, digest),
            Self::Rfid(text)
            | Self::Sip(text)
            | Self::Tel(text)
            | Self::Urn(text)
            | Self::Uri(text)
            | Self::Extension(text) => f.write_str(text),
        }
    }
}

impl PartialEq for DeviceId {
    fn eq(&self, other: &Self) -> bool {
        self.canonical == other.canonical
    }
}

impl Eq for DeviceId {}

impl PartialOrd for DeviceId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DeviceId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.canonical.cmp(&other.canonical)
    }
}

impl Hash for DeviceId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.canonical.hash(state);
    }
}

impl FromStr for DeviceId {
    type Err = DecodeError;

    fn from_str(text: &str) -> Result<Self, DecodeError> {
        Self::decode(text)
    }
}

impl Serialize for DeviceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for DeviceId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::decode(&text).map_err(serde::de::Error::custom)
    }
}

type Read = (Canonical, Option<Warning>);

/// Refuses what could not stand inside `<...>` of a header or a line of text.
fn check_octets(text: &str) -> Result<(), DecodeError> {
    if text.len() > limits::DEVICE_ID_OCTETS {
        return Err(fault(
            Class::TooLarge,
            limits::DEVICE_ID_OCTETS,
            "a shorter identifier",
        ));
    }
    let is_odd = |octet: u8| !octet.is_ascii_graphic() || matches!(octet, b'<' | b'>' | b'"');
    // Without an early end this takes many octets at a time.
    if !text.bytes().fold(false, |odd, octet| odd | is_odd(octet)) {
        return Ok(());
    }
    let at = text.bytes().position(is_odd).unwrap_or_default();
    Err(bad(at, "a visible character of a URI"))
}

/// Tries the bare forms, then the schemes.
fn read(text: &str) -> Result<Read, DecodeError> {
    if mac::looks_like(text) {
        return mac::read(text, 0).map(plain);
    }
    let Some((scheme, rest)) = split_scheme(text) else {
        return read_bare(text);
    };
    let base = text.len().saturating_sub(rest.len());
    let is = |name: &str| scheme.eq_ignore_ascii_case(name);
    if is("urn") {
        urn::read(text)
    } else if is("sip") || is("sips") {
        address::read_sip(text).map(plain)
    } else if is("tel") {
        address::read_tel(text).map(plain)
    } else if is("uuid") {
        urn::read_uuid(rest, base).map(plain)
    } else if is("imei") || is("imeisv") {
        equipment::read_imei(rest, base)
    } else if is("meid") {
        equipment::read_meid(rest, base)
    } else if is("esn") {
        equipment::read_esn(rest, base).map(plain)
    } else if is("mac") {
        mac::read(rest, base).map(plain)
    } else if is("ni") {
        fingerprint::read_ni(rest, base).map(plain)
    } else if is("fp") {
        fingerprint::read_fp(rest, base).map(plain)
    } else if is("http") || is("https") {
        address::read_http(text).map(plain)
    } else if rest.is_empty() {
        Err(bad(base, "something after the scheme"))
    } else {
        Ok(plain(Canonical::Extension(text.to_owned())))
    }
}

/// Identifiers without a scheme: told apart by length and alphabet.
fn read_bare(text: &str) -> Result<Read, DecodeError> {
    let decimal = text.bytes().all(|octet| octet.is_ascii_digit());
    let hex = text.bytes().all(|octet| octet.is_ascii_hexdigit());
    match text.len() {
        14..=16 if decimal => equipment::read_imei(text, 0),
        // Printed with hyphens: 2-6-6-1 or 8-6-1.
        15..=18 if text.contains('-') && text.bytes().all(is_digit_or_hyphen) => {
            equipment::read_imei(text, 0)
        }
        14 | 15 if hex => equipment::read_meid(text, 0),
        8 if hex => equipment::read_esn(text, 0).map(plain),
        11 if decimal => equipment::read_esn(text, 0).map(plain),
        30.. if text
            .bytes()
            .all(|octet| octet.is_ascii_hexdigit() || octet == b'-') =>
        {
            urn::read_uuid(text, 0).map(plain)
        }
        _ => Err(bad(0, "a URI, or a UUID, IMEI, MEID, ESN or MAC address")),
    }
}

const fn is_digit_or_hyphen(octet: u8) -> bool {
    octet.is_ascii_digit() || octet == b'-'
}

/// Scheme and what follows its colon; `None` when the text begins with no scheme.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let colon = text.bytes().position(|octet| octet == b':')?;
    let (scheme, rest) = (text.get(..colon)?, text.get(colon.saturating_add(1)..)?);
    let mut octets = scheme.bytes();
    let is_scheme = octets
        .next()
        .is_some_and(|octet| octet.is_ascii_alphabetic())
        && octets.all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'-' | b'.'));
    is_scheme.then_some((scheme, rest))
}

const fn plain(canonical: Canonical) -> Read {
    (canonical, None)
}

const fn fault(class: Class, offset: usize, expected: &'static str) -> DecodeError {
    DecodeError {
        format: "device-id",
        offset,
        class,
        expected,
    }
}

const fn bad(offset: usize, expected: &'static str) -> DecodeError {
    fault(Class::BadValue, offset, expected)
}

#[cfg(test)]
mod tests;
