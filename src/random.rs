//! Chance from a seed: tags, branches, Call-IDs, jitter.
//!
//! The stream is ChaCha8 by definition, so a seed gives the same run in every version.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A generator of chance, made from a seed.
#[derive(Clone, Debug)]
pub struct Random(ChaCha8Rng);

impl Random {
    /// The generator of a 32-octet seed; the driver takes it from the system.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(ChaCha8Rng::from_seed(seed))
    }

    /// The generator of a number, for tests and replays.
    #[must_use]
    pub fn from_number(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A generator of its own for a child, so that a child's draws never move the parent's.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self::from_seed(self.octets())
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// `N` random octets.
    pub fn octets<const N: usize>(&mut self) -> [u8; N] {
        let mut octets = [0; N];
        self.0.fill_bytes(&mut octets);
        octets
    }

    /// A number from 0 up to, not including, `bound`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // The high half of the product is even enough for every bound in use (far below 2^32).
        let product = u128::from(self.0.next_u64()) * u128::from(bound);
        u64::try_from(product >> 64).unwrap_or(0)
    }

    /// True with a chance of `per_mille` in a thousand.
    pub fn happens(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// `N` characters of lower-case base 32: 5 bits each, legal in SIP tokens, MSRP transaction ids and boundaries.
    pub fn token<const N: usize>(&mut self) -> Token<N> {
        const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let mut octets = self.octets::<N>();
        for octet in &mut octets {
            *octet = ALPHABET
                .get(usize::from(*octet & 31))
                .copied()
                .unwrap_or(b'a');
        }
        Token(octets)
    }
}

/// `N` random characters on the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token<const N: usize>([u8; N]);

impl<const N: usize> Token<N> {
    /// The characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl<const N: usize> core::fmt::Display for Token<N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_of_a_seed_never_changes() {
        let mut random = Random::from_number(42);
        assert_eq!(random.token::<10>().as_str(), "b35zv7qoir");
    }

    #[test]
    fn a_fork_does_not_move_its_parent_by_its_own_draws() {
        let (mut one, mut two) = (Random::from_number(7), Random::from_number(7));
        let mut child = one.fork();
        let _ = two.fork();
        child.next_u64();
        assert_eq!(one.next_u64(), two.next_u64());
    }

    #[test]
    fn below_stays_below() {
        let mut random = Random::from_number(1);
        assert!((0..1000).all(|_| random.below(3) < 3));
        assert_eq!(random.below(0), 0);
    }
}
