//! `sirgate sir encode`: a SIR from options, or octets of any format from fields.

use std::io::{IsTerminal, Write};

use serde_json::{Value, json};

use super::identifier;
use super::input::{named, read};
use crate::cli::Global;
use crate::cli::config::check::{application_option, identity_option, sip_option};
use crate::cli::fault::{Exit, Fault};
use crate::codec::format::Format;
use crate::codec::sir::{App, Ask, Placement, Sir, fields};
use crate::codec::{hex, rows};

/// Arguments of `sir encode`.
#[derive(clap::Args)]
pub struct Encode {
    /// The identity the SIR is for
    #[arg(long, value_name = "URI", value_parser = identity_option, default_value = "sip:alice@example.com")]
    client: String,
    /// The gateway that sends it
    #[arg(long, value_name = "URI", value_parser = sip_option, default_value = "sip:push@ppg.example.com")]
    server: String,
    /// A device that is meant (may be repeated)
    #[arg(long, value_name = "ID")]
    device: Vec<String>,
    /// Where identifiers, questions and applications stand: header, value, body
    #[arg(long, default_value = "value")]
    place: Placement,
    /// What devices shall return
    #[arg(long)]
    ask: Option<Ask>,
    /// The application to activate
    #[arg(long, value_name = "URI", value_parser = application_option)]
    app: Option<String>,
    /// Another gateway to connect to
    #[arg(long, value_name = "URI", value_parser = sip_option)]
    ppg: Option<String>,
    /// Fields as JSON from a file instead; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["device", "ask", "app", "ppg"])]
    from: Option<String>,
    /// What to write: sip or text for a SIR from options; with --from any format, by default the one the JSON names
    #[arg(long = "as", value_name = "FORMAT")]
    form: Option<String>,
    /// As hex digits
    #[arg(long)]
    hex: bool,
}

const SCHEMA: &str = "sirgate.encode/1";

pub(super) fn run(arguments: &Encode, global: &Global) -> Result<Exit, Fault> {
    let (fields, name) = match &arguments.from {
        Some(file) => from_file(file, arguments.form.as_deref())?,
        None => {
            let name = match arguments.form.as_deref() {
                None | Some("sip") => "sir",
                Some(name @ ("sir" | "text" | "sir-text")) => name,
                Some("sia") => return Err(no_place(arguments)),
                Some(other) => {
                    return Err(Fault::usage(
                        format!("a SIR from options is sip or text, not {other}"),
                        "give the fields of other formats as JSON with --from",
                    ));
                }
            };
            (fields::fields_of(&sir(arguments)?), name.to_owned())
        }
    };
    let (form, octets) = written(&named(&name)?, &fields)?;
    if global.json {
        let digits = hex::digits(&octets);
        println!("{}", json!({"schema": SCHEMA, "form": form, "hex": digits}));
        return Ok(Exit::Yes);
    }
    write(&octets, arguments.hex)
}

/// A SIA alone is a body of fixed fields (WAP-235 section 8.4): nothing of the rest of a SIR stands in it.
fn no_place(arguments: &Encode) -> Fault {
    let options = [
        ("--device", !arguments.device.is_empty()),
        ("--ask", arguments.ask.is_some()),
        ("--app", arguments.app.is_some()),
        ("--ppg", arguments.ppg.is_some()),
    ];
    let given: Vec<&str> = options
        .into_iter()
        .filter_map(|(name, is_given)| is_given.then_some(name))
        .collect();
    if given.is_empty() {
        return Fault::usage(
            "a plain SIA names no identity and no gateway: its fields come from JSON",
            "sirgate sir decode --hex 0102b2820008c4000fc3c000020901000000 --json | sirgate sir encode --from - --as sia",
        );
    }
    Fault::usage(
        format!("a plain SIA has no place for {}", given.join(" and ")),
        "leave out --as sia: a SIP message holds them in its headers or body (--place header, value, body); \
         --as text is the body alone that holds them",
    )
}

/// The fields of a file and the format they are of.
fn from_file(file: &str, form: Option<&str>) -> Result<(Value, String), Fault> {
    let json: Value = serde_json::from_slice(&read(file)?).map_err(|error| {
        Fault::usage(
            format!("{file} is no JSON: {error}"),
            "give what sir decode --json prints",
        )
    })?;
    let own = json.get("form").and_then(Value::as_str).map(str::to_owned);
    // `decode --json` wraps the fields; both shapes are taken.
    let fields = json.get("fields").cloned().unwrap_or(json);
    let is_sir = fields.get("client").is_some();
    let name = match form {
        Some("sip") if is_sir => "sir".to_owned(),
        Some(form) => form.to_owned(),
        None => own.unwrap_or_else(|| "sir".to_owned()),
    };
    Ok((fields, name))
}

/// The first format that can hold the fields, and its octets.
fn written(formats: &[&'static Format], fields: &Value) -> Result<(&'static str, Vec<u8>), Fault> {
    let mut first = None;
    for format in formats {
        match (format.encode)(fields) {
            Ok(octets) => return Ok((format.name, octets)),
            Err(fault) if first.is_none() => first = Some((format.name, fault)),
            Err(_) => {}
        }
    }
    let (name, fault) = first.map_or_else(
        || ("format", String::new()),
        |(name, fault)| (name, fault.to_string()),
    );
    Err(Fault::usage(
        format!("these are no fields of {name}: {fault}"),
        "see sirgate sir decode --json for their names",
    ))
}

fn write(octets: &[u8], as_digits: bool) -> Result<Exit, Fault> {
    let mut out = std::io::stdout().lock();
    let is_binary = rows::readable(octets).is_none();
    let written = if as_digits || (is_binary && out.is_terminal()) {
        writeln!(out, "{}", hex::digits(octets))
    } else {
        out.write_all(octets)
    };
    written.and_then(|()| out.flush()).map_err(|error| {
        Fault::new(
            "SG-X002",
            Exit::No,
            format!("standard output: {error}"),
            "give it somewhere to go",
        )
    })?;
    Ok(Exit::Yes)
}

fn sir(arguments: &Encode) -> Result<Sir, Fault> {
    // The text form is nothing but a body.
    let place = if matches!(arguments.form.as_deref(), Some("text" | "sir-text")) {
        Placement::BODY
    } else {
        arguments.place
    };
    let devices = arguments
        .device
        .iter()
        .map(|text| identifier(text))
        .collect::<Result<Vec<_>, _>>()?;
    let mut sir = Sir::new(&arguments.client, &arguments.server).with_devices(place, &devices);
    if let Some(ask) = arguments.ask {
        sir = sir.with_ask(place, ask);
    }
    if let Some(app) = &arguments.app {
        sir = sir.with_apps(place, &[App::new(app)]);
    }
    sir.other_server.clone_from(&arguments.ppg);
    Ok(sir)
}
