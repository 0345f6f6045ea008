//! How long a push to three devices takes to plan and compose, and to accept and send as a whole.
#![expect(clippy::unwrap_used, reason = "bench")]

use bytes::Bytes;
use divan::{AllocProfiler, Bencher, black_box};
use sirgate::codec::device_id::DeviceId;
use sirgate::codec::pap::ClientAddress;
use sirgate::codec::sip::{Draft, Method};
use sirgate::event::{Bearer, Mode};
use sirgate::gateway::bearer::choice::{Bearers, Choice};
use sirgate::gateway::bearer::sip::{Envelope, Form, Way};
use sirgate::gateway::config::{DeviceProfile, Identity};
use sirgate::gateway::push::plan::{Devices, Fork, Plan, PlanWish, Wish, plan};
use sirgate::gateway::push::submission::Options;
use sirgate::gateway::registry::Registry;
use sirgate::gateway::sir::{Parts, compose};
use sirgate::gateway::{Config, Gateway};
use sirgate::machine::Machine;
use sirgate::random::Random;
use sirgate::time::Time;
use sirgate::world::{HttpRequest, Input, Output, RequestId, SocketId};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn choice() -> Choice {
    Choice::new(Bearers::of(&[Bearer::Sip]), None, true)
}

const PUI: &str = "sip:alice@example.com";
const IDS: [&str; 3] = [
    "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "urn:gsma:imei:90420156-025763-0",
    "urn:dev:mac:0024befffe804ff1",
];

fn main() {
    divan::main();
}

fn identity() -> Identity {
    let device = |(n, id): (usize, &&str)| DeviceProfile {
        name: format!("C{}", n + 1),
        ids: vec![DeviceId::decode(id).unwrap()],
        ..DeviceProfile::default()
    };
    Identity {
        pui: PUI.to_owned(),
        aliases: Vec::new(),
        devices: IDS.iter().enumerate().map(device).collect(),
    }
}

fn wish(fork: Fork) -> Wish<'static> {
    Wish {
        mode: PlanWish::FanoutId,
        fork,
        devices_judge: false,
        application: "x-wap-application:wml.ua",
        content_type: "text/plain",
        other_type: None,
        octets: 5,
        kinds: None,
    }
}

#[divan::bench]
fn plan_three_devices(bencher: Bencher<'_, '_>) {
    let mut registry = Registry::new(1);
    let no = registry.provision(&identity()).unwrap();
    let wish = wish(Fork::Core);
    bencher.bench(|| {
        let candidates = registry.candidates(no, Devices::one(0), &choice());
        plan(black_box(&wish), &candidates, Time::EPOCH)
    });
}

/// The pure part of a push to one of three devices by fan-out: plan, one SIR, three MESSAGEs.
#[divan::bench]
fn plan_and_compose_three_messages(bencher: Bencher<'_, '_>) {
    let mut registry = Registry::new(1);
    let no = registry.provision(&identity()).unwrap();
    let wish = wish(Fork::Core);
    let options = Options {
        plan: PlanWish::FanoutId,
        place: "value".parse().unwrap(),
        fork: Fork::Ppg,
        ask: Default::default(),
        apps: Vec::new(),
        ppg: None,
        devices_judge: false,
    };
    let mut random = Random::from_number(1);
    bencher.bench_local(|| {
        let candidates = registry.candidates(no, Devices::one(0), &choice());
        let Plan::Deliver(deliveries) = plan(black_box(&wish), &candidates, Time::EPOCH) else {
            unreachable!()
        };
        let waking = deliveries.sir.unwrap();
        let named: Vec<DeviceId> = waking
            .named
            .iter()
            .filter_map(|at| registry.get(no)?.devices.get(at)?.name_id().cloned())
            .collect();
        let sir = compose(&Parts {
            pui: PUI,
            server: "sip:push@ppg.example.com",
            sir: "0123456789",
            options: &options,
            application: "x-wap-application:wml.ua",
            named: &named,
            targeted: false,
            contact: Some("192.0.2.5:5060".parse().unwrap()),
            wsp: None,
            http: &[],
            add_pui: false,
        });
        let validity = core::time::Duration::from_secs(600);
        let envelope = Envelope::new(&sir, Mode::FanoutId, Form::default(), validity, Time::EPOCH);
        let wrap = |uri: &str, random: &mut Random| -> Draft {
            let way = Way {
                uri,
                path: &[],
                call_id: "0123456789.abcdefgh@ppg.example.com",
                authorization: None,
                trusted: false,
                method: Method::Message,
            };
            envelope.wrap(&way, random)
        };
        [
            wrap("sip:alice@192.0.2.11:5060;ob", &mut random),
            wrap("sip:alice@192.0.2.12:5060;ob", &mut random),
            wrap("sip:alice@192.0.2.13:5060;ob", &mut random),
        ]
    });
}

