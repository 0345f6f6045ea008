//! Header fields written from HTTP text, in the form that a peer's encoding version has.
//!
//! **Source:** WAP-230 sections 8.4.1 and 8.4.2; what a field's form cannot say goes as text under its name.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::assigned::{self, CACHE, DISPOSITIONS, Kind, List};
use super::grammar::Q_TOKEN;
use super::media::{Given, put_media, put_parameter, unnamed};
use super::value::{
    Quality, Version, is_token, put_integer, put_long, put_octets, put_quality, put_quoted,
};
use crate::codec::cursor::{put_text_string, put_uintvar};
use crate::codec::hex;
use crate::codec::mime;
use crate::time::Time;

/// The newest encoding version, 1.5, by its minor number.
pub const VERSION_NEWEST: u8 = 5;

/// Appends a header field for a peer of encoding version 1.`version`: by its number when the peer knows that and the
/// text fits, else by name. `None` when the name is no token.
#[must_use]
pub fn put_field(out: &mut Vec<u8>, name: &str, text: &str, version: u8) -> Option<()> {
    if let Some(known) = assigned::field_named(name, version) {
        let start = out.len();
        out.push(0x80 | known.number);
        if put_value(out, known.kind, text, version).is_some() {
            return Some(());
        }
        out.truncate(start);
    }
    put_named(out, name, text)
}

/// Appends a header field by its name.
#[must_use]
pub fn put_named(out: &mut Vec<u8>, name: &str, text: &str) -> Option<()> {
    if !is_token(name.as_bytes()) {
        return None;
    }
    put_text_string(out, name.as_bytes());
    put_text(out, text)
}

/// Appends the shift to a code page.
pub fn put_shift(out: &mut Vec<u8>, page: u8) {
    if page > 31 {
        out.push(0x7F);
    }
    out.push(page);
}

/// Appends a value of that form; `None` when the text does not say one.
#[must_use]
pub(super) fn put_value(out: &mut Vec<u8>, kind: Kind, text: &str, version: u8) -> Option<()> {
    match kind {
        Kind::Text => put_text(out, text),
        Kind::Quoted => {
            put_quoted(out, text.as_bytes());
            Some(())
        }
        Kind::Integer => put_number(out, text),
        Kind::Flags => put_short(out, text.parse().ok()?),
        Kind::Application => put_number(out, text).or_else(|| put_text(out, text)),
        Kind::Accepted if text == "*" => put_short(out, 0),
        Kind::Accepted => put_number(out, text).or_else(|| put_text(out, text)),
        Kind::Date => put_date(out, text),
        Kind::TextOrDate => put_date(out, text).or_else(|| put_text(out, text)),
        Kind::Version => put_version(out, text),
        Kind::One(list) => put_one(out, list, text, version),
        Kind::Weighed(list) => put_weighed(out, list, text, version),
        Kind::Media => put_media(out, text, version),
        Kind::Disposition => put_disposition(out, text, version),
        Kind::Cache => put_cache(out, text, version),
        Kind::Pragma => put_pragma(out, text, version),
        Kind::Digest => {
            let octets = BASE64_STANDARD.decode(text).ok()?;
            (octets.len() == 16).then(|| put_octets(out, &octets))
        }
        Kind::ContentRange => put_content_range(out, text),
        Kind::Range => put_range(out, text),
        Kind::RetryAfter => put_retry_after(out, text),
        Kind::Credentials => put_credentials(out, text, version),
        Kind::Challenge => put_challenge(out, text, version),
        Kind::Warning => put_warning(out, text),
        Kind::ProfileWarning => put_profile_warning(out, text),
        Kind::SetCookie => put_set_cookie(out, text, version),
        Kind::Expect => put_expect(out, text, version),
        Kind::Opaque | Kind::Cookie => {
            put_octets(out, &hex::octets(text)?);
            Some(())
        }
    }
}

