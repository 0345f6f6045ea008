//! What comes back for a SIR: the answer of a device or a proxy, or none.
//!
//! **Source:** spec/sip.md E.4, last table; R2.70.

use super::bearer::choice::Bearers;
use super::bearer::sip::{Answer, Reading, read, refusal};
use super::bearer::{Job, Lane, Leg};
use super::posting::{aborted, rejection};
use super::push::delivery::{Ending, Stage};
use super::push::submission::PushNo;
use super::registry::DeviceKey;
use super::{Gateway, Timer};
use crate::codec::pap::{MessageState, Status};
use crate::codec::sip::{Message, Method, Name};
use crate::event::{Bearer, Fact};
use crate::protocol::sip::authentication;
use crate::protocol::sip::endpoint::ClientId;
use crate::time::Time;
use crate::world::Output;

impl Gateway {
    /// A SIR was answered with that status; 408 when no answer came, 503 when it could not be sent.
    pub(super) fn on_answer(
        &mut self,
        now: Time,
        id: ClientId,
        status: u16,
        message: Option<&Message>,
        out: &mut Vec<Output>,
    ) {
        if self.paged(now, id, status, out)
            || self.refresh_answered(now, id, status, message, out)
            || self.event_answered(now, id, status)
        {
            return;
        }
        let Some(mut job) = self.jobs.answered(Leg::Sip(id)) else {
            return;
        };
        if job.bearer == Bearer::Signalling && self.is_unwatched(&job, status) {
            return self.send_next(now, Some(job), out);
        }
        let answer = Answer {
            status,
            retry_after: message.and_then(retry_after),
            warning: message.and_then(|message| message.text(Name::Warning)),
        };
        if answer.warning.and_then(refusal).is_some() {
            // What the device says of itself holds on every bearer.
            job.tried = Bearers::ALL;
        }
        let reading = read(&answer, job.form);
        self.answered(now, job, status, reading, message, out);
    }

    /// The answer to a SIR on another bearer than SIP; false when nothing is under way on that leg.
    pub(super) fn on_carried(
        &mut self,
        now: Time,
        leg: Leg,
        status: u16,
        reading: Reading,
        out: &mut Vec<Output>,
    ) -> bool {
        let Some(job) = self.jobs.answered(leg) else {
            return false;
        };
        if matches!(job.bearer, Bearer::Sip | Bearer::Signalling) {
            self.on_knocked(now, job, status, reading, out);
            return true;
        }
        self.answered(now, job, status, reading, None, out);
        true
    }

    pub(super) fn answered(
        &mut self,
        now: Time,
        job: Job,
        status: u16,
        reading: Reading,
        message: Option<&Message>,
        out: &mut Vec<Output>,
    ) {
        let road = job.road();
        let next = self.come_to(now, job, status, reading, message, out);
        let next = next.or_else(|| self.jobs.next(road));
        self.send_next(now, next, out);
    }

    /// Marks what a job came to, and does it; a job that is to be sent again at once comes back.
    pub(super) fn come_to(
        &mut self,
        now: Time,
        job: Job,
        status: u16,
        reading: Reading,
        message: Option<&Message>,
        out: &mut Vec<Output>,
    ) -> Option<Job> {
        self.mark(now, &job, status, reading, out);
        self.act(now, job, reading, message, out)
    }

    /// A bearer failed for the devices that wait for its answer: the next one of each carries the SIR. Who has no other
    /// bearer still waits for this one's answer.
    pub(super) fn fall(&mut self, now: Time, job: &Job, why: &str, out: &mut Vec<Output>) {
        let tried = job.tried.with(job.bearer);
        for at in self.waking(job).iter() {
            let Some(push) = self.ledger.get_mut(job.push) else {
                return;
            };
            if let Some(delivery) = push.delivery_mut(job.group, at) {
                delivery.failures.push((job.bearer, why.to_owned()));
            }
            let Some(identity) = push.groups.get(job.group).map(|of| of.identity) else {
                return;
            };
            let key = DeviceKey { identity, at };
            let choice = self.choice(job.push);
            let next = self.registry.device(key).and_then(|device| {
                let mut ready = choice.of(device);
                ready.find(|bearer| !tried.has(*bearer))
            });
            let Some(bearer) = next else { continue };
            self.carry_by(job.push, job.group, at, bearer);
            self.report_next(now, job, at, why, bearer, out);
            let again = Job {
                lane: Lane::Device(key),
                bearer,
                tried,
                form: super::bearer::sip::Form::default(),
                flow: 0,
                authorization: None,
                ..job.clone()
            };
            self.enqueue(now, again, out);
        }
    }

