//! STUN binding requests and answers, as far as SIP outbound needs them to keep a UDP flow open.
//!
//! **Source:** RFC 5389 sections 6, 7.3, 15.2 and 15.9 as RFC 5626 section 3.5.2 uses them. Not here: long-term
//! credentials, MESSAGE-INTEGRITY and FINGERPRINT (optional attributes, read over), ICE.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Class, DecodeError};

/// What tells STUN from SIP on one socket: 32 fixed bits after type and length.
const COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];
const HEADER_OCTETS: usize = 20;
const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const BINDING_ERROR: u16 = 0x0111;
const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000A;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
/// Attributes from here up may be ignored by who does not know them.
const OPTIONAL: u16 = 0x8000;
/// Unknown attributes named in one error answer; the rest of a longer list adds nothing.
const UNKNOWN_NAMED: usize = 16;

/// True for octets that are STUN and not SIP: the first two bits are zero, and the cookie stands in its place.
#[must_use]
pub fn is_stun(octets: &[u8]) -> bool {
    octets.len() >= HEADER_OCTETS
        && octets.first().is_some_and(|first| *first <= 1)
        && octets.get(4..8) == Some(&COOKIE)
}

/// A STUN message that matters to a keep-alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stun {
    /// A peer asks where we see it.
    Request(BindingRequest),
    /// A peer tells where it sees us.
    Success(BindingSuccess),
    /// A peer refuses our request of this id: the flow lives, the mapping stays unknown.
    Error([u8; 12]),
}

/// A binding request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindingRequest {
    /// Ties the answer to the request.
    pub id: [u8; 12],
    /// Attributes that must be understood and are not; a request with any is refused with 420.
    pub unknown: Vec<u16>,
}

/// The answer to a binding request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindingSuccess {
    /// The id of the request.
    pub id: [u8; 12],
    /// The source address of the request as the answering side saw it.
    pub mapped: SocketAddr,
}

impl Stun {
    /// Reads one STUN message.
    ///
    /// # Errors
    /// Names the octet where the message stops being one of the three kinds above.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let (header, rest) = octets
            .split_first_chunk::<HEADER_OCTETS>()
            .ok_or_else(|| fault(octets.len(), Class::Truncated, "a header of 20 octets"))?;
        let [k0, k1, l0, l1, c0, c1, c2, c3, id @ ..] = *header;
        if [c0, c1, c2, c3] != COOKIE {
            return Err(fault(4, Class::BadValue, "the cookie 2112A442"));
        }
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        if !length.is_multiple_of(4) {
            return Err(fault(2, Class::BadLength, "a length divisible by 4"));
        }
        let attributes = Attributes::of(rest, length)?;
        match u16::from_be_bytes([k0, k1]) {
            BINDING_REQUEST => {
                let mut unknown = Vec::new();
                for attribute in attributes {
                    let (_, kind, _) = attribute?;
                    if kind < OPTIONAL && unknown.len() < UNKNOWN_NAMED {
                        unknown.push(kind);
                    }
                }
                Ok(Self::Request(BindingRequest { id, unknown }))
            }
            BINDING_SUCCESS => {
                for attribute in attributes {
                    let (at, kind, value) = attribute?;
                    if kind == XOR_MAPPED_ADDRESS {
                        let mapped = address(value, &id).ok_or_else(|| {
                            fault(at, Class::BadValue, "an address of family 1 or 2")
                        })?;
                        return Ok(Self::Success(BindingSuccess { id, mapped }));
                    }
                }
                Err(fault(
                    octets.len(),
                    Class::MissingHeader,
                    "XOR-MAPPED-ADDRESS",
                ))
            }
            BINDING_ERROR => Ok(Self::Error(id)),
            _ => Err(fault(0, Class::BadValue, "a binding request or its answer")),
        }
    }
}

impl BindingRequest {
    /// The request of that id, without attributes.
    #[must_use]
    pub const fn new(id: [u8; 12]) -> Self {
        Self {
            id,
            unknown: Vec::new(),
        }
    }

