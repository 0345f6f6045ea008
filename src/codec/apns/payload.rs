//! What a device is to show: a JSON object with the key `aps`, and keys of the application beside it.
//!
//! **Source:** Apple, «Generating a remote notification»: 4096 octets at most, 5120 of a call; the keys of `aps`. Names and
//! texts are escaped as JSON wants it. A text is cut where the payload would become too large.

use serde_json::{Map, Value, json};

use super::{PAYLOAD_OCTETS, VOIP_PAYLOAD_OCTETS};
use crate::codec::DecodeError;
use crate::codec::format::{Decoded, FieldFault, Format};
use crate::codec::json_text::JsonText;

/// A payload.
pub const FORMAT: Format = Format {
    name: NAME,
    clause: CLAUSE,
    decode: |octets, _| {
        let fields = read(octets)?.0.into_fields();
        Ok(Decoded::strict(Value::Object(fields)))
    },
    spans: |octets, _| read(octets).map_or_else(|_| Vec::new(), |(text, _)| text.spans(CLAUSE)),
    encode: |fields| {
        let text = fields.to_string();
        match read(text.as_bytes()) {
            Ok(_) => Ok(text.into_bytes()),
            Err(fault) => Err(FieldFault::new(format_args!(
                "the payload would be refused: expected {}",
                fault.expected
            ))),
        }
    },
};

const NAME: &str = "apns-payload";
const CLAUSE: &str = "APNs: Generating a remote notification";
/// What stands where a text was cut.
const CUT: &str = "\u{2026}";

/// What a device is to show, as far as we say it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payload {
    /// The title; empty for none.
    pub title: String,
    /// The text; empty for none.
    pub body: String,
    /// The number on the application's picture; 0 takes it away.
    pub badge: Option<u32>,
    /// Notifications with the same are shown together.
    pub thread: Option<String>,
    /// The application may change it before it is shown.
    pub mutable: bool,
    /// The application is started without showing anything.
    pub background: bool,
    /// Keys of the application, beside `aps`.
    pub own: Map<String, Value>,
}

impl Payload {
    /// Its octets, the text cut so that they are no more than a payload may have; `None` when the rest alone is larger, or
    /// when a key of the application is called `aps`.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        if self.own.contains_key("aps") {
            return None;
        }
        let whole = self.text(&self.body);
        if whole.len() <= PAYLOAD_OCTETS {
            return Some(whole.into_bytes());
        }
        // An escape takes up to six octets, so the place is looked for among those where a character begins.
        let starts: Vec<usize> = self.body.char_indices().map(|(at, _)| at).collect();
        let fits = |at: &usize| self.cut(*at).len() <= PAYLOAD_OCTETS;
        let count = starts.partition_point(fits);
        let at = starts.get(count.checked_sub(1)?)?;
        Some(self.cut(*at).into_bytes())
    }

    fn cut(&self, at: usize) -> String {
        let kept = self.body.get(..at).unwrap_or_default();
        self.text(&format!("{kept}{CUT}"))
    }

    fn text(&self, body: &str) -> String {
        let mut aps = Map::new();
        let mut alert = Map::new();
        for (name, text) in [("title", self.title.as_str()), ("body", body)] {
            if !text.is_empty() {
                alert.insert(name.to_owned(), json!(text));
            }
        }
        if !alert.is_empty() {
            aps.insert("alert".to_owned(), Value::Object(alert));
        }
        if let Some(badge) = self.badge {
            aps.insert("badge".to_owned(), json!(badge));
        }
        if let Some(thread) = &self.thread {
            aps.insert("thread-id".to_owned(), json!(thread));
        }
        let flags = [
            ("mutable-content", self.mutable),
            ("content-available", self.background),
        ];
        for (name, _) in flags.into_iter().filter(|(_, is_set)| *is_set) {
            aps.insert(name.to_owned(), json!(1));
        }
        let mut fields = self.own.clone();
        fields.insert("aps".to_owned(), Value::Object(aps));
        Value::Object(fields).to_string()
    }
}

