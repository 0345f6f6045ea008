//! Records and state: what the gateway must know again after a restart, as versioned JSON.
//!
//! A record of a later version than ours is refused, not guessed at. Devices go by name in records, because their
//! places are a matter of memory.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use core::time::Duration;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

use crate::codec::device_id::DeviceId;
use crate::codec::pap::{MessageState, Quality, Version};
use crate::codec::sir::{App, Ask, Placement};
use crate::event::{Mode, Outcome};
use crate::gateway::config::DeviceProfile;
use crate::gateway::forwarding::Onward;
use crate::gateway::profile::Profile;
use crate::gateway::push::delivery::{Accepted, Delivery, Ending, Stage};
use crate::gateway::push::notification::Owed;
use crate::gateway::push::plan::{Devices, Fork, PlanWish};
use crate::gateway::push::submission::{Address, AddressEnd, Content, Group, Options, Phase, Push};
use crate::gateway::registry::{Identity, Registry};
use crate::protocol::sip::registrar::Binding;
use crate::time::Time;
use crate::world::{Record, RecordKey, RecordKind};

/// The version of every body written here.
pub(super) const VERSION: u32 = 1;
/// How long the record of an ended push is kept for queries.
const HISTORY: Duration = Duration::from_secs(7 * 86_400);

/// Why a record is not taken back.
#[derive(Debug, thiserror::Error)]
pub enum BadRecord {
    /// It is no JSON of this kind.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// A later version wrote it.
    #[error("version {0} of the record is not known here")]
    Version(u32),
    /// A value in it is outside its domain.
    #[error("{0} in the record is outside its domain")]
    Value(&'static str),
    /// The registry has no room for what it names.
    #[error("the registry is full")]
    Full,
}

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
    #[serde(skip_serializing_if = "Option::is_none", default)]
    not_before: Option<Time>,
    expires: Time,
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    notify_to: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    quality: Option<Quality>,
    #[serde(borrow)]
    content: ContentBody<'a>,
    #[serde(borrow)]
    options: OptionsBody<'a>,
    #[serde(borrow)]
    addresses: Vec<AddressBody<'a>>,
    #[serde(borrow)]
    groups: Vec<GroupBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    ended: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
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
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    text: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    base64: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct OptionsBody<'a> {
    plan: PlanWish,
    place: Placement,
    fork: Fork,
    ask: Ask,
    apps: Cow<'a, [App]>,
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    ppg: Option<Cow<'a, str>>,
    devices_judge: bool,
}

#[derive(Serialize, Deserialize)]
struct AddressBody<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
    group: usize,
    #[serde(borrow)]
    devices: Vec<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    end: Option<Cow<'a, AddressEnd>>,
}

#[derive(Serialize, Deserialize)]
struct GroupBody<'a> {
    #[serde(borrow)]
    pui: Cow<'a, str>,
    #[serde(borrow)]
    addressed: Vec<Cow<'a, str>>,
    chosen: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    mode: Option<Mode>,
    #[serde(borrow)]
    deliveries: Vec<DeliveryBody<'a>>,
}

#[derive(Serialize, Deserialize)]
struct DeliveryBody<'a> {
    #[serde(borrow)]
    dev: Cow<'a, str>,
    attempt: u32,
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    end: Option<EndingBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    accepted: Option<Cow<'a, Accepted>>,
}

#[derive(Serialize, Deserialize)]
struct EndingBody<'a> {
    outcome: Outcome,
    state: MessageState,
    code: u16,
    #[serde(borrow)]
    reason: Cow<'a, str>,
    at: Time,
}

#[derive(Serialize, Deserialize)]
struct IdentityBody {
    v: u32,
    pui: String,
    aliases: Vec<String>,
    devices: Vec<DeviceBody>,
}

#[derive(Serialize, Deserialize)]
struct DeviceBody {
    name: String,
    kind: String,
    ids: Vec<DeviceId>,
    profile: Profile,
    reported: BTreeMap<String, Value>,
    gone: bool,
}

