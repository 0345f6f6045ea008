//! The XML form of a document: a source of the same events, and the writer.
//!
//! **Source:** XML 1.0. Only the five names of XML and character references are resolved; a DOCTYPE is passed over, its
//! internal subset is refused, nothing external is read.

use std::borrow::Cow;
use std::collections::VecDeque;

use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesStart, Event as Markup};
use quick_xml::reader::Reader as Tokens;

use super::charset::is_xml;
use super::element::{Element, Node};
use super::grammar::{Broken, Grammar};
use super::is_name;
use super::language::{Kind, Language};
use super::reader::{Event, ROOT, Source};
use super::value::{Name, Part, Value};
use super::writer::writable;
use crate::codec::format::{Deviation, FieldFault};
use crate::codec::{Class, DecodeError, Span};
use crate::limits;

/// A reading of XML from front to back.
#[derive(Debug)]
pub struct XmlReader<'a> {
    language: &'static Language,
    tokens: Tokens<&'a [u8]>,
    /// Octets before the text: a byte order mark.
    base: usize,
    octets: usize,
    grammar: Grammar,
    events: VecDeque<Event<'a>>,
    text: Option<(String, usize)>,
    nodes: usize,
    met_root: bool,
    lenient: bool,
    deviations: Vec<Deviation>,
}

