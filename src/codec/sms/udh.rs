//! The user data header: every information element, and the ports and concatenation that push uses.
//!
//! **Source:** 3GPP TS 23.040 section 9.2.3.24, WAP-259 section 6.3.2. A receiver counts the last of several elements
//! that exclude one another, and leaves out a concatenation that counts beyond its total; a strict reading refuses
//! both.

use core::fmt;

use crate::codec::reader::{Digits, Reader};
use crate::codec::{Class, DecodeError};

/// Concatenation with a reference of 8 bits.
pub const CONCATENATION_8: u8 = 0x00;
/// Ports of 8 bits.
pub const PORTS_8: u8 = 0x04;
/// Ports of 16 bits.
pub const PORTS_16: u8 = 0x05;
/// Concatenation with a reference of 16 bits.
pub const CONCATENATION_16: u8 = 0x08;

/// User data: an optional header and what it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserData<'a> {
    /// The header, when the user data header indicator is set.
    pub header: Option<Header<'a>>,
    /// The octets after it.
    pub payload: &'a [u8],
}

/// The elements of a header, without its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    octets: &'a [u8],
    whole: bool,
}

/// One information element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// Its identifier.
    pub iei: u8,
    /// Its octets.
    pub octets: &'a [u8],
}

/// Where a datagram goes and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ports {
    /// The port of the receiver.
    pub destination: u16,
    /// The port of the sender.
    pub source: u16,
}

/// The number that the segments of one message share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reference {
    /// Of 8 bits.
    Eight(u8),
    /// Of 16 bits, as fixed devices must use.
    Sixteen(u16),
}

/// Which segment of which message this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Concatenation {
    /// The message.
    pub reference: Reference,
    /// Segments of the message, from 1.
    pub total: u8,
    /// This segment, from 1 to the total.
    pub sequence: u8,
}

/// What an element says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// Ports of either size.
    Ports(Ports),
    /// Concatenation of either size, not checked.
    Concatenation(Concatenation),
    /// An element that is none of push.
    Other(&'a [u8]),
}

impl<'a> UserData<'a> {
    /// Reads user data as a receiver does; what a sender may not write is left out, not refused.
    ///
    /// # Errors
    /// A header longer than the user data.
    pub fn decode(octets: &'a [u8]) -> Result<Self, DecodeError> {
        let place = super::USER_DATA;
        Self::read(&mut Reader::new("sms", place, octets, true))
    }

    /// Reads the rest of the reader's octets as user data with a header.
    ///
    /// # Errors
    /// The first fault in order.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let header = Header::read(reader)?;
        Ok(Self {
            header: Some(header),
            payload: reader.cursor.rest(),
        })
    }

    /// The ports, if said.
    #[must_use]
    pub fn ports(&self) -> Option<Ports> {
        self.header.and_then(|header| header.ports())
    }

    /// The place among segments, if this is one.
    #[must_use]
    pub fn concatenation(&self) -> Option<Concatenation> {
        self.header.and_then(|header| header.concatenation())
    }
}

impl<'a> Header<'a> {
    /// The elements in order; none when they do not fill the header, which a receiver then ignores.
    pub fn elements(self) -> impl Iterator<Item = Element<'a>> {
        let mut rest = if self.whole { self.octets } else { &[] };
        core::iter::from_fn(move || {
            let (iei, length, tail) = match rest {
                [iei, length, tail @ ..] => (*iei, usize::from(*length), tail),
                _ => return None,
            };
            let octets = tail.get(..length)?;
            rest = tail.get(length..).unwrap_or_default();
            Some(Element { iei, octets })
        })
    }

    /// The octets without the length.
    #[must_use]
    pub const fn octets(self) -> &'a [u8] {
        self.octets
    }

    /// Whether elements fill the header.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        self.whole
    }

    /// The ports of the last element that has some.
    #[must_use]
    pub fn ports(self) -> Option<Ports> {
        self.elements()
            .filter_map(|element| match element.content() {
                Content::Ports(ports) => Some(ports),
                _ => None,
            })
            .last()
    }

    /// The concatenation of the last element that has a sensible one.
    #[must_use]
    pub fn concatenation(self) -> Option<Concatenation> {
        self.elements()
            .filter_map(|element| match element.content() {
                Content::Concatenation(it) if it.is_sensible() => Some(it),
                _ => None,
            })
            .last()
    }

    /// Reads the length and the elements, checks what push uses, and notes each field.
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let at = reader.at();
        let length = usize::from(reader.octet("udh.length", "the length of a user data header")?);
        if length > reader.cursor.left() {
            return Err(reader.fault(at, Class::BadLength, "a header inside the user data"));
        }
        let start = reader.cursor;
        let end = reader.at().saturating_add(length);
        let mut seen = Seen::default();
        let mut number = 0_usize;
        let mut whole = true;
        while reader.at() < end {
            match element(reader, end, number)? {
                Some((at, found)) => seen.check(reader, at, found)?,
                None => {
                    whole = false;
                    break;
                }
            }
            number = number.saturating_add(1);
        }
        let mut cursor = start;
        let octets = cursor.take(length, Class::BadLength, "a header inside the user data")?;
        Ok(Self { octets, whole })
    }
}

