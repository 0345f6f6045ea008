//! An ESME: submits short messages to a message centre and takes what comes from there.
//!
//! **Source:** SMPP 3.4 sections 2 (sessions), 4 and 7 (timers), SMPP 5.0 sections 2 and 4.
//!
//! Who owns it maps each [`Leg`] to at most one link: it opens one at [`Out::Connect`] and tells [`In::Opened`], passes
//! octets both ways, and forgets the link at [`Out::Close`] and [`In::Closed`]. Effects are in order: what was
//! [`Out::Received`] is acknowledged by the [`Out::Octets`] after it, so a save between the two loses nothing.
//!
//! Nothing that was taken is lost: each submission ends in exactly one [`Out::Done`]. A part is *in doubt* when it was
//! sent and no response came, in time or before the link broke. Such a part is sent again, so that a message centre may
//! have it twice, until it was in doubt `tries` times (once, if the submission may not be repeated). The submission
//! - is accepted when every part has had a good response, a late one too;
//! - is refused when a part that is not in doubt was refused, or was surely not taken when time ran out;
//! - is unknown in every other case.
//!
//! A part that was refused for the load (throttled, queue full) is never in doubt by that; it goes again, slower.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use super::Version;
use super::message::{Address, Envelope, ShortMessage};
use super::receipt::{Receipt, State};
use crate::codec::smpp::{Command, Status};
use crate::machine::Machine;
use crate::random::Random;
use crate::time::Time;
use crate::timers::Timers;

mod asks;
mod line;
mod pace;
mod queue;
mod receipts;
mod sending;
mod settings;
#[cfg(test)]
mod tests;

use asks::{Asks, What};
use line::Line;
use pace::Pace;
use queue::Queue;
use receipts::Receipts;
use sending::Request;
pub use settings::{Binding, Ids, Settings};

/// One of the links that an ESME may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Leg {
    /// That of the transceiver or transmitter.
    Main,
    /// That of a receiver beside a transmitter.
    Receiver,
}

/// A short message, or the several that one datagram is cut into.
#[derive(Clone, Debug, PartialEq)]
pub struct Submission {
    /// The caller's name for it.
    pub id: u64,
    /// What all parts have in common; its own octets are not sent.
    pub message: ShortMessage,
    /// Header and payload of each part, from 1 to 255 of them.
    pub parts: Vec<Bytes>,
    /// Goes as data_sm instead of submit_sm.
    pub as_data: bool,
    /// A part may be sent again when nobody knows what became of it.
    pub may_repeat: bool,
    /// Until when it is of use: the message centre is told, and it ends here by then even where the patience of the
    /// settings is longer.
    pub until: Option<Time>,
}

impl Submission {
    /// A submission that may be repeated, by submit_sm, with the usual patience.
    #[must_use]
    pub const fn new(id: u64, message: ShortMessage, parts: Vec<Bytes>) -> Self {
        Self {
            id,
            message,
            parts,
            as_data: false,
            may_repeat: true,
            until: None,
        }
    }

    const fn command(&self) -> Command {
        if self.as_data {
            Command::DATA_SM
        } else {
            Command::SUBMIT_SM
        }
    }
}

/// What an ESME is told.
#[derive(Clone, Debug, PartialEq)]
pub enum In {
    /// Begin: connect and bind.
    Start,
    /// The link of a leg is up: one that was asked for, or, where outbind is allowed, one that was accepted.
    Opened(Leg),
    /// Octets came on the link of a leg, cut anywhere.
    Octets(Leg, Bytes),
    /// The link of a leg is gone, or never came up.
    Closed(Leg),
    /// Submit a short message.
    Submit(Box<Submission>),
    /// Give a submission up; what the message centre has of it is taken back, and no [`Out::Settled`] follows.
    Cancel {
        /// The caller's name for it.
        id: u64,
    },
    /// Receipts of an accepted submission are to come still, known from before a restart: the message centre is asked
    /// what became of it meanwhile.
    Expect {
        /// The caller's name for it.
        id: u64,
        /// What names it beside those.
        envelope: Envelope,
        /// The message centre's names of its parts.
        message_ids: Vec<String>,
    },
    /// Refuse what comes from the message centre for the time being, or take it again.
    Hold(bool),
}