/// A Text-string, unless its first octet would be taken for a length.
fn put_text(out: &mut Vec<u8>, text: &str) -> Option<()> {
    let fits = text.bytes().next().is_none_or(|first| first >= 0x20) && !text.contains('\0');
    fits.then(|| put_text_string(out, text.as_bytes()))
}

fn put_number(out: &mut Vec<u8>, text: &str) -> Option<()> {
    let is_number = text.bytes().all(|octet| octet.is_ascii_digit());
    put_integer(out, text.parse().ok().filter(|_| is_number)?);
    Some(())
}

fn put_short(out: &mut Vec<u8>, number: u8) -> Option<()> {
    (number < 0x80).then(|| out.push(0x80 | number))
}

fn put_date(out: &mut Vec<u8>, text: &str) -> Option<()> {
    put_long(out, text.parse::<Time>().ok()?.secs());
    Some(())
}

fn put_version(out: &mut Vec<u8>, text: &str) -> Option<()> {
    if let Some(version) = Version::of_text(text) {
        return put_short(out, version.0);
    }
    let (page, version) = match text.split_once(':') {
        Some((page, version)) => (page, Some(version)),
        None => (text, None),
    };
    let mut inside = Vec::new();
    put_short(&mut inside, page.parse().ok()?)?;
    if let Some(version) = version {
        put_short(&mut inside, Version::of_text(version)?.0)?;
    }
    put_octets(out, &inside);
    Some(())
}

fn put_one(out: &mut Vec<u8>, list: List, text: &str, version: u8) -> Option<()> {
    let number = list.number(text, version).map(u64::from);
    match number.or_else(|| unnamed(text)) {
        Some(number) => put_integer(out, number),
        None if is_token(text.as_bytes()) => put_text_string(out, text.as_bytes()),
        None => return None,
    }
    Some(())
}

/// The value and the parameters behind it.
fn split(text: &str) -> Option<(&str, Vec<(String, Given)>)> {
    let end = text.find(';').unwrap_or(text.len());
    let (value, rest) = text.split_at_checked(end)?;
    Some((value.trim(), given(rest)?))
}

/// Parameters `;name=value`.
fn given(text: &str) -> Option<Vec<(String, Given)>> {
    let parameters = mime::parameters(text, 0).ok()?;
    Some(
        parameters
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Given::Text(value.into_owned())))
            .collect(),
    )
}

/// Parameters `name=value, name=value`.
fn given_by_comma(text: &str) -> Option<Vec<(String, Given)>> {
    let mut quoted = false;
    let text: String = core::iter::once(';')
        .chain(text.chars().map(|c| {
            quoted ^= c == '"';
            if c == ',' && !quoted { ';' } else { c }
        }))
        .collect();
    if text.trim() == ";" {
        return Some(Vec::new());
    }
    given(&text)
}

fn put_weighed(out: &mut Vec<u8>, list: List, text: &str, version: u8) -> Option<()> {
    let (name, parameters) = split(text)?;
    let mut choice = Vec::new();
    put_one(&mut choice, list, name, version)?;
    match parameters.as_slice() {
        [] if matches!(choice.as_slice(), [0x20..=0x7F | 0x80.., ..]) => {
            out.extend_from_slice(&choice);
        }
        [] => put_octets(out, &choice),
        [(q, Given::Text(quality))] if q.eq_ignore_ascii_case("q") => {
            if list == List::Te {
                choice.push(Q_TOKEN);
            }
            put_quality(&mut choice, Quality::of_text(quality)?);
            put_octets(out, &choice);
        }
        _ => return None,
    }
    Some(())
}

fn put_all(out: &mut Vec<u8>, parameters: &[(String, Given)], version: u8) -> Option<()> {
    parameters
        .iter()
        .try_for_each(|(name, value)| put_parameter(out, name, value, version))
}

