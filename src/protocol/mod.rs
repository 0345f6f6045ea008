//! State machines of the protocols, without IO.

pub mod imap;
pub mod msrp;
pub mod ota_http;
pub mod sip;
pub mod smpp;
pub mod wsp;
pub mod wtp;
