//! Taking a push back, and the answer.
//!
//! **Source:** WAP-247 sections 8.3 (cancel-message) and 8.4 (cancel-response).

use serde::{Deserialize, Serialize};

use super::push::write_addresses;
use super::read::{addresses, code, text};
use super::write::Writer;
use super::xml::Node;
use crate::codec::DecodeError;

/// Take a push back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelMessage {
    /// Of the submission.
    pub push_id: String,
    /// For these recipients; for all when there is none.
    pub addresses: Vec<String>,
}

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelResponse {
    /// Of the submission.
    pub push_id: String,
    /// At least one.
    pub results: Vec<CancelResult>,
}

/// What became of it for some recipients.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelResult {
    /// For these recipients; for all when there is none.
    pub addresses: Vec<String>,
    /// The status code.
    pub code: u16,
    /// The status in words.
    pub desc: Option<String>,
}

impl CancelMessage {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            push_id: text(node, "push-id").unwrap_or_default(),
            addresses: addresses(node)?,
        })
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.open("cancel-message")
            .attribute("push-id", &self.push_id);
        write_addresses(&self.addresses, out);
        out.close("cancel-message");
    }
}

impl CancelResponse {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, DecodeError> {
        let result = |child: &Node<'_>| {
            Ok(CancelResult {
                addresses: addresses(child)?,
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
        out.open("cancel-response")
            .attribute("push-id", &self.push_id);
        for result in &self.results {
            out.open("cancel-result")
                .attribute("code", result.code)
                .optional("desc", result.desc.as_ref());
            write_addresses(&result.addresses, out);
            out.close("cancel-result");
        }
        out.close("cancel-response");
    }
}
