//! How a device behaves: what it checks, how it answers, when it activates, and what it does wrong on purpose.
//!
//! Values only, shared by all devices that behave alike.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::random::Random;

/// One way to behave; the default judges, connects and returns what is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// False: it connects on every SIR without a judgement (R2.74), as devices did before identifiers were known.
    pub judge: bool,
    /// Who decides what the checks leave open (R2.84, R2.85).
    pub decide: Decide,
    /// What the user says when asked.
    pub user: User,
    /// How long the user takes to say it.
    pub answer_after_ms: Millis,
    /// The checks that are made (R2.82).
    pub checks: Checks,
    /// The least trust in a SIR that the security check asks for.
    pub require: Trust,
    /// Hosts of the gateways it connects to; `None` means any (R2.87).
    pub ppgs: Option<Vec<String>>,
    /// What placements that contradict each other come to (R2.37).
    pub conflict: Conflict,
    /// Sessions it has at a time before it is busy.
    pub sessions_max: usize,
    /// When applications named in a SIR are activated (R2.113, R2.114).
    pub activate: Activate,
    /// What returned information travels on (R2.104).
    pub return_by: ReturnBy,
    /// What it returns of what is asked, by the words of the question; `None` means all.
    pub replies: Option<Vec<String>>,
    /// It never answers a SIR.
    pub silent: bool,
    /// How long it waits before it judges and answers a SIR.
    pub delay_ms: Millis,
    /// How it asks for what a SIR announces.
    pub connect: Connect,
    /// How long it waits from its answer to its request for a session.
    pub connect_after_ms: Millis,
    /// Answers every SIR with this status, whatever it decided.
    pub answer: Option<u16>,
    /// Ends a session that was idle for so long; `None` leaves it to the gateway.
    pub hang_up_after_ms: Option<u64>,
    /// It takes a SIR or a push that it had before as a new one.
    pub takes_repeats: bool,
    /// What stands in the Contact of its INVITE.
    pub contact: ContactKind,
    /// It answers every confirmed push in a WSP session with this refusal.
    pub wsp_refusal: Option<WspRefusal>,
    /// It suspends its WSP sessions so long after they were opened.
    pub wsp_suspend_after_ms: Option<u64>,
    /// It resumes them after so long; `None` leaves them suspended.
    pub wsp_resume_after_ms: Option<u64>,
    /// It cuts the link of a session after so many chunks of content.
    pub cut_after_chunks: Option<u32>,
    /// It sleeps from so long after each registration, where something can wake it; `None`: it never does.
    pub sleep_after_ms: Option<u64>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            judge: true,
            decide: Decide::Auto,
            user: User::Allow,
            answer_after_ms: Millis::Exact(0),
            checks: Checks::default(),
            require: Trust::None,
            ppgs: None,
            conflict: Conflict::NoMatch,
            sessions_max: 4,
            activate: Activate::After,
            return_by: ReturnBy::Session,
            replies: None,
            silent: false,
            delay_ms: Millis::Exact(0),
            connect: Connect::Invite,
            connect_after_ms: Millis::Exact(0),
            answer: None,
            hang_up_after_ms: None,
            takes_repeats: false,
            contact: ContactKind::Gruu,
            wsp_refusal: None,
            wsp_suspend_after_ms: None,
            wsp_resume_after_ms: None,
            cut_after_chunks: None,
            sleep_after_ms: None,
        }
    }
}

/// Names of the built-in behaviours.
pub const BUILT_IN: [&str; 6] = ["accept", "refuse", "silent", "slow", "legacy", "prompt"];

impl Behaviour {
    /// The built-in behaviour of a name in [`BUILT_IN`].
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let plain = Self::default();
        Some(match name {
            "accept" => plain,
            "refuse" => Self {
                decide: Decide::User,
                user: User::Deny,
                ..plain
            },
            "silent" => Self {
                silent: true,
                ..plain
            },
            "slow" => Self {
                delay_ms: Millis::Between {
                    min: 1_000,
                    max: 5_000,
                },
                ..plain
            },
            "legacy" => Self {
                judge: false,
                ..plain
            },
            "prompt" => Self {
                decide: Decide::User,
                answer_after_ms: Millis::Between { min: 200, max: 900 },
                ..plain
            },
            _ => return None,
        })
    }
}

/// Who decides what the checks leave open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decide {
    /// The device connects.
    Auto,
    /// The user is asked.
    User,
}

/// What a user says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum User {
    /// Yes.
    Allow,
    /// No.
    Deny,
    /// Nothing, until somebody answers in the user's place (`Device::answer_prompt`).
    Wait,
}

