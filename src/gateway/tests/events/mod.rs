//! Event packages about identities: presence, registrations, messages waiting.

mod kept;
mod proved;
mod waiting;

use core::time::Duration;

use super::lab::*;
use crate::codec::message_summary::MessageSummary;
use crate::codec::presence::{Basic, Presence};
use crate::codec::reginfo::{ContactState, Event, Extent, Reginfo, State};
use crate::codec::sip::{Draft, Message, Method, Name};
use crate::gateway::config::{Authentication, Config, Identity};
use crate::world::{CloseReason, Input};

const PIDF: &str = "Content-Type: application/pidf+xml\n";

fn document(basic: &str, device: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
         xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" entity=\"{ALICE}\"><tuple id=\"t1\">\
         <status><basic>{basic}</basic></status>{device}</tuple></presence>"
    )
}

fn subscribe(lab: &mut Lab, dev: u8, event: &str, headers: &str) -> Message {
    let headers = format!(
        "To: <{ALICE}>\nContact: <sip:alice@{}>\nEvent: {event}\n{headers}",
        address(dev)
    );
    lab.request(dev, "SUBSCRIBE", ALICE, &headers, "")
}

fn publish(lab: &mut Lab, dev: u8, headers: &str, body: &str) -> Message {
    let headers = format!("To: <{ALICE}>\nEvent: presence\n{headers}");
    lab.request(dev, "PUBLISH", ALICE, &headers, body)
}

/// Devices take no TCP: what is too large for a datagram goes in one all the same.
fn no_tcp(lab: &mut Lab) {
    for link in core::mem::take(&mut lab.connects) {
        let why = CloseReason::Refused;
        lab.input(Input::Closed { link, why });
    }
}

/// The one NOTIFY that left, answered with that status by its device.
fn notified(lab: &mut Lab, dev: u8, status: u16) -> Message {
    no_tcp(lab);
    let mut sent = lab.sent(Method::Notify);
    assert_eq!(sent.len(), 1, "{sent:?}");
    let notify = sent.remove(0);
    let response = Draft::response(&notify, status, None).finish();
    let text = String::from_utf8(response.octets().to_vec()).unwrap();
    lab.datagram(dev, &text.replace('\r', ""));
    notify
}

fn state(notify: &Message) -> &str {
    notify.text(Name::SubscriptionState).unwrap()
}

fn presence(notify: &Message) -> Presence {
    assert_eq!(notify.content_type(), Some("application/pidf+xml"));
    Presence::decode(notify.body()).unwrap()
}

fn reginfo(notify: &Message) -> Reginfo {
    Reginfo::decode(notify.body()).unwrap()
}

fn summary(notify: &Message) -> (bool, u32) {
    let summary = MessageSummary::decode(notify.body()).unwrap();
    let counts = summary.of_class("Voice-Message").unwrap();
    (summary.waiting, counts.new)
}

#[test]
fn r2_8_what_a_device_publishes_leaves_it_out_and_takes_it_in_again() {
    let mut lab = Lab::registered();
    let named = format!("<dm:deviceID>{UUID}</dm:deviceID>");
    let ok = publish(&mut lab, 1, PIDF, &document("closed", &named));
    assert_eq!(ok.status(), Some(200), "{ok:?}");
    assert_eq!(ok.text(Name::Expires), Some("3600"));
    let etag = ok.text(Name::SipEtag).unwrap().to_owned();
    lab.push("p1", &[UUID], "");
    assert!(lab.sirs().is_empty());
    let plan = &lab.events("plan")[0];
    assert_eq!(plan["excluded"], serde_json::json!([["C1", "presence"]]));

    let again = format!("{PIDF}SIP-If-Match: {etag}\n");
    let ok = publish(&mut lab, 1, &again, &document("open", &named));
    assert_eq!(ok.status(), Some(200));
    lab.push("p2", &[UUID], "");
    assert_eq!(lab.sirs().len(), 1);
}

#[test]
fn r2_8_a_document_that_names_no_device_is_of_who_published_it_until_it_ends() {
    let mut lab = Lab::registered();
    let headers = format!("{PIDF}Expires: 60\n");
    publish(&mut lab, 2, &headers, &document("closed", ""));
    lab.push("p1", &[ALICE], "");
    let mut woken: Vec<u8> = lab.sirs().iter().map(|sir| sir.dev).collect();
    woken.sort_unstable();
    woken.dedup();
    let plan = &lab.events("plan")[0];
    assert_eq!(plan["excluded"], serde_json::json!([["C2", "presence"]]));
    assert!(woken.contains(&1));
    lab.wait(Duration::from_secs(61));
    lab.push("p2", &[IMEI], "");
    assert_eq!(
        lab.outcome("p2", "C2"),
        None,
        "nothing is known of it any more"
    );
}

