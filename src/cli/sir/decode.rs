//! `sirgate sir decode`: octets of any format as fields, each octet explained.

use super::input::{Choice, Input, Source};
use crate::cli::Global;
use crate::cli::fault::{Exit, Fault};
use crate::codec::DecodeError;
use crate::codec::annotated::{self, annotate};
use crate::codec::format::Format;

/// Arguments of `sir decode`.
#[derive(clap::Args)]
pub struct Decode {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    choice: Choice,
    /// Explain every octet
    #[arg(long)]
    bytes: bool,
}

pub(super) fn run(arguments: &Decode, global: &Global) -> Result<Exit, Fault> {
    let input = arguments.source.read()?;
    let format = input.format(&arguments.choice)?;
    let lenient = arguments.choice.lenient;
    let read = match annotate(format, &input.octets, lenient) {
        Ok(read) => read,
        Err(error) => return refused(arguments, global, format, &input, &error),
    };
    if global.json {
        println!("{}", read.to_json());
    } else if arguments.bytes {
        print!("{}", read.to_text(&input.octets));
    } else {
        println!(
            "{}",
            serde_json::to_string_pretty(&read.fields).unwrap_or_default()
        );
        for odd in &read.deviations {
            println!("deviation at octet {}: expected {}", odd.at, odd.what);
        }
    }
    Ok(Exit::Yes)
}

fn refused(
    arguments: &Decode,
    global: &Global,
    format: &Format,
    input: &Input,
    error: &DecodeError,
) -> Result<Exit, Fault> {
    let spans = (format.spans)(&input.octets, arguments.choice.lenient);
    if global.json {
        println!("{}", annotated::refused(format, error, &spans));
        return Ok(Exit::No);
    }
    if arguments.bytes {
        print!("{}", annotated::rows(&input.octets, &spans));
    }
    Err(fault(&input.octets, error))
}

/// The fault of octets that are refused.
pub(super) fn fault(octets: &[u8], error: &DecodeError) -> Fault {
    Fault::new(
        "SG-D001",
        Exit::No,
        format!("{error}{}", pointed(octets, error.offset)),
        "`--lenient` reads what is there and reports each deviation",
    )
}

/// The octets around a fault, with a mark below it.
fn pointed(octets: &[u8], offset: usize) -> String {
    let from = offset.saturating_sub(8);
    let shown: Vec<String> = octets
        .iter()
        .skip(from)
        .take(16)
        .map(|octet| format!("{octet:02x}"))
        .collect();
    if shown.is_empty() {
        String::new()
    } else {
        format!(
            "\n  {}\n  {:indent$}^^",
            shown.join(" "),
            "",
            indent = (offset - from) * 3
        )
    }
}
