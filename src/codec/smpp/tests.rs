//! PDUs through the types: what a program writes and reads, and streams of them.

use proptest::prelude::*;

use super::*;
use crate::codec::hex;
use crate::codec::reader::covered;
use crate::codec::sms::{Concatenation, Ports, Reference, UserData, segments};

fn submit(short_message: &[u8]) -> Message<'_> {
    Message {
        source: Party {
            ton: 5,
            npi: 0,
            address: "PPG".into(),
        },
        destination: Party {
            ton: 1,
            npi: 1,
            address: "15550001".into(),
        },
        esm_class: UDHI,
        data_coding: 4,
        short_message,
        ..Message::default()
    }
}

#[test]
fn a_push_in_a_short_message_is_the_vector() {
    let push = hex::octets("070603b4af810002b28208c40b23f10a000001").unwrap();
    let parts = segments(&push, Ports::PUSH, Reference::Sixteen(1)).unwrap();
    let pdu = Pdu::new(Command::SUBMIT_SM, 3, Body::Message(submit(&parts[0])));
    let octets = pdu.encode().unwrap();
    assert_eq!(
        hex::digits(&octets),
        "000000460000000400000000000000030005005050470001013135353530303031004000000000000004001a\
         0605040b8423f0070603b4af810002b28208c40b23f10a000001"
    );
    let read = Pdu::decode(&octets).unwrap();
    assert_eq!(read, pdu);
    let Body::Message(message) = read.body else {
        panic!("{read:?}")
    };
    let user_data = message.user_data(read.tlvs).unwrap();
    assert_eq!(user_data.ports(), Some(Ports::PUSH));
    assert_eq!(user_data.payload, push);
}

#[test]
fn ports_and_segments_stand_in_the_header_or_in_parameters() {
    let mut octets = Vec::new();
    for (tag, number) in [
        (tag::SOURCE_PORT, 9200),
        (tag::DESTINATION_PORT, 2948),
        (tag::SAR_MSG_REF_NUM, 0x1234),
        (tag::SAR_TOTAL_SEGMENTS, 3),
        (tag::SAR_SEGMENT_SEQNUM, 2),
    ] {
        put_number(&mut octets, tag, number);
    }
    let tlvs = Tlvs::decode(&octets).unwrap();
    let segment = Concatenation {
        reference: Reference::Sixteen(0x1234),
        total: 3,
        sequence: 2,
    };
    let bare = UserData {
        header: None,
        payload: b"x",
    };
    assert_eq!(place(&bare, tlvs), (Some(Ports::PUSH), Some(segment)));
    assert_eq!(place(&bare, Tlvs::none()), (None, None));
    let header = hex::octets("0605040b8523f178").unwrap();
    let headed = UserData::decode(&header).unwrap();
    let (ports, rest) = place(&headed, tlvs);
    assert_eq!(ports.map(|it| it.destination), Some(2949));
    assert_eq!(rest, Some(segment));
}

#[test]
fn every_status_of_table_5_2_has_its_name() {
    for code in [0x33, 0x34, 0x40, 0x42, 0x44, 0x55] {
        let name = Status(code).name().unwrap();
        assert_eq!(Status::of_name(name), Some(Status(code)));
    }
}

#[test]
fn a_message_too_long_for_its_field_goes_into_a_parameter() {
    let push = [0x41; 300];
    let long = Pdu::new(Command::SUBMIT_SM, 1, Body::Message(submit(&push)));
    assert!(long.encode().unwrap_err().to_string().contains("254"));

    let mut tlvs = Vec::new();
    put_octets(&mut tlvs, tag::MESSAGE_PAYLOAD, &push);
    put_number(&mut tlvs, tag::DESTINATION_PORT, 2948);
    let message = Message {
        esm_class: 0,
        ..submit(&[])
    };
    let mut pdu = Pdu::new(Command::SUBMIT_SM, 1, Body::Message(message));
    pdu.tlvs = Tlvs::decode(&tlvs).unwrap();
    let octets = pdu.encode().unwrap();
    let read = Pdu::decode(&octets).unwrap();
    assert_eq!(read.tlvs.number(tag::DESTINATION_PORT), Some(2948));
    assert_eq!(message.user_data(read.tlvs).unwrap().payload, push);
}

#[test]
fn texts_that_their_fields_cannot_hold_are_not_written() {
    for id in ["sixteen letters!", "a\0b"] {
        let bind = Bind {
            system_id: id.into(),
            ..Bind::default()
        };
        let pdu = Pdu::new(Command::BIND_TRANSCEIVER, 1, Body::Bind(bind));
        assert!(pdu.encode().is_err(), "{id:?}");
    }
}

