//! Flows: kept alive by the client, named in tokens by the edge, set up again after a loss.
//!
//! **Source:** RFC 5626 sections 3.5, 4.4, 4.5 and 5.2. Not here: which binding belongs to which flow
//! (`protocol::sip::registrar`).

mod flow_token;
mod keep_alive;

use core::time::Duration;

use crate::random::Random;

pub use flow_token::{FlowToken, FlowTokenKey};
pub use keep_alive::{Failure, Input, KeepAlive, Output, Power};

/// How long to wait before a failed flow is set up again, after `failures` attempts that failed in a row.
///
/// `all_failed` says that no other flow of the device works, which makes it hurry.
pub fn recovery_wait(failures: u32, all_failed: bool, random: &mut Random) -> Duration {
    let base = if all_failed {
        BASE_ALL_FAILED
    } else {
        BASE_SOME_LEFT
    };
    // Doubling ends far before the shift would lose bits, since the cap is reached after six steps.
    let doubled = base.saturating_mul(1_u32.checked_shl(failures.min(16)).unwrap_or(u32::MAX));
    let cap = doubled.min(RECOVERY_MAX);
    let half = cap / 2;
    let more = random.below(
        u64::try_from(half.as_micros())
            .unwrap_or(u64::MAX)
            .saturating_add(1),
    );
    half.saturating_add(Duration::from_micros(more))
}

/// Longest wait before a flow is tried again.
const RECOVERY_MAX: Duration = Duration::from_secs(1_800);
/// Shortest full wait when no flow is left.
const BASE_ALL_FAILED: Duration = Duration::from_secs(30);
/// Shortest full wait while another flow works.
const BASE_SOME_LEFT: Duration = Duration::from_secs(90);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_waits_between_half_and_all_of_the_doubled_base() {
        let mut random = Random::from_number(1);
        for (failures, all_failed, full) in [
            (0, true, 30),
            (1, true, 60),
            (0, false, 90),
            (3, false, 720),
            (5, true, 960),
        ] {
            for _ in 0..200 {
                let wait = recovery_wait(failures, all_failed, &mut random);
                assert!(wait >= Duration::from_secs(full) / 2, "{wait:?}");
                assert!(wait <= Duration::from_secs(full), "{wait:?}");
            }
        }
    }

    #[test]
    fn a_recovery_never_waits_longer_than_half_an_hour() {
        let mut random = Random::from_number(2);
        for failures in [6, 31, 32, u32::MAX] {
            let wait = recovery_wait(failures, false, &mut random);
            assert!(wait >= RECOVERY_MAX / 2 && wait <= RECOVERY_MAX, "{wait:?}");
        }
    }
}
