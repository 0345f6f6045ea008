//! Captured frames: the payload of one packet of a pcapng or pcap file, where it lies in the file.
//!
//! **Source:** draft-ietf-opsawg-pcapng, draft-ietf-opsawg-pcap; RFC 791, 8200, 768, 9293. Link types: Ethernet with VLAN
//! tags, raw IP, loopback, Linux cooked (both), user types as they are. Not here: fragments, SCTP, other link types.

use super::{Class, DecodeError};

/// What one packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload<'a> {
    /// The octets above UDP or TCP, or of a user link type.
    pub octets: &'a [u8],
    /// Where they begin in the file.
    pub at: usize,
    /// Source and destination port, where there are some.
    pub ports: Option<(u16, u16)>,
}

/// A captured packet: its link type and its octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    link: u16,
    at: usize,
    end: usize,
}

const SECTION: u32 = 0x0A0D_0D0A;
const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
/// Interfaces of one section that are kept.
const INTERFACES_MAX: usize = 256;
/// IPv6 extension headers and VLAN tags that are passed over.
const HEADERS_MAX: usize = 8;

/// Whether the octets are a capture.
#[must_use]
pub fn is_capture(file: &[u8]) -> bool {
    number(file, 0, true) == Some(SECTION) || classic(file).is_some()
}

/// The payload of the frame of this number, counted from 1 as analysers do.
///
/// # Errors
/// A file that is no capture or is cut off before the frame, a frame that is not there or carries neither UDP nor TCP.
pub fn payload(file: &[u8], frame: usize) -> Result<Payload<'_>, DecodeError> {
    let found = if let Some((is_big, link)) = classic(file) {
        classic_frame(file, frame, is_big, link)
    } else {
        block_frame(file, frame)
    };
    let frame = found?;
    carried(file, frame).ok_or_else(|| fault(frame.at, "a frame that carries UDP or TCP over IP"))
}

/// Whether a classic file is big-endian, and its link type.
fn classic(file: &[u8]) -> Option<(bool, u16)> {
    let is_big = match number(file, 0, true)? {
        0xA1B2_C3D4 | 0xA1B2_3C4D => true,
        0xD4C3_B2A1 | 0x4D3C_B2A1 => false,
        _ => return None,
    };
    let link = number(file, 20, is_big)? & 0xFFFF;
    Some((is_big, u16::try_from(link).ok()?))
}

fn classic_frame(file: &[u8], frame: usize, is_big: bool, link: u16) -> Result<Frame, DecodeError> {
    let mut at = 24_usize;
    for number_of in 1.. {
        let len = length(file, at.saturating_add(8), is_big)
            .ok_or_else(|| fault(at, "a frame of that number"))?;
        let begin = at.saturating_add(16);
        let end = begin.saturating_add(len);
        if end > file.len() {
            return Err(fault(at, "a whole frame"));
        }
        if number_of == frame {
            return Ok(Frame {
                link,
                at: begin,
                end,
            });
        }
        at = end;
    }
    Err(fault(at, "a frame of that number"))
}

fn block_frame(file: &[u8], frame: usize) -> Result<Frame, DecodeError> {
    let (mut at, mut seen, mut is_big) = (0_usize, 0_usize, true);
    let mut links: Vec<u16> = Vec::new();
    if number(file, 0, true) != Some(SECTION) {
        return Err(fault(0, "a pcapng or pcap file"));
    }
    while at < file.len() {
        let kind = number(file, at, is_big).ok_or_else(|| fault(at, "a block"))?;
        // The type of a section is the same in either order; what follows says which it is.
        if kind == SECTION {
            is_big = number(file, at.saturating_add(8), true) == Some(0x1A2B_3C4D);
            links.clear();
        }
        let len = length(file, at.saturating_add(4), is_big).unwrap_or(0);
        let end = at.saturating_add(len);
        if len < 12 || !len.is_multiple_of(4) || end > file.len() {
            return Err(fault(at, "a whole block"));
        }
        if kind == INTERFACE && links.len() < INTERFACES_MAX {
            links.push(short(file, at.saturating_add(8), is_big).unwrap_or_default());
        }
        if matches!(kind, OLD_PACKET | SIMPLE_PACKET | ENHANCED_PACKET) {
            seen = seen.saturating_add(1);
            if seen == frame {
                return block_packet(file, (at, end), kind, is_big, &links)
                    .ok_or_else(|| fault(at, "a whole packet block"));
            }
        }
        at = end;
    }
    Err(fault(at, "a frame of that number"))
}

