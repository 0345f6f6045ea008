//! Parameters after a header's value, and quoted strings.
//!
//! Source: RFC 3261 sections 7.3.1 and 25.1 (`generic-param`, `quoted-string`, `LWS`).

use std::borrow::Cow;

use memchr::memchr2;
use nom::Parser as _;
use nom::bytes::complete::take_while1;

use crate::codec::lexeme::{BLANK, Fault, Step, TOKEN, VALUE, ascii, before, is, skip};

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

/// `*( ; name [= value] )`: shows each to `see` and gives all of them as one text.
#[inline]
pub(super) fn walk<'a>(input: &'a [u8], mut see: impl FnMut(Param<'a>)) -> Step<'a, &'a [u8]> {
    let mut rest = skip(input, BLANK);
    let whole = rest;
    let mut end = rest;
    while let [b';', param @ ..] = rest {
        let (after, param) = one(param)?;
        see(param);
        end = after;
        rest = skip(after, BLANK);
    }
    Ok((rest, before(whole, end)))
}

/// `name [= value]`, blanks before each part.
#[inline]
pub(super) fn one(input: &[u8]) -> Step<'_, Param<'_>> {
    let input = skip(input, BLANK);
    let (rest, name) = take_while1(|octet| is(octet, TOKEN))
        .parse(input)
        .map_err(|_: nom::Err<Fault>| Fault::at(input, "the name of a parameter"))?;
    let [b'=', value @ ..] = skip(rest, BLANK) else {
        return Ok((rest, (name, None)));
    };
    let value = skip(value, BLANK);
    let (rest, value) = match value {
        [b'"', ..] => quoted(value)?,
        _ => take_while1(|octet| is(octet, VALUE))
            .parse(value)
            .map_err(|_: nom::Err<Fault>| Fault::at(value, "the value of a parameter"))?,
    };
    Ok((rest, (name, Some(value))))
}

/// A quoted string with its quotes.
pub(super) fn quoted(input: &[u8]) -> Step<'_, &[u8]> {
    let mut rest = input.get(1..).unwrap_or_default();
    loop {
        let found = memchr2(b'"', b'\\', rest).and_then(|at| rest.get(at..));
        match found {
            Some([b'"', after @ ..]) => return Ok((after, before(input, after))),
            Some([b'\\', _, after @ ..]) => rest = after,
            _ => return Err(Fault::at(&[], "a closing quote")),
        }
    }
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

    #[test]
    fn parameters_may_have_blanks_and_quotes() {
        let text = b" ; a = 1;\r\n b;C=\"x\\\";y\" , rest";
        let (rest, params) = walk(text, |_| {}).unwrap();
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
    fn separators_without_parameters_are_refused() {
        assert!(walk(b";;a=1", |_| {}).is_err());
        assert!(walk(b";a=", |_| {}).is_err());
        assert!(walk(b";=1", |_| {}).is_err());
        assert!(walk(b";a=\"1", |_| {}).is_err());
        assert!(walk(b";a=\"1\\", |_| {}).is_err());
    }
}
