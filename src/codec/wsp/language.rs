//! Languages by their assigned number.
//!
//! **Source:** WAP-230 table 41 (ISO 639 codes), 50 to 8C compared with the dissector of Wireshark; `*` is Any-language
//! of 8.4.2.10.

/// The code of a language.
#[must_use]
pub fn language_name(number: u8) -> Option<&'static str> {
    LANGUAGES
        .get(usize::from(number))
        .copied()
        .filter(|name| !name.is_empty())
}

/// The number of a language.
#[must_use]
pub fn language_number(name: &str) -> Option<u8> {
    let at = LANGUAGES
        .iter()
        .position(|own| !own.is_empty() && own.eq_ignore_ascii_case(name))?;
    u8::try_from(at).ok()
}

/// A code stands at its number; 80 is not assigned.
const LANGUAGES: [&str; 141] = [
    "*", "aa", "ab", "af", "am", "ar", "as", "ay", "az", "ba", "be", "bg", "bh", "bi", "bn", "bo",
    "br", "ca", "co", "cs", "cy", "da", "de", "dz", "el", "en", "eo", "es", "et", "eu", "fa", "fi",
    "fj", "ur", "fr", "uz", "ga", "gd", "gl", "gn", "gu", "ha", "he", "hi", "hr", "hu", "hy", "vi",
    "id", "wo", "xh", "is", "it", "yo", "ja", "jw", "ka", "kk", "za", "km", "kn", "ko", "ks", "ku",
    "ky", "zh", "ln", "lo", "lt", "lv", "mg", "mi", "mk", "ml", "mn", "mo", "mr", "ms", "mt", "my",
    "uk", "ne", "nl", "no", "oc", "om", "or", "pa", "pl", "ps", "pt", "qu", "zu", "rn", "ro", "ru",
    "rw", "sa", "sd", "sg", "sh", "si", "sk", "sl", "sm", "sn", "so", "sq", "sr", "ss", "st", "su",
    "sv", "sw", "ta", "te", "tg", "th", "ti", "tk", "tl", "tn", "to", "tr", "ts", "tt", "tw", "ug",
    "", "na", "fo", "fy", "ia", "vo", "ie", "ik", "yi", "iu", "kl", "la", "rm",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_found_both_ways() {
        assert_eq!(language_name(0x19), Some("en"));
        assert_eq!(language_number("DE"), Some(0x16));
        assert_eq!(language_name(0x7F), Some("ug"));
        assert_eq!(language_name(0x80), None);
        assert_eq!(language_name(0x8C), Some("rm"));
        assert_eq!(language_number(""), None);
        assert_eq!(language_name(0x8D), None);
    }
}
