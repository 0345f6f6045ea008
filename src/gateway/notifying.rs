//! Pushes that go as notifications of a vendor's push service: what leaves, and what comes of it.
//!
//! **Source:** requirements R1.42 to R1.44. A service that has a notification ends the delivery: nothing more is heard of
//! the device. A token that is gone is taken from the device, and its next bearer is tried.

use std::collections::BTreeMap;

use super::Gateway;
use super::bearer::sip::Reading;
use super::bearer::vendor::{Notification, Verdict, words_of};
use super::bearer::{Job, Leg, apns, fcm};
use super::push::delivery::Ending;
use super::snapshot;
use crate::event::{Bearer, Via};
use crate::time::Time;
use crate::world::{Errand, FetchError, FetchId, HttpRequest, HttpResponse, Output};

/// The services, and what is under way to them.
#[derive(Debug, Default)]
pub(super) struct Vendors {
    pub(super) apns: Option<apns::Apns>,
    pub(super) fcm: Option<fcm::Fcm>,
    open: BTreeMap<FetchId, Open>,
}

/// A notification under way.
#[derive(Debug)]
struct Open {
    by: Bearer,
    notification: Notification,
    /// We have shown who we are anew for it.
    renewed: bool,
}

impl Vendors {
    /// Those that are configured.
    pub(super) fn new(config: &super::config::Config) -> Self {
        Self {
            apns: config.apns.clone(),
            fcm: config.fcm.clone(),
            open: BTreeMap::new(),
        }
    }

    /// The request of a notification; `None` while access to the service is waited for.
    fn request(&mut self, now: Time, of: &Open) -> Result<Option<HttpRequest>, &'static str> {
        let none = "the push service is not configured";
        match of.by {
            Bearer::Apns => {
                let apns = self.apns.as_mut().ok_or(none)?;
                apns.request(now, &of.notification).map(Some)
            }
            _ => {
                let fcm = self.fcm.as_ref().ok_or(none)?;
                fcm.request(now, &of.notification)
            }
        }
    }
}

impl Gateway {
    /// Sends the content of a push as a notification; false when nothing is under way then.
    pub(super) fn send_to_vendor(&mut self, now: Time, job: Job, out: &mut Vec<Output>) -> bool {
        let notification = match self.notification_of(&job) {
            Ok(notification) => notification,
            Err(why) => {
                self.fail(now, &job, why, out);
                return false;
            }
        };
        let id = self.notices.fetch_id();
        let open = Open {
            by: job.bearer,
            notification,
            renewed: false,
        };
        self.report_content(now, &job, Via::Http, out);
        self.jobs.sent(Leg::Vendor(id), job, None);
        self.give(now, id, open, out);
        true
    }

