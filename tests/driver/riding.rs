//! Unread messages on the gateway's own responses, over real sockets.

use std::time::Duration;

use serde_json::{Value, json};
use sirgate::codec::site_message::{ASKS, Stamp, UNREAD};
use sirgate::driver::identity::Identity;
use sirgate::driver::piggyback::{Commit, Levels, Nothing, Settings};

use crate::site::{Answer, PATIENCE, Site};

/// A site that knows users by their sessions, and tells them.
fn telling(settings: Settings) -> Site {
    let identity = Identity {
        sessions: true,
        ..Identity::default()
    };
    Site::new(identity, Some(settings))
}

fn send() -> Settings {
    Settings {
        commit: Commit::Send,
        ..Settings::default()
    }
}

fn stamp(answer: &Answer) -> Option<Stamp> {
    let rows = answer.rows(UNREAD);
    assert!(rows.len() <= 1, "{rows:?}");
    Some(Stamp::from_header(rows.first()?).unwrap())
}

/// New ones, those offered before, and what is new of the summaries.
fn counts(answer: &Answer) -> Option<(u32, Option<u32>, Vec<bool>)> {
    let stamp = stamp(answer)?;
    let new = stamp.items.iter().map(|item| item.new).collect();
    Some((stamp.new, stamp.old, new))
}

#[tokio::test(flavor = "multi_thread")]
async fn r4_1_r4_3_r4_13_r4_18_whatever_a_user_asks_bears_what_is_unread() {
    let site = telling(Settings::default());
    let first = site.publish("alice", "one").await;
    let (cookie, csrf) = site.login("alice").await;
    let mine = [
        ("Cookie", cookie.as_str()),
        ("Sirgate-Csrf", &csrf),
        (ASKS, "1"),
    ];
    let lines = [
        ("GET /livez", "", 200),
        ("GET /web/", "", 200),
        ("GET /api/v1/sessions", "", 200),
        ("POST /api/v1/clients", "{}", 201),
        (
            &format!("PUT /api/v1/accounts/alice/messages/{first}"),
            r#"{"state":"offered"}"#,
            422,
        ),
        ("DELETE /api/v1/clients/nobody", "", 401),
        ("HEAD /livez", "", 200),
    ];
    for (count, (line, body, status)) in lines.into_iter().enumerate() {
        let plain = site.ask(line, &mine[..2], body).await;
        let answer = site.ask(line, &mine, body).await;
        assert_eq!((plain.status, answer.status), (status, status), "{line}");
        // On the very response: one that was not asked for it is the same without it.
        assert_eq!(stamp(&plain), None, "{line}");
        assert_eq!(counts(&answer), Some((1, Some(0), vec![true])), "{line}");
        let happened = site.happened(&["pb.query", "pb.attach"]);
        assert_eq!(happened.len(), (count + 1) * 2, "{line} {happened:?}");
    }
    // What is asked about a user is asked with the user's own identity: without one nothing is looked up.
    let stranger = site.ask("GET /livez", &[(ASKS, "1")], "").await;
    assert_eq!(stamp(&stranger), None);
    assert_eq!(site.happened(&["pb.query"]).len(), lines_count());
    site.end().await;
}

const fn lines_count() -> usize {
    7
}

