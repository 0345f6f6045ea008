//! The end of a transaction that answers.
//!
//! **Source:** WAP-224 section 9.6; segments after section 7.14, which are put together before anything else happens.

use bytes::Bytes;

use crate::codec::wtp::{Invoke, Kind, Pdu, Place};

use super::effect::{Effect, Turn, info_of, psn_of};
use super::incoming::{Incoming, Step};
use super::outgoing::{Acknowledged, Carrier, Outgoing};
use super::{Abort, Event, reason};

/// Where the responder stands.
///
/// ```text
///   +-----------+  whole, id in doubt: Ack(Tve)   +-----------+
///   | Receiving |-------------------------------->| Tidok-Wait|---> W, Abort: forget
///   +-----------+                                 +-----------+
///      | ^  | whole                                    | Ack(Tok)
///      +-+  |          +-------------------------------+
///    Ack,   V          V
///    Nack  +------------------+  class 1: respond, or A: Ack    +--------------+
///          | Invoke-Resp-Wait |-------------------------------->| Wait-Timeout |---> W
///          +------------------+                                 +--------------+
///            |            | class 2: respond, or A: Ack             | ^ Invoke again: Ack
///            | result     V                                         +-+
///            |        +-------------+
///            |        | Result-Wait |  Invoke again: Ack
///            |        +-------------+
///            V            | result
///          +------------------+
///          | Result-Resp-Wait |  R: send again       every state: Abort, A or R too often: end
///          +------------------+
///            | Ack: confirmed
///            V  end
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Receiving,
    TidokWait,
    InvokeRespWait,
    ResultWait,
    ResultRespWait,
    WaitTimeout,
}

/// A transaction that a peer began.
#[derive(Debug)]
pub(super) struct Responder {
    state: State,
    invoke: Invoke,
    /// Whether the id must be verified before the user learns of the invocation.
    doubtful: bool,
    incoming: Incoming,
    /// The invocation while its id is verified.
    message: Bytes,
    /// The last segment of the invocation.
    last: Option<u8>,
    outgoing: Option<Outgoing>,
    info: Bytes,
    ack_sent: bool,
    retransmissions: u8,
    expirations: u8,
}

impl Responder {
    pub(super) fn new(doubtful: bool) -> Self {
        Self {
            state: State::Receiving,
            invoke: Invoke::default(),
            doubtful,
            incoming: Incoming::default(),
            message: Bytes::new(),
            last: None,
            outgoing: None,
            info: Bytes::new(),
            ack_sent: false,
            retransmissions: 0,
            expirations: 0,
        }
    }

    /// Octets that are kept.
    pub(super) fn cost(&self) -> usize {
        let outgoing = self.outgoing.as_ref().map_or(0, Outgoing::len);
        self.message
            .len()
            .saturating_add(self.incoming.cost())
            .saturating_add(outgoing)
    }

    /// Takes a PDU of the initiator.
    pub(super) fn receive(&mut self, pdu: &Pdu<'_>, turn: &mut Turn<'_>) {
        match pdu.kind {
            Kind::Invoke { place, .. } | Kind::SegmentedInvoke { place, .. } => {
                self.take_invoke(pdu, place, turn);
            }
            Kind::Ack { tve_tok: true, rid } => self.verified(rid, turn),
            Kind::Ack { tve_tok: false, .. } if self.state == State::ResultRespWait => {
                self.acknowledged(pdu, turn);
            }
            Kind::Nack { missing, .. } if self.state == State::ResultRespWait => {
                let pdus = self
                    .outgoing
                    .as_mut()
                    .map(|outgoing| outgoing.missing(turn.tid, missing))
                    .filter(|pdus| !pdus.is_empty());
                if let Some(pdus) = pdus {
                    turn.send(pdus);
                    self.start_retry(turn);
                }
            }
            Kind::Abort { by_user, reason } => self.aborted(Abort::of(by_user, reason), turn),
            Kind::Ack { .. } | Kind::Nack { .. } => {}
            // Only a responder sends these.
            Kind::Result { .. } | Kind::SegmentedResult { .. } => {}
        }
    }

