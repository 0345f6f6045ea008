//! MAC addresses: six or eight octets in the forms that are in use.
//!
//! Source: RFC 9039 section 4.1 (`urn:dev:mac:`); the separated forms are those of IEEE 802 and of router consoles.

use super::{Canonical, bad};
use crate::codec::DecodeError;

/// Whether a bare text is meant as a MAC address: pairs, quadruples or one run of hexadecimal digits.
pub(super) fn looks_like(text: &str) -> bool {
    // Eight octets with separators are the longest form.
    let may_be = text.len() <= 23
        && text
            .bytes()
            .next()
            .is_some_and(|octet| octet.is_ascii_hexdigit());
    if !may_be {
        return false;
    }
    let groups_of = |separator: char, len: usize, count: usize| {
        let mut groups = text.split(separator);
        text.matches(separator).count() >= count
            && groups.all(|group| {
                group.len() == len && group.bytes().all(|octet| octet.is_ascii_hexdigit())
            })
    };
    groups_of(':', 2, 2)
        || groups_of('-', 2, 2)
        || groups_of('.', 4, 2)
        || (text.len() == 12 && text.bytes().all(|octet| octet.is_ascii_hexdigit()))
}

/// Hexadecimal digits with any one kind of separator; 12 or 16 digits.
pub(super) fn read(text: &str, base: usize) -> Result<Canonical, DecodeError> {
    let mut octets = [0_u8; 8];
    let mut digits = 0_usize;
    let mut separator = None;
    for (at, octet) in text.bytes().enumerate() {
        let Some(digit) = char::from(octet).to_digit(16) else {
            let kept = *separator.get_or_insert(octet);
            if kept != octet || !matches!(octet, b':' | b'-' | b'.') {
                return Err(bad(
                    base.saturating_add(at),
                    "a hexadecimal digit of a MAC address",
                ));
            }
            continue;
        };
        let Some(slot) = octets.get_mut(digits / 2) else {
            return Err(bad(base.saturating_add(at), "6 or 8 octets"));
        };
        *slot = (*slot << 4) | u8::try_from(digit).unwrap_or(0);
        digits = digits.saturating_add(1);
    }
    let [a, b, c, d, e, f, g, h] = octets;
    match digits {
        12 => Ok(Canonical::Mac([a, b, c, d, e, f])),
        16 => Ok(of_eight([a, b, c, d, e, f, g, h])),
        _ => Err(bad(base.saturating_add(text.len()), "6 or 8 octets")),
    }
}

/// Eight octets; ff fe (EUI-48) or ff ff (MAC-48) in the middle mean a 48-bit address.
pub(super) const fn of_eight(octets: [u8; 8]) -> Canonical {
    match octets {
        [a, b, c, 0xFF, 0xFE | 0xFF, d, e, f] => Canonical::Mac([a, b, c, d, e, f]),
        _ => Canonical::Eui64(octets),
    }
}
