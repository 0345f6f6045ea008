//! Messages that are taken back or asked about, and until when they are of use.

use super::*;
use crate::codec::smpp::{Cancel, State as Told, tag};

impl Bench {
    /// The PDUs that were sent, which are taken away.
    fn pdus(&mut self) -> Vec<Bytes> {
        let (sent, rest): (Vec<_>, Vec<_>) = core::mem::take(&mut self.out)
            .into_iter()
            .partition(|out| matches!(out, Out::Octets(..)));
        self.out = rest;
        let octets = |out| match out {
            Out::Octets(_, octets) => Some(octets),
            _ => None,
        };
        sent.into_iter().filter_map(octets).collect()
    }

    /// The names of the messages that were taken back since the last look.
    fn taken_back(&mut self) -> Vec<String> {
        let name = |octets: &Bytes| match Pdu::decode(octets).unwrap().body {
            Body::Cancel(Cancel {
                message_id,
                destination,
                ..
            }) => {
                assert_eq!(destination.address.as_str(), Some("15550001"));
                Some(message_id.as_str().unwrap().to_owned())
            }
            _ => None,
        };
        self.pdus().iter().filter_map(name).collect()
    }

    fn named(&mut self, sequence: u32, name: &str) {
        let body = Body::MessageResponse(name.into());
        let pdu = Pdu::new(Command::SUBMIT_SM_RESP, sequence, body);
        self.give(In::Octets(Leg::Main, pdu.encode().unwrap().into()));
    }
}

#[test]
fn what_the_message_centre_has_is_taken_back_and_what_it_takes_later_too() {
    let mut bench = Bench::bound(Settings {
        window: 2,
        ..Settings::default()
    });
    bench.submit(7, 4);
    assert_eq!(bench.sent().len(), 2);
    bench.named(2, "a1");
    bench.sent();
    bench.give(In::Cancel { id: 7 });
    assert_eq!(bench.done(), [(7, refused(Refusal::Cancelled))]);
    assert!(bench.taken_back().is_empty(), "the window is full");
    bench.named(3, "a2");
    assert_eq!(bench.taken_back(), ["a1"]);
    bench.named(4, "a3");
    assert_eq!(bench.taken_back(), ["a2"]);
    bench.main(Command::CANCEL_SM_RESP, Status::OK, 5);
    assert_eq!(bench.taken_back(), ["a3"]);
    assert_eq!(bench.esme.unfinished(), 0);
}

#[test]
fn a_message_that_was_accepted_is_taken_back_and_settles_no_more() {
    let mut bench = Bench::bound(Settings::default());
    bench.submit(7, 2);
    bench.sent();
    bench.named(2, "00A1");
    bench.named(3, "00A2");
    bench.give(In::Cancel { id: 7 });
    assert_eq!(bench.taken_back(), ["00A1", "00A2"]);
    bench.give(In::Cancel { id: 8 });
    bench.pass(4 * 86_400);
    let settled = |out: &Out| matches!(out, Out::Settled { .. });
    assert!(!bench.out.iter().any(settled));
    assert_eq!(bench.esme.receipts_awaited(), 0);
}

#[test]
fn a_question_survives_a_link_that_breaks_and_a_few_that_are_not_answered() {
    let mut bench = Bench::bound(Settings::default());
    bench.submit(7, 1);
    bench.sent();
    bench.named(2, "a1");
    bench.give(In::Cancel { id: 7 });
    assert_eq!(bench.taken_back(), ["a1"]);
    bench.give(In::Closed(Leg::Main));
    bench.pass(2);
    bench.bind(Leg::Main);
    assert_eq!(bench.taken_back(), ["a1"]);
    let mut asked = 0;
    for _ in 0..120 {
        bench.pass(1);
        bench.main(Command::ENQUIRE_LINK, Status::OK, 9);
        asked += bench.taken_back().len();
    }
    assert_eq!(asked, 1, "three tries are enough");
}

