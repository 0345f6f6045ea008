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

#[test]
fn attributes_that_are_not_known_are_written_again() {
    let text = format!(
        "<presence xmlns=\"{PIDF}\" xmlns:dm=\"{DATA_MODEL}\" xmlns:r=\"{RPID}\" xmlns:x=\"urn:x\" entity=\"sip:a@b\">\
         <tuple id=\"t\"><status x:a=\"1\"><basic>open</basic></status>\
         <r:user-input last-input=\"2026-11-21T15:00:00Z\" id=\"i1\" x:b=\"2\">idle</r:user-input>\
         <contact priority=\"0.5\" x:c=\"3\">sip:a@c</contact></tuple>\
         <dm:person id=\"p\"><r:activities from=\"2026-11-21T15:00:00Z\" id=\"i2\" x:d=\"4\"><r:meal/></r:activities>\
         </dm:person></presence>"
    );
    let presence = Presence::decode(text.as_bytes()).unwrap();
    let octets = presence.encode();
    let written = String::from_utf8(octets.clone()).unwrap();
    for value in ["a=\"1\"", "b=\"2\"", "c=\"3\"", "d=\"4\""] {
        assert!(written.contains(value), "{value} in {written}");
    }
    assert!(written.contains("id=\"i1\"") && written.contains("id=\"i2\""));
    assert_eq!(Presence::decode(&octets), Ok(presence));
    let fields = (FORMAT.decode)(&octets, false).unwrap().fields;
    assert_eq!((FORMAT.encode)(&fields), Ok(octets));
}

#[test]
fn a_timestamp_is_an_instant_that_exists() {
    let read = |stamp: &str| {
        let text = format!(
            "<presence xmlns=\"{PIDF}\" entity=\"sip:a@b\"><tuple id=\"t\"><status/>\
             <timestamp>{stamp}</timestamp></tuple></presence>"
        );
        Presence::decode(text.as_bytes()).is_ok()
    };
    for stamp in [
        "2026-11-21T15:00:00Z",
        "2024-02-29T23:59:60.25+14:00",
        "2000-02-29T00:00:00-23:59",
    ] {
        assert!(read(stamp), "{stamp}");
    }
    for stamp in [
        "2026-99-99T99:99:99Z",
        "2026-00-01T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+00:60",
    ] {
        assert!(!read(stamp), "{stamp}");
    }
}

fn presence() -> impl Strategy<Value = Presence> {
    let note = ("[a-z&<]{1,6}", proptest::option::of("en|de"))
        .prop_map(|(text, lang)| Phrase { text, lang });
    let other = "[a-z]{1,4}".prop_map(|name| Element::new("urn:x:other", &name).text("v"));
    let input =
        (any::<bool>(), proptest::option::of(any::<u32>())).prop_map(|(active, idle_threshold)| {
            UserInput {
                active,
                idle_threshold,
                ..UserInput::default()
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
