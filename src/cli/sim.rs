//! `sirgate sim`: the other parties of a laboratory that has none.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use super::fault::{Exit, Fault};
use super::{Global, duration, node};
use crate::codec::smpp::Status;
use crate::driver::clock::Clock;
use crate::driver::observe::{Journal, JournalSettings};
use crate::driver::{self, Setup};
use crate::event::Fact;
use crate::protocol::smpp::State;
use crate::protocol::smpp::smsc::{Effect, Fate, Rule, Settings};
use crate::sim::smsc::MessageCentre;
use crate::world::{ListenerId, SocketId, Transport};

mod vendor_push;

/// Subcommands of `sim`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// A short message centre: SMPP for gateways, a radio for the simulated devices
    #[command(
        after_help = "Example:\n  sirgate sim smsc\n  sirgate sim smsc --listen 127.0.0.1:2775 --radio 127.0.0.1:2776 --refuse ESME_RTHROTTLED --every 10\n  sirgate device run --config lab.toml --count 1 --msisdn +15550103 --radio 127.0.0.1:2776"
    )]
    Smsc(Smsc),
    /// The push service of Apple: HTTP/2 for providers with tokens, and devices that get theirs
    #[command(
        after_help = "Example:\n  sirgate sim apns --key-out AuthKey.p8 --cert-out apns.pem --device phone:com.example.mail\n  sirgate sim apns --clear --key-out AuthKey.p8 --any-device --refuse TooManyRequests --first 3 --retry-after 2 --events -"
    )]
    Apns(vendor_push::ApnsArguments),
    /// Firebase Cloud Messaging v1: access tokens for service accounts, messages for devices
    #[command(
        after_help = "Example:\n  sirgate sim fcm --service-account-out account.json --device phone:com.example.mail\n  sirgate sim fcm --service-account-out account.json --any-device --refuse UNREGISTERED --to ab --events -"
    )]
    Fcm(vendor_push::FcmArguments),
}

/// Arguments of `sim smsc`.
#[derive(clap::Args)]
pub struct Smsc {
    /// Where gateways bind by SMPP
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:2775")]
    listen: SocketAddr,
    /// Where devices attach (device run --radio)
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:2776")]
    radio: SocketAddr,
    /// A gateway that may bind, with the file of its password; none named: anybody. May be repeated
    #[arg(long, value_name = "NAME:FILE")]
    account: Vec<String>,
    /// Messages taken in a second; further ones are throttled. 0: any number
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    per_second: u32,
    /// Answer submissions so much later
    #[arg(long, value_name = "DUR", value_parser = duration)]
    delay: Option<Duration>,
    /// Refuse submissions with this status: `ESME_RTHROTTLED`, `ESME_RMSGQFUL`, ...
    #[arg(long, value_name = "STATUS", value_parser = status)]
    refuse: Option<Status>,
    /// Take submissions, and never answer them
    #[arg(long)]
    silent: bool,
    /// Take submissions, and report in the receipt that they failed with this error of the network
    #[arg(long, value_name = "ERROR")]
    fail: Option<u8>,
    /// Send no receipts
    #[arg(long)]
    no_receipts: bool,
    /// Do all this to the first so many submissions only
    #[arg(long, value_name = "NUMBER")]
    first: Option<u64>,
    /// ... to each so-manieth only
    #[arg(long, value_name = "NUMBER")]
    every: Option<u64>,
    /// ... to numbers that begin so
    #[arg(long, value_name = "PREFIX", default_value = "")]
    to: String,
    /// Write every event as one JSON line; - is standard output
    #[arg(long, value_name = "FILE")]
    events: Option<String>,
}

/// Runs the command.
///
/// # Errors
///
/// Addresses or files that cannot be had.
pub fn run(command: &Command, global: &Global) -> Result<Exit, Vec<Fault>> {
    match command {
        Command::Smsc(arguments) => node::block_on(smsc(arguments, global)),
        Command::Apns(arguments) => node::block_on(vendor_push::apns(arguments, global)),
        Command::Fcm(arguments) => node::block_on(vendor_push::fcm(arguments, global)),
    }
}

