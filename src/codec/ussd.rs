//! USSD carriage of a datagram: the strings of both directions, and the USSD dialogue control protocol inside them.
//!
//! **Source:** WAP-204 sections 6.3, 6.9 and 7. The identifier of the element that holds a UDCP PDU was left to a
//! registry that is not known to us, so it is no constant here; which parts of the string a USSD gateway adds itself is
//! its operator's choice.

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use serde_json::{Map, Value};

use super::format::{Decoded, FieldFault, Format};
use super::object::Object;
use super::reader::{Digits, Place, Reader};
use super::sms::address::{Address, INTERNATIONAL, UNKNOWN, semi_octets};
use super::{Class, DecodeError, hex};

mod mobile;
mod network;
mod strings;

pub use mobile::{FORMAT_MOBILE_BEGIN, FORMAT_MOBILE_CONTINUE, MobileString, Turn};
pub(super) use network::encode_string;
pub use network::{FORMAT_STRING, NetworkString};
pub use strings::strings;

const UDCP: Place = Place {
    path: "udcp.",
    clause: "WAP-204 7.9",
};
/// The version of UDCP.
pub const VERSION: u8 = 0;
const VERSION_BIT: u8 = 0x08;
const MORE_TO_SEND: u8 = 0x04;

/// A PDU of the USSD dialogue control protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Udcp<'a> {
    /// Bits that nothing is said about, as they stand.
    pub reserved: u8,
    /// What it is.
    pub pdu: Pdu<'a>,
}

/// The kinds of PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pdu<'a> {
    /// Data of the first form of the protocol.
    Data {
        /// Whether more follows in this direction.
        more: bool,
    },
    /// Data to or from a node outside.
    DataLong {
        /// Whether more follows in this direction.
        more: bool,
        /// The node.
        node: Node<'a>,
    },
    /// The other side may send.
    ReceiveReady,
    /// What came was wrong.
    Error(u8),
    /// The dialogue ends.
    Release(u8),
}

/// The address of a node outside the mobile network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node<'a> {
    /// 0 IPv4, 1 IPv6, 2 MSISDN; up to 7.
    pub kind: u8,
    /// At most 31 octets.
    pub octets: &'a [u8],
}

/// An operation that carries a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// ProcessUnstructuredSS-Request that begins a dialogue.
    ProcessBegin,
    /// The result of one that ends the dialogue.
    ProcessEnd,
    /// The first that continues a dialogue of the mobile.
    FirstContinueInvoke,
    /// UnstructuredSS-Request that begins a dialogue.
    RequestBegin,
    /// The first result that continues a dialogue of the network.
    FirstContinueResult,
    /// Any other.
    Other,
}

/// UDCP.
pub const FORMAT_UDCP: Format = Format {
    name: "udcp",
    clause: UDCP.clause,
    decode: |octets, lenient| {
        let mut reader = Reader::new("udcp", UDCP, octets, lenient);
        let udcp = Udcp::read(&mut reader)?;
        Ok(Decoded {
            fields: fields_of(&udcp),
            deviations: reader.deviations(),
        })
    },
    spans: |octets, lenient| {
        let mut reader = Reader::new("udcp", UDCP, octets, lenient).annotating();
        // The fault itself is told by `decode`; what was read before it stays worth showing.
        let _ = Udcp::read(&mut reader);
        reader.spans()
    },
    encode,
};

impl<'a> Udcp<'a> {
    /// Reads a PDU; [`answer`] says what to send back for a fault.
    ///
    /// # Errors
    /// The first fault in order.
    pub fn decode(octets: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read(&mut Reader::new("udcp", UDCP, octets, true))
    }

