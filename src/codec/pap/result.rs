//! The notification of a result, its answer, and the answer to a message that could not be read.
//!
//! **Source:** WAP-247 sections 8.5 (resultnotification-message), 8.6 (resultnotification-response), 8.13
//! (badmessage-response).

use serde::{Deserialize, Serialize};

use super::push::write_addresses;
use super::read::{address, code, text, time};
use super::write::Writer;
use super::xml::Node;
use super::{MessageState, Quality};
use crate::codec::DecodeError;
use crate::time::Time;

/// What became of a push for one recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultNotification {
    /// Of the submission.
    pub push_id: String,
    /// The recipient, exactly as the initiator wrote it.
    pub address: String,
    /// What became of it.
    pub state: MessageState,
    /// The status code.
    pub code: u16,
    /// The status in words.
    pub desc: Option<String>,
    /// When it became so.
    pub event_time: Option<Time>,
    /// When the gateway received the submission.
    pub received_time: Option<Time>,
    /// How it was delivered; present when the submission asked for a quality.
    pub quality: Option<Quality>,
    /// Where the gateway is reached.
    pub sender_address: Option<String>,
    /// The gateway's name.
    pub sender_name: Option<String>,
}

/// The initiator's answer to a notification.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultNotificationResponse {
    /// Of the submission.
    pub push_id: String,
    /// The recipient of the notification.
    pub address: String,
    /// The status code.
    pub code: u16,
    /// The status in words.
    pub desc: Option<String>,
}

/// The answer to a message that could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadMessage {
    /// The status code: 2000 or 3002.
    pub code: u16,
    /// The fault in words.
    pub desc: Option<String>,
    /// The piece of the message that is at fault.
    pub fragment: Option<String>,
}

impl ResultNotification {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            push_id: text(node, "push-id").unwrap_or_default(),
            address: address(node)?,
            state: state(node),
            code: code(node)?,
            desc: text(node, "desc"),
            event_time: time(node, "event-time")?,
            received_time: time(node, "received-time")?,
            quality: Quality::within(node),
            sender_address: text(node, "sender-address"),
            sender_name: text(node, "sender-name"),
        })
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.open("resultnotification-message")
            .attribute("push-id", &self.push_id)
            .optional("sender-address", self.sender_address.as_ref())
            .optional("sender-name", self.sender_name.as_ref())
            .optional("received-time", self.received_time)
            .optional("event-time", self.event_time)
            .attribute("message-state", self.state)
            .attribute("code", self.code)
            .optional("desc", self.desc.as_ref());
        write_addresses(core::slice::from_ref(&self.address), out);
        if let Some(quality) = &self.quality {
            quality.write(out);
        }
        out.close("resultnotification-message");
    }
}

/// The message-state of an element.
pub(super) fn state(node: &Node<'_>) -> MessageState {
    node.value("message-state")
        .and_then(MessageState::of)
        .unwrap_or(MessageState::Unknown)
}

impl ResultNotificationResponse {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            push_id: text(node, "push-id").unwrap_or_default(),
            address: address(node)?,
            code: code(node)?,
            desc: text(node, "desc"),
        })
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.open("resultnotification-response")
            .attribute("push-id", &self.push_id)
            .attribute("code", self.code)
            .optional("desc", self.desc.as_ref());
        write_addresses(core::slice::from_ref(&self.address), out);
        out.close("resultnotification-response");
    }
}

impl BadMessage {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            code: code(node)?,
            desc: text(node, "desc"),
            fragment: text(node, "bad-message-fragment"),
        })
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.open("badmessage-response")
            .attribute("code", self.code)
            .optional("desc", self.desc.as_ref())
            .optional("bad-message-fragment", self.fragment.as_ref())
            .close("badmessage-response");
    }
}
