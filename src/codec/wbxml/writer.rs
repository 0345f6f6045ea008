//! Writing WBXML: the tokens of the document type, the longest that fit; other names through the string table.
//!
//! **Source:** WAP-192 section 5. Canonical is: version and charset as asked for, the public identifier as its number,
//! strings inline, no string table but for names that have no token.

use std::collections::BTreeMap;

use super::charset::Charset;
use super::element::{Element, Node};
use super::language::{Kind, Language};
use super::piece::{END, ENTITY, LITERAL, OPAQUE, STR_I, SWITCH_PAGE};
use super::value::{Name, Part};
use crate::codec::cursor::put_uintvar;
use crate::codec::format::FieldFault;
use crate::codec::xml::is_letter;
use crate::limits;

/// What stands before the elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The version as on the wire: 02 is 1.2.
    pub version: u8,
    /// The charset: US-ASCII, ISO 8859-1 or UTF-8; version 1.0 has UTF-8 only.
    pub charset: Charset,
}

impl Head {
    /// The usual header of a document type.
    #[must_use]
    pub const fn of(language: &'static Language) -> Self {
        Self {
            version: language.version,
            charset: Charset::Utf8,
        }
    }
}

/// The octets of a document.
///
/// # Errors
/// A charset that is not written, elements nested too deeply, or more octets than a document may have.
pub fn write(
    language: &'static Language,
    root: &Element<'_>,
    head: Head,
) -> Result<Vec<u8>, FieldFault> {
    let charset = head.charset;
    let is_written = match charset {
        Charset::Utf8 => true,
        Charset::Ascii | Charset::Latin1 => head.version > 0,
        Charset::Utf16(_) | Charset::Utf16Le | Charset::Other(_) => false,
    };
    if !is_written {
        return Err(FieldFault::new(format_args!(
            "charset: {} is not written; 106 is, and 3 and 4 from version 1.1 on",
            charset.number()
        )));
    }
    let mut writer = Writer {
        language,
        charset,
        body: Vec::with_capacity(128),
        table: Vec::new(),
        places: BTreeMap::new(),
        tag_page: 0,
        attribute_page: 0,
    };
    writer.element(root, 1)?;
    let mut out = Vec::with_capacity(writer.body.len().saturating_add(8));
    out.push(head.version.min(0x03));
    put_uintvar(&mut out, language.public_number);
    if head.version > 0 {
        put_uintvar(&mut out, charset.number());
    }
    put_count(&mut out, writer.table.len());
    out.append(&mut writer.table);
    out.append(&mut writer.body);
    if out.len() > limits::WBXML_OCTETS {
        return Err(FieldFault::new(format_args!(
            "the document would have {} octets, at most {} can be",
            out.len(),
            limits::WBXML_OCTETS
        )));
    }
    Ok(out)
}

struct Writer {
    language: &'static Language,
    charset: Charset,
    body: Vec<u8>,
    table: Vec<u8>,
    /// Where each name stands in the table.
    places: BTreeMap<String, usize>,
    tag_page: u8,
    attribute_page: u8,
}

impl Writer {
    fn element(&mut self, element: &Element<'_>, depth: usize) -> Result<(), FieldFault> {
        if depth > limits::WBXML_DEPTH {
            let expected = "elements are nested too deeply";
            return Err(FieldFault::new(expected));
        }
        let attributes = if element.attributes.is_empty() {
            0
        } else {
            0x80
        };
        let content = if element.content.is_empty() { 0 } else { 0x40 };
        self.tag(&element.name, attributes | content);
        for (name, value) in &element.attributes {
            self.attribute(element.kind(self.language, name), name, value);
        }
        if attributes != 0 {
            self.body.push(END);
        }
        for node in &element.content {
            match node {
                Node::Element(element) => self.element(element, depth.saturating_add(1))?,
                Node::Text(Part::Text(text)) => self.string(text),
                Node::Text(part) => self.other(part),
            }
        }
        if content != 0 {
            self.body.push(END);
        }
        Ok(())
    }

    fn tag(&mut self, name: &Name<'_>, flags: u8) {
        let (page, token) = match name {
            Name::Token { page, token } => (*page, Some(*token)),
            Name::Known(name) => (0, self.language.element(name).map(|rule| rule.token)),
            Name::Other(_) => (0, None),
        };
        match token {
            Some(token) => {
                if page != self.tag_page {
                    self.body.extend([SWITCH_PAGE, page]);
                    self.tag_page = page;
                }
                self.body.push(token & 0x3F | flags);
            }
            None => self.literal(name, flags),
        }
    }

