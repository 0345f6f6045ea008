//! The record of an identity: its names and devices, with what was changed at run time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{BadRecord, VERSION, check, json};
use crate::codec::device_id::DeviceId;
use crate::gateway::config::DeviceProfile;
use crate::gateway::profile::Profile;
use crate::gateway::registry::{Identity, Registry};
use crate::world::{Record, RecordKey, RecordKind};

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
