//! Connect or not: identifiers, security, gateway, subscription, preference, capability, user. Every no has a reason.
//!
//! A function, not a machine: what is known in, the judgement out.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::{Decision, Reason};
use crate::time::Time;

use super::applications::Application;
use super::behaviour::{Behaviour, Conflict, Decide, Trust};
use super::matcher::Verdict;

/// What a device has and wants, as far as its decisions go.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Own {
    /// Applications it subscribed to; `None` means all.
    pub subscriptions: Option<Vec<String>>,
    /// What its user set.
    pub preference: Preference,
    /// What it can do, in the words of [`Application::needs`].
    pub features: Vec<String>,
    /// The applications installed.
    pub applications: Vec<Application>,
    /// It takes pushes for installed applications only.
    pub only_installed: bool,
}

/// What a user set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Preference {
    /// No pushes at all.
    pub never: bool,
    /// Applications whose pushes are not wanted.
    pub exclude: Vec<String>,
    /// The only applications whose pushes are wanted; `None` means all.
    pub wants: Option<Vec<String>>,
    /// No pushes in this part of the day.
    pub quiet: Option<Quiet>,
}

/// A part of the day, in minutes after midnight UTC; it may reach over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    /// First minute.
    pub from: u32,
    /// First minute after it.
    pub to: u32,
}

/// What is known when a SIR is judged.
#[derive(Clone, Debug)]
pub struct Situation<'a> {
    /// When.
    pub now: Time,
    /// What the identifiers in the SIR say.
    pub verdict: Verdict,
    /// True when the SIR is for another public user identity.
    pub foreign: bool,
    /// True when its time is over.
    pub expired: bool,
    /// True when a session with this gateway is up or being set up.
    pub connected: bool,
    /// Sessions there are.
    pub sessions: usize,
    /// How far the SIR is to be trusted.
    pub trust: Trust,
    /// What contradicts itself in the SIR, so that somebody must have changed it.
    pub tampered: Option<&'static str>,
    /// Host of the gateway to connect to.
    pub ppg: &'a str,
    /// The applications the SIR is about.
    pub topics: &'a [String],
}

/// What a device made of a SIR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// True when it opens a session.
    pub connect: bool,
    /// Why.
    pub reason: Reason,
    /// True when the placements contradict each other.
    pub conflict: bool,
    /// More, for a person.
    pub detail: Option<String>,
    /// After how long the answer may be another one.
    pub retry_after: Option<Duration>,
}

/// The outcome of the checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// It is decided.
    Decided(Judgement),
    /// The user is to be asked; a yes comes to this judgement, a no to [`Judgement::refused_by_user`].
    AskUser(Judgement),
}

impl Judgement {
    fn yes(reason: Reason) -> Self {
        Self {
            connect: true,
            reason,
            conflict: false,
            detail: None,
            retry_after: None,
        }
    }

    fn no(reason: Reason, detail: impl Into<Option<String>>) -> Self {
        Self {
            connect: false,
            reason,
            conflict: false,
            detail: detail.into(),
            retry_after: None,
        }
    }

    /// The user said no.
    #[must_use]
    pub fn refused_by_user(detail: Option<&str>) -> Self {
        Self::no(Reason::User, detail.map(str::to_owned))
    }

    /// The reason and detail in the words of the catalogue: a missing subscription is a preference there (R2.83).
    #[must_use]
    pub fn reported(&self) -> (Reason, Option<String>) {
        match self.reason {
            Reason::Subscription => (Reason::Pref, Some("subscription".to_owned())),
            reason => (reason, self.detail.clone()),
        }
    }

    /// The decision as it is reported; `told` says that the device declines in words, not by silence alone.
    #[must_use]
    pub const fn decision(&self, told: bool) -> Decision {
        match (self.connect, told) {
            (true, _) => Decision::Connect,
            (false, true) => Decision::Refuse,
            (false, false) => Decision::Skip,
        }
    }
}

/// Judges one SIR.
#[must_use]
pub fn decide(situation: &Situation<'_>, own: &Own, behaviour: &Behaviour) -> Ruling {
    if situation.expired {
        return Ruling::Decided(Judgement::no(Reason::Expired, None));
    }
    if !behaviour.judge {
        return Ruling::Decided(Judgement::yes(Reason::None));
    }
    let (reason, conflict) = match named(situation, behaviour) {
        Ok(yes) => yes,
        Err(no) => return Ruling::Decided(no),
    };
    let found = security(situation, behaviour)
        .or_else(|| subscription(situation, own, behaviour))
        .or_else(|| preference(situation, own, behaviour))
        .or_else(|| capability(situation, own, behaviour))
        .or_else(|| busy(situation, behaviour));
    let found = found.unwrap_or_else(|| Judgement::yes(reason));
    let judgement = Judgement { conflict, ..found };
    if judgement.connect && behaviour.decide == Decide::User {
        return Ruling::AskUser(judgement);
    }
    Ruling::Decided(judgement)
}

