//! Octets that nobody should send: nothing panics, nothing grows, and the device goes on.

use bytes::Bytes;

use super::bench::*;
use crate::codec::sir::{App, Ask, Placement};
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
