//! What the service answers: the name of the message that it took, or why it took none.
//!
//! **Source:** Google, «ErrorCode» (all codes with their status and what to do) and «REST error codes for the HTTP v1 API»
//! (the body: `error` with `code`, `message`, `status` and `details`, in which an `FcmError` has the `errorCode`).

use core::time::Duration;

use serde_json::{Value, json};

use crate::codec::DecodeError;
use crate::codec::format::{Decoded, FieldFault, Format};
use crate::codec::json_text::JsonText;
use crate::limits;

/// The body of an answer, of success and of failure.
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

const NAME: &str = "fcm-answer";
const CLAUSE: &str = "FCM v1: error codes";
const FCM_ERROR: &str = "type.googleapis.com/google.firebase.fcm.v1.FcmError";
const BAD_REQUEST: &str = "type.googleapis.com/google.rpc.BadRequest";
/// How long to leave a message's target alone after its quota was used up.
const AFTER_QUOTA: Duration = Duration::from_secs(60);

/// Why a message is refused, as the service names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// `UNSPECIFIED_ERROR`: nothing is known of it.
    UnspecifiedError,
    /// `INVALID_ARGUMENT`: the message is none; the token may be none either.
    InvalidArgument,
    /// `UNREGISTERED`: the device has the application no more.
    Unregistered,
    /// `SENDER_ID_MISMATCH`: the device belongs to another sender.
    SenderIdMismatch,
    /// `QUOTA_EXCEEDED`: too many messages.
    QuotaExceeded,
    /// `UNAVAILABLE`: the service is overloaded.
    Unavailable,
    /// `INTERNAL`: the service failed.
    Internal,
    /// `THIRD_PARTY_AUTH_ERROR`: the key of the service behind it is none.
    ThirdPartyAuthError,
}

impl Code {
    /// All of them, as documented.
    pub const ALL: [Self; 8] = [
        Self::UnspecifiedError,
        Self::InvalidArgument,
        Self::Unregistered,
        Self::SenderIdMismatch,
        Self::QuotaExceeded,
        Self::Unavailable,
        Self::Internal,
        Self::ThirdPartyAuthError,
    ];

    const fn row(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::UnspecifiedError => ("UNSPECIFIED_ERROR", 500, "UNKNOWN"),
            Self::InvalidArgument => ("INVALID_ARGUMENT", 400, "INVALID_ARGUMENT"),
            Self::Unregistered => ("UNREGISTERED", 404, "NOT_FOUND"),
            Self::SenderIdMismatch => ("SENDER_ID_MISMATCH", 403, "PERMISSION_DENIED"),
            Self::QuotaExceeded => ("QUOTA_EXCEEDED", 429, "RESOURCE_EXHAUSTED"),
            Self::Unavailable => ("UNAVAILABLE", 503, "UNAVAILABLE"),
            Self::Internal => ("INTERNAL", 500, "INTERNAL"),
            Self::ThirdPartyAuthError => ("THIRD_PARTY_AUTH_ERROR", 401, "UNAUTHENTICATED"),
        }
    }

    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.row().0
    }

    /// The status of HTTP that it comes with.
    #[must_use]
    pub const fn http(self) -> u16 {
        self.row().1
    }

    /// The code of a name.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|own| own.word() == word)
    }
}

/// The word of a refusal: one that is documented, or another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// As documented.
    Known(Code),
    /// What else the service says.
    Other(String),
}

impl core::fmt::Display for Word {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Known(code) => code.word(),
            Self::Other(word) => word,
        })
    }
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The service has it, under this name.
    Taken(String),
    /// The device has the application no more: nothing is to be sent to this token again.
    Gone(Word),
    /// Another try may do, after so long where the service says or documents it.
    Later {
        /// Why.
        reason: Word,
        /// How long to wait.
        after: Option<Duration>,
    },
    /// The access token is to be had anew, and the message sent again.
    Renew,
    /// It will not be taken as it is.
    Refused(Word),
}

/// The body of a success.
#[must_use]
pub fn taken(name: &str) -> String {
    json!({ "name": name }).to_string()
}

/// The body of a refusal; a field that is wrong is named.
#[must_use]
pub fn refusal(code: Code, message: &str, field: Option<&str>) -> String {
    let (word, http, status) = code.row();
    let mut details = vec![json!({ "@type": FCM_ERROR, "errorCode": word })];
    if let Some(field) = field {
        let violation = json!({ "field": field, "description": message });
        details.push(json!({ "@type": BAD_REQUEST, "fieldViolations": [violation] }));
    }
    json!({ "error": { "code": http, "message": message, "status": status, "details": details } })
        .to_string()
}

/// The body of a refusal that comes before FCM: nobody is known by the access token, or the path is none.
#[must_use]
pub fn plain_refusal(http: u16, status: &str, message: &str) -> String {
    json!({ "error": { "code": http, "message": message, "status": status } }).to_string()
}

