//! Bad input on every listening socket of a gateway, a device and a message centre: garbage, connections that say
//! nothing, slow ones, too much, floods. Memory stays bounded, the answer is the right one or none, and who behaves is
//! served meanwhile.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test")]

mod lab;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::time::Duration;

use lab::Process;

/// What all that may add to the memory of a process: the queues of `limits` (32 MiB of datagrams, what 300 connections
/// may have unread) and room for the allocator.
const GROWTH_KIB: u64 = 160 * 1024;
/// More than anybody reads before the connection ends; of what is kept, the memory tells.
const ENDLESS: usize = 16 << 30;
/// How long an answer or the end of a connection may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Everybody on ports of their own.
struct Lab {
    folder: tempfile::TempDir,
    http: SocketAddr,
    sip: SocketAddr,
    tls: SocketAddr,
    msrp: SocketAddr,
    wsp: SocketAddr,
    wsp_session: SocketAddr,
    door: SocketAddr,
    smpp: SocketAddr,
    gateway: Process,
    devices: Process,
    centre: Process,
}

fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

impl Lab {
    fn start() -> Self {
        let folder = lab::folder();
        let [http, sip, tls, msrp, wsp, wsp_session, door, smpp, radio] =
            [(); 9].map(|()| at(lab::free_port()));
        let config = format!(
            "[listen]\nhttp = \"{http}\"\nsip = [\"udp:{sip}\", \"tcp:{sip}\", \"tls:{tls}\"]\nmsrp = \"{msrp}\"\n\
             wsp = \"{wsp}\"\nwsp_session = \"{wsp_session}\"\n[smsc]\naddress = \"{smpp}\"\n[store]\nkind = \"none\"\n\
             [[identity]]\npui = \"sip:alice@example.com\"\n\
             [[identity.device]]\nname = \"C1\"\nid = [\"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"]\n\
             [[identity.device]]\nname = \"C2\"\nid = [\"urn:gsma:imei:90420156-025763-0\"]\ntransport = \"tcp\"\n\
             [[identity.device]]\nname = \"C3\"\nid = [\"urn:dev:mac:0024befffe804ff1\"]\ntransport = \"tls\"\n"
        );
        std::fs::write(folder.path().join("lab.toml"), config).unwrap();
        let start =
            |arguments: &[&str], ready: &str| Process::start(folder.path(), arguments, ready);
        let (smpp_text, radio_text, door_text) =
            (smpp.to_string(), radio.to_string(), door.to_string());
        let centre = start(
            &[
                "sim",
                "smsc",
                "--listen",
                &smpp_text,
                "--radio",
                &radio_text,
            ],
            "ready",
        );
        let gateway = start(&["serve", "--config", "lab.toml"], "ready");
        let run = [
            "device", "run", "--config", "lab.toml", "--http", &door_text,
        ];
        let devices = start(&run, "registered 3");
        Self {
            folder,
            http,
            sip,
            tls,
            msrp,
            wsp,
            wsp_session,
            door,
            smpp,
            gateway,
            devices,
            centre,
        }
    }

    /// A push reaches every device, over UDP, TCP and TLS; and the message centre takes a binding.
    fn serves(&self, when: &str) {
        let api = format!("http://{}", self.http);
        let push = ["push", "alice", "hello", "--api", &api, "--timeout", "60s"];
        let output = lab::run(self.folder.path(), &push);
        let said = lab::stdout(&output);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{when}: {said}{}",
            lab::stderr(&output)
        );
        assert!(said.contains("delivered to 3 of 3"), "{when}: {said}");
        let bound = bind(self.smpp);
        assert_eq!(
            bound.get(4..8),
            Some(&[0x80, 0, 0, 9][..]),
            "{when}: {bound:?}"
        );
        assert_eq!(bound.get(8..12), Some(&[0; 4][..]), "{when}: {bound:?}");
    }

    fn streams(&self) -> [(&'static str, SocketAddr, &'static [u8]); 6] {
        const HTTP: &[u8] = b"POST /pap HTTP/1.1\r\nhost: x\r\n";
        const SIP: &[u8] = b"MESSAGE sip:push@ppg.example.com SIP/2.0\r\nVia: SIP/2.0/TCP ";
        [
            ("http", self.http, HTTP),
            ("sip tcp", self.sip, SIP),
            ("sip tls", self.tls, b"\x16\x03\x01\x02\x00\x01"),
            ("msrp", self.msrp, b"MSRP a1b2c3d4 SEND\r\nTo-Path: "),
            ("ota-http", self.door, HTTP),
            ("smpp", self.smpp, &[0, 0, 0, 40, 0, 0, 0, 9]),
        ]
    }

    fn memory(&self) -> [(&'static str, u64); 3] {
        [
            ("gateway", &self.gateway),
            ("devices", &self.devices),
            ("centre", &self.centre),
        ]
        .map(|(name, process)| (name, peak_kib(process.id())))
    }
}

