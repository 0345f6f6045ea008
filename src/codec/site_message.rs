//! What rides along on the responses of a site: how many messages of its user are unread, and what they are about.
//!
//! **Source:** requirements R4.13 to R4.19, R4.24, R4.39; the header is a dictionary of RFC 9651. Four forms say the same:
//! a header, an envelope around a JSON body, a second part behind the body, and an event for htmx. No form holds a
//! message's own text, and every header is ASCII: browsers read headers as Latin-1. Not here: when a response may bear
//! one (`driver::piggyback`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sfv::{BareItem, Dictionary, ListEntry, Parser};

/// The header of a response that bears a stamp.
pub const UNREAD: &str = "sirgate-unread";
/// The header of a request whose response may bear one: `1;seen=41`.
pub const ASKS: &str = "sirgate-piggyback";
/// The header that names the form of a body that was wrapped.
pub const FORM: &str = "sirgate-form";
/// The octets a header may have; proxies often allow 4 to 8 KiB for all headers together.
pub const HEADER_OCTETS: usize = 1_024;

/// How many messages are unread, and what they are about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Those the user was not told of before; of a single level all that are unread.
    pub new: u32,
    /// Those the user was told of and has not opened; of a single level there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub old: Option<u32>,
    /// The number of the latest message.
    pub seq: u64,
    /// Grows with every change of what is unread, so that a stamp out of a cache is known to be an older one.
    pub rev: u64,
    /// What the latest are about, the latest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub items: Vec<Item>,
    /// How many further ones there are.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub more: u32,
}

/// What one message is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its number.
    pub seq: u64,
    /// Its application.
    #[serde(rename = "appid")]
    pub app: String,
    /// A line for lists.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub title: String,
    /// What it is about.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub summary: String,
    /// The user was not told of it before.
    #[serde(skip_serializing_if = "is_false", default)]
    pub new: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over references"
)]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over references"
)]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Why a header bears no stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadStamp {
    /// It is no dictionary of RFC 9651.
    #[error("the header is no dictionary of structured fields")]
    Dictionary,
    /// A member is missing, or of another type or domain.
    #[error("the member `{0}` is missing, or outside its domain")]
    Member(&'static str),
}

impl Stamp {
    /// True when there is no unread message.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.new == 0 && self.old.unwrap_or_default() == 0
    }

    /// The header's value, of at most [`HEADER_OCTETS`]: items that find no room are counted in `more`.
    #[must_use]
    pub fn header(&self) -> String {
        let mut shown = self.clone();
        loop {
            let text = shown.written();
            if text.len() <= HEADER_OCTETS || shown.items.pop().is_none() {
                return text;
            }
            shown.more = shown.more.saturating_add(1);
        }
    }

    fn written(&self) -> String {
        use core::fmt::Write as _;
        let mut out = format!("new={}", self.new);
        if let Some(old) = self.old {
            let _ = write!(out, ", old={old}");
        }
        let _ = write!(out, ", seq={}, rev={}", self.seq, self.rev);
        if self.more > 0 {
            let _ = write!(out, ", more={}", self.more);
        }
        if !self.items.is_empty() {
            let items = serde_json::to_vec(&self.items).unwrap_or_default();
            let _ = write!(out, ", items=:{}:", STANDARD.encode(items));
        }
        out
    }

    /// Reads such a header; members that are not known are left out.
    ///
    /// # Errors
    /// When it is no dictionary, or a member is outside its domain.
    pub fn from_header(value: &str) -> Result<Self, BadStamp> {
        let dictionary: Dictionary = Parser::new(value)
            .parse()
            .map_err(|_| BadStamp::Dictionary)?;
        let number = |name: &'static str| {
            let item = match dictionary.get(name) {
                None => return Ok(None),
                Some(ListEntry::Item(item)) => item,
                Some(ListEntry::InnerList(_)) => return Err(BadStamp::Member(name)),
            };
            let number = match &item.bare_item {
                BareItem::Integer(integer) => u64::try_from(i64::from(*integer)).ok(),
                _ => None,
            };
            number.map(Some).ok_or(BadStamp::Member(name))
        };
        let count = |name: &'static str| {
            let number = number(name)?.map(u32::try_from).transpose();
            number.map_err(|_| BadStamp::Member(name))
        };
        let items = match dictionary.get("items") {
            None => Vec::new(),
            Some(ListEntry::Item(item)) => match &item.bare_item {
                BareItem::ByteSequence(octets) => {
                    serde_json::from_slice(octets).map_err(|_| BadStamp::Member("items"))?
                }
                _ => return Err(BadStamp::Member("items")),
            },
            Some(ListEntry::InnerList(_)) => return Err(BadStamp::Member("items")),
        };
        Ok(Self {
            new: count("new")?.ok_or(BadStamp::Member("new"))?,
            old: count("old")?,
            seq: number("seq")?.ok_or(BadStamp::Member("seq"))?,
            rev: number("rev")?.ok_or(BadStamp::Member("rev"))?,
            items,
            more: count("more")?.unwrap_or_default(),
        })
    }

    /// A JSON body inside an envelope: `{"data":body,"_unread":stamp}`. The body's own octets stay as they are.
    #[must_use]
    pub fn envelope(&self, body: &[u8]) -> Vec<u8> {
        let body = if body.is_empty() { b"null" } else { body };
        let stamp = serde_json::to_vec(self).unwrap_or_default();
        [
            b"{\"data\":".as_slice(),
            body,
            b",\"_unread\":",
            &stamp,
            b"}",
        ]
        .concat()
    }

    /// A body as the first part of `multipart/mixed`, the stamp as the second.
    #[must_use]
    pub fn second_part(&self, body: &[u8], content_type: &str, boundary: &str) -> Vec<u8> {
        let stamp = serde_json::to_vec(self).unwrap_or_default();
        let first = format!("--{boundary}\r\nContent-Type: {content_type}\r\n\r\n");
        let second = format!("\r\n--{boundary}\r\nContent-Type: application/json\r\n\r\n");
        let end = format!("\r\n--{boundary}--\r\n");
        [
            first.as_bytes(),
            body,
            second.as_bytes(),
            &stamp,
            end.as_bytes(),
        ]
        .concat()
    }

    /// The value of `HX-Trigger`: the event `sirgate:unread` of htmx. What is not ASCII is escaped; what finds no room is
    /// counted.
    #[must_use]
    pub fn trigger(&self) -> String {
        let mut shown = self.clone();
        loop {
            let text = ascii(&json!({ "sirgate:unread": shown }).to_string());
            if text.len() <= HEADER_OCTETS || shown.items.pop().is_none() {
                return text;
            }
            shown.more = shown.more.saturating_add(1);
        }
    }
}

