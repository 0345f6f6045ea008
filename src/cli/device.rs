//! `sirgate device`: simulated handsets against any PPG, and those that a gateway knows.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::Value;

use super::api::Api;
use super::config::check::identity_option;
use super::doors::Doors;
use super::fault::{Exit, Fault};
use super::{Global, node};
use crate::cli::config::Lab;

/// Subcommands of `device`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Register the devices of a file and let them receive until Ctrl-C
    #[command(
        after_help = "Example:\n  sirgate device run --config lab.toml --gateway 127.0.0.1:5060\n  sirgate device run --config lab.toml --count 1000\n  sirgate device run --config lab.toml --count 1 --http 127.0.0.1:4035 --wsp 127.0.0.1:2948 --service --signalling\n  sirgate device run --config lab.toml --only C2 --msisdn +15550103 --radio 127.0.0.1:2776"
    )]
    Run(Box<Run>),
    /// The identities and devices that a gateway knows
    #[command(
        after_help = "Example:\n  sirgate device ls\n  sirgate device ls --pui sip:alice@example.com --connected --json"
    )]
    Ls(Ls),
}

/// Arguments of `device ls`.
#[derive(clap::Args)]
pub struct Ls {
    /// Only the devices of this identity
    #[arg(long, value_name = "URI", value_parser = identity_option)]
    pui: Option<String>,
    /// Only devices that have a session
    #[arg(long)]
    connected: bool,
}

/// Arguments of `device run`.
#[derive(clap::Args)]
pub struct Run {
    /// The file that names identities and devices
    #[arg(long)]
    config: PathBuf,
    /// Where they register; without it the first SIP address of the file
    #[arg(long, value_name = "ADDRESS")]
    gateway: Option<SocketAddr>,
    /// Only the first so many devices
    #[arg(long)]
    count: Option<usize>,
    /// Only devices of this name
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    #[command(flatten)]
    doors: Doors,
    /// Write every event as one JSON line; - is standard output
    #[arg(long, value_name = "FILE")]
    events: Option<String>,
}

/// Runs the command.
///
/// # Errors
///
/// Faults of the file, or addresses that cannot be had.
pub fn run(command: &Command, global: &Global) -> Result<Exit, Vec<Fault>> {
    match command {
        Command::Run(arguments) => play(arguments, global),
        Command::Ls(arguments) => list(arguments, global).map_err(|fault| vec![fault]),
    }
}

fn play(arguments: &Run, global: &Global) -> Result<Exit, Vec<Fault>> {
    let mut lab = Lab::load(&arguments.config)?;
    if let Some(name) = &arguments.only {
        lab.devices.retain(|device| device.name == *name);
    }
    if let Some(count) = arguments.count {
        lab.devices.truncate(count);
    }
    if let Some(events) = &arguments.events {
        lab.observe.events = Some(events.clone());
    }
    if let Some(device) = lab.devices.first()
        && let Some(known) = lab.addresses(device)
    {
        for word in arguments.doors.elsewhere(&device.name, known) {
            eprintln!("warning: {word}");
        }
    }
    node::block_on(node::devices(
        lab,
        arguments.gateway,
        &arguments.doors,
        global,
    ))
}

fn list(arguments: &Ls, global: &Global) -> Result<Exit, Fault> {
    let mut known = Api::new(global)?.json("/api/v1/identities")?;
    let identities = known.get_mut("identities").and_then(Value::as_array_mut);
    for identity in identities.into_iter().flatten() {
        if arguments.connected
            && let Some(devices) = identity.get_mut("devices").and_then(Value::as_array_mut)
        {
            devices.retain(|device| is(device, "connected"));
        }
    }
    if let (Some(pui), Some(identities)) = (
        &arguments.pui,
        known.get_mut("identities").and_then(Value::as_array_mut),
    ) {
        identities.retain(|identity| text(identity, "pui") == pui);
    }
    if global.json {
        println!("{known}");
        return Ok(Exit::Yes);
    }
    for identity in members(&known, "identities") {
        println!("{}", text(identity, "pui"));
        members(identity, "devices").iter().for_each(show);
    }
    Ok(Exit::Yes)
}

fn show(device: &Value) {
    let state = match (is(device, "registered"), is(device, "connected")) {
        (_, true) => "session",
        (true, false) => "registered",
        (false, false) => "not registered",
    };
    let words = |key: &str| -> Vec<&str> {
        let words = members(device, key).iter();
        words.filter_map(Value::as_str).collect()
    };
    let ids = match words("ids").as_slice() {
        [] => String::new(),
        [id] => (*id).to_owned(),
        [id, more @ ..] => format!("{id} (+{})", more.len()),
    };
    let line = format!(
        "  {:<8} {:<8} {state:<15} {:<12} {ids}",
        text(device, "name"),
        text(device, "kind"),
        words("bearers").join(","),
    );
    println!("{}", line.trim_end());
}

/// Which devices an identity has, or which identities there are: what could have been meant.
#[must_use]
pub fn of_identity(known: &Value, pui: &str) -> String {
    let names = |list: &[Value], key: &str| {
        let names = list.iter().take(10).map(|member| text(member, key));
        names.collect::<Vec<_>>().join(", ")
    };
    let identities = members(known, "identities");
    let identity = identities.iter().find(|it| text(it, "pui") == pui);
    match identity {
        Some(identity) => {
            let devices = names(members(identity, "devices"), "name");
            format!("{pui} has the devices {devices}; more of them: sirgate device ls")
        }
        None if identities.is_empty() => "no identity is known there yet".to_owned(),
        None => {
            let puis = names(identities, "pui");
            format!("known identities: {puis}; more of them: sirgate device ls")
        }
    }
}

fn members<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    let list = value.get(key).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("-")
}

fn is(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or_default()
}
