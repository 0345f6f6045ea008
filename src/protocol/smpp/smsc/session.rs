//! One link of a message centre: bind, enquiries, requests to the ESME, the end.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use super::{Delivered, Out, Smsc, Timer};
use crate::codec::smpp::{Bind, Body, Command, Pdu, Status, Tlvs, put_number, tag};
use crate::limits;
use crate::protocol::smpp::Version;
use crate::protocol::smpp::message::{ShortMessage, text};
use crate::protocol::smpp::stream::{Framer, header};
use crate::time::Time;
use crate::world::LinkId;

/// Where a session stands.
///
/// ```text
///   Accepted, Opened   +------+   bind   +-------+  unbind sent  +-----------+
///   ------------------>| Open |--------->| Bound |-------------->| Unbinding |--> closed
///                      +------+          +-------+               +-----------+
///                          |  refused, too late  |  link gone, no answer, not SMPP, unbound
///                          +---------------------+--> closed
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Open,
    Bound(Party),
    Unbinding(Party),
}

/// Who is bound, for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Party {
    pub(super) system_id: String,
    pub(super) submits: bool,
    pub(super) receives: bool,
    pub(super) version: Version,
}

/// One session.
#[derive(Debug)]
pub(super) struct Session {
    state: State,
    framer: Framer,
    sequence: u32,
    is_enquired: bool,
    /// The ESME had no room: nothing goes to it for a while.
    is_busy: bool,
    /// Deliveries by the sequence number they went with.
    sent: BTreeMap<u32, u64>,
}

impl Session {
    /// Who it is, if it is bound.
    pub(super) const fn party(&self) -> Option<&Party> {
        match &self.state {
            State::Bound(party) => Some(party),
            State::Open | State::Unbinding(_) => None,
        }
    }

    /// Who it is, if it takes messages.
    pub(super) fn receiver(&self) -> Option<&str> {
        let party = self.party().filter(|party| party.receives)?;
        Some(&party.system_id)
    }

    const fn next_sequence(&mut self) -> u32 {
        self.sequence = if self.sequence >= 0x7FFF_FFFF {
            1
        } else {
            self.sequence.saturating_add(1)
        };
        self.sequence
    }
}

impl Smsc {
    /// A link is there: one that an ESME opened, or one that we opened to say an outbind with that password.
    pub(super) fn accepted(
        &mut self,
        now: Time,
        link: LinkId,
        outbind: Option<&str>,
        out: &mut Vec<Out>,
    ) {
        if self.is_stopping || self.sessions.len() >= limits::SMPP_SESSIONS {
            return out.push(Out::Close(link));
        }
        let mut session = Session {
            state: State::Open,
            framer: Framer::default(),
            sequence: 0,
            is_enquired: false,
            is_busy: false,
            sent: BTreeMap::new(),
        };
        if let Some(password) = outbind {
            let body = Body::Outbind(self.settings.system_id.as_str().into(), password.into());
            let pdu = Pdu::new(Command::OUTBIND, session.next_sequence(), body);
            put(link, &pdu, out);
        }
        self.sessions.insert(link, session);
        self.set_session(link, now, self.settings.bind_timeout);
    }

    /// The link of a session is gone: what was sent on it goes again on another.
    pub(super) fn link_gone(&mut self, now: Time, link: LinkId, out: &mut Vec<Out>) {
        let Some(session) = self.sessions.remove(&link) else {
            return;
        };
        self.timers.cancel(Timer::Session(link));
        self.timers.cancel(Timer::Busy(link));
        if let State::Bound(party) | State::Unbinding(party) = session.state {
            for (sequence, serial) in session.sent {
                self.timers.cancel(Timer::Request(link, sequence));
                self.deliveries.again(&party.system_id, serial);
            }
            let system_id = party.system_id.clone();
            out.push(Out::Unbound { link, system_id });
            self.deliver(now, &party.system_id, out);
        }
    }

    /// Closes the link of a session.
    pub(super) fn close(&mut self, now: Time, link: LinkId, out: &mut Vec<Out>) {
        out.push(Out::Close(link));
        self.link_gone(now, link, out);
    }

    /// The timer of a session is due.
    pub(super) fn session_due(&mut self, now: Time, link: LinkId, out: &mut Vec<Out>) {
        let Some(session) = self.sessions.get_mut(&link) else {
            return;
        };
        if session.party().is_none() || session.is_enquired {
            return self.close(now, link, out);
        }
        session.is_enquired = true;
        let sequence = session.next_sequence();
        let pdu = Pdu::new(Command::ENQUIRE_LINK, sequence, Body::Empty);
        put(link, &pdu, out);
        self.set_session(link, now, self.settings.response_timeout);
    }

