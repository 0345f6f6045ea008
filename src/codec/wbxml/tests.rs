//! The vectors of `testdata/wbxml`, and rules that single documents do not show.
#![expect(clippy::arithmetic_side_effects, reason = "test")]

use proptest::prelude::*;
use serde_json::Value as Json;

use super::si::{Action, Item, Reason, Reception};
use super::sl::Action as Load;
use super::*;
use crate::codec::Class;
use crate::codec::cursor::put_uintvar;
use crate::codec::format::Format;
use crate::limits;
use crate::time::Time;

const FORMATS: [Format; 8] = [
    si::FORMAT,
    sl::FORMAT,
    co::FORMAT,
    emn::FORMAT,
    si::XML_FORMAT,
    sl::XML_FORMAT,
    co::XML_FORMAT,
    emn::XML_FORMAT,
];

fn vectors() -> Vec<Json> {
    let files = [
        include_str!("../../../testdata/wbxml/si.json"),
        include_str!("../../../testdata/wbxml/sl.json"),
        include_str!("../../../testdata/wbxml/co.json"),
        include_str!("../../../testdata/wbxml/emn.json"),
        include_str!("../../../testdata/wbxml/xml.json"),
    ];
    files
        .iter()
        .flat_map(|file| serde_json::from_str::<Vec<Json>>(file).unwrap())
        .collect()
}

fn octets_of(vector: &Json) -> Vec<u8> {
    match vector["hex"].as_str() {
        Some(hex) => hex_octets(hex),
        None => vector["text"].as_str().unwrap().into(),
    }
}

fn hex_octets(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2)
        .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

#[test]
fn what_our_writer_chooses_is_what_the_standards_print() {
    // The worked examples of WAP-167 and WAP-168, from their XML.
    let xml = b"<si><indication href=\"http://www.xyz.com/email/123/abc.wml\" \
        created=\"1999-06-25T15:23:15Z\" si-expires=\"1999-06-30T00:00:00Z\">You have 4 new e-mails</indication></si>";
    let octets = Si::decode_xml(xml).unwrap().encode().unwrap();
    let wanted = hex_octets(
        "02056a0045c60d0378797a008503656d61696c2f3132332f6162632e776d6c000ac3071999062515231510c304199906300103596f7520686176652034206e657720652d6d61696c73000101",
    );
    assert_eq!(octets, wanted);
    let xml = b"<sl href=\"http://www.xyz.com/ppaid/123/abc.wml\"/>";
    let octets = Sl::decode_xml(xml).unwrap().encode().unwrap();
    let wanted = hex_octets("02066a00850a0378797a00850370706169642f3132332f6162632e776d6c0001");
    assert_eq!(octets, wanted);
}

#[test]
fn a_field_that_differs_from_as_sent_is_written_and_the_octets_are_not() {
    let octets =
        hex_octets("02066a008509037777772e78797a00850370706169642f3132332f6162632e776d6c000501");
    let mut fields = (sl::FORMAT.decode)(&octets, false).unwrap().fields;
    assert!(fields["as_sent"].is_string());
    fields["sl"]["action"] = "cache".into();
    let written = (sl::FORMAT.encode)(&fields).unwrap();
    let read = (sl::FORMAT.decode)(&written, false).unwrap().fields;
    assert_eq!(read["sl"], fields["sl"]);
    assert_eq!(read["as_sent"], Json::Null);
}

#[test]
fn fields_of_wbxml_can_be_written_as_xml_and_back() {
    for (wbxml, xml) in [(si::FORMAT, si::XML_FORMAT), (emn::FORMAT, emn::XML_FORMAT)] {
        for vector in vectors() {
            if vector["kind"] != wbxml.name || vector["valid"] == false {
                continue;
            }
            let fields = (wbxml.decode)(&octets_of(&vector), true).unwrap().fields;
            let text = (xml.encode)(&fields).unwrap();
            let read = (xml.decode)(&text, false).unwrap().fields;
            let key = if wbxml.name == "wbxml-si" {
                "si"
            } else {
                "emn"
            };
            assert_eq!(read[key], fields[key], "{}", vector["name"]);
        }
    }
}

