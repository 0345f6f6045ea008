//! Octets that nobody should send: nothing panics, nothing grows, and the device goes on.

use bytes::Bytes;

use super::bench::*;
use super::doors::*;
use crate::codec::ota_http;
use crate::codec::radio::{About, Frame};
use crate::codec::sir::{App, Ask, Placement};
use crate::codec::sms::{Ports, Reference, segments};
use crate::codec::ussd::strings;
use crate::codec::wsp;
use crate::device::behaviour::Behaviour;
use crate::random::Random;
use crate::world::{Input, SocketId};

#[test]
fn damaged_messages_leave_the_device_working() {
    for seed in 0..40 {
        let mut random = Random::from_number(seed);
        let mut bench = Bench::registered(Behaviour::default());
        let whole = bench.message(
            &naming(&[C1, C2])
                .with_ask(Placement::HEADER | Placement::BODY, Ask::CAPABILITY)
                .with_apps(Placement::BODY, &[App::new(DCD)]),
            |draft| draft,
        );
        for _ in 0..50 {
            let octets = damaged(whole.octets(), &mut random);
            bench.tell(Input::Datagram {
                socket: SocketId(0),
                peer: at(GATEWAY),
                octets,
            });
            bench.wait_ms(10);
        }
        let mut last = naming(&[C1]);
        last.id = Some("last".into());
        last.server = "sip:push@ppg2.example.com".into();
        bench.events.clear();
        bench.send(&last);
        assert!(bench.count("sir.decide") == 1, "seed {seed}");
    }
}

#[test]
fn damaged_content_ends_a_session_at_most() {
    for seed in 0..40 {
        let mut random = Random::from_number(seed);
        let mut bench = Bench::registered(Behaviour::default());
        bench.send(&naming(&[C1]));
        bench.next();
        let invite = bench.next();
        bench.accept(&invite);
        let whole = b"MSRP t1a2b3c4 SEND\r\nTo-Path: msrp://192.0.2.11:9/x;tcp\r\nFrom-Path: msrp://192.0.2.5:2855/p1s9;tcp\r\n\
            Message-ID: m1\r\nByte-Range: 1-5/5\r\nContent-Type: text/plain\r\n\r\nhello\r\n-------t1a2b3c4$\r\n";
        for _ in 0..20 {
            bench.octets(damaged(whole, &mut random));
        }
        bench.wait_ms(60_000);
        assert!(bench.device.sessions_up() <= 1);
    }
}

#[test]
fn damaged_octets_at_every_door_leave_the_device_working() {
    let push = wsp::sir::push_of(&naming(&[C1, C2]).encode(), 7);
    let http = ota_http::sir::push_of(&naming(&[C1, C2]).encode());
    let parts = segments(&push, Ports::PUSH, Reference::Sixteen(9)).unwrap();
    let tpdu = tpdu(&parts[0]);
    let string = strings(&push, Ports::PUSH, Reference::Eight(3), 144).unwrap();
    let string = [&[0xE5], string[0].as_slice()].concat();
    for seed in 0..20 {
        let mut random = Random::from_number(seed);
        let mut doors = Doors::new(Behaviour::default());
        for _ in 0..100 {
            doors.datagram(WSP, at(GATEWAY), &damaged(&push, &mut random));
            let tpdu = damaged(&tpdu, &mut random);
            doors.down(About::ShortMessages, None, &tpdu);
            let string = damaged(&string, &mut random);
            doors.down(About::SupplementaryServices, None, &string);
            let frame = Frame::request(About::ShortMessages, 1, &tpdu).encode();
            doors.radio(&damaged(&frame, &mut random));
            let rows = [("content-type", "application/http")];
            let answer = doors.http("POST", &rows, &damaged(&http, &mut random));
            assert_eq!(answer.map(|answer| answer.status), Some(204));
            doors.bench.frames.clear();
            doors.bench.wait_ms(10);
        }
        for (number, bearer) in ALL.into_iter().enumerate() {
            let mut last = naming(&[C2]);
            last.id = Some(format!("last-{number}"));
            doors.bench.events.clear();
            doors.carry(bearer, &last);
            assert_eq!(doors.bench.count("sir.decide"), 1, "seed {seed} {bearer:?}");
        }
    }
}

/// A few octets changed, some cut out, or the rest cut off.
fn damaged(octets: &[u8], random: &mut Random) -> Bytes {
    let mut octets = octets.to_vec();
    for _ in 0..=random.below(4) {
        let len = u64::try_from(octets.len()).unwrap();
        let at = usize::try_from(random.below(len)).unwrap();
        match random.below(4) {
            0 if octets.len() > 1 => {
                octets.remove(at);
            }
            1 if at > 0 => octets.truncate(at),
            _ => {
                if let Some(octet) = octets.get_mut(at) {
                    *octet = u8::try_from(random.below(256)).unwrap();
                }
            }
        }
    }
    octets.into()
}
