//! A short message of our own: what a submit_sm, a deliver_sm or a data_sm carries.
//!
//! **Source:** SMPP 3.4 sections 4.4, 4.6, 4.7 and 5.3.2.25 (its_session_info), 5.3.2.44 (ussd_service_op).

use core::fmt;
use core::time::Duration;

use bytes::Bytes;

use super::instant::{read_time, smpp_time};

use crate::codec::DecodeError;
use crate::codec::format::FieldFault;
use crate::codec::smpp::{
    Body, Command, Data, Message, Party, Pdu, SHORT_MESSAGE_OCTETS, Text, Tlvs, UDHI, USSD, place,
    put_number, put_octets, tag,
};
use crate::codec::sms::{Concatenation, Ports, UserData};
use crate::time::Time;

/// Type of number of an international number, a name.
const INTERNATIONAL: u8 = 1;
const ALPHANUMERIC: u8 = 5;
/// Numbering plan of telephone numbers.
const ISDN: u8 = 1;

/// An address with its type of number and numbering plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// Type of number.
    pub ton: u8,
    /// Numbering plan.
    pub npi: u8,
    /// Digits without `+`, or a name.
    pub text: String,
}

impl Address {
    /// The address of a number, `+` before one with its country code, or of a name.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let digits = text.strip_prefix('+').unwrap_or(text);
        let is_number = digits
            .bytes()
            .all(|octet| octet.is_ascii_digit() || matches!(octet, b'*' | b'#'));
        let (ton, npi) = match (is_number, digits.len() < text.len()) {
            (true, true) => (INTERNATIONAL, ISDN),
            (true, false) => (0, ISDN),
            (false, _) => (ALPHANUMERIC, 0),
        };
        Self {
            ton,
            npi,
            text: if is_number { digits } else { text }.to_owned(),
        }
    }

    pub(super) fn read(party: Party<'_>) -> Self {
        Self {
            ton: party.ton,
            npi: party.npi,
            text: text(party.address),
        }
    }

    pub(super) fn party(&self) -> Party<'_> {
        Party {
            ton: self.ton,
            npi: self.npi,
            address: Text(self.text.as_bytes()),
        }
    }
}

/// The number with `+` when it has a country code, or the name.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ton == INTERNATIONAL && !self.text.starts_with('+') {
            f.write_str("+")?;
        }
        f.write_str(&self.text)
    }
}

/// A short message, without the network around it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShortMessage {
    /// The service, empty for the default one; `USSD`, `WAP` ...
    pub service_type: String,
    /// From whom.
    pub source: Address,
    /// To whom.
    pub destination: Address,
    /// Mode, type and features; 0x40 when the octets begin with a user data header.
    pub esm_class: u8,
    /// TP-PID.
    pub protocol_id: u8,
    /// From 0 to 3.
    pub priority_flag: u8,
    /// When to deliver (SMPP time of 16 characters), empty for at once.
    pub schedule_delivery_time: String,
    /// Until when, empty for the default.
    pub validity_period: String,
    /// Which receipts are wanted; 1 for one at the end.
    pub registered_delivery: u8,
    /// Whether it replaces an earlier one.
    pub replace_if_present_flag: u8,
    /// What the octets are; 4 for octets.
    pub data_coding: u8,
    /// Header and content, from short_message or message_payload.
    pub octets: Bytes,
    /// Its other optional parameters, as they stand.
    pub tlvs: Bytes,
}

/// What names a message beside its number, when a message centre is asked about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// The service.
    pub service_type: String,
    /// From whom.
    pub source: Address,
    /// To whom.
    pub destination: Address,
}

impl ShortMessage {
    /// What names it beside its number.
    #[must_use]
    pub fn envelope(&self) -> Envelope {
        Envelope {
            service_type: self.service_type.clone(),
            source: self.source.clone(),
            destination: self.destination.clone(),
        }
    }

    /// The same message, of use until then at most: as its validity, or as the time to live that a data_sm has instead.
    #[must_use]
    pub fn valid_until(mut self, now: Time, until: Time, as_data: bool) -> Self {
        if as_data {
            let mut tlvs = self.tlvs.to_vec();
            let left = u32::try_from(until.since(now).as_secs()).unwrap_or(u32::MAX);
            put_number(&mut tlvs, tag::QOS_TIME_TO_LIVE, left.max(1));
            self.tlvs = tlvs.into();
        } else {
            self.validity_period = smpp_time(until);
        }
        self
    }

    /// Until when it is of use, if it says so.
    #[must_use]
    pub fn expires(&self, now: Time) -> Option<Time> {
        let left = || self.tlvs().number(tag::QOS_TIME_TO_LIVE);
        let span = |left: u32| now + Duration::from_secs(left.into());
        read_time(&self.validity_period, now).or_else(|| left().map(span))
    }

