//! The last events of a node, numbered; the oldest go when there is no more room.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use serde::Serialize;
use serde_json::Value;

use crate::event::{Event, Fact};
use crate::time::Time;

/// An event and its number.
#[derive(Debug)]
pub struct Entry {
    /// Its number, from 1; the cursor of whoever has seen it.
    pub seq: u64,
    /// The event.
    pub event: Event,
    /// The event as JSON, made when somebody looks at it.
    json: OnceLock<Value>,
}

/// One line of the event log.
#[derive(Serialize)]
struct Line<'a> {
    t: Time,
    seq: u64,
    #[serde(flatten)]
    fact: &'a Fact,
}

impl Entry {
    /// An event under its number.
    #[must_use]
    pub const fn new(seq: u64, event: Event) -> Self {
        Self {
            seq,
            event,
            json: OnceLock::new(),
        }
    }

    /// The event as one line of JSON, without an end of line.
    #[must_use]
    pub fn line(&self) -> String {
        let line = Line {
            t: self.event.t,
            seq: self.seq,
            fact: &self.event.fact,
        };
        // A fact holds nothing that JSON cannot hold.
        serde_json::to_string(&line).unwrap_or_default()
    }

    /// The event as a JSON object, without its number.
    #[must_use]
    pub fn json(&self) -> &Value {
        self.json
            .get_or_init(|| serde_json::to_value(&self.event).unwrap_or_default())
    }

    /// The event's name: `sir.tx`.
    #[must_use]
    pub fn name(&self) -> &str {
        let name = self.json().get("ev");
        name.and_then(Value::as_str).unwrap_or_default()
    }

    /// Octets it holds apart from its names.
    fn weight(&self) -> usize {
        match &self.event.fact {
            Fact::Wire { octets, what, .. } => octets.len().saturating_add(what.len()),
            _ => 0,
        }
    }
}

/// What a reader gets: events after its cursor, and how many it came too late for.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The events, oldest first.
    pub entries: Vec<Arc<Entry>>,
    /// Events after the cursor that the ring no longer holds.
    pub missed: u64,
    /// Where to go on: the number of the last event given, or the cursor itself.
    pub cursor: u64,
}

/// Events that are kept for those who look later.
#[derive(Debug)]
pub struct Ring {
    entries: VecDeque<Arc<Entry>>,
    /// The number of the latest event; 0 before the first.
    last: u64,
    dropped: u64,
    weight: usize,
    entries_max: usize,
    octets_max: usize,
}

impl Ring {
    /// Room for so many events, and for so many octets of messages in them.
    #[must_use]
    pub const fn new(entries_max: usize, octets_max: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            last: 0,
            dropped: 0,
            weight: 0,
            entries_max,
            octets_max,
        }
    }

    /// Adds an event; the oldest go when there is no room.
    pub fn push(&mut self, event: Event) -> Arc<Entry> {
        self.last = self.last.saturating_add(1);
        let entry = Arc::new(Entry::new(self.last, event));
        self.weight = self.weight.saturating_add(entry.weight());
        self.entries.push_back(entry.clone());
        while self.entries.len() > self.entries_max
            || (self.weight > self.octets_max && !self.entries.is_empty())
        {
            if let Some(oldest) = self.entries.pop_front() {
                self.weight = self.weight.saturating_sub(oldest.weight());
                self.dropped = self.dropped.saturating_add(1);
            }
        }
        entry
    }

    /// The number of the latest event.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// How many events went for want of room.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// At most `count` events after the cursor.
    #[must_use]
    pub fn after(&self, cursor: u64, count: usize) -> Page {
        let none_yet = self.last.saturating_add(1);
        let oldest = self.entries.front().map_or(none_yet, |entry| entry.seq);
        let wanted = cursor.saturating_add(1);
        let missed = oldest.saturating_sub(wanted);
        let skip = usize::try_from(wanted.saturating_sub(oldest)).unwrap_or(usize::MAX);
        let entries: Vec<_> = self
            .entries
            .iter()
            .skip(skip)
            .take(count)
            .cloned()
            .collect();
        let cursor = entries
            .last()
            .map_or_else(|| cursor.max(oldest.saturating_sub(1)), |entry| entry.seq);
        Page {
            entries,
            missed,
            cursor,
        }
    }

    /// All events that are kept, oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Entry>> {
        self.entries.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: u64) -> Event {
        Event {
            t: Time::from_micros(number),
            fact: Fact::MsgTx {
                dev: format!("C{number}"),
                kind: "registration".to_owned(),
            },
        }
    }

    fn numbers(page: &Page) -> Vec<u64> {
        page.entries.iter().map(|entry| entry.seq).collect()
    }

    #[test]
    fn the_oldest_events_go_and_are_counted() {
        let mut ring = Ring::new(3, usize::MAX);
        for number in 1..=5 {
            ring.push(event(number));
        }
        let page = ring.after(0, 10);
        assert_eq!(numbers(&page), [3, 4, 5]);
        assert_eq!((page.missed, page.cursor, ring.dropped()), (2, 5, 2));
    }

    #[test]
    fn a_cursor_gets_what_came_after_it_and_nothing_older() {
        let mut ring = Ring::new(10, usize::MAX);
        for number in 1..=5 {
            ring.push(event(number));
        }
        let page = ring.after(2, 2);
        assert_eq!(numbers(&page), [3, 4]);
        assert_eq!((page.missed, page.cursor), (0, 4));
        assert_eq!(numbers(&ring.after(4, 10)), [5]);
        let none = ring.after(5, 10);
        assert_eq!(numbers(&none), [0_u64; 0]);
        assert_eq!((none.missed, none.cursor), (0, 5));
    }

    #[test]
    fn a_cursor_of_the_future_is_kept() {
        let mut ring = Ring::new(10, usize::MAX);
        ring.push(event(1));
        let page = ring.after(7, 10);
        assert_eq!((page.entries.len(), page.missed, page.cursor), (0, 0, 7));
    }

    #[test]
    fn messages_weigh_by_their_octets() {
        let mut ring = Ring::new(100, 1000);
        for _ in 0..10 {
            ring.push(Event {
                t: Time::EPOCH,
                fact: Fact::Wire {
                    from: "PI".to_owned(),
                    to: "PPG".to_owned(),
                    line: "http".to_owned(),
                    what: String::new(),
                    push: None,
                    octets: bytes::Bytes::from(vec![0; 300]),
                },
            });
        }
        assert_eq!(ring.after(0, 100).entries.len(), 3);
        assert_eq!(ring.dropped(), 7);
    }

    #[test]
    fn a_line_has_time_number_and_name_first_and_no_octets() {
        let entry = Entry::new(
            7,
            Event {
                t: Time::from_micros(5),
                fact: Fact::Wire {
                    from: "PI".to_owned(),
                    to: "PPG".to_owned(),
                    line: "http".to_owned(),
                    what: "POST /pap".to_owned(),
                    push: None,
                    octets: bytes::Bytes::from_static(b"secret"),
                },
            },
        );
        assert_eq!(
            entry.line(),
            r#"{"t":5,"seq":7,"ev":"wire","from":"PI","to":"PPG","line":"http","what":"POST /pap","push":null}"#
        );
    }
}
