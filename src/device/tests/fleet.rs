//! Many devices as one node: shared sockets, links of their own.

use std::sync::Arc;

use super::bench::{C1, C2, GATEWAY, at, config, naming};
use crate::codec::device_id::DeviceId;
use crate::codec::sip::{Draft, Message, Method, Name};
use crate::codec::stun::{self, Stun};
use crate::device::behaviour::Behaviour;
use crate::device::{Device, Fleet};
use crate::machine::Machine;
use crate::random::Random;
use crate::time::Time;
use crate::world::{Input, LinkId, Output, SocketId, Transport};

const START: Time = Time::from_secs(1_800_000_000);

fn device(number: u32, socket: SocketId, transport: Transport) -> Device {
    let mut config = config(Behaviour::default());
    config.name = format!("C{number}");
    config.contact_user = format!("alice-c{number}");
    config.instance = format!("urn:uuid:00000000-0000-4000-8000-{number:012}");
    config.ids = vec![DeviceId::decode(&config.instance).unwrap()];
    config.socket = socket;
    config.transport = transport;
    Device::new(config, Random::from_number(u64::from(number)))
}

fn run(fleet: &mut Fleet, now: Time) -> Vec<Output> {
    let mut out = Vec::new();
    while fleet.deadline().is_some_and(|due| due <= now) {
        fleet.expire(now, &mut out);
    }
    out
}

fn messages(out: &[Output]) -> Vec<Message> {
    out.iter()
        .filter_map(|output| match output {
            Output::Datagram { octets, .. } | Output::Octets { octets, .. }
                if !stun::is_stun(octets) =>
            {
                Message::decode(octets.clone()).ok()
            }
            _ => None,
        })
        .collect()
}

fn tell(fleet: &mut Fleet, socket: u32, octets: bytes::Bytes) -> Vec<Output> {
    let mut out = Vec::new();
    let input = Input::Datagram {
        socket: SocketId(socket),
        peer: at(GATEWAY),
        octets,
    };
    fleet.handle(START, input, &mut out);
    out
}

fn grant(register: &Message) -> bytes::Bytes {
    let contact = register.text(Name::Contact).unwrap();
    Draft::response(register, 200, Some("r1"))
        .header("Contact", format_args!("{contact};expires=3600"))
        .finish()
        .octets()
        .clone()
}

#[test]
fn devices_that_share_a_socket_get_their_own_answers_and_requests() {
    let devices = (1..=3)
        .map(|number| device(number, SocketId(0), Transport::Udp))
        .collect();
    let mut fleet = Fleet::new(devices);
    let registers = messages(&run(&mut fleet, START));
    assert_eq!(registers.len(), 3);
    for register in registers.iter().rev() {
        tell(&mut fleet, 0, grant(register));
    }
    assert!(fleet.devices().iter().all(Device::is_registered));

    let message = sir("sip:alice-c2@192.0.2.11:5060;ob", 2);
    let out = tell(&mut fleet, 0, message.octets().clone());
    let sent = messages(&out);
    assert_eq!(sent[0].status(), Some(200));
    assert!(sent[1].text(Name::Contact).unwrap().contains("alice-c2"));
}

#[test]
fn a_gruu_in_the_request_uri_finds_its_device_on_a_shared_socket() {
    let devices = (1..=3)
        .map(|number| device(number, SocketId(0), Transport::Udp))
        .collect();
    let mut fleet = Fleet::new(devices);
    run(&mut fleet, START);
    let uri = "sip:alice@example.com;gr=urn:uuid:00000000-0000-4000-8000-000000000003";
    let out = tell(&mut fleet, 0, sir(uri, 3).octets().clone());
    assert!(
        messages(&out)[1]
            .text(Name::Contact)
            .unwrap()
            .contains("alice-c3")
    );
}

#[test]
fn answers_to_binding_requests_find_their_device_on_a_shared_socket() {
    let devices = (1..=2)
        .map(|number| device(number, SocketId(0), Transport::Udp))
        .collect();
    let mut fleet = Fleet::new(devices);
    for register in messages(&run(&mut fleet, START)) {
        tell(&mut fleet, 0, grant(&register));
    }
    let later = START + core::time::Duration::from_secs(29);
    let pings: Vec<_> = run(&mut fleet, later)
        .into_iter()
        .filter_map(|output| match output {
            Output::Datagram { octets, .. } if stun::is_stun(&octets) => Some(octets),
            _ => None,
        })
        .collect();
    assert_eq!(pings.len(), 2);
    for ping in &pings {
        let Ok(Stun::Request(request)) = Stun::decode(ping) else {
            panic!("no binding request");
        };
        let mut out = Vec::new();
        let input = Input::Datagram {
            socket: SocketId(0),
            peer: at(GATEWAY),
            octets: request.answer(at("192.0.2.11:5060")).into(),
        };
        fleet.handle(later, input, &mut out);
    }
    assert!(fleet.deadline().unwrap() > later + core::time::Duration::from_secs(20));
}

