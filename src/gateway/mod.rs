//! What the push proxy gateway decides.
//!
//! [`Gateway`] is the one place that sees registry, pushes, bearers and sessions; they hand it values and never hold one
//! another. It takes each input to the part that owns it: `on_pap` (submissions), `on_api` (the JSON interface),
//! `on_sip` (registrations, answers), `on_invite` (sessions), `on_msrp` (content and returned information). The walk of
//! a push is in `delivering` (obtain, judge, add, wrap, send: R2.117 to R2.122) and `ending` (results, records).

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use crate::event::{Bearer, Event, Fact};
use crate::machine::Machine;
use crate::protocol::sip::authentication::Authenticator;
use crate::protocol::sip::endpoint::{self, ClientId, Endpoint, Local};
use crate::protocol::sip::notifier::Notifier;
use crate::protocol::sip::registrar::{self, Registrar};
use crate::random::Random;
use crate::time::Time;
use crate::timers::Timers;
use crate::world::{
    CloseReason, FetchError, FetchId, HttpResponse, Input, LinkId, Output, Record, RecordKind,
};

mod acquainted;
mod answering;
pub mod api;
pub mod bearer;
mod binding_text;
mod carrying;
mod centre;
pub mod config;
mod delivering;
mod dialogues;
mod ending;
mod events;
mod flows;
mod forwarding;
mod index;
mod initiating;
mod mailboxes;
pub mod message;
mod noticing;
mod notifying;

mod on_api;
mod on_ccq;
mod on_http;
mod on_invite;
mod on_msrp;
mod on_notice;
mod on_pap;
mod on_question;
mod on_session;
mod on_sip;
mod on_smpp;
mod on_web;
mod ota_http;
mod ota_wsp;
mod paging;
pub mod policy;
mod posting;
mod previewing;

pub mod profile;
pub mod push;
mod refreshing;

mod push_serving;
pub mod registry;
mod relaying;
mod restoring;
mod sending;
pub mod service;
pub mod sessions;
pub mod sir;
pub mod snapshot;
mod storing;
mod submitting;
mod waking;
mod watching;
mod wire;
mod withdrawing;

pub use config::Config;

use bearer::{Job, Jobs, Leg};
use config::Speaks;
use policy::Quotas;
use push::ledger::Ledger;
use push::notification::{Notices, OwedNo};
use push::submission::PushNo;
use registry::{DeviceKey, IdentityNo, Registry, Source};
use service::session::Sessions as Logins;
use service::web_message::{Desk, WebMessages};
use sessions::{SessionNo, Sessions};

/// The push proxy gateway as one machine.
pub struct Gateway {
    config: Config,
    random: Random,
    registry: Registry,
    sources: Vec<Box<dyn Source>>,
    registrar: Registrar,
    endpoint: Endpoint,
    authenticator: Option<Authenticator>,
    ledger: Ledger,
    jobs: Jobs<Leg>,
    /// SIRs that nobody confirms: what goes on by the next bearer when no session follows.
    unsure: BTreeMap<(PushNo, usize, usize), Job>,
    envelopes: sending::Envelopes,
    sessions: Sessions,
    /// The push service for browsers, where one is configured.
    push_service: Option<service::push_service::PushService>,
    /// Instant notification.
    instant: service::instant_notice::InstantNotices,
    /// Mailboxes that are watched over IMAP.
    mailboxes: mailboxes::Mailboxes,
    /// Sessions of WSP, where they are configured.
    wsp: Option<ota_wsp::OtaWsp>,
    /// The message centre, where one is configured.
    centre: Option<centre::Centre>,
    /// Terminals that take pushes over HTTP.
    terminals: bearer::terminal::Terminals,
    /// Connections that such terminals opened.
    connections: ota_http::Connections,
    /// Contents that go in requests of SIP.
    pages: paging::Pages,
    /// Subscriptions of devices to SIRs.
    watches: watching::Watches,
    /// Subscriptions to what happens with identities.
    notifier: Notifier<events::Topic>,
    /// What devices published.
    publications: events::Publications,
    /// How many pushes wait, as subscribers know it.
    summaries: events::Summaries,
    /// Sessions that our requests refresh.
    refreshes: BTreeMap<ClientId, SessionNo>,
    notices: Notices,
    vendors: notifying::Vendors,
    quotas: Quotas,
    timers: Timers<Timer>,
    /// Which device registered over a flow.
    flows: flows::Flows,
    /// What the endpoint is told next: only after everything else that an input brought is done, so that records come
    /// before the messages that depend on them.
    todo: VecDeque<endpoint::Input>,
    effects: Vec<endpoint::Output>,
    /// Pushes that are being handed on.
    forwards: forwarding::Forwards,
    /// Questions about them that the other gateway is to answer.
    questions: relaying::Questions,
    /// Messages kept for accounts.
    messages: message::Messages,
    /// Sessions of users of web pages, where they are configured.
    logins: Option<Logins>,
    /// Messages for web applications.
    web: WebMessages,
    /// Contents of pushes among them.
    stored: storing::Stored,
    next_client: u64,
}

