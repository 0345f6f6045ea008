//! The record of a push: what was submitted, for whom, and what came of it by now.

use core::time::Duration;
use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::group::{GroupBody, group_body, names, places, read_group};
use super::{BadRecord, VERSION, check};
use crate::codec::pap::{Quality, Version};
use crate::codec::sir::{App, Ask, Placement};
use crate::gateway::forwarding::Onward;
use crate::gateway::push::plan::{Devices, Fork, PlanWish};
use crate::gateway::push::submission::{Address, AddressEnd, Content, Group, Options, Phase, Push};
use crate::gateway::registry::Registry;
use crate::time::Time;
use crate::world::{Record, RecordKey, RecordKind};

/// How long the record of an ended push is kept for queries.
const HISTORY: Duration = Duration::from_secs(7 * 86_400);

/// The first octet of a push's record that is the fields of [`PushBody`] one after another (format of the crate postcard).
/// Those fields, and the words of their enumerations, have their places in it: what adds one needs another octet here, and
/// reads the records of this one as before. JSON begins with a brace.
const OCTETS: u8 = 2;

/// A push. No field of it may be left out when it is written.
#[derive(Serialize, Deserialize)]
struct PushBody<'a> {
    v: u32,
    #[serde(borrow)]
    push_id: Cow<'a, str>,
    #[serde(borrow)]
    initiator: Cow<'a, str>,
    version: Version,
    #[serde(borrow)]
    sir: Cow<'a, str>,
    accepted: Time,
    #[serde(default)]
    not_before: Option<Time>,
    expires: Time,
    #[serde(borrow, default)]
    notify_to: Option<Cow<'a, str>>,
    #[serde(default)]
    quality: Option<Quality>,
    #[serde(borrow)]
    content: ContentBody<'a>,
    #[serde(borrow)]
    options: OptionsBody<'a>,
    #[serde(borrow)]
    addresses: Vec<AddressBody<'a>>,
    #[serde(borrow)]
    groups: Vec<GroupBody<'a>>,
    #[serde(default)]
    ended: Option<Time>,
    #[serde(default)]
    onward: Option<Cow<'a, Onward>>,
}

#[derive(Serialize, Deserialize)]
struct ContentBody<'a> {
    #[serde(borrow)]
    application: Cow<'a, str>,
    #[serde(borrow)]
    content_type: Cow<'a, str>,
    headers: Cow<'a, [(String, String)]>,
    octets: usize,
    /// The octets as they are, when they are text.
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(default)]
    base64: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct OptionsBody<'a> {
    plan: PlanWish,
    place: Placement,
    fork: Fork,
    ask: Ask,
    #[serde(borrow)]
    apps: Vec<AppBody<'a>>,
    #[serde(borrow, default)]
    ppg: Option<Cow<'a, str>>,
    devices_judge: bool,
}

#[derive(Serialize, Deserialize)]
struct AppBody<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
}

#[derive(Serialize, Deserialize)]
struct AddressBody<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
    group: usize,
    #[serde(borrow)]
    devices: Vec<Cow<'a, str>>,
    #[serde(default)]
    end: Option<Cow<'a, AddressEnd>>,
}

/// The record of a push. One that ended is no longer live, and needs no further record when it leaves memory: the
/// latest ended ones are read back after a restart, because their push-ids must not be taken again.
#[must_use]
pub fn push(push: &Push, registry: &Registry) -> Record {
    let ended = match push.phase {
        Phase::Ended(at) => Some(at),
        Phase::Waiting | Phase::Running => None,
    };
    let body = PushBody {
        v: VERSION,
        push_id: Cow::Borrowed(&push.push_id),
        initiator: Cow::Borrowed(&push.initiator),
        version: push.version,
        sir: Cow::Borrowed(&push.sir),
        accepted: push.accepted_at,
        not_before: push.not_before,
        expires: push.expires_at,
        notify_to: push.notify_to.as_deref().map(Cow::Borrowed),
        quality: push.quality.clone(),
        content: content_body(&push.content, ended.is_some()),
        options: options_body(&push.options),
        addresses: push
            .addresses
            .iter()
            .map(|address| AddressBody {
                text: Cow::Borrowed(&address.text),
                group: address.group,
                devices: push
                    .groups
                    .get(address.group)
                    .map(|group| names(registry, group, address.devices))
                    .unwrap_or_default(),
                end: address.end.as_ref().map(Cow::Borrowed),
            })
            .collect(),
        groups: push
            .groups
            .iter()
            .map(|group| group_body(group, registry))
            .collect(),
        ended,
        onward: push.onward.as_deref().map(Cow::Borrowed),
    };
    Record {
        key: RecordKey {
            kind: RecordKind::Push,
            id: push.key(),
        },
        pui: push.groups.first().map(|group| group.pui.clone()),
        live: ended.is_none(),
        due: Some(ended.map_or(push.expires_at, |at| at + HISTORY)),
        body: octets(&body),
    }
}

