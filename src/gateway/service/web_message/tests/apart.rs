//! What keeps users, applications, initiators and browsers apart: names, numbers, clicks, caches.

use super::*;
use crate::limits;

fn listed(bench: &mut Bench, account: &str) -> Vec<String> {
    let path = format!("/api/v1/accounts/{account}/messages?state=unread");
    let listed = body_of(&bench.ask("GET", &path, "", ""));
    let messages = listed["messages"].as_array().unwrap().iter();
    messages
        .map(|message| message["title"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn an_id_is_used_once_for_an_initiator_an_application_and_a_client() {
    let mut bench = Bench::new();
    let (one, two) = (bench.browser(Some("alice")), bench.browser(Some("alice")));
    let to = |browser: &Browser| format!("client:{}", browser.id);
    let mut publish = |by: &str, app: &str, to: &str| {
        bench.initiator = Some(by.to_owned());
        let title = format!("{by} {app} {to}");
        let message = json!({ "to": to, "id": "1", "topic": "t", "title": title });
        let response = bench.publish(app, message);
        (response.status, body_of(&response)["replaced"].clone())
    };
    for (by, app, to) in [
        ("bank", "mail", "alice"),
        ("bank", "news", "alice"),
        ("game", "mail", "alice"),
        ("bank", "mail", &to(&one)),
        ("bank", "mail", &to(&two)),
    ] {
        assert_eq!(publish(by, app, to), (201, Value::Null), "{by} {app} {to}");
        assert_eq!(publish(by, app, to), (200, Value::Null), "{by} {app} {to}");
    }
    assert_eq!(listed(&mut bench, "alice").len(), 5);
}

#[test]
fn an_account_whose_messages_its_clients_have_is_not_full() {
    let mut bench = Bench::new();
    let (one, two) = (bench.browser(Some("alice")), bench.browser(Some("alice")));
    for browser in [&one, &two] {
        bench.register(browser, "mail", "");
    }
    let mut last = 0;
    for n in 0..limits::WEB_MESSAGES_PER_ACCOUNT {
        last = bench.publish_titled("mail", &n.to_string());
    }
    bench.poll(&one, last);
    let full = bench.publish("mail", json!({ "title": "more" }));
    assert_eq!(full.status, 507, "one of them has nothing yet");
    let most = limits::WEB_PACKET_MESSAGES as u64;
    bench.poll(&two, most);
    bench.publish_titled("mail", "more");
    assert_eq!(listed(&mut bench, "alice").len(), 100);
    assert_eq!(bench.messages.get(ALICE, 1), None);
    assert!(bench.messages.get(ALICE, 2).is_some());
    assert_eq!(bench.clear(&two, "mail", last).status, 204);
    for n in 1..last {
        bench.publish_titled("mail", &n.to_string());
    }
}

#[test]
fn what_a_browser_without_a_user_cleared_is_read() {
    let mut bench = Bench::new();
    let browser = bench.browser(None);
    bench.register(&browser, "mail", "");
    let to = format!("client:{}", browser.id);
    bench.publish("mail", json!({ "to": to, "title": "one" }));
    assert_eq!(bench.clear(&browser, "mail", 1).status, 204);
    assert_eq!(listed(&mut bench, &to), [""; 0]);
}

#[test]
fn r0_42_a_click_in_one_browser_leaves_what_is_for_another_alone() {
    let mut bench = Bench::with(Settings {
        read_scope: ReadScope::Account,
        ..Settings::default()
    });
    let (one, two) = (bench.browser(Some("alice")), bench.browser(Some("alice")));
    for browser in [&one, &two] {
        bench.register(browser, "mail", "");
    }
    bench.publish_titled("mail", "for both");
    let to = format!("client:{}", two.id);
    bench.publish("mail", json!({ "to": to, "title": "for two" }));
    bench.publish_titled("mail", "for both again");
    assert_eq!(bench.clear(&one, "mail", 3).status, 204);
    let answer = bench.poll(&two, 0);
    assert_eq!(told(&answer), pairs(&[("mail", "for two")]));
    let cleared = json!([{ "appid": "mail", "upto": 1 }]);
    assert_eq!(body_of(&answer)["cleared"], cleared);
    assert_eq!(bench.clear(&two, "mail", 2).status, 204);
    assert_eq!(listed(&mut bench, "alice"), [""; 0]);
}

#[test]
fn r0_5_a_number_from_before_a_login_is_none_of_the_new_account() {
    let mut bench = Bench::new();
    let browser = bench.browser(None);
    bench.register(&browser, "mail", "");
    let to = format!("client:{}", browser.id);
    bench.publish("mail", json!({ "to": to, "title": "anonymous" }));
    assert_eq!(body_of(&bench.poll(&browser, 0))["cursor"], 1);
    for title in ["one", "two"] {
        bench.publish_titled("mail", title);
    }
    let login = json!({ "account": "alice" }).to_string();
    let login = bench.ask("PUT", &browser.path(""), &browser.token, &login);
    assert_eq!(login.status, 200);
    let answer = bench.poll(&browser, 1);
    assert_eq!(told(&answer), pairs(&[("mail", "one"), ("mail", "two")]));
    assert!(
        bench
            .web
            .acked_of(ALICE)
            .iter()
            .all(|acked| acked.upto == 0)
    );
    let packet = body_of(&answer);
    let (first, cursor) = (&packet["messages"][0]["seq"], &packet["cursor"]);
    assert!(first.as_u64() > Some(1) && cursor.as_u64() > first.as_u64());
    for path in ["/ack", "/apps/mail/clear"] {
        let old = bench.ask("POST", &browser.path(path), &browser.token, r#"{"upto":1}"#);
        assert_eq!(old.status, 409, "{path}");
    }
    bench.restart();
    assert_eq!(bench.poll(&browser, cursor.as_u64().unwrap()).status, 204);
    assert!(
        bench
            .web
            .acked_of(ALICE)
            .iter()
            .all(|acked| acked.upto == 2)
    );
}

#[test]
fn r0_16_nothing_that_is_kept_of_one_user_is_confirmed_to_another() {
    let mut bench = Bench::new();
    let browser = bench.browser(Some("bob"));
    bench.register(&browser, "mail", "");
    let mut publish = |to: &str| bench.publish("mail", json!({ "to": to, "title": to }));
    for to in ["bob", "bob", "alice", "alice"] {
        assert_eq!(publish(to).status, 201);
    }
    let answer = bench.poll(&browser, 0);
    assert_eq!(header(&answer, "cache-control"), "no-store");
    let tag = header(&answer, "etag").to_owned();
    let authorization = format!("Bearer {}", browser.token);
    let ask = |bench: &mut Bench, query: &str, tag: &str| {
        let headers = [("authorization", &*authorization), ("if-none-match", tag)];
        let path = browser.path(&format!("/messages{query}"));
        bench.send("GET", &path, &headers, b"").1.unwrap()
    };
    assert_eq!(ask(&mut bench, "", &tag).status, 304);
    assert_eq!(ask(&mut bench, "?after=2", &tag).status, 204);
    for same in [
        format!("W/{tag}"),
        format!("\"other\", {tag}"),
        "*".to_owned(),
    ] {
        assert_eq!(ask(&mut bench, "", &same).status, 304, "{same}");
    }
    let login = json!({ "account": "alice" }).to_string();
    bench.ask("PUT", &browser.path(""), &browser.token, &login);
    for (query, tag) in [
        ("?after=0", &*tag),
        ("", &tag),
        ("", "\"a list\""),
        ("", "?"),
    ] {
        let answer = ask(&mut bench, query, tag);
        assert_eq!(told(&answer).len(), 2, "{query} {tag}");
    }
}

#[test]
fn an_application_that_registers_while_its_client_waits_gets_what_is_there() {
    let mut bench = Bench::new();
    let browser = bench.browser(Some("alice"));
    bench.register(&browser, "news", "");
    bench.publish_titled("mail", "one");
    let waiting = bench.wait_for(&browser, "after=0&wait=50");
    bench.register(&browser, "mail", "");
    assert_eq!(told(&bench.late[&waiting]), pairs(&[("mail", "one")]));
}

#[test]
fn a_message_that_passed_before_its_application_came_was_not_given() {
    let mut bench = Bench::new();
    let browser = bench.browser(Some("alice"));
    bench.register(&browser, "mail", "");
    bench.publish_titled("board", "one");
    bench.publish_titled("mail", "two");
    assert_eq!(bench.poll(&browser, 0).status, 200);
    bench.register(&browser, "board", "");
    bench.publish_titled("board", "three");
    assert_eq!(told(&bench.poll(&browser, 2)), pairs(&[("board", "three")]));
    bench.restart();
    bench.poll(&browser, 3);
    let given = |seq| {
        let client = bench.web.clients().get(&browser.id).unwrap();
        client.was_given(bench.messages.get(ALICE, seq).unwrap())
    };
    assert_eq!((given(1), given(2), given(3)), (false, true, true));
}

#[test]
fn who_waits_when_the_gateway_stops_is_told_so_and_nobody_waits_after() {
    let mut bench = Bench::new();
    let browser = bench.browser(Some("alice"));
    let waiting = bench.wait_for(&browser, "wait=50");
    let mut out = Vec::new();
    bench.web.stop(&mut Desk {
        now: bench.now,
        messages: &mut bench.messages,
        out: &mut out,
    });
    bench.take(out);
    assert_eq!(bench.late[&waiting].status, 503);
    let path = browser.path("/messages?wait=50");
    assert_eq!(bench.ask("GET", &path, &browser.token, "").status, 503);
    assert_eq!(
        bench
            .ask("HEAD", &browser.path("/messages"), &browser.token, "")
            .status,
        204
    );
}
