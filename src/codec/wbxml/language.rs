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
    pub attributes: Attributes,
}

/// What an element may hold; elements are named by their tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Nothing.
    Empty,
    /// Text.
    Text,
    /// These elements in this order.
    Sequence(&'static [Child]),
    /// One or more of these elements in any order.
    AnyOf(&'static [u8]),
}

/// A place in a sequence of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Child {
    /// The element's token.
    pub token: u8,
    /// Whether it must be there.
    pub required: bool,
    /// Whether it may be there more than once.
    pub many: bool,
}

/// The attributes of an element.
#[derive(Clone, Copy, Debug)]
pub struct Attributes {
    /// Each of them.
    pub rules: &'static [&'static AttributeRule],
    /// The same as bits.
    pub bits: u32,
    /// Those that must be there.
    pub required: u32,
}

/// An attribute; it is the same wherever its document type has it.
#[derive(Debug)]
pub struct AttributeRule {
    /// One bit, which no other attribute of its document type has.
    pub bit: u32,
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
    pub rule: &'static AttributeRule,
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
        placed(self.elements, token, 0x05, |rule| rule.token)
    }

    pub(super) fn start(&self, token: u8) -> Option<&'static Start> {
        placed(self.starts, token, 0x05, |start| start.token)
    }

    pub(super) fn value(&self, token: u8) -> Option<&'static str> {
        placed(self.values, token, 0x85, |(token, _)| *token).map(|(_, text)| *text)
    }

    pub(super) fn element(&self, name: &str) -> Option<&'static ElementRule> {
        self.elements.iter().find(|rule| rule.name == name)
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&'static AttributeRule> {
        let rules = self.elements.iter().flat_map(|rule| rule.attributes.rules);
        rules.copied().find(|rule| rule.name == name)
    }
}

/// What a table has for a token. Tokens are dense from the first on; a table that is not still reads right.
fn placed<T>(
    table: &'static [T],
    token: u8,
    first: u8,
    token_of: impl Fn(&T) -> u8,
) -> Option<&'static T> {
    let place = usize::from(token).checked_sub(usize::from(first))?;
    match table.get(place) {
        Some(found) if token_of(found) == token => Some(found),
        _ => table.iter().find(|found| token_of(found) == token),
    }
}

impl Attributes {
    /// No attributes.
    pub(super) const NONE: Self = Self::of(&[]);

    /// These attributes.
    pub(super) const fn of(rules: &'static [&'static AttributeRule]) -> Self {
        let (mut bits, mut required) = (0, 0);
        let mut rest = rules;
        while let [rule, others @ ..] = rest {
            bits |= rule.bit;
            if rule.required.is_some() {
                required |= rule.bit;
            }
            rest = others;
        }
        Self {
            rules,
            bits,
            required,
        }
    }

    pub(super) fn named(self, name: &str) -> Option<&'static AttributeRule> {
        self.rules.iter().copied().find(|rule| rule.name == name)
    }
}

impl AttributeRule {
    /// The attribute of that number, which its document type gives to no other.
    const fn new(number: u32, name: &'static str, kind: Kind) -> Self {
        Self {
            bit: 1 << number,
            name,
            kind,
            required: None,
        }
    }

    /// Text.
    pub(super) const fn text(number: u32, name: &'static str) -> Self {
        Self::new(number, name, Kind::Text)
    }

    /// An instant.
    pub(super) const fn date(number: u32, name: &'static str) -> Self {
        Self::new(number, name, Kind::Date)
    }

    /// One of these words.
    pub(super) const fn words(
        number: u32,
        name: &'static str,
        words: &'static [&'static str],
    ) -> Self {
        Self::new(number, name, Kind::Words(words))
    }

    /// The same, which must be there; else that is missing.
    pub(super) const fn required(self, expected: &'static str) -> Self {
        Self {
            required: Some(expected),
            ..self
        }
    }
}

/// An attribute start token.
pub(super) const fn start(token: u8, rule: &'static AttributeRule, prefix: &'static str) -> Start {
    Start {
        token,
        rule,
        prefix,
    }
}
