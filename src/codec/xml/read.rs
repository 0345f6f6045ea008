//! Reading a document as a tree, with its namespaces.

use super::letters::{is_blank, is_name};
use super::outline::Outline;
use super::tokens::{Bounds, Tag, Token, Tokens};
use super::{Attribute, Content, Element, XML, malformed};
use crate::codec::{Class, DecodeError, Span};
use crate::limits;

const BOUNDS: Bounds = Bounds {
    octets: limits::XML_OCTETS,
    depth: limits::XML_DEPTH,
    name_octets: limits::XML_NAME_OCTETS,
};

/// Reads a document; faults carry the name of `format`.
///
/// # Errors
/// Not well-formed, a DOCTYPE or an entity, more octets, depth or parts than [`limits`] allows.
pub fn read(format: &'static str, octets: &[u8]) -> Result<Element, DecodeError> {
    let mut tokens = Tokens::new(format, octets, BOUNDS)?;
    let mut tree = Tree::new(format);
    while let Some(token) = tokens.next()? {
        tree.take(&token, tokens.place().0)?;
    }
    tree.root
        .ok_or_else(|| malformed(format, octets.len(), "an element"))
}

/// Where each part of a document stands, up to the first fault; together they cover the octets read.
#[must_use]
pub fn spans(format: &'static str, clause: &'static str, octets: &[u8]) -> Vec<Span> {
    // The fault itself is told by `read`.
    let Ok(mut tokens) = Tokens::new(format, octets, BOUNDS) else {
        return Vec::new();
    };
    let mut tree = Tree::new(format);
    let mut outline = Outline::new(clause, &tokens);
    while let Ok(Some(token)) = tokens.next() {
        if tree.take(&token, tokens.place().0).is_err() {
            break;
        }
        outline.note(&token, &tokens);
    }
    outline.spans()
}

/// An element whose end tag has not come.
struct Open {
    element: Element,
    /// Namespaces in scope before it.
    scope: usize,
}

struct Tree {
    format: &'static str,
    open: Vec<Open>,
    root: Option<Element>,
    /// Prefix and namespace, the nearest last.
    scope: Vec<(String, String)>,
    parts: usize,
}

impl Tree {
    const fn new(format: &'static str) -> Self {
        Self {
            format,
            open: Vec::new(),
            root: None,
            scope: Vec::new(),
            parts: 0,
        }
    }

    fn take(&mut self, token: &Token<'_>, at: usize) -> Result<(), DecodeError> {
        match token {
            Token::Doctype(doctype) => {
                Err(self.fault(doctype.at, Class::XmlForbidden, "no DOCTYPE"))
            }
            Token::Start(tag) => self.start(tag),
            Token::Empty(tag) => {
                self.start(tag)?;
                self.close();
                Ok(())
            }
            Token::End => {
                self.close();
                Ok(())
            }
            Token::Text(_) | Token::Section(_) | Token::Letter(_) => {
                token.text().map_or(Ok(()), |text| self.text(&text, at))
            }
            Token::Comment | Token::Instruction => self.count(at),
            Token::Declaration => Ok(()),
        }
    }

    fn text(&mut self, text: &str, at: usize) -> Result<(), DecodeError> {
        let Some(open) = self.open.last_mut() else {
            return Ok(());
        };
        match open.element.content.last_mut() {
            Some(Content::Text(before)) => before.push_str(text),
            _ => {
                open.element.content.push(Content::Text(text.to_owned()));
                self.count(at)?;
            }
        }
        Ok(())
    }

    fn start(&mut self, tag: &Tag<'_>) -> Result<(), DecodeError> {
        self.count(tag.at)?;
        let scope = self.scope.len();
        for attribute in &tag.attributes {
            self.count(attribute.at)?;
            let Some(prefix) = declared(attribute.name) else {
                continue;
            };
            if attribute.value.len() > limits::XML_NAMESPACE_OCTETS {
                return Err(self.fault(attribute.at, Class::TooLarge, "a shorter namespace"));
            }
            self.scope
                .push((prefix.to_owned(), attribute.value.to_string()));
        }
        let (space, name) = self.resolved(tag.name, true, tag.at.saturating_add(1))?;
        let mut element = Element {
            space,
            name,
            at: tag.at,
            ..Element::default()
        };
        for attribute in &tag.attributes {
            if declared(attribute.name).is_some() {
                continue;
            }
            let (space, name) = self.resolved(attribute.name, false, attribute.at)?;
            // Two prefixes may stand for one namespace.
            let again = |own: &Attribute| own.space == space && own.name == name;
            if element.attributes.iter().any(again) {
                return Err(malformed(self.format, attribute.at, "each attribute once"));
            }
            let value = attribute.value.to_string();
            element.attributes.push(Attribute { space, name, value });
        }
        self.open.push(Open { element, scope });
        Ok(())
    }

    /// A name with its namespace; attributes without a prefix are in none.
    fn resolved(
        &self,
        name: &str,
        is_element: bool,
        at: usize,
    ) -> Result<(String, String), DecodeError> {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        if !is_name(local) || local.contains(':') {
            return Err(malformed(self.format, at, "a name"));
        }
        if prefix == "xml" {
            return Ok((XML.to_owned(), local.to_owned()));
        }
        if prefix.is_empty() && !is_element {
            return Ok((String::new(), local.to_owned()));
        }
        let space = self.scope.iter().rev().find(|(own, _)| own == prefix);
        match space {
            Some((_, space)) if !space.is_empty() || prefix.is_empty() => {
                Ok((space.clone(), local.to_owned()))
            }
            None if prefix.is_empty() => Ok((String::new(), local.to_owned())),
            _ => Err(malformed(self.format, at, "a prefix that is declared")),
        }
    }

    fn close(&mut self) {
        let Some(mut open) = self.open.pop() else {
            return;
        };
        self.scope.truncate(open.scope);
        let content = &mut open.element.content;
        if content
            .iter()
            .any(|part| matches!(part, Content::Element(_)))
        {
            content
                .retain(|part| !matches!(part, Content::Text(text) if text.bytes().all(is_blank)));
        }
        match self.open.last_mut() {
            Some(parent) => parent.element.content.push(Content::Element(open.element)),
            None => self.root = Some(open.element),
        }
    }

    fn count(&mut self, at: usize) -> Result<(), DecodeError> {
        self.parts = self.parts.saturating_add(1);
        if self.parts > limits::XML_PARTS {
            return Err(self.fault(at, Class::TooLarge, "fewer elements, attributes and texts"));
        }
        Ok(())
    }

    const fn fault(&self, offset: usize, class: Class, expected: &'static str) -> DecodeError {
        DecodeError {
            format: self.format,
            offset,
            class,
            expected,
        }
    }
}

/// The prefix that an attribute declares a namespace for.
fn declared(name: &str) -> Option<&str> {
    match name.strip_prefix("xmlns")? {
        "" => Some(""),
        rest => rest.strip_prefix(':'),
    }
}
