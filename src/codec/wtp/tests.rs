//! Segmentation in every order, and PDUs that come in one datagram; single PDUs are in `testdata/wtp`.

use core::num::NonZeroUsize;

use proptest::prelude::*;

use super::segment::{Reassembly, Segments, Taken};
use super::*;
use crate::codec::Span;
use crate::limits;

fn cut(message: &[u8], octets: usize, group: usize) -> Segments<'_> {
    let size = |size| NonZeroUsize::new(size).unwrap();
    Segments::new(message, size(octets), size(group)).unwrap()
}

/// The octets that spans cover from the front, which leave no gap.
fn covered(spans: &[Span]) -> usize {
    spans.iter().fold(0, |end, span| {
        assert_eq!(span.at, end, "a gap: {spans:#?}");
        end.saturating_add(span.len)
    })
}

fn place(gtr: bool, ttr: bool) -> Place {
    Place {
        gtr,
        ttr,
        rid: false,
    }
}

#[test]
fn a_message_of_one_segment_is_whole() {
    let segment = cut(b"abc", 10, 3).get(0).unwrap();
    assert!(segment.place.ends_message());
    assert_eq!(
        segment.result(0x8001).encode(),
        [0x16, 0x80, 0x01, b'a', b'b', b'c']
    );
    assert!(cut(b"", 10, 3).get(0).unwrap().place.ends_message());
    assert_eq!(cut(b"abc", 10, 3).get(1), None);
}

#[test]
fn the_first_pdu_that_ends_its_message_holds_the_session_pdu() {
    let session = |digits: &str| {
        let octets = crate::codec::hex::octets(digits).unwrap();
        let pdu = Pdu::decode(&octets, &mut Rigour::Strict).unwrap();
        pdu.session(&mut Rigour::Strict).unwrap().is_some()
    };
    assert!(session("0a00010201100000") && session("0e00010201100000"));
    assert!(!session("0c00010201100000") && !session("0800010201100000"));
}

#[test]
fn groups_end_with_gtr_and_the_message_with_ttr() {
    let segments = cut(b"abcdefg", 2, 2);
    let flags: Vec<(bool, bool)> = (0..4)
        .map(|psn| segments.get(psn).unwrap().place)
        .map(|place| (place.gtr, place.ttr))
        .collect();
    assert_eq!(
        flags,
        [(false, false), (true, false), (false, false), (false, true)]
    );
    assert_eq!(
        segments.group(2).map(|it| it.psn).collect::<Vec<_>>(),
        [2, 3]
    );
    let invoke = Invoke {
        class: 2,
        ..Invoke::default()
    };
    let first = segments.get(0).unwrap().invoke(1, invoke).encode();
    assert_eq!(first, [0x08, 0, 1, 2, b'a', b'b']);
    let last = segments.get(3).unwrap().invoke(1, invoke).encode();
    assert_eq!(last, [0x2A, 0, 1, 3, b'g']);
}

#[test]
fn a_message_of_more_than_256_segments_is_refused() {
    let size = |size| NonZeroUsize::new(size).unwrap();
    let message = vec![0; 257];
    assert!(Segments::new(&message, size(1), size(8)).is_none());
    assert!(Segments::new(&message, size(2), size(8)).is_some());
}

#[test]
fn the_end_of_a_group_asks_for_what_is_missing() {
    let mut message = Reassembly::new();
    assert_eq!(message.take(0, place(false, false), b"a"), Taken::Held);
    assert_eq!(
        message.take(3, place(true, false), b"d"),
        Taken::Missing(vec![1, 2])
    );
    assert_eq!(message.take(2, place(false, false), b"c"), Taken::Held);
    assert_eq!(message.missing(), [1]);
    assert_eq!(message.take(1, place(false, false), b"b"), Taken::Group(3));
    let again = Taken::Again {
        acknowledge: Some(3),
    };
    assert_eq!(message.take(1, place(false, false), b"b"), again);
    assert_eq!(
        message.take(4, place(false, true), b"e"),
        Taken::Whole {
            last: 4,
            message: b"abcde".to_vec()
        }
    );
}

