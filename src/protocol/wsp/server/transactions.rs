//! What comes of a server's transactions.
//!
//! **Source:** WAP-230 section 7.1.5 (validation of incoming transactions), 7.1.6.4 and 7.1.6.6.

use super::{
    Abort, Bytes, Capabilities, Ended, Event, Failure, Headers, Key, Out, Pdu, Purpose, Server,
    Session, SocketAddr, State, Terms, Time, limits, options, read, reason, reply, wtp,
};
use crate::protocol::wsp::half::Half;
use std::collections::{BTreeMap, VecDeque};

impl Half for Server {
    type Out = Out;

    fn transactions(&mut self) -> (&mut wtp::Endpoint, &mut Vec<wtp::Out>) {
        (&mut self.wtp, &mut self.told)
    }

    fn take(&mut self, now: Time, key: Key, event: Event, out: &mut Vec<Out>) {
        match event {
            Event::Invoked { class, message, .. } => self.invoked(now, key, class, &message, out),
            Event::InvokeConfirmed { info } => self.push_confirmed(now, key, info, out),
            Event::ResultConfirmed { .. } => self.session_confirmed(now, key, out),
            Event::Aborted { why, by_peer } => self.aborted(now, key, why, by_peer, out),
            // A server begins no transaction of class 2.
            Event::Result { .. } => {}
        }
    }

    fn datagram(peer: SocketAddr, octets: Bytes) -> Out {
        Out::Datagram { peer, octets }
    }
}

impl Server {
    fn invoked(&mut self, now: Time, key: Key, class: u8, message: &Bytes, out: &mut Vec<Out>) {
        let own = self.by_peer.get(&key.peer).copied();
        let session = own.and_then(|id| self.sessions.get(&id));
        let terms = session.map_or(self.settings.terms, |session| session.terms);
        let pdu = read(message);
        let is_large = !terms.server_takes(message.len());
        match (class, pdu) {
            (1 | 2, Ok(_)) if is_large => self.refuse(now, key, reason::MRUEXCEEDED),
            (
                2,
                Ok(Pdu::Connect {
                    capabilities,
                    headers,
                    ..
                }),
            ) => {
                self.connect(now, key, &capabilities, &headers, out);
            }
            (
                2,
                Ok(Pdu::Resume {
                    session_id,
                    headers,
                    ..
                }),
            ) => {
                self.resume_asked(now, key, session_id, &headers, out);
            }
            (2, Ok(Pdu::Get { .. } | Pdu::Post { .. })) if own.is_some() => {
                self.wtp.result(now, key, reply(501), &mut self.told);
            }
            (0, Ok(Pdu::Disconnect { session_id })) if own == Some(session_id) => {
                self.close(now, session_id, Ended::theirs(reason::DISCONNECT), out);
            }
            (0, Ok(Pdu::Suspend { session_id })) if own == Some(session_id) => {
                self.suspend(now, session_id, reason::SUSPEND, out);
            }
            (0, _) => {}
            _ if own.is_none() => self.refuse(now, key, reason::DISCONNECT),
            _ => self.refuse(now, key, reason::PROTOERR),
        }
    }

    fn refuse(&mut self, now: Time, key: Key, reason: u8) {
        self.wtp.abort(now, key, reason, &mut self.told);
    }

    /// A client wants a session.
    fn connect(
        &mut self,
        now: Time,
        key: Key,
        capabilities: &Capabilities<'_>,
        headers: &Headers<'_>,
        out: &mut Vec<Out>,
    ) {
        if self.sessions.len() >= limits::WSP_SESSIONS {
            return self.refuse(now, key, reason::CONGESTION);
        }
        let session = loop {
            // A number that nobody can guess, in five octets at most, and never 0.
            let number = u32::try_from(self.random.next_u64() >> 33)
                .unwrap_or(1)
                .max(1);
            if !self.sessions.contains_key(&number) {
                break number;
            }
        };
        let terms = Terms::DEFAULT
            .changed(capabilities)
            .common(&self.settings.terms);
        self.sessions.insert(
            session,
            Session {
                peer: key.peer,
                state: State::Connecting(key),
                terms,
                offered: Bytes::copy_from_slice(capabilities.octets()),
                waiting: VecDeque::new(),
                sent: BTreeMap::new(),
            },
        );
        self.purposes.insert(key, Purpose::Session(session));
        self.wtp.respond(now, key, Bytes::new(), &mut self.told);
        out.push(Out::Connecting {
            session,
            peer: key.peer,
            terms,
            headers: Bytes::copy_from_slice(headers.octets()),
        });
    }

