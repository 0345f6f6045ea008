//! `sirgate serve`: the gateway of a laboratory, from a file.

use std::path::PathBuf;

use super::fault::{Exit, Fault};
use super::{Global, node};
use crate::cli::config::Lab;

/// Arguments of `serve`.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  sirgate config example > lab.toml\n  sirgate serve --config lab.toml"
)]
pub struct Arguments {
    /// The file; without it every key has its default and no identity is known beforehand
    #[arg(long)]
    config: Option<PathBuf>,
    /// Only read the file and report its faults
    #[arg(long)]
    check: bool,
    /// Write every event as one JSON line; - is standard output
    #[arg(long, value_name = "FILE")]
    events: Option<String>,
}

/// Runs the command.
///
/// # Errors
///
/// Faults of the file, or addresses and files that cannot be had.
pub fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Vec<Fault>> {
    let mut lab = match &arguments.config {
        Some(file) => Lab::load(file)?,
        None => Lab::decode("defaults", "", std::path::Path::new("."))?,
    };
    lab.warn();
    if arguments.check {
        println!("good");
        return Ok(Exit::Yes);
    }
    if let Some(events) = &arguments.events {
        lab.observe.events = Some(events.clone());
    }
    node::block_on(node::serve(lab, global))
}
