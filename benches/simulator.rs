//! How many pushes to an identity of three devices the simulator carries in a second of real time, on one core and, with
//! a simulation of its own on each, on all: PAP in, the content at every device that is meant, its confirmation, the
//! result out and answered; every octet encoded and decoded by both sides, every transaction, dialog, record and event
//! as on real sockets.
//!
//! `cargo bench --bench simulator`; a word behind `--` picks cases, `--test` plays a few pushes only. What counts is the
//! time this thread had a core (where the system tells it: Linux), and the best of the rounds: what else runs on the
//! machine can only make a round slower. A simulation never leaves its thread, so all cores carry the sum.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

use std::num::NonZero;
use std::thread;
use std::time::{Duration, Instant};

use mimalloc::MiMalloc;
use sirgate::sim::calm::{Calm, Carried, carry};

/// The allocator of the command.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The cases; pushes follow one another after a second of virtual time unless the name says otherwise.
const CASES: [(&str, Calm); 7] = [
    ("open session, one wanted", ONE_OPEN),
    ("open sessions, three wanted", THREE_OPEN),
    ("one wanted, targeted SIR", ONE),
    ("one wanted, fan-out naming it", ONE_FANOUT),
    ("three wanted, targeted SIRs", THREE),
    ("three wanted, legacy", THREE_LEGACY),
    ("three wanted, fifty a second", THREE_DENSE),
];
const ONE: Calm = Calm {
    plan: "targeted",
    wanted: 1,
    linger: Duration::ZERO,
    pushes: 5_000,
    pause: Duration::from_secs(1),
};
const ONE_FANOUT: Calm = Calm {
    plan: "fanout+id",
    ..ONE
};
const THREE: Calm = Calm { wanted: 3, ..ONE };
const THREE_LEGACY: Calm = Calm {
    plan: "legacy",
    ..THREE
};
const THREE_DENSE: Calm = Calm {
    pause: Duration::from_millis(20),
    ..THREE
};
const ONE_OPEN: Calm = Calm {
    linger: FOR_EVER,
    ..ONE
};
const THREE_OPEN: Calm = Calm {
    linger: FOR_EVER,
    ..THREE
};
/// Longer than any case lasts.
const FOR_EVER: Duration = Duration::from_secs(86_400);
const ROUNDS: usize = 5;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let is_test = words.iter().any(|word| word == "--test");
    let picks = |name: &str| {
        let mut wanted = words
            .iter()
            .filter(|word| !word.starts_with("--"))
            .peekable();
        wanted.peek().is_none() || wanted.any(|word| name.contains(word.as_str()))
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    println!(
        "                               pushes/s on       us/push  messages/push        ns/message\n\
         case                         one core {cores:>2} cores  one core  (SIP + MSRP + HTTP)    one core"
    );
    for (name, calm) in CASES.iter().filter(|(name, _)| picks(name)) {
        let calm = Calm {
            pushes: if is_test { 200 } else { calm.pushes },
            ..*calm
        };
        let rounds = if is_test { 1 } else { ROUNDS };
        let best = (0..rounds)
            .map(|_| measure(&calm))
            .min_by_key(|(took, _)| *took);
        let together = (0..rounds)
            .map(|_| on_all(cores, &calm))
            .fold(0.0, f64::max);
        if let Some((took, carried)) = best {
            line(name, &calm, took, together, &carried);
        }
    }
}

/// Pushes a second of one simulation on each core at the same time, as storms of many seeds are run.
fn on_all(cores: usize, calm: &Calm) -> f64 {
    thread::scope(|scope| {
        let lanes: Vec<_> = (0..cores)
            .map(|_| scope.spawn(|| measure(calm).0))
            .collect();
        let rate = |lane: thread::ScopedJoinHandle<'_, Duration>| match lane.join() {
            Ok(took) => f64::from(calm.pushes) / took.as_secs_f64(),
            Err(panic) => std::panic::resume_unwind(panic),
        };
        lanes.into_iter().map(rate).sum()
    })
}

fn measure(calm: &Calm) -> (Duration, Carried) {
    let (begin, on_core) = (Instant::now(), on_core());
    let carried = carry(calm);
    let took = on_core.map_or_else(
        || begin.elapsed(),
        |before| self::on_core().unwrap_or(before).saturating_sub(before),
    );
    let pushes = usize::try_from(calm.pushes).unwrap_or(0);
    assert_eq!(
        carried.contents,
        pushes * calm.wanted,
        "every content arrives"
    );
    assert_eq!(carried.told, pushes, "every result is told");
    (took, carried)
}

/// How long this thread has had a core so far.
fn on_core() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos = text.split(' ').next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

fn line(name: &str, calm: &Calm, took: Duration, together: f64, carried: &Carried) {
    let pushes = f64::from(calm.pushes);
    let per_push = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / pushes;
    let traffic = carried.traffic;
    let [sip, msrp, http] = [traffic.datagrams, traffic.pieces, traffic.http].map(per_push);
    let messages = sip + msrp + http;
    let each = took.as_secs_f64() / pushes;
    println!(
        "{name:<28} {:>8.0} {together:>8.0} {:>9.1} {messages:>6.1} ({sip:>4.1} + {msrp:>4.1} + {http:>3.1}) {:>8.0}",
        1.0 / each,
        each * 1e6,
        each * 1e9 / messages
    );
}
