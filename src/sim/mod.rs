//! Gateways and devices joined without sockets, in virtual time, from a seed.
//!
//! A [`Simulation`] performs the outputs of its nodes as the driver would: in order, records before what follows them.
//! A node can be killed at any point of its outputs and is rebuilt from its records alone.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::SocketAddr;
use std::time::Duration;

use crate::event::Event;
use crate::gateway::service::push_service::SOCKET_PATH;
use crate::machine::Machine;
use crate::random::Random;
use crate::time::Time;
use crate::world::{
    CloseReason, FetchError, FetchId, HttpRequest, HttpResponse, Input, LinkId, ListenerId, Output,
    Record, RecordKey, RequestId,
};

pub mod browsers;
pub mod calm;
pub mod cast;
pub mod clients;
pub mod fork;
pub mod initiator;
pub mod invariant;
pub mod library;
pub mod mail_server;
pub mod network;
pub mod script;
pub mod smsc;
pub mod stage;
pub mod storm;
pub mod vendor_push;

pub use network::{Network, NodeId, Weather};

use network::End;

/// The listener of WebSockets, which nodes do not number.
const BROWSERS: ListenerId = ListenerId(u32::MAX);
/// The number of no link.
const NO_LINK: LinkId = LinkId(u64::MAX);
/// What is left in the place of an output that was performed.
const NOTHING: Output = Output::Close { link: NO_LINK };

const fn is_nothing(output: &Output) -> bool {
    matches!(output, Output::Close { link: NO_LINK })
}

/// A node, whatever it decides.
pub type Node = Box<dyn Machine<Input = Input, Output = Output>>;

/// Makes a node anew from its durable records; what it asks for at once goes to `out`.
pub type Rebuild = Box<dyn FnMut(Time, Vec<Record>, &mut Vec<Output>) -> Node>;

/// How long a fetch waits for its answer, as in the driver.
const FETCH_PATIENCE: Duration = Duration::from_secs(10);

struct Seat {
    node: Node,
    /// Counts the lives of the node: what was under way to an earlier life is lost.
    life: u32,
    deadline: Option<Time>,
    rebuild: Option<Rebuild>,
    records: BTreeMap<RecordKey, Record>,
    address: SocketAddr,
    /// Where its HTTP requests go by the start of the URL.
    http: Vec<(String, NodeId)>,
    waits: BTreeMap<RequestId, (NodeId, FetchId, u32)>,
}

struct Arrival {
    at: Time,
    order: u64,
    to: NodeId,
    life: u32,
    input: Input,
}

impl PartialEq for Arrival {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}

impl Eq for Arrival {}

impl PartialOrd for Arrival {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Arrival {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// What was handed to the network since the start, lost or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Datagrams: SIP messages, and binding requests with their answers.
    pub datagrams: u64,
    /// Pieces written to links: MSRP messages, SIP messages on streams.
    pub pieces: u64,
    /// HTTP requests and responses.
    pub http: u64,
}

/// Nodes, their network and one virtual clock.
pub struct Simulation {
    /// The network between the nodes.
    pub network: Network,
    now: Time,
    seats: Vec<Seat>,
    arrivals: BinaryHeap<Reverse<Arrival>>,
    /// Fetches that wait for their answer: until when, who made them in which life.
    fetches: BTreeMap<(NodeId, FetchId), (Time, u32)>,
    order: u64,
    requests: u64,
    events: Vec<Event>,
    out: Vec<Output>,
    random: Random,
    /// Chance in a million that a node with records dies before an output is performed.
    pub crash_chance: u64,
    crashes: u32,
    steps: u64,
    standstills: u32,
    traffic: Traffic,
}

impl Simulation {
    /// An empty simulation that starts at `start`.
    #[must_use]
    pub fn new(start: Time, weather: Weather, seed: u64) -> Self {
        let mut random = Random::from_number(seed);
        Self {
            network: Network::new(weather, random.fork()),
            now: start,
            seats: Vec::new(),
            arrivals: BinaryHeap::new(),
            fetches: BTreeMap::new(),
            order: 0,
            requests: 0,
            events: Vec::new(),
            out: Vec::new(),
            random,
            crash_chance: 0,
            crashes: 0,
            steps: 0,
            standstills: 0,
            traffic: Traffic::default(),
        }
    }

    /// Seats a node; `address` is what its peers see as the source of its links and requests.
    pub fn enter(&mut self, node: Node, address: SocketAddr) -> NodeId {
        let id = NodeId(self.seats.len());
        let deadline = node.deadline();
        self.seats.push(Seat {
            node,
            life: 0,
            deadline,
            rebuild: None,
            records: BTreeMap::new(),
            address,
            http: Vec::new(),
            waits: BTreeMap::new(),
        });
        id
    }

