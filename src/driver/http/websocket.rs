//! A connection of HTTP that becomes a WebSocket.
//!
//! **Source:** RFC 6455 section 4.2 (the server's side of the handshake). Frames are tokio-tungstenite's; nothing of it
//! leaves the two files that use this.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use sha1::{Digest, Sha1};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::reply::{Reply, problem};

/// What a key is put before, to show that WebSocket was understood (RFC 6455 section 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// Octets that wait for a peer before its connection is given up.
const UNSENT_OCTETS: usize = 262_144;

/// A WebSocket of the server.
pub(super) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// A request that wants to be a WebSocket.
#[derive(Debug)]
pub(super) struct Handshake {
    accept: HeaderValue,
    /// The subprotocols it offers, best first.
    pub(super) protocols: Vec<String>,
    upgrade: OnUpgrade,
}

impl Handshake {
    /// Reads a request.
    ///
    /// # Errors
    /// With 405, 426 or 400.
    pub(super) fn of(request: &mut Request<Incoming>) -> Result<Self, Box<Reply>> {
        let headers = request.headers();
        if request.method() != Method::GET {
            return Err(Box::new(problem(
                405,
                "a WebSocket begins with GET",
                Value::Null,
            )));
        }
        let says = |name: &HeaderName, word: &str| {
            list(headers, name).any(|member| member.eq_ignore_ascii_case(word))
        };
        let is_version = list(headers, &SEC_WEBSOCKET_VERSION).any(|version| version == "13");
        if !says(&UPGRADE, "websocket") || !says(&CONNECTION, "upgrade") || !is_version {
            let mut reply = problem(426, "a WebSocket of version 13 is wanted here", Value::Null);
            let headers = reply.headers_mut();
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            return Err(Box::new(reply));
        }
        let key = headers.get(SEC_WEBSOCKET_KEY).and_then(accept);
        let Some(accept) = key else {
            let detail = "the key of the WebSocket is not 16 octets in base64";
            return Err(Box::new(problem(400, detail, Value::Null)));
        };
        let protocols = list(headers, &SEC_WEBSOCKET_PROTOCOL).map(str::to_owned);
        Ok(Self {
            accept,
            protocols: protocols.collect(),
            upgrade: hyper::upgrade::on(request),
        })
    }

    /// The answer that makes a WebSocket of the connection.
    pub(super) fn reply(&self, protocol: Option<&'static str>) -> Reply {
        let mut reply = Response::new(Either::Left(Full::new(Bytes::new())));
        *reply.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = reply.headers_mut();
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, self.accept.clone());
        if let Some(protocol) = protocol {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
        }
        reply
    }

    /// The WebSocket, once the answer has been sent; messages of the peer have at most so many octets.
    pub(super) async fn open(self, octets: usize) -> Option<Socket> {
        let upgraded = self.upgrade.await.ok()?;
        let config = WebSocketConfig::default()
            .read_buffer_size(octets.min(4_096))
            .write_buffer_size(0)
            .max_write_buffer_size(UNSENT_OCTETS)
            .max_message_size(Some(octets))
            .max_frame_size(Some(octets));
        let io = TokioIo::new(upgraded);
        Some(WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await)
    }
}

/// The members of all lists of that name.
fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(str::trim))
}

/// What shows that a key was understood.
fn accept(key: &HeaderValue) -> Option<HeaderValue> {
    let octets = STANDARD.decode(key.as_bytes()).ok()?;
    if octets.len() != 16 {
        return None;
    }
    let mut digest = Sha1::new();
    digest.update(key.as_bytes());
    digest.update(GUID.as_bytes());
    HeaderValue::from_str(&STANDARD.encode(digest.finalize())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_standard_is_accepted_as_it_says() {
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accept(&key).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(accept(&HeaderValue::from_static("c2hvcnQ=")), None);
        assert_eq!(accept(&HeaderValue::from_static("no base64")), None);
    }
}
