//! How many pushes to an identity of three devices the simulator carries in a second of real time: PAP in, three SIRs,
//! three sessions with MSRP, three reports, one result out, every octet encoded and decoded.
//!
//! `cargo bench --bench simulator`; with `-- --test` it plays a few only.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

use std::time::{Duration, Instant};

use sirgate::sim::storm;

fn main() {
    let is_test = std::env::args().any(|argument| argument == "--test");
    let pushes = if is_test { 20 } else { 5_000 };
    for plan in ["targeted", "fanout+id", "legacy"] {
        let begin = Instant::now();
        let delivered = storm::calm(plan, pushes);
        let took = begin.elapsed().max(Duration::from_micros(1));
        assert_eq!(
            delivered,
            usize::try_from(pushes).unwrap_or(0) * 3,
            "every device has every push"
        );
        println!(
            "{plan:<10} {:>8.0} pushes/s ({pushes} pushes, {delivered} contents, {took:?})",
            f64::from(pushes) / took.as_secs_f64()
        );
    }
}
