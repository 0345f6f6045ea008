//! SMS-DELIVER, SMS-SUBMIT and SMS-STATUS-REPORT, without the address of the service centre in front.
//!
//! **Source:** 3GPP TS 23.040 section 9.2.2. Which of two types the first octet means depends on who sent it. Not here:
//! SMS-COMMAND and the two reports of a receiver.

use super::address::Address;
use super::alphabet::{self, Alphabet};
use super::timestamp::Timestamp;
use super::udh::UserData;
use super::{TPDU, USER_DATA};
use crate::codec::reader::{Digits, Reader};
use crate::codec::{Class, DecodeError};
use crate::limits;

/// User data header indicator, in every type.
pub const UDHI: u8 = 0x40;
/// Reply path, in SMS-DELIVER and SMS-SUBMIT.
pub const REPLY_PATH: u8 = 0x80;
/// A report is wanted (SMS-SUBMIT) or will be given; in a report, that it answers a command.
pub const STATUS_REPORT: u8 = 0x20;
/// No more messages wait, in what the service centre sends.
pub const NO_MORE_MESSAGES: u8 = 0x04;
/// Loop prevention, in what the service centre sends.
pub const LOOP_PREVENTION: u8 = 0x08;
/// Reject duplicates, in SMS-SUBMIT.
pub const REJECT_DUPLICATES: u8 = 0x04;

/// Who sent a TPDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The service centre.
    ServiceCentre,
    /// The mobile station.
    Mobile,
}

/// A TPDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tpdu<'a> {
    /// A message to the mobile.
    Deliver(Deliver<'a>),
    /// A message from the mobile.
    Submit(Submit<'a>),
    /// What became of a message from the mobile.
    StatusReport(StatusReport<'a>),
}

/// SMS-DELIVER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deliver<'a> {
    /// Type and flags.
    pub flags: u8,
    /// TP-OA.
    pub originator: Address<'a>,
    /// TP-PID.
    pub protocol: u8,
    /// TP-DCS.
    pub data_coding: u8,
    /// TP-SCTS as it stands.
    pub timestamp: [u8; 7],
    /// TP-UDL and TP-UD.
    pub text: Text<'a>,
}

/// SMS-SUBMIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submit<'a> {
    /// Type and flags.
    pub flags: u8,
    /// TP-MR.
    pub reference: u8,
    /// TP-DA.
    pub destination: Address<'a>,
    /// TP-PID.
    pub protocol: u8,
    /// TP-DCS.
    pub data_coding: u8,
    /// TP-VP in the format that the flags name.
    pub validity: Validity,
    /// TP-UDL and TP-UD.
    pub text: Text<'a>,
}

/// SMS-STATUS-REPORT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusReport<'a> {
    /// Type and flags.
    pub flags: u8,
    /// TP-MR of the message.
    pub reference: u8,
    /// TP-RA.
    pub recipient: Address<'a>,
    /// TP-SCTS as it stands.
    pub timestamp: [u8; 7],
    /// TP-DT as it stands.
    pub discharge: [u8; 7],
    /// TP-ST.
    pub status: u8,
    /// TP-PI, when anything follows the status.
    pub parameters: Option<u8>,
    /// Further octets of TP-PI, each announced by bit 7 of the one before.
    pub more_parameters: &'a [u8],
    /// TP-PID.
    pub protocol: Option<u8>,
    /// TP-DCS.
    pub data_coding: Option<u8>,
    /// TP-UDL and TP-UD.
    pub text: Option<Text<'a>>,
}

/// How long a message is worth delivering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Not said.
    None,
    /// In the steps of section 9.2.3.12.1.
    Relative(u8),
    /// Until a time, as it stands.
    Absolute([u8; 7]),
    /// As section 9.2.3.12.3 has it, as it stands.
    Enhanced([u8; 7]),
}