impl<'a> XmlReader<'a> {
    /// A reader before a document of that type.
    ///
    /// # Errors
    /// Too many octets, or octets that are no text.
    pub fn new(
        language: &'static Language,
        octets: &'a [u8],
        lenient: bool,
    ) -> Result<Self, DecodeError> {
        let fault = |offset, class, expected| DecodeError {
            format: language.xml_format,
            offset,
            class,
            expected,
        };
        if octets.len() > limits::WBXML_OCTETS {
            let expected = "the end of the document";
            return Err(fault(limits::WBXML_OCTETS, Class::TooLarge, expected));
        }
        let rest = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets);
        let base = octets.len().saturating_sub(rest.len());
        let malformed = |at: usize| {
            let at = base.saturating_add(at);
            fault(at, Class::XmlNotWellFormed, "text in UTF-8 that XML allows")
        };
        let text = core::str::from_utf8(rest).map_err(|error| malformed(error.valid_up_to()))?;
        if let Some((at, _)) = text.char_indices().find(|(_, letter)| !is_xml(*letter)) {
            return Err(malformed(at));
        }
        let mut tokens = Tokens::from_str(text);
        tokens.config_mut().check_comments = true;
        Ok(Self {
            language,
            tokens,
            base,
            octets: octets.len(),
            grammar: Grammar::new(language),
            events: VecDeque::new(),
            text: None,
            nodes: 0,
            met_root: false,
            lenient,
            deviations: Vec::new(),
        })
    }

    /// Where each tag and text stands and what it says, up to the first fault.
    pub(super) fn spans(mut self) -> Vec<Span> {
        let mut spans = Vec::new();
        let mut path: Vec<String> = Vec::new();
        let mut note = |at: usize, end: usize, path: &[String], value: &str| {
            let len = end.saturating_sub(at);
            let name = if path.is_empty() {
                "xml".to_owned()
            } else {
                path.join(".")
            };
            spans.extend((len > 0).then(|| Span {
                at,
                len,
                path: name,
                value: value.to_owned(),
                clause: self.language.clause,
            }));
        };
        note(0, self.base, &path, "byte order mark");
        loop {
            let at = self.offset(self.tokens.buffer_position());
            let Ok(markup) = self.tokens.read_event() else {
                break;
            };
            let end = self.offset(self.tokens.buffer_position());
            if matches!(markup, Markup::Eof) || self.take(&markup, at).is_err() {
                break;
            }
            self.events.clear();
            match &markup {
                Markup::Start(tag) => {
                    path.push(tag.name().as_ref().to_owned());
                    note(at, end, &path, tag);
                }
                Markup::Empty(tag) => {
                    path.push(tag.name().as_ref().to_owned());
                    note(at, end, &path, tag);
                    path.pop();
                }
                Markup::End(_) => {
                    note(at, end, &path, "end tag");
                    path.pop();
                }
                Markup::Text(text) => note(at, end, &path, text),
                Markup::CData(text) => note(at, end, &path, text),
                Markup::GeneralRef(name) => note(at, end, &path, name),
                Markup::Decl(text) => note(at, end, &path, text),
                Markup::DocType(text) => note(at, end, &path, text),
                Markup::PI(text) => note(at, end, &path, text),
                Markup::Comment(text) => note(at, end, &path, text),
                Markup::Eof => {}
            }
        }
        spans
    }

    /// What a strict reader would have refused so far.
    #[must_use]
    pub fn deviations(self) -> Vec<Deviation> {
        self.deviations
    }

    fn take(&mut self, markup: &Markup<'_>, at: usize) -> Result<(), DecodeError> {
        match markup {
            Markup::Decl(declaration) => self.declaration(declaration, at),
            Markup::DocType(inside) => {
                if self.met_root {
                    return Err(self.malformed(at, "the DOCTYPE before the root element"));
                }
                if inside.contains('[') {
                    let expected = "a DOCTYPE without an internal subset";
                    return Err(self.fault(at, Class::XmlForbidden, expected));
                }
                Ok(())
            }
            Markup::Start(tag) => self.start(tag, at),
            Markup::Empty(tag) => {
                self.start(tag, at)?;
                self.end(at)
            }
            Markup::End(_) => self.end(at),
            Markup::Text(text) => self.add_text(&line_ends(text), at),
            Markup::CData(text) => self.add_text(&line_ends(text), at),
            Markup::GeneralRef(name) => {
                let letter = self.resolve(name, at)?;
                self.add_text(letter.encode_utf8(&mut [0; 4]), at)
            }
            Markup::PI(_) | Markup::Comment(_) | Markup::Eof => Ok(()),
        }
    }

    fn declaration(&self, text: &str, at: usize) -> Result<(), DecodeError> {
        if at != self.base {
            return Err(self.malformed(at, "the XML declaration at the very start"));
        }
        let Some((_, encoding)) = text.split_once("encoding") else {
            return Ok(());
        };
        let encoding = encoding.trim_start_matches([' ', '=', '\t', '\r', '\n', '"', '\'']);
        let known = ["utf-8", "us-ascii"];
        let is = |name: &&str| {
            let head = encoding.get(..name.len());
            head.is_some_and(|head| head.eq_ignore_ascii_case(name))
        };
        if known.iter().any(is) {
            Ok(())
        } else {
            Err(self.malformed(at, "UTF-8"))
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>, at: usize) -> Result<(), DecodeError> {
        self.flush()?;
        if self.grammar.depth() == 0 && self.met_root {
            return Err(self.malformed(at, "one root element only"));
        }
        self.met_root = true;
        self.node(at)?;
        let name = tag.name();
        let name = self.name(name.as_ref(), at, true)?;
        let result = self.grammar.open(&name);
        self.allow(result, at)?;
        self.events.push_back(Event::Open(name));
        let inside: &str = tag;
        for (number, attribute) in tag.attributes().enumerate() {
            if number >= limits::XML_ATTRIBUTES {
                return Err(self.fault(at, Class::TooLarge, "fewer attributes"));
            }
            let wrong = |_| self.malformed(at, "attributes, each once and in quotes");
            let Attribute { key, value } = attribute.map_err(wrong)?;
            let key: &str = key.as_ref();
            let within = key.as_ptr().addr().saturating_sub(inside.as_ptr().addr());
            let at = at.saturating_add(1).saturating_add(within);
            self.attribute(key, &value, at)?;
        }
        let result = self.grammar.attributes_end();
        self.allow(result, at)
    }

    fn attribute(&mut self, key: &str, raw: &str, at: usize) -> Result<(), DecodeError> {
        self.node(at)?;
        let name = self.name(key, at, false)?;
        let rule = match self.grammar.attribute(&name) {
            Ok(rule) => rule,
            Err(broken) => {
                self.allow(Err(broken), at)?;
                None
            }
        };
        let value_at = at.saturating_add(key.len());
        let mut value = self.unescaped(raw, value_at)?;
        match rule.map(|rule| rule.kind) {
            Some(Kind::Words(words)) => {
                value = value.trim_matches(' ').to_owned();
                if !words.contains(&value.as_str()) {
                    self.deviate(at, Class::XmlInvalid, "a word of this attribute")?;
                }
            }
            Some(Kind::Date) if value.parse::<super::Stamp>().is_err() => {
                self.deviate(at, Class::BadValue, "an instant as 1999-04-30T06:40:00Z")?;
            }
            _ => {}
        }
        let value = Value::Plain(Cow::Owned(value));
        self.events.push_back(Event::Attribute(name, value));
        Ok(())
    }

    fn name(&self, name: &str, at: usize, element: bool) -> Result<Name<'a>, DecodeError> {
        if name.len() > limits::WBXML_NAME_OCTETS {
            return Err(self.fault(at, Class::TooLarge, "a shorter name"));
        }
        if !is_name(name) {
            return Err(self.malformed(at, "a name"));
        }
        let known = if element {
            self.language.element(name).map(|rule| rule.name)
        } else {
            self.language.attribute(name)
        };
        Ok(known.map_or_else(|| Name::Other(Cow::Owned(name.to_owned())), Name::Known))
    }

    fn end(&mut self, at: usize) -> Result<(), DecodeError> {
        self.flush()?;
        let result = self.grammar.close();
        self.allow(result, at)?;
        self.events.push_back(Event::Close);
        Ok(())
    }

    fn add_text(&mut self, text: &str, at: usize) -> Result<(), DecodeError> {
        if self.grammar.depth() == 0 {
            let blank = text.trim_ascii().is_empty();
            return if blank {
                Ok(())
            } else {
                Err(self.malformed(at, "no text outside the root element"))
            };
        }
        let (sum, _) = self.text.get_or_insert_with(|| (String::new(), at));
        sum.push_str(text);
        Ok(())
    }

    /// The text so far is complete.
    fn flush(&mut self) -> Result<(), DecodeError> {
        let Some((text, at)) = self.text.take() else {
            return Ok(());
        };
        self.node(at)?;
        if !self.grammar.holds_text() {
            if text.trim_ascii().is_empty() {
                return Ok(());
            }
            self.deviate(at, Class::XmlInvalid, "no text between elements")?;
        }
        self.events
            .push_back(Event::Text(Value::Plain(text.into())));
        Ok(())
    }

    /// The value of an attribute: references resolved, white space turned to spaces (XML 1.0 section 3.3.3).
    fn unescaped(&self, raw: &str, at: usize) -> Result<String, DecodeError> {
        let mut value = String::with_capacity(raw.len());
        let mut rest = raw;
        while let Some(next) = rest.chars().next() {
            let (taken, letter) = match next {
                '<' => return Err(self.malformed(at, "&lt; for < in a value")),
                '&' => {
                    let name = rest.get(1..).and_then(|tail| tail.split_once(';'));
                    let (name, _) =
                        name.ok_or_else(|| self.malformed(at, "&amp; for & in a value"))?;
                    (name.len().saturating_add(2), self.resolve(name, at)?)
                }
                '\r' if rest.starts_with("\r\n") => (2, ' '),
                '\t' | '\n' | '\r' => (1, ' '),
                other => (other.len_utf8(), other),
            };
            value.push(letter);
            rest = rest.get(taken..).unwrap_or_default();
        }
        Ok(value)
    }

    /// The character of a reference.
    fn resolve(&self, name: &str, at: usize) -> Result<char, DecodeError> {
        let code = match name {
            "amp" => return Ok('&'),
            "lt" => return Ok('<'),
            "gt" => return Ok('>'),
            "quot" => return Ok('"'),
            "apos" => return Ok('\''),
            other => match (other.strip_prefix("#x"), other.strip_prefix('#')) {
                (Some(digits), _) if digits.bytes().all(|b| b.is_ascii_hexdigit()) => {
                    u32::from_str_radix(digits, 16).ok()
                }
                (None, Some(digits)) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                    digits.parse().ok()
                }
                (None, None) => {
                    let expected = "no entity but those that XML itself declares";
                    return Err(self.fault(at, Class::XmlForbidden, expected));
                }
                _ => None,
            },
        };
        code.and_then(char::from_u32)
            .filter(|letter| is_xml(*letter))
            .ok_or_else(|| self.malformed(at, "a reference to a character that XML allows"))
    }

    fn allow(&mut self, result: Result<(), Broken>, at: usize) -> Result<(), DecodeError> {
        match result {
            Ok(()) => Ok(()),
            Err(Broken::Deep) => {
                Err(self.fault(at, Class::TooLarge, "elements nested less deeply"))
            }
            Err(Broken::Root) => Err(self.fault(at, Class::XmlInvalid, ROOT)),
            // What is missing cannot be passed over.
            Err(Broken::Missing(expected)) => Err(self.fault(at, Class::XmlInvalid, expected)),
            Err(Broken::Unknown(expected) | Broken::Misplaced(expected)) => {
                self.deviate(at, Class::XmlInvalid, expected)
            }
        }
    }

    fn deviate(
        &mut self,
        at: usize,
        class: Class,
        expected: &'static str,
    ) -> Result<(), DecodeError> {
        if self.lenient {
            self.deviations.push(Deviation { at, what: expected });
            Ok(())
        } else {
            Err(self.fault(at, class, expected))
        }
    }

    fn node(&mut self, at: usize) -> Result<(), DecodeError> {
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes > limits::WBXML_NODES {
            let expected = "a document of fewer elements and values";
            return Err(self.fault(at, Class::TooLarge, expected));
        }
        Ok(())
    }

    const fn malformed(&self, at: usize, expected: &'static str) -> DecodeError {
        self.fault(at, Class::XmlNotWellFormed, expected)
    }

    const fn fault(&self, offset: usize, class: Class, expected: &'static str) -> DecodeError {
        DecodeError {
            format: self.language.xml_format,
            offset,
            class,
            expected,
        }
    }

    fn offset(&self, position: u64) -> usize {
        let position = usize::try_from(position).unwrap_or(usize::MAX);
        position.saturating_add(self.base)
    }
}

