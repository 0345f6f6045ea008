//! Sending SIRs: add, wrap, send; what two of them have in common is made once.
//!
//! **Source:** requirements R2.118, R2.119, R2.120; spec/sip.md E.2, E.3.

use core::time::Duration;

use super::Gateway;
use super::bearer::sip::{Envelope, Form, Way};
use super::bearer::{Job, Lane, Leg, Road};
use super::push::delivery::{Delivery, Stage};
use super::push::plan::Devices;
use super::push::submission::{Phase, Push, PushNo};
use super::registry::{DeviceKey, IdentityNo};
use super::sir::{self, Parts};
use crate::codec::device_id::DeviceId;
use crate::codec::sip::Method;
use crate::codec::sir::{Ask, Placement, Sir, Wrapped};
use crate::event::{Bearer, Fact, Mode};
use crate::protocol::sip::endpoint::{self, Target};
use crate::time::Time;
use crate::world::{Output, Transport};

/// How long after its push a SIR's questions may be answered at least.
const ANSWERS_LATE: Duration = Duration::from_secs(600);

/// Who is asked for information.
struct Asked {
    identity: IdentityNo,
    lane: Lane,
    until: Time,
}

/// The last SIR that was composed: a fan-out by the gateway sends the same one to every device.
#[derive(Debug, Default)]
pub(super) struct Envelopes(Option<(Sealed, Envelope)>);

/// What two SIRs must have in common to be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sealed {
    push: PushNo,
    group: usize,
    mode: Mode,
    named: Devices,
    form: Form,
    core: bool,
    at: Time,
}

impl Gateway {
    /// Sends a SIR now, or when the one before it to the same device was answered.
    pub(super) fn enqueue(&mut self, now: Time, job: Job, out: &mut Vec<Output>) {
        if !job.bearer_is_narrow() {
            // What cannot be sent is staged by that.
            self.send(now, job, out);
            return;
        }
        match self.jobs.admit(job) {
            Ok(Some(job)) => self.send_next(now, Some(job), out),
            Ok(None) => {}
            Err(job) => {
                for at in self.waking(&job).iter() {
                    self.later(now, &job, at, "too many SIRs wait for the device", None);
                }
            }
        }
    }

    /// Sends the job, or the next one of its lane that is still of use.
    pub(super) fn send_next(&mut self, now: Time, job: Option<Job>, out: &mut Vec<Output>) {
        let mut next = job;
        while let Some(job) = next {
            let road = job.road();
            if self.send(now, job, out) {
                return;
            }
            next = self.jobs.next(road);
        }
    }

    /// Sends one SIR (R2.119); false when there is no longer a use or a way for it.
    fn send(&mut self, now: Time, job: Job, out: &mut Vec<Output>) -> bool {
        if !self.is_of_use(now, &job) {
            return false;
        }
        if !matches!(job.bearer, Bearer::Sip | Bearer::Signalling) {
            return self.send_otherwise(now, job, out);
        }
        if let Some(wake) = self.asleep(now, &job) {
            return self.knock(now, job, &wake, out);
        }
        let Some((target, uri, path)) = self.way(&job) else {
            self.strand(now, &job, out);
            return false;
        };
        let form = self.form_for(&job);
        let Some(ids) = self.seal(now, &job, form) else {
            return false;
        };
        let Some(push) = self.ledger.get(job.push) else {
            return false;
        };
        let call_id = format!(
            "{}.{}@{}",
            push.sir,
            self.random.token::<8>(),
            self.config.host
        );
        let fact = self.sent(push, &job, ids);
        self.report(now, fact, out);
        let job = match job.bearer {
            Bearer::Signalling => match self.send_notify(now, job) {
                None => return true,
                Some(job) => job,
            },
            _ => job,
        };
        let way = Way {
            uri: &uri,
            path: &path,
            call_id: &call_id,
            authorization: job.authorization.as_ref(),
            trusted: self.is_trusted(&target),
            method: match job.bearer {
                Bearer::Signalling => Method::Options,
                _ => Method::Message,
            },
        };
        let Some((_, envelope)) = &self.envelopes.0 else {
            return false;
        };
        let draft = envelope.wrap(&way, &mut self.random);
        let id = self.client_id();
        self.jobs.sent(Leg::Sip(id), job, Some(target));
        self.todo
            .push_back(endpoint::Input::Request { id, draft, target });
        true
    }

    /// How the SIR of a job is written, as far as is known of its device.
    pub(super) fn form_for(&self, job: &Job) -> Form {
        let device = job.lane.device();
        let device = device.and_then(|key| self.registry.device(key));
        Form {
            text: job.form.text || device.is_some_and(|device| device.takes_text),
            ..job.form
        }
    }

    /// No way leads to the device by SIP now: another bearer may.
    fn strand(&mut self, now: Time, job: &Job, out: &mut Vec<Output>) {
        self.fall(now, job, "not registered", out);
        for at in self.waking(job).iter() {
            if job.tried.is_empty() {
                self.stage(job.push, job.group, at, Stage::Held("not registered"));
            } else {
                // A bearer that failed before may work by then.
                self.later(now, job, at, "not registered", None);
            }
        }
    }

