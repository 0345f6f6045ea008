//! Browser clients over real sockets: polls, waiting polls, event streams and WebSockets around a whole gateway.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use sirgate::driver::{Handle, start};
use sirgate::gateway::{Config, Gateway};
use sirgate::random::Random;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::client::{Connection, Got, get};
use crate::node::{setup, tcp};

const PATIENCE: Duration = Duration::from_secs(60);

fn gateway(heartbeat: Duration) -> (Handle<Gateway>, SocketAddr) {
    let mut setup = setup();
    setup.http.push(tcp());
    setup.limits.web_heartbeat = heartbeat;
    let node = Gateway::new(Config::default(), Random::from_number(1));
    let handle = start(node, setup).unwrap();
    let http = handle.addresses().http[0];
    (handle, http)
}

async fn end(mut handle: Handle<Gateway>) {
    handle.stop();
    handle.ended().await.unwrap();
}

/// A browser client that registered `mail`.
#[derive(Clone)]
struct Browser {
    http: SocketAddr,
    id: String,
    token: String,
}

impl Browser {
    async fn of(http: SocketAddr, account: &str) -> Self {
        let body = json!({ "account": account }).to_string();
        let mut connection = Connection::to(http).await;
        let made = connection.ask("POST", "/api/v1/clients", &body).await;
        assert_eq!(made.status, 201, "{made:?}");
        let made = made.json();
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        let browser = Self {
            http,
            id: text("client"),
            token: text("token"),
        };
        let registered = browser.ask("PUT", "/apps/mail", &[]).await;
        assert_eq!(registered.status, 201);
        browser
    }

    fn head(&self, method: &str, rest: &str, headers: &[(&str, &str)]) -> String {
        let (id, token) = (&self.id, &self.token);
        let mut head = format!(
            "{method} /api/v1/clients/{id}{rest} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head + "\r\n"
    }

    /// A request without a body, on a connection of its own.
    async fn ask(&self, method: &str, rest: &str, headers: &[(&str, &str)]) -> Got {
        let mut connection = Connection::to(self.http).await;
        let head = self.head(method, rest, headers);
        connection.send(head.as_bytes()).await;
        connection.answer().await
    }

    /// An event stream after that number.
    async fn stream(&self, after: u64) -> Connection {
        let mut connection = Connection::to(self.http).await;
        let after = after.to_string();
        let head = self.head("GET", "/stream", &[("Last-Event-ID", &after)]);
        connection.send(head.as_bytes()).await;
        connection.until("\r\n\r\n").await;
        connection
    }

    /// A WebSocket after that number, as a page opens it.
    async fn socket(&self, after: u64) -> WebSocketStream<TcpStream> {
        let (tcp, head) = self.upgraded(after, &self.token).await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        assert!(
            head.contains("sec-websocket-protocol: sirgate.v1"),
            "{head}"
        );
        assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        WebSocketStream::from_raw_socket(tcp, Role::Client, None).await
    }

    async fn upgraded(&self, after: u64, token: &str) -> (TcpStream, String) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut tcp = TcpStream::connect(self.http).await.unwrap();
        let id = &self.id;
        let request = format!(
            "GET /api/v1/clients/{id}/ws?after={after} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
             Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: sirgate.v1, sirgate.token.{token}\r\n\r\n"
        );
        tcp.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        // One octet at a time: what follows the head is of the WebSocket.
        while !head.ends_with(b"\r\n\r\n") {
            let octet = timeout(PATIENCE, tcp.read_u8()).await.unwrap();
            let Ok(octet) = octet else { break };
            head.push(octet);
        }
        (tcp, String::from_utf8(head).unwrap())
    }
}

async fn publish(http: SocketAddr, to: &str, title: &str) {
    let body = json!({ "to": to, "title": title }).to_string();
    let mut connection = Connection::to(http).await;
    let put = connection
        .ask("POST", "/api/v1/apps/mail/messages", &body)
        .await;
    assert_eq!(put.status, 201, "{put:?}");
}

