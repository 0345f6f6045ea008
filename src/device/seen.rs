//! What was taken before, so that a repetition is known as one.

use std::collections::VecDeque;

use core::hash::BuildHasher;

use foldhash::quality::FixedState;

/// The last things taken, each with a value that belongs to it; the oldest is forgotten first.
///
/// Names are kept as 64-bit hashes: a fleet of thousands of devices keeps many of them, and a wrong match of two in
/// [`SEEN_MAX`] is rarer than any other fault.
#[derive(Clone, Debug)]
pub struct Seen<V> {
    names: VecDeque<(u64, V)>,
}

impl<V> Default for Seen<V> {
    fn default() -> Self {
        Self {
            names: VecDeque::new(),
        }
    }
}

impl<V: Copy> Seen<V> {
    /// Notes a name.
    pub fn note(&mut self, name: &str, value: V) {
        let name = hash(name);
        self.names.retain(|(old, _)| *old != name);
        if self.names.len() >= SEEN_MAX {
            self.names.pop_front();
        }
        self.names.push_back((name, value));
    }

    /// The value of a name that was noted.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<V> {
        let name = hash(name);
        self.names
            .iter()
            .find(|(old, _)| *old == name)
            .map(|(_, value)| *value)
    }

    /// Forgets a name.
    pub fn forget(&mut self, name: &str) {
        let name = hash(name);
        self.names.retain(|(old, _)| *old != name);
    }
}

/// Names that are kept.
pub const SEEN_MAX: usize = 64;

fn hash(name: &str) -> u64 {
    FixedState::default().hash_one(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noted_name_is_known_until_it_is_forgotten() {
        let mut seen = Seen::default();
        seen.note("p1", 200_u16);
        assert_eq!(seen.get("p1"), Some(200));
        seen.forget("p1");
        assert_eq!(seen.get("p1"), None);
    }

    #[test]
    fn the_oldest_name_gives_way_at_the_bound() {
        let mut seen = Seen::default();
        for n in 0..=SEEN_MAX {
            seen.note(&n.to_string(), ());
        }
        assert_eq!(seen.get("0"), None);
        assert_eq!(seen.get("1"), Some(()));
        assert_eq!(seen.names.len(), SEEN_MAX);
    }
}
