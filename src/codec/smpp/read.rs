//! Octets of a PDU to its value: lengths, fields in order, and, where asked for, the header inside a message.
//!
//! **Source:** SMPP 3.4 sections 3.2 and 4.

use super::layout::{Bound, Manner, Visit};
use super::names::meaning;
use super::{
    Body, Command, HEADER_OCTETS, Pdu, SHORT_MESSAGE_OCTETS, Status, Text, Tlvs, UDHI, USSD,
};
use crate::codec::reader::{Digits, Place, Reader};
use crate::codec::sms::UserData;
use crate::codec::ussd::NetworkString;
use crate::codec::{Class, DecodeError};
use crate::limits;

/// Where the fields inside a message belong.
const INSIDE: Place = Place {
    path: "smpp.short_message.",
    clause: "3GPP TS 23.040 9.2.3.24",
};
const INSIDE_USSD: Place = Place {
    path: "smpp.short_message.",
    clause: "WAP-204 6.3",
};

/// Reads a PDU; `deep` reads and checks the header inside a message too.
pub(super) fn pdu<'a>(reader: &mut Reader<'a>, deep: bool) -> Result<Pdu<'a>, DecodeError> {
    let outer = bounded(reader)?;
    let at = reader.at();
    let command = Command(word(reader, "command_id")?);
    reader.note(at, "command", command);
    let at = reader.at();
    let status = Status(word(reader, "command_status")?);
    reader.note(at, "status", status);
    let at = reader.at();
    let sequence = word(reader, "sequence_number")?;
    reader.note(at, "sequence", sequence);
    let mut body = Body::of(command);
    let mut tlvs = Tlvs::none();
    if let Body::Other(octets) = &mut body {
        let at = reader.at();
        *octets = reader.cursor.rest();
        reader.note(at, "body", Digits(octets));
    } else {
        if is_left_out(reader, command, status)? {
            body = Body::Empty;
        }
        body.visit(&mut Reading { reader, deep })?;
        tlvs = Tlvs::read(reader)?;
    }
    if let Some(outer) = outer {
        reader.cursor = outer;
        reader.end()?;
    }
    Ok(Pdu {
        command,
        status,
        sequence,
        body,
        tlvs,
    })
}

/// Reads the length, and narrows the reader to it when more octets are there; gives what to go on with then.
fn bounded<'a>(
    reader: &mut Reader<'a>,
) -> Result<Option<crate::codec::cursor::Cursor<'a>>, DecodeError> {
    let at = reader.at();
    let there = reader.cursor.left();
    let declared = word(reader, "command_length")?;
    let length = usize::try_from(declared).unwrap_or(usize::MAX);
    reader.note(at, "command_length", format_args!("{length} octets"));
    if length < HEADER_OCTETS {
        return Err(reader.fault(at, Class::BadLength, "a length of at least 16"));
    }
    if length > limits::SMPP_PDU_OCTETS {
        return Err(reader.fault(at, Class::TooLarge, "a PDU within the bound"));
    }
    if length > there {
        return Err(reader.fault(at, Class::BadLength, "as many octets as the length says"));
    }
    if length == there {
        return Ok(None);
    }
    let inner = reader
        .cursor
        .container(declared.saturating_sub(4), at, "a PDU of that length")?;
    Ok(Some(core::mem::replace(&mut reader.cursor, inner)))
}

fn word(reader: &mut Reader<'_>, expected: &'static str) -> Result<u32, DecodeError> {
    let number = reader.cursor.big_endian(4, Class::Truncated, expected)?;
    Ok(u32::try_from(number).unwrap_or_default())
}

/// Whether a response has no parameters, as one that failed may.
fn is_left_out(
    reader: &mut Reader<'_>,
    command: Command,
    status: Status,
) -> Result<bool, DecodeError> {
    if !reader.cursor.is_empty() || !command.is_response() {
        return Ok(false);
    }
    if status == Status::OK && !matches!(Body::of(command), Body::Empty) {
        let at = reader.at();
        reader.deviate(at, Class::Truncated, "the parameters of a good response")?;
    }
    Ok(true)
}

