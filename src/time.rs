//! The one clock value of the pure core.
//!
//! Not here: reading a clock (`driver::clock`).

use core::fmt;
use core::ops::{Add, Sub};
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// Microseconds since the Unix epoch; a node never sees it go back.
///
/// Microseconds, so that one type serves 500 ms retransmissions, calendar deadlines and a readable ladder.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Time(u64);

impl Time {
    /// The Unix epoch.
    pub const EPOCH: Self = Self(0);
    /// Later than every instant a node is ever told.
    pub const FAR: Self = Self(u64::MAX);

    /// The instant `micros` microseconds after the epoch.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// The instant `seconds` seconds after the epoch.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch.
    #[must_use]
    pub const fn secs(self) -> u64 {
        self.0 / 1_000_000
    }

    /// Time that passed since `earlier`; zero when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(rhs.as_micros()).unwrap_or(u64::MAX)),
        )
    }
}

impl Sub<Duration> for Time {
    type Output = Self;

    fn sub(self, rhs: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(u64::try_from(rhs.as_micros()).unwrap_or(u64::MAX)),
        )
    }
}

/// `2026-01-01T10:00:00Z`, the timestamp of PAP (WAP-247 section 9).
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.secs() / 86_400);
        let rest = self.secs() % 86_400;
        let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
        if year > 9_999 {
            return write!(
                f,
                "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
            );
        }
        // Every answer in PAP tells a time, so its digits are put in their places without the machinery of numbers.
        let mut text = *b"0000-00-00T00:00:00Z";
        for (at, two) in [
            (0, year / 100),
            (2, year % 100),
            (5, month),
            (8, day),
            (11, hour),
            (14, minute),
            (17, second),
        ] {
            put_two(&mut text, at, two);
        }
        f.write_str(core::str::from_utf8(&text).unwrap_or_default())
    }
}

/// Puts a number below a hundred as two digits.
fn put_two(text: &mut [u8], at: usize, number: u64) {
    if let Some([tens, ones]) = text.get_mut(at..at.saturating_add(2)) {
        *tens = b'0'.saturating_add(u8::try_from(number / 10 % 10).unwrap_or_default());
        *ones = b'0'.saturating_add(u8::try_from(number % 10).unwrap_or_default());
    }
}

/// An instant as the `Date` header of SIP and HTTP writes it: `Thu, 01 Jan 2026 10:00:00 GMT` (RFC 1123).
#[derive(Clone, Copy, Debug)]
pub struct HttpDate(pub Time);

impl fmt::Display for HttpDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        const MONTHS: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        let days = self.0.secs() / 86_400;
        let (year, month, day) = civil(days);
        let rest = self.0.secs() % 86_400;
        let weekday = DAYS
            .get(usize::try_from(days % 7).unwrap_or(0))
            .unwrap_or(&"Thu");
        let name = MONTHS
            .get(usize::try_from(month.saturating_sub(1)).unwrap_or(0))
            .unwrap_or(&"Jan");
        write!(
            f,
            "{weekday}, {day:02} {name} {year:04} {:02}:{:02}:{:02} GMT",
            rest / 3600,
            rest / 60 % 60,
            rest % 60
        )
    }
}

/// Reads the PAP timestamp `YYYY-MM-DDThh:mm:ssZ`; nothing else is one (WAP-247 section 9).
impl core::str::FromStr for Time {
    type Err = NotATimestamp;

    fn from_str(text: &str) -> Result<Self, NotATimestamp> {
        let Calendar {
            year,
            month,
            day,
            hour,
            minute,
            second,
        } = text.parse()?;
        let (year, month, day) = (u64::from(year), u64::from(month), u64::from(day));
        let days = days_before(year, month, day).ok_or(NotATimestamp)?;
        let of_day = u64::from(hour) * 3600 + u64::from(minute) * 60 + u64::from(second);
        Ok(Self::from_secs(days * 86_400 + of_day))
    }
}

/// A second of the calendar, UTC, from the year 0 to 9999. Later ones compare greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Calendar {
    /// 0 to 9999.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to the last one of the month.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 60, which is a leap second.
    pub second: u8,
}

