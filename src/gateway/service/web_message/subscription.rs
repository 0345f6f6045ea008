//! Where a client is reached while no page of it is open: its subscription at a push service, as its page handed it over.
//!
//! **Source:** the Push API's PushSubscription (`toJSON`), RFC 8291 section 2 (its keys), RFC 8292 section 4 (the key it is
//! made for). Not here: what is sent there (`pushing`), and what a push service does (`push_service`).

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::clients::{Answer, answer, stranger};
use super::{Desk, WebMessages, empty, problem, read};
use crate::codec::web_push::encryption::{AUTH_OCTETS, Subscriber};
use crate::codec::web_push::{of_text, public_key, to_text};
use crate::world::{HttpRequest, HttpResponse};

/// A subscription at a push service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The URL that pushes are posted to; who knows it can, so no event shows it.
    pub endpoint: String,
    /// Whom they are encrypted to.
    pub subscriber: Subscriber,
    /// Up to which number messages were pushed, or will not be.
    pub pushed: u64,
    /// Pushes in a row that the push service refused for good, since the start.
    pub refusals: u32,
}

/// What a page hands over; browsers add when the subscription ends, and may add more.
#[derive(Debug, Deserialize)]
struct Body {
    endpoint: String,
    keys: Keys,
}

#[derive(Debug, Deserialize)]
struct Keys {
    p256dh: String,
    auth: String,
}

impl Subscription {
    /// True for the same place and keys: the same browser.
    fn is_same(&self, other: &Self) -> bool {
        self.endpoint == other.endpoint && self.subscriber == other.subscriber
    }

    /// What stands for place and keys among those of all clients.
    pub(super) fn place(&self) -> [u8; 32] {
        let digest = Sha256::new().chain_update(self.subscriber.public);
        let digest = digest.chain_update(self.subscriber.auth);
        digest.chain_update(&self.endpoint).finalize().into()
    }
}

impl WebMessages {
    /// The key that a page subscribes with, and where the client is reached.
    ///
    /// # Errors
    /// With the answer that refuses.
    pub(super) fn show_subscription(
        &mut self,
        desk: &mut Desk<'_>,
        request: &HttpRequest,
        client: &str,
    ) -> Answer {
        self.own(desk.now, request, client)?;
        let key = self.sender.key(&mut self.random, desk.out);
        let key = key.ok_or_else(|| problem(503, "no key", "try again"))?;
        let own = self.clients.get(client).ok_or_else(stranger)?;
        let endpoint = own.subscription.as_ref().map(|it| it.endpoint.as_str());
        Ok(answer(
            200,
            &json!({
                "schema": "sirgate.subscription/1",
                "key": to_text(&key),
                "endpoint": endpoint,
            }),
        ))
    }

    /// A page says where its browser is reached. The same again changes nothing; another replaces it.
    ///
    /// # Errors
    /// With the answer that refuses.
    pub(super) fn subscribe(
        &mut self,
        desk: &mut Desk<'_>,
        request: &HttpRequest,
        client: &str,
    ) -> Answer {
        self.own(desk.now, request, client)?;
        let mut given = subscription_of(request)?;
        let checked = self.endpoints.check(&given.endpoint);
        checked.map_err(|fault| problem(fault.status(), WRONG, &fault.to_string()))?;
        let own = self.clients.get(client).ok_or_else(stranger)?;
        let known = own.subscription.as_ref();
        let status = if known.is_some() { 200 } else { 201 };
        if known.is_none_or(|known| !known.is_same(&given)) {
            given.pushed = own.acked;
            // The same browser under an earlier name: its user may be another now.
            let earlier = self.clients.of_place(&given.place()).map(str::to_owned);
            if let Some(earlier) = earlier.filter(|earlier| earlier != client) {
                self.end_subscription(desk, &earlier);
            }
            self.outbox.drop(client);
            self.clients.subscribe(client, Some(given));
            self.keep(desk, client);
            self.tell(desk, client, "subscribed");
        }
        self.outbox.note(client);
        let mut response = self.show_subscription(desk, request, client)?;
        response.status = status;
        Ok(response)
    }

    /// A page takes its subscription back: from now on it asks.
    ///
    /// # Errors
    /// With the answer that refuses.
    pub(super) fn unsubscribe(
        &mut self,
        desk: &mut Desk<'_>,
        request: &HttpRequest,
        client: &str,
    ) -> Answer {
        self.own(desk.now, request, client)?;
        match self.end_subscription(desk, client) {
            true => Ok(empty(204)),
            false => Err(problem(404, "not found", "the client has no subscription")),
        }
    }

    /// A client is not reached by pushes any more; its messages wait until it asks.
    pub(super) fn end_subscription(&mut self, desk: &mut Desk<'_>, client: &str) -> bool {
        self.outbox.drop(client);
        if !self.clients.subscribe(client, None) {
            return false;
        }
        self.keep(desk, client);
        self.tell(desk, client, "unsubscribed");
        true
    }
}

const WRONG: &str = "not a subscription";

fn subscription_of(request: &HttpRequest) -> Result<Subscription, HttpResponse> {
    let body: Body = read(request, WRONG)?;
    let subscriber = subscriber(&body.keys.p256dh, &body.keys.auth);
    Ok(Subscription {
        endpoint: body.endpoint,
        subscriber: subscriber.map_err(|why| problem(422, WRONG, why))?,
        pushed: 0,
        refusals: 0,
    })
}

/// The keys of a subscription from their texts.
///
/// # Errors
/// What is wrong with them.
pub(super) fn subscriber(public: &str, auth: &str) -> Result<Subscriber, &'static str> {
    let key =
        public_key(public).ok_or("p256dh is not 65 octets of an uncompressed point in base64")?;
    let auth = of_text(auth).and_then(|octets| <[u8; AUTH_OCTETS]>::try_from(octets).ok());
    let auth = auth.ok_or("auth is not 16 octets in base64")?;
    let subscriber = Subscriber { public: key, auth };
    match subscriber.is_on_curve() {
        true => Ok(subscriber),
        false => Err("p256dh is no point of P-256"),
    }
}

/// The subscription as its record holds it, and back.
pub(super) fn kept(subscription: &Subscription) -> Value {
    json!({
        "endpoint": subscription.endpoint,
        "p256dh": to_text(&subscription.subscriber.public),
        "auth": to_text(&subscription.subscriber.auth),
        "pushed": subscription.pushed,
    })
}

/// A subscription from its record; `None` when the record is none.
pub(super) fn restored(kept: &Value) -> Option<Subscription> {
    let text = |name: &str| kept.get(name)?.as_str();
    Some(Subscription {
        endpoint: text("endpoint")?.to_owned(),
        subscriber: subscriber(text("p256dh")?, text("auth")?).ok()?,
        pushed: kept.get("pushed")?.as_u64()?,
        refusals: 0,
    })
}
