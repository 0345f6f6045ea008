//! A push that is kept here and handed on to another gateway.

use std::time::Duration;

use super::initiator::document;
use super::lab::{ALICE, Lab, NOTIFY, UUID, pap_body};
use crate::codec::pap::{
    self, Document, MessageState, Operation, PushMessage, PushResponse, ResultNotification, Version,
};
use crate::gateway::config::{Config, Relay};
use crate::world::{FetchError, FetchId, HttpRequest, HttpResponse, Input};

const RELAY: &str = "http://ppg2.example.com/pap";
const FRONT: &str = "http://front.example.com/pap";

fn front() -> Config {
    Config {
        relay: Some(Relay {
            url: RELAY.to_owned(),
            notify: FRONT.to_owned(),
        }),
        ..Config::default()
    }
}

/// The other gateway's push-response.
fn response(push_id: &str, code: u16) -> HttpResponse {
    let operation = Operation::PushResponse(PushResponse {
        push_id: push_id.to_owned(),
        code,
        desc: Some("said so".to_owned()),
        ..PushResponse::default()
    });
    HttpResponse {
        status: 202,
        headers: Vec::new(),
        body: Document::new(Version::V2_0, true, operation)
            .encode()
            .into(),
    }
}

/// The submission in a request to the other gateway.
fn handed(request: &HttpRequest) -> PushMessage {
    let content_type = request.header("content-type").unwrap();
    let (document, ..) = pap::submission(content_type, &request.body).unwrap();
    match document.operation {
        Operation::PushMessage(message) => message,
        other => panic!("{other:?}"),
    }
}

/// Tells a result at `url`; the code of the answer comes back.
fn tell(lab: &mut Lab, url: &str, push_id: &str, address: &str, state: MessageState) -> u16 {
    let operation = Operation::ResultNotification(ResultNotification {
        push_id: push_id.to_owned(),
        address: address.to_owned(),
        state,
        code: 1000,
        desc: Some("told".to_owned()),
        ..ResultNotification::default()
    });
    let body = String::from_utf8(Document::new(Version::V2_0, true, operation).encode()).unwrap();
    let target = url.strip_prefix("http://front.example.com").unwrap();
    let response = lab.http("POST", target, "application/xml", &body);
    match pap::decode(&response.body).unwrap().operation {
        Operation::ResultNotificationResponse(answer) => answer.code,
        other => panic!("{other:?}"),
    }
}

/// A front gateway with a push that was handed on: the try and the submission in it.
fn pushed(lab: &mut Lab) -> (FetchId, PushMessage) {
    assert_eq!(lab.push("p1", &[ALICE], ""), 1001);
    let (id, request) = lab.fetches.pop().expect("a try");
    (id, handed(&request))
}

#[test]
fn r2_17_a_push_is_saved_answered_handed_on_and_its_result_comes_back() {
    let (mut front, mut behind) = (Lab::with(front()), Lab::registered());
    let sent = front.push("p1", &[ALICE], "X-Sirgate-Device: C1\nX-Note: kept\n");
    assert_eq!(sent, 1001);
    assert_eq!(front.order.first(), Some(&"save"));
    assert_eq!(front.order.last(), Some(&"fetch"));
    let (id, request) = front.fetches.pop().unwrap();
    assert_eq!(request.target, RELAY);
    let body = String::from_utf8(request.body.to_vec()).unwrap();
    assert!(body.contains("X-Note: kept") && !body.contains(NOTIFY));
    let content_type = request.header("content-type").unwrap();

    let taken = behind.http("POST", "/pap", content_type, &body);
    front.fetched(id, Ok(taken));
    assert_eq!(front.get("/api/v1/pushes/p1")["state"], "pending");
    let session = behind.session(1, "");
    let contents = behind.contents(&session);
    assert!(contents[0].2.contains("hello"));
    behind.confirm(&session, &contents[0], 200);

    let (_, told) = behind.fetches.pop().expect("a result");
    let target = told.target.strip_prefix("http://front.example.com");
    let told = String::from_utf8(told.body.to_vec()).unwrap();
    let read = front.http("POST", target.unwrap(), "application/xml", &told);
    assert!(matches!(
        pap::decode(&read.body).unwrap().operation,
        Operation::ResultNotificationResponse(answer) if answer.code == 1000
    ));
    assert_eq!(front.end("p1"), Some(("delivered".to_owned(), 1000)));
    assert_eq!(front.fetches.pop().unwrap().1.target, NOTIFY);
    for of_the_other in ["obtain", "plan", "sir.tx"] {
        assert!(front.events(of_the_other).is_empty());
    }
    assert_eq!(behind.events("sir.tx").len(), 1);
}

