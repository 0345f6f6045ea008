//! What the service answers: taken, or why not.
//!
//! **Source:** Apple, «Handling notification responses from APNs»: status codes, the keys `reason` and `timestamp`, all
//! error strings, and which of them are worth another try. `BadEnvironmentKeyInToken` is what the service was seen to
//! write for `BadEnvironmentKeyIdInToken` (APNSwift, pull request 229).

use core::time::Duration;

use serde_json::{Map, Value, json};

use crate::codec::format::{Decoded, FieldFault, Format};
use crate::codec::json_text::JsonText;
use crate::codec::{Class, DecodeError};
use crate::limits;
use crate::time::Time;

/// The body of a refusal.
pub const FORMAT: Format = Format {
    name: NAME,
    clause: CLAUSE,
    decode: |octets, _| {
        Ok(Decoded::strict(Value::Object(
            read(octets)?.0.into_fields(),
        )))
    },
    spans: |octets, _| read(octets).map_or_else(|_| Vec::new(), |(text, _)| text.spans(CLAUSE)),
    encode: |fields| {
        let text = fields.to_string();
        match read(text.as_bytes()) {
            Ok(_) => Ok(text.into_bytes()),
            Err(fault) => Err(FieldFault::new(format_args!(
                "the answer would be refused: expected {}",
                fault.expected
            ))),
        }
    },
};

const NAME: &str = "apns-answer";
const CLAUSE: &str = "APNs: Handling notification responses";
/// How long to leave the service alone after it failed.
const AFTER_FAILURE: Duration = Duration::from_secs(900);
/// The other spelling of a reason.
const SEEN: &str = "BadEnvironmentKeyInToken";

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $status:literal,)*) => {
        /// Why a notification is refused; the names are those of the service.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[$doc])* $name,)*
        }

        impl Reason {
            /// All of them, as documented.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The error string.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// The status that it comes with.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$name => $status,)*
                }
            }
        }
    };
}

reasons! {
    /// The identifier under which notifications replace each other is too long.
    BadCollapseId = 400,
    /// The device token is none, or of the other environment.
    BadDeviceToken = 400,
    /// `apns-expiration` is no time.
    BadExpirationDate = 400,
    /// `apns-id` is no UUID.
    BadMessageId = 400,
    /// `apns-priority` is none.
    BadPriority = 400,
    /// `apns-topic` is none.
    BadTopic = 400,
    /// The device belongs to another application.
    DeviceTokenNotForTopic = 400,
    /// A header stands twice.
    DuplicateHeaders = 400,
    /// The connection was unused for long.
    IdleTimeout = 400,
    /// `apns-push-type` is none.
    InvalidPushType = 400,
    /// The path names no device.
    MissingDeviceToken = 400,
    /// There is no `apns-topic`, and one is needed.
    MissingTopic = 400,
    /// There is no payload.
    PayloadEmpty = 400,
    /// The provider may not send to this application.
    TopicDisallowed = 400,
    /// The provider's certificate is none.
    BadCertificate = 403,
    /// The provider's certificate is for the other environment.
    BadCertificateEnvironment = 403,
    /// The provider's token is old: a new one is to be made.
    ExpiredProviderToken = 403,
    /// This may not be done.
    Forbidden = 403,
    /// The provider's token is none, or its signature is not the key's.
    InvalidProviderToken = 403,
    /// There is neither a certificate nor a token.
    MissingProviderToken = 403,
    /// The key has nothing to do with the first one of the connection.
    UnrelatedKeyIdInToken = 403,
    /// The key is for the other environment.
    BadEnvironmentKeyIdInToken = 403,
    /// The path is none.
    BadPath = 404,
    /// Another method than POST.
    MethodNotAllowed = 405,
    /// The device token has expired.
    ExpiredToken = 410,
    /// The device has the application no more.
    Unregistered = 410,
    /// The payload is too large.
    PayloadTooLarge = 413,
    /// The provider's token changes more often than every 20 minutes.
    TooManyProviderTokenUpdates = 429,
    /// Too many notifications for the same device.
    TooManyRequests = 429,
    /// The service failed.
    InternalServerError = 500,
    /// The service is not there.
    ServiceUnavailable = 503,
    /// The service stops.
    Shutdown = 503,
}

/// The error string of a refusal: one that is documented, or another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// As documented.
    Known(Reason),
    /// The service says more than its documentation.
    Other(String),
}

/// What became of a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The service has it.
    Taken,
    /// The device has the application no more: nothing is to be sent to this token again.
    Gone {
        /// Why.
        reason: Word,
        /// When the service knew; a token that the device reported later is a new one.
        since: Option<Time>,
    },
    /// Another try may do, after so long where the service says or documents it.
    Later {
        /// Why.
        reason: Option<Word>,
        /// How long to wait.
        after: Option<Duration>,
    },
    /// The provider's token is to be made anew, and the notification sent again.
    Renew,
    /// It will not be taken as it is.
    Refused(Word),
}

impl Reason {
    /// The reason of an error string.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        if word == SEEN {
            return Some(Self::BadEnvironmentKeyIdInToken);
        }
        Self::ALL.iter().copied().find(|own| own.word() == word)
    }
}

impl core::fmt::Display for Word {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Known(reason) => reason.word(),
            Self::Other(word) => word,
        })
    }
}