    /// The octets of the request.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        message(BINDING_REQUEST, self.id, &[])
    }

    /// The octets of the answer to this request when it came from `peer`: where it was seen, or 420 when it demands
    /// what is not known.
    #[must_use]
    pub fn answer(&self, peer: SocketAddr) -> Vec<u8> {
        if self.unknown.is_empty() {
            return BindingSuccess {
                id: self.id,
                mapped: peer,
            }
            .encode();
        }
        let mut attributes = attribute(ERROR_CODE, b"\0\0\x04\x14Unknown Attribute");
        let names: Vec<u8> = self.unknown.iter().flat_map(|a| a.to_be_bytes()).collect();
        attributes.extend(attribute(UNKNOWN_ATTRIBUTES, &names));
        message(BINDING_ERROR, self.id, &attributes)
    }
}

impl BindingSuccess {
    /// The octets of the answer.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let [p0, p1] = self.mapped.port().to_be_bytes();
        let [c0, c1, ..] = COOKIE;
        let mut value = vec![0, 1, p0 ^ c0, p1 ^ c1];
        match self.mapped.ip() {
            IpAddr::V4(ip) => value.extend(xored(ip.octets(), &self.id)),
            IpAddr::V6(ip) => {
                value = vec![0, 2, p0 ^ c0, p1 ^ c1];
                value.extend(xored(ip.octets(), &self.id));
            }
        }
        message(
            BINDING_SUCCESS,
            self.id,
            &attribute(XOR_MAPPED_ADDRESS, &value),
        )
    }
}

/// The attributes of a message: offset, type and value of each.
struct Attributes<'a> {
    rest: &'a [u8],
    at: usize,
}

impl<'a> Attributes<'a> {
    fn of(rest: &'a [u8], length: usize) -> Result<Self, DecodeError> {
        rest.get(..length)
            .map(|rest| Self {
                rest,
                at: HEADER_OCTETS,
            })
            .ok_or_else(|| fault(2, Class::BadLength, "a length within the datagram"))
    }

