//! A message for a device, or for all that follow a topic: texts to show, and data for the application.
//!
//! **Source:** Google, «REST Resource: projects.messages» (members, reserved keys, durations), «ErrorCode» (4096 octets of
//! names and values, 2048 for topics, 0 to 2419200 seconds). A text is cut where the message would become too large.

use core::time::Duration;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{PAYLOAD_OCTETS, TOPIC_PAYLOAD_OCTETS, TTL_MAX};
use crate::codec::DecodeError;
use crate::codec::format::{Decoded, FieldFault, Format};
use crate::codec::json_text::JsonText;
use crate::limits;

/// The body of a request to send.
pub const FORMAT: Format = Format {
    name: NAME,
    clause: CLAUSE,
    decode: |octets, _| {
        Message::decode(octets)?;
        let text = JsonText::of(octets, NAME, limits::PUSH_MESSAGE_OCTETS)?;
        Ok(Decoded::strict(Value::Object(text.into_fields())))
    },
    spans: |octets, _| {
        JsonText::of(octets, NAME, limits::PUSH_MESSAGE_OCTETS)
            .map_or_else(|_| Vec::new(), |text| text.spans(CLAUSE))
    },
    encode: |fields| {
        let text = fields.to_string();
        match Message::decode(text.as_bytes()) {
            Ok(_) => Ok(text.into_bytes()),
            Err(fault) => Err(FieldFault::new(format_args!(
                "the message would be refused: expected {}",
                fault.expected
            ))),
        }
    },
};

const NAME: &str = "fcm-message";
const CLAUSE: &str = "FCM v1: projects.messages";
/// What stands where a text was cut.
const CUT: &str = "\u{2026}";

/// Whom a message is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One device.
    Token(String),
    /// All that follow a topic.
    Topic(String),
    /// All that follow topics in a combination.
    Condition(String),
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Whom it is for.
    pub target: Target,
    /// The title that is shown.
    pub title: Option<String>,
    /// The text that is shown.
    pub body: Option<String>,
    /// What the application gets.
    pub data: BTreeMap<String, String>,
    /// Messages with the same replace each other.
    pub collapse_key: Option<String>,
    /// How long it is kept; `None`: four weeks.
    pub ttl: Option<Duration>,
    /// The device is woken.
    pub high: bool,
    /// It is checked alone, and not sent.
    pub validate_only: bool,
}

/// What is wrong with which field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The field, as in `message.android.ttl`.
    pub field: &'static str,
    /// What is expected there.
    pub expected: &'static str,
}

impl Message {
    /// Nothing, for one device.
    #[must_use]
    pub const fn to(token: String) -> Self {
        Self {
            target: Target::Token(token),
            title: None,
            body: None,
            data: BTreeMap::new(),
            collapse_key: None,
            ttl: None,
            high: false,
            validate_only: false,
        }
    }

    /// Its octets, the text cut so that it carries no more than it may; `None` when the rest alone is larger, or a key of
    /// the data is reserved.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        if self.data.keys().any(|key| is_reserved(key)) {
            return None;
        }
        let body = self.body.as_deref().unwrap_or_default();
        let rest = self.carried().saturating_sub(body.len());
        let room = self.room().checked_sub(rest)?;
        let body = if body.len() <= room {
            self.body.clone()
        } else {
            let kept = body.floor_char_boundary(room.checked_sub(CUT.len())?);
            Some(format!("{}{CUT}", body.get(..kept).unwrap_or_default()))
        };
        Some(self.text(body.as_deref()).into_bytes())
    }

    /// Reads the body of a request.
    ///
    /// # Errors
    /// No message; with the offset.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let text = JsonText::of(octets, NAME, limits::PUSH_MESSAGE_OCTETS)?;
        let validate_only = text.flag("validate_only")?.unwrap_or_default();
        let message = text.needed(text.object("message")?, "a message")?;
        let message = of_fields(message);
        let message = message.map_err(|violation| text.bad("message", violation.expected))?;
        Ok(Self {
            validate_only,
            ..message
        })
    }

    /// The field that keeps a body from being a message; `None` when it is one, or not even JSON.
    #[must_use]
    pub fn violation(octets: &[u8]) -> Option<Violation> {
        let text = JsonText::of(octets, NAME, limits::PUSH_MESSAGE_OCTETS).ok()?;
        let Ok(Some(message)) = text.object("message") else {
            return Some(violation("message", "a message"));
        };
        of_fields(message).err()
    }

    fn room(&self) -> usize {
        match self.target {
            Target::Token(_) => PAYLOAD_OCTETS,
            Target::Topic(_) | Target::Condition(_) => TOPIC_PAYLOAD_OCTETS,
        }
    }

    fn carried(&self) -> usize {
        let data = self.data.iter();
        let data = data.map(|(name, value)| name.len().saturating_add(value.len()));
        let shown = [&self.title, &self.body].into_iter().flatten();
        let shown = shown.map(String::len);
        data.chain(shown).fold(0, usize::saturating_add)
    }

    fn text(&self, body: Option<&str>) -> String {
        let mut message = Map::new();
        let (name, value) = match &self.target {
            Target::Token(token) => ("token", token),
            Target::Topic(topic) => ("topic", topic),
            Target::Condition(condition) => ("condition", condition),
        };
        message.insert(name.to_owned(), json!(value));
        let shown = [("title", self.title.as_deref()), ("body", body)];
        insert(&mut message, "notification", shown.map(of_text));
        if !self.data.is_empty() {
            message.insert("data".to_owned(), json!(self.data));
        }
        let ttl = self.ttl.map(written);
        let android = [
            ("collapse_key", self.collapse_key.as_deref()),
            ("ttl", ttl.as_deref()),
            ("priority", self.high.then_some("HIGH")),
        ];
        insert(&mut message, "android", android.map(of_text));
        let mut fields = Map::new();
        fields.insert("message".to_owned(), Value::Object(message));
        if self.validate_only {
            fields.insert("validate_only".to_owned(), Value::Bool(true));
        }
        Value::Object(fields).to_string()
    }
}

