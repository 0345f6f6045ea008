//! A UUID as 36 characters, eight hexadecimal digits at a time.
//!
//! **Source:** RFC 9562 section 4 (8-4-4-4-12 digits in any case).

use uuid::Uuid;

/// The UUID; `None` when the text is another.
#[inline]
pub(crate) fn read(text: &[u8]) -> Option<Uuid> {
    let (first, rest) = text.split_first_chunk::<8>()?;
    let (second, rest) = rest.strip_prefix(b"-")?.split_first_chunk::<4>()?;
    let (third, rest) = rest.strip_prefix(b"-")?.split_first_chunk::<4>()?;
    let (fourth, rest) = rest.strip_prefix(b"-")?.split_first_chunk::<4>()?;
    let (fifth, last) = rest.strip_prefix(b"-")?.split_first_chunk::<4>()?;
    let pair = |low: &[u8; 4], high: &[u8; 4]| {
        u64::from(u32::from_le_bytes(*low)) | u64::from(u32::from_le_bytes(*high)) << 32
    };
    let words = [
        u64::from_le_bytes(*first),
        pair(second, third),
        pair(fourth, fifth),
        u64::from_le_bytes(last.try_into().ok()?),
    ];
    if words.map(others).iter().fold(0, |all, one| all | one) != 0 {
        return None;
    }
    let [a, b, c, d] = words.map(octets);
    let [a, b, c, d] = [a, b, c, d].map(u32::to_le_bytes);
    let mut octets = [0; 16];
    for (to, from) in octets.as_chunks_mut().0.iter_mut().zip([a, b, c, d]) {
        *to = from;
    }
    Some(Uuid::from_bytes(octets))
}

const ONES: u64 = u64::from_le_bytes([1; 8]);
const TOPS: u64 = ONES << 7;

/// Has the top bit of each octet that is no hexadecimal digit.
#[inline]
const fn others(word: u64) -> u64 {
    let seven = word & !TOPS;
    let small = seven | (ONES << 5);
    let digit = from(seven, b'0') & !from(seven, b':');
    let letter = from(small, b'a') & !from(small, b'g');
    (!(digit | letter) | word) & TOPS
}

/// Has the top bit of each octet, all of them of seven bits, that is at least `least`.
#[inline]
const fn from(word: u64, least: u8) -> u64 {
    word.wrapping_add(ONES.wrapping_mul(0x80_u64.wrapping_sub(least as u64)))
}

/// The four octets of eight digits, the first one lowest.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the upper half is empty")]
const fn octets(digits: u64) -> u32 {
    // Letters have bit 6, and their low four bits are nine short.
    let letters = digits >> 6 & ONES;
    let nibbles = (digits & ONES.wrapping_mul(0x0F)).wrapping_add(letters.wrapping_mul(9));
    let pairs = (nibbles << 4 | nibbles >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs | pairs >> 8) & 0x0000_FFFF_0000_FFFF;
    (fours | fours >> 16) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_read_as_the_crate_reads_it_whatever_stands_at_each_place() {
        for at in 0..36 {
            for octet in 0..=255 {
                let mut text = *b"f81d4fae-7DEC-11d0-a765-00A0c91e6bF6";
                text[at] = octet;
                assert_eq!(
                    read(&text),
                    Uuid::try_parse_ascii(&text).ok(),
                    "{octet} at {at}"
                );
            }
        }
        assert_eq!(read(b"f81d4fae7dec11d0a76500a0c91e6bf6"), None);
        assert_eq!(read(b"f81d4fae-7dec-11d0-a765-00a0c91e6bf60"), None);
    }
}
