//! `sirgate sim apns` and `sirgate sim fcm`: push services of others, for gateways and other senders to be tried against.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::fault::{Exit, Fault};
use crate::cli::{Global, duration, node};
use crate::codec::apns::answer::Reason;
use crate::codec::apns::provider;
use crate::codec::fcm::account::ServiceAccount;
use crate::codec::fcm::answer::Code;
use crate::codec::fcm::grant;
use crate::codec::jwt::key::{Key, KeyFault, PublicKey};
use crate::driver::clock::Clock;
use crate::driver::observe::Journal;
use crate::driver::tls::Tls;
use crate::driver::{self, Setup};
use crate::machine::Machine;
use crate::random::Random;
use crate::sim::vendor_push::Demand;
use crate::sim::vendor_push::apns::{self, Apns};
use crate::sim::vendor_push::fcm::{self, Fcm, TOKEN_PATH};
use crate::world::{Input, Output};

/// Names for which a certificate is made: senders that know no other address come by these.
const HOSTS: [&str; 6] = [
    "localhost",
    "127.0.0.1",
    "api.push.apple.com",
    "api.sandbox.push.apple.com",
    "fcm.googleapis.com",
    "oauth2.googleapis.com",
];

/// What both services take.
#[derive(clap::Args)]
pub(super) struct Shared {
    /// A device that is there from the start, with its application; its token is printed. May be repeated
    #[arg(long, value_name = "NAME:APP")]
    device: Vec<String>,
    /// A device that nobody knows appears when something is sent to its token
    #[arg(long)]
    any_device: bool,
    /// Refuse notifications for this reason, by the service's own word
    #[arg(long, value_name = "REASON")]
    refuse: Option<String>,
    /// ... for tokens that begin so
    #[arg(long, value_name = "PREFIX", default_value = "")]
    to: String,
    /// ... the first so many only
    #[arg(long, value_name = "NUMBER")]
    first: Option<u64>,
    /// ... each so-manieth only
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    every: Option<u64>,
    /// ... and tell the sender to wait so many seconds
    #[arg(long, value_name = "SECONDS")]
    retry_after: Option<u64>,
    /// Write the certificate that is made to this file, for senders to trust
    #[arg(long, value_name = "FILE")]
    cert_out: Option<PathBuf>,
    /// Write every event as one JSON line; - is standard output
    #[arg(long, value_name = "FILE")]
    events: Option<String>,
}

/// Arguments of `sim apns`.
#[derive(clap::Args)]
pub struct ApnsArguments {
    /// Where senders come to, by HTTP/2 over TLS
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:2197")]
    listen: SocketAddr,
    /// Speak HTTP/2 without TLS
    #[arg(long, conflicts_with = "cert_out")]
    clear: bool,
    /// The key of the provider, private or public, as PEM text
    #[arg(long, value_name = "FILE", conflicts_with = "key_out")]
    key: Option<PathBuf>,
    /// Make a key for the provider and write it to this file
    #[arg(long, value_name = "FILE", required_unless_present = "key")]
    key_out: Option<PathBuf>,
    /// The identifier of the provider's key
    #[arg(long, value_name = "ID", default_value = "ABC123DEFG")]
    key_id: String,
    /// The provider's team
    #[arg(long, value_name = "ID", default_value = "TEAM567890")]
    team: String,
    /// An application that the provider may send to; none named: any. May be repeated
    #[arg(long, value_name = "TOPIC")]
    topic: Vec<String>,
    #[command(flatten)]
    shared: Shared,
}

/// Arguments of `sim fcm`.
#[derive(clap::Args)]
pub struct FcmArguments {
    /// Where senders come to, by HTTP/1.1 or HTTP/2; over TLS with --cert-out
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// The project whose messages are taken
    #[arg(long, value_name = "ID", default_value = "lab")]
    project: String,
    /// The file of a service account that may send
    #[arg(long, value_name = "FILE", conflicts_with = "service_account_out")]
    service_account: Option<PathBuf>,
    /// Make a service account and write its file
    #[arg(long, value_name = "FILE", required_unless_present = "service_account")]
    service_account_out: Option<PathBuf>,
    /// How long an access token is good
    #[arg(long, value_name = "DUR", value_parser = duration, default_value = "1h")]
    access: Duration,
    #[command(flatten)]
    shared: Shared,
}

