//! Sites that are not there, that are slow or break off, and clients that do.

use std::time::Duration;

use sirgate::driver::piggyback::Settings as Riding;
use sirgate::driver::proxy::Bounds;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{ALICE, ASKS, Proxy, RawSite, Store, get, page, read_head, row, send};

/// Times that a test can wait for.
fn soon(bounds: &mut Bounds) {
    bounds.client = Duration::from_millis(300);
    bounds.head = Duration::from_millis(300);
    bounds.silence = Duration::from_millis(300);
    bounds.drain = Duration::from_millis(300);
    bounds.consent = Duration::from_millis(300);
}

async fn impatient(site: std::net::SocketAddr) -> Proxy {
    let store = Store::default();
    store.put("alice", "one");
    Proxy::start(site, store, Riding::default(), |it| soon(&mut it.bounds)).await
}

/// A site whose connections are in the hands of the test.
async fn by_hand() -> (TcpListener, std::net::SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    (listener, at)
}

#[tokio::test]
async fn a_site_that_is_not_there_is_a_problem_document_with_502() {
    let (listener, site) = by_hand().await;
    drop(listener);
    let proxy = impatient(site).await;
    let answer = get(proxy.at, "/", &[ALICE, ASKS]).await;
    assert_eq!(answer.status(), 502);
    assert_eq!(
        answer.row("content-type").as_deref(),
        Some("application/problem+json")
    );
    let problem: serde_json::Value = serde_json::from_slice(&answer.rest).unwrap();
    assert_eq!(problem["status"], 502);
    assert_eq!(problem["detail"], "the site does not answer");
    assert!(
        proxy
            .figures
            .text()
            .contains("sirgate_proxy_upstream_failed_total 1\n")
    );
}

#[tokio::test]
async fn a_site_that_says_nothing_is_a_problem_document_with_504() {
    let (_listener, site) = by_hand().await;
    let proxy = impatient(site).await;
    let answer = get(proxy.at, "/", &[]).await;
    assert_eq!(answer.status(), 504);
    assert!(
        proxy
            .figures
            .text()
            .contains("sirgate_proxy_upstream_late_total 1\n")
    );
}

#[tokio::test]
async fn what_is_no_http_is_a_problem_document_with_502() {
    let site = RawSite::start(|_| b"SSH-2.0-whatever\r\n\r\n".to_vec()).await;
    let proxy = impatient(site.at).await;
    assert_eq!(get(proxy.at, "/", &[]).await.status(), 502);
}

#[tokio::test]
async fn a_request_that_changes_something_is_never_sent_twice() {
    // The site takes the request, begins to answer and ends the connection.
    let closing = RawSite::start(|_| b"HTTP/1.1 200 OK\r\nConnection: close\r\n".to_vec()).await;
    let proxy = impatient(closing.at).await;
    let post =
        b"POST /order HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\none";
    assert_eq!(send(proxy.at, post).await.status(), 502);
    let bare = b"POST /order HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    assert_eq!(send(proxy.at, bare).await.status(), 502);
    assert_eq!(closing.heads().len(), 2);
    // A GET may be, once.
    assert_eq!(get(proxy.at, "/list", &[]).await.status(), 502);
    assert_eq!(closing.heads().len(), 4);
}

#[tokio::test]
async fn a_kept_connection_that_ended_costs_no_response() {
    let (listener, site) = by_hand().await;
    tokio::spawn(async move {
        loop {
            // It says that it keeps the connection, and ends it.
            let (mut stream, _) = listener.accept().await.unwrap();
            read_head(&mut stream, &mut Vec::new()).await.unwrap();
            stream.write_all(&page("", "x")).await.unwrap();
            let mut octets = [0; 1];
            // Ends when the next request comes, whose answer nobody gets.
            let _ = stream.read(&mut octets).await;
        }
    });
    let proxy = impatient(site).await;
    for _ in 0..3 {
        let answer = get(proxy.at, "/", &[]).await;
        assert_eq!((answer.status(), &answer.rest[..]), (200, &b"x"[..]));
    }
}

#[tokio::test]
async fn r4_22_a_response_that_is_cut_is_seen_to_be_cut_and_loses_and_repeats_nothing() {
    for cut in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nten octets"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\na\r\nten octets\r\n",
    ] {
        let site = RawSite::start(move |head| match head.contains("/cut") {
            true => cut.to_vec(),
            false => page("", "whole"),
        })
        .await;
        let store = Store::default();
        store.put("alice", "one");
        store.put("alice", "two");
        let proxy = Proxy::start(site.at, store.clone(), Riding::default(), |_| {}).await;
        for _ in 0..2 {
            let answer = get(proxy.at, "/cut", &[ALICE, ASKS]).await;
            assert_eq!(answer.unread(), Some((2, 2)));
            let text = String::from_utf8_lossy(&answer.rest).into_owned();
            assert!(text.contains("ten octets"), "{text}");
            // Neither the length that was promised nor the last chunk.
            assert!(answer.rest.len() < 100 && !text.contains("0\r\n\r\n"), "{text}");
        }
        assert_eq!(store.writes(), 0);
        // Nothing was lost; and what the page says it has seen is not said again.
        assert_eq!(get(proxy.at, "/", &[ALICE, ASKS]).await.unread(), Some((2, 2)));
        let seen = ("Sirgate-Piggyback", "1;seen=2");
        assert_eq!(get(proxy.at, "/", &[ALICE, seen]).await.unread(), Some((0, 2)));
        assert_eq!(store.writes(), 1);
    }
}

