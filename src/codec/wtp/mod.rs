//! Wireless Transaction Protocol: PDUs with their transport information items, several in one datagram, segments.
//!
//! **Source:** WAP-224 section 8 with SIN 002 (class 2 is binary 10). Not here: timers, retransmission and the tests of
//! transaction ids, which are a machine's.

pub mod fields;
mod item;
mod octets;
pub mod segment;

use super::wsp::{Pdu as Session, Rigour};
use super::{Class, DecodeError};

pub use item::{Item, Items};

/// The clause of the PDUs.
pub const CLAUSE: &str = "WAP-224 8.3";

/// The bit of a transaction id that every answer inverts.
pub const TID_DIRECTION: u16 = 0x8000;

/// A PDU.
#[derive(Clone, Copy, Debug)]
pub struct Pdu<'a> {
    /// Octets before it.
    pub at: usize,
    /// All its octets.
    pub octets: &'a [u8],
    /// The transaction, with the direction in the top bit.
    pub tid: u16,
    /// What it is.
    pub kind: Kind<'a>,
    /// Transport information items.
    pub items: Items<'a>,
    /// Octets before the user's octets.
    pub data_at: usize,
    /// The user's octets.
    pub data: &'a [u8],
}

/// What a PDU is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    /// Begins a transaction.
    Invoke {
        /// Where it stands in its message.
        place: Place,
        /// What is asked of the responder.
        invoke: Invoke,
    },
    /// The result of a transaction of class 2.
    Result {
        /// Where it stands in its message.
        place: Place,
    },
    /// An acknowledgement.
    Ack {
        /// Asks for the verification of a transaction id, or gives it.
        tve_tok: bool,
        /// Sent again.
        rid: bool,
    },
    /// Ends a transaction.
    Abort {
        /// Whether the user or the provider does.
        by_user: bool,
        /// Why.
        reason: u8,
    },
    /// A further segment of an invocation.
    SegmentedInvoke {
        /// Where it stands in its message.
        place: Place,
        /// Its number.
        psn: u8,
    },
    /// A further segment of a result.
    SegmentedResult {
        /// Where it stands in its message.
        place: Place,
        /// Its number.
        psn: u8,
    },
    /// Segments that are missing.
    Nack {
        /// Sent again.
        rid: bool,
        /// Their numbers; none means all of the group.
        missing: &'a [u8],
    },
}

/// The flags of PDUs that carry a message or a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The last of a group.
    pub gtr: bool,
    /// The last of the message; with `gtr` the only one, of a sender without segmentation.
    pub ttr: bool,
    /// Sent again.
    pub rid: bool,
}

/// What an invocation asks of the responder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Invoke {
    /// The counter of transaction ids begins anew.
    pub tid_new: bool,
    /// The user's own acknowledgement is wanted.
    pub up: bool,
    /// 0 unreliable, 1 reliable, 2 reliable with a result.
    pub class: u8,
}

impl Place {
    /// The only PDU of its message.
    pub const WHOLE: Self = Self {
        gtr: true,
        ttr: true,
        rid: false,
    };

    /// Whether the message ends with the PDU. The first PDU of a message that also ends it holds the whole of it,
    /// whatever `gtr` says: a sender with segmentation leaves that out (WAP-224 section 8.3.1).
    #[must_use]
    pub const fn ends_message(self) -> bool {
        self.ttr
    }
}

impl<'a> Pdu<'a> {
    /// A PDU without items, to be encoded.
    #[must_use]
    pub const fn new(tid: u16, kind: Kind<'a>, data: &'a [u8]) -> Self {
        Self {
            at: 0,
            octets: &[],
            tid,
            kind,
            items: Items::none(),
            data_at: 0,
            data,
        }
    }

    /// Reads a datagram that holds one PDU.
    ///
    /// # Errors
    /// The first fault; [`Class::UnknownPdu`] for several PDUs in one datagram.
    pub fn decode(octets: &'a [u8], rigour: &mut Rigour) -> Result<Self, DecodeError> {
        octets::read(octets, 0, rigour)
    }

