//! Answers the driver writes itself, and their bodies.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::{Body, Frame};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::world::HttpResponse;

/// A whole body, or one that is made while it is sent.
pub(super) type ReplyBody = Either<Full<Bytes>, Stream>;

/// What a connection sends.
pub(super) type Reply = Response<ReplyBody>;

/// A body made of what somebody sends.
#[derive(Debug)]
pub(super) struct Stream(pub(super) mpsc::Receiver<Bytes>);

impl Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0
            .poll_recv(cx)
            .map(|chunk| chunk.map(|octets| Ok(Frame::data(octets))))
    }
}

/// An answer with a body of that type; browsers neither keep it nor guess at it.
pub(super) fn reply(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    dressed(status, content_type, Either::Left(Full::new(body.into())))
}

/// An answer whose body follows bit by bit.
pub(super) fn stream(content_type: &'static str, chunks: mpsc::Receiver<Bytes>) -> Reply {
    dressed(200, content_type, Either::Right(Stream(chunks)))
}

fn dressed(status: u16, content_type: &'static str, body: ReplyBody) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = reply.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    reply
}

/// An answer in JSON.
pub(super) fn json(status: u16, value: &Value) -> Reply {
    reply(status, "application/json", value.to_string())
}

/// An answer that says what went wrong (RFC 9457); `more` are further members.
pub(super) fn problem(status: u16, detail: &str, more: Value) -> Reply {
    reply(status, PROBLEM, problem_text(status, detail, more))
}

/// The type of what says what went wrong.
pub(in crate::driver) const PROBLEM: &str = "application/problem+json";

/// What went wrong, as text (RFC 9457); `more` are further members.
pub(in crate::driver) fn problem_text(status: u16, detail: &str, more: Value) -> String {
    let title = StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Error");
    let mut problem = json!({
        "schema": "sirgate.error/1",
        "title": title,
        "status": status,
        "detail": detail,
    });
    if let (Some(problem), Value::Object(more)) = (problem.as_object_mut(), more) {
        problem.extend(more);
    }
    problem.to_string()
}

/// The same, and the connection ends: what the client sends further cannot be read as a request.
pub(super) fn last_problem(status: u16, detail: &str) -> Reply {
    let mut reply = problem(status, detail, Value::Null);
    reply
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    reply
}

/// The node's answer.
pub(super) fn of_node(response: HttpResponse) -> Reply {
    let mut reply = Response::new(Either::Left(Full::new(response.body)));
    *reply.status_mut() =
        StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in response.headers {
        let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(&value),
        ) else {
            continue;
        };
        // How the body is framed is the connection's matter.
        if name != header::CONTENT_LENGTH && name != header::TRANSFER_ENCODING {
            reply.headers_mut().append(name, value);
        }
    }
    reply
}