fn numbered(table: &[(u8, &str)], text: &str) -> Option<u8> {
    table
        .iter()
        .find(|(_, name)| name.eq_ignore_ascii_case(text))
        .map(|(number, _)| *number)
        .or_else(|| u8::try_from(unnamed(text)?).ok())
}

fn put_from(out: &mut Vec<u8>, table: &[(u8, &str)], text: &str) -> Option<()> {
    match numbered(table, text) {
        Some(number) => put_short(out, number),
        None if is_token(text.as_bytes()) => put_text(out, text),
        None => None,
    }
}

fn put_disposition(out: &mut Vec<u8>, text: &str, version: u8) -> Option<()> {
    let (value, parameters) = split(text)?;
    let mut inside = Vec::new();
    put_from(&mut inside, DISPOSITIONS, value)?;
    put_all(&mut inside, &parameters, version)?;
    put_octets(out, &inside);
    Some(())
}

fn put_cache(out: &mut Vec<u8>, text: &str, version: u8) -> Option<()> {
    let Some((directive, argument)) = text.split_once('=') else {
        return put_from(out, CACHE, text);
    };
    let mut inside = Vec::new();
    put_from(&mut inside, CACHE, directive)?;
    match numbered(CACHE, directive) {
        Some(0 | 7) => {
            for name in argument.trim_matches('"').split(',') {
                put_one(&mut inside, List::Name, name.trim(), version)?;
            }
        }
        Some(_) => put_number(&mut inside, argument)?,
        None => {
            let [(_, argument)] = <[_; 1]>::try_from(given(&format!(";v={argument}"))?).ok()?;
            match argument {
                Given::Text(text) if is_token(text.as_bytes()) => put_text(&mut inside, &text)?,
                Given::Text(text) => put_quoted(&mut inside, text.as_bytes()),
                Given::Nothing | Given::Number(_) => return None,
            }
        }
    }
    put_octets(out, &inside);
    Some(())
}

fn put_pragma(out: &mut Vec<u8>, text: &str, version: u8) -> Option<()> {
    if text.eq_ignore_ascii_case("no-cache") {
        return put_short(out, 0);
    }
    let [(name, value)] = <[_; 1]>::try_from(given(&format!(";{text}"))?).ok()?;
    let mut inside = Vec::new();
    put_parameter(&mut inside, &name, &value, version)?;
    put_octets(out, &inside);
    Some(())
}

fn put_content_range(out: &mut Vec<u8>, text: &str) -> Option<()> {
    let (range, length) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    let mut inside = Vec::new();
    put_uintvar(&mut inside, first.parse().ok()?);
    match length {
        "*" => inside.push(0x80),
        length => put_uintvar(&mut inside, length.parse().ok()?),
    }
    put_octets(out, &inside);
    Some(())
}

fn put_range(out: &mut Vec<u8>, text: &str) -> Option<()> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let mut inside = Vec::new();
    if first.is_empty() {
        inside.push(0x81);
        put_uintvar(&mut inside, last.parse().ok()?);
    } else {
        inside.push(0x80);
        put_uintvar(&mut inside, first.parse().ok()?);
        if !last.is_empty() {
            put_uintvar(&mut inside, last.parse().ok()?);
        }
    }
    put_octets(out, &inside);
    Some(())
}

fn put_retry_after(out: &mut Vec<u8>, text: &str) -> Option<()> {
    let mut inside = vec![0x81];
    if put_number(&mut inside, text).is_none() {
        inside = vec![0x80];
        put_date(&mut inside, text)?;
    }
    put_octets(out, &inside);
    Some(())
}

fn put_credentials(out: &mut Vec<u8>, text: &str, version: u8) -> Option<()> {
    let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
    let mut inside = Vec::new();
    if scheme.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(BASE64_STANDARD.decode(rest).ok()?).ok()?;
        let (user, password) = pair.split_once(':')?;
        inside.push(0x80);
        put_text_string(&mut inside, user.as_bytes());
        put_text_string(&mut inside, password.as_bytes());
    } else {
        is_token(scheme.as_bytes()).then(|| put_text_string(&mut inside, scheme.as_bytes()))?;
        put_all(&mut inside, &given_by_comma(rest)?, version)?;
    }
    put_octets(out, &inside);
    Some(())
}

