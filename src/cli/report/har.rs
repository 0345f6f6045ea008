//! A recording of a browser's requests, as far as a report reads it.
//!
//! **Source:** HAR 1.2 (W3C draft "HTTP Archive format"); `_resourceType` is what Chromium adds. Only instants, heads and
//! their sizes are read.

use std::time::Duration;

use serde::Deserialize;

use crate::codec::site_message::{ASKS, Stamp, UNREAD};
use crate::time::Time;

/// What Chromium calls requests of scripts.
const OF_SCRIPTS: [&str; 2] = ["fetch", "xhr"];

#[derive(Deserialize)]
struct File {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    started_date_time: String,
    time: f64,
    request: Half,
    response: Half,
    #[serde(rename = "_resourceType")]
    resource: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Half {
    headers: Vec<Row>,
    /// Of the head; -1 where it is not known.
    #[serde(default = "unknown")]
    headers_size: f64,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    value: String,
}

const fn unknown() -> f64 {
    -1.0
}

/// One request of a recording.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Request {
    /// When it began, in seconds since 1970.
    pub(super) at: f64,
    /// How long it took, in seconds.
    pub(super) took: f64,
    /// Octets of both heads without what rides along, where they are known.
    pub(super) heads: Option<u64>,
    /// Octets of what asks and rides along, when it asked.
    pub(super) riding: Option<u64>,
    /// What its response bore.
    pub(super) stamp: Option<Stamp>,
    /// It was asked by a script.
    is_of_script: Option<bool>,
}

/// Reads a recording; its requests in the order of their instants.
///
/// # Errors
/// What is wrong with it, in a sentence without a full stop.
pub(super) fn read(text: &str) -> Result<Vec<Request>, String> {
    // Some programs begin the file with a mark of UTF-8.
    let text = text.trim_start_matches('\u{feff}');
    let file: File = serde_json::from_str(text).map_err(|why| why.to_string())?;
    let entries = file.log.entries.iter().map(request);
    let mut requests: Vec<Request> = entries.collect::<Result<_, _>>()?;
    requests.sort_by(|a, b| a.at.total_cmp(&b.at));
    Ok(requests)
}

fn request(entry: &Entry) -> Result<Request, String> {
    let text = &entry.started_date_time;
    let at = instant(text).ok_or_else(|| format!("\"{text}\" is no instant"))?;
    let asks = octets(&entry.request, ASKS);
    let bears = octets(&entry.response, UNREAD);
    let stamp = entry.response.row(UNREAD);
    let heads = entry.request.size().zip(entry.response.size());
    let is_of_script = entry.resource.as_deref();
    Ok(Request {
        at,
        took: (entry.time / 1e3).max(0.0),
        heads: heads.map(|(request, response)| {
            request
                .saturating_add(response)
                .saturating_sub(asks.saturating_add(bears))
        }),
        riding: (asks > 0).then(|| asks.saturating_add(bears)),
        stamp: stamp.and_then(|value| Stamp::from_header(value).ok()),
        is_of_script: is_of_script.map(|it| OF_SCRIPTS.contains(&it)),
    })
}

impl Request {
    /// True for one that a page makes for its own sake, by a script; where nothing is known of that, for any.
    pub(super) fn is_business(&self) -> bool {
        self.riding.is_some() || self.is_of_script.unwrap_or(true)
    }
}

impl Half {
    fn row(&self, name: &str) -> Option<&str> {
        let mut rows = self.headers.iter();
        let row = rows.find(|row| row.name.eq_ignore_ascii_case(name))?;
        Some(&row.value)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is a whole number of octets, and the cast saturates"
    )]
    fn size(&self) -> Option<u64> {
        (self.headers_size >= 0.0).then_some(self.headers_size as u64)
    }
}

/// Octets of a row on the wire: name, colon, space, value and the end of the line.
fn octets(half: &Half, name: &str) -> u64 {
    let value = half
        .row(name)
        .map_or(0, |value| name.len() + value.len() + 4);
    u64::try_from(value).unwrap_or(u64::MAX)
}

/// Reads `2026-11-22T05:06:07.089+01:00` (ISO 8601) as seconds since 1970.
pub(super) fn instant(text: &str) -> Option<f64> {
    let (second, rest) = text.split_at_checked(19)?;
    let second: Time = format!("{second}Z").parse().ok()?;
    let zone = rest.find(['Z', 'z', '+', '-'])?;
    let (fraction, zone) = rest.split_at_checked(zone)?;
    let fraction: f64 = match fraction {
        "" => 0.0,
        digits => format!("0{digits}").parse().ok()?,
    };
    let offset = match zone.split_at_checked(1)? {
        ("Z" | "z", "") => 0.0,
        (sign @ ("+" | "-"), zone) => {
            let (hours, minutes) = zone.split_once(':')?;
            let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
            let seconds = f64::from(hours) * 3_600.0 + f64::from(minutes) * 60.0;
            if sign == "-" { -seconds } else { seconds }
        }
        _ => return None,
    };
    let whole = Duration::from_secs(second.secs()).as_secs_f64();
    Some(whole + fraction - offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_with_fractions_and_offsets() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0.0),
            ("2000-02-29T12:00:00.5Z", 951_825_600.5),
            ("2026-11-22T06:06:07.25+01:00", 1_795_323_967.25),
            ("2026-11-22T00:06:07.25-05:00", 1_795_323_967.25),
        ] {
            assert_eq!(instant(text), Some(seconds), "{text}");
        }
        for text in [
            "",
            "2026-11-22",
            "2026-13-01T00:00:00Z",
            "2026-11-22T05:06Z",
            "yesterday at T",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn heads_are_measured_without_what_rides_along() {
        let text = r#"{"log":{"entries":[{"startedDateTime":"1970-01-01T00:00:02Z","time":50,"_resourceType":"fetch",
            "request":{"headers":[{"name":"Sirgate-Piggyback","value":"1;seen=0"}],"headersSize":400},
            "response":{"headers":[{"name":"sirgate-unread","value":"new=1, old=0, seq=1, rev=1"}],"headersSize":200}},
            {"startedDateTime":"1970-01-01T00:00:01Z","time":1,"_resourceType":"document",
            "request":{"headers":[],"headersSize":-1},"response":{"headers":[]}}]}}"#;
        let requests = read(text).unwrap();
        let [page, script] = &requests[..] else {
            panic!("{requests:?}");
        };
        assert_eq!(
            (page.is_business(), page.heads, page.riding),
            (false, None, None)
        );
        assert!(script.is_business());
        // sirgate-piggyback: 1;seen=0 and sirgate-unread: new=1, old=0, seq=1, rev=1, each with its end of line.
        assert_eq!(script.riding, Some(29 + 44));
        assert_eq!(script.heads, Some(600 - 29 - 44));
        assert_eq!(script.stamp.as_ref().map(|it| it.seq), Some(1));
    }

    #[test]
    fn what_is_no_recording_says_why() {
        for text in ["", "{}", "{\"log\":{}}", "[]"] {
            assert!(read(text).is_err(), "{text}");
        }
        let undated = r#"{"log":{"entries":[{"startedDateTime":"x","time":1,"request":{"headers":[]},"response":{"headers":[]}}]}}"#;
        assert_eq!(read(undated), Err("\"x\" is no instant".to_owned()));
    }
}
