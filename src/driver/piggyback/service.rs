//! A site with what is unread on its responses.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Either;
use hyper::body::Body;
use hyper::header::ACCEPT_ENCODING;
use hyper::{Request, Response};
use tokio::time::timeout;
use tower_service::Service;

use super::attach::{Borne, attach};
use super::rules::{asked, may_bear};
use super::{Commit, Form, Levels, Nothing, Piggyback, UnreadSource};
use crate::codec::site_message::{ASKS, Stamp};

/// A site with the layer around it.
#[derive(Debug)]
pub struct Stamped<S, U> {
    site: S,
    layer: Piggyback<U>,
}

impl<S: Clone, U> Clone for Stamped<S, U> {
    fn clone(&self) -> Self {
        Self {
            site: self.site.clone(),
            layer: self.layer.clone(),
        }
    }
}

impl<S, U> Stamped<S, U> {
    pub(super) const fn new(site: S, layer: Piggyback<U>) -> Self {
        Self { site, layer }
    }
}

type Answering<B, E> = Pin<Box<dyn Future<Output = Result<Response<Borne<B>>, E>> + Send>>;

impl<S, U, A, B> Service<Request<A>> for Stamped<S, U>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: Send,
    U: UnreadSource,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    type Response = Response<Borne<B>>;
    type Error = S::Error;
    type Future = Answering<B, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.site.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let (mut head, body) = request.into_parts();
        let user = asked(&head, self.layer.settings.unasked)
            .and_then(|seen| Some((seen, (self.layer.identify)(&head)?)));
        // The site gets its request as it would without us.
        head.headers.remove(ASKS);
        let form = self.layer.settings.form;
        if user.is_some() && matches!(form, Form::Json | Form::Multipart) {
            // Only a body that is not compressed can be wrapped.
            head.headers.remove(ACCEPT_ENCODING);
        }
        let method = head.method.clone();
        let answering = self.site.call(Request::from_parts(head, body));
        let Some((seen, user)) = user else {
            return Box::pin(async move { Ok(answering.await?.map(Either::Left)) });
        };
        let layer = self.layer.clone();
        Box::pin(async move {
            // The site works and the source looks at the same time (R4.6).
            let patience = layer.patience;
            let (response, stamp) = both(answering, layer.look(&user, seen), patience).await;
            let response = response?;
            let is_borne = may_bear(response.status(), response.headers());
            let Some(stamp) = stamp.filter(|_| is_borne) else {
                return Ok(response.map(Either::Left));
            };
            let settings = layer.settings;
            let response = attach(response, &stamp, settings.form, &method).await;
            layer.source.attached(&user, &stamp);
            if settings.commit == Commit::Send && settings.levels == Levels::Two && stamp.new > 0 {
                within(patience, layer.source.offered(&user, stamp.seq)).await;
            }
            Ok(response)
        })
    }
}

/// The answer of the site, and what the source says until then and a little longer: the site waits for nobody.
async fn both<R, T>(
    answering: impl Future<Output = R>,
    looking: impl Future<Output = Option<T>>,
    patience: Option<Duration>,
) -> (R, Option<T>) {
    let (mut answering, mut looking) = (pin!(answering), pin!(looking));
    let response = tokio::select! {
        stamp = &mut looking => return (answering.await, stamp),
        response = &mut answering => response,
    };
    (response, within(patience, looking).await.flatten())
}

/// What comes of it in that time; without one it is waited for.
async fn within<T>(patience: Option<Duration>, work: impl Future<Output = T>) -> Option<T> {
    match patience {
        Some(patience) => timeout(patience, work).await.ok(),
        None => Some(work.await),
    }
}

impl<U: UnreadSource> Piggyback<U> {
    /// What a response to that user is to bear.
    async fn look(&self, user: &str, seen: u64) -> Option<Stamp> {
        let settings = self.settings;
        if settings.commit == Commit::Ack && settings.levels == Levels::Two && seen > 0 {
            self.source.offered(user, seen).await;
        }
        let stamp = self.source.peek(user).await?;
        let stamp = match settings.levels {
            Levels::Two => stamp,
            Levels::One => single(stamp),
        };
        (settings.nothing == Nothing::Said || !stamp.is_none()).then_some(stamp)
    }
}

/// The same with one level only: unread is unread.
fn single(stamp: Stamp) -> Stamp {
    let mut single = stamp;
    single.new = single
        .new
        .saturating_add(single.old.take().unwrap_or_default());
    for item in &mut single.items {
        item.new = true;
    }
    single
}
