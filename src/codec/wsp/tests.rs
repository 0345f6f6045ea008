//! Rules of WSP that single vectors do not show; the octets themselves are in `testdata/wsp`.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::codec::device_id::DeviceId;
use crate::codec::format::Format;
use crate::codec::sia::Sia;
use crate::codec::sir::{App, Ask, Placement, SiaContent, Sir};
use crate::codec::{Class, FORMATS, Span, hex};
use crate::limits;

fn octets(digits: &str) -> Vec<u8> {
    hex::octets(digits).unwrap()
}

/// The value of one header field, given as octets.
fn shown(digits: &str) -> String {
    let octets = octets(digits);
    let headers = Headers::decode(&octets, &mut Rigour::Strict).unwrap();
    headers.fields().next().unwrap().to_string()
}

fn written(name: &str, text: &str) -> String {
    let mut out = Vec::new();
    put_field(&mut out, name, text, VERSION_NEWEST).unwrap();
    hex::digits(&out)
}

fn named(name: &str) -> &'static Format {
    FORMATS.iter().find(|own| own.name == name).unwrap()
}

#[test]
fn a_header_block_may_have_as_many_entries_as_the_limit_and_no_more() {
    let most = limits::WSP_HEADERS;
    // A shift, then Accept-Ranges over and over.
    for entry in [&[0x01][..], &[0x84, 0x81]] {
        let read = |count| Headers::decode(&entry.repeat(count), &mut Rigour::Strict).map(|_| ());
        assert_eq!(read(most), Ok(()));
        let error = read(most + 1).unwrap_err();
        let at = most * entry.len();
        assert_eq!((error.class, error.offset), (Class::TooLarge, at));
    }
}

/// The octets that spans cover from the front, which leave no gap.
fn covered(spans: &[Span]) -> usize {
    spans.iter().fold(0, |end, span| {
        assert_eq!(span.at, end, "a gap: {spans:#?}");
        end.saturating_add(span.len)
    })
}

#[test]
fn every_kind_of_header_value_reads_back_as_written() {
    for (name, text, digits) in [
        ("Accept", "text/plain;q=0.5", "8003838033"),
        ("Accept-Charset", "utf-8;q=0.8", "bb02ea51"),
        ("Accept-Charset", "big5", "bb030207ea"),
        ("Accept-Encoding", "gzip", "bc80"),
        ("Accept-Language", "rm;q=0.333", "8304018c8331"),
        ("Accept-Ranges", "bytes", "8481"),
        ("Age", "300", "8502012c"),
        ("Allow", "POST", "86e0"),
        ("Authorization", "Basic dTpw", "8705807500 7000"),
        (
            "Authorization",
            "Digest realm=x",
            "87 0f 44696765737400 7265616c6d00 7800 ",
        ),
        ("Cache-Control", "max-age=3600", "c7 04 82 020e10"),
        (
            "Cache-Control",
            "no-cache=\"Etag, X-A\"",
            "c7 06 80 93 582d4100",
        ),
        (
            "Cache-Control",
            "community=\"a b\"",
            "c7 0f 636f6d6d756e69747900 2261206200",
        ),
        ("Connection", "close", "8980"),
        (
            "Content-Disposition",
            "attachment;filename=a.txt",
            "c5 08 81 98 612e74787400",
        ),
        ("Content-Encoding", "deflate", "8b82"),
        ("Content-ID", "<a@b>", "c0223c6140623e00"),
        (
            "Content-MD5",
            "AAECAwQFBgcICQoLDA0ODw==",
            "8f10000102030405060708090a0b0c0d0e0f",
        ),
        ("Content-Range", "bytes 500-/1234", "be 04 8374 8952"),
        ("Content-Range", "bytes 0-/*", "be 02 00 80"),
        ("Date", "2001-08-07T10:13:00Z", "92043b6fbf2c"),
        ("Encoding-Version", "1.5", "c395"),
        ("Encoding-Version", "64:1.2", "c3 02 c0 92"),
        ("Expect", "100-continue", "c880"),
        ("If-Range", "2001-08-07T10:13:00Z", "9a043b6fbf2c"),
        ("If-Range", "\"v1\"", "9a2276312200"),
        ("Pragma", "no-cache", "9f80"),
        ("Pragma", "x=1", "9f 04 7800 3100"),
        (
            "Profile-Warning",
            "201 http://p/ 2001-08-07T10:13:00Z",
            "c4 10 a1 687474703a2f2f702f00 043b6fbf2c",
        ),
        ("Proxy-Authenticate", "Basic realm=\"r\"", "a00380 7200"),
        (
            "WWW-Authenticate",
            "Digest realm=\"r\", nonce=n",
            "ad 11 44696765737400 7200 6e6f6e636500 6e00",
        ),
        ("Range", "bytes=0-499", "a304 80 00 8373"),
        ("Range", "bytes=-500", "a303 81 8374"),
        ("Retry-After", "120", "a502 81 f8"),
        ("Retry-After", "2001-08-07T10:13:00Z", "a506 80 043b6fbf2c"),
        (
            "Set-Cookie",
            "a=b;Version=1;path=/",
            "c1 08 9f 6100 6200 9d 222f00",
        ),
        ("TE", "trailers", "b981"),
        ("Trailer", "Etag", "ba93"),
        ("Transfer-Encoding", "chunked", "a780"),
        ("Vary", "Accept-Language", "aa83"),
        (
            "Warning",
            "14 a.example \"stale\"",
            "ac 11 8e 612e6578616d706c6500 7374616c6500",
        ),
        ("X-WAP-Security", "close-subordinate", "c680"),
        ("Profile-Diff", "0102", "b6020102"),
        ("Accept-Application", "*", "b280"),
        ("Push-Flag", "7", "b487"),
    ] {
        let digits: String = digits.split(' ').collect();
        let own = written(name, text);
        if (name, text) == ("Set-Cookie", "a=b;Version=1;path=/") {
            assert_eq!(shown(&own), "a=b;Version=1;path=\"/\"");
            continue;
        }
        let is_valid = Headers::decode(&octets(&own), &mut Rigour::Strict).is_ok();
        assert!(is_valid, "{name}: {own}");
        assert_eq!(shown(&own), text, "{name}");
        assert_eq!(own, digits, "{name}: {text}");
    }
}

