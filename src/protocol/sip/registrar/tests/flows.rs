//! Bindings on flows: RFC 5626 section 6, and what a restart leaves.

use super::*;
use crate::protocol::sip::endpoint::Target;
use crate::world::Transport;

const EDGE: &str = "<sip:flow-token@edge.example.com;lr;ob>";

#[test]
fn two_flows_of_one_device_are_two_bindings() {
    let mut bench = bench();
    bench.accepted(&contacts(1, &[&outbound("a", C1, 1)]).modern());
    bench.flow = udp(40_001);
    bench.wait(1);
    bench.accepted(
        &contacts(1, &[&outbound("a", C1, 2)])
            .modern()
            .call_id("d1-reg-2"),
    );
    bench.wait(1);
    bench.accepted(
        &contacts(1, &[&outbound("b", C2, 1)])
            .modern()
            .call_id("d2-reg-1"),
    );
    let instances = bench.registrar.instances(ALICE);
    let flows: Vec<Vec<Option<u32>>> = instances
        .iter()
        .map(|instance| instance.flows.iter().map(|flow| flow.reg_id).collect())
        .collect();
    assert_eq!(flows, [vec![Some(1)], vec![Some(2), Some(1)]]);
    assert_eq!(instances[1].gr, Some(C1));
}

#[test]
fn contacts_without_an_instance_are_devices_of_their_own() {
    let mut bench = bench();
    bench.accepted(&contacts(1, &["<sip:a@192.0.2.1>", "<sip:b@192.0.2.2>"]));
    assert_eq!(bench.registrar.instances(ALICE).len(), 2);
}

#[test]
fn a_new_register_of_a_flow_number_replaces_contact_and_flow() {
    let mut bench = bench();
    bench.accepted(&contacts(1, &[&outbound("a", C1, 1)]).modern());
    bench.flow = LINK;
    let upper = C1.to_uppercase().replace("URN:UUID", "urn:uuid");
    let told = bench.accepted(
        &contacts(1, &[&outbound("new", &upper, 1)])
            .modern()
            .call_id("x"),
    );
    assert_eq!(told.words(), ["refreshed"]);
    assert_eq!(bench.contacts(), ["sip:new@192.0.2.11;transport=tcp;ob"]);
    assert_eq!(bench.registrar.flow_lost(udp(40_000)), []);
    assert_eq!(bench.registrar.flow_lost(LINK).len(), 1);
}

#[test]
fn a_flow_number_counts_only_with_an_instance_and_the_offer() {
    let mut bench = bench();
    let bare = bench.accepted(&contacts(1, &["<sip:a@192.0.2.1>;reg-id=1"]).modern());
    assert_eq!(bare.changes[0].binding().reg_id, None);
    assert_eq!(bare.values("Require"), [""; 0]);
    let silent = bench.accepted(&contacts(2, &[&outbound("b", C1, 1)]));
    let binding = silent.changes[0].binding();
    assert_eq!(
        (binding.reg_id, silent.values("Flow-Timer").len()),
        (None, 0)
    );
}

#[test]
fn flow_numbers_outside_their_range_are_refused() {
    for number in ["0", "2147483648", "x"] {
        let contact = format!("<sip:a@192.0.2.1>;+sip.instance=\"<{C1}>\";reg-id={number}");
        assert_eq!(
            bench().refused(&contacts(1, &[&contact]).modern()).status(),
            400,
            "{number}"
        );
    }
}

#[test]
fn a_flow_number_among_several_contacts_is_refused() {
    let mut bench = bench();
    let told = bench.refused(&contacts(1, &[&outbound("a", C1, 1), "<sip:b@192.0.2.2>"]).modern());
    assert_eq!(told.status(), 400);
    bench.accepted(&contacts(1, &["<sip:b@192.0.2.2>;expires=0", &outbound("a", C1, 1)]).modern());
}

/// A REGISTER that came through one proxy.
fn through_proxy(cseq: u32, path: Option<&str>) -> Ask {
    let ask = contacts(cseq, &[&outbound("a", C1, 1)])
        .row("Via", "SIP/2.0/UDP 192.0.2.50;branch=z9hG4bKp");
    match path {
        Some(path) => ask.row("Path", path),
        None => ask,
    }
}

