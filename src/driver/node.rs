//! The task that owns one node: gathers what waits, lets the node handle it, performs what the node asks for, in order.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, Sleep, sleep_until};

use super::clock::Clock;
use super::http::client::Fetcher;
use super::http::{Answer, Requests};
use super::observe::{Counters, Journal};
use super::order::Order;
use super::store::StoreError;
use super::store::keeper::{Gauge, Keeper, Landing};
use super::stream::{Links, Writer};
use super::udp::Ports;
use crate::event::{Event, Fact};
use crate::machine::Machine;
use crate::world::{CloseReason, HttpRequest, Input, LinkId, Output};

/// Inputs handled before their outputs are performed; all their records share one transaction.
const BATCH: usize = 256;
/// Longest sleep, so that a wall clock that ran ahead is noticed.
const NAP: Duration = Duration::from_secs(1);
/// How often a store that failed is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// What comes to the node besides datagrams.
#[derive(Debug)]
pub(super) enum Arrival {
    /// An input as it is.
    Input(Input),
    /// A link was accepted.
    Opened {
        /// The link.
        link: LinkId,
        /// The node's end of it.
        writer: Writer,
        /// What to tell the node.
        input: Input,
    },
    /// An HTTP request came in.
    Request {
        /// From whom.
        peer: std::net::SocketAddr,
        /// What.
        request: HttpRequest,
        /// Where the answer goes.
        answer: oneshot::Sender<Answer>,
    },
}

/// Performs what a node asks for.
#[derive(Debug)]
pub(super) struct Outlet {
    ports: Ports,
    links: Links,
    requests: Requests,
    fetcher: Fetcher,
    journal: Journal,
    /// What performing an output told the node at once.
    echoes: VecDeque<Input>,
}

impl Outlet {
    pub(super) fn new(ports: Ports, links: Links, fetcher: Fetcher, journal: Journal) -> Self {
        Self {
            ports,
            links,
            requests: Requests::default(),
            fetcher,
            journal,
            echoes: VecDeque::new(),
        }
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Datagram {
                socket,
                peer,
                octets,
            } => self.ports.send(socket, peer, octets),
            Output::Connect {
                link,
                transport,
                target,
                server_name,
            } => {
                if let Err(why) = self.links.connect(link, transport, target, server_name) {
                    self.echoes.push_back(Input::Closed { link, why });
                }
            }
            Output::Octets { link, octets } => {
                if !self.links.write(link, octets) {
                    let why = CloseReason::Broken;
                    self.echoes.push_back(Input::Closed { link, why });
                }
            }
            Output::Message { link, text } => {
                if !self.links.write(link, text.into()) {
                    let why = CloseReason::Broken;
                    self.echoes.push_back(Input::Closed { link, why });
                }
            }
            Output::Close { link } => self.links.close(link),
            Output::Respond { id, response } => self.requests.respond(id, response),
            Output::Fetch {
                id,
                errand,
                request,
            } => {
                if let Err(error) = self.fetcher.fetch(id, errand, request) {
                    self.echoes.push_back(Input::Response {
                        id,
                        response: Err(error),
                    });
                }
            }
            Output::Report(event) => self.journal.push(event),
            // The order keeps these to itself while there is a store; without one they end here.
            Output::Save(_) | Output::Forget(_) | Output::Erase(_) => {}
        }
    }
}

/// One node and all that it needs to run.
pub(super) struct Runner<N> {
    pub(super) node: N,
    pub(super) clock: Clock,
    pub(super) datagrams: mpsc::Receiver<Input>,
    pub(super) arrivals: mpsc::Receiver<Arrival>,
    pub(super) outlet: Outlet,
    pub(super) keeper: Option<Keeper>,
    pub(super) gauge: Arc<Gauge>,
    pub(super) counters: Arc<Counters>,
    pub(super) stop: watch::Receiver<bool>,
    /// How long to go on after the stop while something is unfinished.
    pub(super) drain: Duration,
}

