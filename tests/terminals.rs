//! Terminals of push over HTTP in TLS, as the program runs them: on connections of the gateway and of their own.

mod lab;

use lab::Process;

/// The lab of one device that is reached by HTTP: the lines of `[listen]` and of the device differ.
fn lab_by_http(listen: &str, device: &str) -> String {
    format!(
        "[listen]\nhttp = \"127.0.0.1:0\"\nmsrp = \"127.0.0.1:0\"\nsip = [\"udp:127.0.0.1:{}\"]\n{listen}\n\
         [store]\nkind = \"none\"\n[[identity]]\npui = \"sip:alice@example.com\"\n\
         [[identity.device]]\nname = \"C1\"\n{device}\n\
         id = [\"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"]\n",
        lab::free_port()
    )
}

/// Pushes to alice; what is said of it.
fn push_to_alice(at: &std::path::Path, serve: &Process, push: &str) -> String {
    let pap = serve.url();
    let api = pap.trim_end_matches("/pap");
    let arguments = ["push", "alice", "hello", "--push-id", push, "--api", api];
    let output = lab::run(at, &arguments);
    let said = lab::stdout(&output);
    let is_done = output.status.code() == Some(0);
    assert!(is_done, "{said}{}", lab::stderr(&output));
    said
}

#[test]
fn ota_http_004_a_terminal_over_tls_gets_content_when_its_certificate_is_trusted() {
    let folder = lab::folder();
    let at = folder.path();
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    lab::write(at, "device.pem", &made.cert.pem());
    lab::write(at, "device.key", &made.signing_key.serialize_pem());
    let door = format!("127.0.0.1:{}", lab::free_port());
    let device = format!("bearers = [\"http\"]\nhttp = \"https://{door}\"");
    let run = ["device", "run", "--config", "lab.toml", "--timeout", "300s"];
    let nowhere = format!("127.0.0.1:{}", lab::free_port());
    let own = [
        "--https",
        &door,
        "--tls-certificate",
        "device.pem",
        "--tls-key",
        "device.key",
    ];
    lab::write(
        at,
        "lab.toml",
        &lab_by_http("tls_trust = \"device.pem\"", &device),
    );
    let arguments = [&run[..], &own, &["--gateway", &nowhere]].concat();
    let _device = Process::start(at, &arguments, "devices register at");
    let serve = Process::start(at, &["serve", "--config", "lab.toml"], "ready");
    let said = push_to_alice(at, &serve, "p1");
    assert!(said.contains("delivered to 1 of 1"), "{said}");
    drop(serve);
    // Whoever trusts nobody does not reach it.
    lab::write(at, "lab.toml", &lab_by_http("", &device));
    let serve = Process::start(at, &["serve", "--config", "lab.toml"], "ready");
    let pap = serve.url();
    let api = pap.trim_end_matches("/pap");
    let push = [
        "push",
        "alice",
        "hello",
        "--push-id",
        "p2",
        "--api",
        api,
        "--timeout",
        "3s",
    ];
    let output = lab::run(at, &push);
    assert_ne!(output.status.code(), Some(0), "{}", lab::stdout(&output));
}

#[test]
fn ota_http_003_a_device_connects_over_tls_where_the_sir_says_and_gets_content_there() {
    let folder = lab::folder();
    let at = folder.path();
    for name in ["ota_http", "ota_https"] {
        let listen = format!("{name} = \"127.0.0.1:{}\"", lab::free_port());
        lab::write(
            at,
            "lab.toml",
            &lab_by_http(&listen, "bearers = [\"sip\"]\nconnect = \"http\""),
        );
        let serve = Process::start(at, &["serve", "--config", "lab.toml"], "ready");
        let run = ["device", "run", "--config", "lab.toml"];
        let _device = Process::start(at, &run, "registered");
        let said = push_to_alice(at, &serve, "p1");
        assert!(said.contains("delivered to 1 of 1"), "{name} {said}");
        let pap = serve.url();
        let api = pap.trim_end_matches("/pap");
        let shown = lab::run(at, &["trace", "show", "p1", "--all", "--api", api]);
        let shown = lab::stdout(&shown);
        assert!(shown.contains("POST /wappush"), "{shown}");
        assert!(!shown.contains("INVITE"), "{shown}");
    }
}
