//! What a browser and its push service say to each other over a WebSocket: one JSON object a message.
//!
//! **Source:** the protocol that Firefox speaks with the push service of its maker, as both show it; no document fixes it.
//! An empty object is a ping and its answer. Members that are not known survive.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::codec::format::{Decoded, FieldFault, Format};
use crate::codec::json_text::{Member, members, of_json};
use crate::codec::{Class, DecodeError, Span};
use crate::limits;

/// Messages of the push WebSocket, of both sides.
pub const FORMAT: Format = Format {
    name: NAME,
    clause: CLAUSE,
    decode: |octets, _| Ok(Decoded::strict(Value::Object(Read::of(octets)?.fields))),
    spans,
    encode: |fields| {
        let text = fields.to_string();
        match Read::of(text.as_bytes()) {
            Ok(_) => Ok(text.into_bytes()),
            Err(fault) => Err(FieldFault::new(format_args!(
                "the message would be refused: expected {}",
                fault.expected
            ))),
        }
    },
};

const NAME: &str = "push-socket";
const CLAUSE: &str = "push WebSocket";
/// The subprotocol that Firefox asks for.
pub const SUBPROTOCOL: &str = "push-notification";
/// Octets of a user agent's identifier; Firefox keeps no longer one.
const AGENT_OCTETS: usize = 128;

/// A message of either side. What only a service sends is empty in what a browser sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// The first message of each side.
    Hello {
        /// The browser's identifier: the one it had, or the one it has from now on.
        agent: Option<String>,
        /// Whether contents of pushes are understood.
        webpush: bool,
        /// Of a service.
        status: Option<u16>,
    },
    /// A subscription is wanted, or made.
    Register {
        /// What the browser calls it.
        channel: Uuid,
        /// The key of the only application server that may use it, in base64.
        key: Option<String>,
        /// Of a service.
        status: Option<u16>,
        /// Of a service: where pushes go.
        endpoint: Option<String>,
    },
    /// A subscription is over.
    Unregister {
        /// Which.
        channel: Uuid,
        /// Why: 200 as its application wished, 201 its quota was used up, 202 the user withdrew the permission.
        code: Option<u16>,
        /// Of a service.
        status: Option<u16>,
    },
    /// A push.
    Notification(Notification),
    /// What became of pushes.
    Ack(Vec<Update>),
    /// A push whose receiver failed.
    Nack {
        /// Which push.
        version: String,
        /// Why: 301 to 303.
        code: Option<u16>,
    },
    /// What a browser follows of the things its maker tells all browsers, or news of them.
    Broadcast,
    /// Is anybody there?
    Ping,
    /// What we do not know.
    Other(String),
}

/// A push on its way to a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The subscription.
    pub channel: Uuid,
    /// What the browser names it by in its acknowledgement.
    pub version: String,
    /// Seconds for which it was to be kept.
    pub ttl: u64,
    /// What it replaced.
    pub topic: Option<String>,
    /// Its content in base64 without padding, encrypted; `None` without content.
    pub content: Option<String>,
    /// Its coding.
    pub encoding: Option<String>,
}

/// What became of one push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The subscription.
    pub channel: Uuid,
    /// The push.
    pub version: String,
    /// 100 delivered, 101 it could not be decrypted, 102 not delivered to its application.
    pub code: Option<u16>,
}

impl Message {
    /// Reads a message.
    ///
    /// # Errors
    /// No JSON object of this kind, with the offset of the member that is wrong.
    pub fn decode(text: &[u8]) -> Result<Self, DecodeError> {
        Ok(Read::of(text)?.message)
    }

    /// The text of a message.
    #[must_use]
    pub fn encode(&self) -> String {
        self.fields().to_string()
    }

