//! What tshark makes of short messages and SMPP PDUs of ours, and an SMPP session with Net::SMPP.
//!
//! The messages are random and valid, from a fixed seed; every field that tshark prints must be the one that we read.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use sirgate::codec::smpp::{self, Body, Message, Party, Pdu, Tlvs, UDHI};
use sirgate::codec::sms::{Ports, Reference, segments};
use sirgate::codec::vector::format;

/// Random messages of each kind.
const MESSAGES: usize = 500;

/// A link layer that is whatever the user says, here SMS TPDUs.
const USER_0: u16 = 147;
const IPV4: u16 = 228;

#[test]
fn tshark_reads_the_fields_of_random_pdus_as_we_do() {
    let mut random = Xorshift(0x5347_5050);
    let values: Vec<Value> = (0..MESSAGES)
        .map(|number| random_pdu(&mut random, number))
        .collect();
    let frames: Vec<(Vec<u8>, u32)> = values
        .iter()
        .enumerate()
        .map(|(number, value)| (tcp(number, &written("smpp", value)), 2))
        .collect();
    let rows = tshark(
        IPV4,
        &frames,
        &[],
        SMPP_FIELDS.iter().map(|(_, field)| *field),
    );
    let mut compared = 0;
    for ((value, row), (octets, _)) in values.iter().zip(&rows).zip(&frames) {
        let mut ours = read("smpp", &octets[40..]);
        // The status of a request is none, and tshark does not print it.
        if value["command"]
            .as_str()
            .is_some_and(|it| !it.ends_with("_resp"))
        {
            ours["status"] = Value::Null;
        }
        for ((name, _), theirs) in SMPP_FIELDS.iter().zip(row) {
            compared += agree(&ours, name, theirs, value);
        }
    }
    println!("{MESSAGES} PDUs, {compared} fields agree");
    assert!(compared > MESSAGES * 6);
}

#[test]
fn tshark_reads_the_fields_of_random_tpdus_as_we_do() {
    let mut random = Xorshift(0x534d_5300);
    let values: Vec<(&str, Value)> = (0..MESSAGES)
        .map(|number| random_tpdu(&mut random, number))
        .collect();
    let frames: Vec<(Vec<u8>, u32)> = values
        .iter()
        // The flag of a frame tells the dissector who sent it: 1 the mobile, 2 the service centre.
        .map(|(kind, value)| {
            (
                written(kind, value),
                if *kind == "sms-submit" { 1 } else { 2 },
            )
        })
        .collect();
    let options = [
        "uat:user_dlts:\"User 0 (DLT=147)\",\"gsm_sms\",\"0\",\"\",\"0\",\"\"",
        "gsm_sms.reassemble:FALSE",
    ];
    let rows = tshark(
        USER_0,
        &frames,
        &options,
        SMS_FIELDS.iter().map(|(_, field)| *field),
    );
    let mut compared = 0;
    for (((kind, value), row), (octets, _)) in values.iter().zip(&rows).zip(&frames) {
        let ours = flat(&read(kind, octets));
        for ((name, _), theirs) in SMS_FIELDS.iter().zip(row) {
            compared += agree(&ours, name, theirs, value);
        }
    }
    println!("{MESSAGES} TPDUs, {compared} fields agree");
    assert!(compared > MESSAGES * 6);
}

