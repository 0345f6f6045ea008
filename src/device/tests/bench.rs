//! One device, its clock, and the other end of its socket and links.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;

use crate::codec::device_id::DeviceId;
use crate::codec::msrp;
use crate::codec::sdp::{self, Sdp};
use crate::codec::sip::{Draft, Message, Method, Name};
use crate::codec::sir::{Placement, Sir};
use crate::codec::stun;
use crate::device::Device;
use crate::device::applications::Application;
use crate::device::behaviour::Behaviour;
use crate::device::config::{Config, Information, Profile};
use crate::device::decision::Own;
use crate::event::{Bearer, Event, Fact};
use crate::machine::Machine;
use crate::random::Random;
use crate::time::Time;
use crate::world::{
    CloseReason, FetchId, HttpRequest, HttpResponse, Input, LinkId, Output, SocketId, Transport,
};

pub(super) const C1: &str = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
pub(super) const C2: &str = "urn:gsma:imei:90420156-025763-0";
pub(super) const DCD: &str = "x-oma-application:dcd.ua";
pub(super) const GATEWAY: &str = "192.0.2.5:5060";
pub(super) const GATEWAY_2: &str = "192.0.2.6:5060";
/// The socket of the radio.
pub(super) const RADIO: SocketId = SocketId(2);
/// The socket of WSP sessions.
pub(super) const SESSION: SocketId = SocketId(3);
pub(super) const INFORMATION: &str = "application/vnd.sirgate.info+json";

/// One device and what it sent that nobody looked at yet.
pub(super) struct Bench {
    pub(super) device: Device,
    pub(super) now: Time,
    pub(super) sent: VecDeque<(SocketAddr, Message)>,
    pub(super) chunks: VecDeque<msrp::Message>,
    pub(super) events: Vec<Event>,
    pub(super) link: Option<(LinkId, SocketAddr)>,
    pub(super) closed: Vec<LinkId>,
    /// Links for push over HTTP that it asked for: in TLS or not, whereto, and the name of the gateway there.
    pub(super) lines: VecDeque<(LinkId, Transport, SocketAddr, Option<String>)>,
    /// What it sent on those.
    pub(super) on_lines: VecDeque<(LinkId, Bytes)>,
    /// Frames to the short message centre.
    pub(super) frames: VecDeque<Bytes>,
    /// Datagrams from the socket of WSP sessions.
    pub(super) wsp: VecDeque<Bytes>,
    /// Answers to HTTP requests.
    pub(super) responses: VecDeque<HttpResponse>,
    /// HTTP requests of the device.
    pub(super) fetches: VecDeque<(FetchId, HttpRequest)>,
    framer: msrp::Framer,
    pub(super) branch: u32,
    pub(super) path: (String, String),
}

pub(super) fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// The first device of the trio, with an application and something to say.
pub(super) fn config(behaviour: Behaviour) -> Config {
    let mut config = Config::new(
        "C1",
        "sip:alice@example.com",
        vec![DeviceId::decode(C1).unwrap()],
        at("192.0.2.11:5060"),
        at(GATEWAY),
    );
    config.ppg_addresses = Arc::new([
        ("ppg.example.com".to_owned(), at(GATEWAY)),
        ("ppg2.example.com".to_owned(), at(GATEWAY_2)),
    ]);
    config.behaviour = Arc::new(behaviour);
    config.profile = Arc::new(Profile {
        own: Own {
            applications: vec![Application {
                id: DCD.into(),
                name: Some("DCD".into()),
                registers: true,
                information: [("capability".to_owned(), json!({"channels": 4}))].into(),
                ..Application::default()
            }],
            ..Own::default()
        },
        accept: Vec::new(),
        information: Information {
            capability: json!({"screen": "240x320"}),
            preference: json!({"deliver": "always"}),
            security: json!({"algorithms": ["SHA-256"]}),
            subscription: json!({"services": [DCD]}),
        },
    });
    config
}