#[test]
fn a_publication_is_refreshed_and_removed_by_its_latest_name_only() {
    let mut lab = Lab::registered();
    let first = publish(&mut lab, 1, PIDF, &document("open", ""));
    let etag = first.text(Name::SipEtag).unwrap().to_owned();
    let named = format!("SIP-If-Match: {etag}\n");
    let refreshed = publish(&mut lab, 1, &named, "");
    assert_eq!(refreshed.status(), Some(200));
    assert_eq!(publish(&mut lab, 1, &named, "").status(), Some(412));
    let etag = refreshed.text(Name::SipEtag).unwrap().to_owned();
    let removal = format!("SIP-If-Match: {etag}\nExpires: 0\n");
    assert_eq!(publish(&mut lab, 1, &removal, "").status(), Some(200));
    assert_eq!(publish(&mut lab, 1, &removal, "").status(), Some(412));
}

#[test]
fn a_publish_that_cannot_be_carried_out_is_answered_by_the_letter() {
    let mut lab = Lab::registered();
    let good = document("open", "");
    let large = document("open", &format!("<note>{}</note>", "x".repeat(5_000)));
    let cases: [(&str, &str, u16); 7] = [
        ("", "", 400),
        ("SIP-If-Match: nothing\n", "", 412),
        (&format!("{PIDF}Expires: 10\n"), &good, 423),
        (PIDF, &large, 413),
        ("Content-Type: text/plain\n", "open", 415),
        (&format!("{PIDF}Content-Encoding: gzip\n"), &good, 415),
        (PIDF, "<presence", 400),
    ];
    for (headers, body, status) in cases {
        let answer = publish(&mut lab, 1, headers, body);
        assert_eq!(answer.status(), Some(status), "{headers}{body}");
    }
    let headers = format!("To: <{ALICE}>\nEvent: weather\n{PIDF}");
    let answer = lab.request(1, "PUBLISH", ALICE, &headers, &good);
    assert_eq!(answer.status(), Some(489));
    let known = answer.text(Name::AllowEvents).unwrap();
    assert!(known.starts_with("presence, reg, message-summary"));
    for _ in 0..20 {
        let answer = publish(&mut lab, 1, PIDF, &good);
        assert_eq!(answer.status(), Some(200), "it starts again and again");
    }
    let answer = publish(&mut lab, 2, PIDF, &good);
    assert_eq!(answer.status(), Some(503), "another's are not thrown out");
}

#[test]
fn a_subscriber_to_presence_gets_all_at_once_then_each_change_then_the_end() {
    let mut lab = Lab::registered();
    let ok = subscribe(&mut lab, 2, "presence", "Expires: 600\n");
    assert_eq!(ok.status(), Some(200), "{ok:?}");
    assert_eq!(ok.text(Name::Expires), Some("600"));
    let first = notified(&mut lab, 2, 200);
    assert_eq!(state(&first), "active;expires=600");
    let whole = presence(&first);
    assert_eq!(whole.entity, ALICE);
    assert_eq!(whole.tuples.len(), 3);
    assert!(whole.tuples.iter().all(|it| it.basic == Some(Basic::Open)));
    assert_eq!(whole.tuples[0].device_ids, [UUID]);

    publish(&mut lab, 1, PIDF, &document("closed", ""));
    let changed = presence(&notified(&mut lab, 2, 200));
    let closed = changed
        .tuples
        .iter()
        .filter(|it| it.basic == Some(Basic::Closed));
    assert_eq!(closed.count(), 1);

    lab.wait(Duration::from_secs(600));
    assert_eq!(
        state(&notified(&mut lab, 2, 200)),
        "terminated;reason=timeout"
    );
    publish(&mut lab, 1, PIDF, &document("open", ""));
    assert!(lab.connects.is_empty() && lab.sent(Method::Notify).is_empty());
}

#[test]
fn a_subscriber_to_presence_is_told_of_a_device_that_leaves_while_another_one_refreshes() {
    let mut lab = Lab::registered();
    subscribe(&mut lab, 3, "presence", "");
    notified(&mut lab, 3, 200);
    let contact = |dev: u8, expires: u32| {
        format!(
            "<sip:alice@{};ob>;+sip.instance=\"<urn:uuid:00000000-0000-4000-8000-00000000000{dev}>\";reg-id=1;expires={expires}",
            address(dev)
        )
    };
    let headers = format!(
        "To: <{ALICE}>\nSupported: path, gruu\nContact: {}, {}\n",
        contact(1, 3600),
        contact(2, 0)
    );
    let headers = headers.replace(";reg-id=1", "");
    let ok = lab.request(1, "REGISTER", "sip:example.com", &headers, "");
    assert_eq!(ok.status(), Some(200), "{ok:?}");
    let changes = lab.events("reg");
    assert_eq!(changes[changes.len() - 1]["change"], "removed");
    notified(&mut lab, 3, 200);
}

