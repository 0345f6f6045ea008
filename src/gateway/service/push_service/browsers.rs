//! Browsers and their subscriptions: what they say over their WebSockets, and what they are told.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use uuid::Uuid;

use super::{PushService, Timer, record, report, short};
use crate::codec::web_push::autopush::{Message, Notification, Update};
use crate::codec::web_push::{CODING, PublicKey, public_key, to_text};
use crate::event::Fact;
use crate::limits;
use crate::time::Time;
use crate::world::{LinkId, Output};

/// How long a browser may take to say hello.
const PATIENCE: Duration = Duration::from_secs(30);
/// KiB of messages that a browser may send at once; a shorter message counts as one.
const MESSAGES: u32 = 1_000;
/// How long it takes until it may send one more.
const MESSAGE_PAUSE: Duration = Duration::from_millis(50);

/// A browser.
#[derive(Clone, Debug, Default)]
pub(super) struct Agent {
    /// Where it is, when it is there.
    pub(super) link: Option<LinkId>,
    /// Its subscriptions by the names it gave them, with their resources.
    pub(super) channels: BTreeMap<Uuid, String>,
    /// Pushes that wait for it.
    pub(super) mails: BTreeSet<u64>,
    /// Resources of its subscriptions that are over, the latest ones.
    pub(super) gone: VecDeque<String>,
}

/// A subscription.
#[derive(Clone, Debug)]
pub(super) struct Channel {
    /// The browser.
    pub(super) agent: String,
    /// What the browser calls it.
    pub(super) channel: Uuid,
    /// The only application server that may use it.
    pub(super) key: Option<PublicKey>,
    /// How much it takes.
    pub(super) pace: Pace,
}

/// One WebSocket.
#[derive(Debug, Default)]
pub(super) struct Link {
    /// The browser, once it said hello.
    agent: Option<String>,
    pace: Pace,
}

/// How many of something come in how short a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pace {
    /// When all that came so far will have been worked off.
    clear: Time,
}

impl Pace {
    /// Lets one more in, or says for how long to wait.
    pub(super) fn admit(&mut self, now: Time, burst: u32, pause: Duration) -> Result<(), Duration> {
        self.admit_all(now, 1, burst, pause)
    }

    /// The same for several at once.
    fn admit_all(
        &mut self,
        now: Time,
        count: u32,
        burst: u32,
        pause: Duration,
    ) -> Result<(), Duration> {
        let room = pause.saturating_mul(burst.saturating_sub(count));
        let ahead = self.clear.since(now);
        if ahead > room {
            return Err(ahead.saturating_sub(room));
        }
        self.clear = self.clear.max(now) + pause.saturating_mul(count);
        Ok(())
    }
}

impl PushService {
    /// A WebSocket is up.
    pub fn opened(&mut self, now: Time, link: LinkId) {
        self.links.insert(link, Link::default());
        self.timers.set(Timer::Silent(link), now + PATIENCE);
    }

    /// A WebSocket is gone.
    pub fn closed(&mut self, now: Time, link: LinkId, out: &mut Vec<Output>) {
        self.timers.cancel(Timer::Silent(link));
        let agent = self.links.remove(&link).and_then(|link| link.agent);
        let Some(name) = agent else { return };
        let Some(agent) = self.agents.get_mut(&name) else {
            return;
        };
        agent.link = None;
        // Who has no subscription is nobody next time.
        if agent.channels.is_empty() && agent.gone.is_empty() {
            self.agents.remove(&name);
        } else {
            self.forget_passing(now, &name, out);
        }
        told_agent(now, &name, "bye", out);
    }

    /// Pushes with a TTL of 0, which were to come at once or not at all, are over.
    fn forget_passing(&mut self, now: Time, name: &str, out: &mut Vec<Output>) {
        let Some(agent) = self.agents.get(name) else {
            return;
        };
        let is_passing = |no: &u64| self.mails.get(*no).is_some_and(|mail| !mail.is_kept());
        let passing: Vec<u64> = agent.mails.iter().copied().filter(is_passing).collect();
        for no in passing {
            self.end(now, no, "expired", out);
        }
    }

