//! Every PAP vector on file, submitted to a gateway: status, root element, code and version of what it answers.

use serde_json::Value;

use super::initiator::post_with;
use super::lab::{Lab, config};
use crate::codec::pap::{self, Operation};
use crate::gateway::config::{DeviceProfile, Identity};
use crate::world::{HttpResponse, RecordKind};

const RELATED: &str = "multipart/related; boundary=b1; type=\"application/xml\"";
const DOCUMENTS: &str = include_str!("../../../testdata/pap/vectors-documents.json");
const BODIES: &str = include_str!("../../../testdata/pap/vectors-bodies.json");
const OTHERS: &str = include_str!("../../../testdata/pap/other-implementations.json");
const MALFORMED: &str = include_str!("../../../testdata/pap/malformed.json");

fn read(file: &str) -> Vec<Value> {
    serde_json::from_str(file).unwrap()
}

/// A gateway that knows the clients of the vectors.
fn lab() -> Lab {
    let mut config = config();
    config.host = "ppg.example".to_owned();
    let device = |name: &str| DeviceProfile {
        name: name.to_owned(),
        ..DeviceProfile::default()
    };
    config.identities = vec![
        Identity {
            pui: "sip:carol@example.com".to_owned(),
            aliases: vec!["tel:+15551234".to_owned()],
            devices: vec![device("C1")],
        },
        Identity {
            pui: "sip:bob@example.com".to_owned(),
            aliases: vec!["bob".to_owned()],
            devices: vec![device("C2")],
        },
    ];
    Lab::with(config)
}

/// A document as an initiator sends it: with content where it is a submission.
fn submit(lab: &mut Lab, document: &str) -> HttpResponse {
    if !document.contains("<push-message") {
        return lab.http("POST", "/pap", "application/xml", document);
    }
    let body = format!(
        "--b1\r\nContent-Type: application/xml\r\n\r\n{document}\r\n--b1\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b1--\r\n"
    );
    lab.http("POST", "/pap", RELATED, &body)
}

fn code(operation: &Operation) -> u16 {
    match operation {
        Operation::PushResponse(answer) => answer.code,
        Operation::CancelResponse(answer) => answer.results[0].code,
        Operation::StatusQueryResponse(answer) => answer.results[0].code,
        Operation::CcqResponse(answer) => answer.code,
        Operation::BadMessage(answer) => answer.code,
        other => panic!("no answer of a gateway: {other:?}"),
    }
}

/// `key` or one of `key_any_of`, where the vector says it.
fn is_expected(expected: &Value, key: &str, actual: &Value) -> bool {
    let any = expected.get(format!("{key}_any_of"));
    expected.get(key).is_none_or(|one| one == actual)
        && any.is_none_or(|any| any.as_array().unwrap().contains(actual))
}

/// What of the answer is not as expected.
fn judge(lab: &Lab, answer: &HttpResponse, expected: &Value) -> Vec<String> {
    let document = pap::decode(&answer.body).unwrap();
    let text = String::from_utf8_lossy(&answer.body);
    let code = code(&document.operation);
    let version = document.version.to_string();
    let pushes = lab
        .records
        .keys()
        .filter(|key| key.kind == RecordKind::Push);
    let taken = pushes.count() > 0;
    let mut actual = vec![
        ("http", Value::from(answer.status)),
        ("element", Value::from(document.operation.name())),
        ("code", Value::from(code)),
        ("response_version", Value::from(version)),
        (
            "processing_instruction",
            Value::from(text.contains("<?wap-pap-ver")),
        ),
    ];
    if let Operation::PushResponse(answer) = &document.operation {
        actual.push(("push-id", Value::from(answer.push_id.as_str())));
    }
    if expected["accept"] == false {
        actual.push(("accept", Value::from(code == 1001 || taken)));
    }
    if code == 1001 {
        assert!(taken, "accepted and not saved");
    }
    let wrong = actual
        .into_iter()
        .filter(|(key, value)| !is_expected(expected, key, value));
    wrong
        .map(|(key, value)| format!("{key} is {value}"))
        .collect()
}