impl<N> Runner<N>
where
    N: Machine<Input = Input, Output = Output>,
{
    /// Runs the node until the stop and gives it back.
    pub(super) async fn run(mut self, first: Vec<Output>) -> N {
        let mut turn = Turn::new();
        turn.out = first;
        self.perform(&mut turn);
        while !self.is_over(&turn) {
            self.wait(&mut turn).await;
            self.gather(&mut turn);
            self.handle(&mut turn);
            self.perform(&mut turn);
        }
        self.close(turn).await
    }

    /// Waits until an input, a finished commit or a due timer is there.
    async fn wait(&mut self, turn: &mut Turn) {
        if !self.outlet.echoes.is_empty() {
            return;
        }
        self.set_alarm(turn);
        let open = !turn.order.is_full();
        // Datagrams that come later than the leave was taken are nobody's.
        let listens = !turn.stopping || !self.node.has_stopped();
        tokio::select! {
            biased;
            landing = landing(self.keeper.as_mut()), if turn.order.is_flying() => {
                turn.landing = Some(landing);
            }
            () = stopped(&mut self.stop), if !turn.stopping => turn.is_asked_to_stop = true,
            () = &mut turn.alarm => {}
            _ = self.datagrams.recv_many(&mut turn.datagrams, BATCH), if open && listens => {}
            _ = self.arrivals.recv_many(&mut turn.arrivals, BATCH), if open => {}
        }
        if turn.is_asked_to_stop && !turn.stopping {
            turn.stopping = true;
            turn.stop_at = Instant::now() + self.drain;
            self.node.stop(self.clock.now(), &mut turn.out);
        }
        if turn.stopping && self.node.has_stopped() {
            self.outlet.ports.stop_receiving();
        }
    }

    /// Adds what waits besides, so that a busy socket does not keep links waiting, nor they it.
    fn gather(&mut self, turn: &mut Turn) {
        if turn.order.is_full() {
            return;
        }
        while turn.datagrams.len() < BATCH {
            let Ok(input) = self.datagrams.try_recv() else {
                break;
            };
            turn.datagrams.push(input);
        }
        while turn.arrivals.len() < BATCH {
            let Ok(arrival) = self.arrivals.try_recv() else {
                break;
            };
            turn.arrivals.push(arrival);
        }
    }

    fn handle(&mut self, turn: &mut Turn) {
        for input in turn.datagrams.drain(..) {
            if let Input::Datagram { octets, .. } = &input {
                let weight = u64::try_from(octets.len()).unwrap_or(u64::MAX);
                self.counters
                    .udp_queued_octets
                    .fetch_sub(weight, Ordering::Relaxed);
            }
            self.node.handle(self.clock.now(), input, &mut turn.out);
        }
        let mut noted = 0;
        while let Some(input) = self.outlet.echoes.pop_front() {
            self.node.handle(self.clock.now(), input, &mut turn.out);
        }
        noted = note_closes(&mut self.outlet.links, &turn.out, noted);
        for arrival in turn.arrivals.drain(..) {
            if let Some(input) = admit(&mut self.outlet, arrival) {
                let is_reading = turn.order.is_failing() && only_reads(&input);
                let before = turn.out.len();
                self.node.handle(self.clock.now(), input, &mut turn.out);
                let is_record = |output: &Output| matches!(output, Output::Save(_));
                if is_reading && !turn.out.iter().skip(before).any(is_record) {
                    // A store that takes nothing must not keep operators from looking.
                    turn.go.extend(turn.out.drain(before..));
                }
                noted = note_closes(&mut self.outlet.links, &turn.out, noted);
            }
        }
        let now = self.clock.now();
        if !turn.order.is_full() && self.node.deadline().is_some_and(|due| due <= now) {
            self.node.expire(now, &mut turn.out);
        }
        note_closes(&mut self.outlet.links, &turn.out, noted);
        self.counters.turns.fetch_add(1, Ordering::Relaxed);
    }

    /// Performs what may be performed and starts a commit when one is due.
    fn perform(&mut self, turn: &mut Turn) {
        if let Some(landing) = turn.landing.take() {
            self.land(turn, landing);
        }
        if self.keeper.is_some() {
            for output in turn.out.drain(..) {
                turn.order.push(output, &mut turn.go);
            }
        } else {
            turn.go.append(&mut turn.out);
        }
        for output in turn.go.drain(..) {
            self.outlet.perform(output);
        }
        self.outlet.journal.announce();
        if let Some(keeper) = &self.keeper
            && let Some(changes) = turn.order.launch()
        {
            keeper.commit(changes);
        }
        let gauges = [
            (&self.counters.links_open, self.outlet.links.len()),
            (&self.counters.udp_queued, self.datagrams.len()),
            (&self.counters.arrivals_queued, self.arrivals.len()),
            (&self.counters.held, turn.order.len()),
        ];
        for (gauge, value) in gauges {
            gauge.store(u64::try_from(value).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    fn land(&self, turn: &mut Turn, landing: Option<Landing>) {
        match landing {
            Some(Landing { result: Ok(()) }) => {
                if turn.order.is_failing() {
                    tracing::info!("the store takes records again");
                }
                turn.order.landed(&mut turn.go);
            }
            Some(Landing {
                result: Err((error, changes)),
            }) => {
                if !turn.order.is_failing() {
                    self.report_store(&error);
                }
                turn.order.failed(changes, &mut turn.go);
                turn.retry_at = Instant::now() + RETRY;
            }
            None => {
                // The store's thread is gone: nothing can be promised any more.
                if !turn.order.is_failing() {
                    tracing::error!("the store's thread ended; records are no longer kept");
                }
                self.gauge.failing.store(true, Ordering::Release);
                turn.order.failed(Vec::new(), &mut turn.go);
                turn.retry_at = Instant::now() + RETRY;
            }
        }
    }

    fn report_store(&self, error: &StoreError) {
        tracing::error!(%error, "records could not be stored; new pushes get 503 until they can");
        self.outlet.journal.push(Event {
            t: self.clock.now(),
            fact: Fact::Refused {
                from: "store".to_owned(),
                why: error.to_string(),
            },
        });
    }

    /// Sets the alarm to the node's deadline, the retry of a failed store, or the longest nap.
    fn set_alarm(&self, turn: &mut Turn) {
        let now = Instant::now();
        let mut wake = now + NAP;
        if let Some(due) = self.node.deadline().filter(|_| !turn.order.is_full()) {
            wake = wake.min(now + due.since(self.clock.now()).min(NAP));
        }
        if turn.order.is_failing() && !turn.order.is_flying() {
            if turn.retry_at <= now {
                turn.order.retry();
                turn.retry_at = now + RETRY;
                wake = now;
            } else {
                wake = wake.min(turn.retry_at);
            }
        }
        if turn.stopping {
            wake = wake.min(turn.stop_at).min(now + LOOK);
        }
        if turn.alarm.deadline() != wake {
            turn.alarm.as_mut().reset(wake);
        }
    }

    /// True when the stop was asked for and nothing is unfinished, or the time for it is over.
    fn is_over(&self, turn: &Turn) -> bool {
        if !turn.stopping {
            return false;
        }
        let idle = self.node.has_stopped()
            && self.datagrams.is_empty()
            && self.arrivals.is_empty()
            && self.outlet.echoes.is_empty()
            && self.outlet.requests.is_empty()
            && self.outlet.fetcher.unfinished() == 0
            && (turn.order.is_idle() || turn.order.is_failing())
            && !turn.order.is_flying();
        idle || Instant::now() >= turn.stop_at
    }

    /// Ends in order: what the store still has to take, then sockets and links.
    async fn close(mut self, mut turn: Turn) -> N {
        self.gather(&mut turn);
        self.handle(&mut turn);
        self.perform(&mut turn);
        while turn.order.is_flying() {
            turn.landing = Some(landing(self.keeper.as_mut()).await);
            self.perform(&mut turn);
        }
        turn.order.retry();
        self.perform(&mut turn);
        if turn.order.is_flying() {
            turn.landing = Some(landing(self.keeper.as_mut()).await);
            self.perform(&mut turn);
        }
        if let Some(keeper) = self.keeper.take() {
            keeper.close().await;
        }
        let flushed = self.outlet.ports.flushed();
        let _ = tokio::time::timeout(LOOK, flushed).await;
        self.outlet.links.finish().await;
        self.node
    }
}

/// How often a stopping node looks whether it is done.
const LOOK: Duration = Duration::from_millis(50);

/// What one turn of the loop works on; the vectors keep their room.
struct Turn {
    datagrams: Vec<Input>,
    arrivals: Vec<Arrival>,
    out: Vec<Output>,
    go: Vec<Output>,
    order: Order,
    landing: Option<Option<Landing>>,
    alarm: Pin<Box<Sleep>>,
    retry_at: Instant,
    is_asked_to_stop: bool,
    stopping: bool,
    stop_at: Instant,
}

impl Turn {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            datagrams: Vec::with_capacity(BATCH),
            arrivals: Vec::with_capacity(BATCH),
            out: Vec::new(),
            go: Vec::new(),
            order: Order::default(),
            landing: None,
            alarm: Box::pin(sleep_until(now)),
            retry_at: now,
            is_asked_to_stop: false,
            stopping: false,
            stop_at: now,
        }
    }
}

/// Done when the stop was asked for, or nobody is left to ask for it.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn landing(keeper: Option<&mut Keeper>) -> Option<Landing> {
    match keeper {
        Some(keeper) => keeper.landing().await,
        None => None,
    }
}