impl<'a> Element<'a> {
    /// What it says; an element of a known kind and another length says nothing.
    #[must_use]
    pub fn content(self) -> Content<'a> {
        match (self.iei, self.octets) {
            (PORTS_8, [destination, source]) => Content::Ports(Ports {
                destination: u16::from(*destination),
                source: u16::from(*source),
            }),
            (PORTS_16, [d0, d1, s0, s1]) => Content::Ports(Ports {
                destination: u16::from_be_bytes([*d0, *d1]),
                source: u16::from_be_bytes([*s0, *s1]),
            }),
            (CONCATENATION_8, [reference, total, sequence]) => {
                Content::Concatenation(Concatenation {
                    reference: Reference::Eight(*reference),
                    total: *total,
                    sequence: *sequence,
                })
            }
            (CONCATENATION_16, [r0, r1, total, sequence]) => {
                Content::Concatenation(Concatenation {
                    reference: Reference::Sixteen(u16::from_be_bytes([*r0, *r1])),
                    total: *total,
                    sequence: *sequence,
                })
            }
            _ => Content::Other(self.octets),
        }
    }

    /// The length of an element of a kind that push uses.
    #[must_use]
    pub const fn length_of(iei: u8) -> Option<usize> {
        match iei {
            CONCATENATION_8 => Some(3),
            PORTS_8 => Some(2),
            PORTS_16 | CONCATENATION_16 => Some(4),
            _ => None,
        }
    }
}

impl Concatenation {
    /// Whether it counts from 1 to its total.
    #[must_use]
    pub const fn is_sensible(self) -> bool {
        self.sequence >= 1 && self.sequence <= self.total
    }
}

impl Ports {
    /// What a push to the client's push port comes as (WAP-259 appendix B).
    pub const PUSH: Self = Self {
        destination: 2948,
        source: 9200,
    };
}

impl Reference {
    /// Its number.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::Eight(number) => number as u16,
            Self::Sixteen(number) => number,
        }
    }
}

/// Appends an element that says this.
pub(super) fn put_ports(out: &mut Vec<u8>, ports: Ports) {
    out.extend([PORTS_16, 4]);
    out.extend(ports.destination.to_be_bytes());
    out.extend(ports.source.to_be_bytes());
}

/// Appends an element that says this.
pub(super) fn put_concatenation(out: &mut Vec<u8>, concatenation: Concatenation) {
    match concatenation.reference {
        Reference::Eight(number) => out.extend([CONCATENATION_8, 3, number]),
        Reference::Sixteen(number) => {
            out.extend([CONCATENATION_16, 4]);
            out.extend(number.to_be_bytes());
        }
    }
    out.extend([concatenation.total, concatenation.sequence]);
}

/// One element; `None` when a lenient reading gives the rest of the header up.
fn element<'a>(
    reader: &mut Reader<'a>,
    end: usize,
    number: usize,
) -> Result<Option<(usize, Element<'a>)>, DecodeError> {
    let at = reader.at();
    let left = end.saturating_sub(at);
    if left < 2 {
        reader.deviate(at, Class::BadLength, "elements that fill the header")?;
        skip(reader, at, end)?;
        return Ok(None);
    }
    let iei = reader.octet(format_args!("udh[{number}].iei"), "an information element")?;
    let length_at = reader.at();
    let length = usize::from(reader.octet(
        format_args!("udh[{number}].length"),
        "the length of an element",
    )?);
    if length > end.saturating_sub(reader.at()) {
        reader.deviate(length_at, Class::BadLength, "an element inside the header")?;
        let at = reader.at();
        skip(reader, at, end)?;
        return Ok(None);
    }
    let octets_at = reader.at();
    let octets = reader
        .cursor
        .take(length, Class::BadLength, "an element inside the header")?;
    let found = Element { iei, octets };
    reader.note(
        octets_at,
        format_args!("udh[{number}].{}", name(iei)),
        found,
    );
    if Element::length_of(iei).is_some_and(|known| known != length) {
        reader.deviate(length_at, Class::BadLength, "the length of such an element")?;
    }
    Ok(Some((at, found)))
}

/// Notes what a lenient reading does not understand, up to the end of the header.
fn skip(reader: &mut Reader<'_>, at: usize, end: usize) -> Result<(), DecodeError> {
    let octets = reader.cursor.take(
        end.saturating_sub(at),
        Class::BadLength,
        "elements that fill the header",
    )?;
    reader.note(at, "udh.ignored", Digits(octets));
    Ok(())
}

/// Elements that may stand once.
#[derive(Default)]
struct Seen {
    ports: bool,
    concatenation: bool,
}

impl Seen {
    fn check(
        &mut self,
        reader: &mut Reader<'_>,
        at: usize,
        element: Element<'_>,
    ) -> Result<(), DecodeError> {
        let seen = match element.content() {
            Content::Ports(_) => &mut self.ports,
            Content::Concatenation(_) => &mut self.concatenation,
            Content::Other(_) => return Ok(()),
        };
        if core::mem::replace(seen, true) {
            reader.deviate(at, Class::Repeated, "one element of this kind")?;
        }
        if let Content::Concatenation(concatenation) = element.content()
            && !concatenation.is_sensible()
        {
            // The total stands before the sequence number, both after the reference.
            let total_at = at.saturating_add(element.octets.len());
            let odd_at = if concatenation.total == 0 {
                total_at
            } else {
                total_at.saturating_add(1)
            };
            reader.deviate(
                odd_at,
                Class::BadValue,
                "a sequence number from 1 to the total",
            )?;
        }
        Ok(())
    }
}

/// The last part of an element's path.
const fn name(iei: u8) -> &'static str {
    match iei {
        PORTS_8 | PORTS_16 => "ports",
        CONCATENATION_8 | CONCATENATION_16 => "concatenation",
        _ => "octets",
    }
}

impl fmt::Display for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.content() {
            Content::Ports(ports) => write!(f, "{} from {}", ports.destination, ports.source),
            Content::Concatenation(it) => write!(
                f,
                "segment {} of {}, reference {}",
                it.sequence,
                it.total,
                it.reference.number()
            ),
            Content::Other(octets) => write!(f, "{}", Digits(octets)),
        }
    }
}
