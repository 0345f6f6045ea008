//! `sirgate fault`: rules that delay, lose, damage and answer messages of a running gateway.

use std::time::Duration;

use bytes::Bytes;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::Global;
use super::api::{Api, parse, problem};
use super::fault::{Exit, Fault};
use crate::fault::door::PATH;
use crate::fault::rule::{Effect, Rule};
use crate::fault::{Spec, preset};
use crate::time::Time;
use crate::world::HttpRequest;

/// The commands about faults.
#[derive(Subcommand)]
pub enum Command {
    /// Add a rule
    Add(Box<Add>),
    /// Add the rules of a preset, or list the presets
    Preset(Preset),
    /// List the rules with their counts
    #[command(after_help = "Example:\n  sirgate fault ls --json")]
    Ls,
    /// Take rules out; what they hold goes on
    #[command(after_help = "Example:\n  sirgate fault rm f1 f2")]
    Rm {
        /// Names of rules
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Take all rules out
    #[command(after_help = "Example:\n  sirgate fault reset")]
    Reset,
}

/// Arguments of `preset`.
#[derive(Args)]
#[command(after_help = "Example:\n  sirgate fault preset\n  sirgate fault preset lossy-2g")]
pub struct Preset {
    /// Which one; without it they are listed
    name: Option<String>,
}

/// Arguments of `add`.
#[derive(Args)]
#[command(
    after_help = "Example:\n  sirgate fault add drop --bearer wsp --dir out --first 2 --ttl 60s\n  sirgate fault add delay \
                  --by 500ms --jitter 200ms --device C1 --p 0.3 --seed 7\n  sirgate fault add answer --code sip:503 \
                  --retry-after 10 --match sip.method=MESSAGE --every 3\n  sirgate fault add receipt --receipt late --by \
                  10s\n\nA message is a datagram, half of an HTTP exchange, a PDU of SMPP, and on links of SIP and MSRP \
                  what is written or read at once."
)]
pub struct Add {
    /// What it does
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(Effect::NAMES))]
    fault: String,
    /// Its name; f1, f2 ... without one
    #[arg(long)]
    name: Option<String>,
    /// delay, receipt late: by how much
    #[arg(long, value_name = "DUR", value_parser = super::duration)]
    by: Option<Duration>,
    /// delay: up to so much more
    #[arg(long, value_name = "DUR", value_parser = super::duration)]
    jitter: Option<Duration>,
    /// reorder: how many overtake
    #[arg(long, value_name = "N")]
    window: Option<u64>,
    /// corrupt: how many bits turn, anywhere
    #[arg(long, value_name = "N")]
    bits: Option<u64>,
    /// corrupt: which octet turns, from 0
    #[arg(long, value_name = "AT")]
    octet: Option<u64>,
    /// corrupt: in which field a bit turns, as `sir decode --bytes` names it
    #[arg(long, value_name = "FIELD")]
    field: Option<String>,
    /// truncate: how many octets are left
    #[arg(long, value_name = "N")]
    octets: Option<u64>,
    /// rate, slow-read: octets a second
    #[arg(long, value_name = "N")]
    rate: Option<u64>,
    /// answer: sip:503, http:503, pap:4001, smpp:ESME_RTHROTTLED, wsp:E2
    #[arg(long, value_name = "PROTOCOL:CODE")]
    code: Option<String>,
    /// answer: seconds in the Retry-After of SIP and HTTP
    #[arg(long, value_name = "SECONDS")]
    retry_after: Option<u64>,
    /// receipt: failed, late, missing, double
    #[arg(long)]
    receipt: Option<String>,
    /// Only this bearer: sip, http, wsp, sms, ussd, cs, ps, signalling, service; pap is the initiators' side
    #[arg(long)]
    bearer: Option<String>,
    /// Only udp, stream or http
    #[arg(long)]
    transport: Option<String>,
    /// Only what comes in, or goes out
    #[arg(long, value_name = "in|out")]
    dir: Option<String>,
    /// Only of this identity
    #[arg(long)]
    pui: Option<String>,
    /// Only of the device of this name
    #[arg(long)]
    device: Option<String>,
    /// Only of peers in this network
    #[arg(long, value_name = "CIDR")]
    peer: Option<String>,
    /// Only sir, content, reply or receipt
    #[arg(long)]
    kind: Option<String>,
    /// Only with this field: sip.method=MESSAGE
    #[arg(long = "match", value_name = "FIELD=VALUE")]
    matching: Option<String>,
    /// Only the first so many
    #[arg(long, value_name = "N")]
    first: Option<u64>,
    /// Only every so manieth
    #[arg(long, value_name = "K")]
    every: Option<u64>,
    /// Not the first so many
    #[arg(long, value_name = "N")]
    after: Option<u64>,
    /// The chance, from 0 to 1
    #[arg(long)]
    p: Option<f64>,
    /// What the chance is drawn from
    #[arg(long, requires = "p")]
    seed: Option<u64>,
    /// What is counted by: push, device, rule
    #[arg(long)]
    per: Option<String>,
    /// It ends after this long
    #[arg(long, value_name = "DUR", value_parser = super::duration)]
    ttl: Option<Duration>,
    /// It ends after so many hits
    #[arg(long, value_name = "N")]
    hits: Option<u64>,
}