fn put_challenge(out: &mut Vec<u8>, text: &str, version: u8) -> Option<()> {
    let (scheme, rest) = text.split_once(' ')?;
    let parameters = given_by_comma(rest)?;
    let ((name, realm), others) = parameters.split_first()?;
    let Given::Text(realm) = realm else {
        return None;
    };
    if !name.eq_ignore_ascii_case("realm") || !is_token(scheme.as_bytes()) {
        return None;
    }
    let mut inside = Vec::new();
    if scheme.eq_ignore_ascii_case("basic") {
        inside.push(0x80);
    } else {
        put_text_string(&mut inside, scheme.as_bytes());
    }
    put_text_string(&mut inside, realm.as_bytes());
    put_all(&mut inside, others, version)?;
    put_octets(out, &inside);
    Some(())
}

fn put_warning(out: &mut Vec<u8>, text: &str) -> Option<()> {
    let Some((code, rest)) = text.split_once(' ') else {
        return put_short(out, text.parse().ok()?);
    };
    let (agent, quoted) = rest.split_once(' ')?;
    let [(_, Given::Text(said))] = <[_; 1]>::try_from(given(&format!(";v={quoted}"))?).ok()? else {
        return None;
    };
    let mut inside = Vec::new();
    put_short(&mut inside, code.parse().ok()?)?;
    put_text_string(&mut inside, agent.as_bytes());
    put_text_string(&mut inside, said.as_bytes());
    put_octets(out, &inside);
    Some(())
}

fn put_profile_warning(out: &mut Vec<u8>, text: &str) -> Option<()> {
    let code = |text: &str| {
        Some(match text {
            "100" => 0x90_u8,
            "101" => 0x91,
            "102" => 0x92,
            "200" => 0xA0,
            "201" => 0xA1,
            "202" => 0xA2,
            "203" => 0xA3,
            _ => return None,
        })
    };
    let mut words = text.split(' ');
    let number = code(words.next()?)?;
    let Some(target) = words.next() else {
        out.push(number);
        return Some(());
    };
    let mut inside = vec![number];
    put_text_string(&mut inside, target.as_bytes());
    words.try_for_each(|date| put_date(&mut inside, date))?;
    put_octets(out, &inside);
    Some(())
}

fn put_set_cookie(out: &mut Vec<u8>, text: &str, version: u8) -> Option<()> {
    let parameters = given(&format!(";{text}"))?;
    let ((name, value), others) = parameters.split_first()?;
    let ((label, number), others) = others.split_first()?;
    let (Given::Text(value), Given::Text(number)) = (value, number) else {
        return None;
    };
    if !label.eq_ignore_ascii_case("version") {
        return None;
    }
    let mut inside = Vec::new();
    put_short(&mut inside, Version::of_text(number)?.0)?;
    put_text_string(&mut inside, name.as_bytes());
    put_text_string(&mut inside, value.as_bytes());
    put_all(&mut inside, others, version)?;
    put_octets(out, &inside);
    Some(())
}

fn put_expect(out: &mut Vec<u8>, text: &str, version: u8) -> Option<()> {
    if text.eq_ignore_ascii_case("100-continue") {
        return put_short(out, 0);
    }
    let parameters = given(&format!(";{text}"))?;
    let ((name, value), others) = parameters.split_first()?;
    let Given::Text(value) = value else {
        return None;
    };
    let mut inside = Vec::new();
    put_text_string(&mut inside, name.as_bytes());
    super::value::put_text_value(&mut inside, value.as_bytes());
    put_all(&mut inside, others, version)?;
    put_octets(out, &inside);
    Some(())
}
