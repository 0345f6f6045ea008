//! SIRs in SIP requests that ask for nothing else: OPTIONS, and NOTIFY in a subscription that the device keeps.
//!
//! **Source:** the sirgate SIP profile E.3 (signalling bearer), RFC 6665 section 4.1.2. The private event package is
//! `sirgate-sir`; it has no state, so a NOTIFY without a SIR says only that the subscription is there.

use core::time::Duration;

use crate::codec::sip::{Draft, Message, Method, Name};
use crate::codec::sir::{EVENT, Sir};
use crate::device::session::contact;
use crate::device::{Device, Purpose, Timer};
use crate::event::{Bearer, Fact};
use crate::protocol::sip::endpoint::{Flow, ServerId};
use crate::time::Time;
use crate::world::Output;

/// Seconds a subscription is asked for.
const LASTS: u32 = 3_600;
/// How long a device goes without its subscription before it asks again.
const AGAIN: Duration = Duration::from_secs(30);

/// A subscription to SIRs.
#[derive(Debug)]
pub(super) struct Subscription {
    call_id: String,
    tag: String,
    /// The gateway's tag, once it has said one.
    peer_tag: Option<String>,
    cseq: u32,
}

impl Device {
    /// Subscribes, or refreshes the subscription.
    pub(in crate::device) fn subscribe_to_sirs(&mut self, now: Time, out: &mut Vec<Output>) {
        if !self.config.bearers.signalling {
            return;
        }
        let (token, tag) = (self.random.token::<16>(), self.random.token::<8>());
        let user = &self.config.contact_user;
        let call_id = format!("{user}~sir-{token}@{}", self.config.local.ip());
        let Some(doors) = self.doors.as_deref_mut() else {
            return;
        };
        let own = doors.signalling.get_or_insert_with(|| Subscription {
            call_id,
            tag: tag.to_string(),
            peer_tag: None,
            cseq: 0,
        });
        own.cseq = own.cseq.saturating_add(1);
        let (call_id, tag, cseq) = (own.call_id.clone(), own.tag.clone(), own.cseq);
        let peer_tag = own.peer_tag.as_ref();
        let peer_tag = peer_tag.map_or_else(String::new, |tag| format!(";tag={tag}"));
        let uri = self.service_of_gateway("push");
        let authorization = self.authorize(Method::Subscribe, &uri, &[]);
        let granted = self.registration.granted();
        let gruu = granted.and_then(|granted| granted.pub_gruu.as_deref());
        let pui = &self.config.pui;
        let mut draft = Draft::request(Method::Subscribe, &uri);
        for route in self.routes() {
            draft = draft.header("Route", route);
        }
        draft = draft
            .header("From", format_args!("<{pui}>;tag={tag}"))
            .header("To", format_args!("<{uri}>{peer_tag}"))
            .header("Call-ID", &call_id)
            .header("CSeq", format_args!("{cseq} SUBSCRIBE"))
            .header("Contact", contact(&self.config, gruu))
            .header("P-Preferred-Identity", format_args!("<{pui}>"))
            .header("Event", EVENT)
            .header("Accept", super::super::registration::ACCEPT)
            .header("Expires", LASTS);
        if let (None, Some(id)) = (gruu, self.config.ids.first()) {
            draft = draft.header("X-Sirgate-Device", format_args!("<{id}>"));
        }
        for (name, value) in &authorization {
            draft = draft.header(name, value);
        }
        let target = self.target_of(&uri);
        let patience = Duration::from_secs(u64::from(LASTS) / 2);
        self.timers.set(Timer::Signalling, now + patience);
        self.request(now, Purpose::Signalling, draft, target, out);
    }

    /// The SUBSCRIBE was answered; without a response nobody answered.
    pub(in crate::device) fn signalling_answered(
        &mut self,
        now: Time,
        response: Option<&Message>,
        out: &mut Vec<Output>,
    ) {
        let status = response.and_then(Message::status).unwrap_or(408);
        if (200..300).contains(&status) {
            let to = response.and_then(|response| response.to().ok());
            let tag = to.as_ref().and_then(|to| to.tag()).map(str::to_owned);
            let doors = self.doors.as_deref_mut();
            if let Some(own) = doors.and_then(|doors| doors.signalling.as_mut()) {
                own.peer_tag = tag;
            }
            return;
        }
        if response.is_some_and(|response| self.is_challenge(response)) {
            return self.subscribe_to_sirs(now, out);
        }
        let fact = Fact::Refused {
            from: self.service_of_gateway("push"),
            why: format!("no subscription to SIRs: {status}"),
        };
        self.report(now, fact, out);
        self.signalling_lost(now);
        if matches!(status, 403 | 404 | 405 | 489 | 501) {
            // Such a gateway has no subscriptions; it may send OPTIONS still.
            self.timers.cancel(Timer::Signalling);
        }
    }

    fn signalling_lost(&mut self, now: Time) {
        if let Some(doors) = self.doors.as_deref_mut() {
            doors.signalling = None;
        }
        self.timers.set(Timer::Signalling, now + AGAIN);
    }

    /// Whether a NOTIFY belongs to the subscription.
    pub(in crate::device) fn is_signalling(&self, message: &Message) -> bool {
        let own = self
            .doors
            .as_deref()
            .and_then(|doors| doors.signalling.as_ref());
        let to = message.to().ok();
        let tag = to.as_ref().and_then(|to| to.tag());
        own.is_some_and(|own| {
            message.call_id().ok() == Some(own.call_id.as_str()) && tag == Some(own.tag.as_str())
        })
    }

    /// A NOTIFY in the subscription: with a SIR, or without.
    pub(in crate::device) fn signalling_notify(
        &mut self,
        now: Time,
        id: ServerId,
        flow: Flow,
        message: Message,
        out: &mut Vec<Output>,
    ) {
        let state = message.text(Name::SubscriptionState).unwrap_or_default();
        if state.trim_start().starts_with("terminated") {
            self.signalling_lost(now);
        }
        if carries_sir(&message) {
            self.sir(now, id, flow, (message, Bearer::Signalling), out);
        } else {
            let draft = self.response(&message, 200);
            self.respond(now, id, draft, out);
        }
    }
}

/// Whether a request that usually carries none carries a SIR.
pub(in crate::device) fn carries_sir(message: &Message) -> bool {
    let is_addressed = message.header(Name::XWapApplicationId).is_some()
        || message.header(Name::XSirgateSir).is_some();
    let fits = message.content_type().is_none_or(Sir::accepts);
    is_addressed && fits && message.header(Name::XSirgatePush).is_none()
}
