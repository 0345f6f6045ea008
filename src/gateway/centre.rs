//! The message centre: what goes to it and comes from it in SMPP, over links that the gateway opens.
//!
//! **Source:** SMPP 3.4 section 2; spec/sip.md E.7 (information that devices return by short message and USSD).

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;

use super::bearer::sip::Reading;
use super::bearer::{Leg, Road, smpp};
use super::config::Smsc;
use super::registry::DeviceKey;
use super::{Gateway, Timer};
use crate::codec::ussd::NetworkString;
use crate::event::{Bearer, Fact, Via};
use crate::gateway::bearer::Lane;
use crate::machine::Machine;
use crate::protocol::smpp::esme::{self, Esme, In, Out, Submission};
use crate::protocol::smpp::{Receipt, ServiceOp, ShortMessage};
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
        }
    }

    /// The number of the next submission.
    pub(super) fn number(&mut self) -> u64 {
        self.submitted = self.submitted.saturating_add(1);
        self.submitted
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
        self.on_centre(now, effects, out);
    }

    fn tell_centre(&mut self, now: Time, input: In, out: &mut Vec<Output>) {
        let Some(centre) = self.centre.as_mut() else {
            return;
        };
        let mut effects = Vec::new();
        centre.esme.handle(now, input, &mut effects);
        self.on_centre(now, effects, out);
    }

    fn on_centre(&mut self, now: Time, effects: Vec<Out>, out: &mut Vec<Output>) {
        match self.centre.as_ref().and_then(|it| it.esme.deadline()) {
            Some(due) => self.timers.set(Timer::Centre, due),
            None => self.timers.cancel(Timer::Centre),
        }
        for effect in effects {
            self.on_centre_effect(now, effect, out);
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
            Out::Down { why, .. } => {
                let why = format!("not bound: {why:?}");
                self.report_centre(now, why, out);
            }
            Out::Done { id, outcome } => {
                if let Some((status, reading)) = smpp::read(&outcome) {
                    self.wire_short(now, Leg::Short(id), "submit_sm_resp", out);
                    self.on_carried(now, Leg::Short(id), status, reading, out);
                }
            }
            Out::Settled { id, state } => {
                let (status, reading) = smpp::read_receipt(state);
                self.wire_short(now, Leg::Short(id), "deliver_sm", out);
                self.on_carried(now, Leg::Short(id), status, reading, out);
            }
            Out::Received(message) => self.on_short_message(now, &message, out),
            Out::Stray(Receipt { .. }) => {
                self.report_centre(now, "a receipt for an unknown message".to_owned(), out);
            }
            Out::Bound { .. } | Out::Receipt { .. } | Out::Available(_) => {}
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

    /// A message of a device: its answer to a USSD request, or information it returns.
    fn on_short_message(&mut self, now: Time, message: &ShortMessage, out: &mut Vec<Output>) {
        let from = message.source.to_string();
        let Some(device) = self.registry.by_msisdn(&from) else {
            let why = "a short message of an unknown number".to_owned();
            return self.report(now, Fact::Refused { from, why }, out);
        };
        let answers = message.ussd().map(|ussd| ussd.operation);
        if matches!(answers, Some(ServiceOp::Answer | ServiceOp::Notified)) {
            self.ussd_answered(now, device, out);
        }
        let via = if answers.is_some() {
            Via::Ussd
        } else {
            Via::Sms
        };
        let told = content(message);
        if told.first() == Some(&b'{') {
            self.learn(now, device, via, told, out);
        }
    }

    /// A device answered a USSD request: it has the SIR.
    fn ussd_answered(&mut self, now: Time, device: DeviceKey, out: &mut Vec<Output>) {
        let road = Road {
            lane: Lane::Device(device),
            bearer: Bearer::Ussd,
        };
        if let Some(leg) = self.jobs.leg(road) {
            let reading = Reading::Taken { long: false };
            self.wire_short(now, leg, "deliver_sm", out);
            self.on_carried(now, leg, 200, reading, out);
        }
    }

    /// What the message centre says of a submission, for the ladder.
    fn wire_short(&self, now: Time, leg: Leg, what: &str, out: &mut Vec<Output>) {
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

/// What a message carries, without headers of user data or of a string with ports.
fn content(message: &ShortMessage) -> &[u8] {
    if message.ussd().is_some()
        && let Ok(string) = NetworkString::decode(&message.octets)
    {
        return string.user_data.payload;
    }
    message.user_data().map_or(&[], |data| data.payload)
}
