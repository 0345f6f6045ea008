//! What the gateway is told before it starts: names, addresses, identities, wishes, patience, bounds.

use core::time::Duration;
use std::net::SocketAddr;

use crate::codec::device_id::DeviceId;
use crate::codec::sir::{Ask, Placement};
use crate::event::Bearer;
use crate::gateway::bearer::apns::Apns;
use crate::gateway::bearer::choice::Bearers;
use crate::gateway::bearer::fcm::Fcm;
use crate::gateway::bearer::push_service::PushService;
use crate::gateway::policy::Policy;
use crate::gateway::profile::Profile;
use crate::gateway::push::plan::{Fork, PlanWish};
use crate::gateway::service::{instant_notice, session, web_message};
use crate::protocol::smpp::Version;
use crate::world::{ListenerId, SocketId, Transport};

/// Everything the gateway is told before it starts.
#[derive(Clone, Debug)]
pub struct Config {
    /// The domain whose identities are served.
    pub domain: String,
    /// The gateway's own host name, as in `push@host`.
    pub host: String,
    /// The gateway's own address in SIP; the server address of every SIR.
    pub uri: String,
    /// SIP over datagrams: sockets and the addresses peers reach them at.
    pub udp: Vec<(SocketId, SocketAddr)>,
    /// SIP, MSRP and push over HTTP (TO-TCP) on streams; SIRs name those of the last one.
    pub listeners: Vec<Listener>,
    /// WSP over datagrams: the socket, and the address peers reach it at.
    pub wsp: Option<(SocketId, SocketAddr)>,
    /// WSP sessions (OTA-WSP): the socket, and the address devices reach it at; SIRs name it.
    pub wsp_session: Option<(SocketId, SocketAddr)>,
    /// The message centre, for short messages and USSD.
    pub smsc: Option<Smsc>,
    /// Push over HTTP.
    pub ota_http: OtaHttp,
    /// The path of PAP.
    pub pap_path: String,
    /// Octets of one HTTP body.
    pub body_octets_max: usize,
    /// Identities and devices known beforehand.
    pub identities: Vec<Identity>,
    /// Create identities and devices of our domain when they register.
    pub learn_devices: bool,
    /// How a SIR travels, unless the initiator says otherwise.
    pub plan: PlanWish,
    /// Where a SIR holds device identifiers, unless the initiator says otherwise.
    pub place: Placement,
    /// Who multiplies a SIR for all, unless the initiator says otherwise.
    pub fork: Fork,
    /// The SIP core, for `fork = core` and for devices registered elsewhere.
    pub core: Option<(Transport, SocketAddr)>,
    /// Write a binary SIA with our contact into the SIR; else its body is empty.
    pub sia: bool,
    /// Add the public user identity to the SIR (R2.122).
    pub add_pui: bool,
    /// What every SIR asks for, beside what the initiator asks.
    pub ask: Ask,
    /// The application of content that names none.
    pub application: String,
    /// How long a SIR is valid.
    pub sir_expires: Duration,
    /// How long a push without `deliver-before` is tried.
    pub push_lifetime: Duration,
    /// How long a device that took the SIR may take to open a session.
    pub answer_timeout: Duration,
    /// How long a device may take to confirm content.
    pub report_timeout: Duration,
    /// How often something is tried again.
    pub retries: u32,
    /// The first pause before a new try; each further one is twice as long.
    pub retry_wait: Duration,
    /// How long a session stays up when nothing is left to send.
    pub session_linger: Duration,
    /// Digest credentials of devices; `None` lets everybody register.
    pub authentication: Option<Authentication>,
    /// What the gateway answers a device that challenges its SIR.
    pub credentials: Option<(String, String)>,
    /// Another gateway that pushes are handed on to; it then looks up, adds and sends (R2.17).
    pub relay: Option<Relay>,
    /// What initiators may do.
    pub policy: Policy,
    /// Registration intervals and counts.
    pub registration: Registration,
    /// How results are told.
    pub notification: Notification,
    /// Bounds of what is kept in memory.
    pub bounds: Bounds,
    /// Push services that wake devices, beside our own bearers (RFC 8599).
    pub wake: Vec<PushService>,
    /// Apple's push service, and who we are to it.
    pub apns: Option<Apns>,
    /// Firebase Cloud Messaging, and who we are to it.
    pub fcm: Option<Fcm>,
    /// Be a push service for browsers.
    pub push_service: Option<crate::gateway::service::push_service::Config>,
    /// Identities that may watch everybody's presence; others watch their own.
    pub presence_watchers: Vec<String>,
    /// Tell devices how many pushes wait for them although they did not subscribe (RFC 3842).
    pub unsolicited_summaries: bool,
    /// Sessions that users of web pages begin with a password.
    pub login: Option<session::Settings>,
    /// Messages for web applications.
    pub webapp: web_message::Settings,
    /// Which push services of browsers may be called.
    pub push_endpoints: Vec<web_message::Allowed>,
    /// How they reach our operator: `mailto:` or `https:`.
    pub push_contact: Option<String>,
    /// What is watched for accounts, by application.
    pub monitors: std::collections::BTreeMap<String, instant_notice::Watched>,
    /// Report every protocol message, for ladders and captures.
    pub report_wire: bool,
}

