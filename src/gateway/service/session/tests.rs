//! Logins, good and bad, and what is left of them.

use super::*;
use crate::world::{Record, RecordKind};

const ALICE: &str = "sip:alice@example.com";
const NOW: Time = Time::from_secs(1_800_000_000);

fn sessions() -> Sessions {
    let settings = Settings {
        users: vec![(ALICE.to_owned(), "wonder".to_owned())],
        lifetime: Duration::from_secs(60),
        ..Settings::default()
    };
    Sessions::new(settings, Random::from_number(7))
}

fn ask(
    sessions: &mut Sessions,
    now: Time,
    (route, body, token): (Route, &str, Option<&str>),
) -> (HttpResponse, Vec<Output>) {
    let token = token.map(|token| (HttpRequest::SESSION.to_owned(), token.to_owned()));
    let request = HttpRequest {
        method: String::new(),
        target: PATH.to_owned(),
        headers: token.into_iter().collect(),
        body: bytes::Bytes::copy_from_slice(body.as_bytes()),
    };
    let mut resolve = |name: &str| match name {
        "alice" | ALICE => Some(ALICE.to_owned()),
        "bob" => Some("sip:bob@example.com".to_owned()),
        _ => None,
    };
    let visitor = Visitor {
        peer: IpAddr::from([192, 0, 2, 1]),
        request: &request,
        verified: None,
        resolve: &mut resolve,
    };
    let mut out = Vec::new();
    let response = sessions.answer(now, route, visitor, &mut out);
    (response, out)
}

fn login(password: &str) -> String {
    json!({ "account": "alice", "password": password }).to_string()
}

/// Begins a session, and gives its token and record.
fn begun(sessions: &mut Sessions, now: Time) -> (String, Record) {
    let body = login("wonder");
    let (response, out) = ask(sessions, now, (Route::Begin, &body, None));
    assert_eq!(response.status, 201);
    let mut headers = response.headers.into_iter();
    let token = headers.find(|(name, _)| name == HttpRequest::SESSION);
    let mut saved = out.into_iter();
    let record = saved.find_map(|output| match output {
        Output::Save(record) => Some(record),
        _ => None,
    });
    (token.unwrap().1, record.unwrap())
}

fn whose(sessions: &mut Sessions, now: Time, token: &str) -> Option<String> {
    let (response, _) = ask(sessions, now, (Route::Show, "", Some(token)));
    let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    (response.status == 200).then(|| body["account"].as_str().unwrap().to_owned())
}

#[test]
fn a_session_lasts_until_its_user_ends_it_or_its_time_does() {
    let mut all = sessions();
    let (one, _) = begun(&mut all, NOW);
    let (two, _) = begun(&mut all, NOW + Duration::from_secs(30));
    assert_ne!(one, two);
    assert_eq!(whose(&mut all, NOW, &one).as_deref(), Some(ALICE));
    let (response, out) = ask(&mut all, NOW, (Route::End, "", Some(&one)));
    assert_eq!((response.status, out.len()), (204, 2));
    assert_eq!(whose(&mut all, NOW, &one), None);
    assert_eq!(whose(&mut all, NOW, &two).as_deref(), Some(ALICE));
    let end = NOW + Duration::from_secs(90);
    assert_eq!(all.deadline(), Some(end));
    assert_eq!(whose(&mut all, end, &two), None);
    let mut out = Vec::new();
    all.expire(end, &mut out);
    assert!(all.is_empty());
    assert!(matches!(&out[..], [Output::Forget(key)] if key.kind == RecordKind::Login));
}

#[test]
fn a_session_survives_a_restart_and_its_record_does_not_tell_its_token() {
    let mut before = sessions();
    let (token, record) = begun(&mut before, NOW);
    let text = format!(
        "{} {}",
        record.key.id,
        String::from_utf8_lossy(&record.body)
    );
    assert!(!text.contains(&token), "{text}");
    assert!(token.len() >= 32, "{token}");
    let mut after = sessions();
    after.restore(&record.body).unwrap();
    assert_eq!(whose(&mut after, NOW, &token).as_deref(), Some(ALICE));
    // Who may not log in any more has no session.
    let mut later = Sessions::new(Settings::default(), Random::from_number(1));
    later.restore(&record.body).unwrap();
    assert!(later.is_empty());
    assert!(after.restore(b"{}").is_err());
}

#[test]
fn a_wrong_password_and_an_unknown_account_look_alike_and_are_bounded() {
    let mut all = sessions();
    let wrong = login("wander");
    let nobody = json!({ "account": "mallory", "password": "wonder" }).to_string();
    let bob = json!({ "account": "bob", "password": "" }).to_string();
    let answers = [&wrong, &nobody, &bob].map(|body| {
        let (response, out) = ask(&mut all, NOW, (Route::Begin, body, None));
        assert!(out.iter().all(|output| matches!(output, Output::Report(_))));
        (response.status, response.body)
    });
    assert_eq!(answers[0].0, 401);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    for _ in 0..7 {
        ask(&mut all, NOW, (Route::Begin, &wrong, None));
    }
    // Now not even the right one is looked at.
    let body = login("wonder");
    let (response, _) = ask(&mut all, NOW, (Route::Begin, &body, None));
    assert_eq!(response.status, 429);
    assert!(
        response
            .headers
            .iter()
            .any(|(name, _)| name == "retry-after")
    );
    let later = NOW + Duration::from_secs(7);
    begun(&mut all, later);
}

#[test]
fn what_is_no_login_is_refused_without_being_repeated() {
    let mut all = sessions();
    for (body, status) in [
        ("", 400),
        ("{", 400),
        ("{}", 422),
        (r#"{"account":"alice","password":12345}"#, 422),
        (r#"{"account":"alice","password":"12345","more":1}"#, 422),
    ] {
        let (response, _) = ask(&mut all, NOW, (Route::Begin, body, None));
        assert_eq!(response.status, status, "{body}");
        assert!(!String::from_utf8_lossy(&response.body).contains("12345"));
    }
    assert!(all.is_empty());
}

#[test]
fn one_account_has_a_bounded_number_of_sessions_and_the_oldest_gives_way() {
    let mut all = sessions();
    let mut tokens = Vec::new();
    for number in 0..=limits::LOGINS_PER_ACCOUNT {
        let now = NOW + Duration::from_millis(u64::try_from(number).unwrap());
        tokens.push(begun(&mut all, now).0);
    }
    assert_eq!(all.len(), limits::LOGINS_PER_ACCOUNT);
    assert_eq!(whose(&mut all, NOW, &tokens[0]), None);
    assert_eq!(whose(&mut all, NOW, &tokens[1]).as_deref(), Some(ALICE));
}
