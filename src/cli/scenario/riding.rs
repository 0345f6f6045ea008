//! The scenarios S4.*: what is played, and what must be counted.

use std::time::Duration;

use super::site::{Page, Store};
use crate::codec::site_message::Stamp;
use crate::driver::piggyback::{Commit, Levels, Nothing, Settings};
use crate::event::Event;
use crate::random::Random;
use crate::sim::script::Count;

/// One scenario.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    play: fn(u64) -> Option<Played>,
}

/// What came of it.
pub(super) struct Played {
    pub(super) counts: Vec<Count>,
    pub(super) events: Vec<Event>,
}

/// All of them.
pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "S4.1",
        title: "five messages in four states, three requests, one message between them",
        play: |seed| three_requests(seed, Levels::Two),
    },
    Scenario {
        name: "S4.2",
        title: "the same with one level",
        play: |seed| three_requests(seed, Levels::One),
    },
    Scenario {
        name: "S4.3",
        title: "nothing is unread: said or not by the site, shown or not by the page",
        play: nothing,
    },
    Scenario {
        name: "S4.4",
        title: "an hour of a busy user, beside a page that polls every ten seconds",
        play: an_hour,
    },
];

impl Scenario {
    pub(super) fn play(&self, seed: u64) -> Option<Played> {
        (self.play)(seed)
    }
}

/// The counts of a scenario, one by one.
#[derive(Default)]
struct Counts(Vec<Count>);

impl Counts {
    fn add(&mut self, of: impl Into<String>, expected: usize, actual: usize) {
        self.0.push(Count {
            of: of.into(),
            expected,
            actual,
        });
    }

    /// The three numbers of a response: new ones, offered ones, summaries.
    fn stamp(
        &mut self,
        name: &str,
        stamp: Option<&Stamp>,
        expected: (usize, Option<usize>, usize),
    ) {
        let own = stamp.cloned().unwrap_or_default();
        let (new, old, summaries) = expected;
        let number = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        self.add(format!("{name}: new"), new, number(own.new));
        match old {
            Some(old) => self.add(
                format!("{name}: offered"),
                old,
                own.old.map_or(usize::MAX, number),
            ),
            None => self.add(
                format!("{name}: numbers of offered ones"),
                0,
                usize::from(own.old.is_some()),
            ),
        }
        self.add(format!("{name}: summaries"), summaries, own.items.len());
    }
}

/// S4.1 and S4.2.
fn three_requests(seed: u64, levels: Levels) -> Option<Played> {
    let store = Store::new(seed);
    let seqs: Vec<u64> = ["one", "two", "three", "four", "five"]
        .map(|title| store.publish(title))
        .to_vec();
    let [one, two, three, ..] = seqs[..] else {
        return None;
    };
    store.change(one, "read");
    store.change(two, "deleted");
    store.ask(
        "POST",
        &format!("accounts/{}/offered", super::site::ALICE),
        &serde_json::json!({ "upto": three }),
    );
    let settings = Settings {
        levels,
        commit: Commit::Send,
        ..Settings::default()
    };
    let mut page = Page::open(&store, settings)?;
    let mut counts = Counts::default();
    let is_two = levels == Levels::Two;
    store.mark();
    let before = store.written();
    let expected = |new, old, all, summaries| match is_two {
        true => (new, Some(old), summaries),
        false => (all, None, summaries),
    };
    store.pass(Duration::from_secs(1));
    let a = page.ask();
    counts.stamp("A", a.as_ref(), expected(2, 1, 3, 3));
    let offered = if is_two { 3 } else { 1 };
    counts.add("messages offered after A", offered, store.count("offered"));
    store.pass(Duration::from_secs(1));
    let b = page.ask();
    counts.stamp("B", b.as_ref(), expected(0, 3, 3, 3));
    store.pass(Duration::from_secs(1));
    let between = store.written();
    store.publish("six");
    let published = store.written().saturating_sub(between);
    store.pass(Duration::from_secs(1));
    let c = page.ask();
    counts.stamp("C", c.as_ref(), expected(1, 3, 4, 4));
    let written = store.written().saturating_sub(before);
    // Each message that is offered is one record that changes: two by A, one by C.
    let changes = if is_two { 3 } else { 0 };
    let own = written.saturating_sub(published);
    counts.add("records that asking changed", changes, own);
    counts.add("requests of the page", 3, page.requests);
    Some(Played {
        counts: counts.0,
        events: store.events(),
    })
}

/// S4.3, as far as it is on the wire; what a page shows of it is shown in a browser (tests/interop).
fn nothing(seed: u64) -> Option<Played> {
    let store = Store::new(seed);
    let mut counts = Counts::default();
    for (row, said, notes) in [
        ("R4.33", Nothing::Said, true),
        ("R4.34", Nothing::Said, false),
        ("R4.35", Nothing::Silent, true),
        ("R4.36", Nothing::Silent, false),
    ] {
        let settings = Settings {
            nothing: said,
            ..Settings::default()
        };
        let mut page = Page::open(&store, settings)?;
        store.pass(Duration::from_secs(1));
        let stamp = page.ask();
        let is_said = said == Nothing::Said;
        counts.add(
            format!("{row}: responses that say there is none"),
            usize::from(is_said),
            stamp.iter().filter(|stamp| stamp.is_none()).count(),
        );
        // The page's note depends on its own setting alone: no stamp and an empty one are both nothing.
        let is_nothing = stamp.is_none_or(|stamp| stamp.is_none());
        counts.add(
            format!("{row}: notes of a page that shows that"),
            usize::from(notes),
            usize::from(notes && is_nothing),
        );
    }
    Some(Played {
        counts: counts.0,
        events: store.events(),
    })
}

