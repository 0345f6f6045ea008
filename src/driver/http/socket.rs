//! WebSockets: requests of HTTP that become links, on which whole texts go both ways.
//!
//! **Source:** RFC 6455 sections 4.2 (the server's side of the opening) and 7.4.1 (closing codes). Frames are the business
//! of tungstenite; here are bounds, patience and the node's links.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use sha1::{Digest, Sha1};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::reply::{Reply, problem};
use super::server::Door;
use crate::driver::stream::{Passage, Told};
use crate::limits::PUSH_SOCKET_OCTETS;
use crate::world::{CloseReason, Input};

/// Joined to the client's key (RFC 6455 section 1.3).
const MAGIC: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// The only version there is.
const VERSION: &str = "13";
/// The subprotocol that browsers ask for at their push service.
const PUSH: &str = "push-notification";
/// How often a silent client is asked whether it is there; a second silence ends the link.
const PROBE: Duration = Duration::from_secs(60);
/// How long a client may take none of what is sent to it.
const STALL: Duration = Duration::from_secs(30);
/// How long a client may take to confirm a close.
const FAREWELL: Duration = Duration::from_secs(5);
/// Octets read at once: most clients are silent most of the time.
const READ_OCTETS: usize = 4_096;

/// A WebSocket on a connection that was HTTP.
pub(super) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// True for a request that wants to become a link of the node.
pub(super) fn is_wanted(door: &Door, request: &Request<Incoming>) -> bool {
    let path = request.uri().path();
    door.sockets.iter().any(|own| own == path) && is_upgrade(request)
}

/// True for a request that wants to become a WebSocket.
pub(super) fn is_upgrade(request: &Request<Incoming>) -> bool {
    request.version() == Version::HTTP_11
        && request.method() == Method::GET
        && names(request.headers(), &UPGRADE, "websocket")
        && names(request.headers(), &CONNECTION, "upgrade")
}

/// Opens a link of the node.
pub(super) fn open(door: &Arc<Door>, mut request: Request<Incoming>, peer: SocketAddr) -> Reply {
    if door.is_stopping() {
        return problem(503, "the gateway is stopping", Value::Null);
    }
    let (reply, upgrade) = match accept(&mut request, |name| name == PUSH) {
        Ok(accepted) => accepted,
        Err(reply) => return *reply,
    };
    let Some(passage) = door.gate.enter() else {
        return problem(503, "too many links", Value::Null);
    };
    let target = request.uri().path_and_query();
    let target = target.map_or_else(String::new, ToString::to_string);
    tokio::spawn(async move {
        let Some(socket) = socket(upgrade).await else {
            return;
        };
        link(socket, passage, peer, target).await;
    });
    reply
}

/// The answer that makes a WebSocket of a request, and what becomes of its connection; else why not. `speaks` chooses
/// among the subprotocols that the client offers.
pub(super) fn accept(
    request: &mut Request<Incoming>,
    speaks: impl Fn(&str) -> bool,
) -> Result<(Reply, OnUpgrade), Box<Reply>> {
    let text = |name: &HeaderName| request.headers().get(name)?.to_str().ok();
    if text(&SEC_WEBSOCKET_VERSION) != Some(VERSION) {
        let mut reply = problem(426, "the version of WebSocket is 13", Value::Null);
        let headers = reply.headers_mut();
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION));
        return Err(Box::new(reply));
    }
    let key = text(&SEC_WEBSOCKET_KEY).map(str::trim).unwrap_or_default();
    let is_key = STANDARD.decode(key).is_ok_and(|octets| octets.len() == 16);
    if !is_key {
        let detail = "Sec-WebSocket-Key must be 16 octets in base64";
        return Err(Box::new(problem(400, detail, Value::Null)));
    }
    let proof = Sha1::digest(format!("{key}{MAGIC}").as_bytes());
    let chosen = request
        .headers()
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|row| row.to_str().ok())
        .flat_map(|row| row.split(','))
        .map(str::trim)
        .find(|name| speaks(name))
        .and_then(|name| HeaderValue::from_str(name).ok());
    let mut reply = Response::new(Either::Left(Full::new(Bytes::new())));
    *reply.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = reply.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    if let Ok(proof) = HeaderValue::from_str(&STANDARD.encode(proof)) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, proof);
    }
    if let Some(chosen) = chosen {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, chosen);
    }
    Ok((reply, hyper::upgrade::on(request)))
}

/// The WebSocket of a connection, once its answer has left.
pub(super) async fn socket(upgrade: OnUpgrade) -> Option<Socket> {
    let upgraded = upgrade.await.ok()?;
    let bounds = WebSocketConfig::default()
        .read_buffer_size(READ_OCTETS)
        .write_buffer_size(0)
        .max_message_size(Some(PUSH_SOCKET_OCTETS))
        .max_frame_size(Some(PUSH_SOCKET_OCTETS));
    let stream = TokioIo::new(upgraded);
    Some(WebSocketStream::from_raw_socket(stream, Role::Server, Some(bounds)).await)
}

