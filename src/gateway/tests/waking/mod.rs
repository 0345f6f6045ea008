//! Devices that sleep, as RFC 8599 has it: woken by the bearer they registered with, asked by SIP once they are back.

mod accounts;
mod by_ussd;
mod renewing;
mod services;

use core::time::Duration;

use super::bearers::{answer_http, bearers_of, connect, told, with_bearers};
use super::lab::*;
use crate::codec::ota_http;
use crate::codec::sip::{Message, Name};
use crate::codec::wsp::sir::sir_of;
use crate::event::Bearer;
use crate::world::{
    CloseReason, FetchError, FetchId, HttpRequest, Input, LinkId, ListenerId, SocketId, Transport,
};

const HTTP: &str = "pn-provider=sirgate;pn-param=http;pn-prid=http://192.0.2.11:4035";
const WSP_ADDRESS: &str = "pn-provider=sirgate;pn-param=wsp;pn-prid=192.0.2.11:2948";

/// REGISTER of the first device, with these parameters in its contact.
fn register(lab: &mut Lab, params: &str, expires: u32) -> Message {
    let headers = format!(
        "To: <{ALICE}>\nSupported: path, outbound, gruu\nX-Sirgate-Device: <{UUID}>\n\
         Contact: <sip:alice@{};ob;{params}>;+sip.instance=\"<{UUID}>\";reg-id=1\nExpires: {expires}\n",
        address(1)
    );
    lab.request(1, "REGISTER", "sip:example.com", &headers, "")
}

/// A lab whose first device registered with these parameters and fell asleep.
fn asleep(params: &str) -> Lab {
    let mut lab = Lab::with(with_bearers(&[Bearer::Sip]));
    assert_eq!(register(&mut lab, params, 3600).status(), Some(200));
    lab.wait(Duration::from_secs(60));
    lab
}

/// What woke the device over HTTP.
fn knocked(lab: &mut Lab) -> FetchId {
    let (id, request) = lab.fetches.pop().expect("a push over HTTP");
    assert_eq!(request.target, "http://192.0.2.11:4035/wappush");
    assert!(ota_http::sir::sir_of(&request.body).is_ok());
    id
}

#[test]
fn a_device_that_can_be_woken_registers_and_is_told_by_whom() {
    let mut lab = Lab::with(with_bearers(&[Bearer::Sip]));
    let ok = register(&mut lab, WSP_ADDRESS, 3600);
    assert_eq!(ok.status(), Some(200));
    assert_eq!(ok.text(Name::FeatureCaps), Some("*;+sip.pns=\"sirgate\""));
    let contact = ok.text(Name::Contact).unwrap();
    assert!(contact.contains(WSP_ADDRESS), "{contact}");
}

#[test]
fn unknown_services_and_bearers_that_are_not_served_are_answered_555() {
    let mut lab = Lab::new();
    for params in [
        "pn-provider=apns;pn-param=x;pn-prid=y",
        "pn-provider=sirgate;pn-param=pigeon;pn-prid=%2B15550103",
        // No message centre is configured here.
        "pn-provider=sirgate;pn-param=sms;pn-prid=%2B15550103",
        "pn-provider=sirgate;pn-param=http;pn-prid=alice",
        "pn-provider=sirgate;pn-param=http",
    ] {
        assert_eq!(
            register(&mut lab, params, 3600).status(),
            Some(555),
            "{params}"
        );
    }
    assert_eq!(register(&mut lab, HTTP, 3600).status(), Some(200));
}

