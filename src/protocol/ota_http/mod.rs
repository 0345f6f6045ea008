//! Push over HTTP on a connection that the terminal opened: we, the gateway, are its client (TO-TCP).
//!
//! **Source:** WAP-235 section 7.1; RFC 9112. One request is under way at a time (X-Wap-Push-Accept-MaxPushReq allows
//! more, no fewer). Not here: what the requests are for, and how long anybody waits.

use core::fmt;

use bytes::Bytes;

use crate::codec::DecodeError;
use crate::world::{HttpRequest, HttpResponse};

mod client;
mod framer;
mod server;
#[cfg(test)]
mod tests;

pub use client::{Answer, Client};
pub use server::{Asked, Server};

/// Why a connection cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// What came is no HTTP, or above a bound.
    Malformed(DecodeError),
    /// What came was not asked for.
    Unasked,
    /// More came than is kept while something is under way.
    Flood,
}

impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => error.fmt(f),
            Self::Unasked => f.write_str("an answer to nothing"),
            Self::Flood => f.write_str("more than is kept while a request is under way"),
        }
    }
}

/// The octets of a request.
#[must_use]
pub fn request_octets(request: &HttpRequest) -> Bytes {
    let start = format!("{} {} HTTP/1.1\r\n", request.method, request.target);
    let has_length = !request.body.is_empty() || request.method == "POST";
    message(&start, &request.headers, &request.body, has_length)
}

/// The octets of a response.
#[must_use]
pub fn response_octets(response: &HttpResponse) -> Bytes {
    let status = response.status;
    let start = format!("HTTP/1.1 {status} {}\r\n", reason(status));
    let has_length = !matches!(status, 100..=199 | 204 | 304);
    message(&start, &response.headers, &response.body, has_length)
}

fn message(start: &str, rows: &[(String, String)], body: &[u8], has_length: bool) -> Bytes {
    let mut out = Vec::with_capacity(body.len().saturating_add(512));
    out.extend(start.bytes());
    let mut put = |name: &str, value: &str| {
        // A line end inside a value would begin another row.
        let octets = name.bytes().chain(*b": ").chain(value.bytes());
        out.extend(octets.filter(|octet| !matches!(octet, b'\r' | b'\n')));
        out.extend(b"\r\n");
    };
    for (name, value) in rows {
        let is_framing = ["content-length", "transfer-encoding"].contains(&name.as_str());
        // A name with a colon is ours, and never leaves.
        if !is_framing && !name.starts_with(':') {
            put(name, value);
        }
    }
    if has_length {
        put("content-length", &body.len().to_string());
    }
    out.extend(b"\r\n");
    if has_length {
        out.extend_from_slice(body);
    }
    out.into()
}

/// The words of the statuses that are in use here.
const fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        200 => "OK",
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        404 => "Not Found",
        405 => "Method Not Allowed",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        _ => "",
    }
}
