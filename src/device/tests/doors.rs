//! A device with every door open, and SIRs that come by each.

use std::net::SocketAddr;

use bytes::Bytes;

use super::bench::*;
use crate::codec::msrp;
use crate::codec::ota_http;
use crate::codec::radio::{About, Domain, Frame, Kind, OCTETS_CODING, UssdString};
use crate::codec::sip::{Draft, Message, Method, Name};
use crate::codec::sir::Sir;
use crate::codec::sms::timestamp::Timestamp;
use crate::codec::sms::write::{Load, deliver};
use crate::codec::sms::{Ports, Reference, segments};
use crate::codec::ussd::strings;
use crate::codec::wsp;
use crate::device::behaviour::Behaviour;
use crate::device::config::{Bearers, Config};
use crate::event::Bearer;
use crate::world::{HttpRequest, HttpResponse, Input, LinkId, RequestId, SocketId};

pub(super) const WSP: SocketId = SocketId(1);
pub(super) const CENTRE: &str = "192.0.2.9:2776";
pub(super) const GATEWAY_NUMBER: &str = "+15550199";

/// All bearers of a SIR.
pub(super) const ALL: [Bearer; 9] = [
    Bearer::Sip,
    Bearer::Http,
    Bearer::Wsp,
    Bearer::Sms,
    Bearer::Ussd,
    Bearer::Cs,
    Bearer::Ps,
    Bearer::Signalling,
    Bearer::Service,
];

/// A device that has every door.
pub(super) fn open(behaviour: Behaviour) -> Config {
    let mut config = config(behaviour);
    config.bearers = Bearers {
        msisdn: Some("+15550103".into()),
        radio: Some((RADIO, at(CENTRE))),
        wsp: Some(WSP),
        http: true,
        service: true,
        signalling: true,
        short_code: None,
        info_url: Some("http://192.0.2.5:8642/info".into()),
        wsp_session: None,
        prov_url: None,
        wsp_from: Vec::new(),
    };
    config
}

/// A device and the other ends of its doors.
pub(super) struct Doors {
    pub(super) bench: Bench,
    /// The SUBSCRIBE of the device.
    subscribe: Message,
    /// The session for another service: link, the device's path, the gateway's.
    service: (LinkId, String, String),
    reference: u8,
}

impl Doors {
    pub(super) fn new(behaviour: Behaviour) -> Self {
        Self::of(open(behaviour))
    }

    /// The device is registered, attached and subscribed, and its session for another service is bound.
    pub(super) fn of(config: Config) -> Self {
        let mut bench = Bench::registered_as(config);
        let invite = bench.request(Method::Invite);
        let subscribe = bench.request(Method::Subscribe);
        bench.answer(&subscribe, 200);
        bench.accept(&invite);
        let (device, own) = bench.path.clone();
        let service = (bench.link.take().unwrap().0, device, own);
        let mut doors = Self {
            bench,
            subscribe,
            service,
            reference: 0,
        };
        let attach = doors.frame();
        let attach = Frame::decode(&attach).unwrap();
        doors.radio(&attach.answer(Kind::Result, &[]).encode());
        assert!(doors.bench.device.is_attached());
        doors
    }

    pub(super) const fn service_link(&self) -> LinkId {
        self.service.0
    }

    /// The gateway's path in the session for another service.
    pub(super) fn service_path(&self) -> String {
        self.service.2.clone()
    }

    /// The next frame that the device sent.
    pub(super) fn frame(&mut self) -> Bytes {
        self.bench
            .frames
            .pop_front()
            .expect("the device sent no frame")
    }

    /// A frame of the centre.
    pub(super) fn radio(&mut self, octets: &[u8]) {
        self.datagram(RADIO, at(CENTRE), octets);
    }

    pub(super) fn datagram(&mut self, socket: SocketId, peer: SocketAddr, octets: &[u8]) {
        self.bench.tell(Input::Datagram {
            socket,
            peer,
            octets: Bytes::copy_from_slice(octets),
        });
    }

    /// A SIR by a bearer.
    pub(super) fn carry(&mut self, bearer: Bearer, sir: &Sir) {
        match bearer {
            Bearer::Sip => self.bench.send(sir),
            Bearer::Http => {
                self.post(&sir.encode());
            }
            Bearer::Wsp => {
                let push = wsp::sir::push_of(&sir.encode(), 7);
                self.datagram(WSP, at("192.0.2.5:9200"), &push);
            }
            Bearer::Sms => self.short_messages(None, sir),
            Bearer::Cs => self.short_messages(Some(Domain::Circuit), sir),
            Bearer::Ps => self.short_messages(Some(Domain::Packet), sir),
            Bearer::Ussd => self.strings(sir),
            Bearer::Signalling => self.notify(sir),
            Bearer::Service => self.send(sir),
            Bearer::Web | Bearer::Apns | Bearer::Fcm => panic!("it carries messages, no SIR"),
        }
    }

