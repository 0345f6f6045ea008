//! Terminals that connect for push over HTTP: who each is, by name, by password, by address; and who the gateway is.

use super::lab::*;
use super::to_tcp::{FIRST, Line, is_up, lab, refusals};
use crate::codec::ota_http::{Authentication, terminal_response};
use crate::codec::sip::digest::Credentials;
use crate::gateway::config::Authentication as Users;
use crate::world::HttpRequest;

#[test]
fn ota_http_007_a_terminal_is_known_by_its_number_its_name_or_what_it_calls_its_device() {
    for (host, rows, is_known) in [
        (11, vec![("X-Wap-Terminal-Id", "4+15550103")], true),
        (99, vec![("X-Wap-Terminal-Id", "4+15550103")], true),
        (
            99,
            vec![("X-Wap-Terminal-Id", "01alice@example.com")],
            false,
        ),
        (99, vec![("X-Wap-Terminal-Id", UUID)], true),
        (
            99,
            vec![("X-Wap-Terminal-Id", "x"), ("X-Sirgate-Device", UUID)],
            true,
        ),
        (99, vec![("X-Wap-Terminal-Id", "4+15559999")], false),
        (99, Vec::new(), false),
        (11, Vec::new(), true),
    ] {
        let mut lab = lab(|_| {});
        let mut line = Line::open(&mut lab, host);
        line.asked(&mut lab, "OPTIONS");
        let mut said = vec![("X-Wap-Push-Status", "501")];
        said.extend(&rows);
        line.answer(&mut lab, 204, &said);
        assert_eq!(is_up(&mut lab), is_known, "{host} {rows:?}");
        assert_eq!(line.is_closed(&lab), !is_known, "{host} {rows:?}");
    }
}

#[test]
fn ota_http_014_where_devices_need_credentials_a_name_counts_from_its_own_address_only() {
    for (host, is_known) in [(11, true), (99, false)] {
        let mut lab = lab(|config| {
            let (realm, users) = ("example.com".to_owned(), Vec::new());
            config.authentication = Some(Users { realm, users });
        });
        let mut line = Line::open(&mut lab, host);
        line.asked(&mut lab, "OPTIONS");
        line.answer(&mut lab, 204, &FIRST);
        assert_eq!(line.is_closed(&lab), !is_known, "{host}");
    }
}

/// A gateway whose terminals have to prove who they are.
fn lab_that_asks() -> Lab {
    lab(|config| {
        config.ota_http.terminals = Some(Users {
            realm: "ppg.example.com".to_owned(),
            users: vec![("4+15550103".to_owned(), "secret".to_owned())],
        });
    })
}

/// What a terminal says that has this password.
fn credentials(request: &HttpRequest, user: &str, password: &str) -> String {
    let asked = request.header("x-wap-authenticate").unwrap();
    let asked = Authentication::decode(asked, true).unwrap();
    let who = (user, asked.param("realm").unwrap(), password);
    terminal_response(who, asked.param("nonce").unwrap(), "OPTIONS").to_string()
}

#[test]
fn ota_http_008_a_terminal_proves_who_it_is_and_is_the_device_of_that_name() {
    let mut lab = lab_that_asks();
    let mut line = Line::open(&mut lab, 99);
    let asked = line.asked(&mut lab, "OPTIONS");
    let said = credentials(&asked, "4+15550103", "secret");
    // It cannot claim to be another device by that.
    let rows = [
        ("X-Wap-Push-Status", "501"),
        ("X-Wap-Authorization", said.as_str()),
        ("X-Sirgate-Device", IMEI),
    ];
    line.answer(&mut lab, 204, &rows);
    assert_eq!(lab.events("sess.up")[0]["dev"], "C1");
}

#[test]
fn ota_http_008_a_wrong_password_is_asked_for_once_more_and_then_refused_for_good() {
    let mut lab = lab_that_asks();
    let mut line = Line::open(&mut lab, 11);
    let mut judged = Vec::new();
    for _ in 0..2 {
        let asked = line.asked(&mut lab, "OPTIONS");
        let read = Authentication::decode(asked.header("x-wap-authenticate").unwrap(), true);
        judged.push(read.unwrap().param("x-wap-auth-status").map(str::to_owned));
        let said = credentials(&asked, "4+15550103", "wrong");
        line.answer(
            &mut lab,
            204,
            &[("X-Wap-Push-Status", "501"), ("X-Wap-Authorization", &said)],
        );
    }
    assert_eq!(judged, [None, Some("failed_retry".to_owned())]);
    let last = line.asked(&mut lab, "OPTIONS");
    assert!(
        last.header("x-wap-authenticate")
            .unwrap()
            .contains("failed_noretry")
    );
    assert!(line.is_closed(&lab));
    assert!(!is_up(&mut lab));
}

#[test]
fn ota_http_008_a_terminal_that_refuses_to_say_who_it_is_is_left() {
    let mut lab = lab_that_asks();
    let mut line = Line::open(&mut lab, 11);
    line.asked(&mut lab, "OPTIONS");
    let never = [("X-Wap-Authorization", "x-wap-auth-status=failed_noretry")];
    line.answer(&mut lab, 412, &never);
    assert!(line.is_closed(&lab));
}