    /// A client wants its session back, perhaps from elsewhere.
    fn resume_asked(
        &mut self,
        now: Time,
        key: Key,
        id: u32,
        headers: &Headers<'_>,
        out: &mut Vec<Out>,
    ) {
        let may = self.sessions.get(&id).is_some_and(|session| {
            session.terms.has(options::RESUME) && !matches!(session.state, State::Connecting(_))
        });
        if !may {
            return self.refuse(now, key, reason::DISCONNECT);
        }
        self.suspend(now, id, reason::RESUME, out);
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        session.state = State::Resuming(key);
        self.purposes.insert(key, Purpose::Session(id));
        self.wtp.respond(now, key, Bytes::new(), &mut self.told);
        out.push(Out::Resuming {
            session: id,
            peer: key.peer,
            headers: Bytes::copy_from_slice(headers.octets()),
        });
    }

    /// The client knows the answer to Connect or Resume.
    fn session_confirmed(&mut self, now: Time, key: Key, out: &mut Vec<Out>) {
        let Some(Purpose::Session(id)) = self.purposes.remove(&key) else {
            return;
        };
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let is_new = matches!(session.state, State::Connecting2(_));
        session.state = State::Connected;
        out.push(match is_new {
            true => Out::Connected { session: id },
            false => Out::Resumed { session: id },
        });
        self.heard(now, id);
        self.pump(now, id, out);
    }

    fn push_confirmed(&mut self, now: Time, key: Key, info: Bytes, out: &mut Vec<Out>) {
        let Some(Purpose::Push(id)) = self.purposes.remove(&key) else {
            return;
        };
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let headers = if session.terms.has(options::ACKNOWLEDGEMENT_HEADERS) {
            info
        } else {
            Bytes::new()
        };
        if let Some(push) = session.sent.remove(&key) {
            out.push(Out::Confirmed {
                session: id,
                id: push,
                headers,
            });
        }
        self.heard(now, id);
        self.pump(now, id, out);
    }

    fn aborted(&mut self, now: Time, key: Key, why: Abort, by_peer: bool, out: &mut Vec<Out>) {
        match self.purposes.remove(&key) {
            Some(Purpose::Push(id)) => self.push_aborted(now, id, key, why, by_peer, out),
            Some(Purpose::Session(id)) => {
                let resumes = self.sessions.get(&id).is_some_and(|session| {
                    matches!(session.state, State::Resuming(_) | State::Resuming2(_))
                });
                let ends = why == Abort::User(reason::DISCONNECT);
                if resumes && !ends {
                    self.suspend(now, id, user_reason(why), out);
                } else {
                    self.close(now, id, Ended::Failed(why), out);
                }
            }
            Some(Purpose::Terminating) | None => {}
        }
    }

    fn push_aborted(
        &mut self,
        now: Time,
        id: u32,
        key: Key,
        why: Abort,
        by_peer: bool,
        out: &mut Vec<Out>,
    ) {
        if let Some(push) = self
            .sessions
            .get_mut(&id)
            .and_then(|session| session.sent.remove(&key))
        {
            out.push(Out::Failed {
                session: id,
                id: push,
                why: Failure::Aborted { why, by_peer },
            });
        }
        match why {
            Abort::User(reason::DISCONNECT) => {
                self.close(now, id, Ended::theirs(reason::DISCONNECT), out);
            }
            Abort::User(reason::SUSPEND) => self.suspend(now, id, reason::SUSPEND, out),
            _ => self.pump(now, id, out),
        }
    }
}

/// The reason of a suspension that a failed transaction causes.
const fn user_reason(why: Abort) -> u8 {
    match why {
        Abort::User(reason) => reason,
        Abort::Provider(_) => reason::NETERR,
    }
}
