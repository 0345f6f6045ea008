//! Ladders drawn from short runs.

use super::*;
use crate::event::{Decision, Reason};

fn wire(micros: u64, from: &str, to: &str, line: &str, what: &str) -> Event {
    Event {
        t: Time::from_micros(micros),
        fact: Fact::Wire {
            from: from.into(),
            to: to.into(),
            line: line.into(),
            what: what.into(),
            push: None,
            octets: bytes::Bytes::new(),
        },
    }
}

fn decide(micros: u64, dev: &str, result: Decision, reason: Reason) -> Event {
    Event {
        t: Time::from_micros(micros),
        fact: Fact::SirDecide {
            dev: dev.into(),
            sir: None,
            result,
            reason,
            conflict: false,
            detail: None,
        },
    }
}

fn sir_tx(micros: u64, dev: &str) -> Event {
    Event {
        t: Time::from_micros(micros),
        fact: Fact::SirTx {
            push: "k7q4".into(),
            bearer: crate::event::Bearer::Sip,
            mode: crate::event::Mode::FanoutId,
            dev: dev.into(),
            ids: vec!["C1".into()],
            place: vec!["value".into()],
        },
    }
}

fn run() -> Vec<Event> {
    let pushed = Fact::PapRx {
        push: "k7q4".into(),
        pui: "sip:alice@example.com".into(),
        app: None,
    };
    vec![
        wire(5_000_000, "PI", "PPG", "http", "POST /pap HTTP/1.1"),
        Event {
            t: Time::from_micros(5_000_100),
            fact: pushed,
        },
        wire(5_000_600, "PPG", "PI", "http", "HTTP/1.1 202 Accepted"),
        sir_tx(5_001_200, "C1"),
        wire(
            5_001_200,
            "PPG",
            "C1",
            "sip",
            "MESSAGE sip:alice@example.com SIP/2.0",
        ),
        sir_tx(5_001_400, "C2"),
        wire(
            5_001_400,
            "PPG",
            "C2",
            "sip",
            "MESSAGE sip:alice@example.com SIP/2.0",
        ),
        wire(5_001_900, "C1", "PPG", "sip", "SIP/2.0 200 OK"),
        decide(5_002_000, "C1", Decision::Connect, Reason::Match),
        decide(5_002_300, "C2", Decision::Skip, Reason::Mismatch),
        wire(
            5_004_100,
            "C1",
            "PPG",
            "sip",
            "INVITE sip:push@ppg.example.com SIP/2.0",
        ),
        wire(5_005_200, "PPG", "C1", "sip", "SIP/2.0 200 OK"),
        wire(
            5_005_300,
            "C1",
            "PPG",
            "sip",
            "ACK sip:push@192.0.2.5 SIP/2.0",
        ),
        wire(5_010_100, "PPG", "C1", "msrp", "MSRP a1 SEND"),
        wire(5_010_200, "C1", "PPG", "msrp", "MSRP a1 200 OK"),
    ]
}

fn trio() -> [Party; 4] {
    [
        Party::new(PI),
        Party::new(PPG),
        Party::labelled("C1", "C1 phone"),
        Party::labelled("C2", "C2 pc"),
    ]
}

#[test]
fn a_push_is_drawn_in_lanes() {
    let expected = "          PI            PPG           C1 phone      C2 pc
 0.0000   │─POST /pap──▶│             │             │  http  push-message k7q4
 0.0006   │◀─202────────│             │             │  http
 0.0012   │             │═MESSAGE════▶│             │  sip   SIR  id=C1 place=value
 0.0014   │             │═MESSAGE══════════════════▶│  sip   SIR  id=C1 place=value
 0.0019   │             │◀═200════════│             │  sip
 0.0020   │             │             ├ connect: match
 0.0023   │             │             │             ├ skip: mismatch
 0.0041   │             │◀═INVITE═════│             │  sip
 0.0052   │             │═200════════▶│             │  sip
 0.0101   │             │═SEND═══════▶│             │  msrp
lines: ═ sip, msrp  ─ http     2 folded (ACK, answers): --all
";
    assert_eq!(text(&run(), &trio(), Style::default()), expected);
}

#[test]
fn ascii_ladders_hold_ascii_only_and_keep_the_columns() {
    let style = Style {
        ascii: true,
        all: true,
    };
    let ascii = text(&run(), &trio(), style);
    assert!(ascii.is_ascii());
    assert!(ascii.contains(" 0.0053   |             |<=ACK========|             |  sip\n"));
    assert!(ascii.contains(" 0.0014   |             |=MESSAGE==================>|  sip   SIR"));
    assert!(!ascii.contains("folded"));
}

#[test]
fn lanes_that_took_no_part_are_left_out_and_unknown_ones_follow() {
    let events = [wire(0, "PPG", "C9", "sip", "MESSAGE x SIP/2.0")];
    let drawn = text(&events, &trio(), Style::default());
    assert!(drawn.starts_with("          PPG           C9\n"));
}

