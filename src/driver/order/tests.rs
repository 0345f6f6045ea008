//! Tests of the order of outputs.

use super::*;
use crate::world::{LinkId, Record, RecordKind, RequestId};

fn key(id: &str) -> RecordKey {
    RecordKey {
        kind: RecordKind::Push,
        id: id.to_owned(),
    }
}

fn save(id: &str) -> Output {
    Output::Save(Record {
        key: key(id),
        pui: None,
        live: true,
        due: None,
        body: Vec::new(),
    })
}

const fn close(link: u64) -> Output {
    Output::Close { link: LinkId(link) }
}

fn respond(id: u64) -> Output {
    Output::Respond {
        id: RequestId(id),
        response: HttpResponse {
            status: 202,
            headers: Vec::new(),
            body: Bytes::new(),
        },
    }
}

fn names(outputs: &[Output]) -> Vec<String> {
    outputs
        .iter()
        .map(|output| match output {
            Output::Close { link } => format!("close {}", link.0),
            Output::Respond { id, response } => format!("respond {} {}", id.0, response.status),
            other => format!("{other:?}"),
        })
        .collect()
}

fn changed(changes: &[Change]) -> Vec<String> {
    changes
        .iter()
        .map(|change| match change {
            Change::Save(record) => format!("+{}", record.key.id),
            Change::Forget(key) => format!("-{}", key.id),
        })
        .collect()
}

fn push_all(order: &mut Order, outputs: Vec<Output>) -> Vec<String> {
    let mut go = Vec::new();
    for output in outputs {
        order.push(output, &mut go);
    }
    names(&go)
}

#[test]
fn outputs_before_the_first_save_go_at_once() {
    let mut order = Order::default();
    let went = push_all(&mut order, vec![close(1), save("a"), respond(2), close(3)]);
    assert_eq!(went, ["close 1"]);
    assert_eq!(changed(&order.launch().unwrap()), ["+a"]);
    let mut go = Vec::new();
    order.landed(&mut go);
    assert_eq!(names(&go), ["respond 2 202", "close 3"]);
    assert!(order.is_idle());
}

#[test]
fn records_that_gather_during_a_commit_share_the_next_one() {
    let mut order = Order::default();
    push_all(&mut order, vec![save("a"), respond(1)]);
    assert_eq!(changed(&order.launch().unwrap()), ["+a"]);
    let went = push_all(
        &mut order,
        vec![close(1), save("b"), respond(2), save("c"), respond(3)],
    );
    assert_eq!(
        went, [""; 0],
        "nothing overtakes what waits for the first commit"
    );
    assert!(order.launch().is_none(), "one commit at a time");
    let mut go = Vec::new();
    order.landed(&mut go);
    assert_eq!(names(&go), ["respond 1 202", "close 1"]);
    assert_eq!(changed(&order.launch().unwrap()), ["+b", "+c"]);
    go.clear();
    order.landed(&mut go);
    assert_eq!(names(&go), ["respond 2 202", "respond 3 202"]);
}

#[test]
fn a_record_that_changes_again_is_written_once_in_the_place_of_its_first() {
    let mut order = Order::default();
    let ended = |id: &str| {
        let Output::Save(record) = save(id) else {
            unreachable!()
        };
        Output::Save(Record {
            live: false,
            ..record
        })
    };
    push_all(
        &mut order,
        vec![
            save("a"),
            save("b"),
            respond(1),
            ended("a"),
            save("c"),
            Output::Forget(key("c")),
        ],
    );
    let changes = order.launch().unwrap();
    assert_eq!(changed(&changes), ["+a", "+b", "-c"]);
    assert!(matches!(changes.first(), Some(Change::Save(record)) if !record.live));
}

#[test]
fn a_save_that_ends_a_batch_still_holds_the_next_batch() {
    let mut order = Order::default();
    push_all(&mut order, vec![save("a")]);
    order.launch().unwrap();
    assert_eq!(push_all(&mut order, vec![close(1)]), [""; 0]);
    let mut go = Vec::new();
    order.landed(&mut go);
    assert_eq!(names(&go), ["close 1"]);
}

