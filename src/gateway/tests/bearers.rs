//! SIRs by bearers of IP: what leaves for each, what its answer means, and what follows when it fails.

use core::time::Duration;

use bytes::Bytes;

use super::lab::*;
use crate::codec::ota_http;
use crate::codec::sip::{Draft, Message, Method, Name};
use crate::codec::sir::Sir as Request;
use crate::codec::wsp::Push;
use crate::codec::wsp::sir::sir_of;
use crate::event::Bearer;
use crate::gateway::config::{Config, Smsc};
use crate::world::{FetchError, FetchId, Input};

const MSISDN: &str = "+15550103";
const HTTP: &str = "http://192.0.2.11:4035";

/// The trio, whose first device has these bearers and every address; all are registered.
pub(super) fn lab(bearers: &[Bearer]) -> Lab {
    Lab::registered_with(with_bearers(bearers))
}

pub(super) fn with_bearers(bearers: &[Bearer]) -> Config {
    let mut config = config();
    config.wsp = Some((WSP, "192.0.2.5:9200".parse().unwrap()));
    config.smsc = Some(Smsc::new("192.0.2.9:2775".parse().unwrap()));
    let profile = &mut config.identities[0].devices[0].profile;
    profile.bearers = bearers.to_vec();
    profile.addresses.msisdn = Some(MSISDN.to_owned());
    profile.addresses.wsp = Some("192.0.2.11:2948".parse().unwrap());
    profile.addresses.http = Some(HTTP.to_owned());
    config
}

/// The push that the gateway posted to the device, which is asked before what it takes when it was not yet.
pub(super) fn posted(lab: &mut Lab) -> (FetchId, Request) {
    let (id, request) = lab.fetches.pop().expect("a request");
    assert_eq!(request.target, format!("{HTTP}/wappush"));
    if request.method == "OPTIONS" {
        answer_http(lab, id, "501");
        return posted(lab);
    }
    (id, ota_http::sir::sir_of(&request.body).unwrap())
}

pub(super) fn answer_http(lab: &mut Lab, id: FetchId, status: &str) {
    lab.respond(id, 204, &[("x-wap-push-status", status)]);
}

/// The first device opens a session and takes what waits.
pub(super) fn connect(lab: &mut Lab) {
    let session = lab.session(1, "");
    let contents = lab.contents(&session);
    lab.confirm(&session, &contents[0], 200);
}

/// What the initiator is told of the push.
pub(super) fn told(lab: &mut Lab, push: &str) -> String {
    let ends = lab.events("push.end");
    let end = ends.iter().find(|end| end["push"] == push).expect("an end");
    end["desc"].as_str().unwrap().to_owned()
}

pub(super) fn bearers_of(lab: &mut Lab) -> Vec<String> {
    let sent = lab.events("sir.tx");
    let word = |event: &serde_json::Value| event["bearer"].as_str().unwrap().to_owned();
    sent.iter().map(word).collect()
}

fn reply(lab: &mut Lab, request: &Message, status: u16) {
    let response = Draft::response(request, status, Some("d9")).finish();
    let text = String::from_utf8(response.octets().to_vec()).unwrap();
    lab.datagram(1, &text.replace('\r', ""));
}

#[test]
fn r2_52_a_sir_goes_over_http_and_the_device_connects() {
    let mut lab = lab(&[Bearer::Http]);
    assert_eq!(lab.push("p1", &[UUID], ""), 1001);
    let (id, sir) = posted(&mut lab);
    assert_eq!(
        sir.devices(),
        crate::codec::sir::Named::These(vec![&config().identities[0].devices[0].ids[0]])
    );
    answer_http(&mut lab, id, "400 Accepted");
    connect(&mut lab);
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
    assert_eq!(told(&mut lab, "p1"), "delivered");
    assert_eq!(bearers_of(&mut lab), ["http"]);
}

#[test]
fn r2_52_a_device_that_refuses_over_http_is_asked_by_no_other_bearer() {
    let mut lab = lab(&[Bearer::Http, Bearer::Sip]);
    lab.push("p1", &[UUID], "");
    let (id, _) = posted(&mut lab);
    answer_http(&mut lab, id, "235 Rejected");
    assert_eq!(lab.outcome("p1", "C1"), Some("refused".to_owned()));
    assert!(lab.sirs().is_empty());
}

#[test]
fn r2_55_a_datagram_is_answered_by_the_session_or_by_nobody() {
    let mut lab = lab(&[Bearer::Wsp, Bearer::Http]);
    lab.push("p1", &[UUID], "");
    let (peer, datagram) = lab.wsp.pop().expect("a datagram");
    assert_eq!(peer, "192.0.2.11:2948".parse().unwrap());
    assert!(sir_of(&datagram).is_ok());
    connect(&mut lab);
    assert_eq!(told(&mut lab, "p1"), "delivered");
    let mut lab = self::lab(&[Bearer::Wsp, Bearer::Http]);
    lab.push("p2", &[UUID], "");
    lab.wait(Duration::from_secs(6));
    let (id, _) = posted(&mut lab);
    answer_http(&mut lab, id, "400");
    connect(&mut lab);
    assert_eq!(
        told(&mut lab, "p2"),
        "delivered by http; wsp: no session followed"
    );
}

