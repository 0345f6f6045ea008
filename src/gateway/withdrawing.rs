//! Short messages and strings after they were submitted: kept on record, taken back when nobody needs them any more, given
//! to the next bearer when the way to the message centre is down.
//!
//! **Source:** SMPP 3.4 sections 4.8 and 4.9; requirements R2.54, R2.61.

use super::bearer::outstanding::Place;
use super::bearer::{Job, Leg};
use super::push::delivery::Accepted;
use super::push::submission::PushNo;
use super::registry::DeviceKey;
use super::{Gateway, Timer, snapshot};
use crate::event::{Bearer, Outcome};
use crate::protocol::smpp::esme::In;
use crate::protocol::smpp::{Address, Envelope};
use crate::time::Time;
use crate::world::Output;

impl Gateway {
    /// Notes a submission that may reach the device of a job; one before it by the same bearer is taken back.
    pub(super) fn note_short(&mut self, now: Time, job: &Job, id: u64, out: &mut Vec<Output>) {
        let Some((centre, key)) = self.centre.as_mut().zip(job.lane.device()) else {
            return;
        };
        let place = (job.push, job.group, key.at);
        if let Some(older) = centre.outstanding.note(place, job.bearer, id) {
            self.take_back_short(now, older, out);
        }
    }

    /// The message centre has a submission: its names for the parts go on record, so that a restart finds the receipts.
    pub(super) fn short_accepted(
        &mut self,
        id: u64,
        message_ids: Vec<String>,
        out: &mut Vec<Output>,
    ) {
        let Some(job) = self.jobs.get(Leg::Short(id)) else {
            return;
        };
        let (no, group, bearer) = (job.push, job.group, job.bearer);
        let Some(key) = job.lane.device() else { return };
        let push = self.ledger.get_mut(no);
        if let Some(delivery) = push.and_then(|push| push.delivery_mut(group, key.at)) {
            delivery.accepted = Some(Accepted {
                bearer,
                message_ids,
            });
            if let Some(push) = self.ledger.get(no).filter(|push| !push.is_ended()) {
                out.push(Output::Save(snapshot::push(push, &self.registry)));
            }
        }
    }

    /// Waits on for a short message that the message centre took before a restart; the job comes back when there is none.
    pub(super) fn adopt_short(
        &mut self,
        now: Time,
        job: Job,
        out: &mut Vec<Output>,
    ) -> Result<(), Job> {
        let Some(envelope) = self.envelope_of(&job) else {
            return Err(job);
        };
        let at = job.lane.device().map_or(0, |key| key.at);
        let push = self.ledger.get_mut(job.push);
        let delivery = push.and_then(|push| push.delivery_mut(job.group, at));
        let is_its = |accepted: &Accepted| accepted.bearer == job.bearer;
        let Some(accepted) = delivery.and_then(|it| it.restored.take_if(|it| is_its(it))) else {
            return Err(job);
        };
        let Some(id) = self.centre.as_mut().map(super::centre::Centre::number) else {
            return Err(job);
        };
        self.note_short(now, &job, id, out);
        self.jobs.sent(Leg::Short(id), job, None);
        let expected = In::Expect {
            id,
            envelope,
            message_ids: accepted.message_ids,
        };
        self.tell_centre(now, expected, out);
        Ok(())
    }

    /// What names the short messages of a job beside their numbers.
    fn envelope_of(&self, job: &Job) -> Option<Envelope> {
        let device = self.registry.device(job.lane.device()?)?;
        Some(Envelope {
            service_type: String::new(),
            source: Address::of(&self.config.smsc.as_ref()?.short_code),
            destination: Address::of(device.profile.addresses.msisdn.as_deref()?),
        })
    }

