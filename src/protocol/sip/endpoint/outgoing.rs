//! Requests that leave: way, Via, client transaction; and the responses to them.
//!
//! **Source:** RFC 3261 sections 8.1.3.3 (Via of responses), 9.1 (CANCEL), 17.1.1.3 (ACK), 17.1.3 (matching), 18.1.1
//! (1300 octets).

use std::collections::hash_map::Entry;
use std::fmt::Write as _;

use bytes::Bytes;

use crate::codec::sip::{Draft, Message, Method, Name};
use crate::codec::{Class, DecodeError};
use crate::limits;
use crate::time::Time;
use crate::world::{LinkId, Transport};

use super::client_transaction::{self, ClientTransaction, Effect, Failure, Stimulus, T2};
use super::{Arrival, ClientId, ClientKey, Endpoint, Flow, Output, Target, Timer, emit, via};

/// A client transaction with its octets.
#[derive(Debug)]
pub(super) struct Client {
    machine: ClientTransaction,
    method: Method,
    /// The random half of its branch.
    check: u64,
    flow: Flow,
    /// The request as sent; empty when nothing will ask for it again.
    octets: Bytes,
    /// The ACK of its refusal, once there is one.
    ack: Bytes,
    /// The way by datagram of a request that was too large for one, in case the peer takes no stream.
    datagram: Option<Box<(Flow, Bytes)>>,
}

impl Endpoint {
    pub(super) fn request(
        &mut self,
        now: Time,
        id: ClientId,
        draft: Draft,
        target: Target,
        out: &mut Vec<Output>,
    ) {
        let key = ClientKey {
            id: id.0,
            cancel: false,
        };
        let check = self.random.next_u64();
        let flow = match self.way(target, out) {
            Some(flow) if !self.is_full() && !self.clients.contains_key(&key) => flow,
            _ => {
                let why = Failure::Transport;
                out.push(Output::Failed { id, why });
                return;
            }
        };
        let method = draft.method().unwrap_or(Method::Other);
        self.write_via(flow, check, id.0);
        let octets = draft.octets_with_via(&self.text);
        let mut client = Client {
            machine: ClientTransaction::new(method == Method::Invite, is_reliable(flow)),
            method,
            check,
            flow,
            octets,
            ack: Bytes::new(),
            datagram: None,
        };
        if client.octets.len() > limits::SIP_DATAGRAM_OCTETS {
            self.avoid_datagram(now, key, &mut client, out);
        }
        self.clients.insert(key, client);
        self.note_link(key);
        self.step_client(now, key, Stimulus::Start, None, out);
    }

    /// A request that is too large for a datagram goes by TCP, if a link can be had.
    fn avoid_datagram(
        &mut self,
        now: Time,
        key: ClientKey,
        client: &mut Client,
        out: &mut Vec<Output>,
    ) {
        let Flow::Udp { peer, .. } = client.flow else {
            return;
        };
        let Some(link) = self.links.reach(Transport::Tcp, peer, None, out) else {
            return;
        };
        let old = self.text.clone();
        let flow = Flow::Link(link);
        self.write_via(flow, client.check, key.id);
        if let Some(octets) = via::replaced(&client.octets, &old, &self.text) {
            let by_datagram = (client.flow, std::mem::replace(&mut client.octets, octets));
            client.datagram = Some(Box::new(by_datagram));
            client.flow = flow;
            client.machine.set_reliable(true);
            if !self.links.is_up(link) {
                self.timers.set(Timer::Link(key), now + T2);
            }
        }
    }

    /// The flow that leads to a target; opens a link if it must.
    fn way(&mut self, target: Target, out: &mut Vec<Output>) -> Option<Flow> {
        match target {
            Target::Flow(flow) => self.peer(flow).map(|_| flow),
            Target::Address {
                transport: Transport::Udp,
                peer,
            } => self
                .local
                .socket_for(peer)
                .map(|socket| Flow::Udp { socket, peer }),
            Target::Address { transport, peer } => {
                let name = self.local.name_of(peer.ip());
                self.links.reach(transport, peer, name, out).map(Flow::Link)
            }
        }
    }

    /// Writes the Via of a request into `self.text`.
    fn write_via(&mut self, flow: Flow, check: u64, id: u64) {
        let (transport, sent_by) = match flow {
            Flow::Udp { socket, .. } => (Transport::Udp, self.local.socket_text(socket)),
            Flow::Link(link) => {
                let transport = self.links.peer(link).map_or(Transport::Tcp, |(t, _)| t);
                (transport, self.local.sent_by(transport))
            }
        };
        self.text.clear();
        // Writing to a String cannot fail.
        let _ = write!(self.text, "SIP/2.0/{} {sent_by};branch=", transport.name());
        via::write_branch(&mut self.text, check, id);
        // On a stream the answer comes back on the stream, so there is no port to ask for.
        if transport == Transport::Udp {
            self.text.push_str(";rport");
        }
    }

