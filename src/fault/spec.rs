//! A rule as people and programs write it: flat, the same at the command line, in the file and in JSON.

use serde::{Deserialize, Serialize};

/// A rule in words; [`super::Rule::of`] says whether it is one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spec {
    /// Its name; `f1`, `f2` ... when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it does: `delay`, `drop`, `duplicate`, `reorder`, `corrupt`, `truncate`, `rate`, `hold`, `disconnect`,
    /// `answer`, `receipt`, `slow-read`.
    pub fault: String,
    /// Milliseconds that `delay` and `receipt late` add.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    /// Up to so many milliseconds more, drawn for each message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter_ms: Option<u64>,
    /// Messages that overtake one that `reorder` hits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<u64>,
    /// Bits that `corrupt` turns, anywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits: Option<u64>,
    /// The octet that `corrupt` turns, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub octet: Option<u64>,
    /// The field that `corrupt` turns a bit of, as `sir decode --bytes` names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Octets that `truncate` leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub octets: Option<u64>,
    /// Octets a second, of `rate` and `slow-read`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<u64>,
    /// What `answer` says: `sip:503`, `http:503`, `pap:4001`, `smpp:ESME_RTHROTTLED`, `wsp:E2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Seconds in the Retry-After of such an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// What happens to a receipt: `failed`, `late`, `missing`, `double`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    /// Only what goes over this bearer: `sip`, `http`, `wsp`, `sms`, `ussd`, `cs`, `ps`, `signalling`, `service`, or
    /// `pap` for the initiators' side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer: Option<String>,
    /// Only on this: `udp`, `stream`, `http`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport: Option<String>,
    /// Only what comes `in`, or goes `out`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dir: Option<String>,
    /// Only of this public user identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pui: Option<String>,
    /// Only of the device of this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Only of peers in this network: `192.0.2.0/24`, `2001:db8::/32`, or an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// Only messages of this kind: `sir`, `content`, `reply`, `receipt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Only messages with this field: `sip.method=MESSAGE`.
    #[serde(skip_serializing_if = "Option::is_none", rename = "match")]
    pub matching: Option<String>,
    /// Only the first so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// Only every so manieth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// Not the first so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// The chance, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p: Option<f64>,
    /// What the chance is drawn from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// What is counted by: `push`, `device`, `rule`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per: Option<String>,
    /// It ends after so many milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<u64>,
    /// It ends after so many hits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hits: Option<u64>,
}

/// Why a text is no rule: one sentence that names the word.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WrongSpec(pub String);

impl Spec {
    /// A rule of that kind and nothing else.
    #[must_use]
    pub fn of(fault: &str) -> Self {
        Self {
            fault: fault.to_owned(),
            ..Self::default()
        }
    }

    /// In a few words, as `--bearer wsp --first 2` at the command line.
    #[must_use]
    pub fn words(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        let members = value.as_object().into_iter().flatten();
        let mut words = vec![self.fault.clone()];
        for (name, value) in members {
            if name == "name" || name == "fault" {
                continue;
            }
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            words.push(format!("{}={text}", name.replace('_', "-")));
        }
        words.join(" ")
    }
}
