//! Header blocks: fields by number or name, and the shifts between code pages.
//!
//! **Source:** WAP-230 sections 8.4.1 and 8.4.2.6.

use super::assigned::{self, Known};
use super::grammar;
use super::rigour::Rigour;
use super::value::{Form, Value, is_token};
use crate::codec::cursor::Cursor;
use crate::codec::lexeme::eight;
use crate::codec::{Class, DecodeError};
use crate::limits;

/// A block of header fields whose form was checked.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    cursor: Cursor<'a>,
}

/// What a header block consists of.
#[derive(Clone, Copy, Debug)]
pub enum Entry<'a> {
    /// From here on numbers are those of another code page.
    Shift {
        /// Octets before it.
        at: usize,
        /// The code page, 1 to 255.
        page: u8,
        /// Its one or two octets.
        octets: &'a [u8],
    },
    /// A header field.
    Field(Field<'a>),
}

/// A header field.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// Octets before it.
    pub at: usize,
    /// All its octets.
    pub octets: &'a [u8],
    /// The code page its number belongs to.
    pub page: u8,
    /// Its number or name.
    pub name: Name<'a>,
    /// Its value.
    pub value: Value<'a>,
}

/// What a header field is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name<'a> {
    /// Its number on the code page, without the top bit.
    Number(u8),
    /// Its name.
    Text(&'a [u8]),
}

/// The code page of the fields of WAP-230.
pub const DEFAULT_PAGE: u8 = 1;

impl<'a> Headers<'a> {
    /// No header field.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            cursor: Cursor::new("wsp", &[]),
        }
    }

    /// All that is left of `cursor`, checked.
    ///
    /// # Errors
    /// The faults of names and values; more than [`limits::WSP_HEADERS`]; a well-known field whose value has another form, in a strict reading.
    pub fn read(cursor: Cursor<'a>, rigour: &mut Rigour) -> Result<Self, DecodeError> {
        let mut walk = cursor;
        let mut page = DEFAULT_PAGE;
        let mut count = 0_usize;
        while !walk.is_empty() {
            if count >= limits::WSP_HEADERS {
                let expected = "as many header fields as the bound allows";
                return Err(walk.fault_at(walk.offset(), Class::TooLarge, expected));
            }
            count = count.saturating_add(1);
            // Whatever text stands behind a name in text, it fits.
            if let Some((name, rest)) = text_row(walk.ahead())
                && is_token(name)
            {
                walk.go_to(rest);
                continue;
            }
            match Entry::read(&mut walk, page, rigour)? {
                Entry::Shift { page: next, .. } => page = next,
                Entry::Field(field) => field.check(&walk, rigour)?,
            }
        }
        Ok(Self { cursor })
    }

    /// A header block of its own.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn decode(octets: &'a [u8], rigour: &mut Rigour) -> Result<Self, DecodeError> {
        Self::read(Cursor::new("wsp", octets), rigour)
    }

    /// Shifts and fields in order.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        let mut cursor = self.cursor;
        let mut page = DEFAULT_PAGE;
        core::iter::from_fn(move || {
            if cursor.is_empty() {
                return None;
            }
            let entry = Entry::read(&mut cursor, page, &mut Rigour::Settled).ok()?;
            if let Entry::Shift { page: next, .. } = entry {
                page = next;
            }
            Some(entry)
        })
    }

    /// The fields in order.
    pub fn fields(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        self.entries().filter_map(|entry| match entry {
            Entry::Field(field) => Some(field),
            Entry::Shift { .. } => None,
        })
    }

    /// The fields of a name, whether that or a number stands there.
    pub fn named<'n>(&self, name: &'n str) -> impl Iterator<Item = Field<'a>> + use<'a, 'n> {
        let mut cursor = self.cursor;
        let mut page = DEFAULT_PAGE;
        core::iter::from_fn(move || {
            while !cursor.is_empty() {
                if let Some((other, rest)) = text_row(cursor.ahead())
                    && !other.eq_ignore_ascii_case(name.as_bytes())
                {
                    cursor.go_to(rest);
                    continue;
                }
                match Entry::read(&mut cursor, page, &mut Rigour::Settled).ok()? {
                    Entry::Field(field) if field.is(name) => return Some(field),
                    Entry::Field(_) => {}
                    Entry::Shift { page: next, .. } => page = next,
                }
            }
            None
        })
    }

    /// The octets.
    #[must_use]
    pub fn octets(&self) -> &'a [u8] {
        let mut cursor = self.cursor;
        cursor.rest()
    }
}

