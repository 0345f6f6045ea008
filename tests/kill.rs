//! The gateway is killed at a random instant under load, twenty times, and reopened from its database: nothing that
//! was accepted is lost, and the initiator learns each result once.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "test")]

mod lab;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use lab::Process;

const ROUNDS: usize = 20;
const INITIATORS: usize = 4;

fn config(http: u16, sip: u16, msrp: u16) -> String {
    format!(
        r#"
[gateway]
retry_wait_ms = 300
answer_timeout_ms = 1000
session_linger_ms = 1000
push_lifetime_ms = 60000

[listen]
http = "127.0.0.1:{http}"
sip = ["udp:127.0.0.1:{sip}", "tcp:127.0.0.1:{sip}"]
msrp = "127.0.0.1:{msrp}"

[store]
kind = "sqlite"
path = "sirgate.db"

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
"#
    )
}

#[test]
fn what_was_accepted_survives_twenty_kills_under_load() {
    let folder = lab::folder();
    let [http, sip, msrp] = [lab::free_port(), lab::free_port(), lab::free_port()];
    lab::write(folder.path(), "lab.toml", &config(http, sip, msrp));
    let serve = || Process::start(folder.path(), &["serve", "--config", "lab.toml"], "ready");
    let mut gateway = serve();
    let _devices = Process::start(
        folder.path(),
        &[
            "device",
            "run",
            "--config",
            "lab.toml",
            "--gateway",
            &format!("127.0.0.1:{sip}"),
        ],
        "registered",
    );
    let (notify, results) = lab::initiator();
    let accepted = Arc::new(Mutex::new(BTreeSet::new()));
    let stop = Arc::new(AtomicBool::new(false));
    let initiators: Vec<_> = (0..INITIATORS)
        .map(|number| {
            let (url, notify) = (format!("http://127.0.0.1:{http}/pap"), notify.clone());
            let (accepted, stop) = (Arc::clone(&accepted), Arc::clone(&stop));
            thread::spawn(move || submit(number, &url, &notify, &accepted, &stop))
        })
        .collect();

    let mut chance: u64 = 0x5eed;
    for _ in 0..ROUNDS {
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        thread::sleep(Duration::from_millis(50 + (chance >> 33) % 250));
        gateway.kill();
        gateway = serve();
    }
    let killed = accepted.lock().unwrap().clone();
    thread::sleep(Duration::from_millis(500));
    stop.store(true, Ordering::Relaxed);
    let repeated: usize = initiators
        .into_iter()
        .map(|initiator| initiator.join().unwrap())
        .sum();

    let accepted = accepted.lock().unwrap().clone();
    judge(&accepted, &killed, &results, repeated);
}

/// What the initiator was told must be the end of every push that was accepted, once to its eyes.
fn judge(
    accepted: &BTreeSet<String>,
    killed: &BTreeSet<String>,
    results: &lab::Results,
    repeated: usize,
) {
    assert!(
        accepted.len() > ROUNDS,
        "too little load to show anything: {} accepted",
        accepted.len()
    );
    lab::eventually(
        "every accepted push was reported",
        Duration::from_secs(60),
        || {
            let results = results.lock().unwrap();
            accepted.iter().all(|push| results.contains_key(push))
        },
    );
    let results = results.lock().unwrap();
    let delivered = accepted
        .iter()
        .filter(|push| results[*push].iter().any(|state| state == "delivered"))
        .count();
    let doubled: Vec<_> = results.iter().filter(|(_, told)| told.len() > 1).collect();
    let contradicting = doubled
        .iter()
        .filter(|(_, told)| told.iter().any(|state| *state != told[0]))
        .count();
    println!(
        "accepted {} delivered {delivered} submitted again {repeated} told twice {} contradicting {contradicting}",
        accepted.len(),
        doubled.len()
    );
    assert_eq!(
        delivered,
        accepted.len(),
        "every accepted push is delivered: the device was there all the time"
    );
    assert_eq!(contradicting, 0, "{doubled:?}");
    // A kill between the initiator's answer and its record makes one more notification of the same result, which the
    // initiator knows by push-id and address. Without a kill nothing is told twice.
    let undisturbed: Vec<&String> = accepted.difference(killed).collect();
    assert!(!undisturbed.is_empty(), "no load after the last kill");
    assert!(
        undisturbed.iter().all(|push| results[*push].len() == 1),
        "told twice without a kill: {doubled:?}"
    );
}

/// Submits one push after the other; gives how often one was submitted again because its answer was lost.
fn submit(
    number: usize,
    url: &str,
    notify: &str,
    accepted: &Mutex<BTreeSet<String>>,
    stop: &AtomicBool,
) -> usize {
    let mut repeated = 0;
    for serial in 0.. {
        let push_id = format!("{number}-{serial}@pi.example");
        let (content_type, body) = lab::submission(
            &push_id,
            "sip:alice@example.com",
            Some(notify),
            &[("X-Sirgate-Device", "C1")],
            "hello",
        );
        while !stop.load(Ordering::Relaxed) {
            if let Some((202, answer)) =
                lab::http(url, "POST", &[("content-type", &content_type)], &body)
            {
                let code = lab::attribute(&String::from_utf8_lossy(&answer), "code");
                // 2007: an earlier try was accepted and its answer lost in the kill.
                assert!(code == "1001" || code == "2007", "code {code}");
                accepted.lock().unwrap().insert(push_id.clone());
                break;
            }
            repeated += 1;
            thread::sleep(Duration::from_millis(20));
        }
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    repeated
}
