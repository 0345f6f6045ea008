//! Answers to requests that are too broken to be passed up.
//!
//! **Source:** RFC 3261 sections 8.2 (order of checks), 18.3 (a datagram shorter than its Content-Length), 21.4.1,
//! 21.5.6; RFC 4475 section 3.1.2.

use std::net::SocketAddr;

use bytes::Bytes;

use crate::codec::DecodeError;
use crate::codec::sip::{Draft, Message, Method, Name};

use super::{Endpoint, Flow, Output, via};

/// What a response copies and a request has once; Via may stand several times.
const COPIED_ONCE: [Name; 4] = [Name::From, Name::To, Name::CallId, Name::CSeq];

impl Endpoint {
    /// Octets that are no message: answered when they are a request in outline.
    pub(super) fn refuse_octets(
        &mut self,
        flow: Flow,
        peer: SocketAddr,
        octets: Bytes,
        error: DecodeError,
        out: &mut Vec<Output>,
    ) {
        match Message::answerable(octets) {
            Some(message) => self.refuse_malformed(flow, peer, &message, error, out),
            None => out.push(Output::Malformed { peer, error }),
        }
    }

    /// Answers a request whose headers cannot be used: 505 for another version, else 400 that says what is missing
    /// where.
    pub(super) fn refuse_malformed(
        &mut self,
        flow: Flow,
        peer: SocketAddr,
        message: &Message,
        error: DecodeError,
        out: &mut Vec<Output>,
    ) {
        if is_answerable(message) {
            let stamped = via::stamped(message, peer);
            let message = stamped.as_ref().unwrap_or(message);
            let tag = self.random.token::<10>();
            let draft = if message.is_version_2() {
                let reason = format!(
                    "Bad Request ({}, expected {} at octet {})",
                    error.class.name(),
                    error.expected,
                    error.offset
                );
                Draft::response_with_reason(message, 400, &reason, Some(tag.as_str()))
            } else {
                Draft::response(message, 505, Some(tag.as_str()))
            };
            self.answer(flow, peer, message, draft.finish().octets().clone(), out);
        }
        out.push(Output::Malformed { peer, error });
    }
}

/// An ACK is never answered, and a response must copy what nobody can guess. Two To headers are a fault of that kind.
fn is_answerable(message: &Message) -> bool {
    message.method() != Some(Method::Ack)
        && message.header(Name::Via).is_some()
        && COPIED_ONCE
            .iter()
            .all(|name| message.header(*name).is_some() && !message.is_repeated(*name))
}
