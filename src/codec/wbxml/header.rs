//! What stands before the elements: version, public identifier, charset, string table.
//!
//! **Source:** WAP-192 section 5.4.

use super::charset::Charset;
use super::notes::{Notes, Text};
use super::reader::Reader;
use crate::codec::{Class, DecodeError};
use crate::limits;

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

impl Header<'_> {
    /// One that has not been read.
    pub(super) const BLANK: Self = Self {
        version: 0,
        public_id: None,
        charset: Charset::Utf8,
        table: &[],
    };
}

/// The number of a public identifier that is not known; the media type tells what the document is.
const UNKNOWN: u32 = 1;
/// The charset of version 1.0, which has no field for it.
const UTF_8: u32 = 106;

const CLAUSE: &str = "WAP-192 5.4";

/// The public identifier as it stands: its number, or its place in the string table.
struct PublicId {
    number: u32,
    index: Option<u32>,
    at: usize,
    index_at: usize,
    end: usize,
}

impl<'a, N: Notes> Reader<'a, N> {
    /// Reads what stands before the elements.
    pub(super) fn head(&mut self) -> Result<(), DecodeError> {
        if self.cursor.left() > limits::WBXML_OCTETS {
            let expected = "the end of the document";
            return Err(self.fault(limits::WBXML_OCTETS, Class::TooLarge, expected));
        }
        let version = self.cursor.octet("the version of WBXML")?;
        self.header.version = version;
        let says = format_args!("{}.{}", (version >> 4).saturating_add(1), version & 0x0F);
        self.note(0, "version", CLAUSE, says);
        if version > 0x03 {
            self.deviate(0, Class::BadValue, "WBXML of version 1.0 to 1.3")?;
        }
        let public_id = self.public_id()?;
        let charset_at = self.cursor.offset();
        let charset = if version == 0 { UTF_8 } else { self.uintvar()? };
        self.header.charset = Charset::of(charset);
        let table_at = self.cursor.offset();
        let count = self.uintvar()?;
        let strings_at = self.cursor.offset();
        let mut table = self
            .cursor
            .container(count, table_at, "a string table of that length")?;
        self.header.table = table.rest();
        self.check_public_id(&public_id)?;
        if version > 0 {
            let place = (charset_at, table_at);
            self.notes.note(place, "charset", CLAUSE, charset);
        }
        if matches!(self.header.charset, Charset::Other(_)) {
            self.deviate(charset_at, Class::BadValue, "a charset that is known here")?;
        }
        self.notes
            .note((table_at, strings_at), "strings", CLAUSE, count);
        if count > 0 {
            let text = Text(self.header.table, self.header.charset);
            self.note(strings_at, "strings.text", CLAUSE, text);
        }
        Ok(())
    }

    fn public_id(&mut self) -> Result<PublicId, DecodeError> {
        let at = self.cursor.offset();
        let number = self.uintvar()?;
        let index_at = self.cursor.offset();
        let index = match number {
            0 => Some(self.uintvar()?),
            _ => None,
        };
        Ok(PublicId {
            number,
            index,
            at,
            index_at,
            end: self.cursor.offset(),
        })
    }

    /// Looks whether the document is of the type that is read; the string table is known by now.
    fn check_public_id(&mut self, found: &PublicId) -> Result<(), DecodeError> {
        let own = self.language.public_id;
        let name = match found.index {
            Some(index) => {
                let expected = "the offset of a string in the table";
                let octets = self
                    .strings()
                    .at(index)
                    .ok_or_else(|| self.fault(found.index_at, Class::BadLength, expected))?;
                core::str::from_utf8(octets).ok()
            }
            None => Some(own).filter(|_| found.number == self.language.public_number),
        };
        self.header.public_id = name;
        let shown = match name {
            Some(name) => name,
            None if found.number == UNKNOWN => "unknown",
            None => "another",
        };
        let says = format_args!("{}: {shown}", found.number);
        self.notes
            .note((found.at, found.end), "public_id", CLAUSE, says);
        let is_own = found.number == self.language.public_number || name == Some(own);
        if is_own || found.number == UNKNOWN {
            return Ok(());
        }
        let expected = "the public identifier of the document type";
        self.deviate(found.at, Class::BadValue, expected)
    }
}

/// `1.2` for 02.
pub(super) fn version_name(version: u8) -> String {
    let major = (version >> 4).saturating_add(1);
    format!("{major}.{}", version & 0x0F)
}
