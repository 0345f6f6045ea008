//! Who proved to be somebody is that one and nobody else.

use super::super::lab::*;
use super::*;
use crate::protocol::sip::authentication;

const BOB: &str = "sip:bob@example.com";

/// Alice, with a password, and Bob.
fn lab() -> Lab {
    let mut config = config();
    config.identities.push(Identity {
        pui: BOB.to_owned(),
        ..Identity::default()
    });
    config.authentication = Some(Authentication {
        realm: "example.com".to_owned(),
        users: vec![("alice".to_owned(), "secret".to_owned())],
    });
    Lab::with(config)
}

/// The answer to a request of Alice's with her credentials.
fn proved(lab: &mut Lab, method: Method, uri: &str, headers: &str) -> Option<u16> {
    let asked = lab.request(1, method.name(), uri, headers, "");
    assert_eq!(asked.status(), Some(401));
    let (name, value) =
        authentication::answer(&asked, ("alice", "secret"), method, uri, 1, "c0").unwrap();
    let headers = format!("{headers}{name}: {value}\n");
    lab.request(1, method.name(), uri, &headers, "").status()
}

#[test]
fn nobody_registers_for_another_with_his_own_password() {
    let contact = format!("Contact: <sip:x@{}>\n", address(1));
    let mut lab = lab();
    let bob = format!("To: <{BOB}>\n{contact}");
    let status = proved(&mut lab, Method::Register, "sip:example.com", &bob);
    assert_eq!(status, Some(403));
    let alice = format!("To: <{ALICE}>\n{contact}");
    let status = proved(&mut lab, Method::Register, "sip:example.com", &alice);
    assert_eq!(status, Some(200));
}

#[test]
fn who_proved_who_he_is_watches_himself_alone() {
    let mut lab = lab();
    for (whom, status) in [(BOB, 403), (ALICE, 200)] {
        let headers = format!(
            "To: <{whom}>\nContact: <sip:x@{}>\nEvent: reg\n",
            address(1)
        );
        let told = proved(&mut lab, Method::Subscribe, whom, &headers);
        assert_eq!(told, Some(status), "{whom}");
    }
}
