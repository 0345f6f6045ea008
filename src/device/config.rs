//! What one device is told about itself and its surroundings.

use core::time::Duration;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::codec::device_id::{DeviceId, Kind};
use crate::codec::sip::push_notification::PushResource;
use crate::world::{SocketId, Transport};

pub use super::bearer::Bearers;
use super::behaviour::Behaviour;
use super::decision::Own;

/// One device. What many devices share is behind an `Arc`, so that a fleet costs little.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its name in events: `C1`.
    pub name: String,
    /// What it is: `phone`, `pc`, `pda`.
    pub kind: String,
    /// The public user identity it belongs to.
    pub pui: String,
    /// Its identifiers.
    pub ids: Vec<DeviceId>,
    /// Its instance URN, one of a UUID.
    pub instance: String,
    /// The number of its flow.
    pub reg_id: u32,
    /// The user part of its Contact; devices that share a socket need one each.
    pub contact_user: String,
    /// Its datagram socket.
    pub socket: SocketId,
    /// Where peers reach it.
    pub local: SocketAddr,
    /// Where it registers, and sends what has no known address.
    pub registrar: SocketAddr,
    /// The name that the registrar's certificate must be valid for.
    pub registrar_name: Option<String>,
    /// What it speaks SIP on.
    pub transport: Transport,
    /// Addresses of gateways by host name; hosts not named here are reached through the registrar.
    pub ppg_addresses: Arc<[(String, SocketAddr)]>,
    /// False: it waits for requests without registering.
    pub register: bool,
    /// Seconds a registration is asked for.
    pub expires: u32,
    /// How long it waits before it starts, so that a fleet does not start at once.
    pub start_after: Duration,
    /// User name and password for digest challenges.
    pub credentials: Option<Credentials>,
    /// What gateways answer when the device asks who sent a SIR; it asks when it requires more trust than the way of
    /// the SIR gives. `None`: it does not ask.
    pub challenge: Option<Challenge>,
    /// A gateway to open a session with as soon as it is registered, without a SIR.
    pub connect: Option<String>,
    /// What wakes it when it sleeps, as it registers it (RFC 8599).
    pub wake: Option<PushResource>,
    /// It spares its battery: flows are pinged less often.
    pub battery: bool,
    /// What it is reached by beside SIP.
    pub bearers: Bearers,
    /// What it has and says.
    pub profile: Arc<Profile>,
    /// How it behaves.
    pub behaviour: Arc<Behaviour>,
    /// It reports every protocol message, for a ladder seen from the devices.
    pub report_wire: bool,
}

/// User name and password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

/// The password stays out of every log.
impl core::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Credentials({})", self.user)
    }
}

/// What a device asks of the senders of SIRs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The realm of the question.
    pub realm: String,
    /// The gateway's name and password there.
    pub gateway: Credentials,
}

/// What a device has and says; shared by devices of a kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// What its decisions rest on.
    pub own: Own,
    /// Media types of content it takes; none named means all.
    pub accept: Vec<String>,
    /// The information it returns, by kind.
    pub information: Information,
}

/// What a device says of itself when asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Information {
    /// What it can take.
    pub capability: Value,
    /// What its user set.
    pub preference: Value,
    /// Algorithms, trust anchors, key names.
    pub security: Value,
    /// Services it subscribed to.
    pub subscription: Value,
}

impl Profile {
    /// True when content of that type is taken.
    #[must_use]
    pub fn takes(&self, content_type: &str) -> bool {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let fits = |range: &String| {
            range == "*"
                || range == "*/*"
                || range.eq_ignore_ascii_case(essence)
                || range.strip_suffix('*').is_some_and(|main| {
                    main.ends_with('/')
                        && essence
                            .get(..main.len())
                            .is_some_and(|start| start.eq_ignore_ascii_case(main))
                })
        };
        self.accept.is_empty() || self.accept.iter().any(fits)
    }
}

impl Information {
    /// The information of a kind; `Null` for another word.
    #[must_use]
    pub fn of(&self, kind: &str) -> &Value {
        match kind {
            "capability" => &self.capability,
            "preference" => &self.preference,
            "security" => &self.security,
            "subscription" => &self.subscription,
            _ => &Value::Null,
        }
    }
}

