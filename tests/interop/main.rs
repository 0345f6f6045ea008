//! sirgate against programs that others wrote: curl, tshark, sipp, baresip, linphonec, Kannel, Net::SMPP,
//! smpp of npm, libwbxml, xmllint, Firefox, Dovecot, nginx.
//!
//! `tests/interop/run` installs them. A program that is missing is a failure.
#![expect(
    missing_docs,
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "test"
)]

#[path = "../lab/mod.rs"]
mod lab;
#[path = "../socket_client/mod.rs"]
mod socket_client;

mod apns;
mod bearers;
mod browser;
mod closed_page;
mod console;
mod curl;
mod dissect;
mod dovecot;
mod firefox;
mod har;
mod http2;
mod kannel;
mod lamp;
mod mailboxes;
mod message_centre;
mod notes;
mod ota;
mod proxy;
mod session;
mod sipp;
mod sms;
mod smsc;
mod softphone;
mod waking;
mod wap;
mod wbxml;
mod web;
mod wire;

use std::path::Path;
use std::process::{Child, ExitStatus};

use lab::Process;

/// An outside program; ended when dropped.
pub struct Running(Child);

impl Running {
    /// Waits for its own end.
    pub fn wait(mut self) -> ExitStatus {
        self.0.wait().expect("its end")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Addresses of one gateway under test.
pub struct Ports {
    pub http: u16,
    pub sip: u16,
    pub msrp: u16,
    /// WSP datagrams of the gateway.
    pub wsp: u16,
    /// The message centre: SMPP, and the radio of its handsets.
    pub smpp: u16,
    pub radio: u16,
}

impl Ports {
    pub fn free() -> Self {
        Self {
            http: lab::free_port(),
            sip: lab::free_port(),
            msrp: lab::free_port(),
            wsp: lab::free_port(),
            smpp: lab::free_port(),
            radio: lab::free_port(),
        }
    }

    pub fn api(&self) -> String {
        format!("http://127.0.0.1:{}", self.http)
    }

    /// A file with these addresses and whatever follows.
    pub fn config(&self, more: &str) -> String {
        format!(
            "[gateway]\nsession_linger_ms = 300\nanswer_timeout_ms = 3000\nretry_wait_ms = 300\n\
             [listen]\nhttp = \"127.0.0.1:{}\"\nsip = [\"udp:127.0.0.1:{sip}\", \"tcp:127.0.0.1:{sip}\"]\n\
             msrp = \"127.0.0.1:{}\"\nwsp = \"127.0.0.1:{}\"\n[store]\nkind = \"none\"\n{more}",
            self.http,
            self.msrp,
            self.wsp,
            sip = self.sip,
        )
    }

    /// What travels on the ports of a push session.
    pub fn signalling(&self) -> Vec<(u16, &'static str)> {
        vec![
            (self.sip, "udp=sip"),
            (self.sip, "tcp=sip"),
            (self.msrp, "tcp=msrp"),
        ]
    }

    /// The table that has the gateway bind to the message centre at these ports.
    pub fn smsc(&self) -> String {
        format!("[smsc]\naddress = \"127.0.0.1:{}\"\n", self.smpp)
    }

    /// Runs sirgate's own message centre at these ports.
    pub fn centre(&self, folder: &Path, more: &[&str]) -> Process {
        let (smpp, radio) = (loopback(self.smpp), loopback(self.radio));
        let mut arguments = vec!["sim", "smsc", "--listen", &smpp, "--radio", &radio];
        arguments.extend_from_slice(more);
        Process::start(folder, &arguments, "ready")
    }

    pub fn serve(&self, folder: &Path, more: &str) -> Process {
        lab::write(folder, "lab.toml", &self.config(more));
        Process::start(folder, &["serve", "--config", "lab.toml"], "ready")
    }

    /// Pushes with the command line and gives its JSON.
    pub fn push(&self, folder: &Path, arguments: &[&str]) -> (Option<i32>, serde_json::Value) {
        let api = self.api();
        let mut all = vec!["push"];
        all.extend_from_slice(arguments);
        all.extend_from_slice(&["--api", &api, "--json"]);
        let output = lab::run(folder, &all);
        let answer = serde_json::from_slice(&output.stdout).unwrap_or_default();
        println!(
            "{all:?} -> {:?} {answer} {}",
            output.status.code(),
            lab::stderr(&output)
        );
        (output.status.code(), answer)
    }

    /// The correlator in every SIR of a push.
    pub fn sir(&self, push: &str) -> String {
        let (status, body) = lab::http(
            &format!("{}/api/v1/pushes/{push}", self.api()),
            "GET",
            &[],
            b"",
        )
        .expect("the API answers");
        assert_eq!(status, 200);
        let push: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        let sir = push["sir"].as_str().expect("a correlator").to_owned();
        assert!(!sir.is_empty());
        sir
    }

    /// Events that match, as they stand now.
    pub fn events(&self, filter: &str) -> Vec<serde_json::Value> {
        let filter: String = filter
            .bytes()
            .map(|octet| format!("%{octet:02X}"))
            .collect();
        let url = format!(
            "{}/api/v1/events?since=0&follow=false&match={filter}",
            self.api()
        );
        let (status, body) = lab::http(&url, "GET", &[], b"").expect("the API answers");
        assert_eq!(status, 200);
        String::from_utf8_lossy(&body)
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// Blocks until so many events match.
    pub fn wait(&self, folder: &Path, filter: &str, count: usize) {
        let (api, count) = (self.api(), count.to_string());
        let arguments = [
            "wait",
            filter,
            "--count",
            &count,
            "--since",
            "0",
            "--timeout",
            "20s",
            "--api",
            &api,
            "--json",
        ];
        let output = lab::run(folder, &arguments);
        assert!(
            output.status.success(),
            "{filter}: {} {}",
            lab::stdout(&output),
            lab::stderr(&output)
        );
    }
}

/// The identity alice with her three simulated devices.
pub const TRIO: &str = r#"
[[identity]]
pui = "sip:alice@example.com"
[[identity.device]]
name = "C1"
kind = "phone"
id = ["urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"]
[[identity.device]]
name = "C2"
kind = "pc"
id = ["urn:gsma:imei:90420156-025763-0"]
[[identity.device]]
name = "C3"
kind = "pda"
id = ["urn:dev:mac:0024befffe804ff1"]
"#;

/// A port of this machine.
pub fn loopback(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// Runs one simulated device of `lab.toml`, with its doors.
pub fn device(folder: &Path, name: &str, doors: &[&str]) -> Process {
    let mut arguments = vec!["device", "run", "--config", "lab.toml", "--only", name];
    arguments.extend_from_slice(doors);
    Process::start(folder, &arguments, "registered")
}

/// Runs the simulated devices of `lab.toml`.
pub fn devices(folder: &Path) -> Process {
    Process::start(
        folder,
        &["device", "run", "--config", "lab.toml"],
        "registered",
    )
}
