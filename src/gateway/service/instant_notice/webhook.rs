//! Signed requests of applications: instant messengers, micro-blogs, whatever can send one (R1.18, R1.19).
//!
//! The header `X-Sirgate-Signature: t=<seconds>,v1=<hex>` holds HMAC-SHA-256 of the seconds, a full stop and the body. A
//! request that is too old, or was here before, is refused.

use std::collections::BTreeSet;

use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;

use super::asker::{Asker, Outcome};
use super::{InstantNotices, NewInfo, Source, empty, problem, read};
use crate::codec::hex;
use crate::limits;
use crate::time::Time;
use crate::world::HttpResponse;

/// Where the signature stands.
const HEADER: &str = "x-sirgate-signature";

/// Signatures that were here within their windows.
#[derive(Debug, Default)]
pub(super) struct Replays {
    by_time: BTreeSet<(Time, Vec<u8>)>,
    known: BTreeSet<Vec<u8>>,
}

impl Replays {
    /// False when it was here before; also when there is no room to remember it.
    fn is_first(&mut self, now: Time, until: Time, signature: &[u8]) -> bool {
        while self.by_time.first().is_some_and(|(until, _)| *until < now) {
            if let Some((_, old)) = self.by_time.pop_first() {
                self.known.remove(&old);
            }
        }
        if self.known.len() >= limits::NOTICE_REPLAYS {
            return false;
        }
        self.by_time.insert((until, signature.to_owned()));
        self.known.insert(signature.to_owned())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signalled {
    account: String,
    id: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    snippet: String,
    text: Option<String>,
    kind: Option<String>,
}

impl InstantNotices {
    /// An application reports something new.
    pub(super) fn signalled(
        &mut self,
        now: Time,
        app: &str,
        asker: &mut Asker<'_>,
    ) -> Result<Outcome, HttpResponse> {
        let request = asker.request;
        let watched = self.watched.get(app).map(|watched| &watched.source);
        let Some(Source::Webhook { secret, window }) = watched else {
            return Err(problem(404, "not found", "no such hook"));
        };
        let wrong = |detail: &str| problem(401, "not signed", detail);
        let signature = request.header(HEADER).and_then(signature);
        let (seconds, signature) = signature.ok_or_else(|| wrong("t=…,v1=… is wanted"))?;
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
            .map_err(|_| wrong("the key is none"))?;
        mac.update(seconds.to_string().as_bytes());
        mac.update(b".");
        mac.update(&request.body);
        mac.verify_slice(&signature)
            .map_err(|_| wrong("the signature is not that of the body"))?;
        let at = Time::from_secs(seconds);
        if now > at + *window || at > now + *window {
            return Err(wrong("the request is too old, or ahead of its time"));
        }
        let until = at + *window;
        let told: Signalled = read(request, "not a message")?;
        if told.id.is_empty() {
            return Err(problem(400, "not a message", "`id` is wanted"));
        }
        if !self.replays.is_first(now, until, &signature) {
            return Err(problem(409, "replayed", "the request was here before"));
        }
        let account = (asker.resolve)(&told.account);
        let account = account.filter(|account| self.is_awaited(account, app));
        let Some(account) = account else {
            return Ok(Outcome::Answer(empty(204)));
        };
        let info = NewInfo {
            account,
            source: app.to_owned(),
            id: format!("hook:{}", told.id),
            from: told.from,
            subject: told.subject,
            snippet: told.snippet,
            text: told.text,
            kind: told.kind,
            cursor: None,
        };
        Ok(Outcome::News(Box::new(info.bounded()), empty(202)))
    }
}

/// The seconds and the octets of a signature.
fn signature(value: &str) -> Option<(u64, Vec<u8>)> {
    let mut parts = value.split(',').map(str::trim);
    let seconds = parts.next()?.strip_prefix("t=")?.parse().ok()?;
    let digits = parts.next()?.strip_prefix("v1=")?;
    Some((seconds, hex::octets(digits)?))
}
