//! How long things took: counts in steps of one thirty-second, from a microsecond to an hour.

use std::time::Duration;

/// Steps of each doubling, as a power of two.
const FINE: u32 = 5;
const STEPS: usize = 32 << FINE;

/// Durations, counted.
#[derive(Clone, Debug)]
pub(super) struct Latencies {
    counts: Vec<u64>,
    all: u64,
    most: Duration,
}

impl Default for Latencies {
    fn default() -> Self {
        Self {
            counts: vec![0; STEPS],
            all: 0,
            most: Duration::ZERO,
        }
    }
}

impl Latencies {
    pub(super) fn add(&mut self, took: Duration) {
        let at = step(u64::try_from(took.as_micros()).unwrap_or(u64::MAX)).min(STEPS - 1);
        if let Some(count) = self.counts.get_mut(at) {
            *count += 1;
        }
        self.all += 1;
        self.most = self.most.max(took);
    }

    pub(super) const fn count(&self) -> u64 {
        self.all
    }

    /// The least duration that so many of a thousand did not pass, to one thirty-second.
    pub(super) fn at(&self, per_mille: u64) -> Duration {
        let wanted = self.all.saturating_mul(per_mille).div_ceil(1000).max(1);
        let mut seen = 0;
        for (at, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return Duration::from_micros(end(at)).min(self.most);
            }
        }
        self.most
    }

    /// `p50 1.20 ms  p99 3.40 ms  max 5.60 ms`.
    pub(super) fn line(&self) -> String {
        let [half, most, nearly] = [500, 990, 999].map(|at| milliseconds(self.at(at)));
        let max = milliseconds(self.most);
        format!("p50 {half} ms   p99 {most} ms   p99.9 {nearly} ms   max {max} ms")
    }

    pub(super) fn to_json(&self) -> serde_json::Value {
        let micros = |at| u64::try_from(self.at(at).as_micros()).unwrap_or(u64::MAX);
        serde_json::json!({
            "count": self.all, "p50_us": micros(500), "p90_us": micros(900), "p99_us": micros(990),
            "p999_us": micros(999), "max_us": u64::try_from(self.most.as_micros()).unwrap_or(u64::MAX),
        })
    }
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64() * 1e3)
}

/// The place of a value: exact below two to the power of `FINE`, then so many steps for each doubling.
fn step(value: u64) -> usize {
    let doublings = value.max(1).ilog2().saturating_sub(FINE);
    let place = (u64::from(doublings) << FINE) + (value >> doublings);
    usize::try_from(place).unwrap_or(usize::MAX)
}

/// The largest value of a place.
fn end(place: usize) -> u64 {
    let place = u64::try_from(place).unwrap_or(u64::MAX);
    let doublings = (place >> FINE).saturating_sub(1);
    let first = (place - (doublings << FINE)) << doublings;
    first + (1 << doublings) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_step() {
        let mut last = 0;
        for value in (0..2_000_u64).chain((0..40).map(|bit| 3 << bit)) {
            let place = step(value);
            assert!(end(place) >= value, "{value}");
            assert!(place == 0 || end(place - 1) < value, "{value}");
            assert!(place >= last || value < 2_000, "{value}");
            last = place;
        }
    }

    #[test]
    fn percentiles_are_right_to_one_thirty_second() {
        let mut latencies = Latencies::default();
        (1..=1_000).for_each(|ms| latencies.add(Duration::from_millis(ms)));
        for per_mille in [1, 500, 990, 999] {
            let (found, exact) = (latencies.at(per_mille), Duration::from_millis(per_mille));
            assert!(found >= exact && found <= exact * 33 / 32, "{found:?}");
        }
        assert_eq!(latencies.at(1000), Duration::from_secs(1));
    }
}
