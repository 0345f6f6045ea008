//! `sirgate sir` as its users meet it: octets of every format read, written, compared, damaged and checked.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test")]
mod lab;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

const HTTP_ONLY: &str = "0102b2820008c4000fc3c000020901000000";

fn sir(folder: &Path, arguments: &[&str]) -> Output {
    let mut all = vec!["sir"];
    all.extend(arguments);
    lab::run(folder, &all)
}

fn piped(folder: &Path, arguments: &[&str], octets: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sirgate"))
        .arg("sir")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(octets).unwrap();
    child.wait_with_output().unwrap()
}

/// Exit code, standard output, standard error.
fn told(output: &Output) -> (Option<i32>, String, String) {
    (
        output.status.code(),
        lab::stdout(output),
        lab::stderr(output),
    )
}

fn parsed(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|fault| panic!("{fault}: {}", lab::stdout(output)))
}

#[test]
fn octets_come_from_a_word_a_hex_file_a_binary_file_and_standard_input() {
    let folder = lab::folder();
    let octets: Vec<u8> = (0..HTTP_ONLY.len() / 2)
        .map(|at| u8::from_str_radix(&HTTP_ONLY[at * 2..][..2], 16).unwrap())
        .collect();
    fs::write(
        folder.path().join("body.hex"),
        format!("# a comment\n{HTTP_ONLY}\n"),
    )
    .unwrap();
    fs::write(folder.path().join("body.bin"), &octets).unwrap();
    let as_sia = ["--as", "sia", "--json"];
    let read = |first: &[&str]| parsed(&sir(folder.path(), &[first, &as_sia].concat()));
    let one = read(&["decode", HTTP_ONLY]);
    assert_eq!(one["form"], "sia");
    assert_eq!(one["fields"]["contacts"][0]["port"], 4035);
    for other in [
        read(&["decode", "body.hex"]),
        read(&["decode", "--in", "body.bin"]),
        read(&["decode", "--hex", HTTP_ONLY]),
        parsed(&piped(
            folder.path(),
            &["decode", "-", "--as", "sia", "--json"],
            &octets,
        )),
    ] {
        assert_eq!(other, one);
    }
}

#[test]
fn every_octet_is_explained_in_aligned_columns() {
    let folder = lab::folder();
    let (code, said, wrong) = told(&sir(
        folder.path(),
        &["decode", HTTP_ONLY, "--as", "sia", "--bytes"],
    ));
    assert_eq!(code, Some(0), "{wrong}");
    assert!(
        said.starts_with("sia, 18 octets, no deviation\n  sia, version 1"),
        "{said}"
    );
    assert!(
        said.contains("  0008  0f c3              . port                4035\n"),
        "{said}"
    );
    assert!(said.contains("WAP-235 8.4"), "{said}");
    let json = parsed(&sir(
        folder.path(),
        &["decode", HTTP_ONLY, "--as", "sia", "--json"],
    ));
    assert_eq!(
        json["spans"][7],
        json!({"at": 8, "len": 2, "path": "sia.contacts[0].port", "value": 4035, "clause": "WAP-235 8.4"})
    );
}

#[test]
fn a_frame_of_a_capture_is_read_and_its_port_tells_the_format() {
    let folder = lab::folder();
    let options = b"OPTIONS sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKo\r\n\
        From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\n\
        Content-Length: 0\r\n\r\n";
    let udp_len = u16::try_from(options.len() + 8).unwrap();
    let mut packet = vec![0x45, 0];
    packet.extend((udp_len + 20).to_be_bytes());
    packet.extend([0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 5, 192, 0, 2, 11]);
    packet.extend([0x13, 0xC4, 0x13, 0xC4]);
    packet.extend(udp_len.to_be_bytes());
    packet.extend([0, 0]);
    packet.extend_from_slice(options);
    let mut file = vec![0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0];
    file.extend([0; 12]);
    file.extend(101_u32.to_le_bytes());
    file.extend([0; 8]);
    let len = u32::try_from(packet.len()).unwrap().to_le_bytes();
    file.extend(len);
    file.extend(len);
    file.extend(packet);
    fs::write(folder.path().join("one.pcap"), file).unwrap();
    let read = parsed(&sir(
        folder.path(),
        &["decode", "--frame", "1", "one.pcap", "--json"],
    ));
    assert_eq!(read["form"], "sip");
    assert_eq!(read["fields"]["method"], "OPTIONS");
    let (code, _, wrong) = told(&sir(folder.path(), &["decode", "one.pcap"]));
    assert_eq!(code, Some(2), "{wrong}");
    assert!(wrong.contains("--frame"), "{wrong}");
    let (code, _, wrong) = told(&sir(folder.path(), &["decode", "one.pcap", "--frame", "2"]));
    assert_eq!(code, Some(2), "{wrong}");
}

