//! HTTP connections: bounded in number, size and patience; each request goes to the driver's own routes or the node.

use std::convert::Infallible;
use std::io::Cursor;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_LENGTH, EXPECT, HOST, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Version};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;

use super::identity::Identity;
use super::reply::{Reply, last_problem, of_node, problem};
use super::riding::{self, Riding};
use super::two::Room;
use super::{api, guard, socket, two, user, web_stream};
use crate::driver::clock::Clock;
use crate::driver::node::{Arrival, stopped};
use crate::driver::observe::{Counters, Journal};
use crate::driver::order;
use crate::driver::store::keeper::Gauge;
use crate::driver::stream::Gate;
use crate::driver::tls::ALPN_TWO;
use crate::driver::x509;
use crate::driver::{Limits, Readers};
use crate::limits::{HTTP_HEAD_OCTETS, HTTP_HEADER_ROWS};
use crate::world::{HttpRequest, HttpResponse};

/// How long a listener rests when the system gives it no more sockets.
const REST: Duration = Duration::from_millis(50);
/// A body may take so many times the patience for one part of it.
const PATIENCE_FACTOR: u32 = 6;

/// The longest that a question of a browser client may wait.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// How long, and how many octets of, a refused body are still read.
const DISCARD: Duration = Duration::from_millis(500);
const DISCARD_OCTETS: usize = 8 << 20;

/// What all connections use.
#[derive(Debug)]
pub(in crate::driver) struct Door {
    pub(in crate::driver) inbox: mpsc::Sender<Arrival>,
    pub(in crate::driver) journal: Journal,
    pub(in crate::driver) counters: Arc<Counters>,
    pub(in crate::driver) gauge: Arc<Gauge>,
    pub(in crate::driver) limits: Limits,
    pub(in crate::driver) readers: Readers,
    pub(in crate::driver) stop: watch::Receiver<bool>,
    pub(in crate::driver) room: Arc<Semaphore>,
    /// Paths at which requests become links of messages, and where these come in.
    pub(in crate::driver) sockets: Vec<String>,
    pub(in crate::driver) gate: Gate,
    pub(in crate::driver) clock: Clock,
    /// How users prove who they are.
    pub(in crate::driver) identity: Identity,
    /// What rides along on responses to them.
    pub(in crate::driver) riding: Option<Riding>,
}

impl Door {
    /// Waits until all connections are closed, which they are soon after the stop.
    pub(in crate::driver) async fn closed(&self) {
        let all = u32::try_from(self.limits.http_connections).unwrap_or(u32::MAX);
        let _ = timeout(self.limits.drain, self.room.acquire_many(all)).await;
    }

    /// True from the moment the stop was asked for.
    pub(super) fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }
}

/// Accepts connections until the stop.
pub(in crate::driver) async fn listen(
    door: Arc<Door>,
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
) {
    let mut stop = door.stop.clone();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopped(&mut stop) => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((tcp, peer)) => {
                let Ok(permit) = door.room.clone().try_acquire_owned() else {
                    door.counters
                        .http_connections_refused
                        .fetch_add(1, Ordering::Relaxed);
                    continue;
                };
                let (door, acceptor) = (door.clone(), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        Some(acceptor) => serve_tls(door, &acceptor, tcp, peer).await,
                        None => serve_plain(door, tcp, peer).await,
                    }
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "no HTTP connection could be accepted");
                sleep(REST).await;
            }
        }
    }
}

/// Who came on a connection, and where to.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) peer: SocketAddr,
    pub(super) local: SocketAddr,
    pub(super) is_tls: bool,
    /// The name in the client's certificate, empty when there is none in it.
    pub(super) certified: Option<String>,
    /// What bounds the bodies of a connection with several requests at a time.
    pub(super) room: Option<Room>,
}

/// Without TLS a client of HTTP/2 says so by what it sends first (RFC 9113 section 3.3).
async fn serve_plain(door: Arc<Door>, mut tcp: TcpStream, peer: SocketAddr) {
    let _ = tcp.set_nodelay(true);
    let Ok(local) = tcp.local_addr() else { return };
    let Some(beginning) = two::begin(&mut tcp, door.limits.http_idle).await else {
        return;
    };
    let visit = Visit {
        peer,
        local,
        is_tls: false,
        certified: None,
        room: None,
    };
    let (reader, writer) = tcp.into_split();
    let stream = tokio::io::join(Cursor::new(beginning.octets).chain(reader), writer);
    let stream = patient(&door, stream);
    if beginning.is_two {
        two::serve(door, stream, visit).await;
    } else {
        serve(door, stream, visit).await;
    }
}

