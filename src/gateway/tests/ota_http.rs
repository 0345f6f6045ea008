//! Push over HTTP: registration, contents by themselves, who proves what to whom, versions and provisioning.

use core::time::Duration;

use super::bearers::{answer_http, told, with_bearers};
use super::lab::*;
use crate::codec::ota_http::{Authentication, Message, header, sir::sir_of, terminal_response};
use crate::codec::sip::digest::Credentials;
use crate::event::Bearer;
use crate::gateway::config::{self, Config, Contents};
use crate::world::{FetchError, FetchId, HttpRequest};

const TAG: &str = "AAAAAQ==";
const OTHER_TAG: &str = "AAAAAg==";
/// What a terminal says of itself that takes text.
const TERMINAL: [(&str, &str); 5] = [
    ("x-wap-terminal-id", "4+15550103"),
    ("x-wap-bearer-indication", "00"),
    ("x-wap-cpitag", TAG),
    ("x-wap-push-accept", "application/vnd.wap.sia, text/*"),
    ("x-wap-push-maxmsgsize", "600"),
];

/// A gateway whose first device has these bearers and did not register by SIP.
fn lab(bearers: &[Bearer]) -> Lab {
    Lab::with(with_bearers(bearers))
}

fn lab_of(change: impl FnOnce(&mut Config)) -> Lab {
    let mut config = with_bearers(&[Bearer::Http]);
    change(&mut config);
    Lab::with(config)
}

/// The request to the terminal that is under way.
fn asked(lab: &mut Lab, method: &str) -> (FetchId, HttpRequest) {
    let is_to_terminal = |(_, request): &(FetchId, HttpRequest)| request.target != NOTIFY;
    let at = lab.fetches.iter().position(is_to_terminal);
    let found = lab.fetches.remove(at.expect("a request"));
    assert_eq!(found.1.method, method);
    assert_eq!(found.1.target, "http://192.0.2.11:4035/wappush");
    assert_eq!(found.1.header("host"), Some(""));
    assert_eq!(found.1.header("x-wap-push-ota-version"), Some("1.0"));
    found
}

fn is_quiet(lab: &Lab) -> bool {
    lab.fetches
        .iter()
        .all(|(_, request)| request.target == NOTIFY)
}

/// The terminal registers: it takes text.
fn register(lab: &mut Lab) -> HttpRequest {
    let (id, request) = asked(lab, "OPTIONS");
    let mut rows = TERMINAL.to_vec();
    rows.push(("x-wap-push-status", "501 Accepted"));
    lab.respond(id, 204, &rows);
    request
}

fn is_content(request: &HttpRequest) -> bool {
    let push = Message::decode(&request.body, false).unwrap();
    assert!(push.value("X-Sirgate-Sir").is_some());
    push.body == b"hello"
}

#[test]
fn r2_51_ota_http_012_a_content_that_fits_goes_by_itself_and_its_status_delivers_it() {
    let mut lab = lab(&[Bearer::Http]);
    lab.push("p1", &[UUID], "");
    register(&mut lab);
    let (id, post) = asked(&mut lab, "POST");
    assert_eq!(post.header("content-type"), Some("application/http"));
    let push = Message::decode(&post.body, false).unwrap();
    assert_eq!(push.value("X-Sirgate-Push"), Some("p1"));
    assert_eq!(push.value("Content-Type"), Some("text/plain"));
    assert_eq!(push.body, b"hello");
    answer_http(&mut lab, id, "400 Accepted");
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
    assert_eq!(lab.events("push.tx")[0]["via"], "http");
    assert!(lab.events("sir.tx").is_empty());
}

#[test]
fn ota_http_016_what_does_not_fit_is_announced_by_a_sir() {
    let mut large = lab(&[Bearer::Http]);
    let body = pap_body("p1", &[UUID], "", "").replace("hello", &"x".repeat(600));
    large.post(&body);
    register(&mut large);
    assert!(sir_of(&asked(&mut large, "POST").1.body).is_ok());
    assert_eq!(large.events("sir.tx").len(), 1);
    let mut other = lab(&[Bearer::Http]);
    other.post(&pap_body("p1", &[UUID], "", "").replace("text/plain", "image/png"));
    register(&mut other);
    assert!(sir_of(&asked(&mut other, "POST").1.body).is_ok());
}

