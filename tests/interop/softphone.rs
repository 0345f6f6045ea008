//! Softphones that know nothing of push: registered at sirgate, reached by their GRUU and by fan-out.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::{Ports, Running, lab};

pub(crate) const BARESIP: &str = "urn:uuid:aaaaaaaa-0000-4000-8000-000000000001";
pub(crate) const LINPHONE: &str = "urn:uuid:bbbbbbbb-0000-4000-8000-000000000002";

/// A phone and what it wrote of the SIP it saw.
pub(crate) struct Phone {
    pub(crate) name: &'static str,
    log: PathBuf,
    _running: Running,
}

impl Phone {
    /// The phone itself saw these words.
    pub(crate) fn saw(&self, words: &str) -> bool {
        self.count(words) > 0
    }

    /// How often it did.
    pub(crate) fn count(&self, words: &str) -> usize {
        let log = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&log).matches(words).count()
    }
}

/// baresip as bob, with one more of its modules.
pub(crate) fn baresip(folder: &Path, ports: &Ports, module: &str) -> Phone {
    let home = folder.join("baresip");
    std::fs::create_dir_all(&home).unwrap();
    let modules = format!(
        "module_path /usr/lib/baresip/modules\nmodule_tmp uuid.so\nmodule_tmp account.so\nmodule_app menu.so\n{module}"
    );
    std::fs::write(
        home.join("config"),
        format!("sip_listen 127.0.0.1:0\n{modules}"),
    )
    .unwrap();
    std::fs::write(home.join("uuid"), BARESIP.trim_start_matches("urn:uuid:")).unwrap();
    std::fs::write(home.join("contacts"), "").unwrap();
    let account = format!(
        "<sip:bob@example.com>;auth_pass=none;outbound=\"sip:127.0.0.1:{};transport=udp\";sipnat=outbound;regint=600\n",
        ports.sip
    );
    std::fs::write(home.join("accounts"), account).unwrap();
    // Its SIP trace goes to standard output, here line by line.
    let log = home.join("trace");
    let child = Command::new("stdbuf")
        .args(["-oL", "baresip", "-s", "-f"])
        .arg(&home)
        .args(["-t", "60"])
        .stdin(Stdio::null())
        .stdout(File::create(&log).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .expect("baresip runs");
    Phone {
        name: "baresip",
        log,
        _running: Running(child),
    }
}

/// linphonec as bob, on that transport, with these further lines for its account.
pub(crate) fn linphonec(folder: &Path, ports: &Ports, transport: &str, more: &str) -> Phone {
    let home = folder.join("linphone");
    std::fs::create_dir_all(home.join(".local/share/linphone")).unwrap();
    let config = format!(
        "[sip]\nbind_address=127.0.0.1\nguess_hostname=0\nsip_port={}\nsip_tcp_port={}\ncontact=<sip:bob@example.com>\n\
         default_proxy=0\n[misc]\nuuid={}\n[proxy_0]\nreg_proxy=<sip:127.0.0.1:{sip};transport={transport}>\n\
         reg_route=<sip:127.0.0.1:{sip};transport={transport};lr>\nreg_identity=sip:bob@example.com\nreg_expires=600\n\
         reg_sendregister=1\npublish=0\n{more}",
        lab::free_port(),
        if transport == "tcp" {
            i32::from(lab::free_port())
        } else {
            -1
        },
        LINPHONE.trim_start_matches("urn:uuid:"),
        sip = ports.sip,
    );
    std::fs::write(home.join("rc"), config).unwrap();
    let log = home.join("trace");
    let child = Command::new("linphonec")
        .args(["-d", "6", "-l"])
        .arg(&log)
        .arg("-c")
        .arg(home.join("rc"))
        .env("HOME", &home)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("linphonec runs");
    Phone {
        name: "linphone",
        log,
        _running: Running(child),
    }
}

#[test]
fn softphones_are_reached_one_by_one_by_gruu_and_together_by_fan_out() {
    let folder = lab::folder();
    let ports = Ports::free();
    let identity = format!(
        "[[identity]]\npui = \"sip:bob@example.com\"\n[[identity.device]]\nname = \"baresip\"\nid = [\"{BARESIP}\"]\n\
         [[identity.device]]\nname = \"linphone\"\nid = [\"{LINPHONE}\"]\n"
    );
    let _gateway = ports.serve(folder.path(), &identity);
    let baresip = baresip(folder.path(), &ports, "");
    let linphone = linphonec(folder.path(), &ports, "udp", "");
    // The names are those of the instances above: each phone registered the instance it was given.
    ports.wait(folder.path(), "reg change=created dev=baresip", 1);
    ports.wait(folder.path(), "reg change=created dev=linphone", 1);

    // Targeted: only the phone whose GRUU it is gets the request. Both phones know no SIA and say 415; the text form
    // follows and is taken.
    let mut sirs = Vec::new();
    for (phone, gruu, push) in [(&baresip, BARESIP, "t1"), (&linphone, LINPHONE, "t2")] {
        let sir = pushed(&ports, folder.path(), phone.name, "targeted", push);
        let name = phone.name;
        let answer = format!("sir.answer push={push} dev={name}");
        ports.wait(folder.path(), &format!("{answer} status=415"), 1);
        ports.wait(folder.path(), &format!("{answer} status=200"), 1);
        reached(phone, &sir);
        assert!(phone.saw(&format!("MESSAGE sip:bob@example.com;gr={gruu} SIP/2.0")));
        sirs.push(sir);
    }
    // Fan-out: both get it.
    let sir = pushed(&ports, folder.path(), baresip.name, "fanout+id", "f1");
    for phone in [&baresip, &linphone] {
        let answer = format!("sir.answer push=f1 dev={} status=200", phone.name);
        ports.wait(folder.path(), &answer, 1);
        reached(phone, &sir);
    }
    // What was for one never came to the other: neither by the gateway's account nor by the phone's.
    for (phone, push, sir) in [(&linphone, "t1", &sirs[0]), (&baresip, "t2", &sirs[1])] {
        let name = phone.name;
        assert!(!phone.saw(sir), "{name} saw {push}");
        for event in ["sir.tx", "sir.answer"] {
            let events = ports.events(&format!("{event} push={push} dev={name}"));
            assert!(events.is_empty(), "{events:?}");
        }
    }
}

/// Pushes for one phone; gives the correlator of its SIRs.
fn pushed(ports: &Ports, folder: &Path, phone: &str, plan: &str, push: &str) -> String {
    let (exit, answer) = ports.push(
        folder,
        &[
            "bob",
            "hi",
            "--only",
            phone,
            "--plan",
            plan,
            "--push-id",
            push,
            "--no-wait",
        ],
    );
    assert_eq!(exit, Some(0), "{answer}");
    ports.sir(push)
}

/// The phone's own trace has the text form of that SIR.
fn reached(phone: &Phone, sir: &str) {
    lab::eventually(
        &format!("{} shows the SIR {sir}", phone.name),
        Duration::from_secs(5),
        || phone.saw(&format!("sir={sir}")),
    );
}
