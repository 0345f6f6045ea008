//! Devices that sleep: a SIR for one wakes it by the bearer it registered with, and is held until it registers anew.
//!
//! **Source:** RFC 8599 sections 5.3 to 5.6 (waking, the bucket); spec/sip.md E.8. A device is awake while its connection
//! stands, and for the time of the bucket after each of its registrations.
//!
//! ```text
//!         asleep              taken, or unconfirmed           REGISTER
//! SIR ──────────▶ knocking ─────────────────────────▶ held ────────────▶ sent by SIP to the new registration
//!                    │ refused, unreachable             │ 20 s
//!                    └──────────────────────────────────┴──▶ 480: the next bearer, or later
//! ```

use core::time::Duration;

use bytes::Bytes;

use super::bearer::sip::{Form, Reading};
use super::bearer::wake::Wake;
use super::bearer::{Job, Lane, Leg, Road, http, wsp};
use super::carrying::Parcel;
use super::registry::DeviceKey;
use super::{Gateway, Timer};
use crate::event::Bearer;
use crate::protocol::sip::endpoint::Flow;
use crate::protocol::sip::registrar::NO_FLOW;
use crate::time::Time;
use crate::world::{FetchError, FetchId, HttpRequest, HttpResponse, Output};

/// How long a SIR waits for its device to register: less than the 32 s after which a request fails (RFC 8599 section 5.6.2).
pub(super) const BUCKET: Duration = Duration::from_secs(20);
/// What a SIR comes to whose device stays asleep (RFC 8599 section 5.6.2).
const ASLEEP: u16 = 480;

/// What wakes a device, ready to leave.
enum Call {
    Request(HttpRequest),
    Parcel(Parcel),
}

