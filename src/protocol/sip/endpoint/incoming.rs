//! Requests that come in: matching, server transactions, answers given here; and the way of responses.
//!
//! **Source:** RFC 3261 sections 8.2.2.2 (merged requests), 9.2 (CANCEL), 17.2.3 (matching), 18.2 (received, way of
//! responses); RFC 3581 section 4.

use std::collections::hash_map::Entry;
use std::hash::BuildHasher as _;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;

use crate::codec::sip::{Draft, Message, Method, Name, Via};
use crate::codec::{Class, DecodeError};
use crate::time::Time;
use crate::world::Transport;

use super::server_transaction::{Effect, ServerTransaction, State, Stimulus};
use super::{Arrival, Endpoint, Flow, Output, ServerId, Timer, emit, via};

/// A server transaction with its octets.
#[derive(Debug)]
pub(super) struct Server {
    machine: ServerTransaction,
    key: Arc<[u8]>,
    merge: Option<u64>,
    way: Way,
    /// The request, until there is a response: a 100 is made from it.
    request: Bytes,
    /// The last response; empty before the first.
    last: Bytes,
}

/// Where the responses to a request go.
#[derive(Clone, Copy, Debug)]
struct Way {
    /// By this flow.
    flow: Flow,
    /// When the link is gone: by a new one to here.
    again: Option<(Transport, SocketAddr)>,
}

/// What a step of a server transaction is about, beside its stimulus.
#[derive(Debug)]
pub(super) enum Subject {
    /// A response of the user.
    Response(Bytes),
    /// An ACK.
    Ack(Flow, Message),
}

impl Endpoint {
    pub(super) fn incoming(&mut self, now: Time, arrival: Arrival, out: &mut Vec<Output>) {
        let Arrival {
            flow,
            peer,
            message,
            stamp,
        } = arrival;
        let method = message.method().unwrap_or(Method::Other);
        let found = checked(&message).and_then(|()| {
            let via = message.via()?;
            // An ACK is matched as the INVITE it ends.
            let as_method = if method == Method::Ack {
                Method::Invite
            } else {
                method
            };
            write_key(&mut self.key, &message, &via, as_method)?;
            let known = self.by_key.get(self.key.as_slice()).copied();
            let stamps = via::needs_stamp(&via, peer);
            Ok((known, self.way_back(flow, peer, &via), stamps))
        });
        match (method, found) {
            (_, Err(error)) => {
                let error = stamp.before(error);
                self.refuse_malformed(flow, peer, &message, error, out);
            }
            (Method::Ack, Ok((Some(id), ..))) => {
                let subject = Some(Subject::Ack(flow, message));
                self.step_server(now, id, Stimulus::Ack, subject, out);
            }
            (Method::Ack, Ok((None, ..))) => out.push(Output::Ack { flow, message }),
            (_, Ok((Some(id), ..))) => self.step_server(now, id, Stimulus::Again, None, out),
            (Method::Cancel, Ok((None, way, _))) => self.cancelled(now, way, peer, &message, out),
            (_, Ok((None, way, stamps))) => {
                let stamped = stamps.then(|| via::stamped(&message, peer)).flatten();
                self.begin(now, flow, way, stamped.unwrap_or(message), out);
            }
        }
    }

    /// A new request: passed up, unless it came before by another way or there is no room.
    fn begin(&mut self, now: Time, flow: Flow, way: Way, message: Message, out: &mut Vec<Output>) {
        let merge = self.merge_of(&message);
        if merge.is_some_and(|merge| self.merged.contains_key(&merge)) {
            self.refuse(way, &message, 482, out);
        } else if self.is_full() {
            self.refuse(way, &message, 503, out);
        } else {
            let id = ServerId(self.insert_server(now, way, &message, merge, out));
            out.push(Output::Request { id, flow, message });
        }
    }

    /// Makes the transaction of the request whose key `self.key` holds.
    fn insert_server(
        &mut self,
        now: Time,
        way: Way,
        message: &Message,
        merge: Option<u64>,
        out: &mut Vec<Output>,
    ) -> u64 {
        let id = self.next_server;
        self.next_server = self.next_server.wrapping_add(1);
        let key: Arc<[u8]> = Arc::from(self.key.as_slice());
        self.by_key.insert(Arc::clone(&key), id);
        if let Some(merge) = merge {
            self.merged.insert(merge, id);
        }
        let invite = message.method() == Some(Method::Invite);
        let server = Server {
            machine: ServerTransaction::new(invite, matches!(way.flow, Flow::Link(_))),
            key,
            merge,
            way,
            request: message.octets().clone(),
            last: Bytes::new(),
        };
        self.servers.insert(id, server);
        self.step_server(now, id, Stimulus::Start, None, out);
        id
    }

