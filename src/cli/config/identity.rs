//! `[[identity]]`, `[[fleet]]` and `[behaviour.NAME]`: who is there, and how simulated devices behave.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::reader::{Source, Table};
use super::{check, device_id, required};
use crate::codec::device_id::DeviceId;
use crate::device::behaviour::{BUILT_IN, Behaviour, Connect};
use crate::device::config::Profile as Handset;
use crate::event::Bearer;
use crate::gateway::bearer::choice::{Bearers, lack};
use crate::gateway::config::{Config, DeviceProfile, Identity};
use crate::gateway::profile::{Addresses, Capability, Profile};
use crate::world::Transport;

/// A simulated device, before it has an address.
#[derive(Clone, Debug)]
pub struct DeviceEntry {
    /// The identity.
    pub pui: String,
    /// Its name: `C1`.
    pub name: String,
    /// What it is: `phone`.
    pub kind: String,
    /// Its identifiers.
    pub ids: Vec<DeviceId>,
    /// What it speaks SIP on.
    pub transport: Transport,
    /// How it behaves.
    pub behaviour: Arc<Behaviour>,
    /// What it has and says.
    pub profile: Arc<Handset>,
}

/// Reads all identities into the gateway, and gives the simulated devices.
pub fn read(
    gateway: &mut Config,
    served: Bearers,
    root: &mut Table<'_>,
    source: &mut Source,
) -> Vec<DeviceEntry> {
    let behaviours = behaviours(root, source);
    let mut devices = Vec::new();
    for mut table in root.tables(source, "identity") {
        let span = table.span_of("pui");
        let pui = required(&mut table, source, "pui", "pui = \"sip:alice@example.com\"");
        if let Some(pui) = &pui {
            one_identity(source, gateway, pui, span);
        }
        let aliases = table
            .all_checked(source, "aliases", check::identity, "tel:+15550100")
            .unwrap_or_default();
        let mut profiles = Vec::new();
        for mut device in table.tables(source, "device") {
            let span = device.span_of("bearers");
            let entry = one_device(
                &mut device,
                source,
                pui.as_deref().unwrap_or_default(),
                &behaviours,
            );
            if let Some((profile, entry)) = entry {
                unlike_others(&device, source, &devices, &entry);
                reached(source, span, &profile, served);
                devices.push(entry);
                profiles.push(profile);
            }
            device.finish(source);
        }
        if let Some(pui) = pui {
            gateway.identities.push(Identity {
                pui,
                aliases,
                devices: profiles,
            });
        }
        table.finish(source);
    }
    for mut table in root.tables(source, "fleet") {
        fleet(&mut table, source, gateway, &behaviours, &mut devices);
        table.finish(source);
    }
    devices
}

/// What the gateway of a file serves; whether it has a socket for WSP is known before it has one.
#[must_use]
pub const fn served(gateway: &Config, has_wsp: bool) -> Bearers {
    let served = gateway.bearers();
    if has_wsp {
        served.with(Bearer::Wsp).with(Bearer::Ps)
    } else {
        served
    }
}

/// A bearer that is named for a device and cannot reach it is hardly meant.
fn reached(
    source: &mut Source,
    span: std::ops::Range<usize>,
    device: &DeviceProfile,
    served: Bearers,
) {
    let (bearers, addresses) = (&device.profile.bearers, &device.profile.addresses);
    let lacks: Vec<_> = bearers
        .iter()
        .filter_map(|bearer| Some((bearer.word(), lack(*bearer, addresses, served)?)))
        .collect();
    if lacks.is_empty() {
        return;
    }
    let each = lacks
        .iter()
        .map(|(bearer, (why, _))| format!("{bearer}: {why}"));
    let each = each.collect::<Vec<_>>().join("; ");
    let name = &device.name;
    let message = if lacks.len() == bearers.len() {
        format!("no bearer can reach \"{name}\": {each}")
    } else {
        format!("not every bearer can reach \"{name}\": {each}")
    };
    let mut keys: Vec<&str> = lacks.iter().map(|(_, (_, key))| *key).collect();
    keys.dedup();
    let help = format!("set {}, or take the bearer out", keys.join("; "));
    source.warning("SG-C020", span, message, help);
}

