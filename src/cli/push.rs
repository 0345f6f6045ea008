//! `sirgate push`: submits over PAP as an initiator would, and follows the push to its end.

use std::io::Read as _;
use std::time::Duration;

use serde_json::Value;

use super::api::{Api, escape, problem};
use super::config::check::{application_option, sip_option};
use super::fault::{Exit, Fault, nearest};
use super::{DEFAULT_API, Global, device};
use crate::codec::pap::{self, Operation, Status, address::ClientAddress};
use crate::driver::clock::Clock;
use crate::sim::initiator::Submission;

/// Arguments of `push`.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  sirgate push alice \"hello\" --only C1\n  sirgate push alice @news.txt --plan fanout+id --place body\n  \
                        sirgate push sip:alice@example.com \"hello\" --ask capability,refusal --json"
)]
pub struct Arguments {
    /// The identity: sip:alice@example.com, or alice where that is the only one
    to: String,
    /// The content; @FILE reads a file, - standard input
    content: String,
    /// Only these devices, by the names they have at the gateway
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    only: Vec<String>,
    /// Only this device, by an identifier (may be repeated)
    #[arg(long, value_name = "ID")]
    device: Vec<String>,
    /// How the SIR travels. Devices that have a session need none: they get the content there, shown as plan direct
    #[arg(long, value_parser = ["auto", "targeted", "fanout", "fanout+id", "legacy"])]
    plan: Option<String>,
    /// Where the SIR holds device identifiers: header, value, body (of no effect where no SIR is sent)
    #[arg(long, value_delimiter = ',')]
    place: Vec<String>,
    /// What devices shall return: capability, preference, security, subscription, refusal, send-registration, send-capability.
    /// Asked by the SIR, or by the content where a device has a session
    #[arg(long, value_delimiter = ',')]
    ask: Vec<String>,
    /// The application to activate on the device
    #[arg(long, value_name = "URI", value_parser = application_option)]
    app: Option<String>,
    /// Let devices connect to this gateway instead
    #[arg(long, value_name = "URI", value_parser = sip_option)]
    ppg: Option<String>,
    /// The type of the content
    #[arg(long, default_value = "text/plain")]
    content_type: String,
    /// The application the content is for
    #[arg(long, value_name = "URI", value_parser = application_option)]
    application_id: Option<String>,
    /// The push-id; without it one is made
    #[arg(long)]
    push_id: Option<String>,
    /// Do not wait for the end
    #[arg(long)]
    no_wait: bool,
}

impl Arguments {
    /// True where it is said which devices are meant.
    const fn chooses(&self) -> bool {
        !self.only.is_empty() || !self.device.is_empty()
    }
}

/// Runs the command.
///
/// # Errors
///
/// The gateway does not answer or refuses, or the end does not come in time.
pub fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Fault> {
    if let Some(id) = &arguments.push_id
        && (id.is_empty() || id.contains(char::is_whitespace))
    {
        return Err(Fault::usage(
            format!("\"{id}\" is no push-id"),
            "write one without blanks, as in news-7@pi.example.com",
        ));
    }
    if arguments.plan.as_deref() == Some("legacy") && arguments.chooses() {
        return Err(Fault::usage(
            "--plan legacy wakes every device and gives each the content, whatever --only or --device say",
            "leave --only and --device out, or choose another plan: --plan fanout wakes all, and gives it to those alone",
        ));
    }
    let api = Api::new(global)?;
    let known = api.json("/api/v1/identities")?;
    let pui = resolve(&arguments.to, &known)?;
    let submission = compose(arguments, &pui, &known)?;
    let push_id = submission.push_id.clone();
    let response = api.send(submission.request("/pap"), Duration::ZERO)?;
    if response.status == 401 {
        return Err(problem(&response, "/pap"));
    }
    accepted(&response.body, response.status, || {
        device::of_identity(&known, &pui)
    })?;
    if arguments.no_wait {
        if global.json {
            println!(
                "{}",
                serde_json::json!({"schema": "sirgate.push/1", "id": push_id, "state": "pending"})
            );
        } else {
            let follow = ladder(&push_id, global);
            println!("push {push_id}  accepted      follow it: {follow}");
        }
        return Ok(Exit::Yes);
    }
    follow(&api, &pui, &push_id, arguments, global)
}

