//! The link of one leg: connecting, binding, asking whether the peer is there, taking what comes, unbinding.

use std::time::Duration;

use bytes::Bytes;

use super::{Binding, Esme, Leg, Out, Phase, Timer, Why};
use crate::codec::smpp::{Bind, Body, Command, Pdu, Status, Text, tag};
use crate::protocol::smpp::Version;
use crate::protocol::smpp::message::{Address, ShortMessage, text};
use crate::protocol::smpp::receipt::Receipt;
use crate::protocol::smpp::stream::{Framer, header};
use crate::time::Time;

/// How long a leg must have been bound before its next trouble counts as the first.
const STEADY: Duration = Duration::from_secs(30);
/// The highest sequence number.
const SEQUENCE_MOST: u32 = 0x7FFF_FFFF;

/// Where a leg stands.
///
/// ```text
///              Start, pause over          Opened, bind         bind_resp            unbind
///   +--------+             +------------+         +---------+         +-------+         +-----------+
///   | Closed |------------>| Connecting |-------->| Binding |-------->| Bound |-------->| Unbinding |
///   +--------+             +------------+         +---------+         +-------+         +-----------+
///     ^   |   Opened       +----------+   outbind      ^                                      |
///     |   +--------------->| Awaiting |----------------+                                      |
///     |                    +----------+                                                       |
///     +-- link gone, too late, refused, no answer, not SMPP, unbound: a pause, then again ----+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No link; a timer says when to try again.
    Closed,
    /// A link was asked for.
    Connecting,
    /// The message centre opened a link; its outbind is awaited.
    Awaiting,
    /// The bind of that sequence number was sent.
    Binding(u32),
    /// Bound since then.
    Bound(Time),
    /// An unbind was sent.
    Unbinding,
}

/// One leg.
#[derive(Debug)]
pub(super) struct Line {
    state: State,
    framer: Framer,
    sequence: u32,
    /// Tries to bind that failed, one after another.
    failures: u32,
    /// An enquire_link waits for any sign of life.
    is_enquired: bool,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            state: State::Closed,
            framer: Framer::default(),
            sequence: 0,
            failures: 0,
            is_enquired: false,
        }
    }
}

impl Line {
    pub(super) fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    pub(super) const fn is_bound(&self) -> bool {
        matches!(self.state, State::Bound(_))
    }

    /// The next sequence number.
    pub(super) const fn next_sequence(&mut self) -> u32 {
        self.sequence = if self.sequence >= SEQUENCE_MOST {
            1
        } else {
            self.sequence.saturating_add(1)
        };
        self.sequence
    }

    fn renew(&mut self, state: State) {
        self.state = state;
        self.framer = Framer::default();
        self.sequence = 0;
        self.is_enquired = false;
    }
}

impl Esme {
    /// Asks for a link.
    pub(super) fn connect(&mut self, now: Time, leg: Leg, out: &mut Vec<Out>) {
        if let Some(line) = self.lines.get_mut(&leg)
            && line.is_closed()
        {
            line.renew(State::Connecting);
            self.set_leg(leg, now, self.settings.connect_timeout);
            out.push(Out::Connect(leg));
        }
    }

    /// The link of a leg is up.
    pub(super) fn opened(&mut self, now: Time, leg: Leg, out: &mut Vec<Out>) {
        let may_accept = self.settings.outbind.is_some() && self.phase == Phase::Running;
        let Some(line) = self.lines.get_mut(&leg) else {
            return out.push(Out::Close(leg));
        };
        match line.state {
            State::Connecting => self.bind(now, leg, out),
            State::Closed if may_accept => {
                line.renew(State::Awaiting);
                self.set_leg(leg, now, self.settings.connect_timeout);
            }
            State::Closed => out.push(Out::Close(leg)),
            _ => {}
        }
    }

