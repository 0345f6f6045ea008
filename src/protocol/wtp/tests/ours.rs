//! Transactions that we begin.

use super::*;

const NONE: [&str; 0] = [];

fn lab() -> Lab {
    Lab::new(settings())
}

/// The id as the peer writes it.
fn back(tid: u16) -> String {
    format!("{:04x}", tid ^ TID_DIRECTION)
}

#[test]
fn class_0_is_sent_and_forgotten() {
    let mut lab = lab();
    let (tid, told) = lab.invokes(0, false, b"\x06");
    assert_eq!(told, [format!("> 0e{tid:04x}0006")]);
    assert_eq!(lab.transactions(), 0);
}

#[test]
fn class_1_ends_with_its_acknowledgement_and_the_ids_count_up() {
    let mut lab = lab();
    let (tid, told) = lab.invokes(1, true, b"\x07");
    assert_eq!(told, [format!("> 0e{tid:04x}1107")]);
    let ack = format!("98{}09aa", back(tid));
    assert_eq!(lab.gets(&ack), [format!("{tid:04x} confirmed aa")]);
    assert_eq!(lab.transactions(), 0);
    assert_eq!(lab.gets(&ack), NONE);
    assert_eq!(lab.invokes(1, true, b"\x07").0, tid + 1);
}

#[test]
fn class_1_is_repeated_eight_times() {
    let mut lab = lab();
    let (tid, _) = lab.invokes(1, false, b"\x07");
    let told = lab.passes(100_000);
    assert_eq!(told[0], format!("3000: > 0f{tid:04x}0107"));
    assert_eq!(told[7], format!("24000: > 0f{tid:04x}0107"));
    assert_eq!(
        told[8..],
        [format!("27000: {tid:04x} aborted by us: Provider(8)")]
    );
}

#[test]
fn the_pause_before_a_repetition_depends_on_class_and_user() {
    for (class, up, millis) in [
        (1, false, 3_000),
        (1, true, 4_000),
        (2, false, 5_000),
        (2, true, 5_000),
    ] {
        let mut lab = lab();
        lab.invokes(class, up, b"\x07");
        assert_eq!(lab.passes(millis - 1), NONE);
        assert_eq!(lab.passes(1).len(), 1);
    }
}

#[test]
fn class_2_gives_the_result_and_acknowledges_it() {
    let mut lab = lab();
    let (tid, _) = lab.invokes(2, true, b"\x01");
    let result = |first: &str| format!("{first}{}02", back(tid));
    assert_eq!(
        lab.gets(&result("16")),
        [
            format!("{tid:04x} confirmed "),
            format!("{tid:04x} result 02")
        ]
    );
    assert_eq!(lab.gets(&result("17")), NONE);
    assert_eq!(lab.responds(tid, b"x"), [format!("> 98{tid:04x}0978")]);
    assert_eq!(lab.gets(&result("16")), NONE);
    assert_eq!(lab.gets(&result("17")), [format!("> 99{tid:04x}0978")]);
    assert_eq!(lab.passes(40_000), NONE);
    assert_eq!(lab.transactions(), 0);
}

#[test]
fn a_result_is_acknowledged_for_a_user_that_need_not() {
    let mut lab = lab();
    let (tid, _) = lab.invokes(2, false, b"\x01");
    lab.gets(&format!("16{}02", back(tid)));
    assert_eq!(lab.passes(4_000), [format!("4000: > 18{tid:04x}")]);
    let mut lab = self::lab();
    let (tid, _) = lab.invokes(2, true, b"\x01");
    lab.gets(&format!("16{}02", back(tid)));
    assert_eq!(
        lab.passes(60_000),
        [
            format!("28000: {tid:04x} aborted by us: Provider(8)"),
            format!("28000: > 20{tid:04x}08")
        ]
    );
}

