//! A REGISTER that is refused: the status and what the client is told with it.

use core::fmt::Display;

use crate::codec::sip::{Draft, Message};

/// Why a REGISTER is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    rows: Vec<(&'static str, String)>,
}

impl Refusal {
    /// A bare status.
    pub(super) const fn new(status: u16) -> Self {
        Self {
            status,
            rows: Vec::new(),
        }
    }

    /// A status with the reason in words, for whoever runs the client.
    pub(super) fn because(status: u16, why: impl Display) -> Self {
        // The host is the agent of the warning; a pseudonym is allowed (RFC 3261 section 20.43).
        Self::new(status).with("Warning", format!("399 registrar \"{why}\""))
    }

    /// The same with one more header.
    pub(super) fn with(mut self, name: &'static str, value: String) -> Self {
        self.rows.push((name, value));
        self
    }

    /// The response.
    pub(super) fn draft(self, request: &Message, tag: &str) -> Draft {
        let draft = Draft::response(request, self.status, Some(tag));
        self.rows
            .into_iter()
            .fold(draft, |draft, (name, value)| draft.header(name, value))
    }
}
