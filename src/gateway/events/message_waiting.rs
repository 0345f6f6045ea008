//! How many pushes wait for an identity, told to its subscribers, and unasked where that is configured.
//!
//! **Source:** RFC 3842 sections 3.5 and 5 (message-summary). A push that waits is a new voice message, which is what lamps
//! of telephones show; there are no old ones, since a push that was delivered is gone. For an account with a lamp its messages are
//! text messages: unread ones are new, read ones are old.

use std::collections::BTreeMap;

use super::{Package, Topic};
use crate::codec::message_summary::{self, Counts, MessageSummary};
use crate::codec::sip::{Draft, Method};
use crate::gateway::Gateway;
use crate::gateway::message::State;
use crate::gateway::registry::{DeviceKey, IdentityNo};
use crate::protocol::sip::endpoint::{self, Target};
use crate::protocol::sip::notifier::SubscriptionNo;
use crate::protocol::sip::registrar::NO_FLOW;
use crate::time::Time;

/// The class that telephones show a lamp for.
const CLASS: &str = "Voice-Message";
/// That of messages of watched applications, of which there are old ones: those that were read.
const TEXTS: &str = "Text-Message";

/// What was told last, by identity; none told is 0.
pub(in crate::gateway) type Summaries = BTreeMap<IdentityNo, u32>;

impl Gateway {
    pub(in crate::gateway) fn summary_of(&self, identity: IdentityNo) -> MessageSummary {
        let new = self.ledger.waiting_pushes(identity);
        let of = self.registry.get(identity);
        let texts = of.and_then(|of| self.texts_of(&of.pui));
        let count = |class: &str, (new, old)| Counts {
            class: class.to_owned(),
            new,
            old,
            urgent: None,
        };
        let mut counts = vec![count(CLASS, (new, 0))];
        counts.extend(texts.map(|texts| count(TEXTS, texts)));
        MessageSummary {
            waiting: new > 0 || texts.is_some_and(|(new, _)| new > 0),
            account: of.map(|of| of.pui.clone()),
            counts,
            messages: Vec::new(),
        }
    }

    /// Unread and read messages of an account that has a lamp for them.
    fn texts_of(&self, account: &str) -> Option<(u32, u32)> {
        if !self.instant.has_lamp(account) {
            return None;
        }
        let (mut unread, mut read) = (0_u32, 0_u32);
        for message in self.messages.all(account) {
            match message.state {
                state if state.is_unread() => unread = unread.saturating_add(1),
                State::Read => read = read.saturating_add(1),
                _ => {}
            }
        }
        Some((unread, read))
    }

    /// The count of unread messages of an account may be another: its lamps are told.
    pub(in crate::gateway) fn lamp(&mut self, now: Time, account: &str) {
        let Some(identity) = self.registry.identity(account) else {
            return;
        };
        let lamps = self.instant.lamps(account);
        if lamps.is_empty() {
            return;
        }
        let package = Package::MessageSummary;
        self.tell_all(now, Topic { package, identity }, None);
        if !self.config.unsolicited_summaries {
            return;
        }
        let keys = lamps.iter();
        let keys: Vec<DeviceKey> = keys
            .filter_map(|device| self.registry.named(identity, device))
            .collect();
        self.tell_devices(identity, keys.into_iter());
    }

    /// Tells of identities for which another number of pushes waits than before.
    pub(in crate::gateway) fn tell_summaries(&mut self, now: Time) {
        if self.notifier.is_empty() && !self.config.unsolicited_summaries {
            self.ledger.forget_changed();
            return;
        }
        let mut changed = self.ledger.take_changed();
        changed.sort_unstable();
        changed.dedup();
        for identity in changed {
            let package = Package::MessageSummary;
            let topic = Topic { package, identity };
            let is_heard = self.config.unsolicited_summaries || !self.notifier.of(topic).is_empty();
            let new = if is_heard {
                self.ledger.waiting_pushes(identity)
            } else {
                0
            };
            let before = match new {
                0 => self.summaries.remove(&identity).unwrap_or(0),
                _ => self.summaries.insert(identity, new).unwrap_or(0),
            };
            if !is_heard || before == new {
                continue;
            }
            self.tell_all(now, topic, None);
            if self.config.unsolicited_summaries {
                self.tell_unasked(identity);
            }
        }
    }

    /// A subscriber is about to be told how many pushes wait: what comes after is measured by that.
    pub(super) fn note_summary(&mut self, now: Time, no: SubscriptionNo) {
        let topic = self.notifier.topic(no);
        let Some(topic) = topic.filter(|topic| topic.package == Package::MessageSummary) else {
            return;
        };
        // Others learn first of what changed before.
        self.tell_summaries(now);
        match self.ledger.waiting_pushes(topic.identity) {
            0 => self.summaries.remove(&topic.identity),
            new => self.summaries.insert(topic.identity, new),
        };
    }

    /// Tells every device of an identity that is awake, without a subscription.
    fn tell_unasked(&mut self, identity: IdentityNo) {
        let devices = self.registry.get(identity).map_or(0, |it| it.devices.len());
        let keys = (0..devices).map(|at| DeviceKey { identity, at });
        self.tell_devices(identity, keys);
    }

    /// A device registered anew, with a lamp that shows what was before: it is told what waits, where that is configured.
    pub(in crate::gateway) fn greet(&mut self, key: DeviceKey) {
        if self.config.unsolicited_summaries {
            self.tell_devices(key.identity, core::iter::once(key));
        }
    }

    fn tell_devices(&mut self, identity: IdentityNo, keys: impl Iterator<Item = DeviceKey>) {
        let Some(known) = self.registry.get(identity) else {
            return;
        };
        let pui = known.pui.clone();
        let best = keys.filter_map(|key| self.registry.device(key)?.routes.first());
        let awake = best.filter(|route| route.flow != NO_FLOW);
        let ways: Vec<(Target, String, Vec<String>)> = awake
            .map(|route| (route.target, route.contact.clone(), route.path.clone()))
            .collect();
        let body = self.summary_of(identity).encode();
        for (target, contact, path) in ways {
            let tag = self.random.token::<10>();
            let call_id = self.random.token::<16>();
            let mut draft = Draft::request(Method::Notify, &contact)
                .header("From", format_args!("<{}>;tag={tag}", self.config.uri))
                .header("To", format_args!("<{pui}>"))
                .header("Call-ID", format_args!("{call_id}@{}", self.config.host))
                .header("CSeq", "1 NOTIFY");
            for route in path {
                draft = draft.header("Route", route);
            }
            let draft = draft
                .header("Contact", format_args!("<{}>", self.config.uri))
                .header("Event", Package::MessageSummary.name())
                .header("Subscription-State", "terminated;reason=timeout")
                .body(message_summary::TYPE, &body);
            let id = self.client_id();
            self.todo
                .push_back(endpoint::Input::Request { id, draft, target });
        }
    }
}
