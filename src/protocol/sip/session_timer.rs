//! Session timers: a session that nobody refreshes ends, so that a peer that vanished holds nothing for ever.
//!
//! **Source:** RFC 4028 sections 4 (values), 7 (caller, and whoever refreshes), 8.1 (422), 9 (callee), 10 (who hangs up,
//! when); RFC 3311 (UPDATE). Not here: proxies that change the values, a timer for a caller that knows none.

use core::fmt;
use core::time::Duration;

use crate::codec::sip::{Message, Name};

/// Seconds a session lives without a refresh, unless something else is asked for.
pub const USUAL: u32 = 1_800;
/// Seconds a session must be allowed to live without a refresh; no peer may demand less.
pub const LEAST: u32 = 90;

/// Who refreshes, seen from the request that is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresher {
    /// Who sent it.
    Uac,
    /// Who answers it.
    Uas,
}

/// How long a session lives without a refresh, and who refreshes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// Seconds.
    pub seconds: u32,
    /// Who.
    pub refresher: Refresher,
}

/// What an INVITE or UPDATE asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// No timer: its sender knows none.
    Nothing,
    /// So few seconds that the answer is 422.
    TooFew,
    /// What the answer grants.
    Granted(Agreed),
}

/// What an INVITE or UPDATE asks for. The wish of its sender who refreshes is met; without one it is the sender.
#[must_use]
pub fn asked(request: &Message) -> Asked {
    let is_timer = |option: &[u8]| option.eq_ignore_ascii_case(b"timer");
    if !request.list(Name::Supported).any(is_timer) {
        return Asked::Nothing;
    }
    let (wish, least) = (agreed(request), least(request).unwrap_or(LEAST));
    let seconds = wish.map_or(USUAL, |wish| wish.seconds);
    if seconds < LEAST {
        return Asked::TooFew;
    }
    Asked::Granted(Agreed {
        seconds: seconds.min(USUAL.max(least)),
        refresher: wish.map_or(Refresher::Uac, |wish| wish.refresher),
    })
}

/// What a message says in Session-Expires; without a refresher it is the caller.
#[must_use]
pub fn agreed(message: &Message) -> Option<Agreed> {
    let mut parts = message
        .text(Name::SessionExpires)?
        .split(';')
        .map(str::trim);
    let seconds = parts.next()?.parse().ok()?;
    let is_uas = parts.any(|param| {
        let pair = param.split_once('=');
        pair.is_some_and(|(name, value)| {
            name.trim().eq_ignore_ascii_case("refresher")
                && value.trim().eq_ignore_ascii_case("uas")
        })
    });
    let refresher = if is_uas {
        Refresher::Uas
    } else {
        Refresher::Uac
    };
    Some(Agreed { seconds, refresher })
}

/// The least seconds that a message allows, in Min-SE.
#[must_use]
pub fn least(message: &Message) -> Option<u32> {
    message
        .text(Name::MinSe)?
        .split(';')
        .next()?
        .trim()
        .parse()
        .ok()
}

impl Agreed {
    /// How long after the last refresh the refresher sends the next one.
    #[must_use]
    pub fn refresh_after(self) -> Duration {
        Duration::from_secs(u64::from((self.seconds / 2).max(1)))
    }

    /// How long after the last refresh whoever does not refresh hangs up.
    #[must_use]
    pub fn ends_after(self) -> Duration {
        let early = (self.seconds / 3).min(32);
        Duration::from_secs(u64::from(self.seconds.saturating_sub(early)))
    }
}

/// As Session-Expires writes it.
impl fmt::Display for Agreed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refresher = match self.refresher {
            Refresher::Uac => "uac",
            Refresher::Uas => "uas",
        };
        write!(f, "{};refresher={refresher}", self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite(headers: &str) -> Message {
        let text = format!(
            "INVITE sip:push@ppg.example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.11;branch=z9hG4bK1\r\n\
             Max-Forwards: 70\r\nFrom: <sip:a@example.com>;tag=1\r\nTo: <sip:push@ppg.example.com>\r\n\
             Call-ID: c1\r\nCSeq: 1 INVITE\r\n{headers}Content-Length: 0\r\n\r\n"
        );
        Message::decode(text.into()).unwrap()
    }

    fn granted(headers: &str) -> String {
        match asked(&invite(&format!("Supported: gruu, timer\r\n{headers}"))) {
            Asked::Granted(agreed) => agreed.to_string(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn who_refreshes_and_when_is_what_the_caller_asks_for_within_bounds() {
        assert_eq!(asked(&invite("Session-Expires: 1800\r\n")), Asked::Nothing);
        for (headers, answer) in [
            ("", "1800;refresher=uac"),
            ("x: 89\r\n", "TooFew"),
            ("Session-Expires: 90\r\n", "90;refresher=uac"),
            (
                "Session-Expires: 90 ; Refresher = UAS\r\n",
                "90;refresher=uas",
            ),
            ("Session-Expires: 7200\r\n", "1800;refresher=uac"),
            (
                "Session-Expires: 7200\r\nMin-SE: 3600\r\n",
                "3600;refresher=uac",
            ),
        ] {
            assert_eq!(granted(headers), answer, "{headers}");
        }
        assert_eq!(least(&invite("Min-SE: 120\r\n")), Some(120));
    }

    #[test]
    fn a_session_is_refreshed_at_half_its_time_and_ended_shortly_before_its_end() {
        let of = |seconds| Agreed {
            seconds,
            refresher: Refresher::Uac,
        };
        assert_eq!(of(90).refresh_after(), Duration::from_secs(45));
        assert_eq!(of(90).ends_after(), Duration::from_secs(60));
        assert_eq!(of(1_800).ends_after(), Duration::from_secs(1_768));
        assert_eq!(agreed(&invite("")), None);
        assert_eq!(agreed(&invite("Session-Expires: soon\r\n")), None);
    }
}
