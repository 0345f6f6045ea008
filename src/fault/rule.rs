//! One rule: what it does, to which messages, when, and for how long.

use std::time::Duration;

use super::selector::{Selector, one_of};
use super::sight::{Direction, Kind, Line, Road, Sight};
use super::spec::{Spec, WrongSpec};
use crate::codec::smpp::Status;
use crate::time::Time;

/// Bits that one rule turns in one message, at most.
const BITS_MAX: u64 = 4_096;
/// Octets of a text that a rule compares with, at most.
const TEXT_MAX: usize = 512;

/// A rule as it was written, and what it means.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// As it was written.
    pub spec: Spec,
    /// What it does.
    pub effect: Effect,
    /// To which messages.
    pub selector: Selector,
    /// To which of them.
    pub schedule: Schedule,
    /// When it ends, when it does.
    pub until: Option<Time>,
    /// After how many hits it ends, when it does.
    pub hits: Option<u64>,
}

/// What a rule does to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It comes later, by so much and up to so much more.
    Delay(Duration, Duration),
    /// It does not come.
    Drop,
    /// It comes twice.
    Duplicate,
    /// So many others overtake it.
    Reorder(u64),
    /// Bits of it turn.
    Corrupt(Damage),
    /// Only so many octets come; a link ends after them.
    Truncate(usize),
    /// So many octets a second come.
    Rate(u64),
    /// It waits for the end of the rule.
    Hold,
    /// The link breaks.
    Disconnect,
    /// It is answered and does not come.
    Answer(Code, Option<u64>),
    /// It is a receipt, and becomes another.
    Receipt(Lie),
    /// Its octets come piece by piece, so many a second.
    SlowRead(u64),
}

/// Where bits turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// So many, anywhere.
    Bits(u64),
    /// All of this octet.
    Octet(usize),
    /// One of this field.
    Field(String),
}

/// An answer in the words of a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// A status of SIP.
    Sip(u16),
    /// A status of HTTP.
    Http(u16),
    /// A status of PAP.
    Pap(u16),
    /// A command status of SMPP.
    Smpp(u32),
    /// The reason of an abort.
    Wsp(u8),
}

/// What becomes of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// It tells a failure.
    Failed,
    /// It comes so much later.
    Late(Duration),
    /// It never comes.
    Missing,
    /// It comes twice.
    Double,
}

/// Which of the messages that a rule is about it hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Only the first so many.
    pub first: Option<u64>,
    /// Only every so manieth.
    pub every: Option<u64>,
    /// Not the first so many.
    pub after: u64,
    /// The chance in a million, where it is one.
    pub chance: Option<u64>,
    /// What is counted by.
    pub per: Per,
}

/// What messages are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// Those of each push.
    Push,
    /// Those of each device.
    Device,
    /// All.
    Rule,
}

/// Chances are parts of this.
pub const CERTAIN: u64 = 1_000_000;

impl Rule {
    /// Reads a rule at that instant, from which its lifetime counts.
    ///
    /// # Errors
    /// The word that is none, or that does not belong to this kind.
    pub fn of(spec: Spec, now: Time) -> Result<Self, WrongSpec> {
        if let Some(name) = &spec.name
            && (name.is_empty()
                || name.len() > 64
                || !name
                    .bytes()
                    .all(|c| c.is_ascii_alphanumeric() || b"-._".contains(&c)))
        {
            return wrong("a name has 1 to 64 letters, digits, - . _");
        }
        for text in [&spec.pui, &spec.device, &spec.matching, &spec.field] {
            if text.as_ref().is_some_and(|text| text.len() > TEXT_MAX) {
                return wrong(format!("a text of a rule has at most {TEXT_MAX} octets"));
            }
        }
        let effect = Effect::of(&spec)?;
        Ok(Self {
            selector: Selector::of(&spec)?,
            schedule: Schedule::of(&spec)?,
            until: spec.ttl_ms.map(|ttl| now + Duration::from_millis(ttl)),
            hits: spec.hits,
            effect,
            spec,
        })
    }

    /// True for a rule that can hit nothing.
    #[must_use]
    pub fn is_inert(&self) -> bool {
        self.schedule.chance == Some(0) || self.schedule.first == Some(0)
    }

