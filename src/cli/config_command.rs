//! `sirgate config`: the example file, and a check of one.

use std::path::PathBuf;

use super::Global;
use super::config::{EXAMPLE, Lab};
use super::fault::{Exit, Fault};

/// Subcommands of `config`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Print a file with every key, its default and what it means
    #[command(after_help = "Example:\n  sirgate config example > lab.toml")]
    Example,
    /// Read a file and report every fault in it
    #[command(after_help = "Example:\n  sirgate config check lab.toml")]
    Check {
        /// The file
        file: PathBuf,
    },
}

/// Runs the command.
///
/// # Errors
///
/// All faults of the file.
pub fn run(command: &Command, global: &Global) -> Result<Exit, Vec<Fault>> {
    match command {
        Command::Example => print!("{EXAMPLE}"),
        Command::Check { file } => {
            let lab = Lab::load(file)?;
            lab.warn();
            let (identities, devices) = (lab.gateway.identities.len(), lab.devices.len());
            if global.json {
                let summary = serde_json::json!({
                    "schema": "sirgate.config-check/1", "file": file, "identities": identities, "devices": devices,
                    "warnings": lab.warnings.iter().map(Fault::to_json).collect::<Vec<_>>(),
                });
                println!("{summary}");
            } else {
                println!(
                    "{}: good; {identities} {}, {devices} device{}",
                    file.display(),
                    if identities == 1 {
                        "identity"
                    } else {
                        "identities"
                    },
                    if devices == 1 { "" } else { "s" }
                );
            }
        }
    }
    Ok(Exit::Yes)
}