#[test]
fn a_peer_of_an_old_encoding_version_gets_names_and_old_numbers() {
    let written = |name, text, version| {
        let mut out = Vec::new();
        put_field(&mut out, name, text, version).unwrap();
        hex::digits(&out)
    };
    assert_eq!(written("Cache-Control", "no-store", 1), "8881");
    assert_eq!(
        written("Push-Flag", "1", 1),
        format!("{}00{}00", hex::digits(b"Push-Flag"), hex::digits(b"1"))
    );
    assert_eq!(
        written("Content-Disposition", "inline;name=a", 3),
        "ae048285 6100".replace(' ', "")
    );
}

#[test]
fn a_text_that_has_no_binary_form_goes_under_its_name() {
    assert_eq!(written("Date", "today"), "4461746500746f64617900");
    let mut out = Vec::new();
    assert!(put_field(&mut out, "not a token", "x", VERSION_NEWEST).is_none());
}

#[test]
fn shipped_peculiarities_are_refused_by_the_letter_and_listed_leniently() {
    for (format, digits, class, at) in [
        (
            "wsp-connectionless",
            "01068003b4af81",
            Class::UintvarNonMinimal,
            2,
        ),
        ("wsp-connectionless", "010703b4af81", Class::UnknownPdu, 1),
        ("headers", "92746f64617900", Class::BadValue, 1),
        ("headers", "582d4100622d", Class::TextUnterminated, 4),
        ("headers", "582d410081", Class::BadValue, 4),
        ("headers", "b4020102", Class::BadValue, 1),
        ("headers", "1f0120612000", Class::BadValue, 2),
        ("content-type", "0383 9161", Class::TextUnterminated, 3),
        (
            "wtp-client-to-server",
            "0e0001120703b4c380",
            Class::BadValue,
            8,
        ),
        ("wtp-client-to-server", "1a8001", Class::BadValue, 0),
        ("wtp-client-to-server", "18800100", Class::BadLength, 3),
        (
            "wtp-client-to-server",
            "0e000100022c0000",
            Class::UnknownPdu,
            4,
        ),
    ] {
        let octets = octets(digits);
        let format = named(format);
        let fault = (format.decode)(&octets, false).unwrap_err();
        assert_eq!((fault.class, fault.offset), (class, at), "{digits}");
        if let Ok(read) = (format.decode)(&octets, true) {
            assert!(!read.deviations.is_empty(), "{digits}");
            assert_eq!(read.deviations[0].at, at, "{digits}");
            let end = covered(&(format.spans)(&octets, true));
            assert_eq!(end, octets.len(), "{digits}");
        }
        covered(&(format.spans)(&octets, false));
    }
}

