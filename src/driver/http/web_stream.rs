//! Streams for browser clients: server-sent events and WebSocket, fed by asking the node as a client that waits does.
//!
//! **Source:** requirement R0.25: the same messages, cursors and acknowledgements on every transport. The node knows
//! questions only; a stream is many of them, marked as such, because what was written to it may not have arrived. An
//! open stream costs one question that waits.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use hyper::body::Incoming;
use hyper::header::{ALLOW, AUTHORIZATION, HeaderValue, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::query::Parameters;
use super::reply::{Reply, of_node, problem, stream};
use super::server::{Door, consult};
use super::socket::{self, Socket};
use crate::driver::node::stopped;
use crate::world::{HttpRequest, HttpResponse};

/// How long one question of a stream waits for its answer, in seconds.
const WAIT: u32 = 50;
/// How long a reader may take for one packet; then its stream ends, and it goes on from what it has.
const PATIENCE: Duration = Duration::from_secs(30);
/// Packets that wait for a slow reader before its stream waits.
const CHUNKS: usize = 2;
/// The subprotocol, and what a token is offered under beside it: pages cannot set headers.
const PROTOCOL: &str = "sirgate.v1";
const TOKEN: &str = "sirgate.token.";

/// The answer, when the path is one of a stream.
pub(super) async fn answer(
    door: &Arc<Door>,
    request: &mut Request<Incoming>,
    peer: SocketAddr,
) -> Option<Reply> {
    let path = request.uri().path();
    let (client, kind) = path.strip_prefix("/api/v1/clients/")?.split_once('/')?;
    let client = client.to_owned();
    let kind = match kind {
        "stream" => Kind::Events,
        "ws" => Kind::Socket,
        _ => return None,
    };
    if *request.method() != Method::GET {
        let mut reply = problem(405, "a stream is only read", Value::Null);
        let get = HeaderValue::from_static("GET");
        reply.headers_mut().insert(ALLOW, get);
        return Some(reply);
    }
    let opened = match kind {
        Kind::Events => events(door, request, (peer, client)).await,
        Kind::Socket => sockets(door, request, (peer, client)).await,
    };
    Some(opened.unwrap_or_else(|refusal| *refusal))
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Events,
    Socket,
}

/// Who asks the node on behalf of a stream.
struct Feeder {
    door: Arc<Door>,
    peer: SocketAddr,
    client: String,
    authorization: String,
    cursor: Option<u64>,
}

impl Feeder {
    async fn ask(&self, wait: u32) -> Result<HttpResponse, Box<Reply>> {
        let after = self.cursor.map(|cursor| format!("&after={cursor}"));
        let after = after.unwrap_or_default();
        let target = format!(
            "/api/v1/clients/{}/messages?wait={wait}{after}",
            self.client
        );
        consult(
            &self.door,
            self.peer,
            self.request("GET", target, Bytes::new()),
        )
        .await
    }

    /// True when the acknowledgement was one.
    async fn acknowledge(&self, upto: u64) -> bool {
        let target = format!("/api/v1/clients/{}/ack", self.client);
        let body = Bytes::from(format!(r#"{{"upto":{upto}}}"#));
        let answered = consult(&self.door, self.peer, self.request("POST", target, body));
        answered.await.is_ok_and(|response| response.status == 204)
    }

    fn request(&self, method: &str, target: String, body: Bytes) -> HttpRequest {
        HttpRequest {
            method: method.to_owned(),
            target,
            headers: vec![
                ("authorization".to_owned(), self.authorization.clone()),
                (HttpRequest::STREAM.to_owned(), String::new()),
            ],
            body,
        }
    }

    /// Asks without waiting: whether the client is who it says is known before its stream begins.
    async fn begin(&mut self) -> Result<Option<Bytes>, Box<Reply>> {
        let first = self.ask(0).await?;
        match first.status {
            200 => Ok(Some(self.take(first))),
            204 => Ok(None),
            _ => Err(Box::new(of_node(first))),
        }
    }

    /// The packet of an answer; the next question goes on behind it.
    fn take(&mut self, response: HttpResponse) -> Bytes {
        let tag = response.headers.iter().find(|(name, _)| name == "etag");
        let cursor = tag.and_then(|(_, tag)| tag.trim_matches('"').parse().ok());
        self.cursor = cursor.or(self.cursor);
        response.body
    }

    fn event(&self, packet: &Bytes) -> Bytes {
        let cursor = self.cursor.unwrap_or_default();
        let mut event = format!("id: {cursor}\nevent: packet\ndata: ").into_bytes();
        event.extend_from_slice(packet);
        event.extend_from_slice(b"\n\n");
        Bytes::from(event)
    }
}

/// From where a stream begins: a browser that lost one says what it got last.
fn cursor(request: &Request<Incoming>) -> Result<Option<u64>, Box<Reply>> {
    let wrong = |what: &str| Box::new(problem(400, what, Value::Null));
    let query = Parameters::decode(request.uri().query().unwrap_or_default());
    let query = query.ok_or_else(|| wrong("an escape of the query is broken"))?;
    let last = request.headers().get("last-event-id");
    let last = last.map(|last| last.to_str().unwrap_or("?"));
    match last.or_else(|| query.get("after")) {
        None | Some("") => Ok(None),
        Some(text) => {
            let cursor = text.parse().map_err(|_| wrong("a cursor is a number"))?;
            Ok(Some(cursor))
        }
    }
}

fn shown(request: &Request<Incoming>) -> Option<String> {
    let shown = request.headers().get(AUTHORIZATION)?;
    shown.to_str().ok().map(str::to_owned)
}

async fn events(
    door: &Arc<Door>,
    request: &Request<Incoming>,
    (peer, client): (SocketAddr, String),
) -> Result<Reply, Box<Reply>> {
    let mut feeder = Feeder {
        door: Arc::clone(door),
        peer,
        client,
        authorization: shown(request).unwrap_or_default(),
        cursor: cursor(request)?,
    };
    let first = feeder.begin().await?;
    let (chunks, body) = mpsc::channel(CHUNKS);
    tokio::spawn(feed(feeder, first, chunks));
    Ok(stream("text/event-stream", body))
}

async fn feed(mut feeder: Feeder, first: Option<Bytes>, chunks: mpsc::Sender<Bytes>) {
    let mut stop = feeder.door.stop.clone();
    let heartbeat = feeder.door.limits.web_heartbeat;
    let mut packet = first;
    loop {
        if let Some(packet) = packet.take() {
            let event = feeder.event(&packet);
            if !send(&chunks, event).await {
                return;
            }
        }
        let answered = {
            let mut asking = pin!(feeder.ask(WAIT));
            loop {
                tokio::select! {
                    answered = &mut asking => break answered,
                    () = stopped(&mut stop) => return,
                    () = chunks.closed() => return,
                    () = sleep(heartbeat) => {
                        if !send(&chunks, Bytes::from_static(b": alive\n\n")).await { return }
                    }
                }
            }
        };
        packet = match answered {
            Ok(response) if response.status == 200 => Some(feeder.take(response)),
            Ok(response) if response.status == 204 => None,
            // Another stream of the client took over, it logged in elsewhere, or the node ended.
            _ => return,
        };
    }
}

/// False when the reader went away, or is too slow.
async fn send(chunks: &mpsc::Sender<Bytes>, chunk: Bytes) -> bool {
    matches!(timeout(PATIENCE, chunks.send(chunk)).await, Ok(Ok(())))
}

async fn sockets(
    door: &Arc<Door>,
    request: &mut Request<Incoming>,
    (peer, client): (SocketAddr, String),
) -> Result<Reply, Box<Reply>> {
    if !socket::is_upgrade(request) {
        let mut reply = problem(426, "a WebSocket is wanted here", Value::Null);
        let websocket = HeaderValue::from_static("websocket");
        reply.headers_mut().insert(UPGRADE, websocket);
        return Err(Box::new(reply));
    }
    let mut feeder = Feeder {
        door: Arc::clone(door),
        peer,
        client,
        authorization: token(request)
            .or_else(|| shown(request))
            .unwrap_or_default(),
        cursor: cursor(request)?,
    };
    // The connection counts as one of HTTP as long as it lives.
    let room = door.room.clone().try_acquire_owned();
    let Ok(permit) = room else {
        return Err(Box::new(problem(503, "too many connections", Value::Null)));
    };
    let first = feeder.begin().await?;
    let (reply, upgrade) = socket::accept(request, |name| name == PROTOCOL)?;
    tokio::spawn(converse(feeder, first, upgrade, permit));
    Ok(reply)
}

/// The token that is offered as a subprotocol, as a header would show it.
fn token(request: &Request<Incoming>) -> Option<String> {
    let rows = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    let names = rows.filter_map(|row| row.to_str().ok());
    let mut names = names.flat_map(|row| row.split(',').map(str::trim));
    let token = names.find_map(|name| name.strip_prefix(TOKEN))?;
    Some(format!("Bearer {token}"))
}

/// What a client sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Acknowledged {
    ack: u64,
}

async fn converse(
    mut feeder: Feeder,
    first: Option<Bytes>,
    upgrade: OnUpgrade,
    _permit: OwnedSemaphorePermit,
) {
    let opened = timeout(PATIENCE, socket::socket(upgrade));
    let Ok(Some(mut socket)) = opened.await else {
        return;
    };
    let mut packet = first;
    let why = loop {
        if let Some(packet) = packet.take()
            && !write(&mut socket, text(&packet)).await
        {
            return;
        }
        packet = match next(&feeder, &mut socket).await {
            Ok(response) if response.status == 200 => Some(feeder.take(response)),
            Ok(response) if response.status == 204 => None,
            Ok(_) => break Some((CloseCode::Again, "another stream of the client took over")),
            Err(why) => break why,
        };
    };
    if let Some((code, reason)) = why {
        let reason = reason.into();
        let frame = CloseFrame { code, reason };
        let _ = timeout(PATIENCE, socket.close(Some(frame))).await;
    }
}

/// Why a WebSocket ends, where its peer is still there to hear it.
type Ending = Option<(CloseCode, &'static str)>;

/// Waits for the next answer of the node; meanwhile the client may acknowledge.
async fn next(feeder: &Feeder, socket: &mut Socket) -> Result<HttpResponse, Ending> {
    let mut stop = feeder.door.stop.clone();
    let heartbeat = feeder.door.limits.web_heartbeat;
    let mut asking = pin!(feeder.ask(WAIT));
    let mut is_silent = false;
    loop {
        tokio::select! {
            answered = &mut asking => {
                return answered.map_err(|_| Some((CloseCode::Restart, "the gateway ended")));
            }
            () = stopped(&mut stop) => return Err(Some((CloseCode::Away, "the gateway stops"))),
            message = socket.next() => {
                is_silent = false;
                heard(feeder, message).await?;
            }
            () = sleep(heartbeat) => {
                // Whoever lives has answered the ping before.
                if is_silent || !write(socket, Message::Ping(Bytes::new())).await {
                    return Err(None);
                }
                is_silent = true;
            }
        }
    }
}

/// What a client sent: an acknowledgement, or what WebSocket itself is about.
async fn heard(
    feeder: &Feeder,
    message: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>,
) -> Result<(), Ending> {
    let refused = |why| Err(Some((CloseCode::Policy, why)));
    match message {
        Some(Ok(Message::Text(text))) => match serde_json::from_str::<Acknowledged>(&text) {
            Ok(Acknowledged { ack }) if feeder.acknowledge(ack).await => Ok(()),
            Ok(_) => refused("no message of that number was ever given"),
            Err(_) => refused("acknowledgements have the form {\"ack\":41}"),
        },
        Some(Ok(Message::Binary(_))) => refused("only texts are read here"),
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(()),
        Some(Ok(Message::Close(_)) | Err(_)) | None => Err(None),
    }
}

/// False when the reader went away, or is too slow.
async fn write(socket: &mut Socket, message: Message) -> bool {
    matches!(timeout(PATIENCE, socket.send(message)).await, Ok(Ok(())))
}

fn text(packet: &Bytes) -> Message {
    Message::Text(String::from_utf8_lossy(packet).into_owned().into())
}