#[test]
fn ota_http_016_a_device_that_is_registered_gets_a_sir_unless_contents_go_directly() {
    for (contents, is_direct) in [
        (Contents::BySession, false),
        (Contents::Unregistered, false),
        (Contents::Direct, true),
    ] {
        let mut lab = lab_of(|config| config.ota_http.contents = contents);
        lab.register(1);
        lab.push("p1", &[UUID], "");
        register(&mut lab);
        let (_, post) = asked(&mut lab, "POST");
        assert_eq!(is_content(&post), is_direct, "{contents:?}");
    }
}

#[test]
fn ota_http_005_registration_comes_first_and_its_tag_is_told_from_then_on() {
    let mut lab = lab(&[Bearer::Http]);
    lab.push("p1", &[UUID], "");
    let first = register(&mut lab);
    assert_eq!(first.header("x-wap-cpitag"), None);
    let (id, post) = asked(&mut lab, "POST");
    assert_eq!(post.header("x-wap-cpitag"), Some(TAG));
    answer_http(&mut lab, id, "400");
    lab.push("p2", &[UUID], "");
    let (id, _) = asked(&mut lab, "POST");
    answer_http(&mut lab, id, "400");
    lab.wait(Duration::from_secs(31));
    lab.push("p3", &[UUID], "");
    let (id, again) = asked(&mut lab, "OPTIONS");
    assert_eq!(again.header("x-wap-cpitag"), Some(TAG));
    answer_http(&mut lab, id, "500");
    let (id, post) = asked(&mut lab, "POST");
    assert!(is_content(&post), "what was kept under the tag holds");
    answer_http(&mut lab, id, "400");
    assert_eq!(lab.end("p3"), Some(("delivered".to_owned(), 1000)));
}

#[test]
fn ota_http_005_a_registration_that_is_rejected_is_tried_later_or_never() {
    for (status, is_over) in [("300", false), ("301", true), ("302", true)] {
        let mut lab = lab(&[Bearer::Http]);
        lab.push("p1", &[UUID], "");
        let (id, _) = asked(&mut lab, "OPTIONS");
        answer_http(&mut lab, id, status);
        assert_eq!(lab.end("p1").is_some(), is_over, "{status}");
        lab.wait(Duration::from_secs(5));
        assert_eq!(is_quiet(&lab), is_over, "{status}");
    }
}

#[test]
fn ota_http_005_a_terminal_that_knows_no_registration_has_what_holds_without_headers() {
    let mut lab = lab(&[Bearer::Http]);
    lab.push("p1", &[UUID], "");
    let (id, _) = asked(&mut lab, "OPTIONS");
    lab.respond(id, 405, &[("allow", "POST")]);
    let (id, post) = asked(&mut lab, "POST");
    assert!(sir_of(&post.body).is_ok(), "text is not among it");
    answer_http(&mut lab, id, "400");
    lab.post(&pap_body("p2", &[UUID], "", "").replace("text/plain", "text/vnd.wap.si"));
    assert!(is_content(&asked(&mut lab, "POST").1));
}

#[test]
fn ota_http_006_a_tag_that_is_another_is_refreshed_and_the_push_repeated_once() {
    let mut lab = lab(&[Bearer::Http]);
    lab.push("p1", &[UUID], "");
    register(&mut lab);
    let (id, _) = asked(&mut lab, "POST");
    let stale = [("x-wap-push-status", "256"), ("x-wap-cpitag", OTHER_TAG)];
    lab.respond(id, 204, &stale);
    let (id, _) = asked(&mut lab, "OPTIONS");
    let rows = [
        ("x-wap-push-status", "501"),
        ("x-wap-terminal-id", "4+15550103"),
        ("x-wap-bearer-indication", "00"),
        ("x-wap-cpitag", OTHER_TAG),
        ("x-wap-push-accept", "*/*"),
    ];
    lab.respond(id, 204, &rows);
    let (id, post) = asked(&mut lab, "POST");
    assert_eq!(post.header("x-wap-cpitag"), Some(OTHER_TAG));
    assert_eq!(lab.events("push.tx").len(), 1);
    lab.respond(
        id,
        204,
        &[("x-wap-push-status", "256"), ("x-wap-cpitag", TAG)],
    );
    assert!(is_quiet(&lab), "once is enough");
    assert_eq!(lab.end("p1"), Some(("aborted".to_owned(), 5256)));
}

