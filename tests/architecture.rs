//! The house rules, checked: who may import whom, what is absent on purpose, sizes, comments, the index of test data.
//!
//! The tables below are the rules; `docs/architecture.md` explains them.
#![expect(clippy::unwrap_used, reason = "test")]

use std::fs;
use std::path::{Path, PathBuf};

/// Modules at the top of the crate, by layer.
const BASE: &[&str] = &["time", "random", "timers", "machine", "limits"];
const BOUNDARY: &[&str] = &["world", "event", "ladder", "fault"];

/// A layer, what is in it, and the top-level modules it may name.
const IMPORTS: &[(&str, &[&[&str]])] = &[
    ("codec", &[&["limits", "time", "codec"]]),
    ("protocol", &[BASE, BOUNDARY, &["codec", "protocol"]]),
    (
        "gateway",
        &[BASE, BOUNDARY, &["codec", "protocol", "gateway"]],
    ),
    (
        "device",
        &[BASE, BOUNDARY, &["codec", "protocol", "device"]],
    ),
    (
        "sim",
        &[
            BASE,
            BOUNDARY,
            &["codec", "protocol", "gateway", "device", "sim"],
        ],
    ),
    (
        "fuzzing",
        &[
            BASE,
            BOUNDARY,
            &["codec", "protocol", "gateway", "device", "sim"],
        ],
    ),
    ("driver", &[BASE, BOUNDARY, &["codec", "driver"]]),
    (
        "cli",
        &[
            BASE,
            BOUNDARY,
            &[
                "codec", "protocol", "gateway", "device", "sim", "driver", "cli",
            ],
        ],
    ),
];

/// Codecs that may use one another; a codec not named here stands alone.
const CODEC_SIBLINGS: &[(&str, &[&str])] = &[
    ("annotated", &["format", "hex"]),
    ("corrupt", &["format", "hex"]),
    ("decimal", &[]),
    ("cursor", &["lexeme"]),
    ("deflate", &[]),
    ("format", &[]),
    ("guess", &["format", "hex"]),
    ("hex", &[]),
    ("pcap", &["hex"]),
    ("rows", &["format", "hex"]),
    ("lexeme", &[]),
    ("uri", &["lexeme"]),
    ("stun", &[]),
    ("device_id", &["lexeme", "uri"]),
    ("mime", &[]),
    ("sia", &["cursor", "format", "hex"]),
    ("sip", &["decimal", "format", "lexeme", "rows", "uri"]),
    ("imap", &[]),
    ("sdp", &[]),
    ("msrp", &["device_id", "format", "mime", "rows", "sir"]),
    (
        "sir",
        &["device_id", "format", "uri", "mime", "rows", "sia", "sip"],
    ),
    ("pap", &["format", "hex", "mime", "uri", "xml"]),
    (
        "wsp",
        &[
            "cursor",
            "device_id",
            "format",
            "hex",
            "lexeme",
            "mime",
            "object",
            "sia",
            "sir",
        ],
    ),
    ("wtp", &["cursor", "format", "hex", "object", "wsp"]),
    ("vector", &["format", "hex"]),
    ("xml", &["format"]),
    ("ota_http", &["device_id", "format", "hex", "sip", "sir"]),
    ("presence", &["format", "xml"]),
    ("reginfo", &["format", "xml"]),
    ("download_descriptor", &["format", "xml"]),
    ("message_summary", &["format"]),
    (
        "installation",
        &["download_descriptor", "format", "hex", "json_text", "xml"],
    ),
    ("site_message", &[]),
    ("wbxml", &["cursor", "format", "hex", "object", "xml"]),
    (
        "web_push",
        &["cursor", "format", "hex", "json_text", "object", "reader"],
    ),
    ("json_text", &[]),
    ("jwt", &["format", "hex", "object"]),
    ("apns", &["format", "hex", "json_text", "jwt"]),
    ("fcm", &["format", "json_text", "jwt"]),
    ("radio", &["cursor"]),
    ("reader", &["cursor", "format"]),
    ("object", &["format", "hex"]),
    ("sms", &["format", "hex", "object", "reader"]),
    ("ussd", &["format", "hex", "object", "reader", "sms"]),
    (
        "smpp",
        &["cursor", "format", "hex", "object", "reader", "sms", "ussd"],
    ),
];

/// Words that have no place below `driver`, each with the reason.
const BANNED_BELOW_DRIVER: &[(&str, &str)] = &[
    ("tokio", "sockets and tasks live in driver"),
    ("std::fs", "files live in driver"),
    ("std::thread", "threads live in driver"),
    ("Instant", "time is an argument"),
    ("SystemTime", "time is an argument"),
    ("getrandom", "chance is an argument"),
    ("tracing", "what is worth knowing is an event"),
    ("println!", "only cli prints"),
    ("UdpSocket", "sockets live in driver"),
    ("TcpStream", "sockets live in driver"),
    ("TcpListener", "sockets live in driver"),
    ("std::env", "configuration is an argument"),
];

