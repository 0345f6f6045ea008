//! Sessions of users of web pages: begun with a password, shown by a token, ended by their user or their time.
//!
//! **Source:** requirement R4.4; the issue's `POST /api/v1/sessions`. Of a token only its digest is kept. What a password
//! may be tried is bounded for each account and for each asker. Not here: cookies, and whether a page of ours asks (the
//! driver), and what an account may do.

mod guesses;
mod record;

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::super::api::problem;
use crate::event::{Event, Fact};
use crate::limits;
use crate::random::Random;
use crate::time::Time;
use crate::world::{HttpRequest, HttpResponse, Output, RecordKey};
use guesses::Guesses;

/// Where sessions are begun, shown and ended.
pub const PATH: &str = "/api/v1/sessions";

/// Who may begin a session, and how long it lasts.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Accounts by canonical name, and their passwords.
    pub users: Vec<(String, String)>,
    /// How long a session lasts.
    pub lifetime: Duration,
    /// Applications in which users write to one another.
    pub write: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            users: Vec::new(),
            lifetime: Duration::from_secs(12 * 3_600),
            write: vec!["site".to_owned()],
        }
    }
}

type Digest = [u8; 32];

/// One session.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Session {
    account: String,
    expires: Time,
}

/// All sessions.
#[derive(Debug)]
pub struct Sessions {
    settings: Settings,
    random: Random,
    passwords: BTreeMap<String, Digest>,
    open: BTreeMap<Digest, Session>,
    /// When each is over; the first is the one that gives way when there are too many.
    due: BTreeSet<(Time, Digest)>,
    guesses: Guesses,
}

/// What a request about sessions asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Begin one.
    Begin,
    /// Say whose it is.
    Show,
    /// End it.
    End,
}

impl Route {
    /// The route of a request; `None` when its path is another.
    ///
    /// # Errors
    /// With 405.
    #[must_use]
    pub fn of(method: &str, path: &str) -> Option<Result<Self, HttpResponse>> {
        if path != PATH {
            return None;
        }
        Some(match method {
            "POST" => Ok(Self::Begin),
            "GET" | "HEAD" => Ok(Self::Show),
            "DELETE" => Ok(Self::End),
            _ => {
                let allowed = "POST, GET, DELETE";
                let mut response = problem(405, "method not allowed", allowed);
                let allow = ("allow".to_owned(), allowed.to_owned());
                response.headers.push(allow);
                Err(response)
            }
        })
    }
}

/// Who asks about sessions.
pub struct Visitor<'a> {
    /// From where.
    pub peer: IpAddr,
    /// What.
    pub request: &'a HttpRequest,
    /// Its account, where it was verified.
    pub verified: Option<String>,
    /// The canonical name of an account by any of its names.
    pub resolve: &'a mut dyn FnMut(&str) -> Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    account: String,
    password: String,
}

impl Sessions {
    /// No session yet.
    #[must_use]
    pub fn new(settings: Settings, random: Random) -> Self {
        let users = settings.users.iter();
        let passwords = users.map(|(name, password)| (name.clone(), digest(password)));
        Self {
            passwords: passwords.collect(),
            settings,
            random,
            open: BTreeMap::new(),
            due: BTreeSet::new(),
            guesses: Guesses::default(),
        }
    }

    /// How it behaves.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// True when there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Takes a session back from its record.
    ///
    /// # Errors
    /// When the record is not one of ours.
    pub fn restore(&mut self, body: &[u8]) -> Result<(), super::super::snapshot::BadRecord> {
        let (digest, session) = record::read(body)?;
        // A user who may not log in any more has no session either.
        if self.passwords.contains_key(&session.account) {
            self.enter(digest, session);
        }
        Ok(())
    }

    /// Answers a request.
    pub fn answer(
        &mut self,
        now: Time,
        route: Route,
        mut visitor: Visitor<'_>,
        out: &mut Vec<Output>,
    ) -> HttpResponse {
        match route {
            Route::Begin => self.begin(now, &mut visitor, out),
            Route::Show => self.show(now, &visitor),
            Route::End => self.end(now, visitor.request, out),
        }
    }

    fn begin(
        &mut self,
        now: Time,
        visitor: &mut Visitor<'_>,
        out: &mut Vec<Output>,
    ) -> HttpResponse {
        let login: Login = match serde_json::from_slice(&visitor.request.body) {
            Ok(login) => login,
            Err(error) => {
                let status = if error.is_data() { 422 } else { 400 };
                // What is wrong is not repeated: a password may stand in it.
                let wanted = "a login has the members account and password, both texts";
                return problem(status, "not a login", wanted);
            }
        };
        let account = (visitor.resolve)(&login.account);
        let account = account.filter(|name| self.passwords.contains_key(name));
        let named = account.as_deref();
        if let Err(wait) = self.guesses.check(now, visitor.peer, named) {
            let mut response = problem(429, "too many wrong passwords", "try again later");
            let seconds = wait.as_secs().saturating_add(1).to_string();
            response.headers.push(("retry-after".to_owned(), seconds));
            return response;
        }
        // Somebody unknown is compared with too.
        let own = named.and_then(|name| self.passwords.get(name));
        let is_same = is_same(own.unwrap_or(&[0; 32]), &digest(&login.password));
        if !is_same {
            self.guesses.wrong(now, visitor.peer, named);
        }
        match account.filter(|_| is_same) {
            Some(account) => self.begun(now, &account, out),
            None => {
                let why = "no such account, or another password";
                let fact = Fact::Refused {
                    from: visitor.peer.to_string(),
                    why: why.to_owned(),
                };
                out.push(Output::Report(Event { t: now, fact }));
                stranger(why)
            }
        }
    }

