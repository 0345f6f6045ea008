//! What is unread, asked of a gateway over its API.
//!
//! **Source:** requirements R4.7, R4.8, R4.17; the routes `GET /api/v1/accounts/{account}/unread` and `POST …/offered`. Each
//! question is a task of its own, so that one that nobody waits for any more still tells whether the gateway works. After
//! a failure the gateway is left alone for a while, so that a site whose gateway is down goes as fast as ever.

use std::collections::HashMap;
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderValue};
use hyper::http::uri::PathAndQuery;
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::forward::innermost;
use super::health::Health;
use super::{Figures, Origin};
use crate::codec::site_message::Stamp;
use crate::driver::http::Connector;
use crate::driver::identity::cookie;
use crate::driver::piggyback::UnreadSource;
use crate::driver::tls::Tls;

/// Octets of an answer of the gateway.
const ANSWER_OCTETS: usize = 65_536;
/// Questions that are open at a time; a further one is not asked.
const QUESTIONS: usize = 256;
/// Users of whom it is remembered what they have seen; all are forgotten when they are more.
const USERS: usize = 16_384;
/// Items that are asked for: more find no room in a header.
const ITEMS: u32 = 10;
/// How long an unused connection is kept.
const KEEP: Duration = Duration::from_secs(20);

/// Where the gateway is, and how it is treated.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// Where its API is.
    pub origin: Origin,
    /// The `Authorization` header of an initiator, where the gateway wants one.
    pub authorization: Option<String>,
    /// How long it may take for an answer before that counts as a failure.
    pub answer: Duration,
    /// How long it is left alone after a failure.
    pub rest: Duration,
}

impl Gateway {
    /// A gateway that lets everybody ask, with the usual times.
    #[must_use]
    pub const fn new(origin: Origin) -> Self {
        Self {
            origin,
            authorization: None,
            answer: Duration::from_secs(2),
            rest: Duration::from_secs(1),
        }
    }
}

/// The message store of a gateway.
#[derive(Clone, Debug)]
pub struct ApiSource(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    client: Client<Connector, Full<Bytes>>,
    gateway: Gateway,
    authorization: Option<HeaderValue>,
    room: Arc<Semaphore>,
    figures: Arc<Figures>,
    health: Health,
    /// When the gateway may be asked again after a failure.
    rests_until: Mutex<Instant>,
    /// One of those who ask after a rest goes first.
    is_probing: AtomicBool,
    /// Up to which message the gateway knows that a user was offered it.
    offered: Mutex<HashMap<String, u64>>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{0}")]
    Transport(String),
    #[error("it did not answer in time")]
    Late,
    #[error("it answers {0}: check the name and password that it is shown")]
    Refused(u16),
    #[error("it answers {0}")]
    Status(u16),
    #[error("what it says is not what is unread")]
    Unreadable,
}

impl ApiSource {
    /// The store of that gateway; `tls` says whom to believe at an `https` one.
    ///
    /// # Errors
    /// When the authorization is no text of a header.
    pub fn new(
        gateway: Gateway,
        tls: &Tls,
        figures: Arc<Figures>,
    ) -> Result<Self, hyper::header::InvalidHeaderValue> {
        let authorization = gateway.authorization.as_deref();
        let authorization = authorization.map(HeaderValue::from_str).transpose()?;
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(KEEP)
            .build(Connector::of_one(tls.clone()));
        Ok(Self(Arc::new(Shared {
            client,
            gateway,
            authorization,
            room: Arc::new(Semaphore::new(QUESTIONS)),
            figures,
            health: Health::new("the gateway"),
            rests_until: Mutex::new(Instant::now()),
            is_probing: AtomicBool::new(false),
            offered: Mutex::new(HashMap::new()),
        })))
    }

    /// The account of the session with that token; `None` when the gateway does not say.
    pub(super) async fn account(&self, token: &str) -> Option<Option<String>> {
        let question = Question {
            method: Method::GET,
            path: "/api/v1/sessions".to_owned(),
            body: Bytes::new(),
            session: Some(token.to_owned()),
        };
        let read = |octets: &[u8]| {
            let session: Value = serde_json::from_slice(octets).ok()?;
            Some(session.get("account")?.as_str()?.to_owned())
        };
        self.ask(question, read).await
    }

    /// Asks, unless the gateway rests or too much is open; what comes of it counts, also when nobody waits for it. Inside
    /// is nothing when the gateway knows nothing of what was asked for.
    async fn ask<T: Send + 'static>(
        &self,
        question: Question,
        read: impl FnOnce(&[u8]) -> Option<T> + Send + 'static,
    ) -> Option<Option<T>> {
        let shared = self.0.clone();
        let permit = shared.room.clone().try_acquire_owned().ok();
        let Some(permit) = permit.filter(|_| shared.may_ask()) else {
            Figures::add(&shared.figures.gateway_spared);
            return None;
        };
        let asking = tokio::spawn(async move {
            let answered = shared.exchange(question).await;
            drop(permit);
            let answered = answered.and_then(|answer| {
                let read = answer.map(|octets| read(&octets).ok_or(Trouble::Unreadable));
                read.transpose()
            });
            shared.judge(answered)
        });
        asking.await.ok().flatten()
    }
}

