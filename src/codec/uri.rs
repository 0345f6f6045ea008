//! URIs as SIP carries them: SIP and SIPS taken apart, tel in part, all others kept whole.
//!
//! Source: RFC 3261 sections 19.1 and 25.1, RFC 3966 (tel), RFC 5627 section 4 (`gr`), RFC 8599 section 4 (comparison of
//! `pn-` parameters). Not here: the URNs of devices (`device_id`).

use std::borrow::Cow;
use std::fmt;

use nom::Parser as _;
use nom::branch::alt;
use nom::bytes::complete::{tag, tag_no_case};
use nom::combinator::{opt, value};

use super::lexeme::{
    ALPHA, DIGIT, Fault, HOST, IPV6, SCHEME, Step, UNRESERVED, URI_HEADER, URI_PARAM, USER,
    VISIBLE, before, fault_of, hex, is, number, skip,
};
use super::{Class, DecodeError};
use crate::limits::SIP_MESSAGE_OCTETS;

/// Which kind of URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`
    Tel,
    /// `urn:`
    Urn,
    /// Any other; the URI is one opaque text.
    Other,
}

impl Scheme {
    /// True for `sip:` and `sips:`, whose parts are known.
    #[must_use]
    pub const fn is_sip(self) -> bool {
        matches!(self, Self::Sip | Self::Sips)
    }
}

/// A URI taken apart once; every part borrows from the text it was decoded from.
#[derive(Clone, Copy, Debug)]
pub struct Uri<'a> {
    text: &'a str,
    scheme: Scheme,
    user: Option<&'a str>,
    password: Option<&'a str>,
    host: &'a str,
    port: Option<u16>,
    params: &'a str,
    headers: Option<&'a str>,
}

impl<'a> Uri<'a> {
    /// Takes a URI apart; the whole text must be one.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] with the offset of the first octet that is outside the grammar.
    pub fn decode(text: &'a [u8]) -> Result<Self, DecodeError> {
        if text.len() > SIP_MESSAGE_OCTETS {
            return Err(DecodeError {
                format: "uri",
                offset: SIP_MESSAGE_OCTETS,
                class: Class::TooLarge,
                expected: "the end of the URI",
            });
        }
        Self::parse(text).map_err(|fault| fault.within(text.len(), "uri"))
    }

    /// As [`Uri::decode`], for the parsers of what contains a URI.
    pub(crate) fn parse(octets: &'a [u8]) -> Result<Self, Fault> {
        let text = core::str::from_utf8(octets).map_err(|error| Fault {
            left: octets.len().saturating_sub(error.valid_up_to()),
            expected: "ASCII",
        })?;
        let (rest, uri) = uri(text).map_err(fault_of)?;
        if rest.is_empty() {
            Ok(uri)
        } else {
            Err(Fault {
                left: rest.len(),
                expected: "the end of the URI",
            })
        }
    }

