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
fn what_a_vector_leaves_open_is_a_warning() {
    let bare = "0002828408c40b23f10a000001";
    let open = run(&vector(
        &json!({"hex": bare, "decoded": {"app_ids": [2, 4]}}),
    ));
    assert!(open.holds);
    assert!(
        matches!(open.warnings.as_slice(), [one] if one.starts_with("only a lenient reading")),
        "{open:?}"
    );
    let strict = json!({"hex": bare, "canonical": true, "decoded": {"app_ids": [2, 4]}});
    assert!(!verdict(&strict).0);
    let other = json!({"hex": bare, "decoded": {"app_ids": [2, 5]}});
    assert!(!verdict(&other).0);
    let document = "<?xml version=\"1.0\"?><!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 2.0//EN\" \
        \"http://www.wapforum.org/DTD/pap_2.0.dtd\"><pap><statusquery-message push-id=\"1\"/></pap>";
    let open = run(&vector(
        &json!({"kind": "pap-xml", "hex": null, "text": document, "decoded": {"expected": {}}}),
    ));
    assert!(open.holds, "{open:?}");
    assert_eq!(open.unchecked, ["expected"]);
    assert!(
        matches!(open.warnings.as_slice(), [one] if one.starts_with("written in another spelling")),
        "{open:?}"
    );
}

#[test]
fn octets_that_are_no_text_stand_in_hex_alone() {
    let text = json!({"hex": HTTP_ONLY, "text": "(binary, see hex)"});
    assert!(verdict(&text).0);
    let both = json!({"kind": "text-string", "hex": "6100", "text": "b"});
    assert!(!verdict(&both).0);
}

/// What octets prove about a claim, and that they disprove another.
#[track_caller]
fn proves(kind: &str, octets: &str, decoded: &Value, other: &Value) {
    let of = |decoded: &Value| {
        verdict(&json!({"kind": kind, "hex": octets, "decoded": decoded, "canonical": true}))
    };
    let (holds, expected, actual) = of(decoded);
    assert!(holds, "{expected}, {actual}");
    assert!(!of(other).0, "{other}");
}

#[test]
fn the_text_behind_a_digest_is_proved() {
    let octets = "0102b2820008c4000fc3c0000209010004b630db4300";
    let of = |url: &str| json!({"prov_url": {"sha1_prefix": "b630db43", "of": url}});
    proves(
        "sia",
        octets,
        &of("http://op.example/c1"),
        &of("http://op.example/c2"),
    );
}

#[test]
fn the_key_of_a_seal_is_proved() {
    let octets = "1f2db69181923846353935414542373234434243394338393538413545423931443630333033304530323739333200";
    let of = |pin: &str| json!({"mac_key_ascii": pin, "mac_data_hex": "030b6a0045"});
    proves("content-type", octets, &of("1234"), &of("1235"));
}

#[test]
fn the_password_behind_credentials_is_proved() {
    let text = "X-Wap-Authorization: Digest username=\"5262012345678901\", realm=\"proxy1.example\", nonce=\"abc123\", \
        uri=\"/wappush\", response=\"9445cf25810ae8ec96a26b804a17b881b0e1f2dd\", algorithm=\"SHA-1\"";
    let octets = hex::digits(text.as_bytes());
    let of = |password: &str| json!({"method": "OPTIONS", "password": password});
    proves("ota-http-header", &octets, &of("secret"), &of("other"));
}

#[test]
fn a_body_is_read_on_by_its_media_type() {
    let octets = "010603ae81ea02056a0045c60c03612e6578616d706c652f0001034869000101";
    let of = |text: &str| json!({"body": {"si": {"text": text}}});
    proves("wsp-connectionless", octets, &of("Hi"), &of("Ho"));
    proves(
        "wsp-connectionless",
        octets,
        &json!({"body": "WBXML SI"}),
        &json!({"body": "WBXML SL"}),
    );
}

#[test]
fn an_unknown_kind_and_a_vector_without_octets_fail() {
    let (holds, expected, actual) = verdict(&json!({"kind": "telex"}));
    assert!(!holds);
    assert_eq!(expected, "the name of a format as kind");
    assert!(actual.contains("telex") && actual.contains("sia"));
    assert!(!verdict(&json!({"hex": null})).0);
    // A text beside octets that are text must be the same.
    assert!(!verdict(&json!({"kind": "client-address", "hex": "6162", "text": "other"})).0);
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
