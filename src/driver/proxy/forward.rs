//! The service that passes requests on to a site, and its responses back.

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body_util::{Either, Empty, Full};
use hyper::body::{Body as _, Incoming};
use hyper::ext::on_informational;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, EXPECT, HOST, HeaderValue};
use hyper::http::request::Parts;
use hyper::http::uri::PathAndQuery;
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;
use tokio::time::timeout;
use tower_service::Service;

use super::body::{Consent, Onward, Outgoing, Patient, Progress};
use super::door::Occupied;
use super::health::Health;
use super::{Figures, Host, Peer, Settings, head, tunnel};
use crate::driver::http::{Connector, PROBLEM, module, problem_text};
use crate::driver::tls::Tls;
use crate::limits::{HTTP_HEAD_OCTETS, HTTP_HEADER_ROWS};

/// A site behind us.
#[derive(Clone, Debug)]
pub struct Forward(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    client: Client<Connector, Outgoing>,
    settings: Settings,
    figures: Arc<Figures>,
    health: Health,
}

/// Why there is no response of the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// It is nothing that is passed on.
    Refused(u16, &'static str),
    /// The client did not send all of its body.
    Cut { is_late: bool },
    /// No connection to the site.
    Unreachable,
    /// The site took too long.
    Late,
    /// The site broke off, or what it said is no HTTP.
    Broken,
}

impl Forward {
    /// What passes requests on as the settings say; `tls` says whom to believe at an `https` site.
    #[must_use]
    pub fn new(settings: Settings, tls: &Tls, figures: Arc<Figures>) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(settings.bounds.keep)
            .http1_max_buf_size(HTTP_HEAD_OCTETS)
            .http1_max_headers(HTTP_HEADER_ROWS)
            .http1_preserve_header_case(true)
            .build(Connector::of_one(tls.clone()));
        Self(Arc::new(Shared {
            client,
            settings,
            figures,
            health: Health::new("the site"),
        }))
    }
}

