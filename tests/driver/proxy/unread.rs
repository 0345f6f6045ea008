//! What is unread comes from a gateway over its API, or from a store in the process, and never keeps a site waiting.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use sirgate::codec::site_message::Stamp;
use sirgate::driver::piggyback::{Commit, Settings as Riding, UnreadSource};
use sirgate::driver::proxy::{ApiSource, Figures, Gateway};
use sirgate::driver::tls::Tls;
use tokio::net::TcpListener;
use tokio::sync::Barrier;

use super::{ALICE, ASKS, Layer, Proxy, RawSite, Store, get, page, row};

/// What a gateway of the test does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Works,
    Silent,
    Fails,
    Talks,
}

/// A gateway with the two routes of its API, over a store.
#[derive(Clone)]
struct Api {
    at: SocketAddr,
    store: Store,
    mood: Arc<Mutex<Mood>>,
    /// Method, target and authorization of each request.
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

impl Api {
    async fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = Self {
            at: listener.local_addr().unwrap(),
            store: Store::default(),
            mood: Arc::new(Mutex::new(mood)),
            asked: Arc::default(),
        };
        let own = api.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let own = own.clone();
                let service = service_fn(move |request| own.clone().answer(request));
                let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(serving);
            }
        });
        api
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let authorization = request.headers().get("authorization");
        let authorization = authorization
            .map_or("", |it| it.to_str().unwrap())
            .to_owned();
        let row = format!("{} {}", request.method(), request.uri());
        self.asked.lock().unwrap().push((row, authorization));
        let path = request.uri().path().to_owned();
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let mood = *self.mood.lock().unwrap();
        let text = match mood {
            Mood::Silent => std::future::pending().await,
            Mood::Fails => {
                let mut response = Response::new(Full::default());
                *response.status_mut() = hyper::StatusCode::SERVICE_UNAVAILABLE;
                return Ok(response);
            }
            Mood::Talks => "<html>".to_owned(),
            Mood::Works => {
                let rest = path.strip_prefix("/api/v1/accounts/").unwrap();
                let (user, what) = rest.split_once('/').unwrap();
                if what == "unread" {
                    serde_json::to_string(&self.store.stamp(user)).unwrap()
                } else {
                    let upto: serde_json::Value = serde_json::from_slice(&body).unwrap();
                    self.store.offer(user, upto["upto"].as_u64().unwrap());
                    "{}".to_owned()
                }
            }
        };
        Ok(Response::new(Full::new(text.into())))
    }

    fn source(&self, figures: &Arc<Figures>, change: impl FnOnce(&mut Gateway)) -> ApiSource {
        let mut gateway = Gateway::new(format!("http://{}", self.at).parse().unwrap());
        change(&mut gateway);
        ApiSource::new(gateway, &Tls::default(), figures.clone()).unwrap()
    }

    /// A proxy that asks it.
    async fn before(
        &self,
        site: SocketAddr,
        riding: Layer,
        change: impl FnOnce(&mut Gateway),
    ) -> Proxy {
        let figures = Arc::default();
        let source = self.source(&figures, change);
        Proxy::with_figures(site, source, riding, |_| {}, figures).await
    }

    fn asked(&self, row: &str) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(own, _)| own == row).count()
    }
}

const QUESTION: &str = "GET /api/v1/accounts/alice/unread?items=10";
const OFFER: &str = "POST /api/v1/accounts/alice/offered";

fn site() -> impl Future<Output = RawSite> {
    RawSite::start(|_| page("", "x"))
}

fn seen(upto: &'static str) -> [(&'static str, &'static str); 2] {
    [ALICE, ("Sirgate-Piggyback", upto)]
}

/// A site that waits a little for its gateway, as the command does.
fn riding() -> Layer {
    Layer {
        patience: Some(Duration::from_secs(5)),
        ..Layer::default()
    }
}

