//! Reading values: the pieces from one place on are put together and looked at.
//!
//! **Source:** WAP-192 sections 5.8.4 (global tokens) and 5.8.3 (attribute values).

use super::language::Kind;
use super::notes::{Notes, Told};
use super::piece::{Piece, STR_T, Taken, is_piece};
use super::reader::Reader;
use super::stamp::Stamp;
use super::value::{Mixed, Sum, Value};
use crate::codec::{Class, DecodeError};

impl<'a, N: Notes> Reader<'a, N> {
    /// Looks whether a value is one of its attribute; an instant is known as one from then on.
    pub(super) fn check(
        &mut self,
        kind: Kind,
        value: &mut Value<'a>,
        at: usize,
    ) -> Result<(), DecodeError> {
        const DIGITS: &str = "the digits of an instant that exists";
        let expected = match (kind, &*value) {
            (Kind::Text, Value::Text(_)) => return Ok(()),
            (Kind::Text, _) => "text in this attribute",
            (Kind::Words(words), Value::Text(text)) if words.contains(&&**text) => return Ok(()),
            (Kind::Words(_), _) => "a word of this attribute",
            (Kind::Date, Value::Opaque(octets, octets_at)) => match Stamp::of_octets(octets) {
                Ok(stamp) => {
                    *value = Value::Moment(stamp);
                    return Ok(());
                }
                Err(fault) => {
                    let at = octets_at.saturating_add(fault);
                    return self.deviate(at, Class::BadValue, DIGITS);
                }
            },
            (Kind::Date, value) if value.instant().is_some() => "an instant in an opaque value",
            (Kind::Date, _) => DIGITS,
        };
        self.deviate(at, Class::BadValue, expected)
    }

    /// The pieces from here to what is none.
    #[inline]
    pub(super) fn value(
        &mut self,
        prefix: &'static str,
        attribute: bool,
    ) -> Result<Value<'a>, DecodeError> {
        // Nearly every value is one string, or opaque octets.
        if N::SILENT && prefix.is_empty() {
            let mut ahead = self.cursor;
            let strings = self.strings();
            if let Some(value) = strings.alone(&mut ahead, attribute) {
                let at = self.cursor.offset();
                self.cursor = ahead;
                self.node(at)?;
                return Ok(value);
            }
        }
        self.pieces(prefix, attribute)
    }

    fn pieces(&mut self, prefix: &'static str, attribute: bool) -> Result<Value<'a>, DecodeError> {
        let (start, page) = (self.cursor, self.attribute_page);
        let mut sum = Sum::new(prefix);
        loop {
            match self.cursor.peek() {
                Some(octet) if is_piece(octet, attribute) => self.piece(&mut sum)?,
                Some(_) => break,
                None => {
                    let at = self.cursor.offset();
                    return Err(self.fault(at, Class::Truncated, "an END"));
                }
            }
        }
        Ok(sum.value(|| Mixed {
            prefix,
            octets: start.until(&self.cursor),
            page,
            strings: self.strings(),
            language: self.language,
        }))
    }

    /// The next piece of a value, when it is a plain string or a value token.
    #[inline]
    fn plain(&mut self) -> Option<&'a str> {
        match self.cursor.peek()? {
            token @ 0x85.. if self.attribute_page == 0 => {
                let text = self.language.value(token)?;
                self.cursor.octet("a value token").ok().map(|_| text)
            }
            _ => self.strings().plain(&mut self.cursor),
        }
    }

    /// The next piece of a value.
    fn piece(&mut self, sum: &mut Sum<'a>) -> Result<(), DecodeError> {
        let at = self.cursor.offset();
        let strings = self.strings();
        if N::SILENT
            && let Some(text) = self.plain()
        {
            sum.borrow(text);
            return self.node(at);
        }
        let by_reference = self.cursor.peek() == Some(STR_T);
        let Taken { piece, long_at } = strings.piece(&mut self.cursor)?;
        self.shortest(long_at)?;
        self.node(at)?;
        let told = Told {
            piece: &piece,
            charset: strings.charset,
            language: self.language,
        };
        self.note(at, "", self.language.clause, told);
        match piece {
            Piece::Text { octets, at: place } => {
                if by_reference {
                    self.refer(octets, at)?;
                }
                self.string(octets, place, at, sum)?;
            }
            Piece::Page(page) => self.attribute_page = page,
            Piece::Token(token) => match self.language.value(token) {
                Some(text) if self.attribute_page == 0 => sum.borrow(text),
                _ => self.unknown(at, sum)?,
            },
            Piece::Extension => self.unknown(at, sum)?,
            Piece::Letter(letter) => sum.copy(letter.encode_utf8(&mut [0; 4])),
            Piece::Opaque(octets) => {
                let end = self.cursor.offset();
                sum.opaque(octets, end.saturating_sub(octets.len()));
            }
        }
        Ok(())
    }

    /// A string, which stands at `place` or in the string table, named at `at`.
    fn string(
        &mut self,
        octets: &'a [u8],
        place: Option<usize>,
        at: usize,
        sum: &mut Sum<'a>,
    ) -> Result<(), DecodeError> {
        let charset = self.header.charset;
        if let Some(odd) = charset.fault(octets) {
            let at = place.map_or(at, |place| place.saturating_add(odd));
            self.deviate(at, Class::BadValue, "text in the charset of the document")?;
        }
        match charset.borrowed(octets) {
            Some(text) => sum.borrow(text),
            None => sum.copy(&charset.text(octets)),
        }
        Ok(())
    }

    fn unknown(&mut self, at: usize, sum: &mut Sum<'a>) -> Result<(), DecodeError> {
        let expected = "a value token of the document type";
        sum.other();
        self.deviate(at, Class::UnknownToken, expected)
    }
}
