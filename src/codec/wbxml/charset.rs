//! The character sets a document may be in.
//!
//! **Source:** WAP-192 section 5.6 (the number is a MIBEnum), section 5.8.4.1 (a string ends as its charset ends one).

use crate::codec::xml::is_letter;
use std::borrow::Cow;

/// Octets at the front that are printable ASCII, which is the same in every charset of one octet a character.
pub(super) fn plain(octets: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    const SPACE: u64 = ONES << 5;
    let (words, rest) = octets.as_chunks();
    let mut count = 0_usize;
    for word in words {
        let word = u64::from_le_bytes(*word);
        // The high bits of octets below 20 and above 7E. A borrow or carry may set others, but only behind one of these.
        let below = word.wrapping_sub(SPACE) & !word;
        let above = word.wrapping_add(ONES) | word;
        let odd = (below | above) & HIGH;
        if odd != 0 {
            let before = odd.trailing_zeros().wrapping_div(8);
            return count.saturating_add(usize::try_from(before).unwrap_or(0));
        }
        count = count.saturating_add(8);
    }
    let plain = |octet: &&u8| matches!(octet, 0x20..=0x7E);
    count.saturating_add(rest.iter().take_while(plain).count())
}

/// A character set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Charset {
    /// US-ASCII, 3.
    Ascii,
    /// ISO 8859-1, 4.
    Latin1,
    /// UTF-8, 106.
    #[default]
    Utf8,
    /// Two octets a unit, most significant first, by its number: 1000, 1013, 1015.
    Utf16(u32),
    /// The same, least significant first: 1014.
    Utf16Le,
    /// One that is not known here, read as US-ASCII by a lenient reader.
    Other(u32),
}

impl Charset {
    /// The character set of a number.
    #[must_use]
    pub const fn of(number: u32) -> Self {
        match number {
            3 => Self::Ascii,
            4 => Self::Latin1,
            106 => Self::Utf8,
            1000 | 1013 | 1015 => Self::Utf16(number),
            1014 => Self::Utf16Le,
            other => Self::Other(other),
        }
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Ascii => 3,
            Self::Latin1 => 4,
            Self::Utf8 => 106,
            Self::Utf16Le => 1014,
            Self::Utf16(number) | Self::Other(number) => number,
        }
    }

    /// Octets of a unit, and of the end of a string.
    pub(super) const fn width(self) -> usize {
        match self {
            Self::Utf16(_) | Self::Utf16Le => 2,
            _ => 1,
        }
    }

    /// Octets before the end of the string that begins `octets`.
    pub(super) fn end(self, octets: &[u8]) -> Option<usize> {
        if self.width() == 1 {
            return memchr::memchr(0, octets);
        }
        let units = octets.chunks_exact(2);
        let found = units.enumerate().find(|(_, unit)| *unit == [0, 0]);
        found.map(|(at, _)| at.saturating_mul(2))
    }

    /// The place of the first octet that is no text of this charset, or none that XML could hold.
    pub(super) fn fault(self, octets: &[u8]) -> Option<usize> {
        if self.width() == 1 && plain(octets) == octets.len() {
            return None;
        }
        match self {
            Self::Ascii | Self::Other(_) => {
                let odd = |octet: &u8| !octet.is_ascii() || !is_letter(char::from(*octet));
                octets.iter().position(odd)
            }
            Self::Latin1 => octets
                .iter()
                .position(|octet| !is_letter(char::from(*octet))),
            Self::Utf8 => match core::str::from_utf8(octets) {
                Err(error) => Some(error.valid_up_to()),
                Ok(text) => text
                    .char_indices()
                    .find(|(_, letter)| !is_letter(*letter))
                    .map(|(at, _)| at),
            },
            Self::Utf16(_) | Self::Utf16Le => {
                let mut at = 0_usize;
                for letter in self.units(octets) {
                    match letter {
                        Ok(letter) if is_letter(letter) => {
                            at = at.saturating_add(letter.len_utf16().saturating_mul(2));
                        }
                        _ => return Some(at),
                    }
                }
                (at != octets.len()).then_some(at)
            }
        }
    }

    /// The text, when its octets are the same in UTF-8.
    pub(super) fn borrowed(self, octets: &[u8]) -> Option<&str> {
        let text = core::str::from_utf8(octets).ok()?;
        match self {
            Self::Utf8 => Some(text),
            Self::Ascii | Self::Latin1 | Self::Other(_) => {
                Some(text).filter(|text| text.is_ascii())
            }
            Self::Utf16(_) | Self::Utf16Le => None,
        }
    }

    /// The text; what is none becomes U+FFFD.
    pub(super) fn text(self, octets: &[u8]) -> Cow<'_, str> {
        if let Some(text) = self.borrowed(octets) {
            return Cow::Borrowed(text);
        }
        match self {
            Self::Utf8 => String::from_utf8_lossy(octets),
            Self::Ascii | Self::Other(_) => octets.iter().map(|octet| ascii(*octet)).collect(),
            Self::Latin1 => octets.iter().copied().map(char::from).collect(),
            Self::Utf16(_) | Self::Utf16Le => {
                let letters = self.units(octets);
                let known = |letter: Result<char, _>| letter.unwrap_or(char::REPLACEMENT_CHARACTER);
                Cow::Owned(letters.map(known).collect())
            }
        }
    }

    fn units(
        self,
        octets: &[u8],
    ) -> impl Iterator<Item = Result<char, core::char::DecodeUtf16Error>> {
        let little = self == Self::Utf16Le;
        let units = octets.chunks_exact(2).map(move |unit| match *unit {
            [first, second] if little => u16::from_le_bytes([first, second]),
            [first, second] => u16::from_be_bytes([first, second]),
            _ => 0,
        });
        char::decode_utf16(units)
    }

    /// Whether the character can be written in it as one of its own.
    pub(super) const fn holds(self, letter: char) -> bool {
        match self {
            Self::Ascii => letter.is_ascii(),
            Self::Latin1 => (letter as u32) < 0x100,
            _ => true,
        }
    }
}

const fn ascii(octet: u8) -> char {
    if octet.is_ascii() {
        octet as char
    } else {
        char::REPLACEMENT_CHARACTER
    }
}
