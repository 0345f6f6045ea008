//! Who the user of a request is: found out from what it shows, and never from what it merely says.
//!
//! **Source:** requirement R4.4, services design section 9.2 rule 8. Four sources, each of its own setting: the cookie of
//! a session, a JWT, the name in a client's certificate, and a header that a proxy sets which is known by its address.
//! What was verified goes to the node in [`HttpRequest::ACCOUNT`](crate::world::HttpRequest::ACCOUNT), a name that no
//! client can send. Not here: who has which password, and which sessions there are (the node knows), and what an account
//! may do.

use std::future::Future;
use std::net::IpAddr;

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, COOKIE};

use crate::time::Time;

pub mod cookie;
pub mod csrf;
pub mod network;
mod token;

pub use network::{BadNetwork, Network};
pub use token::{Algorithm, BadKey, BadToken, Key, Tokens};

/// How users prove who they are; the default knows nobody.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// By the cookie of a session that a password began.
    pub sessions: bool,
    /// By a JWT.
    pub tokens: Option<Tokens>,
    /// By the common name in the certificate of their connection.
    pub certificates: bool,
    /// By a header that proxies set.
    pub proxies: Option<Proxies>,
}

/// Proxies that say who their users are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxies {
    /// The header, in lower case.
    pub header: String,
    /// Where these proxies are.
    pub networks: Vec<Network>,
}

/// What a request shows.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// When.
    pub now: Time,
    /// From where it came.
    pub peer: IpAddr,
    /// Its connection is in TLS.
    pub is_tls: bool,
    /// The common name in the verified certificate of its connection, empty when there is none in it.
    pub certified: Option<&'a str>,
    /// Its headers.
    pub headers: &'a HeaderMap,
}

/// A user who was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The account, by one of its names.
    pub account: String,
    /// By what.
    pub by: By,
}

/// By what a user was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// A session; this is the token of its cookie.
    Session(String),
    /// A JWT.
    Token,
    /// A certificate.
    Certificate,
    /// A proxy.
    Proxy,
}

/// Why a request is refused for what it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A JWT that proves nothing.
    #[error("the token proves nobody: {0}")]
    Token(#[from] BadToken),
    /// Two sessions at once.
    #[error("there are two cookies of sessions, and one user sends one")]
    Cookies,
    /// A trusted proxy names several users.
    #[error("the proxy names more than one user")]
    Proxy,
    /// One proof is of one user, another of another.
    #[error("what the request shows is of different users")]
    Contradiction,
}

/// Who knows sessions.
pub trait Logins: Sync {
    /// The account of the session whose cookie bears this token; `None` for one that is over, or never was.
    fn account(&self, token: &str) -> impl Future<Output = Option<String>> + Send;
}

/// There are no sessions.
impl Logins for () {
    async fn account(&self, _token: &str) -> Option<String> {
        None
    }
}

impl Identity {
    /// True when there is a way to prove who one is.
    #[must_use]
    pub const fn is_some(&self) -> bool {
        self.sessions || self.tokens.is_some() || self.certificates || self.proxies.is_some()
    }

    /// The user of a request; `None` for one that shows nothing, or a session that is over.
    ///
    /// # Errors
    /// When what it shows is forged, or is not of one user.
    pub async fn verify(
        &self,
        shown: Shown<'_>,
        logins: &impl Logins,
    ) -> Result<Option<Verified>, Refused> {
        let proofs = [
            self.by_token(shown)?,
            self.by_certificate(shown),
            self.by_proxy(shown)?,
            self.by_session(shown, logins).await?,
        ];
        let mut proofs = proofs.into_iter().flatten();
        let Some(first) = proofs.next() else {
            return Ok(None);
        };
        // The least ambient proof is named: what a browser sends by itself needs more care than what a page adds.
        match proofs.all(|other| other.account == first.account) {
            true => Ok(Some(first)),
            false => Err(Refused::Contradiction),
        }
    }

    /// Takes out what is believed from proxies alone, once it was read: nobody behind us is to believe it of others.
    pub fn strip(&self, headers: &mut HeaderMap) {
        if let Some(proxies) = &self.proxies {
            while headers.remove(proxies.header.as_str()).is_some() {}
        }
    }

    fn by_token(&self, shown: Shown<'_>) -> Result<Option<Verified>, Refused> {
        let Some(tokens) = &self.tokens else {
            return Ok(None);
        };
        let rows = shown.headers.get_all(AUTHORIZATION);
        let rows = rows.iter().filter_map(|row| row.to_str().ok());
        // Tokens of initiators and of browser clients come in the same header, and are no JWTs.
        let mut found = rows
            .filter_map(bearer)
            .filter(|token| token::is_token(token));
        let Some(own) = found.next() else {
            return Ok(None);
        };
        if found.next().is_some() {
            return Err(Refused::Token(BadToken::Form));
        }
        let account = tokens.verify(shown.now, own)?;
        Ok(Some(Verified {
            account,
            by: By::Token,
        }))
    }

    fn by_certificate(&self, shown: Shown<'_>) -> Option<Verified> {
        let name = shown.certified.filter(|name| !name.is_empty())?;
        self.certificates.then(|| Verified {
            account: name.to_owned(),
            by: By::Certificate,
        })
    }

    fn by_proxy(&self, shown: Shown<'_>) -> Result<Option<Verified>, Refused> {
        let Some(proxies) = &self.proxies else {
            return Ok(None);
        };
        // From anywhere else it is as if it were not there.
        if !proxies.networks.iter().any(|it| it.contains(shown.peer)) {
            return Ok(None);
        }
        let mut rows = shown.headers.get_all(proxies.header.as_str()).iter();
        let (Some(named), other) = (rows.next(), rows.next()) else {
            return Ok(None);
        };
        let named = named.to_str().unwrap_or_default().trim();
        if named.is_empty() || named.contains(',') || other.is_some() {
            return Err(Refused::Proxy);
        }
        Ok(Some(Verified {
            account: named.to_owned(),
            by: By::Proxy,
        }))
    }

    async fn by_session(
        &self,
        shown: Shown<'_>,
        logins: &impl Logins,
    ) -> Result<Option<Verified>, Refused> {
        if !self.sessions {
            return Ok(None);
        }
        let rows = shown.headers.get_all(COOKIE).iter();
        let name = cookie::name(shown.is_tls);
        let mut tokens = cookie::values(rows.filter_map(|row| row.to_str().ok()), name);
        let Some(token) = tokens.next() else {
            return Ok(None);
        };
        if tokens.next().is_some() {
            return Err(Refused::Cookies);
        }
        let account = logins.account(token).await;
        Ok(account.map(|account| Verified {
            account,
            by: By::Session(token.to_owned()),
        }))
    }
}

fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests;