/// The body of a push in octets, which writing to memory cannot refuse.
fn octets(body: &PushBody<'_>) -> Vec<u8> {
    let mut octets = Vec::with_capacity(1_024);
    octets.push(OCTETS);
    postcard::to_extend(body, octets).unwrap_or_default()
}

/// The body of a push: in octets, or in JSON as earlier versions wrote it.
fn push_body(body: &[u8]) -> Result<PushBody<'_>, BadRecord> {
    match body {
        [b'{', ..] => Ok(serde_json::from_slice(body)?),
        [OCTETS, fields @ ..] => Ok(postcard::from_bytes(fields)?),
        [version, ..] => Err(BadRecord::Version(u32::from(*version))),
        [] => Err(BadRecord::Value("nothing")),
    }
}

/// What the record of a push says, for tests.
#[cfg(test)]
pub(in crate::gateway) fn shown(body: &[u8]) -> serde_json::Value {
    serde_json::to_value(push_body(body).unwrap()).unwrap()
}

fn content_body(content: &Content, ended: bool) -> ContentBody<'_> {
    let text = core::str::from_utf8(&content.body).ok();
    ContentBody {
        application: Cow::Borrowed(&content.application),
        content_type: Cow::Borrowed(&content.content_type),
        headers: Cow::Borrowed(&content.headers),
        octets: content.octets,
        text: text.filter(|_| !ended).map(Cow::Borrowed),
        base64: (!ended && text.is_none()).then(|| STANDARD.encode(&content.body)),
    }
}

fn options_body(options: &Options) -> OptionsBody<'_> {
    OptionsBody {
        plan: options.plan,
        place: options.place,
        fork: options.fork,
        ask: options.ask,
        apps: options
            .apps
            .iter()
            .map(|app| AppBody {
                id: Cow::Borrowed(&app.id),
                name: app.name.as_deref().map(Cow::Borrowed),
            })
            .collect(),
        ppg: options.ppg.as_deref().map(Cow::Borrowed),
        devices_judge: options.devices_judge,
    }
}

/// The push of a record. Identities and devices it names are entered where the registry lacks them, so that nothing
/// that was accepted is lost.
///
/// # Errors
/// When the record is not one of ours, or there is no room.
pub fn read_push(body: &[u8], registry: &mut Registry) -> Result<Push, BadRecord> {
    let read = push_body(body)?;
    check(read.v)?;
    let is_onward = read.onward.is_some();
    let groups: Vec<Group> = read
        .groups
        .into_iter()
        .map(|group| read_group(group, registry))
        .collect::<Result<_, _>>()?;
    let addresses = read
        .addresses
        .into_iter()
        .map(|address| {
            let devices = match groups.get(address.group) {
                Some(group) => places(&address.devices, &group.pui, registry)?,
                None if is_onward => Devices::NONE,
                None => return Err(BadRecord::Value("a group")),
            };
            Ok(Address {
                text: address.text.into_owned(),
                group: address.group,
                devices,
                end: address.end.map(Cow::into_owned),
            })
        })
        .collect::<Result<_, BadRecord>>()?;
    Ok(Push {
        push_id: read.push_id.into_owned(),
        initiator: read.initiator.into_owned(),
        version: read.version,
        sir: read.sir.into_owned(),
        accepted_at: read.accepted,
        not_before: read.not_before,
        expires_at: read.expires,
        notify_to: read.notify_to.map(Cow::into_owned),
        quality: read.quality,
        content: read_content(read.content)?,
        options: read_options(read.options),
        addresses,
        groups,
        onward: read.onward.map(|onward| Box::new(onward.into_owned())),
        phase: read.ended.map_or(Phase::Waiting, Phase::Ended),
    })
}

fn read_content(content: ContentBody<'_>) -> Result<Content, BadRecord> {
    let body = match (content.text, content.base64) {
        (Some(text), _) => Bytes::from(text.into_owned()),
        (None, Some(encoded)) => Bytes::from(
            STANDARD
                .decode(encoded)
                .map_err(|_| BadRecord::Value("the content"))?,
        ),
        (None, None) => Bytes::new(),
    };
    Ok(Content {
        application: content.application.into_owned(),
        content_type: content.content_type.into_owned(),
        headers: content.headers.into_owned(),
        octets: content.octets,
        body,
    })
}

fn read_options(options: OptionsBody<'_>) -> Options {
    Options {
        plan: options.plan,
        place: options.place,
        fork: options.fork,
        ask: options.ask,
        apps: options
            .apps
            .into_iter()
            .map(|app| App {
                id: app.id.into_owned(),
                name: app.name.map(Cow::into_owned),
            })
            .collect(),
        ppg: options.ppg.map(Cow::into_owned),
        devices_judge: options.devices_judge,
    }
}
