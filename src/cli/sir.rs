//! `sirgate sir`: Session Initiation Requests as octets: written, read with every octet explained, matched.

use std::io::{IsTerminal, Read, Write};

use super::Global;
use super::config::check::{application_option, identity_option, sip_option};
use super::fault::{Exit, Fault};
use crate::codec::device_id::DeviceId;
use crate::codec::sir::annotate::{self, Form};
use crate::codec::sir::{App, Ask, Placement, Sir, fields};

/// Subcommands of `sir`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Write a SIR, from options or from the JSON that `decode --json` prints
    #[command(
        after_help = "Example:\n  sirgate sir encode --client sip:alice@example.com --device urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6 \
                            --place value\n  sirgate sir decode --in sir.bin --json | sirgate sir encode --from - --as sia --hex"
    )]
    Encode(Encode),
    /// Read a SIR: a SIP message, a SIA body, or its text form
    #[command(
        after_help = "Example:\n  sirgate sir decode --hex 0102b2820008c4000fc3c000020901000000 --bytes\n  sirgate sir decode --in sir.sip --json"
    )]
    Decode(Decode),
    /// Would a device with these identifiers answer?
    #[command(
        after_help = "Example:\n  sirgate sir match --in sir.sip --device urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6\n\nExits 0 when it \
                            would, 1 when not."
    )]
    Match(Match),
}

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
    /// What to write; sia is the plain body of WAP-235, from JSON only, without place for devices
    #[arg(long = "as", value_parser = ["sip", "sia", "text"], default_value = "sip")]
    form: String,
    /// As hex digits
    #[arg(long)]
    hex: bool,
}

/// Where octets come from.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub struct Source {
    /// Hex digits; blanks are allowed
    #[arg(long)]
    hex: Option<String>,
    /// A file; - is standard input
    #[arg(long = "in", value_name = "FILE")]
    file: Option<String>,
}

/// Arguments of `sir decode`.
#[derive(clap::Args)]
pub struct Decode {
    #[command(flatten)]
    source: Source,
    /// What it is; guessed by the first octets otherwise
    #[arg(long = "as", value_parser = ["sip", "sia", "text"])]
    form: Option<String>,
    /// Explain every octet
    #[arg(long)]
    bytes: bool,
    /// Read what is there, and list each deviation
    #[arg(long)]
    lenient: bool,
}

/// Arguments of `sir match`.
#[derive(clap::Args)]
pub struct Match {
    #[command(flatten)]
    source: Source,
    /// An identifier of the device (may be repeated)
    #[arg(long, value_name = "ID", required = true)]
    device: Vec<String>,
}

/// Runs the command.
///
/// # Errors
///
/// Octets or options that are no SIR.
pub fn run(command: &Command, global: &Global) -> Result<Exit, Fault> {
    match command {
        Command::Encode(arguments) => encode(arguments),
        Command::Decode(arguments) => decode(arguments, global),
        Command::Match(arguments) => matching(arguments, global),
    }
}

