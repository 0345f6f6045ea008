//! HTTP/2 connections of clients: bounded in streams, heads, resets, bodies at a time and idleness.
//!
//! **Source:** RFC 9113 sections 3.3 (prior knowledge), 3.2 (ALPN), 5.1.2, 6.5.2 and 10.5 (bounds). Nothing is pushed to
//! a client, and no connection is upgraded.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
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
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

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

/// How many requests of a connection are not fully answered.
#[derive(Clone, Debug)]
struct Activity(watch::Sender<usize>);

/// One such request.
#[derive(Debug)]
struct Active(watch::Sender<usize>);

impl Activity {
    fn begin(&self) -> Active {
        self.0.send_modify(|open| *open = open.saturating_add(1));
        Active(self.0.clone())
    }

    /// Waits until nothing was asked for so long, and nothing is open.
    async fn idle(&self, patience: Duration) {
        let mut open = self.0.subscribe();
        loop {
            if open.wait_for(|open| *open == 0).await.is_err() {
                return;
            }
            if timeout(patience, open.changed()).await.is_err() {
                return;
            }
        }
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open = open.saturating_sub(1));
    }
}

/// A body whose request counts as open until it is sent or dropped.
struct Counted {
    body: ReplyBody,
    _active: Active,
}

impl Body for Counted {
    type Data = Bytes;
    type Error = <ReplyBody as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
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
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW_OF_ALL);
    let activity = Activity(watch::Sender::new(0));
    let service = {
        let (door, activity) = (door.clone(), activity.clone());
        service_fn(move |request| {
            let (door, visit) = (door.clone(), visit.clone());
            let active = activity.begin();
            async move {
                let reply: Reply = answer(&door, request, &visit).await;
                let counted = |body| Counted {
                    body,
                    _active: active,
                };
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