/// Whether one of a header's words is that one, in any case.
fn names(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|row| row.to_str().ok())
        .flat_map(|row| row.split(','))
        .any(|own| own.trim().eq_ignore_ascii_case(word))
}

/// How a WebSocket came to its end.
enum End {
    /// The client ended it, or vanished.
    Client(CloseReason),
    /// The client broke the rules: it is told so.
    Refused(CloseCode),
    /// The node ended it.
    Node,
    /// The node wants nothing to leave any more.
    Cut,
}

/// Carries texts between a client and the node until one of them ends it.
async fn link(mut socket: Socket, passage: Passage, peer: SocketAddr, target: String) {
    let link = passage.link;
    let upgraded = Input::Upgraded { link, peer, target };
    let Some(mut told) = passage.tell(upgraded).await else {
        return;
    };
    let end = carry(&mut socket, &mut told).await;
    let (why, code) = match end {
        End::Client(why) => (Some(why), None),
        End::Refused(code) => (Some(CloseReason::Broken), Some(code)),
        End::Node => (None, Some(CloseCode::Normal)),
        End::Cut => (None, None),
    };
    if let Some(why) = why {
        told.tell(Input::Closed { link, why }).await;
    }
    if let Some(code) = code {
        farewell(&mut socket, code).await;
    }
}

/// Says why the WebSocket ends, and waits a moment for the client to have heard it.
async fn farewell(socket: &mut Socket, code: CloseCode) {
    let frame = CloseFrame {
        code,
        reason: Utf8Bytes::default(),
    };
    let leave = async {
        if socket.close(Some(frame)).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    let _ = timeout(FAREWELL, leave).await;
}

async fn carry(socket: &mut Socket, told: &mut Told) -> End {
    let mut is_asked = false;
    let mut probe_at = Instant::now() + PROBE;
    loop {
        let load = told.orders.load.clone();
        // Not reading on lets the client feel that we are busy.
        let reading = async {
            load.relieved().await;
            socket.next().await
        };
        tokio::select! {
            biased;
            cut = &mut told.orders.cut => return match cut {
                Ok(()) => End::Cut,
                // The node's end is gone: what it gave before still leaves.
                Err(_) => drain(socket, told).await,
            },
            text = told.orders.chunks.recv() => match text {
                None => return End::Node,
                Some(text) => if !send(socket, told, text).await {
                    return End::Client(CloseReason::Broken);
                },
            },
            message = reading => {
                (is_asked, probe_at) = (false, Instant::now() + PROBE);
                if let Some(end) = received(told, message).await {
                    return end;
                }
            }
            () = sleep_until(probe_at) => {
                if is_asked || !is_sent(socket.send(Message::Ping(Bytes::new()))).await {
                    return End::Client(CloseReason::Broken);
                }
                (is_asked, probe_at) = (true, Instant::now() + PROBE);
            }
        }
    }
}

/// Sends what the node gave before it closed the link.
async fn drain(socket: &mut Socket, told: &mut Told) -> End {
    while let Ok(text) = told.orders.chunks.try_recv() {
        if !send(socket, told, text).await {
            return End::Cut;
        }
    }
    End::Node
}

async fn send(socket: &mut Socket, told: &Told, text: Bytes) -> bool {
    let octets = text.len();
    let Ok(text) = Utf8Bytes::try_from(text) else {
        // The node gives texts alone.
        return true;
    };
    let sent = is_sent(socket.send(Message::Text(text))).await;
    told.orders.load.sent(octets);
    sent
}

async fn is_sent(sending: impl Future<Output = Result<(), Error>>) -> bool {
    matches!(timeout(STALL, sending).await, Ok(Ok(())))
}

/// Hands a message to the node; the end, when it was the last.
async fn received(told: &Told, message: Option<Result<Message, Error>>) -> Option<End> {
    match message {
        Some(Ok(Message::Text(text))) => {
            told.orders.load.came(text.len());
            let (link, text) = (told.link, text.as_str().to_owned());
            let is_told = told.tell(Input::Message { link, text }).await;
            (!is_told).then_some(End::Node)
        }
        Some(Ok(Message::Binary(_))) => Some(End::Refused(CloseCode::Unsupported)),
        // Pings are answered below us.
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => None,
        Some(Ok(Message::Close(_))) | None => Some(End::Client(CloseReason::Peer)),
        Some(Err(Error::Capacity(_))) => Some(End::Refused(CloseCode::Size)),
        Some(Err(Error::Utf8(_))) => Some(End::Refused(CloseCode::Invalid)),
        Some(Err(Error::Protocol(_))) => Some(End::Refused(CloseCode::Protocol)),
        Some(Err(_)) => Some(End::Client(CloseReason::Broken)),
    }
}