#[test]
fn what_no_format_reads_ends_with_1_and_an_unknown_format_with_2() {
    let folder = lab::folder();
    let (code, _, wrong) = told(&sir(folder.path(), &["decode", "ffffff"]));
    assert_eq!(code, Some(1), "{wrong}");
    assert!(wrong.contains("no format reads"), "{wrong}");
    let (code, _, wrong) = told(&sir(folder.path(), &["decode", "00", "--as", "telex"]));
    assert_eq!(code, Some(2), "{wrong}");
    assert!(wrong.contains("sia") && wrong.contains("sip"), "{wrong}");
    let (code, _, wrong) = told(&sir(folder.path(), &["decode", "no-such-file"]));
    assert_eq!(code, Some(2), "{wrong}");
    let refused = sir(
        folder.path(),
        &["decode", "0009b282", "--as", "sia", "--json"],
    );
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(parsed(&refused)["error"]["offset"], 1);
}

#[test]
fn deviations_are_listed_by_a_lenient_reading() {
    let folder = lab::folder();
    let bare = "0002828408c40b23f10a000001";
    let strict = sir(folder.path(), &["decode", bare, "--as", "sia"]);
    assert_eq!(strict.status.code(), Some(1));
    let (code, said, _) = told(&sir(
        folder.path(),
        &["decode", bare, "--as", "sia", "--lenient"],
    ));
    assert_eq!(code, Some(0));
    assert!(said.contains("deviation at octet 2: expected B2"), "{said}");
}

#[test]
fn what_decode_prints_encode_writes_back() {
    let folder = lab::folder();
    let id = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
    let message = sir(
        folder.path(),
        &["encode", "--device", id, "--place", "value,body"],
    );
    fs::write(folder.path().join("sir.sip"), &message.stdout).unwrap();
    for form in ["sir", "sip"] {
        let read = sir(
            folder.path(),
            &["decode", "sir.sip", "--as", form, "--json"],
        );
        let written = piped(folder.path(), &["encode", "--from", "-"], &read.stdout);
        assert_eq!(
            lab::stdout(&written),
            lab::stdout(&message),
            "{form}: {}",
            lab::stderr(&written)
        );
    }
    let guessed = parsed(&sir(folder.path(), &["decode", "sir.sip", "--json"]));
    assert_eq!(guessed["form"], "sir");
    let body = sir(
        folder.path(),
        &["decode", HTTP_ONLY, "--as", "sia", "--json"],
    );
    let written = piped(
        folder.path(),
        &["encode", "--from", "-", "--hex"],
        &body.stdout,
    );
    assert_eq!(lab::stdout(&written).trim(), HTTP_ONLY);
    let odd = piped(
        folder.path(),
        &["encode", "--from", "-", "--as", "sia"],
        br#"{"version": 1, "colour": "red"}"#,
    );
    assert_eq!(odd.status.code(), Some(2));
    assert!(lab::stderr(&odd).contains("colour"));
}

#[test]
fn fields_that_differ_are_listed_and_equal_ones_end_with_0() {
    let folder = lab::folder();
    let other = HTTP_ONLY.replace("0fc3", "0fc4");
    let (code, said, _) = told(&sir(
        folder.path(),
        &["diff", HTTP_ONLY, &other, "--as", "sia"],
    ));
    assert_eq!(code, Some(1));
    assert!(
        said.contains("contacts[0].port") && said.contains("4035  ->  4036"),
        "{said}"
    );
    let same = sir(
        folder.path(),
        &["diff", HTTP_ONLY, HTTP_ONLY, "--as", "sia"],
    );
    assert_eq!(same.status.code(), Some(0), "{}", lab::stdout(&same));
    let json = parsed(&sir(
        folder.path(),
        &["diff", HTTP_ONLY, &other, "--as", "sia", "--json"],
    ));
    assert_eq!(
        json["differing"][0],
        json!({"path": "contacts[0].port", "one": 4035, "other": 4036})
    );
}

#[test]
fn damage_is_named_and_the_same_for_the_same_seed() {
    let folder = lab::folder();
    let corrupt = |more: &[&str]| {
        let all = [&["corrupt", HTTP_ONLY, "--as", "sia"], more].concat();
        told(&sir(folder.path(), &all))
    };
    let (code, said, wrong) = corrupt(&["--mutate", "length+1@contacts"]);
    assert_eq!(code, Some(0), "{wrong}");
    assert_eq!(said.trim(), HTTP_ONLY.replace("08c4", "09c4"));
    let (_, said, _) = corrupt(&["--truncate", "3"]);
    assert_eq!(said.trim(), &HTTP_ONLY[..6]);
    let (_, one, _) = corrupt(&["--mutate", "flip", "--seed", "7"]);
    assert_eq!(corrupt(&["--mutate", "flip", "--seed", "7"]).1, one);
    let (code, _, wrong) = corrupt(&["--mutate", "swap@no_such"]);
    assert_eq!(code, Some(1), "{wrong}");
    assert_eq!(corrupt(&["--mutate", "bend"]).0, Some(2));
    let (_, all, _) = corrupt(&[]);
    let listed = sir(folder.path(), &["corrupt", "--list"]);
    assert_eq!(listed.status.code(), Some(0));
    let names = lab::stdout(&listed);
    assert!(names.lines().count() >= 12, "{names}");
    for line in all.lines() {
        let name = line.split_whitespace().next().unwrap();
        assert!(names.contains(name), "{name} is not listed");
    }
}

