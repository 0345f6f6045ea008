//! A thousand networks with loss, duplication, reordering and gateway restarts: every invariant holds in each.
//!
//! `SEED=17 cargo test --test simulation -- --nocapture` plays one again; `SEEDS=10000` plays more.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test")]

use sirgate::sim::storm::{self, Storm};

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

#[test]
fn every_invariant_holds_in_a_thousand_storms() {
    let (first, count) = match std::env::var("SEED") {
        Ok(seed) => (seed.parse().unwrap(), 1),
        Err(_) => (0, number("SEEDS", 1000)),
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let sums: Vec<storm::Sum> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..cores)
            .map(|core| {
                scope.spawn(move || {
                    storms((first + core..first + count).step_by(usize::try_from(cores).unwrap()))
                })
            })
            .collect();
        runs.into_iter()
            .map(|run| {
                run.join()
                    .unwrap_or_else(|why| std::panic::resume_unwind(why))
            })
            .collect()
    });
    let sum = sums
        .into_iter()
        .fold(storm::Sum::default(), storm::Sum::and);
    println!("{sum}");
    if count >= 1000 {
        // A storm that kills nobody and loses nothing shows nothing.
        assert!(
            sum.crashes > 500 && sum.delivered > 3000 && sum.repeated > 100,
            "{sum}"
        );
        assert!(sum.cancelled > 150 && sum.excluded > 300, "{sum}");
    }
}

fn storms(seeds: impl Iterator<Item = u64>) -> storm::Sum {
    let mut sum = storm::Sum::default();
    for seed in seeds {
        let report = storm::run(&Storm::of(seed));
        if let Some(why) = report.fault() {
            panic!(
                "seed {seed}: {why}\nplay it again: SEED={seed} cargo test --test simulation -- --nocapture\n{}",
                report.ladder()
            );
        }
        sum.add(&report);
    }
    sum
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let (one, two) = (storm::run(&Storm::of(7)), storm::run(&Storm::of(7)));
    assert_eq!(one.ladder(), two.ladder());
}