    /// Octets came on a link.
    pub(super) fn octets(&mut self, now: Time, link: LinkId, octets: &[u8], out: &mut Vec<Out>) {
        if let Some(session) = self.sessions.get_mut(&link) {
            session.framer.push(octets);
        }
        while let Some(cut) = self
            .sessions
            .get_mut(&link)
            .and_then(|session| session.framer.cut())
        {
            match cut {
                Ok(octets) => self.pdu(now, link, &octets, out),
                Err(_) => {
                    refuse(link, Status::INVALID_COMMAND_LENGTH, 0, out);
                    self.close(now, link, out);
                }
            }
        }
    }

    fn pdu(&mut self, now: Time, link: LinkId, octets: &Bytes, out: &mut Vec<Out>) {
        let Some(session) = self.sessions.get_mut(&link) else {
            return;
        };
        session.is_enquired = false;
        if session.party().is_some() {
            self.set_session(link, now, self.settings.enquire_after);
        }
        let Ok(pdu) = Pdu::decode(octets) else {
            if let Some((command, _, sequence)) = header(octets)
                && !command.is_response()
            {
                refuse(link, Status::INVALID_COMMAND_LENGTH, sequence, out);
            }
            return;
        };
        match (pdu.command, pdu.body) {
            (Command::ENQUIRE_LINK, _) => answer(link, &pdu, Status::OK, Body::Empty, out),
            (_, Body::Bind(bind)) => self.bind(now, link, &pdu, &bind, out),
            (Command::UNBIND, _) => {
                answer(link, &pdu, Status::OK, Body::Empty, out);
                self.close(now, link, out);
            }
            (Command::UNBIND_RESP, _) => {
                let session = self.sessions.get(&link);
                if session.is_some_and(|it| matches!(it.state, State::Unbinding(_))) {
                    self.close(now, link, out);
                }
            }
            (command, _) if command.is_response() => self.answered(now, link, &pdu, out),
            _ => self.request(now, link, &pdu, out),
        }
    }

    fn bind(
        &mut self,
        now: Time,
        link: LinkId,
        pdu: &Pdu<'_>,
        bind: &Bind<'_>,
        out: &mut Vec<Out>,
    ) {
        let Some(session) = self.sessions.get_mut(&link) else {
            return;
        };
        if session.state != State::Open {
            return answer(link, pdu, Status::ALREADY_BOUND, Body::Empty, out);
        }
        let status = judge(&self.settings.accounts, bind);
        if status != Status::OK {
            answer(link, pdu, status, Body::Empty, out);
            return self.close(now, link, out);
        }
        let party = Party {
            system_id: text(bind.system_id),
            submits: pdu.command != Command::BIND_RECEIVER,
            receives: pdu.command != Command::BIND_TRANSMITTER,
            version: Version::of_number(bind.interface_version),
        };
        session.state = State::Bound(party.clone());
        let mut tlvs = Vec::new();
        if party.version >= Version::V34 {
            let number = Version::V50.number();
            put_number(&mut tlvs, tag::SC_INTERFACE_VERSION, number.into());
        }
        let response = Pdu {
            tlvs: Tlvs::decode(&tlvs).unwrap_or(Tlvs::none()),
            ..Pdu::new(
                pdu.command.response(),
                pdu.sequence,
                Body::BindResponse(self.settings.system_id.as_str().into()),
            )
        };
        put(link, &response, out);
        out.push(Out::Bound {
            link,
            system_id: party.system_id.clone(),
            submits: party.submits,
            receives: party.receives,
        });
        self.set_session(link, now, self.settings.enquire_after);
        self.deliver(now, &party.system_id, out);
    }

    /// Sends what waits for an ESME on its links, while their windows allow it.
    pub(super) fn deliver(&mut self, now: Time, system_id: &str, out: &mut Vec<Out>) {
        let window = self.settings.window.clamp(1, limits::SMPP_WINDOW);
        for (link, session) in &mut self.sessions {
            let is_his = session.receiver() == Some(system_id);
            while is_his && !session.is_busy && session.sent.len() < window {
                let Some((serial, message)) = self.deliveries.send(system_id) else {
                    return;
                };
                let sequence = session.next_sequence();
                let is_receipt = message.kind() != 0;
                let command = if is_receipt && self.settings.receipts_as_data {
                    Command::DATA_SM
                } else {
                    Command::DELIVER_SM
                };
                if let Ok(octets) = message.encode(command, sequence, &message.octets) {
                    out.push(Out::Octets(*link, octets));
                }
                session.sent.insert(sequence, serial);
                let due = now + self.settings.response_timeout;
                self.timers.set(Timer::Request(*link, sequence), due);
            }
        }
    }

