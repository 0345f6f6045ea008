//! SIP messages: from octets to values and back.
//!
//! Source: RFC 3261 sections 7, 18.3, 19, 20, 22 and 25; the documents of each header in its file. A [`Frame`] finds the
//! parts of a message without copying; a [`Message`] keeps them with the octets; typed readers decode single values when
//! asked; a [`Draft`] composes; a [`Framer`] cuts a stream. Unknown methods, headers, parameters and schemes pass
//! untouched. Not here: transactions and what a message means (`protocol::sip`).

mod address;
pub mod digest;
mod draft;
pub mod format;
mod frame;
mod framer;
mod message;
mod method;
mod name;
mod param;
pub mod push_notification;
mod read;
#[cfg(feature = "rsip")]
pub mod rsip_view;
mod span;
mod via;

pub use address::{Address, Contact, put_escaped, put_quoted, quote, unquoted};
pub use draft::{Draft, reason_phrase};
pub use format::FORMAT;
pub use frame::{Frame, Index};
pub use framer::{Framed, Framer};
pub use message::Message;
pub use method::Method;
pub use name::Name;
pub use param::Params;
pub use read::CSeq;
pub use via::Via;
