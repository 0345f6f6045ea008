//! What a device answers: to the SIR itself, and what the SIR asks for.
//!
//! **Source:** the sirgate SIP profile, E.4 (answers) and E.7 (returned information).

use core::time::Duration;

use serde_json::{Map, Value, json};

use crate::codec::device_id::DeviceId;
use crate::event::Reason;

use super::decision::Judgement;

/// Media type of returned information.
pub const INFORMATION: &str = "application/vnd.sirgate.info+json";

/// The SIP answer to a SIR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The word of the refusal that goes into Reason and Warning; none in an answer that only confirms delivery.
    pub refusal: Option<&'static str>,
    /// Seconds of a Retry-After.
    pub retry_after: Option<u64>,
}

impl Answer {
    /// An answer without more to say.
    #[must_use]
    pub const fn plain(status: u16) -> Self {
        Self {
            status,
            refusal: None,
            retry_after: None,
        }
    }
}

/// How a judgement is answered. Only a device that was addressed alone may refuse by its answer: in a fan-out a refusal
/// would go upstream as the answer for all.
#[must_use]
pub fn answer(judgement: &Judgement, targeted: bool) -> Answer {
    if judgement.connect || !targeted {
        return Answer::plain(200);
    }
    let status = match judgement.reason {
        Reason::Match | Reason::None | Reason::Already | Reason::Expired => {
            return Answer::plain(200);
        }
        Reason::Mismatch | Reason::Pref => 480,
        Reason::Security | Reason::Ppg | Reason::Subscription => 403,
        Reason::Capability => 488,
        Reason::User => 603,
        Reason::Busy => 486,
    };
    Answer {
        status,
        refusal: Some(judgement.reason.token()),
        retry_after: judgement.retry_after.map(seconds),
    }
}

/// Whether a judgement is told as refusal information when that was asked for. A device that was not named stays silent
/// in a fan-out, and one that is connected or late has nothing to refuse.
#[must_use]
pub const fn is_told(judgement: &Judgement, targeted: bool) -> bool {
    match judgement.reason {
        Reason::Match | Reason::None | Reason::Expired => false,
        Reason::Mismatch => targeted,
        _ => !judgement.connect,
    }
}

fn seconds(span: Duration) -> u64 {
    span.as_secs()
        .saturating_add(u64::from(span.subsec_nanos() > 0))
}

/// One returned information as a body: what it answers, who says it, its kind and its members.
#[must_use]
pub fn information(
    sir: Option<&str>,
    device: Option<&DeviceId>,
    kind: &str,
    told: &Value,
) -> Vec<u8> {
    let mut body = Map::new();
    if let Some(sir) = sir {
        body.insert("sir".into(), json!(sir));
    }
    if let Some(device) = device {
        body.insert("device".into(), json!(device.as_str()));
    }
    body.insert("kind".into(), json!(kind));
    match told {
        Value::Object(members) => {
            for (name, value) in members {
                body.entry(name).or_insert_with(|| value.clone());
            }
        }
        Value::Null => {}
        other => {
            body.insert("value".into(), other.clone());
        }
    }
    Value::Object(body).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no(reason: Reason) -> Judgement {
        Judgement {
            connect: false,
            reason,
            conflict: false,
            detail: None,
            retry_after: None,
        }
    }

    #[test]
    fn the_table_of_answers_is_kept() {
        let targeted = [
            (Reason::Mismatch, 480),
            (Reason::Already, 200),
            (Reason::Security, 403),
            (Reason::Ppg, 403),
            (Reason::Subscription, 403),
            (Reason::Pref, 480),
            (Reason::Capability, 488),
            (Reason::User, 603),
            (Reason::Busy, 486),
            (Reason::Expired, 200),
        ];
        for (reason, status) in targeted {
            assert_eq!(answer(&no(reason), true).status, status, "{reason:?}");
            assert_eq!(answer(&no(reason), false), Answer::plain(200), "{reason:?}");
        }
    }

    #[test]
    fn a_quiet_period_says_when_to_come_back() {
        let judgement = Judgement {
            retry_after: Some(Duration::from_millis(1_500)),
            ..no(Reason::Pref)
        };
        assert_eq!(answer(&judgement, true).retry_after, Some(2));
    }

    #[test]
    fn a_device_that_was_not_named_is_silent_in_a_fan_out() {
        assert!(!is_told(&no(Reason::Mismatch), false));
        assert!(is_told(&no(Reason::Mismatch), true));
        assert!(is_told(&no(Reason::Pref), false));
        assert!(is_told(&no(Reason::Already), false));
    }

    #[test]
    fn information_names_what_it_answers_and_cannot_rename_it() {
        let body = information(
            Some("0004"),
            Some(&DeviceId::decode("urn:gsma:imei:90420156-025763-0").unwrap()),
            "refusal",
            &json!({"reason": "pref", "kind": "capability"}),
        );
        assert_eq!(
            serde_json::from_slice::<Value>(&body).unwrap(),
            json!({"sir": "0004", "device": "urn:gsma:imei:90420156-025763-0", "kind": "refusal", "reason": "pref"})
        );
    }

    #[test]
    fn information_that_is_no_object_is_a_value() {
        let body = information(None, None, "security", &json!("none"));
        assert_eq!(
            serde_json::from_slice::<Value>(&body).unwrap(),
            json!({"kind": "security", "value": "none"})
        );
    }
}
