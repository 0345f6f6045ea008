//! A gateway, its clock, and hands that write SIP, MSRP and PAP octets.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::initiator::{PLAIN, Written};
use crate::codec::device_id::DeviceId;
use crate::codec::pap::{self, ClientAddress, Operation};
use crate::codec::sip::{Message, Method, Name};
use crate::event::Fact;
use crate::gateway::Gateway;
use crate::gateway::config::{Config, DeviceProfile, Identity, Listener, Speaks};
use crate::machine::Machine;
use crate::random::Random;
use crate::time::Time;
use crate::world::{
    CloseReason, Errand, FetchError, FetchId, HttpRequest, HttpResponse, Input, LinkId, ListenerId,
    Output, Record, RecordKey, RecordKind, RequestId, SocketId, Transport,
};

pub(super) const ALICE: &str = "sip:alice@example.com";
pub(super) const UUID: &str = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
pub(super) const IMEI: &str = "urn:gsma:imei:90420156-025763-0";
pub(super) const MAC: &str = "urn:dev:mac:0024befffe804ff1";
pub(super) const NOTIFY: &str = "http://pi.example.com/results";

/// The socket of WSP, where there is one.
pub(super) const WSP: SocketId = SocketId(1);

/// A SIR as a device received it.
#[derive(Clone, Debug)]
pub(super) struct Sir {
    pub(super) message: Message,
    /// Who received it: 1, 2 or 3.
    pub(super) dev: u8,
}

/// A gateway with the fixture Trio.
pub(super) struct Lab {
    pub(super) gateway: Gateway,
    pub(super) now: Time,
    pub(super) facts: Vec<Fact>,
    /// What the store would hold.
    pub(super) records: std::collections::BTreeMap<RecordKey, Record>,
    /// What kinds of output came, in order, since the last look: `save`, `respond` ...
    pub(super) order: Vec<&'static str>,
    pub(super) responses: Vec<(RequestId, HttpResponse)>,
    pub(super) fetches: Vec<(FetchId, HttpRequest)>,
    /// What the last fetch was for.
    pub(super) errand: Option<Errand>,
    sip: Vec<(SocketAddr, Message)>,
    /// Branches of requests seen; what UDP repeats is the same request.
    seen: std::collections::BTreeSet<String>,
    pub(super) octets: Vec<(LinkId, Bytes)>,
    /// Datagrams from the WSP socket.
    pub(super) wsp: Vec<(SocketAddr, Bytes)>,
    /// Datagrams from the socket of WSP sessions.
    pub(super) sessions: Vec<(SocketAddr, Bytes)>,
    /// Links that were asked for.
    pub(super) connects: Vec<LinkId>,
    pub(super) closed: Vec<LinkId>,
    next: u64,
}

pub(super) fn config() -> Config {
    let device = |name: &str, kind: &str, id: &str| DeviceProfile {
        name: name.to_owned(),
        kind: kind.to_owned(),
        ids: vec![DeviceId::decode(id).unwrap()],
        ..DeviceProfile::default()
    };
    Config {
        udp: vec![(SocketId(0), "192.0.2.5:5060".parse().unwrap())],
        listeners: vec![Listener {
            id: ListenerId(0),
            speaks: Speaks::Msrp,
            transport: Transport::Tcp,
            address: "192.0.2.5:2855".parse().unwrap(),
        }],
        identities: vec![Identity {
            pui: ALICE.to_owned(),
            aliases: vec!["tel:+15550100".to_owned()],
            devices: vec![
                device("C1", "mobile", UUID),
                device("C2", "pc", IMEI),
                device("C3", "pda", MAC),
            ],
        }],
        ..Config::default()
    }
}

/// The address of device 1, 2 or 3.
pub(super) fn address(dev: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 10 + dev], 5060))
}

pub(super) fn id(dev: u8) -> &'static str {
    [UUID, IMEI, MAC][usize::from(dev) - 1]
}

impl Lab {
    pub(super) fn new() -> Self {
        Self::with(config())
    }

