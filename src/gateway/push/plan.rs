//! Who gets what: devices, wishes and time in, a plan out; a pure function without memory.
//!
//! **Source:** requirements R2.1-R2.15, R2.63-R2.68, R2.71; design/services.md section 3. The identity-judging unit
//! (R2.121) is [`judge`]. Not here: which identifier names a device and how a SIR is written (`gateway::sir`).

use core::fmt;

use crate::event::Mode;
use crate::gateway::profile::{Deliver, Presence, Profile};
use crate::limits;
use crate::time::Time;

/// How the initiator, or the configuration, wants a SIR to travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum PlanWish {
    /// The planner chooses.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// One SIR to each wanted device.
    #[serde(rename = "targeted")]
    Targeted,
    /// One for all, naming nobody.
    #[serde(rename = "fanout")]
    Fanout,
    /// One for all, naming the wanted ones.
    #[serde(rename = "fanout+id")]
    FanoutId,
    /// All are woken and all get the content, as before device identifiers were known.
    #[serde(rename = "legacy")]
    Legacy,
}

impl PlanWish {
    /// The wish of a word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "auto" => Self::Auto,
            "targeted" => Self::Targeted,
            "fanout" => Self::Fanout,
            "fanout+id" => Self::FanoutId,
            "legacy" => Self::Legacy,
            _ => return None,
        })
    }
}

/// Who multiplies a SIR that is for all devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fork {
    /// The SIP core: one request to the identity.
    Core,
    /// The gateway: one request to each binding.
    #[default]
    Ppg,
}

impl Fork {
    /// The choice of a word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "core" => Some(Self::Core),
            "ppg" => Some(Self::Ppg),
            _ => None,
        }
    }
}

/// What is wanted for one identity.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// How the SIR shall travel.
    pub mode: PlanWish,
    /// Who multiplies it.
    pub fork: Fork,
    /// True when the devices judge for themselves, so nobody is named even where the gateway could.
    pub devices_judge: bool,
    /// The application addressed.
    pub application: &'a str,
    /// The media type of the content, without parameters.
    pub content_type: &'a str,
    /// The media type it may be sent in instead.
    pub other_type: Option<&'a str>,
    /// Octets of the content.
    pub octets: u64,
    /// Kinds of device that policy allows for the application; `None` means all.
    pub kinds: Option<&'a [String]>,
}

/// What the planner sees of one device.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// What is known of it.
    pub profile: &'a Profile,
    /// What it is: `mobile`, `pc` ...
    pub kind: &'a str,
    /// The initiator addressed it, alone or with all of the identity.
    pub addressed: bool,
    /// A request can be sent to it now.
    pub bound: bool,
    /// A request can be sent to it without reaching any other device.
    pub routable: bool,
    /// It has a session with this gateway.
    pub connected: bool,
    /// One of its bearers may be used for the push.
    pub served: bool,
}

/// Why a device that was addressed is left out.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Exclusion {
    /// Not subscribed to the application (R2.4).
    Subscription,
    /// Its user does not want it (R2.5).
    Preference,
    /// It could not use it.
    Capability,
    /// The operator's rules (R2.10).
    Policy,
    /// It is not there, says the presence source (R2.8).
    Presence,
    /// No bearer of this gateway reaches it (R2.7).
    Bearer,
}

impl Exclusion {
    /// The word in plans and answers.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            Self::Subscription => "subscription",
            Self::Preference => "preference",
            Self::Capability => "capability",
            Self::Policy => "policy",
            Self::Presence => "presence",
            Self::Bearer => "bearer",
        }
    }
}

/// Devices of one identity by their place in its list: the first [`Devices::MOST`] can be named.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Devices(u64);

impl Devices {
    /// How many devices one identity may have.
    pub const MOST: usize = limits::DEVICES_PER_IDENTITY;
    /// None.
    pub const NONE: Self = Self(0);
    /// Every place.
    pub const ALL: Self = Self(u64::MAX);

    /// One device alone.
    #[must_use]
    pub fn one(at: usize) -> Self {
        Self(bit(at))
    }

    /// Adds one; a place past [`Self::MOST`] is not added.
    pub fn add(&mut self, at: usize) {
        self.0 |= bit(at);
    }

    /// Takes one out.
    pub fn remove(&mut self, at: usize) {
        self.0 &= !bit(at);
    }

    /// True when it is in.
    #[must_use]
    pub fn has(self, at: usize) -> bool {
        self.0 & bit(at) != 0
    }