fn block_packet(
    file: &[u8],
    (at, end): (usize, usize),
    kind: u32,
    is_big: bool,
    links: &[u16],
) -> Option<Frame> {
    let field = |offset: usize| length(file, at.saturating_add(offset), is_big);
    let (interface, begin, len) = match kind {
        SIMPLE_PACKET => (0, 12, field(8)?),
        ENHANCED_PACKET => (field(8)?, 28, field(20)?),
        _ => (
            usize::from(short(file, at.saturating_add(8), is_big)?),
            28,
            field(20)?,
        ),
    };
    let begin = at.saturating_add(begin);
    // The packet's own length may be more than was captured; the trailer of a block is its length again.
    let room = end.saturating_sub(4).checked_sub(begin)?;
    let len = if kind == SIMPLE_PACKET {
        len.min(room)
    } else {
        len
    };
    (len <= room).then_some(Frame {
        link: *links.get(interface)?,
        at: begin,
        end: begin.saturating_add(len),
    })
}

/// What a frame carries above its link, network and transport headers.
fn carried(file: &[u8], frame: Frame) -> Option<Payload<'_>> {
    let file = file.get(..frame.end)?;
    let at = frame.at;
    match frame.link {
        0 | 108 => network(file, at.saturating_add(4)),
        1 => {
            let mut at = at.saturating_add(12);
            for _ in 0..HEADERS_MAX {
                match short(file, at, true)? {
                    0x8100 | 0x88A8 => at = at.saturating_add(4),
                    0x0800 | 0x86DD => return network(file, at.saturating_add(2)),
                    _ => return None,
                }
            }
            None
        }
        12 | 14 | 101 | 228 | 229 => network(file, at),
        113 => network(file, at.saturating_add(16)),
        276 => network(file, at.saturating_add(20)),
        147..=162 => Some(Payload {
            octets: file.get(at..)?,
            at,
            ports: None,
        }),
        _ => None,
    }
}

fn network(file: &[u8], at: usize) -> Option<Payload<'_>> {
    let first = *file.get(at)?;
    if first >> 4 == 4 {
        let fragment = short(file, at.saturating_add(6), true)?;
        if fragment & 0x3FFF != 0 {
            return None;
        }
        let total = usize::from(short(file, at.saturating_add(2), true)?);
        // A length of zero is left for the network card to fill in.
        let end = if total == 0 {
            file.len()
        } else {
            at.saturating_add(total)
        };
        let head = usize::from(first & 0x0F).saturating_mul(4);
        let protocol = *file.get(at.saturating_add(9))?;
        return transport(file.get(..end)?, at.saturating_add(head), protocol);
    }
    if first >> 4 != 6 {
        return None;
    }
    let len = usize::from(short(file, at.saturating_add(4), true)?);
    let mut next = *file.get(at.saturating_add(6))?;
    let mut at = at.saturating_add(40);
    let end = if len == 0 {
        file.len()
    } else {
        at.saturating_add(len)
    };
    let file = file.get(..end)?;
    for _ in 0..HEADERS_MAX {
        if !matches!(next, 0 | 43 | 60) {
            return transport(file, at, next);
        }
        next = *file.get(at)?;
        let units = usize::from(*file.get(at.saturating_add(1))?);
        at = at.saturating_add(units.saturating_add(1).saturating_mul(8));
    }
    None
}

fn transport(file: &[u8], at: usize, protocol: u8) -> Option<Payload<'_>> {
    let ports = (
        short(file, at, true)?,
        short(file, at.saturating_add(2), true)?,
    );
    let (begin, end) = match protocol {
        17 => {
            let len = usize::from(short(file, at.saturating_add(4), true)?);
            (at.saturating_add(8), at.saturating_add(len))
        }
        6 => {
            let words = usize::from(*file.get(at.saturating_add(12))? >> 4);
            (at.saturating_add(words.saturating_mul(4)), file.len())
        }
        _ => return None,
    };
    Some(Payload {
        octets: file.get(begin..end)?,
        at: begin,
        ports: Some(ports),
    })
}

fn number(file: &[u8], at: usize, is_big: bool) -> Option<u32> {
    let octets: [u8; 4] = file.get(at..at.saturating_add(4))?.try_into().ok()?;
    Some(if is_big {
        u32::from_be_bytes(octets)
    } else {
        u32::from_le_bytes(octets)
    })
}

fn length(file: &[u8], at: usize, is_big: bool) -> Option<usize> {
    usize::try_from(number(file, at, is_big)?).ok()
}

fn short(file: &[u8], at: usize, is_big: bool) -> Option<u16> {
    let octets: [u8; 2] = file.get(at..at.saturating_add(2))?.try_into().ok()?;
    Some(if is_big {
        u16::from_be_bytes(octets)
    } else {
        u16::from_le_bytes(octets)
    })
}

const fn fault(offset: usize, expected: &'static str) -> DecodeError {
    DecodeError {
        format: "pcap",
        offset,
        class: Class::BadValue,
        expected,
    }
}

#[cfg(test)]
mod tests;
