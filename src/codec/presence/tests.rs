//! Presence as devices and services publish it; the documents themselves are in `testdata/presence`.

use super::*;
use proptest::prelude::*;

const C1: &str = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

#[test]
fn r2_8_a_device_is_open_when_one_of_its_services_is() {
    let tuple = |id: &str, device: &str, basic: Option<Basic>| Tuple {
        id: id.into(),
        basic,
        device_ids: vec![device.into()],
        ..Tuple::default()
    };
    let mut presence = Presence {
        entity: "sip:alice@example.com".into(),
        tuples: vec![
            tuple("a", C1, Some(Basic::Closed)),
            tuple("b", C1, Some(Basic::Open)),
            tuple("c", "urn:x:2", Some(Basic::Closed)),
            tuple("d", "urn:x:3", None),
        ],
        ..Presence::default()
    };
    presence = Presence::decode(&presence.encode()).unwrap();
    assert_eq!(presence.device_is_open(C1), Some(true));
    assert_eq!(presence.device_is_open("urn:x:2"), Some(false));
    assert_eq!(presence.device_is_open("urn:x:3"), None);
    assert_eq!(presence.device_is_open("urn:x:4"), None);
}

#[test]
fn a_tuple_with_an_unknown_element_that_must_be_understood_says_nothing() {
    let text = format!(
        "<presence xmlns=\"{PIDF}\" xmlns:p=\"{PIDF}\" xmlns:dm=\"{DATA_MODEL}\" entity=\"sip:a@b\"><tuple id=\"t\">\
         <status><basic>open</basic></status><dm:deviceID>urn:x:1</dm:deviceID>\
         <new xmlns=\"u\" p:mustUnderstand=\"1\"/></tuple></presence>"
    );
    let presence = Presence::decode(text.as_bytes()).unwrap();
    assert!(!presence.tuples[0].is_understood());
    assert_eq!(presence.device_is_open("urn:x:1"), None);
    assert_eq!(Presence::decode(&presence.encode()), Ok(presence));
}

#[test]
fn fields_that_no_reader_would_take_are_refused() {
    let encode = |fields| (FORMAT.encode)(&fields).map_err(|fault| fault.to_string());
    let tuple = serde_json::json!({"id": "t", "basic": "open", "priority": 1001});
    let fields = serde_json::json!({"entity": "sip:a@b", "tuples": [tuple.clone(), tuple]});
    assert!(encode(fields).unwrap_err().contains("id of its own"));
    let late = serde_json::json!({"id": "t", "timestamp": "tomorrow"});
    let fields = serde_json::json!({"entity": "sip:a@b", "tuples": [late]});
    assert!(encode(fields).unwrap_err().contains("date"));
    assert!(
        encode(serde_json::json!({"colour": 1}))
            .unwrap_err()
            .contains("colour")
    );
}

fn presence() -> impl Strategy<Value = Presence> {
    let note = ("[a-z&<]{1,6}", proptest::option::of("en|de"))
        .prop_map(|(text, lang)| Note { text, lang });
    let other = "[a-z]{1,4}".prop_map(|name| Element::new("urn:x:other", &name).text("v"));
    let input =
        (any::<bool>(), proptest::option::of(any::<u32>())).prop_map(|(active, idle_threshold)| {
            UserInput {
                active,
                idle_threshold,
                last_input: None,
            }
        });
    let basic = prop_oneof![Just(Basic::Open), Just(Basic::Closed)];
    let tuple = (
        proptest::option::of(basic),
        proptest::option::of((0..=1000_u16, "sip:[a-z]{1,5}@h")),
        proptest::collection::vec("urn:x:[0-9]", 0..2),
        proptest::option::of(input),
        proptest::collection::vec(note, 0..2),
        proptest::collection::vec(other, 0..3),
    )
        .prop_map(
            |(basic, contact, device_ids, user_input, notes, others)| Tuple {
                basic,
                priority: contact.as_ref().map(|(priority, _)| *priority),
                contact: contact.map(|(_, uri)| uri),
                device_ids,
                user_input,
                notes,
                others,
                ..Tuple::default()
            },
        );
    (proptest::collection::vec(tuple, 0..4), "[a-z]{1,8}").prop_map(|(mut tuples, user)| {
        for (number, tuple) in tuples.iter_mut().enumerate() {
            tuple.id = format!("t{number}");
        }
        let device = Device {
            id: "d".into(),
            device_id: C1.into(),
            ..Device::default()
        };
        Presence {
            entity: format!("sip:{user}@example.com"),
            tuples,
            devices: vec![device],
            ..Presence::default()
        }
    })
}

proptest! {
    #[test]
    fn presence_reads_back_as_written(presence in presence()) {
        let octets = presence.encode();
        prop_assert_eq!(Presence::decode(&octets), Ok(presence));
        let fields = (FORMAT.decode)(&octets, false).unwrap().fields;
        prop_assert_eq!((FORMAT.encode)(&fields), Ok(octets));
    }
}