    fn fields(&self) -> Value {
        match self {
            Self::Hello {
                agent,
                webpush,
                status,
            } => without_null(json!({
                "messageType": "hello", "uaid": agent, "use_webpush": webpush, "status": status,
                "broadcasts": {},
            })),
            Self::Register {
                channel,
                key,
                status,
                endpoint,
            } => without_null(json!({
                "messageType": "register", "channelID": channel, "key": key, "status": status,
                "pushEndpoint": endpoint,
            })),
            Self::Unregister {
                channel,
                code,
                status,
            } => without_null(json!({
                "messageType": "unregister", "channelID": channel, "code": code, "status": status,
            })),
            Self::Notification(push) => {
                let coding = json!({ "encoding": push.encoding });
                let headers = push.content.as_ref().map(|_| without_null(coding));
                without_null(json!({
                    "messageType": "notification", "channelID": push.channel, "version": push.version,
                    "ttl": push.ttl, "topic": push.topic, "data": push.content, "headers": headers,
                }))
            }
            Self::Ack(updates) => {
                let updates: Vec<Value> = updates
                    .iter()
                    .map(|it| {
                        without_null(json!({
                            "channelID": it.channel, "version": it.version, "code": it.code,
                        }))
                    })
                    .collect();
                json!({ "messageType": "ack", "updates": updates })
            }
            Self::Nack { version, code } => without_null(json!({
                "messageType": "nack", "version": version, "code": code,
            })),
            Self::Broadcast => json!({ "messageType": "broadcast", "broadcasts": {} }),
            Self::Ping => json!({}),
            Self::Other(kind) => json!({ "messageType": kind }),
        }
    }
}

fn without_null(mut value: Value) -> Value {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    value
}

/// A message read, with all its members.
struct Read {
    message: Message,
    fields: Map<String, Value>,
}

impl Read {
    fn of(octets: &[u8]) -> Result<Self, DecodeError> {
        if octets.len() > limits::PUSH_SOCKET_OCTETS {
            let at = limits::PUSH_SOCKET_OCTETS;
            return Err(fault(at, Class::TooLarge, "the message's end"));
        }
        let text = core::str::from_utf8(octets)
            .map_err(|error| fault(error.valid_up_to(), Class::BadValue, "UTF-8"))?;
        let fields: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| of_json(text, &error, NAME))?;
        let members = members(text);
        let members = Members {
            fields: &fields,
            members: &members,
        };
        members.are_fit()?;
        let message = members.message()?;
        Ok(Self { message, fields })
    }
}

struct Members<'a> {
    fields: &'a Map<String, Value>,
    members: &'a [Member],
}

impl<'a> Members<'a> {
    /// Each member once, not many of them, and numbers that every reader reads alike.
    fn are_fit(&self) -> Result<(), DecodeError> {
        // Each is compared with all before it, so how many there are decides what a message costs.
        if let Some(member) = self.members.get(limits::PUSH_SOCKET_MEMBERS) {
            return Err(fault(member.at, Class::TooLarge, "at most 32 members"));
        }
        for (number, member) in self.members.iter().enumerate() {
            let mut before = self.members.iter().take(number);
            if before.any(|earlier| earlier.name == member.name) {
                return Err(fault(member.at, Class::Repeated, "a member once"));
            }
            if self.fields.get(&member.name).is_some_and(has_fraction) {
                return Err(fault(member.at, Class::BadValue, "whole numbers"));
            }
        }
        Ok(())
    }

    fn message(&self) -> Result<Message, DecodeError> {
        if self.fields.is_empty() {
            return Ok(Message::Ping);
        }
        let kind = self.needed(self.text("messageType")?, "a messageType")?;
        Ok(match kind.as_str() {
            "hello" => Message::Hello {
                agent: self.agent()?,
                webpush: self.fields.get("use_webpush") == Some(&Value::Bool(true)),
                status: self.number("status")?,
            },
            "register" => Message::Register {
                channel: self.channel()?,
                key: self.text("key")?,
                status: self.number("status")?,
                endpoint: self.text("pushEndpoint")?,
            },
            "unregister" => Message::Unregister {
                channel: self.channel()?,
                code: self.number("code")?,
                status: self.number("status")?,
            },
            "notification" => self.notification()?,
            "ack" => Message::Ack(self.updates()?),
            "nack" => Message::Nack {
                version: self.needed(self.text("version")?, "a version")?,
                code: self.number("code")?,
            },
            "broadcast" | "broadcast_subscribe" => Message::Broadcast,
            "ping" => Message::Ping,
            _ => Message::Other(kind),
        })
    }

