//! Who is refused: signatures, secrets, other people's devices.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::*;

/// A signed request of the chat, as of that many seconds.
fn signal(bench: &mut Bench, at: u64, body: &Value, key: &str) -> HttpResponse {
    let body = body.to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(format!("{at}.{body}").as_bytes());
    let signature = crate::codec::hex::digits(&mac.finalize().into_bytes());
    let signature = format!("t={at},v1={signature}");
    let headers = [("x-sirgate-signature", signature.as_str())];
    bench.send("POST", "hooks/chat", &headers, &body)
}

fn enter_chat(bench: &mut Bench) {
    for path in ["registrations", "login"] {
        let mut body = json!({ "account": "alice", "device": "T1", "app": "chat" });
        match path {
            "login" => body["password"] = json!(PASSWORD),
            _ => body["platform"] = json!("sip"),
        }
        assert!(bench.ask("POST", path, "", &body).status < 300);
    }
}

const NOW: u64 = 1_000_000;

#[test]
fn r1_18_r1_19_a_signed_request_of_an_application_is_news_with_its_kind() {
    let mut bench = Bench::new();
    enter_chat(&mut bench);
    let body =
        json!({ "account": "alice", "id": "m1", "from": "carol", "text": "hi", "kind": "dm" });
    assert_eq!(signal(&mut bench, NOW, &body, SECRET).status, 202);
    assert_eq!((bench.news(), bench.told()), (1, vec!["T1"]));
    let stored = bench.ask("GET", "accounts/alice/messages/1", "", &Value::Null);
    let stored = body_of(&stored);
    assert_eq!(
        (&stored["kind"], &stored["appid"]),
        (&json!("dm"), &json!("chat"))
    );
    assert!(bench.pushed()[0].contains("You have one new message"));
}

#[test]
fn a_request_that_is_not_signed_or_too_old_or_was_here_before_is_refused() {
    let mut bench = Bench::new();
    enter_chat(&mut bench);
    let body = json!({ "account": "alice", "id": "m1" });
    let unsigned = bench.send("POST", "hooks/chat", &[], &body.to_string());
    assert_eq!(unsigned.status, 401);
    assert_eq!(signal(&mut bench, NOW, &body, "other key").status, 401);
    assert_eq!(signal(&mut bench, NOW - 301, &body, SECRET).status, 401);
    assert_eq!(signal(&mut bench, NOW + 301, &body, SECRET).status, 401);
    assert_eq!(signal(&mut bench, NOW, &json!(["no"]), SECRET).status, 400);
    assert_eq!(bench.news(), 0);
    assert_eq!(signal(&mut bench, NOW, &body, SECRET).status, 202);
    assert_eq!(signal(&mut bench, NOW, &body, SECRET).status, 409);
    // The same message in another request is not told again.
    assert_eq!(signal(&mut bench, NOW + 1, &body, SECRET).status, 202);
    assert_eq!(bench.news(), 1);
}

#[test]
fn a_hook_without_its_secret_is_none() {
    let mut bench = Bench::new();
    bench.enter("T1", "sip");
    let body = json!({ "user": "alice", "imap-uid": 1 });
    assert_eq!(bench.ask("PUT", "hooks/mail/guess", "", &body).status, 404);
    assert_eq!(
        bench.ask("PUT", "hooks/chat/hook-secret", "", &body).status,
        404
    );
    let path = format!("hooks/mail/{SECRET}");
    assert_eq!(
        bench.ask("PUT", &path, "", &json!({ "user": 1 })).status,
        400
    );
    assert_eq!(bench.ask("GET", &path, "", &body).status, 405);
    assert_eq!(bench.news(), 0);
}

#[test]
fn a_stranger_cannot_turn_a_device_to_another_push_token_or_speak_for_its_client() {
    let mut bench = Bench::new();
    let token = bench.enter("T1", "sip");
    let stolen = json!({ "account": "alice", "device": "T1", "platform": "android", "token": "x" });
    assert_eq!(bench.ask("POST", "registrations", "", &stolen).status, 401);
    let shown = bench.register("T1", "sip");
    assert_eq!(body_of(&shown)["channel"], "sip");
    assert_eq!(
        bench.ask("POST", "registrations", &token, &stolen).status,
        200
    );
    let state = json!({ "state": "foreground" });
    assert_eq!(
        bench.ask("PUT", "devices/T1/appstate", "", &state).status,
        401
    );
    assert_eq!(
        bench
            .ask("PUT", "devices/T2/appstate", &token, &state)
            .status,
        403
    );
    assert_eq!(
        bench.ask("POST", "logout", "guess", &Value::Null).status,
        401
    );
}

#[test]
fn neither_passwords_nor_tokens_are_in_events_and_records() {
    let mut bench = Bench::new();
    let token = bench.enter("T1", "sip");
    bench.mail();
    let tapped = bench.tapped();
    let service = crate::world::RecordKind::Notice;
    let kept = bench
        .records
        .values()
        .filter(|record| record.key.kind == service);
    let kept: Vec<_> = kept
        .map(|record| String::from_utf8_lossy(&record.body))
        .collect();
    assert!(!kept.is_empty());
    let all = format!("{:?} {kept:?}", bench.facts);
    for secret in [PASSWORD, &token, &tapped] {
        assert!(!all.contains(secret), "{all}");
    }
}
