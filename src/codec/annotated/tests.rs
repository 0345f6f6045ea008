//! What is shown of octets, in rows and as JSON.

use super::*;
use crate::codec::{Class, FORMATS, hex};

/// A WSP push header is in front of the body in the octets that the rows are written for.
const FULL: &str = "0102b2820008c40b0fc3c0000209010100 01deadbeef";

fn format(name: &str) -> &'static Format {
    FORMATS.iter().find(|format| format.name == name).unwrap()
}

#[test]
fn every_field_has_a_row_with_its_octets_and_the_clause_once() {
    let octets = hex::octets(FULL).unwrap();
    let read = annotate(format("sia"), &octets, false).unwrap();
    assert_eq!(
        read.to_text(&octets),
        "sia, 22 octets, no deviation\n  \
         sia, version 1                                                                         WAP-235 8.4\n  \
         0000  01                 version               1\n  \
         0001  02                 application list      2 octets\n  \
         0002  b2 82              . Accept-Application  x-wap-application:wml.ua\n  \
         0004  00                 WSP contact points    none\n  \
         0005  08                 contact points        8 octets\n  \
         0006  c4                 . flags               bearer, port, 4-octet address\n  \
         0007  0b                 . bearer              GSM GPRS\n  \
         0008  0f c3              . port                4035\n  \
         000a  c0 00 02 09        . address             192.0.2.9\n  \
         000e  01                 protocol options      1\n  \
         000f  01                 . option              OTA-HTTP, CPITag present\n  \
         0010  00                 provisioning URL      none\n  \
         0011  01                 CPITags               1\n  \
         0012  de ad be ef        . CPITag              deadbeef\n"
    );
}

#[test]
fn a_long_field_takes_several_lines_and_a_text_shows_itself() {
    let span = |at, len, path: &str, value: &str| Span {
        at,
        len,
        path: path.to_owned(),
        value: value.to_owned(),
        clause: "X 1",
    };
    let spans = [
        span(0, 8, "x.address", "eight"),
        span(8, 8, "x.To", "a@b.c"),
    ];
    assert_eq!(
        rows(b"\0\x01\x02\x03\x04\x05\x06\x07To:a@b.c", &spans),
        "  x                                                                                      X 1\n  \
         0000  00 01 02 03 04 05  address               eight\n  \
         0006  06 07\n  \
         0008  text               To                    a@b.c\n"
    );
}

#[test]
fn the_json_has_fields_and_spans() {
    let octets = hex::octets("0102b2820008c4000fc3c000020901000000").unwrap();
    let json = annotate(format("sia"), &octets, false).unwrap().to_json();
    assert_eq!(json["schema"], "sirgate.sir/1");
    assert_eq!(json["form"], "sia");
    assert_eq!(json["fields"]["app_ids"], json!([2]));
    assert_eq!(
        json["fields"]["contacts"][0],
        json!({"bearer": 0, "port": 4035, "address": "192.0.2.9", "protocol": 0})
    );
    assert_eq!(
        json["spans"][7],
        json!({
            "at": 8, "len": 2, "path": "sia.contacts[0].port", "value": 4035, "clause": "WAP-235 8.4"
        })
    );
}

#[test]
fn deviations_are_counted_and_listed() {
    let bare = [0x00, 0x02, 0x82, 0x84, 0x00];
    let fault = annotate(format("sia"), &bare, false).unwrap_err();
    assert_eq!(fault.class, Class::BadValue);
    let text = annotate(format("sia"), &bare, true).unwrap().to_text(&bare);
    assert!(text.contains("1 deviation\n") && text.contains("  0002  deviation: expected B2"));
}

#[test]
fn refused_octets_name_their_fault_and_show_what_stands_before_it() {
    let octets = [0x00, 0x09, 0xB2, 0x82];
    let sia = format("sia");
    let fault = annotate(sia, &octets, true).unwrap_err();
    let json = refused(sia, &fault, &(sia.spans)(&octets, true));
    assert_eq!(
        json["error"],
        json!({
            "format": "sia", "offset": 1, "class": "bad_length",
            "expected": "an application list of that length"
        })
    );
    assert_eq!(json["spans"].as_array().map(Vec::len), Some(2));
}

#[test]
fn fields_are_named_after_the_last_part_of_their_path() {
    for (path, words) in [
        ("wsp.headers_length", "headers length"),
        ("wsp.headers[3].name", ". name"),
        ("sia.app_ids[1]", ". Accept-Application"),
        ("sip.Call-ID", "Call-ID"),
    ] {
        assert_eq!(label(path), words);
    }
}