#[test]
fn a_device_that_names_an_address_of_somebody_else_is_refused_and_nobody_is_called() {
    let mut lab = Lab::with(with_bearers(&[Bearer::Sip]));
    for foreign in [
        "pn-param=http;pn-prid=http:%2F%2F198.51.100.7:8080%2Fadmin%2Fwipe%3Fconfirm%3Dyes%26x%3D",
        "pn-param=http;pn-prid=http:%2F%2F192.0.2.11:8080%2Fadmin%2Fwipe%3Fconfirm%3Dyes%26x%3D",
        "pn-param=http;pn-prid=http:%2F%2F198.51.100.7:8080",
        "pn-param=wsp;pn-prid=198.51.100.7:53",
        "pn-param=sms;pn-prid=%2B15550999",
        "pn-param=ussd;pn-prid=%2B15550999",
    ] {
        let params = format!("pn-provider=sirgate;{foreign}");
        let answer = register(&mut lab, &params, 3600);
        assert_eq!(answer.status(), Some(555), "{params}");
    }
    assert_eq!(lab.events("refused").len(), 6);
    lab.wait(Duration::from_secs(60));
    lab.push("p1", &[UUID], "");
    lab.wait(Duration::from_secs(3_600));
    let is_result = |(_, request): &(_, HttpRequest)| request.target == NOTIFY;
    assert!(lab.fetches.iter().all(is_result) && lab.wsp.is_empty());
    assert!(lab.events("wake").is_empty());
}

#[test]
fn a_device_that_nobody_entered_is_woken_at_the_host_it_registered_from() {
    let mut lab = Lab::new();
    let elsewhere = "pn-provider=sirgate;pn-param=http;pn-prid=http://192.0.2.12:4035";
    assert_eq!(register(&mut lab, elsewhere, 3600).status(), Some(555));
    assert_eq!(register(&mut lab, HTTP, 3600).status(), Some(200));
    // An address that a proxy passed on is not the one of the sender.
    let headers = format!(
        "Via: SIP/2.0/UDP 203.0.113.9;branch=z9hG4bKfar\nTo: <{ALICE}>\nExpires: 3600\n\
         Contact: <sip:alice@203.0.113.9;{HTTP}>;+sip.instance=\"<{UUID}>\"\n"
    );
    let answer = lab.request(1, "REGISTER", "sip:example.com", &headers, "");
    assert_eq!(answer.status(), Some(555));
}

#[test]
fn r2_52_a_sleeping_device_is_woken_over_http_and_the_sir_follows_its_registration() {
    let mut lab = asleep(HTTP);
    assert_eq!(lab.push("p1", &[UUID], ""), 1001);
    let id = knocked(&mut lab);
    assert!(lab.sirs().is_empty(), "the SIR is held");
    answer_http(&mut lab, id, "400 Accepted");
    lab.wait(Duration::from_secs(10));
    assert!(lab.sirs().is_empty());
    register(&mut lab, HTTP, 3600);
    let sirs = lab.sirs();
    assert_eq!(sirs.len(), 1, "the registration releases the SIR");
    lab.answer(&sirs[0], 200, "");
    connect(&mut lab);
    assert_eq!(told(&mut lab, "p1"), "delivered");
    assert_eq!(bearers_of(&mut lab), ["http", "sip"]);
}

#[test]
fn r2_55_a_sleeping_device_is_woken_by_a_datagram() {
    let mut lab = asleep(WSP_ADDRESS);
    lab.push("p1", &[UUID], "");
    let (peer, datagram) = lab.wsp.pop().expect("a datagram");
    assert_eq!(peer, "192.0.2.11:2948".parse().unwrap());
    assert!(sir_of(&datagram).is_ok());
    register(&mut lab, WSP_ADDRESS, 3600);
    assert_eq!(lab.sirs().len(), 1);
}

#[test]
fn a_device_that_just_registered_is_awake() {
    let mut lab = Lab::with(with_bearers(&[Bearer::Sip]));
    register(&mut lab, HTTP, 3600);
    lab.push("p1", &[UUID], "");
    assert_eq!(lab.sirs().len(), 1);
    assert!(lab.fetches.is_empty());
}

