//! The message centre: what goes to it and comes from it in SMPP, over links that the gateway opens.
//!
//! **Source:** SMPP 3.4 section 2. What mobiles send is read in `on_smpp`, their dialogues are in `dialogues`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use bytes::Bytes;

use super::bearer::outstanding::{Outstanding, Place};
use super::bearer::sip::Reading;
use super::bearer::ussd::Dialogues;
use super::bearer::{Job, Leg, smpp};
use super::config::Smsc;
use super::{Gateway, Timer, on_smpp};
use crate::codec::smpp::Status;
use crate::codec::sms::Reassembler;
use crate::event::Fact;
use crate::ladder::{PPG, SMSC};
use crate::machine::Machine;
use crate::protocol::smpp::esme::{self, Esme, In, Out, Refusal, Submission, Why};
use crate::protocol::smpp::{Receipt, State};
use crate::random::Random;
use crate::time::Time;
use crate::world::{LinkId, Output, Transport};

/// Our links to the message centre are numbered from here, above those of SIP and below accepted ones.
const LINKS: u64 = 1 << 62;

/// Our side of the message centre.
#[derive(Debug)]
pub(super) struct Centre {
    address: SocketAddr,
    esme: Esme,
    links: BTreeMap<LinkId, esme::Leg>,
    opened: u64,
    submitted: u64,
    is_started: bool,
    /// It will be, or is, out of reach for a while.
    pub(super) is_down: bool,
    /// We are ending: what it no longer takes is taken up after a restart.
    is_stopping: bool,
    /// What it refused last for its load, until it takes something again.
    slow: Option<Status>,
    /// What is told of submissions once they leave.
    unsent: BTreeMap<u64, Fact>,
    /// Submissions that it refused for its load, and why.
    slowed: BTreeMap<u64, Status>,
    /// Deliveries that wait for it to be in reach.
    pub(super) stranded: BTreeSet<Place>,
    pub(super) outstanding: Outstanding,
    pub(super) dialogues: Dialogues,
    /// Parts of what mobiles send.
    pub(super) parts: Reassembler,
}

impl Centre {
    /// True for a submission that is to leave still, or again.
    pub(super) fn waits(&self, id: u64) -> bool {
        self.unsent.contains_key(&id) || self.slowed.contains_key(&id)
    }

    pub(super) fn new(smsc: &Smsc, mut random: Random) -> Self {
        let number = u8::try_from(random.below(256)).unwrap_or_default();
        let settings = esme::Settings {
            system_id: smsc.system_id.clone(),
            password: smsc.password.clone(),
            system_type: smsc.system_type.clone(),
            version: smsc.version,
            receipt_patience: smsc.receipt_timeout,
            patience: smsc.receipt_timeout,
            ..esme::Settings::default()
        };
        Self {
            address: smsc.address,
            esme: Esme::new(settings, random),
            links: BTreeMap::new(),
            opened: LINKS,
            submitted: 0,
            is_started: false,
            is_down: false,
            is_stopping: false,
            slow: None,
            unsent: BTreeMap::new(),
            slowed: BTreeMap::new(),
            stranded: BTreeSet::new(),
            outstanding: Outstanding::default(),
            dialogues: Dialogues::after(number),
            parts: on_smpp::parts(),
        }
    }

    /// The number of the next submission.
    pub(super) fn number(&mut self) -> u64 {
        self.submitted = self.submitted.saturating_add(1);
        self.submitted
    }

    /// Submissions that it does not have.
    pub(super) fn unsubmitted(&self) -> Vec<u64> {
        self.esme.unfinished_ids()
    }

    /// True when nothing of it is left to wait for.
    pub(super) fn has_stopped(&self) -> bool {
        self.is_stopping && self.esme.has_stopped()
    }

