//! What would come of a submission: who gets what by which bearer, and the octets of the SIRs; nothing is sent.

use serde_json::{Value, json};

use super::Gateway;
use super::api;
use super::bearer::choice::Bearers;
use super::bearer::sip::{Envelope, Form, Way};
use super::bearer::{Job, Lane};
use super::push::asked;
use super::push::plan::{Deliveries, Devices, Fork, Plan, Waking};
use super::push::submission::{Group, Push, PushNo};
use super::registry::{Device, DeviceKey};
use crate::codec::annotated::{annotate, refused};
use crate::codec::sip::Method;
use crate::codec::{guess, hex};
use crate::event::{Bearer, Mode};
use crate::time::Time;
use crate::world::HttpResponse;

/// Stands where the transaction's name will stand.
const BRANCH: &str = "z9hG4bKpreview";

impl Gateway {
    /// The answer to `POST /api/v1/plan`, whose body is that of a submission.
    pub(super) fn preview(&self, now: Time, initiator: &str, body: &[u8]) -> HttpResponse {
        let fresh = "preview".to_owned();
        let asked = asked::of_json(body, fresh, &self.options(), &self.config.application);
        let push = match asked.and_then(|asked| self.imagined(now, initiator, asked)) {
            Ok(push) => push,
            Err(why) => return api::refused(&why),
        };
        let identities: Vec<Value> = push
            .groups
            .iter()
            .enumerate()
            .map(|(at, group)| self.preview_group(now, &push, at, group))
            .collect();
        api::ok(&json!({"schema": "sirgate.plan/1", "identities": identities}))
    }

    fn preview_group(&self, now: Time, push: &Push, at: usize, group: &Group) -> Value {
        let deliveries = match self.judge(now, push, at) {
            Plan::Deliver(deliveries) => deliveries,
            Plan::Refuse(excluded) => Deliveries {
                excluded,
                ..Deliveries::default()
            },
        };
        let all = self.registry.get(group.identity);
        let devices: Vec<Value> = all
            .into_iter()
            .flat_map(|identity| identity.devices.iter().enumerate())
            .filter(|(_, device)| !device.is_gone)
            .map(|(at, device)| self.preview_device(push, &deliveries, at, device))
            .collect();
        let sirs = match &deliveries.sir {
            Some(waking) => self.preview_sirs(now, push, at, group, waking),
            None => Vec::new(),
        };
        json!({
            "pui": group.pui,
            "mode": deliveries.sir.map(|sir| sir.mode),
            "devices": devices,
            "sirs": sirs,
        })
    }

    fn preview_device(
        &self,
        push: &Push,
        deliveries: &Deliveries,
        at: usize,
        device: &Device,
    ) -> Value {
        let is_woken = deliveries.sir.is_some_and(|sir| sir.to.has(at));
        let gets = if deliveries.direct.has(at) {
            "content"
        } else if is_woken {
            "sir"
        } else if deliveries.held.has(at) {
            "later"
        } else {
            "nothing"
        };
        let bearer = self.choice_of(push).of(device).next();
        json!({
            "dev": device.name,
            "kind": device.kind,
            "gets": gets,
            "wanted": deliveries.allowed.has(at),
            "named": deliveries.sir.is_some_and(|sir| sir.named.has(at)),
            "bearer": bearer.filter(|_| is_woken),
            "why": deliveries.excluded.why(at),
        })
    }

    /// One SIR for each device that gets one, or one for all that the core multiplies.
    fn preview_sirs(
        &self,
        now: Time,
        push: &Push,
        group: usize,
        of: &Group,
        waking: &Waking,
    ) -> Vec<Value> {
        let by_core = push.options.fork == Fork::Core;
        let forks = by_core && waking.mode != Mode::Targeted;
        let mut sirs = Vec::new();
        let mut is_forked = false;
        for at in waking.to.iter() {
            let key = DeviceKey {
                identity: of.identity,
                at,
            };
            let Some(device) = self.registry.device(key) else {
                continue;
            };
            let bearer = self.choice_of(push).of(device).next();
            let bearer = bearer.unwrap_or(Bearer::Sip);
            let is_sip = bearer == Bearer::Sip;
            if forks && is_sip && core::mem::replace(&mut is_forked, true) {
                continue;
            }
            let job = Job {
                push: PushNo(0),
                group,
                lane: match (by_core && is_sip, forks) {
                    (true, true) => Lane::Core(of.identity),
                    (true, false) => Lane::Through(key),
                    (false, _) => Lane::Device(key),
                },
                bearer,
                tried: Bearers::NONE,
                mode: waking.mode,
                named: match waking.mode {
                    Mode::Targeted => waking.named.and(Devices::one(at)),
                    _ => waking.named,
                },
                form: Form::default(),
                flow: 0,
                authorization: None,
            };
            sirs.push(self.preview_sir(now, push, of, &job));
        }
        sirs
    }

    fn preview_sir(&self, now: Time, push: &Push, of: &Group, job: &Job) -> Value {
        let named = self.ids(of.identity, job.named);
        let form = self.form_for(job);
        let sir = self.composed(push, &of.pui, job.mode, &named, form);
        let left = push.expires_at.since(now);
        let validity = self.config.sir_expires.min(left);
        let envelope = Envelope::new(&sir, job.mode, form, validity, now);
        let by_sip = matches!(job.bearer, Bearer::Sip);
        let way = self.way(job).filter(|_| by_sip);
        let (octets, format) = match way {
            Some((target, uri, path)) => {
                let way = Way {
                    uri: &uri,
                    path: &path,
                    call_id: &format!("preview@{}", self.config.host),
                    authorization: None,
                    trusted: self.is_trusted(&target),
                    method: Method::Message,
                };
                // What chance puts into the message is not to be used up by looking.
                let draft = envelope.wrap(&way, &mut self.random.clone());
                let via = format!("SIP/2.0/UDP {};branch={BRANCH}", self.config.host);
                (draft.octets_with_via(&via).to_vec(), "sir")
            }
            None => (envelope.wrapped().body.clone(), "sia"),
        };
        let read = guess::named(format).first().map(|format| {
            annotate(format, &octets, true).map_or_else(
                |fault| refused(format, &fault, &(format.spans)(&octets, true)),
                |read| read.to_json(),
            )
        });
        json!({
            "dev": self.lane_name(job.lane),
            "bearer": job.bearer,
            "content_type": envelope.wrapped().content_type,
            "hex": hex::digits(&octets),
            "read": read,
        })
    }
}