#[test]
fn ota_http_009_a_terminal_that_asks_who_the_gateway_is_gets_a_hash() {
    let mut lab = lab(|config| {
        config.credentials = Some(("ppg".to_owned(), "secret".to_owned()));
    });
    let mut line = Line::open(&mut lab, 11);
    line.asked(&mut lab, "OPTIONS");
    let challenge = [(
        "WWW-Authenticate",
        "Digest realm=\"t1\", nonce=\"n\", qop=\"auth\"",
    )];
    line.answer(&mut lab, 401, &challenge);
    let again = line.asked(&mut lab, "OPTIONS");
    let said = again.header("authorization").unwrap();
    let said = Credentials::decode(said.as_bytes()).unwrap();
    assert!(said.is_right("secret", "OPTIONS", b""));
    line.answer(&mut lab, 401, &challenge);
    assert!(line.is_closed(&lab), "once is enough");
}

const BASIC: (&str, &str) = ("WWW-Authenticate", "Basic realm=\"4+15550103\"");

/// A gateway with a password of its own, and with terminals that have to prove who they are if wanted.
fn lab_with_a_password(asks: bool) -> Lab {
    let mut lab = if asks { lab_that_asks() } else { lab(|_| {}) };
    lab.gateway.config.credentials = Some(("ppg".to_owned(), "secret".to_owned()));
    lab
}

/// What the gateway says of itself to a terminal at that host that asks in this way at once.
fn told_to(host: u8, challenge: &str) -> Option<String> {
    let mut lab = lab_with_a_password(false);
    let mut line = Line::open(&mut lab, host);
    line.asked(&mut lab, "OPTIONS");
    line.answer(&mut lab, 401, &[("WWW-Authenticate", challenge)]);
    let next = line.next(&mut lab);
    assert_eq!(next.is_none(), line.is_closed(&lab));
    next?.header("authorization").map(str::to_owned)
}

#[test]
fn ota_http_009_a_stranger_that_connects_is_told_no_password() {
    let digest = |realm: &str| format!("Digest realm=\"{realm}\", nonce=\"n\", qop=\"auth\"");
    assert_eq!(told_to(99, "Basic realm=\"x\""), None);
    assert_eq!(told_to(99, BASIC.1), None);
    assert_eq!(told_to(99, &digest("x")), None);
    let own = told_to(99, &digest("4+15550103"));
    assert!(own.unwrap().starts_with("Digest "), "a device may be there");
    // At the address that is entered for the device it is as where the gateway connects.
    assert!(told_to(11, BASIC.1).unwrap().starts_with("Basic "));
}

#[test]
fn ota_http_009_who_only_says_that_it_is_a_device_is_told_no_password_either() {
    let mut lab = lab_with_a_password(false);
    let mut line = Line::open(&mut lab, 99);
    line.asked(&mut lab, "OPTIONS");
    line.answer(&mut lab, 204, &FIRST);
    assert!(is_up(&mut lab));
    lab.push("p1", &[UUID], "");
    line.asked(&mut lab, "POST");
    line.answer(&mut lab, 401, &[BASIC]);
    lab.wait(core::time::Duration::from_secs(60));
    while let Some(request) = line.next(&mut lab) {
        assert_eq!(request.header("authorization"), None, "{request:?}");
    }
}

#[test]
fn ota_http_009_a_terminal_that_proved_who_it_is_is_told_the_password() {
    let mut lab = lab_with_a_password(true);
    let mut line = Line::open(&mut lab, 99);
    let asked = line.asked(&mut lab, "OPTIONS");
    let said = credentials(&asked, "4+15550103", "secret");
    let rows = [
        ("X-Wap-Push-Status", "501"),
        ("X-Wap-Push-Accept", "text/*"),
        ("X-Wap-Authorization", said.as_str()),
    ];
    line.answer(&mut lab, 204, &rows);
    lab.push("p1", &[UUID], "");
    line.asked(&mut lab, "POST");
    line.answer(&mut lab, 401, &[BASIC]);
    let again = line.asked(&mut lab, "POST");
    assert!(again.header("authorization").unwrap().starts_with("Basic "));
}

#[test]
fn ota_http_009_a_nonce_that_was_good_for_the_registration_alone_costs_the_content_no_time() {
    let mut lab = lab_with_a_password(false);
    let mut line = Line::open(&mut lab, 11);
    let asks = |line: &mut Line, lab: &mut Lab, nonce: &str| {
        let challenge = format!("Digest realm=\"t1\", nonce=\"{nonce}\", qop=\"auth\"");
        line.answer(lab, 401, &[("WWW-Authenticate", &challenge)]);
    };
    line.asked(&mut lab, "OPTIONS");
    asks(&mut line, &mut lab, "n1");
    line.asked(&mut lab, "OPTIONS");
    line.answer(&mut lab, 204, &FIRST);
    lab.push("p1", &[UUID], "");
    line.asked(&mut lab, "POST");
    asks(&mut line, &mut lab, "n2");
    let again = line.asked(&mut lab, "POST");
    assert!(again.header("authorization").unwrap().contains("n2"));
}

#[test]
fn ota_http_013_a_terminal_of_another_version_is_left() {
    let mut lab = lab(|_| {});
    let mut line = Line::open(&mut lab, 11);
    line.asked(&mut lab, "OPTIONS");
    line.outcome(&mut lab, "600");
    assert!(line.is_closed(&lab));
    assert!(refusals(&lab)[0].contains("version"));
}
