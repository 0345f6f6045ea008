//! Logs without identities, numbers and contents.
//!
//! What identifies somebody is replaced by a short mark that is the same within one run of the program, so that lines
//! about one person can still be put together, and cannot be traced back.

use std::borrow::Cow;
use std::fmt::Write;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;

use serde_json::Value;

use super::ring::Entry;

/// Digits in a row from which on they are taken for somebody's number.
const DIGITS_MIN: usize = 6;

/// The same for digits of hardware addresses and UUIDs.
const HEX_MIN: usize = 12;

/// Fields that hold contents or free text of a peer.
const CONTENTS: [&str; 2] = ["info", "what"];

/// What identities are written with: after one of these follows who it is.
const SCHEMES: [&str; 8] = [
    "sip:", "sips:", "tel:", "urn:", "mailto:", "im:", "pres:", "wappush=",
];

/// The event as one line for the log: its name, then its fields.
#[must_use]
pub fn redacted(entry: &Entry, reveal: bool) -> String {
    let mut line = entry.name().to_owned();
    for (field, value) in entry.json().as_object().into_iter().flatten() {
        if field == "ev" || field == "t" || value.is_null() {
            continue;
        }
        // Writing to a string does not fail.
        let _ = write!(line, " {field}=");
        if !reveal && CONTENTS.contains(&field.as_str()) {
            line.push('…');
        } else {
            add_value(&mut line, value, reveal);
        }
    }
    line
}

fn add_value(line: &mut String, value: &Value, reveal: bool) {
    match value {
        Value::String(text) if reveal => {
            let _ = write!(line, "{text:?}");
        }
        Value::String(text) => {
            let text = redact(text);
            if text.contains(' ') {
                let _ = write!(line, "{text:?}");
            } else {
                line.push_str(&text);
            }
        }
        Value::Array(items) => {
            line.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    line.push(' ');
                }
                add_value(line, item, reveal);
            }
            line.push(']');
        }
        other if reveal => line.push_str(&other.to_string()),
        Value::Object(_) => line.push('…'),
        other => line.push_str(&other.to_string()),
    }
}

/// The text with every word that identifies somebody replaced by a mark.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    let is_end = |c: char| c.is_whitespace() || "<>\"'(),[]{}".contains(c);
    if !text.split(is_end).any(is_personal) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(is_end).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if is_personal(word) {
            clean.push_str(&mark(word));
        } else {
            clean.push_str(word);
        }
        let mut chars = after.chars();
        clean.extend(chars.next());
        rest = chars.as_str();
    }
    Cow::Owned(clean)
}

/// True when a word names a person, a device or a number. An IP address names none of them.
fn is_personal(word: &str) -> bool {
    if word.parse::<SocketAddr>().is_ok() || word.parse::<IpAddr>().is_ok() {
        return false;
    }
    let lower = word.to_ascii_lowercase();
    if word.contains('@')
        || lower.contains("%40")
        || SCHEMES.iter().any(|scheme| lower.contains(scheme))
    {
        return true;
    }
    let (mut digits, mut hex) = (0_usize, 0_usize);
    for c in word.chars() {
        // Numbers are written in groups.
        if !matches!(c, '-' | '.') {
            digits = if c.is_ascii_digit() {
                digits.saturating_add(1)
            } else {
                0
            };
            hex = if c.is_ascii_hexdigit() {
                hex.saturating_add(1)
            } else {
                0
            };
        }
        if digits >= DIGITS_MIN || hex >= HEX_MIN {
            return true;
        }
    }
    false
}

/// A mark for a word, the same for equal words as long as the program runs.
fn mark(word: &str) -> String {
    static KEY: OnceLock<RandomState> = OnceLock::new();
    let hash = KEY.get_or_init(RandomState::new).hash_one(word);
    format!("~{:08x}", hash & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, Fact};
    use crate::time::Time;

    #[test]
    fn identities_and_numbers_are_gone() {
        for text in [
            "sip:alice@example.com",
            "alice@example.com",
            "tel:+491701234567",
            "+49-170-1234567",
            "urn:gsma:imei:90420156-025763-0",
            "WAPPUSH=sip%3Aalice%40example.com/TYPE=USER@ppg.example.com",
            "SIP:ALICE",
            "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            "0024befffe804ff1",
        ] {
            let clean = redact(text);
            assert!(clean.starts_with('~'), "{text} became {clean}");
            assert!(!clean.contains("alice") && !clean.contains("1234567"));
        }
    }

    #[test]
    fn what_names_nobody_stays() {
        for text in [
            "C1",
            "k7q4",
            "fanout+id",
            "not wanted",
            "503",
            "x-wap-application:push.sia",
            "127.0.0.1:5060",
            "192.168.178.21",
        ] {
            assert_eq!(redact(text), text);
        }
    }

    #[test]
    fn words_in_a_sentence_are_replaced_one_by_one() {
        let clean = redact("no answer from <sip:alice@example.com>, 3 tries");
        assert!(clean.starts_with("no answer from <~"), "{clean}");
        assert!(clean.ends_with(">, 3 tries"), "{clean}");
    }

    #[test]
    fn equal_words_have_equal_marks() {
        assert_eq!(redact("sip:alice@a.example"), redact("sip:alice@a.example"));
        assert_ne!(redact("sip:alice@a.example"), redact("sip:bob@a.example"));
    }

    #[test]
    fn a_line_of_the_log_shows_contents_only_when_asked_to() {
        let entry = Entry::new(
            1,
            Event {
                t: Time::EPOCH,
                fact: Fact::InfoRx {
                    dev: "C1".to_owned(),
                    kind: "capability".to_owned(),
                    via: crate::event::Via::Sip,
                    info: serde_json::json!({"owner": "alice"}),
                },
            },
        );
        assert_eq!(
            redacted(&entry, false),
            "info.rx dev=C1 info=… kind=capability via=sip"
        );
        assert!(redacted(&entry, true).contains("alice"));
    }
}
