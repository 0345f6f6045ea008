//! A short message centre: SMPP on one side, handsets on the radio of a laboratory on the other.
//!
//! **Source:** `protocol::smpp::smsc` for one side, `codec::radio` for the other. A receipt goes when the handset has
//! reported; a message for a handset that is not there waits for it. Delays and errors are rules of the machine. It
//! runs in the simulator and on sockets.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::codec::radio::{About, Frame, Kind, TAKEN, UssdString, cause, refused};
use crate::event::{Event, Fact};
use crate::ladder::SMSC;
use crate::machine::Machine;
use crate::protocol::smpp::smsc::{Delivered, In, Out, Rule, Settings, Smsc};
use crate::protocol::smpp::{Address, ServiceOp, ShortMessage, State, Ussd};
use crate::time::Time;
use crate::world::{Input, Output, SocketId};

mod tower;
mod translate;

use tower::{Tower, Work};

/// A short message centre.
#[derive(Debug)]
pub struct MessageCentre {
    machine: Smsc,
    tower: Tower,
    /// The socket of the radio.
    socket: SocketId,
    /// Messages of handsets that are on their way to an ESME, with the frame each answers.
    up: BTreeMap<u64, (SocketAddr, Vec<u8>)>,
    /// Dialogues that handsets began and an ESME has to end, by number, with the frame that waits for it.
    begun: BTreeMap<String, (SocketAddr, Vec<u8>)>,
    next: u64,
    effects: Vec<Out>,
    /// Tells what it takes and gives.
    tells: bool,
}

/// The network's error for a handset that could not be reached, and for one that refused without a cause.
const NO_CAUSE: u8 = 0;
/// The cause that a handset is told when its message went nowhere: congestion of the centre.
const CONGESTION: u8 = 0xC0;
/// Messages of handsets under way.
const UP_MAX: usize = 4_096;

impl MessageCentre {
    /// A message centre whose radio is on that socket.
    #[must_use]
    pub fn new(settings: Settings, socket: SocketId) -> Self {
        let settings = Settings {
            fate: None,
            ..settings
        };
        Self {
            machine: Smsc::new(settings),
            tower: Tower::default(),
            socket,
            up: BTreeMap::new(),
            begun: BTreeMap::new(),
            next: 0,
            effects: Vec::new(),
            tells: false,
        }
    }

    /// The same, and it tells what it takes and gives.
    #[must_use]
    pub const fn telling(mut self) -> Self {
        self.tells = true;
        self
    }

    /// The same with rules: what is refused, delayed, lost.
    #[must_use]
    pub fn with_rules(mut self, rules: Vec<Rule>) -> Self {
        self.machine
            .handle(Time::EPOCH, In::Rules(rules), &mut Vec::new());
        self
    }

    /// Handsets that are attached.
    #[must_use]
    pub fn attached(&self) -> usize {
        self.tower.attached()
    }

    /// Tells the machine, and does what it asks for.
    fn tell(&mut self, now: Time, input: In, out: &mut Vec<Output>) {
        let mut effects = std::mem::take(&mut self.effects);
        self.machine.handle(now, input, &mut effects);
        self.perform(now, &mut effects, out);
        self.effects = effects;
    }

    fn perform(&mut self, now: Time, effects: &mut Vec<Out>, out: &mut Vec<Output>) {
        for effect in effects.drain(..) {
            match effect {
                Out::Octets(link, octets) => out.push(Output::Octets { link, octets }),
                Out::Close(link) => out.push(Output::Close { link }),
                Out::Bound { system_id, .. } => {
                    self.wire(now, (&system_id, SMSC), "smpp", "bound", out);
                }
                Out::Unbound { system_id, .. } => {
                    self.wire(now, (&system_id, SMSC), "smpp", "bound no more", out);
                }
                Out::Message {
                    system_id,
                    message_id,
                    message,
                } => {
                    let to = &message.destination.text;
                    let what = format!("submit_sm for {to}, taken as {message_id}");
                    self.wire(now, (&system_id, SMSC), "smpp", &what, out);
                    self.message(now, message_id, *message, out);
                }
                Out::Refused {
                    system_id,
                    destination,
                    status,
                } => {
                    let to = destination.text;
                    let what = format!("submit_sm for {to}, refused: {status}");
                    self.wire(now, (&system_id, SMSC), "smpp", &what, out);
                }
                Out::Withdrawn {
                    message_id,
                    destination,
                } => {
                    let what = format!("{message_id} is over: cancelled, or its time has passed");
                    self.wire(now, (SMSC, &destination.text), "sms", &what, out);
                    self.tower.withdraw(&destination.text, &message_id);
                }
                Out::Originated { id, outcome } => self.originated(now, id, outcome, out),
            }
        }
    }

