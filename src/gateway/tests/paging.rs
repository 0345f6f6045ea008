//! Devices that ask without a session: paged after a REGISTER, notified after a SUBSCRIBE.

use core::time::Duration;

use super::lab::*;
use crate::codec::sip::{Draft, Message, Method, Name};

const SIR: &str = "X-Sirgate-Sir: ";

/// The headers of a REGISTER or SUBSCRIBE of device 1 that answers this SIR.
fn asking(sir: &str) -> String {
    format!(
        "To: <{ALICE}>\nSupported: path, outbound, gruu\n{SIR}{sir}\n\
         Contact: <sip:alice@{};ob>;+sip.instance=\"<urn:uuid:00000000-0000-4000-8000-000000000001>\";reg-id=1\n",
        address(1)
    )
}

/// A laboratory in which device 1 took the SIR of a push; the number of the SIR.
fn woken(push: &str) -> (Lab, String) {
    let mut lab = Lab::registered();
    lab.push(push, &[UUID], "");
    let sirs = lab.sirs();
    lab.answer(&sirs[0], 200, "");
    let shown = lab.get(&format!("/api/v1/pushes/{push}"));
    let sir = shown["sir"].as_str().unwrap().to_owned();
    (lab, sir)
}

fn answer(lab: &mut Lab, request: &Message, status: u16) {
    let response = Draft::response(request, status, Some("d9")).finish();
    let text = String::from_utf8(response.octets().to_vec()).unwrap();
    lab.datagram(1, &text.replace('\r', ""));
}

#[test]
fn a_device_that_registers_for_a_sir_is_paged_and_its_answer_delivers() {
    let (mut lab, sir) = woken("p1");
    let granted = lab.request(1, "REGISTER", "sip:example.com", &asking(&sir), "");
    assert_eq!(granted.status(), Some(200));
    let pages = lab.sent(Method::Message);
    assert_eq!(pages.len(), 1);
    assert_eq!(pages[0].text(Name::XSirgatePush), Some("p1"));
    assert_eq!(pages[0].body(), b"hello");
    assert!(pages[0].request_uri().unwrap().gr().is_some());
    answer(&mut lab, &pages[0], 200);
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
}

#[test]
fn a_refresh_that_names_no_sir_brings_no_content() {
    let (mut lab, _) = woken("p1");
    lab.register(1);
    assert!(lab.sent(Method::Message).is_empty());
    assert_eq!(lab.end("p1"), None);
}

#[test]
fn contents_are_paged_one_after_another_and_what_is_not_answered_is_tried_again() {
    let (mut lab, sir) = woken("p1");
    lab.push("p2", &[UUID], "");
    let sirs = lab.sirs();
    lab.answer(&sirs[0], 200, "");
    lab.request(1, "REGISTER", "sip:example.com", &asking(&sir), "");
    let first = lab.sent(Method::Message);
    assert_eq!(first.len(), 1);
    answer(&mut lab, &first[0], 200);
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
    let second = lab.sent(Method::Message);
    assert_eq!(second[0].text(Name::XSirgatePush), Some("p2"));
    answer(&mut lab, &second[0], 503);
    assert_eq!(lab.end("p2"), None);
    lab.wait(Duration::from_secs(10));
    assert!(!lab.sirs().is_empty(), "a SIR calls the device again");
}

#[test]
fn a_device_that_subscribes_is_notified_and_the_last_content_ends_the_subscription() {
    let (mut lab, sir) = woken("p1");
    lab.push("p2", &[UUID], "");
    let headers = format!("{}Event: sirgate-push\nExpires: 600\n", asking(&sir));
    let uri = "sip:push@ppg.example.com";
    let taken = lab.request(1, "SUBSCRIBE", uri, &headers, "");
    assert_eq!(taken.status(), Some(200));
    assert_eq!(taken.text(Name::Expires), Some("60"));
    let tag = taken.to().unwrap().tag().unwrap().to_owned();
    for (push, state) in [
        ("p1", "active;expires=60"),
        ("p2", "terminated;reason=noresource"),
    ] {
        let notifies = lab.sent(Method::Notify);
        assert_eq!(notifies.len(), 1);
        let notify = &notifies[0];
        assert_eq!(notify.from().unwrap().tag(), Some(tag.as_str()));
        assert_eq!(notify.call_id().ok(), taken.call_id().ok());
        assert_eq!(notify.text(Name::XSirgatePush), Some(push));
        assert_eq!(notify.text(Name::SubscriptionState), Some(state));
        answer(&mut lab, notify, 200);
        assert_eq!(lab.end(push), Some(("delivered".to_owned(), 1000)));
    }
    let again = lab.request(1, "SUBSCRIBE", uri, &headers, "");
    assert_eq!(again.status(), Some(410), "nothing waits any more");
    let other = headers.replace("sirgate-push", "weather");
    let refused = lab.request(1, "SUBSCRIBE", uri, &other, "");
    assert_eq!(refused.status(), Some(489));
    assert_eq!(
        refused.text(Name::AllowEvents),
        Some("presence, reg, message-summary, sirgate-push, sirgate-sir")
    );
}

#[test]
fn content_that_no_datagram_holds_is_not_delivered_without_a_session() {
    let mut lab = Lab::registered();
    let body = pap_body("p1", &[UUID], "", "").replace("hello", &"x".repeat(1_300));
    lab.post(&body);
    let sirs = lab.sirs();
    lab.answer(&sirs[0], 200, "");
    let sir = lab.get("/api/v1/pushes/p1")["sir"]
        .as_str()
        .unwrap()
        .to_owned();
    lab.request(1, "REGISTER", "sip:example.com", &asking(&sir), "");
    assert!(lab.sent(Method::Message).is_empty());
    assert_eq!(lab.end("p1").unwrap().0, "undeliverable");
}
