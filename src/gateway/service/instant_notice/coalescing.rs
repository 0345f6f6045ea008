//! Bursts: the first of them is told at once, what follows soon after in one further notice (R1.45).

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use crate::time::Time;

/// What bursts are told apart by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The account.
    pub account: String,
    /// The application.
    pub app: String,
    /// The device.
    pub device: String,
}

#[derive(Debug)]
struct Burst {
    until: Time,
    window: Duration,
    count: u32,
    /// What came since the last notice: how many, and the latest.
    pending: Option<u64>,
}

/// What is to be told when a window is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// To whom.
    pub place: Place,
    /// The latest message.
    pub seq: u64,
    /// How many there were since the burst began.
    pub count: u32,
}

/// Bursts that go on.
#[derive(Debug, Default)]
pub struct Bursts {
    by_place: BTreeMap<Place, Burst>,
    by_time: BTreeSet<(Time, Place)>,
}

impl Bursts {
    /// A message came for a device; true when it is to be told at once.
    pub fn add(&mut self, now: Time, window: Duration, place: &Place, seq: u64) -> bool {
        if let Some(burst) = self.by_place.get_mut(place) {
            burst.count = burst.count.saturating_add(1);
            burst.pending = Some(seq);
            return false;
        }
        let until = now + window;
        let burst = Burst {
            until,
            window,
            count: 1,
            pending: None,
        };
        self.by_place.insert(place.clone(), burst);
        self.by_time.insert((until, place.clone()));
        true
    }

    /// What is to be told now that a window is over; windows without anything to tell end by themselves.
    pub fn take_due(&mut self, now: Time) -> Option<Told> {
        loop {
            let (until, _) = self.by_time.first()?;
            if *until > now {
                return None;
            }
            let (_, place) = self.by_time.pop_first()?;
            let Some(burst) = self.by_place.get_mut(&place) else {
                continue;
            };
            if let Some(seq) = burst.pending.take() {
                burst.until = now + burst.window;
                let count = burst.count;
                self.by_time.insert((burst.until, place.clone()));
                return Some(Told { place, seq, count });
            }
            self.by_place.remove(&place);
        }
    }

    /// Nothing is told any more to a device.
    pub fn forget(&mut self, place: &Place) {
        if let Some(burst) = self.by_place.remove(place) {
            self.by_time.remove(&(burst.until, place.clone()));
        }
    }

    /// When the next window is over.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.by_time.first().map(|(until, _)| *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r1_45_twenty_in_two_seconds_are_told_twice_and_the_last_says_twenty() {
        let mut bursts = Bursts::default();
        let place = Place {
            account: "alice".to_owned(),
            app: "mail".to_owned(),
            device: "T1".to_owned(),
        };
        let window = Duration::from_secs(2);
        let start = Time::from_secs(1_000);
        let mut told = 0;
        for mail in 0..20_u32 {
            let now = start + Duration::from_millis(100) * mail;
            told += u32::from(bursts.add(now, window, &place, u64::from(mail)));
            assert_eq!(bursts.take_due(now), None);
        }
        assert_eq!(told, 1);
        let due = bursts.deadline().unwrap();
        assert_eq!(due, start + window);
        let last = bursts.take_due(due).unwrap();
        assert_eq!((last.seq, last.count), (19, 20));
        // A window later nothing is left, and the next mail begins anew.
        assert_eq!(bursts.take_due(due + window), None);
        assert_eq!(bursts.deadline(), None);
        assert!(bursts.add(due + window, window, &place, 20));
    }
}
