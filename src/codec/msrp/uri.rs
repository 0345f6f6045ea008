//! MSRP URIs: where a session's end is, and which session it is.
//!
//! **Source:** RFC 4975 sections 6 (comparison in 6.1) and 9.

use core::net::IpAddr;

use super::{all, cut, fault};
use crate::codec::{Class, DecodeError};

/// A view of an MSRP URI: `msrp://192.0.2.5:2855/p1s9cc33dd44;tcp`.
#[derive(Clone, Copy, Debug)]
pub struct MsrpUri<'a> {
    /// True for `msrps`: only over TLS.
    pub is_secure: bool,
    /// The part before `@`.
    pub user: Option<&'a str>,
    /// A name, an IPv4 address, or an IPv6 address in brackets.
    pub host: &'a str,
    /// The port; 2855 is meant when there is none, but the two are not equal.
    pub port: Option<u16>,
    /// The session.
    pub session_id: Option<&'a str>,
    /// `tcp`.
    pub transport: &'a str,
    /// Further parameters, with the `;` between them.
    pub parameters: &'a str,
}

/// The port meant when a URI has none.
pub const PORT: u16 = 2855;

impl<'a> MsrpUri<'a> {
    /// Reads a URI.
    ///
    /// # Errors
    ///
    /// Text that is none.
    pub fn decode(text: &'a str) -> Result<Self, DecodeError> {
        let at = |part: &str| part.as_ptr().addr().saturating_sub(text.as_ptr().addr());
        let bad = |part: &str, expected| fault(at(part), Class::BadValue, expected);
        if !all(text, |b| b.is_ascii_graphic()) {
            let blank = text.bytes().position(|b| !b.is_ascii_graphic());
            return Err(fault(
                blank.unwrap_or_default(),
                Class::BadValue,
                "a printable character",
            ));
        }
        let (is_secure, rest) = after_scheme(text, "msrp://")
            .map(|rest| (false, rest))
            .or_else(|| Some((true, after_scheme(text, "msrps://")?)))
            .ok_or_else(|| bad(text, "msrp:// or msrps://"))?;
        let (place, tail) =
            cut(rest, b';').ok_or_else(|| fault(text.len(), Class::BadValue, ";tcp"))?;
        let (authority, session_id) = match cut(place, b'/') {
            Some((_, "")) => return Err(bad(tail, "a session after /")),
            Some((authority, session)) => (authority, Some(session)),
            None => (place, None),
        };
        if let Some(session) = session_id.filter(|session| !all(session, is_session_octet)) {
            return Err(bad(session, "a session identifier"));
        }
        let at_sign = memchr::memrchr(b'@', authority.as_bytes());
        let (user, place) = match at_sign.and_then(|at| authority.split_at_checked(at)) {
            Some((user, place)) => (Some(user), place.get(1..).unwrap_or_default()),
            None => (None, authority),
        };
        let (host, port) = split_port(place).ok_or_else(|| bad(place, "a host and a port"))?;
        let (transport, parameters) = cut(tail, b';').unwrap_or((tail, ""));
        let is_word = |b: u8| b.is_ascii_alphanumeric();
        if transport.is_empty() || !all(transport, is_word) {
            return Err(bad(tail, "a transport"));
        }
        Ok(Self {
            is_secure,
            user,
            host,
            port,
            session_id,
            transport,
            parameters,
        })
    }

    /// The port to connect to.
    #[must_use]
    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or(PORT)
    }

    /// True when both mean the same end of the same session (RFC 4975 section 6.1): the session's case counts, no port
    /// is not the default port, parameters other than the transport do not count.
    #[must_use]
    pub fn is_equal(&self, other: &MsrpUri<'_>) -> bool {
        self.is_secure == other.is_secure
            && same(self.user.unwrap_or(""), other.user.unwrap_or(""))
            && is_same_host(self.host, other.host)
            && self.port == other.port
            && self.session_id == other.session_id
            && same(self.transport, other.transport)
    }
}

/// True when both texts are MSRP URIs and equal, or the same text.
#[must_use]
pub fn is_equal(one: &str, other: &str) -> bool {
    // Mostly it is the very text that was given before.
    if one == other {
        return true;
    }
    match (MsrpUri::decode(one), MsrpUri::decode(other)) {
        (Ok(one), Ok(other)) => one.is_equal(&other),
        _ => one == other,
    }
}

const fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// What follows the scheme, whose case does not count.
fn after_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// Addresses compare as numbers, names without case.
fn is_same_host(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let address = |text: &str| text.trim_matches(['[', ']']).parse::<IpAddr>().ok();
    match (address(one), address(other)) {
        (Some(one), Some(other)) => one == other,
        _ => same(one, other),
    }
}

fn split_port(place: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match memchr::memrchr(b']', place.as_bytes()) {
        Some(end) => {
            let (host, tail) = place.split_at_checked(end.saturating_add(1))?;
            let port = match tail {
                "" => None,
                tail => Some(tail.strip_prefix(':')?),
            };
            let inside = host.strip_prefix('[')?.strip_suffix(']')?;
            inside.parse::<core::net::Ipv6Addr>().ok()?;
            (host, port)
        }
        None => {
            let (host, port) = match cut(place, b':') {
                Some((host, port)) => (host, Some(port)),
                None => (place, None),
            };
            let is_mark = |b: u8| matches!(b, b'!' | b'$'..=b'.' | b'=' | b'_' | b'~');
            let is_host = |b: u8| b.is_ascii_alphanumeric() || is_mark(b);
            if host.is_empty() || !all(host, is_host) {
                return None;
            }
            (host, port)
        }
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    match port {
        None => Some((host, None)),
        Some(port) if digits(port) => Some((host, Some(port.parse().ok()?))),
        Some(_) => None,
    }
}

const fn is_session_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~' | b'+' | b'=' | b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_comes_apart() {
        let uri = MsrpUri::decode("msrps://bob@[2001:db8::1]:9000/aB-1=;tcp;x=y").unwrap();
        assert!(uri.is_secure);
        assert_eq!((uri.user, uri.host), (Some("bob"), "[2001:db8::1]"));
        assert_eq!((uri.port, uri.session_id), (Some(9000), Some("aB-1=")));
        assert_eq!((uri.transport, uri.parameters), ("tcp", "x=y"));
        let short = MsrpUri::decode("msrp://h;tcp").unwrap();
        assert_eq!((short.port, short.session_id), (None, None));
        assert_eq!(short.port_or_default(), 2855);
    }

    #[test]
    fn comparison_follows_section_6_1() {
        let base = "msrp://alice.example.com:7394/2s93i9ek2a;tcp";
        for same in [
            "MSRP://Alice.Example.COM:7394/2s93i9ek2a;TCP",
            "msrp://alice.example.com:7394/2s93i9ek2a;tcp;x=1",
        ] {
            assert!(is_equal(base, same), "{same}");
        }
        for other in [
            "msrps://alice.example.com:7394/2s93i9ek2a;tcp",
            "msrp://alice.example.com/2s93i9ek2a;tcp",
            "msrp://alice.example.com:7394/2S93i9ek2a;tcp",
            "msrp://alice.example.com:7394;tcp",
            "msrp://alice.example.com:7394/2s93i9ek2a;sctp",
            "msrp://bob.example.com:7394/2s93i9ek2a;tcp",
        ] {
            assert!(!is_equal(base, other), "{other}");
        }
        assert!(is_equal("msrp://[::1]:1/s;tcp", "msrp://[0:0::1]:1/s;tcp"));
    }

    #[test]
    fn a_fault_names_its_octet() {
        for (text, at) in [
            ("sip:alice", 0),
            ("http://a/b;tcp", 0),
            ("msrp://a/b", 10),
            ("msrp://a/;tcp", 10),
            ("msrp:///b;tcp", 7),
            ("msrp://a:x/b;tcp", 7),
            ("msrp://a:99999/b;tcp", 7),
            ("msrp://[::1/b;tcp", 7),
            ("msrp://a/b;", 11),
            ("msrp://a/b c;tcp", 10),
            ("msrp://a/b,c;tcp", 9),
            ("", 0),
        ] {
            assert_eq!(MsrpUri::decode(text).unwrap_err().offset, at, "{text}");
        }
    }
}
