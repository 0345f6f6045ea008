//! The HTTP requests a node makes: results to initiators, pushes to terminals and to push providers, pushes that another
//! gateway delivers. Each kind has room of its own, so that what does not answer keeps nothing of another kind waiting.
//!
//! Over TLS the server chooses between HTTP/2 and HTTP/1.1 (ALPN). A request with an empty Host, as terminals get it
//! (WAP-235 section 7.1), is one of HTTP/1.1: HTTP/2 has no form for it. A request that says so is one of HTTP/2, by prior knowledge where there is no TLS. Not here: redirects are not followed, cookies are
//! not kept, proxies are not used.

use std::error::Error;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::client::TlsStream;

use crate::driver::node::Arrival;
use crate::driver::observe::Counters;
use crate::driver::tls::{ALPN_TWO, Tls, server_name};
use crate::limits::{FETCHES_AT_ONCE, FETCHES_WAITING, HTTP_HEAD_OCTETS};
use crate::world::{Errand, FetchError, FetchId, HttpRequest, HttpResponse, Input};

/// How long one address of a host may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an unused connection is kept.
const KEEP: Duration = Duration::from_secs(30);

/// Makes HTTP requests.
#[derive(Debug)]
pub(in crate::driver) struct Fetcher {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    client: Client<Connector, Full<Bytes>>,
    /// The same without HTTP/2.
    older: Client<Connector, Full<Bytes>>,
    /// The same with HTTP/2 alone.
    newer: Client<Connector, Full<Bytes>>,
    inbox: mpsc::Sender<Arrival>,
    counters: Arc<Counters>,
    patience: Duration,
    octets_max: usize,
    rooms: [Room; Errand::ALL.len()],
}

/// What the requests of one errand have for themselves.
#[derive(Debug)]
struct Room {
    /// Those that are not finished.
    waiting: AtomicUsize,
    /// Those that may be under way.
    free: Semaphore,
}

impl Shared {
    fn room(&self, errand: Errand) -> &Room {
        let [result, device, relay, wake, browser] = &self.rooms;
        match errand {
            Errand::Result => result,
            Errand::Device => device,
            Errand::Relay => relay,
            Errand::Wake => wake,
            Errand::Browser => browser,
        }
    }
}

impl Fetcher {
    /// A client that waits `patience` for an answer, its turn included, and reads at most `octets_max` of its body.
    pub(in crate::driver) fn new(
        inbox: mpsc::Sender<Arrival>,
        tls: &Tls,
        patience: Duration,
        octets_max: usize,
        counters: Arc<Counters>,
    ) -> Self {
        let client = |chooses, is_two| {
            let connector = Connector {
                tls: tls.clone(),
                chooses,
            };
            Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(KEEP)
                .http2_only(is_two)
                .http2_max_header_list_size(u32::try_from(HTTP_HEAD_OCTETS).unwrap_or(u32::MAX))
                .build(connector)
        };
        let (client, older, newer) = (
            client(true, false),
            client(false, false),
            client(true, true),
        );
        Self {
            shared: Arc::new(Shared {
                client,
                older,
                newer,
                inbox,
                counters,
                patience,
                octets_max,
                rooms: Errand::ALL.map(|_| Room {
                    waiting: AtomicUsize::new(0),
                    free: Semaphore::new(FETCHES_AT_ONCE),
                }),
            }),
        }
    }

    /// Starts a request; its answer comes to the node as an input.
    pub(in crate::driver) fn fetch(
        &self,
        id: FetchId,
        errand: Errand,
        request: HttpRequest,
    ) -> Result<(), FetchError> {
        let is_two = request.header(HttpRequest::TWO).is_some();
        let request = build(request)?;
        let waiting = &self.shared.room(errand).waiting;
        if waiting.fetch_add(1, Ordering::AcqRel) >= FETCHES_WAITING {
            waiting.fetch_sub(1, Ordering::AcqRel);
            return Err(FetchError::Unreachable);
        }
        let asked = Asked { is_two, request };
        tokio::spawn(fetch(self.shared.clone(), id, errand, asked));
        Ok(())
    }

    /// How many fetches are not finished.
    pub(in crate::driver) fn unfinished(&self) -> usize {
        let rooms = self.shared.rooms.iter();
        let unfinished = rooms.map(|room| room.waiting.load(Ordering::Acquire));
        unfinished.fold(0, usize::saturating_add)
    }
}

fn build(request: HttpRequest) -> Result<Request<Full<Bytes>>, FetchError> {
    let uri: Uri = request.target.parse().map_err(|_| FetchError::BadUrl)?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
        return Err(FetchError::BadUrl);
    }
    let mut builder = Request::builder().method(request.method.as_str()).uri(uri);
    for (name, value) in &request.headers {
        // The connection's own headers are hyper's to write.
        let is_ours = matches!(
            name.as_str(),
            "content-length" | "transfer-encoding" | "connection" | HttpRequest::TWO
        );
        if !is_ours {
            builder = builder.header(name, value);
        }
    }
    builder
        .body(Full::new(request.body))
        .map_err(|_| FetchError::BadUrl)
}

