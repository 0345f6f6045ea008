//! SIA bodies and whole SIRs on file: decode, print, encode, compare; refused bodies name their offset.
//!
//! `UPDATE=1` writes the printed forms anew; the review reads the difference.
#![expect(clippy::unwrap_used, reason = "test")]

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sirgate::codec::Class;
use sirgate::codec::device_id::DeviceId;
use sirgate::codec::sia::Sia;
use sirgate::codec::sia::fields::{fields_of as fields_of_sia, sia_of};
use sirgate::codec::sip::{Draft, Message, Method, Name};
use sirgate::codec::sir::fields::{fields_of, sir_of};
use sirgate::codec::sir::{App, Ask, Named, Placement, SiaContent, Sir};

const UUID: &str = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
const IMEI: &str = "urn:gsma:imei:90420156-025763-0";
const NUMBER: &str = "sip:+43-8323546@mobilkom.example";
const PPG: &str = "sip:push@ppg.example.com";

/// The classes of the bodies that every reading refuses.
const REFUSED: [(&str, Class); 7] = [
    ("bad-applen-truncated", Class::Truncated),
    ("bad-applist-overrun", Class::BadLength),
    ("bad-cpitag-short", Class::BadLength),
    ("bad-empty", Class::Truncated),
    ("bad-kannel", Class::TextUnterminated),
    ("bad-short-address", Class::BadLength),
    ("bad-text-body", Class::BadLength),
];

#[test]
fn every_sia_body_on_file_prints_as_expected_and_is_written_back() {
    let mut names = Vec::new();
    for path in files("sia", "hex") {
        let octets = octets(&path);
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let printed = match Sia::decode_lenient(&octets) {
            Ok((sia, deviations)) => {
                // What a strict reading accepts has no deviation, and either way the octets come back.
                assert_eq!(Sia::decode(&octets).is_ok(), deviations.is_empty());
                assert_eq!(sia.encode(), octets, "{name}");
                assert_eq!(sia_of(&fields_of_sia(&sia)).unwrap(), sia, "{name}");
                let odd: String = deviations
                    .iter()
                    .map(|odd| format!("deviation at octet {}: expected {}\n", odd.at, odd.what))
                    .collect();
                format!("{sia}{odd}")
            }
            Err(error) => {
                assert_eq!(Sia::decode(&octets), Err(error), "{name}");
                format!("{error}\n")
            }
        };
        compare(&path.with_extension("txt"), &printed);
        names.push(name);
    }
    assert_eq!(names.len(), 25);
}

#[test]
fn refused_sia_bodies_have_the_class_of_their_fault() {
    for (name, class) in REFUSED {
        let path = folder("sia").join(format!("{name}.hex"));
        assert_eq!(
            Sia::decode(&octets(&path)).unwrap_err().class,
            class,
            "{name}"
        );
    }
}

#[test]
fn every_cut_of_every_sia_body_is_read_or_classed() {
    for path in files("sia", "hex") {
        let octets = octets(&path);
        for cut in 0..octets.len() {
            let cut = &octets[..cut];
            match Sia::decode(cut) {
                Ok(sia) => assert_eq!(sia.encode(), cut),
                Err(error) => {
                    assert!(error.offset <= cut.len());
                    assert_ne!(error.class, Class::TooLarge);
                }
            }
            let spans = Sia::spans(cut, true);
            assert!(spans.iter().all(|span| span.at + span.len <= cut.len()));
        }
    }
}

#[test]
fn every_sir_on_file_prints_as_expected() {
    let paths = files("sir", "sip");
    for path in &paths {
        let sir = Sir::from_sip(&message(path)).unwrap();
        assert_eq!(sir_of(&fields_of(&sir)).unwrap(), sir);
        compare(&path.with_extension("txt"), &sir.to_string());
    }
    assert_eq!(paths.len(), 4);
}

#[test]
fn r2_38_table_1_has_the_identifier_in_the_client_address_and_no_content() {
    let golden = message(&folder("sir").join("table-1.sip"));
    let sir = Sir::new(NUMBER, PPG).with_devices(Placement::VALUE, &[id(UUID)]);
    assert_eq!(Sir::from_sip(&golden).unwrap(), sir);
    let wrapped = sir.encode();
    assert_eq!(wrapped.to, format!("{NUMBER};gr={UUID}"));
    assert_eq!(
        wrapped.headers,
        [(
            "X-Wap-Application-Id",
            "x-wap-application:push.sia".to_owned()
        )]
    );
    assert_eq!(wrapped.content_type, "application/vnd.wap.sia");
    assert_eq!(wrapped.body, golden.body());
    assert_eq!(resent(&golden, &sir).octets(), golden.octets());
}

#[test]
fn r2_39_table_2_has_the_identifier_in_the_content() {
    let golden = message(&folder("sir").join("table-2.sip"));
    let sir = Sir::new(NUMBER, PPG).with_devices(Placement::BODY, &[id(UUID)]);
    assert_eq!(Sir::from_sip(&golden).unwrap(), sir);
    assert_eq!(sir.encode().to, NUMBER);
    assert_eq!(resent(&golden, &sir).octets(), golden.octets());
}

