//! SMPP: how short messages, and USSD strings, go to and come from a message centre.
//!
//! **Source:** SMPP 3.4 sections 4 and 5, SMPP 5.0 where it adds. Submit_multi and the broadcast commands are kept as
//! octets, like commands that nobody knows; parameters survive whatever their tag.

mod fields;
mod layout;
mod names;
mod read;
mod tlv;
mod write;

use core::fmt;

pub use fields::FORMAT;
pub use names::{Command, Status};
pub use tlv::{Tlv, Tlvs, put_number, put_octets, tag};

use super::format::FieldFault;
use super::reader::{Place, Reader};
use super::sms::{Concatenation, Ports, Reference, UserData};
use super::{Class, DecodeError};
use crate::limits;

/// The flag of an esm_class that says that the message begins with a user data header.
pub const UDHI: u8 = 0x40;
/// Octets of the header of a PDU.
pub const HEADER_OCTETS: usize = 16;
/// Octets of the longest short_message; longer ones go into message_payload.
pub const SHORT_MESSAGE_OCTETS: usize = 254;
/// The service type of USSD.
pub const USSD: &str = "USSD";

const PLACE: Place = Place {
    path: "smpp.",
    clause: "SMPP 3.4 4",
};

/// A PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pdu<'a> {
    /// What it is.
    pub command: Command,
    /// How it went, in a response.
    pub status: Status,
    /// The number that a response has in common with its request.
    pub sequence: u32,
    /// Its mandatory parameters; those of the command.
    pub body: Body<'a>,
    /// Its optional parameters.
    pub tlvs: Tlvs<'a>,
}