    fn agent(&self) -> Result<Option<String>, DecodeError> {
        let agent = self.text("uaid")?;
        if agent.as_ref().is_some_and(|it| it.len() > AGENT_OCTETS) {
            let at = self.at("uaid");
            return Err(fault(at, Class::TooLarge, "an identifier of 128 octets"));
        }
        // Browsers that have none write an empty one, or none.
        Ok(agent.filter(|agent| !agent.is_empty()))
    }

    fn notification(&self) -> Result<Message, DecodeError> {
        let headers = self.fields.get("headers").and_then(Value::as_object);
        let encoding = headers.and_then(|headers| headers.get("encoding")?.as_str());
        Ok(Message::Notification(Notification {
            channel: self.channel()?,
            version: self.needed(self.text("version")?, "a version")?,
            ttl: self.number::<u64>("ttl")?.unwrap_or_default(),
            topic: self.text("topic")?,
            content: self.text("data")?,
            encoding: encoding.map(str::to_owned),
        }))
    }

    fn updates(&self) -> Result<Vec<Update>, DecodeError> {
        let expected = "updates with a channelID, a version and perhaps a code";
        let updates = self.fields.get("updates").and_then(Value::as_array);
        let updates = updates.filter(|updates| updates.len() <= limits::PUSH_SOCKET_UPDATES);
        let update = |it: &Value| {
            let code = match it.get("code") {
                None | Some(Value::Null) => None,
                Some(code) => Some(u16::try_from(code.as_u64()?).ok()?),
            };
            Some(Update {
                channel: channel(it.get("channelID")?.as_str()?)?,
                version: it.get("version")?.as_str()?.to_owned(),
                code,
            })
        };
        let updates = updates.and_then(|updates| updates.iter().map(update).collect());
        self.needed_of("updates", updates, expected)
    }

    fn channel(&self) -> Result<Uuid, DecodeError> {
        let text = self.needed(self.text("channelID")?, "a channelID")?;
        let expected = "a UUID in lower case with dashes";
        channel(&text).ok_or_else(|| fault(self.at("channelID"), Class::BadValue, expected))
    }

    fn text(&self, name: &str) -> Result<Option<String>, DecodeError> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(fault(self.at(name), Class::BadValue, "a text")),
        }
    }

    fn number<T: TryFrom<u64>>(&self, name: &str) -> Result<Option<T>, DecodeError> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                let number = value.as_u64().and_then(|number| T::try_from(number).ok());
                self.needed_of(name, number, "a number").map(Some)
            }
        }
    }

    fn needed<T>(&self, value: Option<T>, expected: &'static str) -> Result<T, DecodeError> {
        let end = self.members.last().map_or(0, |member| member.end);
        value.ok_or_else(|| fault(end, Class::MissingHeader, expected))
    }

    fn needed_of<T>(
        &self,
        name: &str,
        value: Option<T>,
        expected: &'static str,
    ) -> Result<T, DecodeError> {
        value.ok_or_else(|| fault(self.at(name), Class::BadValue, expected))
    }

    /// Where a member begins; of one that is missing, where the message does.
    fn at(&self, name: &'a str) -> usize {
        let found = self.members.iter().find(|member| member.name == name);
        found.map_or(0, |member| member.at)
    }
}

/// The channel of a text: other ways to write a UUID would come back written differently.
fn channel(text: &str) -> Option<Uuid> {
    let channel = Uuid::try_parse(text).ok()?;
    (channel.hyphenated().to_string() == text).then_some(channel)
}

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(list) => list.iter().any(has_fraction),
        Value::Object(fields) => fields.values().any(has_fraction),
        _ => false,
    }
}

/// One span a member, with what stands before it; the last one to the end.
fn spans(octets: &[u8], _: bool) -> Vec<Span> {
    let Ok(read) = Read::of(octets) else {
        return Vec::new();
    };
    let text = core::str::from_utf8(octets).unwrap_or_default();
    let found = members(text);
    let mut spans = Vec::new();
    let mut at = 0_usize;
    for (number, member) in found.iter().enumerate() {
        let is_last = number.saturating_add(1) == found.len();
        let end = if is_last { text.len() } else { member.end };
        let value = read.fields.get(&member.name);
        spans.push(Span {
            at,
            len: end.saturating_sub(at),
            path: format!("{NAME}.{}", member.name),
            value: value.map(ToString::to_string).unwrap_or_default(),
            clause: CLAUSE,
        });
        at = end;
    }
    if spans.is_empty() {
        spans.push(Span {
            at,
            len: text.len(),
            path: NAME.to_owned(),
            value: "ping".to_owned(),
            clause: CLAUSE,
        });
    }
    spans
}

