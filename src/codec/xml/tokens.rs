//! The tokens of a document, each with its place: what every reader of XML here is made of.
//!
//! **Source:** XML 1.0 (well-formedness). Read is UTF-8, with or without a byte order mark. Not here: what a document type
//! allows, namespaces (`tree`), and anything that a DOCTYPE would have a reader fetch or expand.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::errors::{Error, IllFormedError};
use quick_xml::events::{BytesStart, Event};

use super::letters::{is_blank, is_blank_text, is_letter, is_name, is_plain, line_ends};
use super::prolog::{self, Doctype, Words};
use super::{malformed, reference};
use crate::codec::{Class, DecodeError};
use crate::limits;

/// What a document may have at most.
#[derive(Clone, Copy, Debug)]
pub(in crate::codec) struct Bounds {
    /// Octets of it.
    pub(in crate::codec) octets: usize,
    /// Elements nested in one another.
    pub(in crate::codec) depth: usize,
    /// Octets of the name of an element or attribute.
    pub(in crate::codec) name_octets: usize,
}

/// A piece of a document.
#[derive(Clone, Debug)]
pub(in crate::codec) enum Token<'a> {
    /// The XML declaration; it was checked.
    Declaration,
    /// The DOCTYPE; at most one, before the root element.
    Doctype(Doctype<'a>),
    /// A start tag.
    Start(Tag<'a>),
    /// The tag of an element that has no content; no [`Token::End`] follows.
    Empty(Tag<'a>),
    /// The end tag of the element that is open.
    End,
    /// Text as it is written, without references in it.
    Text(Cow<'a, str>),
    /// What a CDATA section holds.
    Section(Cow<'a, str>),
    /// What a reference stands for.
    Letter(char),
    /// A comment.
    Comment,
    /// A processing instruction.
    Instruction,
}

/// A tag that begins an element.
#[derive(Clone, Debug)]
pub(in crate::codec) struct Tag<'a> {
    /// The name as written, prefix included.
    pub(in crate::codec) name: &'a str,
    /// The attributes in order, each name once.
    pub(in crate::codec) attributes: Vec<Attribute<'a>>,
    /// Offset of its `<`.
    pub(in crate::codec) at: usize,
}

/// An attribute as a tag has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::codec) struct Attribute<'a> {
    /// The name as written, prefix included.
    pub(in crate::codec) name: &'a str,
    /// The value as XML reads it.
    pub(in crate::codec) value: Cow<'a, str>,
    /// Offset of its name.
    pub(in crate::codec) at: usize,
}

impl<'a> Token<'a> {
    /// What a text, a section or a reference says, with line ends as XML reads them.
    pub(in crate::codec) fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Token::Text(text) | Token::Section(text) => Some(line_ends(text)),
            Token::Letter(letter) => Some(letter.to_string().into()),
            _ => None,
        }
    }

    /// The same of a token that is not needed any more.
    pub(in crate::codec) fn into_text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(Cow::Borrowed(text)) | Self::Section(Cow::Borrowed(text)) => {
                Some(line_ends(text))
            }
            token => token.text().map(|text| text.into_owned().into()),
        }
    }
}

/// A reading of a document from front to back.
#[derive(Debug)]
pub(in crate::codec) struct Tokens<'a> {
    format: &'static str,
    bounds: Bounds,
    reader: Reader<&'a [u8]>,
    text: &'a str,
    is_ascii: bool,
    /// Octets before the text: a byte order mark.
    base: usize,
    /// Where the last token stands.
    place: (usize, usize),
    depth: usize,
    met_doctype: bool,
    met_root: bool,
}

