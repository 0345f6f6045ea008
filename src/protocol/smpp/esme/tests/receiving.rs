//! What comes: receipts, messages of handsets, USSD.

use super::*;
use crate::codec::smpp::{Data, Message, Tlvs, put_number, put_octets, tag};
use crate::protocol::smpp::{ServiceOp, Session, Ussd};

fn deliver(bench: &mut Bench, esm_class: u8, octets: &[u8], tlvs: &[u8]) {
    let handset = Address::of("+15550001");
    let message = Message {
        source: handset.party(),
        esm_class,
        short_message: octets,
        ..Message::default()
    };
    let pdu = Pdu {
        tlvs: Tlvs::decode(tlvs).unwrap(),
        ..Pdu::new(Command::DELIVER_SM, 90, Body::Message(message))
    };
    let octets = pdu.encode().unwrap();
    bench.give(In::Octets(Leg::Main, octets.into()));
}

#[test]
fn a_receipt_settles_its_submission_and_is_acknowledged_after_it_was_told() {
    let mut bench = Bench::bound(Settings::default());
    bench.submit(7, 1);
    bench.main(Command::SUBMIT_SM_RESP, Status::OK, 2);
    let text = b"id:m1 sub:001 dlvrd:001 submit date:2611211200 done date:2611211201 stat:DELIVRD err:000 text:";
    deliver(&mut bench, 4, text, &[]);
    let [
        ..,
        Out::Receipt {
            id: 7,
            part: 0,
            receipt,
        },
        Out::Settled { id: 7, state },
        Out::Octets(..),
    ] = &bench.out[..]
    else {
        panic!("{:?}", bench.out)
    };
    assert_eq!(
        (receipt.state, *state),
        (State::Delivered, State::Delivered)
    );
    assert_eq!(
        bench.sent().last(),
        Some(&(Command::DELIVER_SM_RESP, 90, Status::OK))
    );
}

#[test]
fn a_receipt_by_data_sm_is_one_too() {
    let mut bench = Bench::bound(Settings::default());
    bench.give(In::Expect {
        id: 5,
        envelope: Envelope::default(),
        message_ids: vec!["abc".to_owned()],
    });
    assert_eq!(bench.sent(), [(Command::QUERY_SM, 2, Status::OK)]);
    let mut tlvs = Vec::new();
    put_octets(&mut tlvs, tag::RECEIPTED_MESSAGE_ID, b"abc\0");
    put_number(&mut tlvs, tag::MESSAGE_STATE, 5);
    let data = Data {
        esm_class: 4,
        ..Data::default()
    };
    let pdu = Pdu {
        tlvs: Tlvs::decode(&tlvs).unwrap(),
        ..Pdu::new(Command::DATA_SM, 91, Body::Data(data))
    };
    bench.give(In::Octets(Leg::Main, pdu.encode().unwrap().into()));
    let settled = Out::Settled {
        id: 5,
        state: State::Undeliverable,
    };
    assert!(bench.out.contains(&settled));
    assert_eq!(bench.sent(), [(Command::DATA_SM_RESP, 91, Status::OK)]);
}

#[test]
fn what_a_handset_sends_goes_up_and_is_refused_while_held() {
    let mut bench = Bench::bound(Settings::default());
    deliver(&mut bench, 0, b"hello", &[]);
    let Some(Out::Received(message)) = bench.out.first() else {
        panic!("{:?}", bench.out)
    };
    assert_eq!(message.source.to_string(), "+15550001");
    assert_eq!(message.octets, "hello");
    bench.out.clear();
    bench.give(In::Hold(true));
    deliver(&mut bench, 0, b"hello", &[]);
    assert_eq!(
        bench.sent(),
        [(Command::DELIVER_SM_RESP, 90, Status::RECEIVER_TEMPORARY)]
    );
    assert_eq!(bench.out, []);
}

#[test]
fn ussd_says_what_is_done_in_which_dialogue_both_ways() {
    let mut bench = Bench::bound(Settings::default());
    let ussd = Ussd {
        operation: ServiceOp::Request,
        session: Some(Session {
            number: 9,
            sequence: 3,
            is_end: true,
        }),
    };
    let message = ShortMessage::default().with_ussd(ussd);
    let part = vec![Bytes::from_static(b"*100#")];
    bench.give(In::Submit(Box::new(Submission::new(1, message, part))));
    let octets = bench.out.iter().rev().find_map(|out| match out {
        Out::Octets(_, octets) => Some(octets),
        _ => None,
    });
    let pdu = Pdu::decode(octets.unwrap()).unwrap();
    assert_eq!(pdu.tlvs.number(tag::USSD_SERVICE_OP), Some(2));
    assert_eq!(pdu.tlvs.octets(tag::ITS_SESSION_INFO), Some(&[9, 7][..]));
    let mut tlvs = Vec::new();
    put_number(&mut tlvs, tag::USSD_SERVICE_OP, 1);
    deliver(&mut bench, 0, b"*100#", &tlvs);
    let received = bench.out.iter().find_map(|out| match out {
        Out::Received(message) => message.ussd(),
        _ => None,
    });
    let begins = Ussd {
        operation: ServiceOp::Process,
        session: None,
    };
    assert_eq!(received, Some(begins));
}
