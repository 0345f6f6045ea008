//! A thousand networks with loss, duplication, reordering and gateway restarts: every invariant holds in each.
//!
//! `SEED=17 cargo test --test simulation -- --nocapture` plays one again; `SEEDS=10000` plays more.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test")]

use sirgate::fault::preset::PRESETS;
use sirgate::sim::storm::{self, Storm};

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

#[test]
fn every_invariant_holds_in_a_thousand_storms() {
    let (first, count) = seeds();
    let sum = all(first, count, Storm::of);
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

fn storms(seeds: impl Iterator<Item = u64>, make: &dyn Fn(u64) -> Storm) -> storm::Sum {
    let mut sum = storm::Sum::default();
    for seed in seeds {
        let report = storm::run(&make(seed));
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

/// Storms of these seeds, over all cores.
fn all(first: u64, count: u64, make: impl Fn(u64) -> Storm + Sync) -> storm::Sum {
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let make = &make;
    let sums: Vec<storm::Sum> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..cores)
            .map(|core| {
                let seeds = (first + core..first + count).step_by(usize::try_from(cores).unwrap());
                scope.spawn(move || storms(seeds, make))
            })
            .collect();
        runs.into_iter()
            .map(|run| {
                run.join()
                    .unwrap_or_else(|why| std::panic::resume_unwind(why))
            })
            .collect()
    });
    sums.into_iter()
        .fold(storm::Sum::default(), storm::Sum::and)
}

fn seeds() -> (u64, u64) {
    match std::env::var("SEED") {
        Ok(seed) => (seed.parse().unwrap(), 1),
        Err(_) => (0, number("SEEDS", 1000)),
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let (one, two) = (storm::run(&Storm::of(7)), storm::run(&Storm::of(7)));
    assert_eq!(one.ladder(), two.ladder());
}

/// Every bearer, under what networks and peers do: the seeds are shared among the presets, so `SEEDS=5000` plays a
/// thousand under each. `PRESET=flapping` plays one alone, with all of them.
#[test]
fn every_invariant_holds_over_every_bearer_under_each_fault_preset() {
    let (first, count) = seeds();
    let only = std::env::var("PRESET").ok();
    let is_meant = |name: &str| only.as_deref().is_none_or(|only| only == name);
    let presets: Vec<_> = PRESETS.iter().filter(|it| is_meant(it.name)).collect();
    assert!(!presets.is_empty(), "no such preset");
    let each = count.div_ceil(presets.len() as u64);
    for preset in presets {
        let sum = all(first, each, |seed| Storm::under(preset, seed));
        println!("{:<12} {sum}", preset.name);
        if each >= 200 {
            // A storm without faults, or one that nothing survives, shows nothing.
            assert!(
                sum.hits > each && sum.delivered > each,
                "{}: {sum}",
                preset.name
            );
        }
    }
}

#[test]
fn a_storm_under_faults_is_the_same_again_from_its_seed() {
    let ladder = || storm::run(&Storm::under(&PRESETS[0], 3)).ladder();
    let one = ladder();
    assert!(one.contains("fault lossy-2g-"), "{one}");
    assert_eq!(one, ladder());
}
