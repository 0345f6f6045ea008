//! The gateway's half of sessions: it accepts them and pushes.
//!
//! **Source:** WAP-230 sections 7.1.5, 7.1.6.4 and 7.1.6.6; WAP-235 section 6.
//!
//! A push that has been sent when its session is suspended fails with SUSPEND: nobody knows whether it arrived. One that
//! was not sent waits, and goes when the session is resumed; when it ends instead, the push fails with that reason.
//! Pushes also wait until the client has acknowledged the answer to Connect or Resume: one that overtook the answer would
//! be a protocol error to it.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use crate::codec::wsp::assigned::reply_status;
use crate::codec::wsp::{Capabilities, Headers, Pdu, Rigour, options};
use crate::limits;
use crate::machine::Machine;
use crate::protocol::wtp::{self, Abort, Endpoint, Event, Key};
use crate::random::Random;
use crate::time::Time;
use crate::timers::Timers;

use super::half::Half as _;
use super::{CONFIRMED_PUSH, Ended, Message, PUSH, Terms, octets_of, read, reason};

mod sessions;
mod transactions;

/// How a server behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The most it agrees to.
    pub terms: Terms,
    /// How its transactions behave.
    pub wtp: wtp::Settings,
    /// How long a session may be silent, suspended or not, before it ends.
    pub silence_max: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            terms: Terms::PUSH,
            wtp: wtp::Settings::default(),
            silence_max: Duration::from_secs(86_400),
        }
    }
}

/// What a server is told.
#[derive(Clone, Debug)]
pub enum In {
    /// A datagram came.
    Datagram {
        /// From whom.
        peer: SocketAddr,
        /// What.
        octets: Bytes,
    },
    /// Opens the session of [`Out::Connecting`].
    Accept {
        /// Which.
        session: u32,
        /// Session headers, encoded.
        headers: Bytes,
    },
    /// Sends the client of [`Out::Connecting`] elsewhere.
    Redirect {
        /// Which.
        session: u32,
        /// For good.
        permanent: bool,
        /// The security session may be used there.
        reuse_security: bool,
        /// AddressType records.
        addresses: Bytes,
    },
    /// Refuses the session of [`Out::Connecting`] or [`Out::Resuming`].
    Refuse {
        /// Which.
        session: u32,
        /// An HTTP status.
        status: u16,
    },
    /// Resumes the session of [`Out::Resuming`].
    Resume {
        /// Which.
        session: u32,
    },
    /// Pushes in a session.
    Push {
        /// Which.
        session: u32,
        /// The caller's name for the push, unique in the session while the push is not over.
        id: u64,
        /// What.
        message: Message,
        /// Whether the client has to confirm it.
        confirmed: bool,
    },
    /// Gives a push up; it fails with the reason.
    AbortPush {
        /// In which session.
        session: u32,
        /// Which.
        id: u64,
        /// One of [`reason`].
        reason: u8,
    },
    /// Ends a session.
    Disconnect {
        /// Which.
        session: u32,
    },
}

/// What a server asks for or tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Out {
    /// Send a datagram.
    Datagram {
        /// To whom.
        peer: SocketAddr,
        /// What.
        octets: Bytes,
    },
    /// A client wants a session: accept, redirect or refuse.
    Connecting {
        /// Its number from now on.
        session: u32,
        /// The client.
        peer: SocketAddr,
        /// What it can have.
        terms: Terms,
        /// Session headers, encoded: Accept-Application, Bearer-Indication ...
        headers: Bytes,
    },
    /// The client knows that the session is open.
    Connected {
        /// Which.
        session: u32,
    },
    /// The session is suspended; pushes wait.
    Suspended {
        /// Which.
        session: u32,
        /// One of [`reason`].
        reason: u8,
    },
    /// The client wants a suspended session back: resume or refuse.
    Resuming {
        /// Which.
        session: u32,
        /// Where the client is now.
        peer: SocketAddr,
        /// Session headers, encoded.
        headers: Bytes,
    },
    /// The client knows that the session is resumed.
    Resumed {
        /// Which.
        session: u32,
    },
    /// The session is over.
    Closed {
        /// Which.
        session: u32,
        /// Why.
        why: Ended,
    },
    /// A push that needs no confirmation was sent.
    Sent {
        /// In which session.
        session: u32,
        /// Which.
        id: u64,
    },
    /// The client confirmed a push.
    Confirmed {
        /// In which session.
        session: u32,
        /// Which.
        id: u64,
        /// Acknowledgement headers, encoded; empty unless they were agreed upon.
        headers: Bytes,
    },
    /// A push did not arrive, or nobody knows whether it did.
    Failed {
        /// In which session.
        session: u32,
        /// Which.
        id: u64,
        /// Why.
        why: Failure,
    },
}

/// Why a push failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The transaction was aborted; of a user's reasons USERREQ to USERDCU are the client's own.
    Aborted {
        /// Why.
        why: Abort,
        /// Whether the client gave the reason.
        by_peer: bool,
    },
    /// The client does not take pushes of that kind.
    NotAgreed,
    /// The client does not take so large a message.
    TooLarge,
    /// Too much waits already.
    Full,
    /// There is no such session.
    NoSession,
}