#[test]
fn r2_53_a_targeted_message_carries_binary_content() {
    let golden = message(&folder("sir").join("targeted-binary.sip"));
    let sir = Sir::from_sip(&golden).unwrap();
    assert!(sir.targeted);
    assert_eq!(sir.devices(), Named::Nobody);
    let SiaContent::Binary(sia) = &sir.sia else {
        panic!("no content");
    };
    assert_eq!(sia.contacts[0].port, Some(4035));
    assert_eq!(resent(&golden, &sir).octets(), golden.octets());
}

#[test]
fn r2_36_a_sir_with_everything_is_byte_exact() {
    let golden = message(&folder("sir").join("everything.sip"));
    let devices = [id(UUID), id(IMEI)];
    let ask = Ask::CAPABILITY | Ask::PREFERENCE | Ask::REFUSAL | Ask::SEND_REGISTRATION;
    let mut sir = Sir::new("sip:alice@example.com", PPG)
        .with_devices(Placement::VALUE, &devices[..1])
        .with_devices(Placement::HEADER | Placement::BODY, &devices)
        .with_ask(Placement::HEADER, ask)
        .with_apps(
            Placement::HEADER,
            &[App::named("x-oma-application:dcd.ua", "DCD")],
        );
    sir.id = Some("0004".into());
    sir.pui = Some("sip:alice@example.com".into());
    sir.other_server = Some("sip:push@ppg2.example.com;transport=tcp".into());
    let body = octets(&folder("sia").join("v1-http-only.hex"));
    sir.sia = SiaContent::Binary(Sia::decode(&body).unwrap());
    assert_eq!(Sir::from_sip(&golden).unwrap(), sir);
    assert_eq!(sir.encode().body, golden.body());
    assert_eq!(golden.body().len(), 382);
    assert_eq!(golden.octets().len(), 1_248);
    // Of the whole message only the place of Reply-To differs.
    let again = resent(&golden, &sir);
    assert_eq!(again.octets().len(), golden.octets().len());
    assert_eq!(Sir::from_sip(&again).unwrap(), sir);
}

#[test]
fn a_fault_in_a_sip_message_counts_from_its_first_octet() {
    let text = fs::read(folder("sir").join("everything.sip")).unwrap();
    let broken = replace(
        &text,
        b"<urn:gsma:imei:90420156-",
        b"<urn:gsma:imei:9042015x-",
    );
    let error = Sir::from_sip(&Message::decode(Bytes::from(broken.clone())).unwrap()).unwrap_err();
    assert_eq!(broken[error.offset], b'x');
    let broken = replace(
        &text,
        b"gr=urn:gsma:imei:90420156-",
        b"gr=urn:gsma:imei:9042015x-",
    );
    let error = Sir::from_sip(&Message::decode(Bytes::from(broken.clone())).unwrap()).unwrap_err();
    assert_eq!(broken[error.offset], b'x');
    let broken = replace(&text, b";gr=urn:uuid:f81d4fae", b";gr=urn:uuid:f81d4fax");
    let error = Sir::from_sip(&Message::decode(Bytes::from(broken.clone())).unwrap()).unwrap_err();
    assert_eq!(broken[error.offset], b'x');
}

/// The golden request with everything that makes it a SIR taken out and put in again.
fn resent(golden: &Message, sir: &Sir) -> Message {
    let uri = String::from_utf8(golden.request_uri_text().to_vec()).unwrap();
    let mut draft = Draft::request(Method::Message, &uri);
    for (name, raw, value) in golden.headers() {
        let ours = matches!(
            name,
            Name::ReplyTo
                | Name::XSirgateSir
                | Name::XSirgateDevice
                | Name::XSirgateAsk
                | Name::XSirgateApp
                | Name::XWapApplicationId
                | Name::MimeVersion
                | Name::ContentType
                | Name::ContentDisposition
        );
        if !ours {
            draft = draft.header_octets(std::str::from_utf8(raw).unwrap(), value);
        }
    }
    sir.onto(draft).finish()
}

fn id(text: &str) -> DeviceId {
    DeviceId::decode(text).unwrap()
}

fn message(path: &Path) -> Message {
    Message::decode(Bytes::from(fs::read(path).unwrap())).unwrap()
}

fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = text
        .windows(from.len())
        .position(|window| window == from)
        .unwrap();
    [&text[..at], to, &text[at + from.len()..]].concat()
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(name)
}

fn files(name: &str, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|own| own == extension))
        .collect();
    files.sort();
    files
}

/// Octets in hexadecimal; lines that begin with `#` are comments.
fn octets(path: &Path) -> Vec<u8> {
    let digits: Vec<u8> = fs::read_to_string(path)
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| {
            line.bytes()
                .filter(u8::is_ascii_hexdigit)
                .collect::<Vec<_>>()
        })
        .collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn compare(path: &Path, printed: &str) {
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, printed).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(printed, expected, "{}", path.display());
}
