//! What tshark reads in 500 random valid messages of each format: every field equals ours.

use std::process::Command;

use bytes::Bytes;
use serde_json::{Value, json};
use sirgate::codec::format::Format;
use sirgate::codec::sia::{AppId, BearerAddress, Contact, ProvUrl, Sia};
use sirgate::codec::sip::{Draft, Message, Method, Name};
use sirgate::codec::{Span, hex, msrp, ota_http};
use sirgate::random::Random;

use crate::lab;

pub(crate) const MESSAGES: usize = 500;

/// What a message travels in.
#[derive(Clone, Copy)]
pub(crate) enum Carriage {
    Udp(u16),
    Tcp(u16),
}

#[test]
fn tshark_reads_the_fields_of_sip_messages_and_of_the_sia_content_in_them() {
    let mut random = Random::from_number(0x5157);
    let messages: Vec<Bytes> = (0..MESSAGES).map(|_| sir(&mut random)).collect();
    let fields = [
        "sip.Method",
        "sip.r-uri",
        "sip.Call-ID",
        "sip.CSeq.seq",
        "sip.from.tag",
        "sip.Via.branch",
        "sip.Content-Type",
        "wap.sir.version",
        "wap.sir.app_id_list.length",
        "wap.sir.wsp_contact_points.length",
        "wap.sir.contact_points.length",
        "wap.sir.protocol_options",
        "wap.sir.prov_url",
        "wap.sir.cpi_tag",
        "_ws.malformed",
    ];
    let read = dissect(&messages, Carriage::Udp(5060), "sip", &fields);
    for (number, (octets, read)) in messages.iter().zip(read).enumerate() {
        let message = Message::decode(octets.clone()).unwrap();
        let sia = Sia::decode(message.body()).unwrap();
        let spans = Sia::spans(message.body(), false);
        let protocols: Vec<String> = sia.protocols.iter().map(ToString::to_string).collect();
        let tags: Vec<String> = sia.cpi_tags.iter().map(|tag| hex::digits(tag)).collect();
        let ours = [
            message.method_text().to_owned(),
            message.request_uri().unwrap().as_str().to_owned(),
            message.call_id().unwrap().to_owned(),
            message.cseq().unwrap().number.to_string(),
            message.from().unwrap().tag().unwrap().to_owned(),
            message.via().unwrap().branch.unwrap().to_owned(),
            message.content_type().unwrap().to_owned(),
            sia.version.to_string(),
            length(&spans, "sia.app_ids"),
            length(&spans, "sia.wsp_contacts"),
            length(&spans, "sia.contacts"),
            protocols.join("|"),
            sia.prov_url.url().unwrap_or_default().to_owned(),
            tags.join("|"),
            String::new(),
        ];
        assert_eq!(read, ours, "message {number}: {}", hex::digits(octets));
        assert!(message.header(Name::XWapApplicationId).is_some());
    }
}

#[test]
fn tshark_reads_the_fields_of_msrp_messages() {
    let mut random = Random::from_number(0x4D53);
    let messages: Vec<Bytes> = (0..MESSAGES).map(|_| chunk(&mut random)).collect();
    let fields = [
        "msrp.transaction.id",
        "msrp.method",
        "msrp.status.code",
        "msrp.to.path",
        "msrp.from.path",
        "msrp.messageid",
        "msrp.byte.range",
        "msrp.success.report",
        "msrp.failure.report",
        "msrp.content.type",
        "msrp.cnt.flg",
        "_ws.malformed",
    ];
    let read = dissect(&messages, Carriage::Tcp(2855), "msrp", &fields);
    for (octets, read) in messages.iter().zip(read) {
        let ours = decoded(&msrp::format::FORMAT, octets);
        let text = |name: &str| text_of(&ours[name]);
        let header = |name: &str| {
            let rows = ours["headers"].as_array().unwrap();
            let value = rows.iter().find_map(|row| row.get(name));
            value.map(text_of).unwrap_or_default()
        };
        let paths = |name: &str| {
            let uris: Vec<String> = ours[name].as_array().unwrap().iter().map(text_of).collect();
            uris.join(" ")
        };
        let ours = [
            // The start line and the end-line both have it.
            format!("{0}|{0}", text("tid")),
            text("method"),
            text("status"),
            paths("to_path"),
            paths("from_path"),
            header("Message-ID"),
            header("Byte-Range"),
            header("Success-Report"),
            header("Failure-Report"),
            header("Content-Type"),
            text("flag"),
            String::new(),
        ];
        assert_eq!(read, ours, "{}", String::from_utf8_lossy(octets));
    }
}