/// Whether the SIR is for this device, and whether there is anything to connect to still.
fn named(situation: &Situation<'_>, behaviour: &Behaviour) -> Result<(Reason, bool), Judgement> {
    if situation.connected {
        return Err(Judgement::no(Reason::Already, None));
    }
    if situation.foreign {
        return Err(Judgement::no(Reason::Mismatch, "identity".to_owned()));
    }
    match situation.verdict {
        Verdict::Unnamed => Ok((Reason::None, false)),
        Verdict::Match => Ok((Reason::Match, false)),
        Verdict::Mismatch => Err(Judgement::no(Reason::Mismatch, None)),
        Verdict::Conflict { named: true } if behaviour.conflict == Conflict::AnyMatch => {
            Ok((Reason::Match, true))
        }
        Verdict::Conflict { .. } => Err(Judgement {
            conflict: true,
            ..Judgement::no(
                Reason::Mismatch,
                "placements contradict each other".to_owned(),
            )
        }),
    }
}

fn security(situation: &Situation<'_>, behaviour: &Behaviour) -> Option<Judgement> {
    if let Some(ppgs) = &behaviour.ppgs
        && !ppgs
            .iter()
            .any(|host| host.eq_ignore_ascii_case(situation.ppg))
    {
        return Some(Judgement::no(Reason::Ppg, situation.ppg.to_owned()));
    }
    if !behaviour.checks.security {
        return None;
    }
    if let Some(what) = situation.tampered {
        return Some(Judgement::no(Reason::Security, format!("tampered: {what}")));
    }
    (situation.trust < behaviour.require)
        .then(|| Judgement::no(Reason::Security, "not trusted".to_owned()))
}

fn subscription(situation: &Situation<'_>, own: &Own, behaviour: &Behaviour) -> Option<Judgement> {
    let subscribed = own.subscriptions.as_ref()?;
    let lacking = situation
        .topics
        .iter()
        .find(|topic| !subscribed.contains(topic))?;
    behaviour
        .checks
        .subscription
        .then(|| Judgement::no(Reason::Subscription, lacking.clone()))
}

fn preference(situation: &Situation<'_>, own: &Own, behaviour: &Behaviour) -> Option<Judgement> {
    if !behaviour.checks.preference {
        return None;
    }
    let preference = &own.preference;
    if preference.never {
        return Some(Judgement::no(Reason::Pref, "never".to_owned()));
    }
    if let Some(left) = preference.quiet.and_then(|quiet| quiet.left(situation.now)) {
        return Some(Judgement {
            retry_after: Some(left),
            ..Judgement::no(Reason::Pref, "quiet period".to_owned())
        });
    }
    let unwanted = situation.topics.iter().find(|topic| {
        preference.exclude.contains(topic)
            || preference
                .wants
                .as_ref()
                .is_some_and(|wants| !wants.contains(topic))
    })?;
    Some(Judgement::no(Reason::Pref, unwanted.clone()))
}

fn capability(situation: &Situation<'_>, own: &Own, behaviour: &Behaviour) -> Option<Judgement> {
    if !behaviour.checks.capability {
        return None;
    }
    for topic in situation.topics {
        let application = own.applications.iter().find(|app| app.id == *topic);
        let lacking = match application {
            None => own.only_installed.then_some(topic),
            Some(app) => app.needs.iter().find(|need| !own.features.contains(need)),
        };
        if let Some(lacking) = lacking {
            return Some(Judgement::no(Reason::Capability, lacking.clone()));
        }
    }
    None
}

fn busy(situation: &Situation<'_>, behaviour: &Behaviour) -> Option<Judgement> {
    (situation.sessions >= behaviour.sessions_max).then(|| Judgement {
        retry_after: Some(BUSY),
        ..Judgement::no(Reason::Busy, None)
    })
}

/// What a busy device asks the gateway to wait.
const BUSY: Duration = Duration::from_secs(30);

impl Quiet {
    /// How much of the period is left; `None` outside it.
    fn left(self, now: Time) -> Option<Duration> {
        const DAY: u64 = 24 * 60 * 60;
        let second = now.secs() % DAY;
        let (from, to) = (u64::from(self.from) * 60, u64::from(self.to) * 60);
        let inside = if from <= to {
            (from..to).contains(&second)
        } else {
            second >= from || second < to
        };
        inside.then(|| Duration::from_secs((to % DAY + DAY - second) % DAY))
    }
}

#[cfg(test)]
mod tests;