#[test]
fn a_wrong_field_is_named() {
    for (fields, wanted) in [
        (r#"{}"#, "si: is missing"),
        (r#"{"si":{"hreff":"a"}}"#, "si.hreff: no such field"),
        (
            r#"{"si":{"created":"yesterday"}}"#,
            "si.created: \"yesterday\" is not an instant",
        ),
        (
            r#"{"si":{"action":"shout"}}"#,
            "si.action: \"shout\" is none of",
        ),
        (r#"{"si":{"text":7}}"#, "si.text: 7 is no text"),
        (r#"{"si":{},"as_sent":"0"}"#, "as_sent: pairs"),
        (r#"{"si":{},"wbxml_version":"9.9"}"#, "wbxml_version: "),
        (
            r#"{"si":{},"charset":1015}"#,
            "charset: 1015 is not written",
        ),
        (
            r#"{"si":{},"charset":1014}"#,
            "charset: 1014 is not written",
        ),
        (r#"{"si":{},"charset":17}"#, "charset: 17 is not written"),
        (
            r#"{"si":{},"charset":4,"wbxml_version":"1.0"}"#,
            "charset: 4 is not written",
        ),
    ] {
        let fault = (si::FORMAT.encode)(&serde_json::from_str(fields).unwrap()).unwrap_err();
        assert!(fault.to_string().starts_with(wanted), "{fault}");
    }
}

#[test]
fn a_lenient_reader_keeps_what_the_type_does_not_know() {
    // An attribute start, a value token, an extension, a tag with content, a tag of page 3, opaque text.
    let octets =
        hex_octets("02056a0045c6300361000b899001c00361004101017f0361000100033801c0c30161".trim());
    let octets = [octets, vec![0x01]].concat();
    let (read, left) = lenient(&octets);
    assert!(left > 4, "{left} deviations");
    let written = write(&si::LANGUAGE, &read, Head::of(&si::LANGUAGE)).unwrap();
    let (again, _) = lenient(&written);
    assert_eq!(again, read);
    assert!(write_xml(&si::LANGUAGE, &read).is_err());
    let shown = (si::FORMAT.decode)(&octets, true).unwrap().fields;
    assert_eq!((si::FORMAT.encode)(&shown).unwrap(), octets);
    assert_eq!(shown["unknown"][0], "si.indication.#30");
}

#[test]
fn a_lenient_reader_of_xml_keeps_what_the_type_does_not_know() {
    let text = b"<si colour='red'><indication href='a' class='b' new='1'>x</indication><more>y</more> z</si>";
    let read = (si::XML_FORMAT.decode)(text, true).unwrap();
    let mut fields = read.fields;
    assert_eq!(
        fields["unknown"],
        serde_json::json!(["si.colour", "si.indication.new", "si.more"])
    );
    assert_eq!((si::XML_FORMAT.encode)(&fields), Ok(text.to_vec()));
    // Another field is written, and so are the octets of the other form.
    fields["si"]["text"] = "other".into();
    let written = (si::XML_FORMAT.encode)(&fields).unwrap();
    let again = (si::XML_FORMAT.decode)(&written, false).unwrap().fields;
    assert_eq!(again["si"], fields["si"]);
    assert!((si::FORMAT.encode)(&fields).is_ok());
}

#[test]
fn a_repeated_attribute_is_meant_as_it_first_stands_and_costs_no_copy() {
    let mut octets = vec![0x02, 0x05, 0x6A, 0x00, 0x45, 0x86, 0x0B, 0x03];
    octets.extend([b'a'].repeat(50_000));
    octets.push(0x00);
    octets.extend([0x0B].repeat(limits::WBXML_NODES - 10));
    octets.extend([0x01, 0x01]);
    let fields = (si::FORMAT.decode)(&octets, true).unwrap().fields;
    assert_eq!(fields["si"]["href"].as_str().map(str::len), Some(50_000));
    assert_eq!((si::FORMAT.encode)(&fields), Ok(octets));
}

#[test]
fn an_element_of_xml_has_as_many_attributes_as_the_limit_and_no_more() {
    let read = |count: usize| {
        let attributes: String = (0..count).map(|number| format!(" a{number}=''")).collect();
        let text = format!("<si><indication{attributes}/></si>");
        let read = (si::XML_FORMAT.decode)(text.as_bytes(), true);
        read.map(|_| ()).map_err(|error| error.class)
    };
    assert_eq!(read(limits::XML_ATTRIBUTES), Ok(()));
    assert_eq!(read(limits::XML_ATTRIBUTES + 1), Err(Class::TooLarge));
}

fn lenient(octets: &[u8]) -> (Element<'_>, usize) {
    let mut reader = Reader::new(&si::LANGUAGE, octets, true);
    let root = Element::read(&si::LANGUAGE, &mut reader).unwrap();
    (root, reader.deviations().len())
}

#[test]
fn every_cut_of_a_document_is_refused_inside_it() {
    let whole = hex_octets(
        "02056a0045c60d0378797a008503656d61696c000ac30719990625152315010359000102"
            .trim_end_matches("02"),
    );
    let whole = [whole, vec![0x01]].concat();
    assert!(Si::decode(&whole).is_ok());
    for cut in 0..whole.len() {
        let error = Si::decode(&whole[..cut]).unwrap_err();
        assert!(error.offset <= cut, "cut {cut}: {error}");
        let class = error.class;
        assert!(
            matches!(
                class,
                Class::Truncated | Class::BadLength | Class::TextUnterminated
            ),
            "cut {cut}: {error}"
        );
    }
}

#[test]
fn elements_may_nest_to_the_limit_and_no_deeper() {
    let nested = |depth: usize| {
        let tags = [vec![0x45, 0x46], [0x7F].repeat(depth - 2)].concat();
        let ends = [0x01].repeat(depth);
        [vec![0x02, 0x05, 0x6A, 0x00], tags, ends].concat()
    };
    let read = |depth| {
        Si::decode_lenient(&nested(depth))
            .map(|_| ())
            .map_err(|e| e.class)
    };
    assert_eq!(read(limits::WBXML_DEPTH), Ok(()));
    assert_eq!(read(limits::WBXML_DEPTH + 1), Err(Class::TooLarge));
    let xml = |depth: usize| {
        let (starts, ends) = ("<x>".repeat(depth - 2), "</x>".repeat(depth - 2));
        format!("<si><indication>{starts}{ends}</indication></si>")
    };
    let read = |depth: usize| {
        let text = xml(depth);
        let mut reader = XmlReader::new(&si::LANGUAGE, text.as_bytes(), true).unwrap();
        Si::read(&mut reader).map(|_| ()).map_err(|e| e.class)
    };
    assert_eq!(read(limits::WBXML_DEPTH), Ok(()));
    assert_eq!(read(limits::WBXML_DEPTH + 1), Err(Class::TooLarge));
}

#[test]
fn a_cache_operation_that_names_nothing_is_refused_in_both_forms() {
    for lenient in [false, true] {
        for xml in [
            "<co/>",
            "<co></co>",
            "<co>x</co>",
            "<co><invalidate-object/></co>",
            "<co><x uri=\"a\"/></co>",
            "<co><co/></co>",
        ] {
            let read = (co::XML_FORMAT.decode)(xml.as_bytes(), lenient);
            assert_eq!(
                read.map_err(|fault| fault.class),
                Err(Class::XmlInvalid),
                "{xml}"
            );
        }
        let alone = [0x02, 0x07, 0x6A, 0x00, 0x05];
        assert!((co::FORMAT.decode)(&alone, lenient).is_err());
    }
}

#[test]
fn a_document_may_have_as_many_nodes_and_references_as_the_limits_and_no_more() {
    // The root, and two nodes an object.
    let document = |objects: usize| {
        let objects = [0x86, 0x05, 0x02, 0x61, 0x01].repeat(objects);
        [vec![0x02, 0x07, 0x6A, 0x00, 0x45], objects, vec![0x01]].concat()
    };
    let most = (limits::WBXML_NODES - 1) / 3;
    assert_eq!(Co::decode(&document(most)).unwrap().0.len(), most);
    let error = Co::decode(&document(most + 1)).unwrap_err();
    assert_eq!(error.class, Class::TooLarge);
    // The root, and a page switch again and again.
    let document = |switches: usize| {
        let switches = [0x00, 0x00].repeat(switches);
        [
            vec![0x02, 0x07, 0x6A, 0x00, 0x45],
            switches,
            vec![0x86, 0x05, 0x02, 0x61, 0x01, 0x01],
        ]
        .concat()
    };
    let most = limits::WBXML_NODES - 4;
    assert!(Co::decode(&document(most)).is_ok());
    let error = Co::decode(&document(most + 1)).unwrap_err();
    assert_eq!(error.class, Class::TooLarge);
    // A table of 1023 octets that is told again and again.
    let document = |references: usize| {
        let table = [vec![b'a'; 1023], vec![0]].concat();
        let told = [0x83, 0x00].repeat(references);
        [
            vec![0x02, 0x05, 0x6A, 0x88, 0x00],
            table,
            vec![0x45, 0x46],
            told,
            vec![1, 1],
        ]
        .concat()
    };
    let most = limits::WBXML_TABLE_OCTETS / 1023;
    assert_eq!(Si::decode(&document(most)).unwrap().text.len(), most * 1023);
    let error = Si::decode(&document(most + 1)).unwrap_err();
    assert_eq!(error.class, Class::TooLarge);
}

#[test]
fn a_strict_reader_wants_numbers_in_shortest_form_and_dates_in_opaque_values() {
    // An SI with the text "a" of the string table, an entity and a date, each written in two ways.
    let document = |reference: &[u8], entity: &[u8], date: &[u8]| {
        let head: &[u8] = &[0x02, 0x05, 0x6A, 0x02, b'a', 0x00, 0x45, 0xC6, 0x0A];
        [head, date, &[0x01], reference, entity, &[0x01, 0x01]].concat()
    };
    let (reference, entity): (&[u8], &[u8]) = (&[0x83, 0x00], &[0x02, 0x41]);
    let (date, inline) = (b"\xC3\x04\x20\x26\x11\x21", b"\x032026-11-21T00:00:00Z\0");
    let read = |octets: &[u8]| {
        let strict = Si::decode(octets).map_err(|fault| (fault.class, fault.offset));
        let (si, deviations) = Si::decode_lenient(octets).unwrap();
        assert_eq!(
            (&*si.text, si.created),
            ("aA", "2026-11-21T00:00:00Z".parse().ok())
        );
        assert_eq!(deviations.len(), usize::from(strict.is_err()));
        strict.map(|_| ())
    };
    assert_eq!(read(&document(reference, entity, date)), Ok(()));
    let long = document(&[0x83, 0x80, 0x00], entity, date);
    assert_eq!(read(&long), Err((Class::UintvarNonMinimal, 17)));
    let long = document(reference, &[0x02, 0x80, 0x41], date);
    assert_eq!(read(&long), Err((Class::UintvarNonMinimal, 19)));
    let long = document(reference, entity, b"\xC3\x80\x04\x20\x26\x11\x21");
    assert_eq!(read(&long), Err((Class::UintvarNonMinimal, 10)));
    let text = document(reference, entity, inline);
    assert_eq!(read(&text), Err((Class::BadValue, 8)));
}

#[test]
fn a_name_may_be_as_long_as_the_limit_and_is_counted_at_each_reference() {
    let document = |name: usize, references: usize| {
        let mut octets = vec![0x02, 0x05, 0x6A];
        put_uintvar(&mut octets, u32::try_from(name + 1).unwrap());
        octets.extend([b'a'].repeat(name));
        octets.extend([0x00, 0x45, 0x06]);
        octets.extend([0x04, 0x00].repeat(references));
        octets.push(0x01);
        octets
    };
    let class = |octets: Vec<u8>| {
        let spans = (si::FORMAT.spans)(&octets, true);
        assert!(spans.iter().map(|span| span.path.len()).sum::<usize>() < 2_000_000);
        let read = (si::FORMAT.decode)(&octets, true);
        read.map(|read| assert!(read.fields.to_string().len() < 2_000_000))
            .map_err(|error| error.class)
    };
    let longest = limits::WBXML_NAME_OCTETS;
    // The root and an indication are elements too.
    let most = limits::WBXML_NODES - 2;
    assert!(most * longest <= limits::WBXML_TABLE_OCTETS);
    assert_eq!(class(document(longest, most)), Ok(()));
    assert_eq!(class(document(longest, most + 1)), Err(Class::TooLarge));
    assert_eq!(class(document(longest + 1, 1)), Err(Class::TooLarge));
    assert_eq!(class(document(32_000, 4_000)), Err(Class::TooLarge));
    let xml = |octets: usize| {
        let text = format!("<si><indication/><{}/></si>", "a".repeat(octets));
        (si::XML_FORMAT.decode)(text.as_bytes(), true)
            .map(|_| ())
            .map_err(|error| error.class)
    };
    assert_eq!(xml(longest), Ok(()));
    assert_eq!(xml(longest + 1), Err(Class::TooLarge));
}

#[test]
fn a_value_of_nothing_but_value_tokens_is_written_in_one_pass() {
    // A writer that searches the whole rest for every token takes some twenty seconds for it.
    let (each, references) = (2_000, 26);
    let table = [b".com/".repeat(each), vec![0]].concat();
    let mut octets = vec![0x02, 0x05, 0x6A];
    put_uintvar(&mut octets, u32::try_from(table.len()).unwrap());
    octets.extend(table);
    octets.extend([0x45, 0x86, 0x0B]);
    octets.extend([0x83, 0x00].repeat(references));
    octets.extend([0x01, 0x01]);
    let written = Si::decode(&octets).unwrap().encode().unwrap();
    let tokens = [0x85].repeat(each * references);
    let head = [0x02, 0x05, 0x6A, 0x00, 0x45, 0x86, 0x0B];
    assert!(written == [&head[..], &tokens, &[0x01, 0x01]].concat());
}

#[test]
fn a_document_may_be_as_long_as_the_limit_and_no_longer() {
    let fits = "a".repeat(limits::WBXML_OCTETS - 10);
    let si = |text: &str| Si {
        text: text.to_owned().into(),
        ..Si::default()
    };
    let octets = si(&fits).encode().unwrap();
    assert_eq!(octets.len(), limits::WBXML_OCTETS);
    assert_eq!(Si::decode(&octets).unwrap(), si(&fits));
    assert!(si(&(fits + "a")).encode().is_err());
    let over = [octets, vec![0]].concat();
    assert_eq!(Si::decode(&over).unwrap_err().class, Class::TooLarge);
    assert_eq!(Si::decode_xml(&over).unwrap_err().class, Class::TooLarge);
}

#[test]
fn reading_a_plain_document_borrows_its_text() {
    let octets = hex_octets("02056a0045c6110361000103626300010000".trim_end_matches("0000"));
    let octets = [octets, vec![0x01]].concat();
    let si = Si::decode(&octets).unwrap();
    assert!(matches!(si.text, std::borrow::Cow::Borrowed("bc")));
    assert!(matches!(si.si_id, Some(std::borrow::Cow::Borrowed("a"))));
}

#[test]
fn an_older_or_equal_indication_of_the_same_identity_is_discarded() {
    let si = |id: &str, created: &str| Si {
        si_id: Some(id.to_owned().into()),
        created: created.parse().ok(),
        ..Si::default()
    };
    let (old, new) = ("2024-01-01T00:00:00Z", "2024-01-01T00:00:01Z");
    let stored = [si("a", old), si("b", new)];
    let receive = |si: &Si<'_>| si.receive(&stored, None);
    assert_eq!(receive(&si("a", old)), Reception::Discard(Reason::Older));
    assert_eq!(receive(&si("b", old)), Reception::Discard(Reason::Older));
    assert_eq!(
        receive(&si("a", new)),
        Reception::Present { replaces: true }
    );
    assert_eq!(
        receive(&si("c", old)),
        Reception::Present { replaces: false }
    );
    // Without an instant nothing is compared.
    assert_eq!(
        receive(&si("a", "")),
        Reception::Present { replaces: false }
    );
    // The identity is the address when none is said.
    let by_address = Si {
        href: Some("a".into()),
        created: new.parse().ok(),
        ..Si::default()
    };
    assert_eq!(receive(&by_address), Reception::Present { replaces: true });
}

#[test]
fn an_expired_indication_is_discarded_only_by_who_knows_the_time() {
    let si = Si {
        expires: "2024-01-01T00:00:00Z".parse().ok(),
        action: Action::SignalHigh,
        ..Si::default()
    };
    let at = |text: &str| Some(text.parse::<Time>().unwrap());
    let receive = |now| si.receive([], now);
    let expired = Reception::Discard(Reason::Expired);
    assert_eq!(receive(at("2024-01-01T00:00:00Z")), expired);
    let kept = Reception::Present { replaces: false };
    assert_eq!(receive(at("2023-12-31T23:59:59Z")), kept);
    assert_eq!(receive(None), kept);
}

#[test]
fn the_action_decides_what_becomes_of_an_indication() {
    let receive = |action, id: Option<&'static str>| {
        let si = Si {
            action,
            si_id: id.map(Into::into),
            href: Some("a".into()),
            ..Si::default()
        };
        si.receive([], None)
    };
    assert_eq!(receive(Action::Delete, Some("a")), Reception::Delete);
    let nameless = Reception::Discard(Reason::DeleteWithoutId);
    assert_eq!(receive(Action::Delete, None), nameless);
    let silent = Reception::Silent { replaces: false };
    assert_eq!(receive(Action::SignalNone, None), silent);
    assert!(Action::SignalHigh < Action::SignalMedium && Action::SignalMedium < Action::SignalLow);
}

#[test]
fn pending_loadings_are_served_by_urgency_and_each_address_once() {
    let sl = |href: &'static str, action| Sl {
        href: href.into(),
        action,
    };
    let mut pending = vec![
        sl("a", Load::Cache),
        sl("b", Load::ExecuteLow),
        sl("a", Load::ExecuteHigh),
        sl("c", Load::ExecuteLow),
        sl("b", Load::Cache),
    ];
    Sl::queue(&mut pending);
    let wanted = [
        sl("a", Load::ExecuteHigh),
        sl("b", Load::ExecuteLow),
        sl("c", Load::ExecuteLow),
    ];
    assert_eq!(pending, wanted);
}

#[test]
fn a_service_covers_whole_segments_of_its_path() {
    let service = co::Invalid::Service("http://a.example/abc/ef?x=1".into());
    for (cached, covered) in [
        ("http://a.example/abc/ef", true),
        ("http://a.example/abc/ef/gh?y", true),
        ("HTTP://A.example/abc/ef/", true),
        ("http://a.example/abc/efz", false),
        ("http://b.example/abc/ef", false),
        ("https://a.example/abc/ef", false),
        ("/abc/ef", false),
    ] {
        assert_eq!(service.covers(cached), covered, "{cached}");
    }
    assert!(co::Invalid::Object("http://a/b".into()).covers("http://a/b"));
    assert!(!co::Invalid::Object("http://a/b".into()).covers("http://a/b/"));
}

#[test]
fn an_instant_reads_back_from_octets_text_and_time() {
    for (text, octets) in [
        (
            "1999-04-30T06:40:00Z",
            &[0x19, 0x99, 0x04, 0x30, 0x06, 0x40][..],
        ),
        ("1999-06-30T00:00:00Z", &[0x19, 0x99, 0x06, 0x30]),
        (
            "2000-02-29T23:59:59Z",
            &[0x20, 0x00, 0x02, 0x29, 0x23, 0x59, 0x59],
        ),
    ] {
        let stamp: Stamp = text.parse().unwrap();
        assert_eq!(stamp.octets(), octets);
        assert_eq!(Stamp::of_octets(octets), Ok(stamp));
        assert_eq!(stamp.to_string(), text);
        assert_eq!(Stamp::from(stamp.time().unwrap()), stamp);
    }
    for wrong in [
        "1900-02-29T00:00:00Z",
        "2000-04-31T00:00:00Z",
        "2000-01-01",
        "2000-01-01T00:60:00Z",
    ] {
        assert!(wrong.parse::<Stamp>().is_err(), "{wrong}");
    }
    assert_eq!(Stamp::of_octets(&[]), Err(0));
    assert_eq!(Stamp::of_octets(&[0x20, 0x00, 0x01]), Err(3));
}

#[test]
fn what_is_wrong_in_the_octets_of_an_instant_has_a_place() {
    let whole = [0x19, 0x99, 0x06, 0x25, 0x15, 0x23, 0x15];
    assert!(Stamp::of_octets(&whole).is_ok());
    for at in 0..whole.len() {
        for odd in [0x0A, 0xA0, 0xFF] {
            let mut octets = whole;
            octets[at] = odd;
            assert_eq!(Stamp::of_octets(&octets), Err(at), "{octets:x?}");
        }
    }
    for (at, odd) in [(2, 0x13), (3, 0x31), (4, 0x24), (5, 0x60), (6, 0x60)] {
        let mut octets = whole;
        octets[at] = odd;
        assert_eq!(Stamp::of_octets(&octets), Err(at), "{octets:x?}");
    }
    assert_eq!(Stamp::of_octets(&[&whole[..], &[0x00]].concat()), Err(7));
}

#[test]
fn a_value_of_strings_tokens_and_characters_is_one_text() {
    // The worked example of WAP-167 with its address in every kind of piece, a page switch to the same page among them.
    let table = b"a b\0";
    let head = [&[0x02, 0x05, 0x6A, 0x04][..], table, &[0x45, 0xC6]].concat();
    let pieces = b"\x0D\x03x\x7Ez\0\x85\x00\x00\x83\x00\x02\x41\x03\xC3\xA9\0\x03\0\x88\x01";
    let octets = [&head[..], pieces, b"\x03n\0\x83\x00\x03o\0\x01\x01"].concat();
    let si = Si::decode(&octets).unwrap();
    assert_eq!(si.href.as_deref(), Some("http://www.x~z.com/a bAé.org/"));
    assert_eq!(si.text, "na bo");
    let spans = (si::FORMAT.spans)(&octets, false);
    assert_eq!(
        spans.iter().map(|span| span.len).sum::<usize>(),
        octets.len()
    );
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~åä€😀\t\n]{0,24}",
        "(http|https)://(www\\.)?[a-z.]{0,8}(\\.com/|\\.org/|\\.net)?[a-z/]{0,8}",
    ]
}

prop_compose! {
    fn stamp()(seconds in 0_u64..4_000_000_000) -> Stamp {
        Stamp::from(Time::from_secs(seconds))
    }
}

prop_compose! {
    fn indication()(
        href in prop::option::of(text()),
        si_id in prop::option::of(text()),
        created in prop::option::of(stamp()),
        expires in prop::option::of(stamp()),
        action in prop::sample::select(vec![
            Action::SignalHigh, Action::SignalMedium, Action::SignalLow, Action::SignalNone, Action::Delete,
        ]),
        words in text(),
        info in prop::option::of(prop::collection::vec((text(), text()), 1..4)),
    ) -> Si<'static> {
        let item = |(class, value): (String, String)| Item { class: class.into(), value: value.into() };
        Si {
            href: href.map(Into::into),
            si_id: si_id.map(Into::into),
            created,
            expires,
            action,
            text: words.into(),
            info: info.map(|info| info.into_iter().map(item).collect()),
        }
    }
}

proptest! {
    #[test]
    fn an_indication_reads_back_from_wbxml_and_from_xml(si in indication()) {
        let octets = si.clone().encode().unwrap();
        prop_assert_eq!(&Si::decode(&octets).unwrap(), &si);
        let xml = si.clone().encode_xml().unwrap();
        prop_assert_eq!(&Si::decode_xml(&xml).unwrap(), &si);
    }

    #[test]
    fn printable_ascii_is_counted_to_the_first_octet_that_is_none(
        octets in prop::collection::vec(prop_oneof![20 => 0x20_u8..0x7F, 1 => any::<u8>()], 0..40),
    ) {
        let counted = octets.iter().take_while(|octet| matches!(octet, 0x20..=0x7E)).count();
        prop_assert_eq!(charset::plain(&octets), counted);
    }

    #[test]
    fn an_indication_reads_back_in_any_charset_that_is_written(si in indication(), charset in prop::sample::select(vec![3, 4, 106])) {
        let head = Head { version: 0x03, charset: Charset::of(charset) };
        let octets = write(&si::LANGUAGE, &si.clone().into_element(), head).unwrap();
        prop_assert_eq!(Si::decode(&octets).unwrap(), si);
    }

    #[test]
    fn no_octets_make_a_reader_panic_and_what_reads_reads_back(octets in prop::collection::vec(any::<u8>(), 0..64)) {
        let octets = [vec![0x02, 0x05, 0x6A, 0x00], octets].concat();
        for format in FORMATS {
            if let Ok(read) = (format.decode)(&octets, true) {
                prop_assert_eq!((format.encode)(&read.fields), Ok(octets.clone()));
            }
            (format.spans)(&octets, true);
        }
    }
}

#[test]
fn text_around_references_in_xml_has_one_span() {
    let text = b"<si><indication href='a'>x &amp; y<![CDATA[z]]></indication></si>";
    let spans = (si::XML_FORMAT.spans)(text, false);
    let shown: Vec<&str> = spans.iter().map(|span| span.value.as_str()).collect();
    let expected = ["si", "indication", "a", "x & yz", "end", "end"];
    assert_eq!(shown, expected);
    assert_eq!(spans.iter().map(|span| span.len).sum::<usize>(), text.len());
}
