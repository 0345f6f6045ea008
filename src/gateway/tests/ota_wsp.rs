//! Sessions of WSP: a client of the protocol at the gateway's socket, and PAP at the other end.

use core::time::Duration;
use std::net::SocketAddr;

use bytes::Bytes;

use super::bearers::told;
use super::lab::*;
use crate::codec::sia::{AppId, Sia};
use crate::codec::sir::SiaContent;
use crate::codec::wsp::put_field;
use crate::codec::wsp::sir::sir_of;
use crate::event::Bearer;
use crate::gateway::config::Config;
use crate::machine::Machine;
use crate::protocol::wsp::client::{Client, In, Out, Settings};
use crate::protocol::wsp::{Ended, Terms, contact_point, content_of, reason};
use crate::protocol::wtp::Key;
use crate::random::Random;
use crate::world::{Input, SocketId};

const SESSION: SocketId = SocketId(2);
const SERVER: &str = "192.0.2.5:9201";

fn server() -> SocketAddr {
    SERVER.parse().unwrap()
}

/// A device that speaks nothing but WSP.
struct Handset {
    client: Client,
    address: SocketAddr,
    told: Vec<Out>,
}

fn handset(terms: Terms) -> Handset {
    let settings = Settings {
        terms,
        ..Settings::default()
    };
    Handset {
        client: Client::new(settings, Random::from_number(3)),
        address: "192.0.2.11:49152".parse().unwrap(),
        told: Vec::new(),
    }
}

impl Handset {
    /// Tells the client something, and carries what both ends say until they are silent.
    fn tell(&mut self, lab: &mut Lab, input: In) {
        let mut out = Vec::new();
        self.client.handle(lab.now, input, &mut out);
        self.took(lab, out);
        self.carry(lab);
    }

    fn took(&mut self, lab: &mut Lab, out: Vec<Out>) {
        for one in out {
            match one {
                Out::Datagram { octets, .. } => lab.input(Input::Datagram {
                    socket: SESSION,
                    peer: self.address,
                    octets,
                }),
                told => self.told.push(told),
            }
        }
    }

    fn carry(&mut self, lab: &mut Lab) {
        while !lab.sessions.is_empty() {
            let (_, octets) = lab.sessions.remove(0);
            let mut out = Vec::new();
            let peer = server();
            let input = In::Datagram { peer, octets };
            self.client.handle(lab.now, input, &mut out);
            self.took(lab, out);
        }
    }

    fn connect(&mut self, lab: &mut Lab, device: &str) {
        let mut headers = Vec::new();
        if !device.is_empty() {
            put_field(&mut headers, "X-Sirgate-Device", device, 5).unwrap();
        }
        let (server, headers) = (server(), headers.into());
        self.tell(lab, In::Connect { server, headers });
        self.wait(lab, 4_000);
    }

    /// Lets both ends do what is due; the answer to Connect is acknowledged when the client's timer says so.
    fn wait(&mut self, lab: &mut Lab, millis: u64) {
        for _ in 0..millis / 100 {
            lab.wait(Duration::from_millis(100));
            let mut out = Vec::new();
            self.client.expire(lab.now, &mut out);
            self.took(lab, out);
            self.carry(lab);
        }
    }

    /// The pushes that came since the last look, with what confirms them.
    fn pushes(&mut self) -> Vec<(Bytes, Option<Key>)> {
        let told = core::mem::take(&mut self.told);
        let push = |one| match one {
            Out::Push { pdu, confirm, .. } => Some((pdu, confirm)),
            _ => None,
        };
        told.into_iter().filter_map(push).collect()
    }

    fn confirm(&mut self, lab: &mut Lab, push: Option<Key>) {
        let (push, headers) = (push.expect("a confirmed push"), Bytes::new());
        self.tell(lab, In::Confirm { push, headers });
    }

    fn has_closed(&self) -> Option<&Ended> {
        self.told.iter().find_map(|one| match one {
            Out::Closed { why, .. } => Some(why),
            _ => None,
        })
    }
}

/// The trio with a socket for sessions; the first device is reached by WSP.
fn config_with_sessions() -> Config {
    let mut config = super::bearers::with_bearers(&[Bearer::Wsp]);
    config.wsp_session = Some((SESSION, server()));
    config
}

fn push_with(lab: &mut Lab, push: &str, method: &str) {
    let quality = format!("<quality-of-service delivery-method=\"{method}\"/></push-message>");
    let body = pap_body(push, &[UUID], "", "").replace("</push-message>", &quality);
    assert_eq!(lab.post(&body), 1001);
}

