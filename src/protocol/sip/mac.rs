//! Keyed hashes over things we give away and want back unchanged: flow tokens, temporary GRUUs, nonces.
//!
//! **Source:** RFC 2104.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// Octets of the block of SHA-1; a shorter key is filled up with zeros.
const BLOCK: usize = 64;

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

/// The key at the front of a block; all keys here are far shorter than a block.
fn block<const N: usize>(key: &[u8; N]) -> [u8; BLOCK] {
    const { assert!(N <= BLOCK) }
    leading(key)
}
