//! Content in the forms that ways and devices want.

use super::*;
use crate::codec::wsp::{ContentType, Headers, Rigour, VERSION_NEWEST};

const SI: &[u8] = b"<?xml version=\"1.0\"?><!DOCTYPE si PUBLIC \"-//WAPFORUM//DTD SI 1.0//EN\" \
    \"http://www.wapforum.org/DTD/si.dtd\"><si><indication href=\"http://www.example.com/mail\" created=\"2026-01-01T00:00:00Z\">\
    You have mail</indication></si>";

fn content(content_type: &str, body: &[u8], headers: &[(&str, &str)]) -> Content {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Content {
        application: "x-wap-application:wml.ua".to_owned(),
        content_type: content_type.to_owned(),
        headers: headers.iter().map(own).collect(),
        octets: body.len(),
        body: Bytes::copy_from_slice(body),
    }
}

fn list(accept: &[&str]) -> Vec<String> {
    accept.iter().map(|it| (*it).to_owned()).collect()
}

fn type_of(content: &Content, way: Way, accept: Option<&[&str]>) -> String {
    let accept = accept.map(list);
    let shaped = shaped(content, way, accept.as_deref()).unwrap();
    shaped.content_type.clone()
}

#[test]
fn ppg_gen_s_022_text_becomes_wbxml_where_the_way_wants_binary() {
    let si = content("text/vnd.wap.si; charset=utf-8", SI, &[]);
    let binary = shaped(&si, Way::Wsp, None).unwrap();
    assert_eq!(binary.content_type, "application/vnd.wap.sic");
    // WBXML 1.2, SI 1.0, UTF-8, no string table.
    assert_eq!(&binary.body[..4], [0x02, 0x05, 0x6A, 0x00]);
    assert_eq!(binary.octets, binary.body.len());
    let read = Si::decode(&binary.body).unwrap();
    assert_eq!(read, Si::decode_xml(SI).unwrap());
    for (text, wanted, body) in [
        (
            "text/vnd.wap.sl",
            "application/vnd.wap.slc",
            "<sl href=\"http://www.example.com/\"/>",
        ),
        (
            "text/vnd.wap.co",
            "application/vnd.wap.coc",
            "<co><invalidate-service uri=\"http://www.example.com/\"/></co>",
        ),
    ] {
        let content = content(text, body.as_bytes(), &[]);
        assert_eq!(type_of(&content, Way::Wsp, None), wanted);
        // What knows no binary gets it as it is.
        assert_eq!(type_of(&content, Way::Any, None), text);
    }
}

#[test]
fn ppg_gen_s_018_a_terminal_that_takes_text_alone_gets_text_over_wsp_too() {
    let si = content("text/vnd.wap.si", SI, &[]);
    let wsp = |accept: &[&str]| type_of(&si, Way::Wsp, Some(accept));
    assert_eq!(wsp(&["text/*"]), "text/vnd.wap.si");
    assert_eq!(wsp(&["*/*"]), "application/vnd.wap.sic");
    assert_eq!(wsp(&["application/vnd.wap.sic"]), "application/vnd.wap.sic");
    assert_eq!(wsp(&["image/png"]), "text/vnd.wap.si");
}

#[test]
fn ppg_gen_s_018_binary_becomes_text_for_a_device_that_takes_no_binary() {
    let sic = transformed(
        &content("text/vnd.wap.si", SI, &[]),
        "application/vnd.wap.sic",
    )
    .unwrap();
    let back = shaped(&sic, Way::Any, Some(&list(&["text/vnd.wap.si"]))).unwrap();
    assert_eq!(back.content_type, "text/vnd.wap.si; charset=utf-8");
    assert_eq!(
        Si::decode_xml(&back.body).unwrap(),
        Si::decode_xml(SI).unwrap()
    );
    assert_eq!(
        type_of(&sic, Way::Any, Some(&["application/vnd.wap.sic"])),
        "application/vnd.wap.sic"
    );
}

#[test]
fn ppg_gen_s_003_no_transform_keeps_every_octet() {
    for header in [
        ("Cache-Control", "max-age=5, No-Transform"),
        ("Content-Encoding", "deflate"),
    ] {
        let si = content("text/vnd.wap.si", SI, &[header]);
        assert_eq!(shaped(&si, Way::Wsp, None), Ok(Cow::Borrowed(&si)));
        assert_eq!(other_type(&si), None);
    }
    let si = content("text/vnd.wap.si", SI, &[("Cache-Control", "no-cache")]);
    assert!(other_type(&si).is_some());
}

#[test]
fn ppg_gen_s_004_headers_of_the_old_octets_do_not_go_with_the_new() {
    let headers = [
        ("Content-MD5", "Q2hlY2sgSW50ZWdyaXR5IQ=="),
        ("ETag", "\"1\""),
        ("X-Wap-Content-URI", "http://www.example.com/mail"),
        ("Date", "Thu, 01 Jan 2026 00:00:00 GMT"),
    ];
    let si = content("text/vnd.wap.si", SI, &headers);
    let binary = shaped(&si, Way::Wsp, None).unwrap();
    let names: Vec<&str> = binary.headers.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(names, ["X-Wap-Content-URI", "Date"]);
}

#[test]
fn content_that_is_not_what_it_says_cannot_be_transformed() {
    let broken = content("text/vnd.wap.si", b"<si>", &[]);
    let failure = shaped(&broken, Way::Wsp, None).unwrap_err();
    assert!(
        failure
            .to_string()
            .starts_with("text/vnd.wap.si cannot be had as application/vnd.wap.sic")
    );
    assert_eq!(shaped(&broken, Way::Any, None), Ok(Cow::Borrowed(&broken)));
}

#[test]
fn ppg_gen_s_006_a_registered_application_goes_out_by_its_number() {
    assert_eq!(application("x-wap-application:drm.ua"), "8");
    assert_eq!(application("X-OMA-Application:java-ams"), "12");
    assert_eq!(application("x-mine:app"), "x-mine:app");
    let (_, headers) = wsp_headers(&content("text/plain", b"", &[]), VERSION_NEWEST);
    assert_eq!(headers, [0xAF, 0x82]);
}

#[test]
fn ppg_gen_s_021_headers_go_out_in_their_binary_form() {
    let headers = [
        ("Content-Location", "http://www.example.com/"),
        ("X-Mine", "yes"),
    ];
    let mut push = content("application/vnd.wap.sic", b"", &headers);
    push.application = "x-mine:app".to_owned();
    let (media, octets) = wsp_headers(&push, VERSION_NEWEST);
    assert_eq!(media, [0xAE]);
    let mut rigour = Rigour::of(false);
    let read = Headers::decode(&octets, &mut rigour).unwrap();
    let labels: Vec<String> = read.fields().map(|field| field.label()).collect();
    assert_eq!(
        labels,
        ["X-Wap-Application-Id", "Content-Location", "X-Mine"]
    );
    assert_eq!(octets[0], 0xAF);
    let typed = content("text/plain; charset=utf-8", b"", &[]);
    let (media, _) = wsp_headers(&typed, VERSION_NEWEST);
    let mut cursor = crate::codec::cursor::Cursor::new("wsp", &media);
    let read = ContentType::read(&mut cursor, &mut rigour).unwrap();
    assert!(read.is("text/plain"));
    assert_eq!(media, [0x03, 0x83, 0x81, 0xEA]);
}