    fn notification_of(&self, job: &Job) -> Result<Notification, &'static str> {
        let device = job.lane.device().and_then(|key| self.registry.device(key));
        let addresses = &device.ok_or("the device is gone")?.profile.addresses;
        let token = match job.bearer {
            Bearer::Apns => addresses.apns.clone(),
            _ => addresses.fcm.clone(),
        };
        let push = self.ledger.get(job.push).ok_or("the push is over")?;
        let words = words_of(&push.content);
        let (text, href) = words.ok_or("a push service carries short texts alone")?;
        let mut own = BTreeMap::from([
            ("app".to_owned(), push.content.application.clone()),
            ("push".to_owned(), push.push_id.clone()),
        ]);
        own.extend(href.map(|href| ("href".to_owned(), href)));
        Ok(Notification {
            token: token.ok_or("the device has no token of the push service")?,
            text,
            until: push.expires_at,
            own,
            ..Notification::default()
        })
    }

    /// Sends a notification, or first asks for access to the service.
    fn give(&mut self, now: Time, id: FetchId, open: Open, out: &mut Vec<Output>) {
        let errand = Errand::Wake;
        let made = self.vendors.request(now, &open);
        self.vendors.open.insert(id, open);
        let asked = match (made, self.vendors.fcm.as_mut()) {
            (Ok(Some(request)), _) => {
                if let Some(job) = self.jobs.get(Leg::Vendor(id)) {
                    // The token in the path is a secret of the device.
                    self.wire_carried(now, job, ("http", "POST HTTP/2"), &request.body, out);
                }
                out.push(Output::Fetch {
                    id,
                    errand,
                    request,
                });
                return;
            }
            (Ok(None), Some(fcm)) => fcm.wait(now, id, || self.notices.fetch_id()),
            (Ok(None), None) => Err("the push service is not configured"),
            (Err(why), _) => Err(why),
        };
        match asked {
            Ok(Some((id, request))) => out.push(Output::Fetch {
                id,
                errand,
                request,
            }),
            Ok(None) => {}
            Err(why) => self.ruled(now, id, Verdict::Refused(why), out),
        }
    }

    /// What a push service answered; false when the fetch was for something else.
    pub(super) fn on_notified(
        &mut self,
        now: Time,
        id: FetchId,
        response: &Result<HttpResponse, FetchError>,
        out: &mut Vec<Output>,
    ) -> bool {
        let fcm = self.vendors.fcm.as_mut();
        if let Some((waiting, verdict)) = fcm.and_then(|it| it.answered(now, id, response)) {
            for id in waiting {
                match (&verdict, self.vendors.open.remove(&id)) {
                    (_, None) => {}
                    (None, Some(open)) => self.give(now, id, open, out),
                    (Some(verdict), Some(open)) => {
                        self.vendors.open.insert(id, open);
                        self.ruled(now, id, *verdict, out);
                    }
                }
            }
            return true;
        }
        let Some(open) = self.vendors.open.get(&id) else {
            return false;
        };
        let verdict = match open.by {
            Bearer::Apns => apns::read(response),
            _ => fcm::read(response),
        };
        let wants_anew = verdict == Verdict::Renew && !open.renewed;
        if let (Ok(answer), Some(job)) = (response, self.jobs.get(Leg::Vendor(id))) {
            let line = format!("HTTP/2 {}", answer.status);
            self.wire_answered(now, job, ("http", &line), &answer.body, out);
        }
        if wants_anew {
            self.show_anew(now, id, out);
        } else {
            self.ruled(now, id, verdict, out);
        }
        true
    }

    /// Shows who we are anew, and sends the notification again.
    fn show_anew(&mut self, now: Time, id: FetchId, out: &mut Vec<Output>) {
        let Some(open) = self.vendors.open.remove(&id) else {
            return;
        };
        match (open.by, &mut self.vendors) {
            (
                Bearer::Apns,
                Vendors {
                    apns: Some(own), ..
                },
            ) => own.provider.renew(now),
            (_, Vendors { fcm: Some(own), .. }) => own.renew(),
            _ => {}
        }
        let again = self.notices.fetch_id();
        if let Some(job) = self.jobs.answered(Leg::Vendor(id)) {
            self.jobs.sent(Leg::Vendor(again), job, None);
            let open = Open {
                renewed: true,
                ..open
            };
            self.give(now, again, open, out);
        }
    }

    /// Does what came of a notification.
    fn ruled(&mut self, now: Time, id: FetchId, verdict: Verdict, out: &mut Vec<Output>) {
        let leg = Leg::Vendor(id);
        let open = self.vendors.open.remove(&id);
        let (status, reading) = match verdict {
            Verdict::Taken => return self.taken_by_vendor(now, leg, out),
            Verdict::Gone(why) => {
                if let Some(open) = open {
                    self.forget_token(leg, &open, out);
                }
                (410, Reading::Failed(why))
            }
            Verdict::Later(_, after) => (503, Reading::Later(after)),
            Verdict::Renew => (403, Reading::Later(None)),
            Verdict::Refused(why) => (403, Reading::Failed(why)),
            Verdict::Unheard(why) => (408, Reading::Unheard(why)),
        };
        self.on_carried(now, leg, status, reading, out);
    }

    fn taken_by_vendor(&mut self, now: Time, leg: Leg, out: &mut Vec<Output>) {
        let Some(job) = self.jobs.answered(leg) else {
            return;
        };
        let ending = Ending {
            reason: format!("taken by {}", job.bearer.word()),
            ..Ending::delivered(now)
        };
        for at in self.waking(&job).iter() {
            self.end_one(now, job.push, job.group, at, ending.clone(), out);
        }
        let next = self.jobs.next(job.road());
        self.send_next(now, next, out);
    }

    /// Takes a token that is gone from its device, unless the device has told another one since (R1.44).
    fn forget_token(&mut self, leg: Leg, open: &Open, out: &mut Vec<Output>) {
        let key = self.jobs.get(leg).and_then(|job| job.lane.device());
        let Some(key) = key else { return };
        let Some(device) = self.registry.device_mut(key) else {
            return;
        };
        let addresses = &mut device.profile.addresses;
        let own = match open.by {
            Bearer::Apns => &mut addresses.apns,
            _ => &mut addresses.fcm,
        };
        let is_it = |token: &mut String| *token == open.notification.token;
        if own.take_if(is_it).is_none() {
            return;
        }
        if let Some(identity) = self.registry.get(key.identity) {
            out.push(Output::Save(snapshot::identity(identity)));
        }
    }
}