async fn smsc(arguments: &Smsc, global: &Global) -> Result<Exit, Vec<Fault>> {
    let mut stop = node::Stop::listen()?;
    node::start_log("info", global);
    let journal = journal(arguments.events.as_deref(), global)?;
    let mut setup = Setup::new(Clock::start(), journal.clone());
    let radio =
        driver::udp::bind(arguments.radio, None).map_err(|error| taken(arguments.radio, &error))?;
    setup.udp.push(radio);
    let listener =
        TcpListener::bind(arguments.listen).map_err(|error| taken(arguments.listen, &error))?;
    setup
        .listeners
        .push((ListenerId(0), Transport::Tcp, listener));
    let settings = Settings {
        accounts: accounts(&arguments.account)?,
        per_second: arguments.per_second,
        ..Settings::default()
    };
    let centre = MessageCentre::new(settings, SocketId(0)).with_rules(rules(arguments));
    let centre = centre.telling();
    let mut handle = driver::start(centre, setup).map_err(|error| {
        vec![Fault::new(
            "SG-X001",
            Exit::Bug,
            error.to_string(),
            "this is a fault of sirgate; please report it with the command",
        )]
    })?;
    let addresses = handle.addresses();
    let (smpp, radio) = (addresses.listeners.first(), addresses.udp.first());
    let smpp = smpp.map_or(arguments.listen, |(_, _, at)| *at);
    let radio = radio.copied().unwrap_or(arguments.radio);
    println!(
        "sirgate {}  short message centre",
        env!("CARGO_PKG_VERSION")
    );
    println!("ready   SMPP {smpp}   radio {radio}   stop: Ctrl-C");
    // The event log has standard output for itself.
    let is_free = arguments.events.as_deref() != Some("-");
    tokio::select! {
        ended = node::until_stopped(&mut handle, &mut stop) => ended,
        () = tell(&journal), if is_free => Ok(Exit::Yes),
    }
}

/// Prints what the message centre takes and gives, a line each, for ever.
async fn tell(journal: &Journal) {
    let (mut news, mut cursor) = (journal.watch(), 0);
    loop {
        news.borrow_and_update();
        let page = journal.after(cursor, 1_024);
        cursor = page.cursor;
        for entry in &page.entries {
            if let Fact::Wire { from, to, what, .. } = &entry.event.fact {
                println!("{}  {from} -> {to}  {what}", entry.event.t);
            }
        }
        if page.entries.is_empty() && news.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

fn rules(arguments: &Smsc) -> Vec<Rule> {
    let effects = [
        arguments.delay.map(Effect::Delay),
        arguments.refuse.map(Effect::Refuse),
        arguments.silent.then_some(Effect::Silence),
        arguments.fail.map(|error| {
            Effect::Fate(Fate {
                state: State::Undeliverable,
                error,
                after: Duration::ZERO,
            })
        }),
        arguments.no_receipts.then_some(Effect::NoReceipt),
    ];
    let rule = |effect| Rule {
        destination: arguments.to.clone(),
        first: arguments.first,
        every: arguments.every,
        effect,
    };
    effects.into_iter().flatten().map(rule).collect()
}

fn accounts(named: &[String]) -> Result<Vec<(String, String)>, Vec<Fault>> {
    named
        .iter()
        .map(|text| {
            let fault = |why: String| {
                vec![Fault::usage(
                    why,
                    "write --account NAME:FILE, the password on the first line of the file",
                )]
            };
            let (name, file) = text
                .split_once(':')
                .ok_or_else(|| fault(format!("\"{text}\" has no file")))?;
            let text = std::fs::read_to_string(PathBuf::from(file))
                .map_err(|error| fault(format!("{file} cannot be read: {error}")))?;
            let password = text.lines().next().unwrap_or_default();
            Ok((name.to_owned(), password.to_owned()))
        })
        .collect()
}

fn journal(events: Option<&str>, global: &Global) -> Result<Journal, Vec<Fault>> {
    use crate::driver::observe::log::{EventSink, LogSettings};
    let settings = JournalSettings {
        log: LogSettings {
            events: events.map_or(EventSink::None, EventSink::from_argument),
            reveal: global.reveal,
        },
        ..JournalSettings::default()
    };
    Journal::start(&settings).map_err(|error| {
        vec![Fault::usage(
            format!("the event log cannot be written: {error}"),
            "name a file in a folder that exists, or - for standard output",
        )]
    })
}

fn status(text: &str) -> Result<Status, String> {
    Status::of_name(text).ok_or_else(|| "write the name of a status, as in ESME_RTHROTTLED".into())
}

fn taken(address: SocketAddr, error: &std::io::Error) -> Vec<Fault> {
    vec![Fault::new(
        "SG-N005",
        Exit::Usage,
        format!("{address} cannot be had: {error}"),
        "is another sirgate or program listening there? choose another address",
    )]
}
