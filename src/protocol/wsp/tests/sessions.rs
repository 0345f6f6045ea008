//! How sessions begin, rest, go on and end.

use super::*;

#[test]
fn a_session_opens_on_terms_that_both_have() {
    let (mut server, mut client) = settings();
    server.terms.pushes = 4;
    server.terms.options &= !options::ACKNOWLEDGEMENT_HEADERS;
    client.terms.client_sdu = 10_000;
    let mut lab = Lab::new((server, client), 1);
    lab.connect();
    lab.run();
    let terms = Terms {
        client_sdu: 10_000,
        pushes: 4,
        options: options::CONFIRMED_PUSH | options::PUSH | options::RESUME,
        ..Terms::PUSH
    };
    let session = lab.server.session_of(at(AT_CLIENT)).unwrap();
    assert_eq!(
        lab.server_learned(),
        [
            server::Out::Connecting {
                session,
                peer: at(AT_CLIENT),
                terms,
                headers: Bytes::from_static(&[0xB2, 0x80]),
            },
            server::Out::Connected { session },
        ]
    );
    assert_eq!(
        lab.client_learned(),
        [client::Out::Connected {
            server: at(AT_SERVER),
            session,
            terms,
            headers: Bytes::new(),
        }]
    );
    assert!(lab.client.is_connected(at(AT_SERVER)));
}

#[test]
fn terms_that_are_not_mentioned_are_the_default_and_unknown_ones_are_answered_empty() {
    let offered = hex::octets("0282e0038a01020382057f").unwrap();
    let offered = crate::codec::wsp::Capabilities::decode(&offered, &mut Rigour::Settled).unwrap();
    let terms = Terms::DEFAULT.changed(&offered);
    let expected = Terms {
        options: 0xE0,
        ..Terms::DEFAULT
    };
    assert_eq!(terms, expected);
    let answer = terms.common(&Terms::PUSH).answer(&offered);
    assert_eq!(
        hex::digits(&answer),
        "03808a7803818a780282e0028301028401018a"
    );
    let any = Terms {
        client_sdu: 0,
        ..Terms::PUSH
    };
    assert_eq!(any.common(&Terms::DEFAULT).client_sdu, 1_400);
}

#[test]
fn a_server_can_send_the_client_elsewhere_or_refuse() {
    let mut lab = Lab::new(settings(), 1);
    lab.obliging = false;
    lab.connect();
    lab.run();
    let ask = lab.server_learned();
    let server::Out::Connecting { session, .. } = ask[0] else {
        panic!("{ask:?}")
    };
    lab.gateway(server::In::Redirect {
        session,
        permanent: true,
        reuse_security: false,
        addresses: Bytes::from_static(&[0xC4, 0x0B, 0x23, 0xF1, 10, 0, 0, 7]),
    });
    lab.run();
    let why = Ended::Moved {
        permanent: true,
        reuse_security: false,
        to: vec![at("10.0.0.7:9201")],
    };
    let server = at(AT_SERVER);
    assert_eq!(lab.client_learned(), [client::Out::Closed { server, why }]);
    assert_eq!(lab.server.sessions(), 0);

    lab.connect();
    lab.run();
    let ask = lab.server_learned();
    let Some(server::Out::Connecting { session, .. }) = ask.last() else {
        panic!("{ask:?}")
    };
    let session = *session;
    lab.gateway(server::In::Refuse {
        session,
        status: 503,
    });
    lab.run();
    let why = Ended::Refused(503);
    assert_eq!(lab.client_learned(), [client::Out::Closed { server, why }]);
    assert_eq!(
        lab.server_learned(),
        [server::Out::Closed {
            session,
            why: Ended::ours(reason::USERREQ)
        }]
    );
}

#[test]
fn either_end_can_disconnect() {
    let (mut lab, session) = Lab::connected(settings());
    let server = at(AT_SERVER);
    lab.device(client::In::Disconnect { server });
    lab.run();
    let ours = Ended::ours(reason::USERREQ);
    let theirs = Ended::theirs(reason::DISCONNECT);
    let closed = |why: &Ended| client::Out::Closed {
        server,
        why: why.clone(),
    };
    assert_eq!(lab.client_learned(), [closed(&ours)]);
    let gone = |session, why: &Ended| server::Out::Closed {
        session,
        why: why.clone(),
    };
    assert_eq!(lab.server_learned(), [gone(session, &theirs)]);

    let (mut lab, session) = Lab::connected(settings());
    lab.gateway(server::In::Disconnect { session });
    lab.run();
    assert_eq!(lab.server_learned(), [gone(session, &ours)]);
    assert_eq!(lab.client_learned(), [closed(&theirs)]);
}

#[test]
fn a_new_session_ends_the_old_one_of_the_address() {
    let (mut lab, old) = Lab::connected(settings());
    lab.connect();
    lab.run();
    let new = lab.server.session_of(at(AT_CLIENT)).unwrap();
    assert_ne!(old, new);
    assert_eq!(lab.server.sessions(), 1);
    assert!(lab.server_learned().contains(&server::Out::Closed {
        session: old,
        why: Ended::ours(reason::DISCONNECT)
    }));
}

