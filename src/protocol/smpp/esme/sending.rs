//! Submissions to requests, and what their responses make of them.

use super::asks::What;
use super::line::is_load;
use super::queue::{Finished, Name};
use super::{Esme, Leg, Line, Out, Outcome, Phase, Refusal, Submission, Timer, Why};
use crate::codec::smpp::{Body, Command, Pdu, Status, tag};
use crate::limits;
use crate::protocol::smpp::message::{Envelope, text};
use crate::time::Time;

/// A part that was sent.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) name: Name,
    pub(super) sent: Time,
    /// Its time ran out: it takes no place in the window any more, but a late response still counts.
    pub(super) is_late: bool,
    /// Its submission was given up: if the message centre has taken it, it is taken back.
    pub(super) recalled: Option<Box<Envelope>>,
}

impl Esme {
    pub(super) fn submit(&mut self, now: Time, submission: Submission, out: &mut Vec<Out>) {
        let (id, until) = (submission.id, submission.until);
        let taken = if self.phase == Phase::Stopping {
            Err(Refusal::Stopped)
        } else {
            let as_data = submission.as_data;
            let message = submission.message;
            let message = match until {
                Some(until) => message.valid_until(now, until, as_data),
                None => message,
            };
            let submission = Submission {
                message,
                ..submission
            };
            self.queue.take(submission, self.settings.tries.max(1))
        };
        match taken {
            Ok(serial) => {
                let patience = now + self.settings.patience;
                let until = until.map_or(patience, |until| until.min(patience));
                self.timers.set(Timer::Submission(serial), until);
            }
            Err(why) => {
                let outcome = Outcome::Refused { why };
                out.push(Out::Done { id, outcome });
            }
        }
    }

    /// Sends parts while the window and the pace allow it.
    pub(super) fn pump(&mut self, now: Time, out: &mut Vec<Out>) {
        if self.phase != Phase::Running || !self.is_bound() {
            return;
        }
        let window = self.settings.window.clamp(1, limits::SMPP_WINDOW);
        let taken = self.outstanding().saturating_add(self.asks.outstanding());
        let mut room = window.saturating_sub(taken);
        while room > 0 && self.send_ask(now, out) {
            room = room.saturating_sub(1);
        }
        while room > 0 {
            let Some(name) = self.queue.first() else {
                break;
            };
            if self.pace.next() > now {
                return self.timers.set(Timer::Pace, self.pace.next());
            }
            room = room.saturating_sub(1);
            self.send(now, name, out);
        }
        self.timers.cancel(Timer::Pace);
    }

    fn send(&mut self, now: Time, name: Name, out: &mut Vec<Out>) {
        let Some(sequence) = self.lines.get_mut(&Leg::Main).map(Line::next_sequence) else {
            return;
        };
        let Some(going) = self.queue.send(name, sequence) else {
            // It was encoded once when it was taken, so this is no more than caution.
            let finished = self.queue.refused(name, Refusal::Unsendable);
            return self.finish(now, finished, out);
        };
        self.pace.sent(now);
        let request = Request {
            name,
            sent: now,
            is_late: false,
            recalled: None,
        };
        self.requests.insert(sequence, request);
        let due = now + self.settings.response_timeout;
        self.timers.set(Timer::Request(sequence), due);
        let (id, octets) = (going.id, going.part);
        out.push(Out::Octets(Leg::Main, going.pdu));
        out.push(Out::Sent { id, octets });
    }

    /// A response came on the main leg.
    pub(super) fn answered(&mut self, now: Time, pdu: &Pdu<'_>, out: &mut Vec<Out>) {
        if self.ask_answered(now, pdu, out) {
            return;
        }
        let Some(request) = self.requests.remove(&pdu.sequence) else {
            return;
        };
        self.timers.cancel(Timer::Request(pdu.sequence));
        let congestion = pdu.tlvs.octets(tag::CONGESTION_STATE);
        if let Some(state) = congestion.and_then(|it| it.first()) {
            self.pace.told(now, request.sent, *state);
        }
        match (pdu.command, pdu.status) {
            // It says no more than a response that cannot be read.
            (Command::GENERIC_NACK, Status::OK) => self.lost(now, &request, out),
            (_, Status::OK) => {
                let id = match pdu.body {
                    Body::MessageResponse(id) => text(id),
                    _ => String::new(),
                };
                self.pace.accepted();
                if let Some(envelope) = &request.recalled {
                    self.ask(What::TakeBack, vec![id.clone()], envelope);
                }
                let finished = self.queue.accepted(request.name, id);
                self.finish(now, finished, out);
            }
            (_, status) => self.refused(now, &request, status, out),
        }
    }

