//! Sockets, clocks and disks around a node.
//!
//! Generic over the node: whatever is a [`Machine`] between [`Input`] and [`Output`] can be run. One task owns the
//! node; sockets, the store and the event log are tasks and threads around it, joined by bounded queues.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;

use crate::limits;
use crate::machine::Machine;
use crate::world::{Input, ListenerId, Output, Transport};

pub mod clock;
mod http;
mod node;
pub mod observe;
mod order;
pub mod piggyback;
pub mod proxy;
pub mod store;
mod stream;
pub mod tls;
pub mod udp;
mod x509;

use clock::Clock;
pub use http::identity;

use http::client::Fetcher;
use http::riding;
use http::server::{self, Door};
use identity::Identity;
use node::{Outlet, Runner};
use observe::{Counters, Journal};
use store::Store;
use store::keeper::{Gauge, Keeper};
use stream::Links;
use tls::Tls;
use udp::Ports;

/// Everything a node needs of the world.
#[derive(Debug)]
pub struct Setup {
    /// The clock the node is told the time of.
    pub clock: Clock,
    /// Where events go; several nodes may share one journal.
    pub journal: Journal,
    /// Bound datagram sockets; the first is [`SocketId`](crate::world::SocketId) 0.
    pub udp: Vec<UdpSocket>,
    /// Bound stream listeners.
    pub listeners: Vec<(ListenerId, Transport, TcpListener)>,
    /// Bound HTTP listeners; all serve the same.
    pub http: Vec<TcpListener>,
    /// Bound listeners of HTTP over TLS; they serve the same.
    pub https: Vec<TcpListener>,
    /// Certificates and whom to believe.
    pub tls: Tls,
    /// Where records are kept; without a store they are dropped, as a simulated device wants it.
    pub store: Option<Box<dyn Store>>,
    /// Outputs to perform before the first input: those of a node that was restored from records.
    pub first: Vec<Output>,
    /// Bounds and times.
    pub limits: Limits,
    /// Who may read events and ladders.
    pub readers: Readers,
    /// Paths at which HTTP requests become links of messages.
    pub sockets: Vec<String>,
    /// How users of web pages prove who they are.
    pub identity: Identity,
    /// How unread messages ride along on responses to them, where they do.
    pub riding: Option<piggyback::Settings>,
}

impl Setup {
    /// A node without sockets and store.
    #[must_use]
    pub fn new(clock: Clock, journal: Journal) -> Self {
        Self {
            clock,
            journal,
            udp: Vec::new(),
            listeners: Vec::new(),
            http: Vec::new(),
            https: Vec::new(),
            tls: Tls::default(),
            store: None,
            first: Vec::new(),
            limits: Limits::default(),
            readers: Readers::default(),
            sockets: Vec::new(),
            identity: Identity::default(),
            riding: None,
        }
    }
}

/// Who may read what the driver serves of pushes; the default lets everybody.
#[derive(Clone, Default)]
pub struct Readers(Option<Arc<Judge>>);

type Judge = dyn Fn(Option<&str>) -> bool + Send + Sync;

impl Readers {
    /// Those whose Authorization header, which may be missing, the judge finds good.
    pub fn only(judge: impl Fn(Option<&str>) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(judge)))
    }

    fn admit(&self, authorization: Option<&str>) -> bool {
        self.0.as_ref().is_none_or(|judge| judge(authorization))
    }
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() {
            "Readers(some)"
        } else {
            "Readers(all)"
        })
    }
}

