//! What subscribers and publishers believe in holds beyond a restart.

use core::time::Duration;

use super::super::lab::*;
use super::*;
use crate::world::RecordKind;

fn kinds(lab: &Lab, kind: RecordKind) -> usize {
    lab.records.keys().filter(|key| key.kind == kind).count()
}

/// A SUBSCRIBE in the dialog that this answer made.
fn again(lab: &mut Lab, ok: &Message, dev: u8, expires: u32) {
    let number = lab.number() + 1;
    let text = format!(
        "SUBSCRIBE sip:push@192.0.2.5:5060 SIP/2.0\nVia: SIP/2.0/UDP {host};branch=z9hG4bKk{number}\nMax-Forwards: 70\n\
         From: {}\nTo: {}\nCall-ID: {}\nCSeq: {number} SUBSCRIBE\nContact: <sip:alice@{host}>\nEvent: presence\n\
         Expires: {expires}\nContent-Length: 0\n\n",
        ok.text(Name::From).unwrap(),
        ok.text(Name::To).unwrap(),
        ok.text(Name::CallId).unwrap(),
        host = address(dev)
    );
    lab.datagram(dev, &text);
}

#[test]
fn a_subscription_goes_on_after_a_restart_in_its_dialog() {
    let mut lab = Lab::registered();
    let ok = subscribe(&mut lab, 2, "presence", "Expires: 600\n");
    let before = notified(&mut lab, 2, 200);
    lab.wait(Duration::from_secs(100));

    let mut lab = lab.restarted(config());
    let after = notified(&mut lab, 2, 200);
    assert_eq!(state(&after), "active;expires=500");
    assert_eq!(after.call_id(), before.call_id());
    assert_eq!(after.text(Name::From), before.text(Name::From));
    let numbers = [&before, &after].map(|notify| notify.cseq().unwrap().number);
    assert!(numbers[0] < numbers[1], "{numbers:?}");
    publish(&mut lab, 1, PIDF, &document("closed", ""));
    assert_eq!(state(&notified(&mut lab, 2, 200)), "active;expires=500");

    again(&mut lab, &ok, 2, 0);
    assert_eq!(
        state(&notified(&mut lab, 2, 200)),
        "terminated;reason=timeout"
    );
    assert_eq!(kinds(&lab, RecordKind::Subscription), 0);
}

#[test]
fn subscriptions_that_are_over_leave_nothing_behind() {
    let mut lab = Lab::registered();
    // Asked once, refused by the subscriber, over by time.
    subscribe(&mut lab, 1, "presence", "Expires: 0\n");
    notified(&mut lab, 1, 200);
    assert_eq!(kinds(&lab, RecordKind::Subscription), 0);
    subscribe(&mut lab, 1, "presence", "");
    assert_eq!(kinds(&lab, RecordKind::Subscription), 1);
    notified(&mut lab, 1, 481);
    assert_eq!(kinds(&lab, RecordKind::Subscription), 0);
    subscribe(&mut lab, 1, "presence", "Expires: 60\n");
    notified(&mut lab, 1, 200);
    lab.wait(Duration::from_secs(60));
    notified(&mut lab, 1, 200);
    assert_eq!(kinds(&lab, RecordKind::Subscription), 0);
}

#[test]
fn a_subscription_that_ended_while_the_gateway_was_down_is_forgotten() {
    let mut lab = Lab::registered();
    subscribe(&mut lab, 2, "reg", "Expires: 60\n");
    notified(&mut lab, 2, 200);
    lab.now = lab.now + Duration::from_secs(61);
    let mut lab = lab.restarted(config());
    no_tcp(&mut lab);
    assert!(lab.sent(Method::Notify).is_empty());
    assert_eq!(kinds(&lab, RecordKind::Subscription), 0);
}

#[test]
fn a_subscriber_to_registrations_is_told_all_of_them_with_a_later_version_after_a_restart() {
    let mut lab = Lab::new();
    lab.register(1);
    subscribe(&mut lab, 1, "reg", "");
    let before = reginfo(&notified(&mut lab, 1, 200));
    let mut lab = lab.restarted(config());
    let after = reginfo(&notified(&mut lab, 1, 200));
    assert_eq!(after.state, Extent::Full);
    assert!(after.version > before.version);
    let ids = [&before, &after].map(|it| it.registrations[0].contacts[0].id.clone());
    assert_eq!(ids[0], ids[1], "it is the same contact");
}

#[test]
fn a_subscriber_is_told_with_later_numbers_after_each_restart() {
    let mut lab = Lab::new();
    lab.register(1);
    subscribe(&mut lab, 1, "reg", "");
    let mut last = notified(&mut lab, 1, 200);
    for life in 2..5 {
        lab = lab.restarted(config());
        let next = notified(&mut lab, 1, 200);
        let numbers = [&last, &next].map(|notify| notify.cseq().unwrap().number);
        assert!(numbers[0] < numbers[1], "life {life}: {numbers:?}");
        let versions = [&last, &next].map(|notify| reginfo(notify).version);
        assert!(versions[0] < versions[1], "life {life}: {versions:?}");
        last = next;
    }
}

#[test]
fn what_was_published_counts_after_a_restart_until_its_time_is_over() {
    let mut lab = Lab::registered();
    let headers = format!("{PIDF}Expires: 600\n");
    let ok = publish(&mut lab, 1, &headers, &document("closed", ""));
    let etag = ok.text(Name::SipEtag).unwrap().to_owned();
    lab.wait(Duration::from_secs(100));

    let mut lab = lab.restarted(config());
    lab.push("p1", &[UUID], "");
    let plan = &lab.events("plan")[0];
    assert_eq!(plan["excluded"], serde_json::json!([["C1", "presence"]]));
    let ok = publish(
        &mut lab,
        1,
        &format!("SIP-If-Match: {etag}\nExpires: 60\n"),
        "",
    );
    assert_eq!(ok.status(), Some(200), "its name holds");
    lab.wait(Duration::from_secs(60));
    assert_eq!(kinds(&lab, RecordKind::Publication), 0);
    lab.push("p2", &[UUID], "");
    assert_eq!(lab.sirs().len(), 1);
}

#[test]
fn a_publication_that_is_taken_back_leaves_nothing_behind() {
    let mut lab = Lab::registered();
    let ok = publish(&mut lab, 1, PIDF, &document("closed", ""));
    assert_eq!(kinds(&lab, RecordKind::Publication), 1);
    let etag = ok.text(Name::SipEtag).unwrap().to_owned();
    let ok = publish(
        &mut lab,
        1,
        &format!("{PIDF}SIP-If-Match: {etag}\n"),
        &document("open", ""),
    );
    let etag = ok.text(Name::SipEtag).unwrap().to_owned();
    assert_eq!(kinds(&lab, RecordKind::Publication), 1);
    publish(
        &mut lab,
        1,
        &format!("SIP-If-Match: {etag}\nExpires: 0\n"),
        "",
    );
    assert_eq!(kinds(&lab, RecordKind::Publication), 0);
}
