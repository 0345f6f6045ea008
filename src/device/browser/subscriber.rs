//! The part of a browser that gets pushes: its link to a push service, its subscription, its keys.
//!
//! **Source:** `codec::web_push::autopush` (what both say over the WebSocket), RFC 8291 (keys); requirement R0.25, scenario
//! S0.2. What a service worker does with a push is the browser's.

use std::net::SocketAddr;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::codec::web_push::autopush::{Message, Notification, Update};
use crate::codec::web_push::encryption::{AUTH_OCTETS, KeyPair, decrypt};
use crate::codec::web_push::{of_text, to_text};
use crate::random::Random;
use crate::world::{LinkId, Output, Transport};

/// A browser as its push service knows it.
#[derive(Debug)]
pub(super) struct Subscriber {
    service: SocketAddr,
    keys: Option<KeyPair>,
    auth: [u8; AUTH_OCTETS],
    channel: Uuid,
    agent: Option<String>,
    link: Option<LinkId>,
    links: u64,
    /// The key of the application server, once it is known.
    server: Option<String>,
}

/// What the push service said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// There is a subscription: what the page hands over.
    Subscribed(Value),
    /// A push, opened.
    Pushed(Vec<u8>),
    /// Nothing for the browser.
    Nothing,
}

impl Subscriber {
    /// A browser whose push service is there.
    pub(super) fn new(service: SocketAddr, random: &mut Random) -> Self {
        Self {
            service,
            keys: KeyPair::of(&random.octets()),
            auth: random.octets(),
            channel: uuid::Builder::from_random_bytes(random.octets()).into_uuid(),
            agent: None,
            link: None,
            links: 0,
            server: None,
        }
    }

    /// True before it knows the key of the application server.
    pub(super) const fn is_new(&self) -> bool {
        self.server.is_none()
    }

    /// The application server made itself known: it subscribes for it.
    pub(super) fn subscribe(&mut self, key: &str, out: &mut Vec<Output>) {
        self.server = Some(key.to_owned());
        self.connect(out);
    }

    /// Opens the link to the push service, in place of one that was.
    pub(super) fn connect(&mut self, out: &mut Vec<Output>) {
        if let Some(link) = self.link.take() {
            out.push(Output::Close { link });
        }
        let link = LinkId(self.links);
        self.links = self.links.saturating_add(1);
        self.link = Some(link);
        out.push(Output::Connect {
            link,
            transport: Transport::Tcp,
            target: self.service,
            server_name: None,
        });
    }

    /// The link is up.
    pub(super) fn opened(&self, out: &mut Vec<Output>) {
        let hello = Message::Hello {
            agent: self.agent.clone(),
            webpush: true,
            status: None,
        };
        self.say(&hello, out);
    }

    /// The push service says something.
    pub(super) fn heard(&mut self, text: &str, out: &mut Vec<Output>) -> Heard {
        match Message::decode(text.as_bytes()) {
            Ok(Message::Hello { agent, .. }) => {
                self.agent = agent;
                let register = Message::Register {
                    channel: self.channel,
                    key: self.server.clone(),
                    status: None,
                    endpoint: None,
                };
                self.say(&register, out);
                Heard::Nothing
            }
            Ok(Message::Register {
                status: Some(200),
                endpoint: Some(endpoint),
                ..
            }) => self.subscribed(&endpoint),
            Ok(Message::Notification(push)) => self.pushed(&push, out),
            _ => Heard::Nothing,
        }
    }

    fn subscribed(&self, endpoint: &str) -> Heard {
        let Some(keys) = &self.keys else {
            return Heard::Nothing;
        };
        Heard::Subscribed(json!({
            "endpoint": endpoint,
            "expirationTime": null,
            "keys": { "p256dh": to_text(keys.public()), "auth": to_text(&self.auth) },
        }))
    }

    fn pushed(&self, push: &Notification, out: &mut Vec<Output>) -> Heard {
        let content = push.content.as_deref().and_then(of_text);
        let opened = self.keys.as_ref().zip(content);
        let opened = opened.and_then(|(keys, content)| decrypt(keys, &self.auth, &content).ok());
        let update = Update {
            channel: push.channel,
            version: push.version.clone(),
            code: Some(if opened.is_some() { 100 } else { 101 }),
        };
        self.say(&Message::Ack(vec![update]), out);
        opened.map_or(Heard::Nothing, Heard::Pushed)
    }

    fn say(&self, message: &Message, out: &mut Vec<Output>) {
        if let Some(link) = self.link {
            let text = message.encode();
            out.push(Output::Message { link, text });
        }
    }
}
