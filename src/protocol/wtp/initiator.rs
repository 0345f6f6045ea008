//! The end of a transaction that began it.
//!
//! **Source:** WAP-224 section 9.5; segments after section 7.14.

use bytes::Bytes;

use crate::codec::wtp::{Invoke, Kind, Pdu};

use super::effect::{Effect, Turn, info_of, psn_of};
use super::incoming::{Incoming, Step};
use super::outgoing::{Acknowledged, Outgoing};
use super::{Abort, Event, reason};

/// Where the initiator stands.
///
/// ```text
///              invoke
///   +---------+------->+-------------+  class 0: sent
///   | Waiting |        |             |------------------------------+
///   +---------+        | Result-Wait |  class 1: Ack                |
///    while a TIDnew    |             |----------------------------->|
///    is verified       +-------------+  Abort, R too often          |
///                       | ^   | class 2: Result, whole              |
///       Ack(Tve): Tok,  | |   V                                     |
///       Ack: hold on,   +-+  +------------------+  Abort,           |
///       R: send again        | Result-Resp-Wait |  A too often      |
///                            |                  |----------------->|
///                            +------------------+                   |
///                               | respond, or A without user        V
///                               | acknowledgement: Ack           +------+
///                               V                                | Null |
///                            +--------------+  W, Abort          |      |
///                            | Wait-Timeout |------------------->|      |
///                            +--------------+                    +------+
///                               | ^  Result again: Ack
///                               +-+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not sent: another transaction with this peer must be verified first.
    Waiting,
    /// Sent; `hold_on` once the peer has acknowledged it.
    ResultWait { hold_on: bool },
    /// The user has the result.
    ResultRespWait,
    /// The result is acknowledged.
    WaitTimeout,
}

/// A transaction that we began.
#[derive(Debug)]
pub(super) struct Initiator {
    state: State,
    invoke: Invoke,
    outgoing: Outgoing,
    incoming: Incoming,
    /// The last segment of the result.
    last: Option<u8>,
    info: Bytes,
    retransmissions: u8,
    expirations: u8,
    /// The peer asked for verification and was answered.
    tok_sent: bool,
}

impl Initiator {
    pub(super) fn new(invoke: Invoke, outgoing: Outgoing) -> Self {
        Self {
            state: State::Waiting,
            invoke,
            outgoing,
            incoming: Incoming::default(),
            last: None,
            info: Bytes::new(),
            retransmissions: 0,
            expirations: 0,
            tok_sent: false,
        }
    }

    /// Octets that are kept.
    pub(super) fn cost(&self) -> usize {
        match self.state {
            State::WaitTimeout => 0,
            _ => self.outgoing.len().saturating_add(self.incoming.cost()),
        }
    }

    /// Whether the peer took our id as it came.
    pub(super) const fn is_unchallenged(&self) -> bool {
        !self.tok_sent
    }

    /// Whether it keeps what comes in.
    pub(super) const fn gathers(&self) -> bool {
        matches!(self.state, State::ResultWait { .. })
    }

    /// Sends the invocation.
    pub(super) fn begin(&mut self, turn: &mut Turn<'_>) {
        self.state = State::ResultWait { hold_on: false };
        turn.send(self.outgoing.group(turn.tid));
        if self.invoke.class == 0 {
            turn.end();
        } else {
            self.start_retry(turn);
        }
    }

    fn start_retry(&self, turn: &mut Turn<'_>) {
        let timing = &turn.settings.timing;
        let retry = timing.retry_of(self.invoke.up);
        turn.start(match self.invoke.class {
            _ if self.outgoing.is_segmented() => timing.group_retry,
            1 => retry.short,
            _ => retry.base,
        });
    }

    fn start_ack(&self, turn: &mut Turn<'_>) {
        turn.start(turn.settings.timing.ack_of(self.invoke.up).long);
    }

    /// Takes a PDU of the responder.
    pub(super) fn receive(&mut self, pdu: &Pdu<'_>, turn: &mut Turn<'_>) {
        if let Kind::Abort { by_user, reason } = pdu.kind {
            return self.aborted(Abort::of(by_user, reason), turn);
        }
        match (self.state, pdu.kind) {
            (State::ResultWait { hold_on: false }, Kind::Ack { tve_tok: true, .. }) => {
                self.challenged(turn);
            }
            (State::ResultWait { hold_on: false }, Kind::Ack { tve_tok: false, .. }) => {
                self.acknowledged(pdu, turn);
            }
            (State::ResultWait { hold_on: false }, Kind::Nack { missing, .. }) => {
                let pdus = self.outgoing.missing(turn.tid, missing);
                if !pdus.is_empty() {
                    turn.send(pdus);
                    self.start_retry(turn);
                }
            }
            (State::ResultWait { .. }, Kind::Result { .. } | Kind::SegmentedResult { .. })
                if self.invoke.class == 2 =>
            {
                self.take_result(pdu, turn);
            }
            (State::WaitTimeout, Kind::Result { place } | Kind::SegmentedResult { place, .. })
                if place.rid && (place.gtr || place.ttr) =>
            {
                turn.acknowledge(self.last, &self.info, true);
            }
            _ => {}
        }
    }

