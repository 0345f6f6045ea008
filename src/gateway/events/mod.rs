//! Event packages about identities: presence, registrations, messages waiting. Who may subscribe, and what is told.
//!
//! **Source:** RFC 6665 section 4.2, RFC 3856 (presence), RFC 3680 and RFC 5628 (reg), RFC 3842 (message-summary). The
//! subscriptions themselves are those of `protocol::sip::notifier`; `records` keeps them. Packages about the gateway's own
//! pushes and SIRs are in `gateway::paging` and `gateway::watching`.

use crate::codec::message_summary;
use crate::codec::presence::TYPE as PIDF;
use crate::codec::reginfo;
use crate::codec::sip::{Draft, Message, Name};
use crate::gateway::Gateway;
use crate::gateway::on_invite::NotAccepted;
use crate::gateway::registry::{IdentityNo, canonical};
use crate::gateway::{paging, watching};
use crate::limits;
use crate::protocol::sip::endpoint::{self, ClientId, Flow, ServerId, Target};
use crate::protocol::sip::notifier::{
    Accepted, Answered, Notifier, Refused, SubscriptionNo, Terms, package,
};
use crate::protocol::sip::registrar::Change;
use crate::time::Time;
use crate::world::Output;

mod message_waiting;
mod presence;
mod records;
mod registrations;

pub(in crate::gateway) use message_waiting::Summaries;
pub(in crate::gateway) use presence::Publications;

/// An event package about identities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::gateway) enum Package {
    /// Whether an identity's devices are there.
    Presence,
    /// Its bindings.
    Reg,
    /// How many pushes wait for it.
    MessageSummary,
}

/// What a subscription is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::gateway) struct Topic {
    pub(in crate::gateway) package: Package,
    pub(in crate::gateway) identity: IdentityNo,
}

impl Package {
    const ALL: [Self; 3] = [Self::Presence, Self::Reg, Self::MessageSummary];

    /// The package that a request names.
    fn of(request: &Message) -> Option<Self> {
        Self::named(package(request))
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|own| own.name() == name)
    }

    pub(in crate::gateway) const fn name(self) -> &'static str {
        match self {
            Self::Presence => "presence",
            Self::Reg => "reg",
            Self::MessageSummary => "message-summary",
        }
    }

    const fn media(self) -> &'static str {
        match self {
            Self::Presence => PIDF,
            Self::Reg => reginfo::TYPE,
            Self::MessageSummary => message_summary::TYPE,
        }
    }

    /// How long subscriptions last: the defaults are of RFC 3856 section 6.4, RFC 3680 section 4.3, RFC 3842 section 3.4.
    const fn terms(self) -> Terms {
        Terms {
            default: match self {
                Self::Presence | Self::MessageSummary => 3_600,
                Self::Reg => 3_761,
            },
            min: 60,
            max: 7_200,
        }
    }
}

/// The event packages that are served, for Allow-Events.
pub(in crate::gateway) fn allowed() -> String {
    let own = Package::ALL.map(Package::name).join(", ");
    format!("{own}, {}, {}", paging::EVENT, watching::EVENT)
}

/// The keeper of subscriptions.
pub(in crate::gateway) fn notifier() -> Notifier<Topic> {
    Notifier::new(limits::SUBSCRIPTIONS_PER_TOPIC, limits::SUBSCRIPTIONS)
}

impl Gateway {
    /// True for a SUBSCRIBE or PUBLISH about an identity: by its event package, or by whom it is sent to.
    pub(in crate::gateway) fn is_about_identity(&self, request: &Message) -> bool {
        Package::of(request).is_some()
            || (!self.is_for_us(request) && self.about(request).is_some())
    }

    /// The identity that a request is sent to.
    pub(in crate::gateway) fn about(&self, request: &Message) -> Option<IdentityNo> {
        let uri = request.request_uri().ok()?;
        self.registry.identity(&canonical(uri.as_str()))
    }

    /// Who sends a request, when that may be believed: a device of ours, or who knows a password.
    fn subscriber(&self, flow: Flow, request: &Message) -> Option<IdentityNo> {
        let is_proved = self.authenticator.is_some() && !self.flows.is_known(flow);
        if is_proved {
            let from = request.from().ok()?;
            return self.registry.identity(&canonical(from.uri.as_str()));
        }
        self.sender_of(flow, request).map(|key| key.identity)
    }

    /// Somebody wants to be told about an identity.
    pub(in crate::gateway) fn on_event(
        &mut self,
        now: Time,
        id: ServerId,
        flow: Flow,
        request: &Message,
        out: &mut Vec<Output>,
    ) {
        let Some(package) = Package::of(request) else {
            let draft = self.answer(request, 489).header("Allow-Events", allowed());
            return self.respond(id, draft);
        };
        if !self.flows.is_known(flow)
            && let Some(draft) = self.challenge(now, request, out)
        {
            return self.respond(id, draft);
        }
        let topic = match self.topic(flow, request, package) {
            Ok(topic) => topic,
            Err(no) => return self.decline(now, id, request, no, out),
        };
        let tag = self.random.token::<16>();
        let terms = package.terms();
        let opened = self
            .notifier
            .open(now, request, tag.as_str(), flow, topic, terms);
        let draft = Draft::response(request, 200, Some(tag.as_str()));
        self.subscribed(now, id, flow, (request, draft), opened, out);
    }

