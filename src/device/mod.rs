//! What a handset decides: it registers, takes SIRs, judges them, opens push sessions and returns what was asked for.
//!
//! **Source:** CN101764828A claims 8 to 13 and 21 to 24; the sirgate SIP profile, E.4 to E.8. Not here: DNS (hosts come
//! from a table), more than one flow.
//!
//! | unit of the source | where |
//! |---|---|
//! | request receiving | `on_sip`, `incoming`, [`bearer`] |
//! | matching | [`matcher`] |
//! | judging and connecting | [`decision`], `judging`, `session` |
//! | responding | [`reply`], `responding` |
//! | application activating | [`applications`], `responding` |

use std::collections::VecDeque;
use std::net::SocketAddr;

use bytes::Bytes;

use crate::event::{Event, Fact};
use crate::machine::Machine;
use crate::protocol::sip::authentication::{Authenticator, Client, Secret};
use crate::protocol::sip::caller_preferences::Features;
use crate::protocol::sip::endpoint::{self, ClientId, Endpoint, Flow, Local};
use crate::protocol::sip::outbound::{KeepAlive, Power};
use crate::random::Random;
use crate::time::Time;
use crate::timers::Timers;
use crate::world::{FetchId, Input, LinkId, Output, SocketId};

pub mod applications;
mod asking;
pub mod bearer;
pub mod behaviour;
pub mod browser;
pub mod config;
pub mod decision;
mod fleet;
mod incoming;
mod judging;
pub mod matcher;
pub mod message_center;
pub mod notice_board;
mod on_sip;
mod refreshing;
mod registering;
pub mod registration;
pub mod reply;
mod responding;
pub mod seen;
mod session;
mod sleeping;
mod target;
#[cfg(test)]
mod tests;
pub mod web_poller;

pub use config::{Challenge, Config, Credentials, Profile};
pub use fleet::Fleet;

use applications::Running;
use judging::Waiting;
use matcher::Identifiers;
use registration::Registration;
use reply::Answer;
use responding::Returned;
use seen::Seen;
use session::Session;
use target::host_of;

/// One handset.
pub struct Device {
    config: Config,
    endpoint: Endpoint,
    random: Random,
    identifiers: Identifiers,
    features: Features,
    registration: Registration,
    keep_alive: KeepAlive,
    /// What it answers challenges with.
    credentials: Option<Client>,
    /// What it asks the senders of SIRs.
    authenticator: Option<Box<Authenticator>>,
    /// How its registrar reaches it.
    flow: Option<Flow>,
    sessions: Vec<Session>,
    /// Subscriptions to pushes that wait.
    subscriptions: Vec<asking::Subscription>,
    /// What the REGISTER under way asks for, beside the registration.
    asking: Option<Box<session::About>>,
    waiting: Vec<Waiting>,
    running: Running,
    /// SIRs taken, with what was answered; `None` while one is being judged.
    sirs: Seen<Option<Answer>>,
    /// Pushes taken.
    pushes: Seen<()>,
    /// SIRs whose questions were answered, by correlator.
    returned: Seen<()>,
    /// What its doors beside SIP need; `None` when it has none.
    doors: Option<Box<bearer::Doors>>,
    requests: Vec<(ClientId, Purpose)>,
    /// The client of a watched application, where it has one.
    client: Option<Box<notice_board::NoticeBoard>>,
    timers: Timers<Timer>,
    next: u64,
    queue: VecDeque<endpoint::Output>,
    effects: Vec<endpoint::Output>,
    leaving: Leaving,
    /// It hears nothing on SIP until it registers again.
    asleep: bool,
}

/// Whether the device takes leave of its registrar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    /// No: it goes on.
    No,
    /// It did, and waits for the answer.
    Asked,
    /// It has left.
    Done,
}

/// What a request of the device is for.
#[derive(Debug)]
enum Purpose {
    Register,
    /// The INVITE of the session of that number.
    Invite(u64),
    /// The UPDATE of the session of that number.
    Refresh(u64),
    /// The SUBSCRIBE of the subscription of that number.
    Subscribe(u64),
    /// The SUBSCRIBE of the subscription to SIRs.
    Signalling,
    /// Nothing follows from its answer.
    Farewell,
    Message(Box<Returned>),
}

