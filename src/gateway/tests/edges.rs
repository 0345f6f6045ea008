//! What happens at the edges: cores, credentials, flows, bounds, broken peers.

use std::time::Duration;

use bytes::Bytes;

use super::lab::{ALICE, IMEI, Lab, Session, UUID, config, pap_body};
use crate::codec::sip::{Method, Name};
use crate::gateway::config::{Bounds, Identity};
use crate::gateway::push::plan::Fork;
use crate::world::{Input, LinkId, ListenerId, Output, Transport};

const SECOND: Duration = Duration::from_secs(1);

fn with_core() -> Lab {
    let mut config = config();
    config.core = Some((Transport::Udp, super::lab::address(9)));
    config.fork = Fork::Core;
    Lab::with(config)
}

#[test]
fn r2_67_through_the_core_one_sir_is_for_all() {
    let mut lab = with_core();
    assert_eq!(lab.push("p1", &[ALICE], "X-Sirgate-Plan: fanout\n"), 1001);
    let sirs = lab.sirs();
    assert_eq!(sirs.len(), 1);
    assert_eq!(sirs[0].dev, 9);
    assert_eq!(sirs[0].message.request_uri_text(), ALICE.as_bytes());
    assert!(sirs[0].message.header(Name::RequestDisposition).is_some());
    assert_eq!(lab.events("sir.tx")[0]["dev"], "*");
    lab.answer(&sirs[0], 200, "");
    let shown = lab.get("/api/v1/pushes/p1");
    let devices = shown["devices"].as_array().unwrap();
    assert!(devices.iter().all(|device| device["stage"] == "woken"));
}

#[test]
fn through_the_core_a_device_without_gruu_is_asked_for_by_its_instance() {
    let mut lab = with_core();
    assert_eq!(lab.push("p1", &[UUID], "X-Sirgate-Plan: targeted\n"), 1001);
    let sirs = lab.sirs();
    let wanted = format!("*;+sip.instance=\"<{UUID}>\";require;explicit");
    assert_eq!(
        sirs[0].message.text(Name::AcceptContact),
        Some(wanted.as_str())
    );
}

#[test]
fn a_push_through_a_core_needs_one() {
    let mut lab = Lab::registered();
    assert_eq!(lab.push("p1", &[ALICE], "X-Sirgate-Fork: core\n"), 2000);
}

#[test]
fn a_device_that_wants_credentials_gets_them_once() {
    let mut config = config();
    config.credentials = Some(("ppg".to_owned(), "secret".to_owned()));
    let mut lab = Lab::with(config);
    lab.register(1);
    lab.push("p1", &[UUID], "");
    let sirs = lab.sirs();
    let challenge =
        "WWW-Authenticate: Digest realm=\"c1\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\n";
    lab.answer(&sirs[0], 401, challenge);
    let again = lab.sirs();
    assert_eq!(again.len(), 1);
    let shown = again[0].message.text(Name::Authorization).unwrap();
    assert!(shown.contains("username=\"ppg\""), "{shown}");
    lab.answer(&again[0], 401, challenge);
    assert!(lab.sirs().is_empty());
    assert_eq!(lab.end("p1"), Some(("undeliverable".to_owned(), 4001)));
}

#[test]
fn a_device_that_cannot_be_reached_is_given_up_after_the_retries() {
    let mut lab = Lab::registered();
    lab.push("p1", &[UUID], "");
    let mut asked = 0;
    for _ in 0..10 {
        for sir in lab.sirs() {
            asked += 1;
            lab.answer(&sir, 404, "");
        }
        lab.wait(30 * SECOND);
    }
    assert_eq!(asked, 4);
    assert_eq!(lab.end("p1"), Some(("undeliverable".to_owned(), 4001)));
}

#[test]
fn a_second_push_waits_until_the_first_sir_was_answered() {
    let mut lab = Lab::registered();
    lab.push("p1", &[UUID], "");
    lab.push("p2", &[UUID], "");
    let sirs = lab.sirs();
    assert_eq!(sirs.len(), 1);
    lab.answer(&sirs[0], 200, "");
    assert_eq!(lab.sirs().len(), 1);
    let session = lab.session(1, "");
    assert_eq!(lab.contents(&session).len(), 2);
}

#[test]
fn one_submission_may_be_for_several_identities() {
    let mut config = config();
    config.identities.push(Identity {
        pui: "sip:bob@example.com".to_owned(),
        aliases: Vec::new(),
        devices: config.identities[0]
            .devices
            .iter()
            .take(1)
            .map(|device| crate::gateway::config::DeviceProfile {
                name: "B1".to_owned(),
                ids: Vec::new(),
                ..device.clone()
            })
            .collect(),
    });
    let mut lab = Lab::with(config);
    lab.register(1);
    assert_eq!(lab.push("p1", &[UUID, "sip:bob@example.com"], ""), 1001);
    assert_eq!(lab.events("pap.rx").len(), 2);
    let shown = lab.get("/api/v1/pushes/p1");
    assert_eq!(shown["addresses"].as_array().unwrap().len(), 2);
    assert_eq!(shown["devices"][1]["dev"], "B1");
    assert_eq!(shown["devices"][1]["stage"], "held");
}