    /// A message for a handset.
    fn message(&mut self, now: Time, id: String, message: ShortMessage, out: &mut Vec<Output>) {
        let number = message.destination.text.clone();
        if translate::ends_dialogue(&message) {
            return self.dialogue_ended(now, id, &number, &message, out);
        }
        let fault = match translate::frames(now, &message) {
            Ok(frames) => {
                let work = Work::new(id.clone(), message, frames);
                match self.tower.put(&number, work) {
                    Ok(()) => {
                        if !self.tower.is_there(&number) {
                            let what = format!("{id} waits: nobody attached with that number");
                            self.wire(now, (SMSC, &number), "sms", &what, out);
                        }
                        self.send_next(now, &number, out);
                        return;
                    }
                    Err(full) => full.to_owned(),
                }
            }
            Err(fault) => fault,
        };
        report(now, "smsc", &format!("message for {number}: {fault}"), out);
        self.fate(now, id, State::Undeliverable, NO_CAUSE, out);
    }

    /// An ESME ends the dialogue that a handset began.
    fn dialogue_ended(
        &mut self,
        now: Time,
        id: String,
        number: &str,
        message: &ShortMessage,
        out: &mut Vec<Output>,
    ) {
        let begun = self.begun.remove(number);
        let state = match begun {
            Some(_) => State::Delivered,
            None => State::Undeliverable,
        };
        if let Some((peer, head)) = begun {
            self.answer_begun(peer, &head, &translate::string(message), out);
        }
        self.fate(now, id, state, NO_CAUSE, out);
    }

    /// Answers what a handset began.
    fn answer_begun(
        &mut self,
        peer: SocketAddr,
        head: &[u8],
        payload: &[u8],
        out: &mut Vec<Output>,
    ) {
        if let Ok(frame) = Frame::decode(head) {
            let answer = frame.answer(Kind::Result, payload).encode();
            self.tower.give(peer, head, &answer);
            self.radio(peer, answer, out);
        }
    }

    fn fate(&mut self, now: Time, id: String, state: State, error: u8, out: &mut Vec<Output>) {
        let what = format!("{id} is {state:?}, as its receipt says").to_lowercase();
        self.wire(now, (SMSC, "ESME"), "smpp", &what, out);
        let input = In::Fate {
            message_id: id,
            state,
            error,
        };
        // Fates come out of effects too; what they bring is performed after those at hand.
        let mut effects = Vec::new();
        self.machine.handle(now, input, &mut effects);
        self.perform(now, &mut effects, out);
    }

    /// Sends the frame that is next for a handset.
    fn send_next(&mut self, now: Time, number: &str, out: &mut Vec<Output>) {
        if let Some((peer, octets)) = self.tower.next(now, number) {
            let what = format!("a frame of {} octets to {peer}", octets.len());
            self.wire(now, (SMSC, number), "sms", &what, out);
            self.radio(peer, octets, out);
        }
    }

    /// Tells one line of what went between two parties.
    fn wire(
        &self,
        now: Time,
        (from, to): (&str, &str),
        line: &str,
        what: &str,
        out: &mut Vec<Output>,
    ) {
        if self.tells {
            let fact = Fact::Wire {
                from: from.to_owned(),
                to: to.to_owned(),
                line: line.to_owned(),
                what: what.to_owned(),
                push: None,
                octets: bytes::Bytes::new(),
            };
            out.push(Output::Report(Event { t: now, fact }));
        }
    }

    fn radio(&self, peer: SocketAddr, octets: Vec<u8>, out: &mut Vec<Output>) {
        out.push(Output::Datagram {
            socket: self.socket,
            peer,
            octets: octets.into(),
        });
    }

