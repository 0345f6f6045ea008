//! The side that says who it is.
//!
//! **Source:** RFC 3261 sections 22.2 and 22.3, RFC 7616 section 3.4, RFC 8760 section 2.4 (the topmost algorithm that is known).

use crate::codec::sip::digest::{
    Algorithm, Challenge, Credentials, Qop, Question, response, secret,
};
use crate::codec::sip::{Message, Method};
use crate::random::{Random, Token};

use super::Role;

/// A user with a password, and where its talks with servers stand.
#[derive(Clone)]
pub struct Client {
    user: String,
    password: String,
    server: Option<Talk>,
    proxy: Option<Talk>,
    /// Refusals in a row.
    failures: u32,
    /// Renewed nonces in a row.
    renewals: u32,
}

/// A nonce in use.
#[derive(Clone, Debug)]
struct Talk {
    challenge: Challenge,
    algorithm: Algorithm,
    cnonce: Token<16>,
    nc: u32,
}

/// What to do after a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Send the request again, CSeq one higher, with [`Client::authorize`].
    Retry,
    /// The password is wrong, or nothing the server asks for is known here.
    GiveUp,
}

impl Client {
    /// A user that no server has asked yet.
    #[must_use]
    pub fn new(user: &str, password: &str) -> Self {
        Self {
            user: user.to_owned(),
            password: password.to_owned(),
            server: None,
            proxy: None,
            failures: 0,
            renewals: 0,
        }
    }

    /// Takes a 401 or 407.
    pub fn challenged(&mut self, response: &Message, random: &mut Random) -> Next {
        let Some((role, challenge, algorithm)) = topmost(response) else {
            return Next::GiveUp;
        };
        let talk = self.talk(role);
        let is_answered = talk.is_some();
        let is_renewed = is_answered && challenge.stale;
        *talk = Some(Talk {
            challenge,
            algorithm,
            cnonce: random.token(),
            nc: 0,
        });
        if is_renewed {
            self.renewals = self.renewals.saturating_add(1);
        } else if is_answered {
            self.failures = self.failures.saturating_add(1);
        }
        if self.failures >= FAILURES_MAX || self.renewals > RENEWALS_MAX {
            // What was learnt leads nowhere; a later attempt begins anew.
            *self = Self::new(&self.user, &self.password);
            Next::GiveUp
        } else {
            Next::Retry
        }
    }

    /// Takes note that a request was accepted.
    pub const fn accepted(&mut self) {
        self.failures = 0;
        self.renewals = 0;
    }

    /// The rows for the next request, name and value; empty while nobody has asked.
    pub fn authorize(
        &mut self,
        method: Method,
        uri: &str,
        body: &[u8],
    ) -> Vec<(&'static str, String)> {
        let (user, password) = (&self.user, &self.password);
        let talks = [
            (Role::Server, &mut self.server),
            (Role::Proxy, &mut self.proxy),
        ];
        let rows = talks.into_iter().filter_map(|(role, talk)| {
            let talk = talk.as_mut()?;
            talk.nc = talk.nc.saturating_add(1);
            let use_ = Use {
                method,
                uri,
                body,
                nc: talk.nc,
                cnonce: talk.cnonce.as_str(),
            };
            let value = credentials(&talk.challenge, talk.algorithm, (user, password), &use_);
            Some((role.answer(), value))
        });
        rows.collect()
    }

    const fn talk(&mut self, role: Role) -> &mut Option<Talk> {
        match role {
            Role::Server => &mut self.server,
            Role::Proxy => &mut self.proxy,
        }
    }
}

impl core::fmt::Debug for Client {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Client")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// The row that answers a 401 or 407 to a request without body, name and value; `None` when nothing it asks for is known.
#[must_use]
pub fn answer(
    response: &Message,
    (user, password): (&str, &str),
    method: Method,
    uri: &str,
    nc: u32,
    cnonce: &str,
) -> Option<(&'static str, String)> {
    let (role, challenge, algorithm) = topmost(response)?;
    let use_ = Use {
        method,
        uri,
        body: &[],
        nc,
        cnonce,
    };
    let value = credentials(&challenge, algorithm, (user, password), &use_);
    Some((role.answer(), value))
}

/// One use of a nonce.
struct Use<'a> {
    method: Method,
    uri: &'a str,
    body: &'a [u8],
    nc: u32,
    cnonce: &'a str,
}

/// The first challenge with an algorithm that is known.
fn topmost(response: &Message) -> Option<(Role, Challenge, Algorithm)> {
    let role = match response.status()? {
        401 => Role::Server,
        407 => Role::Proxy,
        _ => return None,
    };
    response
        .rows(role.challenge_name())
        .filter_map(|row| Challenge::decode(row).ok())
        .find_map(|challenge| {
            let algorithm = challenge.algorithm?;
            Some((role, challenge, algorithm))
        })
}

/// The value of the answering row.
fn credentials(
    challenge: &Challenge,
    algorithm: Algorithm,
    (user, password): (&str, &str),
    use_: &Use<'_>,
) -> String {
    let qop = [Qop::Auth, Qop::AuthInt]
        .into_iter()
        .find(|qop| challenge.qop.contains(qop));
    let needs_cnonce = qop.is_some() || algorithm.is_session();
    let cnonce = needs_cnonce.then_some(use_.cnonce);
    let value = response(
        algorithm,
        &secret(algorithm, user, &challenge.realm, password),
        &Question {
            nonce: &challenge.nonce,
            method: use_.method.name(),
            uri: use_.uri,
            body: use_.body,
            count: qop.map(|qop| (qop, use_.nc)),
            cnonce,
        },
    );
    Credentials {
        username: user.to_owned(),
        realm: challenge.realm.clone(),
        nonce: challenge.nonce.clone(),
        uri: use_.uri.to_owned(),
        response: value,
        algorithm: Some(algorithm),
        cnonce: cnonce.map(str::to_owned),
        opaque: challenge.opaque.clone(),
        qop,
        nc: qop.map(|_| use_.nc),
    }
    .to_string()
}

/// Refusals in a row after which the password counts as wrong.
const FAILURES_MAX: u32 = 2;
/// Nonces in a row that a server may call too old.
const RENEWALS_MAX: u32 = 3;
