//! What tshark reads in 500 random connectionless pushes and 500 random datagrams of WTP with the WSP in them: every
//! field equals ours.

use bytes::Bytes;
use serde_json::{Value, json};
use sirgate::codec::format::Format;
use sirgate::codec::{hex, wsp, wtp};
use sirgate::random::Random;

use crate::dissect::{Carriage, MESSAGES, dissect, number, word};

/// Media types that both sides know by a number, and a body where tshark looks into it.
const MEDIA: [(&str, Option<&str>); 4] = [
    (
        "application/vnd.wap.sia",
        Some("0002b28208c40b23f10a000001"),
    ),
    (
        "application/vnd.wap.sic",
        Some("02056a0045c60c03612e6578616d706c652f0001034869000101"),
    ),
    ("text/plain", None),
    ("application/octet-stream", None),
];
/// tshark reads no larger number than this one.
const NUMBERS: u64 = 100_000_000;

#[test]
fn tshark_reads_the_fields_of_connectionless_pushes() {
    let mut random = Random::from_number(0x575350);
    let format = &wsp::fields::FORMAT;
    let messages = random_messages(format, || push(&mut random));
    let fields = [
        "wsp.TID",
        "wsp.pdu_type",
        "wsp.headers_length",
        "wsp.header.content_type",
        "wsp.header.x_wap_application_id",
        "wsp.header.initiator_uri",
        "wsp.header.push_flag.authenticated",
        "wsp.header.push_flag.trusted",
        "wsp.header.push_flag.last",
        "wsp.header.user_agent",
        "wsp.header.content_length",
        "_ws.malformed",
    ];
    let read = dissect(&messages, Carriage::Udp(2948), "wsp", &fields);
    for (number, (octets, read)) in messages.iter().zip(read).enumerate() {
        let ours = decoded(format, octets);
        let spans = (format.spans)(octets, false);
        let headers_len = spans.iter().find(|span| span.path == "headers_len");
        let flags = header(&ours, "Push-Flag").and_then(Value::as_u64);
        let flag = |bit: u64| flags.map_or(String::new(), |it| truth(it & bit != 0));
        let application = header(&ours, "X-Wap-Application-Id").map(application);
        let expected = [
            octet(ours["tid"].as_u64().unwrap()),
            octet(0x06),
            headers_len.unwrap().value.to_string(),
            ours["content_type"].as_str().unwrap().to_owned(),
            application.unwrap_or_default(),
            text(header(&ours, "X-Wap-Initiator-URI")),
            flag(1),
            flag(2),
            flag(4),
            text(header(&ours, "User-Agent")),
            text(header(&ours, "Content-Length")),
            String::new(),
        ];
        assert_eq!(read, expected, "message {number}: {}", hex::digits(octets));
    }
}

#[test]
fn tshark_reads_the_fields_of_wtp_and_of_the_wsp_session_in_it() {
    let mut random = Random::from_number(0x575450);
    let format = &wtp::fields::FORMAT;
    let mut kind = 0;
    let messages = random_messages(format, || {
        kind += 1;
        transaction(&mut random, kind)
    });
    let fields = [
        "wtp.pdu_type",
        "wtp.TID",
        "wtp.TID.response",
        "wtp.RID",
        "wtp.header.TIDNew",
        "wtp.header.UP",
        "wtp.inv.transaction_class",
        "wtp.ack.tvetok",
        "wtp.abort.type",
        "wtp.header.sequence",
        "wtp.header.missing_packets",
        "wsp.pdu_type",
        "wsp.server.session_id",
        "wsp.capability.protocol_opt",
        "wsp.header.content_type",
        "_ws.malformed",
    ];
    let read = dissect(&messages, Carriage::Udp(9201), "wtp", &fields);
    for (number, (octets, read)) in messages.iter().zip(read).enumerate() {
        let ours = decoded(format, octets);
        let (wtp, wsp) = (&ours["wtp"], &ours["wsp"]);
        let tid = wtp["tid"].as_u64().unwrap();
        let expected = [
            pdu_number(wtp["pdu"].as_str().unwrap(), PDUS_OF_WTP),
            format!("0x{:04x}", tid & 0x7FFF),
            truth(tid & 0x8000 != 0),
            of_bool(&wtp["rid"]),
            of_bool(&wtp["tid_new"]),
            of_bool(&wtp["up"]),
            small(&wtp["class"]),
            of_bool(&wtp["tve_tok"]),
            match wtp["type"].as_str() {
                Some("USER") => octet(1),
                Some(_) => octet(0),
                None => String::new(),
            },
            numbers(wtp),
            wtp["missing"]
                .as_array()
                .map_or(String::new(), |all| all.len().to_string()),
            wsp["pdu"]
                .as_str()
                .map_or(String::new(), |name| pdu_number(name, PDUS_OF_WSP)),
            text(Some(&wsp["session_id"])),
            wsp["capabilities"]["Protocol-Options"]
                .as_u64()
                .map_or(String::new(), octet),
            text(Some(&wsp["content_type"])),
            String::new(),
        ];
        assert_eq!(read, expected, "message {number}: {}", hex::digits(octets));
    }
}

