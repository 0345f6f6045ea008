//! `sirgate demo`: gateway, identity and devices in one process, from nothing.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::config::Lab;
use super::doors::Doors;
use super::fault::{Exit, Fault};
use super::{Global, node};
use crate::driver::clock::Clock;
use crate::sim::cast;

/// Arguments of `demo`.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  sirgate demo\n  sirgate push alice \"hello\" --only C1      in a second terminal"
)]
pub struct Arguments {
    /// The port of PAP and API; another free one is taken when it is not to be had
    #[arg(long, default_value_t = 8642)]
    port: u16,
    /// Keep pushes in this database, so that they survive; without it nothing is written
    #[arg(long, value_name = "FILE")]
    store: Option<std::path::PathBuf>,
    /// Write every event as one JSON line; - is standard output
    #[arg(long, value_name = "FILE")]
    events: Option<String>,
}

/// Runs the command.
///
/// # Errors
///
/// Addresses that cannot be had.
pub fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Vec<Fault>> {
    let mut lab = Lab::decode("demo", include_str!("demo.toml"), Path::new("."))?;
    lab.listen.http = free(arguments.port);
    lab.store.clone_from(&arguments.store);
    lab.observe.events.clone_from(&arguments.events);
    for device in &mut lab.devices {
        device.profile = Arc::new(cast::handset(&device.kind));
    }
    node::block_on(demo(lab, global))
}

/// How long the banner waits for the devices.
const PATIENCE: Duration = Duration::from_secs(10);

/// The wanted port on loopback, or any that is free.
fn free(port: u16) -> SocketAddr {
    let wanted = SocketAddr::from(([127, 0, 0, 1], port));
    match TcpListener::bind(wanted) {
        Ok(_) => wanted,
        Err(_) => SocketAddr::from(([127, 0, 0, 1], 0)),
    }
}

async fn demo(lab: Lab, global: &Global) -> Result<Exit, Vec<Fault>> {
    node::start_log(lab.observe.log, global);
    let journal = node::journal(&lab, global)?;
    let mut stop = node::Stop::listen()?;
    let clock = Clock::start();
    let registered = node::registrations(&journal, lab.devices.len(), Some(PATIENCE), |_| {});
    let (mut gateway, _) = node::gateway(&lab, &clock, journal.clone())?;
    let addresses = gateway.addresses().clone();
    let sip = addresses.udp.first().copied().unwrap_or(lab.listen.http);
    let streams = addresses.listeners.first().map_or(sip, |(_, _, at)| *at);
    let mut fleet = node::fleet(
        &lab,
        node::Registrar {
            datagrams: sip,
            streams,
            tls: streams,
        },
        &Doors::default(),
        clock,
        journal,
    )?;
    let registered = registered.await >= lab.devices.len();
    let http = addresses.http.first().copied().unwrap_or(lab.listen.http);
    println!(
        "sirgate {}  demo: 1 gateway, identity sip:alice@example.com, {} devices      (all on 127.0.0.1)",
        env!("CARGO_PKG_VERSION"),
        lab.devices.len()
    );
    for device in &lab.devices {
        let id = device.ids.first().map_or("-", |id| id.as_str());
        let state = if registered {
            "registered, no session"
        } else {
            "not registered yet"
        };
        println!(
            "  {:<3} {:<6} {id:<52} sip/{:<4} {state}",
            device.name,
            device.kind,
            device.transport.name().to_lowercase()
        );
    }
    let api = if http.port() == 8642 {
        String::new()
    } else {
        format!(" --api http://{http}")
    };
    println!(
        "console  http://{http}/      next:  sirgate push alice \"hello\" --only C1{api}      stop: Ctrl-C"
    );
    // Devices first: they take leave of a gateway that is there.
    let farewell = async {
        fleet.stop();
        // They keep nothing, so how they end does not matter.
        let _ = fleet.ended().await;
    };
    node::until_stopped_after(farewell, &mut gateway, &mut stop).await
}