/// Runs the push service of Apple.
///
/// # Errors
/// Addresses, keys or files that cannot be had.
pub(super) async fn apns(arguments: &ApnsArguments, global: &Global) -> Result<Exit, Vec<Fault>> {
    let key = provider_key(arguments)?;
    let settings = apns::Settings {
        providers: vec![provider::Known {
            key,
            key_id: arguments.key_id.clone(),
            team: arguments.team.clone(),
        }],
        topics: arguments.topic.clone(),
        any_device: arguments.shared.any_device,
    };
    let mut service = Apns::new(settings, node::random()?);
    let words: Vec<_> = Reason::ALL.iter().map(|reason| reason.word()).collect();
    demanded(&arguments.shared, &words, |demand| service.demand(demand))?;
    let place = Place {
        name: "push service of Apple",
        listen: arguments.listen,
        is_tls: !arguments.clear,
    };
    let register = |service: &mut Apns, now, name: &str, app: &str, out: &mut Vec<Output>| {
        service.register(now, name, app, out)
    };
    run(service, register, &place, &arguments.shared, global).await
}

/// Runs Firebase Cloud Messaging.
///
/// # Errors
/// Addresses, keys or files that cannot be had.
pub(super) async fn fcm(arguments: &FcmArguments, global: &Global) -> Result<Exit, Vec<Fault>> {
    let is_tls = arguments.shared.cert_out.is_some();
    let account = service_account(arguments, is_tls)?;
    let settings = fcm::Settings {
        project: arguments.project.clone(),
        accounts: vec![grant::Known {
            email: account.email.clone(),
            key: account.key.public(),
        }],
        audience: account.token_uri.clone(),
        access: arguments.access,
        any_device: arguments.shared.any_device,
    };
    let mut service = Fcm::new(settings, node::random()?);
    let words: Vec<_> = Code::ALL.iter().map(|code| code.word()).collect();
    demanded(&arguments.shared, &words, |demand| service.demand(demand))?;
    let place = Place {
        name: "Firebase Cloud Messaging",
        listen: arguments.listen,
        is_tls,
    };
    let register = |service: &mut Fcm, now, name: &str, app: &str, out: &mut Vec<Output>| {
        service.register(now, name, app, out)
    };
    run(service, register, &place, &arguments.shared, global).await
}

/// What is run, and where.
struct Place {
    name: &'static str,
    listen: SocketAddr,
    is_tls: bool,
}

async fn run<N>(
    mut service: N,
    mut register: impl FnMut(&mut N, crate::time::Time, &str, &str, &mut Vec<Output>) -> String,
    place: &Place,
    shared: &Shared,
    global: &Global,
) -> Result<Exit, Vec<Fault>>
where
    N: Machine<Input = Input, Output = Output> + Send + 'static,
{
    let mut stop = node::Stop::listen()?;
    node::start_log("info", global);
    let journal: Journal = super::journal(shared.events.as_deref(), global)?;
    let clock = Clock::start();
    let mut setup = Setup::new(clock.clone(), journal);
    setup.limits.http_hosts = HOSTS.map(str::to_owned).to_vec();
    let listener =
        TcpListener::bind(place.listen).map_err(|error| super::taken(place.listen, &error))?;
    if place.is_tls {
        let made = Tls::default().serve_self_signed(&HOSTS);
        let (tls, text) = made.map_err(|error| bug(&error.to_string()))?;
        if let Some(path) = &shared.cert_out {
            write(path, &text)?;
        }
        setup.tls = tls;
        setup.https.push(listener);
    } else {
        setup.http.push(listener);
    }
    let mut tokens = Vec::new();
    for device in &shared.device {
        let (name, app) = device.split_once(':').ok_or_else(|| {
            let help = "write --device phone:com.example.mail";
            vec![Fault::usage(
                format!("\"{device}\" has no application"),
                help,
            )]
        })?;
        let token = register(&mut service, clock.now(), name, app, &mut setup.first);
        tokens.push(format!("token   {name} {token}"));
    }
    let mut handle = driver::start(service, setup).map_err(|error| bug(&error.to_string()))?;
    let addresses = handle.addresses();
    let at = addresses.https.first();
    let at = at.or_else(|| addresses.http.first());
    let at = at.copied().unwrap_or(place.listen);
    let scheme = if place.is_tls { "https" } else { "http" };
    let mut banner = vec![format!(
        "sirgate {}  {}",
        env!("CARGO_PKG_VERSION"),
        place.name
    )];
    banner.append(&mut tokens);
    banner.push(format!(
        "ready   {scheme}://{at}   devices {scheme}://{at}/sim/devices   stop: Ctrl-C"
    ));
    // The event log has standard output for itself.
    if shared.events.as_deref() == Some("-") {
        eprintln!("{}", banner.join("\n"));
    } else {
        println!("{}", banner.join("\n"));
    }
    node::until_stopped(&mut handle, &mut stop).await
}