/// The checks beside the user's judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Checks {
    /// By security information (R2.78).
    pub security: bool,
    /// By set preferences (R2.79).
    pub preference: bool,
    /// By capability (R2.80).
    pub capability: bool,
    /// By service subscription (R2.83).
    pub subscription: bool,
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            security: true,
            preference: true,
            capability: true,
            subscription: true,
        }
    }
}

/// How far a SIR is to be trusted, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// Anybody may have sent it.
    None,
    /// It came from where the device is registered.
    Flow,
    /// It came from there over TLS and the sender's identity is asserted, or the sender has answered a challenge.
    Asserted,
}

/// What placements that contradict each other come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conflict {
    /// No match, whoever is named.
    NoMatch,
    /// A match for a device that any placement names.
    AnyMatch,
}

/// When applications named in a SIR are activated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activate {
    /// On the SIR, before anything is decided.
    Before,
    /// When the session is up.
    After,
    /// Never.
    Never,
}

/// How a device asks for what a SIR announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Connect {
    /// By INVITE: content of any size comes in the session.
    #[serde(alias = "session")]
    Invite,
    /// By REGISTER: small content comes in a MESSAGE.
    Register,
    /// By SUBSCRIBE: small content comes in a NOTIFY.
    Subscribe,
    /// By a session of WSP, where the SIR names a contact point for it and the device has a socket; else by INVITE.
    Wsp,
    /// By a connection for push over HTTP (TO-TCP), where the SIR names a contact point for it; else by INVITE.
    Http,
}

/// How a device refuses a push in a WSP session (WAP-235 section 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WspRefusal {
    /// Not now.
    Userreq,
    /// Not at all.
    Userrfs,
    /// There is no such application.
    Userpnd,
    /// There is no room.
    Userdcr,
    /// The content type is none it takes.
    Userdcu,
}

impl WspRefusal {
    /// The octet that says so (WAP-230 table 35).
    #[must_use]
    pub const fn octet(self) -> u8 {
        match self {
            Self::Userreq => 0xEA,
            Self::Userrfs => 0xEB,
            Self::Userpnd => 0xEC,
            Self::Userdcr => 0xED,
            Self::Userdcu => 0xEE,
        }
    }
}

/// What returned information travels on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReturnBy {
    /// The session that is up.
    #[serde(alias = "msrp")]
    Session,
    /// SIP MESSAGE requests, after the session is up.
    Sip,
    /// The session for another service.
    Service,
    /// Short messages.
    Sms,
    /// An HTTP request to the gateway.
    Push,
    /// The answer to the string that brought the SIR, else a string of the device's own.
    Ussd,
}

/// What stands in the Contact of an INVITE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContactKind {
    /// The public GRUU, as it should.
    Gruu,
    /// The address of the flow.
    Plain,
    /// A GRUU of nobody.
    WrongGruu,
    /// The device's IMEI in the clear, which a conformance check must notice.
    Imei,
}

/// A span of milliseconds: always the same, or drawn anew each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Millis {
    /// Always the same.
    Exact(u64),
    /// Any between the two.
    Between {
        /// At least.
        min: u64,
        /// At most.
        max: u64,
    },
}

impl Millis {
    /// One span.
    pub fn draw(self, random: &mut Random) -> Duration {
        let millis = match self {
            Self::Exact(millis) => millis,
            Self::Between { min, max } => {
                let span = max.saturating_sub(min).saturating_add(1);
                min.saturating_add(random.below(span))
            }
        };
        Duration::from_millis(millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_name_is_a_behaviour() {
        assert!(BUILT_IN.iter().all(|name| Behaviour::named(name).is_some()));
        assert_eq!(Behaviour::named("polite"), None);
    }

    #[test]
    fn a_behaviour_reads_from_the_names_of_the_configuration() {
        let read: Behaviour = serde_json::from_str(
            r#"{"decide":"user","answer_after_ms":{"min":200,"max":900},"replies":["capability"],"activate":"after"}"#,
        )
        .unwrap();
        assert_eq!(read.decide, Decide::User);
        assert_eq!(read.replies, Some(vec!["capability".to_owned()]));
        assert!(serde_json::from_str::<Behaviour>(r#"{"polite":true}"#).is_err());
    }

    #[test]
    fn a_drawn_span_stays_between_its_ends() {
        let mut random = Random::from_number(3);
        let span = Millis::Between { min: 5, max: 7 };
        assert!((0..200).all(|_| {
            let drawn = span.draw(&mut random);
            (5..=7).contains(&drawn.as_millis())
        }));
        assert_eq!(Millis::Exact(9).draw(&mut random).as_millis(), 9);
    }
}
