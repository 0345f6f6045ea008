//! A mail server of others: Dovecot delivers by LMTP; IDLE, NOTIFY and its push hook each tell of it.
//!
//! Dovecot runs in a folder of the test, on ports of loopback. It wants to be started by root, which gives its processes
//! to other users.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::{Ports, Running, lab};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const PASSWORD: &str = "wonderland";
const PATIENCE: Duration = Duration::from_secs(30);

/// A Dovecot of the test's own.
struct Dovecot {
    folder: tempfile::TempDir,
    imap: u16,
    lmtp: u16,
    _program: Running,
}

impl Dovecot {
    fn start(ports: &Ports) -> Self {
        let folder = lab::folder();
        let (imap, lmtp) = (lab::free_port(), lab::free_port());
        let at = folder.path().display();
        let hook = format!("{}/api/v1/hooks/mail/{SECRET}", ports.api());
        let text = format!(
            "base_dir = {at}/run\nstate_dir = {at}/state\nlog_path = {at}/log\nprotocols = imap lmtp\n\
             listen = 127.0.0.1\nssl = no\ndisable_plaintext_auth = no\nfirst_valid_uid = 1\n\
             mail_location = maildir:%h/Maildir\nmail_attribute_dict = file:%h/attributes\n\
             passdb {{\n driver = static\n args = password={PASSWORD}\n}}\n\
             userdb {{\n driver = static\n args = uid=nobody gid=nogroup home={at}/home/%n\n}}\n\
             service imap-login {{\n inet_listener imap {{\n port = {imap}\n }}\n inet_listener imaps {{\n port = 0\n }}\n}}\n\
             service lmtp {{\n inet_listener lmtp {{\n address = 127.0.0.1\n port = {lmtp}\n }}\n}}\n\
             protocol lmtp {{\n mail_plugins = notify push_notification\n}}\n\
             protocol imap {{\n imap_metadata = yes\n}}\n\
             plugin {{\n push_notification_driver = ox:url={hook} user_from_metadata\n}}\n"
        );
        lab::write(folder.path(), "dovecot.conf", &text);
        for name in ["run", "state", "home"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        // Its processes run as others than the one who made the folder.
        let opened = Command::new("chmod")
            .args(["755", "."])
            .current_dir(folder.path())
            .status();
        assert!(opened.unwrap().success());
        let opened = Command::new("chmod")
            .args(["777", "home"])
            .current_dir(folder.path())
            .status();
        assert!(opened.unwrap().success());
        let program = Command::new("dovecot")
            .args(["-F", "-c"])
            .arg(folder.path().join("dovecot.conf"))
            .spawn();
        let program = Running(program.expect("dovecot"));
        let listens = |port| TcpStream::connect(("127.0.0.1", port)).is_ok();
        lab::eventually("Dovecot listens", PATIENCE, || {
            listens(imap) && listens(lmtp)
        });
        Self {
            folder,
            imap,
            lmtp,
            _program: program,
        }
    }

    /// Delivers a mail; the time in microseconds at which the server had it.
    fn deliver(&self, subject: &str) -> u64 {
        let mut lmtp = Lines::open(self.lmtp);
        lmtp.until("220");
        for (line, answer) in [
            ("LHLO test", "250 "),
            ("MAIL FROM:<bob@example.com>", "250"),
            ("RCPT TO:<alice>", "250"),
            ("DATA", "354"),
        ] {
            lmtp.say(line);
            lmtp.until(answer);
        }
        lmtp.say(&format!(
            "From: Bob <bob@example.com>\r\nSubject: {subject}\r\n\r\nthe text of {subject}\r\n."
        ));
        lmtp.until("250");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        u64::try_from(now.as_micros()).unwrap()
    }

    /// Has the server tell of alice's deliveries by its hook.
    fn enable_hook(&self) {
        let mut imap = Lines::open(self.imap);
        imap.until("* OK");
        imap.say(&format!("a LOGIN alice {PASSWORD}"));
        imap.until("a OK");
        let name = "/private/vendor/vendor.dovecot/http-notify";
        imap.say(&format!("b SETMETADATA \"\" ({name} \"user=alice\")"));
        imap.until("b OK");
    }

    /// Cuts alice's connections.
    fn kick(&self) {
        let done = Command::new("doveadm")
            .arg("-c")
            .arg(self.folder.path().join("dovecot.conf"))
            .args(["kick", "alice"])
            .status();
        assert!(done.expect("doveadm").success());
    }
}

/// A connection of lines.
struct Lines(BufReader<TcpStream>);

impl Lines {
    fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    fn say(&mut self, line: &str) {
        write!(self.0.get_mut(), "{line}\r\n").unwrap();
    }

