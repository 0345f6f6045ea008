//! A document type as one table: its elements and attributes, their tokens and what they may hold.
//!
//! **Source:** WAP-192 section 5.8 (code spaces). All four document types have code page 0 only.

/// A document type with its tokens.
#[derive(Debug)]
pub struct Language {
    /// The short name: `si`.
    pub name: &'static str,
    /// The name of the WBXML form, which its faults carry: `wbxml-si`.
    pub format: &'static str,
    /// The name of the XML form, which its faults carry: `si-xml`.
    pub xml_format: &'static str,
    /// The section of the tokens.
    pub clause: &'static str,
    /// The WBXML version written, as on the wire.
    pub version: u8,
    /// The assigned number of the public identifier.
    pub public_number: u32,
    /// The public identifier.
    pub public_id: &'static str,
    /// The system identifier.
    pub system_id: &'static str,
    /// The elements, the root first.
    pub elements: &'static [ElementRule],
    /// The attribute start tokens.
    pub starts: &'static [Start],
    /// The attribute value tokens.
    pub values: &'static [(u8, &'static str)],
}

/// An element.
#[derive(Debug)]
pub struct ElementRule {
    /// Its name.
    pub name: &'static str,
    /// Its tag token.
    pub token: u8,
    /// What it may hold.
    pub content: Model,
    /// Its attributes.
    pub attributes: &'static [AttributeRule],
}

/// What an element may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Nothing.
    Empty,
    /// Text.
    Text,
    /// These elements in this order.
    Sequence(&'static [Child]),
    /// One or more of these elements in any order.
    AnyOf(&'static [&'static str]),
}

/// A place in a sequence of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Child {
    /// The element's name.
    pub name: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// Whether it may be there more than once.
    pub many: bool,
}

/// An attribute.
#[derive(Debug)]
pub struct AttributeRule {
    /// Its name.
    pub name: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// What is missing without it, as a noun phrase, when it must be there.
    pub required: Option<&'static str>,
}

/// What an attribute may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// An instant.
    Date,
    /// One of these words; the first is meant when it is absent.
    Words(&'static [&'static str]),
}

/// An attribute start token: an attribute and how its value begins.
#[derive(Debug)]
pub struct Start {
    /// The token.
    pub token: u8,
    /// The attribute.
    pub name: &'static str,
    /// The first characters of the value.
    pub prefix: &'static str,
}

impl Language {
    /// The root element's name.
    #[must_use]
    pub fn root(&self) -> &'static str {
        self.elements.first().map_or("", |rule| rule.name)
    }

    pub(super) fn tag(&self, token: u8) -> Option<&'static ElementRule> {
        self.elements.iter().find(|rule| rule.token == token)
    }

    pub(super) fn element(&self, name: &str) -> Option<&'static ElementRule> {
        self.elements.iter().find(|rule| rule.name == name)
    }

    pub(super) fn start(&self, token: u8) -> Option<&'static Start> {
        // The tokens are dense from 05 on; a table that is not still reads right.
        let dense = usize::from(token).checked_sub(5);
        dense
            .and_then(|at| self.starts.get(at))
            .filter(|start| start.token == token)
            .or_else(|| self.starts.iter().find(|start| start.token == token))
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&'static str> {
        self.elements
            .iter()
            .flat_map(|rule| rule.attributes)
            .find(|rule| rule.name == name)
            .map(|rule| rule.name)
    }

    pub(super) fn value(&self, token: u8) -> Option<&'static str> {
        self.values
            .iter()
            .find(|(known, _)| *known == token)
            .map(|(_, text)| *text)
    }
}

impl ElementRule {
    pub(super) fn attribute(&self, name: &str) -> Option<&'static AttributeRule> {
        self.attributes.iter().find(|rule| rule.name == name)
    }
}

/// An attribute of text.
pub(super) const fn text(name: &'static str) -> AttributeRule {
    AttributeRule {
        name,
        kind: Kind::Text,
        required: None,
    }
}

/// An attribute of text that must be there.
pub(super) const fn required(name: &'static str, expected: &'static str) -> AttributeRule {
    AttributeRule {
        name,
        kind: Kind::Text,
        required: Some(expected),
    }
}

/// An instant.
pub(super) const fn date(name: &'static str) -> AttributeRule {
    AttributeRule {
        name,
        kind: Kind::Date,
        required: None,
    }
}

/// One of these words.
pub(super) const fn words(name: &'static str, words: &'static [&'static str]) -> AttributeRule {
    AttributeRule {
        name,
        kind: Kind::Words(words),
        required: None,
    }
}

/// An attribute start token.
pub(super) const fn start(token: u8, name: &'static str, prefix: &'static str) -> Start {
    Start {
        token,
        name,
        prefix,
    }
}