fn taken(packet: &Value, seqs: &mut Vec<u64>) -> u64 {
    let messages = packet["messages"].as_array().unwrap();
    seqs.extend(messages.iter().map(|one| one["seq"].as_u64().unwrap()));
    packet["cursor"].as_u64().unwrap()
}

/// The packets of an event stream that came so far, and the cursor of the last.
fn packets(text: &str) -> Vec<Value> {
    let whole = text.rsplit_once("\n\n").map_or("", |(whole, _)| whole);
    let lines = whole.lines().filter_map(|line| line.strip_prefix("data: "));
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Poll,
    LongPoll,
    Events,
    WebSocket,
}

/// Takes what comes until so many messages are there; every connection is cut after its first packet.
async fn take(way: Way, browser: Browser, count: usize) -> Vec<u64> {
    let (mut seqs, mut cursor) = (Vec::new(), 0);
    while seqs.len() < count {
        let packet = match way {
            Way::Poll | Way::LongPoll => {
                let wait = if matches!(way, Way::Poll) { 0 } else { 25 };
                let rest = format!("/messages?after={cursor}&wait={wait}");
                let got = browser.ask("GET", &rest, &[]).await;
                match got.status {
                    200 => got.json(),
                    204 => {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        continue;
                    }
                    other => panic!("{other}"),
                }
            }
            Way::Events => {
                let mut stream = browser.stream(cursor).await;
                let text = stream.until("}\n\n").await;
                packets(&text).remove(0)
            }
            Way::WebSocket => {
                let mut socket = browser.socket(cursor).await;
                let message = timeout(PATIENCE, socket.next()).await.unwrap();
                let text = message.unwrap().unwrap().into_text().unwrap();
                serde_json::from_str(&text).unwrap()
            }
        };
        cursor = taken(&packet, &mut seqs);
    }
    seqs
}