#[test]
fn an_edge_without_outbound_is_told_to_a_client_with_it() {
    for path in [
        None,
        Some("<sip:edge.example.com;lr>"),
        Some("<sip:p;lr;ob>, <sip:edge;lr>"),
    ] {
        assert_eq!(
            bench().refused(&through_proxy(1, path).modern()).status(),
            439,
            "{path:?}"
        );
    }
    let told = bench().accepted(&through_proxy(1, Some("<sip:edge;lr>")));
    assert_eq!(told.changes[0].binding().reg_id, None);
}

#[test]
fn behind_an_edge_the_flow_timer_is_the_edges_business() {
    let told = bench().accepted(&through_proxy(1, Some(EDGE)).modern());
    assert_eq!(told.changes[0].binding().reg_id, Some(1));
    assert_eq!(told.values("Require"), ["outbound"]);
    assert_eq!(told.values("Flow-Timer"), [""; 0]);
}

#[test]
fn a_lost_flow_takes_its_bindings_along() {
    let mut bench = bench();
    bench.flow = LINK;
    bench.accepted(&contacts(1, &[&outbound("a", C1, 1)]).modern());
    bench.accepted(&contacts(2, &["<sip:b@192.0.2.2>"]));
    bench.flow = udp(40_001);
    bench.accepted(&contacts(3, &["<sip:c@192.0.2.3>"]));
    let changes = bench.registrar.flow_lost(LINK);
    assert_eq!(changes.len(), 2);
    assert!(
        changes
            .iter()
            .all(|change| matches!(change, Change::Removed(_, Removal::FlowLost)))
    );
    assert_eq!(bench.contacts(), ["sip:c@192.0.2.3"]);
    assert_eq!(bench.registrar.flow_lost(LINK), []);
}

#[test]
fn a_binding_over_a_path_outlives_the_connection_of_the_proxy() {
    let mut bench = bench();
    bench.flow = LINK;
    bench.accepted(&through_proxy(1, Some(EDGE)).modern());
    assert_eq!(bench.registrar.flow_lost(LINK), []);
    assert_eq!(bench.registrar.bindings(ALICE)[0].flow, NO_FLOW);
    bench.registrar.expire(NOW + Duration::from_secs(3_600));
    assert_eq!(bench.registrar.table.traces(), 0);
}

#[test]
fn a_plain_binding_may_outlive_its_connection() {
    let mut policy = Policy::new("example.com", [5; 32]);
    policy.plain_outlives_link = true;
    let mut bench = with(policy);
    bench.flow = LINK;
    bench.accepted(&contacts(1, &["<sip:b@192.0.2.2:5070;transport=tcp>"]));
    bench.accepted(&contacts(2, &[&outbound("a", C1, 1)]).modern());
    assert_eq!(bench.registrar.flow_lost(LINK).len(), 1);
    let target = bench.registrar.bindings(ALICE)[0].target();
    let expected = Target::Address {
        transport: Transport::Tcp,
        peer: "192.0.2.2:5070".parse().unwrap(),
    };
    assert_eq!(target, Some(expected));
}

#[test]
fn a_restart_leaves_what_does_not_need_a_connection() {
    let mut before = bench();
    before.accepted(&contacts(1, &["<sip:udp@192.0.2.1>"]));
    before.flow = LINK;
    before.accepted(&contacts(2, &[&outbound("tcp", C1, 1)]).modern());
    let records: Vec<String> = before
        .registrar
        .all()
        .map(|binding| serde_json::to_string(binding).unwrap())
        .collect();
    let mut after = bench();
    for record in &records {
        after
            .registrar
            .restore(serde_json::from_str(record).unwrap());
    }
    assert_eq!(after.contacts(), ["sip:udp@192.0.2.1"]);
    assert_eq!(after.registrar.bindings(ALICE)[0].flow, udp(40_000));
    assert_eq!(after.registrar.deadline(), Some(Time::EPOCH));
    let lost = after.registrar.expire(NOW);
    assert!(
        matches!(lost.as_slice(), [Change::Removed(b, Removal::FlowLost)] if b.reg_id == Some(1))
    );
    let gruu = format!("{ALICE};gr={C1}");
    assert_eq!(
        after.resolve(&gruu),
        Err(480),
        "the device is known, and away"
    );
    assert_eq!(
        after
            .refused(&contacts(1, &["<sip:udp@192.0.2.1>"]))
            .status(),
        500
    );
    after.accepted(&contacts(3, &["<sip:udp@192.0.2.1>"]));
}

