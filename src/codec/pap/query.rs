//! Asking for the status of a push, asking for the capabilities of a client, and the answers.
//!
//! **Source:** WAP-247 sections 8.7 to 8.10. The capabilities themselves are an entity of their own beside the document.

use serde::{Deserialize, Serialize};

use super::push::write_addresses;
use super::read::{address, addresses, code, text, time};
use super::result::state;
use super::write::Writer;
use super::xml::Node;
use super::{MessageState, Quality};
use crate::codec::DecodeError;
use crate::time::Time;

/// What became of a push?
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusQuery {
    /// Of the submission.
    pub push_id: String,
    /// For these recipients; for all when there is none.
    pub addresses: Vec<String>,
}

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusQueryResponse {
    /// Of the submission.
    pub push_id: String,
    /// At least one.
    pub results: Vec<StatusResult>,
}

/// What became of it for some recipients.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusResult {
    /// For these recipients; for all when there is none.
    pub addresses: Vec<String>,
    /// How it was delivered.
    pub quality: Option<Quality>,
    /// When it became so.
    pub event_time: Option<Time>,
    /// What became of it.
    pub state: MessageState,
    /// The status code.
    pub code: u16,
    /// The status in words.
    pub desc: Option<String>,
}

/// What can this client do?
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CcqMessage {
    /// Comes back in the answer.
    pub query_id: Option<String>,
    /// For which application.
    pub app_id: Option<String>,
    /// The client.
    pub address: String,
}

/// The answer; the capabilities travel beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CcqResponse {
    /// From the question.
    pub query_id: Option<String>,
    /// The client.
    pub address: String,
    /// The status code.
    pub code: u16,
    /// The status in words.
    pub desc: Option<String>,
}

impl StatusQuery {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            push_id: text(node, "push-id").unwrap_or_default(),
            addresses: addresses(node)?,
        })
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.open("statusquery-message")
            .attribute("push-id", &self.push_id);
        write_addresses(&self.addresses, out);
        out.close("statusquery-message");
    }
}

impl StatusQueryResponse {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, DecodeError> {
        let result = |child: &Node<'_>| {
            Ok(StatusResult {
                addresses: addresses(child)?,
                quality: Quality::within(child),
                event_time: time(child, "event-time")?,
                state: state(child),
                code: code(child)?,
                desc: text(child, "desc"),
            })
        };
        Ok(Self {
            push_id: text(node, "push-id").unwrap_or_default(),
            results: node.children.iter().map(result).collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.open("statusquery-response")
            .attribute("push-id", &self.push_id);
        for result in &self.results {
            out.open("statusquery-result")
                .optional("event-time", result.event_time)
                .attribute("message-state", result.state)
                .attribute("code", result.code)
                .optional("desc", result.desc.as_ref());
            write_addresses(&result.addresses, out);
            if let Some(quality) = &result.quality {
                quality.write(out);
            }
            out.close("statusquery-result");
        }
        out.close("statusquery-response");
    }
}

impl CcqMessage {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            query_id: text(node, "query-id"),
            app_id: text(node, "app-id"),
            address: address(node)?,
        })
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.open("ccq-message")
            .optional("query-id", self.query_id.as_ref())
            .optional("app-id", self.app_id.as_ref());
        write_addresses(core::slice::from_ref(&self.address), out);
        out.close("ccq-message");
    }
}

impl CcqResponse {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            query_id: text(node, "query-id"),
            address: address(node)?,
            code: code(node)?,
            desc: text(node, "desc"),
        })
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.open("ccq-response")
            .optional("query-id", self.query_id.as_ref())
            .attribute("code", self.code)
            .optional("desc", self.desc.as_ref());
        write_addresses(core::slice::from_ref(&self.address), out);
        out.close("ccq-response");
    }
}
