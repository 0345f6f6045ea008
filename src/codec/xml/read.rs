//! Reading a document, with or without the places of its parts.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::errors::{Error, IllFormedError};
use quick_xml::events::attributes::AttrError;
use quick_xml::events::{BytesStart, Event};

use super::{Attribute, Content, Element, XML};
use crate::codec::{Class, DecodeError, Span};
use crate::limits;

/// Reads a document; faults carry the name of `format`.
///
/// # Errors
/// Not well-formed, a DOCTYPE or an entity, more octets, depth or parts than [`limits`] allows.
pub fn read(format: &'static str, octets: &[u8]) -> Result<Element, DecodeError> {
    Pass::new(format, None).run(octets)
}

/// Where each part of a document stands, up to the first fault; together they cover the octets read.
#[must_use]
pub fn spans(format: &'static str, clause: &'static str, octets: &[u8]) -> Vec<Span> {
    let mut pass = Pass::new(format, Some(clause));
    // The fault itself is told by `read`.
    let _ = pass.run(octets);
    pass.spans
}

/// An element whose end tag has not come.
struct Open {
    element: Element,
    /// `presence.tuple[1]`, kept for spans only.
    path: String,
    /// Namespaces in scope before it.
    scope: usize,
    /// Elements in it so far by name, kept for spans only.
    inside: BTreeMap<String, usize>,
}

struct Pass {
    format: &'static str,
    clause: Option<&'static str>,
    spans: Vec<Span>,
    open: Vec<Open>,
    root: Option<Element>,
    /// Prefix and namespace, the nearest last.
    scope: Vec<(String, String)>,
    parts: usize,
    base: usize,
}

impl Pass {
    const fn new(format: &'static str, clause: Option<&'static str>) -> Self {
        Self {
            format,
            clause,
            spans: Vec::new(),
            open: Vec::new(),
            root: None,
            scope: Vec::new(),
            parts: 0,
            base: 0,
        }
    }

    fn run(&mut self, octets: &[u8]) -> Result<Element, DecodeError> {
        if octets.len() > limits::XML_OCTETS {
            return Err(self.fault(limits::XML_OCTETS, Class::TooLarge, "the document's end"));
        }
        let text = self.text_of(octets)?;
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_comments = true;
        loop {
            let at = self.offset(reader.buffer_position());
            let event = reader
                .read_event()
                .map_err(|error| self.refused(&error, reader.error_position()))?;
            if matches!(event, Event::Eof) {
                break;
            }
            let end = self.offset(reader.buffer_position());
            self.take(&event, at, end)?;
        }
        match (self.root.take(), self.open.is_empty()) {
            (Some(root), true) => Ok(root),
            (_, false) => Err(self.malformed(octets.len(), "the end tag of every element")),
            (None, true) => Err(self.malformed(octets.len(), "an element")),
        }
    }

