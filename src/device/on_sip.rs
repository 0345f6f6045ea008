//! Between a device and its SIP endpoint: requests go out with what they are for, and what comes goes to who waits.

use bytes::Bytes;

use super::{Device, Leaving, Purpose};
use crate::codec::sip::{Draft, Message, Method};
use crate::event::Fact;
use crate::machine::Machine;
use crate::protocol::sip::endpoint::{self, ClientId, Flow, Target};
use crate::protocol::sip::outbound;
use crate::time::Time;
use crate::world::Output;

impl Device {
    /// Tells the endpoint; what it sends leaves at once, what it tells waits its turn.
    pub(super) fn sip(&mut self, now: Time, input: endpoint::Input, out: &mut Vec<Output>) {
        let mut effects = std::mem::take(&mut self.effects);
        self.endpoint.handle(now, input, &mut effects);
        self.sort_out(now, &mut effects, out);
        self.effects = effects;
    }

    pub(super) fn sort_out(
        &mut self,
        now: Time,
        effects: &mut Vec<endpoint::Output>,
        out: &mut Vec<Output>,
    ) {
        for effect in effects.drain(..) {
            match effect {
                endpoint::Output::World(output) => {
                    if let Output::Datagram { octets, .. } | Output::Octets { octets, .. } = &output
                    {
                        if self.config.behaviour.silent && answers_message(octets) {
                            continue;
                        }
                        self.wire(now, "sip", true, octets, out);
                    }
                    out.push(output);
                }
                told => self.queue.push_back(told),
            }
        }
    }

    /// Reports a protocol message, if that is wanted.
    pub(super) fn wire(
        &self,
        now: Time,
        line: &str,
        sent: bool,
        octets: &Bytes,
        out: &mut Vec<Output>,
    ) {
        if !self.config.report_wire {
            return;
        }
        let start = octets.split(|octet| *octet == b'\r').next();
        let start = start.and_then(|start| core::str::from_utf8(start).ok());
        // Keep-alives have no start line.
        let Some(what) = start.filter(|start| start.contains(' ')) else {
            return;
        };
        self.rung(now, line, sent, what, octets, out);
    }

    /// Starts a client transaction.
    pub(super) fn request(
        &mut self,
        now: Time,
        purpose: Purpose,
        draft: Draft,
        target: Target,
        out: &mut Vec<Output>,
    ) -> ClientId {
        let id = ClientId(self.fresh());
        self.requests.push((id, purpose));
        self.sip(now, endpoint::Input::Request { id, draft, target }, out);
        id
    }

    /// Handles what the endpoint told, and what that brings.
    pub(super) fn settle(&mut self, now: Time, out: &mut Vec<Output>) {
        while let Some(told) = self.queue.pop_front() {
            self.told(now, told, out);
        }
    }

    fn told(&mut self, now: Time, told: endpoint::Output, out: &mut Vec<Output>) {
        match told {
            // Sent already.
            endpoint::Output::World(output) => out.push(output),
            endpoint::Output::Request { id, flow, message } => {
                self.wire(now, "sip", false, message.octets(), out);
                self.incoming(now, id, flow, message, out);
            }
            endpoint::Output::Ack { message, .. } => {
                self.wire(now, "sip", false, message.octets(), out);
            }
            // An INVITE was refused as soon as it came.
            endpoint::Output::Cancelled { .. } => {}
            endpoint::Output::Response { id, flow, message } => {
                self.wire(now, "sip", false, message.octets(), out);
                self.answered(now, id, flow, &message, out);
            }
            endpoint::Output::Failed { id, why } => self.unanswered(now, id, why, out),
            endpoint::Output::FlowLost { flow } => {
                if self.flow == Some(flow) {
                    self.flow_lost(now);
                }
            }
            endpoint::Output::Pong { flow, stun } => {
                if self.flow == Some(flow) {
                    self.keep(now, Some(outbound::Input::Pong { stun }), out);
                }
            }
            endpoint::Output::Malformed { peer, error } => {
                let fact = Fact::Refused {
                    from: peer.to_string(),
                    why: error.to_string(),
                };
                self.report(now, fact, out);
            }
        }
    }

    /// Takes the request of this number out when the response is final.
    fn purpose(&mut self, id: ClientId, is_final: bool) -> Option<Purpose> {
        let at = self.requests.iter().position(|(own, _)| *own == id)?;
        match self.requests.get(at) {
            // A 2xx may come again, and only the session can tell what that means.
            Some((_, Purpose::Invite(number))) => Some(Purpose::Invite(*number)),
            Some(_) if is_final => Some(self.requests.swap_remove(at).1),
            _ => None,
        }
    }

    fn answered(
        &mut self,
        now: Time,
        id: ClientId,
        flow: Option<Flow>,
        response: &Message,
        out: &mut Vec<Output>,
    ) {
        let is_final = response.status().is_some_and(|status| status >= 200);
        match self.purpose(id, is_final) {
            Some(Purpose::Register) if self.leaving != Leaving::No => {
                self.leave_answered(now, response, out);
            }
            Some(Purpose::Register) => self.register_answered(now, flow, response, out),
            Some(Purpose::Invite(number)) => self.invite_answered(now, number, response, out),
            Some(Purpose::Refresh(number)) => {
                self.refresh_answered(now, number, Some(response), out);
            }
            Some(Purpose::Subscribe(number)) => {
                self.subscribe_answered(now, number, Some(response), out);
            }
            Some(Purpose::Signalling) => self.signalling_answered(now, Some(response), out),
            Some(Purpose::Message(returned)) => {
                self.message_answered(now, returned, response, out);
            }
            Some(Purpose::Farewell) | None => {}
        }
    }

    fn unanswered(
        &mut self,
        now: Time,
        id: ClientId,
        why: endpoint::Failure,
        out: &mut Vec<Output>,
    ) {
        match self.purpose(id, true) {
            Some(Purpose::Register) if self.leaving != Leaving::No => self.left(),
            Some(Purpose::Register) => {
                self.register_asked(now, false, out);
                let step = self.registration.failed(None, &mut self.random);
                self.register_step(now, step, None, out);
            }
            Some(Purpose::Invite(number)) => self.invite_failed(now, number, why, out),
            Some(Purpose::Refresh(number)) => self.refresh_answered(now, number, None, out),
            Some(Purpose::Subscribe(number)) => self.subscribe_answered(now, number, None, out),
            Some(Purpose::Signalling) => self.signalling_answered(now, None, out),
            Some(Purpose::Message(_) | Purpose::Farewell) | None => {}
        }
    }
}

/// True for a response to a MESSAGE: what a silent device keeps to itself, even the endpoint's 100.
fn answers_message(octets: &Bytes) -> bool {
    Message::decode(octets.clone()).is_ok_and(|message| {
        message.status().is_some()
            && message
                .cseq()
                .is_ok_and(|cseq| cseq.method == Method::Message)
    })
}
