//! A UUID as 36 characters, eight hexadecimal digits at a time.
//!
//! **Source:** RFC 9562 section 4 (8-4-4-4-12 digits in any case).

use uuid::Uuid;

use super::eight::{ONES, TOPS, from};

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
    let (a, b) = (u64::from_le_bytes(*first), pair(second, third));
    let (c, d) = (
        pair(fourth, fifth),
        u64::from_le_bytes(last.try_into().ok()?),
    );
    if others(a) | others(b) | others(c) | others(d) != 0 {
        return None;
    }
    let half = |low: u64, high: u64| u64::from(octets(low)) | u64::from(octets(high)) << 32;
    let both = u128::from(half(a, b)) | u128::from(half(c, d)) << 64;
    Some(Uuid::from_bytes(both.to_le_bytes()))
}

/// Has the top bit of each octet that is no hexadecimal digit.
#[inline]
const fn others(word: u64) -> u64 {
    let seven = word & !TOPS;
    let small = seven | (ONES << 5);
    let digit = from(seven, b'0') & !from(seven, b':');
    let letter = from(small, b'a') & !from(small, b'g');
    (!(digit | letter) | word) & TOPS
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
