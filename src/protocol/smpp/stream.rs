//! PDUs out of a stream of octets.
//!
//! **Source:** SMPP 3.4 section 3.2 (command_length).

use bytes::{Bytes, BytesMut};

use crate::codec::DecodeError;
use crate::codec::smpp;

/// Takes octets of one stream and gives whole PDUs; what waits is less than one of them.
#[derive(Debug, Default)]
pub(super) struct Framer {
    octets: BytesMut,
    is_lost: bool,
}

impl Framer {
    /// Octets came; call [`Framer::cut`] until it gives `None` before the next.
    pub(super) fn push(&mut self, octets: &[u8]) {
        if !self.is_lost {
            self.octets.extend_from_slice(octets);
        }
    }

    /// The octets of the next PDU; after a length that cannot be, nothing comes any more.
    pub(super) fn cut(&mut self) -> Option<Result<Bytes, DecodeError>> {
        match smpp::length(&self.octets) {
            Ok(Some(length)) if length <= self.octets.len() => {
                Some(Ok(self.octets.split_to(length).freeze()))
            }
            Ok(_) => None,
            Err(fault) => {
                self.is_lost = true;
                self.octets = BytesMut::new();
                Some(Err(fault))
            }
        }
    }
}

/// Command, status and sequence number of a PDU, which can be read even when the rest cannot.
pub(super) fn header(octets: &[u8]) -> Option<(smpp::Command, smpp::Status, u32)> {
    let word = |at: usize| {
        let octets = octets.get(at..)?.first_chunk::<4>()?;
        Some(u32::from_be_bytes(*octets))
    };
    Some((smpp::Command(word(4)?), smpp::Status(word(8)?), word(12)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits;

    const ENQUIRE: [u8; 16] = [0, 0, 0, 16, 0, 0, 0, 0x15, 0, 0, 0, 0, 0, 0, 0, 7];

    #[test]
    fn pdus_come_out_whole_wherever_the_stream_is_cut() {
        let stream = [ENQUIRE, ENQUIRE].concat();
        for cut in 0..=stream.len() {
            let mut framer = Framer::default();
            let mut found = Vec::new();
            for piece in [&stream[..cut], &stream[cut..]] {
                framer.push(piece);
                while let Some(pdu) = framer.cut() {
                    found.push(pdu.unwrap());
                }
            }
            assert_eq!(found, [&ENQUIRE[..], &ENQUIRE[..]]);
            assert_eq!(framer.octets.len(), 0);
        }
    }

    #[test]
    fn a_length_that_cannot_be_ends_the_stream() {
        for length in [15, u32::try_from(limits::SMPP_PDU_OCTETS).unwrap() + 1] {
            let mut framer = Framer::default();
            framer.push(&length.to_be_bytes());
            assert!(matches!(framer.cut(), Some(Err(_))));
            framer.push(&ENQUIRE);
            assert_eq!(framer.cut(), None);
            assert_eq!(framer.octets.len(), 0);
        }
    }

    #[test]
    fn the_longest_pdu_is_waited_for() {
        let mut framer = Framer::default();
        let length = u32::try_from(limits::SMPP_PDU_OCTETS).unwrap();
        framer.push(&length.to_be_bytes());
        assert_eq!(framer.cut(), None);
        assert_eq!(framer.octets.len(), 4);
    }
}