/// A client that is slow with its handshake is left.
async fn serve_tls(door: Arc<Door>, acceptor: &TlsAcceptor, tcp: TcpStream, peer: SocketAddr) {
    let _ = tcp.set_nodelay(true);
    let Ok(local) = tcp.local_addr() else { return };
    let handshake = timeout(door.limits.http_idle, acceptor.accept(tcp));
    let Ok(Ok(stream)) = handshake.await else {
        return;
    };
    let shown = stream.get_ref().1.peer_certificates();
    let own = shown.and_then(<[_]>::first);
    // A certificate without a name proves nobody, but it is not none.
    let certified = own.map(|own| x509::common_name(own).unwrap_or_default());
    let visit = Visit {
        peer,
        local,
        is_tls: true,
        certified,
        room: None,
    };
    let is_two = stream.get_ref().1.alpn_protocol() == Some(ALPN_TWO);
    let stream = patient(&door, stream);
    if is_two {
        two::serve(door, stream, visit).await;
    } else {
        serve(door, stream, visit).await;
    }
}

/// A stream that ends when its client takes nothing of what is written for long.
fn patient<S: AsyncRead + AsyncWrite>(door: &Door, stream: S) -> Pin<Box<TimeoutStream<S>>> {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(door.limits.http_idle));
    Box::pin(stream)
}

async fn serve(
    door: Arc<Door>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    visit: Visit,
) {
    let mut stop = door.stop.clone();
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(door.limits.http_idle)
        .max_headers(HTTP_HEADER_ROWS)
        .max_buf_size(HTTP_HEAD_OCTETS);
    let visit = Arc::new(visit);
    let service = service_fn(|request| {
        let (door, visit) = (door.clone(), visit.clone());
        async move { Ok::<_, Infallible>(answer(&door, request, &visit).await) }
    });
    // Browser clients may make WebSockets of their connections.
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection.with_upgrades());
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stopped(&mut stop) => connection.as_mut().graceful_shutdown(),
    }
    let _ = timeout(door.limits.drain, connection).await;
}

/// The answer to one request of a connection.
pub(super) async fn answer(
    door: &Arc<Door>,
    mut request: Request<Incoming>,
    visit: &Arc<Visit>,
) -> Reply {
    door.counters.http_requests.fetch_add(1, Ordering::Relaxed);
    name_host(&mut request);
    let most = HTTP_HEADER_ROWS;
    let checked = guard::check(request.headers(), visit.local.ip(), &door.limits.http_hosts);
    let reply = match checked {
        Err(stranger) => problem(403, &stranger.to_string(), Value::Null),
        Ok(()) if request.headers().len() > most => problem(431, "too many headers", Value::Null),
        Ok(()) if socket::is_wanted(door, &request) => {
            return socket::open(door, request, visit.peer);
        }
        Ok(()) => match (user::admit(door, &mut request, visit).await, &door.riding) {
            (Err(reply), _) => reply,
            (Ok(()), Some(layer)) => return riding::answer(layer, door, request, visit).await,
            (Ok(()), None) => return respond(door, request, visit).await,
        },
    };
    door.counters.http_refused.fetch_add(1, Ordering::Relaxed);
    reply
}

/// The answer to a request whose user is known.
pub(super) async fn respond(
    door: &Arc<Door>,
    mut request: Request<Incoming>,
    visit: &Visit,
) -> Reply {
    if let Some(reply) = own(door, &mut request, visit).await {
        return reply;
    }
    let declared = declared(&request);
    // Held until the node has answered: the body is in memory so long.
    let _held = match &visit.room {
        Some(room) => room.take(declared).await,
        None => None,
    };
    let user = user::of(request.extensions()).cloned();
    let is_of_sessions = user::is_of_sessions(door, request.uri().path());
    match admit(door, request, declared, visit.certified.clone()).await {
        Ok(request) if is_of_sessions => user::session(door, visit, user, request).await,
        Ok(request) => ask(door, visit.peer, request).await,
        Err(reply) => {
            door.counters.http_refused.fetch_add(1, Ordering::Relaxed);
            reply
        }
    }
}

/// The answer, when the path is one of the driver's.
async fn own(door: &Arc<Door>, request: &mut Request<Incoming>, visit: &Visit) -> Option<Reply> {
    match web_stream::answer(door, request, visit.peer).await {
        Some(reply) => Some(reply),
        None => api::answer(door, request).await,
    }
}

/// In HTTP/2 the host stands in the target (RFC 9113 section 8.3.1).
fn name_host(request: &mut Request<Incoming>) {
    if request.headers().contains_key(HOST) {
        return;
    }
    let host = request.uri().authority();
    let host = host.and_then(|host| HeaderValue::from_str(host.as_str()).ok());
    if let Some(host) = host.filter(|_| request.version() == Version::HTTP_2) {
        request.headers_mut().insert(HOST, host);
    }
}