    /// What an initial request shares with its copies that took another way (RFC 3261 section 8.2.2.2).
    fn merge_of(&self, message: &Message) -> Option<u64> {
        let from = message.from().ok()?;
        let cseq = message.cseq().ok()?;
        if message.to().ok()?.tag().is_some() {
            return None;
        }
        let identity = (
            message.call_id().ok()?,
            from.tag(),
            cseq.number,
            cseq.method_text,
        );
        Some(self.merged.hasher().hash_one(identity))
    }

    /// A CANCEL: answered here; its INVITE goes on until the user answers that.
    fn cancelled(
        &mut self,
        now: Time,
        way: Way,
        peer: SocketAddr,
        message: &Message,
        out: &mut Vec<Output>,
    ) {
        let mut key = Vec::new();
        let invite = message
            .via()
            .and_then(|via| write_key(&mut key, message, &via, Method::Invite))
            .ok()
            .and_then(|()| self.by_key.get(key.as_slice()).copied());
        let stamped = via::stamped(message, peer);
        let message = stamped.as_ref().unwrap_or(message);
        let Some(invite) = invite else {
            self.refuse(way, message, 481, out);
            return;
        };
        // The tag that the INVITE's response has already given, so that both speak for the same element.
        let last = self.servers.get(&invite).map(|server| server.last.clone());
        let last = last.and_then(|octets| Message::decode(octets).ok());
        let given = last.as_ref().and_then(|last| last.to().ok()?.tag());
        let tag = self.random.token::<10>();
        let response = Draft::response(message, 200, Some(given.unwrap_or(tag.as_str()))).finish();
        if self.is_full() {
            self.send_back(way, response.octets().clone(), out);
        } else {
            let id = self.insert_server(now, way, message, None, out);
            self.respond(now, ServerId(id), &response, out);
        }
        let waits = |server: &Server| server.machine.state() == State::Proceeding;
        if self.servers.get(&invite).is_some_and(waits) {
            out.push(Output::Cancelled {
                id: ServerId(invite),
            });
        }
    }

    pub(super) fn respond(
        &mut self,
        now: Time,
        id: ServerId,
        response: &Message,
        out: &mut Vec<Output>,
    ) {
        let status = response.status().unwrap_or_default();
        self.respond_octets(now, id, status, response.octets().clone(), out);
    }

    pub(super) fn respond_octets(
        &mut self,
        now: Time,
        id: ServerId,
        status: u16,
        octets: Bytes,
        out: &mut Vec<Output>,
    ) {
        let subject = Some(Subject::Response(octets));
        self.step_server(now, id.0, Stimulus::Respond(status), subject, out);
    }

    /// Takes a step of a server transaction and does what follows from it.
    pub(super) fn step_server(
        &mut self,
        now: Time,
        id: u64,
        stimulus: Stimulus,
        subject: Option<Subject>,
        out: &mut Vec<Output>,
    ) {
        let Entry::Occupied(mut entry) = self.servers.entry(id) else {
            return;
        };
        let server = entry.get_mut();
        let mut effects = std::mem::take(&mut self.server_effects);
        server.machine.step(stimulus, &mut effects);
        let (mut sends, mut ends, mut subject) = (false, false, subject);
        for effect in effects.drain(..) {
            match effect {
                Effect::Send => {
                    if let Some(Subject::Response(octets)) = subject.take() {
                        server.last = octets;
                        server.request = Bytes::new();
                        sends = true;
                    }
                }
                Effect::SendTrying => {
                    if let Ok(request) = Message::decode(server.request.clone()) {
                        let trying = Draft::response(&request, 100, None).finish();
                        server.last = trying.octets().clone();
                        sends = true;
                    }
                }
                Effect::SendAgain => sends = true,
                Effect::Up => {
                    if let Some(Subject::Ack(flow, message)) = subject.take() {
                        out.push(Output::Ack { flow, message });
                    }
                }
                Effect::Set(timer, pause) => {
                    self.timers.set(Timer::Server(id, timer), now + pause);
                }
                Effect::Stop(timer) => self.timers.cancel(Timer::Server(id, timer)),
                Effect::End => ends = true,
            }
        }
        let sent = sends.then(|| (server.way, server.last.clone()));
        if ends {
            let server = entry.remove();
            self.by_key.remove(&server.key);
            if let Some(merge) = server.merge {
                self.merged.remove(&merge);
            }
        }
        self.server_effects = effects;
        if let Some((way, octets)) = sent {
            self.send_back(way, octets, out);
        }
    }

