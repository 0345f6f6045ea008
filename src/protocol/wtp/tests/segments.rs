//! Messages in segments, both ways.

use super::*;

const NONE: [&str; 0] = [];

/// Two octets a segment, two segments a group.
fn lab() -> Lab {
    Lab::new(Settings {
        datagram_octets: 6,
        group: core::num::NonZeroUsize::MIN.saturating_add(1),
        concatenates: false,
        ..settings()
    })
}

fn back(tid: u16) -> String {
    format!("{:04x}", tid ^ TID_DIRECTION)
}

#[test]
fn groups_are_sent_one_after_the_other() {
    let mut lab = lab();
    let (tid, told) = lab.invokes(1, true, b"abcdefghi");
    assert_eq!(
        told,
        [
            format!("> 08{tid:04x}116162"),
            format!("> 2c{tid:04x}016364")
        ]
    );
    // Only the end of the group is repeated.
    assert_eq!(lab.passes(3_000), [format!("3000: > 2d{tid:04x}016364")]);
    assert_eq!(
        lab.gets(&format!("98{}1901", back(tid))),
        [
            format!("> 28{tid:04x}026566"),
            format!("> 2c{tid:04x}036768")
        ]
    );
    // The acknowledgement of an earlier group came late.
    assert_eq!(lab.gets(&format!("98{}1901", back(tid))), NONE);
    assert_eq!(
        lab.gets(&format!("38{}0102", back(tid))),
        [format!("> 29{tid:04x}026566")]
    );
    // None means all of the group; another group's is not sent.
    assert_eq!(lab.gets(&format!("38{}00", back(tid))).len(), 2);
    assert_eq!(lab.gets(&format!("38{}0100", back(tid))), NONE);
    assert_eq!(
        lab.gets(&format!("98{}1903", back(tid))),
        [format!("> 2a{tid:04x}0469")]
    );
    assert_eq!(
        lab.gets(&format!("98{}1904", back(tid))),
        [format!("{tid:04x} confirmed ")]
    );
}

#[test]
fn a_peer_that_asks_for_ever_is_not_served_for_ever() {
    let mut lab = lab();
    let (tid, _) = lab.invokes(1, true, b"abcdefghi");
    let nack = format!("38{}00", back(tid));
    let sent: usize = (0..100).map(|_| lab.gets(&nack).len()).sum();
    assert_eq!(sent, 32);
}

#[test]
fn segments_are_put_together_and_what_is_missing_is_asked_for() {
    let mut lab = lab();
    assert_eq!(lab.gets("080001116162"), NONE);
    assert_eq!(lab.gets("2c0001026566"), NONE);
    assert_eq!(lab.passes(250), ["250: > 3880010101"]);
    assert_eq!(lab.gets("290001016364"), ["> 9880011902"]);
    // That was lost: the end comes again.
    assert_eq!(lab.gets("2d0001026566"), ["> 9880011902"]);
    assert_eq!(lab.gets("2a00010367"), ["8001 invoked 1 up 61626364656667"]);
    assert_eq!(lab.gets("2b00010367"), NONE);
    assert_eq!(lab.responds(0x8001, b"i"), ["> 98800199030969"]);
    assert_eq!(lab.gets("2b00010367"), ["> 99800199030969"]);
    assert_eq!(lab.endpoint.load().octets, 0);
}

#[test]
fn the_first_segment_may_be_the_one_that_is_lost() {
    let mut lab = lab();
    assert_eq!(lab.gets("2a0001016364"), NONE);
    assert_eq!(lab.passes(250), ["250: > 3880010100"]);
    assert_eq!(lab.gets("090001016162"), ["8001 invoked 1 61626364"]);
    // Late copies of a finished transaction begin nothing.
    lab.passes(60_000);
    assert_eq!(lab.gets("2a0001016364"), NONE);
    assert_eq!(lab.transactions(), 0);
}

#[test]
fn a_message_that_stops_coming_is_forgotten() {
    let mut lab = lab();
    lab.gets("080001116162");
    assert_eq!(lab.endpoint.load().octets, 66);
    assert_eq!(lab.passes(40_000), NONE);
    assert_eq!((lab.transactions(), lab.endpoint.load().octets), (0, 0));
}

#[test]
fn results_go_in_segments_too() {
    let mut lab = lab();
    lab.gets("0e00011201");
    assert_eq!(
        lab.answers(0x8001, b"abcde"),
        ["> 1080016162", "> 348001016364"]
    );
    assert_eq!(lab.gets("9800011901"), ["> 3280010265"]);
    assert_eq!(lab.gets("3800010102"), ["> 3380010265"]);
    assert_eq!(lab.passes(3_000), ["3000: > 3380010265"]);
    assert_eq!(lab.gets("9800011902"), ["8001 result confirmed "]);

    let (tid, _) = lab.invokes(2, true, b"\x01");
    assert_eq!(
        lab.gets(&format!("34{}016364", back(tid))),
        [format!("{tid:04x} confirmed ")]
    );
    assert_eq!(lab.passes(250), [format!("250: > 38{tid:04x}0100")]);
    assert_eq!(
        lab.gets(&format!("11{}6162", back(tid))),
        [format!("> 98{tid:04x}1901")]
    );
    assert_eq!(
        lab.gets(&format!("32{}0265", back(tid))),
        [format!("{tid:04x} result 6162636465")]
    );
    assert_eq!(lab.responds(tid, b""), [format!("> 98{tid:04x}1902")]);
    assert_eq!(
        lab.gets(&format!("33{}0265", back(tid))),
        [format!("> 99{tid:04x}1902")]
    );
}

#[test]
fn the_id_of_a_message_in_segments_is_verified_when_it_is_whole() {
    let mut lab = Lab::new(Settings {
        verifies_strangers: true,
        ..settings()
    });
    lab.gets("080001016162");
    assert_eq!(lab.gets("2a0001016364"), ["> 1c8001"]);
    assert_eq!(lab.gets("2b0001016364"), ["> 1d8001"]);
    assert_eq!(lab.gets("1c0001"), ["8001 invoked 1 61626364"]);
    assert_eq!(lab.passes(0), ["0: > 9880011901"]);
}
