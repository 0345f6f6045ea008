//! One test for each path of a push.

use std::time::Duration;

use super::lab::{ALICE, IMEI, Lab, MAC, UUID, config, to};
use crate::codec::sip::{Method, Name};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn s2_1_a_push_to_one_of_three_devices_wakes_and_reaches_that_one() {
    let mut lab = Lab::registered();
    assert_eq!(lab.push("p1", &[UUID], ""), 1001);
    let sirs = lab.sirs();
    assert_eq!(sirs.len(), 1);
    assert_eq!(sirs[0].dev, 1);
    lab.answer(&sirs[0], 200, "");
    let session = lab.session(1, "");
    let contents = lab.contents(&session);
    assert_eq!(contents.len(), 1);
    assert!(contents[0].2.contains("hello"), "{}", contents[0].2);
    lab.confirm(&session, &contents[0], 200);
    assert_eq!(lab.outcome("p1", "C1").as_deref(), Some("delivered"));
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
    assert_eq!(lab.fetches.len(), 1);
    lab.wait(10 * SECOND);
    assert_eq!(lab.events("sess.down").len(), 1);
    assert_eq!(lab.sent(Method::Bye).len(), 1);
}

#[test]
fn s2_2_two_wanted_devices_get_one_sir_each_with_their_own_identifier() {
    let mut lab = Lab::registered();
    assert_eq!(
        lab.push(
            "p1",
            &[ALICE],
            "X-Sirgate-Device: C1, C2\nX-Sirgate-Place: header\n"
        ),
        1001
    );
    let sirs = lab.sirs();
    let named: Vec<(u8, &str)> = sirs
        .iter()
        .map(|sir| (sir.dev, sir.message.text(Name::XSirgateDevice).unwrap()))
        .collect();
    assert_eq!(named.len(), 2);
    assert!(named[0].0 == 1 && named[0].1.contains(UUID), "{named:?}");
    assert!(named[1].0 == 2 && named[1].1.contains(IMEI), "{named:?}");
    for dev in [1, 2] {
        let session = lab.session(dev, "");
        let contents = lab.contents(&session);
        lab.confirm(&session, &contents[0], 200);
    }
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
    assert!(lab.invite(3, "").status() == Some(480));
}

#[test]
fn s2_4_a_fanout_with_identifier_reaches_all_and_the_connected_device_gets_it_at_once() {
    let mut lab = Lab::registered();
    assert_eq!(lab.push("p0", &[MAC], ""), 1001);
    let sirs = lab.sirs();
    lab.answer(&sirs[0], 200, "");
    let third = lab.session(3, "");
    let contents = lab.contents(&third);
    lab.confirm(&third, &contents[0], 200);
    lab.facts.clear();
    let headers = "X-Sirgate-Device: C1, C3\nX-Sirgate-Plan: fanout+id\nX-Sirgate-Place: value\n";
    assert_eq!(lab.push("p1", &[ALICE], headers), 1001);
    let contents = lab.contents(&third);
    assert_eq!(contents.len(), 1);
    let sirs = lab.sirs();
    assert_eq!(sirs.len(), 3);
    for sir in &sirs {
        let client = sir.message.text(Name::To).unwrap();
        assert!(client.contains(&format!(";gr={UUID}")), "{client}");
        lab.answer(sir, 200, "");
    }
    lab.confirm(&third, &contents[0], 200);
    let first = lab.session(1, "");
    let contents = lab.contents(&first);
    lab.confirm(&first, &contents[0], 200);
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
    let via: Vec<_> = lab
        .events("push.tx")
        .iter()
        .map(|tx| (tx["dev"].clone(), tx["via"].clone()))
        .collect();
    assert_eq!(
        via,
        [
            ("C3".into(), "existing".into()),
            ("C1".into(), "new".into())
        ]
    );
    assert_eq!(lab.outcome("p1", "C2").as_deref(), Some("not-wanted"));
}