#[test]
fn a_forget_that_was_asked_for_is_durable_before_what_follows_it() {
    let mut order = Order::default();
    let erase = || Output::Erase(key("a"));
    let went = push_all(&mut order, vec![close(1), erase(), respond(2)]);
    assert_eq!(went, ["close 1"]);
    assert_eq!(changed(&order.launch().unwrap()), ["-a"]);
    assert_eq!(push_all(&mut order, vec![erase(), respond(3)]), [""; 0]);
    let mut go = Vec::new();
    order.landed(&mut go);
    assert_eq!(names(&go), ["respond 2 202"]);
    let changes = order.launch().unwrap();
    let mut go = Vec::new();
    order.failed(changes, &mut go);
    assert_eq!(names(&go), [""; 0]);
    order.retry();
    assert_eq!(changed(&order.launch().unwrap()), ["-a"]);
    order.landed(&mut go);
    assert_eq!(names(&go), ["respond 3 202"]);
}

#[test]
fn a_forget_holds_nothing_back() {
    let mut order = Order::default();
    let went = push_all(&mut order, vec![Output::Forget(key("a")), close(1)]);
    assert_eq!(went, ["close 1"]);
    assert_eq!(changed(&order.launch().unwrap()), ["-a"]);
    assert_eq!(push_all(&mut order, vec![close(2)]), ["close 2"]);
}

#[test]
fn a_forget_takes_the_place_of_the_save_before_it() {
    let mut order = Order::default();
    push_all(
        &mut order,
        vec![save("a"), Output::Forget(key("a")), save("b")],
    );
    assert_eq!(changed(&order.launch().unwrap()), ["-a", "+b"]);
}

#[test]
fn what_follows_a_record_waits_until_a_later_try_stores_it() {
    let mut order = Order::default();
    push_all(
        &mut order,
        vec![respond(1), save("a"), respond(2), close(3)],
    );
    let changes = order.launch().unwrap();
    let mut go = Vec::new();
    order.failed(changes, &mut go);
    assert_eq!(names(&go), [""; 0], "nobody is told anything yet");
    assert!(order.is_failing() && !order.is_idle());
    assert!(order.launch().is_none(), "not before it is asked for");
    let went = push_all(&mut order, vec![respond(4), save("b"), respond(5)]);
    assert_eq!(went, [""; 0], "nothing overtakes what waits");
    order.retry();
    let changes = order.launch().unwrap();
    assert_eq!(changed(&changes), ["+a", "+b"]);
    order.failed(changes, &mut go);
    assert_eq!(names(&go), [""; 0]);
    order.retry();
    assert_eq!(changed(&order.launch().unwrap()), ["+a", "+b"]);
    order.landed(&mut go);
    let all = ["respond 2 202", "close 3", "respond 4 202", "respond 5 202"];
    assert_eq!(names(&go), all);
    assert!(!order.is_failing());
    assert!(order.is_idle());
}

#[test]
fn a_forget_that_failed_holds_nothing_back() {
    let mut order = Order::default();
    push_all(&mut order, vec![Output::Forget(key("a"))]);
    let changes = order.launch().unwrap();
    order.failed(changes, &mut Vec::new());
    assert_eq!(push_all(&mut order, vec![close(1)]), ["close 1"]);
    order.retry();
    assert_eq!(changed(&order.launch().unwrap()), ["-a"]);
}

#[test]
fn a_later_record_replaces_the_one_that_could_not_be_stored() {
    let mut order = Order::default();
    push_all(&mut order, vec![save("a"), save("b")]);
    let changes = order.launch().unwrap();
    order.failed(changes, &mut Vec::new());
    push_all(&mut order, vec![Output::Forget(key("a")), save("c")]);
    order.retry();
    let changes = order.launch().unwrap();
    assert_eq!(changed(&changes), ["-a", "+b", "+c"]);
    order.failed(changes, &mut Vec::new());
    order.retry();
    assert_eq!(changed(&order.launch().unwrap()), ["-a", "+b", "+c"]);
}

#[test]
fn the_node_gets_no_more_inputs_when_too_much_waits() {
    let mut order = Order::default();
    push_all(&mut order, vec![save("a")]);
    push_all(&mut order, (1..OUTPUTS_HELD as u64).map(close).collect());
    assert!(order.is_full());
}

#[test]
fn what_waits_for_a_failed_commit_counts_too() {
    let mut order = Order::default();
    push_all(&mut order, vec![save("a")]);
    push_all(&mut order, (1..OUTPUTS_HELD as u64).map(close).collect());
    let changes = order.launch().unwrap();
    assert!(!order.is_full());
    order.failed(changes, &mut Vec::new());
    assert!(order.is_full());
}