#[test]
fn a_device_that_asks_again_gets_a_new_session_and_the_content_once_more() {
    let mut lab = Lab::registered();
    lab.push("p1", &[UUID], "");
    let first = lab.session(1, "");
    assert_eq!(lab.contents(&first).len(), 1);
    let second = lab.session(1, "");
    assert_eq!(lab.sent(Method::Bye).len(), 1);
    let contents = lab.contents(&second);
    assert_eq!(contents.len(), 1);
    lab.confirm(&second, &contents[0], 200);
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
}

#[test]
fn a_session_without_ack_or_link_is_given_up() {
    let mut lab = Lab::registered();
    lab.push("p1", &[UUID], "");
    let sirs = lab.sirs();
    lab.answer(&sirs[0], 200, "");
    assert_eq!(lab.invite(1, "").status(), Some(200));
    lab.wait(33 * SECOND);
    assert_eq!(lab.sent(Method::Bye).len(), 1);
    let shown = lab.get("/api/v1/identities/sip:alice@example.com");
    assert_eq!(shown["devices"][0]["connected"], false);
    lab.wait(10 * SECOND);
    assert_eq!(lab.sirs().len(), 1);
}

#[test]
fn too_many_sessions_are_told_when_to_come_back() {
    let mut lab = Lab::with(crate::gateway::Config {
        bounds: Bounds {
            sessions: 1,
            ..Bounds::default()
        },
        ..config()
    });
    lab.register(1);
    lab.register(2);
    lab.push("p1", &[UUID, IMEI], "");
    assert_eq!(lab.invite(1, "").status(), Some(200));
    let busy = lab.invite(2, "");
    assert_eq!(busy.status(), Some(503));
    assert!(busy.header(Name::RetryAfter).is_some());
}

#[test]
fn content_is_not_confirmed_for_ever() {
    let mut lab = Lab::registered();
    lab.push("p1", &[UUID], "");
    let mut sent = 0;
    for _ in 0..6 {
        for sir in lab.sirs() {
            lab.answer(&sir, 200, "");
            let session = lab.session(1, "");
            sent += lab.contents(&session).len();
        }
        lab.wait(60 * SECOND);
    }
    assert_eq!(lab.end("p1"), Some(("timeout".to_owned(), 4000)));
    assert!((2..=4).contains(&sent), "{sent}");
}

#[test]
fn what_was_cancelled_is_not_sent_and_what_was_sent_is_not_confirmed() {
    let mut lab = Lab::registered();
    lab.push("p1", &[UUID], "");
    let session = lab.session(1, "");
    let contents = lab.contents(&session);
    assert_eq!(lab.http("DELETE", "/api/v1/pushes/p1", "", "").status, 200);
    lab.confirm(&session, &contents[0], 200);
    assert_eq!(lab.events("push.dev").len(), 1);
    assert_eq!(lab.end("p1"), Some(("cancelled".to_owned(), 1000)));
}

fn link(lab: &mut Lab) -> LinkId {
    let link = LinkId(LinkId::ACCEPTED + lab.number());
    lab.input(Input::Opened {
        link,
        listener: Some(ListenerId(0)),
        transport: Transport::Tcp,
        local: "192.0.2.5:2855".parse().unwrap(),
        peer: "192.0.2.66:50000".parse().unwrap(),
    });
    link
}

#[test]
fn a_link_for_no_session_is_told_so_and_closed() {
    let mut lab = Lab::registered();
    let stranger = link(&mut lab);
    let text = "MSRP abcd1234 SEND\r\nTo-Path: msrp://192.0.2.5:2855/none;tcp\r\n\
        From-Path: msrp://192.0.2.66:9/x;tcp\r\nMessage-ID: mmmm\r\nByte-Range: 1-0/0\r\n-------abcd1234$\r\n";
    let mut out = Vec::new();
    let input = Input::Octets {
        link: stranger,
        octets: Bytes::from(text),
    };
    crate::machine::Machine::handle(&mut lab.gateway, lab.now, input, &mut out);
    assert!(
        matches!(&out[..], [Output::Octets { octets, .. }] if octets.starts_with(b"MSRP abcd1234 481"))
    );
    lab.wait(33 * SECOND);
    assert_eq!(lab.closed, [stranger]);
    let silent = link(&mut lab);
    lab.wait(33 * SECOND);
    assert_eq!(lab.closed, [stranger, silent]);
}

