//! A site with the layer around it, over the message store of the gateway.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::HeaderMap;
use hyper::http::request::Parts;
use hyper::{Request, Response};
use sirgate::codec::site_message::{ASKS, FORM, Item, Stamp, UNREAD};
use sirgate::driver::piggyback::{
    Commit, Form, Levels, Nothing, Piggyback, Settings, UnreadSource,
};
use sirgate::gateway::message::{Bounds, Draft, Messages, State};
use sirgate::time::Time;
use tower_service::Service;

const NOW: Time = Time::from_secs(1_000);

/// The message store, and how often it was asked to change something.
#[derive(Clone)]
struct Store(Arc<(Mutex<Messages>, AtomicUsize)>);

impl Store {
    fn new() -> Self {
        let messages = Messages::new(Bounds::default());
        Self(Arc::new((Mutex::new(messages), AtomicUsize::new(0))))
    }

    fn messages<T>(&self, with: impl FnOnce(&mut Messages) -> T) -> T {
        with(&mut self.0.0.lock().unwrap())
    }

    fn put(&self, account: &str, title: &str) -> u64 {
        let draft = Draft {
            app: "site".to_owned(),
            id: title.to_owned(),
            title: title.to_owned(),
            ..Draft::default()
        };
        self.messages(|it| it.put(NOW, account, draft, &|_| false).unwrap().seq)
    }

    fn writes(&self) -> usize {
        self.0.1.load(Ordering::Relaxed)
    }
}

impl UnreadSource for Store {
    async fn peek(&self, user: &str) -> Option<Stamp> {
        self.messages(|messages| {
            let unread = messages.unread(NOW, user, 16);
            let items = unread.items.iter().map(|it| Item {
                seq: it.seq,
                app: it.draft.app.clone(),
                title: it.draft.title.clone(),
                summary: it.draft.summary.clone(),
                new: it.state == State::Unoffered,
            });
            Some(Stamp {
                new: u32::try_from(unread.new).unwrap(),
                old: Some(u32::try_from(unread.old).unwrap()),
                seq: unread.seq,
                rev: unread.rev,
                items: items.collect(),
                more: u32::try_from(unread.more()).unwrap(),
            })
        })
    }

    async fn offered(&self, user: &str, upto: u64) {
        self.0.1.fetch_add(1, Ordering::Relaxed);
        self.messages(|messages| messages.offer(user, upto));
    }
}

/// A site that answers with the given rows and body, and notes what it was asked.
#[derive(Clone)]
struct Site {
    rows: Vec<(&'static str, &'static str)>,
    body: &'static [u8],
    asked: Arc<Mutex<Vec<HeaderMap>>>,
}

impl Site {
    fn new(rows: &[(&'static str, &'static str)], body: &'static [u8]) -> Self {
        Self {
            rows: rows.to_vec(),
            body,
            asked: Arc::default(),
        }
    }
}

impl Service<Request<()>> for Site {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        self.asked.lock().unwrap().push(request.headers().clone());
        let mut response = Response::new(Full::new(Bytes::from_static(self.body)));
        for (name, value) in &self.rows {
            let value = value.parse().unwrap();
            response.headers_mut().append(*name, value);
        }
        ready(Ok(response))
    }
}

/// What came of one request.
struct Got {
    headers: HeaderMap,
    body: Bytes,
}

impl Got {
    fn stamp(&self) -> Option<Stamp> {
        let value = self.headers.get(UNREAD)?;
        Some(Stamp::from_header(value.to_str().unwrap()).unwrap())
    }

    /// New ones, old ones, summaries.
    fn counts(&self) -> Option<(u32, Option<u32>, usize)> {
        let stamp = self.stamp()?;
        Some((stamp.new, stamp.old, stamp.items.len()))
    }
}