#[test]
fn links_of_all_devices_have_different_numbers_in_the_node() {
    let devices = (1..=3)
        .map(|number| device(number, SocketId(number), Transport::Tcp))
        .collect();
    let mut fleet = Fleet::new(devices);
    let out = run(&mut fleet, START);
    let links: Vec<LinkId> = out
        .iter()
        .filter_map(|output| match output {
            Output::Connect { link, .. } => Some(*link),
            _ => None,
        })
        .collect();
    assert_eq!(links, [LinkId(0), LinkId(1), LinkId(2)]);
    let registers: Vec<(LinkId, Message)> = out
        .iter()
        .filter_map(|output| match output {
            Output::Octets { link, octets } => {
                Some((*link, Message::decode(octets.clone()).unwrap()))
            }
            _ => None,
        })
        .collect();
    for (link, register) in &registers {
        let mut out = Vec::new();
        let up = Input::Opened {
            link: *link,
            listener: None,
            transport: Transport::Tcp,
            local: at("192.0.2.11:40000"),
            peer: at(GATEWAY),
        };
        fleet.handle(START, up, &mut out);
        let octets = grant(register);
        fleet.handle(
            START,
            Input::Octets {
                link: *link,
                octets,
            },
            &mut out,
        );
    }
    assert!(fleet.devices().iter().all(Device::is_registered));
    let why = crate::world::CloseReason::Peer;
    fleet.handle(
        START,
        Input::Closed {
            link: links[1],
            why,
        },
        &mut Vec::new(),
    );
    let up: Vec<bool> = fleet.devices().iter().map(Device::is_registered).collect();
    assert_eq!(up, [true, false, true]);
}

#[test]
fn what_is_for_nobody_is_dropped() {
    let mut fleet = Fleet::new(vec![device(1, SocketId(0), Transport::Udp)]);
    assert!(tell(&mut fleet, 7, bytes::Bytes::from_static(b"x")).is_empty());
    let mut out = Vec::new();
    let octets = bytes::Bytes::from_static(b"x");
    let link = LinkId(99);
    fleet.handle(START, Input::Octets { link, octets }, &mut out);
    assert!(out.is_empty());
}

#[test]
fn a_prompt_is_answered_by_the_name_of_the_device() {
    let mut first = device(1, SocketId(0), Transport::Udp);
    let mut config = first.config().clone();
    config.behaviour = Arc::new(Behaviour {
        user: crate::device::behaviour::User::Wait,
        ..Behaviour::named("prompt").unwrap()
    });
    first = Device::new(config, Random::from_number(1));
    let mut fleet = Fleet::new(vec![first]);
    run(&mut fleet, START);
    tell(
        &mut fleet,
        0,
        sir("sip:alice-c1@192.0.2.11:5060", 1).octets().clone(),
    );
    let mut out = Vec::new();
    assert!(!fleet.answer_prompt(START, "C9", true, &mut out));
    assert!(fleet.answer_prompt(START, "C1", true, &mut out));
    assert_eq!(messages(&out)[0].method(), Some(Method::Invite));
}

fn sir(uri: &str, number: u32) -> Message {
    let id = format!("urn:uuid:00000000-0000-4000-8000-{number:012}");
    let wrapped = naming(&[&id]).encode();
    let draft = Draft::request(Method::Message, uri)
        .header("From", format_args!("<{}>;tag=p1", wrapped.from))
        .header("To", format_args!("<{}>", wrapped.to))
        .header("Call-ID", "sir-1@ppg.example.com")
        .header("CSeq", "1 MESSAGE");
    wrapped
        .onto(draft)
        .finish_with_via(&format!("SIP/2.0/UDP {GATEWAY};branch=z9hG4bKp1"))
}

#[test]
fn a_device_at_rest_is_small() {
    // The heap parts at rest are its names, the endpoint's empty tables and the seeds of chance.
    assert!(size_of::<Device>() < 4_096, "{}", size_of::<Device>());
    let _ = (C1, C2);
}
