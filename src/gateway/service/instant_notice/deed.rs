//! What the service decided, for the gateway to do: it knows no bearer itself.

use super::notice::Notice;
use super::platform::Channel;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Tell a device (R1.32).
    Notify {
        /// What.
        notice: Box<Notice>,
        /// By what.
        channel: Channel,
        /// What its push server or bearer calls the device.
        token: Option<String>,
    },
    /// Give a running client the information itself (R1.33).
    Direct {
        /// The account.
        account: String,
        /// The device.
        device: String,
        /// What its bearer is.
        channel: Channel,
        /// The application.
        app: String,
        /// The message.
        seq: u64,
    },
    /// Begin to watch an account's source (R1.8).
    Watch {
        /// The account.
        account: String,
        /// The application.
        app: String,
        /// The password that its user gave, where nobody else has one.
        password: Option<String>,
    },
    /// Watch it no more (R1.15).
    Unwatch {
        /// The account.
        account: String,
        /// The application.
        app: String,
    },
    /// A message was opened: it is read.
    Opened {
        /// The account.
        account: String,
        /// The message.
        seq: u64,
    },
}
