//! Delivery receipts: what became of a message, as text and as optional parameters.
//!
//! **Source:** SMPP 3.4 appendix B (text), sections 5.2.28 (message_state), 5.3.2.12, 5.3.2.31 and 5.3.2.35
//! (parameters), SMPP 5.0 section 4.7.15. The text is what most message centres write, each a little otherwise, so its
//! fields are found by their names in any order; parameters win over the text.

use crate::codec::smpp::{put_number, put_octets, tag};
use crate::time::Time;

use super::message::ShortMessage;

/// The bits of an esm_class that make a message a receipt at the end, or one on the way.
const FINAL: u8 = 0x04;
const INTERMEDIATE: u8 = 0x20;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It waits for its time.
    Scheduled,
    /// It is on its way.
    Enroute,
    /// The handset has it.
    Delivered,
    /// It was not delivered in time.
    Expired,
    /// It was cancelled.
    Deleted,
    /// It cannot be delivered.
    Undeliverable,
    /// Somebody read it on behalf of the subscriber.
    Accepted,
    /// Nobody knows.
    Unknown,
    /// It was refused.
    Rejected,
    /// It was left out.
    Skipped,
}

impl State {
    /// Each with its number and its word in the text of a receipt.
    const NAMES: [(u8, &'static str, Self); 10] = [
        (0, "SCHEDLD", Self::Scheduled),
        (1, "ENROUTE", Self::Enroute),
        (2, "DELIVRD", Self::Delivered),
        (3, "EXPIRED", Self::Expired),
        (4, "DELETED", Self::Deleted),
        (5, "UNDELIV", Self::Undeliverable),
        (6, "ACCEPTD", Self::Accepted),
        (7, "UNKNOWN", Self::Unknown),
        (8, "REJECTD", Self::Rejected),
        (9, "SKIPPED", Self::Skipped),
    ];

    /// The state of a message_state.
    #[must_use]
    pub fn of_number(number: u8) -> Option<Self> {
        let known = Self::NAMES.iter().find(|(it, _, _)| *it == number);
        known.map(|(_, _, state)| *state)
    }

    /// The state of a word; its first five letters suffice, in either case.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let begins = |known: &str| {
            let (known, name) = (known.as_bytes(), name.as_bytes());
            name.get(..5)
                .zip(known.get(..5))
                .is_some_and(|(name, known)| name.eq_ignore_ascii_case(known))
        };
        let known = Self::NAMES.iter().find(|(_, known, _)| begins(known));
        known.map(|(_, _, state)| *state)
    }

    /// Its message_state.
    #[must_use]
    pub fn number(self) -> u8 {
        let known = Self::NAMES.iter().find(|(_, _, it)| *it == self);
        known.map_or(7, |(number, _, _)| *number)
    }

    /// Its word in the text of a receipt.
    #[must_use]
    pub fn name(self) -> &'static str {
        let known = Self::NAMES.iter().find(|(_, _, it)| *it == self);
        known.map_or("UNKNOWN", |(_, name, _)| name)
    }

    /// Whether nothing more becomes of the message.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Scheduled | Self::Enroute)
    }
}

/// A delivery receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The message, as the message centre named it.
    pub message_id: String,
    /// What became of it.
    pub state: State,
    /// Messages that were submitted (`sub`).
    pub submitted: Option<u16>,
    /// Messages that were delivered (`dlvrd`).
    pub delivered: Option<u16>,
    /// When it was submitted, as written: YYMMDDhhmm, some add seconds; the zone is the message centre's secret.
    pub submit_date: String,
    /// When it reached that state, as written.
    pub done_date: String,
    /// The network's error, as written; `000` for none.
    pub error: String,
    /// The beginning of the message.
    pub text: String,
    /// The kind of network and its error (network_error_code).
    pub network_error: Option<(u8, u16)>,
}