#[derive(Serialize, Deserialize)]
struct OwedBody {
    v: u32,
    owed: Owed,
}

#[derive(Serialize, Deserialize)]
struct BindingBody {
    v: u32,
    binding: Binding,
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
        body: json(&body),
    }
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
        apps: Cow::Borrowed(&options.apps),
        ppg: options.ppg.as_deref().map(Cow::Borrowed),
        devices_judge: options.devices_judge,
    }
}

fn group_body<'a>(group: &'a Group, registry: &'a Registry) -> GroupBody<'a> {
    GroupBody {
        pui: Cow::Borrowed(&group.pui),
        addressed: names(registry, group, group.addressed),
        chosen: group.is_chosen,
        mode: group.mode,
        deliveries: group
            .deliveries
            .iter()
            .map(|delivery| DeliveryBody {
                dev: Cow::Borrowed(&delivery.name),
                attempt: delivery.attempt,
                end: delivery.ending().map(|end| EndingBody {
                    outcome: end.outcome,
                    state: end.state,
                    code: end.code,
                    reason: Cow::Borrowed(&end.reason),
                    at: end.at,
                }),
                accepted: delivery
                    .accepted
                    .as_ref()
                    .filter(|_| delivery.ending().is_none())
                    .map(Cow::Borrowed),
            })
            .collect(),
    }
}

fn names<'a>(registry: &'a Registry, group: &Group, devices: Devices) -> Vec<Cow<'a, str>> {
    let Some(identity) = registry.get(group.identity) else {
        return Vec::new();
    };
    devices
        .iter()
        .filter_map(|at| identity.devices.get(at))
        .map(|device| Cow::Borrowed(device.name.as_str()))
        .collect()
}

/// The push of a record. Identities and devices it names are entered where the registry lacks them, so that nothing
/// that was accepted is lost.
///
/// # Errors
/// When the record is not one of ours, or there is no room.
pub fn read_push(body: &[u8], registry: &mut Registry) -> Result<Push, BadRecord> {
    let read: PushBody<'_> = serde_json::from_slice(body)?;
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
        apps: options.apps.into_owned(),
        ppg: options.ppg.map(Cow::into_owned),
        devices_judge: options.devices_judge,
    }
}

fn read_group(group: GroupBody<'_>, registry: &mut Registry) -> Result<Group, BadRecord> {
    let pui = group.pui.into_owned();
    let identity = registry.enter(&pui).ok_or(BadRecord::Full)?;
    let addressed = places(&group.addressed, &pui, registry)?;
    let mut deliveries = Vec::with_capacity(group.deliveries.len());
    for delivery in group.deliveries {
        let name = delivery.dev.into_owned();
        let at = place(&name, &pui, registry)?;
        let mut restored = Delivery::new(at, name);
        restored.attempt = delivery.attempt;
        restored.restored = delivery.accepted.map(Cow::into_owned);
        if let Some(end) = delivery.end {
            restored.stage = Stage::Ended(Ending {
                outcome: end.outcome,
                state: end.state,
                code: end.code,
                reason: end.reason.into_owned(),
                at: end.at,
            });
        }
        deliveries.push(restored);
    }
    Ok(Group {
        pui,
        identity,
        addressed,
        is_chosen: group.chosen,
        mode: group.mode,
        others: Devices::NONE,
        deliveries,
    })
}