impl<'a> Source<'a> for XmlReader<'a> {
    fn next(&mut self) -> Result<Option<Event<'a>>, DecodeError> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            let at = self.offset(self.tokens.buffer_position());
            let markup = self.tokens.read_event().map_err(|_| {
                let at = self.offset(self.tokens.error_position());
                self.malformed(at, "well-formed markup")
            })?;
            if matches!(markup, Markup::Eof) {
                let whole = self.met_root && self.grammar.depth() == 0;
                let missing = self.malformed(self.octets, "the end tag of every element");
                return if whole { Ok(None) } else { Err(missing) };
            }
            self.take(&markup, at)?;
        }
    }
}

/// Line ends as XML reports them (section 2.11).
fn line_ends(text: &str) -> Cow<'_, str> {
    if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n").into()
    } else {
        text.into()
    }
}

/// The XML of a document.
///
/// # Errors
/// What XML cannot hold: tokens without a name, octets that are no text.
pub fn write(language: &'static Language, root: &Element<'_>) -> Result<Vec<u8>, FieldFault> {
    let Language {
        public_id,
        system_id,
        ..
    } = language;
    let name = language.root();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE {name} PUBLIC \"{public_id}\" \"{system_id}\">\n"
    );
    element(&mut out, root, 1)?;
    Ok(out.into_bytes())
}

