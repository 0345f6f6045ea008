//! The HTTP door: registration, the answer to each push, and who asks whom who it is.

use super::bench::*;
use super::doors::*;
use crate::codec::ota_http::{Authentication, ClientId, header};
use crate::codec::sip::Method;
use crate::codec::sip::digest::{self, Qop, Question};
use crate::device::behaviour::{Behaviour, Trust};
use crate::device::config::{Challenge, Credentials};
use crate::world::HttpResponse;

const PUSH: (&str, &str) = ("content-type", "application/http");

fn of<'a>(answer: &'a HttpResponse, name: &str) -> Option<&'a str> {
    let name = name.to_ascii_lowercase();
    let found = answer.headers.iter().find(|(own, _)| *own == name);
    found.map(|(_, value)| value.as_str())
}

fn status(answer: &HttpResponse) -> &str {
    assert_eq!(answer.status, 204);
    of(answer, header::STATUS)
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
}

#[test]
fn r2_52_a_terminal_registers_with_its_number_bearer_and_capabilities() {
    let mut doors = Doors::new(Behaviour::default());
    let version = ("x-wap-push-ota-version", "1.*");
    let answer = doors.http("OPTIONS", &[version], b"").unwrap();
    assert_eq!(status(&answer), "501");
    assert_eq!(of(&answer, header::VERSION), Some("1.0"));
    assert_eq!(of(&answer, header::BEARER), Some("00"));
    let id = ClientId::decode(of(&answer, header::TERMINAL_ID).unwrap()).unwrap();
    assert_eq!((id.kind, id.value.as_str()), ("msisdn", "+15550103"));
    assert_eq!(of(&answer, "X-Wap-Push-MaxMsgSize"), Some("65535"));
    let tag = of(&answer, header::CPI_TAG).unwrap().to_owned();
    let again = doors
        .http("OPTIONS", &[("x-wap-cpitag", tag.as_str())], b"")
        .unwrap();
    assert_eq!(status(&again), "500");
    assert_eq!(of(&again, header::CPI_TAG), None);
    assert_eq!(of(&again, "X-Wap-Push-MaxMsgSize"), None);
}

#[test]
fn r2_52_a_push_with_a_sir_is_answered_by_its_status() {
    let mut doors = Doors::new(Behaviour::default());
    let answer = doors.post(&naming(&[C1]).encode()).unwrap();
    assert_eq!(status(&answer), "400");
    doors.bench.request(Method::Invite);
    let again = doors.post(&naming(&[C1]).encode()).unwrap();
    assert_eq!(status(&again), "400");
    assert_eq!(doors.bench.count("sir.rx 1 http"), 1);
}

#[test]
fn a_push_for_other_capabilities_is_dropped_and_told_the_tag() {
    let mut doors = Doors::new(Behaviour::default());
    let body = crate::codec::ota_http::sir::push_of(&naming(&[C1]).encode());
    let answer = doors
        .http("POST", &[PUSH, ("x-wap-cpitag", "AAAAAA==")], &body)
        .unwrap();
    assert_eq!(status(&answer), "256");
    assert!(of(&answer, header::CPI_TAG).is_some());
    assert_eq!(doors.bench.count("sir."), 0);
}

#[test]
fn what_is_no_push_is_refused_in_the_words_of_http() {
    let mut doors = Doors::new(Behaviour::default());
    let other = doors.http_to("POST", "/", &[PUSH], b"").unwrap();
    assert_eq!(other.status, 404);
    let get = doors.http("GET", &[], b"").unwrap();
    assert_eq!(
        (get.status, of(&get, "allow")),
        (405, Some("OPTIONS, POST"))
    );
    let version = ("x-wap-push-ota-version", "2.0");
    let newer = doors.http("OPTIONS", &[version], b"").unwrap();
    assert_eq!(status(&newer), "600");
    let broken = doors.http("POST", &[PUSH], b"nonsense").unwrap();
    assert_eq!(status(&broken), "235");
    let large = doors.http("POST", &[PUSH], &vec![b'a'; 65_536]).unwrap();
    assert_eq!(status(&large), "237");
    let mut wrapped = naming(&[C1]).encode();
    wrapped.body = vec![0xFF; 9];
    let sia = doors.post(&wrapped).unwrap();
    assert_eq!(status(&sia), "235");
    assert_eq!(doors.bench.count("sir.rx"), 0);
}

#[test]
fn headers_of_the_push_may_be_those_of_the_request() {
    let mut doors = Doors::new(Behaviour::default());
    let rows = [
        ("content-type", "application/vnd.wap.sia"),
        ("x-wap-application-id", "x-wap-application:push.sia"),
        ("x-sirgate-sir", "0009"),
    ];
    let answer = doors.http("POST", &rows, b"").unwrap();
    assert_eq!(status(&answer), "400");
    // Without a server address the device asks its own gateway.
    assert_eq!(doors.bench.count("sess.req sip:push@ppg.example.com"), 1);
}

