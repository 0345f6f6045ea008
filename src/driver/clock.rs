//! The only reader of the system's clocks and of the system's chance.
//!
//! The wall clock is read once and monotonic time is added. When the wall clock runs ahead of that by more than a
//! second (the machine slept, or the clock was corrected), the clock follows; it never steps back.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::random::Random;
use crate::time::Time;

/// How far the wall clock may run ahead before it is followed, in microseconds.
const LEAD_MICROS: u64 = 1_000_000;

/// The clock of a process; clones show the same time.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    started: Instant,
    /// Wall clock at the start, in microseconds since the Unix epoch.
    base: u64,
    /// Microseconds added since, because the wall clock ran ahead.
    ahead: AtomicU64,
}

impl Clock {
    /// Reads the wall clock and starts to count.
    #[must_use]
    pub fn start() -> Self {
        Self(Arc::new(Inner {
            started: instant(),
            base: wall_micros(),
            ahead: AtomicU64::new(0),
        }))
    }

    /// The time now; never earlier than what it said before.
    #[must_use]
    pub fn now(&self) -> Time {
        let steady = self.0.base.saturating_add(micros(self.0.started.elapsed()));
        let ahead = self.0.ahead.load(Ordering::Acquire);
        let wanted = follow(steady, ahead, wall_micros());
        let ahead = if wanted > ahead {
            self.0.ahead.fetch_max(wanted, Ordering::AcqRel).max(wanted)
        } else {
            ahead
        };
        Time::from_micros(steady.saturating_add(ahead))
    }
}

/// A generator seeded from the system.
///
/// # Errors
/// When the system gives no chance.
pub fn system_random() -> io::Result<Random> {
    let mut seed = [0_u8; 32];
    getrandom::fill(&mut seed).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(Random::from_seed(seed))
}

/// What must be added to the steady time so that it is at most a second behind the wall clock; never less than before.
const fn follow(steady: u64, ahead: u64, wall: u64) -> u64 {
    if wall > steady.saturating_add(ahead).saturating_add(LEAD_MICROS) {
        wall.saturating_sub(steady)
    } else {
        ahead
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one reader of monotonic time"
)]
pub(super) fn instant() -> Instant {
    Instant::now()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one reader of the wall clock"
)]
fn wall_micros() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_within_a_second_is_not_followed() {
        assert_eq!(follow(10_000_000, 0, 10_900_000), 0);
        assert_eq!(follow(10_000_000, 0, 11_000_000), 0);
    }

    #[test]
    fn a_wall_clock_that_runs_ahead_is_followed() {
        assert_eq!(follow(10_000_000, 0, 13_000_000), 3_000_000);
        assert_eq!(follow(11_000_000, 3_000_000, 14_200_000), 3_000_000);
    }

    #[test]
    fn a_wall_clock_set_back_changes_nothing() {
        assert_eq!(follow(10_000_000, 3_000_000, 5_000_000), 3_000_000);
    }

    #[test]
    fn the_clock_never_steps_back() {
        let clock = Clock::start();
        let mut last = Time::EPOCH;
        for _ in 0..10_000 {
            let now = clock.now();
            assert!(now >= last);
            last = now;
        }
    }
}