/// A request that is to be made.
struct Asked {
    /// Of HTTP/2 alone.
    is_two: bool,
    request: Request<Full<Bytes>>,
}

async fn fetch(shared: Arc<Shared>, id: FetchId, errand: Errand, asked: Asked) {
    let room = shared.room(errand);
    let until = Instant::now() + shared.patience;
    // What waited for half of its time would leave too late to be answered in the rest: it never left.
    let response = match timeout(shared.patience / 2, room.free.acquire()).await {
        Ok(_permit) => {
            shared.counters.fetches.fetch_add(1, Ordering::Relaxed);
            timeout_at(until, exchange(&shared, asked))
                .await
                .unwrap_or(Err(FetchError::TimedOut))
        }
        Err(_) => Err(FetchError::Unreachable),
    };
    if response.is_err() {
        shared
            .counters
            .fetches_failed
            .fetch_add(1, Ordering::Relaxed);
    }
    let input = Input::Response { id, response };
    let _ = shared.inbox.send(Arrival::Input(input)).await;
    room.waiting.fetch_sub(1, Ordering::AcqRel);
}

async fn exchange(shared: &Shared, asked: Asked) -> Result<HttpResponse, FetchError> {
    let Asked { is_two, request } = asked;
    let has_no_host = request
        .headers()
        .get(HOST)
        .is_some_and(HeaderValue::is_empty);
    let client = match (has_no_host, is_two) {
        (true, _) => &shared.older,
        (false, true) => &shared.newer,
        (false, false) => &shared.client,
    };
    let response = client.request(request).await.map_err(|error| {
        tracing::debug!(%error, "a fetch failed");
        if error.is_connect() {
            FetchError::Unreachable
        } else {
            FetchError::Broken
        }
    })?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, shared.octets_max)
        .collect()
        .await
        .map_err(|error| {
            if error.is::<LengthLimitError>() {
                tracing::debug!("the answer to a fetch is too large");
            }
            FetchError::Broken
        })?
        .to_bytes();
    let headers = head
        .headers
        .iter()
        .filter_map(|(name, value)| {
            let value = value.to_str().ok()?;
            Some((name.as_str().to_owned(), value.to_owned()))
        })
        .collect();
    Ok(HttpResponse {
        status: head.status.as_u16(),
        headers,
        body,
    })
}

/// Opens connections for the client.
#[derive(Clone, Debug)]
pub(in crate::driver) struct Connector {
    tls: Tls,
    /// Whether the server may choose HTTP/2.
    chooses: bool,
}

type Opened = Result<Wire, Box<dyn Error + Send + Sync>>;

impl tower_service::Service<Uri> for Connector {
    type Response = Wire;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Opened> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move { connector.open(&uri).await.map_err(Into::into) })
    }
}

impl Connector {
    /// What opens connections of HTTP/1.1 only.
    pub(in crate::driver) const fn of_one(tls: Tls) -> Self {
        Self {
            tls,
            chooses: false,
        }
    }

    async fn open(&self, uri: &Uri) -> io::Result<Wire> {
        let host = uri.host().unwrap_or_default();
        let bare = host.trim_matches(['[', ']']);
        let is_tls = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let (tcp, peer) = connect(bare, port).await?;
        if !is_tls {
            return Ok(Wire::Plain(TokioIo::new(tcp)));
        }
        let connector = if self.chooses {
            self.tls.http_connector(peer)
        } else {
            self.tls.connector(peer)
        };
        let connector =
            connector.ok_or_else(|| io::Error::other("no trusted certificates configured"))?;
        let name = server_name(Some(bare), peer)?;
        let stream = connector.connect(name, tcp).await?;
        Ok(Wire::Tls(Box::new(TokioIo::new(stream))))
    }
}

/// Connects to the first address of the host that takes it.
async fn connect(host: &str, port: u16) -> io::Result<(TcpStream, SocketAddr)> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for peer in tokio::net::lookup_host((host, port)).await? {
        match timeout(CONNECT, TcpStream::connect(peer)).await {
            Ok(Ok(tcp)) => {
                tcp.set_nodelay(true)?;
                return Ok((tcp, peer));
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = io::Error::from(io::ErrorKind::TimedOut),
        }
    }
    Err(last)
}

/// A connection, plain or inside TLS.
pub(in crate::driver) enum Wire {
    Plain(TokioIo<TcpStream>),
    Tls(Box<TokioIo<TlsStream<TcpStream>>>),
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        let connected = Connected::new();
        match self {
            Self::Tls(tls) if tls.inner().get_ref().1.alpn_protocol() == Some(ALPN_TWO) => {
                connected.negotiated_h2()
            }
            _ => connected,
        }
    }
}

impl hyper::rt::Read for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(plain).poll_read(cx, buffer),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buffer),
        }
    }
}

impl hyper::rt::Write for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(plain).poll_write(cx, octets),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, octets),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(plain).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(plain).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
