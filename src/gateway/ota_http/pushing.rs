//! Contents on the connection of a terminal: one POST at a time, and what its status means.
//!
//! **Source:** WAP-235 sections 7.4 and 7.5; WAP-249 section 5.1 (states); WAP-247 section 9.14 (codes).

use bytes::Bytes;

use super::{Gateway, UnderWay};
use crate::codec::pap::{MessageState, Status};
use crate::event::{Fact, Via};
use crate::gateway::Timer;
use crate::gateway::bearer::http::{self, Unfit};
use crate::gateway::bearer::sip::Reading;
use crate::gateway::bearer::terminal::{Trial, status_of};
use crate::gateway::posting::aborted;
use crate::gateway::push::delivery::{Ending, Stage};
use crate::gateway::push::submission::PushNo;
use crate::gateway::sessions::Item;
use crate::time::Time;
use crate::world::{HttpResponse, Output};

impl Gateway {
    /// Gives content to the connection of a terminal.
    pub(in crate::gateway) fn push_by_http(
        &mut self,
        now: Time,
        number: u32,
        item: Item,
        out: &mut Vec<Output>,
    ) {
        if let Some(connection) = self.connections.open.get_mut(&number) {
            connection.waiting.push_back(item);
            self.pump_terminal(now, number, out);
        }
    }

    /// Takes content out of a connection before it has left; the answer to one that left no longer counts.
    pub(in crate::gateway) fn recall_by_http(&mut self, now: Time, number: u32, push: PushNo) {
        let Some(connection) = self.connections.open.get_mut(&number) else {
            return;
        };
        let first = connection.waiting.front().map(|item| item.push);
        connection.waiting.retain(|item| item.push != push);
        let is_idle = matches!(connection.under_way, UnderWay::Nothing);
        if first == Some(push) && !matches!(connection.under_way, UnderWay::Content(_)) {
            connection.trial = Trial::default();
        }
        if is_idle && connection.waiting.is_empty() {
            self.rest_terminal(now, number);
        }
    }

    /// Sends what waits, when nothing is under way.
    pub(super) fn pump_terminal(&mut self, now: Time, number: u32, out: &mut Vec<Output>) {
        loop {
            let Some(connection) = self.connections.open.get_mut(&number) else {
                return;
            };
            if !matches!(connection.under_way, UnderWay::Nothing) || !connection.client.is_free() {
                return;
            }
            if !connection.terminal.is_registered() {
                let due = now + self.config.answer_timeout;
                self.timers.set(Timer::Terminal(number), due);
                return self.ask_terminal(now, number, None, out);
            }
            let Some(item) = connection.waiting.pop_front() else {
                return self.rest_terminal(now, number);
            };
            if !self.post_on(now, number, item, out)
                && let Some(connection) = self.connections.open.get_mut(&number)
            {
                // The next content has everything before it.
                connection.trial = Trial::default();
            }
        }
    }

    /// Sends one content, or ends its delivery; nothing when its push is over. False when it did not leave.
    fn post_on(&mut self, now: Time, number: u32, item: Item, out: &mut Vec<Output>) -> bool {
        let Some(push) = self.ledger.get(item.push) else {
            return false;
        };
        if push.is_ended() || now >= push.expires_at {
            return false;
        }
        let (octets, push_id) = (push.content.octets, push.push_id.clone());
        let Some(connection) = self.connections.open.get(&number) else {
            return false;
        };
        let Some(owner) = connection.owner.clone() else {
            return false;
        };
        // No SIR asked the device, so the content does.
        let asks = item.via == Via::Existing;
        let takes = connection.terminal.capabilities();
        let whole = match http::content_of(push, takes, asks) {
            Ok(whole) => whole,
            Err(unfit) => {
                let ending = unfit_for(&unfit, now);
                self.end_one(now, item.push, item.group, owner.device.at, ending, out);
                return false;
            }
        };
        let is_repeated = connection.trial.posted;
        let rows = self.terminal_rows(number, "POST");
        let request = http::post("", rows, whole);
        let Some(connection) = self.connections.open.get_mut(&number) else {
            return false;
        };
        connection.trial.posted = true;
        let link = connection.link;
        let asked = connection.client.ask(&request);
        connection.under_way = UnderWay::Content(item);
        let Some(leaves) = asked else { return true };
        let due = now + self.config.report_timeout;
        self.timers.set(Timer::Terminal(number), due);
        if !is_repeated {
            let fact = Fact::PushTx {
                push: push_id,
                dev: owner.name.clone(),
                via: Via::Http,
                octets,
            };
            self.report(now, fact, out);
        }
        let body: Bytes = request.body;
        self.wire_asked(now, &owner.name, ("POST", &body), Some(item.push), out);
        let octets = leaves;
        out.push(Output::Octets { link, octets });
        true
    }

