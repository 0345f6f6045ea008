//! What waits: messages that come later, in their order where they are of one link.

use std::collections::{BTreeMap, HashMap, VecDeque};

use foldhash::quality::FixedState;

use super::rules::Rules;
use super::sight::Direction;
use crate::limits::{FAULT_OCTETS_HELD, LINK_OCTETS_UNSENT};
use crate::time::Time;
use crate::world::{FetchId, Input, LinkId, Output, RequestId};

/// Something on its way to the node or from it.
#[derive(Clone, Debug)]
pub(super) enum Parcel {
    In(Input),
    Out(Output),
    /// The answer to a fetch should have come by now.
    Overdue(FetchId),
    /// A request should have been answered by now.
    Unanswered(RequestId),
    /// A link ends here.
    Cut(LinkId),
}

/// What is frozen and of no link, by what it is half of; what is half of nothing by when it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Frozen {
    Fetch(FetchId),
    Request(RequestId),
    Other(u64),
}

/// When something comes, and its number.
type Place = (Time, u64);

/// One way of one link: what is on it keeps its order.
pub(super) type LaneId = (LinkId, Direction);

/// All that waits.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    due: BTreeMap<Place, Item>,
    next: u64,
    lanes: BTreeMap<LaneId, Lane>,
    /// What waits for the end of a rule and is of no link.
    frozen: BTreeMap<Frozen, (String, Parcel)>,
    /// What waits to be overtaken, by flow: its places, and how often still.
    late: HashMap<String, BTreeMap<Place, u64>, FixedState>,
    octets: usize,
}

#[derive(Debug)]
struct Item {
    parcel: Parcel,
    lane: Option<LaneId>,
    /// The flow that is to overtake it.
    flow: Option<String>,
    octets: usize,
}

#[derive(Debug, Default)]
struct Lane {
    /// When the last thing on it comes.
    last: Option<Time>,
    waiting: usize,
    octets: usize,
    /// The rule that holds it, and what waits for its end.
    frozen: Option<(String, VecDeque<Parcel>)>,
}

/// What a thing that waits takes besides its octets.
const ROOM: usize = 256;

