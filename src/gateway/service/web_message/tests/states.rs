//! Clearing, and what an account says of its messages.

use super::*;

fn shared() -> Bench {
    Bench::with(Settings {
        read_scope: ReadScope::Account,
        ..Settings::default()
    })
}

#[test]
fn r0_34_what_was_cleared_is_not_given_again() {
    let mut bench = Bench::new();
    let (one, two) = (bench.browser(Some("alice")), bench.browser(Some("alice")));
    for browser in [&one, &two] {
        bench.register(browser, "mail", "");
    }
    let seq = bench.publish_titled("mail", "one");
    assert_eq!(bench.clear(&one, "mail", seq).status, 204);
    assert_eq!(bench.poll(&one, 0).status, 204);
    // The other browser has its own badge, unless clicks count for the account.
    assert_eq!(told(&bench.poll(&two, 0)), pairs(&[("mail", "one")]));
    assert_eq!(bench.poll(&two, seq).status, 204);
}

#[test]
fn r0_42_a_click_in_one_browser_clears_the_others_of_the_account() {
    let mut bench = shared();
    let (one, two) = (bench.browser(Some("alice")), bench.browser(Some("alice")));
    for browser in [&one, &two] {
        bench.register(browser, "mail", "");
        bench.register(browser, "news", "");
    }
    let seq = bench.publish_titled("mail", "one");
    bench.publish_titled("news", "two");
    assert_eq!(told(&bench.poll(&two, 0)).len(), 2);
    let waiting = bench.wait_for(&two, "after=2&wait=50");
    assert_eq!(bench.clear(&one, "mail", seq).status, 204);
    let packet = body_of(&bench.late[&waiting]);
    assert_eq!(packet["cleared"], json!([{ "appid": "mail", "upto": seq }]));
    assert_eq!(packet["messages"], json!([]));
    let cursor = packet["cursor"].as_u64().unwrap();
    assert_eq!(bench.poll(&two, cursor).status, 204);
    // Who clicked need not hear of it, and what was read is not news for a browser that comes later.
    assert_eq!(bench.poll(&one, 2).status, 204);
    let three = bench.browser(Some("alice"));
    bench.register(&three, "mail", "");
    let packet = body_of(&bench.poll(&three, 0));
    assert_eq!(packet["messages"], json!([]));
    let listed = bench.ask("GET", "/api/v1/accounts/alice/messages?state=read", "", "");
    assert_eq!(body_of(&listed)["messages"][0]["seq"], json!(seq));
}

#[test]
fn r0_42_a_clearing_survives_a_restart_before_the_other_browser_came() {
    let mut bench = shared();
    let (one, two) = (bench.browser(Some("alice")), bench.browser(Some("alice")));
    for browser in [&one, &two] {
        bench.register(browser, "mail", "");
    }
    let seq = bench.publish_titled("mail", "one");
    bench.poll(&two, 0);
    bench.clear(&one, "mail", seq);
    bench.restart();
    let packet = body_of(&bench.poll(&two, seq));
    assert_eq!(packet["cleared"], json!([{ "appid": "mail", "upto": seq }]));
}

#[test]
fn r4_9_the_state_interface_shows_all_four_states() {
    let mut bench = Bench::new();
    for title in ["a", "b", "c", "d"] {
        bench.publish_titled("site", title);
    }
    bench.ask(
        "POST",
        "/api/v1/accounts/alice/offered",
        "",
        r#"{"upto":2}"#,
    );
    for (seq, state) in [(3, "read"), (4, "deleted")] {
        let path = format!("/api/v1/accounts/alice/messages/{seq}");
        let body = json!({ "state": state }).to_string();
        assert_eq!(bench.ask("PUT", &path, "", &body).status, 200);
    }
    bench.publish_titled("site", "e");
    bench.restart();
    let mut seen = BTreeMap::new();
    for state in ["unoffered", "offered", "read", "deleted", "unread", "any"] {
        let path = format!("/api/v1/accounts/alice/messages?state={state}");
        let listed = body_of(&bench.ask("GET", &path, "", ""));
        let seqs = listed["messages"].as_array().unwrap().iter();
        let seqs: Vec<u64> = seqs.map(|one| one["seq"].as_u64().unwrap()).collect();
        seen.insert(state, seqs);
    }
    assert_eq!(seen["unoffered"], [5]);
    assert_eq!(seen["offered"], [2, 1]);
    assert_eq!(seen["read"], [3]);
    assert_eq!(seen["deleted"], [4]);
    assert_eq!(seen["unread"], [5, 2, 1]);
    assert_eq!(seen["any"], [5, 4, 3, 2, 1]);
}

