//! What wakes a device, and how it leaves: a SIR by one of our bearers, or a request to a push service.
//!
//! **Source:** RFC 8599 section 5.3 (what is asked of a push service); spec/sip.md E.8.

use core::time::Duration;

use bytes::Bytes;

use crate::codec::sir::Wrapped;
use crate::event::Bearer;
use crate::gateway::Gateway;
use crate::gateway::bearer::push_service::PushService;
use crate::gateway::bearer::wake::Wake;
use crate::gateway::bearer::{Job, Leg, http, wsp};
use crate::gateway::carrying::Parcel;
use crate::gateway::registry::DeviceKey;
use crate::protocol::smpp::esme::Submission;
use crate::time::Time;
use crate::world::{Errand, HttpRequest, Output};

/// How long a short message that asks for a registration is worth to be delivered.
const RENEWED: Duration = Duration::from_secs(120);

/// What wakes a device, ready to leave.
pub(super) enum Call {
    /// To the device's own terminal.
    Terminal(HttpRequest),
    /// To a push service.
    Service(HttpRequest),
    /// In a dialogue of USSD with the device.
    Dialogue(DeviceKey, Box<Submission>),
    /// By another bearer.
    Parcel(Parcel),
}

impl Gateway {
    /// Wraps and addresses what wakes a device: that SIR, or a request that holds none. Without a job it is to renew its
    /// registration.
    pub(super) fn call_of(
        &mut self,
        key: DeviceKey,
        wake: &Wake,
        sir: &Wrapped,
        job: Option<&Job>,
        now: Time,
    ) -> Result<Call, &'static str> {
        let tid = u8::try_from(self.random.below(256)).unwrap_or_default();
        match wake {
            Wake::Number(bearer, to) => {
                if *bearer == Bearer::Ussd && self.is_in_dialogue(key) {
                    return Err("the mobile has another dialogue");
                }
                let parcel = match job {
                    Some(job) => self.short(job, to, sir, tid)?,
                    None => self.short_until(*bearer, to, sir, tid, now + RENEWED)?,
                };
                Ok(match parcel {
                    Parcel::Short(strings) if *bearer == Bearer::Ussd => {
                        Call::Dialogue(key, strings)
                    }
                    other => Call::Parcel(other),
                })
            }
            Wake::Datagram(peer) => {
                let (socket, _) = self.config.wsp.ok_or("no WSP socket is configured")?;
                let octets = wsp::datagram_of(sir, tid, None);
                let octets = octets.ok_or("the SIR is too long for a datagram")?;
                Ok(Call::Parcel(Parcel::Datagram(socket, *peer, octets)))
            }
            Wake::Http(address) => {
                let request = http::post(address, Vec::new(), http::push_of(sir));
                Ok(Call::Terminal(request))
            }
            Wake::Service(resource) => {
                let service = PushService::among(&self.config.wake, resource);
                let service = service.ok_or("its push service is not configured")?;
                Ok(Call::Service(service.request(resource)))
            }
        }
    }

    /// The name under which its outcome comes back.
    pub(super) fn leg_of(&mut self, call: &Call) -> Leg {
        match call {
            Call::Terminal(_) => Leg::Http(self.notices.fetch_id()),
            Call::Service(_) => Leg::PushService(self.notices.fetch_id()),
            Call::Dialogue(key, _) => Leg::Dialogue(*key),
            Call::Parcel(Parcel::Short(submission)) => Leg::Short(submission.id),
            Call::Parcel(_) => self.bucket(),
        }
    }

    /// The name of what nothing will be heard of.
    pub(super) fn bucket(&mut self) -> Leg {
        Leg::Bucket(self.client_id().0)
    }

    /// Sends what wakes a device.
    pub(super) fn leave(&mut self, now: Time, leg: Leg, call: Call, out: &mut Vec<Output>) {
        let job = self.jobs.get(leg).cloned();
        match (call, leg) {
            (
                Call::Terminal(request) | Call::Service(request),
                Leg::Http(id) | Leg::PushService(id),
            ) => {
                // The path at a push service may be a secret of the device. Terminals that hang keep no push service
                // from being asked.
                let (line, errand) = match leg {
                    Leg::Http(_) => ("POST /wappush HTTP/1.1", Errand::Device),
                    _ => ("POST HTTP/1.1", Errand::Wake),
                };
                if let Some(job) = &job {
                    self.wire_carried(now, job, ("http", line), &request.body, out);
                }
                out.push(Output::Fetch {
                    id,
                    errand,
                    request,
                });
            }
            (Call::Dialogue(key, strings), _) => self.begin_dialogue(now, key, *strings, out),
            (Call::Parcel(Parcel::Datagram(socket, peer, octets)), _) => {
                let octets = Bytes::from(octets);
                if let Some(job) = &job {
                    self.wire_carried(now, job, ("wsp", "Push"), &octets, out);
                }
                out.push(Output::Datagram {
                    socket,
                    peer,
                    octets,
                });
            }
            (Call::Parcel(Parcel::Short(submission)), _) => {
                self.submit_short(now, *submission, out);
            }
            // Nothing wakes a device by a session, and a request has the leg of one.
            (Call::Parcel(Parcel::Service(..)) | Call::Terminal(_) | Call::Service(_), _) => {}
        }
    }
}
