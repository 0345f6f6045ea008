//! HTTP/2: by prior knowledge and by ALPN, as a server and as a client; what its bounds keep out.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use sirgate::driver::tls::Tls;
use sirgate::gateway::{Config, Gateway};
use sirgate::random::Random;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::client::{Connection, get, post};
use crate::node::{run, setup, stop, tcp, usual};

type Sender = SendRequest<Full<Bytes>>;

/// A client of HTTP/2 on that connection.
async fn two(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Sender {
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

async fn plain(address: SocketAddr) -> Sender {
    two(TcpStream::connect(address).await.unwrap()).await
}

fn request(url: &str, content_type: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let request = Request::post(url).header("content-type", content_type);
    request.body(Full::new(body.into())).unwrap()
}

async fn read(response: Response<Incoming>) -> (u16, String) {
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn ask(sender: &mut Sender, path: &str, body: impl Into<Bytes>) -> (u16, String) {
    let url = format!("http://localhost{path}");
    let response = sender.send_request(request(&url, "text/plain", body)).await;
    read(response.unwrap()).await
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_serves_many_requests_at_once_and_the_older_version_beside_them() {
    let (handle, addresses) = run(usual());
    let sender = plain(addresses.http[0]).await;
    let all = (0..200).map(|number| {
        let mut sender = sender.clone();
        tokio::spawn(async move { ask(&mut sender, "/echo", format!("number {number}")).await })
    });
    let all: Vec<_> = all.collect();
    assert_eq!(post(addresses.http[0], "/echo", "old").await.body, "old");
    for (number, one) in all.into_iter().enumerate() {
        assert_eq!(one.await.unwrap(), (200, format!("number {number}")));
    }
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_submission_is_answered_over_both_versions() {
    let mut own = setup();
    own.http.push(tcp());
    let gateway = Gateway::new(Config::default(), Random::from_number(1));
    let mut handle = sirgate::driver::start(gateway, own).unwrap();
    let address = handle.addresses().http[0];
    let pap = |push: &str| {
        format!(
            "--b\r\nContent-Type: application/xml\r\n\r\n<?xml version=\"1.0\"?>\
             <!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 2.0//EN\" \"http://www.wapforum.org/DTD/pap_2.0.dtd\">\
             <pap><push-message push-id=\"{push}\"><address address-value=\"WAPPUSH=nobody%40example.com/TYPE=USER@ppg.example.com\"/>\
             </push-message></pap>\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n"
        )
    };
    let content_type = "multipart/related; boundary=b; type=\"application/xml\"";
    let body = pap("p1");
    let mut connection = Connection::to(address).await;
    let head = format!(
        "POST /pap HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    connection.send(format!("{head}{body}").as_bytes()).await;
    let one = connection.answer().await;
    let mut sender = plain(address).await;
    let url = "http://localhost/pap";
    let response = sender
        .send_request(request(url, content_type, pap("p2")))
        .await;
    let (status, two) = read(response.unwrap()).await;
    assert_eq!((one.status, status), (202, 202));
    let code = |text: &str| {
        let (_, rest) = text.split_once("code=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    assert_eq!(code(&one.body), code(&two));
    assert!(two.contains("push-id=\"p2\""), "{two}");
    handle.stop();
    handle.ended().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_the_client_says_which_versions_it_speaks() {
    let (tls, pem) = Tls::default().serve_self_signed(&["localhost"]).unwrap();
    let mut own = usual();
    own.tls = tls;
    own.https.push(tcp());
    let (handle, addresses) = run(own);
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
        .unwrap();
    for (offered, chosen) in [
        (vec![&b"h2"[..], b"http/1.1"], Some(&b"h2"[..])),
        (vec![b"http/1.1"], Some(b"http/1.1")),
        (vec![], None),
    ] {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
        let tcp = TcpStream::connect(addresses.https[0]).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let mut stream = connector.connect(name, tcp).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), chosen);
        if chosen == Some(b"h2") {
            let mut sender = two(stream).await;
            assert_eq!(
                ask(&mut sender, "/echo", "new").await,
                (200, "new".to_owned())
            );
        } else {
            let octets = "POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 3\r\n\r\nold";
            stream.write_all(octets.as_bytes()).await.unwrap();
            let mut got = Vec::new();
            let _ = stream.read_to_end(&mut got).await;
            let got = String::from_utf8(got).unwrap();
            assert!(
                got.starts_with("HTTP/1.1 200") && got.ends_with("old"),
                "{got}"
            );
        }
    }
    stop(handle).await;
}

/// A server in TLS that speaks these versions and answers which one was used; with its port.
async fn server_of(versions: &[&str], tls: (CertificateDer<'static>, Vec<u8>)) -> u16 {
    let (certificate, key) = tls;
    let key = PrivatePkcs8KeyDer::from(key);
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())
        .unwrap();
    config.alpn_protocols = versions
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(tcp).await else {
                continue;
            };
            let is_two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let service = service_fn(|request: Request<Incoming>| async move {
                let said = format!("{:?}", request.version());
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(said))))
            });
            let io = TokioIo::new(stream);
            if is_two {
                let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                tokio::spawn(builder.serve_connection(io, service));
            } else {
                let builder = hyper::server::conn::http1::Builder::new();
                tokio::spawn(builder.serve_connection(io, service));
            }
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_over_tls_takes_the_newest_version_that_the_server_speaks() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), made.cert.pem()).unwrap();
    let mut own = usual();
    own.tls = Tls::default().trust_file(file.path()).unwrap();
    let (handle, addresses) = run(own);
    for (versions, expected) in [
        (&["h2", "http/1.1"][..], "200 HTTP/2.0"),
        (&["http/1.1"], "200 HTTP/1.1"),
        (&[], "200 HTTP/1.1"),
    ] {
        let own = (made.cert.der().clone(), made.signing_key.serialize_der());
        let url = format!("https://localhost:{}/", server_of(versions, own).await);
        for _ in 0..2 {
            let got = post(addresses.http[0], "/fetch", &url).await;
            assert_eq!(got.body, expected, "{versions:?}");
        }
    }
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_and_heads_have_the_bounds_of_the_older_version() {
    let mut own = usual();
    own.limits.http_body_octets = 1_000;
    let (handle, addresses) = run(own);
    let mut sender = plain(addresses.http[0]).await;
    let full = "x".repeat(1_000);
    assert_eq!(ask(&mut sender, "/echo", full.clone()).await, (200, full));
    assert_eq!(ask(&mut sender, "/echo", "x".repeat(1_001)).await.0, 413);
    let mut many = request("http://localhost/echo", "text/plain", "");
    for number in 0..100 {
        let name = format!("a{number}")
            .parse::<hyper::header::HeaderName>()
            .unwrap();
        many.headers_mut().insert(name, "b".parse().unwrap());
    }
    let many = sender.send_request(many).await.unwrap();
    assert_eq!(many.status().as_u16(), 431);
    let mut long = request("http://localhost/echo", "text/plain", "");
    long.headers_mut()
        .insert("a", "b".repeat(60_000).parse().unwrap());
    let long = sender.send_request(long).await.unwrap();
    assert_eq!(long.status().as_u16(), 431);
    let stranger = request("http://stranger.example/echo", "text/plain", "");
    let mut other = plain(addresses.http[0]).await;
    let stranger = other.send_request(stranger).await.unwrap();
    assert_eq!(stranger.status().as_u16(), 403);
    stop(handle).await;
}

/// A frame: type, flags, stream, payload.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut octets = length[1..].to_vec();
    octets.extend([kind, flags]);
    octets.extend(stream.to_be_bytes());
    octets.extend(payload);
    octets
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_back_request_after_request_is_cut_off_and_harms_nobody() {
    let (handle, addresses) = run(usual());
    let mut stream = TcpStream::connect(addresses.http[0]).await.unwrap();
    let mut octets = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    octets.extend(frame(4, 0, 0, &[]));
    // GET http://localhost/silent in the static table and literals of HPACK.
    let mut head = vec![0x82, 0x86, 0x04, 7];
    head.extend(b"/silent");
    head.extend([0x41, 9]);
    head.extend(b"localhost");
    for number in 0..2_000_u32 {
        let id = number * 2 + 1;
        octets.extend(frame(1, 0x05, id, &head));
        octets.extend(frame(3, 0, id, &8_u32.to_be_bytes()));
    }
    let _ = stream.write_all(&octets).await;
    let mut got = Vec::new();
    let _ = stream.read_to_end(&mut got).await;
    // A GOAWAY of ENHANCE_YOUR_CALM ends it; a reset may overtake it.
    let told = got.windows(4).any(|code| code == 11_u32.to_be_bytes());
    assert!(told || got.is_empty(), "{got:?}");
    assert_eq!(get(addresses.http[0], "/livez").await.status, 200);
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_says_nothing_or_asks_for_nothing_is_let_go_and_a_stream_stays() {
    let mut own = usual();
    own.limits.http_idle = Duration::from_millis(100);
    let (handle, addresses) = run(own);
    for beginning in [
        &b""[..],
        b"PRI * HTTP/2.0\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(addresses.http[0]).await.unwrap();
        stream.write_all(beginning).await.unwrap();
        let mut got = Vec::new();
        // It ends; the machine is shared, so no time is a bound here.
        let _ = stream.read_to_end(&mut got).await;
    }
    let mut sender = plain(addresses.http[0]).await;
    let feed = Request::get("http://localhost/api/v1/events?since=0");
    let feed = feed.body(Full::new(Bytes::new())).unwrap();
    let mut feed = sender.send_request(feed).await.unwrap().into_body();
    tokio::time::sleep(Duration::from_millis(400)).await;
    post(addresses.http[0], "/event", "C7").await;
    let mut seen = String::new();
    while !seen.contains("C7") {
        let part = feed.frame().await.expect("the stream is open").unwrap();
        seen.push_str(&String::from_utf8_lossy(part.data_ref().unwrap()));
    }
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_do_not_fit_together_wait_for_one_another() {
    let mut own = usual();
    own.limits.http_body_octets = 100_000;
    let (handle, addresses) = run(own);
    let sender = plain(addresses.http[0]).await;
    let body = "x".repeat(100_000);
    let all = (0..10).map(|_| {
        let (mut sender, body) = (sender.clone(), body.clone());
        tokio::spawn(async move { ask(&mut sender, "/echo", body).await })
    });
    for one in all.collect::<Vec<_>>() {
        assert_eq!(one.await.unwrap(), (200, body.clone()));
    }
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_of_an_answer_is_let_go() {
    let mut own = usual();
    own.limits.http_idle = Duration::from_millis(100);
    let (handle, addresses) = run(own);
    let stream = TcpStream::connect(addresses.http[0]).await.unwrap();
    let mut builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(0);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let live = Request::get("http://localhost/livez");
    let live = live.body(Full::new(Bytes::new())).unwrap();
    let answer = sender.send_request(live).await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    // The window stays closed and the answer is kept: the server ends the connection.
    let _ = connection.await.unwrap();
    drop(answer);
    stop(handle).await;
}
