//! Octets that are wrong on purpose.

use bytes::Bytes;

use super::rule::Damage;
use super::sight::Sight;
use crate::codec::corrupt::{self, Place};
use crate::codec::guess;
use crate::random::Random;

/// The octets of a message, as rules before left them, with bits turned; as they were where the place does not exist.
#[must_use]
pub fn corrupted(damage: &Damage, sight: &Sight<'_>, octets: &[u8], random: &mut Random) -> Bytes {
    let given = octets;
    let mut octets = given.to_vec();
    match damage {
        Damage::Bits(count) => {
            for _ in 0..*count {
                let bits = u64::try_from(octets.len())
                    .unwrap_or(u64::MAX)
                    .saturating_mul(8);
                let bit = random.below(bits);
                let at = usize::try_from(bit / 8).unwrap_or(usize::MAX);
                if let Some(octet) = octets.get_mut(at) {
                    *octet ^= 1 << (bit % 8);
                }
            }
        }
        Damage::Octet(at) => {
            if let Some(octet) = octets.get_mut(*at) {
                *octet ^= 0xFF;
            }
        }
        Damage::Field(path) => {
            let mut chance =
                |bound: u32| u32::try_from(random.below(u64::from(bound))).unwrap_or_default();
            let flip = corrupt::named("flip");
            let line = sight.line.word();
            let damaged = guess::named(line)
                .into_iter()
                .find_map(|format| flip?.apply(format, given, Place::Field(path), &mut chance));
            if let Some(damaged) = damaged {
                octets = damaged.octets;
            }
        }
    }
    octets.into()
}

#[cfg(test)]
mod tests {
    use super::super::sight::Direction;
    use super::*;

    const SIR: &[u8] = &[
        0x01, 0x06, 0x03, 0xb4, 0xaf, 0x81, 0x01, 0x02, 0xb2, 0x82, 0x00, 0x00, 0x00, 0x00,
    ];

    fn damaged(damage: &Damage) -> Bytes {
        let peer = "192.0.2.11:2948".parse().unwrap();
        let sight = Sight::datagram(Direction::Out, peer, SIR);
        corrupted(damage, &sight, SIR, &mut Random::from_number(3))
    }

    #[test]
    fn bits_octets_and_fields_turn_and_nothing_else() {
        let differ = |octets: &Bytes| {
            let pairs = octets.iter().zip(SIR);
            pairs.map(|(a, b)| (a ^ b).count_ones()).sum::<u32>()
        };
        assert_eq!(differ(&damaged(&Damage::Bits(1))), 1);
        let octet = damaged(&Damage::Octet(2));
        assert_eq!((octet[2], differ(&octet)), (0xFC, 8));
        assert_eq!(damaged(&Damage::Octet(99)).as_ref(), SIR);
        assert_eq!(damaged(&Damage::Field("no.such".into())).as_ref(), SIR);
    }
}