/// The most memory a process has had resident, in KiB.
fn peak_kib(id: u32) -> u64 {
    let status =
        std::fs::read_to_string(Path::new("/proc").join(id.to_string()).join("status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Octets from a seed.
struct Noise(u64);

impl Noise {
    fn octets(&mut self, count: usize) -> Vec<u8> {
        let mut next = || {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            self.0.to_be_bytes()[0]
        };
        (0..count).map(|_| next()).collect()
    }
}

fn connect(peer: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&peer, PATIENCE).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// What the peer says until it closes; a reset is an end, too.
fn rest(mut stream: TcpStream, what: &str) -> Vec<u8> {
    let mut said = Vec::new();
    let mut part = [0; 4_096];
    loop {
        match stream.read(&mut part) {
            Ok(0) => return said,
            Ok(count) => said.extend_from_slice(&part[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("{what}: the connection stays open after {said:?}")
            }
            Err(_) => return said,
        }
    }
}

fn bind(peer: SocketAddr) -> Vec<u8> {
    let body = b"\x00\x00\x00\x09\x00\x00\x00\x00\x00\x00\x00\x01probe\0\0\0\x34\0\0\0";
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    let mut stream = connect(peer);
    stream.write_all(&[&length[..], body].concat()).unwrap();
    let mut head = [0; 16];
    stream.read_exact(&mut head).unwrap();
    head.to_vec()
}

/// Datagrams of noise, of beginnings, and as large as they come.
fn datagrams(peer: SocketAddr, noise: &mut Noise) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for number in 0..8_000_usize {
        let octets = match number % 8 {
            0 => Vec::new(),
            1 => noise.octets(65_000),
            2 => b"MESSAGE sip:push@ppg.example.com SIP/2.0\r\nVia: ".repeat(number % 40),
            3 => [&[1, 6, 0xff, 0xff, 0xff][..], &noise.octets(40)].concat(),
            _ => noise.octets(number % 1_400),
        };
        // What a full buffer does not take is the flood's loss.
        let _ = socket.send_to(&octets, peer);
    }
}

#[test]
fn bad_input_on_every_socket_harms_nobody_and_takes_bounded_memory() {
    let lab = Lab::start();
    lab.serves("before");
    let before = lab.memory();
    let mut noise = Noise(42);

    for peer in [lab.sip, lab.wsp, lab.wsp_session] {
        datagrams(peer, &mut noise);
    }
    lab.serves("after floods of datagrams");

    for (name, peer, _) in lab.streams() {
        for _ in 0..10 {
            let mut stream = connect(peer);
            let _ = stream.write_all(&noise.octets(64 * 1024));
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let said = rest(stream, name);
            let is_refusal = said.is_empty()
                || said.starts_with(b"HTTP/1.1 4")
                || (name == "smpp" && said.get(4..8) == Some(&[0x80, 0, 0, 0]))
                || (name == "sip tls" && said.first() == Some(&21));
            assert!(
                is_refusal,
                "{name} says {:?}",
                String::from_utf8_lossy(&said)
            );
        }
    }
    lab.serves("after garbage");

    // Kept open while the others are served: nothing said, and a beginning that goes no further.
    let mut idle = Vec::new();
    for (_, peer, beginning) in lab.streams() {
        idle.extend((0..25).map(|_| connect(peer)));
        for _ in 0..25 {
            let mut stream = connect(peer);
            let _ = stream.write_all(beginning);
            idle.push(stream);
        }
    }
    lab.serves("beside 300 connections that go no further");
    drop(idle);

    too_much(&lab);
    lab.serves("after too much");

    std::thread::scope(|scope| {
        for (_, peer, _) in lab.streams() {
            scope.spawn(move || (0..500).for_each(|_| drop(connect(peer))));
        }
    });
    lab.serves("after floods of connections");

    for ((name, before), (_, after)) in before.into_iter().zip(lab.memory()) {
        let growth = after.saturating_sub(before);
        println!("{name}: {before} KiB before, at most {after} KiB");
        assert!(
            growth < GROWTH_KIB,
            "{name}: {before} KiB, then {after} KiB"
        );
    }
}

/// Messages without an end, and some that say how large they are.
fn too_much(lab: &Lab) {
    for peer in [lab.http, lab.door] {
        let mut stream = connect(peer);
        let head = format!(
            "POST /pap HTTP/1.1\r\nhost: {peer}\r\ncontent-length: 1073741824\r\nexpect: 100-continue\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let said = rest(stream, "http");
        assert!(
            said.starts_with(b"HTTP/1.1 413"),
            "{:?}",
            String::from_utf8_lossy(&said)
        );
    }
    let sip = b"MESSAGE sip:push@ppg.example.com SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n\
               To: <sip:c@d>\r\nCall-ID: e\r\nCSeq: 1 MESSAGE\r\nMax-Forwards: 70\r\nContent-Length: 999999999\r\n\r\n";
    let http = b"POST /pap HTTP/1.1\r\nhost: x\r\n";
    let row = b"x-row: 0123456789abcdef\r\n";
    let octets = [b'x'; 4_096];
    let all: [(SocketAddr, &[u8], &[u8], &str); 6] = [
        (lab.http, http, row, "http"),
        (lab.door, http, row, "ota-http"),
        (lab.sip, sip, &octets, "sip"),
        (lab.sip, b"MESSAGE sip:x SIP/2.0\r\nX-Row: ", &octets, "sip"),
        (
            lab.msrp,
            b"MSRP a1b2c3d4 SEND\r\nTo-Path: ",
            &octets,
            "msrp",
        ),
        (lab.smpp, &[0x7f, 0xff, 0xff, 0xff], &[0; 4_096], "smpp"),
    ];
    // At the same time, for each takes some seconds.
    std::thread::scope(|scope| {
        for (peer, beginning, part, what) in all {
            scope.spawn(move || {
                let mut stream = connect(peer);
                let _ = stream.write_all(beginning);
                endless(stream, part, what);
            });
        }
    });
}

/// Writes on until the peer has had enough. It reads and forgets for some seconds, so that its last words arrive.
fn endless(mut stream: TcpStream, part: &[u8], what: &str) {
    let mut written = 0;
    while written < ENDLESS {
        match stream.write(part) {
            Ok(count) => written += count,
            Err(_) => return,
        }
    }
    panic!("{what}: {written} octets were taken without an end");
}