/// Bounds and times of the driver.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Links at a time, both accepted and opened.
    pub links: u32,
    /// HTTP connections at a time.
    pub http_connections: usize,
    /// Octets of an HTTP request's body; a larger one is answered 413.
    pub http_body_octets: usize,
    /// How long a client may take for the next part of a body, and six times that for all of it; then 408.
    pub http_read: Duration,
    /// How long the node may take to answer a request; then 504.
    pub http_answer: Duration,
    /// How long a connection may go without the whole head of its next request; then it is closed.
    pub http_idle: Duration,
    /// How often a silent stream of a browser client shows that it lives.
    pub web_heartbeat: Duration,
    /// How long a fetch may take.
    pub fetch: Duration,
    /// Octets of an answer to a fetch.
    pub fetch_octets: usize,
    /// Host names, besides those of loopback, that HTTP clients may use for a listener on loopback.
    pub http_hosts: Vec<String>,
    /// How long a stop may take while requests are unanswered.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            links: u32::try_from(limits::LINKS).unwrap_or(u32::MAX),
            http_connections: limits::HTTP_CONNECTIONS,
            http_body_octets: limits::HTTP_BODY_OCTETS,
            http_read: Duration::from_secs(10),
            http_answer: Duration::from_secs(30),
            http_idle: Duration::from_secs(30),
            web_heartbeat: Duration::from_secs(15),
            fetch: Duration::from_secs(10),
            fetch_octets: limits::HTTP_BODY_OCTETS,
            http_hosts: Vec::new(),
            drain: Duration::from_secs(5),
        }
    }
}

/// Why a node could not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriverError {
    /// A socket was not usable.
    #[error("{what}: {error}")]
    Socket {
        /// Which.
        what: String,
        /// What the system said.
        error: io::Error,
    },
    /// No thread could be had.
    #[error("no thread for the store: {0}")]
    Thread(io::Error),
    /// The node's task ended by a fault of its own.
    #[error("the node failed: {0}")]
    Node(String),
}

/// Where a running node listens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Datagram sockets, in the order of their numbers.
    pub udp: Vec<SocketAddr>,
    /// Stream listeners.
    pub listeners: Vec<(ListenerId, Transport, SocketAddr)>,
    /// HTTP listeners.
    pub http: Vec<SocketAddr>,
    /// Listeners of HTTP over TLS.
    pub https: Vec<SocketAddr>,
}

/// A running node.
#[derive(Debug)]
pub struct Handle<N> {
    addresses: Addresses,
    stop: watch::Sender<bool>,
    door: Arc<Door>,
    task: JoinHandle<N>,
}

/// Stops a node from elsewhere.
#[derive(Clone, Debug)]
pub struct Stopper(watch::Sender<bool>);

impl Stopper {
    /// Asks the node to stop.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl<N> Handle<N> {
    /// Where the node listens.
    #[must_use]
    pub const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Asks the node to stop: nothing more is accepted, what waits is handled, the store is flushed, links are closed.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Something that stops the node, to give away.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper(self.stop.clone())
    }

    /// Waits for the end of the node and gives it back.
    ///
    /// # Errors
    /// When the node's task ended by a fault.
    pub async fn ended(&mut self) -> Result<N, DriverError> {
        let ended = (&mut self.task).await;
        // Also after a fault: nobody is left to answer.
        self.stop();
        self.door.closed().await;
        let journal = self.door.journal.clone();
        let _ = tokio::task::spawn_blocking(move || journal.flush()).await;
        ended.map_err(|error| DriverError::Node(error.to_string()))
    }
}

/// Runs a node until `shutdown` is done, and gives it back.
///
/// # Errors
/// When a socket is not usable, or the node's task ended by a fault.
pub async fn run<N>(
    node: N,
    setup: Setup,
    shutdown: impl Future<Output = ()>,
) -> Result<N, DriverError>
where
    N: Machine<Input = Input, Output = Output> + Send + 'static,
{
    let mut handle = start(node, setup)?;
    tokio::select! {
        ended = handle.ended() => return ended,
        () = shutdown => handle.stop(),
    }
    handle.ended().await
}