/// The identity that is meant.
fn resolve(to: &str, known: &Value) -> Result<String, Fault> {
    let identities: Vec<&str> = known
        .get("identities")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|identity| identity.get("pui")?.as_str())
        .collect();
    if to.contains(':') {
        return Ok(to.to_owned());
    }
    let user = |pui: &str| {
        pui.split_once(':')
            .map(|(_, rest)| rest.split('@').next().unwrap_or(rest).to_owned())
    };
    let found: Vec<&&str> = identities
        .iter()
        .filter(|pui| pui.ends_with(&format!(":{to}")) || user(pui).is_some_and(|user| user == to))
        .collect();
    match found.as_slice() {
        [one] => Ok((**one).to_owned()),
        [] => {
            let users: Vec<String> = identities.iter().filter_map(|pui| user(pui)).collect();
            let users: Vec<&str> = users.iter().map(String::as_str).collect();
            let help = match nearest(to, &users) {
                Some(user) => format!("did you mean {user}?"),
                None if identities.is_empty() => "no identity is known there yet; register a device, or write it out: sip:alice@example.com".into(),
                None => format!("known: {}", identities.iter().take(10).copied().collect::<Vec<_>>().join(", ")),
            };
            Err(Fault::usage(format!("no identity is called {to}"), help))
        }
        several => {
            let list = several
                .iter()
                .take(10)
                .map(|pui| **pui)
                .collect::<Vec<_>>()
                .join(", ");
            Err(Fault::usage(
                format!("{to} could be several identities"),
                format!("write one of: {list}"),
            ))
        }
    }
}

fn compose(arguments: &Arguments, pui: &str, known: &Value) -> Result<Submission, Fault> {
    let host = known
        .get("host")
        .and_then(Value::as_str)
        .unwrap_or("ppg.example.com");
    let mut headers = Vec::new();
    let wanted: Vec<String> = arguments
        .only
        .iter()
        .chain(&arguments.device)
        .map(|device| format!("<{device}>"))
        .collect();
    let lists = [
        ("X-Sirgate-Device", wanted.join(", ")),
        ("X-Sirgate-Plan", arguments.plan.clone().unwrap_or_default()),
        ("X-Sirgate-Place", arguments.place.join(",")),
        ("X-Sirgate-Ask", arguments.ask.join(", ")),
        (
            "X-Sirgate-App",
            arguments
                .app
                .as_ref()
                .map(|app| format!("<{app}>"))
                .unwrap_or_default(),
        ),
        ("X-Sirgate-Ppg", arguments.ppg.clone().unwrap_or_default()),
        (
            "X-Wap-Application-Id",
            arguments.application_id.clone().unwrap_or_default(),
        ),
    ];
    headers.extend(
        lists
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.to_owned(), value)),
    );
    Ok(Submission {
        push_id: arguments.push_id.clone().map_or_else(push_id, Ok)?,
        addresses: vec![ClientAddress::user(pui, host)],
        headers,
        content_type: arguments.content_type.clone(),
        content: content(&arguments.content)?.into(),
        ..Submission::default()
    })
}

/// Four letters and digits that are easy to say, unlike any push of this second.
fn push_id() -> Result<String, Fault> {
    let random = crate::driver::clock::system_random();
    let mut random = random.map_err(|error| {
        Fault::usage(
            format!("no push-id can be made: {error}"),
            "give one with --push-id",
        )
    })?;
    Ok(random.token::<6>().to_string())
}

fn content(argument: &str) -> Result<Vec<u8>, Fault> {
    let read = match argument {
        "-" => {
            let mut octets = Vec::new();
            std::io::stdin().read_to_end(&mut octets).map(|_| octets)
        }
        _ => match argument.strip_prefix('@') {
            Some(file) => std::fs::read(file),
            None => return Ok(argument.as_bytes().to_vec()),
        },
    };
    read.map_err(|error| {
        Fault::usage(
            format!("the content {argument} cannot be read: {error}"),
            "name a file that exists, as in @news.txt",
        )
    })
}