#[test]
fn ota_http_006_a_push_that_is_taken_under_another_tag_is_delivered_and_the_terminal_asked_next_time()
 {
    let mut lab = lab(&[Bearer::Http]);
    lab.push("p1", &[UUID], "");
    register(&mut lab);
    let (id, _) = asked(&mut lab, "POST");
    let taken = [("x-wap-push-status", "401"), ("x-wap-cpitag", OTHER_TAG)];
    lab.respond(id, 204, &taken);
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
    lab.push("p2", &[UUID], "");
    register(&mut lab);
    asked(&mut lab, "POST");
}

#[test]
fn ota_http_012_a_content_that_is_refused_is_told_in_the_words_of_pap() {
    for (status, code) in [("235", 5235), ("236", 5236), ("238 Rejected", 5238)] {
        let mut lab = lab(&[Bearer::Http, Bearer::Sip]);
        lab.push("p1", &[UUID], "");
        register(&mut lab);
        let (id, _) = asked(&mut lab, "POST");
        answer_http(&mut lab, id, status);
        assert_eq!(
            lab.end("p1"),
            Some(("aborted".to_owned(), code)),
            "{status}"
        );
    }
}

#[test]
fn ota_http_012_a_content_that_is_rejected_for_good_is_not_repeated_unchanged() {
    for (status, code) in [("257", 5257), ("600", 5600)] {
        let mut lab = lab(&[Bearer::Http]);
        lab.push("p1", &[UUID], "");
        register(&mut lab);
        let (id, _) = asked(&mut lab, "POST");
        answer_http(&mut lab, id, status);
        let end = Some(("aborted".to_owned(), code));
        assert_eq!(lab.end("p1"), end, "{status}");
        let mut lab = super::ota_http::lab(&[Bearer::Http, Bearer::Wsp]);
        lab.push("p1", &[UUID], "");
        register(&mut lab);
        let (id, _) = asked(&mut lab, "POST");
        answer_http(&mut lab, id, status);
        assert_eq!((lab.wsp.len(), lab.end("p1")), (1, None), "{status}");
    }
}

#[test]
fn ota_http_012_a_content_that_cannot_be_taken_now_is_sent_again_and_then_given_up() {
    let mut lab = lab(&[Bearer::Http]);
    lab.push("p1", &[UUID], "");
    let mut posts = 0;
    while lab.end("p1").is_none() {
        let is_registration = lab
            .fetches
            .iter()
            .any(|(_, request)| request.method == "OPTIONS");
        if is_registration {
            register(&mut lab);
        }
        let (id, post) = asked(&mut lab, "POST");
        assert!(is_content(&post));
        posts += 1;
        answer_http(&mut lab, id, "237");
        lab.wait(Duration::from_secs(60));
    }
    assert_eq!(posts, 4, "the first and three more");
    assert_eq!(lab.end("p1"), Some(("aborted".to_owned(), 5237)));
}

#[test]
fn ota_http_012_a_content_that_nobody_takes_goes_on_by_the_next_bearer() {
    let mut lab = lab(&[Bearer::Http, Bearer::Wsp]);
    lab.push("p1", &[UUID], "");
    register(&mut lab);
    let (id, _) = asked(&mut lab, "POST");
    let response = Err(FetchError::Broken);
    lab.fetched(id, response);
    assert_eq!(lab.wsp.len(), 1);
    let next = lab.events("sir.next");
    assert_eq!(
        (&next[0]["bearer"], &next[0]["next"]),
        (&"http".into(), &"wsp".into())
    );
}

#[test]
fn ota_http_012_a_push_that_is_cancelled_during_registration_is_not_sent() {
    let mut lab = lab(&[Bearer::Http]);
    lab.push("p1", &[UUID], "");
    let response = lab.http("DELETE", "/api/v1/pushes/p1", "", "");
    assert!(response.status < 300, "{response:?}");
    register(&mut lab);
    assert!(is_quiet(&lab));
    lab.push("p2", &[UUID], "");
    assert!(is_content(&asked(&mut lab, "POST").1), "the way is free");
}

#[test]
fn ota_http_013_another_version_is_a_refusal() {
    let mut lab = lab(&[Bearer::Http]);
    lab.push("p1", &[UUID], "");
    let (id, _) = asked(&mut lab, "OPTIONS");
    lab.respond(
        id,
        204,
        &[
            ("x-wap-push-status", "600"),
            ("x-wap-push-ota-version", "2.0"),
        ],
    );
    assert_eq!(lab.end("p1"), Some(("undeliverable".to_owned(), 4001)));
    assert!(
        told(&mut lab, "p1").contains("version"),
        "{}",
        told(&mut lab, "p1")
    );
}

