//! The radio of a device: it attaches with its number, answers what comes, and repeats what it sends until it is answered.
//!
//! **Source:** the frames of `codec::radio`. A centre repeats a frame whose answer was lost; the same answer is given
//! again and nothing is done twice. Frames of this side go one at a time.

use core::hash::BuildHasher;
use core::time::Duration;
use std::collections::VecDeque;

use bytes::Bytes;
use foldhash::quality::FixedState;

use crate::codec::radio::{About, Frame, Kind};
use crate::device::{Device, Timer};
use crate::event::Fact;
use crate::time::Time;
use crate::world::Output;

/// The first pause before an attachment is repeated; each further one is twice as long.
const ATTACH_AGAIN: Duration = Duration::from_secs(1);
/// The longest such pause, and how often an attachment is renewed.
const ATTACH_PERIOD: Duration = Duration::from_secs(60);
/// Attachments without an answer after which it is told: one may be lost.
const UNHEARD: u32 = 2;
/// How long a frame waits for its answer before it is repeated.
const ANSWER: Duration = Duration::from_secs(2);
/// How often a frame is sent.
const TRIES: u32 = 5;
/// Answers that are remembered, for repetitions of what they answer.
const ANSWERS: usize = 16;
/// Frames that wait to be sent; a further one is dropped.
const WAITING: usize = 64;

/// The radio of one device.
#[derive(Debug, Default)]
pub(in crate::device) struct Radio {
    is_attached: bool,
    tries: u32,
    reference: u8,
    /// Requests answered lately: their hash and the answer; `None` while there is none yet.
    answers: VecDeque<(u64, Option<Bytes>)>,
    /// Frames to be sent, the first one under way.
    uplink: VecDeque<Uplink>,
    /// Who sent the last short message.
    pub(super) originator: Option<String>,
    /// The string that waits for its answer: its hash and the frame's head.
    pub(super) dialogue: Option<Dialogue>,
    /// The last reference of a message in parts.
    pub(super) parts: u16,
}

/// A frame that waits for its answer or its turn.
#[derive(Debug)]
struct Uplink {
    about: About,
    reference: u8,
    octets: Bytes,
    tries: u32,
}

/// A dialogue of the network that is open.
#[derive(Clone, Debug)]
pub(super) struct Dialogue {
    hash: u64,
    /// The head of its frame.
    head: Vec<u8>,
}

impl Device {
    /// Attaches, or renews the attachment.
    pub(in crate::device) fn attach(&mut self, now: Time, out: &mut Vec<Output>) {
        let Some(number) = self.config.bearers.msisdn.clone() else {
            return;
        };
        let Some(doors) = self.doors.as_deref_mut() else {
            return;
        };
        let radio = &mut doors.radio;
        radio.reference = radio.reference.wrapping_add(1);
        let frame = Frame::request(About::Resources, radio.reference, number.as_bytes());
        let octets = frame.encode();
        let pause = ATTACH_AGAIN.saturating_mul(1_u32 << radio.tries.min(6));
        let is_unheard = radio.tries >= UNHEARD;
        radio.tries = radio.tries.saturating_add(1);
        self.send_radio(octets.into(), out);
        if is_unheard {
            self.not_attached(now, "no answer", out);
        }
        self.timers
            .set(Timer::Attach, now + pause.min(ATTACH_PERIOD));
    }

    /// The centre does not know the device: no short message or string reaches it meanwhile.
    fn not_attached(&self, now: Time, why: &str, out: &mut Vec<Output>) {
        let bearers = &self.config.bearers;
        if let (Some((_, centre)), Some(number)) = (bearers.radio, &bearers.msisdn) {
            let from = self.config.name.clone();
            let why = format!(
                "the radio at {centre} does not know its number {number}: {why}; trying on"
            );
            self.report(now, Fact::Refused { from, why }, out);
        }
    }

    /// Takes leave of the centre.
    pub(in crate::device) fn detach(&mut self, out: &mut Vec<Output>) {
        let Some(number) = self.config.bearers.msisdn.clone() else {
            return;
        };
        if self.doors.is_some() && self.config.bearers.radio.is_some() {
            let frame = Frame {
                kind: Kind::Refusal,
                ..Frame::request(About::Resources, 0, number.as_bytes())
            };
            self.send_radio(frame.encode().into(), out);
        }
    }

    fn send_radio(&self, octets: Bytes, out: &mut Vec<Output>) {
        if let Some((socket, peer)) = self.config.bearers.radio {
            out.push(Output::Datagram {
                socket,
                peer,
                octets,
            });
        }
    }

    /// A frame of the centre.
    pub(super) fn radio_frame(&mut self, now: Time, octets: &[u8], out: &mut Vec<Output>) {
        let frame = match Frame::decode(octets) {
            Ok(frame) => frame,
            Err(error) => {
                let (from, why) = ("radio".to_owned(), error.to_string());
                return self.report(now, Fact::Refused { from, why }, out);
            }
        };
        match (frame.about, frame.kind) {
            (About::Resources, Kind::Result) => self.attached(now),
            // It is tried again.
            (About::Resources, Kind::Refusal) => self.not_attached(now, "it refused", out),
            // The centre asks for nothing there.
            (About::Resources, Kind::Request) => {}
            (_, Kind::Request) => self.downlink(now, &frame, octets, out),
            (about, _) => self.uplink_answered(now, about, &frame, out),
        }
    }

