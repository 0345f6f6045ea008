//! Pushes that are kept here and handed on: another gateway queries, adds and sends, this one answers for the push.
//!
//! **Source:** requirement R2.17; WAP-247 sections 7 (HTTP binding), 8.1, 8.5. The push is saved and answered first, tried
//! until the other gateway has it, and its result comes back here. The URL at which the other gateway tells it ends with
//! the push's correlator: who knows it was handed it.
//!
//! ```text
//!             deliver-after             1001, or 2007 for one that may be there             every result told
//! accepted ──▶ waiting ──▶ handing on ─────────────────────────────────────────▶ taken ───────────────────────▶ ended
//!                 └────────────┴── refused, cancelled, deliver-before ───────────────── no result in time ────────┘
//! ```

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::config::{Relay, back_off};
use super::on_pap::in_pap;
use super::push::asked::{Asked, Refused};
use super::push::plan::Devices;
use super::push::submission::{Address, AddressEnd, Push, PushNo};
use super::{Gateway, Timer, snapshot};
use crate::codec::pap::{
    self, BadMessage, ClientAddress, Document, MessageState, Operation, PushMessage,
    ResultNotification, ResultNotificationResponse, Status, Version,
};
use crate::event::Fact;
use crate::time::Time;
use crate::world::{Errand, FetchError, FetchId, HttpRequest, HttpResponse, Output, RequestId};

/// The parameter of our URL that names the push a result is of.
const OF: &str = "result-of";
/// How long after the end of a push's time its result may still be on the way.
const GRACE: Duration = Duration::from_secs(120);

/// A submission as it came, to be handed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Onward {
    /// The control entity.
    pub control: PushMessage,
    /// The headers of the content entity.
    pub headers: Vec<(String, String)>,
    /// The other gateway said that it has it.
    pub is_taken: bool,
    /// The other gateway may have it. Tries are not recorded, so this is so after every restart.
    #[serde(skip, default = "yes")]
    pub may_be_there: bool,
    /// Tries since the start, for the pauses between them.
    #[serde(skip)]
    pub attempt: u32,
}

const fn yes() -> bool {
    true
}

/// Tries that are under way.
#[derive(Debug, Default)]
pub(super) struct Forwards {
    /// Each with its push, and whether an earlier try may have arrived.
    open: BTreeMap<FetchId, (PushNo, bool)>,
    /// Due now, but too many are under way.
    queue: BTreeSet<PushNo>,
}

/// What came of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    /// The other gateway has the push.
    Taken,
    /// It does not want it.
    Refused(u16, String),
    /// It did not get it.
    Unreached(String),
    /// It may have got it.
    Unclear(String),
}

impl Onward {
    /// The submission with that control and content entity.
    #[must_use]
    pub fn new(control: PushMessage, entity: &pap::Content<'_>) -> Self {
        // Its transfer encoding is undone.
        let is_of_the_way = |name: &str| {
            let ours = ["content-transfer-encoding", "content-length"];
            ours.iter().any(|own| name.eq_ignore_ascii_case(own))
        };
        let kept = entity.headers.iter().filter(|(n, _)| !is_of_the_way(n));
        let own = kept.map(|(name, value)| ((*name).to_owned(), value.clone().into_owned()));
        Self {
            control,
            headers: own.collect(),
            is_taken: false,
            may_be_there: false,
            attempt: 0,
        }
    }
}

impl Push {
    /// True when the other gateway has the push, or may have it: then it cannot be taken back here.
    #[must_use]
    pub fn is_handed_on(&self, now: Time) -> bool {
        let has_begun = self.not_before.is_none_or(|at| at <= now);
        self.onward
            .as_ref()
            .is_some_and(|onward| onward.is_taken || (onward.may_be_there && has_begun))
    }

