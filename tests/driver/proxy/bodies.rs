//! Bodies in both directions, octet by octet, before a site of hyper.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::HeaderMap;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use sirgate::driver::piggyback::Settings as Riding;
use tokio::net::TcpListener;

use super::{Proxy, Store};

type Body = BoxBody<Bytes, Infallible>;

/// Octets that look like nothing in particular.
fn noise(count: usize) -> Bytes {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let octets = (0..count).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    });
    octets.collect()
}

fn full(octets: impl Into<Bytes>) -> Body {
    Full::new(octets.into()).boxed()
}

/// A body in parts, with trailers behind it.
fn parts(octets: &Bytes, size: usize, trailers: Option<HeaderMap>) -> Body {
    let chunks = octets
        .chunks(size)
        .map(|it| Frame::data(octets.slice_ref(it)));
    let frames: Vec<_> = chunks
        .chain(trailers.map(Frame::trailers))
        .map(Ok)
        .collect();
    BodyExt::boxed(StreamBody::new(stream::iter(frames)))
}

fn trailers(digest: &'static str) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-digest", digest.parse().unwrap());
    trailers
}

const MANY: usize = 8 << 20;

/// What the site answers to each path.
async fn answer(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    let mut builder = Response::builder().header("cache-control", "no-store");
    let body = match head.uri.path() {
        "/empty" => full(""),
        "/text" => full("Grüße"),
        "/binary" => full((0..=255).cycle().take(70_000).collect::<Vec<u8>>()),
        "/large" => full(noise(MANY)),
        "/chunked" => parts(&noise(300_000), 7_001, None),
        "/trailers" => {
            builder = builder.header("trailer", "x-digest");
            parts(&noise(9_000), 1_000, Some(trailers("abc")))
        }
        "/none" => {
            builder = builder.status(204);
            full("")
        }
        "/same" => {
            builder = builder.status(304).header("etag", "\"7\"");
            full("")
        }
        "/part" => {
            builder = builder.status(206).header("content-range", "bytes 2-4/9");
            full("cde")
        }
        "/gzip" => {
            builder = builder.header("content-encoding", "gzip");
            full(vec![0x1f, 0x8b, 8, 0, 0xff])
        }
        // What came, and its trailers, come back.
        _ => {
            let got = body.collect().await.unwrap();
            let digest = got.trailers().and_then(|it| it.get("x-digest").cloned());
            if let Some(digest) = digest {
                builder = builder.header("x-got", digest);
            }
            full(got.to_bytes())
        }
    };
    let body = if head.method == Method::HEAD {
        builder = builder.header("content-length", "12345");
        full("")
    } else {
        body
    };
    Ok(builder.body(body).unwrap())
}

async fn site() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let serving =
                http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
            tokio::spawn(serving);
        }
    });
    at
}

type Asker = Client<hyper_util::client::legacy::connect::HttpConnector, Body>;

/// Status, rows without those of the connection and of time, body and trailers.
async fn ask(
    client: &Asker,
    request: Request<Body>,
) -> (u16, Vec<String>, Bytes, Option<HeaderMap>) {
    let response = client.request(request).await.unwrap();
    let status = response.status().as_u16();
    let rows = response.headers().iter();
    let mut rows: Vec<String> = rows
        .filter(|(name, _)| !["date", "sirgate-unread"].contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    rows.sort();
    let body = response.into_body().collect().await.unwrap();
    let trailers = body.trailers().cloned();
    (status, rows, body.to_bytes(), trailers)
}

fn request(at: SocketAddr, method: &str, path: &str, body: Body) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(format!("http://{at}{path}"))
        .header("te", "trailers")
        .header("x-user", "alice")
        .header("sirgate-piggyback", "1;seen=0")
        .body(body)
        .unwrap()
}

