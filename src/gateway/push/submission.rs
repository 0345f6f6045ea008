//! The life of a push: what its initiator asked, who is to get it, what became of it for each address.
//!
//! **Source:** WAP-247 sections 8 and 10, WAP-249 section 5.1 (states). Not here: PAP documents, HTTP, SIP.
//!
//! ```text
//!                 deliver-after               every address ended
//! accepted ──▶ waiting ──────────▶ running ─────────────────────────▶ ended
//!                 └──────────────────┴── cancel, deliver-before ────────┘
//! ```

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::delivery::{Delivery, Ending};
use super::plan::{Devices, Exclusion, Fork, PlanWish};
use crate::codec::pap::{DeliveryMethod, MessageState, Priority, Quality, Status, Version};
use crate::codec::sir::{App, Ask, Placement};
use crate::event::{Bearer, Mode, Outcome};
use crate::gateway::forwarding::Onward;
use crate::gateway::registry::IdentityNo;
use crate::time::Time;

/// A push, for its time in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PushNo(pub u64);

/// One submission and what became of it.
#[derive(Clone, Debug)]
pub struct Push {
    /// The push-id the initiator chose; unique for that initiator.
    pub push_id: String,
    /// Who submitted it: an authenticated name, or the host it came from.
    pub initiator: String,
    /// The version of PAP it was submitted in; results use the same.
    pub version: Version,
    /// The correlator of its SIRs.
    pub sir: String,
    /// When it was accepted.
    pub accepted_at: Time,
    /// Nothing is sent before.
    pub not_before: Option<Time>,
    /// Nothing is sent after.
    pub expires_at: Time,
    /// Where results go.
    pub notify_to: Option<String>,
    /// The quality asked for.
    pub quality: Option<Quality>,
    /// What is pushed; its octets are dropped when the push ends.
    pub content: Content,
    /// How.
    pub options: Options,
    /// To whom, as the initiator wrote it.
    pub addresses: Vec<Address>,
    /// The same by identity.
    pub groups: Vec<Group>,
    /// The submission as it came, where another gateway queries, adds and sends; then there are no groups.
    pub onward: Option<Box<Onward>>,
    /// Where it stands.
    pub phase: Phase,
}

/// Where a push stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Its time has not come.
    Waiting,
    /// It is being delivered.
    Running,
    /// Every address has its result.
    Ended(Time),
}

/// What is pushed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// The application addressed.
    pub application: String,
    /// The whole content type.
    pub content_type: String,
    /// The other push headers, as they were.
    pub headers: Vec<(String, String)>,
    /// The octets.
    pub body: Bytes,
    /// How many octets it has, or had.
    pub octets: usize,
}

/// How a push travels: the configuration's values, changed by the submission's own.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The plan.
    pub plan: PlanWish,
    /// Where identifiers stand in the SIR.
    pub place: Placement,
    /// Who multiplies.
    pub fork: Fork,
    /// What devices are asked for.
    pub ask: Ask,
    /// Applications to activate.
    pub apps: Vec<App>,
    /// Another gateway to connect to.
    pub ppg: Option<String>,
    /// The devices judge for themselves.
    pub devices_judge: bool,
}

/// One address of a submission.
#[derive(Clone, Debug, PartialEq)]
pub struct Address {
    /// As the initiator wrote it.
    pub text: String,
    /// The identity's place in [`Push::groups`].
    pub group: usize,
    /// The devices it stands for.
    pub devices: Devices,
    /// Its result, once it has one.
    pub end: Option<AddressEnd>,
}

/// The result for one address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressEnd {
    /// PAP's message-state.
    pub state: MessageState,
    /// PAP's status code.
    pub code: u16,
    /// The reason in words.
    pub desc: String,
    /// When.
    pub at: Time,
}

