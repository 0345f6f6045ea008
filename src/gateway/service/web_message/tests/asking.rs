//! Registering, asking and being told.

use super::*;

#[test]
fn r0_4_an_application_that_is_registered_is_listed() {
    let mut bench = Bench::new();
    let browser = bench.browser(Some("alice"));
    let body = r#"{"title":"Mail","icon":"/mail.png","url":"/mail","filter":"kind!=ad"}"#;
    let response = bench.register(&browser, "mail", body);
    assert_eq!(response.status, 201);
    let list = bench.ask("GET", &browser.path("/apps"), &browser.token, "");
    let app = &body_of(&list)["apps"][0];
    assert_eq!(
        (&app["appid"], &app["title"]),
        (&json!("mail"), &json!("Mail"))
    );
    assert_eq!(app["filter"], json!("kind!=ad"));
}

#[test]
fn r0_5_the_account_of_a_client_is_remembered_and_another_login_replaces_it() {
    let mut bench = Bench::new();
    let browser = bench.browser(Some("alice"));
    bench.register(&browser, "mail", "");
    bench.publish_titled("mail", "for alice");
    bench.publish("mail", json!({ "to": "bob", "title": "for bob" }));
    assert_eq!(
        told(&bench.poll(&browser, 0)),
        pairs(&[("mail", "for alice")])
    );
    let body = json!({ "account": "bob" }).to_string();
    let login = bench.ask("PUT", &browser.path(""), &browser.token, &body);
    assert_eq!(body_of(&login)["account"], json!(BOB));
    bench.restart();
    let shown = bench.ask("GET", &browser.path(""), &browser.token, "");
    assert_eq!(body_of(&shown)["account"], json!(BOB));
    assert_eq!(
        told(&bench.poll(&browser, 0)),
        pairs(&[("mail", "for bob")])
    );
}

#[test]
fn r0_6_a_client_is_known_by_the_same_code_after_a_restart() {
    let mut bench = Bench::new();
    let browser = bench.browser(None);
    bench.register(&browser, "mail", "");
    bench.restart();
    let shown = body_of(&bench.ask("GET", &browser.path(""), &browser.token, ""));
    assert_eq!(shown["client"], json!(browser.id));
    assert_eq!(shown["apps"], json!(["mail"]));
}

