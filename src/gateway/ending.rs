//! How deliveries, addresses and pushes end: outcomes, records, results to the initiator, cancelling, forgetting.
//!
//! **Source:** WAP-247 sections 8.3 to 8.8; WAP-249 section 5.1. Records come before everything that says they are
//! there.

use std::collections::BTreeMap;

use super::config::back_off;
use super::push::asked::given;
use super::push::delivery::{Ending, Stage};
use super::push::notification::{Answer, Owed, OwedNo, read};
use super::push::plan::Devices;
use super::push::submission::{Address, PushNo};
use super::registry::DeviceKey;
use super::sessions::SessionNo;
use super::{Gateway, Timer, snapshot};
use crate::codec::pap::MessageState;
use crate::event::Fact;
use crate::protocol::msrp;
use crate::time::Time;
use crate::world::{Errand, FetchError, FetchId, HttpResponse, Output};

impl Gateway {
    /// Ends a delivery; false when it was over before. Nothing is saved or told: [`Gateway::conclude`] does that.
    pub(super) fn end(&mut self, no: PushNo, group: usize, at: usize, ending: Ending) -> bool {
        let delivery = self
            .ledger
            .get(no)
            .and_then(|push| push.delivery(group, at));
        let ending = match delivery {
            Some(delivery) => ending.with_record_of(delivery),
            None => ending,
        };
        self.unsure.remove(&(no, group, at));
        if !self.stage(no, group, at, Stage::Ended(ending)) {
            return false;
        }
        if let Some(of) = self.ledger.get(no).and_then(|push| push.groups.get(group)) {
            let key = DeviceKey {
                identity: of.identity,
                at,
            };
            self.ledger.done_with(key, no, group);
        }
        self.timers.cancel(Timer::Retry(no, group, at));
        self.timers.cancel(Timer::Silent(no, group, at));
        true
    }

    /// Saves and tells what ended, and what ended with it: devices that stayed away, addresses, the push.
    pub(super) fn conclude(
        &mut self,
        now: Time,
        no: PushNo,
        mut ended: Vec<(usize, usize)>,
        out: &mut Vec<Output>,
    ) {
        self.end_bystanders(now, no, &mut ended);
        let Some(push) = self.ledger.get_mut(no) else {
            return;
        };
        if ended.is_empty() {
            return;
        }
        let settled = push.settle(now);
        self.settled(now, no, &ended, &settled, out);
    }

    /// Saves and tells what ended: these deliveries, the addresses at these places, the push with its last address.
    pub(super) fn settled(
        &mut self,
        now: Time,
        no: PushNo,
        ended: &[(usize, usize)],
        settled: &[usize],
        out: &mut Vec<Output>,
    ) {
        let Some(push) = self.ledger.get(no) else {
            return;
        };
        let is_over = push.is_ended();
        // What is owed comes first: a push whose end is on record must not be without its results. Results whose push
        // is not on record as ended are passed over after a restart.
        let owed = self.owe(no, settled, out);
        if let Some(push) = self.ledger.get(no) {
            out.push(Output::Save(snapshot::push(push, &self.registry)));
        }
        self.tell_ended(now, no, ended, settled, is_over, out);
        for owed in owed {
            self.notify(now, owed, out);
        }
        self.withdraw(now, no, ended, is_over, out);
        self.unstore(no, ended, out);
        if is_over {
            self.archive(now, no);
        }
    }

    /// Devices that stayed away from a SIR for all end when another one has the push.
    fn end_bystanders(&mut self, now: Time, no: PushNo, ended: &mut Vec<(usize, usize)>) {
        let Some(push) = self.ledger.get(no) else {
            return;
        };
        let away: Vec<(usize, Devices)> = push
            .groups
            .iter()
            .enumerate()
            .map(|(group, of)| (group, of.bystanders()))
            .filter(|(_, devices)| !devices.is_empty())
            .collect();
        for (group, devices) in away {
            for at in devices.iter() {
                let ending = Ending::not_wanted(
                    MessageState::Undeliverable,
                    crate::codec::pap::Status::ServiceUnavailable.code(),
                    "the device stayed away",
                    now,
                );
                if self.end(no, group, at, ending) {
                    ended.push((group, at));
                }
            }
        }
    }

