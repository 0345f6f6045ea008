//! How long hostile octets take: the slowest of all inputs of 64 KiB for each format, strict, lenient and annotated.
//!
//! Its own harness, for what matters is the slowest input and not the mean of one.
#![expect(clippy::print_stdout, reason = "a bench prints")]

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use sirgate::codec::FORMATS;
use sirgate::codec::format::Format;
use sirgate::fuzzing::hostile::{Hostile, hostile};

/// Fields of one message that are repeated.
const FIELDS: usize = 24;
/// Messages of one format that are grown.
const MESSAGES: usize = 6;
/// Each input is read so often, and the quickest counts.
const TRIES: usize = 5;

fn main() {
    println!(
        "{:<24} {:>7} {:>12} {:>12}  the slowest",
        "64 KiB of", "inputs", "decode", "spans"
    );
    for format in FORMATS {
        let inputs = hostile(format, MESSAGES, FIELDS);
        let (decode, what) = slowest(&inputs, |octets, lenient| {
            drop((format.decode)(octets, lenient))
        });
        let (spans, _) = slowest(&inputs, |octets, lenient| {
            drop((format.spans)(octets, lenient))
        });
        let Format { name, .. } = format;
        println!(
            "{name:<24} {:>7} {decode:>12.1?} {spans:>12.1?}  {what}",
            inputs.len()
        );
    }
}

fn slowest(inputs: &[Hostile], read: impl Fn(&[u8], bool)) -> (Duration, &str) {
    let mut slowest = (Duration::ZERO, "");
    for Hostile { what, octets } in inputs {
        for lenient in [false, true] {
            let quickest = (0..TRIES).map(|_| {
                let started = worked();
                read(octets, lenient);
                worked().saturating_sub(started)
            });
            let took = quickest.min().unwrap_or_default();
            if took > slowest.0 {
                slowest = (took, what);
            }
        }
    }
    slowest
}

/// How long this thread had a processor: what else the machine does is not measured.
fn worked() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