#[test]
fn s2_0_in_legacy_mode_every_device_is_woken_and_gets_the_content() {
    let mut lab = Lab::registered();
    assert_eq!(lab.push("p1", &[UUID], "X-Sirgate-Plan: legacy\n"), 1001);
    let sirs = lab.sirs();
    assert_eq!(sirs.len(), 3);
    for sir in &sirs {
        lab.answer(sir, 200, "");
        let session = lab.session(sir.dev, "");
        let contents = lab.contents(&session);
        lab.confirm(&session, &contents[0], 200);
    }
    assert_eq!(lab.events("push.tx").len(), 3);
    assert_eq!(lab.events("push.end").len(), 1);
}

#[test]
fn s2_3_in_a_fanout_devices_that_stay_away_end_as_not_wanted() {
    let mut lab = Lab::registered();
    assert_eq!(lab.push("p1", &[ALICE], "X-Sirgate-Plan: fanout\n"), 1001);
    assert!(lab.events("plan")[0]["ids"].as_array().unwrap().is_empty());
    for sir in lab.sirs() {
        lab.answer(&sir, 200, "");
    }
    let session = lab.session(1, "");
    let contents = lab.contents(&session);
    lab.confirm(&session, &contents[0], 200);
    assert_eq!(lab.end("p1"), None);
    lab.wait(6 * SECOND);
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
    assert_eq!(lab.outcome("p1", "C3").as_deref(), Some("not-wanted"));
    assert_eq!(lab.events("push.tx").len(), 1);
    assert!(lab.sirs().is_empty());
}

#[test]
fn s2_6_a_single_device_gets_a_sir_without_identifier() {
    let mut lab = Lab::new();
    lab.register(1);
    assert_eq!(lab.push("p1", &[ALICE], "X-Sirgate-Device: C1\n"), 1001);
    assert_eq!(lab.sirs().len(), 1);
    let tx = lab.events("sir.tx");
    assert!(tx[0]["ids"].as_array().unwrap().is_empty());
}

#[test]
fn r2_2_a_connected_device_needs_no_sir() {
    let mut lab = Lab::registered();
    lab.push("p1", &[UUID], "");
    let session = lab.session(1, "");
    lab.sirs();
    assert_eq!(lab.push("p2", &[UUID], ""), 1001);
    assert!(lab.sirs().is_empty());
    let contents = lab.contents(&session);
    assert_eq!(contents.len(), 2);
    assert_eq!(lab.events("push.tx")[1]["via"], "existing");
}

#[test]
fn r2_95_content_for_a_connected_device_asks_in_its_own_headers() {
    let mut lab = Lab::registered();
    lab.push("p1", &[UUID], "X-Sirgate-Ask: capability\n");
    let session = lab.session(1, "");
    lab.push(
        "p2",
        &[UUID],
        "X-Sirgate-Ask: capability, preference\nX-Sirgate-App: <x-oma-application:dcd.ua>\n",
    );
    let contents = lab.contents(&session);
    assert!(!contents[0].2.contains("X-Sirgate-Ask"), "its SIR asked");
    for header in [
        "X-Sirgate-Ask: capability, preference\r\n",
        "X-Sirgate-App: <x-oma-application:dcd.ua>\r\n",
    ] {
        assert!(contents[1].2.contains(header), "{}", contents[1].2);
    }
}

#[test]
fn r2_11_a_source_of_device_information_adds_a_device() {
    struct Fourth;
    impl crate::gateway::registry::Source for Fourth {
        fn devices(
            &mut self,
            _: &str,
            _: crate::time::Time,
        ) -> Vec<crate::gateway::config::DeviceProfile> {
            vec![crate::gateway::config::DeviceProfile {
                name: "C4".to_owned(),
                ..Default::default()
            }]
        }
    }
    let mut lab = Lab::registered();
    lab.gateway.add_source(Box::new(Fourth));
    lab.push("p1", &[UUID], "");
    let shown = lab.get("/api/v1/identities/sip%3Aalice%40example.com");
    assert_eq!(shown["devices"][3]["name"], "C4");
}

