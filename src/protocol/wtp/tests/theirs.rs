//! Transactions that the peer begins.

use super::*;

fn lab() -> Lab {
    Lab::new(settings())
}

const NONE: [&str; 0] = [];

#[test]
fn an_unreliable_invocation_is_told_and_forgotten() {
    let mut lab = lab();
    assert_eq!(lab.gets("0e00010006aa"), ["8001 invoked 0 06aa"]);
    assert_eq!(lab.transactions(), 0);
    // Doubled by the network.
    assert_eq!(lab.gets("0e00010006aa"), NONE);
}

#[test]
fn an_invocation_of_class_1_is_acknowledged_at_once_without_user_acknowledgement() {
    let mut lab = lab();
    assert_eq!(lab.gets("0e00010107aa"), ["8001 invoked 1 07aa"]);
    assert_eq!(lab.passes(0), ["0: > 188001"]);
    assert_eq!(lab.gets("0e00010107aa"), NONE);
    assert_eq!(lab.gets("0f00010107aa"), ["> 198001"]);
    assert_eq!(lab.passes(39_999), NONE);
    assert_eq!(lab.transactions(), 1);
    assert_eq!(lab.passes(1), NONE);
    assert_eq!(lab.transactions(), 0);
}

#[test]
fn the_user_acknowledges_a_confirmed_push_with_information() {
    let mut lab = lab();
    assert_eq!(lab.gets("0e00011107aa"), ["8001 invoked 1 up 07aa"]);
    assert_eq!(lab.gets("0f00011107aa"), NONE);
    // The item takes the long form: four octets.
    assert_eq!(lab.responds(0x8001, b"abcd"), ["> 9880010c0461626364"]);
    assert_eq!(lab.gets("0f00011107aa"), ["> 9980010c0461626364"]);
    assert_eq!(lab.responds(0x8001, b"again"), NONE);
}

#[test]
fn a_user_that_never_answers_ends_the_transaction() {
    let mut lab = lab();
    lab.gets("0e00011107aa");
    // Seven intervals of one second.
    assert_eq!(
        lab.passes(60_000),
        ["7000: 8001 aborted by us: Provider(8)", "7000: > 20800108"]
    );
    assert_eq!(lab.transactions(), 0);
}

#[test]
fn class_2_ends_with_the_acknowledgement_of_the_result() {
    let mut lab = lab();
    assert_eq!(lab.gets("0e00011201"), ["8001 invoked 2 up 01"]);
    assert_eq!(lab.answers(0x8001, b"\x02"), ["> 16800102"]);
    assert_eq!(lab.gets("0f00011201"), NONE);
    assert_eq!(lab.passes(7_000), ["7000: > 17800102"]);
    assert_eq!(lab.gets("180001"), ["8001 result confirmed "]);
    assert_eq!(lab.transactions(), 0);
}

#[test]
fn a_result_that_takes_long_is_preceded_by_hold_on() {
    let mut lab = lab();
    lab.gets("0e00010201");
    assert_eq!(lab.passes(2_000), ["2000: > 188001"]);
    assert_eq!(lab.gets("0f00010201"), ["> 198001"]);
    assert_eq!(lab.answers(0x8001, b"\x02"), ["> 16800102"]);
    assert_eq!(lab.gets("1c0001"), NONE);
    assert_eq!(lab.gets("98000109aa"), ["8001 result confirmed aa"]);
}

#[test]
fn a_result_nobody_acknowledges_is_given_up_after_eight_repetitions() {
    let mut lab = lab();
    lab.gets("0e00010201");
    lab.answers(0x8001, b"\x02");
    let told = lab.passes(100_000);
    assert_eq!(told.len(), 9);
    assert_eq!(told[7], "56000: > 17800102");
    assert_eq!(told[8], "63000: 8001 aborted by us: Provider(8)");
}

#[test]
fn a_result_that_never_comes_ends_the_transaction() {
    let mut lab = lab();
    lab.gets("0e00010201");
    lab.responds(0x8001, b"");
    let told = lab.passes(400_000);
    assert_eq!(
        told,
        [
            "2000: > 188001",
            "302000: 8001 aborted by us: Provider(8)",
            "302000: > 20800108"
        ]
    );
}

