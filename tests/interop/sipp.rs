//! sipp as a device: registers with +sip.instance, takes the SIR, answers with INVITE; MSRP follows on TCP.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::{Ports, Running, lab};

const INSTANCE: &str = "urn:uuid:11111111-2222-4333-8444-555555555555";
/// The path in the SDP of `session.xml`.
const OWN_PATH: &str = "msrp://127.0.0.1:9/sippdevice1;tcp";

#[test]
fn sipp_registers_takes_the_sir_connects_back_and_gets_the_content() {
    let folder = lab::folder();
    let ports = Ports::free();
    let local = lab::free_port();
    let _gateway = ports.serve(folder.path(), "");
    let registered = sipp(folder.path(), &ports, local, "register.xml")
        .status()
        .expect("sipp runs");
    assert!(
        registered.success(),
        "sipp did not register: {}",
        logs(folder.path())
    );
    let device = sipp(folder.path(), &ports, local, "session.xml")
        .spawn()
        .expect("sipp runs");
    let device = Running(device);
    std::thread::sleep(Duration::from_millis(700));
    let (exit, answer) = ports.push(
        folder.path(),
        &["sip:bob@example.com", "hello sipp", "--no-wait"],
    );
    assert_eq!(exit, Some(0), "{answer}");

    let mut path = String::new();
    lab::eventually(
        "the gateway answered the INVITE",
        Duration::from_secs(15),
        || {
            path = logged(folder.path(), "path ");
            !path.is_empty()
        },
    );
    let content = receive(&path);
    assert_eq!(content, "hello sipp");
    ports.wait(folder.path(), "push.end state=delivered", 1);
    // What sipp took was the SIR of this push: the Call-ID, which its INVITE names in In-Reply-To, begins with it.
    let taken = logged(folder.path(), "sir ");
    let sir = ports.sir(answer["id"].as_str().expect("its push-id"));
    assert!(
        taken.starts_with(&format!("{sir}.")) && taken.contains("application/vnd.wap.sia"),
        "{sir}: {}",
        logs(folder.path())
    );
    let ended = device.wait();
    assert!(
        ended.success(),
        "sipp saw something else than it expected: {}",
        logs(folder.path())
    );
}

fn sipp(folder: &Path, ports: &Ports, local: u16, file: &str) -> Command {
    let gateway = format!("127.0.0.1:{}", ports.sip);
    let mut command = Command::new("sipp");
    command
        .current_dir(folder)
        .arg(&gateway)
        .args([
            "-i",
            "127.0.0.1",
            "-p",
            &local.to_string(),
            "-m",
            "1",
            "-timeout",
            "20s",
            "-timeout_error",
            "-nostdin",
            "-ci",
            "127.0.0.1",
        ])
        .args(["-key", "instance", INSTANCE, "-key", "gateway", &gateway])
        .args([
            "-trace_logs",
            "-log_file",
            "sipp.log",
            "-trace_err",
            "-error_file",
            "sipp.err",
            "-sf",
        ])
        .arg(scenario(file))
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

fn scenario(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/interop/sipp")
        .join(name)
}

/// What follows a word in sipp's log.
fn logged(folder: &Path, word: &str) -> String {
    let log = std::fs::read_to_string(folder.join("sipp.log")).unwrap_or_default();
    log.lines()
        .filter_map(|line| line.split_once(word))
        .map(|(_, rest)| rest.trim().to_owned())
        .next_back()
        .unwrap_or_default()
}

fn logs(folder: &Path) -> String {
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    format!("{}\n{}", read("sipp.log"), read("sipp.err"))
}

/// The device's half of MSRP: binds, takes one message, confirms it.
fn receive(path: &str) -> String {
    let authority = path
        .strip_prefix("msrp://")
        .unwrap()
        .split('/')
        .next()
        .unwrap();
    let mut stream = TcpStream::connect(authority).expect("the gateway listens for MSRP");
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let bind = format!(
        "MSRP bind0001 SEND\r\nTo-Path: {path}\r\nFrom-Path: {OWN_PATH}\r\nMessage-ID: bind1\r\n-------bind0001$\r\n"
    );
    stream.write_all(bind.as_bytes()).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let lines = chunk(&mut reader);
        let start: Vec<&str> = lines[0].split(' ').collect();
        if start.get(2) != Some(&"SEND") {
            continue;
        }
        let tid = start[1];
        let value = |name: &str| {
            lines
                .iter()
                .find_map(|line| line.strip_prefix(name))
                .unwrap_or_default()
                .trim()
                .to_owned()
        };
        let blank = lines.iter().position(String::is_empty).expect("a body");
        let body = lines[blank + 1..lines.len() - 1].join("\r\n");
        let answer = format!(
            "MSRP {tid} 200 OK\r\nTo-Path: {path}\r\nFrom-Path: {OWN_PATH}\r\n-------{tid}$\r\n"
        );
        let report = format!(
            "MSRP rep00001 REPORT\r\nTo-Path: {path}\r\nFrom-Path: {OWN_PATH}\r\nMessage-ID: {}\r\nByte-Range: 1-{}/{}\r\nStatus: 000 200 OK\r\n-------rep00001$\r\n",
            value("Message-ID:"),
            body.len(),
            body.len(),
        );
        stream.write_all((answer + &report).as_bytes()).unwrap();
        return body;
    }
}

/// The lines of one MSRP message, the end-line last.
fn chunk(reader: &mut impl BufRead) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    loop {
        let mut line = String::new();
        assert!(
            reader.read_line(&mut line).expect("octets in time") > 0,
            "the link ended: {lines:?}"
        );
        lines.push(line.trim_end_matches(['\r', '\n']).to_owned());
        if lines.last().is_some_and(|line| line.starts_with("-------")) {
            return lines;
        }
    }
}
