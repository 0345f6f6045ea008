//! The JSON interface below `/api/v1`: identities and pushes shown and changed; problems as RFC 9457 says.
//!
//! Shapes carry `schema`; members are only added within a version. Whoever may submit may ask, with the same credentials,
//! and sees its own pushes only.

use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use super::config::{DeviceProfile, Identity as Provisioned};
use super::profile::{Addresses, Capability, Preference, Presence, Profile};
use super::push::asked::Refused;
use super::push::delivery::{Delivery, Stage};
use super::push::ledger::Ledger;
use super::push::submission::{Group, Phase, Push, PushNo};
use super::registry::{Device, Identity, Registry};
use super::snapshot;
use crate::codec::device_id::DeviceId;
use crate::codec::pap::{MessageState, Status};
use crate::codec::uri::unescape;
use crate::event::Bearer;
use crate::world::{HttpResponse, Record};

/// How many pushes a list shows.
const LISTED: usize = 100;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `GET /api/v1/identities`
    Identities,
    /// `GET /api/v1/identities/{pui}`
    Identity(String),
    /// `PUT /api/v1/identities/{pui}`
    Change(String),
    /// `GET /api/v1/pushes`
    Pushes,
    /// `POST /api/v1/pushes`
    Submit,
    /// `POST /api/v1/plan`
    Preview,
    /// `GET /api/v1/pushes/{id}`
    Push(String),
    /// `DELETE /api/v1/pushes/{id}`
    Cancel(String),
}

impl Route {
    /// The route of a request.
    ///
    /// # Errors
    /// With 404 or 405.
    pub fn of(method: &str, path: &str) -> Result<Self, HttpResponse> {
        let rest = path
            .strip_prefix("/api/v1/")
            .ok_or_else(|| problem(404, "not found", "no such path"))?;
        let (folder, name) = match rest.split_once('/') {
            Some((folder, name)) if !name.is_empty() && !name.contains('/') => {
                let octets = unescape(name).into_owned();
                (folder, Some(String::from_utf8_lossy(&octets).into_owned()))
            }
            Some(_) => return Err(problem(404, "not found", "no such path")),
            None => (rest, None),
        };
        match (method, folder, name) {
            ("GET", "identities", None) => Ok(Self::Identities),
            ("GET", "identities", Some(pui)) => Ok(Self::Identity(pui)),
            ("PUT", "identities", Some(pui)) => Ok(Self::Change(pui)),
            ("GET", "pushes", None) => Ok(Self::Pushes),
            ("POST", "pushes", None) => Ok(Self::Submit),
            ("POST", "plan", None) => Ok(Self::Preview),
            ("GET", "pushes", Some(id)) => Ok(Self::Push(id)),
            ("DELETE", "pushes", Some(id)) => Ok(Self::Cancel(id)),
            (_, folder @ ("identities" | "pushes" | "plan"), name)
                if folder != "plan" || name.is_none() =>
            {
                let allow = match (folder, name.is_some()) {
                    ("identities", false) => "GET",
                    ("identities", true) => "GET, PUT",
                    ("pushes", false) => "GET, POST",
                    ("plan", _) => "POST",
                    _ => "GET, DELETE",
                };
                let mut response = problem(405, "method not allowed", allow);
                response
                    .headers
                    .push(("allow".to_owned(), allow.to_owned()));
                Err(response)
            }
            _ => Err(problem(404, "not found", "no such path")),
        }
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// The initiator: an authenticated name, or the host it asks from.
    pub name: String,
    /// It sees the pushes of every initiator.
    pub sees_all: bool,
}

impl Viewer {
    /// True when it may know of the push.
    #[must_use]
    pub fn sees(&self, push: &Push) -> bool {
        self.sees_all || push.initiator == self.name
    }

