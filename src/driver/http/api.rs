//! The driver's own routes: is it alive, is it ready, its figures, its events, a push as a ladder, a message.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{ACCEPT, ALLOW, AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Method, Request};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};

use super::query::{Parameters, unescape};
use super::reply::{Reply, json, problem, reply, stream};
use super::server::Door;
use super::{drawing, message, web};
use crate::driver::node::stopped;
use crate::driver::observe::{Entry, Journal, Page, write_metrics};
use crate::event::Filter;

/// Events looked at in one go.
const PAGE: usize = 1_024;
/// Matching events one `wait` may ask for.
const COUNT_MAX: u64 = 10_000;
/// How long a `wait` lasts without a word about it, and at most.
const WAIT: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(600));
/// How long a browser's stream gathers, so that a busy gateway does not draw a page for every event.
const GATHER: Duration = Duration::from_millis(50);
/// How often a silent browser's stream shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Chunks that wait for a slow reader; then the stream waits, and the ring may move on without it.
const CHUNKS: usize = 16;

/// The answer, when the path is one of the driver's.
pub(super) async fn answer(door: &Arc<Door>, request: &Request<Incoming>) -> Option<Reply> {
    if let Some(reply) = web::answer(request) {
        return Some(reply);
    }
    let path = request.uri().path();
    let route = Route::of(path)?;
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut reply = problem(405, "this path is only read", Value::Null);
        reply
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Some(reply);
    }
    if route.tells_of_pushes() {
        let shown = request.headers().get(AUTHORIZATION);
        if !door
            .readers
            .admit(shown.and_then(|value| value.to_str().ok()))
        {
            return Some(stranger());
        }
    }
    let Some(query) = Parameters::decode(request.uri().query().unwrap_or_default()) else {
        return Some(problem(
            400,
            "an escape of the query is broken",
            Value::Null,
        ));
    };
    Some(match route {
        Route::Live => reply(200, "text/plain", "alive\n"),
        Route::Ready => ready(door),
        Route::Metrics => reply(
            200,
            "text/plain; version=0.0.4",
            write_metrics(&door.journal, &door.counters, &door.gauge),
        ),
        Route::Events => events(door, request, &query),
        Route::Wait => wait(door, &query).await.unwrap_or_else(|refusal| *refusal),
        Route::Ladder(id) => drawing::draw(&door.journal, id, &query).await,
        Route::Message(seq) => message::answer(&door.journal, &seq),
    })
}

enum Route {
    Live,
    Ready,
    Metrics,
    Events,
    Wait,
    Ladder(String),
    Message(String),
}

impl Route {
    fn of(path: &str) -> Option<Self> {
        match path {
            "/livez" => Some(Self::Live),
            "/readyz" => Some(Self::Ready),
            "/metrics" => Some(Self::Metrics),
            "/api/v1/events" => Some(Self::Events),
            "/api/v1/events/wait" => Some(Self::Wait),
            _ => {
                if let Some(seq) = path.strip_prefix("/api/v1/messages/") {
                    return (!seq.contains('/')).then(|| Self::Message(seq.to_owned()));
                }
                let id = path
                    .strip_prefix("/api/v1/pushes/")?
                    .strip_suffix("/ladder")?;
                if id.contains('/') {
                    return None;
                }
                unescape(id, false).map(Self::Ladder)
            }
        }
    }
}

impl Route {
    /// True for what only those may read who may ask the node too; whether it lives, and how much it does, all may see.
    const fn tells_of_pushes(&self) -> bool {
        match self {
            Self::Events | Self::Wait | Self::Ladder(_) | Self::Message(_) => true,
            Self::Live | Self::Ready | Self::Metrics => false,
        }
    }
}

/// Asks for the credentials that the node asks for.
fn stranger() -> Reply {
    let mut reply = problem(
        401,
        "name and password of an initiator are wanted",
        Value::Null,
    );
    let challenge = HeaderValue::from_static("Basic realm=\"sirgate\", charset=\"UTF-8\"");
    reply.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    reply
}

fn ready(door: &Door) -> Reply {
    let mut faults = Vec::new();
    if door.is_stopping() {
        faults.push("stopping");
    }
    if door.gauge.failing.load(Ordering::Acquire) {
        faults.push("the store takes no records");
    }
    if door.inbox.is_closed() {
        faults.push("the node has ended");
    }
    let status = if faults.is_empty() { 200 } else { 503 };
    let body = json!({
        "schema": "sirgate.ready/1",
        "ready": faults.is_empty(),
        "faults": faults,
        // Pushes that do not need it go on, so it is no reason to take the node out of service.
        "lacks": door.journal.lacks(),
        "cursor": door.journal.last(),
    });
    json(status, &body)
}

/// The filter of a query; one that is not given wants everything.
fn filter(query: &Parameters) -> Result<Option<Filter>, Box<Reply>> {
    query
        .get("match")
        .map(|text| text.parse::<Filter>())
        .transpose()
        .map_err(|error| Box::new(problem(400, &error.to_string(), Value::Null)))
}

fn is_wanted(filter: Option<&Filter>, entry: &Entry) -> bool {
    filter.is_none_or(|filter| filter.matches_json(entry.json()))
}

fn bad(name: &str) -> Box<Reply> {
    let detail = format!("the value of `{name}` cannot be read");
    Box::new(problem(400, &detail, Value::Null))
}