#[test]
fn an_odd_value_of_a_known_field_survives_a_lenient_round_trip() {
    let digits = "92746f64617900";
    let read = (fields::HEADERS.decode)(&octets(digits), true).unwrap();
    assert_eq!(read.fields, json!([{"Date": {"text": "today"}}]));
    assert_eq!(
        (fields::HEADERS.encode)(&read.fields).unwrap(),
        octets(digits)
    );
}

#[test]
fn octets_beside_a_field_count_only_while_they_say_the_same() {
    let encode = fields::HEADERS.encode;
    let row = |seconds| json!([{"Age": seconds, "octets": "85020005"}]);
    assert_eq!(encode(&row(5)).unwrap(), octets("85020005"));
    assert_eq!(encode(&row(6)).unwrap(), octets("8586"));
}

#[test]
fn an_unknown_application_page_keeps_its_fields() {
    let digits = "7f4085010a86612d001f01";
    let read = (fields::HEADERS.decode)(&octets(digits), false).unwrap();
    assert_eq!(
        read.fields,
        json!([
            {"shift": 64}, {"0x05": "0a"}, {"0x06": {"text": "a-"}}, {"shift": 31}, {"shift": 1}
        ])
    );
    assert_eq!(
        (fields::HEADERS.encode)(&read.fields).unwrap(),
        octets(digits)
    );
}

fn sirs() -> Vec<Sir> {
    let device = DeviceId::decode("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6").unwrap();
    let places: Vec<Placement> = Placement::COMBINATIONS.to_vec();
    let mut sirs = Vec::new();
    for place in places {
        let mut sir = Sir::new("sip:alice@example.com", "sip:push@ppg.example.com")
            .with_devices(place, core::slice::from_ref(&device))
            .with_ask(place, Ask::CAPABILITY)
            .with_apps(place, &[App::named("urn:x:chat", "Schöner Chat, \"gut\"")]);
        sir.id = Some("a-1".to_owned());
        sir.other_server = Some("sip:other@ppg.example.com".to_owned());
        sirs.push(sir.clone());
        sir.other_server = None;
        sir.sia = SiaContent::Binary(
            Sia::decode(&octets("0102b2820008c4000fc3c000020901000000")).unwrap(),
        );
        sirs.push(sir);
    }
    sirs
}

#[test]
fn a_sir_in_a_connectionless_push_reads_back_as_written() {
    for sir in sirs() {
        for wrapped in [sir.encode(), sir.encode_text()] {
            let datagram = sir::push_of(&wrapped, 42);
            let push = Push::decode(&datagram).unwrap();
            assert_eq!(push.tid, 42);
            assert_eq!(push.wrapped(), wrapped);
            assert_eq!(push.sir().unwrap(), wrapped.decode().unwrap());
            assert_eq!(push.encode(), datagram);
        }
    }
}

#[test]
fn a_sir_of_the_standard_needs_none_of_our_headers() {
    let datagram = octets("2a0603b4af810002b28208c40b23f10a000001");
    let sir = sir::sir_of(&datagram).unwrap();
    assert_eq!(sir.application, "x-wap-application:push.sia");
    let SiaContent::Binary(sia) = sir.sia else {
        panic!("no content");
    };
    assert_eq!(sia.wsp_contacts[0].port, Some(9201));
}

#[test]
fn a_registered_application_goes_out_as_its_number() {
    let wrapped = Sir::new("sip:a@b", "sip:c@d").encode();
    let datagram = sir::push_of(&wrapped, 0);
    assert_eq!(datagram[3..6], [0xB4, 0xAF, 0x81]);
}