#[test]
fn tshark_reads_the_rows_of_push_over_http() {
    let mut random = Random::from_number(0x4854);
    let messages: Vec<Bytes> = (0..MESSAGES).map(|_| ota_request(&mut random)).collect();
    let fields = [
        "http.request.method",
        "http.request.uri",
        "http.request.line",
        "_ws.malformed",
    ];
    let read = dissect(&messages, Carriage::Tcp(80), "http", &fields);
    for (octets, read) in messages.iter().zip(read) {
        let ours = decoded(&ota_http::REQUEST_FORMAT, octets);
        let rows: Vec<String> = ours["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                format!("{}: {}", text_of(&row[0]), text_of(&row[1]))
                    .trim_end()
                    .to_owned()
            })
            .collect();
        let theirs = read.get(2).unwrap().replace("\\r\\n", "");
        let theirs: Vec<&str> = theirs.split('|').map(str::trim_end).collect();
        assert_eq!(theirs, rows);
        let start = [text_of(&ours["method"]), text_of(&ours["uri"])];
        assert_eq!(read.get(..2).unwrap(), start);
        assert_eq!(read.get(3).map(String::as_str), Some(""), "malformed");
    }
}

fn decoded(format: &Format, octets: &[u8]) -> Value {
    (format.decode)(octets, false).unwrap().fields
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Octets of a list, as its span tells.
fn length(spans: &[Span], path: &str) -> String {
    let span = spans.iter().find(|span| span.path == path).unwrap();
    let octets = span.value.strip_suffix(" octets").unwrap_or("0");
    octets.to_owned()
}

pub(crate) fn number(random: &mut Random, bound: u64) -> usize {
    usize::try_from(random.below(bound)).unwrap()
}

pub(crate) fn word(random: &mut Random, from: usize, more: u64) -> String {
    let len = from + number(random, more);
    (0..len)
        .map(|_| char::from(b"abcdefghijklmnopqrstuvwxyz0123456789"[number(random, 36)]))
        .collect()
}

fn contact(random: &mut Random) -> Contact {
    let [bearer, a, b, c] = random.octets::<4>();
    let [high, low] = random.octets::<2>();
    let address = match random.below(3) {
        0 => BearerAddress::from(std::net::Ipv4Addr::new(192, a, b, c)),
        1 => BearerAddress::from(std::net::Ipv6Addr::from(random.octets::<16>())),
        _ => BearerAddress::new(word(random, 0, 20).as_bytes()).unwrap(),
    };
    let has = random.below(4);
    Contact {
        bearer: (has & 1 == 0).then_some(bearer % 30),
        port: (has & 2 == 0).then_some(u16::from_be_bytes([high, low])),
        address,
    }
}

fn sir(random: &mut Random) -> Bytes {
    let app_ids = (0..1 + number(random, 3))
        .map(|_| match random.below(3) {
            0 => AppId::Uri(format!("x-example:{}", word(random, 1, 8))),
            _ => AppId::Code(1 + u32::try_from(random.below(127)).unwrap()),
        })
        .collect();
    let contacts: Vec<Contact> = (0..number(random, 3)).map(|_| contact(random)).collect();
    let protocols = contacts
        .iter()
        .map(|_| u32::from(random.below(2) == 1))
        .collect();
    let mut sia = Sia::new(app_ids, contacts, protocols);
    sia.wsp_contacts = (0..number(random, 3)).map(|_| contact(random)).collect();
    if random.below(2) == 1 {
        sia.prov_url = ProvUrl::of_url(&format!("http://{}.example/", word(random, 1, 9))).unwrap();
    }
    sia.cpi_tags = (0..number(random, 3))
        .map(|_| random.octets::<4>())
        .collect();
    let user = word(random, 1, 9);
    let uri = format!("sip:{user}@{}.example.com", word(random, 1, 5));
    Draft::request(Method::Message, &uri)
        .header("Max-Forwards", 70)
        .header(
            "From",
            format_args!("<sip:push@ppg.example.com>;tag={}", word(random, 4, 8)),
        )
        .header("To", format_args!("<sip:{user}@example.com>"))
        .header(
            "Call-ID",
            format_args!("{}@ppg.example.com", word(random, 8, 8)),
        )
        .header("CSeq", format_args!("{} MESSAGE", random.below(1 << 31)))
        .header("X-Wap-Application-Id", "x-wap-application:push.sia")
        .body("application/vnd.wap.sia", &sia.encode())
        .finish_with_via(&format!(
            "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{}",
            word(random, 6, 6)
        ))
        .octets()
        .clone()
}

fn chunk(random: &mut Random) -> Bytes {
    let uri = |random: &mut Random| {
        format!(
            "msrp://192.0.2.{}:2855/{};tcp",
            random.below(250),
            word(random, 8, 8)
        )
    };
    let (to, from) = (vec![uri(random)], vec![uri(random)]);
    let tid = format!("t{}", word(random, 8, 8));
    let request = msrp::Request::new(msrp::Method::Send, &tid, to, from);
    if random.below(4) == 0 {
        return request.answer([200, 413, 481][number(random, 3)]).encode();
    }
    let total = 1 + number(random, 60);
    let yes = ["yes", "no"][number(random, 2)];
    let mut request = request
        .header("Message-ID", format!("m{}", word(random, 4, 8)))
        .header("Byte-Range", format!("1-{total}/{total}"))
        .header("Success-Report", yes)
        .header(
            "Failure-Report",
            ["yes", "no", "partial"][number(random, 3)],
        )
        .content("text/plain", Bytes::from(word(random, total, 1)));
    request.flag = [msrp::Flag::Last, msrp::Flag::More, msrp::Flag::Abort][number(random, 3)];
    request.encode()
}

fn ota_request(random: &mut Random) -> Bytes {
    let tag = ota_http::CpiTag(random.octets::<4>()).to_string();
    let mut fields = json!({
        "method": "OPTIONS", "host": "", "ota_version": ["1.0", "1.*"], "cpi_tag": tag,
        "prov_url": format!("http://{}.example/", word(random, 1, 9)),
    });
    if random.below(2) == 1 {
        fields["method"] = "POST".into();
        fields["push_info"] = json!(["authenticated", word(random, 3, 6)]);
        fields["inner"] = json!({
            "headers": {"Content-Type": "text/plain", "X-Wap-Application-Id": word(random, 3, 9)},
            "body_hex": hex::digits(word(random, 0, 40).as_bytes()),
        });
    }
    Bytes::from((ota_http::REQUEST_FORMAT.encode)(&fields).unwrap())
}

/// The fields of each message as tshark prints them; a field that stands more than once has bars between its values.
pub(crate) fn dissect(
    messages: &[Bytes],
    carriage: Carriage,
    protocol: &str,
    fields: &[&str],
) -> Vec<Vec<String>> {
    let folder = lab::folder();
    let file = folder.path().join("messages.pcap");
    std::fs::write(&file, pcap(messages, carriage)).unwrap();
    let port = match carriage {
        Carriage::Udp(port) => format!("udp.port=={port},{protocol}"),
        Carriage::Tcp(port) => format!("tcp.port=={port},{protocol}"),
    };
    let mut tshark = Command::new("tshark");
    tshark.arg("-r").arg(&file);
    tshark.args(["-d", &port, "-T", "fields", "-E", "aggregator=|"]);
    for field in fields {
        tshark.args(["-e", field]);
    }
    let output = tshark.output().expect("tshark runs");
    assert!(output.status.success(), "{}", lab::stderr(&output));
    let lines: Vec<Vec<String>> = lab::stdout(&output)
        .lines()
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect();
    assert_eq!(lines.len(), messages.len(), "one line a message");
    println!("{protocol}: {} messages", lines.len());
    lines
}

/// A capture of raw IPv4 packets, one message each; checksums are left out.
fn pcap(messages: &[Bytes], carriage: Carriage) -> Vec<u8> {
    let mut out = Vec::new();
    for word in [0xA1B2_C3D4_u32, 0x0004_0002, 0, 0, 65_535, 101] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    for (number, message) in (0_u16..).zip(messages) {
        // Every message has a connection of its own.
        let packet = packet(message, carriage, 10_000 + number);
        let len = u32::try_from(packet.len()).unwrap();
        for word in [u32::from(number), 0, len, len] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.extend(packet);
    }
    out
}

fn packet(message: &[u8], carriage: Carriage, from_port: u16) -> Vec<u8> {
    let (protocol, port, mut segment) = match carriage {
        Carriage::Udp(port) => {
            let len = u16::try_from(message.len() + 8).unwrap();
            (17, port, [len.to_be_bytes(), [0, 0]].concat())
        }
        Carriage::Tcp(port) => {
            let rest = [0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 0xFF, 0xFF, 0, 0, 0, 0];
            (6, port, rest.to_vec())
        }
    };
    segment.extend_from_slice(message);
    let len = u16::try_from(20 + 4 + segment.len()).unwrap().to_be_bytes();
    let mut out = vec![0x45, 0, len[0], len[1], 0, 0, 0x40, 0, 64, protocol, 0, 0];
    out.extend_from_slice(&[192, 0, 2, 1, 192, 0, 2, 2]);
    out.extend_from_slice(&from_port.to_be_bytes());
    out.extend_from_slice(&port.to_be_bytes());
    out.extend(segment);
    out
}