/// Notes the links that outputs from `from` on will close: the node is told nothing of them any more, also while the
/// closing waits behind a record. The number of outputs seen.
fn note_closes(links: &mut Links, outputs: &[Output], from: usize) -> usize {
    for output in outputs.iter().skip(from) {
        if let Output::Close { link } = output {
            links.closes_soon(*link);
        }
    }
    outputs.len()
}

/// True for a request that changes nothing.
fn only_reads(input: &Input) -> bool {
    matches!(input, Input::Request { request, .. } if matches!(request.method.as_str(), "GET" | "HEAD"))
}

/// What of an arrival the node is told: nothing of links that it has closed.
fn admit(outlet: &mut Outlet, arrival: Arrival) -> Option<Input> {
    match arrival {
        Arrival::Opened {
            link,
            writer,
            input,
        } => {
            outlet.links.accepted(link, writer);
            Some(input)
        }
        Arrival::Request {
            peer,
            request,
            answer,
        } => {
            let id = outlet.requests.wait(answer)?;
            Some(Input::Request { id, peer, request })
        }
        Arrival::Input(input) => match &input {
            Input::Opened { link, .. } => outlet.links.contains(*link).then_some(input),
            Input::Octets { link, octets } => {
                outlet.links.seen(*link, octets.len());
                outlet.links.contains(*link).then_some(input)
            }
            Input::Message { link, text } => {
                outlet.links.seen(*link, text.len());
                outlet.links.contains(*link).then_some(input)
            }
            Input::Closed { link, .. } => {
                let known = outlet.links.contains(*link);
                outlet.links.close(*link);
                known.then_some(input)
            }
            _ => Some(input),
        },
    }
}
