//! The Wireless Session Protocol as far as push needs it: sessions with pushes in them, pushes without a session.
//!
//! **Source:** WAP-230 section 7.1 (state tables), WAP-235 section 6. [`server::Server`] is the gateway's half,
//! [`client::Client`] the device's; each is one `Machine` for one socket with all its peers, and neither knows the other.
//! Not here: methods (a server answers each with 501), large data transfer, code pages and aliases.
//!
//! | socket | who | what |
//! |---|---|---|
//! | [`port::PUSH`] | device | pushes without a session: [`unit_push`], [`read_unit_push`]; a SIR among them |
//! | [`port::SESSION`] | gateway | [`server::Server`] |
//! | any | device | [`client::Client`], told to connect to the [`contact_points`] of a SIR |

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::Bytes;

use crate::codec::DecodeError;
use crate::codec::cursor::{Cursor, put_uintvar};
use crate::codec::sia::Addresses;
use crate::codec::wsp::{Content, Pdu, Push, Rigour, VERSION_NEWEST, put_field, put_media};
use crate::codec::wtp::{self as codec, Kind};
use crate::protocol::wtp;

pub mod client;
mod half;
pub mod server;
mod terms;

#[cfg(test)]
mod tests;

pub use terms::Terms;

/// Ports (WAP-259 section 9).
pub mod port {
    /// Pushes without a session, at the client.
    pub const PUSH: u16 = 2_948;
    /// The same under WTLS.
    pub const PUSH_SECURE: u16 = 2_949;
    /// Sessions, at the server.
    pub const SESSION: u16 = 9_201;
    /// The same under WTLS.
    pub const SESSION_SECURE: u16 = 9_203;
}

/// Reasons with which a user aborts (WAP-230 table 35).
pub mod reason {
    /// What came has no place here.
    pub const PROTOERR: u8 = 0xE0;
    /// The session is over.
    pub const DISCONNECT: u8 = 0xE1;
    /// The session is suspended.
    pub const SUSPEND: u8 = 0xE2;
    /// The session is resumed.
    pub const RESUME: u8 = 0xE3;
    /// The peer has no room at the moment.
    pub const CONGESTION: u8 = 0xE4;
    /// The session could not be opened.
    pub const CONNECTERR: u8 = 0xE5;
    /// Larger than the peer takes.
    pub const MRUEXCEEDED: u8 = 0xE6;
    /// More at a time than the peer takes.
    pub const MOREXCEEDED: u8 = 0xE7;
    /// The peer wants it so.
    pub const PEERREQ: u8 = 0xE8;
    /// The network failed.
    pub const NETERR: u8 = 0xE9;
    /// The user wants it so; a push may be tried again.
    pub const USERREQ: u8 = 0xEA;
    /// The user refuses a push; it is not to be tried again.
    pub const USERRFS: u8 = 0xEB;
    /// There is no such application.
    pub const USERPND: u8 = 0xEC;
    /// The user has no room for it.
    pub const USERDCR: u8 = 0xED;
    /// The user does not take its content type.
    pub const USERDCU: u8 = 0xEE;
}

/// Why a session is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// One of [`reason`]; `by_peer` when the other end said so.
    Reason {
        /// The reason.
        reason: u8,
        /// Whether the peer gave it.
        by_peer: bool,
    },
    /// The transaction with which it was to begin or go on failed.
    Failed(wtp::Abort),
    /// The server wants the client elsewhere.
    Moved {
        /// For good.
        permanent: bool,
        /// The security session may be used there.
        reuse_security: bool,
        /// Where, as far as the addresses are ones of IP.
        to: Vec<SocketAddr>,
    },
    /// The server refused, with that HTTP status (0 for one that HTTP does not know).
    Refused(u16),
}

impl Ended {
    const fn ours(reason: u8) -> Self {
        Self::Reason {
            reason,
            by_peer: false,
        }
    }

    const fn theirs(reason: u8) -> Self {
        Self::Reason {
            reason,
            by_peer: true,
        }
    }
}

/// What is pushed in a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Media type and header fields, encoded.
    pub head: Bytes,
    /// The content.
    pub body: Bytes,
}

impl Message {
    /// Media type and header fields from HTTP text, for a peer of encoding version 1.`version`; `None` when the media type
    /// is none or a name no token.
    #[must_use]
    pub fn new(media: &str, fields: &[(&str, &str)], body: Bytes, version: u8) -> Option<Self> {
        let mut head = Vec::new();
        put_media(&mut head, media, version)?;
        for (name, value) in fields {
            put_field(&mut head, name, value, version)?;
        }
        let head = head.into();
        Some(Self { head, body })
    }

