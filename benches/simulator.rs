//! How many pushes to an identity of three devices the simulator carries in a second of real time on one core: PAP in,
//! the content at every device that is meant, its confirmation, the result out and answered; every octet encoded and
//! decoded by both sides, every transaction, dialog, record and event as on real sockets.
//!
//! `cargo bench --bench simulator`; a word behind `--` picks cases, `--test` plays a few pushes only. What counts is the
//! time this thread had a core (where the system tells it: Linux), and the best of the rounds: what else runs on the
//! machine can only make a round slower.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

use std::time::{Duration, Instant};

use sirgate::sim::calm::{Calm, Carried, carry};

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
    println!(
        "case                            pushes/s   us/push  messages/push (SIP + MSRP + HTTP)  ns/message"
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
        if let Some((took, carried)) = best {
            line(name, &calm, took, &carried);
        }
    }
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

fn line(name: &str, calm: &Calm, took: Duration, carried: &Carried) {
    let pushes = f64::from(calm.pushes);
    let per_push = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / pushes;
    let traffic = carried.traffic;
    let [sip, msrp, http] = [traffic.datagrams, traffic.pieces, traffic.http].map(per_push);
    let messages = sip + msrp + http;
    let each = took.as_secs_f64() / pushes;
    println!(
        "{name:<30} {:>9.0} {:>9.1} {messages:>8.1} ({sip:>4.1} + {msrp:>4.1} + {http:>3.1}) {:>21.0}",
        1.0 / each,
        each * 1e6,
        each * 1e9 / messages
    );
}
