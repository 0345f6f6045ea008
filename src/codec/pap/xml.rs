//! The XML of a PAP document as a small tree, with the offset of everything; the only file that knows the XML reader.
//!
//! **Source:** XML 1.0 (well-formedness), WAP-247 sections 9 and 13 (prolog). Not here: which elements and attributes
//! a PAP document may have (`dtd`). The external DTD is never fetched and no entity is ever declared.

use quick_xml::Reader;
use quick_xml::errors::{Error, IllFormedError};
use quick_xml::events::attributes::{AttrError, Attribute};
use quick_xml::events::{BytesStart, Event};

use super::{FORMAT, fault, prolog};
use crate::codec::{Class, DecodeError, Span};
use crate::limits;

const CLAUSE: &str = "WAP-247 8";

/// An element with its attributes and children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) name: String,
    /// Offset of its `<`.
    pub(super) at: usize,
    pub(super) attributes: Vec<Attr>,
    pub(super) children: Vec<Self>,
    /// Where anything stands between its tags, white space and comments included.
    pub(super) content_at: Option<usize>,
    /// Where text other than white space stands between its tags.
    pub(super) text_at: Option<usize>,
}

/// An attribute, its value as XML reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attr {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) at: usize,
}

impl Node {
    /// The value of an attribute.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.attribute(name).map(|attr| attr.value.as_str())
    }

    /// An attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<&Attr> {
        self.attributes.iter().find(|attr| attr.name == name)
    }
}

/// The `<!DOCTYPE ...>` in pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Doctype {
    pub(super) at: usize,
    pub(super) root: String,
    pub(super) public: Option<String>,
    /// The `supported-versions` of the one processing instruction that may stand in the internal subset.
    pub(super) supported: Option<(String, usize)>,
}

/// What a document holds; after a fault, what was read of it by then.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) doctype: Option<Doctype>,
    pub(super) root: Option<Node>,
    open: Vec<Node>,
    /// Octets before the text: a byte order mark.
    base: usize,
    /// Where the text lies in memory, to tell offsets of slices of it.
    origin: usize,
    /// Where each tag and text stands and in which element, when that is asked for.
    spans: Option<Vec<Span>>,
}

/// Where each tag and text stands, up to the first fault.
pub(super) fn spans(octets: &[u8]) -> Vec<Span> {
    let mut tree = Tree {
        spans: Some(Vec::new()),
        ..Tree::default()
    };
    // The fault itself is told by decoding.
    let _ = tree.fill(octets);
    tree.spans.unwrap_or_default()
}

/// Reads a document. The tree is given after a fault too, as far as it came.
pub(super) fn read(octets: &[u8]) -> (Tree, Result<(), DecodeError>) {
    let mut tree = Tree::default();
    let result = tree.fill(octets);
    (tree, result)
}