#[test]
fn ota_wsp_005_the_sir_names_the_contact_point_and_the_session_gets_the_content() {
    let mut lab = Lab::with(config_with_sessions());
    lab.push("p1", &[UUID], "");
    let (_, datagram) = lab.wsp.pop().expect("a SIR");
    let SiaContent::Binary(sia) = sir_of(&datagram).unwrap().sia else {
        panic!("a binary SIA")
    };
    let point = &sia.wsp_contacts[0];
    assert_eq!(
        contact_point(point.address.octets(), point.port),
        Some(server())
    );
    assert_eq!(sia.app_ids, [AppId::Code(2)]);
    assert_eq!(Sia::decode(&sia.encode()), Ok(sia));
    let mut phone = handset(Terms::PUSH);
    phone.connect(&mut lab, &format!("<{UUID}>"));
    let (pdu, confirm) = phone.pushes().remove(0);
    let content = content_of(&pdu).unwrap();
    assert_eq!(content.content_type.to_string(), "text/plain");
    phone.confirm(&mut lab, confirm);
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
    let ups = lab.events("sess.up");
    assert_eq!((ups.len(), &ups[0]["dev"]), (1, &"C1".into()));
}

#[test]
fn ota_wsp_001_confirmed_a_push_is_delivered_when_the_device_confirms_it_and_not_before() {
    let mut lab = Lab::with(config_with_sessions());
    let mut phone = handset(Terms::PUSH);
    phone.connect(&mut lab, "");
    push_with(&mut lab, "p1", "confirmed");
    phone.carry(&mut lab);
    let (pdu, confirm) = phone.pushes().remove(0);
    assert_eq!(pdu.first(), Some(&7));
    // X-Wap-Application-Id goes as the number of wml.ua.
    assert!(pdu.windows(2).any(|two| two == [0xAF, 0x82]), "{pdu:02x?}");
    assert_eq!(lab.end("p1"), None);
    phone.confirm(&mut lab, confirm);
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
    assert!(lab.wsp.is_empty(), "a connected device needs no SIR");
}

#[test]
fn ota_wsp_002_unconfirmed_a_push_is_delivered_when_it_is_sent() {
    let mut lab = Lab::with(config_with_sessions());
    let mut phone = handset(Terms::PUSH);
    phone.connect(&mut lab, "");
    push_with(&mut lab, "p1", "unconfirmed");
    phone.carry(&mut lab);
    let (pdu, confirm) = phone.pushes().remove(0);
    assert_eq!((pdu.first(), confirm), (Some(&6), None));
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
}

#[test]
fn ota_wsp_001_confirmed_each_reason_of_a_device_is_a_code_of_pap() {
    for octet in reason::USERREQ..=reason::USERDCU {
        let mut lab = Lab::with(config_with_sessions());
        let mut phone = handset(Terms::PUSH);
        phone.connect(&mut lab, "");
        lab.push("p1", &[UUID], "");
        phone.carry(&mut lab);
        let push = phone.pushes().remove(0).1.unwrap();
        let reason = octet;
        phone.tell(&mut lab, In::AbortPush { push, reason });
        let code = 5_000 + u64::from(octet);
        assert_eq!(lab.end("p1"), Some(("aborted".to_owned(), code)));
        assert_eq!(lab.outcome("p1", "C1"), Some("refused".to_owned()));
    }
}

#[test]
fn ota_wsp_001_confirmed_a_session_that_has_no_confirmed_push_takes_what_need_not_be_confirmed() {
    let mut terms = Terms::PUSH;
    terms.options &= !crate::codec::wsp::options::CONFIRMED_PUSH;
    let mut lab = Lab::with(config_with_sessions());
    let mut phone = handset(terms);
    phone.connect(&mut lab, "");
    push_with(&mut lab, "p1", "confirmed");
    assert_eq!(lab.end("p1"), Some(("undeliverable".to_owned(), 3007)));
    push_with(&mut lab, "p2", "preferconfirmed");
    phone.carry(&mut lab);
    assert_eq!(phone.pushes().len(), 1);
    assert_eq!(lab.end("p2"), Some(("delivered".to_owned(), 1000)));
}

#[test]
fn ota_wsp_a_suspended_session_holds_what_is_pushed_until_it_is_resumed() {
    let mut lab = Lab::with(config_with_sessions());
    let mut phone = handset(Terms::PUSH);
    phone.connect(&mut lab, "");
    let server = server();
    phone.tell(&mut lab, In::Suspend { server });
    lab.push("p1", &[UUID], "");
    phone.wait(&mut lab, 20_000);
    assert!(phone.pushes().is_empty());
    assert!(lab.wsp.is_empty(), "nobody is woken who has a session");
    let headers = Bytes::new();
    phone.tell(&mut lab, In::Resume { server, headers });
    phone.wait(&mut lab, 4_000);
    let (_, confirm) = phone.pushes().remove(0);
    phone.confirm(&mut lab, confirm);
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
}

#[test]
fn ota_wsp_what_was_sent_when_the_session_was_suspended_goes_again() {
    let mut lab = Lab::with(config_with_sessions());
    let mut phone = handset(Terms::PUSH);
    phone.connect(&mut lab, "");
    lab.push("p1", &[UUID], "");
    phone.carry(&mut lab);
    assert_eq!(phone.pushes().len(), 1);
    let server = server();
    phone.tell(&mut lab, In::Suspend { server });
    let headers = Bytes::new();
    phone.tell(&mut lab, In::Resume { server, headers });
    phone.wait(&mut lab, 5_000);
    let (_, confirm) = phone.pushes().remove(0);
    phone.confirm(&mut lab, confirm);
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
}

