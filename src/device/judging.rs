//! From a SIR to a decision: what is known is gathered, the user is asked, the answer is given, the session is opened.
//!
//! **Source:** CN101764828A claims 8 to 10; the sirgate SIP profile, E.3 (trust) and E.4.

use core::time::Duration;

use crate::codec::sip::{Message, Name};
use crate::codec::sir::{Ask, Sir};
use crate::codec::uri::Uri;
use crate::event::{Fact, Reason};
use crate::protocol::sip::caller_preferences::{self, Features, Preferences};
use crate::time::Time;
use crate::world::{Output, Transport};

use super::bearer::Arrival;
use super::behaviour::{Activate, Trust, User};
use super::decision::{self, Judgement, Ruling, Situation};
use super::matcher::{self, Verdict};
use super::reply::{self, Answer};
use super::session::About;
use super::{Config, Device, Timer, host_of, registration};

/// A SIR as it came.
#[derive(Debug)]
pub(super) struct Heard {
    arrival: Arrival,
    sir: Sir,
    key: String,
    answered: bool,
    /// The sender has said who it is.
    proved: bool,
    at: Time,
}

/// A SIR that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    number: u64,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// To be judged.
    Judge(Box<Heard>),
    /// For the user's answer; a yes comes to the judgement.
    User(Box<Heard>, Judgement),
    /// To be followed.
    Connect(Box<About>),
}

/// SIRs that wait at a time; one more is judged at once.
const WAITING_MAX: usize = 64;
/// How long a user is waited for when the SIR does not say how long it holds.
const USER_PATIENCE: Duration = Duration::from_secs(600);

impl Heard {
    /// A SIR that came just now; `number` is one that no other has.
    pub(super) fn new(arrival: Arrival, sir: Sir, number: u64) -> Self {
        let call_id = arrival.message().and_then(|message| message.call_id().ok());
        let key = match (sir.id.as_deref(), call_id) {
            (Some(id), _) | (None, Some(id)) => id.to_owned(),
            (None, None) => format!("~{number}"),
        };
        Self {
            proved: matches!(arrival, Arrival::Http { is_proved, .. } if is_proved),
            arrival,
            sir,
            key,
            answered: false,
            at: Time::EPOCH,
        }
    }

    pub(super) const fn arrival(&self) -> &Arrival {
        &self.arrival
    }

    pub(super) const fn prove(&mut self) {
        self.proved = true;
    }

    pub(super) const fn sir(&self) -> &Sir {
        &self.sir
    }

    /// What repetitions of the SIR have in common: its own number, else the Call-ID; one without either has none.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// The end of its validity; `None` when it has none.
    fn valid_until(&self) -> Option<Time> {
        let message = self.arrival.message()?;
        let seconds = message.expires()?;
        let from = message.text(Name::Date).and_then(date).unwrap_or(self.at);
        Some(from + Duration::from_secs(u64::from(seconds)))
    }
}

impl Device {
    /// A SIR that is new.
    pub(super) fn hear(&mut self, now: Time, mut heard: Box<Heard>, out: &mut Vec<Output>) {
        heard.at = now;
        let delay = self.config.behaviour.delay_ms.draw(&mut self.random);
        if delay.is_zero() || self.waiting.len() >= WAITING_MAX {
            self.judge(now, heard, out);
        } else {
            self.park(now + delay, Stage::Judge(heard));
        }
    }

    fn park(&mut self, until: Time, stage: Stage) -> u64 {
        let number = self.fresh();
        self.timers.set(Timer::Waiting(number), until);
        self.waiting.push(Waiting { number, stage });
        number
    }

    /// The time of a SIR that waits is over.
    pub(super) fn waited(&mut self, now: Time, number: u64, out: &mut Vec<Output>) {
        let Some(at) = self.waiting.iter().position(|one| one.number == number) else {
            return;
        };
        match self.waiting.swap_remove(at).stage {
            Stage::Judge(heard) => self.judge(now, heard, out),
            Stage::Connect(about) => self.connect(now, *about, out),
            Stage::User(heard, yes) => {
                let judgement = match self.config.behaviour.user {
                    User::Allow => yes,
                    User::Deny => Judgement::refused_by_user(None),
                    User::Wait => Judgement::refused_by_user(Some("no answer")),
                };
                self.conclude(now, &heard, &judgement, out);
            }
        }
    }