#[test]
fn segments_that_contradict_one_another_are_left_out() {
    let mut message = Reassembly::new();
    message.take(0, place(false, false), b"a");
    assert_eq!(message.take(0, place(false, false), b"x"), Taken::Conflict);
    assert_eq!(
        message.take(2, place(false, true), b"c"),
        Taken::Missing(vec![1])
    );
    assert_eq!(message.take(3, place(false, false), b"d"), Taken::Conflict);
    assert_eq!(message.take(1, place(false, true), b"b"), Taken::Conflict);
    assert_eq!(
        message.take(1, place(false, false), b"b"),
        Taken::Whole {
            last: 2,
            message: b"abc".to_vec()
        }
    );
}

#[test]
fn a_message_stops_growing_at_its_bound() {
    let mut message = Reassembly::new();
    let half = vec![0; limits::WTP_MESSAGE_OCTETS / 2];
    message.take(0, place(false, false), &half);
    message.take(1, place(false, false), &half);
    assert_eq!(message.take(2, place(false, true), b"x"), Taken::TooLarge);
    assert!(matches!(
        message.take(2, place(false, true), b""),
        Taken::Whole { .. }
    ));
}

#[test]
fn several_pdus_of_one_datagram_read_as_written() {
    let ack = Pdu::new(
        0x8001,
        Kind::Ack {
            tve_tok: false,
            rid: false,
        },
        &[],
    );
    let invoke = Pdu::new(
        2,
        Kind::Invoke {
            place: Place::WHOLE,
            invoke: Invoke::default(),
        },
        &[7; 200],
    );
    let datagram = concatenate(&[ack.encode(), invoke.encode()]).unwrap();
    assert_eq!(datagram[..7], [0, 3, 0x18, 0x80, 0x01, 0x80, 204]);
    let (pdus, fault) = decode(&datagram, &mut Rigour::Strict);
    assert_eq!(fault, None);
    assert_eq!(
        (pdus[0].tid, pdus[1].tid, pdus[1].data.len()),
        (0x8001, 2, 200)
    );
    assert!(Pdu::decode(&datagram, &mut Rigour::Strict).is_err());
    assert!(concatenate(&[vec![0; 0x8000]]).is_none());
}

#[test]
fn a_datagram_may_have_as_many_pdus_and_a_pdu_as_many_items_as_the_limits_and_no_more() {
    let datagram = |pdus: usize| [vec![0], [3, 0x18, 0x80, 0x01].repeat(pdus)].concat();
    let read = |pdus| {
        let datagram = datagram(pdus);
        let (found, fault) = decode(&datagram, &mut Rigour::Strict);
        fault.map_or(Ok(found.len()), Err)
    };
    let most = limits::WTP_PDUS;
    assert_eq!(read(most), Ok(most));
    let error = read(most + 1).unwrap_err();
    assert_eq!((error.class, error.offset), (Class::TooLarge, 1 + most * 4));
    // An Ack with items of no octets; the last one says that none follows.
    let ack = |items: usize| [vec![0x98, 0x80, 0x01], vec![0x88; items - 1], vec![0x08]].concat();
    let read =
        |items| Pdu::decode(&ack(items), &mut Rigour::Strict).map(|pdu| pdu.items.iter().count());
    let most = limits::WTP_ITEMS;
    assert_eq!(read(most), Ok(most));
    let error = read(most + 1).unwrap_err();
    assert_eq!((error.class, error.offset), (Class::TooLarge, 3 + most));
}

