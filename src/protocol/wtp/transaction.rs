//! A transaction of either role.

use bytes::Bytes;

use crate::codec::wtp::{Invoke, Pdu};

use super::Abort;
use super::effect::Turn;
use super::initiator::Initiator;
use super::outgoing::Outgoing;
use super::responder::Responder;

/// A transaction.
#[derive(Debug)]
pub(super) enum Transaction {
    /// We began it.
    Initiator(Initiator),
    /// The peer began it.
    Responder(Responder),
}

impl Transaction {
    pub(super) fn initiator(invoke: Invoke, outgoing: Outgoing) -> Self {
        Self::Initiator(Initiator::new(invoke, outgoing))
    }

    pub(super) fn responder(doubtful: bool) -> Self {
        Self::Responder(Responder::new(doubtful))
    }

    /// Octets that it keeps.
    pub(super) fn cost(&self) -> usize {
        match self {
            Self::Initiator(it) => it.cost(),
            Self::Responder(it) => it.cost(),
        }
    }

    pub(super) fn is_unchallenged(&self) -> bool {
        matches!(self, Self::Initiator(it) if it.is_unchallenged())
    }

    pub(super) fn begin(&mut self, turn: &mut Turn<'_>) {
        if let Self::Initiator(it) = self {
            it.begin(turn);
        }
    }

    pub(super) fn receive(&mut self, pdu: &Pdu<'_>, turn: &mut Turn<'_>) {
        match self {
            Self::Initiator(it) => it.receive(pdu, turn),
            Self::Responder(it) => it.receive(pdu, turn),
        }
    }

    pub(super) fn respond(&mut self, info: Bytes, turn: &mut Turn<'_>) {
        match self {
            Self::Initiator(it) => it.respond(info, turn),
            Self::Responder(it) => it.respond(info, turn),
        }
    }

    pub(super) fn result(&mut self, message: Bytes, turn: &mut Turn<'_>) {
        if let Self::Responder(it) = self {
            it.result(message, turn);
        }
    }

    pub(super) fn abort(&mut self, why: Abort, turn: &mut Turn<'_>) {
        match self {
            Self::Initiator(it) => it.abort(why, turn),
            Self::Responder(it) => it.abort(why, turn),
        }
    }

    /// Whether it keeps what comes in.
    pub(super) fn gathers(&self) -> bool {
        match self {
            Self::Initiator(it) => it.gathers(),
            Self::Responder(it) => it.gathers(),
        }
    }

    /// What came in has no place in memory.
    pub(super) fn overflow(&self, why: Abort, turn: &mut Turn<'_>) {
        match self {
            Self::Initiator(_) => turn.fail(why),
            Self::Responder(_) => {
                turn.send_abort(why);
                turn.end();
            }
        }
    }

    pub(super) fn fault(&mut self, turn: &mut Turn<'_>) {
        match self {
            Self::Initiator(it) => it.fault(turn),
            Self::Responder(it) => it.fault(turn),
        }
    }

    pub(super) fn due(&mut self, turn: &mut Turn<'_>) {
        match self {
            Self::Initiator(it) => it.due(turn),
            Self::Responder(it) => it.due(turn),
        }
    }
}