    fn aborted(&mut self, why: Abort, turn: &mut Turn<'_>) {
        match self.state {
            State::Waiting => {}
            // The user is done with it.
            State::WaitTimeout => turn.end(),
            State::ResultWait { .. } | State::ResultRespWait => turn.aborted(why),
        }
    }

    fn challenged(&mut self, turn: &mut Turn<'_>) {
        if self.retransmissions >= turn.settings.timing.retransmissions_max {
            return;
        }
        turn.verify(self.tok_sent);
        if !self.tok_sent {
            turn.effects.push(Effect::Challenged);
        }
        self.tok_sent = true;
        self.retransmissions = self.retransmissions.saturating_add(1);
        self.start_retry(turn);
    }

    fn acknowledged(&mut self, pdu: &Pdu<'_>, turn: &mut Turn<'_>) {
        match self.outgoing.acknowledged(psn_of(pdu)) {
            Acknowledged::Nothing => {}
            Acknowledged::Group => {
                self.retransmissions = 0;
                turn.send(self.outgoing.group(turn.tid));
                self.start_retry(turn);
            }
            Acknowledged::Message => {
                self.confirm(Bytes::copy_from_slice(info_of(pdu)), turn);
                if self.invoke.class == 2 {
                    turn.start(turn.settings.patience);
                } else {
                    turn.end();
                }
            }
        }
    }

    /// The responder has the invocation.
    fn confirm(&mut self, info: Bytes, turn: &mut Turn<'_>) {
        self.state = State::ResultWait { hold_on: true };
        turn.effects.push(Effect::Accepted);
        turn.up(Event::InvokeConfirmed { info });
    }

    fn take_result(&mut self, pdu: &Pdu<'_>, turn: &mut Turn<'_>) {
        let Some(step) = self.incoming.take(pdu) else {
            return;
        };
        if self.state == (State::ResultWait { hold_on: false }) {
            self.confirm(Bytes::new(), turn);
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
            Step::TooLarge => turn.fail(Abort::Provider(reason::MESSAGETOOLARGE)),
            Step::Whole { message, last } => {
                self.last = last;
                self.state = State::ResultRespWait;
                turn.up(Event::Result { message });
                self.start_ack(turn);
            }
        }
    }

    /// The user has taken the result.
    pub(super) fn respond(&mut self, info: Bytes, turn: &mut Turn<'_>) {
        if self.state == State::ResultRespWait {
            self.info = info;
            self.finish(turn);
        }
    }

    fn finish(&mut self, turn: &mut Turn<'_>) {
        turn.finish(self.last, &self.info);
        self.state = State::WaitTimeout;
    }

    /// The user ends the transaction.
    pub(super) fn abort(&mut self, why: Abort, turn: &mut Turn<'_>) {
        if self.state != State::Waiting {
            turn.send_abort(why);
        }
        turn.end();
    }

    /// The peer sent something that is no PDU.
    pub(super) fn fault(&mut self, turn: &mut Turn<'_>) {
        match self.state {
            State::Waiting => {}
            State::WaitTimeout => {
                turn.send_abort(Abort::Provider(reason::PROTOERR));
                turn.end();
            }
            State::ResultWait { .. } | State::ResultRespWait => {
                turn.fail(Abort::Provider(reason::PROTOERR));
            }
        }
    }

    /// The timer is due.
    pub(super) fn due(&mut self, turn: &mut Turn<'_>) {
        match self.state {
            State::Waiting => {}
            State::WaitTimeout => turn.end(),
            State::ResultRespWait if !self.invoke.up => self.finish(turn),
            State::ResultRespWait => {
                if self.expirations >= turn.settings.timing.expirations_max {
                    return turn.fail(Abort::Provider(reason::NORESPONSE));
                }
                self.expirations = self.expirations.saturating_add(1);
                self.start_ack(turn);
            }
            State::ResultWait { .. } if self.incoming.asking => {
                self.incoming.asking = false;
                turn.ask(&self.incoming.missing());
                turn.start(turn.settings.timing.wait);
            }
            State::ResultWait { hold_on: true } => {
                turn.fail(Abort::Provider(reason::NORESPONSE));
            }
            State::ResultWait { hold_on: false } => self.retry(turn),
        }
    }

    fn retry(&mut self, turn: &mut Turn<'_>) {
        if self.retransmissions >= turn.settings.timing.retransmissions_max {
            return turn.give_up(Abort::Provider(reason::NORESPONSE));
        }
        self.retransmissions = self.retransmissions.saturating_add(1);
        if self.tok_sent {
            turn.verify(true);
        } else {
            turn.send(self.outgoing.end_again(turn.tid));
        }
        self.start_retry(turn);
    }
}