    /// Lets a node survive its death: it is rebuilt by `rebuild` from its records.
    pub fn revive_with(&mut self, node: NodeId, rebuild: Rebuild) {
        if let Some(seat) = self.seats.get_mut(node.0) {
            seat.rebuild = Some(rebuild);
        }
    }

    /// Sends requests of `from` whose URL begins with `prefix` to the node `to`.
    pub fn route_http(&mut self, from: NodeId, prefix: &str, to: NodeId) {
        if let Some(seat) = self.seats.get_mut(from.0) {
            seat.http.push((prefix.to_owned(), to));
        }
    }

    /// Lets browsers open WebSockets at that address of a node, as links of texts.
    pub fn listen_for_browsers(&mut self, node: NodeId, address: SocketAddr) {
        let transport = crate::world::Transport::Tcp;
        self.network.listen(node, BROWSERS, transport, address);
    }

    /// The virtual instant.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.now
    }

    /// Takes what was reported since the last call.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// As [`Simulation::take_events`], one after another and without a list of them.
    pub fn drain_events(&mut self) -> impl Iterator<Item = Event> {
        self.events.drain(..)
    }

    /// How often a node died.
    #[must_use]
    pub const fn crashes(&self) -> u32 {
        self.crashes
    }

    /// How often a node named a deadline and then did nothing at it: always 0 unless a machine is wrong.
    #[must_use]
    pub const fn standstills(&self) -> u32 {
        self.standstills
    }

    /// How many inputs and timer runs there were.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// What was handed to the network.
    #[must_use]
    pub const fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// The durable records of a node.
    pub fn records(&self, node: NodeId) -> impl Iterator<Item = &Record> {
        self.seats
            .get(node.0)
            .into_iter()
            .flat_map(|seat| seat.records.values())
    }

    /// Gives an input to a node now.
    pub fn tell(&mut self, node: NodeId, input: Input) {
        let mut out = std::mem::take(&mut self.out);
        if let Some(seat) = self.seats.get_mut(node.0) {
            self.steps += 1;
            seat.node.handle(self.now, input, &mut out);
        }
        self.perform(node, out);
    }

    /// Performs the next arrival or timer that is due until `end`; false when nothing is.
    pub fn step(&mut self, end: Time) -> bool {
        let timer = self
            .seats
            .iter()
            .enumerate()
            .filter_map(|(index, seat)| seat.deadline.map(|at| (at, NodeId(index))))
            .min();
        let arrival = self.arrivals.peek().map(|Reverse(next)| next.at);
        let first = arrival.into_iter().chain(timer.map(|(at, _)| at)).min();
        if self.lapse(first.map_or(end, |first| first.min(end))) {
            return true;
        }
        match (arrival, timer) {
            (Some(at), due) if at <= end && due.is_none_or(|(timer_at, _)| at <= timer_at) => {
                let Some(Reverse(next)) = self.arrivals.pop() else {
                    return false;
                };
                self.now = self.now.max(at);
                if self
                    .seats
                    .get(next.to.0)
                    .is_some_and(|seat| seat.life == next.life)
                {
                    self.arrive(next.to, next.input);
                }
                true
            }
            (_, Some((at, node))) if at <= end => {
                self.now = self.now.max(at);
                let mut out = std::mem::take(&mut self.out);
                if let Some(seat) = self.seats.get_mut(node.0) {
                    self.steps += 1;
                    seat.node.expire(self.now, &mut out);
                    if seat.node.deadline().is_some_and(|next| next <= self.now) && out.is_empty() {
                        self.standstills += 1;
                        seat.deadline = None;
                    }
                }
                self.perform(node, out);
                true
            }
            _ => false,
        }
    }

    /// Runs until nothing is due before `end`, and stands there.
    pub fn run_until(&mut self, end: Time) {
        while self.step(end) {}
        self.now = self.now.max(end);
    }

    /// Ends the fetch that has waited longest, if it has waited long enough before then.
    fn lapse(&mut self, before: Time) -> bool {
        let waits = self.fetches.iter();
        let longest = waits.map(|((node, id), (due, _))| (*due, *node, *id)).min();
        let Some((due, node, id)) = longest.filter(|(due, ..)| *due < before) else {
            return false;
        };
        self.now = self.now.max(due);
        let life = self.fetches.get(&(node, id)).map_or(0, |(_, life)| *life);
        self.answer(node, life, id, Err(FetchError::TimedOut));
        true
    }

