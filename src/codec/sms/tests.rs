//! Short messages as wholes: datagrams in segments and back, and what a receiver keeps and gives up.

use core::time::Duration;

use proptest::prelude::*;
use serde_json::Value;

use super::segment::{Lost, Outcome, Reassembler, TooLong, segments};
use super::tpdu::{From, Tpdu};
use super::udh::{Concatenation, Ports, Reference, UserData};
use super::{FORMAT_DELIVER, FORMAT_SUBMIT, FORMAT_UD};
use crate::codec::format::Format;
use crate::codec::reader::covered;
use crate::codec::{Class, hex};
use crate::limits;
use crate::time::Time;

const START: Time = Time::from_secs(1_000);
const PATIENCE: Duration = Duration::from_secs(60);
const SENDER: &[u8] = b"+15550001";

/// A reassembler with one clock and what it gave up.
struct Bench {
    reassembler: Reassembler,
    lost: Vec<Lost>,
}

impl Bench {
    fn new() -> Self {
        Self {
            reassembler: Reassembler::new(PATIENCE),
            lost: Vec::new(),
        }
    }

    fn take(&mut self, from: &[u8], user_data: &[u8]) -> Outcome {
        let read = UserData::decode(user_data).unwrap();
        let (ports, payload) = (read.ports(), read.payload);
        match read.concatenation() {
            Some(place) => {
                self.reassembler
                    .take(START, from, ports, place, payload, &mut self.lost)
            }
            None => Outcome::Whole(payload.to_vec()),
        }
    }

    /// A segment of one octet.
    fn octet(
        &mut self,
        from: &[u8],
        reference: u16,
        total: u8,
        sequence: u8,
        octet: u8,
    ) -> Outcome {
        let place = Concatenation {
            reference: Reference::Sixteen(reference),
            total,
            sequence,
        };
        let ports = Some(Ports::PUSH);
        self.reassembler
            .take(START, from, ports, place, &[octet], &mut self.lost)
    }
}

fn cut(datagram: &[u8]) -> Vec<Vec<u8>> {
    segments(datagram, Ports::PUSH, Reference::Sixteen(0x1234)).unwrap()
}

/// User data of the vectors whose names begin so.
fn vectors(prefix: &str) -> (Vec<Vec<u8>>, Vec<u8>) {
    let all: Value =
        serde_json::from_str(include_str!("../../../testdata/sms/user_data.json")).unwrap();
    let of_name: Vec<&Value> = all
        .as_array()
        .unwrap()
        .iter()
        .filter(|vector| vector["name"].as_str().unwrap().starts_with(prefix))
        .collect();
    let octets = |value: &Value| hex::octets(value.as_str().unwrap()).unwrap();
    let whole = octets(&of_name.last().unwrap()["decoded"]["reassembled_hex"]);
    (
        of_name
            .iter()
            .map(|vector| octets(&vector["hex"]))
            .collect(),
        whole,
    )
}

#[test]
fn the_segments_of_the_vectors_are_written_and_put_together() {
    let (segments_16, whole) = vectors("seg16-");
    assert_eq!(cut(&whole), segments_16);
    let (segments_8, kannel) = vectors("kannel-seg8-");
    let cut = segments(&kannel, Ports::PUSH, Reference::Eight(1)).unwrap();
    assert_eq!(cut, segments_8);
    for (parts, whole) in [(segments_16, whole), (segments_8, kannel)] {
        let mut bench = Bench::new();
        let mut last = Outcome::Refused;
        for part in parts.iter().rev() {
            last = bench.take(SENDER, part);
        }
        assert_eq!(last, Outcome::Whole(whole));
        assert!(bench.reassembler.is_empty() && bench.lost.is_empty());
    }
}

#[test]
fn a_datagram_of_133_octets_needs_no_segments_and_one_more_does() {
    assert_eq!(cut(&[7; 133]).len(), 1);
    let two = cut(&[7; 134]);
    assert_eq!(two.iter().map(Vec::len).collect::<Vec<_>>(), [140, 20]);
    assert_eq!(cut(&[7; 255 * 127]).len(), 255);
    let fault = segments(&[7; 255 * 127 + 1], Ports::PUSH, Reference::Sixteen(1));
    assert_eq!(fault, Err(TooLong { octets: 32_386 }));
}

