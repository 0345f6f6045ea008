//! IMAP as a watcher of mailboxes needs it: responses of a server read, commands to it written.
//!
//! **Source:** RFC 3501 section 9 (grammar), RFC 2177 (IDLE), RFC 5465 (NOTIFY), RFC 8970 (PREVIEW), RFC 7888 (literals).
//! Of data that is not known, what follows is read all the same: an extension must not end a watch. Not here: body
//! structures, searches, and everything that changes a mailbox.

mod command;
mod encoded_word;
mod envelope;
mod framer;
mod reader;
mod response;

pub use command::quoted;
pub use encoded_word::decode as decode_words;
pub use envelope::Envelope;
pub use framer::Framer;
pub use reader::Value;
pub use response::{Code, Condition, Item, Response};

const NAME: &str = "imap";