impl<'a> Tokens<'a> {
    /// A reading that is before the first token; faults carry the name of `format`.
    ///
    /// # Errors
    /// Too many octets, or octets that are no text.
    pub(in crate::codec) fn new(
        format: &'static str,
        octets: &'a [u8],
        bounds: Bounds,
    ) -> Result<Self, DecodeError> {
        if octets.len() > bounds.octets {
            return Err(DecodeError {
                format,
                offset: bounds.octets,
                class: Class::TooLarge,
                expected: "the end of the document",
            });
        }
        let rest = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets);
        let base = octets.len().saturating_sub(rest.len());
        let odd = |at: usize, expected| malformed(format, base.saturating_add(at), expected);
        let text =
            core::str::from_utf8(rest).map_err(|error| odd(error.valid_up_to(), "UTF-8 text"))?;
        // Nearly every document is ASCII, which is told at once.
        let is_plain = text.bytes().fold(true, |all, octet| all & is_plain(octet));
        if !is_plain && let Some((at, _)) = text.char_indices().find(|(_, c)| !is_letter(*c)) {
            return Err(odd(at, "a character that XML allows"));
        }
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_comments = true;
        Ok(Self {
            format,
            bounds,
            reader,
            text,
            is_ascii: is_plain,
            base,
            place: (base, base),
            depth: 0,
            met_doctype: false,
            met_root: false,
        })
    }

    /// Where the last token stands: its first octet and the one behind it. Before the first token both are the end of the
    /// byte order mark.
    pub(in crate::codec) const fn place(&self) -> (usize, usize) {
        self.place
    }

    /// What is written at the last token.
    pub(in crate::codec) fn written(&self) -> &'a str {
        self.between(self.place.0, self.place.1)
    }

    /// The next token; `None` behind the root element, when nothing follows.
    ///
    /// # Errors
    /// The first fault.
    pub(in crate::codec) fn next(&mut self) -> Result<Option<Token<'a>>, DecodeError> {
        let at = self.offset(self.reader.buffer_position());
        let event = self.reader.read_event().map_err(|error| {
            let at = self.offset(self.reader.error_position());
            self.malformed(at, expected_by(&error))
        })?;
        let end = self.offset(self.reader.buffer_position());
        self.place = (at, end);
        Ok(Some(match event {
            Event::Start(tag) => {
                let tag = self.tag(&tag, at)?;
                self.depth = self.depth.saturating_add(1);
                Token::Start(tag)
            }
            Event::Empty(tag) => Token::Empty(self.tag(&tag, at)?),
            Event::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                Token::End
            }
            Event::Text(text) => {
                let text = text.into_inner();
                if self.depth == 0 && !is_blank_text(&text) {
                    return Err(self.malformed(at, OUTSIDE));
                }
                Token::Text(text)
            }
            Event::CData(_) | Event::GeneralRef(_) if self.depth == 0 => {
                return Err(self.malformed(at, OUTSIDE));
            }
            Event::CData(text) => Token::Section(text.into_inner()),
            Event::GeneralRef(name) => Token::Letter(reference::character(self.format, &name, at)?),
            Event::Decl(inside) => {
                if at != self.base {
                    return Err(self.malformed(at, "the XML declaration at the very start"));
                }
                prolog::declaration(self.format, &inside, at.saturating_add(2), self.is_ascii)?;
                Token::Declaration
            }
            Event::DocType(_) => Token::Doctype(self.doctype(at, end)?),
            Event::PI(instruction) => {
                let name = instruction.split(|c: char| u8::try_from(c).is_ok_and(is_blank));
                let name = name.take(1).find(|name| is_name(name));
                if name.is_none_or(|name| name.eq_ignore_ascii_case("xml")) {
                    return Err(self.malformed(at, "the name of an instruction"));
                }
                Token::Instruction
            }
            Event::Comment(_) => Token::Comment,
            Event::Eof if self.depth > 0 => {
                return Err(self.malformed(at, "the end tag of every element"));
            }
            Event::Eof if !self.met_root => return Err(self.malformed(at, "an element")),
            Event::Eof => return Ok(None),
        }))
    }

    fn doctype(&mut self, at: usize, end: usize) -> Result<Doctype<'a>, DecodeError> {
        if self.met_doctype || self.met_root {
            return Err(self.malformed(at, "one DOCTYPE before the root element"));
        }
        self.met_doctype = true;
        let base = at.saturating_add("<!DOCTYPE".len());
        let inside = self.between(base, end.saturating_sub(1));
        if !self.written().starts_with("<!DOCTYPE") {
            return Err(self.malformed(at, "<!DOCTYPE in capitals"));
        }
        prolog::doctype(self.format, inside, at, base)
    }

    fn tag(&mut self, tag: &BytesStart<'_>, at: usize) -> Result<Tag<'a>, DecodeError> {
        if self.depth == 0 && self.met_root {
            return Err(self.malformed(at, "one root element only"));
        }
        self.met_root = true;
        if self.depth >= self.bounds.depth {
            return Err(self.too_large(at, "elements nested less deeply"));
        }
        let name_at = at.saturating_add(1);
        let behind = name_at.saturating_add(tag.name().as_ref().len());
        let name = self.between(name_at, behind);
        self.check_name(name, name_at, "an element name")?;
        let inside = self.between(behind, name_at.saturating_add(tag.len()));
        let attributes = self.attributes(inside, behind)?;
        Ok(Tag {
            name,
            attributes,
            at,
        })
    }

    /// The attributes that stand behind the name of an element; `base` is the offset of `inside`.
    fn attributes(&self, inside: &'a str, base: usize) -> Result<Vec<Attribute<'a>>, DecodeError> {
        let mut words = Words::new(self.format, inside, base);
        // Hardly any attribute has less than sixteen octets.
        let room = match inside.len() {
            0 => 0,
            length => (length >> 4).clamp(1, USUAL_ATTRIBUTES),
        };
        let mut found: Vec<Attribute<'a>> = Vec::with_capacity(room);
        loop {
            let apart = words.blanks();
            if words.is_empty() {
                return Ok(found);
            }
            let at = words.at();
            if !apart {
                return Err(self.malformed(at, "white space between attributes"));
            }
            let (name, is_usual) = words.name();
            if !is_usual || name.len() > self.bounds.name_octets {
                self.check_name(name, at, "an attribute name")?;
            }
            if found.len() >= limits::XML_ATTRIBUTES {
                return Err(self.too_large(at, "fewer attributes"));
            }
            if found.iter().any(|own| own.name == name) {
                return Err(self.malformed(at, "each attribute once"));
            }
            let value = match words.plain_equals() {
                Some(value) => Cow::Borrowed(value),
                None => {
                    let raw = words.equals()?;
                    let base = words.at().saturating_sub(raw.len()).saturating_sub(1);
                    reference::value(self.format, raw, base)?
                }
            };
            found.push(Attribute { name, value, at });
        }
    }

    fn check_name(&self, name: &str, at: usize, expected: &'static str) -> Result<(), DecodeError> {
        if name.len() > self.bounds.name_octets {
            return Err(self.too_large(at, "a shorter name"));
        }
        if is_name(name) {
            Ok(())
        } else {
            Err(self.malformed(at, expected))
        }
    }

    fn between(&self, at: usize, end: usize) -> &'a str {
        let range = at.saturating_sub(self.base)..end.saturating_sub(self.base);
        self.text.get(range).unwrap_or_default()
    }

    fn offset(&self, position: u64) -> usize {
        usize::try_from(position)
            .unwrap_or(usize::MAX)
            .saturating_add(self.base)
    }

    const fn malformed(&self, at: usize, expected: &'static str) -> DecodeError {
        malformed(self.format, at, expected)
    }

    const fn too_large(&self, at: usize, expected: &'static str) -> DecodeError {
        DecodeError {
            format: self.format,
            offset: at,
            class: Class::TooLarge,
            expected,
        }
    }
}

/// Room made at once for the attributes of an element.
const USUAL_ATTRIBUTES: usize = 12;
const OUTSIDE: &str = "no text outside the root element";

const fn expected_by(error: &Error) -> &'static str {
    match error {
        Error::IllFormed(
            IllFormedError::MismatchedEndTag { .. } | IllFormedError::UnmatchedEndTag(_),
        ) => "the end tag of the open element",
        Error::IllFormed(IllFormedError::DoubleHyphenInComment) => "a comment without --",
        Error::Syntax(_) => "the end of the markup",
        _ => "well-formed markup",
    }
}