impl Service<Request<Incoming>> for Forward {
    type Response = Response<Onward>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Onward>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let shared = self.0.clone();
        Box::pin(async move { Ok(shared.answer(request).await) })
    }
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>) -> Response<Onward> {
        let figures = &self.figures;
        let failure = match self.pass(request).await {
            Ok(response) => {
                self.health.works();
                return response;
            }
            Err(failure) => failure,
        };
        let (status, detail) = match failure {
            Failure::Refused(status, why) => (status, why),
            Failure::Cut { is_late: true } => (408, "the body came too slowly"),
            Failure::Cut { is_late: false } => (400, "the body broke off"),
            Failure::Unreachable => (502, "the site does not answer"),
            Failure::Broken => (502, "the site broke off before it answered"),
            Failure::Late => (504, "the site did not answer in time"),
        };
        match failure {
            Failure::Refused(..) | Failure::Cut { .. } => Figures::add(&figures.refused),
            Failure::Late => Figures::add(&figures.upstream_late),
            Failure::Unreachable | Failure::Broken => Figures::add(&figures.upstream_failed),
        }
        if status >= 500 && status != 501 {
            self.health.fails(detail);
        }
        refusal(status, detail)
    }

    async fn pass(&self, mut request: Request<Incoming>) -> Result<Response<Onward>, Failure> {
        check(&request)?;
        if let Some(own) = self.module(&request) {
            return Ok(own);
        }
        let occupied = request.extensions_mut().remove::<Occupied>();
        let is_tunnel = head::wants_websocket(&request);
        let client = is_tunnel.then(|| hyper::upgrade::on(&mut request));
        let (mut head, body) = request.into_parts();
        self.address(&mut head, is_tunnel)?;
        // What a client may send twice may be sent twice by us, when it has no body (RFC 9110 section 9.2.2).
        let is_repeatable = !is_tunnel
            && body.is_end_stream()
            && matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS);
        let repeated = is_repeatable.then(|| head.clone());
        let (response, asked) = match self.exchange(head, body).await {
            // A connection that was kept may end in the moment in which it is used.
            Err(failure @ Failure::Broken) => match repeated {
                Some(head) => (
                    self.send(head, Either::Right(Empty::new()), None).await?,
                    None,
                ),
                None => return Err(failure),
            },
            exchanged => exchanged?,
        };
        self.come_back(response, asked, client, occupied)
    }

    /// A module of pages, where they are answered here.
    fn module(&self, request: &Request<Incoming>) -> Option<Response<Onward>> {
        let root = self.settings.snippet.as_deref()?;
        let name = request.uri().path().strip_prefix(root)?;
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut refused = refusal(405, "this path is only read");
            let allowed = HeaderValue::from_static("GET, HEAD");
            refused.headers_mut().insert(ALLOW, allowed);
            return Some(refused);
        }
        let Some((kind, octets)) = module(name) else {
            return Some(refusal(404, "there is no such module"));
        };
        let mut response = Response::new(Either::Right(Full::new(octets.into())));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        Some(response)
    }

    /// Makes the head that the site gets.
    fn address(&self, head: &mut Parts, is_tunnel: bool) -> Result<(), Failure> {
        let settings = &self.settings;
        let peer = head.extensions.get::<Peer>().map(|Peer(peer)| *peer);
        // Who writes the whole URL means the host in it (RFC 9112 section 3.2.2).
        let named = head.uri.authority().map(|own| own.as_str().to_owned());
        let path = head.uri.path_and_query().cloned();
        let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
        let target = settings.upstream.target(path);
        head.uri = target.ok_or(Failure::Refused(400, "the target is none of a site"))?;
        head.version = Version::HTTP_11;
        let takes_trailers = head::takes_trailers(&head.headers);
        head.headers = head::onward(core::mem::take(&mut head.headers));
        let headers = &mut head.headers;
        if let Some(proxies) = &settings.proxies {
            let is_theirs =
                |peer: SocketAddr| proxies.networks.iter().any(|it| it.contains(peer.ip()));
            if !peer.is_some_and(is_theirs) {
                headers.remove(proxies.header.as_str());
            }
        }
        if let Some(host) = named.and_then(|host| HeaderValue::from_str(&host).ok()) {
            headers.insert(HOST, host);
        }
        let host = head::host(headers).cloned();
        head::tell(headers, settings.forwarded, peer, host.as_ref());
        if settings.host == Host::Upstream {
            // The client names the host of the URL when there is none.
            headers.remove(HOST);
        }
        if is_tunnel {
            head::ask_for_websocket(headers);
        }
        if takes_trailers {
            head::ask_for_trailers(headers);
        }
        Ok(())
    }

    async fn exchange(
        &self,
        head: Parts,
        body: Incoming,
    ) -> Result<(Response<Incoming>, Option<Consent>), Failure> {
        if body.is_end_stream() {
            let response = self.send(head, Either::Right(Empty::new()), None).await?;
            return Ok((response, None));
        }
        let bounds = self.settings.bounds;
        let asks_first = head.headers.get(EXPECT);
        let asks_first =
            asks_first.is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"100-continue"));
        let (consent, gate) = asks_first.then(|| Consent::new(bounds.consent)).unzip();
        let progress = Arc::new(Progress::default());
        let body = Patient::request(body, bounds.client, progress.clone(), gate);
        let mut request = Request::from_parts(head, Either::Left(body));
        if let Some(consent) = consent.clone() {
            on_informational(&mut request, move |response| {
                if response.status() == StatusCode::CONTINUE {
                    consent.give();
                }
            });
        }
        let (head, body) = request.into_parts();
        let response = self.send(head, body, Some(&progress)).await?;
        Ok((response, consent))
    }

    /// Sends a request and waits for the head of its response.
    async fn send(
        &self,
        head: Parts,
        body: Outgoing,
        progress: Option<&Progress>,
    ) -> Result<Response<Incoming>, Failure> {
        let mut asking = pin!(self.client.request(Request::from_parts(head, body)));
        loop {
            let before = progress.map(Progress::parts);
            match timeout(self.settings.bounds.head, asking.as_mut()).await {
                Ok(answered) => return answered.map_err(|error| failure(&error, progress)),
                // As long as the body of the request comes, its response is not late.
                Err(_) if before != progress.map(Progress::parts) => {}
                Err(_) => return Err(Failure::Late),
            }
        }
    }

    fn come_back(
        &self,
        mut response: Response<Incoming>,
        asked: Option<Consent>,
        client: Option<OnUpgrade>,
        occupied: Option<Occupied>,
    ) -> Result<Response<Onward>, Failure> {
        let becomes_tunnel = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        if becomes_tunnel {
            let upstream = hyper::upgrade::on(&mut response);
            let client = client.ok_or(Failure::Broken)?;
            let silence = self.settings.bounds.tunnel;
            Figures::add(&self.figures.tunnels);
            tokio::spawn(async move {
                tunnel::join(client, upstream, silence).await;
                drop(occupied);
            });
        }
        let (mut head, body) = response.into_parts();
        head.headers = head::onward(head.headers);
        head.version = Version::HTTP_11;
        if becomes_tunnel {
            head::ask_for_websocket(&mut head.headers);
        }
        let body = Patient::response(body, self.settings.bounds.silence, asked);
        Ok(Response::from_parts(head, Either::Left(body)))
    }
}

/// Whether it is anything that can be passed on.
fn check(request: &Request<Incoming>) -> Result<(), Failure> {
    if *request.method() == Method::CONNECT {
        return Err(Failure::Refused(501, "no tunnels are opened here"));
    }
    let has_host = head::host(request.headers()).is_some();
    let needs_host = request.version() == Version::HTTP_11 || request.headers().contains_key(HOST);
    if needs_host && !has_host {
        return Err(Failure::Refused(400, "a request names its host, once"));
    }
    Ok(())
}

/// An answer of our own.
fn refusal(status: u16, detail: &str) -> Response<Onward> {
    let text = problem_text(status, detail, Value::Null);
    let mut response = Response::new(Either::Right(Full::new(text.into())));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn failure(error: &ClientError, progress: Option<&Progress>) -> Failure {
    tracing::debug!(error = innermost(error), "the site did not answer");
    if let Some(progress) = progress.filter(|progress| progress.is_broken()) {
        let is_late = progress.is_late();
        return Failure::Cut { is_late };
    }
    if error.is_connect() {
        return match is_timeout(error) {
            true => Failure::Late,
            false => Failure::Unreachable,
        };
    }
    Failure::Broken
}

fn is_timeout(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::TimedOut) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The cause at the bottom of an error.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