fn demanded(
    shared: &Shared,
    words: &[&str],
    mut demand: impl FnMut(Demand) -> bool,
) -> Result<(), Vec<Fault>> {
    let Some(reason) = &shared.refuse else {
        return Ok(());
    };
    let mut own = Demand::default();
    own.reason.clone_from(reason);
    own.to.clone_from(&shared.to);
    (own.first, own.every) = (shared.first, shared.every);
    own.retry_after = shared.retry_after;
    if demand(own) {
        return Ok(());
    }
    let why = format!("the service knows no reason {reason}");
    let help = format!("write one of {}", words.join(", "));
    Err(vec![Fault::usage(why, help)])
}

fn provider_key(arguments: &ApnsArguments) -> Result<PublicKey, Vec<Fault>> {
    if let Some(path) = &arguments.key {
        return PublicKey::of_pem(&read(path)?).map_err(|fault| no_key(path, fault));
    }
    let mut random: Random = node::random()?;
    // Chance makes a number beyond the order of the curve once in 2^32.
    let key = std::iter::repeat_with(|| Key::of_number(&random.octets())).flatten();
    let key = key.take(1).next();
    let key = key.ok_or_else(|| bug("no key of P-256"))?;
    if let Some(path) = &arguments.key_out {
        let text = key.pem().map_err(|fault| no_key(path, fault))?;
        write_secret(path, &text)?;
    }
    Ok(key.public())
}

fn service_account(arguments: &FcmArguments, is_tls: bool) -> Result<ServiceAccount, Vec<Fault>> {
    if let Some(path) = &arguments.service_account {
        let account = ServiceAccount::of_text(&read(path)?);
        return account.map_err(|fault| {
            let why = format!("{}: {fault}", path.display());
            vec![Fault::usage(why, "name the file of a service account")]
        });
    }
    let mut random: Random = node::random()?;
    let key = Key::rsa_of_chance(random.octets()).map_err(|fault| bug(&fault.to_string()))?;
    let (scheme, at) = (if is_tls { "https" } else { "http" }, arguments.listen);
    let account = ServiceAccount {
        project: arguments.project.clone(),
        email: format!("push@{}.iam.gserviceaccount.com", arguments.project),
        token_uri: format!("{scheme}://{at}{TOKEN_PATH}"),
        key_id: crate::codec::hex::digits(&random.octets::<20>()),
        key,
    };
    if let Some(path) = &arguments.service_account_out {
        let text = account.text().map_err(|fault| no_key(path, fault))?;
        write_secret(path, &text)?;
    }
    Ok(account)
}

fn read(path: &Path) -> Result<String, Vec<Fault>> {
    std::fs::read_to_string(path).map_err(|error| {
        let why = format!("{} cannot be read: {error}", path.display());
        vec![Fault::usage(why, "name a file that is there")]
    })
}

fn write(path: &Path, text: &str) -> Result<(), Vec<Fault>> {
    std::fs::write(path, text).map_err(|error| cannot_write(path, &error))
}

/// A file that its owner alone may read.
fn write_secret(path: &Path, text: &str) -> Result<(), Vec<Fault>> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let opened = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path);
    let written = opened.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Vec<Fault> {
    let why = format!("{} cannot be written: {error}", path.display());
    vec![Fault::usage(why, "name a file in a folder that exists")]
}

fn no_key(path: &Path, fault: KeyFault) -> Vec<Fault> {
    let why = format!("{}: {fault}", path.display());
    vec![Fault::usage(why, "name a PEM file with a key of P-256")]
}

fn bug(why: &str) -> Vec<Fault> {
    vec![Fault::new(
        "SG-X001",
        Exit::Bug,
        why.to_owned(),
        "this is a fault of sirgate; please report it with the command",
    )]
}