#[test]
fn a_session_rests_and_goes_on_from_another_address() {
    let (mut lab, session) = Lab::connected(settings());
    let server = at(AT_SERVER);
    lab.device(client::In::Suspend { server });
    lab.run();
    let reason = reason::USERREQ;
    assert_eq!(
        lab.client_learned(),
        [client::Out::Suspended { server, reason }]
    );
    let reason = reason::SUSPEND;
    assert_eq!(
        lab.server_learned(),
        [server::Out::Suspended { session, reason }]
    );

    lab.push(session, 1, true, b"a");
    lab.push(session, 2, false, b"b");
    lab.run();
    assert_eq!(lab.server_learned(), []);
    assert!(lab.server.octets_waiting() > 0);

    lab.client_at = at(ELSEWHERE);
    lab.device(client::In::Resume {
        server,
        headers: Bytes::new(),
    });
    lab.run();
    let learned = lab.server_learned();
    assert_eq!(
        learned[..2],
        [
            server::Out::Resuming {
                session,
                peer: at(ELSEWHERE),
                headers: Bytes::new()
            },
            server::Out::Resumed { session }
        ]
    );
    assert_eq!(lab.server.session_of(at(ELSEWHERE)), Some(session));
    assert_eq!(lab.server.session_of(at(AT_CLIENT)), None);
    assert_eq!(lab.server.octets_waiting(), 0);
    let learned = lab.client_learned();
    assert_eq!(learned[0], client::Out::Resumed { server });
    let mut arrived = bodies(&learned);
    // The id of the confirmed one is verified first: so soon after the start the client trusts nobody.
    arrived.sort();
    assert_eq!(arrived, [&b"a"[..], b"b"]);
}

#[test]
fn a_session_nobody_knows_cannot_be_resumed() {
    let (mut lab, session) = Lab::connected(settings());
    let server = at(AT_SERVER);
    lab.device(client::In::Suspend { server });
    lab.run();
    lab.gateway(server::In::Disconnect { session });
    lab.client_learned();
    lab.device(client::In::Resume {
        server,
        headers: Bytes::new(),
    });
    lab.run();
    let why = Ended::Failed(Abort::User(reason::DISCONNECT));
    assert_eq!(lab.client_learned(), [client::Out::Closed { server, why }]);
}

#[test]
fn a_session_that_cannot_rest_ends_instead() {
    let (mut server, client) = settings();
    server.terms.options &= !options::RESUME;
    let (mut lab, session) = Lab::connected((server, client));
    let server = at(AT_SERVER);
    lab.device(client::In::Suspend { server });
    lab.device(client::In::Resume {
        server,
        headers: Bytes::new(),
    });
    lab.run();
    assert_eq!(lab.client_learned(), []);
    // A Suspend all the same.
    let mut pdu = vec![0x0E, 0x70, 0x00, 0x00];
    Pdu::Suspend {
        session_id: session,
    }
    .put(&mut pdu);
    lab.gateway(server::In::Datagram {
        peer: at(AT_CLIENT),
        octets: pdu.into(),
    });
    let why = Ended::theirs(reason::SUSPEND);
    assert_eq!(lab.server_learned(), [server::Out::Closed { session, why }]);
}

#[test]
fn a_server_that_never_answers_leaves_no_session() {
    let mut lab = Lab::new(settings(), 1);
    lab.lost = 1_000;
    lab.connect();
    lab.run();
    let why = Ended::Failed(Abort::Provider(wtp::reason::NORESPONSE));
    let server = at(AT_SERVER);
    assert_eq!(lab.client_learned(), [client::Out::Closed { server, why }]);
}

#[test]
fn a_session_that_is_silent_for_a_day_ends() {
    let (mut lab, session) = Lab::connected(settings());
    lab.now = lab.now + Duration::from_secs(86_400);
    lab.expire();
    let why = Ended::ours(reason::DISCONNECT);
    assert_eq!(lab.server_learned(), [server::Out::Closed { session, why }]);
}

#[test]
fn a_method_is_answered_with_not_implemented_and_strangers_with_disconnect() {
    let (mut lab, _) = Lab::connected(settings());
    let get = hex::octets("0e700002400161").unwrap();
    let mut out = Vec::new();
    let peer = at(AT_CLIENT);
    let tell = |lab: &mut Lab, peer, octets: &[u8], out: &mut Vec<server::Out>| {
        let octets = Bytes::copy_from_slice(octets);
        let verify = server::In::Datagram { peer, octets };
        lab.server.handle(lab.now, verify, out);
        let tok = Bytes::from_static(&[0x1C, 0x70, 0x00]);
        let tok = server::In::Datagram { peer, octets: tok };
        lab.server.handle(lab.now, tok, out);
    };
    let last = |out: &[server::Out]| match out.last() {
        Some(server::Out::Datagram { octets, .. }) => hex::digits(octets),
        other => format!("{other:?}"),
    };
    tell(&mut lab, peer, &get, &mut out);
    assert_eq!(last(&out), "16f000046100");
    tell(&mut lab, at(ELSEWHERE), &get, &mut out);
    assert_eq!(last(&out), "21f000e1");
}
