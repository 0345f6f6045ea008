//! Instants in WBXML: the decimal digits of `YYYYMMDDhhmmss`, two an octet, without the zero octets at the end.
//!
//! **Source:** WAP-167 section 8.2.2 (date encoding). The same form serves EMN.

use core::fmt;
use core::str::FromStr;

use crate::time::{Calendar, NotATimestamp, Time, days_of};

/// An instant to the second, UTC. Later ones compare greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp([u8; 7]);

impl Stamp {
    /// The instant of an opaque value; the fault is the number of the octet that is wrong.
    ///
    /// # Errors
    /// More than seven octets, a digit above 9, a day or an hour that does not exist.
    pub fn of_octets(octets: &[u8]) -> Result<Self, usize> {
        let mut digits = [0; 7];
        for (at, octet) in octets.iter().enumerate() {
            let slot = digits.get_mut(at).ok_or(at)?;
            if octet >> 4 > 9 || octet & 0x0F > 9 {
                return Err(at);
            }
            *slot = *octet;
        }
        let stamp = Self(digits);
        match stamp.fault() {
            None => Ok(stamp),
            // A field that was left out is zero; that is the fault of the end.
            Some(at) => Err(at.min(octets.len())),
        }
    }

    /// The octet of the first field that is outside its domain.
    fn fault(self) -> Option<usize> {
        let [century, year, month, day, hour, minute, second] = self.0.map(number);
        let year = u16::from(century)
            .saturating_mul(100)
            .saturating_add(u16::from(year));
        if !(1..=12).contains(&month) {
            return Some(2);
        }
        if day == 0 || day > days_of(year, month) {
            return Some(3);
        }
        if hour > 23 {
            return Some(4);
        }
        if minute > 59 {
            return Some(5);
        }
        (second > 59).then_some(6)
    }

    /// The octets without the zero octets at the end.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        let used = self.0.iter().rposition(|octet| *octet != 0);
        let end = used.map_or(0, |at| at.saturating_add(1));
        self.0.get(..end).unwrap_or_default()
    }

    /// The instant, from 1970 on.
    #[must_use]
    pub fn time(&self) -> Option<Time> {
        self.to_string().parse().ok()
    }
}

impl From<Time> for Stamp {
    fn from(time: Time) -> Self {
        // The text of a time is the same digits with separators; years above 9999 are the last one.
        time.to_string()
            .parse()
            .unwrap_or(Self([0x99, 0x99, 0x12, 0x31, 0x23, 0x59, 0x59]))
    }
}

/// `1999-04-30T06:40:00Z` and nothing else.
impl FromStr for Stamp {
    type Err = NotATimestamp;

    fn from_str(text: &str) -> Result<Self, NotATimestamp> {
        let read: Calendar = text.parse()?;
        if read.second > 59 {
            return Err(NotATimestamp);
        }
        let year = |number: u16| u8::try_from(number).unwrap_or_default();
        Ok(Self(
            [
                year(read.year / 100),
                year(read.year % 100),
                read.month,
                read.day,
                read.hour,
                read.minute,
                read.second,
            ]
            .map(digits),
        ))
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [century, year, month, day, hour, minute, second] = self.0;
        write!(
            f,
            "{century:02x}{year:02x}-{month:02x}-{day:02x}T{hour:02x}:{minute:02x}:{second:02x}Z"
        )
    }
}

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The number of two decimal digits.
const fn number(pair: u8) -> u8 {
    (pair >> 4).saturating_mul(10).saturating_add(pair & 0x0F)
}

/// The two decimal digits of a number below 100.
const fn digits(number: u8) -> u8 {
    (number / 10) << 4 | (number % 10)
}
