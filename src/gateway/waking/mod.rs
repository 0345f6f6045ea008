//! Devices that sleep: a SIR for one wakes it by what it registered with, and is held until it registers anew.
//!
//! **Source:** RFC 8599 sections 5.3 to 5.6 (waking, the bucket); spec/sip.md E.8. A device is awake while its connection
//! stands; one that registers in datagrams, for the time of the bucket after each of its registrations. What wakes it, and
//! how that leaves, is in `leaving`; registrations that end while their device sleeps are in `renewing`.
//!
//! ```text
//!         asleep              taken, or unconfirmed           REGISTER
//! SIR ──────────▶ knocking ─────────────────────────▶ held ────────────▶ sent by SIP to the new registration
//!                    │ refused, unreachable             │ 20 s
//!                    └──────────────────────────────────┴──▶ 480: the next bearer, or later
//! ```

use core::time::Duration;

use super::bearer::push_service::PushService;
use super::bearer::sip::{Form, Reading};
use super::bearer::wake::{self, Wake};
use super::bearer::{Job, Lane, Leg, Road, http, push_service};
use super::config::Config;
use super::registry::{DeviceKey, Route, canonical};
use super::{Gateway, Timer};
use crate::codec::sip::push_notification::PushWish;
use crate::codec::sip::{Contact, Message, Name};
use crate::event::{Bearer, Fact};
use crate::protocol::sip::endpoint::Flow;
use crate::protocol::sip::registrar::{NO_FLOW, Waker, may_wake};
use crate::time::Time;
use crate::world::{FetchError, FetchId, HttpResponse, Output};

mod leaving;
mod renewing;

/// How long a SIR waits for its device to register: less than the 32 s after which a request fails (RFC 8599 section 5.6.2).
const BUCKET: Duration = Duration::from_secs(20);
/// What a SIR comes to whose device stays asleep (RFC 8599 section 5.6.2).
const ASLEEP: u16 = 480;

/// Who wakes devices: our own bearers, and the push services that are configured.
pub(super) fn wakers(config: &Config) -> Vec<Waker> {
    let own = Waker {
        provider: wake::PROVIDER.to_owned(),
        params: wake::params(config.bearers()),
    };
    let others = config.wake.iter().map(|service| Waker {
        provider: service.provider.clone(),
        params: Vec::new(),
    });
    core::iter::once(own).chain(others).collect()
}

