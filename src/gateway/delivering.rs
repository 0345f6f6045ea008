//! The walk of a push to its devices: obtain, judge, and do what the plan says.
//!
//! **Source:** requirements R2.1, R2.63-R2.70, R2.117-R2.122; spec/sip.md E.3, E.4. The units of the patent are
//! [`Gateway::obtain`], [`Gateway::judge`] with `push::plan::judge`, `sir::add`, `sir::add_pui`,
//! `bearer::sip::Envelope::wrap` and `Gateway::send`.

use core::time::Duration;

use super::bearer::choice::{Bearers, Choice};
use super::bearer::sip::Form;
use super::bearer::{Job, Lane};
use super::config::back_off;
use super::push::delivery::{Delivery, Ending, Stage};
use super::push::plan::{Deliveries, Devices, Excluded, Exclusion, Fork, Plan, Waking, Wish, plan};
use super::push::submission::{Phase, Push, PushNo, of_exclusion};
use super::push::transform::other_type;
use super::registry::{Device, DeviceKey, IdentityNo};
use super::sessions::{Item, SessionNo};
use super::{Gateway, Timer};
use crate::event::{Bearer, Fact, Mode, Via};
use crate::time::Time;
use crate::world::Output;

/// The longest pause between two tries of a device that does not answer.
const PAUSE_MAX: Duration = Duration::from_secs(300);

impl Gateway {
    /// Begins to deliver a push whose time has come.
    pub(super) fn start(&mut self, now: Time, no: PushNo, out: &mut Vec<Output>) {
        let Some(push) = self.ledger.get_mut(no) else {
            return;
        };
        if push.is_ended() {
            return;
        }
        push.phase = Phase::Running;
        if push.onward.is_some() {
            return self.hand_on(now, no, out);
        }
        for group in 0..push.groups.len() {
            self.drive(now, no, group, Devices::ALL, out);
        }
    }

    /// Plans for an identity and does what the plan says for the devices in `only`.
    pub(super) fn drive(
        &mut self,
        now: Time,
        no: PushNo,
        group: usize,
        only: Devices,
        out: &mut Vec<Output>,
    ) {
        self.obtain(now, no, group, only, out);
        let Some(push) = self.ledger.get(no) else {
            return;
        };
        let Some(of) = push.groups.get(group) else {
            return;
        };
        if push.phase != Phase::Running || of.addressed.without(of.ended()).is_empty() {
            return;
        }
        let planned = self.judge(now, push, group);
        match planned {
            Plan::Refuse(excluded) => {
                let nothing = Deliveries {
                    excluded,
                    ..Deliveries::default()
                };
                self.report_plan(now, no, group, &nothing, only, out);
                self.leave_out(now, no, group, excluded, only, out);
            }
            Plan::Deliver(deliveries) => {
                self.report_plan(now, no, group, &deliveries, only, out);
                // First those who get it: an address ends when nobody of it is under way.
                self.carry_out(now, no, group, &deliveries, only, out);
                self.leave_out(now, no, group, deliveries.excluded, only, out);
            }
        }
    }

    /// Looks up the devices of an identity, and asks the other sources of information (R2.117).
    fn obtain(
        &mut self,
        now: Time,
        no: PushNo,
        group: usize,
        only: Devices,
        out: &mut Vec<Output>,
    ) {
        let Some(of) = self.ledger.get(no).and_then(|push| push.groups.get(group)) else {
            return;
        };
        let (identity, pui) = (of.identity, &of.pui);
        for source in &mut self.sources {
            for told in source.devices(pui, now) {
                self.registry.merge(identity, &told);
            }
        }
        if only != Devices::ALL {
            return;
        }
        let (Some(push), Some(known)) = (self.ledger.get(no), self.registry.get(identity)) else {
            return;
        };
        let names = |is: &dyn Fn(&Device) -> bool| {
            let those = known.devices.iter().filter(|device| is(device));
            those.map(|device| device.name.clone()).collect()
        };
        let fact = Fact::Obtain {
            push: push.push_id.clone(),
            pui: known.pui.clone(),
            devices: names(&|device| !device.routes.is_empty()),
            connected: names(&|device| device.session.is_some()),
        };
        self.report(now, fact, out);
    }