/// TP-UDL and TP-UD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    /// Septets or octets, the header's among them.
    pub length: u8,
    /// What the payload is.
    pub alphabet: Alphabet,
    /// Header and payload.
    pub user_data: UserData<'a>,
}

impl<'a> Tpdu<'a> {
    /// Reads a TPDU as a receiver does; what a sender may not write is left out, not refused.
    ///
    /// # Errors
    /// The first fault that no reading allows.
    pub fn decode(octets: &'a [u8], from: From) -> Result<Self, DecodeError> {
        Self::read(&mut Reader::new("sms", TPDU, octets, true), from)
    }

    /// Reads all octets of the reader.
    ///
    /// # Errors
    /// The first fault in field order.
    pub fn read(reader: &mut Reader<'a>, from: From) -> Result<Self, DecodeError> {
        let at = reader.at();
        let flags = reader.cursor.octet("the type of a TPDU")?;
        let tpdu = match (flags & 0x03, from) {
            (0, From::ServiceCentre) => {
                reader.note(
                    at,
                    "first",
                    format_args!("SMS-DELIVER{}", Flags(flags, from)),
                );
                deliver(reader, flags).map(Self::Deliver)?
            }
            (2, From::ServiceCentre) => {
                reader.note(
                    at,
                    "first",
                    format_args!("SMS-STATUS-REPORT{}", Flags(flags, from)),
                );
                status_report(reader, flags).map(Self::StatusReport)?
            }
            (1, From::Mobile) => {
                reader.note(
                    at,
                    "first",
                    format_args!("SMS-SUBMIT{}", Flags(flags, from)),
                );
                submit(reader, flags).map(Self::Submit)?
            }
            (_, From::ServiceCentre) => {
                return Err(reader.fault(
                    at,
                    Class::UnknownPdu,
                    "SMS-DELIVER or SMS-STATUS-REPORT",
                ));
            }
            (_, From::Mobile) => return Err(reader.fault(at, Class::UnknownPdu, "SMS-SUBMIT")),
        };
        Ok(tpdu)
    }

    /// The flags with the type.
    #[must_use]
    pub const fn flags(&self) -> u8 {
        match self {
            Self::Deliver(it) => it.flags,
            Self::Submit(it) => it.flags,
            Self::StatusReport(it) => it.flags,
        }
    }

    /// The user data, if any.
    #[must_use]
    pub const fn text(&self) -> Option<Text<'a>> {
        match self {
            Self::Deliver(it) => Some(it.text),
            Self::Submit(it) => Some(it.text),
            Self::StatusReport(it) => it.text,
        }
    }
}

impl Text<'_> {
    /// The payload as text; `None` for octets and for text that is none.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self.alphabet {
            Alphabet::Octets => None,
            Alphabet::Ucs2 => alphabet::ucs2_text(self.user_data.payload),
            Alphabet::Gsm7 => {
                let (fill, header) = self.before_text();
                let septets = usize::from(self.length).saturating_sub(header);
                let codes = alphabet::unpack(self.user_data.payload, fill, septets);
                Some(alphabet::text(codes))
            }
        }
    }

    /// Fill bits, and septets that the header takes with them.
    fn before_text(&self) -> (usize, usize) {
        self.user_data.header.map_or((0, 0), |header| {
            let octets = header.octets().len().saturating_add(1);
            (
                alphabet::fill_bits(octets),
                octets.saturating_mul(8).div_ceil(7),
            )
        })
    }
}

fn deliver<'a>(reader: &mut Reader<'a>, flags: u8) -> Result<Deliver<'a>, DecodeError> {
    let originator = Address::read(reader, "oa")?;
    let protocol = reader.octet("pid", "the protocol identifier")?;
    let data_coding = coding(reader)?;
    let timestamp = timestamp(reader, "scts")?;
    let text = user_data(reader, flags, data_coding)?;
    reader.end()?;
    Ok(Deliver {
        flags,
        originator,
        protocol,
        data_coding,
        timestamp,
        text,
    })
}

