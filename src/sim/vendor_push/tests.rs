//! Both services, asked as a sender asks them.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::Demand;
use super::apns::{self, Apns};
use super::fcm::{self, Fcm, TOKEN_PATH};
use crate::codec::apns::answer::Reason;
use crate::codec::apns::provider::{Known, Provider};
use crate::codec::apns::request::{Priority, PushType, Request};
use crate::codec::fcm::account::ServiceAccount;
use crate::codec::fcm::answer::Code;
use crate::codec::fcm::grant;
use crate::codec::fcm::message::Message;
use crate::codec::jwt::key::Key;
use crate::event::Fact;
use crate::machine::Machine;
use crate::random::Random;
use crate::time::Time;
use crate::world::{HttpRequest, HttpResponse, Input, Output, RequestId};

const START: Time = Time::from_secs(1_700_000_000);
const MAIL: &str = "com.example.mail";

fn after(seconds: u64) -> Time {
    START + Duration::from_secs(seconds)
}

/// A service, and what it told.
struct Bench<N> {
    service: N,
    facts: Vec<Fact>,
}

impl<N: Machine<Input = Input, Output = Output>> Bench<N> {
    fn ask(&mut self, now: Time, port: u16, request: HttpRequest) -> HttpResponse {
        let mut out = Vec::new();
        let input = Input::Request {
            id: RequestId(1),
            peer: ([127, 0, 0, 1], port).into(),
            request,
        };
        self.service.handle(now, input, &mut out);
        let mut response = None;
        for output in out {
            match output {
                Output::Respond { response: own, .. } => response = Some(own),
                Output::Report(event) => self.facts.push(event.fact),
                other => panic!("{other:?}"),
            }
        }
        response.unwrap()
    }

    fn door(&mut self, method: &str, target: &str, body: &Value) -> (u16, Value) {
        let request = request(method, target, &[], body.to_string().as_bytes());
        let response = self.ask(START, 1, request);
        let body = serde_json::from_slice(&response.body).unwrap_or_default();
        (response.status, body)
    }

    fn count(&self, name: &str) -> usize {
        let name_of = |fact: &&Fact| match fact {
            Fact::NoteToken { .. } => name == "note.token",
            Fact::NoteReq { .. } => name == "note.req",
            Fact::NoteGiven { .. } => name == "note.given",
            _ => false,
        };
        self.facts.iter().filter(name_of).count()
    }
}

fn request(method: &str, target: &str, rows: &[(&str, &str)], body: &[u8]) -> HttpRequest {
    let rows = rows.iter();
    HttpRequest {
        method: method.to_owned(),
        target: target.to_owned(),
        headers: rows
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: Bytes::copy_from_slice(body),
    }
}

fn key() -> Key {
    Key::of_pem(include_str!("../../../testdata/jwt/es256.pem")).unwrap()
}

fn apns() -> (Bench<Apns>, Provider) {
    let settings = apns::Settings {
        providers: vec![Known {
            key: key().public(),
            key_id: "ABC123DEFG".to_owned(),
            team: "TEAM567890".to_owned(),
        }],
        topics: vec![MAIL.to_owned(), "com.example.chat".to_owned()],
        any_device: false,
    };
    let service = Apns::new(settings, Random::from_number(1));
    let provider = Provider::new(key(), "ABC123DEFG", "TEAM567890").unwrap();
    let facts = Vec::new();
    (Bench { service, facts }, provider)
}

/// A device with the mail application, and its token.
fn device<N: Machine<Input = Input, Output = Output>>(bench: &mut Bench<N>) -> String {
    let wanted = json!({"name": "phone", "app": MAIL});
    let (status, body) = bench.door("POST", "/sim/devices", &wanted);
    assert_eq!(status, 201);
    body["token"].as_str().unwrap().to_owned()
}

fn note(device: &str, topic: &str, collapse: Option<&str>) -> Request {
    Request {
        device: device.to_owned(),
        topic: topic.to_owned(),
        push_type: PushType::Alert,
        priority: Priority::Immediate,
        expiration: None,
        collapse_id: collapse.map(str::to_owned),
        id: None,
        payload: br#"{"aps":{"alert":"hi"}}"#.to_vec(),
    }
}

fn sent(note: Request, authorization: &str) -> HttpRequest {
    let parts = note.write(authorization);
    HttpRequest {
        method: "POST".to_owned(),
        target: parts.path,
        headers: parts.headers,
        body: Bytes::from(parts.body),
    }
}

fn told(response: &HttpResponse) -> (u16, Option<String>) {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let reason = body.get("reason").and_then(Value::as_str);
    (response.status, reason.map(str::to_owned))
}

fn refused(reason: Reason) -> (u16, Option<String>) {
    (reason.status(), Some(reason.word().to_owned()))
}

#[test]
fn r1_40_a_device_that_registers_gets_a_token_of_64_hexadecimal_digits() {
    let (mut bench, _) = apns();
    let (first, second) = (device(&mut bench), device(&mut bench));
    assert_eq!(first.len(), 64);
    assert!(first.bytes().all(|it| b"0123456789abcdef".contains(&it)));
    assert_ne!(first, second);
    assert_eq!(bench.count("note.token"), 2);
}