/// The command that draws a push, as it is typed against the same gateway.
fn ladder(push_id: &str, global: &Global) -> String {
    let elsewhere = if global.api == DEFAULT_API {
        String::new()
    } else {
        format!(" --api {}", global.api)
    };
    format!("sirgate trace show {push_id}{elsewhere}")
}

/// What the push-response says; who there is, is told where nobody goes by an address.
fn accepted(body: &[u8], status: u16, known: impl Fn() -> String) -> Result<(), Fault> {
    let refused = |code: u16, why: String| {
        let help = if code == Status::AddressError.code() {
            known()
        } else {
            String::new()
        };
        let message = format!("the gateway refused the push: {code} {why}");
        Err(Fault::new("SG-P002", Exit::No, message, help))
    };
    match pap::decode(body).map(|document| document.operation) {
        Ok(Operation::PushResponse(answer)) if answer.code == 1001 => Ok(()),
        Ok(Operation::PushResponse(answer)) => {
            refused(answer.code, answer.desc.unwrap_or_default())
        }
        Ok(Operation::BadMessage(answer)) => refused(answer.code, answer.desc.unwrap_or_default()),
        _ => refused(status, String::from_utf8_lossy(body).trim().to_owned()),
    }
}

fn follow(
    api: &Api,
    pui: &str,
    push_id: &str,
    arguments: &Arguments,
    global: &Global,
) -> Result<Exit, Fault> {
    let timeout = global.timeout.unwrap_or(Duration::from_secs(30));
    let wait = format!(
        "/api/v1/events/wait?match={}&count=1&since=0&timeout={}ms",
        escape(&format!("push.end push={push_id}")),
        timeout.as_millis()
    );
    let response = api.get(&wait, timeout)?;
    if !matches!(response.status, 200 | 408) {
        return Err(problem(&response, "/api/v1/events/wait"));
    }
    let push = api.json(&format!("/api/v1/pushes/{}", escape(push_id)))?;
    let mut outcomes = Outcomes::of(api, &push, pui, push_id)?;
    outcomes.await_answers(api, &push, &arguments.ask)?;
    if global.json {
        println!("{}", outcomes.to_json(&push));
    } else {
        print!("{}", outcomes.to_text(&push, pui, push_id));
        println!("      ladder: {}", ladder(push_id, global));
        outcomes
            .notes(arguments, is_legacy(&push))
            .iter()
            .for_each(|note| eprintln!("note: {note}"));
    }
    if response.status == 408 {
        return Err(Fault::new(
            "SG-N004",
            Exit::Untested,
            format!("push {push_id} did not end within {timeout:?}"),
            "the gateway goes on trying; wait longer with --timeout, or see sirgate trace show",
        ));
    }
    let delivered = text(&push, "state") == "delivered";
    Ok(if delivered { Exit::Yes } else { Exit::No })
}

/// What became of a push, device by device: the gateway's word, and what events tell of the way.
struct Outcomes {
    devices: Vec<Device>,
    sirs: usize,
    /// Devices that were registered when the push was planned.
    registered: usize,
    took_ms: Option<f64>,
}

/// One device of the identity.
struct Device {
    name: String,
    kind: String,
    bearer: String,
    sir_ms: Option<f64>,
    decision: Option<String>,
    outcome: String,
    reason: String,
    end_ms: Option<f64>,
    /// Kinds of information that it returned.
    returned: Vec<String>,
}

/// How long information that was asked for may come after the end of a push.
const ANSWERS: Duration = Duration::from_secs(1);

