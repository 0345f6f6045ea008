//! Nodes on real sockets: the gateway, the devices, and both together.

use std::collections::BTreeSet;
use std::future::Future;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;

use super::Global;
use super::config::{DeviceEntry, Lab, Listen};
use super::fault::{Exit, Fault};
use crate::device::config::Config as DeviceConfig;
use crate::device::{Device, Fleet};
use crate::driver::clock::{self, Clock};
use crate::driver::observe::log::{self, EventSink, LogSettings};
use crate::driver::observe::{Journal, JournalSettings};
use crate::driver::store::sqlite::Sqlite;
use crate::driver::store::{Query, Store, StoreError};
use crate::driver::tls::Tls;
use crate::driver::{self, Handle, Setup};
use crate::event::Fact;
use crate::gateway::Gateway;
use crate::gateway::config::{Config, Listener, Speaks};
use crate::random::Random;
use crate::world::{ListenerId, Record, RecordKind, SocketId, Transport};

/// Octets of kernel buffer for a socket that many devices send to.
const RECEIVE_OCTETS: usize = 4 << 20;

/// Runs something on a runtime of its own.
///
/// # Errors
///
/// What it fails with.
pub fn block_on<T>(work: impl Future<Output = Result<T, Vec<Fault>>>) -> Result<T, Vec<Fault>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime
        .map_err(|error| one(bug(&format!("no runtime: {error}"))))?
        .block_on(work)
}

/// Serves the gateway of a laboratory until Ctrl-C.
///
/// # Errors
///
/// Addresses or files that cannot be had.
pub async fn serve(lab: Lab, global: &Global) -> Result<Exit, Vec<Fault>> {
    start_log(&lab, global);
    let journal = journal(&lab, global)?;
    let mut handle = gateway(&lab, &Clock::start(), journal)?;
    let addresses = handle.addresses();
    let http = addresses.http.first().copied().unwrap_or(lab.listen.http);
    let sip = lab
        .listen
        .sip
        .iter()
        .map(|(transport, at)| format!("{} {at}", transport.name().to_lowercase()));
    println!(
        "sirgate {}  gateway {}  domain {}",
        env!("CARGO_PKG_VERSION"),
        lab.gateway.host,
        lab.gateway.domain
    );
    println!("sip     {}", sip.collect::<Vec<_>>().join(", "));
    println!("ready   PAP http://{http}/pap   API http://{http}/api/v1   stop: Ctrl-C");
    until_interrupted(&mut handle).await
}

/// Runs the simulated devices of a laboratory until Ctrl-C.
///
/// # Errors
///
/// Addresses that cannot be had.
pub async fn devices(
    lab: Lab,
    registrar: Option<SocketAddr>,
    global: &Global,
) -> Result<Exit, Vec<Fault>> {
    start_log(&lab, global);
    let journal = journal(&lab, global)?;
    let count = lab.devices.len();
    if count == 0 {
        let help =
            "add [[identity]] with [[identity.device]], or [[fleet]]; see sirgate config example";
        return Err(one(Fault::usage("the file names no device", help)));
    }
    let first = |wanted| {
        lab.listen
            .sip
            .iter()
            .find(|(transport, _)| *transport == wanted)
            .map(|(_, at)| *at)
    };
    let registrar = registrar
        .or_else(|| first(Transport::Udp))
        .or_else(|| first(Transport::Tcp));
    let registrar = registrar.ok_or_else(|| {
        one(Fault::usage(
            "the file has no SIP address",
            "give --gateway ADDRESS",
        ))
    })?;
    let tls = first(Transport::Tls).unwrap_or(registrar);
    let place = Registrar {
        datagrams: registrar,
        streams: registrar,
        tls,
    };
    let registered = registrations(&journal, count);
    let mut handle = fleet(&lab, place, Clock::start(), journal)?;
    println!(
        "sirgate {}  {count} devices at {registrar}",
        env!("CARGO_PKG_VERSION")
    );
    if registered.await {
        println!("registered {count} devices      stop: Ctrl-C");
    } else {
        eprintln!(
            "not all of the {count} devices are registered yet; is a registrar at {registrar}? they go on trying"
        );
    }
    until_interrupted(&mut handle).await
}

/// Starts the gateway; its addresses are bound when this returns.
///
/// # Errors
///
/// Addresses or files that cannot be had.
pub fn gateway(lab: &Lab, clock: &Clock, journal: Journal) -> Result<Handle<Gateway>, Vec<Fault>> {
    let mut setup = Setup::new(clock.clone(), journal);
    setup.limits.http_body_octets = lab.gateway.body_octets_max;
    setup.tls = tls(&lab.listen)?;
    let mut config = lab.gateway.clone();
    listen(&lab.listen, &mut config, &mut setup)?;
    let mut gateway = Gateway::new(config, random()?);
    if let Some(path) = &lab.store {
        let mut store = Sqlite::open(path).map_err(|error| one(store_fault(&error.to_string())))?;
        let records = records(&mut store, lab.gateway.bounds.ended)?;
        gateway.restore(clock.now(), records, &mut setup.first);
        setup.store = Some(Box::new(store));
    }
    driver::start(gateway, setup).map_err(|error| one(bug(&error.to_string())))
}

