//! Unread messages on the gateway's own responses: the layer, and the node as whom it asks.
//!
//! **Source:** requirements R4.1, R4.3, R4.6, R4.7, R4.42. The question goes through the channel that all requests take to
//! the node, while the node, or the driver, works on the request itself.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Either;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Request, Response};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Duration, timeout};
use tower_service::Service;

use super::identity::Verified;
use super::query::escape;
use super::reply::{Reply, ReplyBody};
use super::server::{Door, Visit, respond};
use crate::codec::site_message::Stamp;
use crate::driver::clock::Clock;
use crate::driver::node::Arrival;
use crate::driver::observe::Journal;
use crate::driver::piggyback::{Piggyback, Settings, UnreadSource};
use crate::event::{Event, Fact};
use crate::world::{HttpRequest, HttpResponse};

/// Where the driver's own questions seem to come from.
const SELF: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The layer around the gateway's own responses.
pub(in crate::driver) type Riding = Piggyback<Queue>;

/// The message store, behind the channel to the node.
#[derive(Debug)]
pub(in crate::driver) struct Queue {
    pub(in crate::driver) inbox: mpsc::Sender<Arrival>,
    pub(in crate::driver) journal: Journal,
    pub(in crate::driver) clock: Clock,
    /// How long the node may take.
    pub(in crate::driver) patience: Duration,
}

/// The layer with these settings.
pub(in crate::driver) fn layer(queue: Queue, settings: Settings) -> Riding {
    let user = |request: &Parts| {
        let user = request.extensions.get::<Verified>()?;
        Some(user.account.clone())
    };
    Piggyback::new(queue, user).with(settings)
}

impl Queue {
    async fn ask(
        &self,
        user: &str,
        (method, rest): (&str, &str),
        body: Bytes,
    ) -> Option<HttpResponse> {
        let request = HttpRequest {
            method: method.to_owned(),
            target: format!("/api/v1/accounts/{}/{rest}", escape(user)),
            headers: vec![(HttpRequest::ACCOUNT.to_owned(), user.to_owned())],
            body,
        };
        let (answer, answered) = oneshot::channel();
        let arrival = Arrival::Request {
            peer: SELF,
            request,
            answer,
        };
        let exchange = async {
            self.inbox.send(arrival).await.ok()?;
            answered.await.ok()
        };
        let response = timeout(self.patience, exchange).await.ok().flatten()?;
        (response.status == 200).then_some(response)
    }
}

impl UnreadSource for Queue {
    async fn peek(&self, user: &str) -> Option<Stamp> {
        let response = self.ask(user, ("GET", "unread?levels=2"), Bytes::new());
        serde_json::from_slice(&response.await?.body).ok()
    }

    async fn offered(&self, user: &str, upto: u64) {
        let body = Bytes::from(format!(r#"{{"upto":{upto}}}"#));
        self.ask(user, ("POST", "offered"), body).await;
    }

    fn attached(&self, user: &str, stamp: &Stamp) {
        let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        self.journal.push(Event {
            t: self.clock.now(),
            fact: Fact::PbAttach {
                account: user.to_owned(),
                new: count(stamp.new),
                offered: count(stamp.old.unwrap_or_default()),
                summaries: stamp.items.len(),
            },
        });
        self.journal.announce();
    }
}

/// The gateway as a site, for one connection.
#[derive(Clone, Debug)]
struct Site {
    door: Arc<Door>,
    visit: Arc<Visit>,
}

impl Service<Request<Incoming>> for Site {
    type Response = Reply;
    type Error = std::convert::Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Reply, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let Self { door, visit } = self.clone();
        Box::pin(async move { Ok(respond(&door, request, &visit).await) })
    }
}

/// The answer to a request, with what is unread on it where its user wants that.
pub(super) async fn answer(
    layer: &Riding,
    door: &Arc<Door>,
    request: Request<Incoming>,
    visit: &Arc<Visit>,
) -> Reply {
    let site = Site {
        door: door.clone(),
        visit: visit.clone(),
    };
    let Ok(stamped): Result<Response<Either<ReplyBody, _>>, _> =
        layer.around(site).call(request).await;
    stamped.map(|body| match body {
        Either::Left(own) => own,
        Either::Right(whole) => Either::Left(whole),
    })
}
