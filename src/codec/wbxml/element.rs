//! A document as a tree, the same for WBXML and XML: what is read of one can be written as the other.

use std::borrow::Cow;

use super::language::{Kind, Language};
use super::reader::{Event, Source};
use super::stamp::Stamp;
use super::value::{Name, Part, Value};
use crate::codec::{Class, DecodeError};
use crate::limits;

/// An element with all that it holds. Instants are text, `1999-04-30T06:40:00Z`, whatever they were on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// Its name.
    pub name: Name<'a>,
    /// Its attributes in order.
    pub attributes: Vec<(Name<'a>, Vec<Part<'a>>)>,
    /// Its content in order.
    pub content: Vec<Node<'a>>,
}

/// A piece of content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node<'a> {
    /// An element.
    Element(Element<'a>),
    /// Text, or what stands where text does.
    Text(Part<'a>),
}

impl<'a> Element<'a> {
    /// An element of the document type with nothing in it.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name: Name::Known(name),
            attributes: Vec::new(),
            content: Vec::new(),
        }
    }

    /// The same with that attribute, when there is a value.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: Option<Cow<'a, str>>) -> Self {
        let value = value.map(|value| vec![Part::Text(value)]);
        self.attributes
            .extend(value.map(|value| (Name::Known(name), value)));
        self
    }

    /// The same with that text behind what it holds.
    #[must_use]
    pub fn with_text(mut self, text: Cow<'a, str>) -> Self {
        if !text.is_empty() {
            self.content.push(Node::Text(Part::Text(text)));
        }
        self
    }

    /// The same with that element behind what it holds.
    #[must_use]
    pub fn with_element(mut self, element: Self) -> Self {
        self.content.push(Node::Element(element));
        self
    }

    /// The text of an attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<Cow<'_, str>> {
        self.attributes
            .iter()
            .find(|(known, _)| matches!(known, Name::Known(known) if *known == name))
            .map(|(_, parts)| joined(parts.iter()))
    }

    /// The text of it, without that of the elements inside.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        joined(self.content.iter().filter_map(|node| match node {
            Node::Text(part) => Some(part),
            Node::Element(_) => None,
        }))
    }

    /// The elements inside it.
    pub fn elements(&self) -> impl Iterator<Item = &Self> {
        self.content.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The root element of a document, to its end.
    ///
    /// # Errors
    /// The first fault.
    pub fn read(
        language: &'static Language,
        source: &mut impl Source<'a>,
    ) -> Result<Self, DecodeError> {
        let mut open: Vec<Self> = Vec::with_capacity(limits::WBXML_DEPTH);
        let mut root = None;
        while let Some(event) = source.next()? {
            match event {
                Event::Open(name) => open.push(Self {
                    name,
                    attributes: Vec::new(),
                    content: Vec::new(),
                }),
                Event::Attribute(name, value) => {
                    if let Some(element) = open.last_mut() {
                        let value = element.value(language, &name, &value);
                        element.attributes.push((name, value));
                    }
                }
                Event::Text(value) => {
                    if let Some(element) = open.last_mut() {
                        let parts = merged(value.parts());
                        element.content.extend(parts.into_iter().map(Node::Text));
                    }
                }
                Event::Close => match (open.pop(), open.last_mut()) {
                    (Some(element), Some(parent)) => parent.content.push(Node::Element(element)),
                    (element, _) => root = element,
                },
            }
        }
        root.ok_or(DecodeError {
            format: language.format,
            offset: 0,
            class: Class::Truncated,
            expected: "a root element",
        })
    }

    /// The value of an attribute of this element; an instant as text.
    fn value(
        &self,
        language: &'static Language,
        name: &Name<'_>,
        value: &Value<'a>,
    ) -> Vec<Part<'a>> {
        match (self.kind(language, name), value.stamp()) {
            (Some(Kind::Date), Ok(stamp)) => vec![Part::Text(stamp.to_string().into())],
            _ => merged(value.parts()),
        }
    }

    /// What an attribute of this element may hold.
    pub(super) fn kind(&self, language: &'static Language, name: &Name<'_>) -> Option<Kind> {
        let (Name::Known(element), Name::Known(name)) = (&self.name, name) else {
            return None;
        };
        let rule = language.element(element)?.attribute(name)?;
        Some(rule.kind)
    }

    /// The instant of such a value.
    pub(super) fn stamp(parts: &[Part<'_>]) -> Option<Stamp> {
        match parts {
            [Part::Text(text)] => text.parse().ok(),
            _ => None,
        }
    }
}

/// The text of the parts.
fn joined<'p, 'a: 'p>(parts: impl Iterator<Item = &'p Part<'a>>) -> Cow<'p, str> {
    let mut texts = parts.filter_map(|part| match part {
        Part::Text(text) => Some(&**text),
        _ => None,
    });
    let first = texts.next().unwrap_or_default();
    texts.fold(Cow::Borrowed(first), |mut sum, text| {
        append(&mut sum, Cow::Borrowed(text));
        sum
    })
}

/// Puts text behind text, without a copy when there was none.
pub(super) fn append<'a>(sum: &mut Cow<'a, str>, text: Cow<'a, str>) {
    if sum.is_empty() {
        *sum = text;
    } else {
        sum.to_mut().push_str(&text);
    }
}

/// Parts with texts that touch made one.
fn merged<'a>(parts: impl Iterator<Item = Part<'a>>) -> Vec<Part<'a>> {
    let mut all: Vec<Part<'a>> = Vec::new();
    for part in parts {
        match (all.last_mut(), part) {
            (_, Part::Text(text)) if text.is_empty() => {}
            (Some(Part::Text(sum)), Part::Text(text)) => append(sum, text),
            (_, part) => all.push(part),
        }
    }
    all
}
