//! Sessions of WSP: a server of the protocol at the gateway's end, and what the device does in them.

use std::net::SocketAddr;

use bytes::Bytes;

use super::bench::*;
use crate::codec::sia::{AppId, BearerAddress, Contact, Sia};
use crate::codec::sir::{SiaContent, Sir};
use crate::codec::wsp::{Headers, Rigour};
use crate::device::behaviour::{Behaviour, Connect, WspRefusal};
use crate::device::config::{Bearers, Config};
use crate::machine::Machine;
use crate::protocol::wsp::server::{Failure, In, Out, Server, Settings};
use crate::protocol::wsp::{Message, reason};
use crate::protocol::wtp::Abort;
use crate::random::Random;
use crate::world::Input;

const SERVER: &str = "192.0.2.5:9201";

/// A device, and the gateway's end of its sessions.
struct Line {
    bench: Bench,
    server: Server,
    told: Vec<Out>,
}

fn with_socket(behaviour: Behaviour) -> Config {
    let mut config = config(behaviour);
    config.bearers = Bearers {
        wsp_session: Some(SESSION),
        ..Bearers::default()
    };
    config
}

fn by_wsp() -> Behaviour {
    Behaviour {
        connect: Connect::Wsp,
        ..Behaviour::default()
    }
}

/// A SIR that names a contact point of WSP.
fn sir_with_point() -> Sir {
    let mut sir = naming(&[C1]);
    let server: SocketAddr = at(SERVER);
    let address = BearerAddress::new(&[192, 0, 2, 5]).unwrap();
    let mut sia = Sia::new(vec![AppId::Code(2)], Vec::new(), Vec::new());
    sia.wsp_contacts = vec![Contact::new(0x0B, server.port(), address)];
    sir.sia = SiaContent::Binary(sia);
    sir
}

impl Line {
    fn new(config: Config) -> Self {
        let bench = if config.register {
            Bench::registered_as(config)
        } else {
            let mut bench = Bench::new(config);
            bench.run();
            bench
        };
        Self {
            bench,
            server: Server::new(Settings::default(), Random::from_number(8)),
            told: Vec::new(),
        }
    }

    /// A device that was sent the SIR and has its session.
    fn connected(behaviour: Behaviour) -> Self {
        let mut line = Self::new(with_socket(behaviour));
        line.bench.send(&sir_with_point());
        line.carry();
        line.wait(3_000);
        assert_eq!(line.bench.device.wsp_sessions_up(), 1);
        line
    }

    fn carry(&mut self) {
        while let Some(octets) = self.bench.wsp.pop_front() {
            let peer = at("192.0.2.11:49152");
            self.tell(In::Datagram { peer, octets });
        }
    }

    fn tell(&mut self, input: In) {
        let mut out = Vec::new();
        self.server.handle(self.bench.now, input, &mut out);
        self.took(out);
        self.carry();
    }

    fn took(&mut self, out: Vec<Out>) {
        for one in out {
            match one {
                Out::Datagram { octets, .. } => self.bench.tell(Input::Datagram {
                    socket: SESSION,
                    peer: at(SERVER),
                    octets,
                }),
                Out::Connecting {
                    session, headers, ..
                } => {
                    let read = Headers::decode(&headers, &mut Rigour::Settled).unwrap();
                    let named = read.named("X-Sirgate-Device").next().unwrap();
                    assert_eq!(named.text(), Some(format!("<{C1}>").as_str()));
                    let headers = Bytes::new();
                    self.tell(In::Accept { session, headers });
                }
                Out::Resuming { session, .. } => self.tell(In::Resume { session }),
                told => self.told.push(told),
            }
        }
    }

    fn wait(&mut self, millis: u64) {
        for _ in 0..millis / 100 {
            self.bench.wait_ms(100);
            let mut out = Vec::new();
            self.server.expire(self.bench.now, &mut out);
            self.took(out);
            self.carry();
        }
    }

    fn session(&self) -> u32 {
        self.server.session_of(at("192.0.2.11:49152")).unwrap()
    }

    fn push(&mut self, id: u64, media: &str, confirmed: bool) {
        let fields = [("X-Wap-Application-Id", "2"), ("X-Sirgate-Push", "p1")];
        let body = Bytes::from_static(b"hello");
        let message = Message::new(media, &fields, body, 5).unwrap();
        let session = self.session();
        self.tell(In::Push {
            session,
            id,
            message,
            confirmed,
        });
    }
}

#[test]
fn ota_wsp_001_confirmed_a_device_connects_where_the_sir_says_and_confirms_what_it_takes() {
    let mut line = Line::connected(by_wsp());
    line.push(1, "text/plain", true);
    line.wait(2_000);
    let id = 1;
    assert!(
        line.told
            .iter()
            .any(|it| matches!(it, Out::Confirmed { id: own, .. } if *own == id))
    );
    assert_eq!(line.bench.count("push.rx p1 5 wsp"), 1);
    assert_eq!(line.bench.count("sess.req sip:push@ppg.example.com"), 1);
    assert_eq!(line.bench.count("sess.up sip:push@ppg.example.com"), 1);
}