    /// A frame of a handset.
    fn frame(&mut self, now: Time, peer: SocketAddr, octets: &[u8], out: &mut Vec<Output>) {
        let frame = match Frame::decode(octets) {
            Ok(frame) => frame,
            Err(error) => return report(now, &peer.to_string(), &error.to_string(), out),
        };
        match (frame.about, frame.kind) {
            (About::Resources, Kind::Request) => self.attach(now, peer, &frame, out),
            (About::Resources, Kind::Refusal) => {
                if let Some(number) = frame.number() {
                    self.wire(now, (number, SMSC), "sms", "detached", out);
                    self.tower.detach(number, peer);
                }
            }
            (About::Resources, Kind::Result) => {}
            (_, Kind::Request) => self.begun_by_handset(now, peer, &frame, octets, out),
            (_, Kind::Result | Kind::Refusal) => self.answered(now, peer, &frame, out),
        }
    }

    fn attach(&mut self, now: Time, peer: SocketAddr, frame: &Frame<'_>, out: &mut Vec<Output>) {
        let number = frame.number();
        let is_new = number.is_some_and(|number| !self.tower.is_at(number, peer));
        let taken = number.is_some_and(|number| self.tower.attach(now, number, peer));
        if is_new {
            let what = if taken {
                "attached"
            } else {
                "refused: no room"
            };
            let from = number.unwrap_or_default();
            self.wire(now, (from, SMSC), "sms", &format!("{what}, at {peer}"), out);
        }
        let kind = if taken { Kind::Result } else { Kind::Refusal };
        self.radio(peer, frame.answer(kind, &[]).encode(), out);
        if let Some(number) = number.filter(|_| taken) {
            self.send_next(now, number, out);
        }
    }

    /// A handset answered what was sent to it.
    fn answered(&mut self, now: Time, peer: SocketAddr, frame: &Frame<'_>, out: &mut Vec<Output>) {
        let Some((number, work)) = self.tower.answered(peer, frame) else {
            return;
        };
        let is_taken = frame.kind == Kind::Result;
        if is_taken && frame.about == About::SupplementaryServices {
            self.string_answered(now, &number, &work.message, frame.payload, out);
        }
        let word = if is_taken { "took" } else { "refused" };
        let what = format!("{word} a frame of {}", work.id);
        self.wire(now, (&number, SMSC), "sms", &what, out);
        if !is_taken {
            let error = cause(frame.payload).unwrap_or(NO_CAUSE);
            self.fate(now, work.id, State::Undeliverable, error, out);
        } else if work.is_done() {
            self.fate(now, work.id, State::Delivered, NO_CAUSE, out);
        } else {
            self.tower.put_back(&number, work);
        }
        self.send_next(now, &number, out);
    }

    /// The answer to a string goes to who asked.
    fn string_answered(
        &mut self,
        now: Time,
        number: &str,
        asked: &ShortMessage,
        payload: &[u8],
        out: &mut Vec<Output>,
    ) {
        let string = UssdString::decode(payload);
        let operation = match asked.ussd().map(|ussd| ussd.operation) {
            Some(ServiceOp::Notify) => ServiceOp::Notified,
            _ => ServiceOp::Answer,
        };
        let session = asked.ussd().and_then(|ussd| ussd.session);
        let message = ShortMessage {
            source: Address::of(&format!("+{number}")),
            destination: asked.source.clone(),
            data_coding: translate::coding_up(string.coding),
            octets: bytes::Bytes::copy_from_slice(string.octets),
            ..ShortMessage::default()
        };
        let message = message.with_ussd(Ussd { operation, session });
        let id = self.fresh();
        self.originate(now, id, message, out);
    }

    fn fresh(&mut self) -> u64 {
        self.next = self.next.saturating_add(1);
        self.next
    }

    fn originate(&mut self, now: Time, id: u64, message: ShortMessage, out: &mut Vec<Output>) {
        let input = In::Originate {
            id,
            system_id: None,
            message: Box::new(message),
        };
        self.tell(now, input, out);
    }

