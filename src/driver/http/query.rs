//! The query of a request target, and percent escapes.

use std::time::Duration;

/// Parameters of a query, decoded.
#[derive(Debug, Default)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads what follows the `?`; `None` when an escape is broken.
    pub(super) fn decode(query: &str) -> Option<Self> {
        query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                Some((unescape(name, true)?, unescape(value, true)?))
            })
            .collect::<Option<_>>()
            .map(Self)
    }

    /// The first value of that name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    /// The value as a number; `default` without one, `Err` with one that is none.
    pub(super) fn number(&self, name: &'static str, default: u64) -> Result<u64, &'static str> {
        self.get(name)
            .map_or(Ok(default), |text| text.parse().map_err(|_| name))
    }

    /// The value as a duration: `500ms`, `5s`, `2m`; a bare number is seconds.
    pub(super) fn duration(
        &self,
        name: &'static str,
        default: Duration,
    ) -> Result<Duration, &'static str> {
        let Some(text) = self.get(name) else {
            return Ok(default);
        };
        let unit_at = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (digits, unit) = text.split_at(unit_at);
        let count: u64 = digits.parse().map_err(|_| name)?;
        match unit {
            "ms" => Ok(Duration::from_millis(count)),
            "" | "s" => Ok(Duration::from_secs(count)),
            "m" => Ok(Duration::from_secs(count.saturating_mul(60))),
            _ => Err(name),
        }
    }
}

/// The text as one segment of a path.
pub(super) fn escape(text: &str) -> String {
    use core::fmt::Write as _;
    let mut escaped = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            escaped.push(char::from(octet));
        } else {
            let _ = write!(escaped, "%{octet:02X}");
        }
    }
    escaped
}

/// The text without its percent escapes; `None` when one is broken or the result is no text.
pub(super) fn unescape(text: &str, plus_is_space: bool) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'%' => {
                let digit = |octet: u8| char::from(octet).to_digit(16);
                let value = digit(rest.next()?)? * 16 + digit(rest.next()?)?;
                u8::try_from(value).ok()?
            }
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    String::from_utf8(octets).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded() {
        let query =
            Parameters::decode("match=push.rx%20dev%3DC1+push=k7q4&count=2&timeout=500ms").unwrap();
        assert_eq!(query.get("match"), Some("push.rx dev=C1 push=k7q4"));
        assert_eq!(query.number("count", 1), Ok(2));
        assert_eq!(query.number("since", 7), Ok(7));
        let timeout = query.duration("timeout", Duration::ZERO);
        assert_eq!(timeout, Ok(Duration::from_millis(500)));
    }

    #[test]
    fn durations_have_units() {
        let of = |text: &str| {
            Parameters::decode(&format!("t={text}"))
                .unwrap()
                .duration("t", Duration::ZERO)
        };
        assert_eq!(of("5"), Ok(Duration::from_secs(5)));
        assert_eq!(of("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(of("2m"), Ok(Duration::from_secs(120)));
        for bad in ["", "s", "5h", "-1s", "1.5s"] {
            assert_eq!(of(bad), Err("t"), "{bad}");
        }
    }

    #[test]
    fn a_broken_escape_is_no_query() {
        for bad in ["a=%4", "a=%zz", "%", "a=%ff"] {
            assert!(Parameters::decode(bad).is_none(), "{bad}");
        }
    }
}
