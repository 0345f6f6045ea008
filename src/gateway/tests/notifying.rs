//! Pushes that go as notifications of vendors' push services: who we are, what leaves, what comes of each answer.

use core::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::initiator::{PLAIN, Written};
use super::lab::*;
use crate::codec::apns::answer::{Reason, body};
use crate::codec::apns::provider::Provider;
use crate::codec::apns::request::Request;
use crate::codec::fcm::account::ServiceAccount;
use crate::codec::fcm::answer::{Code, plain_refusal, refusal, taken};
use crate::codec::fcm::grant::granted;
use crate::codec::fcm::message::{Message, Target};
use crate::codec::jwt::key::Key;
use crate::event::Bearer;
use crate::gateway::bearer::apns::Apns;
use crate::gateway::bearer::fcm::Fcm;
use crate::gateway::config::Config;
use crate::time::Time;
use crate::world::{FetchId, HttpRequest, HttpResponse};

const TOKEN: &str = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0";
const REGISTRATION: &str = "bk3RNwTe3H0:CI2k_HHwgIpoDKCIZvvDMExUdFQ3P1";

/// Alice's first device has a token at both services, and goes by these bearers.
fn with(bearers: &[Bearer]) -> Lab {
    let key = Key::of_pem(include_str!("../../../testdata/jwt/es256.pem")).unwrap();
    let account = ServiceAccount {
        project: "lab".to_owned(),
        email: "push@lab.example".to_owned(),
        token_uri: "http://oauth.example.com/token".to_owned(),
        key_id: "k1".to_owned(),
        key: Key::of_pem(include_str!("../../../testdata/jwt/rs256.pem")).unwrap(),
    };
    let mut config = Config {
        apns: Some(Apns {
            endpoint: "https://apns.example.com".to_owned(),
            topic: "com.example.mail".to_owned(),
            provider: Provider::new(key, "ABC123DEFG", "TEAM567890").unwrap(),
        }),
        fcm: Some(Fcm::new("https://fcm.example.com".to_owned(), account)),
        ..config()
    };
    let profile = &mut config.identities[0].devices[0].profile;
    profile.bearers = bearers.to_vec();
    profile.addresses.apns = Some(TOKEN.to_owned());
    profile.addresses.fcm = Some(REGISTRATION.to_owned());
    Lab::with(config)
}

/// Submits a short text for the device.
fn push(lab: &mut Lab, push_id: &str) {
    let si = "<?xml version=\"1.0\"?><si><indication href=\"http://mail.example.com/7\">new mail</indication></si>";
    let push = Written {
        push_id,
        content_type: "text/vnd.wap.si",
        content: si,
        ..PLAIN
    };
    assert_eq!(lab.post(&push.body()), 1001);
}

/// What left for push services and not yet was looked at; results for the initiator are not.
fn all_left(lab: &mut Lab) -> Vec<(FetchId, HttpRequest)> {
    let mut left = std::mem::take(&mut lab.fetches);
    left.retain(|(_, request)| !request.target.starts_with("http://pi.example.com/"));
    left
}

fn left(lab: &mut Lab) -> (FetchId, HttpRequest) {
    let mut left = all_left(lab);
    assert_eq!(left.len(), 1, "{left:?}");
    left.remove(0)
}

fn answer(lab: &mut Lab, id: FetchId, status: u16, body: String) {
    let response = HttpResponse {
        status,
        headers: Vec::new(),
        body: Bytes::from(body),
    };
    lab.fetched(id, Ok(response));
}

fn read(request: &HttpRequest) -> Request {
    let path = request.target.strip_prefix("https://apns.example.com");
    let headers = &request.headers;
    Request::read(&request.method, path.unwrap(), headers, &request.body).unwrap()
}

fn told(lab: &mut Lab, name: &str, field: &str) -> Vec<Value> {
    let events = lab.events(name);
    events.iter().map(|event| event[field].clone()).collect()
}

#[test]
fn r1_42_a_push_for_a_device_with_a_token_is_a_request_to_its_push_service() {
    let mut lab = with(&[Bearer::Apns]);
    push(&mut lab, "p1");
    let (id, request) = left(&mut lab);
    let sent = read(&request);
    assert_eq!(
        (sent.device.as_str(), sent.topic.as_str()),
        (TOKEN, "com.example.mail")
    );
    let payload: Value = serde_json::from_slice(&sent.payload).unwrap();
    assert_eq!(payload["aps"]["alert"]["body"], "new mail");
    assert_eq!(payload["href"], "http://mail.example.com/7");
    assert!(request.header(HttpRequest::TWO).is_some());
    answer(&mut lab, id, 200, String::new());
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
    assert_eq!(
        told(&mut lab, "push.dev", "reason"),
        [json!("taken by apns")]
    );
}

#[test]
fn the_provider_s_token_is_the_same_for_forty_minutes_and_another_when_it_is_refused() {
    let mut lab = with(&[Bearer::Apns]);
    let shown = |lab: &mut Lab, push_id: &str| {
        push(lab, push_id);
        let (id, request) = left(lab);
        answer(lab, id, 200, String::new());
        request.header("authorization").unwrap().to_owned()
    };
    let first = shown(&mut lab, "p1");
    lab.wait(Duration::from_secs(2_399));
    assert_eq!(shown(&mut lab, "p2"), first);
    lab.wait(Duration::from_secs(1));
    assert_ne!(shown(&mut lab, "p3"), first);
    lab.wait(Duration::from_secs(1_300));
    push(&mut lab, "p4");
    let (id, old) = left(&mut lab);
    answer(&mut lab, id, 403, body(Reason::ExpiredProviderToken, None));
    let (id, new) = left(&mut lab);
    assert_ne!(new.header("authorization"), old.header("authorization"));
    assert_eq!(new.body, old.body);
    answer(&mut lab, id, 200, String::new());
    assert_eq!(lab.end("p4"), Some(("delivered".to_owned(), 1000)));
}