    fn begun(&mut self, now: Time, account: &str, out: &mut Vec<Output>) -> HttpResponse {
        // 160 bits.
        let token = self.random.token::<32>();
        let session = Session {
            account: account.to_owned(),
            expires: now + self.settings.lifetime,
        };
        for old in self.too_many(account) {
            self.drop_session(&old, Output::Forget, out);
        }
        let digest = digest(token.as_str());
        out.push(Output::Save(record::of(&digest, &session)));
        self.enter(digest, session);
        let fact = Fact::Login {
            account: account.to_owned(),
        };
        out.push(Output::Report(Event { t: now, fact }));
        let mut response = self.shown(201, account, Some(self.settings.lifetime));
        let token = token.as_str().to_owned();
        response
            .headers
            .push((HttpRequest::SESSION.to_owned(), token));
        response
    }

    fn show(&self, now: Time, visitor: &Visitor<'_>) -> HttpResponse {
        let session = visitor.request.header(HttpRequest::SESSION);
        let session = session.and_then(|token| self.of_token(now, token));
        match (session, &visitor.verified) {
            (Some(session), _) => {
                let left = session.expires.since(now);
                self.shown(200, &session.account, Some(left))
            }
            (None, Some(account)) => self.shown(200, account, None),
            (None, None) => stranger("nobody is logged in"),
        }
    }

    fn end(&mut self, now: Time, request: &HttpRequest, out: &mut Vec<Output>) -> HttpResponse {
        let token = request.header(HttpRequest::SESSION).map(digest);
        if let Some((token, session)) =
            token.and_then(|token| Some((token, self.open.get(&token)?.clone())))
        {
            self.drop_session(&token, Output::Erase, out);
            let account = session.account;
            let fact = Fact::Logout { account };
            out.push(Output::Report(Event { t: now, fact }));
        }
        // Whoever has none is as much without one afterwards.
        HttpResponse {
            status: 204,
            headers: Vec::new(),
            body: bytes::Bytes::new(),
        }
    }

    /// When the next session is over.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Forgets sessions that are over.
    pub fn expire(&mut self, now: Time, out: &mut Vec<Output>) {
        while let Some((_, digest)) = self.due.first().filter(|(due, _)| *due <= now).copied() {
            self.drop_session(&digest, Output::Forget, out);
        }
    }

    fn of_token(&self, now: Time, token: &str) -> Option<&Session> {
        let session = self.open.get(&digest(token))?;
        (session.expires > now).then_some(session)
    }

    fn enter(&mut self, digest: Digest, session: Session) {
        self.due.insert((session.expires, digest));
        self.open.insert(digest, session);
    }

    fn drop_session(
        &mut self,
        digest: &Digest,
        drop: fn(RecordKey) -> Output,
        out: &mut Vec<Output>,
    ) {
        if let Some(session) = self.open.remove(digest) {
            self.due.remove(&(session.expires, *digest));
            out.push(drop(record::key(digest)));
        }
    }

    /// Which give way to one more of that account: those that are over first.
    fn too_many(&self, account: &str) -> Vec<Digest> {
        let of_account = self.due.iter().filter(|(_, digest)| {
            let session = self.open.get(digest);
            session.is_some_and(|session| session.account == account)
        });
        let own: Vec<Digest> = of_account.map(|(_, digest)| *digest).collect();
        let over = own
            .len()
            .saturating_add(1)
            .saturating_sub(limits::LOGINS_PER_ACCOUNT);
        let mut old: Vec<Digest> = own.into_iter().take(over).collect();
        if self.open.len() >= limits::LOGINS && old.is_empty() {
            old.extend(self.due.first().map(|(_, digest)| *digest));
        }
        old
    }

    fn shown(&self, status: u16, account: &str, left: Option<Duration>) -> HttpResponse {
        let body = json!({
            "schema": "sirgate.session/1",
            "account": account,
            "expires_in": left.map(|left| left.as_secs()),
            "write": self.settings.write,
        });
        HttpResponse {
            status,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.to_string().into(),
        }
    }
}

fn stranger(why: &str) -> HttpResponse {
    problem(401, "not logged in", why)
}

fn digest(text: &str) -> Digest {
    Sha256::digest(text.as_bytes()).into()
}

/// Compares without telling by its duration where two digests differ.
fn is_same(one: &Digest, other: &Digest) -> bool {
    one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

#[cfg(test)]
mod tests;