pub(super) fn sir() -> Sir {
    let mut sir = Sir::new("sip:alice@example.com", "sip:push@ppg.example.com");
    sir.id = Some("0001".into());
    sir
}

pub(super) fn naming(ids: &[&str]) -> Sir {
    let ids: Vec<DeviceId> = ids.iter().map(|id| DeviceId::decode(id).unwrap()).collect();
    sir().with_devices(Placement::HEADER, &ids)
}

/// A SIR for this device alone.
pub(super) fn targeted(ids: &[&str]) -> Sir {
    let mut sir = naming(ids);
    sir.targeted = true;
    sir
}

impl Bench {
    /// A device that is switched on and registered.
    pub(super) fn registered(behaviour: Behaviour) -> Self {
        Self::registered_as(config(behaviour))
    }

    pub(super) fn registered_as(config: Config) -> Self {
        let mut bench = Self::new(config);
        bench.run();
        let register = bench.request(Method::Register);
        bench.grant(&register, 3_600);
        bench
    }

    pub(super) fn new(config: Config) -> Self {
        Self {
            device: Device::new(config, Random::from_number(11)),
            now: Time::from_secs(1_800_000_000),
            sent: VecDeque::new(),
            chunks: VecDeque::new(),
            events: Vec::new(),
            link: None,
            closed: Vec::new(),
            lines: VecDeque::new(),
            on_lines: VecDeque::new(),
            frames: VecDeque::new(),
            wsp: VecDeque::new(),
            responses: VecDeque::new(),
            fetches: VecDeque::new(),
            framer: msrp::Framer::new(),
            branch: 0,
            path: Default::default(),
        }
    }

    /// Lets the device do what is due.
    pub(super) fn run(&mut self) {
        while self.device.deadline().is_some_and(|due| due <= self.now) {
            let mut out = Vec::new();
            self.device.expire(self.now, &mut out);
            self.took(out);
        }
    }