/// An identity is one, and stands in the file once.
fn one_identity(source: &mut Source, gateway: &Config, pui: &str, span: std::ops::Range<usize>) {
    if let Err(why) = check::identity(pui) {
        source.fault(
            "SG-C004",
            span,
            format!("\"{pui}\" is no identity: {why}"),
            "write it as in sip:alice@example.com".into(),
        );
    } else if gateway.identities.iter().any(|other| other.pui == pui) {
        source.fault(
            "SG-C013",
            span,
            format!("{pui} stands in the file twice"),
            "put all its devices under one [[identity]]".into(),
        );
    }
}

/// A name stands once in an identity, an identifier once in the file: else a push could not tell who is meant.
fn unlike_others(
    table: &Table<'_>,
    source: &mut Source,
    others: &[DeviceEntry],
    entry: &DeviceEntry,
) {
    let same_name = |other: &&DeviceEntry| other.pui == entry.pui && other.name == entry.name;
    if others.iter().any(|other| same_name(&other)) {
        source.fault(
            "SG-C013",
            table.span.clone(),
            format!("{} has two devices called \"{}\"", entry.pui, entry.name),
            "give each device of an identity a name of its own".into(),
        );
    }
    let shared = entry
        .ids
        .iter()
        .find(|id| others.iter().any(|other| other.ids.contains(id)));
    if let Some(id) = shared {
        source.fault(
            "SG-C014",
            table.span.clone(),
            format!("{id} belongs to two devices"),
            "an identifier names one device; remove it from one of them".into(),
        );
    }
}

type Behaviours = BTreeMap<String, Arc<Behaviour>>;

fn behaviours(root: &mut Table<'_>, source: &mut Source) -> Behaviours {
    let built_in = BUILT_IN
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), Arc::new(Behaviour::named(name)?))));
    let mut behaviours: Behaviours = built_in.collect();
    if let Some(mut table) = root.table(source, "behaviour") {
        for (name, value) in table.values() {
            if let Some(behaviour) = source.value::<Behaviour>(&format!("behaviour.{name}"), value)
            {
                behaviours.insert(name, Arc::new(behaviour));
            }
        }
    }
    behaviours
}

fn one_device(
    table: &mut Table<'_>,
    source: &mut Source,
    pui: &str,
    behaviours: &Behaviours,
) -> Option<(DeviceProfile, DeviceEntry)> {
    let name = required(table, source, "name", "name = \"C1\"");
    let kind = table.text(source, "kind").unwrap_or_else(|| "phone".into());
    let span = table.span_of("id");
    let ids = table.texts(source, "id").unwrap_or_default();
    if ids.is_empty() {
        source.fault(
            "SG-C009",
            span,
            "a device without an identifier cannot be meant".into(),
            "add  id = [\"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"]".into(),
        );
    }
    let ids: Vec<DeviceId> = ids
        .into_iter()
        .filter_map(|(text, span)| device_id(source, &text, span))
        .collect();
    let list = |texts: Vec<(String, std::ops::Range<usize>)>| {
        texts.into_iter().map(|(text, _)| text).collect()
    };
    let subscriptions: Option<Vec<String>> = table.texts(source, "subscriptions").map(list);
    let accept: Option<Vec<String>> = table.texts(source, "accept").map(list);
    let transport = match table.word(source, "transport", &["udp", "tcp", "tls"]) {
        Some("tcp") => Transport::Tcp,
        Some("tls") => Transport::Tls,
        _ => Transport::Udp,
    };
    let behaviour = behaviour(table, source, behaviours);
    let mut handset: Handset = table.value(source, "profile").unwrap_or_default();
    if let Some(accept) = &accept {
        handset.accept.clone_from(accept);
    }
    let profile = Profile {
        bearers: bearers(table, source),
        addresses: addresses(table, source),
        subscriptions,
        capability: Capability {
            accept,
            ..Capability::default()
        },
        ..Profile::default()
    };
    let name = name?;
    let entry = DeviceEntry {
        pui: pui.to_owned(),
        name: name.clone(),
        kind: kind.clone(),
        ids: ids.clone(),
        transport,
        behaviour,
        profile: Arc::new(handset),
    };
    Some((
        DeviceProfile {
            name,
            kind,
            ids,
            profile,
        },
        entry,
    ))
}

