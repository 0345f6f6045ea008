//! Reading WBXML: a pull reader that copies nothing, for the strict, the lenient and the annotated reading.
//!
//! **Source:** WAP-192 section 5. Not here: processing instructions, which none of the document types defines.

use core::fmt;
use std::borrow::Cow;

use super::charset::Charset;
use super::grammar::{Broken, Grammar};
use super::language::{Kind, Language};
use super::value::{
    END, ENTITY, Encoded, LITERAL, Name, OPAQUE, PI, Piece, STR_T, SWITCH_PAGE, Strings, Value,
    Whole,
};
use crate::codec::cursor::{Cursor, Uintvar};
use crate::codec::format::{Deviation, Tolerance};
use crate::codec::xml::is_name;
use crate::codec::{Class, DecodeError, Span};
use crate::limits;

/// What comes next in a document.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// An element begins.
    Open(Name<'a>),
    /// An attribute of it.
    Attribute(Name<'a>, Value<'a>),
    /// Text inside it.
    Text(Value<'a>),
    /// It ends.
    Close,
}

/// Where the events of a document come from: its WBXML or its XML.
pub trait Source<'a> {
    /// The next event; `None` after the end of the document.
    ///
    /// # Errors
    /// The first fault.
    fn next(&mut self) -> Result<Option<Event<'a>>, DecodeError>;
}

/// What stands before the elements.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// The version as on the wire: 02 is 1.2.
    pub version: u8,
    /// The public identifier, when it is known.
    pub public_id: Option<&'a str>,
    /// The charset of all strings.
    pub charset: Charset,
    /// The string table.
    pub table: &'a [u8],
}

/// A reading of WBXML from front to back.
#[derive(Debug)]
pub struct Reader<'a> {
    cursor: Cursor<'a>,
    language: &'static Language,
    strings: Strings<'a>,
    header: Header<'a>,
    grammar: Grammar,
    state: State,
    tag_page: u8,
    attribute_page: u8,
    nodes: usize,
    table_octets: usize,
    notes: Notes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the root element.
    Root,
    /// In a list of attributes; whether content follows it.
    Attributes(bool),
    Content,
    /// Behind an element that has no content.
    Empty,
    /// Behind the root element.
    End,
}

/// What a reading leaves beside the events.
#[derive(Debug, Default)]
struct Notes {
    tolerance: Tolerance,
    /// Where everything stands and the names of the open elements, when that is asked for.
    spans: Option<(Vec<Span>, Vec<String>)>,
}

/// What another document lacks.
pub(super) const ROOT: &str = "the root element of the document type";

const HEADER_CLAUSE: &str = "WAP-192 5.4";

impl<'a> Reader<'a> {
    /// A reader behind the header of a document of that type.
    ///
    /// # Errors
    /// The first fault of the header.
    pub fn new(
        language: &'static Language,
        octets: &'a [u8],
        lenient: bool,
    ) -> Result<Self, DecodeError> {
        let mut reader = Self::blank(language, octets, lenient);
        reader.head(octets.len())?;
        Ok(reader)
    }

    fn blank(language: &'static Language, octets: &'a [u8], lenient: bool) -> Self {
        Self {
            cursor: Cursor::new(language.format, octets),
            language,
            strings: Strings::default(),
            header: Header {
                version: 0,
                public_id: None,
                charset: Charset::Utf8,
                table: &[],
            },
            grammar: Grammar::new(language),
            state: State::Root,
            tag_page: 0,
            attribute_page: 0,
            nodes: 0,
            table_octets: 0,
            notes: Notes {
                tolerance: Tolerance::of(lenient),
                ..Notes::default()
            },
        }
    }

    /// Where each field stands and what it says, up to the first fault.
    #[must_use]
    pub fn spans(language: &'static Language, octets: &'a [u8], lenient: bool) -> Vec<Span> {
        let mut reader = Self::blank(language, octets, lenient);
        reader.notes.spans = Some((Vec::new(), Vec::new()));
        // The fault itself is told by decoding; what was read before it stays worth showing.
        if reader.head(octets.len()).is_ok() {
            while let Ok(Some(_)) = reader.next() {}
        }
        reader
            .notes
            .spans
            .map(|(spans, _)| spans)
            .unwrap_or_default()
    }

