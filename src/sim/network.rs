//! The network between simulated nodes: who has which address, what is late, lost, doubled or out of order.
//!
//! Datagrams may be lost, doubled and overtake one another. Links and HTTP exchanges keep their order; they break
//! only as a whole.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::random::Random;
use crate::time::Time;
use crate::world::{LinkId, ListenerId, SocketId, Transport};

/// What the network does to octets; chances are in thousandths.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// The shortest time on the way.
    pub latency: Duration,
    /// Up to this much more, drawn for each datagram: this is what reorders them.
    pub jitter: Duration,
    /// Chance that a datagram is lost.
    pub loss: u64,
    /// Chance that a datagram arrives twice.
    pub duplication: u64,
    /// Chance that an HTTP exchange breaks, before or after the other side has seen the request.
    pub http_loss: u64,
}

impl Weather {
    /// Half a millisecond on the way, nothing lost.
    pub const CALM: Self = Self {
        latency: Duration::from_micros(500),
        jitter: Duration::ZERO,
        loss: 0,
        duplication: 0,
        http_loss: 0,
    };
}

/// A node of the simulation, numbered in the order of entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub usize);

/// One end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct End {
    /// Whose.
    pub node: NodeId,
    /// Its number there.
    pub link: LinkId,
}

/// Addresses, links and chance of the simulated network.
#[derive(Debug)]
pub struct Network {
    /// What it does to octets.
    pub weather: Weather,
    random: Random,
    sockets: BTreeMap<SocketAddr, (NodeId, SocketId)>,
    addresses: BTreeMap<(NodeId, SocketId), SocketAddr>,
    listeners: BTreeMap<(SocketAddr, Transport), (NodeId, ListenerId)>,
    links: BTreeMap<End, Peer>,
    accepted: u64,
}

#[derive(Debug)]
struct Peer {
    end: End,
    /// When the last thing sent this way arrives; nothing overtakes it.
    arrives: Time,
}

impl Network {
    /// An empty network under that weather.
    #[must_use]
    pub fn new(weather: Weather, random: Random) -> Self {
        Self {
            weather,
            random,
            sockets: BTreeMap::new(),
            addresses: BTreeMap::new(),
            listeners: BTreeMap::new(),
            links: BTreeMap::new(),
            accepted: LinkId::ACCEPTED,
        }
    }

    /// Gives a datagram socket of a node its address.
    pub fn bind(&mut self, node: NodeId, socket: SocketId, address: SocketAddr) {
        self.sockets.insert(address, (node, socket));
        self.addresses.insert((node, socket), address);
    }

    /// Gives a stream listener of a node its address.
    pub fn listen(
        &mut self,
        node: NodeId,
        listener: ListenerId,
        transport: Transport,
        address: SocketAddr,
    ) {
        self.listeners
            .insert((address, transport), (node, listener));
    }

    /// The socket that has an address.
    #[must_use]
    pub fn socket(&self, address: SocketAddr) -> Option<(NodeId, SocketId)> {
        self.sockets.get(&address).copied()
    }

    /// The address of a node's socket.
    #[must_use]
    pub fn address_of(&self, node: NodeId, socket: SocketId) -> Option<SocketAddr> {
        self.addresses.get(&(node, socket)).copied()
    }

    /// When the copies of a datagram sent at `now` arrive: none, one or two instants.
    pub fn datagram(&mut self, now: Time) -> [Option<Time>; 2] {
        if self.weather.loss > 0 && self.random.happens(self.weather.loss) {
            return [None, None];
        }
        let first = Some(self.arrival(now));
        let doubled = self.weather.duplication > 0 && self.random.happens(self.weather.duplication);
        [first, doubled.then(|| self.arrival(now))]
    }

    /// True when the network breaks the HTTP exchange at this point.
    pub fn breaks_http(&mut self) -> bool {
        self.weather.http_loss > 0 && self.random.happens(self.weather.http_loss)
    }

    /// When something sent at `now` arrives.
    pub fn arrival(&mut self, now: Time) -> Time {
        let jitter = u64::try_from(self.weather.jitter.as_micros()).unwrap_or(0);
        let late = if jitter == 0 {
            0
        } else {
            self.random.below(jitter)
        };
        now + self.weather.latency + Duration::from_micros(late)
    }

    /// Opens a link to whoever listens at `target`; gives the accepting end and when both ends know.
    pub fn connect(
        &mut self,
        now: Time,
        from: End,
        transport: Transport,
        target: SocketAddr,
    ) -> Option<(End, ListenerId, Time)> {
        let &(node, listener) = self.listeners.get(&(target, transport))?;
        let to = End {
            node,
            link: LinkId(self.accepted),
        };
        self.accepted += 1;
        let arrives = now + self.weather.latency;
        self.links.insert(from, Peer { end: to, arrives });
        self.links.insert(to, Peer { end: from, arrives });
        Some((to, listener, arrives))
    }

    /// The other end of a link, and when what is sent on it now arrives there; order is kept.
    pub fn along(&mut self, now: Time, from: End) -> Option<(End, Time)> {
        let earliest = self.arrival(now);
        let peer = self.links.get_mut(&from)?;
        peer.arrives = peer.arrives.max(earliest);
        Some((peer.end, peer.arrives))
    }

    /// Forgets one end of a link; the other end goes on knowing it until it is told.
    pub fn forget(&mut self, end: End) {
        self.links.remove(&end);
    }

    /// True while this end of the link is open.
    #[must_use]
    pub fn is_open(&self, end: End) -> bool {
        self.links.contains_key(&end)
    }

    /// All ends at a node, as when it dies.
    #[must_use]
    pub fn ends_of(&self, node: NodeId) -> Vec<End> {
        self.links
            .keys()
            .filter(|end| end.node == node)
            .copied()
            .collect()
    }

    /// How many link ends there are.
    #[must_use]
    pub fn ends(&self) -> usize {
        self.links.len()
    }
}
