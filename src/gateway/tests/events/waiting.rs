//! The lamp shows what the store holds.

use core::time::Duration;

use super::super::lab::*;
use super::*;
use crate::world::RecordKind;

/// Pushes for Alice that the store has as begun and not ended.
fn kept(lab: &Lab) -> u32 {
    let now = serde_json::to_value(lab.now).unwrap().as_u64().unwrap();
    let pushes = lab.records.values();
    let pushes = pushes.filter(|record| record.key.kind == RecordKind::Push);
    let waits = pushes.filter(|record| {
        let body = crate::gateway::snapshot::shown(&record.body);
        let begun = body["not_before"].as_u64().is_none_or(|at| at <= now);
        body["ended"].is_null() && begun
    });
    u32::try_from(waits.count()).unwrap()
}

/// What the lamp of the second device shows when it asks.
fn shown(lab: &mut Lab) -> (bool, u32) {
    lab.register(2);
    no_tcp(lab);
    lab.sent(Method::Notify);
    subscribe(lab, 2, "message-summary", "Expires: 0\n");
    no_tcp(lab);
    let told = lab.sent(Method::Notify);
    summary(told.last().unwrap())
}

#[test]
fn the_count_of_what_waits_is_that_of_the_store() {
    let mut lab = Lab::registered();
    let mut counts = Vec::new();
    let mut look = |lab: &mut Lab| {
        let (lit, count) = shown(lab);
        assert_eq!(count, kept(lab));
        assert_eq!(lit, count > 0);
        counts.push(count);
    };
    look(&mut lab);
    lab.push("one", &[UUID], "");
    lab.push("all", &[ALICE], "");
    look(&mut lab);
    let later = " deliver-after-timestamp=\"2026-01-01T10:10:00Z\"";
    lab.post(&pap_body("later", &[UUID], later, ""));
    let brief = " deliver-before-timestamp=\"2026-01-01T10:05:00Z\"";
    lab.post(&pap_body("brief", &[IMEI], brief, ""));
    look(&mut lab);
    let mut lab = lab.restarted(config());
    look(&mut lab);
    lab.wait(Duration::from_secs(301));
    look(&mut lab);
    lab.http("DELETE", "/api/v1/pushes/one", "", "");
    look(&mut lab);
    lab.wait(Duration::from_secs(300));
    look(&mut lab);
    lab.wait(Duration::from_secs(7_200));
    look(&mut lab);
    assert_eq!(counts, [0, 2, 3, 3, 2, 1, 2, 0]);
}

#[test]
fn a_lamp_that_is_lit_when_it_is_subscribed_to_goes_out() {
    let mut lab = Lab::registered();
    lab.push("p1", &[UUID], "");
    subscribe(&mut lab, 2, "message-summary", "");
    assert_eq!(summary(&notified(&mut lab, 2, 200)), (true, 1));
    lab.http("DELETE", "/api/v1/pushes/p1", "", "");
    assert_eq!(summary(&notified(&mut lab, 2, 200)), (false, 0));
}

#[test]
fn a_device_that_registers_is_told_what_waits_where_that_is_configured() {
    let mut lab = Lab::with(Config {
        unsolicited_summaries: true,
        ..config()
    });
    lab.register(1);
    assert_eq!(summary(&notified(&mut lab, 1, 200)), (false, 0));
    lab.push("p1", &[UUID], "");
    assert_eq!(summary(&notified(&mut lab, 1, 200)), (true, 1));
    lab.register(2);
    assert_eq!(summary(&notified(&mut lab, 2, 200)), (true, 1));
}