#[tokio::test(flavor = "multi_thread")]
async fn r0_25_every_way_brings_every_message_once_and_in_order_however_often_it_is_cut() {
    const COUNT: usize = 40;
    let (handle, http) = gateway(Duration::from_secs(15));
    let mut ways = Vec::new();
    for way in [Way::Poll, Way::LongPoll, Way::Events, Way::WebSocket] {
        let browser = Browser::of(http, "alice").await;
        ways.push(tokio::spawn(take(way, browser, COUNT)));
    }
    for number in 0..COUNT {
        publish(http, "alice", &number.to_string()).await;
    }
    let wanted: Vec<u64> = (1..=40).collect();
    for way in ways {
        let seqs = timeout(PATIENCE, way).await.unwrap().unwrap();
        assert_eq!(seqs, wanted);
    }
    end(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_stream_goes_on_and_shows_that_it_lives() {
    let (handle, http) = gateway(Duration::from_millis(50));
    let browser = Browser::of(http, "alice").await;
    let mut stream = browser.stream(0).await;
    let head = stream.until("\r\n\r\n").await.to_lowercase();
    assert!(head.contains("content-type: text/event-stream"), "{head}");
    stream.until(": alive\n\n").await;
    for title in ["one", "two"] {
        publish(http, "alice", title).await;
        stream.until(title).await;
    }
    let text = stream.until("id: 2\nevent: packet\ndata: ").await;
    assert!(text.contains("id: 1\nevent: packet\ndata: "), "{text}");
    end(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r0_21_a_websocket_acknowledges_and_the_next_one_goes_on_from_there() {
    let (handle, http) = gateway(Duration::from_millis(50));
    let browser = Browser::of(http, "alice").await;
    for title in ["one", "two"] {
        publish(http, "alice", title).await;
    }
    let mut socket = browser.socket(0).await;
    let mut seqs = Vec::new();
    let mut pings = 0;
    socket.send(Message::text(r#"{"ack":1}"#)).await.unwrap();
    while pings < 2 {
        match timeout(PATIENCE, socket.next()).await.unwrap() {
            Some(Ok(Message::Text(text))) => {
                taken(&serde_json::from_str(&text).unwrap(), &mut seqs);
            }
            // Answered by reading on.
            Some(Ok(Message::Ping(_))) => pings += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seqs, [1, 2]);
    drop(socket);
    let rest = browser.ask("GET", "/messages", &[]).await;
    let mut seqs = Vec::new();
    taken(&rest.json(), &mut seqs);
    assert_eq!(seqs, [2]);
    end(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_for_their_own_clients_and_say_what_is_wrong() {
    let (handle, http) = gateway(Duration::from_secs(15));
    let browser = Browser::of(http, "alice").await;
    let other = Browser::of(http, "bob").await;
    for kind in ["stream", "messages"] {
        let path = format!("/api/v1/clients/{}/{kind}", browser.id);
        assert_eq!(get(http, &path).await.status, 401, "{kind}");
        let forged = Browser {
            token: other.token.clone(),
            ..browser.clone()
        };
        let refused = forged.ask("GET", &format!("/{kind}"), &[]).await;
        assert_eq!(refused.status, 403, "{kind}");
    }
    let (_, head) = browser.upgraded(0, &other.token).await;
    assert!(head.starts_with("HTTP/1.1 403"), "{head}");
    let (_, head) = browser.upgraded(0, "guess").await;
    assert!(head.starts_with("HTTP/1.1 401"), "{head}");
    let plain = browser.ask("GET", "/ws", &[]).await;
    assert_eq!(plain.status, 426);
    assert!(plain.head.contains("upgrade: websocket"));
    assert_eq!(browser.ask("DELETE", "/stream", &[]).await.status, 405);
    let wrong = [("Last-Event-ID", "x")];
    assert_eq!(browser.ask("GET", "/stream", &wrong).await.status, 400);
    let foreign = [("Origin", "http://evil.example")];
    assert_eq!(browser.ask("GET", "/stream", &foreign).await.status, 403);
    end(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_acknowledgement_ends_a_websocket() {
    let (handle, http) = gateway(Duration::from_secs(15));
    let browser = Browser::of(http, "alice").await;
    let large = "x".repeat(5_000);
    for (wrong, code) in [
        (Message::text("{"), 1008),
        (Message::text(r#"{"ack":-1}"#), 1008),
        (Message::text(r#"{"ack":1}"#), 1008),
        (Message::binary(vec![1, 2]), 1008),
        (Message::text(large), 1008),
    ] {
        let mut socket = browser.socket(0).await;
        socket.send(wrong).await.unwrap();
        let mut ended = 0;
        while let Some(Ok(message)) = timeout(PATIENCE, socket.next()).await.unwrap() {
            if let Message::Close(Some(frame)) = message {
                ended = u16::from(frame.code);
            }
        }
        assert_eq!(ended, code);
    }
    end(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_stream_of_a_client_takes_the_place_of_the_earlier_one() {
    let (handle, http) = gateway(Duration::from_millis(50));
    let browser = Browser::of(http, "alice").await;
    let mut earlier = browser.stream(0).await;
    // It waits for what comes.
    earlier.until(": alive\n\n").await;
    let mut later = browser.stream(0).await;
    earlier.until("\r\n0\r\n\r\n").await;
    publish(http, "alice", "one").await;
    later.until("one").await;
    end(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_is_slow_delays_nobody_and_loses_nothing() {
    const COUNT: usize = 100;
    let (handle, http) = gateway(Duration::from_secs(15));
    let slow = Browser::of(http, "alice").await;
    let quick = Browser::of(http, "alice").await;
    let mut stream = slow.stream(0).await;
    let large = "x".repeat(20_000);
    for number in 0..COUNT {
        let body = json!({ "to": "alice", "title": number.to_string(), "data": large });
        let mut connection = Connection::to(http).await;
        let put = connection
            .ask("POST", "/api/v1/apps/mail/messages", &body.to_string())
            .await;
        assert_eq!(put.status, 201);
    }
    assert_eq!(take(Way::Poll, quick, COUNT).await.len(), COUNT);
    stream.until("id: 100\n").await;
    publish(http, "alice", "the last").await;
    let text = stream.until("the last").await;
    let mut seqs = Vec::new();
    for packet in packets(&text) {
        taken(&packet, &mut seqs);
    }
    let wanted: Vec<u64> = (1..=100).collect();
    seqs.truncate(COUNT);
    assert_eq!(seqs, wanted);
    end(handle).await;
}
