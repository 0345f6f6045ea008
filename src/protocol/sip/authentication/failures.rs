//! Wrong answers, counted by user and source, so that guessing has a price and nobody can lock out somebody elsewhere.

use core::time::Duration;
use std::collections::HashMap;

use foldhash::quality::FixedState;
use hmac::Mac as _;

use crate::limits;
use crate::protocol::sip::mac;
use crate::time::Time;
use crate::timers::Timers;

/// Counts of wrong answers.
pub(super) struct Failures {
    key: [u8; 32],
    max: u32,
    window: Duration,
    counts: HashMap<u64, u32, FixedState>,
    /// When a count is forgotten.
    ends: Timers<u64>,
}

/// User and source.
type Who<'a> = (&'a str, String);

impl Failures {
    pub(super) fn new(secret: &[u8; 32], max: u32, window: Duration) -> Self {
        Self {
            key: mac::derived(secret, "failures"),
            max,
            window,
            counts: HashMap::default(),
            ends: Timers::default(),
        }
    }

    /// True while this user is turned away from this source.
    pub(super) fn is_blocked(&mut self, now: Time, who: &Who<'_>) -> bool {
        while let Some(ended) = self.ends.take_due(now) {
            self.counts.remove(&ended);
        }
        let count = self.counts.get(&self.number(who));
        count.is_some_and(|count| *count >= self.max)
    }

    /// Counts a wrong answer; true when it was one too many.
    pub(super) fn count(&mut self, now: Time, who: &Who<'_>) -> bool {
        let number = self.number(who);
        if !self.counts.contains_key(&number) {
            if self.counts.len() >= limits::AUTHENTICATION_FAILURES
                && let Some(oldest) = self.ends.take_due(Time::FAR)
            {
                self.counts.remove(&oldest);
            }
            self.ends.set(number, now + self.window);
        }
        let count = self.counts.entry(number).or_default();
        *count = count.saturating_add(1);
        let is_last = *count >= self.max;
        if is_last {
            self.ends.set(number, now + self.window);
        }
        is_last
    }

    /// Forgets the wrong answers of who gave a right one.
    pub(super) fn forgive(&mut self, who: &Who<'_>) {
        let number = self.number(who);
        self.counts.remove(&number);
        self.ends.cancel(number);
    }

    /// A short name for user and source; without the key nobody can find two that share one.
    fn number(&self, (user, source): &Who<'_>) -> u64 {
        let hash = mac::sha256(&self.key, &[user.as_bytes(), &[0], source.as_bytes()]);
        u64::from_be_bytes(mac::leading(&hash.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_secs(1_000);

    fn failures() -> Failures {
        Failures::new(&[1; 32], 3, Duration::from_secs(60))
    }

    fn from(source: &str) -> Who<'static> {
        ("alice", source.to_owned())
    }

    #[test]
    fn the_last_wrong_answer_blocks_user_and_source_for_the_window() {
        let mut failures = failures();
        assert!(!failures.count(NOW, &from("a")));
        assert!(!failures.count(NOW, &from("a")));
        assert!(!failures.is_blocked(NOW, &from("a")));
        assert!(failures.count(NOW, &from("a")));
        assert!(failures.is_blocked(NOW, &from("a")));
        assert!(!failures.is_blocked(NOW, &from("b")), "another source");
        assert!(!failures.is_blocked(NOW + Duration::from_secs(60), &from("a")));
    }

    #[test]
    fn a_right_answer_forgives() {
        let mut failures = failures();
        failures.count(NOW, &from("a"));
        failures.count(NOW, &from("a"));
        failures.forgive(&from("a"));
        assert!(!failures.count(NOW, &from("a")));
    }

    #[test]
    fn the_counts_never_exceed_their_bound() {
        let mut failures = failures();
        for n in 0..=limits::AUTHENTICATION_FAILURES {
            failures.count(NOW, &from(&n.to_string()));
        }
        assert_eq!(failures.counts.len(), limits::AUTHENTICATION_FAILURES);
        assert_eq!(failures.ends.len(), limits::AUTHENTICATION_FAILURES);
    }
}