#[test]
fn a_sir_over_sms_arrives_as_the_octets_that_were_sent() {
    // The WSP push of an SIR with two device identifiers too many for one message.
    let mut datagram = hex::octets("070603b4af81ea").unwrap();
    datagram.extend(b"02b28208c40b23f10a000001urn:gsma:imei:90420156-025763-0".repeat(4));
    let mut bench = Bench::new();
    let parts = cut(&datagram);
    assert!(parts.len() > 1);
    assert_eq!(
        bench.take(SENDER, &parts[0]),
        Outcome::Waiting { have: 1, total: 2 }
    );
    assert_eq!(bench.take(SENDER, &parts[1]), Outcome::Whole(datagram));
}

#[test]
fn a_duplicate_changes_nothing() {
    let mut bench = Bench::new();
    bench.octet(SENDER, 1, 2, 1, 0xAA);
    assert_eq!(bench.octet(SENDER, 1, 2, 1, 0xAA), Outcome::Duplicate);
    assert_eq!(
        bench.octet(SENDER, 1, 2, 2, 0xBB),
        Outcome::Whole(vec![0xAA, 0xBB])
    );
}

#[test]
fn segments_that_disagree_on_total_ports_or_sender_never_mix() {
    let mut bench = Bench::new();
    bench.octet(SENDER, 1, 2, 1, 0xAA);
    assert_eq!(
        bench.octet(SENDER, 1, 3, 2, 0xBB),
        Outcome::Waiting { have: 1, total: 3 }
    );
    assert_eq!(
        bench.octet(b"+15550002", 1, 2, 2, 0xBB),
        Outcome::Waiting { have: 1, total: 2 }
    );
    let place = Concatenation {
        reference: Reference::Eight(1),
        total: 2,
        sequence: 2,
    };
    let eight = bench
        .reassembler
        .take(START, SENDER, None, place, &[1], &mut bench.lost);
    assert_eq!(eight, Outcome::Waiting { have: 1, total: 2 });
    assert_eq!(bench.reassembler.len(), 4);
}

#[test]
fn another_segment_in_the_same_place_begins_a_message_anew() {
    let mut bench = Bench::new();
    bench.octet(SENDER, 1, 2, 1, 0xAA);
    assert_eq!(bench.octet(SENDER, 1, 2, 1, 0xCC), Outcome::Restarted);
    assert_eq!(bench.lost.len(), 1);
    assert_eq!(
        bench.octet(SENDER, 1, 2, 2, 0xDD),
        Outcome::Whole(vec![0xCC, 0xDD])
    );
    assert_eq!(bench.reassembler.octets(), 0);
}

#[test]
fn a_message_that_misses_a_segment_is_given_up_in_time() {
    let mut bench = Bench::new();
    bench.octet(SENDER, 9, 3, 1, 0xAA);
    bench.octet(SENDER, 9, 3, 3, 0xCC);
    let due = bench.reassembler.deadline().unwrap();
    assert_eq!(due, START + PATIENCE);
    bench
        .reassembler
        .expire(START + PATIENCE / 2, &mut bench.lost);
    assert!(bench.lost.is_empty());
    bench.reassembler.expire(due, &mut bench.lost);
    let lost = Lost {
        from: SENDER.into(),
        ports: Some(Ports::PUSH),
        reference: Reference::Sixteen(9),
        have: 2,
        total: 3,
    };
    assert_eq!(bench.lost, [lost]);
    assert_eq!(
        (bench.reassembler.len(), bench.reassembler.octets()),
        (0, 0)
    );
    assert_eq!(bench.reassembler.deadline(), None);
}

#[test]
fn a_count_beyond_its_total_is_no_segment() {
    let mut bench = Bench::new();
    assert_eq!(bench.octet(SENDER, 1, 2, 3, 0), Outcome::Refused);
    assert_eq!(bench.octet(SENDER, 1, 0, 0, 0), Outcome::Refused);
    let spoiled = hex::octets("0b05040b8423f0000301020378").unwrap();
    assert_eq!(bench.take(SENDER, &spoiled), Outcome::Whole(vec![0x78]));
}