fn of_text(field: (&str, Option<&str>)) -> Option<(String, Value)> {
    let (name, value) = field;
    Some((name.to_owned(), json!(value?)))
}

fn insert<const N: usize>(
    into: &mut Map<String, Value>,
    name: &str,
    of: [Option<(String, Value)>; N],
) {
    let fields: Map<String, Value> = of.into_iter().flatten().collect();
    if !fields.is_empty() {
        into.insert(name.to_owned(), Value::Object(fields));
    }
}

/// Keys that the service uses itself.
fn is_reserved(key: &str) -> bool {
    matches!(key, "from" | "message_type") || key.starts_with("google") || key.starts_with("gcm")
}

fn written(ttl: Duration) -> String {
    match ttl.subsec_nanos() {
        0 => format!("{}s", ttl.as_secs()),
        nanos => format!("{}.{nanos:09}s", ttl.as_secs()),
    }
}

/// A duration as JSON says it: seconds with up to nine decimals, and an `s`.
fn duration(text: &str) -> Option<Duration> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let number = text.strip_suffix('s')?;
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    if !is_number(whole) || !is_number(part) || part.len() > 9 {
        return None;
    }
    let nanos: u32 = format!("{part:0<9}").parse().ok()?;
    Some(Duration::new(whole.parse().ok()?, nanos))
}

const fn violation(field: &'static str, expected: &'static str) -> Violation {
    Violation { field, expected }
}

fn of_fields(message: &Map<String, Value>) -> Result<Message, Violation> {
    let target = target(message)?;
    let part = |name: &str| message.get(name).filter(|value| !value.is_null());
    let object = |name: &'static str, field: &'static str| match part(name) {
        None => Ok(None),
        Some(value) => value
            .as_object()
            .map(Some)
            .ok_or_else(|| violation(field, "an object")),
    };
    let shown = object("notification", "message.notification")?;
    let android = object("android", "message.android")?;
    let ttl = text_of(android, "ttl", "message.android.ttl")?;
    let ttl = ttl.map(|text| {
        let ttl = duration(&text).filter(|ttl| *ttl <= Duration::from_secs(TTL_MAX));
        let expected = "a duration of 0s to 2419200s";
        ttl.ok_or_else(|| violation("message.android.ttl", expected))
    });
    let priority = text_of(android, "priority", "message.android.priority")?;
    let high = match priority.as_deref().map(str::to_ascii_uppercase).as_deref() {
        None | Some("NORMAL") => false,
        Some("HIGH") => true,
        Some(_) => return Err(violation("message.android.priority", "NORMAL or HIGH")),
    };
    let message = Message {
        target,
        title: text_of(shown, "title", "message.notification.title")?,
        body: text_of(shown, "body", "message.notification.body")?,
        data: data(object("data", "message.data")?)?,
        collapse_key: text_of(android, "collapse_key", "message.android.collapse_key")?,
        ttl: ttl.transpose()?,
        high,
        validate_only: false,
    };
    if message.carried() > message.room() {
        return Err(violation("message", "no more than 4096 octets to carry"));
    }
    Ok(message)
}

fn target(message: &Map<String, Value>) -> Result<Target, Violation> {
    let mut targets = ["token", "topic", "condition"]
        .into_iter()
        .filter_map(|name| Some((name, message.get(name)?)))
        .filter(|(_, value)| !value.is_null());
    let (Some((kind, value)), None) = (targets.next(), targets.next()) else {
        return Err(violation("message", "one of token, topic and condition"));
    };
    let text = value
        .as_str()
        .filter(|text| !text.is_empty() && text.len() <= limits::DEVICE_TOKEN_OCTETS);
    let expected = "a text of 1 to 4096 octets";
    let text = text.ok_or_else(|| violation("message.token", expected))?;
    let text = text.to_owned();
    Ok(match kind {
        "token" => Target::Token(text),
        "topic" => Target::Topic(text),
        _ => Target::Condition(text),
    })
}