    /// A browser says something.
    pub fn message(&mut self, now: Time, link: LinkId, text: &str, out: &mut Vec<Output>) {
        let Some(known) = self.links.get_mut(&link) else {
            return;
        };
        // What a message costs to read grows with its octets.
        let size = u32::try_from(text.len().div_ceil(1_024)).unwrap_or(u32::MAX);
        let admitted = known
            .pace
            .admit_all(now, size.max(1), MESSAGES, MESSAGE_PAUSE);
        if admitted.is_err() {
            return self.refuse(now, link, "too many messages", out);
        }
        let agent = known.agent.clone();
        let message = match Message::decode(text.as_bytes()) {
            Ok(message) => message,
            Err(fault) => return self.refuse(now, link, &fault.to_string(), out),
        };
        match (agent, message) {
            (None, Message::Hello { agent, .. }) => self.hello(now, link, agent, out),
            (None, _) => self.refuse(now, link, "the first message is no hello", out),
            (Some(_), Message::Hello { .. }) => self.refuse(now, link, "a second hello", out),
            (Some(agent), Message::Register { channel, key, .. }) => {
                self.register(now, link, &agent, channel, key.as_deref(), out);
            }
            (Some(agent), Message::Unregister { channel, .. }) => {
                self.unregister(now, &agent, channel, out);
                let status = Some(200);
                let answer = Message::Unregister {
                    channel,
                    code: None,
                    status,
                };
                tell(link, &answer, out);
            }
            (Some(agent), Message::Ack(updates)) => {
                for update in &updates {
                    self.acknowledged(now, &agent, update, out);
                }
            }
            (Some(agent), Message::Nack { version, code }) => {
                self.failed(now, &agent, &version, code, out);
            }
            (Some(_), Message::Ping) => tell(link, &Message::Ping, out),
            // Its maker has news for it, we have none; what later browsers say need not be understood.
            (Some(_), Message::Broadcast | Message::Other(_) | Message::Notification(_)) => {}
        }
    }

    fn hello(&mut self, now: Time, link: LinkId, agent: Option<String>, out: &mut Vec<Output>) {
        let known = agent.filter(|name| self.agents.contains_key(name));
        let is_known = known.is_some();
        if !is_known && self.agents.len() >= limits::PUSH_AGENTS {
            return self.refuse(now, link, "too many browsers", out);
        }
        let name = known.unwrap_or_else(|| self.random.token::<32>().to_string());
        self.timers.cancel(Timer::Silent(link));
        let agent = self.agents.entry(name.clone()).or_default();
        let before = agent.link.replace(link);
        if let Some(state) = self.links.get_mut(&link) {
            state.agent = Some(name.clone());
        }
        if let Some(before) = before {
            // A browser that comes back before its old connection was found dead.
            self.links.remove(&before);
            out.push(Output::Close { link: before });
        }
        let answer = Message::Hello {
            agent: Some(name.clone()),
            webpush: true,
            status: Some(200),
        };
        tell(link, &answer, out);
        let change = if is_known { "back" } else { "hello" };
        told_agent(now, &name, change, out);
        self.deliver(now, &name, out);
    }

    /// Sends all that waits for a browser that has just come.
    fn deliver(&mut self, now: Time, name: &str, out: &mut Vec<Output>) {
        let Some(agent) = self.agents.get(name) else {
            return;
        };
        let waiting: Vec<u64> = agent.mails.iter().copied().collect();
        for no in waiting {
            let tries = self.mails.get(no).map_or(0, |mail| mail.tries);
            if tries > self.config.redeliveries {
                self.end(now, no, "given-up", out);
            } else {
                self.send(now, no, out);
            }
        }
    }

    /// Sends a push when its browser is there.
    pub(super) fn send(&mut self, now: Time, no: u64, out: &mut Vec<Output>) {
        let Some(mail) = self.mails.get_mut(no) else {
            return;
        };
        let link = self.agents.get(&mail.agent).and_then(|agent| agent.link);
        let Some(link) = link else { return };
        mail.tries = mail.tries.saturating_add(1);
        let has_content = !mail.content.is_empty();
        let push = Notification {
            channel: mail.channel,
            version: mail.version.clone(),
            ttl: mail.ttl,
            topic: mail.topic.clone(),
            content: has_content.then(|| to_text(&mail.content)),
            encoding: has_content.then(|| CODING.to_owned()),
        };
        tell(link, &Message::Notification(push), out);
        let fact = Fact::WpMsg {
            sub: short(&mail.resource),
            msg: short(&mail.version),
            state: "sent".to_owned(),
            code: None,
            attempt: mail.tries,
        };
        report(now, fact, out);
    }

    fn register(
        &mut self,
        now: Time,
        link: LinkId,
        name: &str,
        channel: Uuid,
        key: Option<&str>,
        out: &mut Vec<Output>,
    ) {
        let (status, resource) = match self.subscribed(now, name, channel, key, out) {
            Ok(resource) => (200, Some(resource)),
            Err(status) => (status, None),
        };
        let origin = &self.config.origin;
        let answer = Message::Register {
            channel,
            key: None,
            status: Some(status),
            endpoint: Some(
                resource.map_or_else(String::new, |it| format!("{origin}/wpush/v2/{it}")),
            ),
        };
        tell(link, &answer, out);
    }

