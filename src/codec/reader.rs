//! One reading of octets that serves the strict, the lenient and the annotated view of a format.
//!
//! A codec reads through it once; what it notes for each field costs nothing unless spans were asked for.

use core::fmt;

use super::cursor::Cursor;
use super::format::{Deviation, Tolerance};
use super::{Class, DecodeError, Span};

/// A cursor that keeps deviations and spans beside what is read.
#[derive(Debug)]
pub struct Reader<'a> {
    /// Where the reading stands.
    pub cursor: Cursor<'a>,
    tolerance: Tolerance,
    spans: Option<Vec<Span>>,
    place: Place,
}

/// Where fields belong: the front of their paths and the clause that defines them.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// `smpp.` or `smpp.short_message.`
    pub path: &'static str,
    /// `SMPP 3.4 4.4.1`
    pub clause: &'static str,
}

impl<'a> Reader<'a> {
    /// Before the first of `octets`; faults carry the name of `format`.
    #[must_use]
    pub const fn new(format: &'static str, place: Place, octets: &'a [u8], lenient: bool) -> Self {
        Self {
            cursor: Cursor::new(format, octets),
            tolerance: Tolerance::of(lenient),
            spans: None,
            place,
        }
    }

    /// The same with spans.
    #[must_use]
    pub fn annotating(mut self) -> Self {
        self.spans = Some(Vec::new());
        self
    }

    /// Whether spans are wanted.
    #[must_use]
    pub const fn is_annotating(&self) -> bool {
        self.spans.is_some()
    }

    /// Fields that follow belong here; gives where they belonged before.
    pub const fn enter(&mut self, place: Place) -> Place {
        core::mem::replace(&mut self.place, place)
    }

    /// The deviations noted so far.
    #[must_use]
    pub fn deviations(self) -> Vec<Deviation> {
        self.tolerance.deviations()
    }

    /// The spans noted so far.
    #[must_use]
    pub fn spans(self) -> Vec<Span> {
        self.spans.unwrap_or_default()
    }

    /// Octets before the next one.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.cursor.offset()
    }

    /// One octet, noted as a number.
    ///
    /// # Errors
    /// Truncated.
    pub fn octet(
        &mut self,
        path: impl fmt::Display,
        expected: &'static str,
    ) -> Result<u8, DecodeError> {
        let at = self.at();
        let octet = self.cursor.octet(expected)?;
        self.note(at, path, octet);
        Ok(octet)
    }

    /// Notes the field from `at` to where the reading stands; an empty one is no field.
    pub fn note(&mut self, at: usize, path: impl fmt::Display, value: impl fmt::Display) {
        if let Some(spans) = &mut self.spans {
            let len = self.cursor.offset().saturating_sub(at);
            if len > 0 {
                spans.push(Span {
                    at,
                    len,
                    path: format!("{}{path}", self.place.path),
                    value: value.to_string(),
                    clause: self.place.clause,
                });
            }
        }
    }

    /// Refuses in a strict reading, notes in a lenient one.
    ///
    /// # Errors
    /// The fault, in a strict reading.
    pub fn deviate(
        &mut self,
        at: usize,
        class: Class,
        expected: &'static str,
    ) -> Result<(), DecodeError> {
        self.tolerance.deviate(self.fault(at, class, expected))
    }

    /// A fault of this format.
    #[must_use]
    pub const fn fault(&self, at: usize, class: Class, expected: &'static str) -> DecodeError {
        self.cursor.fault_at(at, class, expected)
    }

    /// What is left after the last field: nothing, or a deviation.
    ///
    /// # Errors
    /// Bad length, in a strict reading.
    pub fn end(&mut self) -> Result<&'a [u8], DecodeError> {
        if self.cursor.is_empty() {
            return Ok(&[]);
        }
        let at = self.at();
        self.deviate(at, Class::BadLength, "the end after the last field")?;
        let rest = self.cursor.rest();
        self.note(
            at,
            "trailing",
            format_args!("{} octets too many", rest.len()),
        );
        Ok(rest)
    }
}

/// Octets as hexadecimal digits in a span's value.
#[derive(Clone, Copy, Debug)]
pub struct Digits<'a>(pub &'a [u8]);

impl fmt::Display for Digits<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// The octets that spans cover from the front; `None` when there is a gap or an overlap.
#[cfg(test)]
pub(super) fn covered(spans: &[Span]) -> Option<usize> {
    spans.iter().try_fold(0_usize, |end, span| {
        (span.at == end).then(|| end.saturating_add(span.len))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place {
        path: "t.",
        clause: "none",
    };

    #[test]
    fn a_strict_reading_refuses_what_a_lenient_one_notes() {
        let mut strict = Reader::new("t", PLACE, &[1, 2], false).annotating();
        strict.octet("first", "an octet").unwrap();
        let fault = strict.end().unwrap_err();
        assert_eq!((fault.offset, fault.class), (1, Class::BadLength));
        assert_eq!(strict.spans().len(), 1);

        let mut lenient = Reader::new("t", PLACE, &[1, 2], true).annotating();
        lenient.octet("first", "an octet").unwrap();
        assert_eq!(lenient.end().unwrap(), [2]);
        let spans = lenient.spans();
        assert_eq!((spans[1].path.as_str(), spans[1].at), ("t.trailing", 1));
    }
}
