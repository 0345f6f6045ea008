//! The device's half of sessions: it opens them and takes pushes.
//!
//! **Source:** WAP-230 sections 7.1.6.1 and 7.1.6.3; WAP-235 section 6. There is one session with a server's address, so
//! that address names it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use bytes::Bytes;

use crate::codec::wsp::assigned::http_status;
use crate::codec::wsp::{Capabilities, Headers, Pdu, Rigour, options};
use crate::limits;
use crate::machine::Machine;
use crate::protocol::wtp::{self, Abort, Endpoint, Event, Key};
use crate::random::Random;
use crate::time::Time;

use super::half::Half as _;
use super::{Ended, Terms, contact_points, octets_of, read, reason};

mod transactions;

/// How a client behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What it offers.
    pub terms: Terms,
    /// How its transactions behave.
    pub wtp: wtp::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            terms: Terms::PUSH,
            wtp: wtp::Settings::default(),
        }
    }
}

/// What a client is told.
#[derive(Clone, Debug)]
pub enum In {
    /// A datagram came.
    Datagram {
        /// From whom.
        peer: SocketAddr,
        /// What.
        octets: Bytes,
    },
    /// Opens a session; one with the same server ends.
    Connect {
        /// The server.
        server: SocketAddr,
        /// Session headers, encoded: Accept-Application, Encoding-Version, Bearer-Indication ...
        headers: Bytes,
    },
    /// Ends a session.
    Disconnect {
        /// Which.
        server: SocketAddr,
    },
    /// Suspends a session.
    Suspend {
        /// Which.
        server: SocketAddr,
    },
    /// Resumes a session, also from another address than before.
    Resume {
        /// Which.
        server: SocketAddr,
        /// Session headers, encoded.
        headers: Bytes,
    },
    /// Confirms a push.
    Confirm {
        /// Which.
        push: Key,
        /// Acknowledgement headers, encoded, at most 255 octets; left out unless they were agreed upon.
        headers: Bytes,
    },
    /// Refuses a push.
    AbortPush {
        /// Which.
        push: Key,
        /// USERREQ, USERRFS, USERPND, USERDCR or USERDCU.
        reason: u8,
    },
}

/// What a client asks for or tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Out {
    /// Send a datagram.
    Datagram {
        /// To whom.
        peer: SocketAddr,
        /// What.
        octets: Bytes,
    },
    /// A session is open.
    Connected {
        /// Which.
        server: SocketAddr,
        /// The number that the server gave it.
        session: u32,
        /// On these terms.
        terms: Terms,
        /// Session headers, encoded.
        headers: Bytes,
    },
    /// A session is suspended.
    Suspended {
        /// Which.
        server: SocketAddr,
        /// One of [`reason`].
        reason: u8,
    },
    /// A session is resumed.
    Resumed {
        /// Which.
        server: SocketAddr,
    },
    /// A session is over.
    Closed {
        /// Which.
        server: SocketAddr,
        /// Why.
        why: Ended,
    },
    /// A push came; read it with [`super::content_of`].
    Push {
        /// In which session.
        server: SocketAddr,
        /// The push PDU.
        pdu: Bytes,
        /// To be answered with [`In::Confirm`] or [`In::AbortPush`], if at all.
        confirm: Option<Key>,
    },
    /// A push that was not answered yet is over.
    PushAborted {
        /// Which.
        push: Key,
        /// Why.
        why: Abort,
    },
}

/// Where a session stands.
///
/// ```text
///          Connect                ConnectReply
///   Null ----------> Connecting --------------> Connected <----------+
///                     | Redirect, Reply,         |                   | Reply (OK)
///                     V aborted: end             | suspend           |
///                                                V       resume      |
///                                            Suspended ---------> Resuming
///                                                ^                   |
///                                                +-------------------+ aborted, suspend
///   every state: Disconnect, end
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Connect is under way.
    Connecting(Key),
    /// Open.
    Connected,
    /// Suspended.
    Suspended,
    /// Resume is under way.
    Resuming(Key),
}

