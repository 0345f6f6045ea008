//! URIs as SIP carries them: SIP and SIPS taken apart, tel in part, all others kept whole.
//!
//! Source: RFC 3261 sections 19.1 and 25.1, RFC 3966 (tel), RFC 5627 section 4 (`gr`), RFC 8599 section 4 (comparison of
//! `pn-` parameters). Not here: the URNs of devices (`device_id`).

use std::borrow::Cow;
use std::fmt;

use nom::Parser as _;
use nom::branch::alt;
use nom::bytes::complete::{tag, tag_no_case};
use nom::combinator::value;

use super::lexeme::{
    ALPHA, Fault, HOST, IPV6, Part, SCHEME, Step, Text, UNRESERVED, URI_HEADER, URI_PARAM, USER,
    VISIBLE, before, fault_of, hex, is, skip,
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
#[derive(Clone, Copy)]
pub struct Uri<'a> {
    /// ASCII, as the grammar has it.
    text: Text<'a>,
    user: Part,
    password: Part,
    host: Part,
    params: Part,
    headers: Part,
    /// The value of `gr`; empty when it is a flag.
    gr: Part,
    port: Option<u16>,
    scheme: Scheme,
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

    /// As [`Uri::decode`], for the parsers of what contains a URI of at most 65,535 octets.
    #[inline(always)]
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, Fault> {
        match uri(text).map_err(fault_of)? {
            ([], uri) => Ok(uri),
            (rest, _) => Err(Fault {
                left: rest.len(),
                expected: "the end of the URI",
            }),
        }
    }

    /// The URI at the start, for a parser that sees at what follows whether it ends there.
    #[inline(always)]
    pub(crate) fn parse_some(input: &'a [u8]) -> Step<'a, Self> {
        let (rest, uri) = uri(input)?;
        let text = before(input, rest);
        let text = Text::unread(text);
        Ok((rest, Self { text, ..uri }))
    }

    /// The same for a reader who wants several of its parts as text.
    #[inline(always)]
    pub(crate) fn spelt(self) -> Self {
        let text = Text::new(self.text.octets());
        Self { text, ..self }
    }

    /// `sip:user@host` at the start of `input`, whose parts a parser has found as suffixes of it; `None` when one is empty.
    #[inline(always)]
    pub(crate) fn usual(
        input: &'a [u8],
        at_user: &[u8],
        after_user: &[u8],
        at_host: &[u8],
        after_host: &[u8],
    ) -> Option<Self> {
        if at_user.len() == after_user.len() || at_host.len() == after_host.len() {
            return None;
        }
        let text = before(input, after_host);
        let cut = |from: &[u8], to: &[u8]| Part::between(input, from, to);
        Some(Self {
            text: Text::unread(text),
            user: cut(at_user, after_user),
            password: Part::NONE,
            host: cut(at_host, after_host),
            params: Part::NONE,
            headers: Part::NONE,
            gr: Part::NONE,
            port: None,
            scheme: Scheme::Sip,
        })
    }

    /// The kind.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The whole text, as written.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.text.whole()
    }

    /// The user part, escapes untouched; of a tel URI the number.
    #[must_use]
    pub fn user(&self) -> Option<&'a str> {
        self.text.part(self.user)
    }

    /// The password after the user, which nobody should use.
    #[must_use]
    pub fn password(&self) -> Option<&'a str> {
        self.text.part(self.password)
    }

    /// The host, brackets of an IPv6 literal included; empty unless the scheme is SIP or SIPS.
    #[must_use]
    pub fn host(&self) -> &'a str {
        self.text.part(self.host).unwrap_or_default()
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
        self.text
            .part(self.params)
            .unwrap_or_default()
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
        let value = self.text.part(self.gr)?;
        Some((!value.is_empty()).then_some(value))
    }

    /// What follows `?`.
    #[must_use]
    pub fn headers(&self) -> Option<&'a str> {
        self.text.part(self.headers)
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
                is_same_user(self.user(), other.user())
                    && is_same_user(self.password(), other.password())
                    && self.host().eq_ignore_ascii_case(other.host())
                    && self.port == other.port
                    && self.agrees_with(other)
                    && other.agrees_with(self)
                    && is_same_headers(self.headers(), other.headers())
            }
            Scheme::Tel => {
                number_of(self).eq(number_of(other))
                    && self.agrees_with(other)
                    && other.agrees_with(self)
            }
            Scheme::Urn => is_same_urn(self.as_str(), other.as_str()),
            Scheme::Other => {
                let (mine, theirs) = (
                    self.as_str().split_once(':'),
                    other.as_str().split_once(':'),
                );
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
                let mut aor = String::with_capacity(self.text.octets().len());
                aor.push_str(if self.scheme == Scheme::Sip {
                    "sip:"
                } else {
                    "sips:"
                });
                if let Some(user) = self.user() {
                    push_canonical(&mut aor, user);
                    aor.push('@');
                }
                let at_host = aor.len();
                aor.push_str(self.host());
                let host = aor.get_mut(at_host..).unwrap_or_default();
                host.make_ascii_lowercase();
                aor
            }
            Scheme::Tel => {
                let mut aor = String::from("tel:");
                aor.extend(number_of(self));
                aor
            }
            Scheme::Urn | Scheme::Other => self.as_str().to_owned(),
        }
    }

    /// True when every parameter agrees with the other's of that name, and none that must be in both is only here.
    fn agrees_with(&self, other: &Uri<'_>) -> bool {
        // A name that stands twice, which the grammar forbids, counts by its first value on both sides.
        self.params()
            .map(|(name, _)| (name, self.param(name).flatten()))
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

impl fmt::Debug for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Uri").field(&self.as_str()).finish()
    }
}

