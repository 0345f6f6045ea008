//! Transactions as transcripts: PDUs in hexadecimal digits and what the user learns.

use std::time::Duration;

use super::*;
use crate::codec::hex;

mod bounds;
mod lossy;
mod ours;
mod segments;
mod theirs;

/// One endpoint and what happens to it.
struct Lab {
    endpoint: Endpoint,
    now: Time,
}

fn peer() -> SocketAddr {
    "10.0.0.1:9201".parse().unwrap()
}

fn key(tid: u16) -> Key {
    Key { peer: peer(), tid }
}

/// Strangers are known not to have been forgotten.
fn settings() -> Settings {
    Settings {
        packet_lifetime: Duration::ZERO,
        ..Settings::default()
    }
}

impl Lab {
    fn new(settings: Settings) -> Self {
        Self {
            endpoint: Endpoint::new(settings, Random::from_number(1)),
            now: Time::from_secs(1_000),
        }
    }

    fn told(&mut self, act: impl FnOnce(&mut Endpoint, Time, &mut Vec<Out>)) -> Vec<String> {
        let mut out = Vec::new();
        act(&mut self.endpoint, self.now, &mut out);
        self.endpoint.flush(&mut out);
        out.iter().map(shown).collect()
    }

    /// A datagram comes in.
    fn gets(&mut self, digits: &str) -> Vec<String> {
        let octets = hex::octets(digits).unwrap();
        self.told(|endpoint, now, out| endpoint.receive(now, peer(), &octets, out))
    }

    fn responds(&mut self, tid: u16, info: &'static [u8]) -> Vec<String> {
        self.told(|it, now, out| it.respond(now, key(tid), Bytes::from_static(info), out))
    }

    fn answers(&mut self, tid: u16, message: &'static [u8]) -> Vec<String> {
        self.told(|it, now, out| it.result(now, key(tid), Bytes::from_static(message), out))
    }

    fn aborts(&mut self, tid: u16, reason: u8) -> Vec<String> {
        self.told(|it, now, out| it.abort(now, key(tid), reason, out))
    }

    /// Begins a transaction; its id is made 0 in what is shown.
    fn invokes(&mut self, class: u8, up: bool, message: &'static [u8]) -> (u16, Vec<String>) {
        let message = Bytes::from_static(message);
        let key = self
            .endpoint
            .invoke(self.now, peer(), class, up, message)
            .unwrap();
        (key.tid, self.told(|_, _, _| {}))
    }

    /// Milliseconds pass; what happens is shown with the moment.
    fn passes(&mut self, millis: u64) -> Vec<String> {
        let start = self.now;
        let end = self.now + Duration::from_millis(millis);
        let mut shown = Vec::new();
        while let Some(at) = self.endpoint.deadline().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            let after = self.now.since(start).as_millis();
            let told = self.told(|endpoint, now, out| endpoint.expire(now, out));
            shown.extend(told.into_iter().map(|it| format!("{after}: {it}")));
        }
        self.now = end;
        shown
    }

    fn transactions(&self) -> usize {
        self.endpoint.load().transactions
    }
}

fn shown(out: &Out) -> String {
    match out {
        Out::Datagram { octets, .. } => format!("> {}", hex::digits(octets)),
        Out::Event { key, event } => {
            let tid = key.tid;
            match event {
                Event::Invoked {
                    class,
                    user_acknowledgement,
                    message,
                } => {
                    let up = if *user_acknowledgement { " up" } else { "" };
                    format!("{tid:04x} invoked {class}{up} {}", hex::digits(message))
                }
                Event::InvokeConfirmed { info } => {
                    format!("{tid:04x} confirmed {}", hex::digits(info))
                }
                Event::Result { message } => format!("{tid:04x} result {}", hex::digits(message)),
                Event::ResultConfirmed { info } => {
                    format!("{tid:04x} result confirmed {}", hex::digits(info))
                }
                Event::Aborted { why, by_peer } => {
                    let by = if *by_peer { "peer" } else { "us" };
                    format!("{tid:04x} aborted by {by}: {why:?}")
                }
            }
        }
    }
}
