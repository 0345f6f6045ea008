//! The name in a certificate, which is the common name of its subject, and the key in a public key's file.
//!
//! **Source:** RFC 5280 section 4.1, X.690 (DER). Only for certificates that were verified: what is read here proves
//! nothing by itself.

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xA0;
const IDENTIFIER: u8 = 0x06;
const BITS: u8 = 0x03;
/// `id-at-commonName`, 2.5.4.3, as an object identifier.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// The common name of the subject; `None` when there is none, or it is no text in UTF-8.
pub(super) fn common_name(certificate: &[u8]) -> Option<String> {
    let (whole, _) = of(SEQUENCE, certificate)?;
    let (mut rest, _) = of(SEQUENCE, whole)?;
    if let Some((_, after)) = of(VERSION, rest) {
        rest = after;
    }
    // Serial number, signature algorithm, issuer, validity.
    for _ in 0..4 {
        let (_, _, after) = element(rest)?;
        rest = after;
    }
    let (mut subject, _) = of(SEQUENCE, rest)?;
    while let Some((names, after)) = of(SET, subject) {
        subject = after;
        let (pair, _) = of(SEQUENCE, names)?;
        let (_, kind, value) = element(pair)?;
        let (_, text, _) = element(value)?;
        if kind == COMMON_NAME {
            return core::str::from_utf8(text).ok().map(str::to_owned);
        }
    }
    None
}

/// The algorithm of a public key, as an object identifier, and the key itself (RFC 5280 section 4.1.2.7).
pub(super) fn public_key(info: &[u8]) -> Option<(&[u8], &[u8])> {
    let (whole, _) = of(SEQUENCE, info)?;
    let (algorithm, rest) = of(SEQUENCE, whole)?;
    let (kind, _) = of(IDENTIFIER, algorithm)?;
    let (bits, _) = of(BITS, rest)?;
    // The first octet says how many bits of the last do not count: of a key none.
    let (unused, key) = bits.split_first()?;
    (*unused == 0).then_some((kind, key))
}

/// What is in an element of that tag, and what follows it.
fn of(tag: u8, octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (own, inside, rest) = element(octets)?;
    (own == tag).then_some((inside, rest))
}

/// The tag of an element, what is in it, and what follows it.
fn element(octets: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = octets.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7F => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x0F))?;
            let add = |sum: usize, octet: &u8| sum << 8 | usize::from(*octet);
            (digits.iter().fold(0, add), rest)
        }
        _ => return None,
    };
    let (inside, rest) = rest.split_at_checked(length)?;
    Some((*tag, inside, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_name_of_a_certificate_is_read_and_no_damage_makes_it_panic() {
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters
            .distinguished_name
            .push(rcgen::DnType::OrganizationName, "Shop");
        parameters
            .distinguished_name
            .push(rcgen::DnType::CommonName, "shop.example");
        let key = rcgen::KeyPair::generate().unwrap();
        let made = parameters.self_signed(&key).unwrap();
        let octets = made.der().to_vec();
        assert_eq!(common_name(&octets).as_deref(), Some("shop.example"));
        for at in 0..octets.len() {
            let _ = common_name(&octets[..at]);
            let mut damaged = octets.clone();
            damaged[at] ^= 0xFF;
            let _ = common_name(&damaged);
        }
    }
}
