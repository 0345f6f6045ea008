//! Values and rules that single messages do not show; the messages are in `testdata/ota_http`.

use super::*;
use crate::codec::sip;
use proptest::prelude::*;
use serde_json::json;

#[test]
fn versions_are_compared_as_numbers_and_chosen_by_preference() {
    let offered = versions("2.*, 1.12,1.3").unwrap();
    let known = versions("1.3,1.12").unwrap();
    assert_eq!(choose(&offered, &known).unwrap().to_string(), "1.12");
    let any = versions("1.*").unwrap();
    assert_eq!(choose(&any, &known).unwrap().to_string(), "1.12");
    assert_eq!(choose(&known, &any).unwrap().to_string(), "1.3");
    assert_eq!(choose(&versions("2.0").unwrap(), &known), None);
    for odd in ["", "1", "1.", "*.1", "1.0,", "1.-1", "1.70000"] {
        assert_eq!(versions(odd), None, "{odd}");
    }
    assert!(any[0].covers(Version::ONE));
}

#[test]
fn a_tag_is_read_in_base64_and_leniently_as_terminals_sent_it() {
    let tag = CpiTag([0xDE, 0xAD, 0xBE, 0xEF]);
    assert_eq!(tag.to_string(), "3q2+7w==");
    assert_eq!(CpiTag::decode("3q2+7w=="), Some(tag));
    assert_eq!(CpiTag::decode("deadbeef"), None);
    assert_eq!(CpiTag::decode_lenient("deadbeef"), Some(tag));
    assert_eq!(CpiTag::decode_lenient("1F"), Some(CpiTag([0, 0, 0, 0x1F])));
    assert_eq!(CpiTag::decode_lenient("a;b!"), Some(CpiTag(*b"a;b!")));
    assert_eq!(CpiTag::decode_lenient("no tag"), None);
    let values = ["application/vnd.wap.sia, text/vnd.wap.si", "UTF-8", "*"];
    assert_eq!(CpiTag::of_values(values).to_string(), "dj7UoA==");
}

#[test]
fn capabilities_have_defaults_and_a_second_name_for_the_size() {
    assert_eq!(default_of("x-wap-push-accept-appid"), Some("*"));
    assert_eq!(default_of("X-Wap-Push-MsgSize"), Some("1400"));
    assert_eq!(default_of("X-Wap-Push-Status"), None);
}

#[test]
fn client_identifiers_have_the_form_of_their_kind() {
    for (text, kind, value) in [
        ("5262012345678901", "imsi", "262012345678901"),
        ("4+436641234567", "msisdn", "+436641234567"),
        ("6192000002009", "ipv4", "192.0.2.9"),
        ("72001:db8::9", "ipv6", "2001:db8::9"),
        ("01alice@example.com", "nai", "alice@example.com"),
        (
            "02WAPPUSH=+1555/TYPE=PLMN",
            "wap-push-address",
            "WAPPUSH=+1555/TYPE=PLMN",
        ),
        ("380A1B2C3", "esn", "80A1B2C3"),
    ] {
        let id = ClientId::decode(text).unwrap();
        assert_eq!((id.kind, id.value.as_str()), (kind, value));
        assert_eq!(id.to_string(), text);
        assert_eq!(ClientId::new(kind, value), Some(id));
    }
    for opaque in ["x", "5abc", "6999000000000", "03x"] {
        let id = ClientId::decode(opaque).unwrap();
        assert_eq!((id.kind, id.to_string().as_str()), ("opaque", opaque));
    }
    assert_eq!(ClientId::decode(""), None);
    assert_eq!(ClientId::new("imsi", "abc"), None);
    assert_eq!(ClientId::new("imei", "1"), None);
}

