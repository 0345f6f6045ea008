//! The radio of a laboratory: what a short message centre and a handset say to each other, a datagram each.
//!
//! **Source:** the discriminators are those of 3GPP TS 24.007 section 11.2.3.1.1, the reports those of 3GPP TS 23.040
//! sections 9.2.2.1a and 9.2.3.22; the frame around them is this laboratory's own. A frame is repeated with its
//! reference until it is answered. Not here: everything below, which no laboratory without antennas has.

use super::cursor::Cursor;
use super::{Class, DecodeError};
use crate::limits;

/// One frame.
///
/// | octet | |
/// |---|---|
/// | 0 | discriminator |
/// | 1 | reference, the same in a request and its answer |
/// | 2 | domain in the high four bits, kind in the low four |
/// | 3 .. | what the discriminator says |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it is about.
    pub about: About,
    /// What a request and its answer have in common.
    pub reference: u8,
    /// Over which domain of the network it goes, where that was said.
    pub domain: Option<Domain>,
    /// Request or answer.
    pub kind: Kind,
    /// A number, a TPDU, a string: at most [`limits::RADIO_FRAME_OCTETS`] with the three octets before.
    pub payload: &'a [u8],
}

/// What a frame is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum About {
    /// Radio resources: a handset attaches by a request with its number, and detaches by a refusal with it.
    Resources,
    /// Short messages: a TPDU each way, a report in the answer.
    ShortMessages,
    /// Supplementary services: a [`UssdString`] each way.
    SupplementaryServices,
}

/// Request or answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// To be answered.
    Request,
    /// It was taken.
    Result,
    /// It was not.
    Refusal,
}

/// A domain of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Domain {
    /// Circuit-switched.
    Circuit,
    /// Packet-switched.
    Packet,
}

/// A string of unstructured supplementary services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UssdString<'a> {
    /// The data coding scheme.
    pub coding: u8,
    /// The octets.
    pub octets: &'a [u8],
}

/// The report of a short message that was taken.
pub const TAKEN: [u8; 2] = [0x00, 0x00];
/// The cause of a report: an error in the handset.
pub const ERROR_IN_HANDSET: u8 = 0xD2;
/// The cause of a report: the memory of the handset is full.
pub const MEMORY_FULL: u8 = 0xD3;
/// The coding of strings that hold octets, class 1.
pub const OCTETS_CODING: u8 = 0xE5;

/// Digits of the longest number.
const DIGITS_MAX: usize = 15;

impl<'a> Frame<'a> {
    /// A request of no domain.
    #[must_use]
    pub const fn request(about: About, reference: u8, payload: &'a [u8]) -> Self {
        Self {
            about,
            reference,
            domain: None,
            kind: Kind::Request,
            payload,
        }
    }

    /// The answer to a frame.
    #[must_use]
    pub const fn answer<'b>(&self, kind: Kind, payload: &'b [u8]) -> Frame<'b> {
        Frame {
            about: self.about,
            reference: self.reference,
            domain: self.domain,
            kind,
            payload,
        }
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// A discriminator, domain or kind that is none, fewer than three octets, more than the bound.
    pub fn decode(octets: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("radio", octets);
        let fault = |offset, class, expected| DecodeError {
            format: "radio",
            offset,
            class,
            expected,
        };
        if octets.len() > limits::RADIO_FRAME_OCTETS {
            let at = limits::RADIO_FRAME_OCTETS;
            return Err(fault(at, Class::TooLarge, "a frame within the bound"));
        }
        let about = match cursor.octet("a protocol discriminator")? {
            0x06 => About::Resources,
            0x09 => About::ShortMessages,
            0x0B => About::SupplementaryServices,
            _ => return Err(fault(0, Class::UnknownPdu, "06, 09 or 0B")),
        };
        let reference = cursor.octet("a reference")?;
        let kind = cursor.octet("domain and kind")?;
        let domain = match kind >> 4 {
            0 => None,
            1 => Some(Domain::Circuit),
            2 => Some(Domain::Packet),
            _ => return Err(fault(2, Class::BadValue, "a domain from 0 to 2")),
        };
        let kind = match kind & 0x0F {
            0 => Kind::Request,
            1 => Kind::Result,
            2 => Kind::Refusal,
            _ => return Err(fault(2, Class::BadValue, "a kind from 0 to 2")),
        };
        Ok(Self {
            about,
            reference,
            domain,
            kind,
            payload: cursor.rest(),
        })
    }

    /// The octets.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let about = match self.about {
            About::Resources => 0x06,
            About::ShortMessages => 0x09,
            About::SupplementaryServices => 0x0B,
        };
        let domain = match self.domain {
            None => 0x00,
            Some(Domain::Circuit) => 0x10,
            Some(Domain::Packet) => 0x20,
        };
        let kind = match self.kind {
            Kind::Request => 0,
            Kind::Result => 1,
            Kind::Refusal => 2,
        };
        [&[about, self.reference, domain | kind], self.payload].concat()
    }

    /// The number of a handset that attaches or detaches: up to fifteen digits, a plus before them.
    #[must_use]
    pub fn number(&self) -> Option<&'a str> {
        let text = core::str::from_utf8(self.payload).ok()?;
        is_number(text).then_some(text)
    }
}