/// The octets that a thing takes while it waits.
fn octets_of(parcel: &Parcel) -> usize {
    let rows = |headers: &[(String, String)]| -> usize {
        let rows = headers.iter();
        rows.map(|(name, value)| name.len().saturating_add(value.len()).saturating_add(48))
            .sum()
    };
    let octets = match parcel {
        Parcel::In(Input::Datagram { octets, .. } | Input::Octets { octets, .. })
        | Parcel::Out(Output::Datagram { octets, .. } | Output::Octets { octets, .. }) => {
            octets.len()
        }
        Parcel::In(Input::Request { request, .. }) | Parcel::Out(Output::Fetch { request, .. }) => {
            let head = request.target.len().saturating_add(rows(&request.headers));
            request.body.len().saturating_add(head)
        }
        Parcel::In(Input::Response {
            response: Err(_), ..
        }) => return 0,
        Parcel::In(Input::Response { response, .. }) => response
            .as_ref()
            .map_or(0, |it| it.body.len().saturating_add(rows(&it.headers))),
        Parcel::Out(Output::Respond { response, .. }) => {
            response.body.len().saturating_add(rows(&response.headers))
        }
        // Ends and timers always find room: somebody waits for them.
        _ => return 0,
    };
    octets.saturating_add(ROOM)
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.due.is_empty() && self.lanes.is_empty() && self.frozen.is_empty()
    }

    /// The octets of all that waits.
    #[cfg(test)]
    pub(super) const fn octets(&self) -> usize {
        self.octets
    }

    /// How many flows have something that is to be overtaken.
    #[cfg(test)]
    pub(super) fn late(&self) -> usize {
        self.late.len()
    }

    pub(super) fn next(&self) -> Option<Time> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// True when something is on the lane, so that what comes now comes after it.
    pub(super) fn is_busy(&self, lane: LaneId) -> bool {
        self.lanes.contains_key(&lane)
    }

    /// When the last thing on the lane comes.
    pub(super) fn last(&self, lane: LaneId) -> Option<Time> {
        self.lanes.get(&lane)?.last
    }

    /// True when a rule holds the lane.
    pub(super) fn is_frozen(&self, lane: LaneId) -> bool {
        self.lanes
            .get(&lane)
            .is_some_and(|own| own.frozen.is_some())
    }

    /// Puts something where it waits until `at`, or longer behind what is on its lane; false when there is no room.
    pub(super) fn put(&mut self, at: Time, lane: Option<LaneId>, parcel: Parcel) -> bool {
        let octets = octets_of(&parcel);
        if self.octets.saturating_add(octets) > FAULT_OCTETS_HELD {
            return false;
        }
        let mut at = at;
        if let Some(id) = lane {
            let own = self.lanes.entry(id).or_default();
            if own.octets.saturating_add(octets) > LINK_OCTETS_UNSENT {
                return false;
            }
            own.octets = own.octets.saturating_add(octets);
            if let Some((_, queue)) = &mut own.frozen {
                self.octets = self.octets.saturating_add(octets);
                queue.push_back(parcel);
                return true;
            }
            at = own.last.map_or(at, |last| last.max(at));
            own.last = Some(at);
            own.waiting = own.waiting.saturating_add(1);
        }
        self.octets = self.octets.saturating_add(octets);
        self.next = self.next.saturating_add(1);
        let item = Item {
            parcel,
            lane,
            flow: None,
            octets,
        };
        self.due.insert((at, self.next), item);
        true
    }

    /// Puts a datagram where so many others of its flow overtake it, or until `at`.
    pub(super) fn put_late(&mut self, at: Time, flow: String, window: u64, parcel: Parcel) -> bool {
        if !self.put(at, None, parcel) {
            return false;
        }
        let place = (at, self.next);
        if let Some(item) = self.due.get_mut(&place) {
            item.flow = Some(flow.clone());
        }
        self.late.entry(flow).or_default().insert(place, window);
        true
    }

    /// One of the flow passes: what it is the last to overtake comes right behind it.
    pub(super) fn passed(&mut self, flow: &str) -> Vec<Parcel> {
        let Some(own) = self.late.get_mut(flow) else {
            return Vec::new();
        };
        let mut free = Vec::new();
        for (place, left) in own {
            *left = left.saturating_sub(1);
            if *left == 0 {
                free.push(*place);
            }
        }
        free.into_iter()
            .filter_map(|place| self.take(place))
            .collect()
    }

    /// Keeps something until the rule ends; false when there is no room.
    pub(super) fn freeze(&mut self, rule: &str, lane: Option<LaneId>, parcel: Parcel) -> bool {
        let octets = octets_of(&parcel);
        if self.octets.saturating_add(octets) > FAULT_OCTETS_HELD {
            return false;
        }
        match lane {
            Some(id) => {
                let own = self.lanes.entry(id).or_default();
                if own.octets.saturating_add(octets) > LINK_OCTETS_UNSENT {
                    return false;
                }
                own.octets = own.octets.saturating_add(octets);
                let frozen = own
                    .frozen
                    .get_or_insert_with(|| (rule.to_owned(), VecDeque::new()));
                frozen.1.push_back(parcel);
            }
            None => {
                self.next = self.next.saturating_add(1);
                let place = match &parcel {
                    Parcel::Out(Output::Fetch { id, .. })
                    | Parcel::In(Input::Response { id, .. }) => Frozen::Fetch(*id),
                    Parcel::In(Input::Request { id, .. })
                    | Parcel::Out(Output::Respond { id, .. }) => Frozen::Request(*id),
                    _ => Frozen::Other(self.next),
                };
                self.frozen.insert(place, (rule.to_owned(), parcel));
            }
        }
        self.octets = self.octets.saturating_add(octets);
        true
    }

    /// Forgets half of a fetch: nobody waits for it any more.
    pub(super) fn forget_fetch(&mut self, id: FetchId) {
        self.unfreeze(Frozen::Fetch(id));
    }

    /// Forgets half of a request: nobody waits for it any more.
    pub(super) fn forget_request(&mut self, id: RequestId) {
        self.unfreeze(Frozen::Request(id));
    }

    fn unfreeze(&mut self, place: Frozen) {
        if let Some((_, parcel)) = self.frozen.remove(&place) {
            self.octets = self.octets.saturating_sub(octets_of(&parcel));
        }
    }

    /// Lets go what waited for rules that have ended; what is of no link comes back.
    pub(super) fn thaw(&mut self, now: Time, rules: &Rules) -> Vec<Parcel> {
        let is_over = |rule: &str| !rules.is_live(rule);
        let ended: Vec<LaneId> = self
            .lanes
            .iter()
            .filter(|(_, lane)| lane.frozen.as_ref().is_some_and(|(rule, _)| is_over(rule)))
            .map(|(id, _)| *id)
            .collect();
        for id in ended {
            let Some(lane) = self.lanes.get_mut(&id) else {
                continue;
            };
            let queue = lane
                .frozen
                .take()
                .map(|(_, queue)| queue)
                .unwrap_or_default();
            for parcel in queue {
                let octets = octets_of(&parcel);
                self.octets = self.octets.saturating_sub(octets);
                if let Some(lane) = self.lanes.get_mut(&id) {
                    lane.octets = lane.octets.saturating_sub(octets);
                }
                self.put(now, Some(id), parcel);
            }
            if self.lanes.get(&id).is_some_and(|lane| lane.waiting == 0) {
                self.lanes.remove(&id);
            }
        }
        let free = self.frozen.extract_if(.., |_, (rule, _)| is_over(rule));
        let free: Vec<Parcel> = free.map(|(_, (_, parcel))| parcel).collect();
        for parcel in &free {
            self.octets = self.octets.saturating_sub(octets_of(parcel));
        }
        free
    }

    /// Takes the earliest thing that is due at `now`.
    pub(super) fn take_due(&mut self, now: Time) -> Option<Parcel> {
        let place = *self.due.first_key_value()?.0;
        if place.0 > now {
            return None;
        }
        self.take(place)
    }

    fn take(&mut self, place: (Time, u64)) -> Option<Parcel> {
        let item = self.due.remove(&place)?;
        self.octets = self.octets.saturating_sub(item.octets);
        if let Some(flow) = &item.flow
            && let Some(own) = self.late.get_mut(flow)
        {
            own.remove(&place);
            if own.is_empty() {
                self.late.remove(flow);
            }
        }
        if let Some(id) = item.lane
            && let Some(lane) = self.lanes.get_mut(&id)
        {
            lane.waiting = lane.waiting.saturating_sub(1);
            lane.octets = lane.octets.saturating_sub(item.octets);
            if lane.waiting == 0 && lane.frozen.is_none() {
                self.lanes.remove(&id);
            }
        }
        Some(item.parcel)
    }

    /// Forgets what is on one way of a link.
    pub(super) fn clear(&mut self, id: LaneId) {
        let places: Vec<(Time, u64)> = self
            .due
            .iter()
            .filter(|(_, item)| item.lane == Some(id))
            .map(|(place, _)| *place)
            .collect();
        for place in places {
            self.take(place);
        }
        if let Some((_, queue)) = self.lanes.remove(&id).and_then(|lane| lane.frozen) {
            let octets: usize = queue.iter().map(octets_of).sum();
            self.octets = self.octets.saturating_sub(octets);
        }
    }
}
