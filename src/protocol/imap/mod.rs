//! Watching a mailbox over IMAP, without IO: what is new is told once, nothing in the mailbox is changed.
//!
//! **Source:** RFC 3501 (LOGIN, AUTHENTICATE, EXAMINE, UID FETCH), RFC 2177 (IDLE), RFC 5465 (NOTIFY), RFC 8970 (PREVIEW).
//!
//! ```text
//! greeting ─▶ login ─▶ capabilities ─▶ examine ─▶ fetch what is new ─▶ wait (NOTIFY, IDLE or NOOP)
//!                │ NO                                ▲                   │ EXISTS
//!                ▼                                   └───────────────────┘
//!             refused
//! ```
//!
//! A mailbox that is known for the first time, or has another UIDVALIDITY than before, is taken as it is: what it holds is
//! not new. How far it was read is told when everything up to there has been told, so that after a break the rest comes
//! again and whoever stores mails by their names has each once.

mod mail;
mod terms;
mod watcher;

pub use mail::Mail;
pub use terms::{Effect, Settings, Way};
pub use watcher::Watcher;

#[cfg(test)]
mod tests;