#[test]
fn who_is_too_busy_for_a_question_is_asked_again_later() {
    for status in [Status::THROTTLED, Status::SYSTEM_ERROR] {
        let mut bench = Bench::bound(Settings::default());
        bench.submit(7, 1);
        bench.sent();
        bench.named(2, "a1");
        bench.give(In::Cancel { id: 7 });
        assert_eq!(bench.taken_back(), ["a1"]);
        bench.main(Command::CANCEL_SM_RESP, status, 3);
        assert!(bench.taken_back().is_empty(), "not at once");
        let mut asked = 0;
        for _ in 0..120 {
            bench.pass(1);
            bench.main(Command::ENQUIRE_LINK, Status::OK, 9);
            asked += bench.taken_back().len();
        }
        assert_eq!(asked, 2, "three tries are enough");

        let mut bench = Bench::bound(Settings::default());
        bench.give(In::Expect {
            id: 9,
            envelope: Envelope::default(),
            message_ids: vec!["a1".to_owned()],
        });
        let sent = bench.pdus();
        let asked = Pdu::decode(&sent[0]).unwrap();
        bench.main(Command::QUERY_SM_RESP, status, asked.sequence);
        let settled = |out: &Out| matches!(out, Out::Settled { .. });
        assert!(!bench.out.iter().any(settled), "it may still be there");
    }
}

#[test]
fn what_became_of_a_message_of_before_a_restart_is_asked() {
    for (number, status, expected) in [
        (2, Status::OK, Some(State::Delivered)),
        (1, Status::OK, None),
        (0, Status::QUERY_FAILED, Some(State::Unknown)),
    ] {
        let mut bench = Bench::bound(Settings::default());
        bench.give(In::Expect {
            id: 9,
            envelope: Envelope::default(),
            message_ids: vec!["a1".to_owned()],
        });
        let sent = bench.pdus();
        let asked = Pdu::decode(&sent[0]).unwrap();
        assert!(matches!(asked.body, Body::Query(id, _) if id.as_str() == Some("a1")));
        let told = Told {
            message_id: "a1".into(),
            message_state: number,
            ..Told::default()
        };
        let answer = Pdu {
            status,
            ..Pdu::new(
                Command::QUERY_SM_RESP,
                asked.sequence,
                Body::QueryResponse(told),
            )
        };
        bench.give(In::Octets(Leg::Main, answer.encode().unwrap().into()));
        let settled = |out: &Out| match out {
            Out::Settled { id: 9, state } => Some(*state),
            _ => None,
        };
        let settled: Vec<State> = bench.out.iter().filter_map(settled).collect();
        assert_eq!(settled, Vec::from_iter(expected));
    }
}

#[test]
fn until_when_a_message_is_of_use_is_told_and_ends_it_here_too() {
    let part = Bytes::from_static(b"\x06\x05\x04\x0b\x84\x23\xf0hello");
    let message = || ShortMessage::of_user_data(Address::of("P"), Address::of("+1"), Bytes::new());
    let until = NOW + Duration::from_secs(90);
    let mut bench = Bench::bound(Settings::default());
    for (id, as_data) in [(1, false), (2, true)] {
        bench.give(In::Submit(Box::new(Submission {
            as_data,
            until: Some(until),
            ..Submission::new(id, message(), vec![part.clone()])
        })));
    }
    let sent = bench.pdus();
    let [short, data] = [0, 1].map(|at| Pdu::decode(&sent[at]).unwrap());
    let Body::Message(submitted) = short.body else {
        panic!("a submit_sm");
    };
    assert_eq!(submitted.validity_period.as_str(), Some("700101001810000+"));
    assert_eq!(data.command, Command::DATA_SM);
    assert_eq!(data.tlvs.number(tag::QOS_TIME_TO_LIVE), Some(90));
    bench.pass(91);
    assert_eq!(bench.done().len(), 2);
}
