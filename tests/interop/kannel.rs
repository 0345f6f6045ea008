//! Kannel on both sides: its bearerbox as another client of our message centre, its push initiator at our gateway.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sirgate::codec::device_id::DeviceId;
use sirgate::codec::sir::{Placement, Sir};
use sirgate::codec::wsp::sir::push_of;

use crate::{Ports, Running, device, lab, loopback};

/// Where Debian has Kannel's test programs and documents.
const TESTS: &str = "/usr/lib/kannel/test";
const ID: &str = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

/// Kannel's two boxes for short messages.
struct Kannel {
    admin: u16,
    sendsms: u16,
    _boxes: [Running; 2],
}

impl Kannel {
    fn start(folder: &Path, ports: &Ports) -> Self {
        let [admin, boxes, sendsms] = [(); 3].map(|()| lab::free_port());
        let config = format!(
            "group = core\nadmin-port = {admin}\nadmin-interface = 127.0.0.1\nadmin-password = bar\nsmsbox-port = {boxes}\n\
             smsbox-interface = 127.0.0.1\nadmin-allow-ip = 127.0.0.1\nbox-allow-ip = 127.0.0.1\n\n\
             group = smsc\nsmsc = smpp\nsmsc-id = sirgate\nhost = 127.0.0.1\nport = {}\ntransceiver-mode = true\n\
             smsc-username = kannel\nsmsc-password = secret\nsystem-type = \"\"\naddress-range = \"\"\nreconnect-delay = 1\n\n\
             group = smsbox\nbearerbox-host = 127.0.0.1\nsendsms-port = {sendsms}\nsendsms-interface = 127.0.0.1\n\n\
             group = sendsms-user\nusername = tester\npassword = foobar\nmax-messages = 10\nconcatenation = true\n",
            ports.smpp
        );
        let file = lab::write(folder, "kannel.conf", &config);
        let run = |program: &str, port: u16| {
            let child = Command::new(program)
                .args(["-v", "2"])
                .arg(&file)
                .stdin(Stdio::null())
                .spawn()
                .expect("Kannel runs");
            lab::eventually(program, Duration::from_secs(20), || {
                TcpStream::connect(("127.0.0.1", port)).is_ok()
            });
            Running(child)
        };
        let bearerbox = run("bearerbox", boxes);
        let kannel = Self {
            admin,
            sendsms,
            _boxes: [run("smsbox", sendsms), bearerbox],
        };
        lab::eventually("Kannel is bound", Duration::from_secs(20), || {
            kannel.status().contains("(online")
        });
        kannel
    }

    fn status(&self) -> String {
        get(&format!(
            "http://127.0.0.1:{}/status.txt?password=bar",
            self.admin
        ))
        .1
    }

    fn send(&self, query: &str) -> String {
        let url = format!(
            "http://127.0.0.1:{}/cgi-bin/sendsms?username=tester&password=foobar&{query}",
            self.sendsms
        );
        let (status, text) = get(&url);
        println!("{url} -> {status} {text}");
        assert_eq!(status, 202, "{text}");
        text
    }
}

fn get(url: &str) -> (u16, String) {
    let (status, body) = lab::http(url, "GET", &[], b"").unwrap_or_default();
    (status, String::from_utf8_lossy(&body).into_owned())
}

/// Listens for the reports that Kannel makes of receipts: the request lines.
fn reports() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let port = listener.local_addr().expect("bound").port();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&lines);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut line = String::new();
            let _ = BufReader::new(&stream).read_line(&mut line);
            kept.lock().expect("no panic").push(line);
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    (port, lines)
}

fn percent(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        let _ = write!(text, "%{octet:02X}");
        text
    })
}

fn config(ports: &Ports, more: &str) -> String {
    format!(
        "{}[[identity]]\npui = \"sip:alice@example.com\"\n{more}[[identity.device]]\nname = \"C1\"\nkind = \"phone\"\n\
         id = [\"{ID}\"]\nbearers = [\"sms\"]\nmsisdn = \"+358408201681\"\n",
        ports.smsc()
    )
}

