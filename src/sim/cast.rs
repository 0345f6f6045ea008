//! Who plays in a scenario: the gateway and the devices as its script describes them, at the addresses they get.
//!
//! The simulator and the run over real sockets use the same cast.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::fork::Core;
use super::initiator::Submission;
use super::script::{DeviceLine, Script, Setting};
use crate::codec::device_id::DeviceId;
use crate::codec::pap::address::ClientAddress;
use crate::device::applications::Application;
use crate::device::behaviour::Behaviour;
use crate::device::config::{Config as DeviceConfig, Information, Profile as Handset};
use crate::device::{Device, Fleet};
use crate::gateway::config::{Config as Gateway, DeviceProfile, Identity, Listener, Relay, Speaks};
use crate::gateway::profile::Profile;
use crate::gateway::push::plan::Fork;
use crate::random::Random;
use crate::world::{ListenerId, SocketId, Transport};

/// The identity of every scenario (requirements, section 0).
pub const PUI: &str = "sip:alice@example.com";
/// The gateway's name.
pub const HOST: &str = "ppg.example.com";

/// Where everybody is.
#[derive(Clone, Debug)]
pub struct Places {
    /// The gateway's SIP, on UDP and TCP.
    pub sip: SocketAddr,
    /// The gateway's MSRP.
    pub msrp: SocketAddr,
    /// The device of each line, in order.
    pub devices: Vec<SocketAddr>,
    /// The SIP core, where the scenario has one.
    pub core: SocketAddr,
    /// The PAP URL of the gateway that pushes are relayed to, where the scenario relays.
    pub relay: String,
    /// The PAP URL of the gateway in front, where results are told to it.
    pub front: String,
}

/// The gateway of a script.
///
/// # Errors
///
/// A setting that is none.
pub fn gateway(script: &Script, places: &Places) -> Result<Gateway, String> {
    let devices = script
        .devices
        .iter()
        .map(profile)
        .collect::<Result<_, _>>()?;
    let mut config = Gateway {
        host: HOST.into(),
        uri: format!("sip:push@{HOST}"),
        udp: vec![(SocketId(0), places.sip)],
        listeners: vec![
            Listener {
                id: ListenerId(0),
                speaks: Speaks::Sip,
                transport: Transport::Tcp,
                address: places.sip,
            },
            Listener {
                id: ListenerId(1),
                speaks: Speaks::Msrp,
                transport: Transport::Tcp,
                address: places.msrp,
            },
        ],
        identities: vec![Identity {
            pui: PUI.into(),
            aliases: Vec::new(),
            devices,
        }],
        sia: true,
        report_wire: true,
        ..Gateway::default()
    };
    for (key, value) in &script.gateway {
        match (key.as_str(), value.as_str()) {
            ("fork", "core") => {
                config.fork = Fork::Core;
                config.core = Some((Transport::Udp, places.core));
            }
            ("relay", "yes") => {}
            ("linger", millis) => config.session_linger = Duration::from_millis(number(millis)?),
            _ => return Err(format!("gateway {key}={value} is no setting")),
        }
    }
    Ok(config)
}

/// True when the SIP core forks requests for the identity.
#[must_use]
pub fn forks_in_core(script: &Script) -> bool {
    script
        .gateway
        .iter()
        .any(|(key, value)| key == "fork" && value == "core")
}

/// The SIP core of a script, with the contacts of its devices.
#[must_use]
pub fn core(places: &Places) -> Core {
    let contact = |place: &SocketAddr| (format!("sip:alice@{place}"), *place);
    Core::new(places.core, places.devices.iter().map(contact).collect())
}

/// True when the script's pushes go through a second gateway in front.
#[must_use]
pub fn relays(script: &Script) -> bool {
    script
        .gateway
        .iter()
        .any(|(key, value)| key == "relay" && value == "yes")
}

/// The gateway in front, which only relays.
#[must_use]
pub fn front(places: &Places) -> Gateway {
    Gateway {
        host: "front.example.com".into(),
        relay: Some(Relay {
            url: places.relay.clone(),
            notify: places.front.clone(),
        }),
        report_wire: true,
        ..Gateway::default()
    }
}

/// The devices of a script, as one node.
///
/// # Errors
///
/// An identifier or a setting that is none.
pub fn fleet(script: &Script, places: &Places, random: &mut Random) -> Result<Fleet, String> {
    let configs = devices(script, places)?;
    Ok(Fleet::new(
        configs
            .into_iter()
            .map(|config| Device::new(config, random.fork()))
            .collect(),
    ))
}

fn devices(script: &Script, places: &Places) -> Result<Vec<DeviceConfig>, String> {
    script
        .devices
        .iter()
        .zip(&places.devices)
        .zip(0..)
        .map(|((line, address), number)| device(line, *address, SocketId(number), places))
        .collect()
}

