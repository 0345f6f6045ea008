//! Connections of clients: bounded in number, size and patience.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tower_service::Service;

use super::{Bounds, Figures, Peer};
use crate::codec::site_message::{FORM, UNREAD};
use crate::limits::{HTTP_HEAD_OCTETS, HTTP_HEADER_ROWS};

/// How long a listener rests when the system gives it no more sockets.
const REST: Duration = Duration::from_millis(50);

/// Serves a site on a listener until `stop` becomes true; then what is under way is finished, as long as that may take.
pub async fn serve<S, B>(
    listener: TcpListener,
    site: S,
    figures: Arc<Figures>,
    bounds: Bounds,
    mut stop: watch::Receiver<bool>,
) where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let room = Arc::new(Semaphore::new(bounds.connections));
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stop.wait_for(|is_over| *is_over) => break,
            accepted = listener.accept() => accepted,
        };
        let (tcp, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "no connection could be accepted");
                sleep(REST).await;
                continue;
            }
        };
        let Ok(permit) = room.clone().try_acquire_owned() else {
            Figures::add(&figures.connections_refused);
            continue;
        };
        let visit = Visit {
            peer,
            open: Arc::new(Open::new(figures.clone(), permit)),
            figures: figures.clone(),
            bounds,
            stop: stop.clone(),
        };
        tokio::spawn(visit.serve(tcp, site.clone()));
    }
    drop(listener);
    let all = u32::try_from(bounds.connections).unwrap_or(u32::MAX);
    let _ = timeout(bounds.drain, room.acquire_many(all)).await;
}

/// A connection that counts as long as anything of it lasts, a tunnel too.
#[derive(Debug)]
pub(super) struct Open {
    figures: Arc<Figures>,
    #[expect(dead_code, reason = "its room is taken as long as it is held")]
    permit: OwnedSemaphorePermit,
}

/// Given to each request, for the tunnel that it may become.
#[derive(Clone, Debug)]
pub(super) struct Occupied(#[expect(dead_code, reason = "held")] Arc<Open>);

impl Open {
    fn new(figures: Arc<Figures>, permit: OwnedSemaphorePermit) -> Self {
        figures.connections.fetch_add(1, Ordering::Relaxed);
        Self { figures, permit }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.figures.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One connection of a client.
struct Visit {
    peer: SocketAddr,
    open: Arc<Open>,
    figures: Arc<Figures>,
    bounds: Bounds,
    stop: watch::Receiver<bool>,
}

impl Visit {
    async fn serve<S, B>(self, tcp: TcpStream, site: S)
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
        S: Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let _ = tcp.set_nodelay(true);
        let mut stream = TimeoutStream::new(tcp);
        stream.set_write_timeout(Some(self.bounds.client));
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(self.bounds.client)
            .max_headers(HTTP_HEADER_ROWS)
            .max_buf_size(HTTP_HEAD_OCTETS)
            .preserve_header_case(true);
        let visit = &self;
        let service = service_fn(|mut request: Request<Incoming>| {
            Figures::add(&visit.figures.requests);
            let extensions = request.extensions_mut();
            extensions.insert(Peer(visit.peer));
            extensions.insert(Occupied(visit.open.clone()));
            let answering = site.clone().call(request);
            async {
                let response = answering.await?;
                let headers = response.headers();
                if headers.contains_key(UNREAD) || headers.contains_key(FORM) {
                    Figures::add(&visit.figures.stamped);
                }
                Ok::<_, Infallible>(response)
            }
        });
        let connection = builder.serve_connection(TokioIo::new(Box::pin(stream)), service);
        let mut connection = pin!(connection.with_upgrades());
        let mut stop = self.stop.clone();
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = stop.wait_for(|is_over| *is_over) => connection.as_mut().graceful_shutdown(),
        }
        let _ = timeout(self.bounds.drain, connection).await;
    }
}

/// Answers `GET /metrics` on a listener of its own, so that no path of the site is taken.
pub async fn serve_figures(
    listener: TcpListener,
    figures: Arc<Figures>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stop.wait_for(|is_over| *is_over) => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((tcp, _)) = accepted else {
            sleep(REST).await;
            continue;
        };
        let figures = figures.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let is_known = request.uri().path() == "/metrics";
            let text = if is_known {
                figures.text()
            } else {
                String::new()
            };
            let mut response = Response::new(Full::new(Bytes::from(text)));
            if !is_known {
                *response.status_mut() = StatusCode::NOT_FOUND;
            }
            let kind = HeaderValue::from_static("text/plain; version=0.0.4");
            response.headers_mut().insert(CONTENT_TYPE, kind);
            async { Ok::<_, Infallible>(response) }
        });
        tokio::spawn(async move {
            let mut builder = http1::Builder::new();
            builder
                .timer(TokioTimer::new())
                .keep_alive(false)
                .header_read_timeout(Duration::from_secs(5));
            let _ = builder.serve_connection(TokioIo::new(tcp), service).await;
        });
    }
}