    /// The kind.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The whole text, as written.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.text
    }

    /// The user part, escapes untouched; of a tel URI the number.
    #[must_use]
    pub const fn user(&self) -> Option<&'a str> {
        self.user
    }

    /// The password after the user, which nobody should use.
    #[must_use]
    pub const fn password(&self) -> Option<&'a str> {
        self.password
    }

    /// The host, brackets of an IPv6 literal included; empty unless the scheme is SIP or SIPS.
    #[must_use]
    pub const fn host(&self) -> &'a str {
        self.host
    }

    /// The port, when one is written.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// The first parameter of that name: `Some(None)` when it is a flag, its value as written otherwise.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Option<&'a str>> {
        self.params()
            .find(|(have, _)| have.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The parameters in order, escapes untouched.
    pub fn params(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        self.params
            .split(';')
            .skip(1)
            .map(|param| match param.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (param, None),
            })
    }

    /// The `gr` parameter that makes the URI a GRUU: a flag in a temporary one, with a value in a public one.
    #[must_use]
    pub fn gr(&self) -> Option<Option<&'a str>> {
        if self.params.is_empty() {
            return None;
        }
        self.param("gr")
    }

    /// What follows `?`.
    #[must_use]
    pub const fn headers(&self) -> Option<&'a str> {
        self.headers
    }

    /// RFC 3261 section 19.1.4 for SIP and SIPS: a public GRUU equals its address of record. A tel number is compared
    /// without its separators, a URN by the rules of its namespace, any other URI octet by octet.
    #[must_use]
    pub fn is_equal(&self, other: &Uri<'_>) -> bool {
        if self.scheme != other.scheme {
            return false;
        }
        match self.scheme {
            Scheme::Sip | Scheme::Sips => {
                is_same_user(self.user, other.user)
                    && is_same_user(self.password, other.password)
                    && self.host.eq_ignore_ascii_case(other.host)
                    && self.port == other.port
                    && self.agrees_with(other)
                    && other.agrees_with(self)
                    && is_same_headers(self.headers, other.headers)
            }
            Scheme::Tel => {
                number_of(self).eq(number_of(other))
                    && self.agrees_with(other)
                    && other.agrees_with(self)
            }
            Scheme::Urn => is_same_urn(self.text, other.text),
            Scheme::Other => {
                let (mine, theirs) = (self.text.split_once(':'), other.text.split_once(':'));
                mine.zip(theirs).is_some_and(|(mine, theirs)| {
                    mine.0.eq_ignore_ascii_case(theirs.0) && mine.1 == theirs.1
                })
            }
        }
    }

    /// The address of record in one canonical spelling: scheme, user and host, no port and no parameters; the host in
    /// lower case, escapes undone where the character needs none, others with upper-case digits.
    #[must_use]
    pub fn aor(&self) -> String {
        match self.scheme {
            Scheme::Sip | Scheme::Sips => {
                let mut aor = String::with_capacity(self.text.len());
                aor.push_str(if self.scheme == Scheme::Sip {
                    "sip:"
                } else {
                    "sips:"
                });
                if let Some(user) = self.user {
                    push_canonical(&mut aor, user);
                    aor.push('@');
                }
                aor.extend(self.host.chars().map(|c| c.to_ascii_lowercase()));
                aor
            }
            Scheme::Tel => {
                let mut aor = String::from("tel:");
                aor.extend(number_of(self));
                aor
            }
            Scheme::Urn | Scheme::Other => self.text.to_owned(),
        }
    }

    /// True when every parameter agrees with the other's of that name, and none that must be in both is only here.
    fn agrees_with(&self, other: &Uri<'_>) -> bool {
        self.params()
            .all(|(name, mine)| match (mine, other.param(name)) {
                (Some(mine), Some(Some(theirs))) => is_same(mine, theirs, true),
                (None, Some(None)) => true,
                (_, Some(_)) => false,
                (_, None) => !MUST_BE_IN_BOTH
                    .iter()
                    .any(|must| must.eq_ignore_ascii_case(name)),
            })
    }
}

impl fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

/// The octets that a text with escapes stands for; `%00` is an octet like others.
#[must_use]
pub fn unescape(text: &str) -> Cow<'_, [u8]> {
    if text.contains('%') {
        Cow::Owned(units(text).map(|(octet, _)| octet).collect())
    } else {
        Cow::Borrowed(text.as_bytes())
    }
}

/// Parameters that make two URIs differ when only one has them.
const MUST_BE_IN_BOTH: &[&str] = &[
    "user",
    "ttl",
    "method",
    "maddr",
    "transport",
    "pn-provider",
    "pn-param",
    "pn-prid",
];

fn uri(text: &str) -> Step<'_, Uri<'_>> {
    let (rest, scheme) = scheme(text.as_bytes())?;
    let blank = Uri {
        text,
        scheme,
        user: None,
        password: None,
        host: "",
        port: None,
        params: "",
        headers: None,
    };
    match scheme {
        Scheme::Sip | Scheme::Sips => sip(blank, rest),
        Scheme::Tel => {
            let number = rest;
            let rest = skip_until_semicolon(rest);
            if number.len() == rest.len() {
                return Err(Fault::at(rest, "a telephone number"));
            }
            let (end, ()) = params(rest)?;
            Ok((
                end,
                Uri {
                    user: Some(part(text, number, rest)),
                    params: part(text, rest, end),
                    ..blank
                },
            ))
        }
        Scheme::Urn | Scheme::Other => {
            let end = skip(rest, VISIBLE);
            if end.len() == rest.len() {
                return Err(Fault::at(rest, "what the URI names"));
            }
            Ok((end, blank))
        }
    }
}

fn scheme(input: &[u8]) -> Step<'_, Scheme> {
    let known = alt((
        value(Scheme::Sip, tag_no_case(&b"sip:"[..])),
        value(Scheme::Sips, tag_no_case(&b"sips:"[..])),
        value(Scheme::Tel, tag_no_case(&b"tel:"[..])),
        value(Scheme::Urn, tag_no_case(&b"urn:"[..])),
    ))
    .parse(input);
    if known.is_ok() {
        return known;
    }
    if !input.first().is_some_and(|&first| is(first, ALPHA)) {
        return Err(Fault::at(input, "a URI scheme"));
    }
    let rest = skip(input, SCHEME);
    let (rest, _) = tag::<_, _, Fault>(&b":"[..])
        .parse(rest)
        .map_err(|_| Fault::at(rest, "a colon after the URI scheme"))?;
    Ok((rest, Scheme::Other))
}