#[test]
fn a_subscriber_that_answers_481_is_told_no_more() {
    let mut lab = Lab::registered();
    subscribe(&mut lab, 2, "presence", "");
    notified(&mut lab, 2, 481);
    publish(&mut lab, 1, PIDF, &document("closed", ""));
    assert!(lab.connects.is_empty() && lab.sent(Method::Notify).is_empty());
}

#[test]
fn a_subscription_is_refreshed_and_ended_in_its_dialog() {
    let mut lab = Lab::registered();
    let ok = subscribe(&mut lab, 2, "presence", "");
    notified(&mut lab, 2, 200);
    let mut number = 1;
    for (expires, expected) in [
        (300, "active;expires=300"),
        (0, "terminated;reason=timeout"),
    ] {
        number += 1;
        let text = format!(
            "SUBSCRIBE sip:push@192.0.2.5:5060 SIP/2.0\nVia: SIP/2.0/UDP {host};branch=z9hG4bKe{number}\nMax-Forwards: 70\n\
             From: {}\nTo: {}\nCall-ID: {}\nCSeq: {number} SUBSCRIBE\nContact: <sip:alice@{host}>\nEvent: presence\n\
             Expires: {expires}\nContent-Length: 0\n\n",
            ok.text(Name::From).unwrap(),
            ok.text(Name::To).unwrap(),
            ok.text(Name::CallId).unwrap(),
            host = address(2)
        );
        lab.datagram(2, &text);
        assert_eq!(state(&notified(&mut lab, 2, 200)), expected);
    }
    publish(&mut lab, 1, PIDF, &document("closed", ""));
    assert!(lab.connects.is_empty() && lab.sent(Method::Notify).is_empty());
}

#[test]
fn a_subscription_that_cannot_be_served_is_refused_by_the_letter() {
    let mut lab = Lab::registered();
    let unknown = subscribe(&mut lab, 1, "weather", "");
    assert_eq!(unknown.status(), Some(489));
    let known = unknown.text(Name::AllowEvents).unwrap();
    assert!(known.contains("presence") && known.contains("sirgate-sir"));
    let brief = subscribe(&mut lab, 1, "presence", "Expires: 5\n");
    assert_eq!(brief.status(), Some(423));
    assert_eq!(brief.text(Name::MinExpires), Some("60"));
    let other = subscribe(&mut lab, 1, "presence", "Accept: text/plain\n");
    assert_eq!(other.status(), Some(406));
    let stranger = subscribe(&mut lab, 9, "presence", "");
    assert_eq!(stranger.status(), Some(403));
    for _ in 0..64 {
        assert_eq!(subscribe(&mut lab, 1, "presence", "").status(), Some(200));
    }
    let full = subscribe(&mut lab, 1, "presence", "");
    assert_eq!(full.status(), Some(503));
}

/// Alice with the trio and Bob with nothing, who is who he says he is.
fn with_bob(watchers: &[&str]) -> Lab {
    let mut config = config();
    config.identities.push(Identity {
        pui: "sip:bob@example.com".to_owned(),
        ..Identity::default()
    });
    config.presence_watchers = watchers.iter().map(|name| (*name).to_owned()).collect();
    let mut lab = Lab::with(config);
    lab.register(1);
    lab
}

#[test]
fn only_whom_the_operator_names_watches_the_presence_of_others() {
    for (watchers, status) in [(&[][..], 403), (&[ALICE][..], 200)] {
        let mut lab = with_bob(watchers);
        for (event, expected) in [("presence", status), ("reg", 403), ("message-summary", 403)] {
            let headers = format!(
                "To: <sip:bob@example.com>\nContact: <sip:alice@{}>\nEvent: {event}\n",
                address(1)
            );
            let answer = lab.request(1, "SUBSCRIBE", "sip:bob@example.com", &headers, "");
            assert_eq!(answer.status(), Some(expected), "{event}");
        }
    }
}

