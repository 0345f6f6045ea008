//! A message centre that others wrote: smpp of npm, which `smsc.js` makes throttle, drop the link and send receipts.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use sirgate::codec::hex;

use crate::lab::Process;
use crate::{Ports, Running, device, lab, loopback};

/// What the script told, in order.
type Told = Arc<Mutex<Vec<Value>>>;

struct Centre {
    told: Told,
    _node: Running,
}

impl Centre {
    fn start(port: u16, faults: &[&str]) -> Self {
        let mut node = Command::new("node")
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/interop/smsc.js"
            ))
            .args([&port.to_string(), "ppg-1", "sesame"])
            .args(faults)
            .env(
                "NODE_PATH",
                concat!(env!("CARGO_TARGET_TMPDIR"), "/npm/node_modules"),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node runs");
        let lines = BufReader::new(node.stdout.take().expect("piped")).lines();
        let told = Told::default();
        let kept = Arc::clone(&told);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                println!("npm: {line}");
                let value = serde_json::from_str(&line).expect("JSON");
                kept.lock().expect("no panic").push(value);
            }
        });
        let centre = Self {
            told,
            _node: Running(node),
        };
        centre.until("it listens", |told| told["listening"] == true);
        centre
    }

    fn all(&self, key: &str) -> Vec<Value> {
        let told = self.told.lock().expect("no panic");
        told.iter()
            .filter(|value| !value[key].is_null())
            .cloned()
            .collect()
    }

    fn until(&self, what: &str, is_it: impl Fn(&Value) -> bool) {
        lab::eventually(what, Duration::from_secs(20), || {
            self.told.lock().expect("no panic").iter().any(&is_it)
        });
    }

    /// The datagrams of the submissions that were accepted, put together; none is complete twice.
    fn datagrams(&self) -> Vec<Vec<u8>> {
        let mut parts: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for submit in self.all("submit") {
            if submit["submit"] != "none" {
                continue;
            }
            let udh: Vec<&str> = submit["udh"]
                .as_array()
                .expect("elements")
                .iter()
                .filter_map(Value::as_str)
                .collect();
            assert!(
                udh.iter().any(|element| element.starts_with("05040b84")),
                "the port of push: {udh:?}"
            );
            // 08 04 reference(2) total place, 00 03 reference(1) total place.
            let place = udh
                .iter()
                .find(|element| element.starts_with("0804") || element.starts_with("0003"));
            let place = place.map_or("0101", |element| &element[element.len() - 4..]);
            let message = submit["message"].as_str().expect("octets").to_owned();
            let whole = parts.entry(place[..2].to_owned()).or_default();
            assert_eq!(whole.insert(place.to_owned(), message), None, "twice");
        }
        parts
            .into_iter()
            .filter(|(total, parts)| usize::from_str_radix(total, 16) == Ok(parts.len()))
            .map(|(_, parts)| {
                let digits: String = parts.into_values().collect();
                hex::octets(&digits).expect("octets")
            })
            .collect()
    }
}

fn config(ports: &Ports, bearers: &str) -> String {
    format!(
        "{}system_id = \"ppg-1\"\npassword_file = \"smsc.secret\"\nreceipt_timeout_ms = 5000\n\
         [[identity]]\npui = \"sip:alice@example.com\"\n[[identity.device]]\nname = \"C1\"\nkind = \"phone\"\n\
         id = [\"urn:gsma:imei:90420156-025763-0\"]\nbearers = {bearers}\nmsisdn = \"+15550101\"\n",
        ports.smsc()
    )
}

fn gateway(folder: &Path, ports: &Ports, password: &str, bearers: &str) -> Process {
    lab::write(folder, "smsc.secret", password);
    ports.serve(folder, &config(ports, bearers))
}

/// The radio network of the test: what the centre took goes to the handset as a datagram.
#[test]
fn a_sir_comes_through_a_centre_that_throttles_and_drops_the_link_and_counts_once() {
    let folder = lab::folder();
    let ports = Ports::free();
    let handset = lab::free_port();
    let centre = Centre::start(ports.smpp, &["throttle", "throttle", "drop"]);
    let _gateway = gateway(folder.path(), &ports, "sesame\n", "[\"sms\"]");
    let _device = device(folder.path(), "C1", &["--wsp", &loopback(handset)]);
    centre.until("it is bound", |told| told["status"] == 0);
    let api = ports.api();
    let push = std::thread::scope(|scope| {
        let push = scope.spawn(|| {
            ports.push(
                folder.path(),
                &["alice", "hello", "--only", "C1", "--place", "value"],
            )
        });
        lab::eventually("a SIR is complete", Duration::from_secs(20), || {
            centre.datagrams().len() == 1
        });
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let sir = centre.datagrams().remove(0);
        println!("{api}: {}", hex::digits(&sir));
        socket
            .send_to(&sir, ("127.0.0.1", handset))
            .expect("sent to the handset");
        push.join().expect("its end")
    });
    assert_eq!(push.0, Some(0), "{}", push.1);
    let binds = centre.all("bind");
    assert_eq!(binds.len(), 2, "bound again after the drop: {binds:?}");
    assert!(binds.iter().all(|bind| bind["status"] == 0), "{binds:?}");
    let faults: Vec<Value> = centre.all("submit");
    let faults: Vec<&str> = faults
        .iter()
        .filter_map(|it| it["submit"].as_str())
        .collect();
    assert_eq!(faults[..3], ["throttle", "throttle", "drop"], "{faults:?}");
    centre.until("a receipt was answered", |told| {
        told["receipt"] == 0 && !told["of"].is_null()
    });
    let count = |filter: &str| ports.events(filter).len();
    // Throttling is waited out; with a link that breaks the SIR is sent anew.
    assert_eq!(count("sir.tx bearer=sms"), 2);
    assert_eq!(count("push.dev outcome=delivered"), 1);
    assert_eq!(
        centre.datagrams().len(),
        1,
        "one SIR, however often submitted"
    );
}

#[test]
fn a_gateway_with_a_wrong_password_is_told_so_and_takes_the_next_bearer() {
    let folder = lab::folder();
    let ports = Ports::free();
    let centre = Centre::start(ports.smpp, &[]);
    let _gateway = gateway(folder.path(), &ports, "wrong\n", "[\"sms\", \"sip\"]");
    let _device = device(folder.path(), "C1", &[]);
    // ESME_RINVPASWD
    centre.until("a bind is refused", |told| told["status"] == 0x0E);
    let (exit, _) = ports.push(folder.path(), &["alice", "hello", "--only", "C1"]);
    assert_eq!(exit, Some(0));
    assert_eq!(centre.all("submit").len(), 0);
    assert_eq!(ports.events("sir.next").len(), 1);
    assert_eq!(ports.events("sir.tx bearer=sip").len(), 1);
}