    /// What stands before the elements.
    #[must_use]
    pub const fn header(&self) -> Header<'a> {
        self.header
    }

    /// What a strict reader would have refused so far.
    #[must_use]
    pub fn deviations(self) -> Vec<Deviation> {
        self.notes.tolerance.deviations()
    }

    fn head(&mut self, octets: usize) -> Result<(), DecodeError> {
        if octets > limits::WBXML_OCTETS {
            let expected = "the end of the document";
            return Err(self.fault(limits::WBXML_OCTETS, Class::TooLarge, expected));
        }
        self.header.version = self.cursor.octet("the version of WBXML")?;
        let version = self.header.version;
        let says = format_args!("{}.{}", (version >> 4).saturating_add(1), version & 0x0F);
        self.span(0, "version", HEADER_CLAUSE, &says);
        if version > 0x03 {
            self.deviate(0, Class::BadValue, "WBXML of version 1.0 to 1.3")?;
        }
        let public_at = self.cursor.offset();
        let number = self.uintvar()?;
        let index_at = self.cursor.offset();
        let index = if number == 0 {
            Some(self.uintvar()?)
        } else {
            None
        };
        let public_end = self.cursor.offset();
        let charset_at = self.cursor.offset();
        // Version 1.0 has no charset field.
        let charset = if version == 0 { 106 } else { self.uintvar()? };
        self.header.charset = Charset::of(charset);
        self.strings.charset = self.header.charset;
        let table_at = self.cursor.offset();
        let count = self.uintvar()?;
        let strings_at = self.cursor.offset();
        let mut table = self
            .cursor
            .container(count, table_at, "a string table of that length")?;
        self.strings.table = table.rest();
        self.header.table = self.strings.table;
        self.public_id(number, index, (public_at, public_end), index_at)?;
        if version > 0 {
            self.span_at((charset_at, table_at), "charset", HEADER_CLAUSE, &charset);
        }
        if matches!(self.header.charset, Charset::Other(_)) {
            self.deviate(charset_at, Class::BadValue, "a charset that is known here")?;
        }
        self.span_at((table_at, strings_at), "strings", HEADER_CLAUSE, &count);
        if count > 0 {
            let text = self.strings.charset.text(self.strings.table);
            let end = self.cursor.offset();
            self.span_at(
                (strings_at, end),
                "strings.text",
                HEADER_CLAUSE,
                &Shown(&text),
            );
        }
        Ok(())
    }

    fn public_id(
        &mut self,
        number: u32,
        index: Option<u32>,
        (at, end): (usize, usize),
        index_at: usize,
    ) -> Result<(), DecodeError> {
        let name = match (number, index) {
            (_, Some(index)) => {
                let expected = "the offset of a string in the table";
                let octets = self
                    .strings
                    .at(index)
                    .ok_or_else(|| self.fault(index_at, Class::BadLength, expected))?;
                core::str::from_utf8(octets).ok()
            }
            (number, None) if number == self.language.public_number => {
                Some(self.language.public_id)
            }
            _ => None,
        };
        self.header.public_id = name;
        let shown = name.unwrap_or(if number == 1 { "unknown" } else { "another" });
        self.span_at(
            (at, end),
            "public_id",
            HEADER_CLAUSE,
            &format_args!("{number}: {shown}"),
        );
        // 1 says that the identifier is not known; the media type tells what it is.
        if number == 1 || name == Some(self.language.public_id) {
            return Ok(());
        }
        self.deviate(
            at,
            Class::BadValue,
            "the public identifier of the document type",
        )
    }

    fn open(&mut self) -> Result<Event<'a>, DecodeError> {
        let at = self.cursor.offset();
        let octet = self.cursor.octet("an element, or the end of one")?;
        let name = match octet & 0x3F {
            LITERAL => self.literal(at, true)?,
            0x00..=0x03 => {
                let expected = if octet == PI {
                    "no processing instruction"
                } else {
                    "an element"
                };
                return Err(self.fault(at, Class::UnknownToken, expected));
            }
            token => match self.language.tag(token) {
                Some(rule) if self.tag_page == 0 => Name::Known(rule.name),
                _ => Name::Token {
                    page: self.tag_page,
                    token,
                },
            },
        };
        self.node(at)?;
        let (attributes, content) = (octet & 0x80 != 0, octet & 0x40 != 0);
        if let Some((_, path)) = &mut self.notes.spans {
            path.push(name.to_string());
        }
        let flags = match (attributes, content) {
            (true, true) => ", attributes, content",
            (true, false) => ", attributes",
            (false, true) => ", content",
            (false, false) => "",
        };
        let says = format_args!("tag {:02X}{flags}", octet & 0x3F);
        self.span(at, "", self.language.clause, &says);
        let result = self.grammar.open(&name);
        self.allow(result, at)?;
        self.state = match (attributes, content) {
            (true, content) => State::Attributes(content),
            (false, true) => State::Content,
            (false, false) => State::Empty,
        };
        if !attributes {
            self.allow(self.grammar.attributes_end(), at)?;
        }
        Ok(Event::Open(name))
    }

    fn attribute(&mut self) -> Result<Event<'a>, DecodeError> {
        let at = self.cursor.offset();
        let octet = self.cursor.octet("an attribute")?;
        let mut prefix = "";
        let name = match octet {
            LITERAL => self.literal(at, false)?,
            0x05..=0x3F | 0x45..=0x7F => match self.language.start(octet) {
                Some(start) if self.attribute_page == 0 => {
                    prefix = start.prefix;
                    Name::Known(start.name)
                }
                _ => Name::Token {
                    page: self.attribute_page,
                    token: octet,
                },
            },
            _ => return Err(self.fault(at, Class::UnknownToken, "an attribute start")),
        };
        self.node(at)?;
        if let Some((_, path)) = &mut self.notes.spans {
            path.push(name.to_string());
        }
        let says = format_args!("token {octet:02X}: {}", Shown(prefix));
        self.span(at, "", self.language.clause, &says);
        let found = self.grammar.attribute(&name);
        let rule = match found {
            Ok(rule) => rule,
            Err(broken) => {
                self.allow(Err(broken), at)?;
                None
            }
        };
        let value = self.value(prefix, true)?;
        if let Some((_, path)) = &mut self.notes.spans {
            path.pop();
        }
        if let Some(rule) = rule {
            self.check(rule.kind, &value, at)?;
        }
        Ok(Event::Attribute(name, value))
    }

    /// Looks whether a value is one of its attribute.
    fn check(&mut self, kind: Kind, value: &Value<'a>, at: usize) -> Result<(), DecodeError> {
        match kind {
            Kind::Text if value.is_text() => Ok(()),
            Kind::Text => self.deviate(at, Class::BadValue, "text in this attribute"),
            Kind::Words(words) if words.contains(&&*value.text()) => Ok(()),
            Kind::Words(_) => self.deviate(at, Class::BadValue, "a word of this attribute"),
            Kind::Date => match value.stamp() {
                Ok(_) if value.is_text() => {
                    self.deviate(at, Class::BadValue, "an instant in an opaque value")
                }
                Ok(_) => Ok(()),
                Err(fault) => {
                    let expected = "the digits of an instant that exists";
                    self.deviate(fault.unwrap_or(at), Class::BadValue, expected)
                }
            },
        }
    }

    /// The pieces from here to what is none.
    fn value(&mut self, prefix: &'static str, attribute: bool) -> Result<Value<'a>, DecodeError> {
        let start = self.cursor;
        let page = self.attribute_page;
        let mut whole = Whole::Text(prefix);
        while self
            .cursor
            .peek()
            .is_some_and(|octet| is_piece(octet, attribute))
        {
            whole = self.piece(whole)?;
        }
        if self.cursor.is_empty() {
            let expected = "an END";
            return Err(self.fault(self.cursor.offset(), Class::Truncated, expected));
        }
        Ok(Value::Encoded(Encoded {
            prefix,
            octets: start.until(&self.cursor),
            whole,
            page,
            strings: self.strings,
            language: self.language,
        }))
    }

    /// The next piece of a value, which is `whole` with it.
    fn piece(&mut self, whole: Whole<'a>) -> Result<Whole<'a>, DecodeError> {
        let at = self.cursor.offset();
        let by_reference = self.cursor.peek() == Some(STR_T);
        if let Some(ENTITY | STR_T | OPAQUE | 0x80..=0x82) = self.cursor.peek() {
            let mut ahead = self.cursor;
            ahead.octet("a token")?;
            let number_at = ahead.offset();
            self.shortest(ahead.uintvar_any()?, number_at)?;
        }
        let piece = self.strings.piece(&mut self.cursor)?;
        self.node(at)?;
        let told = Told {
            piece: &piece,
            charset: self.strings.charset,
            language: self.language,
        };
        self.span(at, "", self.language.clause, &told);
        Ok(match piece {
            Piece::Text { octets, at: place } => {
                if by_reference {
                    self.refer(octets, at)?;
                }
                if let Some(odd) = self.strings.charset.fault(octets) {
                    let at = place.map_or(at, |place| place.saturating_add(odd));
                    self.deviate(at, Class::BadValue, "text in the charset of the document")?;
                }
                whole.text(self.strings.charset.borrowed(octets))
            }
            Piece::Page(page) => {
                self.attribute_page = page;
                whole.text(None)
            }
            Piece::Token(token) if self.attribute_page == 0 => match self.language.value(token) {
                Some(text) => whole.text(Some(text)),
                None => self.unknown_value(at)?,
            },
            Piece::Token(_) | Piece::Extension => self.unknown_value(at)?,
            Piece::Letter(_) => whole.text(None),
            Piece::Opaque(octets) => {
                let end = self.cursor.offset();
                whole.opaque(octets, end.saturating_sub(octets.len()))
            }
        })
    }

    fn unknown_value(&mut self, at: usize) -> Result<Whole<'a>, DecodeError> {
        let expected = "a value token of the document type";
        self.deviate(at, Class::UnknownToken, expected)?;
        Ok(Whole::Mixed)
    }

    /// Counts what a reference takes from the string table.
    fn refer(&mut self, octets: &[u8], at: usize) -> Result<(), DecodeError> {
        self.table_octets = self.table_octets.saturating_add(octets.len());
        if self.table_octets > limits::WBXML_TABLE_OCTETS {
            let expected = "fewer references to the string table";
            return Err(self.fault(at, Class::TooLarge, expected));
        }
        Ok(())
    }

    /// A name of the string table.
    fn literal(&mut self, at: usize, tag: bool) -> Result<Name<'a>, DecodeError> {
        let number_at = self.cursor.offset();
        self.shortest(self.cursor.clone().uintvar_any()?, number_at)?;
        let octets = self.strings.entry(&mut self.cursor)?;
        self.refer(octets, at)?;
        if octets.len() > limits::WBXML_NAME_OCTETS {
            return Err(self.fault(at, Class::TooLarge, "a shorter name"));
        }
        let narrow = self.strings.charset.width() == 1;
        let name = core::str::from_utf8(octets)
            .ok()
            .filter(|name| narrow && is_name(name))
            .ok_or_else(|| self.fault(at, Class::BadValue, "a name in the string table"))?;
        let known = if tag {
            self.language.element(name).map(|rule| rule.name)
        } else {
            self.language.attribute(name)
        };
        Ok(known.map_or(Name::Other(Cow::Borrowed(name)), Name::Known))
    }

    fn text(&mut self) -> Result<Option<Event<'a>>, DecodeError> {
        let at = self.cursor.offset();
        let value = self.value("", false)?;
        if self.grammar.holds_text() {
            if !value.is_text() {
                self.deviate(at, Class::BadValue, "text and nothing else")?;
            }
            return Ok(Some(Event::Text(value)));
        }
        if value.is_text() && value.text().trim_ascii().is_empty() {
            return Ok(None);
        }
        self.deviate(at, Class::BadValue, "no text between elements")?;
        Ok(Some(Event::Text(value)))
    }

    fn close(&mut self, at: usize) -> Result<Event<'a>, DecodeError> {
        let result = self.grammar.close();
        self.allow(result, at)?;
        self.state = if self.grammar.depth() == 0 {
            State::End
        } else {
            State::Content
        };
        if let Some((_, path)) = &mut self.notes.spans {
            path.pop();
        }
        Ok(Event::Close)
    }

    /// Refuses what breaks the document type in a strict reading, notes it in a lenient one.
    fn allow(&mut self, result: Result<(), Broken>, at: usize) -> Result<(), DecodeError> {
        let (class, expected) = match result {
            Ok(()) => return Ok(()),
            Err(Broken::Deep) => {
                return Err(self.fault(at, Class::TooLarge, "elements nested less deeply"));
            }
            Err(Broken::Root) => return Err(self.fault(at, Class::BadValue, ROOT)),
            Err(Broken::Unknown(expected)) => (Class::UnknownToken, expected),
            Err(Broken::Misplaced(expected)) => (Class::BadValue, expected),
            // What is missing cannot be passed over.
            Err(Broken::Missing(expected)) => {
                return Err(self.fault(at, Class::Truncated, expected));
            }
        };
        self.deviate(at, class, expected)
    }

    fn deviate(
        &mut self,
        at: usize,
        class: Class,
        expected: &'static str,
    ) -> Result<(), DecodeError> {
        let fault = self.fault(at, class, expected);
        self.notes.tolerance.deviate(fault)
    }

    fn node(&mut self, at: usize) -> Result<(), DecodeError> {
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes > limits::WBXML_NODES {
            let expected = "a document of fewer elements and values";
            return Err(self.fault(at, Class::TooLarge, expected));
        }
        Ok(())
    }

    fn uintvar(&mut self) -> Result<u32, DecodeError> {
        let at = self.cursor.offset();
        let number = self.cursor.uintvar_any()?;
        self.shortest(number, at)?;
        Ok(number.value)
    }

    /// Looks whether a number, which stands at `at`, has its shortest form.
    fn shortest(&mut self, number: Uintvar, at: usize) -> Result<(), DecodeError> {
        if number.minimal {
            return Ok(());
        }
        let expected = "a number without leading zeros";
        self.deviate(at, Class::UintvarNonMinimal, expected)
    }

    const fn fault(&self, at: usize, class: Class, expected: &'static str) -> DecodeError {
        self.cursor.fault_at(at, class, expected)
    }

    /// Notes what stands from `at` to here.
    #[inline]
    fn span(&mut self, at: usize, field: &str, clause: &'static str, says: &dyn fmt::Display) {
        let end = self.cursor.offset();
        self.span_at((at, end), field, clause, says);
    }

    #[inline]
    fn span_at(
        &mut self,
        place: (usize, usize),
        field: &str,
        clause: &'static str,
        says: &dyn fmt::Display,
    ) {
        if let Some((spans, path)) = &mut self.notes.spans {
            spans.push(span(path, place, field, clause, says));
        }
    }
}

