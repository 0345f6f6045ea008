//! README.md shows what happens: every `console` block is run in an empty folder, and what it shows is compared.
//!
//! A line `$ ` is a command, `> ` goes on with it, the rest is its standard output; a line `...` is any number of
//! lines. Times, dates and the push-id that the gateway made count as equal. `cargo run -q --` stands for the program.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "test")]

mod lab;

use std::path::Path;
use std::process::{Command, Stdio};

use lab::Process;

const API: &str = "127.0.0.1:8642";

/// Addresses of README.md that stand for ports which nobody else has.
const OWN: [&str; 12] = [
    "127.0.0.1:2775",
    "127.0.0.1:2776",
    "127.0.0.1:8643",
    "127.0.0.1:5062",
    "127.0.0.1:2857",
    "127.0.0.1:8644",
    "127.0.0.1:5063",
    "127.0.0.1:2858",
    "127.0.0.1:9200",
    "127.0.0.1:2948",
    "127.0.0.1:4035",
    "127.0.0.1:8080",
];

#[test]
fn every_console_block_of_the_readme_shows_what_happens() {
    let text = include_str!("../README.md");
    let folder = lab::folder();
    let mut nodes: Vec<Process> = Vec::new();
    // The demo takes another port where 8642 is not to be had.
    let mut api = API.to_owned();
    let own = OWN.map(|address| (address, format!("127.0.0.1:{}", lab::free_port())));
    let mut faults = Vec::new();
    let mut commands = 0;
    // The push-id that was made: there, and here.
    let mut made: [Option<String>; 2] = [None, None];
    for mut step in steps(text) {
        commands += 1;
        for (there, here) in &own {
            step.command = step.command.replace(there, here);
        }
        if needs_missing(&step.command, "curl") {
            println!("not run, there is no curl: {}", step.command);
            continue;
        }
        let shown = if step.runs_on() {
            let command = step.command.replace(API, &api);
            let arguments: Vec<&str> = command.split_whitespace().skip(1).collect();
            let node = Process::start(folder.path(), &arguments, "stop:");
            if step.command == "sirgate demo" {
                api = node.url().trim_start_matches("http://").to_owned();
            }
            let shown = node.banner.join("\n");
            nodes.push(node);
            shown
        } else {
            step.run(folder.path(), &api)
        };
        let mut shown = shown
            .replace(&format!(" --api http://{api}"), "")
            .replace(&api, API);
        for (there, here) in &own {
            shown = shown.replace(here, there);
        }
        for (made, text) in made.iter_mut().zip([&step.output, &shown]) {
            *made = push_id(text).or_else(|| made.take());
        }
        let [there, here] = &made;
        let expected = plain(&step.output, there.as_deref());
        let actual = plain(&shown, here.as_deref());
        if !fits(&expected, &actual) {
            faults.push(format!(
                "$ {}\n--- README.md\n{}\n--- it shows\n{shown}",
                step.command, step.output
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
    assert!(commands >= 8, "only {commands} commands were found");
}

#[test]
fn times_and_made_ids_count_as_equal_and_nothing_else_does() {
    let show = |text: &str| plain(text, push_id(text).as_deref());
    let one =
        "push k7q4v2  sip:alice  1 SIR\n C1 +1.2 ms  delivered\nin 12.4 ms  trace show k7q4v2";
    let other =
        "push aaaaaa  sip:alice  1 SIR\n C1 +0.3 ms  delivered\nin 9.9 ms  trace show aaaaaa";
    assert!(fits(&show(one), &show(other)));
    assert!(!fits(&show(one), &show(&other.replace("1 SIR", "2 SIR"))));
    assert!(!fits(&show(one), &show(&other.replace("C1", "C2"))));
    assert!(fits(&show("a\n...\nd"), &show("a\nb\nc\nd")));
    assert!(!fits(&show("a\n...\ne"), &show("a\nb\nc\nd")));
    assert_eq!(
        show("192.0.2.9 2026-11-21T15:52:43Z 0.0012"),
        ["192.0.2.9 # #"]
    );
}

/// A command and what README.md says it shows.
#[derive(Default)]
struct Step {
    command: String,
    output: String,
}

impl Step {
    /// True for what runs until Ctrl-C.
    fn runs_on(&self) -> bool {
        [
            "sirgate demo",
            "sirgate serve",
            "sirgate device run",
            "sirgate sim smsc",
            "sirgate proxy",
        ]
        .iter()
        .any(|start| self.command.starts_with(start))
    }

    fn run(&self, folder: &Path, api: &str) -> String {
        let program = Path::new(env!("CARGO_BIN_EXE_sirgate"));
        let path = std::env::var("PATH").unwrap();
        let output = Command::new("sh")
            .args(["-c", &self.command.replace(API, api)])
            .current_dir(folder)
            .env(
                "PATH",
                format!("{}:{path}", program.parent().unwrap().display()),
            )
            .env("SIRGATE_API", format!("http://{api}"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        print!("{}", lab::stderr(&output));
        lab::stdout(&output)
    }
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut is_console = false;
    for line in text.lines() {
        if line.starts_with("```") {
            is_console = line == "```console";
        } else if !is_console {
        } else if let Some(command) = line.strip_prefix("$ ") {
            let command = command
                .replace("cargo run -q -- ", "sirgate ")
                .replace("cargo run -- ", "sirgate ");
            steps.push(Step {
                command,
                output: String::new(),
            });
        } else if let Some(step) = steps.last_mut() {
            match line
                .strip_prefix("> ")
                .or_else(|| line.eq(">").then_some(""))
            {
                Some(more) => step.command.push_str(&format!("\n{more}")),
                None => step.output.push_str(&format!("{line}\n")),
            }
        }
    }
    steps
}

/// A machine may lack outside programs, but not where `tests/interop/run` has installed them and says so.
fn needs_missing(command: &str, program: &str) -> bool {
    let is_there = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    command.starts_with(program) && !is_there && std::env::var_os("SIRGATE_INTEROP").is_none()
}

/// The push-id in the first line of what a push shows.
fn push_id(text: &str) -> Option<String> {
    let id = text.strip_prefix("push ")?.split_whitespace().next()?;
    Some(id.to_owned())
}

/// The lines, with `#` for times and `ID` for a push-id that was made.
fn plain(text: &str, made: Option<&str>) -> Vec<String> {
    text.trim()
        .lines()
        .map(|line| {
            let words = line.split_whitespace().map(|word| match word {
                _ if Some(word) == made => "ID".to_owned(),
                _ => timeless(word),
            });
            words.collect::<Vec<_>>().join(" ")
        })
        .collect()
}

/// A decimal number or a date, wherever it stands in a word, becomes `#`.
fn timeless(word: &str) -> String {
    let is_time = |part: &str| {
        let decimal = part.split_once('.').is_some_and(|(whole, parts)| {
            [whole, parts]
                .iter()
                .all(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
        });
        let date =
            part.len() == 20 && part.ends_with('Z') && part.as_bytes().get(10) == Some(&b'T');
        decimal || date
    };
    word.split('"')
        .map(|part| {
            let (sign, number) = part
                .strip_prefix('+')
                .map_or(("", part), |rest| ("+", rest));
            if is_time(number) {
                format!("{sign}#")
            } else {
                part.to_owned()
            }
        })
        .collect::<Vec<_>>()
        .join("\"")
}

/// True when the lines are equal, where `...` is any number of lines.
fn fits(expected: &[String], actual: &[String]) -> bool {
    match (expected, actual) {
        ([], []) => true,
        ([any, rest @ ..], _) if any == "..." => {
            (0..=actual.len()).any(|skipped| fits(rest, &actual[skipped..]))
        }
        ([one, rest @ ..], [other, more @ ..]) => one == other && fits(rest, more),
        _ => false,
    }
}