    /// A message of octets that begin with a user data header (WAP push, concatenated datagrams).
    #[must_use]
    pub fn of_user_data(source: Address, destination: Address, octets: Bytes) -> Self {
        Self {
            source,
            destination,
            esm_class: UDHI,
            data_coding: 4,
            octets,
            ..Self::default()
        }
    }

    /// The same message as a part of a USSD dialogue.
    #[must_use]
    pub fn with_ussd(mut self, ussd: Ussd) -> Self {
        let mut tlvs = self.tlvs.to_vec();
        put_number(
            &mut tlvs,
            tag::USSD_SERVICE_OP,
            u32::from(ussd.operation.number()),
        );
        if let Some(session) = ussd.session {
            put_octets(&mut tlvs, tag::ITS_SESSION_INFO, &session.octets());
        }
        self.tlvs = tlvs.into();
        USSD.clone_into(&mut self.service_type);
        self
    }

    /// Its optional parameters, without message_payload.
    #[must_use]
    pub fn tlvs(&self) -> Tlvs<'_> {
        Tlvs::decode(&self.tlvs).unwrap_or(Tlvs::none())
    }

    /// Its place in a USSD dialogue, if it has one.
    #[must_use]
    pub fn ussd(&self) -> Option<Ussd> {
        let tlvs = self.tlvs();
        let operation = tlvs.octets(tag::USSD_SERVICE_OP);
        let operation = operation.and_then(|it| it.first().copied());
        let session = || match tlvs.octets(tag::ITS_SESSION_INFO)? {
            [number, rest] => Some(Session {
                number: *number,
                sequence: rest >> 1,
                is_end: rest & 1 != 0,
            }),
            _ => None,
        };
        let operation = ServiceOp::of_number(operation?);
        Some(Ussd {
            operation,
            session: session(),
        })
    }

    /// Header and payload.
    ///
    /// # Errors
    /// A header longer than the message.
    pub fn user_data(&self) -> Result<UserData<'_>, DecodeError> {
        if self.esm_class & UDHI != 0 {
            UserData::decode(&self.octets)
        } else {
            Ok(UserData {
                header: None,
                payload: &self.octets,
            })
        }
    }

    /// Ports and place among segments, from the header or the optional parameters.
    #[must_use]
    pub fn place(&self) -> (Option<Ports>, Option<Concatenation>) {
        let user_data = self.user_data().unwrap_or(UserData {
            header: None,
            payload: &[],
        });
        place(&user_data, self.tlvs())
    }

    /// What kind of message it is, by its esm_class.
    pub(super) const fn kind(&self) -> u8 {
        self.esm_class & 0x3C
    }

    /// The message of a PDU that carries one.
    pub(super) fn read(pdu: &Pdu<'_>) -> Option<Self> {
        match &pdu.body {
            Body::Message(message) => Some(Self::of_message(message, pdu.tlvs)),
            Body::Data(data) => Some(Self::of_data(data, pdu.tlvs)),
            _ => None,
        }
    }

    fn of_message(message: &Message<'_>, tlvs: Tlvs<'_>) -> Self {
        Self {
            service_type: text(message.service_type),
            source: Address::read(message.source),
            destination: Address::read(message.destination),
            esm_class: message.esm_class,
            protocol_id: message.protocol_id,
            priority_flag: message.priority_flag,
            schedule_delivery_time: text(message.schedule_delivery_time),
            validity_period: text(message.validity_period),
            registered_delivery: message.registered_delivery,
            replace_if_present_flag: message.replace_if_present_flag,
            data_coding: message.data_coding,
            octets: match tlvs.octets(tag::MESSAGE_PAYLOAD) {
                Some(payload) if message.short_message.is_empty() => {
                    Bytes::copy_from_slice(payload)
                }
                _ => Bytes::copy_from_slice(message.short_message),
            },
            tlvs: without_payload(tlvs),
        }
    }

    fn of_data(data: &Data<'_>, tlvs: Tlvs<'_>) -> Self {
        let payload = tlvs.octets(tag::MESSAGE_PAYLOAD).unwrap_or_default();
        Self {
            service_type: text(data.service_type),
            source: Address::read(data.source),
            destination: Address::read(data.destination),
            esm_class: data.esm_class,
            registered_delivery: data.registered_delivery,
            data_coding: data.data_coding,
            octets: Bytes::copy_from_slice(payload),
            tlvs: without_payload(tlvs),
            ..Self::default()
        }
    }

    /// The PDU that carries this message with other octets: a submit_sm, deliver_sm or data_sm.
    ///
    /// # Errors
    /// A text with a 00 or beyond its bound, octets beyond it.
    pub(super) fn encode(
        &self,
        command: Command,
        sequence: u32,
        octets: &[u8],
    ) -> Result<Bytes, FieldFault> {
        let is_data = command == Command::DATA_SM;
        let mut tlvs = self.tlvs.to_vec();
        let short_message = if is_data || octets.len() > SHORT_MESSAGE_OCTETS {
            if octets.len() > usize::from(u16::MAX) {
                return Err(FieldFault::new("message_payload: beyond 65535 octets"));
            }
            put_octets(&mut tlvs, tag::MESSAGE_PAYLOAD, octets);
            &[][..]
        } else {
            octets
        };
        let body = if is_data {
            Body::Data(Data {
                service_type: Text(self.service_type.as_bytes()),
                source: self.source.party(),
                destination: self.destination.party(),
                esm_class: self.esm_class,
                registered_delivery: self.registered_delivery,
                data_coding: self.data_coding,
            })
        } else {
            Body::Message(self.message(short_message))
        };
        let tlvs = Tlvs::decode(&tlvs)
            .map_err(|fault| FieldFault::new(format_args!("optional parameters: {fault}")))?;
        let pdu = Pdu {
            tlvs,
            ..Pdu::new(command, sequence, body)
        };
        pdu.encode().map(Bytes::from)
    }

    fn message<'a>(&'a self, short_message: &'a [u8]) -> Message<'a> {
        Message {
            service_type: Text(self.service_type.as_bytes()),
            source: self.source.party(),
            destination: self.destination.party(),
            esm_class: self.esm_class,
            protocol_id: self.protocol_id,
            priority_flag: self.priority_flag,
            schedule_delivery_time: Text(self.schedule_delivery_time.as_bytes()),
            validity_period: Text(self.validity_period.as_bytes()),
            registered_delivery: self.registered_delivery,
            replace_if_present_flag: self.replace_if_present_flag,
            data_coding: self.data_coding,
            sm_default_msg_id: 0,
            short_message,
        }
    }
}

