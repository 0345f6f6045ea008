//! Who asks, and what becomes of each request.

use super::{Desk, InstantNotices, NewInfo, Registration, Route, problem};
use crate::world::{HttpRequest, HttpResponse};

/// Who asks, as far as the gateway knows.
pub struct Asker<'a> {
    /// What it asks.
    pub request: &'a HttpRequest,
    /// The account whose user was verified before, by canonical name.
    pub verified: Option<String>,
    /// It may see all accounts; else the answer that says so.
    pub initiator: Result<(), HttpResponse>,
    /// The canonical name of an account by any of its names.
    pub resolve: &'a mut dyn FnMut(&str) -> Option<String>,
}

/// What a request comes to.
pub enum Outcome {
    /// This answer.
    Answer(HttpResponse),
    /// Something new was reported: when it is dealt with, this answer.
    News(Box<NewInfo>, HttpResponse),
    /// The source itself is to say whether the password is right; [`InstantNotices::proved`] goes on.
    Prove(Proof),
}

/// A login that waits for its source's word.
#[derive(Clone, PartialEq, Eq)]
pub struct Proof {
    /// The account.
    pub account: String,
    /// The application.
    pub app: String,
    /// The device.
    pub device: String,
    /// The password to try.
    pub password: String,
}

/// An answer, or the one that says why not.
pub(super) type Answer = Result<HttpResponse, HttpResponse>;

impl InstantNotices {
    /// Answers a request.
    pub fn answer(&mut self, desk: &mut Desk<'_>, route: &Route, mut asker: Asker<'_>) -> Outcome {
        let request = asker.request;
        let answered = match route {
            Route::Register => self.register(desk, &mut asker),
            Route::Registration(id) => self.show_registration(id, &asker),
            Route::Unregister(id) => self.unregister(desk, id, &asker),
            Route::Login => match self.login(desk, &mut asker) {
                Ok(outcome) => return outcome,
                Err(refused) => Err(refused),
            },
            Route::Logout => self.logout(desk, request),
            Route::AppState(device) => self.said_app_state(desk, device, request),
            Route::Open => self.open(desk, request),
            Route::Preference(account, app) => self.show_preference((account, app), asker),
            Route::Prefer(account, app) => self.prefer(desk, (account, app), asker),
            Route::Monitors => self.show_monitors(&asker),
            Route::Hook(app, secret) => match self.hooked((app, secret), &mut asker) {
                Ok(outcome) => return outcome,
                Err(refused) => Err(refused),
            },
            Route::Webhook(app) => match self.signalled(desk.now, app, &mut asker) {
                Ok(outcome) => return outcome,
                Err(refused) => Err(refused),
            },
        };
        Outcome::Answer(answered.unwrap_or_else(|refused| refused))
    }

    /// The registration whose login a request is proved with.
    pub(super) fn own(&self, request: &HttpRequest) -> Result<Registration, HttpResponse> {
        let token = request.header("authorization").and_then(bearer);
        let own = token.and_then(|token| self.registrations.of_token(token));
        own.cloned().ok_or_else(stranger)
    }
}

pub(super) fn stranger() -> HttpResponse {
    let mut response = problem(401, "who are you?", "log in: the login's token is wanted");
    let bearer = "Bearer realm=\"sirgate\"".to_owned();
    response
        .headers
        .push(("www-authenticate".to_owned(), bearer));
    response
}

/// The token of `Bearer <token>`.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let is_bearer = scheme.eq_ignore_ascii_case("Bearer");
    is_bearer.then_some(token.trim_start())
}
