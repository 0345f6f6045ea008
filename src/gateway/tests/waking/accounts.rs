//! Two accounts on one connection: a phone with two of them, or an edge proxy.

use core::time::Duration;

use bytes::Bytes;

use super::super::bearers::with_bearers;
use super::super::lab::*;
use crate::codec::device_id::DeviceId;
use crate::codec::sip::Name;
use crate::event::Bearer;
use crate::gateway::config::{Authentication, Config, DeviceProfile, Identity, Speaks};
use crate::world::{CloseReason, Input, LinkId, ListenerId, Transport};

const BOB: &str = "sip:bob@example.com";
const BOBS: &str = "urn:uuid:00000000-0000-4000-8000-0000000000b0";
const LINK: LinkId = LinkId(LinkId::ACCEPTED + 77);

/// Alice and Bob, whose devices are woken by datagrams to ports of one host.
fn config() -> Config {
    let mut config = with_bearers(&[Bearer::Sip]);
    config.listeners[0].speaks = Speaks::Sip;
    config.identities.push(Identity {
        pui: BOB.to_owned(),
        aliases: Vec::new(),
        devices: vec![DeviceProfile {
            name: "B1".to_owned(),
            ids: vec![DeviceId::decode(BOBS).unwrap()],
            ..DeviceProfile::default()
        }],
    });
    config
}

fn open(lab: &mut Lab) {
    lab.input(Input::Opened {
        link: LINK,
        listener: Some(ListenerId(0)),
        transport: Transport::Tcp,
        local: "192.0.2.5:2855".parse().unwrap(),
        peer: address(1),
    });
}

/// A request of that account on the connection; the answer comes back.
fn ask(lab: &mut Lab, account: &str, method: &str, headers: &str) -> String {
    let n = lab.number();
    let uri = if method == "REGISTER" {
        "sip:example.com"
    } else {
        account
    };
    let text = format!(
        "{method} {uri} SIP/2.0\nVia: SIP/2.0/TCP 192.0.2.11:5060;branch=z9hG4bKw{n}\nMax-Forwards: 70\n\
         From: <{account}>;tag=w{n}\nTo: <{account}>\nCall-ID: w{n}\nCSeq: 1 {method}\n{headers}Content-Length: 0\n\n"
    );
    lab.octets.clear();
    let octets = Bytes::from(text.replace('\n', "\r\n"));
    lab.input(Input::Octets { link: LINK, octets });
    String::from_utf8_lossy(&lab.octets[0].1).into_owned()
}

fn register(lab: &mut Lab, account: &str, instance: &str, port: u16) {
    let user = account.split([':', '@']).nth(1).unwrap();
    let headers = format!(
        "Supported: path, outbound, gruu\n\
         Contact: <sip:{user}@192.0.2.11:5060;transport=tcp;ob;pn-provider=sirgate;pn-param=wsp;pn-prid=192.0.2.11:{port}>\
         ;+sip.instance=\"<{instance}>\";reg-id=1\n"
    );
    let answer = ask(lab, account, "REGISTER", &headers);
    assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
}

/// A push to a device; the datagram that wakes it goes to that port.
fn push(lab: &mut Lab, push: &str, device: &str) -> Option<u16> {
    assert_eq!(lab.push(push, &[device], ""), 1001);
    let (peer, _) = lab.wsp.pop()?;
    Some(peer.port())
}

#[test]
fn both_accounts_of_a_connection_that_is_gone_are_woken() {
    let mut lab = Lab::with(config());
    open(&mut lab);
    register(&mut lab, ALICE, UUID, 2948);
    register(&mut lab, BOB, BOBS, 2950);
    lab.wait(Duration::from_secs(30));
    lab.input(Input::Closed {
        link: LINK,
        why: CloseReason::Peer,
    });
    assert_eq!(push(&mut lab, "p1", BOBS), Some(2950));
    assert_eq!(push(&mut lab, "p2", UUID), Some(2948));
    assert!(lab.events("sir.answer").is_empty(), "nothing failed");
}

#[test]
fn both_accounts_of_a_connection_speak_for_themselves_where_devices_prove_who_they_are() {
    let mut config = config();
    config.authentication = Some(Authentication {
        realm: "example.com".to_owned(),
        users: vec![("alice".to_owned(), "a".to_owned())],
    });
    let mut lab = Lab::with(config);
    // Both proved it when they registered.
    let authenticator = lab.gateway.authenticator.take();
    open(&mut lab);
    register(&mut lab, ALICE, UUID, 2948);
    register(&mut lab, BOB, BOBS, 2950);
    lab.gateway.authenticator = authenticator;
    for (account, status) in [(ALICE, "200"), (BOB, "200"), ("sip:carol@example.com", "4")] {
        let headers = format!(
            "Event: presence\nContact: <{account}>\n{}: application/pidf+xml\nExpires: 600\n",
            Name::Accept.text()
        );
        let answer = ask(&mut lab, account, "SUBSCRIBE", &headers);
        let wanted = format!("SIP/2.0 {status}");
        assert!(answer.starts_with(&wanted), "{account}: {answer}");
    }
}
