//! Strings of unstructured supplementary services: a SIR comes in requests of the network, information goes in the answer.
//!
//! **Source:** WAP-204 sections 6.3 and 7. Of a SIR in several strings each is confirmed by an empty one. The last is
//! answered when the SIR was judged, or held open while information is to be returned in it.

use core::time::Duration;

use crate::codec::radio::{About, Domain, Frame, Kind, OCTETS_CODING, UssdString};
use crate::codec::sms::{Ports, Reference};
use crate::codec::ussd::{NetworkString, Operation, strings};
use crate::device::behaviour::ReturnBy;
use crate::device::{Device, Timer};
use crate::event::{Bearer, Fact};
use crate::time::Time;
use crate::world::Output;

use super::radio::Dialogue;
use super::segments::Part;
use super::sms::UP;
use super::{Arrival, wsp};

/// How long a dialogue is held open for an information.
const HOLD: Duration = Duration::from_secs(8);
/// Who sends strings, as far as their parts are concerned.
const NETWORK: &[u8] = b"ussd";

impl Device {
    /// A string of the network.
    pub(super) fn string(
        &mut self,
        now: Time,
        frame: &Frame<'_>,
        dialogue: Dialogue,
        out: &mut Vec<Output>,
    ) {
        let string = UssdString::decode(frame.payload);
        self.rung(now, "ussd", false, "USSR request", string.octets, out);
        let part = match NetworkString::decode(string.octets) {
            Ok(read)
                if read.user_data.ports().map(|ports| ports.destination)
                    == Some(Ports::PUSH.destination) =>
            {
                let doors = self.doors.as_deref_mut();
                doors.map_or(Part::Refused, |doors| {
                    doors.segments.take(now, NETWORK, &read.user_data)
                })
            }
            // A string for a person.
            Ok(_) => Part::Kept,
            Err(error) => {
                let (from, why) = ("ussd".to_owned(), error.to_string());
                self.report(now, Fact::Refused { from, why }, out);
                Part::Refused
            }
        };
        match part {
            Part::Refused => self.answer_radio(&dialogue, Kind::Refusal, &[], out),
            Part::Kept => self.confirm(now, &dialogue, out),
            Part::Whole(datagram) => self.ussd_datagram(now, frame, dialogue, &datagram, out),
        }
    }

    fn ussd_datagram(
        &mut self,
        now: Time,
        frame: &Frame<'_>,
        dialogue: Dialogue,
        datagram: &[u8],
        out: &mut Vec<Output>,
    ) {
        let bearer = match frame.domain {
            Some(Domain::Circuit) => Bearer::Cs,
            _ => Bearer::Ussd,
        };
        match wsp::read(datagram) {
            Ok((pushed, _)) => {
                // One dialogue for each device: an older one is over.
                self.end_dialogue(now, out);
                if let Some(doors) = self.doors.as_deref_mut() {
                    doors.radio.dialogue = Some(dialogue);
                }
                self.pushed(now, Arrival::Ussd(bearer), &pushed, out);
            }
            Err(error) => {
                let (from, why) = ("ussd".to_owned(), error.to_string());
                self.report(now, Fact::Refused { from, why }, out);
                self.answer_radio(&dialogue, Kind::Refusal, &[], out);
            }
        }
    }

    /// A SIR that came by a string was judged.
    pub(super) fn ussd_judged(&mut self, now: Time, out: &mut Vec<Output>) {
        if self.config.behaviour.return_by == ReturnBy::Ussd {
            self.timers.set(Timer::Dialogue, now + HOLD);
        } else {
            self.end_dialogue(now, out);
        }
    }

    /// Answers the open dialogue with an empty string.
    pub(in crate::device) fn end_dialogue(&mut self, now: Time, out: &mut Vec<Output>) {
        self.timers.cancel(Timer::Dialogue);
        let doors = self.doors.as_deref_mut();
        if let Some(dialogue) = doors.and_then(|doors| doors.radio.dialogue.take()) {
            self.confirm(now, &dialogue, out);
        }
    }

    fn confirm(&mut self, now: Time, dialogue: &Dialogue, out: &mut Vec<Output>) {
        self.answer_string(now, dialogue, &[], out);
    }

    fn answer_string(
        &mut self,
        now: Time,
        dialogue: &Dialogue,
        octets: &[u8],
        out: &mut Vec<Output>,
    ) {
        self.rung(now, "ussd", true, "USSR confirm", octets, out);
        let coding = OCTETS_CODING;
        let payload = UssdString { coding, octets }.encode();
        self.answer_radio(dialogue, Kind::Result, &payload, out);
    }

    /// Sends an information to the gateway: its first string answers the open dialogue, others begin one.
    pub(in crate::device) fn send_by_ussd(
        &mut self,
        now: Time,
        body: &[u8],
        out: &mut Vec<Output>,
    ) {
        let reference = Reference::Sixteen(self.parts_reference());
        let octets_max = Operation::ProcessBegin.octets_max();
        let Ok(parts) = strings(body, UP, reference, octets_max) else {
            return;
        };
        for octets in &parts {
            let doors = self.doors.as_deref_mut();
            if let Some(dialogue) = doors.and_then(|doors| doors.radio.dialogue.take()) {
                self.timers.cancel(Timer::Dialogue);
                self.answer_string(now, &dialogue, octets, out);
            } else {
                self.rung(now, "ussd", true, "PSSR request", octets, out);
                let coding = OCTETS_CODING;
                let payload = UssdString { coding, octets }.encode();
                self.send_uplink(now, About::SupplementaryServices, &payload, out);
            }
        }
    }
}
