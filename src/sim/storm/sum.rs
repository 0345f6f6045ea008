//! What came of many storms.

use core::fmt;

use super::Report;

/// What came of many storms.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    /// How many there were.
    pub storms: u64,
    /// How often a gateway died.
    pub crashes: u64,
    /// Contents that devices took.
    pub delivered: u64,
    /// Contents that came again.
    pub repeated: u64,
    /// Results that were told again.
    pub told_again: u64,
    /// Addresses that were taken back.
    pub cancelled: u64,
    /// Devices that plans left out.
    pub excluded: u64,
    /// What rules about faults did.
    pub hits: u64,
}

impl Sum {
    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            storms: self.storms + other.storms,
            crashes: self.crashes + other.crashes,
            delivered: self.delivered + other.delivered,
            repeated: self.repeated + other.repeated,
            told_again: self.told_again + other.told_again,
            cancelled: self.cancelled + other.cancelled,
            excluded: self.excluded + other.excluded,
            hits: self.hits + other.hits,
        }
    }

    /// Adds a storm.
    pub fn add(&mut self, report: &Report) {
        self.storms += 1;
        self.crashes += u64::from(report.crashes);
        self.delivered += report.delivered as u64;
        self.repeated += report.repeated as u64;
        self.told_again += u64::from(report.told_again);
        self.cancelled += report.cancelled;
        self.excluded += report.excluded;
        self.hits += report.hits as u64;
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} storms: {} deaths of the gateway, {} contents taken, {} repeats dropped, {} results told again, \
             {} addresses taken back, {} devices left out, {} faults",
            self.storms,
            self.crashes,
            self.delivered,
            self.repeated,
            self.told_again,
            self.cancelled,
            self.excluded,
            self.hits
        )
    }
}
