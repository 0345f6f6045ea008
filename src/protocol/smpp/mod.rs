//! Both ends of SMPP: an ESME that submits short messages and USSD strings, and a message centre for labs without one.
//!
//! **Source:** SMPP 3.4, SMPP 5.0. Both are machines over links that carry octets; who owns the links maps them.

pub mod esme;
mod instant;
mod message;
mod receipt;
pub mod smsc;
mod stream;

pub use message::{Address, Envelope, ServiceOp, Session, ShortMessage, Ussd};
pub use receipt::{Receipt, State};

/// SMPP's version, as its interface_version says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// SMPP 3.3, which has no optional parameters.
    V33,
    /// SMPP 3.4.
    #[default]
    V34,
    /// SMPP 5.0.
    V50,
}

impl Version {
    /// Its interface_version.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::V33 => 0x33,
            Self::V34 => 0x34,
            Self::V50 => 0x50,
        }
    }

    /// The version that an interface_version allows.
    #[must_use]
    pub const fn of_number(number: u8) -> Self {
        match number {
            ..0x34 => Self::V33,
            0x34..0x50 => Self::V34,
            0x50.. => Self::V50,
        }
    }
}

#[cfg(test)]
mod tests;
