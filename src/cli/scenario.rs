//! `sirgate scenario`: the requirement scenarios, in virtual time or over real sockets, with expected and actual counts.

mod riding;
mod site;

use super::fault::{Exit, Fault};
use super::{Global, stage};
use crate::ladder;
use crate::sim::script::{Count, Script};
use crate::sim::{library, stage as virtual_stage};

/// Subcommands of `scenario`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// The scenarios there are
    Ls,
    /// Play scenarios and compare counts; all of them, or those whose name begins so
    #[command(
        after_help = "Example:\n  sirgate scenario run S2.4\n  sirgate scenario run --over sockets --json"
    )]
    Run(Run),
}

/// Arguments of `scenario run`.
#[derive(clap::Args)]
pub struct Run {
    /// Beginnings of names, as S2.4; or a file of your own
    names: Vec<String>,
    /// Where it is played
    #[arg(long, value_parser = ["simulator", "sockets", "both"], default_value = "simulator")]
    over: String,
    /// The seed of the simulator
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Draw the ladder of each
    #[arg(long)]
    ladder: bool,
}

/// One scenario played in one place.
struct Report {
    name: String,
    title: String,
    over: &'static str,
    counts: Vec<Count>,
    ladder: String,
}

impl Report {
    fn is_as_expected(&self) -> bool {
        self.counts
            .iter()
            .all(|count| count.expected == count.actual)
    }
}

/// Runs the command.
///
/// # Errors
///
/// A name that no scenario has, or a file that is none.
pub fn run(command: &Command, global: &Global) -> Result<Exit, Fault> {
    match command {
        Command::Ls => {
            for script in library::all() {
                println!("{:<14} {}", script.name, script.title);
            }
            for scenario in riding::ALL {
                println!("{:<14} {}", scenario.name, scenario.title);
            }
            Ok(Exit::Yes)
        }
        Command::Run(arguments) => play(arguments, global),
    }
}

fn play(arguments: &Run, global: &Global) -> Result<Exit, Fault> {
    let (scripts, others) = choose(&arguments.names)?;
    let mut reports = Vec::new();
    for script in &scripts {
        let before = reports.len();
        if arguments.over != "sockets" {
            let played = virtual_stage::play(script, arguments.seed)
                .map_err(|what| unplayable(script, &what))?;
            reports.push(report(script, "simulator", &played.events));
        }
        // All scenarios over sockets are those that can be.
        let is_asked = !arguments.names.is_empty() || !script.is_virtual();
        if arguments.over != "simulator" && is_asked {
            let events = stage::play(script, global).map_err(|what| unplayable(script, &what))?;
            reports.push(report(script, "sockets", &events));
        }
        if !global.json {
            reports
                .iter()
                .skip(before)
                .for_each(|report| show(report, arguments.ladder));
        }
    }
    // These have no devices and no wire: they are played in virtual time alone.
    if arguments.over != "sockets" {
        for scenario in others {
            let report = ride(scenario, arguments.seed)?;
            if !global.json {
                show(&report, arguments.ladder);
            }
            reports.push(report);
        }
    }
    let failed = reports
        .iter()
        .filter(|report| !report.is_as_expected())
        .count();
    if global.json {
        println!("{}", json(&reports));
    } else {
        println!(
            "{} played, {} as expected, {failed} not",
            reports.len(),
            reports.len() - failed
        );
    }
    Ok(if failed == 0 {
        Exit::Yes
    } else {
        Exit::Verdict
    })
}

fn ride(scenario: &riding::Scenario, seed: u64) -> Result<Report, Fault> {
    let none = || {
        Fault::new(
            "SG-S001",
            Exit::Untested,
            format!("{} cannot be played: there is no runtime", scenario.name),
            "try again when the system has resources",
        )
    };
    let played = scenario.play(seed).ok_or_else(none)?;
    Ok(Report {
        name: scenario.name.to_owned(),
        title: scenario.title.to_owned(),
        over: "simulator",
        counts: played.counts,
        ladder: ladder::text(&played.events, &[], ladder::Style::default()),
    })
}

/// The scripts, and the scenarios of messages that ride along.
type Chosen = (Vec<Script>, Vec<&'static riding::Scenario>);

fn choose(names: &[String]) -> Result<Chosen, Fault> {
    if names.is_empty() {
        return Ok((library::all(), riding::ALL.iter().collect()));
    }
    let (mut chosen, mut others) = (Vec::new(), Vec::new());
    for name in names {
        if let Ok(text) = std::fs::read_to_string(name) {
            let script = Script::decode(&text).map_err(|error| {
                Fault::usage(
                    format!("{name}: {error}"),
                    "see testdata/scenarios for how one is written",
                )
            })?;
            chosen.push(script);
            continue;
        }
        let found: Vec<Script> = library::all()
            .into_iter()
            .filter(|script| script.name.starts_with(name.as_str()))
            .collect();
        let known = others.len();
        let beginning = |scenario: &&riding::Scenario| scenario.name.starts_with(name.as_str());
        others.extend(riding::ALL.iter().filter(beginning));
        if found.is_empty() && others.len() == known {
            return Err(Fault::usage(
                format!("there is no scenario {name}"),
                "see which there are: sirgate scenario ls",
            ));
        }
        chosen.extend(found);
    }
    Ok((chosen, others))
}

fn report(script: &Script, over: &'static str, events: &[crate::event::Event]) -> Report {
    Report {
        name: script.name.clone(),
        title: script.title.clone(),
        over,
        counts: script.counts(events),
        ladder: virtual_stage::ladder(script, events),
    }
}

fn show(report: &Report, ladder: bool) {
    let verdict = if report.is_as_expected() {
        "ok  "
    } else {
        "FAIL"
    };
    println!(
        "{verdict} {:<14} {:<9} {}",
        report.name, report.over, report.title
    );
    for count in &report.counts {
        let sign = if count.expected == count.actual {
            ' '
        } else {
            '!'
        };
        println!(
            "   {sign} expected {:>2}  actual {:>2}  {}",
            count.expected, count.actual, count.of
        );
    }
    if ladder || !report.is_as_expected() {
        println!("{}", report.ladder);
    }
}

fn json(reports: &[Report]) -> serde_json::Value {
    let scenarios: Vec<_> = reports
        .iter()
        .map(|report| {
            let counts: Vec<_> = report
                .counts
                .iter()
                .map(|count| serde_json::json!({"of": count.of, "expected": count.expected, "actual": count.actual}))
                .collect();
            serde_json::json!({
                "name": report.name, "title": report.title, "over": report.over,
                "as_expected": report.is_as_expected(), "counts": counts,
            })
        })
        .collect();
    serde_json::json!({"schema": "sirgate.scenarios/1", "scenarios": scenarios})
}

fn unplayable(script: &Script, what: &str) -> Fault {
    Fault::new(
        "SG-S001",
        Exit::Untested,
        format!("{} cannot be played: {what}", script.name),
        "mend the line the message names",
    )
}