    /// The submission for the other gateway: as it came, but its results come to us, and its time is ours.
    fn onward_request(&self, onward: &Onward, relay: &Relay) -> HttpRequest {
        let notify = &relay.notify;
        let mut control = onward.control.clone();
        let mark = if notify.contains('?') { '&' } else { '?' };
        control.notify_to = Some(format!("{notify}{mark}{OF}={}", self.sir));
        control.deliver_before = Some(self.expires_at);
        let document = Document::new(
            self.version,
            self.version > Version::V1_0,
            Operation::PushMessage(control),
        );
        let headers: Vec<(&str, &str)> = onward
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let (content_type, body) = pap::compose(&document, &headers, Some(&self.content.body));
        HttpRequest {
            method: "POST".to_owned(),
            target: relay.url.clone(),
            headers: vec![("content-type".to_owned(), content_type)],
            body: Bytes::from(body),
        }
    }
}

/// The addresses of a submission that is handed on: well-formed, and looked up by the other gateway only.
pub(super) fn addresses(asked: &Asked) -> Result<Vec<Address>, Refused> {
    let read = |text: &String| {
        ClientAddress::decode(text)
            .map_err(|error| Refused::new(Status::AddressError, format!("{text}: {error}")))?;
        Ok(Address {
            text: text.clone(),
            group: 0,
            devices: Devices::NONE,
            end: None,
        })
    };
    asked.addresses.iter().map(read).collect()
}

/// Whom a push that is handed on names, for events.
pub(super) fn named(push: &Push) -> Vec<String> {
    let value = |address: &Address| match ClientAddress::decode(&address.text) {
        Ok(read) => read.kind.value(),
        Err(_) => address.text.clone(),
    };
    push.addresses.iter().map(value).collect()
}

impl Gateway {
    /// True when pushes are kept here and handed on.
    pub(super) const fn hands_on(&self) -> bool {
        self.config.relay.is_some()
    }

    /// Hands a push on, unless too many are under way: then it waits for one of them to end.
    pub(super) fn hand_on(&mut self, now: Time, no: PushNo, out: &mut Vec<Output>) {
        let Some(relay) = &self.config.relay else {
            return;
        };
        let Some(push) = self.ledger.get_mut(no) else {
            return;
        };
        if push.is_ended() || now >= push.expires_at {
            return;
        }
        let Some(onward) = push.onward.as_mut().filter(|onward| !onward.is_taken) else {
            return;
        };
        if self.forwards.open.len() >= self.config.notification.open_max {
            self.forwards.queue.insert(no);
            return;
        }
        let before = core::mem::replace(&mut onward.may_be_there, true);
        onward.attempt = onward.attempt.saturating_add(1);
        let Some(onward) = &push.onward else {
            return;
        };
        let request = push.onward_request(onward, relay);
        let id = self.notices.fetch_id();
        self.forwards.open.insert(id, (no, before));
        out.push(Output::Fetch {
            id,
            errand: Errand::Relay,
            request,
        });
    }

    /// What came of handing a push on; false when the answer is to something else.
    pub(super) fn handed_on(
        &mut self,
        now: Time,
        id: FetchId,
        response: &Result<HttpResponse, FetchError>,
        out: &mut Vec<Output>,
    ) -> bool {
        let Some((no, before)) = self.forwards.open.remove(&id) else {
            return false;
        };
        let push = self.ledger.get_mut(no).filter(|push| !push.is_ended());
        if let Some(push) = push
            && let Some(onward) = push.onward.as_mut()
            && !onward.is_taken
        {
            match read(response, &push.push_id, before) {
                Said::Taken => {
                    onward.is_taken = true;
                    out.push(Output::Save(snapshot::push(push, &self.registry)));
                }
                Said::Refused(code, desc) => {
                    self.end_onward(now, no, &[], MessageState::Rejected, code, &desc, now, out);
                }
                Said::Unreached(why) => {
                    onward.may_be_there = before;
                    self.hand_on_later(now, no, why, out);
                }
                Said::Unclear(why) => self.hand_on_later(now, no, why, out),
            }
        }
        while self.forwards.open.len() < self.config.notification.open_max
            && let Some(next) = self.forwards.queue.pop_first()
        {
            self.hand_on(now, next, out);
        }
        true
    }

