//! Storms: a gateway, devices and an initiator on a network that loses, doubles and reorders, while the gateway dies
//! and comes back; from a seed, with every invariant watched.
//!
//! Pushes wait for their time and end at it, are taken back, take the place of one another, and leave devices out. When
//! the storm is over the network is whole again, and everything must come to its end.

use std::time::Duration;

use super::initiator::{Cancel, Submission};
use super::invariant::{Invariants, Terms};
use super::stage::START;
use super::{Simulation, Weather};
use crate::event::{Event, Fact};
use crate::fault::Spec;
use crate::ladder::{self, Style};
use crate::random::Random;
use crate::time::Time;

mod drawing;
mod party;
mod sum;
mod verdict;

pub(super) use party::enter;
pub use sum::Sum;

use party::{Party, seat, stormy};

/// Devices of the identity.
pub(super) const DEVICES: [(&str, &str); 3] = [
    ("C1", "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
    ("C2", "urn:gsma:imei:90420156-025763-0"),
    ("C3", "urn:dev:mac:0024befffe804ff1"),
];
/// How long a push is tried.
const LIFETIME: Duration = Duration::from_secs(120);
/// How long after the last submission the storm goes on.
const RAGE: Duration = Duration::from_secs(60);
/// How long after its time is over, and the network whole, a push may take until its initiator is told.
const GRACE: Duration = Duration::from_secs(90);

/// One storm, made from its seed.
#[derive(Clone, Debug)]
pub struct Storm {
    seed: u64,
    weather: Weather,
    /// In a million, before each output of the gateway.
    crash_chance: u64,
    pushes: Vec<(Time, Submission)>,
    cancels: Vec<(Time, Cancel)>,
    /// What the devices are reached by, best first; SIP where nothing is said.
    bearers: Vec<Vec<&'static str>>,
    /// Rules about faults at the gateway while it rages.
    faults: Vec<Spec>,
}

impl Storm {
    /// When the last submission is made, and the storm begins to end.
    fn over(&self) -> Time {
        let last = self.pushes.iter().map(|(at, _)| *at).max();
        last.unwrap_or(START) + RAGE
    }
}

/// What came of a storm.
#[derive(Debug)]
pub struct Report {
    /// How often the gateway died.
    pub crashes: u32,
    /// Contents that devices took.
    pub delivered: usize,
    /// Contents that came again and were dropped by the device.
    pub repeated: usize,
    /// Results that the initiator was told again.
    pub told_again: u32,
    /// Addresses that were taken back.
    pub cancelled: u64,
    /// Devices that plans left out.
    pub excluded: u64,
    /// What rules about faults did.
    pub hits: usize,
    events: Vec<Event>,
    fault: Option<String>,
}

impl Report {
    /// What contradicts the rules, if anything does.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// The whole run as a ladder.
    #[must_use]
    pub fn ladder(&self) -> String {
        ladder::text(
            &self.events,
            &[],
            Style {
                ascii: false,
                all: true,
            },
        )
    }
}

/// Lets a storm pass.
#[must_use]
pub fn run(storm: &Storm) -> Report {
    let mut simulation = Simulation::new(START, Weather::CALM, storm.seed);
    let mut random = Random::from_number(storm.seed ^ 0x5707);
    let (pushes, cancels) = (&storm.pushes, &storm.cancels);
    let party = Party {
        bearers: &storm.bearers,
        faults: &storm.faults,
        over: storm.over(),
    };
    let (gateway, ledger) = seat(
        &mut simulation,
        (pushes, cancels),
        &party,
        stormy,
        &mut random,
    );
    // Devices register before it begins, so that a push has somebody to reach.
    simulation.run_until(START + Duration::from_secs(5));
    if !storm.faults.is_empty() {
        simulation.tell(gateway, party.request(simulation.now()));
    }
    simulation.network.weather = storm.weather;
    simulation.crash_chance = storm.crash_chance;
    let mut watch = watch(storm);
    let mut events = Vec::new();
    let over = storm.over();
    let latest = |(_, submission): &(Time, Submission)| {
        let begin = submission.deliver_after.unwrap_or(over).max(over);
        submission.deliver_before.unwrap_or(begin + LIFETIME)
    };
    let end = storm.pushes.iter().map(latest).max().unwrap_or(over) + GRACE;
    for until in [over, end] {
        while watch.violations().is_empty() && simulation.step(until) {
            for event in simulation.take_events() {
                watch.observe(&event);
                events.push(event);
            }
        }
        simulation.network.weather = Weather::CALM;
        simulation.crash_chance = 0;
    }
    let repeated = events.iter().filter(|event| is_repeat(event)).count();
    let is_hit = |event: &&Event| matches!(event.fact, Fact::FaultHit { .. });
    let hits = events.iter().filter(is_hit).count();
    let told_again = ledger.borrow().values().map(|entry| entry.repeats).sum();
    let fault = verdict::fault(&simulation, &watch, storm, &ledger);
    Report {
        cancelled: verdict::cancelled(&ledger),
        excluded: watch.excluded(),
        hits,
        crashes: simulation.crashes(),
        delivered: watch.deliveries(),
        repeated,
        told_again,
        events,
        fault,
    }
}

fn is_repeat(event: &Event) -> bool {
    matches!(event.fact, Fact::PushRx { repeated: true, .. })
}

fn watch(storm: &Storm) -> Invariants {
    let terms = |(_, submission): &(Time, Submission)| {
        let terms = Terms {
            not_before: submission.deliver_after,
            not_after: submission.deliver_before,
            replaces: submission.replaces.as_ref().map(|(old, _)| old.clone()),
        };
        (submission.push_id.clone(), terms)
    };
    let own = |(name, id): &(&str, &str)| ((*name).to_owned(), (*id).to_owned());
    Invariants::of(
        storm.pushes.iter().map(terms).collect(),
        DEVICES.iter().map(own).collect(),
    )
}