impl Tree {
    fn fill(&mut self, octets: &[u8]) -> Result<(), DecodeError> {
        if octets.len() > limits::PAP_CONTROL_OCTETS {
            return Err(fault(
                limits::PAP_CONTROL_OCTETS,
                Class::TooLarge,
                "the end of the control entity",
            ));
        }
        let text = self.text_of(octets)?;
        self.origin = text.as_ptr().addr();
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
            let outside = self.path();
            self.take(&event, at)?;
            let end = self.offset(reader.buffer_position());
            self.note(text, (at, end), outside);
        }
        if self.root.is_none() || !self.open.is_empty() {
            let expected = if self.open.is_empty() {
                "a pap element"
            } else {
                "the end tag of every element"
            };
            return Err(malformed(octets.len(), expected));
        }
        Ok(())
    }

    /// The names of the open elements, when spans are asked for.
    fn path(&self) -> String {
        if self.spans.is_none() {
            return String::new();
        }
        let names: Vec<&str> = self.open.iter().map(|node| node.name.as_str()).collect();
        names.join(".")
    }

    /// Notes what stands from `at` to `end`; its element is the one that was open before it or is open after it.
    fn note(&mut self, text: &str, (at, end): (usize, usize), outside: String) {
        let inside = self.path();
        let base = self.base;
        let Some(spans) = &mut self.spans else {
            return;
        };
        if spans.is_empty() && at > 0 {
            spans.push(span((0, at), "xml", "byte order mark"));
        }
        let path = if inside.len() > outside.len() {
            inside
        } else {
            outside
        };
        let path = if path.is_empty() { "xml" } else { &path };
        let value = text.get(at.saturating_sub(base)..end.saturating_sub(base));
        if end > at {
            spans.push(span((at, end), path, value.unwrap_or_default()));
        }
    }

    /// The octets as text, without the byte order mark.
    fn text_of<'a>(&mut self, octets: &'a [u8]) -> Result<&'a str, DecodeError> {
        let rest = match octets.strip_prefix(b"\xef\xbb\xbf") {
            Some(rest) => {
                self.base = 3;
                rest
            }
            None => octets,
        };
        let text = core::str::from_utf8(rest).map_err(|error| {
            malformed(self.base.saturating_add(error.valid_up_to()), "UTF-8 text")
        })?;
        // Nearly every document is ASCII, which is told at once.
        if text.bytes().fold(true, |all, octet| all & is_plain(octet)) {
            return Ok(text);
        }
        match text.char_indices().find(|(_, c)| !is_xml_char(*c)) {
            Some((at, _)) => Err(malformed(
                self.base.saturating_add(at),
                "a character that XML allows",
            )),
            None => Ok(text),
        }
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
            Error::IllFormed(IllFormedError::DoubleHyphenInComment) => "a comment without --",
            Error::Syntax(_) => "the end of the markup",
            _ => "well-formed markup",
        };
        malformed(self.offset(position), expected)
    }

    fn take(&mut self, event: &Event<'_>, at: usize) -> Result<(), DecodeError> {
        match event {
            Event::Decl(declaration) => {
                if at != self.base {
                    return Err(malformed(at, "the XML declaration at the very start"));
                }
                prolog::declaration(declaration, at.saturating_add(2))
            }
            Event::DocType(inside) => self.take_doctype(inside, at),
            Event::Start(tag) => self.start(tag, at),
            Event::Empty(tag) => {
                self.start(tag, at)?;
                self.end()
            }
            Event::End(_) => self.end(),
            Event::Text(text) => self.take_text(text, at),
            Event::CData(_) => self.take_text("x", at),
            Event::GeneralRef(reference) => {
                resolve(reference, at)?;
                self.take_text("x", at)
            }
            Event::PI(instruction) => {
                check_instruction(instruction, at)?;
                self.take_aside(at);
                Ok(())
            }
            Event::Comment(_) => {
                self.take_aside(at);
                Ok(())
            }
            Event::Eof => Ok(()),
        }
    }

    /// A comment or an instruction came.
    fn take_aside(&mut self, at: usize) {
        if let Some(node) = self.open.last_mut() {
            node.content_at.get_or_insert(at);
        }
    }

    fn take_doctype(&mut self, inside: &str, at: usize) -> Result<(), DecodeError> {
        if self.doctype.is_some() || self.root.is_some() || !self.open.is_empty() {
            return Err(malformed(at, "one DOCTYPE before the pap element"));
        }
        // The event does not tell how much white space it dropped before `inside`, which borrows from the whole text.
        let before = inside.as_ptr().addr().saturating_sub(self.origin);
        let base = self.base.saturating_add(before);
        if base <= at.saturating_add("<!DOCTYPE".len()) {
            return Err(malformed(base, "white space after <!DOCTYPE"));
        }
        self.doctype = Some(prolog::doctype(inside, at, base)?);
        Ok(())
    }

    fn take_text(&mut self, text: &str, at: usize) -> Result<(), DecodeError> {
        let blank = text.bytes().all(is_blank);
        match self.open.last_mut() {
            Some(node) => {
                node.content_at.get_or_insert(at);
                if !blank {
                    node.text_at.get_or_insert(at);
                }
                Ok(())
            }
            None if blank => Ok(()),
            None => Err(malformed(at, "no text outside the pap element")),
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>, at: usize) -> Result<(), DecodeError> {
        if self.open.is_empty() && self.root.is_some() {
            return Err(malformed(at, "one pap element only"));
        }
        if self.open.len() >= limits::PAP_DEPTH {
            return Err(fault(at, Class::TooLarge, "elements nested less deeply"));
        }
        let name = tag.name().as_ref().to_owned();
        if !is_name(&name) {
            return Err(malformed(at.saturating_add(1), "an element name"));
        }
        let attributes = attributes(tag, at.saturating_add(1))?;
        self.open.push(Node {
            name,
            at,
            attributes,
            ..Node::default()
        });
        Ok(())
    }

    fn end(&mut self) -> Result<(), DecodeError> {
        let Some(node) = self.open.pop() else {
            return Ok(());
        };
        match self.open.last_mut() {
            Some(parent) => {
                parent.content_at.get_or_insert(node.at);
                parent.children.push(node);
            }
            None => self.root = Some(node),
        }
        Ok(())
    }

    /// The elements that were open when a fault ended the reading, outermost first.
    pub(super) fn unfinished(&self) -> &[Node] {
        &self.open
    }
}

fn span((at, end): (usize, usize), path: &str, value: &str) -> Span {
    Span {
        at,
        len: end.saturating_sub(at),
        path: path.to_owned(),
        value: value.to_owned(),
        clause: CLAUSE,
    }
}

