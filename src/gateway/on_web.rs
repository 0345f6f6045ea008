//! Requests about messages of web applications and accounts: who asks is found out here, the service decides.

use std::net::SocketAddr;

use super::policy::Denial;
use super::registry::{Registry, canonical};
use super::service::web_message::{Asker, Desk, Route};
use super::{Gateway, api, snapshot};
use crate::codec::uri::{Scheme, Uri};
use crate::time::Time;
use crate::world::{FetchError, FetchId, HttpRequest, HttpResponse, Output, RequestId};

impl Gateway {
    /// Answers a request of the service, at once or later.
    pub(super) fn on_web(
        &mut self,
        now: Time,
        id: RequestId,
        peer: SocketAddr,
        route: Result<Route, HttpResponse>,
        request: &HttpRequest,
        out: &mut Vec<Output>,
    ) {
        let route = match route {
            Ok(route) => route,
            // The ladders are of pushes; who asks here is neither an initiator nor one of their devices.
            Err(response) => return out.push(Output::Respond { id, response }),
        };
        let trusted = self.web.settings().trust_body;
        let is_believed = trusted.unwrap_or_else(|| is_near(peer, request));
        let initiator = match &route {
            Route::Publish(app) => match self.writes(app, request) {
                // A user is an author of his own, whatever initiators are called.
                Some(account) => self
                    .may_write(now, &account, request)
                    .map(|()| format!("user {account}")),
                None => self.may_publish(now, peer, app, request),
            },
            route if route.is_of_account() => self.may_see(peer, request, is_believed),
            _ => Ok(String::new()),
        };
        let learns =
            self.config.learn_devices && matches!(route, Route::NewClient | Route::Login(_));
        let (registry, domain) = (&mut self.registry, &self.config.domain);
        let mut entered = Vec::new();
        let mut find = |name: &str, learns: bool| {
            let account = account(registry, domain, name, learns)?;
            entered.extend(account.is_new.then(|| account.name.clone()));
            Some(account.name)
        };
        let shown = request.header(HttpRequest::ACCOUNT);
        let verified = shown.and_then(|name| find(name, learns));
        // Who was verified has one account, and who is not believed none.
        let learns = learns && shown.is_none() && is_believed;
        let mut resolve = |name: &str| find(name, learns);
        let asker = Asker {
            id,
            request,
            verified,
            // Whoever was verified is nobody else, known here or not.
            is_believed: shown.is_none() && is_believed,
            initiator,
            resolve: &mut resolve,
        };
        let mut desk = Desk {
            now,
            messages: &mut self.messages,
            out,
        };
        let answered = self.web.answer(&mut desk, &route, asker);
        for pui in entered {
            let identity = self.registry.identity(&pui);
            let identity = identity.and_then(|no| self.registry.get(no));
            out.extend(identity.map(|known| Output::Save(snapshot::identity(known))));
        }
        let acked = self.web.take_acked();
        self.acknowledged(now, acked, out);
        if let Some(response) = answered {
            out.push(Output::Respond { id, response });
        }
    }

    /// What is due in the service and its store.
    pub(super) fn web_due(&mut self, now: Time, out: &mut Vec<Output>) {
        if self.messages.deadline().is_some_and(|due| due <= now) {
            self.messages.expire(now);
            self.messages.save(out);
        }
        if self.web.deadline().is_some_and(|due| due <= now) {
            let messages = &mut self.messages;
            let mut desk = Desk { now, messages, out };
            self.web.expire(&mut desk);
        }
    }

    /// Sends what is to reach browsers by their push services.
    pub(super) fn push_out(&mut self, now: Time, out: &mut Vec<Output>) {
        let (messages, notices) = (&mut self.messages, &mut self.notices);
        let mut desk = Desk { now, messages, out };
        self.web.push_out(&mut desk, || notices.fetch_id());
    }

    /// What came of that; false when the fetch was for something else.
    pub(super) fn pushed_out(
        &mut self,
        now: Time,
        id: FetchId,
        response: &Result<HttpResponse, FetchError>,
        out: &mut Vec<Output>,
    ) -> bool {
        let messages = &mut self.messages;
        let mut desk = Desk { now, messages, out };
        self.web.pushed(&mut desk, id, response)
    }