#[test]
fn a_stream_tells_the_length_of_its_next_pdu() {
    let octets = Pdu::new(Command::ENQUIRE_LINK, 1, Body::Empty)
        .encode()
        .unwrap();
    assert_eq!(length(&octets[..3]), Ok(None));
    assert_eq!(length(&octets[..4]), Ok(Some(16)));
    assert_eq!(length(&[0, 0, 0, 15]).unwrap_err().class, Class::BadLength);
    let bound = u32::try_from(limits::SMPP_PDU_OCTETS).unwrap();
    assert!(length(&bound.to_be_bytes()).unwrap().is_some());
    let above = bound.checked_add(1).unwrap().to_be_bytes();
    assert_eq!(length(&above).unwrap_err().class, Class::TooLarge);
}

#[test]
fn the_header_inside_a_message_has_its_own_spans() {
    let octets = hex::octets(
        "000000460000000400000000000000030005005050470001013135353530303031004000000000000004001a\
         0605040b8423f0070603b4af810002b28208c40b23f10a000001",
    )
    .unwrap();
    let spans = (FORMAT.spans)(&octets, false);
    assert_eq!(covered(&spans), Some(octets.len()));
    let inside: Vec<(&str, usize, &str)> = spans
        .iter()
        .filter(|span| span.path.starts_with("smpp.short_message."))
        .map(|span| (span.path.as_str(), span.len, span.value.as_str()))
        .collect();
    assert_eq!(
        inside,
        [
            ("smpp.short_message.udh.length", 1, "6"),
            ("smpp.short_message.udh[0].iei", 1, "5"),
            ("smpp.short_message.udh[0].length", 1, "4"),
            ("smpp.short_message.udh[0].ports", 4, "2948 from 9200"),
            (
                "smpp.short_message.payload",
                19,
                "070603b4af810002b28208c40b23f10a000001"
            ),
        ]
    );
}

#[test]
fn a_command_in_words_gets_the_defaults_of_its_fields() {
    let fields = serde_json::json!({"command": "submit_sm", "dest": "15550001", "text": "hi", "tlvs": {"source_port": 9200}});
    let octets = (FORMAT.encode)(&fields).unwrap();
    let read = (FORMAT.decode)(&octets, false).unwrap().fields;
    assert_eq!(read["payload_hex"], "6869");
    assert_eq!(read["tlvs"]["source_port"], 9200);
    let unknown = serde_json::json!({"command": "submit_sm", "tlvs": {"port": 1}});
    let fault = (FORMAT.encode)(&unknown).unwrap_err();
    assert_eq!(fault.to_string(), "tlvs.port: is no parameter");
}

/// Octets near a real PDU.
fn near() -> impl Strategy<Value = Vec<u8>> {
    let seeds: Vec<Vec<u8>> = ["46", "53", "4f"]
        .iter()
        .zip([
            "000000460000000400000000000000030005005050470001013135353530303031004000000000000004001a0605040b8423f0070603b4af810002b28208c40b23f10a000001",
            "00000053000000040000000000000005555353440005002a3133382300010131353535303030310000000000000000e5001c051a0605040b8423f0070603b4af810002b28208c40b23f10a0000010501000103",
            "0000004f00000004000000000000000400050050504700010131353535303030310000000000000000040000020a000223f0020b00020b8404240013070603b4af810002b28208c40b23f10a000001",
        ])
        .map(|(_, digits)| hex::octets(digits).unwrap())
        .collect();
    let changes = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (prop::sample::select(seeds), changes).prop_map(|(mut octets, changes)| {
        for (at, octet) in changes {
            let at = at.index(octets.len());
            octets[at] = octet;
        }
        octets
    })
}

proptest! {
    #[test]
    fn what_is_read_strictly_is_written_as_read(octets in near()) {
        let lenient = (FORMAT.decode)(&octets, true);
        let end = covered(&(FORMAT.spans)(&octets, true)).unwrap();
        prop_assert!(end <= octets.len());
        match (FORMAT.decode)(&octets, false) {
            Ok(read) => {
                prop_assert_eq!(end, octets.len());
                prop_assert_eq!((FORMAT.encode)(&read.fields), Ok(octets.clone()));
                prop_assert_eq!(lenient, Ok(read));
                let pdu = Pdu::decode(&octets).unwrap();
                prop_assert_eq!(pdu.encode(), Ok(octets));
            }
            Err(fault) => prop_assert!(fault.offset <= octets.len()),
        }
    }
}