/// What an ESME asks for or tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Out {
    /// Open a link for a leg.
    Connect(Leg),
    /// Write these octets to the link of a leg.
    Octets(Leg, Bytes),
    /// Close the link of a leg after what was written; nothing of it comes in any more.
    Close(Leg),
    /// A leg is bound.
    Bound {
        /// Which.
        leg: Leg,
        /// The version both have.
        version: Version,
        /// What the message centre calls itself.
        system_id: String,
    },
    /// A leg is not, or no longer, bound.
    Down {
        /// Which.
        leg: Leg,
        /// Why.
        why: Why,
        /// When another try is made, if one is.
        retry: Option<Time>,
    },
    /// A part of a submission was written to the main leg.
    Sent {
        /// The caller's name for the submission.
        id: u64,
        /// Header and payload of the part.
        octets: Bytes,
    },
    /// The message centre refused a part for its load: it goes again, slower.
    Slowed {
        /// The caller's name for the submission.
        id: u64,
        /// What it said.
        status: Status,
    },
    /// A submission has ended; exactly once for each.
    Done {
        /// The caller's name for it.
        id: u64,
        /// How.
        outcome: Outcome,
    },
    /// A receipt for a part of an accepted submission, on the way or at the end.
    Receipt {
        /// The caller's name for the submission.
        id: u64,
        /// The part, from 0.
        part: u8,
        /// What it says.
        receipt: Receipt,
    },
    /// What became of an accepted submission as a whole, once, where receipts were asked for.
    Settled {
        /// The caller's name for it.
        id: u64,
        /// What became of it; unknown when receipts did not come in time.
        state: State,
    },
    /// A receipt for a message that nobody knows.
    Stray(Receipt),
    /// A message came: from a handset, or a string of a USSD dialogue ([`ShortMessage::ussd`]).
    Received(ShortMessage),
    /// A handset that could not be reached is there again (alert_notification).
    Available(Address),
}

/// How a submission ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The message centre has every part.
    Accepted {
        /// Its name for each part; empty where it gave none.
        message_ids: Vec<String>,
    },
    /// The message centre surely does not have every part.
    Refused {
        /// Why.
        why: Refusal,
    },
    /// Nobody knows whether the message centre has all of it.
    Unknown,
}

/// Why a submission was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The message centre said so.
    Status(Status),
    /// Too many submissions wait.
    Full,
    /// It has no parts, too many, or one that no PDU can carry.
    Unsendable,
    /// Its time ran out.
    Expired,
    /// The caller gave it up.
    Cancelled,
    /// The ESME ends.
    Stopped,
}

/// Why a leg is not bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The link could not be opened, or is gone.
    Closed,
    /// The link did not open, or the bind was not answered, in time.
    Timeout,
    /// The bind was refused.
    Refused(Status),
    /// The peer did not answer an enquire_link.
    Silent,
    /// The peer unbound.
    Unbound,
    /// The stream holds what cannot be a PDU.
    Desynchronised,
    /// The peer takes the session for one that is not bound.
    Forgotten,
    /// An outbind had the wrong system_id or password.
    WrongOutbind,
    /// The ESME ends.
    Stopped,
}

/// An ESME.
#[derive(Debug)]
pub struct Esme {
    settings: Settings,
    random: Random,
    lines: BTreeMap<Leg, Line>,
    timers: Timers<Timer>,
    queue: Queue,
    /// What was sent on the main leg and waits for its response, or waited too long.
    requests: BTreeMap<u32, Request>,
    asks: Asks,
    receipts: Receipts,
    pace: Pace,
    is_held: bool,
    phase: Phase,
}

/// Where the ESME as a whole stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Not begun, or ended.
    Idle,
    /// Connecting and bound.
    Running,
    /// What was sent may be answered still; then the legs unbind.
    Stopping,
}

/// What may be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Timer {
    /// The step of a leg: what it means depends on its state.
    Leg(Leg),
    /// The response to a request; once more, to forget a late one.
    Request(u32),
    /// The pace allows the next message.
    Pace,
    /// The end of a submission, by the queue's number.
    Submission(u64),
    /// No more waiting for responses before the legs unbind.
    Stop,
}