fn element(out: &mut String, of: &Element<'_>, depth: usize) -> Result<(), FieldFault> {
    if depth > limits::WBXML_DEPTH {
        return Err(FieldFault::new("elements are nested too deeply"));
    }
    let name = named(&of.name)?;
    out.push('<');
    out.push_str(&name);
    for (attribute, value) in &of.attributes {
        out.push(' ');
        out.push_str(&named(attribute)?);
        out.push_str("=\"");
        for part in value {
            escape(out, part, true)?;
        }
        out.push('"');
    }
    if of.content.is_empty() {
        out.push_str("/>");
        return Ok(());
    }
    out.push('>');
    for node in &of.content {
        match node {
            Node::Element(inner) => element(out, inner, depth.saturating_add(1))?,
            Node::Text(part) => escape(out, part, false)?,
        }
    }
    out.push_str("</");
    out.push_str(&name);
    out.push('>');
    Ok(())
}

fn named(name: &Name<'_>) -> Result<String, FieldFault> {
    match name {
        Name::Token { .. } => Err(FieldFault::new(format_args!(
            "the token {name} has no name in XML"
        ))),
        name => Ok(name.to_string()),
    }
}

fn escape(out: &mut String, part: &Part<'_>, attribute: bool) -> Result<(), FieldFault> {
    let Part::Text(text) = part else {
        return Err(FieldFault::new("a value is no text, XML cannot hold it"));
    };
    for letter in text.chars().map(writable) {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if attribute => out.push_str("&quot;"),
            '\t' if attribute => out.push_str("&#9;"),
            '\n' if attribute => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            letter => out.push(letter),
        }
    }
    Ok(())
}
