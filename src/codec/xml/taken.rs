//! What a document type takes out of an element, field by field; the rest is kept and written again.

use core::str::FromStr;

use serde::Deserialize;
use serde_json::Value;

use super::{Attribute, Content, Element};
use crate::codec::DecodeError;

/// Takes the attributes and elements that are known out of an element, and keeps the others.
#[derive(Debug)]
pub struct Taken {
    format: &'static str,
    rest: Element,
}

impl Taken {
    /// All of an element.
    #[must_use]
    pub const fn of(format: &'static str, element: Element) -> Self {
        Self {
            format,
            rest: element,
        }
    }

    /// The value of an attribute, if there.
    pub fn value(&mut self, name: &str) -> Option<String> {
        self.value_in("", name)
    }

    /// The value of an attribute, if there.
    pub fn value_in(&mut self, space: &str, name: &str) -> Option<String> {
        let at = self
            .rest
            .attributes
            .iter()
            .position(|own| own.space == space && own.name == name)?;
        Some(self.rest.attributes.remove(at).value)
    }

    /// The value of an attribute that must be there.
    ///
    /// # Errors
    /// Invalid, at the element.
    pub fn required(&mut self, name: &str, expected: &'static str) -> Result<String, DecodeError> {
        self.value(name).ok_or_else(|| self.fault(expected))
    }

    /// The number of an attribute, if there.
    ///
    /// # Errors
    /// Invalid, at the element, for anything but digits and for a number too large.
    pub fn number<T: FromStr>(
        &mut self,
        name: &str,
        expected: &'static str,
    ) -> Result<Option<T>, DecodeError> {
        let Some(text) = self.value(name) else {
            return Ok(None);
        };
        let is_number = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
        let number = text.parse().ok().filter(|_| is_number);
        number.map(Some).ok_or_else(|| self.fault(expected))
    }

    /// The word of an attribute that must be there: one of those that a type has.
    ///
    /// # Errors
    /// Invalid, at the element.
    pub fn word<T: for<'v> Deserialize<'v>>(
        &mut self,
        name: &str,
        expected: &'static str,
    ) -> Result<T, DecodeError> {
        let text = self.required(name, expected)?;
        T::deserialize(Value::from(text)).map_err(|_| self.fault(expected))
    }

    /// The first element of that name.
    pub fn one(&mut self, space: &str, name: &str) -> Option<Element> {
        let at = self.rest.content.iter().position(
            |content| matches!(content, Content::Element(element) if element.is(space, name)),
        )?;
        match self.rest.content.remove(at) {
            Content::Element(element) => Some(element),
            Content::Text(_) => None,
        }
    }

    /// The text of the one element of that name.
    ///
    /// # Errors
    /// Invalid, when a second one follows.
    pub fn one_text(
        &mut self,
        space: &str,
        name: &str,
        expected: &'static str,
    ) -> Result<Option<String>, DecodeError> {
        let first = self.one(space, name);
        match self.one(space, name) {
            Some(second) => Err(second.fault(self.format, expected)),
            None => Ok(first.map(|element| element.own_text())),
        }
    }

    /// Every element of that name.
    pub fn all(&mut self, space: &str, name: &str) -> Vec<Element> {
        let (found, kept) = core::mem::take(&mut self.rest.content)
            .into_iter()
            .partition(
                |content| matches!(content, Content::Element(element) if element.is(space, name)),
            );
        self.rest.content = kept;
        let found: Vec<Content> = found;
        found
            .into_iter()
            .filter_map(|content| match content {
                Content::Element(element) => Some(element),
                Content::Text(_) => None,
            })
            .collect()
    }

    /// What was not taken.
    #[must_use]
    pub fn others(self) -> (Vec<Attribute>, Vec<Element>) {
        let elements = self
            .rest
            .content
            .into_iter()
            .filter_map(|content| match content {
                Content::Element(element) => Some(element),
                Content::Text(_) => None,
            })
            .collect();
        (self.rest.attributes, elements)
    }

    /// A fault at the element.
    #[must_use]
    pub const fn fault(&self, expected: &'static str) -> DecodeError {
        self.rest.fault(self.format, expected)
    }
}