    fn take_invoke(&mut self, pdu: &Pdu<'_>, place: Place, turn: &mut Turn<'_>) {
        let again = place.rid && (place.gtr || place.ttr);
        match self.state {
            State::Receiving => self.gather(pdu, turn),
            State::TidokWait if again => turn.verify(true),
            State::ResultWait if again && self.ack_sent => {
                turn.acknowledge(self.last, &[], true);
            }
            State::WaitTimeout if again => turn.acknowledge(self.last, &self.info, true),
            _ => {}
        }
    }

    fn gather(&mut self, pdu: &Pdu<'_>, turn: &mut Turn<'_>) {
        let Some(step) = self.incoming.take(pdu) else {
            // Not a segment at all: a transaction that began with it is nothing.
            if !self.incoming.has_begun() {
                turn.end();
            }
            return;
        };
        if let Kind::Invoke { invoke, .. } = pdu.kind {
            self.invoke = invoke;
            self.doubtful |= invoke.tid_new;
        }
        match step {
            Step::Wait => turn.start(turn.settings.timing.wait),
            Step::Acknowledge(end) => {
                self.incoming.asking = false;
                turn.acknowledge(Some(end), &[], false);
                turn.start(turn.settings.timing.wait);
            }
            Step::AskLater => {
                self.incoming.asking = true;
                turn.start(turn.settings.nack_delay);
            }
            Step::TooLarge => {
                turn.send_abort(Abort::Provider(reason::MESSAGETOOLARGE));
                turn.end();
            }
            Step::Whole { message, last } => {
                self.last = last;
                self.message = message;
                if self.doubtful && self.invoke.class != 0 {
                    self.state = State::TidokWait;
                    turn.verify(false);
                    // The standard has no timer here; without one a forged invocation would stay for ever.
                    turn.start(turn.settings.timing.wait);
                } else {
                    self.deliver(turn);
                }
            }
        }
    }

    fn deliver(&mut self, turn: &mut Turn<'_>) {
        turn.up(Event::Invoked {
            class: self.invoke.class,
            user_acknowledgement: self.invoke.up,
            message: core::mem::take(&mut self.message),
        });
        if self.invoke.class == 0 {
            return turn.end();
        }
        self.state = State::InvokeRespWait;
        self.start_ack(turn);
    }

    fn start_ack(&self, turn: &mut Turn<'_>) {
        let ack = turn.settings.timing.ack_of(self.invoke.up);
        turn.start(if self.invoke.class == 1 {
            ack.short
        } else {
            ack.base
        });
    }

    fn start_retry(&self, turn: &mut Turn<'_>) {
        let timing = &turn.settings.timing;
        let is_segmented = self.outgoing.as_ref().is_some_and(Outgoing::is_segmented);
        turn.start(if is_segmented {
            timing.group_retry
        } else {
            timing.retry_of(self.invoke.up).long
        });
    }

    /// The initiator says that the transaction is its own.
    fn verified(&mut self, rid: bool, turn: &mut Turn<'_>) {
        match self.state {
            State::TidokWait => {
                turn.effects.push(Effect::Verified);
                self.deliver(turn);
            }
            State::ResultWait if self.ack_sent => turn.acknowledge(self.last, &[], true),
            State::WaitTimeout if rid => turn.acknowledge(self.last, &self.info, true),
            _ => {}
        }
    }

    fn acknowledged(&mut self, pdu: &Pdu<'_>, turn: &mut Turn<'_>) {
        let Some(outgoing) = &mut self.outgoing else {
            return;
        };
        match outgoing.acknowledged(psn_of(pdu)) {
            Acknowledged::Nothing => {}
            Acknowledged::Group => {
                turn.send(outgoing.group(turn.tid));
                self.retransmissions = 0;
                self.start_retry(turn);
            }
            Acknowledged::Message => {
                turn.up(Event::ResultConfirmed {
                    info: Bytes::copy_from_slice(info_of(pdu)),
                });
                turn.end();
            }
        }
    }