    pub(super) fn with(config: Config) -> Self {
        Self {
            gateway: Gateway::new(config, Random::from_number(7)),
            now: Time::from_secs(1_767_261_600),
            facts: Vec::new(),
            records: std::collections::BTreeMap::new(),
            order: Vec::new(),
            responses: Vec::new(),
            fetches: Vec::new(),
            errand: None,
            sip: Vec::new(),
            seen: std::collections::BTreeSet::new(),
            octets: Vec::new(),
            wsp: Vec::new(),
            sessions: Vec::new(),
            connects: Vec::new(),
            closed: Vec::new(),
            next: 0,
        }
    }

    /// The trio, all registered.
    pub(super) fn registered() -> Self {
        Self::registered_with(config())
    }

    pub(super) fn registered_with(config: Config) -> Self {
        let mut lab = Self::with(config);
        for dev in 1..=3 {
            lab.register(dev);
        }
        lab
    }

    /// The same after a restart, from live records and those of ended pushes.
    pub(super) fn restarted(self, config: Config) -> Self {
        let mut lab = Self::with(config);
        lab.now = self.now;
        lab.next = self.next + 1000;
        lab.records = self.records;
        let is_read = |record: &&Record| record.live || record.key.kind == RecordKind::Push;
        let records: Vec<Record> = lab.records.values().filter(is_read).cloned().collect();
        let mut out = Vec::new();
        lab.gateway.restore(lab.now, records, &mut out);
        lab.take(out);
        lab
    }

    pub(super) fn input(&mut self, input: Input) {
        let mut out = Vec::new();
        self.gateway.handle(self.now, input, &mut out);
        self.take(out);
    }