    /// True when the rule is about the message.
    #[must_use]
    pub fn is_about(&self, sight: &Sight<'_>) -> bool {
        self.effect.suits(sight) && self.selector.fits(sight)
    }
}

fn wrong<T>(why: impl Into<String>) -> Result<T, WrongSpec> {
    Err(WrongSpec(why.into()))
}

impl Effect {
    /// The names of all kinds.
    pub const NAMES: [&'static str; 12] = [
        "delay",
        "drop",
        "duplicate",
        "reorder",
        "corrupt",
        "truncate",
        "rate",
        "hold",
        "disconnect",
        "answer",
        "receipt",
        "slow-read",
    ];

    fn of(spec: &Spec) -> Result<Self, WrongSpec> {
        let allowed: &[&str] = match spec.fault.as_str() {
            "delay" => &["ms", "jitter"],
            "reorder" => &["window"],
            "corrupt" => &["bits", "octet", "field"],
            "truncate" => &["octets"],
            "rate" | "slow-read" => &["rate"],
            "answer" => &["code", "retry-after"],
            "receipt" => &["receipt", "ms"],
            "drop" | "duplicate" | "hold" | "disconnect" => &[],
            other => {
                let known = Self::NAMES.join(", ");
                return wrong(format!("there is no fault '{other}'; faults are {known}"));
            }
        };
        for (name, is_given) in [
            ("ms", spec.ms.is_some()),
            ("jitter", spec.jitter_ms.is_some()),
            ("window", spec.window.is_some()),
            ("bits", spec.bits.is_some()),
            ("octet", spec.octet.is_some()),
            ("field", spec.field.is_some()),
            ("octets", spec.octets.is_some()),
            ("rate", spec.rate.is_some()),
            ("code", spec.code.is_some()),
            ("retry-after", spec.retry_after.is_some()),
            ("receipt", spec.receipt.is_some()),
        ] {
            if is_given && !allowed.contains(&name) {
                return wrong(format!("{name} says nothing to {}", spec.fault));
            }
        }
        Self::read(spec)
    }

    fn read(spec: &Spec) -> Result<Self, WrongSpec> {
        let millis = |value: Option<u64>| Duration::from_millis(value.unwrap_or(0));
        Ok(match spec.fault.as_str() {
            "delay" if spec.ms.is_none() && spec.jitter_ms.is_none() => {
                return wrong("delay needs ms, jitter, or both");
            }
            "delay" => Self::Delay(millis(spec.ms), millis(spec.jitter_ms)),
            "duplicate" => Self::Duplicate,
            "reorder" => Self::Reorder(spec.window.unwrap_or(1).max(1)),
            "corrupt" => Self::Corrupt(Damage::of(spec)?),
            "truncate" => {
                let octets = spec.octets.and_then(|octets| usize::try_from(octets).ok());
                Self::Truncate(octets.ok_or_else(|| WrongSpec("truncate needs octets".into()))?)
            }
            kind @ ("rate" | "slow-read") => {
                let rate = spec.rate.filter(|rate| *rate > 0);
                let rate = rate.ok_or_else(|| {
                    WrongSpec(format!("{kind} needs rate, octets a second from 1"))
                })?;
                if kind == "rate" {
                    Self::Rate(rate)
                } else {
                    Self::SlowRead(rate)
                }
            }
            "hold" => Self::Hold,
            "disconnect" => Self::Disconnect,
            "answer" => {
                let text = spec.code.as_deref().unwrap_or_default();
                Self::Answer(Code::of(text)?, spec.retry_after)
            }
            "receipt" => Self::Receipt(match spec.receipt.as_deref() {
                Some("failed") => Lie::Failed,
                Some("late") => Lie::Late(Duration::from_millis(spec.ms.unwrap_or(10_000))),
                Some("missing") => Lie::Missing,
                Some("double") => Lie::Double,
                _ => return wrong("receipt is one of failed, late, missing, double"),
            }),
            _ => Self::Drop,
        })
    }