#[test]
fn a_status_tells_an_initiator_what_pap_says() {
    let status = |text: &str| PushStatus::decode(text).unwrap();
    assert_eq!(status("236 x").pap(), Some(("aborted", 5236)));
    assert_eq!(status("400").pap(), Some(("delivered", 1000)));
    assert_eq!(status("501 Accepted").pap(), None);
    assert!(status("501").is_accepted() && status("501").is_tag_stale());
    assert_eq!(status("234").retry_unchanged(), Some(true));
    assert_eq!(status("256").retry_unchanged(), Some(false));
    for odd in ["", "40", "4000", "abc", " 400", "099"] {
        assert_eq!(PushStatus::decode(odd), None, "{odd}");
    }
}

#[test]
fn the_credentials_of_a_terminal_are_checked_with_sha_1_and_the_method_of_the_challenge() {
    let who = ("5262012345678901", "proxy1.example", "secret");
    let credentials = terminal_response(who, "abc123", "OPTIONS");
    assert_eq!(
        credentials.param("response"),
        Some("9445cf25810ae8ec96a26b804a17b881b0e1f2dd")
    );
    let read = Authentication::decode(&credentials.to_string(), true).unwrap();
    assert_eq!(read, credentials);
    assert!(read.is_right("secret", "OPTIONS"));
    assert!(!read.is_right("secret", "POST"));
    assert!(!read.is_right("Secret", "OPTIONS"));
    let elsewhere = sip::digest::response_sha1(who, "abc123", "OPTIONS", "/other");
    let other = credentials.to_string();
    let other = other.replace("\"/wappush\"", "\"/other\"");
    let other = other.replace(credentials.param("response").unwrap(), &elsewhere);
    let other = Authentication::decode(&other, true).unwrap();
    assert_eq!(other.param("uri"), Some("/other"));
    assert!(!other.is_right("secret", "OPTIONS"));
    let basic = Authentication::decode("Basic YTpiOmM=", true).unwrap();
    assert!(basic.is_right("b:c", "POST"));
}

#[test]
fn judgements_stand_alone_or_with_a_challenge() {
    let status = |text: &str| Authentication::decode(text, true).unwrap().status();
    assert_eq!(
        status("x-wap-auth-status=failed_noretry"),
        Some(AuthStatus::FailedNoRetry)
    );
    assert_eq!(
        status("Digest realm=\"a\", nonce=\"b\", x-wap-auth-status=failed_retry"),
        Some(AuthStatus::FailedRetry)
    );
    assert_eq!(status("Basic realm=\"a\""), None);
    assert!(Authentication::decode("Digest realm=\"a\", nonce=\"b\", qop=\"auth\"", true).is_err());
    assert!(Authentication::decode("Digest realm=\"a\", nonce=\"b\", qop=\"auth\"", false).is_ok());
    assert!(Authentication::decode("Digest realm=\"a\"", true).is_err());
}

#[test]
fn a_head_at_the_bounds_is_read_and_above_them_is_not() {
    let rows = |count: usize| {
        format!(
            "OPTIONS /wappush HTTP/1.1\r\n{}\r\n",
            "a: b\r\n".repeat(count)
        )
    };
    let read = |text: &str| match Message::decode(text.as_bytes(), true) {
        Ok(_) => Ok(()),
        Err(fault) => Err(fault.class),
    };
    let max = crate::limits::HTTP_HEADER_ROWS;
    assert!(read(&rows(max)).is_ok());
    assert_eq!(read(&rows(max + 1)), Err(Class::TooLarge));
    let start = "OPTIONS /wappush HTTP/1.1\r\na: ";
    let long = |octets: usize| format!("{start}{}\r\n\r\n", "x".repeat(octets));
    let room = crate::limits::HTTP_HEAD_OCTETS - start.len() - 4;
    assert!(read(&long(room)).is_ok());
    assert_eq!(read(&long(room + 1)), Err(Class::TooLarge));
}