/// Whatever is read is written as the same octets, said the same way again, and covered by spans.
fn holds(format: &Format, octets: &[u8]) {
    for lenient in [false, true] {
        let spans = (format.spans)(octets, lenient);
        let end = covered(&spans);
        let Ok(read) = (format.decode)(octets, lenient) else {
            assert!(lenient || end <= octets.len());
            continue;
        };
        assert_eq!(end, octets.len(), "{octets:02x?}: {spans:#?}");
        let written = (format.encode)(&read.fields)
            .unwrap_or_else(|fault| panic!("{octets:02x?}: {fault}: {}", read.fields));
        if lenient {
            let again = (format.decode)(&written, true).map(|again| again.fields);
            assert_eq!(again, Ok(read.fields), "{octets:02x?}");
        } else {
            assert_eq!(written, octets, "{}", read.fields);
            let loose = (format.decode)(octets, true).unwrap();
            assert_eq!(loose, read);
        }
    }
}

fn near_wsp() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        (0x80_u8..=0xCA, any::<u8>()).prop_map(|(field, value)| vec![field, value]),
        (0x80_u8..=0xCA, 0_u8..6, any::<[u8; 6]>()).prop_map(|(field, len, octets)| {
            let mut out = vec![field, len];
            out.extend(&octets[..usize::from(len)]);
            out
        }),
        (0x80_u8..=0xCA, "[ -~]{0,6}").prop_map(|(field, text)| {
            let mut out = vec![field];
            out.extend(text.bytes());
            out.push(0);
            out
        }),
        ("[a-zA-Z-]{1,4}", "[ -~]{0,4}")
            .prop_map(|(name, text)| format!("{name}\0{text}\0").into()),
        any::<u8>().prop_map(|octet| vec![octet]),
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn headers_that_are_read_are_written_as_they_stood(octets in near_wsp()) {
        holds(&fields::HEADERS, &octets);
    }

    #[test]
    fn media_types_that_are_read_are_written_as_they_stood(
        general in any::<bool>(),
        octets in near_wsp(),
    ) {
        let mut value = Vec::new();
        if general {
            value.extend([0x1F]);
            crate::codec::cursor::put_uintvar(&mut value, u32::try_from(octets.len()).unwrap());
        }
        value.extend(octets);
        holds(&fields::CONTENT_TYPE, &value);
    }

    #[test]
    fn datagrams_that_are_read_are_written_as_they_stood(
        tid in any::<u8>(),
        kind in prop_oneof![Just(0x06_u8), Just(0x04), Just(0x40), Just(0x60), any::<u8>()],
        headers in near_wsp(),
        body in proptest::collection::vec(any::<u8>(), 0..8),
    ) {
        let mut octets = vec![tid, kind];
        octets.push(u8::try_from(headers.len()).unwrap().saturating_add(1));
        octets.push(0xB3);
        octets.extend(headers);
        octets.extend(body);
        holds(&fields::FORMAT, &octets);
    }

    #[test]
    fn sessions_that_are_read_are_written_as_they_stood(
        kind in 1_u8..10,
        octets in proptest::collection::vec(prop_oneof![0_u8..6, 0x80_u8..0x8A, any::<u8>()], 0..24),
    ) {
        let mut datagram = vec![0x0E, 0, 1, 0x12, kind];
        datagram.extend(octets);
        holds(named("wtp"), &datagram);
    }

    #[test]
    fn any_octets_end_with_a_value_or_a_fault(octets in proptest::collection::vec(any::<u8>(), 0..40)) {
        holds(&fields::FORMAT, &octets);
        holds(&fields::TEXT_STRING, &octets);
        holds(named("wtp"), &octets);
    }
}

#[test]
fn a_number_in_a_parameter_is_one_that_the_peer_knows() {
    let put = |version| {
        let parameters = [(
            "differences".to_owned(),
            Given::Text("X-WAP-Security".into()),
        )];
        let mut out = Vec::new();
        put_content_type(&mut out, "text/plain", &parameters, version).unwrap();
        out
    };
    // The header has its number since 1.4.
    assert_eq!(put(5), [0x03, 0x83, 0x87, 0xC6]);
    assert_eq!(put(3), b"\x11\x83\x87X-WAP-Security\0");
}