    /// Kills a node and rebuilds it from its records.
    pub fn kill(&mut self, node: NodeId) {
        self.crashes += 1;
        for end in self.network.ends_of(node) {
            if let Some((peer, at)) = self.network.along(self.now, end) {
                self.send(
                    at,
                    peer.node,
                    Input::Closed {
                        link: peer.link,
                        why: CloseReason::Broken,
                    },
                );
            }
            self.network.forget(end);
        }
        let mut out = Vec::new();
        let Some(seat) = self.seats.get_mut(node.0) else {
            return;
        };
        seat.life += 1;
        let waits = std::mem::take(&mut seat.waits);
        // Ended pushes too: their push-ids are not to be taken again.
        let records = seat.records.values().cloned().collect();
        if let Some(rebuild) = &mut seat.rebuild {
            seat.node = rebuild(self.now, records, &mut out);
        }
        seat.deadline = seat.node.deadline();
        for (client, fetch, life) in waits.into_values() {
            self.answer(client, life, fetch, Err(FetchError::Broken));
        }
        self.perform(node, out);
    }

    fn arrive(&mut self, node: NodeId, input: Input) {
        if let Input::Octets { link, .. } | Input::Closed { link, .. } = &input {
            let end = End { node, link: *link };
            if !self.network.is_open(end) && matches!(input, Input::Octets { .. }) {
                return;
            }
            if matches!(input, Input::Closed { .. }) {
                self.network.forget(end);
            }
        }
        self.tell(node, input);
    }

    fn perform(&mut self, node: NodeId, mut out: Vec<Output>) {
        let mut is_committed = false;
        for at in 0..out.len() {
            if self.crash_chance > 0 && self.dies(node) {
                self.kill(node);
                return;
            }
            let is_record = matches!(
                out.get(at),
                Some(Output::Save(_) | Output::Forget(_) | Output::Erase(_))
            );
            if is_record && !is_committed {
                is_committed = true;
                self.commit(node, &mut out);
            } else if let Some(output) = out.get_mut(at).filter(|output| !is_nothing(output)) {
                self.perform_one(node, std::mem::replace(output, NOTHING));
            }
        }
        out.clear();
        self.out = out;
        if let Some(seat) = self.seats.get_mut(node.0) {
            seat.deadline = seat.node.deadline();
        }
    }

    /// Makes the records of one call durable, all of them or none, as the store's one transaction does.
    fn commit(&mut self, node: NodeId, out: &mut [Output]) {
        let Some(seat) = self.seats.get_mut(node.0) else {
            return;
        };
        for output in out {
            match std::mem::replace(output, NOTHING) {
                Output::Save(record) => {
                    seat.records.insert(record.key.clone(), record);
                }
                Output::Forget(key) | Output::Erase(key) => {
                    seat.records.remove(&key);
                }
                other => *output = other,
            }
        }
    }

    fn dies(&mut self, node: NodeId) -> bool {
        self.seats
            .get(node.0)
            .is_some_and(|seat| seat.rebuild.is_some())
            && self.random.below(1_000_000) < self.crash_chance
    }

    fn perform_one(&mut self, node: NodeId, output: Output) {
        match output {
            Output::Datagram {
                socket,
                peer,
                octets,
            } => self.datagram(node, socket, peer, &octets),
            Output::Connect {
                link,
                transport,
                target,
                ..
            } => {
                self.connect(End { node, link }, transport, target);
            }
            Output::Octets { link, octets } => {
                self.traffic.pieces += 1;
                if let Some((to, at)) = self.network.along(self.now, End { node, link }) {
                    self.send(
                        at,
                        to.node,
                        Input::Octets {
                            link: to.link,
                            octets,
                        },
                    );
                }
            }
            Output::Close { link } => {
                let end = End { node, link };
                if let Some((to, at)) = self.network.along(self.now, end) {
                    self.send(
                        at,
                        to.node,
                        Input::Closed {
                            link: to.link,
                            why: CloseReason::Peer,
                        },
                    );
                }
                self.network.forget(end);
            }
            Output::Respond { id, response } => self.respond(node, id, response),
            Output::Fetch { id, request, .. } => self.fetch(node, id, request),
            Output::Message { link, text } => {
                self.traffic.pieces += 1;
                if let Some((to, at)) = self.network.along(self.now, End { node, link }) {
                    let link = to.link;
                    self.send(at, to.node, Input::Message { link, text });
                }
            }
            Output::Save(_) | Output::Forget(_) | Output::Erase(_) => {}
            Output::Report(event) => self.events.push(event),
        }
    }