    /// Why what is submitted now does not leave at once, if so.
    pub(super) fn delays(&self) -> Option<&'static str> {
        match self.slow {
            Some(status) => Some(smpp::refusal(status)),
            None if self.esme.is_bound() => None,
            None => Some("the message centre is not bound yet"),
        }
    }

    /// When something is due.
    fn deadline(&self) -> Option<Time> {
        let due = [self.esme.deadline(), self.parts.deadline()];
        due.into_iter().flatten().min()
    }

    fn link(&self, leg: esme::Leg) -> Option<LinkId> {
        self.links
            .iter()
            .find(|(_, own)| **own == leg)
            .map(|(link, _)| *link)
    }
}

impl Gateway {
    /// Which leg of the message centre a link is.
    pub(super) fn centre_leg(&self, link: LinkId) -> Option<esme::Leg> {
        self.centre.as_ref()?.links.get(&link).copied()
    }

    pub(super) fn submit_short(
        &mut self,
        now: Time,
        submission: Submission,
        out: &mut Vec<Output>,
    ) {
        self.tell_centre(now, In::Submit(Box::new(submission)), out);
    }

    pub(super) fn centre_opened(&mut self, now: Time, leg: esme::Leg, out: &mut Vec<Output>) {
        self.tell_centre(now, In::Opened(leg), out);
    }

    pub(super) fn centre_octets(
        &mut self,
        now: Time,
        leg: esme::Leg,
        octets: Bytes,
        out: &mut Vec<Output>,
    ) {
        self.tell_centre(now, In::Octets(leg, octets), out);
    }

    pub(super) fn centre_closed(&mut self, now: Time, link: LinkId, out: &mut Vec<Output>) {
        let leg = self.centre.as_mut().and_then(|it| it.links.remove(&link));
        if let Some(leg) = leg {
            self.tell_centre(now, In::Closed(leg), out);
        }
    }

    /// The message centre's side has something to do; the first time it connects.
    pub(super) fn centre_due(&mut self, now: Time, out: &mut Vec<Output>) {
        let Some(centre) = self.centre.as_mut() else {
            return;
        };
        if !core::mem::replace(&mut centre.is_started, true) {
            self.report_centre(now, "connecting", Some("not bound yet".to_owned()), out);
            return self.tell_centre(now, In::Start, out);
        }
        let mut effects = Vec::new();
        centre.esme.expire(now, &mut effects);
        self.parts_due(now, out);
        self.on_centre(now, effects, out);
    }

    pub(super) fn tell_centre(&mut self, now: Time, input: In, out: &mut Vec<Output>) {
        let Some(centre) = self.centre.as_mut() else {
            return;
        };
        let mut effects = Vec::new();
        centre.esme.handle(now, input, &mut effects);
        self.on_centre(now, effects, out);
    }

    /// Takes leave of the message centre.
    pub(super) fn stop_centre(&mut self, now: Time, out: &mut Vec<Output>) {
        let Some(centre) = self.centre.as_mut() else {
            return;
        };
        centre.is_stopping = true;
        let mut effects = Vec::new();
        centre.esme.stop(now, &mut effects);
        self.on_centre(now, effects, out);
    }

    fn on_centre(&mut self, now: Time, effects: Vec<Out>, out: &mut Vec<Output>) {
        for effect in effects {
            self.on_centre_effect(now, effect, out);
        }
        match self
            .centre
            .as_ref()
            .map(|it| (it.is_started, it.deadline()))
        {
            // What is told before the start waits for it.
            Some((false, _)) => {}
            Some((true, Some(due))) => self.timers.set(Timer::Centre, due),
            _ => self.timers.cancel(Timer::Centre),
        }
    }

