//! The notifier's half of every event package: subscriptions from SUBSCRIBE to the last NOTIFY.
//!
//! **Source:** RFC 6665 sections 4.2 and 4.4. Not here: what an event package tells (its topic `K` is the caller's), who
//! may subscribe, and sending. `pending` is not used: a subscription is allowed or refused at once. One that came in a
//! datagram can be kept beyond a restart, and is told everything then; one of a connection ends with it.
//!
//! ```text
//! SUBSCRIBE ──▶ active ──▶ NOTIFY under way ──▶ active ...
//!                 │            │ changed again: one more NOTIFY follows its answer
//!                 │            └ 481 and what stands for it, or no answer ──▶ gone
//!                 ├ Expires 0, time over: NOTIFY terminated;reason=timeout ──▶ gone
//!                 └ terminate: NOTIFY terminated;reason=... ──▶ gone
//! ```

use core::time::Duration;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::codec::sip::{Draft, Message, Method, Name};
use crate::protocol::sip::dialog::Dialog;
use crate::protocol::sip::endpoint::{ClientId, Flow};
use crate::protocol::sip::registrar::flow_record;
use crate::time::Time;
use crate::timers::Timers;

/// A subscription; its number is never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionNo(u64);

/// How long the subscriptions of an event package last, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// When the subscriber asks for nothing.
    pub default: u32,
    /// At least; less is answered 423.
    pub min: u32,
    /// At most; more is shortened.
    pub max: u32,
}

/// Why a SUBSCRIBE is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// With that status.
    Status(u16),
    /// It would end too soon (423): the least number of seconds.
    TooBrief(u32),
    /// There are too many (503).
    Full,
}

/// A SUBSCRIBE that was accepted: it is answered 200, then a NOTIFY is owed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The subscription.
    pub no: SubscriptionNo,
    /// Seconds it lasts now; 0 when the NOTIFY that is owed is its last.
    pub expires: u32,
}

/// Why a subscription ends before its time (RFC 6665 section 4.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Subscribe again at once.
    Deactivated,
    /// What it was about is gone.
    NoResource,
    /// It is not allowed any more.
    Rejected,
    /// Its time is over.
    Timeout,
}

impl Reason {
    const fn word(self) -> &'static str {
        match self {
            Self::Deactivated => "deactivated",
            Self::NoResource => "noresource",
            Self::Rejected => "rejected",
            Self::Timeout => "timeout",
        }
    }
}

/// One subscription.
#[derive(Debug)]
struct Subscription<K> {
    topic: K,
    /// The Event header as the subscriber wrote it, its `id` included.
    event: String,
    dialog: Dialog,
    flow: Flow,
    until: Time,
    terms: Terms,
    /// NOTIFY requests so far.
    told: u32,
    under_way: Option<ClientId>,
    /// Something changed while a NOTIFY was under way.
    is_stale: bool,
}

/// A subscription in a record: everything but its topic and what is under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kept {
    event: String,
    dialog: Dialog,
    #[serde(with = "flow_record")]
    flow: Flow,
    /// When it ends.
    pub until: Time,
    told: u32,
}

/// More than the NOTIFY requests that leave between two records of a subscription.
const LEAP: u32 = 1 << 20;

impl Kept {
    /// The name of its record: our tag.
    #[must_use]
    pub fn name(&self) -> &str {
        self.dialog.local_tag()
    }

    /// The event package it is to.
    #[must_use]
    pub fn package(&self) -> &str {
        package_of(&self.event)
    }
}

/// A NOTIFY without its body.
#[derive(Debug)]
pub struct Notice {
    /// What is to be completed: Contact and body are missing.
    pub draft: Draft,
    /// Where it goes.
    pub flow: Flow,
    /// How many went before it.
    pub before: u32,
}

/// What the answer to a NOTIFY comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// The request was no NOTIFY of a subscription.
    Unknown,
    /// The subscriber knows it.
    Told,
    /// It knows it, and things changed meanwhile: a NOTIFY is owed.
    Stale(SubscriptionNo),
    /// The subscription is gone by that.
    Gone,
}

/// All subscriptions of one notifier.
#[derive(Debug)]
pub struct Notifier<K> {
    subscriptions: BTreeMap<SubscriptionNo, Subscription<K>>,
    by_topic: BTreeMap<K, Vec<SubscriptionNo>>,
    by_tag: BTreeMap<String, SubscriptionNo>,
    under_way: BTreeMap<ClientId, SubscriptionNo>,
    timers: Timers<SubscriptionNo>,
    /// Tags of those that are gone, for their records.
    gone: Vec<String>,
    per_topic: usize,
    most: usize,
    next: u64,
}