impl Config {
    /// A device of plain behaviour on its own socket. Its instance is its first UUID, else one made from its first
    /// identifier, since an IMEI may not be told to everybody.
    #[must_use]
    pub fn new(
        name: &str,
        pui: &str,
        ids: Vec<DeviceId>,
        local: SocketAddr,
        registrar: SocketAddr,
    ) -> Self {
        Self {
            name: name.to_owned(),
            kind: "phone".to_owned(),
            pui: pui.to_owned(),
            instance: instance_of(name, pui, &ids),
            ids,
            reg_id: 1,
            contact_user: user_of(pui).to_owned(),
            socket: SocketId(0),
            local,
            registrar,
            registrar_name: None,
            transport: Transport::Udp,
            ppg_addresses: Arc::new([]),
            register: true,
            expires: 3_600,
            start_after: Duration::ZERO,
            credentials: None,
            challenge: None,
            connect: None,
            wake: None,
            battery: false,
            bearers: Bearers::default(),
            profile: Arc::default(),
            behaviour: Arc::default(),
            report_wire: false,
        }
    }

    /// The host after the `@` of its identity: the domain it registers in.
    #[must_use]
    pub fn domain(&self) -> &str {
        let rest = self
            .pui
            .split_once('@')
            .map_or(self.pui.as_str(), |(_, host)| host);
        rest.split([';', '>', '?']).next().unwrap_or(rest)
    }

    /// The URI by which its flow is reached, without angle brackets.
    #[must_use]
    pub fn contact(&self) -> String {
        let user = &self.contact_user;
        let transport = match self.transport {
            Transport::Udp => "",
            Transport::Tcp => ";transport=tcp",
            Transport::Tls => ";transport=tls",
        };
        format!("sip:{user}@{}{transport};ob", self.local)
    }

    /// The address of a host: one of the table, an address written as such, or `None`.
    #[must_use]
    pub fn address_of(&self, host: &str, port: Option<u16>) -> Option<SocketAddr> {
        let known = self
            .ppg_addresses
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(host));
        if let Some((_, address)) = known {
            return Some(*address);
        }
        let literal = host.trim_start_matches('[').trim_end_matches(']');
        let ip: IpAddr = literal.parse().ok()?;
        Some(SocketAddr::new(ip, port.unwrap_or(SIP_PORT)))
    }
}

/// The port of a SIP URI without one, on UDP and TCP.
const SIP_PORT: u16 = 5060;

fn user_of(pui: &str) -> &str {
    let rest = pui.split_once(':').map_or(pui, |(_, rest)| rest);
    rest.split('@').next().unwrap_or(rest)
}

fn instance_of(name: &str, pui: &str, ids: &[DeviceId]) -> String {
    if let Some(uuid) = ids.iter().find(|id| id.kind() == Kind::Uuid) {
        return uuid.canonical().to_string();
    }
    let seed = ids
        .first()
        .map_or_else(|| format!("{pui} {name}"), |id| id.canonical().to_string());
    Uuid::new_v5(&Uuid::NAMESPACE_URL, seed.as_bytes())
        .urn()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(ids: &[&str]) -> Config {
        let ids = ids.iter().map(|id| DeviceId::decode(id).unwrap()).collect();
        Config::new(
            "C1",
            "sip:alice@example.com",
            ids,
            "192.0.2.11:5060".parse().unwrap(),
            "192.0.2.5:5060".parse().unwrap(),
        )
    }

    #[test]
    fn the_instance_is_the_uuid_or_made_from_the_first_identifier() {
        let uuid = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
        assert_eq!(
            config(&["urn:gsma:imei:90420156-025763-0", uuid]).instance,
            uuid
        );
        let made = config(&["urn:gsma:imei:90420156-025763-0"]).instance;
        assert!(made.starts_with("urn:uuid:") && !made.contains("90420156"));
        assert_eq!(made, config(&["imei:904201560257637"]).instance);
    }

    #[test]
    fn domain_and_contact_come_from_the_identity_and_the_address() {
        let config = config(&[]);
        assert_eq!(config.domain(), "example.com");
        assert_eq!(config.contact(), "sip:alice@192.0.2.11:5060;ob");
    }

    #[test]
    fn hosts_are_found_in_the_table_before_addresses_are_read() {
        let mut config = config(&[]);
        let ppg2 = "192.0.2.6:5070".parse().unwrap();
        config.ppg_addresses = Arc::new([("ppg2.example.com".to_owned(), ppg2)]);
        assert_eq!(config.address_of("PPG2.example.com", None), Some(ppg2));
        assert_eq!(
            config.address_of("192.0.2.7", Some(5080)),
            Some("192.0.2.7:5080".parse().unwrap())
        );
        assert_eq!(config.address_of("elsewhere.example.com", None), None);
    }

    #[test]
    fn a_password_is_not_printed() {
        let credentials = Credentials {
            user: "alice".into(),
            password: "secret".into(),
        };
        assert_eq!(format!("{credentials:?}"), "Credentials(alice)");
    }
}
