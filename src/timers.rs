//! The one timer structure of every machine.

use core::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::Hash;

use foldhash::quality::FixedState;

use crate::time::Time;

/// Timers by key: at most one instant for each.
///
/// Timers due at the same instant come out in the order of their keys, so a run is the same on every machine. Most are
/// cancelled long before they are due: what is forgotten stays in the heap until it comes to its top, or until such
/// entries are the most of it. The top itself is never one of them.
#[derive(Clone, Debug)]
pub struct Timers<K> {
    heap: BinaryHeap<Reverse<(Time, K)>>,
    by_key: HashMap<K, Time, FixedState>,
}

/// Forgotten entries that a heap may hold however few timers wait.
const FORGOTTEN: usize = 64;

impl<K: Ord> Default for Timers<K> {
    fn default() -> Self {
        Self {
            heap: BinaryHeap::new(),
            by_key: HashMap::with_hasher(FixedState::default()),
        }
    }
}

impl<K: Copy + Ord + Hash> Timers<K> {
    /// Sets the timer of `key`; an earlier setting is forgotten.
    pub fn set(&mut self, key: K, at: Time) {
        let old = self.by_key.insert(key, at);
        if old == Some(at) {
            return;
        }
        self.heap.push(Reverse((at, key)));
        if old.is_some() {
            self.forgot(key);
        }
    }

    /// Forgets the timer of `key`.
    pub fn cancel(&mut self, key: K) {
        if self.by_key.remove(&key).is_some() {
            self.forgot(key);
        }
    }

    /// Clears the heap after an entry of `key` lost its meaning.
    fn forgot(&mut self, key: K) {
        if self.heap.peek().is_some_and(|top| top.0.1 == key) {
            self.clear_top();
        }
        self.sweep();
    }

    /// Drops all forgotten entries once they are the most.
    fn sweep(&mut self) {
        let most = self.by_key.len().saturating_mul(2);
        if self.heap.len() > most.saturating_add(FORGOTTEN) {
            let live = self.by_key.iter();
            self.heap = live.map(|(key, at)| Reverse((*at, *key))).collect();
        }
    }

    /// Drops forgotten entries from the top.
    fn clear_top(&mut self) {
        while let Some(Reverse((at, key))) = self.heap.peek()
            && self.by_key.get(key) != Some(at)
        {
            self.heap.pop();
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
        self.heap.peek().map(|top| top.0.0)
    }

    /// Takes the earliest timer that is due at `now`.
    pub fn take_due(&mut self, now: Time) -> Option<K> {
        let &Reverse((at, key)) = self.heap.peek()?;
        if at > now {
            return None;
        }
        self.heap.pop();
        self.by_key.remove(&key);
        self.clear_top();
        self.sweep();
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
    #[test]
    fn timers_are_due_as_in_a_plain_list_whatever_was_set_and_cancelled_before() {
        let mut random = crate::random::Random::from_number(11);
        let (mut timers, mut list) = (Timers::default(), Vec::<(Time, u64)>::new());
        for turn in 0..20_000_u64 {
            let (key, at) = (
                random.below(200),
                Time::from_secs(turn / 50 + random.below(60)),
            );
            match random.below(10) {
                0..=5 => {
                    list.retain(|known| known.1 != key);
                    list.push((at, key));
                    timers.set(key, at);
                }
                6..=8 => {
                    list.retain(|known| known.1 != key);
                    timers.cancel(key);
                }
                _ => {
                    let now = Time::from_secs(turn / 50);
                    list.sort_unstable();
                    let due = list.first().filter(|first| first.0 <= now).copied();
                    list.retain(|known| Some(*known) != due);
                    assert_eq!(timers.take_due(now), due.map(|due| due.1));
                }
            }
            assert_eq!(timers.next(), list.iter().map(|known| known.0).min());
            assert_eq!(timers.len(), list.len());
            assert!(timers.heap.len() <= 2 * timers.len() + FORGOTTEN);
        }
    }
}
