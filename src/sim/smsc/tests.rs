//! A message centre between an ESME made of octets and a whole device.

use std::collections::VecDeque;
use std::net::SocketAddr;

use bytes::Bytes;

use super::*;
use crate::codec::device_id::DeviceId;
use crate::codec::sip::{Message, Method};
use crate::codec::sir::{Placement, Sir};
use crate::codec::smpp::Tlvs;
use crate::codec::smpp::{
    Bind, Body, Cancel, Command, Message as Sm, Party, Pdu, Status, Text, UDHI, put_number, tag,
};
use crate::codec::sms::{Ports, Reference, segments};
use crate::codec::ussd::{NetworkString, strings};
use crate::codec::wsp;
use crate::device::Device;
use crate::device::config::{Bearers, Config};
use crate::protocol::smpp::smsc::Effect;
use crate::random::Random;
use crate::world::{LinkId, ListenerId, Transport};

const C1: &str = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
const NUMBER: &str = "15550103";
const LINK: LinkId = LinkId(LinkId::ACCEPTED);
const RADIO: SocketId = SocketId(2);

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

struct Lab {
    centre: MessageCentre,
    device: Device,
    now: Time,
    /// What the ESME got.
    pdus: Vec<Bytes>,
    /// What the device sent by SIP.
    sip: Vec<Message>,
    events: Vec<Event>,
    /// Frames that are lost before the next one is not.
    lossy: u32,
    stream: Vec<u8>,
    sequence: u32,
}

impl Lab {
    fn new(rules: Vec<Rule>) -> Self {
        let ids = vec![DeviceId::decode(C1).unwrap()];
        let (local, gateway) = (at("192.0.2.11:5060"), at("192.0.2.5:5060"));
        let mut config = Config::new("C1", "sip:alice@example.com", ids, local, gateway);
        config.register = false;
        config.bearers = Bearers {
            msisdn: Some(format!("+{NUMBER}")),
            radio: Some((RADIO, at("192.0.2.9:2776"))),
            ..Bearers::default()
        };
        let settings = Settings::default();
        let mut lab = Self {
            centre: MessageCentre::new(settings, SocketId(0)).with_rules(rules),
            device: Device::new(config, Random::from_number(5)),
            now: Time::from_secs(1_767_261_600),
            pdus: Vec::new(),
            sip: Vec::new(),
            events: Vec::new(),
            lossy: 0,
            stream: Vec::new(),
            sequence: 1,
        };
        lab.bind();
        lab
    }

    fn attached(rules: Vec<Rule>) -> Self {
        let mut lab = Self::new(rules);
        lab.wait(1);
        assert_eq!(lab.centre.attached(), 1);
        lab
    }

    fn bind(&mut self) {
        self.tell(Input::Opened {
            link: LINK,
            listener: Some(ListenerId(0)),
            transport: Transport::Tcp,
            local: at("192.0.2.9:2775"),
            peer: at("192.0.2.5:40001"),
        });
        let bind = Bind {
            system_id: "sirgate".into(),
            interface_version: 0x34,
            ..Bind::default()
        };
        self.esme(Command::BIND_TRANSCEIVER, Body::Bind(bind), Tlvs::none());
        let answer = self.pdus.remove(0);
        assert_eq!(Pdu::decode(&answer).unwrap().status, Status::OK);
    }

    fn esme(&mut self, command: Command, body: Body<'_>, tlvs: Tlvs<'_>) {
        self.sequence += 1;
        let pdu = Pdu {
            tlvs,
            ..Pdu::new(command, self.sequence, body)
        };
        let octets = pdu.encode().unwrap().into();
        self.tell(Input::Octets { link: LINK, octets });
    }

    fn submit(&mut self, octets: &[u8], service: &str, tlvs: &[u8]) {
        let message = Sm {
            service_type: service.into(),
            source: party("15550199"),
            destination: party(NUMBER),
            esm_class: if service.is_empty() { UDHI } else { 0 },
            data_coding: 4,
            registered_delivery: 1,
            short_message: octets,
            ..Sm::default()
        };
        let tlvs = Tlvs::decode(tlvs).unwrap();
        self.esme(Command::SUBMIT_SM, Body::Message(message), tlvs);
    }

    /// A SIR in short messages, with those parameters.
    fn submit_sir(&mut self, tlvs: &[u8]) -> usize {
        let push = wsp::sir::push_of(&sir().encode(), 1);
        let parts = segments(&push, Ports::PUSH, Reference::Sixteen(9)).unwrap();
        for part in &parts {
            self.submit(part, "", tlvs);
        }
        parts.len()
    }

