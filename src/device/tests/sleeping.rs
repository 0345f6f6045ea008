//! A device that sleeps and is woken.

use bytes::Bytes;

use super::bench::*;
use super::doors::{WSP, open};
use crate::codec::sip::push_notification::PushResource;
use crate::codec::sip::{Method, Name};
use crate::codec::wsp;
use crate::device::behaviour::Behaviour;
use crate::device::config::Config;
use crate::world::Input;

/// A device that sleeps five seconds after each registration, and is woken by WSP.
fn sleeper() -> Config {
    let mut config = open(Behaviour {
        sleep_after_ms: Some(5_000),
        ..Behaviour::default()
    });
    config.bearers.radio = None;
    config.bearers.service = false;
    config.bearers.signalling = false;
    config.wake = Some(PushResource {
        provider: "sirgate".to_owned(),
        param: Some("wsp".to_owned()),
        prid: Some("192.0.2.11:2948".to_owned()),
    });
    config
}

fn datagram(bench: &mut Bench) {
    let octets = wsp::sir::push_of(&sir().encode(), 7);
    let octets = Bytes::from(octets);
    bench.tell(Input::Datagram {
        socket: WSP,
        peer: at("192.0.2.5:9200"),
        octets,
    });
}

#[test]
fn a_device_that_can_be_woken_says_by_what_when_it_registers() {
    let mut bench = Bench::new(sleeper());
    bench.run();
    let register = bench.request(Method::Register);
    let contact = register.text(Name::Contact).unwrap();
    assert!(contact.contains(";pn-provider=sirgate;pn-param=wsp;pn-prid=192.0.2.11:2948>"));
}

#[test]
fn a_device_that_sleeps_hears_nothing_on_sip_until_it_is_woken() {
    let mut bench = Bench::registered_as(sleeper());
    bench.send(&sir());
    assert_eq!(bench.status(), 200, "it is awake");
    bench.request(Method::Invite);
    let mut bench = Bench::registered_as(sleeper());
    bench.wait_ms(5_000);
    assert!(bench.device.is_asleep());
    bench.send(&sir());
    assert!(bench.sent.is_empty(), "it does not hear");

    datagram(&mut bench);
    let register = bench.request(Method::Register);
    assert!(
        bench.sent.is_empty(),
        "nothing but the registration follows"
    );
    bench.grant(&register, 3_600);
    assert!(!bench.device.is_asleep());
    bench.send(&sir());
    assert_eq!(bench.status(), 200);
    bench.request(Method::Invite);
}

#[test]
fn a_device_without_anything_to_wake_it_does_not_sleep() {
    let mut config = sleeper();
    config.wake = None;
    let mut bench = Bench::registered_as(config);
    bench.wait_ms(10_000);
    assert!(!bench.device.is_asleep());
}

#[test]
fn a_device_that_sleeps_renews_its_registration_in_time() {
    let mut bench = Bench::registered_as(sleeper());
    bench.wait_ms(3_600_000);
    let register = bench.request(Method::Register);
    assert_eq!(register.cseq().unwrap().number, 2);
}
