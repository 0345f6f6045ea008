//! Softphones that know nothing of push: registered at sirgate, reached by their GRUU and by fan-out.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::{Ports, lab};

const BARESIP: &str = "urn:uuid:aaaaaaaa-0000-4000-8000-000000000001";
const LINPHONE: &str = "urn:uuid:bbbbbbbb-0000-4000-8000-000000000002";

/// A child that is ended when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn baresip(folder: &Path, ports: &Ports) -> Running {
    let home = folder.join("baresip");
    std::fs::create_dir_all(&home).unwrap();
    let modules = "module_path /usr/lib/baresip/modules\nmodule_tmp uuid.so\nmodule_tmp account.so\nmodule_app menu.so\n";
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
    let child = Command::new("baresip")
        .arg("-f")
        .arg(&home)
        .args(["-t", "60"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("baresip runs");
    Running(child)
}

fn linphonec(folder: &Path, ports: &Ports) -> Running {
    let home = folder.join("linphone");
    std::fs::create_dir_all(home.join(".local/share/linphone")).unwrap();
    let config = format!(
        "[sip]\nbind_address=127.0.0.1\nguess_hostname=0\nsip_port={}\nsip_tcp_port=-1\ncontact=<sip:bob@example.com>\n\
         default_proxy=0\n[misc]\nuuid={}\n[proxy_0]\nreg_proxy=<sip:127.0.0.1:{sip};transport=udp>\n\
         reg_route=<sip:127.0.0.1:{sip};transport=udp;lr>\nreg_identity=sip:bob@example.com\nreg_expires=600\n\
         reg_sendregister=1\npublish=0\n",
        lab::free_port(),
        LINPHONE.trim_start_matches("urn:uuid:"),
        sip = ports.sip,
    );
    std::fs::write(home.join("rc"), config).unwrap();
    let child = Command::new("linphonec")
        .args(["-d", "0", "-c"])
        .arg(home.join("rc"))
        .env("HOME", &home)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("linphonec runs");
    Running(child)
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
    let _baresip = baresip(folder.path(), &ports);
    let _linphone = linphonec(folder.path(), &ports);
    ports.wait(folder.path(), "reg change=created dev=baresip", 1);
    ports.wait(folder.path(), "reg change=created dev=linphone", 1);

    // Targeted: only the phone whose GRUU it is gets the request. Both phones know no SIA and say 415; the text form
    // follows and is taken.
    for (phone, other, push) in [("baresip", "linphone", "t1"), ("linphone", "baresip", "t2")] {
        ports.push(
            folder.path(),
            &[
                "bob",
                "hi",
                "--only",
                phone,
                "--plan",
                "targeted",
                "--push-id",
                push,
                "--no-wait",
            ],
        );
        ports.wait(
            folder.path(),
            &format!("sir.answer push={push} dev={phone} status=200"),
            1,
        );
        assert!(
            ports
                .events(&format!("sir.answer push={push} dev={other}"))
                .is_empty()
        );
    }
    // Fan-out: both get it.
    ports.push(
        folder.path(),
        &[
            "bob",
            "hi",
            "--only",
            "baresip",
            "--plan",
            "fanout+id",
            "--push-id",
            "f1",
            "--no-wait",
        ],
    );
    for phone in ["baresip", "linphone"] {
        ports.wait(
            folder.path(),
            &format!("sir.answer push=f1 dev={phone} status=200"),
            1,
        );
    }
    std::thread::sleep(Duration::from_millis(100));
}
