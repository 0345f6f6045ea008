//! Datagram sockets: one task each that reads until nothing is left; sending never waits.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::observe::Counters;
use crate::limits::{DATAGRAM_OCTETS_WAITING, DATAGRAMS_UNSENT};
use crate::world::{Input, SocketId};

/// Octets of the largest datagram.
const DATAGRAM_OCTETS: usize = 65_536;
/// Datagrams read from one socket before the other tasks get a turn.
const BURST: usize = 64;

/// Binds a datagram socket; `receive_octets` asks the system for a larger buffer, which it may cut.
///
/// # Errors
/// When the address cannot be bound.
pub fn bind(address: SocketAddr, receive_octets: Option<usize>) -> io::Result<UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    if let Some(octets) = receive_octets {
        socket.set_recv_buffer_size(octets)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// The node's datagram sockets, in the order of their numbers.
#[derive(Debug)]
pub(super) struct Ports {
    ports: Vec<Arc<Port>>,
    receivers: JoinSet<()>,
    counters: Arc<Counters>,
    /// Keeps the node's queue open when there is no socket at all.
    _inbox: mpsc::Sender<Input>,
}

#[derive(Debug)]
struct Port {
    socket: tokio::net::UdpSocket,
    backlog: Mutex<Backlog>,
}

/// Datagrams a full socket could not take, and whether a task waits to send them.
#[derive(Debug, Default)]
struct Backlog {
    waiting: VecDeque<(SocketAddr, Bytes)>,
    flushing: bool,
}

impl Ports {
    /// Starts one receiving task for each socket.
    ///
    /// # Errors
    /// When a socket is not usable.
    pub(super) fn start(
        sockets: Vec<UdpSocket>,
        inbox: &mpsc::Sender<Input>,
        counters: &Arc<Counters>,
    ) -> io::Result<Self> {
        let mut ports = Self {
            ports: Vec::with_capacity(sockets.len()),
            receivers: JoinSet::new(),
            counters: counters.clone(),
            _inbox: inbox.clone(),
        };
        for (number, socket) in (0..).zip(sockets) {
            socket.set_nonblocking(true)?;
            let port = Arc::new(Port {
                socket: tokio::net::UdpSocket::from_std(socket)?,
                backlog: Mutex::default(),
            });
            ports.ports.push(port.clone());
            ports.receivers.spawn(receive(
                port,
                SocketId(number),
                inbox.clone(),
                counters.clone(),
            ));
        }
        Ok(ports)
    }

    /// Sends one datagram now or, when the socket is full, as soon as it can; drops it when too many wait.
    pub(super) fn send(&self, socket: SocketId, peer: SocketAddr, octets: Bytes) {
        let port = usize::try_from(socket.0)
            .ok()
            .and_then(|index| self.ports.get(index));
        let Some(port) = port else {
            self.counters.udp_unsent.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let mut backlog = port.backlog.lock().unwrap_or_else(PoisonError::into_inner);
        if backlog.waiting.is_empty() {
            match port.socket.try_send_to(&octets, peer) {
                Ok(_) => {
                    self.counters.udp_sent.fetch_add(1, Ordering::Relaxed);
                    return;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    // A refused peer is its own timeout's matter; an impossible address is worth a line.
                    self.counters.udp_unsent.fetch_add(1, Ordering::Relaxed);
                    tracing::debug!(%error, socket = socket.0, "a datagram could not be sent");
                    return;
                }
            }
        }
        if backlog.waiting.len() >= DATAGRAMS_UNSENT {
            self.counters.udp_unsent.fetch_add(1, Ordering::Relaxed);
            return;
        }
        backlog.waiting.push_back((peer, octets));
        if !backlog.flushing {
            backlog.flushing = true;
            tokio::spawn(flush(port.clone(), self.counters.clone()));
        }
    }

    /// Ends the receiving tasks; sending still works.
    pub(super) fn stop_receiving(&mut self) {
        self.receivers.abort_all();
    }

    /// Waits until no datagram waits for a full socket.
    pub(super) async fn flushed(&self) {
        for port in &self.ports {
            while port.is_flushing() && port.socket.writable().await.is_ok() {
                tokio::task::yield_now().await;
            }
        }
    }
}

impl Port {
    fn is_flushing(&self) -> bool {
        self.backlog
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .flushing
    }

    /// Sends what waits; false when the socket is full again.
    fn drain(&self, counters: &Counters) -> bool {
        let mut backlog = self.backlog.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((peer, octets)) = backlog.waiting.front() {
            match self.socket.try_send_to(octets, *peer) {
                Ok(_) => counters.udp_sent.fetch_add(1, Ordering::Relaxed),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Err(_) => counters.udp_unsent.fetch_add(1, Ordering::Relaxed),
            };
            backlog.waiting.pop_front();
        }
        backlog.flushing = false;
        true
    }
}

async fn flush(port: Arc<Port>, counters: Arc<Counters>) {
    while port.socket.writable().await.is_ok() {
        if port.drain(&counters) {
            return;
        }
    }
}

async fn receive(
    port: Arc<Port>,
    socket: SocketId,
    inbox: mpsc::Sender<Input>,
    counters: Arc<Counters>,
) {
    while port.socket.readable().await.is_ok() {
        if inbox.is_closed() {
            return;
        }
        for _ in 0..BURST {
            match receive_one(&port.socket) {
                Ok((peer, octets)) => deliver(&inbox, socket, peer, octets, &counters),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // What the network says of an earlier datagram of ours (nobody listens there) is no fault here.
                Err(_) => {
                    counters.udp_errors.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        tokio::task::yield_now().await;
    }
}

thread_local! {
    /// Room for the largest datagram, one for each thread and not for each socket.
    static SCRATCH: core::cell::RefCell<Vec<u8>> = core::cell::RefCell::new(vec![0; DATAGRAM_OCTETS]);
}

fn receive_one(socket: &tokio::net::UdpSocket) -> io::Result<(SocketAddr, Bytes)> {
    SCRATCH.with_borrow_mut(|scratch| {
        let (count, peer) = socket.try_recv_from(scratch)?;
        let octets = scratch.get(..count).unwrap_or_default();
        Ok((peer, Bytes::copy_from_slice(octets)))
    })
}

/// Puts a datagram into the node's queue, or drops and counts it when the queue is full.
fn deliver(
    inbox: &mpsc::Sender<Input>,
    socket: SocketId,
    peer: SocketAddr,
    octets: Bytes,
    counters: &Counters,
) {
    counters.udp_received.fetch_add(1, Ordering::Relaxed);
    let weight = u64::try_from(octets.len()).unwrap_or(u64::MAX);
    if counters.udp_queued_octets.load(Ordering::Relaxed) > DATAGRAM_OCTETS_WAITING {
        counters.udp_dropped.fetch_add(1, Ordering::Relaxed);
        return;
    }
    let input = Input::Datagram {
        socket,
        peer,
        octets,
    };
    // Counted before it can be taken out, so that the sum never goes below zero.
    counters
        .udp_queued_octets
        .fetch_add(weight, Ordering::Relaxed);
    if inbox.try_send(input).is_err() {
        counters
            .udp_queued_octets
            .fetch_sub(weight, Ordering::Relaxed);
        counters.udp_dropped.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deliver_octets(inbox: &mpsc::Sender<Input>, count: usize, counters: &Counters) {
        let peer = SocketAddr::from(([127, 0, 0, 1], 5060));
        let octets = Bytes::from(vec![0; count]);
        deliver(inbox, SocketId(0), peer, octets, counters);
    }

    #[test]
    fn a_datagram_that_finds_the_queue_full_is_dropped_and_counted() {
        let (inbox, _queue) = mpsc::channel(2);
        let counters = Counters::default();
        for _ in 0..3 {
            deliver_octets(&inbox, 100, &counters);
        }
        assert_eq!(counters.udp_dropped.load(Ordering::Relaxed), 1);
        assert_eq!(counters.udp_received.load(Ordering::Relaxed), 3);
        assert_eq!(counters.udp_queued_octets.load(Ordering::Relaxed), 200);
    }

    #[test]
    fn datagrams_that_wait_are_bounded_in_octets_too() {
        let (inbox, _queue) = mpsc::channel(8_192);
        let counters = Counters::default();
        for _ in 0..1_000 {
            deliver_octets(&inbox, 65_507, &counters);
        }
        let queued = counters.udp_queued_octets.load(Ordering::Relaxed);
        assert!(queued <= DATAGRAM_OCTETS_WAITING + 65_507);
        assert!(counters.udp_dropped.load(Ordering::Relaxed) > 400);
    }
}
