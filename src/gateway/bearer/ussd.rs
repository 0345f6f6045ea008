//! Dialogues of USSD, one with each mobile: the strings of a SIR go one after the other, each when the one before it was
//! answered.
//!
//! **Source:** WAP-204 (two-way alternate, one dialogue for each mobile), SMPP 3.4 sections 5.3.2.25 (its_session_info)
//! and 5.3.2.44 (ussd_service_op). The submitter numbers dialogues and their strings; not every message centre hands
//! the numbers back, so an answer without them is of the dialogue that is open.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use crate::gateway::registry::DeviceKey;
use crate::protocol::smpp::esme::Submission;
use crate::protocol::smpp::{Address, ServiceOp, Session, ShortMessage, Ussd};
use crate::time::Time;

/// The highest number of a string that its seven bits hold.
const SEQUENCE_MOST: u8 = 127;

/// The dialogues that are open.
#[derive(Debug, Default)]
pub struct Dialogues {
    open: BTreeMap<DeviceKey, Dialogue>,
    /// Whose string a submission carries.
    strings: BTreeMap<u64, DeviceKey>,
    /// The number of the last dialogue.
    opened: u8,
}

#[derive(Debug)]
struct Dialogue {
    number: u8,
    /// What all strings have in common.
    message: ShortMessage,
    /// Strings that have not gone.
    rest: VecDeque<Bytes>,
    /// The number of the string that waits for its answer.
    sequence: u8,
    /// The submission that carries it.
    submission: u64,
    /// Until when the SIR is of use.
    until: Option<Time>,
}

/// What an answer of a mobile is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// Of a dialogue that is over, or to a string before the last one.
    Stale,
    /// To a string that others follow.
    More,
    /// To the last string: the mobile has all of them.
    Whole,
    /// The mobile ended the dialogue before the last string.
    Ended,
}

impl Dialogues {
    /// None is open; the first one has the number after that, by chance: what is late from before a restart is of none.
    #[must_use]
    pub fn after(number: u8) -> Self {
        Self {
            opened: number,
            ..Self::default()
        }
    }

    /// Opens a dialogue; its strings are the parts of the submission, which comes back with the first of them.
    pub fn open(&mut self, key: DeviceKey, submission: Submission) -> Option<Submission> {
        self.end(key);
        self.opened = self.opened.wrapping_add(1);
        let dialogue = Dialogue {
            number: self.opened,
            message: submission.message,
            rest: submission.parts.into(),
            sequence: 0,
            submission: submission.id,
            until: submission.until,
        };
        self.open.insert(key, dialogue);
        self.next(key, submission.id)
    }

    /// The next string of a dialogue as a submission of that number; it goes once, for a mobile would answer twice.
    pub fn next(&mut self, key: DeviceKey, id: u64) -> Option<Submission> {
        let dialogue = self.open.get_mut(&key)?;
        let string = dialogue.rest.pop_front()?;
        self.strings.remove(&dialogue.submission);
        self.strings.insert(id, key);
        dialogue.submission = id;
        let message = dialogue.message.clone().with_ussd(Ussd {
            operation: ServiceOp::Request,
            session: Some(Session {
                number: dialogue.number,
                sequence: dialogue.sequence,
                is_end: dialogue.rest.is_empty(),
            }),
        });
        let mut submission = Submission::new(id, message, vec![string]);
        submission.may_repeat = false;
        submission.until = dialogue.until;
        Some(submission)
    }

    /// Whose string a submission carries that waits for its answer.
    #[must_use]
    pub fn of_string(&self, id: u64) -> Option<DeviceKey> {
        self.strings.get(&id).copied()
    }

    /// A mobile answered a string.
    pub fn answered(&mut self, key: DeviceKey, session: Option<Session>) -> Answered {
        let Some(dialogue) = self.open.get_mut(&key) else {
            return Answered::Stale;
        };
        // A message centre may give the number of the string, or the next one.
        let sequence = session.map_or(dialogue.sequence, |session| session.sequence);
        let is_other = session.is_some_and(|session| session.number != dialogue.number);
        if is_other || sequence < dialogue.sequence {
            return Answered::Stale;
        }
        dialogue.sequence = sequence.saturating_add(1).min(SEQUENCE_MOST);
        match (dialogue.rest.is_empty(), session) {
            (true, _) => Answered::Whole,
            (false, Some(Session { is_end: true, .. })) => Answered::Ended,
            (false, _) => Answered::More,
        }
    }

