//! `sirgate device`: simulated handsets against any PPG.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::doors::Doors;
use super::fault::{Exit, Fault};
use super::{Global, node};
use crate::cli::config::Lab;

/// Subcommands of `device`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Register the devices of a file and let them receive until Ctrl-C
    #[command(
        after_help = "Example:\n  sirgate device run --config lab.toml --gateway 127.0.0.1:5060\n  sirgate device run --config lab.toml --count 1000\n  sirgate device run --config lab.toml --count 1 --http 127.0.0.1:4035 --wsp 127.0.0.1:2948 --service --signalling\n  sirgate device run --config lab.toml --only C2 --msisdn +15550103 --radio 127.0.0.1:2776"
    )]
    Run(Run),
}

/// Arguments of `device run`.
#[derive(clap::Args)]
pub struct Run {
    /// The file that names identities and devices
    #[arg(long)]
    config: PathBuf,
    /// Where they register; without it the first SIP address of the file
    #[arg(long, value_name = "ADDRESS")]
    gateway: Option<SocketAddr>,
    /// Only the first so many devices
    #[arg(long)]
    count: Option<usize>,
    /// Only devices of this name
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    #[command(flatten)]
    doors: Doors,
    /// Write every event as one JSON line; - is standard output
    #[arg(long, value_name = "FILE")]
    events: Option<String>,
}

/// Runs the command.
///
/// # Errors
///
/// Faults of the file, or addresses that cannot be had.
pub fn run(command: &Command, global: &Global) -> Result<Exit, Vec<Fault>> {
    let Command::Run(arguments) = command;
    let mut lab = Lab::load(&arguments.config)?;
    if let Some(name) = &arguments.only {
        lab.devices.retain(|device| device.name == *name);
    }
    if let Some(count) = arguments.count {
        lab.devices.truncate(count);
    }
    if let Some(events) = &arguments.events {
        lab.observe.events = Some(events.clone());
    }
    node::block_on(node::devices(
        lab,
        arguments.gateway,
        &arguments.doors,
        global,
    ))
}
    if let Some(device) = lab.devices.first()
        && let Some(known) = lab.addresses(device)
    {
        for word in arguments.doors.elsewhere(&device.name, known) {
            eprintln!("warning: {word}");
        }
    }
