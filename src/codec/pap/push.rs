//! The submission of a push and its answer.
//!
//! **Source:** WAP-247 sections 8.1 (push-message), 8.2 (push-response), 8.14 (address, quality-of-service).

use serde::{Deserialize, Serialize};

use super::ClientAddress;
use super::read::{addresses, boolean, code, text, time, word};
use super::write::Writer;
use super::xml::Node;
use crate::codec::DecodeError;
use crate::time::Time;

/// A submission.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PushMessage {
    /// Chosen by the initiator, unique in the world.
    pub push_id: String,
    /// The recipients as the initiator wrote them, at least one.
    pub addresses: Vec<String>,
    /// How to deliver.
    pub quality: Option<Quality>,
    /// The submission this one takes the place of.
    pub replace_push_id: Option<String>,
    /// For whom it does.
    pub replace_method: ReplaceMethod,
    /// After this instant it must not be sent.
    pub deliver_before: Option<Time>,
    /// Before this instant it must not be sent.
    pub deliver_after: Option<Time>,
    /// Who the content is from, in words.
    pub source_reference: Option<String>,
    /// Where results are to be notified; no notification without it.
    pub notify_to: Option<String>,
    /// True when the answer should have progress notes.
    pub progress_notes: bool,
}

/// Who gets a replacement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReplaceMethod {
    /// All recipients.
    #[default]
    All,
    /// Those whose old message could be cancelled.
    PendingOnly,
}

/// The quality of service asked for, or that was given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quality {
    /// How urgent.
    pub priority: Priority,
    /// Confirmed or not.
    pub delivery_method: DeliveryMethod,
    /// A network's name, in any case.
    pub network: Option<String>,
    /// True when no other network will do.
    pub network_required: bool,
    /// A bearer's name, in any case.
    pub bearer: Option<String>,
    /// True when no other bearer will do.
    pub bearer_required: bool,
}

/// How urgent a push is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// After others.
    Low,
    /// As usual.
    #[default]
    Medium,
    /// Before others.
    High,
}

/// Whether delivery is confirmed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryMethod {
    /// It must be.
    Confirmed,
    /// It should be.
    PreferConfirmed,
    /// It need not be.
    Unconfirmed,
    /// The gateway decides.
    #[default]
    NotSpecified,
}

/// The answer to a submission.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushResponse {
    /// Of the submission.
    pub push_id: String,
    /// Where the gateway is reached.
    pub sender_address: Option<String>,
    /// The gateway's name.
    pub sender_name: Option<String>,
    /// When it answered.
    pub reply_time: Option<Time>,
    /// What the gateway did so far.
    pub progress: Vec<ProgressNote>,
    /// The status code.
    pub code: u16,
    /// The status in words.
    pub desc: Option<String>,
}

/// One step of handling a submission.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressNote {
    /// The step's name.
    pub stage: String,
    /// More about it.
    pub note: Option<String>,
    /// When it was taken.
    pub time: Option<Time>,
}

pub(super) const PRIORITIES: &[(&str, Priority)] = &[
    ("medium", Priority::Medium),
    ("high", Priority::High),
    ("low", Priority::Low),
];
pub(super) const METHODS: &[(&str, DeliveryMethod)] = &[
    ("notspecified", DeliveryMethod::NotSpecified),
    ("confirmed", DeliveryMethod::Confirmed),
    ("preferconfirmed", DeliveryMethod::PreferConfirmed),
    ("unconfirmed", DeliveryMethod::Unconfirmed),
];
pub(super) const REPLACE_METHODS: &[(&str, ReplaceMethod)] = &[
    ("all", ReplaceMethod::All),
    ("pending-only", ReplaceMethod::PendingOnly),
];

impl PushMessage {
    /// The recipients, read.
    ///
    /// # Errors
    ///
    /// The first address that is none, by its place in [`PushMessage::addresses`]; the answer is 2002.
    pub fn client_addresses(&self) -> Result<Vec<ClientAddress>, (usize, DecodeError)> {
        let read =
            |(at, text): (usize, &String)| ClientAddress::decode(text).map_err(|error| (at, error));
        self.addresses.iter().enumerate().map(read).collect()
    }