    /// True when it can be done to such a message.
    fn suits(&self, sight: &Sight<'_>) -> bool {
        match self {
            Self::Answer(code, _) => code.answers(sight),
            Self::Receipt(_) => sight.line == Line::Smpp && sight.kind == Some(Kind::Receipt),
            // What is read once more from a stream is no repetition, and a request has one answer.
            Self::Duplicate => sight.road == Road::Datagram || sight.line == Line::Smpp,
            Self::Reorder(_) => sight.road == Road::Datagram,
            Self::SlowRead(_) => sight.road != Road::Datagram,
            Self::Corrupt(_) | Self::Truncate(_) => !sight.octets.is_empty(),
            _ => true,
        }
    }
}

impl Damage {
    fn of(spec: &Spec) -> Result<Self, WrongSpec> {
        match (spec.bits, spec.octet, &spec.field) {
            (Some(bits), None, None) if bits > BITS_MAX => {
                wrong(format!("bits is at most {BITS_MAX}"))
            }
            (bits, None, None) => Ok(Self::Bits(bits.unwrap_or(1).max(1))),
            (None, Some(octet), None) => {
                Ok(Self::Octet(usize::try_from(octet).unwrap_or(usize::MAX)))
            }
            (None, None, Some(field)) => Ok(Self::Field(field.clone())),
            _ => wrong("corrupt takes one of bits, octet, field"),
        }
    }
}

impl Code {
    fn of(text: &str) -> Result<Self, WrongSpec> {
        let help =
            "write the answer as sip:503, http:503, pap:4001, smpp:ESME_RTHROTTLED or wsp:E2";
        let none = || WrongSpec(format!("'{text}' is no answer; {help}"));
        let (line, code) = text.split_once(':').ok_or_else(none)?;
        let number = |least: u16, most: u16| {
            let number = code.parse::<u16>().ok();
            number
                .filter(|number| (least..=most).contains(number))
                .ok_or_else(none)
        };
        Ok(match line {
            "sip" => Self::Sip(number(300, 699)?),
            "http" => Self::Http(number(200, 599)?),
            // An initiator that is told of a success would lose what it submitted.
            "pap" => Self::Pap(number(2000, 5999)?),
            "smpp" => {
                let named = Status::of_name(code).map(|status| status.0);
                Self::Smpp(named.or_else(|| code.parse().ok()).ok_or_else(none)?)
            }
            "wsp" => Self::Wsp(u8::from_str_radix(code, 16).map_err(|_| none())?),
            _ => return Err(none()),
        })
    }

    /// True when such a message can be answered so.
    fn answers(self, sight: &Sight<'_>) -> bool {
        match self {
            Self::Sip(_) => sight.line == Line::Sip && sight.is_request && sight.word != "ACK",
            // Whoever asks us and is told of a success would lose what it gave.
            Self::Http(200..=299) if sight.direction == Direction::In => false,
            Self::Http(_) => sight.road == Road::Http && sight.is_request,
            Self::Pap(_) => sight.line == Line::Pap && sight.is_request,
            Self::Smpp(_) => sight.line == Line::Smpp && sight.is_request,
            Self::Wsp(_) => sight.line == Line::Wsp && sight.is_request && sight.word != "Push",
        }
    }
}

impl Schedule {
    fn of(spec: &Spec) -> Result<Self, WrongSpec> {
        let per = one_of(
            "per",
            spec.per.as_deref(),
            &[
                ("push", Per::Push),
                ("device", Per::Device),
                ("rule", Per::Rule),
            ],
        )?;
        if spec.every == Some(0) {
            return wrong("every is at least 1");
        }
        if spec.seed.is_some() && spec.p.is_none() {
            return wrong("seed goes with p");
        }
        let chance = match spec.p {
            None => None,
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "from 0 to a million"
            )]
            Some(p) if (0.0..=1.0).contains(&p) => Some((p * CERTAIN as f64).round() as u64),
            Some(p) => return wrong(format!("p is from 0 to 1, not {p}")),
        };
        Ok(Self {
            first: spec.first,
            every: spec.every,
            after: spec.after.unwrap_or(0),
            chance,
            per: per.unwrap_or(Per::Push),
        })
    }

    /// True when the message that is the `number`th, from 1, is one that chance may hit.
    #[must_use]
    pub fn is_due(&self, number: u64) -> bool {
        let Some(place) = number.checked_sub(self.after).filter(|place| *place > 0) else {
            return false;
        };
        self.first.is_none_or(|first| place <= first)
            && self.every.is_none_or(|every| place.is_multiple_of(every))
    }
}