impl Outcomes {
    fn of(api: &Api, push: &Value, pui: &str, push_id: &str) -> Result<Self, Fault> {
        let events = events(api)?;
        let sir = text(push, "sir");
        let of_push = |event: &&Value| {
            text(event, "push") == push_id || (sir != "-" && text(event, "sir") == sir)
        };
        let events: Vec<&Value> = events.iter().filter(of_push).collect();
        let identity = api.json(&format!("/api/v1/identities/{}", escape(pui)))?;
        let ended = |name: &str| {
            list(push, "devices")
                .iter()
                .find(|device| text(device, "dev") == name)
        };
        let begin = events
            .first()
            .and_then(|event| event.get("t")?.as_u64())
            .unwrap_or(0);
        let find = |ev: &str, dev: &str| {
            events.iter().find(|event| {
                text(event, "ev") == ev
                    && (dev.is_empty() || [dev, "*"].contains(&text(event, "dev")))
            })
        };
        let after = |event: Option<&&Value>| {
            let micros = u32::try_from(event?.get("t")?.as_u64()?.saturating_sub(begin)).ok()?;
            Some(f64::from(micros) / 1000.0)
        };
        let devices = list(&identity, "devices").iter().map(|device| {
            let name = text(device, "name");
            let end = ended(name);
            let sir = find("sir.tx", name);
            Device {
                name: name.to_owned(),
                kind: text(device, "kind").to_owned(),
                bearer: sir.map_or("-", |event| text(event, "bearer")).to_owned(),
                sir_ms: after(sir),
                decision: find("sir.decide", name)
                    .map(|event| format!("{} {}", text(event, "result"), text(event, "reason"))),
                outcome: end
                    .map_or("not-wanted", |end| text(end, "outcome"))
                    .to_owned(),
                reason: end
                    .map_or("not addressed", |end| text(end, "reason"))
                    .to_owned(),
                end_ms: end.and_then(|_| after(find("push.dev", name))),
                returned: Vec::new(),
            }
        });
        let sirs = events
            .iter()
            .filter(|event| text(event, "ev") == "sir.tx")
            .count();
        Ok(Self {
            devices: devices.collect(),
            sirs,
            registered: find("obtain", "").map_or(0, |event| list(event, "devices").len()),
            took_ms: after(find("push.end", "")),
        })
    }

    /// Waits until the devices that have the push returned what was asked of them, or for a moment.
    fn await_answers(&mut self, api: &Api, push: &Value, asked: &[String]) -> Result<(), Fault> {
        let kinds = ["capability", "preference", "security", "subscription"];
        let asked: Vec<&String> = asked
            .iter()
            .filter(|kind| kinds.contains(&kind.as_str()))
            .collect();
        let clock = Clock::start();
        let begin = clock.now();
        loop {
            let events = events(api)?;
            let told = events.iter().filter(|event| {
                let sir = event.get("info").and_then(|info| info.get("sir"));
                text(event, "ev") == "info.rx"
                    && sir.and_then(Value::as_str) == Some(text(push, "sir"))
            });
            let told: Vec<(&str, &str)> = told
                .map(|event| (text(event, "dev"), text(event, "kind")))
                .collect();
            for device in &mut self.devices {
                let own = told.iter().filter(|(dev, _)| *dev == device.name);
                device.returned = own.map(|(_, kind)| (*kind).to_owned()).collect();
            }
            let is_missing = |device: &Device| {
                device.outcome == "delivered"
                    && asked.iter().any(|kind| !device.returned.contains(kind))
            };
            let left = ANSWERS.saturating_sub(clock.now().since(begin));
            if left.is_zero() || !self.devices.iter().any(is_missing) {
                return Ok(());
            }
            let since = events
                .iter()
                .filter_map(|event| event.get("seq")?.as_u64())
                .max();
            let wait = format!(
                "/api/v1/events/wait?match=info.rx&count=1&since={}&timeout={}ms",
                since.unwrap_or(0),
                left.as_millis().max(1)
            );
            api.get(&wait, ANSWERS)?;
        }
    }

    /// What was asked for and is of no effect here, in words.
    fn notes(&self, arguments: &Arguments, legacy: bool) -> Vec<String> {
        let mut notes = Vec::new();
        if legacy && arguments.chooses() {
            notes.push(
                "plan legacy, the gateway's own, gives every device the content, so --only and --device had no effect"
                    .to_owned(),
            );
        }
        let options = [
            (
                "--plan",
                // Legacy says who gets the content, too.
                arguments
                    .plan
                    .as_deref()
                    .is_some_and(|plan| !["auto", "legacy"].contains(&plan)),
            ),
            ("--place", !arguments.place.is_empty()),
            ("--ppg", arguments.ppg.is_some()),
        ];
        let given: Vec<&str> = options
            .into_iter()
            .filter_map(|(name, is_given)| is_given.then_some(name))
            .collect();
        if self.sirs == 0 && !given.is_empty() && self.wanted().any(|_| true) {
            let plan = if legacy { "legacy" } else { "direct" };
            notes.push(format!(
                "no SIR was sent (plan {plan}: every wanted device has a session), so {} had no effect",
                given.join(" and ")
            ));
        }
        for device in self.wanted().filter(|device| device.outcome == "delivered") {
            let missing: Vec<&str> = arguments
                .ask
                .iter()
                .map(String::as_str)
                .filter(|kind| *kind != "refusal" && !kind.starts_with("send-"))
                .filter(|kind| device.returned.iter().all(|returned| returned != kind))
                .collect();
            if !missing.is_empty() {
                notes.push(format!(
                    "{} was asked for {} and did not return it",
                    device.name,
                    missing.join(", ")
                ));
            }
        }
        notes
    }

