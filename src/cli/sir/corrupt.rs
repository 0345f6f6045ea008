//! `sirgate sir corrupt`: valid octets damaged in named ways, for what must withstand them.

use serde_json::{Value, json};

use super::input::{Choice, Source};
use crate::cli::Global;
use crate::cli::fault::{Exit, Fault};
use crate::codec::corrupt::{Corrupted, MUTATIONS, Mutation, Place, named};
use crate::codec::format::Format;
use crate::codec::hex;
use crate::random::Random;

/// Arguments of `sir corrupt`.
#[derive(clap::Args)]
pub struct Corrupt {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    choice: Choice,
    /// The mutation, and where: NAME, NAME@FIELD or NAME@OCTET (may be repeated); each that suits otherwise, alone
    #[arg(long, value_name = "NAME[@PLACE]")]
    mutate: Vec<String>,
    /// Nothing after this many octets
    #[arg(long, value_name = "N")]
    truncate: Option<usize>,
    /// Where chance begins
    #[arg(long, default_value = "1")]
    seed: u64,
    /// Print the mutations and end
    #[arg(long)]
    list: bool,
}

const SCHEMA: &str = "sirgate.corrupt/1";

pub(super) fn run(arguments: &Corrupt, global: &Global) -> Result<Exit, Fault> {
    if arguments.list {
        list(global);
        return Ok(Exit::Yes);
    }
    let octets = arguments.source.read()?;
    let format = octets.format(&arguments.choice)?;
    let octets = octets.octets;
    let mut random = Random::from_number(arguments.seed);
    if arguments.mutate.is_empty() && arguments.truncate.is_none() {
        for mutation in MUTATIONS {
            let damaged = mutation.apply(format, &octets, Place::Any, &mut |below| {
                chance(&mut random, below)
            });
            if let Some(damaged) = damaged {
                print(global, format, mutation.name, &damaged, true);
            }
        }
        return Ok(Exit::Yes);
    }
    let mut damaged = Corrupted {
        octets,
        at: 0,
        path: String::new(),
    };
    let mut names: Vec<&str> = Vec::new();
    for wish in &arguments.mutate {
        let (mutation, place) = wanted(wish)?;
        damaged = mutation
            .apply(format, &damaged.octets, place, &mut |below| {
                chance(&mut random, below)
            })
            .ok_or_else(|| {
                Fault::new(
                    "SG-D004",
                    Exit::No,
                    format!("no field of this {} suits {wish}", format.name),
                    "sirgate sir decode --bytes shows the fields, sir corrupt --list the mutations",
                )
            })?;
        names.push(mutation.name);
    }
    if let Some(len) = arguments.truncate {
        if len >= damaged.octets.len() {
            return Err(Fault::usage(
                format!(
                    "there are no more than {} octets, so --truncate {len} leaves them whole",
                    damaged.octets.len()
                ),
                "give a smaller number",
            ));
        }
        damaged.octets.truncate(len);
        damaged.at = len;
        names.push("truncate");
    }
    print(global, format, &names.join(","), &damaged, false);
    Ok(Exit::Yes)
}

fn list(global: &Global) {
    if global.json {
        let all: Vec<Value> = MUTATIONS
            .iter()
            .map(|mutation| json!({"name": mutation.name, "what": mutation.what}))
            .collect();
        println!("{}", json!({"schema": SCHEMA, "mutations": all}));
    } else {
        for mutation in MUTATIONS {
            println!("{:<18} {}", mutation.name, mutation.what);
        }
    }
}

fn wanted(wish: &str) -> Result<(&'static Mutation, Place<'_>), Fault> {
    let (name, place) = wish
        .split_once('@')
        .map_or((wish, Place::Any), |(name, place)| {
            let at = place.parse();
            (name, at.map_or(Place::Field(place), Place::Octet))
        });
    let mutation = named(name).ok_or_else(|| {
        Fault::usage(
            format!("{name:?} is no mutation"),
            "sirgate sir corrupt --list names them",
        )
    })?;
    Ok((mutation, place))
}

fn print(global: &Global, format: &Format, names: &str, damaged: &Corrupted, named: bool) {
    let digits = hex::digits(&damaged.octets);
    if global.json {
        let verdict = match (format.decode)(&damaged.octets, false) {
            Ok(_) => "read".to_owned(),
            Err(fault) => fault.to_string(),
        };
        println!(
            "{}",
            json!({
                "schema": SCHEMA, "form": format.name, "mutation": names, "at": damaged.at,
                "path": damaged.path, "hex": digits, "verdict": verdict
            })
        );
    } else if named {
        println!("{names:<18} {digits}");
    } else {
        println!("{digits}");
    }
}

fn chance(random: &mut Random, below: u32) -> u32 {
    u32::try_from(random.below(u64::from(below.max(1)))).unwrap_or(0)
}
