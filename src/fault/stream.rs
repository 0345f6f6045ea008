//! Where the PDUs of SMPP begin and end on a link, whether somebody looks at them or not.

use bytes::{Bytes, BytesMut};

use crate::limits::SMPP_PDU_OCTETS;

/// One way of one link.
#[derive(Debug, Default)]
pub(super) struct Pdus {
    /// The beginning of a PDU whose rest has not come, and of which nothing was passed on.
    kept: BytesMut,
    /// Octets that are missing of a PDU whose beginning was passed on.
    missing: usize,
    /// Octets of the length of a PDU that were passed on.
    length: Vec<u8>,
    /// What stands there is no PDU: it is no longer cut.
    is_lost: bool,
}

impl Pdus {
    /// The whole PDUs in what came, and what belongs to one whose beginning went unseen.
    pub(super) fn split(&mut self, octets: &Bytes) -> Vec<Bytes> {
        let mut rest = self.join(octets);
        let mut parts = Vec::new();
        if self.missing > 0 || !self.length.is_empty() {
            let end = self.rest_of_pdu(&rest);
            parts.push(rest.split_to(end));
        }
        while !rest.is_empty() {
            if self.is_lost {
                parts.push(rest);
                return parts;
            }
            match length(&rest) {
                Some(Err(())) => self.is_lost = true,
                Some(Ok(length)) if length <= rest.len() => parts.push(rest.split_to(length)),
                _ => {
                    self.kept.extend_from_slice(&rest);
                    return parts;
                }
            }
        }
        parts
    }

    /// Follows what passes uncut; what was kept before goes with it.
    pub(super) fn follow(&mut self, octets: &mut Bytes) {
        if !self.kept.is_empty() {
            *octets = self.join(octets);
        }
        let mut rest = octets.clone();
        while !rest.is_empty() && !self.is_lost {
            if self.missing > 0 || !self.length.is_empty() {
                let end = self.rest_of_pdu(&rest);
                let _ = rest.split_to(end);
                continue;
            }
            match length(&rest) {
                Some(Err(())) => self.is_lost = true,
                Some(Ok(length)) if length <= rest.len() => {
                    let _ = rest.split_to(length);
                }
                Some(Ok(length)) => {
                    self.missing = length.saturating_sub(rest.len());
                    return;
                }
                None => {
                    self.length = rest.to_vec();
                    return;
                }
            }
        }
    }

    fn join(&mut self, octets: &Bytes) -> Bytes {
        if self.kept.is_empty() {
            return octets.clone();
        }
        self.kept.extend_from_slice(octets);
        core::mem::take(&mut self.kept).freeze()
    }

    /// How many of these octets end the PDU whose beginning was passed on.
    fn rest_of_pdu(&mut self, octets: &[u8]) -> usize {
        let mut at = 0;
        while !self.length.is_empty() && at < octets.len() {
            self.length.extend(octets.get(at));
            at = at.saturating_add(1);
            if self.length.len() == 4 {
                let head = core::mem::take(&mut self.length);
                match length(&head) {
                    Some(Ok(length)) => self.missing = length.saturating_sub(4),
                    _ => self.is_lost = true,
                }
            }
        }
        let more = self.missing.min(octets.len().saturating_sub(at));
        self.missing = self.missing.saturating_sub(more);
        at.saturating_add(more)
    }
}

/// The length that a PDU says; `None` while it has not come, an error when it cannot be.
fn length(octets: &[u8]) -> Option<Result<usize, ()>> {
    let word: [u8; 4] = octets.get(..4)?.try_into().ok()?;
    let length = usize::try_from(u32::from_be_bytes(word)).unwrap_or(usize::MAX);
    Some(if (16..=SMPP_PDU_OCTETS).contains(&length) {
        Ok(length)
    } else {
        Err(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pdu(length: u8) -> Vec<u8> {
        let mut octets = vec![7; usize::from(length)];
        octets[..4].copy_from_slice(&[0, 0, 0, length]);
        octets
    }

    #[test]
    fn pdus_are_whole_wherever_the_stream_is_cut() {
        let stream = [pdu(16), pdu(40), pdu(17)].concat();
        for cut in 1..stream.len() {
            let mut pdus = Pdus::default();
            let mut parts = pdus.split(&Bytes::copy_from_slice(&stream[..cut]));
            parts.extend(pdus.split(&Bytes::copy_from_slice(&stream[cut..])));
            let lengths: Vec<usize> = parts.iter().map(Bytes::len).collect();
            assert_eq!(lengths, [16, 40, 17], "cut at {cut}");
        }
    }

    #[test]
    fn looking_may_begin_and_end_in_the_middle_of_a_pdu() {
        let stream = [pdu(16), pdu(40), pdu(17)].concat();
        for cut in 1..stream.len() {
            let mut pdus = Pdus::default();
            let mut first = Bytes::copy_from_slice(&stream[..cut]);
            pdus.follow(&mut first);
            let rest = Bytes::copy_from_slice(&stream[cut..]);
            let mut all = first.to_vec();
            all.extend(pdus.split(&rest).concat());
            assert_eq!(all, stream, "cut at {cut}");

            let mut pdus = Pdus::default();
            let mut all = pdus.split(&Bytes::copy_from_slice(&stream[..cut])).concat();
            let mut rest = rest;
            pdus.follow(&mut rest);
            all.extend_from_slice(&rest);
            assert_eq!(all, stream, "cut at {cut}");
        }
    }
}
