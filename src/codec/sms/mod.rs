//! Short messages: TPDUs, user data with its header, alphabets, and datagrams in segments.
//!
//! **Source:** 3GPP TS 23.040, TS 23.038, WAP-259 section 6.3. What reads the network keeps to the receiver's rules
//! (ignore what is not understood); the strict reading behind the formats refuses what a sender may not write.

pub mod address;
pub mod alphabet;
pub mod fields;
pub mod sck;
pub mod segment;
pub mod timestamp;
pub mod tpdu;
pub mod udh;
pub mod write;

pub use address::Address;
pub use alphabet::Alphabet;
pub use fields::{FORMAT_DELIVER, FORMAT_SUBMIT, FORMAT_UD};
pub use sck::FORMAT_SCK;
pub use segment::{Reassembler, segments};
pub use tpdu::Tpdu;
pub use udh::{Concatenation, Ports, Reference, UserData};

use super::reader::Place;

/// Where fields of a TPDU belong.
pub const TPDU: Place = Place {
    path: "sms.",
    clause: "3GPP TS 23.040 9.2.2",
};

/// Where fields of bare user data belong.
pub const USER_DATA: Place = Place {
    path: "ud.",
    clause: "3GPP TS 23.040 9.2.3.24",
};

#[cfg(test)]
mod tests;
