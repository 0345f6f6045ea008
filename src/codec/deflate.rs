//! The content coding `deflate`.
//!
//! **Source:** RFC 9110 section 8.4.1.2, RFC 1950 (zlib), RFC 1951. Some senders leave the zlib wrapping out; that is
//! read too, and never written.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::{DeflateDecoder, ZlibDecoder};
use flate2::write::ZlibEncoder;

use super::{Class, DecodeError};

/// The name of the coding.
pub const NAME: &str = "deflate";

/// The octets in this coding.
#[must_use]
pub fn deflate(octets: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    // A vector takes whatever is written to it.
    let coded = encoder.write_all(octets).and_then(|()| encoder.finish());
    coded.unwrap_or_default()
}

/// What was coded, when it has at most so many octets.
///
/// # Errors
/// Octets in no such coding, or that become more: nothing beyond the bound is kept.
pub fn inflate(coded: &[u8], most: usize) -> Result<Vec<u8>, DecodeError> {
    let fault = |class, expected| DecodeError {
        format: NAME,
        offset: 0,
        class,
        expected,
    };
    let bound = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let mut octets = Vec::new();
    if ZlibDecoder::new(coded)
        .take(bound)
        .read_to_end(&mut octets)
        .is_err()
    {
        octets.clear();
        DeflateDecoder::new(coded)
            .take(bound)
            .read_to_end(&mut octets)
            .map_err(|_| fault(Class::BadValue, "octets coded by deflate"))?;
    }
    if octets.len() > most {
        return Err(fault(Class::TooLarge, "fewer octets"));
    }
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use flate2::write::DeflateEncoder;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn octets_with_and_without_their_wrapping_are_read() {
        let text = b"hello hello hello hello hello";
        assert_eq!(inflate(&deflate(text), 100).unwrap(), text);
        assert_eq!(deflate(text)[0], 0x78, "the wrapping of zlib");
        assert!(deflate(text).len() < text.len());
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::fast());
        bare.write_all(text).unwrap();
        assert_eq!(inflate(&bare.finish().unwrap(), 100).unwrap(), text);
    }

    #[test]
    fn a_small_body_that_becomes_a_large_one_stops_at_the_bound() {
        let bomb = deflate(&vec![0; 10_000_000]);
        assert!(bomb.len() < 20_000);
        assert_eq!(inflate(&bomb, 65_536).unwrap_err().class, Class::TooLarge);
        assert_eq!(inflate(&deflate(&[7; 9]), 9).unwrap(), [7; 9]);
        assert_eq!(inflate(b"\xFF\xFF", 9).unwrap_err().class, Class::BadValue);
    }

    proptest! {
        #[test]
        fn what_is_coded_reads_back(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(inflate(&deflate(&octets), 300), Ok(octets));
        }

        #[test]
        fn any_octets_end_with_octets_or_a_fault(octets in proptest::collection::vec(any::<u8>(), 0..100)) {
            if let Ok(read) = inflate(&octets, 1_000) {
                prop_assert!(read.len() <= 1_000);
            }
        }
    }
}
