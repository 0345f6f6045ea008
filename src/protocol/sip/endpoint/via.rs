//! The top Via: branches of ours, what is stamped into a peer's.
//!
//! **Source:** RFC 3261 sections 8.1.1.7 and 18.2.1, RFC 3581 section 4.
//!
//! A branch of ours is the cookie, 64 random bits and the number of the transaction, so a response finds its
//! transaction without a search by text, and nobody who has not seen the request can make one up.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

use crate::codec::DecodeError;
use crate::codec::decimal::{put_ip, put_number};
use crate::codec::sip::{Message, Name, Via};

/// What begins every branch that is unique by itself.
const COOKIE: &str = "z9hG4bK";
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Characters of 64 bits, five in each.
const WIDTH: usize = 13;

/// Appends a branch.
pub(super) fn write_branch(text: &mut String, check: u64, id: u64) {
    text.push_str(COOKIE);
    for mut number in [check, id] {
        for _ in 0..WIDTH {
            let digit = usize::try_from(number & 31).unwrap_or_default();
            text.push(ALPHABET.get(digit).copied().map_or('a', char::from));
            number >>= 5;
        }
    }
}

/// The two numbers of a branch of ours.
pub(super) fn read_branch(branch: &str) -> Option<(u64, u64)> {
    let digits = branch.as_bytes().strip_prefix(COOKIE.as_bytes())?;
    let (check, id) = digits.split_at_checked(WIDTH)?;
    Some((number(check)?, number(id)?))
}

fn number(digits: &[u8]) -> Option<u64> {
    if digits.len() != WIDTH {
        return None;
    }
    let mut value = 0_u128;
    for digit in digits.iter().rev() {
        let digit = match digit {
            b'a'..=b'z' => digit - b'a',
            b'2'..=b'7' => digit - b'2' + 26,
            _ => return None,
        };
        value = value << 5 | u128::from(digit);
    }
    u64::try_from(value).ok()
}

/// The octets with the Via value `old`, which stands in the first row, replaced.
pub(super) fn replaced(octets: &[u8], old: &str, new: &str) -> Option<Bytes> {
    let at = memchr::memmem::find(octets, old.as_bytes())?;
    let rest = octets.get(at + old.len()..)?;
    Some([octets.get(..at)?, new.as_bytes(), rest].concat().into())
}

/// The address that responses to a request over UDP must go to, when its Via names one.
pub(super) fn maddr(via: &Via<'_>) -> Option<IpAddr> {
    ip(via.maddr?)
}

/// What was put into a message: where, and how many octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamp {
    at: usize,
    len: usize,
}

impl Stamp {
    /// The fault as the sender counts octets.
    pub(super) const fn before(self, error: DecodeError) -> DecodeError {
        let offset = if error.offset > self.at {
            let shifted = error.offset.saturating_sub(self.len);
            if shifted < self.at { self.at } else { shifted }
        } else {
            error.offset
        };
        DecodeError { offset, ..error }
    }
}

/// The octets of a request whose first header is the Via of a peer that asks for its port, with the answer put in:
/// what most requests by UDP need, done before they are decoded, so that they are decoded once. `None` for all others,
/// which [`stamped`] sees to.
pub(super) fn stamped_early(octets: &[u8], source: SocketAddr) -> Option<(Bytes, Stamp)> {
    let start = memchr::memchr(b'\n', octets)? + 1;
    let value = octets.get(start..)?.strip_prefix(b"Via: ")?;
    let value = value.get(..memchr::memchr(b'\r', value)?)?;
    let plain = !value
        .iter()
        .any(|octet| matches!(octet, b',' | b'"' | b'('));
    let begins = |at: &usize| value.get(*at..).is_some_and(|v| v.starts_with(b";rport"));
    let at = memchr::memchr_iter(b';', value).find(begins)? + b";rport".len();
    let asks = matches!(value.get(at), None | Some(b';'));
    // A folded row goes the long way too.
    let end = start + b"Via: ".len() + value.len();
    let folds = matches!(octets.get(end + 2), Some(b' ' | b'\t'));
    let claims = memchr::memchr_iter(b'v', value)
        .any(|at| value.get(..at).is_some_and(|head| head.ends_with(b"ecei")));
    if !plain || !asks || folds || claims {
        return None;
    }
    let at = start + b"Via: ".len() + at;
    let (before, after) = octets.split_at_checked(at)?;
    let mut stamped = Vec::with_capacity(octets.len() + 64);
    stamped.extend_from_slice(before);
    stamped.push(b'=');
    put_number(&mut stamped, u64::from(source.port()));
    stamped.extend_from_slice(b";received=");
    put_ip(&mut stamped, source.ip());
    let len = stamped.len() - at;
    stamped.extend_from_slice(after);
    Some((stamped.into(), Stamp { at, len }))
}

/// The request with `received` and `rport` in its top Via as its source demands; `None` when it needs neither.
pub(super) fn stamped(message: &Message, source: SocketAddr) -> Option<Message> {
    let via = message.via().ok()?;
    needs_stamp(&via, source)
        .then(|| stamp(message, &via, source))
        .flatten()
}

/// True when the top Via lacks what its source demands, or claims what is not so.
pub(super) fn needs_stamp(via: &Via<'_>, source: SocketAddr) -> bool {
    let honest = ip(via.host) == Some(source.ip());
    let done =
        via.rport == Some(Some(source.port())) && via.received.and_then(ip) == Some(source.ip());
    !done && (!honest || via.rport.is_some() || via.received.is_some())
}