    fn tell_ended(
        &self,
        now: Time,
        no: PushNo,
        ended: &[(usize, usize)],
        settled: &[usize],
        is_over: bool,
        out: &mut Vec<Output>,
    ) {
        let Some(push) = self.ledger.get(no) else {
            return;
        };
        let of_device = |dev: String, ending: &Ending| Fact::PushDev {
            push: push.push_id.clone(),
            dev,
            outcome: ending.outcome,
            reason: ending.reason.clone(),
        };
        for (group, at) in ended {
            if let Some(delivery) = push.delivery(*group, *at)
                && let Some(ending) = delivery.ending()
            {
                self.report(now, of_device(delivery.name.clone(), ending), out);
            }
        }
        if is_over {
            for of in &push.groups {
                let strangers = of.others.iter().filter(|at| {
                    // A device that was left out by the plan has its own end.
                    of.deliveries.iter().all(|delivery| delivery.at != *at)
                });
                for at in strangers {
                    let ending =
                        Ending::not_wanted(MessageState::Unknown, 0, "not meant by the SIR", now);
                    let name = self.name(of.identity, at).unwrap_or_default().to_owned();
                    self.report(now, of_device(name, &ending), out);
                }
            }
        }
        for address in settled.iter().filter_map(|at| push.addresses.get(*at)) {
            if let Some(end) = &address.end {
                let fact = Fact::PushEnd {
                    push: push.push_id.clone(),
                    address: address.text.clone(),
                    state: end.state.name().to_owned(),
                    code: end.code,
                    desc: end.desc.clone(),
                };
                self.report(now, fact, out);
            }
        }
    }

    /// Leaves nothing of an ended push but its outcome and its push-id.
    fn archive(&mut self, now: Time, no: PushNo) {
        self.timers.cancel(Timer::Expire(no));
        self.timers.cancel(Timer::Start(no));
        self.ledger.archive(no, now);
        self.forget(now);
    }

    /// Forgets ended pushes beyond the bounds; their records stay as history.
    pub(super) fn forget(&mut self, now: Time) {
        let bounds = self.config.bounds;
        let older_than = now - bounds.ended_kept;
        while self.ledger.forget(bounds.ended, older_than).is_some() {}
        if let Some(oldest) = self.ledger.oldest_ended() {
            let due = oldest + bounds.ended_kept + core::time::Duration::from_secs(1);
            self.timers.set(Timer::Forget, due);
        }
    }

    /// The time of a push is over.
    pub(super) fn expire_push(&mut self, now: Time, no: PushNo, out: &mut Vec<Output>) {
        if self
            .ledger
            .get(no)
            .is_some_and(|push| push.onward.is_some())
        {
            return self.expire_onward(now, no, out);
        }
        self.end_open(now, no, Devices::ALL, None, Ending::expired, out);
    }

    /// Takes a push back for the addresses given, or for all: those for which it is taken back now.
    pub(super) fn cancel(
        &mut self,
        now: Time,
        no: PushNo,
        addresses: &[String],
        out: &mut Vec<Output>,
    ) -> Vec<String> {
        let Some(push) = self.ledger.get(no).filter(|push| !push.is_ended()) else {
            return Vec::new();
        };
        if push.onward.is_some() {
            return self.take_back(now, no, addresses, out);
        }
        let gone: Vec<&Address> = push.cancellable(addresses);
        let texts = gone.iter().map(|address| address.text.clone()).collect();
        let mut out_of: BTreeMap<usize, Devices> = BTreeMap::new();
        for address in gone {
            let devices = out_of.entry(address.group).or_insert(Devices::NONE);
            *devices = devices.or(address.devices);
        }
        for (group, devices) in out_of {
            let ending = |_: &str, now| Ending::cancelled(now);
            self.end_open(now, no, devices, Some(group), ending, out);
        }
        texts
    }

    /// Ends every open delivery to the devices; the content is recalled from sessions where it has not left.
    fn end_open(
        &mut self,
        now: Time,
        no: PushNo,
        devices: Devices,
        only: Option<usize>,
        ending: impl Fn(&str, Time) -> Ending,
        out: &mut Vec<Output>,
    ) {
        let Some(push) = self.ledger.get(no).filter(|push| !push.is_ended()) else {
            return;
        };
        let groups = push.groups.len();
        let mut ended = Vec::new();
        for group in (0..groups).filter(|group| only.is_none_or(|only| only == *group)) {
            let addressed = self
                .ledger
                .get(no)
                .and_then(|push| push.groups.get(group))
                .map_or(Devices::NONE, |of| of.addressed);
            for at in addressed.and(devices).iter() {
                self.begin(no, group, at);
            }
            for (at, stage, lacks) in self.open_deliveries(no, group, devices) {
                if let Stage::Sending(session) = stage {
                    self.recall(now, SessionNo(session), no, out);
                }
                if self.end(no, group, at, ending(lacks, now)) {
                    ended.push((group, at));
                }
            }
        }
        self.conclude(now, no, ended, out);
    }

    /// Those that are not over: the device's place, where each stands, what it lacks.
    fn open_deliveries(
        &self,
        no: PushNo,
        group: usize,
        devices: Devices,
    ) -> Vec<(usize, Stage, &'static str)> {
        self.ledger
            .get(no)
            .and_then(|push| push.groups.get(group))
            .into_iter()
            .flat_map(|of| &of.deliveries)
            .filter(|delivery| devices.has(delivery.at) && delivery.ending().is_none())
            .map(|delivery| (delivery.at, delivery.stage.clone(), delivery.lacks()))
            .collect()
    }