impl Esme {
    /// An ESME that waits for [`In::Start`].
    #[must_use]
    pub fn new(settings: Settings, random: Random) -> Self {
        let legs: &[Leg] = match settings.binding {
            Binding::Transceiver | Binding::Transmitter => &[Leg::Main],
            Binding::Separate => &[Leg::Main, Leg::Receiver],
        };
        // The last part of a submission may be answered that long after the first one was delivered.
        let early = settings
            .patience
            .saturating_add(settings.response_timeout.saturating_mul(2));
        Self {
            lines: legs.iter().map(|leg| (*leg, Line::default())).collect(),
            receipts: Receipts::new(settings.ids, settings.receipt_patience, early),
            pace: Pace::new(settings.per_second),
            settings,
            random,
            timers: Timers::default(),
            queue: Queue::default(),
            requests: BTreeMap::new(),
            asks: Asks::default(),
            is_held: false,
            phase: Phase::Idle,
        }
    }

    /// The leg that takes a link which the message centre opened, if one does.
    #[must_use]
    pub fn accepting(&self) -> Option<Leg> {
        let outbind = self.settings.outbind.as_ref();
        outbind.filter(|_| self.phase == Phase::Running)?;
        let mut lines = self.lines.iter().rev();
        lines
            .find(|(_, line)| line.is_closed())
            .map(|(leg, _)| *leg)
    }

    /// True while submissions can go out at once.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        self.lines.get(&Leg::Main).is_some_and(Line::is_bound)
    }

    /// The caller's names for submissions that have not ended.
    #[must_use]
    pub fn unfinished_ids(&self) -> Vec<u64> {
        self.queue.ids()
    }

    /// Submissions that have not ended.
    #[must_use]
    pub fn unfinished(&self) -> usize {
        self.queue.len()
    }

    /// Requests that wait for their response.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.requests.values().filter(|it| !it.is_late).count()
    }

    /// Parts whose receipts are awaited.
    #[must_use]
    pub fn receipts_awaited(&self) -> usize {
        self.receipts.len()
    }

    /// The pause that is kept between two messages.
    #[must_use]
    pub const fn gap(&self) -> Duration {
        self.pace.gap()
    }

    fn start(&mut self, now: Time, out: &mut Vec<Out>) {
        if self.phase == Phase::Idle {
            self.phase = Phase::Running;
            if self.settings.connects {
                for leg in self.legs() {
                    self.connect(now, leg, out);
                }
            }
        }
    }

    fn legs(&self) -> Vec<Leg> {
        self.lines.keys().copied().collect()
    }
}

impl Machine for Esme {
    type Input = In;
    type Output = Out;

    fn handle(&mut self, now: Time, input: In, out: &mut Vec<Out>) {
        match input {
            In::Start => self.start(now, out),
            In::Opened(leg) => self.opened(now, leg, out),
            In::Octets(leg, octets) => self.octets(now, leg, &octets, out),
            In::Closed(leg) => self.link_gone(now, leg, out),
            In::Submit(submission) => self.submit(now, *submission, out),
            In::Cancel { id } => self.take_back(now, id, out),
            In::Expect {
                id,
                envelope,
                message_ids,
            } => {
                let expected = (envelope.clone(), message_ids.as_slice());
                self.receipts.expect(now, id, expected, out);
                self.ask(What::State, message_ids, &envelope);
            }
            In::Hold(is_held) => self.is_held = is_held,
        }
        self.pump(now, out);
        self.wind_down(now, out);
    }

    fn expire(&mut self, now: Time, out: &mut Vec<Out>) {
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::Leg(leg) => self.leg_due(now, leg, out),
                Timer::Request(sequence) => self.unanswered(now, sequence, out),
                Timer::Pace => {}
                Timer::Submission(serial) => self.give_up(now, serial, Refusal::Expired, out),
                Timer::Stop => self.unbind_all(now, out),
            }
            self.pump(now, out);
        }
        self.receipts.expire(now, out);
        self.wind_down(now, out);
    }

    fn deadline(&self) -> Option<Time> {
        let receipts = self.receipts.deadline();
        self.timers.next().into_iter().chain(receipts).min()
    }

    fn stop(&mut self, now: Time, out: &mut Vec<Out>) {
        if self.phase == Phase::Running {
            self.phase = Phase::Stopping;
            self.timers
                .set(Timer::Stop, now + self.settings.response_timeout);
            self.wind_down(now, out);
        }
    }

    fn has_stopped(&self) -> bool {
        self.phase == Phase::Idle
    }
}
