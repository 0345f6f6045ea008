//! A reader of octets that knows its offset, and the writers of the same primitive values.
//!
//! Source: WAP-230 section 8.1 (uintvar) and 8.4 (header primitives).

use super::lexeme::eight;
use super::{Class, DecodeError};

/// Octets that are read from front to back; every fault names the offset in the outermost input.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    format: &'static str,
    /// What is left.
    rest: &'a [u8],
    /// The offset of its end in the outermost input.
    end: usize,
}

/// A uintvar as read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uintvar {
    /// The number.
    pub value: u32,
    /// Whether it is in its shortest form, as encoders must write it.
    pub minimal: bool,
}

impl<'a> Cursor<'a> {
    /// A cursor before the first of `octets`; faults carry the name of `format`.
    #[must_use]
    pub const fn new(format: &'static str, octets: &'a [u8]) -> Self {
        Self {
            format,
            rest: octets,
            end: octets.len(),
        }
    }

    /// A cursor over `octets` that stand `base` octets after the start of the outermost input.
    #[must_use]
    pub const fn within(format: &'static str, octets: &'a [u8], base: usize) -> Self {
        Self {
            format,
            rest: octets,
            end: base.saturating_add(octets.len()),
        }
    }

    /// The octets between where this one stands and where `later`, a further advanced copy, does.
    #[must_use]
    pub fn until(&self, later: &Self) -> &'a [u8] {
        let count = self.rest.len().saturating_sub(later.rest.len());
        self.rest.get(..count).unwrap_or_default()
    }

    /// Octets before the next one, counted from the start of the outermost input.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.end.saturating_sub(self.rest.len())
    }

    /// Octets that are left.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.rest.len()
    }

    /// Whether nothing is left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next octet, which stays there.
    #[must_use]
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// All that is left, which stays there.
    #[must_use]
    pub const fn ahead(&self) -> &'a [u8] {
        self.rest
    }

    /// Goes on at `rest`, a suffix of what is left.
    #[inline]
    pub const fn go_to(&mut self, rest: &'a [u8]) {
        self.rest = rest;
    }

    /// A fault of this format at `offset`.
    #[must_use]
    pub const fn fault_at(
        &self,
        offset: usize,
        class: Class,
        expected: &'static str,
    ) -> DecodeError {
        DecodeError {
            format: self.format,
            offset,
            class,
            expected,
        }
    }

    /// The next octet.
    ///
    /// # Errors
    /// Truncated.
    pub fn octet(&mut self, expected: &'static str) -> Result<u8, DecodeError> {
        let Some((octet, rest)) = self.rest.split_first() else {
            return Err(self.fault_at(self.end, Class::Truncated, expected));
        };
        self.rest = rest;
        Ok(*octet)
    }

    /// The next `count` octets; `class` is the fault when there are fewer, and it names the offset of the first.
    ///
    /// # Errors
    /// `class`.
    pub fn take(
        &mut self,
        count: usize,
        class: Class,
        expected: &'static str,
    ) -> Result<&'a [u8], DecodeError> {
        let Some((octets, rest)) = self.rest.split_at_checked(count) else {
            return Err(self.fault_at(self.offset(), class, expected));
        };
        self.rest = rest;
        Ok(octets)
    }

    /// A big-endian number of `count` octets, at most eight.
    ///
    /// # Errors
    /// Truncated.
    pub fn big_endian(
        &mut self,
        count: usize,
        class: Class,
        expected: &'static str,
    ) -> Result<u64, DecodeError> {
        Ok(self
            .take(count, class, expected)?
            .iter()
            .fold(0, |sum, octet| (sum << 8) | u64::from(*octet)))
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.rest)
    }

    /// A cursor over the next `count` octets, which this one skips.
    ///
    /// # Errors
    /// Bad length, when fewer are left; the offset is that of the length field at `declared_at`.
    pub fn container(
        &mut self,
        count: u32,
        declared_at: usize,
        expected: &'static str,
    ) -> Result<Self, DecodeError> {
        let base = self.offset();
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let octets = self
            .take(count, Class::BadLength, expected)
            .map_err(|fault| DecodeError {
                offset: declared_at,
                ..fault
            })?;
        Ok(Self::within(self.format, octets, base))
    }

    /// A uintvar in its shortest form.
    ///
    /// # Errors
    /// Truncated, not minimal, longer than five octets, above 32 bits.
    pub fn uintvar(&mut self) -> Result<u32, DecodeError> {
        let at = self.offset();
        let read = self.uintvar_any()?;
        if read.minimal {
            Ok(read.value)
        } else {
            Err(self.fault_at(
                at,
                Class::UintvarNonMinimal,
                "a uintvar without leading zeros",
            ))
        }
    }

    /// A uintvar in any form.
    ///
    /// # Errors
    /// Truncated, longer than five octets, above 32 bits.
    #[inline]
    pub fn uintvar_any(&mut self) -> Result<Uintvar, DecodeError> {
        // Nearly every number is one octet.
        if let [octet @ ..0x80, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(Uintvar {
                value: u32::from(*octet),
                minimal: true,
            });
        }
        self.uintvar_of_some_octets()
    }

    fn uintvar_of_some_octets(&mut self) -> Result<Uintvar, DecodeError> {
        let start = self.offset();
        let minimal = self.peek() != Some(0x80);
        let mut value = 0_u64;
        for _ in 0..5 {
            let octet = self.octet("another octet of a uintvar")?;
            value = (value << 7) | u64::from(octet & 0x7F);
            if octet < 0x80 {
                return u32::try_from(value)
                    .map(|value| Uintvar { value, minimal })
                    .map_err(|_| {
                        self.fault_at(start, Class::UintvarOverflow, "a number of 32 bits")
                    });
            }
        }
        Err(self.fault_at(
            start,
            Class::UintvarTooLong,
            "a uintvar of at most five octets",
        ))
    }

    /// A Value-length: up to 30 in one octet, else 1F and a uintvar.
    ///
    /// # Errors
    /// Truncated, a uintvar's faults, and a bad value for an octet above 1F.
    pub fn value_length(&mut self) -> Result<u32, DecodeError> {
        let at = self.offset();
        match self.octet("a Value-length")? {
            octet @ 0..=30 => Ok(u32::from(octet)),
            31 => self.uintvar(),
            _ => Err(self.fault_at(at, Class::BadValue, "a Value-length")),
        }
    }

    /// A Text-string without its quote octet and final 00.
    ///
    /// # Errors
    /// Unterminated.
    pub fn text_string(&mut self) -> Result<&'a [u8], DecodeError> {
        let start = self.offset();
        let end = eight::zero(self.rest);
        let (text, rest) = end
            .and_then(|end| Some((self.rest.get(..end)?, self.rest.get(end.checked_add(1)?..)?)))
            .ok_or_else(|| {
                self.fault_at(
                    start,
                    Class::TextUnterminated,
                    "00 at the end of a Text-string",
                )
            })?;
        self.rest = rest;
        Ok(match text {
            [0x7F, quoted @ ..] if quoted.first().is_some_and(|octet| *octet >= 0x80) => quoted,
            plain => plain,
        })
    }

    /// An Integer-value that fits 32 bits: Short-integer or Long-integer.
    ///
    /// # Errors
    /// Truncated, and a bad value for anything else.
    pub fn integer_value(&mut self) -> Result<u32, DecodeError> {
        let at = self.offset();
        match self.octet("an Integer-value")? {
            short @ 0x80.. => Ok(u32::from(short & 0x7F)),
            count @ 1..=30 => {
                let octets = self.take(usize::from(count), Class::Truncated, "a Long-integer")?;
                octets
                    .iter()
                    .try_fold(0_u32, |sum, octet| {
                        sum.checked_mul(256)?.checked_add(u32::from(*octet))
                    })
                    .ok_or_else(|| self.fault_at(at, Class::BadValue, "a number of 32 bits"))
            }
            _ => Err(self.fault_at(at, Class::BadValue, "an Integer-value")),
        }
    }
}