    fn bind(&mut self, now: Time, leg: Leg, out: &mut Vec<Out>) {
        let Some(line) = self.lines.get_mut(&leg) else {
            return;
        };
        let sequence = line.next_sequence();
        line.state = State::Binding(sequence);
        let settings = &self.settings;
        let command = match (leg, settings.binding) {
            (Leg::Receiver, _) => Command::BIND_RECEIVER,
            (Leg::Main, Binding::Transceiver) => Command::BIND_TRANSCEIVER,
            (Leg::Main, _) => Command::BIND_TRANSMITTER,
        };
        let bind = Bind {
            system_id: settings.system_id.as_str().into(),
            password: settings.password.as_str().into(),
            system_type: settings.system_type.as_str().into(),
            interface_version: settings.version.number(),
            addresses: settings.addresses.party(),
        };
        let pdu = Pdu::new(command, sequence, Body::Bind(bind));
        put(leg, &pdu, out);
        self.set_leg(leg, now, self.settings.connect_timeout);
    }

    /// The link of a leg is gone.
    pub(super) fn link_gone(&mut self, now: Time, leg: Leg, out: &mut Vec<Out>) {
        let is_open = self.lines.get(&leg).is_some_and(|line| !line.is_closed());
        if is_open {
            self.down(now, leg, Why::Closed, out);
        }
    }

    /// Closes the link of a leg.
    pub(super) fn close(&mut self, now: Time, leg: Leg, why: Why, out: &mut Vec<Out>) {
        out.push(Out::Close(leg));
        self.down(now, leg, why, out);
    }

    /// A leg has no link any more: what waits on it is in doubt, another try is made after a pause.
    fn down(&mut self, now: Time, leg: Leg, why: Why, out: &mut Vec<Out>) {
        let Some(line) = self.lines.get_mut(&leg) else {
            return;
        };
        let was = line.state;
        line.renew(State::Closed);
        line.failures = match was {
            State::Bound(since) if now.since(since) >= STEADY => 1,
            _ => line.failures.saturating_add(1),
        };
        let failures = line.failures;
        self.timers.cancel(Timer::Leg(leg));
        let may_retry = self.phase == Phase::Running && self.settings.connects;
        let retry = may_retry.then(|| now + self.pause(failures, why));
        if let Some(at) = retry {
            self.timers.set(Timer::Leg(leg), at);
        }
        let why = if was == State::Unbinding {
            Why::Stopped
        } else {
            why
        };
        out.push(Out::Down { leg, why, retry });
        if leg == Leg::Main {
            self.main_lost(now, out);
        }
    }