/// The cursor of a query. One that lies ahead comes from another run of the program and would never be reached.
fn cursor(journal: &Journal, given: Option<&str>) -> Result<u64, Box<Reply>> {
    let last = journal.last();
    let Some(given) = given else { return Ok(last) };
    let since: u64 = given.parse().map_err(|_| bad("since"))?;
    if since > last {
        let detail = "the cursor lies ahead of the latest event; it comes from an earlier run";
        let more = json!({ "cursor": last });
        return Err(Box::new(problem(400, detail, more)));
    }
    Ok(since)
}

fn events(door: &Arc<Door>, request: &Request<Incoming>, query: &Parameters) -> Reply {
    let header = |name: &str| request.headers().get(name)?.to_str().ok();
    let is_sse = header(ACCEPT.as_str()).is_some_and(|accept| accept.contains("text/event-stream"));
    let since = query.get("since").or_else(|| header("last-event-id"));
    let (filter, since) = match (filter(query), cursor(&door.journal, since)) {
        (Ok(filter), Ok(since)) => (filter, since),
        (Err(refusal), _) | (_, Err(refusal)) => return *refusal,
    };
    let follow = query.get("follow") != Some("false");
    let (chunks, body) = mpsc::channel(CHUNKS);
    let feed = Feed {
        door: door.clone(),
        filter,
        chunks,
        is_sse,
        follow,
    };
    tokio::spawn(feed.run(since));
    let content_type = if is_sse {
        "text/event-stream"
    } else {
        "application/x-ndjson"
    };
    stream(content_type, body)
}

/// One reader of the event stream.
struct Feed {
    door: Arc<Door>,
    filter: Option<Filter>,
    chunks: mpsc::Sender<Bytes>,
    is_sse: bool,
    follow: bool,
}

impl Feed {
    async fn run(self, mut cursor: u64) {
        let mut news = self.door.journal.watch();
        let mut stop = self.door.stop.clone();
        loop {
            // Marked as seen before looking, so that nothing that comes meanwhile is slept over.
            news.borrow_and_update();
            let page = self.door.journal.after(cursor, PAGE);
            let is_all = page.entries.len() < PAGE;
            cursor = page.cursor;
            let chunk = self.write(&page);
            if !chunk.is_empty() && self.chunks.send(chunk.into()).await.is_err() {
                return;
            }
            if !is_all {
                continue;
            }
            if !self.follow {
                return;
            }
            tokio::select! {
                () = stopped(&mut stop) => return,
                () = self.chunks.closed() => return,
                changed = news.changed() => if changed.is_err() { return },
                () = sleep(HEARTBEAT), if self.is_sse => {
                    let beat = Bytes::from_static(b": alive\n\n");
                    if self.chunks.send(beat).await.is_err() { return }
                }
            }
            if self.is_sse {
                sleep(GATHER).await;
            }
        }
    }

    fn write(&self, page: &Page) -> String {
        let mut chunk = String::new();
        if page.missed > 0 {
            let gap = json!({ "schema": "sirgate.gap/1", "missed": page.missed });
            chunk = if self.is_sse {
                format!("event: gap\ndata: {gap}\n\n")
            } else {
                format!("{gap}\n")
            };
        }
        for entry in &page.entries {
            if is_wanted(self.filter.as_ref(), entry) {
                let line = entry.line();
                if self.is_sse {
                    chunk.push_str(&format!("id: {}\ndata: {line}\n\n", entry.seq));
                } else {
                    chunk.push_str(&line);
                    chunk.push('\n');
                }
            }
        }
        chunk
    }
}

/// Waits for events after the cursor; without one, for events after now.
async fn wait(door: &Door, query: &Parameters) -> Result<Reply, Box<Reply>> {
    let filter = filter(query)?;
    let mut cursor = cursor(&door.journal, query.get("since"))?;
    let count = query.number("count", 1).map_err(bad)?.clamp(1, COUNT_MAX);
    let count = usize::try_from(count).unwrap_or(1);
    let patience = query.duration("timeout", WAIT.0).map_err(bad)?.min(WAIT.1);
    let end = Instant::now() + patience;
    let mut news = door.journal.watch();
    let mut stop = door.stop.clone();
    let mut found = Vec::new();
    let mut missed = 0_u64;
    loop {
        news.borrow_and_update();
        let page = door.journal.after(cursor, PAGE);
        missed = missed.saturating_add(page.missed);
        for entry in &page.entries {
            cursor = entry.seq;
            if is_wanted(filter.as_ref(), entry) {
                found.push(entry.line());
                if found.len() >= count {
                    return Ok(found_reply(200, cursor, missed, &found));
                }
            }
        }
        cursor = cursor.max(page.cursor);
        if page.entries.len() == PAGE {
            continue;
        }
        let in_time = tokio::select! {
            () = stopped(&mut stop) => false,
            changed = timeout_at(end, news.changed()) => matches!(changed, Ok(Ok(()))),
        };
        if !in_time {
            return Ok(found_reply(408, cursor, missed, &found));
        }
    }
}

/// What a `wait` found; with 408 it is less than was asked for, and nothing of it is lost.
fn found_reply(status: u16, cursor: u64, missed: u64, found: &[String]) -> Reply {
    let events = found.join(",");
    let body = format!(
        r#"{{"schema":"sirgate.events/1","status":{status},"cursor":{cursor},"missed":{missed},"events":[{events}]}}"#
    );
    reply(status, "application/json", body)
}
