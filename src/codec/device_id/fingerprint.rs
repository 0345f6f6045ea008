//! Fingerprints of a device's key or certificate.
//!
//! Source: RFC 6920 (`ni:`); `fp:ALGORITHM:HEX` is the profile's own.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Canonical, bad};
use crate::codec::DecodeError;

/// `//AUTHORITY/ALGORITHM;DIGEST?QUERY`: authority and query say where to look, not what it is.
pub(super) fn read_ni(rest: &str, base: usize) -> Result<Canonical, DecodeError> {
    let path = rest
        .strip_prefix("//")
        .and_then(|rest| rest.split_once('/'))
        .map(|(_, path)| path)
        .ok_or_else(|| bad(base, "// and a / before the algorithm"))?;
    let at = base.saturating_add(rest.len().saturating_sub(path.len()));
    let path = path.split('?').next().unwrap_or(path);
    let (name, text) = path
        .split_once(';')
        .ok_or_else(|| bad(at, "an algorithm, a semicolon and the digest"))?;
    let at_digest = at.saturating_add(name.len()).saturating_add(1);
    let digest = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| bad(at_digest, "a digest in base64url without padding"))?;
    of(name, digest, at, at_digest)
}

/// `ALGORITHM:HEX`, the octets plain or separated by colons.
pub(super) fn read_fp(rest: &str, base: usize) -> Result<Canonical, DecodeError> {
    let (name, text) = rest
        .split_once(':')
        .ok_or_else(|| bad(base, "an algorithm, a colon and the digest"))?;
    let at = base.saturating_add(name.len()).saturating_add(1);
    let mut digest = Vec::with_capacity(text.len() / 2);
    let mut half = None;
    for (offset, octet) in text.bytes().enumerate() {
        let digit = char::from(octet)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok());
        half = match (half, digit) {
            (None, Some(high)) => Some(high),
            (Some(high), Some(low)) => {
                digest.push((high << 4) | low);
                None
            }
            (None, None) if octet == b':' && !digest.is_empty() => None,
            _ => return Err(bad(at.saturating_add(offset), "hexadecimal octets")),
        };
    }
    if half.is_some() {
        return Err(bad(at.saturating_add(text.len()), "hexadecimal octets"));
    }
    of(name, digest, base, at)
}

/// The digest's length must be the algorithm's; an unknown algorithm's is taken as it is.
fn of(name: &str, digest: Vec<u8>, at: usize, at_digest: usize) -> Result<Canonical, DecodeError> {
    let lower = name.to_ascii_lowercase();
    let (algorithm, len) = match lower.as_str() {
        "sha-256" | "sha256" => ("sha-256", 32),
        "sha-256-128" => ("sha-256-128", 16),
        "sha-256-120" => ("sha-256-120", 15),
        "sha-256-96" => ("sha-256-96", 12),
        "sha-256-64" => ("sha-256-64", 8),
        "sha-256-32" => ("sha-256-32", 4),
        "sha-384" | "sha384" => ("sha-384", 48),
        "sha-512" | "sha512" => ("sha-512", 64),
        "sha-1" | "sha1" => ("sha-1", 20),
        other => (other, digest.len()),
    };
    let is_name = !algorithm.is_empty()
        && algorithm
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
    if !is_name {
        return Err(bad(at, "the name of a digest algorithm"));
    }
    if digest.len() != len || digest.is_empty() {
        return Err(bad(at_digest, "as many octets as the algorithm has"));
    }
    Ok(Canonical::Fingerprint {
        algorithm: algorithm.to_owned(),
        digest,
    })
}

pub(super) fn write(f: &mut fmt::Formatter<'_>, algorithm: &str, digest: &[u8]) -> fmt::Result {
    write!(f, "ni:///{algorithm};{}", URL_SAFE_NO_PAD.encode(digest))
}
