//! How long each wire format that no other benchmark has takes to read: one message of the vectors in `testdata`.
//!
//! Run `cargo bench --bench codecs`; an item is one message, and the allocations are counted. SIP is in `sip`, SIRs in
//! `sir`, pushes in `wap`, the content types and PAP in `push_content`, segments in `sms`.
#![expect(clippy::unwrap_used, reason = "measurement")]

use std::fmt;

use bytes::Bytes;
use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher, black_box};
use serde_json::Value;
use sirgate::codec::download_descriptor::Descriptor;
use sirgate::codec::message_summary::MessageSummary;
use sirgate::codec::presence::Presence;
use sirgate::codec::reginfo::Reginfo;
use sirgate::codec::sms::tpdu::From;
use sirgate::codec::sms::{Tpdu, UserData};
use sirgate::codec::wbxml::{Co, Document as _, Emn, Si, Sl};
use sirgate::codec::wsp::Rigour;
use sirgate::codec::{hex, mime, msrp, ota_http, pap, smpp, ussd, wtp};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// A message and what reads it.
#[derive(Clone, Copy)]
struct Case {
    format: &'static str,
    vectors: &'static str,
    name: &'static str,
    read: fn(&Bytes) -> bool,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.format, self.name)
    }
}

impl Case {
    /// The octets of the vector.
    fn octets(&self) -> Bytes {
        let file: Value = serde_json::from_str(self.vectors).unwrap();
        let vectors = file.as_array().or_else(|| file["vectors"].as_array());
        let vector = vectors.unwrap().iter().find(|own| own["name"] == self.name);
        let vector = vector.unwrap();
        match vector["hex"].as_str() {
            Some(digits) => hex::octets(digits).unwrap().into(),
            None => vector["text"].as_str().unwrap().to_owned().into(),
        }
    }
}

macro_rules! case {
    ($format:literal, $file:literal, $name:literal, $read:expr) => {
        Case {
            format: $format,
            vectors: include_str!(concat!("../testdata/", $file, ".json")),
            name: $name,
            read: $read,
        }
    };
}

const CASES: [Case; 20] = [
    case!("pap", "pap/vectors-documents", "pap-push-full", |octets| {
        pap::decode(octets).map(black_box).is_ok()
    }),
    case!(
        "pap",
        "pap/vectors-documents",
        "pap-resultnotification",
        |octets| { pap::decode(octets).map(black_box).is_ok() }
    ),
    case!("si wbxml", "wbxml/si", "si-spec-example", |octets| {
        Si::decode(octets).map(black_box).is_ok()
    }),
    case!("sl wbxml", "wbxml/sl", "sl-kannel", |octets| {
        Sl::decode(octets).map(black_box).is_ok()
    }),
    case!("co wbxml", "wbxml/co", "co-object-service", |octets| {
        Co::decode(octets).map(black_box).is_ok()
    }),
    case!("emn wbxml", "wbxml/emn", "emn-mailat", |octets| {
        Emn::decode(octets).map(black_box).is_ok()
    }),
    case!("si xml", "wbxml/xml", "si-xml-example", |octets| {
        Si::decode_xml(octets).map(black_box).is_ok()
    }),
    case!(
        "wtp",
        "wtp/sessions",
        "wtp-confirmedpush-invoke",
        |octets| {
            let mut rigour = Rigour::Strict;
            wtp::Pdu::decode(octets, &mut rigour).map(black_box).is_ok()
        }
    ),
    case!("wtp", "wtp/sessions", "wtp-connectreply-kannel", |octets| {
        let mut rigour = Rigour::Strict;
        let pdu = wtp::Pdu::decode(octets, &mut rigour);
        pdu.and_then(|pdu| pdu.session(&mut rigour).map(|own| black_box(own).is_some()))
            .is_ok()
    }),
    case!("sms deliver", "sms/tpdu", "deliver-single-sir", |octets| {
        Tpdu::decode(octets, From::ServiceCentre)
            .map(black_box)
            .is_ok()
    }),
    case!("sms user data", "sms/user_data", "seg16-1-of-3", |octets| {
        UserData::decode(octets).map(black_box).is_ok()
    }),
    case!("smpp", "smpp/pdus", "smpp-submit-kannel", |octets| {
        smpp::Pdu::decode(octets).map(black_box).is_ok()
    }),
    case!("ussd udcp", "ussd/udcp", "udcp-msisdn", |octets| {
        ussd::Udcp::decode(octets).map(black_box).is_ok()
    }),
    case!(
        "http request",
        "ota_http/vectors",
        "post-request",
        |octets| {
            ota_http::Message::decode(octets, true)
                .map(black_box)
                .is_ok()
        }
    ),
    case!(
        "http response",
        "ota_http/vectors",
        "options-response-mismatch",
        |octets| {
            ota_http::Message::decode(octets, false)
                .map(black_box)
                .is_ok()
        }
    ),
    case!("pidf", "presence/pidf", "device-of-service", |octets| {
        Presence::decode(octets).map(black_box).is_ok()
    }),
    case!("reginfo", "reginfo/reginfo", "gruus", |octets| {
        Reginfo::decode(octets).map(black_box).is_ok()
    }),
    case!(
        "download descriptor",
        "download/dd",
        "every-element",
        |octets| { Descriptor::decode(octets).map(black_box).is_ok() }
    ),
    case!(
        "message summary",
        "message_summary/message-summary",
        "every-class",
        |octets| { MessageSummary::decode(octets).map(black_box).is_ok() }
    ),
    case!("msrp", "msrp/vectors", "session-03-send", |octets| {
        msrp::Message::decode(octets).map(black_box).is_ok()
    }),
];

#[divan::bench(args = CASES, sample_count = 1000, sample_size = 20)]
fn read(bencher: Bencher<'_, '_>, case: Case) {
    let octets = case.octets();
    assert!((case.read)(&octets), "{case}");
    bencher
        .counter(ItemsCount::new(1_usize))
        .counter(BytesCount::new(octets.len()))
        .bench_local(|| (case.read)(black_box(&octets)));
}

const MULTIPART: &[u8] = b"--asdlfkjiurwghasf\r\nContent-Type: application/xml\r\n\r\n<?xml version=\"1.0\"?><pap/>\r\n\
    --asdlfkjiurwghasf\r\nContent-Type: text/vnd.wap.si\r\nX-Wap-Application-Id: x-wap-application:wml.ua\r\n\r\n\
    <si><indication href=\"http://a.example/\">text</indication></si>\r\n--asdlfkjiurwghasf--\r\n";

/// The parts of a body of two, each with its media type.
#[divan::bench(sample_count = 1000, sample_size = 20)]
fn mime_parts(bencher: Bencher<'_, '_>) {
    let media = "multipart/related; boundary=asdlfkjiurwghasf; type=\"application/xml\"";
    assert_eq!(mime::parts(media, MULTIPART).unwrap().len(), 2);
    bencher
        .counter(ItemsCount::new(1_usize))
        .counter(BytesCount::new(MULTIPART.len()))
        .bench_local(|| {
            for part in mime::parts(black_box(media), black_box(MULTIPART)).unwrap() {
                black_box(mime::MediaType::decode(part.content_type()).unwrap());
            }
        });
}
