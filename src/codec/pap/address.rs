//! Client addresses: whom a push is for.
//!
//! **Source:** WAP-249 section 6 (grammar), WAP-247 section 8.14.2. After the grammar the production of the named TYPE is
//! applied, because the grammar's last alternative lets almost anything pass. Not here: bare PINs of field practice.

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use crate::codec::{Class, DecodeError};
use crate::limits;

/// A client address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAddress {
    text: String,
    /// Who.
    pub kind: Kind,
    /// Names and values between the identifier and its type.
    pub qualifiers: Vec<(String, String)>,
    /// The gateway meant.
    pub host: String,
}

/// The identifier in a client address, by its TYPE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `USER`: an identifier the gateway gives a meaning to, unescaped. A public user identity or a device URN is one.
    User(String),
    /// `PLMN`: a phone number, `+` and digits; the separators as written are gone.
    Plmn(String),
    /// `IPv4`.
    Ipv4(Ipv4Addr),
    /// `IPv6`.
    Ipv6(Ipv6Addr),
    /// `MAN`: eight digits.
    Man(String),
    /// A WDP address type; or USER with octets that are no text, which is the identifier of nobody.
    Other {
        /// Its name as written.
        name: String,
        /// The identifier, unescaped; with its escapes when it is no text.
        value: String,
    },
}

impl Kind {
    /// The TYPE, in the standard's spelling where it has one.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::User(_) => "USER",
            Self::Plmn(_) => "PLMN",
            Self::Ipv4(_) => "IPv4",
            Self::Ipv6(_) => "IPv6",
            Self::Man(_) => "MAN",
            Self::Other { name, .. } => name,
        }
    }

    /// The identifier in its canonical text.
    #[must_use]
    pub fn value(&self) -> String {
        match self {
            Self::User(value) | Self::Plmn(value) | Self::Man(value) => value.clone(),
            Self::Other { value, .. } => value.clone(),
            Self::Ipv4(address) => address.to_string(),
            Self::Ipv6(address) => {
                let groups = address.segments().map(|group| format!("{group:04x}"));
                groups.join(":")
            }
        }
    }
}

impl ClientAddress {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// Text that is none; PAP answers it with 2002.
    pub fn decode(text: &str) -> Result<Self, DecodeError> {
        if text.len() > limits::CLIENT_ADDRESS_OCTETS {
            return Err(DecodeError {
                class: Class::TooLarge,
                ..fault(limits::CLIENT_ADDRESS_OCTETS, "a shorter address")
            });
        }
        let (specifier, host) = text
            .rsplit_once('@')
            .ok_or_else(|| fault(text.len(), "@ and a gateway"))?;
        check_host(host, specifier.len().saturating_add(1))?;
        let mut pieces = Pieces::of(specifier);
        let (value, value_at) = pieces.first()?;
        let (kind_name, kind_at) = pieces.last()?;
        let qualifiers = pieces
            .rest
            .iter()
            .map(|(piece, at)| qualifier(piece, *at))
            .collect::<Result<_, _>>()?;
        if !is_word(kind_name, b"_") {
            return Err(fault(kind_at, "a type of letters, digits and _"));
        }
        Ok(Self {
            text: text.to_owned(),
            kind: kind(kind_name, value, value_at)?,
            qualifiers,
            host: host.to_owned(),
        })
    }

