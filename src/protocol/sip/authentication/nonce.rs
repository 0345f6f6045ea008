//! Nonces that carry their own birth and need a table only once they are used.
//!
//! **Source:** RFC 7616 section 3.3 for the form, section 3.4.6 for the count that may not come twice.

use core::time::Duration;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::Mac as _;

use crate::limits;
use crate::protocol::sip::mac;
use crate::time::Time;

/// The nonces of one realm.
pub(super) struct Nonces {
    key: [u8; 32],
    realm: String,
    lifetime: Duration,
    /// Birth of the latest nonce, so that no two are alike.
    latest: u64,
    /// Counts seen with each nonce that was used and still lives, by its birth.
    used: BTreeMap<u64, Window>,
    /// Nonces born up to here, and not in the table, count as expired: their counts were forgotten.
    forgotten: u64,
}

/// What a nonce is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worth {
    /// Ours and young; the number is its birth.
    Good(u64),
    /// Too old, or of another process: right credentials with it deserve `stale`.
    Spent,
}

impl Nonces {
    pub(super) fn new(secret: &[u8; 32], realm: &str, lifetime: Duration) -> Self {
        Self {
            key: mac::derived(secret, "nonce"),
            realm: realm.to_owned(),
            lifetime,
            latest: 0,
            used: BTreeMap::new(),
            forgotten: 0,
        }
    }

    /// A nonce that was never given before.
    pub(super) fn mint(&mut self, now: Time) -> String {
        self.latest = now.micros().max(self.latest.saturating_add(1));
        let birth = self.latest.to_be_bytes();
        STANDARD.encode([birth.as_slice(), &self.tag(birth)].concat())
    }

    /// What a nonce that came back is worth now.
    pub(super) fn worth(&self, now: Time, nonce: &str) -> Worth {
        let Some(birth) = self.birth(nonce) else {
            return Worth::Spent;
        };
        let age = now.since(Time::from_micros(birth));
        let is_forgotten = birth <= self.forgotten && !self.used.contains_key(&birth);
        if age > self.lifetime || is_forgotten {
            Worth::Spent
        } else {
            Worth::Good(birth)
        }
    }

    /// Takes the count `nc` of the nonce born at `birth`; false when it was taken before, or may have been.
    pub(super) fn spend(&mut self, now: Time, birth: u64, nc: u32) -> bool {
        self.forget_old(now);
        if !self.used.contains_key(&birth) && self.used.len() >= limits::NONCES_IN_USE {
            if let Some((oldest, _)) = self.used.pop_first() {
                self.forgotten = self.forgotten.max(oldest);
            }
            if birth <= self.forgotten {
                return false;
            }
        }
        self.used.entry(birth).or_default().take(nc)
    }

    fn forget_old(&mut self, now: Time) {
        let expired = (now - self.lifetime).micros();
        while let Some(oldest) = self.used.first_entry().filter(|e| *e.key() < expired) {
            oldest.remove();
        }
    }

    fn tag(&self, birth: [u8; 8]) -> [u8; TAG] {
        let hash = mac::sha256(&self.key, &[&birth, self.realm.as_bytes()]);
        mac::leading(&hash.finalize().into_bytes())
    }

    fn birth(&self, nonce: &str) -> Option<u64> {
        if nonce.len() != CHARACTERS {
            return None;
        }
        let octets = STANDARD.decode(nonce).ok()?;
        let (birth, tag) = octets.split_first_chunk::<8>()?;
        mac::sha256(&self.key, &[birth, self.realm.as_bytes()])
            .verify_truncated_left(tag)
            .ok()?;
        Some(u64::from_be_bytes(*birth))
    }
}

/// The counts seen with one nonce: the highest, and which of the 128 up to it.
#[derive(Default)]
struct Window {
    highest: u32,
    seen: u128,
}