    fn aborted(&mut self, why: Abort, turn: &mut Turn<'_>) {
        match self.state {
            // The user does not know of it yet, or is done with it.
            State::Receiving | State::TidokWait | State::WaitTimeout => turn.end(),
            State::InvokeRespWait | State::ResultWait | State::ResultRespWait => turn.aborted(why),
        }
    }

    /// The user has taken the invocation.
    pub(super) fn respond(&mut self, info: Bytes, turn: &mut Turn<'_>) {
        if self.state != State::InvokeRespWait {
            return;
        }
        if self.invoke.class == 1 {
            self.info = info;
            self.finish(turn);
        } else {
            self.state = State::ResultWait;
            self.start_ack(turn);
        }
    }

    fn finish(&mut self, turn: &mut Turn<'_>) {
        turn.finish(self.last, &self.info);
        self.state = State::WaitTimeout;
    }

    /// The user has a result.
    pub(super) fn result(&mut self, message: Bytes, turn: &mut Turn<'_>) {
        let is_awaited = matches!(self.state, State::InvokeRespWait | State::ResultWait);
        if !is_awaited || self.invoke.class != 2 {
            return;
        }
        let Some(outgoing) = Outgoing::new(message, Carrier::Result, turn.settings) else {
            return turn.fail(Abort::Provider(reason::MESSAGETOOLARGE));
        };
        turn.send(outgoing.group(turn.tid));
        self.outgoing = Some(outgoing);
        self.state = State::ResultRespWait;
        self.start_retry(turn);
    }

    /// The user ends the transaction.
    pub(super) fn abort(&mut self, why: Abort, turn: &mut Turn<'_>) {
        turn.send_abort(why);
        turn.end();
    }

    /// Whether it keeps what comes in.
    pub(super) fn gathers(&self) -> bool {
        self.state == State::Receiving
    }

    /// The peer sent something that is no PDU.
    pub(super) fn fault(&mut self, turn: &mut Turn<'_>) {
        match self.state {
            State::Receiving | State::TidokWait | State::WaitTimeout => {
                turn.send_abort(Abort::Provider(reason::PROTOERR));
                turn.end();
            }
            State::InvokeRespWait | State::ResultWait | State::ResultRespWait => {
                turn.fail(Abort::Provider(reason::PROTOERR));
            }
        }
    }

    /// The timer is due.
    pub(super) fn due(&mut self, turn: &mut Turn<'_>) {
        match self.state {
            State::Receiving if self.incoming.asking => {
                self.incoming.asking = false;
                turn.ask(&self.incoming.missing());
                turn.start(turn.settings.timing.wait);
            }
            State::Receiving | State::TidokWait | State::WaitTimeout => turn.end(),
            State::InvokeRespWait if self.invoke.up => {
                if self.expirations >= turn.settings.timing.expirations_max {
                    return turn.fail(Abort::Provider(reason::NORESPONSE));
                }
                self.expirations = self.expirations.saturating_add(1);
                self.start_ack(turn);
            }
            State::InvokeRespWait if self.invoke.class == 1 => self.finish(turn),
            State::ResultWait if self.ack_sent => turn.fail(Abort::Provider(reason::NORESPONSE)),
            State::InvokeRespWait | State::ResultWait => {
                turn.acknowledge(self.last, &[], false);
                self.state = State::ResultWait;
                self.ack_sent = true;
                turn.start(turn.settings.patience);
            }
            State::ResultRespWait => self.retry(turn),
        }
    }

    fn retry(&mut self, turn: &mut Turn<'_>) {
        if self.retransmissions >= turn.settings.timing.retransmissions_max {
            return turn.give_up(Abort::Provider(reason::NORESPONSE));
        }
        self.retransmissions = self.retransmissions.saturating_add(1);
        let end = self.outgoing.as_ref().and_then(|it| it.end_again(turn.tid));
        turn.send(end);
        self.start_retry(turn);
    }
}