#[test]
fn ota_wsp_002_unconfirmed_a_device_takes_a_push_that_nobody_waits_for() {
    let mut line = Line::connected(by_wsp());
    line.push(1, "text/plain", false);
    line.push(2, "text/plain", false);
    assert_eq!(line.bench.count("push.rx p1 5 wsp"), 2);
    assert_eq!(line.bench.count("push.rx p1 5 wsp repeated"), 1);
}

#[test]
fn ota_wsp_001_confirmed_a_device_refuses_with_each_reason() {
    for refusal in [
        WspRefusal::Userreq,
        WspRefusal::Userrfs,
        WspRefusal::Userpnd,
        WspRefusal::Userdcr,
        WspRefusal::Userdcu,
    ] {
        let mut line = Line::connected(Behaviour {
            wsp_refusal: Some(refusal),
            ..by_wsp()
        });
        line.push(1, "text/plain", true);
        let why = Failure::Aborted {
            why: Abort::User(refusal.octet()),
            by_peer: true,
        };
        let session = line.session();
        assert!(
            line.told.contains(&Out::Failed {
                session,
                id: 1,
                why
            }),
            "{:?}",
            line.told
        );
        assert_eq!(line.bench.count("push.rx"), 0);
    }
}

#[test]
fn ota_wsp_001_confirmed_content_of_a_type_that_is_not_taken_is_refused_as_that() {
    let mut config = with_socket(by_wsp());
    let mut profile = (*config.profile).clone();
    profile.accept = vec!["text/vnd.wap.si".to_owned()];
    config.profile = std::sync::Arc::new(profile);
    let mut line = Line::new(config);
    line.bench.send(&sir_with_point());
    line.carry();
    line.wait(3_000);
    line.push(1, "text/plain", true);
    let why = Failure::Aborted {
        why: Abort::User(reason::USERDCU),
        by_peer: true,
    };
    let session = line.session();
    assert!(line.told.contains(&Out::Failed {
        session,
        id: 1,
        why
    }));
}

#[test]
fn ota_wsp_a_device_suspends_and_resumes_when_it_is_to_and_takes_what_waited() {
    let mut line = Line::connected(Behaviour {
        wsp_suspend_after_ms: Some(100),
        wsp_resume_after_ms: Some(10_000),
        ..by_wsp()
    });
    line.wait(1_000);
    assert!(
        line.told
            .iter()
            .any(|it| matches!(it, Out::Suspended { .. }))
    );
    line.push(1, "text/plain", true);
    assert_eq!(line.bench.count("push.rx"), 0);
    line.wait(15_000);
    assert_eq!(line.bench.count("push.rx p1 5 wsp"), 1);
    assert!(
        line.told
            .iter()
            .any(|it| matches!(it, Out::Confirmed { .. }))
    );
}

#[test]
fn ota_wsp_005_a_device_prefers_sip_or_wsp_as_it_is_told_and_has_wsp_alone_without_a_registrar() {
    let mut line = Line::new(with_socket(Behaviour::default()));
    line.bench.send(&sir_with_point());
    assert!(line.bench.wsp.is_empty());
    assert_eq!(line.bench.status(), 200);
    line.bench.request(crate::codec::sip::Method::Invite);
    let mut config = with_socket(Behaviour::default());
    config.register = false;
    let mut line = Line::new(config);
    line.bench.send(&sir_with_point());
    line.carry();
    line.wait(3_000);
    assert_eq!(line.bench.device.wsp_sessions_up(), 1);
}

#[test]
fn ota_wsp_a_gateway_that_never_answers_leaves_the_sir_open() {
    let mut bench = Bench::registered_as(with_socket(by_wsp()));
    bench.send(&sir_with_point());
    bench.wait_ms(300_000);
    assert_eq!(bench.device.wsp_sessions_up(), 0);
    assert_eq!(bench.count("refused no session"), 1);
}

#[test]
fn ota_wsp_garbage_at_the_session_socket_harms_no_device() {
    let mut line = Line::connected(by_wsp());
    let mut random = Random::from_number(4);
    for _ in 0..2_000 {
        let octets: Vec<u8> = (0..random.below(50))
            .map(|_| u8::try_from(random.below(256)).unwrap())
            .collect();
        line.bench.tell(Input::Datagram {
            socket: SESSION,
            peer: at("198.51.100.9:9201"),
            octets: octets.into(),
        });
    }
    line.bench.wsp.clear();
    line.push(1, "text/plain", true);
    assert_eq!(line.bench.count("push.rx p1 5 wsp"), 1);
}