fn places(
    names: &[Cow<'_, str>],
    pui: &str,
    registry: &mut Registry,
) -> Result<Devices, BadRecord> {
    names
        .iter()
        .map(|name| place(name, pui, registry))
        .collect()
}

fn place(name: &str, pui: &str, registry: &mut Registry) -> Result<usize, BadRecord> {
    let no = registry.enter(pui).ok_or(BadRecord::Full)?;
    let known = registry.named(no, name);
    let key = match known {
        Some(key) => key,
        None => registry
            .merge(
                no,
                &DeviceProfile {
                    name: name.to_owned(),
                    ..DeviceProfile::default()
                },
            )
            .ok_or(BadRecord::Full)?,
    };
    Ok(key.at)
}

/// The record of an identity.
#[must_use]
pub fn identity(identity: &Identity) -> Record {
    let body = IdentityBody {
        v: VERSION,
        pui: identity.pui.clone(),
        aliases: identity.aliases.clone(),
        devices: identity
            .devices
            .iter()
            .map(|device| DeviceBody {
                name: device.name.clone(),
                kind: device.kind.clone(),
                ids: device.ids.clone(),
                profile: device.profile.clone(),
                reported: device.reported.clone(),
                gone: device.is_gone,
            })
            .collect(),
    };
    Record {
        key: RecordKey {
            kind: RecordKind::Identity,
            id: identity.pui.clone(),
        },
        pui: Some(identity.pui.clone()),
        live: true,
        due: None,
        body: json(&body),
    }
}

/// Enters the identity of a record; what was changed at run time beats the configuration.
///
/// # Errors
/// When the record is not one of ours, or there is no room.
pub fn read_identity(body: &[u8], registry: &mut Registry) -> Result<(), BadRecord> {
    let read: IdentityBody = serde_json::from_slice(body)?;
    check(read.v)?;
    let no = registry
        .provision(&crate::gateway::config::Identity {
            pui: read.pui,
            aliases: read.aliases,
            devices: Vec::new(),
        })
        .ok_or(BadRecord::Full)?;
    for device in read.devices {
        let key = registry
            .merge(
                no,
                &DeviceProfile {
                    name: device.name,
                    kind: device.kind,
                    ids: device.ids,
                    profile: device.profile,
                },
            )
            .ok_or(BadRecord::Full)?;
        if device.gone {
            registry.remove(key);
        } else if let Some(entered) = registry.device_mut(key) {
            entered.reported = device.reported;
        }
    }
    Ok(())
}

/// The record of an owed result: live until the initiator answered or it was given up.
#[must_use]
pub fn owed(owed: &Owed, live: bool) -> Record {
    Record {
        key: owed_key(owed),
        pui: None,
        live,
        due: None,
        body: json(&OwedBody {
            v: VERSION,
            owed: owed.clone(),
        }),
    }
}

/// The name of the record of an owed result.
#[must_use]
pub fn owed_key(owed: &Owed) -> RecordKey {
    RecordKey {
        kind: RecordKind::Owed,
        id: owed.key(),
    }
}

/// The owed result of a record.
///
/// # Errors
/// When the record is not one of ours.
pub fn read_owed(body: &[u8]) -> Result<Owed, BadRecord> {
    let read: OwedBody = serde_json::from_slice(body)?;
    check(read.v)?;
    Ok(read.owed)
}

/// The record of a binding.
#[must_use]
pub fn binding(binding: &Binding) -> Record {
    Record {
        key: binding_key(binding),
        pui: Some(binding.aor.clone()),
        live: true,
        due: Some(binding.expires_at),
        body: json(&BindingBody {
            v: VERSION,
            binding: binding.clone(),
        }),
    }
}

/// The name of the record of a binding.
#[must_use]
pub fn binding_key(binding: &Binding) -> RecordKey {
    RecordKey {
        kind: RecordKind::Binding,
        id: binding.id(),
    }
}

/// The binding of a record.
///
/// # Errors
/// When the record is not one of ours.
pub fn read_binding(body: &[u8]) -> Result<Binding, BadRecord> {
    let read: BindingBody = serde_json::from_slice(body)?;
    check(read.v)?;
    Ok(read.binding)
}

pub(super) const fn check(version: u32) -> Result<(), BadRecord> {
    if version > VERSION {
        return Err(BadRecord::Version(version));
    }
    Ok(())
}

/// Our bodies hold only strings as keys and no failing serialisers, so writing them cannot fail.
pub(super) fn json<T: Serialize>(body: &T) -> Vec<u8> {
    let mut octets = Vec::with_capacity(1_024);
    match serde_json::to_writer(&mut octets, body) {
        Ok(()) => octets,
        Err(_) => Vec::new(),
    }
}
