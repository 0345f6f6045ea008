//! The top Via: branches of ours, what is stamped into a peer's.
//!
//! **Source:** RFC 3261 sections 8.1.1.7 and 18.2.1, RFC 3581 section 4.
//!
//! A branch of ours is the cookie, 64 random bits and the number of the transaction, so a response finds its
//! transaction without a search by text, and nobody who has not seen the request can make one up.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

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

/// The request with `received` and `rport` in its top Via as its source demands; `None` when it needs neither.
pub(super) fn stamped(message: &Message, source: SocketAddr) -> Option<Message> {
    let via = message.via().ok()?;
    let asks = via.rport.is_some();
    let honest = ip(via.host) == Some(source.ip());
    if honest && !asks && via.received.is_none() {
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
        stamped.extend_from_slice(format!(";rport={}", source.port()).as_bytes());
    }
    if asks || !honest {
        stamped.extend_from_slice(format!(";received={}", source.ip()).as_bytes());
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
