//! Transport and transactions of one SIP element.
//!
//! **Source:** RFC 3261 sections 8.1.1.7, 9, 16.6 (timer C), 17 and 18; RFC 3581 (rport); RFC 4320; RFC 6026; RFC 5626
//! sections 3.5 and 4.4 (keep-alives). Not here: what a request means, dialogs, DNS, authentication, when to ping.
//!
//! The endpoint writes the Via of every request that leaves, stamps `received` and `rport` into the Via of every
//! request that comes in, repeats what datagrams may have lost, absorbs what they doubled, and finds the way of each
//! response. A request that cannot be passed up is answered here.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use foldhash::quality::FixedState;

use crate::codec::DecodeError;
use crate::codec::sip::{Draft, Message};
use crate::codec::stun::{self, BindingRequest, BindingSuccess, Stun};
use crate::limits;
use crate::machine::Machine;
use crate::random::Random;
use crate::time::Time;
use crate::timers::Timers;
use crate::world::{self, CloseReason, LinkId, ListenerId, SocketId, Transport};

use super::{client_transaction, server_transaction};

mod incoming;
mod links;
mod local;
mod outgoing;
mod refusal;
#[cfg(test)]
pub(super) mod tests;
mod via;

pub use super::client_transaction::Failure;
pub use local::Local;

use links::Links;

/// How something came in, and so how to answer or reach it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flow {
    /// Datagrams between one socket of ours and one address.
    Udp {
        /// Our socket.
        socket: SocketId,
        /// The peer as we see it.
        peer: SocketAddr,
    },
    /// A stream connection.
    Link(LinkId),
}

/// Where a request is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// By this flow and no other.
    Flow(Flow),
    /// To this address: by a link that is there, by a new link, or from the first socket of the same address family.
    Address {
        /// What to use.
        transport: Transport,
        /// Whereto.
        peer: SocketAddr,
    },
}

/// A client transaction, numbered by who starts it; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u64);

/// A server transaction, numbered by the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(pub u64);

/// What an endpoint can be told.
#[derive(Debug)]
pub enum Input {
    /// A datagram came in.
    Datagram {
        /// At which socket.
        socket: SocketId,
        /// From whom.
        peer: SocketAddr,
        /// What.
        octets: Bytes,
    },
    /// A link that carries SIP is up.
    Opened {
        /// The link.
        link: LinkId,
        /// Where it was accepted; `None` for one the endpoint asked for.
        listener: Option<ListenerId>,
        /// What it is.
        transport: Transport,
        /// Our end.
        local: SocketAddr,
        /// The other end.
        peer: SocketAddr,
    },
    /// Octets of such a link.
    Octets {
        /// The link.
        link: LinkId,
        /// What came in.
        octets: Bytes,
    },
    /// Such a link is gone, or never came up.
    Closed {
        /// The link.
        link: LinkId,
        /// Why.
        why: CloseReason,
    },
    /// Start a client transaction; never for an ACK.
    Request {
        /// A fresh number.
        id: ClientId,
        /// The request, without Via.
        draft: Draft,
        /// Where it goes.
        target: Target,
    },
    /// Answer a request; for a 2xx to an INVITE also: repeat it.
    Respond {
        /// The transaction.
        id: ServerId,
        /// The whole response.
        response: Message,
    },
    /// The same for a response that nobody needs to read once more.
    Answer {
        /// The transaction.
        id: ServerId,
        /// The whole response.
        draft: Draft,
    },
    /// No answer to this INVITE is wanted any more. Its final response or failure still comes.
    Cancel {
        /// The transaction.
        id: ClientId,
    },
    /// No answer to this request, which is no INVITE, is waited for any more, and none comes.
    Abandon {
        /// The transaction.
        id: ClientId,
    },
    /// Send a request outside any transaction: the ACK of a 2xx.
    Send {
        /// The request, without Via.
        draft: Draft,
        /// Where it goes.
        target: Target,
    },
    /// Send a message as it is.
    Resend {
        /// The message.
        message: Message,
        /// Where it goes.
        target: Target,
    },
    /// Ask whether a flow lives: CRLFCRLF on a link, a STUN binding request by UDP. [`Output::Pong`] answers.
    Ping {
        /// The flow.
        flow: Flow,
        /// The id of the STUN request; a repeated one has that of the first.
        id: [u8; 12],
    },
}

