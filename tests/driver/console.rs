//! What the console is made of: pages for browsers, and messages by their numbers.

use bytes::Bytes;
use sirgate::event::{Event, Fact};
use sirgate::time::Time;

use crate::client::{Connection, Got, get};
use crate::node::{run, stop, usual};

/// A message of a push, as it stands in the journal.
fn wire(micros: u64) -> Event {
    let octets = "MSRP a1b2 200 OK\r\nTo-Path: msrp://a.example:1/x;tcp\r\nFrom-Path: msrp://b.example:2/y;tcp\r\n-------a1b2$\r\n";
    Event {
        t: Time::from_micros(micros),
        fact: Fact::Wire {
            from: "C1".to_owned(),
            to: "PPG".to_owned(),
            line: "msrp".to_owned(),
            what: "MSRP a1b2 200 OK".to_owned(),
            push: Some("k7q4".to_owned()),
            octets: Bytes::from(octets),
        },
    }
}

async fn as_browser(http: std::net::SocketAddr, path: &str) -> Got {
    let mut connection = Connection::to(http).await;
    let accept = "text/html,application/xhtml+xml,*/*;q=0.8";
    let asked = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n\r\n");
    connection.send(asked.as_bytes()).await;
    connection.answer().await
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_get_the_console_where_programs_get_the_nodes_answer() {
    let (handle, addresses) = run(usual());
    let http = addresses.http[0];
    for path in ["/", "/p/k7q4", "/i/sip%3Aalice%40example.com", "/status"] {
        let page = as_browser(http, path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.body.contains("/web/console/main.js"), "{path}");
        assert!(
            page.head
                .contains("content-security-policy: default-src 'self'"),
            "{}",
            page.head
        );
        assert!(page.head.contains("vary: accept"), "{}", page.head);
        let program = get(http, path).await;
        assert!(!program.body.contains("<html"), "{path}: {}", program.body);
    }
    assert!(!as_browser(http, "/livez").await.body.contains("<html"));
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_comes_by_its_number_with_what_its_octets_say() {
    let setup = usual();
    let journal = setup.journal.clone();
    let (handle, addresses) = run(setup);
    let http = addresses.http[0];
    journal.push(wire(5));
    let ladder = get(http, "/api/v1/pushes/k7q4/ladder?format=json")
        .await
        .json();
    let rung = &ladder["rungs"][0];
    assert_eq!(
        (&rung["from"], &rung["word"]),
        (&"C1".into(), &"200".into())
    );
    assert_eq!(ladder["events"][0]["seq"], rung["seq"]);
    let seq = rung["seq"].as_u64().unwrap();
    let message = get(http, &format!("/api/v1/messages/{seq}")).await.json();
    assert_eq!(message["read"]["form"], "msrp", "{message}");
    assert!(message["hex"].as_str().unwrap().starts_with("4d535250"));
    for none in ["0", "99"] {
        assert_eq!(
            get(http, &format!("/api/v1/messages/{none}")).await.status,
            404
        );
    }
    assert_eq!(get(http, "/api/v1/messages/first").await.status, 400);
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_for_readers_that_the_judge_lets_in() {
    let mut setup = usual();
    setup.readers = sirgate::driver::Readers::only(|shown| shown.is_some());
    setup.journal.push(wire(5));
    let (handle, addresses) = run(setup);
    let got = get(addresses.http[0], "/api/v1/messages/1").await;
    assert_eq!(got.status, 401);
    stop(handle).await;
}
