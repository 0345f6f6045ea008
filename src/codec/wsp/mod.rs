//! Wireless Session Protocol: pushes without a session, the PDUs of a session, binary headers.
//!
//! **Source:** WAP-230 sections 7 and 8 with the assigned numbers of its appendix A; encoding versions 1.1 to 1.5.
//! Values point into the octets they came from: reading a push by the letter allocates nothing.

pub mod assigned;
mod capability;
mod charset;
mod compose;
pub mod fields;
mod grammar;
mod header;
mod language;
mod media;
mod media_names;
mod multipart;
mod pdu;
mod rigour;
pub mod sir;
mod spans;
mod value;

pub use capability::{Capabilities, Capability, CapabilityKind, options, put_capability};
pub use charset::{charset_name, charset_number};
pub use compose::{VERSION_NEWEST, put_field, put_named, put_shift};
pub use header::{DEFAULT_PAGE, Entry, Field, Headers, Name};
pub use language::{language_name, language_number};
pub use media::{Argument, ContentType, Given, Media, Parameter, put_content_type, put_media};
pub use media_names::{media_name, media_number};
pub use multipart::{Entity, Multipart, put_entity};
pub use pdu::{Content, Datagram, Direction, Pdu, Push};
pub use rigour::Rigour;
pub(in crate::codec) use spans::Spans;
pub use value::{Form, Quality, Value, Version};

/// The clause of the PDUs.
pub const CLAUSE: &str = "WAP-230 8.2";

#[cfg(test)]
mod tests;
