//! What an initiator asks: a submission as it is read from PAP or JSON, before anything is looked up.
//!
//! **Source:** WAP-247 section 8.1 (push-message), WAP-251 (push headers); the `X-Sirgate-*` headers of the content part
//! are the profile's own.

mod capability;
mod of_json;
mod of_pap;
mod options;
mod quality;
#[cfg(test)]
mod tests;

pub use of_json::of_json;
pub use of_pap::of_pap;
pub use quality::given;

use super::submission::{Content, Options};
use crate::codec::mime;
use crate::codec::pap::{Operation, Quality, ReplaceMethod, Status, Version};
use crate::gateway::forwarding::Onward;
use crate::time::Time;

/// What an initiator asks.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The push-id it chose.
    pub push_id: String,
    /// The version of PAP.
    pub version: Version,
    /// Client addresses as written.
    pub addresses: Vec<String>,
    /// Addresses may be bare identities, which PAP does not know.
    pub takes_bare: bool,
    /// Devices wanted among those of the identities: names or identifiers.
    pub devices: Vec<String>,
    /// A push this one takes the place of.
    pub replaces: Option<(String, ReplaceMethod)>,
    /// Not after.
    pub deliver_before: Option<Time>,
    /// Not before.
    pub deliver_after: Option<Time>,
    /// Where results go.
    pub notify_to: Option<String>,
    /// The quality asked for.
    pub quality: Option<Quality>,
    /// What is pushed.
    pub content: Content,
    /// How.
    pub options: Options,
    /// The submission as it came, where it is handed on to another gateway.
    pub onward: Option<Box<Onward>>,
}

/// Why a submission is refused, in PAP's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// PAP's status code.
    pub code: u16,
    /// In words.
    pub desc: String,
}

impl Refused {
    /// A refusal with that status.
    #[must_use]
    pub fn new(status: Status, desc: impl Into<String>) -> Self {
        Self {
            code: status.code(),
            desc: desc.into(),
        }
    }
}

/// True for the media types of PAP.
#[must_use]
pub fn is_pap(content_type: &str) -> bool {
    mime::MediaType::decode(content_type).is_ok_and(|media| {
        media.is("multipart/related") || media.is("application/xml") || media.is("text/xml")
    })
}

impl Asked {
    /// What does not fit together in it, whoever asks.
    ///
    /// # Errors
    /// With PAP's code and the reason.
    pub fn check(&self, now: Time) -> Result<(), Refused> {
        let bad = |desc: &str| Err(Refused::new(Status::BadRequest, desc));
        if self.push_id.is_empty() {
            return bad("the push-id is empty");
        }
        if self.addresses.is_empty() {
            return bad("there is no address");
        }
        if self.addresses.len() > crate::limits::PAP_ADDRESSES {
            return bad("too many addresses");
        }
        if mime::MediaType::decode(&self.content.content_type).is_err() {
            return bad("the content has no content type");
        }
        let (before, after) = (self.deliver_before, self.deliver_after);
        if before.is_some_and(|before| before <= now) {
            return Err(Refused::new(
                Status::Forbidden,
                "deliver-before-timestamp has passed",
            ));
        }
        if before.is_some_and(|before| after.is_some_and(|after| before <= after)) {
            return bad("deliver-before-timestamp is not later than deliver-after-timestamp");
        }
        Ok(())
    }
}

/// The push-id a document is about.
#[must_use]
pub fn push_id(operation: &Operation) -> Option<&str> {
    match operation {
        Operation::PushMessage(message) => Some(&message.push_id),
        Operation::CancelMessage(message) => Some(&message.push_id),
        Operation::StatusQuery(message) => Some(&message.push_id),
        _ => None,
    }
}
