//! `Byte-Range`: which octets of a message a chunk carries.
//!
//! **Source:** RFC 4975 section 7.1.1, grammar in section 9.

use core::fmt;
use core::str::FromStr;

/// A range; the first octet of a message is number 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// The first octet of the chunk.
    pub start: u64,
    /// The last octet of the chunk; `None` for `*`, when the sender may interrupt it.
    pub end: Option<u64>,
    /// The octets of the whole message; `None` for `*`.
    pub total: Option<u64>,
}

impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-", self.start)?;
        match self.end {
            Some(end) => write!(f, "{end}/")?,
            None => f.write_str("*/")?,
        }
        match self.total {
            Some(total) => write!(f, "{total}"),
            None => f.write_str("*"),
        }
    }
}

/// The text is no range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a byte range is written START-END/TOTAL")]
pub struct NotARange;

impl FromStr for ByteRange {
    type Err = NotARange;

    fn from_str(text: &str) -> Result<Self, NotARange> {
        let (start, rest) = text.split_once('-').ok_or(NotARange)?;
        let (end, total) = rest.split_once('/').ok_or(NotARange)?;
        let start = number(start).filter(|start| *start > 0).ok_or(NotARange)?;
        let (end, total) = (bound(end)?, bound(total)?);
        // An empty chunk ends before its first octet: 1-0/0.
        let ordered = end.is_none_or(|end| end.saturating_add(1) >= start);
        let before = start.saturating_sub(1);
        let within = total.is_none_or(|total| end.unwrap_or(before) <= total && before <= total);
        if ordered && within {
            Ok(Self { start, end, total })
        } else {
            Err(NotARange)
        }
    }
}

fn bound(text: &str) -> Result<Option<u64>, NotARange> {
    match text {
        "*" => Ok(None),
        digits => number(digits).map(Some).ok_or(NotARange),
    }
}

fn number(digits: &str) -> Option<u64> {
    let all = digits.bytes().all(|b| b.is_ascii_digit());
    all.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_read_back_as_written() {
        for text in [
            "1-0/0",
            "1-40/80",
            "41-80/80",
            "1-*/*",
            "2049-*/4096",
            "5-9/*",
        ] {
            assert_eq!(text.parse::<ByteRange>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_no_message_can_have_is_no_range() {
        for text in [
            "",
            "1",
            "1-2",
            "0-1/2",
            "-1/2",
            "3-1/5",
            "1-6/5",
            "8-*/5",
            "1-+2/5",
            "*-2/5",
            "1-2/5 ",
            "1-99999999999999999999/99999999999999999999",
        ] {
            assert_eq!(text.parse::<ByteRange>(), Err(NotARange), "{text}");
        }
    }
}
