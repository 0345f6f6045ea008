//! Push services of vendors as the program runs them: the simulators on one side, the gateway on the other, HTTP/2 between.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "test")]

mod lab;

use std::path::Path;
use std::time::Duration;

use lab::Process;
use serde_json::{Value, json};

const APP: &str = "com.example.mail";

/// The token of the device that a simulator's banner shows.
fn token(service: &Process) -> String {
    let line = service.banner.iter().find(|line| line.starts_with("token"));
    let line = line.expect("a token in the banner");
    line.split_whitespace().next_back().unwrap().to_owned()
}

/// A gateway with alice's phone, which has no token yet.
fn gateway(at: &Path, listen: &str, tables: &str, bearer: &str) -> Process {
    let text = format!(
        "[listen]\nhttp = \"127.0.0.1:0\"\nmsrp = \"127.0.0.1:0\"\nsip = [\"udp:127.0.0.1:{}\"]\n{listen}\n\
         [store]\nkind = \"none\"\n{tables}\n[[identity]]\npui = \"sip:alice@example.com\"\n\
         [[identity.device]]\nname = \"phone\"\nbearers = [\"{bearer}\"]\n\
         id = [\"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"]\n",
        lab::free_port()
    );
    lab::write(at, "lab.toml", &text);
    Process::start(at, &["serve", "--config", "lab.toml"], "ready")
}

fn api(serve: &Process) -> String {
    serve.url().trim_end_matches("/pap").to_owned()
}

/// The phone tells the gateway its token.
fn report(serve: &Process, bearer: &str, token: &str) {
    let url = format!("{}/api/v1/identities/sip:alice@example.com", api(serve));
    let change = json!({"devices": [{"name": "phone", "addresses": {bearer: token}}]});
    let headers = [("content-type", "application/json")];
    let answer = lab::http(&url, "PUT", &headers, change.to_string().as_bytes());
    let (status, body) = answer.expect("an answer");
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
}

/// Pushes to alice; the exit code, and what is said of it.
fn push(at: &Path, serve: &Process, id: &str) -> (Option<i32>, String) {
    let api = api(serve);
    let arguments = ["push", "alice", "hello", "--push-id", id, "--api", &api];
    let output = lab::run(at, &arguments);
    let said = lab::stdout(&output) + &lab::stderr(&output);
    (output.status.code(), said)
}

/// What the simulator knows of a device.
fn seen(service: &str, method: &str, token: &str) -> Value {
    let url = format!("{service}/sim/devices/{token}");
    let (status, body) = lab::http(&url, method, &[], b"").expect("an answer");
    assert!(matches!(status, 200 | 204), "{status}");
    serde_json::from_slice(&body).unwrap_or_default()
}

/// Events of these names in a simulator's log.
fn events(at: &Path, name: &str) -> Vec<Value> {
    let log = std::fs::read_to_string(at.join("events.ndjson")).unwrap_or_default();
    let events = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    events.filter(|event: &Value| event["ev"] == name).collect()
}

fn apns(at: &Path, port: u16, more: &[&str]) -> Process {
    let listen = format!("127.0.0.1:{port}");
    let own = [
        "sim",
        "apns",
        "--listen",
        &listen,
        "--key-out",
        "AuthKey.p8",
    ];
    let device = format!("phone:{APP}");
    let device = ["--device", &device, "--events", "events.ndjson"];
    Process::start(at, &[&own[..], &device[..], more].concat(), "ready")
}

fn apns_table(endpoint: &str) -> String {
    format!(
        "[apns]\nendpoint = \"{endpoint}\"\nkey = \"AuthKey.p8\"\nkey_id = \"ABC123DEFG\"\n\
         team = \"TEAM567890\"\ntopic = \"{APP}\"\n"
    )
}

#[test]
fn s1_4_a_device_gets_a_token_reports_it_and_is_notified_through_apns_over_tls() {
    let folder = lab::folder();
    let at = folder.path();
    let port = lab::free_port();
    let service = apns(at, port, &["--cert-out", "apns.pem"]);
    let token = token(&service);
    assert_eq!(token.len(), 64);
    let table = apns_table(&format!("https://127.0.0.1:{port}"));
    let serve = gateway(at, "tls_trust = \"apns.pem\"", &table, "apns");
    report(&serve, "apns", &token);
    let (code, said) = push(at, &serve, "p1");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("delivered to 1 of 1"), "{said}");
    let count = |name: &str| events(at, name).len();
    lab::eventually("the delivery", Duration::from_secs(60), || {
        count("note.given") == 1
    });
    assert_eq!((count("note.token"), count("note.req")), (1, 1));
    assert_eq!(events(at, "note.req")[0]["status"], 200);
}

#[test]
fn r1_41_and_r1_44_a_reported_token_is_used_until_it_is_gone_and_then_no_more() {
    let folder = lab::folder();
    let at = folder.path();
    let port = lab::free_port();
    let service = apns(at, port, &["--clear"]);
    let (token, door) = (token(&service), format!("http://127.0.0.1:{port}"));
    let serve = gateway(at, "", &apns_table(&door), "apns");
    report(&serve, "apns", &token);
    let (code, said) = push(at, &serve, "p1");
    assert_eq!(code, Some(0), "{said}");
    let device = seen(&door, "GET", &token);
    assert_eq!(device["received"], 1);
    let alert = &device["notes"][0]["payload"]["aps"]["alert"];
    assert_eq!(alert["body"], "hello");
    seen(&door, "DELETE", &token);
    let (code, said) = push(at, &serve, "p2");
    assert_ne!(code, Some(0), "{said}");
    assert!(said.contains("Unregistered"), "{said}");
    let (_, known) = lab::http(
        &format!("{}/api/v1/identities/sip:alice@example.com", api(&serve)),
        "GET",
        &[],
        b"",
    )
    .unwrap();
    let known = String::from_utf8_lossy(&known).into_owned();
    assert!(!known.contains(&token), "{known}");
    let requests = events(at, "note.req");
    let statuses: Vec<u64> = requests
        .iter()
        .filter_map(|it| it["status"].as_u64())
        .collect();
    assert_eq!(statuses, [200, 410]);
}

#[test]
fn a_message_reaches_a_device_through_fcm_with_an_access_token() {
    let folder = lab::folder();
    let at = folder.path();
    let port = lab::free_port();
    let door = format!("http://127.0.0.1:{port}");
    let account = json!({
        "type": "service_account", "project_id": "lab", "private_key_id": "k1",
        "private_key": include_str!("../testdata/jwt/rs256.pem"),
        "client_email": "push@lab.example", "token_uri": format!("{door}/token"),
    });
    lab::write(at, "account.json", &account.to_string());
    let listen = format!("127.0.0.1:{port}");
    let device = format!("phone:{APP}");
    let arguments = [
        "sim",
        "fcm",
        "--listen",
        &listen,
        "--service-account",
        "account.json",
        "--device",
        &device,
        "--events",
        "events.ndjson",
    ];
    let service = Process::start(at, &arguments, "ready");
    let token = token(&service);
    let table = format!("[fcm]\nendpoint = \"{door}\"\nservice_account = \"account.json\"\n");
    let serve = gateway(at, "", &table, "fcm");
    report(&serve, "fcm", &token);
    let (code, said) = push(at, &serve, "p1");
    assert_eq!(code, Some(0), "{said}");
    let device = seen(&door, "GET", &token);
    let message = &device["notes"][0]["payload"]["message"];
    assert_eq!(message["notification"]["body"], "hello");
    assert_eq!(events(at, "note.req").len(), 1);
}