    /// Answers the oldest question to the user in the user's place; false when there is none.
    pub fn answer_prompt(&mut self, now: Time, allow: bool, out: &mut Vec<Output>) -> bool {
        let asked = |one: &Waiting| matches!(one.stage, Stage::User(..));
        let Some(at) = self.waiting.iter().position(asked) else {
            return false;
        };
        let waiting = self.waiting.remove(at);
        self.timers.cancel(Timer::Waiting(waiting.number));
        if let Stage::User(heard, yes) = waiting.stage {
            let judgement = if allow {
                yes
            } else {
                Judgement::refused_by_user(None)
            };
            self.conclude(now, &heard, &judgement, out);
        }
        self.settle(now, out);
        true
    }

    fn judge(&mut self, now: Time, heard: Box<Heard>, out: &mut Vec<Output>) {
        if self.config.behaviour.activate == Activate::Before {
            self.activate(now, &heard.sir.apps(), crate::event::When::Before, out);
        }
        match self.ruling(now, &heard) {
            Ruling::Decided(judgement) => self.conclude(now, &heard, &judgement, out),
            Ruling::AskUser(yes) => self.ask(now, heard, yes, out),
        }
    }

    fn ruling(&self, now: Time, heard: &Heard) -> Ruling {
        let sir = &heard.sir;
        let (ppg, topics) = (host_of(sir.ppg()), matcher::topics(sir));
        let message = heard.arrival.message();
        let meant = message.is_none_or(|message| self.is_meant(message));
        let situation = Situation {
            now,
            verdict: if meant {
                matcher::matches(sir, &self.identifiers)
            } else {
                Verdict::Mismatch
            },
            foreign: self.is_foreign(sir),
            expired: heard.valid_until().is_some_and(|until| until <= now),
            connected: self.has_session_with(&ppg),
            sessions: self.push_sessions(),
            trust: self.trust(heard),
            tampered: message.and_then(tampered),
            ppg: &ppg,
            topics: &topics,
        };
        decision::decide(&situation, &self.config.profile.own, &self.config.behaviour)
    }

    /// A device applies the caller's preferences to itself (RFC 3841 section 6).
    fn is_meant(&self, message: &Message) -> bool {
        let list = |name: Name| {
            message
                .list(name)
                .filter_map(|value| core::str::from_utf8(value).ok())
        };
        let preferences = Preferences::decode(list(Name::AcceptContact), list(Name::RejectContact));
        caller_preferences::accepts(&preferences, &self.features)
    }

    /// True when the SIR says it is for an identity that is not this device's.
    fn is_foreign(&self, sir: &Sir) -> bool {
        let Some(pui) = &sir.pui else { return false };
        let same = |own: &str| match (Uri::decode(own.as_bytes()), Uri::decode(pui.as_bytes())) {
            (Ok(own), Ok(pui)) => own.aor() == pui.aor(),
            _ => own == pui,
        };
        let given = self
            .registration
            .granted()
            .map(|granted| granted.identities.as_slice())
            .unwrap_or_default();
        !same(&self.config.pui) && !given.iter().any(|own| same(own))
    }

    pub(super) fn trust(&self, heard: &Heard) -> Trust {
        if heard.proved {
            return Trust::Asserted;
        }
        let (flow, message) = match &heard.arrival {
            Arrival::Sip { flow, message, .. } => (*flow, message),
            // The device itself opened that session with its gateway.
            Arrival::Service if self.is_own_gateway(heard.sir.ppg()) => return Trust::Flow,
            _ => return Trust::None,
        };
        if self.flow != Some(flow) {
            return Trust::None;
        }
        let over_tls = self
            .endpoint
            .peer(flow)
            .is_some_and(|(transport, _)| transport == Transport::Tls);
        if over_tls && message.header(Name::PAssertedIdentity).is_some() {
            Trust::Asserted
        } else {
            Trust::Flow
        }
    }

