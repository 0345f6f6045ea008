//! Parameters after a header's value, and quoted strings.
//!
//! Source: RFC 3261 sections 7.3.1 and 25.1 (`generic-param`, `quoted-string`, `LWS`).

use std::borrow::Cow;

use memchr::memchr2;

use crate::codec::lexeme::{BLANK, Fault, Step, TOKEN, VALUE, ascii, before, skip, skip_blanks};

/// The parameters of one value, in order; their form was checked when the value was decoded.
#[derive(Clone, Copy, Debug)]
pub struct Params<'a> {
    rest: &'a [u8],
}

impl<'a> Params<'a> {
    pub(super) const fn new(checked: &'a [u8]) -> Self {
        Self { rest: checked }
    }

    /// The first parameter of that name, its value unquoted; `Some(None)` when it has none.
    #[must_use]
    pub fn get(self, name: &str) -> Option<Option<Cow<'a, str>>> {
        self.raw(name).map(|value| value.map(text_of))
    }

    /// As [`Params::get`], quotes and escapes untouched.
    pub(super) fn raw(mut self, name: &str) -> Option<Option<&'a [u8]>> {
        self.find(|(have, _)| have.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

impl<'a> Iterator for Params<'a> {
    /// Name, and value as written.
    type Item = (&'a str, Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        let [b';', param @ ..] = skip(self.rest, BLANK) else {
            return None;
        };
        let (rest, (name, value)) = one(param).ok()?;
        self.rest = rest;
        Some((ascii(name), value))
    }
}

/// A parameter's name and its value as written.
pub(super) type Param<'a> = (&'a [u8], Option<&'a [u8]>);

/// Steps through `*( ; name [= value] )`, for a parser that keeps some of the values.
pub(super) struct Walk<'a> {
    /// What follows the last parameter and the blanks after it.
    rest: &'a [u8],
    /// How many these blanks are.
    blanks: usize,
    whole: &'a [u8],
}

impl<'a> Walk<'a> {
    #[inline(always)]
    pub(super) fn new(input: &'a [u8]) -> Self {
        let whole = skip_blanks(input);
        Self {
            rest: whole,
            blanks: 0,
            whole,
        }
    }

    /// What follows the semicolon of the next parameter.
    #[inline(always)]
    pub(super) fn semicolon(&self) -> Option<&'a [u8]> {
        match self.rest {
            [b';', param @ ..] => Some(param),
            _ => None,
        }
    }

    /// The value after a name and its equals sign.
    #[inline(always)]
    pub(super) fn value(&mut self, input: &'a [u8]) -> Result<&'a [u8], nom::Err<Fault>> {
        let (end, value) = match input {
            [b'"', ..] => quoted(input)?,
            _ => {
                let end = skip(input, VALUE);
                if end.len() == input.len() {
                    value(input)?
                } else {
                    (end, before(input, end))
                }
            }
        };
        self.end(end);
        Ok(value)
    }

    /// A parameter in any spelling.
    #[inline]
    pub(super) fn param(&mut self, input: &'a [u8]) -> Result<Param<'a>, nom::Err<Fault>> {
        let (end, param) = one(input)?;
        self.end(end);
        Ok(param)
    }

    /// What follows all of them, and all of them.
    #[inline(always)]
    pub(super) fn done(self) -> (&'a [u8], &'a [u8]) {
        let left = self.rest.len().saturating_add(self.blanks);
        let params = self.whole.len().saturating_sub(left);
        (self.rest, self.whole.get(..params).unwrap_or_default())
    }

    #[inline(always)]
    fn end(&mut self, end: &'a [u8]) {
        self.rest = skip_blanks(end);
        self.blanks = end.len().saturating_sub(self.rest.len());
    }
}

/// `name [= value]`, blanks before each part.
#[inline]
pub(super) fn one(input: &[u8]) -> Step<'_, Param<'_>> {
    let input = skip_blanks(input);
    let after_name = skip(input, TOKEN);
    let name = before(input, after_name);
    if name.is_empty() {
        return Err(Fault::at(input, "the name of a parameter"));
    }
    match skip_blanks(after_name) {
        [b'=', after @ ..] => {
            let (rest, value) = value(after)?;
            Ok((rest, (name, Some(value))))
        }
        _ => Ok((after_name, (name, None))),
    }
}

/// What follows the equals sign.
fn value(input: &[u8]) -> Step<'_, &[u8]> {
    let value = skip_blanks(input);
    if let [b'"', ..] = value {
        return quoted(value);
    }
    let rest = skip(value, VALUE);
    if rest.len() == value.len() {
        return Err(Fault::at(value, "the value of a parameter"));
    }
    Ok((rest, before(value, rest)))
}

/// A quoted string with its quotes.
#[inline(always)]
pub(super) fn quoted(input: &[u8]) -> Step<'_, &[u8]> {
    match input.split_at_checked(quoted_len(input)) {
        Some((value @ [_, ..], rest)) => Ok((rest, value)),
        _ => Err(Fault::at(&[], "a closing quote")),
    }
}

