//! Words of headers in other character sets: `=?utf-8?Q?Gr=C3=BC=C3=9Fe?=`.
//!
//! **Source:** RFC 2047 sections 2, 4 and 6. UTF-8, US-ASCII and ISO 8859-1; what is in another set stays as it is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A text with its encoded words decoded; blanks between two of them are dropped (section 6.2).
#[must_use]
pub fn decode(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    let mut after_word = false;
    while let Some(at) = rest.find("=?") {
        let (before, tail) = rest.split_at(at);
        let Some((word, behind)) = word(tail) else {
            let (mark, behind) = tail.split_at_checked(2).unwrap_or((tail, ""));
            shown.push_str(before);
            shown.push_str(mark);
            (rest, after_word) = (behind, false);
            continue;
        };
        if !(after_word && before.chars().all(char::is_whitespace)) {
            shown.push_str(before);
        }
        shown.push_str(&word);
        (rest, after_word) = (behind, true);
    }
    shown.push_str(rest);
    shown
}

/// The word at the start of a text, decoded, and what is behind it.
fn word(text: &str) -> Option<(String, &str)> {
    let mut parts = text.strip_prefix("=?")?.splitn(3, '?');
    let (charset, encoding, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let (coded, behind) = rest.split_once("?=")?;
    let octets = match encoding {
        "B" | "b" => STANDARD.decode(coded).ok()?,
        "Q" | "q" => quoted(coded)?,
        _ => return None,
    };
    // A language may stand behind the character set (RFC 2231 section 5).
    let charset = charset.split('*').next().unwrap_or_default();
    let text = match charset.to_ascii_lowercase().as_str() {
        "utf-8" | "us-ascii" | "utf8" => String::from_utf8_lossy(&octets).into_owned(),
        "iso-8859-1" | "latin1" => octets.iter().map(|octet| char::from(*octet)).collect(),
        _ => return None,
    };
    Some((text, behind))
}

fn quoted(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    let mut letters = text.bytes();
    while let Some(letter) = letters.next() {
        octets.push(match letter {
            b'_' => b' ',
            b'=' => {
                let pair = [letters.next()?, letters.next()?];
                u8::from_str_radix(core::str::from_utf8(&pair).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_decoded_and_blanks_between_them_dropped() {
        assert_eq!(decode("plain =? text"), "plain =? text");
        assert_eq!(decode("=?ISO-8859-1?Q?a_b=E9?= c"), "a bé c");
        assert_eq!(decode("x =?utf-8?B?w7w=?= =?utf-8?q?=C3=BC?= y"), "x üü y");
        assert_eq!(decode("=?koi8-r?Q?a?="), "=?koi8-r?Q?a?=");
        assert_eq!(decode("=?utf-8?Q?a=G1?="), "=?utf-8?Q?a=G1?=");
        assert_eq!(decode("=?utf-8?Q?open"), "=?utf-8?Q?open");
    }
}
