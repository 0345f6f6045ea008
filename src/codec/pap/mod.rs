//! PAP: the documents between initiator and gateway.
//!
//! **Source:** WAP-247 (Push Access Protocol 2.0). Read are versions 1.0, 2.0 and 2.1; elements and attributes that 2.1
//! added to 2.0 are passed over, because a higher minor version must stay readable (section 9). Not here: HTTP, and
//! what a gateway does with a document.

use serde::{Deserialize, Serialize};

use crate::codec::{Class, DecodeError};

pub mod address;
mod cancel;
mod capabilities;
mod dtd;
mod fields;
mod prolog;
mod push;
mod query;
mod read;
mod refusal;
mod result;
mod status;
mod submission;
#[cfg(test)]
mod tests;
mod usual;
mod version;
mod write;
mod xml;

pub use address::ClientAddress;
pub use cancel::{CancelMessage, CancelResponse, CancelResult};
pub use capabilities::Capabilities;
pub use fields::{ADDRESS_FORMAT, BODY_FORMAT, XML_FORMAT};
pub use push::{
    DeliveryMethod, Priority, ProgressNote, PushMessage, PushResponse, Quality, ReplaceMethod,
};
pub use query::{CcqMessage, CcqResponse, StatusQuery, StatusQueryResponse, StatusResult};
pub use refusal::{Refusal, Why};
pub use result::{BadMessage, ResultNotification, ResultNotificationResponse};
pub use status::{MessageState, Status};
pub use submission::{Content, Submission, compose, submission};
pub use version::{NotAVersion, SUPPORTED, Version};

use version::Offers;
use write::Writer;
use xml::{Node, Tree};

const FORMAT: &str = "pap";

/// One PAP document: the control entity of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// The version it is written in.
    pub version: Version,
    /// The versions its author supports, most preferred first, as the `wap-pap-ver` instruction lists them.
    pub supported: Option<String>,
    /// The software that wrote it.
    pub product_name: Option<String>,
    /// What it says.
    pub operation: Operation,
}

/// What a PAP document says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// Initiator to gateway: deliver this.
    PushMessage(PushMessage),
    /// The gateway's answer.
    PushResponse(PushResponse),
    /// Initiator to gateway: take it back.
    CancelMessage(CancelMessage),
    /// The gateway's answer.
    CancelResponse(CancelResponse),
    /// Gateway to initiator: this became of it.
    ResultNotification(ResultNotification),
    /// The initiator's answer.
    ResultNotificationResponse(ResultNotificationResponse),
    /// Initiator to gateway: what became of it?
    StatusQuery(StatusQuery),
    /// The gateway's answer.
    StatusQueryResponse(StatusQueryResponse),
    /// Initiator to gateway: what can the client do?
    CcqMessage(CcqMessage),
    /// The gateway's answer.
    CcqResponse(CcqResponse),
    /// Either way: that could not be read.
    BadMessage(BadMessage),
}

/// Reads a document.
///
/// # Errors
///
/// The first fault; [`read`] tells with it what to answer.
pub fn decode(octets: &[u8]) -> Result<Document, DecodeError> {
    read(octets).map_err(|refusal| refusal.error)
}

/// Reads a document; a refusal knows the answer to send.
///
/// # Errors
///
/// Octets that are no XML, not valid, of a version that is not supported, or with a value outside its domain.
pub fn read(octets: &[u8]) -> Result<Document, Box<Refusal>> {
    match usual::read(octets) {
        Some(document) => Ok(document),
        None => read_tree(octets),
    }
}

/// Reads a document however it is written.
fn read_tree(octets: &[u8]) -> Result<Document, Box<Refusal>> {
    let (mut tree, result) = xml::read(octets);
    let version = result
        .and_then(|()| check(&tree))
        .map_err(|error| Refusal::of(error, Why::Malformed, &tree, octets))?;
    if !version.is_supported() {
        let at = tree.doctype.as_ref().map_or(0, |doctype| doctype.at);
        let error = fault(at, Class::BadValue, "PAP of version 2.0, 2.1 or 1.0");
        return Err(Refusal::of(error, Why::Version, &tree, octets));
    }
    let operation = tree
        .root
        .as_mut()
        .ok_or_else(|| fault(0, Class::XmlInvalid, "the element pap"))
        .and_then(|root| {
            dtd::check(root, version)?;
            Operation::read(root)
        })
        .map_err(|error| Refusal::of(error, Why::Malformed, &tree, octets))?;
    let product_name = tree
        .root
        .as_ref()
        .and_then(|root| read::text(root, "product-name"));
    let supported = tree.doctype.and_then(|doctype| doctype.supported);
    Ok(Document {
        version,
        supported: supported.map(|(list, _)| list.to_owned()),
        product_name,
        operation,
    })
}

/// Checks what stands before the root element, and gives the version that it names.
fn check(tree: &Tree<'_>) -> Result<Version, DecodeError> {
    let (Some(doctype), Some(root)) = (&tree.doctype, &tree.root) else {
        return Err(fault(0, Class::XmlInvalid, "a DOCTYPE of PAP"));
    };
    let version = version_of(tree).filter(|_| doctype.root == root.name);
    let version =
        version.ok_or_else(|| fault(doctype.at, Class::XmlInvalid, "a DOCTYPE of PAP"))?;
    match &doctype.supported {
        Some((list, at)) if Offers::decode(list).is_err() => {
            Err(fault(*at, Class::XmlInvalid, "a list of versions"))
        }
        _ => Ok(version),
    }
}

