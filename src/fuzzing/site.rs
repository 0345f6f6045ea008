//! What rides along on the responses of a site: the header both ways, envelopes written and read back.

use serde_json::{Value, json};

use crate::codec::site_message::{HEADER_OCTETS, Stamp, seen};

/// Any text as a header of a response, as one of a request, and as a body inside each envelope.
///
/// # Panics
/// When a form does not keep what it promises.
pub fn site_message(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    let _ = seen(&text);
    // The first line is the header; what follows is a body.
    let (header, body) = match octets.iter().position(|octet| *octet == b'\n') {
        Some(at) => octets.split_at(at),
        None => (octets, octets),
    };
    let Ok(stamp) = Stamp::from_header(&String::from_utf8_lossy(header)) else {
        return;
    };
    header_survives(&stamp);
    event_is_ascii(&stamp);
    envelope_holds(&stamp, body);
    part_holds(&stamp, body);
}

fn header_survives(stamp: &Stamp) {
    let written = stamp.header();
    assert!(
        written.is_ascii() && written.len() <= HEADER_OCTETS,
        "{written}"
    );
    let read = Stamp::from_header(&written);
    assert!(read.is_ok(), "{written}: {read:?}");
    let read = read.unwrap_or_default();
    let shown = stamp.items.get(..read.items.len()).unwrap_or_default();
    assert_eq!(read.items, shown);
    assert_eq!(
        (read.new, read.old, read.seq, read.rev),
        (stamp.new, stamp.old, stamp.seq, stamp.rev)
    );
    // What finds no room is counted.
    let left_out = stamp.items.len().saturating_sub(read.items.len());
    let left_out = u32::try_from(left_out).unwrap_or(u32::MAX);
    assert_eq!(read.more, stamp.more.saturating_add(left_out));
    // What fits is written the same way again.
    assert_eq!(read.header(), written);
}

fn event_is_ascii(stamp: &Stamp) {
    let event = stamp.trigger();
    assert!(event.is_ascii() && !event.contains(['\r', '\n']), "{event}");
    let read: Value = serde_json::from_str(&event).unwrap_or_default();
    let read = read.get("sirgate:unread").cloned().unwrap_or_default();
    let read: Result<Stamp, _> = serde_json::from_value(read);
    assert!(read.is_ok(), "{event}: {read:?}");
    let read = read.unwrap_or_default();
    let shown = stamp.items.get(..read.items.len()).unwrap_or_default();
    assert_eq!(
        (read.new, read.seq, &read.items[..]),
        (stamp.new, stamp.seq, shown)
    );
}

fn envelope_holds(stamp: &Stamp, body: &[u8]) {
    let Ok(inner) = serde_json::from_slice::<Value>(body) else {
        return;
    };
    // Readers of JSON go only so deep, and an envelope is one level more.
    let levels = body.iter().filter(|octet| b"[{".contains(octet));
    if levels.count() > 100 {
        return;
    }
    let wrapped = stamp.envelope(body);
    assert!(memchr::memmem::find(&wrapped, body).is_some());
    let read: Value = serde_json::from_slice(&wrapped).unwrap_or_default();
    assert_eq!(read.get("data"), Some(&inner));
    assert_eq!(read.get("_unread"), Some(&json!(stamp)));
}

fn part_holds(stamp: &Stamp, body: &[u8]) {
    const BOUNDARY: &str = "sirgate-of-a-fuzzer";
    if memchr::memmem::find(body, BOUNDARY.as_bytes()).is_some() {
        return;
    }
    let text = stamp.second_part(body, "application/octet-stream", BOUNDARY);
    let delimiter = format!("--{BOUNDARY}");
    let parts = memchr::memmem::find_iter(&text, delimiter.as_bytes()).count();
    assert_eq!(parts, 3);
    assert!(memchr::memmem::find(&text, body).is_some());
}