#[test]
fn r1_43_what_is_sent_to_a_token_reaches_its_device_once() {
    let (mut bench, mut provider) = apns();
    let token = device(&mut bench);
    let shown = provider.authorization(START).unwrap();
    let response = bench.ask(START, 1, sent(note(&token, MAIL, None), &shown));
    assert_eq!(told(&response), (200, None));
    assert!(response.headers.iter().any(|(name, _)| name == "apns-id"));
    assert_eq!((bench.count("note.req"), bench.count("note.given")), (1, 1));
    let (_, seen) = bench.door("GET", &format!("/sim/devices/{token}"), &json!({}));
    assert_eq!(seen["received"], 1);
    assert_eq!(seen["notes"][0]["payload"]["aps"]["alert"], "hi");
}

#[test]
fn notifications_of_one_name_replace_each_other_on_the_device() {
    let (mut bench, mut provider) = apns();
    let token = device(&mut bench);
    let shown = provider.authorization(START).unwrap();
    for collapse in [Some("inbox"), None, Some("inbox")] {
        let response = bench.ask(START, 1, sent(note(&token, MAIL, collapse), &shown));
        assert_eq!(response.status, 200);
    }
    let seen = bench.service.handsets().get(&token).unwrap();
    assert_eq!((seen.received, seen.notes.len()), (3, 2));
}

#[test]
fn a_token_that_is_gone_is_refused_with_the_time_since_when() {
    let (mut bench, mut provider) = apns();
    let token = device(&mut bench);
    let (status, _) = bench.door("DELETE", &format!("/sim/devices/{token}"), &json!({}));
    assert_eq!(status, 204);
    let shown = provider.authorization(after(60)).unwrap();
    let response = bench.ask(after(60), 1, sent(note(&token, MAIL, None), &shown));
    assert_eq!(
        &response.body[..],
        br#"{"reason":"Unregistered","timestamp":1700000000000}"#
    );
    assert_eq!(response.status, 410);
    assert_eq!(bench.count("note.given"), 0);
}

#[test]
fn who_sends_and_where_to_is_checked_as_documented() {
    let (mut bench, mut provider) = apns();
    let token = device(&mut bench);
    let shown = provider.authorization(START).unwrap();
    let mut ask = |now, note: Request, shown: &str| told(&bench.ask(now, 1, sent(note, shown)));
    let own = || note(&token, MAIL, None);
    assert_eq!(ask(START, own(), ""), refused(Reason::MissingProviderToken));
    let broken = shown.replace("bearer ey", "bearer ex");
    assert_eq!(
        ask(START, own(), &broken),
        refused(Reason::InvalidProviderToken)
    );
    let late = ask(after(3_601), own(), &shown);
    assert_eq!(late, refused(Reason::ExpiredProviderToken));
    let other = ask(START, note(&token, "com.example.chat", None), &shown);
    assert_eq!(other, refused(Reason::DeviceTokenNotForTopic));
    let foreign = ask(START, note(&token, "com.example.bank", None), &shown);
    assert_eq!(foreign, refused(Reason::TopicDisallowed));
    let nobody = ask(START, note(&"ab".repeat(32), MAIL, None), &shown);
    assert_eq!(nobody, refused(Reason::BadDeviceToken));
    assert_eq!(ask(START, own(), &shown), (200, None));
}

#[test]
fn a_connection_whose_provider_token_changes_within_twenty_minutes_is_refused() {
    let (mut bench, mut provider) = apns();
    let token = device(&mut bench);
    let first = provider.authorization(START).unwrap();
    let mut other = Provider::new(key(), "ABC123DEFG", "TEAM567890").unwrap();
    let second = other.authorization(after(1_199)).unwrap();
    let mut ask = |port, shown: &str| {
        let note = sent(note(&token, MAIL, None), shown);
        told(&bench.ask(after(1_199), port, note))
    };
    assert_eq!(ask(1, &first), (200, None));
    assert_eq!(
        ask(1, &second),
        refused(Reason::TooManyProviderTokenUpdates)
    );
    assert_eq!(ask(2, &second), (200, None), "another connection");
}

#[test]
fn every_documented_reason_can_be_had_on_demand() {
    for reason in Reason::ALL.iter().copied() {
        let (mut bench, mut provider) = apns();
        let token = device(&mut bench);
        let demand = json!({"reason": reason.word(), "first": 1, "retry_after": 5});
        assert_eq!(bench.door("POST", "/sim/refuse", &demand).0, 204);
        let shown = provider.authorization(START).unwrap();
        let mut ask = || bench.ask(START, 1, sent(note(&token, MAIL, None), &shown));
        let response = ask();
        assert_eq!(told(&response), refused(reason));
        let row = ("retry-after".to_owned(), "5".to_owned());
        assert!(response.headers.contains(&row));
        assert_eq!(told(&ask()), (200, None), "the first alone");
    }
    let (mut bench, _) = apns();
    let unknown = json!({"reason": "TooTired"});
    assert_eq!(bench.door("POST", "/sim/refuse", &unknown).0, 400);
}