fn submit<'a>(reader: &mut Reader<'a>, flags: u8) -> Result<Submit<'a>, DecodeError> {
    let reference = reader.octet("mr", "the message reference")?;
    let destination = Address::read(reader, "da")?;
    let protocol = reader.octet("pid", "the protocol identifier")?;
    let data_coding = coding(reader)?;
    let validity = match flags & 0x18 {
        0x00 => Validity::None,
        0x10 => {
            let at = reader.at();
            let period = reader.cursor.octet("a validity period")?;
            reader.note(
                at,
                "vp",
                format_args!("{} minutes", relative_minutes(period)),
            );
            Validity::Relative(period)
        }
        0x18 => Validity::Absolute(timestamp(reader, "vp")?),
        _ => {
            let at = reader.at();
            let octets = seven(reader)?;
            reader.note(at, "vp", Digits(&octets));
            Validity::Enhanced(octets)
        }
    };
    let text = user_data(reader, flags, data_coding)?;
    reader.end()?;
    Ok(Submit {
        flags,
        reference,
        destination,
        protocol,
        data_coding,
        validity,
        text,
    })
}

fn status_report<'a>(reader: &mut Reader<'a>, flags: u8) -> Result<StatusReport<'a>, DecodeError> {
    let reference = reader.octet("mr", "the message reference")?;
    let recipient = Address::read(reader, "ra")?;
    let timestamps = (timestamp(reader, "scts")?, timestamp(reader, "dt")?);
    let status = reader.octet("st", "the status")?;
    let mut report = StatusReport {
        flags,
        reference,
        recipient,
        timestamp: timestamps.0,
        discharge: timestamps.1,
        status,
        parameters: None,
        more_parameters: &[],
        protocol: None,
        data_coding: None,
        text: None,
    };
    if reader.cursor.is_empty() {
        return Ok(report);
    }
    let at = reader.at();
    let parameters = reader.octet("pi", "the parameter indicator")?;
    report.parameters = Some(parameters);
    let mut ahead = reader.cursor;
    let ahead = ahead.rest();
    let (mut last, mut count) = (parameters, 0_usize);
    while last & 0x80 != 0 {
        if count >= limits::SMS_INDICATORS {
            return Err(reader.fault(reader.at(), Class::TooLarge, "fewer indicators"));
        }
        last = reader.octet("pi", "a further parameter indicator")?;
        count = count.saturating_add(1);
    }
    report.more_parameters = ahead.get(..count).unwrap_or_default();
    let is_odd = |octet: &u8| octet & 0x7F != 0;
    if parameters & 0x78 != 0 || report.more_parameters.iter().any(is_odd) {
        reader.deviate(at, Class::BadValue, "an indicator of known parameters")?;
    }
    if parameters & 0x01 != 0 {
        report.protocol = Some(reader.octet("pid", "the protocol identifier")?);
    }
    if parameters & 0x02 != 0 {
        report.data_coding = Some(coding(reader)?);
    }
    if parameters & 0x04 != 0 {
        report.text = Some(user_data(reader, flags, report.data_coding.unwrap_or(0))?);
    }
    reader.end()?;
    Ok(report)
}

fn coding(reader: &mut Reader<'_>) -> Result<u8, DecodeError> {
    let at = reader.at();
    let coding = reader.cursor.octet("the data coding scheme")?;
    reader.note(
        at,
        "dcs",
        format_args!("{coding}, {}", Alphabet::of(coding).name()),
    );
    Ok(coding)
}

fn seven(reader: &mut Reader<'_>) -> Result<[u8; 7], DecodeError> {
    let at = reader.at();
    let octets = reader
        .cursor
        .take(7, Class::Truncated, "seven octets of time")?;
    <[u8; 7]>::try_from(octets).map_err(|_| reader.fault(at, Class::Truncated, "seven octets"))
}