/// Net::SMPP binds, sends a push in two segments, and takes one.
#[test]
fn net_smpp_binds_submits_and_takes_a_push() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener
        .local_addr()
        .expect("its address")
        .port()
        .to_string();
    let push: Vec<u8> = (0..200_u8).collect();
    let mut parts = segments(&push, Ports::PUSH, Reference::Sixteen(7)).expect("segments");
    let digits: Vec<String> = parts.iter().map(|part| hex(part)).collect();
    let perl = Command::new("perl")
        .args(["-e", PERL, &port])
        .args(&digits)
        .stdout(Stdio::piped())
        .spawn()
        .expect("perl runs");
    let (mut stream, _) = listener.accept().expect("a connection");
    let mut submitted = Vec::new();
    loop {
        let octets = next(&mut stream);
        let pdu = Pdu::decode(&octets).expect("a PDU");
        let body = match pdu.body {
            Body::Bind(bind) => {
                assert_eq!(bind.system_id, "ppg".into());
                assert_eq!(bind.interface_version, 0x34);
                Body::BindResponse("smsc".into())
            }
            Body::Message(message) => {
                assert_eq!(message.destination.address, "15550001".into());
                submitted.push(message.short_message.to_vec());
                Body::MessageResponse("0A1B".into())
            }
            _ => Body::Empty,
        };
        let answer = Pdu::new(pdu.command.response(), pdu.sequence, body);
        stream
            .write_all(&answer.encode().expect("an answer"))
            .expect("sent");
        if pdu.command == smpp::Command::UNBIND {
            break;
        }
        if submitted.len() == parts.len() && pdu.command == smpp::Command::ENQUIRE_LINK {
            stream.write_all(&deliver(&parts[0])).expect("sent");
            let answer = next(&mut stream);
            let answer = Pdu::decode(&answer).expect("its answer");
            assert_eq!(
                (answer.command, answer.sequence),
                (smpp::Command::DELIVER_SM_RESP, 77)
            );
        }
    }
    let output = perl.wait_with_output().expect("its end");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    print!("{told}");
    assert!(output.status.success(), "{told}");
    assert_eq!(submitted, parts);
    let expected = format!("PPG 15550001 64 4 {} 1234", hex(&parts.remove(0)));
    assert!(told.lines().any(|line| line == expected), "{told}");
}

/// A deliver_sm with a header in its message and a parameter.
fn deliver(short_message: &[u8]) -> Vec<u8> {
    let message = Message {
        source: Party {
            ton: 5,
            npi: 0,
            address: "PPG".into(),
        },
        destination: Party {
            ton: 1,
            npi: 1,
            address: "15550001".into(),
        },
        esm_class: UDHI,
        data_coding: 4,
        short_message,
        ..Message::default()
    };
    let mut tlvs = Vec::new();
    smpp::put_number(&mut tlvs, smpp::tag::USER_MESSAGE_REFERENCE, 0x1234);
    let mut pdu = Pdu::new(smpp::Command::DELIVER_SM, 77, Body::Message(message));
    pdu.tlvs = Tlvs::decode(&tlvs).expect("parameters");
    pdu.encode().expect("a PDU")
}

/// A client that binds, submits its arguments, asks for a message, tells it, and goes.
const PERL: &str = r#"
use strict; use Net::SMPP; my ($port, @parts) = @ARGV;
my ($smpp, $resp) = Net::SMPP->new_transceiver('127.0.0.1', port => $port, system_id => 'ppg', password => 'pw',
    system_type => '', interface_version => 0x34) or die "no bind: $!";
die "bind status $resp->{status}" if $resp->{status}; print "bound to $resp->{system_id}\n";
for my $part (@parts) {
    my $r = $smpp->submit_sm(destination_addr => '15550001', source_addr => 'PPG', source_addr_ton => 5,
        dest_addr_ton => 1, dest_addr_npi => 1, esm_class => 0x40, data_coding => 4, short_message => pack('H*', $part));
    die "submit status $r->{status}" if $r->{status}; print "submitted $r->{message_id}\n";
}
$smpp->enquire_link() or die 'no link';
my $pdu = $smpp->read_pdu() or die 'no deliver_sm';
my $reference = $pdu->{user_message_reference};
print join(' ', $pdu->{source_addr}, $pdu->{destination_addr}, $pdu->{esm_class}, $pdu->{data_coding},
    unpack('H*', $pdu->{short_message}), unpack('H*', $reference)), "\n";
$smpp->deliver_sm_resp(message_id => '', seq => $pdu->{seq});
$smpp->unbind();
"#;

