//! The pages' own modules run by node against a gateway: what needs no browser, and many lives of one in little time.

use std::process::Command;

use crate::lab::{self, Process};

#[test]
fn r0_5_r0_21_the_modules_of_the_message_centre_do_what_they_say_outside_of_a_browser() {
    let folder = lab::folder();
    let at = folder.path();
    let port = lab::free_port();
    let text = format!(
        "[listen]\nhttp = \"127.0.0.1:{port}\"\nsip = [\"udp:127.0.0.1:0\"]\nmsrp = \"127.0.0.1:0\"\n[store]\nkind = \"none\"\n\
         [[identity]]\npui = \"sip:alice@example.com\"\n[[identity]]\npui = \"sip:bob@example.com\"\n"
    );
    lab::write(at, "web.toml", &text);
    let _gateway = Process::start(at, &["serve", "--config", "web.toml"], "ready");
    let tests = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/interop/web/message_centre.test.mjs"
    );
    let run = Command::new("node")
        .args(["--test", tests])
        .env("SIRGATE", format!("http://127.0.0.1:{port}/api/v1"))
        .output()
        .expect("node runs");
    let said = String::from_utf8_lossy(&run.stdout);
    println!("{said}{}", String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success());
    assert!(said.contains("# pass 5"), "all of them ran");
}
