//! Reading WBXML: one pass that copies nothing but texts of several pieces, for the strict, the lenient and the annotated
//! reading.
//!
//! **Source:** WAP-192 section 5. Not here: processing instructions, which none of the document types defines.

use core::fmt;

use super::grammar::{Broken, Grammar};
use super::header::Header;
use super::language::{AttributeRule, ElementRule, Language};
use super::notes::{Notes, Silent, Spans};
use super::piece::{END, LITERAL, PI, SWITCH_PAGE, Strings, is_piece};
use super::source::{Sink, Source};
use super::value::{Name, Value};
use crate::codec::cursor::Cursor;
use crate::codec::format::{Deviation, Tolerance};
use crate::codec::xml::is_name;
use crate::codec::{Class, DecodeError, Span};
use crate::limits;

/// A reading of WBXML from front to back.
#[derive(Debug)]
pub struct Reader<'a, N = Silent> {
    pub(super) cursor: Cursor<'a>,
    pub(super) language: &'static Language,
    pub(super) header: Header<'a>,
    pub(super) notes: N,
    grammar: Grammar,
    tag_page: u8,
    pub(super) attribute_page: u8,
    nodes_left: usize,
    table_octets: usize,
    tolerance: Tolerance,
}

/// What another document lacks.
pub(super) const ROOT: &str = "the root element of the document type";

impl<'a> Reader<'a> {
    /// A reader before a document of that type.
    #[must_use]
    pub const fn new(language: &'static Language, octets: &'a [u8], lenient: bool) -> Self {
        Self::noting(language, octets, lenient, Silent)
    }
}

/// Where each field stands and what it says, up to the first fault.
pub(super) fn spans(language: &'static Language, octets: &[u8], lenient: bool) -> Vec<Span> {
    let mut reader = Reader::noting(language, octets, lenient, Spans::default());
    // The fault itself is told by decoding; what was read before it stays worth showing.
    let _ = reader.tell(&mut ());
    reader.notes.noted
}

impl<'a, N: Notes> Reader<'a, N> {
    const fn noting(
        language: &'static Language,
        octets: &'a [u8],
        lenient: bool,
        notes: N,
    ) -> Self {
        Self {
            cursor: Cursor::new(language.format, octets),
            language,
            header: Header::BLANK,
            notes,
            grammar: Grammar::new(language),
            tag_page: 0,
            attribute_page: 0,
            nodes_left: limits::WBXML_NODES,
            table_octets: 0,
            tolerance: Tolerance::of(lenient),
        }
    }

