//! Short messages of a device: pushes that come in them, information that goes in them.
//!
//! **Source:** 3GPP TS 23.040 section 9.2.2, WAP-259 section 6.3.

use crate::codec::radio::{
    About, Domain, ERROR_IN_HANDSET, Frame, Kind, MEMORY_FULL, TAKEN, refused,
};
use crate::codec::sms::tpdu::{Deliver, From, Tpdu};
use crate::codec::sms::write::{Load, submit};
use crate::codec::sms::{Ports, Reference, segments};
use crate::device::Device;
use crate::event::{Bearer, Fact};
use crate::time::Time;
use crate::world::Output;

use super::radio::Dialogue;
use super::segments::Part;
use super::{Arrival, wsp};

/// From the push port of a device to the gateway.
pub(super) const UP: Ports = Ports {
    destination: Ports::PUSH.source,
    source: Ports::PUSH.destination,
};
/// The number of a gateway that has not been heard from.
const SHORT_CODE: &str = "2948";

impl Device {
    /// A TPDU of the centre.
    pub(super) fn short_message(
        &mut self,
        now: Time,
        frame: &Frame<'_>,
        dialogue: &Dialogue,
        out: &mut Vec<Output>,
    ) {
        self.rung(now, "sms", false, "DELIVER", frame.payload, out);
        match Tpdu::decode(frame.payload, From::ServiceCentre) {
            Ok(Tpdu::Deliver(deliver)) => self.deliver(now, frame, &deliver, dialogue, out),
            // Reports of what this side sent: nothing follows from them.
            Ok(_) => self.answer_radio(dialogue, Kind::Result, &TAKEN, out),
            Err(error) => {
                let (from, why) = ("sms".to_owned(), error.to_string());
                self.report(now, Fact::Refused { from, why }, out);
                let report = refused(ERROR_IN_HANDSET);
                self.answer_radio(dialogue, Kind::Refusal, &report, out);
            }
        }
    }

    fn deliver(
        &mut self,
        now: Time,
        frame: &Frame<'_>,
        deliver: &Deliver<'_>,
        dialogue: &Dialogue,
        out: &mut Vec<Output>,
    ) {
        let user_data = &deliver.text.user_data;
        let is_push = user_data
            .ports()
            .is_some_and(|ports| ports.destination == Ports::PUSH.destination);
        let originator = deliver.originator.to_string();
        let Some(doors) = self.doors.as_deref_mut().filter(|_| is_push) else {
            // For a person, or for an application that this device has not.
            return self.answer_radio(dialogue, Kind::Result, &TAKEN, out);
        };
        let part = doors.segments.take(now, originator.as_bytes(), user_data);
        if part == Part::Refused {
            let report = refused(MEMORY_FULL);
            return self.answer_radio(dialogue, Kind::Refusal, &report, out);
        }
        self.answer_radio(dialogue, Kind::Result, &TAKEN, out);
        let Part::Whole(datagram) = part else { return };
        let bearer = match frame.domain {
            None => Bearer::Sms,
            Some(Domain::Circuit) => Bearer::Cs,
            Some(Domain::Packet) => Bearer::Ps,
        };
        match wsp::read(&datagram) {
            Ok((pushed, _)) => {
                if let Some(doors) = self.doors.as_deref_mut() {
                    doors.radio.originator = Some(originator);
                }
                self.pushed(now, Arrival::Told(bearer), &pushed, out);
            }
            Err(error) => {
                let why = error.to_string();
                let fact = Fact::Refused {
                    from: originator,
                    why,
                };
                self.report(now, fact, out);
            }
        }
    }

    /// Sends an information to the gateway in short messages.
    pub(in crate::device) fn send_by_sms(&mut self, now: Time, body: &[u8], out: &mut Vec<Output>) {
        let reference = self.parts_reference();
        let Ok(parts) = segments(body, UP, Reference::Sixteen(reference)) else {
            return;
        };
        let heard = self
            .doors
            .as_deref()
            .and_then(|doors| doors.radio.originator.clone());
        let known = || self.config.bearers.short_code.clone();
        let to = heard
            .or_else(known)
            .unwrap_or_else(|| SHORT_CODE.to_owned());
        for (number, part) in (1_u8..=u8::MAX).zip(&parts) {
            match submit(number, &to, &Load::octets(part)) {
                Ok(tpdu) => {
                    self.rung(now, "sms", true, "SUBMIT", &tpdu, out);
                    self.send_uplink(now, About::ShortMessages, &tpdu, out);
                }
                Err(fault) => {
                    let (from, why) = (to.clone(), fault.to_string());
                    self.report(now, Fact::Refused { from, why }, out);
                    return;
                }
            }
        }
    }
}
