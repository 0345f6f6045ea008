//! Keyed hashes over things we give away and want back unchanged: flow tokens, temporary GRUUs, nonces.
//!
//! **Source:** RFC 2104.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;

/// Octets of the block of SHA-1 and SHA-256; a shorter key is filled up with zeros.
const BLOCK: usize = 64;

/// HMAC-SHA256 over parts, to be finished or compared.
pub(super) fn sha256<const N: usize>(key: &[u8; N], parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new(&block(key).into());
    parts.iter().for_each(|part| mac.update(part));
    mac
}

/// HMAC-SHA1 over octets, to be finished or compared.
pub(super) fn sha1<const N: usize>(key: &[u8; N], octets: &[u8]) -> Hmac<Sha1> {
    let mut mac = Hmac::<Sha1>::new(&block(key).into());
    mac.update(octets);
    mac
}

/// The first `N` octets of a finished hash, or zeros behind its end.
pub(super) fn leading<const N: usize>(hash: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.iter_mut()
        .zip(hash)
        .for_each(|(out, octet)| *out = *octet);
    out
}

/// A key of its own for one purpose, so that no secret serves two.
pub(super) fn derived<const N: usize>(secret: &[u8; 32], purpose: &str) -> [u8; N] {
    leading(
        &sha256(secret, &[purpose.as_bytes()])
            .finalize()
            .into_bytes(),
    )
}

/// The key at the front of a block; all keys here are far shorter than a block.
fn block<const N: usize>(key: &[u8; N]) -> [u8; BLOCK] {
    const { assert!(N <= BLOCK) }
    leading(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(octets: &[u8]) -> String {
        octets.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    #[test]
    fn the_second_case_of_rfc_4231_comes_out() {
        let mac = sha256(b"Jefe", &[b"what do ya want ", b"for nothing?"]);
        assert_eq!(
            hex(&mac.finalize().into_bytes()),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn keys_of_two_purposes_differ() {
        let secret = [7; 32];
        assert_ne!(derived::<16>(&secret, "a"), derived::<16>(&secret, "b"));
    }
}
