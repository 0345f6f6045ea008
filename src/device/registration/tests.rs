//! A registration and the answers to it.

use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::device::applications::Application;
use crate::device::config::{Credentials, Profile};
use crate::device::decision::Own;
use crate::world::Transport;

fn config() -> Config {
    let ids = [
        "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "urn:gsma:imei:90420156-025763-0",
    ];
    let mut config = Config::new(
        "C1",
        "sip:alice@example.com",
        ids.iter().map(|id| DeviceId::decode(id).unwrap()).collect(),
        "192.0.2.11:5060".parse().unwrap(),
        "192.0.2.5:5060".parse().unwrap(),
    );
    config.transport = Transport::Tcp;
    config.profile = Arc::new(Profile {
        own: Own {
            applications: vec![Application {
                id: "x-oma-application:dcd.ua".into(),
                ..Application::default()
            }],
            ..Own::default()
        },
        ..Profile::default()
    });
    config
}

fn registration() -> (Registration, Random) {
    let mut random = Random::from_number(5);
    (Registration::new(&config(), &mut random), random)
}

fn answer(text: &str) -> Message {
    let text = text.replace('\n', "\r\n");
    Message::decode(Bytes::from(format!("{text}\r\n"))).unwrap()
}

const HEAD: &str = "Via: SIP/2.0/TCP 192.0.2.11:5060;branch=z9hG4bKd1r1
From: <sip:alice@example.com>;tag=d1a
To: <sip:alice@example.com>;tag=r77
Call-ID: d1-reg-1@192.0.2.11
CSeq: 1 REGISTER
";

const OK: &str = "Flow-Timer: 120
Service-Route: <sip:edge.example.com;lr>
P-Associated-URI: <sip:alice@example.com>, <tel:+15550100>
Contact: <sip:alice@192.0.2.99:5060>;+sip.instance=\"<urn:uuid:00000000-7dec-11d0-a765-00a0c91e6bf6>\";expires=60
 ,<sip:alice@192.0.2.11:5060;transport=tcp;ob>;+sip.instance=\"<urn:uuid:F81D4FAE-7dec-11d0-a765-00a0c91e6bf6>\"
 ;reg-id=1;expires=3600;pub-gruu=\"sip:alice@example.com;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"
 ;temp-gruu=\"sip:tgruu.x@example.com;gr\"
Content-Length: 0
";

#[test]
fn a_register_says_who_and_what_the_device_is() {
    let (mut registration, _) = registration();
    let message = registration
        .draft(&config(), 3_600, &[])
        .finish_with_via("SIP/2.0/TCP 192.0.2.11:5060;branch=z9hG4bK1");
    assert_eq!(message.request_uri().unwrap().as_str(), "sip:example.com");
    message.check_request().unwrap();
    let contact = message.text(Name::Contact).unwrap();
    assert_eq!(
        contact,
        "<sip:alice@192.0.2.11:5060;transport=tcp;ob>;+sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\"\
         ;reg-id=1;methods=\"INVITE,ACK,BYE,CANCEL,OPTIONS,MESSAGE,UPDATE,NOTIFY\";+sip.message;mobility=\"mobile\"\
         ;+g.oma.pusheventapp=\"push.sia,dcd.ua\""
    );
    assert_eq!(
        message.text(Name::XSirgateDevice),
        Some("<urn:gsma:imei:90420156-025763-0>")
    );
    assert_eq!(message.expires(), Some(3_600));
}

#[test]
fn refreshes_keep_call_id_and_tag_and_count_up() {
    let (mut registration, _) = registration();
    let first = registration.draft(&config(), 60, &[]).finish();
    let second = registration.draft(&config(), 60, &[]).finish();
    assert_eq!(first.call_id(), second.call_id());
    assert_eq!(first.from().unwrap().tag(), second.from().unwrap().tag());
    assert_eq!(second.cseq().unwrap().number, 2);
}

#[test]
fn the_own_contact_in_the_answer_gives_expiry_and_gruus() {
    let (mut registration, mut random) = registration();
    let ok = answer(&format!("SIP/2.0 200 OK\n{HEAD}{OK}"));
    let Step::Refresh(after) = registration.answered(&config(), &ok, &mut random) else {
        panic!("not registered");
    };
    assert!((1_800..=3_240).contains(&after.as_secs()), "{after:?}");
    let granted = registration.granted().unwrap();
    assert_eq!(granted.expires, 3_600);
    assert_eq!(granted.flow_timer, Some(120));
    assert_eq!(
        granted.pub_gruu.as_deref(),
        Some("sip:alice@example.com;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6")
    );
    assert_eq!(
        granted.temp_gruu.as_deref(),
        Some("sip:tgruu.x@example.com;gr")
    );
    assert_eq!(granted.service_route, ["<sip:edge.example.com;lr>"]);
    assert_eq!(
        granted.identities,
        ["sip:alice@example.com", "tel:+15550100"]
    );
}

#[test]
fn a_challenge_is_answered_only_with_credentials() {
    let (mut registration, mut random) = registration();
    let challenge = answer(&format!("SIP/2.0 401 Unauthorized\n{HEAD}"));
    let mut config = config();
    assert!(matches!(
        registration.answered(&config, &challenge, &mut random),
        Step::Later(_)
    ));
    config.credentials = Some(Credentials {
        user: "alice".into(),
        password: "secret".into(),
    });
    assert_eq!(
        registration.answered(&config, &challenge, &mut random),
        Step::Authenticate
    );
}

#[test]
fn a_too_short_registration_is_asked_again_for_the_time_wanted() {
    let (mut registration, mut random) = registration();
    let brief = answer(&format!(
        "SIP/2.0 423 Interval Too Brief\n{HEAD}Min-Expires: 90\n"
    ));
    assert_eq!(
        registration.answered(&config(), &brief, &mut random),
        Step::Again
    );
    assert_eq!(
        registration.draft(&config(), 60, &[]).finish().expires(),
        Some(90)
    );
    assert!(matches!(
        registration.answered(&config(), &brief, &mut random),
        Step::Later(_)
    ));
}

#[test]
fn failures_back_off_and_obey_retry_after() {
    let (mut registration, mut random) = registration();
    let waits: Vec<u64> = (0..4)
        .map(|_| match registration.failed(None, &mut random) {
            Step::Later(wait) => wait.as_secs(),
            step => panic!("{step:?}"),
        })
        .collect();
    assert!((15..=30).contains(&waits[0]), "{waits:?}");
    assert!((120..=240).contains(&waits[3]), "{waits:?}");
    let busy = answer(&format!("SIP/2.0 503 Busy\n{HEAD}Retry-After: 3000\n"));
    assert_eq!(
        registration.answered(&config(), &busy, &mut random),
        Step::Later(Duration::from_secs(3_000))
    );
}
