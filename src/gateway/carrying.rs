//! SIRs on other bearers than SIP: what leaves, and what comes of it.
//!
//! **Source:** requirements R2.52 to R2.61; wrapping and reading are in `gateway::bearer`.

use std::net::SocketAddr;

use bytes::Bytes;

use super::Gateway;
use super::bearer::sip::{Form, Reading};
use super::bearer::smpp::{self, Between};
use super::bearer::{Job, Leg, wsp};
use super::centre::Centre;
use super::push::delivery::Ending;
use super::sessions::SessionNo;
use crate::codec::pap::DeliveryMethod;
use crate::codec::sir::Wrapped;
use crate::event::{Bearer, Fact, Via};
use crate::gateway::registry::Device;
use crate::protocol::msrp;
use crate::protocol::smpp::esme::Submission;
use crate::time::Time;
use crate::world::{Output, SocketId};

/// A SIR, wrapped and addressed.
pub(super) enum Parcel {
    Datagram(SocketId, SocketAddr, Vec<u8>),
    Service(SessionNo, Wrapped),
    Short(Box<Submission>),
}

impl Gateway {
    /// Sends a SIR on another bearer than SIP; false when nothing is under way then.
    pub(super) fn send_otherwise(&mut self, now: Time, job: Job, out: &mut Vec<Output>) -> bool {
        if job.bearer == Bearer::Http {
            return self.post(now, job, out);
        }
        if matches!(job.bearer, Bearer::Apns | Bearer::Fcm) {
            return self.send_to_vendor(now, job, out);
        }
        if job.bearer == Bearer::Web {
            self.store(now, &job, out);
            return false;
        }
        if self.send_unconfirmed(now, &job, out) {
            return false;
        }
        let job = match self.adopt_short(now, job, out) {
            Ok(()) => return true,
            Err(job) => job,
        };
        let ids = self.seal(now, &job, Form::default());
        let Some((push, ids)) = self.ledger.get(job.push).zip(ids) else {
            return false;
        };
        let fact = self.sent(push, &job, ids);
        match self.parcel(&job) {
            Ok(parcel) => {
                if let Parcel::Short(submission) = &parcel {
                    self.report_sent(now, Leg::Short(submission.id), fact, out);
                } else {
                    self.report(now, fact, out);
                }
                self.dispatch(now, job, parcel, out)
            }
            Err(why) => {
                self.unheard(now, &job, why, out);
                false
            }
        }
    }

