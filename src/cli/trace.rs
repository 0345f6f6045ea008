//! `sirgate trace`: what happened, listed or drawn.

use std::time::Duration;

use super::Global;
use super::api::{Api, escape, parse, problem};
use super::fault::{Exit, Fault};
use crate::event::{Event, Fact};
use crate::ladder::{self, Style};

/// Subcommands of `trace`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// The pushes the gateway knows, newest first
    #[command(after_help = "Example:\n  sirgate trace ls --json")]
    Ls,
    /// The ladder of one push
    #[command(
        after_help = "Example:\n  sirgate trace show k7q4\n  sirgate trace show --mermaid > push.mmd\n  sirgate trace show k7q4 --events events.jsonl"
    )]
    Show(Show),
}

/// Arguments of `trace show`.
#[derive(clap::Args)]
pub struct Show {
    /// The push-id; without it the last push
    push: Option<String>,
    /// Every message, also those usually folded
    #[arg(long)]
    all: bool,
    /// Letters and signs of ASCII only
    #[arg(long)]
    ascii: bool,
    /// As a Mermaid sequence diagram
    #[arg(long, conflicts_with = "csv")]
    mermaid: bool,
    /// As comma-separated values
    #[arg(long)]
    csv: bool,
    /// From the event log that serve or demo wrote, also when the gateway is gone
    #[arg(long, value_name = "FILE")]
    events: Option<String>,
}

/// Runs the command.
///
/// # Errors
///
/// The gateway does not answer, or does not know the push.
pub fn run(command: &Command, global: &Global) -> Result<Exit, Fault> {
    match command {
        Command::Ls => list(&Api::new(global)?, global),
        Command::Show(arguments) => show(arguments, global),
    }
}

fn list(api: &Api, global: &Global) -> Result<Exit, Fault> {
    let answer = api.json("/api/v1/pushes")?;
    if global.json {
        println!("{answer}");
        return Ok(Exit::Yes);
    }
    let pushes = answer
        .get("pushes")
        .and_then(serde_json::Value::as_array)
        .cloned()
        .unwrap_or_default();
    for push in &pushes {
        let text = |key: &str| {
            push.get(key)
                .and_then(serde_json::Value::as_str)
                .unwrap_or("-")
                .to_owned()
        };
        let address = push
            .get("addresses")
            .and_then(|addresses| addresses.get(0)?.get("pui")?.as_str());
        println!(
            "{:<24} {:<14} {:<28} {}",
            text("push_id"),
            text("state"),
            address.unwrap_or("-"),
            text("accepted")
        );
    }
    if pushes.is_empty() {
        eprintln!("no push yet; make one: sirgate push alice \"hello\"");
    }
    Ok(Exit::Yes)
}

fn show(arguments: &Show, global: &Global) -> Result<Exit, Fault> {
    if let Some(file) = &arguments.events {
        return from_file(file, arguments, global);
    }
    let api = Api::new(global)?;
    let push = match &arguments.push {
        Some(push) => push.clone(),
        None => last(&api)?,
    };
    let format = arguments.format(global);
    let all = if arguments.all { "&all=true" } else { "" };
    let ascii = if arguments.ascii { "&ascii=true" } else { "" };
    let path = format!(
        "/api/v1/pushes/{}/ladder?format={format}{all}{ascii}",
        escape(&push)
    );
    let response = api.get(&path, Duration::ZERO)?;
    match response.status {
        200 => {
            print!("{}", String::from_utf8_lossy(&response.body));
            Ok(Exit::Yes)
        }
        404 => Err(gone(&api, &push)),
        _ => Err(problem(&response, &path)),
    }
}

/// Why there is no ladder: nobody knows the push, or the gateway knows how it ended and no longer the way.
fn gone(api: &Api, push: &str) -> Fault {
    let path = format!("/api/v1/pushes/{}", escape(push));
    let known = match api.get(&path, Duration::ZERO) {
        Ok(response) if response.status == 200 => parse(&response),
        Ok(response) if response.status == 404 => {
            return Fault::new(
                "SG-P003",
                Exit::No,
                format!("there is no push {push}"),
                "see which there are: sirgate trace ls",
            );
        }
        Ok(response) => Err(problem(&response, &path)),
        Err(fault) => Err(fault),
    };
    let known = match known {
        Ok(known) => known,
        Err(fault) => return fault,
    };
    let state = known.get("state").and_then(serde_json::Value::as_str);
    Fault::new(
        "SG-P004",
        Exit::No,
        format!(
            "push {push} is known ({}), but the events of its way are not kept any more: the gateway keeps the last ones \
             in memory, and was started since or has had many others",
            state.unwrap_or("-")
        ),
        format!(
            "where events are written to a file ([observe] events, or --events FILE of serve and demo), draw it from \
             there: sirgate trace show {push} --events FILE"
        ),
    )
}

impl Show {
    const fn format(&self, global: &Global) -> &'static str {
        match self {
            _ if global.json => "json",
            Self { mermaid: true, .. } => "mermaid",
            Self { csv: true, .. } => "csv",
            _ => "text",
        }
    }
}

/// Draws from an event log, without a gateway.
fn from_file(file: &str, arguments: &Show, global: &Global) -> Result<Exit, Fault> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Fault::usage(
            format!("{file} cannot be read: {error}"),
            "name the file that serve or demo wrote with --events",
        )
    })?;
    // A line that was cut off by a crash is no reason to show nothing.
    let events: Vec<Event> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let last = events.iter().rev().find_map(|event| match &event.fact {
        Fact::PapRx { push, .. } => Some(push.clone()),
        _ => None,
    });
    let push = arguments.push.clone().or(last).ok_or_else(|| {
        Fault::new(
            "SG-P001",
            Exit::No,
            format!("{file} holds no push"),
            "is it an event log? each line is one event in JSON",
        )
    })?;
    let events = ladder::of_push(&events, &push);
    if events.is_empty() {
        return Err(Fault::new(
            "SG-P003",
            Exit::No,
            format!("{file} holds no event of push {push}"),
            "see which there are: grep pap.rx in the file",
        ));
    }
    let style = Style {
        ascii: arguments.ascii,
        all: arguments.all,
    };
    match arguments.format(global) {
        "mermaid" => print!("{}", ladder::mermaid(&events, &[], style.all)),
        "csv" => print!("{}", ladder::csv(&events, style.all)),
        "json" => println!(
            "{}",
            serde_json::json!({"schema": "sirgate.ladder/1", "events": events})
        ),
        _ => print!("{}", ladder::text(&events, &[], style)),
    }
    Ok(Exit::Yes)
}

fn last(api: &Api) -> Result<String, Fault> {
    let answer = api.json("/api/v1/pushes")?;
    let pushes = answer.get("pushes").and_then(serde_json::Value::as_array);
    pushes
        .and_then(|pushes| pushes.first()?.get("push_id")?.as_str().map(str::to_owned))
        .ok_or_else(|| {
            Fault::new(
                "SG-P001",
                Exit::No,
                "there is no push yet",
                "make one: sirgate push alice \"hello\"",
            )
        })
}