    /// The address as the initiator wrote it; answers must show this and nothing else.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Composes the address of an identity: `WAPPUSH=sip%3Aalice%40example.com/TYPE=USER@ppg.example.com`.
    #[must_use]
    pub fn user(identity: &str, host: &str) -> String {
        format!("WAPPUSH={}/TYPE=USER@{host}", escaped(identity))
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The identifier with `%HH` for every octet that needs it.
pub(super) fn escaped(identity: impl AsRef<[u8]>) -> String {
    let mut text = String::with_capacity(identity.as_ref().len());
    for &octet in identity.as_ref() {
        if is_plain(octet) {
            text.push(char::from(octet));
        } else {
            text.push_str(&format!("%{octet:02X}"));
        }
    }
    text
}

/// What stands between the slashes of a specifier, with offsets.
struct Pieces<'a> {
    rest: Vec<(&'a str, usize)>,
    end: usize,
}

impl<'a> Pieces<'a> {
    fn of(specifier: &'a str) -> Self {
        let mut at = 0_usize;
        let mut rest = Vec::new();
        for piece in specifier.split('/') {
            rest.push((piece, at));
            at = at.saturating_add(piece.len()).saturating_add(1);
        }
        // One slash may stand before the keyword and one after the type.
        if rest.len() > 1 && rest.first().is_some_and(|(piece, _)| piece.is_empty()) {
            rest.remove(0);
        }
        if rest.len() > 1 && rest.last().is_some_and(|(piece, _)| piece.is_empty()) {
            rest.pop();
        }
        Self {
            rest,
            end: specifier.len(),
        }
    }

    /// The identifier after `WAPPUSH=`.
    fn first(&mut self) -> Result<(&'a str, usize), DecodeError> {
        let (piece, at) = match self.rest.first() {
            Some(first) => *first,
            None => return Err(fault(0, "WAPPUSH=")),
        };
        self.rest.remove(0);
        let value = after(piece, "WAPPUSH=").ok_or_else(|| fault(at, "WAPPUSH="))?;
        Ok((value, at.saturating_add("WAPPUSH=".len())))
    }

    /// The name after the last `TYPE=`.
    fn last(&mut self) -> Result<(&'a str, usize), DecodeError> {
        let (piece, at) = self
            .rest
            .pop()
            .ok_or_else(|| fault(self.end, "/TYPE= at the end"))?;
        let name = after(piece, "TYPE=").ok_or_else(|| fault(at, "/TYPE= at the end"))?;
        Ok((name, at.saturating_add("TYPE=".len())))
    }
}

/// What follows a keyword in any case.
fn after<'a>(text: &'a str, keyword: &str) -> Option<&'a str> {
    let (head, tail) = text.split_at_checked(keyword.len())?;
    head.eq_ignore_ascii_case(keyword).then_some(tail)
}

fn qualifier(piece: &str, at: usize) -> Result<(String, String), DecodeError> {
    let (name, value) = piece
        .split_once('=')
        .filter(|(name, _)| is_word(name, b"-"))
        .ok_or_else(|| fault(at, "a qualifier NAME=text"))?;
    // The type must come last, and there is one.
    if name.eq_ignore_ascii_case("TYPE") || name.eq_ignore_ascii_case("WAPPUSH") {
        return Err(fault(at, "a qualifier of another name"));
    }
    let printable = |b: u8| matches!(b, 0x20..=0x7e) && b != b'=';
    match value.bytes().position(|b| !printable(b)) {
        Some(bad) => Err(fault(
            at.saturating_add(name.len())
                .saturating_add(1)
                .saturating_add(bad),
            "printable text without / and =",
        )),
        None => Ok((name.to_owned(), value.to_owned())),
    }
}

fn kind(name: &str, value: &str, at: usize) -> Result<Kind, DecodeError> {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    if is("USER") {
        Ok(match String::from_utf8(unescape(value, at)?) {
            Ok(identifier) => Kind::User(identifier),
            Err(octets) => Kind::Other {
                name: name.to_owned(),
                value: escaped(octets.as_bytes()),
            },
        })
    } else if is("PLMN") {
        plmn(value, at).map(Kind::Plmn)
    } else if is("IPv4") {
        ipv4(value)
            .map(Kind::Ipv4)
            .ok_or_else(|| fault(at, "four numbers from 0 to 255"))
    } else if is("IPv6") {
        ipv6(value)
            .map(Kind::Ipv6)
            .ok_or_else(|| fault(at, "eight groups of four hexadecimal digits"))
    } else if is("MAN") {
        let eight = value.len() == 8 && value.bytes().all(|b| b.is_ascii_digit());
        eight
            .then(|| Kind::Man(value.to_owned()))
            .ok_or_else(|| fault(at, "eight digits"))
    } else {
        Ok(Kind::Other {
            name: name.to_owned(),
            value: String::from_utf8(unescape(value, at)?)
                .unwrap_or_else(|octets| escaped(octets.as_bytes())),
        })
    }
}