impl Add {
    fn spec(&self) -> Spec {
        let millis = |duration: Option<Duration>| {
            duration.map(|it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX))
        };
        Spec {
            name: self.name.clone(),
            fault: self.fault.clone(),
            ms: millis(self.by),
            jitter_ms: millis(self.jitter),
            window: self.window,
            bits: self.bits,
            octet: self.octet,
            field: self.field.clone(),
            octets: self.octets,
            rate: self.rate,
            code: self.code.clone(),
            retry_after: self.retry_after,
            receipt: self.receipt.clone(),
            bearer: self.bearer.clone(),
            transport: self.transport.clone(),
            dir: self.dir.clone(),
            pui: self.pui.clone(),
            device: self.device.clone(),
            peer: self.peer.clone(),
            kind: self.kind.clone(),
            matching: self.matching.clone(),
            first: self.first,
            every: self.every,
            after: self.after,
            p: self.p,
            seed: self.seed,
            per: self.per.clone(),
            ttl_ms: millis(self.ttl),
            hits: self.hits,
        }
    }
}

/// Runs a command.
///
/// # Errors
///
/// The gateway does not answer, or the rule is none.
pub fn run(command: &Command, global: &Global) -> Result<Exit, Fault> {
    match command {
        Command::Add(add) => {
            let spec = add.spec();
            Rule::of(spec.clone(), Time::EPOCH)
                .map_err(|why| Fault::usage(why.to_string(), "see sirgate fault add --help"))?;
            let body = serde_json::to_vec(&spec).unwrap_or_default();
            list(&ask(global, "POST", PATH, body)?, global, true);
        }
        Command::Preset(Preset { name: None }) => presets(global),
        Command::Preset(Preset { name: Some(name) }) => {
            let body = serde_json::json!({ "preset": name }).to_string();
            list(&ask(global, "POST", PATH, body.into())?, global, true);
        }
        Command::Ls => list(&ask(global, "GET", PATH, Vec::new())?, global, false),
        Command::Rm { names } => {
            for name in names {
                let path = format!("{PATH}/{}", super::api::escape(name));
                tell(&ask(global, "DELETE", &path, Vec::new())?, global);
            }
        }
        Command::Reset => {
            let path = format!("{PATH}/reset");
            tell(&ask(global, "POST", &path, Vec::new())?, global);
        }
    }
    Ok(Exit::Yes)
}

fn ask(global: &Global, method: &str, path: &str, body: Vec<u8>) -> Result<Value, Fault> {
    let request = HttpRequest {
        method: method.to_owned(),
        target: path.to_owned(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: Bytes::from(body),
    };
    let response = Api::new(global)?.send(request, Duration::ZERO)?;
    if response.status >= 300 {
        return Err(problem(&response, path));
    }
    parse(&response)
}

fn list(answer: &Value, global: &Global, is_new: bool) {
    if global.json {
        println!("{answer}");
        return;
    }
    let rules = answer.get("rules").and_then(Value::as_array);
    for rule in rules.into_iter().flatten() {
        let text = |name: &str| rule.get(name).and_then(Value::as_str).unwrap_or_default();
        let number = |name: &str| rule.get(name).and_then(Value::as_u64).unwrap_or_default();
        let (name, words) = (text("name"), text("words"));
        let ends = match (rule.get("over") == Some(&Value::Bool(true)), text("until")) {
            (true, _) => ", over".to_owned(),
            (false, "") => String::new(),
            (false, until) => format!(", ends {until}"),
        };
        if is_new {
            println!("{name}  {words}{ends}      (sirgate fault rm {name})");
        } else {
            println!(
                "{name}  {words}{ends}      hit {} of {}",
                number("hit"),
                number("seen")
            );
        }
    }
}

fn tell(answer: &Value, global: &Global) {
    if global.json {
        println!("{answer}");
    } else {
        let removed = answer.get("removed").and_then(Value::as_u64);
        println!("{} removed", removed.unwrap_or_default());
    }
}

fn presets(global: &Global) {
    if global.json {
        let all = preset::PRESETS.map(|preset| {
            serde_json::json!({"name": preset.name, "what": preset.what, "rules": preset.rules()})
        });
        println!(
            "{}",
            serde_json::json!({"schema": "sirgate.fault-presets/1", "presets": all})
        );
        return;
    }
    for preset in preset::PRESETS {
        println!("{:<12} {}", preset.name, preset.what);
        for rule in preset.rules() {
            println!("             {}", rule.words());
        }
    }
}
