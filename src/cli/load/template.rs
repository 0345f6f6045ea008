//! One PAP request, written anew for each push: the number stands in its push-id, its addresses and its content.

use std::io::Write;

use bytes::Bytes;

use crate::codec::pap::{self, DeliveryMethod, Document, Operation, PushMessage, Quality, Version};

/// Stands in the content for the push.
pub(super) const PUSH: &str = "{push}";
/// Stands in an address for a number from 1 up.
pub(super) const NUMBER: &str = "{n}";

/// Digits of a push's number in its mark.
const DIGITS: usize = 8;

/// What all pushes have in common.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    /// `/pap`.
    pub path: &'a str,
    /// `127.0.0.1:8642`.
    pub host: &'a str,
    pub address: &'a str,
    /// `{n}` in the address goes from 1 to this.
    pub addresses: u64,
    pub content_type: &'a str,
    pub content: &'a [u8],
    pub method: DeliveryMethod,
    pub notify_to: Option<&'a str>,
}

/// A request with holes.
#[derive(Debug)]
pub(super) struct Template {
    head: Vec<u8>,
    body: Vec<Piece>,
    addresses: u64,
    mark: String,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Octets(Bytes),
    Push,
    Number,
}

impl Template {
    /// The template of a run; `run` keeps its push-ids apart from those of other runs.
    pub(super) fn new(asked: &Asked<'_>, run: &str) -> Self {
        // What the boundary is made of must not change with the numbers.
        let quality = Quality {
            delivery_method: asked.method,
            ..Quality::default()
        };
        let message = PushMessage {
            push_id: format!("{PUSH}@load.sirgate"),
            addresses: vec![asked.address.to_owned()],
            quality: Some(quality),
            notify_to: asked.notify_to.map(str::to_owned),
            ..PushMessage::default()
        };
        let document = Document::new(Version::V2_0, false, Operation::PushMessage(message));
        let headers = [("Content-Type", asked.content_type)];
        let (content_type, body) = pap::compose(&document, &headers, Some(asked.content));
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: {content_type}\r\nContent-Length: ",
            asked.path, asked.host
        );
        Self {
            head: head.into_bytes(),
            body: pieces(&body),
            addresses: asked.addresses.max(1),
            mark: format!("sgl{run}"),
        }
    }

    /// Writes the request of a push.
    pub(super) fn write(&self, number: u64, out: &mut Vec<u8>) {
        out.clear();
        let push = format!("{}{number:0DIGITS$}", self.mark);
        let to = (number % self.addresses + 1).to_string();
        let of = |piece: &Piece| match piece {
            Piece::Octets(octets) => octets.len(),
            Piece::Push => push.len(),
            Piece::Number => to.len(),
        };
        let length: usize = self.body.iter().map(of).sum();
        out.extend_from_slice(&self.head);
        // Writing to memory does not fail.
        let _ = write!(out, "{length}\r\n\r\n");
        for piece in &self.body {
            out.extend_from_slice(match piece {
                Piece::Octets(octets) => octets,
                Piece::Push => push.as_bytes(),
                Piece::Number => to.as_bytes(),
            });
        }
    }

    /// The number of the push that these octets came of.
    pub(super) fn number_in(&self, octets: &[u8]) -> Option<u64> {
        let at = memchr::memmem::find(octets, self.mark.as_bytes())? + self.mark.len();
        let digits = octets.get(at..at + DIGITS)?;
        core::str::from_utf8(digits).ok()?.parse().ok()
    }
}

fn pieces(text: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    loop {
        let push = memchr::memmem::find(rest, PUSH.as_bytes());
        let number = memchr::memmem::find(rest, NUMBER.as_bytes());
        let next = match (push, number) {
            (Some(push), Some(number)) if number < push => Some((number, NUMBER, Piece::Number)),
            (Some(push), _) => Some((push, PUSH, Piece::Push)),
            (None, Some(number)) => Some((number, NUMBER, Piece::Number)),
            (None, None) => None,
        };
        let Some((at, word, piece)) = next else {
            pieces.push(Piece::Octets(Bytes::copy_from_slice(rest)));
            return pieces;
        };
        let (before, after) = rest.split_at(at);
        pieces.push(Piece::Octets(Bytes::copy_from_slice(before)));
        pieces.push(piece);
        rest = after.get(word.len()..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_reads_as_the_submission_of_its_number() {
        let asked = Asked {
            path: "/pap",
            host: "127.0.0.1:8642",
            address: "WAPPUSH=sip%3Auser{n}%40example.com/TYPE=USER@ppg.example.com",
            addresses: 7,
            content_type: "text/plain",
            content: b"about {push}",
            method: DeliveryMethod::Unconfirmed,
            notify_to: None,
        };
        let template = Template::new(&asked, "x");
        let mut request = Vec::new();
        template.write(12, &mut request);
        assert_eq!(template.number_in(&request), Some(12));
        let end = memchr::memmem::find(&request, b"\r\n\r\n").unwrap();
        let (head, body) = (&request[..end], &request[end + 4..]);
        let head = core::str::from_utf8(head).unwrap();
        let value = |name: &str| {
            let row = head.lines().find_map(|line| line.strip_prefix(name));
            row.unwrap().to_owned()
        };
        assert_eq!(value("Content-Length: "), body.len().to_string());
        let (document, content, _) = pap::submission(&value("Content-Type: "), body).unwrap();
        let Operation::PushMessage(message) = document.operation else {
            panic!("{document:?}");
        };
        assert_eq!(message.push_id, "sglx00000012@load.sirgate");
        assert_eq!(
            message.addresses,
            ["WAPPUSH=sip%3Auser6%40example.com/TYPE=USER@ppg.example.com"]
        );
        assert_eq!(content.unwrap().body.as_ref(), b"about sglx00000012");
    }
}