    /// True when nobody is in.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many are in.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// Those of this set that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Those in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Their places, lowest first.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        let mut left = self.0;
        core::iter::from_fn(move || {
            let at = usize::try_from(left.trailing_zeros()).unwrap_or(usize::MAX);
            let found = (left != 0).then_some(at);
            left &= left.wrapping_sub(1);
            found
        })
    }
}

fn bit(at: usize) -> u64 {
    u32::try_from(at)
        .ok()
        .and_then(|shift| 1_u64.checked_shl(shift))
        .unwrap_or(0)
}

impl FromIterator<usize> for Devices {
    fn from_iter<I: IntoIterator<Item = usize>>(places: I) -> Self {
        let mut set = Self::NONE;
        places.into_iter().for_each(|at| set.add(at));
        set
    }
}

impl fmt::Debug for Devices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// What to do for one identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Do this.
    Deliver(Deliveries),
    /// Nobody is left to deliver to; the reasons are in the set of exclusions.
    Refuse(Excluded),
}

/// Who gets what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deliveries {
    /// These have a session and get the content at once.
    pub direct: Devices,
    /// The SIR that wakes the rest; `None` when nobody is to be woken.
    pub sir: Option<Waking>,
    /// Wanted, but no way leads to them now: they get it when they register.
    pub held: Devices,
    /// Whoever of these opens a session gets the content.
    pub allowed: Devices,
    /// Left out.
    pub excluded: Excluded,
}

/// How a SIR goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waking {
    /// How it travels.
    pub mode: Mode,
    /// Devices that receive it.
    pub to: Devices,
    /// Devices whose identifiers are in it; for [`Mode::Targeted`] each SIR holds only its own.
    pub named: Devices,
}

/// Devices left out, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Excluded([Devices; 6]);

impl Excluded {
    const REASONS: [Exclusion; 6] = [
        Exclusion::Subscription,
        Exclusion::Preference,
        Exclusion::Capability,
        Exclusion::Policy,
        Exclusion::Presence,
        Exclusion::Bearer,
    ];

    fn add(&mut self, why: Exclusion, at: usize) {
        for (reason, set) in Self::REASONS.iter().zip(&mut self.0) {
            if *reason == why {
                set.add(at);
            }
        }
    }

    /// Everyone left out.
    #[must_use]
    pub fn all(&self) -> Devices {
        self.0.iter().fold(Devices::NONE, |sum, set| sum.or(*set))
    }

    /// Each device left out, with the reason, in the order of the devices.
    pub fn iter(&self) -> impl Iterator<Item = (usize, Exclusion)> {
        self.all()
            .iter()
            .filter_map(|at| self.why(at).map(|why| (at, why)))
    }

    /// Why a device is left out.
    #[must_use]
    pub fn why(&self, at: usize) -> Option<Exclusion> {
        Self::REASONS
            .iter()
            .zip(&self.0)
            .find_map(|(reason, set)| set.has(at).then_some(*reason))
    }
}

/// Decides for one identity; `devices` stand in the order of the registry.
///
/// Exclusions hold in every mode but [`PlanWish::Legacy`], which is there to show what happens without them.
#[must_use]
pub fn plan(wish: &Wish<'_>, devices: &[Candidate<'_>], now: Time) -> Plan {
    let legacy = wish.mode == PlanWish::Legacy;
    let bound = select(devices, |device| device.bound);
    let addressed = select(devices, |device| device.addressed);
    let excluded = if legacy {
        Excluded::default()
    } else {
        exclude(wish, devices, addressed, now)
    };
    let wanted = match wish.mode {
        PlanWish::Legacy => bound.or(addressed),
        _ if wish.devices_judge => bound.or(addressed).without(excluded.all()),
        _ => addressed.without(excluded.all()),
    };
    if wanted.is_empty() {
        return Plan::Refuse(excluded);
    }
    let direct = wanted.and(select(devices, |device| device.connected));
    let dormant = wanted.without(direct);
    Plan::Deliver(Deliveries {
        direct,
        sir: wake(wish, devices, bound, wanted, direct),
        held: dormant.without(bound),
        allowed: wanted,
        excluded,
    })
}

/// Does the identity bind devices other than the wanted ones (R2.12)? Only then must a SIR name anybody.
#[must_use]
pub fn judge(bound: Devices, wanted: Devices) -> bool {
    !bound.without(wanted).is_empty()
}

