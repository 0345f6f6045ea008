//! Two sessions joined, on good links and bad ones.

use super::*;
use crate::codec::msrp::{Flag, Framer, Headers};

mod links;
mod receiving;
mod sending;

const DEVICE: &str = "msrp://192.0.2.11:9/d1s7aa11bb22;tcp";
const GATEWAY: &str = "msrp://192.0.2.5:2855/p1s9cc33dd44;tcp";

/// The two ends of a session and what is on its way between them.
struct Pair {
    now: Time,
    device: Session,
    gateway: Session,
    to_gateway: Vec<Message>,
    to_device: Vec<Message>,
    /// What the ends told their owners.
    device_told: Vec<Out>,
    gateway_told: Vec<Out>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Device,
    Gateway,
}

impl Pair {
    fn new() -> Self {
        Self::with(Settings::default(), Settings::default())
    }

    fn with(device: Settings, gateway: Settings) -> Self {
        let device = Settings {
            active: true,
            ..device
        };
        let mut random = Random::from_number(4975);
        Self {
            now: Time::from_secs(1),
            device: Session::new(DEVICE.into(), GATEWAY, random.fork(), device),
            gateway: Session::new(GATEWAY.into(), DEVICE, random.fork(), gateway),
            to_gateway: Vec::new(),
            to_device: Vec::new(),
            device_told: Vec::new(),
            gateway_told: Vec::new(),
        }
    }

    /// Both ends linked and bound.
    fn bound() -> Self {
        let mut pair = Self::new();
        pair.link();
        pair
    }

    fn link(&mut self) {
        self.tell(End::Device, In::Linked);
        self.tell(End::Gateway, In::Linked);
        self.run();
        assert_eq!(self.device_told.pop(), Some(Out::Bound));
        assert_eq!(self.gateway_told.pop(), Some(Out::Bound));
    }

    fn tell(&mut self, end: End, input: In) {
        let mut out = Vec::new();
        match end {
            End::Device => self.device.handle(self.now, input, &mut out),
            End::Gateway => self.gateway.handle(self.now, input, &mut out),
        }
        self.take(end, out);
    }

    fn take(&mut self, end: End, out: Vec<Out>) {
        let (way, told) = match end {
            End::Device => (&mut self.to_gateway, &mut self.device_told),
            End::Gateway => (&mut self.to_device, &mut self.gateway_told),
        };
        for out in out {
            if let Out::Octets(octets) = &out {
                let mut framer = Framer::new();
                framer.push(octets);
                way.push(framer.next().unwrap().unwrap());
                assert_eq!(framer.waiting(), 0);
            } else {
                told.push(out);
            }
        }
    }

    /// Carries one message from each side; false when nothing was on its way.
    fn step(&mut self) -> bool {
        let (up, down) = (
            take_first(&mut self.to_gateway),
            take_first(&mut self.to_device),
        );
        let any = up.is_some() || down.is_some();
        if let Some(message) = up {
            self.tell(End::Gateway, In::Message(message));
        }
        if let Some(message) = down {
            self.tell(End::Device, In::Message(message));
        }
        any
    }

    fn run(&mut self) {
        while self.step() {}
    }

    fn wait(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
        let mut out = Vec::new();
        self.gateway.expire(self.now, &mut out);
        self.take(End::Gateway, out);
        let mut out = Vec::new();
        self.device.expire(self.now, &mut out);
        self.take(End::Device, out);
    }

    /// The gateway sends a message and wants a report.
    fn push(&mut self, id: u64, body: &[u8]) {
        self.send(End::Gateway, id, body, true);
    }

    fn send(&mut self, end: End, id: u64, body: &[u8], success_report: bool) {
        let send = In::Send {
            id,
            content_type: "text/plain".into(),
            headers: Headers::from_iter([("X-Sirgate-Push", format!("{id}@pi"))]),
            body: Bytes::copy_from_slice(body),
            success_report,
        };
        self.tell(end, send);
    }

    /// The bodies the device received.
    fn received(&self) -> Vec<Bytes> {
        bodies(&self.device_told)
    }
}

fn bodies(told: &[Out]) -> Vec<Bytes> {
    let body = |out: &Out| match out {
        Out::Received { body, .. } => Some(body.clone()),
        _ => None,
    };
    told.iter().filter_map(body).collect()
}

fn take_first(way: &mut Vec<Message>) -> Option<Message> {
    (!way.is_empty()).then(|| way.remove(0))
}

fn request(message: &Message) -> &Request {
    match message {
        Message::Request(request) => request,
        Message::Response(response) => panic!("{response:?}"),
    }
}

fn content(octets: usize) -> Vec<u8> {
    (0..octets).map(|i| (i % 251).to_le_bytes()[0]).collect()
}

/// A chunk from the gateway to the device.
fn chunk(id: &str, range: &str, body: &[u8], flag: Flag) -> Message {
    let mut request = Request::new(Method::Send, "tidtid", DEVICE, GATEWAY)
        .header("Message-ID", id)
        .header("Byte-Range", range)
        .content("text/plain", Bytes::copy_from_slice(body));
    request.flag = flag;
    Message::Request(request)
}

/// The status of the response that the device sent last.
fn answered(pair: &mut Pair) -> u16 {
    match pair.to_gateway.pop() {
        Some(Message::Response(response)) => response.status,
        other => panic!("{other:?}"),
    }
}