/// Reads `YYYY-MM-DDThh:mm:ssZ` of a day that exists.
impl core::str::FromStr for Calendar {
    type Err = NotATimestamp;

    fn from_str(text: &str) -> Result<Self, NotATimestamp> {
        let octets: &[u8; 20] = text.as_bytes().try_into().map_err(|_| NotATimestamp)?;
        let [
            y0,
            y1,
            y2,
            y3,
            b'-',
            m0,
            m1,
            b'-',
            d0,
            d1,
            b'T',
            h0,
            h1,
            b':',
            n0,
            n1,
            b':',
            s0,
            s1,
            b'Z',
        ] = *octets
        else {
            return Err(NotATimestamp);
        };
        let pair = |high: u8, low: u8| match (high, low) {
            (b'0'..=b'9', b'0'..=b'9') => Ok((high - b'0') * 10 + (low - b'0')),
            _ => Err(NotATimestamp),
        };
        let read = Self {
            year: u16::from(pair(y0, y1)?) * 100 + u16::from(pair(y2, y3)?),
            month: pair(m0, m1)?,
            day: pair(d0, d1)?,
            hour: pair(h0, h1)?,
            minute: pair(n0, n1)?,
            second: pair(s0, s1)?,
        };
        let exists = (1..=days_of(read.year, read.month)).contains(&read.day);
        if exists && read.hour <= 23 && read.minute <= 59 && read.second <= 60 {
            Ok(read)
        } else {
            Err(NotATimestamp)
        }
    }
}

/// The days of a month; none for one that does not exist.
#[must_use]
pub const fn days_of(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

/// The text is no `YYYY-MM-DDThh:mm:ssZ` of a day that exists, from 1970 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a timestamp is written YYYY-MM-DDThh:mm:ssZ")]
pub struct NotATimestamp;

/// Year, month and day of the day that lies `days` after 1 January 1970.
const fn civil(days: u64) -> (u64, u64, u64) {
    // Years begin in March here, so that the leap day is the last of its year.
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// Days from 1 January 1970 to the given day, which exists; `None` before 1970.
fn days_before(year: u64, month: u64, day: u64) -> Option<u64> {
    let shifted_year = if month <= 2 {
        year.checked_sub(1)?
    } else {
        year
    };
    let march_month = if month > 2 { month - 3 } else { month + 9 };
    let era = shifted_year / 400;
    let year_of_era = shifted_year % 400;
    let of_year = (153 * march_month + 2) / 5 + day - 1;
    (era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year)
        .checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pap_timestamp_reads_back_as_written() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2000-02-29T23:59:59Z",
            "2026-11-21T12:00:00Z",
            "2100-03-01T00:00:01Z",
        ] {
            assert_eq!(text.parse::<Time>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_day_that_does_not_exist_is_no_timestamp() {
        for text in [
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01 00:00:00Z",
        ] {
            assert_eq!(text.parse::<Time>(), Err(NotATimestamp), "{text}");
        }
    }

    #[test]
    fn february_has_its_leap_day_and_no_other() {
        let text = |year, day| {
            format!("{year:04}-02-{day}T00:00:00Z")
                .parse::<Time>()
                .is_ok()
        };
        for (year, last) in [(1999, 28), (2000, 29), (2023, 28), (2024, 29), (2100, 28)] {
            assert_eq!(days_of(year, 2), last);
            assert!(text(year, last) && !text(year, last + 1), "{year}");
        }
        assert_eq!([days_of(2024, 0), days_of(2024, 13)], [0, 0]);
        assert_eq!("1969-12-31T23:59:59Z".parse::<Time>(), Err(NotATimestamp));
        assert!("1969-12-31T23:59:60Z".parse::<Calendar>().is_ok());
    }

    #[test]
    fn the_sip_date_has_the_right_weekday() {
        let time: Time = "2026-01-01T10:00:00Z".parse().unwrap();
        assert_eq!(HttpDate(time).to_string(), "Thu, 01 Jan 2026 10:00:00 GMT");
    }
}