/// What a push means for one identity.
#[derive(Clone, Debug)]
pub struct Group {
    /// The identity.
    pub pui: String,
    /// Its number.
    pub identity: IdentityNo,
    /// The devices addressed.
    pub addressed: Devices,
    /// The initiator chose among the devices.
    pub is_chosen: bool,
    /// How the last SIR travelled.
    pub mode: Option<Mode>,
    /// Devices that got a SIR only because all did.
    pub others: Devices,
    /// One for each device that may get the push, or was left out.
    pub deliveries: Vec<Delivery>,
}

impl Push {
    /// The name of its record: initiators choose their push-ids without knowing each other.
    #[must_use]
    pub fn key(&self) -> String {
        key(&self.initiator, &self.push_id)
    }

    /// True once every address has its result.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended(_))
    }

    /// How urgent it is.
    #[must_use]
    pub fn priority(&self) -> Priority {
        self.quality
            .as_ref()
            .map_or_else(Priority::default, |it| it.priority)
    }

    /// True when the device is to confirm the content: always, unless its initiator asked for the contrary.
    #[must_use]
    pub fn wants_report(&self) -> bool {
        let quality = self.quality.as_ref();
        quality.is_none_or(|it| it.delivery_method != DeliveryMethod::Unconfirmed)
    }

    /// The delivery to a device.
    #[must_use]
    pub fn delivery(&self, group: usize, at: usize) -> Option<&Delivery> {
        self.groups
            .get(group)?
            .deliveries
            .iter()
            .find(|delivery| delivery.at == at)
    }

    /// The delivery to a device, to change it.
    pub fn delivery_mut(&mut self, group: usize, at: usize) -> Option<&mut Delivery> {
        self.groups
            .get_mut(group)?
            .deliveries
            .iter_mut()
            .find(|delivery| delivery.at == at)
    }

    /// What carried the SIR for an address that has the push; nothing did where the device had a session.
    #[must_use]
    pub fn bearer_of(&self, address: &Address) -> Option<Bearer> {
        let of = self.groups.get(address.group)?;
        let mut mine = of.deliveries.iter().filter(|it| address.devices.has(it.at));
        let is_delivered = |end: &Ending| end.outcome == Outcome::Delivered;
        mine.find(|it| it.ending().is_some_and(is_delivered))?
            .bearer
    }

    /// Gives a result to each address whose deliveries are over; their places come back.
    pub fn settle(&mut self, now: Time) -> Vec<usize> {
        let mut settled = Vec::new();
        for (at, address) in self.addresses.iter_mut().enumerate() {
            if address.end.is_some() {
                continue;
            }
            let Some(group) = self.groups.get(address.group) else {
                continue;
            };
            if let Some(end) = group.result(address.devices, now) {
                address.end = Some(end);
                settled.push(at);
            }
        }
        if self.addresses.iter().all(|address| address.end.is_some()) && !self.is_ended() {
            self.phase = Phase::Ended(now);
        }
        settled
    }

    /// The addresses, of those named or of all, that the push can still be taken back for: nothing of it is left to be
    /// sent to their devices then. A device that an address which stays wants too keeps its own.
    #[must_use]
    pub fn cancellable(&self, named: &[String]) -> Vec<&Address> {
        let open = |address: &Address| match self.groups.get(address.group) {
            Some(group) => address.devices.without(group.ended()),
            None => Devices::NONE,
        };
        let is_named = |a: &&Address| named.is_empty() || named.contains(&a.text);
        let pending = self.addresses.iter().filter(|a| a.end.is_none());
        let (mut gone, mut kept): (Vec<&Address>, Vec<&Address>) = pending.partition(is_named);
        // What cannot go stays, and may keep another one from going.
        loop {
            let is_wanted = |a: &&Address| {
                kept.iter()
                    .any(|k| k.group == a.group && !open(k).and(open(a)).is_empty())
            };
            let (stay, go): (Vec<&Address>, Vec<&Address>) = gone.into_iter().partition(is_wanted);
            gone = go;
            if stay.is_empty() {
                return gone;
            }
            kept.extend(stay);
        }
    }

    /// The one word for the whole push: the best that became of any address.
    #[must_use]
    pub fn state(&self) -> MessageState {
        if !self.is_ended() {
            return MessageState::Pending;
        }
        let states = self.addresses.iter().filter_map(|a| a.end.as_ref());
        states
            .map(|end| end.state)
            .min_by_key(|state| rank(*state))
            .unwrap_or(MessageState::Unknown)
    }
}