/// Octets that a message takes up beside its content; for bounds.
impl ShortMessage {
    pub(super) fn cost(&self) -> usize {
        let texts = [
            &self.service_type,
            &self.source.text,
            &self.destination.text,
            &self.schedule_delivery_time,
            &self.validity_period,
        ];
        texts
            .iter()
            .map(|text| text.len())
            .fold(size_of::<Self>(), usize::saturating_add)
            .saturating_add(self.octets.len())
            .saturating_add(self.tlvs.len())
    }
}

pub(super) fn text(text: Text<'_>) -> String {
    String::from_utf8_lossy(text.0).into_owned()
}

fn without_payload(tlvs: Tlvs<'_>) -> Bytes {
    let mut out = Vec::new();
    for tlv in tlvs.iter().filter(|it| it.tag != tag::MESSAGE_PAYLOAD) {
        put_octets(&mut out, tlv.tag, tlv.octets);
    }
    out.into()
}

/// The place of a message in a USSD dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ussd {
    /// What is done.
    pub operation: ServiceOp,
    /// Which dialogue, where the gateway of the network says so.
    pub session: Option<Session>,
}

/// The dialogue of a message (its_session_info).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its number.
    pub number: u8,
    /// Which message of it this is; at most 127.
    pub sequence: u8,
    /// Whether it is the last.
    pub is_end: bool,
}

impl Session {
    const fn octets(self) -> [u8; 2] {
        [self.number, self.sequence << 1 | self.is_end as u8]
    }
}

/// An operation of USSD (ussd_service_op).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceOp {
    /// PSSD indication: the mobile begins with octets.
    ProcessOctets,
    /// PSSR indication: the mobile begins with a string.
    Process,
    /// USSR request: the network asks.
    Request,
    /// USSN request: the network tells.
    Notify,
    /// PSSD response: ends what the mobile began with octets.
    ProcessOctetsEnd,
    /// PSSR response: ends what the mobile began.
    ProcessEnd,
    /// USSR confirm: the mobile answers.
    Answer,
    /// USSN confirm: the mobile was told.
    Notified,
    /// A number without a meaning here.
    Other(u8),
}

impl ServiceOp {
    const NUMBERS: [(u8, Self); 8] = [
        (0, Self::ProcessOctets),
        (1, Self::Process),
        (2, Self::Request),
        (3, Self::Notify),
        (16, Self::ProcessOctetsEnd),
        (17, Self::ProcessEnd),
        (18, Self::Answer),
        (19, Self::Notified),
    ];

    /// The operation of a number.
    #[must_use]
    pub fn of_number(number: u8) -> Self {
        let known = Self::NUMBERS.iter().find(|(it, _)| *it == number);
        known.map_or(Self::Other(number), |(_, operation)| *operation)
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> u8 {
        if let Self::Other(number) = self {
            return number;
        }
        let known = Self::NUMBERS.iter().find(|(_, it)| *it == self);
        known.map_or(0, |(number, _)| *number)
    }
}
