//! The XML form of a document: a source of the same events, and the writer.
//!
//! **Source:** XML 1.0. A DOCTYPE is passed over, its internal subset is refused.

use std::borrow::Cow;

use super::element::{Element, Node};
use super::grammar::{Broken, Grammar};
use super::language::{Kind, Language};
use super::reader::ROOT;
use super::source::{Sink, Source};
use super::value::{Name, Part, Value, append};
use crate::codec::format::{Deviation, FieldFault, Tolerance};
use crate::codec::xml::{self as markup, Attr, Bounds, Outline, Tag, Token, Tokens};
use crate::codec::{Class, DecodeError, Span};
use crate::limits;

const BOUNDS: Bounds = Bounds {
    octets: limits::WBXML_OCTETS,
    depth: limits::WBXML_DEPTH,
    name_octets: limits::WBXML_NAME_OCTETS,
};

/// A reading of XML from front to back.
#[derive(Debug)]
pub struct XmlReader<'a> {
    language: &'static Language,
    tokens: Tokens<'a>,
    grammar: Grammar,
    /// Text that may go on, and its place.
    text: Option<(Cow<'a, str>, usize)>,
    nodes: usize,
    tolerance: Tolerance,
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
        Ok(Self {
            language,
            tokens: Tokens::new(language.xml_format, octets, BOUNDS)?,
            grammar: Grammar::new(language),
            text: None,
            nodes: 0,
            tolerance: Tolerance::of(lenient),
        })
    }

    /// Where each part stands and what it says, up to the first fault.
    pub(super) fn spans(mut self) -> Vec<Span> {
        let mut outline = Outline::new(self.language.clause, &self.tokens);
        while let Ok(Some(token)) = self.tokens.next() {
            outline.note(&token, &self.tokens);
            if self.take(token, &mut ()).is_err() {
                break;
            }
        }
        outline.spans()
    }

    /// What a strict reader would have refused so far.
    #[must_use]
    pub fn deviations(self) -> Vec<Deviation> {
        self.tolerance.deviations()
    }

    fn take(&mut self, token: Token<'a>, sink: &mut impl Sink<'a>) -> Result<(), DecodeError> {
        let (at, _) = self.tokens.place();
        match token {
            Token::Doctype(doctype) => match doctype.subset {
                Some((_, at)) => {
                    let expected = "a DOCTYPE without an internal subset";
                    Err(self.fault(at, Class::XmlForbidden, expected))
                }
                None => Ok(()),
            },
            Token::Start(tag) => self.start(tag, sink),
            Token::Empty(tag) => {
                self.start(tag, sink)?;
                self.end(at, sink)
            }
            Token::End => self.end(at, sink),
            Token::Text(_) | Token::Section(_) | Token::Letter(_) => {
                if let Some(text) = token.into_text().filter(|_| self.grammar.depth() > 0) {
                    let (sum, _) = self.text.get_or_insert((Cow::Borrowed(""), at));
                    append(sum, text);
                }
                Ok(())
            }
            Token::Comment | Token::Instruction => self.node(at),
            Token::Declaration => Ok(()),
        }
    }

    fn start(&mut self, tag: Tag<'a>, sink: &mut impl Sink<'a>) -> Result<(), DecodeError> {
        self.flush(sink)?;
        self.node(tag.at)?;
        let rule = self.language.element(tag.name);
        let result = self.grammar.open(rule);
        self.allow(result, tag.at)?;
        sink.open(rule.map_or(Name::Other(tag.name), |rule| Name::Known(rule.name)));
        let of = self.grammar.name();
        for Attr { name, value, at } in tag.attributes {
            let (name, value) = self.attribute(name, value, at)?;
            sink.attribute(of, name, value);
        }
        let result = self.grammar.attributes_end();
        self.allow(result, tag.at)
    }

    fn attribute(
        &mut self,
        name: &'a str,
        mut value: Cow<'a, str>,
        at: usize,
    ) -> Result<(Name<'a>, Value<'a>), DecodeError> {
        self.node(at)?;
        let rule = self.language.attribute(name);
        let name = rule.map_or(Name::Other(name), |rule| Name::Known(rule.name));
        let rule = match self.grammar.attribute(rule) {
            Ok(rule) => rule,
            Err(broken) => {
                self.allow(Err(broken), at)?;
                None
            }
        };
        match rule.map(|rule| rule.kind) {
            Some(Kind::Words(words)) => {
                let word = value.trim_matches(' ');
                if word.len() < value.len() {
                    value = word.to_owned().into();
                }
                if !words.contains(&&*value) {
                    self.deviate(at, Class::XmlInvalid, "a word of this attribute")?;
                }
            }
            Some(Kind::Date) if value.parse::<super::Stamp>().is_err() => {
                self.deviate(at, Class::BadValue, "an instant as 1999-04-30T06:40:00Z")?;
            }
            _ => {}
        }
        Ok((name, Value::Text(value)))
    }

    fn end(&mut self, at: usize, sink: &mut impl Sink<'a>) -> Result<(), DecodeError> {
        self.flush(sink)?;
        let result = self.grammar.close();
        self.allow(result, at)?;
        sink.close();
        Ok(())
    }

    /// The text so far is complete.
    fn flush(&mut self, sink: &mut impl Sink<'a>) -> Result<(), DecodeError> {
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
        sink.text(self.grammar.name(), Value::Text(text));
        Ok(())
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
        self.tolerance.deviate(self.fault(at, class, expected))
    }

    fn node(&mut self, at: usize) -> Result<(), DecodeError> {
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes > limits::WBXML_NODES {
            let expected = "a document of fewer elements and values";
            return Err(self.fault(at, Class::TooLarge, expected));
        }
        Ok(())
    }

    const fn fault(&self, offset: usize, class: Class, expected: &'static str) -> DecodeError {
        DecodeError {
            format: self.language.xml_format,
            offset,
            class,
            expected,
        }
    }
}

impl<'a> Source<'a> for XmlReader<'a> {
    fn tell(&mut self, sink: &mut impl Sink<'a>) -> Result<(), DecodeError> {
        while let Some(token) = self.tokens.next()? {
            self.take(token, sink)?;
        }
        Ok(())
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
    markup::escape(out, text, attribute);
    Ok(())
}