/// Our names and tshark's.
const SMPP_FIELDS: &[(&str, &str)] = &[
    ("sequence", "smpp.sequence_number"),
    ("status", "smpp.command_status"),
    ("system_id", "smpp.system_id"),
    ("password", "smpp.password"),
    ("system_type", "smpp.system_type"),
    ("interface_version", "smpp.interface_version"),
    ("address_range", "smpp.address_range"),
    ("service_type", "smpp.service_type"),
    ("source_ton", "smpp.source_addr_ton"),
    ("source_npi", "smpp.source_addr_npi"),
    ("source", "smpp.source_addr"),
    ("dest_ton", "smpp.dest_addr_ton"),
    ("dest_npi", "smpp.dest_addr_npi"),
    ("dest", "smpp.destination_addr"),
    ("protocol_id", "smpp.protocol_id"),
    ("priority_flag", "smpp.priority_flag"),
    ("replace_if_present_flag", "smpp.replace_if_present_flag"),
    ("data_coding", "smpp.data_coding"),
    ("sm_default_msg_id", "smpp.sm_default_msg_id"),
    ("sm_length", "smpp.sm_length"),
    ("message_id", "smpp.message_id"),
    ("message_state", "smpp.message_state"),
    ("error_code", "smpp.error_code"),
    ("esme", "smpp.esme_addr"),
    ("tlvs.source_port", "smpp.source_port"),
    ("tlvs.destination_port", "smpp.destination_port"),
    ("tlvs.sar_msg_ref_num", "smpp.sar_msg_ref_num"),
    ("tlvs.sar_total_segments", "smpp.sar_total_segments"),
    ("tlvs.sar_segment_seqnum", "smpp.sar_segment_seqnum"),
    ("tlvs.user_message_reference", "smpp.user_message_reference"),
    ("tlvs.receipted_message_id", "smpp.receipted_message_id"),
    ("tlvs.message_payload_hex", "smpp.message_payload"),
];

const SMS_FIELDS: &[(&str, &str)] = &[
    ("type", "gsm_sms.tp-mti"),
    ("mr", "gsm_sms.tp-mr"),
    ("oa", "gsm_sms.tp-oa"),
    ("da", "gsm_sms.tp-da"),
    ("ra", "gsm_sms.tp-ra"),
    ("pid", "gsm_sms.tp-pid"),
    ("dcs", "gsm_sms.tp-dcs"),
    ("udl", "gsm_sms.tp.user_data_length"),
    ("dst_port", "gsm_sms.destination_port"),
    ("src_port", "gsm_sms.originator_port"),
    ("ref", "gsm_sms.udh.mm.msg_id"),
    ("total", "gsm_sms.udh.mm.msg_parts"),
    ("seq", "gsm_sms.udh.mm.msg_part"),
    ("text", "gsm_sms.sms_text"),
    ("month", "gsm_sms.scts.month"),
    ("minute", "gsm_sms.scts.minutes"),
];

/// One field of both; how many were compared.
fn agree(ours: &Value, name: &str, theirs: &str, value: &Value) -> usize {
    let mut at = ours;
    for part in name.split('.') {
        at = at.get(part).unwrap_or(&Value::Null);
    }
    let same = match at {
        Value::Null => return 0,
        Value::Number(number) => {
            let digits = theirs.strip_prefix("0x");
            let theirs = digits.map_or_else(
                || theirs.parse().ok(),
                |it| u64::from_str_radix(it, 16).ok(),
            );
            theirs == number.as_u64()
        }
        Value::String(text) if name.ends_with("_hex") => theirs.replace(':', "") == *text,
        // What tshark calls a service_type that is empty.
        Value::String(text) if text.is_empty() => theirs.is_empty() || theirs == "(Default)",
        Value::String(text) => theirs == text,
        _ => false,
    };
    assert!(same, "{name}: ours {at}, tshark's {theirs:?}, of {value}");
    1
}