#[test]
fn a_file_of_vectors_is_checked_one_line_each() {
    let folder = lab::folder();
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/sia/vectors.json");
    let testdata = testdata.to_str().unwrap();
    let (code, said, wrong) = told(&sir(folder.path(), &["check", testdata]));
    assert_eq!(code, Some(0), "{said}{wrong}");
    assert!(said.lines().count() > 25, "{said}");
    assert!(
        said.lines().last().unwrap().ends_with(", 0 differ"),
        "{said}"
    );
    let wrong_port = json!([
        {"name": "right", "kind": "sia", "valid": true, "hex": HTTP_ONLY},
        {"name": "wrong", "kind": "sia", "valid": true, "hex": HTTP_ONLY,
         "decoded": {"contacts": [{"port": 4036}]}}
    ])
    .to_string();
    let checked = piped(folder.path(), &["check", "-"], wrong_port.as_bytes());
    let (code, said, _) = told(&checked);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("expected contacts[0].port = 4036; is contacts[0].port = 4035"),
        "{said}"
    );
    assert!(
        said.ends_with("2 vectors: 1 as expected, 1 differ\n"),
        "{said}"
    );
    let json = parsed(&piped(
        folder.path(),
        &["check", "-", "--json"],
        wrong_port.as_bytes(),
    ));
    assert_eq!((&json["held"], &json["differing"]), (&json!(1), &json!(1)));
    assert_eq!(
        piped(folder.path(), &["check", "-"], b"[]").status.code(),
        Some(4)
    );
    assert_eq!(
        piped(folder.path(), &["check", "-"], b"no").status.code(),
        Some(2)
    );
}

#[test]
fn a_reader_that_has_enough_gets_no_panic() {
    let folder = lab::folder();
    let mut child = Command::new(env!("CARGO_BIN_EXE_sirgate"))
        .args(["sir", "corrupt", "--list"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(lab::stderr(&output), "");
    assert_eq!(output.status.code(), Some(141), "as any other tool");
}

#[test]
fn no_octets_are_read_too() {
    let folder = lab::folder();
    let (code, _, wrong) = told(&sir(folder.path(), &["decode", "--hex", "", "--as", "sia"]));
    assert_eq!(code, Some(1), "{wrong}");
    assert!(wrong.contains("sia at octet 0: truncated"), "{wrong}");
}

#[test]
fn what_is_encoded_is_told_in_json_when_asked() {
    let folder = lab::folder();
    let fields = sir(
        folder.path(),
        &["decode", HTTP_ONLY, "--as", "sia", "--json"],
    );
    let written = parsed(&piped(
        folder.path(),
        &["encode", "--from", "-", "--json"],
        &fields.stdout,
    ));
    assert_eq!(
        written,
        json!({"schema": "sirgate.encode/1", "form": "sia", "hex": HTTP_ONLY})
    );
}

#[test]
fn what_cannot_be_is_told_as_usage() {
    let folder = lab::folder();
    let both = told(&piped(
        folder.path(),
        &["diff", "-", "-", "--as", "sia"],
        b"",
    ));
    assert_eq!(both.0, Some(2), "{}", both.2);
    let whole = ["corrupt", HTTP_ONLY, "--as", "sia", "--truncate", "18"];
    let whole = told(&sir(folder.path(), &whole));
    assert_eq!(whole.0, Some(2), "{}", whole.2);
    let device = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
    let body = told(&sir(
        folder.path(),
        &["match", HTTP_ONLY, "--device", device],
    ));
    assert_eq!(body.0, Some(4));
    assert!(
        body.2
            .contains("this is no whole SIR: these octets are a SIA body"),
        "{}",
        body.2
    );
}

#[test]
fn a_vector_of_a_lab_that_leaves_something_open_holds_with_a_warning() {
    let folder = lab::folder();
    let bare = json!([{"name": "bare", "kind": "sia", "valid": true, "hex": "0002828408c40b23f10a000001",
        "decoded": {"app_ids": [2, 4]}}]);
    fs::write(folder.path().join("v.json"), bare.to_string()).unwrap();
    let (code, said, wrong) = told(&sir(folder.path(), &["check", "v.json"]));
    assert_eq!(code, Some(0), "{wrong}");
    assert!(said.starts_with("warning  bare"), "{said}");
    assert!(
        said.contains("\n  warning: only a lenient reading"),
        "{said}"
    );
    assert!(
        said.contains("1 as expected (1 with a warning), 0 differ"),
        "{said}"
    );
    let json = parsed(&sir(folder.path(), &["check", "v.json", "--json"]));
    assert_eq!(json["warnings"], 1);
}