    /// Posts a SIR to the HTTP door; gives the answer, if one came at once.
    pub(super) fn post(&mut self, sir: &crate::codec::sir::Wrapped) -> Option<HttpResponse> {
        let body = ota_http::sir::push_of(sir);
        self.http("POST", &[("content-type", "application/http")], &body)
    }

    pub(super) fn http(
        &mut self,
        method: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Option<HttpResponse> {
        self.http_to(method, ota_http::PATH, headers, body)
    }

    pub(super) fn http_to(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Option<HttpResponse> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        self.bench.tell(Input::Request {
            id: RequestId(1),
            peer: at("192.0.2.5:40000"),
            request: HttpRequest {
                method: method.to_owned(),
                target: target.to_owned(),
                headers: headers.iter().map(own).collect(),
                body: Bytes::copy_from_slice(body),
            },
        });
        self.bench.responses.pop_front()
    }

    fn short_messages(&mut self, domain: Option<Domain>, sir: &Sir) {
        self.bench.frames.clear();
        let push = wsp::sir::push_of(&sir.encode(), 7);
        for part in segments(&push, Ports::PUSH, Reference::Sixteen(9)).unwrap() {
            let tpdu = tpdu(&part);
            let frame = self.down(About::ShortMessages, domain, &tpdu);
            let answer = self.answer_to(&frame);
            assert_eq!(answer.0, Kind::Result);
        }
    }

    /// A request of the centre; gives its octets.
    pub(super) fn down(&mut self, about: About, domain: Option<Domain>, payload: &[u8]) -> Vec<u8> {
        self.reference = self.reference.wrapping_add(1);
        let frame = Frame {
            domain,
            ..Frame::request(about, self.reference, payload)
        };
        let octets = frame.encode();
        self.radio(&octets);
        octets
    }

    /// The answer to a request of the centre.
    pub(super) fn answer_to(&mut self, request: &[u8]) -> (Kind, Vec<u8>) {
        let octets = self.frame();
        let answer = Frame::decode(&octets).unwrap();
        let request = Frame::decode(request).unwrap();
        assert_eq!(
            (answer.about, answer.reference, answer.domain),
            (request.about, request.reference, request.domain)
        );
        (answer.kind, answer.payload.to_vec())
    }

    fn strings(&mut self, sir: &Sir) {
        let push = wsp::sir::push_of(&sir.encode(), 7);
        for octets in strings(&push, Ports::PUSH, Reference::Sixteen(4), 144).unwrap() {
            let string = UssdString {
                coding: OCTETS_CODING,
                octets: &octets,
            };
            self.down(About::SupplementaryServices, None, &string.encode());
        }
    }

    /// A SIR in OPTIONS, outside of a dialog.
    pub(super) fn options(&mut self, sir: &Sir) {
        let whole = self.bench.message(sir, |draft| draft);
        let text = String::from_utf8(whole.octets().to_vec()).unwrap();
        let options =
            text.replacen("MESSAGE sip", "OPTIONS sip", 1)
                .replacen("1 MESSAGE", "1 OPTIONS", 1);
        let message = Message::decode(options.into_bytes().into()).unwrap();
        self.bench.receive(&message);
    }

    fn notify(&mut self, sir: &Sir) {
        self.bench.branch += 1;
        let wrapped = sir.encode();
        let subscribe = &self.subscribe;
        let draft = Draft::request(Method::Notify, "sip:alice@192.0.2.11:5060;ob")
            .header(
                "From",
                format_args!("{};tag=g1", subscribe.text(Name::To).unwrap()),
            )
            .header("To", subscribe.text(Name::From).unwrap())
            .header("Call-ID", subscribe.text(Name::CallId).unwrap())
            .header("CSeq", format_args!("{} NOTIFY", self.bench.branch))
            .header("Event", "sirgate-sir")
            .header("Subscription-State", "active;expires=3000");
        let via = format!("SIP/2.0/UDP {GATEWAY};branch=z9hG4bKn{}", self.bench.branch);
        let message = wrapped.onto(draft).finish_with_via(&via);
        self.bench.receive(&message);
    }

    fn send(&mut self, sir: &Sir) {
        self.bench.branch += 1;
        let (link, device, own) = self.service.clone();
        let tid = format!("s{:08}", self.bench.branch);
        let wrapped = sir.encode();
        let octets = wrapped.body.len();
        let send = msrp::Request::new(msrp::Method::Send, &tid, vec![device], vec![own])
            .header("Message-ID", format!("m{:08}", self.bench.branch))
            .header("Byte-Range", format!("1-{octets}/{octets}"))
            .sir(&wrapped);
        self.bench.tell(Input::Octets {
            link,
            octets: send.encode(),
        });
    }
}

pub(super) fn tpdu(part: &[u8]) -> Vec<u8> {
    let stamp: Timestamp = "2026-11-21T12:00:00+00:00".parse().unwrap();
    deliver(GATEWAY_NUMBER, &stamp, &Load::octets(part)).unwrap()
}