/// JSON with everything beyond ASCII escaped.
fn ascii(json: &str) -> String {
    use core::fmt::Write as _;
    let mut out = String::with_capacity(json.len());
    let mut units = [0; 2];
    for letter in json.chars() {
        if letter.is_ascii() {
            out.push(letter);
            continue;
        }
        for unit in letter.encode_utf16(&mut units) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

/// What a request says that wants to hear of unread messages: the number of the latest it has seen. `None` when it does
/// not ask.
#[must_use]
pub fn seen(value: &str) -> Option<u64> {
    let item: sfv::Item = Parser::new(value).parse().ok()?;
    if !matches!(&item.bare_item, BareItem::Integer(integer) if i64::from(*integer) == 1) {
        return None;
    }
    match item.params.get("seen") {
        None => Some(0),
        Some(BareItem::Integer(integer)) => u64::try_from(i64::from(*integer)).ok(),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn item(seq: u64, title: &str) -> Item {
        Item {
            seq,
            app: "mail".to_owned(),
            title: title.to_owned(),
            summary: String::new(),
            new: true,
        }
    }

    fn stamp(items: Vec<Item>) -> Stamp {
        Stamp {
            new: 2,
            old: Some(1),
            seq: 41,
            rev: 88,
            items,
            more: 0,
        }
    }

    #[test]
    fn the_header_is_a_dictionary_of_structured_fields() {
        let bare = stamp(Vec::new());
        assert_eq!(bare.header(), "new=2, old=1, seq=41, rev=88");
        let one = stamp(vec![item(41, "Grüße")]);
        assert!(one.header().is_ascii());
        assert_eq!(Stamp::from_header(&one.header()), Ok(one));
    }

    #[test]
    fn r4_39_a_single_level_names_no_old_ones() {
        let single = Stamp {
            old: None,
            ..stamp(Vec::new())
        };
        assert_eq!(single.header(), "new=2, seq=41, rev=88");
        assert_eq!(Stamp::from_header(&single.header()), Ok(single));
    }

    #[test]
    fn r4_16_what_finds_no_room_is_counted() {
        let many = stamp(
            (0..100)
                .map(|no| item(no, "a title of some length"))
                .collect(),
        );
        let header = many.header();
        assert!(header.len() <= HEADER_OCTETS, "{}", header.len());
        let read = Stamp::from_header(&header).unwrap();
        assert_eq!(read.items.len() + read.more as usize, 100);
        assert_eq!(read.items[..], many.items[..read.items.len()]);
        assert!(many.trigger().len() <= HEADER_OCTETS);
    }

    #[test]
    fn what_is_no_stamp_is_refused_by_member() {
        for (value, why) in [
            ("new=1, old", BadStamp::Member("old")),
            ("old=1, seq=2, rev=3", BadStamp::Member("new")),
            ("new=-1, seq=2, rev=3", BadStamp::Member("new")),
            ("new=4294967296, seq=2, rev=3", BadStamp::Member("new")),
            ("new=(1 2), seq=2, rev=3", BadStamp::Member("new")),
            ("new=1, seq=2", BadStamp::Member("rev")),
            ("new=1, seq=2, rev=3, items=4", BadStamp::Member("items")),
            (
                "new=1, seq=2, rev=3, items=:bm9uZQ==:",
                BadStamp::Member("items"),
            ),
            ("new=1,", BadStamp::Dictionary),
            ("New=1", BadStamp::Dictionary),
        ] {
            assert_eq!(Stamp::from_header(value), Err(why), "{value}");
        }
    }

    #[test]
    fn r4_19_the_body_stays_as_it_is_inside_its_envelope() {
        let body = br#"{ "z": 1.50, "a": [1,2] }"#;
        let wrapped = stamp(Vec::new()).envelope(body);
        let at = wrapped
            .windows(body.len())
            .position(|window| window == body);
        assert_eq!(at, Some(br#"{"data":"#.len()));
        let read: serde_json::Value = serde_json::from_slice(&wrapped).unwrap();
        assert_eq!(read["_unread"]["new"], 2);
        let none: serde_json::Value =
            serde_json::from_slice(&stamp(Vec::new()).envelope(b"")).unwrap();
        assert_eq!(none["data"], serde_json::Value::Null);
    }

    #[test]
    fn the_second_part_stands_behind_the_body() {
        let text = stamp(Vec::new()).second_part(b"\x00\xff", "image/png", "b");
        assert!(text.starts_with(b"--b\r\nContent-Type: image/png\r\n\r\n\x00\xff\r\n--b\r\n"));
        assert!(text.ends_with(b"}\r\n--b--\r\n"));
    }

    #[test]
    fn an_event_of_htmx_is_ascii() {
        let text = stamp(vec![item(1, "Grüße 🎺")]).trigger();
        assert!(text.contains(r"Gr\u00fc\u00dfe \ud83c\udfba"), "{text}");
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["sirgate:unread"]["items"][0]["title"], "Grüße 🎺");
    }

    #[test]
    fn a_request_says_what_it_has_seen() {
        for (value, said) in [
            ("1", Some(0)),
            ("1;seen=41", Some(41)),
            ("1; seen=41", Some(41)),
            ("1;later=x;seen=7", Some(7)),
            ("0;seen=41", None),
            ("1;seen=-1", None),
            ("1;seen=\"41\"", None),
            ("", None),
            ("yes please", None),
        ] {
            assert_eq!(seen(value), said, "{value}");
        }
    }

    proptest! {
        #[test]
        fn every_stamp_survives_its_header(
            new: u32,
            old: Option<u32>,
            seq in 0_u64..1 << 49,
            rev in 0_u64..1 << 49,
            titles in proptest::collection::vec(".{0,12}", 0..4),
        ) {
            let items = titles.iter().map(|title| item(seq, title)).collect();
            let it = Stamp { new, old, seq, rev, items, more: 0 };
            prop_assert_eq!(Stamp::from_header(&it.header()), Ok(it));
        }

        #[test]
        fn no_header_panics(value in ".{0,80}") {
            let _ = Stamp::from_header(&value);
            let _ = seen(&value);
        }
    }
}
