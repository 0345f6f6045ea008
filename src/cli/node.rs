//! Nodes on real sockets: the gateway, the devices, and both together.

use std::collections::BTreeSet;
use std::future::Future;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Global;
use super::config::{DeviceEntry, Lab, Listen};
use super::doors::Doors;
use super::fault::{Exit, Fault};
use crate::device::config::Config as DeviceConfig;
use crate::device::{Device, Fleet};
use crate::driver::clock::{self, Clock};
use crate::driver::observe::log::{self, EventSink, LogSettings};
use crate::driver::observe::{Journal, JournalSettings};
use crate::driver::store::sqlite::Sqlite;
use crate::driver::store::{Query, Store, StoreError};
use crate::driver::tls::{Tls, TlsError};
use crate::driver::{self, Handle, Setup};
use crate::event::Fact;
use crate::fault::{Faulty, Rules};
use crate::gateway::Gateway;
use crate::gateway::config::{Config, Listener, Speaks};
use crate::gateway::service::push_service::{self, SOCKET_PATH as PUSH_SOCKET_PATH};
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
    start_log(lab.observe.log, global);
    let journal = journal(&lab, global)?;
    let mut stop = Stop::listen()?;
    let (mut handle, unfinished) = gateway(&lab, &Clock::start(), journal)?;
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
    match &lab.store {
        Some(path) => println!(
            "store   {}   {unfinished} unfinished {} taken up",
            path.display(),
            if unfinished == 1 { "push" } else { "pushes" }
        ),
        None => println!("store   none: a restart forgets everything"),
    }
    println!("console http://{http}/");
    println!("ready   PAP http://{http}/pap   API http://{http}/api/v1   stop: Ctrl-C");
    until_stopped(&mut handle, &mut stop).await
}

/// Runs the simulated devices of a laboratory until Ctrl-C.
///
/// # Errors
///
/// Addresses that cannot be had.
pub async fn devices(
    lab: Lab,
    registrar: Option<SocketAddr>,
    doors: &Doors,
    global: &Global,
) -> Result<Exit, Vec<Fault>> {
    start_log(lab.observe.log, global);
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
    let mut stop = Stop::listen()?;
    let registered = registrations(&journal, count, global.timeout, say);
    let mut handle = fleet(&lab, place, doors, Clock::start(), journal)?;
    println!(
        "sirgate {}  {count} devices register at {registrar}",
        env!("CARGO_PKG_VERSION")
    );
    let registered = tokio::select! {
        registered = registered => registered,
        ended = until_stopped(&mut handle, &mut stop) => return ended,
    };
    if registered < count {
        let stopper = handle.stopper();
        stopper.stop();
        // Devices keep nothing, so how they end does not matter.
        let _ = handle.ended().await;
        let patience = global.timeout.unwrap_or_default();
        return Err(one(Fault::new(
            "SG-N007",
            Exit::Untested,
            format!(
                "{registered} of {count} devices registered at {registrar} within {patience:?}"
            ),
            "is a registrar listening there, on that transport? name it with --gateway ADDRESS, or give it longer",
        )));
    }
    println!("registered {count} devices      stop: Ctrl-C");
    until_stopped(&mut handle, &mut stop).await
}

/// Tells on standard error how registering goes.
fn say(news: News<'_>) {
    match news {
        News::Refused(from, why) => eprintln!("{from}: {why}"),
        News::Waiting { registered, count } => {
            eprintln!("{registered} of {count} devices are registered; trying on");
        }
    }
}

