//! A client of WebSockets for tests: it opens one over a plain connection and speaks whole texts.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::panic,
    reason = "each test file uses its part"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocket};
pub use tokio_tungstenite::tungstenite::{Error, Message};

/// A key of 16 octets, and what RFC 6455 section 1.3 makes of it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const PROOF: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
/// How long a test waits for a message that comes.
const PATIENCE: Duration = Duration::from_secs(300);

/// One WebSocket.
pub struct Socket(WebSocket<TcpStream>);

/// Asks for a WebSocket and gives the connection with what was answered.
pub fn ask(address: &str, path: &str, rows: &str) -> (TcpStream, String) {
    let mut tcp = TcpStream::connect(address).expect("a connection");
    tcp.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{rows}\r\n"
    );
    tcp.write_all(request.as_bytes()).expect("it is sent");
    let mut head = Vec::new();
    let mut octet = [0];
    while !head.ends_with(b"\r\n\r\n") {
        assert_eq!(tcp.read(&mut octet).expect("an answer"), 1, "it hung up");
        head.push(octet[0]);
    }
    (tcp, String::from_utf8_lossy(&head).into_owned())
}

impl Socket {
    /// Opens one.
    pub fn open(address: &str, path: &str, rows: &str) -> Self {
        let (tcp, head) = ask(address, path, rows);
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(head.to_lowercase().contains("upgrade: websocket"), "{head}");
        assert!(head.contains(PROOF), "{head}");
        Self(WebSocket::from_raw_socket(tcp, Role::Client, None))
    }

    pub fn send(&mut self, message: Message) {
        self.0.send(message).expect("it is sent");
    }

    pub fn say(&mut self, text: &str) {
        self.send(Message::text(text));
    }

    pub fn say_json(&mut self, value: &Value) {
        self.say(&value.to_string());
    }

    /// Whatever comes next.
    pub fn next(&mut self) -> Result<Message, Error> {
        self.0.read()
    }

    /// The next text.
    pub fn hear(&mut self) -> String {
        loop {
            match self.next().expect("a message") {
                Message::Text(text) => return text.as_str().to_owned(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub fn hear_json(&mut self) -> Value {
        serde_json::from_str(&self.hear()).expect("JSON")
    }

    /// Waits for its end; gives the code of the close, where one came.
    pub fn ended(&mut self) -> Option<u16> {
        loop {
            match self.next() {
                Ok(Message::Close(frame)) => return frame.map(|frame| frame.code.into()),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }
}
