//! A message centre for labs without one: takes short messages, hands them up, answers with receipts, delays and errors
//! on demand, and brings what handsets send.
//!
//! **Source:** SMPP 3.4 sections 2 and 4, SMPP 5.0 section 2. Not here: handsets (whoever plays them gets
//! [`Out::Message`] and gives [`In::Originate`]), putting segments together, schedule_delivery_time, replace_sm,
//! receipts on the way, distribution lists.
//!
//! What waits for an ESME is delivered at least once: it goes again after a link broke before the response.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use super::message::{Address, ShortMessage};
use super::receipt::State;
use crate::codec::smpp::Status;
use crate::machine::Machine;
use crate::time::Time;
use crate::timers::Timers;
use crate::world::LinkId;

mod deliveries;
mod multi;
mod requests;
mod rules;
mod session;
mod store;
#[cfg(test)]
mod tests;

use deliveries::{Deliveries, Delivery};
use rules::Rules;
pub use rules::{Effect, Fate, Rule};
use session::Session;
use store::Store;

/// How a message centre behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What it calls itself; at most 15 characters.
    pub system_id: String,
    /// Who may bind, with which password; anybody, if nobody is named.
    pub accounts: Vec<(String, String)>,
    /// What becomes of a message that no rule is about; `None` to wait for [`In::Fate`].
    pub fate: Option<Fate>,
    /// How long a message without a fate is on its way before it is expired, and a delivery waits for its ESME.
    pub patience: Duration,
    /// Short messages that are taken in a second; any number for 0, others are throttled.
    pub per_second: u32,
    /// Receipts go as data_sm.
    pub receipts_as_data: bool,
    /// Requests to one ESME that may wait for their response.
    pub window: usize,
    /// How long a link may stay without a bind.
    pub bind_timeout: Duration,
    /// How long a request waits for its response, and an ESME that is busy is left alone.
    pub response_timeout: Duration,
    /// How long nothing may come before the peer is asked whether it is there.
    pub enquire_after: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            system_id: "sirgate".to_owned(),
            accounts: Vec::new(),
            fate: Some(Fate {
                state: State::Delivered,
                error: 0,
                after: Duration::from_secs(1),
            }),
            patience: Duration::from_secs(86_400),
            per_second: 0,
            receipts_as_data: false,
            window: 10,
            bind_timeout: Duration::from_secs(10),
            response_timeout: Duration::from_secs(10),
            enquire_after: Duration::from_secs(60),
        }
    }
}

/// What a message centre is told.
#[derive(Clone, Debug, PartialEq)]
pub enum In {
    /// An ESME opened a link.
    Accepted(LinkId),
    /// A link to an ESME is up, which is asked to bind with that password (outbind).
    Opened(LinkId, String),
    /// Octets came, cut anywhere.
    Octets(LinkId, Bytes),
    /// A link is gone.
    Closed(LinkId),
    /// These rules hold from now on, counting anew.
    Rules(Vec<Rule>),
    /// The congestion_state that ESMEs of version 5.0 are told from now on.
    Congestion(Option<u8>),
    /// A handset sends a message, or a string of a USSD dialogue.
    Originate {
        /// The caller's name for it.
        id: u64,
        /// For that ESME; else for the first that is bound to receive.
        system_id: Option<String>,
        /// What.
        message: Box<ShortMessage>,
    },
    /// What became of a message, as the handset or network says.
    Fate {
        /// The name of the message.
        message_id: String,
        /// Its final state.
        state: State,
        /// The network's error; 0 for none.
        error: u8,
    },
}

/// What a message centre asks for or tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Out {
    /// Write these octets to a link.
    Octets(LinkId, Bytes),
    /// Close a link after what was written; nothing of it comes in any more.
    Close(LinkId),
    /// An ESME is bound.
    Bound {
        /// Its link.
        link: LinkId,
        /// Who it is.
        system_id: String,
        /// It may submit.
        submits: bool,
        /// It takes messages.
        receives: bool,
    },
    /// An ESME is no longer bound.
    Unbound {
        /// Its link.
        link: LinkId,
        /// Who it was.
        system_id: String,
    },
    /// A message was taken: for the handset.
    Message {
        /// Who submitted it.
        system_id: String,
        /// Its name.
        message_id: String,
        /// What.
        message: Box<ShortMessage>,
    },
    /// A message was not taken.
    Refused {
        /// Who submitted it.
        system_id: String,
        /// Whom it was for.
        destination: Address,
        /// Why.
        status: Status,
    },
    /// A message is for the handset no more: it was cancelled, or its time is over.
    Withdrawn {
        /// Its name.
        message_id: String,
        /// Whom it was for.
        destination: Address,
    },
    /// What a handset sent has reached its ESME, or will not; exactly once for each.
    Originated {
        /// The caller's name for it.
        id: u64,
        /// How.
        outcome: Delivered,
    },
}

/// How a message of a handset ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// The ESME has it.
    Taken,
    /// The ESME refused it.
    Refused(Status),
    /// Too much waits already, or nobody is there to receive.
    Full,
    /// No PDU can carry it.
    Unsendable,
    /// Nobody took it in time.
    Expired,
}