    pub(super) fn send(&mut self, draft: Draft, target: Target, out: &mut Vec<Output>) {
        let (check, id) = (self.random.next_u64(), self.random.next_u64());
        if let Some(flow) = self.way(target, out) {
            self.write_via(flow, check, id);
            emit(flow, draft.octets_with_via(&self.text), out);
        }
    }

    pub(super) fn resend(&mut self, message: &Message, target: Target, out: &mut Vec<Output>) {
        if let Some(flow) = self.way(target, out) {
            emit(flow, message.octets().clone(), out);
        }
    }

    pub(super) fn cancel(&mut self, now: Time, id: ClientId, out: &mut Vec<Output>) {
        let key = ClientKey {
            id: id.0,
            cancel: false,
        };
        self.step_client(now, key, Stimulus::Cancel, None, out);
    }

    /// Forgets a transaction with all that waits for it.
    pub(super) fn abandon(&mut self, id: ClientId) {
        let key = ClientKey {
            id: id.0,
            cancel: false,
        };
        if self.clients.remove(&key).is_some() {
            for timer in client_transaction::Timer::ALL {
                self.timers.cancel(Timer::Client(key, timer));
            }
            self.timers.cancel(Timer::Link(key));
        }
    }

    /// A response: to its transaction, or nowhere.
    pub(super) fn response(&mut self, now: Time, arrival: Arrival, out: &mut Vec<Output>) {
        let Arrival {
            flow,
            peer,
            message,
            ..
        } = arrival;
        let key = match self.matching(&message) {
            Ok(Some(key)) => key,
            Ok(None) => return,
            Err(error) => {
                out.push(Output::Malformed { peer, error });
                return;
            }
        };
        let stimulus = Stimulus::Response(message.status().unwrap_or_default());
        self.step_client(now, key, stimulus, Some((flow, message)), out);
    }

    /// The transaction that a response belongs to: by its one Via, which must be ours, and the method of its CSeq.
    fn matching(&self, message: &Message) -> Result<Option<ClientKey>, DecodeError> {
        let via = message.via()?;
        // Counting is only worth it when there can be two.
        let commas = message
            .header(Name::Via)
            .unwrap_or_default()
            .contains(&b',');
        if message.is_repeated(Name::Via) || (commas && message.via_count() != 1) {
            return Err(foreign("one Via"));
        }
        if !self.local.owns(&via) {
            return Err(foreign("a Via of ours"));
        }
        let Some((check, id)) = via.branch.and_then(via::read_branch) else {
            return Ok(None);
        };
        let method = message.cseq()?.method;
        let key = ClientKey {
            id,
            cancel: method == Method::Cancel,
        };
        let matches = self
            .clients
            .get(&key)
            .is_some_and(|client| client.check == check && client.method == method);
        Ok(matches.then_some(key))
    }

    /// Takes a step of a client transaction and does what follows from it.
    pub(super) fn step_client(
        &mut self,
        now: Time,
        key: ClientKey,
        stimulus: Stimulus,
        response: Option<(Flow, Message)>,
        out: &mut Vec<Output>,
    ) {
        let Entry::Occupied(mut entry) = self.clients.entry(key) else {
            return;
        };
        let client = entry.get_mut();
        let mut effects = std::mem::take(&mut self.client_effects);
        client.machine.step(stimulus, &mut effects);
        let (mut ends, mut cancels) = (false, false);
        let mut response = response;
        for effect in effects.drain(..) {
            match effect {
                Effect::Send => emit(client.flow, client.octets.clone(), out),
                Effect::Ack => client.acknowledge(response.as_ref(), out),
                Effect::Cancel => cancels = true,
                Effect::Up if !key.cancel => {
                    if let Some((flow, message)) = response.take() {
                        out.push(Output::Response {
                            id: ClientId(key.id),
                            flow: Some(flow),
                            message,
                        });
                    }
                }
                Effect::Fail(why) if !key.cancel => out.push(Output::Failed {
                    id: ClientId(key.id),
                    why,
                }),
                // The user sees what becomes of the INVITE, not of its CANCEL.
                Effect::Up | Effect::Fail(_) => {}
                Effect::Set(timer, pause) => {
                    self.timers.set(Timer::Client(key, timer), now + pause);
                }
                Effect::Stop(timer) => self.timers.cancel(Timer::Client(key, timer)),
                Effect::End => ends = true,
            }
        }
        let cancel = cancels.then(|| client.cancel_of()).flatten();
        let answered = client.machine.is_answered();
        if (answered || ends) && client.datagram.take().is_some() {
            self.timers.cancel(Timer::Link(key));
        }
        if ends {
            entry.remove();
        } else if answered {
            // What lingers only absorbs, or sends its ACK again.
            client.octets = Bytes::new();
        }
        self.client_effects = effects;
        if let Some(cancel) = cancel {
            self.start_cancel(now, key.id, cancel, out);
        }
    }