/// The name of the record of a push.
#[must_use]
pub fn key(initiator: &str, push_id: &str) -> String {
    // Asked for several times a push, which formatting is too slow for.
    [initiator, " ", push_id].concat()
}

impl Group {
    /// True when a device that took the SIR and stays away has decided so itself: nobody was named to it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.is_chosen && matches!(self.mode, Some(Mode::Fanout | Mode::Legacy))
    }

    /// Devices whose delivery is over.
    #[must_use]
    pub fn ended(&self) -> Devices {
        self.deliveries
            .iter()
            .filter(|delivery| delivery.ending().is_some())
            .map(|delivery| delivery.at)
            .collect()
    }

    /// Devices that stayed away from a SIR for all while another one has the push: they did not want it.
    #[must_use]
    pub fn bystanders(&self) -> Devices {
        let is_delivered = |d: &Delivery| {
            d.ending()
                .is_some_and(|end| end.outcome == Outcome::Delivered)
        };
        let all_decided = self
            .deliveries
            .iter()
            .all(|delivery| delivery.ending().is_some() || delivery.is_silent());
        if !self.is_open() || !all_decided || !self.deliveries.iter().any(is_delivered) {
            return Devices::NONE;
        }
        self.deliveries
            .iter()
            .filter(|delivery| delivery.is_silent())
            .map(|delivery| delivery.at)
            .collect()
    }

    /// The result for an address that stands for these devices; `None` while one is under way.
    fn result(&self, devices: Devices, now: Time) -> Option<AddressEnd> {
        let mine = || {
            self.deliveries
                .iter()
                .filter(|delivery| devices.has(delivery.at))
        };
        let endings: Vec<&Ending> = mine().map(Delivery::ending).collect::<Option<_>>()?;
        let best = endings.iter().min_by_key(|end| rank(end.state))?;
        let delivered = endings
            .iter()
            .filter(|end| end.outcome == Outcome::Delivered)
            .count();
        let desc = match (delivered, endings.len()) {
            (0, _) => best.reason.clone(),
            (_, 1) => mine()
                .find_map(Delivery::way)
                .unwrap_or_else(|| "delivered".to_owned()),
            (some, all) => format!("delivered to {some} of {all} devices"),
        };
        Some(AddressEnd {
            state: best.state,
            code: best.code,
            desc,
            at: now,
        })
    }
}

/// Which state stands for several devices: lower is better.
const fn rank(state: MessageState) -> u8 {
    match state {
        MessageState::Delivered => 0,
        MessageState::Cancelled => 1,
        MessageState::Aborted => 2,
        MessageState::Timeout => 3,
        MessageState::Expired => 4,
        MessageState::Undeliverable => 5,
        MessageState::Rejected => 6,
        MessageState::Pending | MessageState::Unknown => 7,
    }
}

/// PAP's state and code for a device that the planner left out.
#[must_use]
pub const fn of_exclusion(why: Exclusion) -> (MessageState, Status) {
    match why {
        Exclusion::Capability => (MessageState::Undeliverable, Status::CapabilitiesMismatch),
        Exclusion::Presence | Exclusion::Bearer => {
            (MessageState::Undeliverable, Status::ServiceUnavailable)
        }
        Exclusion::Subscription | Exclusion::Preference | Exclusion::Policy => {
            (MessageState::Rejected, Status::Forbidden)
        }
    }
}