/// What an answer comes to. `retry_after` is the header of that name.
#[must_use]
pub fn answer(status: u16, body: &[u8], retry_after: Option<&str>) -> Answer {
    let told = read(body).ok().map(|(_, told)| told);
    if status == 200 {
        let name = match told {
            Some(Told::Taken(name)) => name,
            _ => String::new(),
        };
        return Answer::Taken(name);
    }
    let reason = match told {
        Some(Told::Refused(reason)) => reason,
        _ => Word::Other(format!("HTTP {status}")),
    };
    let asked = retry_after.and_then(|seconds| seconds.trim().parse().ok());
    let asked = asked.map(Duration::from_secs);
    match (&reason, status) {
        (Word::Known(Code::Unregistered), _) => Answer::Gone(reason),
        (Word::Known(Code::ThirdPartyAuthError), _) => Answer::Refused(reason),
        (_, 401) => Answer::Renew,
        (_, 429) => Answer::Later {
            reason,
            after: asked.or(Some(AFTER_QUOTA)),
        },
        (_, 408 | 500..=599) => Answer::Later {
            reason,
            after: asked,
        },
        _ => Answer::Refused(reason),
    }
}

/// What a body says.
enum Told {
    Taken(String),
    Refused(Word),
}

fn read(octets: &[u8]) -> Result<(JsonText, Told), DecodeError> {
    let text = JsonText::of(octets, NAME, limits::PUSH_ANSWER_OCTETS)?;
    if let Some(name) = text.text("name")? {
        let name = name.to_owned();
        return Ok((text, Told::Taken(name)));
    }
    let error = text.needed(text.object("error")?, "a name or an error")?;
    let details = match error.get("details") {
        None | Some(Value::Null) => [].as_slice(),
        Some(Value::Array(details)) => details.as_slice(),
        Some(_) => return Err(text.bad("error", "details that are a list")),
    };
    let own = details
        .iter()
        .find(|detail| detail.get("@type").and_then(Value::as_str) == Some(FCM_ERROR))
        .and_then(|detail| detail.get("errorCode")?.as_str());
    let word = own.or_else(|| error.get("status")?.as_str());
    let word = word.filter(|word| (1..=limits::PUSH_REASON_OCTETS).contains(&word.len()));
    let word = word.ok_or_else(|| text.bad("error", "a status of 1 to 128 octets"))?;
    // A status outside of FCM's own details only says what kind of failure it is.
    let code = own.and_then(Code::of_word).or(match word {
        "INVALID_ARGUMENT" => Some(Code::InvalidArgument),
        "UNAVAILABLE" => Some(Code::Unavailable),
        "INTERNAL" => Some(Code::Internal),
        _ => None,
    });
    let reason = code.map_or_else(|| Word::Other(word.to_owned()), Word::Known);
    Ok((text, Told::Refused(reason)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_code_comes_back_from_the_body_that_says_it() {
        for code in Code::ALL {
            let body = refusal(code, "because", Some("message.token"));
            let told = match answer(code.http(), body.as_bytes(), None) {
                Answer::Gone(reason) | Answer::Refused(reason) | Answer::Later { reason, .. } => {
                    reason
                }
                other => panic!("{other:?}"),
            };
            assert_eq!(told, Word::Known(code));
        }
    }

    #[test]
    fn a_device_that_is_gone_is_told_from_a_path_that_is_none() {
        let gone = refusal(Code::Unregistered, "gone", None);
        let gone = answer(404, gone.as_bytes(), None);
        assert_eq!(gone, Answer::Gone(Word::Known(Code::Unregistered)));
        let none = plain_refusal(404, "NOT_FOUND", "no such project");
        let none = answer(404, none.as_bytes(), None);
        assert_eq!(none, Answer::Refused(Word::Other("NOT_FOUND".to_owned())));
    }

    #[test]
    fn an_access_token_that_is_no_longer_good_is_renewed_and_a_key_behind_it_is_not() {
        let old = plain_refusal(401, "UNAUTHENTICATED", "expired");
        assert_eq!(answer(401, old.as_bytes(), None), Answer::Renew);
        let behind = refusal(Code::ThirdPartyAuthError, "no key", None);
        let behind = answer(401, behind.as_bytes(), None);
        assert_eq!(
            behind,
            Answer::Refused(Word::Known(Code::ThirdPartyAuthError))
        );
    }

    #[test]
    fn a_quota_that_is_used_up_is_waited_for_a_minute_unless_the_service_says_how_long() {
        let body = refusal(Code::QuotaExceeded, "slower", None);
        let after = |status, header| match answer(status, body.as_bytes(), header) {
            Answer::Later { after, .. } => after,
            _ => panic!("not later"),
        };
        assert_eq!(after(429, None), Some(Duration::from_secs(60)));
        assert_eq!(after(429, Some("5")), Some(Duration::from_secs(5)));
        assert_eq!(after(503, None), None);
        let page = answer(502, b"<!DOCTYPE html>", None);
        assert!(matches!(page, Answer::Later { .. }));
    }

    #[test]
    fn what_is_taken_has_a_name() {
        let body = taken("projects/p/messages/1");
        let found = answer(200, body.as_bytes(), None);
        assert_eq!(found, Answer::Taken("projects/p/messages/1".to_owned()));
    }
}
