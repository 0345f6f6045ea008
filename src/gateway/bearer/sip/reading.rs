//! What the answer to a SIR means for the delivery.
//!
//! **Source:** spec/sip.md E.4, last table; RFC 3428 section 4 (a 6xx was delivered and refused).

use core::time::Duration;

use crate::event::Reason;
use crate::gateway::push::delivery::reason_of;

/// What an answer says, as far as it matters here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The status; 408 when none came, 503 when it could not be sent.
    pub status: u16,
    /// Seconds of Retry-After.
    pub retry_after: Option<u32>,
    /// The whole Warning header.
    pub warning: Option<&'a str>,
}

/// In which form a SIR is written: what a device or proxy did not take is left out the next time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// `text/plain` fields instead of a SIA.
    pub text: bool,
    /// Without caller preferences, which an old proxy may choke on.
    pub plain: bool,
    /// As short as possible.
    pub short: bool,
    /// With the answer to a challenge.
    pub authenticated: bool,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The device has the SIR; it may take long to answer when a person is asked.
    Taken {
        /// A person is asked.
        long: bool,
    },
    /// Answer the challenge.
    Authenticate,
    /// Send it again in this form.
    Reform(Form),
    /// Try the next flow of the same device.
    NextFlow,
    /// The bearer does not lead to the device now; why, for the result.
    Unheard(&'static str),
    /// Try again, after this long at least.
    Later(Option<Duration>),
    /// The device declines; nobody else is concerned.
    Refused(Reason),
    /// It will not work; for the log and the result.
    Failed(&'static str),
    /// It will not work with the content itself: the terminal rejected that with this X-Wap-Push-Status.
    Aborted(u16),
}

/// Reads the answer to a SIR that was written in that form.
#[must_use]
pub fn read(answer: &Answer<'_>, form: Form) -> Reading {
    let refusal = answer.warning.and_then(refusal);
    let later = Reading::Later(answer.retry_after.map(|s| Duration::from_secs(s.into())));
    match answer.status {
        202 => Reading::Taken { long: true },
        200..=299 => Reading::Taken { long: false },
        401 | 407 if !form.authenticated => Reading::Authenticate,
        401 | 407 => Reading::Failed("the device does not accept the gateway's credentials"),
        403 => Reading::Refused(refusal.unwrap_or(Reason::Security)),
        488 | 606 => Reading::Refused(refusal.unwrap_or(Reason::Capability)),
        480 => refusal.map_or(later, |reason| match answer.retry_after {
            // A quiet period ends; what the device says of itself beats our patience.
            Some(_) => later,
            None => Reading::Refused(reason),
        }),
        415 if !form.text => Reading::Reform(Form { text: true, ..form }),
        415 => Reading::Failed("the device takes no SIR"),
        420 | 421 if !form.plain => Reading::Reform(Form {
            plain: true,
            ..form
        }),
        413 | 513 if !form.short => Reading::Reform(Form {
            short: true,
            ..form
        }),
        413 | 420 | 421 | 513 => Reading::Failed("the way to the device takes no such SIR"),
        408 | 430 => Reading::NextFlow,
        503 if answer.retry_after.is_none() => Reading::NextFlow,
        482 | 483 => Reading::Failed("the way to the device is a loop"),
        404 | 410 | 486 | 491 | 500..=599 | 600 | 604 => later,
        601..=699 => Reading::Refused(refusal.unwrap_or(Reason::User)),
        _ => Reading::Failed("the device or a proxy found the SIR faulty"),
    }
}

/// The reason in `399 host "sirgate refusal reason"`.
#[must_use]
pub fn refusal(warning: &str) -> Option<Reason> {
    let (_, rest) = warning.split_once("\"sirgate refusal ")?;
    let token = rest.split(['"', ' ']).next()?;
    Some(reason_of(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECLINED: Option<&str> = Some("399 alice.example.com \"sirgate refusal pref\"");

    fn reading(status: u16, retry_after: Option<u32>, warning: Option<&str>) -> Reading {
        let answer = Answer {
            status,
            retry_after,
            warning,
        };
        read(&answer, Form::default())
    }

    #[test]
    fn r2_70_the_table_of_answers() {
        use Reading::{Authenticate, Failed, Later, NextFlow, Reform, Refused, Taken};
        let text = Form {
            text: true,
            ..Form::default()
        };
        let plain = Form {
            plain: true,
            ..Form::default()
        };
        let short = Form {
            short: true,
            ..Form::default()
        };
        let secs = |s| Later(Some(Duration::from_secs(s)));
        for (status, retry_after, warning, expected) in [
            (200, None, None, Taken { long: false }),
            (202, None, None, Taken { long: true }),
            (401, None, None, Authenticate),
            (407, None, None, Authenticate),
            (403, None, DECLINED, Refused(Reason::Pref)),
            (403, None, None, Refused(Reason::Security)),
            (404, None, None, Later(None)),
            (408, None, None, NextFlow),
            (410, None, None, Later(None)),
            (413, None, None, Reform(short)),
            (415, None, None, Reform(text)),
            (420, None, None, Reform(plain)),
            (430, None, None, NextFlow),
            (480, None, None, Later(None)),
            (480, None, DECLINED, Refused(Reason::Pref)),
            (480, Some(30), DECLINED, secs(30)),
            (482, None, None, Failed("the way to the device is a loop")),
            (486, Some(5), None, secs(5)),
            (488, None, None, Refused(Reason::Capability)),
            (500, None, None, Later(None)),
            (503, None, None, NextFlow),
            (503, Some(9), None, secs(9)),
            (600, None, None, Later(None)),
            (603, None, None, Refused(Reason::User)),
            (603, None, DECLINED, Refused(Reason::Pref)),
        ] {
            assert_eq!(
                reading(status, retry_after, warning),
                expected,
                "{status} {retry_after:?} {warning:?}"
            );
        }
    }

    #[test]
    fn what_was_tried_once_is_not_tried_again() {
        let all = Form {
            text: true,
            plain: true,
            short: true,
            authenticated: true,
        };
        for status in [401, 407, 413, 415, 420, 421, 513] {
            let answer = Answer {
                status,
                ..Answer::default()
            };
            assert!(matches!(read(&answer, all), Reading::Failed(_)), "{status}");
        }
    }
}
