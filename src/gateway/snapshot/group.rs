//! The devices of one identity in the record of a push, and how far each is.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::BadRecord;
use crate::codec::pap::MessageState;
use crate::event::{Mode, Outcome};
use crate::gateway::config::DeviceProfile;
use crate::gateway::push::delivery::{Accepted, Delivery, Ending, Stage};
use crate::gateway::push::plan::Devices;
use crate::gateway::push::submission::Group;
use crate::gateway::registry::Registry;
use crate::time::Time;

#[derive(Serialize, Deserialize)]
pub(super) struct GroupBody<'a> {
    #[serde(borrow)]
    pui: Cow<'a, str>,
    #[serde(borrow)]
    addressed: Vec<Cow<'a, str>>,
    chosen: bool,
    #[serde(default)]
    mode: Option<Mode>,
    #[serde(borrow)]
    deliveries: Vec<DeliveryBody<'a>>,
}

#[derive(Serialize, Deserialize)]
struct DeliveryBody<'a> {
    #[serde(borrow)]
    dev: Cow<'a, str>,
    attempt: u32,
    #[serde(borrow, default)]
    end: Option<EndingBody<'a>>,
    #[serde(default)]
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

pub(super) fn group_body<'a>(group: &'a Group, registry: &'a Registry) -> GroupBody<'a> {
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

pub(super) fn names<'a>(
    registry: &'a Registry,
    group: &Group,
    devices: Devices,
) -> Vec<Cow<'a, str>> {
    let Some(identity) = registry.get(group.identity) else {
        return Vec::new();
    };
    devices
        .iter()
        .filter_map(|at| identity.devices.get(at))
        .map(|device| Cow::Borrowed(device.name.as_str()))
        .collect()
}

pub(super) fn read_group(
    group: GroupBody<'_>,
    registry: &mut Registry,
) -> Result<Group, BadRecord> {
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

pub(super) fn places(
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
