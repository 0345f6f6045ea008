//! Ladders drawn from short runs.

use super::*;
use crate::event::{Decision, Fact, Reason};

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
            sir: Some("s1".into()),
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

fn with_octets(mut event: Event, octets: &str) -> Event {
    if let Fact::Wire { octets: kept, .. } = &mut event.fact {
        *kept = bytes::Bytes::copy_from_slice(octets.as_bytes());
    }
    event
}

/// A SIR as it stands on the wire, with its correlator in a header.
fn sir(micros: u64, dev: &str, sir: &str) -> Event {
    let octets = format!(
        "MESSAGE sip:{dev}@192.0.2.7 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.5;branch=z9hG4bK{sir}{dev}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:push@ppg.example.com>;tag=1\r\nTo: <sip:alice@example.com>\r\n\
         Call-ID: {sir}.{dev}@ppg.example.com\r\nCSeq: 1 MESSAGE\r\nX-Sirgate-Sir: {sir}\r\nContent-Length: 0\r\n\r\n"
    );
    let what = format!("MESSAGE sip:{dev}@192.0.2.7 SIP/2.0");
    with_octets(wire(micros, "PPG", dev, "sip", &what), &octets)
}

fn sent(micros: u64, push: &str, octets: usize) -> Event {
    Event {
        t: Time::from_micros(micros),
        fact: Fact::PushTx {
            push: push.into(),
            dev: "C1".into(),
            via: crate::event::Via::Existing,
            octets,
        },
    }
}

/// A chunk of content.
fn chunk(micros: u64, push: &str, tid: &str, range: &str) -> Event {
    let octets = format!(
        "MSRP {tid} SEND\r\nTo-Path: msrp://192.0.2.7:9/c;tcp\r\nFrom-Path: msrp://192.0.2.5:2855/p;tcp\r\n\
         Message-ID: m-{push}\r\nByte-Range: {range}\r\nX-Sirgate-Push: {push}\r\nContent-Type: text/plain\r\n\r\nabc\r\n\
         -------{tid}+\r\n"
    );
    let what = format!("MSRP {tid} SEND");
    with_octets(wire(micros, "PPG", "C1", "msrp", &what), &octets)
}

#[test]
fn a_sir_that_nobody_answered_yet_is_in_the_ladder_of_its_push() {
    let mut again = sir(500_003, "C1", "s1");
    again.t = Time::from_micros(500_003);
    let events = [sir_tx(1, "C1"), sir(2, "C1", "s1"), again];
    let drawn = text(&of_push(&events, "k7q4"), &[], Style::default());
    assert_eq!(drawn.matches("MESSAGE").count(), 1, "{drawn}");
    assert!(drawn.contains("1 folded"), "{drawn}");
}

#[test]
fn a_sir_whose_time_is_over_says_so() {
    let events = [
        sir_tx(1, "C1"),
        sir(2, "C1", "s1"),
        Event {
            t: Time::from_micros(32_000_000),
            fact: Fact::SirAnswer {
                push: "k7q4".into(),
                dev: "C1".into(),
                bearer: crate::event::Bearer::Sip,
                status: 408,
                failed: true,
            },
        },
    ];
    let drawn = text(&of_push(&events, "k7q4"), &[], Style::default());
    assert!(drawn.contains("31.9999   ├ no answer from C1\n"), "{drawn}");
}

#[test]
fn rows_stand_in_the_order_of_their_times() {
    let mut events = run();
    events.swap(7, 10);
    assert_eq!(
        text(&events, &trio(), Style::default()),
        text(&run(), &trio(), Style::default())
    );
}

#[test]
fn messages_of_another_push_to_the_same_device_are_left_out() {
    let mut other = sir_tx(2, "C1");
    if let Fact::SirTx { push, sir, .. } = &mut other.fact {
        *push = "zzzz".into();
        *sir = Some("s2".into());
    }
    let events = [
        sir_tx(1, "C1"),
        sir(1, "C1", "s1"),
        other,
        sir(2, "C1", "s2"),
        sent(5, "zzzz", 3),
        chunk(5, "zzzz", "z100", "1-3/3"),
        sent(6, "k7q4", 6),
        chunk(6, "k7q4", "k100", "1-3/6"),
        wire(7, "C1", "PPG", "msrp", "MSRP k100 200 OK"),
        chunk(8, "k7q4", "k200", "4-6/6"),
    ];
    let kept = of_push(&events, "k7q4");
    let whats: Vec<&str> = kept
        .iter()
        .filter_map(|event| match &event.fact {
            Fact::Wire { what, .. } => Some(what.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(
        whats,
        [
            "MESSAGE sip:C1@192.0.2.7 SIP/2.0",
            "MSRP k100 SEND",
            "MSRP k100 200 OK",
            "MSRP k200 SEND"
        ]
    );
}

#[test]
fn the_chunks_of_a_message_are_one_row() {
    let mut events = vec![
        sent(1, "k7q4", 9),
        chunk(1, "k7q4", "k100", "1-3/9"),
        chunk(2, "k7q4", "k200", "4-6/9"),
        chunk(3, "k7q4", "k300", "7-9/9"),
    ];
    let drawn = text(&events, &[], Style::default());
    assert!(drawn.contains("msrp  9 octets, 3 chunks\n"), "{drawn}");
    assert_eq!(drawn.matches("SEND").count(), 1, "{drawn}");
    // An event log keeps no octets.
    for event in &mut events {
        if let Fact::Wire { octets, .. } = &mut event.fact {
            *octets = bytes::Bytes::new();
        }
    }
    assert_eq!(text(&events, &[], Style::default()), drawn);
}

#[test]
fn information_that_comes_after_the_end_is_in_the_ladder() {
    let told = |micros, sir: &str| {
        let body = format!("{{\"sir\":\"{sir}\",\"kind\":\"capability\"}}");
        let octets = format!(
            "MSRP i{sir}00 SEND\r\nTo-Path: msrp://192.0.2.5:2855/p;tcp\r\nFrom-Path: msrp://192.0.2.7:9/c;tcp\r\n\
             Message-ID: info-{sir}\r\nByte-Range: 1-{0}/{0}\r\nContent-Type: application/vnd.sirgate.info+json\r\n\r\n\
             {body}\r\n-------i{sir}00$\r\n",
            body.len()
        );
        let what = format!("MSRP i{sir}00 SEND");
        with_octets(wire(micros, "C1", "PPG", "msrp", &what), &octets)
    };
    let end = Event {
        t: Time::from_micros(5),
        fact: Fact::PushEnd {
            push: "k7q4".into(),
            address: "a".into(),
            state: "delivered".into(),
            code: 1000,
            desc: String::new(),
        },
    };
    let info = Event {
        t: Time::from_micros(6),
        fact: Fact::InfoTx {
            dev: "C1".into(),
            kind: "capability".into(),
            via: crate::event::Via::Existing,
        },
    };
    let events = [
        sir_tx(1, "C1"),
        sir(2, "C1", "s1"),
        end,
        info,
        told(7, "s1"),
        told(8, "s2"),
        wire(9, "PI", "PPG", "http", "GET /api/v1/pushes HTTP/1.1"),
    ];
    let drawn = text(&of_push(&events, "k7q4"), &[], Style::default());
    assert!(drawn.contains("msrp  information: capability\n"), "{drawn}");
    assert_eq!(drawn.matches("SEND").count(), 1, "{drawn}");
    assert!(!drawn.contains("GET"), "{drawn}");
}