fn timestamp(reader: &mut Reader<'_>, path: &'static str) -> Result<[u8; 7], DecodeError> {
    let at = reader.at();
    let octets = seven(reader)?;
    match Timestamp::decode(&octets) {
        Some(stamp) => reader.note(at, path, stamp),
        None => {
            reader.note(at, path, Digits(&octets));
            reader.deviate(at, Class::BadValue, "a time stamp of swapped digits")?;
        }
    }
    Ok(octets)
}

fn user_data<'a>(
    reader: &mut Reader<'a>,
    flags: u8,
    data_coding: u8,
) -> Result<Text<'a>, DecodeError> {
    let alphabet = Alphabet::of(data_coding);
    let at = reader.at();
    let length = reader.cursor.octet("the length of the user data")?;
    let unit = if alphabet == Alphabet::Gsm7 {
        "septets"
    } else {
        "octets"
    };
    reader.note(at, "udl", format_args!("{length} {unit}"));
    if length > alphabet.units_max() {
        reader.deviate(at, Class::BadValue, "user data of at most 140 octets")?;
    }
    let count = u32::try_from(alphabet.octets(length)).unwrap_or(u32::MAX);
    let inner = reader
        .cursor
        .container(count, at, "user data of that length")?;
    let outer = core::mem::replace(&mut reader.cursor, inner);
    let place = reader.enter(super::Place {
        path: TPDU.path,
        ..USER_DATA
    });
    let text = inside(reader, flags, length, alphabet);
    reader.enter(place);
    let text = text?;
    reader.cursor = outer;
    Ok(text)
}

fn inside<'a>(
    reader: &mut Reader<'a>,
    flags: u8,
    length: u8,
    alphabet: Alphabet,
) -> Result<Text<'a>, DecodeError> {
    let udl_at = reader.at().saturating_sub(1);
    let header = if flags & UDHI != 0 {
        Some(super::udh::Header::read(reader)?)
    } else {
        None
    };
    let at = reader.at();
    let text = Text {
        length,
        alphabet,
        user_data: UserData {
            header,
            payload: reader.cursor.rest(),
        },
    };
    if alphabet == Alphabet::Gsm7 && text.before_text().1 > usize::from(length) {
        reader.deviate(
            udl_at,
            Class::BadLength,
            "a length with the fill bits of its header",
        )?;
    }
    if reader.is_annotating() {
        match text.text() {
            Some(words) => reader.note(at, "payload", format_args!("{words:?}")),
            None => reader.note(at, "payload", Digits(text.user_data.payload)),
        }
    }
    Ok(text)
}

/// Minutes of a relative validity period.
#[must_use]
pub const fn relative_minutes(period: u8) -> u32 {
    let period = period as u32;
    match period {
        0..=143 => period.saturating_add(1).saturating_mul(5),
        144..=167 => period
            .saturating_sub(143)
            .saturating_mul(30)
            .saturating_add(720),
        168..=196 => period.saturating_sub(166).saturating_mul(1_440),
        _ => period.saturating_sub(192).saturating_mul(10_080),
    }
}

/// The flags in words.
struct Flags(u8, From);

impl core::fmt::Display for Flags {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self(flags, from) = *self;
        let of = |flag: u8, words: &'static str| (flags & flag != 0).then_some(words);
        let known = match from {
            From::ServiceCentre => [
                of(NO_MORE_MESSAGES, "no more messages"),
                of(LOOP_PREVENTION, "loop prevention"),
                of(STATUS_REPORT, "status report"),
            ],
            From::Mobile => [
                of(REJECT_DUPLICATES, "reject duplicates"),
                of(0x18, "validity period"),
                of(STATUS_REPORT, "status report"),
            ],
        };
        let both = [of(UDHI, "user data header"), of(REPLY_PATH, "reply path")];
        let words = known.into_iter().chain(both).flatten();
        for word in words {
            write!(f, ", {word}")?;
        }
        Ok(())
    }
}
