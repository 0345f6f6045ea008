//! What a server does with its sessions and their pushes.
//!
//! **Source:** WAP-230 sections 7.1.6.4 and 7.1.6.6.

use super::{
    Abort, Bytes, CONFIRMED_PUSH, Capabilities, Ended, Failure, Headers, Message, Out, PUSH, Pdu,
    Purpose, Rigour, Server, State, Time, Waiting, limits, octets_of, options, reason, reply,
};

impl Server {
    /// The session begins; an older one of the client's ends.
    pub(super) fn accept(&mut self, now: Time, id: u32, headers: &Bytes, out: &mut Vec<Out>) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let State::Connecting(key) = session.state else {
            return;
        };
        session.state = State::Connecting2(key);
        let offered = Capabilities::decode(&session.offered, &mut Rigour::Settled);
        let answer = session
            .terms
            .answer(&offered.unwrap_or(Capabilities::none()));
        let peer = session.peer;
        session.offered = Bytes::new();
        let settled = &mut Rigour::Settled;
        let pdu = Pdu::ConnectReply {
            session_id: id,
            capabilities: Capabilities::decode(&answer, settled).unwrap_or(Capabilities::none()),
            headers: Headers::decode(headers, settled).unwrap_or(Headers::none()),
        };
        let pdu = octets_of(&pdu);
        self.bind(now, id, peer, out);
        self.wtp.result(now, key, pdu, &mut self.told);
    }

    /// The session continues where the client is now.
    pub(super) fn resume(&mut self, now: Time, id: u32, out: &mut Vec<Out>) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let State::Resuming(key) = session.state else {
            return;
        };
        session.state = State::Resuming2(key);
        let before = core::mem::replace(&mut session.peer, key.peer);
        if self.by_peer.get(&before) == Some(&id) {
            self.by_peer.remove(&before);
        }
        self.bind(now, id, key.peer, out);
        self.wtp.result(now, key, reply(200), &mut self.told);
    }

    /// There is one session for a client's address.
    fn bind(&mut self, now: Time, id: u32, peer: std::net::SocketAddr, out: &mut Vec<Out>) {
        if let Some(old) = self.by_peer.get(&peer).copied().filter(|old| *old != id) {
            self.close(now, old, Ended::ours(reason::DISCONNECT), out);
        }
        self.by_peer.insert(peer, id);
        self.heard(now, id);
    }

    /// Answers Connect with something else than a session; of Resume the session ends.
    pub(super) fn turn_away(&mut self, now: Time, id: u32, pdu: Bytes, out: &mut Vec<Out>) {
        let state = self.sessions.get(&id).map(|session| session.state);
        let Some(State::Connecting(key) | State::Resuming(key)) = state else {
            return;
        };
        self.wtp.result(now, key, pdu, &mut self.told);
        self.purposes.insert(key, Purpose::Terminating);
        if let Some(session) = self.sessions.get_mut(&id) {
            // The transaction goes on by itself.
            session.state = State::Suspended;
        }
        self.close(now, id, Ended::ours(reason::USERREQ), out);
    }

    /// The user ends a session and the client is told.
    pub(super) fn disconnect(&mut self, now: Time, id: u32, out: &mut Vec<Out>) {
        let Some(session) = self.sessions.get(&id) else {
            return;
        };
        let (peer, state) = (session.peer, session.state);
        if !matches!(state, State::Suspended | State::Connecting(_)) {
            let pdu = octets_of(&Pdu::Disconnect { session_id: id });
            let _ = self.wtp.invoke(now, peer, 0, false, pdu);
        }
        self.close(now, id, Ended::ours(reason::USERREQ), out);
    }

    /// The session is over, and with it everything in it.
    pub(super) fn close(&mut self, now: Time, id: u32, why: Ended, out: &mut Vec<Out>) {
        self.abort_all(now, id, reason::DISCONNECT, out);
        let Some(session) = self.sessions.remove(&id) else {
            return;
        };
        self.silence.cancel(id);
        if self.by_peer.get(&session.peer) == Some(&id) {
            self.by_peer.remove(&session.peer);
        }
        for push in session.waiting {
            self.octets_waiting = self.octets_waiting.saturating_sub(push.pdu.len());
            out.push(failed(id, push.id, aborted(reason::DISCONNECT)));
        }
        out.push(Out::Closed { session: id, why });
    }

    /// The session is suspended, if it can be: else it is over.
    pub(super) fn suspend(&mut self, now: Time, id: u32, reason: u8, out: &mut Vec<Out>) {
        let Some(session) = self.sessions.get(&id) else {
            return;
        };
        if session.state == State::Suspended {
            return;
        }
        if !session.terms.has(options::RESUME) {
            return self.close(now, id, Ended::theirs(reason), out);
        }
        self.abort_all(now, id, reason, out);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.state = State::Suspended;
        }
        out.push(Out::Suspended {
            session: id,
            reason,
        });
        self.heard(now, id);
    }

    /// Aborts the transactions of a session.
    fn abort_all(&mut self, now: Time, id: u32, reason: u8, out: &mut Vec<Out>) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let own = session.transaction();
        let sent = core::mem::take(&mut session.sent);
        for key in own.into_iter().chain(sent.keys().copied()) {
            self.purposes.remove(&key);
            self.wtp.abort(now, key, reason, &mut self.told);
        }
        for push in sent.into_values() {
            out.push(failed(id, push, aborted(reason)));
        }
    }

    /// Takes a push: it goes at once, waits, or fails.
    pub(super) fn push(
        &mut self,
        now: Time,
        id: u32,
        push: u64,
        message: &Message,
        confirmed: bool,
        out: &mut Vec<Out>,
    ) {
        let pdu = message.pdu(if confirmed { CONFIRMED_PUSH } else { PUSH });
        let octets = self.octets_waiting.saturating_add(pdu.len());
        let Some(session) = self.sessions.get_mut(&id) else {
            out.push(failed(id, push, Failure::NoSession));
            return;
        };
        let option = if confirmed {
            options::CONFIRMED_PUSH
        } else {
            options::PUSH
        };
        let fault = if !session.terms.has(option) {
            Some(Failure::NotAgreed)
        } else if !session.terms.client_takes(pdu.len()) {
            Some(Failure::TooLarge)
        } else if session.waiting.len() >= limits::WSP_PUSHES_WAITING
            || octets > limits::WSP_OCTETS_WAITING
        {
            Some(Failure::Full)
        } else {
            None
        };
        if let Some(why) = fault {
            out.push(failed(id, push, why));
            return;
        }
        self.octets_waiting = octets;
        session.waiting.push_back(Waiting {
            id: push,
            pdu,
            confirmed,
        });
        self.pump(now, id, out);
    }

    /// Sends the pushes whose turn it is, in the order in which they came.
    pub(super) fn pump(&mut self, now: Time, id: u32, out: &mut Vec<Out>) {
        while let Some(session) = self.sessions.get_mut(&id) {
            let at_a_time = usize::from(session.terms.pushes.max(1));
            let may = |push: &Waiting| !push.confirmed || session.sent.len() < at_a_time;
            if session.state != State::Connected || !session.waiting.front().is_some_and(may) {
                return;
            }
            let Some(push) = session.waiting.pop_front() else {
                return;
            };
            self.octets_waiting = self.octets_waiting.saturating_sub(push.pdu.len());
            let class = u8::from(push.confirmed);
            match self
                .wtp
                .invoke(now, session.peer, class, push.confirmed, push.pdu)
            {
                Ok(key) if push.confirmed => {
                    session.sent.insert(key, push.id);
                    self.purposes.insert(key, Purpose::Push(id));
                }
                Ok(_) => out.push(Out::Sent {
                    session: id,
                    id: push.id,
                }),
                Err(why) => {
                    let by_peer = false;
                    out.push(failed(id, push.id, Failure::Aborted { why, by_peer }));
                }
            }
        }
    }

    pub(super) fn abort_push(
        &mut self,
        now: Time,
        id: u32,
        push: u64,
        reason: u8,
        out: &mut Vec<Out>,
    ) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        if let Some(at) = session.waiting.iter().position(|it| it.id == push) {
            if let Some(gone) = session.waiting.remove(at) {
                self.octets_waiting = self.octets_waiting.saturating_sub(gone.pdu.len());
            }
        } else if let Some(key) = session
            .sent
            .iter()
            .find_map(|(key, id)| (*id == push).then_some(*key))
        {
            session.sent.remove(&key);
            self.purposes.remove(&key);
            self.wtp.abort(now, key, reason, &mut self.told);
        } else {
            return;
        }
        out.push(failed(id, push, aborted(reason)));
        self.pump(now, id, out);
    }

    /// The client lives.
    pub(super) fn heard(&mut self, now: Time, id: u32) {
        if self.sessions.contains_key(&id) {
            self.silence.set(id, now + self.settings.silence_max);
        }
    }
}

const fn failed(session: u32, id: u64, why: Failure) -> Out {
    Out::Failed { session, id, why }
}

const fn aborted(reason: u8) -> Failure {
    Failure::Aborted {
        why: Abort::User(reason),
        by_peer: false,
    }
}