impl Gateway {
    /// What wakes the device of a SIR that would go by SIP, when it sleeps.
    pub(super) fn asleep(&self, now: Time, job: &Job) -> Option<Wake> {
        let Lane::Device(key) = job.lane else {
            return None;
        };
        let route = self.registry.device(key)?.routes.get(job.flow)?;
        let wake = route.wake.as_ref()?;
        let is_connected = matches!(route.flow, Flow::Link(_)) && route.flow != NO_FLOW;
        let is_fresh = now < route.registered_at + BUCKET;
        (!is_connected && !is_fresh).then(|| wake.clone())
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
        let knock = Job {
            bearer: wake.bearer(),
            ..job.clone()
        };
        let fact = self.sent(push, &knock, ids);
        match self.call_of(wake, &knock) {
            Ok(call) => {
                self.report(now, fact, out);
                self.timers.set(Timer::Asleep(key), now + BUCKET);
                self.hand_out(now, job, call, out);
                true
            }
            Err(why) => {
                self.unheard(now, &job, why, out);
                false
            }
        }
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
            self.timers.cancel(Timer::Asleep(key));
        }
        self.answered(now, job, status, reading, None, out);
    }

    /// What came of waking a device over HTTP; false when the fetch was for something else.
    pub(super) fn on_woken(
        &mut self,
        now: Time,
        id: FetchId,
        response: &Result<HttpResponse, FetchError>,
        out: &mut Vec<Output>,
    ) -> bool {
        let leg = Leg::Http(id);
        let Some(job) = self.jobs.get(leg) else {
            return false;
        };
        if let Ok(answer) = response {
            let line = format!("HTTP/1.1 {}", answer.status);
            self.wire_answered(now, job, ("http", &line), &answer.body, out);
        }
        let (status, reading) = http::read(response);
        self.on_carried(now, leg, status, reading, out)
    }

    /// A device registered: what was held for it goes to where it is now.
    pub(super) fn awaken(&mut self, now: Time, key: DeviceKey, out: &mut Vec<Output>) {
        for road in roads(key) {
            if let Some(job) = self.held(road) {
                self.timers.cancel(Timer::Asleep(key));
                let again = Job { flow: 0, ..job };
                self.send_next(now, Some(again), out);
            }
        }
    }

    /// A device that was woken did not register in time.
    pub(super) fn stayed_asleep(&mut self, now: Time, key: DeviceKey, out: &mut Vec<Output>) {
        for road in roads(key) {
            if let Some(job) = self.held(road) {
                let reading = Reading::Unheard("the device did not wake");
                self.answered(now, job, ASLEEP, reading, None, out);
            }
        }
    }

    /// A connection is gone: devices that can be woken stay registered, without it.
    pub(super) fn fell_asleep(&mut self, flow: Flow) {
        let key = self.flows.get(&flow).copied();
        let Some(device) = key.and_then(|key| self.registry.device_mut(key)) else {
            return;
        };
        let mut sleeps = false;
        for route in &mut device.routes {
            if route.flow == flow && route.wake.is_some() {
                route.flow = NO_FLOW;
                sleeps = true;
            }
        }
        if sleeps {
            self.flows.remove(&flow);
        }
    }

    /// Takes a SIR out of the bucket, when one is there.
    fn held(&mut self, road: Road) -> Option<Job> {
        let leg = self.jobs.leg(road)?;
        if matches!(leg, Leg::Sip(_)) {
            return None;
        }
        self.jobs.abandon(road).map(|(_, job)| job)
    }

    fn bucket(&mut self) -> Leg {
        Leg::Bucket(self.client_id().0)
    }

    /// Wraps and addresses the SIR that was sealed last.
    fn call_of(&mut self, wake: &Wake, knock: &Job) -> Result<Call, &'static str> {
        let tid = u8::try_from(self.random.below(256)).unwrap_or_default();
        let sir = self.wrapped().ok_or("the push is over")?.clone();
        match wake {
            Wake::Number(_, to) => self.short(knock, to, &sir, tid).map(Call::Parcel),
            Wake::Datagram(peer) => {
                let (socket, _) = self.config.wsp.ok_or("no WSP socket is configured")?;
                let octets = wsp::datagram_of(&sir, tid);
                let octets = octets.ok_or("the SIR is too long for a datagram")?;
                Ok(Call::Parcel(Parcel::Datagram(socket, *peer, octets)))
            }
            Wake::Http(address) => {
                let request = http::post(address, Vec::new(), http::push_of(&sir));
                Ok(Call::Request(request))
            }
        }
    }

    /// Sends what wakes a device; the SIR is held from then on.
    fn hand_out(&mut self, now: Time, job: Job, call: Call, out: &mut Vec<Output>) {
        match call {
            Call::Request(request) => {
                let id = self.notices.fetch_id();
                let what = ("http", "POST /wappush HTTP/1.1");
                self.wire_carried(now, &job, what, &request.body, out);
                self.jobs.sent(Leg::Http(id), job, None);
                out.push(Output::Fetch { id, request });
            }
            Call::Parcel(Parcel::Datagram(socket, peer, octets)) => {
                let octets = Bytes::from(octets);
                self.wire_carried(now, &job, ("wsp", "Push"), &octets, out);
                let leg = self.bucket();
                self.jobs.sent(leg, job, None);
                out.push(Output::Datagram {
                    socket,
                    peer,
                    octets,
                });
            }
            Call::Parcel(Parcel::Short(submission)) => {
                for part in &submission.parts {
                    self.wire_carried(now, &job, ("sms", "submit_sm"), part, out);
                }
                self.jobs.sent(Leg::Short(submission.id), job, None);
                self.submit_short(now, *submission, out);
            }
            // Nothing wakes a device by a session.
            Call::Parcel(Parcel::Service(..)) => {}
        }
    }
}

/// The ways on which a SIR may be held for a device.
fn roads(key: DeviceKey) -> [Road; 2] {
    let lane = Lane::Device(key);
    [Bearer::Sip, Bearer::Signalling].map(|bearer| Road { lane, bearer })
}