#[test]
fn the_oldest_message_of_a_sender_gives_way_to_its_seventeenth() {
    let mut bench = Bench::new();
    for reference in 0..=16 {
        let outcome = bench.octet(SENDER, reference, 2, 1, 0);
        assert_eq!(outcome, Outcome::Waiting { have: 1, total: 2 });
    }
    bench.octet(b"+15550002", 0, 2, 1, 0);
    assert_eq!(
        bench.reassembler.len(),
        limits::SMS_MESSAGES_OPEN_PER_SENDER + 1
    );
    assert_eq!(bench.lost.len(), 1);
    assert_eq!(bench.lost[0].reference, Reference::Sixteen(0));
}

#[test]
fn segments_beyond_the_bound_of_all_senders_are_refused() {
    let mut bench = Bench::new();
    let mut refused = 0;
    for number in 0..limits::SMS_MESSAGES_OPEN + 5 {
        if bench.octet(number.to_string().as_bytes(), 1, 2, 1, 0) == Outcome::Refused {
            refused += 1;
        }
    }
    assert_eq!(refused, 5);
    assert_eq!(bench.reassembler.len(), limits::SMS_MESSAGES_OPEN);
    let long = vec![0; limits::SMS_SEGMENT_OCTETS + 1];
    let place = Concatenation {
        reference: Reference::Eight(1),
        total: 2,
        sequence: 1,
    };
    let outcome = bench
        .reassembler
        .take(START, SENDER, None, place, &long, &mut bench.lost);
    assert_eq!(outcome, Outcome::Refused);
}

/// A segment of a message of 255, with sixteen octets of reference.
fn of_255(reference: u16, sequence: u8) -> Concatenation {
    Concatenation {
        reference: Reference::Sixteen(reference),
        total: 255,
        sequence,
    }
}

#[test]
fn empty_segments_and_long_addresses_count_toward_the_bound_of_memory() {
    let mut bench = Bench::new();
    let mut take = |from: &[u8], sequence| {
        let place = of_255(1, sequence);
        let it = &mut bench.reassembler;
        let outcome = it.take(START, from, None, place, &[], &mut bench.lost);
        (outcome, it.octets())
    };
    let (_, one) = take(SENDER, 1);
    let (_, two) = take(SENDER, 2);
    assert!(one > SENDER.len() && two > one, "{one} {two}");
    let longest = vec![b'1'; limits::SMS_ADDRESS_OCTETS];
    assert!(take(&longest, 1).1 >= two + longest.len());
    let (outcome, _) = take(&vec![b'1'; longest.len() + 1], 1);
    assert_eq!(outcome, Outcome::Refused);
    bench.reassembler.expire(START + PATIENCE, &mut bench.lost);
    assert_eq!(bench.reassembler.octets(), 0);
}

#[test]
fn a_message_that_is_refused_drives_out_none() {
    let mut bench = Bench::new();
    for reference in 0..16 {
        bench.octet(SENDER, reference, 2, 1, 0);
    }
    let (full, mut number) = ([0; limits::SMS_SEGMENT_OCTETS], 0_usize);
    let mut payload = full.as_slice();
    while !payload.is_empty() {
        let from = (number / 3_000).to_string();
        let reference = u16::try_from(number % 3_000 / 200).unwrap();
        let place = of_255(reference, u8::try_from(number % 200 + 1).unwrap());
        let it = &mut bench.reassembler;
        match it.take(
            START,
            from.as_bytes(),
            None,
            place,
            payload,
            &mut bench.lost,
        ) {
            Outcome::Refused => payload = &payload[1..],
            _ => number += 1,
        }
    }
    let waiting = bench.reassembler.len();
    let ports = Some(Ports::PUSH);
    for (reference, total) in [(16, 255), (0, 2)] {
        let place = Concatenation {
            reference: Reference::Sixteen(reference),
            total,
            sequence: 1,
        };
        let it = &mut bench.reassembler;
        let outcome = it.take(START, SENDER, ports, place, &full, &mut bench.lost);
        assert_eq!(outcome, Outcome::Refused, "reference {reference}");
    }
    assert_eq!((bench.reassembler.len(), bench.lost.len()), (waiting, 0));
}