    /// What is told of a SIR that leaves.
    pub(super) fn sent(&self, push: &Push, job: &Job, ids: Vec<String>) -> Fact {
        Fact::SirTx {
            push: push.push_id.clone(),
            bearer: job.bearer,
            mode: job.mode,
            dev: self.lane_name(job.lane),
            sir: Some(push.sir.clone()),
            place: if ids.is_empty() {
                Vec::new()
            } else {
                placed(push.options.place, ids.len())
            },
            ids,
        }
    }

    /// What a SIR carries that was sealed last.
    pub(super) fn wrapped(&self) -> Option<&Wrapped> {
        self.envelopes
            .0
            .as_ref()
            .map(|(_, envelope)| envelope.wrapped())
    }

    /// A SIR that is under way to where its device is no longer goes to where it is now, at once; a device that is
    /// nowhere waits for its registration.
    pub(super) fn follow(
        &mut self,
        now: Time,
        key: DeviceKey,
        is_new: bool,
        out: &mut Vec<Output>,
    ) {
        for bearer in [Bearer::Sip, Bearer::Signalling] {
            let lane = Lane::Device(key);
            self.follow_on(now, key, Road { lane, bearer }, is_new, out);
        }
    }

    fn follow_on(
        &mut self,
        now: Time,
        key: DeviceKey,
        road: Road,
        is_new: bool,
        out: &mut Vec<Output>,
    ) {
        let Some((was, device)) = self.jobs.target(road).zip(self.registry.device(key)) else {
            return;
        };
        let is_there = device.routes.iter().any(|route| route.target == was);
        // A contact without reg-id is no second flow of the device but its next life (RFC 5626 section 4.2).
        let latest = device.routes.iter().max_by_key(|route| route.serial);
        let is_elsewhere =
            latest.is_some_and(|latest| latest.reg_id.is_none() && latest.target != was);
        if is_there && !(is_new && is_elsewhere) {
            return;
        }
        if let Some((leg, job)) = self.jobs.abandon(road) {
            let Leg::Sip(id) = leg else { return };
            self.todo.push_back(endpoint::Input::Abandon { id });
            let form = Form {
                authenticated: false,
                ..job.form
            };
            let again = Job {
                flow: 0,
                form,
                authorization: None,
                ..job
            };
            self.send_next(now, Some(again), out);
        }
    }

    /// True for a way nobody can listen or write to: TLS.
    pub(super) fn is_trusted(&self, target: &Target) -> bool {
        let transport = match target {
            Target::Address { transport, .. } => Some(*transport),
            Target::Flow(flow) => self.endpoint.peer(*flow).map(|(transport, _)| transport),
        };
        transport == Some(Transport::Tls)
    }

    /// True while the push and the device still wait for this SIR.
    pub(super) fn is_of_use(&self, now: Time, job: &Job) -> bool {
        let Some(push) = self.ledger.get(job.push) else {
            return false;
        };
        let Some(of) = push.groups.get(job.group) else {
            return false;
        };
        if push.phase != Phase::Running || now >= push.expires_at {
            return false;
        }
        let waits = |delivery: &Delivery| match delivery.stage {
            Stage::Waking => true,
            // A SIR for all goes to the connected device too: it says that it is.
            Stage::Sending(_) | Stage::Paging => job.mode != Mode::Targeted,
            _ => false,
        };
        match job.lane.device() {
            Some(key) if of.others.has(key.at) => {
                of.deliveries.iter().any(|d| d.ending().is_none())
            }
            Some(key) => of.deliveries.iter().any(|d| d.at == key.at && waits(d)),
            None => of.deliveries.iter().any(waits),
        }
    }

    /// Target, Request-URI and Route of a job.
    pub(super) fn way(&self, job: &Job) -> Option<(Target, String, Vec<String>)> {
        let core = || {
            self.config
                .core
                .map(|(transport, peer)| Target::Address { transport, peer })
        };
        match job.lane {
            Lane::Core(identity) => Some((
                core()?,
                self.registry.get(identity)?.pui.clone(),
                Vec::new(),
            )),
            Lane::Through(key) => {
                let device = self.registry.device(key)?;
                let uri = match device.gruu() {
                    Some(gruu) => gruu.to_owned(),
                    None => self.registry.get(key.identity)?.pui.clone(),
                };
                Some((core()?, uri, Vec::new()))
            }
            Lane::Device(key) => {
                let device = self.registry.device(key)?;
                let route = device.routes.get(job.flow)?;
                // The GRUU shows the device that it alone was asked; a plain SIR goes to the contact as to any phone.
                let uri = match (job.mode, device.gruu.as_ref()) {
                    (Mode::Targeted, Some(gruu)) if !job.named.is_empty() => gruu,
                    _ => &route.contact,
                };
                Some((route.target, uri.clone(), route.path.clone()))
            }
        }
    }

