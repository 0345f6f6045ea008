//! WTP octets: reader and writer.
//!
//! **Source:** WAP-224 sections 8.2 (flags), 8.3 (PDUs) and 8.5 (concatenation).

use super::{Invoke, Items, Kind, Pdu, Place, fault};
use crate::codec::cursor::Cursor;
use crate::codec::wsp::Rigour;
use crate::codec::{Class, DecodeError};
use crate::limits;

const CON: u8 = 0x80;

/// One PDU of a datagram.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    /// Octets before it.
    pub(super) at: usize,
    /// Whether its length has two octets.
    pub(super) long: bool,
    /// Its octets.
    pub(super) octets: &'a [u8],
}

/// The PDUs of a datagram: all of it, or those behind lengths when it begins with 00.
pub(super) fn parts<'a>(
    octets: &'a [u8],
    rigour: &mut Rigour,
) -> Result<Vec<Part<'a>>, DecodeError> {
    let mut parts = Vec::new();
    read_parts(octets, rigour, &mut parts)?;
    Ok(parts)
}

/// Adds the PDUs of a datagram up to the first fault of lengths.
pub(super) fn read_parts<'a>(
    octets: &'a [u8],
    rigour: &mut Rigour,
    parts: &mut Vec<Part<'a>>,
) -> Result<(), DecodeError> {
    if octets.first() != Some(&0) {
        parts.push(Part {
            at: 0,
            long: false,
            octets,
        });
        return Ok(());
    }
    let mut cursor = Cursor::new("wtp", octets);
    cursor.octet("00")?;
    while !cursor.is_empty() {
        let at = cursor.offset();
        if parts.len() >= limits::WTP_PDUS {
            let expected = "as many PDUs as the bound allows";
            return Err(cursor.fault_at(at, Class::TooLarge, expected));
        }
        let first = cursor.octet("the length of a PDU")?;
        let long = first & 0x80 != 0;
        let mut len = u32::from(first & 0x7F);
        if long {
            len = len << 8 | u32::from(cursor.octet("the length of a PDU")?);
        }
        let mut part = cursor.container(len, at, "a PDU of that length")?;
        parts.push(Part {
            at: part.offset(),
            long,
            octets: part.rest(),
        });
    }
    if parts.is_empty() {
        rigour.deviate(&cursor, 1, Class::Truncated, "a PDU behind 00")?;
    }
    Ok(())
}

/// Appends a PDU behind its length; `None` when that is above 32,767.
pub(super) fn put_part(out: &mut Vec<u8>, pdu: &[u8], long: bool) -> Option<()> {
    let len = u16::try_from(pdu.len()).ok().filter(|len| *len < 0x8000)?;
    match u8::try_from(len) {
        Ok(short @ 0..=0x7F) if !long => out.push(short),
        _ => out.extend((len | 0x8000).to_be_bytes()),
    }
    out.extend_from_slice(pdu);
    Some(())
}

/// Reads a PDU that stands `base` octets after the start of the datagram.
pub(super) fn read<'a>(
    octets: &'a [u8],
    base: usize,
    rigour: &mut Rigour,
) -> Result<Pdu<'a>, DecodeError> {
    let mut cursor = Cursor::within("wtp", octets, base);
    let head = cursor.octet("a PDU type")?;
    if !matches!(head >> 3 & 0x0F, 1..=7) {
        return Err(fault(base, Class::UnknownPdu, "an assigned PDU type"));
    }
    let tid = cursor.big_endian(2, Class::Truncated, "a transaction id")?;
    let kind = kind(head, &mut cursor, rigour)?;
    let items = if head & CON != 0 {
        Items::read(&mut cursor, rigour)?
    } else {
        Items::none()
    };
    let data_at = cursor.offset();
    let data = cursor.rest();
    let pdu = Pdu {
        at: base,
        octets,
        tid: u16::try_from(tid).unwrap_or_default(),
        kind,
        items,
        data_at,
        data,
    };
    if pdu.place().is_none() && !data.is_empty() {
        rigour.deviate(&cursor, data_at, Class::BadLength, "the end of the PDU")?;
    }
    Ok(pdu)
}

