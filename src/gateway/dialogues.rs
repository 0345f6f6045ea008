//! USSD: the dialogue that carries a SIR to a mobile, and those that mobiles begin to return information.
//!
//! **Source:** requirements R2.58, R2.108; WAP-204, SMPP 3.4 section 5.3.2.44. What a dialogue is stands in
//! [`super::bearer::ussd`].
//!
//! ```text
//! string 1 ──▶ answer ──▶ string 2 ──▶ answer ──▶ ... last string ──▶ answer: the SIR is taken
//!     └─ refused, not delivered, no answer in time, ended by the mobile: the next bearer
//! ```

use super::bearer::sip::Reading;
use super::bearer::ussd::{Answered, end_of};
use super::bearer::{Job, Leg};
use super::registry::DeviceKey;
use super::{Gateway, Timer};
use crate::event::{Bearer, Fact};
use crate::protocol::smpp::esme::{In, Submission};
use crate::protocol::smpp::{Address, ShortMessage, Ussd};
use crate::time::Time;
use crate::world::Output;

impl Gateway {
    /// Opens the dialogue that carries a SIR in the parts of the submission.
    pub(super) fn open_dialogue(
        &mut self,
        now: Time,
        job: Job,
        key: DeviceKey,
        submission: Submission,
        out: &mut Vec<Output>,
    ) -> bool {
        self.jobs.sent(Leg::Dialogue(key), job, None);
        self.begin_dialogue(now, key, submission, out);
        true
    }

    /// Opens a dialogue whose job, if it has one, is noted.
    pub(super) fn begin_dialogue(
        &mut self,
        now: Time,
        key: DeviceKey,
        submission: Submission,
        out: &mut Vec<Output>,
    ) {
        let centre = self.centre.as_mut();
        if let Some(first) = centre.and_then(|centre| centre.dialogues.open(key, submission)) {
            self.send_string(now, key, first, out);
        }
    }

    /// True while a SIR is under way to a mobile in a dialogue: it has one at a time.
    pub(super) fn is_in_dialogue(&self, key: DeviceKey) -> bool {
        self.jobs.get(Leg::Dialogue(key)).is_some()
    }

    /// True for a SIR in strings, though they may be to wake the device for another bearer.
    pub(super) fn is_by_ussd(&self, job: &Job) -> bool {
        let of_dialogue = |key| self.jobs.get(Leg::Dialogue(key)) == Some(job);
        job.bearer == Bearer::Ussd || job.lane.device().is_some_and(of_dialogue)
    }

    /// Nobody needs the strings of a dialogue that have not gone; the last one is let be answered.
    pub(super) fn cut_dialogue(&mut self, now: Time, key: DeviceKey, out: &mut Vec<Output>) {
        let Some(centre) = self.centre.as_mut() else {
            return;
        };
        if !centre.dialogues.is_unfinished(key) {
            return;
        }
        let string = centre.dialogues.end(key);
        self.timers.cancel(Timer::Dialogue(key));
        if let Some(id) = string {
            self.tell_centre(now, In::Cancel { id }, out);
        }
    }

    fn send_string(
        &mut self,
        now: Time,
        key: DeviceKey,
        string: Submission,
        out: &mut Vec<Output>,
    ) {
        if let Some(smsc) = &self.config.smsc {
            let due = now + smsc.receipt_timeout;
            self.timers.set(Timer::Dialogue(key), due);
        }
        self.submit_short(now, string, out);
    }

    /// True for the submission of a string that waits for its answer.
    pub(super) fn is_string(&self, id: u64) -> bool {
        let centre = self.centre.as_ref();
        centre.is_some_and(|centre| centre.dialogues.of_string(id).is_some())
    }

    /// A string was not taken, or did not reach the mobile; false when the submission carried none.
    pub(super) fn string_lost(
        &mut self,
        now: Time,
        id: u64,
        (status, reading): (u16, Reading),
        out: &mut Vec<Output>,
    ) -> bool {
        let centre = self.centre.as_ref();
        let Some(key) = centre.and_then(|centre| centre.dialogues.of_string(id)) else {
            return false;
        };
        // That a string was delivered says nothing yet: the mobile answers it.
        if !matches!(reading, Reading::Taken { .. }) {
            self.dialogue_over(now, key, (status, reading), out);
        }
        true
    }

    /// A dialogue waited long enough for an answer.
    pub(super) fn dialogue_lost(&mut self, now: Time, key: DeviceKey, out: &mut Vec<Output>) {
        let reading = Reading::Unheard("no answer to the string with the SIR");
        self.dialogue_over(now, key, (408, reading), out);
    }

    fn dialogue_over(
        &mut self,
        now: Time,
        key: DeviceKey,
        (status, reading): (u16, Reading),
        out: &mut Vec<Output>,
    ) {
        self.timers.cancel(Timer::Dialogue(key));
        if let Some(centre) = self.centre.as_mut() {
            centre.dialogues.end(key);
        }
        self.on_carried(now, Leg::Dialogue(key), status, reading, out);
    }

    /// A mobile answered a string: it gets the next one, or has the SIR.
    pub(super) fn string_answered(
        &mut self,
        now: Time,
        key: DeviceKey,
        ussd: Ussd,
        out: &mut Vec<Output>,
    ) {
        let Some(centre) = self.centre.as_mut() else {
            return;
        };
        let answered = centre.dialogues.answered(key, ussd.session);
        if !matches!(answered, Answered::Stale) {
            self.wire_short(now, Leg::Dialogue(key), "deliver_sm", out);
        }
        let Some(centre) = self.centre.as_mut() else {
            return;
        };
        match answered {
            Answered::More => {
                let id = centre.number();
                if let Some(string) = centre.dialogues.next(key, id) {
                    self.send_string(now, key, string, out);
                }
            }
            Answered::Whole => {
                let reading = Reading::Taken { long: false };
                self.dialogue_over(now, key, (200, reading), out);
            }
            Answered::Ended => {
                let reading = Reading::Unheard("the device ended the dialogue");
                self.dialogue_over(now, key, (480, reading), out);
            }
            Answered::Stale => {
                let from = self.name(key.identity, key.at).unwrap_or_default();
                let fact = Fact::Refused {
                    from: from.to_owned(),
                    why: "an answer to no open dialogue of USSD".to_owned(),
                };
                self.report(now, fact, out);
            }
        }
    }

    /// Ends the dialogue that a mobile began, where it began one.
    pub(super) fn end_begun(&mut self, now: Time, message: &ShortMessage, out: &mut Vec<Output>) {
        let Some(smsc) = &self.config.smsc else {
            return;
        };
        let from = Address::of(&smsc.short_code);
        let Some(centre) = self.centre.as_mut() else {
            return;
        };
        if let Some(end) = end_of(centre.number(), from, message) {
            self.submit_short(now, end, out);
        }
    }
}