#[test]
fn r2_55_a_device_with_wsp_alone_is_tried_until_the_push_is_over() {
    let mut lab = lab(&[Bearer::Wsp]);
    let before = lab.now + Duration::from_secs(7_200);
    let attributes = format!(" deliver-before-timestamp=\"{before}\"");
    lab.post(&pap_body("p1", &[UUID], &attributes, ""));
    lab.post(&pap_body("p2", &[UUID], &attributes, ""));
    lab.wait(Duration::from_secs(3_000));
    assert_eq!(lab.end("p1"), None);
    let sent = lab.wsp.len();
    assert!(
        (20..60).contains(&sent),
        "with pauses, and on and on: {sent}"
    );
    let session = lab.session(1, "");
    for content in lab.contents(&session) {
        lab.confirm(&session, &content, 200);
    }
    assert_eq!(told(&mut lab, "p1"), "delivered");
    let mut lab = self::lab(&[Bearer::Wsp]);
    lab.post(&pap_body("p1", &[UUID], &attributes, ""));
    lab.wait(Duration::from_secs(7_201));
    assert_eq!(lab.end("p1").unwrap().0, "expired");
}

#[test]
fn r2_61_a_quiet_or_busy_device_is_tried_later_and_by_no_other_bearer() {
    for status in ["234 Rejected", "237 Rejected"] {
        let mut lab = lab(&[Bearer::Http, Bearer::Wsp]);
        lab.push("p1", &[UUID], "");
        let (id, _) = posted(&mut lab);
        answer_http(&mut lab, id, status);
        assert!(lab.wsp.is_empty() && lab.fetches.is_empty());
        assert_eq!(lab.end("p1"), None);
        lab.wait(Duration::from_secs(30));
        assert!(lab.wsp.is_empty());
        let (id, _) = posted(&mut lab);
        answer_http(&mut lab, id, "400");
        connect(&mut lab);
        assert_eq!(told(&mut lab, "p1"), "delivered");
    }
}

#[test]
fn r2_57_a_datagram_of_the_packet_domain_says_so() {
    for (bearer, expected) in [(Bearer::Ps, Some(0x0B)), (Bearer::Wsp, None)] {
        let mut lab = lab(&[bearer]);
        lab.push("p1", &[UUID], "");
        let (_, datagram) = lab.wsp.pop().expect("a datagram");
        let push = Push::decode(&datagram).unwrap();
        let said = push.content.headers.named("Bearer-Indication").next();
        assert_eq!(said.and_then(|field| field.value.integer()), expected);
    }
}

#[test]
fn r2_61_a_push_whose_first_two_bearers_fail_arrives_by_the_third_with_the_reasons_on_record() {
    let mut lab = lab(&[Bearer::Sip, Bearer::Http, Bearer::Wsp]);
    lab.push("p1", &[UUID], "");
    let sirs = lab.sirs();
    lab.answer(&sirs[0], 404, "");
    let (id, _) = posted(&mut lab);
    let response = Err(FetchError::Unreachable);
    lab.fetched(id, response);
    assert_eq!(lab.wsp.len(), 1);
    connect(&mut lab);
    assert_eq!(
        told(&mut lab, "p1"),
        "delivered by wsp; sip: the device cannot be reached now; http: the device takes no connection"
    );
    let next: Vec<String> = lab
        .events("sir.next")
        .iter()
        .map(|event| {
            let word = |name: &str| event[name].as_str().unwrap().to_owned();
            format!("{} {} {}", word("dev"), word("bearer"), word("next"))
        })
        .collect();
    assert_eq!(next, ["C1 sip http", "C1 http wsp"]);
}

#[test]
fn r2_61_after_the_last_bearer_the_first_is_tried_again_after_a_pause() {
    let mut lab = lab(&[Bearer::Http, Bearer::Sip]);
    lab.push("p1", &[UUID], "");
    let (id, _) = posted(&mut lab);
    let response = Err(FetchError::TimedOut);
    lab.fetched(id, response);
    let sirs = lab.sirs();
    lab.answer(&sirs[0], 503, "");
    assert!(lab.fetches.is_empty());
    lab.wait(Duration::from_secs(3));
    posted(&mut lab);
}

#[test]
fn r2_61_a_last_bearer_that_fails_for_good_does_not_end_what_an_earlier_one_may_bring_later() {
    let mut lab = lab(&[Bearer::Http, Bearer::Sip]);
    lab.push("p1", &[UUID], "");
    let (id, _) = posted(&mut lab);
    let response = Err(FetchError::TimedOut);
    lab.fetched(id, response);
    let sirs = lab.sirs();
    lab.answer(&sirs[0], 482, "");
    assert!(lab.events("push.end").is_empty());
    lab.wait(Duration::from_secs(3));
    posted(&mut lab);
}

