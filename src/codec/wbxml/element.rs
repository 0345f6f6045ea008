//! A document as a tree, the same for WBXML and XML: what is read of one can be written as the other.

use std::borrow::Cow;

use super::language::{Kind, Language};
use super::source::{Sink, Source};
use super::stamp::Stamp;
use super::value::{Name, Part, Value, append};
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
        let mut tree = Tree {
            language,
            open: Vec::with_capacity(limits::WBXML_DEPTH),
            root: None,
        };
        source.tell(&mut tree)?;
        tree.root.ok_or(DecodeError {
            format: language.format,
            offset: 0,
            class: Class::Truncated,
            expected: "a root element",
        })
    }

    /// Tells what it says, the first of its attributes that have the same name, and only what is text.
    pub(super) fn tell<'s>(&'s self, sink: &mut impl Sink<'s>) {
        let of = match self.name {
            Name::Known(name) => name,
            _ => "",
        };
        sink.open(self.name);
        let mut told: Vec<&str> = Vec::new();
        for (name, _) in &self.attributes {
            if let Name::Known(known) = name
                && !told.contains(known)
            {
                told.push(known);
                let text = self.attribute(known).unwrap_or_default();
                sink.attribute(of, *name, Value::Text(text));
            }
        }
        for node in &self.content {
            match node {
                Node::Element(inner) => inner.tell(sink),
                Node::Text(Part::Text(text)) => {
                    sink.text(of, Value::Text(Cow::Borrowed(text)));
                }
                Node::Text(_) => {}
            }
        }
        sink.close();
    }

    /// What an attribute of this element may hold.
    pub(super) fn kind(&self, language: &'static Language, name: &Name<'_>) -> Option<Kind> {
        let (Name::Known(element), Name::Known(name)) = (&self.name, name) else {
            return None;
        };
        let rule = language.element(element)?.attributes.named(name)?;
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

/// A tree that grows.
struct Tree<'a> {
    language: &'static Language,
    open: Vec<Element<'a>>,
    root: Option<Element<'a>>,
}

impl<'a> Sink<'a> for Tree<'a> {
    fn open(&mut self, name: Name<'a>) {
        self.open.push(Element {
            name,
            attributes: Vec::new(),
            content: Vec::new(),
        });
    }

    fn attribute(&mut self, _: &'static str, name: Name<'a>, value: Value<'a>) {
        let Some(element) = self.open.last_mut() else {
            return;
        };
        let instant = match element.kind(self.language, &name) {
            Some(Kind::Date) => value.instant(),
            _ => None,
        };
        let parts = match instant {
            Some(stamp) => vec![Part::Text(stamp.to_string().into())],
            None => value.parts(),
        };
        element.attributes.push((name, parts));
    }

    fn text(&mut self, _: &'static str, value: Value<'a>) {
        if let Some(element) = self.open.last_mut() {
            let parts = value.parts().into_iter();
            element.content.extend(parts.map(Node::Text));
        }
    }

    fn close(&mut self) {
        match (self.open.pop(), self.open.last_mut()) {
            (Some(element), Some(parent)) => parent.content.push(Node::Element(element)),
            (element, _) => self.root = element,
        }
    }
}
