//! HTTP/2 connections of clients: bounded in streams, heads, resets, bodies at a time and idleness.
//!
//! **Source:** RFC 9113 sections 3.3 (prior knowledge), 3.2 (ALPN), 5.1.2, 6.5.2 and 10.5 (bounds). Nothing is pushed to
//! a client, and no connection is upgraded.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::Response;
use hyper::body::{Body, Frame, SizeHint};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use super::reply::{Reply, ReplyBody};
use super::server::{Door, Visit, answer};
use crate::driver::node::stopped;
use crate::limits::{HTTP_HEAD_OCTETS, HTTP2_RESETS, HTTP2_STREAMS};

/// What a client of HTTP/2 sends first.
const PREFACE: [u8; 24] = *b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Octets of a request's body that may come before they are read.
const WINDOW: u32 = 1 << 14;
/// The same of all of a connection together: bodies that wait for room must not keep others from coming.
const WINDOW_OF_ALL: u32 = WINDOW * HTTP2_STREAMS;
/// Octets of bodies are counted in so many.
const UNIT: usize = 4_096;

/// The first octets of a connection.
pub(super) struct Beginning {
    /// What was read already.
    pub(super) octets: Vec<u8>,
    /// The client speaks HTTP/2.
    pub(super) is_two: bool,
}

/// Reads as much as tells which version the client speaks; `None` for one that says nothing in that time.
pub(super) async fn begin(tcp: &mut TcpStream, patience: Duration) -> Option<Beginning> {
    let read = async {
        let mut octets = Vec::with_capacity(PREFACE.len());
        loop {
            let room = PREFACE.len().saturating_sub(octets.len());
            let room = u64::try_from(room).unwrap_or_default();
            let count = (&mut *tcp).take(room).read_buf(&mut octets).await.ok()?;
            if count == 0 && octets.is_empty() {
                return None;
            }
            let is_two = octets == PREFACE;
            if count == 0 || is_two || !PREFACE.starts_with(&octets) {
                return Some(Beginning { octets, is_two });
            }
        }
    };
    timeout(patience, read).await.ok().flatten()
}

/// The octets of bodies that one connection may have in memory, those that the node has not answered included.
#[derive(Debug)]
pub(super) struct Room {
    units: Arc<Semaphore>,
    /// What a body of unknown length takes.
    most: u32,
}

impl Room {
    fn new(body_octets: usize) -> Self {
        let most = units(body_octets);
        let all = usize::try_from(most)
            .unwrap_or(usize::MAX)
            .saturating_mul(2);
        Self {
            units: Arc::new(Semaphore::new(all.min(Semaphore::MAX_PERMITS))),
            most,
        }
    }

    /// Waits until a body of that length has room.
    pub(super) async fn take(&self, octets: Option<usize>) -> Option<OwnedSemaphorePermit> {
        let wanted = octets.map_or(self.most, units).min(self.most);
        self.units.clone().acquire_many_owned(wanted).await.ok()
    }
}

fn units(octets: usize) -> u32 {
    u32::try_from(octets.div_ceil(UNIT))
        .unwrap_or(u32::MAX)
        .max(1)
}

/// The requests of a connection that are not fully answered.
#[derive(Clone, Debug, Default)]
struct Activity(Arc<Open>);

#[derive(Debug, Default)]
struct Open {
    requests: Mutex<Requests>,
    /// One came or was answered.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Requests {
    next: u64,
    /// Each with the moment since when the client could have taken what we have for it; `None` while we have nothing.
    open: BTreeMap<u64, Option<Instant>>,
}

/// One such request.
#[derive(Debug)]
struct Active {
    open: Arc<Open>,
    no: u64,
}

impl Activity {
    fn begin(&self) -> Active {
        let mut requests = self.0.requests();
        let no = requests.next;
        requests.next = no.wrapping_add(1);
        requests.open.insert(no, None);
        drop(requests);
        self.0.changed.notify_one();
        let open = self.0.clone();
        Active { open, no }
    }

    /// Waits until nothing was asked for so long and nothing is open, or the client takes nothing of an answer for so
    /// long: its window closed, or itself gone.
    async fn idle(&self, patience: Duration) {
        let mut quiet_since = Instant::now();
        loop {
            let since = {
                let requests = self.0.requests();
                match requests.open.values().flatten().min() {
                    _ if requests.open.is_empty() => Some(quiet_since),
                    oldest => oldest.copied(),
                }
            };
            if since.is_some_and(|since| since.elapsed() >= patience) {
                return;
            }
            // What has nothing to send now is looked at again later.
            let due = since.unwrap_or_else(Instant::now) + patience;
            if timeout_at(due, self.0.changed.notified()).await.is_ok() {
                quiet_since = Instant::now();
            }
        }
    }
}

impl Open {
    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Active {
    /// We have something for the client since now, or nothing.
    fn owe(&self, is_owed: bool) {
        let mut requests = self.open.requests();
        if let Some(own) = requests.open.get_mut(&self.no) {
            *own = is_owed.then(Instant::now);
        }
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.open.requests().open.remove(&self.no);
        self.open.changed.notify_one();
    }
}

/// A body whose request counts as open until it is sent or dropped.
struct Counted {
    body: ReplyBody,
    active: Active,
}

impl Body for Counted {
    type Data = Bytes;
    type Error = <ReplyBody as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        self.active.owe(polled.is_ready());
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Serves a connection until its client leaves, is idle for long, or the stop.
pub(super) async fn serve(
    door: Arc<Door>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    mut visit: Visit,
) {
    visit.room = Some(Room::new(door.limits.http_body_octets));
    let visit = Arc::new(visit);
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_STREAMS)
        .max_header_list_size(u32::try_from(HTTP_HEAD_OCTETS).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(HTTP2_RESETS)
        .max_local_error_reset_streams(HTTP2_RESETS)
        .keep_alive_interval(Some(door.limits.http_idle / 3))
        .keep_alive_timeout(door.limits.http_idle / 3)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW_OF_ALL);
    let activity = Activity::default();
    let service = {
        let (door, activity) = (door.clone(), activity.clone());
        service_fn(move |request| {
            let (door, visit) = (door.clone(), visit.clone());
            let active = activity.begin();
            async move {
                let reply: Reply = answer(&door, request, &visit).await;
                active.owe(true);
                let counted = |body| Counted { body, active };
                Ok::<Response<Counted>, Infallible>(reply.map(counted))
            }
        })
    };
    let mut stop = door.stop.clone();
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stopped(&mut stop) => {}
        () = activity.idle(door.limits.http_idle) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(door.limits.drain, connection).await;
}