impl<K: Copy + Ord> Notifier<K> {
    /// One without subscriptions, for so many of each topic and of all.
    #[must_use]
    pub fn new(per_topic: usize, most: usize) -> Self {
        Self {
            subscriptions: BTreeMap::new(),
            by_topic: BTreeMap::new(),
            by_tag: BTreeMap::new(),
            under_way: BTreeMap::new(),
            timers: Timers::default(),
            gone: Vec::new(),
            per_topic,
            most,
            next: 0,
        }
    }

    /// Takes a SUBSCRIBE outside any dialog; `tag` is the To tag of its answer.
    ///
    /// # Errors
    /// When it is broken, too brief, or one too many.
    pub fn open(
        &mut self,
        now: Time,
        request: &Message,
        tag: &str,
        flow: Flow,
        topic: K,
        terms: Terms,
    ) -> Result<Accepted, Refused> {
        let expires = granted(request, terms)?;
        let of_topic = self.by_topic.get(&topic).map_or(0, Vec::len);
        if of_topic >= self.per_topic || self.subscriptions.len() >= self.most {
            return Err(Refused::Full);
        }
        let dialog = Dialog::from_request(request, tag).map_err(|_| Refused::Status(400))?;
        let kept = Kept {
            event: request.text(Name::Event).unwrap_or_default().to_owned(),
            dialog,
            flow,
            until: now + Duration::from_secs(expires.into()),
            told: 0,
        };
        let no = self.enter(kept, topic, terms);
        Ok(Accepted { no, expires })
    }

    /// Takes a subscription back from its record: a NOTIFY with all there is is owed.
    pub fn restore(&mut self, mut kept: Kept, topic: K, terms: Terms) -> SubscriptionNo {
        kept.dialog.skip(LEAP);
        kept.told = kept.told.saturating_add(LEAP);
        self.enter(kept, topic, terms)
    }

    fn enter(&mut self, kept: Kept, topic: K, terms: Terms) -> SubscriptionNo {
        let no = SubscriptionNo(self.next);
        self.next = self.next.saturating_add(1);
        self.by_tag.insert(kept.name().to_owned(), no);
        self.by_topic.entry(topic).or_default().push(no);
        self.timers.set(no, kept.until);
        let subscription = Subscription {
            topic,
            event: kept.event,
            dialog: kept.dialog,
            flow: kept.flow,
            until: kept.until,
            terms,
            told: kept.told,
            under_way: None,
            is_stale: false,
        };
        self.subscriptions.insert(no, subscription);
        no
    }

    /// The record of a subscription; none for one whose connection would be gone, or that is over.
    #[must_use]
    pub fn kept(&self, now: Time, no: SubscriptionNo) -> Option<Kept> {
        let subscription = self.subscriptions.get(&no)?;
        let lasts = subscription.until > now && matches!(subscription.flow, Flow::Udp { .. });
        lasts.then(|| Kept {
            event: subscription.event.clone(),
            dialog: subscription.dialog.clone(),
            flow: subscription.flow,
            until: subscription.until,
            told: subscription.told,
        })
    }

    /// All subscriptions.
    pub fn all(&self) -> impl Iterator<Item = SubscriptionNo> {
        self.subscriptions.keys().copied()
    }

    /// Names of records that are of no use any more.
    pub fn take_gone(&mut self) -> Vec<String> {
        core::mem::take(&mut self.gone)
    }

    /// Takes a SUBSCRIBE within a dialog; `None` when no subscription is of that dialog.
    pub fn again(
        &mut self,
        now: Time,
        request: &Message,
        flow: Flow,
    ) -> Option<Result<Accepted, Refused>> {
        let to = request.to().ok()?;
        let no = *self.by_tag.get(to.tag()?)?;
        let subscription = self.subscriptions.get_mut(&no)?;
        if !subscription.dialog.is_of(request) {
            return None;
        }
        if package(request) != package_of(&subscription.event) {
            return Some(Err(Refused::Status(489)));
        }
        // An interval that is refused refreshes nothing.
        let expires = match granted(request, subscription.terms) {
            Ok(expires) => expires,
            Err(refused) => return Some(Err(refused)),
        };
        if let Err(status) = subscription.dialog.check_remote(request) {
            return Some(Err(Refused::Status(status)));
        }
        subscription.dialog.refresh(request);
        // What goes over a connection from now on is not kept, nor is what was kept of it.
        let is_kept = |flow: Flow| matches!(flow, Flow::Udp { .. });
        if is_kept(subscription.flow) && !is_kept(flow) {
            self.gone.push(subscription.dialog.local_tag().to_owned());
        }
        subscription.flow = flow;
        subscription.until = now + Duration::from_secs(expires.into());
        self.timers.set(no, subscription.until);
        Some(Ok(Accepted { no, expires }))
    }