/// SIRs as Kannel puts them into short messages, in one and in several, reach a handset, and Kannel has the receipts.
#[test]
fn sirs_that_kannel_submits_to_our_centre_reach_a_handset_and_are_receipted() {
    let folder = lab::folder();
    let ports = Ports::free();
    let _centre = ports.centre(folder.path(), &[]);
    let _gateway = ports.serve(folder.path(), &config(&ports, ""));
    let radio = loopback(ports.radio);
    let events = folder.path().join("device.jsonl");
    let doors = ["--msisdn", "+358408201681", "--radio", &radio, "--events"];
    let doors = [&doors[..], &[events.to_str().expect("text")]].concat();
    let _device = device(folder.path(), "C1", &doors);
    let kannel = Kannel::start(folder.path(), &ports);
    let (port, reports) = reports();
    let own = DeviceId::decode(ID).expect("an identifier");
    let one = Sir::new("sip:alice@example.com", "sip:push@ppg.example.com")
        .with_devices(Placement::VALUE, std::slice::from_ref(&own));
    let long = Sir::new("sip:alice@example.com", "sip:push@ppg.example.com").with_devices(
        "header,value,body".parse().expect("places"),
        &[
            own,
            DeviceId::decode("urn:gsma:imei:90420156-025763-0").expect("an identifier"),
        ],
    );
    for (number, sir) in [one, long].into_iter().enumerate() {
        let push = push_of(&sir.encode(), 7);
        println!("{} octets", push.len());
        assert_eq!(number == 1, push.len() > 133, "one message, then several");
        kannel.send(&format!(
            "from=7777&to=%2B358408201681&coding=1&udh=%06%05%04%0B%84%23%F0&text={}&dlr-mask=3&dlr-url={}",
            percent(&push),
            percent(format!("http://127.0.0.1:{port}/dlr?push={number}&type=%d").as_bytes()),
        ));
        let seen = || {
            let text = std::fs::read_to_string(&events).unwrap_or_default();
            let count = |what: &str| text.lines().filter(|line| line.contains(what)).count();
            (count("\"sir.rx\""), count("\"sir.decide\""))
        };
        lab::eventually("the handset has the SIR", Duration::from_secs(20), || {
            seen() == (number + 1, number + 1)
        });
        let told = format!("push={number}&type=1 ");
        lab::eventually("Kannel has the receipt", Duration::from_secs(20), || {
            let reports = reports.lock().expect("no panic");
            reports.iter().any(|line| line.contains(&told))
        });
    }
    let text = std::fs::read_to_string(&events).expect("events");
    println!("{text}{}", kannel.status());
    let decided = text.lines().filter(|line| line.contains("\"sir.decide\""));
    for line in decided {
        assert!(
            line.contains("\"connect\"") && line.contains("\"match\""),
            "{line}"
        );
    }
}

/// Kannel's test_ppg and its documents as they are: an SI by a SIR over short messages.
#[test]
fn the_push_initiator_of_kannel_is_accepted_with_its_own_documents() {
    let folder = lab::folder();
    let ports = Ports::free();
    let _centre = ports.centre(folder.path(), &[]);
    let aliases = "aliases = [\"tel:+358408201681\"]\n";
    let _gateway = ports.serve(folder.path(), &config(&ports, aliases));
    let radio = loopback(ports.radio);
    let doors = ["--msisdn", "+358408201681", "--radio", &radio];
    let _device = device(folder.path(), "C1", &doors);
    let output = Command::new(format!("{TESTS}/test_ppg"))
        .args(["-c", "si", &format!("{}/pap", ports.api())])
        .args([format!("{TESTS}/si.txt"), format!("{TESTS}/smstestppg.txt")])
        .stdin(Stdio::null())
        .output()
        .expect("test_ppg runs");
    let told = lab::stderr(&output);
    println!("{told}");
    assert!(output.status.success());
    assert!(told.contains("and type push response"), "{told}");
    let push = "9fjeo39jf084@pi.com";
    assert_eq!(ports.events(&format!("pap.rx push={push}")).len(), 1);
    ports.wait(
        folder.path(),
        &format!("push.end push={push} state=delivered"),
        1,
    );
    assert_eq!(
        ports
            .events(&format!("sir.tx push={push} bearer=sms"))
            .len(),
        1
    );
}