#[test]
fn hold_on_stops_the_repetition() {
    let mut lab = lab();
    let (tid, _) = lab.invokes(2, true, b"\x01");
    let ack = format!("18{}", back(tid));
    assert_eq!(lab.gets(&ack), [format!("{tid:04x} confirmed ")]);
    assert_eq!(lab.gets(&ack), NONE);
    assert_eq!(lab.passes(60_000), NONE);
    assert_eq!(
        lab.gets(&format!("16{}02", back(tid))),
        [format!("{tid:04x} result 02")]
    );
}

#[test]
fn a_verification_is_answered_and_the_answer_is_repeated() {
    let mut lab = lab();
    let (tid, _) = lab.invokes(1, false, b"\x07");
    assert_eq!(
        lab.gets(&format!("1c{}", back(tid))),
        [format!("> 1c{tid:04x}")]
    );
    assert_eq!(lab.passes(3_000), [format!("3000: > 1d{tid:04x}")]);
    assert_eq!(
        lab.gets(&format!("18{}", back(tid))),
        [format!("{tid:04x} confirmed ")]
    );
    // Nothing is under way any more.
    assert_eq!(
        lab.gets(&format!("1c{}", back(tid))),
        [format!("> 20{tid:04x}02")]
    );
}

#[test]
fn after_two_verifications_the_ids_begin_anew_and_others_wait() {
    let mut lab = lab();
    for _ in 0..2 {
        let (tid, _) = lab.invokes(1, false, b"\x07");
        lab.gets(&format!("1c{}", back(tid)));
        lab.gets(&format!("18{}", back(tid)));
    }
    let (first, told) = lab.invokes(1, false, b"\x07");
    assert_eq!(told, [format!("> 0e{first:04x}2107")]);
    let (second, told) = lab.invokes(1, false, b"\x08");
    assert_eq!(told, NONE);
    let (third, told) = lab.invokes(0, false, b"\x09");
    assert_eq!(told, NONE);
    lab.gets(&format!("1c{}", back(first)));
    assert_eq!(
        lab.gets(&format!("18{}", back(first))),
        [
            format!("{first:04x} confirmed "),
            format!("> 00050e{second:04x}0108050e{third:04x}0009")
        ]
    );
}

#[test]
fn aborts_go_both_ways() {
    let mut lab = lab();
    let (tid, _) = lab.invokes(1, true, b"\x07");
    assert_eq!(
        lab.gets(&format!("21{}ec", back(tid))),
        [format!("{tid:04x} aborted by peer: User(236)")]
    );
    let (tid, _) = lab.invokes(2, true, b"\x01");
    assert_eq!(lab.aborts(tid, 0xE1), [format!("> 21{tid:04x}e1")]);
    assert_eq!(lab.transactions(), 0);
    let (tid, _) = lab.invokes(2, true, b"\x01");
    assert_eq!(
        lab.gets(&format!("26{}00", back(tid))),
        [
            format!("{tid:04x} aborted by us: Provider(1)"),
            format!("> 20{tid:04x}01")
        ]
    );
}

#[test]
fn a_message_that_fits_no_datagram_is_refused() {
    let mut lab = lab();
    let large = Bytes::from(vec![0; 65_504]);
    let refused = Err(Abort::Provider(reason::MESSAGETOOLARGE));
    let invoke = |lab: &mut Lab, class, message: &Bytes| {
        lab.endpoint
            .invoke(lab.now, peer(), class, false, message.clone())
            .map(|_| ())
    };
    assert_eq!(invoke(&mut lab, 0, &large), refused);
    assert_eq!(invoke(&mut lab, 0, &large.slice(1..)), Ok(()));
    assert_eq!(invoke(&mut lab, 1, &large), Ok(()));
    let segments = Bytes::from(vec![0; 256 * 1_396 + 1]);
    assert_eq!(invoke(&mut lab, 1, &segments), refused);
    assert_eq!(invoke(&mut lab, 1, &segments.slice(1..)), Ok(()));
}
