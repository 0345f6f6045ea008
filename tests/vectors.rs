//! Every test vector on file, through the format that its `kind` names; one line for each that does not hold.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test")]

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use sirgate::codec::FORMATS;
use sirgate::codec::vector::{self, Vector};

#[test]
fn every_vector_on_file_holds() {
    let mut differing = Vec::new();
    let mut count = 0_usize;
    for (path, vectors) in vectors() {
        for vector in &vectors {
            count += 1;
            let verdict = vector::run(vector);
            if !verdict.holds {
                differing.push(format!(
                    "{path}: {}: expected {}, is {}",
                    verdict.name, verdict.expected, verdict.actual
                ));
            }
        }
    }
    assert!(
        differing.is_empty(),
        "{} of {count} vectors differ:\n{}",
        differing.len(),
        differing.join("\n")
    );
    assert!(count >= 25, "the vectors are gone: {count}");
}

#[test]
fn ours_leave_nothing_open() {
    for (path, vectors) in vectors() {
        for vector in &vectors {
            let warnings = vector::run(vector).warnings;
            assert!(warnings.is_empty(), "{path}: {}: {warnings:?}", vector.name);
        }
    }
}

#[test]
fn the_name_of_a_vector_is_unique_in_its_file() {
    for (path, vectors) in vectors() {
        let mut names = HashSet::new();
        for vector in vectors {
            assert!(
                names.insert(vector.name.clone()),
                "{path}: {} stands twice",
                vector.name
            );
        }
    }
}

#[test]
fn every_malformed_vector_says_where_its_fault_stands() {
    for (path, vectors) in vectors() {
        for vector in vectors.iter().filter(|vector| !vector.valid) {
            assert!(
                vector.offset.is_some() && vector.error_class.is_some(),
                "{path}: {} has no offset or no error_class",
                vector.name
            );
        }
    }
}

#[test]
fn every_format_has_a_valid_and_a_malformed_vector() {
    let vectors: Vec<Vector> = vectors().into_iter().flat_map(|(_, it)| it).collect();
    for format in FORMATS {
        for valid in [true, false] {
            assert!(
                vectors
                    .iter()
                    .any(|vector| vector.kind == format.name && vector.valid == valid),
                "{}: no vector that is {}",
                format.name,
                if valid { "valid" } else { "malformed" }
            );
        }
    }
}

#[test]
fn formats_are_listed_once_and_in_order() {
    let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(names, sorted);
}

/// The vector files: JSON arrays whose objects have a `kind`.
fn vectors() -> Vec<(String, Vec<Vector>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let mut found = Vec::new();
    for path in files(&root) {
        let json: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        if json.get(0).and_then(|first| first.get("kind")).is_none() {
            continue;
        }
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        let vectors = serde_json::from_value(json)
            .unwrap_or_else(|fault| panic!("{name} is no file of vectors: {fault}"));
        found.push((name, vectors));
    }
    found
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|ending| ending == "json") {
            found.push(path);
        }
    }
    found.sort();
    found
}