    fn on_centre_effect(&mut self, now: Time, effect: Out, out: &mut Vec<Output>) {
        match effect {
            Out::Connect(leg) => self.connect_centre(leg, out),
            Out::Octets(leg, octets) => {
                if let Some(link) = self.centre.as_ref().and_then(|it| it.link(leg)) {
                    out.push(Output::Octets { link, octets });
                }
            }
            Out::Close(leg) => {
                if let Some(centre) = self.centre.as_mut()
                    && let Some(link) = centre.link(leg)
                {
                    centre.links.remove(&link);
                    out.push(Output::Close { link });
                }
            }
            Out::Down { leg, why, .. } => {
                if leg == esme::Leg::Main {
                    self.report_centre(now, "down", Some(words(why)), out);
                    self.centre_down(now, out);
                } else {
                    self.refuse_centre(now, words(why), out);
                }
            }
            Out::Bound {
                leg: esme::Leg::Main,
                ..
            } => {
                if let Some(centre) = self.centre.as_mut() {
                    centre.slow = None;
                }
                self.report_centre(now, "up", None, out);
                self.centre_up(now, out);
            }
            Out::Sent { id, octets } => self.short_sent(now, id, &octets, out),
            Out::Slowed { id, status } => self.short_slowed(now, id, status, out),
            Out::Done { id, outcome } => self.short_done(now, id, outcome, out),
            // How long an answer is waited for, a dialogue knows itself.
            Out::Settled {
                id,
                state: State::Unknown,
            } if self.is_string(id) => {}
            Out::Settled { id, state } => {
                if let Some(centre) = self.centre.as_mut().filter(|_| state != State::Unknown) {
                    centre.outstanding.over(id);
                }
                self.wire_short(now, Leg::Short(id), "deliver_sm", out);
                self.on_short_end(now, id, smpp::read_receipt(state), out);
            }
            Out::Received(message) => self.on_short_message(now, &message, out),
            Out::Stray(Receipt { .. }) => {
                self.refuse_centre(now, "a receipt for an unknown message".to_owned(), out);
            }
            Out::Bound { .. } | Out::Receipt { .. } | Out::Available(_) => {}
        }
    }

    /// What became of a submission: a short message, or a string of a dialogue.
    fn on_short_end(
        &mut self,
        now: Time,
        id: u64,
        (status, reading): (u16, Reading),
        out: &mut Vec<Output>,
    ) {
        let Some(centre) = self.centre.as_mut() else {
            return;
        };
        if centre.is_stopping {
            return;
        }
        if !self.string_lost(now, id, (status, reading), out) {
            self.on_carried(now, Leg::Short(id), status, reading, out);
        }
    }

    /// Tells that a SIR leaves: by the message centre, once a part of it does.
    pub(super) fn report_sent(&mut self, now: Time, leg: Leg, fact: Fact, out: &mut Vec<Output>) {
        match (leg, self.centre.as_mut()) {
            (Leg::Short(id), Some(centre)) => {
                centre.unsent.insert(id, fact);
            }
            _ => self.report(now, fact, out),
        }
    }

    /// A part of a submission left.
    fn short_sent(&mut self, now: Time, id: u64, octets: &Bytes, out: &mut Vec<Output>) {
        let fact = self.centre.as_mut().and_then(|it| it.unsent.remove(&id));
        if let Some(fact) = fact {
            self.report(now, fact, out);
        }
        let delays = self.centre.as_ref().and_then(Centre::delays);
        if let Some(job) = self.job_of_short(id).cloned() {
            self.delay(&job, delays);
            let what = if self.is_by_ussd(&job) {
                "string"
            } else {
                "submit_sm"
            };
            self.wire_centre(now, &job, ((PPG, SMSC), what), octets, out);
        }
    }

    /// The message centre refused a part for its load: who waits for it is told why, the first time.
    fn short_slowed(&mut self, now: Time, id: u64, status: Status, out: &mut Vec<Output>) {
        let Some(centre) = self.centre.as_mut() else {
            return;
        };
        let is_news = centre.slow.replace(status) != Some(status);
        let is_first = centre.slowed.insert(id, status) != Some(status);
        if is_news {
            self.report_centre(now, "slow", Some(status.to_string()), out);
        }
        if is_first && let Some(job) = self.job_of_short(id).cloned() {
            self.wire_refused(now, &job, status, out);
            self.delay(&job, Some(smpp::refusal(status)));
        }
    }

    /// Notes what keeps the SIR of a job from going on, for who asks what became of it.
    pub(super) fn delay(&mut self, job: &Job, why: Option<&'static str>) {
        for at in self.waking(job).iter() {
            let push = self.ledger.get_mut(job.push);
            if let Some(delivery) = push.and_then(|push| push.delivery_mut(job.group, at)) {
                delivery.delayed = why;
            }
        }
    }

