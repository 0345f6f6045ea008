//! What goes wrong on demand: which messages a rule is about, and what it does to them.

use std::time::Duration;

use crate::codec::smpp::Status;
use crate::limits;
use crate::protocol::smpp::message::ShortMessage;
use crate::protocol::smpp::receipt::State;

/// One rule. Of the messages to its destinations it takes the first few, or every so many, or all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// How the destinations begin; empty for all.
    pub destination: String,
    /// Only the first so many messages.
    pub first: Option<u64>,
    /// Only each so-manieth message.
    pub every: Option<u64>,
    /// What is done.
    pub effect: Effect,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The message is refused with that status: throttled, queue full, any other.
    Refuse(Status),
    /// The message is taken, and answered so much later.
    Delay(Duration),
    /// The message is taken and never answered.
    Silence,
    /// The message is taken, and the link closed instead of an answer.
    Disconnect,
    /// What becomes of it, and when.
    Fate(Fate),
    /// No receipt is sent.
    NoReceipt,
}

/// What becomes of a message that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    /// Its state in the end.
    pub state: State,
    /// The network's error in its receipt; 0 for none, at most 255.
    pub error: u8,
    /// How long it is on its way.
    pub after: Duration,
}

/// Rules with what they have seen.
#[derive(Debug, Default)]
pub(super) struct Rules(Vec<(Rule, u64)>);

/// What the rules do to one message: the first of each kind that is about it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Verdict {
    pub(super) answer: Option<Effect>,
    pub(super) fate: Option<Fate>,
    pub(super) has_no_receipt: bool,
}

impl Rules {
    /// These rules, counting from nothing; those beyond the bound are left out.
    pub(super) fn new(rules: Vec<Rule>) -> Self {
        let counted = rules.into_iter().map(|rule| (rule, 0));
        Self(counted.take(limits::SMPP_RULES).collect())
    }

    /// Counts a message and judges it.
    pub(super) fn judge(&mut self, message: &ShortMessage) -> Verdict {
        let mut verdict = Verdict::default();
        for (rule, seen) in &mut self.0 {
            let to = &message.destination.text;
            if !to.starts_with(rule.destination.trim_start_matches('+')) {
                continue;
            }
            *seen = seen.saturating_add(1);
            let is_first = rule.first.is_none_or(|first| *seen <= first);
            let is_due = rule.every.is_none_or(|every| seen.is_multiple_of(every));
            if !is_first || !is_due {
                continue;
            }
            match rule.effect {
                Effect::Fate(fate) => verdict.fate = verdict.fate.or(Some(fate)),
                Effect::NoReceipt => verdict.has_no_receipt = true,
                answer => verdict.answer = verdict.answer.or(Some(answer)),
            }
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::smpp::Address;

    #[test]
    fn rules_count_the_messages_that_they_are_about() {
        let refuse = Effect::Refuse(Status::THROTTLED);
        let rule = |destination: &str, first, every| Rule {
            destination: destination.to_owned(),
            first,
            every,
            effect: refuse,
        };
        let to = |text: &str| ShortMessage {
            destination: Address::of(text),
            ..ShortMessage::default()
        };
        let judged = |rule: Rule| -> Vec<bool> {
            let mut rules = Rules::new(vec![rule]);
            ["+1555", "+44", "+1556", "+1557"]
                .map(|it| rules.judge(&to(it)).answer == Some(refuse))
                .to_vec()
        };
        assert_eq!(judged(rule("+155", None, None)), [true, false, true, true]);
        assert_eq!(
            judged(rule("155", Some(2), None)),
            [true, false, true, false]
        );
        assert_eq!(judged(rule("", None, Some(2))), [false, true, false, true]);
        assert_eq!(judged(rule("", None, Some(0))), [false; 4]);
    }

    #[test]
    fn rules_beyond_the_bound_are_left_out() {
        let rule = Rule {
            destination: String::new(),
            first: None,
            every: None,
            effect: Effect::NoReceipt,
        };
        let rules = Rules::new(vec![rule; limits::SMPP_RULES + 1]);
        assert_eq!(rules.0.len(), limits::SMPP_RULES);
    }
}