#[test]
fn ota_http_017_the_provisioning_is_named_and_a_terminal_without_it_is_given_up() {
    let url = "ppg.example.com/lab";
    for status in ["302", "257"] {
        let mut lab = lab_of(|config| config.ota_http.prov_url = Some(url.to_owned()));
        lab.push("p1", &[UUID], "");
        if status == "257" {
            register(&mut lab);
        }
        let method = if status == "257" { "POST" } else { "OPTIONS" };
        let (id, request) = asked(&mut lab, method);
        assert_eq!(request.header("x-wap-push-provurl"), Some(url));
        answer_http(&mut lab, id, status);
        let end = match status {
            "257" => ("aborted".to_owned(), 5257),
            _ => ("undeliverable".to_owned(), 4001),
        };
        assert_eq!(lab.end("p1"), Some(end));
    }
}

#[test]
fn ota_http_008_a_terminal_that_asks_who_we_are_is_told_once() {
    let basic = "Basic realm=\"4+15550103\"";
    let digest = "Digest realm=\"4+15550103\", nonce=\"n1\", qop=\"auth\", domain=\"/wappush\"";
    for challenge in [basic, digest] {
        let known = ("ppg".to_owned(), "secret".to_owned());
        let mut lab = lab_of(|config| config.credentials = Some(known));
        lab.push("p1", &[UUID], "");
        let (id, first) = asked(&mut lab, "OPTIONS");
        assert_eq!(first.header("authorization"), None);
        lab.respond(id, 401, &[("www-authenticate", challenge)]);
        let (id, second) = asked(&mut lab, "OPTIONS");
        let said = second.header("authorization").unwrap();
        if challenge == digest {
            let said = Credentials::decode(said.as_bytes()).unwrap();
            assert!(said.is_right("secret", "OPTIONS", b""));
        } else {
            let said = Authentication::decode(said, false).unwrap();
            assert!(said.is_right("secret", "OPTIONS"));
        }
        lab.respond(id, 401, &[("www-authenticate", challenge)]);
        assert_eq!(lab.end("p1"), Some(("undeliverable".to_owned(), 4001)));
        assert!(is_quiet(&lab));
    }
}

#[test]
fn ota_http_008_credentials_are_sent_unasked_once_the_terminal_asked() {
    let known = ("ppg".to_owned(), "secret".to_owned());
    let mut lab = lab_of(|config| config.credentials = Some(known));
    lab.push("p1", &[UUID], "");
    let (id, _) = asked(&mut lab, "OPTIONS");
    lab.respond(id, 401, &[("www-authenticate", "Basic realm=\"t\"")]);
    assert!(register(&mut lab).header("authorization").is_some());
    let (_, post) = asked(&mut lab, "POST");
    assert!(post.header("authorization").is_some());
}

/// A lab whose terminals have to prove who they are.
fn strict() -> Lab {
    lab_of(|config| {
        config.ota_http.terminals = Some(config::Authentication {
            realm: "ppg".to_owned(),
            users: ["4+15550103", "4+15550104"]
                .map(|name| (name.to_owned(), "wonder".to_owned()))
                .to_vec(),
        });
        let other = &mut config.identities[0].devices[1].profile;
        other.addresses.msisdn = Some("+15550104".to_owned());
    })
}

/// The terminal answers the challenge with that password; how its last answer was judged comes back.
fn prove(lab: &mut Lab, password: &str) -> Option<String> {
    prove_as(lab, "4+15550103", password)
}

fn prove_as(lab: &mut Lab, name: &str, password: &str) -> Option<String> {
    let (id, request) = asked(lab, "OPTIONS");
    let challenge = request.header("x-wap-authenticate").unwrap();
    let challenge = Authentication::decode(challenge, true).unwrap();
    let param = |name| challenge.param(name).unwrap();
    assert_eq!((param("realm"), param("algorithm")), ("ppg", "SHA-1"));
    let who = (name, "ppg", password);
    let said = terminal_response(who, param("nonce"), "OPTIONS").to_string();
    let mut rows = TERMINAL.to_vec();
    rows.push(("x-wap-push-status", "501"));
    rows.push(("x-wap-authorization", &said));
    lab.respond(id, 204, &rows);
    challenge.status().map(|status| status.name().to_owned())
}

