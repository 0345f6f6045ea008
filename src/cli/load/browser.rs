//! One browser client of `sirgate load web`: its connection, its requests, what it hears.

use std::io;
use std::net::{IpAddr, SocketAddr};

use bytes::{Buf, BytesMut};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Octets of the largest answer that is read.
const ANSWER_OCTETS: usize = 1 << 20;
/// A key of 16 octets; nobody here looks at what becomes of it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// How clients hear of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Transport {
    /// A question that waits for its answer.
    Long,
    /// Server-sent events.
    Sse,
    /// WebSocket.
    Ws,
    /// Questions without waiting, as fast as they are answered.
    Poll,
}

impl Transport {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Long => "long poll",
            Self::Sse => "server-sent events",
            Self::Ws => "WebSocket",
            Self::Poll => "poll",
        }
    }
}

/// One client.
#[derive(Debug)]
pub(super) struct Browser {
    stream: Option<TcpStream>,
    octets: BytesMut,
    host: String,
    id: String,
    token: String,
    transport: Transport,
}

/// An answer of HTTP.
struct Answer {
    status: u16,
    body: Vec<u8>,
}

impl Browser {
    /// Somebody without an identity: an author.
    pub(super) async fn author(target: SocketAddr, host: &str) -> io::Result<Self> {
        Self::connect(target, None, host).await
    }

    async fn connect(target: SocketAddr, source: Option<IpAddr>, host: &str) -> io::Result<Self> {
        let socket = match target {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        if let Some(source) = source {
            socket.bind(SocketAddr::new(source, 0))?;
        }
        let stream = socket.connect(target).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: Some(stream),
            octets: BytesMut::new(),
            host: host.to_owned(),
            id: String::new(),
            token: String::new(),
            transport: Transport::Poll,
        })
    }

    /// Connects, becomes a client of an account and registers an application.
    pub(super) async fn come(
        target: SocketAddr,
        source: Option<IpAddr>,
        host: &str,
        account: &str,
    ) -> io::Result<Self> {
        let mut browser = Self::connect(target, source, host).await?;
        let body = json!({ "account": account, "agent": "load" }).to_string();
        let request = browser.request("POST", "/api/v1/clients", &body);
        let made = expect(browser.ask(&request).await?, 201)?;
        let made: Value = serde_json::from_slice(&made)?;
        let text = |name: &str| made.get(name).and_then(Value::as_str).map(str::to_owned);
        let named = text("client").zip(text("token"));
        let (id, token) = named.ok_or(io::ErrorKind::InvalidData)?;
        (browser.id, browser.token) = (id, token);
        let request = browser.request("PUT", &browser.path(&format!("/apps/{}", app())), "");
        expect(browser.ask(&request).await?, 201)?;
        Ok(browser)
    }

    /// Lets its connection go.
    pub(super) fn hang_up(&mut self) {
        self.stream = None;
    }

    /// Begins to listen.
    pub(super) async fn listen(&mut self, transport: Transport) -> io::Result<()> {
        self.transport = transport;
        match transport {
            Transport::Poll => Ok(()),
            Transport::Long => {
                let question = self.waiting();
                self.write(&question).await
            }
            Transport::Sse => {
                let request = self.request("GET", &self.path("/stream"), "");
                self.write(&request).await?;
                let head = self.head().await?;
                is_status(&head, "200")
            }
            Transport::Ws => {
                let (path, host, token) = (self.path("/ws"), &self.host, &self.token);
                let request = format!(
                    "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                     Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\
                     Sec-WebSocket-Protocol: sirgate.v1, sirgate.token.{token}\r\n\r\n"
                );
                self.write(request.as_bytes()).await?;
                let head = self.head().await?;
                is_status(&head, "101")
            }
        }
    }

    /// Waits until it is told of a message.
    pub(super) async fn hears(&mut self) -> io::Result<()> {
        match self.transport {
            Transport::Poll => Ok(()),
            Transport::Long => loop {
                match self.answer().await?.status {
                    200 => return Ok(()),
                    204 => {
                        let question = self.waiting();
                        self.write(&question).await?;
                    }
                    status => return Err(refused(status)),
                }
            },
            Transport::Sse => loop {
                if memchr::memmem::find(&self.octets, b"event: packet").is_some() {
                    return Ok(());
                }
                self.read().await?;
            },
            Transport::Ws => loop {
                while let Some((opcode, end)) = frame(&self.octets) {
                    self.octets.advance(end.min(self.octets.len()));
                    if opcode == 1 {
                        return Ok(());
                    }
                }
                self.read().await?;
            },
        }
    }

    /// Publishes a message for an account.
    pub(super) async fn publish(&mut self, account: &str) -> io::Result<()> {
        let body = json!({ "to": account, "title": "one for all", "summary": "a message" });
        let path = format!("/api/v1/apps/{}/messages", app());
        let request = self.request("POST", &path, &body.to_string());
        expect(self.ask(&request).await?, 201).map(drop)
    }

    /// The poll of this client, for any connection.
    pub(super) fn question(&self) -> Vec<u8> {
        self.request("GET", &self.path("/messages?after=0"), "")
    }

    /// Asks a question and reads its answer.
    pub(super) async fn asks(&mut self, question: &[u8]) -> io::Result<()> {
        match self.ask(question).await?.status {
            200 | 204 => Ok(()),
            status => Err(refused(status)),
        }
    }

    fn waiting(&self) -> Vec<u8> {
        self.request("GET", &self.path("/messages?after=0&wait=50"), "")
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/clients/{}{rest}", self.id)
    }

    fn request(&self, method: &str, path: &str, body: &str) -> Vec<u8> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.host);
        if !self.token.is_empty() {
            head += &format!("Authorization: Bearer {}\r\n", self.token);
        }
        if !body.is_empty() || method != "GET" {
            head += "Content-Type: application/json\r\n";
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        format!("{head}\r\n{body}").into_bytes()
    }

    async fn ask(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.write(request).await?;
        self.answer().await
    }

    async fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        let stream = self.stream.as_mut();
        let stream = stream.ok_or(io::ErrorKind::NotConnected)?;
        stream.write_all(octets).await
    }

    async fn read(&mut self) -> io::Result<()> {
        let stream = self.stream.as_mut();
        let stream = stream.ok_or(io::ErrorKind::NotConnected)?;
        let count = stream.read_buf(&mut self.octets).await?;
        if count == 0 || self.octets.len() > ANSWER_OCTETS {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    /// The head of an answer, which is taken out.
    async fn head(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = memchr::memmem::find(&self.octets, b"\r\n\r\n") {
                let head = self.octets.split_to(end.saturating_add(4));
                return Ok(String::from_utf8_lossy(&head).into_owned());
            }
            self.read().await?;
        }
    }

    async fn answer(&mut self) -> io::Result<Answer> {
        let head = self.head().await?;
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok());
        let lower = head.to_ascii_lowercase();
        let length = lower.split("\r\n").find_map(|row| {
            let value = row.strip_prefix("content-length:")?;
            value.trim().parse::<usize>().ok()
        });
        let length = length.unwrap_or(0);
        while self.octets.len() < length {
            self.read().await?;
        }
        let body = self.octets.split_to(length).to_vec();
        // An idle client keeps no room for what it heard.
        if self.octets.is_empty() {
            self.octets = BytesMut::new();
        }
        Ok(Answer {
            status: status.ok_or(io::ErrorKind::InvalidData)?,
            body,
        })
    }
}