#[test]
fn r2_61_a_quiet_device_is_not_asked_by_another_bearer() {
    let mut lab = lab(&[Bearer::Sip, Bearer::Http]);
    lab.push("p1", &[UUID], "");
    let sirs = lab.sirs();
    let quiet = "Retry-After: 600\nWarning: 399 c1 \"sirgate refusal pref\"\n";
    lab.answer(&sirs[0], 480, quiet);
    assert!(lab.fetches.is_empty());
}

#[test]
fn r2_61_one_fan_out_goes_by_three_bearers_with_one_content() {
    let mut config = with_bearers(&[Bearer::Http]);
    let second = &mut config.identities[0].devices[1].profile;
    second.bearers = vec![Bearer::Wsp];
    second.addresses.wsp = Some("192.0.2.12:2948".parse().unwrap());
    let mut lab = Lab::registered_with(config);
    lab.push("p1", &[ALICE], "");
    let (_, by_http) = posted(&mut lab);
    let by_wsp = sir_of(&lab.wsp.pop().unwrap().1).unwrap();
    let sirs = lab.sirs();
    assert_eq!((sirs.len(), sirs[0].dev), (1, 3));
    let by_sip = Request::from_sip(&sirs[0].message).unwrap();
    assert_eq!(by_http, by_wsp);
    assert_eq!(by_http, by_sip);
}

#[test]
fn r2_59_a_sir_goes_as_options_and_its_answer_counts() {
    let mut lab = lab(&[Bearer::Signalling]);
    lab.push("p1", &[UUID], "");
    let options = lab.sent(Method::Options);
    assert_eq!(options.len(), 1);
    assert!(Request::from_sip(&options[0]).is_ok());
    reply(&mut lab, &options[0], 200);
    connect(&mut lab);
    assert_eq!(told(&mut lab, "p1"), "delivered");
}

#[test]
fn r2_59_a_device_that_subscribed_to_sirs_gets_a_notify_and_without_it_options() {
    let mut lab = lab(&[Bearer::Signalling]);
    let headers = format!(
        "To: <sip:push@ppg.example.com>\nContact: <sip:alice@{}>\nEvent: sirgate-sir\nExpires: 600\n",
        address(1)
    );
    let uri = "sip:push@ppg.example.com";
    let granted = lab.request(1, "SUBSCRIBE", uri, &headers, "");
    assert_eq!(granted.status(), Some(200));
    let first = lab.sent(Method::Notify);
    assert_eq!(first[0].text(Name::Event), Some("sirgate-sir"));
    reply(&mut lab, &first[0], 200);
    lab.push("p1", &[UUID], "");
    let notify = lab.sent(Method::Notify);
    let sir = Request::from_sip(&notify[0]).unwrap();
    assert_eq!(sir.client, ALICE);
    assert_eq!(sir.value.devices.len(), 1, "the value placement is kept");
    reply(&mut lab, &notify[0], 481);
    assert_eq!(lab.sent(Method::Options).len(), 1);
}

#[test]
fn r2_60_a_sir_goes_in_a_session_for_another_service() {
    let mut lab = lab(&[Bearer::Service]);
    let service = lab.session_to("sip:service@ppg.example.com", 1, "");
    assert!(lab.events("sess.up").is_empty(), "it is no push session");
    lab.push("p1", &[UUID], "");
    let contents = lab.contents(&service);
    assert_eq!(contents.len(), 1);
    assert!(
        contents[0]
            .2
            .contains("X-Sirgate-To: sip:alice@example.com")
    );
    lab.confirm(&service, &contents[0], 200);
    connect(&mut lab);
    assert_eq!(told(&mut lab, "p1"), "delivered");
    assert_eq!(bearers_of(&mut lab), ["service"]);
}

#[test]
fn r2_60_a_push_that_waits_for_a_service_session_goes_when_it_is_there() {
    let mut lab = lab(&[Bearer::Service]);
    lab.push("p1", &[UUID], "");
    assert!(bearers_of(&mut lab).is_empty());
    let service = lab.session_to("sip:service@ppg.example.com", 1, "");
    assert_eq!(lab.contents(&service).len(), 1);
}

#[test]
fn r2_60_a_service_session_that_ends_hands_over_to_the_next_bearer() {
    let mut lab = lab(&[Bearer::Service, Bearer::Http]);
    let service = lab.session_to("sip:service@ppg.example.com", 1, "");
    lab.push("p1", &[UUID], "");
    lab.input(Input::Closed {
        link: service.link,
        why: crate::world::CloseReason::Peer,
    });
    posted(&mut lab);
}

#[test]
fn r2_107_information_that_a_device_posts_is_learned() {
    let mut lab = lab(&[Bearer::Http]);
    let id = crate::world::RequestId(77);
    let request = crate::world::HttpRequest {
        method: "POST".to_owned(),
        target: "/info".to_owned(),
        headers: vec![("x-sirgate-device".to_owned(), format!("<{UUID}>"))],
        body: Bytes::from_static(br#"{"kind":"capability","octets_max":9}"#),
    };
    let peer = address(1);
    lab.input(Input::Request { id, peer, request });
    assert_eq!(lab.responses.pop().unwrap().1.status, 204);
    assert_eq!(lab.events("info.rx")[0]["via"], "push");
}
