//! What of a mail a watcher tells.

use crate::codec::imap::{Envelope, Item, Value};

/// A mail that is new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mail {
    /// UIDVALIDITY of its mailbox.
    pub validity: u32,
    /// Its number there.
    pub uid: u32,
    /// Who wrote it: `Name <address>`.
    pub from: String,
    /// What about.
    pub subject: String,
    /// How it begins, where the server says.
    pub preview: String,
}

impl Mail {
    /// The mail of a FETCH response; `None` for one that does not say which mail it is of.
    pub(super) fn of(validity: u32, items: &[Item<'_>]) -> Option<Self> {
        let item = |wanted: &str| {
            let mut items = items.iter();
            items.find_map(|(name, value)| (name == wanted).then_some(value))
        };
        let envelope = item("ENVELOPE").map(Envelope::of).unwrap_or_default();
        Some(Self {
            validity,
            uid: item("UID")?.number()?,
            from: envelope.from,
            subject: envelope.subject,
            preview: item("PREVIEW").and_then(Value::text).unwrap_or_default(),
        })
    }
}