async fn ask(site: &Site, layer: &Piggyback<Store>, rows: &[(&str, &str)]) -> Got {
    let mut request = Request::get("/profile");
    for (name, value) in rows {
        request = request.header(*name, *value);
    }
    let mut stamped = layer.around(site.clone());
    let response = stamped.call(request.body(()).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    Got {
        headers: head.headers,
        body: body.collect().await.unwrap().to_bytes(),
    }
}

fn layer(store: &Store, settings: Settings) -> Piggyback<Store> {
    let user = |request: &Parts| {
        let user = request.headers.get("x-user")?;
        user.to_str().ok().map(str::to_owned)
    };
    Piggyback::new(store.clone(), user).with(settings)
}

const ALICE: (&str, &str) = ("x-user", "alice");
const HTML: (&str, &str) = ("content-type", "text/html");
const PAGE: &[u8] = b"<p>personal information</p>";

fn send() -> Settings {
    Settings {
        commit: Commit::Send,
        ..Settings::default()
    }
}

#[tokio::test]
async fn s4_1_three_requests_and_a_message_between_them() {
    let store = Store::new();
    for title in ["read", "gone", "old", "one", "two"] {
        store.put("alice", title);
    }
    store.messages(|it| {
        it.offer("alice", 3);
        it.read("alice", 1);
        it.delete("alice", 2);
    });
    let layer = layer(&store, send());
    let site = Site::new(&[HTML], PAGE);
    let a = ask(&site, &layer, &[ALICE, (ASKS, "1")]).await;
    assert_eq!(a.counts(), Some((2, Some(1), 3)));
    let b = ask(&site, &layer, &[ALICE, (ASKS, "1")]).await;
    assert_eq!(b.counts(), Some((0, Some(3), 3)));
    store.put("alice", "six");
    let c = ask(&site, &layer, &[ALICE, (ASKS, "1")]).await;
    assert_eq!(c.counts(), Some((1, Some(3), 4)));
    // The page takes each: none is older than the one before (R4.24).
    let revs = [a, b, c].map(|got| got.stamp().unwrap().rev);
    assert!(revs[0] < revs[1] && revs[1] < revs[2], "{revs:?}");
}

#[tokio::test]
async fn s4_2_r4_38_one_level_changes_nothing() {
    let store = Store::new();
    for title in ["old", "one", "two"] {
        store.put("alice", title);
    }
    store.messages(|it| it.offer("alice", 1));
    let settings = Settings {
        levels: Levels::One,
        ..send()
    };
    let layer = layer(&store, settings);
    let site = Site::new(&[HTML], PAGE);
    for new in [3, 3] {
        let got = ask(&site, &layer, &[ALICE, (ASKS, "1;seen=3")]).await;
        assert_eq!(got.counts(), Some((new, None, 3)));
    }
    store.put("alice", "three");
    let got = ask(&site, &layer, &[ALICE, (ASKS, "1")]).await;
    assert_eq!(got.counts(), Some((4, None, 4)));
    assert_eq!(store.writes(), 0);
}

#[tokio::test]
async fn r4_22_a_message_is_offered_when_the_client_says_that_it_has_seen_it() {
    let store = Store::new();
    store.put("alice", "one");
    let layer = layer(&store, Settings::default());
    let site = Site::new(&[HTML], PAGE);
    // The first response is cut on the way: the second says the same.
    for _ in 0..2 {
        let got = ask(&site, &layer, &[ALICE, (ASKS, "1;seen=0")]).await;
        assert_eq!(got.counts(), Some((1, Some(0), 1)));
    }
    assert_eq!(store.writes(), 0);
    let got = ask(&site, &layer, &[ALICE, (ASKS, "1;seen=1")]).await;
    assert_eq!(got.counts(), Some((0, Some(1), 1)));
}

#[tokio::test]
async fn r4_23_or_when_the_response_leaves() {
    let store = Store::new();
    store.put("alice", "one");
    let layer = layer(&store, send());
    let site = Site::new(&[HTML], PAGE);
    assert_eq!(
        ask(&site, &layer, &[ALICE, (ASKS, "1")]).await.counts(),
        Some((1, Some(0), 1))
    );
    // That response is cut on the way; its message counts as offered all the same.
    assert_eq!(
        ask(&site, &layer, &[ALICE, (ASKS, "1")]).await.counts(),
        Some((0, Some(1), 1))
    );
}

#[tokio::test]
async fn r4_5_without_an_identity_or_a_wish_the_response_stays_as_it_is() {
    let store = Store::new();
    store.put("alice", "one");
    let layer = layer(&store, send());
    let site = Site::new(&[HTML], PAGE);
    for rows in [&[(ASKS, "1")][..], &[ALICE], &[ALICE, (ASKS, "no")]] {
        let got = ask(&site, &layer, rows).await;
        assert_eq!(got.headers.len(), 1, "{:?}", got.headers);
        assert_eq!(got.body, PAGE);
    }
    assert_eq!(store.writes(), 0);
}

#[tokio::test]
async fn r4_8_a_user_sees_only_his_own() {
    let store = Store::new();
    store.put("bob", "not for alice");
    let layer = layer(&store, send());
    let site = Site::new(&[HTML], PAGE);
    let got = ask(&site, &layer, &[ALICE, (ASKS, "1")]).await;
    assert_eq!(got.stamp(), None);
    let got = ask(&site, &layer, &[("x-user", "bob"), (ASKS, "1")]).await;
    assert_eq!(got.stamp().unwrap().items[0].title, "not for alice");
}

#[tokio::test]
async fn r4_19_r4_2_neither_the_body_nor_what_the_site_is_asked_changes() {
    let store = Store::new();
    store.put("alice", "one");
    let layer = layer(&store, send());
    let site = Site::new(&[HTML, ("etag", "\"7\"")], PAGE);
    let got = ask(&site, &layer, &[ALICE, (ASKS, "1;seen=0")]).await;
    assert_eq!(got.body, PAGE);
    assert_eq!(got.headers["etag"], "\"7\"");
    let asked = site.asked.lock().unwrap();
    assert_eq!(asked.len(), 1);
    assert!(!asked[0].contains_key(ASKS));
}

#[tokio::test]
async fn r4_25_what_a_shared_cache_may_keep_bears_nothing() {
    let store = Store::new();
    store.put("alice", "one");
    let layer = layer(&store, send());
    for (directives, is_borne) in [
        ("public", false),
        ("Public, max-age=60", false),
        ("max-age=60, s-maxage=10", false),
        ("private, max-age=60", true),
        ("no-store", true),
    ] {
        let site = Site::new(&[HTML, ("cache-control", directives)], PAGE);
        let got = ask(&site, &layer, &[ALICE, (ASKS, "1")]).await;
        assert_eq!(got.stamp().is_some(), is_borne, "{directives}");
    }
}

#[tokio::test]
async fn r4_33_r4_34_that_there_is_nothing_can_be_said() {
    let settings = Settings {
        nothing: Nothing::Said,
        ..send()
    };
    let layer = layer(&Store::new(), settings);
    let site = Site::new(&[HTML], PAGE);
    let got = ask(&site, &layer, &[ALICE, (ASKS, "1")]).await;
    assert_eq!(got.counts(), Some((0, Some(0), 0)));
}

#[tokio::test]
async fn r4_35_r4_36_r4_44_or_not_be_said() {
    let layer = layer(&Store::new(), send());
    let site = Site::new(&[HTML], PAGE);
    let got = ask(&site, &layer, &[ALICE, (ASKS, "1")]).await;
    assert_eq!(got.stamp(), None);
}

#[tokio::test]
async fn a_json_body_gets_an_envelope_and_everything_else_a_header() {
    let store = Store::new();
    store.put("alice", "one");
    let settings = Settings {
        form: Form::Json,
        ..Settings::default()
    };
    let layer = layer(&store, settings);
    let json = ("content-type", "application/json; charset=utf-8");
    let site = Site::new(&[json, ("etag", "\"7\"")], br#"{"a": 1.50}"#);
    let got = ask(&site, &layer, &[ALICE, (ASKS, "1")]).await;
    let text = String::from_utf8(got.body.to_vec()).unwrap();
    assert!(text.starts_with(r#"{"data":{"a": 1.50},"_unread":{"new":1"#));
    assert_eq!(got.headers[FORM], "json");
    assert_eq!(got.headers["content-length"], text.len().to_string());
    assert!(!got.headers.contains_key("etag"));
    let encoded = ("content-encoding", "gzip");
    for site in [
        Site::new(&[HTML], PAGE),
        Site::new(&[json, encoded], b"\x1f\x8b"),
    ] {
        let body = site.body;
        let got = ask(&site, &layer, &[ALICE, (ASKS, "1")]).await;
        assert_eq!(got.body, body);
        assert_eq!(got.counts(), Some((1, Some(0), 1)));
    }
}

#[tokio::test]
async fn any_body_can_get_a_second_part_and_a_page_of_htmx_an_event() {
    let store = Store::new();
    store.put("alice", "Grüße");
    let with = |form| {
        let settings = Settings {
            form,
            ..Settings::default()
        };
        layer(&store, settings)
    };
    let site = Site::new(&[("content-type", "image/png")], b"sirgate-0\x00\xff");
    let got = ask(&site, &with(Form::Multipart), &[ALICE, (ASKS, "1")]).await;
    assert_eq!(
        got.headers["content-type"],
        "multipart/mixed; boundary=\"sirgate-1\""
    );
    assert!(got.body.starts_with(
        b"--sirgate-1\r\nContent-Type: image/png\r\n\r\nsirgate-0\x00\xff\r\n--sirgate-1\r\n"
    ));
    let site = Site::new(&[HTML], PAGE);
    let got = ask(&site, &with(Form::Htmx), &[ALICE, (ASKS, "1")]).await;
    assert_eq!(got.body, PAGE);
    let event = got.headers["hx-trigger"].to_str().unwrap();
    let event: serde_json::Value = serde_json::from_str(event).unwrap();
    assert_eq!(event["sirgate:unread"]["items"][0]["title"], "Grüße");
}

#[tokio::test]
async fn a_page_of_another_origin_may_read_the_header() {
    let store = Store::new();
    store.put("alice", "one");
    let settings = Settings {
        unasked: true,
        ..Settings::default()
    };
    let layer = layer(&store, settings);
    let allowed = ("access-control-allow-origin", "https://a.example");
    let site = Site::new(&[HTML, allowed], PAGE);
    let got = ask(&site, &layer, &[ALICE]).await;
    assert_eq!(got.headers["access-control-expose-headers"], UNREAD);
    assert_eq!(got.counts(), Some((1, Some(0), 1)));
}

/// Who answers only when the other is at work, too.
#[derive(Clone)]
struct Together(Arc<tokio::sync::Barrier>);

impl UnreadSource for Together {
    async fn peek(&self, _user: &str) -> Option<Stamp> {
        self.0.wait().await;
        Some(Stamp {
            new: 1,
            rev: 1,
            ..Stamp::default()
        })
    }

    async fn offered(&self, _user: &str, _upto: u64) {}
}

impl Service<Request<()>> for Together {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future =
        std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        let both = self.0.clone();
        Box::pin(async move {
            both.wait().await;
            Ok(Response::new(Full::new(Bytes::from_static(PAGE))))
        })
    }
}

#[tokio::test]
async fn r4_6_r4_41_site_and_query_are_parts_of_their_own_and_work_at_the_same_time() {
    let both = Together(Arc::new(tokio::sync::Barrier::new(2)));
    let user = |_: &Parts| Some("alice".to_owned());
    let mut stamped = Piggyback::new(both.clone(), user).around(both);
    let request = Request::get("/").header(ASKS, "1").body(()).unwrap();
    // If either waited for the other's end, neither would ever come to it.
    let response = stamped.call(request).await.unwrap();
    assert!(response.headers().contains_key(UNREAD));
}