/// What may be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Timer {
    /// The time of a push has come.
    Start(PushNo),
    /// The time of a push is over.
    Expire(PushNo),
    /// A SIR is sent again.
    Retry(PushNo, usize, usize),
    /// A device took the SIR and should have opened a session by now.
    Silent(PushNo, usize, usize),
    /// An accepted link should have named its session by now.
    Unbound(LinkId),
    /// A session should have its link by now.
    Unlinked(SessionNo),
    /// A session is to be refreshed by us.
    Refresh(SessionNo),
    /// A session should have been refreshed by now.
    Unrefreshed(SessionNo),
    /// A session has nothing left to do.
    Linger(SessionNo),
    /// The SIP side of a session.
    Call(SessionNo),
    /// The MSRP side of a session.
    Messages(SessionNo),
    /// A result is told again.
    Notify(OwedNo),
    /// A push is handed on again.
    HandOn(PushNo),
    /// The oldest ended push is forgotten.
    Forget,
    /// The side of the message centre.
    Centre,
    /// A device should have answered a string of USSD by now.
    Dialogue(DeviceKey),
    /// Sessions of WSP.
    Wsp,
    /// A device that was woken for a SIR by that bearer should have registered by now.
    Asleep(DeviceKey, Bearer),
    /// A device that sleeps is to renew its registration.
    Renew(DeviceKey),
    /// What was published under that number is over.
    Unpublish(IdentityNo, u64),
    /// The connection of a terminal, by its number.
    Terminal(u32),
}

/// The services that browsers use: messages, logins, pushes.
fn for_browsers(
    config: &Config,
    registry: &mut Registry,
    random: &mut Random,
) -> (
    WebMessages,
    Option<Logins>,
    Option<service::push_service::PushService>,
) {
    let web = WebMessages::new(config.webapp, random.fork());
    let web = web.reaching(config.endpoints(), config.push_contact.clone());
    let logins = on_session::open(config, registry, random);
    let pushes = config.push_service.clone();
    let pushes =
        pushes.map(|config| service::push_service::PushService::new(config, random.fork()));
    (web, logins, pushes)
}

