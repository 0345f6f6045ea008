//! Both halves joined by a network in virtual time.

use std::collections::BTreeMap;
use std::time::Duration;

use super::client::{self, Client};
use super::server::{self, Failure, Server};
use super::*;
use crate::codec::hex;
use crate::codec::wsp::options;
use crate::machine::Machine;
use crate::protocol::wtp::{Abort, Key};
use crate::random::Random;
use crate::time::Time;

mod hostile;
mod lossy;
mod pushes;
mod sessions;

const AT_SERVER: &str = "10.0.0.1:9201";
const AT_CLIENT: &str = "10.0.0.2:40000";
const ELSEWHERE: &str = "10.9.9.9:40000";

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A gateway, a device and what lies between them.
struct Lab {
    server: Server,
    client: Client,
    client_at: SocketAddr,
    now: Time,
    random: Random,
    /// Lost and doubled ones in a thousand.
    lost: u64,
    doubled: u64,
    wire: BTreeMap<(Time, u64), (bool, Bytes)>,
    count: u64,
    /// What the users learned and have not looked at.
    at_server: Vec<server::Out>,
    at_client: Vec<client::Out>,
    /// Whether the users say yes to everything.
    obliging: bool,
}

fn settings() -> (server::Settings, client::Settings) {
    (server::Settings::default(), client::Settings::default())
}

impl Lab {
    fn new((server, client): (server::Settings, client::Settings), seed: u64) -> Self {
        let mut random = Random::from_number(seed);
        Self {
            server: Server::new(server, random.fork()),
            client: Client::new(client, random.fork()),
            client_at: at(AT_CLIENT),
            now: Time::from_secs(1_000),
            random,
            lost: 0,
            doubled: 0,
            wire: BTreeMap::new(),
            count: 0,
            at_server: Vec::new(),
            at_client: Vec::new(),
            obliging: true,
        }
    }

    /// A lab with an open session, and its number.
    fn connected(settings: (server::Settings, client::Settings)) -> (Self, u32) {
        let mut lab = Self::new(settings, 1);
        lab.connect();
        lab.run();
        let session = lab.server.session_of(lab.client_at).unwrap();
        lab.at_server.clear();
        lab.at_client.clear();
        (lab, session)
    }

    fn connect(&mut self) {
        self.device(client::In::Connect {
            server: at(AT_SERVER),
            headers: Bytes::from_static(&[0xB2, 0x80]),
        });
    }

    fn gateway(&mut self, input: server::In) {
        let mut out = Vec::new();
        self.server.handle(self.now, input, &mut out);
        self.serve(out);
    }

    fn device(&mut self, input: client::In) {
        let mut out = Vec::new();
        self.client.handle(self.now, input, &mut out);
        self.carry(out);
    }

    fn push(&mut self, session: u32, id: u64, confirmed: bool, body: &'static [u8]) {
        self.gateway(server::In::Push {
            session,
            id,
            message: message(Bytes::from_static(body)),
            confirmed,
        });
    }

    fn serve(&mut self, out: Vec<server::Out>) {
        for it in out {
            match &it {
                server::Out::Datagram { peer, octets } => {
                    if *peer == self.client_at {
                        self.put(false, octets);
                    }
                    continue;
                }
                server::Out::Connecting { session, .. } if self.obliging => {
                    let (session, headers) = (*session, Bytes::new());
                    self.gateway(server::In::Accept { session, headers });
                }
                server::Out::Resuming { session, .. } if self.obliging => {
                    let session = *session;
                    self.gateway(server::In::Resume { session });
                }
                _ => {}
            }
            self.at_server.push(it);
        }
    }

    fn carry(&mut self, out: Vec<client::Out>) {
        for it in out {
            match &it {
                client::Out::Datagram { octets, .. } => {
                    self.put(true, octets);
                    continue;
                }
                client::Out::Push {
                    confirm: Some(push),
                    ..
                } if self.obliging => {
                    let (push, headers) = (*push, Bytes::from_static(&[0x8D, 0x81]));
                    self.device(client::In::Confirm { push, headers });
                }
                _ => {}
            }
            self.at_client.push(it);
        }
    }

    fn put(&mut self, to_server: bool, octets: &Bytes) {
        if self.random.happens(self.lost) {
            return;
        }
        for _ in 0..=u8::from(self.random.happens(self.doubled)) {
            let delay = Duration::from_millis(20 + self.random.below(self.doubled.max(1)));
            self.count += 1;
            self.wire
                .insert((self.now + delay, self.count), (to_server, octets.clone()));
        }
    }

    /// Until no datagram is under way, or none was for a minute.
    fn run(&mut self) {
        let mut quiet = self.now + Duration::from_secs(60);
        loop {
            let wire = self.wire.keys().next().map(|(at, _)| *at);
            let timers = [self.server.deadline(), self.client.deadline()];
            let next = timers.into_iter().flatten().chain(wire).min();
            let Some(next) = next.filter(|next| *next <= quiet) else {
                return;
            };
            self.now = self.now.max(next);
            if wire == Some(next) {
                let (_, (to_server, octets)) = self.wire.pop_first().unwrap();
                quiet = self.now + Duration::from_secs(60);
                let peer = self.client_at;
                match to_server {
                    true => self.gateway(server::In::Datagram { peer, octets }),
                    false => self.device(client::In::Datagram {
                        peer: at(AT_SERVER),
                        octets,
                    }),
                }
            } else {
                self.expire();
            }
        }
    }

    fn expire(&mut self) {
        let mut out = Vec::new();
        self.server.expire(self.now, &mut out);
        self.serve(out);
        let mut out = Vec::new();
        self.client.expire(self.now, &mut out);
        self.carry(out);
    }

    fn server_learned(&mut self) -> Vec<server::Out> {
        core::mem::take(&mut self.at_server)
    }

    fn client_learned(&mut self) -> Vec<client::Out> {
        core::mem::take(&mut self.at_client)
    }
}

fn message(body: Bytes) -> Message {
    let fields = [("X-Wap-Application-Id", "2")];
    Message::new("application/vnd.wap.sic", &fields, body, 3).unwrap()
}

/// The bodies of the pushes among what a client learned.
fn bodies(learned: &[client::Out]) -> Vec<Bytes> {
    let body = |it: &client::Out| match it {
        client::Out::Push { pdu, .. } => {
            Some(Bytes::copy_from_slice(content_of(pdu).unwrap().body))
        }
        _ => None,
    };
    learned.iter().filter_map(body).collect()
}

fn failed(session: u32, id: u64, reason: u8, by_peer: bool) -> server::Out {
    let why = Failure::Aborted {
        why: Abort::User(reason),
        by_peer,
    };
    server::Out::Failed { session, id, why }
}