/// What a payload says of `aps`, for who receives it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// The title.
    pub title: Option<String>,
    /// The text.
    pub body: Option<String>,
    /// The number on the application's picture.
    pub badge: Option<u64>,
}

impl Shown {
    /// Reads a payload.
    ///
    /// # Errors
    /// No payload; with the offset.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        Ok(read(octets)?.1)
    }
}

fn read(octets: &[u8]) -> Result<(JsonText, Shown), DecodeError> {
    let text = JsonText::of(octets, NAME, VOIP_PAYLOAD_OCTETS)?;
    let bad = |expected| text.bad("aps", expected);
    let aps = text.needed(text.object("aps")?, "the key aps")?;
    let mut shown = Shown::default();
    match aps.get("alert") {
        None | Some(Value::Null) => {}
        Some(Value::String(body)) => shown.body = Some(body.clone()),
        Some(Value::Object(alert)) => {
            let part = |name| match alert.get(name) {
                None | Some(Value::Null) => Ok(None),
                Some(Value::String(text)) => Ok(Some(text.clone())),
                Some(_) => Err(bad("an alert whose title and body are texts")),
            };
            (shown.title, shown.body) = (part("title")?, part("body")?);
        }
        Some(_) => return Err(bad("an alert that is a text or an object")),
    }
    shown.badge = match aps.get("badge") {
        None | Some(Value::Null) => None,
        Some(badge) => Some(
            badge
                .as_u64()
                .ok_or_else(|| bad("a badge that is a number"))?,
        ),
    };
    Ok((text, shown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn payload(body: &str) -> Payload {
        Payload {
            title: "Mail".to_owned(),
            body: body.to_owned(),
            badge: Some(3),
            ..Payload::default()
        }
    }

    #[test]
    fn a_payload_says_what_is_shown_and_keeps_the_application_s_keys_beside_it() {
        let mut payload = payload("new mail from \"Bob\"");
        payload
            .own
            .insert("in\"tent".to_owned(), json!({"app": "mail"}));
        payload.mutable = true;
        let octets = payload.encode().unwrap();
        let text = core::str::from_utf8(&octets).unwrap();
        assert_eq!(
            text,
            r#"{"aps":{"alert":{"body":"new mail from \"Bob\"","title":"Mail"},"badge":3,"mutable-content":1},"in\"tent":{"app":"mail"}}"#
        );
        payload.own.insert("aps".to_owned(), json!(1));
        assert_eq!(payload.encode(), None, "the service's own key");
    }

    #[test]
    fn a_text_is_cut_so_that_the_payload_has_4096_octets_at_most() {
        let room = PAYLOAD_OCTETS - payload("").encode().unwrap().len() - r#""body":"","#.len();
        let whole = payload(&"x".repeat(room)).encode().unwrap();
        assert_eq!(whole.len(), PAYLOAD_OCTETS);
        let cut = payload(&"x".repeat(room + 1)).encode().unwrap();
        assert!(cut.len() <= PAYLOAD_OCTETS);
        let body = Shown::decode(&cut).unwrap().body.unwrap();
        assert!(body.ends_with("x\u{2026}"), "{body}");
        let mut too_large = payload("x");
        too_large.title = "t".repeat(PAYLOAD_OCTETS);
        assert_eq!(too_large.encode(), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_never_too_large(
            title in "\\PC{0,20}", body in "(?s).{0,3000}", badge in proptest::option::of(any::<u32>()),
        ) {
            let payload = Payload { title: title.clone(), body, badge, ..Payload::default() };
            let octets = payload.encode().unwrap();
            prop_assert!(octets.len() <= PAYLOAD_OCTETS);
            let shown = Shown::decode(&octets).unwrap();
            prop_assert_eq!(shown.title.unwrap_or_default(), title);
            prop_assert_eq!(shown.badge, badge.map(u64::from));
        }
    }
}