#[tokio::test]
async fn r4_7_r4_13_r4_41_the_store_may_be_in_the_process_or_behind_a_gateway() {
    let site = site().await;
    let (own, api) = (Store::default(), Api::start(Mood::Works).await);
    let inside = Proxy::start(site.at, own.clone(), riding(), |_| {}).await;
    let outside = api.before(site.at, riding(), |_| {}).await;
    for (store, proxy) in [(own, inside), (api.store.clone(), outside)] {
        store.put("alice", "one");
        store.put("bob", "not for alice");
        assert_eq!(
            get(proxy.at, "/", &seen("1;seen=0")).await.unread(),
            Some((1, 1))
        );
        assert_eq!(
            get(proxy.at, "/", &seen("1;seen=1")).await.unread(),
            Some((0, 1))
        );
        store.put("alice", "two");
        assert_eq!(
            get(proxy.at, "/", &seen("1;seen=1")).await.unread(),
            Some((1, 2))
        );
        assert_eq!((store.asked(), proxy.stamped()), (3, 3));
    }
    // What was seen is told to the gateway once, not with every request.
    assert_eq!(api.asked(OFFER), 1);
    assert_eq!(api.asked(QUESTION), 3);
}

#[tokio::test]
async fn r4_1_r4_5_only_a_request_that_bears_an_identity_is_looked_at() {
    let (site, store) = (site().await, Store::default());
    store.put("alice", "one");
    let proxy = Proxy::start(site.at, store.clone(), riding(), |_| {}).await;
    for rows in [&[][..], &[ASKS], &[ALICE]] {
        assert_eq!(get(proxy.at, "/", rows).await.unread(), None);
    }
    assert_eq!(store.asked(), 0);
    assert_eq!(
        get(proxy.at, "/", &[ALICE, ASKS]).await.unread(),
        Some((1, 1))
    );
    assert_eq!(store.asked(), 1);
}

/// A source that answers when the site is at work.
struct Together(Arc<Barrier>);

impl UnreadSource for Together {
    async fn peek(&self, _: &str) -> Option<Stamp> {
        self.0.wait().await;
        Some(Stamp {
            new: 1,
            ..Stamp::default()
        })
    }

    async fn offered(&self, _: &str, _: u64) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r4_6_r4_42_the_question_runs_beside_the_work_of_the_site() {
    let meeting = Arc::new(Barrier::new(2));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let site = listener.local_addr().unwrap();
    let own = meeting.clone();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let service = service_fn(move |_| {
            let own = own.clone();
            async move {
                // Neither of both could answer if one were asked after the other.
                own.wait().await;
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("x"))))
            }
        });
        let _ = http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await;
    });
    let proxy = Proxy::start(site, Together(meeting), Riding::default(), |_| {}).await;
    let answer = get(proxy.at, "/", &[ALICE, ASKS]).await;
    assert_eq!((answer.status(), answer.unread()), (200, Some((1, 0))));
}

#[tokio::test]
async fn r4_18_r4_20_the_site_sees_as_many_requests_and_connections_as_without() {
    let (plain, riding_along) = (site().await, site().await);
    let store = Store::default();
    store.put("alice", "one");
    let without = Proxy::plain(plain.at).await;
    let with = Proxy::start(riding_along.at, store, riding(), |_| {}).await;
    for _ in 0..4 {
        get(without.at, "/", &[]).await;
        assert_eq!(
            get(with.at, "/", &[ALICE, ASKS]).await.unread(),
            Some((1, 1))
        );
    }
    assert_eq!(plain.heads().len(), riding_along.heads().len());
    let connections = |site: &RawSite| *site.connections.lock().unwrap();
    assert_eq!(connections(&plain), connections(&riding_along));
}