    /// Notes what carries the SIR of a delivery.
    pub(super) fn carry_by(&mut self, no: PushNo, group: usize, at: usize, bearer: Bearer) {
        let push = self.ledger.get_mut(no);
        if let Some(delivery) = push.and_then(|push| push.delivery_mut(group, at)) {
            delivery.bearer = Some(bearer);
            delivery.delayed = None;
        }
    }

    fn report_next(
        &self,
        now: Time,
        job: &Job,
        at: usize,
        why: &str,
        next: Bearer,
        out: &mut Vec<Output>,
    ) {
        let Some(push) = self.ledger.get(job.push) else {
            return;
        };
        let dev = push.delivery(job.group, at).map(|of| of.name.clone());
        let fact = Fact::SirNext {
            push: push.push_id.clone(),
            dev: dev.unwrap_or_default(),
            bearer: job.bearer,
            why: why.to_owned(),
            next,
        };
        self.report(now, fact, out);
    }

    /// Keeps in mind how the device answered, and reports it.
    fn mark(&mut self, now: Time, job: &Job, status: u16, reading: Reading, out: &mut Vec<Output>) {
        let failed = matches!(
            reading,
            Reading::Later(_)
                | Reading::NextFlow
                | Reading::Unheard(_)
                | Reading::Failed(_)
                | Reading::Aborted(_)
        );
        if let Some(device) = job
            .lane
            .device()
            .and_then(|key| self.registry.device_mut(key))
        {
            device.sir_failed = failed;
        }
        if let Some(push) = self.ledger.get(job.push) {
            let fact = Fact::SirAnswer {
                push: push.push_id.clone(),
                dev: self.lane_name(job.lane),
                bearer: job.bearer,
                status,
                failed,
            };
            self.report(now, fact, out);
        }
    }

    /// Does what the answer means; a job that is to be sent again at once comes back.
    fn act(
        &mut self,
        now: Time,
        job: Job,
        reading: Reading,
        message: Option<&Message>,
        out: &mut Vec<Output>,
    ) -> Option<Job> {
        match reading {
            Reading::Taken { long } => self.taken(now, &job, long),
            Reading::Authenticate => match self.authorize(&job, message) {
                Some(job) => return Some(job),
                None => self.fail(now, &job, "the device wants credentials", out),
            },
            Reading::Reform(form) => {
                if let Some(device) = job
                    .lane
                    .device()
                    .and_then(|key| self.registry.device_mut(key))
                {
                    device.takes_text |= form.text;
                }
                return Some(Job { form, ..job });
            }
            Reading::NextFlow => {
                let next = job.flow.saturating_add(1);
                if self.has_flow(&job, next) {
                    return Some(Job { flow: next, ..job });
                }
                self.unheard(now, &job, "no answer to the SIR", out);
            }
            Reading::Unheard(why) => self.unheard(now, &job, why, out),
            Reading::Later(wait) => self.not_now(now, &job, wait, out),
            Reading::Refused(reason) => {
                let ending = Ending::refused(reason, now);
                self.end_all(now, &job, &ending, out);
            }
            Reading::Failed(why) => self.fail(now, &job, why, out),
            Reading::Aborted(status) => {
                let ending = aborted(status, now);
                self.fail_with(now, &job, rejection(status), &ending, out);
            }
        }
        None
    }

    /// The device has the SIR: it may now open a session.
    pub(super) fn taken(&mut self, now: Time, job: &Job, long: bool) {
        for at in self.waking(job).iter() {
            let attempt = self
                .ledger
                .get(job.push)
                .and_then(|push| push.delivery(job.group, at))
                .map_or(1, |delivery| delivery.attempt);
            // A device that is asked again is given longer each time.
            let patience = super::config::back_off(
                self.config.answer_timeout,
                attempt,
                self.config.sir_expires,
            );
            let wait = if long {
                self.config.sir_expires
            } else {
                patience
            };
            self.stage(job.push, job.group, at, Stage::Woken);
            self.timers
                .set(Timer::Silent(job.push, job.group, at), now + wait);
        }
    }

    fn has_flow(&self, job: &Job, flow: usize) -> bool {
        let Lane::Device(key) = job.lane else {
            return false;
        };
        self.registry
            .device(key)
            .is_some_and(|device| device.routes.len() > flow)
    }

    /// Nobody took the SIR: it goes by the next bearer, or again after a pause.
    pub(super) fn unheard(
        &mut self,
        now: Time,
        job: &Job,
        why: &'static str,
        out: &mut Vec<Output>,
    ) {
        self.passing(job);
        self.fall(now, job, why, out);
        for at in self.waking(job).iter() {
            self.later(now, job, at, why, None);
        }
    }

