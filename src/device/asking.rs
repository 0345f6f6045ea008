//! A device that asks for its pushes without a session: it registers and is paged, or subscribes and is notified.
//!
//! **Source:** the sirgate SIP profile, E.5 (ways of connecting), E.6; RFC 6665 section 4.1.2. Content is taken in
//! MESSAGE or NOTIFY; what the SIR asks for is returned in a MESSAGE. Not here: refreshing a subscription, which ends
//! with the last content that waits.

use core::time::Duration;

use crate::codec::sip::{Draft, Message, Method, Name};
use crate::event::{Fact, Via, When};
use crate::protocol::sip::endpoint::ServerId;
use crate::time::Time;
use crate::world::Output;

use super::behaviour::Activate;
use super::session::{About, contact};
use super::{Device, Purpose, Timer, host_of};

/// The event package of pushes.
const EVENT: &str = "sirgate-push";
/// Seconds a subscription is asked for.
const LASTS: u32 = 60;
/// How long after its SUBSCRIBE a device still expects a NOTIFY.
const PATIENCE: Duration = Duration::from_secs(64);

/// One subscription to the pushes that wait.
#[derive(Debug)]
pub(super) struct Subscription {
    number: u64,
    about: About,
    call_id: String,
    tag: String,
    cseq: u32,
    /// The gateway took the SUBSCRIBE.
    is_taken: bool,
}

impl Device {
    /// Asks by a REGISTER at once, which names the SIR.
    pub(super) fn ask_by_register(&mut self, now: Time, about: About, out: &mut Vec<Output>) {
        self.report_request(now, &about.ppg, about.sir.clone(), out);
        self.asking = Some(Box::new(about));
        self.register(now, out);
    }

    /// The REGISTER that asked was answered.
    pub(super) fn register_asked(&mut self, now: Time, is_granted: bool, out: &mut Vec<Output>) {
        let Some(about) = self.asking.take() else {
            return;
        };
        if is_granted {
            self.asked(now, &about, out);
        } else {
            self.reopen(&about);
        }
    }

    /// The gateway took the question: applications start, and what it asked is returned.
    fn asked(&mut self, now: Time, about: &About, out: &mut Vec<Output>) {
        if self.config.behaviour.activate == Activate::After {
            let apps: Vec<_> = about.apps.iter().collect();
            self.activate(now, &apps, When::After, out);
        }
        self.return_by_message(now, about, out);
    }

    /// A SIR that came to nothing is open still.
    fn reopen(&mut self, about: &About) {
        if let Some(key) = &about.key {
            self.sirs.forget(key);
        }
    }

    /// Asks by a SUBSCRIBE.
    pub(super) fn ask_by_subscribe(&mut self, now: Time, about: About, out: &mut Vec<Output>) {
        self.report_request(now, &about.ppg, about.sir.clone(), out);
        let token = self.random.token::<16>();
        let user = &self.config.contact_user;
        let subscription = Subscription {
            number: 0,
            call_id: format!("{user}~sub-{token}@{}", self.config.local.ip()),
            tag: self.random.token::<8>().to_string(),
            cseq: 0,
            is_taken: false,
            about,
        };
        self.subscribe(now, subscription, out);
    }

