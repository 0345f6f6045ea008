//! The HTTP server and the HTTP client.

use std::time::Duration;

use sirgate::driver::tls::Tls;
use sirgate::world::{ListenerId, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::{Connection, get, post};
use crate::node::{run, stop, tcp, usual};

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_serves_one_request_after_another() {
    let (handle, addresses) = run(usual());
    let mut connection = Connection::to(addresses.http[0]).await;
    for body in ["one", "", "three"] {
        let got = connection.ask("POST", "/echo", body).await;
        assert_eq!((got.status, got.body.as_str()), (200, body));
    }
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pipelined_requests_are_answered_in_order() {
    let (handle, addresses) = run(usual());
    let mut connection = Connection::to(addresses.http[0]).await;
    let mut octets = Vec::new();
    for number in 0..20 {
        let body = format!("number {number}");
        octets.extend_from_slice(
            format!(
                "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .as_bytes(),
        );
    }
    connection.send(&octets).await;
    for number in 0..20 {
        assert_eq!(connection.answer().await.body, format!("number {number}"));
    }
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_refused_before_and_while_it_comes() {
    let mut setup = usual();
    setup.limits.http_body_octets = 1_000;
    let (handle, addresses) = run(setup);
    let full = "x".repeat(1_000);
    assert_eq!(post(addresses.http[0], "/echo", &full).await.body, full);
    let mut connection = Connection::to(addresses.http[0]).await;
    connection
        .send(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1001\r\n\r\n")
        .await;
    let got = connection.answer().await;
    assert_eq!(got.status, 413);
    assert!(got.head.contains("connection: close"), "{}", got.head);
    let mut connection = Connection::to(addresses.http[0]).await;
    let chunks = format!("1f4\r\n{}\r\n", "x".repeat(500)).repeat(3);
    connection
        .send(
            format!(
                "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"
            )
            .as_bytes(),
        )
        .await;
    assert_eq!(connection.answer().await.status, 413);
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_still_sending_too_much_hears_the_answer() {
    let (handle, addresses) = run(usual());
    let mut connection = Connection::to(addresses.http[0]).await;
    let count = 5 << 20;
    let mut octets =
        format!("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: {count}\r\n\r\n")
            .into_bytes();
    octets.resize(octets.len() + count, b'x');
    connection.send(&octets).await;
    assert_eq!(connection.answer().await.status, 413);
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_in_chunks_is_put_together() {
    let (handle, addresses) = run(usual());
    let mut connection = Connection::to(addresses.http[0]).await;
    connection
        .send(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    for part in [&b"3\r\nabc\r\n"[..], b"2\r\nde\r\n", b"0\r\n\r\n"] {
        tokio::time::sleep(Duration::from_millis(5)).await;
        connection.send(part).await;
    }
    assert_eq!(connection.answer().await.body, "abcde");
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_body_is_given_up() {
    let mut setup = usual();
    setup.limits.http_read = Duration::from_millis(100);
    let (handle, addresses) = run(setup);
    let mut connection = Connection::to(addresses.http[0]).await;
    connection
        .send(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc")
        .await;
    assert_eq!(connection.answer().await.status, 408);
    // Octet by octet: each in time, the whole never.
    let mut connection = Connection::to(addresses.http[0]).await;
    connection
        .send(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
        .await;
    let (mut reader, mut writer) = connection.tcp.into_split();
    let dripping = tokio::spawn(async move {
        while writer.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    });
    let mut start = [0; 12];
    timeout(Duration::from_secs(5), reader.read_exact(&mut start))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&start, b"HTTP/1.1 408");
    dripping.abort();
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_no_head_is_let_go() {
    let mut setup = usual();
    setup.limits.http_idle = Duration::from_millis(100);
    let (handle, addresses) = run(setup);
    let mut connection = Connection::to(addresses.http[0]).await;
    connection.send(b"POST /echo HTTP/1.1\r\nHost: loc").await;
    assert_eq!(connection.read_all().await, "");
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_none_are_refused() {
    let (handle, addresses) = run(usual());
    let many = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
        "A: b\r\n".repeat(200)
    );
    let long = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nA: {}\r\n\r\n",
        "b".repeat(70_000)
    );
    for (octets, status) in [
        (b"what is this\r\n\r\n".to_vec(), 400),
        (many.into_bytes(), 431),
        (long.into_bytes(), 431),
        (
            b"GET / HTTP/1.1\r\nHost: localhost\r\nA: \xff\xfe\r\n\r\n".to_vec(),
            400,
        ),
    ] {
        let mut connection = Connection::to(addresses.http[0]).await;
        connection.send(&octets).await;
        assert_eq!(connection.answer().await.status, status);
    }
    assert_eq!(get(addresses.http[0], "/").await.status, 200);
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_gets_nothing() {
    let (handle, addresses) = run(usual());
    for row in [
        "Host: evil.example",
        "Host: localhost\r\nOrigin: http://evil.example",
    ] {
        let mut connection = Connection::to(addresses.http[0]).await;
        connection
            .send(format!("GET /livez HTTP/1.1\r\n{row}\r\n\r\n").as_bytes())
            .await;
        assert_eq!(connection.answer().await.status, 403, "{row}");
    }
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_does_not_answer_is_given_up() {
    let mut setup = usual();
    setup.limits.http_answer = Duration::from_millis(100);
    setup.limits.drain = Duration::from_millis(500);
    let (handle, addresses) = run(setup);
    let got = get(addresses.http[0], "/silent").await;
    assert_eq!(got.status, 504);
    assert_eq!(got.json()["schema"], "sirgate.error/1");
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_beyond_the_limit_are_closed() {
    let mut setup = usual();
    setup.limits.http_connections = 1;
    let (handle, addresses) = run(setup);
    let mut first = Connection::to(addresses.http[0]).await;
    assert_eq!(first.ask("GET", "/", "").await.status, 200);
    let second = Connection::to(addresses.http[0]).await;
    assert_eq!(second.read_all().await, "");
    assert_eq!(first.ask("GET", "/", "").await.status, 200);
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn timers_run_in_time() {
    let (handle, addresses) = run(usual());
    let late: u64 = get(addresses.http[0], "/alarm").await.body.parse().unwrap();
    assert!(late < 1_000, "{late} ms late");
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_driver_says_that_it_lives_and_is_ready() {
    let (handle, addresses) = run(usual());
    let http = addresses.http[0];
    assert_eq!(get(http, "/livez").await.body, "alive\n");
    let ready = get(http, "/readyz").await;
    assert_eq!(
        (ready.status, ready.json()["ready"].as_bool()),
        (200, Some(true))
    );
    let metrics = get(http, "/metrics").await;
    assert!(metrics.head.contains("text/plain; version=0.0.4"));
    assert!(
        metrics.body.contains("\nsirgate_http_requests_total 3\n"),
        "{}",
        metrics.body
    );
    let refused = post(http, "/readyz", "").await;
    assert_eq!(refused.status, 405);
    assert!(refused.head.contains("allow: get, head"));
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_brings_what_the_server_said() {
    let (server, there) = run(usual());
    let (handle, addresses) = run(usual());
    let url = format!("http://{}/echo", there.http[0]);
    assert_eq!(
        post(addresses.http[0], "/fetch", &url).await.body,
        "200 hello"
    );
    stop(server).await;
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_that_do_not_answer_keep_no_result_waiting() {
    let mut silent = usual();
    silent.limits.drain = Duration::ZERO;
    let (devices, there) = run(silent);
    let (server, initiator) = run(usual());
    let mut setup = usual();
    setup.limits.drain = Duration::ZERO;
    // With room in common the result would wait for ever.
    setup.limits.fetch = Duration::from_secs(86_400);
    let (handle, addresses) = run(setup);
    let url = format!("http://{}/silent", there.http[0]);
    post(addresses.http[0], "/pushes", &url).await;
    let url = format!("http://{}/echo", initiator.http[0]);
    for other in ["/fetch", "/wake"] {
        assert_eq!(
            post(addresses.http[0], other, &url).await.body,
            "200 hello",
            "{other}"
        );
    }
    stop(handle).await;
    stop(server).await;
    stop(devices).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_for_which_there_is_no_room_in_time_never_leaves() {
    let mut silent = usual();
    silent.limits.drain = Duration::ZERO;
    silent.limits.http_answer = Duration::from_secs(86_400);
    let (devices, there) = run(silent);
    let (sound, other) = run(usual());
    let mut setup = usual();
    setup.limits.drain = Duration::ZERO;
    // Half of it is for the second request to arrive in, on a machine that is busy.
    setup.limits.fetch = Duration::from_secs(24);
    let (handle, addresses) = run(setup);
    let url = format!("http://{}/silent", there.http[0]);
    post(addresses.http[0], "/pushes", &url).await;
    // Its device would answer at once.
    let url = format!("http://{}/echo", other.http[0]);
    let late = post(addresses.http[0], "/push", &url).await;
    assert_eq!(late.body, "Unreachable");
    stop(handle).await;
    stop(devices).await;
    stop(sound).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_fails_says_why() {
    let mut silent = usual();
    silent.limits.drain = Duration::ZERO;
    let (server, there) = run(silent);
    let mut setup = usual();
    setup.limits.fetch = Duration::from_millis(200);
    setup.limits.fetch_octets = 3;
    let (handle, addresses) = run(setup);
    let nobody = {
        let listener = tcp();
        listener.local_addr().unwrap()
    };
    for (url, wanted) in [
        ("ftp://localhost/".to_owned(), "BadUrl"),
        ("not a url".to_owned(), "BadUrl"),
        (format!("http://{nobody}/"), "Unreachable"),
        (format!("https://{nobody}/"), "Unreachable"),
        (format!("http://{}/silent", there.http[0]), "TimedOut"),
        (format!("http://{}/echo", there.http[0]), "Broken"),
    ] {
        assert_eq!(
            post(addresses.http[0], "/fetch", &url).await.body,
            wanted,
            "{url}"
        );
    }
    stop(server).await;
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_over_tls_verifies_the_server() {
    let (tls, pem) = Tls::default().serve_self_signed(&["localhost"]).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &pem).unwrap();
    let mut setup = usual();
    setup.tls = tls.trust_file(file.path()).unwrap();
    setup.listeners.push((ListenerId(1), Transport::Tls, tcp()));
    let (handle, addresses) = run(setup);
    let port = addresses.listeners[1].2.port();
    let http = addresses.http[0];
    let fetch = |host: &str| {
        let url = format!("https://{host}:{port}/");
        async move { post(http, "/fetch", &url).await.body }
    };
    // Verified and connected: the listener echoes the request, which is no answer.
    assert_eq!(fetch("localhost").await, "Broken");
    // The certificate is for another name.
    assert_eq!(fetch("127.0.0.1").await, "Unreachable");
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_nothing_is_let_go() {
    let mut setup = usual();
    setup.limits.http_idle = Duration::from_millis(100);
    let (handle, addresses) = run(setup);
    let mut stream = TcpStream::connect(addresses.http[0]).await.unwrap();
    let asks = "GET /web/style.css HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(40_000);
    // More answers than any buffer between the two holds, and nobody reads one. A connection that was let go says so
    // to whoever writes on.
    let asked = stream.write_all(asks.as_bytes()).await;
    let gone = async {
        while stream.write_all(b"G").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await
        }
    };
    let gone = timeout(Duration::from_secs(60), gone).await;
    assert!(gone.is_ok(), "{asked:?}");
    stop(handle).await;
}
