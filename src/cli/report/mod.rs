//! `sirgate report`: what a recorded run costs and saves.

use super::Global;
use super::fault::{Exit, Fault};

mod har;
mod piggyback;
mod saving;

/// Subcommands of `report`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// What messages that ride along save against polling, from a recording of a browser
    #[command(
        after_help = "Example:\n  sirgate report piggyback --trace site.har\n  sirgate report piggyback --trace site.har --messages instants.txt --json\n\n\
                      The recording is a HAR file, as browsers save it from their network panel. It is taken to go on as it was. Business \
                      requests are those of scripts (fetch, XMLHttpRequest), or where the file does not say, all. Octets are those of the \
                      file where it has them, else what Chromium was measured with: the output names which."
    )]
    Piggyback(piggyback::Arguments),
}

/// Runs the command.
///
/// # Errors
///
/// A file that cannot be read, or is no recording.
pub fn run(command: &Command, global: &Global) -> Result<Exit, Fault> {
    match command {
        Command::Piggyback(arguments) => piggyback::run(arguments, global),
    }
}