#[tokio::test]
async fn a_gateway_that_is_down_harms_no_response_and_is_left_alone_for_a_while() {
    let site = site().await;
    for mood in [Mood::Fails, Mood::Talks] {
        let api = Api::start(mood).await;
        let proxy = api
            .before(site.at, riding(), |it| it.rest = Duration::from_secs(600))
            .await;
        for _ in 0..20 {
            let answer = get(proxy.at, "/", &[ALICE, ASKS]).await;
            assert_eq!((answer.status(), answer.unread()), (200, None));
            assert_eq!(answer.rest, b"x");
        }
        assert_eq!(api.asked(QUESTION), 1, "{mood:?}");
        let text = proxy.figures.text();
        assert!(
            text.contains("sirgate_proxy_gateway_failed_total 1\n"),
            "{text}"
        );
        assert!(
            text.contains("sirgate_proxy_gateway_spared_total 19\n"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn the_site_waits_for_no_gateway_that_says_nothing() {
    let (site, api) = (site().await, Api::start(Mood::Silent).await);
    let brief = Layer {
        patience: Some(Duration::from_millis(5)),
        ..Layer::default()
    };
    // Its answers never come: without the bound none of these would end.
    let proxy = api
        .before(site.at, brief, |it| it.answer = Duration::from_secs(600))
        .await;
    for _ in 0..3 {
        let answer = get(proxy.at, "/", &[ALICE, ASKS]).await;
        assert_eq!((answer.status(), answer.unread()), (200, None));
    }
    assert_eq!(api.asked(QUESTION), 3);
}

#[tokio::test]
async fn a_gateway_that_works_again_is_asked_again() {
    let (site, api) = (site().await, Api::start(Mood::Fails).await);
    api.store.put("alice", "one");
    let proxy = api
        .before(site.at, riding(), |it| it.rest = Duration::from_millis(20))
        .await;
    assert_eq!(get(proxy.at, "/", &[ALICE, ASKS]).await.unread(), None);
    *api.mood.lock().unwrap() = Mood::Works;
    let mut unread = None;
    while unread.is_none() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        unread = get(proxy.at, "/", &[ALICE, ASKS]).await.unread();
    }
    assert_eq!(unread, Some((1, 1)));
}

#[tokio::test]
async fn the_gateway_is_shown_who_asks_and_names_are_escaped() {
    let (site, api) = (site().await, Api::start(Mood::Works).await);
    let proxy = api
        .before(site.at, riding(), |it| {
            it.authorization = Some("Basic eDp5".to_owned())
        })
        .await;
    get(
        proxy.at,
        "/",
        &[("X-User", "sip:a/b?c=d e@example.com"), ASKS],
    )
    .await;
    let asked = api.asked.lock().unwrap().clone();
    let expected = "GET /api/v1/accounts/sip%3Aa%2Fb%3Fc%3Dd%20e%40example.com/unread?items=10";
    assert_eq!(asked, [(expected.to_owned(), "Basic eDp5".to_owned())]);
}

#[tokio::test]
async fn r4_23_sent_is_offered_where_that_is_wanted() {
    let (site, api) = (site().await, Api::start(Mood::Works).await);
    api.store.put("alice", "one");
    let mut send = riding();
    send.riding.commit = Commit::Send;
    let proxy = api.before(site.at, send, |_| {}).await;
    assert_eq!(
        get(proxy.at, "/", &[ALICE, ASKS]).await.unread(),
        Some((1, 1))
    );
    assert_eq!(
        get(proxy.at, "/", &[ALICE, ASKS]).await.unread(),
        Some((0, 1))
    );
    assert_eq!(api.asked(OFFER), 1);
}

#[tokio::test]
async fn r4_25_what_a_shared_cache_could_keep_names_the_header_as_one_users() {
    let store = Store::default();
    store.put("alice", "one");
    for (own, expected) in [
        ("", Some("private=\"sirgate-unread\"")),
        ("Cache-Control: no-store\r\n", Some("no-store")),
        ("Cache-Control: private\r\n", Some("private")),
        (
            "Cache-Control: max-age=60\r\n",
            Some("max-age=60|private=\"sirgate-unread\""),
        ),
    ] {
        let site = RawSite::start(move |_| page(own, "x")).await;
        let proxy = Proxy::start(site.at, store.clone(), riding(), |_| {}).await;
        let answer = get(proxy.at, "/", &[ALICE, ASKS]).await;
        assert!(answer.unread().is_some());
        let rows = answer
            .head
            .split("\r\n")
            .filter_map(|it| row(it, "cache-control"));
        let all: Vec<String> = rows.collect();
        assert_eq!(all.join("|"), expected.unwrap_or_default());
        // Without a stamp nothing is said.
        let plain = get(proxy.at, "/", &[]).await;
        assert!(!plain.head.contains("sirgate-unread"), "{}", plain.head);
    }
}