    /// The pause after so many failures: doubled each time up to the longest, of which the latter half is by chance.
    fn pause(&mut self, failures: u32, why: Why) -> Duration {
        let (first, most) = (self.settings.backoff_first, self.settings.backoff_most);
        let doubled =
            first.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(0));
        // Whoever refused us will do so again a moment later.
        let is_hopeless = matches!(why, Why::Refused(status) if !is_load(status));
        let longest = if failures > 16 || is_hopeless {
            most
        } else {
            doubled.min(most)
        };
        let half = longest / 2;
        let micros = u64::try_from(half.as_micros()).unwrap_or(u64::MAX);
        half + Duration::from_micros(self.random.below(micros.saturating_add(1)))
    }

    /// The timer of a leg is due.
    pub(super) fn leg_due(&mut self, now: Time, leg: Leg, out: &mut Vec<Out>) {
        let Some(line) = self.lines.get_mut(&leg) else {
            return;
        };
        match line.state {
            State::Closed => self.connect(now, leg, out),
            State::Connecting | State::Awaiting | State::Binding(_) | State::Unbinding => {
                self.close(now, leg, Why::Timeout, out);
            }
            State::Bound(_) if line.is_enquired => self.close(now, leg, Why::Silent, out),
            State::Bound(_) => {
                line.is_enquired = true;
                let sequence = line.next_sequence();
                let pdu = Pdu::new(Command::ENQUIRE_LINK, sequence, Body::Empty);
                put(leg, &pdu, out);
                self.set_leg(leg, now, self.settings.response_timeout);
            }
        }
    }

    /// Octets came on a leg.
    pub(super) fn octets(&mut self, now: Time, leg: Leg, octets: &[u8], out: &mut Vec<Out>) {
        if let Some(line) = self.lines.get_mut(&leg)
            && !line.is_closed()
        {
            line.framer.push(octets);
        }
        // The loop ends with the link: a closed leg has a framer without octets.
        while let Some(cut) = self.lines.get_mut(&leg).and_then(|line| line.framer.cut()) {
            match cut {
                Ok(octets) => self.pdu(now, leg, &octets, out),
                Err(_) => {
                    refuse(leg, Status::INVALID_COMMAND_LENGTH, 0, out);
                    self.close(now, leg, Why::Desynchronised, out);
                }
            }
        }
    }

    fn pdu(&mut self, now: Time, leg: Leg, octets: &Bytes, out: &mut Vec<Out>) {
        if let Some(line) = self.lines.get_mut(&leg)
            && line.is_bound()
        {
            line.is_enquired = false;
            self.set_leg(leg, now, self.settings.enquire_after);
        }
        match Pdu::decode(octets) {
            Ok(pdu) if pdu.command.is_response() => self.response(now, leg, &pdu, out),
            Ok(pdu) => self.request(now, leg, &pdu, out),
            Err(_) => {
                let Some((command, status, sequence)) = header(octets) else {
                    return;
                };
                if command.is_response() {
                    self.garbled(now, leg, status, sequence, out);
                } else {
                    refuse(leg, Status::INVALID_COMMAND_LENGTH, sequence, out);
                }
            }
        }
    }

    fn response(&mut self, now: Time, leg: Leg, pdu: &Pdu<'_>, out: &mut Vec<Out>) {
        let state = self.lines.get(&leg).map(|line| line.state);
        match (state, pdu.command) {
            (Some(State::Binding(sequence)), _) if pdu.sequence == sequence => {
                self.bind_answered(now, leg, pdu, out);
            }
            (Some(State::Unbinding), Command::UNBIND_RESP) => {
                self.close(now, leg, Why::Stopped, out);
            }
            (
                Some(State::Bound(_)),
                Command::SUBMIT_SM_RESP
                | Command::DATA_SM_RESP
                | Command::CANCEL_SM_RESP
                | Command::QUERY_SM_RESP
                | Command::GENERIC_NACK,
            ) if leg == Leg::Main => self.answered(now, pdu, out),
            _ => {}
        }
    }

    fn bind_answered(&mut self, now: Time, leg: Leg, pdu: &Pdu<'_>, out: &mut Vec<Out>) {
        if pdu.status != Status::OK || pdu.command == Command::GENERIC_NACK {
            return self.close(now, leg, Why::Refused(pdu.status), out);
        }
        let Some(line) = self.lines.get_mut(&leg) else {
            return;
        };
        line.state = State::Bound(now);
        let theirs = pdu.tlvs.octets(tag::SC_INTERFACE_VERSION);
        let theirs = theirs.and_then(|it| it.first()).copied();
        // A message centre that does not say its version knows no optional parameters, or did not bother.
        let version = theirs.map_or(Version::V34, Version::of_number);
        let system_id = match pdu.body {
            Body::BindResponse(system_id) => text(system_id),
            _ => String::new(),
        };
        out.push(Out::Bound {
            leg,
            version: version.min(self.settings.version),
            system_id,
        });
        self.set_leg(leg, now, self.settings.enquire_after);
    }

    fn request(&mut self, now: Time, leg: Leg, pdu: &Pdu<'_>, out: &mut Vec<Out>) {
        let state = self.lines.get(&leg).map(|line| line.state);
        match (pdu.command, pdu.body) {
            (Command::ENQUIRE_LINK, _) => answer(leg, pdu, Status::OK, Body::Empty, out),
            (Command::UNBIND, _) => {
                answer(leg, pdu, Status::OK, Body::Empty, out);
                self.close(now, leg, Why::Unbound, out);
            }
            (Command::OUTBIND, Body::Outbind(system_id, password))
                if state == Some(State::Awaiting) =>
            {
                let wanted = self.settings.outbind.as_ref();
                if wanted.is_some_and(|(id, word)| is_it(id, system_id) && is_it(word, password)) {
                    self.bind(now, leg, out);
                } else {
                    self.close(now, leg, Why::WrongOutbind, out);
                }
            }
            (Command::ALERT_NOTIFICATION, Body::Alert(source, _)) => {
                out.push(Out::Available(Address::read(source)));
            }
            (Command::DELIVER_SM | Command::DATA_SM, _) => {
                let status = match state {
                    Some(State::Bound(_) | State::Unbinding) => self.take(now, pdu, out),
                    _ => Status::WRONG_BIND_STATE,
                };
                answer(leg, pdu, status, Body::MessageResponse(Text(&[])), out);
            }
            // Neither of them has a response.
            (Command::OUTBIND | Command::ALERT_NOTIFICATION, _) => {}
            _ => refuse(leg, Status::INVALID_COMMAND, pdu.sequence, out),
        }
    }

    /// Takes a message or receipt from the message centre.
    fn take(&mut self, now: Time, pdu: &Pdu<'_>, out: &mut Vec<Out>) -> Status {
        if self.is_held {
            return Status::RECEIVER_TEMPORARY;
        }
        let Some(message) = ShortMessage::read(pdu) else {
            return Status::SYSTEM_ERROR;
        };
        match Receipt::read(&message) {
            Some(receipt) => self.receipts.take(now, receipt, out),
            None => out.push(Out::Received(message)),
        }
        Status::OK
    }

    /// Takes leave of the peer on every leg.
    pub(super) fn unbind_all(&mut self, now: Time, out: &mut Vec<Out>) {
        for leg in self.legs() {
            let Some(line) = self.lines.get_mut(&leg) else {
                continue;
            };
            match line.state {
                State::Bound(_) => {
                    line.state = State::Unbinding;
                    let sequence = line.next_sequence();
                    put(leg, &Pdu::new(Command::UNBIND, sequence, Body::Empty), out);
                    self.set_leg(leg, now, self.settings.connect_timeout);
                }
                State::Connecting | State::Awaiting | State::Binding(_) => {
                    self.close(now, leg, Why::Stopped, out);
                }
                State::Closed => self.timers.cancel(Timer::Leg(leg)),
                State::Unbinding => {}
            }
        }
    }

    fn set_leg(&mut self, leg: Leg, now: Time, after: Duration) {
        self.timers.set(Timer::Leg(leg), now + after);
    }
}

/// Whether a status speaks of the load, so that the same succeeds a little later.
pub(super) const fn is_load(status: Status) -> bool {
    matches!(status, Status::THROTTLED | Status::QUEUE_FULL)
}

fn is_it(wanted: &str, text: Text<'_>) -> bool {
    wanted.as_bytes() == text.0
}

/// Writes a PDU; settings that fit no PDU make none, and the bind ends by its time.
fn put(leg: Leg, pdu: &Pdu<'_>, out: &mut Vec<Out>) {
    if let Ok(octets) = pdu.encode() {
        out.push(Out::Octets(leg, octets.into()));
    }
}

/// Answers a request.
fn answer(leg: Leg, to: &Pdu<'_>, status: Status, body: Body<'_>, out: &mut Vec<Out>) {
    let pdu = Pdu {
        status,
        ..Pdu::new(to.command.response(), to.sequence, body)
    };
    put(leg, &pdu, out);
}

/// Answers what is no request.
fn refuse(leg: Leg, status: Status, sequence: u32, out: &mut Vec<Out>) {
    let pdu = Pdu {
        status,
        ..Pdu::new(Command::GENERIC_NACK, sequence, Body::Empty)
    };
    put(leg, &pdu, out);
}
