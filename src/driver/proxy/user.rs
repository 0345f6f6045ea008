//! Who the user of a request to the site is: found out from what it shows, never from what it merely says.
//!
//! **Source:** requirement R4.4, services design section 9.2 rule 8; what is verified, and how, is
//! [`crate::driver::identity`]. A request that proves nothing, or something else than what is asked for here, is nobody's
//! and goes on as it is: whether the site lets it in is the site's matter.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use hyper::header::COOKIE;
use hyper::http::request::Parts;
use tokio::time::Instant;

use super::{ApiSource, Peer};
use crate::codec::site_message::Stamp;
use crate::driver::clock::Clock;
use crate::driver::identity::{Identity, Shown, cookie};
use crate::driver::piggyback::UnreadSource;

/// Begins what stands for the user of a session until the gateway says who that is; no account begins so.
const SESSION: &str = "\0session ";
/// Sessions that are remembered, and how long: so long somebody who logged out goes on being told of messages.
const SESSIONS: usize = 16_384;
const REMEMBERED: Duration = Duration::from_secs(10);

/// Finds out who users are.
#[derive(Clone, Debug)]
pub struct Users {
    identity: Arc<Identity>,
    /// The gateway knows whose sessions there are.
    has_sessions: bool,
    clock: Clock,
    everybody: Option<String>,
}

impl Users {
    /// By what that identity says.
    #[must_use]
    pub fn new(identity: Identity, clock: Clock) -> Self {
        let has_sessions = identity.sessions;
        Self {
            // Whose session it is is asked beside the site's work, not before it.
            identity: Arc::new(Identity {
                sessions: false,
                ..identity
            }),
            has_sessions,
            clock,
            everybody: None,
        }
    }

    /// The same, but who proves nothing is taken for that user: for trying things out.
    #[must_use]
    pub fn or_else(self, everybody: Option<String>) -> Self {
        Self { everybody, ..self }
    }

    /// The user of a request.
    #[must_use]
    pub fn of(&self, head: &Parts) -> Option<String> {
        self.proven(head)
            .or_else(|| self.session(head))
            .or_else(|| self.everybody.clone())
    }

    fn proven(&self, head: &Parts) -> Option<String> {
        let Peer(peer) = head.extensions.get::<Peer>()?;
        let shown = Shown {
            now: self.clock.now(),
            peer: peer.ip(),
            is_tls: false,
            certified: None,
            headers: &head.headers,
        };
        // Without sessions nothing is waited for. A token that is forged here may be good for the site.
        let verified = self.identity.verify(shown, &()).now_or_never()?;
        Some(verified.ok()??.account)
    }

    fn session(&self, head: &Parts) -> Option<String> {
        if !self.has_sessions {
            return None;
        }
        // What stands before us may have TLS, where the cookie has another name.
        [false, true].into_iter().find_map(|is_tls| {
            let rows = head.headers.get_all(COOKIE).iter();
            let rows = rows.filter_map(|row| row.to_str().ok());
            let mut tokens = cookie::values(rows, cookie::name(is_tls));
            let token = tokens.next()?;
            let is_one = tokens.next().is_none() && !token.is_empty();
            is_one.then(|| format!("{SESSION}{token}"))
        })
    }
}

/// A gateway's message store for users some of whom are known by their sessions at the gateway.
#[derive(Debug)]
pub struct Sessions {
    source: ApiSource,
    known: Mutex<HashMap<String, (Option<String>, Instant)>>,
}

impl Sessions {
    /// The store of that gateway.
    #[must_use]
    pub fn new(source: ApiSource) -> Self {
        Self {
            source,
            known: Mutex::new(HashMap::new()),
        }
    }

    /// The account of a user, who may be known by a session alone.
    async fn account(&self, user: &str) -> Option<String> {
        let Some(token) = user.strip_prefix(SESSION) else {
            return Some(user.to_owned());
        };
        if let Some(account) = self.remembered(token) {
            return account;
        }
        let account = self.source.account(token).await?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= SESSIONS {
            known.clear();
        }
        known.insert(token.to_owned(), (account.clone(), Instant::now()));
        account
    }

    fn remembered(&self, token: &str) -> Option<Option<String>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (account, since) = known.get(token)?;
        (since.elapsed() < REMEMBERED).then(|| account.clone())
    }
}

impl UnreadSource for Sessions {
    async fn peek(&self, user: &str) -> Option<Stamp> {
        self.source.peek(&self.account(user).await?).await
    }

    async fn offered(&self, user: &str, upto: u64) {
        if let Some(account) = self.account(user).await {
            self.source.offered(&account, upto).await;
        }
    }
}
