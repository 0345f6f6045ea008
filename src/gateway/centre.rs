//! The message centre: what goes to it and comes from it in SMPP, over links that the gateway opens.
//!
//! **Source:** SMPP 3.4 section 2. What mobiles send is read in `on_smpp`, their dialogues are in `dialogues`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use bytes::Bytes;

use super::bearer::outstanding::{Outstanding, Place};
use super::bearer::sip::Reading;
use super::bearer::ussd::Dialogues;
use super::bearer::{Leg, smpp};
use super::config::Smsc;
use super::{Gateway, Timer, on_smpp};
use crate::codec::sms::Reassembler;
use crate::event::{Bearer, Fact};
use crate::machine::Machine;
use crate::protocol::smpp::esme::{self, Esme, In, Out, Submission};
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
    /// Deliveries that wait for it to be in reach.
    pub(super) stranded: BTreeSet<Place>,
    pub(super) outstanding: Outstanding,
    pub(super) dialogues: Dialogues,
    /// Parts of what mobiles send.
    pub(super) parts: Reassembler,
}

impl Centre {
    pub(super) fn new(smsc: &Smsc, random: Random) -> Self {
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
            stranded: BTreeSet::new(),
            outstanding: Outstanding::default(),
            dialogues: Dialogues::default(),
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
                let why = format!("not bound: {why:?}");
                self.report_centre(now, why, out);
                if leg == esme::Leg::Main {
                    self.centre_down(now, out);
                }
            }
            Out::Bound {
                leg: esme::Leg::Main,
                ..
            } => self.centre_up(now, out),
            Out::Done { id, outcome } => {
                if let Some(read) = smpp::read(&outcome) {
                    self.wire_short(now, Leg::Short(id), "submit_sm_resp", out);
                    self.on_short_end(now, id, read, out);
                } else if let esme::Outcome::Accepted { message_ids } = outcome {
                    self.short_accepted(id, message_ids, out);
                }
            }
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
                self.report_centre(now, "a receipt for an unknown message".to_owned(), out);
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

    fn report_centre(&self, now: Time, why: String, out: &mut Vec<Output>) {
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
        if let Some(job) = self.jobs.get(leg).filter(|_| self.config.report_wire) {
            let line = if job.bearer == Bearer::Ussd {
                "ussd"
            } else {
                "sms"
            };
            self.wire_answered(now, job, (line, what), &Bytes::new(), out);
        }
    }
}