    /// Sends a response; an empty one is none.
    fn send_back(&mut self, way: Way, octets: Bytes, out: &mut Vec<Output>) {
        if octets.is_empty() {
            return;
        }
        if self.peer(way.flow).is_some() {
            emit(way.flow, octets, out);
        } else if let Some((transport, peer)) = way.again
            && let Some(link) =
                self.links
                    .reach(transport, peer, self.local.name_of(peer.ip()), out)
        {
            emit(Flow::Link(link), octets, out);
        }
    }

    /// The way of the responses to a request that came from `source` (RFC 3261 section 18.2.2, RFC 3581 section 4).
    fn way_back(&self, flow: Flow, source: SocketAddr, via: &Via<'_>) -> Way {
        match flow {
            Flow::Link(link) => {
                let transport = self.links.peer(link).map_or(Transport::Tcp, |(t, _)| t);
                let default = if transport == Transport::Tls {
                    5061
                } else {
                    5060
                };
                let peer = SocketAddr::new(source.ip(), via.port.unwrap_or(default));
                Way {
                    flow,
                    again: Some((transport, peer)),
                }
            }
            Flow::Udp { socket, .. } => {
                let port = via.port.unwrap_or(5060);
                let peer = match via::maddr(via) {
                    Some(ip) => SocketAddr::new(ip, port),
                    None if via.rport.is_some() => source,
                    None => SocketAddr::new(source.ip(), port),
                };
                Way {
                    flow: Flow::Udp { socket, peer },
                    again: None,
                }
            }
        }
    }

    /// Answers a request without a transaction.
    fn refuse(&mut self, way: Way, message: &Message, status: u16, out: &mut Vec<Output>) {
        let tag = self.random.token::<10>();
        let mut draft = Draft::response(message, status, Some(tag.as_str()));
        if status == 503 {
            draft = draft.header("Retry-After", RETRY_AFTER_SECONDS);
        }
        self.send_back(way, draft.finish().octets().clone(), out);
    }

    /// Answers a request that cannot have a transaction; one whose Via says nothing is answered back to its source.
    pub(super) fn answer(
        &mut self,
        flow: Flow,
        peer: SocketAddr,
        message: &Message,
        octets: Bytes,
        out: &mut Vec<Output>,
    ) {
        let way = match message.via() {
            Ok(via) => self.way_back(flow, peer, &via),
            Err(_) => Way { flow, again: None },
        };
        self.send_back(way, octets, out);
    }
}

/// When to come again after a refusal for want of room: the patience of a transaction frees most of the table.
const RETRY_AFTER_SECONDS: u32 = 32;

/// What must be right before anything else is asked (RFC 3261 section 8.2).
fn checked(message: &Message) -> Result<(), DecodeError> {
    if !message.is_version_2() {
        return Err(DecodeError {
            format: "sip",
            offset: 0,
            class: Class::BadValue,
            expected: "version 2.0",
        });
    }
    message.check_request()
}

/// Writes what a request has in common with its repeats: branch, sent-by and method; for peers of RFC 2543, whose
/// branch means nothing, Request-URI, From tag, Call-ID, CSeq number and the whole Via. The To tag of RFC 2543's rule
/// is left out: it would part an ACK from its INVITE.
fn write_key(
    key: &mut Vec<u8>,
    message: &Message,
    via: &Via<'_>,
    method: Method,
) -> Result<(), DecodeError> {
    key.clear();
    let cseq = message.cseq()?;
    let method = if method == Method::Other {
        cseq.method_text
    } else {
        method.name()
    };
    match via.branch {
        Some(branch) if via.has_cookie() => {
            append(key, branch.as_bytes());
            append(key, &via.port.unwrap_or_default().to_be_bytes());
            append(key, via.host.as_bytes());
            let host = key.len().saturating_sub(via.host.len() + 1);
            key.get_mut(host..)
                .unwrap_or_default()
                .make_ascii_lowercase();
        }
        _ => {
            append(key, message.header(Name::Via).unwrap_or_default());
            append(key, message.request_uri_text());
            append(key, message.from()?.tag().unwrap_or_default().as_bytes());
            append(key, message.call_id()?.as_bytes());
            append(key, &cseq.number.to_be_bytes());
        }
    }
    append(key, method.as_bytes());
    Ok(())
}

fn append(key: &mut Vec<u8>, part: &[u8]) {
    key.extend_from_slice(part);
    key.push(0);
}
