//! All browser clients: by their ids, by their tokens, by their accounts; and what they ask about themselves.

use core::time::Duration;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::quality::FixedState;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::client::mailbox_of;
use super::{App, Client, Desk, Filter, Subscription, WebMessages, empty, problem, read, record};
use crate::event::Fact;
use crate::limits;
use crate::time::Time;
use crate::world::{HttpRequest, HttpResponse, Output};

/// A client that was not here for so long gives way when room is needed.
const FORGOTTEN: Duration = Duration::from_secs(30 * 86_400);
/// How often such clients are looked for.
const SWEEP: Duration = Duration::from_secs(60);
/// Octets of what a client says about itself or one of its applications, each.
const TEXT_OCTETS: usize = 512;
/// Octets of an application's identification code.
const APP_OCTETS: usize = 64;

/// All browser clients.
#[derive(Debug, Default)]
pub struct Clients {
    by_id: HashMap<Arc<str>, Client, FixedState>,
    by_digest: HashMap<[u8; 32], Arc<str>, FixedState>,
    by_mailbox: HashMap<String, BTreeSet<Arc<str>>, FixedState>,
    /// By where and with which keys they are pushed to.
    by_place: HashMap<[u8; 32], Arc<str>, FixedState>,
    swept: Time,
}

impl Clients {
    /// The client of that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Client> {
        self.by_id.get(id)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// True when there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Those whose messages are kept under that account.
    pub fn of_mailbox(&self, account: &str) -> impl Iterator<Item = &Client> {
        let ids = self.by_mailbox.get(account).into_iter().flatten();
        ids.filter_map(|id| self.by_id.get(id))
    }

    /// The client whose token it is.
    #[must_use]
    pub fn of_token(&self, token: &str) -> Option<&Client> {
        self.by_id.get(self.by_digest.get(&digest(token))?)
    }

    /// Enters a client; `None` when there is no room.
    pub(super) fn enter(&mut self, client: Client) -> Option<()> {
        if self.by_id.len() >= limits::WEB_CLIENTS && !self.by_id.contains_key(&*client.id) {
            return None;
        }
        self.remove(&client.id);
        let id: Arc<str> = Arc::from(client.id.as_str());
        self.by_digest.insert(client.digest, Arc::clone(&id));
        let mailbox = self.by_mailbox.entry(client.mailbox()).or_default();
        mailbox.insert(Arc::clone(&id));
        if let Some(subscription) = &client.subscription {
            self.by_place.insert(subscription.place(), Arc::clone(&id));
        }
        self.by_id.insert(id, client);
        Some(())
    }

    /// The client that is pushed to at that place.
    pub(super) fn of_place(&self, place: &[u8; 32]) -> Option<&str> {
        self.by_place.get(place).map(AsRef::as_ref)
    }

    /// Enters or takes out where a client is pushed to; false when it is unknown, or was not pushed to anyway.
    pub(super) fn subscribe(&mut self, id: &str, subscription: Option<Subscription>) -> bool {
        let Some((id, client)) = self.by_id.get_key_value(id) else {
            return false;
        };
        let (id, before) = (Arc::clone(id), client.subscription.as_ref());
        let had_one = before.is_some();
        if let Some(before) = before {
            self.by_place.remove(&before.place());
        }
        if let Some(subscription) = &subscription {
            self.by_place.insert(subscription.place(), Arc::clone(&id));
        }
        let is_one = subscription.is_some();
        if let Some(client) = self.by_id.get_mut(&id) {
            client.subscription = subscription;
        }
        had_one || is_one
    }

