//! The reverse proxy on loopback, before sites and gateways of the test's own.

mod bodies;
mod faults;
mod heads;
mod unread;

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::http::request::Parts;
use sirgate::codec::site_message::{Item, Stamp};
use sirgate::driver::piggyback::{Piggyback, Settings as Riding, UnreadSource};
use sirgate::driver::proxy::{self, Figures, Forward, Settings};
use sirgate::driver::tls::Tls;
use sirgate::gateway::message::{Bounds as Room, Draft, Messages, State};
use sirgate::time::Time;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const NOW: Time = Time::from_secs(1_000);

/// A message store in the process, and what it was asked to change.
#[derive(Clone, Default)]
struct Store(Arc<Mutex<Kept>>);

struct Kept {
    messages: Messages,
    asked: usize,
    writes: usize,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            messages: Messages::new(Room::default()),
            asked: 0,
            writes: 0,
        }
    }
}

impl Store {
    fn put(&self, account: &str, title: &str) {
        let draft = Draft {
            app: "site".to_owned(),
            id: title.to_owned(),
            title: title.to_owned(),
            ..Draft::default()
        };
        let mut kept = self.0.lock().unwrap();
        kept.messages.put(NOW, account, draft, &|_| false).unwrap();
    }

    fn stamp(&self, user: &str) -> Stamp {
        let mut kept = self.0.lock().unwrap();
        kept.asked += 1;
        let unread = kept.messages.unread(NOW, user, 10);
        let items = unread.items.iter().map(|it| Item {
            seq: it.seq,
            app: it.draft.app.clone(),
            title: it.draft.title.clone(),
            summary: it.draft.summary.clone(),
            new: it.state == State::Unoffered,
        });
        Stamp {
            new: u32::try_from(unread.new).unwrap(),
            old: Some(u32::try_from(unread.old).unwrap()),
            seq: unread.seq,
            rev: unread.rev,
            items: items.collect(),
            more: u32::try_from(unread.more()).unwrap(),
        }
    }

    fn offer(&self, user: &str, upto: u64) {
        let mut kept = self.0.lock().unwrap();
        kept.writes += 1;
        kept.messages.offer(user, upto);
    }

    fn asked(&self) -> usize {
        self.0.lock().unwrap().asked
    }

    fn writes(&self) -> usize {
        self.0.lock().unwrap().writes
    }
}

impl UnreadSource for Store {
    async fn peek(&self, user: &str) -> Option<Stamp> {
        Some(self.stamp(user))
    }

    async fn offered(&self, user: &str, upto: u64) {
        self.offer(user, upto);
    }
}

/// How the layer works, and how long it waits for its source.
#[derive(Default)]
struct Layer {
    riding: Riding,
    patience: Option<Duration>,
}

impl From<Riding> for Layer {
    fn from(riding: Riding) -> Self {
        Self {
            riding,
            patience: None,
        }
    }
}

/// A proxy that serves until it is dropped.
struct Proxy {
    at: SocketAddr,
    figures: Arc<Figures>,
    stop: watch::Sender<bool>,
    ended: tokio::task::JoinHandle<()>,
}

impl Proxy {
    /// Before that site; the user is who the row `x-user` names.
    async fn start<U: UnreadSource>(
        site: SocketAddr,
        source: U,
        riding: impl Into<Layer>,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        Self::with_figures(site, source, riding, change, Arc::default()).await
    }

    async fn with_figures<U: UnreadSource>(
        site: SocketAddr,
        source: U,
        layer: impl Into<Layer>,
        change: impl FnOnce(&mut Settings),
        figures: Arc<Figures>,
    ) -> Self {
        let mut settings = Settings::new(format!("http://{site}").parse().unwrap());
        change(&mut settings);
        let bounds = settings.bounds;
        let user = |request: &Parts| {
            let user = request.headers.get("x-user")?;
            user.to_str().ok().map(str::to_owned)
        };
        let forward = Forward::new(settings, &Tls::default(), figures.clone());
        let layer = layer.into();
        let mut riding = Piggyback::new(source, user).with(layer.riding);
        if let Some(patience) = layer.patience {
            riding = riding.waiting(patience);
        }
        let site = riding.around(forward);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let serving = proxy::serve(listener, site, figures.clone(), bounds, stopped);
        Self {
            at,
            figures,
            stop,
            ended: tokio::spawn(serving),
        }
    }