#[test]
fn octets_that_are_no_msrp_close_their_link_only() {
    let mut lab = Lab::registered();
    lab.push("p1", &[UUID], "");
    let session = lab.session(1, "");
    let stranger = link(&mut lab);
    lab.input(Input::Octets {
        link: stranger,
        octets: Bytes::from_static(b"GET / HTTP/1.1\r\n\r\n"),
    });
    assert_eq!(lab.closed, [stranger]);
    assert_eq!(lab.contents(&session).len(), 1);
    assert_eq!(lab.gateway.sessions().len(), 1);
}

#[test]
fn a_chunk_that_is_too_large_costs_the_device_neither_link_nor_session() {
    let mut lab = Lab::registered();
    lab.push("p1", &[UUID], "");
    let session = lab.session(1, "");
    let contents = lab.contents(&session);
    let body = "x".repeat(crate::limits::MSRP_CHUNK_OCTETS + 1);
    let headers = "Message-ID: large\nByte-Range: 1-65537/65537\n\
        Content-Type: application/vnd.sirgate.info+json\n";
    lab.msrp(&session, "toolarge", "SEND", headers, Some(&body));
    assert!(lab.closed.is_empty());
    lab.confirm(&session, &contents[0], 200);
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
}

#[test]
fn large_content_travels_in_chunks() {
    let mut lab = Lab::registered();
    let body = pap_body("p1", &[UUID], "", "").replace("hello", &"x".repeat(5_000));
    assert_eq!(lab.post(&body), 1001);
    let session = lab.session(1, "");
    let contents = lab.contents(&session);
    assert_eq!(contents.len(), 3);
    assert!(
        contents[2].2.contains("Byte-Range: 4097-5000/5000"),
        "{}",
        contents[2].2
    );
}

#[test]
fn an_initiators_devices_may_judge_for_themselves() {
    let mut lab = Lab::registered();
    let headers = "X-Sirgate-Device: C1\nX-Sirgate-Judge: device\n";
    assert_eq!(lab.push("p1", &[ALICE], headers), 1001);
    assert_eq!(lab.sirs().len(), 3);
    assert_eq!(lab.events("plan")[0]["mode"], "fanout");
    let session = lab.session(2, "");
    assert_eq!(lab.contents(&session).len(), 1);
}

#[test]
fn a_plan_that_leaves_everybody_out_is_shown_and_ends_the_push() {
    let mut lab = Lab::registered();
    let change = r#"{"devices":[{"name":"C2","presence":"closed"}]}"#;
    let path = "/api/v1/identities/sip:alice@example.com";
    lab.http("PUT", path, "application/json", change);
    lab.push("p1", &[IMEI], "");
    let plan = &lab.events("plan")[0];
    assert_eq!(plan["excluded"], serde_json::json!([["C2", "presence"]]));
    assert_eq!(lab.end("p1"), Some(("undeliverable".to_owned(), 4001)));
    assert_eq!(lab.outcome("p1", "C2").as_deref(), Some("not-wanted"));
}

#[test]
fn the_same_run_gives_the_same_octets() {
    let run = || {
        let mut lab = Lab::registered();
        lab.push("p1", &[ALICE], "");
        let sirs = lab.sirs();
        sirs.iter()
            .map(|sir| sir.message.octets().clone())
            .collect::<Vec<_>>()
    };
    let first = run();
    assert_eq!(first.len(), 3);
    assert_eq!(first, run());
}

#[test]
fn hostile_octets_at_every_door_change_nothing() {
    let mut lab = Lab::registered();
    let stranger = link(&mut lab);
    let mut random = crate::random::Random::from_number(11);
    let seeds: [&[u8]; 4] = [
        b"INVITE sip:push@ppg.example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.11;branch=z9hG4bK1\r\nFrom: <sip:alice@example.com>;tag=1\r\nTo: <sip:push@ppg.example.com>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@192.0.2.11>\r\n\r\n",
        b"REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.11;branch=z9hG4bK2\r\nFrom: <sip:alice@example.com>;tag=1\r\nTo: <sip:alice@example.com>\r\nCall-ID: 2\r\nCSeq: 1 REGISTER\r\nContact: *\r\nExpires: 0\r\n\r\n",
        b"MSRP abcd1234 REPORT\r\nTo-Path: msrp://192.0.2.5:2855/x;tcp\r\nFrom-Path: msrp://x:9/y;tcp\r\nStatus: 000 200\r\n-------abcd1234$\r\n",
        b"--b\r\nContent-Type: application/xml\r\n\r\n<pap><push-message push-id=\"1\"/></pap>\r\n--b--",
    ];
    for round in 0..4_000_u64 {
        let mut octets = seeds[usize::try_from(round % 4).unwrap()].to_vec();
        for _ in 0..=random.below(4) {
            let at = usize::try_from(random.below(u64::try_from(octets.len()).unwrap())).unwrap();
            octets[at] = random.octets::<1>()[0];
        }
        let octets = Bytes::from(octets);
        let input = match round % 4 {
            0 | 1 => Input::Datagram {
                socket: crate::world::SocketId(0),
                peer: super::lab::address(7),
                octets,
            },
            2 => Input::Octets {
                link: stranger,
                octets,
            },
            _ => Input::Request {
                id: crate::world::RequestId(round),
                peer: super::lab::address(7),
                request: crate::world::HttpRequest {
                    method: "POST".to_owned(),
                    target: "/pap".to_owned(),
                    headers: vec![(
                        "content-type".to_owned(),
                        "multipart/related; boundary=b".to_owned(),
                    )],
                    body: octets,
                },
            },
        };
        let mut out = Vec::new();
        crate::machine::Machine::handle(&mut lab.gateway, lab.now, input, &mut out);
    }
    assert_eq!(lab.gateway.sessions().len(), 0);
    assert_eq!(lab.gateway.ledger().live(), 0);
}

