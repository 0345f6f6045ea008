//! Every fuzz target over the committed test data and mutations of it, from a fixed seed: no target is ever dead.

use std::fs;
use std::path::{Path, PathBuf};

use sirgate::fuzzing::TARGETS;
use sirgate::random::Random;

/// Mutations of each seed for each target.
const MUTATIONS: usize = 60;

#[test]
fn no_target_fails_on_test_data_or_its_mutations() {
    let seeds = seeds();
    assert!(seeds.len() > 20, "the test data is gone: {}", seeds.len());
    let mut random = Random::from_number(0x5172_6174);
    for (name, target) in TARGETS {
        for seed in &seeds {
            target(seed);
            for _ in 0..MUTATIONS {
                let mutated = mutate(seed, &mut random);
                let outcome = std::panic::catch_unwind(|| target(&mutated));
                assert!(outcome.is_ok(), "{name} fails on {}", hex(&mutated));
            }
        }
    }
}

/// Files of the test data as they are, and the octets that `.hex` files describe.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for file in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")) {
        let octets = fs::read(&file).unwrap_or_default();
        if file.extension().is_some_and(|ending| ending == "hex") {
            seeds.push(unhex(&String::from_utf8_lossy(&octets)));
        } else if octets.len() < 8_192 {
            seeds.push(octets);
        }
    }
    seeds
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Hex digits of the lines, without what follows a `#`.
fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .lines()
        .filter_map(|line| line.split('#').next())
        .flat_map(str::bytes)
        .filter_map(|c| {
            char::from(c)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect();
    digits
        .chunks_exact(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

fn mutate(seed: &[u8], random: &mut Random) -> Vec<u8> {
    let mut octets = seed.to_vec();
    for _ in 0..=random.below(3) {
        let at = usize::try_from(random.below(octets.len() as u64 + 1))
            .unwrap_or(0)
            .min(octets.len());
        let any = u8::try_from(random.below(256)).unwrap_or(0);
        match random.below(6) {
            0 => octets.truncate(at),
            1 => octets.insert(at, any),
            2 if at < octets.len() => {
                octets.remove(at);
            }
            3 if at < octets.len() => octets[at] = any,
            4 if at < octets.len() => octets[at] ^= 1 << (any & 7),
            _ => {
                let piece: Vec<u8> = octets[at..].iter().take(32).copied().collect();
                octets.splice(at..at, piece);
            }
        }
    }
    octets
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
