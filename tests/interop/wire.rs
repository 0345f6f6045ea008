//! What tshark makes of the SIRs that leave the gateway.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::{Ports, TRIO, devices, lab};

/// A capture on loopback, of the given ports only.
struct Capture {
    child: Child,
    file: std::path::PathBuf,
}

impl Capture {
    fn start(folder: &std::path::Path, ports: &Ports) -> Self {
        let file = folder.join("sirs.pcapng");
        let filter = format!("port {} or port {}", ports.sip, ports.msrp);
        let child = Command::new("dumpcap")
            .args(["-q", "-i", "lo", "-f", &filter, "-w"])
            .arg(&file)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("dumpcap runs");
        lab::eventually("the capture began", Duration::from_secs(10), || {
            file.exists()
        });
        std::thread::sleep(Duration::from_millis(500));
        Self { child, file }
    }

    /// Ends the capture; gives the fields of every frame that the display filter leaves.
    fn read(mut self, port: u16, filter: &str, fields: &[&str]) -> Vec<Vec<String>> {
        // dumpcap writes what it has when it is asked to end.
        Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status()
            .expect("kill runs");
        self.child.wait().expect("its end");
        let mut tshark = Command::new("tshark");
        tshark.arg("-r").arg(&self.file);
        tshark.args([
            "-d",
            &format!("udp.port=={port},sip"),
            "-d",
            &format!("tcp.port=={port},sip"),
            "-Y",
            filter,
            "-T",
            "fields",
        ]);
        for field in fields {
            tshark.args(["-e", field]);
        }
        let output = tshark.output().expect("tshark runs");
        let text = lab::stdout(&output);
        println!("{text}");
        text.lines()
            .map(|line| line.split('\t').map(str::to_owned).collect())
            .collect()
    }
}

#[test]
fn tshark_dissects_every_sir_as_wap_sir_and_nothing_as_malformed() {
    let folder = lab::folder();
    let ports = Ports::free();
    let _gateway = ports.serve(folder.path(), TRIO);
    let capture = Capture::start(folder.path(), &ports);
    let _devices = devices(folder.path());
    let places: [&[&str]; 6] = [
        &["--only", "C1"],
        &["--only", "C1,C2", "--plan", "targeted", "--place", "header"],
        &["--only", "C1", "--plan", "fanout+id", "--place", "value"],
        &[
            "--only",
            "C2",
            "--plan",
            "fanout+id",
            "--place",
            "header,value",
            "--ask",
            "capability,refusal",
        ],
        &[
            "--only",
            "C3",
            "--plan",
            "fanout+id",
            "--place",
            "header,value,body",
        ],
        &["--plan", "legacy"],
    ];
    for arguments in places {
        let mut all = vec!["alice", "hello"];
        all.extend_from_slice(arguments);
        let (exit, _) = ports.push(folder.path(), &all);
        assert_eq!(exit, Some(0), "{arguments:?}");
        std::thread::sleep(Duration::from_millis(700));
    }
    let sent = ports.events("sir.tx").len();
    let port = ports.sip;
    let fields = [
        "frame.number",
        "frame.protocols",
        "_ws.malformed",
        "sip.Method",
    ];
    let frames = capture.read(port, "sip or _ws.malformed", &fields);
    assert!(
        frames
            .iter()
            .all(|frame| frame.get(2).is_none_or(String::is_empty)),
        "malformed: {frames:?}"
    );
    let sirs: Vec<_> = frames
        .iter()
        .filter(|frame| frame.get(1).is_some_and(|stack| stack.contains("wap-sir")))
        .collect();
    let messages = frames
        .iter()
        .filter(|frame| frame.get(3).is_some_and(|method| method == "MESSAGE"))
        .count();
    println!(
        "{sent} SIRs sent, {messages} MESSAGE requests, {} dissected as wap-sir",
        sirs.len()
    );
    assert!(sent >= 10, "{sent}");
    assert_eq!(sirs.len(), sent, "every SIR is a wap-sir: {frames:?}");
}