/// The application that all clients of a run register: what an earlier run published is for none of them.
fn app() -> String {
    format!("load-{}", std::process::id())
}

fn expect(answer: Answer, status: u16) -> io::Result<Vec<u8>> {
    match answer.status == status {
        true => Ok(answer.body),
        false => Err(refused(answer.status)),
    }
}

fn is_status(head: &str, status: &str) -> io::Result<()> {
    match head.split(' ').nth(1) {
        Some(own) if own == status => Ok(()),
        other => Err(io::Error::other(format!("it answered {other:?}"))),
    }
}

fn refused(status: u16) -> io::Error {
    io::Error::other(format!("it answered {status}"))
}

/// The opcode of the frame that these octets begin with, and where it ends; `None` before it is whole. Servers mask none.
fn frame(octets: &[u8]) -> Option<(u8, usize)> {
    let (first, rest) = octets.split_first()?;
    let (second, rest) = rest.split_first()?;
    let (head, length) = match second & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes(*rest.first_chunk()?))),
        127 => (
            10,
            usize::try_from(u64::from_be_bytes(*rest.first_chunk()?)).ok()?,
        ),
        length => (2, usize::from(length)),
    };
    let end = length.checked_add(head)?;
    (octets.len() >= end).then_some((first & 0x0f, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_every_length_are_found_once_they_are_whole() {
        let long = [&[0x81, 126, 0, 200][..], &[b'x'; 200]].concat();
        let pinged = [&[0x89, 1, 0][..], &long].concat();
        assert_eq!(frame(&pinged), Some((9, 3)));
        assert_eq!(frame(&pinged[3..]), Some((1, 204)));
        assert_eq!(frame(&long[..203]), None);
        assert_eq!(frame(&[0x81]), None);
    }
}