    fn tell(&mut self, input: Input) {
        let mut out = Vec::new();
        self.centre.handle(self.now, input, &mut out);
        self.run(Vec::new(), out);
    }

    /// Brings what each sends to the other until nothing is left.
    fn run(&mut self, of_device: Vec<Output>, of_centre: Vec<Output>) {
        let mut todo: VecDeque<(bool, Output)> = VecDeque::new();
        todo.extend(of_device.into_iter().map(|output| (true, output)));
        todo.extend(of_centre.into_iter().map(|output| (false, output)));
        while let Some((by_device, output)) = todo.pop_front() {
            let mut out = Vec::new();
            match output {
                Output::Datagram { socket, octets, .. } if by_device && socket == RADIO => {
                    let peer = at("192.0.2.11:40002");
                    let socket = SocketId(0);
                    let input = Input::Datagram {
                        socket,
                        peer,
                        octets,
                    };
                    self.centre.handle(self.now, input, &mut out);
                    todo.extend(out.drain(..).map(|output| (false, output)));
                }
                Output::Datagram { octets, .. } if by_device => {
                    self.sip.push(Message::decode(octets).unwrap());
                }
                Output::Datagram { octets, .. } => {
                    if self.lossy > 0 {
                        self.lossy -= 1;
                        continue;
                    }
                    let peer = at("192.0.2.9:2776");
                    let socket = RADIO;
                    let input = Input::Datagram {
                        socket,
                        peer,
                        octets,
                    };
                    self.device.handle(self.now, input, &mut out);
                    todo.extend(out.drain(..).map(|output| (true, output)));
                }
                Output::Octets { octets, .. } => self.stream.extend_from_slice(&octets),
                Output::Report(event) => self.events.push(event),
                _ => {}
            }
        }
        while let Ok(Some(length)) = crate::codec::smpp::length(&self.stream) {
            if self.stream.len() < length {
                return;
            }
            let pdu: Vec<u8> = self.stream.drain(..length).collect();
            self.pdus.push(pdu.into());
        }
    }

    fn wait(&mut self, secs: u64) {
        let end = self.now + Duration::from_secs(secs);
        loop {
            let due = [self.device.deadline(), self.centre.deadline()];
            let Some(next) = due.into_iter().flatten().min().filter(|next| *next <= end) else {
                break;
            };
            self.now = self.now.max(next);
            let (mut of_device, mut of_centre) = (Vec::new(), Vec::new());
            self.device.expire(self.now, &mut of_device);
            self.centre.expire(self.now, &mut of_centre);
            self.run(of_device, of_centre);
        }
        self.now = end;
    }

    /// Deliver_sm PDUs so far.
    fn delivered(&self) -> Vec<(String, Vec<u8>, Option<u32>)> {
        let read = |octets: &Bytes| {
            let pdu = Pdu::decode(octets).unwrap();
            let Body::Message(message) = pdu.body else {
                return None;
            };
            let operation = pdu.tlvs.octets(tag::USSD_SERVICE_OP);
            Some((
                message.service_type.as_str().unwrap().to_owned(),
                message.short_message.to_vec(),
                operation.and_then(|it| it.first().map(|it| u32::from(*it))),
            ))
        };
        self.pdus.iter().filter_map(read).collect()
    }

    fn receipts(&self, word: &str) -> usize {
        let has =
            |(_, text, _): &(String, Vec<u8>, _)| String::from_utf8_lossy(text).contains(word);
        self.delivered().iter().filter(|it| has(it)).count()
    }

    fn bearers(&self) -> Vec<crate::event::Bearer> {
        let bearer = |event: &Event| match &event.fact {
            Fact::SirRx { bearer, .. } => Some(*bearer),
            _ => None,
        };
        self.events.iter().filter_map(bearer).collect()
    }

    fn invites(&self) -> usize {
        // Nobody answers, so the device repeats them.
        let invites = self
            .sip
            .iter()
            .filter(|message| message.method() == Some(Method::Invite));
        let calls: std::collections::BTreeSet<&str> = invites
            .filter_map(|message| message.call_id().ok())
            .collect();
        calls.len()
    }
}

