//! The user of a request, before it goes anywhere: verified, and not lent to a page of somebody else.

use std::net::SocketAddr;

use bytes::Bytes;
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::{HeaderValue, SET_COOKIE, WWW_AUTHENTICATE};
use serde_json::Value;

use super::identity::{By, Logins, Refused, Shown, Verified, cookie, csrf};
use super::reply::{Reply, of_node, problem};
use super::server::{Door, Visit, consult};
use crate::world::{HttpRequest, HttpResponse};

/// Where sessions are begun, shown and ended.
const SESSIONS: &str = "/api/v1/sessions";

/// Finds out who the user of a request is, and leaves it in its extensions.
pub(super) async fn admit(
    door: &Door,
    request: &mut Request<Incoming>,
    visit: &Visit,
) -> Result<(), Reply> {
    if !door.identity.is_some() {
        return Ok(());
    }
    let shown = Shown {
        now: door.clock.now(),
        peer: visit.peer.ip(),
        is_tls: visit.is_tls,
        certified: visit.certified.as_deref(),
        headers: request.headers(),
    };
    let node = Node {
        door,
        peer: visit.peer,
    };
    let user = door.identity.verify(shown, &node).await.map_err(stranger)?;
    door.identity.strip(request.headers_mut());
    csrf::check(request.method(), request.headers(), user.as_ref())
        .map_err(|forgery| problem(403, &forgery.to_string(), Value::Null))?;
    if let Some(user) = user {
        request.extensions_mut().insert(user);
    }
    Ok(())
}

/// The user who was left there.
pub(super) fn of(extensions: &hyper::http::Extensions) -> Option<&Verified> {
    extensions.get()
}

fn stranger(refused: Refused) -> Reply {
    let mut reply = problem(401, &refused.to_string(), Value::Null);
    if matches!(refused, Refused::Token(_)) {
        let challenge = "Bearer realm=\"sirgate\", error=\"invalid_token\"";
        let challenge = HeaderValue::from_static(challenge);
        reply.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    reply
}

/// The node, asked whose session it is.
struct Node<'a> {
    door: &'a Door,
    peer: SocketAddr,
}

impl Logins for Node<'_> {
    async fn account(&self, token: &str) -> Option<String> {
        let request = HttpRequest {
            method: "GET".to_owned(),
            target: SESSIONS.to_owned(),
            headers: vec![(HttpRequest::SESSION.to_owned(), token.to_owned())],
            body: Bytes::new(),
        };
        let response = consult(self.door, self.peer, request).await.ok()?;
        let body: Value = serde_json::from_slice(&response.body).ok()?;
        let is_known = response.status == 200;
        is_known.then(|| body.get("account")?.as_str().map(str::to_owned))?
    }
}

/// True for a request about sessions that are ours to keep.
pub(super) fn is_of_sessions(door: &Door, path: &str) -> bool {
    door.identity.sessions && path == SESSIONS
}

/// Lets the node begin, show or end a session, and tells the browser of it.
pub(super) async fn session(
    door: &Door,
    visit: &Visit,
    user: Option<Verified>,
    request: HttpRequest,
) -> Reply {
    let token = user.and_then(|user| match user.by {
        By::Session(token) => Some(token),
        By::Token | By::Certificate | By::Proxy => None,
    });
    let mut request = request;
    let shown = token.iter().cloned();
    let shown = shown.map(|token| (HttpRequest::SESSION.to_owned(), token));
    request.headers.extend(shown);
    let is_end = request.method == "DELETE";
    match consult(door, visit.peer, request).await {
        Ok(response) if is_end && response.status == 204 => {
            let mut reply = of_node(response);
            cookies(&mut reply, cookie::end(visit.is_tls));
            reply
        }
        Ok(response) => told(response, token, visit.is_tls),
        Err(refusal) => *refusal,
    }
}

/// The node's answer, with the cookies of a session that has begun, and what its pages show.
fn told(mut response: HttpResponse, token: Option<String>, is_tls: bool) -> Reply {
    let at = response.headers.iter();
    let at = at
        .clone()
        .position(|(name, _)| name == HttpRequest::SESSION);
    let begun = at.map(|at| response.headers.swap_remove(at).1);
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let is_good = response.status < 300;
    let mut reply = of_node(response);
    if let Some(token) = &begun {
        let left = body.get("expires_in").and_then(Value::as_u64);
        let left = core::time::Duration::from_secs(left.unwrap_or_default());
        let rows = cookie::begin(token, &csrf::token(token), left, is_tls);
        cookies(&mut reply, rows);
    }
    let shown = begun.or(token).filter(|_| is_good);
    if let Some(value) = shown.and_then(|token| HeaderValue::from_str(&csrf::token(&token)).ok()) {
        reply.headers_mut().insert(csrf::HEADER, value);
    }
    reply.headers_mut().insert(
        hyper::header::CACHE_CONTROL,
        HeaderValue::from_static("no-store"),
    );
    reply
}

fn cookies(reply: &mut Reply, rows: [String; 2]) {
    for row in rows {
        if let Ok(row) = HeaderValue::from_str(&row) {
            reply.headers_mut().append(SET_COOKIE, row);
        }
    }
}
