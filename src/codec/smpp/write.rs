//! A PDU to its octets.
//!
//! **Source:** SMPP 3.4 sections 3.2 and 4.

use super::layout::{Bound, Manner, Visit};
use super::{Body, HEADER_OCTETS, Pdu, SHORT_MESSAGE_OCTETS, Text};
use crate::codec::format::FieldFault;
use crate::limits;

/// The octets of a PDU with its length.
pub(super) fn pdu(pdu: &Pdu<'_>) -> Result<Vec<u8>, FieldFault> {
    let mut out = header(pdu.command.0, pdu.status.0, pdu.sequence);
    let mut body = pdu.body;
    if let Body::Other(octets) = body {
        out.extend_from_slice(octets);
    }
    body.visit(&mut Writing { out: &mut out })?;
    out.extend_from_slice(pdu.tlvs.as_octets());
    finish(out)
}

/// The four words in front, the length still open.
pub(super) fn header(command: u32, status: u32, sequence: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_OCTETS.saturating_mul(16));
    for word in [0, command, status, sequence] {
        out.extend(word.to_be_bytes());
    }
    out
}

/// Sets the length.
pub(super) fn finish(mut out: Vec<u8>) -> Result<Vec<u8>, FieldFault> {
    if out.len() > limits::SMPP_PDU_OCTETS {
        return Err(FieldFault::new(format_args!(
            "command_length: {} is beyond the bound",
            out.len()
        )));
    }
    let length = u32::try_from(out.len()).unwrap_or(u32::MAX);
    if let Some(first) = out.first_chunk_mut::<4>() {
        *first = length.to_be_bytes();
    }
    Ok(out)
}

/// Fields to octets.
struct Writing<'o> {
    out: &'o mut Vec<u8>,
}

impl<'a> Visit<'a> for Writing<'_> {
    type Fault = FieldFault;

    fn octet(&mut self, _: &'static str, value: &mut u8) -> Result<(), FieldFault> {
        self.out.push(*value);
        Ok(())
    }

    fn text(
        &mut self,
        name: &'static str,
        bound: Bound,
        value: &mut Text<'a>,
    ) -> Result<(), FieldFault> {
        if !bound.holds(value.0.len()) {
            let fault = format_args!("{name}: {value} is longer than its field");
            return Err(FieldFault::new(fault));
        }
        put_text(self.out, name, value.0)
    }

    fn message(&mut self, _: Manner<'a>, value: &mut &'a [u8]) -> Result<(), FieldFault> {
        if value.len() > SHORT_MESSAGE_OCTETS {
            return Err(FieldFault::new("short_message: longer than 254 octets"));
        }
        put_message(self.out, value)
    }
}

/// Appends a text with its final 00.
pub(super) fn put_text(out: &mut Vec<u8>, name: &str, text: &[u8]) -> Result<(), FieldFault> {
    if text.contains(&0) {
        return Err(FieldFault::new(format_args!("{name}: has a 00 inside")));
    }
    out.extend_from_slice(text);
    out.push(0);
    Ok(())
}

/// Appends a message with its length in front.
pub(super) fn put_message(out: &mut Vec<u8>, octets: &[u8]) -> Result<(), FieldFault> {
    let length = u8::try_from(octets.len())
        .map_err(|_| FieldFault::new("short_message: longer than 255 octets"))?;
    out.push(length);
    out.extend_from_slice(octets);
    Ok(())
}
