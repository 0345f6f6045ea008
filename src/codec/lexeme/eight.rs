//! Eight octets as one word, the first one lowest: what is asked of each is answered in its top bit.
//!
//! **Source:** arithmetic on octets side by side; nothing of a wire format.

/// A one in each octet.
pub(crate) const ONES: u64 = u64::from_le_bytes([1; 8]);
/// The top bit of each octet.
pub(crate) const TOPS: u64 = ONES << 7;

/// Has the top bit of each octet, all of them of seven bits, that is at least `least`.
#[inline]
pub(crate) const fn from(word: u64, least: u8) -> u64 {
    word.wrapping_add(ONES.wrapping_mul(0x80_u64.wrapping_sub(least as u64)))
}

/// Has the top bit of each octet that is neither letter nor digit nor hyphen nor dot.
#[inline]
pub(crate) const fn not_plain(word: u64) -> u64 {
    let seven = word & !TOPS;
    let small = seven | (ONES << 5);
    let digit = from(seven, b'0') & !from(seven, b':');
    let letter = from(small, b'a') & !from(small, b'{');
    let mark = from(seven, b'-') & !from(seven, b'/');
    (!(digit | letter | mark) | word) & TOPS
}

/// Whether all octets, eight at the least, are letters, digits, hyphens and dots.
#[inline]
pub(crate) fn are_plain(octets: &[u8]) -> bool {
    let Some(last) = octets.last_chunk() else {
        return false;
    };
    // The last word may overlap the one before it.
    let odd = octets
        .as_chunks()
        .0
        .iter()
        .fold(not_plain(u64::from_le_bytes(*last)), |odd, eight| {
            odd | not_plain(u64::from_le_bytes(*eight))
        });
    odd == 0
}

/// How many octets precede the first 00.
#[inline]
pub(crate) fn zero(octets: &[u8]) -> Option<usize> {
    let mut rest = octets;
    // A search that begins at once finds the end of a short text sooner; a long one is not for it.
    for _ in 0..8 {
        let Some((eight, after)) = rest.split_first_chunk() else {
            break;
        };
        let word = u64::from_le_bytes(*eight);
        // The lowest top bit is that of the first 00; those above it may be of other octets.
        let zeros = word.wrapping_sub(ONES) & !word & TOPS;
        if zeros != 0 {
            return Some(behind(octets, rest, (zeros.trailing_zeros() >> 3) as usize));
        }
        rest = after;
    }
    let at = memchr::memchr(0, rest)?;
    Some(behind(octets, rest, at))
}

/// Octets before the one `at` octets into the suffix `rest`.
#[inline]
const fn behind(octets: &[u8], rest: &[u8], at: usize) -> usize {
    octets.len().wrapping_sub(rest.len()).wrapping_add(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_tells_plain_octets_from_all_others_at_each_place() {
        for at in 0..8 {
            for octet in 0..=255_u8 {
                for other in [b'a', 0x80, 0xFF, 0] {
                    let mut text = [other; 8];
                    text[at] = octet;
                    let is_odd = not_plain(u64::from_le_bytes(text)).to_le_bytes()[at] != 0;
                    let is_plain = octet.is_ascii_alphanumeric() || b"-.".contains(&octet);
                    assert_eq!(is_odd, !is_plain, "{octet} at {at} beside {other}");
                }
            }
        }
    }

    #[test]
    fn one_odd_octet_is_found_at_every_place() {
        for len in 0..20 {
            let text = vec![b'Z'; len];
            assert_eq!(are_plain(&text), len >= 8);
            for at in 0..len {
                let mut text = text.clone();
                text[at] = b'_';
                assert!(!are_plain(&text), "{at} of {len}");
            }
        }
    }

    #[test]
    fn the_first_zero_is_found_whatever_stands_around_it() {
        for len in 0..90 {
            for other in [1, 0x7F, 0x80, 0xFF] {
                let text = vec![other; len];
                assert_eq!(zero(&text), None);
                for at in 0..len {
                    let mut text = text.clone();
                    text[at] = 0;
                    assert_eq!(zero(&text), Some(at), "{at} of {len}");
                    text[len - 1] = 0;
                    assert_eq!(zero(&text), Some(at), "{at} of {len}");
                }
            }
        }
    }
}