#[test]
fn r1_44_a_token_that_is_gone_is_removed_and_the_next_bearer_is_tried() {
    let mut lab = with(&[Bearer::Apns, Bearer::Fcm]);
    push(&mut lab, "p1");
    let (id, _) = left(&mut lab);
    let since = Time::from_secs(1_767_000_000);
    answer(&mut lab, id, 410, body(Reason::Unregistered, Some(since)));
    let next = &lab.events("sir.next")[0];
    assert_eq!(
        (&next["why"], &next["next"]),
        (&json!("Unregistered"), &json!("fcm"))
    );
    let (_, request) = left(&mut lab);
    assert_eq!(request.target, "http://oauth.example.com/token");
    push(&mut lab, "p2");
    assert!(
        all_left(&mut lab).is_empty(),
        "the second waits for access, and asks nobody else"
    );
    let identity = lab.records.keys().any(|key| key.id.contains("alice"));
    assert!(identity, "the device without its token is kept");
}

#[test]
fn a_service_that_wants_to_be_left_alone_is_asked_again_after_as_long_as_it_says() {
    let mut lab = with(&[Bearer::Apns]);
    push(&mut lab, "p1");
    let (id, _) = left(&mut lab);
    lab.respond(id, 429, &[("retry-after", "30")]);
    lab.wait(Duration::from_secs(29));
    assert!(all_left(&mut lab).is_empty());
    lab.wait(Duration::from_secs(2));
    let (id, _) = left(&mut lab);
    answer(&mut lab, id, 200, String::new());
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
}

#[test]
fn a_service_that_is_never_ready_is_asked_a_bounded_number_of_times() {
    let mut lab = with(&[Bearer::Apns]);
    push(&mut lab, "p1");
    let mut asked = 0;
    while let Some((id, _)) = all_left(&mut lab).pop() {
        asked += 1;
        lab.respond(id, 429, &[("retry-after", "1")]);
        lab.wait(Duration::from_secs(120));
    }
    assert_eq!(asked, 4, "once, and three times again");
    assert_ne!(lab.end("p1").map(|end| end.0), Some("delivered".to_owned()));
}

#[test]
fn what_a_service_refuses_ends_the_delivery_with_its_reason() {
    let mut lab = with(&[Bearer::Apns]);
    push(&mut lab, "p1");
    let (id, _) = left(&mut lab);
    answer(&mut lab, id, 400, body(Reason::BadDeviceToken, None));
    assert_eq!(
        told(&mut lab, "push.dev", "reason"),
        [json!("BadDeviceToken")]
    );
}

#[test]
fn access_to_fcm_is_had_once_and_again_when_it_is_refused() {
    let mut lab = with(&[Bearer::Fcm]);
    push(&mut lab, "p1");
    push(&mut lab, "p2");
    let (id, request) = left(&mut lab);
    assert!(request.body.starts_with(b"grant_type="));
    answer(
        &mut lab,
        id,
        200,
        granted("ya29.one", Duration::from_secs(3_600)),
    );
    let sent = all_left(&mut lab);
    assert_eq!(sent.len(), 2, "both waited for the same");
    for (id, request) in sent {
        let target = "https://fcm.example.com/v1/projects/lab/messages:send";
        assert_eq!(request.target, target);
        assert_eq!(request.header("authorization"), Some("Bearer ya29.one"));
        let message = Message::decode(&request.body).unwrap();
        assert_eq!(message.target, Target::Token(REGISTRATION.to_owned()));
        assert_eq!(message.body.as_deref(), Some("new mail"));
        answer(&mut lab, id, 200, taken("projects/lab/messages/1"));
    }
    assert_eq!(lab.end("p2"), Some(("delivered".to_owned(), 1000)));
    push(&mut lab, "p3");
    let (id, _) = left(&mut lab);
    answer(
        &mut lab,
        id,
        401,
        plain_refusal(401, "UNAUTHENTICATED", "old"),
    );
    let (id, request) = left(&mut lab);
    assert_eq!(request.target, "http://oauth.example.com/token");
    answer(
        &mut lab,
        id,
        200,
        granted("ya29.two", Duration::from_secs(3_600)),
    );
    let (id, request) = left(&mut lab);
    assert_eq!(request.header("authorization"), Some("Bearer ya29.two"));
    answer(&mut lab, id, 404, refusal(Code::Unregistered, "gone", None));
    assert_eq!(
        told(&mut lab, "push.dev", "reason").last(),
        Some(&json!("UNREGISTERED"))
    );
}

#[test]
fn an_account_that_is_refused_access_sends_nothing() {
    let mut lab = with(&[Bearer::Fcm]);
    push(&mut lab, "p1");
    let (id, _) = left(&mut lab);
    let refused = json!({"error": "invalid_grant"}).to_string();
    answer(&mut lab, id, 400, refused);
    assert!(all_left(&mut lab).is_empty());
    let reason = json!("the service account is refused an access token");
    assert_eq!(told(&mut lab, "push.dev", "reason"), [reason]);
}

#[test]
fn a_content_that_is_no_short_text_goes_by_another_bearer() {
    let mut lab = with(&[Bearer::Apns, Bearer::Web]);
    let push = Written {
        content_type: "text/html",
        ..PLAIN
    };
    assert_eq!(lab.post(&push.body()), 1001);
    assert!(all_left(&mut lab).is_empty());
    let next = &lab.events("sir.next")[0];
    assert_eq!(next["why"], "a push service carries short texts alone");
}
