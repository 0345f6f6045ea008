//! Digest authentication, both ends: who sent a request, and how to say it.
//!
//! **Source:** RFC 3261 section 22, RFC 7616, RFC 8760 (several algorithms, best first). Not here: the hashes and the
//! rows' grammar (`codec::sip::digest`), and what an authenticated user may do.

mod client;
mod failures;
mod nonce;
#[cfg(test)]
mod tests;

use core::time::Duration;
use std::collections::BTreeMap;

use crate::codec::sip::digest::{Algorithm, Challenge, Credentials, Qop};
use crate::codec::sip::{Draft, Message, Method, Name};
use crate::codec::uri::Uri;
use crate::time::Time;

use failures::Failures;
use nonce::{Nonces, Worth};

pub use client::{Client, Next, answer};

/// The side that asks who it is.
pub struct Authenticator {
    realm: String,
    users: BTreeMap<String, Secret>,
    settings: Settings,
    role: Role,
    nonces: Nonces,
    failures: Failures,
}

/// What a user is known by.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// The password itself.
    Password(String),
    /// H(user:realm:password) in lower-case hexadecimal, by algorithm without `-sess`; the user can log in with these
    /// algorithms only.
    Hashed(BTreeMap<Algorithm, String>),
}

/// What an authenticator asks for.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Algorithms offered, best first.
    pub algorithms: Vec<Algorithm>,
    /// Protection offered; both kinds are accepted whatever is offered.
    pub qop: Vec<Qop>,
    /// How long a nonce is good.
    pub nonce_lifetime: Duration,
    /// Also takes answers without qop, each nonce once: clients of RFC 2069.
    pub without_qop: bool,
    /// Wrong answers of one user from one source until both are turned away.
    pub failures_max: u32,
    /// How long wrong answers count, and how long they are turned away.
    pub failures_window: Duration,
}

/// As what an element asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// User agent or registrar: 401, WWW-Authenticate, Authorization.
    Server,
    /// Proxy: 407, Proxy-Authenticate, Proxy-Authorization.
    Proxy,
}

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This user.
    Accepted(String),
    /// Nobody can be asked: ACK and CANCEL are never challenged.
    Exempt,
    /// Not known yet: answer with these rows, best algorithm first. True when only the nonce was too old.
    Challenge(Vec<String>, bool),
    /// Too many wrong answers: answer 403 and ask no more.
    Forbidden,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            algorithms: vec![Algorithm::Sha256, Algorithm::Sha512_256, Algorithm::Md5],
            qop: vec![Qop::Auth],
            nonce_lifetime: Duration::from_secs(300),
            without_qop: false,
            failures_max: 10,
            failures_window: Duration::from_secs(60),
        }
    }
}

impl Authenticator {
    /// An authenticator as user agent or registrar; `secret` is made new for every process.
    #[must_use]
    pub fn new(realm: &str, secret: [u8; 32], users: BTreeMap<String, Secret>) -> Self {
        Self::with(realm, secret, users, Settings::default(), Role::Server)
    }

    /// An authenticator of other settings or another role.
    #[must_use]
    pub fn with(
        realm: &str,
        secret: [u8; 32],
        users: BTreeMap<String, Secret>,
        settings: Settings,
        role: Role,
    ) -> Self {
        Self {
            nonces: Nonces::new(&secret, realm, settings.nonce_lifetime),
            failures: Failures::new(&secret, settings.failures_max, settings.failures_window),
            realm: realm.to_owned(),
            users,
            settings,
            role,
        }
    }

    /// Says who sent a request.
    pub fn check(&mut self, now: Time, request: &Message) -> Verdict {
        if matches!(request.method(), Some(Method::Ack | Method::Cancel)) {
            return Verdict::Exempt;
        }
        let Some(credentials) = self.credentials(request) else {
            return self.challenge(now, None, false);
        };
        let who = (credentials.username.as_str(), source(request));
        if self.failures.is_blocked(now, &who) {
            return Verdict::Forbidden;
        }
        if !self.is_acceptable(&credentials) {
            return self.challenge(now, Some(&credentials.username), false);
        }
        if !self.is_right(&credentials, request) {
            if self.failures.count(now, &who) {
                return Verdict::Forbidden;
            }
            return self.challenge(now, Some(&credentials.username), false);
        }
        // A count that comes twice is a replay, or a client that lost its place: a new nonce helps the second only.
        let count = credentials.nc.unwrap_or(1);
        match self.nonces.worth(now, &credentials.nonce) {
            Worth::Good(birth) if self.nonces.spend(now, birth, count) => {
                self.failures.forgive(&who);
                Verdict::Accepted(credentials.username)
            }
            Worth::Good(_) | Worth::Spent => self.challenge(now, Some(&credentials.username), true),
        }
    }

