//! Submissions: window, refusals, load, doubt, bounds.

use super::*;
use crate::codec::smpp::{Tlvs, put_number, tag};

#[test]
fn a_submission_of_two_parts_is_accepted_when_both_are() {
    let mut bench = Bench::bound(Settings::default());
    bench.submit(7, 2);
    assert_eq!(
        bench.sent(),
        [
            (Command::SUBMIT_SM, 2, Status::OK),
            (Command::SUBMIT_SM, 3, Status::OK)
        ]
    );
    bench.main(Command::SUBMIT_SM_RESP, Status::OK, 3);
    assert_eq!(bench.done(), []);
    bench.main(Command::SUBMIT_SM_RESP, Status::OK, 2);
    let message_ids = vec!["m1".to_owned(), "m1".to_owned()];
    assert_eq!(bench.done(), [(7, Outcome::Accepted { message_ids })]);
    assert_eq!((bench.esme.unfinished(), bench.esme.outstanding()), (0, 0));
}

#[test]
fn the_window_holds_back_what_has_no_room() {
    let mut bench = Bench::bound(Settings {
        window: 2,
        ..Settings::default()
    });
    for id in 0..5 {
        bench.submit(id, 1);
    }
    assert_eq!(bench.sent().len(), 2);
    bench.main(Command::SUBMIT_SM_RESP, Status::OK, 3);
    assert_eq!(bench.sent().len(), 1);
    assert_eq!(bench.esme.outstanding(), 2);
}

#[test]
fn a_refused_part_ends_its_submission_and_the_others_are_not_sent() {
    let mut bench = Bench::bound(Settings {
        window: 1,
        ..Settings::default()
    });
    bench.submit(1, 3);
    bench.main(Command::SUBMIT_SM_RESP, Status::INVALID_DESTINATION, 2);
    let why = Refusal::Status(Status::INVALID_DESTINATION);
    assert_eq!(bench.done(), [(1, refused(why))]);
    assert_eq!(bench.sent().len(), 1);
    bench.submit(2, 1);
    bench.main(Command::GENERIC_NACK, Status::INVALID_COMMAND, 3);
    let why = Refusal::Status(Status::INVALID_COMMAND);
    assert_eq!(bench.done().last(), Some(&(2, refused(why))));
}

#[test]
fn a_throttled_part_goes_again_slower_and_is_accepted() {
    let mut bench = Bench::bound(Settings::default());
    bench.submit(1, 1);
    bench.main(Command::SUBMIT_SM_RESP, Status::THROTTLED, 2);
    assert_eq!(bench.sent().len(), 1);
    assert_eq!(bench.esme.gap(), Duration::from_millis(50));
    bench.pass(1);
    assert_eq!(bench.sent(), [(Command::SUBMIT_SM, 3, Status::OK)]);
    bench.main(Command::SUBMIT_SM_RESP, Status::QUEUE_FULL, 3);
    assert_eq!(bench.esme.gap(), Duration::from_millis(100));
    bench.pass(1);
    bench.main(Command::SUBMIT_SM_RESP, Status::OK, 4);
    assert_eq!(bench.done().len(), 1);
    assert!(bench.esme.gap() < Duration::from_millis(100));
}

#[test]
fn a_part_that_is_always_throttled_is_refused_when_its_time_is_over() {
    let mut bench = Bench::bound(Settings::default());
    bench.submit(1, 1);
    for _ in 0..400 {
        if let Some((_, sequence, _)) = bench.sent().pop() {
            bench.main(Command::SUBMIT_SM_RESP, Status::THROTTLED, sequence);
        }
        bench.pass(1);
    }
    assert_eq!(bench.done(), [(1, refused(Refusal::Expired))]);
}

#[test]
fn a_congested_message_centre_is_spared() {
    let mut bench = Bench::bound(Settings {
        version: Version::V50,
        ..Settings::default()
    });
    bench.submit(1, 1);
    let mut tlvs = Vec::new();
    put_number(&mut tlvs, tag::CONGESTION_STATE, 100);
    let pdu = Pdu {
        tlvs: Tlvs::decode(&tlvs).unwrap(),
        ..Pdu::new(
            Command::SUBMIT_SM_RESP,
            2,
            Body::MessageResponse("x".into()),
        )
    };
    bench.give(In::Octets(Leg::Main, pdu.encode().unwrap().into()));
    assert_eq!(bench.done().len(), 1);
    assert!(bench.esme.gap() > Duration::ZERO);
    bench.sent();
    bench.submit(2, 1);
    assert_eq!(bench.sent(), []);
    bench.pass(1);
    assert_eq!(bench.sent().len(), 1);
}

