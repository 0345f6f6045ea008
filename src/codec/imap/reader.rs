//! Words, strings and lists of a response, one after another.

use std::borrow::Cow;

use super::NAME;
use crate::codec::{Class, DecodeError};
use crate::limits;

/// One piece of data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// NIL.
    Nil,
    /// A word: a number, a flag, a name.
    Atom(&'a [u8]),
    /// A string, quoted or literal.
    Text(Cow<'a, [u8]>),
    /// What stands in parentheses.
    List(Vec<Self>),
}

impl Value<'_> {
    /// Its text; of a word too. Octets that are no UTF-8 are replaced.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Nil | Self::List(_) => None,
            Self::Atom(word) => Some(String::from_utf8_lossy(word).into_owned()),
            Self::Text(octets) => Some(String::from_utf8_lossy(octets).into_owned()),
        }
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> Option<u32> {
        match self {
            Self::Atom(word) => core::str::from_utf8(word).ok()?.parse().ok(),
            _ => None,
        }
    }

    /// What is in it, for a list.
    #[must_use]
    pub fn list(&self) -> Option<&[Self]> {
        match self {
            Self::List(values) => Some(values),
            _ => None,
        }
    }
}

/// Reads one response from its start to its end.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    octets: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// A reader of a whole response, its last line end included.
    pub(super) fn new(octets: &'a [u8]) -> Self {
        let octets = octets.strip_suffix(b"\n").unwrap_or(octets);
        let octets = octets.strip_suffix(b"\r").unwrap_or(octets);
        Self { octets, at: 0 }
    }

    pub(super) fn fault(&self, class: Class, expected: &'static str) -> DecodeError {
        DecodeError {
            format: NAME,
            offset: self.at,
            class,
            expected,
        }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.octets.get(self.at).copied()
    }

    fn skip(&mut self, octets: usize) {
        self.at = self.at.saturating_add(octets);
    }

    /// True when the octet was there, and is passed over.
    pub(super) fn takes(&mut self, octet: u8) -> bool {
        let is_there = self.peek() == Some(octet);
        self.skip(usize::from(is_there));
        is_there
    }

    pub(super) fn blanks(&mut self) {
        while self.takes(b' ') {}
    }

    /// Everything that is left.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        let rest = self.octets.get(self.at..).unwrap_or_default();
        self.at = self.octets.len();
        rest
    }

    /// A word: up to a blank or what begins something else. A bracket belongs to the word it follows: `BODY[TEXT]<0>`.
    pub(super) fn atom(&mut self) -> Result<&'a [u8], DecodeError> {
        let rest = self.octets.get(self.at..).unwrap_or_default();
        let mut depth = 0_usize;
        let mut length = 0_usize;
        for octet in rest {
            match octet {
                b'[' => depth = depth.saturating_add(1),
                b']' if depth > 0 => depth = depth.saturating_sub(1),
                b' ' | b'(' | b')' if depth > 0 => {}
                b']' | b' ' | b'(' | b')' | b'"' => break,
                octet if octet.is_ascii_control() => break,
                _ => {}
            }
            length = length.saturating_add(1);
        }
        let (word, _) = rest.split_at_checked(length).unwrap_or_default();
        if word.is_empty() || depth > 0 {
            return Err(self.fault(Class::BadValue, "a word"));
        }
        self.skip(length);
        Ok(word)
    }

    /// Whatever stands here.
    pub(super) fn value(&mut self) -> Result<Value<'a>, DecodeError> {
        self.nested(0)
    }

    fn nested(&mut self, depth: usize) -> Result<Value<'a>, DecodeError> {
        if depth > limits::IMAP_DEPTH {
            return Err(self.fault(Class::TooLarge, "fewer lists within lists"));
        }
        match self.peek() {
            None => Err(self.fault(Class::Truncated, "a value")),
            Some(b'"') => self.quoted().map(Value::Text),
            Some(b'{') => self.literal().map(|text| Value::Text(text.into())),
            Some(b'~') => {
                self.skip(1);
                self.literal().map(|text| Value::Text(text.into()))
            }
            Some(b'(') => {
                self.skip(1);
                let mut values = Vec::new();
                loop {
                    self.blanks();
                    if self.takes(b')') {
                        return Ok(Value::List(values));
                    }
                    values.push(self.nested(depth.saturating_add(1))?);
                }
            }
            Some(_) => {
                let word = self.atom()?;
                let is_nil = word.eq_ignore_ascii_case(b"NIL");
                Ok(if is_nil {
                    Value::Nil
                } else {
                    Value::Atom(word)
                })
            }
        }
    }

    fn quoted(&mut self) -> Result<Cow<'a, [u8]>, DecodeError> {
        self.skip(1);
        let rest = self.octets.get(self.at..).unwrap_or_default();
        let unended = |reader: &Self| reader.fault(Class::TextUnterminated, "a closing quote");
        let end = memchr::memchr2(b'"', b'\\', rest).ok_or_else(|| unended(self))?;
        if rest.get(end) == Some(&b'"') {
            self.skip(end.saturating_add(1));
            return Ok(Cow::Borrowed(rest.get(..end).unwrap_or_default()));
        }
        let mut text = Vec::new();
        let mut octets = rest.iter().enumerate();
        while let Some((at, octet)) = octets.next() {
            match octet {
                b'"' => {
                    self.skip(at.saturating_add(1));
                    return Ok(Cow::Owned(text));
                }
                b'\\' => text.extend(octets.next().map(|(_, octet)| *octet)),
                octet => text.push(*octet),
            }
        }
        Err(unended(self))
    }

    fn literal(&mut self) -> Result<&'a [u8], DecodeError> {
        let wrong = |reader: &Self| reader.fault(Class::BadLength, "a literal");
        if !self.takes(b'{') {
            return Err(wrong(self));
        }
        let rest = self.octets.get(self.at..).unwrap_or_default();
        let line = memchr::memchr(b'\n', rest).ok_or_else(|| wrong(self))?;
        let digits = rest.get(..line).unwrap_or_default();
        let digits = digits.strip_suffix(b"\r").unwrap_or(digits);
        let digits = digits.strip_suffix(b"}").ok_or_else(|| wrong(self))?;
        let digits = digits.strip_suffix(b"+").unwrap_or(digits);
        let digits = core::str::from_utf8(digits).ok();
        let length: Option<usize> = digits.and_then(|digits| digits.parse().ok());
        let length = length.ok_or_else(|| wrong(self))?;
        let start = line.saturating_add(1);
        let text = rest.get(start..start.saturating_add(length));
        let text = text.ok_or_else(|| wrong(self))?;
        self.skip(start.saturating_add(length));
        Ok(text)
    }
}