impl Window {
    /// Takes a count; those too far below the highest count as taken.
    fn take(&mut self, nc: u32) -> bool {
        if nc == 0 {
            return false;
        }
        if nc > self.highest {
            self.seen = self.seen.checked_shl(nc - self.highest).unwrap_or(0) | 1;
            self.highest = nc;
            return true;
        }
        let Some(bit) = 1_u128.checked_shl(self.highest - nc) else {
            return false;
        };
        let is_new = self.seen & bit == 0;
        self.seen |= bit;
        is_new
    }
}

/// Octets of the truncated hash.
const TAG: usize = 16;
/// Characters of birth and hash in base 64.
const CHARACTERS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_secs(1_000_000);

    fn nonces() -> Nonces {
        Nonces::new(&[1; 32], "example.com", Duration::from_secs(300))
    }

    fn birth(nonces: &Nonces, nonce: &str) -> u64 {
        match nonces.worth(NOW, nonce) {
            Worth::Good(birth) => birth,
            Worth::Spent => panic!("spent"),
        }
    }

    #[test]
    fn two_nonces_of_one_moment_differ() {
        let mut nonces = nonces();
        assert_ne!(nonces.mint(NOW), nonces.mint(NOW));
    }

    #[test]
    fn a_nonce_is_good_for_its_lifetime_and_no_longer() {
        let mut nonces = nonces();
        let nonce = nonces.mint(NOW);
        let last = NOW + Duration::from_secs(300);
        assert!(matches!(nonces.worth(last, &nonce), Worth::Good(_)));
        let after = last + Duration::from_micros(1);
        assert_eq!(nonces.worth(after, &nonce), Worth::Spent);
    }

    #[test]
    fn a_nonce_of_another_process_or_realm_is_spent() {
        let nonce = nonces().mint(NOW);
        let other = Nonces::new(&[2; 32], "example.com", Duration::from_secs(300));
        let realm = Nonces::new(&[1; 32], "example.org", Duration::from_secs(300));
        assert_eq!(other.worth(NOW, &nonce), Worth::Spent);
        assert_eq!(realm.worth(NOW, &nonce), Worth::Spent);
        assert_eq!(nonces().worth(NOW, "dcd98b7102dd2f0e"), Worth::Spent);
    }

    #[test]
    fn a_count_is_taken_once_in_any_order() {
        let mut nonces = nonces();
        let nonce = nonces.mint(NOW);
        let birth = birth(&nonces, &nonce);
        for nc in [1, 5, 3, 130, 4] {
            assert!(nonces.spend(NOW, birth, nc), "{nc}");
        }
        for nc in [1, 5, 3, 130, 4, 0, 2] {
            assert!(
                !nonces.spend(NOW, birth, nc),
                "{nc}: taken, none, or too far back"
            );
        }
        assert!(nonces.spend(NOW, birth, u32::MAX));
        assert!(!nonces.spend(NOW, birth, 131));
    }

    #[test]
    fn the_table_never_exceeds_its_bound_and_what_it_forgot_is_spent() {
        let mut nonces = nonces();
        let first = nonces.mint(NOW);
        let first_birth = birth(&nonces, &first);
        assert!(nonces.spend(NOW, first_birth, 1));
        for _ in 0..limits::NONCES_IN_USE {
            let nonce = nonces.mint(NOW);
            let birth = birth(&nonces, &nonce);
            assert!(nonces.spend(NOW, birth, 1));
        }
        assert_eq!(nonces.used.len(), limits::NONCES_IN_USE);
        assert_eq!(nonces.worth(NOW, &first), Worth::Spent);
        assert!(
            !nonces.spend(NOW, first_birth, 1),
            "a replay after forgetting"
        );
    }

    #[test]
    fn nonces_past_their_life_leave_the_table() {
        let mut nonces = nonces();
        let nonce = nonces.mint(NOW);
        let old = birth(&nonces, &nonce);
        nonces.spend(NOW, old, 1);
        let later = NOW + Duration::from_secs(301);
        let nonce = nonces.mint(later);
        let Worth::Good(young) = nonces.worth(later, &nonce) else {
            panic!("spent")
        };
        nonces.spend(later, young, 1);
        assert_eq!(nonces.used.len(), 1);
    }
}