#[test]
fn numbers_given_after_a_restart_are_new() {
    let mut before = bench();
    let first = before
        .accepted(&contacts(1, &["<sip:udp@192.0.2.1>"]))
        .changes[0]
        .binding()
        .serial;
    let mut after = bench();
    after.wait(1);
    let second = after
        .accepted(&contacts(1, &["<sip:udp@192.0.2.1>"]))
        .changes[0]
        .binding()
        .serial;
    assert!(second > first);
}

#[test]
fn a_restart_within_one_second_gives_no_number_twice() {
    let mut before = bench();
    before.accepted(&contacts(1, &["<sip:udp@192.0.2.1>"]));
    let mut after = bench();
    after
        .registrar
        .restore(before.registrar.bindings(ALICE)[0].clone());
    let told = after.accepted(&contacts(2, &["<sip:new@192.0.2.2>"]));
    assert_eq!(told.words(), ["created"]);
    assert_eq!(after.contacts().len(), 2);
    assert_ne!(
        after.registrar.bindings(ALICE)[0].serial,
        after.registrar.bindings(ALICE)[1].serial
    );
}

#[test]
fn expired_bindings_of_a_restart_leave_at_once() {
    let mut before = bench();
    before.accepted(&contacts(1, &["<sip:udp@192.0.2.1>"]));
    let binding = before.registrar.bindings(ALICE)[0].clone();
    let mut after = bench();
    after.registrar.restore(binding);
    let changes = after.registrar.expire(NOW + Duration::from_secs(3_600));
    assert!(matches!(
        changes.as_slice(),
        [Change::Removed(_, Removal::Expired)]
    ));
}

/// Where the one binding of a REGISTER from 192.0.2.11:40000 by UDP is reached.
fn target(contact: &str) -> Option<String> {
    let mut bench = bench();
    bench.accepted(&contacts(1, &[contact]));
    match bench.registrar.bindings(ALICE)[0].target()? {
        Target::Flow(flow) => {
            assert_eq!(flow, bench.flow);
            Some("flow".to_owned())
        }
        Target::Address { transport, peer } => Some(format!("{} {peer}", transport.name())),
    }
}

#[test]
fn a_device_is_reached_by_its_flow_unless_it_listens_beside_it() {
    for contact in [
        "<sip:a@192.0.2.11:40000>",
        "<sip:a@10.0.0.7:5060>",
        "<sip:a@phone.example.net>",
        "<sip:a@192.0.2.11;ob>",
    ] {
        assert_eq!(target(contact).as_deref(), Some("flow"), "{contact}");
    }
    assert_eq!(target("<sip:a@192.0.2.11>").unwrap(), "UDP 192.0.2.11:5060");
    assert_eq!(
        target("<sip:a@192.0.2.11:40000;transport=tcp>").unwrap(),
        "TCP 192.0.2.11:40000"
    );
    assert_eq!(
        target("<sips:a@192.0.2.11>").unwrap(),
        "TLS 192.0.2.11:5061"
    );
}

#[test]
fn behind_a_proxy_that_hung_up_the_proxy_is_called() {
    let mut bench = bench();
    bench.flow = LINK;
    bench.accepted(
        &through_proxy(
            1,
            Some("<sip:token@[2001:db8::5]:5070;transport=tcp;lr;ob>"),
        )
        .modern(),
    );
    assert_eq!(
        bench.registrar.bindings(ALICE)[0].target(),
        Some(Target::Flow(LINK))
    );
    bench.registrar.flow_lost(LINK);
    let expected = Target::Address {
        transport: Transport::Tcp,
        peer: "[2001:db8::5]:5070".parse().unwrap(),
    };
    assert_eq!(bench.registrar.bindings(ALICE)[0].target(), Some(expected));
}
