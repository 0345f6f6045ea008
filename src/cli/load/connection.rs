//! One keep-alive HTTP connection with one request at a time on it.

use std::io;
use std::net::SocketAddr;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Octets of the largest answer that is read.
const ANSWER_OCTETS: usize = 1 << 20;

/// A connection to a gateway.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    octets: BytesMut,
}

/// What counts of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub status: u16,
    /// The code of the PAP document in it.
    pub code: Option<u16>,
    /// It says when to try again.
    pub has_retry_after: bool,
    /// The connection ends with it.
    pub closes: bool,
}

impl Connection {
    pub(super) async fn open(target: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(target).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            octets: BytesMut::with_capacity(4096),
        })
    }

    /// True when these octets stand in the last answer.
    pub(super) fn answer_has(&self, octets: &[u8]) -> bool {
        memchr::memmem::find(&self.octets, octets).is_some()
    }

    /// Sends a whole request and reads the whole answer.
    pub(super) async fn ask(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.stream.write_all(request).await?;
        self.octets.clear();
        loop {
            let count = self.stream.read_buf(&mut self.octets).await?;
            if let Some(answer) = read(&self.octets, count == 0) {
                return Ok(answer);
            }
            if count == 0 || self.octets.len() > ANSWER_OCTETS {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// The answer in these octets, once it is whole; `is_all` when nothing follows.
fn read(octets: &[u8], is_all: bool) -> Option<Answer> {
    let head_end = memchr::memmem::find(octets, b"\r\n\r\n")?;
    let (head, body) = octets.split_at(head_end + 4);
    let head = core::str::from_utf8(head).ok()?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let row = |name: &str| {
        let rows = head.split("\r\n").skip(1);
        let mut pairs = rows.filter_map(|row| row.split_once(':'));
        let found = pairs.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim())
    };
    let length = row("content-length").and_then(|value| value.parse::<usize>().ok());
    let closes = row("connection").is_some_and(|it| it.eq_ignore_ascii_case("close"));
    let is_whole = match length {
        Some(length) => body.len() >= length,
        None => is_all || status == 204,
    };
    is_whole.then(|| Answer {
        status,
        code: code_in(body),
        has_retry_after: row("retry-after").is_some(),
        closes: closes || length.is_none(),
    })
}

fn code_in(body: &[u8]) -> Option<u16> {
    let at = memchr::memmem::find(body, b"code")? + 4;
    let text = core::str::from_utf8(body.get(at..)?).ok()?;
    let digits = text.trim_start_matches([' ', '=', '"', '\'']).get(..4)?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_once_it_is_whole() {
        let octets =
            b"HTTP/1.1 202 Accepted\r\ncontent-LENGTH: 14\r\nRetry-After: 5\r\n\r\n<a code =\"1001";
        let whole = Answer {
            status: 202,
            code: Some(1001),
            has_retry_after: true,
            closes: false,
        };
        assert_eq!(read(octets, false), Some(whole));
        for cut in 0..octets.len() {
            assert_eq!(read(&octets[..cut], false), None, "{cut}");
        }
    }

    #[test]
    fn an_answer_without_length_ends_with_its_connection() {
        let octets = b"HTTP/1.0 503 Busy\r\n\r\nlater";
        assert_eq!(read(octets, false), None);
        let answer = read(octets, true).unwrap();
        assert_eq!((answer.status, answer.closes), (503, true));
    }
}