/// What a restart needs: all live records, and the latest ended pushes, whose push-ids are not to be taken again.
fn records(store: &mut Sqlite, ended: usize) -> Result<Vec<Record>, Vec<Fault>> {
    let fault = |error: StoreError| one(store_fault(&error.to_string()));
    let latest = Query {
        kind: Some(RecordKind::Push),
        live: Some(false),
        limit: ended,
        ..Query::default()
    };
    let mut records = store.history(&latest).map_err(fault)?;
    records.reverse();
    records.extend(store.load().map_err(fault)?);
    Ok(records)
}

/// Starts the devices, each on a socket of its own.
///
/// # Errors
///
/// Sockets that cannot be had.
pub fn fleet(
    lab: &Lab,
    registrar: Registrar,
    clock: Clock,
    journal: Journal,
) -> Result<Handle<Fleet>, Vec<Fault>> {
    let mut setup = Setup::new(clock, journal);
    setup.tls = Tls::default()
        .trust_loopback()
        .map_err(|error| one(bug(&error.to_string())))?;
    let mut devices = Vec::with_capacity(lab.devices.len());
    let mut random = random()?;
    for (number, entry) in (0..).zip(&lab.devices) {
        let socket = bind_udp(SocketAddr::new(registrar.datagrams.ip(), 0), None)?;
        let local = socket
            .local_addr()
            .map_err(|error| one(bug(&error.to_string())))?;
        setup.udp.push(socket);
        let at = registrar.of(entry.transport);
        devices.push(Device::new(
            device(entry, SocketId(number), local, at, &lab.gateway.host),
            random.fork(),
        ));
    }
    driver::start(Fleet::new(devices), setup).map_err(|error| one(bug(&error.to_string())))
}

/// Where devices register, by what they speak.
#[derive(Clone, Copy, Debug)]
pub struct Registrar {
    /// On UDP.
    pub datagrams: SocketAddr,
    /// On TCP.
    pub streams: SocketAddr,
    /// On TLS.
    pub tls: SocketAddr,
}

impl Registrar {
    const fn of(&self, transport: Transport) -> SocketAddr {
        match transport {
            Transport::Udp => self.datagrams,
            Transport::Tcp => self.streams,
            Transport::Tls => self.tls,
        }
    }
}

fn device(
    entry: &DeviceEntry,
    socket: SocketId,
    local: SocketAddr,
    registrar: SocketAddr,
    ppg: &str,
) -> DeviceConfig {
    DeviceConfig {
        kind: entry.kind.clone(),
        socket,
        transport: entry.transport,
        registrar_name: Some("localhost".into()),
        ppg_addresses: Arc::new([(ppg.to_owned(), registrar)]),
        behaviour: Arc::clone(&entry.behaviour),
        profile: Arc::clone(&entry.profile),
        ..DeviceConfig::new(&entry.name, &entry.pui, entry.ids.clone(), local, registrar)
    }
}

