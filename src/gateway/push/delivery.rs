//! One push to one device: where it stands and how it ended.
//!
//! **Source:** requirements R2.63-R2.70; spec/sip.md E.4, E.6.
//!
//! ```text
//!            SIR out            2xx               session            REPORT 200
//! held ──▶ waking ──────────▶ woken ───────────▶ sending ──────────▶ ended
//!   ▲         │ no answer,      │ stays away       │ link lost          ▲
//!   └─────────┴─ try later ◀────┴──────────────────┘                    │
//!              refused, expired, cancelled, given up ────────────────────┘
//! ```

use serde::{Deserialize, Serialize};

use crate::codec::pap::{MessageState, Status};
use crate::event::{Bearer, Outcome, Reason};
use crate::time::Time;

/// One push to one device.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The device's place among those of its identity.
    pub at: usize,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub stage: Stage,
    /// SIRs sent so far.
    pub attempt: u32,
    /// What carries its SIR.
    pub bearer: Option<Bearer>,
    /// Bearers that failed in this attempt, and why.
    pub failures: Vec<(Bearer, String)>,
    /// One of them may work at another time.
    pub may_pass: bool,
    /// What keeps its SIR from going on, while nothing final is known of it.
    pub delayed: Option<&'static str>,
    /// What the message centre has of its SIR.
    pub accepted: Option<Accepted>,
    /// The same as the record told it after a restart, until the SIR is due.
    pub restored: Option<Accepted>,
}

/// A SIR in short messages whose receipts are awaited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// What carries it.
    pub bearer: Bearer,
    /// What the message centre calls its parts.
    pub message_ids: Vec<String>,
}

/// Where a delivery stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// No way leads to the device now, or the next try has not come; why, for a person.
    Held(&'static str),
    /// A SIR is out, or waits for an earlier one to the same device.
    Waking,
    /// The device took the SIR; a session is awaited.
    Woken,
    /// The device took the SIR and let its time pass; a session is still welcome.
    Silent,
    /// The content is queued or sent in this session; the confirmation is awaited.
    Sending(u64),
    /// The content is queued or sent in a request of SIP; its answer is awaited.
    Paging,
    /// It is over.
    Ended(Ending),
}

/// How a delivery ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// How.
    pub outcome: Outcome,
    /// PAP's state for it.
    pub state: MessageState,
    /// PAP's code for it.
    pub code: u16,
    /// Why, for a person.
    pub reason: String,
    /// When.
    pub at: Time,
}

impl Delivery {
    /// A delivery that has not begun.
    #[must_use]
    pub const fn new(at: usize, name: String) -> Self {
        Self {
            at,
            name,
            stage: Stage::Held("not begun"),
            attempt: 0,
            bearer: None,
            failures: Vec::new(),
            may_pass: false,
            delayed: None,
            accepted: None,
            restored: None,
        }
    }

    /// How it ended, if it did.
    #[must_use]
    pub const fn ending(&self) -> Option<&Ending> {
        match &self.stage {
            Stage::Ended(ending) => Some(ending),
            _ => None,
        }
    }

    /// The bearers that were tried where the first one failed: `sip: no answer to the SIR; sms: ...`.
    #[must_use]
    pub fn record(&self) -> Option<String> {
        // One bearer that failed is what the stage says.
        let is_one = self.failures.len() < 2 && self.bearer == self.failures.first().map(|f| f.0);
        if self.failures.is_empty() || is_one {
            return None;
        }
        let each = |(bearer, why): &(Bearer, String)| format!("{}: {why}", bearer.word());
        Some(
            self.failures
                .iter()
                .map(each)
                .collect::<Vec<_>>()
                .join("; "),
        )
    }

    /// Which bearer woke the device after others had failed.
    #[must_use]
    pub fn way(&self) -> Option<String> {
        let (record, bearer) = (self.record()?, self.bearer?);
        Some(format!("delivered by {}; {record}", bearer.word()))
    }

