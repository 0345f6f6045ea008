//! What hostile octets cost: 64 KiB of any format, read, annotated or taken from a stream, never take more memory than
//! 16 times the input and 1 MiB. How long they take is a figure of `benches/hostile.rs`.
//!
//! One test, for the allocator counts for the whole process.
#![expect(clippy::arithmetic_side_effects, reason = "test")]

use peak_alloc::PeakAlloc;
use sirgate::codec::format::Format;
use sirgate::codec::{FORMATS, msrp, sip};
use sirgate::fuzzing::hostile::{Hostile, OCTETS, hostile, shapeless};
use sirgate::fuzzing::seeds;
use sirgate::limits;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What 64 KiB may take.
const MEMORY_MAX: usize = 16 * OCTETS + 1024 * 1024;
/// Fields of one message that are repeated.
const FIELDS: usize = 24;
/// Messages of one format that are grown.
const MESSAGES: usize = 4;

#[test]
fn no_64_kib_take_more_than_16_times_their_size_and_1_mib() {
    let mut faults = Vec::new();
    let mut count = 0_usize;
    for format in FORMATS {
        for Hostile { what, octets } in hostile(format, MESSAGES, FIELDS) {
            count += 1;
            for (way, peak) in peaks(format, &octets) {
                if peak > MEMORY_MAX {
                    let times = peak / OCTETS;
                    faults.push(format!("{}: {way} {what}: {times} times", format.name));
                }
            }
        }
    }
    for (name, take) in STREAMS {
        for Hostile { what, octets } in streams(name) {
            count += 1;
            let peak = peak(|| take(&octets));
            if peak > MEMORY_MAX {
                faults.push(format!("{name}: {what}: {} times", peak / OCTETS));
            }
        }
    }
    assert!(count > 3_000, "only {count} inputs");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What each way to read the octets takes at its peak.
fn peaks(format: &Format, octets: &[u8]) -> Vec<(String, usize)> {
    let mut peaks = Vec::new();
    for lenient in [false, true] {
        let decode = peak(|| drop((format.decode)(octets, lenient)));
        let spans = peak(|| drop((format.spans)(octets, lenient)));
        let way = if lenient { "lenient" } else { "strict" };
        peaks.push((format!("{way} decode of"), decode));
        peaks.push((format!("{way} spans of"), spans));
    }
    peaks
}

fn peak(work: impl FnOnce()) -> usize {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    work();
    ALLOCATOR.peak_usage().saturating_sub(before)
}

/// A stream's octets taken apart.
type Stream = (&'static str, fn(&[u8]));

/// What takes octets from a stream.
const STREAMS: &[Stream] = &[("sip", sip_stream), ("msrp", msrp_stream)];

/// All of them at once, then one by one: what is taken stays in memory, as that of a slow reader does.
fn sip_stream(octets: &[u8]) {
    let mut framer = sip::Framer::new(limits::SIP_MESSAGE_OCTETS);
    let mut taken = Vec::new();
    for piece in octets.chunks(1_000) {
        framer.push(piece);
        while let Some(Ok(framed)) = framer.next() {
            taken.push(framed);
        }
    }
}

fn msrp_stream(octets: &[u8]) {
    let mut framer = msrp::Framer::new();
    let mut taken = Vec::new();
    for piece in octets.chunks(1_000) {
        framer.push(piece);
        while let Some(Ok(message)) = framer.next() {
            taken.push(message);
        }
    }
}

/// Whole messages one after the other, and what is hostile to the format itself.
fn streams(name: &str) -> Vec<Hostile> {
    let mut inputs = shapeless();
    for seed in seeds().iter().filter(|seed| seed.format.name == name) {
        inputs.push(Hostile {
            what: "one message again and again".into(),
            octets: seed.octets.repeat(OCTETS / seed.octets.len().max(1)),
        });
    }
    let format = FORMATS.iter().find(|format| format.name == name);
    inputs.extend(
        format
            .map(|format| hostile(format, MESSAGES, FIELDS))
            .into_iter()
            .flatten(),
    );
    inputs
}