    fn refused(&mut self, now: Time, request: &Request, status: Status, out: &mut Vec<Out>) {
        if is_load(status) {
            self.pace.throttled(now, request.sent);
        }
        // Of a late request nothing is certain any more but a good response.
        if request.is_late {
            return;
        }
        match status {
            status if is_load(status) => {
                self.queue.again(request.name);
                let id = self.queue.id_of(request.name);
                out.extend(id.map(|id| Out::Slowed { id, status }));
            }
            Status::WRONG_BIND_STATE => {
                self.queue.again(request.name);
                self.close(now, Leg::Main, Why::Forgotten, out);
            }
            status => {
                let finished = self.queue.refused(request.name, Refusal::Status(status));
                self.finish(now, finished, out);
            }
        }
    }

    /// A response came that cannot be read beyond its header.
    pub(super) fn garbled(
        &mut self,
        now: Time,
        leg: Leg,
        status: Status,
        sequence: u32,
        out: &mut Vec<Out>,
    ) {
        if leg != Leg::Main {
            return;
        }
        if self.ask_lost(sequence) {
            return self.timers.cancel(Timer::Request(sequence));
        }
        let Some(request) = self.requests.remove(&sequence) else {
            return;
        };
        self.timers.cancel(Timer::Request(sequence));
        if status != Status::OK {
            self.refused(now, &request, status, out);
        } else {
            self.lost(now, &request, out);
        }
    }

    /// Nobody says what became of a request.
    fn lost(&mut self, now: Time, request: &Request, out: &mut Vec<Out>) {
        if !request.is_late {
            let finished = self.queue.lost(request.name);
            self.finish(now, finished, out);
        }
    }

    /// A request waited long enough.
    pub(super) fn unanswered(&mut self, now: Time, sequence: u32, out: &mut Vec<Out>) {
        if self.ask_lost(sequence) {
            return;
        }
        let Some(request) = self.requests.get_mut(&sequence) else {
            return;
        };
        if request.is_late {
            self.requests.remove(&sequence);
            return;
        }
        request.is_late = true;
        let name = request.name;
        let forget = now + self.settings.response_timeout;
        self.timers.set(Timer::Request(sequence), forget);
        let finished = self.queue.lost(name);
        self.finish(now, finished, out);
    }

    /// The main leg has no link: its sequence numbers mean nothing any more.
    pub(super) fn main_lost(&mut self, now: Time, out: &mut Vec<Out>) {
        for (sequence, request) in core::mem::take(&mut self.requests) {
            self.timers.cancel(Timer::Request(sequence));
            self.lost(now, &request, out);
        }
        self.asks_lost();
    }

    pub(super) fn give_up(&mut self, now: Time, serial: u64, why: Refusal, out: &mut Vec<Out>) {
        let finished = self.queue.give_up(serial, why);
        self.finish(now, finished, out);
    }

    /// Tells the end of a submission.
    fn finish(&mut self, now: Time, finished: Option<Finished>, out: &mut Vec<Out>) {
        let Some(finished) = finished else {
            return;
        };
        self.timers.cancel(Timer::Submission(finished.serial));
        let (id, envelope) = (finished.id, finished.envelope);
        let expected = match &finished.outcome {
            Outcome::Accepted { message_ids } if finished.wants_receipts => message_ids.clone(),
            _ => Vec::new(),
        };
        let outcome = finished.outcome;
        out.push(Out::Done { id, outcome });
        if !expected.is_empty() {
            self.receipts.expect(now, id, (envelope, &expected), out);
        }
    }

    /// While the ESME ends: gives up what was not sent, waits for responses, then unbinds.
    pub(super) fn wind_down(&mut self, now: Time, out: &mut Vec<Out>) {
        if self.phase != Phase::Stopping {
            return;
        }
        for serial in self.queue.unsent() {
            self.give_up(now, serial, Refusal::Stopped, out);
        }
        if self.outstanding() == 0 && self.asks.outstanding() == 0 || !self.is_bound() {
            self.unbind_all(now, out);
        }
        if self.lines.values().all(Line::is_closed) {
            self.phase = Phase::Idle;
            self.timers.cancel(Timer::Stop);
            for serial in self.queue.all() {
                self.give_up(now, serial, Refusal::Stopped, out);
            }
        }
    }
}