/// What happens at a second of the hour.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deed {
    Message,
    Request,
    Poll,
}

/// Requests of the user, messages for him, seconds, and seconds between two polls.
const REQUESTS: usize = 119;
const MESSAGES: usize = 6;
const HOUR: u64 = 3_600;
const POLL: u64 = 10;

/// S4.4: the messages come before the last request, so that all of them are told.
fn an_hour(seed: u64) -> Option<Played> {
    let store = Store::new(seed);
    let polled = Store::new(seed);
    let deeds = deeds(seed);
    let mut page = Page::open(&store, Settings::default())?;
    let (mut at, mut polls, mut told) = (0, 0_usize, 0_usize);
    let mut cursor = 0;
    for (second, deed) in deeds {
        let time = Duration::from_secs(second.saturating_sub(at));
        store.pass(time);
        polled.pass(time);
        at = second;
        match deed {
            Deed::Message => {
                store.publish("message");
                polled.publish("message");
            }
            Deed::Request => {
                page.ask();
            }
            Deed::Poll => {
                polls = polls.saturating_add(1);
                told = told.saturating_add(poll(&polled, &mut cursor));
            }
        }
    }
    let mut counts = Counts::default();
    counts.add(
        "requests of the user's own business",
        REQUESTS,
        page.requests,
    );
    let queries = |event: &&Event| matches!(event.fact, crate::event::Fact::PbQuery { .. });
    let events = store.events();
    let asked = events.iter().filter(queries).count();
    counts.add(
        "further requests, with what rides along",
        0,
        page.requests.saturating_sub(REQUESTS),
    );
    counts.add("questions to the store", REQUESTS, asked);
    page.shown.sort_unstable();
    page.shown.dedup();
    counts.add(
        "messages shown, with what rides along",
        MESSAGES,
        page.shown.len(),
    );
    counts.add("further requests, polling every 10 s", 360, polls);
    counts.add("messages shown, polling every 10 s", MESSAGES, told);
    Some(Played {
        counts: counts.0,
        events: events
            .into_iter()
            .filter(|event| !queries(&event))
            .collect(),
    })
}

/// What is done in that hour, and when, in seconds.
fn deeds(seed: u64) -> Vec<(u64, Deed)> {
    let mut random = Random::from_number(seed);
    let mut deeds = vec![(HOUR, Deed::Request)];
    deeds.extend((1..REQUESTS).map(|_| (1 + random.below(HOUR - 1), Deed::Request)));
    deeds.extend((0..MESSAGES).map(|_| (1 + random.below(HOUR - 1), Deed::Message)));
    deeds.extend((1..=HOUR / POLL).map(|number| (number * POLL, Deed::Poll)));
    deeds.sort_by_key(|(at, deed)| (*at, *deed as u8));
    deeds
}

/// One poll of a page that knows nothing of what rides along; how many messages it brought.
fn poll(store: &Store, cursor: &mut u64) -> usize {
    let path = format!("accounts/{}/unread?levels=1&items=100", super::site::ALICE);
    let answer = store.ask("GET", &path, &serde_json::Value::Null);
    let Some(stamp) = answer.and_then(|it| serde_json::from_slice::<Stamp>(&it.body).ok()) else {
        return 0;
    };
    let fresh = stamp.items.iter().filter(|item| item.seq > *cursor).count();
    *cursor = stamp.seq.max(*cursor);
    fresh
}

#[cfg(test)]
mod tests {
    use super::*;

    fn played(name: &str, seed: u64) -> Played {
        let found = ALL.iter().find(|scenario| scenario.name == name).unwrap();
        let played = found.play(seed).unwrap();
        for count in &played.counts {
            assert_eq!(count.actual, count.expected, "{name} {seed}: {}", count.of);
        }
        played
    }

    #[test]
    fn s4_1_s4_2_r4_45_three_requests_tell_what_the_catalogue_says() {
        for seed in 0..4 {
            assert_eq!(played("S4.1", seed).counts.len(), 12);
            assert_eq!(played("S4.2", seed).counts.len(), 12);
        }
    }

    #[test]
    fn s4_3_on_the_wire_there_is_an_empty_stamp_or_none() {
        played("S4.3", 1);
    }

    #[test]
    fn s4_4_an_hour_costs_no_request_more_whatever_the_seed() {
        for seed in 0..8 {
            let played = played("S4.4", seed);
            let told = |event: &&Event| matches!(event.fact, crate::event::Fact::PbAttach { .. });
            assert!(played.events.iter().filter(told).count() >= 1);
        }
    }

    #[test]
    fn ladders_of_messages_that_ride_along_show_them() {
        let played = played("S4.1", 42);
        let ladder = crate::ladder::text(&played.events, &[], crate::ladder::Style::default());
        for line in [
            "new 2, offered 1, 3 summaries",
            "new 1, offered 3, 4 summaries",
        ] {
            assert!(ladder.contains(line), "{ladder}");
        }
    }
}