/// The body of a refusal; `since` stands in those with the status 410.
#[must_use]
pub fn body(reason: Reason, since: Option<Time>) -> String {
    let mut fields = Map::new();
    fields.insert("reason".to_owned(), json!(reason.word()));
    if let Some(since) = since.filter(|_| reason.status() == 410) {
        let millis = since.micros().checked_div(1_000).unwrap_or_default();
        fields.insert("timestamp".to_owned(), json!(millis));
    }
    Value::Object(fields).to_string()
}

/// What an answer comes to. `retry_after` is the header of that name.
#[must_use]
pub fn answer(status: u16, body: &[u8], retry_after: Option<&str>) -> Answer {
    if status == 200 {
        return Answer::Taken;
    }
    let told = read(body).ok().map(|(_, refusal)| refusal);
    let since = told.as_ref().and_then(|told| told.since);
    let reason = told.map(|told| told.reason);
    let asked = retry_after.and_then(|seconds| seconds.trim().parse().ok());
    let asked = asked.map(Duration::from_secs);
    let plain = || Word::Other(format!("HTTP {status}"));
    match (&reason, status) {
        (Some(Word::Known(Reason::ExpiredProviderToken)), _) => Answer::Renew,
        (Some(Word::Known(Reason::IdleTimeout)), _) | (_, 408 | 429) => Answer::Later {
            reason,
            after: asked,
        },
        (_, 410) => Answer::Gone {
            reason: reason.unwrap_or_else(plain),
            since,
        },
        (_, 500..=599) => Answer::Later {
            reason,
            after: asked.or(Some(AFTER_FAILURE)),
        },
        _ => Answer::Refused(reason.unwrap_or_else(plain)),
    }
}

/// What a refusal says.
struct Refusal {
    reason: Word,
    since: Option<Time>,
}

fn read(octets: &[u8]) -> Result<(JsonText, Refusal), DecodeError> {
    let text = JsonText::of(octets, NAME, limits::PUSH_ANSWER_OCTETS)?;
    let word = text.needed(text.text("reason")?, "a reason")?;
    if word.is_empty() || word.len() > limits::PUSH_REASON_OCTETS {
        return Err(DecodeError {
            class: Class::BadValue,
            ..text.bad("reason", "a reason of 1 to 128 octets")
        });
    }
    let reason = Reason::of_word(word).map_or_else(|| Word::Other(word.to_owned()), Word::Known);
    let micros = |millis: u64| {
        let expected = "milliseconds since 1970";
        let micros = millis.checked_mul(1_000);
        micros.ok_or_else(|| text.bad("timestamp", expected))
    };
    let since = text.number("timestamp")?.map(micros).transpose()?;
    let since = since.map(Time::from_micros);
    Ok((text, Refusal { reason, since }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_reason_comes_back_from_the_body_that_says_it() {
        assert_eq!(Reason::ALL.len(), 32);
        for reason in Reason::ALL.iter().copied() {
            let body = body(reason, Some(Time::from_secs(1_700_000_000)));
            let known = Word::Known(reason);
            let found = answer(reason.status(), body.as_bytes(), None);
            let told = match found {
                Answer::Gone { reason, since } => {
                    assert_eq!(since, Some(Time::from_secs(1_700_000_000)));
                    reason
                }
                Answer::Later { reason, .. } => reason.unwrap(),
                Answer::Refused(reason) => reason,
                Answer::Renew => Word::Known(Reason::ExpiredProviderToken),
                Answer::Taken => panic!("taken"),
            };
            assert_eq!(told, known);
        }
    }

    #[test]
    fn what_the_documentation_forbids_to_repeat_is_refused_or_gone() {
        for reason in [
            Reason::BadDeviceToken,
            Reason::DeviceTokenNotForTopic,
            Reason::Forbidden,
            Reason::PayloadTooLarge,
        ] {
            let found = answer(reason.status(), body(reason, None).as_bytes(), None);
            assert_eq!(found, Answer::Refused(Word::Known(reason)));
        }
        for reason in [Reason::ExpiredToken, Reason::Unregistered] {
            let found = answer(410, body(reason, None).as_bytes(), None);
            assert!(matches!(found, Answer::Gone { .. }));
        }
    }

    #[test]
    fn a_service_that_fails_is_left_alone_for_as_long_as_it_says_or_documents() {
        let after = |status, header| match answer(status, b"", header) {
            Answer::Later { after, .. } => after,
            _ => panic!("not later"),
        };
        assert_eq!(after(503, None), Some(Duration::from_secs(900)));
        assert_eq!(after(503, Some("7")), Some(Duration::from_secs(7)));
        assert_eq!(after(429, None), None);
        assert_eq!(after(429, Some("30")), Some(Duration::from_secs(30)));
    }

    #[test]
    fn an_answer_that_says_nothing_or_something_new_is_no_fault_of_ours() {
        let other = answer(400, br#"{"reason":"NewReason"}"#, None);
        assert_eq!(other, Answer::Refused(Word::Other("NewReason".to_owned())));
        let none = answer(403, b"<html>", None);
        assert_eq!(none, Answer::Refused(Word::Other("HTTP 403".to_owned())));
        let seen = answer(403, br#"{"reason":"BadEnvironmentKeyInToken"}"#, None);
        let known = Word::Known(Reason::BadEnvironmentKeyIdInToken);
        assert_eq!(seen, Answer::Refused(known));
    }
}