    /// Lets time pass, deadline by deadline.
    pub(super) fn wait_ms(&mut self, millis: u64) {
        let until = self.now + core::time::Duration::from_millis(millis);
        while let Some(due) = self.device.deadline().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.run();
        }
        self.now = until;
    }

    pub(super) fn stop(&mut self) {
        let mut out = Vec::new();
        self.device.stop(self.now, &mut out);
        self.took(out);
    }

    pub(super) fn tell(&mut self, input: Input) {
        let mut out = Vec::new();
        self.device.handle(self.now, input, &mut out);
        self.took(out);
    }

    fn took(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Datagram { socket, octets, .. } if socket == RADIO => {
                    self.frames.push_back(octets);
                }
                Output::Datagram { socket, octets, .. } if socket == SESSION => {
                    self.wsp.push_back(octets);
                }
                Output::Respond { response, .. } => self.responses.push_back(response),
                Output::Fetch { id, request, .. } => self.fetches.push_back((id, request)),
                Output::Datagram { peer, octets, .. } if !stun::is_stun(&octets) => {
                    self.sent
                        .push_back((peer, Message::decode(octets).unwrap()));
                }
                Output::Connect {
                    link,
                    transport,
                    target,
                    server_name,
                } if Device::is_push(link) => {
                    let line = (link, transport, target, server_name);
                    self.lines.push_back(line);
                }
                Output::Octets { link, octets } if Device::is_push(link) => {
                    self.on_lines.push_back((link, octets));
                }
                Output::Connect { link, target, .. } => self.link = Some((link, target)),
                Output::Octets { octets, .. } => {
                    self.framer.push(&octets);
                    while let Some(message) = self.framer.next() {
                        self.chunks.push_back(message.unwrap());
                    }
                }
                Output::Close { link } => self.closed.push(link),
                Output::Report(event) => self.events.push(event),
                _ => {}
            }
        }
    }

    pub(super) fn receive(&mut self, message: &Message) {
        self.tell(Input::Datagram {
            socket: SocketId(0),
            peer: at(GATEWAY),
            octets: message.octets().clone(),
        });
    }

    /// The next message the device sent.
    pub(super) fn next(&mut self) -> Message {
        self.sent.pop_front().expect("the device sent nothing").1
    }

    /// The next request the device sent, which must be of this method.
    pub(super) fn request(&mut self, method: Method) -> Message {
        let message = self.next();
        assert_eq!(message.method(), Some(method), "{}", text(&message));
        message
    }

    /// The status of the next message the device sent.
    pub(super) fn status(&mut self) -> u16 {
        let message = self.next();
        message
            .status()
            .unwrap_or_else(|| panic!("{}", text(&message)))
    }

    pub(super) fn answer(&mut self, request: &Message, status: u16) {
        let draft = Draft::response(request, status, Some("g1"));
        self.receive(&draft.finish());
    }

    pub(super) fn grant(&mut self, register: &Message, expires: u32) {
        let contact = register.text(Name::Contact).unwrap();
        let contact = format!(
            "{contact};expires={expires};pub-gruu=\"sip:alice@example.com;gr={}\"",
            self.device.config().instance
        );
        let ok = Draft::response(register, 200, Some("r1")).header("Contact", contact);
        self.receive(&ok.finish());
    }

    /// Sends a SIR in a MESSAGE of its own.
    pub(super) fn send(&mut self, sir: &Sir) {
        let message = self.message(sir, |draft| draft);
        self.receive(&message);
    }

    pub(super) fn message(&mut self, sir: &Sir, more: impl FnOnce(Draft) -> Draft) -> Message {
        self.branch += 1;
        let wrapped = sir.encode();
        let uri = if sir.targeted {
            format!("sip:alice@example.com;gr={}", self.device.config().instance)
        } else {
            "sip:alice@192.0.2.11:5060;ob".to_owned()
        };
        let draft = Draft::request(Method::Message, &uri)
            .header(
                "From",
                format_args!("<{}>;tag=p{}", wrapped.from, self.branch),
            )
            .header("To", format_args!("<{}>", wrapped.to))
            .header(
                "Call-ID",
                format_args!("sir-{}@ppg.example.com", self.branch),
            )
            .header("CSeq", "1 MESSAGE");
        let via = format!("SIP/2.0/UDP {GATEWAY};branch=z9hG4bKp{};rport", self.branch);
        more(wrapped.onto(draft)).finish_with_via(&via)
    }

    /// A request in the dialog of this INVITE, from the gateway.
    pub(super) fn bye(&mut self, invite: &Message) {
        self.branch += 1;
        let from = invite.text(Name::To).unwrap();
        let bye = Draft::request(Method::Bye, "sip:alice@192.0.2.11:5060;ob")
            .header("From", format_args!("{from};tag=g1"))
            .header("To", invite.text(Name::From).unwrap())
            .header("Call-ID", invite.text(Name::CallId).unwrap())
            .header("CSeq", "1 BYE");
        let via = format!("SIP/2.0/UDP {GATEWAY};branch=z9hG4bKp{}", self.branch);
        self.receive(&bye.finish_with_via(&via));
    }

    /// Accepts this INVITE; the device acknowledges and opens its link, which comes up and is bound.
    pub(super) fn accept(&mut self, invite: &Message) {
        self.accept_only(invite);
        let (link, peer) = self.link.expect("the device opened no link");
        self.tell(Input::Opened {
            link,
            listener: None,
            transport: Transport::Tcp,
            local: at("192.0.2.11:40001"),
            peer,
        });
        let binding = self.chunk();
        self.answer_chunk(&binding, 200);
    }

    pub(super) fn accept_only(&mut self, invite: &Message) {
        let offer = Sdp::decode(invite.body()).unwrap();
        let answer = offer.answer(9, "192.0.2.5", "p1s9", 2855).unwrap();
        assert_eq!(offer.setup, Some(sdp::Setup::Active));
        self.path = (offer.path, answer.path.clone());
        let ok = Draft::response(invite, 200, Some("g1"))
            .header("Contact", "<sip:push@192.0.2.5:5060>")
            .header("Session-Expires", "1800;refresher=uac")
            .body("application/sdp", &answer.encode());
        self.receive(&ok.finish());
        self.request(Method::Ack);
    }

    /// The next MSRP request of the device.
    pub(super) fn chunk(&mut self) -> msrp::Request {
        match self.chunks.pop_front() {
            Some(msrp::Message::Request(request)) => request,
            other => panic!("no request: {other:?}"),
        }
    }

    pub(super) fn answer_chunk(&mut self, request: &msrp::Request, status: u16) {
        let octets = request.answer(status).encode();
        self.octets(octets);
    }

    pub(super) fn octets(&mut self, octets: Bytes) {
        let link = self.link.unwrap().0;
        self.tell(Input::Octets { link, octets });
    }

    /// Sends content in one chunk, and takes the answer and the report.
    pub(super) fn push(&mut self, push: &str, content: &'static [u8]) {
        let (device, own) = self.path.clone();
        self.branch += 1;
        let tid = format!("t{:08}", self.branch);
        let octets = content.len();
        let send = msrp::Request::new(msrp::Method::Send, &tid, vec![device], vec![own])
            .header("Message-ID", format!("m{:08}", self.branch))
            .header("Byte-Range", format!("1-{octets}/{octets}"))
            .header("Success-Report", "yes")
            .header("X-Sirgate-Push", push)
            .content("text/plain", Bytes::from_static(content));
        self.octets(send.encode());
    }

    pub(super) fn lose_link(&mut self) {
        let link = self.link.unwrap().0;
        let why = CloseReason::Peer;
        self.tell(Input::Closed { link, why });
    }

    /// The names of the events so far, with what tells them apart.
    pub(super) fn story(&self) -> Vec<String> {
        // That it is registered goes without saying in every story but the one about that.
        self.events
            .iter()
            .filter(|event| !matches!(event.fact, Fact::DevReg { .. }))
            .map(|event| line(&event.fact))
            .collect()
    }

    /// Events of this kind.
    pub(super) fn count(&self, name: &str) -> usize {
        self.story()
            .iter()
            .filter(|line| line.starts_with(name))
            .count()
    }
}