    fn subscribe(&mut self, now: Time, mut subscription: Subscription, out: &mut Vec<Output>) {
        subscription.cseq = subscription.cseq.saturating_add(1);
        subscription.number = self.fresh();
        let about = &subscription.about;
        let authorization = self.authorize(Method::Subscribe, &about.ppg, &[]);
        let granted = self.registration.granted();
        let gruu = granted.and_then(|granted| granted.pub_gruu.as_deref());
        let pui = &self.config.pui;
        let mut draft = Draft::request(Method::Subscribe, &about.ppg);
        for route in self.routes() {
            draft = draft.header("Route", route);
        }
        draft = draft
            .header("From", format_args!("<{pui}>;tag={}", subscription.tag))
            .header("To", format_args!("<{}>", about.ppg))
            .header("Call-ID", &subscription.call_id)
            .header("CSeq", format_args!("{} SUBSCRIBE", subscription.cseq))
            .header("Contact", contact(&self.config, gruu))
            .header("P-Preferred-Identity", format_args!("<{pui}>"))
            .header("Event", EVENT)
            .header("Expires", LASTS);
        draft = about.correlate(draft);
        if let (None, Some(id)) = (gruu, self.config.ids.first()) {
            draft = draft.header("X-Sirgate-Device", format_args!("<{id}>"));
        }
        for (name, value) in &authorization {
            draft = draft.header(name, value);
        }
        let (number, target) = (subscription.number, self.target_of(&about.ppg));
        self.timers.set(Timer::Subscribed(number), now + PATIENCE);
        self.subscriptions.push(subscription);
        self.request(now, Purpose::Subscribe(number), draft, target, out);
    }

    /// A SUBSCRIBE was answered; without a response nobody answered.
    pub(super) fn subscribe_answered(
        &mut self,
        now: Time,
        number: u64,
        response: Option<&Message>,
        out: &mut Vec<Output>,
    ) {
        let status = response.and_then(Message::status).unwrap_or(408);
        if (200..300).contains(&status) {
            return self.taken(now, number, out);
        }
        let Some(subscription) = self.unsubscribe(number) else {
            return;
        };
        if response.is_some_and(|response| self.is_challenge(response)) {
            return self.subscribe(now, subscription, out);
        }
        let fact = Fact::Refused {
            from: host_of(&subscription.about.ppg),
            why: format!("no subscription: {status}"),
        };
        self.report(now, fact, out);
        self.reopen(&subscription.about);
    }

    /// The gateway took a SUBSCRIBE; a NOTIFY that overtakes the answer says so too.
    fn taken(&mut self, now: Time, number: u64, out: &mut Vec<Output>) {
        let own = self
            .subscriptions
            .iter_mut()
            .find(|own| own.number == number);
        let Some(own) = own.filter(|own| !own.is_taken) else {
            return;
        };
        own.is_taken = true;
        let about = own.about.clone();
        self.asked(now, &about, out);
    }

    fn unsubscribe(&mut self, number: u64) -> Option<Subscription> {
        self.timers.cancel(Timer::Subscribed(number));
        let at = self
            .subscriptions
            .iter()
            .position(|own| own.number == number)?;
        Some(self.subscriptions.swap_remove(at))
    }

    /// No NOTIFY ended the subscription.
    pub(super) fn subscription_over(&mut self, number: u64) {
        if let Some(subscription) = self.unsubscribe(number) {
            self.reopen(&subscription.about);
        }
    }

    /// A NOTIFY, with content or without.
    pub(super) fn notify(
        &mut self,
        now: Time,
        id: ServerId,
        message: &Message,
        out: &mut Vec<Output>,
    ) {
        let (call_id, to) = (message.call_id().ok(), message.to().ok());
        let tag = to.as_ref().and_then(|to| to.tag());
        let is_of = |own: &&Subscription| {
            call_id == Some(own.call_id.as_str()) && tag == Some(own.tag.as_str())
        };
        let Some(number) = self.subscriptions.iter().find(is_of).map(|own| own.number) else {
            let draft = self.response(message, 481);
            return self.respond(now, id, draft, out);
        };
        if message.header(Name::XSirgatePush).is_some() {
            self.page(now, id, message, out);
        } else {
            let draft = self.response(message, 200);
            self.respond(now, id, draft, out);
        }
        self.taken(now, number, out);
        let state = message.text(Name::SubscriptionState).unwrap_or_default();
        if state.trim_start().starts_with("terminated") {
            self.unsubscribe(number);
        }
    }

    /// Returns what a SIR asked for when there is no session.
    fn return_by_message(&mut self, now: Time, about: &About, out: &mut Vec<Output>) {
        if !self.has_returned(about) {
            self.return_in_session(now, None, about, Via::Sip, out);
        }
    }
}
