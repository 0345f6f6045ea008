//! `sirgate trace`: what happened, listed or drawn.

use std::time::Duration;

use super::Global;
use super::api::{Api, escape, problem};
use super::fault::{Exit, Fault};

/// Subcommands of `trace`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// The pushes the gateway knows, newest first
    #[command(after_help = "Example:\n  sirgate trace ls --json")]
    Ls,
    /// The ladder of one push
    #[command(
        after_help = "Example:\n  sirgate trace show k7q4\n  sirgate trace show --mermaid > push.mmd"
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
}

/// Runs the command.
///
/// # Errors
///
/// The gateway does not answer, or does not know the push.
pub fn run(command: &Command, global: &Global) -> Result<Exit, Fault> {
    let api = Api::new(global)?;
    match command {
        Command::Ls => list(&api, global),
        Command::Show(arguments) => show(&api, arguments, global),
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

fn show(api: &Api, arguments: &Show, global: &Global) -> Result<Exit, Fault> {
    let push = match &arguments.push {
        Some(push) => push.clone(),
        None => last(api)?,
    };
    let format = match arguments {
        _ if global.json => "json",
        Show { mermaid: true, .. } => "mermaid",
        Show { csv: true, .. } => "csv",
        _ => "text",
    };
    let all = if arguments.all { "&all=true" } else { "" };
    let ascii = if arguments.ascii { "&ascii=true" } else { "" };
    let path = format!(
        "/api/v1/pushes/{}/ladder?format={format}{all}{ascii}",
        escape(&push)
    );
    let response = api.get(&path, Duration::ZERO)?;
    if response.status != 200 {
        return Err(problem(&response, &path));
    }
    print!("{}", String::from_utf8_lossy(&response.body));
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
