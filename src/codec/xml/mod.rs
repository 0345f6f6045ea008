//! XML: tokens with their places, from which every document type is read, and small documents as trees with namespaces,
//! what presence, registration and download descriptors are read from.
//!
//! **Source:** XML 1.0, Namespaces in XML 1.0. The five entities of XML and character references are read, every other
//! entity is refused, declared or not. Trees refuse a DOCTYPE and pass over comments and instructions.

mod fields;
mod letters;
mod outline;
mod phrase;
mod prolog;
mod read;
mod reference;
mod taken;
mod tokens;
mod write;

#[cfg(test)]
mod tests;

pub use fields::{fields_of, of_fields};
pub use phrase::Phrase;
pub use read::{read, spans};
pub use taken::Taken;
pub use write::write;

pub(in crate::codec) use letters::{is_blank, is_blank_text, is_letter, is_name};
pub(in crate::codec) use outline::Outline;
pub(in crate::codec) use prolog::Words;
pub(in crate::codec) use tokens::{Attribute as Attr, Bounds, Tag, Token, Tokens};
pub(in crate::codec) use write::escape;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::format::FieldFault;
use super::{Class, DecodeError};

/// The namespace that the prefix `xml` stands for everywhere.
pub const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// An element.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct Element {
    /// Its namespace; empty when it is in none.
    pub space: String,
    /// Its name without a prefix.
    pub name: String,
    /// Its attributes without namespace declarations, in order.
    pub attributes: Vec<Attribute>,
    /// What stands between its tags; white space between elements is left out.
    pub content: Vec<Content>,
    /// Octets before its start tag; does not count in a comparison.
    pub at: usize,
}

/// An attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    /// Its namespace; usually empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub space: String,
    /// Its name without a prefix.
    pub name: String,
    /// Its value as XML reads it.
    pub value: String,
}

/// What stands between two tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// An element.
    Element(Element),
    /// Text as XML reads it.
    Text(String),
}

impl PartialEq for Element {
    fn eq(&self, other: &Self) -> bool {
        self.space == other.space
            && self.name == other.name
            && self.attributes == other.attributes
            && self.content == other.content
    }
}

impl Eq for Element {}

impl TryFrom<Value> for Element {
    type Error = FieldFault;

    fn try_from(fields: Value) -> Result<Self, FieldFault> {
        of_fields(&fields)
    }
}

impl From<Element> for Value {
    fn from(element: Element) -> Self {
        fields_of(&element)
    }
}

impl Element {
    /// An empty element.
    #[must_use]
    pub fn new(space: &str, name: &str) -> Self {
        Self {
            space: space.to_owned(),
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// The same with one more attribute, which is in no namespace.
    #[must_use]
    pub fn attribute(mut self, name: &str, value: &str) -> Self {
        self.attributes.push(Attribute {
            space: String::new(),
            name: name.to_owned(),
            value: value.to_owned(),
        });
        self
    }

    /// The same with one more attribute when there is a value.
    #[must_use]
    pub fn attribute_if(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.attribute(name, value),
            None => self,
        }
    }

    /// The same with further attributes behind its own.
    #[must_use]
    pub fn with_attributes(mut self, attributes: &[Attribute]) -> Self {
        self.attributes.extend_from_slice(attributes);
        self
    }

    /// The same with an `xml:lang` when there is a language.
    #[must_use]
    pub fn language(mut self, language: Option<&str>) -> Self {
        if let Some(language) = language {
            self.attributes.push(Attribute {
                space: XML.to_owned(),
                name: "lang".to_owned(),
                value: language.to_owned(),
            });
        }
        self
    }

    /// The same with a text; an empty one adds nothing.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        if !text.is_empty() {
            self.content.push(Content::Text(text.to_owned()));
        }
        self
    }

    /// The same with one more element.
    #[must_use]
    pub fn child(mut self, child: Self) -> Self {
        self.content.push(Content::Element(child));
        self
    }

    /// The same with more elements.
    #[must_use]
    pub fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.content
            .extend(children.into_iter().map(Content::Element));
        self
    }

    /// The value of an attribute in no namespace.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.value_in("", name)
    }

    /// The value of an attribute.
    #[must_use]
    pub fn value_in(&self, space: &str, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|own| own.space == space && own.name == name)
            .map(|own| own.value.as_str())
    }

    /// Whether it is this element.
    #[must_use]
    pub fn is(&self, space: &str, name: &str) -> bool {
        self.space == space && self.name == name
    }

    /// The elements in it.
    pub fn elements(&self) -> impl Iterator<Item = &Self> {
        self.content.iter().filter_map(|content| match content {
            Content::Element(element) => Some(element),
            Content::Text(_) => None,
        })
    }

    /// The text in it, elements left out, without white space at its ends.
    #[must_use]
    pub fn own_text(&self) -> String {
        let text: String = self
            .content
            .iter()
            .filter_map(|content| match content {
                Content::Text(text) => Some(text.as_str()),
                Content::Element(_) => None,
            })
            .collect();
        text.trim().to_owned()
    }

    /// A fault of `format` at this element.
    #[must_use]
    pub const fn fault(&self, format: &'static str, expected: &'static str) -> DecodeError {
        DecodeError {
            format,
            offset: self.at,
            class: Class::XmlInvalid,
            expected,
        }
    }
}

const fn malformed(format: &'static str, at: usize, expected: &'static str) -> DecodeError {
    DecodeError {
        format,
        offset: at,
        class: Class::XmlNotWellFormed,
        expected,
    }
}
