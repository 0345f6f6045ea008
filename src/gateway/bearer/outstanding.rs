//! Short messages that may still reach a device, by the delivery they are for, so that they can be taken back.

use std::collections::{BTreeMap, HashMap};

use foldhash::quality::FixedState;

use crate::event::Bearer;
use crate::gateway::push::submission::PushNo;

/// A delivery: the push, the identity's place in it, the device's place.
pub type Place = (PushNo, usize, usize);

/// Submissions of which nothing final is known.
#[derive(Debug, Default)]
pub struct Outstanding {
    by_place: BTreeMap<Place, Vec<(Bearer, u64)>>,
    places: HashMap<u64, Place, FixedState>,
}

impl Outstanding {
    /// Notes a submission; gives an older one for the same delivery by the same bearer, which it replaces.
    pub fn note(&mut self, place: Place, bearer: Bearer, id: u64) -> Option<u64> {
        let list = self.by_place.entry(place).or_default();
        self.places.insert(id, place);
        let older = list.iter_mut().find(|(own, _)| *own == bearer);
        match older {
            Some((_, older)) => {
                let replaced = core::mem::replace(older, id);
                self.places.remove(&replaced);
                Some(replaced)
            }
            None => {
                list.push((bearer, id));
                None
            }
        }
    }

    /// The delivery that a submission is for.
    #[must_use]
    pub fn place_of(&self, id: u64) -> Option<Place> {
        self.places.get(&id).copied()
    }

    /// Nothing more comes of a submission.
    pub fn over(&mut self, id: u64) {
        let Some(place) = self.places.remove(&id) else {
            return;
        };
        if let Some(list) = self.by_place.get_mut(&place) {
            list.retain(|(_, own)| *own != id);
            if list.is_empty() {
                self.by_place.remove(&place);
            }
        }
    }

    /// Takes out what is outstanding for a delivery.
    pub fn take(&mut self, place: Place) -> Vec<(Bearer, u64)> {
        let list = self.by_place.remove(&place).unwrap_or_default();
        for (_, id) in &list {
            self.places.remove(id);
        }
        list
    }

    /// The deliveries of a push of which something is outstanding.
    #[must_use]
    pub fn of_push(&self, no: PushNo) -> Vec<Place> {
        let all = (no, 0, 0)..=(no, usize::MAX, usize::MAX);
        self.by_place.range(all).map(|(place, _)| *place).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_submission_by_each_bearer_is_outstanding_for_a_delivery() {
        let (mut it, place) = (Outstanding::default(), (PushNo(1), 0, 2));
        assert_eq!(it.note(place, Bearer::Sms, 1), None);
        assert_eq!(it.note(place, Bearer::Cs, 2), None);
        assert_eq!(it.note(place, Bearer::Sms, 3), Some(1));
        assert_eq!(it.place_of(1), None);
        it.over(2);
        assert_eq!(it.of_push(PushNo(1)), [place]);
        assert_eq!(it.of_push(PushNo(2)), []);
        assert_eq!(it.take(place), [(Bearer::Sms, 3)]);
        assert!(it.by_place.is_empty() && it.places.is_empty());
    }
}
