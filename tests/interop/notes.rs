//! Unread messages on the responses of a site, in Chromium: what a page shows of them.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use sirgate::codec::site_message::{Item, Stamp};
use sirgate::driver::piggyback::{
    Commit, Form, Levels, Nothing, Piggyback, Settings, UnreadSource,
};
use sirgate::gateway::message::{Bounds, Draft, Messages, State};
use sirgate::time::Time;
use tower_service::Service;

use crate::browser::{Browser, Driver};
use crate::lab::folder;

const NOW: Time = Time::from_secs(1_000);
const ALICE: &str = "alice";

/// A site of one user: any path says how it is, `/web/` has its pages; it notes what it is asked.
#[derive(Clone)]
struct Site {
    messages: Arc<Mutex<Messages>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Site {
    fn new() -> Self {
        Self {
            messages: Arc::new(Mutex::new(Messages::new(Bounds::default()))),
            asked: Arc::default(),
        }
    }

    fn put(&self, title: &str) {
        let draft = Draft {
            app: "site".to_owned(),
            id: title.to_owned(),
            title: title.to_owned(),
            ..Draft::default()
        };
        let mut messages = self.messages.lock().expect("whole");
        messages
            .put(NOW, ALICE, draft, &|_| false)
            .expect("there is room");
    }

    /// Serves on loopback until the test ends; where.
    fn serve(&self, settings: Settings) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        listener.set_nonblocking(true).expect("non-blocking");
        let user = |_: &hyper::http::request::Parts| Some(ALICE.to_owned());
        let stamped = Piggyback::new(self.clone(), user)
            .with(settings)
            .around(self.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                loop {
                    let (stream, _) = listener.accept().await.expect("a connection");
                    let stamped = stamped.clone();
                    let service = service_fn(move |request| stamped.clone().call(request));
                    tokio::spawn(
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                    );
                }
            });
        });
        format!("http://{address}")
    }

    fn asked(&self, row: &str) -> usize {
        let asked = self.asked.lock().expect("whole");
        asked.iter().filter(|own| *own == row).count()
    }
}

impl UnreadSource for Site {
    async fn peek(&self, user: &str) -> Option<Stamp> {
        let mut messages = self.messages.lock().expect("whole");
        let unread = messages.unread(NOW, user, 8);
        let items = unread.items.iter().map(|it| Item {
            seq: it.seq,
            app: it.draft.app.clone(),
            title: it.draft.title.clone(),
            summary: it.draft.summary.clone(),
            new: it.state == State::Unoffered,
        });
        Some(Stamp {
            new: u32::try_from(unread.new).ok()?,
            old: u32::try_from(unread.old).ok(),
            seq: unread.seq,
            rev: unread.rev,
            items: items.collect(),
            more: u32::try_from(unread.more()).ok()?,
        })
    }

    async fn offered(&self, user: &str, upto: u64) {
        self.messages.lock().expect("whole").offer(user, upto);
    }
}

impl Service<Request<Incoming>> for Site {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let path = request.uri().path().to_owned();
        let row = format!("{} {path}", request.method());
        self.asked.lock().expect("whole").push(row);
        let (kind, body) = match path.strip_prefix("/web/") {
            Some(name) => {
                let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/driver/web");
                let kind = match name.rsplit_once('.') {
                    Some((_, "js")) => "text/javascript",
                    Some((_, "css")) => "text/css",
                    Some((_, "svg")) => "image/svg+xml",
                    _ => "text/html; charset=utf-8",
                };
                (kind, std::fs::read(folder.join(name)).unwrap_or_default())
            }
            None => ("application/json", br#"{"is":"fine"}"#.to_vec()),
        };
        let body = if *request.method() == Method::HEAD {
            Vec::new()
        } else {
            body
        };
        let mut response = Response::new(Full::new(Bytes::from(body)));
        let headers = response.headers_mut();
        headers.insert("content-type", kind.parse().expect("a type"));
        let keeps = if path == "/kept" {
            "private, max-age=600"
        } else {
            "no-store"
        };
        headers.insert("cache-control", keeps.parse().expect("directives"));
        ready(Ok(response))
    }
}

/// Numbers and notes of the page: new, shown before, notes.
fn shown(browser: &Browser<'_>) -> (String, String, Vec<String>) {
    let all = browser.run(
        "const text = (it) => document.querySelector(it)?.textContent ?? '';\
         return [text('[data-sg-new]'), text('[data-sg-old]'), [...document.querySelectorAll('.note')].map((it) => it.textContent)]",
    );
    serde_json::from_value(all).expect("two numbers and notes")
}

/// Asks the site for something that has nothing to do with messages.
const ASK: &str = "const got = await (await fetch('/profile')).json(); return got.is";