    /// The octets; a node address of more than 31 octets is cut.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let more = |more: bool| if more { MORE_TO_SEND } else { 0 };
        let (first, node) = match self.pdu {
            Pdu::Data { more: it } => (more(it), None),
            Pdu::DataLong { more: it, node } => (0x20 | more(it), Some(node)),
            Pdu::ReceiveReady => (0x40, None),
            Pdu::Error(reason) => (0x60 | reason & 0x07, None),
            Pdu::Release(code) => (0x80 | code & 0x07, None),
        };
        let mut out = vec![first | self.reserved & !VERSION_BIT & 0x1F];
        if let Some(node) = node {
            let octets = node.octets.get(..31).unwrap_or(node.octets);
            out.push(node.kind << 5 | u8::try_from(octets.len()).unwrap_or(0));
            out.extend(octets);
        }
        out
    }

    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let at = reader.at();
        let first = reader.cursor.octet("the type of a UDCP PDU")?;
        if first & VERSION_BIT != 0 {
            return Err(reader.fault(at, Class::UdcpVersion, "version 0 of UDCP"));
        }
        let more = first & MORE_TO_SEND != 0;
        let words = if more { ", more to send" } else { "" };
        let code = first & 0x07;
        let (pdu, reserved) = match first >> 5 {
            0 => {
                reader.note(at, "pdu", format_args!("Data{words}"));
                (Pdu::Data { more }, first & 0x13)
            }
            1 => {
                reader.note(at, "pdu", format_args!("Data_Long{words}"));
                let node = Node::read(reader)?;
                (Pdu::DataLong { more, node }, first & 0x13)
            }
            2 => {
                reader.note(at, "pdu", "RR");
                (Pdu::ReceiveReady, first & 0x17)
            }
            3 => {
                reader.note(at, "pdu", format_args!("Error, {}", reason(code)));
                (Pdu::Error(code), first & 0x10)
            }
            4 => {
                reader.note(at, "pdu", format_args!("Release, {}", release(code)));
                (Pdu::Release(code), first & 0x10)
            }
            _ => return Err(reader.fault(at, Class::UnknownPdu, "a type of UDCP PDU")),
        };
        if reserved != 0 {
            reader.deviate(at, Class::BadValue, "reserved bits that are zero")?;
        }
        reader.end()?;
        Ok(Self { reserved, pdu })
    }
}

/// The PDU that tells the other side of a fault (WAP-204 table 5).
#[must_use]
pub const fn answer(fault: &DecodeError) -> Udcp<'static> {
    let reason = match fault.class {
        Class::UdcpVersion => 2,
        _ => 1,
    };
    Udcp {
        reserved: 0,
        pdu: Pdu::Error(reason),
    }
}

impl<'a> Node<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let at = reader.at();
        let first = reader.cursor.octet("type and length of an address")?;
        let (kind, length) = (first >> 5, usize::from(first & 0x1F));
        reader.note(
            at,
            "node",
            format_args!("{}, {length} octets", kind_name(kind).unwrap_or("reserved")),
        );
        if (kind == 0 && length != 4) || (kind == 1 && length != 16) {
            reader.deviate(at, Class::BadLength, "the length of such an address")?;
        }
        let address_at = reader.at();
        let octets = reader
            .cursor
            .take(length, Class::BadLength, "an address of that length")
            .map_err(|fault| DecodeError {
                offset: at,
                ..fault
            })?;
        let node = Self { kind, octets };
        reader.note(address_at, "address", node);
        Ok(node)
    }
}

impl fmt::Display for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (0, Ok(octets)) = (self.kind, <[u8; 4]>::try_from(self.octets)) {
            return write!(f, "{}", Ipv4Addr::from(octets));
        }
        if let (1, Ok(octets)) = (self.kind, <[u8; 16]>::try_from(self.octets)) {
            return write!(f, "{}", Ipv6Addr::from(octets));
        }
        if self.kind == 2 {
            let filled = self.octets.last().is_some_and(|last| *last >= 0xF0);
            let length = self
                .octets
                .len()
                .saturating_mul(2)
                .saturating_sub(usize::from(filled));
            let number = Address {
                length: u8::try_from(length).unwrap_or(u8::MAX),
                kind: UNKNOWN,
                octets: self.octets,
            };
            return write!(f, "{number}");
        }
        write!(f, "{}", Digits(self.octets))
    }
}

impl Operation {
    /// Octets of the longest string.
    #[must_use]
    pub const fn octets_max(self) -> usize {
        match self {
            Self::ProcessBegin => 133,
            Self::RequestBegin => 144,
            Self::FirstContinueInvoke | Self::FirstContinueResult => 154,
            Self::ProcessEnd | Self::Other => 160,
        }
    }
}

const fn kind_name(kind: u8) -> Option<&'static str> {
    match kind {
        0 => Some("IPv4"),
        1 => Some("IPv6"),
        2 => Some("MSISDN"),
        _ => None,
    }
}

const fn reason(reason: u8) -> &'static str {
    match reason {
        0 => "UNKNOWN",
        1 => "PROTOERR",
        2 => "UDCPVERSIONZERO",
        3 => "EXTADDRNOTSUPP",
        _ => "reserved",
    }
}

const fn release(code: u8) -> &'static str {
    match code {
        0 => "UNKNOWN",
        1 => "UTIMEOUT",
        2 => "UIDLE",
        3 => "USER",
        _ => "reserved",
    }
}