    /// Wraps and addresses the SIR that was sealed last.
    fn parcel(&mut self, job: &Job) -> Result<Parcel, &'static str> {
        let tid = u8::try_from(self.random.below(256)).unwrap_or_default();
        let device = job.lane.device().and_then(|key| self.registry.device(key));
        let (Some(device), Some(wrapped)) = (device, self.wrapped()) else {
            return Err("the device is gone");
        };
        match job.bearer {
            Bearer::Wsp => self.datagram(device, wrapped, tid, None),
            Bearer::Ps if device.profile.addresses.wsp.is_some() && self.config.wsp.is_some() => {
                self.datagram(device, wrapped, tid, Some(wsp::PACKET))
            }
            Bearer::Sms | Bearer::Ussd | Bearer::Cs | Bearer::Ps => {
                let to = device.profile.addresses.msisdn.clone();
                let to = to.ok_or("the device has no telephone number")?;
                let sir = wrapped.clone();
                self.short(job, &to, &sir, tid)
            }
            Bearer::Service => {
                let no = device.service.ok_or("the service session ended")?;
                Ok(Parcel::Service(SessionNo(no), wrapped.clone()))
            }
            Bearer::Sip
            | Bearer::Signalling
            | Bearer::Http
            | Bearer::Web
            | Bearer::Apns
            | Bearer::Fcm => Err("not a bearer of this kind"),
        }
    }

    fn datagram(
        &self,
        device: &Device,
        sir: &Wrapped,
        tid: u8,
        bearer: Option<u8>,
    ) -> Result<Parcel, &'static str> {
        let (socket, _) = self.config.wsp.ok_or("no WSP socket is configured")?;
        let peer = device.profile.addresses.wsp;
        let peer = peer.ok_or("the device has no WSP address")?;
        let octets =
            wsp::datagram_of(sir, tid, bearer).ok_or("the SIR is too long for a datagram")?;
        Ok(Parcel::Datagram(socket, peer, octets))
    }

    /// Sends the content itself where the initiator wants no confirmation and a datagram holds it; false when it does
    /// not go so. Nothing more is heard of it (WAP-249 section 5.1: `delivered`).
    fn send_unconfirmed(&mut self, now: Time, job: &Job, out: &mut Vec<Output>) -> bool {
        let tid = u8::try_from(self.random.below(256)).unwrap_or_default();
        let Some((socket, peer, octets)) = self.unconfirmed_content(job, tid) else {
            return false;
        };
        self.report_content(now, job, Via::Wsp, out);
        let octets = Bytes::from(octets);
        self.wire_carried(now, job, ("wsp", "Push"), &octets, out);
        out.push(Output::Datagram {
            socket,
            peer,
            octets,
        });
        let ending = Ending {
            reason: "sent without confirmation".to_owned(),
            ..Ending::delivered(now)
        };
        for at in self.waking(job).iter() {
            self.end_one(now, job.push, job.group, at, ending.clone(), out);
        }
        true
    }

    fn unconfirmed_content(&self, job: &Job, tid: u8) -> Option<(SocketId, SocketAddr, Vec<u8>)> {
        let push = self.ledger.get(job.push)?;
        let method = push.quality.as_ref()?.delivery_method;
        let is_by_datagram = matches!(job.bearer, Bearer::Wsp | Bearer::Ps);
        if method != DeliveryMethod::Unconfirmed
            || !is_by_datagram
            || push.options.devices_judge
            || self.waking(job).is_empty()
        {
            return None;
        }
        let (socket, _) = self.config.wsp?;
        let peer = self.registry.device(job.lane.device()?)?;
        let octets = wsp::content_of(push, tid)?;
        Some((socket, peer.profile.addresses.wsp?, octets))
    }

    /// Tells that a content leaves without a session.
    pub(super) fn report_content(&self, now: Time, job: &Job, via: Via, out: &mut Vec<Output>) {
        if let Some(push) = self.ledger.get(job.push) {
            let fact = Fact::PushTx {
                push: push.push_id.clone(),
                dev: self.lane_name(job.lane),
                via,
                octets: push.content.octets,
            };
            self.report(now, fact, out);
        }
    }

    pub(super) fn short(
        &mut self,
        job: &Job,
        to: &str,
        sir: &Wrapped,
        push_id: u8,
    ) -> Result<Parcel, &'static str> {
        if self.centre.as_ref().is_some_and(|centre| centre.is_down) {
            self.strand_short(job);
            return Err("the message centre is out of reach");
        }
        if job.bearer == Bearer::Ussd
            && let Some(key) = job.lane.device()
            && self.is_in_dialogue(key)
        {
            return Err("the mobile has another dialogue");
        }
        let push = self.ledger.get(job.push).ok_or("the push is over")?;
        let until = push.expires_at;
        self.short_until(job.bearer, to, sir, push_id, until)
    }

    /// A SIR in short messages or strings, worth to be delivered until then.
    pub(super) fn short_until(
        &mut self,
        bearer: Bearer,
        to: &str,
        sir: &Wrapped,
        push_id: u8,
        until: Time,
    ) -> Result<Parcel, &'static str> {
        let reference = u16::try_from(self.random.below(1 << 16)).unwrap_or_default();
        let none = "no message centre is configured";
        let centre = self.centre.as_mut().ok_or(none)?;
        let from = &self.config.smsc.as_ref().ok_or(none)?.short_code;
        let between = Between {
            from,
            to,
            reference,
            push_id,
            until,
        };
        let submission = smpp::submission_of(centre.number(), bearer, sir, &between);
        let submission = submission.ok_or("no short message holds the SIR")?;
        Ok(Parcel::Short(Box::new(submission)))
    }

    fn dispatch(&mut self, now: Time, job: Job, parcel: Parcel, out: &mut Vec<Output>) -> bool {
        match parcel {
            Parcel::Datagram(socket, peer, octets) => {
                let octets = Bytes::from(octets);
                self.wire_carried(now, &job, ("wsp", "Push"), &octets, out);
                out.push(Output::Datagram {
                    socket,
                    peer,
                    octets,
                });
                self.unconfirmed(now, &job);
                false
            }
            Parcel::Short(submission) => {
                let delays = self.centre.as_ref().and_then(Centre::delays);
                self.delay(&job, delays);
                if let (Bearer::Ussd, Some(key)) = (job.bearer, job.lane.device()) {
                    return self.open_dialogue(now, job, key, *submission, out);
                }
                self.note_short(now, &job, submission.id, out);
                self.jobs.sent(Leg::Short(submission.id), job, None);
                self.submit_short(now, *submission, out);
                true
            }
            Parcel::Service(no, sir) => self.send_in_service(now, job, no, &sir, out),
        }
    }

    pub(super) fn is_wsp(&self, socket: SocketId) -> bool {
        self.config.wsp.is_some_and(|(own, _)| own == socket)
    }

    /// Nothing is served on the socket of WSP: what a device has to say comes another way.
    pub(super) fn refuse_wsp(
        &self,
        now: Time,
        peer: SocketAddr,
        octets: usize,
        out: &mut Vec<Output>,
    ) {
        let from = peer.to_string();
        let why = format!("a WSP datagram of {octets} octets");
        self.report(now, Fact::Refused { from, why }, out);
    }

    /// A SIR left that nobody confirms: the device's session is the answer.
    fn unconfirmed(&mut self, now: Time, job: &Job) {
        for at in self.waking(job).iter() {
            let place = (job.push, job.group, at);
            self.unsure.insert(place, job.clone());
        }
        self.taken(now, job, false);
    }

    fn send_in_service(
        &mut self,
        now: Time,
        job: Job,
        no: SessionNo,
        sir: &Wrapped,
        out: &mut Vec<Output>,
    ) -> bool {
        let Some(session) = self.sessions.get_mut(no) else {
            self.unheard(now, &job, "the service session ended", out);
            return false;
        };
        let id = session.number();
        session.sirs.push(id);
        self.jobs.sent(Leg::Service(no, id), job, None);
        let rows = sir.rows();
        let headers = rows.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let event = msrp::In::Send {
            id,
            content_type: sir.content_type.clone(),
            headers: headers.collect(),
            body: sir.body.clone().into(),
            success_report: false,
        };
        self.tell(now, no, event, out);
        true
    }

    /// A SIR in a service session arrived, or failed with that code; false when the message was something else.
    pub(super) fn on_service_answer(
        &mut self,
        now: Time,
        no: SessionNo,
        id: u64,
        code: u16,
        out: &mut Vec<Output>,
    ) -> bool {
        if let Some(session) = self.sessions.get_mut(no) {
            session.sirs.retain(|own| *own != id);
        }
        let reading = match code {
            200 => Reading::Taken { long: false },
            415 | 501 => Reading::Failed("the service session takes no SIR"),
            _ => Reading::Unheard("the service session took no SIR"),
        };
        self.on_carried(now, Leg::Service(no, id), code, reading, out)
    }
}