/// A message centre.
#[derive(Debug)]
pub struct Smsc {
    settings: Settings,
    sessions: BTreeMap<LinkId, Session>,
    store: Store,
    deliveries: Deliveries,
    rules: Rules,
    /// Responses that wait for their time.
    delayed: BTreeMap<u64, (LinkId, Bytes)>,
    /// The number of the last of them.
    delay: u64,
    /// The second at hand, and the messages that were taken in it.
    second: (u64, u32),
    congestion: Option<u8>,
    timers: Timers<Timer>,
    is_stopping: bool,
}

/// What may be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Timer {
    /// The step of a session: what it means depends on its state.
    Session(LinkId),
    /// The response to a request to an ESME.
    Request(LinkId, u32),
    /// An ESME that was busy is tried again.
    Busy(LinkId),
    /// A response goes.
    Answer(u64),
    /// What becomes of a message is decided.
    Fate(u64),
}

impl Smsc {
    /// A message centre without links.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            sessions: BTreeMap::new(),
            store: Store::default(),
            deliveries: Deliveries::default(),
            rules: Rules::default(),
            delayed: BTreeMap::new(),
            delay: 0,
            second: (0, 0),
            congestion: None,
            timers: Timers::default(),
            is_stopping: false,
        }
    }

    /// Links, bound or not.
    #[must_use]
    pub fn links(&self) -> usize {
        self.sessions.len()
    }

    /// Messages that are kept, on their way or done.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.store.len()
    }

    /// Messages and receipts that wait for their ESME.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.deliveries.len()
    }

    fn originate(
        &mut self,
        now: Time,
        id: u64,
        system_id: Option<String>,
        message: ShortMessage,
        out: &mut Vec<Out>,
    ) {
        let refuse = |outcome| Out::Originated { id, outcome };
        let receiver = || self.sessions.values().find_map(Session::receiver);
        let Some(system_id) = system_id.or_else(|| receiver().map(str::to_owned)) else {
            return out.push(refuse(Delivered::Full));
        };
        if !session::is_sendable(&message) {
            return out.push(refuse(Delivered::Unsendable));
        }
        let delivery = Delivery {
            id: Some(id),
            message,
            until: now + self.settings.patience,
            is_sent: false,
        };
        if !self.deliveries.put(&system_id, delivery) {
            return out.push(refuse(Delivered::Full));
        }
        self.deliver(now, &system_id, out);
    }

    fn withdraw(&self, number: u64, out: &mut Vec<Out>) {
        if let Some(kept) = self.store.get(number) {
            out.push(Out::Withdrawn {
                message_id: store::name(number),
                destination: kept.envelope.destination.clone(),
            });
        }
    }

    /// A message reaches its final state: its receipt goes, if one is wanted.
    fn settle(&mut self, now: Time, number: u64, state: State, error: u8, out: &mut Vec<Out>) {
        let Some(settled) = self.store.settle(now, number, state, error) else {
            return;
        };
        self.timers.cancel(Timer::Fate(number));
        let Some(message) = settled.receipt else {
            return;
        };
        let delivery = Delivery {
            id: None,
            message,
            until: now + self.settings.patience,
            is_sent: false,
        };
        // A receipt without room is lost, as in the field; the message can still be asked for.
        if self.deliveries.put(&settled.system_id, delivery) {
            self.deliver(now, &settled.system_id, out);
        }
    }
}

impl Machine for Smsc {
    type Input = In;
    type Output = Out;

    fn handle(&mut self, now: Time, input: In, out: &mut Vec<Out>) {
        match input {
            In::Accepted(link) => self.accepted(now, link, None, out),
            In::Opened(link, password) => self.accepted(now, link, Some(&password), out),
            In::Octets(link, octets) => self.octets(now, link, &octets, out),
            In::Closed(link) => self.link_gone(now, link, out),
            In::Rules(rules) => self.rules = Rules::new(rules),
            In::Congestion(state) => self.congestion = state,
            In::Originate {
                id,
                system_id,
                message,
            } => self.originate(now, id, system_id, *message, out),
            In::Fate {
                message_id,
                state,
                error,
            } => {
                if let Some(number) = store::number(&message_id).filter(|_| state.is_final()) {
                    self.settle(now, number, state, error, out);
                }
            }
        }
    }

    fn expire(&mut self, now: Time, out: &mut Vec<Out>) {
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::Session(link) => self.session_due(now, link, out),
                Timer::Request(link, sequence) => self.unanswered(now, link, sequence, out),
                Timer::Busy(link) => self.no_longer_busy(now, link, out),
                Timer::Answer(number) => {
                    if let Some((link, octets)) = self.delayed.remove(&number)
                        && self.sessions.contains_key(&link)
                    {
                        out.push(Out::Octets(link, octets));
                    }
                }
                Timer::Fate(number) => {
                    if let Some((state, error)) = self.store.get(number).map(|it| it.fate) {
                        if state == State::Expired {
                            self.withdraw(number, out);
                        }
                        self.settle(now, number, state, error, out);
                    }
                }
            }
        }
        while let Some(id) = self.deliveries.take_due(now) {
            let outcome = Delivered::Expired;
            out.extend(id.map(|id| Out::Originated { id, outcome }));
        }
    }

    fn deadline(&self) -> Option<Time> {
        let deliveries = self.deliveries.deadline();
        self.timers.next().into_iter().chain(deliveries).min()
    }

    fn stop(&mut self, now: Time, out: &mut Vec<Out>) {
        self.is_stopping = true;
        self.unbind_all(now, out);
    }

    fn has_stopped(&self) -> bool {
        self.is_stopping && self.sessions.is_empty()
    }
}
