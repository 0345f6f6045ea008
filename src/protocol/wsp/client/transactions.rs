//! What comes of a client's transactions.
//!
//! **Source:** WAP-230 sections 7.1.5, 7.1.6.1 and 7.1.6.3.

use super::{
    Abort, Bytes, Client, Ended, Event, Key, Out, Pdu, SocketAddr, State, Time, contact_points,
    http_status, options, read, reason, wtp,
};
use crate::protocol::wsp::half::Half;

impl Half for Client {
    type Out = Out;

    fn transactions(&mut self) -> (&mut wtp::Endpoint, &mut Vec<wtp::Out>) {
        (&mut self.wtp, &mut self.told)
    }

    fn take(&mut self, now: Time, key: Key, event: Event, out: &mut Vec<Out>) {
        match event {
            Event::Invoked { class, message, .. } => self.invoked(now, key, class, message, out),
            Event::Result { message } => self.answered(now, key, &message, out),
            Event::Aborted { why, .. } => self.aborted(now, key, why, out),
            // That a request arrived says nothing yet; a client gives no results.
            Event::InvokeConfirmed { .. } | Event::ResultConfirmed { .. } => {}
        }
    }

    fn datagram(peer: SocketAddr, octets: Bytes) -> Out {
        Out::Datagram { peer, octets }
    }
}

impl Client {
    fn invoked(&mut self, now: Time, key: Key, class: u8, message: Bytes, out: &mut Vec<Out>) {
        let server = key.peer;
        let Some(session) = self.sessions.get_mut(&server) else {
            if class != 0 {
                self.refuse(now, key, reason::DISCONNECT);
            }
            return;
        };
        let terms = session.terms;
        match (class, read(&message), session.state) {
            (0, Ok(Pdu::Disconnect { session_id }), _) if session_id == session.number => {
                self.close(now, server, Ended::theirs(reason::DISCONNECT), out);
            }
            (0, Ok(Pdu::Push(_)), State::Connected)
                if terms.has(options::PUSH) && terms.client_takes(message.len()) =>
            {
                out.push(Out::Push {
                    server,
                    pdu: message,
                    confirm: None,
                });
            }
            (0, _, _) => {}
            _ if !terms.client_takes(message.len()) => {
                self.refuse(now, key, reason::MRUEXCEEDED);
            }
            (1, Ok(Pdu::ConfirmedPush(_)), State::Connected)
                if terms.has(options::CONFIRMED_PUSH) =>
            {
                if session.pushes.len() >= usize::from(terms.pushes.max(1)) {
                    return self.refuse(now, key, reason::MOREXCEEDED);
                }
                session.pushes.insert(key);
                out.push(Out::Push {
                    server,
                    pdu: message,
                    confirm: Some(key),
                });
            }
            (1, Ok(Pdu::ConfirmedPush(_)), State::Suspended) => {
                self.refuse(now, key, reason::SUSPEND);
            }
            _ => self.refuse(now, key, reason::PROTOERR),
        }
    }

    fn refuse(&mut self, now: Time, key: Key, reason: u8) {
        self.wtp.abort(now, key, reason, &mut self.told);
    }

    /// The answer to Connect or Resume.
    fn answered(&mut self, now: Time, key: Key, message: &Bytes, out: &mut Vec<Out>) {
        let server = key.peer;
        let Some(session) = self.sessions.get_mut(&server) else {
            return;
        };
        let fits = session.terms.client_takes(message.len());
        match (session.state, read(message)) {
            (State::Connecting(own) | State::Resuming(own), _) if own != key => {}
            (
                State::Connecting(_),
                Ok(Pdu::ConnectReply {
                    session_id,
                    capabilities,
                    headers,
                }),
            ) if fits => {
                let offered = self.settings.terms;
                // A server may not give more than was asked for.
                let terms = offered.changed(&capabilities).common(&offered);
                session.terms = terms;
                session.number = session_id;
                session.state = State::Connected;
                let headers = Bytes::copy_from_slice(headers.octets());
                self.accept(now, key);
                out.push(Out::Connected {
                    server,
                    session: session_id,
                    terms,
                    headers,
                });
            }
            (State::Connecting(_), Ok(Pdu::Redirect { flags, addresses })) if fits => {
                let why = Ended::Moved {
                    permanent: flags & 0x80 != 0,
                    reuse_security: flags & 0x40 != 0,
                    to: contact_points(&addresses),
                };
                self.turned_away(now, key, why, out);
            }
            (State::Resuming(_), Ok(Pdu::Reply { status, .. }))
                if fits && http_status(status) == Some(200) =>
            {
                session.state = State::Connected;
                self.accept(now, key);
                out.push(Out::Resumed { server });
            }
            (State::Connecting(_) | State::Resuming(_), Ok(Pdu::Reply { status, .. })) if fits => {
                let why = Ended::Refused(http_status(status).unwrap_or(0));
                self.turned_away(now, key, why, out);
            }
            (state, _) => self.unreadable(now, server, state, fits, out),
        }
    }

    /// What came is no answer, or too large.
    fn unreadable(
        &mut self,
        now: Time,
        server: SocketAddr,
        state: State,
        fits: bool,
        out: &mut Vec<Out>,
    ) {
        let why = if fits {
            reason::PROTOERR
        } else {
            reason::MRUEXCEEDED
        };
        match state {
            State::Connecting(_) => self.close(now, server, Ended::ours(why), out),
            State::Resuming(_) => self.suspend(now, server, why, out),
            State::Connected | State::Suspended => {}
        }
    }

    fn accept(&mut self, now: Time, key: Key) {
        self.wtp.respond(now, key, Bytes::new(), &mut self.told);
    }

    fn turned_away(&mut self, now: Time, key: Key, why: Ended, out: &mut Vec<Out>) {
        self.accept(now, key);
        if let Some(session) = self.sessions.get_mut(&key.peer) {
            // Its transaction ends by itself.
            session.state = State::Suspended;
        }
        self.close(now, key.peer, why, out);
    }

    fn aborted(&mut self, now: Time, key: Key, why: Abort, out: &mut Vec<Out>) {
        let server = key.peer;
        let Some(session) = self.sessions.get_mut(&server) else {
            return;
        };
        let ends = why == Abort::User(reason::DISCONNECT);
        if session.pushes.remove(&key) {
            out.push(Out::PushAborted { push: key, why });
            match why {
                Abort::User(reason::DISCONNECT) => {
                    self.close(now, server, Ended::theirs(reason::DISCONNECT), out);
                }
                Abort::User(reason::SUSPEND) => self.suspend(now, server, reason::SUSPEND, out),
                _ => {}
            }
        } else if session.state == State::Connecting(key)
            || (session.state == State::Resuming(key) && ends)
        {
            self.close(now, server, Ended::Failed(why), out);
        } else if session.state == State::Resuming(key) {
            let reason = match why {
                Abort::User(reason) => reason,
                Abort::Provider(_) => reason::NETERR,
            };
            self.suspend(now, server, reason, out);
        }
    }
}