#[test]
fn aborts_go_both_ways() {
    let mut lab = lab();
    lab.gets("0e00011107aa");
    assert_eq!(lab.aborts(0x8001, 0xEC), ["> 218001ec"]);
    lab.gets("0e00021107aa");
    assert_eq!(lab.gets("21000208"), ["8002 aborted by peer: User(8)"]);
    lab.gets("0e00031107aa");
    assert_eq!(lab.gets("20000301"), ["8003 aborted by peer: Provider(1)"]);
    // Of a finished one the user hears no more.
    lab.gets("0e00040107aa");
    lab.passes(0);
    assert_eq!(lab.gets("20000401"), NONE);
    assert_eq!(lab.transactions(), 0);
    assert_eq!(lab.gets("20000401"), NONE);
}

#[test]
fn another_version_and_broken_invocations_are_refused() {
    let rows = [
        ("0e00014107aa", "> 20800106"),
        ("0e00010307aa", "> 20800101"),
        ("0e0001", "> 20800101"),
    ];
    for (digits, answer) in rows {
        assert_eq!(lab().gets(digits), [answer], "{digits}");
    }
    for digits in [
        "",
        "18",
        "180001",
        "3800010101",
        "1600010201",
        "20000101",
        "7000010203",
        "0e80010107aa",
    ] {
        assert_eq!(lab().gets(digits), NONE, "{digits}");
    }
}

#[test]
fn a_broken_pdu_ends_its_transaction() {
    let mut lab = lab();
    lab.gets("0e00011107aa");
    assert_eq!(
        lab.gets("2600010000"),
        ["8001 aborted by us: Provider(1)", "> 20800101"]
    );
}

#[test]
fn an_id_in_doubt_is_verified_before_the_user_learns_of_it() {
    let mut lab = Lab::new(Settings {
        verifies_strangers: true,
        ..settings()
    });
    assert_eq!(lab.gets("0e00050107aa"), ["> 1c8005"]);
    assert_eq!(lab.gets("0e00050107aa"), NONE);
    assert_eq!(lab.gets("0f00050107aa"), ["> 1d8005"]);
    assert_eq!(lab.gets("1c0005"), ["8005 invoked 1 07aa"]);
    assert_eq!(lab.passes(0), ["0: > 188005"]);
    assert_eq!(lab.gets("1d0005"), ["> 198005"]);
    // The peer is known now.
    assert_eq!(lab.gets("0e00060107aa"), ["8006 invoked 1 07aa"]);
    // Too low, and the peer says that it is not its own.
    lab.passes(50_000);
    assert_eq!(lab.gets("0e00030107aa"), ["> 1c8003"]);
    assert_eq!(lab.gets("20000302"), NONE);
    assert_eq!(lab.transactions(), 0);
}

#[test]
fn an_invocation_nobody_verifies_is_forgotten() {
    let mut lab = Lab::new(Settings {
        verifies_strangers: true,
        ..settings()
    });
    lab.gets("0e00050107aa");
    assert_eq!(lab.endpoint.load().octets, 2);
    assert_eq!(lab.passes(40_000), NONE);
    assert_eq!((lab.transactions(), lab.endpoint.load().octets), (0, 0));
}

#[test]
fn ids_that_begin_anew_are_verified_once() {
    let mut lab = lab();
    lab.gets("0e70000107aa");
    assert_eq!(lab.gets("0e00012107bb"), ["> 1c8001"]);
    assert_eq!(lab.gets("1c0001"), ["8001 invoked 1 07bb"]);
    assert_eq!(lab.gets("0e00020107cc"), ["8002 invoked 1 07cc"]);
}

#[test]
fn soon_after_the_start_nobody_knows_who_was_known() {
    let mut lab = Lab::new(Settings::default());
    assert_eq!(lab.gets("0e00050107aa"), ["> 1c8005"]);
    let mut later = Lab::new(Settings::default());
    later.gets("");
    later.passes(120_000);
    assert_eq!(later.gets("0e00050107aa"), ["8005 invoked 1 07aa"]);
}

#[test]
fn pdus_in_one_datagram_are_separated_and_answers_go_together() {
    let mut lab = lab();
    assert_eq!(
        lab.gets("00060e00010107aa060e00020107bb"),
        ["8001 invoked 1 07aa", "8002 invoked 1 07bb"]
    );
    let told = lab.told(|it, now, out| it.expire(now, out));
    assert_eq!(told, ["> 000318800103188002"]);
    // One that is broken does not hide the next.
    assert_eq!(lab.gets("0001ff060e00030107cc"), ["8003 invoked 1 07cc"]);
}
