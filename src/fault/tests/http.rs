//! Rules over exchanges of HTTP, and the door at which rules are changed.

use bytes::Bytes;

use super::*;
use crate::world::{Errand, HttpRequest, HttpResponse, RequestId};

fn request(id: u64) -> Input {
    Input::Request {
        id: RequestId(id),
        peer: ([192, 0, 2, 3], 80).into(),
        request: HttpRequest {
            method: "POST".to_owned(),
            target: "/pap".to_owned(),
            headers: Vec::new(),
            body: Bytes::from_static(b"<pap><push-message push-id=\"p1\"/></pap>"),
        },
    }
}

fn statuses(bench: &Bench) -> Vec<u16> {
    let sent = bench.sent.iter();
    sent.filter_map(|(_, output)| match output {
        Output::Respond { response, .. } => Some(response.status),
        _ => None,
    })
    .collect()
}

fn fetch() -> Output {
    Output::Fetch {
        errand: Errand::Result,
        id: FetchId(4),
        request: HttpRequest {
            method: "POST".to_owned(),
            target: "http://192.0.2.11:4035/wappush".to_owned(),
            headers: Vec::new(),
            body: Bytes::from_static(b"push"),
        },
    }
}

fn answered(bench: &Bench) -> Result<u16, FetchError> {
    match &bench.faulty.node.told.last().unwrap().1 {
        Input::Response { response, .. } => {
            response.as_ref().map(|it| it.status).map_err(|why| *why)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn exchanges_of_http_are_answered_lost_or_broken_and_who_waits_is_told() {
    let mut bench = Bench::new(&[r#"{"fault":"answer","code":"http:503","retry_after":2}"#]);
    bench.tell(request(1));
    assert_eq!(statuses(&bench), [503]);
    let mut bench = Bench::new(&[r#"{"fault":"answer","code":"pap:4001","bearer":"pap"}"#]);
    bench.tell(request(1));
    assert_eq!(statuses(&bench), [202]);
    let mut bench = Bench::new(&[r#"{"fault":"drop","bearer":"pap"}"#]);
    bench.tell(request(1));
    assert!(statuses(&bench).is_empty() && bench.faulty.node.told.is_empty());
    bench.run(60);
    assert_eq!(statuses(&bench), [504]);
}

#[test]
fn requests_of_ours_are_answered_lost_broken_or_late() {
    for (rule, wanted) in [
        (
            r#"{"fault":"drop","bearer":"http"}"#,
            Err(FetchError::TimedOut),
        ),
        (
            r#"{"fault":"disconnect","bearer":"http"}"#,
            Err(FetchError::Broken),
        ),
        (r#"{"fault":"answer","code":"http:500"}"#, Ok(500)),
    ] {
        let mut bench = Bench::new(&[rule]);
        bench.say(fetch());
        bench.run(60);
        assert!(bench.sent.is_empty());
        assert_eq!(answered(&bench), wanted, "{rule}");
    }
    // A held answer that comes in time is an answer; one that comes late is none.
    for (seconds, wanted) in [(10, Ok(200)), (100, Err(FetchError::TimedOut))] {
        let mut bench = Bench::new(&[r#"{"fault":"hold","bearer":"http","dir":"in"}"#]);
        bench.say(fetch());
        let response = HttpResponse {
            status: 200,
            headers: Vec::new(),
            body: Bytes::new(),
        };
        bench.tell(Input::Response {
            id: FetchId(4),
            response: Ok(response),
        });
        bench.run(seconds);
        let (mut out, now) = (Vec::new(), bench.now);
        bench.faulty.change(now, &mut out, Rules::reset);
        bench.run(100);
        assert_eq!(answered(&bench), wanted);
        assert_eq!(bench.faulty.node.told.len(), 1);
    }
}

#[test]
fn the_door_lists_adds_replaces_and_removes() {
    let mut bench = Bench::new(&[]);
    let ask = |bench: &mut Bench, method: &str, path: &str, body: &str| {
        bench.tell(Input::Request {
            id: RequestId(1),
            peer: ([127, 0, 0, 1], 80).into(),
            request: HttpRequest {
                method: method.to_owned(),
                target: format!("/api/v1/faults{path}"),
                headers: Vec::new(),
                body: Bytes::copy_from_slice(body.as_bytes()),
            },
        });
        let Some((_, Output::Respond { response, .. })) = bench.sent.pop() else {
            panic!("no answer");
        };
        let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
        (response.status, body)
    };
    let names = |body: &serde_json::Value| {
        let rules = body["rules"].as_array().unwrap().iter();
        rules
            .map(|rule| rule["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let (status, body) = ask(&mut bench, "POST", "", r#"{"fault":"drop","bearer":"wsp"}"#);
    assert_eq!((status, names(&body)), (200, vec!["f1".to_owned()]));
    let (status, body) = ask(&mut bench, "POST", "", r#"{"preset":"half-open"}"#);
    assert_eq!((status, names(&body).len()), (200, 2));
    assert_eq!(names(&ask(&mut bench, "GET", "", "").1).len(), 3);
    assert_eq!(
        ask(
            &mut bench,
            "POST",
            "",
            r#"{"fault":"drop","bearer":"pigeon"}"#
        )
        .0,
        422
    );
    assert_eq!(
        ask(&mut bench, "POST", "", r#"{"preset":"half-open"}"#).0,
        422
    );
    assert_eq!(ask(&mut bench, "DELETE", "/f1", "").0, 200);
    assert_eq!(ask(&mut bench, "DELETE", "/f1", "").0, 404);
    assert_eq!(ask(&mut bench, "PATCH", "", "").0, 405);
    let wrong = r#"{"rules":[{"fault":"drop"},{"fault":"drop","first":1,"ms":4}]}"#;
    assert_eq!(ask(&mut bench, "PUT", "", wrong).0, 422);
    assert_eq!(names(&ask(&mut bench, "GET", "", "").1).len(), 2);
    let all = r#"{"rules":[{"fault":"hold","name":"a"}]}"#;
    assert_eq!(names(&ask(&mut bench, "PUT", "", all).1), ["a"]);
    assert_eq!(ask(&mut bench, "POST", "/reset", "").1["removed"], 1);
    // What is not about rules is the node's.
    bench.tell(request(1));
    assert_eq!(bench.faulty.node.told.len(), 1);
}

fn ask(bench: &mut Bench, body: &str) -> (u16, String) {
    bench.tell(Input::Request {
        id: RequestId(1),
        peer: ([127, 0, 0, 1], 80).into(),
        request: HttpRequest {
            method: "POST".to_owned(),
            target: "/api/v1/faults".to_owned(),
            headers: Vec::new(),
            body: Bytes::copy_from_slice(body.as_bytes()),
        },
    });
    let Some((_, Output::Respond { response, .. })) = bench.sent.pop() else {
        panic!("no answer");
    };
    (
        response.status,
        String::from_utf8_lossy(&response.body).into_owned(),
    )
}

#[test]
fn a_closed_door_says_how_to_open_it() {
    let mut bench = Bench::new(&[]);
    bench.faulty.set_door(false, Vec::new());
    let (status, why) = ask(&mut bench, r#"{"fault":"drop"}"#);
    assert_eq!(status, 403);
    assert!(why.contains("[faults]"), "{why}");
    assert!(bench.faulty.node.told.is_empty());
    assert_eq!(bench.faulty.rules().list().count(), 0);
}

#[test]
fn where_initiators_have_names_only_operators_change_rules() {
    let mut bench = Bench::new(&[]);
    bench.faulty.node.asker = Some(Asker::Named("shop".to_owned()));
    assert_eq!(ask(&mut bench, r#"{"fault":"drop"}"#).0, 403);
    bench.faulty.set_door(true, vec!["lab".to_owned()]);
    assert_eq!(ask(&mut bench, r#"{"fault":"drop"}"#).0, 403);
    bench.faulty.node.asker = Some(Asker::Unknown);
    assert_eq!(ask(&mut bench, r#"{"fault":"drop"}"#).0, 401);
    bench.faulty.node.asker = Some(Asker::Named("lab".to_owned()));
    assert_eq!(ask(&mut bench, r#"{"fault":"drop"}"#).0, 200);
}

#[test]
fn no_rule_tells_of_a_success_that_is_none_or_runs_for_ever() {
    let mut bench = Bench::new(&[]);
    let long = "x".repeat(513);
    for rule in [
        r#"{"fault":"answer","code":"pap:1001"}"#.to_owned(),
        r#"{"fault":"corrupt","bits":18446744073709551615}"#.to_owned(),
        format!(r#"{{"fault":"drop","pui":"{long}"}}"#),
        format!(r#"{{"fault":"drop","device":"{long}"}}"#),
        format!(r#"{{"fault":"drop","match":"sip.method={long}"}}"#),
    ] {
        assert_eq!(ask(&mut bench, &rule).0, 422, "{rule}");
    }
    let mut bench = Bench::new(&[r#"{"fault":"answer","code":"http:200","dir":"in"}"#]);
    bench.tell(request(1));
    assert_eq!(statuses(&bench), [] as [u16; 0]);
    assert_eq!(bench.faulty.node.told.len(), 1);
}

#[test]
fn heads_that_are_held_take_room_until_their_time_is_over() {
    let mut bench = Bench::new(&[r#"{"fault":"hold","dir":"in"}"#]);
    let mut held = 0;
    for id in 0..4_000 {
        let Input::Request {
            peer, mut request, ..
        } = request(id)
        else {
            unreachable!()
        };
        request.headers = vec![("a".to_owned(), "b".repeat(28_000))];
        request.body = Bytes::new();
        let id = RequestId(id);
        bench.tell(Input::Request { id, peer, request });
        held = held.max(bench.faulty.waiting.octets());
    }
    assert!(held > 28_000 * 1_000, "{held}");
    assert!(held <= crate::limits::FAULT_OCTETS_HELD, "{held}");
    bench.run(40);
    let statuses = statuses(&bench);
    assert_eq!(statuses.len(), 4_000);
    assert!(statuses.iter().all(|status| *status == 504));
    assert_eq!(bench.faulty.waiting.octets(), 0);
}