#[test]
fn what_devices_remember_is_bounded() {
    let (mut bench, mut provider) = apns();
    let token = device(&mut bench);
    let shown = provider.authorization(START).unwrap();
    for _ in 0..super::NOTES + 5 {
        bench.ask(START, 1, sent(note(&token, MAIL, None), &shown));
    }
    let seen = bench.service.handsets().get(&token).unwrap();
    assert_eq!(seen.notes.len(), super::NOTES);
    let kept: usize = seen
        .notes
        .iter()
        .map(|it| it.payload.as_ref().unwrap().len())
        .sum();
    assert_eq!(bench.service.handsets().octets, kept);
}

fn account() -> ServiceAccount {
    ServiceAccount {
        project: "lab".to_owned(),
        email: "push@lab.example".to_owned(),
        token_uri: "http://127.0.0.1:8090/token".to_owned(),
        key_id: "k1".to_owned(),
        key: Key::of_pem(include_str!("../../../testdata/jwt/rs256.pem")).unwrap(),
    }
}

fn fcm() -> Bench<Fcm> {
    let account = account();
    let settings = fcm::Settings {
        project: account.project,
        accounts: vec![grant::Known {
            email: account.email,
            key: account.key.public(),
        }],
        audience: account.token_uri,
        access: Duration::from_secs(3_600),
        any_device: false,
    };
    Bench {
        service: Fcm::new(settings, Random::from_number(1)),
        facts: Vec::new(),
    }
}

/// What the endpoint gives for what the account signed.
fn access(bench: &mut Bench<Fcm>) -> String {
    let form = grant::request(&account(), START).unwrap();
    let response = bench.ask(START, 1, request("POST", TOKEN_PATH, &[], form.as_bytes()));
    let granted = grant::answer(response.status, &response.body, START);
    let Some(grant::Granted::Access(access)) = granted else {
        panic!("{granted:?}");
    };
    access.authorization(START).unwrap()
}

fn send(bench: &mut Bench<Fcm>, now: Time, shown: &str, message: &[u8]) -> (u16, Value) {
    let rows = [("authorization", shown)];
    let request = request("POST", "/v1/projects/lab/messages:send", &rows, message);
    let response = bench.ask(now, 1, request);
    let body = serde_json::from_slice(&response.body).unwrap_or_default();
    (response.status, body)
}

#[test]
fn a_message_is_taken_from_who_shows_an_access_token_that_is_good() {
    let mut bench = fcm();
    let token = device(&mut bench);
    let shown = access(&mut bench);
    let mut message = Message::to(token.clone());
    message.title = Some("Mail".to_owned());
    let message = message.encode().unwrap();
    let (status, body) = send(&mut bench, START, &shown, &message);
    assert_eq!(status, 200);
    let name = body["name"].as_str().unwrap();
    assert!(name.starts_with("projects/lab/messages/"), "{name}");
    assert_eq!((bench.count("note.req"), bench.count("note.given")), (1, 1));
    let (status, body) = send(&mut bench, after(3_600), &shown, &message);
    assert_eq!(
        (status, &body["error"]["status"]),
        (401, &json!("UNAUTHENTICATED"))
    );
    let (status, _) = bench.door("DELETE", &format!("/sim/devices/{token}"), &json!({}));
    assert_eq!(status, 204);
    let (status, body) = send(&mut bench, START, &shown, &message);
    assert_eq!(status, 404);
    let code = &body["error"]["details"][0]["errorCode"];
    assert_eq!(code, &json!("UNREGISTERED"));
}

#[test]
fn a_message_that_is_none_names_its_field_and_one_for_nobody_its_token() {
    let mut bench = fcm();
    let shown = access(&mut bench);
    let nobody = Message::to("nobody".to_owned()).encode().unwrap();
    for (message, field) in [
        (
            br#"{"message":{"token":"t","data":{"from":"x"}}}"#.to_vec(),
            "message.data",
        ),
        (nobody, "message.token"),
    ] {
        let (status, body) = send(&mut bench, START, &shown, &message);
        assert_eq!(status, 400);
        let violation = &body["error"]["details"][1]["fieldViolations"][0];
        assert_eq!(violation["field"], field);
    }
}

#[test]
fn every_documented_code_can_be_had_on_demand() {
    let mut bench = fcm();
    let token = device(&mut bench);
    let shown = access(&mut bench);
    let message = Message::to(token.clone()).encode().unwrap();
    for code in Code::ALL {
        assert_eq!(bench.door("DELETE", "/sim/refuse", &json!({})).0, 204);
        let to = token.chars().take(4).collect();
        let reason = code.word().to_owned();
        assert!(bench.service.demand(Demand {
            reason,
            to,
            ..Demand::default()
        }));
        let (status, body) = send(&mut bench, START, &shown, &message);
        assert_eq!(status, code.http());
        let told = &body["error"]["details"][0]["errorCode"];
        assert_eq!(told, &json!(code.word()));
    }
}
