//! The requirement scenarios in the simulator: counts as the requirements say, ladders as they were reviewed.
//!
//! `UPDATE=1 cargo test --test scenarios` rewrites the ladders; the review reads the difference.

use std::path::Path;

use sirgate::event::Fact;
use sirgate::ladder;
use sirgate::sim::script::Script;
use sirgate::sim::{library, stage};

const SEED: u64 = 42;

#[test]
fn every_scenario_counts_what_the_requirements_say_and_draws_its_ladder() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut faults = Vec::new();
    for (name, text) in library::TEXTS {
        let script = Script::decode(text).unwrap();
        let played = stage::play(&script, SEED).unwrap();
        let ladder = stage::ladder(&script, &played.events);
        for count in script.counts(&played.events) {
            if count.expected != count.actual {
                faults.push(format!(
                    "{name}: {} times {}, expected {}\n{ladder}",
                    count.actual, count.of, count.expected
                ));
            }
        }
        if update {
            let file = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("testdata/scenarios")
                .join(format!("{name}.txt"));
            std::fs::write(
                file,
                format!("{}\n----\n{ladder}", Script::head(text).trim_end()),
            )
            .unwrap();
        } else if ladder.trim_end() != script.golden.trim_end() {
            faults.push(format!(
                "{name}: the ladder changed\n{ladder}\nwas\n{}",
                script.golden
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

#[test]
fn r2_69_counts_hold_whatever_the_seed() {
    for (name, text) in library::TEXTS {
        let script = Script::decode(text).unwrap();
        for seed in 0..8 {
            let played = stage::play(&script, seed).unwrap();
            for count in script.counts(&played.events) {
                assert_eq!(
                    count.expected, count.actual,
                    "{name} seed {seed}: {}",
                    count.of
                );
            }
        }
    }
}

#[test]
fn every_scenario_tells_the_initiator_the_end() {
    for (name, text) in library::TEXTS {
        let script = Script::decode(text).unwrap();
        let played = stage::play(&script, SEED).unwrap();
        let ledger = played.ledger.borrow();
        for (push, entry) in ledger.iter() {
            assert_eq!(entry.answer, Some(1001), "{name} {push}");
            assert!(
                entry.results.values().all(|state| state == "delivered"),
                "{name} {push}: {:?}",
                entry.results
            );
            assert_eq!(entry.results.len(), 1, "{name} {push}");
        }
    }
}

#[test]
fn s2_7_each_of_nine_wrappers_wakes_the_wanted_devices_and_no_other() {
    let mut bearers = std::collections::BTreeSet::new();
    for (name, text) in library::TEXTS {
        if !name.starts_with("S2.7") {
            continue;
        }
        let script = Script::decode(text).unwrap();
        let played = stage::play(&script, SEED).unwrap();
        let (mut woken, mut reached) = (Vec::new(), Vec::new());
        for event in &played.events {
            match &event.fact {
                Fact::SirTx { bearer, .. } => {
                    bearers.insert(format!("{bearer:?}").to_lowercase());
                }
                Fact::SirRx { dev, .. } => woken.push(dev.clone()),
                Fact::PushRx { dev, .. } => reached.push(dev.clone()),
                _ => {}
            }
        }
        woken.sort();
        reached.sort();
        // A second push into a session that is open wakes nobody.
        reached.dedup();
        assert_eq!(woken, reached, "{name}");
    }
    let all = "cs http ps service signalling sip sms ussd wsp";
    let seen: Vec<&str> = bearers.iter().map(String::as_str).collect();
    assert_eq!(seen.join(" "), all);
}

#[test]
fn the_ladder_of_one_push_draws_every_sir_and_every_content_whatever_carried_it() {
    for (name, text) in library::TEXTS {
        if !(name.starts_with("S2.7") || name.ends_with("content")) {
            continue;
        }
        let script = Script::decode(text).unwrap();
        let played = stage::play(&script, SEED).unwrap();
        let own = ladder::of_push(&played.events, "p1");
        let drawn = ladder::text(&own, &[], ladder::Style::default());
        let count = |is: &dyn Fn(&Fact) -> bool| {
            let those = played.events.iter().filter(|event| is(&event.fact));
            those.count()
        };
        let sirs = count(&|fact| matches!(fact, Fact::SirTx { .. }));
        let contents = count(&|fact| matches!(fact, Fact::PushTx { push, .. } if push == "p1"));
        assert_eq!(drawn.matches("  SIR").count(), sirs, "{name}\n{drawn}");
        assert_eq!(
            drawn.matches(" 5 octets").count(),
            contents,
            "{name}\n{drawn}"
        );
    }
}

/// Plays a scenario: what it counts is as expected.
#[expect(clippy::unwrap_used, reason = "test")]
fn is_as_expected(name: &str) {
    let (_, text) = library::TEXTS.iter().find(|(own, _)| *own == name).unwrap();
    let script = Script::decode(text).unwrap();
    let played = stage::play(&script, SEED).unwrap();
    let counts = script.counts(&played.events);
    assert!(!counts.is_empty());
    for count in counts {
        assert_eq!(count.actual, count.expected, "{name}: {}", count.of);
    }
}

#[test]
fn s1_1_r1_16_r1_43_a_mail_is_noticed_told_tapped_and_shown() {
    is_as_expected("S1.1");
}

#[test]
fn s1_2_r1_33_a_client_in_the_foreground_gets_the_mail_itself() {
    is_as_expected("S1.2");
}

#[test]
fn s1_3_r1_12_of_two_logins_the_later_device_is_told() {
    is_as_expected("S1.3");
}

#[test]
fn s1_5_mail_for_nobody_is_no_news() {
    is_as_expected("S1.5");
}

#[test]
fn r1_20_r1_23_a_monitor_that_breaks_is_degraded_and_nothing_is_lost_or_told_twice() {
    is_as_expected("S1-breaks");
}