    pub(super) fn read(node: &Node<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            push_id: text(node, "push-id").unwrap_or_default(),
            addresses: addresses(node)?,
            quality: Quality::within(node),
            replace_push_id: text(node, "replace-push-id"),
            replace_method: word(node, "replace-method", REPLACE_METHODS),
            deliver_before: time(node, "deliver-before-timestamp")?,
            deliver_after: time(node, "deliver-after-timestamp")?,
            source_reference: text(node, "source-reference"),
            notify_to: text(node, "ppg-notify-requested-to"),
            progress_notes: boolean(node, "progress-notes-requested"),
        })
    }

    pub(super) fn write(&self, out: &mut Writer) {
        let pending_only =
            (self.replace_method == ReplaceMethod::PendingOnly).then_some("pending-only");
        out.open("push-message")
            .attribute("push-id", &self.push_id)
            .optional("replace-push-id", self.replace_push_id.as_ref())
            .optional("replace-method", pending_only)
            .optional("deliver-before-timestamp", self.deliver_before)
            .optional("deliver-after-timestamp", self.deliver_after)
            .optional("source-reference", self.source_reference.as_ref())
            .optional("ppg-notify-requested-to", self.notify_to.as_ref())
            .optional(
                "progress-notes-requested",
                self.progress_notes.then_some("true"),
            );
        write_addresses(&self.addresses, out);
        if let Some(quality) = &self.quality {
            quality.write(out);
        }
        out.close("push-message");
    }
}

impl Quality {
    /// The quality-of-service element inside another, if there is one.
    pub(super) fn within(node: &Node<'_>) -> Option<Self> {
        let node = node
            .children
            .iter()
            .find(|child| child.name == "quality-of-service")?;
        Some(Self {
            priority: word(node, "priority", PRIORITIES),
            delivery_method: word(node, "delivery-method", METHODS),
            network: text(node, "network"),
            network_required: boolean(node, "network-required"),
            bearer: text(node, "bearer"),
            bearer_required: boolean(node, "bearer-required"),
        })
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.open("quality-of-service")
            .optional("priority", unusual(self.priority, PRIORITIES))
            .optional("delivery-method", unusual(self.delivery_method, METHODS))
            .optional("network", self.network.as_ref())
            .optional("network-required", self.network_required.then_some("true"))
            .optional("bearer", self.bearer.as_ref())
            .optional("bearer-required", self.bearer_required.then_some("true"))
            .close("quality-of-service");
    }
}

/// The word for a value that is not the default.
fn unusual<T: Copy + Default + PartialEq>(
    value: T,
    words: &[(&'static str, T)],
) -> Option<&'static str> {
    words
        .iter()
        .find(|(_, known)| *known == value && value != T::default())
        .map(|(word, _)| *word)
}

/// Address elements.
pub(super) fn write_addresses(addresses: &[String], out: &mut Writer) {
    for address in addresses {
        out.open("address")
            .attribute("address-value", address)
            .close("address");
    }
}

impl PushResponse {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, DecodeError> {
        let mut response = Self {
            push_id: text(node, "push-id").unwrap_or_default(),
            sender_address: text(node, "sender-address"),
            sender_name: text(node, "sender-name"),
            reply_time: time(node, "reply-time")?,
            ..Self::default()
        };
        for child in &node.children {
            if child.name == "progress-note" {
                response.progress.push(ProgressNote {
                    stage: text(child, "stage").unwrap_or_default(),
                    note: text(child, "note"),
                    time: time(child, "time")?,
                });
            } else {
                response.code = code(child)?;
                response.desc = text(child, "desc");
            }
        }
        Ok(response)
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.open("push-response")
            .attribute("push-id", &self.push_id)
            .optional("sender-address", self.sender_address.as_ref())
            .optional("sender-name", self.sender_name.as_ref())
            .optional("reply-time", self.reply_time);
        for note in &self.progress {
            out.open("progress-note")
                .attribute("stage", &note.stage)
                .optional("note", note.note.as_ref())
                .optional("time", note.time)
                .close("progress-note");
        }
        out.open("response-result")
            .attribute("code", self.code)
            .optional("desc", self.desc.as_ref())
            .close("response-result");
        out.close("push-response");
    }
}
