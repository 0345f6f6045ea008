//! `sirgate sir match`: whether a device with these identifiers would answer.

use super::input::Source;
use super::{decode, identifier};
use crate::cli::Global;
use crate::cli::fault::{Exit, Fault};
use crate::codec::annotated::annotate;
use crate::codec::device_id::DeviceId;
use crate::codec::format::Format;
use crate::codec::guess;
use crate::codec::sir::fields;
use crate::codec::sir::matching::matching;

/// Arguments of `sir match`.
#[derive(clap::Args)]
pub struct Match {
    #[command(flatten)]
    source: Source,
    /// An identifier of the device (may be repeated)
    #[arg(long, value_name = "ID", required = true)]
    device: Vec<String>,
}

pub(super) fn run(arguments: &Match, global: &Global) -> Result<Exit, Fault> {
    let octets = arguments.source.read()?.octets;
    let own = arguments
        .device
        .iter()
        .map(|text| identifier(text))
        .collect::<Result<Vec<_>, _>>()?;
    let formats: Vec<&'static Format> = ["sir", "sir-text", "sia"]
        .into_iter()
        .flat_map(guess::named)
        .collect();
    let format = guess::readers(&formats, &octets, false, None)
        .first()
        .copied()
        .ok_or_else(|| {
            let furthest = guess::furthest(&formats, &octets, false);
            Fault::new(
                "SG-D001",
                Exit::Untested,
                furthest.map_or_else(String::new, |(_, error)| error.to_string()),
                "sirgate sir decode --bytes shows where",
            )
        })?;
    let read = annotate(format, &octets, false).map_err(|error| decode::fault(&octets, &error))?;
    let no_sir = |why: &str| {
        Fault::new(
            "SG-D002",
            Exit::Untested,
            format!("this is no whole SIR: {why}"),
            "give a SIP message; a SIA body alone names no device",
        )
    };
    if format.name == "sia" {
        return Err(no_sir("these octets are a SIA body"));
    }
    let sir = fields::sir_of(&read.fields).map_err(|fault| no_sir(&fault.to_string()))?;
    let verdict = matching(&sir, &own);
    if global.json {
        println!("{}", verdict.to_json());
    } else {
        let by: Vec<&str> = verdict.by.iter().map(DeviceId::as_str).collect();
        let named: Vec<&str> = verdict.named.iter().map(DeviceId::as_str).collect();
        println!(
            "{}      by {}      named {}",
            verdict.verdict,
            or_dash(&by),
            or_dash(&named)
        );
    }
    Ok(if matches!(verdict.verdict, "match" | "unnamed") {
        Exit::Yes
    } else {
        Exit::No
    })
}

fn or_dash(list: &[&str]) -> String {
    if list.is_empty() {
        "-".into()
    } else {
        list.join(", ")
    }
}