fn listen(listen: &Listen, config: &mut Config, setup: &mut Setup) -> Result<(), Vec<Fault>> {
    let mut faults = Vec::new();
    for (transport, address) in &listen.sip {
        if *transport == Transport::Udp {
            match bind_udp(*address, Some(RECEIVE_OCTETS)) {
                Ok(socket) => {
                    let number = u32::try_from(setup.udp.len()).unwrap_or(u32::MAX);
                    config
                        .udp
                        .push((SocketId(number), socket.local_addr().unwrap_or(*address)));
                    setup.udp.push(socket);
                }
                Err(more) => faults.extend(more),
            }
        } else {
            faults.extend(accept(*transport, *address, Speaks::Sip, config, setup).err());
        }
    }
    faults.extend(accept(Transport::Tcp, listen.msrp, Speaks::Msrp, config, setup).err());
    match TcpListener::bind(listen.http) {
        Ok(listener) => setup.http.push(listener),
        Err(error) => faults.push(taken(listen.http, &error)),
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

fn accept(
    transport: Transport,
    address: SocketAddr,
    speaks: Speaks,
    config: &mut Config,
    setup: &mut Setup,
) -> Result<(), Fault> {
    let listener = TcpListener::bind(address).map_err(|error| taken(address, &error))?;
    let address = listener.local_addr().unwrap_or(address);
    let id = ListenerId(u32::try_from(setup.listeners.len()).unwrap_or(u32::MAX));
    config.listeners.push(Listener {
        id,
        speaks,
        transport,
        address,
    });
    setup.listeners.push((id, transport, listener));
    Ok(())
}

fn bind_udp(address: SocketAddr, octets: Option<usize>) -> Result<UdpSocket, Vec<Fault>> {
    driver::udp::bind(address, octets).map_err(|error| one(taken(address, &error)))
}

fn tls(listen: &Listen) -> Result<Tls, Vec<Fault>> {
    if !listen
        .sip
        .iter()
        .any(|(transport, _)| *transport == Transport::Tls)
    {
        return Ok(Tls::default());
    }
    let served = match &listen.tls {
        Some((certificate, key)) => Tls::default().serve_files(certificate, key),
        None => Tls::default()
            .serve_self_signed(&["localhost", "127.0.0.1"])
            .map(|(tls, _)| tls),
    };
    served.map_err(|error| {
        one(Fault::new(
            "SG-N006",
            Exit::Usage,
            format!("TLS cannot be served: {error}"),
            "check tls_certificate and tls_key: PEM files that belong together",
        ))
    })
}

/// The events of this process.
///
/// # Errors
///
/// A file that cannot be written.
pub fn journal(lab: &Lab, global: &Global) -> Result<Journal, Vec<Fault>> {
    let events = lab
        .observe
        .events
        .as_deref()
        .map_or(EventSink::None, EventSink::from_argument);
    let settings = JournalSettings {
        ring_entries: lab.observe.ring,
        log: LogSettings {
            events,
            reveal: global.reveal,
        },
        ..JournalSettings::default()
    };
    Journal::start(&settings).map_err(|error| {
        one(Fault::new(
            "SG-C011",
            Exit::Usage,
            format!("the event log cannot be written: {error}"),
            "name a file in a folder that exists, or - for standard output",
        ))
    })
}

/// The log of the program, on standard error.
pub fn start_log(lab: &Lab, global: &Global) {
    let filter = std::env::var("SIRGATE_LOG").unwrap_or_else(|_| lab.observe.log.to_owned());
    let has_colour = std::io::IsTerminal::is_terminal(&std::io::stderr())
        && std::env::var_os("NO_COLOR").is_none();
    // A second start in one process keeps the first log.
    let _ = log::start(&filter, global.json, has_colour);
}

/// True when so many bindings come up within ten seconds.
pub fn registrations(journal: &Journal, count: usize) -> impl Future<Output = bool> + use<> {
    let journal = journal.clone();
    async move {
        let mut news = journal.watch();
        let (mut cursor, mut registered) = (0, BTreeSet::new());
        let end = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
        loop {
            news.borrow_and_update();
            let page = journal.after(cursor, 1_024);
            cursor = page.cursor;
            registered.extend(
                page.entries
                    .iter()
                    .filter_map(|entry| match &entry.event.fact {
                        Fact::DevReg { pui, dev } => Some((pui.clone(), dev.clone())),
                        _ => None,
                    }),
            );
            if registered.len() >= count {
                return true;
            }
            if !page.entries.is_empty() {
                continue;
            }
            if !matches!(
                tokio::time::timeout_at(end, news.changed()).await,
                Ok(Ok(()))
            ) {
                return false;
            }
        }
    }
}

/// Lets a node run until Ctrl-C, then ends it in order.
///
/// # Errors
///
/// The node failed.
pub async fn until_interrupted<N>(handle: &mut Handle<N>) -> Result<Exit, Vec<Fault>> {
    let stopper = handle.stopper();
    tokio::select! {
        ended = handle.ended() => {
            return ended.map(|_| Exit::Yes).map_err(|error| one(bug(&error.to_string())));
        }
        () = interrupted() => stopper.stop(),
    }
    handle
        .ended()
        .await
        .map(|_| Exit::Yes)
        .map_err(|error| one(bug(&error.to_string())))
}

/// Ends with Ctrl-C or a request to terminate.
pub async fn interrupted() {
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
}

fn random() -> Result<Random, Vec<Fault>> {
    clock::system_random()
        .map_err(|error| one(bug(&format!("the system gives no chance: {error}"))))
}

fn taken(address: SocketAddr, error: &std::io::Error) -> Fault {
    Fault::new(
        "SG-N005",
        Exit::Usage,
        format!("{address} cannot be had: {error}"),
        "is another sirgate or program listening there? choose another port in [listen]",
    )
}

fn store_fault(error: &str) -> Fault {
    Fault::new(
        "SG-C012",
        Exit::Usage,
        error.to_owned(),
        "name another file in [store] path, or kind = \"none\" to keep nothing",
    )
}

fn bug(message: &str) -> Fault {
    Fault::new(
        "SG-X001",
        Exit::Bug,
        message.to_owned(),
        "this is a fault of sirgate; please report it with the command",
    )
}

fn one(fault: Fault) -> Vec<Fault> {
    vec![fault]
}