    fn remove(&mut self, id: &str) -> Option<Client> {
        let client = self.by_id.remove(id)?;
        self.by_digest.remove(&client.digest);
        if let Some(subscription) = &client.subscription {
            self.by_place.remove(&subscription.place());
        }
        let mailbox = client.mailbox();
        if let Some(ids) = self.by_mailbox.get_mut(&mailbox) {
            ids.remove(id);
            if ids.is_empty() {
                self.by_mailbox.remove(&mailbox);
            }
        }
        Some(client)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Client> {
        self.by_id.get_mut(id)
    }

    /// Those that give way, when it is time to look for them.
    fn forgotten(&mut self, now: Time) -> Vec<String> {
        if self.len() < limits::WEB_CLIENTS || now.since(self.swept) < SWEEP {
            return Vec::new();
        }
        self.swept = now;
        let old = self.by_id.values();
        let old = old.filter(|client| now.since(client.seen) > FORGOTTEN);
        old.map(|client| client.id.clone()).collect()
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AppBody {
    title: Option<String>,
    icon: Option<String>,
    url: Option<String>,
    #[serde(default)]
    filter: String,
}

impl WebMessages {
    /// The client that a request comes from: the one its token belongs to. 401 without a token that is known, 403 for
    /// the token of another client.
    ///
    /// # Errors
    /// With the answer.
    pub(super) fn own(&mut self, now: Time, request: &HttpRequest, id: &str) -> Own {
        let token = request.header("authorization").and_then(bearer);
        let known = token.and_then(|token| self.clients.of_token(token));
        match known.map(|client| client.id.clone()) {
            Some(own) if own == id => {
                let client = self.clients.get_mut(&own);
                client.map_or_else(
                    || Err(stranger()),
                    |client| {
                        client.seen = now;
                        Ok(())
                    },
                )
            }
            Some(_) => Err(problem(403, "not your client", "the token is another's")),
            None => Err(stranger()),
        }
    }

    /// Makes a client (R0.6).
    pub(super) fn new_client(
        &mut self,
        desk: &mut Desk<'_>,
        account: Option<String>,
        agent: Option<&str>,
    ) -> HttpResponse {
        for id in self.clients.forgotten(desk.now) {
            self.drop_client(desk, &id);
        }
        // 80 bits for a name that anybody may see, 160 for what proves it.
        let id = self.random.token::<16>().to_string();
        let token = self.random.token::<32>();
        let client = Client {
            id: id.clone(),
            digest: digest(token.as_str()),
            account,
            agent: agent.map(|agent| cut(agent).to_owned()),
            apps: std::collections::BTreeMap::new(),
            acked: 0,
            login: 0,
            seen: desk.now,
            subscription: None,
        };
        let record = record::of(&client);
        if self.clients.enter(client).is_none() {
            return full("no room for more clients");
        }
        desk.out.push(Output::Save(record));
        self.tell(desk, &id, "created");
        let settings = &self.settings;
        let body = json!({
            "schema": "sirgate.client/1",
            "client": id,
            "token": token.as_str(),
            "interval": settings.interval.as_secs(),
            "jitter": settings.jitter,
            "long_poll": settings.long_poll.as_secs(),
        });
        let mut response = answer(201, &body);
        let location = format!("/api/v1/clients/{id}");
        response.headers.push(("location".to_owned(), location));
        response
    }

    /// Shows a client to itself.
    pub(super) fn show_client(
        &mut self,
        desk: &Desk<'_>,
        request: &HttpRequest,
        id: &str,
    ) -> Answer {
        self.own(desk.now, request, id)?;
        let client = self.clients.get(id).ok_or_else(stranger)?;
        let apps: Vec<&String> = client.apps.keys().collect();
        Ok(answer(
            200,
            &json!({
                "schema": "sirgate.client/1",
                "client": client.id,
                "account": client.account,
                "agent": client.agent,
                "acked": client.shown(client.acked),
                "apps": apps,
            }),
        ))
    }

    /// Another user sits before the client, or none (R0.5). What it asks from begins anew: it is another sequence.
    pub(super) fn login(
        &mut self,
        desk: &mut Desk<'_>,
        request: &HttpRequest,
        id: &str,
        account: Option<String>,
    ) -> Answer {
        self.own(desk.now, request, id)?;
        let mut client = self.clients.get(id).cloned().ok_or_else(stranger)?;
        if client.account != account {
            client.log_in(account);
            if let Some(subscription) = &mut client.subscription {
                subscription.pushed = 0;
            }
            self.end_wait(desk, id);
            self.outbox.drop(id);
            desk.out.push(Output::Save(record::of(&client)));
            self.clients.enter(client);
            self.outbox.note(id);
            self.tell(desk, id, "login");
        }
        self.show_client(desk, request, id)
    }

    /// Forgets a client.
    pub(super) fn leave(&mut self, desk: &mut Desk<'_>, request: &HttpRequest, id: &str) -> Answer {
        self.own(desk.now, request, id)?;
        self.drop_client(desk, id);
        Ok(empty(204))
    }

    fn drop_client(&mut self, desk: &mut Desk<'_>, id: &str) {
        self.end_wait(desk, id);
        self.outbox.drop(id);
        self.clients.remove(id);
        desk.messages.drop_account(&mailbox_of(id));
        desk.save();
        // Its token is worth nothing from now on, whatever happens.
        desk.out.push(Output::Erase(record::key(id)));
        self.tell(desk, id, "removed");
    }

    /// The applications of a client (R0.4).
    pub(super) fn apps(&mut self, desk: &Desk<'_>, request: &HttpRequest, id: &str) -> Answer {
        self.own(desk.now, request, id)?;
        let client = self.clients.get(id).ok_or_else(stranger)?;
        let apps: Vec<_> = client
            .apps
            .iter()
            .map(|(name, app)| show_app(client, name, app))
            .collect();
        Ok(answer(
            200,
            &json!({ "schema": "sirgate.apps/1", "apps": apps }),
        ))
    }

    /// Registers an application of a client; again, it replaces what was registered (R0.7).
    pub(super) fn register(
        &mut self,
        desk: &mut Desk<'_>,
        request: &HttpRequest,
        (id, name): (&str, &str),
    ) -> Answer {
        self.own(desk.now, request, id)?;
        let wrong = |detail: &str| problem(422, "not an application", detail);
        if !is_app(name) {
            return Err(wrong("its code has 1 to 64 of A-Z a-z 0-9 - . _ ~ : @"));
        }
        let body: AppBody = match request.body.is_empty() {
            true => serde_json::from_str("{}").map_err(|_| wrong("no body"))?,
            false => read(request, "not an application")?,
        };
        let texts = [&body.title, &body.icon, &body.url];
        let long = |text: &String| text.len() > TEXT_OCTETS;
        if texts.into_iter().flatten().any(long) {
            return Err(wrong("a text has at most 512 octets"));
        }
        let filter: Filter = body
            .filter
            .parse()
            .map_err(|error: super::filter::NotAFilter| {
                problem(422, "not a filter", &error.to_string())
            })?;
        let client = self.clients.get_mut(id).ok_or_else(stranger)?;
        if client.apps.len() >= limits::WEB_APPS && !client.apps.contains_key(name) {
            return Err(problem(409, "too many applications", "take one out first"));
        }
        let known = client.apps.get(name);
        // What was passed over under another filter was not given.
        let same = known.filter(|known| known.filter == filter);
        let app = App {
            title: body.title,
            icon: body.icon,
            url: body.url,
            cleared: known.map_or(0, |known| known.cleared),
            since: same.and_then(|known| known.since),
            filter,
        };
        let shown = show_app(client, name, &app);
        let (status, change) = match client.apps.insert(name.to_owned(), app) {
            None => (201, "registered"),
            Some(_) => (200, "replaced"),
        };
        if let Some(after) = self.waits.asked_from(id) {
            client.asks(after);
        }
        self.keep(desk, id);
        self.tell_app(desk, id, name, change);
        // There may be messages for it already.
        self.wake_one(desk, id);
        Ok(answer(status, &shown))
    }

    /// Takes an application of a client out (R0.8).
    pub(super) fn unregister(
        &mut self,
        desk: &mut Desk<'_>,
        request: &HttpRequest,
        (id, name): (&str, &str),
    ) -> Answer {
        self.own(desk.now, request, id)?;
        let client = self.clients.get_mut(id).ok_or_else(stranger)?;
        if client.apps.remove(name).is_none() {
            return Err(problem(404, "not found", "no such application"));
        }
        self.keep(desk, id);
        self.tell_app(desk, id, name, "removed");
        Ok(empty(204))
    }

    /// Makes durable what a client became.
    pub(super) fn keep(&self, desk: &mut Desk<'_>, id: &str) {
        let client = self.clients.get(id);
        desk.out
            .extend(client.map(|client| Output::Save(record::of(client))));
    }

    pub(super) fn tell(&self, desk: &mut Desk<'_>, client: &str, change: &str) {
        desk.report(Fact::WebClient {
            client: client.to_owned(),
            change: change.to_owned(),
        });
    }

    pub(super) fn tell_app(&self, desk: &mut Desk<'_>, client: &str, app: &str, change: &str) {
        desk.report(Fact::WebApp {
            client: client.to_owned(),
            app: app.to_owned(),
            change: change.to_owned(),
        });
    }
}

/// An answer, or the one that says why not.
pub(super) type Answer = Result<HttpResponse, HttpResponse>;
/// The asker is who it says, or the answer that says otherwise.
pub(super) type Own = Result<(), HttpResponse>;

fn show_app(client: &Client, name: &str, app: &App) -> serde_json::Value {
    json!({
        "appid": name,
        "title": app.title,
        "icon": app.icon,
        "url": app.url,
        "filter": app.filter.to_string(),
        "cleared": client.shown(app.cleared),
    })
}

/// The token of `Bearer <token>`.
pub(in crate::gateway) fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("Bearer")
        .then_some(token.trim_start())
}

pub(super) fn stranger() -> HttpResponse {
    let mut response = problem(401, "who are you?", "the client's token is wanted");
    response.headers.push((
        "www-authenticate".to_owned(),
        "Bearer realm=\"sirgate\"".to_owned(),
    ));
    response
}

pub(super) fn full(what: &str) -> HttpResponse {
    let mut response = problem(503, "the gateway is full", what);
    let later = ("retry-after".to_owned(), "30".to_owned());
    response.headers.push(later);
    response
}

pub(super) fn answer(status: u16, body: &serde_json::Value) -> HttpResponse {
    HttpResponse {
        status,
        headers: vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("cache-control".to_owned(), "no-store".to_owned()),
        ],
        body: bytes::Bytes::from(body.to_string()),
    }
}

/// True for what may be an application's identification code.
pub(super) fn is_app(name: &str) -> bool {
    let octets = name.as_bytes();
    let legal = |octet: &u8| octet.is_ascii_alphanumeric() || b"-._~:@".contains(octet);
    (1..=APP_OCTETS).contains(&octets.len()) && octets.iter().all(legal)
}

/// As much of a text as is kept.
fn cut(text: &str) -> &str {
    let end = text.floor_char_boundary(TEXT_OCTETS);
    text.get(..end).unwrap_or(text)
}
