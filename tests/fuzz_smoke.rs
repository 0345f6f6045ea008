//! Every fuzz target over its committed seeds, over the test data and over mutations of it, from a fixed seed: no target
//! is ever dead.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sirgate::codec::FORMATS;
use sirgate::fuzzing::{self, TARGETS, VECTOR_FILES};
use sirgate::random::Random;

/// Mutations of each seed for each target.
const MUTATIONS: usize = 60;
/// Those of a seed that is longer than [`LONG`]: unoptimised code has no time for more.
const MUTATIONS_OF_LONG: usize = 2;
/// Octets of an ordinary seed.
const LONG: usize = 8_192;
/// Structured damage of the vectors.
const PLANS: usize = 4_000;

#[test]
fn no_target_fails_on_test_data_or_its_mutations() {
    let seeds = seeds();
    assert!(seeds.len() > 20, "the test data is gone: {}", seeds.len());
    // Octets that are a plan are as good as any others: that target has its own test.
    let targets = || TARGETS.iter().filter(|(name, _)| *name != "formats");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for core in 0..cores {
            let (own, seeds) = (targets().skip(core).step_by(cores), &seeds);
            scope.spawn(move || {
                for (name, target) in own {
                    mutations(name, *target, seeds);
                }
            });
        }
    });
}

/// Each target has mutations of its own, whoever runs it.
fn mutations(name: &str, target: fn(&[u8]), seeds: &[Vec<u8>]) {
    let number = name.bytes().fold(0x5172_6174_u64, |number, octet| {
        number.rotate_left(7) ^ u64::from(octet)
    });
    let mut random = Random::from_number(number);
    for seed in seeds {
        target(seed);
        let count = match seed.len() {
            0..=LONG => MUTATIONS,
            _ => MUTATIONS_OF_LONG,
        };
        for _ in 0..count {
            let mutated = mutate(seed, &mut random);
            let outcome = std::panic::catch_unwind(|| target(&mutated));
            assert!(outcome.is_ok(), "{name} fails on {}", hex(&mutated));
        }
    }
}

#[test]
fn no_target_fails_on_its_committed_seeds() {
    let mut folders = entries("fuzz/seeds");
    for (name, target) in TARGETS {
        assert!(folders.remove(*name), "fuzz/seeds/{name} is missing");
        let seeds = files(&root().join("fuzz/seeds").join(name));
        assert!(!seeds.is_empty(), "fuzz/seeds/{name} is empty");
        for seed in seeds {
            let octets = fs::read(&seed).unwrap_or_default();
            let outcome = std::panic::catch_unwind(|| target(&octets));
            assert!(outcome.is_ok(), "{name} fails on {}", seed.display());
        }
    }
    assert!(folders.is_empty(), "seeds of no target: {folders:?}");
}

#[test]
fn every_target_is_a_program_of_its_own() {
    let programs = entries("fuzz/fuzz_targets");
    let targets: BTreeSet<String> = TARGETS
        .iter()
        .map(|(name, _)| format!("{name}.rs"))
        .collect();
    assert_eq!(programs, targets);
    let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap_or_default();
    for (name, _) in TARGETS {
        assert!(
            manifest.contains(&format!("\nname = \"{name}\"\n")),
            "{name}"
        );
    }
}

/// Plans from a fixed seed, which reach further than damage to octets does.
#[test]
fn every_format_keeps_its_promises_for_structured_damage() {
    let mut random = Random::from_number(0x7369_7267);
    for number in 0..PLANS {
        let plan = random.octets::<184>();
        let plan = &plan[..24 + number % 161];
        let outcome = std::panic::catch_unwind(|| fuzzing::formats(plan));
        assert!(outcome.is_ok(), "formats fails on {}", hex(plan));
    }
}

#[test]
fn structured_damage_begins_at_every_vector_file_and_format() {
    let known: BTreeSet<&str> = VECTOR_FILES.iter().map(|(name, _)| *name).collect();
    let data = root().join("testdata");
    for file in files(&data) {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        if json.get(0).is_some_and(|first| first.get("kind").is_some()) {
            let name = file.strip_prefix(&data).unwrap_or(&file);
            assert!(
                name.to_str().is_some_and(|name| known.contains(name)),
                "{name:?}"
            );
        }
    }
    for format in FORMATS {
        let mut seeds = fuzzing::seeds().iter();
        assert!(
            seeds.any(|seed| seed.format.name == format.name),
            "{}",
            format.name
        );
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn entries(folder: &str) -> BTreeSet<String> {
    let found = fs::read_dir(root().join(folder)).into_iter().flatten();
    found
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// Files of the test data as they are, and the octets that `.hex` files describe.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for file in files(&root().join("testdata")) {
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
