//! What is published to an application's users: read and judged before it is kept.

use core::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::super::message::{Author, Draft, Full, Message, Put, Urgency};
use super::clients::{answer, full, is_app};
use super::{Desk, WebMessages, problem, read};
use crate::event::Fact;
use crate::limits;
use crate::world::{HttpRequest, HttpResponse};

/// How long a message is of use, where its author does not say, and at most.
const TTL: (Duration, Duration) = (
    Duration::from_secs(28 * 86_400),
    Duration::from_secs(365 * 86_400),
);
/// Octets of a name in a message: id, topic, kind.
const NAME_OCTETS: usize = 128;

/// A message and whom it is for, as somebody published it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publication {
    /// An account by any of its names, or `client:` and the id of a client.
    pub to: String,
    id: Option<String>,
    from: Option<String>,
    #[serde(default)]
    title: String,
    #[serde(default)]
    summary: String,
    url: Option<String>,
    kind: Option<String>,
    topic: Option<String>,
    #[serde(default)]
    urgency: Urgency,
    /// Seconds for which it is of use.
    ttl: Option<u64>,
    #[serde(default)]
    data: Value,
}

impl Publication {
    /// Reads a request.
    ///
    /// # Errors
    /// With the answer.
    pub fn of(request: &HttpRequest) -> Result<Self, HttpResponse> {
        // What JSON adds to a message is less than the message may be.
        let most = limits::WEB_MESSAGE_OCTETS.saturating_mul(2);
        if request.body.len() > most {
            return Err(too_large());
        }
        read(request, "not a message")
    }

    /// What a user publishes is from that user, and from nobody else (R4.46).
    ///
    /// # Errors
    /// When it says that it is from somebody else.
    pub(super) fn signed(&mut self, user: Option<String>) -> Result<(), HttpResponse> {
        let Some(user) = user else { return Ok(()) };
        match &self.from {
            Some(from) if *from != user => Err(problem(
                403,
                "not your name",
                "`from` is whoever is logged in",
            )),
            _ => {
                self.from = Some(user);
                Ok(())
            }
        }
    }

    /// The id of the client it is for alone.
    #[must_use]
    pub fn client(&self) -> Option<&str> {
        self.to.strip_prefix("client:")
    }
}

impl WebMessages {
    /// Keeps what was published for an account, and tells who waits for it.
    ///
    /// # Errors
    /// With the answer that refuses.
    pub(super) fn publish(
        &mut self,
        desk: &mut Desk<'_>,
        (app, by): (&str, String),
        publication: Publication,
        account: &str,
    ) -> Result<HttpResponse, HttpResponse> {
        let client = publication.client().map(str::to_owned);
        let draft = Draft {
            by: Some(Author::Publisher(by)),
            ..self.draft(desk, app, publication, client)?
        };
        let id = draft.id.clone();
        let put = self.put(desk, account, draft).map_err(|why| match why {
            Full::Account => problem(507, "the account is full", &why.to_string()),
            Full::Everywhere => full(&why.to_string()),
        })?;
        let status = if put.repeated { 200 } else { 201 };
        let mut response = answer(
            status,
            &json!({
                "schema": "sirgate.published/1",
                "seq": put.seq,
                "id": id,
                "replaced": put.replaced,
            }),
        );
        let account = crate::gateway::api::escape(account);
        let location = format!("/api/v1/accounts/{account}/messages/{}", put.seq);
        response.headers.push(("location".to_owned(), location));
        Ok(response)
    }

    /// Keeps a message, and tells who waits for it.
    ///
    /// # Errors
    /// When there is no room.
    pub fn put(&mut self, desk: &mut Desk<'_>, account: &str, draft: Draft) -> Result<Put, Full> {
        let app = draft.app.clone();
        let clients = &self.clients;
        // A message that some client is still to get is not had by all of them.
        let is_had = |message: &Message| {
            let clients = clients.of_mailbox(account);
            let mut has = clients.filter_map(|client| client.has(message));
            has.next().is_some_and(|first| first) && has.all(|next| next)
        };
        let put = desk.messages.put(desk.now, account, draft, &is_had);
        // Room may have been made even where it was not enough.
        desk.save();
        let put = put?;
        if !put.repeated {
            desk.report(Fact::MsgPut {
                account: account.to_owned(),
                app,
                message: put.seq,
            });
            self.wake(desk, account);
        }
        Ok(put)
    }

    fn draft(
        &mut self,
        desk: &Desk<'_>,
        app: &str,
        publication: Publication,
        client: Option<String>,
    ) -> Result<Draft, HttpResponse> {
        let wrong = |detail: &str| problem(422, "not a message", detail);
        if !is_app(app) {
            return Err(wrong(
                "the application's code has 1 to 64 of A-Z a-z 0-9 - . _ ~ : @",
            ));
        }
        let names = [&publication.id, &publication.topic, &publication.kind];
        let bad = |name: &&String| {
            name.is_empty() || name.len() > NAME_OCTETS || name.chars().any(char::is_control)
        };
        if names.into_iter().flatten().any(|name| bad(&name)) {
            return Err(wrong(
                "id, topic and kind have 1 to 128 octets, none of control",
            ));
        }
        let ttl = match publication.ttl {
            None => TTL.0,
            Some(0) => return Err(wrong("what is of use for no time cannot be kept")),
            Some(seconds) => Duration::from_secs(seconds).min(TTL.1),
        };
        let draft = Draft {
            app: app.to_owned(),
            id: publication
                .id
                .unwrap_or_else(|| self.random.token::<16>().to_string()),
            from: publication.from,
            title: publication.title,
            summary: publication.summary,
            url: publication.url,
            kind: publication.kind,
            topic: publication.topic,
            urgency: publication.urgency,
            expires: Some(desk.now + ttl),
            client,
            data: publication.data,
            by: None,
        };
        if draft.octets() > limits::WEB_MESSAGE_OCTETS {
            return Err(too_large());
        }
        Ok(draft)
    }
}

fn too_large() -> HttpResponse {
    let most = limits::WEB_MESSAGE_OCTETS;
    problem(
        413,
        "the message is too large",
        &format!("its texts and data have at most {most} octets"),
    )
}