    /// True for a dialogue of which strings have not gone.
    #[must_use]
    pub fn is_unfinished(&self, key: DeviceKey) -> bool {
        let dialogue = self.open.get(&key);
        dialogue.is_some_and(|dialogue| !dialogue.rest.is_empty())
    }

    /// Ends a dialogue; gives the submission of its last string.
    pub fn end(&mut self, key: DeviceKey) -> Option<u64> {
        let dialogue = self.open.remove(&key)?;
        self.strings.remove(&dialogue.submission);
        Some(dialogue.submission)
    }
}

/// What ends a dialogue that a mobile began with this operation: an empty string.
#[must_use]
pub fn end_of(id: u64, from: Address, begun: &ShortMessage) -> Option<Submission> {
    let ussd = begun.ussd()?;
    let operation = match ussd.operation {
        ServiceOp::Process => ServiceOp::ProcessEnd,
        ServiceOp::ProcessOctets => ServiceOp::ProcessOctetsEnd,
        _ => return None,
    };
    let session = ussd.session.map(|session| Session {
        is_end: true,
        ..session
    });
    let message = ShortMessage {
        source: from,
        destination: begun.source.clone(),
        data_coding: begun.data_coding,
        ..ShortMessage::default()
    };
    let message = message.with_ussd(Ussd { operation, session });
    Some(Submission::new(id, message, vec![Bytes::new()]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::registry::IdentityNo;

    const KEY: DeviceKey = DeviceKey {
        identity: IdentityNo::FIRST,
        at: 0,
    };

    fn three_strings() -> Submission {
        let parts = vec!["a".into(), "b".into(), "c".into()];
        Submission::new(1, ShortMessage::default(), parts)
    }

    fn session(submission: &Submission) -> Session {
        submission.message.ussd().unwrap().session.unwrap()
    }

    #[test]
    fn r2_58_strings_go_one_after_the_other_and_only_the_last_ends() {
        let mut dialogues = Dialogues::default();
        let first = dialogues.open(KEY, three_strings()).unwrap();
        assert_eq!(first.parts, ["a"]);
        assert_eq!(dialogues.answered(KEY, None), Answered::More);
        let second = dialogues.next(KEY, 2).unwrap();
        assert_eq!(
            (session(&second).sequence, session(&second).is_end),
            (1, false)
        );
        // This message centre counts the answers too.
        let counted = Session {
            sequence: 2,
            ..session(&second)
        };
        assert_eq!(dialogues.answered(KEY, Some(counted)), Answered::More);
        let third = dialogues.next(KEY, 3).unwrap();
        assert_eq!(
            (session(&third).sequence, session(&third).is_end),
            (3, true)
        );
        assert_eq!(dialogues.of_string(3), Some(KEY));
        assert_eq!(dialogues.of_string(2), None);
        assert_eq!(
            dialogues.answered(KEY, Some(session(&third))),
            Answered::Whole
        );
    }

    #[test]
    fn an_answer_that_is_repeated_or_of_another_dialogue_counts_for_none() {
        let mut dialogues = Dialogues::default();
        let first = dialogues.open(KEY, three_strings()).unwrap();
        let told = session(&first);
        assert_eq!(dialogues.answered(KEY, Some(told)), Answered::More);
        assert_eq!(dialogues.answered(KEY, Some(told)), Answered::Stale);
        assert_eq!(dialogues.end(KEY), Some(1));
        assert_eq!(dialogues.answered(KEY, None), Answered::Stale);
        dialogues.open(KEY, three_strings());
        assert_eq!(dialogues.answered(KEY, Some(told)), Answered::Stale);
    }

    #[test]
    fn an_answer_from_before_a_restart_is_of_no_dialogue() {
        let mut before = Dialogues::after(7);
        let told = session(&before.open(KEY, three_strings()).unwrap());
        let mut dialogues = Dialogues::after(200);
        let first = dialogues.open(KEY, three_strings()).unwrap();
        assert_eq!((told.number, session(&first).number), (8, 201));
        assert_eq!(dialogues.answered(KEY, Some(told)), Answered::Stale);
    }

    #[test]
    fn a_mobile_may_end_the_dialogue() {
        let mut dialogues = Dialogues::default();
        let first = dialogues.open(KEY, three_strings()).unwrap();
        let told = Session {
            is_end: true,
            ..session(&first)
        };
        assert_eq!(dialogues.answered(KEY, Some(told)), Answered::Ended);
    }
}