    /// Composes the SIR of a job, unless it is the same as the last one; the identifiers in it come back.
    pub(super) fn seal(&mut self, now: Time, job: &Job, form: Form) -> Option<Vec<String>> {
        let push = self.ledger.get(job.push)?;
        let of = push.groups.get(job.group)?;
        let named = self.ids(of.identity, job.named);
        let texts = named.iter().map(|id| id.as_str().to_owned()).collect();
        let core = !matches!(job.lane, Lane::Device(_));
        let sealed = Sealed {
            push: job.push,
            group: job.group,
            mode: job.mode,
            named: job.named,
            form,
            core,
            at: now,
        };
        let left = push.expires_at.since(now).max(ANSWERS_LATE);
        let is_asked = push.options.ask != Ask::NONE;
        let asked = Asked {
            identity: of.identity,
            lane: job.lane,
            until: now + left,
        };
        if is_asked {
            self.expect_information(&asked);
        }
        let push = self.ledger.get(job.push)?;
        let of = push.groups.get(job.group)?;
        if self
            .envelopes
            .0
            .as_ref()
            .is_some_and(|(last, _)| *last == sealed)
        {
            return Some(texts);
        }
        let sir = self.composed(push, &of.pui, job.mode, &named, form);
        // An Expires of 0 would say that it is over.
        let left = push.expires_at.since(now).max(Duration::from_secs(1));
        let validity = self.config.sir_expires.min(left);
        let mut envelope = Envelope::new(&sir, job.mode, form, validity, now);
        if core {
            envelope = envelope.through_core(self.instance_to_prefer(job));
        }
        self.envelopes.0 = Some((sealed, envelope));
        Some(texts)
    }

    /// The SIR of a push to an identity, in such a form.
    pub(super) fn composed(
        &self,
        push: &Push,
        pui: &str,
        mode: Mode,
        named: &[DeviceId],
        form: Form,
    ) -> Sir {
        let http = self.http_contacts(form.short);
        sir::compose(&Parts {
            pui,
            server: &self.config.uri,
            sir: &push.sir,
            options: &push.options,
            application: &push.content.application,
            named,
            targeted: mode == Mode::Targeted,
            contact: self.contact().filter(|_| !form.short),
            wsp: self.wsp_contact().filter(|_| !form.short),
            http: &http,
            add_pui: self.config.add_pui,
        })
    }

    /// Notes that devices are asked, so that what they return by a way that proves nothing is taken.
    fn expect_information(&mut self, asked: &Asked) {
        let identity = asked.identity;
        let all = self.registry.get(identity).map_or(0, |it| it.devices.len());
        let keys = match asked.lane.device() {
            Some(key) => vec![key],
            None => (0..all).map(|at| DeviceKey { identity, at }).collect(),
        };
        for key in keys {
            if let Some(device) = self.registry.device_mut(key) {
                device.asked_until = device.asked_until.max(Some(asked.until));
            }
        }
    }

    /// The instance a core shall prefer, for a targeted SIR whose device has no GRUU.
    fn instance_to_prefer(&self, job: &Job) -> Option<String> {
        let Lane::Through(key) = job.lane else {
            return None;
        };
        let device = self.registry.device(key)?;
        match device.gruu() {
            Some(_) => None,
            None => device.name_id().map(|id| id.as_str().to_owned()),
        }
    }

    /// Where sessions are taken: our first SIP address.
    pub(super) fn contact(&self) -> Option<std::net::SocketAddr> {
        if !self.config.sia {
            return None;
        }
        let sockets = self.config.udp.iter().map(|(_, address)| *address);
        let listeners = self
            .config
            .listeners
            .iter()
            .filter(|own| own.speaks == super::config::Speaks::Sip)
            .map(|own| own.address);
        sockets.chain(listeners).next()
    }

    /// Devices of a job that wait for its answer.
    pub(super) fn waking(&self, job: &Job) -> Devices {
        let of = self
            .ledger
            .get(job.push)
            .and_then(|push| push.groups.get(job.group));
        let one = job
            .lane
            .device()
            .map_or(Devices::ALL, |key| Devices::one(key.at));
        of.into_iter()
            .flat_map(|of| &of.deliveries)
            .filter(|delivery| delivery.stage == Stage::Waking && one.has(delivery.at))
            .filter(|delivery| delivery.bearer == Some(job.bearer))
            .map(|delivery| delivery.at)
            .collect()
    }

    /// The identifiers that name devices in a SIR.
    pub(super) fn ids(&self, identity: IdentityNo, devices: Devices) -> Vec<DeviceId> {
        devices
            .iter()
            .filter_map(|at| {
                self.registry
                    .device(DeviceKey { identity, at })?
                    .name_id()
                    .cloned()
            })
            .collect()
    }

    /// Where a lane leads, for events: a device's name, or `*` for all.
    pub(super) fn lane_name(&self, lane: Lane) -> String {
        lane.device()
            .and_then(|key| self.name(key.identity, key.at))
            .unwrap_or("*")
            .to_owned()
    }
}

/// The names of the placements that identifiers stand in.
fn placed(place: Placement, ids: usize) -> Vec<String> {
    let place = if ids > 1 && place == Placement::VALUE {
        place | Placement::HEADER
    } else {
        place
    };
    Placement::NAMES
        .iter()
        .filter(|(one, _)| place.contains(*one))
        .map(|(_, name)| (*name).to_owned())
        .collect()
}