#[test]
fn pdus_before_a_bad_one_are_kept_with_the_fault() {
    let ack = [0x18, 0x80, 0x01];
    let read = |rest: &[u8]| {
        let datagram = [&[0, 3][..], &ack, &[3], &ack, rest].concat();
        let (pdus, fault) = decode(&datagram, &mut Rigour::Strict);
        let tids: Vec<u16> = pdus.iter().map(|pdu| pdu.tid).collect();
        (tids, fault.map(|fault| (fault.class, fault.offset)))
    };
    let two = vec![0x8001, 0x8001];
    assert_eq!(read(&[]), (two.clone(), None));
    let unknown = Some((Class::UnknownPdu, 10));
    assert_eq!(read(&[1, 0x78]), (two.clone(), unknown));
    let length = Some((Class::BadLength, 9));
    assert_eq!(read(&[9, 0x18]), (two, length));
}

fn items() -> impl Strategy<Value = Vec<(u8, Vec<u8>, bool)>> {
    let item = (
        0_u8..16,
        proptest::collection::vec(any::<u8>(), 0..6),
        any::<bool>(),
    );
    proptest::collection::vec(item, 0..3)
}

proptest! {
    #[test]
    fn a_pdu_reads_as_written(
        tid in any::<u16>(),
        flags in any::<[bool; 6]>(),
        (class, kind, psn) in (0_u8..3, 0_u8..7, any::<u8>()),
        missing in proptest::collection::vec(any::<u8>(), 0..5),
        items in items(),
        data in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        let [gtr, ttr, rid, tid_new, up, tve_tok] = flags;
        let place = Place { gtr, ttr, rid };
        let kind = match kind {
            0 => Kind::Invoke { place, invoke: Invoke { tid_new, up, class } },
            1 => Kind::Result { place },
            2 => Kind::Ack { tve_tok, rid },
            3 => Kind::Abort { by_user: up, reason: psn },
            4 => Kind::SegmentedInvoke { place, psn },
            5 => Kind::SegmentedResult { place, psn },
            _ => Kind::Nack { rid, missing: &missing },
        };
        let mut said = Vec::new();
        for (number, (identity, content, long)) in items.iter().enumerate() {
            Item::put(&mut said, *identity, content, *long, number.saturating_add(1) < items.len()).unwrap();
        }
        let mut pdu = Pdu { items: Items::of(&said), ..Pdu::new(tid, kind, &data) };
        if pdu.place().is_none() {
            pdu.data = &[];
        }
        let octets = pdu.encode();
        let read = Pdu::decode(&octets, &mut Rigour::Strict).unwrap();
        prop_assert_eq!((read.tid, read.kind, read.data), (tid, kind, pdu.data));
        prop_assert_eq!(read.items.octets(), &said);
        prop_assert_eq!(read.items.iter().count(), items.len());
        if let Ok(shown) = (fields::FORMAT.decode)(&octets, false) {
            prop_assert_eq!((fields::FORMAT.encode)(&shown.fields).unwrap(), octets.clone());
            prop_assert_eq!(covered(&(fields::FORMAT.spans)(&octets, false)), octets.len());
        }
    }

    #[test]
    fn segments_make_the_message_in_any_order_and_with_losses(
        message in proptest::collection::vec(any::<u8>(), 0..300),
        octets in 2_usize..40,
        group in 1_usize..6,
        order in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let segments = cut(&message, octets, group);
        let mut reassembly = Reassembly::new();
        let mut whole = None;
        let mut take = |reassembly: &mut Reassembly, psn: u8| {
            let Some(segment) = segments.get(psn) else { return };
            let taken = reassembly.take(psn, segment.place, segment.octets);
            assert_ne!(taken, Taken::Conflict);
            if let Taken::Whole { message, .. } = taken {
                whole = Some(message);
            }
        };
        for psn in order {
            take(&mut reassembly, psn);
        }
        // The sender repeats the last segment until nothing is asked for any more.
        let last = u8::try_from(segments.count().saturating_sub(1)).unwrap();
        take(&mut reassembly, last);
        let missing = reassembly.missing();
        for segment in segments.again(&missing, 0).filter(|_| !missing.is_empty()) {
            assert!(segment.place.rid);
            take(&mut reassembly, segment.psn);
        }
        prop_assert_eq!(whole, Some(message.clone()));
    }
}
