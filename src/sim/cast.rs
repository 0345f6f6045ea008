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
use super::smsc::MessageCentre;
use crate::codec::device_id::DeviceId;
use crate::codec::pap::address::ClientAddress;
use crate::codec::sip::push_notification::PushResource;
use crate::codec::smpp::Status;
use crate::device::applications::Application;
use crate::device::behaviour::{Behaviour, Connect};
use crate::device::config::{Bearers, Config as DeviceConfig, Information, Profile as Handset};
use crate::device::{Device, Fleet};
use crate::event::Bearer;
use crate::fault::Rules;
use crate::gateway::bearer::wake::PROVIDER;
use crate::gateway::config::{
    Config as Gateway, Contents, DeviceProfile, Identity, Listener, Relay, Smsc, Speaks,
};
use crate::gateway::profile::{Addresses, Profile};
use crate::gateway::push::plan::Fork;
use crate::gateway::service::push_service;
use crate::gateway::service::web_message::Settings;
use crate::protocol::smpp::State;
use crate::protocol::smpp::smsc::{self, Effect, Fate, Rule};
use crate::random::Random;
use crate::time::Time;
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
    /// The gateway's WSP.
    pub wsp: SocketAddr,
    /// The gateway's sessions of WSP.
    pub wsp_session: SocketAddr,
    /// Where terminals connect to the gateway for push over HTTP.
    pub ota_http: SocketAddr,
    /// Where the gateway takes information by HTTP.
    pub info: String,
    /// The message centre's SMPP, where the scenario has one.
    pub smpp: SocketAddr,
    /// The message centre's radio.
    pub radio: SocketAddr,
    /// The doors of the device of each line, in order.
    pub doors: Vec<Doors>,
}

impl Places {
    /// Everybody at the usual ports, without a relay; the message centre has the host of the core.
    #[must_use]
    pub fn usual(sip: SocketAddr, core: SocketAddr, devices: Vec<SocketAddr>) -> Self {
        let near = |at: SocketAddr, port| SocketAddr::new(at.ip(), port);
        Self {
            sip,
            msrp: near(sip, 2855),
            core,
            relay: String::new(),
            front: String::new(),
            wsp: near(sip, 9200),
            wsp_session: near(sip, 9201),
            ota_http: near(sip, 4035),
            info: format!("http://{HOST}/info"),
            smpp: near(core, 2775),
            radio: near(core, 2776),
            doors: devices
                .iter()
                .map(|device| Doors {
                    wsp: near(*device, 2948),
                    session: near(*device, 49_152),
                    radio: near(*device, 40_000),
                    http: near(*device, 4035),
                })
                .collect(),
            devices,
        }
    }
}

/// Where a device is reached beside SIP, by the bearers it has.
#[derive(Clone, Copy, Debug)]
pub struct Doors {
    /// WSP datagrams.
    pub wsp: SocketAddr,
    /// Where it opens sessions of WSP from.
    pub session: SocketAddr,
    /// Its radio.
    pub radio: SocketAddr,
    /// OTA-HTTP.
    pub http: SocketAddr,
}

/// Devices that are one node: as many as like without a door for HTTP, or one with it.
pub struct Seat {
    /// The node.
    pub fleet: Fleet,
    /// Its datagram sockets, in the order of their numbers.
    pub udp: Vec<SocketAddr>,
    /// Its door for HTTP.
    pub http: Option<SocketAddr>,
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
        .zip(&places.doors)
        .zip(0..)
        .map(|((line, doors), number)| profile(line, doors, number))
        .collect::<Result<_, _>>()?;
    let mut config = Gateway {
        host: HOST.into(),
        uri: format!("sip:push@{HOST}"),
        udp: vec![(SocketId(0), places.sip)],
        wsp: Some((SocketId(1), places.wsp)),
        wsp_session: connects_by(script, "wsp").then_some((SocketId(2), places.wsp_session)),
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
        webapp: Settings {
            trust_body: Some(true),
            ..Settings::default()
        },
        monitors: super::clients::monitors(script, places)?,
        sia: true,
        report_wire: true,
        ..Gateway::default()
    };
    if connects_by(script, "http") {
        config.listeners.push(Listener {
            id: ListenerId(2),
            speaks: Speaks::OtaHttp,
            transport: Transport::Tcp,
            address: places.ota_http,
        });
    }
    config.smsc = has_centre(script).then(|| Smsc::new(places.smpp));
    for (key, value) in &script.gateway {
        set(&mut config, places, key, value)?;
    }
    Ok(config)
}

fn set(config: &mut Gateway, places: &Places, key: &str, value: &str) -> Result<(), String> {
    match (key, value) {
        ("fork", "core") => {
            config.fork = Fork::Core;
            config.core = Some((Transport::Udp, places.core));
        }
        ("relay", "yes") => {}
        ("webpush", "yes") => {
            config.push_service = Some(push_service::Config::at("http://ppg.example.com"))
        }
        ("contents", "direct") => config.ota_http.contents = Contents::Direct,
        ("linger", millis) => config.session_linger = Duration::from_millis(number(millis)?),
        _ => return Err(format!("gateway {key}={value} is no setting")),
    }
    Ok(())
}