    /// With everything as usual.
    async fn plain(site: SocketAddr) -> Self {
        Self::start(site, Store::default(), Riding::default(), |_| {}).await
    }

    fn stamped(&self) -> u64 {
        self.figures.stamped.load(Ordering::Relaxed)
    }
}

/// Head and body of a request.
type Seen = (String, Vec<u8>);

/// A site that answers each request with octets; it notes the heads and bodies of requests as they came.
#[derive(Clone)]
struct RawSite {
    at: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<Mutex<usize>>,
}

impl RawSite {
    /// The answer is made from the head of the request; the connection ends after it when it says so.
    async fn start(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + Clone + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let site = Self {
            at: listener.local_addr().unwrap(),
            seen: Arc::default(),
            connections: Arc::default(),
        };
        let own = site.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                *own.connections.lock().unwrap() += 1;
                tokio::spawn(own.clone().converse(stream, answer.clone()));
            }
        });
        site
    }

    async fn converse(self, mut stream: TcpStream, answer: impl Fn(&str) -> Vec<u8>) {
        let mut octets = Vec::new();
        loop {
            let Some(head) = read_head(&mut stream, &mut octets).await else {
                return;
            };
            let length = row(&head, "content-length").map_or(0, |it| it.parse().unwrap());
            while octets.len() < length {
                if stream.read_buf(&mut octets).await.unwrap_or(0) == 0 {
                    return;
                }
            }
            let body = octets.drain(..length).collect();
            self.seen.lock().unwrap().push((head.clone(), body));
            let octets = answer(&head);
            let close = Some("close".to_owned());
            let own = String::from_utf8_lossy(&octets);
            let ends = row(&own, "connection") == close || row(&head, "connection") == close;
            if stream.write_all(&octets).await.is_err() || ends {
                return;
            }
        }
    }

    fn heads(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|(head, _)| head.clone()).collect()
    }
}

/// Reads to the end of a head, which is taken out of the octets; `None` at the end of the stream.
async fn read_head(stream: &mut TcpStream, octets: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(end) = octets.windows(4).position(|it| it == b"\r\n\r\n") {
            let head = octets.drain(..end + 4).collect();
            return Some(String::from_utf8(head).unwrap());
        }
        if stream.read_buf(octets).await.unwrap_or(0) == 0 {
            return None;
        }
    }
}

/// The value of a row of a head.
fn row(head: &str, name: &str) -> Option<String> {
    let mut rows = head.split("\r\n").filter_map(|row| row.split_once(':'));
    let found = rows.find(|(own, _)| own.eq_ignore_ascii_case(name))?;
    Some(found.1.trim().to_owned())
}

/// What came back: head, and everything behind it as it was on the wire.
#[derive(Debug)]
struct Answer {
    head: String,
    rest: Vec<u8>,
}

impl Answer {
    fn status(&self) -> u16 {
        let status = self.head.split(' ').nth(1);
        status.and_then(|it| it.parse().ok()).unwrap_or(0)
    }

    fn row(&self, name: &str) -> Option<String> {
        row(&self.head, name)
    }

    /// New ones, and summaries.
    fn unread(&self) -> Option<(u32, usize)> {
        let stamp = Stamp::from_header(&self.row("sirgate-unread")?).unwrap();
        Some((stamp.new, stamp.items.len()))
    }
}

/// Sends octets on a connection of their own, and reads until its end.
async fn send(at: SocketAddr, octets: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream.write_all(octets).await.unwrap();
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all).await;
    let end = all.windows(4).position(|it| it == b"\r\n\r\n");
    let rest = all.split_off(end.map_or(all.len(), |end| end + 4));
    Answer {
        head: String::from_utf8(all).unwrap(),
        rest,
    }
}

/// A request with these rows, on a connection of its own.
async fn get(at: SocketAddr, path: &str, rows: &[(&str, &str)]) -> Answer {
    let mut text = format!("GET {path} HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n");
    for (name, value) in rows {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    send(at, (text + "\r\n").as_bytes()).await
}

const ALICE: (&str, &str) = ("X-User", "alice");
const ASKS: (&str, &str) = ("Sirgate-Piggyback", "1;seen=0");

/// A whole answer of a site.
fn page(rows: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{rows}\r\n{body}").into_bytes()
}