const PDUS_OF_WTP: &[(&str, u64)] = &[
    ("Invoke", 1),
    ("Result", 2),
    ("Ack", 3),
    ("Abort", 4),
    ("SegmentedInvoke", 5),
    ("SegmentedResult", 6),
    ("Nack", 7),
];

const PDUS_OF_WSP: &[(&str, u64)] = &[
    ("Connect", 0x01),
    ("ConnectReply", 0x02),
    ("Disconnect", 0x05),
    ("Push", 0x06),
    ("ConfirmedPush", 0x07),
    ("Suspend", 0x08),
    ("Resume", 0x09),
];

fn pdu_number(name: &str, numbers: &[(&str, u64)]) -> String {
    let found = numbers.iter().find(|(known, _)| *known == name);
    octet(found.unwrap_or_else(|| panic!("{name} has no number")).1)
}

fn random_messages(format: &Format, mut next: impl FnMut() -> Value) -> Vec<Bytes> {
    (0..MESSAGES)
        .map(|_| {
            let fields = next();
            let written = (format.encode)(&fields);
            Bytes::from(written.unwrap_or_else(|fault| panic!("{fault:?}: {fields}")))
        })
        .collect()
}

fn decoded(format: &Format, octets: &[u8]) -> Value {
    (format.decode)(octets, false)
        .expect("what we wrote")
        .fields
}

/// A push as a gateway sends it to the port of a terminal.
fn push(random: &mut Random) -> Value {
    let mut fields = content(random);
    fields["tid"] = random.below(256).into();
    fields["pdu"] = "Push".into();
    fields
}

fn content(random: &mut Random) -> Value {
    let mut headers = Vec::new();
    match random.below(3) {
        0 => headers.push(json!({"X-Wap-Application-Id": 1 + random.below(9)})),
        1 => headers.push(json!({"X-Wap-Application-Id": format!("x-{}:{}", word(random, 2, 5), word(random, 1, 9))})),
        _ => {}
    }
    if random.below(2) == 1 {
        headers.push(json!({"X-Wap-Initiator-URI": format!("http://{}.example/{}", word(random, 1, 9), word(random, 0, 9))}));
    }
    if random.below(2) == 1 {
        headers.push(json!({"Push-Flag": 1 + random.below(7)}));
    }
    if random.below(2) == 1 {
        headers.push(json!({"User-Agent": word(random, 1, 20)}));
    }
    let (media, body) = MEDIA[number(random, 4)];
    let body = body.map_or_else(
        || hex::digits(word(random, 0, 60).as_bytes()),
        str::to_owned,
    );
    if random.below(2) == 1 {
        headers.push(json!({"Content-Length": body.len() / 2}));
    }
    json!({"content_type": media, "headers": headers, "body_hex": body})
}

