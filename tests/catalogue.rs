//! `docs/requirements.md` and `docs/conformance.md` name tests that exist, and every test that is named after one of
//! their items.
#![expect(clippy::unwrap_used, reason = "test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

/// The requirements and scenarios of the catalogue: how their names begin, and their numbers.
const CATALOGUE: [(&str, RangeInclusive<usize>); 9] = [
    // The push session.
    ("R2", 1..=128),
    ("S2", 0..=8),
    // Messages of web applications.
    ("R0", 1..=51),
    ("S0", 1..=3),
    // Messages that ride along.
    ("R4", 1..=50),
    ("S4", 1..=5),
    // Instant notification.
    ("R1", 1..=53),
    ("S1", 1..=5),
    // Across the patents.
    ("RX", 1..=7),
];

#[test]
fn every_requirement_has_a_row_with_tests_that_exist_or_says_open() {
    let (rows, tests) = (rows(), tests());
    let mut faults = Vec::new();
    let names = CATALOGUE.iter().flat_map(|(begin, numbers)| {
        numbers
            .clone()
            .map(move |number| format!("{begin}.{number}"))
    });
    for name in names {
        match rows.get(&name) {
            None => faults.push(format!("{name} has no row")),
            Some(shown) if shown.is_empty() => {}
            Some(shown) => {
                let missing = shown.iter().filter(|test| !tests.contains(*test));
                faults.extend(missing.map(|test| format!("{name}: there is no test {test}")));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_test_that_names_a_requirement_is_in_its_row() {
    let rows = rows();
    let mut faults = Vec::new();
    for test in tests() {
        for name in named(&test) {
            if rows.get(&name).is_none_or(|shown| !shown.contains(&test)) {
                faults.push(format!("{test} is not in the row of {name}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn names_of_tests_say_which_requirements_they_show() {
    let all = |name: &str| named(name).join(" ");
    assert_eq!(all("r2_2_a_connected_device"), "R2.2");
    assert_eq!(all("r2_95_to_r2_98_what"), "R2.95 R2.96 R2.97 R2.98");
    assert_eq!(all("r2_8_and_r2_7_presence"), "R2.8 R2.7");
    assert_eq!(all("r2_32_r2_47_what"), "R2.32 R2.47");
    assert_eq!(all("s2_6_a_single_device"), "S2.6");
    assert_eq!(all("rows_of_2_7"), "");
}

/// Items of PAP and of the push proxy gateway: how many each group has.
const CONFORMANCE: [(&str, usize); 6] = [
    ("PAP-VAL-S", 3),
    ("PAP-OPS-S", 5),
    ("PAP-SEM-S", 16),
    ("PPG-GEN-S", 23),
    ("PPG-ADD-S", 4),
    ("OTA-HTTP", 17),
];

#[test]
fn every_item_of_conformance_has_a_row_with_tests_that_exist_and_every_such_test_is_in_it() {
    let rows = rows_of("docs/conformance.md", &["PAP-", "PPG-", "OTA-"]);
    let tests = tests();
    let mut faults = Vec::new();
    for (group, count) in CONFORMANCE {
        for item in (1..=count).map(|number| format!("{group}-{number:03}")) {
            match rows.get(&item) {
                None => faults.push(format!("{item} has no row")),
                Some(shown) => {
                    let missing = shown.iter().filter(|test| !tests.contains(*test));
                    faults.extend(missing.map(|test| format!("{item}: there is no test {test}")));
                }
            }
        }
    }
    for test in &tests {
        for item in items(test) {
            if rows.get(&item).is_none_or(|shown| !shown.contains(test)) {
                faults.push(format!("{test} is not in the row of {item}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_clause_of_conformance_names_tests_that_exist_or_says_open() {
    let tests = tests();
    let rows = rows_of("docs/conformance.md", &["RFC "]);
    assert!(!rows.is_empty());
    for (clause, shown) in rows {
        let missing: Vec<&String> = shown.iter().filter(|test| !tests.contains(*test)).collect();
        assert!(
            missing.is_empty(),
            "{clause}: there are no tests {missing:?}"
        );
    }
}

#[test]
fn names_of_tests_say_which_items_they_show() {
    assert_eq!(items("pap_sem_s_005_a_quality"), ["PAP-SEM-S-005"]);
    let both = items("ppg_gen_s_003_and_s_022_text");
    assert_eq!(both, ["PPG-GEN-S-003", "PPG-GEN-S-022"]);
    assert!(items("pap_val_of_something").is_empty());
}

/// The items of conformance at the start of a test's name.
fn items(test: &str) -> Vec<String> {
    let group = CONFORMANCE.into_iter().find_map(|(group, _)| {
        let start = group.to_lowercase().replace('-', "_");
        Some((group, test.strip_prefix(&format!("{start}_"))?))
    });
    let Some((group, mut rest)) = group else {
        return Vec::new();
    };
    let mut found = Vec::new();
    while let Some((number, after)) = rest.split_at_checked(3) {
        if number.parse::<u16>().is_err() {
            break;
        }
        found.push(format!("{group}-{number}"));
        let Some(more) = after.strip_prefix("_and_s_") else {
            break;
        };
        rest = more;
    }
    found
}

/// Each requirement's tests; none where it says `open`.
fn rows() -> BTreeMap<String, BTreeSet<String>> {
    let begins: Vec<String> = CATALOGUE
        .iter()
        .map(|(begin, _)| format!("{begin}."))
        .collect();
    let begins: Vec<&str> = begins.iter().map(String::as_str).collect();
    rows_of("docs/requirements.md", &begins)
}

/// Each row's tests, of rows whose names begin so; none where it says `open`.
fn rows_of(file: &str, begins: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let text = read(Path::new(file));
    let mut rows = BTreeMap::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, name, line, shown, _] = cells.as_slice() else {
            continue;
        };
        if !begins.iter().any(|begin| name.starts_with(begin)) {
            continue;
        }
        assert!(!line.is_empty(), "{name} says nothing");
        let tests: BTreeSet<String> = shown
            .split("<br>")
            .filter_map(|test| Some(test.strip_prefix('`')?.strip_suffix('`')?.to_owned()))
            .collect();
        assert!(!tests.is_empty() || *shown == "open", "{name}: {shown}");
        let double = rows.insert((*name).to_owned(), tests);
        assert!(double.is_none(), "{name} has two rows");
    }
    rows
}

/// True for the word that a requirement's name begins with in a test's name.
fn is_begin(word: &str) -> bool {
    CATALOGUE
        .iter()
        .any(|(begin, _)| begin.eq_ignore_ascii_case(word))
}

/// The requirements at the start of a test's name.
fn named(test: &str) -> Vec<String> {
    let mut words = test.split('_').peekable();
    let mut names: Vec<(String, usize)> = Vec::new();
    let mut is_range = false;
    while let Some(word) = words.next() {
        match word {
            word if is_begin(word) => {
                let Some(number) = words.next().and_then(|number| number.parse().ok()) else {
                    break;
                };
                if is_range && let Some((_, from)) = names.last().cloned() {
                    let between = from.saturating_add(1)..number;
                    names.extend(between.map(|number| (word.to_owned(), number)));
                }
                is_range = false;
                names.push((word.to_owned(), number));
            }
            "to" if !names.is_empty() => is_range = true,
            "and" if words.peek().is_some_and(|word| is_begin(word)) => {}
            _ => break,
        }
    }
    names
        .into_iter()
        .map(|(kind, number)| format!("{}.{number}", kind.to_uppercase()))
        .collect()
}

/// Names of all functions marked as tests.
fn tests() -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    let mut folders = vec![Path::new("src").to_owned(), Path::new("tests").to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(base().join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            if base().join(&path).is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = read(&path);
                let functions = text.split("#[test]").skip(1);
                tests.extend(functions.filter_map(|rest| {
                    let rest = rest.split_once("fn ")?.1;
                    Some(rest.split_once('(')?.0.to_owned())
                }));
                // Tests that a macro or a proptest! block makes.
                let plain = text.lines().filter_map(|line| {
                    let line = line.trim();
                    let line = line.strip_prefix("async ").unwrap_or(line);
                    let name = line.strip_prefix("fn ")?.split_once('(')?.0;
                    (!named(name).is_empty()).then(|| name.to_owned())
                });
                tests.extend(plain);
            }
        }
    }
    tests
}

fn read(path: &Path) -> String {
    fs::read_to_string(base().join(path)).unwrap()
}

fn base() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
