//! What is asked of a message centre about messages it has: to take one back, or what became of it.
//!
//! **Source:** SMPP 3.4 sections 4.8 (query_sm) and 4.9 (cancel_sm). A question that is not answered is asked again a
//! few times; whether a message was taken back nobody is told.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::line::is_load;
use super::{Esme, Leg, Line, Out, Timer};
use crate::codec::smpp::{Body, Cancel, Command, Pdu, Status, Text};
use crate::limits;
use crate::protocol::smpp::message::Envelope;
use crate::protocol::smpp::receipt::{Receipt, State};
use crate::time::Time;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// That a message is not delivered any more.
    TakeBack,
    /// What became of a message.
    State,
}

/// One question.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) what: What,
    /// The message, as the message centre named it.
    pub(super) message_id: String,
    pub(super) envelope: Envelope,
    /// How often it went without an answer.
    pub(super) lost: u8,
}

/// All questions.
#[derive(Debug, Default)]
pub(super) struct Asks {
    waiting: VecDeque<Ask>,
    /// By the sequence number they went with.
    sent: BTreeMap<u32, Ask>,
}

impl Asks {
    /// Questions that wait for their answer.
    pub(super) fn outstanding(&self) -> usize {
        self.sent.len()
    }
}

impl Ask {
    fn encode(&self, sequence: u32) -> Option<Bytes> {
        let (source, destination) = (&self.envelope.source, &self.envelope.destination);
        let message_id = Text(self.message_id.as_bytes());
        let pdu = match self.what {
            What::TakeBack => {
                let cancel = Cancel {
                    service_type: Text(self.envelope.service_type.as_bytes()),
                    message_id,
                    source: source.party(),
                    destination: destination.party(),
                };
                Pdu::new(Command::CANCEL_SM, sequence, Body::Cancel(cancel))
            }
            What::State => {
                let body = Body::Query(message_id, source.party());
                Pdu::new(Command::QUERY_SM, sequence, body)
            }
        };
        pdu.encode().ok().map(Bytes::from)
    }
}

impl Esme {
    /// Asks about messages, as soon as there is room.
    pub(super) fn ask(&mut self, what: What, message_ids: Vec<String>, envelope: &Envelope) {
        for message_id in message_ids {
            // A message centre that gave no name cannot be asked by one.
            if message_id.is_empty() || self.asks.waiting.len() >= limits::SMPP_RECEIPTS_AWAITED {
                continue;
            }
            self.asks.waiting.push_back(Ask {
                what,
                message_id,
                envelope: envelope.clone(),
                lost: 0,
            });
        }
    }

    /// Sends the question that waits longest; false when none waits.
    pub(super) fn send_ask(&mut self, now: Time, out: &mut Vec<Out>) -> bool {
        let Some(ask) = self.asks.waiting.pop_front() else {
            return false;
        };
        let Some(sequence) = self.lines.get_mut(&Leg::Main).map(Line::next_sequence) else {
            return false;
        };
        if let Some(octets) = ask.encode(sequence) {
            self.asks.sent.insert(sequence, ask);
            let due = now + self.settings.response_timeout;
            self.timers.set(Timer::Request(sequence), due);
            out.push(Out::Octets(Leg::Main, octets));
        }
        true
    }

    /// The answer to a question; false when the response is to none.
    pub(super) fn ask_answered(&mut self, now: Time, pdu: &Pdu<'_>, out: &mut Vec<Out>) -> bool {
        if !self.asks.sent.contains_key(&pdu.sequence) {
            return false;
        }
        // Who is too busy to say has said nothing: it is asked again when its time for an answer is over.
        if is_load(pdu.status) || pdu.status == Status::SYSTEM_ERROR {
            return true;
        }
        let Some(ask) = self.asks.sent.remove(&pdu.sequence) else {
            return false;
        };
        self.timers.cancel(Timer::Request(pdu.sequence));
        if ask.what == What::State {
            let state = match (pdu.status, pdu.body) {
                (Status::OK, Body::QueryResponse(state)) => State::of_number(state.message_state),
                // It knows the message no more, or answers no such question: nothing will be heard of it.
                _ => Some(State::Unknown),
            };
            if let Some(state) = state.filter(|state| state.is_final()) {
                let receipt = Receipt::new(&ask.message_id, state, now, now, 0);
                self.receipts.take(now, receipt, out);
            }
        }
        true
    }

    /// A question was not answered: it is asked again, unless that was tried often enough; false for no question.
    pub(super) fn ask_lost(&mut self, sequence: u32) -> bool {
        let Some(mut ask) = self.asks.sent.remove(&sequence) else {
            return false;
        };
        ask.lost = ask.lost.saturating_add(1);
        if ask.lost < self.settings.tries {
            self.asks.waiting.push_front(ask);
        }
        true
    }

    /// The link broke: what was asked on it is asked again.
    pub(super) fn asks_lost(&mut self) {
        let sent: Vec<u32> = self.asks.sent.keys().copied().collect();
        for sequence in sent {
            self.timers.cancel(Timer::Request(sequence));
            self.ask_lost(sequence);
        }
    }

    /// The caller gives a submission up: what was not sent stays here, what the message centre has is taken back.
    pub(super) fn take_back(&mut self, now: Time, id: u64, out: &mut Vec<Out>) {
        if let Some(serial) = self.queue.serial_of(id) {
            let (envelope, message_ids) = self.queue.accepted_of(serial);
            for request in self.requests.values_mut() {
                if request.name.serial == serial {
                    // Its response tells the name to take it back by.
                    request.recalled = Some(Box::new(envelope.clone()));
                }
            }
            self.give_up(now, serial, super::Refusal::Cancelled, out);
            self.ask(What::TakeBack, message_ids, &envelope);
        } else if let Some((envelope, message_ids)) = self.receipts.take_back(id) {
            self.ask(What::TakeBack, message_ids, &envelope);
        }
    }
}
