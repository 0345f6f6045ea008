//! Every kind of identifier: equal spellings, different devices, refused texts.

use proptest::prelude::*;

use super::*;

fn id(text: &str) -> DeviceId {
    DeviceId::decode(text).unwrap()
}

fn refused(text: &str) -> usize {
    DeviceId::decode(text).unwrap_err().offset
}

#[test]
fn r2_18_a_public_gruu_equals_itself_in_upper_case_hex() {
    let one = id("sip:alice@example.com;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
    let two = id("sip:alice@EXAMPLE.com;gr=urn:uuid:F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6");
    let other = id("sip:alice@example.com;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf7");
    assert_eq!(one, two);
    assert!(one.matches(&two));
    assert_ne!(one, other);
    assert_eq!(one.kind(), Kind::PublicGruu);
    assert_ne!(one, id("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"));
    assert_eq!(
        one.gr(),
        Some(id("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"))
    );
}

#[test]
fn r2_19_a_temporary_gruu_names_nobody_but_itself() {
    let one = id("sip:tgruu.7hs@example.com;gr");
    assert_eq!(one.kind(), Kind::TemporaryGruu);
    assert_eq!(one, id("sip:tgruu.7hs@Example.com;gr"));
    assert_ne!(one, id("sip:tgruu.7ht@example.com;gr"));
    assert_ne!(one, id("sip:tgruu.7hs@example.com"));
}

#[test]
fn r2_20_three_forms_of_a_uuid_are_equal() {
    let urn = id("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
    assert_eq!(urn, id("uuid:F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"));
    assert_eq!(urn, id("f81d4fae-7dec-11d0-a765-00a0c91e6bf6"));
    assert_eq!(refused("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf"), 44);
    assert_eq!(refused("f81d4fae-7dec-11d0-a765-00a0c91e6bf"), 35);
    assert_eq!(refused("uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bg6"), 39);
}

#[test]
fn r2_21_an_imei_compares_on_fourteen_digits() {
    let urn = id("urn:gsma:imei:90420156-025763-0");
    assert_eq!(urn, id("imei:904201560257630"));
    assert_eq!(urn, id("904201560257637"));
    assert_eq!(urn, id("imei:90420156025763"));
    assert_eq!(urn, id("90-420156-025763-7"));
    assert_eq!(urn, id("urn:gsma:imei:90420156-025763-0;svn=42"));
    assert_eq!(urn, id("imeisv:9042015602576342"));
    assert_eq!(urn.warning(), None);
    assert_eq!(id("904201560257637").warning(), None);
    assert_ne!(urn, id("urn:gsma:imei:90420156-025764-0"));
    assert_eq!(refused("imei:9042015602576"), 18);
    assert_eq!(refused("urn:gsma:imei:90420156-025763-0;svn=4"), 32);
}

#[test]
fn r2_21_another_fifteenth_digit_is_a_warning_and_strictly_an_error() {
    let odd = id("904201560257633");
    assert_eq!(odd, id("urn:gsma:imei:90420156-025763-0"));
    assert_eq!(
        odd.warning(),
        Some(Warning::CheckDigit {
            found: '3',
            expected: '7'
        })
    );
    let error = DeviceId::decode_strict("904201560257633").unwrap_err();
    assert_eq!((error.offset, error.class), (14, Class::BadValue));
    assert!(DeviceId::decode_strict("904201560257637").is_ok());
}

#[test]
fn r2_22_a_uri_is_kept_as_written_and_compared_by_its_scheme() {
    assert_eq!(id("sip:dev7@host").as_str(), "sip:dev7@host");
    assert_eq!(id("sip:dev7@host"), id("SIP:%64ev7@HOST;lr"));
    assert_ne!(id("sip:dev7@host"), id("sip:DEV7@host"));
    assert_ne!(id("sip:dev7@host"), id("sip:dev7@host:5060"));
    assert_ne!(id("sip:dev7@host"), id("sips:dev7@host"));
    assert_eq!(id("tel:+1-555-0100"), id("tel:+1(555)0100"));
    assert_ne!(id("tel:+15550100"), id("tel:15550100"));
    assert_eq!(
        id("tel:7042;phone-context=Example.com"),
        id("TEL:70-42;phone-context=example.COM")
    );
    assert_eq!(id("https://d.example/7"), id("HTTPS://D.example:443/7"));
    assert_ne!(id("https://d.example/a"), id("https://d.example/A"));
    assert_eq!(refused("sip:@host"), 4);
    assert_eq!(refused("sip:dev7@"), 9);
    assert_eq!(refused("sip:dev7@host:99999"), 14);
    assert_eq!(refused("sip:dev7@host;a;a"), 16);
    assert_eq!(refused("tel:+"), 4);
    assert_eq!(refused("tel:+15a"), 7);
}

#[test]
fn shared_parameters_of_sip_uris_must_agree_to_match() {
    let one = id("sip:dev7@host;x=1");
    let two = id("sip:dev7@host;x=2");
    assert!(!one.matches(&two));
    assert!(one.matches(&id("sip:dev7@host")));
    assert!(one.matches(&id("sip:dev7@host;y=2")));
}

#[test]
fn r2_23_urns_compare_lexically() {
    assert_eq!(id("urn:example:a123%2C"), id("URN:EXAMPLE:a123%2c"));
    assert_ne!(id("urn:example:a123%2C"), id("urn:example:A123%2C"));
    assert_ne!(id("urn:example:a123%2C"), id("urn:example:a123,"));
    assert_eq!(id("urn:example:a?=q#f"), id("urn:example:a?+r"));
    assert_eq!(refused("urn:e:a"), 4);
    assert_eq!(refused("urn:example:"), 12);
    assert_eq!(refused("urn:example:a%2"), 13);
    assert_eq!(refused("urn:example"), 11);
}

#[test]
fn r2_24_an_rfid_tag_differs_by_its_serial_number() {
    let tag = id("urn:epc:id:sgtin:0614141.112345.400");
    assert_eq!(tag.kind(), Kind::Rfid);
    assert_eq!(tag.as_str(), "urn:epc:id:sgtin:0614141.112345.400");
    assert_ne!(tag, id("urn:epc:id:sgtin:0614141.112345.401"));
}

#[test]
fn r2_25_an_esn_is_the_same_in_hexadecimal_and_decimal() {
    let hex = id("esn:80A1B2C3");
    assert_eq!(hex, id("esn:12810597059"));
    assert_eq!(hex, id("12810597059"));
    assert_eq!(hex, id("80a1b2c3"));
    assert_eq!(esn_decimal(0x80A1_B2C3), "12810597059");
    assert_eq!(refused("esn:80A1B2C"), 11);
    assert_eq!(refused("esn:25600000000"), 4);
    assert_eq!(refused("esn:25516777216"), 7);
}

#[test]
fn r2_26_the_forms_of_a_mac_address_are_equal() {
    let mac = id("00:24:be:80:4f:f1");
    for text in [
        "0024BE804FF1",
        "00-24-BE-80-4F-F1",
        "0024.be80.4ff1",
        "mac:0024be804ff1",
        "urn:dev:mac:0024befffe804ff1",
        "urn:dev:mac:0024beffff804ff1",
        "a0:24:be:80:4f:f1",
    ] {
        assert_eq!(id(text).kind(), Kind::Mac, "{text}");
        assert_eq!(id(text) == mac, text != "a0:24:be:80:4f:f1", "{text}");
    }
    assert_eq!(id("urn:dev:mac:0024be1234804ff1").kind(), Kind::Mac);
    assert_ne!(id("urn:dev:mac:0024be1234804ff1"), mac);
    assert_eq!(refused("00:24:be:80:4f"), 14);
    assert_eq!(refused("a0:24:be:80:4f"), 14);
    assert_eq!(refused("urn:dev:mac:0024be804ff1"), 24);
}

#[test]
fn r2_27_two_forms_of_a_fingerprint_are_equal() {
    let ni = id("ni:///sha-256;UyaQV-Ev4rdLoHyJJWCi11OHfrYv9E1aGQAlMO2X_-Q");
    let fp = id("fp:sha256:532690\
                 57e12fe2b74ba07c892560a2d753877eb62ff44d5a19002530ed97ffe4");
    assert_eq!(ni, fp);
    assert_eq!(ni.canonical().to_string(), ni.as_str());
    assert_ne!(
        fp,
        id("fp:sha256:53269057e12fe2b74ba07c892560a2d753877eb62ff44d5a19002530ed97ffe5")
    );
    assert_eq!(refused("ni:///sha-256;UyaQV"), 14);
    assert_eq!(refused("fp:sha256:5326"), 10);
    assert_eq!(refused("fp:sha256:zz"), 10);
}

#[test]
fn r2_28_an_unknown_scheme_is_carried_and_compared_octet_by_octet() {
    let id_ = id("x-foo:bar;baz=%zz");
    assert_eq!(id_.kind(), Kind::Extension);
    assert_eq!(id_.to_string(), "x-foo:bar;baz=%zz");
    assert_ne!(id_, id("x-foo:bar;baz=%ZZ"));
    assert_ne!(id("x-foo:bar"), id("X-Foo:bar"));
}

#[test]
fn what_could_leave_its_place_in_a_message_is_refused() {
    assert_eq!(refused("x-foo:a\r\nb"), 7);
    assert_eq!(refused("x-foo:a>b"), 7);
    assert_eq!(refused("x-foo:a b"), 7);
    assert_eq!(refused(""), 0);
    assert_eq!(refused("hello"), 0);
    assert_eq!(refused("x-foo:"), 6);
}

#[test]
fn an_identifier_at_the_bound_is_read_and_one_octet_more_is_not() {
    let text = format!("x-foo:{}", "a".repeat(limits::DEVICE_ID_OCTETS - 6));
    assert!(DeviceId::decode(&text).is_ok());
    let error = DeviceId::decode(&format!("{text}a")).unwrap_err();
    assert_eq!(error.class, Class::TooLarge);
}

#[test]
fn a_meid_has_a_check_digit_in_base_sixteen_and_a_pseudo_esn() {
    let meid = id("urn:3gpp2:meid:AF012345-0ABCDE");
    assert_eq!(meid, id("meid:af0123450abcde"));
    assert_eq!(meid, id("AF0123450ABCDEC"));
    assert_eq!(meid, id("meid:293608736500703710"));
    assert!(id("AF0123450ABCDED").warning().is_some());
    assert_eq!(meid_check_digit(0xAF_0123_450A_BCDE), 'C');
    assert_eq!(meid_check_digit(0xA0_4B0D_5602_A7E3), 'F');
    assert_eq!(pseudo_esn(0xAF_0123_450A_BCDE) >> 24, 0x80);
    assert_eq!(refused("meid:AF012345"), 13);
}

#[test]
fn an_imei_packs_into_eight_octets() {
    assert_eq!(imei_check_digit(90_420_156_025_763), '7');
    let octets = imei_bcd(90_420_156_025_763);
    assert_eq!(octets, [0x09, 0x24, 0x10, 0x65, 0x20, 0x75, 0x36, 0xF0]);
    assert_eq!(digits_of_bcd(&octets).unwrap(), "904201560257630");
    assert_eq!(digits_of_bcd(&[0x0A]), None);
}

#[test]
fn the_gr_value_of_an_imei_does_not_show_it() {
    let secret = Uuid::parse_str("00112233-4455-4677-8899-aabbccddeeff").unwrap();
    assert_eq!(
        gr_of(&id("urn:gsma:imei:90420156-025763-0"), secret),
        "urn:uuid:c6801aeb-c1f5-5711-a344-92a8869d3f02"
    );
    assert_eq!(
        gr_of(&id("904201560257637"), secret),
        "urn:uuid:c6801aeb-c1f5-5711-a344-92a8869d3f02"
    );
    assert_eq!(
        gr_of(&id("F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"), secret),
        "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
    );
}

const FORMS: [&str; 15] = [
    "sip:alice@example.com;gr=urn:uuid:F81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "sip:tgruu.7hs@example.com;gr",
    "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "904201560257637",
    "AF0123450ABCDE",
    "12810597059",
    "00:24:be:80:4f:f1",
    "urn:dev:mac:0024be1234804ff1",
    "urn:epc:id:sgtin:0614141.112345.400",
    "fp:sha-1:0102030405060708090a0b0c0d0e0f1011121314",
    "sip:+1-555@h;user=phone;x=1",
    "tel:+1-555-0100;ext=1-2",
    "URN:example:a%2c",
    "HTTP://D/%7e",
    "x-foo:bar",
];

#[test]
fn the_canonical_text_of_every_kind_reads_back_as_the_same_value() {
    for text in FORMS {
        let one = id(text);
        assert_eq!(id(&one.canonical().to_string()), one, "{text}");
    }
}

proptest! {
    #[test]
    fn a_text_near_a_known_form_is_refused_or_keeps_its_value(
        form in 0..FORMS.len(),
        edits in proptest::collection::vec((0_usize..60, "[!-~]"), 1..4),
    ) {
        let mut text = FORMS[form].to_owned();
        for (at, with) in edits {
            let at = at.min(text.len());
            let end = at.saturating_add(with.len() & usize::from(with != ";")).min(text.len());
            text.replace_range(at..end, &with);
        }
        match DeviceId::decode(&text) {
            Ok(id) => {
                prop_assert!(id.matches(&id));
                prop_assert_eq!(DeviceId::decode(&id.canonical().to_string()), Ok(id));
            }
            Err(error) => prop_assert!(error.offset <= text.len()),
        }
    }
}