    /// Takes back what may still reach the devices of these deliveries, and of the whole push when it is over.
    pub(super) fn withdraw(
        &mut self,
        now: Time,
        no: PushNo,
        ended: &[(usize, usize)],
        is_over: bool,
        out: &mut Vec<Output>,
    ) {
        let Some(centre) = self.centre.as_ref() else {
            return;
        };
        let mut places: Vec<Place> = ended.iter().map(|(group, at)| (no, *group, *at)).collect();
        if is_over {
            places.extend(centre.outstanding.of_push(no));
        }
        for place in places {
            self.withdraw_one(now, place, out);
            self.stop_dialogue(now, place, out);
        }
    }

    fn withdraw_one(&mut self, now: Time, place: Place, out: &mut Vec<Output>) {
        let Some(centre) = self.centre.as_mut() else {
            return;
        };
        centre.stranded.remove(&place);
        let taken = centre.outstanding.take(place);
        let push = self.ledger.get(place.0);
        let delivery = push.and_then(|push| push.delivery(place.1, place.2));
        // What brought the device to connect has been delivered; its receipt is on the way.
        let brought = delivery.and_then(|delivery| {
            let is_delivered = delivery.ending()?.outcome == Outcome::Delivered;
            delivery.bearer.filter(|_| is_delivered)
        });
        for (bearer, id) in taken {
            // One that has not left, or that the message centre put off, brought nobody.
            let waits = self.centre.as_ref().is_some_and(|it| it.waits(id));
            if brought == Some(bearer) && !waits {
                self.jobs.answered(Leg::Short(id));
            } else {
                self.take_back_short(now, id, out);
            }
        }
    }

    fn take_back_short(&mut self, now: Time, id: u64, out: &mut Vec<Output>) {
        // Nobody waits for what becomes of it any more.
        self.jobs.answered(Leg::Short(id));
        self.tell_centre(now, In::Cancel { id }, out);
    }

    /// Ends the dialogue with a device of which strings have not gone; the last one is let be answered.
    fn stop_dialogue(&mut self, now: Time, (no, group, at): Place, out: &mut Vec<Output>) {
        let of = self.ledger.get(no).and_then(|push| push.groups.get(group));
        let Some(key) = of.map(|of| DeviceKey {
            identity: of.identity,
            at,
        }) else {
            return;
        };
        let is_its = |job: &Job| job.push == no && job.group == group;
        let Some(centre) = self.centre.as_ref() else {
            return;
        };
        if !centre.dialogues.is_unfinished(key)
            || !self.jobs.get(Leg::Dialogue(key)).is_some_and(is_its)
        {
            return;
        }
        let Some(job) = self.jobs.answered(Leg::Dialogue(key)) else {
            return;
        };
        self.cut_dialogue(now, key, out);
        if job.bearer != Bearer::Ussd {
            // It was to wake the device, for which nothing is held now.
            self.timers.cancel(Timer::Asleep(key, job.bearer));
        }
        let road = job.road();
        let next = self.jobs.next(road);
        self.send_next(now, next, out);
    }

    /// The way to the message centre is down: what it does not have goes by other bearers.
    pub(super) fn centre_down(&mut self, now: Time, out: &mut Vec<Output>) {
        let Some(centre) = self.centre.as_mut() else {
            return;
        };
        centre.is_down = true;
        for id in centre.unsubmitted() {
            self.tell_centre(now, In::Cancel { id }, out);
        }
    }

    /// The way to the message centre is up: who waits for it is tried at once.
    pub(super) fn centre_up(&mut self, now: Time, out: &mut Vec<Output>) {
        let Some(centre) = self.centre.as_mut() else {
            return;
        };
        centre.is_down = false;
        for (no, group, at) in core::mem::take(&mut centre.stranded) {
            self.retry(now, no, group, at, out);
        }
    }

    /// Notes that a job found the message centre out of reach.
    pub(super) fn strand_short(&mut self, job: &Job) {
        if let Some((centre, key)) = self.centre.as_mut().zip(job.lane.device()) {
            centre.stranded.insert((job.push, job.group, key.at));
        }
    }
}