/// A TPDU's fields with those of its header and time stamp beside them, as tshark has them.
fn flat(fields: &Value) -> Value {
    let mut flat = fields.clone();
    for element in fields["udh"].as_array().into_iter().flatten() {
        for (name, value) in element.as_object().into_iter().flatten() {
            flat[name] = value.clone();
        }
    }
    flat["type"] = match fields["mti"].as_str() {
        Some("DELIVER") => 0,
        Some("SUBMIT") => 1,
        _ => 2,
    }
    .into();
    for name in ["oa", "da", "ra"] {
        if let Some(address) = fields[name].as_str() {
            flat[name] = address.trim_start_matches('+').into();
        }
    }
    if let (Some(stamp), "DELIVER") = (
        fields["scts"].as_str(),
        fields["mti"].as_str().unwrap_or_default(),
    ) {
        flat["month"] = stamp[5..7].parse::<u64>().expect("a month").into();
        flat["minute"] = stamp[14..16].parse::<u64>().expect("a minute").into();
    }
    flat
}

fn random_pdu(random: &mut Xorshift, number: usize) -> Value {
    let mut fields = json!({"sequence": number + 1, "status": 0});
    match number % 10 {
        0 => {
            fields["command"] = "bind_transceiver".into();
            fields["interface_version"] = 0x34.into();
            fields["system_id"] = random.word(0, 15).into();
            fields["password"] = random.word(0, 8).into();
            fields["system_type"] = random.word(0, 12).into();
            fields["address_range"] = random.word(0, 40).into();
        }
        1 => {
            fields["command"] = "bind_receiver_resp".into();
            fields["system_id"] = random.word(0, 15).into();
        }
        2 => {
            fields["command"] = "data_sm".into();
            party(random, "source", &mut fields);
            party(random, "dest", &mut fields);
            fields["data_coding"] = 4.into();
            let octets = random.octets(100);
            fields["tlvs"] = json!({"message_payload_hex": hex(&octets)});
        }
        3 => {
            fields["command"] = "query_sm_resp".into();
            fields["message_id"] = random.word(1, 64).into();
            fields["message_state"] = random.below(10).into();
            fields["error_code"] = random.below(256).into();
        }
        4 => {
            fields["command"] = "cancel_sm".into();
            fields["message_id"] = random.word(0, 64).into();
            party(random, "source", &mut fields);
            party(random, "dest", &mut fields);
        }
        5 => {
            fields["command"] = "submit_sm_resp".into();
            // A response that failed has no parameters.
            let status = random.pick(&[0, 8, 0x58]);
            fields["status"] = status.into();
            if status == 0 {
                fields["message_id"] = random.word(1, 64).into();
            }
        }
        6 => {
            fields["command"] = "alert_notification".into();
            party(random, "source", &mut fields);
            party(random, "esme", &mut fields);
        }
        _ => random_message(random, number, &mut fields),
    }
    fields
}

/// Submit_sm or deliver_sm, with a header in the message or ports beside it.
fn random_message(random: &mut Xorshift, number: usize, fields: &mut Value) {
    let is_submit = number.is_multiple_of(2);
    fields["command"] = if is_submit { "submit_sm" } else { "deliver_sm" }.into();
    party(random, "source", fields);
    party(random, "dest", fields);
    fields["service_type"] = random.word(0, 5).into();
    fields["protocol_id"] = random.below(64).into();
    fields["priority_flag"] = random.below(4).into();
    fields["data_coding"] = 4.into();
    fields["sm_default_msg_id"] = random.below(255).into();
    let octets = random.octets(120);
    fields["payload_hex"] = hex(&octets).into();
    if random.below(2) == 0 {
        let ports = json!({"iei": 5, "dst_port": 16_000 + random.below(999), "src_port": 16_000 + random.below(999)});
        fields["udh"] = json!([ports]);
        fields["esm_class"] = 64.into();
    } else {
        fields["tlvs"] = json!({
            "source_port": random.below(65_536), "destination_port": 16_000 + random.below(999),
            "user_message_reference": random.below(65_536), "receipted_message_id": random.word(1, 64),
        });
    }
}