impl Gateway {
    /// A gateway that knows what its configuration says.
    #[must_use]
    pub fn new(config: Config, mut random: Random) -> Self {
        let mut registry = provisioned(&config);
        let registrar = registrar(&config, random.fork());
        let endpoint = Endpoint::new(local(&config), random.fork());
        let authenticator = on_sip::authenticator(&config, &mut random);
        let jobs = Jobs::new(config.bounds.queue);
        let mut timers = Timers::default();
        let wsp = config.wsp_session.is_some();
        let wsp = wsp.then(|| ota_wsp::OtaWsp::new(random.fork()));
        let (web, logins, push_service) = for_browsers(&config, &mut registry, &mut random);
        let (instant, mailboxes) = mailboxes::open(&config, &mut random);
        let vendors = notifying::Vendors::new(&config);
        let smsc = config.smsc.as_ref();
        let centre = smsc.map(|smsc| centre::Centre::new(smsc, random.fork()));
        if centre.is_some() {
            timers.set(Timer::Centre, Time::EPOCH);
        }
        Self {
            config,
            random,
            registry,
            sources: Vec::new(),
            registrar,
            endpoint,
            authenticator,
            ledger: Ledger::default(),
            jobs,
            unsure: BTreeMap::new(),
            envelopes: sending::Envelopes::default(),
            sessions: Sessions::default(),
            terminals: bearer::terminal::Terminals::default(),
            connections: ota_http::Connections::default(),
            pages: paging::Pages::default(),
            watches: watching::Watches::new(),
            notifier: events::notifier(),
            publications: events::Publications::default(),
            summaries: events::Summaries::new(),
            refreshes: BTreeMap::new(),
            notices: Notices::default(),
            vendors,
            quotas: Quotas::default(),
            timers,
            push_service,
            instant,
            mailboxes,
            wsp,
            centre,
            flows: flows::Flows::default(),
            todo: VecDeque::new(),
            effects: Vec::new(),
            forwards: forwarding::Forwards::default(),
            questions: relaying::Questions::new(),
            messages: message::Messages::default(),
            logins,
            web,
            stored: storing::Stored::default(),
            next_client: 0,
        }
    }

    /// Asks this source too whenever the devices of an identity are looked up (R2.11).
    pub fn add_source(&mut self, source: Box<dyn Source>) {
        self.sources.push(source);
    }

    /// Takes back what was known before a restart, before the first input: identities, bindings, pushes, owed results.
    /// Pushes that were in progress are taken up again.
    pub fn restore(&mut self, now: Time, records: Vec<Record>, out: &mut Vec<Output>) {
        let mut records = records;
        // Pushes name devices and bindings name identities, so those come first.
        records.sort_by_key(|record| match record.key.kind {
            RecordKind::Identity | RecordKind::PushAgent | RecordKind::ServerKey => 0,
            RecordKind::Binding => 1,
            RecordKind::Push
            | RecordKind::Subscription
            | RecordKind::Publication
            | RecordKind::Message
            | RecordKind::Client
            | RecordKind::Login
            | RecordKind::WebPush
            | RecordKind::Notice => 2,
            RecordKind::Owed => 3,
        });
        for record in records {
            self.restore_one(now, &record, out);
        }
        self.resume(now, out);
        self.run(now, out);
    }

    /// What is known of identities and devices.
    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Pushes in memory.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Messages kept for accounts.
    #[must_use]
    pub const fn messages(&self) -> &message::Messages {
        &self.messages
    }

    /// Sessions with devices.
    #[must_use]
    pub const fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Lets the endpoint do what is due, and takes what comes out of it to its owner.
    fn run(&mut self, now: Time, out: &mut Vec<Output>) {
        self.push_out(now, out);
        loop {
            let mut effects = core::mem::take(&mut self.effects);
            for effect in effects.drain(..) {
                self.on_effect(now, effect, out);
            }
            // Handling an effect only queues inputs, so the emptied list can be filled again.
            self.effects = effects;
            if self.todo.is_empty() {
                self.tell_summaries(now);
                self.forget_subscriptions(out);
            }
            let Some(input) = self.todo.pop_front() else {
                return;
            };
            self.endpoint.handle(now, input, &mut self.effects);
        }
    }

    fn on_octets(&mut self, now: Time, link: LinkId, octets: Bytes, out: &mut Vec<Output>) {
        if let Some(leg) = self.centre_leg(link) {
            self.centre_octets(now, leg, octets, out);
        } else if self.mailboxes.has(link) {
            self.mailbox_octets(now, link, &octets, out);
        } else if let Some(number) = self.connections.of_link(link) {
            self.terminal_octets(now, number, &octets, out);
        } else if self.sessions.link(link).is_some() {
            self.link_octets(now, link, &octets, out);
        } else {
            let input = endpoint::Input::Octets { link, octets };
            self.todo.push_back(input);
        }
    }

