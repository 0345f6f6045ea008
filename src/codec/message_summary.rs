//! Message summaries: how many messages wait for somebody.
//!
//! **Source:** RFC 3842 section 5; message classes of RFC 3458. Classes that are not known are kept. Not here:
//! subscriptions (`protocol::sip`).

use core::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::format::{Decoded, Deviation, FieldFault, Format};
use super::{Class, DecodeError, Span};
use crate::limits;

/// Message summaries for people and programs.
pub const FORMAT: Format = Format {
    name: NAME,
    clause: CLAUSE,
    decode: |octets, lenient| {
        let mut reader = Reader::new(octets, lenient);
        let summary = reader.read()?;
        Ok(Decoded {
            fields: serde_json::to_value(summary).unwrap_or_default(),
            deviations: reader.deviations,
        })
    },
    spans: MessageSummary::spans,
    encode: |fields| {
        let summary = MessageSummary::deserialize(fields).map_err(FieldFault::new)?;
        let octets = summary.encode();
        // What cannot be read again has a line end or a blank where none may be.
        match MessageSummary::decode(&octets) {
            Ok(again) if again == summary => Ok(octets),
            Ok(_) => Err(FieldFault::new(
                "a text with a line end or blanks at its ends",
            )),
            Err(fault) => Err(FieldFault::new(format_args!(
                "the summary would be refused: expected {}",
                fault.expected
            ))),
        }
    },
};

/// The media type.
pub const TYPE: &str = "application/simple-message-summary";

const NAME: &str = "message-summary";
const CLAUSE: &str = "RFC 3842 5.2";

/// How many messages wait.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageSummary {
    /// Whether any message waits.
    pub waiting: bool,
    /// The account's URI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Counts by class.
    #[serde(default)]
    pub counts: Vec<Counts>,
    /// Header rows of single messages, each with its name and value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Vec<(String, String)>>,
}

/// Messages of one class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// The class as written: `Voice-Message`, `Text-Message` ...
    pub class: String,
    /// New ones.
    pub new: u32,
    /// Old ones.
    pub old: u32,
    /// Urgent ones among them, when that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgent: Option<Urgent>,
}

/// Urgent messages of one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Urgent {
    /// New ones.
    pub new: u32,
    /// Old ones.
    pub old: u32,
}

impl MessageSummary {
    /// Reads a summary by the letter.
    ///
    /// # Errors
    /// A line outside the grammar, with its offset.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        Reader::new(octets, false).read()
    }

    /// Where each line stands, up to the first fault.
    #[must_use]
    pub fn spans(octets: &[u8], lenient: bool) -> Vec<Span> {
        let mut reader = Reader::new(octets, lenient);
        // The fault itself is told by `decode`.
        let _ = reader.read();
        reader.spans
    }

    /// The octets.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = String::new();
        let waiting = if self.waiting { "yes" } else { "no" };
        let _ = write!(out, "Messages-Waiting: {waiting}\r\n");
        if let Some(account) = &self.account {
            let _ = write!(out, "Message-Account: {account}\r\n");
        }
        for Counts {
            class,
            new,
            old,
            urgent,
        } in &self.counts
        {
            let _ = write!(out, "{class}: {new}/{old}");
            if let Some(urgent) = urgent {
                let _ = write!(out, " ({}/{})", urgent.new, urgent.old);
            }
            out.push_str("\r\n");
        }
        for message in &self.messages {
            out.push_str("\r\n");
            for (name, value) in message {
                let _ = write!(out, "{name}: {value}\r\n");
            }
        }
        out.into_bytes()
    }

    /// The counts of a class, in any case.
    #[must_use]
    pub fn of_class(&self, class: &str) -> Option<&Counts> {
        self.counts
            .iter()
            .find(|counts| counts.class.eq_ignore_ascii_case(class))
    }
}

struct Reader<'a> {
    octets: &'a [u8],
    at: usize,
    lenient: bool,
    deviations: Vec<Deviation>,
    spans: Vec<Span>,
}

