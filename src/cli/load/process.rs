//! What other processes took of the machine, as Linux tells it.

use std::time::Duration;

use crate::cli::fault::Fault;

/// Clock ticks of a second in `/proc`: the same on every Linux that people run.
const TICKS: f64 = 100.0;

/// Some processes that are measured together.
#[derive(Debug)]
pub(super) struct Processes {
    numbers: Vec<u32>,
    before: Used,
    own_before: Used,
}

/// What processes took so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Used {
    /// In their own code, all threads together.
    pub user: Duration,
    /// In the system for them.
    pub system: Duration,
    /// Octets resident now, and at most so far.
    pub resident: u64,
    pub resident_peak: u64,
}

impl Processes {
    /// Begins to measure.
    pub(super) fn begin(numbers: &[u32]) -> Result<Self, Fault> {
        let mut processes = Self {
            numbers: numbers.to_vec(),
            before: Used::default(),
            own_before: used("self").unwrap_or_default(),
        };
        processes.before = processes.now()?;
        Ok(processes)
    }

    fn now(&self) -> Result<Used, Fault> {
        let mut sum = Used::default();
        for number in &self.numbers {
            let used = used(&number.to_string()).ok_or_else(|| {
                Fault::usage(
                    format!("there is no process {number}, or /proc does not tell of it"),
                    "give --pid the number of a process that runs",
                )
            })?;
            sum.user += used.user;
            sum.system += used.system;
            sum.resident += used.resident;
            sum.resident_peak += used.resident_peak;
        }
        Ok(sum)
    }

    /// What they took since [`Self::begin`]; `None` when there are none.
    pub(super) fn end(&self) -> Result<Option<Used>, Fault> {
        if self.numbers.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.now()?.since(self.before)))
    }

    /// What this process took in that time.
    pub(super) fn own(&self) -> Used {
        used("self").unwrap_or_default().since(self.own_before)
    }
}

impl Used {
    /// On a core, wherever.
    pub(super) fn total(self) -> Duration {
        self.user + self.system
    }

    fn since(self, before: Self) -> Self {
        Self {
            user: self.user.saturating_sub(before.user),
            system: self.system.saturating_sub(before.system),
            ..self
        }
    }

    /// `31.2 us (24.0 + 7.2 in the system)` for each of so many.
    pub(super) fn line(self, of: u64) -> String {
        let each = |time| micros(time, of);
        let (total, system) = (each(self.total()), each(self.system));
        format!("{total:.1} us, {system:.1} of them in the system")
    }

    pub(super) fn to_json(self, of: u64) -> serde_json::Value {
        serde_json::json!({
            "us_each": round(micros(self.total(), of)), "user_us_each": round(micros(self.user, of)),
            "system_us_each": round(micros(self.system, of)), "resident_octets": self.resident,
            "resident_peak_octets": self.resident_peak,
        })
    }
}

/// Microseconds for each of so many.
pub(super) fn micros(time: Duration, of: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a count of things done")]
    let of = of.max(1) as f64;
    time.as_secs_f64() * 1e6 / of
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// What one process took, from `/proc/<name>`.
fn used(name: &str) -> Option<Used> {
    let stat = std::fs::read_to_string(format!("/proc/{name}/stat")).ok()?;
    // The name of the program stands in parentheses, and may have some itself.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let mut time = || {
        let ticks: u32 = fields.next()?.parse().ok()?;
        Some(Duration::from_secs_f64(f64::from(ticks) / TICKS))
    };
    let (user, system) = (time()?, time()?);
    let status = std::fs::read_to_string(format!("/proc/{name}/status")).ok()?;
    let kilo = |row: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(row))?;
        let number = line.split_ascii_whitespace().next()?;
        number.parse::<u64>().ok()?.checked_mul(1024)
    };
    Some(Used {
        user,
        system,
        resident: kilo("VmRSS:").unwrap_or_default(),
        resident_peak: kilo("VmHWM:").unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_that_works_is_seen_to() {
        let own = std::process::id();
        let processes = Processes::begin(&[own]).unwrap();
        let mut sum = 0_u64;
        while processes.end().unwrap().unwrap().total() < Duration::from_millis(20) {
            sum = (0..100_000_u64).fold(sum, |sum, n| std::hint::black_box(sum ^ n));
        }
        assert!(processes.own().resident_peak > 0);
        assert!(Processes::begin(&[u32::MAX]).is_err());
    }
}