    /// The resource of a subscription, which is made when there is none; else a status.
    fn subscribed(
        &mut self,
        now: Time,
        name: &str,
        channel: Uuid,
        key: Option<&str>,
        out: &mut Vec<Output>,
    ) -> Result<String, u16> {
        let key = match key.filter(|key| !key.is_empty()) {
            Some(key) => Some(public_key(key).ok_or(400_u16)?),
            None => None,
        };
        let agent = self.agents.get_mut(name).ok_or(500_u16)?;
        if let Some(resource) = agent.channels.get(&channel) {
            let known = self.channels.get(resource);
            let is_same = known.is_some_and(|known| known.key == key);
            return if is_same {
                Ok(resource.clone())
            } else {
                Err(409)
            };
        }
        let is_full = agent.channels.len() >= limits::PUSH_CHANNELS_PER_AGENT
            || self.channels.len() >= limits::PUSH_CHANNELS;
        if is_full {
            return Err(503);
        }
        let resource = self.random.token::<32>().to_string();
        agent.channels.insert(channel, resource.clone());
        let made = Channel {
            agent: name.to_owned(),
            channel,
            key,
            pace: Pace::default(),
        };
        self.channels.insert(resource.clone(), made);
        self.save_agent(name, out);
        told_sub(now, name, &resource, "new", out);
        Ok(resource)
    }

    fn unregister(&mut self, now: Time, name: &str, channel: Uuid, out: &mut Vec<Output>) {
        let Some(agent) = self.agents.get_mut(name) else {
            return;
        };
        let Some(resource) = agent.channels.remove(&channel) else {
            return;
        };
        agent.gone.push_back(resource.clone());
        let old = (agent.gone.len() > limits::PUSH_CHANNELS_GONE).then(|| agent.gone.pop_front());
        let waiting: Vec<u64> = agent.mails.iter().copied().collect();
        if let Some(old) = old.flatten() {
            self.gone.remove(&old);
        }
        self.channels.remove(&resource);
        self.gone.insert(resource.clone(), ());
        for no in waiting {
            if self
                .mails
                .get(no)
                .is_some_and(|mail| mail.resource == resource)
            {
                self.end(now, no, "unsubscribed", out);
            }
        }
        self.save_agent(name, out);
        told_sub(now, name, &resource, "gone", out);
    }

    fn save_agent(&self, name: &str, out: &mut Vec<Output>) {
        if let Some(agent) = self.agents.get(name) {
            out.push(Output::Save(record::agent(name, agent, &self.channels)));
        }
    }

    fn acknowledged(&mut self, now: Time, name: &str, update: &Update, out: &mut Vec<Output>) {
        let Some(no) = self.own(name, &update.version) else {
            return;
        };
        if let Some(mail) = self.mails.get(no) {
            let code = update.code.unwrap_or(100);
            let fact = Fact::WpMsg {
                sub: short(&mail.resource),
                msg: short(&mail.version),
                state: "acked".to_owned(),
                code: Some(code),
                attempt: mail.tries,
            };
            report(now, fact, out);
        }
        self.end(now, no, "done", out);
    }

    /// The push of that name, when it is for that browser: nobody ends the pushes of others.
    fn own(&self, name: &str, version: &str) -> Option<u64> {
        let no = self.mails.named(version)?;
        let mail = self.mails.get(no)?;
        (mail.agent == name).then_some(no)
    }

    fn failed(
        &mut self,
        now: Time,
        name: &str,
        version: &str,
        code: Option<u16>,
        out: &mut Vec<Output>,
    ) {
        // A browser tells of a failure after it acknowledged, so nothing may be left of the push.
        let mail = self.own(name, version).and_then(|no| self.mails.get(no));
        let fact = Fact::WpMsg {
            sub: mail.map_or_else(String::new, |mail| short(&mail.resource)),
            msg: short(version),
            state: "nacked".to_owned(),
            code,
            attempt: mail.map_or(0, |mail| mail.tries),
        };
        report(now, fact, out);
    }
}

fn tell(link: LinkId, message: &Message, out: &mut Vec<Output>) {
    let text = message.encode();
    out.push(Output::Message { link, text });
}

fn told_agent(now: Time, name: &str, change: &str, out: &mut Vec<Output>) {
    let fact = Fact::WpAgent {
        agent: short(name),
        change: change.to_owned(),
    };
    report(now, fact, out);
}

fn told_sub(now: Time, name: &str, resource: &str, change: &str, out: &mut Vec<Output>) {
    let fact = Fact::WpSub {
        agent: short(name),
        sub: short(resource),
        change: change.to_owned(),
    };
    report(now, fact, out);
}