    /// The push it means by a push-id: its own, else the latest of those it sees.
    #[must_use]
    pub fn find(&self, ledger: &Ledger, push_id: &str) -> Option<PushNo> {
        let any = || ledger.by_id(push_id).filter(|_| self.sees_all);
        ledger.of(&self.name, push_id).or_else(any)
    }
}

/// All identities.
#[must_use]
pub fn identities(registry: &Registry) -> HttpResponse {
    let all: Vec<Value> = registry.all().map(show_identity).collect();
    ok(&json!({"schema": "sirgate.identities/1", "identities": all}))
}

/// One identity.
#[must_use]
pub fn identity(registry: &Registry, pui: &str) -> HttpResponse {
    match registry.identity(pui).and_then(|no| registry.get(no)) {
        Some(identity) => {
            let mut shown = show_identity(identity);
            if let Value::Object(members) = &mut shown {
                members.insert("schema".to_owned(), json!("sirgate.identity/1"));
            }
            ok(&shown)
        }
        None => problem(404, "not found", "no such identity"),
    }
}

fn show_identity(identity: &Identity) -> Value {
    let devices: Vec<Value> = identity
        .devices
        .iter()
        .filter(|device| !device.is_gone)
        .map(show_device)
        .collect();
    json!({
        "pui": identity.pui,
        "aliases": identity.aliases,
        "devices": devices,
    })
}

fn show_device(device: &Device) -> Value {
    let routes: Vec<Value> = device
        .routes
        .iter()
        .map(|route| {
            json!({
                "contact": route.contact,
                "reg_id": route.reg_id,
                "registered": route.registered_at.to_string(),
            })
        })
        .collect();
    let mut shown = json!({
        "name": device.name,
        "kind": device.kind,
        "ids": device.ids,
        "gruu": device.gruu(),
        "registered": !device.routes.is_empty(),
        "connected": device.session.is_some(),
        "sir_failed": device.sir_failed,
        "routes": routes,
        "reported": device.reported,
    });
    if let (Value::Object(members), Ok(Value::Object(profile))) =
        (&mut shown, serde_json::to_value(&device.profile))
    {
        members.extend(profile);
    }
    shown
}

/// Pushes, latest first; `?state=`, `?pui=` and `?limit=` narrow the list.
#[must_use]
pub fn pushes(ledger: &Ledger, viewer: &Viewer, target: &str) -> HttpResponse {
    let query = |name: &str| {
        let (_, query) = target.split_once('?')?;
        let value = query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
        Some(String::from_utf8_lossy(&unescape(value)).into_owned())
    };
    let (state, pui) = (query("state"), query("pui"));
    let limit = query("limit").and_then(|text| text.parse().ok());
    let all: Vec<Value> = ledger
        .all()
        .rev()
        .map(|(_, push)| push)
        .filter(|push| viewer.sees(push))
        .filter(|push| {
            state
                .as_ref()
                .is_none_or(|state| push.state().name() == state)
        })
        .filter(|push| {
            pui.as_ref()
                .is_none_or(|pui| push.groups.iter().any(|group| group.pui == *pui))
        })
        .take(limit.unwrap_or(LISTED))
        .map(show_push)
        .collect();
    ok(&json!({"schema": "sirgate.pushes/1", "pushes": all}))
}

/// One push.
#[must_use]
pub fn push(push: &Push) -> HttpResponse {
    let mut shown = show_push(push);
    if let Value::Object(members) = &mut shown {
        members.insert("schema".to_owned(), json!("sirgate.push/1"));
    }
    ok(&shown)
}

fn show_push(push: &Push) -> Value {
    let addresses: Vec<Value> = push
        .addresses
        .iter()
        .map(|address| {
            let group = push.groups.get(address.group);
            let end = address.end.as_ref();
            json!({
                "address": address.text,
                "pui": group.map(|group| &group.pui),
                "state": end.map_or(MessageState::Pending, |end| end.state),
                "code": end.map(|end| end.code),
                "desc": end.map(|end| &end.desc),
                "at": end.map(|end| end.at.to_string()),
            })
        })
        .collect();
    let devices: Vec<Value> = push
        .groups
        .iter()
        .flat_map(|group| {
            group
                .deliveries
                .iter()
                .map(|delivery| show_delivery(group, delivery))
        })
        .collect();
    let ended = match push.phase {
        Phase::Ended(at) => Some(at.to_string()),
        Phase::Waiting | Phase::Running => None,
    };
    json!({
        "push_id": push.push_id,
        "initiator": push.initiator,
        "state": push.state(),
        "accepted": push.accepted_at.to_string(),
        "deliver_after": push.not_before.map(|at| at.to_string()),
        "expires": push.expires_at.to_string(),
        "ended": ended,
        "application": push.content.application,
        "content_type": push.content.content_type,
        "octets": push.content.octets,
        "plan": push.options.plan,
        "place": push.options.place,
        "fork": push.options.fork,
        "ask": push.options.ask,
        "sir": push.sir,
        "addresses": addresses,
        "devices": devices,
    })
}

fn show_delivery(group: &Group, delivery: &Delivery) -> Value {
    let stage = match &delivery.stage {
        Stage::Held(_) => "held",
        Stage::Waking => "waking",
        Stage::Woken => "woken",
        Stage::Silent => "silent",
        Stage::Sending(_) | Stage::Paging => "sending",
        Stage::Ended(_) => "ended",
    };
    let ending = delivery.ending();
    json!({
        "pui": group.pui,
        "dev": delivery.name,
        "mode": group.mode,
        "stage": stage,
        "attempts": delivery.attempt,
        "outcome": ending.map(|ending| ending.outcome),
        "reason": ending.map_or_else(|| delivery.lacks(), |ending| &ending.reason),
        "code": ending.map(|ending| ending.code),
        "at": ending.map(|ending| ending.at.to_string()),
    })
}

/// The answer to a submission that was accepted.
#[must_use]
pub fn accepted(push_id: &str) -> HttpResponse {
    let mut response = json_response(
        202,
        "application/json",
        &json!({
            "schema": "sirgate.accepted/1",
            "push_id": push_id,
            "code": Status::AcceptedForProcessing.code(),
        }),
    );
    response.headers.push((
        "location".to_owned(),
        format!("/api/v1/pushes/{}", escape(push_id)),
    ));
    response
}

/// A refusal of a submission, with PAP's code.
#[must_use]
pub fn refused(refused: &Refused) -> HttpResponse {
    let (status, title) = match refused.code {
        2001 => (403, "not allowed"),
        2002 => (404, "no such address"),
        2007 => (409, "the push-id was used before"),
        3000..=3999 => (501, "not served"),
        _ => (422, "the submission is at fault"),
    };
    json_response(
        status,
        "application/problem+json",
        &json!({
            "type": "about:blank",
            "title": title,
            "status": status,
            "detail": refused.desc,
            "code": refused.code,
        }),
    )
}

/// What an identity's change brought.
#[derive(Debug)]
pub struct Changed {
    /// The identity.
    pub pui: String,
    /// Its record.
    pub record: Record,
    /// The identifiers of its devices.
    pub ids: Vec<String>,
}

/// The body of `PUT /api/v1/identities/{pui}`: members that are there replace what is known, others stay.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct IdentityChange {
    aliases: Vec<String>,
    devices: Vec<DeviceChange>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceChange {
    name: String,
    kind: Option<String>,
    ids: Option<Vec<DeviceId>>,
    #[serde(default, deserialize_with = "given")]
    subscriptions: Option<Option<Vec<String>>>,
    preference: Option<Preference>,
    capability: Option<Capability>,
    presence: Option<Presence>,
    #[serde(default, deserialize_with = "given")]
    foreground: Option<Option<String>>,
    bearers: Option<Vec<Bearer>>,
    addresses: Option<Addresses>,
    /// Takes the device out.
    #[serde(default)]
    gone: bool,
}

/// Tells `null` from a member that is not there.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Changes an identity, or makes it.
///
/// # Errors
/// With the problem to answer.
pub fn change(registry: &mut Registry, pui: &str, body: &Bytes) -> Result<Changed, HttpResponse> {
    let change: IdentityChange = serde_json::from_slice(body)
        .map_err(|error| problem(422, "not an identity", &error.to_string()))?;
    let is_uri = DeviceId::decode(pui).is_ok() && pui.contains(':');
    if !is_uri {
        return Err(problem(422, "not an identity", "a PUI is a SIP or tel URI"));
    }
    check_owners(registry, pui, &change)?;
    let full = || problem(503, "the registry is full", "no room for more");
    let no = registry
        .provision(&Provisioned {
            pui: pui.to_owned(),
            aliases: change.aliases,
            devices: Vec::new(),
        })
        .ok_or_else(full)?;
    for device in change.devices {
        let known = registry.named(no, &device.name);
        if device.gone {
            if let Some(key) = known {
                registry.remove(key);
            }
            continue;
        }
        let before = known.and_then(|key| registry.device(key));
        let profile = before
            .map(|known| known.profile.clone())
            .unwrap_or_default();
        let declared = DeviceProfile {
            profile: merged(profile, &device),
            name: device.name,
            kind: device.kind.unwrap_or_default(),
            ids: device.ids.unwrap_or_default(),
        };
        registry.merge(no, &declared).ok_or_else(full)?;
    }
    let identity = registry.get(no).ok_or_else(full)?;
    Ok(Changed {
        pui: identity.pui.clone(),
        ids: identity
            .devices
            .iter()
            .flat_map(|device| &device.ids)
            .map(ToString::to_string)
            .collect(),
        record: snapshot::identity(identity),
    })
}

/// An identifier that belongs to another device stays there; who asks for it is told.
fn check_owners(
    registry: &Registry,
    pui: &str,
    change: &IdentityChange,
) -> Result<(), HttpResponse> {
    let own = registry.identity(pui);
    for device in &change.devices {
        for id in device.ids.iter().flatten() {
            let Some(key) = registry.find(id) else {
                continue;
            };
            let owner = registry.device(key).map(|owner| owner.name.as_str());
            if Some(key.identity) != own || owner != Some(&device.name) {
                return Err(problem(
                    409,
                    "the identifier has an owner",
                    &format!("{id} belongs to another device"),
                ));
            }
        }
    }
    Ok(())
}

fn merged(mut profile: Profile, change: &DeviceChange) -> Profile {
    if let Some(subscriptions) = &change.subscriptions {
        profile.subscriptions.clone_from(subscriptions);
    }
    if let Some(preference) = &change.preference {
        profile.preference = preference.clone();
    }
    if let Some(capability) = &change.capability {
        profile.capability = capability.clone();
    }
    if let Some(presence) = change.presence {
        profile.presence = presence;
    }
    if let Some(foreground) = &change.foreground {
        profile.foreground.clone_from(foreground);
    }
    if let Some(bearers) = &change.bearers {
        profile.bearers.clone_from(bearers);
    }
    if let Some(addresses) = &change.addresses {
        profile.addresses.clone_from(addresses);
    }
    profile
}

/// A problem as RFC 9457 says.
#[must_use]
pub fn problem(status: u16, title: &str, detail: &str) -> HttpResponse {
    let mut members = Map::new();
    members.insert("type".to_owned(), json!("about:blank"));
    members.insert("title".to_owned(), json!(title));
    members.insert("status".to_owned(), json!(status));
    members.insert("detail".to_owned(), json!(detail));
    json_response(status, "application/problem+json", &Value::Object(members))
}

/// There is no such push in memory.
#[must_use]
pub fn no_push() -> HttpResponse {
    problem(404, "not found", "no such push in memory")
}

pub(super) fn ok(body: &Value) -> HttpResponse {
    json_response(200, "application/json", body)
}

/// An answer in JSON.
pub(super) fn json_response(status: u16, content_type: &str, body: &Value) -> HttpResponse {
    HttpResponse {
        status,
        headers: vec![("content-type".to_owned(), content_type.to_owned())],
        body: Bytes::from(body.to_string()),
    }
}

/// A path segment, escaped.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~@:".contains(&octet) {
            escaped.push(char::from(octet));
        } else {
            escaped.push_str(&format!("%{octet:02X}"));
        }
    }
    escaped
}