/// A line without its end, and where it begins.
struct Line<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    const fn new(octets: &'a [u8], lenient: bool) -> Self {
        Self {
            octets,
            at: 0,
            lenient,
            deviations: Vec::new(),
            spans: Vec::new(),
        }
    }

    fn read(&mut self) -> Result<MessageSummary, DecodeError> {
        if self.octets.len() > limits::MESSAGE_SUMMARY_OCTETS {
            return Err(fault(
                limits::MESSAGE_SUMMARY_OCTETS,
                Class::TooLarge,
                "the summary's end",
            ));
        }
        let mut summary = MessageSummary {
            waiting: self.waiting()?,
            ..MessageSummary::default()
        };
        while let Some(line) = self.line()? {
            if line.text.is_empty() {
                self.span(&line, "separator", "empty line");
                self.messages(&mut summary)?;
                break;
            }
            self.row(&line, &mut summary)?;
        }
        Ok(summary)
    }

    fn waiting(&mut self) -> Result<bool, DecodeError> {
        let expected = "Messages-Waiting: yes or no";
        let line = self
            .line()?
            .ok_or_else(|| fault(0, Class::Truncated, expected))?;
        let (name, value, value_at) = pair(&line)?;
        if !name.eq_ignore_ascii_case("Messages-Waiting") {
            return Err(fault(line.at, Class::MissingHeader, expected));
        }
        let waiting = value.eq_ignore_ascii_case("yes");
        if !waiting && !value.eq_ignore_ascii_case("no") {
            return Err(fault(value_at, Class::BadValue, "yes or no"));
        }
        self.span(&line, "waiting", value);
        Ok(waiting)
    }

    fn row(&mut self, line: &Line<'_>, summary: &mut MessageSummary) -> Result<(), DecodeError> {
        let (name, value, value_at) = pair(line)?;
        if name.eq_ignore_ascii_case("Message-Account") {
            if summary.account.is_some() || !summary.counts.is_empty() {
                return Err(fault(
                    line.at,
                    Class::Repeated,
                    "one account before the counts",
                ));
            }
            if value.is_empty() {
                return Err(fault(value_at, Class::BadValue, "the account's URI"));
            }
            summary.account = Some(value.to_owned());
            self.span(line, "account", value);
            return Ok(());
        }
        let counts = counts(name, value)
            .ok_or_else(|| fault(value_at, Class::BadValue, "new/old (urgent new/urgent old)"))?;
        if summary.counts.len() >= limits::MESSAGE_CLASSES {
            return Err(fault(line.at, Class::TooLarge, "fewer classes"));
        }
        if summary.of_class(name).is_some() {
            return Err(fault(line.at, Class::Repeated, "a class once"));
        }
        let path = format!("counts[{}]", summary.counts.len());
        self.span(line, &path, line.text);
        summary.counts.push(counts);
        Ok(())
    }

    fn messages(&mut self, summary: &mut MessageSummary) -> Result<(), DecodeError> {
        let mut rows = Vec::new();
        let mut number = 0_usize;
        let mut count = 0_usize;
        while let Some(line) = self.line()? {
            if line.text.is_empty() {
                if rows.is_empty() {
                    return Err(fault(line.at, Class::BadValue, "rows of a message"));
                }
                self.span(&line, "separator", "empty line");
                summary.messages.push(core::mem::take(&mut rows));
                number = number.saturating_add(1);
                continue;
            }
            count = count.saturating_add(1);
            if count > limits::MESSAGE_SUMMARY_ROWS {
                return Err(fault(line.at, Class::TooLarge, "fewer rows"));
            }
            let (name, value, _) = pair(&line)?;
            let path = format!("messages[{number}].{name}");
            self.span(&line, &path, value);
            rows.push((name.to_owned(), value.to_owned()));
        }
        if rows.is_empty() {
            return Err(fault(self.at, Class::Truncated, "rows of a message"));
        }
        summary.messages.push(rows);
        Ok(())
    }

    /// The next line; `None` at the end.
    fn line(&mut self) -> Result<Option<Line<'a>>, DecodeError> {
        let at = self.at;
        let rest = self.octets.get(at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(None);
        }
        let (line, end) = match memchr::memchr(b'\n', rest) {
            Some(end) => (rest.get(..end).unwrap_or_default(), end.saturating_add(1)),
            None => (rest, rest.len()),
        };
        let text = match line.strip_suffix(b"\r").filter(|_| line.len() < end) {
            Some(text) => text,
            None => {
                let offset = at.saturating_add(line.len());
                self.deviate(offset, "CR LF at the end of the line")?;
                line
            }
        };
        let odd = text
            .iter()
            .position(|octet| matches!(octet, 0..=0x08 | 0x0A..=0x1F | 0x7F));
        let text = core::str::from_utf8(text).map_err(|error| error.valid_up_to());
        let text = match (odd, text) {
            (Some(odd), _) | (None, Err(odd)) => {
                let offset = at.saturating_add(odd);
                return Err(fault(
                    offset,
                    Class::BadValue,
                    "text without control characters",
                ));
            }
            (None, Ok(text)) => text,
        };
        self.at = at.saturating_add(end);
        Ok(Some(Line { text, at }))
    }

    fn deviate(&mut self, at: usize, expected: &'static str) -> Result<(), DecodeError> {
        if self.lenient {
            self.deviations.push(Deviation { at, what: expected });
            Ok(())
        } else {
            Err(fault(at, Class::BadValue, expected))
        }
    }

    /// Notes a line with its end.
    fn span(&mut self, line: &Line<'_>, path: &str, value: &str) {
        self.spans.push(Span {
            at: line.at,
            len: self.at.saturating_sub(line.at),
            path: format!("{NAME}.{path}"),
            value: value.to_owned(),
            clause: CLAUSE,
        });
    }
}

/// Name, value and the value's offset of a row.
fn pair<'a>(line: &Line<'a>) -> Result<(&'a str, &'a str, usize), DecodeError> {
    let no_name = || fault(line.at, Class::BadValue, "a name and a colon");
    let (name, value) = line.text.split_once(':').ok_or_else(no_name)?;
    let name = name.trim_end_matches([' ', '\t']);
    let is_token = |octet: u8| octet.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&octet);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(no_name());
    }
    let value = value.trim_matches([' ', '\t']);
    let value_at = value
        .as_ptr()
        .addr()
        .saturating_sub(line.text.as_ptr().addr());
    Ok((name, value, line.at.saturating_add(value_at)))
}

