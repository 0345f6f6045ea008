//! `sirgate wait`: blocks until an event matches.

use std::time::Duration;

use super::Global;
use super::api::{Api, escape, parse, problem};
use super::fault::{Exit, Fault};
use crate::event::Filter;

/// Arguments of `wait`.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  sirgate wait 'push.rx dev=C1' --count 2 --timeout 5s\n  sirgate wait --ready\n\nThe answer \
                        carries a cursor; give it as --since to see only what comes after."
)]
pub struct Arguments {
    /// An event name and field=value pairs: 'push.rx dev=C1 push=k7q4'
    #[arg(required_unless_present = "ready")]
    filter: Option<Filter>,
    /// How many events must match
    #[arg(long, default_value_t = 1)]
    count: usize,
    /// Only events after this cursor; 0 is the oldest kept. Without it: from now on
    #[arg(long)]
    since: Option<u64>,
    /// Wait until the gateway answers that it is ready
    #[arg(long, conflicts_with = "filter")]
    ready: bool,
}

/// Runs the command.
///
/// # Errors
///
/// The gateway does not answer, or no event matched in time.
pub fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Fault> {
    let api = Api::new(global)?;
    let timeout = global.timeout.unwrap_or(Duration::from_secs(30));
    let Some(filter) = &arguments.filter else {
        return ready(&api, timeout);
    };
    let since = match arguments.since {
        Some(cursor) => format!("&since={cursor}"),
        None => String::new(),
    };
    let path = format!(
        "/api/v1/events/wait?match={}&count={}&timeout={}ms{since}",
        escape(&filter.to_string()),
        arguments.count,
        timeout.as_millis()
    );
    let response = api.get(&path, timeout)?;
    match response.status {
        200 => {
            let answer = parse(&response)?;
            if global.json {
                println!("{answer}");
            } else {
                let events = answer
                    .get("events")
                    .and_then(serde_json::Value::as_array)
                    .cloned()
                    .unwrap_or_default();
                events.iter().for_each(|event| println!("{event}"));
                eprintln!(
                    "cursor {}",
                    answer.get("cursor").unwrap_or(&serde_json::Value::Null)
                );
            }
            Ok(Exit::Yes)
        }
        408 => Err(Fault::new(
            "SG-N004",
            Exit::No,
            format!(
                "'{filter}' did not happen {} time(s) within {timeout:?}",
                arguments.count
            ),
            "give it longer with --timeout, or look at what did happen: sirgate trace show",
        )),
        _ => Err(problem(&response, "/api/v1/events/wait")),
    }
}

fn ready(api: &Api, timeout: Duration) -> Result<Exit, Fault> {
    let tries = u32::try_from(timeout.as_millis() / 100)
        .unwrap_or(u32::MAX)
        .max(1);
    for attempt in 1..=tries {
        match api.get("/readyz", Duration::ZERO) {
            Ok(response) if response.status == 200 => return Ok(Exit::Yes),
            Err(fault) if attempt == tries => return Err(fault),
            _ => std::thread::sleep(Duration::from_millis(100)),
        }
    }
    Err(problem(&api.get("/readyz", Duration::ZERO)?, "/readyz"))
}