/// What an endpoint asks for and tells.
#[derive(Clone, Debug)]
pub enum Output {
    /// Something for the world.
    World(world::Output),
    /// A new request came in; answer it with [`Input::Respond`].
    Request {
        /// The transaction.
        id: ServerId,
        /// How it came.
        flow: Flow,
        /// The request, its Via stamped.
        message: Message,
    },
    /// The ACK of a 2xx came in.
    Ack {
        /// How it came.
        flow: Flow,
        /// The request.
        message: Message,
    },
    /// The client gave this INVITE up; it is still to be answered (487).
    Cancelled {
        /// The transaction of the INVITE.
        id: ServerId,
    },
    /// A response came in: provisional, final, or a repeated 2xx to an INVITE.
    Response {
        /// The transaction.
        id: ClientId,
        /// How it came.
        flow: Option<Flow>,
        /// The response.
        message: Message,
    },
    /// No final response comes any more.
    Failed {
        /// The transaction.
        id: ClientId,
        /// Why.
        why: Failure,
    },
    /// A link is gone, and with it every binding that used it.
    FlowLost {
        /// The link as a flow.
        flow: Flow,
    },
    /// The answer to a ping.
    Pong {
        /// The flow it came by.
        flow: Flow,
        /// By UDP: the id of the request and where the peer sees us.
        stun: Option<BindingSuccess>,
    },
    /// Something came in that is no SIP message for us; it was answered 400 or 505 where it could be, and dropped else.
    Malformed {
        /// From whom.
        peer: SocketAddr,
        /// What is wrong with it.
        error: DecodeError,
    },
}

/// A message that came in.
#[derive(Debug)]
struct Arrival {
    flow: Flow,
    peer: SocketAddr,
    message: Message,
    /// What was put into its octets before they were decoded.
    stamp: via::Stamp,
}

/// Names a client transaction: a CANCEL has the branch of its INVITE, so it shares its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct ClientKey {
    id: u64,
    cancel: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Timer {
    Client(ClientKey, client_transaction::Timer),
    Server(u64, server_transaction::Timer),
    /// A request too large for a datagram waits for its link.
    Link(ClientKey),
}

/// Transport and transactions of one SIP element; see the module.
#[derive(Debug)]
pub struct Endpoint {
    local: Local,
    random: Random,
    links: Links,
    clients: HashMap<ClientKey, outgoing::Client, FixedState>,
    servers: HashMap<u64, incoming::Server, FixedState>,
    /// What a repeated request has in common with the first, to the transaction.
    by_key: HashMap<Arc<[u8]>, u64, FixedState>,
    /// Hash of Call-ID, From tag and CSeq of initial requests, to the transaction that came first.
    merged: HashMap<u64, u64, FixedState>,
    timers: Timers<Timer>,
    next_server: u64,
    transactions_max: usize,
    client_effects: Vec<client_transaction::Effect>,
    server_effects: Vec<server_transaction::Effect>,
    text: String,
    key: Vec<u8>,
}

impl Endpoint {
    /// An endpoint of these addresses. `random` makes branches, tags and the keys of its tables.
    #[must_use]
    pub fn new(local: Local, mut random: Random) -> Self {
        let mut keyed = || FixedState::with_seed(random.next_u64());
        let (by_key, merged) = (keyed(), keyed());
        Self {
            links: Links::new(local.links_from()),
            local,
            random,
            clients: HashMap::default(),
            servers: HashMap::default(),
            by_key: HashMap::with_hasher(by_key),
            merged: HashMap::with_hasher(merged),
            timers: Timers::default(),
            next_server: 0,
            transactions_max: limits::SIP_TRANSACTIONS,
            client_effects: Vec::new(),
            server_effects: Vec::new(),
            text: String::new(),
            key: Vec::new(),
        }
    }

    /// The addresses it goes by.
    #[must_use]
    pub const fn local(&self) -> &Local {
        &self.local
    }

    /// Transactions it holds, both sides together; at most [`limits::SIP_TRANSACTIONS`].
    #[must_use]
    pub fn transactions(&self) -> usize {
        self.clients.len() + self.servers.len()
    }

    /// Links it holds; at most [`limits::LINKS`].
    #[must_use]
    pub fn links(&self) -> usize {
        self.links.len()
    }

    /// The transport of a flow, and its other end; `None` for a link that is gone.
    #[must_use]
    pub fn peer(&self, flow: Flow) -> Option<(Transport, SocketAddr)> {
        match flow {
            Flow::Udp { peer, .. } => Some((Transport::Udp, peer)),
            Flow::Link(link) => self.links.peer(link),
        }
    }

    fn is_full(&self) -> bool {
        self.transactions() >= self.transactions_max
    }

    fn datagram(
        &mut self,
        now: Time,
        socket: SocketId,
        peer: SocketAddr,
        octets: Bytes,
        out: &mut Vec<Output>,
    ) {
        let flow = Flow::Udp { socket, peer };
        if stun::is_stun(&octets) {
            match Stun::decode(&octets) {
                Ok(Stun::Request(request)) => emit(flow, request.answer(peer).into(), out),
                Ok(Stun::Success(success)) => out.push(Output::Pong {
                    flow,
                    stun: Some(success),
                }),
                Ok(Stun::Error(_)) => {}
                Err(error) => out.push(Output::Malformed { peer, error }),
            }
            return;
        }
        // Peers keep NAT bindings open with empty lines, and some with single zero octets.
        if octets
            .iter()
            .all(|octet| matches!(octet, b'\r' | b'\n' | 0))
        {
            return;
        }
        let arrival = |message, stamp| Arrival {
            flow,
            peer,
            message,
            stamp,
        };
        if !octets.starts_with(b"SIP/")
            && let Some((stamped, stamp)) = via::stamped_early(&octets, peer)
            && let Ok(message) = Message::decode(stamped)
        {
            self.receive(now, arrival(message, stamp), out);
            return;
        }
        match Message::decode(octets.clone()) {
            Ok(message) => self.receive(now, arrival(message, via::Stamp::default()), out),
            Err(error) => self.refuse_octets(flow, peer, octets, error, out),
        }
    }