    /// A content was answered (WAP-235 section 7.5).
    pub(super) fn posted_on(
        &mut self,
        now: Time,
        number: u32,
        item: Item,
        answer: &HttpResponse,
        out: &mut Vec<Output>,
    ) {
        if self.mend_on(now, number, item, answer, out) {
            return;
        }
        let Some(connection) = self.connections.open.get_mut(&number) else {
            return;
        };
        connection.trial = Trial::default();
        if status_of(answer) == Some(401) {
            // Taken, but what is known of the terminal is old.
            connection.terminal.retag(answer);
        }
        let Some(at) = connection.owner.as_ref().map(|owner| owner.device.at) else {
            return;
        };
        let (code, reading) = http::read(&Ok(answer.clone()));
        let end = |gateway: &mut Self, ending, out: &mut Vec<Output>| {
            gateway.end_one(now, item.push, item.group, at, ending, out);
        };
        match (reading, code) {
            (Reading::Taken { .. }, _) => end(self, Ending::delivered(now), out),
            (_, 235 | 236 | 238 | 256 | 257 | 600) => end(self, aborted(code, now), out),
            (_, 234 | 237) => self.not_yet(now, item, at, code, out),
            _ => self.lost(now, item, at, out),
        }
        self.pump_terminal(now, number, out);
    }

    /// Puts right what the terminal wants first, once each: our credentials, its tag. True when the content goes again.
    fn mend_on(
        &mut self,
        now: Time,
        number: u32,
        item: Item,
        answer: &HttpResponse,
        out: &mut Vec<Output>,
    ) -> bool {
        let Some(connection) = self.connections.open.get_mut(&number) else {
            return false;
        };
        match (status_of(answer), answer.status) {
            (Some(256), _) if !connection.trial.retagged => {
                connection.terminal.retag(answer);
                connection.trial.retagged = true;
            }
            (None, 401) => {
                if !self.may_say_who_we_are(number, None, answer) {
                    return false;
                }
            }
            _ => return false,
        }
        let Some(connection) = self.connections.open.get_mut(&number) else {
            return false;
        };
        connection.waiting.push_front(item);
        self.pump_terminal(now, number, out);
        true
    }

    /// The terminal has no room for it now; the connection stays.
    fn not_yet(&mut self, now: Time, item: Item, at: usize, code: u16, out: &mut Vec<Output>) {
        let most = self.config.retries;
        let push = self.ledger.get_mut(item.push);
        let delivery = push.and_then(|push| push.delivery_mut(item.group, at));
        let Some(delivery) = delivery else { return };
        delivery.attempt = delivery.attempt.saturating_add(1);
        if delivery.attempt > most.saturating_add(1) {
            let ending = aborted(code, now);
            return self.end_one(now, item.push, item.group, at, ending, out);
        }
        let held = Stage::Held("the device cannot take the content now");
        if self.stage(item.push, item.group, at, held) {
            self.again(now, item.push, item.group, at, None);
        }
    }
}

/// The terminal takes the content in no form.
fn unfit_for(unfit: &Unfit, now: Time) -> Ending {
    let (status, why) = match unfit {
        Unfit::Refused => (
            Status::CapabilitiesMismatch,
            "the terminal takes no content of this type, application or size".to_owned(),
        ),
        Unfit::Form(failure) => (Status::TransformationFailure, failure.to_string()),
    };
    Ending {
        reason: why,
        ..Ending::failed(MessageState::Undeliverable, status.code(), "", now)
    }
}