fn sip<'a>(blank: Uri<'a>, input: &'a [u8]) -> Step<'a, Uri<'a>> {
    let text = blank.text;
    let mut uri = blank;
    let mut rest = input;
    if let Some((user, password, after)) = userinfo(text, input)? {
        uri.user = Some(user);
        uri.password = password;
        rest = after;
    }
    let at_host = rest;
    (rest, ()) = host(rest)?;
    uri.host = part(text, at_host, rest);
    (rest, uri.port) = opt(port).parse(rest)?;
    let at_params = rest;
    (rest, ()) = params(rest)?;
    uri.params = part(text, at_params, rest);
    if let [b'?', headers @ ..] = rest {
        (rest, ()) = escaped(headers, URI_HEADER)?;
        if rest.len() == headers.len() {
            return Err(Fault::at(rest, "a header after the question mark"));
        }
        uri.headers = Some(part(text, headers, rest));
    }
    Ok((rest, uri))
}

type Userinfo<'a> = Option<(&'a str, Option<&'a str>, &'a [u8])>;

/// User, password and what follows the `@`; `None` when there is no `@`, for then what looked like a user is the host.
fn userinfo<'a>(text: &'a str, input: &'a [u8]) -> Result<Userinfo<'a>, nom::Err<Fault>> {
    if memchr::memchr(b'@', input).is_none() {
        return Ok(None);
    }
    let (after_user, ()) = escaped(input, USER)?;
    if after_user.len() == input.len() {
        return Err(Fault::at(after_user, "a user"));
    }
    let user = part(text, input, after_user);
    match after_user {
        [b'@', rest @ ..] => Ok(Some((user, None, rest))),
        [b':', password @ ..] => match escaped(password, USER)? {
            ([b'@', rest @ ..], ()) => {
                let end = password.len().saturating_sub(rest.len()).saturating_sub(1);
                let at = text.len().saturating_sub(password.len());
                let password = text.get(at..at.saturating_add(end)).unwrap_or_default();
                Ok(Some((user, Some(password), rest)))
            }
            (rest, ()) => Err(Fault::at(rest, "a character of a password or @")),
        },
        rest => Err(Fault::at(rest, "a character of a user part or @")),
    }
}

/// A name, an IPv4 address, or an IPv6 address in brackets.
///
/// An IPv6 address is not checked beyond its characters: one with three colons in a row came from an old grammar and
/// is to be tolerated (RFC 5118 section 4.10).
pub(crate) fn host(input: &[u8]) -> Step<'_, ()> {
    let (inner, rest, expected) = match input {
        [b'[', inner @ ..] => (
            inner,
            skip(inner, IPV6 | HOST),
            "an IPv6 address in brackets",
        ),
        _ => (input, skip(input, HOST), "a host"),
    };
    if inner.len() == rest.len() {
        return Err(Fault::at(rest, expected));
    }
    match (input, rest) {
        ([b'[', ..], [b']', rest @ ..]) => Ok((rest, ())),
        ([b'[', ..], _) => Err(Fault::at(rest, "a closing bracket")),
        _ => Ok((rest, ())),
    }
}

/// A colon and a port.
fn port(input: &[u8]) -> Step<'_, u16> {
    let (rest, _) = tag(&b":"[..]).parse(input)?;
    port_number(rest)
}

/// Digits up to 65535.
pub(crate) fn port_number(input: &[u8]) -> Step<'_, u16> {
    let rest = skip(input, DIGIT);
    match number(before(input, rest)).and_then(|port| u16::try_from(port).ok()) {
        Some(port) => Ok((rest, port)),
        None => Err(Fault::at(input, "a port from 0 to 65535")),
    }
}

/// `;name[=value]`, any number of times.
fn params(input: &[u8]) -> Step<'_, ()> {
    let mut rest = input;
    while let [b';', name @ ..] = rest {
        (rest, ()) = escaped(name, URI_PARAM)?;
        if rest.len() == name.len() {
            return Err(Fault::at(rest, "the name of a URI parameter"));
        }
        if let [b'=', value @ ..] = rest {
            (rest, ()) = escaped(value, URI_PARAM)?;
            if rest.len() == value.len() {
                return Err(Fault::at(rest, "the value of a URI parameter"));
            }
        }
    }
    Ok((rest, ()))
}

