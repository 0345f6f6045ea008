//! Devices that subscribe to SIRs, and get them as NOTIFY where signalling is their bearer.
//!
//! **Source:** RFC 6665 sections 4.2.1 (a NOTIFY follows the SUBSCRIBE at once) and 4.4.1; requirement R2.59. To and From
//! of a NOTIFY are the subscription's, so addresses of the SIR are `X-Sirgate-To` and `-From`.

use core::time::Duration;
use std::collections::BTreeMap;

use super::Gateway;
use super::bearer::{Job, Leg};
use super::on_invite::NotAccepted;
use super::registry::DeviceKey;
use crate::codec::sip::{Draft, Message, Method};
use crate::protocol::sip::dialog::Dialog;
use crate::protocol::sip::endpoint::{self, Flow, ServerId, Target};
use crate::time::Time;
use crate::world::Output;

pub(super) use crate::codec::sir::EVENT;

/// Seconds a subscription lasts at most.
const LASTS: u32 = 3_600;

/// A subscription.
#[derive(Debug)]
pub(super) struct Watch {
    dialog: Dialog,
    flow: Flow,
    until: Time,
}

/// Subscriptions, one for each device.
pub(super) type Watches = BTreeMap<DeviceKey, Watch>;

impl Gateway {
    /// A device subscribes to its SIRs, or ends that with an Expires of 0.
    pub(super) fn on_watch(
        &mut self,
        now: Time,
        id: ServerId,
        flow: Flow,
        request: &Message,
        out: &mut Vec<Output>,
    ) {
        let Some(key) = self.sender_of(flow, request) else {
            let no = NotAccepted::new(403, "the device is not known");
            return self.decline(now, id, request, no, out);
        };
        let tag = self.random.token::<16>();
        let Ok(dialog) = Dialog::from_request(request, tag.as_str()) else {
            let no = NotAccepted::new(400, "the SUBSCRIBE makes no dialog");
            return self.decline(now, id, request, no, out);
        };
        let draft = Draft::response(request, 200, Some(tag.as_str()));
        self.watch(now, id, key, draft, (dialog, flow), request);
    }

    /// A device subscribes on; false when there is no such subscription.
    pub(super) fn on_watch_again(
        &mut self,
        now: Time,
        id: ServerId,
        flow: Flow,
        request: &Message,
    ) -> bool {
        let Some(key) = self.sender_of(flow, request) else {
            return false;
        };
        let known = self.watches.get(&key);
        if !known.is_some_and(|watch| watch.dialog.is_of(request)) {
            return false;
        }
        let Some(mut watch) = self.watches.remove(&key) else {
            return false;
        };
        if let Err(status) = watch.dialog.check_remote(request) {
            self.watches.insert(key, watch);
            let draft = self.answer(request, status);
            self.respond(id, draft);
            return true;
        }
        watch.dialog.refresh(request);
        let draft = Draft::response(request, 200, None);
        self.watch(now, id, key, draft, (watch.dialog, flow), request);
        true
    }

    fn watch(
        &mut self,
        now: Time,
        id: ServerId,
        key: DeviceKey,
        draft: Draft,
        (mut dialog, flow): (Dialog, Flow),
        request: &Message,
    ) {
        let lasts = request.expires().unwrap_or(LASTS).min(LASTS);
        let draft = draft
            .header("Server", "sirgate")
            .header("Contact", format_args!("<{}>", self.contact_of(flow)))
            .header("Expires", lasts);
        self.respond(id, draft);
        let state = match lasts {
            0 => "terminated;reason=timeout".to_owned(),
            _ => format!("active;expires={lasts}"),
        };
        let first = self.notify_of(&mut dialog, flow, &state);
        let id = self.client_id();
        self.todo.push_back(endpoint::Input::Request {
            id,
            draft: first,
            target: Target::Flow(flow),
        });
        if lasts == 0 {
            self.watches.remove(&key);
            return;
        }
        let watch = Watch {
            dialog,
            flow,
            until: now + Duration::from_secs(lasts.into()),
        };
        self.watches.insert(key, watch);
    }

    fn notify_of(&self, dialog: &mut Dialog, flow: Flow, state: &str) -> Draft {
        dialog
            .request(Method::Notify)
            .header("Contact", format_args!("<{}>", self.contact_of(flow)))
            .header("Event", EVENT)
            .header("Subscription-State", state)
    }

    /// Sends the SIR that was sealed last in the device's subscription; the job comes back when it has none.
    pub(super) fn send_notify(&mut self, now: Time, job: Job) -> Option<Job> {
        let key = job.lane.device().filter(|_| job.authorization.is_none());
        let watch = key.and_then(|key| self.watches.remove(&key));
        let (Some(key), Some(mut watch)) = (key, watch) else {
            return Some(job);
        };
        if now >= watch.until {
            return Some(job);
        }
        let left = watch.until.since(now).as_secs();
        let state = format!("active;expires={left}");
        let mut draft = self.notify_of(&mut watch.dialog, watch.flow, &state);
        let Some(wrapped) = self.wrapped() else {
            return Some(job);
        };
        for (name, value) in wrapped.rows() {
            draft = draft.header(name, value);
        }
        let draft = draft.body(&wrapped.content_type, &wrapped.body);
        let target = Target::Flow(watch.flow);
        self.watches.insert(key, watch);
        let id = self.client_id();
        self.jobs.sent(Leg::Sip(id), job, Some(target));
        self.todo
            .push_back(endpoint::Input::Request { id, draft, target });
        None
    }

    /// A NOTIFY brought that status: true when its subscription is gone by that, and the SIR may go as OPTIONS.
    pub(super) fn is_unwatched(&mut self, job: &Job, status: u16) -> bool {
        let is_gone = matches!(status, 408 | 430 | 481 | 489 | 503);
        let key = job.lane.device().filter(|_| is_gone);
        key.is_some_and(|key| self.watches.remove(&key).is_some())
    }
}