#[test]
fn r0_7_registering_again_replaces_and_does_not_duplicate() {
    let mut bench = Bench::new();
    let browser = bench.browser(Some("alice"));
    assert_eq!(
        bench.register(&browser, "mail", r#"{"title":"A"}"#).status,
        201
    );
    assert_eq!(
        bench.register(&browser, "mail", r#"{"title":"B"}"#).status,
        200
    );
    let list = bench.ask("GET", &browser.path("/apps"), &browser.token, "");
    let apps = body_of(&list)["apps"].clone();
    assert_eq!(apps.as_array().unwrap().len(), 1);
    assert_eq!(apps[0]["title"], json!("B"));
}

#[test]
fn r0_8_an_application_that_is_unregistered_gets_nothing_more() {
    let mut bench = Bench::new();
    let browser = bench.browser(Some("alice"));
    bench.register(&browser, "mail", "");
    let path = browser.path("/apps/mail");
    assert_eq!(bench.ask("DELETE", &path, &browser.token, "").status, 204);
    bench.publish_titled("mail", "late");
    assert_eq!(bench.poll(&browser, 0).status, 204);
    assert_eq!(bench.ask("DELETE", &path, &browser.token, "").status, 404);
}

#[test]
fn r0_9_only_applications_that_are_registered_are_asked_for() {
    let mut bench = Bench::new();
    let browser = bench.browser(Some("alice"));
    bench.register(&browser, "mail", "");
    bench.publish_titled("game", "play");
    bench.publish_titled("mail", "read");
    let packet = bench.poll(&browser, 0);
    assert_eq!(told(&packet), pairs(&[("mail", "read")]));
    assert_eq!(body_of(&packet)["cursor"], json!(2));
}

#[test]
fn r0_13_one_question_covers_all_applications_of_a_client() {
    let mut bench = Bench::new();
    let browser = bench.browser(Some("alice"));
    for app in ["a", "b", "c", "d", "e"] {
        bench.register(&browser, app, "");
        bench.publish_titled(app, "new");
    }
    let all = ["a", "b", "c", "d", "e"].map(|app| (app, "new"));
    assert_eq!(told(&bench.poll(&browser, 0)), pairs(&all));
}

#[test]
fn r0_14_r0_15_r0_18_what_was_published_is_in_the_next_answer_and_the_log_says_so() {
    let mut bench = Bench::new();
    let browser = bench.browser(Some("alice"));
    bench.register(&browser, "mail", "");
    bench.publish_titled("mail", "one");
    bench.publish_titled("mail", "two");
    bench.facts.clear();
    let packet = bench.poll(&browser, 0);
    assert_eq!(told(&packet), pairs(&[("mail", "one"), ("mail", "two")]));
    let client = browser.id.clone();
    let asked = Fact::PollReq {
        client: client.clone(),
        since: 0,
    };
    assert_eq!(bench.facts, [asked, Fact::PollRsp { client, n: 2 }]);
}

#[test]
fn r0_16_without_anything_new_the_answer_is_empty() {
    let mut bench = Bench::new();
    let browser = bench.browser(Some("alice"));
    bench.register(&browser, "mail", "");
    let nothing = bench.poll(&browser, 0);
    assert_eq!((nothing.status, nothing.body.len()), (204, 0));
    let seq = bench.publish_titled("mail", "one").to_string();
    let authorization = format!("Bearer {}", browser.token);
    let tag = format!("\"{seq}\"");
    let headers = [
        ("authorization", authorization.as_str()),
        ("if-none-match", tag.as_str()),
    ];
    let (_, nothing) = bench.send("GET", &browser.path("/messages"), &headers, b"");
    let nothing = nothing.unwrap();
    assert_eq!((nothing.status, nothing.body.len()), (304, 0));
}

#[test]
fn r0_17_every_message_names_its_application_and_shows_what_was_given() {
    let mut bench = Bench::new();
    let browser = bench.browser(Some("alice"));
    bench.register(&browser, "mail", "");
    bench.publish(
        "mail",
        json!({
            "id": "m1", "title": "T", "summary": "S", "url": "/m/1", "kind": "post", "topic": "inbox",
            "urgency": "high", "ttl": 60, "data": {"n": 1}, "from": "bob"
        }),
    );
    let packet = body_of(&bench.poll(&browser, 0));
    let wanted = json!({
        "seq": 1, "appid": "mail", "id": "m1", "title": "T", "summary": "S", "url": "/m/1", "from": "bob",
        "ts": 1_000_000, "exp": 1_060_000, "topic": "inbox", "urgency": "high", "kind": "post", "data": {"n": 1}
    });
    assert_eq!(packet["messages"], json!([wanted]));
    bench.publish("mail", json!({ "id": "m2" }));
    let packet = body_of(&bench.poll(&browser, 1));
    let bare = packet["messages"][0].as_object().unwrap();
    let keys: Vec<&str> = bare.keys().map(String::as_str).collect();
    assert_eq!(keys, ["appid", "exp", "id", "seq", "ts", "urgency"]);
}

#[test]
fn r0_21_nothing_is_marked_before_the_client_says_that_it_has_it() {
    let mut bench = Bench::new();
    let browser = bench.browser(Some("alice"));
    bench.register(&browser, "mail", "");
    let seq = bench.publish_titled("mail", "one");
    let first = bench.poll(&browser, 0);
    // The answer is lost; the browser asks again, even one that forgot from where.
    assert_eq!(bench.poll(&browser, 0), first);
    let anew = bench.ask("GET", &browser.path("/messages"), &browser.token, "");
    assert_eq!(anew, first);
    let body = json!({ "upto": seq }).to_string();
    let path = browser.path("/ack");
    assert_eq!(bench.ask("POST", &path, &browser.token, &body).status, 204);
    bench.restart();
    let anew = bench.ask("GET", &browser.path("/messages"), &browser.token, "");
    assert_eq!(anew.status, 204);
}

#[test]
fn r0_21_asking_from_further_on_acknowledges_but_not_for_a_stream() {
    let mut bench = Bench::new();
    let browser = bench.browser(Some("alice"));
    bench.register(&browser, "mail", "");
    let seq = bench.publish_titled("mail", "one");
    let authorization = format!("Bearer {}", browser.token);
    let path = browser.path(&format!("/messages?after={seq}"));
    let stream = [
        ("authorization", authorization.as_str()),
        (HttpRequest::STREAM, ""),
    ];
    bench.send("GET", &path, &stream, b"");
    assert_eq!(bench.web.clients().get(&browser.id).unwrap().acked, 0);
    bench.poll(&browser, seq);
    assert_eq!(bench.web.clients().get(&browser.id).unwrap().acked, seq);
}

#[test]
fn r0_22_the_answer_advises_when_to_ask_again() {
    let mut bench = Bench::with(Settings {
        interval: Duration::from_secs(120),
        ..Settings::default()
    });
    let browser = bench.browser(Some("alice"));
    bench.register(&browser, "mail", "");
    let nothing = bench.poll(&browser, 0);
    assert_eq!(header(&nothing, "sirgate-poll"), "interval=120, jitter=10");
    bench.publish_titled("mail", "one");
    assert_eq!(body_of(&bench.poll(&browser, 0))["interval"], json!(120));
}

#[test]
fn r0_25_a_question_that_waits_is_answered_when_something_comes() {
    let mut bench = Bench::new();
    let browser = bench.browser(Some("alice"));
    bench.register(&browser, "mail", "");
    let waiting = bench.wait_for(&browser, "after=0&wait=25");
    bench.publish_titled("game", "not registered");
    assert!(bench.late.is_empty());
    bench.publish_titled("mail", "one");
    assert_eq!(told(&bench.late[&waiting]), pairs(&[("mail", "one")]));
    assert_eq!(bench.web.deadline(), None);
}

#[test]
fn r0_25_a_question_that_waits_in_vain_is_answered_after_its_time() {
    let mut bench = Bench::new();
    let browser = bench.browser(Some("alice"));
    let waiting = bench.wait_for(&browser, "after=0&wait=25");
    bench.wait(24);
    assert!(bench.late.is_empty());
    bench.wait(1);
    assert_eq!(bench.late[&waiting].status, 204);
}

#[test]
fn a_client_that_asks_again_gives_up_its_earlier_question() {
    let mut bench = Bench::new();
    let browser = bench.browser(Some("alice"));
    let first = bench.wait_for(&browser, "after=0&wait=25");
    let second = bench.wait_for(&browser, "after=0&wait=500");
    assert_eq!(bench.late.remove(&first).unwrap().status, 409);
    bench.wait(50);
    assert_eq!(bench.late[&second].status, 204);
}

#[test]
fn r0_43_kinds_that_the_user_does_not_want_are_not_given() {
    let mut bench = Bench::new();
    let browser = bench.browser(Some("alice"));
    bench.register(&browser, "news", r#"{"filter":"kind!=ad"}"#);
    bench.register(&browser, "game", r#"{"filter":"kind=task, kind=game"}"#);
    for kind in ["ad", "post", "task"] {
        bench.publish("news", json!({ "title": kind, "kind": kind }));
        bench.publish("game", json!({ "title": kind, "kind": kind }));
    }
    let wanted = [("news", "post"), ("news", "task"), ("game", "task")];
    assert_eq!(told(&bench.poll(&browser, 0)), pairs(&wanted));
}

#[test]
fn what_is_for_one_client_alone_is_not_given_to_another_of_the_account() {
    let mut bench = Bench::new();
    let (one, two) = (bench.browser(Some("alice")), bench.browser(Some("alice")));
    let nobody = bench.browser(None);
    for browser in [&one, &two, &nobody] {
        bench.register(browser, "mail", "");
    }
    let to = format!("client:{}", one.id);
    bench.publish("mail", json!({ "to": to, "title": "yours" }));
    assert_eq!(told(&bench.poll(&one, 0)), pairs(&[("mail", "yours")]));
    assert_eq!(bench.poll(&two, 0).status, 204);
    let to = format!("client:{}", nobody.id);
    bench.publish("mail", json!({ "to": to, "title": "anybody?" }));
    assert_eq!(
        told(&bench.poll(&nobody, 0)),
        pairs(&[("mail", "anybody?")])
    );
}

#[test]
fn a_client_that_leaves_takes_everything_of_its_own_with_it() {
    let mut bench = Bench::new();
    let browser = bench.browser(None);
    bench.register(&browser, "mail", "");
    let to = format!("client:{}", browser.id);
    bench.publish("mail", json!({ "to": to }));
    let gone = bench.ask("DELETE", &browser.path(""), &browser.token, "");
    assert_eq!(gone.status, 204);
    assert!(bench.records.is_empty() && bench.messages.is_empty());
    assert_eq!(bench.poll(&browser, 0).status, 401);
}
