//! WebSockets over real sockets: opening, texts both ways, bounds, ends.

use std::net::SocketAddr;

use sirgate::driver::{Addresses, Handle};
use sirgate::limits;
use tokio::task::spawn_blocking;

use crate::node::{Echo, run, usual};
use crate::socket_client::{Message, Socket, ask};

fn echo() -> (Handle<Echo>, Addresses) {
    let mut setup = usual();
    setup.sockets.push("/push/".to_owned());
    run(setup)
}

/// A test of the client's side, which blocks.
async fn client<T: Send + 'static>(
    addresses: &Addresses,
    test: impl FnOnce(String) -> T + Send + 'static,
) -> T {
    let address: SocketAddr = addresses.http[0];
    spawn_blocking(move || test(address.to_string()))
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_carries_texts_both_ways_and_the_node_learns_of_its_end() {
    let (mut handle, addresses) = echo();
    client(&addresses, |address| {
        let rows = "Sec-WebSocket-Protocol: other, push-notification\r\n";
        let (_, head) = ask(&address, "/push/?a=b", rows);
        assert!(head.contains("push-notification"), "{head}");
        let mut socket = Socket::open(&address, "/push/", "");
        assert_eq!(socket.hear(), "/push/");
        for text in ["one", "", "zwei ä"] {
            socket.say(text);
            assert_eq!(socket.hear(), text);
        }
        socket.send(Message::Ping(b"x".to_vec().into()));
        assert!(matches!(socket.next(), Ok(Message::Pong(octets)) if octets == "x"));
        socket.say("close");
        assert_eq!(socket.ended(), Some(1000));
    })
    .await;
    handle.stop();
    let node = handle.ended().await.unwrap();
    assert!(node.seen.contains(&"upgraded /push/?a=b".to_owned()));
    // The first client just went; the node closed the second itself.
    let closes = node.seen.iter().filter(|it| it.starts_with("closed"));
    assert_eq!(closes.count(), 1, "{:?}", node.seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_at_the_bound_is_carried_and_a_longer_one_ends_the_socket() {
    let (mut handle, addresses) = echo();
    client(&addresses, |address| {
        let mut socket = Socket::open(&address, "/push/", "");
        socket.hear();
        let most = "x".repeat(limits::PUSH_SOCKET_OCTETS);
        socket.say(&most);
        assert_eq!(socket.hear(), most);
        socket.say(&format!("{most}x"));
        assert_eq!(socket.ended(), Some(1009));
        let mut socket = Socket::open(&address, "/push/", "");
        socket.hear();
        socket.send(Message::Binary(vec![1].into()));
        assert_eq!(socket.ended(), Some(1003));
    })
    .await;
    handle.stop();
    handle.ended().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_closes_sockets() {
    let (mut handle, addresses) = echo();
    let mut socket = client(&addresses, |address| {
        let mut socket = Socket::open(&address, "/push/", "");
        socket.hear();
        socket
    })
    .await;
    handle.stop();
    handle.ended().await.unwrap();
    let code = spawn_blocking(move || socket.ended()).await.unwrap();
    assert_eq!(code, Some(1000));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_proper_opening_is_answered_as_http() {
    let (mut handle, addresses) = echo();
    client(&addresses, |address| {
        // Elsewhere it is a request like any other, which the node answers.
        let (_, head) = ask(&address, "/elsewhere", "");
        assert!(!head.starts_with("HTTP/1.1 101 "), "{head}");
        let (_, head) = ask(&address, "/push/", "Origin: http://evil.example\r\n");
        assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
        let origin = format!("Origin: ws://{address}/push/\r\n");
        let (_, head) = ask(&address, "/push/", &origin);
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    })
    .await;
    handle.stop();
    handle.ended().await.unwrap();
}
