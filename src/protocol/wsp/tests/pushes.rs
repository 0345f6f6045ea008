//! Pushes in sessions and without.

use super::*;
use crate::codec::sia::View;

#[test]
fn pushes_arrive_and_are_confirmed_with_headers() {
    let (mut lab, session) = Lab::connected(settings());
    lab.push(session, 1, false, b"one");
    lab.push(session, 2, true, b"two");
    lab.run();
    assert_eq!(bodies(&lab.client_learned()), [&b"one"[..], b"two"]);
    assert_eq!(
        lab.server_learned(),
        [
            server::Out::Sent { session, id: 1 },
            server::Out::Confirmed {
                session,
                id: 2,
                headers: Bytes::from_static(&[0x8D, 0x81])
            }
        ]
    );
}

#[test]
fn a_client_refuses_a_push_with_its_reason() {
    let (mut lab, session) = Lab::connected(settings());
    lab.obliging = false;
    for (id, reason) in [
        (1, reason::USERPND),
        (2, reason::USERRFS),
        (3, reason::USERDCU),
    ] {
        lab.push(session, id, true, b"x");
        lab.run_until_push();
        let push = lab.last_push().unwrap();
        lab.device(client::In::AbortPush { push, reason });
        lab.run();
        assert_eq!(lab.server_learned(), [failed(session, id, reason, true)]);
    }
}

impl Lab {
    /// Delivers datagrams without any timer.
    fn run_until_push(&mut self) {
        while let Some(((at, _), (to_server, octets))) = self.wire.pop_first() {
            self.now = at;
            let peer = self.client_at;
            match to_server {
                true => self.gateway(server::In::Datagram { peer, octets }),
                false => self.device(client::In::Datagram {
                    peer: super::at(AT_SERVER),
                    octets,
                }),
            }
        }
    }

    fn last_push(&self) -> Option<Key> {
        self.at_client.iter().rev().find_map(|it| match it {
            client::Out::Push { confirm, .. } => *confirm,
            _ => None,
        })
    }
}

#[test]
fn a_client_that_never_answers_fails_the_push() {
    let (mut lab, session) = Lab::connected(settings());
    lab.obliging = false;
    lab.push(session, 1, true, b"x");
    lab.run();
    let why = Abort::Provider(wtp::reason::NORESPONSE);
    let by_peer = true;
    let why_failed = Failure::Aborted { why, by_peer };
    assert_eq!(
        lab.server_learned(),
        [server::Out::Failed {
            session,
            id: 1,
            why: why_failed
        }]
    );
    let learned = lab.client_learned();
    assert!(matches!(learned[1], client::Out::PushAborted { why: it, .. } if it == why));
}

#[test]
fn what_was_not_agreed_is_not_pushed() {
    let (server, mut client) = settings();
    client.terms.options = options::PUSH;
    client.terms.client_sdu = 200;
    let (mut lab, session) = Lab::connected((server, client));
    lab.push(session, 1, true, b"x");
    lab.push(session, 2, false, &[0; 200]);
    lab.push(session + 1, 3, false, b"x");
    lab.run();
    let failed = |session, id, why| server::Out::Failed { session, id, why };
    assert_eq!(
        lab.server_learned(),
        [
            failed(session, 1, Failure::NotAgreed),
            failed(session, 2, Failure::TooLarge),
            failed(session + 1, 3, Failure::NoSession),
        ]
    );
    assert_eq!(lab.client_learned(), []);
}

#[test]
fn no_more_pushes_are_under_way_than_were_agreed_and_no_more_wait_than_there_is_room_for() {
    let (server, mut client) = settings();
    client.terms.pushes = 2;
    let (mut lab, session) = Lab::connected((server, client));
    lab.obliging = false;
    for id in 0..70 {
        lab.push(session, id, true, b"x");
    }
    let full = lab.server_learned();
    assert_eq!(full.len(), 4);
    assert!(matches!(
        full[0],
        server::Out::Failed {
            id: 66,
            why: Failure::Full,
            ..
        }
    ));
    lab.run_until_push();
    assert_eq!(bodies(&lab.client_learned()).len(), 2);
    lab.gateway(server::In::AbortPush {
        session,
        id: 1,
        reason: reason::USERREQ,
    });
    lab.gateway(server::In::AbortPush {
        session,
        id: 5,
        reason: reason::USERREQ,
    });
    lab.run_until_push();
    assert_eq!(bodies(&lab.client_learned()).len(), 1);
    assert_eq!(
        lab.server_learned(),
        [
            failed(session, 1, reason::USERREQ, false),
            failed(session, 5, reason::USERREQ, false)
        ]
    );
}

#[test]
fn a_push_under_way_fails_when_the_session_is_suspended_and_one_that_waits_stays() {
    let (server, mut client) = settings();
    client.terms.pushes = 1;
    let (mut lab, session) = Lab::connected((server, client));
    lab.obliging = false;
    lab.push(session, 1, true, b"a");
    lab.push(session, 2, true, b"b");
    lab.run_until_push();
    let push = lab.last_push().unwrap();
    lab.client_learned();
    let server = at(AT_SERVER);
    lab.device(client::In::Suspend { server });
    lab.run_until_push();
    let why = Abort::User(reason::SUSPEND);
    let reason = reason::USERREQ;
    assert_eq!(
        lab.client_learned(),
        [
            client::Out::PushAborted { push, why },
            client::Out::Suspended { server, reason }
        ]
    );
    let reason = reason::SUSPEND;
    assert_eq!(
        lab.server_learned(),
        [
            failed(session, 1, reason, true),
            server::Out::Suspended { session, reason }
        ]
    );
    // The session ends instead of going on: what waited has failed.
    lab.gateway(server::In::Disconnect { session });
    assert_eq!(
        lab.server_learned(),
        [
            failed(session, 2, reason::DISCONNECT, false),
            server::Out::Closed {
                session,
                why: Ended::ours(reason::USERREQ)
            }
        ]
    );
    assert_eq!(lab.server.octets_waiting(), 0);
}

#[test]
fn a_client_that_lost_its_session_ends_it_at_the_first_confirmed_push() {
    let (mut lab, session) = Lab::connected(settings());
    lab.client = Client::new(client::Settings::default(), Random::from_number(9));
    lab.push(session, 1, true, b"x");
    lab.run();
    assert_eq!(
        lab.server_learned(),
        [
            failed(session, 1, reason::DISCONNECT, true),
            server::Out::Closed {
                session,
                why: Ended::theirs(reason::DISCONNECT)
            }
        ]
    );
}

#[test]
fn a_push_without_a_session_is_one_datagram() {
    let sia = hex::octets("0002b28204c0000201").unwrap();
    let message = Message::new(
        "application/vnd.wap.sia",
        &[("X-Wap-Application-Id", "1")],
        sia.into(),
        3,
    )
    .unwrap();
    let octets = unit_push(0x2A, &message);
    assert!(hex::digits(&octets).starts_with("2a0603b4af81"));
    let push = read_unit_push(&octets).unwrap();
    assert_eq!((push.tid, push.content.body), (0x2A, &message.body[..]));
    assert!(content_of(&octets[1..]).is_ok());
    assert!(content_of(&[0x08, 1]).is_err());
}

#[test]
fn a_sir_names_the_servers_to_connect_to() {
    let body = hex::octets("0002b28214c40b23f00a00000104c0000201c3030000123456");
    let body = body.unwrap();
    let sia = View::decode(&body).unwrap();
    let found = contact_points(&sia.wsp_contacts());
    assert_eq!(found, [at("10.0.0.1:9200"), at("192.0.2.1:9201")]);
}