#[test]
fn a_device_that_stays_asleep_is_woken_again_later() {
    let mut lab = asleep(WSP_ADDRESS);
    lab.push("p1", &[UUID], "");
    assert_eq!(lab.wsp.len(), 1);
    lab.wait(Duration::from_secs(19));
    assert!(lab.events("sir.answer").is_empty());
    lab.wait(Duration::from_secs(1));
    assert_eq!(lab.events("sir.answer")[0]["status"], 480);
    lab.wait(Duration::from_secs(10));
    assert_eq!(lab.wsp.len(), 2, "it is tried again");
    register(&mut lab, WSP_ADDRESS, 3600);
    let sirs = lab.sirs();
    lab.answer(&sirs[0], 200, "");
    connect(&mut lab);
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
}

#[test]
fn a_device_that_cannot_be_woken_is_reached_by_its_next_bearer_at_once() {
    let mut lab = Lab::with(with_bearers(&[Bearer::Sip, Bearer::Wsp]));
    register(&mut lab, HTTP, 3600);
    lab.wait(Duration::from_secs(60));
    lab.push("p1", &[UUID], "");
    let id = knocked(&mut lab);
    let response = Err(FetchError::Unreachable);
    lab.fetched(id, response);
    assert_eq!(lab.wsp.len(), 1);
    connect(&mut lab);
    assert_eq!(
        told(&mut lab, "p1"),
        "delivered by wsp; sip: the device takes no connection"
    );
}

#[test]
fn a_device_that_connects_before_it_registers_gets_its_push_once() {
    let mut lab = asleep(WSP_ADDRESS);
    lab.push("p1", &[UUID], "");
    connect(&mut lab);
    register(&mut lab, WSP_ADDRESS, 3600);
    assert!(lab.sirs().is_empty());
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
}

#[test]
fn a_binding_of_a_device_that_can_be_woken_outlives_its_connection_and_a_restart() {
    let mut config = with_bearers(&[Bearer::Sip]);
    config.listeners[0].speaks = crate::gateway::config::Speaks::Sip;
    let mut lab = Lab::with(config.clone());
    let link = LinkId(LinkId::ACCEPTED + 77);
    lab.input(Input::Opened {
        link,
        listener: Some(ListenerId(0)),
        transport: Transport::Tcp,
        local: "192.0.2.5:2855".parse().unwrap(),
        peer: address(1),
    });
    let text = format!(
        "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/TCP {host};branch=z9hG4bKw1\nMax-Forwards: 70\n\
         From: <{ALICE}>;tag=w1\nTo: <{ALICE}>\nCall-ID: w1\nCSeq: 1 REGISTER\nSupported: path, outbound, gruu\n\
         Contact: <sip:alice@{host};transport=tcp;ob;{WSP_ADDRESS}>;+sip.instance=\"<{UUID}>\";reg-id=1\n\
         Content-Length: 0\n\n",
        host = address(1)
    );
    let octets = bytes::Bytes::from(text.replace('\n', "\r\n"));
    lab.input(Input::Octets { link, octets });
    let answer = String::from_utf8_lossy(&lab.octets[0].1).into_owned();
    assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
    lab.wait(Duration::from_secs(30));
    let why = CloseReason::Peer;
    lab.input(Input::Closed { link, why });
    assert!(
        lab.events("reg")
            .iter()
            .all(|reg| reg["change"] != "removed")
    );
    let mut lab = lab.restarted(config);
    lab.push("p1", &[UUID], "");
    assert_eq!(lab.wsp.len(), 1, "it is woken");
    lab.input(Input::Datagram {
        socket: SocketId(0),
        peer: address(1),
        octets: bytes::Bytes::from_static(b"\r\n\r\n"),
    });
    register(&mut lab, WSP_ADDRESS, 3600);
    assert_eq!(lab.sirs().len(), 1);
}

#[test]
fn a_device_that_takes_its_registration_back_is_woken_no_more() {
    let mut lab = asleep(HTTP);
    register(&mut lab, HTTP, 0);
    lab.push("p1", &[UUID], "");
    assert!(lab.fetches.is_empty());
}