/// How long the quoted string at the start is; 0 when it has no end.
#[inline(never)]
fn quoted_len(input: &[u8]) -> usize {
    let mut rest = input.get(1..).unwrap_or_default();
    loop {
        match skip_plain(rest) {
            [b'"', after @ ..] => return input.len().wrapping_sub(after.len()),
            [b'\\', _, after @ ..] => rest = after,
            _ => return 0,
        }
    }
}

/// The first quote or backslash and what follows it.
#[inline]
fn skip_plain(text: &[u8]) -> &[u8] {
    let mut rest = text;
    while let Some((sixteen, after)) = rest.split_first_chunk::<16>() {
        let [low, high] = sixteen.as_chunks().0 else {
            break;
        };
        let (low, high) = (ends(*low), ends(*high));
        if low | high != 0 {
            let bits = if low == 0 {
                high.trailing_zeros().wrapping_add(64)
            } else {
                low.trailing_zeros()
            };
            return rest.get((bits >> 3) as usize..).unwrap_or_default();
        }
        rest = after;
    }
    let len = rest
        .iter()
        .position(|octet| matches!(octet, b'"' | b'\\'))
        .unwrap_or(rest.len());
    rest.get(len..).unwrap_or_default()
}

/// Has a bit in the first octet of the eight that is a quote or backslash, and none below; 0 when there is none.
#[inline]
const fn ends(octets: [u8; 8]) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let word = u64::from_le_bytes(octets);
    let quotes = word ^ ONES.wrapping_mul(b'"' as u64);
    let escapes = word ^ ONES.wrapping_mul(b'\\' as u64);
    let found = (quotes.wrapping_sub(ONES) & !quotes) | (escapes.wrapping_sub(ONES) & !escapes);
    found & (ONES << 7)
}

/// What a value as written stands for: quotes and backslashes away, folds as spaces.
pub(super) fn unquote(value: &[u8]) -> Cow<'_, [u8]> {
    let [b'"', inner @ .., b'"'] = value else {
        return Cow::Borrowed(value);
    };
    if memchr2(b'\\', b'\r', inner).is_none() {
        return Cow::Borrowed(inner);
    }
    let mut text = Vec::with_capacity(inner.len());
    let mut rest = inner;
    loop {
        match rest {
            [b'\\', octet, after @ ..] => {
                text.push(*octet);
                rest = after;
            }
            [b'\r', b'\n', after @ ..] => {
                text.push(b' ');
                rest = skip(after, BLANK);
            }
            [octet, after @ ..] => {
                text.push(*octet);
                rest = after;
            }
            [] => return Cow::Owned(text),
        }
    }
}

/// As [`unquote`], as text; octets that are not UTF-8 become U+FFFD.
pub(super) fn text_of(value: &[u8]) -> Cow<'_, str> {
    match unquote(value) {
        Cow::Borrowed(octets) => String::from_utf8_lossy(octets),
        Cow::Owned(octets) => Cow::Owned(String::from_utf8_lossy(&octets).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(input: &[u8]) -> Result<(&[u8], &[u8]), nom::Err<Fault>> {
        let mut walk = Walk::new(input);
        while let Some(param) = walk.semicolon() {
            walk.param(param)?;
        }
        Ok(walk.done())
    }

    #[test]
    fn parameters_may_have_blanks_and_quotes() {
        let text = b" ; a = 1;\r\n b;C=\"x\\\";y\" , rest";
        let (rest, params) = walk(text).unwrap();
        assert_eq!(rest, b", rest");
        let params = Params::new(params);
        assert_eq!(params.get("A").unwrap().unwrap(), "1");
        assert_eq!(params.get("b"), Some(None));
        assert_eq!(params.get("c").unwrap().unwrap(), "x\";y");
        assert_eq!(params.get("d"), None);
        assert_eq!(params.count(), 3);
    }

    #[test]
    fn an_unquoted_text_is_not_copied() {
        assert!(matches!(unquote(b"\"plain\""), Cow::Borrowed(b"plain")));
        assert_eq!(unquote(b"\"a\r\n  b\"").as_ref(), b"a b");
    }

    #[test]
    fn the_end_of_a_quoted_string_is_found_wherever_it_lies() {
        for octet in 0..=255 {
            for at in 0..20 {
                let mut text = *b"\"abcdefghijklmnopqrstuvwxyz\";";
                text[at + 1] = octet;
                let end = if octet == b'"' { at + 2 } else { 28 };
                let (rest, string) = quoted(&text).unwrap();
                assert_eq!(
                    (rest.len(), string.len()),
                    (29 - end, end),
                    "{octet} at {at}"
                );
            }
        }
    }

    #[test]
    fn separators_without_parameters_are_refused() {
        assert!(walk(b";;a=1").is_err());
        assert!(walk(b";a=").is_err());
        assert!(walk(b";=1").is_err());
        assert!(walk(b";a=\"1").is_err());
        assert!(walk(b";a=\"1\\").is_err());
    }
}