    /// The octets.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        octets::write(self)
    }

    /// The place of a PDU that carries user's octets.
    #[must_use]
    pub const fn place(&self) -> Option<Place> {
        match self.kind {
            Kind::Invoke { place, .. }
            | Kind::Result { place }
            | Kind::SegmentedInvoke { place, .. }
            | Kind::SegmentedResult { place, .. } => Some(place),
            Kind::Ack { .. } | Kind::Abort { .. } | Kind::Nack { .. } => None,
        }
    }

    /// The number of a segment, 0 for the first.
    #[must_use]
    pub const fn psn(&self) -> Option<u8> {
        match self.kind {
            Kind::Invoke { .. } | Kind::Result { .. } => Some(0),
            Kind::SegmentedInvoke { psn, .. } | Kind::SegmentedResult { psn, .. } => Some(psn),
            Kind::Ack { .. } | Kind::Abort { .. } | Kind::Nack { .. } => None,
        }
    }

    /// The session PDU of a whole message that is not empty.
    ///
    /// # Errors
    /// As [`Session::read`].
    pub fn session(&self, rigour: &mut Rigour) -> Result<Option<Session<'a>>, DecodeError> {
        let is_first = matches!(self.kind, Kind::Invoke { .. } | Kind::Result { .. });
        if !is_first || self.data.is_empty() || !self.place().is_some_and(Place::ends_message) {
            return Ok(None);
        }
        let mut cursor = super::cursor::Cursor::within("wtp", self.data, self.data_at);
        Session::read(&mut cursor, rigour).map(Some)
    }
}

/// The PDUs of a datagram, one or several, up to the first fault of lengths or of a PDU, which is told with them: a PDU that
/// arrived whole is not lost because of what was put behind it.
pub fn decode<'a>(octets: &'a [u8], rigour: &mut Rigour) -> (Vec<Pdu<'a>>, Option<DecodeError>) {
    let mut parts = Vec::new();
    let lengths = octets::read_parts(octets, rigour, &mut parts).err();
    let mut pdus = Vec::with_capacity(parts.len());
    for part in parts {
        match octets::read(part.octets, part.at, rigour) {
            Ok(pdu) => pdus.push(pdu),
            Err(fault) => return (pdus, Some(fault)),
        }
    }
    (pdus, lengths)
}

/// The octets of each PDU of a datagram, one or several, not read yet: one that is faulty does not hide the others.
///
/// # Errors
/// A length past the end.
pub fn separate<'a>(octets: &'a [u8], rigour: &mut Rigour) -> Result<Vec<&'a [u8]>, DecodeError> {
    let parts = octets::parts(octets, rigour)?;
    Ok(parts.into_iter().map(|part| part.octets).collect())
}

/// The datagram of several PDUs; `None` when one is longer than 32,767 octets.
#[must_use]
pub fn concatenate(pdus: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut out = vec![0];
    for pdu in pdus {
        octets::put_part(&mut out, pdu, false)?;
    }
    Some(out)
}

/// The name of a provider's reason to abort.
#[must_use]
pub fn provider_reason(reason: u8) -> Option<&'static str> {
    const NAMES: [&str; 11] = [
        "UNKNOWN",
        "PROTOERR",
        "INVALIDTID",
        "NOTIMPLEMENTEDCL2",
        "NOTIMPLEMENTEDSAR",
        "NOTIMPLEMENTEDUACK",
        "WTPVERSIONONE",
        "CAPTEMPEXCEEDED",
        "NORESPONSE",
        "MESSAGETOOLARGE",
        "NOTIMPLEMENTEDESAR",
    ];
    NAMES.get(usize::from(reason)).copied()
}

const fn fault(offset: usize, class: Class, expected: &'static str) -> DecodeError {
    DecodeError {
        format: "wtp",
        offset,
        class,
        expected,
    }
}

#[cfg(test)]
mod tests;
