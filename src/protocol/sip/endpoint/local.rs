//! The addresses an endpoint goes by.
//!
//! **Source:** RFC 3261 section 18.1.1 (sent-by), 18.1.2 (whose response it is).

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::codec::sip::Via;
use crate::world::{SocketId, Transport};

/// The addresses an endpoint goes by.
#[derive(Clone, Debug, Default)]
pub struct Local {
    sockets: Vec<(SocketId, SocketAddr, SentBy)>,
    listeners: Vec<(Transport, SentBy)>,
    names: BTreeMap<IpAddr, String>,
    links_from: u64,
}

/// An address as Via writes it.
#[derive(Clone, Debug)]
struct SentBy {
    text: String,
    host: String,
    port: u16,
}

impl Local {
    /// No address yet. The links that the endpoint opens are numbered from `links_from` up, so that others of the same
    /// node can have numbers of their own.
    #[must_use]
    pub fn new(links_from: u64) -> Self {
        Self {
            links_from,
            ..Self::default()
        }
    }

    /// Adds a datagram socket that peers reach at `address`.
    #[must_use]
    pub fn socket(mut self, socket: SocketId, address: SocketAddr) -> Self {
        self.sockets.push((socket, address, SentBy::from(address)));
        self
    }

    /// Adds a listener that peers reach at `address`; the first of each transport goes into Via.
    #[must_use]
    pub fn listener(mut self, transport: Transport, address: SocketAddr) -> Self {
        self.listeners.push((transport, SentBy::from(address)));
        self
    }

    /// Certificates of `peer` must be valid for `name`.
    #[must_use]
    pub fn server_name(mut self, peer: IpAddr, name: &str) -> Self {
        self.names.insert(peer, name.to_owned());
        self
    }

    /// The host and port by which peers reach this element on a transport; its Via and Contact say so. An element that
    /// only connects out has no port of that transport: another address of its own stands in.
    #[must_use]
    pub fn sent_by(&self, transport: Transport) -> &str {
        let listener = self.listeners.iter().find(|(t, _)| *t == transport);
        listener
            .map(|(_, sent_by)| sent_by)
            .or_else(|| self.all().next())
            .map_or(NOWHERE, |sent_by| &sent_by.text)
    }

    /// As [`Local::sent_by`], for what leaves from that socket.
    pub(super) fn socket_text(&self, socket: SocketId) -> &str {
        self.sockets
            .iter()
            .find(|(s, _, _)| *s == socket)
            .map_or(NOWHERE, |(_, _, sent_by)| &sent_by.text)
    }

    /// The first socket that can reach `peer`.
    pub(super) fn socket_for(&self, peer: SocketAddr) -> Option<SocketId> {
        self.sockets
            .iter()
            .find(|(_, address, _)| address.is_ipv4() == peer.is_ipv4())
            .map(|(socket, _, _)| *socket)
    }

    /// The number of the first link that the endpoint opens.
    pub(super) const fn links_from(&self) -> u64 {
        self.links_from
    }

    /// The name that the certificate of a peer must be valid for.
    pub(super) fn name_of(&self, peer: IpAddr) -> Option<&str> {
        self.names.get(&peer).map(String::as_str)
    }

    /// True when a Via was written here.
    pub(super) fn owns(&self, via: &Via<'_>) -> bool {
        self.all()
            .any(|own| via.port == Some(own.port) && own.host == via.host)
            || (self.all().next().is_none() && via.host == NOWHERE)
    }

    fn all(&self) -> impl Iterator<Item = &SentBy> {
        let sockets = self.sockets.iter().map(|(_, _, sent_by)| sent_by);
        sockets.chain(self.listeners.iter().map(|(_, sent_by)| sent_by))
    }
}

/// What an element without any address calls itself.
const NOWHERE: &str = "anonymous.invalid";

impl From<SocketAddr> for SentBy {
    fn from(address: SocketAddr) -> Self {
        let text = address.to_string();
        let host = text.rsplit_once(':').map_or("", |(host, _)| host);
        Self {
            host: host.to_owned(),
            port: address.port(),
            text,
        }
    }
}
