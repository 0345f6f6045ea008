//! The stream connections of an endpoint: found by number or by peer, each with its framer.
//!
//! **Source:** RFC 3261 section 18.1.1 (reuse of a connection to the same peer), RFC 5626 section 4.4.1 (pings).

use std::collections::HashMap;
use std::net::SocketAddr;

use foldhash::quality::FixedState;

pub(super) use crate::codec::sip::Framed;

use crate::codec::DecodeError;
use crate::codec::sip::{Framer, Message};
use crate::limits;
use crate::world::{self, LinkId, Transport};

use super::{ClientKey, Output};

/// One stream connection.
#[derive(Debug)]
pub(super) struct Link {
    transport: Transport,
    peer: SocketAddr,
    framer: Framer,
    /// True once it is known to be open.
    pub(super) up: bool,
    /// Client transactions that went out on it; those that have ended since are swept out when it grows.
    pub(super) pending: Vec<ClientKey>,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Links {
    by_id: HashMap<LinkId, Link, FixedState>,
    by_peer: HashMap<(Transport, SocketAddr), LinkId, FixedState>,
    next: u64,
}

impl Links {
    pub(super) fn new(from: u64) -> Self {
        Self {
            by_id: HashMap::default(),
            by_peer: HashMap::default(),
            next: from,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn peer(&self, link: LinkId) -> Option<(Transport, SocketAddr)> {
        self.by_id.get(&link).map(|l| (l.transport, l.peer))
    }

    pub(super) fn is_up(&self, link: LinkId) -> bool {
        self.by_id.get(&link).is_some_and(|l| l.up)
    }

    /// The link to that peer, a new one if need be; `None` when there are too many.
    pub(super) fn reach(
        &mut self,
        transport: Transport,
        peer: SocketAddr,
        name: Option<&str>,
        out: &mut Vec<Output>,
    ) -> Option<LinkId> {
        if let Some(link) = self.by_peer.get(&(transport, peer)) {
            return Some(*link);
        }
        let link = LinkId(self.next);
        if !self.insert(link, transport, peer, false) {
            return None;
        }
        // A link that a peer opened is never found by address: nobody has vouched that the address is the peer's.
        self.by_peer.insert((transport, peer), link);
        self.next = self.next.saturating_add(1);
        out.push(Output::World(world::Output::Connect {
            link,
            transport,
            target: peer,
            server_name: name.map(str::to_owned),
        }));
        Some(link)
    }

    /// A link is up; false when it cannot be kept and must be closed.
    pub(super) fn opened(&mut self, link: LinkId, transport: Transport, peer: SocketAddr) -> bool {
        if let Some(known) = self.by_id.get_mut(&link) {
            known.up = true;
            return true;
        }
        // One of ours that is no longer known was given up while it was being opened.
        link.0 >= LinkId::ACCEPTED && self.insert(link, transport, peer, true)
    }

    fn insert(&mut self, link: LinkId, transport: Transport, peer: SocketAddr, up: bool) -> bool {
        if self.by_id.len() >= limits::LINKS {
            return false;
        }
        let framer = Framer::new(limits::SIP_MESSAGE_OCTETS);
        self.by_id.insert(
            link,
            Link {
                transport,
                peer,
                framer,
                up,
                pending: Vec::new(),
            },
        );
        true
    }

    pub(super) fn remove(&mut self, link: LinkId) -> Option<Link> {
        let removed = self.by_id.remove(&link)?;
        let by_peer = (removed.transport, removed.peer);
        if self.by_peer.get(&by_peer) == Some(&link) {
            self.by_peer.remove(&by_peer);
        }
        Some(removed)
    }

    /// A client transaction went out on a link. `lives` tells which of the earlier ones still wait.
    pub(super) fn went_out(
        &mut self,
        link: LinkId,
        key: ClientKey,
        lives: impl Fn(&ClientKey) -> bool,
    ) {
        if let Some(link) = self.by_id.get_mut(&link) {
            if link.pending.len() == link.pending.capacity() {
                link.pending.retain(lives);
                // With room for as many again, the sweep costs each transaction a constant.
                link.pending.reserve(link.pending.len().max(8));
            }
            link.pending.push(key);
        }
    }

    pub(super) fn push(&mut self, link: LinkId, octets: &[u8]) {
        if let Some(link) = self.by_id.get_mut(&link) {
            link.framer.push(octets);
        }
    }

    /// What stands next in the stream, and from whom.
    pub(super) fn next(
        &mut self,
        link: LinkId,
    ) -> Option<(SocketAddr, Result<Framed, DecodeError>)> {
        let link = self.by_id.get_mut(&link)?;
        link.framer.next().map(|framed| (link.peer, framed))
    }

    /// The request whose fault lost the stream, as far as an answer needs it.
    pub(super) fn take_refused(&mut self, link: LinkId) -> Option<Message> {
        self.by_id.get_mut(&link)?.framer.take_refused()
    }
}