/// Module names that say nothing.
const BANNED_NAMES: &[&str] = &[
    "util", "utils", "common", "helper", "helpers", "types", "manager", "core", "misc", "handler",
    "handlers", "shared",
];

const FILE_LINES_MAX: usize = 800;

#[test]
fn imports_only_point_down() {
    let mut faults = Vec::new();
    for source in Source::all() {
        let layer = source.layer();
        let Some((_, allowed)) = IMPORTS.iter().find(|(name, _)| *name == layer) else {
            continue;
        };
        for (line, target) in source.crate_paths() {
            if !allowed.iter().any(|group| group.contains(&target.as_str())) && target != layer {
                faults.push(format!(
                    "{}:{line}: {layer} may not name crate::{target}",
                    source.path
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn base_and_boundary_know_nothing_above_them() {
    let mut faults = Vec::new();
    for source in Source::all() {
        let layer = source.layer();
        let allowed: Vec<&str> = match layer.as_str() {
            name if BASE.contains(&name) => BASE.to_vec(),
            name if BOUNDARY.contains(&name) => [BASE, BOUNDARY, &["codec"]].concat(),
            _ => continue,
        };
        for (line, target) in source.crate_paths() {
            if !allowed.contains(&target.as_str()) {
                faults.push(format!(
                    "{}:{line}: {layer} may not name crate::{target}",
                    source.path
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn codecs_use_only_the_siblings_they_are_allowed() {
    let mut faults = Vec::new();
    for source in Source::all() {
        let Some(codec) = source.codec() else {
            continue;
        };
        let Some((_, allowed)) = CODEC_SIBLINGS.iter().find(|(name, _)| *name == codec) else {
            faults.push(format!(
                "{}: codec {codec} is not in CODEC_SIBLINGS",
                source.path
            ));
            continue;
        };
        for (line, sibling) in source.codec_paths() {
            let is_type = sibling.chars().next().is_some_and(char::is_uppercase);
            if !is_type && sibling != codec && !allowed.contains(&sibling.as_str()) {
                faults.push(format!(
                    "{}:{line}: {codec} may not name codec::{sibling}",
                    source.path
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn nothing_below_driver_touches_the_world() {
    let mut faults = Vec::new();
    for source in Source::all() {
        if matches!(source.layer().as_str(), "driver" | "cli" | "main" | "lib") {
            continue;
        }
        for (number, line) in source.code_lines() {
            for (word, why) in BANNED_BELOW_DRIVER {
                if contains_word(line, word) {
                    faults.push(format!("{}:{number}: {word} ({why})", source.path));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_file_says_what_it_is_and_fits() {
    let mut faults = Vec::new();
    for source in Source::all() {
        if !source.text.starts_with("//! ") {
            faults.push(format!("{}: begins without a //! sentence", source.path));
        }
        let lines = source.text.lines().count();
        if lines > FILE_LINES_MAX {
            faults.push(format!(
                "{}: {lines} lines, at most {FILE_LINES_MAX}",
                source.path
            ));
        }
        for (number, line) in source.text.lines().enumerate() {
            for word in ["TODO", "FIXME", "XXX"] {
                if contains_word(line, word) {
                    faults.push(format!("{}:{}: {word}", source.path, number + 1));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_module_has_a_name_that_says_something() {
    let faults: Vec<String> = Source::all()
        .into_iter()
        .filter(|source| {
            Path::new(&source.path)
                .with_extension("")
                .iter()
                .any(|part| BANNED_NAMES.iter().any(|name| part == *name))
        })
        .map(|source| source.path)
        .collect();
    assert!(faults.is_empty(), "banned module names: {faults:?}");
}

#[test]
fn a_function_fits_a_screen() {
    let mut faults = Vec::new();
    for source in Source::all() {
        for (name, line, length) in functions(&source.text) {
            // Clippy counts code lines (60); this one also sees tests and blank lines, and catches what was excused.
            if length > 120 {
                faults.push(format!(
                    "{}:{line}: fn {name} has {length} lines",
                    source.path
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_index_of_test_data_names_every_folder_and_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let index = fs::read_to_string(root.join("README.md")).unwrap();
    let mut faults = Vec::new();
    for file in files(&root, "") {
        let name = file
            .strip_prefix(&root)
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let folder = Path::new(&name)
            .parent()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        // A folder whose own README lists its files is named once in the index.
        let own = root.join(&folder).join("README.md");
        let listed_below = !folder.is_empty()
            && own.exists()
            && index.contains(&format!("`{folder}/`"))
            && fs::read_to_string(&own)
                .unwrap()
                .contains(Path::new(&name).file_name().unwrap().to_str().unwrap());
        if name != "README.md"
            && !name.ends_with("/README.md")
            && !index.contains(&name)
            && !listed_below
        {
            faults.push(name);
        }
    }
    assert!(faults.is_empty(), "not in testdata/README.md: {faults:?}");
}

#[test]
fn the_rules_catch_what_they_are_for() {
    assert!(contains_word("let now = Instant::now();", "Instant"));
    assert!(!contains_word("instantly", "Instant"));
    let source = Source {
        path: "src/gateway/mod.rs".into(),
        text: "use crate::device::Device;\nuse super::codec;\nlet x = crate::driver::run();\n// crate::cli is prose\n".into(),
    };
    let targets: Vec<String> = source
        .crate_paths()
        .into_iter()
        .map(|(_, target)| target)
        .collect();
    assert_eq!(targets, ["device", "driver"]);
    let grouped = Source {
        path: "src/codec/sir.rs".into(),
        text: "use crate::codec::{mime, sip::Message};\nuse crate::{codec::pap, time};\n".into(),
    };
    let siblings: Vec<String> = grouped
        .codec_paths()
        .into_iter()
        .map(|(_, sibling)| sibling)
        .collect();
    assert_eq!(siblings, ["mime", "sip", "pap"]);
    assert_eq!(functions("fn a() {\n  1\n}\n"), [("a".to_owned(), 1, 3)]);
}

/// One source file of the crate.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn all() -> Vec<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        files(&root.join("src"), ".rs")
            .into_iter()
            .map(|file| Self {
                path: file
                    .strip_prefix(root)
                    .unwrap()
                    .to_string_lossy()
                    .into_owned(),
                text: fs::read_to_string(&file).unwrap(),
            })
            .collect()
    }

    /// The first folder below `src`, or the file's name.
    fn layer(&self) -> String {
        Path::new(&self.path)
            .with_extension("")
            .iter()
            .nth(1)
            .unwrap()
            .to_string_lossy()
            .into_owned()
    }

    /// The codec a file belongs to; `None` outside `codec` and for its `mod.rs`.
    fn codec(&self) -> Option<String> {
        let stem = Path::new(&self.path).with_extension("");
        let mut parts = stem.iter().skip(1);
        (parts.next()? == "codec").then_some(())?;
        let codec = parts.next()?.to_string_lossy().into_owned();
        (codec != "mod" && codec != "tests").then_some(codec)
    }

    /// Lines without comments, numbered from 1.
    fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
            .map(|(number, line)| (number + 1, line.split(" // ").next().unwrap_or(line)))
    }

    /// Every `crate::x` that the code names, with its line.
    fn crate_paths(&self) -> Vec<(usize, String)> {
        self.paths_after("crate::")
    }

    /// Every `crate::codec::x` that the code names, with its line.
    fn codec_paths(&self) -> Vec<(usize, String)> {
        let mut paths = self.paths_after("crate::codec::");
        for (line, inner) in self.groups_after("crate::{") {
            paths.extend(
                inner
                    .iter()
                    .filter_map(|path| path.strip_prefix("codec::"))
                    .map(|rest| (line, first_word(rest))),
            );
        }
        paths
    }

    fn paths_after(&self, prefix: &str) -> Vec<(usize, String)> {
        let mut paths = Vec::new();
        for (number, line) in self.code_lines() {
            for (at, _) in line.match_indices(prefix) {
                let rest = &line[at + prefix.len()..];
                if !rest.starts_with('{') {
                    paths.push((number, first_word(rest)));
                }
            }
        }
        let opening = format!("{prefix}{{");
        for (number, inner) in self.groups_after(&opening) {
            paths.extend(inner.iter().map(|path| (number, first_word(path))));
        }
        paths
    }

    /// The top-level members of each `prefix{...}` group, over line ends.
    fn groups_after(&self, opening: &str) -> Vec<(usize, Vec<String>)> {
        let mut groups = Vec::new();
        for (at, _) in self.text.match_indices(opening) {
            let line = self.text[..at].lines().count().max(1);
            if self
                .text
                .lines()
                .nth(line - 1)
                .is_some_and(|l| l.trim_start().starts_with("//"))
            {
                continue;
            }
            let (mut depth, mut members, mut member) = (1, Vec::new(), String::new());
            for character in self.text[at + opening.len()..].chars() {
                match character {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 1 => members.push(std::mem::take(&mut member)),
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
                if !(depth == 1 && character == ',') {
                    member.push(character);
                }
            }
            members.push(member);
            let members = members
                .iter()
                .map(|m| m.trim().to_owned())
                .filter(|m| !m.is_empty())
                .collect();
            groups.push((line, members));
        }
        groups
    }
}

fn first_word(text: &str) -> String {
    text.trim_start()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

fn contains_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !joins(before) && (word.ends_with('!') || !joins(after))
    })
}

/// Name, first line and length of every function, by indentation as rustfmt leaves it.
fn functions(text: &str) -> Vec<(String, usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let Some(rest) = line.trim_start().split("fn ").nth(1).filter(|_| {
            let head = line.trim_start();
            ["fn ", "pub", "const fn ", "async fn "]
                .iter()
                .any(|start| head.starts_with(start))
                && head.contains("fn ")
        }) else {
            continue;
        };
        let end = format!("{}}}", " ".repeat(indent));
        if let Some(length) = lines[at..].iter().position(|l| *l == end) {
            found.push((first_word(rest), at + 1, length + 1));
        }
    }
    found
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}