    fn on_closed(&mut self, now: Time, link: LinkId, why: CloseReason, out: &mut Vec<Output>) {
        if self.centre_leg(link).is_some() {
            self.centre_closed(now, link, out);
        } else if self.mailboxes.has(link) {
            self.mailbox_closed(now, link, why, out);
        } else if self.socket_closed(now, link, out) {
        } else if let Some(number) = self.connections.of_link(link) {
            self.terminal_closed(now, number, out);
        } else if self.sessions.link(link).is_some() {
            self.link_closed(now, link, out);
        } else {
            self.todo.push_back(endpoint::Input::Closed { link, why });
        }
    }

    fn on_timer(&mut self, now: Time, timer: Timer, out: &mut Vec<Output>) {
        match timer {
            Timer::Start(no) => self.start(now, no, out),
            Timer::Expire(no) => self.expire_push(now, no, out),
            Timer::Retry(no, group, at) => self.retry(now, no, group, at, out),
            Timer::Silent(no, group, at) => self.silent(now, no, group, at, out),
            Timer::Unbound(link) => self.drop_unbound(link, out),
            Timer::Unlinked(no) => self.hang_up(now, no, 408, "no MSRP link", out),
            Timer::Refresh(no) => self.refresh(now, no),
            Timer::Unrefreshed(no) => self.hang_up(now, no, 408, "not refreshed", out),
            Timer::Linger(no) => self.hang_up(now, no, 200, "delivered", out),
            Timer::Call(no) => self.call_due(now, no, out),
            Timer::Messages(no) => self.messages_due(now, no, out),
            Timer::Notify(no) => self.notify(now, no, out),
            Timer::HandOn(no) => self.hand_on(now, no, out),
            Timer::Forget => self.forget(now),
            Timer::Centre => self.centre_due(now, out),
            Timer::Dialogue(key) => self.dialogue_lost(now, key, out),
            Timer::Wsp => self.wsp_due(now, out),
            Timer::Asleep(key, bearer) => self.stayed_asleep(now, key, bearer, out),
            Timer::Terminal(number) => self.terminal_due(now, number, out),
            Timer::Renew(key) => self.renew(now, key, out),
            Timer::Unpublish(identity, number) => self.unpublish(now, identity, number, out),
        }
    }

    fn report(&self, now: Time, fact: Fact, out: &mut Vec<Output>) {
        out.push(Output::Report(Event { t: now, fact }));
    }

    fn client_id(&mut self) -> ClientId {
        self.next_client = self.next_client.saturating_add(1);
        ClientId(self.next_client)
    }
}

impl Gateway {
    /// An answer to what the gateway fetched, whatever for.
    fn fetched(
        &mut self,
        now: Time,
        id: FetchId,
        response: Result<HttpResponse, FetchError>,
        out: &mut Vec<Output>,
    ) {
        let is_known = self.on_posted(now, id, &response, out)
            || self.on_woken(now, id, &response, out)
            || self.on_notified(now, id, &response, out)
            || self.handed_on(now, id, &response, out)
            || self.relay_answered(now, id, &response, out)
            || self.pushed_out(now, id, &response, out);
        if !is_known {
            self.on_response(now, id, response, out);
        }
    }
}