/// A run of octets of these classes and of escapes.
fn escaped(input: &[u8], classes: u16) -> Step<'_, ()> {
    let mut rest = skip(input, classes);
    while let [b'%', digits @ ..] = rest {
        let [high, low, after @ ..] = digits else {
            return Err(Fault::at(digits, "two hexadecimal digits"));
        };
        if hex(*high).is_none() || hex(*low).is_none() {
            return Err(Fault::at(digits, "two hexadecimal digits"));
        }
        rest = skip(after, classes);
    }
    Ok((rest, ()))
}

fn skip_until_semicolon(input: &[u8]) -> &[u8] {
    let len = input
        .iter()
        .position(|&octet| octet == b';' || !is(octet, VISIBLE))
        .unwrap_or(input.len());
    input.get(len..).unwrap_or_default()
}

/// The part of `text` from the start of its suffix `from` to the start of its suffix `to`.
#[inline]
fn part<'a>(text: &'a str, from: &[u8], to: &[u8]) -> &'a str {
    let start = text.len().saturating_sub(from.len());
    let end = text.len().saturating_sub(to.len());
    text.get(start..end).unwrap_or_default()
}

/// The characters of a text with escapes undone; true beside those that were escaped and are reserved, for these differ
/// from the same character unescaped.
fn units(text: &str) -> impl Iterator<Item = (u8, bool)> + '_ {
    let mut rest = text.as_bytes();
    core::iter::from_fn(move || match rest {
        [b'%', high, low, after @ ..] if hex(*high).is_some() && hex(*low).is_some() => {
            rest = after;
            let octet = (hex(*high)? << 4) | hex(*low)?;
            Some((octet, RESERVED.contains(&octet)))
        }
        [octet, after @ ..] => {
            rest = after;
            Some((*octet, false))
        }
        [] => None,
    })
}

const RESERVED: &[u8] = b";/?:@&=+$,";

fn is_same(mine: &str, theirs: &str, is_any_case: bool) -> bool {
    if mine == theirs {
        return true;
    }
    let fold = |(octet, was_escaped): (u8, bool)| {
        let octet = if is_any_case {
            octet.to_ascii_lowercase()
        } else {
            octet
        };
        (octet, was_escaped)
    };
    units(mine).map(fold).eq(units(theirs).map(fold))
}

fn is_same_user(mine: Option<&str>, theirs: Option<&str>) -> bool {
    match (mine, theirs) {
        (Some(mine), Some(theirs)) => is_same(mine, theirs, false),
        (None, None) => true,
        _ => false,
    }
}

/// The same headers in any order.
fn is_same_headers(mine: Option<&str>, theirs: Option<&str>) -> bool {
    let (Some(mine), Some(theirs)) = (mine, theirs) else {
        return mine.is_none() && theirs.is_none();
    };
    let is_in = |one: &str, all: &str| all.split('&').any(|other| is_same(one, other, true));
    mine.split('&').count() == theirs.split('&').count()
        && mine.split('&').all(|one| is_in(one, theirs))
        && theirs.split('&').all(|one| is_in(one, mine))
}

/// Scheme and namespace in any case; the rest in any case too where the namespace says so.
fn is_same_urn(mine: &str, theirs: &str) -> bool {
    let namespace = mine.split(':').nth(1).unwrap_or_default();
    let is_any_case = ["uuid", "gsma", "3gpp2", "dev"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(namespace));
    if is_any_case {
        return mine.eq_ignore_ascii_case(theirs);
    }
    let head = "urn:".len().saturating_add(namespace.len());
    match (mine.split_at_checked(head), theirs.split_at_checked(head)) {
        (Some(mine), Some(theirs)) => mine.0.eq_ignore_ascii_case(theirs.0) && mine.1 == theirs.1,
        _ => false,
    }
}

/// A tel number without visual separators.
fn number_of<'a>(uri: &Uri<'a>) -> impl Iterator<Item = char> + use<'a> {
    uri.user
        .unwrap_or_default()
        .chars()
        .filter(|c| !matches!(c, '-' | '.' | '(' | ')'))
        .map(|c| c.to_ascii_lowercase())
}

fn push_canonical(to: &mut String, text: &str) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| {
        DIGITS
            .get(usize::from(nibble))
            .map_or('0', |&digit| char::from(digit))
    };
    for (octet, is_reserved) in units(text) {
        if is(octet, UNRESERVED) || (is(octet, USER) && !is_reserved) {
            to.push(char::from(octet));
        } else {
            to.push('%');
            to.push(digit(octet >> 4));
            to.push(digit(octet & 0xf));
        }
    }
}

#[cfg(test)]
mod tests;
