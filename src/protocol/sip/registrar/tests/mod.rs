//! The registrar as its clients see it.

mod flows;
mod gruus;
mod random;
mod rules;

use core::time::Duration;

use bytes::Bytes;

use crate::codec::sip::Message;
use crate::codec::uri::Uri;
use crate::random::Random;
use crate::time::Time;
use crate::world::{LinkId, SocketId};

use super::*;

const NOW: Time = Time::from_secs(1_767_261_600);
const ALICE: &str = "sip:alice@example.com";
const LINK: Flow = Flow::Link(LinkId(7));
const C1: &str = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
const C2: &str = "urn:uuid:0f2a6c54-9b1d-4c3e-8a77-5d1f6e0b9c21";

/// A registrar of the profile's policy and what a test does with it.
struct Bench {
    registrar: Registrar,
    now: Time,
    flow: Flow,
}

/// A REGISTER in the making.
struct Ask {
    uri: &'static str,
    to: String,
    call_id: &'static str,
    cseq: u32,
    rows: Vec<String>,
}

/// What came of it.
#[derive(Debug)]
struct Told {
    response: Message,
    changes: Vec<Change>,
}

fn bench() -> Bench {
    with(Policy::new("example.com", [5; 32]))
}

fn with(policy: Policy) -> Bench {
    Bench {
        registrar: Registrar::new(policy, Random::from_number(1)),
        now: NOW,
        flow: udp(40_000),
    }
}

fn udp(port: u16) -> Flow {
    Flow::Udp {
        socket: SocketId(0),
        peer: ([192, 0, 2, 11], port).into(),
    }
}

/// A REGISTER of alice without any Contact.
fn ask(cseq: u32) -> Ask {
    Ask {
        uri: "sip:example.com",
        to: ALICE.to_owned(),
        call_id: "d1-reg-1",
        cseq,
        rows: Vec::new(),
    }
}

/// A REGISTER of alice with these Contacts.
fn contacts(cseq: u32, values: &[&str]) -> Ask {
    values
        .iter()
        .fold(ask(cseq), |ask, value| ask.row("Contact", value))
}

/// A Contact of a device with outbound.
fn outbound(user: &str, urn: &str, reg_id: u32) -> String {
    format!("<sip:{user}@192.0.2.11;transport=tcp;ob>;+sip.instance=\"<{urn}>\";reg-id={reg_id}")
}

impl Ask {
    fn row(mut self, name: &str, value: &str) -> Self {
        self.rows.push(format!("{name}: {value}\r\n"));
        self
    }

    fn to(mut self, to: &str) -> Self {
        self.to = to.to_owned();
        self
    }

    fn uri(mut self, uri: &'static str) -> Self {
        self.uri = uri;
        self
    }

    fn call_id(mut self, call_id: &'static str) -> Self {
        self.call_id = call_id;
        self
    }

    /// With everything a modern device supports.
    fn modern(self) -> Self {
        self.row("Supported", "path, outbound, gruu")
    }

    fn message(&self) -> Message {
        let Self {
            uri,
            to,
            call_id,
            cseq,
            rows,
        } = self;
        let text = format!(
            "REGISTER {uri} SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.11:5060;branch=z9hG4bKd1r{cseq}\r\n\
             Max-Forwards: 70\r\nFrom: <{to}>;tag=d1a\r\nTo: <{to}>\r\nCall-ID: {call_id}\r\n\
             CSeq: {cseq} REGISTER\r\n{}Content-Length: 0\r\n\r\n",
            rows.concat()
        );
        Message::decode(Bytes::from(text)).unwrap()
    }
}

impl Bench {
    fn send(&mut self, ask: &Ask) -> Told {
        let (draft, changes) = self.registrar.register(self.now, &ask.message(), self.flow);
        Told {
            response: draft.finish(),
            changes,
        }
    }

    /// Sends what must be accepted.
    fn accepted(&mut self, ask: &Ask) -> Told {
        let told = self.send(ask);
        assert_eq!(told.status(), 200, "{told:?}");
        told
    }

    /// Sends what must be refused, and checks that nothing changed.
    fn refused(&mut self, ask: &Ask) -> Told {
        let before: Vec<Binding> = self.registrar.all().cloned().collect();
        let told = self.send(ask);
        assert_eq!(told.changes, []);
        assert!(
            self.registrar.all().eq(&before),
            "a refusal changes nothing"
        );
        told
    }

    fn wait(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
    }

    /// Contacts of alice in order.
    fn contacts(&self) -> Vec<&str> {
        let bindings = self.registrar.bindings(ALICE).iter();
        bindings.map(|binding| binding.contact.as_str()).collect()
    }

    /// Contacts a URI leads to, or the status.
    fn resolve(&self, uri: &str) -> Result<Vec<&str>, u16> {
        match self
            .registrar
            .resolve(&Uri::decode(uri.as_bytes()).unwrap())
        {
            Resolved::Bindings(found) => Ok(found.iter().map(|b| b.contact.as_str()).collect()),
            Resolved::NotFound => Err(404),
            Resolved::Unavailable => Err(480),
        }
    }
}

impl Told {
    fn status(&self) -> u16 {
        self.response.status().unwrap()
    }

    /// All values of a header.
    fn values(&self, name: &str) -> Vec<String> {
        self.response
            .headers()
            .filter(|(_, raw, _)| raw.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, _, value)| String::from_utf8(value.to_vec()).unwrap())
            .collect()
    }

    /// A parameter of the first Contact.
    fn param(&self, name: &str) -> Option<String> {
        match self.response.contacts().next()?.unwrap() {
            crate::codec::sip::Contact::Address(address) => {
                address.param(name)?.map(|value| value.into_owned())
            }
            crate::codec::sip::Contact::Star => None,
        }
    }

    fn words(&self) -> Vec<&'static str> {
        self.changes.iter().map(Change::word).collect()
    }
}