/// Runs the vectors that say what a gateway answers; how many they are.
fn run(vectors: &[Value], submit: impl Fn(&mut Lab, &str) -> HttpResponse) -> usize {
    let mut faults = Vec::new();
    let mut count = 0;
    for vector in vectors {
        let expected = &vector["decoded"]["expected"];
        // It requires a GSM network: a gateway that serves SIP alone refuses it with 3009, and says so elsewhere.
        if vector["name"] == "pap-push-full" {
            continue;
        }
        // What goes from a gateway to an initiator is answered by that.
        if expected["http"].is_null() || expected["element"] == "resultnotification-response" {
            continue;
        }
        count += 1;
        let mut lab = lab();
        let answer = submit(&mut lab, vector["text"].as_str().unwrap());
        let wrong = judge(&lab, &answer, expected);
        if !wrong.is_empty() {
            faults.push(format!(
                "{}: {} of {expected}",
                vector["name"],
                wrong.join(", ")
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    count
}

#[test]
fn every_document_on_file_is_answered_as_its_vector_says() {
    assert!(run(&read(DOCUMENTS), submit) >= 17);
}

#[test]
fn a_network_that_must_be_and_is_not_served_is_refused() {
    let documents = read(DOCUMENTS);
    let full = documents
        .iter()
        .find(|vector| vector["name"] == "pap-push-full")
        .unwrap();
    let answer = submit(&mut lab(), full["text"].as_str().unwrap());
    assert_eq!(code(&pap::decode(&answer.body).unwrap().operation), 3009);
}

#[test]
fn every_body_on_file_is_answered_as_its_vector_says() {
    let post = |lab: &mut Lab, body: &str| lab.http("POST", "/pap", RELATED, body);
    assert!(run(&read(BODIES), post) >= 4);
}

#[test]
fn what_a_gateway_says_to_an_initiator_is_refused_by_a_gateway() {
    let mut count = 0;
    for vector in read(DOCUMENTS) {
        let text = vector["text"].as_str().unwrap();
        if vector["decoded"]["expected"]["element"] == "resultnotification-response" {
            count += 1;
            let answer = submit(&mut lab(), text);
            let operation = pap::decode(&answer.body).unwrap().operation;
            assert!(
                matches!(&operation, Operation::BadMessage(bad) if bad.code == 2000),
                "{operation:?}"
            );
        }
    }
    assert_eq!(count, 2);
}

#[test]
fn every_malformed_body_is_refused_as_its_line_says() {
    let mut faults = Vec::new();
    for line in read(MALFORMED) {
        let mut lab = lab();
        let content_type = line["content-type"].as_str().unwrap_or(RELATED);
        let answer = lab.http("POST", "/pap", content_type, line["body"].as_str().unwrap());
        // What is no PAP by its type is refused in HTTP, where the initiator may not read PAP at all.
        if answer.status == 415 && line["set"] == "wrong-content-type" {
            continue;
        }
        let wrong = judge(&lab, &answer, &line);
        if answer.status != 202 || !wrong.is_empty() {
            faults.push(format!("{}: {}", line["name"], wrong.join(", ")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn submissions_of_other_implementations_are_answered_as_their_lines_say() {
    let mut faults = Vec::new();
    for line in read(OTHERS) {
        let mut lab = lab();
        let mut headers = vec![("content-type", line["content-type"].as_str().unwrap())];
        let own = line["headers"].as_object().unwrap();
        headers.extend(
            own.iter()
                .map(|(name, it)| (name.as_str(), it.as_str().unwrap())),
        );
        let answer = post_with(&mut lab, &headers, line["body"].as_str().unwrap());
        let wrong = judge(&lab, &answer, &line["expected"]);
        if !wrong.is_empty() {
            faults.push(format!("{}: {}", line["name"], wrong.join(", ")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