    /// Lets time pass, timer by timer.
    pub(super) fn wait(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(due) = self.gateway.deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            let mut out = Vec::new();
            self.gateway.expire(self.now, &mut out);
            self.take(out);
        }
        self.now = end;
    }

    pub(super) fn take(&mut self, out: Vec<Output>) {
        for output in out {
            self.order.push(match &output {
                Output::Save(_) => "save",
                Output::Forget(_) => "forget",
                Output::Erase(_) => "erase",
                Output::Respond { .. } => "respond",
                Output::Fetch { .. } => "fetch",
                Output::Report(_) => "report",
                _ => "send",
            });
            match output {
                Output::Save(record) => {
                    self.records.insert(record.key.clone(), record);
                }
                Output::Forget(key) | Output::Erase(key) => {
                    self.records.remove(&key);
                }
                Output::Report(event) => self.facts.push(event.fact),
                Output::Respond { id, response } => self.responses.push((id, response)),
                Output::Fetch {
                    id,
                    errand,
                    request,
                } => {
                    self.errand = Some(errand);
                    self.fetches.push((id, request));
                }
                Output::Datagram {
                    socket: WSP,
                    peer,
                    octets,
                } => self.wsp.push((peer, octets)),
                Output::Datagram {
                    socket: SocketId(2),
                    peer,
                    octets,
                } => self.sessions.push((peer, octets)),
                Output::Datagram { peer, octets, .. } => {
                    let message = Message::decode(octets).unwrap();
                    let branch = message.text(Name::Via).unwrap().to_owned();
                    if message.status().is_some() || self.seen.insert(branch) {
                        self.sip.push((peer, message));
                    }
                }
                Output::Octets { link, octets } => self.octets.push((link, octets)),
                Output::Close { link } => self.closed.push(link),
                Output::Connect { link, .. } => self.connects.push(link),
                Output::Message { .. } => {}
            }
        }
    }

    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Octets that device `dev` sends.
    pub(super) fn datagram(&mut self, dev: u8, text: &str) {
        self.input(Input::Datagram {
            socket: SocketId(0),
            peer: address(dev),
            octets: Bytes::from(text.replace('\n', "\r\n")),
        });
    }

    /// A request of device `dev` with these header lines and body; its answer comes back.
    pub(super) fn request(
        &mut self,
        dev: u8,
        method: &str,
        uri: &str,
        headers: &str,
        body: &str,
    ) -> Message {
        let n = self.number();
        let host = address(dev);
        let body = body.replace('\n', "\r\n");
        let text = format!(
            "{method} {uri} SIP/2.0\nVia: SIP/2.0/UDP {host};branch=z9hG4bKt{n};rport\nMax-Forwards: 70\n\
             From: <{ALICE}>;tag=d{n}\n{headers}Call-ID: c{n}@{host}\nCSeq: 1 {method}\nContent-Length: {}\n\n",
            body.len()
        );
        let octets = text.replace('\n', "\r\n") + &body;
        self.sip.clear();
        self.input(Input::Datagram {
            socket: SocketId(0),
            peer: host,
            octets: Bytes::from(octets),
        });
        let call_id = format!("c{n}@{host}");
        let at = self
            .sip
            .iter()
            .position(|(_, message)| {
                message.status().is_some() && message.call_id() == Ok(call_id.as_str())
            })
            .expect("an answer");
        self.sip.remove(at).1
    }

    /// Registers a device with its identifier as an alias and a GRUU wish.
    pub(super) fn register(&mut self, dev: u8) -> Message {
        let headers = format!(
            "To: <{ALICE}>\nSupported: path, outbound, gruu\nX-Sirgate-Device: <{}>\n\
             Contact: <sip:alice@{};ob>;+sip.instance=\"<urn:uuid:00000000-0000-4000-8000-00000000000{dev}>\";reg-id=1\n\
             Expires: 3600\n",
            id(dev),
            address(dev)
        );
        let answer = self.request(dev, "REGISTER", "sip:example.com", &headers, "");
        assert_eq!(answer.status(), Some(200), "{answer:?}");
        answer
    }

    /// Submits in PAP; the code of the push-response comes back.
    pub(super) fn push(&mut self, push_id: &str, addresses: &[&str], headers: &str) -> u16 {
        let body = pap_body(push_id, addresses, "", headers);
        self.post(&body)
    }

    pub(super) fn post(&mut self, body: &str) -> u16 {
        let response = self.http("POST", "/pap", "multipart/related; boundary=b", body);
        assert_eq!(response.status, 202);
        match pap::decode(&response.body).unwrap().operation {
            Operation::PushResponse(answer) => answer.code,
            Operation::BadMessage(answer) => answer.code,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn http(
        &mut self,
        method: &str,
        target: &str,
        content_type: &str,
        body: &str,
    ) -> HttpResponse {
        self.http_of("198.51.100.1", None, (method, target), content_type, body)
    }

    /// The same from a host, and with a name and password in Basic form.
    pub(super) fn http_of(
        &mut self,
        host: &str,
        name: Option<&str>,
        (method, target): (&str, &str),
        content_type: &str,
        body: &str,
    ) -> HttpResponse {
        let id = RequestId(self.number());
        self.order.clear();
        let mut headers = vec![("content-type".to_owned(), content_type.to_owned())];
        let basic = name.map(|name| format!("Basic {}", STANDARD.encode(name)));
        headers.extend(basic.map(|basic| ("authorization".to_owned(), basic)));
        self.input(Input::Request {
            id,
            peer: SocketAddr::new(host.parse().unwrap(), 40_000),
            request: HttpRequest {
                method: method.to_owned(),
                target: target.to_owned(),
                headers,
                body: Bytes::from(body.to_owned()),
            },
        });
        let (answered, response) = self.responses.pop().expect("a response");
        assert_eq!(answered, id);
        response
    }

    /// What comes of a request of the gateway.
    pub(super) fn fetched(&mut self, id: FetchId, response: Result<HttpResponse, FetchError>) {
        self.input(Input::Response { id, response });
    }

    /// Answers a request of the gateway with a status and header fields.
    pub(super) fn respond(&mut self, id: FetchId, status: u16, rows: &[(&str, &str)]) {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let response = HttpResponse {
            status,
            headers: rows.iter().map(own).collect(),
            body: Bytes::new(),
        };
        self.fetched(id, Ok(response));
    }

    pub(super) fn get(&mut self, target: &str) -> serde_json::Value {
        let response = self.http("GET", target, "", "");
        assert_eq!(response.status, 200, "{response:?}");
        serde_json::from_slice(&response.body).unwrap()
    }

    /// The SIRs that left since the last look.
    pub(super) fn sirs(&mut self) -> Vec<Sir> {
        let (sirs, rest): (Vec<_>, Vec<_>) = core::mem::take(&mut self.sip)
            .into_iter()
            .partition(|(_, message)| message.method() == Some(Method::Message));
        self.sip = rest;
        sirs.into_iter()
            .map(|(peer, message)| Sir {
                dev: u8::try_from(
                    peer.to_string()
                        .split('.')
                        .nth(3)
                        .unwrap()
                        .split(':')
                        .next()
                        .unwrap()
                        .parse::<u32>()
                        .unwrap()
                        - 10,
                )
                .unwrap(),
                message,
            })
            .collect()
    }

    /// Requests of that method that left since the last look.
    pub(super) fn sent(&mut self, method: Method) -> Vec<Message> {
        let (these, rest): (Vec<_>, Vec<_>) = core::mem::take(&mut self.sip)
            .into_iter()
            .partition(|(_, message)| message.method() == Some(method));
        self.sip = rest;
        these.into_iter().map(|(_, message)| message).collect()
    }

    /// The device answers a SIR.
    pub(super) fn answer(&mut self, sir: &Sir, status: u16, headers: &str) {
        let message = &sir.message;
        let text = |name| message.text(name).unwrap();
        let answer = format!(
            "SIP/2.0 {status} X\nVia: {}\nFrom: {}\nTo: {};tag=x{}\nCall-ID: {}\nCSeq: {}\n{headers}Content-Length: 0\n\n",
            text(Name::Via),
            text(Name::From),
            text(Name::To),
            sir.dev,
            text(Name::CallId),
            text(Name::CSeq)
        );
        self.datagram(sir.dev, &answer);
    }

    /// The device asks for a session; the answer comes back.
    pub(super) fn invite(&mut self, dev: u8, headers: &str) -> Message {
        self.invite_to("sip:push@ppg.example.com", dev, headers)
    }

    /// The same, for another purpose than pushes.
    pub(super) fn invite_to(&mut self, uri: &str, dev: u8, headers: &str) -> Message {
        let sdp = format!(
            "v=0\no=- 7 1 IN IP4 192.0.2.1{dev}\ns=-\nc=IN IP4 192.0.2.1{dev}\nt=0 0\nm=message 9 TCP/MSRP *\n\
             a=accept-types:*\na=setup:active\na=path:msrp://192.0.2.1{dev}:9/dev{dev};tcp\n"
        );
        let headers = format!(
            "To: <sip:push@ppg.example.com>\nContact: <sip:alice@{}>\nContent-Type: application/sdp\n{headers}",
            address(dev)
        );
        self.request(dev, "INVITE", uri, &headers, &sdp)
    }

    /// A session of the device, its link included: the link and both paths.
    pub(super) fn session(&mut self, dev: u8, headers: &str) -> Session {
        self.session_to("sip:push@ppg.example.com", dev, headers)
    }

    /// The same, for another purpose than pushes.
    pub(super) fn session_to(&mut self, uri: &str, dev: u8, headers: &str) -> Session {
        let ok = self.invite_to(uri, dev, headers);
        assert_eq!(ok.status(), Some(200), "{ok:?}");
        let body = String::from_utf8(ok.body().to_vec()).unwrap();
        let theirs = body
            .lines()
            .find_map(|line| line.strip_prefix("a=path:"))
            .unwrap()
            .to_owned();
        let ack = format!(
            "ACK sip:push@192.0.2.5:5060 SIP/2.0\nVia: SIP/2.0/UDP {};branch=z9hG4bKa{}\nMax-Forwards: 70\nFrom: {}\nTo: {}\n\
             Call-ID: {}\nCSeq: 1 ACK\nContent-Length: 0\n\n",
            address(dev),
            self.number(),
            ok.text(Name::From).unwrap(),
            ok.text(Name::To).unwrap(),
            ok.text(Name::CallId).unwrap()
        );
        self.datagram(dev, &ack);
        let link = LinkId(LinkId::ACCEPTED + self.number());
        let session = Session {
            link,
            ours: format!("msrp://192.0.2.1{dev}:9/dev{dev};tcp"),
            theirs,
            ok,
        };
        self.input(Input::Opened {
            link,
            listener: Some(ListenerId(0)),
            transport: Transport::Tcp,
            local: "192.0.2.5:2855".parse().unwrap(),
            peer: SocketAddr::from(([192, 0, 2, 10 + dev], 50_000)),
        });
        self.msrp(
            &session,
            "bind",
            "SEND",
            "Message-ID: bind0001\nByte-Range: 1-0/0\n",
            None,
        );
        session
    }

    /// The device sends an MSRP request.
    pub(super) fn msrp(
        &mut self,
        session: &Session,
        tid: &str,
        method: &str,
        headers: &str,
        body: Option<&str>,
    ) {
        let body = body.map_or(String::new(), |body| format!("\n{body}\n"));
        let text = format!(
            "MSRP {tid}0000 {method}\nTo-Path: {}\nFrom-Path: {}\n{headers}{body}-------{tid}0000$\n",
            session.theirs, session.ours
        );
        self.input(Input::Octets {
            link: session.link,
            octets: Bytes::from(text.replace('\n', "\r\n")),
        });
    }

    /// Content that left on the session since the last look: transaction, message and text.
    pub(super) fn contents(&mut self, session: &Session) -> Vec<(String, String, String)> {
        let (mine, rest): (Vec<_>, Vec<_>) = core::mem::take(&mut self.octets)
            .into_iter()
            .partition(|(link, _)| *link == session.link);
        self.octets = rest;
        mine.into_iter()
            .filter_map(|(_, octets)| {
                let text = String::from_utf8_lossy(&octets).into_owned();
                let tid = text.strip_prefix("MSRP ")?.split(' ').next()?.to_owned();
                let id = text
                    .lines()
                    .find_map(|line| line.strip_prefix("Message-ID: "))?
                    .to_owned();
                text.contains(" SEND").then_some((tid, id, text))
            })
            .collect()
    }

    /// The device takes content: a 200 and a success report with that code.
    pub(super) fn confirm(
        &mut self,
        session: &Session,
        content: &(String, String, String),
        code: u16,
    ) {
        let (tid, id, text) = content;
        let range = text
            .lines()
            .find_map(|line| line.strip_prefix("Byte-Range: "))
            .unwrap();
        let response = format!(
            "MSRP {tid} 200 OK\nTo-Path: {}\nFrom-Path: {}\n-------{tid}$\n",
            session.theirs, session.ours
        );
        self.input(Input::Octets {
            link: session.link,
            octets: Bytes::from(response.replace('\n', "\r\n")),
        });
        let headers = format!("Message-ID: {id}\nByte-Range: {range}\nStatus: 000 {code} X\n");
        self.msrp(session, &format!("r{}", &id[..3]), "REPORT", &headers, None);
    }

    pub(super) fn hang_up(&mut self, session: &Session) {
        self.input(Input::Closed {
            link: session.link,
            why: CloseReason::Peer,
        });
    }

    /// Facts of one kind, as JSON, since the last look.
    pub(super) fn events(&mut self, name: &str) -> Vec<serde_json::Value> {
        self.facts
            .iter()
            .map(|fact| serde_json::to_value(fact).unwrap())
            .filter(|fact| fact["ev"] == name)
            .collect()
    }

    /// The outcome of a push for a device.
    pub(super) fn outcome(&mut self, push: &str, dev: &str) -> Option<String> {
        self.events("push.dev")
            .iter()
            .find(|fact| fact["push"] == push && fact["dev"] == dev)
            .map(|fact| fact["outcome"].as_str().unwrap().to_owned())
    }

    /// State and code of a push's end.
    pub(super) fn end(&mut self, push: &str) -> Option<(String, u64)> {
        self.events("push.end")
            .iter()
            .find(|fact| fact["push"] == push)
            .map(|fact| {
                let state = fact["state"].as_str().unwrap().to_owned();
                (state, fact["code"].as_u64().unwrap())
            })
    }
}

/// A session as the device sees it.
pub(super) struct Session {
    pub(super) link: LinkId,
    ours: String,
    theirs: String,
    pub(super) ok: Message,
}

/// A client address of alice, or of an identifier.
pub(super) fn to(identity: &str) -> String {
    ClientAddress::user(identity, "ppg.example.com")
}

/// A submission as multipart/related with the boundary `b`.
pub(super) fn pap_body(
    push_id: &str,
    addresses: &[&str],
    attributes: &str,
    headers: &str,
) -> String {
    let written = Written {
        push_id,
        addresses,
        attributes,
        headers,
        ..PLAIN
    };
    written.body()
}
