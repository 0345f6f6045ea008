//! How an ESME behaves.

use std::time::Duration;

use crate::protocol::smpp::Version;
use crate::protocol::smpp::message::Address;

/// How an ESME behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who binds; at most 15 characters.
    pub system_id: String,
    /// Its password, at most 8 characters.
    pub password: String,
    /// What kind of system it is, at most 12 characters.
    pub system_type: String,
    /// The version that is asked for.
    pub version: Version,
    /// Which sessions there are.
    pub binding: Binding,
    /// The addresses that it serves, as the message centre wants them.
    pub addresses: Address,
    /// Opens links itself; false for one that waits for an outbind.
    pub connects: bool,
    /// A link that the message centre opened is taken when its outbind has this system_id and password.
    pub outbind: Option<(String, String)>,
    /// Requests that may wait for their response.
    pub window: usize,
    /// Short messages in a second, at most; any number for 0.
    pub per_second: u32,
    /// How long a link may take to open, and the response to a bind to come.
    pub connect_timeout: Duration,
    /// How long a request waits for its response.
    pub response_timeout: Duration,
    /// How long nothing may come before the peer is asked whether it is there.
    pub enquire_after: Duration,
    /// How long the first pause before another try to connect is; each one after it is twice as long.
    pub backoff_first: Duration,
    /// The longest such pause.
    pub backoff_most: Duration,
    /// How often a part is sent at most when nobody says what became of it.
    pub tries: u8,
    /// How long a submission may wait for its end, unless it says otherwise.
    pub patience: Duration,
    /// How long receipts of a message are awaited.
    pub receipt_patience: Duration,
    /// How the names of messages in responses and receipts differ.
    pub ids: Ids,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            system_id: String::new(),
            password: String::new(),
            system_type: String::new(),
            version: Version::V34,
            binding: Binding::Transceiver,
            addresses: Address::default(),
            connects: true,
            outbind: None,
            window: 10,
            per_second: 0,
            connect_timeout: Duration::from_secs(10),
            response_timeout: Duration::from_secs(30),
            enquire_after: Duration::from_secs(30),
            backoff_first: Duration::from_secs(1),
            backoff_most: Duration::from_secs(60),
            tries: 3,
            patience: Duration::from_secs(300),
            receipt_patience: Duration::from_secs(3 * 86_400),
            ids: Ids::Same,
        }
    }
}

/// Which sessions an ESME has with its message centre.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// One for both directions.
    Transceiver,
    /// A transmitter and a receiver.
    Separate,
    /// A transmitter alone: no receipts, nothing comes.
    Transmitter,
}

/// How a message centre names a message in its response and in its receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// Alike.
    Same,
    /// In hexadecimal in the response, in decimal in the receipt.
    HexadecimalInResponse,
    /// In decimal in the response, in hexadecimal in the receipt.
    HexadecimalInReceipt,
}