    /// The octets as text, without the byte order mark.
    fn text_of<'a>(&mut self, octets: &'a [u8]) -> Result<&'a str, DecodeError> {
        let rest = match octets.strip_prefix(b"\xef\xbb\xbf") {
            Some(rest) => {
                self.base = 3;
                self.span(0, 3, "", "byte order mark");
                rest
            }
            None => octets,
        };
        let text = core::str::from_utf8(rest).map_err(|error| {
            self.malformed(self.base.saturating_add(error.valid_up_to()), "UTF-8 text")
        })?;
        match text.char_indices().find(|(_, c)| !is_xml_char(*c)) {
            Some((at, _)) => {
                Err(self.malformed(self.base.saturating_add(at), "a character that XML allows"))
            }
            None => Ok(text),
        }
    }

    fn take(&mut self, event: &Event<'_>, at: usize, end: usize) -> Result<(), DecodeError> {
        match event {
            Event::Decl(_) => {
                if at != self.base {
                    return Err(self.malformed(at, "the XML declaration at the very start"));
                }
                self.span(at, end, "", "XML declaration");
                Ok(())
            }
            Event::DocType(_) => Err(self.fault(at, Class::XmlForbidden, "no DOCTYPE")),
            Event::Start(tag) => self.start(tag, at, end),
            Event::Empty(tag) => {
                self.start(tag, at, end)?;
                self.close();
                Ok(())
            }
            Event::End(_) => {
                let path = self.path();
                self.span(at, end, &path, "end");
                self.close();
                Ok(())
            }
            Event::Text(text) => self.text(&normal(text), at, end),
            Event::CData(text) => self.text(&normal(text), at, end),
            Event::GeneralRef(name) => {
                let character = self.resolve(name, at)?;
                self.text(character.encode_utf8(&mut [0; 4]), at, end)
            }
            Event::PI(_) => {
                self.span(at, end, "", "instruction");
                Ok(())
            }
            Event::Comment(_) => {
                self.span(at, end, "", "comment");
                Ok(())
            }
            Event::Eof => Ok(()),
        }
    }

    fn text(&mut self, text: &str, at: usize, end: usize) -> Result<(), DecodeError> {
        let blank = text.bytes().all(is_blank);
        let path = self.path();
        let shown = if blank { "white space" } else { text.trim() };
        let Some(open) = self.open.last_mut() else {
            if blank {
                self.span(at, end, "", shown);
                return Ok(());
            }
            return Err(self.malformed(at, "no text outside the element"));
        };
        match open.element.content.last_mut() {
            Some(Content::Text(before)) => before.push_str(text),
            _ => {
                open.element.content.push(Content::Text(text.to_owned()));
                self.count(at)?;
            }
        }
        self.span(at, end, &path, shown);
        Ok(())
    }

    fn start(&mut self, tag: &BytesStart<'_>, at: usize, end: usize) -> Result<(), DecodeError> {
        if self.open.is_empty() && self.root.is_some() {
            return Err(self.malformed(at, "one element only"));
        }
        if self.open.len() >= limits::XML_DEPTH {
            return Err(self.fault(at, Class::TooLarge, "elements nested less deeply"));
        }
        self.count(at)?;
        let scope = self.scope.len();
        let raw = self.attributes(tag, at.saturating_add(1))?;
        for (name, value, at) in &raw {
            let prefix = match name.strip_prefix("xmlns") {
                Some("") => "",
                Some(rest) => match rest.strip_prefix(':') {
                    Some(prefix) => prefix,
                    None => continue,
                },
                None => continue,
            };
            if value.len() > limits::XML_NAMESPACE_OCTETS {
                return Err(self.fault(*at, Class::TooLarge, "a shorter namespace"));
            }
            self.scope.push((prefix.to_owned(), value.clone()));
        }
        let (space, name) = self.resolved(tag.name().as_ref(), true, at.saturating_add(1))?;
        let mut element = Element {
            space,
            name,
            at,
            ..Element::default()
        };
        let path = self.path_of(&element.name);
        self.tag_spans(&raw, &path, &element.name, at, end);
        for (name, value, at) in raw {
            if name == "xmlns" || name.starts_with("xmlns:") {
                continue;
            }
            let (space, name) = self.resolved(&name, false, at)?;
            let again = |own: &Attribute| own.space == space && own.name == name;
            if element.attributes.iter().any(again) {
                return Err(self.malformed(at, "each attribute once"));
            }
            element.attributes.push(Attribute { space, name, value });
        }
        self.open.push(Open {
            element,
            path,
            scope,
            inside: BTreeMap::new(),
        });
        Ok(())
    }

    /// A start tag in pieces: its name, and each attribute with the white space before it.
    fn tag_spans(
        &mut self,
        raw: &[(String, String, usize)],
        path: &str,
        name: &str,
        at: usize,
        end: usize,
    ) {
        // The last piece takes the closing bracket, so that nothing is left between pieces.
        let ends = raw.iter().map(|(_, _, at)| *at).chain([end]);
        let starts: Vec<usize> = [at].into_iter().chain(ends).collect();
        let names = [(path.to_owned(), name.to_owned())].into_iter();
        let pieces = names.chain(
            raw.iter()
                .map(|(name, value, _)| (format!("{path}.{name}"), value.clone())),
        );
        for ((path, value), pair) in pieces.zip(starts.windows(2)) {
            if let [from, to] = pair {
                self.span(*from, *to, &path, &value);
            }
        }
    }

    /// Names as written, values as XML reads them, and offsets.
    fn attributes(
        &mut self,
        tag: &BytesStart<'_>,
        base: usize,
    ) -> Result<Vec<(String, String, usize)>, DecodeError> {
        let inside: &str = tag;
        let start = inside.as_ptr().addr();
        let mut found = Vec::new();
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|error| self.broken(&error, base))?;
            let name: &str = attribute.key.as_ref();
            let within = name.as_ptr().addr().saturating_sub(start);
            let at = base.saturating_add(within);
            let before = within
                .checked_sub(1)
                .and_then(|i| inside.as_bytes().get(i))
                .copied();
            if !before.is_some_and(is_blank) || !is_name(name) {
                return Err(self.malformed(at, "white space and an attribute name"));
            }
            if found.len() >= limits::XML_ATTRIBUTES {
                return Err(self.fault(at, Class::TooLarge, "fewer attributes"));
            }
            let value = self.unescape(&attribute.value, at)?;
            self.count(at)?;
            found.push((name.to_owned(), value, at));
        }
        Ok(found)
    }

    /// A name with its namespace; attributes without a prefix are in none.
    fn resolved(
        &self,
        name: &str,
        is_element: bool,
        at: usize,
    ) -> Result<(String, String), DecodeError> {
        if name.len() > limits::XML_NAME_OCTETS {
            return Err(self.fault(at, Class::TooLarge, "a shorter name"));
        }
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        if !is_name(local) || local.contains(':') {
            return Err(self.malformed(at, "a name"));
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
            _ => Err(self.malformed(at, "a prefix that is declared")),
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

    /// The value of an attribute: references resolved, white space turned to spaces (XML 1.0 section 3.3.3).
    fn unescape(&self, raw: &str, at: usize) -> Result<String, DecodeError> {
        let mut value = String::with_capacity(raw.len());
        let mut rest = raw;
        while let Some(next) = rest.chars().next() {
            let (taken, character) = match next {
                '<' => return Err(self.malformed(at, "&lt; for < in a value")),
                '&' => {
                    let name = rest
                        .get(1..)
                        .and_then(|tail| tail.split_once(';'))
                        .map(|(name, _)| name)
                        .ok_or_else(|| self.malformed(at, "&amp; for & in a value"))?;
                    (name.len().saturating_add(2), self.resolve(name, at)?)
                }
                '\r' if rest.starts_with("\r\n") => (2, ' '),
                '\t' | '\n' | '\r' => (1, ' '),
                other => (other.len_utf8(), other),
            };
            value.push(character);
            rest = rest.get(taken..).unwrap_or_default();
        }
        Ok(value)
    }

    /// The character of a reference; only the five names of XML exist.
    fn resolve(&self, name: &str, at: usize) -> Result<char, DecodeError> {
        let digits = match name {
            "amp" => return Ok('&'),
            "lt" => return Ok('<'),
            "gt" => return Ok('>'),
            "quot" => return Ok('"'),
            "apos" => return Ok('\''),
            _ => name.strip_prefix('#').ok_or_else(|| {
                self.fault(at, Class::XmlForbidden, "no entity but those of XML itself")
            })?,
        };
        let code = match digits.strip_prefix('x') {
            Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16),
            None if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse(),
            _ => return Err(self.malformed(at, "a character reference")),
        };
        code.ok()
            .and_then(char::from_u32)
            .filter(|c| is_xml_char(*c))
            .ok_or_else(|| self.malformed(at, "a reference to a character that XML allows"))
    }

    fn count(&mut self, at: usize) -> Result<(), DecodeError> {
        self.parts = self.parts.saturating_add(1);
        if self.parts > limits::XML_PARTS {
            return Err(self.fault(at, Class::TooLarge, "fewer elements, attributes and texts"));
        }
        Ok(())
    }

    fn path(&self) -> String {
        self.open
            .last()
            .map(|open| open.path.clone())
            .unwrap_or_default()
    }

    /// `presence.tuple[1]`: siblings of one name are numbered from 0, the first without its number.
    fn path_of(&mut self, name: &str) -> String {
        if self.clause.is_none() {
            return String::new();
        }
        let Some(parent) = self.open.last_mut() else {
            return name.to_owned();
        };
        let number = parent.inside.entry(name.to_owned()).or_default();
        let path = match *number {
            0 => format!("{}.{name}", parent.path),
            number => format!("{}.{name}[{number}]", parent.path),
        };
        *number = number.saturating_add(1);
        path
    }

    fn span(&mut self, at: usize, end: usize, path: &str, value: &str) {
        let Some(clause) = self.clause else { return };
        let path = if path.is_empty() {
            self.format.to_owned()
        } else {
            format!("{}.{path}", self.format)
        };
        self.spans.push(Span {
            at,
            len: end.saturating_sub(at),
            path,
            value: value.split_whitespace().collect::<Vec<_>>().join(" "),
            clause,
        });
    }

    fn offset(&self, position: u64) -> usize {
        usize::try_from(position)
            .unwrap_or(usize::MAX)
            .saturating_add(self.base)
    }

    fn refused(&self, error: &Error, position: u64) -> DecodeError {
        let expected = match error {
            Error::IllFormed(
                IllFormedError::MismatchedEndTag { .. } | IllFormedError::UnmatchedEndTag(_),
            ) => "the end tag of the open element",
            Error::Syntax(_) => "the end of the markup",
            _ => "well-formed markup",
        };
        self.malformed(self.offset(position), expected)
    }

    fn broken(&self, error: &AttrError, base: usize) -> DecodeError {
        let (within, expected) = match error {
            AttrError::ExpectedEq(at) => (*at, "= after an attribute name"),
            AttrError::ExpectedValue(at) => (*at, "an attribute value"),
            AttrError::UnquotedValue(at) => (*at, "a quoted attribute value"),
            AttrError::ExpectedQuote(at, _) => (*at, "the closing quote of an attribute value"),
            AttrError::Duplicated(at, _) => (*at, "each attribute once"),
        };
        self.malformed(base.saturating_add(within), expected)
    }

    const fn malformed(&self, at: usize, expected: &'static str) -> DecodeError {
        self.fault(at, Class::XmlNotWellFormed, expected)
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

/// Line ends as one LF each (XML 1.0 section 2.11).
fn normal(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// A character that may stand in an XML 1.0 document.
pub(super) const fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

/// A name that may stand in a tag.
pub(super) fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    let starts = characters
        .next()
        .is_some_and(|c| c.is_alphabetic() || c == '_' || c == ':');
    starts
        && characters.all(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '-' | '.' | '\u{b7}'))
}
