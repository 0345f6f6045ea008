//! The one timer structure of every machine.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use foldhash::quality::FixedState;

use crate::time::Time;

/// Timers by key: at most one instant for each.
///
/// Timers due at the same instant come out in the order of their keys, so a run is the same on every machine.
#[derive(Clone, Debug)]
pub struct Timers<K> {
    by_time: BTreeSet<(Time, K)>,
    by_key: HashMap<K, Time, FixedState>,
}

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Self {
            by_time: BTreeSet::new(),
            by_key: HashMap::with_hasher(FixedState::default()),
        }
    }
}

impl<K: Copy + Ord + Hash> Timers<K> {
    /// Sets the timer of `key`; an earlier setting is forgotten.
    pub fn set(&mut self, key: K, at: Time) {
        if let Some(old) = self.by_key.insert(key, at) {
            if old == at {
                return;
            }
            self.by_time.remove(&(old, key));
        }
        self.by_time.insert((at, key));
    }

    /// Forgets the timer of `key`.
    pub fn cancel(&mut self, key: K) {
        if let Some(old) = self.by_key.remove(&key) {
            self.by_time.remove(&(old, key));
        }
    }

    /// When the timer of `key` is due.
    #[must_use]
    pub fn at(&self, key: K) -> Option<Time> {
        self.by_key.get(&key).copied()
    }

    /// When the next timer is due.
    #[must_use]
    pub fn next(&self) -> Option<Time> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes the earliest timer that is due at `now`.
    pub fn take_due(&mut self, now: Time) -> Option<K> {
        let &(at, key) = self.by_time.first()?;
        if at > now {
            return None;
        }
        self.by_time.pop_first();
        self.by_key.remove(&key);
        Some(key)
    }

    /// How many timers wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// True while nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_set_twice_is_due_once_at_the_later_setting() {
        let mut timers = Timers::default();
        timers.set('a', Time::from_secs(1));
        timers.set('a', Time::from_secs(2));
        assert_eq!(timers.take_due(Time::from_secs(1)), None);
        assert_eq!(timers.take_due(Time::from_secs(2)), Some('a'));
        assert!(timers.is_empty());
    }

    #[test]
    fn timers_come_out_by_time_then_key() {
        let mut timers = Timers::default();
        timers.set('b', Time::from_secs(1));
        timers.set('a', Time::from_secs(1));
        timers.set('c', Time::EPOCH);
        timers.cancel('x');
        let order: Vec<char> =
            core::iter::from_fn(|| timers.take_due(Time::from_secs(9))).collect();
        assert_eq!(order, ['c', 'a', 'b']);
    }
}