    fn start_cancel(&mut self, now: Time, id: u64, client: Client, out: &mut Vec<Output>) {
        let key = ClientKey { id, cancel: true };
        if !self.is_full() {
            self.clients.insert(key, client);
            self.note_link(key);
            self.step_client(now, key, Stimulus::Start, None, out);
        }
    }

    fn note_link(&mut self, key: ClientKey) {
        let clients = &self.clients;
        if let Some(Flow::Link(link)) = clients.get(&key).map(|client| client.flow) {
            self.links
                .went_out(link, key, |key| clients.contains_key(key));
        }
    }

    /// The link of a transaction is gone: a request that only its size had put there goes out as a datagram, if the
    /// link never came up.
    pub(super) fn link_lost(
        &mut self,
        now: Time,
        key: ClientKey,
        link: LinkId,
        was_up: bool,
        out: &mut Vec<Output>,
    ) {
        let Some(client) = self.clients.get_mut(&key) else {
            return;
        };
        if client.flow != Flow::Link(link) {
            return;
        }
        let stimulus = match client.datagram.take() {
            Some(datagram) if !was_up => {
                (client.flow, client.octets) = *datagram;
                client.machine.set_reliable(false);
                self.timers.cancel(Timer::Link(key));
                Stimulus::Start
            }
            _ => Stimulus::Broken,
        };
        self.step_client(now, key, stimulus, None, out);
    }

    /// A link did not come up in time for a request that needs it only for its size.
    pub(super) fn link_late(&mut self, now: Time, key: ClientKey, out: &mut Vec<Output>) {
        if let Some(Flow::Link(link)) = self.clients.get(&key).map(|client| client.flow)
            && !self.links.is_up(link)
        {
            self.link_lost(now, key, link, false, out);
        }
    }
}

impl Client {
    fn acknowledge(&mut self, response: Option<&(Flow, Message)>, out: &mut Vec<Output>) {
        if self.ack.is_empty()
            && let Some((_, response)) = response
            && let Ok(invite) = Message::decode(self.octets.clone())
            && let Some(to) = response.header(Name::To)
        {
            self.ack = follow_up(&invite, Method::Ack, to).unwrap_or_default();
        }
        if !self.ack.is_empty() {
            emit(self.flow, self.ack.clone(), out);
        }
    }

    /// The transaction of the CANCEL for this INVITE.
    fn cancel_of(&self) -> Option<Self> {
        let invite = Message::decode(self.octets.clone()).ok()?;
        let octets = follow_up(&invite, Method::Cancel, invite.header(Name::To)?)?;
        Some(Self {
            machine: ClientTransaction::new(false, is_reliable(self.flow)),
            method: Method::Cancel,
            check: self.check,
            flow: self.flow,
            octets,
            ack: Bytes::new(),
            datagram: None,
        })
    }
}

/// The ACK or CANCEL that goes the way of an INVITE: its Request-URI, Via, Route, From, Call-ID and CSeq number.
fn follow_up(invite: &Message, method: Method, to: &[u8]) -> Option<Bytes> {
    let number = invite.cseq().ok()?.number;
    let mut draft = Draft::request(method, invite.request_uri().ok()?.as_str());
    for route in invite.rows(Name::Route) {
        draft = draft.header_octets("Route", route);
    }
    let draft = draft
        .header_octets("From", invite.header(Name::From)?)
        .header_octets("To", to)
        .header_octets("Call-ID", invite.header(Name::CallId)?)
        .header("CSeq", format_args!("{number} {}", method.name()));
    Some(draft.octets_with_via(invite.text(Name::Via)?))
}

const fn is_reliable(flow: Flow) -> bool {
    matches!(flow, Flow::Link(_))
}

const fn foreign(expected: &'static str) -> DecodeError {
    DecodeError {
        format: "sip",
        offset: 0,
        class: Class::BadValue,
        expected,
    }
}