#[test]
fn r2_17_a_push_is_handed_on_again_until_the_relay_answers() {
    let mut lab = Lab::with(front());
    let (id, _) = pushed(&mut lab);
    lab.fetched(id, Err(FetchError::Unreachable));
    lab.wait(Duration::from_secs(1));
    let (id, _) = lab.fetches.pop().expect("a second try");
    lab.fetched(id, Err(FetchError::TimedOut));
    lab.wait(Duration::from_secs(2));
    let (id, _) = lab.fetches.pop().expect("a third try");
    // The one that timed out had arrived.
    lab.fetched(id, Ok(response("p1", 2007)));
    lab.wait(Duration::from_secs(600));
    assert!(lab.fetches.is_empty());
    assert_eq!(lab.end("p1"), None);
}

#[test]
fn r2_17_what_the_relay_refuses_ends_with_its_code() {
    for (code, unreachable_before) in [(2002, false), (2007, false), (2007, true)] {
        let mut lab = Lab::with(front());
        let (mut id, _) = pushed(&mut lab);
        if unreachable_before {
            lab.fetched(id, Err(FetchError::Unreachable));
            lab.wait(Duration::from_secs(1));
            id = lab.fetches.pop().unwrap().0;
        }
        lab.fetched(id, Ok(response("p1", code)));
        assert_eq!(lab.end("p1"), Some(("rejected".to_owned(), code.into())));
        assert_eq!(lab.fetches.pop().unwrap().1.target, NOTIFY);
    }
}

#[test]
fn r2_17_a_relay_that_fails_may_have_the_push_all_the_same() {
    let mut lab = Lab::with(front());
    let (id, message) = pushed(&mut lab);
    let busy = HttpResponse {
        status: 503,
        headers: Vec::new(),
        body: bytes::Bytes::from_static(b"busy"),
    };
    lab.fetched(id, Ok(busy));
    let cancelled = lab.http("DELETE", "/api/v1/pushes/p1", "", "");
    assert_eq!(cancelled.status, 409, "it may be delivered");
    lab.wait(Duration::from_secs(1));
    let (id, request) = lab.fetches.pop().expect("a second try");
    assert_eq!(handed(&request).push_id, message.push_id);
    lab.fetched(id, Ok(response("p1", 2007)));
    lab.wait(Duration::from_secs(600));
    assert!(lab.fetches.is_empty());
    assert_eq!(lab.end("p1"), None, "it is there, and its result will come");
}