#[test]
fn ota_http_008_a_gateway_is_asked_who_it_is_where_trust_is_required() {
    let mut config = open(Behaviour {
        require: Trust::Asserted,
        ..Behaviour::default()
    });
    let gateway = Credentials {
        user: "ppg".into(),
        password: "secret".into(),
    };
    config.challenge = Some(Challenge {
        realm: "devices".into(),
        gateway,
    });
    let mut doors = Doors::of(config);
    let body = crate::codec::ota_http::sir::push_of(&naming(&[C1]).encode());
    let asked = doors.http("POST", &[PUSH], &body).unwrap();
    assert_eq!(asked.status, 401);
    let digest = of(&asked, "www-authenticate").unwrap().to_owned();
    assert!(digest.contains("domain=\"/wappush\""), "{digest}");
    let (_, second) = asked.headers.last().unwrap();
    assert!(second.starts_with("Basic realm=\"4+15550103\""), "{second}");
    let old = hash(&digest, ("ppg", "secret"), "OPTIONS");
    for (password, expected) in [("guess", 401), ("secret", 204)] {
        let asked = doors.http("OPTIONS", &[], b"").unwrap();
        let question = of(&asked, "www-authenticate").unwrap();
        let said = hash(question, ("ppg", password), "OPTIONS");
        let row = ("authorization", said.as_str());
        assert_eq!(doors.http("OPTIONS", &[row], b"").unwrap().status, expected);
        let again = doors.http("OPTIONS", &[row], b"").unwrap();
        assert_eq!(again.status, 401, "each use of a nonce counts once");
    }
    let row = ("authorization", old.as_str());
    assert_eq!(doors.http("OPTIONS", &[row], b"").unwrap().status, 401);
    let wrong = basic("ppg", "guess");
    let row = ("authorization", wrong.as_str());
    assert_eq!(doors.http("POST", &[PUSH, row], &body).unwrap().status, 401);
    let right = basic("ppg", "secret");
    let row = ("authorization", right.as_str());
    let answer = doors.http("POST", &[PUSH, row], &body).unwrap();
    assert_eq!(status(&answer), "400");
    assert_eq!(doors.bench.count("sir.decide connect match"), 1);
}

#[test]
fn ota_http_007_a_terminal_that_is_asked_says_who_it_is() {
    let mut config = open(Behaviour::default());
    let digest = "Digest realm=\"ppg\", nonce=\"n1\", algorithm=\"SHA-1\"";
    let challenge = ("x-wap-authenticate", digest);
    let mut stranger = Doors::of(config.clone());
    let refusal = stranger.http("OPTIONS", &[challenge], b"").unwrap();
    assert_eq!(refusal.status, 412);
    config.credentials = Some(Credentials {
        user: "alice".into(),
        password: "wonder".into(),
    });
    let mut doors = Doors::of(config);
    let answer = doors.http("OPTIONS", &[challenge], b"").unwrap();
    let credentials = of(&answer, header::AUTHORIZATION).unwrap();
    let credentials = Authentication::decode(credentials, true).unwrap();
    assert!(credentials.is_right("wonder", "OPTIONS"));
    let refused = format!("{digest}, x-wap-auth-status=failed_retry");
    let answer = doors.http("OPTIONS", &[("x-wap-authenticate", &refused)], b"");
    let answer = answer.unwrap();
    assert_eq!(answer.status, 412);
    assert_eq!(
        of(&answer, header::AUTHORIZATION),
        Some("x-wap-auth-status=failed_noretry")
    );
}

#[test]
fn ota_http_017_a_terminal_takes_requests_for_its_own_provisioning_only() {
    let mut config = open(Behaviour::default());
    config.bearers.prov_url = Some("ppg.example.com/lab".to_owned());
    let mut doors = Doors::of(config);
    let body = crate::codec::ota_http::sir::push_of(&naming(&[C1]).encode());
    for (url, registered, pushed) in [
        ("ppg.example.com/lab", "501", "400"),
        ("elsewhere.example.com", "302", "257"),
        ("", "302", "257"),
    ] {
        let row = ("x-wap-push-provurl", url);
        assert_eq!(
            status(&doors.http("OPTIONS", &[row], b"").unwrap()),
            registered
        );
        assert_eq!(
            status(&doors.http("POST", &[PUSH, row], &body).unwrap()),
            pushed
        );
    }
}

#[test]
fn ota_http_012_a_content_is_taken_and_one_of_another_type_is_not() {
    let mut config = open(Behaviour::default());
    std::sync::Arc::make_mut(&mut config.profile).accept = vec!["text/plain".to_owned()];
    let mut doors = Doors::of(config);
    let push = |content_type| {
        let rows = [
            ("X-Wap-Application-Id", "x-wap-application:wml.ua"),
            ("X-Sirgate-Push", "p1"),
        ];
        crate::codec::ota_http::sir::response_of(rows.into_iter(), content_type, b"hello")
    };
    let taken = doors.http("POST", &[PUSH], &push("text/plain")).unwrap();
    assert_eq!(status(&taken), "400");
    assert_eq!(doors.bench.count("push.rx p1"), 1);
    let refused = doors.http("POST", &[PUSH], &push("image/png")).unwrap();
    assert_eq!(status(&refused), "238");
}

/// The answer to a Digest question.
fn hash(challenge: &str, (user, password): (&str, &str), method: &str) -> String {
    let challenge = digest::Challenge::decode(challenge.as_bytes()).unwrap();
    let secret = digest::secret(digest::Algorithm::Md5, user, &challenge.realm, password);
    let question = Question {
        nonce: &challenge.nonce,
        method,
        uri: "/wappush",
        body: b"",
        count: Some((Qop::Auth, 1)),
        cnonce: Some("c"),
    };
    let credentials = digest::Credentials {
        username: user.to_owned(),
        realm: challenge.realm.clone(),
        nonce: challenge.nonce.clone(),
        uri: "/wappush".to_owned(),
        response: digest::response(digest::Algorithm::Md5, &secret, &question),
        algorithm: challenge.algorithm,
        cnonce: Some("c".to_owned()),
        opaque: None,
        qop: Some(Qop::Auth),
        nc: Some(1),
    };
    credentials.to_string()
}

fn basic(username: &str, password: &str) -> String {
    let own = Authentication::Basic {
        username: username.to_owned(),
        password: password.to_owned(),
    };
    own.to_string()
}
