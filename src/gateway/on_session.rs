//! Requests about sessions of users of web pages: whose account is meant is found out here, the service decides.

use std::net::SocketAddr;

use super::api::problem;
use super::config::Config;
use super::on_web::account;
use super::registry::{Registry, canonical};
use super::service::session::{Route, Sessions, Visitor};
use super::{Gateway, snapshot};
use crate::random::Random;
use crate::time::Time;
use crate::world::{HttpRequest, HttpResponse, Output, Record, RequestId};

/// The sessions of a configuration; users that are nowhere else named are known from now on.
pub(super) fn open(
    config: &Config,
    registry: &mut Registry,
    random: &mut Random,
) -> Option<Sessions> {
    let mut settings = config.login.clone()?;
    for (name, _) in &mut settings.users {
        *name = canonical(name);
        registry.enter(name);
    }
    Some(Sessions::new(settings, random.fork()))
}

impl Gateway {
    /// Answers a request about sessions.
    pub(super) fn on_session(
        &mut self,
        now: Time,
        id: RequestId,
        peer: SocketAddr,
        route: Result<Route, HttpResponse>,
        request: &HttpRequest,
        out: &mut Vec<Output>,
    ) {
        let (registry, domain) = (&mut self.registry, &self.config.domain);
        let mut resolve = |name: &str| Some(account(registry, domain, name, false)?.name);
        let verified = request.header(HttpRequest::ACCOUNT);
        // Who is known elsewhere need not be known here.
        let verified = verified.map(|name| resolve(name).unwrap_or_else(|| name.to_owned()));
        let response = match (route, &mut self.logins) {
            (Err(response), _) => response,
            (Ok(route), Some(logins)) => {
                let visitor = Visitor {
                    peer: peer.ip(),
                    request,
                    verified,
                    resolve: &mut resolve,
                };
                logins.answer(now, route, visitor, out)
            }
            (Ok(_), None) => problem(404, "not found", "no sessions are configured"),
        };
        out.push(Output::Respond { id, response });
    }

    /// Takes a session back from its record.
    pub(super) fn restore_login(&mut self, record: &Record) -> Result<(), snapshot::BadRecord> {
        let logins = self.logins.as_mut();
        logins.map_or(Ok(()), |logins| logins.restore(&record.body))
    }
}