fn counts(class: &str, value: &str) -> Option<Counts> {
    let both = |text: &str| {
        let (new, old) = text.split_once('/')?;
        Some((number(new)?, number(old)?))
    };
    let (all, urgent) = match value.split_once('(') {
        Some((all, urgent)) => (all, Some(both(urgent.strip_suffix(')')?)?)),
        None => (value, None),
    };
    let (new, old) = both(all)?;
    Some(Counts {
        class: class.to_owned(),
        new,
        old,
        urgent: urgent.map(|(new, old)| Urgent { new, old }),
    })
}

fn number(text: &str) -> Option<u32> {
    let digits = text.trim_matches([' ', '\t']);
    let is_number = !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

const fn fault(offset: usize, class: Class, expected: &'static str) -> DecodeError {
    DecodeError {
        format: NAME,
        offset,
        class,
        expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_class_is_found_in_any_case() {
        let summary = MessageSummary::decode(
            b"Messages-Waiting: yes\r\nvoice-message: 4294967295/8 (0/2)\r\n",
        )
        .unwrap();
        let counts = summary.of_class("Voice-Message").unwrap();
        assert_eq!((counts.new, counts.old), (u32::MAX, 8));
        assert_eq!(counts.urgent, Some(Urgent { new: 0, old: 2 }));
        assert_eq!(summary.of_class("fax-message"), None);
    }

    #[test]
    fn a_summary_at_the_bound_is_read_and_one_octet_more_is_not() {
        let room = limits::MESSAGE_SUMMARY_OCTETS - "Messages-Waiting: no\r\n\r\nA: \r\n".len();
        let with = |octets: usize| MessageSummary {
            messages: vec![vec![("A".into(), "x".repeat(octets))]],
            ..MessageSummary::default()
        };
        assert!(MessageSummary::decode(&with(room).encode()).is_ok());
        let error = MessageSummary::decode(&with(room + 1).encode()).unwrap_err();
        assert_eq!(error.class, Class::TooLarge);
    }

    #[test]
    fn a_summary_has_as_many_rows_as_the_limit_and_no_more() {
        let rows = |count: usize| {
            let text = format!(
                "Messages-Waiting: no\r\n\r\nA: b\r\n\r\n{}",
                "A: b\r\n".repeat(count - 1)
            );
            MessageSummary::decode(text.as_bytes())
                .map(|_| ())
                .map_err(|error| error.class)
        };
        let most = limits::MESSAGE_SUMMARY_ROWS;
        assert_eq!(rows(most), Ok(()));
        assert_eq!(rows(most + 1), Err(Class::TooLarge));
    }

    #[test]
    fn a_summary_has_as_many_classes_as_the_limit_and_no_more() {
        let with = |count: usize| {
            let rows: String = (0..count)
                .map(|number| format!("c{number}: 1/2\r\n"))
                .collect();
            MessageSummary::decode(format!("Messages-Waiting: no\r\n{rows}").as_bytes())
                .map(|summary| summary.counts.len())
                .map_err(|error| error.class)
        };
        let most = limits::MESSAGE_CLASSES;
        assert_eq!(with(most), Ok(most));
        assert_eq!(with(most + 1), Err(Class::TooLarge));
    }

    fn summary() -> impl Strategy<Value = MessageSummary> {
        let urgent = (any::<u32>(), any::<u32>()).prop_map(|(new, old)| Urgent { new, old });
        let counts = (any::<u32>(), any::<u32>(), proptest::option::of(urgent));
        let row = ("[A-Z][a-z]{1,5}", "[!-~]([ -~]{0,6}[!-~])?");
        (
            any::<bool>(),
            proptest::option::of("sip:[a-z]{1,8}@h"),
            proptest::collection::vec(counts, 0..4),
            proptest::collection::vec(proptest::collection::vec(row, 1..4), 0..3),
        )
            .prop_map(|(waiting, account, counts, messages)| MessageSummary {
                waiting,
                account,
                counts: counts
                    .into_iter()
                    .enumerate()
                    .map(|(number, (new, old, urgent))| Counts {
                        class: format!("Class{number}-Message"),
                        new,
                        old,
                        urgent,
                    })
                    .collect(),
                messages,
            })
    }

    proptest! {
        #[test]
        fn summaries_read_back_as_written(summary in summary()) {
            let octets = summary.encode();
            prop_assert_eq!(MessageSummary::decode(&octets), Ok(summary));
            let fields = (FORMAT.decode)(&octets, false).unwrap().fields;
            prop_assert_eq!((FORMAT.encode)(&fields), Ok(octets.clone()));
            let covered: usize = MessageSummary::spans(&octets, false).iter().map(|s| s.len).sum();
            prop_assert_eq!(covered, octets.len());
        }
    }
}