/// What may be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Timer {
    /// The device is switched on.
    Start,
    /// A REGISTER is due.
    Register,
    /// A SIR that waits, by its number.
    Waiting(u64),
    /// A session is idle for long, by its number.
    Idle(u64),
    /// A session is to be refreshed by the device, by its number.
    Refresh(u64),
    /// A session should have been refreshed by now, by its number.
    Unrefreshed(u64),
    /// A subscription brought no last NOTIFY, by its number.
    Subscribed(u64),
    /// The registrar has not answered the farewell.
    Leave,
    /// The device attaches to its short message centre, or renews that.
    Attach,
    /// A frame to that centre was not answered.
    Uplink,
    /// A dialogue of strings waited for information long enough.
    Dialogue,
    /// The session for another service is to be opened again.
    Service,
    /// Sessions of WSP have something due.
    Wsp,
    /// Sessions of WSP are to be suspended.
    WspSuspend,
    /// Suspended sessions of WSP are to be resumed.
    WspResume,
    /// Nothing has happened in sessions of WSP for long.
    WspIdle,
    /// A connection for push over HTTP is silent for long.
    Line(LinkId),
    /// The subscription to SIRs is to be refreshed, or made again.
    Signalling,
    /// The device goes to sleep.
    Sleep,
    /// The client of a watched application has something to do.
    Client,
}

/// Links of MSRP sessions are numbered from here; those below are SIP's.
const MEDIA_LINKS: u64 = 1 << 40;
/// Links for push over HTTP are numbered from here.
const PUSH_LINKS: u64 = 1 << 48;

/// What a device that asks its gateway who it is knows of it.
fn authenticator(challenge: &Challenge, random: &mut Random) -> Box<Authenticator> {
    let gateway = &challenge.gateway;
    let password = Secret::Password(gateway.password.clone());
    let users = [(gateway.user.clone(), password)].into();
    Box::new(Authenticator::new(&challenge.realm, random.octets(), users))
}

impl Device {
    /// A device that starts as soon as it is told the time: its first deadline is due at once.
    #[must_use]
    pub fn new(config: Config, mut random: Random) -> Self {
        let mut local = Local::new(0).socket(config.socket, config.local);
        for (name, address) in config.ppg_addresses.iter() {
            local = local.server_name(address.ip(), name);
        }
        if let Some(name) = &config.registrar_name {
            local = local.server_name(config.registrar.ip(), name);
        }
        let endpoint = Endpoint::new(local, random.fork());
        let registration = Registration::new(&config, &mut random);
        let power = match config.battery {
            true => Power::Battery,
            false => Power::Mains,
        };
        let keep_alive = KeepAlive::new(config.transport, power, random.fork());
        let instance = crate::codec::device_id::DeviceId::decode(&config.instance).ok();
        let mut ids = config.ids.clone();
        ids.extend(instance.filter(|instance| !config.ids.contains(instance)));
        let credentials = config
            .credentials
            .as_ref()
            .map(|own| Client::new(&own.user, &own.password));
        let challenge = config.challenge.as_ref();
        let authenticator = challenge.map(|challenge| authenticator(challenge, &mut random));
        let mut timers = Timers::default();
        timers.set(Timer::Start, Time::EPOCH);
        let connects = config.behaviour.connect == behaviour::Connect::Http;
        let doors = (config.bearers.is_any() || connects).then(Box::default);
        Self {
            features: judging::features(&config),
            config,
            endpoint,
            random,
            identifiers: Identifiers::new(ids),
            registration,
            keep_alive,
            credentials,
            authenticator,
            flow: None,
            sessions: Vec::new(),
            subscriptions: Vec::new(),
            asking: None,
            waiting: Vec::new(),
            running: Running::default(),
            sirs: Seen::default(),
            pushes: Seen::default(),
            returned: Seen::default(),
            doors,
            requests: Vec::new(),
            client: None,
            timers,
            next: 0,
            queue: VecDeque::new(),
            effects: Vec::new(),
            leaving: Leaving::No,
            asleep: false,
        }
    }

    /// The device with the client of a watched application.
    #[must_use]
    pub fn with_client(mut self, config: notice_board::Config) -> Self {
        let client = notice_board::NoticeBoard::new(config, &self.config.name);
        self.client = Some(Box::new(client));
        self.client_later();
        self
    }

    /// The client of a watched application.
    #[must_use]
    pub fn client(&self) -> Option<&notice_board::NoticeBoard> {
        self.client.as_deref()
    }

    fn client_due(&mut self, now: Time, out: &mut Vec<Output>) {
        if let Some(mut client) = self.client.take() {
            client.expire(now, || FetchId(self.fresh()), out);
            self.client = Some(client);
        }
        self.client_later();
    }

    fn client_later(&mut self) {
        let due = self.client.as_ref().and_then(|client| client.deadline());
        if let Some(due) = due {
            self.timers.set(Timer::Client, due);
        }
    }

    /// What it was told about itself.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// True while its registrar has granted a binding.
    #[must_use]
    pub const fn is_registered(&self) -> bool {
        self.registration.granted().is_some()
    }

    /// Sessions that are up.
    #[must_use]
    pub fn sessions_up(&self) -> usize {
        self.sessions
            .iter()
            .filter(|session| session.is_up() && !session.is_service)
            .count()
    }

    /// A number that was not used before.
    fn fresh(&mut self) -> u64 {
        let number = self.next;
        self.next = self.next.saturating_add(1);
        number
    }

    fn report(&self, now: Time, fact: Fact, out: &mut Vec<Output>) {
        out.push(Output::Report(Event { t: now, fact }));
    }