#[test]
fn r2_15_each_address_has_its_own_result() {
    let mut lab = Lab::registered();
    assert_eq!(lab.push("p1", &[UUID, IMEI], ""), 1001);
    let sirs = lab.sirs();
    assert_eq!(sirs.len(), 2);
    lab.answer(&sirs[1], 603, "Warning: 399 x \"sirgate refusal user\"\n");
    let ends = lab.events("push.end");
    assert_eq!(ends.len(), 1);
    assert_eq!(ends[0]["address"], to(IMEI));
    assert_eq!(ends[0]["state"], "aborted");
    assert_eq!(ends[0]["code"], 5235);
    let session = lab.session(1, "");
    let contents = lab.contents(&session);
    lab.confirm(&session, &contents[0], 200);
    assert_eq!(lab.events("push.end").len(), 2);
    assert_eq!(lab.fetches.len(), 2);
}

#[test]
fn r2_29_an_unroutable_identifier_is_refused_by_name() {
    let mut lab = Lab::registered();
    let refused = lab.http(
        "POST",
        "/pap",
        "multipart/related; boundary=b",
        &super::lab::pap_body("p1", &["urn:example:nobody"], "", ""),
    );
    let text = String::from_utf8(refused.body.to_vec()).unwrap();
    assert!(text.contains("2002"), "{text}");
    assert!(text.contains("nobody"), "{text}");
    assert_eq!(lab.push("p2", &[ALICE], "X-Sirgate-Device: C9\n"), 2002);
}

#[test]
fn r2_70_a_device_that_fails_does_not_concern_the_others() {
    let mut lab = Lab::registered();
    lab.push("p1", &[ALICE], "X-Sirgate-Device: C1, C2\n");
    let sirs = lab.sirs();
    lab.answer(&sirs[1], 486, "Retry-After: 60\n");
    let shown = lab.get("/api/v1/identities/sip%3Aalice%40example.com");
    assert_eq!(shown["devices"][1]["sir_failed"], true);
    assert_eq!(shown["devices"][0]["sir_failed"], false);
    let session = lab.session(1, "");
    let contents = lab.contents(&session);
    lab.confirm(&session, &contents[0], 200);
    assert_eq!(lab.outcome("p1", "C1").as_deref(), Some("delivered"));
    assert_eq!(lab.outcome("p1", "C2"), None);
    // The quiet period over, the second device is asked again.
    lab.wait(55 * SECOND);
    assert!(lab.sirs().is_empty());
    lab.wait(10 * SECOND);
    assert_eq!(lab.sirs().len(), 1);
}

#[test]
fn a_device_that_takes_no_sia_gets_text_until_it_registers_anew() {
    let mut lab = Lab::registered();
    lab.push("p1", &[UUID], "");
    let first = lab.sirs();
    lab.answer(&first[0], 415, "Accept: text/plain\n");
    let again = lab.sirs();
    assert_eq!(again.len(), 1);
    let content_type = again[0].message.content_type().unwrap();
    assert!(content_type.starts_with("text/plain"), "{content_type}");
    lab.answer(&again[0], 200, "");
    lab.push("p2", &[UUID], "");
    let next = lab.sirs();
    assert!(
        next[0]
            .message
            .content_type()
            .unwrap()
            .starts_with("text/plain")
    );
}

#[test]
fn a_device_that_stays_away_is_asked_again_and_then_the_push_expires() {
    let mut lab = Lab::with(crate::gateway::Config {
        push_lifetime: 600 * SECOND,
        ..config()
    });
    lab.register(1);
    lab.register(2);
    lab.push("p1", &[UUID], "");
    let mut asked = 0;
    for _ in 0..31 {
        for sir in lab.sirs() {
            asked += 1;
            lab.answer(&sir, 200, "");
        }
        lab.wait(20 * SECOND);
    }
    assert_eq!(asked, 4);
    assert_eq!(lab.outcome("p1", "C1").as_deref(), Some("expired"));
    assert_eq!(lab.end("p1"), Some(("expired".to_owned(), 4000)));
    // What comes too late is told so.
    assert_eq!(lab.invite(1, "X-Sirgate-Sir: x\n").status(), Some(410));
}

#[test]
fn a_device_that_does_not_answer_is_asked_again_when_it_registers() {
    let mut lab = Lab::registered();
    lab.push("p1", &[UUID], "");
    assert!(!lab.sirs().is_empty());
    lab.wait(33 * SECOND);
    let answers = lab.events("sir.answer");
    assert_eq!(answers[0]["status"], 408);
    lab.sirs();
    lab.register(1);
    assert_eq!(lab.sirs().len(), 1);
}

