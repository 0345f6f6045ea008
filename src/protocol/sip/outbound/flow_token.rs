//! Flow tokens: a flow named in the user part of an edge's Path, which comes back unchanged or not at all.
//!
//! **Source:** RFC 5626 section 5.2, its second example algorithm: HMAC-SHA1-80 over protocol and both addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::Mac as _;

use crate::protocol::sip::mac;
use crate::world::Transport;

/// The key of one edge; tokens of another key do not open.
#[derive(Clone)]
pub struct FlowTokenKey([u8; 20]);

/// A flow as both its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowToken {
    /// What carries it.
    pub transport: Transport,
    /// Our end.
    pub local: SocketAddr,
    /// The device's end.
    pub remote: SocketAddr,
}

impl FlowTokenKey {
    /// The key of 20 secret octets.
    #[must_use]
    pub const fn new(octets: [u8; 20]) -> Self {
        Self(octets)
    }

    /// The token of a flow: 32 characters when both ends are IPv4.
    #[must_use]
    pub fn seal(&self, flow: &FlowToken) -> String {
        let named = flow.octets();
        let tag: [u8; TAG] = mac::leading(&mac::sha1(&self.0, &named).finalize().into_bytes());
        STANDARD.encode([tag.as_slice(), &named].concat())
    }

    /// The flow of a token; `None` when it was not made with this key or was changed on the way (answer 403).
    #[must_use]
    pub fn open(&self, token: &str) -> Option<FlowToken> {
        if token.len() > TOKEN_CHARACTERS {
            return None;
        }
        let octets = STANDARD.decode(token).ok()?;
        let (tag, named) = octets.split_at_checked(TAG)?;
        mac::sha1(&self.0, named).verify_truncated_left(tag).ok()?;
        FlowToken::read(named)
    }
}

impl core::fmt::Debug for FlowTokenKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("FlowTokenKey(..)")
    }
}

impl FlowToken {
    fn octets(&self) -> Vec<u8> {
        let mut octets = vec![match self.transport {
            Transport::Udp => 1,
            Transport::Tcp => 2,
            Transport::Tls => 3,
        }];
        for end in [self.local, self.remote] {
            match end.ip() {
                IpAddr::V4(ip) => octets.extend(ip.octets()),
                IpAddr::V6(ip) => octets.extend(ip.octets()),
            }
            octets.extend(end.port().to_be_bytes());
        }
        octets
    }

    fn read(octets: &[u8]) -> Option<Self> {
        let (protocol, ends) = octets.split_first()?;
        let transport = match protocol {
            1 => Transport::Udp,
            2 => Transport::Tcp,
            3 => Transport::Tls,
            _ => return None,
        };
        let (local, remote) = match ends.len() {
            V4_ENDS => (end_v4(ends.get(..6)?)?, end_v4(ends.get(6..)?)?),
            V6_ENDS => (end_v6(ends.get(..18)?)?, end_v6(ends.get(18..)?)?),
            _ => return None,
        };
        Some(Self {
            transport,
            local,
            remote,
        })
    }
}

fn end_v4(octets: &[u8]) -> Option<SocketAddr> {
    let (ip, port) = octets.split_first_chunk::<4>()?;
    let port = u16::from_be_bytes(port.try_into().ok()?);
    Some(SocketAddr::from((Ipv4Addr::from(*ip), port)))
}

fn end_v6(octets: &[u8]) -> Option<SocketAddr> {
    let (ip, port) = octets.split_first_chunk::<16>()?;
    let port = u16::from_be_bytes(port.try_into().ok()?);
    Some(SocketAddr::from((Ipv6Addr::from(*ip), port)))
}

/// Octets of the truncated hash.
const TAG: usize = 10;
/// Octets of two IPv4 ends.
const V4_ENDS: usize = 12;
/// Octets of two IPv6 ends.
const V6_ENDS: usize = 36;
/// Characters of the longest token: 47 octets in base 64.
const TOKEN_CHARACTERS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> FlowTokenKey {
        let mut octets = [0; 20];
        (0_u8..).zip(&mut octets).for_each(|(i, octet)| *octet = i);
        FlowTokenKey::new(octets)
    }

    fn flow() -> FlowToken {
        FlowToken {
            transport: Transport::Udp,
            local: "127.0.0.1:5060".parse().unwrap(),
            remote: "192.0.2.10:40000".parse().unwrap(),
        }
    }

    const VECTOR: &str = "QVjKp9UKujj8OAF/AAABE8TAAAIKnEA=";

    #[test]
    fn the_vector_of_the_profile_comes_out_and_opens() {
        assert_eq!(key().seal(&flow()), VECTOR);
        assert_eq!(key().open(VECTOR), Some(flow()));
    }

    #[test]
    fn a_token_of_ipv6_ends_opens() {
        let flow = FlowToken {
            transport: Transport::Tls,
            local: "[2001:db8::1]:5061".parse().unwrap(),
            remote: "[2001:db8::2]:1".parse().unwrap(),
        };
        assert_eq!(key().open(&key().seal(&flow)), Some(flow));
    }

    #[test]
    fn a_token_that_was_changed_does_not_open() {
        for at in 0..VECTOR.len() {
            let mut octets = VECTOR.as_bytes().to_vec();
            octets[at] = if octets[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(octets).unwrap();
            assert_eq!(key().open(&changed), None, "{changed}");
        }
    }

    #[test]
    fn what_is_no_token_does_not_open() {
        for text in ["", "AAAA", "!!!!", "QVjKp9UKujj8OA==", &"A".repeat(100_000)] {
            assert_eq!(key().open(text), None);
        }
    }

    #[test]
    fn a_token_of_another_key_does_not_open() {
        assert_eq!(FlowTokenKey::new([9; 20]).open(VECTOR), None);
    }
}
