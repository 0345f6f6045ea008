//! Multipart bodies: entries with lengths in front of headers and body.
//!
//! **Source:** WAP-230 section 8.5. The entries are read to the end of the body; their count in front is only compared.

use super::header::Headers;
use super::media::ContentType;
use super::rigour::Rigour;
use crate::codec::cursor::{Cursor, put_uintvar};
use crate::codec::{Class, DecodeError};
use crate::limits;

/// One entry.
#[derive(Clone, Copy, Debug)]
pub struct Entity<'a> {
    /// Octets before it.
    pub at: usize,
    /// Octets before its media type.
    pub content_at: usize,
    /// Its media type.
    pub content_type: ContentType<'a>,
    /// Its headers.
    pub headers: Headers<'a>,
    /// Its body.
    pub body: &'a [u8],
}

/// A multipart body: the count in front and the entries.
#[derive(Clone, Debug)]
pub struct Multipart<'a> {
    /// The count in front; 0 from senders whose peer ignores it.
    pub count: u32,
    /// The entries.
    pub entities: Vec<Entity<'a>>,
}

impl<'a> Multipart<'a> {
    /// Reads a body that stands `base` octets after the start of the outermost input.
    ///
    /// # Errors
    /// Lengths past the end, the faults of media types and headers, more entries than [`limits::MIME_PARTS`].
    pub fn read(octets: &'a [u8], base: usize, rigour: &mut Rigour) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::within("wsp", octets, base);
        let count = rigour.uintvar(&mut cursor)?;
        let mut entities = Vec::new();
        while !cursor.is_empty() {
            if entities.len() >= limits::MIME_PARTS {
                return Err(cursor.fault_at(cursor.offset(), Class::TooLarge, "fewer entries"));
            }
            entities.push(Entity::read(&mut cursor, rigour)?);
        }
        let found = u32::try_from(entities.len()).unwrap_or(u32::MAX);
        if count != found && count != 0 {
            rigour.deviate(&cursor, base, Class::BadValue, "the count of entries")?;
        }
        Ok(Self { count, entities })
    }
}

impl<'a> Entity<'a> {
    fn read(cursor: &mut Cursor<'a>, rigour: &mut Rigour) -> Result<Self, DecodeError> {
        let at = cursor.offset();
        let headers_len = rigour.uintvar(cursor)?;
        let body_at = cursor.offset();
        let body_len = rigour.uintvar(cursor)?;
        let mut headers = cursor.container(headers_len, at, "headers of that length")?;
        let content_at = headers.offset();
        let content_type = ContentType::read(&mut headers, rigour)?;
        let headers = Headers::read(headers, rigour)?;
        let mut body = cursor.container(body_len, body_at, "a body of that length")?;
        Ok(Self {
            at,
            content_at,
            content_type,
            headers,
            body: body.rest(),
        })
    }
}

/// Appends an entry.
pub fn put_entity(out: &mut Vec<u8>, content_type: &[u8], headers: &[u8], body: &[u8]) {
    let octets = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
    put_uintvar(
        out,
        octets(content_type.len().saturating_add(headers.len())),
    );
    put_uintvar(out, octets(body.len()));
    out.extend_from_slice(content_type);
    out.extend_from_slice(headers);
    out.extend_from_slice(body);
}