fn party(random: &mut Xorshift, name: &str, fields: &mut Value) {
    fields[format!("{name}_ton")] = random.below(7).into();
    fields[format!("{name}_npi")] = random.pick(&[0, 1, 3, 4, 6, 8, 9, 10, 14, 18]).into();
    fields[name] = random.word(0, 20).into();
}

fn random_stamp(random: &mut Xorshift) -> String {
    format!(
        "20{:02}-{:02}-{:02}T{:02}:{:02}:{:02}+{:02}:00",
        random.below(90),
        random.below(12) + 1,
        random.below(28) + 1,
        random.below(24),
        random.below(60),
        random.below(60),
        random.below(13),
    )
}

fn random_tpdu(random: &mut Xorshift, number: usize) -> (&'static str, Value) {
    let coding = random.pick(&[0x00, 0x04, 0x08, 0xF0, 0xF5]);
    let address = format!("+1{}", random.digits(3, 14));
    let stamp = random_stamp(random);
    let mut fields = json!({"pid": 0, "dcs": coding});
    match coding {
        0x04 | 0xF5 => {
            let octets = random.octets(100);
            fields["payload_hex"] = hex(&octets).into();
        }
        _ => fields["text"] = random.text(60).into(),
    }
    if random.below(2) == 0 {
        let total = random.below(9) + 1;
        let place = json!({"iei": 8, "ref": random.below(65_536), "total": total, "seq": random.below(total) + 1});
        let ports = json!({"iei": 5, "dst_port": 16_000 + random.below(999), "src_port": 16_000 + random.below(999)});
        fields["udh"] = if coding == 0x04 || coding == 0xF5 {
            json!([ports, place])
        } else {
            json!([place])
        };
    }
    let kind = match number % 3 {
        0 => {
            fields["mti"] = "DELIVER".into();
            fields["oa"] = address.into();
            fields["scts"] = stamp.into();
            fields["mms"] = (random.below(2) == 0).into();
            "sms-deliver"
        }
        1 => {
            fields["mti"] = "SUBMIT".into();
            fields["da"] = address.into();
            fields["mr"] = random.below(256).into();
            fields["srr"] = (random.below(2) == 0).into();
            match random.below(3) {
                0 => fields["vpf"] = "none".into(),
                1 => {
                    fields["vpf"] = "relative".into();
                    fields["vp"] = random.below(256).into();
                }
                _ => {
                    fields["vpf"] = "absolute".into();
                    fields["vp"] = stamp.into();
                }
            }
            "sms-submit"
        }
        _ => {
            let report = json!({
                "mti": "STATUS-REPORT", "ra": address, "mr": random.below(256), "scts": stamp, "dt": stamp,
                "st": random.pick(&[0, 1, 0x20, 0x30, 0x46]),
            });
            return ("sms-deliver", report);
        }
    };
    (kind, fields)
}

fn written(kind: &str, value: &Value) -> Vec<u8> {
    let format = format(kind).expect("a format");
    (format.encode)(value).expect("fields that can be written")
}

fn read(kind: &str, octets: &[u8]) -> Value {
    let format = format(kind).expect("a format");
    let read = (format.decode)(octets, false);
    read.expect("octets that can be read").fields
}

/// The next PDU of a stream.
fn next(stream: &mut impl Read) -> Vec<u8> {
    let mut octets = vec![0; 4];
    stream.read_exact(&mut octets).expect("a length");
    let length = smpp::length(&octets)
        .expect("a sound length")
        .expect("four octets");
    octets.resize(length, 0);
    stream.read_exact(&mut octets[4..]).expect("a PDU");
    octets
}