/// A whole gateway: PAP in, record, answer, three MESSAGEs out with their transactions.
#[divan::bench]
fn accept_and_send_three_messages(bencher: Bencher<'_, '_>) {
    let mut gateway = Gateway::new(
        Config {
            udp: vec![(SocketId(0), "192.0.2.5:5060".parse().unwrap())],
            identities: (0..1000)
                .map(|n| Identity {
                    pui: format!("sip:user{n}@example.com"),
                    aliases: Vec::new(),
                    devices: Vec::new(),
                })
                .collect(),
            ..Config::default()
        },
        Random::from_number(1),
    );
    let now = Time::from_secs(1_767_261_600);
    let mut out: Vec<Output> = Vec::new();
    for n in 0..1000 {
        for dev in 1..=3 {
            gateway.handle(now, register(n, dev), &mut out);
            out.clear();
        }
    }
    let mut n = 0;
    bencher
        .with_inputs(|| {
            n += 1;
            submission(n)
        })
        .bench_local_values(|input| {
            gateway.handle(now, input, &mut out);
            let sent = out.len();
            out.clear();
            sent
        });
}

fn register(user: u32, dev: u32) -> Input {
    let peer = format!("10.{dev}.{}.{}:5060", user / 250, user % 250 + 1);
    let text = format!(
        "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP {peer};branch=z9hG4bK{user}x{dev}\r\nMax-Forwards: 70\r\n\
         From: <sip:user{user}@example.com>;tag=t\r\nTo: <sip:user{user}@example.com>\r\nCall-ID: {user}.{dev}\r\n\
         CSeq: 1 REGISTER\r\nSupported: path, outbound, gruu\r\nContact: <sip:user{user}@{peer};ob>;reg-id=1\
         ;+sip.instance=\"<urn:uuid:00000000-0000-4000-8000-{user:08}{dev:04}>\"\r\nContent-Length: 0\r\n\r\n"
    );
    Input::Datagram {
        socket: SocketId(0),
        peer: peer.parse().unwrap(),
        octets: Bytes::from(text),
    }
}

fn submission(n: u64) -> Input {
    let address = ClientAddress::user(
        &format!("sip:user{}@example.com", n % 1000),
        "ppg.example.com",
    );
    let body = format!(
        "--b\r\nContent-Type: application/xml\r\n\r\n<?xml version=\"1.0\"?>\
         <!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 2.0//EN\" \"http://www.wapforum.org/DTD/pap_2.0.dtd\">\
         <pap><push-message push-id=\"{n}@pi\"><address address-value=\"{address}\"/></push-message></pap>\
         \r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n"
    );
    Input::Request {
        id: RequestId(n),
        peer: "198.51.100.1:40000".parse().unwrap(),
        request: HttpRequest {
            method: "POST".to_owned(),
            target: "/pap".to_owned(),
            headers: vec![(
                "content-type".to_owned(),
                "multipart/related; boundary=b".to_owned(),
            )],
            body: Bytes::from(body),
        },
    }
}