/// Device 1 registers from the address of another, `seconds` long.
fn registers_at(lab: &mut Lab, dev: u8, contact: &str, seconds: u32) {
    let headers = format!(
        "To: <{ALICE}>\nSupported: path, outbound, gruu\nX-Sirgate-Device: <{UUID}>\n\
         Contact: <sip:alice@192.0.2.1{dev}:5060>;+sip.instance=\"<urn:uuid:00000000-0000-4000-8000-000000000001>\"{contact}\n\
         Expires: {seconds}\n"
    );
    let answer = lab.request(dev, "REGISTER", "sip:example.com", &headers, "");
    assert_eq!(answer.status(), Some(200), "{answer:?}");
}

#[test]
fn a_device_that_comes_back_elsewhere_is_asked_there_at_once() {
    for (contact, status) in [(";reg-id=1", 0), ("", 0), (";reg-id=1", 200)] {
        let mut lab = Lab::registered();
        assert_eq!(lab.push("p1", &[UUID], ""), 1001);
        let first = lab.sirs().remove(0);
        if status > 0 {
            lab.answer(&first, status, "");
        }
        lab.wait(3 * SECOND);
        lab.sirs();
        registers_at(&mut lab, 4, contact, 3600);
        let sirs = lab.sirs();
        assert_eq!(sirs.len(), 1, "{contact} {status}");
        assert_eq!(sirs[0].dev, 4);
        lab.answer(&sirs[0], 200, "");
        lab.wait(30 * SECOND);
        let old = lab.sirs().into_iter().filter(|sir| sir.dev == 1);
        assert_eq!(old.count(), 0, "nobody is asked where the device was");
    }
}

#[test]
fn a_device_that_leaves_is_not_asked_until_it_is_back() {
    let mut lab = Lab::registered();
    assert_eq!(lab.push("p1", &[UUID], ""), 1001);
    assert_eq!(lab.sirs().len(), 1);
    registers_at(&mut lab, 1, ";reg-id=1", 0);
    lab.wait(60 * SECOND);
    assert!(lab.sirs().is_empty());
    assert_eq!(lab.push("p2", &[UUID], ""), 1001);
    assert!(lab.sirs().is_empty());
    registers_at(&mut lab, 1, ";reg-id=1", 3600);
    assert_eq!(lab.sirs().len(), 1);
    let session = lab.session(1, "");
    assert_eq!(lab.contents(&session).len(), 2);
}

#[test]
fn a_push_to_a_device_that_is_not_registered_waits_for_it() {
    let mut lab = Lab::new();
    lab.register(2);
    assert_eq!(lab.push("p1", &[UUID], ""), 1001);
    assert!(lab.sirs().is_empty());
    let shown = lab.get("/api/v1/pushes/p1");
    assert_eq!(shown["devices"][0]["stage"], "held");
    lab.register(1);
    assert_eq!(lab.sirs().len(), 1);
}

#[test]
fn a_device_that_refuses_by_information_ends_its_delivery() {
    let mut lab = Lab::registered();
    lab.push(
        "p1",
        &[ALICE],
        "X-Sirgate-Plan: fanout\nX-Sirgate-Ask: refusal\n",
    );
    let sirs = lab.sirs();
    for sir in &sirs {
        lab.answer(sir, 200, "");
    }
    let correlator = sirs[0].message.text(Name::XSirgateSir).unwrap().to_owned();
    for dev in [2, 3] {
        let body = format!(
            "{{\"sir\":\"{correlator}\",\"device\":\"{}\",\"kind\":\"refusal\",\"reason\":\"pref\"}}",
            super::lab::id(dev)
        );
        let headers =
            "To: <sip:push@ppg.example.com>\nContent-Type: application/vnd.sirgate.info+json\n";
        let answer = lab.request(dev, "MESSAGE", "sip:push@ppg.example.com", headers, &body);
        assert_eq!(answer.status(), Some(200));
    }
    assert_eq!(lab.events("info.rx").len(), 2);
    assert_eq!(lab.outcome("p1", "C2").as_deref(), Some("refused"));
    let session = lab.session(1, "");
    let contents = lab.contents(&session);
    lab.confirm(&session, &contents[0], 200);
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
}

