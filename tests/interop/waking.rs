//! A softphone that registers with the parameters of RFC 8599 is woken through its push service.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use crate::softphone::{LINPHONE, Phone, linphonec};
use crate::{Ports, lab};

/// What linphonec registers to be woken by.
const PUSH: &str =
    "contact_uri_parameters=pn-provider=acme;pn-param=linphone.app;pn-prid=device1\n";

fn phone(folder: &Path, ports: &Ports, account: &str) -> Phone {
    linphonec(folder, ports, "tcp", account)
}

fn identity() -> String {
    format!(
        "[[identity]]\npui = \"sip:bob@example.com\"\n[[identity.device]]\nname = \"linphone\"\nid = [\"{LINPHONE}\"]\n"
    )
}

/// Takes one request and says that the device will be woken; gives the request.
fn asked(service: &TcpListener) -> String {
    let (mut link, _) = service.accept().expect("the gateway asks");
    let request = read(&mut link);
    link.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        .expect("it is answered");
    request
}

/// A request with its body.
fn read(link: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut octets = [0; 1024];
    while !text.ends_with('}') {
        let count = link.read(&mut octets).expect("a request");
        assert!(count > 0, "{text}");
        text.push_str(&String::from_utf8_lossy(&octets[..count]));
    }
    text
}

#[test]
fn linphonec_is_woken_through_its_push_service_and_gets_the_sir() {
    let folder = lab::folder();
    let ports = Ports::free();
    let service = TcpListener::bind("127.0.0.1:0").expect("a port");
    let wake = format!(
        "[[wake]]\nprovider = \"acme\"\nurl = \"http://{}/wake\"\n",
        service.local_addr().expect("its address")
    );
    let _gateway = ports.serve(folder.path(), &format!("{wake}{}", identity()));
    let awake = phone(folder.path(), &ports, PUSH);
    ports.wait(folder.path(), "reg change=created dev=linphone", 1);
    let patience = Duration::from_secs(10);
    lab::eventually("it is told who wakes it", patience, || {
        awake.saw("+sip.pns=\"acme\"")
    });
    // The system puts the application away: its connection is gone, its registration is not.
    drop(awake);
    std::thread::sleep(Duration::from_millis(500));

    let push = ["bob", "hi", "--push-id", "w1", "--no-wait"];
    let (exit, answer) = ports.push(folder.path(), &push);
    assert_eq!(exit, Some(0), "{answer}");
    let request = asked(&service);
    assert!(request.starts_with("POST /wake HTTP/1.1\r\n"), "{request}");
    let (_, body) = request.split_once("\r\n\r\n").expect("a body");
    let told: serde_json::Value = serde_json::from_str(body).expect("JSON");
    let wanted =
        serde_json::json!({"provider": "acme", "param": "linphone.app", "prid": "device1"});
    assert_eq!(told, wanted);
    assert!(ports.events("sir.tx push=w1").is_empty(), "the SIR is held");

    let woken = phone(folder.path(), &ports, PUSH);
    ports.wait(
        folder.path(),
        "sir.answer push=w1 dev=linphone status=200",
        1,
    );
    let sir = ports.sir("w1");
    lab::eventually("it shows the SIR", patience, || {
        woken.saw(&format!("sir={sir}"))
    });
}

#[test]
fn linphonec_is_answered_555_where_nobody_serves_its_push_service() {
    let folder = lab::folder();
    let ports = Ports::free();
    let _gateway = ports.serve(folder.path(), &identity());
    let phone = phone(folder.path(), &ports, PUSH);
    lab::eventually("it is refused", Duration::from_secs(20), || {
        phone.saw("SIP/2.0 555")
    });
    assert!(ports.events("reg dev=linphone").is_empty());
}