impl fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
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

#[inline(always)]
fn uri(text: &[u8]) -> Step<'_, Uri<'_>> {
    let (rest, scheme) = scheme(text)?;
    let mut uri = Uri {
        text: Text::unread(text),
        scheme,
        user: Part::NONE,
        password: Part::NONE,
        host: Part::NONE,
        params: Part::NONE,
        headers: Part::NONE,
        gr: Part::NONE,
        port: None,
    };
    let rest = match scheme {
        Scheme::Sip | Scheme::Sips => sip(&mut uri, rest)?,
        Scheme::Tel => {
            let end = skip_until_semicolon(rest);
            if end.len() == rest.len() {
                return Err(Fault::at(rest, "a telephone number"));
            }
            uri.user = Part::between(text, rest, end);
            params(&mut uri, end)?
        }
        Scheme::Urn | Scheme::Other => {
            let end = skip(rest, VISIBLE);
            if end.len() == rest.len() {
                return Err(Fault::at(rest, "what the URI names"));
            }
            end
        }
    };
    Ok((rest, uri))
}

#[inline(always)]
fn scheme(input: &[u8]) -> Step<'_, Scheme> {
    if let [b's', b'i', b'p', b':', rest @ ..] = input {
        return Ok((rest, Scheme::Sip));
    }
    any_scheme(input)
}

fn any_scheme(input: &[u8]) -> Step<'_, Scheme> {
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

/// What follows `sip:`; the rest is what follows the URI.
#[inline(always)]
fn sip<'a>(uri: &mut Uri<'a>, input: &'a [u8]) -> Result<&'a [u8], nom::Err<Fault>> {
    let text = uri.text.octets();
    let at_host = userinfo(uri, input)?;
    let (mut rest, ()) = host(at_host)?;
    uri.host = Part::between(text, at_host, rest);
    if let [b':', port @ ..] = rest {
        let port = port_number(port)?;
        (rest, uri.port) = (port.0, Some(port.1));
    }
    rest = params(uri, rest)?;
    if let [b'?', headers @ ..] = rest {
        rest = escaped(headers, URI_HEADER)?;
        if rest.len() == headers.len() {
            return Err(Fault::at(rest, "a header after the question mark"));
        }
        uri.headers = Part::between(text, headers, rest);
    }
    Ok(rest)
}