/// Starts the gateway; its addresses are bound when this returns. Beside it, how many unfinished pushes of its store it
/// took up.
///
/// # Errors
///
/// Addresses or files that cannot be had.
pub fn gateway(
    lab: &Lab,
    clock: &Clock,
    journal: Journal,
) -> Result<(Handle<Faulty<Gateway>>, usize), Vec<Fault>> {
    let mut setup = Setup::new(clock.clone(), journal);
    setup.limits.http_body_octets = lab.gateway.body_octets_max;
    setup.identity = lab.login.clone();
    setup.riding = lab.piggyback.map(|it| it.settings);
    setup.limits.http_connections = lab.listen.http_connections;
    setup.tls = tls(&lab.listen)?;
    let mut config = lab.gateway.clone();
    let policy = config.policy.clone();
    setup.readers = driver::Readers::only(move |shown| policy.admits(shown));
    listen(&lab.listen, &mut config, &mut setup)?;
    let mut gateway = Gateway::new(config, random()?);
    let mut unfinished = 0;
    if let Some(path) = &lab.store {
        let mut store = Sqlite::open(path).map_err(|error| one(store_fault(&error.to_string())))?;
        let records = records(&mut store, lab.gateway.bounds.ended)?;
        let is_unfinished = |it: &&Record| it.key.kind == RecordKind::Push && it.live;
        unfinished = records.iter().filter(is_unfinished).count();
        gateway.restore(clock.now(), records, &mut setup.first);
        setup.store = Some(Box::new(store));
    }
    let mut rules = Rules::default();
    for spec in &lab.faults.rules {
        // Those of the file were checked when it was read.
        let added = rules.add(spec.clone(), clock.now());
        added.map_err(|why| one(Fault::usage(why.to_string(), "mend [faults] in the file")))?;
    }
    let mut gateway = Faulty::new(gateway, rules, random()?);
    gateway.set_door(lab.faults.live, lab.faults.operators.clone());
    let handle = driver::start(gateway, setup).map_err(|error| one(bug(&error.to_string())))?;
    Ok((handle, unfinished))
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

/// Starts the devices, each on a socket of its own; the first has these doors.
///
/// # Errors
///
/// Sockets that cannot be had.
pub fn fleet(
    lab: &Lab,
    registrar: Registrar,
    doors: &Doors,
    clock: Clock,
    journal: Journal,
) -> Result<Handle<Fleet>, Vec<Fault>> {
    let mut setup = Setup::new(clock, journal);
    setup.tls = Tls::default()
        .trust_loopback()
        .map_err(|error| one(bug(&error.to_string())))?;
    let mut devices = Vec::with_capacity(lab.devices.len());
    let mut random = random()?;
    for entry in &lab.devices {
        let number = u32::try_from(setup.udp.len()).unwrap_or(u32::MAX);
        let socket = bind_udp(SocketAddr::new(registrar.datagrams.ip(), 0), None)?;
        let local = socket
            .local_addr()
            .map_err(|error| one(bug(&error.to_string())))?;
        setup.udp.push(socket);
        let at = registrar.of(entry.transport);
        let mut config = device(entry, SocketId(number), local, at, &lab.gateway.host);
        // Without a door of its own a device may still return information by HTTP.
        config.bearers.info_url = Some(format!("http://{}/info", lab.listen.http));
        if devices.is_empty() {
            doors.open(&mut setup, &mut config)?;
        }
        devices.push(Device::new(config, random.fork()));
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

/// Tells a push service that has no origin of its own where it is reached.
fn place_push_service(service: &mut push_service::Config, bound: SocketAddr) {
    if service.origin.is_empty() {
        service.origin = format!("http://{bound}");
    }
    if bound.ip().is_loopback() {
        let local = format!("http://localhost:{}", bound.port());
        service.audiences.push(local);
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
    for (address, place) in [
        (listen.wsp, &mut config.wsp),
        (listen.wsp_session, &mut config.wsp_session),
    ] {
        let Some(address) = address else { continue };
        match bind_udp(address, Some(RECEIVE_OCTETS)) {
            Ok(socket) => {
                let number = u32::try_from(setup.udp.len()).unwrap_or(u32::MAX);
                let bound = socket.local_addr().unwrap_or(address);
                *place = Some((SocketId(number), bound));
                setup.udp.push(socket);
            }
            Err(more) => faults.extend(more),
        }
    }
    faults.extend(accept(Transport::Tcp, listen.msrp, Speaks::Msrp, config, setup).err());
    for (transport, address) in [
        (Transport::Tcp, listen.ota_http),
        (Transport::Tls, listen.ota_https),
    ] {
        let accepted =
            address.map(|address| accept(transport, address, Speaks::OtaHttp, config, setup));
        faults.extend(accepted.and_then(Result::err));
    }
    faults.extend(listen_http(listen.http, config, setup).err());
    if let Some(address) = listen.https {
        match TcpListener::bind(address) {
            Ok(listener) => setup.https.push(listener),
            Err(error) => faults.push(taken(address, &error)),
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

fn listen_http(address: SocketAddr, config: &mut Config, setup: &mut Setup) -> Result<(), Fault> {
    let listener = TcpListener::bind(address).map_err(|error| taken(address, &error))?;
    if let Some(service) = &mut config.push_service {
        setup.sockets.push(PUSH_SOCKET_PATH.to_owned());
        let bound = listener.local_addr().unwrap_or(address);
        place_push_service(service, bound);
    }
    setup.http.push(listener);
    Ok(())
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
    let served = served(listen).and_then(|tls| match &listen.tls_clients {
        Some(roots) => tls.know_clients(roots),
        None => Ok(tls),
    });
    let served = served.map_err(|error| {
        one(Fault::new(
            "SG-N006",
            Exit::Usage,
            format!("TLS cannot be served: {error}"),
            "check tls_certificate and tls_key: PEM files that belong together",
        ))
    })?;
    trust(served, listen)
}

/// Whom connections in TLS believe that we open ourselves.
///
/// # Errors
///
/// The file of certificates cannot be read.
pub fn trusting(listen: &Listen) -> Result<Tls, Vec<Fault>> {
    trust(Tls::default(), listen)
}

fn trust(tls: Tls, listen: &Listen) -> Result<Tls, Vec<Fault>> {
    let trusting = match &listen.tls_trust {
        Some(roots) => tls.trust_file(roots),
        None => Ok(tls),
    };
    let trusting = trusting.and_then(|tls| {
        if listen.tls_trust_loopback {
            tls.trust_loopback()
        } else {
            Ok(tls)
        }
    });
    trusting.map_err(|error| {
        one(Fault::new(
            "SG-N009",
            Exit::Usage,
            format!("nobody can be trusted: {error}"),
            "check tls_trust: a PEM file with the certificates of those who sign",
        ))
    })
}

/// The certificate of the listeners that are in TLS.
fn served(listen: &Listen) -> Result<Tls, TlsError> {
    let mut sip = listen.sip.iter();
    let is_asked = [listen.https, listen.ota_https].iter().any(Option::is_some)
        || sip.any(|(transport, _)| *transport == Transport::Tls);
    match &listen.tls {
        _ if !is_asked => Ok(Tls::default()),
        Some((certificate, key)) => Tls::default().serve_files(certificate, key),
        None => Tls::default()
            .serve_self_signed(&["localhost", "127.0.0.1"])
            .map(|(tls, _)| tls),
    }
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
pub fn start_log(level: &str, global: &Global) {
    let filter = std::env::var("SIRGATE_LOG").unwrap_or_else(|_| level.to_owned());
    let has_colour = std::io::IsTerminal::is_terminal(&std::io::stderr())
        && std::env::var_os("NO_COLOR").is_none();
    // A second start in one process keeps the first log.
    let _ = log::start(&filter, global.json, has_colour);
}

/// What there is to say while devices register.
#[derive(Clone, Copy, Debug)]
pub enum News<'a> {
    /// A registrar did not take a device: which, and what came of it.
    Refused(&'a str, &'a str),
    /// Some time went by.
    Waiting {
        /// Devices that are registered.
        registered: usize,
        /// All of them.
        count: usize,
    },
}

/// How often it is said that devices are still waiting.
const SAY_AGAIN: Duration = Duration::from_secs(5);

/// How many of so many devices are registered, once all are, or after `patience`; without one it waits for ever.
pub fn registrations<S: FnMut(News<'_>)>(
    journal: &Journal,
    count: usize,
    patience: Option<Duration>,
    mut say: S,
) -> impl Future<Output = usize> + use<S> {
    let journal = journal.clone();
    async move {
        let mut news = journal.watch();
        let (mut cursor, mut registered) = (0, BTreeSet::new());
        let begin = tokio::time::Instant::now();
        let end = patience.map(|patience| begin + patience);
        let mut again = begin + SAY_AGAIN;
        loop {
            news.borrow_and_update();
            let page = journal.after(cursor, 1_024);
            cursor = page.cursor;
            for entry in &page.entries {
                match &entry.event.fact {
                    Fact::DevReg { pui, dev } => {
                        registered.insert((pui.clone(), dev.clone()));
                    }
                    Fact::Refused { from, why } => say(News::Refused(from, why)),
                    _ => {}
                }
            }
            let now = tokio::time::Instant::now();
            if registered.len() >= count || end.is_some_and(|end| now >= end) {
                return registered.len();
            }
            if now >= again {
                let registered = registered.len();
                say(News::Waiting { registered, count });
                again = now + SAY_AGAIN;
            }
            if page.entries.is_empty() {
                let until = end.map_or(again, |end| end.min(again));
                // Whatever ends the wait, the next look tells what it was.
                let _ = tokio::time::timeout_at(until, news.changed()).await;
            }
        }
    }
}

/// How a person or a service manager ends a command that runs on.
#[derive(Debug)]
pub struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    /// Listens from now on: what is sent before somebody waits is not lost.
    ///
    /// # Errors
    ///
    /// The system gives no signals.
    pub fn listen() -> Result<Self, Vec<Fault>> {
        let of = |kind| signal(kind).map_err(|error| one(bug(&format!("no signals: {error}"))));
        Ok(Self {
            interrupt: of(SignalKind::interrupt())?,
            terminate: of(SignalKind::terminate())?,
        })
    }

    /// Ends with Ctrl-C, which is an interruption, or with a request to terminate, which is how services are ended.
    pub async fn wait(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Yes,
        }
    }
}

/// Lets a node run until it is told to end, then ends it in order.
///
/// # Errors
///
/// The node failed.
pub async fn until_stopped<N>(handle: &mut Handle<N>, stop: &mut Stop) -> Result<Exit, Vec<Fault>> {
    until_stopped_after(async {}, handle, stop).await
}

/// The same, with something to be done before it is ended.
///
/// # Errors
///
/// The node failed.
pub async fn until_stopped_after<N>(
    farewell: impl Future<Output = ()>,
    handle: &mut Handle<N>,
    stop: &mut Stop,
) -> Result<Exit, Vec<Fault>> {
    let stopper = handle.stopper();
    let exit = tokio::select! {
        ended = handle.ended() => {
            return ended.map(|_| Exit::Yes).map_err(|error| one(bug(&error.to_string())));
        }
        exit = stop.wait() => exit,
    };
    farewell.await;
    stopper.stop();
    handle
        .ended()
        .await
        .map(|_| exit)
        .map_err(|error| one(bug(&error.to_string())))
}

pub(super) fn random() -> Result<Random, Vec<Fault>> {
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
