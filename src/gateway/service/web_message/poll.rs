//! Questions of clients: answered at once, or when something comes (R0.15, R0.16, R0.21).
//!
//! Nothing is marked by an answer, which may be lost on its way: a client has what it says it has, by `ack` or by asking
//! from further on. Streams ask like everybody else; the driver does it for them, and there asking from further on says
//! nothing, since what was written may not have arrived.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::quality::FixedState;
use serde::Deserialize;

use super::super::super::message::Cleared;
use super::clients::{Answer, full, stranger};
use super::question::Question;
use super::{Client, Desk, ReadScope, WebMessages, empty, packet, problem, read};
use crate::event::Fact;
use crate::limits;
use crate::time::Time;
use crate::world::{HttpRequest, HttpResponse, Output, RequestId};

/// A question without an answer yet.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    request: RequestId,
    after: u64,
    until: Time,
    /// What says that there is nothing: 204, or 304 to who asked with an ETag.
    nothing: u16,
}

/// Questions without an answer, at most one of each client.
#[derive(Debug, Default)]
pub(super) struct Waits {
    by_client: HashMap<Arc<str>, Waiting, FixedState>,
    by_time: BTreeSet<(Time, Arc<str>)>,
    /// Nobody is let wait any more.
    is_over: bool,
}

impl Waits {
    fn insert(&mut self, client: &str, waiting: Waiting) {
        let client: Arc<str> = Arc::from(client);
        self.by_time.insert((waiting.until, Arc::clone(&client)));
        self.by_client.insert(client, waiting);
    }

    fn remove(&mut self, client: &str) -> Option<Waiting> {
        let (client, waiting) = self.by_client.remove_entry(client)?;
        self.by_time.remove(&(waiting.until, client));
        Some(waiting)
    }

    /// From where a client that waits asked.
    pub(super) fn asked_from(&self, client: &str) -> Option<u64> {
        self.by_client.get(client).map(|waiting| waiting.after)
    }

    fn take_due(&mut self, now: Time) -> Option<(Arc<str>, Waiting)> {
        let (until, client) = self.by_time.first().cloned()?;
        if until > now {
            return None;
        }
        self.by_time.pop_first();
        let waiting = self.by_client.remove(&client)?;
        Some((client, waiting))
    }
}

/// A client has everything it was given up to a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acked {
    /// The account its messages are kept under.
    pub account: String,
    /// The client.
    pub client: String,
    /// The number.
    pub upto: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Upto {
    upto: u64,
}

impl WebMessages {
    /// A client asks what is new after a number. `None` when it waits for the answer.
    ///
    /// # Errors
    /// With the answer that refuses.
    pub(super) fn poll(
        &mut self,
        desk: &mut Desk<'_>,
        id: RequestId,
        request: &HttpRequest,
        client: &str,
    ) -> Result<Option<HttpResponse>, HttpResponse> {
        self.own(desk.now, request, client)?;
        let question = Question::of(request)?;
        let own = self.clients.get_mut(client).ok_or_else(stranger)?;
        let last = desk.messages.last(&own.mailbox());
        // A number that was never given comes from another account or another time.
        let after = question.after(own, last).unwrap_or(own.acked);
        let asks_on = own.asks(after);
        if after > own.acked && request.header(HttpRequest::STREAM).is_none() {
            self.has_stored(desk, client, after);
        } else if asks_on {
            self.keep(desk, client);
        }
        let (wait, nothing) = (question.wait, question.nothing());
        desk.report(Fact::PollReq {
            client: client.to_owned(),
            since: after,
        });
        // Who asks again has given up on its earlier question.
        self.end_wait(desk, client);
        if let Some(response) = self.packet(desk, client, after) {
            return Ok(Some(response));
        }
        if wait.is_zero() {
            self.tell_poll(desk, client, 0);
            return Ok(Some(packet::bare(nothing, &self.settings)));
        }
        if self.waits.is_over {
            return Err(full(STOPS));
        }
        if self.waits.by_client.len() >= limits::WEB_WAITS {
            return Err(full("too many clients wait for an answer"));
        }
        let waiting = Waiting {
            request: id,
            after,
            until: desk.now + wait,
            nothing,
        };
        self.waits.insert(client, waiting);
        Ok(None)
    }

    /// A client has stored what it got (device state `acked`).
    ///
    /// # Errors
    /// With the answer that refuses.
    pub(super) fn ack(
        &mut self,
        desk: &mut Desk<'_>,
        request: &HttpRequest,
        client: &str,
    ) -> Answer {
        self.own(desk.now, request, client)?;
        let Upto { upto } = read(request, "not an acknowledgement")?;
        let own = self.clients.get_mut(client).ok_or_else(stranger)?;
        let last = desk.messages.last(&own.mailbox());
        let meant = own.meant(upto).filter(|upto| *upto <= last);
        let upto = meant.ok_or_else(|| problem(409, "nothing to acknowledge", NEVER))?;
        if upto > own.acked {
            self.has_stored(desk, client, upto);
        }
        Ok(empty(204))
    }

    fn has_stored(&mut self, desk: &mut Desk<'_>, client: &str, upto: u64) {
        if let Some(own) = self.clients.get_mut(client) {
            own.acked = upto;
            self.acked.push(Acked {
                account: own.mailbox(),
                client: client.to_owned(),
                upto,
            });
        }
        self.keep(desk, client);
    }

    /// What clients acknowledged since it was last asked.
    pub fn take_acked(&mut self) -> Vec<Acked> {
        core::mem::take(&mut self.acked)
    }

    /// How far the clients of an account are.
    #[must_use]
    pub fn acked_of(&self, account: &str) -> Vec<Acked> {
        let clients = self.clients.of_mailbox(account);
        let acked = clients.map(|client| Acked {
            account: account.to_owned(),
            client: client.id.clone(),
            upto: client.acked,
        });
        acked.collect()
    }