    fn attribute(&mut self, kind: Option<Kind>, name: &Name<'_>, value: &[Part<'_>]) {
        if let Name::Token { page, token } = name {
            self.page(*page);
            self.body.push(*token);
            return self.value(value, 0);
        }
        self.page(0);
        let stamp = Element::stamp(value).filter(|_| kind == Some(Kind::Date));
        let text = match (value.first(), &stamp) {
            (Some(Part::Text(text)), None) => text,
            _ => "",
        };
        let known = match name {
            Name::Known(name) => *name,
            _ => "",
        };
        let longest = self
            .language
            .starts
            .iter()
            .filter(|start| start.rule.name == known && text.starts_with(start.prefix))
            .max_by_key(|start| start.prefix.len());
        match longest {
            Some(start) => self.body.push(start.token),
            None => self.literal(name, 0),
        }
        match stamp {
            Some(stamp) => self.opaque(stamp.octets()),
            None => self.value(value, longest.map_or(0, |start| start.prefix.len())),
        }
    }

    /// A value, without the octets of its first part that are said already.
    fn value(&mut self, parts: &[Part<'_>], said: usize) {
        let mut said = said;
        for part in parts {
            match part {
                Part::Text(text) => self.tokens(text.get(said..).unwrap_or_default()),
                part => self.other(part),
            }
            said = 0;
        }
    }

    /// Text of an attribute: value tokens where there are some, strings between.
    fn tokens(&mut self, text: &str) {
        let values = self.language.values;
        let (mut said, mut next) = (0_usize, 0_usize);
        for (at, _) in text.char_indices() {
            let rest = text.get(at..).unwrap_or_default();
            let longest = values
                .iter()
                .filter(|(_, value)| at >= next && rest.starts_with(value))
                .max_by_key(|(_, value)| value.len());
            if let Some((token, value)) = longest {
                self.string(text.get(said..at).unwrap_or_default());
                self.page(0);
                self.body.push(*token);
                next = at.saturating_add(value.len());
                said = next;
            }
        }
        self.string(text.get(said..).unwrap_or_default());
    }

    /// Strings, and characters by number where the charset lacks them.
    fn string(&mut self, text: &str) {
        let mut run = Vec::new();
        for letter in text.chars().map(writable) {
            if !self.charset.holds(letter) {
                self.inline(&run);
                run.clear();
                self.body.push(ENTITY);
                put_uintvar(&mut self.body, u32::from(letter));
            } else if self.charset == Charset::Latin1 {
                run.extend(u8::try_from(u32::from(letter)));
            } else {
                run.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        self.inline(&run);
    }

    fn inline(&mut self, octets: &[u8]) {
        if !octets.is_empty() {
            self.body.push(STR_I);
            self.body.extend_from_slice(octets);
            self.body.push(0);
        }
    }

    fn other(&mut self, part: &Part<'_>) {
        match part {
            Part::Text(text) => self.string(text),
            Part::Opaque(octets) => self.opaque(octets),
            Part::Raw { page, octets } => {
                // Only value tokens belong to a page.
                if octets
                    .first()
                    .is_some_and(|octet| matches!(octet, 0x85..=0xBF | 0xC5..))
                {
                    self.page(*page);
                }
                self.body.extend_from_slice(octets);
            }
        }
    }

    fn opaque(&mut self, octets: &[u8]) {
        self.body.push(OPAQUE);
        put_count(&mut self.body, octets.len());
        self.body.extend_from_slice(octets);
    }

    fn page(&mut self, page: u8) {
        if page != self.attribute_page {
            self.body.extend([SWITCH_PAGE, page]);
            self.attribute_page = page;
        }
    }

    /// A name without a token.
    fn literal(&mut self, name: &Name<'_>, flags: u8) {
        let name = name.to_string();
        self.body.push(LITERAL | flags);
        let place = match self.places.get(&name) {
            Some(place) => *place,
            None => {
                let place = self.table.len();
                self.table.extend_from_slice(name.as_bytes());
                self.table.push(0);
                self.places.insert(name, place);
                place
            }
        };
        put_count(&mut self.body, place);
    }
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    put_uintvar(out, u32::try_from(count).unwrap_or(u32::MAX));
}

/// The character, or the replacement for one that no document can hold.
pub(super) const fn writable(letter: char) -> char {
    if is_letter(letter) {
        letter
    } else {
        char::REPLACEMENT_CHARACTER
    }
}