/// What the gateway is asked.
struct Question {
    method: Method,
    path: String,
    body: Bytes,
    /// The token of a session, whose user is asked for.
    session: Option<String>,
}

impl Shared {
    /// True unless the gateway failed a moment ago; of those who come after its rest one is let through alone.
    fn may_ask(&self) -> bool {
        if !self.health.is_down() {
            return true;
        }
        let until = *self
            .rests_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Instant::now() >= until && !self.is_probing.swap(true, Ordering::Relaxed)
    }

    fn judge<T>(&self, answered: Result<T, Trouble>) -> Option<T> {
        match answered {
            Ok(answer) => {
                self.health.works();
                self.is_probing.store(false, Ordering::Relaxed);
                Some(answer)
            }
            Err(trouble) => {
                Figures::add(&self.figures.gateway_failed);
                self.health.fails(&trouble.to_string());
                let until = Instant::now() + self.gateway.rest;
                *self
                    .rests_until
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) = until;
                self.is_probing.store(false, Ordering::Relaxed);
                None
            }
        }
    }

    /// The answer; nothing where the gateway knows no such account.
    async fn exchange(&self, question: Question) -> Result<Option<Bytes>, Trouble> {
        let Question {
            method,
            path,
            body,
            session,
        } = question;
        Figures::add(&self.figures.gateway_asked);
        let path = PathAndQuery::try_from(path).map_err(|_| Trouble::Unreadable)?;
        let target = self.gateway.origin.target(path);
        let mut request = Request::new(Full::new(body));
        *request.uri_mut() = target.ok_or(Trouble::Unreadable)?;
        *request.method_mut() = method;
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(token) = &session {
            let pair = HeaderValue::from_str(&format!("{}={token}", cookie::name(false)));
            // What is no text of a cookie is nobody's session.
            let Ok(pair) = pair else { return Ok(None) };
            headers.insert(COOKIE, pair);
        } else if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        let exchange = async {
            let answered = self.client.request(request).await;
            let response = answered.map_err(|error| transport(&error))?;
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), ANSWER_OCTETS)
                .collect()
                .await;
            let body = body.map_err(|error| Trouble::Transport(error.to_string()))?;
            Ok((status, body.to_bytes()))
        };
        let answered = timeout(self.gateway.answer, exchange).await;
        let (status, body) = answered.unwrap_or(Err(Trouble::Late))?;
        match status {
            200..=299 => Ok(Some(body)),
            404 => Ok(None),
            401 | 403 if session.is_some() => Ok(None),
            401 | 403 => Err(Trouble::Refused(status)),
            _ => Err(Trouble::Status(status)),
        }
    }

    fn is_known(&self, user: &str, upto: u64) -> bool {
        let offered = self.offered.lock().unwrap_or_else(PoisonError::into_inner);
        offered.get(user).is_some_and(|known| *known >= upto)
    }

    fn know(&self, user: &str, upto: u64) {
        let mut offered = self.offered.lock().unwrap_or_else(PoisonError::into_inner);
        if offered.len() >= USERS {
            offered.clear();
        }
        let known = offered.entry(user.to_owned()).or_default();
        *known = upto.max(*known);
    }
}

fn transport(error: &(dyn Error + 'static)) -> Trouble {
    Trouble::Transport(innermost(error))
}

impl UnreadSource for ApiSource {
    async fn peek(&self, user: &str) -> Option<Stamp> {
        let path = format!("/api/v1/accounts/{}/unread?items={ITEMS}", escaped(user));
        let question = Question {
            method: Method::GET,
            path,
            body: Bytes::new(),
            session: None,
        };
        let read = |octets: &[u8]| serde_json::from_slice(octets).ok();
        self.ask(question, read).await.flatten()
    }

    async fn offered(&self, user: &str, upto: u64) {
        // A page says with every request what it has seen; the gateway hears it once.
        if self.0.is_known(user, upto) {
            return;
        }
        let path = format!("/api/v1/accounts/{}/offered", escaped(user));
        let question = Question {
            method: Method::POST,
            path,
            body: format!("{{\"upto\":{upto}}}").into(),
            session: None,
        };
        if self.ask(question, |_| Some(())).await.is_some() {
            self.0.know(user, upto);
        }
    }
}

/// A segment of a path: everything but letters, digits and `-._~` escaped.
fn escaped(text: &str) -> String {
    use core::fmt::Write as _;
    let mut escaped = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            escaped.push(char::from(octet));
        } else {
            let _ = write!(escaped, "%{octet:02X}");
        }
    }
    escaped
}
