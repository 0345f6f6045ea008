//! An HTTP client that shows every octet it gets.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What came back.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    /// In lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Got {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// One connection; answers are read one by one.
pub(crate) struct Connection {
    pub(crate) tcp: TcpStream,
    rest: Vec<u8>,
}

impl Connection {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        Self {
            tcp: TcpStream::connect(address).await.unwrap(),
            rest: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, octets: &[u8]) {
        self.tcp.write_all(octets).await.unwrap();
    }

    pub(crate) async fn ask(&mut self, method: &str, target: &str, body: &str) -> Got {
        let length = body.len();
        self.send(
            format!(
                "{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}"
            )
            .as_bytes(),
        )
        .await;
        self.answer().await
    }

    /// More octets; false at the end.
    async fn more(&mut self) -> bool {
        let mut chunk = [0; 4096];
        let count = timeout(Duration::from_secs(20), self.tcp.read(&mut chunk))
            .await
            .unwrap()
            .unwrap_or(0);
        self.rest.extend_from_slice(&chunk[..count]);
        count > 0
    }

    /// The next answer, by its Content-Length.
    pub(crate) async fn answer(&mut self) -> Got {
        let end = loop {
            if let Some(at) = find(&self.rest, b"\r\n\r\n") {
                break at;
            }
            assert!(self.more().await, "the connection ended before an answer");
        };
        let head = String::from_utf8(self.rest[..end].to_vec())
            .unwrap()
            .to_lowercase();
        self.rest.drain(..end + 4);
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |text| text.parse().unwrap());
        while self.rest.len() < length {
            assert!(self.more().await, "the body broke off");
        }
        let body: Vec<u8> = self.rest.drain(..length).collect();
        Got {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head,
            body: String::from_utf8(body).unwrap(),
        }
    }

    /// Reads until the text has come; all that came so far.
    pub(crate) async fn until(&mut self, text: &str) -> String {
        while find(&self.rest, text.as_bytes()).is_none() {
            assert!(
                self.more().await,
                "{:?}",
                String::from_utf8_lossy(&self.rest)
            );
        }
        String::from_utf8_lossy(&self.rest).into_owned()
    }

    /// Reads to the end.
    pub(crate) async fn read_all(mut self) -> String {
        while self.more().await {}
        String::from_utf8_lossy(&self.rest).into_owned()
    }
}

fn find(octets: &[u8], wanted: &[u8]) -> Option<usize> {
    octets.windows(wanted.len()).position(|part| part == wanted)
}

pub(crate) async fn get(address: SocketAddr, target: &str) -> Got {
    Connection::to(address).await.ask("GET", target, "").await
}

pub(crate) async fn post(address: SocketAddr, target: &str, body: &str) -> Got {
    Connection::to(address)
        .await
        .ask("POST", target, body)
        .await
}