fn fields_of(udcp: &Udcp<'_>) -> Value {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("version", VERSION.into());
    if udcp.reserved != 0 {
        put("reserved", udcp.reserved.into());
    }
    match udcp.pdu {
        Pdu::Data { more } => {
            put("pdu", "Data".into());
            put("mts", more.into());
        }
        Pdu::DataLong { more, node } => {
            put("pdu", "Data_Long".into());
            put("mts", more.into());
            let kind = kind_name(node.kind);
            put(
                "address_type",
                kind.map_or_else(|| node.kind.into(), Value::from),
            );
            let written = node.to_string();
            if node_octets(node.kind, &written).as_deref() != Some(node.octets) {
                put("address_hex", hex::digits(node.octets).into());
            }
            put("address", written.into());
        }
        Pdu::ReceiveReady => {
            put("pdu", "RR".into());
        }
        Pdu::Error(code) => {
            put("pdu", "Error".into());
            put("reason", code.into());
            put("reason_name", reason(code).into());
        }
        Pdu::Release(code) => {
            put("pdu", "Release".into());
            put("code", code.into());
            put("code_name", release(code).into());
        }
    }
    fields.into()
}

/// The octets of an address in words; `None` where it is none of its kind.
fn node_octets(kind: u8, written: &str) -> Option<Vec<u8>> {
    match kind {
        0 => written
            .parse()
            .ok()
            .map(|it: Ipv4Addr| it.octets().to_vec()),
        1 => written
            .parse()
            .ok()
            .map(|it: Ipv6Addr| it.octets().to_vec()),
        2 => {
            let is_number = Address::encode(written, Some(INTERNATIONAL), "address").is_ok();
            is_number.then(|| semi_octets(written.strip_prefix('+').unwrap_or(written)))
        }
        _ => hex::octets(written),
    }
}

fn encode(value: &Value) -> Result<Vec<u8>, FieldFault> {
    let fields = Object::of(value, "a UDCP PDU")?;
    let more = fields.flag("mts")?;
    let kind = match fields.get("address_type") {
        None => 0,
        Some(Value::String(name)) => (0..8)
            .find(|kind| kind_name(*kind) == Some(name))
            .ok_or_else(|| FieldFault::new("address_type: IPv4, IPv6, MSISDN or a number"))?,
        Some(_) => fields.needed("address_type")?,
    };
    let written = fields.text("address")?.unwrap_or_default();
    let octets = match fields.octets("address_hex")? {
        Some(octets) => octets,
        None if written.is_empty() => Vec::new(),
        None => node_octets(kind, written)
            .ok_or_else(|| FieldFault::new(format_args!("address: {written:?} is none")))?,
    };
    if octets.len() > 31 || kind > 7 {
        return Err(FieldFault::new(
            "address: more than 31 octets, or a type above 7",
        ));
    }
    let node = Node {
        kind,
        octets: &octets,
    };
    let pdu = match fields.text("pdu")? {
        Some("Data") => Pdu::Data { more },
        Some("Data_Long") => Pdu::DataLong { more, node },
        Some("RR") => Pdu::ReceiveReady,
        Some("Error") => Pdu::Error(fields.needed("reason")?),
        Some("Release") => Pdu::Release(fields.needed("code")?),
        _ => {
            return Err(FieldFault::new(
                "pdu: Data, Data_Long, RR, Error or Release",
            ));
        }
    };
    let udcp = Udcp {
        reserved: fields.number("reserved")?.unwrap_or(0),
        pdu,
    };
    Ok(udcp.encode())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_and_a_type_that_are_not_known_have_their_answers() {
        for (octet, class, reply) in [
            (0x28, Class::UdcpVersion, 0x62),
            (0xA0, Class::UnknownPdu, 0x61),
        ] {
            let fault = Udcp::decode(&[octet]).unwrap_err();
            assert_eq!((fault.offset, fault.class), (0, class));
            assert_eq!(answer(&fault).encode(), [reply]);
        }
    }

    #[test]
    fn a_network_string_is_shorter_where_it_begins_a_dialogue() {
        assert!(Operation::RequestBegin.octets_max() < Operation::Other.octets_max());
        assert!(Operation::ProcessBegin.octets_max() < Operation::RequestBegin.octets_max());
    }

    #[test]
    fn the_numbers_of_a_node_read_back_as_written() {
        for number in ["15550001", "123", ""] {
            let octets = semi_octets(number);
            let node = Node {
                kind: 2,
                octets: &octets,
            };
            assert_eq!(node.to_string(), number);
            assert_eq!(node_octets(2, number), Some(octets));
        }
    }
}
