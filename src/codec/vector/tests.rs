//! What the runner says of vectors that hold and of each way in which one does not.

use serde_json::json;

use super::*;

const HTTP_ONLY: &str = "0102b2820008c4000fc3c000020901000000";

fn vector(fields: &Value) -> Vector {
    let mut all = json!({"name": "v", "kind": "sia", "valid": true, "hex": HTTP_ONLY});
    for (key, value) in fields.as_object().unwrap() {
        all[key] = value.clone();
    }
    serde_json::from_value(all).unwrap()
}

fn verdict(fields: &Value) -> (bool, String, String) {
    let verdict = run(&vector(fields));
    (verdict.holds, verdict.expected, verdict.actual)
}

#[test]
fn a_vector_that_is_read_equal_and_written_back_holds() {
    let decoded = json!({"app_ids": [2], "contacts": [{"port": 4035}], "prov_url": null});
    assert_eq!(
        verdict(&json!({"decoded": decoded})),
        (
            true,
            "read, 3 fields".to_owned(),
            "read, equal, written back".to_owned()
        )
    );
}

#[test]
fn the_first_field_that_differs_is_named_with_both_values() {
    let decoded = json!({"contacts": [{"port": 4036}]});
    assert_eq!(
        verdict(&json!({"decoded": decoded})),
        (
            false,
            "contacts[0].port = 4036".to_owned(),
            "contacts[0].port = 4035".to_owned()
        )
    );
    let shorter = verdict(&json!({"decoded": {"contacts": []}}));
    assert!(!shorter.0 && shorter.1 == "contacts = []", "{shorter:?}");
}

#[test]
fn what_a_device_does_is_left_to_others_and_listed() {
    let verdict = run(&vector(&json!({"decoded": {"pap_code": 2000}})));
    assert!(verdict.holds);
    assert_eq!(verdict.unchecked, ["pap_code"]);
}

#[test]
fn a_malformed_vector_holds_by_class_and_offset() {
    let malformed = |class: &str, offset: usize| {
        let fields =
            json!({"valid": false, "hex": "0009b282", "error_class": class, "offset": offset});
        verdict(&fields)
    };
    assert!(malformed("bad_length", 1).0);
    assert!(malformed("truncated", 1).0);
    let (holds, expected, actual) = malformed("bad_length", 2);
    assert!(!holds);
    assert_eq!(expected, "refused, bad_length at 2");
    assert!(actual.starts_with("refused, bad_length at 1, expected"));
    assert!(!malformed("bad_value", 1).0);
    let read = verdict(&json!({"valid": false, "error_class": "truncated"}));
    assert_eq!(
        read,
        (false, "refused, truncated".to_owned(), "read".to_owned())
    );
}

#[test]
fn a_lenient_vector_is_refused_strictly_and_has_deviations() {
    let bare = json!({"hex": "0002828408c40b23f10a000001", "decoded": {"app_ids": [2, 4], "lenient": true}});
    assert!(verdict(&bare).0);
    let (holds, expected, _) = verdict(&json!({"decoded": {"lenient": true}}));
    assert!(!holds);
    assert_eq!(expected, "refused by a strict reading");
}

#[test]
fn another_spelling_is_read_again_instead_of_compared() {
    // The length of the application list has a leading zero, which is not written.
    let octets = "018002b2820008c4000fc3c000020901000000";
    let with = |canonical: bool| {
        verdict(&json!({
            "hex": octets, "canonical": canonical, "decoded": {"lenient": true, "app_ids": [2]}
        }))
    };
    assert!(with(false).0);
    let (holds, expected, actual) = with(true);
    assert!(!holds);
    assert!(expected.starts_with("written with 8002b2"), "{expected}");
    assert!(actual.starts_with("written with 02b282"), "{actual}");
}

#[test]
fn an_unknown_kind_and_a_vector_without_octets_fail() {
    let (holds, expected, actual) = verdict(&json!({"kind": "telex"}));
    assert!(!holds);
    assert_eq!(expected, "the name of a format as kind");
    assert!(actual.contains("telex") && actual.contains("sia"));
    assert!(!verdict(&json!({"hex": null})).0);
    assert!(!verdict(&json!({"text": "other"})).0);
    assert!(!verdict(&json!({"hex": "0"})).0);
}

#[test]
fn spans_with_a_gap_or_an_overlap_are_told() {
    let span = |at, len| Span {
        at,
        len,
        path: String::new(),
        value: String::new(),
        clause: "",
    };
    assert_eq!(covered(&[span(0, 2), span(2, 0), span(2, 1)]), Ok(3));
    assert_eq!(covered(&[span(0, 2), span(3, 1)]), Err(2));
    assert_eq!(covered(&[span(0, 2), span(1, 1)]), Err(1));
}