    fn attached(&mut self, now: Time) {
        if let Some(doors) = self.doors.as_deref_mut() {
            doors.radio.is_attached = true;
            doors.radio.tries = 0;
            self.timers.set(Timer::Attach, now + ATTACH_PERIOD);
        }
    }

    /// A request of the centre; a repetition gets the answer of the first.
    fn downlink(&mut self, now: Time, frame: &Frame<'_>, octets: &[u8], out: &mut Vec<Output>) {
        let hash = FixedState::default().hash_one(octets);
        let Some(doors) = self.doors.as_deref_mut() else {
            return;
        };
        let answers = &mut doors.radio.answers;
        if let Some((_, answer)) = answers.iter().find(|(own, _)| *own == hash) {
            if let Some(answer) = answer.clone() {
                self.send_radio(answer, out);
            }
            return;
        }
        if answers.len() >= ANSWERS {
            answers.pop_front();
        }
        answers.push_back((hash, None));
        let dialogue = Dialogue {
            hash,
            head: octets.get(..3).unwrap_or_default().to_vec(),
        };
        if frame.about == About::ShortMessages {
            self.short_message(now, frame, &dialogue, out);
        } else {
            self.string(now, frame, dialogue, out);
        }
    }

    /// Answers a request of the centre.
    pub(super) fn answer_radio(
        &mut self,
        dialogue: &Dialogue,
        kind: Kind,
        payload: &[u8],
        out: &mut Vec<Output>,
    ) {
        let Ok(request) = Frame::decode(&dialogue.head) else {
            return;
        };
        let octets: Bytes = request.answer(kind, payload).encode().into();
        let doors = self.doors.as_deref_mut();
        let answers = doors.map(|doors| &mut doors.radio.answers);
        if let Some((_, answer)) =
            answers.and_then(|answers| answers.iter_mut().find(|(hash, _)| *hash == dialogue.hash))
        {
            *answer = Some(octets.clone());
        }
        self.send_radio(octets, out);
    }

    /// Sends a request to the centre, after those that wait.
    pub(super) fn send_uplink(
        &mut self,
        now: Time,
        about: About,
        payload: &[u8],
        out: &mut Vec<Output>,
    ) {
        let Some(doors) = self.doors.as_deref_mut() else {
            return;
        };
        let radio = &mut doors.radio;
        if radio.uplink.len() >= WAITING {
            let (from, why) = ("radio".to_owned(), "too much waits to be sent".to_owned());
            return self.report(now, Fact::Refused { from, why }, out);
        }
        radio.reference = radio.reference.wrapping_add(1);
        let frame = Frame::request(about, radio.reference, payload);
        radio.uplink.push_back(Uplink {
            about,
            reference: radio.reference,
            octets: frame.encode().into(),
            tries: 0,
        });
        if radio.uplink.len() == 1 {
            self.uplink_due(now, out);
        }
    }

    /// Sends the first frame that waits, again or for the first time.
    pub(in crate::device) fn uplink_due(&mut self, now: Time, out: &mut Vec<Output>) {
        let Some(doors) = self.doors.as_deref_mut() else {
            return;
        };
        let Some(first) = doors.radio.uplink.front_mut() else {
            return;
        };
        if first.tries >= TRIES {
            doors.radio.uplink.pop_front();
            let (from, why) = ("radio".to_owned(), "no answer from the centre".to_owned());
            self.report(now, Fact::Refused { from, why }, out);
            return self.uplink_due(now, out);
        }
        first.tries = first.tries.saturating_add(1);
        let octets = first.octets.clone();
        self.timers.set(Timer::Uplink, now + ANSWER);
        self.send_radio(octets, out);
    }

    fn uplink_answered(
        &mut self,
        now: Time,
        about: About,
        frame: &Frame<'_>,
        out: &mut Vec<Output>,
    ) {
        let Some(doors) = self.doors.as_deref_mut() else {
            return;
        };
        let is_its = |first: &Uplink| first.about == about && first.reference == frame.reference;
        if !doors.radio.uplink.front().is_some_and(is_its) {
            return;
        }
        doors.radio.uplink.pop_front();
        self.timers.cancel(Timer::Uplink);
        if frame.kind == Kind::Refusal {
            let (from, why) = (
                "radio".to_owned(),
                "the centre refused a message".to_owned(),
            );
            self.report(now, Fact::Refused { from, why }, out);
        }
        self.uplink_due(now, out);
    }

    /// The next reference of a message in parts.
    pub(super) fn parts_reference(&mut self) -> u16 {
        self.doors.as_deref_mut().map_or(0, |doors| {
            doors.radio.parts = doors.radio.parts.wrapping_add(1);
            doors.radio.parts
        })
    }

    /// Whether the centre knows the device.
    #[must_use]
    pub fn is_attached(&self) -> bool {
        self.doors
            .as_deref()
            .is_some_and(|doors| doors.radio.is_attached)
    }
}
