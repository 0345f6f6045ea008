//! What a client gets: one packet with the messages of all its applications (R0.19), the same on every transport.

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use super::super::super::message::{Cleared, Message, Page, State, Urgency};
use super::{Client, Settings};
use crate::time::Time;
use crate::world::HttpResponse;

#[derive(Serialize)]
struct Packet<'a> {
    cursor: u64,
    interval: u64,
    messages: Vec<Shown<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cleared: Vec<ShownCleared<'a>>,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    more: bool,
}

#[derive(Serialize)]
struct ShownCleared<'a> {
    appid: &'a str,
    upto: u64,
}

/// A message as it is shown; instants are in milliseconds since the Unix epoch, as scripts count them.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    seq: u64,
    appid: &'a str,
    id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    title: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    summary: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    ts: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<&'a str>,
    urgency: Urgency,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Value::is_null")]
    data: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<State>,
}

impl<'a> Shown<'a> {
    /// A message as that client sees it.
    fn of(message: &'a Message, own: &Client) -> Self {
        Self {
            seq: own.shown(message.seq),
            ..Self::plain(message)
        }
    }

    fn plain(message: &'a Message) -> Self {
        let draft = &message.draft;
        Self {
            seq: message.seq,
            appid: &draft.app,
            id: &draft.id,
            title: &draft.title,
            summary: &draft.summary,
            url: draft.url.as_deref(),
            from: draft.from.as_deref(),
            ts: millis(message.created),
            exp: draft.expires.map(millis),
            topic: draft.topic.as_deref(),
            urgency: draft.urgency,
            kind: draft.kind.as_deref(),
            data: &draft.data,
            state: None,
        }
    }

    /// A message under the number that its account knows it by, with what has become of it.
    pub(super) fn with_state(message: &'a Message) -> Self {
        Self {
            state: Some(message.state),
            ..Self::plain(message)
        }
    }
}

/// The answer with a page, for one client; `upto` says how far a clearing goes for it.
pub(super) fn of(
    page: &Page<'_>,
    own: &Client,
    settings: &Settings,
    upto: impl Fn(&Cleared) -> u64,
) -> HttpResponse {
    let cleared = page.cleared.iter().map(|one| ShownCleared {
        appid: &one.app,
        upto: own.shown(upto(one)),
    });
    let messages = page.messages.iter().map(|one| Shown::of(one, own));
    let packet = Packet {
        cursor: own.shown(page.cursor),
        interval: settings.interval.as_secs(),
        messages: messages.collect(),
        cleared: cleared.collect(),
        more: page.more,
    };
    let mut response = bare(200, settings);
    let json = ("content-type".to_owned(), "application/json".to_owned());
    response.headers.push(json);
    let tag = format!("\"{}\"", packet.cursor);
    response.headers.push(("etag".to_owned(), tag));
    response.body = Bytes::from(serde_json::to_vec(&packet).unwrap_or_default());
    response
}

/// The packet with one message, as a push brings it.
pub(super) fn pushed(message: &Message, own: &Client, settings: &Settings) -> Vec<u8> {
    let shown = Shown::of(message, own);
    written(shown.seq, vec![shown], false, settings)
}

/// The packet of a push that tells to ask: what it is about is too large to go along.
pub(super) fn knock(seq: u64, own: &Client, settings: &Settings) -> Vec<u8> {
    written(own.shown(seq), Vec::new(), true, settings)
}

fn written(cursor: u64, messages: Vec<Shown<'_>>, more: bool, settings: &Settings) -> Vec<u8> {
    let packet = Packet {
        cursor,
        interval: settings.interval.as_secs(),
        messages,
        cleared: Vec::new(),
        more,
    };
    serde_json::to_vec(&packet).unwrap_or_default()
}

/// An answer without a packet, with the advice when to ask again (R0.22).
pub(super) fn bare(status: u16, settings: &Settings) -> HttpResponse {
    let (interval, jitter) = (settings.interval.as_secs(), settings.jitter);
    let advice = format!("interval={interval}, jitter={jitter}");
    HttpResponse {
        status,
        headers: vec![
            ("sirgate-poll".to_owned(), advice),
            ("cache-control".to_owned(), "no-store".to_owned()),
        ],
        body: Bytes::new(),
    }
}

const fn millis(at: Time) -> u64 {
    at.micros() / 1_000
}
