//! The time stamp of a service centre, in seven octets of swapped digits.
//!
//! **Source:** 3GPP TS 23.040 section 9.2.3.11. Years before 1990 cannot be told from those after 2089; none was sent.

use core::fmt;

/// A time stamp in local time with its distance from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp {
    /// Year, with its century.
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    /// Quarters of an hour.
    quarters: u8,
    west: bool,
}

/// The bit of the zone's first digit that makes it negative.
const WEST: u8 = 0x08;
const QUARTERS_MAX: u8 = 79;

impl Timestamp {
    /// The time of seven octets; `None` when a digit or a value is out of its domain.
    #[must_use]
    pub fn decode(octets: &[u8; 7]) -> Option<Self> {
        let [year, month, day, hour, minute, second, zone] = *octets;
        let year = u16::from(digits(year)?);
        let stamp = Self {
            year: year.saturating_add(if year >= 90 { 1900 } else { 2000 }),
            month: digits(month)?,
            day: digits(day)?,
            hour: digits(hour)?,
            minute: digits(minute)?,
            second: digits(second)?,
            quarters: digits(zone & !WEST)?,
            west: zone & WEST != 0,
        };
        stamp.is_sensible().then_some(stamp)
    }

    /// The seven octets.
    #[must_use]
    pub fn encode(&self) -> [u8; 7] {
        let year = u8::try_from(self.year % 100).unwrap_or(0);
        let zone = swapped(self.quarters) | if self.west { WEST } else { 0 };
        [
            swapped(year),
            swapped(self.month),
            swapped(self.day),
            swapped(self.hour),
            swapped(self.minute),
            swapped(self.second),
            zone,
        ]
    }

    fn is_sensible(&self) -> bool {
        (1..=12).contains(&self.month)
            && (1..=days(self.year, self.month)).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second < 60
            && self.quarters <= QUARTERS_MAX
            && (1990..2090).contains(&self.year)
    }
}

/// Two digits, the tens in the low semi-octet.
fn digits(octet: u8) -> Option<u8> {
    let (tens, ones) = (octet & 0x0F, octet >> 4);
    (tens < 10 && ones < 10).then(|| tens.saturating_mul(10).saturating_add(ones))
}

const fn swapped(number: u8) -> u8 {
    (number % 10) << 4 | (number / 10)
}

const fn days(year: u16, month: u8) -> u8 {
    match month {
        2 if year.is_multiple_of(4) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// `2021-04-01T12:34:56+00:00`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}{:02}:{:02}",
            self.year,
            self.month,
            self.day,
            self.hour,
            self.minute,
            self.second,
            if self.west { '-' } else { '+' },
            self.quarters / 4,
            (self.quarters % 4).saturating_mul(15),
        )
    }
}

/// A text that is no time stamp of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no time stamp such as 2021-04-01T12:34:56+00:00")]
pub struct NotATimestamp;

impl core::str::FromStr for Timestamp {
    type Err = NotATimestamp;

    fn from_str(text: &str) -> Result<Self, NotATimestamp> {
        let part = |from: usize, to: usize| -> Option<u16> {
            let digits = text.get(from..to)?;
            let plain = digits.bytes().all(|digit| digit.is_ascii_digit());
            plain.then(|| digits.parse().ok()).flatten()
        };
        let small =
            |from: usize| part(from, from.checked_add(2)?).and_then(|it| u8::try_from(it).ok());
        let mark = |at: usize| text.as_bytes().get(at).copied();
        let marks = [
            (4, b'-'),
            (7, b'-'),
            (10, b'T'),
            (13, b':'),
            (16, b':'),
            (22, b':'),
        ];
        let read = || -> Option<Self> {
            let zone = small(23)?;
            let quarters = small(20)?.checked_mul(4)?.checked_add(zone / 15)?;
            let stamp = Self {
                year: part(0, 4)?,
                month: small(5)?,
                day: small(8)?,
                hour: small(11)?,
                minute: small(14)?,
                second: small(17)?,
                quarters,
                west: mark(19)? == b'-',
            };
            let is_formed = text.len() == 25
                && marks.iter().all(|(at, sign)| mark(*at) == Some(*sign))
                && matches!(mark(19), Some(b'+' | b'-'))
                && zone < 60
                && zone.is_multiple_of(15);
            (is_formed && stamp.is_sensible()).then_some(stamp)
        };
        read().ok_or(NotATimestamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_read_back_as_written_in_octets_and_text() {
        for (octets, text) in [
            (
                [0x12, 0x40, 0x10, 0x21, 0x43, 0x65, 0x00],
                "2021-04-01T12:34:56+00:00",
            ),
            (
                [0x99, 0x21, 0x13, 0x32, 0x95, 0x95, 0x80],
                "1999-12-31T23:59:59+02:00",
            ),
            (
                [0x62, 0x11, 0x12, 0x51, 0x00, 0x00, 0x22 | 0x08],
                "2026-11-21T15:00:00-05:30",
            ),
            (
                [0x42, 0x20, 0x92, 0x00, 0x00, 0x00, 0x08],
                "2024-02-29T00:00:00-00:00",
            ),
        ] {
            let stamp = Timestamp::decode(&octets).unwrap();
            assert_eq!(stamp.to_string(), text);
            assert_eq!(text.parse(), Ok(stamp));
            assert_eq!(stamp.encode(), octets);
        }
    }

    #[test]
    fn digits_and_values_out_of_their_domain_are_no_stamp() {
        for octets in [
            [0x12, 0x31, 0x10, 0x21, 0x43, 0x65, 0x00],
            [0x12, 0x40, 0x10, 0x42, 0x43, 0x65, 0x00],
            [0x1A, 0x40, 0x10, 0x21, 0x43, 0x65, 0x00],
            [0x32, 0x20, 0x92, 0x00, 0x00, 0x00, 0x00],
            [0; 7],
        ] {
            assert_eq!(Timestamp::decode(&octets), None);
        }
        assert!("2021-04-01 12:34:56+00:00".parse::<Timestamp>().is_err());
        assert!("2021-04-01T12:34:56+00:10".parse::<Timestamp>().is_err());
    }
}