impl Gateway {
    /// Why the device of a contact cannot be woken by what it names: a push service that we do not know, or an address that
    /// is none there or not its own (RFC 8599 section 5.3).
    pub(super) fn cannot_be_woken(&self, flow: Flow, request: &Message) -> Option<&'static str> {
        // Most contacts say nothing of it, so they are not parsed.
        if !request.rows(Name::Contact).any(may_wake) {
            return None;
        }
        request.contacts().find_map(|contact| {
            let Ok(Contact::Address(address)) = contact else {
                return None;
            };
            let leaves = match address.param("expires").flatten() {
                Some(seconds) => seconds == "0",
                None => request.expires() == Some(0),
            };
            let Some(PushWish::Resource(resource)) = PushWish::of_uri(&address.uri) else {
                return None;
            };
            if leaves {
                return None;
            }
            match Wake::of(&resource) {
                Some(Wake::Service(of)) => PushService::among(&self.config.wake, &of)
                    .is_none()
                    .then_some("a push service that is not configured"),
                Some(wake) => (!self.is_its_own(&wake, flow, request))
                    .then_some("to be woken at an address that is not its own"),
                None => Some("a push service or address that is none"),
            }
        })
    }

    /// True when what wakes a device is entered for its identity, or where its request came from.
    fn is_its_own(&self, wake: &Wake, flow: Flow, request: &Message) -> bool {
        let aor = request.to().map(|to| canonical(to.uri.as_str()));
        let identity = aor.ok().and_then(|aor| self.registry.identity(&aor));
        let entered = identity
            .and_then(|no| self.registry.get(no))
            .into_iter()
            .flat_map(|identity| &identity.devices)
            .map(|device| &device.profile.addresses);
        // What came through a proxy has the proxy's address.
        let is_direct = request.list(Name::Via).count() == 1;
        let source = self.endpoint.peer(flow).map(|(_, peer)| peer.ip());
        wake.is_own(entered, source.filter(|_| is_direct))
    }

    /// What wakes the device of a SIR that would go by SIP, when it sleeps.
    pub(super) fn asleep(&self, now: Time, job: &Job) -> Option<Wake> {
        let Lane::Device(key) = job.lane else {
            return None;
        };
        let route = self.registry.device(key)?.routes.get(job.flow)?;
        let is_awake = match route.flow {
            Flow::Link(_) => is_connected(route),
            Flow::Udp { .. } => now < route.registered_at + BUCKET,
        };
        let wake = route.wake.as_ref()?;
        (!is_awake).then(|| wake.clone())
    }

    /// Wakes the device of a SIR, which is held; false when nothing can be sent to it.
    pub(super) fn knock(
        &mut self,
        now: Time,
        job: Job,
        wake: &Wake,
        out: &mut Vec<Output>,
    ) -> bool {
        let ids = self.seal(now, &job, Form::default());
        let (Some(key), Some((push, ids))) =
            (job.lane.device(), self.ledger.get(job.push).zip(ids))
        else {
            return false;
        };
        // A push service of others carries no SIR.
        let carries = !matches!(wake, Wake::Service(_));
        let knock = Job {
            bearer: wake.bearer(),
            ..job.clone()
        };
        let sent = carries.then(|| self.sent(push, &knock, ids));
        let told = Fact::Wake {
            dev: self.lane_name(job.lane),
            by: wake.name(),
            push: Some(push.push_id.clone()),
        };
        let Some(sir) = self.wrapped().cloned() else {
            return false;
        };
        match self.call_of(key, wake, &sir, Some(&knock), now) {
            Ok(call) => {
                self.report(now, told, out);
                let leg = self.leg_of(&call);
                if let Some(sent) = sent {
                    self.report_sent(now, leg, sent, out);
                }
                let due = now + BUCKET;
                self.timers.set(Timer::Asleep(key, job.bearer), due);
                self.jobs.sent(leg, job, None);
                self.leave(now, leg, call, out);
                true
            }
            Err(why) => {
                self.unheard(now, &job, why, out);
                false
            }
        }
    }

    /// What came of waking a device over HTTP; false when the fetch was for something else.
    pub(super) fn on_woken(
        &mut self,
        now: Time,
        id: FetchId,
        response: &Result<HttpResponse, FetchError>,
        out: &mut Vec<Output>,
    ) -> bool {
        let (leg, (status, reading)) = if self.jobs.get(Leg::PushService(id)).is_some() {
            (Leg::PushService(id), push_service::read(response))
        } else {
            (Leg::Http(id), http::read(response))
        };
        let Some(job) = self.jobs.get(leg) else {
            return false;
        };
        if let Ok(answer) = response {
            let line = format!("HTTP/1.1 {}", answer.status);
            self.wire_answered(now, job, ("http", &line), &answer.body, out);
        }
        self.on_carried(now, leg, status, reading, out)
    }

    /// What came of waking a device; the job is that of the held SIR.
    pub(super) fn on_knocked(
        &mut self,
        now: Time,
        job: Job,
        status: u16,
        reading: Reading,
        out: &mut Vec<Output>,
    ) {
        if matches!(reading, Reading::Taken { .. }) {
            let leg = self.bucket();
            self.jobs.sent(leg, job, None);
            return;
        }
        if let Some(key) = job.lane.device() {
            self.timers.cancel(Timer::Asleep(key, job.bearer));
        }
        self.answered(now, job, status, reading, None, out);
    }

    /// A device registered: what was held for it goes to where it is now.
    pub(super) fn awaken(&mut self, now: Time, key: DeviceKey, out: &mut Vec<Output>) {
        for road in roads(key) {
            if let Some(job) = self.held(now, road, out) {
                self.timers.cancel(Timer::Asleep(key, road.bearer));
                let again = Job { flow: 0, ..job };
                self.send_next(now, Some(again), out);
            }
        }
    }

    /// A device that was woken did not register in time: it is not woken for each further push that was held as well.
    pub(super) fn stayed_asleep(
        &mut self,
        now: Time,
        key: DeviceKey,
        bearer: Bearer,
        out: &mut Vec<Output>,
    ) {
        let lane = Lane::Device(key);
        let road = Road { lane, bearer };
        let Some(job) = self.held(now, road, out) else {
            return;
        };
        let reading = Reading::Unheard("the device did not wake");
        for job in self.jobs.take_waiting(road) {
            self.come_to(now, job, ASLEEP, reading, None, out);
        }
        self.answered(now, job, ASLEEP, reading, None, out);
    }

    /// A connection is gone: devices that can be woken stay registered, without it.
    pub(super) fn fell_asleep(&mut self, flow: Flow) {
        for key in self.flows.all(flow) {
            let Some(device) = self.registry.device_mut(key) else {
                continue;
            };
            for route in &mut device.routes {
                if route.flow == flow && route.wake.is_some() {
                    route.flow = NO_FLOW;
                }
            }
            if !device.is_on(flow) {
                self.flows.leave(flow, key);
            }
        }
    }

    /// True while a device is being woken, or should have been.
    fn is_being_woken(&self, key: DeviceKey) -> bool {
        let legs = roads(key).map(|road| self.jobs.leg(road));
        legs.into_iter()
            .flatten()
            .any(|leg| !matches!(leg, Leg::Sip(_)))
    }

    /// Takes a SIR out of the bucket, when one is there.
    fn held(&mut self, now: Time, road: Road, out: &mut Vec<Output>) -> Option<Job> {
        let leg = self.jobs.leg(road)?;
        if matches!(leg, Leg::Sip(_)) {
            return None;
        }
        let (leg, job) = self.jobs.abandon(road)?;
        if let Leg::Dialogue(key) = leg {
            self.cut_dialogue(now, key, out);
        }
        Some(job)
    }
}

/// True while the device has a connection to us.
fn is_connected(route: &Route) -> bool {
    matches!(route.flow, Flow::Link(_)) && route.flow != NO_FLOW
}

/// The ways on which a SIR may be held for a device.
fn roads(key: DeviceKey) -> [Road; 2] {
    let lane = Lane::Device(key);
    [Bearer::Sip, Bearer::Signalling].map(|bearer| Road { lane, bearer })
}