    /// Notes for who waits for a bearer that it failed, and may work at another time.
    fn passing(&mut self, job: &Job) {
        for at in self.waking(job).iter() {
            let push = self.ledger.get_mut(job.push);
            if let Some(delivery) = push.and_then(|push| push.delivery_mut(job.group, at)) {
                delivery.may_pass = true;
            }
        }
    }

    /// The device, or who speaks for it, cannot take it now.
    fn not_now(
        &mut self,
        now: Time,
        job: &Job,
        wait: Option<core::time::Duration>,
        out: &mut Vec<Output>,
    ) {
        self.passing(job);
        self.fall(now, job, "the device cannot be reached now", out);
        for at in self.waking(job).iter() {
            let attempt = self
                .ledger
                .get(job.push)
                .and_then(|push| push.delivery(job.group, at))
                .map_or(0, |delivery| delivery.attempt);
            if attempt > self.config.retries {
                let ending = unreachable("the device cannot be reached", now);
                self.end_one(now, job.push, job.group, at, ending, out);
            } else {
                self.later(now, job, at, "the device cannot be reached now", wait);
            }
        }
    }

    /// The bearer will not work. When no other is left, the delivery ends, unless one that failed before may work later.
    pub(super) fn fail(&mut self, now: Time, job: &Job, why: &'static str, out: &mut Vec<Output>) {
        let ending = unreachable(why, now);
        self.fail_with(now, job, why, &ending, out);
    }

    fn fail_with(
        &mut self,
        now: Time,
        job: &Job,
        why: &'static str,
        ending: &Ending,
        out: &mut Vec<Output>,
    ) {
        self.fall(now, job, why, out);
        for at in self.waking(job).iter() {
            let push = self.ledger.get(job.push);
            let delivery = push.and_then(|push| push.delivery(job.group, at));
            if delivery.is_some_and(|delivery| delivery.may_pass) {
                self.later(now, job, at, why, None);
            }
        }
        self.end_all(now, job, ending, out);
    }

    /// Ends the deliveries that waited for this answer.
    fn end_all(&mut self, now: Time, job: &Job, ending: &Ending, out: &mut Vec<Output>) {
        let mut ended = Vec::new();
        for at in self.waking(job).iter() {
            if self.end(job.push, job.group, at, ending.clone()) {
                ended.push((job.group, at));
            }
        }
        self.conclude(now, job.push, ended, out);
    }

    /// Ends one delivery.
    pub(super) fn end_one(
        &mut self,
        now: Time,
        no: PushNo,
        group: usize,
        at: usize,
        ending: Ending,
        out: &mut Vec<Output>,
    ) {
        if self.end(no, group, at, ending) {
            self.conclude(now, no, vec![(group, at)], out);
        }
    }

    /// The same SIR with the answer to a challenge.
    fn authorize(&mut self, job: &Job, message: Option<&Message>) -> Option<Job> {
        let (user, password) = self.config.credentials.as_ref()?;
        let message = message?;
        let (_, uri, _) = self.way(job)?;
        let cnonce = self.random.token::<12>();
        let (name, value) = authentication::answer(
            message,
            (user, password),
            match job.bearer {
                Bearer::Signalling => Method::Options,
                _ => Method::Message,
            },
            &uri,
            1,
            cnonce.as_str(),
        )?;
        let mut job = job.clone();
        job.form.authenticated = true;
        job.authorization = Some((name, value));
        Some(job)
    }

    /// What a device is told by a registration: everything that waits for it is tried now.
    pub(super) fn came_back(
        &mut self,
        now: Time,
        key: DeviceKey,
        is_new: bool,
        out: &mut Vec<Output>,
    ) {
        self.awaken(now, key, out);
        self.follow(now, key, is_new, out);
        for (no, group) in self.ledger.waiting_for(key) {
            let stage = self
                .ledger
                .get(no)
                .and_then(|push| push.delivery(group, key.at))
                .map(|delivery| &delivery.stage);
            let is_due = match stage {
                Some(Stage::Held(_)) => true,
                // A device that registers anew has forgotten the SIR it took.
                Some(Stage::Woken | Stage::Silent) => is_new,
                _ => false,
            };
            if is_due {
                let only = super::push::plan::Devices::one(key.at);
                self.drive(now, no, group, only, out);
            }
        }
    }
}

fn retry_after(message: &Message) -> Option<u32> {
    let text = message.text(Name::RetryAfter)?;
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn unreachable(why: &str, now: Time) -> Ending {
    Ending::failed(
        MessageState::Undeliverable,
        Status::ServiceUnavailable.code(),
        why,
        now,
    )
}