#[test]
fn r2_95_to_r2_98_returned_information_is_kept_and_used() {
    let mut lab = Lab::registered();
    lab.push("p1", &[UUID], "X-Sirgate-Ask: capability\n");
    let session = lab.session(1, "");
    let body = r#"{"kind":"capability","accept":["image/png"]}"#;
    let headers = format!(
        "Message-ID: info0001\nByte-Range: 1-{0}/{0}\nContent-Type: application/vnd.sirgate.info+json\n",
        body.len()
    );
    lab.msrp(&session, "info", "SEND", &headers, Some(body));
    let told = lab.events("info.rx");
    assert_eq!(told[0]["kind"], "capability");
    assert_eq!(told[0]["dev"], "C1");
    let shown = lab.get("/api/v1/identities/sip:alice@example.com");
    assert_eq!(
        shown["devices"][0]["reported"]["capability"]["accept"][0],
        "image/png"
    );
    lab.push("p2", &[UUID], "");
    assert_eq!(lab.end("p2"), Some(("undeliverable".to_owned(), 2005)));
}

#[test]
fn however_much_waits_for_one_session_all_of_it_is_delivered() {
    let mut lab = Lab::registered();
    lab.push("p0", &[UUID], "");
    let session = lab.session(1, "");
    let pushes = crate::limits::MSRP_MESSAGES_WAITING + 20;
    for number in 1..pushes {
        assert_eq!(lab.push(&format!("p{number}"), &[UUID], ""), 1001);
    }
    let mut confirmed = 0;
    loop {
        let contents = lab.contents(&session);
        if contents.is_empty() {
            break;
        }
        for content in &contents {
            lab.confirm(&session, content, 200);
        }
        confirmed += contents.len();
    }
    assert_eq!(confirmed, pushes, "each of them once");
    let ends = lab.events("push.end");
    let delivered = ends.iter().filter(|fact| fact["state"] == "delivered");
    assert_eq!(delivered.count(), pushes);
}

#[test]
fn content_the_device_refuses_fails_with_the_reason() {
    let mut lab = Lab::registered();
    lab.push("p1", &[UUID], "");
    let session = lab.session(1, "");
    let contents = lab.contents(&session);
    lab.confirm(&session, &contents[0], 415);
    assert_eq!(lab.end("p1"), Some(("undeliverable".to_owned(), 2005)));
}

#[test]
fn content_that_was_not_confirmed_before_the_link_broke_goes_again() {
    let mut lab = Lab::registered();
    lab.push("p1", &[UUID], "");
    let sirs = lab.sirs();
    lab.answer(&sirs[0], 200, "");
    let session = lab.session(1, "");
    assert_eq!(lab.contents(&session).len(), 1);
    lab.hang_up(&session);
    assert_eq!(lab.events("sess.down").len(), 1);
    lab.wait(10 * SECOND);
    let sirs = lab.sirs();
    assert_eq!(sirs.len(), 1);
    lab.answer(&sirs[0], 200, "");
    let session = lab.session(1, "");
    let contents = lab.contents(&session);
    lab.confirm(&session, &contents[0], 200);
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
}

#[test]
fn a_session_the_device_ends_is_over() {
    let mut lab = Lab::registered();
    lab.push("p1", &[UUID], "");
    let session = lab.session(1, "");
    let ok = &session.ok;
    let bye = format!(
        "BYE sip:push@192.0.2.5:5060 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bKbye\nMax-Forwards: 70\nFrom: {}\n\
         To: {}\nCall-ID: {}\nCSeq: 2 BYE\nContent-Length: 0\n\n",
        ok.text(Name::From).unwrap(),
        ok.text(Name::To).unwrap(),
        ok.text(Name::CallId).unwrap()
    );
    lab.datagram(1, &bye);
    assert_eq!(lab.events("sess.down").len(), 1);
    let shown = lab.get("/api/v1/identities/sip:alice@example.com");
    assert_eq!(shown["devices"][0]["connected"], false);
}