/// Appends a uintvar in its shortest form.
pub fn put_uintvar(out: &mut Vec<u8>, value: u32) {
    for shift in [28, 21, 14, 7] {
        if value >> shift != 0 {
            out.push(0x80 | u8::try_from((value >> shift) & 0x7F).unwrap_or(0));
        }
    }
    out.push(u8::try_from(value & 0x7F).unwrap_or(0));
}

/// Appends a Value-length.
pub fn put_value_length(out: &mut Vec<u8>, value: u32) {
    match u8::try_from(value) {
        Ok(short @ 0..=30) => out.push(short),
        _ => {
            out.push(31);
            put_uintvar(out, value);
        }
    }
}

/// Appends an Integer-value in its shortest form.
pub fn put_integer_value(out: &mut Vec<u8>, value: u32) {
    match u8::try_from(value) {
        Ok(short @ 0..=0x7F) => out.push(0x80 | short),
        _ => {
            let octets = value.to_be_bytes();
            let significant: Vec<u8> = octets.into_iter().skip_while(|octet| *octet == 0).collect();
            out.push(u8::try_from(significant.len()).unwrap_or(4));
            out.extend(significant);
        }
    }
}

/// Appends a Text-string; a 00 inside would end it and is left out.
pub fn put_text_string(out: &mut Vec<u8>, text: &[u8]) {
    if text.first().is_some_and(|octet| *octet >= 0x80) {
        out.push(0x7F);
    }
    match memchr::memchr(0, text) {
        None => out.extend_from_slice(text),
        Some(_) => out.extend(text.iter().filter(|octet| **octet != 0)),
    }
    out.push(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uintvar(octets: &[u8]) -> Result<u32, Class> {
        Cursor::new("t", octets).uintvar().map_err(|e| e.class)
    }

    #[test]
    fn a_uintvar_reads_back_as_written() {
        for (octets, value) in [
            (&[0x00][..], 0),
            (&[0x7F], 127),
            (&[0x81, 0x00], 128),
            (&[0xFF, 0x7F], 16_383),
            (&[0x81, 0x80, 0x00], 16_384),
            (&[0x82, 0x8F, 0x25], 34_725),
            (&[0x81, 0x80, 0x80, 0x00], 2_097_152),
            (&[0x8F, 0xFF, 0xFF, 0xFF, 0x7F], u32::MAX),
        ] {
            assert_eq!(uintvar(octets), Ok(value));
            let mut out = Vec::new();
            put_uintvar(&mut out, value);
            assert_eq!(out, octets);
        }
    }

    #[test]
    fn the_faults_of_a_uintvar_are_told_apart() {
        assert_eq!(uintvar(&[0x80, 0x01]), Err(Class::UintvarNonMinimal));
        assert_eq!(uintvar(&[0x81, 0x81]), Err(Class::Truncated));
        assert_eq!(
            uintvar(&[0x81, 0x80, 0x80, 0x80, 0x80, 0x00]),
            Err(Class::UintvarTooLong)
        );
        assert_eq!(
            uintvar(&[0xA0, 0x80, 0x80, 0x80, 0x00]),
            Err(Class::UintvarOverflow)
        );
        let lenient = Cursor::new("t", &[0x80, 0x01]).uintvar_any().unwrap();
        assert_eq!((lenient.value, lenient.minimal), (1, false));
    }

    #[test]
    fn integers_read_back_as_written() {
        for (octets, value) in [
            (&[0x80][..], 0),
            (&[0xFF], 127),
            (&[0x01, 0x80], 128),
            (&[0x04, 0x35, 0x3F, 0x45, 0x11], 893_338_897),
        ] {
            assert_eq!(Cursor::new("t", octets).integer_value(), Ok(value));
            let mut out = Vec::new();
            put_integer_value(&mut out, value);
            assert_eq!(out, octets);
        }
        let above = Cursor::new("t", &[5, 1, 0, 0, 0, 0]).integer_value();
        assert_eq!(above.unwrap_err().class, Class::BadValue);
    }

    #[test]
    fn text_strings_read_back_as_written() {
        for (octets, text) in [
            (&b"a/b\0"[..], &b"a/b"[..]),
            (b"\x7f\xc3\xa9a\0", b"\xc3\xa9a"),
            (b"\0", b""),
        ] {
            assert_eq!(Cursor::new("t", octets).text_string(), Ok(text));
            let mut out = Vec::new();
            put_text_string(&mut out, text);
            assert_eq!(out, octets);
        }
        let open = Cursor::new("t", b"http://x").text_string();
        assert_eq!(open.unwrap_err().class, Class::TextUnterminated);
    }

    #[test]
    fn value_lengths_read_back_as_written() {
        for (octets, value) in [(&[0x1E][..], 30), (&[0x1F, 0x1F], 31), (&[0], 0)] {
            assert_eq!(Cursor::new("t", octets).value_length(), Ok(value));
            let mut out = Vec::new();
            put_value_length(&mut out, value);
            assert_eq!(out, octets);
        }
        assert!(Cursor::new("t", &[0x20]).value_length().is_err());
    }

    #[test]
    fn offsets_count_from_the_outermost_input() {
        let mut outer = Cursor::new("t", &[2, 0xAA, 0xBB, 9]);
        let count = outer.uintvar().unwrap();
        let mut inner = outer.container(count, 0, "two octets").unwrap();
        inner.octet("one").unwrap();
        inner.octet("two").unwrap();
        assert_eq!(inner.octet("three").unwrap_err().offset, 3);
        assert_eq!(outer.left(), 1);
        assert_eq!(outer.container(9, 3, "nine octets").unwrap_err().offset, 3);
    }
}