    fn hand_on_later(&mut self, now: Time, no: PushNo, why: String, out: &mut Vec<Output>) {
        let settings = self.config.notification;
        let onward = self.ledger.get(no).and_then(|push| push.onward.as_ref());
        let attempt = onward.map_or(1, |onward| onward.attempt);
        let pause = back_off(settings.wait, attempt, settings.wait_max);
        self.timers.set(Timer::HandOn(no), now + pause);
        let from = "relay".to_owned();
        self.report(now, Fact::Refused { from, why }, out);
    }

    /// Ends the addresses at these places that are still open, or all that are.
    #[expect(
        clippy::too_many_arguments,
        reason = "an address's end has a state, a code, words and an instant"
    )]
    fn end_onward(
        &mut self,
        now: Time,
        no: PushNo,
        places: &[usize],
        state: MessageState,
        code: u16,
        desc: &str,
        at: Time,
        out: &mut Vec<Output>,
    ) {
        let Some(push) = self.ledger.get_mut(no) else {
            return;
        };
        let mut settled = Vec::new();
        for (place, address) in push.addresses.iter_mut().enumerate() {
            if address.end.is_none() && (places.is_empty() || places.contains(&place)) {
                let desc = desc.to_owned();
                address.end = Some(AddressEnd {
                    state,
                    code,
                    desc,
                    at,
                });
                settled.push(place);
            }
        }
        if settled.is_empty() {
            return;
        }
        push.settle(now);
        if push.is_ended() {
            self.forwards.queue.remove(&no);
            self.timers.cancel(Timer::HandOn(no));
        }
        self.settled(now, no, &[], &settled, out);
    }

    /// The time of a push is over; a result of the other gateway may still be on the way.
    pub(super) fn expire_onward(&mut self, now: Time, no: PushNo, out: &mut Vec<Output>) {
        let Some(push) = self.ledger.get(no) else {
            return;
        };
        let last = push.expires_at + GRACE;
        let is_handed_on = push.is_handed_on(now);
        if is_handed_on && now < last {
            self.timers.set(Timer::Expire(no), last);
            return;
        }
        let (state, desc) = if is_handed_on {
            (MessageState::Unknown, "the relay told no result")
        } else {
            (MessageState::Expired, "the relay was not reached")
        };
        let code = Status::ServiceFailure.code();
        self.end_onward(now, no, &[], state, code, desc, now, out);
    }

    /// Takes a push back for the addresses given, or for all, before it is handed on: those it is taken back for.
    pub(super) fn take_back(
        &mut self,
        now: Time,
        no: PushNo,
        addresses: &[String],
        out: &mut Vec<Output>,
    ) -> Vec<String> {
        let push = self.ledger.get_mut(no);
        let Some(push) = push.filter(|push| !push.is_handed_on(now)) else {
            return Vec::new();
        };
        let is_gone =
            |text: &String| addresses.is_empty() || addresses.iter().any(|named| named == text);
        if let Some(onward) = &mut push.onward {
            onward.control.addresses.retain(|text| !is_gone(text));
        }
        let open = push.addresses.iter().enumerate();
        let (places, texts): (Vec<usize>, Vec<String>) = open
            .filter(|(_, address)| address.end.is_none() && is_gone(&address.text))
            .map(|(place, address)| (place, address.text.clone()))
            .unzip();
        if places.is_empty() {
            return texts;
        }
        let (state, code) = (MessageState::Cancelled, Status::Ok.code());
        let desc = "cancelled by the initiator";
        self.end_onward(now, no, &places, state, code, desc, now, out);
        texts
    }

    /// Takes a document that came to the URL of a push's results; false when the request was to another URL.
    pub(super) fn on_told(
        &mut self,
        now: Time,
        id: RequestId,
        request: &HttpRequest,
        out: &mut Vec<Output>,
    ) -> bool {
        let Some(correlator) = correlator(&request.target).filter(|_| self.hands_on()) else {
            return false;
        };
        let content_type = request.header("content-type").unwrap_or_default();
        let document = match pap::submission(content_type, &request.body) {
            Ok((document, ..)) => document,
            Err(refusal) => {
                self.refuse_pap(now, id, request, &refusal, out);
                return true;
            }
        };
        let Operation::ResultNotification(told) = &document.operation else {
            let answer = document.reply(Operation::BadMessage(BadMessage {
                code: Status::BadRequest.code(),
                desc: Some("only results are told here".to_owned()),
                fragment: None,
            }));
            self.answer_http(now, id, request, in_pap(&answer), None, out);
            return true;
        };
        let status = self.told(now, correlator, told, out);
        let operation = Operation::ResultNotificationResponse(ResultNotificationResponse {
            push_id: told.push_id.clone(),
            address: told.address.clone(),
            code: status.code(),
            desc: Some(status.name().to_owned()),
        });
        let answer = in_pap(&document.reply(operation));
        self.answer_http(now, id, request, answer, Some(&told.push_id), out);
        true
    }

    /// What became of a push that was handed on, for one address. Told again, it is as it was.
    fn told(
        &mut self,
        now: Time,
        correlator: &str,
        told: &ResultNotification,
        out: &mut Vec<Output>,
    ) -> Status {
        let is_it = |push: &Push| push.onward.is_some() && push.sir == correlator;
        let same = self.ledger.all_by_id(&told.push_id).iter().copied();
        let no = same
            .rev()
            .find(|no| self.ledger.get(*no).is_some_and(is_it));
        let Some((no, push)) = no.and_then(|no| Some((no, self.ledger.get_mut(no)?))) else {
            return Status::PushIdNotFound;
        };
        let places: Vec<usize> = push
            .addresses
            .iter()
            .enumerate()
            .filter(|(_, address)| address.text == told.address)
            .map(|(place, _)| place)
            .collect();
        if places.is_empty() {
            return Status::AddressNotFound;
        }
        // Who tells a result has the push, whatever became of the answer that said so.
        if let Some(onward) = &mut push.onward {
            onward.is_taken = true;
        }
        if told.state != MessageState::Pending {
            let desc = told.desc.as_deref().unwrap_or_else(|| told.state.name());
            let at = told.event_time.unwrap_or(now);
            self.end_onward(now, no, &places, told.state, told.code, desc, at, out);
        }
        Status::Ok
    }
}