#[test]
fn ota_http_007_a_terminal_proves_who_it_is_before_it_gets_anything() {
    let mut lab = strict();
    lab.push("p1", &[UUID], "");
    assert_eq!(prove(&mut lab, "wonder"), None);
    assert!(is_content(&asked(&mut lab, "POST").1));
}

#[test]
fn ota_http_009_a_terminal_with_a_wrong_password_may_try_again_and_is_then_dismissed() {
    let mut lab = strict();
    lab.push("p1", &[UUID], "");
    assert_eq!(prove(&mut lab, "guess"), None);
    assert_eq!(prove(&mut lab, "wonder"), Some("failed_retry".to_owned()));
    asked(&mut lab, "POST");
    let mut lab = strict();
    lab.push("p1", &[UUID], "");
    prove(&mut lab, "guess");
    prove(&mut lab, "guess again");
    assert_eq!(lab.end("p1"), Some(("undeliverable".to_owned(), 4001)));
    assert_eq!(prove(&mut lab, "wonder"), Some("failed_noretry".to_owned()));
    assert!(is_quiet(&lab), "it is too late for that");
}

#[test]
fn ota_http_009_a_terminal_that_proves_to_be_another_device_gets_nothing() {
    let mut lab = strict();
    lab.push("p1", &[UUID], "");
    assert_eq!(prove_as(&mut lab, "4+15550104", "wonder"), None);
    let judged = prove_as(&mut lab, "4+15550104", "wonder");
    assert_eq!(judged, Some("failed_retry".to_owned()));
    assert_eq!(lab.end("p1"), Some(("undeliverable".to_owned(), 4001)));
    let (_, last) = asked(&mut lab, "OPTIONS");
    let last = last.header("x-wap-authenticate").unwrap();
    assert!(last.contains("failed_noretry"), "{last}");
}

#[test]
fn ota_http_010_a_terminal_that_will_not_say_who_it_is_gets_nothing() {
    let refusal = |word: &str| format!("x-wap-auth-status={word}");
    let mut lab = strict();
    lab.push("p1", &[UUID], "");
    let (id, _) = asked(&mut lab, "OPTIONS");
    lab.respond(
        id,
        412,
        &[("x-wap-authorization", &refusal("failed_retry"))],
    );
    let (id, again) = asked(&mut lab, "OPTIONS");
    assert!(
        !again
            .header(&header::AUTHENTICATE.to_lowercase())
            .unwrap()
            .contains("failed")
    );
    lab.respond(
        id,
        412,
        &[("x-wap-authorization", &refusal("failed_noretry"))],
    );
    assert_eq!(lab.end("p1"), Some(("undeliverable".to_owned(), 4001)));
    let mut silent = strict();
    silent.push("p1", &[UUID], "");
    register(&mut silent);
    assert_eq!(asked(&mut silent, "OPTIONS").1.method, "OPTIONS", "no POST");
}

#[test]
fn r2_50_a_small_content_that_needs_no_confirmation_goes_in_a_datagram() {
    let quality = "<quality-of-service delivery-method=\"unconfirmed\"/></push-message>";
    let body = pap_body("p1", &[UUID], "", "").replace("</push-message>", quality);
    let mut lab = lab(&[Bearer::Wsp]);
    assert_eq!(lab.post(&body), 1001);
    let (peer, datagram) = lab.wsp.pop().expect("a datagram");
    assert_eq!(peer, "192.0.2.11:2948".parse().unwrap());
    assert!(sir_of(&datagram).is_err() && datagram.ends_with(b"hello"));
    assert_eq!(lab.end("p1"), Some(("delivered".to_owned(), 1000)));
    assert_eq!(told(&mut lab, "p1"), "delivered");
    let large = body
        .replace("hello", &"x".repeat(1_400))
        .replace("p1", "p2");
    lab.post(&large);
    let (_, datagram) = lab.wsp.pop().expect("a datagram");
    assert!(crate::codec::wsp::sir::sir_of(&datagram).is_ok());
    assert_eq!(lab.end("p2"), None);
    lab.push("p3", &[UUID], "");
    assert!(crate::codec::wsp::sir::sir_of(&lab.wsp.pop().unwrap().1).is_ok());
}
