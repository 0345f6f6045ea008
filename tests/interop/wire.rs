//! What tshark makes of the SIRs that leave the gateway.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::{Ports, Running, TRIO, devices, lab};

/// A capture on loopback, of the given ports only.
pub(crate) struct Capture {
    running: Running,
    file: std::path::PathBuf,
    /// What travels on each port.
    kinds: Vec<(u16, &'static str)>,
}

impl Capture {
    /// Begins; each port with what the dissector shall take it for, as in `udp=sip`.
    pub(crate) fn start(folder: &std::path::Path, kinds: &[(u16, &'static str)]) -> Self {
        let file = folder.join("sirs.pcapng");
        let ports: Vec<String> = kinds
            .iter()
            .map(|(port, _)| format!("port {port}"))
            .collect();
        let child = Command::new("dumpcap")
            .args(["-q", "-i", "lo", "-f", &ports.join(" or "), "-w"])
            .arg(&file)
            .stdin(Stdio::null())
            .spawn()
            .expect("dumpcap runs");
        let running = Running(child);
        lab::eventually("the capture began", Duration::from_secs(10), || {
            file.exists()
        });
        std::thread::sleep(Duration::from_millis(500));
        Self {
            running,
            file,
            kinds: kinds.to_vec(),
        }
    }

    /// Ends the capture; gives the fields of every frame that the display filter leaves.
    pub(crate) fn read(self, filter: &str, fields: &[&str]) -> Vec<Vec<String>> {
        // The system hands packets on in lots; dumpcap writes what it has when it is asked to end.
        std::thread::sleep(Duration::from_secs(1));
        Command::new("kill")
            .args(["-INT", &self.running.0.id().to_string()])
            .status()
            .expect("kill runs");
        let ended = self.running.wait();
        assert!(ended.success(), "dumpcap: {ended}");
        let mut tshark = Command::new("tshark");
        tshark.arg("-r").arg(&self.file);
        for (port, kind) in &self.kinds {
            let (transport, protocol) = kind.split_once('=').expect("a transport and a protocol");
            tshark.args(["-d", &format!("{transport}.port=={port},{protocol}")]);
        }
        tshark.args(["-Y", filter, "-T", "fields"]);
        for field in fields {
            tshark.args(["-e", field]);
        }
        let output = tshark.output().expect("tshark runs");
        let text = lab::stdout(&output);
        assert!(output.status.success(), "{}", lab::stderr(&output));
        println!("{text}");
        text.lines()
            .map(|line| line.split('\t').map(str::to_owned).collect())
            .collect()
    }
}

/// Every way a SIR travels and every place where it holds identifiers.
const PUSHES: [&[&str]; 6] = [
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

#[test]
fn tshark_dissects_every_sir_as_wap_sir_and_nothing_as_malformed() {
    let folder = lab::folder();
    let ports = Ports::free();
    let _gateway = ports.serve(folder.path(), TRIO);
    let capture = Capture::start(folder.path(), &ports.signalling());
    let _devices = devices(folder.path());
    for arguments in PUSHES {
        let mut all = vec!["alice", "hello"];
        all.extend_from_slice(arguments);
        let (exit, _) = ports.push(folder.path(), &all);
        assert_eq!(exit, Some(0), "{arguments:?}");
        std::thread::sleep(Duration::from_millis(700));
    }
    let sent = ports.events("sir.tx").len();
    let fields = [
        "frame.number",
        "frame.protocols",
        "_ws.malformed",
        "sip.Method",
        "wap.sir.app_id_list",
        "wap.sir.contact_points",
    ];
    let frames = capture.read("sip or msrp or _ws.malformed", &fields);
    let field = |frame: &[String], at: usize| frame.get(at).cloned().unwrap_or_default();
    let malformed: Vec<_> = frames.iter().filter(|f| !field(f, 2).is_empty()).collect();
    assert!(malformed.is_empty(), "malformed: {malformed:?}");
    let messages: Vec<_> = frames.iter().filter(|f| field(f, 3) == "MESSAGE").collect();
    let is_sir = |frame: &[String]| field(frame, 1).contains(":wap-sir");
    let sirs = messages.iter().filter(|f| is_sir(f)).count();
    let in_parts = |frame: &[String]| field(frame, 1).contains(":mime_multipart:wap-sir");
    let multipart = messages.iter().filter(|f| in_parts(f)).count();
    let msrp = frames.iter().filter(|f| field(f, 1).contains(":msrp"));
    let msrp = msrp.count();
    println!(
        "{sent} SIRs sent, {} MESSAGE requests, {sirs} dissected as wap-sir, {multipart} of them in a multipart; {msrp} MSRP frames",
        messages.len()
    );
    // 1, 2 targeted; 3 for each of the three fan-outs; 3 legacy. One fan-out has device identifiers in a second part.
    assert_eq!(sent, 15);
    assert_eq!(messages.len(), sent, "every SIR is in the capture");
    assert_eq!(sirs, sent, "every SIR is a wap-sir: {frames:?}");
    assert_eq!(multipart, 3, "{frames:?}");
    for sir in messages {
        assert!(
            !field(sir, 4).is_empty() && !field(sir, 5).is_empty(),
            "no application or contact point: {sir:?}"
        );
    }
    assert!(msrp > 0, "the content is in the capture");
}