/// Where a session stands.
///
/// ```text
///          Connect                accept                    Result acknowledged
///   Null ---------> Connecting ------------> Connecting-2 ------------------------> Connected
///                    | redirect, refuse        |                                  |       ^
///                    V                         | Suspend, lost      Suspend, lost |       |
///               Terminating                    +------> Suspended <---------------+       |
///                                                        |     ^                          |
///                                                 Resume |     | Suspend, lost            |
///                                                        V     |  resume                  |
///                                                      Resuming --------> Resuming-2 -----+
///
///   every state: Disconnect, end
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The user is asked; the transaction waits for the answer.
    Connecting(Key),
    /// The answer is on its way.
    Connecting2(Key),
    /// Open.
    Connected,
    /// Suspended.
    Suspended,
    /// The user is asked for resumption.
    Resuming(Key),
    /// The answer is on its way.
    Resuming2(Key),
}

/// One session.
#[derive(Debug)]
struct Session {
    peer: SocketAddr,
    state: State,
    terms: Terms,
    /// What the client offered, for the answer.
    offered: Bytes,
    waiting: VecDeque<Waiting>,
    /// Confirmed pushes that were sent.
    sent: BTreeMap<Key, u64>,
}

/// A push that was not sent yet.
#[derive(Debug)]
struct Waiting {
    id: u64,
    pdu: Bytes,
    confirmed: bool,
}

/// What a transaction is about.
#[derive(Clone, Copy, Debug)]
enum Purpose {
    /// Opening or resuming a session.
    Session(u32),
    /// A push of a session.
    Push(u32),
    /// Refusing or sending elsewhere.
    Terminating,
}

impl Session {
    /// The transaction with which it begins or goes on.
    const fn transaction(&self) -> Option<Key> {
        match self.state {
            State::Connecting(key)
            | State::Connecting2(key)
            | State::Resuming(key)
            | State::Resuming2(key) => Some(key),
            State::Connected | State::Suspended => None,
        }
    }
}

/// The sessions of one socket of a gateway.
#[derive(Debug)]
pub struct Server {
    settings: Settings,
    wtp: Endpoint,
    random: Random,
    sessions: BTreeMap<u32, Session>,
    by_peer: BTreeMap<SocketAddr, u32>,
    purposes: BTreeMap<Key, Purpose>,
    silence: Timers<u32>,
    octets_waiting: usize,
    told: Vec<wtp::Out>,
}

impl Server {
    /// A server without sessions.
    #[must_use]
    pub fn new(settings: Settings, mut random: Random) -> Self {
        Self {
            wtp: Endpoint::new(settings.wtp.clone(), random.fork()),
            settings,
            random,
            sessions: BTreeMap::new(),
            by_peer: BTreeMap::new(),
            purposes: BTreeMap::new(),
            silence: Timers::default(),
            octets_waiting: 0,
            told: Vec::new(),
        }
    }

    /// Sessions, those included that are not open yet or suspended.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// The open or suspended session of a client.
    #[must_use]
    pub fn session_of(&self, peer: SocketAddr) -> Option<u32> {
        self.by_peer.get(&peer).copied()
    }

    /// Octets of pushes that wait for their turn.
    #[must_use]
    pub const fn octets_waiting(&self) -> usize {
        self.octets_waiting
    }

    /// What the transactions hold.
    #[must_use]
    pub fn load(&self) -> wtp::Load {
        self.wtp.load()
    }
}

impl Machine for Server {
    type Input = In;
    type Output = Out;

    fn handle(&mut self, now: Time, input: In, out: &mut Vec<Out>) {
        match input {
            In::Datagram { peer, octets } => {
                self.wtp.receive(now, peer, &octets, &mut self.told);
            }
            In::Accept { session, headers } => self.accept(now, session, &headers, out),
            In::Redirect {
                session,
                permanent,
                reuse_security,
                addresses,
            } => {
                let flags =
                    if permanent { 0x80 } else { 0 } | if reuse_security { 0x40 } else { 0 };
                let mut pdu = vec![0x03, flags];
                pdu.extend_from_slice(&addresses);
                self.turn_away(now, session, pdu.into(), out);
            }
            In::Refuse { session, status } => {
                self.turn_away(now, session, reply(status), out);
            }
            In::Resume { session } => self.resume(now, session, out),
            In::Push {
                session,
                id,
                message,
                confirmed,
            } => self.push(now, session, id, &message, confirmed, out),
            In::AbortPush {
                session,
                id,
                reason,
            } => self.abort_push(now, session, id, reason, out),
            In::Disconnect { session } => self.disconnect(now, session, out),
        }
        self.settle(now, out);
    }

    fn expire(&mut self, now: Time, out: &mut Vec<Out>) {
        self.wtp.expire(now, &mut self.told);
        while let Some(session) = self.silence.take_due(now) {
            self.close(now, session, Ended::ours(reason::DISCONNECT), out);
        }
        self.settle(now, out);
    }

    fn deadline(&self) -> Option<Time> {
        self.wtp
            .deadline()
            .into_iter()
            .chain(self.silence.next())
            .min()
    }
}

/// A Reply without content.
fn reply(status: u16) -> Bytes {
    octets_of(&Pdu::Reply {
        status: reply_status(status),
        content: None,
        body: &[],
    })
}
