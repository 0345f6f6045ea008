//! Addresses in a TPDU: a number in semi-octets, or a name in the 7-bit alphabet.
//!
//! **Source:** 3GPP TS 23.040 section 9.1.2.5.

use core::fmt;

use super::alphabet::{pack, septets, text, unpack};
use crate::codec::format::FieldFault;
use crate::codec::reader::Reader;
use crate::codec::{Class, DecodeError};

/// Type of number and numbering plan of an international number.
pub const INTERNATIONAL: u8 = 0x91;
/// Type of number and numbering plan of a number that says nothing about itself.
pub const UNKNOWN: u8 = 0x81;
/// Type of number of a name.
pub const NAME: u8 = 0xD0;
/// Semi-octets of the longest address.
const SEMI_OCTETS_MAX: u8 = 20;
/// The semi-octets by value; the last one fills.
const SEMI_OCTETS: &[u8; 15] = b"0123456789*#abc";
const FILL: u8 = 0xF;

/// An address as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address<'a> {
    /// Semi-octets that count.
    pub length: u8,
    /// Type of number and numbering plan.
    pub kind: u8,
    /// The semi-octets, low one first.
    pub octets: &'a [u8],
}

impl<'a> Address<'a> {
    /// Whether it is a name.
    #[must_use]
    pub const fn is_name(&self) -> bool {
        self.kind & 0x70 == NAME & 0x70
    }

    /// Whether it is a number with its country code.
    #[must_use]
    pub const fn is_international(&self) -> bool {
        self.kind & 0x70 == INTERNATIONAL & 0x70
    }

    /// Length, type and semi-octets as they stand in a TPDU.
    #[must_use]
    pub fn field(&self) -> Vec<u8> {
        [&[self.length, self.kind], self.octets].concat()
    }

    /// Reads an address field; `path` names it in spans.
    pub(super) fn read(reader: &mut Reader<'a>, path: &'static str) -> Result<Self, DecodeError> {
        let at = reader.at();
        let length = reader.octet(format_args!("{path}.length"), "the length of an address")?;
        if length > SEMI_OCTETS_MAX {
            reader.deviate(at, Class::BadValue, "an address of at most 20 semi-octets")?;
        }
        let at = reader.at();
        let kind = reader.octet(format_args!("{path}.kind"), "the type of an address")?;
        if kind & 0x80 == 0 {
            reader.deviate(
                at,
                Class::BadValue,
                "a type of address with its highest bit",
            )?;
        }
        let at = reader.at();
        let count = usize::from(length).div_ceil(2);
        let octets =
            reader
                .cursor
                .take(count, Class::Truncated, "the semi-octets of an address")?;
        let address = Self {
            length,
            kind,
            octets,
        };
        reader.note(at, format_args!("{path}.address"), address);
        if let Some(odd) = address.odd_octet() {
            let at = at.saturating_add(odd);
            reader.deviate(
                at,
                Class::BadValue,
                "digits, and a fill of ones after an odd one",
            )?;
        }
        Ok(address)
    }

    /// The address field of a number or name; `kind` is found from the text when it is not said.
    ///
    /// # Errors
    /// A text that is neither, or too long.
    pub fn encode(written: &str, kind: Option<u8>, field: &str) -> Result<Vec<u8>, FieldFault> {
        let digits = written.strip_prefix('+').unwrap_or(written);
        let is_number = digits.bytes().all(|digit| SEMI_OCTETS.contains(&digit));
        let kind = kind.unwrap_or_else(|| match (is_number, written.starts_with('+')) {
            (true, true) => INTERNATIONAL,
            (true, false) => UNKNOWN,
            (false, _) => NAME,
        });
        let fault = |why: &str| FieldFault::new(format_args!("{field}: {written:?} {why}"));
        let (length, octets) = if kind & 0x70 == NAME & 0x70 {
            let codes = septets(written)
                .map_err(|odd| fault(&format!("has {odd:?}, which is not in the alphabet")))?;
            let length = codes.len().saturating_mul(7).div_ceil(4);
            (length, pack(codes, 0))
        } else if is_number {
            (digits.len(), semi_octets(digits))
        } else {
            return Err(fault("is no number"));
        };
        let length = u8::try_from(length).map_err(|_| fault("is too long"))?;
        Ok([&[length, kind][..], &octets].concat())
    }

    fn digits(&self) -> impl Iterator<Item = u8> {
        self.octets
            .iter()
            .flat_map(|octet| [octet & 0x0F, octet >> 4])
            .take(usize::from(self.length))
    }

    /// The first octet that a writer would write otherwise.
    fn odd_octet(&self) -> Option<usize> {
        if self.is_name() {
            return None;
        }
        let odd = self.digits().position(|digit| digit == FILL);
        let unfilled = || {
            let last = self.octets.last()?;
            (self.length % 2 == 1 && last >> 4 != FILL).then(|| usize::from(self.length / 2))
        };
        odd.map(|digit| digit / 2).or_else(unfilled)
    }
}

/// Digits, low semi-octet first, filled to a whole octet.
pub(crate) fn semi_octets(digits: &str) -> Vec<u8> {
    let value = |digit: Option<&u8>| {
        let at = SEMI_OCTETS.iter().position(|known| Some(known) == digit);
        at.and_then(|at| u8::try_from(at).ok()).unwrap_or(FILL)
    };
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| value(pair.first()) | value(pair.get(1)) << 4)
        .collect()
}

/// The number with `+` when it has a country code, or the name.
impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_name() {
            let count = usize::from(self.length).saturating_mul(4) / 7;
            return f.write_str(&text(unpack(self.octets, 0, count)));
        }
        if self.is_international() {
            f.write_str("+")?;
        }
        self.digits().try_for_each(|digit| {
            let known = SEMI_OCTETS.get(usize::from(digit));
            write!(f, "{}", char::from(*known.unwrap_or(&b'?')))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(octets: &[u8], lenient: bool) -> Result<Address<'_>, DecodeError> {
        Address::read(
            &mut Reader::new("sms", crate::codec::sms::TPDU, octets, lenient),
            "oa",
        )
    }

    #[test]
    fn numbers_and_names_read_back_as_written() {
        for (text, octets) in [
            ("+15550001", "08915155001 0"),
            ("12345", "05812143f5"),
            ("*100#", "0581 1a00fb"),
            ("PPG", "06d0 50e811"),
            ("", "0081"),
        ] {
            let octets = crate::codec::hex::octets(octets).unwrap();
            let address = read(&octets, false).unwrap();
            assert_eq!(address.to_string(), text);
            assert_eq!(
                Address::encode(text, None, "oa").unwrap_or_default(),
                octets
            );
        }
    }

    #[test]
    fn an_unfilled_semi_octet_is_a_deviation() {
        let octets = [0x03, 0x81, 0x21, 0x03];
        let fault = read(&octets, false).unwrap_err();
        assert_eq!((fault.offset, fault.class), (3, Class::BadValue));
        assert_eq!(read(&octets, true).unwrap().to_string(), "123");
    }

    #[test]
    fn an_address_cut_short_is_refused_in_any_reading() {
        for lenient in [false, true] {
            let fault = read(&[0x08, 0x91, 0x51], lenient).unwrap_err();
            assert_eq!((fault.offset, fault.class), (2, Class::Truncated));
        }
    }

    #[test]
    fn what_is_no_number_is_not_written_as_one() {
        assert!(Address::encode("12x", Some(UNKNOWN), "oa").is_err());
        assert!(Address::encode("ł", None, "oa").is_err());
    }
}