#[test]
fn typed_fields_replace_rows_that_say_something_else() {
    let octets = b"OPTIONS /wappush HTTP/1.1\r\nHost:\r\nx-wap-cpitag: AAAAAA==\r\n\r\n";
    let mut fields = (REQUEST_FORMAT.decode)(octets, false).unwrap().fields;
    assert_eq!((REQUEST_FORMAT.encode)(&fields).unwrap(), octets);
    fields["cpi_tag_hex"] = "deadbeef".into();
    fields["push_info"] = json!(["trusted"]);
    let written = (REQUEST_FORMAT.encode)(&fields).unwrap();
    assert_eq!(
        String::from_utf8(written).unwrap(),
        "OPTIONS /wappush HTTP/1.1\r\nHost:\r\nx-wap-cpitag: 3q2+7w==\r\nX-Wap-Push-Info: trusted\r\n\r\n"
    );
    let refused = |fields| (RESPONSE_FORMAT.encode)(&fields).is_err();
    assert!(refused(json!({"http": 204, "push_status": 7})));
    assert!(refused(
        json!({"http": 204, "push_status": 400, "body_hex": "00"})
    ));
    assert!(refused(json!({"rows": [["A b", "c"]]})));
    assert!(refused(json!({"rows": [["A", "b\r\nc: d"]]})));
}

proptest! {
    #[test]
    fn a_push_reads_back_as_written(
        body in proptest::collection::vec(any::<u8>(), 0..64),
        tag in any::<[u8; 4]>(),
        url in proptest::option::of("[!-~]{0,12}"),
    ) {
        let fields = json!({
            "method": "POST", "host": "", "ota_version": ["1.0"], "prov_url": url,
            "push_info": ["authenticated", "last"], "cpi_tag": CpiTag(tag).to_string(),
            "inner": {
                "headers": {"Content-Type": "application/vnd.wap.sia"},
                "body_hex": crate::codec::hex::digits(&body),
            },
        });
        let octets = (REQUEST_FORMAT.encode)(&fields).unwrap();
        let read = (REQUEST_FORMAT.decode)(&octets, false).unwrap().fields;
        prop_assert_eq!(&read["inner"]["body_hex"], &fields["inner"]["body_hex"]);
        prop_assert_eq!(&read["cpi_tag"], &fields["cpi_tag"]);
        prop_assert_eq!(read.get("prov_url").and_then(|url| url.as_str()), url.as_deref());
        prop_assert_eq!((REQUEST_FORMAT.encode)(&read), Ok(octets));
    }

    #[test]
    fn any_octets_end_with_a_message_or_an_offset(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
        for format in [REQUEST_FORMAT, RESPONSE_FORMAT, HEADER_FORMAT, VERSION_FORMAT] {
            if let Err(error) = (format.decode)(&octets, true) {
                prop_assert!(error.offset <= octets.len());
            }
        }
    }
}

#[test]
fn a_row_that_is_folded_at_once_has_no_blanks_at_its_ends() {
    let text = "OPTIONS /wappush HTTP/1.1\r\nHost:\r\n a.example\r\n \r\n\r\n";
    let read = (REQUEST_FORMAT.decode)(text.as_bytes(), true).unwrap();
    assert_eq!(read.fields["host"], "a.example");
    let written = (REQUEST_FORMAT.encode)(&read.fields).unwrap();
    let again = (REQUEST_FORMAT.decode)(&written, true).unwrap();
    assert_eq!(again.fields["host"], "a.example");
}

#[test]
fn a_folded_row_is_one_span() {
    let text = "POST / HTTP/1.1\r\nA: b\r\n c\r\n \r\n d\r\nE: f\r\n\r\n";
    let spans = (REQUEST_FORMAT.spans)(text.as_bytes(), true);
    let shown: Vec<_> = spans
        .iter()
        .map(|span| (span.at, span.len, span.value.as_str()))
        .collect();
    let expected = [
        (0, 17, "POST / HTTP/1.1"),
        (17, 17, "b c d"),
        (34, 6, "f"),
        (40, 2, "empty line"),
    ];
    assert_eq!(shown, expected);
}