impl<'a> Source<'a> for Reader<'a> {
    fn next(&mut self) -> Result<Option<Event<'a>>, DecodeError> {
        loop {
            let at = self.cursor.offset();
            let next = self.cursor.peek();
            match (self.state, next) {
                (State::End, None) => return Ok(None),
                (State::End, Some(_)) => {
                    self.cursor.rest();
                    self.span(
                        at,
                        "trailing",
                        self.language.clause,
                        &"behind the root element",
                    );
                    self.deviate(at, Class::BadLength, "the end after the root element")?;
                }
                (State::Empty, _) => return self.close(at).map(Some),
                (State::Attributes(content), Some(END)) => {
                    self.cursor.octet("END")?;
                    self.span(at, "end", self.language.clause, &"END of the attributes");
                    self.allow(self.grammar.attributes_end(), at)?;
                    self.state = if content {
                        State::Content
                    } else {
                        State::Empty
                    };
                }
                (State::Content, Some(END)) => {
                    self.cursor.octet("END")?;
                    self.span(at, "end", self.language.clause, &"END");
                    return self.close(at).map(Some);
                }
                (State::Attributes(_), Some(SWITCH_PAGE)) => {
                    self.cursor.octet("a page switch")?;
                    self.node(at)?;
                    self.attribute_page = self.cursor.octet("a code page")?;
                    self.span(at, "page", self.language.clause, &"SWITCH_PAGE");
                }
                (State::Root | State::Content, Some(SWITCH_PAGE)) => {
                    self.cursor.octet("a page switch")?;
                    self.node(at)?;
                    self.tag_page = self.cursor.octet("a code page")?;
                    self.span(at, "page", self.language.clause, &"SWITCH_PAGE");
                }
                (State::Content, Some(octet)) if is_piece(octet, false) => {
                    if let Some(event) = self.text()? {
                        return Ok(Some(event));
                    }
                }
                (State::Attributes(_), _) => return self.attribute().map(Some),
                (State::Root | State::Content, _) => return self.open().map(Some),
            }
        }
    }
}