#[test]
fn r4_20_r4_21_r4_26_r4_27_r4_29_r4_30_r4_32_notes_and_numbers_come_without_a_request_more() {
    let driver = Driver::start();
    for form in [Form::Header, Form::Json, Form::Multipart] {
        let (site, profile) = (Site::new(), folder());
        site.put("first");
        let settings = Settings {
            form,
            ..Settings::default()
        };
        let url = site.serve(settings);
        let browser = driver.browser(profile.path());
        browser.open(&format!("{url}/web/notes.html"));
        let requests = "return performance.getEntriesByType('resource').filter((it) => it.name.endsWith('/profile')).length";
        assert_eq!(browser.run(ASK), "fine", "{form:?}");
        let first = vec!["first".to_owned()];
        assert_eq!(shown(&browser), ("1".into(), "0".into(), first.clone()));
        // The next request says that it was seen.
        site.put("second");
        assert_eq!(browser.run(ASK), "fine");
        let both = vec!["first".to_owned(), "second".to_owned()];
        assert_eq!(shown(&browser), ("1".into(), "1".into(), both.clone()));
        assert_eq!(browser.run(ASK), "fine");
        assert_eq!(shown(&browser), ("0".into(), "2".into(), both));
        // Not one request more than the page's own (R4.20, R4.21).
        assert_eq!(site.asked("GET /profile"), 3);
        assert_eq!(browser.run(requests), 3);
        assert_eq!(browser.errors(), [] as [String; 0]);
        if form == Form::Header {
            browser.picture("site-notes");
        }
    }
}

#[test]
fn r4_24_an_answer_out_of_the_cache_shows_nothing_old_and_other_requests_count_too() {
    let (driver, site, profile) = (Driver::start(), Site::new(), folder());
    site.put("one");
    let url = site.serve(Settings {
        commit: Commit::Send,
        ..Settings::default()
    });
    let browser = driver.browser(profile.path());
    browser.open(&format!("{url}/web/notes.html"));
    browser.run("await (await fetch('/kept')).text()");
    assert_eq!(shown(&browser).0, "1");
    let by_older = "await new Promise((done) => { const it = new XMLHttpRequest(); it.onload = done; it.open('GET', '/profile'); it.send(); })";
    browser.run(by_older);
    let later = shown(&browser);
    assert_eq!((later.0.as_str(), later.1.as_str()), ("0", "1"));
    browser.run("await (await fetch('/kept', { cache: 'force-cache' })).text()");
    assert_eq!(site.asked("GET /kept"), 1, "it came out of the cache");
    assert_eq!(shown(&browser), later);
}

#[test]
fn s4_3_nothing_new_is_said_or_not_by_the_site_and_shown_or_not_by_the_page() {
    let driver = Driver::start();
    for (nothing, none, notes) in [
        (Nothing::Said, "note", 1),
        (Nothing::Said, "silent", 0),
        (Nothing::Silent, "note", 1),
        (Nothing::Silent, "silent", 0),
    ] {
        let (site, profile) = (Site::new(), folder());
        let url = site.serve(Settings {
            nothing,
            ..Settings::default()
        });
        let browser = driver.browser(profile.path());
        browser.open(&format!("{url}/web/notes.html?none={none}"));
        let said = "return (await fetch('/profile')).headers.has('sirgate-unread')";
        assert_eq!(browser.run(said), nothing == Nothing::Said);
        let (_, _, shown) = shown(&browser);
        assert_eq!(shown.len(), notes, "{nothing:?} {none}: {shown:?}");
        assert!(shown.iter().all(|it| it == "no new messages"));
    }
}

#[test]
fn r4_50_a_silent_page_asks_once_when_its_time_is_over() {
    let (driver, site, profile) = (Driver::start(), Site::new(), folder());
    site.put("one");
    let url = site.serve(Settings::default());
    let browser = driver.browser(profile.path());
    browser.open(&format!("{url}/web/notes.html?fallback=2"));
    browser.until(
        "the note",
        "return document.querySelectorAll('.note').length",
        |it| *it == 1,
    );
    assert_eq!(site.asked("HEAD /livez"), 1);
    assert_eq!(site.asked("GET /livez"), 0);
}

#[test]
fn r4_28_r4_31_a_list_or_a_single_note_instead() {
    let driver = Driver::start();
    for (show, rows, notes) in [
        ("list", vec!["second", "first"], vec![]),
        (
            "note-only",
            vec![],
            vec!["2 new, 0 shown before\nsecond\nfirst"],
        ),
    ] {
        let (site, profile) = (Site::new(), folder());
        site.put("first");
        site.put("second");
        let url = site.serve(Settings::default());
        let browser = driver.browser(profile.path());
        browser.open(&format!("{url}/web/notes.html?show={show}"));
        browser.run(ASK);
        let list = "return [...document.querySelectorAll('[data-sg-list] > li')].map((it) => it.textContent)";
        assert_eq!(browser.run(list), serde_json::json!(rows), "{show}");
        let (new, _, shown) = shown(&browser);
        assert_eq!(shown, notes, "{show}");
        // All of it, numbers too, stands in the one note.
        assert_eq!(new, if show == "list" { "2" } else { "0" });
    }
}

#[test]
fn r4_40_with_one_level_the_page_has_one_number() {
    let (driver, site, profile) = (Driver::start(), Site::new(), folder());
    site.put("first");
    let url = site.serve(Settings {
        levels: Levels::One,
        ..Settings::default()
    });
    let browser = driver.browser(profile.path());
    browser.open(&format!("{url}/web/notes.html"));
    let mark = "document.querySelector('[data-sg-old]').textContent = 'untouched'";
    browser.run(mark);
    for title in ["second", "third"] {
        browser.run(ASK);
        site.put(title);
    }
    browser.run(ASK);
    let (new, old, _) = shown(&browser);
    assert_eq!((new.as_str(), old.as_str()), ("3", "untouched"));
}