/// The fields of the text in the order of the standard.
const FIELDS: [&str; 8] = [
    "id:",
    "sub:",
    "dlvrd:",
    "submit date:",
    "done date:",
    "stat:",
    "err:",
    "text:",
];

impl Receipt {
    /// The receipt of a state at an instant, as a message centre writes it.
    #[must_use]
    pub fn new(message_id: &str, state: State, submitted: Time, now: Time, error: u16) -> Self {
        Self {
            message_id: message_id.to_owned(),
            state,
            submitted: Some(1),
            delivered: Some(u16::from(state == State::Delivered)),
            submit_date: date(submitted),
            done_date: date(now),
            error: format!("{:03}", error.min(999)),
            text: String::new(),
            network_error: (error != 0).then_some((3, error)),
        }
    }

    /// The receipt that a message is, if it is one.
    pub(super) fn read(message: &ShortMessage) -> Option<Self> {
        let tlvs = message.tlvs();
        let id = tlvs.iter().find(|it| it.tag == tag::RECEIPTED_MESSAGE_ID);
        let id = id.map(|it| it.octets.strip_suffix(&[0]).unwrap_or(it.octets));
        let state = tlvs.octets(tag::MESSAGE_STATE).and_then(|it| it.first());
        let is_said = matches!(message.kind(), FINAL | INTERMEDIATE);
        if !is_said && (message.kind() != 0 || id.is_none() || state.is_none()) {
            return None;
        }
        let mut receipt = Self::of_text(&String::from_utf8_lossy(&message.octets));
        if let Some(id) = id {
            receipt.message_id = String::from_utf8_lossy(id).into_owned();
        }
        if let Some(state) = state.copied().and_then(State::of_number) {
            receipt.state = state;
        }
        if let Some([kind, high, low]) = tlvs.octets(tag::NETWORK_ERROR_CODE) {
            receipt.network_error = Some((*kind, u16::from_be_bytes([*high, *low])));
        }
        (!receipt.message_id.is_empty()).then_some(receipt)
    }

    /// The receipt of a text; what is not in it stays empty, a state that is not in it is unknown.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        let starts: Vec<Option<usize>> = FIELDS.iter().map(|name| find(&lower, name)).collect();
        let field = |number: usize| {
            let from = (*starts.get(number)?)?.saturating_add(FIELDS.get(number)?.len());
            // The last field holds anything, names of fields too.
            let is_last = number == FIELDS.len().saturating_sub(1);
            let end = starts.iter().flatten().filter(|at| **at >= from).min();
            let to = end.copied().filter(|_| !is_last).unwrap_or(text.len());
            Some(text.get(from..to)?.trim_matches([' ', '\0']))
        };
        let owned = |number| field(number).unwrap_or_default().to_owned();
        Self {
            message_id: owned(0),
            state: field(5).and_then(State::of_name).unwrap_or(State::Unknown),
            submitted: field(1).and_then(|it| it.parse().ok()),
            delivered: field(2).and_then(|it| it.parse().ok()),
            submit_date: owned(3),
            done_date: owned(4),
            error: owned(6),
            text: owned(7),
            network_error: None,
        }
    }

    /// The text of the standard.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!(
            "id:{} sub:{:03} dlvrd:{:03} submit date:{} done date:{} stat:{} err:{} text:{}",
            self.message_id,
            self.submitted.unwrap_or(0),
            self.delivered.unwrap_or(0),
            self.submit_date,
            self.done_date,
            self.state.name(),
            self.error,
            self.text,
        )
    }

    /// The message that carries it back from where `of` was to go.
    #[must_use]
    pub fn message(&self, of: &ShortMessage) -> ShortMessage {
        let mut tlvs = Vec::new();
        let id = [self.message_id.as_bytes(), &[0]].concat();
        put_octets(&mut tlvs, tag::RECEIPTED_MESSAGE_ID, &id);
        put_number(
            &mut tlvs,
            tag::MESSAGE_STATE,
            u32::from(self.state.number()),
        );
        if let Some((kind, error)) = self.network_error {
            let [high, low] = error.to_be_bytes();
            put_octets(&mut tlvs, tag::NETWORK_ERROR_CODE, &[kind, high, low]);
        }
        ShortMessage {
            source: of.destination.clone(),
            destination: of.source.clone(),
            esm_class: if self.state.is_final() {
                FINAL
            } else {
                INTERMEDIATE
            },
            octets: self.to_text().into(),
            tlvs: tlvs.into(),
            ..ShortMessage::default()
        }
    }
}