fn line(fact: &Fact) -> String {
    match fact {
        Fact::SirRx { ids, bearer, .. } if *bearer == Bearer::Sip => {
            format!("sir.rx {}", ids.len())
        }
        Fact::SirRx { ids, bearer, .. } => {
            format!("sir.rx {} {bearer:?}", ids.len()).to_lowercase()
        }
        Fact::SirDecide {
            result,
            reason,
            conflict,
            ..
        } => {
            let conflict = if *conflict { " conflict" } else { "" };
            format!("sir.decide {result:?} {}{conflict}", reason.token()).to_lowercase()
        }
        Fact::Prompt { kind, .. } => format!("prompt {kind}"),
        Fact::SessReq { ppg, .. } => format!("sess.req {ppg}"),
        Fact::SessUp { ppg, .. } => format!("sess.up {ppg}"),
        Fact::SessDown { why, .. } => format!("sess.down {why}"),
        Fact::PushRx {
            push,
            octets,
            repeated,
            via,
            ..
        } => {
            let repeated = if *repeated { " repeated" } else { "" };
            format!("push.rx {push} {octets} {via:?}{repeated}").to_lowercase()
        }
        Fact::InfoTx { kind, via, .. } => format!("info.tx {kind} {via:?}").to_lowercase(),
        Fact::MsgTx { kind, .. } => format!("msg.tx {kind}"),
        Fact::AppAct { app, when, .. } => format!("app.act {app} {when:?}").to_lowercase(),
        Fact::AppReg { app, .. } => format!("app.reg {app}"),
        Fact::Refused { why, .. } => format!("refused {why}"),
        Fact::Wire {
            from,
            to,
            line,
            what,
            ..
        } => format!("wire {from} {to} {line} {what}"),
        other => format!("{other:?}"),
    }
}

pub(super) fn text(message: &Message) -> String {
    String::from_utf8_lossy(message.octets()).into_owned()
}
