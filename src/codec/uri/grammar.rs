//! A URI taken apart, as suffixes of the text it begins.
//!
//! **Source:** RFC 3261 section 25.1, RFC 3966 section 3, RFC 3986 section 3.1 (schemes).

use nom::Parser as _;
use nom::branch::alt;
use nom::bytes::complete::{tag, tag_no_case};
use nom::combinator::value;

use super::{Scheme, Uri};
use crate::codec::lexeme::{
    ALPHA, Fault, HOST, IPV6, Part, SCHEME, Step, Text, URI_HEADER, URI_PARAM, USER, VISIBLE,
    before, hex, is, skip,
};

#[inline(always)]
pub(super) fn uri(text: &[u8]) -> Step<'_, Uri<'_>> {
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