#[test]
fn the_last_of_two_port_elements_counts_for_a_receiver() {
    let octets = hex::octets("0c05040b8423f005040b8523f041").unwrap();
    let ports = UserData::decode(&octets).unwrap().ports().unwrap();
    assert_eq!(ports.destination, 2949);
}

#[test]
fn who_sent_it_decides_what_a_tpdu_is() {
    let octets = hex::octets("050003812 1f3000402c0ff".replace(' ', "").as_str()).unwrap();
    assert!(matches!(
        Tpdu::decode(&octets, From::Mobile),
        Ok(Tpdu::Submit(_))
    ));
    assert!(Tpdu::decode(&octets, From::ServiceCentre).is_err());
}

/// What must hold for any octets.
fn holds(format: &Format, octets: &[u8]) {
    let lenient = (format.decode)(octets, true);
    let end = covered(&(format.spans)(octets, true)).unwrap();
    assert!(end <= octets.len());
    match (format.decode)(octets, false) {
        Ok(read) => {
            assert_eq!(lenient.as_ref(), Ok(&read));
            assert_eq!(end, octets.len());
            let written = (format.encode)(&read.fields).unwrap();
            assert_eq!(written, octets, "{}", read.fields);
        }
        Err(fault) => assert!(fault.offset <= octets.len()),
    }
    if let Ok(read) = lenient {
        (format.encode)(&read.fields).unwrap();
    }
}

/// Octets near one of the vectors.
fn near(seeds: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let changes = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (prop::sample::select(seeds), changes).prop_map(|(seed, changes)| {
        let mut octets = hex::octets(seed).unwrap();
        for (at, octet) in changes {
            let at = at.index(octets.len());
            octets[at] = octet;
        }
        octets
    })
}

const DELIVER: &[&str] = &[
    "4408915155001000f5124010214365001a0605040b8423f0070603b4af810002b28208c40b23f10a000001",
    "040891515500100000124010214365000ae8329bfd4697d9ec37",
    "0006d050e811000412401021436500 02c0ff",
    "0605089151550010124010214365001240102143750046070004 0141",
];
const SUBMIT: &[&str] = &[
    "71050891515500 1000f5a70a0605040b8423f0070603",
    "9901038121f3000412401021436500 00",
];

proptest! {
    #[test]
    fn canonical_tpdus_are_written_as_read(octets in near(DELIVER)) {
        holds(&FORMAT_DELIVER, &octets);
    }

    #[test]
    fn canonical_submits_are_written_as_read(octets in near(SUBMIT)) {
        holds(&FORMAT_SUBMIT, &octets);
    }

    #[test]
    fn any_user_data_is_written_as_read(octets in proptest::collection::vec(any::<u8>(), 0..40)) {
        holds(&FORMAT_UD, &octets);
    }

    #[test]
    fn segments_in_any_order_give_the_datagram(
        datagram in proptest::collection::vec(any::<u8>(), 0..1_000),
        keys in proptest::collection::vec(any::<u32>(), 16),
    ) {
        let mut parts: Vec<(u32, Vec<u8>)> = keys.into_iter().zip(cut(&datagram)).collect();
        parts.sort_by_key(|part| part.0);
        let mut bench = Bench::new();
        let outcomes: Vec<Outcome> = parts.iter().map(|(_, part)| bench.take(SENDER, part)).collect();
        prop_assert_eq!(outcomes.last(), Some(&Outcome::Whole(datagram)));
        prop_assert!(bench.reassembler.is_empty());
    }
}

#[test]
fn a_report_may_have_as_many_further_indicators_as_the_limit_and_no_more() {
    let report = |further: usize| {
        let head = "0605089151550010124010214365001240102143650000";
        let octets = hex::octets(head).unwrap();
        [octets, vec![0x80; further], vec![0x00]].concat()
    };
    for lenient in [false, true] {
        let most = limits::SMS_INDICATORS;
        assert!((FORMAT_DELIVER.decode)(&report(most), lenient).is_ok());
        let error = (FORMAT_DELIVER.decode)(&report(most + 1), lenient).unwrap_err();
        assert_eq!(error.class, Class::TooLarge);
        assert_eq!(error.offset, report(most + 1).len() - 1);
    }
}