    /// The user of a client opened an application: its messages up to a number are cleared (R0.34, R0.42).
    ///
    /// # Errors
    /// With the answer that refuses.
    pub(super) fn clear(
        &mut self,
        desk: &mut Desk<'_>,
        request: &HttpRequest,
        (client, app): (&str, &str),
    ) -> Answer {
        self.own(desk.now, request, client)?;
        let Upto { upto } = read(request, "not a clearing")?;
        let own = self.clients.get_mut(client).ok_or_else(stranger)?;
        let mailbox = own.mailbox();
        let last = desk.messages.last(&mailbox);
        let meant = own.meant(upto).filter(|upto| *upto <= last);
        let upto = meant.ok_or_else(|| problem(409, "nothing to clear", NEVER))?;
        let is_alone = own.account.is_none();
        let known = own.apps.get_mut(app);
        let known = known.ok_or_else(|| problem(404, "not found", "no such application"))?;
        if upto > known.cleared {
            known.cleared = upto;
            self.keep(desk, client);
            self.tell_app(desk, client, app, "cleared");
        }
        let is_shared = self.settings.read_scope == ReadScope::Account && !is_alone;
        let opened = match (is_shared, is_alone) {
            (true, _) => desk.messages.clear(&mailbox, app, upto, client),
            // Nobody else could still want them.
            (false, true) => desk.messages.open(&mailbox, app, upto, client),
            (false, false) => 0,
        };
        if opened > 0 {
            desk.report(Fact::MsgState {
                account: mailbox.clone(),
                message: upto,
                state: "read".to_owned(),
            });
        }
        desk.save();
        if is_shared {
            self.wake(desk, &mailbox);
        }
        Ok(empty(204))
    }

    /// True while a client waits for an answer, as one with a stream does all the time.
    #[must_use]
    pub fn is_waiting(&self, client: &str) -> bool {
        self.waits.by_client.contains_key(client)
    }

    /// Something came for an account: who waits for it is answered. Records have been saved before.
    pub fn wake(&mut self, desk: &mut Desk<'_>, account: &str) {
        let mut waiting: Vec<String> = Vec::new();
        for client in self.clients.of_mailbox(account) {
            match self.waits.asked_from(&client.id) {
                Some(_) => waiting.push(client.id.clone()),
                // Nobody listens there now.
                None if client.subscription.is_some() => self.outbox.note(&client.id),
                None => {}
            }
        }
        for client in waiting {
            self.wake_one(desk, &client);
        }
    }

    /// The same for one client that may wait.
    pub(super) fn wake_one(&mut self, desk: &mut Desk<'_>, client: &str) {
        let Some(after) = self.waits.asked_from(client) else {
            return;
        };
        if let Some(response) = self.packet(desk, client, after)
            && let Some(waiting) = self.waits.remove(client)
        {
            let id = waiting.request;
            desk.out.push(Output::Respond { id, response });
        }
    }

    /// Who waited long enough is told that there is nothing.
    pub fn expire(&mut self, desk: &mut Desk<'_>) {
        self.outbox.expire(desk.now);
        while let Some((client, waiting)) = self.waits.take_due(desk.now) {
            self.tell_poll(desk, &client, 0);
            let response = packet::bare(waiting.nothing, &self.settings);
            let id = waiting.request;
            desk.out.push(Output::Respond { id, response });
        }
    }

    /// The gateway stops: who waits is answered, and nobody waits from now on.
    pub fn stop(&mut self, desk: &mut Desk<'_>) {
        self.waits.is_over = true;
        self.waits.by_time.clear();
        for (_, waiting) in self.waits.by_client.drain() {
            let id = waiting.request;
            let response = full(STOPS);
            desk.out.push(Output::Respond { id, response });
        }
    }

    /// When somebody has waited long enough, or a push is tried again.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let wait = self.waits.by_time.first().map(|(until, _)| *until);
        wait.into_iter().chain(self.outbox.deadline()).min()
    }

    /// Answers a client that waits: it asked again, or is another's now. A stream ends by that.
    pub(super) fn end_wait(&mut self, desk: &mut Desk<'_>, client: &str) {
        if let Some(waiting) = self.waits.remove(client) {
            let response = problem(409, "asked again", "a later request took the place of this");
            let id = waiting.request;
            desk.out.push(Output::Respond { id, response });
        }
    }

    /// The packet after a number, when there is something for the client.
    fn packet(&self, desk: &mut Desk<'_>, client: &str, after: u64) -> Option<HttpResponse> {
        let own = self.clients.get(client)?;
        let page = desk.messages.after(
            desk.now,
            &own.mailbox(),
            after,
            |message| Client::wants(own, message),
            |cleared| own.hears_of(cleared),
        );
        if page.is_empty() {
            return None;
        }
        let n = page.messages.len();
        // A client clears up to a number, so a clearing in another one ends before what is for this one alone.
        let upto = |cleared: &Cleared| {
            let mailbox = own.mailbox();
            let alone = desk.messages.first_alone(&mailbox, &cleared.app, client);
            let before = alone.map_or(u64::MAX, |seq| seq.saturating_sub(1));
            cleared.upto.min(before)
        };
        let response = packet::of(&page, own, &self.settings, upto);
        self.tell_poll(desk, client, n);
        Some(response)
    }

    fn tell_poll(&self, desk: &mut Desk<'_>, client: &str, n: usize) {
        desk.report(Fact::PollRsp {
            client: client.to_owned(),
            n,
        });
    }
}

const STOPS: &str = "it stops; ask again when it is back";
const NEVER: &str = "no message of that number was ever given";