/// The SIR for those wanted devices that are bound and have no session.
fn wake(
    wish: &Wish<'_>,
    devices: &[Candidate<'_>],
    bound: Devices,
    wanted: Devices,
    direct: Devices,
) -> Option<Waking> {
    let dormant = wanted.without(direct).and(bound);
    if dormant.is_empty() {
        return None;
    }
    let others = judge(bound, wanted);
    let mode = match wish.mode {
        PlanWish::Targeted => Mode::Targeted,
        PlanWish::Fanout => Mode::Fanout,
        PlanWish::FanoutId => Mode::FanoutId,
        PlanWish::Legacy => Mode::Legacy,
        PlanWish::Auto if wish.devices_judge => Mode::Fanout,
        // A single device needs no identifier: there is nobody to take it for (R2.14).
        PlanWish::Auto if bound.count() == 1 => Mode::Targeted,
        PlanWish::Auto if !others => Mode::Fanout,
        PlanWish::Auto if dormant.without(select(devices, |d| d.routable)).is_empty() => {
            Mode::Targeted
        }
        PlanWish::Auto => Mode::FanoutId,
    };
    let (to, named) = match mode {
        Mode::Targeted if bound.count() == 1 && wish.mode == PlanWish::Auto => {
            (dormant, Devices::NONE)
        }
        Mode::Targeted => (dormant, dormant),
        // Left to itself the gateway does not wake those that have a session; the core cannot tell them apart.
        Mode::Fanout if wish.mode == PlanWish::Auto && wish.fork == Fork::Ppg => {
            (bound.without(direct), Devices::NONE)
        }
        Mode::Fanout | Mode::Legacy => (bound, Devices::NONE),
        Mode::FanoutId => (bound, dormant),
    };
    Some(Waking { mode, to, named })
}

fn select<'a>(devices: &[Candidate<'a>], is: impl Fn(&Candidate<'a>) -> bool) -> Devices {
    devices
        .iter()
        .enumerate()
        .filter(|(_, device)| is(device))
        .map(|(at, _)| at)
        .collect()
}

fn exclude(wish: &Wish<'_>, devices: &[Candidate<'_>], addressed: Devices, now: Time) -> Excluded {
    let mut excluded = Excluded::default();
    for (at, device) in devices.iter().enumerate() {
        if (addressed.has(at) || wish.devices_judge)
            && let Some(why) = exclusion(wish, device, now)
        {
            excluded.add(why, at);
        }
    }
    excluded
}

/// The first rule that leaves the device out.
fn exclusion(wish: &Wish<'_>, device: &Candidate<'_>, now: Time) -> Option<Exclusion> {
    let profile = device.profile;
    let is_application = |id: &String| same(id, wish.application);
    if let Some(subscribed) = &profile.subscriptions
        && !subscribed.iter().any(is_application)
    {
        return Some(Exclusion::Subscription);
    }
    let preference = &profile.preference;
    if preference.deliver == Deliver::Never
        || preference.exclude.iter().any(is_application)
        || preference.mute_until.is_some_and(|until| now < until)
    {
        return Some(Exclusion::Preference);
    }
    let capability = &profile.capability;
    let accepts = |list: &Vec<String>| {
        list.iter().any(|range| {
            covers(range, wish.content_type) || wish.other_type.is_some_and(|it| covers(range, it))
        })
    };
    if capability
        .accept
        .as_ref()
        .is_some_and(|list| !accepts(list))
        || capability
            .applications
            .as_ref()
            .is_some_and(|list| !list.iter().any(is_application))
        || capability.octets_max.is_some_and(|most| wish.octets > most)
    {
        return Some(Exclusion::Capability);
    }
    if wish
        .kinds
        .is_some_and(|kinds| !kinds.iter().any(|kind| kind == device.kind))
    {
        return Some(Exclusion::Policy);
    }
    // A session shows better than any presence source that the device is there.
    if profile.presence_now() == Presence::Closed && !device.connected {
        return Some(Exclusion::Presence);
    }
    (!device.served && !device.connected).then_some(Exclusion::Bearer)
}

/// `*` stands for any application (X-Wap-Application-Id 00).
#[must_use]
pub fn same(listed: &str, application: &str) -> bool {
    listed == "*" || listed == "x-wap-application:*" || listed.eq_ignore_ascii_case(application)
}

/// True when the media range `*/*`, `text/*` or `text/plain` covers the type.
#[must_use]
pub fn covers(range: &str, media: &str) -> bool {
    let range = range.split(';').next().unwrap_or(range).trim();
    if range == "*" || range == "*/*" {
        return true;
    }
    match range.strip_suffix("/*") {
        Some(family) => media
            .split_once('/')
            .is_some_and(|(own, _)| own.eq_ignore_ascii_case(family)),
        None => range.eq_ignore_ascii_case(media),
    }
}

#[cfg(test)]
mod tests;
