//! `sirgate sir diff`: the fields in which two messages differ.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::decode::fault;
use super::input::{Choice, Input, Reading};
use crate::cli::Global;
use crate::cli::fault::{Exit, Fault};
use crate::codec::format::Format;

/// Arguments of `sir diff`.
#[derive(clap::Args)]
pub struct Diff {
    /// Hex digits, a file with hex digits or octets, or - for standard input
    #[arg(value_name = "ONE")]
    one: String,
    /// The other octets
    #[arg(value_name = "OTHER")]
    other: String,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    choice: Choice,
}

const SCHEMA: &str = "sirgate.diff/1";

pub(super) fn run(arguments: &Diff, global: &Global) -> Result<Exit, Fault> {
    if arguments.one == "-" && arguments.other == "-" {
        return Err(Fault::usage(
            "standard input holds one message, not both",
            "name a file or give hex digits for the other",
        ));
    }
    let (first, second) = (of("the first message"), of("the second message"));
    let one = arguments.reading.word(&arguments.one).map_err(&first)?;
    let other = arguments.reading.word(&arguments.other).map_err(&second)?;
    let format = one.format(&arguments.choice).map_err(&first)?;
    let left = fields(format, &one, &arguments.choice).map_err(&first)?;
    let right = fields(format, &other, &arguments.choice).map_err(&second)?;
    let mut paths: Vec<&String> = left.keys().chain(right.keys()).collect();
    paths.sort_unstable();
    paths.dedup();
    let differing: Vec<(&str, Option<&Value>, Option<&Value>)> = paths
        .into_iter()
        .map(|path| (path.as_str(), left.get(path), right.get(path)))
        .filter(|(_, left, right)| left != right)
        .collect();
    if global.json {
        let rows: Vec<Value> = differing
            .iter()
            .map(|(path, left, right)| json!({"path": path, "one": left, "other": right}))
            .collect();
        println!(
            "{}",
            json!({"schema": SCHEMA, "form": format.name, "differing": rows})
        );
    } else {
        for (path, left, right) in &differing {
            println!("{path:<32} {}  ->  {}", shown(*left), shown(*right));
        }
        println!(
            "{}: {} field{} differ{}{}",
            format.name,
            differing.len(),
            if differing.len() == 1 { "" } else { "s" },
            if differing.len() == 1 { "s" } else { "" },
            spelling(&one, &other, differing.is_empty()),
        );
    }
    let is_same = differing.is_empty() && one.octets == other.octets;
    Ok(if is_same { Exit::Yes } else { Exit::No })
}

/// Says of a fault which input it is about.
fn of(which: &'static str) -> impl Fn(Fault) -> Fault {
    move |fault| Fault {
        message: format!("{which}: {}", fault.message),
        ..fault
    }
}

/// Where the octets of equal fields part.
fn spelling(one: &Input, other: &Input, equal: bool) -> String {
    if !equal || one.octets == other.octets {
        return String::new();
    }
    let at = one
        .octets
        .iter()
        .zip(&other.octets)
        .position(|(one, other)| one != other)
        .unwrap_or_else(|| one.octets.len().min(other.octets.len()));
    format!(", but they are spelled differently from octet {at}")
}

fn fields(
    format: &Format,
    input: &Input,
    choice: &Choice,
) -> Result<BTreeMap<String, Value>, Fault> {
    let read = (format.decode)(&input.octets, choice.lenient)
        .map_err(|error| fault(&input.octets, &error))?;
    let mut flat = BTreeMap::new();
    flatten(&mut flat, String::new(), &read.fields);
    Ok(flat)
}

fn flatten(out: &mut BTreeMap<String, Value>, path: String, value: &Value) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                flatten(out, format!("{path}{dot}{name}"), value);
            }
        }
        Value::Array(members) if !members.is_empty() => {
            for (number, value) in members.iter().enumerate() {
                flatten(out, format!("{path}[{number}]"), value);
            }
        }
        leaf => {
            out.insert(path, leaf.clone());
        }
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}