/// A place where streams are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Its number in the driver.
    pub id: ListenerId,
    /// What is spoken there.
    pub speaks: Speaks,
    /// On what.
    pub transport: Transport,
    /// The address peers reach it at.
    pub address: SocketAddr,
}

/// What is spoken on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// SIP.
    Sip,
    /// MSRP.
    Msrp,
    /// Push over HTTP, by us on connections that terminals open (TO-TCP).
    OtaHttp,
}

/// A public user identity and its devices.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identity {
    /// The identity: `sip:alice@example.com`.
    pub pui: String,
    /// Further identities of the same user: `tel:+15550100`.
    pub aliases: Vec<String>,
    /// Its devices, in the order in which they are shown and asked.
    pub devices: Vec<DeviceProfile>,
}

/// A device known beforehand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeviceProfile {
    /// Its name in events and answers; unique within the identity.
    pub name: String,
    /// What it is: `mobile`, `pc`, `pda` ...
    pub kind: String,
    /// Its identifiers; any of them names it.
    pub ids: Vec<DeviceId>,
    /// What is known of it.
    pub profile: Profile,
}

/// Digest credentials of devices.
#[derive(Clone, Debug)]
pub struct Authentication {
    /// The realm.
    pub realm: String,
    /// User names and passwords.
    pub users: Vec<(String, String)>,
}

/// A message centre that we bind to in SMPP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smsc {
    /// Where it listens.
    pub address: SocketAddr,
    /// Who we are there; at most 15 characters.
    pub system_id: String,
    /// Our password; at most 8 characters.
    pub password: String,
    /// What kind of system we are; at most 12 characters.
    pub system_type: String,
    /// The version that is asked for.
    pub version: Version,
    /// The number that SIRs come from and that devices write to.
    pub short_code: String,
    /// How long a submission and its receipt are awaited before the next bearer is tried.
    pub receipt_timeout: Duration,
}

impl Smsc {
    /// One at that address, with the usual names.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            system_id: "sirgate".to_owned(),
            password: String::new(),
            system_type: String::new(),
            version: Version::V34,
            short_code: "7777".to_owned(),
            receipt_timeout: Duration::from_secs(60),
        }
    }
}

/// Push over HTTP, to terminals that we connect to or that connect to us.
#[derive(Clone, Debug, Default)]
pub struct OtaHttp {
    /// When a content goes by itself, without a SIR and a session.
    pub contents: Contents,
    /// What terminals have to prove who they are with; `None` believes whoever answers.
    pub terminals: Option<Authentication>,
    /// Which of a terminal's provisionings requests are for; an empty one is told too.
    pub prov_url: Option<String>,
}

/// When a content that its terminal takes goes by itself, without a SIR and a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Contents {
    /// Never: a SIR asks for a session.
    BySession,
    /// To devices that have not registered by SIP, and so will hardly open a session.
    #[default]
    Unregistered,
    /// Always, but where the devices judge for themselves.
    Direct,
}

/// Another gateway, which queries, adds and sends (R2.17): pushes are kept here and handed on to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    /// The URL of its PAP.
    pub url: String,
    /// The URL of our PAP as it reaches us: it tells results there.
    pub notify: String,
}

/// Registration intervals and counts (spec/sip.md E.8).
#[derive(Clone, Copy, Debug)]
pub struct Registration {
    /// Seconds a binding lives when the device asks for nothing.
    pub default_expires: u32,
    /// Seconds it lives at least.
    pub min_expires: u32,
    /// Seconds it lives at most.
    pub max_expires: u32,
    /// Seconds between a device's keep-alives.
    pub flow_timer: u32,
    /// Key of temporary GRUUs and obfuscated instances.
    pub gruu_secret: [u8; 32],
}

/// How results are told to the initiator.
#[derive(Clone, Copy, Debug)]
pub struct Notification {
    /// How often it is tried.
    pub tries: u32,
    /// The first pause; each further one is twice as long.
    pub wait: Duration,
    /// The longest pause.
    pub wait_max: Duration,
    /// How many are under way at a time.
    pub open_max: usize,
}