/// User, password and `@`; without an `@` what looks like a user is the host. What follows.
#[inline(always)]
fn userinfo<'a>(uri: &mut Uri<'a>, input: &'a [u8]) -> Result<&'a [u8], nom::Err<Fault>> {
    let text = uri.text.octets();
    let after_user = skip(input, USER);
    // Nearly all users are followed by their `@`; the search for it is for those that are not.
    let (after_user, password) = match after_user {
        [b'@', ..] => (after_user, None),
        [b'>', ..] | [] => return Ok(input),
        _ if !before(after_user, skip(after_user, VISIBLE)).contains(&b'@') => return Ok(input),
        _ => match escaped(input, USER)? {
            after_user @ [b':', password @ ..] => (after_user, Some(password)),
            after_user => (after_user, None),
        },
    };
    if after_user.len() == input.len() {
        return Err(Fault::at(after_user, "a user"));
    }
    uri.user = Part::between(text, input, after_user);
    let end = match password {
        Some(password) => {
            let end = escaped(password, USER)?;
            uri.password = Part::between(text, password, end);
            end
        }
        None => after_user,
    };
    match end {
        [b'@', rest @ ..] => Ok(rest),
        _ => Err(Fault::at(end, "a character of a user part or @")),
    }
}

/// A name, an IPv4 address, or an IPv6 address in brackets.
///
/// An IPv6 address is not checked beyond its characters: one with three colons in a row came from an old grammar and
/// is to be tolerated (RFC 5118 section 4.10).
#[inline(always)]
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

/// Digits up to 65535.
#[inline(always)]
pub(crate) fn port_number(input: &[u8]) -> Step<'_, u16> {
    let mut rest = input;
    let mut port = 0_u64;
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        port = port
            .wrapping_mul(10)
            .wrapping_add(u64::from(digit.wrapping_sub(b'0')));
        rest = after;
    }
    let digits = before(input, rest);
    if digits.len() > DIGITS_OF_64_BITS {
        let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
        if digits.len().saturating_sub(zeros) > DIGITS_OF_64_BITS {
            port = u64::MAX;
        }
    }
    match u16::try_from(port) {
        Ok(port) if !digits.is_empty() => Ok((rest, port)),
        _ => Err(Fault::at(input, "a port from 0 to 65535")),
    }
}

/// So many digits cannot exceed 64 bits.
const DIGITS_OF_64_BITS: usize = 19;

/// `;name[=value]`, any number of times; what follows.
#[inline(always)]
fn params<'a>(uri: &mut Uri<'a>, input: &'a [u8]) -> Result<&'a [u8], nom::Err<Fault>> {
    let text = uri.text.octets();
    let mut rest = input;
    while let [b';', name @ ..] = rest {
        rest = escaped(name, URI_PARAM)?;
        let value_at = match rest {
            [b'=', value @ ..] => value,
            _ => rest,
        };
        let end = if value_at.len() == rest.len() {
            rest
        } else {
            escaped(value_at, URI_PARAM)?
        };
        if rest.len() == name.len() {
            return Err(Fault::at(rest, "the name of a URI parameter"));
        }
        if end.len() == value_at.len() && value_at.len() != rest.len() {
            return Err(Fault::at(end, "the value of a URI parameter"));
        }
        if let [b'g' | b'G', b'r' | b'R', b'=' | b';' | b'?', ..] | [b'g' | b'G', b'r' | b'R'] =
            name
            && uri.gr.is_none()
        {
            uri.gr = Part::between(text, value_at, end);
        }
        rest = end;
    }
    uri.params = Part::between(text, input, rest);
    Ok(rest)
}

/// What follows a run of octets of these classes and of escapes.
#[inline]
fn escaped(input: &[u8], classes: u16) -> Result<&[u8], nom::Err<Fault>> {
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
    Ok(rest)
}

fn skip_until_semicolon(input: &[u8]) -> &[u8] {
    let len = input
        .iter()
        .position(|&octet| octet == b';' || !is(octet, VISIBLE))
        .unwrap_or(input.len());
    input.get(len..).unwrap_or_default()
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
    uri.user()
        .unwrap_or_default()
        .chars()
        .filter(|c| !matches!(c, '-' | '.' | '(' | ')'))
        .map(|c| c.to_ascii_lowercase())
}

fn push_canonical(to: &mut String, text: &str) {
    if text.bytes().all(|octet| is(octet, UNRESERVED)) {
        return to.push_str(text);
    }
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
