//! What a transaction provider tells its user, and the names in which it does.

use std::net::SocketAddr;

use bytes::Bytes;

use crate::codec::wtp::TID_DIRECTION;

#[cfg(doc)]
use super::Endpoint;

/// Reasons with which the provider aborts (WAP-224 table 20).
pub mod reason {
    /// None of the others.
    pub const UNKNOWN: u8 = 0x00;
    /// What came is no PDU, or has no place in the transaction.
    pub const PROTOERR: u8 = 0x01;
    /// There is no transaction of that id.
    pub const INVALIDTID: u8 = 0x02;
    /// Class 2 is not supported.
    pub const NOTIMPLEMENTEDCL2: u8 = 0x03;
    /// Segmentation is not supported.
    pub const NOTIMPLEMENTEDSAR: u8 = 0x04;
    /// User acknowledgement is not supported.
    pub const NOTIMPLEMENTEDUACK: u8 = 0x05;
    /// The provider speaks version 1 only, which the version field calls 0.
    pub const WTPVERSIONONE: u8 = 0x06;
    /// There is no room at the moment.
    pub const CAPTEMPEXCEEDED: u8 = 0x07;
    /// A user did not answer, or a peer.
    pub const NORESPONSE: u8 = 0x08;
    /// The message is too large.
    pub const MESSAGETOOLARGE: u8 = 0x09;
}

/// Why a transaction ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Abort {
    /// The provider's reason, one of [`reason`].
    Provider(u8),
    /// The user's reason, of WSP one of WAP-230 table 35.
    User(u8),
}

impl Abort {
    pub(super) const fn of(by_user: bool, reason: u8) -> Self {
        if by_user {
            Self::User(reason)
        } else {
            Self::Provider(reason)
        }
    }
}

/// One transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The other end.
    pub peer: SocketAddr,
    /// Its id as our PDUs have it: with the top bit set when the peer began it.
    pub tid: u16,
}

impl Key {
    /// Whether we began it.
    #[must_use]
    pub const fn is_ours(self) -> bool {
        self.tid & TID_DIRECTION == 0
    }
}

/// What the user of a transaction learns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A peer began a transaction (TR-Invoke.ind). Answer with [`Endpoint::respond`], [`Endpoint::result`] or
    /// [`Endpoint::abort`]; of class 0 nothing more is heard.
    Invoked {
        /// 0, 1 or 2.
        class: u8,
        /// Whether the peer waits for the answer of the user itself.
        user_acknowledgement: bool,
        /// What it sent.
        message: Bytes,
    },
    /// The peer has our invocation (TR-Invoke.cnf); of class 1 that is the end.
    InvokeConfirmed {
        /// What the peer's user had to say, at most 255 octets.
        info: Bytes,
    },
    /// The result of a transaction of class 2 (TR-Result.ind). Answer with [`Endpoint::respond`].
    Result {
        /// What the peer sent.
        message: Bytes,
    },
    /// The peer has our result (TR-Result.cnf), which is the end.
    ResultConfirmed {
        /// What the peer's user had to say, at most 255 octets.
        info: Bytes,
    },
    /// The transaction is over (TR-Abort.ind).
    Aborted {
        /// Why.
        why: Abort,
        /// Whether the peer ended it.
        by_peer: bool,
    },
}

/// What an endpoint asks for or tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Out {
    /// Send a datagram.
    Datagram {
        /// To whom.
        peer: SocketAddr,
        /// What.
        octets: Bytes,
    },
    /// Something happened to a transaction.
    Event {
        /// Which.
        key: Key,
        /// What.
        event: Event,
    },
}

/// What an endpoint holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Transactions, finished ones that are remembered included.
    pub transactions: usize,
    /// Peers that are remembered.
    pub peers: usize,
    /// Octets of messages, sent and received.
    pub octets: usize,
}
