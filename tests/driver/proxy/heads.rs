//! Heads of requests and responses, and what is not passed on.

use std::collections::BTreeSet;

use sirgate::driver::piggyback::{Form, Settings as Riding};
use sirgate::driver::proxy::{Forwarded, Host};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{ALICE, ASKS, Proxy, RawSite, Store, get, page, read_head, row, send};

/// The rows of a head, as they were written, in no order.
fn rows(head: &str) -> BTreeSet<&str> {
    head.split("\r\n").filter(|row| !row.is_empty()).collect()
}

#[tokio::test]
async fn s4_5_the_site_sees_the_request_unchanged_and_the_response_bears_what_is_unread() {
    let site = RawSite::start(|_| {
        page(
            "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-ODD: y\r\n",
            "hello",
        )
    })
    .await;
    let store = Store::default();
    store.put("alice", "one");
    let proxy = Proxy::start(site.at, store, Riding::default(), |_| {}).await;
    let request = "POST /a%2Fb/..;x=1?q=%20&r=a+b&&s HTTP/1.1\r\nHost: site.example:8080\r\nX-User: alice\r\n\
                   User-Agent: Some (one)\r\nACCEPT: */*\r\naccept-Language: de, en;q=0.5\r\nAccept-Encoding: gzip, br\r\n\
                   Cookie: session=\"a b\"; x=y\r\nCookie: z=1\r\nX-Forwarded-For: 192.0.2.7\r\nX-Empty:\r\nOrigin: http://other.example\r\n\
                   If-None-Match: W/\"1\"\r\nRange: bytes=0-3\r\nContent-Type: text/x-odd\r\nContent-Length: 4\r\n";
    let own = "Sirgate-Piggyback: 1;seen=0\r\nSirgate-Unread: new=9, seq=9, rev=9\r\nConnection: close\r\n";
    send(
        site.at,
        format!("{request}Connection: close\r\n\r\nbody").as_bytes(),
    )
    .await;
    let answer = send(proxy.at, format!("{request}{own}\r\nbody").as_bytes()).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.unread(), Some((1, 1)));
    assert_eq!(answer.rest, b"hello");
    for own in ["Set-Cookie: a=1", "Set-Cookie: b=2", "X-ODD: y"] {
        assert!(answer.head.contains(own), "{}", answer.head);
    }
    let seen = site.seen.lock().unwrap().clone();
    let [(direct, first), (proxied, second)] = &seen[..] else {
        panic!("{} requests", seen.len());
    };
    let direct = direct.replace("Connection: close\r\n", "");
    assert_eq!(rows(&direct), rows(proxied));
    assert_eq!(direct.lines().next(), proxied.lines().next());
    assert_eq!((&first[..], &second[..]), (&b"body"[..], &b"body"[..]));
}

#[tokio::test]
async fn a_stamp_that_the_site_forges_never_reaches_its_users() {
    let site = RawSite::start(|_| {
        page(
            "Sirgate-Unread: new=9, seq=9, rev=9\r\nSirgate-Form: json\r\n",
            "x",
        )
    })
    .await;
    let proxy = Proxy::plain(site.at).await;
    for rows in [&[][..], &[ALICE, ASKS]] {
        let answer = get(proxy.at, "/", rows).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.row("sirgate-unread"), None);
        assert_eq!(answer.row("sirgate-form"), None);
    }
    assert_eq!(proxy.stamped(), 0);
}

#[tokio::test]
async fn rows_of_one_connection_end_with_it() {
    let rows =
        "Connection: keep-alive, X-Own\r\nKeep-Alive: timeout=5\r\nX-Own: 1\r\nX-Other: 2\r\n";
    let site = RawSite::start(move |_| page(rows, "x")).await;
    let proxy = Proxy::plain(site.at).await;
    let answer = get(
        proxy.at,
        "/",
        &[
            ("Connection", "X-Mine"),
            ("X-Mine", "1"),
            ("Upgrade", "h2c"),
            ("TE", "gzip"),
        ],
    )
    .await;
    assert_eq!(answer.row("x-own"), None);
    assert_eq!(answer.row("keep-alive"), None);
    assert_eq!(answer.row("x-other").as_deref(), Some("2"));
    let head = &site.heads()[0];
    for name in ["x-mine", "upgrade", "te", "connection"] {
        assert_eq!(row(head, name), None, "{head}");
    }
}

#[tokio::test]
async fn the_host_and_the_client_are_told_as_the_settings_say() {
    let site = RawSite::start(|_| page("", "x")).await;
    let store = Store::default;
    let kept = Proxy::plain(site.at).await;
    let named = Proxy::start(site.at, store(), Riding::default(), |it| {
        it.host = Host::Upstream
    })
    .await;
    let told = Proxy::start(site.at, store(), Riding::default(), |it| {
        it.forwarded = Forwarded::XForwarded;
    })
    .await;
    for proxy in [&kept, &named, &told] {
        get(proxy.at, "/", &[]).await;
    }
    // Who writes the whole URL means its host.
    send(
        kept.at,
        b"GET http://other.example/x HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n",
    )
    .await;
    let heads = site.heads();
    let host = |at: usize| row(&heads[at], "host").unwrap();
    assert_eq!(host(0), "site.example");
    assert_eq!(host(1), site.at.to_string());
    assert_eq!(row(&heads[0], "x-forwarded-for"), None);
    assert_eq!(row(&heads[0], "via"), None);
    assert_eq!(
        row(&heads[2], "x-forwarded-for").as_deref(),
        Some("127.0.0.1")
    );
    assert_eq!(host(3), "other.example");
    assert!(heads[3].starts_with("GET /x HTTP/1.1\r\n"), "{}", heads[3]);
}

