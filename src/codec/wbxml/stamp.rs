//! Instants in WBXML: the decimal digits of `YYYYMMDDhhmmss`, two an octet, without the zero octets at the end.
//!
//! **Source:** WAP-167 section 8.2.2 (date encoding). The same form serves EMN.

use core::fmt;
use core::str::FromStr;

use crate::time::{Calendar, NotATimestamp, Time, days_of};

/// Octets of an instant, and of the number that is made of them here, one after another.
const LENGTH: usize = 7;
const NIBBLES: u64 = 0x0F0F_0F0F_0F0F_0F0F;
const ABOVE_9: u64 = 0x7676_7676_7676_7676;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// An instant to the second, UTC. Later ones compare greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp([u8; LENGTH]);

impl Stamp {
    /// The instant of an opaque value; the fault is the number of the octet that is wrong.
    ///
    /// # Errors
    /// More than seven octets, a digit above 9, a day or an hour that does not exist.
    pub fn of_octets(octets: &[u8]) -> Result<Self, usize> {
        let mut whole = 0_u64;
        for octet in octets.iter().take(LENGTH) {
            whole = whole << 8 | u64::from(*octet);
        }
        // What was left out at the end is zero.
        let missing = LENGTH.saturating_sub(octets.len());
        whole = whole.wrapping_shl(u32::try_from(missing).unwrap_or(0).wrapping_mul(8));
        let (tens, ones) = (whole >> 4 & NIBBLES, whole & NIBBLES);
        // A digit above 9 reaches the high bit of its octet.
        let odd = (tens.wrapping_add(ABOVE_9) | ones.wrapping_add(ABOVE_9)) & HIGH;
        if odd != 0 {
            let before = odd.leading_zeros().wrapping_div(8).saturating_sub(1);
            return Err(usize::try_from(before).unwrap_or(0));
        }
        if octets.len() > LENGTH {
            return Err(LENGTH);
        }
        let [_, numbers @ ..] = tens.wrapping_mul(10).wrapping_add(ones).to_be_bytes();
        match fault(numbers) {
            None => {
                let [_, digits @ ..] = whole.to_be_bytes();
                Ok(Self(digits))
            }
            // A field that was left out is the fault of the end.
            Some(at) => Err(at.min(octets.len())),
        }
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

/// The first of century, year, month, day, hour, minute, second that is outside its domain.
fn fault([century, year, month, day, hour, minute, second]: [u8; LENGTH]) -> Option<usize> {
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

/// The two decimal digits of a number below 100.
const fn digits(number: u8) -> u8 {
    (number / 10) << 4 | (number % 10)
}
