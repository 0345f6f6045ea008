//! A SIR as rows of text: what bearers with named headers carry beside type and body (HTTP, MSRP).
//!
//! **Source:** profile E.1: client address, server address and the other gateway are `X-Sirgate-To`, `-From` and
//! `-Reply-To`; the rest are the push headers of WAP-251. Not here: binary headers (`codec::wsp::sir`).

use super::{Received, Sir, Wrapped};
use crate::codec::DecodeError;

/// The client address, with what the value placement holds.
pub const TO: &str = "X-Sirgate-To";
/// The server address.
pub const FROM: &str = "X-Sirgate-From";
/// Another gateway to connect to.
pub const REPLY_TO: &str = "X-Sirgate-Reply-To";

impl Wrapped {
    /// The rows that carry this, in order, without Content-Type and what says how long the body is.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &str)> {
        let addresses = [
            (TO, Some(self.to.as_str())),
            (FROM, Some(self.from.as_str())),
            (REPLY_TO, self.reply_to.as_deref()),
        ];
        let disposition = ("Content-Disposition", self.disposition);
        self.headers
            .iter()
            .map(|(name, value)| (*name, Some(value.as_str())))
            .chain(addresses)
            .chain([disposition])
            .filter_map(|(name, value)| Some((name, value?)))
    }
}

impl Sir {
    /// The SIR of rows, the type of a body and the body; `header` gives the rows of a name, in any case.
    ///
    /// # Errors
    /// As [`Sir::decode`].
    pub fn of_rows<'a>(
        header: &'a dyn Fn(&str) -> Vec<&'a str>,
        content_type: &'a str,
        body: &'a [u8],
    ) -> Result<Self, DecodeError> {
        let first = |name: &str| header(name).into_iter().next();
        Self::decode(&Received {
            to: first(TO).unwrap_or_default(),
            from: first(FROM).unwrap_or_default(),
            reply_to: first(REPLY_TO),
            header,
            content_type,
            body,
        })
    }
}