#[test]
fn r2_17_a_push_id_that_another_initiator_uses_is_taken_where_pushes_are_handed_on() {
    let config = || {
        let mut config = front();
        let names = ["one", "two"].map(|name| (name.to_owned(), "x".to_owned()));
        config.policy.initiators = names.to_vec();
        config
    };
    let mut lab = Lab::with(config());
    let submit = |lab: &mut Lab, name: &str| {
        let (body, content_type) = (
            pap_body("p1", &[ALICE], "", ""),
            "multipart/related; boundary=b",
        );
        let door = ("POST", "/pap");
        let response = lab.http_of("127.0.0.1", Some(name), door, content_type, &body);
        match pap::decode(&response.body).unwrap().operation {
            Operation::PushResponse(answer) => answer.code,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(submit(&mut lab, "one:x"), 1001);
    assert_eq!(submit(&mut lab, "two:x"), 2007);
    let mut lab = lab.restarted(config());
    assert_eq!(submit(&mut lab, "two:x"), 2007);
    // So nothing that it says of p1 is of the other's push there.
    let cancel = "<?xml version=\"1.0\"?><!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 2.0//EN\" \
        \"http://www.wapforum.org/DTD/pap_2.0.dtd\"><pap><cancel-message push-id=\"p1\"/></pap>";
    lab.fetches.clear();
    lab.http_of(
        "127.0.0.1",
        Some("two:x"),
        ("POST", "/pap"),
        "application/xml",
        cancel,
    );
    assert!(lab.fetches.is_empty());
    let shown = ("GET", "/api/v1/pushes/p1");
    let shown = lab.http_of("127.0.0.1", Some("two:x"), shown, "", "");
    assert_eq!(shown.status, 404);
}

#[test]
fn r2_17_a_push_is_handed_on_after_a_restart_unless_it_was_taken() {
    let mut lab = Lab::with(front());
    pushed(&mut lab);
    let mut lab = lab.restarted(front());
    let (id, request) = lab.fetches.pop().expect("another try");
    let message = handed(&request);
    assert_eq!(message.push_id, "p1");
    // It may have arrived before the restart.
    lab.fetched(id, Ok(response("p1", 2007)));
    let mut lab = lab.restarted(front());
    assert!(lab.fetches.is_empty());
    let (url, address) = (message.notify_to.unwrap(), &message.addresses[0]);
    assert_eq!(
        tell(&mut lab, &url, "p1", address, MessageState::Aborted),
        1000
    );
    assert_eq!(lab.end("p1"), Some(("aborted".to_owned(), 1000)));
}

#[test]
fn r2_17_a_result_counts_once_and_only_from_who_was_handed_the_push() {
    let mut lab = Lab::with(front());
    let (_, message) = pushed(&mut lab);
    let (url, address) = (message.notify_to.unwrap(), message.addresses[0].clone());
    let forged = format!("{FRONT}?result-of=aaaaaaaaaa");
    let delivered = MessageState::Delivered;
    assert_eq!(tell(&mut lab, &forged, "p1", &address, delivered), 2004);
    assert_eq!(tell(&mut lab, &url, "p1", "other", delivered), 2003);
    assert_eq!(lab.end("p1"), None);
    // The result may come before the answer to the submission.
    assert_eq!(tell(&mut lab, &url, "p1", &address, delivered), 1000);
    assert_eq!(tell(&mut lab, &url, "p1", &address, delivered), 1000);
    assert_eq!(lab.events("push.end").len(), 1);
    assert_eq!(lab.fetches.len(), 1);
}

#[test]
fn r2_17_malformed_addresses_are_refused_before_anything_is_handed_on() {
    let mut lab = Lab::with(front());
    let body = pap_body("p1", &[UUID], "", "").replace("/TYPE=USER@", "@");
    assert_eq!(lab.post(&body), 2002);
    let body = pap_body("p1", &[UUID], "", "X-Sirgate-Plan: none\n");
    assert_eq!(lab.post(&body), 2000);
    assert!(lab.fetches.is_empty() && lab.records.is_empty());
}

#[test]
fn r2_17_a_push_the_relay_never_took_expires_and_one_without_result_is_unknown() {
    let mut lab = Lab::with(front());
    let (id, _) = pushed(&mut lab);
    let mut open = Some(id);
    while let Some(id) = open {
        lab.fetched(id, Err(FetchError::Unreachable));
        lab.wait(Duration::from_secs(300));
        open = lab.fetches.pop().map(|(id, _)| id);
        if lab.end("p1").is_some() {
            break;
        }
    }
    assert_eq!(lab.end("p1"), Some(("expired".to_owned(), 4000)));

    let mut lab = Lab::with(front());
    let (id, _) = pushed(&mut lab);
    lab.fetched(id, Ok(response("p1", 1001)));
    lab.wait(Duration::from_secs(3601));
    assert_eq!(lab.end("p1"), None);
    lab.wait(Duration::from_secs(120));
    assert_eq!(lab.end("p1"), Some(("unknown".to_owned(), 4000)));
}

#[test]
fn r2_17_a_push_can_be_taken_back_until_it_is_handed_on() {
    let cancel = |lab: &mut Lab| lab.http("DELETE", "/api/v1/pushes/p1", "", "").status;
    let mut lab = Lab::with(front());
    let (id, _) = pushed(&mut lab);
    assert_eq!(cancel(&mut lab), 409);
    lab.fetched(id, Err(FetchError::Unreachable));
    assert_eq!(cancel(&mut lab), 200);
    assert_eq!(lab.end("p1"), Some(("cancelled".to_owned(), 1000)));
    lab.fetches.clear();
    lab.wait(Duration::from_secs(600));
    let tries = lab.fetches.iter().filter(|(_, f)| f.target == RELAY);
    assert_eq!(tries.count(), 0);
}

/// A front gateway and the one behind it, which has the push p1 for a device that does not answer.
fn both() -> (Lab, Lab) {
    let (mut front, mut behind) = (Lab::with(front()), Lab::registered());
    front.push("p1", &[ALICE], "");
    let (id, request) = front.fetches.pop().unwrap();
    let taken = pass_on(&mut behind, &request);
    front.fetched(id, Ok(taken));
    (front, behind)
}

/// The answer of the gateway behind to a request of the front one.
fn pass_on(behind: &mut Lab, request: &HttpRequest) -> HttpResponse {
    assert_eq!(request.target, RELAY);
    let content_type = request.header("content-type").unwrap();
    let body = String::from_utf8(request.body.to_vec()).unwrap();
    behind.http("POST", "/pap", content_type, &body)
}

/// An initiator asks the front gateway.
fn ask(front: &mut Lab, inside: &str) {
    front.input(Input::Request {
        id: crate::world::RequestId(900),
        peer: "198.51.100.1:40000".parse().unwrap(),
        request: HttpRequest {
            method: "POST".to_owned(),
            target: "/pap".to_owned(),
            headers: vec![("content-type".to_owned(), "application/xml".to_owned())],
            body: document("2.0", "", inside).into(),
        },
    });
}

/// What the initiator is answered.
fn answered(front: &mut Lab) -> Operation {
    let (id, response) = front.responses.pop().expect("an answer");
    assert_eq!(id, crate::world::RequestId(900));
    pap::decode(&response.body).unwrap().operation
}

#[test]
fn r2_17_the_other_gateway_answers_a_status_query_and_takes_a_push_back() {
    let (mut front, mut behind) = both();
    ask(&mut front, "<statusquery-message push-id=\"p1\"/>");
    assert!(
        front.responses.is_empty(),
        "the other gateway is asked first"
    );
    let (id, request) = front.fetches.pop().expect("the question");
    let told = pass_on(&mut behind, &request);
    front.fetched(id, Ok(told));
    let Operation::StatusQueryResponse(status) = answered(&mut front) else {
        panic!("a status");
    };
    assert_eq!(status.results[0].state, MessageState::Pending);

    ask(&mut front, "<cancel-message push-id=\"p1\"/>");
    let (id, request) = front.fetches.pop().expect("the question");
    let taken_back = pass_on(&mut behind, &request);
    assert_eq!(behind.end("p1").unwrap().0, "cancelled");
    front.fetched(id, Ok(taken_back));
    let Operation::CancelResponse(cancelled) = answered(&mut front) else {
        panic!("a cancel-response");
    };
    assert_eq!(cancelled.results[0].code, 1000);
    let (_, told) = behind.fetches.pop().expect("a result");
    let target = told
        .target
        .strip_prefix("http://front.example.com")
        .unwrap();
    let body = String::from_utf8(told.body.to_vec()).unwrap();
    front.http("POST", target, "application/xml", &body);
    assert_eq!(front.end("p1"), Some(("cancelled".to_owned(), 1000)));
    ask(&mut front, "<statusquery-message push-id=\"p1\"/>");
    let Operation::StatusQueryResponse(status) = answered(&mut front) else {
        panic!("a status");
    };
    assert_eq!(status.results[0].state, MessageState::Cancelled);
}

#[test]
fn r2_17_the_other_gateway_says_what_a_client_takes() {
    let (mut front, mut behind) = both();
    let address = super::lab::to(ALICE);
    let query = format!(
        "<ccq-message query-id=\"q1\"><address address-value=\"{address}\"/></ccq-message>"
    );
    ask(&mut front, &query);
    let (id, request) = front.fetches.pop().expect("the question");
    let told = pass_on(&mut behind, &request);
    let Operation::CcqResponse(expected) = pap::decode(&told.body).unwrap().operation else {
        panic!("a ccq-response");
    };
    front.fetched(id, Ok(told));
    assert_eq!(answered(&mut front), Operation::CcqResponse(expected));
}

#[test]
fn r2_17_a_question_that_the_other_gateway_does_not_answer_is_answered_here() {
    let (mut front, _) = both();
    for response in [Err(FetchError::TimedOut), Ok(response("p1", 1001))] {
        ask(&mut front, "<statusquery-message push-id=\"p1\"/>");
        let (id, _) = front.fetches.pop().expect("the question");
        front.fetched(id, response);
        let Operation::StatusQueryResponse(status) = answered(&mut front) else {
            panic!("a status");
        };
        assert_eq!(status.results[0].state, MessageState::Pending);
    }
}

#[test]
fn r2_17_json_cannot_be_handed_on() {
    let mut lab = Lab::with(front());
    let body = r#"{"to":"sip:alice@example.com","content":"x"}"#;
    let response = lab.http("POST", "/api/v1/pushes", "application/json", body);
    assert!(response.status >= 400);
    assert!(lab.fetches.is_empty());
}
