//! Documents of PAP against the vectors of `testdata/pap` and against damage of every kind.
#![expect(clippy::arithmetic_side_effects, reason = "test")]

use serde_json::Value;

use super::*;

/// A document of the test vectors: its octets and what is expected of it.
fn vectors(file: &str) -> Vec<Value> {
    serde_json::from_str(file).unwrap()
}

fn document_of(vector: &Value) -> String {
    let lines: Vec<&str> = vector["document"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line.as_str().unwrap())
        .collect();
    lines.join("\n")
}

fn documents() -> Vec<(String, Value, String)> {
    vectors(include_str!("../../../testdata/pap/documents.json"))
        .into_iter()
        .map(|vector| {
            let name = vector["name"].as_str().unwrap().to_owned();
            let text = document_of(&vector);
            (name, vector, text)
        })
        .collect()
}

const PROLOG: &str = "<!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 2.0//EN\" \"u\">";

fn pap(inside: &str) -> String {
    format!("{PROLOG}<pap>{inside}</pap>")
}

fn refused(text: &str) -> (Class, usize, &'static str) {
    let error = decode(text.as_bytes()).unwrap_err();
    (error.class, error.offset, error.expected)
}

#[test]
fn every_valid_document_decodes_and_comes_back_from_its_own_encoding() {
    for (name, vector, text) in documents() {
        if !vector["fault"].is_null() || vector["expected"]["code"] == 3002 {
            continue;
        }
        let document = decode(text.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(decode(&document.encode()), Ok(document), "{name}");
    }
}

#[test]
fn every_wrong_document_is_refused_with_its_class_and_answer() {
    for (name, vector, text) in documents() {
        let expected = &vector["expected"];
        let Some(fault) = vector["fault"].as_str() else {
            continue;
        };
        let refusal = read(text.as_bytes()).unwrap_err();
        assert_eq!(refusal.error.class.name(), fault, "{name}");
        let answer = refusal.answer();
        assert_eq!(refusal.code(), 2000, "{name}");
        if let Some(element) = expected["element"].as_str() {
            assert_eq!(answer.operation.name(), element, "{name}");
        }
        assert_eq!(decode(&answer.encode()), Ok(answer), "{name}");
    }
}

#[test]
fn a_version_that_is_not_supported_is_answered_in_the_right_one() {
    for (name, vector, text) in documents() {
        let expected = &vector["expected"];
        if expected["code"] != 3002 {
            continue;
        }
        let refusal = read(text.as_bytes()).unwrap_err();
        assert_eq!(refusal.why, Why::Version, "{name}");
        let answer = refusal.answer();
        let version = expected["response_version"].as_str().unwrap();
        assert_eq!(answer.version.to_string(), version, "{name}");
        let instruction = expected["processing_instruction"].as_bool().unwrap();
        assert_eq!(answer.supported.is_some(), instruction, "{name}");
        let Operation::BadMessage(bad) = &answer.operation else {
            panic!("{name}: {answer:?}");
        };
        assert_eq!(bad.code, 3002, "{name}");
    }
}

#[test]
fn an_answer_has_the_version_of_the_request_and_lists_versions_above_1_0_only() {
    let response = |version: &str| {
        let text = pap("<cancel-message push-id=\"a\"/>").replace("2.0", version);
        let request = decode(text.as_bytes()).unwrap();
        let reply = request.reply(Operation::CancelResponse(CancelResponse::default()));
        (reply.version.to_string(), reply.supported)
    };
    assert_eq!(response("1.0"), ("1.0".into(), None));
    assert_eq!(response("2.0"), ("2.0".into(), Some(SUPPORTED.into())));
    assert_eq!(response("2.1"), ("2.1".into(), Some(SUPPORTED.into())));
}

#[test]
fn all_attributes_of_a_submission_are_read() {
    let (_, _, text) = documents()
        .into_iter()
        .find(|(name, ..)| name == "pap-push-full")
        .unwrap();
    let document = decode(text.as_bytes()).unwrap();
    assert_eq!(document.product_name.as_deref(), Some("lab"));
    assert_eq!(document.supported.as_deref(), Some("2.0,1.*"));
    let expected = PushMessage {
        push_id: "2@pi.example".into(),
        addresses: vec!["WAPPUSH=+15551234/TYPE=PLMN@ppg.example".into()],
        quality: Some(Quality {
            priority: Priority::High,
            delivery_method: DeliveryMethod::PreferConfirmed,
            network: Some("GSM".into()),
            network_required: true,
            bearer: Some("SMS".into()),
            bearer_required: false,
        }),
        deliver_before: Some("2030-01-01T00:00:00Z".parse().unwrap()),
        deliver_after: Some("2020-01-01T00:00:00Z".parse().unwrap()),
        source_reference: Some("Example PI".into()),
        notify_to: Some("http://pi.example/notify".into()),
        progress_notes: true,
        ..PushMessage::default()
    };
    assert_eq!(document.operation, Operation::PushMessage(expected));
}

#[test]
fn values_are_escaped_so_that_they_read_back_exactly() {
    let document = Document::new(
        Version::V2_0,
        true,
        Operation::BadMessage(BadMessage {
            code: 2000,
            desc: Some("a<b & \"c\" 'd'\r\n\te>f ü".into()),
            fragment: Some("]]><!--".into()),
        }),
    );
    assert_eq!(decode(&document.encode()), Ok(document));
}

#[test]
fn a_character_xml_cannot_hold_is_replaced_when_written() {
    let document = Document::new(
        Version::V1_0,
        false,
        Operation::BadMessage(BadMessage {
            code: 2000,
            desc: None,
            fragment: Some("a\0b".into()),
        }),
    );
    let Operation::BadMessage(bad) = decode(&document.encode()).unwrap().operation else {
        panic!("not a badmessage-response");
    };
    assert_eq!(bad.fragment.as_deref(), Some("a\u{fffd}b"));
}

#[test]
fn references_and_white_space_in_values_read_as_xml_says() {
    let text = pap("<cancel-message push-id=' &#65;&#x42;&lt;&gt;&amp;&quot;&apos;\r\n\t'/>");
    let Operation::CancelMessage(cancel) = decode(text.as_bytes()).unwrap().operation else {
        panic!("not a cancel-message");
    };
    assert_eq!(cancel.push_id, " AB<>&\"'  ");
}

#[test]
fn entity_declarations_and_all_else_in_the_internal_subset_are_forbidden() {
    for subset in [
        "<!ENTITY a \"b\">",
        "<!ENTITY % a SYSTEM \"http://x/\">",
        "<?wap-pap-ver supported-versions=\"2.0\"?><!ENTITY a \"b\">",
        "<!ELEMENT pap ANY>",
        "<!ATTLIST pap x CDATA #IMPLIED>",
        "%a;",
        "<!-- -->",
        "<?other?>",
        "<?wap-pap-ver supported-versions=\"2.0\"?><?wap-pap-ver supported-versions=\"2.0\"?>",
    ] {
        let text = format!(
            "<!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 2.0//EN\" \"u\" [{subset}]><pap/>"
        );
        let refusal = read(text.as_bytes()).unwrap_err();
        assert_eq!(refusal.error.class, Class::XmlForbidden, "{subset}");
        let element = refusal.answer().operation.name();
        assert_eq!(element, "badmessage-response", "{subset}");
    }
}

#[test]
fn faults_of_well_formedness_name_their_octet() {
    use Class::XmlNotWellFormed as Nwf;
    let text = pap("<cancel-message push-id=\"a\" push-id=\"b\"/>");
    let second = text.rfind("push-id").unwrap();
    assert_eq!(refused(&text), (Nwf, second, "each attribute once"));
    let text = pap("<cancel-message push-id=\"a&b;\"/>");
    let reference = text.find("&b").unwrap();
    assert_eq!(refused(&text).1, reference);
    let text = pap("<cancel-message push-id=\"a<\"/>");
    assert_eq!(
        refused(&text),
        (Nwf, text.find("<\"").unwrap(), "&lt; for < in a value")
    );
    let text = pap("<cancel-message push-id=\"a\"x=\"b\"/>");
    assert_eq!(refused(&text).1, text.find("x=\"b").unwrap());
    let text = format!("{}<pap/>", pap(""));
    assert_eq!(
        refused(&text),
        (Nwf, text.len() - 6, "one root element only")
    );
    assert_eq!(refused(" <?xml version=\"1.0\"?><pap/>").0, Nwf);
    assert_eq!(
        refused("<?xml version=\"1.0\" encoding=\"UTF-16\"?><pap/>").0,
        Nwf
    );
    for wrong in [
        "<?xml version=\"1.\"?>",
        "<?xml version=\"1.0\" standalone=\"maybe\"?>",
        "<?xml encoding=\"UTF-8\"?>",
        "<?xmlx=1?>",
        "<?XML?>",
    ] {
        assert_eq!(refused(&format!("{wrong}{}", pap(""))).0, Nwf, "{wrong}");
    }
    for (from, to) in [("E pap", "Epap"), ("\" \"u", "\"\"u"), ("//WAP", "<WAP")] {
        let text = pap("<cancel-message push-id=\"a\"/>");
        assert_eq!(refused(&text.replacen(from, to, 1)).0, Nwf, "{to}");
    }
    assert_eq!(refused(&pap("\u{1}")).0, Nwf);
    assert_eq!(refused(&format!("{}x", pap(""))).0, Nwf);
    assert_eq!(decode(b"<pap>\xff").unwrap_err().offset, 5);
    assert_eq!(refused("").0, Nwf);
}

#[test]
fn offsets_count_the_byte_order_mark() {
    let text = format!("\u{feff}{}", pap("<cancel-message/>"));
    let at = text.find("<cancel").unwrap();
    assert_eq!(
        refused(&text),
        (Class::XmlInvalid, at, "the attribute push-id")
    );
    let text = format!("\u{feff}{}", pap("<cancel-message push-id=\"1\"/>"));
    assert!(decode(text.as_bytes()).is_ok());
}

#[test]
fn faults_of_validity_name_their_octet() {
    let address = "<address address-value=\"a\"/>";
    for (inside, at) in [
        (format!("<other>{address}</other>"), "<other"),
        (format!("<cancel-message push-id=\"a\" x=\"\">{address}</cancel-message>"), "x="),
        (format!("<cancel-message push-id=\"a\">text{address}</cancel-message>"), "text"),
        (format!("<cancel-message push-id=\"a\">{address}&#65;</cancel-message>"), "&#65"),
        ("<ccq-message/>".into(), "<ccq"),
        (format!("<ccq-message>{address}{address}</ccq-message>"), "<address address-value=\"a\"/></ccq"),
        ("<ccq-message><address/></ccq-message>".into(), "<address"),
        ("<cancel-response push-id=\"a\"/>".into(), "<cancel-r"),
        ("<badmessage-response/>".into(), "<bad"),
        (format!("<resultnotification-message push-id=\"a\" code=\"1000\" message-state=\"gone\">{address}</resultnotification-message>"), "message-state="),
        (format!("<resultnotification-message push-id=\"a\" code=\"1000\">{address}</resultnotification-message>"), "<resultn"),
        ("<push-response push-id=\"a\"><response-result code=\"1001\"/><progress-note stage=\"s\"/></push-response>".into(), "<progress"),
        (format!("<pap>{address}</pap>"), "<pap><address"),
    ] {
        let text = pap(&inside);
        let error = decode(text.as_bytes()).unwrap_err();
        let found = (error.class, error.offset);
        assert_eq!(found, (Class::XmlInvalid, text.find(at).unwrap()), "{inside}: {error}");
    }
}

#[test]
fn a_doctype_that_is_not_of_pap_is_not_valid() {
    for doctype in [
        "",
        "<!DOCTYPE pap>",
        "<!DOCTYPE pap SYSTEM \"http://www.wapforum.org/DTD/pap_2.0.dtd\">",
        "<!DOCTYPE si PUBLIC \"-//WAPFORUM//DTD SI 1.0//EN\" \"u\">",
        "<!DOCTYPE si PUBLIC \"-//WAPFORUM//DTD PAP 2.0//EN\" \"u\">",
        "<!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 2//EN\" \"u\">",
        "<!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 2.0//EN\" \"u\" [<?wap-pap-ver supported-versions=\"2\"?>]>",
    ] {
        let text = format!("{doctype}<pap><cancel-message push-id=\"a\"/></pap>");
        assert_eq!(refused(&text).0, Class::XmlInvalid, "{doctype}");
    }
}

#[test]
fn documents_as_kannel_writes_them_are_read() {
    let document = |doctype: &str, inside: &str| {
        format!(
            "<!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP//EN\" \"http://www.wapforum.org/DTD/pap_1.0.dtd\"{doctype}>\n\
             <pap><push-message push-id=\"a\"><address address-value=\"x\">{inside}</address></push-message></pap>"
        )
    };
    let read = decode(document("", "\n  ").as_bytes()).unwrap();
    assert_eq!(read.version, Version::V1_0);
    // White space is all that may stand there, and who knows of versions has to say which.
    for wrong in [
        document("", " x "),
        document("", "<!-- x -->"),
        document(" [<?wap-pap-ver supported-versions=\"2.0\"?>]", ""),
    ] {
        assert_eq!(refused(&wrong).0, Class::XmlInvalid, "{wrong}");
    }
}

#[test]
fn a_wrong_timestamp_is_answered_with_2000_for_that_push() {
    for time in [
        "2030-01-01",
        "2030-01-01T00:00:00+01:00",
        "2030-02-30T00:00:00Z",
        "",
    ] {
        let text = pap(&format!(
            "<push-message push-id=\"a\" deliver-before-timestamp=\"{time}\"><address address-value=\"x\"/></push-message>"
        ));
        let refusal = read(text.as_bytes()).unwrap_err();
        assert_eq!(refusal.error.class, Class::BadValue);
        assert_eq!(refusal.error.offset, text.find("deliver").unwrap());
        let Operation::PushResponse(response) = refusal.answer().operation else {
            panic!("{time}: not a push-response");
        };
        assert_eq!((response.push_id.as_str(), response.code), ("a", 2000));
    }
}

#[test]
fn an_answer_names_the_operation_when_its_push_id_can_be_read() {
    let answer = |inside: &str| {
        let answer = read(pap(inside).as_bytes()).unwrap_err().answer();
        assert_eq!(decode(&answer.encode()).unwrap(), answer);
        answer.operation.name()
    };
    assert_eq!(answer("<push-message push-id=\"a\"/>"), "push-response");
    assert_eq!(answer("<push-message/>"), "badmessage-response");
    assert_eq!(
        answer("<cancel-message push-id=\"a\" x=\"\"/>"),
        "cancel-response"
    );
    assert_eq!(
        answer("<statusquery-message push-id=\"a\" x=\"\"/>"),
        "statusquery-response"
    );
    assert_eq!(answer("<ccq-message/>"), "badmessage-response");
    assert_eq!(
        answer("<push-message push-id=\"a\">"),
        "badmessage-response"
    );
}

#[test]
fn a_bad_message_comes_back_in_part_from_just_before_the_fault() {
    let inside = format!(
        "<cancel-message push-id=\"{}\"><oops/></cancel-message>",
        "i".repeat(300)
    );
    let refusal = read(pap(&inside).as_bytes()).unwrap_err();
    let start = "i".repeat(38) + "\"><oops/>";
    assert!(refusal.fragment.starts_with(&start), "{}", refusal.fragment);
}

#[test]
fn a_higher_minor_version_may_hold_what_is_unknown() {
    let inside = "<push-message push-id=\"a\" new=\"b\"><fresh><x/></fresh><address address-value=\"x\" y=\"z\"/></push-message>";
    let text = pap(inside).replace("2.0", "2.1");
    let document = decode(text.as_bytes()).unwrap();
    assert_eq!(document.version, Version::V2_1);
    assert_eq!(refused(&pap(inside)).0, Class::XmlInvalid);
}

#[test]
fn minor_versions_are_numbers() {
    let version = |text: &str| text.parse::<Version>().unwrap();
    assert!(version("2.10") > version("2.4"));
    assert!("2".parse::<Version>().is_err() && "2.x".parse::<Version>().is_err());
    assert_eq!(version("99999999.0").major, u16::MAX);
}

#[test]
fn the_common_version_is_the_one_the_peer_likes_best() {
    for (offer, expected) in [
        ("9.0,1.0,2.0", "1.0"),
        ("9.0, 2.*", "2.0"),
        ("9.*,2.1,2.0", "2.1"),
        ("9.0,1.*", "1.0"),
        ("9.0,2.7", "1.0"),
    ] {
        let text = format!(
            "<!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 9.0//EN\" \"u\" [<?wap-pap-ver supported-versions=\"{offer}\"?>]><pap/>"
        );
        let refusal = read(text.as_bytes()).unwrap_err();
        assert_eq!(
            (refusal.why, refusal.version.to_string().as_str()),
            (Why::Version, expected),
            "{offer}"
        );
    }
}

#[test]
fn a_control_entity_may_be_as_long_as_the_limit_and_no_longer() {
    let text = |octets: usize| {
        let frame = pap("<cancel-message push-id=\"\"/>").len();
        pap(&format!(
            "<cancel-message push-id=\"{}\"/>",
            "x".repeat(octets - frame)
        ))
    };
    assert!(decode(text(crate::limits::PAP_CONTROL_OCTETS).as_bytes()).is_ok());
    let over = text(crate::limits::PAP_CONTROL_OCTETS + 1);
    assert_eq!(refused(&over).0, Class::TooLarge);
}

#[test]
fn elements_may_nest_to_the_limit_and_no_deeper() {
    let nested = |depth: usize| {
        let inside = "<x>".repeat(depth - 1) + &"</x>".repeat(depth - 1);
        refused(&pap(&inside)).0
    };
    assert_eq!(nested(crate::limits::PAP_DEPTH), Class::XmlInvalid);
    assert_eq!(nested(crate::limits::PAP_DEPTH + 1), Class::TooLarge);
}

#[test]
fn addresses_may_be_as_many_as_the_limit_and_no_more() {
    let many = |count: usize| {
        let addresses = "<address address-value=\"x\"/>".repeat(count);
        pap(&format!(
            "<push-message push-id=\"a\">{addresses}</push-message>"
        ))
    };
    assert!(decode(many(crate::limits::PAP_ADDRESSES).as_bytes()).is_ok());
    assert_eq!(
        refused(&many(crate::limits::PAP_ADDRESSES + 1)).0,
        Class::TooLarge
    );
}

#[test]
fn no_damage_makes_the_reader_panic_or_an_answer_invalid() {
    let mut random = Dice(47);
    for (name, _, text) in documents() {
        for end in 0..text.len() {
            check_any(&text.as_bytes()[..end], &name);
        }
        for _ in 0..500 {
            let mut octets = text.clone().into_bytes();
            for _ in 0..=random.below(3) {
                let at = usize::try_from(random.below(octets.len() as u64)).unwrap();
                match random.below(3) {
                    0 => {
                        octets[at] =
                            b"<>&\"'/=[]?!- \n\0\xff"[usize::try_from(random.below(16)).unwrap()]
                    }
                    1 => drop(octets.remove(at)),
                    _ => octets.insert(at, random.below(256).to_le_bytes()[0]),
                }
            }
            check_any(&octets, &name);
        }
    }
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn check_any(octets: &[u8], name: &str) {
    match read(octets) {
        Ok(document) => assert_eq!(decode(&document.encode()), Ok(document), "{name}"),
        Err(refusal) => {
            assert!(refusal.error.offset <= octets.len(), "{name}: {refusal}");
            let answer = refusal.answer();
            assert!(decode(&answer.encode()).is_ok(), "{name}: {answer:?}");
        }
    }
}