fn plmn(value: &str, at: usize) -> Result<String, DecodeError> {
    let tail = value
        .strip_prefix('+')
        .ok_or_else(|| fault(at, "+ before a phone number"))?;
    let bad = tail
        .bytes()
        .position(|b| !(b.is_ascii_digit() || matches!(b, b'-' | b'.')));
    if let Some(bad) = bad {
        return Err(fault(
            at.saturating_add(1).saturating_add(bad),
            "digits, - and . of a phone number",
        ));
    }
    let digits = tail.chars().filter(char::is_ascii_digit);
    let number: String = core::iter::once('+').chain(digits).collect();
    if number.len() > 1 {
        Ok(number)
    } else {
        Err(fault(at, "a digit of a phone number"))
    }
}

fn ipv4(value: &str) -> Option<Ipv4Addr> {
    let groups: Vec<u8> = value
        .split('.')
        .map(|group| {
            let digits =
                (1..=3).contains(&group.len()) && group.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| group.parse().ok()).flatten()
        })
        .collect::<Option<_>>()?;
    let octets: [u8; 4] = groups.try_into().ok()?;
    Some(octets.into())
}

fn ipv6(value: &str) -> Option<Ipv6Addr> {
    let groups: Vec<u16> = value
        .split(':')
        .map(|group| {
            let digits = group.len() == 4 && group.bytes().all(|b| b.is_ascii_hexdigit());
            digits
                .then(|| u16::from_str_radix(group, 16).ok())
                .flatten()
        })
        .collect::<Option<_>>()?;
    let segments: [u16; 8] = groups.try_into().ok()?;
    Some(segments.into())
}

/// Resolves `%HH`, which may stand for any octet; every other octet must be one that needs no escaping.
fn unescape(value: &str, at: usize) -> Result<Vec<u8>, DecodeError> {
    let mut octets = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, tail @ ..] = rest {
        let here = at.saturating_add(value.len().saturating_sub(rest.len()));
        match (first, tail) {
            (b'%', [high, low, tail @ ..]) => {
                let digit = |b: &u8| char::from(*b).to_digit(16);
                let octet = digit(high)
                    .zip(digit(low))
                    .and_then(|(high, low)| u8::try_from(high << 4 | low).ok())
                    .ok_or_else(|| fault(here, "two hexadecimal digits after %"))?;
                octets.push(octet);
                rest = tail;
            }
            (b'%', _) => return Err(fault(here, "two hexadecimal digits after %")),
            (plain, tail) if is_plain(*plain) => {
                octets.push(*plain);
                rest = tail;
            }
            _ => return Err(fault(here, "%HH for this character")),
        }
    }
    if octets.is_empty() {
        return Err(fault(at, "an identifier"));
    }
    Ok(octets)
}

fn check_host(host: &str, base: usize) -> Result<(), DecodeError> {
    let mut at = base;
    for label in host.split('.') {
        let starts = label
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_alphanumeric());
        if !starts || !is_word(label, b"-") {
            return Err(fault(at, "a gateway of labels joined by dots"));
        }
        at = at.saturating_add(label.len()).saturating_add(1);
    }
    Ok(())
}

fn is_word(text: &str, also: &[u8]) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || also.contains(&b))
}

const fn is_plain(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'-' | b'.' | b'_')
}