#[tokio::test]
async fn what_is_no_request_to_a_site_is_refused() {
    let site = RawSite::start(|_| page("", "x")).await;
    let proxy = Proxy::plain(site.at).await;
    let many = "X: 1\r\n".repeat(200);
    for (request, status) in [
        (
            "CONNECT site.example:443 HTTP/1.1\r\nHost: site.example:443\r\nConnection: close\r\n\r\n".to_owned(),
            501,
        ),
        (
            "GET / HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(),
            400,
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n".to_owned(),
            400,
        ),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n"), 431),
        (
            format!(
                "GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
                "y".repeat(1 << 17)
            ),
            431,
        ),
        ("nonsense\r\n\r\n".to_owned(), 400),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n".to_owned(),
            400,
        ),
    ] {
        let answer = send(proxy.at, request.as_bytes()).await;
        assert_eq!(
            answer.status(),
            status,
            "{}",
            &request[..request.len().min(60)]
        );
    }
    assert_eq!(site.heads(), [] as [String; 0]);
}

#[tokio::test]
async fn a_request_with_two_lengths_reaches_the_site_with_one() {
    let site = RawSite::start(|_| page("", "x")).await;
    let proxy = Proxy::plain(site.at).await;
    let request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let answer = send(proxy.at, request).await;
    assert_eq!(answer.status(), 200);
    let heads = site.heads();
    assert!(heads.len() <= 1 || !heads[0].to_lowercase().contains("content-length: 40"));
    assert!(
        row(&heads[0], "content-length").is_none_or(|it| it == "0"),
        "{}",
        heads[0]
    );
}

#[tokio::test]
async fn options_of_the_whole_site_and_requests_of_http_1_0_are_passed_on() {
    let site = RawSite::start(|_| page("Allow: GET\r\n", "x")).await;
    let proxy = Proxy::plain(site.at).await;
    let answer = send(
        proxy.at,
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert_eq!(answer.row("allow").as_deref(), Some("GET"));
    let answer = send(proxy.at, b"GET /old HTTP/1.0\r\n\r\n").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.rest, b"x");
    let heads = site.heads();
    assert!(
        heads[0].starts_with("OPTIONS * HTTP/1.1\r\n"),
        "{}",
        heads[0]
    );
    assert!(
        heads[1].starts_with("GET /old HTTP/1.1\r\n"),
        "{}",
        heads[1]
    );
}

#[tokio::test]
async fn a_websocket_goes_through_and_bears_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let site = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = read_head(&mut stream, &mut Vec::new()).await.unwrap();
        let answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: x\r\n\r\nfirst";
        stream.write_all(answer).await.unwrap();
        let mut octets = [0; 4];
        stream.read_exact(&mut octets).await.unwrap();
        stream.write_all(b"pong").await.unwrap();
        (head, octets)
    });
    let store = Store::default();
    store.put("alice", "one");
    let proxy = Proxy::start(site, store, Riding::default(), |_| {}).await;
    let mut stream = TcpStream::connect(proxy.at).await.unwrap();
    let request = "GET /ws HTTP/1.1\r\nHost: a\r\nX-User: alice\r\nSirgate-Piggyback: 1\r\nConnection: keep-alive, Upgrade\r\n\
                   Upgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut octets = Vec::new();
    let head = read_head(&mut stream, &mut octets).await.unwrap();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert_eq!(row(&head, "upgrade").as_deref(), Some("websocket"));
    assert_eq!(row(&head, "sec-websocket-accept").as_deref(), Some("x"));
    assert_eq!(row(&head, "sirgate-unread"), None);
    stream.write_all(b"ping").await.unwrap();
    while octets.len() < 9 {
        assert_ne!(stream.read_buf(&mut octets).await.unwrap(), 0);
    }
    assert_eq!(octets, b"firstpong");
    let (head, ping) = serving.await.unwrap();
    assert_eq!(row(&head, "connection").as_deref(), Some("Upgrade"));
    assert_eq!(row(&head, "sec-websocket-key").as_deref(), Some("k"));
    assert_eq!(&ping, b"ping");
    // The site has ended it, which ends it here.
    assert_eq!(stream.read_buf(&mut octets).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn only_a_body_that_is_to_be_wrapped_comes_uncompressed() {
    let site =
        RawSite::start(|_| page("Content-Type: application/json\r\nETag: \"1\"\r\n", "[1]")).await;
    let store = Store::default();
    store.put("alice", "one");
    let riding = Riding {
        form: Form::Json,
        ..Riding::default()
    };
    let proxy = Proxy::start(site.at, store, riding, |_| {}).await;
    let gzip = ("Accept-Encoding", "gzip");
    let plain = get(proxy.at, "/", &[gzip]).await;
    assert_eq!(plain.rest, b"[1]");
    assert_eq!(plain.row("etag").as_deref(), Some("\"1\""));
    let wrapped = get(proxy.at, "/", &[gzip, ALICE, ASKS]).await;
    let body: serde_json::Value = serde_json::from_slice(&wrapped.rest).unwrap();
    assert_eq!(body["data"], serde_json::json!([1]));
    assert_eq!(body["_unread"]["new"], 1);
    assert_eq!(wrapped.row("sirgate-form").as_deref(), Some("json"));
    assert_eq!(wrapped.row("cache-control").as_deref(), Some("private"));
    let heads = site.heads();
    assert_eq!(row(&heads[0], "accept-encoding").as_deref(), Some("gzip"));
    assert_eq!(row(&heads[1], "accept-encoding"), None);
}