/// The length of the body, where it is told before.
fn declared(request: &Request<Incoming>) -> Option<usize> {
    if request.body().is_end_stream() {
        return Some(0);
    }
    let length = request.headers().get(CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// The request for the node, or why it does not get it.
async fn admit(
    door: &Door,
    request: Request<Incoming>,
    declared: Option<usize>,
    certified: Option<String>,
) -> Result<HttpRequest, Reply> {
    if door.is_stopping() {
        return Err(last_problem(503, "the gateway is stopping"));
    }
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    if changes && door.gauge.failing.load(Ordering::Acquire) {
        return Err(of_node(order::unavailable()));
    }
    let (head, body) = request.into_parts();
    let mut headers = Vec::with_capacity(head.headers.len());
    for (name, value) in &head.headers {
        let Ok(value) = core::str::from_utf8(value.as_bytes()) else {
            let detail = format!("the value of {name} is no text");
            return Err(last_problem(400, &detail));
        };
        headers.push((name.as_str().to_owned(), value.to_owned()));
    }
    let user = user::of(&head.extensions);
    headers.extend(user.map(|user| (HttpRequest::ACCOUNT.to_owned(), user.account.clone())));
    headers.extend(certified.map(|name| (HttpRequest::CERTIFIED.to_owned(), name)));
    let asks_first = head.headers.contains_key(EXPECT);
    let body = read_body(body, declared, asks_first, &door.limits).await?;
    let target = head
        .uri
        .path_and_query()
        .map_or_else(|| head.uri.to_string(), ToString::to_string);
    Ok(HttpRequest {
        method: head.method.as_str().to_owned(),
        target,
        headers,
        body,
    })
}

async fn read_body(
    mut body: Incoming,
    declared: Option<usize>,
    asks_first: bool,
    limits: &Limits,
) -> Result<Bytes, Reply> {
    let most = limits.http_body_octets;
    let too_large = || {
        let detail = format!("the body may have at most {most} octets");
        last_problem(413, &detail)
    };
    if declared.is_some_and(|octets| octets > most) {
        // Who asks first is told before it sends; who sends already must get rid of it to hear the answer.
        if !asks_first {
            let _ = timeout(DISCARD, discard(body)).await;
        }
        return Err(too_large());
    }
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let patience = limits.http_read;
    let end = Instant::now() + patience * PATIENCE_FACTOR;
    let mut first = Bytes::new();
    let mut octets = BytesMut::new();
    loop {
        let until = end.min(Instant::now() + patience);
        let frame = match timeout_at(until, body.frame()).await {
            Err(_) => return Err(last_problem(408, "the body came too slowly")),
            Ok(None) => break,
            Ok(Some(Err(_))) => return Err(last_problem(400, "the body broke off")),
            Ok(Some(Ok(frame))) => frame,
        };
        // Trailers are left out.
        let Ok(part) = frame.into_data() else {
            continue;
        };
        if first
            .len()
            .saturating_add(octets.len())
            .saturating_add(part.len())
            > most
        {
            let _ = timeout(DISCARD, discard(body)).await;
            return Err(too_large());
        }
        if first.is_empty() && octets.is_empty() {
            first = part;
        } else {
            octets.extend_from_slice(&core::mem::take(&mut first));
            octets.extend_from_slice(&part);
        }
    }
    // Most bodies come in one part, which needs no copy.
    Ok(if octets.is_empty() {
        first
    } else {
        octets.freeze()
    })
}

/// Reads on without keeping anything: a connection that is closed with octets unread is reset, and the answer lost.
async fn discard(mut body: Incoming) {
    let mut left = DISCARD_OCTETS;
    while let Some(Ok(frame)) = body.frame().await {
        left = left.saturating_sub(frame.data_ref().map_or(1, Bytes::len));
        if left == 0 {
            return;
        }
    }
}

/// Lets the node answer.
async fn ask(door: &Door, peer: SocketAddr, request: HttpRequest) -> Reply {
    match consult(door, peer, request).await {
        Ok(response) => of_node(response),
        Err(refusal) => *refusal,
    }
}

/// What the node answers, or what its asker is told instead.
pub(super) async fn consult(
    door: &Door,
    peer: SocketAddr,
    request: HttpRequest,
) -> Result<HttpResponse, Box<Reply>> {
    let patience = door.limits.http_answer + waits(&request.target);
    let (answer, answered) = oneshot::channel();
    let arrival = Arrival::Request {
        peer,
        request,
        answer,
    };
    let exchange = async {
        door.inbox.send(arrival).await.ok()?;
        answered.await.ok()
    };
    match timeout(patience, exchange).await {
        Ok(Some(response)) => Ok(response),
        Ok(None) => Err(Box::new(last_problem(503, "the gateway is stopping"))),
        Err(_) => {
            door.counters.http_timed_out.fetch_add(1, Ordering::Relaxed);
            let late = problem(504, "the gateway did not answer in time", Value::Null);
            Err(Box::new(late))
        }
    }
}

/// How long a request itself asks to wait for its answer.
fn waits(target: &str) -> Duration {
    let Some((path, query)) = target.split_once('?') else {
        return Duration::ZERO;
    };
    if !(path.starts_with("/api/v1/clients/") && path.ends_with("/messages")) {
        return Duration::ZERO;
    }
    let wait = query.split('&').find_map(|pair| pair.strip_prefix("wait="));
    let seconds = wait.and_then(|wait| wait.parse().ok());
    Duration::from_secs(seconds.unwrap_or(0)).min(WAIT_MAX)
}
