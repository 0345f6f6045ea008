//! Who asks, and what becomes of each request.

use serde::Deserialize;

use super::clients::{Answer, bearer, stranger};
use super::{Desk, Publication, Route, WebMessages, problem, read};
use crate::world::{HttpRequest, HttpResponse, RequestId};

/// Who asks, as far as the gateway knows.
pub struct Asker<'a> {
    /// The number of its request.
    pub id: RequestId,
    /// What it asks.
    pub request: &'a HttpRequest,
    /// The account whose user was verified before, by canonical name.
    pub verified: Option<String>,
    /// It may name its account itself.
    pub is_believed: bool,
    /// It may publish and see accounts; else the answer that says so.
    pub initiator: Result<String, HttpResponse>,
    /// The canonical name of an account by any of its names.
    pub resolve: &'a mut dyn FnMut(&str) -> Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ClientBody {
    account: Option<String>,
    agent: Option<String>,
}

impl WebMessages {
    /// Answers a request; `None` when its asker waits.
    pub fn answer(
        &mut self,
        desk: &mut Desk<'_>,
        route: &Route,
        asker: Asker<'_>,
    ) -> Option<HttpResponse> {
        let request = asker.request;
        let answered = match route {
            Route::Poll(client) => match self.poll(desk, asker.id, request, client) {
                Ok(answered) => return answered,
                Err(refused) => Err(refused),
            },
            Route::NewClient => self.new_client_asked(desk, asker),
            Route::Client(client) => self.show_client(desk, request, client),
            Route::Login(client) => self.login_asked(desk, client, asker),
            Route::Leave(client) => self.leave(desk, request, client),
            Route::Apps(client) => self.apps(desk, request, client),
            Route::Register(client, app) => self.register(desk, request, (client, app)),
            Route::Unregister(client, app) => self.unregister(desk, request, (client, app)),
            Route::Clear(client, app) => self.clear(desk, request, (client, app)),
            Route::Ack(client) => self.ack(desk, request, client),
            Route::Subscription(client) => self.show_subscription(desk, request, client),
            Route::Subscribe(client) => self.subscribe(desk, request, client),
            Route::Unsubscribe(client) => self.unsubscribe(desk, request, client),
            Route::Publish(app) => self.publish_asked(desk, app, asker),
            Route::Messages(account)
            | Route::Message(account, _)
            | Route::Change(account, _)
            | Route::Unread(account)
            | Route::Offered(account) => match self.account(account, asker) {
                Ok(account) => self.of_account(desk, route, request, &account),
                Err(refused) => Err(refused),
            },
        };
        Some(answered.unwrap_or_else(|refused| refused))
    }

    fn of_account(
        &self,
        desk: &mut Desk<'_>,
        route: &Route,
        request: &HttpRequest,
        account: &str,
    ) -> Answer {
        match route {
            Route::Message(_, seq) => self.message(desk, account, *seq),
            Route::Change(_, seq) => self.change(desk, request, (account, *seq)),
            Route::Unread(_) => self.unread(desk, request, account),
            Route::Offered(_) => self.offered(desk, request, account),
            _ => self.messages(desk, request, account),
        }
    }

    fn new_client_asked(&mut self, desk: &mut Desk<'_>, asker: Asker<'_>) -> Answer {
        let body: ClientBody = match asker.request.body.is_empty() {
            true => ClientBody::default(),
            false => read(asker.request, "not a client")?,
        };
        let account = own_account(body.account, asker)?;
        Ok(self.new_client(desk, account, body.agent.as_deref()))
    }

    fn login_asked(&mut self, desk: &mut Desk<'_>, client: &str, asker: Asker<'_>) -> Answer {
        // Whose client it is comes first: nobody learns from here which accounts there are.
        self.own(desk.now, asker.request, client)?;
        let request = asker.request;
        let body: ClientBody = read(request, "not a login")?;
        let account = own_account(body.account, asker)?;
        self.login(desk, request, client, account)
    }

    fn publish_asked(&mut self, desk: &mut Desk<'_>, app: &str, asker: Asker<'_>) -> Answer {
        let by = asker.initiator?;
        let is_user = asker.request.header(HttpRequest::ACCOUNT).is_some();
        if is_user && asker.verified.is_none() {
            return Err(problem(403, "not a user", "nobody of that account is here"));
        }
        let mut publication = Publication::of(asker.request)?;
        publication.signed(asker.verified)?;
        let nobody = || problem(404, "nobody of that name", "`to` is an account or a client");
        let account = match publication.client() {
            Some(client) => self.clients.get(client).map(super::Client::mailbox),
            None => (asker.resolve)(&publication.to),
        };
        let account = account.ok_or_else(nobody)?;
        self.publish(desk, (app, by), publication, &account)
    }

    /// The account of a path, when the asker may see it: an initiator, its own user, or one of its user's clients.
    fn account(&self, named: &str, asker: Asker<'_>) -> Result<String, HttpResponse> {
        let shown = asker.request.header("authorization").and_then(bearer);
        let client = shown.and_then(|token| self.clients.of_token(token));
        let own = client.map(super::Client::mailbox).or(asker.verified);
        let account = match named.strip_prefix("client:") {
            Some(id) => self.clients.get(id).map(super::Client::mailbox),
            None => (asker.resolve)(named),
        };
        match (own, account) {
            (Some(own), Some(account)) if own == account => Ok(account),
            (Some(_), _) => Err(problem(403, "not your account", "it is another's")),
            (None, account) => {
                asker.initiator?;
                account.ok_or_else(|| problem(404, "not found", "no such account"))
            }
        }
    }
}

/// The account that an asker has: the one that was verified, else the one it names, where it is believed.
fn own_account(named: Option<String>, asker: Asker<'_>) -> Result<Option<String>, HttpResponse> {
    let Some(named) = named else {
        return Ok(asker.verified);
    };
    if asker.verified.is_none() && !asker.is_believed {
        // Before the name is looked at: a stranger neither enters accounts nor learns which there are.
        return Err(stranger());
    }
    let account = (asker.resolve)(&named);
    match (account, asker.verified) {
        (account, Some(verified)) if account.as_ref() != Some(&verified) => Err(problem(
            403,
            "not your account",
            "somebody else is logged in",
        )),
        (_, Some(verified)) => Ok(Some(verified)),
        (None, None) => Err(problem(404, "not found", "no such account")),
        (account, None) => Ok(account),
    }
}