#[tokio::test(flavor = "multi_thread")]
async fn r4_6_r4_7_r4_42_the_question_goes_through_its_queue_while_the_business_waits() {
    let site = telling(Settings::default());
    site.publish("alice", "one").await;
    let (cookie, csrf) = site.login("alice").await;
    let user = [("Cookie", cookie.as_str()), ("Sirgate-Csrf", &csrf)];
    let made = site.ask("POST /api/v1/clients", &user, "{}").await.json();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    let (client, token) = (text("client"), format!("Bearer {}", text("token")));
    let path = format!("/api/v1/clients/{client}");
    let own = [("Authorization", token.as_str())];
    let registered = site.ask(&format!("PUT {path}/apps/news"), &own, "").await;
    assert_eq!(registered.status, 201);
    let line = format!("GET {path}/messages?after=0&wait=50");
    let rows = [
        ("Cookie", cookie.as_str()),
        ("Authorization", &token),
        (ASKS, "1"),
    ];
    let polling = site.ask(&line, &rows, "");
    let names = ["poll.req", "pb.query", "poll.rsp", "pb.attach"];
    let meanwhile = async {
        let end = tokio::time::Instant::now() + PATIENCE;
        // Both are under way at the same time, whichever came first.
        let both = || {
            let mut happened = site.happened(&names);
            happened.sort_unstable();
            happened == ["pb.query", "poll.req"]
        };
        while !both() {
            assert!(
                tokio::time::Instant::now() < end,
                "{:?}",
                site.happened(&names)
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // The poll still waits; what it waits for comes now.
        let body = json!({ "to": "alice", "title": "news" }).to_string();
        let shown = [("Authorization", "Basic c2hvcDpzZWNyZXQ=")];
        site.ask("POST /api/v1/apps/news/messages", &shown, &body)
            .await
    };
    let (answer, published) = tokio::join!(polling, meanwhile);
    assert_eq!((answer.status, published.status), (200, 201));
    assert_eq!(counts(&answer), Some((1, Some(0), vec![true])));
    let mut all = site.happened(&names);
    all[..2].sort_unstable();
    assert_eq!(all, ["pb.query", "poll.req", "poll.rsp", "pb.attach"]);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r4_11_r4_12_r4_43_numbers_and_flags_say_what_is_new_and_what_is_read_or_deleted_is_gone() {
    let site = telling(send());
    let (cookie, csrf) = site.login("alice").await;
    let user = [("Cookie", cookie.as_str()), ("Sirgate-Csrf", &csrf)];
    let asks = [("Cookie", cookie.as_str()), (ASKS, "1")];
    // Nothing at all; then numbers and summaries; then the numbers of what was told before.
    assert_eq!(counts(&site.ask("GET /livez", &asks, "").await), None);
    let mut numbers = Vec::new();
    for title in ["one", "two", "three"] {
        numbers.push(site.publish("alice", title).await);
    }
    let told = site.ask("GET /livez", &asks, "").await;
    assert_eq!(counts(&told), Some((3, Some(0), vec![true; 3])));
    site.publish("alice", "four").await;
    let told = site.ask("GET /livez", &asks, "").await;
    let newest = vec![true, false, false, false];
    assert_eq!(counts(&told), Some((1, Some(3), newest)));
    for (number, state) in [(numbers[0], "read"), (numbers[1], "deleted")] {
        let line = format!("PUT /api/v1/accounts/alice/messages/{number}");
        let body = json!({ "state": state }).to_string();
        assert_eq!(site.ask(&line, &user, &body).await.status, 200);
    }
    let told = site.ask("GET /livez", &asks, "").await;
    assert_eq!(counts(&told), Some((0, Some(2), vec![false; 2])));
    let titles = stamp(&told).unwrap().items;
    let titles: Vec<&str> = titles.iter().map(|item| item.title.as_str()).collect();
    assert_eq!(titles, ["four", "three"]);
    site.end().await;

    let said = telling(Settings {
        nothing: Nothing::Said,
        ..send()
    });
    let (cookie, _) = said.login("alice").await;
    let asks = [("Cookie", cookie.as_str()), (ASKS, "1")];
    let none = said.ask("GET /livez", &asks, "").await;
    assert_eq!(counts(&none), Some((0, Some(0), Vec::new())));
    said.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r4_48_what_is_new_is_told_with_the_next_request_so_that_more_requests_tell_it_sooner() {
    // Requests of a user at these seconds, messages at those: how long each message waits is the time to the next request.
    let site = telling(send());
    let (cookie, _) = site.login("alice").await;
    let asks = [("Cookie", cookie.as_str()), (ASKS, "1")];
    let mut delays = Vec::new();
    for every in [60_u64, 20, 5] {
        let (mut total, mut waiting) = (0, Vec::new());
        for second in 1..=120_u64 {
            if second % 30 == 1 {
                site.publish("alice", &format!("{every} {second}")).await;
                waiting.push(second);
            }
            if second % every == 0 {
                let told = site.ask("GET /livez", &asks, "").await;
                let new = stamp(&told).map_or(0, |stamp| stamp.new);
                assert_eq!(usize::try_from(new).unwrap(), waiting.len(), "{second}");
                total += waiting.drain(..).map(|since| second - since).sum::<u64>();
            }
        }
        assert!(waiting.is_empty());
        delays.push(total);
    }
    assert_eq!(delays, [176, 56, 16]);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_level_tells_one_number_and_marks_nothing() {
    let site = telling(Settings {
        levels: Levels::One,
        ..send()
    });
    site.publish("alice", "one").await;
    let (cookie, _) = site.login("alice").await;
    let asks = [("Cookie", cookie.as_str()), (ASKS, "1;seen=1")];
    for _ in 0..2 {
        let told = site.ask("GET /livez", &asks, "").await;
        assert_eq!(counts(&told), Some((1, None, vec![true])));
    }
    assert!(site.happened(&["pb.state"]).is_empty());
    let line = "GET /api/v1/accounts/alice/messages";
    let messages = site.ask(line, &asks[..1], "").await.json();
    assert_eq!(messages["messages"][0]["state"], Value::from("unoffered"));
    site.end().await;
}
