//! Octets as hexadecimal digits and back, as vector files and the command line write them.

use core::fmt::Write as _;

/// Two lower-case digits an octet.
#[must_use]
pub fn digits(octets: &[u8]) -> String {
    let mut out = String::with_capacity(octets.len().saturating_mul(2));
    for octet in octets {
        // Writing to a String cannot fail.
        let _ = write!(out, "{octet:02x}");
    }
    out
}

/// The octets of digits in either case, between which white space may stand; `None` for anything else.
#[must_use]
pub fn octets(digits: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(digits.len() / 2);
    let mut high = None;
    for character in digits.chars().filter(|c| !c.is_whitespace()) {
        let digit = u8::try_from(character.to_digit(16)?).ok()?;
        match high.take() {
            None => high = Some(digit << 4),
            Some(high) => out.push(high | digit),
        }
    }
    high.is_none().then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_read_back_as_the_same_octets() {
        assert_eq!(digits(&[0x00, 0xAF, 0xC3]), "00afc3");
        assert_eq!(octets("00 aF\nc3"), Some(vec![0x00, 0xAF, 0xC3]));
        assert_eq!(octets(""), Some(Vec::new()));
    }

    #[test]
    fn an_odd_digit_and_other_characters_are_refused() {
        assert_eq!(octets("0a1"), None);
        assert_eq!(octets("0x"), None);
        assert_eq!(octets("é0"), None);
    }
}