fn kind<'a>(
    head: u8,
    cursor: &mut Cursor<'a>,
    rigour: &mut Rigour,
) -> Result<Kind<'a>, DecodeError> {
    let at = cursor.offset().saturating_sub(3);
    let rid = head & 1 != 0;
    let place = Place {
        gtr: head & 4 != 0,
        ttr: head & 2 != 0,
        rid,
    };
    let reserved = |bits: u8, cursor: &Cursor<'a>, rigour: &mut Rigour| match head & bits {
        0 => Ok(()),
        _ => rigour.deviate(cursor, at, Class::BadValue, "reserved bits that are 0"),
    };
    Ok(match head >> 3 & 0x0F {
        1 => Kind::Invoke {
            place,
            invoke: invoke(cursor, rigour)?,
        },
        2 => Kind::Result { place },
        3 => {
            reserved(0x02, cursor, rigour)?;
            Kind::Ack {
                tve_tok: head & 4 != 0,
                rid,
            }
        }
        4 => {
            if head & 0x06 != 0 {
                return Err(fault(at, Class::BadValue, "an abort by provider or user"));
            }
            Kind::Abort {
                by_user: rid,
                reason: cursor.octet("an abort reason")?,
            }
        }
        5 => Kind::SegmentedInvoke {
            place,
            psn: cursor.octet("a segment number")?,
        },
        6 => Kind::SegmentedResult {
            place,
            psn: cursor.octet("a segment number")?,
        },
        _ => {
            reserved(0x06, cursor, rigour)?;
            let at = cursor.offset();
            let count = cursor.octet("a count of segments")?;
            let expected = "as many segment numbers";
            Kind::Nack {
                rid,
                missing: cursor.container(u32::from(count), at, expected)?.rest(),
            }
        }
    })
}

fn invoke(cursor: &mut Cursor<'_>, rigour: &mut Rigour) -> Result<Invoke, DecodeError> {
    let at = cursor.offset();
    let octet = cursor.octet("version and class")?;
    if octet >> 6 != 0 {
        return Err(fault(at, Class::WtpVersion, "version 0"));
    }
    if octet & 0x0C != 0 {
        rigour.deviate(cursor, at, Class::BadValue, "reserved bits that are 0")?;
    }
    let class = octet & 0x03;
    if class == 3 {
        return Err(fault(at, Class::BadValue, "class 0, 1 or 2"));
    }
    Ok(Invoke {
        tid_new: octet & 0x20 != 0,
        up: octet & 0x10 != 0,
        class,
    })
}

pub(super) fn write(pdu: &Pdu<'_>) -> Vec<u8> {
    let items = pdu.items.octets();
    let bit = |set: bool, bit: u8| if set { bit } else { 0 };
    let flags = |place: Place| bit(place.gtr, 4) | bit(place.ttr, 2) | bit(place.rid, 1);
    let (number, low) = match pdu.kind {
        Kind::Invoke { place, .. } => (1, flags(place)),
        Kind::Result { place } => (2, flags(place)),
        Kind::Ack { tve_tok, rid } => (3, bit(tve_tok, 4) | bit(rid, 1)),
        Kind::Abort { by_user, .. } => (4_u8, bit(by_user, 1)),
        Kind::SegmentedInvoke { place, .. } => (5, flags(place)),
        Kind::SegmentedResult { place, .. } => (6, flags(place)),
        Kind::Nack { rid, .. } => (7, bit(rid, 1)),
    };
    let mut out = Vec::with_capacity(pdu.data.len().saturating_add(items.len()).saturating_add(4));
    out.push(bit(!items.is_empty(), CON) | number << 3 | low);
    out.extend(pdu.tid.to_be_bytes());
    match pdu.kind {
        Kind::Invoke { invoke, .. } => {
            out.push(bit(invoke.tid_new, 0x20) | bit(invoke.up, 0x10) | (invoke.class & 0x03));
        }
        Kind::Abort { reason, .. } => out.push(reason),
        Kind::SegmentedInvoke { psn, .. } | Kind::SegmentedResult { psn, .. } => out.push(psn),
        Kind::Nack { missing, .. } => {
            out.push(u8::try_from(missing.len()).unwrap_or(u8::MAX));
            out.extend(missing.iter().take(255));
        }
        Kind::Result { .. } | Kind::Ack { .. } => {}
    }
    out.extend_from_slice(items);
    out.extend_from_slice(pdu.data);
    out
}