/// A PDU in a TCP segment of its own connection.
fn tcp(number: usize, pdu: &[u8]) -> Vec<u8> {
    let port = u16::try_from(20_000 + number).expect("a port");
    let length = u16::try_from(40 + pdu.len()).expect("a small PDU");
    let mut out = vec![0x45, 0];
    out.extend(length.to_be_bytes());
    out.extend([0, 0, 0, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    out.extend(port.to_be_bytes());
    out.extend(2775_u16.to_be_bytes());
    out.extend([0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 0xFF, 0xFF, 0, 0, 0, 0]);
    out.extend_from_slice(pdu);
    out
}

/// What tshark prints for each frame: one text a field, several values with commas between.
fn tshark<'f>(
    link: u16,
    frames: &[(Vec<u8>, u32)],
    options: &[&str],
    fields: impl Iterator<Item = &'f str>,
) -> Vec<Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("frames.pcapng");
    fs::write(&file, capture(link, frames)).expect("a file");
    let mut command = Command::new("tshark");
    command
        .arg("-r")
        .arg::<&Path>(&file)
        .args(["-T", "fields", "-e", "_ws.malformed"]);
    for field in fields {
        command.args(["-e", field]);
    }
    for option in options {
        command.args(["-o", option]);
    }
    let output = command.output().expect("tshark runs");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let rows: Vec<Vec<String>> = told
        .lines()
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect();
    assert_eq!(rows.len(), frames.len());
    rows.into_iter()
        .zip(frames)
        .map(|(mut row, (octets, _))| {
            assert_eq!(row.remove(0), "", "malformed: {}", hex(octets));
            row
        })
        .collect()
}

/// A pcapng file with frames that know their direction.
fn capture(link: u16, frames: &[(Vec<u8>, u32)]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut section = 0x1A2B_3C4D_u32.to_le_bytes().to_vec();
    section.extend([1, 0, 0, 0]);
    section.extend([0xFF; 8]);
    block(&mut out, 0x0A0D_0D0A, &section);
    let mut interface = link.to_le_bytes().to_vec();
    interface.extend([0, 0, 0, 0, 1, 0]);
    block(&mut out, 1, &interface);
    for (octets, direction) in frames {
        let length = u32::try_from(octets.len())
            .expect("a small frame")
            .to_le_bytes();
        let mut frame = vec![0; 12];
        frame.extend(length);
        frame.extend(length);
        frame.extend(octets);
        frame.resize(frame.len().next_multiple_of(4), 0);
        frame.extend([2, 0, 4, 0]);
        frame.extend(direction.to_le_bytes());
        frame.extend([0; 4]);
        block(&mut out, 6, &frame);
    }
    out
}

fn block(out: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let length = u32::try_from(body.len() + 12)
        .expect("a small block")
        .to_le_bytes();
    out.extend(kind.to_le_bytes());
    out.extend(length);
    out.extend(body);
    out.extend(length);
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut out, octet| {
        let _ = write!(out, "{octet:02x}");
        out
    })
}

/// Numbers from a seed.
struct Xorshift(u64);

impl Xorshift {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        let at = self.below(choices.len() as u64);
        choices[usize::try_from(at).expect("an index")]
    }

    fn of(&mut self, letters: &str, least: u64, most: u64) -> String {
        let letters: Vec<char> = letters.chars().collect();
        let length = least + self.below(most - least + 1);
        (0..length).map(|_| self.pick(&letters)).collect()
    }

    fn word(&mut self, least: u64, most: u64) -> String {
        self.of("abcdefghijklmnopqrstuvwxyzABCDEFXYZ0123456789", least, most)
    }

    fn digits(&mut self, least: u64, most: u64) -> String {
        self.of("0123456789", least, most)
    }

    fn text(&mut self, most: u64) -> String {
        self.of("abcXYZ019 @£$éÄöñàΔΩ{}[]~^|€", 1, most)
    }

    fn octets(&mut self, most: u64) -> Vec<u8> {
        let length = self.below(most) + 1;
        (0..length)
            .map(|_| u8::try_from(self.below(256)).expect("an octet"))
            .collect()
    }
}