    /// Who may see and change what accounts have, beside their own users: an initiator that the policy names and does not
    /// keep to some applications; where it names none, whoever is believed to be any user.
    fn may_see(
        &self,
        peer: SocketAddr,
        request: &HttpRequest,
        is_believed: bool,
    ) -> Result<String, HttpResponse> {
        let policy = &self.config.policy;
        if self.logins.is_some() && !policy.wants_names() {
            let why = "users log in to see their messages, and initiators need a name of their own";
            return Err(api::problem(401, "not logged in", why));
        }
        let name = self.initiator(peer, request)?;
        if !policy.wants_names() && !is_believed {
            let why = "the account's own clients may ask, and initiators where there are any";
            return Err(api::problem(403, "not your account", why));
        }
        if policy
            .terms
            .get(&name)
            .is_some_and(|terms| !terms.sees_accounts())
        {
            let why = "the initiator is kept to some applications, and `accounts` is not allowed";
            return Err(api::problem(403, "not allowed", why));
        }
        Ok(name)
    }

    /// The user who writes to another with that application, as he was verified (R4.46).
    fn writes(&self, app: &str, request: &HttpRequest) -> Option<String> {
        let account = request.header(HttpRequest::ACCOUNT)?;
        let logins = self.logins.as_ref()?;
        let apps = &logins.settings().write;
        apps.iter()
            .any(|own| own == app)
            .then(|| account.to_owned())
    }

    /// Users write as much and as often as initiators push.
    fn may_write(
        &mut self,
        now: Time,
        account: &str,
        request: &HttpRequest,
    ) -> Result<(), HttpResponse> {
        let policy = &self.config.policy;
        let checked = policy.check(request.body.len(), None);
        let checked = checked.and_then(|()| self.quotas.take(policy, account, now));
        checked.map_err(denied)
    }

    /// The same policy as for pushes: who, how much, how often, to which applications.
    fn may_publish(
        &mut self,
        now: Time,
        peer: SocketAddr,
        app: &str,
        request: &HttpRequest,
    ) -> Result<String, HttpResponse> {
        let name = self.initiator(peer, request)?;
        let policy = &self.config.policy;
        let octets = request.body.len();
        let checked = policy.check(octets, None).and_then(|()| {
            let terms = policy.terms.get(&name);
            terms.map_or(Ok(()), |terms| terms.check_named(app, octets))
        });
        let checked = checked.and_then(|()| self.quotas.take(policy, &name, now));
        checked.map(|()| name).map_err(denied)
    }
}

fn denied(denial: Denial) -> HttpResponse {
    match denial {
        Denial::TooMany => {
            let mut response = api::problem(429, "too many messages", denial.words());
            let later = ("retry-after".to_owned(), "60".to_owned());
            response.headers.push(later);
            response
        }
        denial => api::problem(403, "not allowed", denial.words()),
    }
}

/// True for who asks from this machine itself. A proxy on it asks for others, and says so.
fn is_near(peer: SocketAddr, request: &HttpRequest) -> bool {
    let is_of_proxy = |name: &str| request.header(name).is_some();
    let named = ["forwarded", "x-forwarded-for", "via"];
    peer.ip().is_loopback() && !named.into_iter().any(is_of_proxy)
}

/// An account that was found.
pub(super) struct Found {
    pub(super) name: String,
    /// It was not known before.
    pub(super) is_new: bool,
}

/// The account of a name: of one of its names, or of the user part of one in our domain.
pub(super) fn account(
    registry: &mut Registry,
    domain: &str,
    name: &str,
    learns: bool,
) -> Option<Found> {
    let known = |registry: &Registry, name: &str| {
        let identity = registry.identity(name)?;
        Some(Found {
            name: registry.get(identity)?.pui.clone(),
            is_new: false,
        })
    };
    if let Some(found) = known(registry, name) {
        return Some(found);
    }
    let name = match name.contains([':', '@']) {
        true => canonical(name),
        false => format!("sip:{name}@{domain}"),
    };
    if let Some(found) = known(registry, &name) {
        return Some(found);
    }
    if !learns || !is_of_domain(&name, domain) {
        return None;
    }
    registry.enter(&name)?;
    Some(Found { name, is_new: true })
}

fn is_of_domain(name: &str, domain: &str) -> bool {
    let Ok(uri) = Uri::decode(name.as_bytes()) else {
        return false;
    };
    let of_domain = name
        .rsplit_once('@')
        .is_some_and(|(_, host)| host == domain);
    uri.scheme() == Scheme::Sip && of_domain && uri.aor() == name
}