    /// A message or a string that a handset begins.
    fn begun_by_handset(
        &mut self,
        now: Time,
        peer: SocketAddr,
        frame: &Frame<'_>,
        octets: &[u8],
        out: &mut Vec<Output>,
    ) {
        let head = octets.get(..3).unwrap_or_default().to_vec();
        let Some(number) = self.tower.number_of(peer) else {
            return self.radio(peer, refusal(frame), out);
        };
        // A repetition of what is under way; its answer comes with that of the first.
        let waiting = self.up.values().chain(self.begun.get(&number));
        if waiting.into_iter().any(|it| *it == (peer, head.clone())) {
            return;
        }
        if let Some(answer) = self.tower.given(peer, octets) {
            return self.radio(peer, answer, out);
        }
        let message = match translate::message(&number, frame) {
            Ok(message) if self.up.len() < UP_MAX => message,
            Ok(_) => return self.radio(peer, refusal(frame), out),
            Err(fault) => {
                report(now, &number, &fault, out);
                return self.radio(peer, refusal(frame), out);
            }
        };
        self.tower.note(peer, octets);
        let id = self.fresh();
        self.up.insert(id, (peer, head));
        self.originate(now, id, message, out);
    }

    /// What a handset sent has reached its ESME, or will not.
    fn originated(&mut self, now: Time, id: u64, outcome: Delivered, out: &mut Vec<Output>) {
        let Some((peer, head)) = self.up.remove(&id) else {
            return;
        };
        let number = self.tower.number_of(peer).unwrap_or_default();
        let what = match outcome {
            Delivered::Taken => "deliver_sm, taken".to_owned(),
            Delivered::Refused(status) => format!("deliver_sm, refused: {status}"),
            Delivered::Full => "no deliver_sm: nobody is bound to receive it".to_owned(),
            Delivered::Unsendable => "no deliver_sm: no PDU can carry it".to_owned(),
            Delivered::Expired => "deliver_sm, not answered in time".to_owned(),
        };
        self.wire(now, (&number, "ESME"), "smpp", &what, out);
        let Ok(frame) = Frame::decode(&head) else {
            return;
        };
        match (outcome, frame.about) {
            (Delivered::Taken, About::ShortMessages) => self.answer_begun(peer, &head, &TAKEN, out),
            // The ESME ends it with a string of its own.
            (Delivered::Taken, _) => {
                if let Some(number) = self.tower.number_of(peer) {
                    self.begun.insert(number, (peer, head));
                }
            }
            _ => {
                let answer = refusal(&frame);
                self.tower.give(peer, &head, &answer);
                self.radio(peer, answer, out);
            }
        }
    }
}

fn refusal(frame: &Frame<'_>) -> Vec<u8> {
    match frame.about {
        About::ShortMessages => frame.answer(Kind::Refusal, &refused(CONGESTION)).encode(),
        _ => frame.answer(Kind::Refusal, &[]).encode(),
    }
}

fn report(now: Time, from: &str, why: &str, out: &mut Vec<Output>) {
    let (from, why) = (from.to_owned(), why.to_owned());
    let fact = Fact::Refused { from, why };
    out.push(Output::Report(Event { t: now, fact }));
}

impl Machine for MessageCentre {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Datagram {
                socket,
                peer,
                octets,
            } if socket == self.socket => self.frame(now, peer, &octets, out),
            Input::Opened { link, .. } => self.tell(now, In::Accepted(link), out),
            Input::Octets { link, octets } => self.tell(now, In::Octets(link, octets), out),
            Input::Closed { link, .. } => self.tell(now, In::Closed(link), out),
            Input::Datagram { .. }
            | Input::Request { .. }
            | Input::Response { .. }
            | Input::Upgraded { .. }
            | Input::Message { .. } => {}
        }
    }

    fn expire(&mut self, now: Time, out: &mut Vec<Output>) {
        let mut effects = std::mem::take(&mut self.effects);
        self.machine.expire(now, &mut effects);
        self.perform(now, &mut effects, out);
        self.effects = effects;
        for (peer, octets) in self.tower.expire(now) {
            self.radio(peer, octets, out);
        }
    }

    fn deadline(&self) -> Option<Time> {
        [self.machine.deadline(), self.tower.deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    fn stop(&mut self, now: Time, out: &mut Vec<Output>) {
        let mut effects = Vec::new();
        self.machine.stop(now, &mut effects);
        self.perform(now, &mut effects, out);
    }

    fn has_stopped(&self) -> bool {
        self.machine.has_stopped()
    }
}

/// How long a handset that does not renew its attachment is taken to be there.
pub(super) const ATTACHED: Duration = Duration::from_secs(180);

#[cfg(test)]
mod tests;