#[test]
fn r4_47_reading_and_deleting_go_one_way() {
    let mut bench = Bench::new();
    bench.publish_titled("site", "a");
    let path = "/api/v1/accounts/alice/messages/1";
    let put = |bench: &mut Bench, state: &str| {
        let body = json!({ "state": state }).to_string();
        bench.ask("PUT", path, "", &body)
    };
    assert_eq!(body_of(&put(&mut bench, "read"))["state"], json!("read"));
    assert_eq!(put(&mut bench, "read").status, 200);
    assert_eq!(put(&mut bench, "deleted").status, 200);
    assert_eq!(put(&mut bench, "read").status, 409);
    assert_eq!(put(&mut bench, "offered").status, 422);
    assert_eq!(put(&mut bench, "eaten").status, 422);
    let gone = bench.ask("GET", "/api/v1/accounts/alice/messages/9", "", "");
    assert_eq!(gone.status, 404);
}

#[test]
fn r4_14_to_r4_17_counts_are_those_before_the_offer() {
    let mut bench = Bench::new();
    for title in ["a", "b", "c"] {
        bench.publish_titled("site", title);
    }
    bench.ask(
        "POST",
        "/api/v1/accounts/alice/offered",
        "",
        r#"{"upto":1}"#,
    );
    let path = "/api/v1/accounts/alice/unread?levels=2";
    let first = body_of(&bench.ask("GET", path, "", ""));
    assert_eq!((&first["new"], &first["old"]), (&json!(2), &json!(1)));
    let items = first["items"].as_array().unwrap();
    let titles: Vec<_> = items
        .iter()
        .map(|item| (&item["title"], &item["new"]))
        .collect();
    let (yes, no) = (json!(true), json!(false));
    let (a, b, c) = (json!("a"), json!("b"), json!("c"));
    assert_eq!(titles, [(&c, &yes), (&b, &yes), (&a, &no)]);
    let body = json!({ "upto": first["seq"] }).to_string();
    let offered = bench.ask("POST", "/api/v1/accounts/alice/offered", "", &body);
    assert_eq!(body_of(&offered)["offered"], json!(2));
    let second = body_of(&bench.ask("GET", path, "", ""));
    assert_eq!((&second["new"], &second["old"]), (&json!(0), &json!(3)));
}

#[test]
fn r4_37_to_r4_39_with_one_level_nothing_tells_new_from_offered_and_nothing_is_written() {
    let mut bench = Bench::new();
    bench.publish_titled("site", "a");
    bench.publish_titled("site", "b");
    let records = bench.records.clone();
    let path = "/api/v1/accounts/alice/unread?levels=1&items=1";
    let shown = body_of(&bench.ask("GET", path, "", ""));
    assert_eq!((&shown["new"], &shown["more"]), (&json!(2), &json!(1)));
    assert!(shown.get("old").is_none() && shown["items"][0].get("new").is_none());
    assert_eq!(bench.records, records);
}

#[test]
fn a_message_of_the_same_topic_replaces_and_one_of_the_same_id_is_told_its_number() {
    let mut bench = Bench::new();
    let browser = bench.browser(Some("alice"));
    bench.register(&browser, "mail", "");
    bench.publish("mail", json!({ "topic": "inbox", "title": "1 new" }));
    let second = bench.publish(
        "mail",
        json!({ "topic": "inbox", "title": "2 new", "id": "x" }),
    );
    assert_eq!(body_of(&second)["replaced"], json!(1));
    assert_eq!(told(&bench.poll(&browser, 0)), pairs(&[("mail", "2 new")]));
    let again = bench.publish("mail", json!({ "title": "2 new", "id": "x" }));
    assert_eq!((again.status, &body_of(&again)["seq"]), (200, &json!(2)));
}