#[test]
fn ota_wsp_a_device_whose_session_ends_is_woken_for_what_it_did_not_confirm() {
    let mut lab = Lab::with(config_with_sessions());
    let mut phone = handset(Terms::PUSH);
    phone.connect(&mut lab, "");
    lab.push("p1", &[UUID], "");
    phone.carry(&mut lab);
    let server = server();
    phone.tell(&mut lab, In::Disconnect { server });
    assert_eq!(lab.events("sess.down").len(), 1);
    phone.pushes();
    phone.wait(&mut lab, 5_000);
    assert_eq!(lab.wsp.len(), 1, "a SIR");
    phone.connect(&mut lab, "");
    let (_, confirm) = phone.pushes().remove(0);
    phone.confirm(&mut lab, confirm);
    assert_eq!(told(&mut lab, "p1"), "delivered");
}

#[test]
fn ota_wsp_a_push_whose_time_is_over_is_taken_back_from_its_session() {
    let mut config = config_with_sessions();
    config.push_lifetime = Duration::from_secs(20);
    let mut lab = Lab::with(config);
    let mut phone = handset(Terms::PUSH);
    phone.connect(&mut lab, "");
    let server = server();
    phone.tell(&mut lab, In::Suspend { server });
    lab.push("p1", &[UUID], "");
    phone.wait(&mut lab, 30_000);
    assert_eq!(lab.end("p1").unwrap().0, "expired");
    let headers = Bytes::new();
    phone.tell(&mut lab, In::Resume { server, headers });
    phone.wait(&mut lab, 10_000);
    assert!(phone.pushes().is_empty());
}

#[test]
fn ota_wsp_007_only_devices_that_are_known_have_sessions() {
    let mut lab = Lab::with(config_with_sessions());
    let mut stranger = handset(Terms::PUSH);
    stranger.address = "198.51.100.7:49152".parse().unwrap();
    stranger.connect(&mut lab, "");
    assert_eq!(stranger.has_closed(), Some(&Ended::Refused(403)));
    let mut liar = handset(Terms::PUSH);
    liar.address = "198.51.100.8:49152".parse().unwrap();
    liar.connect(&mut lab, "<urn:uuid:00000000-0000-4000-8000-000000000000>");
    assert_eq!(liar.has_closed(), Some(&Ended::Refused(403)));
    let mut mute = handset(Terms {
        options: 0,
        ..Terms::PUSH
    });
    mute.connect(&mut lab, "");
    assert_eq!(mute.has_closed(), Some(&Ended::Refused(501)));
    assert_eq!(lab.events("sess.up").len(), 0);
    let refused = lab.events("refused");
    let of_wsp = refused.iter().filter(|it| {
        let why = it["why"].as_str().unwrap();
        why.starts_with("WSP Connect")
    });
    assert_eq!(of_wsp.count(), 3);
}

#[test]
fn ota_wsp_007_where_credentials_are_wanted_a_name_counts_from_its_own_address_only() {
    let mut config = config_with_sessions();
    config.authentication = Some(crate::gateway::config::Authentication {
        realm: "example.com".to_owned(),
        users: Vec::new(),
    });
    let mut lab = Lab::with(config);
    let mut thief = handset(Terms::PUSH);
    thief.address = "198.51.100.7:49152".parse().unwrap();
    thief.connect(&mut lab, &format!("<{UUID}>"));
    assert_eq!(thief.has_closed(), Some(&Ended::Refused(403)));
    let mut phone = handset(Terms::PUSH);
    phone.connect(&mut lab, &format!("<{UUID}>"));
    assert_eq!(lab.events("sess.up").len(), 1);
}

#[test]
fn ota_wsp_garbage_and_floods_of_connects_leave_a_bounded_gateway_and_other_devices_unharmed() {
    let mut config = config_with_sessions();
    config.bounds.sessions = 4;
    let mut lab = Lab::with(config);
    let mut phone = handset(Terms::PUSH);
    phone.connect(&mut lab, "");
    let mut random = Random::from_number(99);
    for _ in 0..5_000 {
        let octets: Vec<u8> = (0..random.below(60))
            .map(|_| u8::try_from(random.below(256)).unwrap())
            .collect();
        let peer = SocketAddr::from((
            [198, 51, 100, 1],
            u16::try_from(1_024 + random.below(60_000)).unwrap(),
        ));
        lab.input(Input::Datagram {
            socket: SESSION,
            peer,
            octets: octets.into(),
        });
    }
    lab.sessions.clear();
    for port in 1..50 {
        let mut other = handset(Terms::PUSH);
        other.address = SocketAddr::from(([203, 0, 113, 9], port));
        other.connect(&mut lab, &format!("<{IMEI}>"));
    }
    lab.sessions.clear();
    phone.told.clear();
    push_with(&mut lab, "p1", "confirmed");
    phone.carry(&mut lab);
    let (_, confirm) = phone.pushes().remove(0);
    phone.confirm(&mut lab, confirm);
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
}