    fn wanted(&self) -> impl Iterator<Item = &Device> {
        self.devices
            .iter()
            .filter(|device| device.outcome != "not-wanted")
    }

    fn to_text(&self, push: &Value, pui: &str, push_id: &str) -> String {
        let names: Vec<&str> = self.wanted().map(|device| device.name.as_str()).collect();
        let delivered = self
            .wanted()
            .filter(|device| device.outcome == "delivered")
            .count();
        let mode = list(push, "devices")
            .iter()
            .map(|device| text(device, "mode"))
            .find(|mode| *mode != "-");
        let mut out = format!(
            "push {push_id}  {pui}  wanted {}  plan {} ({} {}, {} registered, {} wanted)  {} SIR\n",
            names.join(","),
            mode.unwrap_or_else(|| if is_legacy(push) { "legacy" } else { "direct" }),
            self.devices.len(),
            if self.devices.len() == 1 {
                "device"
            } else {
                "devices"
            },
            self.registered,
            names.len(),
            self.sirs,
        );
        let after = |ms: Option<f64>| ms.map_or_else(String::new, |ms| format!(" +{ms:.1} ms"));
        for device in &self.devices {
            let sir = device
                .sir_ms
                .map_or_else(|| "no SIR".to_owned(), |ms| format!("SIR sent +{ms:.1} ms"));
            let returned = match device.returned.as_slice() {
                [] => String::new(),
                kinds => format!("  returned {}", kinds.join(", ")),
            };
            out += &format!(
                "  {:<4} {:<6} {:<5} {sir:<18} {:<17} {}{}  {}{returned}\n",
                device.name,
                device.kind,
                device.bearer,
                device.decision.as_deref().unwrap_or("-"),
                device.outcome,
                after(device.end_ms),
                device.reason,
            );
        }
        let state = match text(push, "state") {
            "delivered" => "delivered",
            "pending" => "not ended yet; delivered",
            other => &format!("{other}; delivered"),
        };
        out += &format!(
            "{state} to {delivered} of {} wanted device{}{}",
            names.len(),
            if names.len() == 1 { "" } else { "s" },
            self.took_ms
                .map_or_else(String::new, |ms| format!(" in {ms:.1} ms")),
        );
        out
    }

    /// The gateway's own document, with what events tell of each device.
    fn to_json(&self, push: &Value) -> Value {
        let devices: Vec<Value> = self
            .devices
            .iter()
            .map(|device| {
                serde_json::json!({
                    "dev": device.name, "kind": device.kind, "bearer": device.bearer, "sir_ms": device.sir_ms,
                    "decision": device.decision, "outcome": device.outcome, "reason": device.reason, "end_ms": device.end_ms,
                    "returned": device.returned,
                })
            })
            .collect();
        let mut push = push.clone();
        if let Some(object) = push.as_object_mut() {
            object.insert("outcomes".into(), devices.into());
            object.insert("sirs".into(), self.sirs.into());
            object.insert("took_ms".into(), self.took_ms.into());
        }
        push
    }
}

/// True where every device gets the content, chosen or not.
fn is_legacy(push: &Value) -> bool {
    text(push, "plan") == "legacy"
}

/// All events the gateway keeps.
fn events(api: &Api) -> Result<Vec<Value>, Fault> {
    let answer = api.get("/api/v1/events?since=0&follow=false", Duration::ZERO)?;
    let lines = String::from_utf8_lossy(&answer.body).into_owned();
    Ok(lines
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect())
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("-")
}
