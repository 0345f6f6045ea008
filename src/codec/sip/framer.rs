//! Cuts a stream into messages and keep-alives.
//!
//! Source: RFC 3261 sections 7.5 and 18.3 (Content-Length is mandatory on a stream), RFC 5626 section 4.4.1 (CRLF
//! keep-alive). A fault leaves no way to find the next message: the stream is lost and must be closed.

use bytes::{Buf as _, Bytes, BytesMut};
use memchr::memmem;

use super::frame::{Index, Rules, error, fill};
use super::message::Message;
use crate::codec::{Class, DecodeError};
use crate::limits::SIP_MESSAGE_OCTETS;

/// What came on a stream.
#[derive(Clone, Debug)]
pub enum Framed {
    /// A whole message.
    Message(Message),
    /// `CRLF CRLF`: to be answered by a pong.
    Ping,
    /// A single `CRLF`.
    Pong,
}

/// Collects the octets of one stream.
#[derive(Debug)]
pub struct Framer {
    octets: BytesMut,
    limit: usize,
    /// Octets already searched for the end of a head.
    searched: usize,
    /// The head that waits for its body, and the octets of the whole message.
    head: Option<(Index, usize)>,
    is_lost: bool,
    refused: Option<Bytes>,
}

impl Framer {
    /// A framer that refuses messages of more than `limit` octets; never more than [`SIP_MESSAGE_OCTETS`].
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            octets: BytesMut::new(),
            limit: limit.min(SIP_MESSAGE_OCTETS),
            searched: 0,
            head: None,
            is_lost: false,
            refused: None,
        }
    }

    /// Adds what was received.
    pub fn push(&mut self, octets: &[u8]) {
        if !self.is_lost {
            self.octets.extend_from_slice(octets);
        }
    }

    /// Octets received and not yet given out.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.octets.len()
    }

    /// The request whose fault lost the stream, as far as an answer needs it.
    pub fn take_refused(&mut self) -> Option<Message> {
        self.refused.take().and_then(Message::answerable)
    }

    /// The next whole item; `None` until more is pushed. After an error the stream is lost and nothing follows.
    #[expect(
        clippy::should_implement_trait,
        reason = "None means not yet, which an iterator's None does not"
    )]
    pub fn next(&mut self) -> Option<Result<Framed, DecodeError>> {
        if self.is_lost {
            return None;
        }
        if self.head.is_none() {
            if let Some(keep_alive) = self.keep_alive() {
                return Some(Ok(keep_alive));
            }
            if let Err(fault) = self.find_head() {
                self.is_lost = true;
                self.octets.clear();
                return Some(Err(fault));
            }
        }
        let (index, len) = self.head.take()?;
        if self.octets.len() < len {
            self.head = Some((index, len));
            return None;
        }
        let octets = self.octets.split_to(len).freeze();
        Some(Ok(Framed::Message(Message::from_parts(octets, index))))
    }

    /// Line ends before a start line. A single one at the end of what was received is a pong: that a ping is cut in
    /// its middle is rare, and then it is not answered and repeated.
    fn keep_alive(&mut self) -> Option<Framed> {
        let (len, framed) = match self.octets.as_ref() {
            [b'\r', b'\n', b'\r', b'\n', ..] => (4, Framed::Ping),
            [b'\r', b'\n', b'\r'] => return None,
            [b'\r', b'\n', ..] => (2, Framed::Pong),
            _ => return None,
        };
        self.octets.advance(len);
        self.searched = 0;
        Some(framed)
    }

    fn find_head(&mut self) -> Result<(), DecodeError> {
        let text: &[u8] = &self.octets;
        // An end may begin in the last three octets of what was searched.
        let from = self.searched.saturating_sub(3);
        let found = text
            .get(from..)
            .and_then(|text| memmem::find(text, b"\r\n\r\n"));
        let Some(at) = found else {
            self.searched = text.len();
            if text.len() >= self.limit {
                return Err(error(self.limit, Class::TooLarge, "an empty line"));
            }
            return Ok(());
        };
        let head_len = from.saturating_add(at).saturating_add(4);
        if head_len > self.limit {
            return Err(error(self.limit, Class::TooLarge, "an empty line"));
        }
        let head = text.get(..head_len).unwrap_or_default();
        let mut index = Index::new();
        if let Err(fault) = fill(head, &mut index, Rules::StreamHead) {
            self.refused = Some(Bytes::copy_from_slice(head));
            return Err(fault);
        }
        let len = usize::from(index.body_end);
        if len > self.limit {
            return Err(error(self.limit, Class::TooLarge, "a shorter message"));
        }
        self.searched = 0;
        self.head = Some((index, len));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "MESSAGE sip:a@h SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 3\r\n\r\nabc";

    fn all(framer: &mut Framer) -> Vec<String> {
        let mut items = Vec::new();
        while let Some(item) = framer.next() {
            items.push(match item {
                Ok(Framed::Message(message)) => {
                    String::from_utf8_lossy(message.body()).into_owned()
                }
                Ok(Framed::Ping) => "ping".to_owned(),
                Ok(Framed::Pong) => "pong".to_owned(),
                Err(error) => error.to_string(),
            });
        }
        items
    }

    #[test]
    fn messages_and_keep_alives_come_out_in_order() {
        let mut framer = Framer::new(SIP_MESSAGE_OCTETS);
        framer.push(format!("{PAGE}\r\n\r\n\r\n{PAGE}{PAGE}").as_bytes());
        assert_eq!(all(&mut framer), ["abc", "ping", "pong", "abc", "abc"]);
        assert_eq!(framer.waiting(), 0);
    }

    #[test]
    fn a_message_in_single_octets_comes_out_once() {
        let mut framer = Framer::new(SIP_MESSAGE_OCTETS);
        let mut items = Vec::new();
        for octet in PAGE.as_bytes() {
            framer.push(&[*octet]);
            items.extend(all(&mut framer));
        }
        assert_eq!(items, ["abc"]);
    }

    #[test]
    fn a_pong_alone_is_seen_at_once() {
        let mut framer = Framer::new(SIP_MESSAGE_OCTETS);
        framer.push(b"\r\n");
        assert_eq!(all(&mut framer), ["pong"]);
        framer.push(b"\r\n\r");
        assert!(all(&mut framer).is_empty());
        framer.push(b"\n");
        assert_eq!(all(&mut framer), ["ping"]);
    }

    #[test]
    fn a_stream_without_content_length_is_lost_and_answerable() {
        let mut framer = Framer::new(SIP_MESSAGE_OCTETS);
        framer.push(b"MESSAGE sip:a@h SIP/2.0\r\nCall-ID: 1\r\n\r\nabc");
        assert_eq!(
            all(&mut framer),
            ["sip at octet 39: missing_header, expected Content-Length"]
        );
        framer.push(PAGE.as_bytes());
        assert!(all(&mut framer).is_empty());
        assert_eq!(framer.take_refused().unwrap().call_id().unwrap(), "1");
    }

    #[test]
    fn a_negative_or_repeated_content_length_loses_the_stream() {
        for row in ["Content-Length: -1", "l: 1\r\nContent-Length: 1", "l: x"] {
            let mut framer = Framer::new(SIP_MESSAGE_OCTETS);
            framer.push(format!("MESSAGE sip:a@h SIP/2.0\r\n{row}\r\n\r\nabc").as_bytes());
            assert!(framer.next().unwrap().is_err(), "{row}");
        }
    }

    #[test]
    fn a_message_of_the_limit_passes_and_one_more_octet_does_not() {
        let mut framer = Framer::new(PAGE.len());
        framer.push(PAGE.as_bytes());
        assert_eq!(all(&mut framer), ["abc"]);
        let mut framer = Framer::new(PAGE.len() - 1);
        framer.push(PAGE.as_bytes());
        assert_eq!(
            all(&mut framer),
            [format!(
                "sip at octet {}: too_large, expected a shorter message",
                PAGE.len() - 1
            )]
        );
    }

    #[test]
    fn a_head_without_end_is_refused_at_the_limit() {
        let mut framer = Framer::new(SIP_MESSAGE_OCTETS);
        framer.push(&vec![b'x'; SIP_MESSAGE_OCTETS - 1]);
        assert!(framer.next().is_none());
        framer.push(b"x");
        assert_eq!(framer.next().unwrap().unwrap_err().class, Class::TooLarge);
    }
}
