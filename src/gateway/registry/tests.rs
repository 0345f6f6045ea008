//! The registry with the fixture Trio of the requirements.

use std::net::SocketAddr;

use super::*;
use crate::world::SocketId;

const ALICE: &str = "sip:alice@example.com";
const UUID: &str = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
const IMEI: &str = "urn:gsma:imei:90420156-025763-0";
const MAC: &str = "urn:dev:mac:0024befffe804ff1";

fn id(text: &str) -> DeviceId {
    DeviceId::decode(text).unwrap()
}

fn trio() -> (Registry, IdentityNo) {
    let device = |name: &str, ids: &[&str]| DeviceProfile {
        name: name.to_owned(),
        ids: ids.iter().map(|text| id(text)).collect(),
        ..DeviceProfile::default()
    };
    let mut registry = Registry::new(4);
    let no = registry
        .provision(&Provisioned {
            pui: ALICE.to_owned(),
            aliases: vec!["tel:+1-555-0100".to_owned()],
            devices: vec![
                device("C1", &[UUID]),
                device("C2", &[IMEI]),
                device("C3", &[MAC]),
            ],
        })
        .unwrap();
    (registry, no)
}

fn route(serial: u64, at: u64) -> Route {
    let peer: SocketAddr = "192.0.2.11:5060".parse().unwrap();
    let flow = Flow::Udp {
        socket: SocketId(0),
        peer,
    };
    Route {
        serial,
        contact: format!("sip:a@192.0.2.{serial}"),
        target: Target::Flow(flow),
        flow,
        reg_id: None,
        path: Vec::new(),
        q: 1000,
        registered_at: Time::from_secs(at),
        wake: None,
        renew_by: None,
    }
}

#[test]
fn r2_6_the_identifiers_of_an_identity_come_in_declared_order() {
    let (registry, no) = trio();
    let ids: Vec<&str> = registry
        .get(no)
        .unwrap()
        .devices
        .iter()
        .filter_map(|device| device.name_id())
        .map(DeviceId::as_str)
        .collect();
    assert_eq!(ids, [UUID, IMEI, MAC]);
}

#[test]
fn an_identity_is_found_by_any_spelling_and_alias() {
    let (registry, no) = trio();
    for name in [
        ALICE,
        "sip:alice@EXAMPLE.com;user=x",
        "tel:+15550100",
        "tel:+1.555.0100",
    ] {
        assert_eq!(registry.identity(name), Some(no), "{name}");
    }
    assert_eq!(registry.identity("sip:bob@example.com"), None);
}

#[test]
fn r2_29_a_device_is_found_by_identifier_and_gruu_and_only_under_its_own_identity() {
    let (registry, no) = trio();
    let key = |at| Some(DeviceKey { identity: no, at });
    assert_eq!(registry.find(&id("imei:904201560257637")), key(1));
    let gruu = format!("{ALICE};gr={UUID}");
    assert_eq!(registry.find(&id(&gruu)), key(0));
    let other = format!("sip:bob@example.com;gr={UUID}");
    assert_eq!(registry.find(&id(&other)), None);
    assert_eq!(registry.find(&id("urn:example:none")), None);
}

#[test]
fn r2_30_a_registration_is_tied_to_a_known_device_by_any_identifier() {
    let (mut registry, no) = trio();
    let instance = "urn:uuid:0f2a6c54-9b1d-4c3e-8a77-5d1f6e0b9c21";
    let what = Registered {
        aor: ALICE,
        ids: vec![id(instance), id(IMEI)],
        gruu: None,
    };
    let (key, changed) = registry.registered(&what, true).unwrap();
    assert_eq!((key.identity, key.at, changed), (no, 1, true));
    assert_eq!(registry.find(&id(instance)), Some(key));
    let (_, again) = registry.registered(&what, true).unwrap();
    assert!(!again);
}

#[test]
fn an_unknown_instance_becomes_a_device_when_learning_is_on() {
    let (mut registry, _) = trio();
    let what = Registered {
        aor: "sip:bob@example.com",
        ids: vec![id("urn:uuid:0f2a6c54-9b1d-4c3e-8a77-5d1f6e0b9c21")],
        gruu: None,
    };
    assert_eq!(registry.registered(&what, false), None);
    let (key, changed) = registry.registered(&what, true).unwrap();
    assert!(changed);
    assert_eq!(registry.device(key).unwrap().name, "bob-1");
}

#[test]
fn the_number_of_identities_and_devices_is_bounded() {
    let mut registry = Registry::new(1);
    let enter = |registry: &mut Registry, pui: &str| {
        registry.provision(&Provisioned {
            pui: pui.to_owned(),
            ..Provisioned::default()
        })
    };
    let no = enter(&mut registry, ALICE).unwrap();
    assert_eq!(enter(&mut registry, "sip:bob@example.com"), None);
    for n in 0..Devices::MOST {
        let declared = DeviceProfile {
            name: format!("C{n}"),
            ..DeviceProfile::default()
        };
        assert!(registry.merge(no, &declared).is_some());
    }
    let one_more = DeviceProfile {
        name: "more".to_owned(),
        ..DeviceProfile::default()
    };
    assert_eq!(registry.merge(no, &one_more), None);
}

#[test]
fn an_alias_of_another_identity_is_foreign() {
    let (registry, _) = trio();
    assert!(registry.is_foreign(&id(IMEI), "sip:bob@example.com"));
    assert!(!registry.is_foreign(&id(IMEI), ALICE));
    assert!(!registry.is_foreign(&id("urn:example:new"), "sip:bob@example.com"));
}

#[test]
fn a_refreshed_binding_replaces_itself_and_the_latest_is_first() {
    let mut device = Device::default();
    device.add_route(route(1, 1));
    device.add_route(route(2, 2));
    device.add_route(route(1, 3));
    let serials: Vec<u64> = device.routes.iter().map(|r| r.serial).collect();
    assert_eq!(serials, [1, 2]);
    device.takes_text = true;
    device.remove_route(1);
    assert!(device.takes_text);
    device.remove_route(2);
    assert!(!device.takes_text);
}

#[test]
fn a_device_taken_out_keeps_its_place_and_frees_its_identifiers() {
    let (mut registry, no) = trio();
    registry.remove(DeviceKey {
        identity: no,
        at: 0,
    });
    assert_eq!(registry.find(&id(UUID)), None);
    assert_eq!(registry.everyone(no), [1, 2].into_iter().collect());
    assert_eq!(registry.find(&id(IMEI)).unwrap().at, 1);
}