    /// Reads up to a line that begins so.
    fn until(&mut self, begin: &str) {
        let mut line = String::new();
        while !line.starts_with(begin) {
            line.clear();
            let read = self.0.read_line(&mut line).unwrap();
            assert!(read > 0, "no {begin}");
        }
    }
}

/// What every monitor here has.
fn monitor(folder: &Path, kind: &str) -> String {
    lab::write(folder, "alice.secret", PASSWORD);
    lab::write(folder, "hook.secret", SECRET);
    format!(
        "[[identity]]\npui = \"sip:alice@example.com\"\n[[identity.device]]\nname = \"T1\"\n\
         id = [\"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"]\n[monitor.mail]\n{kind}\n"
    )
}

fn ask(ports: &Ports, path: &str, body: &Value) -> u16 {
    let url = format!("{}/api/v1/{path}", ports.api());
    let headers = [("content-type", "application/json")];
    let (status, answer) =
        lab::http(&url, "POST", &headers, body.to_string().as_bytes()).expect("the API answers");
    println!("{path}: {status} {}", String::from_utf8_lossy(&answer));
    status
}

fn enter(ports: &Ports, folder: &Path) {
    let device = json!({ "account": "alice", "device": "T1", "platform": "sip" });
    assert_eq!(ask(ports, "registrations", &device), 201);
    let wrong = json!({ "account": "alice", "device": "T1", "password": "guess" });
    assert_eq!(ask(ports, "login", &wrong), 401);
    let login = json!({ "account": "alice", "device": "T1", "password": PASSWORD });
    assert_eq!(ask(ports, "login", &login), 200);
    ports.wait(folder, "mon.state state=watching", 1);
}

/// The milliseconds after which the latest of so many mails was noticed.
fn noticed(ports: &Ports, folder: &Path, count: usize, delivered: u64) -> u64 {
    ports.wait(folder, "mon.new", count);
    let events = ports.events("mon.new");
    let last = events.last().expect("an event");
    let at = last["t"].as_u64().expect("a time");
    at.saturating_sub(delivered) / 1_000
}

/// The latencies of three mails; then a cut between two, which are new once each.
fn play(kind: &str, table: &str) {
    let folder = lab::folder();
    let ports = Ports::free();
    let dovecot = Dovecot::start(&ports);
    dovecot.deliver("was there before");
    let server = format!(
        "{table}server = \"127.0.0.1:{}\"\nlocal_part = true\n",
        dovecot.imap
    );
    let _gateway = ports.serve(folder.path(), &monitor(folder.path(), &server));
    enter(&ports, folder.path());
    for count in 1..=3 {
        let delivered = dovecot.deliver(&format!("mail {count}"));
        let after = noticed(&ports, folder.path(), count, delivered);
        println!("{kind}: mail {count} was noticed {after} ms after its delivery");
    }
    assert_eq!(ports.events("mon.new").len(), 3);
    dovecot.kick();
    ports.wait(folder.path(), "mon.state state=degraded", 1);
    dovecot.deliver("mail 4");
    dovecot.deliver("mail 5");
    ports.wait(folder.path(), "mon.new", 5);
    ports.wait(folder.path(), "mon.state state=watching", 2);
    dovecot.deliver("mail 6");
    ports.wait(folder.path(), "mon.new", 6);
    assert_eq!(ports.events("mon.new").len(), 6);
    assert_eq!(ports.events("msg.put").len(), 6);
    assert!(!ports.events("note.tx dev=T1").is_empty());
    // Nothing was marked as read by watching.
    let mut imap = Lines::open(dovecot.imap);
    imap.until("* OK");
    imap.say(&format!("a LOGIN alice {PASSWORD}"));
    imap.until("a OK");
    imap.say("b STATUS INBOX (UNSEEN)");
    imap.until("* STATUS INBOX (UNSEEN 7)");
}

#[test]
fn r1_16_r1_17_r1_22_r1_23_idle_tells_of_new_mail_and_a_cut_loses_and_doubles_nothing() {
    play("imap-idle", "kind = \"imap-idle\"\n");
}

#[test]
fn r1_16_r1_23_notify_tells_of_new_mail_and_a_cut_loses_and_doubles_nothing() {
    play("imap-notify", "kind = \"imap-notify\"\n");
}

#[test]
fn r1_16_r1_24_the_hook_of_the_server_tells_of_new_mail_without_a_connection() {
    let folder = lab::folder();
    let ports = Ports::free();
    let dovecot = Dovecot::start(&ports);
    dovecot.enable_hook();
    let table = "kind = \"dovecot-hook\"\nsecret_file = \"hook.secret\"\n[[monitor.mail.users]]\nname = \"alice\"\npassword_file = \"alice.secret\"\n";
    let _gateway = ports.serve(folder.path(), &monitor(folder.path(), table));
    enter(&ports, folder.path());
    for count in 1..=3 {
        let delivered = dovecot.deliver(&format!("mail {count}"));
        let after = noticed(&ports, folder.path(), count, delivered);
        println!("dovecot-hook: mail {count} was noticed {after} ms after its delivery");
    }
    assert_eq!(ports.events("mon.new").len(), 3);
    assert_eq!(ports.events("msg.put").len(), 3);
}
