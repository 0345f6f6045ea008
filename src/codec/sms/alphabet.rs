//! The GSM 7-bit default alphabet, its packing into octets, and the alphabets that a data coding scheme names.
//!
//! **Source:** 3GPP TS 23.038 sections 4, 6.1.2.1 and 6.2.1. Not here: national language tables, compression.

use core::char::{REPLACEMENT_CHARACTER, decode_utf16};

/// The escape to the extension table.
const ESCAPE: u8 = 0x1B;

/// The default alphabet; the escape stands as a space, as receivers show it.
const DEFAULT: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', //
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', ' ', 'Æ', 'æ', 'ß', 'É', //
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', //
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', //
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', //
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', //
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', //
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
];

/// The extension table.
const EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{C}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

/// What the octets of a short message are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// GSM 7-bit, packed in a TPDU.
    Gsm7,
    /// Octets.
    Octets,
    /// UTF-16, big-endian.
    Ucs2,
}

impl Alphabet {
    /// The alphabet of a data coding scheme; compressed text is octets to us, reserved codings are the default alphabet.
    #[must_use]
    pub const fn of(data_coding: u8) -> Self {
        match data_coding {
            0x00..=0x7F if data_coding & 0x20 != 0 => Self::Octets,
            0x00..=0x7F => match data_coding & 0x0C {
                0x04 => Self::Octets,
                0x08 => Self::Ucs2,
                _ => Self::Gsm7,
            },
            0xE0..=0xEF => Self::Ucs2,
            0xF0..=0xFF if data_coding & 0x04 != 0 => Self::Octets,
            _ => Self::Gsm7,
        }
    }

    /// Octets that so many units of a user data length take.
    #[must_use]
    pub const fn octets(self, units: u8) -> usize {
        match self {
            // At most 255 units: nothing here can overflow.
            Self::Gsm7 => (units as usize).saturating_mul(7).div_ceil(8),
            Self::Octets | Self::Ucs2 => units as usize,
        }
    }

    /// Units of the longest user data.
    #[must_use]
    pub const fn units_max(self) -> u8 {
        match self {
            Self::Gsm7 => 160,
            Self::Octets | Self::Ucs2 => 140,
        }
    }

    /// The name in fields.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gsm7 => "gsm7",
            Self::Octets => "octets",
            Self::Ucs2 => "ucs2",
        }
    }
}

/// Bits between a header of so many octets and the first septet after it.
#[must_use]
pub const fn fill_bits(header_octets: usize) -> usize {
    let over = header_octets.wrapping_mul(8) % 7;
    if over == 0 {
        0
    } else {
        7_usize.wrapping_sub(over)
    }
}

/// The septets packed in `octets` after so many bits, as many as there are, at most `septets`.
pub fn unpack(octets: &[u8], skipped_bits: usize, septets: usize) -> impl Iterator<Item = u8> {
    (0..septets).map_while(move |number| {
        let bit = number.checked_mul(7)?.checked_add(skipped_bits)?;
        let low = *octets.get(bit / 8)?;
        let shift = bit % 8;
        let high = octets.get((bit / 8).checked_add(1)?).copied();
        if shift > 1 && high.is_none() {
            return None;
        }
        let pair = u16::from_le_bytes([low, high.unwrap_or(0)]);
        u8::try_from((pair >> shift) & 0x7F).ok()
    })
}

/// Septets packed into octets after so many zero bits, at most seven.
#[must_use]
pub fn pack(septets: impl IntoIterator<Item = u8>, skipped_bits: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut held, mut bits) = (0_u16, skipped_bits % 8);
    for septet in septets {
        held |= u16::from(septet & 0x7F) << bits;
        bits = bits.saturating_add(7);
        if bits >= 8 {
            let [low, high] = held.to_le_bytes();
            out.push(low);
            held = u16::from(high);
            bits = bits.saturating_sub(8);
        }
    }
    if bits > 0 {
        out.push(held.to_le_bytes()[0]);
    }
    out
}

/// The text of septets; what the extension table has not is taken from the default one.
#[must_use]
pub fn text(septets: impl IntoIterator<Item = u8>) -> String {
    let mut out = String::new();
    let mut escaped = false;
    for septet in septets {
        if septet == ESCAPE && !escaped {
            escaped = true;
            continue;
        }
        let extended = EXTENSION
            .iter()
            .find(|(code, _)| escaped && *code == septet)
            .map(|(_, character)| *character);
        let plain = || DEFAULT.get(usize::from(septet & 0x7F)).copied();
        out.push(extended.or_else(plain).unwrap_or(' '));
        escaped = false;
    }
    if escaped {
        out.push(' ');
    }
    out
}