    fn is_media(link: LinkId) -> bool {
        (MEDIA_LINKS..PUSH_LINKS).contains(&link.0)
    }

    fn is_push(link: LinkId) -> bool {
        (PUSH_LINKS..LinkId::ACCEPTED).contains(&link.0)
    }

    /// A datagram: of a bearer with a door of its own, or SIP.
    fn datagram(
        &mut self,
        now: Time,
        socket: SocketId,
        peer: SocketAddr,
        octets: Bytes,
        out: &mut Vec<Output>,
    ) {
        if let Some(octets) = self.by_door(now, socket, peer, octets, out)
            && !self.sleeps_through(socket)
        {
            let input = endpoint::Input::Datagram {
                socket,
                peer,
                octets,
            };
            self.sip(now, input, out);
        }
    }
}

impl Machine for Device {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Datagram {
                socket,
                peer,
                octets,
            } => self.datagram(now, socket, peer, octets, out),
            Input::Opened { link, .. } if Self::is_media(link) => {
                self.media_opened(now, link, out);
            }
            Input::Octets { link, octets } if Self::is_media(link) => {
                self.media_octets(now, link, &octets, out);
            }
            Input::Closed { link, .. } if Self::is_media(link) => {
                self.media_closed(now, link, out);
            }
            Input::Opened { link, .. } if Self::is_push(link) => self.line_opened(now, link),
            Input::Octets { link, octets } if Self::is_push(link) => {
                self.line_octets(now, link, &octets, out);
            }
            Input::Closed { link, .. } if Self::is_push(link) => {
                self.line_closed(now, link, out);
            }
            Input::Opened {
                link,
                listener,
                transport,
                local,
                peer,
            } => {
                let input = endpoint::Input::Opened {
                    link,
                    listener,
                    transport,
                    local,
                    peer,
                };
                self.sip(now, input, out);
            }
            Input::Octets { link, octets } => {
                self.sip(now, endpoint::Input::Octets { link, octets }, out);
            }
            Input::Closed { link, why } => {
                self.sip(now, endpoint::Input::Closed { link, why }, out);
            }
            Input::Request { id, request, .. } => {
                let asker = bearer::Asker::Door(id);
                self.http_request(now, asker, &request, out);
            }
            Input::Response { id, response } => {
                let client = self.client.as_mut();
                if client.is_some_and(|client| client.answered(now, id, &response)) {
                    self.client_later();
                } else {
                    self.fetched(now, response, out);
                }
            }
            // A device opens no WebSocket and serves none.
            Input::Upgraded { .. } | Input::Message { .. } => {}
        }
        self.settle(now, out);
    }

    fn expire(&mut self, now: Time, out: &mut Vec<Output>) {
        let mut effects = std::mem::take(&mut self.effects);
        self.endpoint.expire(now, &mut effects);
        self.sort_out(now, &mut effects, out);
        self.effects = effects;
        self.settle(now, out);
        if self.keep_alive.deadline().is_some_and(|at| at <= now) {
            self.keep(now, None, out);
        }
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::Start => self.switch_on(now),
                Timer::Register => self.register(now, out),
                Timer::Waiting(number) => self.waited(now, number, out),
                Timer::Idle(number) => self.idle(now, number, out),
                Timer::Refresh(number) => self.refresh(now, number, out),
                Timer::Unrefreshed(number) => self.hang_up(now, number, 408, "not refreshed", out),
                Timer::Subscribed(number) => self.subscription_over(number),
                Timer::Leave => self.leaving = Leaving::Done,
                Timer::Attach => self.attach(now, out),
                Timer::Uplink => self.uplink_due(now, out),
                Timer::Dialogue => self.end_dialogue(now, out),
                Timer::Service => self.open_service(now, out),
                Timer::Wsp => self.wsp_due(now, out),
                Timer::WspSuspend => self.suspend_wsp(now, out),
                Timer::WspResume => self.resume_wsp(now, out),
                Timer::WspIdle => self.leave_wsp(now, out),
                Timer::Line(link) => self.line_due(now, link, out),
                Timer::Signalling => self.subscribe_to_sirs(now, out),
                Timer::Sleep => self.rest(now, out),
                Timer::Client => self.client_due(now, out),
            }
            self.settle(now, out);
        }
        self.give_up_segments(now);
        self.media_expire(now, out);
        self.settle(now, out);
    }

    fn deadline(&self) -> Option<Time> {
        let media = self.sessions.iter().filter_map(Session::deadline).min();
        [
            self.endpoint.deadline(),
            self.keep_alive.deadline(),
            self.timers.next(),
            self.segments_deadline(),
            media,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn stop(&mut self, now: Time, out: &mut Vec<Output>) {
        self.leave(now, out);
        self.settle(now, out);
    }

    fn has_stopped(&self) -> bool {
        self.leaving == Leaving::Done
    }
}