    /// The subscriptions of a topic.
    #[must_use]
    pub fn of(&self, topic: K) -> Vec<SubscriptionNo> {
        self.by_topic.get(&topic).cloned().unwrap_or_default()
    }

    /// What a subscription is about.
    #[must_use]
    pub fn topic(&self, no: SubscriptionNo) -> Option<K> {
        self.subscriptions.get(&no).map(|of| of.topic)
    }

    /// How many subscriptions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.subscriptions.len()
    }

    /// True when there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.subscriptions.is_empty()
    }

    /// The next NOTIFY of a subscription, which goes out under that name; the last one when its time is over. `None`
    /// when there is no such subscription, or while a NOTIFY is under way: then [`Self::answered`] asks for it.
    pub fn notify(&mut self, now: Time, no: SubscriptionNo, id: ClientId) -> Option<Notice> {
        let subscription = self.subscriptions.get_mut(&no)?;
        if now >= subscription.until {
            return self.terminate(no, Reason::Timeout);
        }
        if subscription.under_way.is_some() {
            subscription.is_stale = true;
            return None;
        }
        let left = subscription.until.since(now).as_secs().max(1);
        let notice = subscription.notice(&format!("active;expires={left}"));
        subscription.under_way = Some(id);
        subscription.is_stale = false;
        self.under_way.insert(id, no);
        Some(notice)
    }

    /// The last NOTIFY of a subscription, which is gone with that.
    pub fn terminate(&mut self, no: SubscriptionNo, why: Reason) -> Option<Notice> {
        let mut subscription = self.remove(no)?;
        Some(subscription.notice(&format!("terminated;reason={}", why.word())))
    }

    /// A request was answered with that status; 408 when no answer came, 503 when it could not be sent.
    pub fn answered(&mut self, id: ClientId, status: u16) -> Answered {
        let Some(no) = self.under_way.remove(&id) else {
            return Answered::Unknown;
        };
        let Some(subscription) = self.subscriptions.get_mut(&no) else {
            return Answered::Unknown;
        };
        subscription.under_way = None;
        if is_gone(status) {
            self.remove(no);
            return Answered::Gone;
        }
        if subscription.is_stale {
            Answered::Stale(no)
        } else {
            Answered::Told
        }
    }

    /// When [`Self::take_due`] must be called next.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.timers.next()
    }

    /// A subscription whose time is over: its last NOTIFY is owed.
    pub fn take_due(&mut self, now: Time) -> Option<SubscriptionNo> {
        self.timers.take_due(now)
    }

    fn remove(&mut self, no: SubscriptionNo) -> Option<Subscription<K>> {
        let subscription = self.subscriptions.remove(&no)?;
        self.timers.cancel(no);
        let tag = subscription.dialog.local_tag();
        self.by_tag.remove(tag);
        if matches!(subscription.flow, Flow::Udp { .. }) {
            self.gone.push(tag.to_owned());
        }
        if let Some(id) = subscription.under_way {
            self.under_way.remove(&id);
        }
        if let Some(of_topic) = self.by_topic.get_mut(&subscription.topic) {
            of_topic.retain(|own| *own != no);
            if of_topic.is_empty() {
                self.by_topic.remove(&subscription.topic);
            }
        }
        Some(subscription)
    }
}

impl<K> Subscription<K> {
    fn notice(&mut self, state: &str) -> Notice {
        let before = self.told;
        self.told = self.told.saturating_add(1);
        let draft = self
            .dialog
            .request(Method::Notify)
            .header("Event", &self.event)
            .header("Subscription-State", state);
        Notice {
            draft,
            flow: self.flow,
            before,
        }
    }
}

/// The event package that a request names, without parameters; empty when it names none.
#[must_use]
pub fn package(request: &Message) -> &str {
    package_of(request.text(Name::Event).unwrap_or_default())
}

fn package_of(event: &str) -> &str {
    event.split(';').next().unwrap_or_default().trim()
}

/// The seconds that a SUBSCRIBE gets.
fn granted(request: &Message, terms: Terms) -> Result<u32, Refused> {
    let asked = request.expires().unwrap_or(terms.default);
    // Less than an hour and less than the least (RFC 6665 section 4.2.1.1); 0 asks for the state of this moment.
    if asked > 0 && asked < terms.min.min(3_600) {
        return Err(Refused::TooBrief(terms.min));
    }
    Ok(asked.min(terms.max))
}

/// True for an answer after which the subscriber has no subscription (RFC 6665 section 4.2.2, RFC 5057 section 5.1).
const fn is_gone(status: u16) -> bool {
    matches!(
        status,
        404 | 405 | 408 | 410 | 416 | 480..=485 | 489 | 501 | 503 | 604
    )
}

#[cfg(test)]
mod tests;