fn text_of(
    fields: Option<&Map<String, Value>>,
    name: &str,
    field: &'static str,
) -> Result<Option<String>, Violation> {
    match fields.and_then(|fields| fields.get(name)) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(violation(field, "a text")),
    }
}

fn data(fields: Option<&Map<String, Value>>) -> Result<BTreeMap<String, String>, Violation> {
    let mut found = BTreeMap::new();
    for (name, value) in fields.into_iter().flatten() {
        if is_reserved(name) {
            return Err(violation("message.data", "no reserved key"));
        }
        let text = value.as_str();
        let text = text.ok_or_else(|| violation("message.data", "values that are texts"))?;
        found.insert(name.clone(), text.to_owned());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message() -> Message {
        Message {
            title: Some("Mail".to_owned()),
            body: Some("new mail from \"Bob\"".to_owned()),
            data: BTreeMap::from([("in\"tent".to_owned(), "mail".to_owned())]),
            collapse_key: Some("inbox".to_owned()),
            ttl: Some(Duration::from_millis(3_500)),
            high: true,
            ..Message::to("t1".to_owned())
        }
    }

    #[test]
    fn a_message_says_whom_it_is_for_what_is_shown_and_what_the_application_gets() {
        let octets = message().encode().unwrap();
        let text = core::str::from_utf8(&octets).unwrap();
        assert_eq!(
            text,
            r#"{"message":{"android":{"collapse_key":"inbox","priority":"HIGH","ttl":"3.500000000s"},"data":{"in\"tent":"mail"},"notification":{"body":"new mail from \"Bob\"","title":"Mail"},"token":"t1"}}"#
        );
        assert_eq!(Message::decode(&octets), Ok(message()));
    }

    #[test]
    fn a_message_carries_4096_octets_and_a_text_that_is_longer_is_cut() {
        let mut message = message();
        let rest = message.carried() - message.body.as_ref().unwrap().len();
        message.body = Some("x".repeat(PAYLOAD_OCTETS - rest));
        assert_eq!(
            Message::decode(&message.encode().unwrap()),
            Ok(message.clone())
        );
        message.body = Some("x".repeat(PAYLOAD_OCTETS - rest + 1));
        let cut = Message::decode(&message.encode().unwrap()).unwrap();
        assert_eq!(cut.carried(), PAYLOAD_OCTETS);
        assert!(cut.body.unwrap().ends_with("x\u{2026}"));
        let whole = message.text(message.body.as_deref());
        let field = Message::violation(whole.as_bytes()).unwrap().field;
        assert_eq!(field, "message");
    }

    #[test]
    fn the_field_that_is_wrong_is_named() {
        let field = |text: &str| Message::violation(text.as_bytes()).map(|it| it.field);
        let of = |inner: &str| format!(r#"{{"message":{{"token":"t",{inner}}}}}"#);
        assert_eq!(field("{}"), Some("message"));
        assert_eq!(field(r#"{"message":{"token":"t"}}"#), None);
        assert_eq!(field(&of(r#""topic":"x""#)), Some("message"));
        assert_eq!(field(&of(r#""data":{"from":"x"}"#)), Some("message.data"));
        assert_eq!(field(&of(r#""data":{"a":1}"#)), Some("message.data"));
        for ttl in ["3", "-1s", "2419200.1s", "1.s", "s"] {
            let body = of(&format!(r#""android":{{"ttl":"{ttl}"}}"#));
            assert_eq!(field(&body), Some("message.android.ttl"), "{ttl}");
        }
        assert_eq!(field(&of(r#""android":{"ttl":"2419200s"}"#)), None);
        let priority = of(r#""android":{"priority":"urgent"}"#);
        assert_eq!(field(&priority), Some("message.android.priority"));
        let mut reserved = message();
        reserved.data.insert("google.x".to_owned(), String::new());
        assert_eq!(reserved.encode(), None);
    }

    proptest! {
        #[test]
        fn messages_read_back_as_written(
            token in "[ -~]{1,40}", title in proptest::option::of("\\PC{0,20}"),
            value in "(?s).{0,40}", ttl in proptest::option::of(0..TTL_MAX), high in any::<bool>(),
        ) {
            let message = Message {
                title, high,
                data: BTreeMap::from([("k".to_owned(), value)]),
                ttl: ttl.map(Duration::from_secs),
                ..Message::to(token)
            };
            prop_assert_eq!(Message::decode(&message.encode().unwrap()), Ok(message));
        }
    }
}