/// The septets of a text.
///
/// # Errors
/// The first character that is in neither table.
pub fn septets(text: &str) -> Result<Vec<u8>, char> {
    let mut out = Vec::with_capacity(text.len());
    for character in text.chars() {
        let plain = DEFAULT
            .iter()
            .enumerate()
            .find(|(at, known)| **known == character && *at != usize::from(ESCAPE));
        let extended = EXTENSION.iter().find(|(_, known)| *known == character);
        match (plain, extended) {
            (Some((at, _)), _) => out.push(u8::try_from(at).unwrap_or(0)),
            (None, Some((code, _))) => out.extend([ESCAPE, *code]),
            (None, None) => return Err(character),
        }
    }
    Ok(out)
}

/// The text of UTF-16 octets; `None` for an odd number of them.
#[must_use]
pub fn ucs2_text(octets: &[u8]) -> Option<String> {
    let (pairs, odd) = octets.as_chunks::<2>();
    let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
    odd.is_empty().then(|| {
        decode_utf16(units)
            .map(|unit| unit.unwrap_or(REPLACEMENT_CHARACTER))
            .collect()
    })
}

/// The UTF-16 octets of a text.
#[must_use]
pub fn ucs2_octets(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_classic_hello_packs_into_nine_octets() {
        let packed = pack(septets("hellohello").unwrap(), 0);
        assert_eq!(
            packed,
            [0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9, 0xEC, 0x37]
        );
        assert_eq!(text(unpack(&packed, 0, 10)), "hellohello");
    }

    #[test]
    fn the_extension_table_takes_two_septets_a_character() {
        let codes = septets("{€}").unwrap();
        assert_eq!(codes, [0x1B, 0x28, 0x1B, 0x65, 0x1B, 0x29]);
        assert_eq!(text(codes), "{€}");
        assert_eq!(septets("ł"), Err('ł'));
    }

    #[test]
    fn an_escape_before_nothing_known_leaves_the_default_character() {
        assert_eq!(text([0x1B, 0x41, 0x1B]), "A ");
    }

    #[test]
    fn text_after_a_header_begins_at_a_septet_boundary() {
        assert_eq!([0, 1, 6, 7, 12, 13].map(fill_bits), [0, 6, 1, 0, 2, 1]);
        let packed = pack(septets("hi").unwrap(), fill_bits(6));
        assert_eq!(text(unpack(&packed, fill_bits(6), 2)), "hi");
    }

    #[test]
    fn a_data_coding_scheme_names_its_alphabet() {
        for (coding, alphabet) in [
            (0x00, Alphabet::Gsm7),
            (0x04, Alphabet::Octets),
            (0x08, Alphabet::Ucs2),
            (0x20, Alphabet::Octets),
            (0x48, Alphabet::Ucs2),
            (0xC8, Alphabet::Gsm7),
            (0xE0, Alphabet::Ucs2),
            (0xF0, Alphabet::Gsm7),
            (0xF5, Alphabet::Octets),
        ] {
            assert_eq!(Alphabet::of(coding), alphabet, "{coding:02x}");
        }
    }

    proptest! {
        #[test]
        fn septets_unpack_as_packed(codes in proptest::collection::vec(0_u8..128, 0..200), skipped in 0_usize..7) {
            let packed = pack(codes.iter().copied(), skipped);
            prop_assert_eq!(packed.len(), codes.len().saturating_mul(7).saturating_add(skipped).div_ceil(8));
            let read: Vec<u8> = unpack(&packed, skipped, codes.len()).collect();
            prop_assert_eq!(read, codes);
        }

        #[test]
        fn text_reads_back_as_written(line in "[ -~€äßΩ\n]{0,80}") {
            match septets(&line) {
                Ok(codes) => prop_assert_eq!(text(codes), line),
                Err(odd) => prop_assert_eq!(odd, '`'),
            }
        }

        #[test]
        fn ucs2_reads_back_as_written(line in ".{0,40}") {
            let read = ucs2_text(&ucs2_octets(&line));
            prop_assert_eq!(read.as_deref(), Some(line.as_str()));
        }
    }
}
