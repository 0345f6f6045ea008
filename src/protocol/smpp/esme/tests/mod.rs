//! What an ESME does, step by step, with a message centre that is written out here.

use super::*;
use crate::codec::smpp::{Body, Pdu};

mod links;
mod receiving;
mod submitting;
mod taking_back;

const NOW: Time = Time::from_secs(1_000);

/// An ESME with what it asked for, and time.
struct Bench {
    esme: Esme,
    out: Vec<Out>,
    now: Time,
}

impl Bench {
    fn new(settings: Settings) -> Self {
        Self {
            esme: Esme::new(settings, Random::from_number(1)),
            out: Vec::new(),
            now: NOW,
        }
    }

    /// One whose main leg is bound.
    fn bound(settings: Settings) -> Self {
        let mut bench = Self::new(settings);
        bench.give(In::Start);
        bench.bind(Leg::Main);
        bench.out.clear();
        bench
    }

    fn bind(&mut self, leg: Leg) {
        self.give(In::Opened(leg));
        let bind = self.sent().pop().unwrap();
        self.say(leg, Command(bind.0.0).response(), Status::OK, bind.1);
    }

    fn give(&mut self, input: In) {
        self.esme.handle(self.now, input, &mut self.out);
    }

    /// The peer says a PDU without parameters of any kind; those that want some get them.
    fn say(&mut self, leg: Leg, command: Command, status: Status, sequence: u32) {
        let body = match command {
            Command::SUBMIT_SM_RESP | Command::DATA_SM_RESP if status == Status::OK => {
                Body::MessageResponse("m1".into())
            }
            Command::BIND_TRANSCEIVER_RESP
            | Command::BIND_TRANSMITTER_RESP
            | Command::BIND_RECEIVER_RESP => Body::BindResponse("centre".into()),
            _ => Body::Empty,
        };
        let pdu = Pdu {
            status,
            ..Pdu::new(command, sequence, body)
        };
        self.give(In::Octets(leg, pdu.encode().unwrap().into()));
    }

    fn main(&mut self, command: Command, status: Status, sequence: u32) {
        self.say(Leg::Main, command, status, sequence);
    }

    fn pass(&mut self, seconds: u64) {
        let until = self.now + Duration::from_secs(seconds);
        while let Some(at) = self.esme.deadline().filter(|at| *at <= until) {
            self.now = at;
            self.esme.expire(at, &mut self.out);
        }
        self.now = until;
    }

    /// Command, status and sequence of all that was sent, which is taken away.
    fn sent(&mut self) -> Vec<(Command, u32, Status)> {
        let mut found = Vec::new();
        for out in core::mem::take(&mut self.out) {
            if let Out::Octets(_, octets) = out {
                let pdu = Pdu::decode(&octets).unwrap();
                found.push((pdu.command, pdu.sequence, pdu.status));
            } else {
                self.out.push(out);
            }
        }
        found
    }

    fn submit(&mut self, id: u64, parts: usize) {
        let message =
            ShortMessage::of_user_data(Address::of("PPG"), Address::of("+15550001"), Bytes::new());
        let message = ShortMessage {
            registered_delivery: 1,
            ..message
        };
        let part = Bytes::from_static(b"\x06\x05\x04\x0b\x84\x23\xf0hello");
        self.give(In::Submit(Box::new(Submission::new(
            id,
            message,
            vec![part; parts],
        ))));
    }

    fn done(&self) -> Vec<(u64, Outcome)> {
        let one = |out: &Out| match out {
            Out::Done { id, outcome } => Some((*id, outcome.clone())),
            _ => None,
        };
        self.out.iter().filter_map(one).collect()
    }
}

fn refused(why: Refusal) -> Outcome {
    Outcome::Refused { why }
}
