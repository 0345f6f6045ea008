//! The mail server's own word: an HTTP request with each delivery.
//!
//! **Source:** Dovecot push notification, OX driver: JSON with `event`, `user`, `folder`, `imap-uidvalidity`, `imap-uid`,
//! `from`, `subject`, `snippet`, `unseen`. Needs no connection to the mailbox.

use serde::Deserialize;

use super::asker::{Asker, Outcome};
use super::registrations::digest;
use super::{Cursor, InstantNotices, NewInfo, Source, empty, problem, read};
use crate::world::HttpResponse;

/// What the server sends; it adds members as it likes.
#[derive(Deserialize)]
struct Delivered {
    user: String,
    #[serde(default)]
    event: String,
    #[serde(default)]
    folder: String,
    #[serde(rename = "imap-uidvalidity", default)]
    validity: u32,
    #[serde(rename = "imap-uid", default)]
    uid: u32,
    #[serde(default)]
    from: String,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    snippet: String,
}

impl InstantNotices {
    /// A mail server reports a delivery.
    pub(super) fn hooked(
        &self,
        (app, secret): (&str, &str),
        asker: &mut Asker<'_>,
    ) -> Result<Outcome, HttpResponse> {
        let watched = self.watched.get(app).map(|watched| &watched.source);
        let own = match watched {
            Some(Source::Hook { secret }) => Some(secret),
            _ => None,
        };
        if own.is_none_or(|own| digest(own) != digest(secret)) {
            return Err(problem(404, "not found", "no such hook"));
        }
        let told: Delivered = read(asker.request, "not a delivery")?;
        if !told.event.is_empty() && told.event != "messageNew" {
            return Ok(Outcome::Answer(empty(204)));
        }
        let account = (asker.resolve)(&told.user);
        let account = account.filter(|account| self.is_awaited(account, app));
        let is_inbox = told.folder.is_empty() || told.folder.eq_ignore_ascii_case("INBOX");
        // Whose user is not logged in is not watched, and the server need not know of that.
        let Some(account) = account.filter(|_| is_inbox) else {
            return Ok(Outcome::Answer(empty(204)));
        };
        if told.uid == 0 {
            return Err(problem(400, "not a delivery", "`imap-uid` is wanted"));
        }
        let info = NewInfo {
            account,
            source: app.to_owned(),
            id: Cursor::id(told.validity, told.uid),
            from: told.from,
            subject: told.subject,
            snippet: told.snippet,
            ..NewInfo::default()
        };
        Ok(Outcome::News(Box::new(info.bounded()), empty(204)))
    }
}