    /// Decides who gets what (R2.121); devices that have the push already are no longer addressed.
    pub(super) fn judge(&self, now: Time, push: &Push, group: usize) -> Plan {
        let Some(of) = push.groups.get(group) else {
            return Plan::Refuse(Excluded::default());
        };
        let content = &push.content;
        let wish = Wish {
            mode: push.options.plan,
            fork: push.options.fork,
            devices_judge: push.options.devices_judge,
            application: &content.application,
            content_type: essence(&content.content_type),
            other_type: other_type(content),
            octets: u64::try_from(content.octets).unwrap_or(u64::MAX),
            kinds: self.config.policy.kinds(&content.application),
        };
        let addressed = of.addressed.without(of.ended());
        let choice = self.choice_of(push);
        let candidates = self.registry.candidates(of.identity, addressed, &choice);
        plan(&wish, &candidates, now)
    }

    /// Which bearers may carry the SIRs of a push.
    pub(super) fn choice_of(&self, push: &Push) -> Choice {
        let core = push.options.fork == Fork::Core;
        Choice::new(self.config.bearers(), push.quality.as_ref(), core)
    }

    pub(super) fn choice(&self, no: PushNo) -> Choice {
        match self.ledger.get(no) {
            Some(push) => self.choice_of(push),
            None => Choice::new(Bearers::NONE, None, false),
        }
    }

    /// Reports a plan for all devices; one for a single device repeats what was planned before.
    fn report_plan(
        &self,
        now: Time,
        no: PushNo,
        group: usize,
        deliveries: &Deliveries,
        only: Devices,
        out: &mut Vec<Output>,
    ) {
        let push = self.ledger.get(no).filter(|_| only == Devices::ALL);
        let Some(push) = push else {
            return;
        };
        let Some(of) = push.groups.get(group) else {
            return;
        };
        let named = deliveries.sir.map_or(Devices::NONE, |sir| sir.named);
        let fact = Fact::Plan {
            push: push.push_id.clone(),
            mode: deliveries.sir.map(|sir| sir.mode),
            wanted: self.names(of.identity, deliveries.allowed),
            excluded: deliveries
                .excluded
                .iter()
                .flat_map(|(at, why)| {
                    let name = self.name(of.identity, at)?;
                    Some((name.to_owned(), why.token().to_owned()))
                })
                .collect(),
            ids: self
                .ids(of.identity, named)
                .iter()
                .map(ToString::to_string)
                .collect(),
        };
        self.report(now, fact, out);
    }

    /// Ends the deliveries of devices that the plan leaves out.
    fn leave_out(
        &mut self,
        now: Time,
        no: PushNo,
        group: usize,
        excluded: Excluded,
        only: Devices,
        out: &mut Vec<Output>,
    ) {
        let mut ended = Vec::new();
        for (at, why) in excluded.iter().filter(|(at, _)| only.has(*at)) {
            self.begin(no, group, at);
            let (state, code) = of_exclusion(why);
            let mut ending = Ending::not_wanted(state, code.code(), why.token(), now);
            if why == Exclusion::Bearer {
                ending.reason = self.unreached(no, group, at);
            }
            if self.end(no, group, at, ending) {
                ended.push((group, at));
            }
        }
        if !ended.is_empty() {
            self.conclude(now, no, ended, out);
        }
    }

    /// Why no bearer leads to a device, for who asked for the push.
    fn unreached(&self, no: PushNo, group: usize, at: usize) -> String {
        let of = self.ledger.get(no).and_then(|push| push.groups.get(group));
        let device = of.and_then(|of| {
            let identity = of.identity;
            self.registry.device(DeviceKey { identity, at })
        });
        let missing = device.map(|device| self.choice(no).missing(device));
        format!("no bearer: {}", missing.unwrap_or_default())
    }

    fn carry_out(
        &mut self,
        now: Time,
        no: PushNo,
        group: usize,
        deliveries: &Deliveries,
        only: Devices,
        out: &mut Vec<Output>,
    ) {
        for at in deliveries.allowed.iter() {
            self.begin(no, group, at);
        }
        for at in deliveries.direct.and(only).iter() {
            self.hand_over(now, no, group, at, Via::Existing, out);
        }
        for at in deliveries.held.and(only).iter() {
            self.stage(no, group, at, Stage::Held("not registered"));
        }
        if let Some(waking) = deliveries.sir {
            self.wake(now, no, group, waking, deliveries.allowed, only, out);
        }
    }

    /// Makes the delivery to a device, where there is none yet.
    pub(super) fn begin(&mut self, no: PushNo, group: usize, at: usize) {
        let Some(push) = self.ledger.get_mut(no) else {
            return;
        };
        if push.delivery(group, at).is_some() {
            return;
        }
        let Some(of) = push.groups.get_mut(group) else {
            return;
        };
        let key = DeviceKey {
            identity: of.identity,
            at,
        };
        let name = self.registry.device(key).map(|device| device.name.clone());
        if of.deliveries.is_empty() {
            // Mostly there are as many, and a push is kept long after its end.
            of.deliveries.reserve_exact(of.addressed.iter().count());
        }
        of.deliveries
            .push(Delivery::new(at, name.unwrap_or_default()));
        self.ledger.wait_for(key, no, group);
    }