/// A datagram of each kind in turn, with a session PDU where the kind carries one.
fn transaction(random: &mut Random, kind: usize) -> Value {
    let tid = random.below(0x8000);
    let answer = tid | 0x8000;
    let session = random.below(NUMBERS);
    let (application, bearer) = (1 + random.below(9), random.below(20));
    let invoke = |random: &mut Random, class: u64, wsp: Value| {
        json!({
            "wtp": {"pdu": "Invoke", "tid": tid, "class": class, "gtr": true, "ttr": true, "up": random.below(2) == 1,
                "rid": random.below(2) == 1, "tid_new": random.below(2) == 1},
            "wsp": wsp,
        })
    };
    let capabilities = json!({"Client-SDU-Size": 100 + random.below(60_000), "Protocol-Options": random.below(16) << 4,
        "Push-MOR": 1 + random.below(9)});
    match kind % 11 {
        0 => invoke(
            random,
            2,
            json!({"pdu": "Connect", "version": "1.0", "capabilities": capabilities,
            "headers": [{"Accept-Application": application}, {"Encoding-Version": "1.3"}]}),
        ),
        1 => json!({
            "wtp": {"pdu": "Result", "tid": answer, "gtr": true, "ttr": true, "rid": random.below(2) == 1},
            "wsp": {"pdu": "ConnectReply", "session_id": session, "capabilities": capabilities, "headers": []},
        }),
        2 => invoke(
            random,
            0,
            json!({"pdu": "Disconnect", "session_id": session}),
        ),
        3 => invoke(random, 0, json!({"pdu": "Suspend", "session_id": session})),
        4 => invoke(
            random,
            2,
            json!({"pdu": "Resume", "session_id": session, "capabilities": {},
            "headers": [{"Bearer-Indication": bearer}]}),
        ),
        5 | 6 => {
            let mut wsp = content(random);
            wsp["pdu"] = ["Push", "ConfirmedPush"][kind % 11 - 5].into();
            invoke(random, (kind % 11 - 5) as u64, wsp)
        }
        7 => {
            json!({"wtp": {"pdu": "Ack", "tid": answer, "tve_tok": random.below(2) == 1, "rid": random.below(2) == 1}})
        }
        8 => {
            json!({"wtp": {"pdu": "Abort", "tid": answer, "type": (["USER", "PROVIDER"][number(random, 2)]),
            "reason": random.below(9)}})
        }
        9 => json!({
            "wtp": {"pdu": "SegmentedInvoke", "tid": tid, "psn": 1 + random.below(250), "gtr": random.below(2) == 1,
                "ttr": false, "rid": random.below(2) == 1},
            "data_hex": hex::digits(word(random, 1, 40).as_bytes()),
        }),
        _ => {
            let missing: Vec<u64> = (0..1 + random.below(5))
                .map(|_| random.below(256))
                .collect();
            json!({"wtp": {"pdu": "Nack", "tid": answer, "rid": random.below(2) == 1, "missing": missing}})
        }
    }
}

fn header<'a>(fields: &'a Value, name: &str) -> Option<&'a Value> {
    fields["headers"]
        .as_array()?
        .iter()
        .find_map(|it| it.get(name))
}

/// The number of the segment, or those that are missing.
fn numbers(wtp: &Value) -> String {
    let Some(missing) = wtp["missing"].as_array() else {
        return text(Some(&wtp["psn"]));
    };
    let all: Vec<String> = missing.iter().map(ToString::to_string).collect();
    all.join("|")
}

/// As tshark shows a value: nothing when it is not there.
fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// The name of a registered application, or what it is named by.
fn application(value: &Value) -> String {
    let number = value.as_u64().and_then(|it| u32::try_from(it).ok());
    let name = number.and_then(sirgate::codec::sia::application_uri);
    name.map_or_else(|| text(Some(value)), str::to_owned)
}

fn octet(value: u64) -> String {
    format!("0x{value:02x}")
}

fn small(value: &Value) -> String {
    value.as_u64().map_or(String::new(), octet)
}

fn truth(value: bool) -> String {
    if value { "1" } else { "0" }.to_owned()
}

fn of_bool(value: &Value) -> String {
    value.as_bool().map_or(String::new(), truth)
}

#[test]
fn tshark_has_the_names_that_we_have_for_media_types() {
    let numbers: Vec<u32> = (0x00..0x80).chain(0x0201..0x0340).collect();
    let messages: Vec<Bytes> = numbers.iter().map(|number| of_media(*number)).collect();
    let read = dissect(
        &messages,
        Carriage::Udp(2948),
        "wsp",
        &["wsp.header.content_type"],
    );
    let mut ours_alone = Vec::new();
    for (number, read) in numbers.iter().zip(read) {
        let theirs = Some(read[0].as_str()).filter(|name| name.contains('/'));
        match (wsp::media_name(*number), theirs) {
            // It lacks an e there; IANA has the one that we write.
            (
                Some("application/vnd.uplanet.cacheop-wbxml"),
                Some("application/vnd.uplanet.cachop-wbxml"),
            ) => {}
            (Some(_), None) => ours_alone.push(*number),
            (ours, theirs) => assert_eq!(ours, theirs, "{number:#x}"),
        }
    }
    let registered_later = (0x4E..=0x54).chain(0x0302..=0x0308).chain(0x030A..=0x031B);
    assert_eq!(ours_alone, registered_later.collect::<Vec<_>>());
}

/// A push of a media type by its number and an empty body.
fn of_media(number: u32) -> Bytes {
    let media = match u8::try_from(number) {
        Ok(number) if number < 0x80 => vec![number | 0x80],
        _ => [&[3, 2][..], &number.to_be_bytes()[2..]].concat(),
    };
    let len = u8::try_from(media.len()).unwrap_or_default();
    Bytes::from([&[1, 6, len][..], &media].concat())
}
