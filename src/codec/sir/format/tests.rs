//! What the command line shows of a SIR in each form, and that fields read back.

use serde_json::Value;

use super::*;
use crate::codec::sia;
use crate::codec::sir::{App, Ask, DeviceId, Placement, SiaContent};

const UUID: &str = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
const CONTENT: &[u8] = &[
    0x01, 0x02, 0xB2, 0x82, 0x00, 0x08, 0xC4, 0x00, 0x0F, 0xC3, 0xC0, 0x00, 0x02, 0x09, 0x01, 0x00,
    0x00, 0x00,
];

fn id(text: &str) -> DeviceId {
    DeviceId::decode(text).unwrap()
}

fn full() -> Sir {
    let all = Placement::HEADER | Placement::VALUE | Placement::BODY;
    let mut sir = Sir::new("sip:alice@example.com", "sip:push@ppg.example.com")
        .with_devices(all, &[id(UUID)])
        .with_ask(all, Ask::CAPABILITY | Ask::SEND_CAPABILITY)
        .with_apps(all, &[App::named("x-oma-application:dcd.ua", "DCD")]);
    sir.sia = SiaContent::Binary(Sia::decode(CONTENT).unwrap());
    sir.id = Some("0004".into());
    sir.other_server = Some("sip:push@ppg2.example.com".into());
    sir
}

fn covered(spans: &[Span]) -> usize {
    spans.iter().fold(0, |end, span| {
        assert_eq!(span.at, end, "{}", span.path);
        end.saturating_add(span.len)
    })
}

#[test]
fn a_message_shows_its_rows_and_the_fields_of_its_content() {
    let message = message(&full());
    let octets: &[u8] = message.octets();
    let spans = sip_spans(octets, false);
    assert_eq!(covered(&spans), octets.len());
    let port = spans
        .iter()
        .find(|span| span.path == "sia.contacts[0].port")
        .unwrap();
    assert_eq!(octets[port.at..][..2], [0x0F, 0xC3]);
    let device = spans.iter().find(|span| span.path == "text.gr").unwrap();
    assert_eq!(&octets[device.at..][..3], b"gr=");
    assert_eq!(device.value, UUID);
    assert!(spans.iter().any(|span| span.path == "sip.X-Sirgate-Device"));
}

#[test]
fn every_line_of_the_text_form_has_a_span() {
    let octets = b"gr=esn:80A1B2C3\r\npui=sip:a@b\r\ncolour=red";
    let spans = (FORMAT_TEXT.spans)(octets, false);
    let paths: Vec<&str> = spans.iter().map(|span| span.path.as_str()).collect();
    assert_eq!(paths, ["text.gr", "text.pui", "text.colour"]);
    assert_eq!((spans[1].at, spans[1].len), (17, 13));
    assert_eq!(covered(&spans), octets.len());
    let fields = decode_text(octets, false).unwrap().fields;
    assert_eq!(fields["named"], serde_json::json!(["esn:80A1B2C3"]));
}

#[test]
fn a_deviation_of_the_content_is_refused_strictly_and_listed_leniently() {
    let bare = [0x00, 0x02, 0x82, 0x84, 0x00];
    let mut sir = full();
    sir.sia = SiaContent::Binary(Sia::decode_lenient(&bare).unwrap().0);
    let message = message(&sir);
    let octets: &[u8] = message.octets();
    let error = decode_sip(octets, false).unwrap_err();
    assert_eq!(octets[error.offset], 0x82);
    let odd = decode_sip(octets, true).unwrap().deviations[0];
    assert_eq!(octets[odd.at], 0x82);
    assert_eq!(covered(&sip_spans(octets, true)), octets.len());
}

#[test]
fn fields_of_every_form_read_back_as_the_same_octets() {
    let octets = message(&full()).octets().to_vec();
    let fields = decode_sip(&octets, false).unwrap().fields;
    assert_eq!((FORMAT.encode)(&fields).unwrap(), octets);
    assert_eq!((sia::FORMAT.encode)(&fields).unwrap(), CONTENT);
    let text = (FORMAT_TEXT.encode)(&fields).unwrap();
    let again = decode_text(&text, false).unwrap().fields;
    assert_eq!((FORMAT_TEXT.encode)(&again).unwrap(), text);
}

#[test]
fn fields_that_make_no_sir_are_refused_by_name() {
    let refusal = |fields: Value| sir_of(&fields).unwrap_err().to_string();
    assert!(refusal(serde_json::json!({"client": "sip:a@b"})).contains("server"));
    let base = serde_json::json!({"client": "sip:a@b", "server": "sip:p@b"});
    let with = |name: &str, value: Value| {
        let mut fields = base.clone();
        fields[name] = value;
        fields
    };
    assert!(sir_of(&base).is_ok());
    assert!(refusal(with("colour", "red".into())).contains("colour"));
    let devices = serde_json::json!({"devices": ["uuid:1"]});
    assert!(refusal(with("body", devices)).contains("uuid:1"));
    let ask = serde_json::json!({"ask": ["everything"]});
    assert!(refusal(with("header", ask)).contains("everything"));
    let contact = serde_json::json!({"version": 1, "contacts": [{"address": "here"}]});
    assert!(refusal(with("sia", contact)).contains("here"));
}
