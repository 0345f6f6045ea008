//! The JSON twin of a submission.

use bytes::Bytes;
use serde::Deserialize;

use super::options::judge;
use super::{Asked, Refused};
use crate::codec::pap::{Status, Version};
use crate::codec::sir::{App, Ask, Placement};
use crate::gateway::push::plan::{Fork, PlanWish};
use crate::gateway::push::submission::{Content, Options};
use crate::time::Time;

/// The JSON twin of a submission.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Json {
    push_id: Option<String>,
    to: OneOrMany,
    #[serde(default)]
    devices: Vec<String>,
    plan: Option<PlanWish>,
    place: Option<Placement>,
    fork: Option<Fork>,
    ask: Option<Ask>,
    #[serde(default)]
    apps: Vec<App>,
    ppg: Option<String>,
    judge: Option<String>,
    application: Option<String>,
    content_type: Option<String>,
    content: Option<String>,
    content_base64: Option<String>,
    #[serde(default)]
    headers: std::collections::BTreeMap<String, String>,
    notify_to: Option<String>,
    deliver_before: Option<String>,
    deliver_after: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Reads the JSON twin; a push-id is made of `fresh` where there is none.
///
/// # Errors
/// With PAP's code and the reason.
pub fn of_json(
    body: &[u8],
    fresh: String,
    defaults: &Options,
    application: &str,
) -> Result<Asked, Refused> {
    let bad = |what: String| Refused::new(Status::BadRequest, what);
    let json: Json = serde_json::from_slice(body).map_err(|error| bad(error.to_string()))?;
    let octets = match (json.content, json.content_base64) {
        (Some(text), None) => Bytes::from(text),
        (None, Some(encoded)) => {
            use base64::Engine;
            let octets = base64::engine::general_purpose::STANDARD.decode(encoded);
            Bytes::from(octets.map_err(|error| bad(format!("content_base64: {error}")))?)
        }
        (None, None) => Bytes::new(),
        (Some(_), Some(_)) => {
            return Err(bad("content and content_base64 exclude each other".into()));
        }
    };
    let time = |name: &str, text: Option<String>| match text {
        Some(text) => text
            .parse::<Time>()
            .map(Some)
            .map_err(|error| bad(format!("{name}: {error}"))),
        None => Ok(None),
    };
    let devices_judge = match json.judge.as_deref() {
        Some(word) => judge(word).ok_or_else(|| bad(format!("judge: {word:?} is none")))?,
        None => defaults.devices_judge,
    };
    Ok(Asked {
        push_id: json.push_id.unwrap_or(fresh),
        version: Version::V2_0,
        addresses: match json.to {
            OneOrMany::One(address) => vec![address],
            OneOrMany::Many(addresses) => addresses,
        },
        takes_bare: true,
        devices: json.devices,
        replaces: None,
        deliver_before: time("deliver_before", json.deliver_before)?,
        deliver_after: time("deliver_after", json.deliver_after)?,
        notify_to: json.notify_to,
        quality: None,
        content: Content {
            application: json.application.unwrap_or_else(|| application.to_owned()),
            content_type: json.content_type.unwrap_or_else(|| "text/plain".to_owned()),
            headers: json.headers.into_iter().collect(),
            octets: octets.len(),
            body: octets,
        },
        options: Options {
            plan: json.plan.unwrap_or(defaults.plan),
            place: json.place.unwrap_or(defaults.place),
            fork: json.fork.unwrap_or(defaults.fork),
            ask: defaults.ask | json.ask.unwrap_or_default(),
            apps: json.apps,
            ppg: json.ppg,
            devices_judge,
        },
        onward: None,
    })
}