/// The rules of a script about faults at the gateway.
///
/// # Errors
///
/// A rule that is none.
pub fn faults(script: &Script, now: Time) -> Result<Rules, String> {
    let mut rules = Rules::default();
    for spec in &script.faults {
        rules
            .add(spec.clone(), now)
            .map_err(|why| why.to_string())?;
    }
    Ok(rules)
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

/// The devices of a script, seated in nodes; the first has all that need no node of their own.
///
/// # Errors
///
/// An identifier or a setting that is none.
pub fn seats(script: &Script, places: &Places, random: &mut Random) -> Result<Vec<Seat>, String> {
    let mut seats: Vec<(Vec<Device>, Vec<SocketAddr>, Option<SocketAddr>)> =
        vec![(Vec::new(), Vec::new(), None)];
    let lines = script.devices.iter().zip(&places.devices);
    for (((line, address), doors), number) in lines.zip(&places.doors).zip(0..) {
        let bearers = reached_by(line)?;
        let http = bearers.contains(&Bearer::Http).then_some(doors.http);
        if http.is_some() {
            seats.push((Vec::new(), Vec::new(), http));
        }
        let at = if http.is_some() { seats.len() - 1 } else { 0 };
        let Some((devices, udp, _)) = seats.get_mut(at) else {
            continue;
        };
        let mut bind = |address: SocketAddr| {
            udp.push(address);
            SocketId(u32::try_from(udp.len() - 1).unwrap_or(u32::MAX))
        };
        let mut config = device(line, *address, bind(*address), places)?;
        let has = |wanted: &[Bearer]| bearers.iter().any(|bearer| wanted.contains(bearer));
        let by_wsp = config.behaviour.connect == Connect::Wsp;
        config.wake = wake(line)?.map(|bearer| PushResource {
            provider: PROVIDER.to_owned(),
            param: Some(bearer.word().to_owned()),
            prid: Some(match bearer {
                Bearer::Http => format!("http://{}", doors.http),
                Bearer::Wsp => doors.wsp.to_string(),
                _ => msisdn(number),
            }),
        });
        config.bearers = Bearers {
            msisdn: Some(msisdn(number)),
            radio: has(&GSM).then(|| (bind(doors.radio), places.radio)),
            wsp: has(&[Bearer::Wsp, Bearer::Ps]).then(|| bind(doors.wsp)),
            wsp_session: by_wsp.then(|| bind(doors.session)),
            http: http.is_some(),
            service: has(&[Bearer::Service]),
            signalling: has(&[Bearer::Signalling]),
            short_code: None,
            info_url: Some(places.info.clone()),
            prov_url: None,
            wsp_from: Vec::new(),
        };
        let start = super::stage::START + super::stage::SETTLE;
        let client = super::clients::client(script, &config.name, start);
        let device = Device::new(config, random.fork());
        devices.push(match client {
            Some(client) => device.with_client(client),
            None => device,
        });
    }
    let seats = seats.into_iter().map(|(devices, udp, http)| Seat {
        fleet: Fleet::new(devices),
        udp,
        http,
    });
    Ok(seats.filter(|seat| !seat.udp.is_empty()).collect())
}

/// The devices of a script without doors for HTTP, as one node.
///
/// # Errors
///
/// As [`seats`].
pub fn fleet(script: &Script, places: &Places, random: &mut Random) -> Result<Fleet, String> {
    let first = seats(script, places, random)?.into_iter().next();
    Ok(first.map_or_else(|| Fleet::new(Vec::new()), |seat| seat.fleet))
}

/// True when a device of the script connects by `wsp` or `http`, so that the gateway takes that.
#[must_use]
pub fn connects_by(script: &Script, way: &str) -> bool {
    script.devices.iter().any(|line| {
        line.settings
            .iter()
            .any(|(key, value)| key == "connect" && value == way)
    })
}

/// The bearers for which a device needs a message centre.
const GSM: [Bearer; 3] = [Bearer::Sms, Bearer::Ussd, Bearer::Cs];

/// True when a device of the script is reached through a message centre.
#[must_use]
pub fn has_centre(script: &Script) -> bool {
    let has = |line: &DeviceLine| {
        reached_by(line).is_ok_and(|bearers| bearers.iter().any(|bearer| GSM.contains(bearer)))
    };
    script.devices.iter().any(has)
}

/// The message centre of a script, whose radio is its first socket.
///
/// # Errors
///
/// A setting that is none.
pub fn centre(script: &Script) -> Result<MessageCentre, String> {
    let rules: Vec<Vec<Rule>> = script
        .smsc
        .iter()
        .map(|line| rules(line))
        .collect::<Result<_, _>>()?;
    let centre = MessageCentre::new(smsc::Settings::default(), SocketId(0));
    Ok(centre.with_rules(rules.concat()))
}

/// The rules of one line about the message centre.
fn rules(line: &[Setting]) -> Result<Vec<Rule>, String> {
    let (mut effects, mut first, mut every, mut to) = (Vec::new(), None, None, "");
    for (key, value) in line {
        match key.as_str() {
            "delay" => effects.push(Effect::Delay(Duration::from_millis(number(value)?))),
            "refuse" => effects.push(Effect::Refuse(
                Status::of_name(value).ok_or_else(|| format!("{value} is no status"))?,
            )),
            "silent" if value == "yes" => effects.push(Effect::Silence),
            "fail" => effects.push(Effect::Fate(Fate {
                state: State::Undeliverable,
                error: u8::try_from(number(value)?).unwrap_or(u8::MAX),
                after: Duration::ZERO,
            })),
            "receipts" if value == "no" => effects.push(Effect::NoReceipt),
            "first" => first = Some(number(value)?),
            "every" => every = Some(number(value)?),
            "to" => to = value,
            _ => return Err(format!("smsc {key}={value} is no setting")),
        }
    }
    let rule = |effect| Rule {
        destination: to.to_owned(),
        first,
        every,
        effect,
    };
    Ok(effects.into_iter().map(rule).collect())
}

/// The number of the device of a line.
fn msisdn(number: usize) -> String {
    format!("+155501{:02}", number.saturating_add(1))
}

/// What a line names as the device's bearers, best first.
fn bearers(line: &DeviceLine) -> Result<Vec<Bearer>, String> {
    let named = line.settings.iter().rev().find(|(key, _)| key == "bearer");
    let named = named.map_or("sip", |(_, value)| value.as_str());
    named
        .split(',')
        .map(|name| {
            let value = serde_json::Value::from(name);
            serde_json::from_value(value).map_err(|_| format!("there is no bearer {name}"))
        })
        .collect()
}

/// What wakes the device while it sleeps.
fn wake(line: &DeviceLine) -> Result<Option<Bearer>, String> {
    let named = line.settings.iter().rev().find(|(key, _)| key == "wake");
    named
        .map(|(_, name)| {
            let bearer = serde_json::from_value(serde_json::Value::from(name.as_str()));
            bearer.map_err(|_| format!("there is no bearer {name}"))
        })
        .transpose()
}

/// All that the device has a door for.
fn reached_by(line: &DeviceLine) -> Result<Vec<Bearer>, String> {
    let mut all = bearers(line)?;
    all.extend(wake(line)?);
    Ok(all)
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

fn profile(line: &DeviceLine, doors: &Doors, number: usize) -> Result<DeviceProfile, String> {
    let (bearers, reached) = (bearers(line)?, reached_by(line)?);
    let has = |wanted: &[Bearer]| reached.iter().any(|bearer| wanted.contains(bearer));
    let addresses = Addresses {
        msisdn: has(&GSM).then(|| msisdn(number)),
        wsp: has(&[Bearer::Wsp, Bearer::Ps]).then_some(doors.wsp),
        http: has(&[Bearer::Http]).then(|| format!("http://{}", doors.http)),
        ..Addresses::default()
    };
    Ok(DeviceProfile {
        name: line.name.clone(),
        kind: line.kind.clone(),
        ids: ids(line)?,
        profile: Profile {
            bearers,
            addresses,
            ..Profile::default()
        },
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
    config.ppg_addresses = Arc::new([(HOST.to_owned(), places.sip)]);
    let mut handset = handset(&line.kind);
    let mut behaviour = Behaviour::default();
    for (key, value) in &line.settings {
        match (key.as_str(), value.as_str()) {
            ("wants", "nothing") => handset.own.preference.wants = Some(Vec::new()),
            ("behaviour", name) => {
                behaviour = Behaviour::named(name)
                    .ok_or_else(|| format!("there is no behaviour {name}"))?;
            }
            ("bearer" | "wake", _) => {}
            ("sleep", millis) => behaviour.sleep_after_ms = Some(number(millis)?),
            ("connect", way) => {
                behaviour.connect = serde_json::from_value(way.into())
                    .map_err(|_| format!("there is no way {way} to connect"))?;
            }
            ("suspend", millis) => behaviour.wsp_suspend_after_ms = Some(number(millis)?),
            ("resume", millis) => behaviour.wsp_resume_after_ms = Some(number(millis)?),
            ("refuses", word) => {
                behaviour.wsp_refusal = serde_json::from_value(word.into())
                    .map_err(|_| format!("there is no refusal {word}"))?;
            }
            ("return", way) => {
                behaviour.return_by = serde_json::from_value(way.into())
                    .map_err(|_| format!("there is no way {way} to return information"))?;
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