#[test]
fn a_sir_that_waited_is_not_sent_to_a_device_that_has_the_push() {
    let mut lab = Lab::registered();
    // The first SIR to the second device stays without answer, so the next one waits for it.
    lab.push("p0", &[IMEI], "");
    assert_eq!(lab.sirs().len(), 1);
    let headers = "X-Sirgate-Plan: fanout+id\nX-Sirgate-Device: C1, C2\n";
    lab.push("p1", &[ALICE], headers);
    let sirs = lab.sirs();
    assert_eq!(sirs.len(), 2);
    lab.answer(&sirs[0], 200, "");
    let session = lab.session(2, "");
    for content in lab.contents(&session) {
        lab.confirm(&session, &content, 200);
    }
    assert_eq!(lab.outcome("p1", "C2").as_deref(), Some("delivered"));
    // The first device is asked again: now the second one is no longer addressed.
    lab.wait(8 * SECOND);
    lab.wait(30 * SECOND);
    let late: Vec<_> = lab
        .events("sir.tx")
        .into_iter()
        .filter(|tx| tx["push"] == "p1" && tx["dev"] == "C2")
        .collect();
    assert!(late.is_empty(), "{late:?}");
}

/// A laboratory with a session of device 1 that has delivered and stays up.
fn lasting(headers: &str) -> (Lab, Session) {
    let mut lab = Lab::with(crate::gateway::Config {
        session_linger: 3_600 * SECOND,
        ..config()
    });
    lab.register(1);
    lab.push("p1", &[UUID], "");
    let session = lab.session(1, headers);
    let contents = lab.contents(&session);
    lab.confirm(&session, &contents[0], 200);
    lab.sent(Method::Bye);
    (lab, session)
}

#[test]
fn a_session_that_its_device_does_not_refresh_ends() {
    let mut lab = Lab::registered();
    lab.push("p1", &[UUID], "");
    let hasty = lab.invite(1, "Supported: timer\nSession-Expires: 60\n");
    assert_eq!(hasty.status(), Some(422));
    assert_eq!(hasty.text(Name::MinSe), Some("90"));
    let (mut lab, _) = lasting("Supported: timer\nSession-Expires: 120\n");
    lab.wait(80 * SECOND);
    assert!(lab.sent(Method::Bye).is_empty());
    lab.wait(10 * SECOND);
    assert_eq!(lab.sent(Method::Bye).len(), 1);
}

#[test]
fn a_caller_that_leaves_it_to_the_gateway_is_refreshed_by_update_and_one_without_timers_is_left_alone()
 {
    let (mut lab, _) = lasting("Supported: timer\nSession-Expires: 120;refresher=uas\n");
    for _ in 0..3 {
        lab.wait(60 * SECOND);
        let updates = lab.sent(Method::Update);
        assert_eq!(updates.len(), 1);
        assert_eq!(
            updates[0].text(Name::SessionExpires),
            Some("120;refresher=uac")
        );
        let ok = crate::codec::sip::Draft::response(&updates[0], 200, None)
            .header("Session-Expires", "120;refresher=uac")
            .finish();
        let text = String::from_utf8(ok.octets().to_vec()).unwrap();
        lab.datagram(1, &text.replace('\r', ""));
    }
    assert!(lab.sent(Method::Bye).is_empty());
    // An UPDATE that nobody answers ends it.
    lab.wait(120 * SECOND);
    assert_eq!(lab.sent(Method::Bye).len(), 1);
    let (mut lab, _) = lasting("");
    lab.wait(3_000 * SECOND);
    assert!(lab.sent(Method::Bye).is_empty());
    assert!(lab.sent(Method::Update).is_empty());
}