/// What stands at a place, in the element or attribute at the end of `path`.
#[cold]
fn span(
    path: &[String],
    (at, end): (usize, usize),
    field: &str,
    clause: &'static str,
    says: &dyn fmt::Display,
) -> Span {
    let path = match (path.is_empty(), field.is_empty()) {
        (true, _) => format!("wbxml.{field}"),
        (false, true) => path.join("."),
        (false, false) => format!("{}.{field}", path.join(".")),
    };
    Span {
        at,
        len: end.saturating_sub(at),
        path,
        value: says.to_string(),
        clause,
    }
}

/// Whether the octet begins a piece of a value; in text, what is a value token in an attribute is a tag.
const fn is_piece(octet: u8, attribute: bool) -> bool {
    match octet {
        0x02 | 0x03 | 0x40..=0x42 | 0x80..=0x83 | 0xC0..=0xC2 | OPAQUE => true,
        SWITCH_PAGE | 0x85..=0xBF | 0xC5..=0xFF => attribute,
        _ => false,
    }
}

/// `1.2` for 02.
pub(super) fn version_name(version: u8) -> String {
    let major = (version >> 4).saturating_add(1);
    format!("{major}.{}", version & 0x0F)
}

/// A piece in words.
struct Told<'r, 'a> {
    piece: &'r Piece<'a>,
    charset: Charset,
    language: &'static Language,
}

impl fmt::Display for Told<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.piece {
            Piece::Text { octets, .. } => Shown(&self.charset.text(octets)).fmt(f),
            Piece::Letter(letter) => write!(f, "character {}: {letter:?}", u32::from(*letter)),
            Piece::Opaque(octets) => match super::Stamp::of_octets(octets) {
                Ok(stamp) => write!(f, "opaque: {stamp}"),
                Err(_) => write!(f, "opaque, {} octets", octets.len()),
            },
            Piece::Token(token) => match self.language.value(*token) {
                Some(text) => write!(f, "token {token:02X}: {}", Shown(text)),
                None => write!(f, "token {token:02X}"),
            },
            Piece::Extension => f.write_str("an extension token"),
            Piece::Page(page) => write!(f, "SWITCH_PAGE {page}"),
        }
    }
}

/// Text in quotes, so that its end is seen.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0, f)
    }
}