/// Fields from octets.
struct Reading<'r, 'a> {
    reader: &'r mut Reader<'a>,
    deep: bool,
}

impl<'a> Visit<'a> for Reading<'_, 'a> {
    type Fault = DecodeError;

    fn octet(&mut self, name: &'static str, value: &mut u8) -> Result<(), DecodeError> {
        let at = self.reader.at();
        *value = self.reader.cursor.octet(name)?;
        if self.reader.is_annotating() {
            match meaning(name, *value) {
                Some(words) => self.reader.note(at, name, format_args!("{value}, {words}")),
                None => self.reader.note(at, name, *value),
            }
        }
        Ok(())
    }

    fn text(
        &mut self,
        name: &'static str,
        bound: Bound,
        value: &mut Text<'a>,
    ) -> Result<(), DecodeError> {
        let at = self.reader.at();
        *value = Text(c_string(self.reader)?);
        self.reader.note(at, name, *value);
        if !bound.holds(value.0.len()) {
            let expected = match bound {
                Bound::Most(_) => "a text within the bound of its field",
                Bound::Time => "a time of 16 characters or none",
            };
            self.reader.deviate(at, Class::BadValue, expected)?;
        }
        if let Some(odd) = value.0.iter().position(|octet| !octet.is_ascii()) {
            let at = at.saturating_add(odd);
            self.reader
                .deviate(at, Class::BadValue, "a text in ASCII")?;
        }
        Ok(())
    }

    fn message(&mut self, manner: Manner<'a>, value: &mut &'a [u8]) -> Result<(), DecodeError> {
        let reader = &mut *self.reader;
        let at = reader.at();
        let length = reader.octet("sm_length", "the length of the message")?;
        if usize::from(length) > SHORT_MESSAGE_OCTETS {
            reader.deviate(at, Class::BadValue, "a message of at most 254 octets")?;
        }
        let mut inner =
            reader
                .cursor
                .container(u32::from(length), at, "a message of that length")?;
        if self.deep {
            let outer = core::mem::replace(&mut reader.cursor, inner);
            message(reader, manner)?;
            reader.cursor = outer;
        }
        *value = inner.rest();
        Ok(())
    }
}

/// Octets up to a 00, which is skipped.
fn c_string<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let at = reader.at();
    let mut ahead = reader.cursor;
    let rest = ahead.rest();
    let end = memchr::memchr(0, rest)
        .ok_or_else(|| reader.fault(at, Class::TextUnterminated, "00 at the end of a text"))?;
    let octets = reader.cursor.take(end, Class::Truncated, "a text")?;
    reader.cursor.octet("00 at the end of a text")?;
    Ok(octets)
}

/// What stands inside a message: a header and a payload, a USSD string, or octets.
fn message<'a>(reader: &mut Reader<'a>, manner: Manner<'a>) -> Result<(), DecodeError> {
    if reader.cursor.is_empty() {
        return Ok(());
    }
    if manner.esm_class & UDHI != 0 {
        let place = reader.enter(INSIDE);
        let user_data = UserData::read(reader)?;
        let at = reader.at().saturating_sub(user_data.payload.len());
        reader.note(at, "payload", Digits(user_data.payload));
        reader.enter(place);
        return Ok(());
    }
    let mut ahead = reader.cursor;
    if ussd(manner, ahead.rest()).is_some() {
        let place = reader.enter(INSIDE_USSD);
        NetworkString::read(reader)?;
        reader.enter(place);
        return Ok(());
    }
    let at = reader.at();
    let octets = reader.cursor.rest();
    reader.note(at, "short_message", Digits(octets));
    Ok(())
}

/// The USSD string that a message is, when its service and every length say so.
pub(super) fn ussd<'a>(manner: Manner<'a>, octets: &'a [u8]) -> Option<NetworkString<'a>> {
    if manner.service_type.0 != USSD.as_bytes() {
        return None;
    }
    NetworkString::read(&mut Reader::new("smpp", INSIDE_USSD, octets, false)).ok()
}
