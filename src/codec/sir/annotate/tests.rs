//! What the command line shows of each form, and that fields read back.

use super::*;
use crate::codec::Class;
use crate::codec::sir::{App, Ask, Placement, SiaContent};

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

#[test]
fn the_first_octets_tell_the_form() {
    assert_eq!(Form::guess(CONTENT), Form::Sia);
    assert_eq!(Form::guess(b""), Form::Sia);
    assert_eq!(Form::guess(b"gr=uuid:1"), Form::Text);
    assert_eq!(Form::guess(b"MESSAGE sip:a@b SIP/2.0\r\nVia: x"), Form::Sip);
    assert_eq!("SIP".parse(), Ok(Form::Sip));
    assert!("wsp".parse::<Form>().is_err());
}

#[test]
fn the_json_of_a_body_has_fields_and_spans() {
    let json = annotate(CONTENT, None, false).unwrap().to_json();
    assert_eq!(json["schema"], "sirgate.sir/1");
    assert_eq!(json["form"], "sia");
    assert_eq!(json["fields"]["app_ids"], serde_json::json!([2]));
    assert_eq!(
        json["fields"]["contacts"][0],
        serde_json::json!({"bearer": 0, "port": 4035, "address": "192.0.2.9", "protocol": 0})
    );
    assert_eq!(
        json["spans"][7],
        serde_json::json!({
            "at": 8, "len": 2, "path": "sia.contacts[0].port", "value": 4035, "clause": "WAP-235 8.4"
        })
    );
}

#[test]
fn a_message_shows_its_rows_and_the_fields_of_its_content() {
    let message = message(&full());
    let octets: &[u8] = message.octets();
    let read = annotate(octets, None, false).unwrap();
    assert_eq!(read.form, Form::Sip);
    for span in &read.spans {
        assert!(span.at + span.len <= octets.len());
    }
    let port = read
        .spans
        .iter()
        .find(|span| span.path == "sia.contacts[0].port")
        .unwrap();
    assert_eq!(octets[port.at..][..2], [0x0F, 0xC3]);
    let device = read
        .spans
        .iter()
        .find(|span| span.path == "text.gr")
        .unwrap();
    assert_eq!(&octets[device.at..][..3], b"gr=");
    assert_eq!(device.value, UUID);
    let text = read.to_text(octets);
    assert!(text.starts_with(&format!(
        "sip message, {} octets, no deviation\n",
        octets.len()
    )));
    assert!(text.contains("X-Sirgate-Device     <urn:uuid:"));
    assert!(text.contains(". address             192.0.2.9"));
}

#[test]
fn every_line_of_the_text_form_has_a_span() {
    let octets = b"gr=esn:80A1B2C3\r\npui=sip:a@b\r\ncolour=red";
    let read = annotate(octets, None, false).unwrap();
    let paths: Vec<&str> = read.spans.iter().map(|span| span.path.as_str()).collect();
    assert_eq!(paths, ["text.gr", "text.pui", "text.colour"]);
    assert_eq!((read.spans[1].at, read.spans[1].len), (17, 11));
    assert_eq!(read.fields["named"], serde_json::json!(["esn:80A1B2C3"]));
}

#[test]
fn a_deviation_is_refused_strictly_and_listed_leniently() {
    let bare = [0x00, 0x02, 0x82, 0x84, 0x00];
    assert_eq!(
        annotate(&bare, None, false).unwrap_err().class,
        Class::BadValue
    );
    let read = annotate(&bare, None, true).unwrap();
    assert_eq!(read.deviations.len(), 1);
    assert!(read.to_text(&bare).contains("1 deviation\n"));
    let mut sir = full();
    sir.sia = SiaContent::Binary(Sia::decode_lenient(&bare).unwrap().0);
    let message = message(&sir);
    let octets: &[u8] = message.octets();
    let error = annotate(octets, None, false).unwrap_err();
    assert_eq!(octets[error.offset], 0x82);
    let odd = annotate(octets, None, true).unwrap().deviations[0];
    assert_eq!(octets[odd.at], 0x82);
}

#[test]
fn a_refused_input_names_its_fault_and_shows_what_stands_before_it() {
    let octets = [0x00, 0x09, 0xB2, 0x82];
    let error = annotate(&octets, None, true).unwrap_err();
    assert_eq!(
        refused(&error)["error"],
        serde_json::json!({
            "format": "sia", "offset": 1, "class": "bad_length",
            "expected": "an application list of that length"
        })
    );
    assert_eq!(spans(&octets, Form::Sia, true).len(), 2);
}

#[test]
fn fields_of_every_form_read_back_as_the_same_octets() {
    let octets = message(&full()).octets().to_vec();
    let fields = annotate(&octets, None, false).unwrap().fields;
    assert_eq!(compose(&fields, Form::Sip).unwrap(), octets);
    assert_eq!(compose(&fields, Form::Sia).unwrap(), CONTENT);
    let text = compose(&fields, Form::Text).unwrap();
    let again = annotate(&text, None, false).unwrap().fields;
    assert_eq!(compose(&again, Form::Text).unwrap(), text);
    let bare = annotate(CONTENT, None, false).unwrap().fields;
    assert_eq!(compose(&bare, Form::Sia).unwrap(), CONTENT);
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

#[test]
fn r2_30_r2_31_a_sir_matches_every_device_it_names_and_no_other() {
    let sir = Sir::new("sip:alice@example.com", "sip:push@ppg.example.com").with_devices(
        Placement::BODY,
        &[id(UUID), id("urn:gsma:imei:90420156-025763-0")],
    );
    let verdict = |own: &[&str]| {
        let own: Vec<DeviceId> = own.iter().map(|text| id(text)).collect();
        matching(&sir, &own).verdict
    };
    assert_eq!(verdict(&["F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"]), "match");
    assert_eq!(verdict(&["esn:80A1B2C3", "904201560257637"]), "match");
    assert_eq!(verdict(&["esn:80A1B2C3"]), "mismatch");
    let nobody = Sir::new("sip:alice@example.com", "sip:push@ppg.example.com");
    assert_eq!(matching(&nobody, &[id(UUID)]).verdict, "unnamed");
    let odd = sir.with_devices(Placement::HEADER, &[id("esn:80A1B2C3")]);
    let matched = matching(&odd, &[id(UUID)]);
    assert_eq!(matched.verdict, "conflict");
    assert_eq!(matched.to_json()["by"], serde_json::json!([UUID]));
}
