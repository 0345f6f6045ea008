//! What mobiles send over the message centre: answers in dialogues of USSD, and information, in parts where it is long.
//!
//! **Source:** spec/sip.md E.7 (information that devices return by short message and USSD); WAP-259 section 6.3.2 and
//! WAP-204 section 7 (parts). The message centre has every part acknowledged as it comes; parts whose message does not
//! become whole in time are given up.

use core::time::Duration;

use super::Gateway;
use super::registry::DeviceKey;
use crate::codec::sms::segment::{Lost, Outcome};
use crate::codec::sms::{Concatenation, Ports, Reassembler};
use crate::codec::ussd::NetworkString;
use crate::event::{Fact, Via};
use crate::protocol::smpp::{ServiceOp, ShortMessage};
use crate::time::Time;
use crate::world::Output;

/// How long the first part of an information waits for the last.
const PARTS_PATIENCE: Duration = Duration::from_secs(300);

/// Parts of messages of mobiles that wait for others; the codec bounds them.
pub(super) const fn parts() -> Reassembler {
    Reassembler::new(PARTS_PATIENCE)
}

/// What one message carries, without headers of user data or of a string with ports.
#[derive(Debug, PartialEq, Eq)]
struct Part<'a> {
    ports: Option<Ports>,
    place: Option<Concatenation>,
    payload: &'a [u8],
}

impl Gateway {
    /// A message of a mobile: its answer to a string, or information it returns.
    pub(super) fn on_short_message(
        &mut self,
        now: Time,
        message: &ShortMessage,
        out: &mut Vec<Output>,
    ) {
        let from = message.source.to_string();
        let Some(device) = self.registry.by_msisdn(&from) else {
            let why = "a short message of an unknown number".to_owned();
            return self.report(now, Fact::Refused { from, why }, out);
        };
        let ussd = message.ussd();
        if let Some(ussd) = ussd {
            match ussd.operation {
                ServiceOp::Answer => self.string_answered(now, device, ussd, out),
                _ => self.end_begun(now, message, out),
            }
        }
        let via = if ussd.is_some() { Via::Ussd } else { Via::Sms };
        if let Some(whole) = self.collect(now, (&from, via), &part_of(message), out) {
            self.told_by_mobile(now, device, via, &whole, out);
        }
    }

    /// Puts a part to the others of its message; gives the message when it is whole.
    fn collect(
        &mut self,
        now: Time,
        (from, via): (&str, Via),
        part: &Part<'_>,
        out: &mut Vec<Output>,
    ) -> Option<Vec<u8>> {
        let Some(place) = part.place else {
            return Some(part.payload.to_vec());
        };
        let mut lost = Vec::new();
        let sender = match via {
            Via::Ussd => format!("ussd {from}"),
            _ => from.to_owned(),
        };
        let parts = &mut self.centre.as_mut()?.parts;
        let (sender, ports, payload) = (sender.as_bytes(), part.ports, part.payload);
        let outcome = parts.take(now, sender, ports, place, payload, &mut lost);
        self.parts_lost(now, lost, out);
        match outcome {
            Outcome::Whole(whole) => Some(whole),
            Outcome::Waiting { .. } | Outcome::Duplicate | Outcome::Restarted => None,
            Outcome::Refused => {
                let (from, why) = (from.to_owned(), "too many parts wait for others".to_owned());
                self.report(now, Fact::Refused { from, why }, out);
                None
            }
        }
    }

    /// Gives up parts that have waited long enough.
    pub(super) fn parts_due(&mut self, now: Time, out: &mut Vec<Output>) {
        let mut lost = Vec::new();
        if let Some(centre) = self.centre.as_mut() {
            centre.parts.expire(now, &mut lost);
        }
        self.parts_lost(now, lost, out);
    }

    fn parts_lost(&self, now: Time, lost: Vec<Lost>, out: &mut Vec<Output>) {
        for lost in lost {
            let fact = Fact::Refused {
                from: String::from_utf8_lossy(&lost.from).into_owned(),
                why: format!("{} of {} parts of a message came", lost.have, lost.total),
            };
            self.report(now, fact, out);
        }
    }

    /// A whole message of a mobile: information is an object of JSON, all else is for nobody here.
    fn told_by_mobile(
        &mut self,
        now: Time,
        device: DeviceKey,
        via: Via,
        told: &[u8],
        out: &mut Vec<Output>,
    ) {
        if told.first() != Some(&b'{') {
            return;
        }
        if self.is_expected(now, device) {
            self.learn(now, device, via, told, out);
        } else {
            let from = self.name(device.identity, device.at).unwrap_or_default();
            let (from, why) = (
                from.to_owned(),
                "information that was not asked for".to_owned(),
            );
            self.report(now, Fact::Refused { from, why }, out);
        }
    }

    /// True where information is taken that proves nothing of its sender: of a device that a SIR asked, or that is
    /// registered.
    pub(super) fn is_expected(&self, now: Time, key: DeviceKey) -> bool {
        self.registry.device(key).is_some_and(|device| {
            let is_here = device.session.is_some() || device.service.is_some();
            is_here || !device.routes.is_empty() || device.asked_until.is_some_and(|at| now <= at)
        })
    }
}

fn part_of(message: &ShortMessage) -> Part<'_> {
    if message.ussd().is_some()
        && let Ok(string) = NetworkString::decode(&message.octets)
    {
        return Part {
            ports: string.user_data.ports(),
            place: string.user_data.concatenation(),
            payload: string.user_data.payload,
        };
    }
    let (ports, place) = message.place();
    Part {
        ports,
        place,
        payload: message.user_data().map_or(&[], |data| data.payload),
    }
}