fn party(digits: &'static str) -> Party<'static> {
    Party {
        ton: 1,
        npi: 1,
        address: Text(digits.as_bytes()),
    }
}

fn sir() -> Sir {
    let mut sir = Sir::new("sip:alice@example.com", "sip:push@192.0.2.5");
    sir.id = Some("0001".into());
    sir.with_devices(Placement::HEADER, &[DeviceId::decode(C1).unwrap()])
}

#[test]
fn r2_54_a_sir_in_short_messages_reaches_the_handset_and_receipts_come_back() {
    let mut lab = Lab::attached(Vec::new());
    let parts = lab.submit_sir(&[]);
    lab.wait(1);
    assert_eq!(lab.bearers(), [crate::event::Bearer::Sms]);
    assert_eq!(lab.invites(), 1);
    assert_eq!(lab.receipts("DELIVRD"), parts);
}

#[test]
fn r2_56_r2_57_the_domain_of_a_submission_is_told_to_the_handset() {
    use crate::event::Bearer;
    for (domain, bearer) in [(2, Bearer::Cs), (3, Bearer::Ps)] {
        let mut lab = Lab::attached(Vec::new());
        let mut tlvs = Vec::new();
        put_number(&mut tlvs, tag::DEST_BEARER_TYPE, domain);
        lab.submit_sir(&tlvs);
        lab.wait(1);
        assert_eq!(lab.bearers(), [bearer]);
    }
}

#[test]
fn r2_58_a_sir_in_strings_reaches_the_handset_which_answers_each() {
    let mut lab = Lab::attached(Vec::new());
    let push = wsp::sir::push_of(&sir().encode(), 1);
    let all = strings(&push, Ports::PUSH, Reference::Eight(1), 144).unwrap();
    let mut tlvs = Vec::new();
    put_number(&mut tlvs, tag::USSD_SERVICE_OP, 2);
    for string in &all {
        assert!(NetworkString::decode(string).is_ok());
        lab.submit(string, "USSD", &tlvs);
    }
    lab.wait(1);
    assert_eq!(lab.bearers(), [crate::event::Bearer::Ussd]);
    let delivered = lab.delivered();
    let answers = delivered.iter().filter(|(service, ..)| service == "USSD");
    assert!(
        answers
            .clone()
            .all(|(_, _, operation)| *operation == Some(18))
    );
    assert!(answers.count() >= 1);
}

#[test]
fn a_message_waits_for_a_handset_that_is_not_there() {
    let mut lab = Lab::new(Vec::new());
    lab.submit_sir(&[]);
    assert_eq!((lab.bearers().len(), lab.receipts("DELIVRD")), (0, 0));
    lab.wait(2);
    assert_eq!(lab.bearers().len(), 1);
}

#[test]
fn frames_that_are_lost_are_sent_again() {
    let mut lab = Lab::attached(Vec::new());
    lab.lossy = 3;
    lab.submit_sir(&[]);
    assert_eq!(lab.bearers().len(), 0);
    lab.wait(20);
    assert_eq!(lab.bearers().len(), 1);
}

#[test]
fn a_handset_that_does_not_answer_is_not_there_until_it_attaches_again() {
    let mut lab = Lab::attached(Vec::new());
    lab.lossy = 5;
    lab.submit_sir(&[]);
    lab.wait(12);
    assert_eq!((lab.centre.attached(), lab.bearers().len()), (0, 0));
    lab.wait(60);
    assert_eq!((lab.centre.attached(), lab.bearers().len()), (1, 1));
}

#[test]
fn errors_come_on_demand() {
    let rule = Rule {
        destination: String::new(),
        first: Some(1),
        every: None,
        effect: Effect::Refuse(Status::THROTTLED),
    };
    let mut lab = Lab::attached(vec![rule]);
    lab.submit(&[6, 5, 4, 0x0B, 0x84, 0x23, 0xF0], "", &[]);
    let answer = Pdu::decode(&lab.pdus[0]).map(|pdu| pdu.status);
    assert_eq!(answer, Ok(Status::THROTTLED));
}

#[test]
fn what_a_handset_sends_reaches_the_gateway_once() {
    use crate::codec::sms::write::{Load, submit};
    let mut lab = Lab::attached(Vec::new());
    let parts = segments(
        b"{}",
        Ports {
            destination: 9200,
            source: 2948,
        },
        Reference::Eight(1),
    );
    let tpdu = submit(1, "2948", &Load::octets(&parts.unwrap()[0])).unwrap();
    let octets: Bytes = Frame::request(About::ShortMessages, 77, &tpdu)
        .encode()
        .into();
    for _ in 0..3 {
        let peer = at("192.0.2.11:40002");
        let socket = SocketId(0);
        lab.tell(Input::Datagram {
            socket,
            peer,
            octets: octets.clone(),
        });
    }
    assert_eq!(lab.delivered().len(), 1);
    assert!(lab.delivered()[0].1.ends_with(b"{}"));
}

#[test]
fn strangers_and_garbage_on_the_radio_take_bounded_memory() {
    let mut lab = Lab::attached(Vec::new());
    let mut random = Random::from_number(1);
    for number in 0..70_000_u32 {
        let [a, b, c, d] = number.to_be_bytes();
        let peer = SocketAddr::from(([10, b, c, d], 1_000 + u16::from(a)));
        let text = format!("+4900{number}");
        let octets = match number % 3 {
            0 => Frame::request(About::Resources, 1, text.as_bytes()).encode(),
            1 => random.octets::<20>().to_vec(),
            _ => Frame::request(About::ShortMessages, 1, &random.octets::<9>()).encode(),
        };
        let mut out = Vec::new();
        let socket = SocketId(0);
        let input = Input::Datagram {
            socket,
            peer,
            octets: octets.into(),
        };
        lab.centre.handle(lab.now, input, &mut out);
        // One answer at most, and a report.
        assert!(out.len() <= 2);
    }
    assert!(lab.centre.attached() <= 65_536);
    lab.submit_sir(&[]);
    lab.wait(1);
    assert_eq!(lab.bearers().len(), 1);
    lab.wait(400);
    assert!(lab.centre.attached() <= 1, "they did not renew");
}

#[test]
fn r2_108_a_dialogue_that_a_handset_begins_waits_for_the_string_that_ends_it() {
    let mut lab = Lab::attached(Vec::new());
    let string = UssdString {
        coding: crate::codec::radio::OCTETS_CODING,
        octets: b"{}",
    };
    let octets: Bytes = Frame::request(About::SupplementaryServices, 77, &string.encode())
        .encode()
        .into();
    let begin = |lab: &mut Lab| {
        let mut out = Vec::new();
        let input = Input::Datagram {
            socket: SocketId(0),
            peer: at("192.0.2.11:40002"),
            octets: octets.clone(),
        };
        lab.centre.handle(lab.now, input, &mut out);
        let mut answers = out.clone();
        answers.retain(|output| matches!(output, Output::Datagram { .. }));
        lab.run(Vec::new(), out);
        answers.len()
    };
    assert_eq!(begin(&mut lab), 0);
    let (service, told, operation) = lab.delivered().remove(0);
    assert_eq!((service.as_str(), told.as_slice()), ("USSD", &b"{}"[..]));
    assert_eq!(operation, Some(1));
    let acknowledged = Body::MessageResponse(Text(b""));
    let sequence = Pdu::decode(&lab.pdus[0]).unwrap().sequence;
    let pdu = Pdu::new(Command::DELIVER_SM_RESP, sequence, acknowledged);
    let octets = pdu.encode().unwrap().into();
    lab.tell(Input::Octets { link: LINK, octets });
    assert_eq!(begin(&mut lab), 0, "it is the same dialogue");
    let mut tlvs = Vec::new();
    put_number(&mut tlvs, tag::USSD_SERVICE_OP, 17);
    lab.submit(&[], "USSD", &tlvs);
    assert_eq!(begin(&mut lab), 1, "it was answered");
    assert_eq!(
        lab.delivered().iter().filter(|it| it.0 == "USSD").count(),
        1
    );
    lab.wait(1);
    assert_eq!(lab.receipts("DELIVRD"), 1);
}

#[test]
fn a_message_that_is_cancelled_or_over_does_not_reach_a_handset_that_comes_later() {
    let mut lab = Lab::new(Vec::new());
    let parts = lab.submit_sir(&[]);
    for number in 1..=parts {
        let name = format!("{number:08x}");
        let cancel = Cancel {
            message_id: name.as_str().into(),
            ..Cancel::default()
        };
        lab.esme(Command::CANCEL_SM, Body::Cancel(cancel), Tlvs::none());
    }
    lab.wait(5);
    assert_eq!((lab.centre.attached(), lab.bearers().len()), (1, 0));
    assert_eq!(lab.receipts("DELETED"), parts);
    let mut lab = Lab::attached(Vec::new());
    lab.lossy = 7;
    let mut tlvs = Vec::new();
    put_number(&mut tlvs, tag::QOS_TIME_TO_LIVE, 15);
    let parts = lab.submit_sir(&tlvs);
    lab.wait(100);
    assert_eq!((lab.centre.attached(), lab.bearers().len()), (1, 0));
    assert_eq!(lab.receipts("EXPIRED"), parts);
}