#[test]
fn no_event_is_a_ladder_without_lanes() {
    assert_eq!(
        text(&[], &trio(), Style::default()),
        "\nlines: ═ sip, msrp  ─ http\n"
    );
}

#[test]
fn two_hundred_lanes_and_a_message_to_oneself_keep_the_columns() {
    let names: Vec<String> = (0..200).map(|n| format!("D{n}")).collect();
    let events: Vec<Event> = names
        .iter()
        .map(|name| wire(0, name, name, "sip", "OPTIONS x SIP/2.0"))
        .collect();
    let style = Style {
        all: true,
        ..Style::default()
    };
    let drawn = text(&events, &[], style);
    let last = drawn.lines().nth(200).unwrap();
    assert_eq!(
        last.chars().position(|c| c == '├'),
        Some(MARGIN + 199 * LANE)
    );
}

#[test]
fn names_that_are_wide_or_move_the_cursor_cannot_break_the_lanes() {
    let events = [wire(0, "PPG", "手\x1b[2J", "sip", "INVITE \u{301} SIP/2.0")];
    let drawn = text(&events, &[], Style::default());
    assert!(
        drawn.starts_with("          PPG           ??[2J\n"),
        "{drawn}"
    );
    assert!(!drawn.contains('\x1b'));
}

#[test]
fn without_wire_events_the_arrows_come_from_the_facts() {
    let events = [
        sir_tx(0, "C1"),
        decide(9, "C1", Decision::Connect, Reason::Match),
    ];
    let drawn = text(&events, &trio(), Style::default());
    assert!(
        drawn.contains(" 0.0000   │═MESSAGE════▶│  sip   SIR  id=C1 place=value\n"),
        "{drawn}"
    );
}

#[test]
fn a_failure_is_never_folded() {
    let events = [
        wire(0, "C1", "PPG", "sip", "REGISTER sip:example.com SIP/2.0"),
        wire(1, "PPG", "C1", "sip", "SIP/2.0 403 Forbidden"),
    ];
    let drawn = text(&events, &[], Style::default());
    assert!(drawn.contains("═403═") && !drawn.contains("REGISTER"));
}

#[test]
fn a_request_that_is_sent_again_is_folded_until_it_is_answered() {
    let sir = |at| {
        wire(
            at,
            "PPG",
            "C1",
            "sip",
            "MESSAGE sip:alice@example.com SIP/2.0",
        )
    };
    let events = [
        sir(0),
        sir(500_000),
        wire(600_000, "C1", "PPG", "sip", "SIP/2.0 200 OK"),
        sir(700_000),
    ];
    let drawn = text(&events, &[], Style::default());
    assert_eq!(drawn.matches("MESSAGE").count(), 2);
    assert!(drawn.contains("1 folded"));
}

#[test]
fn what_a_device_reported_stands_at_the_message_that_arrived_after_it() {
    let told = Fact::InfoTx {
        dev: "C1".into(),
        kind: "capability".into(),
        via: crate::event::Via::New,
    };
    let events = [
        wire(1_000, "C1", "PPG", "msrp", "MSRP a SEND"),
        Event {
            t: Time::from_micros(1_500),
            fact: told,
        },
        wire(2_000, "C1", "PPG", "msrp", "MSRP b SEND"),
    ];
    let drawn = text(&events, &[], Style::default());
    assert!(
        drawn
            .lines()
            .nth(2)
            .unwrap()
            .ends_with("information: capability"),
        "{drawn}"
    );
}

#[test]
fn mermaid_names_lanes_and_decisions() {
    let drawn = mermaid(&run(), &trio(), false);
    assert!(drawn.starts_with("sequenceDiagram\n    participant L0 as PI\n"));
    assert!(drawn.contains("    L1->>L2: MESSAGE SIR  id=C1 place=value\n"));
    assert!(drawn.contains("    Note over L2: connect: match\n"));
}

#[test]
fn csv_quotes_what_would_end_a_field_or_begin_a_formula() {
    let drawn = csv(&[wire(7, "=A,\"b\"", "PPG", "sip", "MESSAGE x")], false);
    assert_eq!(
        drawn,
        "t_us,from,to,line,what,note\r\n7,\"'=A,\"\"b\"\"\",PPG,sip,MESSAGE,\r\n"
    );
}

#[test]
fn the_ladder_of_a_push_leaves_other_pushes_and_other_devices_out() {
    let mut events = vec![decide(0, "C1", Decision::Skip, Reason::Mismatch)];
    events.push(sir_tx(1, "C1"));
    events.push(decide(2, "C1", Decision::Connect, Reason::Match));
    events.push(decide(3, "C9", Decision::Connect, Reason::Match));
    events.push(Event {
        t: Time::from_micros(4),
        fact: Fact::PushEnd {
            push: "k7q4".into(),
            address: "a".into(),
            state: "delivered".into(),
            code: 1000,
            desc: String::new(),
        },
    });
    let kept = of_push(&events, "k7q4");
    assert_eq!(kept.len(), 3);
    assert_eq!(of_push(&events, "other").len(), 0);
}