#[test]
fn what_a_broken_link_leaves_in_doubt_is_sent_again_and_then_unknown() {
    let mut bench = Bench::bound(Settings {
        tries: 2,
        ..Settings::default()
    });
    bench.submit(1, 1);
    bench.give(In::Closed(Leg::Main));
    assert_eq!(bench.done(), []);
    bench.sent();
    bench.pass(5);
    assert!(bench.out.contains(&Out::Connect(Leg::Main)));
    bench.bind(Leg::Main);
    assert_eq!(bench.sent(), [(Command::SUBMIT_SM, 2, Status::OK)]);
    bench.give(In::Closed(Leg::Main));
    assert_eq!(bench.done(), [(1, Outcome::Unknown)]);
}

#[test]
fn a_part_in_doubt_that_is_then_refused_is_unknown() {
    let mut bench = Bench::bound(Settings::default());
    bench.submit(1, 1);
    bench.give(In::Closed(Leg::Main));
    bench.pass(5);
    bench.bind(Leg::Main);
    bench.main(Command::SUBMIT_SM_RESP, Status::SUBMIT_FAILED, 2);
    assert_eq!(bench.done(), [(1, Outcome::Unknown)]);
}

#[test]
fn a_submission_that_must_not_be_repeated_is_unknown_at_once() {
    let mut bench = Bench::bound(Settings::default());
    let submission = Submission {
        may_repeat: false,
        ..Submission::new(1, ShortMessage::default(), vec![Bytes::from_static(b"x")])
    };
    bench.give(In::Submit(Box::new(submission)));
    bench.give(In::Closed(Leg::Main));
    assert_eq!(bench.done(), [(1, Outcome::Unknown)]);
}

#[test]
fn a_late_response_still_counts() {
    let mut bench = Bench::bound(Settings {
        enquire_after: Duration::from_secs(600),
        ..Settings::default()
    });
    bench.submit(1, 1);
    bench.pass(30);
    assert_eq!(bench.sent().len(), 2);
    bench.main(Command::SUBMIT_SM_RESP, Status::OK, 2);
    assert_eq!(bench.done().len(), 1);
    bench.main(Command::SUBMIT_SM_RESP, Status::OK, 3);
    assert_eq!(bench.done().len(), 1);
}

#[test]
fn the_queue_tells_at_once_that_it_is_full() {
    let mut bench = Bench::new(Settings::default());
    let count = u64::try_from(crate::limits::SMPP_SUBMISSIONS_WAITING).unwrap();
    for id in 0..=count {
        bench.submit(id, 1);
    }
    assert_eq!(bench.done(), [(count, refused(Refusal::Full))]);
    let mut bench = Bench::new(Settings::default());
    let part = Bytes::from(vec![0; 60_000]);
    for id in 0..5 {
        let submission = Submission::new(id, ShortMessage::default(), vec![part.clone(); 120]);
        bench.give(In::Submit(Box::new(submission)));
    }
    assert_eq!(bench.done(), [(4, refused(Refusal::Full))]);
}

#[test]
fn what_no_pdu_can_carry_is_refused_at_once() {
    let mut bench = Bench::new(Settings::default());
    let message = ShortMessage {
        service_type: "too long".to_owned(),
        ..ShortMessage::default()
    };
    let part = vec![Bytes::from_static(b"x")];
    bench.give(In::Submit(Box::new(Submission::new(
        1,
        message,
        part.clone(),
    ))));
    bench.give(In::Submit(Box::new(Submission::new(
        2,
        ShortMessage::default(),
        vec![],
    ))));
    let many = vec![part[0].clone(); 256];
    bench.give(In::Submit(Box::new(Submission::new(
        3,
        ShortMessage::default(),
        many,
    ))));
    let unsendable = |id| (id, refused(Refusal::Unsendable));
    assert_eq!(bench.done(), [unsendable(1), unsendable(2), unsendable(3)]);
}