const fn fault(offset: usize, class: Class, expected: &'static str) -> DecodeError {
    DecodeError {
        format: NAME,
        offset,
        class,
        expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Message, (usize, Class)> {
        Message::decode(text.as_bytes()).map_err(|fault| (fault.offset, fault.class))
    }

    fn a_channel() -> Uuid {
        Uuid::from_u128(0xd9b7_4644_4f97_46aa_b8fa_9393_985c_d6cd)
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        let channel = a_channel();
        let push = Notification {
            channel,
            version: "v1".to_owned(),
            ttl: 60,
            topic: Some("t".to_owned()),
            content: Some("AAAA".to_owned()),
            encoding: Some("aes128gcm".to_owned()),
        };
        let update = Update {
            channel,
            version: "v1".to_owned(),
            code: Some(100),
        };
        for message in [
            Message::Hello {
                agent: Some("a1".to_owned()),
                webpush: true,
                status: Some(200),
            },
            Message::Register {
                channel,
                key: Some("BA==".to_owned()),
                status: None,
                endpoint: None,
            },
            Message::Unregister {
                channel,
                code: Some(200),
                status: None,
            },
            Message::Notification(push),
            Message::Ack(vec![update]),
            Message::Nack {
                version: "v1".to_owned(),
                code: Some(301),
            },
            Message::Broadcast,
            Message::Ping,
            Message::Other("urgency".to_owned()),
        ] {
            let text = message.encode();
            assert_eq!(read(&text), Ok(message), "{text}");
        }
    }

    #[test]
    fn a_browser_that_knows_itself_by_nothing_says_so_in_three_ways() {
        let hello = Message::Hello {
            agent: None,
            webpush: true,
            status: None,
        };
        for uaid in ["", r#""uaid":"","#, r#""uaid":null,"#] {
            let text = format!(r#"{{{uaid}"messageType":"hello","use_webpush":true}}"#);
            assert_eq!(read(&text), Ok(hello.clone()), "{text}");
        }
    }

    #[test]
    fn a_message_at_the_bound_is_read_and_one_octet_more_is_not() {
        let with = |octets: usize| {
            let filler = octets - r#"{"messageType":""}"#.len();
            let text = format!(r#"{{"messageType":"{}"}}"#, "x".repeat(filler));
            read(&text).map(|_| ()).map_err(|(_, class)| class)
        };
        let most = limits::PUSH_SOCKET_OCTETS;
        assert_eq!(with(most), Ok(()));
        assert_eq!(with(most + 1), Err(Class::TooLarge));
    }

    #[test]
    fn as_many_members_as_the_limit_are_read_and_no_more() {
        let with = |count: usize| {
            let more = (1..count).map(|number| format!(r#","m{number}":0"#));
            let text = format!(r#"{{"messageType":"ping"{}}}"#, more.collect::<String>());
            read(&text).map(|_| ()).map_err(|(_, class)| class)
        };
        let most = limits::PUSH_SOCKET_MEMBERS;
        assert_eq!(with(most), Ok(()));
        assert_eq!(with(most + 1), Err(Class::TooLarge));
    }

    #[test]
    fn as_many_pushes_as_the_limit_are_acknowledged_at_once_and_no_more() {
        let with = |count: usize| {
            let update = Update {
                channel: a_channel(),
                version: "v".to_owned(),
                code: None,
            };
            read(&Message::Ack(vec![update; count]).encode())
                .map(|_| ())
                .map_err(|(_, class)| class)
        };
        let most = limits::PUSH_SOCKET_UPDATES;
        assert_eq!(with(most), Ok(()));
        assert_eq!(with(most + 1), Err(Class::BadValue));
    }
}