const fn fault(at: usize, expected: &'static str) -> DecodeError {
    DecodeError {
        format: "client-address",
        offset: at,
        class: Class::AddressError,
        expected,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn vectors() -> Vec<Value> {
        serde_json::from_str(include_str!("../../../testdata/pap/addresses.json")).unwrap()
    }

    #[test]
    fn every_address_of_the_vectors_reads_or_is_refused_as_expected() {
        for vector in vectors() {
            let text = vector["address"].as_str().unwrap();
            let name = &vector["name"];
            let address = ClientAddress::decode(text);
            if vector["refused"] == 2002 {
                let error = address.expect_err(text);
                assert_eq!(error.class, Class::AddressError, "{name}");
                continue;
            }
            let address = address.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(address.kind.name(), vector["type"], "{name}");
            assert_eq!(address.kind.value(), vector["value"], "{name}");
            assert_eq!(address.host, vector["gateway"], "{name}");
            assert_eq!(address.as_str(), text, "{name}");
            for (name, value) in &address.qualifiers {
                assert_eq!(vector["qualifiers"][name], value.as_str(), "{text}");
            }
        }
    }

    #[test]
    fn an_address_may_be_as_long_as_the_limit_and_no_longer() {
        let of = |octets: usize| {
            let rest = "WAPPUSH=/TYPE=USER@ppg.example.com".len();
            ClientAddress::user(&"a".repeat(octets - rest), "ppg.example.com")
        };
        let most = limits::CLIENT_ADDRESS_OCTETS;
        assert!(ClientAddress::decode(&of(most)).is_ok());
        let error = ClientAddress::decode(&of(most + 1)).unwrap_err();
        assert_eq!((error.class, error.offset), (Class::TooLarge, most));
    }

    #[test]
    fn an_identity_becomes_an_address_and_back() {
        for identity in [
            "sip:alice@example.com",
            "urn:gsma:imei:90420156-025763-0",
            "sip:alice@example.com;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            "100%/ü =",
        ] {
            let text = ClientAddress::user(identity, "ppg.example.com");
            let address = ClientAddress::decode(&text).unwrap();
            assert_eq!(address.kind, Kind::User(identity.into()), "{text}");
        }
        assert_eq!(
            ClientAddress::user("sip:alice@example.com", "ppg.example.com"),
            "WAPPUSH=sip%3Aalice%40example.com/TYPE=USER@ppg.example.com"
        );
    }

    #[test]
    fn a_fault_names_its_octet() {
        let at = |text: &str| ClientAddress::decode(text).unwrap_err().offset;
        assert_eq!(at("WAPPUSH=a%4/TYPE=USER@h"), 9);
        assert_eq!(at("WAPPUSH=a:b/TYPE=USER@h"), 9);
        assert_eq!(at("WAPPUSH=+1x/TYPE=PLMN@h"), 10);
        assert_eq!(at("WAPPUSH=a/TYPE=@h"), 15);
        assert_eq!(at("WAPPUSH=a/Q=b=c/TYPE=USER@h"), 13);
        assert_eq!(at("WAPPUSH=a/TYPE=USER@h..i"), 22);
        assert_eq!(at("push_all"), 8);
    }

    #[test]
    fn numbers_outside_their_domain_are_refused() {
        for text in [
            "WAPPUSH=256.1.1.1/TYPE=IPv4@h",
            "WAPPUSH=1.1.1/TYPE=IPv4@h",
            "WAPPUSH=0001.1.1.1/TYPE=IPv4@h",
            "WAPPUSH=1234567/TYPE=MAN@h",
            "WAPPUSH=+/TYPE=PLMN@h",
            "WAPPUSH=+-./TYPE=PLMN@h",
            "WAPPUSH=/TYPE=USER@h",
            "WAPPUSH=a/TYPE=USER/TYPE=USER@h",
            "//WAPPUSH=a/TYPE=USER@h",
            "WAPPUSH=a/TYPE=USER//@h",
            "WAPPUSH=a/TYPE=USER@",
            "@",
            "",
        ] {
            assert!(ClientAddress::decode(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_identifier_of_any_octets_is_an_address_though_of_no_user() {
        let kind = |text: &str| ClientAddress::decode(text).unwrap().kind;
        let other = |name: &str, value: &str| Kind::Other {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        assert_eq!(kind("WAPPUSH=%ff%41/TYPE=USER@h"), other("USER", "%FFA"));
        assert_eq!(kind("WAPPUSH=%ff/TYPE=FLEX@h"), other("FLEX", "%FF"));
        // Written out, the same text is an identifier of a user.
        let user = Kind::User("%FFA".to_owned());
        assert_eq!(kind("WAPPUSH=%25FFA/TYPE=USER@h"), user);
    }

    #[test]
    fn no_text_makes_the_reader_panic() {
        for vector in vectors() {
            let text = vector["address"].as_str().unwrap();
            for (at, _) in text.char_indices() {
                let _ = ClientAddress::decode(&text[..at]);
                for with in ["", "/", "=", "%", "@", "ü", "\0"] {
                    let _ =
                        ClientAddress::decode(&format!("{}{with}{}", &text[..at], &text[at + 1..]));
                }
            }
        }
    }
}