impl Machine for Gateway {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Datagram {
                socket,
                peer,
                octets,
            } if self.is_wsp(socket) => self.refuse_wsp(now, peer, octets.len(), out),
            Input::Datagram {
                socket,
                peer,
                octets,
            } if self.is_wsp_session(socket) => self.wsp_datagram(now, peer, octets, out),
            Input::Datagram {
                socket,
                peer,
                octets,
            } => self.todo.push_back(endpoint::Input::Datagram {
                socket,
                peer,
                octets,
            }),
            Input::Opened {
                link,
                listener,
                transport,
                local,
                peer,
            } => {
                let speaks = |id| self.config.listeners.iter().find(|own| own.id == id);
                let speaks = listener.and_then(speaks).map(|own| own.speaks);
                match (self.centre_leg(link), speaks) {
                    (Some(leg), _) => self.centre_opened(now, leg, out),
                    // The server speaks first.
                    _ if self.mailboxes.has(link) => {}
                    (None, Some(Speaks::Msrp)) => self.link_opened(now, link, out),
                    (None, Some(Speaks::OtaHttp)) => self.terminal_opened(now, link, peer, out),
                    _ => self.todo.push_back(endpoint::Input::Opened {
                        link,
                        listener,
                        transport,
                        local,
                        peer,
                    }),
                }
            }
            Input::Octets { link, octets } => self.on_octets(now, link, octets, out),
            Input::Upgraded { link, target, .. } => self.socket_opened(now, link, &target, out),
            Input::Message { link, text } => self.socket_message(now, link, &text, out),
            Input::Closed { link, why } => self.on_closed(now, link, why, out),
            Input::Request { id, peer, request } => self.on_request(now, id, peer, &request, out),
            Input::Response { id, response } => self.fetched(now, id, response, out),
        }
        self.run(now, out);
    }

    fn stop(&mut self, now: Time, out: &mut Vec<Output>) {
        self.stop_centre(now, out);
        let messages = &mut self.messages;
        self.web.stop(&mut Desk { now, messages, out });
        self.run(now, out);
    }

    fn has_stopped(&self) -> bool {
        self.centre.as_ref().is_none_or(centre::Centre::has_stopped)
    }

    fn expire(&mut self, now: Time, out: &mut Vec<Output>) {
        while let Some(timer) = self.timers.take_due(now) {
            self.on_timer(now, timer, out);
        }
        if self.registrar.deadline().is_some_and(|due| due <= now) {
            let changes = self.registrar.expire(now);
            self.on_changes(now, changes, out);
        }
        self.end_events(now);
        self.web_due(now, out);
        if let Some(logins) = &mut self.logins {
            logins.expire(now, out);
        }
        self.notices_due(now, out);
        if let Some(service) = &mut self.push_service {
            service.expire(now, out);
        }
        self.endpoint.expire(now, &mut self.effects);
        self.run(now, out);
    }

    fn deadline(&self) -> Option<Time> {
        [
            self.timers.next(),
            self.registrar.deadline(),
            self.endpoint.deadline(),
            self.notifier.deadline(),
            self.messages.deadline(),
            self.web.deadline(),
            self.logins.as_ref().and_then(Logins::deadline),
            self.instant.deadline(),
            self.mailboxes.deadline(),
            self.push_service
                .as_ref()
                .and_then(service::push_service::PushService::deadline),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

/// The identities that the configuration names.
fn provisioned(config: &Config) -> Registry {
    let mut registry = Registry::new(config.bounds.identities);
    for identity in &config.identities {
        registry.provision(identity);
    }
    registry
}

fn registrar(config: &Config, random: Random) -> Registrar {
    let mut policy = registrar::Policy::new(&config.domain, config.registration.gruu_secret);
    policy.default_expires = config.registration.default_expires;
    policy.min = config.registration.min_expires;
    policy.max = config.registration.max_expires;
    policy.wakers = waking::wakers(config);
    policy.flow_timer = Some(config.registration.flow_timer);
    if !config.learn_devices {
        policy.identities = registrar::Identities::Listed(
            config
                .identities
                .iter()
                .map(|identity| registry::canonical(&identity.pui))
                .collect(),
        );
    }
    let mut registrar = Registrar::new(policy, random);
    // Of a device that is known but not here, a GRUU is unavailable (480), not unknown (404).
    for identity in &config.identities {
        let pui = registry::canonical(&identity.pui);
        for id in identity.devices.iter().flat_map(|device| &device.ids) {
            registrar.remember(&pui, id.as_str());
        }
    }
    registrar
}

fn local(config: &Config) -> Local {
    let mut local = Local::new(0);
    for (socket, address) in &config.udp {
        local = local.socket(*socket, *address);
    }
    for listener in &config.listeners {
        if listener.speaks == Speaks::Sip {
            local = local.listener(listener.transport, listener.address);
        }
    }
    local
}

#[cfg(test)]
mod tests;