/// Bounds of what is kept in memory.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Pushes in progress; more are answered 503.
    pub pushes: usize,
    /// Octets of their content together; more are answered 503.
    pub content_octets: usize,
    /// Ended pushes that can still be asked for.
    pub ended: usize,
    /// How long an ended push can be asked for.
    pub ended_kept: Duration,
    /// Identities.
    pub identities: usize,
    /// Sessions with devices.
    pub sessions: usize,
    /// SIRs that wait for an earlier one to the same device.
    pub queue: usize,
}

impl Config {
    /// The bearers that this gateway can use.
    #[must_use]
    pub const fn bearers(&self) -> Bearers {
        let served = Bearers::of(&[
            Bearer::Sip,
            Bearer::Signalling,
            Bearer::Service,
            Bearer::Http,
            Bearer::Web,
        ]);
        let served = match self.wsp {
            Some(_) => served.with(Bearer::Wsp).with(Bearer::Ps),
            None => served,
        };
        let served = match self.apns {
            Some(_) => served.with(Bearer::Apns),
            None => served,
        };
        let served = match self.fcm {
            Some(_) => served.with(Bearer::Fcm),
            None => served,
        };
        match self.smsc {
            Some(_) => served
                .with(Bearer::Sms)
                .with(Bearer::Ussd)
                .with(Bearer::Cs)
                .with(Bearer::Ps),
            None => served,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            domain: "example.com".to_owned(),
            host: "ppg.example.com".to_owned(),
            uri: "sip:push@ppg.example.com".to_owned(),
            udp: Vec::new(),
            listeners: Vec::new(),
            wsp: None,
            wsp_session: None,
            smsc: None,
            ota_http: OtaHttp::default(),
            pap_path: "/pap".to_owned(),
            body_octets_max: crate::limits::HTTP_BODY_OCTETS,
            identities: Vec::new(),
            learn_devices: true,
            plan: PlanWish::Auto,
            place: Placement::VALUE,
            fork: Fork::Ppg,
            core: None,
            sia: true,
            add_pui: false,
            ask: Ask::default(),
            application: "x-wap-application:wml.ua".to_owned(),
            sir_expires: Duration::from_secs(600),
            push_lifetime: Duration::from_secs(3600),
            answer_timeout: Duration::from_secs(5),
            report_timeout: Duration::from_secs(30),
            retries: 3,
            retry_wait: Duration::from_secs(2),
            session_linger: Duration::from_secs(5),
            authentication: None,
            credentials: None,
            relay: None,
            policy: Policy::default(),
            registration: Registration::default(),
            notification: Notification::default(),
            bounds: Bounds::default(),
            wake: Vec::new(),
            apns: None,
            fcm: None,
            push_service: None,
            presence_watchers: Vec::new(),
            unsolicited_summaries: false,
            login: None,
            webapp: web_message::Settings::default(),
            push_endpoints: vec![web_message::Allowed::Own, web_message::Allowed::Loopback],
            push_contact: None,
            monitors: std::collections::BTreeMap::new(),
            report_wire: false,
        }
    }
}

impl Config {
    /// Which push services of browsers may be called, our own by its origin.
    #[must_use]
    pub fn endpoints(&self) -> web_message::Endpoints {
        let own = self.push_service.as_ref();
        let own = own.map_or("", |service| service.origin.as_str());
        web_message::Endpoints::new(self.push_endpoints.clone(), own)
    }
}

impl Default for Registration {
    fn default() -> Self {
        Self {
            default_expires: 3600,
            min_expires: 60,
            max_expires: 7200,
            flow_timer: 120,
            gruu_secret: [0; 32],
        }
    }
}

impl Default for Notification {
    fn default() -> Self {
        Self {
            tries: 20,
            wait: Duration::from_secs(1),
            wait_max: Duration::from_secs(300),
            open_max: 256,
        }
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            pushes: 100_000,
            content_octets: crate::limits::CONTENT_OCTETS,
            ended: 10_000,
            ended_kept: Duration::from_secs(3600),
            identities: 100_000,
            sessions: 50_000,
            queue: 32,
        }
    }
}

/// The pause before try number `attempt` (from 1): `first`, doubled each time, at most `most`.
#[must_use]
pub fn back_off(first: Duration, attempt: u32, most: Duration) -> Duration {
    let factor = 1_u32
        .checked_shl(attempt.saturating_sub(1))
        .unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let second = Duration::from_secs(1);
        let most = Duration::from_secs(300);
        assert_eq!(back_off(second, 1, most), second);
        assert_eq!(back_off(second, 4, most), Duration::from_secs(8));
        assert_eq!(back_off(second, 40, most), most);
    }
}
