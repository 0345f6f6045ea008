//! `sirgate sir check`: files of test vectors against the formats, one line a vector.

use serde_json::{Value, json};

use super::input::read;
use crate::cli::Global;
use crate::cli::fault::{Exit, Fault};
use crate::codec::vector::{self, Vector, Verdict};

/// Arguments of `sir check`.
#[derive(clap::Args)]
pub struct Check {
    /// Files of vectors; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Print only what differs
    #[arg(long)]
    differing: bool,
}

const SCHEMA: &str = "sirgate.check/1";

pub(super) fn run(arguments: &Check, global: &Global) -> Result<Exit, Fault> {
    let (mut held, mut differing, mut warned) = (0_usize, 0_usize, 0_usize);
    let mut results: Vec<Value> = Vec::new();
    for file in &arguments.files {
        for vector in vectors(file)? {
            let verdict = vector::run(&vector);
            if verdict.holds {
                held += 1;
                warned += usize::from(!verdict.warnings.is_empty());
            } else {
                differing += 1;
            }
            if global.json {
                results.push(result(file, &verdict));
            } else if !verdict.holds || !arguments.differing {
                println!("{}", line(&verdict));
            }
        }
    }
    if global.json {
        let all = json!({
            "schema": SCHEMA, "held": held, "differing": differing, "warnings": warned, "vectors": results
        });
        println!("{all}");
    } else {
        let warned = match warned {
            0 => String::new(),
            warned => format!(" ({warned} with a warning)"),
        };
        println!(
            "{} vectors: {held} as expected{warned}, {differing} differ",
            held + differing
        );
    }
    if held + differing == 0 {
        return Err(Fault::new(
            "SG-V002",
            Exit::Untested,
            "there is no vector in these files",
            "a vector is a JSON object with name, kind, valid, and hex or text",
        ));
    }
    Ok(if differing == 0 { Exit::Yes } else { Exit::No })
}

fn vectors(file: &str) -> Result<Vec<Vector>, Fault> {
    let octets = read(file)?;
    serde_json::from_slice(&octets).map_err(|error| {
        Fault::new(
            "SG-V001",
            Exit::Usage,
            format!("{file} is no file of vectors: {error}"),
            "a JSON array of objects with name, kind, valid, hex or text, and decoded or error_class",
        )
    })
}

fn line(verdict: &Verdict) -> String {
    let word = match (verdict.holds, verdict.warnings.is_empty()) {
        (false, _) => "DIFFERS",
        (true, false) => "warning",
        (true, true) => "ok     ",
    };
    let mut line = format!(
        "{word}  {:<28} {:<20} expected {}; is {}",
        verdict.name, verdict.kind, verdict.expected, verdict.actual
    );
    if !verdict.unchecked.is_empty() {
        line = format!(
            "{line}; not of this format: {}",
            verdict.unchecked.join(", ")
        );
    }
    for warning in &verdict.warnings {
        line = format!("{line}\n  warning: {warning}");
    }
    line
}

fn result(file: &str, verdict: &Verdict) -> Value {
    let mut result = serde_json::to_value(verdict).unwrap_or_default();
    if let Some(fields) = result.as_object_mut() {
        fields.insert("file".into(), file.into());
    }
    result
}