    /// Sends the SIRs of a plan.
    #[expect(
        clippy::too_many_arguments,
        reason = "a plan, whom it is for, and the two sets that narrow it"
    )]
    fn wake(
        &mut self,
        now: Time,
        no: PushNo,
        group: usize,
        waking: Waking,
        allowed: Devices,
        only: Devices,
        out: &mut Vec<Output>,
    ) {
        let Some(push) = self.ledger.get_mut(no) else {
            return;
        };
        let fork = push.options.fork;
        let Some(of) = push.groups.get_mut(group) else {
            return;
        };
        of.mode = Some(waking.mode);
        let own: Devices = of.deliveries.iter().map(|delivery| delivery.at).collect();
        of.others = of.others.or(waking.to.without(allowed).without(own));
        let (identity, done) = (of.identity, of.ended());
        let to = waking.to.and(only).without(done);
        let choice = self.choice(no);
        let mut by_sip = Devices::NONE;
        let mut chosen = Vec::new();
        for at in to.iter() {
            let device = self.registry.device(DeviceKey { identity, at });
            let bearer = device.and_then(|device| choice.of(device).next());
            // One that was lost since the plan shows when it is sent.
            let bearer = bearer.unwrap_or(Bearer::Sip);
            if bearer == Bearer::Sip {
                by_sip.add(at);
            }
            if allowed.has(at) {
                self.waken(no, group, at, bearer);
            }
            chosen.push((at, bearer));
        }
        let job = |lane, bearer, named| Job {
            push: no,
            group,
            lane,
            bearer,
            tried: Bearers::NONE,
            mode: waking.mode,
            named,
            form: Form::default(),
            flow: 0,
            authorization: None,
        };
        let forks = fork == Fork::Core && waking.mode != Mode::Targeted;
        if forks && !by_sip.is_empty() {
            let lane = Lane::Core(identity);
            self.enqueue(now, job(lane, Bearer::Sip, waking.named), out);
        }
        for (at, bearer) in chosen {
            if forks && bearer == Bearer::Sip {
                continue;
            }
            let key = DeviceKey { identity, at };
            let named = match waking.mode {
                Mode::Targeted => waking.named.and(Devices::one(at)),
                _ => waking.named,
            };
            let lane = match fork {
                Fork::Core if bearer == Bearer::Sip => Lane::Through(key),
                _ => Lane::Device(key),
            };
            self.enqueue(now, job(lane, bearer, named), out);
        }
    }

    fn waken(&mut self, no: PushNo, group: usize, at: usize, bearer: Bearer) {
        self.unsure.remove(&(no, group, at));
        self.timers.cancel(Timer::Retry(no, group, at));
        self.timers.cancel(Timer::Silent(no, group, at));
        if let Some(delivery) = self
            .ledger
            .get_mut(no)
            .and_then(|push| push.delivery_mut(group, at))
            && !matches!(
                delivery.stage,
                Stage::Sending(_) | Stage::Paging | Stage::Ended(_)
            )
        {
            delivery.stage = Stage::Waking;
            delivery.attempt = delivery.attempt.saturating_add(1);
            delivery.bearer = Some(bearer);
            delivery.failures.clear();
            delivery.may_pass = false;
            delivery.delayed = None;
        }
    }

    /// Tries a device again after a pause.
    pub(super) fn later(
        &mut self,
        now: Time,
        job: &Job,
        at: usize,
        why: &'static str,
        wait: Option<Duration>,
    ) {
        self.stage(job.push, job.group, at, Stage::Held(why));
        self.again(now, job.push, job.group, at, wait);
    }

    /// Sets the timer of the next try.
    pub(super) fn again(
        &mut self,
        now: Time,
        no: PushNo,
        group: usize,
        at: usize,
        wait: Option<Duration>,
    ) {
        let attempt = self
            .ledger
            .get(no)
            .and_then(|push| push.delivery(group, at))
            .map_or(1, |delivery| delivery.attempt);
        let pause = back_off(self.config.retry_wait, attempt, PAUSE_MAX);
        // A tenth of chance keeps devices that failed together from being tried together for ever.
        let tenth = u64::try_from(pause.as_millis() / 10).unwrap_or(0);
        let jitter = Duration::from_millis(self.random.below(tenth.saturating_add(1)));
        let due = now + pause.max(wait.unwrap_or_default()) + jitter;
        self.timers.set(Timer::Retry(no, group, at), due);
    }

    /// A pause is over.
    pub(super) fn retry(
        &mut self,
        now: Time,
        no: PushNo,
        group: usize,
        at: usize,
        out: &mut Vec<Output>,
    ) {
        let stage = self
            .ledger
            .get(no)
            .and_then(|push| push.delivery(group, at))
            .map(|delivery| &delivery.stage);
        if matches!(stage, Some(Stage::Held(_) | Stage::Woken)) {
            self.drive(now, no, group, Devices::one(at), out);
        }
    }

    /// A device took the SIR and stayed away.
    pub(super) fn silent(
        &mut self,
        now: Time,
        no: PushNo,
        group: usize,
        at: usize,
        out: &mut Vec<Output>,
    ) {
        let stage = self
            .ledger
            .get(no)
            .and_then(|push| push.delivery(group, at))
            .map(|delivery| &delivery.stage);
        if stage != Some(&Stage::Woken) {
            return;
        }
        let of = self.ledger.get(no).and_then(|push| push.groups.get(group));
        let is_open = of.is_some_and(super::push::submission::Group::is_open);
        if let Some(job) = self.unsure.remove(&(no, group, at)) {
            // Nobody said that the SIR arrived, so another bearer may; else the same at another time, as for a SIR of SIP
            // without an answer.
            self.stage(no, group, at, Stage::Waking);
            if !is_open {
                return self.unheard(now, &job, "no session followed", out);
            }
            self.fall(now, &job, "no session followed", out);
            if self.waking(&job).is_empty() {
                return;
            }
            self.stage(no, group, at, Stage::Woken);
        }
        let retries = self.config.retries;
        let Some(push) = self.ledger.get_mut(no) else {
            return;
        };
        let Some(delivery) = push.delivery_mut(group, at) else {
            return;
        };
        if !is_open && delivery.attempt <= retries {
            self.drive(now, no, group, Devices::one(at), out);
            return;
        }
        delivery.stage = Stage::Silent;
        self.conclude(now, no, Vec::new(), out);
    }

    /// Gives content to the session of a device.
    pub(super) fn hand_over(
        &mut self,
        now: Time,
        no: PushNo,
        group: usize,
        at: usize,
        via: Via,
        out: &mut Vec<Output>,
    ) {
        let Some(of) = self.ledger.get(no).and_then(|push| push.groups.get(group)) else {
            return;
        };
        let key = DeviceKey {
            identity: of.identity,
            at,
        };
        let Some(session) = self.registry.device(key).and_then(|device| device.session) else {
            return;
        };
        let session = SessionNo(session);
        if !self.stage(no, group, at, Stage::Sending(session.0)) {
            return;
        }
        self.timers.cancel(Timer::Retry(no, group, at));
        self.timers.cancel(Timer::Silent(no, group, at));
        self.timers.cancel(Timer::Linger(session));
        if let Some(number) = session.wsp() {
            let push = no;
            return self.push_by_wsp(now, number, Item { push, group, via }, out);
        }
        if let Some(number) = session.terminal() {
            let push = no;
            return self.push_by_http(now, number, Item { push, group, via }, out);
        }
        if let Some(open) = self.sessions.get_mut(session) {
            open.via = via;
            open.waiting.push_back(Item {
                push: no,
                group,
                via,
            });
        }
        self.flush(now, session, out);
    }

    /// Moves a delivery on, unless it is over; true when it moved.
    pub(super) fn stage(&mut self, no: PushNo, group: usize, at: usize, stage: Stage) -> bool {
        let delivery = self
            .ledger
            .get_mut(no)
            .and_then(|push| push.delivery_mut(group, at));
        match delivery {
            Some(delivery) if delivery.ending().is_none() => {
                delivery.stage = stage;
                true
            }
            _ => false,
        }
    }

    /// The name of a device.
    pub(super) fn name(&self, identity: IdentityNo, at: usize) -> Option<&str> {
        self.registry
            .device(DeviceKey { identity, at })
            .map(|device| device.name.as_str())
    }

    pub(super) fn names(&self, identity: IdentityNo, devices: Devices) -> Vec<String> {
        devices
            .iter()
            .filter_map(|at| self.name(identity, at))
            .map(str::to_owned)
            .collect()
    }
}

/// The media type without its parameters.
fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}