/// Where a device is reached that did not register.
fn addresses(table: &mut Table<'_>, source: &mut Source) -> Addresses {
    Addresses {
        msisdn: table.checked(source, "msisdn", check::msisdn, "+15550103"),
        wsp: table.parsed(source, "wsp", "an address and a port, as in 127.0.0.1:2948"),
        http: table.checked(source, "http", check::http_url, "http://127.0.0.1:4035"),
        web: table.text(source, "web"),
        apns: table.checked(source, "apns", check::apns_token, &"ab".repeat(32)),
        fcm: table.text(source, "fcm"),
    }
}

/// What wakes a device, best first.
fn bearers(table: &mut Table<'_>, source: &mut Source) -> Vec<Bearer> {
    let usual = Profile::default().bearers;
    match table.value::<Vec<Bearer>>(source, "bearers") {
        Some(bearers) if bearers.is_empty() => usual,
        Some(bearers) => bearers,
        None => usual,
    }
}

/// How a device behaves, and how it asks for pushes where it says so itself.
fn behaviour(
    table: &mut Table<'_>,
    source: &mut Source,
    behaviours: &Behaviours,
) -> Arc<Behaviour> {
    let mut behaviour = named(table, source, behaviours);
    let words = ["invite", "register", "subscribe", "wsp", "http"];
    if let Some(word) = table.word(source, "connect", &words) {
        Arc::make_mut(&mut behaviour).connect = match word {
            "register" => Connect::Register,
            "subscribe" => Connect::Subscribe,
            "wsp" => Connect::Wsp,
            "http" => Connect::Http,
            _ => Connect::Invite,
        };
    }
    behaviour
}

fn named(table: &mut Table<'_>, source: &mut Source, behaviours: &Behaviours) -> Arc<Behaviour> {
    let span = table.span_of("behaviour");
    let Some(name) = table.text(source, "behaviour") else {
        return Arc::default();
    };
    behaviours.get(&name).cloned().unwrap_or_else(|| {
        let known: Vec<&str> = behaviours.keys().map(String::as_str).collect();
        source.fault(
            "SG-C010",
            span,
            format!("there is no behaviour \"{name}\""),
            format!(
                "known: {}; or add a table [behaviour.{name}]",
                known.join(", ")
            ),
        );
        Arc::default()
    })
}

/// Many identities from one pattern: `{n}` stands for the number, identifiers are UUIDs made from it.
fn fleet(
    table: &mut Table<'_>,
    source: &mut Source,
    gateway: &mut Config,
    behaviours: &Behaviours,
    devices: &mut Vec<DeviceEntry>,
) {
    let span = table.span_of("pui");
    let pattern = required(table, source, "pui", "pui = \"sip:user{n}@example.com\"");
    let count = table.number(source, "count", 1..100_001).unwrap_or(1);
    if let Some(pattern) = &pattern {
        one_identity(source, gateway, &pattern.replace("{n}", "0"), span.clone());
        if count > 1 && !pattern.contains("{n}") {
            source.fault(
                "SG-C013",
                span,
                format!("{count} identities would all be {pattern}"),
                "write {n} where the number belongs, as in sip:user{n}@example.com".into(),
            );
        }
    }
    let each = table.number(source, "devices_each", 1..11).unwrap_or(1);
    let transport = match table.word(source, "transport", &["udp", "tcp", "tls"]) {
        Some("tcp") => Transport::Tcp,
        Some("tls") => Transport::Tls,
        _ => Transport::Udp,
    };
    let behaviour = behaviour(table, source, behaviours);
    let Some(pattern) = pattern else { return };
    for number in 0..count {
        let pui = pattern.replace("{n}", &number.to_string());
        let mut profiles = Vec::new();
        for device in 1..=each {
            let name = format!("C{device}");
            let uuid = uuid::Uuid::new_v5(
                &uuid::Uuid::NAMESPACE_URL,
                format!("{pui} {name}").as_bytes(),
            );
            let Ok(id) = DeviceId::decode(&uuid.urn().to_string()) else {
                continue;
            };
            devices.push(DeviceEntry {
                pui: pui.clone(),
                name: name.clone(),
                kind: "phone".into(),
                ids: vec![id.clone()],
                transport,
                behaviour: Arc::clone(&behaviour),
                profile: Arc::default(),
            });
            profiles.push(DeviceProfile {
                name,
                kind: "phone".into(),
                ids: vec![id],
                profile: Profile::default(),
            });
        }
        gateway.identities.push(Identity {
            pui,
            aliases: Vec::new(),
            devices: profiles,
        });
    }
}