/// The submission of a push line; results go to `notify_to`.
///
/// # Errors
///
/// A setting that is none.
pub fn submission(
    name: &str,
    to: &[String],
    settings: &[Setting],
    notify_to: Option<String>,
) -> Result<Submission, String> {
    let mut headers = Vec::new();
    if !to.is_empty() {
        let list: Vec<String> = to.iter().map(|device| format!("<{device}>")).collect();
        headers.push(("X-Sirgate-Device".to_owned(), list.join(", ")));
    }
    let mut submission = Submission {
        push_id: name.to_owned(),
        addresses: vec![ClientAddress::user(PUI, HOST)],
        notify_to,
        content_type: "text/plain".into(),
        ..Submission::default()
    };
    let mut app = None;
    for (key, value) in settings {
        match key.as_str() {
            "content" => submission.content = value.clone().into_bytes().into(),
            "type" => submission.content_type.clone_from(value),
            "plan" => headers.push(("X-Sirgate-Plan".into(), value.clone())),
            "place" => headers.push(("X-Sirgate-Place".into(), value.clone())),
            "fork" => headers.push(("X-Sirgate-Fork".into(), value.clone())),
            "ask" => headers.push(("X-Sirgate-Ask".into(), value.clone())),
            "ppg" => headers.push(("X-Sirgate-Ppg".into(), value.clone())),
            "app" => app = Some(format!("<{value}>{}", app.unwrap_or_default())),
            "app-name" => app = Some(format!("{};name=\"{value}\"", app.unwrap_or_default())),
            _ => return Err(format!("push {key}={value} is no setting")),
        }
    }
    headers.extend(app.map(|app| ("X-Sirgate-App".to_owned(), app)));
    submission.headers = headers;
    Ok(submission)
}

fn ids(line: &DeviceLine) -> Result<Vec<DeviceId>, String> {
    line.ids
        .iter()
        .map(|id| DeviceId::decode(id).map_err(|error| format!("{id}: {error}")))
        .collect()
}

fn profile(line: &DeviceLine) -> Result<DeviceProfile, String> {
    Ok(DeviceProfile {
        name: line.name.clone(),
        kind: line.kind.clone(),
        ids: ids(line)?,
        profile: Profile::default(),
    })
}

fn device(
    line: &DeviceLine,
    local: SocketAddr,
    socket: SocketId,
    places: &Places,
) -> Result<DeviceConfig, String> {
    let mut config = DeviceConfig::new(&line.name, PUI, ids(line)?, local, places.sip);
    config.kind.clone_from(&line.kind);
    config.socket = socket;
    let mut handset = handset(&line.kind);
    let mut behaviour = Behaviour::default();
    for (key, value) in &line.settings {
        match (key.as_str(), value.as_str()) {
            ("wants", "nothing") => handset.own.preference.wants = Some(Vec::new()),
            ("behaviour", name) => {
                behaviour = Behaviour::named(name)
                    .ok_or_else(|| format!("there is no behaviour {name}"))?;
            }
            ("transport", "tcp") => config.transport = Transport::Tcp,
            ("transport", "udp") => config.transport = Transport::Udp,
            _ => return Err(format!("device {key}={value} is no setting")),
        }
    }
    config.profile = Arc::new(handset);
    config.behaviour = Arc::new(behaviour);
    Ok(config)
}

/// What a device of a kind has and says: each of the trio has its own capability and preference.
#[must_use]
pub fn handset(kind: &str) -> Handset {
    let (screen, language, accept) = match kind {
        "pc" => (
            "1920x1080",
            "en",
            vec!["text/plain", "text/html", "image/png"],
        ),
        "pda" => ("320x240", "el", vec!["text/plain"]),
        _ => (
            "1080x2400",
            "el",
            vec!["text/plain", "text/vnd.wap.si", "image/png"],
        ),
    };
    let mut handset = Handset {
        information: Information {
            capability: json!({"uaprof": format!("http://pi.example.com/uaprof/{kind}.xml"), "accept": accept, "screen": screen}),
            preference: json!({"language": language, "deliver": "always"}),
            security: json!({"algorithms": ["SHA-256", "MD5"], "trust": ["ppg.example.com"]}),
            subscription: json!({"services": ["x-wap-application:wml.ua", "x-oma-application:dcd.ua"]}),
        },
        ..Handset::default()
    };
    handset.own.applications.push(Application {
        id: "x-oma-application:dcd.ua".into(),
        name: Some("DCD".into()),
        registers: true,
        information: [(
            "capability".to_owned(),
            json!({"dcd": "1.0", "channels": 8}),
        )]
        .into(),
        ..Application::default()
    });
    handset
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("'{text}' is no number"))
}