fn stamp(message: &Message, via: &Via<'_>, source: SocketAddr) -> Option<Message> {
    let asks = via.rport.is_some();
    let honest = ip(via.host) == Some(source.ip());
    let done =
        via.rport == Some(Some(source.port())) && via.received.and_then(ip) == Some(source.ip());
    if done || (honest && !asks && via.received.is_none()) {
        return None;
    }
    let top = message.list(Name::Via).next()?;
    let octets = message.octets();
    // The element is a part of the octets, so the distance of their starts is its place.
    let at = (top.as_ptr() as usize).checked_sub(octets.as_ptr() as usize)?;
    let (before, after) = (octets.get(..at)?, octets.get(at + top.len()..)?);
    let mut stamped = Vec::with_capacity(octets.len() + 64);
    stamped.extend_from_slice(before);
    for (index, part) in split(top).enumerate() {
        // What a peer claims about its own source is not believed.
        if index == 0 || !(is_param(part, "received") || is_param(part, "rport")) {
            if index > 0 {
                stamped.push(b';');
            }
            stamped.extend_from_slice(part);
        }
    }
    if asks {
        let _ = write!(stamped, ";rport={}", source.port());
    }
    if asks || !honest {
        let _ = write!(stamped, ";received={}", source.ip());
    }
    stamped.extend_from_slice(after);
    Message::decode(stamped.into()).ok()
}

/// The parts of a Via between semicolons outside quotes.
fn split(via: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    via.split(move |octet| {
        if escaped {
            escaped = false;
            return false;
        }
        match octet {
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b';' if !quoted => return true,
            _ => {}
        }
        false
    })
}

fn is_param(part: &[u8], name: &str) -> bool {
    let end = part
        .iter()
        .position(|octet| *octet == b'=')
        .unwrap_or(part.len());
    part.get(..end)
        .is_some_and(|found| found.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
}

/// An address as hosts and parameters write it, with or without brackets.
fn ip(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    bare.unwrap_or(text).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn a_branch_gives_its_numbers_back() {
        let mut random = Random::from_number(3);
        for (check, id) in [(0, 0), (u64::MAX, u64::MAX), (1, u64::MAX >> 1)]
            .into_iter()
            .chain((0..100).map(|_| (random.next_u64(), random.next_u64())))
        {
            let mut text = String::new();
            write_branch(&mut text, check, id);
            assert_eq!(read_branch(&text), Some((check, id)), "{text}");
        }
    }

    #[test]
    fn other_branches_give_none() {
        for text in [
            "",
            "z9hG4bK",
            "z9hG4bKaaaaaaaaaaaaaaaaaaaaaaaaa",
            "z9hG4bKaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "z9hG4bKaaaaaaaaaaaa!aaaaaaaaaaaaa",
            "z9hG4bKaaaaaaaaaaaa7aaaaaaaaaaaaa",
            "z9hG4bK\u{e9}aaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            assert_eq!(read_branch(text), None, "{text}");
        }
    }

    /// What both ways of stamping make of a Via.
    fn both(via: &str, source: &str) -> [Option<String>; 2] {
        let octets = Bytes::from(format!(
            "OPTIONS sip:a@b SIP/2.0\r\nVia: {via}\r\nCall-ID: 1\r\n\r\n"
        ));
        let source = source.parse().unwrap();
        let text = |octets: &Bytes| {
            let message = Message::decode(octets.clone()).unwrap();
            String::from_utf8(message.header(Name::Via).unwrap().to_vec()).unwrap()
        };
        let late = stamped(&Message::decode(octets.clone()).unwrap(), source);
        [
            stamped_early(&octets, source).map(|(octets, _)| text(&octets)),
            late.as_ref().map(|late| text(late.octets())),
        ]
    }

    #[test]
    fn early_stamping_says_the_same_as_late_stamping() {
        for via in [
            "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;rport",
            "SIP/2.0/UDP 192.0.2.1;rport;branch=z9hG4bK1",
            "SIP/2.0/UDP h:5;rport;x=y",
        ] {
            let [early, late] = both(via, "192.0.2.1:40000").map(|via| via.unwrap());
            let read = |text: &str| {
                let via = Via::decode(text.as_bytes()).unwrap();
                (
                    via.rport,
                    via.received.map(str::to_owned),
                    via.branch.map(str::to_owned),
                )
            };
            assert_eq!(read(&early), read(&late));
            assert_eq!(read(&early).0, Some(Some(40_000)));
            assert_eq!(read(&early).1.as_deref(), Some("192.0.2.1"));
        }
    }

    #[test]
    fn early_stamping_leaves_the_difficult_alone() {
        for via in [
            "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1",
            "SIP/2.0/UDP 192.0.2.1;rport=5060;branch=z9hG4bK1",
            "SIP/2.0/UDP 192.0.2.1;rport ;branch=z9hG4bK1",
            "SIP/2.0/UDP 192.0.2.1;rportal;branch=z9hG4bK1",
            "SIP/2.0/UDP 192.0.2.1;received=192.0.2.9;rport",
            "SIP/2.0/UDP 192.0.2.1;rport, SIP/2.0/UDP 192.0.2.3",
            "SIP/2.0/UDP 192.0.2.1;x=\";rport\"",
            "SIP/2.0/UDP 192.0.2.1;rport\r\n ;branch=z9hG4bK1",
        ] {
            let [early, _] = both(via, "192.0.2.1:40000");
            assert_eq!(early, None, "{via}");
        }
    }
}