    /// An ESME answered.
    fn answered(&mut self, now: Time, link: LinkId, pdu: &Pdu<'_>, out: &mut Vec<Out>) {
        let Some((system_id, serial)) = self.take_sent(link, pdu.sequence) else {
            return;
        };
        self.timers.cancel(Timer::Request(link, pdu.sequence));
        let outcome = match pdu.status {
            Status::OK => Delivered::Taken,
            Status::RECEIVER_TEMPORARY | Status::THROTTLED | Status::QUEUE_FULL => {
                self.deliveries.again(&system_id, serial);
                if let Some(session) = self.sessions.get_mut(&link) {
                    session.is_busy = true;
                }
                let at = now + self.settings.response_timeout;
                return self.timers.set(Timer::Busy(link), at);
            }
            status => Delivered::Refused(status),
        };
        if let Some(id) = self.deliveries.end(&system_id, serial) {
            out.push(Out::Originated { id, outcome });
        }
        self.deliver(now, &system_id, out);
    }

    /// An ESME did not answer in time: it is left, and what it did not take goes on another link.
    pub(super) fn unanswered(
        &mut self,
        now: Time,
        link: LinkId,
        sequence: u32,
        out: &mut Vec<Out>,
    ) {
        let session = self.sessions.get(&link);
        if session.is_some_and(|session| session.sent.contains_key(&sequence)) {
            self.close(now, link, out);
        }
    }

    pub(super) fn no_longer_busy(&mut self, now: Time, link: LinkId, out: &mut Vec<Out>) {
        let Some(session) = self.sessions.get_mut(&link) else {
            return;
        };
        session.is_busy = false;
        if let Some(system_id) = session.receiver().map(str::to_owned) {
            self.deliver(now, &system_id, out);
        }
    }

    fn take_sent(&mut self, link: LinkId, sequence: u32) -> Option<(String, u64)> {
        let session = self.sessions.get_mut(&link)?;
        let serial = session.sent.remove(&sequence)?;
        match &session.state {
            State::Bound(party) | State::Unbinding(party) => {
                Some((party.system_id.clone(), serial))
            }
            State::Open => None,
        }
    }

    /// Takes leave of every ESME.
    pub(super) fn unbind_all(&mut self, now: Time, out: &mut Vec<Out>) {
        let links: Vec<LinkId> = self.sessions.keys().copied().collect();
        for link in links {
            let Some(session) = self.sessions.get_mut(&link) else {
                continue;
            };
            match session.state.clone() {
                State::Open => self.close(now, link, out),
                State::Bound(party) => {
                    session.state = State::Unbinding(party);
                    let sequence = session.next_sequence();
                    put(link, &Pdu::new(Command::UNBIND, sequence, Body::Empty), out);
                    self.set_session(link, now, self.settings.response_timeout);
                }
                State::Unbinding(_) => {}
            }
        }
    }

    fn set_session(&mut self, link: LinkId, now: Time, after: Duration) {
        self.timers.set(Timer::Session(link), now + after);
    }
}

/// Whether a bind is allowed.
fn judge(accounts: &[(String, String)], bind: &Bind<'_>) -> Status {
    if accounts.is_empty() {
        return Status::OK;
    }
    let known = accounts
        .iter()
        .find(|(system_id, _)| system_id.as_bytes() == bind.system_id.0);
    match known {
        None => Status::INVALID_SYSTEM_ID,
        Some((_, password)) if password.as_bytes() == bind.password.0 => Status::OK,
        Some(_) => Status::INVALID_PASSWORD,
    }
}

/// Whether a PDU can carry the message.
pub(super) fn is_sendable(message: &ShortMessage) -> bool {
    let encoded = message.encode(Command::DELIVER_SM, 1, &message.octets);
    encoded.is_ok()
}

pub(super) fn put(link: LinkId, pdu: &Pdu<'_>, out: &mut Vec<Out>) {
    if let Ok(octets) = pdu.encode() {
        out.push(Out::Octets(link, octets.into()));
    }
}

/// Answers a request.
pub(super) fn answer(
    link: LinkId,
    to: &Pdu<'_>,
    status: Status,
    body: Body<'_>,
    out: &mut Vec<Out>,
) {
    let pdu = Pdu {
        status,
        ..Pdu::new(to.command.response(), to.sequence, body)
    };
    put(link, &pdu, out);
}

/// Answers what is no request that is known.
pub(super) fn refuse(link: LinkId, status: Status, sequence: u32, out: &mut Vec<Out>) {
    let pdu = Pdu {
        status,
        ..Pdu::new(Command::GENERIC_NACK, sequence, Body::Empty)
    };
    put(link, &pdu, out);
}