    /// The response that asks for credentials.
    #[must_use]
    pub fn response(&self, request: &Message, rows: &[String], to_tag: &str) -> Draft {
        let draft = Draft::response(request, self.role.status(), Some(to_tag));
        rows.iter()
            .fold(draft, |draft, row| draft.header(self.role.challenge(), row))
    }

    /// The users, to add and remove some.
    pub const fn users_mut(&mut self) -> &mut BTreeMap<String, Secret> {
        &mut self.users
    }

    /// The realm that users and passwords belong to.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// The first credentials for our realm.
    fn credentials(&self, request: &Message) -> Option<Credentials> {
        request
            .rows(self.role.credentials())
            .filter_map(|row| Credentials::decode(row).ok())
            .find(|credentials| credentials.realm == self.realm)
    }

    /// True for an answer in a form that was offered.
    fn is_acceptable(&self, credentials: &Credentials) -> bool {
        let offered = credentials.algorithm.is_some_and(|algorithm| {
            self.offered(Some(&credentials.username))
                .contains(&algorithm)
        });
        offered && (credentials.qop.is_some() || self.settings.without_qop)
    }

    fn is_right(&self, credentials: &Credentials, request: &Message) -> bool {
        let (method, body) = (request.method_text(), request.body());
        match (self.users.get(&credentials.username), credentials.algorithm) {
            (Some(Secret::Password(password)), _) => credentials.is_right(password, method, body),
            (Some(Secret::Hashed(hashes)), Some(algorithm)) => hashes
                .get(&without_session(algorithm))
                .is_some_and(|hash| credentials.is_right_with(hash, method, body)),
            // An unknown user costs the same time as a known one.
            _ => {
                let _ = credentials.is_right("", method, body);
                false
            }
        }
    }

    /// The algorithms a user can log in with, best first.
    fn offered(&self, user: Option<&str>) -> Vec<Algorithm> {
        let hashes = match user.and_then(|user| self.users.get(user)) {
            Some(Secret::Hashed(hashes)) => Some(hashes),
            _ => None,
        };
        let algorithms = self.settings.algorithms.iter().copied();
        algorithms
            .filter(|algorithm| {
                hashes.is_none_or(|hashes| hashes.contains_key(&without_session(*algorithm)))
            })
            .collect()
    }

    fn challenge(&mut self, now: Time, user: Option<&str>, stale: bool) -> Verdict {
        let nonce = self.nonces.mint(now);
        let rows = self.offered(user).into_iter().map(|algorithm| {
            Challenge {
                realm: self.realm.clone(),
                nonce: nonce.clone(),
                opaque: None,
                algorithm: Some(algorithm),
                qop: self.settings.qop.clone(),
                stale,
            }
            .to_string()
        });
        Verdict::Challenge(rows.collect(), stale)
    }
}

impl Role {
    /// The status of a challenge.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Server => 401,
            Self::Proxy => 407,
        }
    }

    /// The header that carries a challenge.
    #[must_use]
    pub const fn challenge(self) -> &'static str {
        match self {
            Self::Server => "WWW-Authenticate",
            Self::Proxy => "Proxy-Authenticate",
        }
    }

    const fn challenge_name(self) -> Name {
        match self {
            Self::Server => Name::WwwAuthenticate,
            Self::Proxy => Name::ProxyAuthenticate,
        }
    }

    const fn credentials(self) -> Name {
        match self {
            Self::Server => Name::Authorization,
            Self::Proxy => Name::ProxyAuthorization,
        }
    }

    const fn answer(self) -> &'static str {
        match self {
            Self::Server => "Authorization",
            Self::Proxy => "Proxy-Authorization",
        }
    }
}

impl core::fmt::Debug for Secret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// True when a user may act for an address of record: the user name is its user part, or all of it with or without
/// scheme.
#[must_use]
pub fn is_identity_of(user: &str, aor: &str) -> bool {
    let Ok(uri) = Uri::decode(aor.as_bytes()) else {
        return false;
    };
    let aor = uri.aor();
    let bare = aor.split_once(':').map_or(aor.as_str(), |(_, bare)| bare);
    let part = bare.split_once('@').map_or("", |(part, _)| part);
    !user.is_empty() && (user == part || user == bare || user == aor)
}

/// Where a request came from, as the topmost Via says: the endpoint has written there what it saw.
fn source(request: &Message) -> String {
    request.via().map_or_else(
        |_| String::new(),
        |via| via.received.unwrap_or(via.host).to_owned(),
    )
}

const fn without_session(algorithm: Algorithm) -> Algorithm {
    match algorithm {
        Algorithm::Md5 | Algorithm::Md5Sess => Algorithm::Md5,
        Algorithm::Sha256 | Algorithm::Sha256Sess => Algorithm::Sha256,
        Algorithm::Sha512_256 | Algorithm::Sha512_256Sess => Algorithm::Sha512_256,
    }
}