#[test]
fn who_is_not_known_proves_who_it_is_before_it_subscribes_or_publishes() {
    let mut lab = Lab::with(Config {
        authentication: Some(Authentication {
            realm: "example.com".to_owned(),
            users: vec![("alice".to_owned(), "secret".to_owned())],
        }),
        ..config()
    });
    assert_eq!(subscribe(&mut lab, 1, "reg", "").status(), Some(401));
    let answer = publish(&mut lab, 1, PIDF, &document("open", ""));
    assert_eq!(answer.status(), Some(401));
}

#[test]
fn a_subscriber_to_registrations_gets_all_of_them_and_then_what_changes() {
    let mut lab = Lab::new();
    lab.register(1);
    assert_eq!(
        subscribe(&mut lab, 1, "reg", "").text(Name::Expires),
        Some("3761")
    );
    let full = reginfo(&notified(&mut lab, 1, 200));
    assert_eq!((full.version, full.state), (0, Extent::Full));
    let registration = &full.registrations[0];
    assert_eq!(
        (registration.aor.as_str(), registration.state),
        (ALICE, State::Active)
    );
    let contact = &registration.contacts[0];
    assert_eq!(
        (contact.state, contact.event),
        (ContactState::Active, Event::Registered)
    );
    assert!(
        contact
            .pub_gruu
            .as_ref()
            .is_some_and(|gruu| gruu.contains(";gr="))
    );
    assert!(contact.temp_gruu.is_some());
    assert_eq!(contact.expires, Some(3_600));

    lab.register(2);
    let partial = reginfo(&notified(&mut lab, 1, 200));
    assert_eq!((partial.version, partial.state), (1, Extent::Partial));
    let contacts = &partial.registrations[0].contacts;
    assert_eq!(contacts.len(), 1);
    assert_ne!(contacts[0].id, contact.id);
    assert_eq!(contacts[0].event, Event::Registered);

    lab.wait(Duration::from_secs(3_601));
    no_tcp(&mut lab);
    let ends: Vec<Reginfo> = lab.sent(Method::Notify).iter().map(reginfo).collect();
    let end = &ends[0].registrations[0];
    assert_eq!(end.contacts[0].event, Event::Expired);
    assert_eq!(end.contacts[0].state, ContactState::Terminated);
    assert_eq!(end.contacts[0].pub_gruu, None);
}

#[test]
fn a_change_while_a_notify_is_under_way_is_told_in_full_after_its_answer() {
    let mut lab = Lab::new();
    lab.register(1);
    subscribe(&mut lab, 1, "reg", "");
    no_tcp(&mut lab);
    let first = lab.sent(Method::Notify).remove(0);
    lab.register(2);
    assert!(lab.connects.is_empty() && lab.sent(Method::Notify).is_empty());
    let response = Draft::response(&first, 200, None).finish();
    let text = String::from_utf8(response.octets().to_vec()).unwrap();
    lab.datagram(1, &text.replace('\r', ""));
    let next = reginfo(&notified(&mut lab, 1, 200));
    assert_eq!((next.version, next.state), (1, Extent::Full));
    assert_eq!(next.registrations[0].contacts.len(), 2);
}

#[test]
fn a_lamp_is_lit_while_a_push_waits() {
    let mut lab = Lab::registered();
    assert_eq!(
        subscribe(&mut lab, 2, "message-summary", "").status(),
        Some(200)
    );
    let first = notified(&mut lab, 2, 200);
    assert_eq!(
        first.content_type(),
        Some("application/simple-message-summary")
    );
    assert_eq!(summary(&first), (false, 0));
    lab.push("p1", &[UUID], "");
    assert_eq!(summary(&notified(&mut lab, 2, 200)), (true, 1));
    lab.push("p2", &[IMEI], "");
    assert_eq!(summary(&notified(&mut lab, 2, 200)), (true, 2));
    let session = lab.session(1, "");
    let contents = lab.contents(&session);
    lab.confirm(&session, &contents[0], 200);
    assert_eq!(summary(&notified(&mut lab, 2, 200)), (true, 1));
    lab.http("DELETE", "/api/v1/pushes/p2", "", "");
    assert_eq!(summary(&notified(&mut lab, 2, 200)), (false, 0));
}

#[test]
fn devices_are_told_unasked_where_that_is_configured() {
    let mut lab = Lab::with(Config {
        unsolicited_summaries: true,
        ..config()
    });
    lab.register(1);
    notified(&mut lab, 1, 200);
    lab.push("p1", &[UUID], "");
    let told = notified(&mut lab, 1, 481);
    assert_eq!(told.text(Name::Event), Some("message-summary"));
    assert_eq!(summary(&told), (true, 1));
    let mut silent = Lab::registered();
    silent.push("p1", &[UUID], "");
    assert!(silent.sent(Method::Notify).is_empty());
}