/// Mandatory parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// None: enquire_link, unbind, generic_nack, many responses, and any response that failed.
    Empty,
    /// Any of the three binds.
    Bind(Bind<'a>),
    /// The responses to them: the system_id of the message centre.
    BindResponse(Text<'a>),
    /// Outbind: system_id and password of the message centre.
    Outbind(Text<'a>, Text<'a>),
    /// Submit_sm and deliver_sm.
    Message(Message<'a>),
    /// Data_sm.
    Data(Data<'a>),
    /// The responses to submit_sm, deliver_sm and data_sm: the message_id.
    MessageResponse(Text<'a>),
    /// Query_sm: the message_id and the source.
    Query(Text<'a>, Party<'a>),
    /// Its response.
    QueryResponse(State<'a>),
    /// Cancel_sm.
    Cancel(Cancel<'a>),
    /// Replace_sm.
    Replace(Replace<'a>),
    /// Alert_notification: the source that is there again, and the ESME that asked.
    Alert(Party<'a>, Party<'a>),
    /// The octets of a command without a form here, its optional parameters among them.
    Other(&'a [u8]),
}

/// A text without its final 00.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Text<'a>(pub &'a [u8]);

/// An address with its type of number and numbering plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Party<'a> {
    /// Type of number.
    pub ton: u8,
    /// Numbering plan.
    pub npi: u8,
    /// The address.
    pub address: Text<'a>,
}

/// Bind_receiver, bind_transmitter, bind_transceiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bind<'a> {
    /// Who binds.
    pub system_id: Text<'a>,
    /// Its password, at most eight characters.
    pub password: Text<'a>,
    /// What kind of system it is.
    pub system_type: Text<'a>,
    /// 0x34 for SMPP 3.4, 0x50 for 5.0.
    pub interface_version: u8,
    /// The addresses that it serves.
    pub addresses: Party<'a>,
}

/// Submit_sm, deliver_sm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Message<'a> {
    /// The service, or nothing for the default one.
    pub service_type: Text<'a>,
    /// From whom.
    pub source: Party<'a>,
    /// To whom.
    pub destination: Party<'a>,
    /// Mode, type and features.
    pub esm_class: u8,
    /// TP-PID.
    pub protocol_id: u8,
    /// From 0 to 3.
    pub priority_flag: u8,
    /// When to deliver, or nothing for at once.
    pub schedule_delivery_time: Text<'a>,
    /// Until when, or nothing for the default.
    pub validity_period: Text<'a>,
    /// Which receipts are wanted.
    pub registered_delivery: u8,
    /// Whether it replaces an earlier one.
    pub replace_if_present_flag: u8,
    /// What the octets are.
    pub data_coding: u8,
    /// A message stored at the message centre.
    pub sm_default_msg_id: u8,
    /// At most 254 octets.
    pub short_message: &'a [u8],
}

/// Data_sm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Data<'a> {
    /// The service, or nothing for the default one.
    pub service_type: Text<'a>,
    /// From whom.
    pub source: Party<'a>,
    /// To whom.
    pub destination: Party<'a>,
    /// Mode, type and features.
    pub esm_class: u8,
    /// Which receipts are wanted.
    pub registered_delivery: u8,
    /// What the octets of message_payload are.
    pub data_coding: u8,
}

/// Query_sm_resp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State<'a> {
    /// The message.
    pub message_id: Text<'a>,
    /// When it reached that state, if it is final.
    pub final_date: Text<'a>,
    /// Its state.
    pub message_state: u8,
    /// The network's error, if any.
    pub error_code: u8,
}

/// Cancel_sm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cancel<'a> {
    /// The service of the messages to cancel.
    pub service_type: Text<'a>,
    /// The message, or nothing for all between these parties.
    pub message_id: Text<'a>,
    /// From whom.
    pub source: Party<'a>,
    /// To whom.
    pub destination: Party<'a>,
}

/// Replace_sm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replace<'a> {
    /// The message.
    pub message_id: Text<'a>,
    /// From whom.
    pub source: Party<'a>,
    /// When to deliver, or nothing for no change.
    pub schedule_delivery_time: Text<'a>,
    /// Until when, or nothing for no change.
    pub validity_period: Text<'a>,
    /// Which receipts are wanted.
    pub registered_delivery: u8,
    /// A message stored at the message centre.
    pub sm_default_msg_id: u8,
    /// At most 254 octets.
    pub short_message: &'a [u8],
}

impl<'a> Pdu<'a> {
    /// A PDU without optional parameters whose status is good.
    #[must_use]
    pub const fn new(command: Command, sequence: u32, body: Body<'a>) -> Self {
        Self {
            command,
            status: Status::OK,
            sequence,
            body,
            tlvs: Tlvs::none(),
        }
    }

    /// Reads a PDU as a peer does: lengths must agree, what stands in fields is not judged.
    ///
    /// # Errors
    /// The first fault that no reading allows.
    pub fn decode(octets: &'a [u8]) -> Result<Self, DecodeError> {
        read::pdu(&mut Reader::new("smpp", PLACE, octets, true), false)
    }

    /// The octets with their length.
    ///
    /// # Errors
    /// A text with a 00 or beyond its bound, a short_message beyond 254 octets, a PDU beyond the bound.
    pub fn encode(&self) -> Result<Vec<u8>, FieldFault> {
        write::pdu(self)
    }
}

impl<'a> Message<'a> {
    /// Whether the message begins with a user data header.
    #[must_use]
    pub const fn has_header(&self) -> bool {
        self.esm_class & UDHI != 0
    }

    /// Header and payload of the message, wherever it stands.
    ///
    /// # Errors
    /// A header longer than the message; the offset counts from the start of the message.
    pub fn user_data(&self, tlvs: Tlvs<'a>) -> Result<UserData<'a>, DecodeError> {
        let octets = match tlvs.octets(tag::MESSAGE_PAYLOAD) {
            Some(payload) if self.short_message.is_empty() => payload,
            _ => self.short_message,
        };
        if self.has_header() {
            UserData::decode(octets)
        } else {
            Ok(UserData {
                header: None,
                payload: octets,
            })
        }
    }
}

/// Ports and place among segments, as the user data header has them, else as the optional parameters of a message do.
/// A reference of the parameters is one of 16 bits; all three must be there.
#[must_use]
pub fn place(user_data: &UserData<'_>, tlvs: Tlvs<'_>) -> (Option<Ports>, Option<Concatenation>) {
    let short = |tag| tlvs.number(tag).and_then(|it| u16::try_from(it).ok());
    let octet = |tag| tlvs.number(tag).and_then(|it| u8::try_from(it).ok());
    let ports = || {
        Some(Ports {
            destination: short(tag::DESTINATION_PORT)?,
            source: short(tag::SOURCE_PORT).unwrap_or(0),
        })
    };
    let segment = || {
        let place = Concatenation {
            reference: Reference::Sixteen(short(tag::SAR_MSG_REF_NUM)?),
            total: octet(tag::SAR_TOTAL_SEGMENTS)?,
            sequence: octet(tag::SAR_SEGMENT_SEQNUM)?,
        };
        place.is_sensible().then_some(place)
    };
    (
        user_data.ports().or_else(ports),
        user_data.concatenation().or_else(segment),
    )
}

impl<'a> Text<'a> {
    /// The text, when it is UTF-8; ASCII is what the standard wants.
    #[must_use]
    pub fn as_str(&self) -> Option<&'a str> {
        core::str::from_utf8(self.0).ok()
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(text.as_bytes())
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// The octets of the PDU at the front of a stream; `None` while its length has not come.
///
/// # Errors
/// A length below a header's or above the bound: such a stream cannot go on.
pub fn length(stream: &[u8]) -> Result<Option<usize>, DecodeError> {
    let Some(octets) = stream.first_chunk::<4>() else {
        return Ok(None);
    };
    let length = usize::try_from(u32::from_be_bytes(*octets)).unwrap_or(usize::MAX);
    let fault = |class, expected| DecodeError {
        format: "smpp",
        offset: 0,
        class,
        expected,
    };
    match length {
        ..HEADER_OCTETS => Err(fault(Class::BadLength, "a length of at least 16")),
        HEADER_OCTETS..=limits::SMPP_PDU_OCTETS => Ok(Some(length)),
        _ => Err(fault(Class::TooLarge, "a PDU within the bound")),
    }
}

#[cfg(test)]
mod tests;
