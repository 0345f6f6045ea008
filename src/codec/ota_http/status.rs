//! The outcome of a request, as a terminal tells it.
//!
//! **Source:** WAP-235 sections 7.2.5, 7.4.2 and 7.5; WAP-247 section 9.13 for what an initiator is told.

use core::fmt;

/// The number of X-Wap-Push-Status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PushStatus(u16);

impl PushStatus {
    /// A status of three digits.
    #[must_use]
    pub fn new(code: u16) -> Option<Self> {
        (100..=999).contains(&code).then_some(Self(code))
    }

    /// The status at the start of a header's value; what follows a space is a phrase.
    #[must_use]
    pub fn decode(value: &str) -> Option<Self> {
        let digits = value.split(' ').next()?;
        let is_number = digits.len() == 3 && digits.bytes().all(|octet| octet.is_ascii_digit());
        Self::new(digits.parse().ok().filter(|_| is_number)?)
    }

    /// The number.
    #[must_use]
    pub const fn code(self) -> u16 {
        self.0
    }

    /// Whether the terminal took what was sent: 400, 401 for a push, 500, 501 for a registration.
    #[must_use]
    pub const fn is_accepted(self) -> bool {
        matches!(self.0, 400 | 401 | 500 | 501)
    }

    /// Whether the same request may be tried again as it is; `None` where nothing failed or the number is not known.
    #[must_use]
    pub const fn retry_unchanged(self) -> Option<bool> {
        match self.0 {
            234 | 237 | 300 => Some(true),
            235 | 236 | 238 | 256 | 257 | 301 | 302 | 600 => Some(false),
            _ => None,
        }
    }

    /// Whether the terminal holds other capabilities than the tag of the request says.
    #[must_use]
    pub const fn is_tag_stale(self) -> bool {
        matches!(self.0, 256 | 401 | 501)
    }

    /// State and code of the push that was posted, in the words of PAP; `None` for statuses of registrations.
    #[must_use]
    pub fn pap(self) -> Option<(&'static str, u16)> {
        match self.0 {
            400 | 401 => Some(("delivered", 1000)),
            200..=299 => Some(("aborted", 5_000_u16.saturating_add(self.0))),
            _ => None,
        }
    }

    /// A phrase for it.
    #[must_use]
    pub const fn phrase(self) -> &'static str {
        match self.0 {
            234..=238 | 256 | 257 | 300..=302 => "Rejected",
            400 | 401 | 500 | 501 => "Accepted",
            600 => "Version Not Supported",
            _ => "Unknown",
        }
    }
}

impl fmt::Display for PushStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.phrase())
    }
}
