//! Who is refused, and with which status; nobody sees another's messages.

use super::*;
use crate::limits;

#[test]
fn nobody_acts_for_a_client_without_its_token() {
    let mut bench = Bench::new();
    let (one, two) = (bench.browser(Some("alice")), bench.browser(Some("bob")));
    bench.register(&one, "mail", "");
    bench.publish_titled("mail", "secret");
    let requests = [
        ("GET", one.path(""), ""),
        ("PUT", one.path(""), r#"{"account":"bob"}"#),
        ("DELETE", one.path(""), ""),
        ("GET", one.path("/apps"), ""),
        ("PUT", one.path("/apps/mail"), ""),
        ("DELETE", one.path("/apps/mail"), ""),
        ("GET", one.path("/messages?after=0"), ""),
        ("POST", one.path("/ack"), r#"{"upto":1}"#),
        ("POST", one.path("/apps/mail/clear"), r#"{"upto":1}"#),
    ];
    for (method, path, body) in &requests {
        let none = bench.ask(method, path, "", body);
        assert_eq!(none.status, 401, "{method} {path}");
        assert!(header(&none, "www-authenticate").starts_with("Bearer"));
        assert_eq!(bench.ask(method, path, "guess", body).status, 401);
        assert_eq!(bench.ask(method, path, &two.token, body).status, 403);
    }
    let forged = bench.ask("GET", "/api/v1/clients/nobody/messages", &two.token, "");
    assert_eq!(forged.status, 403);
    assert_eq!(told(&bench.poll(&one, 0)), pairs(&[("mail", "secret")]));
}

#[test]
fn a_token_is_kept_as_a_digest_only() {
    let mut bench = Bench::new();
    let browser = bench.browser(Some("alice"));
    assert_eq!(browser.token.len(), 32);
    for body in bench.records.values() {
        let text = String::from_utf8(body.clone()).unwrap();
        assert!(!text.contains(&browser.token));
    }
}

#[test]
fn malformed_acknowledgements_are_refused_and_change_nothing() {
    let mut bench = Bench::new();
    let browser = bench.browser(Some("alice"));
    bench.register(&browser, "mail", "");
    bench.publish_titled("mail", "one");
    for (body, status) in [
        ("", 400),
        ("{", 400),
        ("[]", 422),
        ("{}", 422),
        (r#"{"upto":"1"}"#, 422),
        (r#"{"upto":-1}"#, 422),
        (r#"{"upto":1,"all":true}"#, 422),
        (r#"{"upto":99999999999999999999}"#, 422),
        (r#"{"upto":2}"#, 409),
    ] {
        for path in ["/ack", "/apps/mail/clear"] {
            let refused = bench.ask("POST", &browser.path(path), &browser.token, body);
            assert_eq!(refused.status, status, "{path} {body}");
        }
    }
    assert_eq!(bench.web.clients().get(&browser.id).unwrap().acked, 0);
    assert_eq!(bench.clear(&browser, "game", 1).status, 404);
}

#[test]
fn malformed_questions_are_refused() {
    let mut bench = Bench::new();
    let browser = bench.browser(Some("alice"));
    for query in ["after=x", "after=-1", "wait=long", "after="] {
        let path = browser.path(&format!("/messages?{query}"));
        let refused = bench.ask("GET", &path, &browser.token, "");
        assert_eq!(refused.status, 400, "{query}");
    }
}

#[test]
fn a_number_that_was_never_given_is_asked_from_where_the_client_is() {
    let mut bench = Bench::new();
    let browser = bench.browser(Some("alice"));
    bench.register(&browser, "mail", "");
    bench.publish_titled("mail", "one");
    let packet = bench.poll(&browser, u64::MAX);
    assert_eq!(told(&packet), pairs(&[("mail", "one")]));
    assert_eq!(bench.web.clients().get(&browser.id).unwrap().acked, 0);
}

#[test]
fn messages_that_are_too_large_or_malformed_are_refused() {
    let mut bench = Bench::new();
    let large = "x".repeat(limits::WEB_MESSAGE_OCTETS);
    let refused = bench.publish("mail", json!({ "summary": large }));
    assert_eq!(refused.status, 413);
    let fits = "x".repeat(limits::WEB_MESSAGE_OCTETS - 100);
    assert_eq!(
        bench.publish("mail", json!({ "summary": fits })).status,
        201
    );
    for (body, status) in [
        (json!({ "to": "carol" }), 404),
        (json!({ "to": "client:nobody" }), 404),
        (json!({ "urgency": "extreme" }), 422),
        (json!({ "ttl": 0 }), 422),
        (json!({ "topic": "" }), 422),
        (json!({ "id": "a\nb" }), 422),
        (json!({ "colour": "red" }), 422),
    ] {
        let shown = body.to_string();
        assert_eq!(bench.publish("mail", body).status, status, "{shown}");
    }
    let path = "/api/v1/apps/mail/messages";
    assert_eq!(bench.ask("POST", path, "", "{").status, 400);
    let path = "/api/v1/apps/a%20b/messages";
    assert_eq!(bench.ask("POST", path, "", r#"{"to":"alice"}"#).status, 422);
    assert_eq!(bench.messages.len(), 1);
}

#[test]
fn only_initiators_publish() {
    let mut bench = Bench::new();
    bench.initiator = None;
    assert_eq!(bench.publish("mail", json!({})).status, 401);
}

#[test]
fn an_account_is_seen_by_its_own_user_and_by_initiators() {
    let mut bench = Bench::new();
    let (alice, bob) = (bench.browser(Some("alice")), bench.browser(Some("bob")));
    bench.publish_titled("mail", "secret");
    let path = "/api/v1/accounts/alice/messages";
    assert_eq!(bench.ask("GET", path, "", "").status, 200);
    bench.initiator = None;
    assert_eq!(bench.ask("GET", path, "", "").status, 401);
    assert_eq!(bench.ask("GET", path, &bob.token, "").status, 403);
    assert_eq!(bench.ask("GET", path, &alice.token, "").status, 200);
    bench.verified = Some(BOB.to_owned());
    assert_eq!(bench.ask("GET", path, "", "").status, 403);
    let nobody = "/api/v1/accounts/carol/messages";
    assert_eq!(bench.ask("GET", nobody, "", "").status, 403);
    bench.verified = Some(ALICE.to_owned());
    assert_eq!(bench.ask("GET", path, "", "").status, 200);
}

#[test]
fn a_client_names_its_account_itself_only_where_it_is_believed() {
    let mut bench = Bench::new();
    bench.is_believed = false;
    let body = r#"{"account":"alice"}"#;
    assert_eq!(bench.ask("POST", "/api/v1/clients", "", body).status, 401);
    bench.verified = Some(BOB.to_owned());
    assert_eq!(bench.ask("POST", "/api/v1/clients", "", body).status, 403);
    bench.verified = Some(ALICE.to_owned());
    let browser = bench.browser(Some("alice"));
    let shown = bench.ask("GET", &browser.path(""), &browser.token, "");
    assert_eq!(body_of(&shown)["account"], json!(ALICE));
    bench.verified = None;
    bench.is_believed = true;
    let unknown = bench.ask("POST", "/api/v1/clients", "", r#"{"account":"carol"}"#);
    assert_eq!(unknown.status, 404);
}

#[test]
fn applications_of_a_client_are_bounded() {
    let mut bench = Bench::new();
    let browser = bench.browser(Some("alice"));
    for n in 0..limits::WEB_APPS {
        assert_eq!(bench.register(&browser, &format!("a{n}"), "").status, 201);
    }
    assert_eq!(bench.register(&browser, "more", "").status, 409);
    assert_eq!(bench.register(&browser, "a0", "").status, 200);
    assert_eq!(bench.register(&browser, &"x".repeat(65), "").status, 422);
    let long = json!({ "title": "x".repeat(513) }).to_string();
    assert_eq!(bench.register(&browser, "a0", &long).status, 422);
    let filter = r#"{"filter":"colour=red"}"#;
    assert_eq!(bench.register(&browser, "a0", filter).status, 422);
}

#[test]
fn a_full_account_is_told_from_a_full_gateway() {
    let mut bench = Bench::new();
    bench.messages = Messages::new(super::super::super::super::message::Bounds {
        per_account: 1,
        messages: 2,
        ..Default::default()
    });
    bench.publish_titled("mail", "one");
    assert_eq!(bench.publish("mail", json!({})).status, 507);
    bench.publish("mail", json!({ "to": "bob" }));
    let to = format!("client:{}", bench.browser(None).id);
    let refused = bench.publish("mail", json!({ "to": to }));
    assert_eq!(refused.status, 503);
    assert_eq!(header(&refused, "retry-after"), "30");
}

#[test]
fn methods_and_paths_that_are_not_there_are_told_so() {
    let of = |method: &str, path: &str| match Route::of(method, path) {
        Some(Err(response)) => response.status,
        Some(Ok(_)) => 200,
        None => 0,
    };
    assert_eq!(of("DELETE", "/api/v1/clients"), 405);
    assert_eq!(of("POST", "/api/v1/clients/c/messages"), 405);
    assert_eq!(of("GET", "/api/v1/clients/c/secrets"), 404);
    assert_eq!(of("GET", "/api/v1/clients//messages"), 404);
    assert_eq!(of("PUT", "/api/v1/accounts/a/messages/x"), 404);
    assert_eq!(of("GET", "/api/v1/clients/c/apps/a/clear/now"), 404);
    assert_eq!(of("GET", "/api/v1/identities"), 0);
    assert_eq!(of("GET", "/pap"), 0);
}