/// Where a field begins: at the front, or after a blank.
fn find(text: &str, name: &str) -> Option<usize> {
    text.match_indices(name).map(|(at, _)| at).find(|at| {
        let before = text.get(..*at).and_then(|before| before.chars().last());
        before.is_none_or(|before| before.is_whitespace())
    })
}

/// YYMMDDhhmm, in UTC.
fn date(time: Time) -> String {
    let digits = |it: &char| it.is_ascii_digit();
    time.to_string()
        .chars()
        .filter(digits)
        .skip(2)
        .take(10)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "id:0123456789 sub:001 dlvrd:001 submit date:2611211200 done date:2611211201 stat:DELIVRD \
        err:000 text:hello stat:no";

    #[test]
    fn every_field_of_the_text_is_read_and_written_back() {
        let receipt = Receipt::of_text(TEXT);
        assert_eq!(receipt.message_id, "0123456789");
        assert_eq!(receipt.state, State::Delivered);
        assert_eq!((receipt.submitted, receipt.delivered), (Some(1), Some(1)));
        assert_eq!(receipt.submit_date, "2611211200");
        assert_eq!(receipt.done_date, "2611211201");
        assert_eq!(receipt.error, "000");
        assert_eq!(receipt.text, "hello stat:no");
        assert_eq!(receipt.to_text(), TEXT);
    }

    #[test]
    fn fields_stand_in_any_order_case_and_number() {
        let receipt = Receipt::of_text("STAT:undeliverable ERR:0A1 ID:ab-1");
        assert_eq!(receipt.message_id, "ab-1");
        assert_eq!(receipt.state, State::Undeliverable);
        assert_eq!(receipt.error, "0A1");
        assert_eq!(receipt.submitted, None);
    }

    #[test]
    fn parameters_win_over_the_text() {
        let of = ShortMessage::default();
        let mut receipt = Receipt::new("7", State::Expired, Time::EPOCH, Time::EPOCH, 27);
        let mut message = receipt.message(&of);
        message.octets = TEXT.into();
        let read = Receipt::read(&message).unwrap();
        assert_eq!(read.message_id, "7");
        assert_eq!(read.state, State::Expired);
        assert_eq!(read.network_error, Some((3, 27)));
        assert_eq!(read.text, "hello stat:no");
        receipt.state = State::Enroute;
        assert_eq!(receipt.message(&of).esm_class, INTERMEDIATE);
    }

    #[test]
    fn parameters_alone_are_a_receipt_and_a_message_alone_is_none() {
        let receipt = Receipt::new("7", State::Delivered, Time::EPOCH, Time::EPOCH, 0);
        let mut message = receipt.message(&ShortMessage::default());
        message.esm_class = 0;
        message.octets = bytes::Bytes::new();
        assert_eq!(Receipt::read(&message).unwrap().message_id, "7");
        message.tlvs = bytes::Bytes::new();
        assert_eq!(Receipt::read(&message), None);
        message.esm_class = FINAL;
        message.octets = "no receipt".into();
        assert_eq!(Receipt::read(&message), None);
    }

    #[test]
    fn dates_are_written_to_the_minute() {
        let now: Time = "2026-11-21T18:20:59Z".parse().unwrap();
        assert_eq!(date(now), "2611211820");
    }
}
