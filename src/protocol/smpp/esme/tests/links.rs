//! Links: silence, pauses, binds, outbind, the end.

use super::*;
use crate::codec::smpp::{Text, Tlvs, put_number, tag};

#[test]
fn a_silent_peer_is_asked_and_then_left() {
    let mut bench = Bench::bound(Settings::default());
    bench.pass(30);
    assert_eq!(bench.sent(), [(Command::ENQUIRE_LINK, 2, Status::OK)]);
    bench.main(Command::ENQUIRE_LINK_RESP, Status::OK, 2);
    bench.pass(59);
    assert_eq!(bench.sent().len(), 1);
    assert!(!bench.out.contains(&Out::Close(Leg::Main)));
    bench.pass(1);
    assert!(bench.out.contains(&Out::Close(Leg::Main)));
    let is_silent = |out: &Out| {
        matches!(
            out,
            Out::Down {
                why: Why::Silent,
                retry: Some(_),
                ..
            }
        )
    };
    assert!(bench.out.iter().any(is_silent));
}

#[test]
fn enquiries_unbinds_and_strangers_are_answered() {
    let mut bench = Bench::bound(Settings::default());
    bench.main(Command::ENQUIRE_LINK, Status::OK, 41);
    bench.main(Command(0x0001_0000), Status::OK, 42);
    bench.main(Command::UNBIND, Status::OK, 43);
    assert_eq!(
        bench.sent(),
        [
            (Command::ENQUIRE_LINK_RESP, 41, Status::OK),
            (Command::GENERIC_NACK, 42, Status::INVALID_COMMAND),
            (Command::UNBIND_RESP, 43, Status::OK),
        ]
    );
    assert!(bench.out.contains(&Out::Close(Leg::Main)));
}

#[test]
fn a_length_that_cannot_be_closes_the_link() {
    let mut bench = Bench::bound(Settings::default());
    bench.give(In::Octets(Leg::Main, Bytes::from_static(&[0, 0, 0, 3, 9])));
    assert_eq!(
        bench.sent(),
        [(Command::GENERIC_NACK, 0, Status::INVALID_COMMAND_LENGTH)]
    );
    assert!(bench.out.contains(&Out::Close(Leg::Main)));
    assert!(!bench.esme.is_bound());
}

#[test]
fn the_pauses_between_tries_grow_to_their_bound_and_begin_anew_after_a_steady_time() {
    let mut bench = Bench::new(Settings::default());
    bench.give(In::Start);
    let mut pauses = Vec::new();
    for _ in 0..10 {
        bench.give(In::Closed(Leg::Main));
        let Some(Out::Down {
            retry: Some(at), ..
        }) = bench.out.last()
        else {
            panic!("{:?}", bench.out)
        };
        let pause = at.since(bench.now);
        pauses.push(pause.as_millis());
        bench.now = bench.now + pause;
        bench.esme.expire(bench.now, &mut bench.out);
    }
    for (number, pause) in pauses.iter().enumerate() {
        let most = (1_000 << number).min(60_000);
        assert!((most / 2..=most).contains(pause), "{number}: {pause}");
    }
    bench.bind(Leg::Main);
    for _ in 0..2 {
        bench.pass(29);
        bench.main(Command::ENQUIRE_LINK, Status::OK, 1);
    }
    bench.give(In::Closed(Leg::Main));
    assert!(bench.esme.deadline().unwrap().since(bench.now) <= Duration::from_secs(1));
}

#[test]
fn a_refused_bind_waits_the_longest_pause() {
    let mut bench = Bench::new(Settings::default());
    bench.give(In::Start);
    bench.give(In::Opened(Leg::Main));
    bench.main(Command::BIND_TRANSCEIVER_RESP, Status::INVALID_PASSWORD, 1);
    let Some(Out::Down { why, retry, .. }) = bench.out.last() else {
        panic!("{:?}", bench.out)
    };
    assert_eq!(*why, Why::Refused(Status::INVALID_PASSWORD));
    assert!(retry.unwrap().since(bench.now) >= Duration::from_secs(30));
}