    /// Takes content out of a session before it has left, or stops sending it.
    fn recall(&mut self, now: Time, no: SessionNo, push: PushNo, out: &mut Vec<Output>) {
        if let Some(number) = no.wsp() {
            return self.recall_by_wsp(now, number, push, out);
        }
        if let Some(number) = no.terminal() {
            return self.recall_by_http(now, number, push);
        }
        let Some(session) = self.sessions.get_mut(no) else {
            return;
        };
        session.waiting.retain(|item| item.push != push);
        let sent: Vec<u64> = session
            .open
            .iter()
            .filter(|(_, item)| item.push == push)
            .map(|(id, _)| *id)
            .collect();
        session.open.retain(|_, item| item.push != push);
        for id in sent {
            self.tell(now, no, msrp::In::Cancel { id }, out);
        }
        self.flush_rest(now, no, out);
        self.linger(now, no);
    }

    /// Notes what the initiator is owed for each address that has its result now.
    fn owe(&mut self, no: PushNo, settled: &[usize], out: &mut Vec<Output>) -> Vec<OwedNo> {
        let Some(push) = self.ledger.get(no) else {
            return Vec::new();
        };
        let Some(url) = &push.notify_to else {
            return Vec::new();
        };
        let mut entered = Vec::new();
        for place in settled {
            let Some(address) = push.addresses.get(*place) else {
                continue;
            };
            let Some(end) = &address.end else {
                continue;
            };
            let owed = Owed {
                url: url.clone(),
                initiator: push.initiator.clone(),
                push_id: push.push_id.clone(),
                address: address.text.clone(),
                place: *place,
                version: push.version,
                state: end.state,
                code: end.code,
                desc: end.desc.clone(),
                received: push.accepted_at,
                event: end.at,
                quality: given(push.quality.as_ref(), push.bearer_of(address)),
                attempt: 0,
            };
            out.push(Output::Save(snapshot::owed(&owed, true)));
            entered.push(self.notices.enter(owed));
        }
        entered
    }

    /// Tells the initiator a result.
    pub(super) fn notify(&mut self, now: Time, no: OwedNo, out: &mut Vec<Output>) {
        let Some((id, request)) = self.notices.fetch(no, self.config.notification.open_max) else {
            return;
        };
        self.report_notice(now, no, "sent", out);
        self.wire_fetch(now, no, &request, out);
        out.push(Output::Fetch {
            id,
            errand: Errand::Result,
            request,
        });
    }

    /// What came of telling a result.
    pub(super) fn on_response(
        &mut self,
        now: Time,
        id: FetchId,
        response: Result<HttpResponse, FetchError>,
        out: &mut Vec<Output>,
    ) {
        let Some((no, next)) = self.notices.answered(id) else {
            return;
        };
        self.wire_fetched(now, no, &response, out);
        match read(response) {
            Answer::Read(code) => {
                let result = if crate::codec::pap::Status::is_success(code) {
                    "accepted"
                } else {
                    "failed"
                };
                if let Some(owed) = self.notices.get(no) {
                    out.push(Output::Forget(snapshot::owed_key(owed)));
                }
                self.report_notice(now, no, result, out);
                self.notices.settle(no);
            }
            Answer::Unread(_) => self.not_told(now, no, out),
        }
        if let Some(next) = next {
            self.notify(now, next, out);
        }
    }

    /// The initiator could not be told: again later, or never.
    fn not_told(&mut self, now: Time, no: OwedNo, out: &mut Vec<Output>) {
        let settings = self.config.notification;
        let attempt = self.notices.get(no).map_or(0, |owed| owed.attempt);
        if attempt < settings.tries {
            self.report_notice(now, no, "failed", out);
            let pause = back_off(settings.wait, attempt, settings.wait_max);
            self.timers.set(Timer::Notify(no), now + pause);
            return;
        }
        if let Some(owed) = self.notices.get(no) {
            // What was given up stays as history: an operator may want to know.
            out.push(Output::Save(snapshot::owed(owed, false)));
        }
        self.report_notice(now, no, "given-up", out);
        self.notices.settle(no);
    }

    fn report_notice(&self, now: Time, no: OwedNo, result: &str, out: &mut Vec<Output>) {
        if let Some(owed) = self.notices.get(no) {
            let fact = Fact::PapNotify {
                push: owed.push_id.clone(),
                address: owed.address.clone(),
                attempt: owed.attempt,
                result: result.to_owned(),
            };
            self.report(now, fact, out);
        }
    }
}