/// The version that the DOCTYPE names. One that names none, and lists none, is of the time before there were others.
fn version_of(tree: &Tree<'_>) -> Option<Version> {
    let doctype = tree.doctype.as_ref()?;
    match doctype.public.as_deref()? {
        version::UNNUMBERED if doctype.supported.is_none() => Some(Version::V1_0),
        public => Version::of_public(public),
    }
}

impl Document {
    /// A document of ours in that version. The supported versions are listed when the peer is known to speak more than
    /// 1.0, and only then.
    #[must_use]
    pub fn new(version: Version, peer_exceeds_1_0: bool, operation: Operation) -> Self {
        Self {
            version,
            supported: peer_exceeds_1_0.then(|| SUPPORTED.to_owned()),
            product_name: None,
            operation,
        }
    }

    /// The answer to this document: in its version.
    #[must_use]
    pub fn reply(&self, operation: Operation) -> Self {
        Self::new(self.version, self.author_exceeds_1_0(), operation)
    }

    /// True when the author is known to speak more than PAP 1.0.
    #[must_use]
    pub fn author_exceeds_1_0(&self) -> bool {
        let offers = || Offers::decode(self.supported.as_deref()?).ok();
        self.version > Version::V1_0 || offers().is_some_and(Offers::exceed_1_0)
    }

    /// The octets of the document.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        prolog(&mut out, self.version, self.supported.as_deref());
        out.open("pap")
            .optional("product-name", self.product_name.as_ref());
        match &self.operation {
            // PAP 1.0 cannot replace.
            Operation::PushMessage(push) if self.version < Version::V2_0 => {
                let push = PushMessage {
                    replace_push_id: None,
                    replace_method: ReplaceMethod::All,
                    ..push.clone()
                };
                push.write(&mut out);
            }
            operation => operation.write(&mut out),
        }
        out.close("pap");
        out.finish()
    }
}

/// Writes what stands before the root element.
fn prolog(out: &mut Writer, version: Version, supported: Option<&str>) {
    let own;
    let version = match version {
        Version::V2_0 => "2.0",
        other => {
            own = other.to_string();
            &own
        }
    };
    out.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE pap PUBLIC \"");
    out.raw("-//WAPFORUM//DTD PAP ");
    out.raw(version);
    out.raw("//EN\" \"http://www.wapforum.org/DTD/pap_");
    out.raw(version);
    out.raw(".dtd\"");
    // A list that is none, from a careless caller, must not break out of the instruction.
    let is_list = |list: &&str| *list == SUPPORTED || Offers::decode(list).is_ok();
    if let Some(list) = supported.filter(is_list) {
        out.raw(" [<?wap-pap-ver supported-versions=\"");
        out.raw(list);
        out.raw("\"?>]");
    }
    out.raw(">\n");
}

impl Operation {
    /// The name of the element.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::PushMessage(_) => "push-message",
            Self::PushResponse(_) => "push-response",
            Self::CancelMessage(_) => "cancel-message",
            Self::CancelResponse(_) => "cancel-response",
            Self::ResultNotification(_) => "resultnotification-message",
            Self::ResultNotificationResponse(_) => "resultnotification-response",
            Self::StatusQuery(_) => "statusquery-message",
            Self::StatusQueryResponse(_) => "statusquery-response",
            Self::CcqMessage(_) => "ccq-message",
            Self::CcqResponse(_) => "ccq-response",
            Self::BadMessage(_) => "badmessage-response",
        }
    }

    fn read(root: &Node<'_>) -> Result<Self, DecodeError> {
        let absent = || fault(root.at, Class::XmlInvalid, "one operation inside pap");
        let node = root.children.first().ok_or_else(absent)?;
        Ok(match node.name {
            "push-message" => Self::PushMessage(PushMessage::read(node)?),
            "push-response" => Self::PushResponse(PushResponse::read(node)?),
            "cancel-message" => Self::CancelMessage(CancelMessage::read(node)?),
            "cancel-response" => Self::CancelResponse(CancelResponse::read(node)?),
            "resultnotification-message" => {
                Self::ResultNotification(ResultNotification::read(node)?)
            }
            "resultnotification-response" => {
                Self::ResultNotificationResponse(ResultNotificationResponse::read(node)?)
            }
            "statusquery-message" => Self::StatusQuery(StatusQuery::read(node)?),
            "statusquery-response" => Self::StatusQueryResponse(StatusQueryResponse::read(node)?),
            "ccq-message" => Self::CcqMessage(CcqMessage::read(node)?),
            "ccq-response" => Self::CcqResponse(CcqResponse::read(node)?),
            "badmessage-response" => Self::BadMessage(BadMessage::read(node)?),
            _ => return Err(absent()),
        })
    }

    fn write(&self, out: &mut Writer) {
        match self {
            Self::PushMessage(operation) => operation.write(out),
            Self::PushResponse(operation) => operation.write(out),
            Self::CancelMessage(operation) => operation.write(out),
            Self::CancelResponse(operation) => operation.write(out),
            Self::ResultNotification(operation) => operation.write(out),
            Self::ResultNotificationResponse(operation) => operation.write(out),
            Self::StatusQuery(operation) => operation.write(out),
            Self::StatusQueryResponse(operation) => operation.write(out),
            Self::CcqMessage(operation) => operation.write(out),
            Self::CcqResponse(operation) => operation.write(out),
            Self::BadMessage(operation) => operation.write(out),
        }
    }
}

const fn fault(at: usize, class: Class, expected: &'static str) -> DecodeError {
    DecodeError {
        format: FORMAT,
        offset: at,
        class,
        expected,
    }
}