    /// Asks the user (R2.85).
    fn ask(&mut self, now: Time, mut heard: Box<Heard>, yes: Judgement, out: &mut Vec<Output>) {
        let dev = self.config.name.clone();
        let kind = "sir".to_owned();
        self.report(now, Fact::Prompt { dev, kind }, out);
        let after = self.config.behaviour.answer_after_ms.draw(&mut self.random);
        let waits = self.config.behaviour.user == User::Wait;
        if (after.is_zero() && !waits) || self.waiting.len() >= WAITING_MAX {
            let judgement = if self.config.behaviour.user == User::Allow {
                yes
            } else {
                Judgement::refused_by_user(None)
            };
            self.conclude(now, &heard, &judgement, out);
            return;
        }
        let answer = Answer::plain(202);
        self.answer_sir(now, &heard.arrival, answer, out);
        self.sirs.note(heard.key(), Some(answer));
        heard.answered = true;
        let until = if waits {
            heard.valid_until().unwrap_or(now + USER_PATIENCE)
        } else {
            now + after
        };
        self.park(until, Stage::User(heard, yes));
    }

    /// Reports the decision, answers, and does what was decided.
    fn conclude(&mut self, now: Time, heard: &Heard, judgement: &Judgement, out: &mut Vec<Output>) {
        let targeted = heard.sir.targeted;
        let asked = heard.sir.ask();
        let told = asked.contains(Ask::REFUSAL) && reply::is_told(judgement, targeted);
        let (reason, detail) = judgement.reported();
        let fact = Fact::SirDecide {
            dev: self.config.name.clone(),
            sir: heard.sir.id.clone(),
            result: judgement.decision(told && targeted),
            reason,
            conflict: judgement.conflict,
            detail,
        };
        self.report(now, fact, out);
        if !heard.answered {
            let answer = reply::answer(judgement, targeted);
            self.answer_sir(now, &heard.arrival, answer, out);
            // What no trust was put in may come again by a way that is trusted.
            if judgement.reason == Reason::Security {
                self.sirs.forget(heard.key());
            } else {
                self.sirs.note(heard.key(), Some(answer));
            }
        }
        let call_id = heard.arrival.message();
        let call_id = call_id.and_then(|message| message.call_id().ok());
        let about = About::of(&heard.sir, call_id, heard.key());
        if judgement.connect {
            let after = self
                .config
                .behaviour
                .connect_after_ms
                .draw(&mut self.random);
            if after.is_zero() || self.waiting.len() >= WAITING_MAX {
                self.connect(now, about, out);
            } else {
                self.park(now + after, Stage::Connect(Box::new(about)));
            }
            return;
        }
        if told {
            self.refuse(now, &about, judgement.reason, out);
        }
        let named = matcher::matches(&heard.sir, &self.identifiers);
        if judgement.reason == Reason::Already && named != Verdict::Mismatch {
            self.return_on_existing(now, &about, out);
        }
    }

    /// Follows a SIR again later, because its gateway asked for that.
    pub(super) fn follow_later(&mut self, at: Time, about: About) {
        if self.waiting.len() < WAITING_MAX {
            self.park(at, Stage::Connect(Box::new(about)));
        }
    }
}

/// What a caller may ask of the device.
pub(super) fn features(config: &Config) -> Features {
    let instance = format!("<{}>", config.instance);
    let features = registration::features(config);
    let features = features
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_deref()))
        .chain([("+sip.instance", Some(instance.as_str()))]);
    Features::new(features)
}

/// What contradicts itself in a SIR: an asserted identity of another host than the sender's.
fn tampered(message: &Message) -> Option<&'static str> {
    let asserted = message.address(Name::PAssertedIdentity).ok()?;
    let from = message.from().ok()?;
    (!asserted.uri.host().eq_ignore_ascii_case(from.uri.host())).then_some("asserted identity")
}

/// Reads `Thu, 01 Jan 2026 10:00:00 GMT`.
fn date(text: &str) -> Option<Time> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let mut words = text.split_whitespace().skip(1);
    let (day, month, year, clock) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let month = MONTHS
        .iter()
        .position(|name| *name == month)?
        .saturating_add(1);
    format!("{year}-{month:02}-{day}T{clock}Z").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::HttpDate;

    #[test]
    fn a_sip_date_reads_back_as_written() {
        let time: Time = "2026-11-21T12:00:07Z".parse().unwrap();
        assert_eq!(date(&HttpDate(time).to_string()), Some(time));
        assert_eq!(date("yesterday"), None);
    }
}