impl<'a> UssdString<'a> {
    /// Reads what a frame about supplementary services holds; an empty one is an empty string.
    #[must_use]
    pub const fn decode(payload: &'a [u8]) -> Self {
        match payload {
            [coding, octets @ ..] => Self {
                coding: *coding,
                octets,
            },
            [] => Self {
                coding: OCTETS_CODING,
                octets: &[],
            },
        }
    }

    /// The octets.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [&[self.coding], self.octets].concat()
    }
}

/// Whether a text is the number of a handset.
#[must_use]
pub fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (1..=DIGITS_MAX).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit())
}

/// The report of a short message that was not taken.
#[must_use]
pub const fn refused(cause: u8) -> [u8; 3] {
    [0x00, cause, 0x00]
}

/// The cause in such a report; `None` when it has none.
#[must_use]
pub const fn cause(report: &[u8]) -> Option<u8> {
    match report {
        [_, cause, ..] if *cause >= 0x80 => Some(*cause),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_attachment_is_a_request_with_a_number() {
        let frame = Frame::request(About::Resources, 7, b"+15550103");
        let octets = frame.encode();
        assert_eq!(octets, b"\x06\x07\x00+15550103");
        assert_eq!(Frame::decode(&octets).unwrap().number(), Some("+15550103"));
    }

    #[test]
    fn an_answer_keeps_reference_and_domain() {
        let octets = [0x09, 0x21, 0x10, 0xAA];
        let request = Frame::decode(&octets).unwrap();
        assert_eq!(request.domain, Some(Domain::Circuit));
        let answer = request.answer(Kind::Result, &TAKEN);
        assert_eq!(answer.encode(), [0x09, 0x21, 0x11, 0x00, 0x00]);
        let refusal = refused(MEMORY_FULL);
        let refused = request.answer(Kind::Refusal, &refusal);
        assert_eq!(refused.encode(), [0x09, 0x21, 0x12, 0x00, 0xD3, 0x00]);
        assert_eq!(cause(&refusal), Some(MEMORY_FULL));
        assert_eq!(cause(&TAKEN), None);
    }

    #[test]
    fn a_string_has_its_coding_first() {
        let string = UssdString {
            coding: OCTETS_CODING,
            octets: b"hello",
        };
        assert_eq!(UssdString::decode(&string.encode()), string);
        assert_eq!(UssdString::decode(&[]).octets, b"");
    }

    #[test]
    fn what_is_no_frame_is_refused_where_it_is_wrong() {
        let fault = |octets: &[u8]| Frame::decode(octets).unwrap_err();
        assert_eq!(fault(&[]).offset, 0);
        assert_eq!(fault(&[0x05, 0, 0]).class, Class::UnknownPdu);
        assert_eq!((fault(&[0x06]).offset, fault(&[0x06, 1]).offset), (1, 2));
        assert_eq!(fault(&[0x06, 1, 0x03]).class, Class::BadValue);
        assert_eq!(fault(&[0x06, 1, 0x30]).offset, 2);
    }

    #[test]
    fn a_frame_at_the_bound_is_taken_and_one_beyond_it_is_not() {
        let mut octets = vec![0; limits::RADIO_FRAME_OCTETS];
        octets[0] = 0x09;
        assert!(Frame::decode(&octets).is_ok());
        octets.push(0);
        assert_eq!(Frame::decode(&octets).unwrap_err().class, Class::TooLarge);
    }

    #[test]
    fn numbers_have_one_to_fifteen_digits() {
        assert!(is_number("+15550103") && is_number("2948") && is_number("123456789012345"));
        assert!(!is_number("") && !is_number("+") && !is_number("1234567890123456"));
        assert!(!is_number("+1 555") && !is_number("++1"));
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_again(octets in proptest::collection::vec(any::<u8>(), 0..600)) {
            if let Ok(frame) = Frame::decode(&octets) {
                prop_assert_eq!(frame.encode(), octets);
            }
        }
    }
}