/// One session.
#[derive(Debug)]
struct Session {
    state: State,
    number: u32,
    terms: Terms,
    /// Pushes that wait for their answer.
    pushes: BTreeSet<Key>,
}

impl Session {
    const fn transaction(&self) -> Option<Key> {
        match self.state {
            State::Connecting(key) | State::Resuming(key) => Some(key),
            State::Connected | State::Suspended => None,
        }
    }
}

/// The sessions of one socket of a device.
#[derive(Debug)]
pub struct Client {
    settings: Settings,
    wtp: Endpoint,
    sessions: BTreeMap<SocketAddr, Session>,
    told: Vec<wtp::Out>,
}

impl Client {
    /// A client without sessions.
    #[must_use]
    pub fn new(settings: Settings, random: Random) -> Self {
        Self {
            wtp: Endpoint::new(settings.wtp.clone(), random),
            settings,
            sessions: BTreeMap::new(),
            told: Vec::new(),
        }
    }

    /// Whether a session with that server is open.
    #[must_use]
    pub fn is_connected(&self, server: SocketAddr) -> bool {
        self.sessions
            .get(&server)
            .is_some_and(|session| session.state == State::Connected)
    }

    /// What the transactions hold.
    #[must_use]
    pub fn load(&self) -> wtp::Load {
        self.wtp.load()
    }

    fn connect(&mut self, now: Time, server: SocketAddr, headers: &Bytes, out: &mut Vec<Out>) {
        self.close(now, server, Ended::ours(reason::DISCONNECT), out);
        let refused = |why| Out::Closed {
            server,
            why: Ended::Failed(why),
        };
        if self.sessions.len() >= limits::WSP_SESSIONS {
            let why = Abort::Provider(wtp::reason::CAPTEMPEXCEEDED);
            out.push(refused(why));
            return;
        }
        let settled = &mut Rigour::Settled;
        let capabilities = self.settings.terms.capabilities();
        let pdu = octets_of(&Pdu::Connect {
            version: VERSION,
            capabilities: Capabilities::decode(&capabilities, settled)
                .unwrap_or(Capabilities::none()),
            headers: Headers::decode(headers, settled).unwrap_or(Headers::none()),
        });
        match self.wtp.invoke(now, server, 2, true, pdu) {
            Ok(key) => {
                let session = Session {
                    state: State::Connecting(key),
                    number: 0,
                    terms: self.settings.terms,
                    pushes: BTreeSet::new(),
                };
                self.sessions.insert(server, session);
            }
            Err(why) => out.push(refused(why)),
        }
    }

    fn disconnect(&mut self, now: Time, server: SocketAddr, out: &mut Vec<Out>) {
        let Some(session) = self.sessions.get(&server) else {
            return;
        };
        if session.state == State::Connected {
            let session_id = session.number;
            let pdu = octets_of(&Pdu::Disconnect { session_id });
            let _ = self.wtp.invoke(now, server, 0, false, pdu);
        }
        self.close(now, server, Ended::ours(reason::USERREQ), out);
    }

    fn suspend_by_user(&mut self, now: Time, server: SocketAddr, out: &mut Vec<Out>) {
        let Some(session) = self.sessions.get(&server) else {
            return;
        };
        let may = matches!(session.state, State::Connected | State::Resuming(_));
        if may && session.terms.has(options::RESUME) {
            let session_id = session.number;
            self.suspend(now, server, reason::USERREQ, out);
            let pdu = octets_of(&Pdu::Suspend { session_id });
            let _ = self.wtp.invoke(now, server, 0, false, pdu);
        }
    }

    fn resume(&mut self, now: Time, server: SocketAddr, headers: &Bytes, out: &mut Vec<Out>) {
        let may = self.sessions.get(&server).is_some_and(|session| {
            matches!(session.state, State::Connected | State::Suspended)
                && session.terms.has(options::RESUME)
        });
        if !may {
            return;
        }
        self.abort_all(now, server, reason::USERREQ, out);
        let Some(session) = self.sessions.get_mut(&server) else {
            return;
        };
        let pdu = octets_of(&Pdu::Resume {
            session_id: session.number,
            capabilities: Capabilities::none(),
            headers: Headers::decode(headers, &mut Rigour::Settled).unwrap_or(Headers::none()),
        });
        match self.wtp.invoke(now, server, 2, true, pdu) {
            Ok(key) => session.state = State::Resuming(key),
            Err(_) => self.suspend(now, server, reason::NETERR, out),
        }
    }

