//! How far a mailbox was read: nothing is lost or told twice over a reconnect or a restart (R1.22, R1.23).

use serde::{Deserialize, Serialize};

/// Up to where a mailbox is known (RFC 3501 section 2.3.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// UIDVALIDITY: with another one all numbers are others.
    pub validity: u32,
    /// The UID that follows the last one known.
    pub next: u32,
}

impl Cursor {
    /// The name that a mail has in the store: the same whichever way it was noticed.
    #[must_use]
    pub fn id(validity: u32, uid: u32) -> String {
        format!("imap:{validity}.{uid}")
    }

    /// True when the mail was not known before.
    #[must_use]
    pub const fn is_new(self, validity: u32, uid: u32) -> bool {
        self.validity != validity || uid >= self.next
    }
}