    /// True when the device took the SIR and stayed away.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.stage == Stage::Silent
    }

    /// Why it has not ended better, for the result of a push whose time is over.
    #[must_use]
    pub fn lacks(&self) -> &'static str {
        let delayed = self.delayed.filter(|_| self.stage == Stage::Waking);
        let stage = || self.stage.lacks().unwrap_or("ended");
        delayed.unwrap_or_else(stage)
    }
}

impl Stage {
    /// What a delivery that stands here lacks; `None` for one that is over.
    #[must_use]
    pub const fn lacks(&self) -> Option<&'static str> {
        match self {
            Self::Held(why) => Some(why),
            Self::Waking => Some("no answer to the SIR"),
            Self::Woken | Self::Silent => Some("no session"),
            Self::Sending(_) | Self::Paging => Some("no confirmation"),
            Self::Ended(_) => None,
        }
    }
}

impl Ending {
    /// The device confirmed the content.
    #[must_use]
    pub fn delivered(at: Time) -> Self {
        Self::new(
            Outcome::Delivered,
            MessageState::Delivered,
            Status::Ok.code(),
            "confirmed by the device",
            at,
        )
    }

    /// Time was over before it was delivered.
    #[must_use]
    pub fn expired(lacks: &str, at: Time) -> Self {
        Self::new(
            Outcome::Expired,
            MessageState::Expired,
            Status::ServiceFailure.code(),
            lacks,
            at,
        )
    }

    /// The initiator took the push back.
    #[must_use]
    pub fn cancelled(at: Time) -> Self {
        Self::new(
            Outcome::Cancelled,
            MessageState::Cancelled,
            Status::Ok.code(),
            "cancelled by the initiator",
            at,
        )
    }

    /// The device declined.
    #[must_use]
    pub fn refused(reason: Reason, at: Time) -> Self {
        Self::new(
            Outcome::Refused,
            MessageState::Aborted,
            abort_code(reason),
            reason.token(),
            at,
        )
    }

    /// No way led to the device, or it failed on the push.
    #[must_use]
    pub fn failed(state: MessageState, code: u16, why: &str, at: Time) -> Self {
        Self::new(Outcome::Failed, state, code, why, at)
    }

    /// The device was not meant, or was left out.
    #[must_use]
    pub fn not_wanted(state: MessageState, code: u16, why: &str, at: Time) -> Self {
        Self::new(Outcome::NotWanted, state, code, why, at)
    }

    /// The same, where several bearers were tried with what became of each.
    #[must_use]
    pub fn with_record_of(mut self, delivery: &Delivery) -> Self {
        let is_of_bearers = matches!(
            self.outcome,
            Outcome::Failed | Outcome::Expired | Outcome::Delivered
        );
        if let Some(record) = delivery.record().filter(|_| is_of_bearers) {
            self.reason.push_str("; ");
            self.reason.push_str(&record);
        }
        self
    }

    fn new(outcome: Outcome, state: MessageState, code: u16, reason: &str, at: Time) -> Self {
        Self {
            outcome,
            state,
            code,
            reason: reason.to_owned(),
            at,
        }
    }
}

/// PAP's 5abc for a refusal: the WSP abort reason that says the same (WAP-230 appendix A).
#[must_use]
pub const fn abort_code(reason: Reason) -> u16 {
    /// Pushed content refused.
    const USERRFS: u16 = 235;
    /// Content discarded for lack of resources.
    const USERDCR: u16 = 237;
    /// Content that cannot be processed.
    const USERDCU: u16 = 238;
    Status::client_aborted(match reason {
        Reason::Capability => USERDCU,
        Reason::Busy => USERDCR,
        _ => USERRFS,
    })
}

/// The refusal a word stands for; an unknown word says no more than that the device declined.
#[must_use]
pub fn reason_of(token: &str) -> Reason {
    const ALL: [Reason; 11] = [
        Reason::Match,
        Reason::Mismatch,
        Reason::Already,
        Reason::Security,
        Reason::Pref,
        Reason::Capability,
        Reason::User,
        Reason::Ppg,
        Reason::Subscription,
        Reason::Busy,
        Reason::Expired,
    ];
    ALL.into_iter()
        .find(|reason| reason.token() == token)
        .unwrap_or(Reason::None)
}