    fn take(&mut self) -> Result<(usize, u16, &'a [u8]), DecodeError> {
        let at = self.at;
        let (head, rest) = self
            .rest
            .split_first_chunk::<4>()
            .ok_or_else(|| fault(at, Class::Truncated, "type and length of an attribute"))?;
        let [k0, k1, l0, l1] = *head;
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let value = rest
            .get(..length)
            .ok_or_else(|| fault(at, Class::BadLength, "an attribute within its message"))?;
        // The last attribute's padding may be cut off by a careless sender; what is missing holds nothing.
        let padded = length.next_multiple_of(4);
        self.rest = rest.get(padded..).unwrap_or_default();
        self.at = at.saturating_add(4).saturating_add(padded);
        Ok((at, u16::from_be_bytes([k0, k1]), value))
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<(usize, u16, &'a [u8]), DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let item = self.take();
        if item.is_err() {
            self.rest = &[];
        }
        Some(item)
    }
}

/// An address XORed with cookie and id.
fn address(value: &[u8], id: &[u8; 12]) -> Option<SocketAddr> {
    let ([_, family, p0, p1], ip) = value.split_first_chunk::<4>()?;
    let [c0, c1, ..] = COOKIE;
    let port = u16::from_be_bytes([p0 ^ c0, p1 ^ c1]);
    let ip = match family {
        1 => IpAddr::V4(Ipv4Addr::from(xored::<4>(ip.try_into().ok()?, id))),
        2 => IpAddr::V6(Ipv6Addr::from(xored::<16>(ip.try_into().ok()?, id))),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

fn xored<const N: usize>(mut octets: [u8; N], id: &[u8; 12]) -> [u8; N] {
    for (octet, key) in octets.iter_mut().zip(COOKIE.iter().chain(id)) {
        *octet ^= key;
    }
    octets
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(value.len().saturating_add(8));
    octets.extend(kind.to_be_bytes());
    octets.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
    octets.extend(value);
    octets.resize(octets.len().next_multiple_of(4), 0);
    octets
}

fn message(kind: u16, id: [u8; 12], attributes: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(HEADER_OCTETS.saturating_add(attributes.len()));
    octets.extend(kind.to_be_bytes());
    octets.extend(
        u16::try_from(attributes.len())
            .unwrap_or(u16::MAX)
            .to_be_bytes(),
    );
    octets.extend(COOKIE);
    octets.extend(id);
    octets.extend(attributes);
    octets
}

const fn fault(offset: usize, class: Class, expected: &'static str) -> DecodeError {
    DecodeError {
        format: "stun",
        offset,
        class,
        expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: [u8; 12] = [
        0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae,
    ];

    #[test]
    fn the_ipv4_answer_of_rfc_5769_reads_as_printed_there() {
        let octets = BindingSuccess {
            id: ID,
            mapped: "192.0.2.1:32853".parse().unwrap(),
        }
        .encode();
        // RFC 5769 section 2.2: the XOR-MAPPED-ADDRESS attribute.
        assert_eq!(
            &octets[20..],
            [0, 0x20, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43]
        );
        let Ok(Stun::Success(read)) = Stun::decode(&octets) else {
            panic!("not read")
        };
        assert_eq!(read.mapped, "192.0.2.1:32853".parse().unwrap());
    }

    #[test]
    fn the_ipv6_answer_of_rfc_5769_reads_as_printed_there() {
        let mapped = "[2001:db8:1234:5678:11:2233:4455:6677]:32853"
            .parse()
            .unwrap();
        let octets = BindingSuccess { id: ID, mapped }.encode();
        assert_eq!(
            &octets[20..],
            [
                0, 0x20, 0, 0x14, 0, 2, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79,
                0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9
            ]
        );
        assert_eq!(
            Stun::decode(&octets),
            Ok(Stun::Success(BindingSuccess { id: ID, mapped }))
        );
    }

    #[test]
    fn a_request_is_told_from_sip_and_read_back() {
        let octets = BindingRequest::new(ID).encode();
        assert_eq!(octets.len(), 20);
        assert!(is_stun(&octets));
        assert!(!is_stun(
            b"OPTIONS sip:a@example.com SIP/2.0\r\nVia: SIP/2.0/UDP a\r\n\r\n"
        ));
        assert_eq!(
            Stun::decode(&octets),
            Ok(Stun::Request(BindingRequest::new(ID)))
        );
    }

    #[test]
    fn optional_attributes_of_a_request_are_read_over() {
        let octets = message(BINDING_REQUEST, ID, &attribute(0x8022, b"softphone 1.0"));
        assert_eq!(
            Stun::decode(&octets),
            Ok(Stun::Request(BindingRequest::new(ID)))
        );
    }

    #[test]
    fn a_request_that_demands_the_unknown_is_refused_with_420() {
        let octets = message(BINDING_REQUEST, ID, &attribute(0x0003, &[0, 0, 0, 6]));
        let Ok(Stun::Request(request)) = Stun::decode(&octets) else {
            panic!("not read")
        };
        let answer = request.answer("192.0.2.1:1".parse().unwrap());
        assert_eq!(Stun::decode(&answer), Ok(Stun::Error(ID)));
        assert_eq!(&answer[24..28], [0, 0, 4, 20]);
        assert_eq!(answer[answer.len() - 8..], [0, 0x0a, 0, 2, 0, 3, 0, 0]);
    }

    #[test]
    fn a_length_past_the_end_is_refused_where_it_stands() {
        let mut octets = BindingRequest::new(ID).encode();
        octets[3] = 8;
        let error = Stun::decode(&octets).unwrap_err();
        assert_eq!((error.offset, error.class), (2, Class::BadLength));
    }

    #[test]
    fn no_octets_make_the_decoder_panic() {
        // A linear generator: chance for a codec's tests, without the layer above.
        let mut seed = 5_u64;
        let mut draw = || {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33).to_le_bytes()[0]
        };
        for _ in 0..20_000 {
            let mut octets: Vec<u8> = (0..40).map(|_| draw()).collect();
            octets[0] &= 1;
            octets[1] = 1;
            octets[2] = 0;
            octets[4..8].copy_from_slice(&COOKIE);
            octets.truncate(usize::from(draw() % 41));
            let _ = Stun::decode(&octets);
        }
    }
}