/// The correlator in the URL of a push's results.
fn correlator(target: &str) -> Option<&str> {
    let (_, query) = target.split_once('?')?;
    query
        .split('&')
        .find_map(|piece| piece.strip_prefix(OF)?.strip_prefix('='))
}

/// Reads what came of a try. A push-id that was used before is our own only when an earlier try may have arrived.
fn read(response: &Result<HttpResponse, FetchError>, push_id: &str, before: bool) -> Said {
    let response = match response {
        Ok(response) => response,
        Err(error @ (FetchError::Unreachable | FetchError::BadUrl)) => {
            return Said::Unreached(format!("{error:?}"));
        }
        Err(error) => return Said::Unclear(format!("{error:?}")),
    };
    let status = response.status;
    // Whoever fails, 503 included, may have the push and take it up later: only a document says that it has not.
    if status >= 500 {
        return Said::Unclear(format!("HTTP {status}"));
    }
    match pap::decode(&response.body).map(|document| document.operation) {
        Ok(Operation::PushResponse(answer)) if answer.push_id == push_id => {
            let is_ours = before && answer.code == Status::DuplicatePushId.code();
            if is_ours || Status::is_success(answer.code) {
                return Said::Taken;
            }
            Said::Refused(answer.code, answer.desc.unwrap_or_default())
        }
        Ok(Operation::BadMessage(answer)) => {
            Said::Refused(answer.code, answer.desc.unwrap_or_default())
        }
        Ok(_) => Said::Unclear(format!("HTTP {status}, another PAP document")),
        Err(error) => Said::Unclear(format!("HTTP {status}, {error}")),
    }
}
