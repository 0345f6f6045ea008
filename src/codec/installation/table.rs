//! Which terminals take which formats: data, to which a configuration adds rows.

use std::collections::BTreeMap;

/// Rows that a configuration may add, and octets of each word in them.
const ROWS: usize = 256;
const WORD_OCTETS: usize = 16;

/// The rows that every gateway has (R3.37 to R3.40), and one for today's desktops.
const ROWS_KNOWN: &[(&str, &[&str])] = &[
    ("ios", &["ipa", "pxl", "deb"]),
    ("android", &["apk"]),
    ("s60", &["sis", "sisx"]),
    ("windows", &["xap"]),
    ("windows10", &["msix"]),
];

/// The media types of the formats, for descriptors.
const MEDIA_TYPES: &[(&str, &str)] = &[
    ("apk", "application/vnd.android.package-archive"),
    ("deb", "application/vnd.debian.binary-package"),
    ("flatpak", "application/vnd.flatpak"),
    ("msix", "application/msix"),
    ("sis", "application/vnd.symbian.install"),
    ("sisx", "x-epoc/x-sisx-app"),
    ("xap", "application/x-silverlight-app"),
];

/// Which platforms take which formats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatTable {
    by_platform: BTreeMap<String, Vec<String>>,
}

impl Default for FormatTable {
    fn default() -> Self {
        let row = |(platform, formats): &(&str, &[&str])| {
            let formats = formats.iter().map(|it| (*it).to_owned()).collect();
            ((*platform).to_owned(), formats)
        };
        Self {
            by_platform: ROWS_KNOWN.iter().map(row).collect(),
        }
    }
}

impl FormatTable {
    /// Adds a row (R3.41); false for words that are none, and when there are too many.
    pub fn add(&mut self, platform: &str, format: &str) -> bool {
        let rows: usize = self.by_platform.values().map(Vec::len).sum();
        if rows >= ROWS || !is_word(platform) || !is_word(format) {
            return false;
        }
        let formats = self.by_platform.entry(platform.to_owned()).or_default();
        if !formats.iter().any(|known| known == format) {
            formats.push(format.to_owned());
        }
        true
    }

    /// The formats that a platform takes, the best first.
    #[must_use]
    pub fn formats(&self, platform: &str) -> &[String] {
        self.by_platform.get(platform).map_or(&[], Vec::as_slice)
    }

    /// The platforms that take a format (R3.36).
    pub fn platforms(&self, format: &str) -> impl Iterator<Item = &str> {
        let takes = move |formats: &Vec<String>| formats.iter().any(|it| it == format);
        let rows = self.by_platform.iter();
        rows.filter(move |(_, formats)| takes(formats))
            .map(|(platform, _)| platform.as_str())
    }

    /// True when some platform takes it.
    #[must_use]
    pub fn knows(&self, format: &str) -> bool {
        self.platforms(format).next().is_some()
    }

    /// True when a platform takes one of the formats.
    #[must_use]
    pub fn takes(&self, platform: &str, formats: &[String]) -> bool {
        let own = self.formats(platform);
        formats.iter().any(|format| own.contains(format))
    }
}

/// The media type of a format; one that has none of its own is a row of octets.
#[must_use]
pub fn media_type(format: &str) -> &'static str {
    let known = MEDIA_TYPES.iter().find(|(name, _)| *name == format);
    known.map_or("application/octet-stream", |(_, kind)| kind)
}

/// A format or a platform: lower-case letters, digits and few signs.
pub(super) fn is_word(text: &str) -> bool {
    let is_plain = |octet: u8| {
        octet.is_ascii_lowercase() || octet.is_ascii_digit() || matches!(octet, b'.' | b'-' | b'_')
    };
    (1..=WORD_OCTETS).contains(&text.len()) && text.bytes().all(is_plain)
}