fn attributes(tag: &BytesStart<'_>, base: usize) -> Result<Vec<Attr>, DecodeError> {
    let inside: &str = tag;
    let start = inside.as_ptr().addr();
    let mut found = Vec::new();
    for attribute in tag.attributes() {
        let Attribute { key, value } = attribute.map_err(|error| broken(&error, base))?;
        let name: &str = key.as_ref();
        let within = name.as_ptr().addr().saturating_sub(start);
        let at = base.saturating_add(within);
        let before = within
            .checked_sub(1)
            .and_then(|i| inside.as_bytes().get(i))
            .copied();
        if !before.is_some_and(is_blank) {
            return Err(malformed(at, "white space between attributes"));
        }
        if !is_name(name) {
            return Err(malformed(at, "an attribute name"));
        }
        let value_within = match &value {
            std::borrow::Cow::Borrowed(text) => text.as_ptr().addr().saturating_sub(start),
            std::borrow::Cow::Owned(_) => within,
        };
        found.push(Attr {
            name: name.to_owned(),
            value: unescape(&value, base.saturating_add(value_within))?,
            at,
        });
    }
    Ok(found)
}

/// ASCII that XML allows.
const fn is_plain(octet: u8) -> bool {
    matches!(octet, b'\t' | b'\n' | b'\r' | b' '..=0x7f)
}

fn broken(error: &AttrError, base: usize) -> DecodeError {
    let (within, expected) = match error {
        AttrError::ExpectedEq(at) => (*at, "= after an attribute name"),
        AttrError::ExpectedValue(at) => (*at, "an attribute value"),
        AttrError::UnquotedValue(at) => (*at, "a quoted attribute value"),
        AttrError::ExpectedQuote(at, _) => (*at, "the closing quote of an attribute value"),
        AttrError::Duplicated(at, _) => (*at, "each attribute once"),
    };
    malformed(base.saturating_add(within), expected)
}

/// The value of an attribute: references resolved, white space turned to spaces (XML 1.0 section 3.3.3).
fn unescape(raw: &str, base: usize) -> Result<String, DecodeError> {
    let stays = |octet| !matches!(octet, b'<' | b'&' | b'\t' | b'\n' | b'\r');
    if raw.bytes().fold(true, |all, octet| all & stays(octet)) {
        return Ok(raw.to_owned());
    }
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(next) = rest.chars().next() {
        let at = base.saturating_add(raw.len().saturating_sub(rest.len()));
        let (taken, character) = match next {
            '<' => return Err(malformed(at, "&lt; for < in a value")),
            '&' => {
                let name = rest
                    .get(1..)
                    .and_then(|tail| tail.split_once(';'))
                    .map(|(name, _)| name)
                    .ok_or_else(|| malformed(at, "&amp; for & in a value"))?;
                (name.len().saturating_add(2), resolve(name, at)?)
            }
            // One line end is one space, even when it is written with two characters.
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
fn resolve(name: &str, at: usize) -> Result<char, DecodeError> {
    let number = match name {
        "amp" => return Ok('&'),
        "lt" => return Ok('<'),
        "gt" => return Ok('>'),
        "quot" => return Ok('"'),
        "apos" => return Ok('\''),
        _ => name.strip_prefix('#'),
    };
    let digits = number.ok_or_else(|| malformed(at, "an entity that XML itself declares"))?;
    let code = match digits.strip_prefix('x') {
        Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16),
        None if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse(),
        _ => return Err(malformed(at, "a character reference")),
    };
    code.ok()
        .and_then(char::from_u32)
        .filter(|c| is_xml_char(*c))
        .ok_or_else(|| malformed(at, "a reference to a character that XML allows"))
}

/// A processing instruction outside the internal subset says nothing to us, but it has a name, and that is not `xml`.
fn check_instruction(instruction: &str, at: usize) -> Result<(), DecodeError> {
    let name = instruction
        .split(|c: char| u8::try_from(c).is_ok_and(is_blank))
        .next();
    match name.filter(|name| is_name(name) && !name.eq_ignore_ascii_case("xml")) {
        Some(_) => Ok(()),
        None => Err(malformed(at, "the name of an instruction")),
    }
}

/// A character that may stand in an XML 1.0 document.
pub(super) const fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// White space of XML.
pub(super) const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

pub(super) fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    let starts = characters
        .next()
        .is_some_and(|c| c.is_alphabetic() || c == '_' || c == ':');
    starts
        && characters.all(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '-' | '.' | '\u{b7}'))
}

const fn malformed(at: usize, expected: &'static str) -> DecodeError {
    DecodeError {
        format: FORMAT,
        offset: at,
        class: Class::XmlNotWellFormed,
        expected,
    }
}
