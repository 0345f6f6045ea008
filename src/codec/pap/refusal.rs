//! A message that is refused, and the document that says so.
//!
//! **Source:** WAP-247 sections 5.6, 8.13 (badmessage-response), 9 (version of the answer), 10.

use super::version::Offers;
use super::xml::{Node, Tree};
use super::{
    BadMessage, CancelResponse, CancelResult, Document, MessageState, Operation, PushResponse,
    Status, StatusQueryResponse, StatusResult, Version, version_of,
};
use crate::codec::{Class, DecodeError};

/// Why a document is refused, and what could be read of it nevertheless.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct Refusal {
    /// The fault and where it is.
    pub error: DecodeError,
    /// Whether the fault is the version.
    pub why: Why,
    /// The version to answer in.
    pub version: Version,
    /// True when the peer is known to speak more than PAP 1.0.
    pub peer_exceeds_1_0: bool,
    /// The name of the operation element, when it could be read.
    pub operation: Option<String>,
    /// The push-id, when it could be read.
    pub push_id: Option<String>,
    /// A piece of the message around the fault.
    pub fragment: String,
}

/// The two kinds of refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// 2000: not readable, not valid, or a value outside its domain.
    Malformed,
    /// 3002: a version that is not supported.
    Version,
}

/// Characters of the message that go back in the answer.
const FRAGMENT: usize = 200;
/// Octets of the message before the fault that go back in the answer.
const FRAGMENT_BEFORE: usize = 40;

impl Refusal {
    pub(super) fn of(error: DecodeError, why: Why, tree: &Tree<'_>, octets: &[u8]) -> Box<Self> {
        let used = version_of(tree);
        let list = tree.doctype.as_ref().and_then(|d| d.supported.as_ref());
        let offers = list
            .and_then(|(list, _)| Offers::decode(list).ok())
            .unwrap_or_default();
        let version = match used {
            Some(used) if used.is_supported() => used,
            _ => offers.common().unwrap_or(Version::V1_0),
        };
        let operation = operation_of(tree);
        Box::new(Self {
            error,
            why,
            version,
            peer_exceeds_1_0: used.is_some_and(|used| used > Version::V1_0) || offers.exceed_1_0(),
            operation: operation.map(|node| node.name.to_owned()),
            push_id: operation.and_then(|node| super::read::text(node, "push-id")),
            fragment: fragment(octets, error.offset),
        })
    }

    /// A refusal of octets that never came to be read as a document: a wrong content type, a broken multipart.
    #[must_use]
    pub fn unread(error: DecodeError, octets: &[u8]) -> Box<Self> {
        Self::of(error, Why::Malformed, &Tree::default(), octets)
    }

    /// A refusal of a document that itself was read: its other entities are at fault.
    #[must_use]
    pub fn beside(error: DecodeError, document: &Document, octets: &[u8]) -> Box<Self> {
        let push_id = match &document.operation {
            Operation::PushMessage(push) => Some(push.push_id.clone()),
            _ => None,
        };
        Box::new(Self {
            error,
            why: Why::Malformed,
            version: document.version,
            peer_exceeds_1_0: document.author_exceeds_1_0(),
            operation: Some(document.operation.name().to_owned()),
            push_id,
            fragment: fragment(octets, error.offset),
        })
    }

    /// The status code of the answer.
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self.why {
            Why::Malformed => Status::BadRequest.code(),
            Why::Version => Status::VersionNotSupported.code(),
        }
    }

    /// The answer: that of the operation when the message was XML and had a push-id, else a badmessage-response.
    #[must_use]
    pub fn answer(&self) -> Document {
        Document::new(self.version, self.peer_exceeds_1_0, self.verdict())
    }

    fn verdict(&self) -> Operation {
        let desc = Some(self.error.to_string());
        let code = self.code();
        let readable = self.why == Why::Malformed
            && !matches!(
                self.error.class,
                Class::XmlNotWellFormed | Class::XmlForbidden
            );
        match (self.operation.as_deref(), self.push_id.clone()) {
            (Some("push-message"), Some(push_id)) if readable => {
                Operation::PushResponse(PushResponse {
                    push_id,
                    code,
                    desc,
                    ..PushResponse::default()
                })
            }
            (Some("cancel-message"), Some(push_id)) if readable => {
                Operation::CancelResponse(CancelResponse {
                    push_id,
                    results: vec![CancelResult {
                        addresses: Vec::new(),
                        code,
                        desc,
                    }],
                })
            }
            (Some("statusquery-message"), Some(push_id)) if readable => {
                Operation::StatusQueryResponse(StatusQueryResponse {
                    push_id,
                    results: vec![StatusResult {
                        state: MessageState::Unknown,
                        code,
                        desc,
                        ..StatusResult::default()
                    }],
                })
            }
            _ => Operation::BadMessage(BadMessage {
                code,
                desc,
                fragment: Some(self.fragment.clone()),
            }),
        }
    }
}

fn operation_of<'a, 't>(tree: &'a Tree<'t>) -> Option<&'a Node<'t>> {
    match &tree.root {
        Some(root) => root.children.first(),
        None => {
            let [root, rest @ ..] = tree.unfinished() else {
                return None;
            };
            root.children.first().or_else(|| rest.first())
        }
    }
}

fn fragment(octets: &[u8], at: usize) -> String {
    let start = at.min(octets.len()).saturating_sub(FRAGMENT_BEFORE);
    let piece = octets.get(start..).unwrap_or_default();
    let piece = piece.get(..FRAGMENT).unwrap_or(piece);
    String::from_utf8_lossy(piece).into_owned()
}