    fn octets(&mut self, now: Time, link: LinkId, octets: &[u8], out: &mut Vec<Output>) {
        let flow = Flow::Link(link);
        self.links.push(link, octets);
        while let Some((peer, framed)) = self.links.next(link) {
            match framed {
                Ok(links::Framed::Message(message)) => {
                    let arrival = Arrival {
                        flow,
                        peer,
                        message,
                        stamp: via::Stamp::default(),
                    };
                    self.receive(now, arrival, out);
                }
                Ok(links::Framed::Ping) => emit(flow, Bytes::from_static(b"\r\n"), out),
                Ok(links::Framed::Pong) => out.push(Output::Pong { flow, stun: None }),
                Err(error) => {
                    match self.links.take_refused(link) {
                        Some(message) => self.refuse_malformed(flow, peer, &message, error, out),
                        None => out.push(Output::Malformed { peer, error }),
                    }
                    out.push(Output::World(world::Output::Close { link }));
                    self.closed(now, link, out);
                }
            }
        }
    }

    fn receive(&mut self, now: Time, arrival: Arrival, out: &mut Vec<Output>) {
        if arrival.message.status().is_some() {
            self.response(now, arrival, out);
        } else {
            self.incoming(now, arrival, out);
        }
    }

    fn closed(&mut self, now: Time, link: LinkId, out: &mut Vec<Output>) {
        let Some(closed) = self.links.remove(link) else {
            return;
        };
        if closed.up {
            out.push(Output::FlowLost {
                flow: Flow::Link(link),
            });
        }
        for key in closed.pending {
            self.link_lost(now, key, link, closed.up, out);
        }
    }

    fn ping(&self, flow: Flow, id: [u8; 12], out: &mut Vec<Output>) {
        let octets = match flow {
            Flow::Link(_) => Bytes::from_static(b"\r\n\r\n"),
            Flow::Udp { .. } => BindingRequest::new(id).encode().into(),
        };
        if self.peer(flow).is_some() {
            emit(flow, octets, out);
        }
    }
}

impl Machine for Endpoint {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Datagram {
                socket,
                peer,
                octets,
            } => self.datagram(now, socket, peer, octets, out),
            Input::Opened {
                link,
                transport,
                peer,
                ..
            } => {
                if !self.links.opened(link, transport, peer) {
                    out.push(Output::World(world::Output::Close { link }));
                }
            }
            Input::Octets { link, octets } => self.octets(now, link, &octets, out),
            Input::Closed { link, .. } => self.closed(now, link, out),
            Input::Request { id, draft, target } => self.request(now, id, draft, target, out),
            Input::Respond { id, response } => self.respond(now, id, &response, out),
            Input::Answer { id, draft } => {
                let status = draft.status().unwrap_or_default();
                self.respond_octets(now, id, status, draft.octets(), out);
            }
            Input::Cancel { id } => self.cancel(now, id, out),
            Input::Abandon { id } => self.abandon(id),
            Input::Send { draft, target } => self.send(draft, target, out),
            Input::Resend { message, target } => self.resend(&message, target, out),
            Input::Ping { flow, id } => self.ping(flow, id, out),
        }
    }

    fn expire(&mut self, now: Time, out: &mut Vec<Output>) {
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::Client(key, timer) => {
                    let due = client_transaction::Stimulus::Due(timer);
                    self.step_client(now, key, due, None, out);
                }
                Timer::Server(id, timer) => {
                    let due = server_transaction::Stimulus::Due(timer);
                    self.step_server(now, id, due, None, out);
                }
                Timer::Link(key) => self.link_late(now, key, out),
            }
        }
    }

    fn deadline(&self) -> Option<Time> {
        self.timers.next()
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp { socket, peer } => write!(f, "udp {} {peer}", socket.0),
            Self::Link(link) => write!(f, "link {}", link.0),
        }
    }
}

/// Sends octets by a flow.
fn emit(flow: Flow, octets: Bytes, out: &mut Vec<Output>) {
    out.push(Output::World(match flow {
        Flow::Udp { socket, peer } => world::Output::Datagram {
            socket,
            peer,
            octets,
        },
        Flow::Link(link) => world::Output::Octets { link, octets },
    }));
}
