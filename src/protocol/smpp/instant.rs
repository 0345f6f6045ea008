//! Instants as SMPP writes them.
//!
//! **Source:** SMPP 3.4 section 7.1.1 (`YYMMDDhhmmsstnnp`: an instant with its distance from UTC in quarters of an
//! hour, or with `R` a span from now on). Years are of this century.

use std::time::Duration;

use crate::time::Time;

/// An instant: to the second, in UTC.
pub(super) fn smpp_time(time: Time) -> String {
    let text = time.to_string();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    format!("{}000+", digits.get(2..14).unwrap_or_default())
}

/// The instant that a text stands for, seen from now; `None` for none.
pub(super) fn read_time(text: &str, now: Time) -> Option<Time> {
    let pair = |at: usize| -> Option<u64> { text.get(at..at.checked_add(2)?)?.parse().ok() };
    let (hours, minutes, seconds) = (pair(6)?, pair(8)?, pair(10)?);
    if text.len() != 16 {
        return None;
    }
    if text.ends_with('R') {
        let days = pair(0)?
            .saturating_mul(365)
            .saturating_add(pair(2)?.saturating_mul(30))
            .saturating_add(pair(4)?);
        let all = [
            days.saturating_mul(86_400),
            hours.saturating_mul(3_600),
            minutes.saturating_mul(60),
            seconds,
        ];
        let span = all.into_iter().fold(0, u64::saturating_add);
        return Some(now + Duration::from_secs(span));
    }
    let at: Time = format!(
        "20{:02}-{:02}-{:02}T{hours:02}:{minutes:02}:{seconds:02}Z",
        pair(0)?,
        pair(2)?,
        pair(4)?
    )
    .parse()
    .ok()?;
    let from_utc = Duration::from_secs(pair(13)?.saturating_mul(900));
    match text.chars().next_back()? {
        '+' => Some(at - from_utc),
        '-' => Some(at + from_utc),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_reads_back_and_others_are_understood() {
        let now: Time = "2026-11-21T18:20:59Z".parse().unwrap();
        assert_eq!(smpp_time(now), "261121182059000+");
        assert_eq!(read_time(&smpp_time(now), now), Some(now));
        let of = |text: &str| read_time(text, now).map(|time| time.to_string());
        assert_eq!(of("261121202059008+").unwrap(), now.to_string());
        assert_eq!(of("261121162059008-").unwrap(), now.to_string());
        assert_eq!(of("000001000001000R").unwrap(), "2026-11-22T18:21:00Z");
        for wrong in [
            "",
            "261121182059000",
            "261321182059000+",
            "26112118205900?+",
        ] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
