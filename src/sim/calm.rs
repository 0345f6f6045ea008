//! Fair weather: many pushes to one identity of three devices on a network that loses nothing, for measuring.
//!
//! Every octet is encoded and decoded as in a storm; no message is reported and no invariant watched.

use std::time::Duration;

use super::cast;
use super::initiator::Submission;
use super::stage::START;
use super::storm::{DEVICES, enter};
use super::{Simulation, Traffic, Weather};
use crate::event::Fact;
use crate::gateway::config::Config;
use crate::random::Random;
use crate::time::Time;

/// What is pushed, and how often.
#[derive(Clone, Copy, Debug)]
pub struct Calm {
    /// How the devices are woken: `targeted`, `fanout+id`, `legacy`.
    pub plan: &'static str,
    /// How many of the three devices each push is for.
    pub wanted: usize,
    /// How long a session stays when it has nothing to carry; zero: every push opens its own.
    pub linger: Duration,
    /// How many pushes there are.
    pub pushes: u32,
    /// Virtual time from one push to the next.
    pub pause: Duration,
}

/// What was carried.
#[derive(Clone, Copy, Debug)]
pub struct Carried {
    /// Contents that devices took.
    pub contents: usize,
    /// Pushes whose result the initiator was told.
    pub told: usize,
    /// What went over the network, registrations and keep-alives included.
    pub traffic: Traffic,
}

/// Carries the pushes, and lets everything they started come to its end.
#[must_use]
pub fn carry(calm: &Calm) -> Carried {
    let weather = Weather {
        latency: Duration::from_micros(50),
        ..Weather::CALM
    };
    let mut simulation = Simulation::new(START, weather, 1);
    let mut random = Random::from_number(1);
    let pushes: Vec<_> = (0..calm.pushes).map(|number| push(calm, number)).collect();
    let config = |config| Config {
        session_linger: calm.linger,
        report_wire: false,
        ..config
    };
    let ledger = enter(&mut simulation, &pushes, &[], config, &mut random);
    let last = pushes.last().map_or(START, |(at, _)| *at);
    let mut contents = 0;
    while simulation.step(last + Duration::from_secs(60)) {
        let is_content = |fact: &Fact| {
            matches!(
                fact,
                Fact::PushRx {
                    repeated: false,
                    ..
                }
            )
        };
        let events = simulation.drain_events();
        contents += events.filter(|event| is_content(&event.fact)).count();
    }
    let told = ledger
        .borrow()
        .values()
        .map(|entry| entry.results.len())
        .sum();
    Carried {
        contents,
        told,
        traffic: simulation.traffic(),
    }
}

fn push(calm: &Calm, number: u32) -> (Time, Submission) {
    let settings = [
        ("plan".to_owned(), calm.plan.to_owned()),
        ("content".to_owned(), "hello".to_owned()),
    ];
    // Devices register in the first seconds.
    let at = START + Duration::from_secs(5) + calm.pause * number;
    let notify = Some("http://pi.example.com/results".to_owned());
    let names = DEVICES.iter().map(|(name, _)| (*name).to_owned());
    let to: Vec<String> = names.take(calm.wanted).collect();
    // The settings are the ones above, so there is no wrong one.
    let submission = cast::submission(&format!("p{number}"), &to, &settings, notify);
    (at, submission.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALM: Calm = Calm {
        plan: "targeted",
        wanted: 1,
        linger: Duration::ZERO,
        pushes: 10,
        pause: Duration::from_millis(100),
    };

    #[test]
    fn every_wanted_device_has_every_push_and_the_initiator_knows() {
        for (wanted, contents) in [(1, 10), (3, 30)] {
            let carried = carry(&Calm { wanted, ..CALM });
            assert_eq!((carried.contents, carried.told), (contents, 10));
        }
    }

    #[test]
    fn a_session_that_stays_carries_all_pushes() {
        let alone = carry(&CALM);
        let linger = Duration::from_secs(600);
        let kept = carry(&Calm { linger, ..CALM });
        assert_eq!(kept.contents, 10);
        assert!(kept.traffic.datagrams < alone.traffic.datagrams / 2);
    }
}
