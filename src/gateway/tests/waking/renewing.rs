//! Registrations that end while their device sleeps.

use core::time::Duration;

use super::super::bearers::with_bearers;
use super::super::lab::*;
use super::{WSP_ADDRESS, register};
use crate::codec::sip::Name;
use crate::codec::wsp::sir::sir_of;
use crate::event::Bearer;

#[test]
fn a_device_that_sleeps_is_woken_to_renew_its_registration_in_time() {
    let mut lab = Lab::with(with_bearers(&[Bearer::Sip]));
    register(&mut lab, WSP_ADDRESS, 3600);
    lab.wait(Duration::from_secs(3600 - 121));
    assert!(lab.wsp.is_empty());
    lab.wait(Duration::from_secs(1));
    let (_, datagram) = lab.wsp.pop().expect("120 s before the end");
    assert!(sir_of(&datagram).is_ok());
    let wake = &lab.events("wake")[0];
    assert_eq!((&wake["dev"], &wake["by"]), (&"C1".into(), &"wsp".into()));
    assert!(wake["push"].is_null());
    lab.wait(Duration::from_secs(60));
    assert_eq!(
        lab.wsp.len(),
        1,
        "it is woken again after half of what is left"
    );
    register(&mut lab, WSP_ADDRESS, 3600);
    lab.wait(Duration::from_secs(3000));
    assert_eq!(lab.wsp.len(), 1, "it did");
}

#[test]
fn a_device_that_does_not_renew_is_given_up_with_its_registration() {
    let mut lab = Lab::with(with_bearers(&[Bearer::Sip]));
    register(&mut lab, WSP_ADDRESS, 600);
    lab.wait(Duration::from_secs(10_000));
    assert_eq!(lab.wsp.len(), 4, "120, 60, 30 and 15 s before the end");
    assert_eq!(lab.events("reg").last().unwrap()["change"], "expired");
}

#[test]
fn a_device_that_renews_by_itself_is_told_by_when_and_left_alone() {
    let mut lab = Lab::with(with_bearers(&[Bearer::Sip]));
    let headers = format!(
        "To: <{ALICE}>\nSupported: path, outbound, gruu\nX-Sirgate-Device: <{UUID}>\n\
         Contact: <sip:alice@{};ob;{WSP_ADDRESS}>;+sip.instance=\"<{UUID}>\";reg-id=1;+sip.pnsreg=\"121\"\nExpires: 600\n",
        address(1)
    );
    let ok = lab.request(1, "REGISTER", "sip:example.com", &headers, "");
    let told = ok.text(Name::FeatureCaps);
    assert_eq!(told, Some("*;+sip.pns=\"sirgate\";+sip.pnsreg=\"120\""));
    lab.wait(Duration::from_secs(600));
    assert!(lab.wsp.is_empty());
}

#[test]
fn a_device_is_woken_to_renew_after_a_restart_too() {
    let config = with_bearers(&[Bearer::Sip]);
    let mut lab = Lab::with(config.clone());
    register(&mut lab, WSP_ADDRESS, 3600);
    let mut lab = lab.restarted(config);
    lab.wait(Duration::from_secs(3480));
    assert_eq!(lab.wsp.len(), 1);
}

#[test]
fn a_device_that_left_is_not_woken_to_renew() {
    let mut lab = Lab::with(with_bearers(&[Bearer::Sip]));
    register(&mut lab, WSP_ADDRESS, 600);
    register(&mut lab, WSP_ADDRESS, 0);
    lab.wait(Duration::from_secs(600));
    assert!(lab.wsp.is_empty());
}