/// Starts a node on the current tokio runtime.
///
/// # Errors
/// When a socket is not usable.
///
/// # Panics
/// Outside of a tokio runtime.
pub fn start<N>(node: N, setup: Setup) -> Result<Handle<N>, DriverError>
where
    N: Machine<Input = Input, Output = Output> + Send + 'static,
{
    let addresses = addresses(&setup)?;
    let (stop, stopping) = watch::channel(false);
    let (datagram, datagrams) = mpsc::channel(limits::DATAGRAMS_WAITING);
    let (arrival, arrivals) = mpsc::channel(limits::INPUTS_WAITING);
    let counters = Arc::new(Counters::default());
    let gauge = Arc::new(Gauge::default());
    let bounds = setup.limits;
    let ports = Ports::start(setup.udp, &datagram, &counters).map_err(socket("udp"))?;
    let (inbox, tls) = (arrival.clone(), setup.tls.clone());
    let links = Links::new(inbox, tls, bounds.links, counters.clone());
    for (id, transport, listener) in setup.listeners {
        let listener = tcp(listener).map_err(socket(transport.name()))?;
        links.listen(id, transport, listener, stopping.clone());
    }
    let keeper = keeper(setup.store, &setup.clock, &gauge)?;
    let riding = setup.riding.map(|settings| {
        let queue = riding::Queue {
            inbox: arrival.clone(),
            journal: setup.journal.clone(),
            clock: setup.clock.clone(),
            patience: bounds.http_answer,
        };
        riding::layer(queue, settings)
    });
    let door = Arc::new(Door {
        inbox: arrival.clone(),
        journal: setup.journal.clone(),
        counters: counters.clone(),
        gauge: gauge.clone(),
        limits: bounds.clone(),
        readers: setup.readers,
        sockets: setup.sockets,
        gate: links.gate(),
        stop: stopping.clone(),
        clock: setup.clock.clone(),
        identity: setup.identity,
        riding,
        room: Arc::new(Semaphore::new(bounds.http_connections)),
    });
    open(&door, setup.http, setup.https, &setup.tls)?;
    let (patience, octets) = (bounds.fetch, bounds.fetch_octets);
    let fetcher = Fetcher::new(arrival, &setup.tls, patience, octets, counters.clone());
    let runner = Runner {
        node,
        clock: setup.clock,
        datagrams,
        arrivals,
        outlet: Outlet::new(ports, links, fetcher, setup.journal),
        keeper,
        gauge,
        counters,
        stop: stopping,
        drain: bounds.drain,
    };
    Ok(Handle {
        addresses,
        stop,
        door,
        task: tokio::spawn(runner.run(setup.first)),
    })
}

/// Serves HTTP at the listeners of one list, and inside TLS at those of the other.
fn open(
    door: &Arc<Door>,
    http: Vec<TcpListener>,
    https: Vec<TcpListener>,
    tls: &Tls,
) -> Result<(), DriverError> {
    for listener in http {
        let listener = tcp(listener).map_err(socket("http"))?;
        tokio::spawn(server::listen(door.clone(), listener, None));
    }
    for listener in https {
        let listener = tcp(listener).map_err(socket("https"))?;
        let acceptor = tls.door().cloned();
        let none = || io::Error::other("no certificate to serve");
        let acceptor = acceptor.ok_or_else(none).map_err(socket("https"))?;
        tokio::spawn(server::listen(door.clone(), listener, Some(acceptor)));
    }
    Ok(())
}

fn keeper(
    store: Option<Box<dyn Store>>,
    clock: &Clock,
    gauge: &Arc<Gauge>,
) -> Result<Option<Keeper>, DriverError> {
    store
        .map(|store| Keeper::start(store, clock.clone(), gauge.clone()))
        .transpose()
        .map_err(DriverError::Thread)
}

fn socket(what: &str) -> impl FnOnce(io::Error) -> DriverError {
    let what = what.to_owned();
    move |error| DriverError::Socket { what, error }
}

fn tcp(listener: TcpListener) -> io::Result<tokio::net::TcpListener> {
    listener.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(listener)
}

fn addresses(setup: &Setup) -> Result<Addresses, DriverError> {
    let mut addresses = Addresses::default();
    for bound in &setup.udp {
        addresses
            .udp
            .push(bound.local_addr().map_err(socket("udp"))?);
    }
    for (id, transport, listener) in &setup.listeners {
        let address = listener.local_addr().map_err(socket(transport.name()))?;
        addresses.listeners.push((*id, *transport, address));
    }
    for listener in &setup.http {
        let address = listener.local_addr().map_err(socket("http"))?;
        addresses.http.push(address);
    }
    for listener in &setup.https {
        let address = listener.local_addr().map_err(socket("https"))?;
        addresses.https.push(address);
    }
    Ok(addresses)
}
