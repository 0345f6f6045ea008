//! `sirgate sir`: Session Initiation Requests and every other format as octets: written, read, compared, damaged, checked.

use super::Global;
use super::fault::{Exit, Fault};
use crate::codec::device_id::DeviceId;

mod check;
mod corrupt;
mod decode;
mod diff;
mod encode;
mod input;
mod matching;

/// Subcommands of `sir`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Write a SIR from options, or any format from the JSON that `decode --json` prints
    #[command(
        after_help = "Example:\n  sirgate sir encode --client sip:alice@example.com --device urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6 \
                            --place value\n  sirgate sir decode sir.bin --json | sirgate sir encode --from - --as sia --hex"
    )]
    Encode(encode::Encode),
    /// Read octets of any format
    #[command(
        after_help = "Example:\n  sirgate sir decode --hex 0102b2820008c4000fc3c000020901000000 --as sia --bytes\n  sirgate sir decode \
                            --frame 7 capture.pcapng --bytes\n  sirgate sir decode sir.sip --json\n\nExits 0 when it reads, 1 when it is \
                            refused."
    )]
    Decode(decode::Decode),
    /// The fields in which two messages differ
    #[command(
        after_help = "Example:\n  sirgate sir diff one.bin other.bin --as sia\n\nExits 0 when they are the same octets, 1 when not."
    )]
    Diff(diff::Diff),
    /// Damage valid octets in a named way
    #[command(
        after_help = "Example:\n  sirgate sir corrupt 0102b2820008c4000fc3c000020901000000 --as sia --mutate length+1@contacts\n  sirgate \
                            sir corrupt sir.sip --seed 7\n  sirgate sir corrupt --list"
    )]
    Corrupt(corrupt::Corrupt),
    /// Check files of test vectors
    #[command(
        after_help = "Example:\n  sirgate sir check testdata/sia/vectors.json\n  sirgate sir check - --json < vectors.json\n\nExits 0 when \
                            all are as expected, 1 when one differs."
    )]
    Check(check::Check),
    /// Would a device with these identifiers answer?
    #[command(
        after_help = "Example:\n  sirgate sir match --in sir.sip --device urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6\n\nExits 0 when it \
                            would, 1 when not."
    )]
    Match(matching::Match),
}

/// Runs the command.
///
/// # Errors
///
/// Octets, fields or options that are no message of the format.
pub fn run(command: &Command, global: &Global) -> Result<Exit, Fault> {
    match command {
        Command::Encode(arguments) => encode::run(arguments, global),
        Command::Decode(arguments) => decode::run(arguments, global),
        Command::Diff(arguments) => diff::run(arguments, global),
        Command::Corrupt(arguments) => corrupt::run(arguments, global),
        Command::Check(arguments) => check::run(arguments, global),
        Command::Match(arguments) => matching::run(arguments, global),
    }
}

fn identifier(text: &str) -> Result<DeviceId, Fault> {
    DeviceId::decode(text).map_err(|error| {
        Fault::usage(
            format!("\"{text}\" is no device identifier"),
            error.to_string(),
        )
    })
}
