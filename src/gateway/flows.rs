//! Who registered over which flow: often one device, several where a phone has two accounts or a proxy stands between.
//!
//! **Source:** RFC 5626 section 3.1 (a flow is between a device and an edge, whatever is registered over it).

use std::collections::{BTreeSet, HashMap};

use foldhash::quality::FixedState;

use super::registry::{DeviceKey, IdentityNo};
use crate::protocol::sip::endpoint::Flow;
use crate::protocol::sip::registrar::NO_FLOW;

/// The devices on each flow.
#[derive(Debug, Default)]
pub(super) struct Flows(HashMap<Flow, Registrants, FixedState>);

#[derive(Debug)]
struct Registrants {
    /// Who registered last.
    last: DeviceKey,
    others: BTreeSet<DeviceKey>,
}

impl Flows {
    /// A device registered over a flow.
    pub(super) fn enter(&mut self, flow: Flow, key: DeviceKey) {
        if flow == NO_FLOW {
            return;
        }
        let here = self.0.entry(flow).or_insert_with(|| Registrants {
            last: key,
            others: BTreeSet::new(),
        });
        if here.last != key {
            here.others.insert(here.last);
            here.others.remove(&key);
            here.last = key;
        }
    }

    /// A device is on a flow no more.
    pub(super) fn leave(&mut self, flow: Flow, key: DeviceKey) {
        let Some(here) = self.0.get_mut(&flow) else {
            return;
        };
        if here.last != key {
            here.others.remove(&key);
        } else if let Some(other) = here.others.pop_last() {
            here.last = other;
        } else {
            self.0.remove(&flow);
        }
    }

    /// True when somebody registered over it.
    pub(super) fn is_known(&self, flow: Flow) -> bool {
        self.0.contains_key(&flow)
    }

    /// Who registered over it last.
    pub(super) fn last(&self, flow: Flow) -> Option<DeviceKey> {
        self.0.get(&flow).map(|here| here.last)
    }

    /// The device of that identity that registered over it, the last one if it can be.
    pub(super) fn of(&self, flow: Flow, identity: IdentityNo) -> Option<DeviceKey> {
        let here = self.0.get(&flow)?;
        if here.last.identity == identity {
            return Some(here.last);
        }
        let first = DeviceKey { identity, at: 0 };
        let found = here.others.range(first..).next();
        found.copied().filter(|key| key.identity == identity)
    }

    /// Everybody who registered over it.
    pub(super) fn all(&self, flow: Flow) -> Vec<DeviceKey> {
        let here = self.0.get(&flow).into_iter();
        here.flat_map(|here| here.others.iter().copied().chain([here.last]))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::LinkId;

    const FLOW: Flow = Flow::Link(LinkId(7));

    fn key(at: usize) -> DeviceKey {
        let identity = IdentityNo::FIRST;
        DeviceKey { identity, at }
    }

    #[test]
    fn a_flow_has_all_that_registered_over_it_until_each_leaves() {
        let mut flows = Flows::default();
        for at in [0, 1, 2, 1] {
            flows.enter(FLOW, key(at));
        }
        assert_eq!(flows.last(FLOW), Some(key(1)));
        assert_eq!(flows.all(FLOW), [key(0), key(2), key(1)]);
        flows.leave(FLOW, key(1));
        assert_eq!(flows.last(FLOW), Some(key(2)));
        flows.leave(FLOW, key(0));
        flows.leave(FLOW, key(0));
        assert!(flows.is_known(FLOW));
        flows.leave(FLOW, key(2));
        assert!(!flows.is_known(FLOW) && flows.0.is_empty());
    }

    #[test]
    fn what_has_no_flow_is_on_none() {
        let mut flows = Flows::default();
        flows.enter(NO_FLOW, key(0));
        assert!(!flows.is_known(NO_FLOW));
    }
}
