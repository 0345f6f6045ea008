//! A thousand watched mailboxes: what each costs the gateway (R1.24).
//!
//! The mail server is a thread for each connection, which says what a watcher waits for and then nothing.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::{Ports, lab};

const MAILBOXES: usize = 1_000;
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Serves a connection; counts it while it is in IDLE.
fn serve(stream: TcpStream, idle: &AtomicUsize) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream);
    lines.get_mut().write_all(b"* OK ready\r\n")?;
    let mut line = String::new();
    let mut is_idle = false;
    while lines.read_line(&mut line)? > 0 {
        let (tag, rest) = line.trim_end().split_once(' ').unwrap_or_default();
        let answer = match rest.split(' ').next().unwrap_or_default() {
            "LOGIN" => format!("{tag} OK [CAPABILITY IMAP4rev1 IDLE PREVIEW] in\r\n"),
            "EXAMINE" => format!(
                "* 5 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n* OK [UIDNEXT 6] next\r\n{tag} OK open\r\n"
            ),
            "IDLE" => {
                is_idle = true;
                idle.fetch_add(1, Ordering::SeqCst);
                "+ idling\r\n".to_owned()
            }
            _ => format!("{tag} OK\r\n"),
        };
        lines.get_mut().write_all(answer.as_bytes())?;
        line.clear();
    }
    idle.fetch_sub(usize::from(is_idle), Ordering::SeqCst);
    Ok(())
}

/// Octets that a process has in memory.
fn resident(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib: usize = line
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    kib * 1024
}

fn ask(ports: &Ports, path: &str, body: &serde_json::Value) -> u16 {
    let url = format!("{}/api/v1/{path}", ports.api());
    let headers = [("content-type", "application/json")];
    let answer = lab::http(&url, "POST", &headers, body.to_string().as_bytes());
    answer.expect("the API answers").0
}

/// Registers and logs in so many users; what that costs for each.
fn each(ports: &Ports, pid: u32, settled: impl Fn() -> bool) -> usize {
    for user in 0..MAILBOXES {
        let account = format!("user{user}");
        let device = json!({ "account": account, "device": "T1", "platform": "sip" });
        assert_eq!(ask(ports, "registrations", &device), 201);
    }
    let before = resident(pid);
    for user in 0..MAILBOXES {
        let login =
            json!({ "account": format!("user{user}"), "device": "T1", "password": "secret" });
        assert_eq!(ask(ports, "login", &login), 200);
    }
    lab::eventually("all are watched", Duration::from_secs(120), settled);
    resident(pid).saturating_sub(before) / MAILBOXES
}

#[test]
fn r1_24_a_thousand_mailboxes_cost_a_connection_each_or_none_and_little_memory() {
    let idle = Arc::new(AtomicUsize::new(0));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    let counter = Arc::clone(&idle);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let counter = Arc::clone(&counter);
            thread::spawn(move || serve(stream, &counter));
        }
    });
    let folder = lab::folder();
    let ports = Ports::free();
    let table = format!("[monitor.mail]\nkind = \"imap-idle\"\nserver = \"{server}\"\n");
    let gateway = ports.serve(folder.path(), &table);
    let octets = each(&ports, gateway.id(), || {
        idle.load(Ordering::SeqCst) == MAILBOXES
    });
    println!("imap-idle: {MAILBOXES} mailboxes, {MAILBOXES} connections, {octets} octets each");
    assert!(octets <= 40 * 1024, "{octets}");

    lab::write(folder.path(), "hook.secret", SECRET);
    lab::write(folder.path(), "user.secret", "secret");
    let mut table =
        "[monitor.mail]\nkind = \"dovecot-hook\"\nsecret_file = \"hook.secret\"\n".to_owned();
    for user in 0..MAILBOXES {
        table += &format!(
            "[[monitor.mail.users]]\nname = \"user{user}\"\npassword_file = \"user.secret\"\n"
        );
    }
    let ports = Ports::free();
    let gateway = ports.serve(folder.path(), &table);
    let octets = each(&ports, gateway.id(), || {
        ports.events("mon.state state=watching").len() == MAILBOXES
    });
    println!("dovecot-hook: {MAILBOXES} mailboxes, 0 connections, {octets} octets each");
}