/// The name of a field in text whose value is text too, both with their ends, and what follows; `None` for any other
/// beginning.
#[inline]
fn text_row(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, value) = match octets {
        [0x20..=0x7E, ..] => cut(octets)?,
        _ => return None,
    };
    match value {
        [0x20..=0x7F, ..] => Some((name, cut(value)?.1)),
        // The empty text is its end alone.
        [0, rest @ ..] => Some((name, rest)),
        _ => None,
    }
}

/// What precedes the first 00, and what follows it.
#[inline]
fn cut(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (text, end) = octets.split_at_checked(eight::zero(octets)?)?;
    Some((text, end.get(1..)?))
}

impl<'a> Entry<'a> {
    pub(super) fn read(
        cursor: &mut Cursor<'a>,
        page: u8,
        rigour: &mut Rigour,
    ) -> Result<Self, DecodeError> {
        let start = *cursor;
        let at = cursor.offset();
        let name = match cursor.peek() {
            Some(number @ 0x80..) => {
                cursor.octet("a header field")?;
                Name::Number(number & 0x7F)
            }
            Some(0x20..=0x7E) => {
                let text = cursor.text_string()?;
                if !matches!(rigour, Rigour::Settled) && !is_token(text) {
                    rigour.deviate(cursor, at, Class::BadValue, "a token as field name")?;
                }
                Name::Text(text)
            }
            Some(shift) => {
                cursor.octet("a header field")?;
                let page = if shift == 0x7F {
                    cursor.octet("a code page")?
                } else {
                    shift
                };
                if page == 0 {
                    return Err(cursor.fault_at(at, Class::BadValue, "a header field"));
                }
                return Ok(Self::Shift {
                    at,
                    page,
                    octets: start.until(cursor),
                });
            }
            None => return Err(cursor.fault_at(at, Class::Truncated, "a header field")),
        };
        let value = Value::read(cursor, rigour)?;
        Ok(Self::Field(Field {
            at,
            octets: start.until(cursor),
            page,
            name,
            value,
        }))
    }
}

impl<'a> Field<'a> {
    /// What is known of its number.
    #[must_use]
    pub fn known(&self) -> Option<&'static Known> {
        match self.name {
            Name::Number(number) if self.page == DEFAULT_PAGE => assigned::field(number),
            _ => None,
        }
    }

    /// Whether it has this name, in the octets or by its number.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        match (self.name, self.known()) {
            (Name::Text(text), _) => text.eq_ignore_ascii_case(name.as_bytes()),
            (_, Some(known)) => known.name.eq_ignore_ascii_case(name),
            _ => false,
        }
    }

    /// The name: assigned, in the octets, or `0x60`.
    #[must_use]
    pub fn label(&self) -> String {
        match (self.name, self.known()) {
            (Name::Text(text), _) => String::from_utf8_lossy(text).into_owned(),
            (_, Some(known)) => known.name.to_owned(),
            (Name::Number(number), None) => format!("0x{number:02X}"),
        }
    }

    /// The value of a field with a textual one.
    #[must_use]
    pub fn text(&self) -> Option<&'a str> {
        self.value
            .text()
            .and_then(|text| core::str::from_utf8(text).ok())
    }

    /// Whether the value has the form that the field has.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.fault().is_none()
    }

    fn fault(&self) -> Option<DecodeError> {
        match (self.name, self.known()) {
            (Name::Text(_), _) if self.value.text().is_none() => Some(DecodeError {
                format: "wsp",
                offset: self.value.at,
                class: Class::BadValue,
                expected: "text as the value of a field named in text",
            }),
            (_, Some(known)) => grammar::check(known.kind, &self.value).err(),
            _ => None,
        }
    }

    fn check(&self, cursor: &Cursor<'_>, rigour: &mut Rigour) -> Result<(), DecodeError> {
        match self.fault() {
            None => Ok(()),
            Some(fault) => rigour.deviate(cursor, fault.offset, fault.class, fault.expected),
        }
    }
}

/// The value in words, as HTTP writes it.
impl core::fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if let Some(known) = self.known().filter(|_| self.fits()) {
            return grammar::show(known.kind, &self.value, f);
        }
        match self.value.form {
            Form::Short(number) => write!(f, "{number}"),
            Form::Text(text) => f.write_str(&String::from_utf8_lossy(text)),
            Form::Octets(octets) => octets.iter().try_for_each(|octet| write!(f, "{octet:02x}")),
        }
    }
}