    /// A SUBSCRIBE within a dialog; false when there is no such subscription.
    pub(in crate::gateway) fn on_event_again(
        &mut self,
        now: Time,
        id: ServerId,
        flow: Flow,
        request: &Message,
        out: &mut Vec<Output>,
    ) -> bool {
        let Some(again) = self.notifier.again(now, request, flow) else {
            return false;
        };
        let draft = Draft::response(request, 200, None);
        self.subscribed(now, id, flow, (request, draft), again, out);
        true
    }

    fn topic(&self, flow: Flow, request: &Message, package: Package) -> Result<Topic, NotAccepted> {
        let subscriber = self.subscriber(flow, request);
        let subscriber = subscriber.ok_or(NotAccepted::new(403, "the device is not known"))?;
        let identity = match self.about(request) {
            Some(identity) => identity,
            None if self.is_for_us(request) => subscriber,
            None => return Err(NotAccepted::new(404, "nobody here goes by that name")),
        };
        // Registrations and pushes are nobody else's business; presence is that of whom the operator names.
        let may_watch = package == Package::Presence && self.is_watcher(subscriber);
        if identity != subscriber && !may_watch {
            return Err(NotAccepted::new(403, "it is another's"));
        }
        if !takes(request, package.media()) {
            return Err(NotAccepted::new(406, "the package has another type"));
        }
        Ok(Topic { package, identity })
    }

    fn is_watcher(&self, subscriber: IdentityNo) -> bool {
        let mut watchers = self.config.presence_watchers.iter();
        watchers.any(|name| self.registry.identity(name) == Some(subscriber))
    }

    fn subscribed(
        &mut self,
        now: Time,
        id: ServerId,
        flow: Flow,
        (request, draft): (&Message, Draft),
        result: Result<Accepted, Refused>,
        out: &mut Vec<Output>,
    ) {
        match result {
            Ok(Accepted { no, expires }) => {
                let draft = draft
                    .header("Server", "sirgate")
                    .header("Contact", format_args!("<{}>", self.contact_of(flow)))
                    .header("Expires", expires);
                self.respond(id, draft);
                self.keep_subscription(now, no, out);
                self.note_summary(now, no);
                self.tell_event(now, no, None);
            }
            Err(Refused::TooBrief(least)) => {
                let draft = self.answer(request, 423).header("Min-Expires", least);
                self.respond(id, draft);
            }
            Err(Refused::Status(489)) => {
                let draft = self.answer(request, 489).header("Allow-Events", allowed());
                self.respond(id, draft);
            }
            Err(Refused::Status(status)) => {
                let draft = self.answer(request, status);
                self.respond(id, draft);
            }
            Err(Refused::Full) => {
                let no = NotAccepted::new(503, "too many subscriptions");
                let no = no.with("Retry-After", "300".to_owned());
                self.decline(now, id, request, no, out);
            }
        }
    }

    /// Sends the NOTIFY that a subscription is owed: all there is, or only these changes of registrations.
    pub(in crate::gateway) fn tell_event(
        &mut self,
        now: Time,
        no: SubscriptionNo,
        changes: Option<&[Change]>,
    ) {
        let id = self.client_id();
        let Some(topic) = self.notifier.topic(no) else {
            return;
        };
        let Some(notice) = self.notifier.notify(now, no, id) else {
            return;
        };
        let body = match topic.package {
            Package::Presence => self.presence_of(now, topic.identity).encode(),
            Package::Reg => self
                .registrations_of(now, topic.identity, notice.before, changes)
                .encode(),
            Package::MessageSummary => self.summary_of(topic.identity).encode(),
        };
        let draft = notice
            .draft
            .header(
                "Contact",
                format_args!("<{}>", self.contact_of(notice.flow)),
            )
            .body(topic.package.media(), &body);
        let target = Target::Flow(notice.flow);
        self.todo
            .push_back(endpoint::Input::Request { id, draft, target });
    }

    /// Tells everybody who subscribed to that.
    pub(in crate::gateway) fn tell_all(
        &mut self,
        now: Time,
        topic: Topic,
        changes: Option<&[Change]>,
    ) {
        for no in self.notifier.of(topic) {
            self.tell_event(now, no, changes);
        }
    }

    /// A NOTIFY was answered; false when the request was none.
    pub(in crate::gateway) fn event_answered(
        &mut self,
        now: Time,
        id: ClientId,
        status: u16,
    ) -> bool {
        match self.notifier.answered(id, status) {
            Answered::Unknown => return false,
            Answered::Stale(no) => self.tell_event(now, no, None),
            Answered::Told | Answered::Gone => {}
        }
        true
    }

    /// Ends subscriptions whose time is over.
    pub(in crate::gateway) fn end_events(&mut self, now: Time) {
        while let Some(no) = self.notifier.take_due(now) {
            self.tell_event(now, no, None);
        }
    }
}

/// True when the answerer of a request takes that type.
fn takes(request: &Message, media: &str) -> bool {
    let mut ranges = request.list(Name::Accept).peekable();
    let is_silent = ranges.peek().is_none();
    is_silent
        || ranges.any(|range| {
            let range = String::from_utf8_lossy(range);
            let range = range.split(';').next().unwrap_or_default().trim();
            range == "*/*"
                || range.eq_ignore_ascii_case("application/*")
                || range.eq_ignore_ascii_case(media)
        })
}