    /// The session is over, and with it everything in it.
    fn close(&mut self, now: Time, server: SocketAddr, why: Ended, out: &mut Vec<Out>) {
        self.abort_all(now, server, reason::DISCONNECT, out);
        if self.sessions.remove(&server).is_some() {
            out.push(Out::Closed { server, why });
        }
    }

    /// The session is suspended, if it can be: else it is over.
    fn suspend(&mut self, now: Time, server: SocketAddr, reason: u8, out: &mut Vec<Out>) {
        let Some(session) = self.sessions.get(&server) else {
            return;
        };
        match session.state {
            State::Suspended => {}
            State::Connecting(_) => self.close(now, server, Ended::theirs(reason), out),
            _ if !session.terms.has(options::RESUME) => {
                self.close(now, server, Ended::theirs(reason), out);
            }
            State::Connected | State::Resuming(_) => {
                self.abort_all(now, server, reason::SUSPEND, out);
                if let Some(session) = self.sessions.get_mut(&server) {
                    session.state = State::Suspended;
                }
                out.push(Out::Suspended { server, reason });
            }
        }
    }

    /// Aborts the transactions of a session.
    fn abort_all(&mut self, now: Time, server: SocketAddr, reason: u8, out: &mut Vec<Out>) {
        let Some(session) = self.sessions.get_mut(&server) else {
            return;
        };
        let own = session.transaction();
        let pushes = core::mem::take(&mut session.pushes);
        for key in own.into_iter().chain(pushes.iter().copied()) {
            self.wtp.abort(now, key, reason, &mut self.told);
        }
        let why = Abort::User(reason);
        out.extend(
            pushes
                .into_iter()
                .map(|push| Out::PushAborted { push, why }),
        );
    }

    fn confirm(&mut self, now: Time, push: Key, headers: Bytes) {
        let Some(session) = self.sessions.get_mut(&push.peer) else {
            return;
        };
        if session.pushes.remove(&push) {
            let agreed = session.terms.has(options::ACKNOWLEDGEMENT_HEADERS);
            let info = if agreed && headers.len() <= 255 {
                headers
            } else {
                Bytes::new()
            };
            self.wtp.respond(now, push, info, &mut self.told);
        }
    }

    fn abort_push(&mut self, now: Time, push: Key, reason: u8) {
        if let Some(session) = self.sessions.get_mut(&push.peer)
            && session.pushes.remove(&push)
        {
            self.wtp.abort(now, push, reason, &mut self.told);
        }
    }
}

/// Version 1.0 of the protocol, which all encoding versions share.
const VERSION: u8 = 0x10;

impl Machine for Client {
    type Input = In;
    type Output = Out;

    fn handle(&mut self, now: Time, input: In, out: &mut Vec<Out>) {
        match input {
            In::Datagram { peer, octets } => {
                self.wtp.receive(now, peer, &octets, &mut self.told);
            }
            In::Connect { server, headers } => self.connect(now, server, &headers, out),
            In::Disconnect { server } => self.disconnect(now, server, out),
            In::Suspend { server } => self.suspend_by_user(now, server, out),
            In::Resume { server, headers } => self.resume(now, server, &headers, out),
            In::Confirm { push, headers } => self.confirm(now, push, headers),
            In::AbortPush { push, reason } => self.abort_push(now, push, reason),
        }
        self.settle(now, out);
    }

    fn expire(&mut self, now: Time, out: &mut Vec<Out>) {
        self.wtp.expire(now, &mut self.told);
        self.settle(now, out);
    }

    fn deadline(&self) -> Option<Time> {
        self.wtp.deadline()
    }
}