#[tokio::test]
async fn a_site_that_falls_silent_in_a_body_is_cut() {
    let (listener, site) = by_hand().await;
    let proxy = impatient(site).await;
    let asking = tokio::spawn(async move { get(proxy.at, "/", &[]).await });
    let (mut stream, _) = listener.accept().await.unwrap();
    read_head(&mut stream, &mut Vec::new()).await.unwrap();
    let begun = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbegun";
    stream.write_all(begun).await.unwrap();
    let answer = asking.await.unwrap();
    assert_eq!(answer.rest, b"begun");
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn a_body_that_its_client_does_not_send_is_408() {
    let site = RawSite::start(|_| page("", "x")).await;
    let proxy = impatient(site.at).await;
    let answer = send(
        proxy.at,
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nbegun",
    )
    .await;
    assert_eq!(answer.status(), 408);
    assert_eq!(site.heads(), [] as [String; 0]);
}

#[tokio::test]
async fn a_large_body_that_keeps_coming_is_not_late() {
    let site = RawSite::start(|_| page("", "x")).await;
    let proxy = impatient(site.at).await;
    let mut stream = TcpStream::connect(proxy.at).await.unwrap();
    let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    // Eight octets, each within the patience, all together beyond it.
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        stream.write_all(b"y").await.unwrap();
    }
    let mut all = String::new();
    stream.read_to_string(&mut all).await.unwrap();
    assert!(all.starts_with("HTTP/1.1 200 "), "{all}");
}

#[tokio::test]
async fn a_client_that_goes_away_or_takes_nothing_frees_the_site() {
    for goes_away in [true, false] {
        let (listener, site) = by_hand().await;
        let proxy = impatient(site).await;
        let mut client = TcpStream::connect(proxy.at).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        client.write_all(request).await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream, &mut Vec::new()).await.unwrap();
        if goes_away {
            drop(client);
        } else {
            // It stays, and reads nothing.
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(60)).await;
                drop(client);
            });
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let octets = vec![0; 1 << 16];
        // A body without end, until nobody takes it any more.
        while stream.write_all(&octets).await.is_ok() {}
    }
}

#[tokio::test]
async fn there_are_only_so_many_connections() {
    let site = RawSite::start(|_| page("", "x")).await;
    let proxy = Proxy::start(site.at, Store::default(), Riding::default(), |it| {
        it.bounds.connections = 2;
    })
    .await;
    let kept = [
        TcpStream::connect(proxy.at).await,
        TcpStream::connect(proxy.at).await,
    ];
    let text = || proxy.figures.text();
    let open = |count: usize| text().contains(&format!("sirgate_proxy_connections_open {count}\n"));
    while !open(2) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(get(proxy.at, "/", &[]).await.status(), 0);
    assert!(text().contains("sirgate_proxy_connections_refused_total 1\n"));
    drop(kept);
    while !open(0) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(get(proxy.at, "/", &[]).await.status(), 200);
}

const ANNOUNCED: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn a_client_that_asks_first_is_answered_by_the_site() {
    let (listener, site) = by_hand().await;
    let proxy = Proxy::plain(site).await;
    let mut client = TcpStream::connect(proxy.at).await.unwrap();
    client.write_all(ANNOUNCED).await.unwrap();
    let (mut stream, _) = listener.accept().await.unwrap();
    let head = read_head(&mut stream, &mut Vec::new()).await.unwrap();
    assert_eq!(row(&head, "expect").as_deref(), Some("100-continue"));
    stream
        .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
        .await
        .unwrap();
    let consent = read_head(&mut client, &mut Vec::new()).await.unwrap();
    assert!(consent.starts_with("HTTP/1.1 100 "), "{consent}");
    client.write_all(b"body").await.unwrap();
    let mut body = [0; 4];
    stream.read_exact(&mut body).await.unwrap();
    assert_eq!(&body, b"body");
    stream.write_all(&page("", "x")).await.unwrap();
    let answer = read_head(&mut client, &mut Vec::new()).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn a_body_that_the_site_does_not_want_is_never_asked_for() {
    let (listener, site) = by_hand().await;
    let proxy = Proxy::plain(site).await;
    let asking = tokio::spawn(async move { send(proxy.at, ANNOUNCED).await });
    let (mut stream, _) = listener.accept().await.unwrap();
    read_head(&mut stream, &mut Vec::new()).await.unwrap();
    stream
        .write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
        .await
        .unwrap();
    let answer = asking.await.unwrap();
    assert!(
        answer.head.starts_with("HTTP/1.1 413 Too Large\r\n"),
        "{}",
        answer.head
    );
    assert_eq!(answer.rest, b"no");
    // Of the body nothing came.
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert_eq!(rest, b"");
}

#[tokio::test]
async fn what_is_under_way_at_a_stop_is_finished() {
    let (listener, site) = by_hand().await;
    let proxy = Proxy::plain(site).await;
    let at = proxy.at;
    let asking = tokio::spawn(async move { get(at, "/", &[]).await });
    let (mut stream, _) = listener.accept().await.unwrap();
    read_head(&mut stream, &mut Vec::new()).await.unwrap();
    proxy.stop.send_replace(true);
    stream.write_all(&page("", "whole")).await.unwrap();
    assert_eq!(asking.await.unwrap().rest, b"whole");
    proxy.ended.await.unwrap();
    assert!(TcpStream::connect(at).await.is_err());
}
