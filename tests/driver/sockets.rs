//! Datagrams and links.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use sirgate::driver::tls::Tls;
use sirgate::driver::{DriverError, Setup, udp};
use sirgate::event::Filter;
use sirgate::world::{ListenerId, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::post;
use crate::node::{Echo, loopback, run, setup, stop, tcp, usual};

const LONG: Duration = Duration::from_secs(20);

async fn read_exactly(stream: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut octets = vec![0; count];
    timeout(LONG, stream.read_exact(&mut octets))
        .await
        .unwrap()
        .unwrap();
    octets
}

async fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut octets = Vec::new();
    let _ = timeout(LONG, stream.read_to_end(&mut octets))
        .await
        .unwrap();
    octets
}

#[tokio::test(flavor = "multi_thread")]
async fn a_datagram_comes_back() {
    let (handle, addresses) = run(usual());
    let socket = tokio::net::UdpSocket::bind(loopback()).await.unwrap();
    for octets in [&b"hello"[..], &[7; 60_000], b""] {
        socket.send_to(octets, addresses.udp[0]).await.unwrap();
        let mut got = vec![0; 65_536];
        let (count, peer) = timeout(LONG, socket.recv_from(&mut got))
            .await
            .unwrap()
            .unwrap();
        assert_eq!((&got[..count], peer), (octets, addresses.udp[0]));
    }
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_is_gone_does_no_harm() {
    let (handle, addresses) = run(usual());
    for _ in 0..3 {
        // Gone before the echo arrives, so that the network says port unreachable.
        let socket = UdpSocket::bind(loopback()).unwrap();
        socket.send_to(b"x", addresses.udp[0]).unwrap();
        drop(socket);
    }
    let socket = tokio::net::UdpSocket::bind(loopback()).await.unwrap();
    socket.send_to(b"hello", addresses.udp[0]).await.unwrap();
    let mut got = [0; 16];
    let (count, _) = timeout(LONG, socket.recv_from(&mut got))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&got[..count], b"hello");
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_sockets_belong_to_one_node() {
    let mut setup = setup();
    for _ in 0..2_000 {
        setup.udp.push(udp::bind(loopback(), None).unwrap());
    }
    let (handle, addresses) = run(setup);
    let client = tokio::net::UdpSocket::bind(loopback()).await.unwrap();
    let mut left: std::collections::BTreeSet<SocketAddr> = addresses.udp.iter().copied().collect();
    for (number, address) in addresses.udp.iter().enumerate() {
        client
            .send_to(&number.to_be_bytes(), address)
            .await
            .unwrap();
        let mut got = [0; 16];
        let (count, peer) = timeout(LONG, client.recv_from(&mut got))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(&got[..count], number.to_be_bytes());
        assert_eq!(peer, *address);
        left.remove(&peer);
    }
    assert!(left.is_empty());
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_cut_anywhere_is_the_same_stream() {
    let (handle, addresses) = run(usual());
    let mut stream = TcpStream::connect(addresses.listeners[0].2).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let text: Vec<u8> = (0..=255).cycle().take(2_000).collect();
    for octet in &text {
        stream.write_all(&[*octet]).await.unwrap();
    }
    assert_eq!(read_exactly(&mut stream, text.len()).await, text);
    for part in text.chunks(333) {
        stream.write_all(part).await.unwrap();
        assert_eq!(read_exactly(&mut stream, part.len()).await, part);
    }
    drop(stream);
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_octets_pass_both_ways_at_once() {
    let (handle, addresses) = run(usual());
    let stream = TcpStream::connect(addresses.listeners[0].2).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let sent: Vec<u8> = (0..16_u32 << 20).map(|n| (n % 251) as u8).collect();
    let wanted = sent.clone();
    let writing = tokio::spawn(async move {
        writer.write_all(&sent).await.unwrap();
        writer
    });
    let mut got = vec![0; wanted.len()];
    timeout(LONG, reader.read_exact(&mut got))
        .await
        .unwrap()
        .unwrap();
    assert!(got == wanted);
    drop(writing.await.unwrap());
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_closes_after_what_was_given_to_it_has_left() {
    let (handle, addresses) = run(usual());
    let mut stream = TcpStream::connect(addresses.listeners[0].2).await.unwrap();
    stream.write_all(b"good bye").await.unwrap();
    assert_eq!(read_to_end(&mut stream).await, b"good bye");
    // What comes after the node closed is not told to it.
    let _ = stream.write_all(b"more").await;
    drop(stream);
    let node = stop(handle).await;
    assert_eq!(node.seen, ["opened TCP", "close"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_reads_nothing_is_cut_off() {
    let setup = usual();
    let journal = setup.journal.clone();
    let (handle, addresses) = run(setup);
    let mut stream = TcpStream::connect(addresses.listeners[0].2).await.unwrap();
    let mut news = journal.watch();
    stream.write_all(b"flood").await.unwrap();
    let wanted: Filter = "msg.tx".parse().unwrap();
    let is_cut = async {
        while !journal
            .events()
            .iter()
            .filter(|event| wanted.matches(event))
            .any(|event| format!("{event:?}").contains("closed Broken"))
        {
            news.changed().await.unwrap();
        }
    };
    timeout(LONG, is_cut).await.unwrap();
    assert!(read_to_end(&mut stream).await.len() < 32 << 20);
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn octets_given_before_a_link_is_up_arrive_in_order() {
    let (handle, addresses) = run(usual());
    let target = addresses.listeners[0].2.to_string();
    let got = post(addresses.http[0], "/connect/tcp", &target).await;
    assert_eq!(got.body, "Peer one two bye");
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_nobody_takes_is_refused() {
    let (handle, addresses) = run(usual());
    let nobody = {
        let listener = tcp();
        listener.local_addr().unwrap().to_string()
    };
    let got = post(addresses.http[0], "/connect/tcp", &nobody).await;
    assert_eq!(got.body, "Refused ");
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_beyond_the_limit_is_closed_at_once() {
    let mut setup = usual();
    setup.limits.links = 2;
    let (handle, addresses) = run(setup);
    let address = addresses.listeners[0].2;
    let mut links = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"hi").await.unwrap();
        assert_eq!(read_exactly(&mut stream, 2).await, b"hi");
        links.push(stream);
    }
    let mut third = TcpStream::connect(address).await.unwrap();
    assert_eq!(read_to_end(&mut third).await, b"");
    let got = post(addresses.http[0], "/connect/tcp", &address.to_string()).await;
    assert_eq!(got.body, "Refused ");
    drop(links);
    stop(handle).await;
}

/// A node with a TLS listener whose certificate is for `localhost`, and the PEM text of that certificate.
fn with_tls(trust: impl FnOnce(Tls, &str) -> Tls) -> Setup {
    let mut setup = usual();
    let (tls, pem) = Tls::default()
        .serve_self_signed(&["localhost", "127.0.0.1"])
        .unwrap();
    setup.tls = trust(tls, &pem);
    setup.listeners.push((ListenerId(1), Transport::Tls, tcp()));
    setup
}

fn trust_pem(tls: Tls, pem: &str) -> Tls {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pem).unwrap();
    tls.trust_file(file.path()).unwrap()
}

async fn connect_tls(setup: Setup, name: &str) -> (String, Echo) {
    let (handle, addresses) = run(setup);
    let target = addresses.listeners[1].2.to_string();
    let got = post(addresses.http[0], &format!("/connect/tls{name}"), &target).await;
    (got.body, stop(handle).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_carries_octets_when_the_certificate_is_trusted() {
    let (got, node) = connect_tls(with_tls(trust_pem), "/localhost").await;
    assert_eq!(got, "Peer one two bye");
    assert!(node.seen.contains(&"opened TLS".to_owned()));
    // Without a name the certificate must be valid for the address.
    let (got, _) = connect_tls(with_tls(trust_pem), "").await;
    assert_eq!(got, "Peer one two bye");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_to_another_name_or_without_trust_is_refused() {
    let (got, node) = connect_tls(with_tls(trust_pem), "/other.example").await;
    assert_eq!(got, "Refused ");
    assert_eq!(node.seen, ["closed Refused"]);
    let (got, _) = connect_tls(with_tls(|tls, _| tls), "/localhost").await;
    assert_eq!(got, "Refused ");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_on_loopback_may_be_trusted_as_it_is() {
    let setup = with_tls(|tls, _| tls.trust_loopback().unwrap());
    let (got, _) = connect_tls(setup, "/other.example").await;
    assert_eq!(got, "Peer one two bye");
}

#[tokio::test(flavor = "multi_thread")]
async fn octets_that_are_no_handshake_open_no_link() {
    let (handle, addresses) = run(with_tls(trust_pem));
    let mut stream = TcpStream::connect(addresses.listeners[1].2).await.unwrap();
    stream
        .write_all(b"OPTIONS sip:x SIP/2.0\r\n\r\n")
        .await
        .unwrap();
    read_to_end(&mut stream).await;
    assert_eq!(stop(handle).await.seen, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_panics_ends_the_run_with_an_error() {
    struct Faulty;
    impl sirgate::machine::Machine for Faulty {
        type Input = sirgate::world::Input;
        type Output = sirgate::world::Output;
        fn handle(&mut self, _: sirgate::time::Time, _: Self::Input, _: &mut Vec<Self::Output>) {
            unreachable!("by design");
        }
        fn expire(&mut self, _: sirgate::time::Time, _: &mut Vec<Self::Output>) {}
        fn deadline(&self) -> Option<sirgate::time::Time> {
            None
        }
    }
    let setup = usual();
    let address = setup.udp[0].local_addr().unwrap();
    let running = tokio::spawn(sirgate::driver::run(Faulty, setup, std::future::pending()));
    let socket = UdpSocket::bind(loopback()).unwrap();
    socket.send_to(b"x", address).unwrap();
    let ended = timeout(LONG, running).await.unwrap().unwrap();
    assert!(matches!(ended, Err(DriverError::Node(_))));
}