async fn with_one_message(site: SocketAddr) -> Proxy {
    let store = Store::default();
    store.put("alice", "one");
    Proxy::start(site, store, Riding::default(), |_| {}).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r4_3_r4_19_every_kind_of_response_comes_as_it_is_and_bears_the_header() {
    let site = site().await;
    let proxy = with_one_message(site).await;
    let client: Asker = Client::builder(TokioExecutor::new()).build_http();
    let mut stamped = 0;
    for (method, path) in [
        ("GET", "/empty"),
        ("GET", "/text"),
        ("POST", "/binary"),
        ("GET", "/large"),
        ("PUT", "/chunked"),
        ("GET", "/trailers"),
        ("DELETE", "/none"),
        ("GET", "/same"),
        ("GET", "/part"),
        ("GET", "/gzip"),
        ("HEAD", "/text"),
        ("PATCH", "/echo"),
    ] {
        let direct = ask(&client, request(site, method, path, Empty::new().boxed())).await;
        let proxied = ask(
            &client,
            request(proxy.at, method, path, Empty::new().boxed()),
        )
        .await;
        assert_eq!(direct.0, proxied.0, "{method} {path}");
        assert_eq!(direct.1, proxied.1, "{method} {path}");
        assert!(direct.2 == proxied.2, "{method} {path}: the bodies differ");
        assert_eq!(direct.3, proxied.3, "{method} {path}");
        stamped += 1;
        assert_eq!(proxy.stamped(), stamped, "{method} {path}");
    }
    let last = ask(
        &client,
        request(proxy.at, "GET", "/trailers", Empty::new().boxed()),
    )
    .await;
    assert_eq!(last.3, Some(trailers("abc")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_of_requests_reach_the_site_as_they_are() {
    let site = site().await;
    let proxy = with_one_message(site).await;
    let client: Asker = Client::builder(TokioExecutor::new()).build_http();
    let large = noise(MANY);
    for (what, body) in [
        ("empty", full("")),
        ("of known length", full(large.clone())),
        ("in parts", parts(&large, 65_000, None)),
    ] {
        let expected = if what == "empty" {
            Bytes::new()
        } else {
            large.clone()
        };
        let (status, _, body, _) = ask(&client, request(proxy.at, "POST", "/echo", body)).await;
        assert_eq!(status, 200);
        assert!(body == expected, "{what}");
    }
    let mut trailing = request(
        proxy.at,
        "POST",
        "/echo",
        parts(&noise(3_000), 1_000, Some(trailers("xyz"))),
    );
    let named = "x-digest".parse().unwrap();
    trailing.headers_mut().insert("trailer", named);
    let (_, rows, body, _) = ask(&client, trailing).await;
    assert!(body == noise(3_000));
    assert!(rows.contains(&"x-got: xyz".to_owned()), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_is_passed_on_while_it_is_made() {
    let (tell, told) = tokio::sync::mpsc::channel::<Bytes>(1);
    let told = std::sync::Arc::new(tokio::sync::Mutex::new(Some(told)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let site = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let service = service_fn(move |_| {
            let told = told.clone();
            async move {
                let told = told.lock().await.take().unwrap();
                let frames = stream::unfold(told, |mut told| async move {
                    let octets = told.recv().await?;
                    Some((Ok::<_, Infallible>(Frame::data(octets)), told))
                });
                Ok::<_, Infallible>(Response::new(StreamBody::new(Box::pin(frames))))
            }
        });
        let _ = http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await;
    });
    let proxy = with_one_message(site).await;
    let client: Asker = Client::builder(TokioExecutor::new()).build_http();
    let response = client
        .request(request(proxy.at, "GET", "/events", Empty::new().boxed()))
        .await
        .unwrap();
    assert!(response.headers().contains_key("sirgate-unread"));
    let mut body = response.into_body();
    // Each part is here before the next one is made.
    for part in ["one", "two", "three"] {
        tell.send(Bytes::from(part)).await.unwrap();
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), part);
    }
    drop(tell);
    assert!(body.frame().await.is_none());
}