    /// The PDU of that type.
    fn pdu(&self, number: u8) -> Bytes {
        let mut out = Vec::with_capacity(self.head.len() + self.body.len() + 6);
        out.push(number);
        put_uintvar(&mut out, u32::try_from(self.head.len()).unwrap_or(u32::MAX));
        out.extend_from_slice(&self.head);
        out.extend_from_slice(&self.body);
        out.into()
    }
}

/// Types of the PDUs of pushes.
const PUSH: u8 = 0x06;
const CONFIRMED_PUSH: u8 = 0x07;

/// The content of a push PDU, read as leniently as receivers must.
///
/// # Errors
/// The first fault, and that of a PDU that is no push.
pub fn content_of(pdu: &[u8]) -> Result<Content<'_>, DecodeError> {
    match read(pdu)? {
        Pdu::Push(content) | Pdu::ConfirmedPush(content) => Ok(content),
        _ => Err(DecodeError {
            format: "wsp",
            offset: 0,
            class: crate::codec::Class::UnknownPdu,
            expected: "a Push",
        }),
    }
}

/// The datagram of a push without a session; `tid` is its push id.
#[must_use]
pub fn unit_push(tid: u8, message: &Message) -> Vec<u8> {
    let mut out = vec![tid];
    out.extend_from_slice(&message.pdu(PUSH));
    out
}

/// Reads a push without a session.
///
/// # Errors
/// The first fault that no receiver passes over.
pub fn read_unit_push(octets: &[u8]) -> Result<Push<'_>, DecodeError> {
    Push::read(octets, &mut Rigour::Settled)
}

/// The addresses of IP among contact points, with the registered port where none is said.
#[must_use]
pub fn contact_points(addresses: &Addresses<'_>) -> Vec<SocketAddr> {
    addresses
        .iter()
        .filter_map(|it| contact_point(it.address, it.port))
        .collect()
}

/// The address of one contact point; `None` when it is none of IP.
#[must_use]
pub fn contact_point(address: &[u8], named: Option<u16>) -> Option<SocketAddr> {
    let ip = if let Ok(octets) = <[u8; 4]>::try_from(address) {
        IpAddr::V4(Ipv4Addr::from(octets))
    } else {
        IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(address).ok()?))
    };
    Some(SocketAddr::new(ip, named.unwrap_or(port::SESSION)))
}

/// What a datagram of a session is, in one word: the first PDU of WSP in it, else that of WTP.
#[must_use]
pub fn word(octets: &[u8]) -> &'static str {
    let parts = codec::separate(octets, &mut Rigour::Settled).unwrap_or_default();
    let first = parts
        .first()
        .map(|part| codec::Pdu::decode(part, &mut Rigour::Settled));
    let Some(Ok(pdu)) = first else {
        return "octets";
    };
    match (pdu.kind, pdu.data.first()) {
        (Kind::Invoke { .. }, Some(1)) => "Connect",
        (Kind::Invoke { .. }, Some(5)) => "Disconnect",
        (Kind::Invoke { .. }, Some(&PUSH)) => "Push",
        (Kind::Invoke { .. }, Some(&CONFIRMED_PUSH)) => "ConfirmedPush",
        (Kind::Invoke { .. }, Some(8)) => "Suspend",
        (Kind::Invoke { .. }, Some(9)) => "Resume",
        (Kind::Invoke { .. }, _) => "Invoke",
        (Kind::Result { .. }, Some(2)) => "ConnectReply",
        (Kind::Result { .. }, Some(3)) => "Redirect",
        (Kind::Result { .. }, Some(4)) => "Reply",
        (Kind::Result { .. }, _) => "Result",
        (Kind::Ack { .. }, _) => "Ack",
        (Kind::Abort { .. }, _) => "Abort",
        _ => "segment",
    }
}

fn read(octets: &[u8]) -> Result<Pdu<'_>, DecodeError> {
    Pdu::read(&mut Cursor::new("wsp", octets), &mut Rigour::Settled)
}

fn octets_of(pdu: &Pdu<'_>) -> Bytes {
    let mut out = Vec::new();
    pdu.put(&mut out);
    out.into()
}

/// The newest encoding version, for [`Message::new`] when the peer named none newer than its own.
pub const ENCODING_NEWEST: u8 = VERSION_NEWEST;