fn encode(arguments: &Encode) -> Result<Exit, Fault> {
    let form = form(&arguments.form);
    has_place(arguments)?;
    let fields = match &arguments.from {
        Some(file) => {
            let read: serde_json::Value =
                serde_json::from_slice(&read(file)?).map_err(|error| {
                    Fault::usage(
                        format!("{file} is no JSON: {error}"),
                        "give what sir decode --json prints",
                    )
                })?;
            // `decode --json` wraps the fields; both shapes are taken.
            read.get("fields").cloned().unwrap_or(read)
        }
        None => fields::fields_of(&sir(arguments)?),
    };
    let octets = annotate::compose(&fields, form).map_err(|fault| {
        Fault::usage(
            format!("these are no fields of a {}: {fault}", arguments.form),
            "see sirgate sir decode --json for their names",
        )
    })?;
    let mut out = std::io::stdout().lock();
    let is_binary = form == Form::Sia;
    let written = if arguments.hex || (is_binary && out.is_terminal()) {
        writeln!(
            out,
            "{}",
            octets
                .iter()
                .map(|octet| format!("{octet:02x}"))
                .collect::<String>()
        )
    } else {
        out.write_all(&octets)
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

/// A SIA alone is a body of fixed fields (WAP-235 section 8.4): nothing of the rest of a SIR stands in it.
fn has_place(arguments: &Encode) -> Result<(), Fault> {
    if arguments.form != "sia" || arguments.from.is_some() {
        return Ok(());
    }
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
        return Err(Fault::usage(
            "a plain SIA names no identity and no gateway: its fields come from JSON",
            "sirgate sir decode --hex 0102b2820008c4000fc3c000020901000000 --json | sirgate sir encode --from - --as sia",
        ));
    }
    Err(Fault::usage(
        format!("a plain SIA has no place for {}", given.join(" and ")),
        "leave out --as sia: a SIP message holds them in its headers or body (--place header, value, body); \
         --as text is the body alone that holds them",
    ))
}

fn sir(arguments: &Encode) -> Result<Sir, Fault> {
    // The text form is nothing but a body.
    let place = if arguments.form == "text" {
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

fn decode(arguments: &Decode, global: &Global) -> Result<Exit, Fault> {
    let octets = arguments.source.octets()?;
    let form = arguments
        .form
        .as_deref()
        .map_or_else(|| Form::guess(&octets), form);
    let read =
        annotate::annotate(&octets, Some(form), arguments.lenient).map_err(|error| Fault {
            help: "`--lenient` reads what is there and reports each deviation".into(),
            ..Fault::new(
                "SG-D001",
                Exit::No,
                format!("{error}{}", pointed(&octets, error.offset)),
                "",
            )
        })?;
    if global.json {
        println!("{}", read.to_json());
    } else if arguments.bytes {
        print!("{}", read.to_text(&octets));
    } else {
        println!(
            "{}",
            serde_json::to_string_pretty(&read.fields).unwrap_or_default()
        );
        read.deviations
            .iter()
            .for_each(|deviation| println!("deviation: {deviation:?}"));
    }
    Ok(Exit::Yes)
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

fn matching(arguments: &Match, global: &Global) -> Result<Exit, Fault> {
    let octets = arguments.source.octets()?;
    let own = arguments
        .device
        .iter()
        .map(|text| identifier(text))
        .collect::<Result<Vec<_>, _>>()?;
    let form = Form::guess(&octets);
    let read = annotate::annotate(&octets, Some(form), false).map_err(|error| {
        Fault::new(
            "SG-D001",
            Exit::Untested,
            error.to_string(),
            "sirgate sir decode --bytes shows where",
        )
    })?;
    let sir = fields::sir_of(&read.fields).map_err(|fault| {
        Fault::new(
            "SG-D002",
            Exit::Untested,
            format!("this is no whole SIR: {fault}"),
            "give a SIP message; a SIA body alone names no device",
        )
    })?;
    let verdict = annotate::matching(&sir, &own);
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

fn form(name: &str) -> Form {
    match name {
        "sia" => Form::Sia,
        "text" => Form::Text,
        _ => Form::Sip,
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

impl Source {
    fn octets(&self) -> Result<Vec<u8>, Fault> {
        match (&self.hex, &self.file) {
            (Some(hex), _) => unhex(hex),
            (None, Some(file)) => read(file),
            (None, None) => Err(Fault::usage("there are no octets", "give --hex or --in")),
        }
    }
}

fn read(file: &str) -> Result<Vec<u8>, Fault> {
    let read = if file == "-" {
        let mut octets = Vec::new();
        std::io::stdin().read_to_end(&mut octets).map(|_| octets)
    } else {
        std::fs::read(file)
    };
    read.map_err(|error| {
        Fault::usage(
            format!("{file} cannot be read: {error}"),
            "name a file that exists, or - for standard input",
        )
    })
}

fn unhex(text: &str) -> Result<Vec<u8>, Fault> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let bad = || {
        Fault::usage(
            "--hex wants pairs of hex digits",
            "as in --hex '00 09 b2 82'",
        )
    };
    digits
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u8::from_str_radix(&format!("{high}{low}"), 16).map_err(|_| bad()),
            _ => Err(bad()),
        })
        .collect()
}