#[test]
fn a_stop_waits_for_what_was_sent_and_unbinds_every_leg() {
    let mut bench = Bench::new(Settings {
        binding: Binding::Separate,
        window: 1,
        ..Settings::default()
    });
    bench.give(In::Start);
    bench.bind(Leg::Receiver);
    bench.bind(Leg::Main);
    bench.submit(1, 1);
    bench.submit(2, 1);
    bench.sent();
    bench.esme.stop(bench.now, &mut bench.out);
    assert_eq!(bench.done(), [(2, refused(Refusal::Stopped))]);
    assert_eq!(bench.sent(), []);
    bench.submit(3, 1);
    assert_eq!(bench.done().last(), Some(&(3, refused(Refusal::Stopped))));
    bench.main(Command::SUBMIT_SM_RESP, Status::OK, 2);
    assert!(matches!(
        bench.done().last(),
        Some((1, Outcome::Accepted { .. }))
    ));
    assert_eq!(
        bench
            .sent()
            .iter()
            .filter(|it| it.0 == Command::UNBIND)
            .count(),
        2
    );
    bench.main(Command::UNBIND_RESP, Status::OK, 3);
    assert!(!bench.esme.has_stopped());
    bench.say(Leg::Receiver, Command::UNBIND_RESP, Status::OK, 2);
    assert!(bench.esme.has_stopped());
    assert_eq!(
        bench
            .esme
            .deadline()
            .map(|at| at > bench.now + Duration::from_secs(3_600)),
        Some(true)
    );
}

#[test]
fn a_stop_does_not_wait_for_ever() {
    let mut bench = Bench::bound(Settings::default());
    bench.submit(1, 1);
    bench.esme.stop(bench.now, &mut bench.out);
    bench.pass(60);
    assert!(bench.esme.has_stopped());
    assert_eq!(bench.done(), [(1, Outcome::Unknown)]);
}

#[test]
fn a_link_of_the_message_centre_is_bound_after_its_outbind() {
    let settings = Settings {
        connects: false,
        outbind: Some(("centre".to_owned(), "secret".to_owned())),
        ..Settings::default()
    };
    for (word, is_right) in [("secret", true), ("wrong", false)] {
        let mut bench = Bench::new(settings.clone());
        assert_eq!(bench.esme.accepting(), None);
        bench.give(In::Start);
        assert_eq!(bench.out, []);
        let leg = bench.esme.accepting().unwrap();
        bench.give(In::Opened(leg));
        let outbind = Body::Outbind("centre".into(), Text(word.as_bytes()));
        let pdu = Pdu::new(Command::OUTBIND, 1, outbind).encode().unwrap();
        bench.give(In::Octets(leg, pdu.into()));
        if is_right {
            assert_eq!(bench.sent(), [(Command::BIND_TRANSCEIVER, 1, Status::OK)]);
        } else {
            assert!(bench.out.contains(&Out::Close(leg)));
        }
    }
}

#[test]
fn versions_meet_at_the_lower_one() {
    for (theirs, met) in [
        (Some(0x34), Version::V34),
        (Some(0x50), Version::V50),
        (None, Version::V34),
    ] {
        let mut bench = Bench::new(Settings {
            version: Version::V50,
            ..Settings::default()
        });
        bench.give(In::Start);
        bench.give(In::Opened(Leg::Main));
        let mut tlvs = Vec::new();
        if let Some(number) = theirs {
            put_number(&mut tlvs, tag::SC_INTERFACE_VERSION, number);
        }
        let pdu = Pdu {
            tlvs: Tlvs::decode(&tlvs).unwrap(),
            ..Pdu::new(
                Command::BIND_TRANSCEIVER_RESP,
                1,
                Body::BindResponse("c".into()),
            )
        };
        bench.give(In::Octets(Leg::Main, pdu.encode().unwrap().into()));
        let bound = Out::Bound {
            leg: Leg::Main,
            version: met,
            system_id: "c".to_owned(),
        };
        assert_eq!(bench.out.last(), Some(&bound));
    }
}
