//! A datagram in the strings of USSD operations: one, or several by concatenation.
//!
//! **Source:** WAP-204 sections 6.3 and 7. The same form serves both directions here, with 0 as the network entity
//! identifier.

use crate::codec::sms::segment::TooLong;
use crate::codec::sms::udh::{CONCATENATION_8, CONCATENATION_16, PORTS_16};
use crate::codec::sms::{Ports, Reference};

/// Octets of a string around header and payload: NEI, UDL, UDHL.
const FRAME_OCTETS: usize = 3;
/// Octets of an element with ports.
const PORTS_OCTETS: usize = 6;

/// The strings that carry a datagram, each of at most so many octets: one without concatenation if it fits.
///
/// # Errors
/// More than 255 of them are needed.
pub fn strings(
    datagram: &[u8],
    ports: Ports,
    reference: Reference,
    octets_max: usize,
) -> Result<Vec<Vec<u8>>, TooLong> {
    let room = octets_max.saturating_sub(FRAME_OCTETS.saturating_add(PORTS_OCTETS));
    if datagram.len() <= room {
        return Ok(vec![string(ports, None, datagram)]);
    }
    let place = match reference {
        Reference::Eight(_) => 5,
        Reference::Sixteen(_) => 6,
    };
    let room = room.saturating_sub(place).max(1);
    let total = u8::try_from(datagram.len().div_ceil(room)).map_err(|_| TooLong {
        octets: datagram.len(),
    })?;
    Ok((1..=total)
        .zip(datagram.chunks(room))
        .map(|(sequence, part)| string(ports, Some((reference, total, sequence)), part))
        .collect())
}

fn string(ports: Ports, place: Option<(Reference, u8, u8)>, payload: &[u8]) -> Vec<u8> {
    let mut header = vec![PORTS_16, 4];
    header.extend(ports.destination.to_be_bytes());
    header.extend(ports.source.to_be_bytes());
    match place {
        Some((Reference::Eight(number), total, sequence)) => {
            header.extend([CONCATENATION_8, 3, number, total, sequence]);
        }
        Some((Reference::Sixteen(number), total, sequence)) => {
            header.extend([CONCATENATION_16, 4]);
            header.extend(number.to_be_bytes());
            header.extend([total, sequence]);
        }
        None => {}
    }
    let header_octets = u8::try_from(header.len()).unwrap_or(u8::MAX);
    let all = header.len().saturating_add(payload.len()).saturating_add(1);
    let length = u8::try_from(all).unwrap_or(u8::MAX);
    [&[0, length, header_octets], header.as_slice(), payload].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::ussd::{NetworkString, Operation};

    #[test]
    fn a_short_datagram_is_one_string_with_ports() {
        let strings = strings(b"abc", Ports::PUSH, Reference::Eight(1), 144).unwrap();
        assert_eq!(strings.len(), 1);
        let read = NetworkString::decode(&strings[0]).unwrap();
        assert_eq!((read.nei, read.user_data.payload), (0, b"abc".as_slice()));
        assert_eq!(read.user_data.ports(), Some(Ports::PUSH));
        assert_eq!(read.user_data.concatenation(), None);
    }

    #[test]
    fn a_long_datagram_comes_back_out_of_several_strings_within_the_bound() {
        let datagram: Vec<u8> = (0..=255).chain(0..=255).collect();
        let max = Operation::RequestBegin.octets_max();
        let all = strings(&datagram, Ports::PUSH, Reference::Sixteen(700), max).unwrap();
        let mut whole = Vec::new();
        for (at, string) in all.iter().enumerate() {
            assert!(string.len() <= max);
            let read = NetworkString::decode(string).unwrap();
            let place = read.user_data.concatenation().unwrap();
            assert_eq!(usize::from(place.sequence), at + 1);
            assert_eq!(usize::from(place.total), all.len());
            whole.extend_from_slice(read.user_data.payload);
        }
        assert_eq!(whole, datagram);
    }

    #[test]
    fn more_than_255_strings_are_refused() {
        let most = vec![0; 255 * (144 - 14)];
        assert!(strings(&most, Ports::PUSH, Reference::Eight(1), 144).is_ok());
        let more = vec![0; most.len() + 1];
        assert!(strings(&more, Ports::PUSH, Reference::Eight(1), 144).is_err());
    }
}