    fn short_done(
        &mut self,
        now: Time,
        id: u64,
        mut outcome: esme::Outcome,
        out: &mut Vec<Output>,
    ) {
        let Some(centre) = self.centre.as_mut() else {
            return;
        };
        centre.unsent.remove(&id);
        let slowed = centre.slowed.remove(&id);
        match &mut outcome {
            esme::Outcome::Accepted { .. } if centre.slow.take().is_some() => {
                self.report_centre(now, "up", None, out);
            }
            // Its time ran out because of that.
            esme::Outcome::Refused { why } if *why == Refusal::Expired => {
                *why = slowed.map_or(*why, Refusal::Status);
            }
            _ => {}
        }
        match smpp::read(&outcome) {
            Some(read) => {
                match (&outcome, self.job_of_short(id)) {
                    (
                        esme::Outcome::Refused {
                            why: Refusal::Status(status),
                        },
                        Some(job),
                    ) if slowed != Some(*status) => self.wire_refused(now, job, *status, out),
                    _ => {}
                }
                self.on_short_end(now, id, read, out);
            }
            None => {
                self.wire_short(now, Leg::Short(id), "submit_sm_resp", out);
                if let esme::Outcome::Accepted { message_ids } = outcome {
                    self.short_accepted(id, message_ids, out);
                }
            }
        }
    }

    fn wire_refused(&self, now: Time, job: &Job, status: Status, out: &mut Vec<Output>) {
        let what = format!("submit_sm_resp {status}");
        self.wire_centre(now, job, ((SMSC, PPG), &what), &Bytes::new(), out);
    }

    /// What a submission is for: a SIR, or a string of a dialogue that carries one.
    fn job_of_short(&self, id: u64) -> Option<&Job> {
        let of_string = || {
            let key = self.centre.as_ref()?.dialogues.of_string(id)?;
            self.jobs.get(Leg::Dialogue(key))
        };
        self.jobs.get(Leg::Short(id)).or_else(of_string)
    }

    fn report_centre(&self, now: Time, state: &str, why: Option<String>, out: &mut Vec<Output>) {
        if let Some(centre) = &self.centre {
            let fact = Fact::Smsc {
                address: centre.address.to_string(),
                state: state.to_owned(),
                why,
            };
            self.report(now, fact, out);
        }
    }

    fn refuse_centre(&self, now: Time, why: String, out: &mut Vec<Output>) {
        let from = "smsc".to_owned();
        self.report(now, Fact::Refused { from, why }, out);
    }

    fn connect_centre(&mut self, leg: esme::Leg, out: &mut Vec<Output>) {
        let Some(centre) = self.centre.as_mut() else {
            return;
        };
        let link = LinkId(centre.opened);
        centre.opened = centre.opened.saturating_add(1);
        centre.links.insert(link, leg);
        out.push(Output::Connect {
            link,
            transport: Transport::Tcp,
            target: centre.address,
            server_name: None,
        });
    }

    /// What the message centre says of what was submitted for a SIR, for the ladder.
    pub(super) fn wire_short(&self, now: Time, leg: Leg, what: &str, out: &mut Vec<Output>) {
        if let Some(job) = self.jobs.get(leg) {
            self.wire_centre(now, job, ((SMSC, PPG), what), &Bytes::new(), out);
        }
    }
}

/// Why the message centre is not bound, for who looks after it.
fn words(why: Why) -> String {
    match why {
        Why::Closed => "no connection to it, or it closed the one there was".to_owned(),
        Why::Timeout => "the connection or the bind was not answered in time".to_owned(),
        Why::Refused(status) => format!("it refused the bind: {status}"),
        Why::Silent => "it did not answer an enquire_link".to_owned(),
        Why::Unbound => "it unbound".to_owned(),
        Why::Desynchronised => "what it sent is no SMPP".to_owned(),
        Why::Forgotten => "it takes the session for one that is not bound".to_owned(),
        Why::WrongOutbind => "its outbind has the wrong name or password".to_owned(),
        Why::Stopped => "the gateway ends".to_owned(),
    }
}