    /// What stands before the elements, once it has been read.
    #[must_use]
    pub const fn header(&self) -> Header<'a> {
        self.header
    }

    /// What a strict reader would have refused so far.
    #[must_use]
    pub fn deviations(self) -> Vec<Deviation> {
        self.tolerance.deviations()
    }

    pub(super) const fn strings(&self) -> Strings<'a> {
        Strings {
            table: self.header.table,
            charset: self.header.charset,
        }
    }

    /// An element with its attributes; one without content ends too.
    fn open(&mut self, sink: &mut impl Sink<'a>) -> Result<(), DecodeError> {
        let at = self.cursor.offset();
        let octet = self.cursor.octet("an element, or the end of one")?;
        let (name, rule) = self.tag(octet, at)?;
        self.node(at)?;
        self.notes.enter(name);
        let (attributes, content) = (octet & 0x80 != 0, octet & 0x40 != 0);
        let flags = match (attributes, content) {
            (true, true) => ", attributes, content",
            (true, false) => ", attributes",
            (false, true) => ", content",
            (false, false) => "",
        };
        let says = format_args!("tag {:02X}{flags}", octet & 0x3F);
        self.note(at, "", self.language.clause, says);
        let result = self.grammar.open(rule);
        self.allow(result, at)?;
        sink.open(name);
        if attributes {
            self.attributes(sink)?;
        } else {
            self.allow(self.grammar.attributes_end(), at)?;
        }
        if content {
            return Ok(());
        }
        self.close(self.cursor.offset(), sink)
    }

    fn tag(
        &mut self,
        octet: u8,
        at: usize,
    ) -> Result<(Name<'a>, Option<&'static ElementRule>), DecodeError> {
        Ok(match octet & 0x3F {
            LITERAL => {
                let name = self.literal(at)?;
                let rule = self.language.element(name);
                (
                    rule.map_or(Name::Other(name), |rule| Name::Known(rule.name)),
                    rule,
                )
            }
            0x00..=0x03 => {
                let expected = match octet {
                    PI => "no processing instruction",
                    _ => "an element",
                };
                return Err(self.fault(at, Class::UnknownToken, expected));
            }
            token => match self.language.tag(token) {
                Some(rule) if self.tag_page == 0 => (Name::Known(rule.name), Some(rule)),
                _ => {
                    let page = self.tag_page;
                    (Name::Token { page, token }, None)
                }
            },
        })
    }

    /// The attributes of an element, and their end.
    fn attributes(&mut self, sink: &mut impl Sink<'a>) -> Result<(), DecodeError> {
        let of = self.grammar.name();
        loop {
            let at = self.cursor.offset();
            match self.cursor.peek() {
                Some(END) => {
                    self.cursor.octet("END")?;
                    let says = "END of the attributes";
                    self.note(at, "end", self.language.clause, says);
                    return self.allow(self.grammar.attributes_end(), at);
                }
                Some(SWITCH_PAGE) => self.attribute_page = self.page()?,
                _ => self.attribute(of, sink)?,
            }
        }
    }

    fn attribute(&mut self, of: &'static str, sink: &mut impl Sink<'a>) -> Result<(), DecodeError> {
        let at = self.cursor.offset();
        let octet = self.cursor.octet("an attribute")?;
        let (name, rule, prefix) = self.start(octet, at)?;
        self.node(at)?;
        self.notes.enter(name);
        let says = format_args!("token {octet:02X}: {prefix:?}");
        self.note(at, "", self.language.clause, says);
        let rule = match self.grammar.attribute(rule) {
            Ok(rule) => rule,
            Err(broken) => {
                self.broken(broken, at)?;
                None
            }
        };
        let mut value = self.value(prefix, true)?;
        self.notes.leave();
        if let Some(rule) = rule {
            self.check(rule.kind, &mut value, at)?;
        }
        sink.attribute(of, name, value);
        Ok(())
    }

    fn start(
        &mut self,
        octet: u8,
        at: usize,
    ) -> Result<(Name<'a>, Option<&'static AttributeRule>, &'static str), DecodeError> {
        Ok(match octet {
            LITERAL => {
                let name = self.literal(at)?;
                let rule = self.language.attribute(name);
                let known = rule.map_or(Name::Other(name), |rule| Name::Known(rule.name));
                (known, rule, "")
            }
            0x05..=0x3F | 0x45..=0x7F => match self.language.start(octet) {
                Some(start) if self.attribute_page == 0 => {
                    (Name::Known(start.rule.name), Some(start.rule), start.prefix)
                }
                _ => {
                    let (page, token) = (self.attribute_page, octet);
                    (Name::Token { page, token }, None, "")
                }
            },
            _ => return Err(self.fault(at, Class::UnknownToken, "an attribute start")),
        })
    }

    /// Counts what a reference takes from the string table.
    pub(super) fn refer(&mut self, octets: &[u8], at: usize) -> Result<(), DecodeError> {
        self.table_octets = self.table_octets.saturating_add(octets.len());
        if self.table_octets > limits::WBXML_TABLE_OCTETS {
            let expected = "fewer references to the string table";
            return Err(self.fault(at, Class::TooLarge, expected));
        }
        Ok(())
    }

    /// A name of the string table.
    fn literal(&mut self, at: usize) -> Result<&'a str, DecodeError> {
        let mut long_at = None;
        let octets = self.strings().entry(&mut self.cursor, &mut long_at)?;
        self.shortest(long_at)?;
        self.refer(octets, at)?;
        if octets.len() > limits::WBXML_NAME_OCTETS {
            return Err(self.fault(at, Class::TooLarge, "a shorter name"));
        }
        let narrow = self.header.charset.width() == 1;
        let name = core::str::from_utf8(octets).ok();
        name.filter(|name| narrow && is_name(name))
            .ok_or_else(|| self.fault(at, Class::BadValue, "a name in the string table"))
    }

    fn text(&mut self, sink: &mut impl Sink<'a>) -> Result<(), DecodeError> {
        let at = self.cursor.offset();
        let value = self.value("", false)?;
        if self.grammar.holds_text() {
            if !value.is_text() {
                self.deviate(at, Class::BadValue, "text and nothing else")?;
            }
        } else {
            if let Value::Text(text) = &value
                && text.trim_ascii().is_empty()
            {
                return Ok(());
            }
            self.deviate(at, Class::BadValue, "no text between elements")?;
        }
        sink.text(self.grammar.name(), value);
        Ok(())
    }

    fn close(&mut self, at: usize, sink: &mut impl Sink<'a>) -> Result<(), DecodeError> {
        let result = self.grammar.close();
        self.allow(result, at)?;
        self.notes.leave();
        sink.close();
        Ok(())
    }

    /// A page switch: the page.
    fn page(&mut self) -> Result<u8, DecodeError> {
        let at = self.cursor.offset();
        self.cursor.octet("a page switch")?;
        self.node(at)?;
        let page = self.cursor.octet("a code page")?;
        self.note(at, "page", self.language.clause, "SWITCH_PAGE");
        Ok(page)
    }

    /// Looks that nothing stands behind the root element.
    fn end(&mut self) -> Result<(), DecodeError> {
        if self.cursor.is_empty() {
            return Ok(());
        }
        let at = self.cursor.offset();
        self.cursor.rest();
        let says = "behind the root element";
        self.note(at, "trailing", self.language.clause, says);
        self.deviate(at, Class::BadLength, "the end after the root element")
    }

    /// Refuses what breaks the document type in a strict reading, notes it in a lenient one.
    fn allow(&mut self, result: Result<(), Broken>, at: usize) -> Result<(), DecodeError> {
        match result {
            Ok(()) => Ok(()),
            Err(broken) => self.broken(broken, at),
        }
    }

    #[cold]
    fn broken(&mut self, broken: Broken, at: usize) -> Result<(), DecodeError> {
        let (class, expected) = match broken {
            Broken::Deep => {
                return Err(self.fault(at, Class::TooLarge, "elements nested less deeply"));
            }
            Broken::Root => return Err(self.fault(at, Class::BadValue, ROOT)),
            // What is missing cannot be passed over.
            Broken::Missing(expected) => {
                return Err(self.fault(at, Class::Truncated, expected));
            }
            Broken::Unknown(expected) => (Class::UnknownToken, expected),
            Broken::Misplaced(expected) => (Class::BadValue, expected),
        };
        self.deviate(at, class, expected)
    }

    #[cold]
    pub(super) fn deviate(
        &mut self,
        at: usize,
        class: Class,
        expected: &'static str,
    ) -> Result<(), DecodeError> {
        let fault = self.fault(at, class, expected);
        self.tolerance.deviate(fault)
    }

    pub(super) fn node(&mut self, at: usize) -> Result<(), DecodeError> {
        let Some(left) = self.nodes_left.checked_sub(1) else {
            let expected = "a document of fewer elements and values";
            return Err(self.fault(at, Class::TooLarge, expected));
        };
        self.nodes_left = left;
        Ok(())
    }

    pub(super) fn uintvar(&mut self) -> Result<u32, DecodeError> {
        let at = self.cursor.offset();
        let number = self.cursor.uintvar_any()?;
        self.shortest(if number.minimal { None } else { Some(at) })?;
        Ok(number.value)
    }

    /// A strict reader wants the shortest form of numbers; there is another at that place, if any.
    #[inline]
    pub(super) fn shortest(&mut self, long_at: Option<usize>) -> Result<(), DecodeError> {
        let Some(at) = long_at else {
            return Ok(());
        };
        let expected = "a number without leading zeros";
        self.deviate(at, Class::UintvarNonMinimal, expected)
    }

    pub(super) const fn fault(
        &self,
        at: usize,
        class: Class,
        expected: &'static str,
    ) -> DecodeError {
        self.cursor.fault_at(at, class, expected)
    }

    /// Notes what stands from `at` to here.
    pub(super) fn note(
        &mut self,
        at: usize,
        field: &'static str,
        clause: &'static str,
        says: impl fmt::Display,
    ) {
        let end = self.cursor.offset();
        self.notes.note((at, end), field, clause, says);
    }
}

impl<'a, N: Notes> Source<'a> for Reader<'a, N> {
    fn tell(&mut self, sink: &mut impl Sink<'a>) -> Result<(), DecodeError> {
        self.head()?;
        loop {
            let is_inside = self.grammar.depth() > 0;
            match self.cursor.peek() {
                Some(END) if is_inside => {
                    let at = self.cursor.offset();
                    self.cursor.octet("END")?;
                    self.note(at, "end", self.language.clause, "END");
                    self.close(at, sink)?;
                }
                Some(SWITCH_PAGE) => {
                    self.tag_page = self.page()?;
                    continue;
                }
                Some(octet) if is_inside && is_piece(octet, false) => self.text(sink)?,
                _ => self.open(sink)?,
            }
            if self.grammar.depth() == 0 {
                return self.end();
            }
        }
    }
}