    fn datagram(
        &mut self,
        node: NodeId,
        socket: crate::world::SocketId,
        peer: SocketAddr,
        octets: &bytes::Bytes,
    ) {
        self.traffic.datagrams += 1;
        let Some((to, to_socket)) = self.network.socket(peer) else {
            return;
        };
        let Some(source) = self.network.address_of(node, socket) else {
            return;
        };
        for at in self.network.datagram(self.now).into_iter().flatten() {
            self.send(
                at,
                to,
                Input::Datagram {
                    socket: to_socket,
                    peer: source,
                    octets: octets.clone(),
                },
            );
        }
    }

    fn connect(&mut self, from: End, transport: crate::world::Transport, target: SocketAddr) {
        let Some(local) = self.seats.get(from.node.0).map(|seat| seat.address) else {
            return;
        };
        match self.network.connect(self.now, from, transport, target) {
            Some((to, listener, at)) => {
                let opened = Input::Opened {
                    link: from.link,
                    listener: None,
                    transport,
                    local,
                    peer: target,
                };
                self.send(at, from.node, opened);
                let accepted = match listener {
                    BROWSERS => Input::Upgraded {
                        link: to.link,
                        peer: local,
                        target: SOCKET_PATH.to_owned(),
                    },
                    _ => Input::Opened {
                        link: to.link,
                        listener: Some(listener),
                        transport,
                        local: target,
                        peer: local,
                    },
                };
                self.send(at, to.node, accepted);
            }
            None => {
                let at = self.network.arrival(self.now);
                self.send(
                    at,
                    from.node,
                    Input::Closed {
                        link: from.link,
                        why: CloseReason::Refused,
                    },
                );
            }
        }
    }

    fn fetch(&mut self, node: NodeId, id: FetchId, request: HttpRequest) {
        self.traffic.http += 1;
        let Some(seat) = self.seats.get(node.0) else {
            return;
        };
        let (peer, life) = (seat.address, seat.life);
        self.fetches
            .insert((node, id), (self.now + FETCH_PATIENCE, life));
        let Some(seat) = self.seats.get(node.0) else {
            return;
        };
        let found = seat
            .http
            .iter()
            .find(|(prefix, _)| request.target.starts_with(prefix.as_str()))
            .map(|(_, to)| *to);
        let Some(server) = found else {
            return self.answer(node, life, id, Err(FetchError::Unreachable));
        };
        if self.network.breaks_http() {
            return self.answer(node, life, id, Err(FetchError::TimedOut));
        }
        let request_id = RequestId(self.requests);
        self.requests += 1;
        if let Some(seat) = self.seats.get_mut(server.0) {
            seat.waits.insert(request_id, (node, id, life));
        }
        let path = request
            .target
            .find("://")
            .and_then(|at| request.target[at + 3..].find('/').map(|p| at + 3 + p));
        let target = path.map_or_else(|| "/".to_owned(), |at| request.target[at..].to_owned());
        let at = self.network.arrival(self.now);
        self.send(
            at,
            server,
            Input::Request {
                id: request_id,
                peer,
                request: HttpRequest { target, ..request },
            },
        );
    }

    fn respond(&mut self, node: NodeId, id: RequestId, response: HttpResponse) {
        self.traffic.http += 1;
        let Some((client, fetch, life)) = self
            .seats
            .get_mut(node.0)
            .and_then(|seat| seat.waits.remove(&id))
        else {
            return;
        };
        let result = if self.network.breaks_http() {
            Err(FetchError::Broken)
        } else {
            Ok(response)
        };
        self.answer(client, life, fetch, result);
    }

    fn answer(
        &mut self,
        client: NodeId,
        life: u32,
        id: FetchId,
        response: Result<HttpResponse, FetchError>,
    ) {
        // What was given up, or asked in an earlier life, is answered no more.
        if self
            .fetches
            .get(&(client, id))
            .is_none_or(|(_, of)| *of != life)
        {
            return;
        }
        self.fetches.remove(&(client, id));
        let at = self.network.arrival(self.now);
        self.push(Arrival {
            at,
            order: 0,
            to: client,
            life,
            input: Input::Response { id, response },
        });
    }

    fn send(&mut self, at: Time, to: NodeId, input: Input) {
        let life = self.seats.get(to.0).map_or(0, |seat| seat.life);
        self.push(Arrival {
            at,
            order: 0,
            to,
            life,
            input,
        });
    }

    fn push(&mut self, mut arrival: Arrival) {
        self.order += 1;
        arrival.order = self.order;
        self.arrivals.push(Reverse(arrival));
    }
}

#[cfg(test)]
mod tests;
